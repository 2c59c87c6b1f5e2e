// SPDX-License-Identifier: MIT OR GPL-2.0
/* zx_vmar_unmap, and the order of the checks. */
#include "kselftest_harness.h"
#include "zvm_vmar_test.h"

FIXTURE(vmar_unmap) {
	struct vt_region r;	/* has room for 16 pages at `hole` */
	size_t hole;
	zx_handle_t vmo;	/* 8 pages with tag 6 */
};

FIXTURE_VARIANT(vmar_unmap) {
	int depth;
	uint32_t vmo_options;
};

FIXTURE_VARIANT_ADD(vmar_unmap, root_plain) { .depth = 0 };
FIXTURE_VARIANT_ADD(vmar_unmap, child_resizable) { .depth = 1, .vmo_options = ZX_VMO_RESIZABLE };
FIXTURE_VARIANT_ADD(vmar_unmap, grandchild_plain) { .depth = 2 };

FIXTURE_SETUP(vmar_unmap)
{
	self->r = vt_region_at_depth(variant->depth);
	ASSERT_NE(ZX_HANDLE_INVALID, self->r.h);
	self->hole = vt_hole(&self->r, 16 * P);
	ASSERT_NE(SIZE_MAX, self->hole);
	self->vmo = vt_tagged_vmo(6, 8, variant->vmo_options);
	ASSERT_NE(ZX_HANDLE_INVALID, self->vmo);
}

FIXTURE_TEARDOWN(vmar_unmap)
{
}

#define AT(page) vt_ptr(&self->r, self->hole + (page) * P)
#define MAP(options, page, vmo, vmo_page, pages) \
	vt_map_at(&self->r, (options), self->hole + (page) * P, (vmo), (vmo_page) * P, (pages) * P)
#define UNMAP(page, len) zx_vmar_unmap(self->r.h, (zx_vaddr_t)AT(page), (len))

TEST_F(vmar_unmap, R_078_whole_mapping)
{
	zx_handle_t other = vt_tagged_vmo(8, 8, variant->vmo_options);

	ZT_ASSERT_OK(MAP(ZT_RW, 1, self->vmo, 0, 4));
	for (int pg = 1; pg < 5; pg++)
		ZT_ASSERT_OK(zt_try_write(AT(pg) + 1));
	ZT_ASSERT_OK(UNMAP(1, 4 * P));
	for (int pg = 1; pg < 5; pg++) {
		ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(AT(pg)));
		ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(AT(pg)));
	}
	/* The content is the VMO's, not the mapping's. */
	EXPECT_EQ(0x5a, zt_vmo_byte(self->vmo, 1));
	/* The same place, another VMO. */
	ZT_ASSERT_OK(MAP(VT_R, 1, other, 2, 4));
	for (int pg = 1; pg < 5; pg++)
		EXPECT_EQ(vt_tag(8, pg + 1), vt_load(AT(pg) + 1));
}

TEST_F(vmar_unmap, R_079_R_080_alignment)
{
	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->vmo, 0, 4));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmar_unmap(self->r.h, (zx_vaddr_t)AT(0) + 1, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmar_unmap(self->r.h, (zx_vaddr_t)AT(0) + P / 2, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, UNMAP(0, 0));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, UNMAP(0, SIZE_MAX));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, UNMAP(0, SIZE_MAX - P + 2));
	for (int pg = 0; pg < 4; pg++)
		EXPECT_EQ(vt_tag(6, pg), vt_load(AT(pg)));
	/* One byte of page 1, one more than a page from page 2. */
	ZT_EXPECT_OK(UNMAP(1, 1));
	EXPECT_EQ(vt_tag(6, 0), vt_load(AT(0)));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(AT(1)));
	EXPECT_EQ(vt_tag(6, 2), vt_load(AT(2)));
	ZT_EXPECT_OK(UNMAP(2, P + 1));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(AT(2)));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(AT(3)));
	EXPECT_EQ(vt_tag(6, 0), vt_load(AT(0)));
}

TEST_F(vmar_unmap, R_081_outside_the_region)
{
	struct vt_region c = vt_alloc(self->r.h, VT_CAN_ALL, 8 * P);

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	ZT_ASSERT_OK(vt_map_at(&c, VT_R, 0, self->vmo, 0, 8 * P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmar_unmap(c.h, c.base - P, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmar_unmap(c.h, c.base - P, 2 * P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmar_unmap(c.h, c.base + 8 * P, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmar_unmap(c.h, c.base + 7 * P, 2 * P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmar_unmap(c.h, c.base, 9 * P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmar_unmap(c.h, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmar_unmap(c.h, -P, P));
	/* Wraps round to a page inside. */
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmar_unmap(c.h, c.base, -P));
	for (int pg = 0; pg < 8; pg++)
		EXPECT_EQ(vt_tag(6, pg), vt_load(vt_ptr(&c, pg * P)));
	ZT_EXPECT_OK(zx_vmar_unmap(c.h, c.base, 8 * P));
}

TEST_F(vmar_unmap, R_082_R_083_holes)
{
	ZT_EXPECT_OK(UNMAP(0, 16 * P));
	ZT_ASSERT_OK(MAP(VT_R, 2, self->vmo, 0, 2));
	ZT_ASSERT_OK(MAP(VT_R, 8, self->vmo, 4, 3));
	ZT_EXPECT_OK(UNMAP(4, 4 * P));
	EXPECT_EQ(vt_tag(6, 1), vt_load(AT(3)));
	EXPECT_EQ(vt_tag(6, 4), vt_load(AT(8)));
	/* Half a mapping, a hole, half a mapping. */
	ZT_EXPECT_OK(UNMAP(3, 6 * P));
	EXPECT_EQ(vt_tag(6, 0), vt_load(AT(2)));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(AT(3)));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(AT(8)));
	EXPECT_EQ(vt_tag(6, 5), vt_load(AT(9)));
	EXPECT_EQ(vt_tag(6, 6), vt_load(AT(10)));
	/* Hole, mappings, hole. */
	ZT_EXPECT_OK(UNMAP(0, 16 * P));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(AT(2)));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(AT(9)));
	ZT_EXPECT_U64(0, zt_vmo_info(self->vmo).num_mappings);
}

/* In a region that never had a child there is nothing to refuse. */
TEST_F(vmar_unmap, R_082_empty_region)
{
	struct vt_region c = vt_alloc(self->r.h, 0, 8 * P);

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	ZT_EXPECT_OK(zx_vmar_unmap(c.h, c.base, 8 * P));
	ZT_EXPECT_OK(zx_vmar_unmap(c.h, c.base + 3 * P, 1));
}

TEST_F(vmar_unmap, R_084_middle_page)
{
	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->vmo, 2, 3));
	for (int pg = 0; pg < 3; pg++)
		ZT_ASSERT_OK(zt_try_store(AT(pg) + 5, (uint8_t)(90 + pg)));
	/* The right piece has its own current permissions. */
	ZT_ASSERT_OK(zx_vmar_protect(self->r.h, VT_R, (zx_vaddr_t)AT(2), P));
	ZT_ASSERT_OK(UNMAP(1, P));
	EXPECT_EQ(90, vt_load(AT(0) + 5));
	EXPECT_EQ(vt_tag(6, 2), vt_load(AT(0)));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(AT(1)));
	EXPECT_EQ(92, vt_load(AT(2) + 5));
	EXPECT_EQ(vt_tag(6, 4), vt_load(AT(2)));
	ZT_EXPECT_ACCESS(zt_try_write(AT(0)));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(AT(2)));
	/* Untouched pages of the pieces still come from the right offset. */
	ZT_ASSERT_OK(vt_tag_page(self->vmo, 11, 4));
	EXPECT_EQ(vt_tag(11, 4), vt_load(AT(2)));
	ZT_EXPECT_OK(zx_vmar_protect(self->r.h, ZT_RW, (zx_vaddr_t)AT(2), P));
	ZT_EXPECT_ACCESS(zt_try_write(AT(2)));
	EXPECT_EQ(0x5a, zt_vmo_byte(self->vmo, 4 * P));
	ZT_EXPECT_U64(2, zt_vmo_info(self->vmo).num_mappings);
}

/* Every way to cut a mapping of five pages. */
TEST_F(vmar_unmap, R_084_every_cut)
{
	for (int from = 0; from < 5; from++) {
		for (int to = from + 1; to <= 5; to++) {
			ZT_ASSERT_OK(MAP(VT_R, 1, self->vmo, 3, 5));
			ZT_ASSERT_OK(UNMAP(1 + from, (to - from) * P));
			for (int pg = 0; pg < 5; pg++) {
				bool gone = pg >= from && pg < to;

				ASSERT_EQ(gone ? -SIGSEGV : vt_tag(6, 3 + pg),
					  vt_load(AT(1 + pg)))
					TH_LOG("cut %d .. %d, page %d", from, to, pg);
			}
			ZT_ASSERT_OK(UNMAP(0, 8 * P));
		}
	}
}

TEST_F(vmar_unmap, R_085_whole_sub_region)
{
	zx_handle_t sub, sub2, no_children = zt_without(self->r.h, ZX_RIGHT_OP_CHILDREN);
	struct vt_region c, c2;
	zx_vaddr_t addr;

	ZT_ASSERT_OK(zx_vmar_allocate(self->r.h, VT_CAN_ALL | ZX_VM_SPECIFIC, self->hole + 4 * P,
				      8 * P, &sub, &addr));
	c = vt_region_of(sub);
	ZT_ASSERT_OK(zx_vmar_allocate(sub, VT_CAN_ALL | ZX_VM_SPECIFIC, 4 * P, 4 * P, &sub2,
				      &addr));
	c2 = vt_region_of(sub2);
	ZT_ASSERT_OK(vt_map_at(&c, ZT_RW, 0, self->vmo, 0, P));
	ZT_ASSERT_OK(vt_map_at(&c2, ZT_RW, 0, self->vmo, 1 * P, P));
	ZT_ASSERT_OK(zt_try_write(AT(4)));
	ZT_ASSERT_OK(zt_try_write(AT(8)));
	ZT_ASSERT_OK(MAP(ZT_RW, 2, self->vmo, 2, 2));

	/* Not with a handle that may not touch what is below. */
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmar_unmap(no_children, (zx_vaddr_t)AT(4), 8 * P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmar_unmap(no_children, (zx_vaddr_t)AT(3), 9 * P));
	EXPECT_EQ(0x5a, vt_load(AT(4)));
	EXPECT_EQ(vt_tag(6, 3), vt_load(AT(3)));

	/* A page of a mapping before it, then all of it. */
	ZT_ASSERT_OK(UNMAP(3, 10 * P));
	EXPECT_EQ(vt_tag(6, 2), vt_load(AT(2)));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(AT(3)));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(AT(4)));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(AT(8)));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, vt_map_at(&c, VT_R, 0, self->vmo, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, vt_map_at(&c2, VT_R, 0, self->vmo, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmar_destroy(sub2));
	ZT_EXPECT_OK(MAP(VT_R, 4, self->vmo, 5, 2));
	EXPECT_EQ(vt_tag(6, 5), vt_load(AT(4)));
}

TEST_F(vmar_unmap, R_086_part_of_a_sub_region)
{
	zx_handle_t sub;
	struct vt_region c;
	zx_vaddr_t addr;

	ZT_ASSERT_OK(zx_vmar_allocate(self->r.h, VT_CAN_ALL | ZX_VM_SPECIFIC, self->hole + 4 * P,
				      4 * P, &sub, &addr));
	c = vt_region_of(sub);
	ZT_ASSERT_OK(vt_map_at(&c, ZT_RW, 0, self->vmo, 0, 4 * P));
	ZT_ASSERT_OK(MAP(ZT_RW, 2, self->vmo, 0, 2));
	ZT_ASSERT_OK(MAP(ZT_RW, 8, self->vmo, 0, 2));
	for (int from = 2; from < 10; from++) {
		for (int to = from + 1; to <= 10; to++) {
			if ((from <= 4 && to >= 8) || to <= 4 || from >= 8)
				continue;
			EXPECT_EQ(ZX_ERR_INVALID_ARGS, UNMAP(from, (to - from) * P))
				TH_LOG("pages %d .. %d", from, to);
		}
	}
	/* Nothing was changed, neither inside nor beside. */
	for (int pg = 2; pg < 10; pg++)
		EXPECT_EQ(vt_tag(6, pg < 4 ? pg - 2 : pg < 8 ? pg - 4 : pg - 8), vt_load(AT(pg)));
	/* Through the handle of the region it is a cut like any other. */
	ZT_EXPECT_OK(zx_vmar_unmap(sub, (zx_vaddr_t)AT(5), P));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(AT(5)));
}

TEST_F(vmar_unmap, R_087_handle_without_op_children)
{
	zx_handle_t sub, no_children = zt_dup(self->r.h, 0);
	zx_vaddr_t addr;

	ZT_ASSERT_OK(zx_vmar_allocate(self->r.h, VT_CAN_ALL | ZX_VM_SPECIFIC, self->hole + 4 * P,
				      4 * P, &sub, &addr));
	ZT_ASSERT_OK(MAP(VT_R, 0, self->vmo, 0, 4));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmar_unmap(no_children, (zx_vaddr_t)AT(0), 8 * P));
	EXPECT_EQ(vt_tag(6, 0), vt_load(AT(0)));
	/* Own mappings need no right at all. */
	ZT_EXPECT_OK(zx_vmar_unmap(no_children, (zx_vaddr_t)AT(0), 4 * P));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(AT(0)));
	ZT_EXPECT_OK(zx_vmar_unmap(sub, (zx_vaddr_t)AT(4), 4 * P));
}

TEST_F(vmar_unmap, R_088_destroyed_region)
{
	struct vt_region c = vt_alloc(self->r.h, VT_CAN_ALL, 8 * P);

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	ZT_ASSERT_OK(zx_vmar_destroy(c.h));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmar_unmap(c.h, c.base, P));
	/* Something else lies there now: it is not reached. */
	ZT_ASSERT_OK(vt_map_at(&self->r, VT_R, c.base - self->r.base, self->vmo, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmar_unmap(c.h, c.base, P));
	EXPECT_EQ(vt_tag(6, 0), vt_load((void *)c.base));
}

TEST_F(vmar_unmap, R_089_num_mappings)
{
	ZT_EXPECT_U64(0, zt_vmo_info(self->vmo).num_mappings);
	ZT_ASSERT_OK(MAP(VT_R, 0, self->vmo, 0, 2));
	ZT_EXPECT_U64(1, zt_vmo_info(self->vmo).num_mappings);
	ZT_ASSERT_OK(MAP(VT_R, 4, self->vmo, 0, 2));
	ZT_EXPECT_U64(2, zt_vmo_info(self->vmo).num_mappings);
	ZT_ASSERT_OK(UNMAP(0, 2 * P));
	ZT_EXPECT_U64(1, zt_vmo_info(self->vmo).num_mappings);
	ZT_ASSERT_OK(UNMAP(4, 2 * P));
	ZT_EXPECT_U64(0, zt_vmo_info(self->vmo).num_mappings);
}

/* A mapping may end while a system call of another thread writes into it. */
TEST_F(vmar_unmap, R_078_the_vmo_goes_with_its_last_mapping)
{
	struct zvm_stats before = zt_stats();
	zx_handle_t vmo = vt_tagged_vmo(2, 8, variant->vmo_options);

	ZT_ASSERT_OK(MAP(ZT_RW, 0, vmo, 0, 8));
	ZT_ASSERT_OK(zx_handle_close(vmo));
	ZT_ASSERT_OK(UNMAP(2, 2 * P));
	EXPECT_EQ(vt_tag(2, 7), vt_load(AT(7)));
	ZT_ASSERT_OK(UNMAP(0, 8 * P));
	ZT_EXPECT_NO_LEAK(&before);
}

enum which {
	GOOD,		/* a sub-region in its pages 4 .. 7 */
	CLOSED,
	A_VMO,
	NO_RIGHTS,
	DEAD,
	EMPTY,
	WHICH,
};

TEST(R_079_R_081_R_086_R_088_order_of_checks)
{
	const size_t len = 16 * P;
	struct vt_region r[WHICH] = { };
	zx_handle_t h;
	zx_vaddr_t addr;

	r[GOOD] = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, len);
	ZT_ASSERT_OK(zx_vmar_allocate(r[GOOD].h, ZX_VM_SPECIFIC, 4 * P, 4 * P, &h, &addr));
	r[CLOSED] = r[GOOD];
	r[CLOSED].h = zt_dup(r[GOOD].h, ZX_RIGHT_SAME_RIGHTS);
	ZT_ASSERT_OK(zx_handle_close(r[CLOSED].h));
	r[A_VMO] = r[GOOD];
	r[A_VMO].h = zt_dup(zt_vmo(P, 0), 0);
	r[NO_RIGHTS] = r[GOOD];
	r[NO_RIGHTS].h = zt_dup(r[GOOD].h, 0);
	r[DEAD] = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, len);
	ZT_ASSERT_OK(zx_vmar_destroy(r[DEAD].h));
	r[EMPTY] = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, len);
	for (int i = 0; i < WHICH; i++)
		ASSERT_NE(ZX_HANDLE_INVALID, r[i].h);

	const struct {
		const char *why;
		enum which which;
		size_t off, size;
		zx_status_t want;
	} row[] = {
		{ "handle before address", CLOSED, 1, 0, ZX_ERR_BAD_HANDLE },
		{ "type before address", A_VMO, 1, 0, ZX_ERR_WRONG_TYPE },
		{ "address before state", DEAD, 1, P, ZX_ERR_INVALID_ARGS },
		{ "length before state", DEAD, 0, 0, ZX_ERR_INVALID_ARGS },
		{ "length that wraps before state", DEAD, 0, SIZE_MAX, ZX_ERR_INVALID_ARGS },
		{ "state before bounds", DEAD, 0, len + P, ZX_ERR_BAD_STATE },
		{ "state before bounds", DEAD, len, P, ZX_ERR_BAD_STATE },
		{ "bounds before having no children", EMPTY, 0, len + P, ZX_ERR_INVALID_ARGS },
		{ "no children", EMPTY, 0, len, ZX_OK },
		{ "part of a sub-region", GOOD, 0, 5 * P, ZX_ERR_INVALID_ARGS },
		{ "whole sub-region without OP_CHILDREN", NO_RIGHTS, 0, 8 * P,
		  ZX_ERR_INVALID_ARGS },
		{ "no right needed beside it", NO_RIGHTS, 8 * P, 8 * P, ZX_OK },
		{ "nothing wrong", GOOD, 0, 8 * P, ZX_OK },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		zx_status_t st = zx_vmar_unmap(r[row[i].which].h, r[row[i].which].base + row[i].off,
					       row[i].size);

		EXPECT_EQ(row[i].want, st)
			TH_LOG("%s: wanted %s, got %s", row[i].why,
			       zx_status_get_string(row[i].want), zx_status_get_string(st));
	}
}

TEST_HARNESS_MAIN
