// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * What the kernel reads without a lock, while others write it as fast as they
 * can: nobody sees anything but what somebody has written. For KCSAN, too, which
 * then sees these accesses meet (docs/testing.md).
 */
#include "kselftest_harness.h"
#include "zvm_vmar_test.h"

#include <stdatomic.h>

#define SMALL (3 * P)
#define LARGE (0x7a5a5a5aull * P)	/* no half of it is like SMALL's */

struct unlocked {
	zx_handle_t sized, policed, named;
	_Atomic zx_handle_t region;
	_Atomic bool stop;
	_Atomic unsigned long writes, reads;
	char bad[80];
};

static void check(struct unlocked *u, bool ok, const char *what, uint64_t got)
{
	if (!ok && !u->bad[0])
		snprintf(u->bad, sizeof(u->bad), "%s: %#llx", what, (unsigned long long)got);
}

static void *write_sizes(void *arg)
{
	struct unlocked *u = arg;

	for (unsigned int i = 0; !u->stop; i++, u->writes++) {
		zx_status_t st = zx_vmo_set_size(u->sized, i & 1 ? SMALL : LARGE);

		check(u, st == ZX_OK, "set_size", st);
	}
	return NULL;
}

static void *write_policy_and_name(void *arg)
{
	struct unlocked *u = arg;
	char name[ZX_MAX_NAME_LEN];

	for (unsigned int i = 0; !u->stop; i++, u->writes++) {
		memset(name, i & 1 ? 'a' : 'b', sizeof(name));
		zx_object_set_property(u->named, ZX_PROP_NAME, name, sizeof(name));
		zx_vmo_set_cache_policy(u->policed, i & 1 ? ZX_CACHE_POLICY_CACHED :
							    ZX_CACHE_POLICY_UNCACHED);
	}
	return NULL;
}

static void *make_regions(void *arg)
{
	struct unlocked *u = arg;

	for (; !u->stop; u->writes++) {
		struct vt_region r = vt_alloc(zx_vmar_root_self(), VT_CAN_RW, P);

		check(u, r.h, "allocate", 0);
		u->region = r.h;
		zx_vmar_destroy(r.h);
		zx_handle_close(r.h);
	}
	return NULL;
}

static void *read_all(void *arg)
{
	struct unlocked *u = arg;
	char name[ZX_MAX_NAME_LEN], line[64];
	uint64_t size;
	zx_status_t st;
	uint8_t byte;

	for (; !u->stop; u->reads++) {
		if (zx_vmo_get_size(u->sized, &size) == ZX_OK)
			check(u, size == SMALL || size == LARGE, "size", size);
		if (zx_vmo_get_stream_size(u->sized, &size) == ZX_OK)
			check(u, size == SMALL || size == LARGE, "stream size", size);
		st = zx_vmo_read(u->sized, &byte, SMALL, 1);
		check(u, st == ZX_OK || st == ZX_ERR_OUT_OF_RANGE, "a read at the end", st);
		st = zx_vmo_read(u->policed, &byte, 0, 1);
		check(u, st == ZX_OK || st == ZX_ERR_BAD_STATE, "a read of any policy", st);
		if (zx_object_get_property(u->named, ZX_PROP_NAME, name, sizeof(name)) == ZX_OK)
			for (size_t i = 1; i < ZX_MAX_NAME_LEN - 1; i++)
				check(u, name[i] == name[0], "name", name[i]);
		zt_fdinfo(zvm_handle_to_fd(u->region), "destroyed", line, sizeof(line));
	}
	return NULL;
}

TEST(unlocked)
{
	void *(*const body[])(void *) = {
		write_sizes, write_policy_and_name, make_regions, read_all, read_all,
	};
	struct unlocked u = {
		.sized = zt_vmo(SMALL, ZX_VMO_RESIZABLE),
		.policed = zt_vmo(P, 0),
		.named = zt_vmo(P, 0),
	};
	uint64_t end = zt_now_ns() + 2000000000u;
	pthread_t t[ARRAY_SIZE(body)];

	/* So that no name is seen that nobody has written. */
	ZT_ASSERT_OK(zx_object_set_property(u.named, ZX_PROP_NAME, "", 0));
	for (size_t i = 0; i < ARRAY_SIZE(body); i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL, body[i], &u));
	while (zt_now_ns() < end)
		usleep(10000);
	u.stop = true;
	for (size_t i = 0; i < ARRAY_SIZE(body); i++)
		ASSERT_EQ(0, pthread_join(t[i], NULL));
	EXPECT_STREQ("", u.bad);
	EXPECT_LT(10u, u.writes);
	EXPECT_LT(10u, u.reads);
	TH_LOG("%lu writes, %lu reads", u.writes, u.reads);
}

TEST_HARNESS_MAIN
