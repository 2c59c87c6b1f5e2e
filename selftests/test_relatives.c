// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * What parents, children and views of one store must not feel of each other.
 */
#include "kselftest_harness.h"
#include <stdatomic.h>
#include "zvm_vmar_test.h"

#define SNAPSHOT	ZX_VMO_CHILD_SNAPSHOT
#define SLICE		ZX_VMO_CHILD_SLICE
#define REFERENCE	ZX_VMO_CHILD_REFERENCE
#define PAGES		4

FIXTURE(relatives)
{
	struct zvm_stats before;
	struct zt_bag bag;
	zx_handle_t vmo;	/* PAGES pages, written */
};

FIXTURE_SETUP(relatives)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->vmo = zt_keep(&self->bag, zt_vmo(PAGES * ZT_P, ZX_VMO_RESIZABLE));
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, PAGES * ZT_P, 1));
}

FIXTURE_TEARDOWN(relatives)
{
	zt_empty(&self->bag);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

static zx_handle_t child_of(zx_handle_t parent, uint32_t options, uint64_t offset, uint64_t size)
{
	zx_handle_t h = ZX_HANDLE_INVALID;

	return zx_vmo_create_child(parent, options, offset, size, &h) == ZX_OK ? h : 0;
}

/* ------------------------------------------------------------------------
 * To ask about a VMO does nothing to its relatives: who writes to one of them
 * by two ways at once loses nothing.
 */
struct asked {
	zx_handle_t vmo;
	zx_handle_t child;
	atomic_uint_fast64_t *own;	/* mapped: its writer is alone with it */
	atomic_bool stop;
	bool lost;
};

static void *write_by_mapping(void *arg)
{
	struct asked *a = arg;

	for (uint64_t n = 1; !a->stop && !a->lost; n++) {
		atomic_store(a->own, n);
		for (int i = 0; i < 20; i++)
			a->lost = a->lost || atomic_load(a->own) != n;
	}
	return NULL;
}

static void *write_by_calls(void *arg)
{
	struct asked *a = arg;

	for (uint64_t n = 1; !a->stop; n++)
		zx_vmo_write(a->vmo, &n, 2048, sizeof(n));
	return NULL;
}

static void *ask(void *arg)
{
	struct asked *a = arg;

	while (!a->stop)
		zt_vmo_info(a->child);
	return NULL;
}

TEST_F(relatives, to_ask_changes_nothing)
{
	struct asked a = { .vmo = self->vmo };
	pthread_t t[3];

	a.child = zt_keep(&self->bag, child_of(self->vmo, SNAPSHOT, 0, PAGES * ZT_P));
	a.own = zt_map(self->vmo, 0, ZT_P, ZT_RW);
	ASSERT_NE(NULL, a.own);
	/* from here on each has its own page */
	atomic_store(a.own, 0);
	ASSERT_EQ(0, pthread_create(&t[0], NULL, write_by_mapping, &a));
	ASSERT_EQ(0, pthread_create(&t[1], NULL, write_by_calls, &a));
	ASSERT_EQ(0, pthread_create(&t[2], NULL, ask, &a));
	for (int i = 0; i < 200 && !a.lost; i++)
		zt_sleep_ms(10);
	a.stop = true;
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	EXPECT_FALSE(a.lost);
	zt_unmap(a.own, ZT_P);
}

/* ------------------------------------------------------------------------
 * Who is told that there are no children any more finds none in its way.
 */
static void *close_it(void *arg)
{
	zx_handle_close(*(zx_handle_t *)arg);
	return NULL;
}

TEST_F(relatives, when_the_signal_comes_the_child_is_gone)
{
	for (int i = 0; i < 10; i++) {
		zx_handle_t child = child_of(self->vmo, SNAPSHOT, 0, 4096 * ZT_P);
		uint64_t own = zt_stats().pages;
		pthread_t t;

		/* it has much to give back */
		ZT_ASSERT_OK(zx_vmo_op_range(child, ZX_VMO_OP_COMMIT, 0, 4096 * ZT_P, NULL, 0));
		ASSERT_EQ(0, pthread_create(&t, NULL, close_it, &child));
		ZT_EXPECT_OK(zx_object_wait_one(self->vmo, ZX_VMO_ZERO_CHILDREN, ZX_TIME_INFINITE,
						NULL));
		ZT_EXPECT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, 0, ZT_P, NULL, 0));
		EXPECT_GE(own, zt_stats().pages);
		pthread_join(t, NULL);
	}
}

/* ------------------------------------------------------------------------
 * Views of one store
 */
TEST_F(relatives, each_counts_its_own_mappings)
{
	zx_handle_t plain = zt_keep(&self->bag, zt_vmo(PAGES * ZT_P, 0));
	zx_handle_t h[3] = {
		plain,
		zt_keep(&self->bag, child_of(plain, SLICE, ZT_P, ZT_P)),
		zt_keep(&self->bag, child_of(plain, REFERENCE, 0, 0)),
	};
	void *map[3][3] = {};

	for (int i = 0; i < 3; i++)
		for (int m = 0; m <= i; m++) {
			map[i][m] = zt_map(h[i], 0, ZT_P, ZT_RW);
			ASSERT_NE(NULL, map[i][m]);
			ZT_EXPECT_U64(m + 1, zt_vmo_info(h[i]).num_mappings);
		}
	for (int i = 0; i < 3; i++)
		for (int m = 0; m <= i; m++) {
			ZT_EXPECT_OK(zt_unmap(map[i][m], ZT_P));
			ZT_EXPECT_U64(i - m, zt_vmo_info(h[i]).num_mappings);
		}
}

static int map_slice(int sock, void *arg)
{
	VT_CHECK(zt_map(*(zx_handle_t *)arg, 0, ZT_P, ZT_RW));
	vt_say(sock, 0);
	vt_hear(sock);
	return 0;
}

TEST_F(relatives, each_counts_who_maps_it)
{
	zx_handle_t plain = zt_keep(&self->bag, zt_vmo(PAGES * ZT_P, 0));
	zx_handle_t slice = zt_keep(&self->bag, child_of(plain, SLICE, ZT_P, ZT_P));
	void *own = zt_map(slice, 0, ZT_P, ZT_RW);
	struct vt_child c = vt_spawn(map_slice, &slice);

	ASSERT_NE(NULL, own);
	ZT_EXPECT_U64(0, vt_hear(c.sock));
	ZT_EXPECT_U64(2, zt_vmo_info(slice).share_count);
	ZT_EXPECT_U64(1, zt_vmo_info(plain).share_count);
	vt_say(c.sock, 0);
	EXPECT_EQ(0, vt_join(&c));
	ZT_EXPECT_OK(zt_unmap(own, ZT_P));
}

/* A view has no cache policy of its own, also when its parent is gone. */
TEST_F(relatives, views_leave_the_cache_policy_alone)
{
	const uint32_t types[] = { SLICE, REFERENCE };

	for (int i = 0; i < 2; i++) {
		zx_handle_t plain = zt_vmo(PAGES * ZT_P, 0);
		zx_handle_t a = child_of(plain, types[i], 0, i ? 0 : ZT_P);
		zx_handle_t b = child_of(plain, types[i], 0, i ? 0 : ZT_P);

		ZT_ASSERT_OK(zx_handle_close(plain));
		ZT_EXPECT_U64(0, zt_vmo_info(a).parent_koid);
		ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
				 zx_vmo_set_cache_policy(a, ZX_CACHE_POLICY_UNCACHED));
		ZT_EXPECT_OK(zx_vmo_write(b, "x", 0, 1));
		ZT_ASSERT_OK(zx_handle_close(a));
		ZT_ASSERT_OK(zx_handle_close(b));
	}
}

TEST_F(relatives, V_119_a_slice_may_decommit)
{
	zx_handle_t plain = zt_keep(&self->bag, zt_vmo(PAGES * ZT_P, 0));
	zx_handle_t slice = zt_keep(&self->bag, child_of(plain, SLICE, ZT_P, 2 * ZT_P));

	ASSERT_EQ(0, zt_vmo_fill(plain, 0, PAGES * ZT_P, 1));
	ZT_EXPECT_OK(zx_vmo_op_range(slice, ZX_VMO_OP_DECOMMIT, ZT_P, ZT_P, NULL, 0));
	EXPECT_TRUE(zt_vmo_holds(plain, 0, 2 * ZT_P, 1));
	EXPECT_TRUE(zt_vmo_zero(plain, 2 * ZT_P, ZT_P));
	EXPECT_TRUE(zt_vmo_holds(plain, 3 * ZT_P, ZT_P, 1));
	ZT_EXPECT_U64(3 * ZT_P, zt_committed(plain));
}

TEST_F(relatives, R_126_no_decommit_by_a_mapping_of_a_snapshot)
{
	zx_handle_t child = zt_keep(&self->bag, child_of(self->vmo, SNAPSHOT, 0, PAGES * ZT_P));
	zx_handle_t h[2] = { self->vmo, child };

	for (int i = 0; i < 2; i++) {
		void *map = zt_map(h[i], 0, PAGES * ZT_P, ZT_RW);

		ASSERT_NE(NULL, map);
		ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
				 zx_vmar_op_range(zx_vmar_root_self(), ZX_VMAR_OP_DECOMMIT,
						  (zx_vaddr_t)map, ZT_P, NULL, 0));
		EXPECT_TRUE(zt_vmo_holds(h[i], 0, PAGES * ZT_P, 1));
		ZT_EXPECT_OK(zt_unmap(map, PAGES * ZT_P));
	}
}

TEST_F(relatives, R_108_protect_to_write_after_a_snapshot)
{
	uint8_t *map = zt_map(self->vmo, 0, PAGES * ZT_P, ZT_RW);
	zx_handle_t child;

	ASSERT_NE(NULL, map);
	memset(map, 1, PAGES * ZT_P);
	ZT_ASSERT_OK(zx_vmar_protect(zx_vmar_root_self(), ZX_VM_PERM_READ, (zx_vaddr_t)map,
				     PAGES * ZT_P));
	child = zt_keep(&self->bag, child_of(self->vmo, SNAPSHOT, 0, PAGES * ZT_P));
	ZT_ASSERT_OK(zx_vmar_protect(zx_vmar_root_self(), ZT_RW, (zx_vaddr_t)map, PAGES * ZT_P));
	memset(map, 2, PAGES * ZT_P);
	for (int page = 0; page < PAGES; page++) {
		EXPECT_EQ(1, zt_vmo_byte(child, page * ZT_P));
		EXPECT_EQ(2, zt_vmo_byte(self->vmo, page * ZT_P));
	}
	ZT_EXPECT_OK(zt_unmap(map, PAGES * ZT_P));
}

/* Whoever closes what, in whatever order: who is mapped stays. */
TEST_F(relatives, V_219_mappings_of_children_stay)
{
	const uint32_t types[] = { SNAPSHOT, SLICE, REFERENCE };

	for (int i = 0; i < 6; i++) {
		uint32_t type = types[i / 2];
		zx_handle_t parent = zt_vmo(PAGES * ZT_P, 0), child;
		uint64_t offset = type == SLICE ? ZT_P : 0;
		uint8_t *map;

		ASSERT_EQ(0, zt_vmo_fill(parent, 0, PAGES * ZT_P, 1));
		child = child_of(parent, type, offset, type == REFERENCE ? 0 : ZT_P);
		map = zt_map(child, 0, ZT_P, ZT_RW);
		ASSERT_NE(NULL, map);
		ZT_ASSERT_OK(zx_handle_close(i & 1 ? parent : child));
		ZT_ASSERT_OK(zx_handle_close(i & 1 ? child : parent));
		EXPECT_EQ(-1, zt_mismatch(map, ZT_P, offset, 1));
		ZT_EXPECT_ACCESS(zt_try_write(map));
		ZT_EXPECT_OK(zt_unmap(map, ZT_P));
	}
}

/* The length of a reference, as a Linux file, is the owner's. */
TEST_F(relatives, references_as_files)
{
	zx_handle_t ref = zt_keep(&self->bag, child_of(self->vmo, REFERENCE, 0, 0));
	zx_handle_t copy = zt_keep(&self->bag, zt_vmo(16 * ZT_P, 0));
	loff_t from = 0, to = 0;
	ssize_t n, sum = 0;
	struct stat st;

	ASSERT_EQ(0, fstat(zvm_handle_to_fd(ref), &st));
	ZT_EXPECT_U64(PAGES * ZT_P, st.st_size);
	ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, 3 * ZT_P));
	ASSERT_EQ(0, fstat(zvm_handle_to_fd(ref), &st));
	ZT_EXPECT_U64(3 * ZT_P, st.st_size);
	while ((n = copy_file_range(zvm_handle_to_fd(ref), &from, zvm_handle_to_fd(copy), &to,
				    16 * ZT_P, 0)) > 0)
		sum += n;
	EXPECT_EQ(0, n);
	ZT_EXPECT_U64(3 * ZT_P, sum);
	EXPECT_TRUE(zt_vmo_holds(copy, 0, 3 * ZT_P, 1));
}

/* A mapping that goes on behind its slice has nothing of what is there. */
TEST_F(relatives, mappings_have_no_more_than_the_slice)
{
	struct vt_region r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 16 * ZT_P);
	zx_handle_t plain = zt_keep(&self->bag, zt_vmo(PAGES * ZT_P, 0));
	zx_handle_t slice = zt_keep(&self->bag, child_of(plain, SLICE, ZT_P, ZT_P));
	zx_info_maps_t maps[4];
	size_t actual, avail;
	zx_vaddr_t addr;

	ASSERT_EQ(0, zt_vmo_fill(plain, 0, PAGES * ZT_P, 1));
	ZT_ASSERT_OK(zx_vmar_map(r.h, ZT_RW | ZX_VM_ALLOW_FAULTS, 0, slice, 0, 3 * ZT_P, &addr));
	ZT_ASSERT_OK(zx_object_get_info(r.h, ZX_INFO_VMAR_MAPS, maps, sizeof(maps), &actual,
					&avail));
	ASSERT_EQ(2u, actual);
	ZT_EXPECT_U64(ZT_P, maps[1].u.mapping.committed_bytes);
	ZT_EXPECT_OK(zx_vmar_destroy(r.h));
	zt_keep(&self->bag, r.h);
}

TEST_HARNESS_MAIN
