// SPDX-License-Identifier: MIT OR GPL-2.0
/* The arena of a process: how large it is, and what if there is no room for it. */
#include "kselftest_harness.h"
#include <sys/resource.h>

#include "zvm_vmar_test.h"

#define PARAM "/sys/module/zircon_vm/parameters/arena_size"
#define GIB (1ull << 30)

/* The size of the root region that a new process gets, in GiB. */
static int new_size(void *unused ZT_UNUSED)
{
	size_t len = vt_region_of(zx_vmar_root_self()).len;

	/* An exit status has 7 bits for it. */
	return len % GIB ? 0 : 64 - __builtin_clzll(len / GIB);
}

/* That with the module's parameter set to @text. */
static int size_with(const char *text)
{
	if (!vt_write_file(PARAM, text))
		return -1;
	return zt_fork_run(new_size, NULL);
}

TEST(arena_size)
{
	int64_t before = vt_read_number(PARAM);
	char text[32];
	int normal;

	if (access(PARAM, W_OK))
		SKIP(return, "only root can change the module's parameters");
	normal = size_with("0");
	EXPECT_LT(1, normal);
	EXPECT_EQ(1, size_with("1"));
	EXPECT_EQ(1, size_with("1610612736"));	/* rounded down */
	EXPECT_EQ(3, size_with("4294967296"));
	/* More than there is room for is as good as nothing. */
	EXPECT_EQ(normal, size_with("0xffffffffffffffff"));
	snprintf(text, sizeof(text), "%" PRId64, before);
	EXPECT_TRUE(vt_write_file(PARAM, text));
}

/* A process that may not have so much address space: 0 if all goes as it should. */
static int without_room(void *unused ZT_UNUSED)
{
	struct rlimit old, small = { .rlim_cur = GIB };
	struct zvm_stats before = zt_stats(), now;

	if (getrlimit(RLIMIT_AS, &old))
		return 1;
	small.rlim_max = old.rlim_max;
	if (setrlimit(RLIMIT_AS, &small))
		return 2;
	if (zx_vmar_root_self() != ZX_HANDLE_INVALID || zx_vmar_root_self() != ZX_HANDLE_INVALID)
		return 3;
	if (!zt_stats_back(&before, &now))
		return 4;
	/* The next attempt is a new one. */
	if (setrlimit(RLIMIT_AS, &old))
		return 5;
	if (zx_vmar_root_self() == ZX_HANDLE_INVALID || !zt_warm_up())
		return 6;
	return 0;
}

TEST(no_room)
{
	EXPECT_EQ(0, zt_fork_run(without_room, NULL));
}

static zx_handle_t code;

static void *map_code(void *unused ZT_UNUSED)
{
	zx_handle_t root = zx_vmar_root_self();
	zx_vaddr_t addr;

	for (;;)
		if (!zx_vmar_map(root, VT_R | VT_X, 0, code, 0, P, &addr))
			zx_vmar_unmap(root, addr, P);
	return NULL;
}

/* The arena is unmapped by munmap(2) while threads map executable memory. */
static int unmap_under(void *arg)
{
	struct vt_region root = vt_region_of(zx_vmar_root_self());
	zx_handle_t vmo = zt_vmo(P, 0);
	pthread_t t;

	if (!root.len || zx_vmo_replace_as_executable(vmo, ZX_HANDLE_INVALID, &code))
		return 1;
	for (int i = 0; i < 2; i++)
		if (pthread_create(&t, NULL, map_code, NULL))
			return 2;
	usleep(*(useconds_t *)arg);
	if (munmap((void *)root.base, root.len))
		return 3;
	/* A thread that is in a call may keep it for that long. */
	for (int i = 0; i < 1000; i++) {
		if (!zt_map_at(root.h, code, 0, P, VT_R))
			return 0;
		usleep(1000);
	}
	return 4;
}

TEST(unmapped_while_in_use)
{
	struct zvm_stats before;

	ASSERT_TRUE(zt_warm_up());
	before = zt_stats();
	for (useconds_t us = 1000; us < 3000; us += 50)
		ASSERT_EQ(0, zt_fork_run(unmap_under, &us));
	ZT_EXPECT_NO_LEAK(&before);
}

TEST_HARNESS_MAIN
