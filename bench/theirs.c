// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Linux's way with much memory.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/wait.h>

#include "bench.h"
#include "theirs.h"

size_t len;
int memfd;
char *their_addr;
pid_t child;

void create_theirs(void)
{
	memfd = new_memfd(len);
}

void close_theirs(void)
{
	zero(close(memfd));
}

static void map_file_or_memory(int flags, int fd)
{
	their_addr = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (their_addr == MAP_FAILED)
		die_errno("mmap");
}

void map_theirs_with(int flags)
{
	map_file_or_memory(MAP_SHARED | flags, memfd);
}

void map_theirs(void)
{
	map_theirs_with(0);
}

void unmap_theirs(void)
{
	zero(munmap(their_addr, len));
}

void unmap_close_theirs(void)
{
	unmap_theirs();
	close_theirs();
}

void map_private_theirs(void)
{
	map_file_or_memory(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	zero(madvise(their_addr, len, MADV_NOHUGEPAGE));
}

void write_all_theirs(void)
{
	for (size_t i = 0; i < len; i += PAGE)
		touch_write(their_addr + i);
}

void fork_alone(void)
{
	child = fork();
	if (child < 0)
		die_errno("fork");
	if (!child)
		_exit(0);
}

void reap(void)
{
	if (waitpid(child, NULL, 0) != child)
		die_errno("waitpid");
}

void fork_and_exit(void)
{
	fork_alone();
	reap();
}
