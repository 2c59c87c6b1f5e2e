// SPDX-License-Identifier: MIT OR GPL-2.0
/* zx_vmar_map but for SPECIFIC_OVERWRITE, and the order of the checks. */
#include "kselftest_harness.h"
#include "zvm_vmar_test.h"

#define PAGES 4

FIXTURE(vmar_map) {
	struct vt_region r;
	zx_handle_t vmo;	/* PAGES pages with tag 5 */
	zx_vaddr_t addr;
	size_t hole;		/* offset of 8 free pages */
};

FIXTURE_VARIANT(vmar_map) {
	int depth;
	uint32_t vmo_options;
};

FIXTURE_VARIANT_ADD(vmar_map, root_plain) { .depth = 0 };
FIXTURE_VARIANT_ADD(vmar_map, root_resizable) { .depth = 0, .vmo_options = ZX_VMO_RESIZABLE };
FIXTURE_VARIANT_ADD(vmar_map, child_plain) { .depth = 1 };
FIXTURE_VARIANT_ADD(vmar_map, child_resizable) { .depth = 1, .vmo_options = ZX_VMO_RESIZABLE };
FIXTURE_VARIANT_ADD(vmar_map, grandchild_plain) { .depth = 2 };
FIXTURE_VARIANT_ADD(vmar_map, grandchild_resizable) {
	.depth = 2, .vmo_options = ZX_VMO_RESIZABLE,
};

FIXTURE_SETUP(vmar_map)
{
	self->r = vt_region_at_depth(variant->depth);
	ASSERT_NE(ZX_HANDLE_INVALID, self->r.h);
	self->vmo = vt_tagged_vmo(5, PAGES, variant->vmo_options);
	ASSERT_NE(ZX_HANDLE_INVALID, self->vmo);
	self->hole = vt_hole(&self->r, 8 * P);
	ASSERT_NE(SIZE_MAX, self->hole);
}

FIXTURE_TEARDOWN(vmar_map)
{
}

#define MAP(options, off, vmo, vmo_off, len) \
	zx_vmar_map(self->r.h, (options), (off), (vmo), (vmo_off), (len), &self->addr)

TEST_F(vmar_map, R_028_content_and_permissions)
{
	static const struct {
		zx_vm_option_t perm;
		int read, write;
	} row[] = {
		{ VT_R, 0, SIGSEGV },
		{ ZT_RW, 0, 0 },
		{ 0, SIGSEGV, SIGSEGV },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		uint8_t *p;

		ZT_ASSERT_OK(MAP(row[i].perm, 0, self->vmo, 0, PAGES * P));
		p = (uint8_t *)self->addr;
		EXPECT_GE(self->addr, self->r.base);
		EXPECT_LE(self->addr + PAGES * P, self->r.base + self->r.len);
		for (int pg = 0; pg < PAGES; pg++) {
			EXPECT_EQ(row[i].read ? -row[i].read : vt_tag(5, pg), vt_load(p + pg * P));
			EXPECT_EQ(row[i].read ? -row[i].read : vt_tag(5, pg),
				  vt_load(p + pg * P + P - 1));
			EXPECT_EQ(row[i].write, zt_try_store(p + pg * P + 1, vt_tag(5, pg)));
			EXPECT_EQ(SIGSEGV, zt_try_exec(p + pg * P));
		}
	}
}

/* Write first: the page was never read through this mapping. */
TEST_F(vmar_map, R_028_writes_reach_the_vmo)
{
	uint8_t *p;

	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->vmo, 0, PAGES * P));
	p = (uint8_t *)self->addr;
	for (int pg = 0; pg < PAGES; pg++) {
		ZT_EXPECT_ACCESS(zt_try_store(p + pg * P + 7, (uint8_t)(100 + pg)));
		EXPECT_EQ(100 + pg, zt_vmo_byte(self->vmo, pg * P + 7));
		EXPECT_EQ(vt_tag(5, pg), zt_vmo_byte(self->vmo, pg * P + 6));
		EXPECT_EQ(vt_tag(5, pg), zt_vmo_byte(self->vmo, pg * P + 8));
	}
	/* And the other way round, with the pages in the page tables. */
	ZT_ASSERT_OK(vt_tag_page(self->vmo, 9, 2));
	EXPECT_EQ(vt_tag(9, 2), vt_load(p + 2 * P + 7));
}

TEST_F(vmar_map, R_029_handle_checks)
{
	zx_handle_t dead = zt_dup(self->r.h, ZX_RIGHT_SAME_RIGHTS);
	zx_handle_t dead_vmo = zt_dup(self->vmo, ZX_RIGHT_SAME_RIGHTS);

	ZT_ASSERT_OK(zx_handle_close(dead));
	ZT_ASSERT_OK(zx_handle_close(dead_vmo));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE,
			 zx_vmar_map(dead, VT_R, 0, self->vmo, 0, P, &self->addr));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
			 zx_vmar_map(self->vmo, VT_R, 0, self->vmo, 0, P, &self->addr));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, MAP(VT_R, 0, dead_vmo, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, MAP(VT_R, 0, ZX_HANDLE_INVALID, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, MAP(VT_R, 0, self->r.h, 0, P));
	/* Both wrong: the region is looked at first. */
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
			 zx_vmar_map(self->vmo, VT_R, 0, dead_vmo, 0, P, &self->addr));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE,
			 zx_vmar_map(dead, VT_R, 0, self->r.h, 0, P, &self->addr));
}

TEST_F(vmar_map, R_030_R_031_R_032_R_033_vmo_handle_rights)
{
	zx_handle_t no_map = zt_without(self->vmo, ZX_RIGHT_MAP);
	zx_handle_t no_read = zt_without(self->vmo, ZX_RIGHT_READ);
	zx_handle_t no_write = zt_without(self->vmo, ZX_RIGHT_WRITE);

	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, MAP(VT_R, 0, no_map, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, MAP(0, 0, no_map, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, MAP(VT_R, 0, no_read, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, MAP(ZT_RW, 0, no_read, 0, P));
	ZT_EXPECT_OK(MAP(0, 0, no_read, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, MAP(ZT_RW, 0, no_write, 0, P));
	ZT_EXPECT_OK(MAP(VT_R, 0, no_write, 0, P));
	/* A new VMO's handle has no EXECUTE. */
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, MAP(VT_R | VT_X, 0, self->vmo, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, MAP(ZT_RW | VT_X, 0, self->vmo, 0, P));
}

TEST_F(vmar_map, R_034_region_handle_rights)
{
	zx_handle_t no_write = zt_without(self->r.h, ZX_RIGHT_WRITE);
	zx_handle_t no_read = zt_without(self->r.h, ZX_RIGHT_READ);
	zx_handle_t no_exec = zt_without(self->r.h, ZX_RIGHT_EXECUTE);
	zx_handle_t none = zt_dup(self->r.h, 0);
	zx_handle_t code = ZX_HANDLE_INVALID;

	ZT_ASSERT_OK(zx_vmo_replace_as_executable(zt_dup(self->vmo, ZX_RIGHT_SAME_RIGHTS),
						  ZX_HANDLE_INVALID, &code));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_vmar_map(no_write, ZT_RW, 0, self->vmo, 0, P, &self->addr));
	ZT_EXPECT_OK(zx_vmar_map(no_write, VT_R, 0, self->vmo, 0, P, &self->addr));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_vmar_map(no_read, VT_R, 0, self->vmo, 0, P, &self->addr));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_vmar_map(no_exec, VT_R | VT_X, 0, code, 0, P, &self->addr));
	ZT_EXPECT_OK(zx_vmar_map(no_exec, ZT_RW, 0, code, 0, P, &self->addr));
	/* A handle without any right still maps what nobody can access. */
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_vmar_map(none, VT_R, 0, self->vmo, 0, P, &self->addr));
	ZT_EXPECT_OK(zx_vmar_map(none, 0, 0, self->vmo, 0, P, &self->addr));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read((void *)self->addr));
}

/* CAN_MAP_x of the region: a permission that it excludes cannot be had at all. */
TEST_F(vmar_map, R_034_region_flags)
{
	for (int have = 0; have < 4; have++) {
		struct vt_region c = vt_alloc(self->r.h,
					      (have & 1 ? ZX_VM_CAN_MAP_READ : 0) |
					      (have & 2 ? ZX_VM_CAN_MAP_WRITE : 0), 16 * P);

		ASSERT_NE(ZX_HANDLE_INVALID, c.h);
		EXPECT_EQ(have & 1 ? ZX_OK : ZX_ERR_ACCESS_DENIED,
			  zx_vmar_map(c.h, VT_R, 0, self->vmo, 0, P, &self->addr));
		EXPECT_EQ(have == 3 ? ZX_OK : ZX_ERR_ACCESS_DENIED,
			  zx_vmar_map(c.h, ZT_RW, 0, self->vmo, 0, P, &self->addr));
		EXPECT_EQ(ZX_OK, zx_vmar_map(c.h, 0, 0, self->vmo, 0, P, &self->addr));
	}
}

TEST_F(vmar_map, R_035_R_036_write_or_execute_without_read)
{
	zx_handle_t code = ZX_HANDLE_INVALID;

	ZT_ASSERT_OK(zx_vmo_replace_as_executable(zt_dup(self->vmo, ZX_RIGHT_SAME_RIGHTS),
						  ZX_HANDLE_INVALID, &code));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, MAP(ZX_VM_PERM_WRITE, 0, code, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, MAP(VT_X, 0, code, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, MAP(ZX_VM_PERM_WRITE | VT_X, 0, code, 0, P));
}

TEST_F(vmar_map, R_037_read_if_xom_unsupported)
{
	const zx_vm_option_t xom = ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED;
	zx_handle_t code, no_read;
	zx_handle_t no_read_region = zt_without(self->r.h, ZX_RIGHT_READ);

	ZT_ASSERT_OK(zx_vmo_write(self->vmo, zt_code, 0, sizeof(zt_code)));
	ZT_ASSERT_OK(zx_vmo_replace_as_executable(zt_dup(self->vmo, ZX_RIGHT_SAME_RIGHTS),
						  ZX_HANDLE_INVALID, &code));
	no_read = zt_without(code, ZX_RIGHT_READ);
	ZT_ASSERT_OK(MAP(xom | VT_X, 0, code, 0, P));
	ZT_EXPECT_ACCESS(zt_try_exec((void *)self->addr));
	EXPECT_EQ(42, zt_exec_value());
	EXPECT_EQ(zt_code[0], vt_load((void *)self->addr));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_write((void *)self->addr));
	/* It stands for READ in every check. */
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, MAP(xom | VT_X, 0, no_read, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_vmar_map(no_read_region, xom | VT_X, 0, code, 0, P, &self->addr));
	ZT_EXPECT_OK(MAP(xom | ZX_VM_PERM_WRITE, 0, self->vmo, 0, P));
	ZT_EXPECT_ACCESS(zt_try_write((void *)self->addr));
	ZT_EXPECT_ACCESS(zt_try_read((void *)self->addr));
}

TEST_F(vmar_map, R_038_no_permission_at_all)
{
	ZT_ASSERT_OK(MAP(0, 0, self->vmo, 0, PAGES * P));
	for (int pg = 0; pg < PAGES; pg++) {
		uint8_t *p = (uint8_t *)self->addr + pg * P;

		ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(p));
		ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(p));
		ZT_EXPECT_FAULT(SIGSEGV, zt_try_exec(p));
	}
	EXPECT_TRUE(zt_vmo_byte(self->vmo, 0) == vt_tag(5, 0));
}

TEST_F(vmar_map, R_039_R_040_R_041_R_056_bad_options)
{
	static const zx_vm_option_t bad[] = {
		ZX_VM_CAN_MAP_READ, ZX_VM_CAN_MAP_WRITE, ZX_VM_CAN_MAP_EXECUTE,
		ZX_VM_CAN_MAP_SPECIFIC, ZX_VM_COMPACT,
		ZX_VM_FAULT_BEYOND_STREAM_SIZE,
		1u << 16, 1u << 17, 1u << 18, 1u << 19, 1u << 20, 1u << 21, 1u << 22, 1u << 23,
		1u << ZX_VM_ALIGN_BASE, 9u << ZX_VM_ALIGN_BASE, 33u << ZX_VM_ALIGN_BASE,
		255u << ZX_VM_ALIGN_BASE,
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, MAP(VT_R | bad[i], 0, self->vmo, 0, P))
			TH_LOG("option %#x", bad[i]);
	}
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 MAP(VT_R | ZX_VM_MAP_RANGE | ZX_VM_SPECIFIC_OVERWRITE, self->hole,
			     self->vmo, 0, P));
	ZT_EXPECT_OK(MAP(VT_R | ZX_VM_FAULT_BEYOND_STREAM_SIZE | ZX_VM_ALLOW_FAULTS, 0,
			 self->vmo, 0, P));
}

TEST_F(vmar_map, R_042_R_043_R_044_lengths)
{
	struct vt_region r = self->r;

	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, MAP(VT_R, 0, self->vmo, 0, 0));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, MAP(VT_R, 0, self->vmo, 0, UINT64_MAX));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, MAP(VT_R, 0, self->vmo, 0, UINT64_MAX - P + 2));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, MAP(VT_R, 0, self->vmo, 0, self->r.len + P));

	/* One byte is a whole page, and one byte more than a page two. */
	ZT_ASSERT_OK(vt_map_at(&r, VT_R, self->hole, self->vmo, 0, 1));
	EXPECT_EQ(vt_tag(5, 0), vt_load(vt_ptr(&r, self->hole + P - 1)));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(vt_ptr(&r, self->hole + P)));
	ZT_ASSERT_OK(vt_map_at(&r, VT_R, self->hole + 2 * P, self->vmo, 0, P + 1));
	EXPECT_EQ(vt_tag(5, 1), vt_load(vt_ptr(&r, self->hole + 4 * P - 1)));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(vt_ptr(&r, self->hole + 4 * P)));
}

TEST_F(vmar_map, R_045_R_046_vmo_offsets)
{
	static const uint64_t unaligned[] = { 1, 8, 4095, 4097, UINT64_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(unaligned); i++)
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 MAP(VT_R, 0, self->vmo, unaligned[i], P));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, MAP(VT_R, 0, self->vmo, -P, 2 * P));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, MAP(VT_R, 0, self->vmo, -P, P + 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, MAP(VT_R, 0, self->vmo, -4 * P, 5 * P));
	/* Far beyond the VMO, but no wrap. */
	ZT_EXPECT_OK(MAP(VT_R, 0, self->vmo, -4 * P, 2 * P));
	ZT_EXPECT_FAULT(SIGBUS, zt_try_read((void *)self->addr));
}

TEST_F(vmar_map, R_047_stray_offset)
{
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, MAP(VT_R, self->hole, self->vmo, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, MAP(VT_R, 1, self->vmo, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 MAP(VT_R | ZX_VM_SPECIFIC | ZX_VM_OFFSET_IS_UPPER_LIMIT, self->hole,
			     self->vmo, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 MAP(VT_R | ZX_VM_SPECIFIC, self->hole + 1, self->vmo, 0, P));
	ZT_EXPECT_OK(MAP(VT_R | ZX_VM_SPECIFIC, self->hole, self->vmo, 0, P));
}

TEST_F(vmar_map, R_048_specific_free_page)
{
	ZT_ASSERT_OK(MAP(VT_R | ZX_VM_SPECIFIC, self->hole + 3 * P, self->vmo, P, 2 * P));
	ZT_EXPECT_U64(self->r.base + self->hole + 3 * P, self->addr);
	EXPECT_EQ(vt_tag(5, 1), vt_load((void *)self->addr));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read((void *)(self->addr - 1)));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read((void *)(self->addr + 2 * P)));
}

TEST_F(vmar_map, R_049_specific_occupied)
{
	zx_handle_t other = vt_tagged_vmo(7, PAGES, 0);
	struct zvm_stats before;
	zx_handle_t c;

	ZT_ASSERT_OK(vt_map_at(&self->r, ZT_RW, self->hole + 2 * P, self->vmo, 0, 3 * P));
	before = zt_stats();
	for (size_t from = 0; from < 6; from++) {
		for (size_t pages = 1; from + pages <= 7; pages++) {
			if (from + pages <= 2 || from >= 5)
				continue;
			EXPECT_EQ(ZX_ERR_ALREADY_EXISTS,
				  MAP(VT_R | ZX_VM_SPECIFIC, self->hole + from * P, other, 0,
				      pages * P))
				TH_LOG("pages %zu .. %zu", from, from + pages);
		}
	}
	ZT_EXPECT_NO_LEAK(&before);
	for (int pg = 0; pg < 3; pg++)
		EXPECT_EQ(vt_tag(5, pg), vt_load(vt_ptr(&self->r, self->hole + (2 + pg) * P)));
	/* A region is in the way as well. */
	ZT_ASSERT_OK(zx_vmar_allocate(self->r.h, ZX_VM_SPECIFIC | VT_CAN_RW, self->hole + 6 * P,
				      P, &c, &self->addr));
	ZT_EXPECT_STATUS(ZX_ERR_ALREADY_EXISTS,
			 MAP(VT_R | ZX_VM_SPECIFIC, self->hole + 6 * P, other, 0, P));
	ZT_EXPECT_OK(MAP(VT_R | ZX_VM_SPECIFIC, self->hole + 5 * P, other, 0, P));
}

TEST_F(vmar_map, R_050_specific_beyond_the_region)
{
	struct vt_region c = vt_alloc(self->r.h, VT_CAN_ALL, 8 * P);

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, vt_map_at(&c, VT_R, 7 * P, self->vmo, 0, 2 * P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, vt_map_at(&c, VT_R, 7 * P, self->vmo, 0, P + 1));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, vt_map_at(&c, VT_R, 8 * P, self->vmo, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, vt_map_at(&c, VT_R, -P, self->vmo, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, vt_map_at(&c, VT_R, 0, self->vmo, 0, 9 * P));
	ZT_EXPECT_OK(vt_map_at(&c, VT_R, 7 * P, self->vmo, 0, P));
	ZT_EXPECT_OK(vt_map_at(&c, VT_R, 0, self->vmo, 0, 7 * P));
}

TEST_F(vmar_map, R_051_specific_needs_can_map_specific)
{
	struct vt_region c = vt_alloc(self->r.h, VT_CAN_RWX, 8 * P);

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, vt_map_at(&c, VT_R, 0, self->vmo, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_vmar_map(c.h, VT_R | ZX_VM_OFFSET_IS_UPPER_LIMIT, 4 * P, self->vmo, 0,
				     P, &self->addr));
	ZT_EXPECT_OK(zx_vmar_map(c.h, VT_R, 0, self->vmo, 0, P, &self->addr));
}

TEST_F(vmar_map, R_052_longer_than_the_vmo)
{
	uint8_t *p;

	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->vmo, 0, (PAGES + 3) * P));
	p = (uint8_t *)self->addr;
	for (int pg = 0; pg < PAGES; pg++)
		EXPECT_EQ(vt_tag(5, pg), vt_load(p + pg * P));
	for (int pg = PAGES; pg < PAGES + 3; pg++) {
		ZT_EXPECT_FAULT(SIGBUS, zt_try_read(p + pg * P));
		ZT_EXPECT_FAULT(SIGBUS, zt_try_write(p + pg * P));
	}
}

TEST_F(vmar_map, R_053_empty_vmo)
{
	zx_handle_t empty = zt_vmo(0, variant->vmo_options);

	ZT_ASSERT_OK(MAP(ZT_RW, 0, empty, 0, P));
	ZT_EXPECT_FAULT(SIGBUS, zt_try_read((void *)self->addr));
	ZT_EXPECT_FAULT(SIGBUS, zt_try_write((void *)self->addr));
	ZT_EXPECT_U64(0, zt_committed(empty));
}

TEST_F(vmar_map, R_054_R_055_resizable_vmos)
{
	ZT_EXPECT_STATUS(variant->vmo_options & ZX_VMO_RESIZABLE ? ZX_ERR_NOT_SUPPORTED : ZX_OK,
			 MAP(VT_R | ZX_VM_REQUIRE_NON_RESIZABLE, 0, self->vmo, 0, P));
	ZT_EXPECT_OK(MAP(VT_R, 0, self->vmo, 0, P));
	EXPECT_EQ(vt_tag(5, 0), vt_load((void *)self->addr));
	ZT_EXPECT_OK(MAP(VT_R | ZX_VM_ALLOW_FAULTS, 0, self->vmo, 0, P));
	EXPECT_EQ(vt_tag(5, 0), vt_load((void *)self->addr));
}

TEST_F(vmar_map, V_152_discardable_needs_allow_faults)
{
	zx_handle_t vmo = zt_vmo(P, ZX_VMO_DISCARDABLE | variant->vmo_options);

	ASSERT_NE(ZX_HANDLE_INVALID, vmo);
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED, MAP(VT_R, 0, vmo, 0, P));
	ZT_EXPECT_OK(MAP(VT_R | ZX_VM_ALLOW_FAULTS, 0, vmo, 0, P));
	EXPECT_EQ(0, vt_load((void *)self->addr));
}

#define BEYOND (ZT_RW | ZX_VM_FAULT_BEYOND_STREAM_SIZE | ZX_VM_ALLOW_FAULTS)

TEST_F(vmar_map, R_057_fault_beyond_stream_size)
{
	uint8_t *p;

	ZT_ASSERT_OK(zx_vmo_set_stream_size(self->vmo, P + 1));
	ZT_ASSERT_OK(MAP(BEYOND, 0, self->vmo, 0, PAGES * P));
	p = (uint8_t *)self->addr;
	EXPECT_EQ(vt_tag(5, 0), vt_load(p));
	/* The page of the last byte is whole, the next one is not there. */
	EXPECT_EQ(vt_tag(5, 1), vt_load(p + P));
	EXPECT_EQ(0, vt_load(p + 2 * P - 1));
	ZT_EXPECT_ACCESS(zt_try_write(p + 2 * P - 1));
	ZT_EXPECT_FAULT(SIGBUS, zt_try_read(p + 2 * P));
	ZT_EXPECT_FAULT(SIGBUS, zt_try_write(p + 3 * P));
	/* A mapping without the option is not concerned. */
	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->vmo, 0, PAGES * P));
	EXPECT_EQ(0, vt_load((uint8_t *)self->addr + 2 * P));
}

TEST_F(vmar_map, R_058_follows_the_stream_size)
{
	uint8_t *p;

	ZT_ASSERT_OK(MAP(BEYOND, 0, self->vmo, 0, PAGES * P));
	p = (uint8_t *)self->addr;
	for (int pg = 0; pg < PAGES; pg++)
		ZT_EXPECT_ACCESS(zt_try_write(p + pg * P));
	for (uint64_t size = PAGES * P; size; size -= P) {
		ZT_ASSERT_OK(zx_vmo_set_stream_size(self->vmo, size - P));
		for (uint64_t pg = 0; pg < PAGES; pg++) {
			EXPECT_EQ(pg * P < size - P ? 0 : SIGBUS, zt_try_read(p + pg * P)) {
				TH_LOG("page %d, stream size %d", (int)pg, (int)(size - P));
			}
		}
	}
	for (uint64_t size = 1; size <= PAGES * P; size += P) {
		ZT_ASSERT_OK(zx_vmo_set_stream_size(self->vmo, size));
		for (uint64_t pg = 0; pg < PAGES; pg++) {
			EXPECT_EQ(pg * P < size ? 0 : SIGBUS, zt_try_write(p + pg * P)) {
				TH_LOG("page %d, stream size %d", (int)pg, (int)size);
			}
		}
	}
}

/* Another mapping offset, and a part of the VMO that starts beyond the stream. */
TEST_F(vmar_map, R_057_with_a_vmo_offset)
{
	uint8_t *p;

	ZT_ASSERT_OK(zx_vmo_set_stream_size(self->vmo, 2 * P));
	ZT_ASSERT_OK(MAP(BEYOND, 0, self->vmo, P, 3 * P));
	p = (uint8_t *)self->addr;
	EXPECT_EQ(vt_tag(5, 1), vt_load(p));
	ZT_EXPECT_FAULT(SIGBUS, zt_try_read(p + P));
	ZT_ASSERT_OK(MAP(BEYOND, 0, self->vmo, 2 * P, 2 * P));
	ZT_EXPECT_FAULT(SIGBUS, zt_try_read((void *)self->addr));
}

TEST_F(vmar_map, R_060_map_range)
{
	zx_handle_t empty = zt_vmo(PAGES * P, variant->vmo_options);
	uint8_t *p;

	ZT_ASSERT_OK(MAP(ZT_RW | ZX_VM_MAP_RANGE, 0, empty, 0, PAGES * P));
	ZT_EXPECT_U64(0, zt_committed(empty));
	EXPECT_EQ(0, vt_load((void *)self->addr));
	ZT_EXPECT_U64(0, zt_committed(empty));

	/* Absent, present and beyond the end in one mapping. */
	ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, P, P, NULL, 0));
	ZT_ASSERT_OK(MAP(ZT_RW | ZX_VM_MAP_RANGE, 0, self->vmo, 0, (PAGES + 2) * P));
	ZT_EXPECT_U64((PAGES - 1) * P, zt_committed(self->vmo));
	p = (uint8_t *)self->addr;
	if (vt_present(p) >= 0) {
		EXPECT_EQ(1, vt_present(p));
		EXPECT_EQ(1, vt_present(p + 2 * P));
		EXPECT_EQ(1, vt_present(p + (PAGES - 1) * P));
		EXPECT_EQ(0, vt_present(p + PAGES * P));
	}
	EXPECT_EQ(vt_tag(5, 0), vt_load(p));
	EXPECT_EQ(0, vt_load(p + P));
	EXPECT_EQ(vt_tag(5, 2), vt_load(p + 2 * P));
	ZT_EXPECT_FAULT(SIGBUS, zt_try_read(p + PAGES * P));
	ZT_EXPECT_ACCESS(zt_try_write(p));
	EXPECT_EQ(0x5a, zt_vmo_byte(self->vmo, 0));
	ZT_EXPECT_U64((PAGES - 1) * P, zt_committed(self->vmo));

	/* Populating gives no more than the permissions. */
	ZT_ASSERT_OK(MAP(VT_R | ZX_VM_MAP_RANGE, 0, self->vmo, 0, PAGES * P));
	EXPECT_EQ(vt_tag(5, 2), vt_load((uint8_t *)self->addr + 2 * P));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_write((uint8_t *)self->addr + 2 * P));
	ZT_ASSERT_OK(MAP(ZX_VM_MAP_RANGE, 0, self->vmo, 0, PAGES * P));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read((uint8_t *)self->addr + 2 * P));
	/* Wholly beyond the end. */
	ZT_ASSERT_OK(MAP(ZT_RW | ZX_VM_MAP_RANGE, 0, self->vmo, 64 * P, PAGES * P));
	ZT_EXPECT_FAULT(SIGBUS, zt_try_read((void *)self->addr));
}

TEST_F(vmar_map, R_061_two_mappings_are_coherent)
{
	uint8_t *a, *b;

	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->vmo, 0, PAGES * P));
	a = (uint8_t *)self->addr;
	/* One page further, so that the same page has another offset. */
	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->vmo, P, (PAGES - 1) * P));
	b = (uint8_t *)self->addr;
	for (int round = 0; round < 3; round++) {
		for (int pg = 1; pg < PAGES; pg++) {
			ZT_EXPECT_ACCESS(zt_try_store(a + pg * P + round, (uint8_t)(10 + round)));
			EXPECT_EQ(10 + round, vt_load(b + (pg - 1) * P + round));
			ZT_EXPECT_ACCESS(zt_try_store(b + (pg - 1) * P + 9, (uint8_t)(20 + round)));
			EXPECT_EQ(20 + round, vt_load(a + pg * P + 9));
		}
	}
	/* Both read an absent page, then one writes it. */
	ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, 2 * P, P, NULL, 0));
	EXPECT_EQ(0, vt_load(a + 2 * P));
	EXPECT_EQ(0, vt_load(b + P));
	ZT_EXPECT_ACCESS(zt_try_store(a + 2 * P, 77));
	EXPECT_EQ(77, vt_load(b + P));
	EXPECT_EQ(77, zt_vmo_byte(self->vmo, 2 * P));
}

TEST_F(vmar_map, R_062_R_063_commit_on_write_only)
{
	zx_handle_t vmo = zt_vmo(64 * P, variant->vmo_options);
	uint8_t *p;

	ZT_ASSERT_OK(MAP(ZT_RW, 0, vmo, 0, 64 * P));
	p = (uint8_t *)self->addr;
	for (int pg = 0; pg < 64; pg++)
		EXPECT_EQ(0, vt_load(p + pg * P + 5));
	ZT_EXPECT_U64(0, zt_committed(vmo));
	for (int pg = 0; pg < 64; pg += 7) {
		ZT_EXPECT_ACCESS(zt_try_write(p + pg * P + 5));
		ZT_EXPECT_U64((pg / 7 + 1) * P, zt_committed(vmo));
	}
	/* The zero page that the others still show was not written. */
	EXPECT_EQ(0, vt_load(p + P + 5));
	EXPECT_EQ(0, zt_vmo_byte(vmo, 2 * P + 5));
	/* Write without a read before it, and the whole page comes up zero. */
	ZT_ASSERT_OK(MAP(ZT_RW, 0, vmo, 0, 64 * P));
	p = (uint8_t *)self->addr;
	ZT_EXPECT_ACCESS(zt_try_write(p + 33 * P + 100));
	ZT_EXPECT_U64(11 * P, zt_committed(vmo));
	EXPECT_EQ(-1, zt_nonzero(p + 33 * P, 100));
	EXPECT_EQ(-1, zt_nonzero(p + 33 * P + 101, P - 101));
}

TEST_F(vmar_map, R_064_R_065_handles_closed)
{
	struct vt_region c = vt_alloc(self->r.h, VT_CAN_RW, 8 * P);
	struct zvm_stats before;
	uint8_t *p;

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	ZT_ASSERT_OK(zx_vmar_map(c.h, ZT_RW, 0, self->vmo, 0, PAGES * P, &self->addr));
	p = (uint8_t *)self->addr;
	before = zt_stats();
	ZT_ASSERT_OK(zx_handle_close(self->vmo));
	ZT_ASSERT_OK(zx_handle_close(c.h));
	ZT_EXPECT_U64(before.vmos, zt_stats().vmos);
	ZT_EXPECT_U64(before.vmars, zt_stats().vmars);
	for (int pg = 0; pg < PAGES; pg++) {
		EXPECT_EQ(vt_tag(5, pg), vt_load(p + pg * P));
		ZT_EXPECT_ACCESS(zt_try_store(p + pg * P, (uint8_t)(pg + 1)));
		EXPECT_EQ(pg + 1, vt_load(p + pg * P));
	}
	/* The last mapping gone, the VMO goes. */
	ZT_ASSERT_OK(zx_vmar_unmap(self->r.h, c.base, c.len));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(p));
	ZT_EXPECT_U64(before.vmos - 1, zt_stats().vmos);
	ZT_EXPECT_U64(before.vmars - 1, zt_stats().vmars);
	ZT_EXPECT_U64(before.pages - PAGES, zt_stats().pages);
}

TEST_F(vmar_map, R_066_bad_address_pointer)
{
	struct zt_bad bad[ZT_BAD_WRITE_N];
	struct zvm_stats before;

	zt_bad_write(bad);
	before = zt_stats();
	for (struct zt_bad *b = bad; b->name; b++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS,
			  zx_vmar_map(self->r.h, ZT_RW | ZX_VM_SPECIFIC, self->hole, self->vmo, 0,
				      P, b->ptr))
			TH_LOG("%s", b->name);
		EXPECT_EQ(ZX_ERR_INVALID_ARGS,
			  zx_vmar_map(self->r.h, ZT_RW | ZX_VM_SPECIFIC | ZX_VM_MAP_RANGE,
				      self->hole, self->vmo, 0, P, b->ptr))
			TH_LOG("%s", b->name);
	}
	ZT_EXPECT_NO_LEAK(&before);
	ZT_EXPECT_U64(0, zt_vmo_info(self->vmo).num_mappings);
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(vt_ptr(&self->r, self->hole)));
	ZT_EXPECT_OK(vt_map_at(&self->r, ZT_RW, self->hole, self->vmo, 0, P));
}

TEST_F(vmar_map, R_067_destroyed_region)
{
	struct vt_region c = vt_alloc(self->r.h, VT_CAN_ALL, 8 * P);

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	ZT_ASSERT_OK(zx_vmar_destroy(c.h));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
			 zx_vmar_map(c.h, VT_R, 0, self->vmo, 0, P, &self->addr));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, vt_map_at(&c, VT_R, 0, self->vmo, 0, P));
	ZT_EXPECT_U64(0, zt_vmo_info(self->vmo).num_mappings);
}

TEST_F(vmar_map, R_068_vmo_offset)
{
	for (uint64_t pg = 0; pg < PAGES; pg++) {
		ZT_ASSERT_OK(MAP(VT_R, 0, self->vmo, pg * P, P));
		EXPECT_EQ(vt_tag(5, pg), vt_load((void *)self->addr));
	}
}

TEST_F(vmar_map, R_069_upper_limit)
{
	const zx_vm_option_t up = VT_R | ZX_VM_OFFSET_IS_UPPER_LIMIT;
	struct vt_region c = vt_alloc(self->r.h, VT_CAN_ALL, 32 * P);

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmar_map(c.h, up, 33 * P, self->vmo, 0, P, &self->addr));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmar_map(c.h, up, P, self->vmo, 0, 2 * P, &self->addr));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmar_map(c.h, up, 4 * P + 1, self->vmo, 0, P, &self->addr));
	ZT_ASSERT_OK(zx_vmar_map(c.h, up, 2 * P, self->vmo, P, 2 * P, &self->addr));
	ZT_EXPECT_U64(c.base, self->addr);
	EXPECT_EQ(vt_tag(5, 1), vt_load((void *)self->addr));
	EXPECT_EQ(vt_tag(5, 2), vt_load((void *)(self->addr + P)));
	for (int i = 0; i < 6; i++) {
		ZT_ASSERT_OK(zx_vmar_map(c.h, up, 8 * P, self->vmo, 3 * P, P, &self->addr));
		EXPECT_LE(self->addr + P, c.base + 8 * P);
		EXPECT_EQ(vt_tag(5, 3), vt_load((void *)self->addr));
	}
	ZT_EXPECT_STATUS(ZX_ERR_NO_RESOURCES,
			 zx_vmar_map(c.h, up, 8 * P, self->vmo, 0, P, &self->addr));
}

TEST_F(vmar_map, R_070_compact)
{
	struct vt_region c = vt_alloc(self->r.h, VT_CAN_ALL | ZX_VM_COMPACT, 64 * P);
	zx_vaddr_t last = 0;

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	for (int i = 0; i < 16; i++) {
		size_t pages = 1 + i % 3;

		ZT_ASSERT_OK(zx_vmar_map(c.h, VT_R, 0, self->vmo, 0, pages * P, &self->addr));
		ZT_EXPECT_U64(i ? last : c.base, self->addr);
		last = self->addr + pages * P;
	}
	/* A hole is used again: first fit. */
	ZT_ASSERT_OK(zx_vmar_unmap(c.h, c.base + P, 2 * P));
	ZT_ASSERT_OK(zx_vmar_map(c.h, VT_R, 0, self->vmo, 0, 2 * P, &self->addr));
	ZT_EXPECT_U64(c.base + P, self->addr);
}

TEST_F(vmar_map, R_020_R_022_map_with_alignment)
{
	for (uint32_t n = 10; n <= 24; n++) {
		EXPECT_EQ(ZX_OK, MAP(VT_R | n << ZX_VM_ALIGN_BASE, 0, self->vmo, P, P)) {
			TH_LOG("2^%u", n);
			continue;
		}
		EXPECT_EQ(0u, self->addr & (n < 12 ? P - 1 : (1ul << n) - 1))
			TH_LOG("2^%u: %#lx", n, (unsigned long)self->addr);
		EXPECT_EQ(vt_tag(5, 1), vt_load((void *)self->addr));
	}
	/* At a page whose address is surely not a multiple of 1 MiB. */
	if ((self->r.base + self->hole) & ((1u << 20) - 1))
		self->addr = self->hole;
	else
		self->addr = self->hole + P;
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 MAP(VT_R | ZX_VM_SPECIFIC | ZX_VM_ALIGN_1MB, self->addr, self->vmo, 0, P));
}

/*
 * A mapping has to be found, and its neighbours kept, wherever it lies: fill a
 * region page by page in a scattered order and look at all of it.
 */
TEST_F(vmar_map, R_028_R_048_many_neighbours)
{
	struct vt_region c = vt_alloc(self->r.h, VT_CAN_ALL, 257 * P);

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	for (size_t i = 0; i < 257; i++) {
		size_t at = i * 101 % 257;

		ZT_ASSERT_OK(vt_map_at(&c, VT_R, at * P, self->vmo, at % PAGES * P, P));
	}
	for (size_t i = 0; i < 257; i++)
		ASSERT_EQ(vt_tag(5, i % PAGES), vt_load(vt_ptr(&c, i * P)));
	ZT_EXPECT_STATUS(ZX_ERR_NO_RESOURCES,
			 zx_vmar_map(c.h, VT_R, 0, self->vmo, 0, P, &self->addr));
}

/* ------------------------------------------------------------------------
 * Several bad arguments at once.
 */
enum region {
	GOOD,		/* rwx, SPECIFIC, a mapping in its pages 4 .. 7 */
	CLOSED,
	A_VMO,		/* the fixed VMO in the region's place */
	NO_RIGHTS,	/* to GOOD: neither READ nor WRITE nor EXECUTE */
	DEAD,
	READ_ONLY,	/* a region with CAN_MAP_READ alone */
	NOT_SPECIFIC,
	REGIONS,
};

enum vmo {
	FIXED,
	V_CLOSED,
	V_VMAR,		/* a region in the VMO's place */
	NO_MAP,
	NO_READ,
	NO_WRITE,
	RESIZABLE,
	RESIZABLE_NO_WRITE,
	DISCARDABLE,
	VMOS,
};

TEST(R_029_R_030_R_032_R_035_R_044_R_045_R_049_R_054_R_056_R_067_order_of_checks)
{
	const zx_vm_option_t w = ZX_VM_PERM_WRITE, s = ZX_VM_SPECIFIC, rw = ZT_RW, r_ = VT_R;
	const zx_vm_option_t up = ZX_VM_OFFSET_IS_UPPER_LIMIT, unknown = 1u << 16;
	const zx_vm_option_t fixed = ZX_VM_REQUIRE_NON_RESIZABLE;
	const zx_vm_option_t beyond = ZX_VM_FAULT_BEYOND_STREAM_SIZE;
	const zx_vm_option_t align = ZX_VM_ALIGN_4GB, compact = ZX_VM_COMPACT;
	const size_t len = 64 * P;
	const struct {
		const char *why;
		enum region region;
		enum vmo vmo;
		zx_vm_option_t options;
		size_t offset;
		uint64_t vmo_offset;
		size_t len;
		zx_status_t want;
	} row[] = {
		{ "region handle before VMO handle", CLOSED, V_VMAR, w, 0, 1, 0,
		  ZX_ERR_BAD_HANDLE },
		{ "region type before VMO handle", A_VMO, V_CLOSED, w, 0, 1, 0,
		  ZX_ERR_WRONG_TYPE },
		{ "VMO handle before options", GOOD, V_CLOSED, w | unknown, 0, 1, 0,
		  ZX_ERR_BAD_HANDLE },
		{ "VMO type before options", GOOD, V_VMAR, w | unknown, 0, 1, 0,
		  ZX_ERR_WRONG_TYPE },
		{ "VMO type before state", DEAD, V_VMAR, r_, 0, 0, P, ZX_ERR_WRONG_TYPE },
		{ "MAP before WRITE without READ", GOOD, NO_MAP, w, 0, 0, P,
		  ZX_ERR_ACCESS_DENIED },
		{ "MAP before unknown option", GOOD, NO_MAP, r_ | unknown, 0, 0, P,
		  ZX_ERR_ACCESS_DENIED },
		{ "WRITE without READ before rights", GOOD, NO_WRITE, w, 0, 0, P,
		  ZX_ERR_INVALID_ARGS },
		{ "WRITE without READ before region rights", NO_RIGHTS, FIXED, w, 0, 0, P,
		  ZX_ERR_INVALID_ARGS },
		{ "MAP_RANGE with OVERWRITE before rights", GOOD, NO_WRITE,
		  rw | ZX_VM_MAP_RANGE | ZX_VM_SPECIFIC_OVERWRITE, 0, 0, P, ZX_ERR_INVALID_ARGS },
		{ "CAN_MAP bit before rights", GOOD, NO_WRITE, rw | ZX_VM_CAN_MAP_READ, 0, 0, P,
		  ZX_ERR_INVALID_ARGS },
		{ "rights before FAULT_BEYOND alone", GOOD, NO_WRITE, rw | beyond, 0, 0, P,
		  ZX_ERR_ACCESS_DENIED },
		{ "rights before unknown option", GOOD, NO_READ, r_ | unknown, 0, 0, P,
		  ZX_ERR_ACCESS_DENIED },
		{ "region rights before unknown option", NO_RIGHTS, FIXED, r_ | unknown, 0, 0, P,
		  ZX_ERR_ACCESS_DENIED },
		{ "rights before REQUIRE_NON_RESIZABLE", GOOD, RESIZABLE_NO_WRITE, rw | fixed, 0,
		  0, P, ZX_ERR_ACCESS_DENIED },
		{ "rights before COMPACT", GOOD, NO_WRITE, rw | compact, 0, 0, P,
		  ZX_ERR_ACCESS_DENIED },
		{ "FAULT_BEYOND alone before resizable", GOOD, RESIZABLE, r_ | beyond | fixed, 0,
		  0, P, ZX_ERR_INVALID_ARGS },
		{ "unknown option before resizable", GOOD, RESIZABLE, r_ | unknown | fixed, 0, 0,
		  P, ZX_ERR_INVALID_ARGS },
		{ "alignment field before resizable", GOOD, RESIZABLE,
		  r_ | 5u << ZX_VM_ALIGN_BASE | fixed, 0, 0, P, ZX_ERR_INVALID_ARGS },
		{ "resizable before COMPACT", GOOD, RESIZABLE, r_ | fixed | compact, 0, 0, P,
		  ZX_ERR_NOT_SUPPORTED },
		{ "discardable before CAN_MAP_SPECIFIC", GOOD, DISCARDABLE,
		  r_ | ZX_VM_CAN_MAP_SPECIFIC, 0, 0, P, ZX_ERR_NOT_SUPPORTED },
		{ "resizable before offset", GOOD, RESIZABLE, r_ | fixed, 0, 1, P,
		  ZX_ERR_NOT_SUPPORTED },
		{ "resizable before length", GOOD, RESIZABLE, r_ | fixed, 0, 0, SIZE_MAX,
		  ZX_ERR_NOT_SUPPORTED },
		{ "resizable before state", DEAD, RESIZABLE, r_ | fixed, 0, 0, P,
		  ZX_ERR_NOT_SUPPORTED },
		{ "COMPACT before offset", GOOD, FIXED, r_ | compact, 0, -P, 2 * P,
		  ZX_ERR_INVALID_ARGS },
		{ "COMPACT before state", DEAD, FIXED, r_ | compact, 0, 0, P,
		  ZX_ERR_INVALID_ARGS },
		{ "CAN_MAP of the region before offset", READ_ONLY, FIXED, rw, 0, 1, P,
		  ZX_ERR_ACCESS_DENIED },
		{ "CAN_MAP of the region before length", READ_ONLY, FIXED, rw, 0, 0, SIZE_MAX,
		  ZX_ERR_ACCESS_DENIED },
		{ "VMO offset before length", GOOD, FIXED, r_, 0, 1, SIZE_MAX,
		  ZX_ERR_INVALID_ARGS },
		{ "VMO offset before state", DEAD, FIXED, r_, 0, 1, P, ZX_ERR_INVALID_ARGS },
		{ "length before state", DEAD, FIXED, r_, 0, 0, SIZE_MAX, ZX_ERR_OUT_OF_RANGE },
		{ "end of the VMO range before state", DEAD, FIXED, r_, 0, -P, 2 * P,
		  ZX_ERR_OUT_OF_RANGE },
		{ "end of the VMO range before offset", GOOD, FIXED, r_ | s, 1, -P, 2 * P,
		  ZX_ERR_OUT_OF_RANGE },
		{ "end of the VMO range before placement", NOT_SPECIFIC, FIXED, r_ | s, 0, -P,
		  2 * P, ZX_ERR_OUT_OF_RANGE },
		{ "state before length 0", DEAD, FIXED, r_, 0, 0, 0, ZX_ERR_BAD_STATE },
		{ "state before both placements", DEAD, FIXED, r_ | s | up, 0, 0, P,
		  ZX_ERR_BAD_STATE },
		{ "state before stray offset", DEAD, FIXED, r_, P, 0, P, ZX_ERR_BAD_STATE },
		{ "state before bounds", DEAD, FIXED, r_ | s, len, 0, P, ZX_ERR_BAD_STATE },
		{ "length 0 before CAN_MAP_SPECIFIC", NOT_SPECIFIC, FIXED, r_ | s, 0, 0, 0,
		  ZX_ERR_INVALID_ARGS },
		{ "both placements before CAN_MAP_SPECIFIC", NOT_SPECIFIC, FIXED, r_ | s | up, 0,
		  0, P, ZX_ERR_INVALID_ARGS },
		{ "unaligned offset before CAN_MAP_SPECIFIC", NOT_SPECIFIC, FIXED, r_ | s, 1, 0,
		  P, ZX_ERR_INVALID_ARGS },
		{ "CAN_MAP_SPECIFIC before bounds", NOT_SPECIFIC, FIXED, r_ | s, len, 0, P,
		  ZX_ERR_ACCESS_DENIED },
		{ "OVERWRITE is SPECIFIC too", NOT_SPECIFIC, FIXED,
		  r_ | ZX_VM_SPECIFIC_OVERWRITE, 0, 0, P, ZX_ERR_ACCESS_DENIED },
		{ "bounds before overlap", GOOD, FIXED, r_ | s, 4 * P, 0, len,
		  ZX_ERR_INVALID_ARGS },
		{ "alignment before overlap", GOOD, FIXED, r_ | s | align, 5 * P, 0, P,
		  ZX_ERR_INVALID_ARGS },
		{ "overlap", GOOD, FIXED, r_ | s, 5 * P, 0, P, ZX_ERR_ALREADY_EXISTS },
		{ "no gap", GOOD, FIXED, r_, 0, 0, len, ZX_ERR_NO_RESOURCES },
		{ "larger than the region", GOOD, FIXED, r_, 0, 0, len + P, ZX_ERR_INVALID_ARGS },
		{ "nothing wrong", GOOD, FIXED, rw | s, 8 * P, 0, P, ZX_OK },
	};
	struct vt_region r[REGIONS] = { };
	zx_handle_t v[VMOS] = { };
	zx_vaddr_t addr;

	v[FIXED] = zt_vmo(4 * P, 0);
	v[V_CLOSED] = zt_dup(v[FIXED], ZX_RIGHT_SAME_RIGHTS);
	ZT_ASSERT_OK(zx_handle_close(v[V_CLOSED]));
	v[V_VMAR] = zx_vmar_root_self();
	v[NO_MAP] = zt_without(v[FIXED], ZX_RIGHT_MAP);
	v[NO_READ] = zt_without(v[FIXED], ZX_RIGHT_READ);
	v[NO_WRITE] = zt_without(v[FIXED], ZX_RIGHT_WRITE);
	v[RESIZABLE] = zt_vmo(4 * P, ZX_VMO_RESIZABLE);
	v[RESIZABLE_NO_WRITE] = zt_without(v[RESIZABLE], ZX_RIGHT_WRITE);
	v[DISCARDABLE] = zt_vmo(4 * P, ZX_VMO_DISCARDABLE);
	for (int i = 0; i < VMOS; i++)
		ASSERT_NE(ZX_HANDLE_INVALID, v[i]);

	r[GOOD] = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, len);
	ZT_ASSERT_OK(vt_map_at(&r[GOOD], VT_R, 4 * P, v[FIXED], 0, 4 * P));
	ASSERT_NE(0u, (r[GOOD].base + 5 * P) & UINT32_MAX);
	r[CLOSED].h = zt_dup(r[GOOD].h, ZX_RIGHT_SAME_RIGHTS);
	ZT_ASSERT_OK(zx_handle_close(r[CLOSED].h));
	r[A_VMO].h = v[FIXED];
	r[NO_RIGHTS].h = zt_without(r[GOOD].h, VT_RIGHTS_RWX);
	r[DEAD] = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, len);
	ZT_ASSERT_OK(zx_vmar_destroy(r[DEAD].h));
	r[READ_ONLY] = vt_alloc(zx_vmar_root_self(),
				ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_SPECIFIC, len);
	r[NOT_SPECIFIC] = vt_alloc(zx_vmar_root_self(), VT_CAN_RWX, len);
	for (int i = 0; i < REGIONS; i++)
		ASSERT_NE(ZX_HANDLE_INVALID, r[i].h);

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		zx_status_t st = zx_vmar_map(r[row[i].region].h, row[i].options, row[i].offset,
					     v[row[i].vmo], row[i].vmo_offset, row[i].len, &addr);

		EXPECT_EQ(row[i].want, st)
			TH_LOG("%s: wanted %s, got %s", row[i].why,
			       zx_status_get_string(row[i].want), zx_status_get_string(st));
	}
}

/* Absent pages first, present ones behind: no more is mapped than was asked for. */
TEST(R_060_R_134_map_range_ends_with_the_mapping)
{
	struct vt_region r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 32 * P);
	zx_handle_t vmo = zt_vmo(16 * P, 0);

	ASSERT_NE(ZX_HANDLE_INVALID, r.h);
	ZT_ASSERT_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 7 * P, 9 * P, NULL, 0));
	ZT_ASSERT_OK(vt_map_at(&r, ZT_RW | ZX_VM_MAP_RANGE, 0, vmo, 0, 8 * P));
	EXPECT_EQ(0, zt_try_read(vt_ptr(&r, 7 * P)));
	for (size_t page = 8; page < 32; page++) {
		EXPECT_EQ(SIGSEGV, zt_try_read(vt_ptr(&r, page * P)));
	}
	ZT_EXPECT_OK(zx_vmar_destroy(r.h));
	ZT_EXPECT_OK(zx_handle_close(r.h));
	ZT_EXPECT_OK(zx_handle_close(vmo));
}

TEST_HARNESS_MAIN
