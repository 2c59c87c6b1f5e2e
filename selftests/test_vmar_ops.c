// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * zx_vmar_destroy, zx_vmar_op_range and zx_vmar_unmap_handle_close_thread_exit:
 * R-110 to R-133 (R-126 needs snapshots); what faults give.
 */
#include "kselftest_harness.h"
#include "zvm_vmar_test.h"

FIXTURE(vmar_ops) {
	struct vt_region r;	/* has room for 16 pages at `hole` */
	size_t hole;
	zx_handle_t vmo;	/* 8 pages with tag 6 */
};

FIXTURE_VARIANT(vmar_ops) {
	int depth;
	uint32_t vmo_options;
};

FIXTURE_VARIANT_ADD(vmar_ops, root_plain) { .depth = 0 };
FIXTURE_VARIANT_ADD(vmar_ops, child_resizable) { .depth = 1, .vmo_options = ZX_VMO_RESIZABLE };
FIXTURE_VARIANT_ADD(vmar_ops, grandchild_plain) { .depth = 2 };

FIXTURE_SETUP(vmar_ops)
{
	self->r = vt_region_at_depth(variant->depth);
	ASSERT_NE(ZX_HANDLE_INVALID, self->r.h);
	self->hole = vt_hole(&self->r, 16 * P);
	ASSERT_NE(SIZE_MAX, self->hole);
	self->vmo = vt_tagged_vmo(6, 8, variant->vmo_options);
	ASSERT_NE(ZX_HANDLE_INVALID, self->vmo);
}

FIXTURE_TEARDOWN(vmar_ops)
{
}

#define AT(page) vt_ptr(&self->r, self->hole + (page) * P)
#define MAP(options, page, vmo, vmo_page, pages) \
	vt_map_at(&self->r, (options), self->hole + (page) * P, (vmo), (vmo_page) * P, (pages) * P)
#define OP_AT(h, op, page, pages) \
	zx_vmar_op_range((h), ZX_VMAR_OP_##op, (zx_vaddr_t)AT(page), (pages) * P, NULL, 0)
#define OP(op, page, pages) OP_AT(self->r.h, op, page, pages)

static const uint32_t all_ops[] = {
	ZX_VMAR_OP_COMMIT, ZX_VMAR_OP_DECOMMIT, ZX_VMAR_OP_MAP_RANGE, ZX_VMAR_OP_ZERO,
	ZX_VMAR_OP_DONT_NEED, ZX_VMAR_OP_ALWAYS_NEED, ZX_VMAR_OP_PREFETCH,
};

/* A region at the pages 4 .. 7 of the hole. */
static struct vt_region sub_region(FIXTURE_DATA(vmar_ops) *self)
{
	struct vt_region c = { .h = ZX_HANDLE_INVALID, .len = 4 * P };

	if (zx_vmar_allocate(self->r.h, VT_CAN_ALL | ZX_VM_SPECIFIC, self->hole + 4 * P, 4 * P,
			     &c.h, &c.base) != ZX_OK)
		c.h = ZX_HANDLE_INVALID;
	return c;
}

/* ------------------------------------------------------------------------
 * destroy
 */
TEST_F(vmar_ops, R_110_destroy_needs_op_children)
{
	struct vt_region c = sub_region(self);
	zx_handle_t weak = zt_without(c.h, ZX_RIGHT_OP_CHILDREN);
	zx_handle_t bare = zt_dup(c.h, ZX_RIGHT_OP_CHILDREN);

	ZT_ASSERT_OK(vt_map_at(&c, VT_R, 0, self->vmo, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmar_destroy(weak));
	EXPECT_EQ(vt_tag(6, 0), vt_load(AT(4)));
	ZT_EXPECT_OK(zx_vmar_destroy(bare));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmar_destroy(weak));
}

TEST_F(vmar_ops, R_111_destroy_takes_all_below)
{
	struct zvm_stats before = zt_stats();
	struct vt_region c = sub_region(self), c2 = vt_alloc(c.h, VT_CAN_ALL, 2 * P);
	zx_handle_t h;
	zx_vaddr_t addr;

	ASSERT_NE(ZX_HANDLE_INVALID, c2.h);
	ZT_ASSERT_OK(zx_vmar_map(c2.h, ZT_RW, 0, self->vmo, 0, 2 * P, &addr));
	ZT_ASSERT_OK(zt_try_write((void *)addr));
	ZT_ASSERT_OK(MAP(ZT_RW, 3, self->vmo, 3, 1));
	ZT_ASSERT_OK(MAP(ZT_RW, 8, self->vmo, 4, 1));
	ZT_ASSERT_OK(zx_vmar_destroy(c.h));
	for (int pg = 4; pg < 8; pg++) {
		ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(AT(pg)));
		ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(AT(pg)));
	}
	/* Neighbours stay, the range is free at once. */
	EXPECT_EQ(vt_tag(6, 3), vt_load(AT(3)));
	EXPECT_EQ(vt_tag(6, 4), vt_load(AT(8)));
	ZT_ASSERT_OK(MAP(VT_R, 4, self->vmo, 4, 4));
	EXPECT_EQ(vt_tag(6, 7), vt_load(AT(7)));
	ZT_ASSERT_OK(zx_vmar_unmap(self->r.h, (zx_vaddr_t)AT(3), 6 * P));
	ZT_EXPECT_OK(zx_vmar_allocate(self->r.h, ZX_VM_SPECIFIC, self->hole + 4 * P, 4 * P, &h,
				      &addr));
	ZT_ASSERT_OK(zx_vmar_destroy(h));
	ZT_ASSERT_OK(zx_handle_close(h));
	ZT_ASSERT_OK(zx_handle_close(c.h));
	ZT_ASSERT_OK(zx_handle_close(c2.h));
	ZT_EXPECT_NO_LEAK(&before);
}

TEST_F(vmar_ops, R_112_R_113_R_115_dead_handles)
{
	struct vt_region c = sub_region(self), c2 = vt_alloc(c.h, VT_CAN_ALL, 2 * P);
	zx_handle_t dup = zt_dup(c.h, ZX_RIGHT_SAME_RIGHTS), h;
	zx_koid_t koid = zt_koid(c.h);
	zx_vaddr_t addr;

	ASSERT_NE(ZX_HANDLE_INVALID, c2.h);
	ZT_ASSERT_OK(zx_vmar_destroy(c.h));
	/* Itself, a duplicate and a region below: all dead. */
	const struct vt_region dead[] = {
		c, { .h = dup, .base = c.base, .len = c.len }, c2,
	};

	for (size_t i = 0; i < ARRAY_SIZE(dead); i++) {
		zx_handle_t d = dead[i].h;

		ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmar_destroy(d));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmar_allocate(d, 0, 0, P, &h, &addr));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
				 zx_vmar_map(d, VT_R, 0, self->vmo, 0, P, &addr));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmar_unmap(d, dead[i].base, P));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmar_protect(d, VT_R, dead[i].base, P));
		for (size_t op = 0; op < ARRAY_SIZE(all_ops); op++)
			ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
					 zx_vmar_op_range(d, all_ops[op], dead[i].base, P, NULL,
							  0));
		EXPECT_TRUE(zt_live(d));
		EXPECT_EQ(ZX_OBJ_TYPE_VMAR, zt_type(d));
	}
	ZT_EXPECT_U64(koid, zt_koid(dup));
	ZT_EXPECT_OK(zx_handle_close(dup));
	ZT_EXPECT_OK(zx_handle_close(c2.h));
	ZT_EXPECT_OK(zx_handle_close(c.h));
	EXPECT_FALSE(zt_live(c.h));
}

TEST_F(vmar_ops, R_112_right_before_state)
{
	struct vt_region c = sub_region(self);
	zx_handle_t weak = zt_without(c.h, ZX_RIGHT_OP_CHILDREN);

	ZT_ASSERT_OK(zx_vmar_destroy(c.h));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmar_destroy(weak));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmar_destroy(self->vmo));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmar_destroy(ZX_HANDLE_INVALID));
}

TEST_F(vmar_ops, R_114_the_root_stays)
{
	zx_handle_t root = zx_vmar_root_self();
	zx_handle_t weak = zt_without(root, ZX_RIGHT_OP_CHILDREN);

	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->vmo, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED, zx_vmar_destroy(root));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmar_destroy(weak));
	EXPECT_EQ(vt_tag(6, 0), vt_load(AT(0)));
	ZT_EXPECT_OK(MAP(ZT_RW, 1, self->vmo, 0, 1));
}

/* A tree deep enough to break any walk that recurses on the kernel's stack. */
TEST_F(vmar_ops, R_111_deep_tree)
{
	struct zvm_stats before = zt_stats();
	struct vt_region top = vt_alloc(self->r.h, VT_CAN_ALL, 4096 * P), at = top;
	zx_vaddr_t addr;
	int depth;

	ASSERT_NE(ZX_HANDLE_INVALID, top.h);
	for (depth = 0; depth < 2000; depth++) {
		struct vt_region next = vt_alloc(at.h, VT_CAN_ALL, at.len - P);

		ASSERT_NE(ZX_HANDLE_INVALID, next.h);
		if (at.h != top.h) {
			ZT_ASSERT_OK(zx_handle_close(at.h));
		}
		at = next;
	}
	ZT_ASSERT_OK(zx_vmar_map(at.h, ZT_RW, 0, self->vmo, 0, P, &addr));
	EXPECT_EQ(vt_tag(6, 0), vt_load((void *)addr));
	ZT_EXPECT_U64(2002, vt_maps_count(top.h));
	ZT_EXPECT_OK(zx_vmar_protect(top.h, VT_R, addr, P));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_write((void *)addr));
	ZT_ASSERT_OK(zx_vmar_destroy(top.h));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read((void *)addr));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmar_destroy(at.h));
	ZT_ASSERT_OK(zx_handle_close(top.h));
	ZT_ASSERT_OK(zx_handle_close(at.h));
	ZT_EXPECT_NO_LEAK(&before);
}

/* ------------------------------------------------------------------------
 * op_range
 */
TEST_F(vmar_ops, R_116_R_117_R_118_bad_arguments)
{
	static const uint32_t bad[] = { 0, 4, 5, 6, 7, 8, 9, 11, 15, 16, UINT32_MAX };
	char buf[8];

	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->vmo, 0, 4));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS,
			  zx_vmar_op_range(self->r.h, bad[i], (zx_vaddr_t)AT(0), P, NULL, 0)) {
			TH_LOG("op %u", bad[i]);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(all_ops); i++) {
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 zx_vmar_op_range(self->r.h, all_ops[i], (zx_vaddr_t)AT(0), P, buf,
						  8));
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 zx_vmar_op_range(self->r.h, all_ops[i], (zx_vaddr_t)AT(0), P, NULL,
						  1));
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 zx_vmar_op_range(self->r.h, all_ops[i], (zx_vaddr_t)AT(0), P, buf,
						  0));
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 zx_vmar_op_range(self->r.h, all_ops[i], (zx_vaddr_t)AT(0) + 1, P,
						  NULL, 0));
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 zx_vmar_op_range(self->r.h, all_ops[i], (zx_vaddr_t)AT(0), 0,
						  NULL, 0));
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 zx_vmar_op_range(self->r.h, all_ops[i], (zx_vaddr_t)AT(0),
						  SIZE_MAX, NULL, 0));
	}
	for (int pg = 0; pg < 4; pg++)
		EXPECT_EQ(vt_tag(6, pg), vt_load(AT(pg)));
	/* The length is rounded up. */
	ZT_EXPECT_OK(zx_vmar_op_range(self->r.h, ZX_VMAR_OP_ZERO, (zx_vaddr_t)AT(0), P + 1, NULL,
				      0));
	EXPECT_EQ(0, vt_load(AT(1) + P - 1));
	EXPECT_EQ(vt_tag(6, 2), vt_load(AT(2)));
}

TEST_F(vmar_ops, R_119_outside_the_region)
{
	struct vt_region c = sub_region(self);

	ZT_ASSERT_OK(vt_map_at(&c, ZT_RW, 0, self->vmo, 0, 4 * P));
	for (size_t i = 0; i < ARRAY_SIZE(all_ops); i++) {
		ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE,
				 zx_vmar_op_range(c.h, all_ops[i], c.base - P, P, NULL, 0));
		ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE,
				 zx_vmar_op_range(c.h, all_ops[i], c.base - P, 2 * P, NULL, 0));
		ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE,
				 zx_vmar_op_range(c.h, all_ops[i], c.base + 4 * P, P, NULL, 0));
		ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE,
				 zx_vmar_op_range(c.h, all_ops[i], c.base, 5 * P, NULL, 0));
		ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE,
				 zx_vmar_op_range(c.h, all_ops[i], c.base, -P, NULL, 0));
		ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE,
				 zx_vmar_op_range(c.h, all_ops[i], 0, P, NULL, 0));
	}
	for (int pg = 0; pg < 4; pg++)
		EXPECT_EQ(vt_tag(6, pg), vt_load(AT(4 + pg)));
}

TEST_F(vmar_ops, R_120_holes)
{
	ZT_ASSERT_OK(MAP(ZT_RW, 1, self->vmo, 0, 2));
	ZT_ASSERT_OK(MAP(ZT_RW, 4, self->vmo, 4, 2));
	for (size_t i = 0; i < ARRAY_SIZE(all_ops); i++) {
		if (all_ops[i] == ZX_VMAR_OP_ZERO || all_ops[i] == ZX_VMAR_OP_DECOMMIT)
			continue;
		ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
				 zx_vmar_op_range(self->r.h, all_ops[i], (zx_vaddr_t)AT(0), 2 * P,
						  NULL, 0));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
				 zx_vmar_op_range(self->r.h, all_ops[i], (zx_vaddr_t)AT(2), 3 * P,
						  NULL, 0));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
				 zx_vmar_op_range(self->r.h, all_ops[i], (zx_vaddr_t)AT(5), 2 * P,
						  NULL, 0));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
				 zx_vmar_op_range(self->r.h, all_ops[i], (zx_vaddr_t)AT(8), P,
						  NULL, 0));
		ZT_EXPECT_OK(zx_vmar_op_range(self->r.h, all_ops[i], (zx_vaddr_t)AT(1), 2 * P,
					      NULL, 0));
	}
	/* What lies before the hole is done, what lies behind it is not. */
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, OP(ZERO, 2, 3));
	EXPECT_EQ(vt_tag(6, 0), vt_load(AT(1)));
	EXPECT_EQ(0, vt_load(AT(2)));
	EXPECT_EQ(vt_tag(6, 4), vt_load(AT(4)));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, OP(DECOMMIT, 5, 2));
	EXPECT_EQ(0, vt_load(AT(5)));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, OP(ZERO, 0, 2));
	EXPECT_EQ(vt_tag(6, 0), vt_load(AT(1)));
}

TEST_F(vmar_ops, R_121_destroyed_region)
{
	struct vt_region c = sub_region(self);

	ZT_ASSERT_OK(zx_vmar_destroy(c.h));
	ZT_ASSERT_OK(MAP(ZT_RW, 4, self->vmo, 0, 4));
	for (size_t i = 0; i < ARRAY_SIZE(all_ops); i++)
		ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
				 zx_vmar_op_range(c.h, all_ops[i], c.base, P, NULL, 0));
	EXPECT_EQ(vt_tag(6, 0), vt_load(AT(4)));
}

TEST_F(vmar_ops, R_122_R_123_captured_maximum)
{
	zx_handle_t no_write = zt_without(self->vmo, ZX_RIGHT_WRITE);
	zx_handle_t no_read = zt_without(self->vmo, ZX_RIGHT_READ);
	struct vt_region weak = self->r;

	weak.h = zt_without(self->r.h, ZX_RIGHT_WRITE);
	ZT_ASSERT_OK(MAP(VT_R, 0, no_write, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, OP(COMMIT, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, OP(DECOMMIT, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, OP(ZERO, 0, 1));
	ZT_EXPECT_OK(OP(PREFETCH, 0, 1));
	ZT_EXPECT_OK(OP(MAP_RANGE, 0, 1));
	ZT_EXPECT_OK(OP(DONT_NEED, 0, 1));
	ZT_EXPECT_OK(OP(ALWAYS_NEED, 0, 1));
	EXPECT_EQ(vt_tag(6, 0), vt_load(AT(0)));

	/* The maximum counts, not what the mapping allows now. */
	ZT_ASSERT_OK(MAP(VT_R, 1, self->vmo, 1, 1));
	ZT_EXPECT_OK(OP(COMMIT, 1, 1));
	ZT_EXPECT_OK(OP(ZERO, 1, 1));
	EXPECT_EQ(0, vt_load(AT(1)));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(AT(1)));
	ZT_ASSERT_OK(MAP(0, 2, self->vmo, 2, 1));
	ZT_EXPECT_OK(OP(COMMIT, 2, 1));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(AT(2)));

	/* Neither do the rights of the region handle at hand, only at map time. */
	ZT_EXPECT_OK(OP_AT(zt_dup(self->r.h, 0), ZERO, 2, 1));
	EXPECT_EQ(0, zt_vmo_byte(self->vmo, 2 * P));
	ZT_ASSERT_OK(vt_map_at(&weak, VT_R, self->hole + 3 * P, self->vmo, 3 * P, P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, OP(COMMIT, 3, 1));

	ZT_ASSERT_OK(MAP(0, 4, no_read, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, OP(PREFETCH, 4, 1));
	ZT_EXPECT_OK(OP(MAP_RANGE, 4, 1));
}

TEST_F(vmar_ops, R_124_commit)
{
	zx_handle_t vmo = zt_vmo(16 * P, variant->vmo_options);

	ZT_ASSERT_OK(MAP(ZT_RW, 0, vmo, 4, 8));
	ZT_EXPECT_OK(OP(COMMIT, 2, 3));
	ZT_EXPECT_U64(3 * P, zt_committed(vmo));
	if (vt_present(AT(0)) >= 0) {
		EXPECT_EQ(0, vt_present(AT(1)));
		EXPECT_EQ(1, vt_present(AT(2)));
		EXPECT_EQ(1, vt_present(AT(4)));
		EXPECT_EQ(0, vt_present(AT(5)));
	}
	/* The pages of the VMO that lie there: all others can go unnoticed. */
	ZT_ASSERT_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, 6 * P, NULL, 0));
	ZT_ASSERT_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, 9 * P, 7 * P, NULL, 0));
	ZT_EXPECT_U64(3 * P, zt_committed(vmo));
	/* Content is kept. */
	ZT_EXPECT_ACCESS(zt_try_store(AT(3), 88));
	ZT_EXPECT_OK(OP(COMMIT, 0, 8));
	ZT_EXPECT_U64(8 * P, zt_committed(vmo));
	EXPECT_EQ(88, vt_load(AT(3)));
	EXPECT_EQ(0, vt_load(AT(0)));
}

TEST_F(vmar_ops, R_124_two_vmos_in_one_range)
{
	zx_handle_t a = zt_vmo(8 * P, variant->vmo_options), b = zt_vmo(8 * P, 0);

	ZT_ASSERT_OK(MAP(ZT_RW, 0, a, 5, 3));
	ZT_ASSERT_OK(MAP(ZT_RW, 3, b, 1, 3));
	ZT_EXPECT_OK(OP(COMMIT, 2, 3));
	ZT_EXPECT_U64(P, zt_committed(a));
	ZT_EXPECT_U64(2 * P, zt_committed(b));
	ZT_ASSERT_OK(zx_vmo_op_range(a, ZX_VMO_OP_DECOMMIT, 7 * P, P, NULL, 0));
	ZT_ASSERT_OK(zx_vmo_op_range(b, ZX_VMO_OP_DECOMMIT, P, 2 * P, NULL, 0));
	ZT_EXPECT_U64(0, zt_committed(a));
	ZT_EXPECT_U64(0, zt_committed(b));
}

TEST_F(vmar_ops, R_125_decommit)
{
	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->vmo, 1, 4));
	for (int pg = 0; pg < 4; pg++)
		ZT_ASSERT_OK(zt_try_write(AT(pg) + 1));
	ZT_EXPECT_OK(OP(DECOMMIT, 1, 2));
	ZT_EXPECT_U64(6 * P, zt_committed(self->vmo));
	EXPECT_EQ(vt_tag(6, 1), vt_load(AT(0)));
	EXPECT_EQ(-1, zt_nonzero(AT(1), 2 * P));
	EXPECT_EQ(vt_tag(6, 4), vt_load(AT(3)));
	EXPECT_TRUE(zt_vmo_zero(self->vmo, 2 * P, 2 * P));
	ZT_EXPECT_ACCESS(zt_try_write(AT(1)));
	EXPECT_EQ(0x5a, zt_vmo_byte(self->vmo, 2 * P));
}

TEST_F(vmar_ops, R_127_zero)
{
	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->vmo, 3, 4));
	for (int pg = 0; pg < 4; pg++)
		ZT_ASSERT_OK(zt_try_read(AT(pg)));
	ZT_EXPECT_OK(OP(ZERO, 1, 2));
	for (uint64_t pg = 0; pg < 8; pg++)
		EXPECT_EQ(pg == 4 || pg == 5 ? 0 : vt_tag(6, pg), zt_vmo_byte(self->vmo, pg * P));
	EXPECT_EQ(vt_tag(6, 3), vt_load(AT(0)));
	EXPECT_EQ(-1, zt_nonzero(AT(1), 2 * P));
	EXPECT_EQ(vt_tag(6, 6), vt_load(AT(3)));
}

TEST_F(vmar_ops, R_128_map_range)
{
	zx_handle_t vmo = zt_vmo(4 * P, variant->vmo_options);

	ZT_ASSERT_OK(zx_vmo_write(vmo, "a", P, 1));
	ZT_ASSERT_OK(MAP(ZT_RW, 0, vmo, 0, 8));
	ZT_EXPECT_OK(OP(MAP_RANGE, 0, 8));
	ZT_EXPECT_U64(P, zt_committed(vmo));
	if (vt_present(AT(0)) >= 0) {
		EXPECT_EQ(1, vt_present(AT(1)));
		EXPECT_EQ(0, vt_present(AT(4)));
	}
	/* Wholly beyond the end, and once more over what is there already. */
	ZT_EXPECT_OK(OP(MAP_RANGE, 5, 3));
	ZT_EXPECT_OK(OP(MAP_RANGE, 0, 8));
	EXPECT_EQ('a', vt_load(AT(1)));
	EXPECT_EQ(0, vt_load(AT(0)));
	ZT_EXPECT_FAULT(SIGBUS, zt_try_read(AT(4)));
	ZT_EXPECT_U64(P, zt_committed(vmo));
	/* A page without access stays so. */
	ZT_ASSERT_OK(zx_vmar_protect(self->r.h, 0, (zx_vaddr_t)AT(1), P));
	ZT_EXPECT_OK(OP(MAP_RANGE, 0, 8));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(AT(1)));
}

TEST_F(vmar_ops, R_128_map_range_of_many_pages)
{
	const size_t pages = 1500;
	zx_handle_t vmo = zt_vmo(pages * P, variant->vmo_options);
	zx_vaddr_t addr;

	for (size_t i = 0; i < pages; i += 3)
		ZT_ASSERT_OK(vt_tag_page(vmo, 1 + i % 14, i));
	ZT_ASSERT_OK(zx_vmar_map(self->r.h, ZT_RW, 0, vmo, 0, pages * P, &addr));
	ZT_EXPECT_OK(zx_vmar_op_range(self->r.h, ZX_VMAR_OP_MAP_RANGE, addr, pages * P, NULL, 0));
	for (size_t i = 0; i < pages; i++)
		ASSERT_EQ(i % 3 ? 0 : vt_tag(1 + i % 14, i), vt_load((void *)(addr + i * P)));
	ZT_EXPECT_U64((pages + 2) / 3 * P, zt_committed(vmo));
}

TEST_F(vmar_ops, R_129_beyond_the_vmo)
{
	zx_handle_t vmo = zt_vmo(4 * P, variant->vmo_options);

	ZT_ASSERT_OK(MAP(ZT_RW, 0, vmo, 0, 8));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, OP(COMMIT, 4, 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, OP(COMMIT, 3, 2));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, OP(DECOMMIT, 3, 2));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, OP(ZERO, 3, 2));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, OP(PREFETCH, 3, 2));
	ZT_EXPECT_OK(OP(MAP_RANGE, 3, 2));
	ZT_EXPECT_OK(OP(COMMIT, 3, 1));
}

TEST_F(vmar_ops, R_129_beyond_the_stream_size)
{
	ZT_ASSERT_OK(zx_vmo_set_stream_size(self->vmo, P + 1));
	ZT_ASSERT_OK(MAP(ZT_RW | ZX_VM_FAULT_BEYOND_STREAM_SIZE | ZX_VM_ALLOW_FAULTS, 0, self->vmo,
			 0, 4));
	ZT_EXPECT_OK(OP(COMMIT, 0, 2));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, OP(COMMIT, 1, 2));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, OP(COMMIT, 2, 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, OP(ZERO, 2, 1));
}

TEST_F(vmar_ops, R_130_R_131_through_the_parent)
{
	static const uint32_t refused[] = {
		ZX_VMAR_OP_COMMIT, ZX_VMAR_OP_DECOMMIT, ZX_VMAR_OP_PREFETCH,
	};
	static const uint32_t allowed[] = {
		ZX_VMAR_OP_MAP_RANGE, ZX_VMAR_OP_ZERO, ZX_VMAR_OP_DONT_NEED,
		ZX_VMAR_OP_ALWAYS_NEED,
	};
	zx_handle_t weak = zt_without(self->r.h, ZX_RIGHT_OP_CHILDREN);
	struct vt_region c = sub_region(self);

	ZT_ASSERT_OK(vt_map_at(&c, ZT_RW, 0, self->vmo, 0, 4 * P));
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 zx_vmar_op_range(self->r.h, refused[i], c.base, P, NULL, 0));
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 zx_vmar_op_range(weak, refused[i], c.base, P, NULL, 0));
		if (refused[i] != ZX_VMAR_OP_DECOMMIT) {
			ZT_EXPECT_OK(zx_vmar_op_range(c.h, refused[i], c.base, P, NULL, 0));
		}
	}
	EXPECT_EQ(vt_tag(6, 0), vt_load(AT(4)));
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 zx_vmar_op_range(weak, allowed[i], c.base, P, NULL, 0));
	EXPECT_EQ(vt_tag(6, 0), vt_load(AT(4)));
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		ZT_EXPECT_OK(zx_vmar_op_range(self->r.h, allowed[i], c.base, P, NULL, 0));
	EXPECT_EQ(0, vt_load(AT(4)));
	EXPECT_EQ(vt_tag(6, 1), vt_load(AT(5)));
}

enum which {
	GOOD,		/* pages 0 .. 3 mapped */
	CLOSED,
	A_VMO,
	DEAD,
	WHICH,
};

TEST(R_116_R_117_R_118_R_119_R_120_R_121_order_of_checks)
{
	const size_t len = 16 * P;
	struct vt_region r[WHICH] = { };
	zx_handle_t vmo = zt_vmo(2 * P, 0), no_write = zt_without(vmo, ZX_RIGHT_WRITE);

	r[GOOD] = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, len);
	ZT_ASSERT_OK(vt_map_at(&r[GOOD], VT_R, 0, no_write, 0, 4 * P));
	r[CLOSED] = r[GOOD];
	r[CLOSED].h = zt_dup(r[GOOD].h, ZX_RIGHT_SAME_RIGHTS);
	ZT_ASSERT_OK(zx_handle_close(r[CLOSED].h));
	r[A_VMO] = r[GOOD];
	r[A_VMO].h = zt_dup(vmo, 0);
	r[DEAD] = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, len);
	ZT_ASSERT_OK(zx_vmar_destroy(r[DEAD].h));
	for (int i = 0; i < WHICH; i++)
		ASSERT_NE(ZX_HANDLE_INVALID, r[i].h);

	const uint32_t commit = ZX_VMAR_OP_COMMIT;
	const struct {
		const char *why;
		enum which which;
		uint32_t op;
		size_t off, size, buffer_size;
		zx_status_t want;
	} row[] = {
		{ "handle before op", CLOSED, 99, 1, 0, 1, ZX_ERR_BAD_HANDLE },
		{ "type before op", A_VMO, 99, 1, 0, 1, ZX_ERR_WRONG_TYPE },
		{ "op before bounds", GOOD, 99, len, P, 0, ZX_ERR_INVALID_ARGS },
		{ "op before state", DEAD, 99, 0, P, 0, ZX_ERR_INVALID_ARGS },
		{ "buffer before bounds", GOOD, commit, len, P, 1, ZX_ERR_INVALID_ARGS },
		{ "buffer before state", DEAD, commit, 0, P, 1, ZX_ERR_INVALID_ARGS },
		{ "address before bounds", GOOD, commit, len + 1, P, 0, ZX_ERR_INVALID_ARGS },
		{ "length before bounds", GOOD, commit, len, 0, 0, ZX_ERR_INVALID_ARGS },
		{ "length before state", DEAD, commit, 0, 0, 0, ZX_ERR_INVALID_ARGS },
		{ "bounds before state", DEAD, commit, len, P, 0, ZX_ERR_OUT_OF_RANGE },
		{ "bounds before state", DEAD, commit, 0, len + P, 0, ZX_ERR_OUT_OF_RANGE },
		{ "bounds before maximum", GOOD, commit, 0, len + P, 0, ZX_ERR_OUT_OF_RANGE },
		{ "bounds before hole", GOOD, commit, 8 * P, len, 0, ZX_ERR_OUT_OF_RANGE },
		{ "state", DEAD, commit, 0, P, 0, ZX_ERR_BAD_STATE },
		{ "maximum before the end of the VMO", GOOD, commit, 2 * P, P, 0,
		  ZX_ERR_ACCESS_DENIED },
		{ "maximum before the hole behind", GOOD, commit, 0, 8 * P, 0,
		  ZX_ERR_ACCESS_DENIED },
		{ "hole", GOOD, ZX_VMAR_OP_MAP_RANGE, 0, 8 * P, 0, ZX_ERR_BAD_STATE },
		{ "nothing wrong", GOOD, ZX_VMAR_OP_MAP_RANGE, 0, 4 * P, 0, ZX_OK },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		zx_status_t st = zx_vmar_op_range(r[row[i].which].h, row[i].op,
						  r[row[i].which].base + row[i].off, row[i].size,
						  NULL, row[i].buffer_size);

		EXPECT_EQ(row[i].want, st) {
			TH_LOG("%s: wanted %s, got %s", row[i].why,
			       zx_status_get_string(row[i].want), zx_status_get_string(st));
		}
	}
}

/* ------------------------------------------------------------------------
 * unmap, close, exit the thread
 */
struct last_act {
	zx_handle_t vmar, close;
	zx_vaddr_t addr;
	size_t size;
	zx_status_t status;
	_Atomic bool went_on;
};

static void *last_act_thread(void *arg)
{
	struct last_act *l = arg;

	l->status = zx_vmar_unmap_handle_close_thread_exit(l->vmar, l->addr, l->size, l->close);
	l->went_on = true;
	return NULL;
}

TEST_F(vmar_ops, R_132_exit_helper_with_bad_arguments)
{
	zx_handle_t no_children = zt_without(self->r.h, ZX_RIGHT_OP_CHILDREN);
	struct vt_region c = sub_region(self), dead = vt_alloc(self->r.h, VT_CAN_ALL, P);
	zx_handle_t victim = zt_vmo(P, 0), closed = zt_vmo(P, 0);

	ZT_ASSERT_OK(zx_handle_close(closed));
	ZT_ASSERT_OK(zx_vmar_destroy(dead.h));
	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->vmo, 0, 4));
	const struct {
		zx_handle_t vmar;
		zx_vaddr_t addr;
		size_t size;
		zx_status_t want;
	} row[] = {
		{ closed, (zx_vaddr_t)AT(0), P, ZX_ERR_BAD_HANDLE },
		{ victim, (zx_vaddr_t)AT(0), P, ZX_ERR_WRONG_TYPE },
		{ self->r.h, (zx_vaddr_t)AT(0) + 1, P, ZX_ERR_INVALID_ARGS },
		{ self->r.h, (zx_vaddr_t)AT(0), 0, ZX_ERR_INVALID_ARGS },
		{ self->r.h, (zx_vaddr_t)AT(0), 5 * P, ZX_ERR_INVALID_ARGS },
		{ no_children, c.base, c.len, ZX_ERR_INVALID_ARGS },
		{ dead.h, dead.base, P, ZX_ERR_BAD_STATE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct last_act l = {
			.vmar = row[i].vmar, .close = victim, .addr = row[i].addr,
			.size = row[i].size,
		};
		pthread_t t;

		ASSERT_EQ(0, pthread_create(&t, NULL, last_act_thread, &l));
		ASSERT_EQ(0, pthread_join(t, NULL));
		EXPECT_TRUE(l.went_on);
		EXPECT_EQ(row[i].want, l.status) {
			TH_LOG("row %zu", i);
		}
		EXPECT_TRUE(zt_live(victim));
		EXPECT_EQ(vt_tag(6, 0), vt_load(AT(0)));
	}
}

TEST_F(vmar_ops, R_133_exit_helper)
{
	struct last_act l = {
		.vmar = self->r.h, .close = zt_vmo(P, 0), .addr = (zx_vaddr_t)AT(1), .size = 2 * P,
		.status = 1234,
	};
	struct zvm_stats before;
	pthread_t t;

	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->vmo, 0, 4));
	before = zt_stats();
	ASSERT_EQ(0, pthread_create(&t, NULL, last_act_thread, &l));
	/* The kernel tells the C library of the exit; nothing else returns. */
	ASSERT_EQ(0, pthread_join(t, NULL));
	EXPECT_FALSE(l.went_on);
	EXPECT_EQ(1234, l.status);
	EXPECT_FALSE(zt_live(l.close));
	EXPECT_EQ(vt_tag(6, 0), vt_load(AT(0)));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(AT(1)));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(AT(2)));
	EXPECT_EQ(vt_tag(6, 3), vt_load(AT(3)));
	ZT_EXPECT_U64(before.handles - 1, zt_stats().handles);
	ZT_EXPECT_U64(before.vmos - 1, zt_stats().vmos);
}

/* A thread that unmaps the very stack it runs on. */
static int on_own_stack(void *arg)
{
	last_act_thread(arg);
	_exit(1);
}

TEST_F(vmar_ops, R_133_exit_helper_on_its_own_stack)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			  CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
	zx_handle_t stack = zt_vmo(16 * P, 0);
	struct last_act l = { .vmar = self->r.h, .close = zt_vmo(P, 0), .size = 16 * P };
	uint64_t end = zt_now_ns() + 10000000000u;
	volatile pid_t tid = -1;

	ZT_ASSERT_OK(MAP(ZT_RW, 0, stack, 0, 16));
	l.addr = (zx_vaddr_t)AT(0);
	ASSERT_LT(0, clone(on_own_stack, AT(16), flags, &l, &tid, NULL, &tid));
	/* No thread-local storage of its own: leave it alone until it has gone. */
	while (tid && zt_now_ns() < end)
		;
	ASSERT_EQ(0, tid);
	EXPECT_FALSE(l.went_on);
	EXPECT_FALSE(zt_live(l.close));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(AT(0)));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(AT(15)));
	ZT_EXPECT_OK(MAP(ZT_RW, 0, self->vmo, 0, 8));
}

static int bad_close(void *arg)
{
	FIXTURE_DATA(vmar_ops) *self = arg;
	struct vt_region r = vt_region_of(zx_vmar_root_self());
	zx_handle_t h = zt_vmo(P, 0);
	zx_vaddr_t addr;

	/* The child of a fork has an arena of its own. */
	VT_CHECK_OK(zx_vmar_map(r.h, ZT_RW, 0, self->vmo, 0, P, &addr));
	VT_CHECK_OK(zx_handle_close(h));
	zx_vmar_unmap_handle_close_thread_exit(r.h, addr, P, h);
	return 0;
}

/* Nothing can be returned once the stack may be gone: a bad handle traps. */
TEST_F(vmar_ops, R_133_exit_helper_with_a_bad_handle_to_close)
{
	int status = zt_fork_run(bad_close, self);

	EXPECT_TRUE(status == 128 + SIGILL || status == 128 + SIGTRAP) {
		TH_LOG("status %d", status);
	}
}

/* ------------------------------------------------------------------------
 * Faults
 */
TEST_F(vmar_ops, R_134_nothing_mapped)
{
	struct vt_region c = sub_region(self);

	ZT_ASSERT_OK(MAP(ZT_RW, 1, self->vmo, 0, 2));
	/* In the parent, in an empty region, right beside a mapping. */
	const int pages[] = { 0, 3, 5 };

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		uint8_t *p = AT(pages[i]) + 123;

		ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(p));
		EXPECT_EQ((void *)p, zt_fault()->addr);
		ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(p));
		EXPECT_EQ((void *)p, zt_fault()->addr);
	}
}

TEST_F(vmar_ops, R_135_write_to_read_only)
{
	ZT_ASSERT_OK(MAP(VT_R, 0, self->vmo, 0, 4));
	/* With and without the page in the page tables, and once more. */
	EXPECT_EQ(vt_tag(6, 0), vt_load(AT(0)));
	for (int round = 0; round < 2; round++) {
		for (int pg = 0; pg < 4; pg++) {
			uint8_t *p = AT(pg) + 77;

			ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(p));
			EXPECT_EQ((void *)p, zt_fault()->addr);
			EXPECT_EQ(vt_tag(6, pg), vt_load(p));
		}
	}
}

TEST_F(vmar_ops, R_136_R_137_end_of_the_vmo)
{
	zx_handle_t vmo = zt_vmo(2 * P, ZX_VMO_RESIZABLE);

	ZT_ASSERT_OK(MAP(ZT_RW, 0, vmo, 1, 6));
	ZT_EXPECT_ACCESS(zt_try_store(AT(0), 9));
	for (int pg = 1; pg < 6; pg++) {
		ZT_EXPECT_FAULT(SIGBUS, zt_try_read(AT(pg)));
		EXPECT_EQ((void *)AT(pg), zt_fault()->addr);
		ZT_EXPECT_FAULT(SIGBUS, zt_try_write(AT(pg)));
	}
	/* Growing is enough, page by page. */
	for (int pg = 1; pg < 6; pg++) {
		ZT_ASSERT_OK(zx_vmo_set_size(vmo, (2 + pg) * P));
		EXPECT_EQ(0, vt_load(AT(pg)));
		ZT_EXPECT_ACCESS(zt_try_store(AT(pg), 9));
		if (pg < 5) {
			ZT_EXPECT_FAULT(SIGBUS, zt_try_read(AT(pg + 1)));
		}
	}
	/* Shrinking takes what was touched. */
	ZT_ASSERT_OK(zx_vmo_set_size(vmo, 3 * P));
	for (int pg = 0; pg < 6; pg++)
		EXPECT_EQ(pg < 2 ? 9 : -SIGBUS, vt_load(AT(pg)));
	/* And growing again shows zeros. */
	ZT_ASSERT_OK(zx_vmo_set_size(vmo, 7 * P));
	EXPECT_EQ(0, vt_load(AT(3)));
}

TEST_F(vmar_ops, R_138_vmo_read_into_a_mapping_past_its_end)
{
	zx_handle_t shorter = zt_vmo(P, variant->vmo_options);

	ZT_ASSERT_OK(MAP(ZT_RW, 0, shorter, 0, 4));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(self->vmo, AT(1), 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(self->vmo, AT(0), 0, 2 * P));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_write(self->vmo, AT(1), 0, P));
	ZT_EXPECT_OK(zx_vmo_read(self->vmo, AT(0), 0, P));
	EXPECT_EQ(vt_tag(6, 0), zt_vmo_byte(shorter, P - 1));
	/* Nothing mapped, or not with this permission. */
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, zx_vmo_read(self->vmo, AT(8), 0, P));
	ZT_ASSERT_OK(MAP(VT_R, 8, shorter, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_read(self->vmo, AT(8), 0, P));
	ZT_EXPECT_OK(zx_vmo_write(self->vmo, AT(8), P, P));
	ZT_ASSERT_OK(zx_vmar_protect(self->r.h, 0, (zx_vaddr_t)AT(8), P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_write(self->vmo, AT(8), P, P));
}

/* Source and target are mappings of one VMO, ranges that overlap included. */
TEST_F(vmar_ops, V_056_copy_within_one_vmo)
{
	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->vmo, 0, 8));
	ZT_EXPECT_OK(zx_vmo_write(self->vmo, AT(2), 5 * P + 7, P));
	EXPECT_EQ(vt_tag(6, 2), vt_load(AT(5) + 7));
	EXPECT_EQ(vt_tag(6, 5), vt_load(AT(5) + 6));
	ZT_EXPECT_OK(zx_vmo_read(self->vmo, AT(0), 2 * P, 2 * P));
	EXPECT_EQ(vt_tag(6, 3), vt_load(AT(1)));
	ZT_EXPECT_OK(zx_vmo_write(self->vmo, AT(4), 4 * P, 2 * P));
	ZT_EXPECT_OK(zx_vmo_read(self->vmo, AT(4), 4 * P, 2 * P));
	/* Not one page of this one is there yet. */
	zx_handle_t fresh = zt_vmo(4 * P, variant->vmo_options);

	ZT_ASSERT_OK(MAP(ZT_RW, 10, fresh, 0, 4));
	ZT_EXPECT_OK(zx_vmo_write(fresh, AT(12), 0, 2 * P));
	ZT_EXPECT_OK(zx_vmo_read(fresh, AT(12), 0, 2 * P));
	EXPECT_EQ(-1, zt_nonzero(AT(10), 4 * P));
}

TEST_HARNESS_MAIN
