// SPDX-License-Identifier: MIT OR GPL-2.0
/* zx_vmar_protect: R-090 to R-109 (R-108 needs snapshots), and the order of the checks. */
#include "kselftest_harness.h"
#include "zvm_vmar_test.h"

FIXTURE(vmar_protect) {
	struct vt_region r;	/* has room for 16 pages at `hole` */
	size_t hole;
	zx_handle_t vmo;	/* 8 pages with tag 6 */
};

FIXTURE_VARIANT(vmar_protect) {
	int depth;
	uint32_t vmo_options;
};

FIXTURE_VARIANT_ADD(vmar_protect, root_plain) { .depth = 0 };
FIXTURE_VARIANT_ADD(vmar_protect, child_resizable) {
	.depth = 1, .vmo_options = ZX_VMO_RESIZABLE,
};
FIXTURE_VARIANT_ADD(vmar_protect, grandchild_plain) { .depth = 2 };

FIXTURE_SETUP(vmar_protect)
{
	self->r = vt_region_at_depth(variant->depth);
	ASSERT_NE(ZX_HANDLE_INVALID, self->r.h);
	self->hole = vt_hole(&self->r, 16 * P);
	ASSERT_NE(SIZE_MAX, self->hole);
	self->vmo = vt_tagged_vmo(6, 8, variant->vmo_options);
	ASSERT_NE(ZX_HANDLE_INVALID, self->vmo);
}

FIXTURE_TEARDOWN(vmar_protect)
{
}

#define AT(page) vt_ptr(&self->r, self->hole + (page) * P)
#define MAP(options, page, vmo, vmo_page, pages) \
	vt_map_at(&self->r, (options), self->hole + (page) * P, (vmo), (vmo_page) * P, (pages) * P)
#define PROTECT(options, page, len) \
	zx_vmar_protect(self->r.h, (options), (zx_vaddr_t)AT(page), (len))

/* Pages as a string: '-' no access, 'r' readable, 'w' writable. */
#define EXPECT_PERMS(want, page) do {						\
	const char *want_ = (want);						\
	for (int pg_ = 0; want_[pg_]; pg_++) {					\
		int rd_ = zt_try_read(AT((page) + pg_));			\
		int wr_ = rd_ ? rd_ : zt_try_write(AT((page) + pg_) + P - 1);	\
		char got_ = rd_ ? '-' : wr_ ? 'r' : 'w';			\
										\
		EXPECT_EQ(want_[pg_], got_) {					\
			TH_LOG("page %d is '%c', not '%c' of \"%s\"",		\
			       (page) + pg_, got_, want_[pg_], want_);		\
		}								\
	}									\
} while (0)

TEST_F(vmar_protect, R_090_to_read)
{
	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->vmo, 0, 4));
	/* Page 0 written, page 1 read, page 2 untouched when the rights go. */
	ZT_ASSERT_OK(zt_try_store(AT(0), 33));
	EXPECT_EQ(vt_tag(6, 1), vt_load(AT(1)));
	ZT_ASSERT_OK(PROTECT(VT_R, 0, 3 * P));
	for (int pg = 0; pg < 3; pg++) {
		ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(AT(pg)));
		EXPECT_EQ((void *)AT(pg), zt_fault()->addr);
		EXPECT_EQ(pg ? vt_tag(6, pg) : 33, vt_load(AT(pg)));
		EXPECT_EQ(pg ? vt_tag(6, pg) : 33, zt_vmo_byte(self->vmo, pg * P));
	}
	EXPECT_PERMS("rrrw", 0);
	/* Other mappings of the VMO keep theirs. */
	ZT_ASSERT_OK(MAP(ZT_RW, 8, self->vmo, 0, 1));
	EXPECT_PERMS("w", 8);
	EXPECT_PERMS("r", 0);
	ZT_ASSERT_OK(PROTECT(ZT_RW, 0, 4 * P));
	EXPECT_PERMS("wwww", 0);
}

TEST_F(vmar_protect, R_091_to_nothing_and_back)
{
	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->vmo, 0, 4));
	for (int pg = 0; pg < 3; pg++)
		ZT_ASSERT_OK(zt_try_store(AT(pg) + 3, (uint8_t)(50 + pg)));
	ZT_ASSERT_OK(PROTECT(0, 0, 4 * P));
	EXPECT_PERMS("----", 0);
	for (int pg = 0; pg < 4; pg++)
		ZT_EXPECT_FAULT(SIGSEGV, zt_try_exec(AT(pg)));
	ZT_ASSERT_OK(PROTECT(ZT_RW, 0, 4 * P));
	for (int pg = 0; pg < 4; pg++)
		EXPECT_EQ(pg < 3 ? 50 + pg : vt_tag(6, 3), vt_load(AT(pg) + 3));
	EXPECT_PERMS("wwww", 0);
	/* To read from nothing. */
	ZT_ASSERT_OK(PROTECT(0, 1, 2 * P));
	ZT_ASSERT_OK(PROTECT(VT_R, 1, P));
	EXPECT_PERMS("wr-w", 0);
}

TEST_F(vmar_protect, R_092_maximum_of_the_vmo_handle)
{
	zx_handle_t no_write = zt_without(self->vmo, ZX_RIGHT_WRITE);

	ZT_ASSERT_OK(MAP(VT_R, 0, no_write, 0, 2));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, PROTECT(ZT_RW, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, PROTECT(VT_R | VT_X, 0, P));
	EXPECT_PERMS("rr", 0);
	ZT_EXPECT_OK(PROTECT(0, 0, 2 * P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, PROTECT(ZT_RW, 0, P));
	EXPECT_PERMS("--", 0);
	ZT_EXPECT_OK(PROTECT(VT_R, 0, P));
	EXPECT_PERMS("r-", 0);
	/* A handle with the right makes no difference to a mapping made without. */
	ZT_ASSERT_OK(MAP(VT_R, 2, self->vmo, 0, 1));
	ZT_EXPECT_OK(PROTECT(ZT_RW, 2, P));
	EXPECT_PERMS("w", 2);
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, PROTECT(ZT_RW, 0, P));
}

TEST_F(vmar_protect, R_092_maximum_without_read)
{
	zx_handle_t no_read = zt_without(self->vmo, ZX_RIGHT_READ);

	ZT_ASSERT_OK(MAP(0, 0, no_read, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, PROTECT(VT_R, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, PROTECT(ZT_RW, 0, P));
	EXPECT_PERMS("-", 0);
	ZT_EXPECT_OK(PROTECT(0, 0, P));
}

/* The maximum is also bounded by the region handle that mapped. */
TEST_F(vmar_protect, R_092_R_093_rights_of_the_region_handle)
{
	zx_handle_t no_write = zt_without(self->r.h, ZX_RIGHT_WRITE);
	struct vt_region weak = self->r;

	weak.h = no_write;
	ZT_ASSERT_OK(vt_map_at(&weak, VT_R, self->hole, self->vmo, 0, P));
	ZT_ASSERT_OK(MAP(VT_R, 1, self->vmo, 0, 1));
	/* The handle that asks lacks the right, whatever the mapping allows. */
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_vmar_protect(no_write, ZT_RW, (zx_vaddr_t)AT(1), P));
	ZT_EXPECT_OK(zx_vmar_protect(no_write, VT_R, (zx_vaddr_t)AT(1), P));
	ZT_EXPECT_OK(zx_vmar_protect(no_write, 0, (zx_vaddr_t)AT(1), P));
	ZT_EXPECT_OK(PROTECT(ZT_RW, 1, P));
	/* The mapping made through it never becomes writable. */
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, PROTECT(ZT_RW, 0, P));
	EXPECT_PERMS("rw", 0);
}

TEST_F(vmar_protect, R_094_R_095_write_alone)
{
	zx_handle_t no_write = zt_without(self->r.h, ZX_RIGHT_WRITE);

	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->vmo, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, PROTECT(ZX_VM_PERM_WRITE, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, PROTECT(VT_X, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, PROTECT(ZX_VM_PERM_WRITE | VT_X, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_vmar_protect(no_write, ZX_VM_PERM_WRITE, (zx_vaddr_t)AT(0), P));
	EXPECT_PERMS("w", 0);
	/* As for map, this stands for READ here. */
	ZT_EXPECT_OK(PROTECT(ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED, 0, P));
	EXPECT_PERMS("r", 0);
	ZT_EXPECT_OK(PROTECT(ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED | ZX_VM_PERM_WRITE, 0, P));
	EXPECT_PERMS("w", 0);
}

TEST_F(vmar_protect, R_096_other_options)
{
	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->vmo, 0, 1));
	for (int bit = 3; bit < 32; bit++) {
		if (1u << bit == ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED)
			continue;
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, PROTECT(VT_R | 1u << bit, 0, P)) {
			TH_LOG("bit %d", bit);
		}
	}
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, PROTECT(VT_R | ZX_VM_ALIGN_1MB, 0, P));
	EXPECT_PERMS("w", 0);
}

TEST_F(vmar_protect, R_097_alignment)
{
	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->vmo, 0, 4));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmar_protect(self->r.h, VT_R, (zx_vaddr_t)AT(0) + 1, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmar_protect(self->r.h, VT_R, (zx_vaddr_t)AT(1) - 1, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, PROTECT(VT_R, 0, 0));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, PROTECT(VT_R, 0, SIZE_MAX));
	EXPECT_PERMS("wwww", 0);
	ZT_EXPECT_OK(PROTECT(VT_R, 0, 1));
	EXPECT_PERMS("rwww", 0);
	ZT_EXPECT_OK(PROTECT(VT_R, 2, P + 1));
	EXPECT_PERMS("rwrr", 0);
}

TEST_F(vmar_protect, R_098_outside_the_region)
{
	struct vt_region c = vt_alloc(self->r.h, VT_CAN_ALL, 4 * P);

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	ZT_ASSERT_OK(vt_map_at(&c, ZT_RW, 0, self->vmo, 0, 4 * P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmar_protect(c.h, VT_R, c.base - P, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmar_protect(c.h, VT_R, c.base - P, 2 * P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmar_protect(c.h, VT_R, c.base + 4 * P, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmar_protect(c.h, VT_R, c.base + 3 * P, 2 * P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmar_protect(c.h, VT_R, c.base, -P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmar_protect(c.h, VT_R, 0, P));
	for (int pg = 0; pg < 4; pg++)
		ZT_EXPECT_ACCESS(zt_try_write(vt_ptr(&c, pg * P)));
	ZT_EXPECT_OK(zx_vmar_protect(c.h, VT_R, c.base, 4 * P));
}

TEST_F(vmar_protect, R_099_holes)
{
	ZT_ASSERT_OK(MAP(ZT_RW, 2, self->vmo, 0, 3));
	ZT_ASSERT_OK(MAP(ZT_RW, 6, self->vmo, 3, 3));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, PROTECT(VT_R, 1, 2 * P));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, PROTECT(VT_R, 2, 7 * P));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, PROTECT(VT_R, 4, 3 * P));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, PROTECT(VT_R, 4, 2 * P));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, PROTECT(VT_R, 6, 4 * P));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, PROTECT(VT_R, 5, P));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, PROTECT(0, 10, 4 * P));
	EXPECT_PERMS("--www-www-", 0);
	ZT_EXPECT_OK(PROTECT(VT_R, 2, 3 * P));
	ZT_EXPECT_OK(PROTECT(VT_R, 6, 3 * P));
	EXPECT_PERMS("--rrr-rrr-", 0);
}

TEST_F(vmar_protect, R_100_second_mapping_lacks_the_maximum)
{
	zx_handle_t no_write = zt_without(self->vmo, ZX_RIGHT_WRITE);

	ZT_ASSERT_OK(MAP(VT_R, 0, self->vmo, 0, 2));
	ZT_ASSERT_OK(MAP(VT_R, 2, no_write, 0, 2));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, PROTECT(ZT_RW, 0, 3 * P));
	EXPECT_PERMS("rrrr", 0);
	/* The offence comes before the hole behind it. */
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, PROTECT(ZT_RW, 0, 5 * P));
	/* A hole comes before the offence behind it. */
	ZT_ASSERT_OK(zx_vmar_unmap(self->r.h, (zx_vaddr_t)AT(1), P));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, PROTECT(ZT_RW, 0, 3 * P));
	EXPECT_PERMS("r-rr", 0);
}

TEST_F(vmar_protect, R_101_two_adjacent_mappings)
{
	zx_handle_t other = vt_tagged_vmo(8, 4, variant->vmo_options);

	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->vmo, 0, 3));
	ZT_ASSERT_OK(MAP(ZT_RW, 3, other, 0, 3));
	EXPECT_PERMS("wwwwww", 0);
	ZT_ASSERT_OK(PROTECT(VT_R, 0, 6 * P));
	EXPECT_PERMS("rrrrrr", 0);
	ZT_ASSERT_OK(PROTECT(ZT_RW, 2, 2 * P));
	EXPECT_PERMS("rrwwrr", 0);
	EXPECT_EQ(vt_tag(6, 2), vt_load(AT(2)));
	EXPECT_EQ(vt_tag(8, 0), vt_load(AT(3)));
	/* Mixed permissions below one call. */
	ZT_ASSERT_OK(PROTECT(ZT_RW, 0, 6 * P));
	EXPECT_PERMS("wwwwww", 0);
}

TEST_F(vmar_protect, R_102_one_page_of_three)
{
	for (int middle = 0; middle < 3; middle++) {
		char want[] = "www";

		ZT_ASSERT_OK(MAP(ZT_RW, 0, self->vmo, 2, 3));
		EXPECT_PERMS("www", 0);
		want[middle] = 'r';
		ZT_ASSERT_OK(PROTECT(VT_R, middle, P));
		EXPECT_PERMS(want, 0);
		for (int pg = 0; pg < 3; pg++)
			EXPECT_EQ(vt_tag(6, 2 + pg), vt_load(AT(pg)));
		/* Permissions were split, the mapping was not. */
		ZT_EXPECT_U64(1, zt_vmo_info(self->vmo).num_mappings);
		ZT_ASSERT_OK(PROTECT(0, middle, P));
		want[middle] = '-';
		EXPECT_PERMS(want, 0);
		ZT_ASSERT_OK(PROTECT(ZT_RW, middle, P));
		EXPECT_PERMS("www", 0);
		ZT_ASSERT_OK(zx_vmar_unmap(self->r.h, (zx_vaddr_t)AT(0), 3 * P));
	}
}

/* A sub-region at the pages 4 .. 7 of the hole with `pages` pages mapped in it. */
static void sub_region(struct __test_metadata *_metadata, FIXTURE_DATA(vmar_protect) *self,
		       zx_vm_option_t perm, struct vt_region *c)
{
	zx_vaddr_t addr;
	zx_handle_t h;

	ZT_ASSERT_OK(zx_vmar_allocate(self->r.h, VT_CAN_ALL | ZX_VM_SPECIFIC, self->hole + 4 * P,
				      4 * P, &h, &addr));
	*c = vt_region_of(h);
	ZT_ASSERT_OK(vt_map_at(c, perm, 0, self->vmo, 0, 4 * P));
}

TEST_F(vmar_protect, R_103_parent_may_reduce)
{
	struct vt_region c;

	sub_region(_metadata, self, ZT_RW, &c);
	EXPECT_PERMS("wwww", 4);
	/* No change, then less, then nothing. */
	ZT_EXPECT_OK(PROTECT(ZT_RW, 4, 4 * P));
	EXPECT_PERMS("wwww", 4);
	ZT_EXPECT_OK(PROTECT(VT_R, 5, 2 * P));
	EXPECT_PERMS("wrrw", 4);
	ZT_EXPECT_OK(PROTECT(0, 6, P));
	EXPECT_PERMS("wr-w", 4);
	/* Together with a mapping of the parent's own, beside it. */
	ZT_ASSERT_OK(MAP(VT_R, 2, self->vmo, 0, 2));
	ZT_EXPECT_OK(PROTECT(0, 2, 6 * P));
	EXPECT_PERMS("------", 2);
}

TEST_F(vmar_protect, R_104_parent_may_not_increase)
{
	struct vt_region c;

	sub_region(_metadata, self, VT_R, &c);
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, PROTECT(ZT_RW, 4, 4 * P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, PROTECT(ZT_RW, 5, P));
	EXPECT_PERMS("rrrr", 4);
	ZT_ASSERT_OK(PROTECT(0, 5, P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, PROTECT(VT_R, 4, 4 * P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, PROTECT(VT_R, 5, P));
	EXPECT_PERMS("r-rr", 4);
	/* One page of several would gain: no page of the others changes. */
	ZT_ASSERT_OK(MAP(ZT_RW, 2, self->vmo, 0, 2));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, PROTECT(VT_R, 2, 4 * P));
	EXPECT_PERMS("wwr-rr", 2);
	ZT_EXPECT_OK(PROTECT(VT_R, 2, 3 * P));
	EXPECT_PERMS("rrr-rr", 2);
}

TEST_F(vmar_protect, R_105_own_handle_may_increase)
{
	zx_handle_t no_write = zt_without(self->vmo, ZX_RIGHT_WRITE);
	struct vt_region c;

	sub_region(_metadata, self, VT_R, &c);
	ZT_ASSERT_OK(PROTECT(0, 4, 4 * P));
	ZT_EXPECT_OK(zx_vmar_protect(c.h, ZT_RW, (zx_vaddr_t)AT(4), 4 * P));
	EXPECT_PERMS("wwww", 4);
	ZT_ASSERT_OK(zx_vmar_unmap(c.h, c.base, P));
	ZT_ASSERT_OK(vt_map_at(&c, VT_R, 0, no_write, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_vmar_protect(c.h, ZT_RW, (zx_vaddr_t)AT(4), 2 * P));
	EXPECT_PERMS("rwww", 4);
}

TEST_F(vmar_protect, R_106_handle_without_op_children)
{
	zx_handle_t weak = zt_without(self->r.h, ZX_RIGHT_OP_CHILDREN);
	zx_handle_t no_write = zt_without(self->vmo, ZX_RIGHT_WRITE);
	struct vt_region c;

	sub_region(_metadata, self, ZT_RW, &c);
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmar_protect(weak, VT_R, (zx_vaddr_t)AT(4), P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmar_protect(weak, 0, (zx_vaddr_t)AT(4), P));
	EXPECT_PERMS("wwww", 4);
	/* The mapping's maximum is looked at first, then whose child it is. */
	ZT_ASSERT_OK(zx_vmar_unmap(c.h, c.base, P));
	ZT_ASSERT_OK(vt_map_at(&c, VT_R, 0, no_write, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_vmar_protect(weak, ZT_RW, (zx_vaddr_t)AT(4), P));
	/* Of two mappings the first to offend counts. */
	ZT_ASSERT_OK(MAP(ZT_RW, 3, self->vmo, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmar_protect(weak, VT_R, (zx_vaddr_t)AT(3), 2 * P));
	EXPECT_PERMS("w", 3);
	ZT_EXPECT_OK(zx_vmar_protect(weak, VT_R, (zx_vaddr_t)AT(3), P));
	EXPECT_PERMS("r", 3);
}

TEST_F(vmar_protect, R_107_after_the_vmo_handles_are_closed)
{
	ZT_ASSERT_OK(MAP(VT_R, 0, self->vmo, 0, 2));
	ZT_ASSERT_OK(zx_handle_close(self->vmo));
	ZT_EXPECT_OK(PROTECT(ZT_RW, 0, 2 * P));
	EXPECT_PERMS("ww", 0);
	ZT_EXPECT_OK(PROTECT(VT_R, 0, P));
	EXPECT_PERMS("rw", 0);
	EXPECT_EQ(vt_tag(6, 1), vt_load(AT(1)));
}

TEST_F(vmar_protect, R_109_destroyed_region)
{
	struct vt_region c;

	sub_region(_metadata, self, ZT_RW, &c);
	ZT_ASSERT_OK(zx_vmar_destroy(c.h));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmar_protect(c.h, VT_R, c.base, P));
	ZT_ASSERT_OK(MAP(ZT_RW, 4, self->vmo, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmar_protect(c.h, VT_R, c.base, P));
	EXPECT_PERMS("w", 4);
}

/* Pages that are not there yet, or no longer, follow the current permissions. */
TEST_F(vmar_protect, R_090_pages_that_come_later)
{
	zx_handle_t vmo = zt_vmo(4 * P, variant->vmo_options);

	ZT_ASSERT_OK(MAP(ZT_RW, 0, vmo, 0, 4));
	ZT_ASSERT_OK(PROTECT(VT_R, 0, 2 * P));
	EXPECT_EQ(0, vt_load(AT(0)));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(AT(0)));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(AT(1)));
	ZT_EXPECT_U64(0, zt_committed(vmo));
	ZT_ASSERT_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 0, 4 * P, NULL, 0));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(AT(0)));
	ZT_ASSERT_OK(zx_vmar_op_range(self->r.h, ZX_VMAR_OP_MAP_RANGE, (zx_vaddr_t)AT(0), 4 * P,
				      NULL, 0));
	EXPECT_PERMS("rrww", 0);
	ZT_ASSERT_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, 4 * P, NULL, 0));
	EXPECT_PERMS("rrww", 0);
}

/*
 * To read and back many times with writes between: the same page, upgraded in
 * place or not, never loses a write and never lets one through.
 */
TEST_F(vmar_protect, R_090_to_and_fro)
{
	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->vmo, 0, 4));
	for (int i = 1; i < 100; i++) {
		ZT_ASSERT_OK(zt_try_store(AT(i & 3), (uint8_t)i));
		ZT_ASSERT_OK(PROTECT(VT_R, 0, 4 * P));
		ASSERT_EQ(SIGSEGV, zt_try_store(AT(i & 3), 0));
		ASSERT_EQ(i, vt_load(AT(i & 3)));
		if (i % 3 == 0) {
			ZT_ASSERT_OK(zx_vmo_write(self->vmo, "x", (i & 3) * P + 1, 1));
		}
		ZT_ASSERT_OK(PROTECT(ZT_RW, 0, 4 * P));
	}
	for (int i = 96; i < 100; i++)
		EXPECT_EQ(i, zt_vmo_byte(self->vmo, (i & 3) * P));
}

/* System calls are bound by the permissions as loads and stores are. */
TEST_F(vmar_protect, R_090_R_091_system_calls)
{
	char buf[16] = "0123456789abcde";
	int fd[2];

	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->vmo, 0, 2));
	ASSERT_EQ(0, pipe(fd));
	ASSERT_EQ(16, write(fd[1], buf, 16));
	ZT_ASSERT_OK(PROTECT(VT_R, 0, P));
	EXPECT_EQ(-1, read(fd[0], AT(0), 16));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(16, write(fd[1], AT(0), 16));
	ZT_ASSERT_OK(PROTECT(0, 0, P));
	EXPECT_EQ(-1, write(fd[1], AT(0), 16));
	EXPECT_EQ(EFAULT, errno);
	ZT_ASSERT_OK(PROTECT(ZT_RW, 0, P));
	EXPECT_EQ(16, read(fd[0], AT(0), 16));
}

enum which {
	GOOD,		/* pages 0 .. 3 mapped */
	CLOSED,
	A_VMO,
	NO_WRITE,
	DEAD,
	WHICH,
};

TEST(R_093_R_095_R_096_R_097_R_098_R_099_R_109_order_of_checks)
{
	const size_t len = 16 * P;
	struct vt_region r[WHICH] = { };
	zx_handle_t vmo = zt_vmo(8 * P, 0);

	r[GOOD] = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, len);
	ZT_ASSERT_OK(vt_map_at(&r[GOOD], VT_R, 0, vmo, 0, 4 * P));
	r[CLOSED] = r[GOOD];
	r[CLOSED].h = zt_dup(r[GOOD].h, ZX_RIGHT_SAME_RIGHTS);
	ZT_ASSERT_OK(zx_handle_close(r[CLOSED].h));
	r[A_VMO] = r[GOOD];
	r[A_VMO].h = zt_dup(vmo, 0);
	r[NO_WRITE] = r[GOOD];
	r[NO_WRITE].h = zt_without(r[GOOD].h, ZX_RIGHT_WRITE);
	r[DEAD] = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, len);
	ZT_ASSERT_OK(zx_vmar_destroy(r[DEAD].h));
	for (int i = 0; i < WHICH; i++)
		ASSERT_NE(ZX_HANDLE_INVALID, r[i].h);

	const zx_vm_option_t w = ZX_VM_PERM_WRITE, s = ZX_VM_SPECIFIC;
	const struct {
		const char *why;
		enum which which;
		zx_vm_option_t options;
		size_t off, size;
		zx_status_t want;
	} row[] = {
		{ "handle before options", CLOSED, w | s, 1, 0, ZX_ERR_BAD_HANDLE },
		{ "type before options", A_VMO, w | s, 1, 0, ZX_ERR_WRONG_TYPE },
		{ "right before WRITE alone", NO_WRITE, w, 0, P, ZX_ERR_ACCESS_DENIED },
		{ "right before address", NO_WRITE, ZT_RW, 1, P, ZX_ERR_ACCESS_DENIED },
		{ "right before other options", NO_WRITE, ZT_RW | s, 0, P, ZX_ERR_ACCESS_DENIED },
		{ "right before bounds", NO_WRITE, ZT_RW, len, P, ZX_ERR_ACCESS_DENIED },
		{ "WRITE alone before state", DEAD, w, 0, P, ZX_ERR_INVALID_ARGS },
		{ "address before state", DEAD, VT_R, 1, P, ZX_ERR_INVALID_ARGS },
		{ "other options before state", DEAD, VT_R | s, 0, P, ZX_ERR_INVALID_ARGS },
		{ "length before state", DEAD, VT_R, 0, 0, ZX_ERR_INVALID_ARGS },
		{ "length that wraps before state", DEAD, VT_R, 0, SIZE_MAX,
		  ZX_ERR_INVALID_ARGS },
		{ "state before bounds", DEAD, VT_R, len, P, ZX_ERR_BAD_STATE },
		{ "state before hole", DEAD, VT_R, 0, P, ZX_ERR_BAD_STATE },
		{ "bounds before hole", GOOD, VT_R, 8 * P, len, ZX_ERR_INVALID_ARGS },
		{ "bounds before maximum", GOOD, VT_R | VT_X, 0, len + P, ZX_ERR_INVALID_ARGS },
		{ "maximum before the hole behind", GOOD, VT_R | VT_X, 0, 8 * P,
		  ZX_ERR_ACCESS_DENIED },
		{ "hole", GOOD, ZT_RW, 0, 8 * P, ZX_ERR_NOT_FOUND },
		{ "nothing wrong", GOOD, ZT_RW, 0, 4 * P, ZX_OK },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		zx_status_t st = zx_vmar_protect(r[row[i].which].h, row[i].options,
						 r[row[i].which].base + row[i].off, row[i].size);

		EXPECT_EQ(row[i].want, st) {
			TH_LOG("%s: wanted %s, got %s", row[i].why,
			       zx_status_get_string(row[i].want), zx_status_get_string(st));
		}
	}
}

TEST_HARNESS_MAIN
