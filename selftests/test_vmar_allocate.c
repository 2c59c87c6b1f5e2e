// SPDX-License-Identifier: MIT OR GPL-2.0
/* zx_vmar_root_self and zx_vmar_allocate, and the order of the checks. */
#include "kselftest_harness.h"
#include "zvm_vmar_test.h"

FIXTURE(vmar_allocate) {
	struct vt_region r;
	zx_handle_t child;
	zx_vaddr_t addr;
};

FIXTURE_VARIANT(vmar_allocate) {
	int depth;
};

FIXTURE_VARIANT_ADD(vmar_allocate, root) { .depth = 0 };
FIXTURE_VARIANT_ADD(vmar_allocate, child) { .depth = 1 };
FIXTURE_VARIANT_ADD(vmar_allocate, grandchild) { .depth = 2 };

FIXTURE_SETUP(vmar_allocate)
{
	self->r = vt_region_at_depth(variant->depth);
	ASSERT_NE(ZX_HANDLE_INVALID, self->r.h);
	ASSERT_NE(0u, self->r.len);
}

FIXTURE_TEARDOWN(vmar_allocate)
{
}

#define ALLOC(options, offset, size) \
	zx_vmar_allocate(self->r.h, (options), (offset), (size), &self->child, &self->addr)

static void *other_thread_root(void *arg)
{
	*(zx_handle_t *)arg = zx_vmar_root_self();
	return NULL;
}

TEST(R_001_root_self_is_stable)
{
	zx_handle_t root = zx_vmar_root_self();
	zx_handle_t other = ZX_HANDLE_INVALID;
	pthread_t t;

	EXPECT_NE(ZX_HANDLE_INVALID, root);
	EXPECT_EQ(root, zx_vmar_root_self());
	EXPECT_EQ(ZX_OBJ_TYPE_VMAR, zt_type(root));
	EXPECT_EQ(ZX_DEFAULT_VMAR_RIGHTS | VT_RIGHTS_RWX, zt_rights(root));

	ASSERT_EQ(0, pthread_create(&t, NULL, other_thread_root, &other));
	ASSERT_EQ(0, pthread_join(t, NULL));
	EXPECT_EQ(root, other);
}

#define ROOT_THREADS 8

static pthread_barrier_t root_barrier;

static void *racing_root(void *arg)
{
	pthread_barrier_wait(&root_barrier);
	*(zx_handle_t *)arg = zx_vmar_root_self();
	return NULL;
}

/* The first use, by many threads at once, makes one root and leaks nothing. */
TEST(R_001_first_use_by_many_threads)
{
	struct zvm_stats before = zt_stats(), now;
	zx_handle_t root[ROOT_THREADS];
	pthread_t t[ROOT_THREADS];

	ASSERT_EQ(0, pthread_barrier_init(&root_barrier, NULL, ROOT_THREADS));
	for (int i = 0; i < ROOT_THREADS; i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL, racing_root, &root[i]));
	for (int i = 0; i < ROOT_THREADS; i++)
		ASSERT_EQ(0, pthread_join(t[i], NULL));
	for (int i = 0; i < ROOT_THREADS; i++) {
		EXPECT_NE(ZX_HANDLE_INVALID, root[i]);
		EXPECT_EQ(root[0], root[i]);
	}
	now = zt_stats();
	ZT_EXPECT_U64(before.aspaces + 1, now.aspaces);
	ZT_EXPECT_U64(before.vmars + 1, now.vmars);
	ZT_EXPECT_U64(before.handles + 1, now.handles);
}

TEST_F(vmar_allocate, R_002_anywhere)
{
	struct vt_region c;

	ZT_ASSERT_OK(ALLOC(VT_CAN_RW, 0, 4 * P));
	EXPECT_NE(ZX_HANDLE_INVALID, self->child);
	ZT_EXPECT_U64(0, self->addr % P);
	EXPECT_GE(self->addr, self->r.base);
	EXPECT_LE(self->addr + 4 * P, self->r.base + self->r.len);
	c = vt_region_of(self->child);
	ZT_EXPECT_U64(self->addr, c.base);
	ZT_EXPECT_U64(4 * P, c.len);
	/* It is there, and empty: nothing can be accessed yet. */
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read((void *)self->addr));
}

TEST_F(vmar_allocate, R_003_R_004_bad_sizes)
{
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, ALLOC(VT_CAN_RW, 0, 0));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, ALLOC(VT_CAN_RW, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, ALLOC(VT_CAN_RW, 0, P - 1));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, ALLOC(VT_CAN_RW, 0, P + 1));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, ALLOC(VT_CAN_RW, 0, SIZE_MAX));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, ALLOC(ZX_VM_SPECIFIC, 0, 0));
}

TEST_F(vmar_allocate, R_005_R_006_R_007_bad_options)
{
	static const zx_vm_option_t bad[] = {
		ZX_VM_PERM_READ, ZX_VM_PERM_WRITE, ZX_VM_PERM_EXECUTE,
		ZX_VM_PERM_READ | ZX_VM_PERM_WRITE,
		ZX_VM_SPECIFIC_OVERWRITE, ZX_VM_MAP_RANGE, ZX_VM_ALLOW_FAULTS,
		ZX_VM_REQUIRE_NON_RESIZABLE, ZX_VM_FAULT_BEYOND_STREAM_SIZE,
		1u << 16, 1u << 17, 1u << 18, 1u << 19, 1u << 20, 1u << 21, 1u << 22, 1u << 23,
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, ALLOC(VT_CAN_RW | bad[i], 0, P))
			TH_LOG("option %#x", bad[i]);
	}
	/* The one permission bit that this call does not look at. */
	ZT_EXPECT_OK(ALLOC(VT_CAN_RW | ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED, 0, P));
}

TEST_F(vmar_allocate, R_008_R_009_R_010_offset_rules)
{
	size_t hole = vt_hole(&self->r, 4 * P);

	ASSERT_NE(SIZE_MAX, hole);
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, ALLOC(VT_CAN_RW, P, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, ALLOC(VT_CAN_RW, 1, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, ALLOC(VT_CAN_RW, hole, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, ALLOC(ZX_VM_SPECIFIC, hole + 1, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, ALLOC(ZX_VM_SPECIFIC, hole + P / 2, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 ALLOC(ZX_VM_OFFSET_IS_UPPER_LIMIT, self->r.len - 1, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 ALLOC(ZX_VM_SPECIFIC | ZX_VM_OFFSET_IS_UPPER_LIMIT, hole, P));
	/* The range was good: only the rules above were broken. */
	ZT_EXPECT_OK(ALLOC(ZX_VM_SPECIFIC, hole, P));
}

TEST_F(vmar_allocate, R_011_specific_needs_can_map_specific)
{
	struct vt_region plain = vt_alloc(self->r.h, VT_CAN_RWX, 16 * P);

	ASSERT_NE(ZX_HANDLE_INVALID, plain.h);
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_vmar_allocate(plain.h, ZX_VM_SPECIFIC, 0, P, &self->child,
					  &self->addr));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_vmar_allocate(plain.h, ZX_VM_OFFSET_IS_UPPER_LIMIT, 8 * P, P,
					  &self->child, &self->addr));
	ZT_EXPECT_OK(zx_vmar_allocate(plain.h, 0, 0, P, &self->child, &self->addr));
}

TEST_F(vmar_allocate, R_012_specific_free_offset)
{
	size_t hole = vt_hole(&self->r, 4 * P);

	ASSERT_NE(SIZE_MAX, hole);
	ZT_ASSERT_OK(ALLOC(ZX_VM_SPECIFIC | VT_CAN_RW, hole + P, 2 * P));
	ZT_EXPECT_U64(self->r.base + hole + P, self->addr);
	ZT_EXPECT_U64(self->r.base + hole + P, vt_region_of(self->child).base);
	ZT_EXPECT_U64(2 * P, vt_region_of(self->child).len);
	/* Neighbours may touch it on both sides. */
	ZT_EXPECT_OK(ALLOC(ZX_VM_SPECIFIC, hole, P));
	ZT_EXPECT_OK(ALLOC(ZX_VM_SPECIFIC, hole + 3 * P, P));
	ZT_EXPECT_U64(self->r.base + hole + 3 * P, self->addr);
}

/* The first and the last page of a region belong to it. */
TEST_F(vmar_allocate, R_012_R_014_edges_of_the_region)
{
	struct vt_region c = vt_alloc(self->r.h, VT_CAN_ALL, 8 * P);
	zx_handle_t h;

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmar_allocate(c.h, ZX_VM_SPECIFIC, 7 * P, 2 * P, &h, &self->addr));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmar_allocate(c.h, ZX_VM_SPECIFIC, 8 * P, P, &h, &self->addr));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmar_allocate(c.h, ZX_VM_SPECIFIC, 9 * P, P, &h, &self->addr));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmar_allocate(c.h, ZX_VM_SPECIFIC, 0, 9 * P, &h, &self->addr));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmar_allocate(c.h, ZX_VM_SPECIFIC, -P, P, &h, &self->addr));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmar_allocate(c.h, ZX_VM_SPECIFIC, P, -P, &h, &self->addr));
	ZT_EXPECT_OK(zx_vmar_allocate(c.h, ZX_VM_SPECIFIC, 7 * P, P, &h, &self->addr));
	ZT_EXPECT_U64(c.base + 7 * P, self->addr);
	ZT_EXPECT_OK(zx_vmar_allocate(c.h, ZX_VM_SPECIFIC, 0, P, &h, &self->addr));
	ZT_EXPECT_U64(c.base, self->addr);
	/* And the whole range may be taken at once. */
	ZT_ASSERT_OK(zx_vmar_unmap(c.h, c.base, c.len));
	ZT_EXPECT_OK(zx_vmar_allocate(c.h, ZX_VM_SPECIFIC, 0, 8 * P, &h, &self->addr));
}

TEST_F(vmar_allocate, R_013_specific_over_a_child)
{
	size_t hole = vt_hole(&self->r, 8 * P);
	zx_handle_t vmo = zt_vmo(P, 0);

	ASSERT_NE(SIZE_MAX, hole);
	ZT_ASSERT_OK(ALLOC(ZX_VM_SPECIFIC, hole + 2 * P, 3 * P));
	for (size_t from = 0; from < 6; from++) {
		for (size_t pages = 1; from + pages <= 7; pages++) {
			if (from + pages <= 2 || from >= 5)
				continue;
			EXPECT_EQ(ZX_ERR_ALREADY_EXISTS,
				  ALLOC(ZX_VM_SPECIFIC, hole + from * P, pages * P))
				TH_LOG("pages %zu .. %zu", from, from + pages);
		}
	}
	/* A mapping is a child, too. */
	ZT_ASSERT_OK(vt_map_at(&self->r, VT_R, hole + 6 * P, vmo, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_ALREADY_EXISTS, ALLOC(ZX_VM_SPECIFIC, hole + 6 * P, P));
	ZT_EXPECT_STATUS(ZX_ERR_ALREADY_EXISTS, ALLOC(ZX_VM_SPECIFIC, hole + 5 * P, 3 * P));
	ZT_EXPECT_OK(ALLOC(ZX_VM_SPECIFIC, hole, 2 * P));
	ZT_EXPECT_OK(ALLOC(ZX_VM_SPECIFIC, hole + 5 * P, P));
	ZT_EXPECT_OK(ALLOC(ZX_VM_SPECIFIC, hole + 7 * P, P));
}

TEST_F(vmar_allocate, R_015_too_large)
{
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, ALLOC(VT_CAN_RW, 0, self->r.len + P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, ALLOC(VT_CAN_RW, 0, -P));
	/* One page is taken: as large as the parent no longer fits. */
	ZT_ASSERT_OK(ALLOC(VT_CAN_RW, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_NO_RESOURCES, ALLOC(VT_CAN_RW, 0, self->r.len));
}

/* Every page of a region can be had, and then none is left. */
static void fill_up(struct __test_metadata *_metadata, zx_handle_t parent, zx_vm_option_t compact)
{
	struct vt_region c = vt_alloc(parent, VT_CAN_ALL | compact, 32 * P);
	bool seen[32] = { false };
	zx_handle_t h;
	zx_vaddr_t addr;

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	for (int i = 0; i < 32; i++) {
		ZT_ASSERT_OK(zx_vmar_allocate(c.h, VT_CAN_RW, 0, P, &h, &addr));
		ASSERT_GE(addr, c.base);
		ASSERT_LT(addr, c.base + c.len);
		ASSERT_FALSE(seen[(addr - c.base) / P]);
		seen[(addr - c.base) / P] = true;
	}
	ZT_EXPECT_STATUS(ZX_ERR_NO_RESOURCES,
			 zx_vmar_allocate(c.h, VT_CAN_RW, 0, P, &h, &addr));
	/* Two single holes are not one of two pages. */
	ZT_ASSERT_OK(zx_vmar_unmap(c.h, c.base + 5 * P, P));
	ZT_ASSERT_OK(zx_vmar_unmap(c.h, c.base + 7 * P, P));
	ZT_EXPECT_STATUS(ZX_ERR_NO_RESOURCES,
			 zx_vmar_allocate(c.h, VT_CAN_RW, 0, 2 * P, &h, &addr));
	ZT_ASSERT_OK(zx_vmar_unmap(c.h, c.base + 6 * P, P));
	ZT_EXPECT_OK(zx_vmar_allocate(c.h, VT_CAN_RW, 0, 3 * P, &h, &addr));
	ZT_EXPECT_U64(c.base + 5 * P, addr);
}

TEST_F(vmar_allocate, R_015_no_gap_large_enough)
{
	fill_up(_metadata, self->r.h, 0);
}

TEST_F(vmar_allocate, R_015_no_gap_large_enough_compact)
{
	fill_up(_metadata, self->r.h, ZX_VM_COMPACT);
}

TEST_F(vmar_allocate, R_016_can_map_is_a_ceiling)
{
	static const zx_vm_option_t can[] = {
		ZX_VM_CAN_MAP_READ, ZX_VM_CAN_MAP_WRITE, ZX_VM_CAN_MAP_EXECUTE,
	};

	for (int have = 0; have < 8; have++) {
		zx_vm_option_t flags = 0;
		struct vt_region c;

		for (int i = 0; i < 3; i++)
			flags |= have & 1 << i ? can[i] : 0;
		c = vt_alloc(self->r.h, flags, 64 * P);
		ASSERT_NE(ZX_HANDLE_INVALID, c.h);
		for (int want = 0; want < 8; want++) {
			zx_vm_option_t child = 0;

			for (int i = 0; i < 3; i++)
				child |= want & 1 << i ? can[i] : 0;
			EXPECT_EQ(want & ~have ? ZX_ERR_ACCESS_DENIED : ZX_OK,
				  zx_vmar_allocate(c.h, child, 0, P, &self->child, &self->addr))
				TH_LOG("parent has %#x, child asks for %#x", flags, child);
		}
	}
}

TEST_F(vmar_allocate, R_017_rights_of_the_parent_handle)
{
	static const struct {
		zx_rights_t right;
		zx_vm_option_t can;
	} row[] = {
		{ ZX_RIGHT_READ, ZX_VM_CAN_MAP_READ },
		{ ZX_RIGHT_WRITE, ZX_VM_CAN_MAP_WRITE },
		{ ZX_RIGHT_EXECUTE, ZX_VM_CAN_MAP_EXECUTE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		zx_handle_t weak = zt_without(self->r.h, row[i].right);

		ASSERT_NE(ZX_HANDLE_INVALID, weak);
		EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
			  zx_vmar_allocate(weak, VT_CAN_RWX, 0, P, &self->child, &self->addr));
		EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
			  zx_vmar_allocate(weak, row[i].can, 0, P, &self->child, &self->addr));
		EXPECT_EQ(ZX_OK, zx_vmar_allocate(weak, VT_CAN_RWX & ~row[i].can, 0, P,
						  &self->child, &self->addr));
	}
}

TEST_F(vmar_allocate, R_018_rights_of_the_child_handle)
{
	/* They follow from the flags of the new region, not from the handle used. */
	zx_handle_t bare = zt_dup(self->r.h, VT_RIGHTS_RWX);

	ASSERT_NE(ZX_HANDLE_INVALID, bare);
	for (int want = 0; want < 8; want++) {
		zx_vm_option_t flags = (want & 1 ? ZX_VM_CAN_MAP_READ : 0) |
				       (want & 2 ? ZX_VM_CAN_MAP_WRITE : 0) |
				       (want & 4 ? ZX_VM_CAN_MAP_EXECUTE : 0);
		zx_rights_t rights = ZX_DEFAULT_VMAR_RIGHTS |
				     (want & 1 ? ZX_RIGHT_READ : 0) |
				     (want & 2 ? ZX_RIGHT_WRITE : 0) |
				     (want & 4 ? ZX_RIGHT_EXECUTE : 0);

		ZT_ASSERT_OK(zx_vmar_allocate(bare, flags, 0, P, &self->child, &self->addr));
		EXPECT_EQ(rights, zt_rights(self->child))
			TH_LOG("flags %#x", flags);
		EXPECT_EQ(ZX_OBJ_TYPE_VMAR, zt_type(self->child));
	}
}

TEST_F(vmar_allocate, R_019_can_map_specific_is_not_inherited)
{
	struct vt_region plain = vt_alloc(self->r.h, VT_CAN_RWX, 16 * P);
	struct vt_region c = vt_alloc(plain.h, VT_CAN_ALL | ZX_VM_COMPACT, 8 * P);
	zx_handle_t h;

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	ZT_EXPECT_OK(zx_vmar_allocate(c.h, ZX_VM_SPECIFIC, 3 * P, P, &h, &self->addr));
	ZT_EXPECT_U64(c.base + 3 * P, self->addr);
}

TEST_F(vmar_allocate, R_020_alignment)
{
	/* Not more than surely fits: the root has room for 4 GiB. */
	uint32_t largest = variant->depth ? 24 : 32;

	for (uint32_t n = 10; n <= largest; n++) {
		EXPECT_EQ(ZX_OK, ALLOC(VT_CAN_RW | n << ZX_VM_ALIGN_BASE, 0, P)) {
			TH_LOG("2^%u", n);
			continue;
		}
		EXPECT_EQ(0u, self->addr & (n < 12 ? P - 1 : (1ul << n) - 1))
			TH_LOG("2^%u: %#lx", n, (unsigned long)self->addr);
	}
	ZT_EXPECT_OK(ALLOC(VT_CAN_RW | ZX_VM_ALIGN_1MB, 0, 3 * P));
	ZT_EXPECT_U64(0, self->addr & ((1u << 20) - 1));
}

TEST_F(vmar_allocate, R_021_bad_alignment_field)
{
	for (uint32_t n = 1; n < 256; n++) {
		if (n >= 10 && n <= 32)
			continue;
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, ALLOC(VT_CAN_RW | n << ZX_VM_ALIGN_BASE, 0, P))
			TH_LOG("field %u", n);
	}
}

TEST_F(vmar_allocate, R_022_specific_against_the_alignment)
{
	size_t hole = vt_hole(&self->r, 4ul << 20);
	size_t good, bad;

	ASSERT_NE(SIZE_MAX, hole);
	/* An offset whose address is aligned, and one that is not. */
	good = hole + (-(self->r.base + hole) & ((1u << 20) - 1));
	bad = good + P;
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 ALLOC(ZX_VM_SPECIFIC | ZX_VM_ALIGN_1MB, bad, P));
	ZT_EXPECT_OK(ALLOC(ZX_VM_SPECIFIC | ZX_VM_ALIGN_1MB, good, 2 * P));
	ZT_EXPECT_U64(self->r.base + good, self->addr);
	/* Checked before the overlap. */
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 ALLOC(ZX_VM_SPECIFIC | ZX_VM_ALIGN_1MB, bad, P));
	ZT_EXPECT_STATUS(ZX_ERR_ALREADY_EXISTS,
			 ALLOC(ZX_VM_SPECIFIC | ZX_VM_ALIGN_1MB, good, P));
}

TEST_F(vmar_allocate, R_023_upper_limit)
{
	struct vt_region c = vt_alloc(self->r.h, VT_CAN_ALL, 64 * P);
	const zx_vm_option_t up = ZX_VM_OFFSET_IS_UPPER_LIMIT;
	zx_handle_t h;

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmar_allocate(c.h, up, 65 * P, P, &h, &self->addr));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmar_allocate(c.h, up, 64 * P, 65 * P, &h, &self->addr));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmar_allocate(c.h, up, 3 * P, 4 * P, &h, &self->addr));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmar_allocate(c.h, up, 0, P, &h, &self->addr));
	/* Room for nothing else: it can only start at the base. */
	ZT_EXPECT_OK(zx_vmar_allocate(c.h, up, 4 * P, 4 * P, &h, &self->addr));
	ZT_EXPECT_U64(c.base, self->addr);
	ZT_EXPECT_STATUS(ZX_ERR_NO_RESOURCES,
			 zx_vmar_allocate(c.h, up, 4 * P, P, &h, &self->addr));
	/* Twelve more pages below the limit, then none. */
	for (int i = 0; i < 12; i++) {
		ZT_ASSERT_OK(zx_vmar_allocate(c.h, up, 16 * P, P, &h, &self->addr));
		EXPECT_LE(self->addr + P, c.base + 16 * P);
	}
	ZT_EXPECT_STATUS(ZX_ERR_NO_RESOURCES,
			 zx_vmar_allocate(c.h, up, 16 * P, P, &h, &self->addr));
	/* The limit may be the end of the region. */
	ZT_EXPECT_OK(zx_vmar_allocate(c.h, up, 64 * P, 48 * P, &h, &self->addr));
	ZT_EXPECT_U64(c.base + 16 * P, self->addr);

	/* And in a region with other things in it. */
	for (size_t limit = self->r.len; limit > self->r.len / 4; limit -= self->r.len / 8) {
		limit &= -P;
		ZT_ASSERT_OK(ALLOC(up, limit, 2 * P));
		EXPECT_LE(self->addr + 2 * P, self->r.base + limit);
		EXPECT_GE(self->addr, self->r.base);
	}
}

TEST_F(vmar_allocate, R_024_destroyed_parent)
{
	struct vt_region c = vt_alloc(self->r.h, VT_CAN_ALL, 16 * P);

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	ZT_ASSERT_OK(zx_vmar_destroy(c.h));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
			 zx_vmar_allocate(c.h, VT_CAN_RW, 0, P, &self->child, &self->addr));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
			 zx_vmar_allocate(c.h, ZX_VM_SPECIFIC, 0, P, &self->child, &self->addr));
}

TEST_F(vmar_allocate, R_025_bad_out_pointers)
{
	size_t hole = vt_hole(&self->r, 4 * P);
	struct zt_bad bad[ZT_BAD_WRITE_N];
	struct zvm_stats before;

	ASSERT_NE(SIZE_MAX, hole);
	zt_bad_write(bad);
	before = zt_stats();
	for (struct zt_bad *b = bad; b->name; b++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS,
			  zx_vmar_allocate(self->r.h, ZX_VM_SPECIFIC, hole, P, b->ptr,
					   &self->addr))
			TH_LOG("handle to %s", b->name);
		EXPECT_EQ(ZX_ERR_INVALID_ARGS,
			  zx_vmar_allocate(self->r.h, ZX_VM_SPECIFIC, hole, P, &self->child,
					   b->ptr))
			TH_LOG("address to %s", b->name);
	}
	ZT_EXPECT_NO_LEAK(&before);
	/* The range stayed free all the time: the last one could still fail so. */
	ZT_EXPECT_OK(ALLOC(ZX_VM_SPECIFIC, hole, P));
}

#define MODEL_PAGES 4096

struct taken {
	size_t from, pages;
};

/* Is there room for so many pages, aligned, that ends at or below the limit? */
static bool fits(const bool *used, zx_vaddr_t base, size_t pages, size_t limit, uint32_t align)
{
	size_t run = 0;

	for (size_t end = 1; end <= limit; end++) {
		zx_vaddr_t start = base + (end - pages) * P;

		run = used[end - 1] ? 0 : run + 1;
		if (run >= pages && !(align && start & ((1ul << align) - 1)))
			return true;
	}
	return false;
}

/*
 * A thousand allocations and some removals against a map of the pages: in
 * bounds, aligned as asked, never on one another, and refused only with reason.
 */
TEST_F(vmar_allocate, R_026_siblings_never_overlap)
{
	struct vt_region c = vt_alloc(self->r.h, VT_CAN_ALL, MODEL_PAGES * P);
	static bool used[MODEL_PAGES];
	static struct taken taken[1200];
	uint64_t seed = 26;
	size_t n = 0, full = 0;

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	/* Towards the end there is hardly any room left. */
	for (int round = 0; round < 1200; round++) {
		size_t pages = 1 + vt_below(&seed, 8), off = 0, from, limit = MODEL_PAGES;
		uint32_t how = vt_below(&seed, 8), align = 0;
		zx_vm_option_t options = VT_CAN_RW;
		zx_status_t st, want = ZX_OK;
		zx_handle_t h;
		zx_vaddr_t addr;

		if (how == 0 && n) {
			size_t i = vt_below(&seed, (uint32_t)n);

			ZT_ASSERT_OK(zx_vmar_unmap(c.h, c.base + taken[i].from * P,
						   taken[i].pages * P));
			memset(used + taken[i].from, 0, taken[i].pages);
			taken[i] = taken[--n];
			continue;
		}
		if (how == 1) {
			off = vt_below(&seed, MODEL_PAGES - 8);
			options |= ZX_VM_SPECIFIC;
			for (size_t i = 0; i < pages; i++)
				if (used[off + i])
					want = ZX_ERR_ALREADY_EXISTS;
			off *= P;
		} else if (how == 2) {
			limit = MODEL_PAGES / 4 + vt_below(&seed, MODEL_PAGES / 2);
			options |= ZX_VM_OFFSET_IS_UPPER_LIMIT;
			off = limit * P;
		} else if (how == 3) {
			align = 12 + vt_below(&seed, 5);
			options |= align << ZX_VM_ALIGN_BASE;
		}
		if (how != 1 && !fits(used, c.base, pages, limit, align))
			want = ZX_ERR_NO_RESOURCES;
		st = zx_vmar_allocate(c.h, options, off, pages * P, &h, &addr);
		full += want == ZX_ERR_NO_RESOURCES;
		ASSERT_EQ(want, st)
			TH_LOG("round %d, way %u, %zu pages at %#zx", round, how, pages, off);
		if (st != ZX_OK)
			continue;
		ZT_ASSERT_OK(zx_handle_close(h));
		ASSERT_GE(addr, c.base);
		ASSERT_EQ(0u, addr & (P - 1));
		from = (addr - c.base) / P;
		ASSERT_LE(from + pages, limit);
		if (how == 1) {
			ASSERT_EQ(off, from * P);
		}
		if (align) {
			ASSERT_EQ(0u, addr & ((1ul << align) - 1));
		}
		for (size_t i = from; i < from + pages; i++) {
			ASSERT_FALSE(used[i])
				TH_LOG("round %d: page %zu given twice", round, i);
			used[i] = true;
		}
		taken[n++] = (struct taken){ from, pages };
	}
	/* The records of the region tell the same. */
	ZT_EXPECT_U64(n + 1, vt_maps_count(c.h));
	TH_LOG("%zu regions in the end, %zu times no room", n, full);
}

TEST_F(vmar_allocate, R_027_closing_the_handle_frees_nothing)
{
	struct zvm_stats before, now;
	size_t off;

	ZT_ASSERT_OK(ALLOC(VT_CAN_ALL, 0, 4 * P));
	off = self->addr - self->r.base;
	before = zt_stats();
	ZT_ASSERT_OK(zx_handle_close(self->child));
	now = zt_stats();
	ZT_EXPECT_U64(before.vmars, now.vmars);
	ZT_EXPECT_U64(before.handles - 1, now.handles);
	ZT_EXPECT_STATUS(ZX_ERR_ALREADY_EXISTS, ALLOC(ZX_VM_SPECIFIC, off, P));
	ZT_EXPECT_STATUS(ZX_ERR_ALREADY_EXISTS, ALLOC(ZX_VM_SPECIFIC, off + 3 * P, P));
	/* The parent can still remove it. */
	ZT_EXPECT_OK(zx_vmar_unmap(self->r.h, self->r.base + off, 4 * P));
	ZT_EXPECT_OK(ALLOC(ZX_VM_SPECIFIC, off, P));
}

TEST_F(vmar_allocate, H_013_handle_checks)
{
	zx_handle_t vmo = zt_vmo(P, 0), dead = zt_dup(self->r.h, ZX_RIGHT_SAME_RIGHTS);
	zx_handle_t weak = zt_dup(vmo, 0);

	ZT_ASSERT_OK(zx_handle_close(dead));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE,
			 zx_vmar_allocate(dead, VT_CAN_RW, 0, P, &self->child, &self->addr));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE,
			 zx_vmar_allocate(ZX_HANDLE_INVALID, VT_CAN_RW, 0, P, &self->child,
					  &self->addr));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
			 zx_vmar_allocate(vmo, VT_CAN_RW, 0, P, &self->child, &self->addr));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
			 zx_vmar_allocate(weak, VT_CAN_RW, 0, P, &self->child, &self->addr));
}

/* ------------------------------------------------------------------------
 * Several bad arguments at once: the first check in the documented order says
 * what is returned.
 */
enum which {
	GOOD,		/* rwx and SPECIFIC, one region in its pages 4 .. 7 */
	CLOSED,
	A_VMO,
	NO_WRITE_RIGHT,	/* a handle of GOOD */
	DEAD,		/* as GOOD, destroyed */
	DEAD_NO_WRITE,
	NOT_SPECIFIC,	/* a region without CAN_MAP_SPECIFIC */
	WHICH,
};

TEST(R_003_R_005_R_007_R_011_R_013_R_015_R_017_R_022_R_024_order_of_checks)
{
	const zx_vm_option_t w = ZX_VM_CAN_MAP_WRITE, s = ZX_VM_SPECIFIC;
	const zx_vm_option_t up = ZX_VM_OFFSET_IS_UPPER_LIMIT, unknown = 1u << 16;
	const zx_vm_option_t field5 = 5u << ZX_VM_ALIGN_BASE;
	const size_t len = 64 * P;
	const struct {
		const char *why;
		enum which which;
		zx_vm_option_t options;
		size_t offset, size;
		zx_status_t want;
	} row[] = {
		{ "dead handle before anything", CLOSED, w | unknown, 1, 1, ZX_ERR_BAD_HANDLE },
		{ "type before options", A_VMO, w | unknown, 1, 1, ZX_ERR_WRONG_TYPE },
		{ "right before unknown option", NO_WRITE_RIGHT, w | unknown, 0, P,
		  ZX_ERR_ACCESS_DENIED },
		{ "right before alignment field", NO_WRITE_RIGHT, w | field5, 0, P,
		  ZX_ERR_ACCESS_DENIED },
		{ "right before permission bits", NO_WRITE_RIGHT, w | ZX_VM_PERM_READ, 0, P,
		  ZX_ERR_ACCESS_DENIED },
		{ "right before size", NO_WRITE_RIGHT, w, 0, 1, ZX_ERR_ACCESS_DENIED },
		{ "right before state", DEAD_NO_WRITE, w, 0, P, ZX_ERR_ACCESS_DENIED },
		{ "unknown option before state", DEAD, w | unknown, 0, P, ZX_ERR_INVALID_ARGS },
		{ "alignment field before state", DEAD, w | field5, 0, P, ZX_ERR_INVALID_ARGS },
		{ "permission bit before state", DEAD, w | ZX_VM_PERM_READ, 0, P,
		  ZX_ERR_INVALID_ARGS },
		{ "unaligned size before state", DEAD, w, 0, 1, ZX_ERR_INVALID_ARGS },
		{ "map-only option before state", DEAD, w | ZX_VM_ALLOW_FAULTS, 0, P,
		  ZX_ERR_INVALID_ARGS },
		{ "map-only option before state", DEAD, w | ZX_VM_SPECIFIC_OVERWRITE, 0, P,
		  ZX_ERR_INVALID_ARGS },
		{ "state before size 0", DEAD, w, 0, 0, ZX_ERR_BAD_STATE },
		{ "state before both placements", DEAD, s | up, 0, P, ZX_ERR_BAD_STATE },
		{ "state before stray offset", DEAD, w, P, P, ZX_ERR_BAD_STATE },
		{ "state before unaligned offset", DEAD, s, 1, P, ZX_ERR_BAD_STATE },
		{ "state before bounds", DEAD, s, len, P, ZX_ERR_BAD_STATE },
		{ "state before size bound", DEAD, w, 0, len + P, ZX_ERR_BAD_STATE },
		{ "size 0 before CAN_MAP_SPECIFIC", NOT_SPECIFIC, s, 0, 0, ZX_ERR_INVALID_ARGS },
		{ "both placements before CAN_MAP_SPECIFIC", NOT_SPECIFIC, s | up, 0, P,
		  ZX_ERR_INVALID_ARGS },
		{ "unaligned offset before CAN_MAP_SPECIFIC", NOT_SPECIFIC, s, 1, P,
		  ZX_ERR_INVALID_ARGS },
		{ "CAN_MAP_SPECIFIC before bounds", NOT_SPECIFIC, s, len, P,
		  ZX_ERR_ACCESS_DENIED },
		{ "CAN_MAP_SPECIFIC before limit bounds", NOT_SPECIFIC, up, len + P, P,
		  ZX_ERR_ACCESS_DENIED },
		{ "CAN_MAP_SPECIFIC before alignment", NOT_SPECIFIC, s | ZX_VM_ALIGN_4GB, P, P,
		  ZX_ERR_ACCESS_DENIED },
		{ "bounds before overlap", GOOD, s, 4 * P, len, ZX_ERR_INVALID_ARGS },
		{ "alignment before overlap", GOOD, s | ZX_VM_ALIGN_4GB, 5 * P, P,
		  ZX_ERR_INVALID_ARGS },
		{ "overlap", GOOD, s, 5 * P, P, ZX_ERR_ALREADY_EXISTS },
		{ "no gap", GOOD, w, 0, len, ZX_ERR_NO_RESOURCES },
		{ "nothing wrong", GOOD, s | w, 8 * P, P, ZX_OK },
	};
	struct vt_region r[WHICH] = { };
	zx_handle_t h;
	zx_vaddr_t addr;

	r[GOOD] = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, len);
	ZT_ASSERT_OK(zx_vmar_allocate(r[GOOD].h, s, 4 * P, 4 * P, &h, &addr));
	/* Pages 5 .. 7 stay unaligned to 4 GiB wherever the region lies. */
	ASSERT_NE(0u, (r[GOOD].base + 5 * P) & UINT32_MAX);
	r[CLOSED].h = zt_dup(r[GOOD].h, ZX_RIGHT_SAME_RIGHTS);
	ZT_ASSERT_OK(zx_handle_close(r[CLOSED].h));
	r[A_VMO].h = zt_vmo(P, 0);
	r[NO_WRITE_RIGHT].h = zt_without(r[GOOD].h, ZX_RIGHT_WRITE);
	r[DEAD] = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, len);
	r[DEAD_NO_WRITE].h = zt_without(r[DEAD].h, ZX_RIGHT_WRITE);
	ZT_ASSERT_OK(zx_vmar_destroy(r[DEAD].h));
	r[NOT_SPECIFIC] = vt_alloc(zx_vmar_root_self(), VT_CAN_RWX, len);
	for (int i = 0; i < WHICH; i++)
		ASSERT_NE(ZX_HANDLE_INVALID, r[i].h);

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		zx_status_t st = zx_vmar_allocate(r[row[i].which].h, row[i].options,
						  row[i].offset, row[i].size, &h, &addr);

		EXPECT_EQ(row[i].want, st)
			TH_LOG("%s: wanted %s, got %s", row[i].why,
			       zx_status_get_string(row[i].want), zx_status_get_string(st));
	}
}

TEST_HARNESS_MAIN
