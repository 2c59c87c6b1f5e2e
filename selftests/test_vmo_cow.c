// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * What snapshots, slices and references show: the content of the instant and
 * nothing of what the other side does later, or the same bytes at once. Each side
 * is looked at and written to in all four ways there are.
 */
#include "kselftest_harness.h"
#include "zvm_test.h"

#define SNAPSHOT	ZX_VMO_CHILD_SNAPSHOT
#define AT_LEAST	ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE
#define MODIFIED	ZX_VMO_CHILD_SNAPSHOT_MODIFIED
#define SLICE		ZX_VMO_CHILD_SLICE
#define REFERENCE	ZX_VMO_CHILD_REFERENCE
#define RESIZABLE	ZX_VMO_CHILD_RESIZABLE

#define N 40	/* pages of the parent: more than two leaves of the page map */

FIXTURE(vmo_cow)
{
	struct zvm_stats before;
	struct zt_bag bag;
	zx_handle_t vmo;
	struct zt_view p;	/* the parent; pages are written but for every fifth */
	struct zt_view c;	/* the child, once there is one */
};

FIXTURE_VARIANT(vmo_cow)
{
	enum zt_way parent;
	enum zt_way child;
};

#define VARIANT(name, p, c)						\
	FIXTURE_VARIANT_ADD(vmo_cow, name) { .parent = p, .child = c }
VARIANT(calls_calls, ZT_CALLS, ZT_CALLS);
VARIANT(calls_mapping, ZT_CALLS, ZT_MAPPING);
VARIANT(mapping_calls, ZT_MAPPING, ZT_CALLS);
VARIANT(mapping_mapping, ZT_MAPPING, ZT_MAPPING);
VARIANT(mapping_mmap, ZT_MAPPING, ZT_MMAP);
VARIANT(mmap_mapping, ZT_MMAP, ZT_MAPPING);
VARIANT(mmap_mmap, ZT_MMAP, ZT_MMAP);
VARIANT(file_file, ZT_FILE, ZT_FILE);

static bool absent(unsigned int page)
{
	return page % 5 == 4;
}

/* Write the parent's content, and look at all of it, so that there are PTEs. */
static bool prepare(struct zt_view *v)
{
	uint8_t byte;

	for (unsigned int i = 0; i < N; i++) {
		if (!absent(i) && zt_view_fill(v, i * ZT_P, ZT_P, 1))
			return false;
		if (zt_view_get(v, i * ZT_P, &byte, 1))
			return false;
	}
	return true;
}

FIXTURE_SETUP(vmo_cow)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->vmo = zt_keep(&self->bag, zt_vmo(N * ZT_P, ZX_VMO_RESIZABLE));
	ASSERT_EQ(0, zt_view_open(&self->p, variant->parent, self->vmo, 2 * N * ZT_P));
	ASSERT_TRUE(prepare(&self->p));
}

FIXTURE_TEARDOWN(vmo_cow)
{
	zt_view_close(&self->c);
	zt_view_close(&self->p);
	zt_empty(&self->bag);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

/* A child in the bag, with @v on all of it. */
static zx_handle_t make(struct zt_bag *bag, struct zt_view *v, enum zt_way way, zx_handle_t parent,
			uint32_t options, uint64_t offset, uint64_t size)
{
	zx_handle_t h = ZX_HANDLE_INVALID;

	if (zx_vmo_create_child(parent, options, offset, size, &h) != ZX_OK)
		return 0;
	zt_keep(bag, h);
	return zt_view_open(v, way, h, 2 * N * ZT_P) ? 0 : h;
}

/* Does page @i of @v hold page @j of the parent as it was at first? */
static bool original(struct zt_view *v, unsigned int i, unsigned int j)
{
	uint8_t buf[ZT_P];

	if (zt_view_get(v, i * ZT_P, buf, ZT_P))
		return false;
	return absent(j) ? zt_nonzero(buf, ZT_P) < 0 : zt_mismatch(buf, ZT_P, j * ZT_P, 1) < 0;
}

#define EXPECT_ORIGINAL(v, first, n) do {				\
	for (unsigned int _i = (first); _i < (first) + (n); _i++) {	\
		EXPECT_TRUE(original(v, _i, _i)) TH_LOG("page %u", _i);	\
	}								\
} while (0)

#define SNAP(type) ASSERT_NE(0, make(&self->bag, &self->c, variant->child, self->vmo, type, 0, \
				     N * ZT_P))

TEST_F(vmo_cow, V_195_starts_equal)
{
	SNAP(SNAPSHOT);
	EXPECT_ORIGINAL(&self->c, 0, N);
	EXPECT_ORIGINAL(&self->p, 0, N);
}

TEST_F(vmo_cow, V_196_V_198_V_210_parent_writes)
{
	SNAP(SNAPSHOT);
	/* half of it before the child has looked */
	for (unsigned int i = 0; i < N; i += 2)
		ASSERT_EQ(0, zt_view_fill(&self->p, i * ZT_P, ZT_P, 2));
	EXPECT_ORIGINAL(&self->c, 0, N);
	for (unsigned int i = 1; i < N; i += 2)
		ASSERT_EQ(0, zt_view_put(&self->p, i * ZT_P + 5, "x", 1));
	EXPECT_ORIGINAL(&self->c, 0, N);
	for (unsigned int i = 0; i < N; i += 2)
		EXPECT_TRUE(zt_view_holds(&self->p, i * ZT_P, ZT_P, 2));
	for (unsigned int i = 1; i < N; i += 2)
		EXPECT_EQ('x', zt_view_byte(&self->p, i * ZT_P + 5));
}

TEST_F(vmo_cow, V_197_V_199_child_writes)
{
	SNAP(SNAPSHOT);
	for (unsigned int i = 0; i < N; i += 2)
		ASSERT_EQ(0, zt_view_fill(&self->c, i * ZT_P, ZT_P, 2));
	EXPECT_ORIGINAL(&self->p, 0, N);
	for (unsigned int i = 1; i < N; i += 2)
		ASSERT_EQ(0, zt_view_put(&self->c, i * ZT_P + 5, "x", 1));
	EXPECT_ORIGINAL(&self->p, 0, N);
	for (unsigned int i = 0; i < N; i += 2)
		EXPECT_TRUE(zt_view_holds(&self->c, i * ZT_P, ZT_P, 2));
	for (unsigned int i = 1; i < N; i += 2) {
		EXPECT_EQ('x', zt_view_byte(&self->c, i * ZT_P + 5));
		/* and the rest of the page is what it was */
		EXPECT_EQ(absent(i) ? 0 : zt_pattern(i * ZT_P + 6, 1),
			  zt_view_byte(&self->c, i * ZT_P + 6));
	}
}

/* The last one that has a page does not copy it. */
TEST_F(vmo_cow, V_237_the_last_one_keeps_the_page)
{
	struct zvm_stats now;
	uint64_t pages;

	SNAP(SNAPSHOT);
	pages = zt_stats().pages;
	ASSERT_EQ(0, zt_view_put(&self->p, 0, "p", 1));
	ZT_EXPECT_U64(pages + 1, zt_stats().pages);
	ASSERT_EQ(0, zt_view_put(&self->c, 0, "c", 1));
	now = zt_stats();
	ZT_EXPECT_U64(pages + 1, now.pages);
	EXPECT_EQ('p', zt_view_byte(&self->p, 0));
	EXPECT_EQ('c', zt_view_byte(&self->c, 0));
}

TEST_F(vmo_cow, V_200_siblings)
{
	struct zt_view d = {};

	SNAP(SNAPSHOT);
	ASSERT_NE(0, make(&self->bag, &d, variant->child, self->vmo, SNAPSHOT, 0, N * ZT_P));
	ASSERT_EQ(0, zt_view_put(&self->c, 0, "c", 1));
	ASSERT_EQ(0, zt_view_put(&d, ZT_P, "d", 1));
	ASSERT_EQ(0, zt_view_put(&self->p, 2 * ZT_P, "p", 1));
	EXPECT_EQ('c', zt_view_byte(&self->c, 0));
	EXPECT_EQ('d', zt_view_byte(&d, ZT_P));
	EXPECT_EQ('p', zt_view_byte(&self->p, 2 * ZT_P));
	EXPECT_TRUE(original(&self->p, 0, 0) && original(&d, 0, 0));
	EXPECT_TRUE(original(&self->p, 1, 1) && original(&self->c, 1, 1));
	EXPECT_TRUE(original(&self->c, 2, 2) && original(&d, 2, 2));
	EXPECT_ORIGINAL(&d, 3, N - 3);
	zt_view_close(&d);
}

TEST_F(vmo_cow, V_201_V_205_grandchildren)
{
	zx_handle_t child, grandchild = ZX_HANDLE_INVALID;
	struct zt_view g = {};

	ZT_ASSERT_OK(zx_vmo_create_child(self->vmo, SNAPSHOT, 0, N * ZT_P, &child));
	ASSERT_EQ(0, zt_view_open(&self->c, variant->child, child, N * ZT_P));
	ASSERT_EQ(0, zt_view_put(&self->c, 0, "c", 1));
	ZT_ASSERT_OK(zx_vmo_create_child(child, SNAPSHOT, 0, N * ZT_P, &grandchild));
	zt_keep(&self->bag, grandchild);
	ASSERT_EQ(0, zt_view_open(&g, variant->child, grandchild, N * ZT_P));
	EXPECT_EQ('c', zt_view_byte(&g, 0));
	ASSERT_EQ(0, zt_view_put(&g, 0, "g", 1));
	ASSERT_EQ(0, zt_view_put(&g, ZT_P, "g", 1));
	ASSERT_EQ(0, zt_view_put(&self->p, 2 * ZT_P, "p", 1));
	EXPECT_EQ('c', zt_view_byte(&self->c, 0));
	EXPECT_TRUE(original(&self->p, 0, 0));
	EXPECT_TRUE(original(&self->p, 1, 1) && original(&self->c, 1, 1));
	EXPECT_TRUE(original(&g, 2, 2) && original(&self->c, 2, 2));

	/* the middle one goes */
	zt_view_close(&self->c);
	ZT_ASSERT_OK(zx_handle_close(child));
	EXPECT_EQ('g', zt_view_byte(&g, 0));
	EXPECT_TRUE(original(&g, 2, 2));
	EXPECT_EQ('p', zt_view_byte(&self->p, 2 * ZT_P));
	EXPECT_ORIGINAL(&g, 3, N - 3);
	EXPECT_ORIGINAL(&self->p, 3, N - 3);
	zt_view_close(&g);
}

TEST_F(vmo_cow, V_202_part_of_the_parent)
{
	zx_handle_t h;

	/* not at the bounds of leaves */
	h = make(&self->bag, &self->c, variant->child, self->vmo, SNAPSHOT, 3 * ZT_P, 30 * ZT_P);
	ASSERT_NE(0, h);
	for (unsigned int i = 0; i < 30; i++) {
		EXPECT_TRUE(original(&self->c, i, i + 3)) TH_LOG("page %u", i);
	}
	ASSERT_EQ(0, zt_view_fill(&self->p, 3 * ZT_P, ZT_P, 2));
	EXPECT_TRUE(original(&self->c, 0, 3));
	ASSERT_EQ(0, zt_view_fill(&self->c, ZT_P, ZT_P, 2));
	EXPECT_ORIGINAL(&self->p, 4, N - 4);
	/* what is not in the window is nothing to the child: 24, and the one it wrote */
	ZT_EXPECT_U64(25 * ZT_P, zt_committed(h));
}

TEST_F(vmo_cow, V_203_V_219_parent_goes)
{
	SNAP(SNAPSHOT);
	zt_view_close(&self->p);
	zt_empty(&self->bag);	/* the handles of both ... */
	if (self->c.way == ZT_CALLS || self->c.way == ZT_FILE)
		return;
	EXPECT_ORIGINAL(&self->c, 0, N);	/* ... but mappings stay: V-219 */
}

TEST_F(vmo_cow, V_203_parent_handle_is_closed)
{
	zx_handle_t parent = zt_vmo(N * ZT_P, 0), child;
	struct zt_view v;

	ASSERT_EQ(0, zt_view_open(&v, variant->parent, parent, N * ZT_P));
	ASSERT_TRUE(prepare(&v));
	ZT_ASSERT_OK(zx_vmo_create_child(parent, SNAPSHOT, 0, N * ZT_P, &child));
	ASSERT_EQ(0, zt_view_open(&self->c, variant->child, child, N * ZT_P));
	ASSERT_EQ(0, zt_view_put(&v, 0, "p", 1));
	zt_view_close(&v);
	ZT_ASSERT_OK(zx_handle_close(parent));
	EXPECT_ORIGINAL(&self->c, 0, N);
	ASSERT_EQ(0, zt_view_put(&self->c, 0, "c", 1));
	EXPECT_EQ('c', zt_view_byte(&self->c, 0));
	zt_view_close(&self->c);
	ZT_ASSERT_OK(zx_handle_close(child));
}

TEST_F(vmo_cow, V_204_child_goes)
{
	zx_handle_t child;

	ZT_ASSERT_OK(zx_vmo_create_child(self->vmo, SNAPSHOT, 0, N * ZT_P, &child));
	ASSERT_EQ(0, zt_view_open(&self->c, variant->child, child, N * ZT_P));
	ASSERT_EQ(0, zt_view_fill(&self->c, 0, N * ZT_P, 3));
	zt_view_close(&self->c);
	ZT_ASSERT_OK(zx_handle_close(child));
	EXPECT_ORIGINAL(&self->p, 0, N);
	ASSERT_EQ(0, zt_view_fill(&self->p, 0, N * ZT_P, 4));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, N * ZT_P, 4));
	ZT_EXPECT_U64(N * ZT_P, zt_committed(self->vmo));
}

TEST_F(vmo_cow, V_206_V_207_parent_shrinks_and_grows)
{
	SNAP(SNAPSHOT);
	ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, 7 * ZT_P + 100));
	EXPECT_ORIGINAL(&self->c, 0, N);
	ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, 2 * N * ZT_P));
	EXPECT_TRUE(zt_view_zero(&self->p, 7 * ZT_P + 100, (2 * N - 8) * ZT_P));
	ASSERT_EQ(0, zt_view_fill(&self->p, 0, 2 * N * ZT_P, 5));
	EXPECT_ORIGINAL(&self->c, 0, N);
}

TEST_F(vmo_cow, V_207_growth_is_not_for_the_child)
{
	zx_handle_t h = make(&self->bag, &self->c, variant->child, self->vmo, SNAPSHOT, 0,
			     2 * N * ZT_P);

	ASSERT_NE(0, h);
	ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, 2 * N * ZT_P));
	ASSERT_EQ(0, zt_view_fill(&self->p, 0, 2 * N * ZT_P, 5));
	EXPECT_ORIGINAL(&self->c, 0, N);
	EXPECT_TRUE(zt_view_zero(&self->c, N * ZT_P, N * ZT_P));
}

TEST_F(vmo_cow, V_208_V_209_child_shrinks_and_grows)
{
	zx_handle_t h = make(&self->bag, &self->c, variant->child, self->vmo,
			     SNAPSHOT | RESIZABLE, 0, N * ZT_P);

	ASSERT_NE(0, h);
	ZT_ASSERT_OK(zx_vmo_set_size(h, 7 * ZT_P + 100));
	ZT_ASSERT_OK(zx_vmo_set_size(h, 2 * N * ZT_P));
	EXPECT_ORIGINAL(&self->c, 0, 7);
	EXPECT_TRUE(zt_view_zero(&self->c, 7 * ZT_P + 100, (2 * N - 8) * ZT_P));
	EXPECT_ORIGINAL(&self->p, 0, N);
}

TEST_F(vmo_cow, V_107_commit_copies)
{
	zx_handle_t h = make(&self->bag, &self->c, variant->child, self->vmo, SNAPSHOT, 0,
			     N * ZT_P);

	ASSERT_NE(0, h);
	ZT_ASSERT_OK(zx_vmo_op_range(h, ZX_VMO_OP_COMMIT, 0, N * ZT_P, NULL, 0));
	ZT_EXPECT_U64(N * ZT_P, zt_committed(h));
	ZT_EXPECT_U64(N * ZT_P, zt_vmo_info(h).committed_private_bytes);
	ASSERT_EQ(0, zt_view_fill(&self->p, 0, N * ZT_P, 2));
	EXPECT_ORIGINAL(&self->c, 0, N);
}

TEST_F(vmo_cow, V_114_V_115_V_116_decommit_wants_no_relatives)
{
	zx_handle_t h;

	ZT_ASSERT_OK(zx_vmo_create_child(self->vmo, SNAPSHOT, 0, N * ZT_P, &h));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
			 zx_vmo_op_range(h, ZX_VMO_OP_DECOMMIT, 0, ZT_P, NULL, 0));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
			 zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, 0, ZT_P, NULL, 0));
	/* range, then nothing to do, then relatives, then alignment */
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE,
			 zx_vmo_op_range(h, ZX_VMO_OP_DECOMMIT, 0, 99 * N * ZT_P, NULL, 0));
	ZT_EXPECT_OK(zx_vmo_op_range(h, ZX_VMO_OP_DECOMMIT, 1, 0, NULL, 0));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
			 zx_vmo_op_range(h, ZX_VMO_OP_DECOMMIT, 1, 5, NULL, 0));
	ZT_ASSERT_OK(zx_handle_close(h));
	EXPECT_ORIGINAL(&self->p, 0, N);
	ZT_EXPECT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, 0, N * ZT_P, NULL, 0));
	EXPECT_TRUE(zt_view_zero(&self->p, 0, N * ZT_P));
}

TEST_F(vmo_cow, V_116_the_child_may_when_the_parent_is_gone)
{
	zx_handle_t parent = zt_vmo(ZT_P, 0), h;

	ASSERT_EQ(0, zt_vmo_fill(parent, 0, ZT_P, 1));
	ZT_ASSERT_OK(zx_vmo_create_child(parent, SNAPSHOT, 0, ZT_P, &h));
	zt_keep(&self->bag, h);
	ZT_ASSERT_OK(zx_handle_close(parent));
	ZT_EXPECT_OK(zx_vmo_op_range(h, ZX_VMO_OP_DECOMMIT, 0, ZT_P, NULL, 0));
	EXPECT_TRUE(zt_vmo_zero(h, 0, ZT_P));
}

TEST_F(vmo_cow, V_125_V_126_zeroing_is_one_sided)
{
	zx_handle_t h = make(&self->bag, &self->c, variant->child, self->vmo, SNAPSHOT, 0,
			     N * ZT_P);

	ASSERT_NE(0, h);
	ZT_ASSERT_OK(zx_vmo_op_range(h, ZX_VMO_OP_ZERO, 10, 20 * ZT_P, NULL, 0));
	EXPECT_TRUE(zt_view_zero(&self->c, 10, 20 * ZT_P));
	EXPECT_ORIGINAL(&self->p, 0, N);
	EXPECT_ORIGINAL(&self->c, 21, N - 21);
	ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_ZERO, 19 * ZT_P + 7, 10 * ZT_P,
				     NULL, 0));
	EXPECT_TRUE(zt_view_zero(&self->p, 19 * ZT_P + 7, 10 * ZT_P));
	EXPECT_ORIGINAL(&self->c, 21, N - 21);
	EXPECT_ORIGINAL(&self->p, 30, N - 30);
}

TEST_F(vmo_cow, stream_size_is_one_sided)
{
	zx_handle_t h = make(&self->bag, &self->c, variant->child, self->vmo, SNAPSHOT, 0,
			     N * ZT_P);

	ASSERT_NE(0, h);
	ZT_ASSERT_OK(zx_vmo_set_stream_size(self->vmo, ZT_P + 1));
	EXPECT_ORIGINAL(&self->c, 0, N);
	EXPECT_TRUE(zt_view_zero(&self->p, ZT_P + 1, (N - 2) * ZT_P));
}

TEST_F(vmo_cow, V_211_hundred_in_a_row)
{
	zx_handle_t h[100], last = self->vmo;

	for (unsigned int i = 0; i < ARRAY_SIZE(h); i++) {
		uint8_t byte = i;

		ZT_ASSERT_OK(zx_vmo_create_child(last, SNAPSHOT, 0, N * ZT_P, &h[i]));
		last = zt_keep(&self->bag, h[i]);
		ASSERT_EQ(ZX_OK, zx_vmo_write(last, &byte, i % N * ZT_P, 1));
	}
	ASSERT_EQ(0, zt_view_open(&self->c, variant->child, last, N * ZT_P));
	for (unsigned int i = 0; i < N; i++) {
		/* the last that wrote there */
		EXPECT_EQ(i < 20 ? 80 + i : 40 + i, (unsigned int)zt_view_byte(&self->c, i * ZT_P));
		EXPECT_EQ(absent(i) ? 0 : zt_pattern(i * ZT_P + 1, 1),
			  zt_view_byte(&self->c, i * ZT_P + 1));
	}
	EXPECT_ORIGINAL(&self->p, 0, N);
}

TEST_F(vmo_cow, V_058_V_212_V_213_slices)
{
	zx_handle_t parent = zt_vmo(N * ZT_P, 0), slice;
	struct zt_view v;

	ASSERT_EQ(0, zt_view_open(&v, variant->parent, parent, N * ZT_P));
	ASSERT_TRUE(prepare(&v));
	ZT_ASSERT_OK(zx_vmo_create_child(parent, SLICE, 3 * ZT_P, 20 * ZT_P, &slice));
	zt_keep(&self->bag, slice);
	ASSERT_EQ(0, zt_view_open(&self->c, variant->child, slice, 20 * ZT_P));
	for (unsigned int i = 0; i < 20; i++) {
		EXPECT_TRUE(original(&self->c, i, i + 3));
		ASSERT_EQ(0, zt_view_fill(i % 2 ? &v : &self->c, (i % 2 ? i + 3 : i) * ZT_P, ZT_P,
					  9));
		EXPECT_TRUE(zt_view_holds(i % 2 ? &v : &self->c, (i % 2 ? i + 3 : i) * ZT_P, ZT_P,
					  9));
		EXPECT_EQ(zt_view_byte(&v, (i + 3) * ZT_P + 8),
			  zt_view_byte(&self->c, i * ZT_P + 8));
	}
	ZT_EXPECT_U64(0, zt_committed(slice));
	zt_view_close(&v);
	ZT_ASSERT_OK(zx_handle_close(parent));
	EXPECT_TRUE(zt_view_holds(&self->c, 0, ZT_P, 9));
	ASSERT_EQ(0, zt_view_fill(&self->c, 0, 20 * ZT_P, 3));
	EXPECT_TRUE(zt_view_holds(&self->c, 0, 20 * ZT_P, 3));
}

/* A slice of what has been snapshotted copies for its owner. */
TEST_F(vmo_cow, slice_and_snapshot)
{
	zx_handle_t parent = zt_vmo(N * ZT_P, 0), slice, snap;
	struct zt_view v, s;

	ASSERT_EQ(0, zt_view_open(&v, variant->parent, parent, N * ZT_P));
	ASSERT_TRUE(prepare(&v));
	ZT_ASSERT_OK(zx_vmo_create_child(parent, SLICE, 0, N * ZT_P, &slice));
	zt_keep(&self->bag, slice);
	ASSERT_EQ(0, zt_view_open(&self->c, variant->child, slice, N * ZT_P));
	/* PTEs of the slice that can be written to */
	ASSERT_EQ(0, zt_view_put(&self->c, 0, "s", 1));
	ZT_ASSERT_OK(zx_vmo_create_child(parent, SNAPSHOT, 0, N * ZT_P, &snap));
	zt_keep(&self->bag, snap);
	ASSERT_EQ(0, zt_view_open(&s, variant->child, snap, N * ZT_P));
	ASSERT_EQ(0, zt_view_put(&self->c, 0, "t", 1));
	ASSERT_EQ(0, zt_view_put(&self->c, ZT_P, "t", 1));
	EXPECT_EQ('s', zt_view_byte(&s, 0));
	EXPECT_TRUE(original(&s, 1, 1));
	EXPECT_EQ('t', zt_view_byte(&v, 0));
	EXPECT_EQ('t', zt_view_byte(&v, ZT_P));
	zt_view_close(&v);
	zt_view_close(&s);
	ZT_ASSERT_OK(zx_handle_close(parent));
}

TEST_F(vmo_cow, V_214_V_215_references)
{
	zx_handle_t ref = make(&self->bag, &self->c, variant->child, self->vmo,
			       REFERENCE | RESIZABLE, 0, 0);

	ASSERT_NE(0, ref);
	EXPECT_ORIGINAL(&self->c, 0, N);
	ASSERT_EQ(0, zt_view_put(&self->c, 0, "r", 1));
	EXPECT_EQ('r', zt_view_byte(&self->p, 0));
	ASSERT_EQ(0, zt_view_put(&self->p, ZT_P, "p", 1));
	EXPECT_EQ('p', zt_view_byte(&self->c, ZT_P));
	ZT_ASSERT_OK(zx_vmo_set_size(ref, 2 * ZT_P));
	ZT_EXPECT_U64(2 * ZT_P, zt_size(self->vmo));
	EXPECT_NE(0, zt_view_byte(&self->p, 0));
	EXPECT_EQ(-1, zt_view_byte(&self->p, 2 * ZT_P));
	ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, 4 * ZT_P));
	ZT_EXPECT_U64(4 * ZT_P, zt_size(ref));
	EXPECT_EQ(0, zt_view_byte(&self->c, 2 * ZT_P));
	ZT_EXPECT_U64(0, zt_committed(ref));
}

/* The content stays as long as one of those that show it. */
TEST_F(vmo_cow, V_214_reference_outlives_the_owner)
{
	zx_handle_t parent = zt_vmo(N * ZT_P, ZX_VMO_RESIZABLE), ref, more;
	struct zt_view v;

	ASSERT_EQ(0, zt_view_open(&v, ZT_CALLS, parent, N * ZT_P));
	ASSERT_TRUE(prepare(&v));
	ZT_ASSERT_OK(zx_vmo_create_child(parent, REFERENCE | RESIZABLE, 0, 0, &ref));
	ZT_ASSERT_OK(zx_handle_close(parent));
	ASSERT_EQ(0, zt_view_open(&self->c, variant->child, ref, N * ZT_P));
	EXPECT_ORIGINAL(&self->c, 0, N);
	ZT_EXPECT_OK(zx_vmo_set_size(ref, (N + 1) * ZT_P));
	ZT_ASSERT_OK(zx_vmo_create_child(ref, SNAPSHOT, 0, N * ZT_P, &more));
	zt_view_close(&self->c);
	ZT_ASSERT_OK(zx_handle_close(ref));
	ASSERT_EQ(0, zt_view_open(&self->c, variant->child, more, N * ZT_P));
	EXPECT_ORIGINAL(&self->c, 0, N);
	zt_keep(&self->bag, more);
}

TEST_F(vmo_cow, V_216_V_218_the_other_snapshots)
{
	const uint32_t types[] = { AT_LEAST, MODIFIED };

	for (unsigned int t = 0; t < 2; t++) {
		SNAP(types[t]);
		EXPECT_ORIGINAL(&self->c, 0, N);
		ASSERT_EQ(0, zt_view_put(&self->c, t * ZT_P, "c", 1));
		EXPECT_TRUE(original(&self->p, t, t));
		ASSERT_EQ(0, zt_view_put(&self->p, t * ZT_P, "p", 1));
		EXPECT_EQ('c', zt_view_byte(&self->c, t * ZT_P));
		ASSERT_EQ(0, zt_view_fill(&self->p, t * ZT_P, ZT_P, 1));
		zt_view_close(&self->c);
	}
}

TEST_F(vmo_cow, V_217_V_242_reading_commits_nothing)
{
	struct zvm_stats then, now;
	zx_handle_t h;

	ZT_ASSERT_OK(zx_vmo_create_child(self->vmo, SNAPSHOT, 0, N * ZT_P, &h));
	zt_keep(&self->bag, h);
	then = zt_stats();
	ASSERT_EQ(0, zt_view_open(&self->c, variant->child, h, N * ZT_P));
	EXPECT_ORIGINAL(&self->c, 0, N);
	now = zt_stats();
	ZT_EXPECT_U64(then.pages, now.pages);
	ZT_EXPECT_U64(0, zt_vmo_info(h).committed_private_bytes);
}

/* Mappings made read-only stay so, whatever is snapshotted and copied. */
TEST_F(vmo_cow, permissions_are_kept)
{
	char *ro = zt_map(self->vmo, 0, N * ZT_P, ZX_VM_PERM_READ);

	ASSERT_NE(NULL, ro);
	ZT_EXPECT_ACCESS(zt_try_read(ro));
	SNAP(SNAPSHOT);
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(ro));
	ASSERT_EQ(0, zt_view_put(&self->p, 0, "p", 1));
	EXPECT_EQ('p', ro[0]);
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(ro));
	EXPECT_TRUE(original(&self->c, 0, 0));
	ZT_EXPECT_OK(zt_unmap(ro, N * ZT_P));
}

/* ------------------------------------------------------------------------
 * Attribution
 */
#define EXPECT_BYTES(vmo, committed, private, scaled) do {		\
	zx_info_vmo_t _i = zt_vmo_info(vmo);				\
	ZT_EXPECT_U64(committed, _i.committed_bytes);			\
	ZT_EXPECT_U64(committed, _i.populated_bytes);			\
	ZT_EXPECT_U64(private, _i.committed_private_bytes);		\
	ZT_EXPECT_U64(private, _i.populated_private_bytes);		\
	ZT_EXPECT_U64(scaled, _i.committed_scaled_bytes);		\
	ZT_EXPECT_U64(scaled, _i.populated_scaled_bytes);		\
} while (0)

TEST_F(vmo_cow, V_234_V_235_V_236_V_237_V_239_V_240_attribution)
{
	zx_handle_t a = zt_vmo(2 * ZT_P, 0), b, s, r;
	struct zt_view v;

	ASSERT_EQ(0, zt_view_open(&v, variant->parent, a, 2 * ZT_P));
	ASSERT_EQ(0, zt_view_fill(&v, 0, 2 * ZT_P, 1));
	EXPECT_BYTES(a, 2 * ZT_P, 2 * ZT_P, 2 * ZT_P);
	ZT_ASSERT_OK(zx_vmo_create_child(a, SNAPSHOT, 0, 2 * ZT_P, &b));
	ASSERT_EQ(0, zt_view_open(&self->c, variant->child, b, 2 * ZT_P));
	EXPECT_BYTES(a, 2 * ZT_P, 0, ZT_P);
	EXPECT_BYTES(b, 2 * ZT_P, 0, ZT_P);
	ASSERT_EQ(0, zt_view_put(&v, 0, "p", 1));
	EXPECT_BYTES(a, 2 * ZT_P, ZT_P, ZT_P + ZT_P / 2);
	EXPECT_BYTES(b, 2 * ZT_P, ZT_P, ZT_P + ZT_P / 2);
	ASSERT_EQ(0, zt_view_put(&self->c, 0, "c", 1));
	EXPECT_BYTES(a, 2 * ZT_P, ZT_P, ZT_P + ZT_P / 2);
	EXPECT_BYTES(b, 2 * ZT_P, ZT_P, ZT_P + ZT_P / 2);
	ZT_ASSERT_OK(zx_vmo_create_child(a, SLICE, 0, 2 * ZT_P, &s));
	ZT_ASSERT_OK(zx_vmo_create_child(a, REFERENCE, 0, 0, &r));
	EXPECT_BYTES(s, 0, 0, 0);
	EXPECT_BYTES(r, 0, 0, 0);
	zt_view_close(&self->c);
	ZT_ASSERT_OK(zx_handle_close(b));
	EXPECT_BYTES(a, 2 * ZT_P, 2 * ZT_P, 2 * ZT_P);
	ZT_ASSERT_OK(zx_handle_close(s));
	ZT_ASSERT_OK(zx_handle_close(r));
	zt_view_close(&v);
	ZT_ASSERT_OK(zx_handle_close(a));
}

/* A random family: what its members are said to have adds up to what there is. */
TEST_F(vmo_cow, V_238_scaled_bytes_add_up)
{
	enum { MEMBERS = 12, TURNS = 300 };
	uint64_t base = zt_stats().pages;
	zx_handle_t h[MEMBERS] = {};
	unsigned int seed = 1;

	h[0] = zt_vmo(N * ZT_P, ZX_VMO_RESIZABLE);
	for (int turn = 0; turn < TURNS; turn++) {
		unsigned int who = rand_r(&seed) % MEMBERS, other = rand_r(&seed) % MEMBERS;
		uint64_t at = rand_r(&seed) % N * ZT_P, whole = 0, fraction = 0;
		uint8_t byte = turn;

		switch (h[who] ? rand_r(&seed) % 6 : 9) {
		case 0: case 1: case 2:
			if (at < zt_size(h[who]))
				ZT_ASSERT_OK(zx_vmo_write(h[who], &byte, at, 1));
			break;
		case 3:
			if (at < zt_size(h[who]))
				ZT_ASSERT_OK(zx_vmo_op_range(h[who], ZX_VMO_OP_ZERO, at, ZT_P,
							     NULL, 0));
			break;
		case 4:
			ZT_ASSERT_OK(zx_vmo_set_size(h[who], rand_r(&seed) % (N + 1) * ZT_P));
			break;
		case 5:
			if (who) {
				ZT_ASSERT_OK(zx_handle_close(h[who]));
				h[who] = 0;
			}
			break;
		case 9:
			if (h[other])
				ZT_ASSERT_OK(zx_vmo_create_child(h[other], SNAPSHOT | RESIZABLE,
								 turn % 3 ? 0 : at, N * ZT_P,
								 &h[who]));
			break;
		}
		for (int i = 0; i < MEMBERS; i++) {
			zx_info_vmo_t info;

			if (!h[i])
				continue;
			info = zt_vmo_info(h[i]);
			EXPECT_LE(info.committed_private_bytes, info.committed_scaled_bytes);
			EXPECT_LE(info.committed_scaled_bytes, info.committed_bytes);
			whole += info.committed_scaled_bytes;
			/* each is a fraction below one byte, of which 2^63 make one */
			fraction += info.committed_fractional_scaled_bytes >> 8;
		}
		/* rounded down each time, so up to one unit for each page is missing */
		whole += (fraction + (1 << 20)) >> 55;
		ASSERT_EQ((zt_stats().pages - base) * ZT_P, whole) TH_LOG("turn %d", turn);
	}
	for (int i = 0; i < MEMBERS; i++)
		if (h[i])
			ZT_ASSERT_OK(zx_handle_close(h[i]));
	ZT_EXPECT_U64(base, zt_stats().pages);
}

TEST_HARNESS_MAIN
