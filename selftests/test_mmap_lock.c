// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Mapping, unmapping and protecting data must not take mmap_lock for writing: it
 * would wait for, and keep waiting, all other threads of the process. The
 * kernel's own trace events tell who takes it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zvm_test.h"

#define TRACING "/sys/kernel/tracing/"
#define EVENT TRACING "events/mmap_lock/mmap_lock_acquire_returned/"
#define ROUNDS 1000

static bool put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_TRUNC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* Count from now on how often this thread takes the lock for writing. */
static bool watch(void)
{
	char filter[64];

	snprintf(filter, sizeof(filter), "write == 1 && common_pid == %d", (int)gettid());
	/* Else the kernel makes a large one, for good. */
	put(TRACING "buffer_size_kb", "64");
	return put(EVENT "filter", filter) && put(TRACING "trace", "\n") &&
	       put(EVENT "enable", "1");
}

static int seen(void)
{
	char line[512];
	int count = 0;
	FILE *f;

	put(EVENT "enable", "0");
	f = fopen(TRACING "trace", "r");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		count += !!strstr(line, "mmap_lock_acquire_returned:");
	fclose(f);
	return count;
}

FIXTURE(mmap_lock)
{
	zx_handle_t root, vmo;
};

FIXTURE_SETUP(mmap_lock)
{
	self->root = zx_vmar_root_self();
	ASSERT_NE(ZX_HANDLE_INVALID, self->root);
	ASSERT_EQ(ZX_OK, zx_vmo_create(16 * ZT_P, 0, &self->vmo));
	if (!watch()) {
		SKIP(return, "the kernel has no trace events for mmap_lock");
	}
	/* The measure works. */
	ASSERT_NE(MAP_FAILED, mmap(NULL, ZT_P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	ASSERT_LT(0, seen());
	ASSERT_TRUE(watch());
}

FIXTURE_TEARDOWN(mmap_lock)
{
	put(EVENT "enable", "0");
	put(EVENT "filter", "0");
}

TEST_F(mmap_lock, map_and_unmap)
{
	zx_vaddr_t addr;

	for (int i = 0; i < ROUNDS; i++) {
		ASSERT_EQ(ZX_OK, zx_vmar_map(self->root, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0,
					     self->vmo, 0, 16 * ZT_P, &addr));
		ASSERT_EQ(ZX_OK, zx_vmar_unmap(self->root, addr, 16 * ZT_P));
	}
	EXPECT_EQ(0, seen());
}

TEST_F(mmap_lock, protect_and_touch)
{
	volatile char *p;
	zx_vaddr_t addr;

	ASSERT_EQ(ZX_OK, zx_vmar_map(self->root, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0,
				     self->vmo, 0, 16 * ZT_P, &addr));
	p = (volatile char *)addr;
	for (int i = 0; i < ROUNDS; i++) {
		p[i % 16 * ZT_P] = (char)i;
		ASSERT_EQ(ZX_OK, zx_vmar_protect(self->root, ZX_VM_PERM_READ, addr, 16 * ZT_P));
		ASSERT_EQ((char)i, p[i % 16 * ZT_P]);
		ASSERT_EQ(ZX_OK, zx_vmar_protect(self->root, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE,
						 addr + i % 8 * ZT_P, 8 * ZT_P));
		ASSERT_EQ(ZX_OK, zx_vmar_protect(self->root, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE,
						 addr, 16 * ZT_P));
	}
	EXPECT_EQ(0, seen());
}

/* Giving back page tables does take it, but hardly ever where it is of no use. */
TEST_F(mmap_lock, map_touch_and_unmap)
{
	zx_vaddr_t addr;
	int count;

	for (int i = 0; i < ROUNDS; i++) {
		ASSERT_EQ(ZX_OK, zx_vmar_map(self->root, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0,
					     self->vmo, 0, 4 * ZT_P, &addr));
		*(volatile char *)addr = (char)i;
		ASSERT_EQ(ZX_OK, zx_vmar_unmap(self->root, addr + ZT_P, ZT_P));
		ASSERT_EQ(ZX_OK, zx_vmar_unmap(self->root, addr, 4 * ZT_P));
	}
	count = seen();
	EXPECT_LE(count, ROUNDS / 50);
	TH_LOG("%d times in %d rounds", count, ROUNDS);
}

TEST_HARNESS_MAIN
