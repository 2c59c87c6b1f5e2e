// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Reading, writing, creating.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

#define SIZE MIB(4)

static zx_handle_t vmo;
static int memfd;
static char *buffer;
static size_t amount;

static void moved(ssize_t result)
{
	if (result != (ssize_t)amount)
		die_errno("pread or pwrite");
}

static void read_ours(void)
{
	ok(zx_vmo_read(vmo, buffer, 0, amount));
}

static void read_theirs(void)
{
	moved(pread(memfd, buffer, amount, 0));
}

static void write_ours(void)
{
	ok(zx_vmo_write(vmo, buffer, 0, amount));
}

static void write_theirs(void)
{
	moved(pwrite(memfd, buffer, amount, 0));
}

static void create_close_ours(void)
{
	zx_handle_t h;

	ok(zx_vmo_create(PAGE, 0, &h));
	ok(zx_handle_close(h));
}

static void create_close_theirs(void)
{
	int fd = memfd_create("bench", MFD_CLOEXEC);

	if (fd < 0)
		die_errno("memfd_create");
	zero(close(fd));
}

static void transfer(const char *name, double bar, size_t bytes, bool writing)
{
	struct bench_case c = {
		.name = name, .bar = bar, .repeat = bytes < MIB(1) ? 1001 : 101, .per = 1,
		.ours = { .run = writing ? write_ours : read_ours },
		.theirs = { .run = writing ? write_theirs : read_theirs },
	};

	amount = bytes;
	bench(&c);
}

void transfer_cases(void)
{
	static const struct bench_case create = {
		.name = "create + close (VMO / memfd)", .bar = 0.80,
		.repeat = 1001, .per = 1,
		.ours = { .run = create_close_ours },
		.theirs = { .run = create_close_theirs },
	};

	buffer = malloc(SIZE);
	if (!buffer)
		die_errno("malloc");
	memset(buffer, 3, SIZE);
	vmo = new_vmo(SIZE);
	memfd = new_memfd(SIZE);
	amount = SIZE;
	write_ours();
	write_theirs();

	transfer("read 64 B", 0.90, 64, false);
	transfer("read 4 KiB", 0.95, KIB(4), false);
	transfer("read 1 MiB", 0.95, MIB(1), false);
	transfer("write 64 B", 0.70, 64, true);
	transfer("write 4 KiB", 0.80, KIB(4), true);
	transfer("write 1 MiB", 0.80, MIB(1), true);
	bench(&create);

	ok(zx_handle_close(vmo));
	zero(close(memfd));
	free(buffer);
}
