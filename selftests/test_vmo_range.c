// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * zx_vmo_op_range, cache policies and executable handles.
 */
#include "kselftest_harness.h"
#include "zvm_test.h"

static zx_status_t op(zx_handle_t vmo, uint32_t code, uint64_t offset, uint64_t size)
{
	return zx_vmo_op_range(vmo, code, offset, size, NULL, 0);
}

#define COMMIT(h, off, n) op(h, ZX_VMO_OP_COMMIT, off, n)
#define DECOMMIT(h, off, n) op(h, ZX_VMO_OP_DECOMMIT, off, n)
#define ZERO(h, off, n) op(h, ZX_VMO_OP_ZERO, off, n)

/* every operation there is */
static const uint32_t all_ops[] = {
	ZX_VMO_OP_COMMIT, ZX_VMO_OP_DECOMMIT, ZX_VMO_OP_LOCK, ZX_VMO_OP_UNLOCK,
	ZX_VMO_OP_CACHE_SYNC, ZX_VMO_OP_CACHE_INVALIDATE, ZX_VMO_OP_CACHE_CLEAN,
	ZX_VMO_OP_CACHE_CLEAN_INVALIDATE, ZX_VMO_OP_ZERO, ZX_VMO_OP_TRY_LOCK,
	ZX_VMO_OP_DONT_NEED, ZX_VMO_OP_ALWAYS_NEED, ZX_VMO_OP_PREFETCH,
};

/* ------------------------------------------------------------------------
 * Checks, on VMOs of every kind
 */
FIXTURE(vmo_range)
{
	struct zvm_stats before;
	struct zt_bag bag;
	zx_handle_t vmo;
	uint64_t s;
};

FIXTURE_VARIANT(vmo_range)
{
	uint32_t options;
};

FIXTURE_VARIANT_ADD(vmo_range, plain) { .options = 0 };
FIXTURE_VARIANT_ADD(vmo_range, resizable) { .options = ZX_VMO_RESIZABLE };
FIXTURE_VARIANT_ADD(vmo_range, unbounded) { .options = ZX_VMO_UNBOUNDED };
FIXTURE_VARIANT_ADD(vmo_range, discardable) { .options = ZX_VMO_DISCARDABLE };

FIXTURE_SETUP(vmo_range)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->vmo = zt_keep(&self->bag, zt_vmo(8 * ZT_P, variant->options));
	ASSERT_NE(0u, self->vmo);
	self->s = zt_size(self->vmo);
}

FIXTURE_TEARDOWN(vmo_range)
{
	zt_empty(&self->bag);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

TEST_F(vmo_range, V_097_V_098_unknown_ops_and_bad_handles)
{
	const uint32_t unknown[] = { 0, 5, 15, 16, 255, 0x80000001, UINT32_MAX };
	zx_handle_t root = zx_vmar_root_self();
	zx_handle_t none = zt_keep(&self->bag, zt_dup(self->vmo, ZX_RIGHT_NONE));
	zx_handle_t dead = zt_dup(self->vmo, ZX_RIGHT_SAME_RIGHTS);

	ASSERT_TRUE(none && dead);
	ZT_ASSERT_OK(zx_handle_close(dead));
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, op(self->vmo, unknown[i], 0, ZT_P));
		/* no right is asked for, no range is looked at */
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, op(none, unknown[i], 0, 0));
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, op(none, unknown[i], UINT64_MAX, 2));
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, op(root, unknown[i], 0, ZT_P));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, op(dead, unknown[i], 0, ZT_P));
	}
	for (size_t i = 0; i < ARRAY_SIZE(all_ops); i++) {
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, op(root, all_ops[i], 1, UINT64_MAX));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, op(dead, all_ops[i], 1, UINT64_MAX));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, op(0, all_ops[i], 0, ZT_P));
	}
}

TEST_F(vmo_range, V_099_buffer_is_ignored)
{
	const uint32_t ops[] = {
		ZX_VMO_OP_COMMIT, ZX_VMO_OP_DECOMMIT, ZX_VMO_OP_CACHE_SYNC, ZX_VMO_OP_CACHE_CLEAN,
		ZX_VMO_OP_CACHE_CLEAN_INVALIDATE, ZX_VMO_OP_ZERO, ZX_VMO_OP_DONT_NEED,
		ZX_VMO_OP_ALWAYS_NEED, ZX_VMO_OP_PREFETCH,
	};
	struct zt_bad bad[ZT_BAD_WRITE_N];
	uint64_t word = 42;

	zt_bad_write(bad);
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		for (struct zt_bad *b = bad; b->name; b++) {
			EXPECT_EQ(ZX_OK, zx_vmo_op_range(self->vmo, ops[i], 0, ZT_P, b->ptr, 8))
				TH_LOG("op %u, %s", ops[i], b->name);
			EXPECT_EQ(ZX_OK, zx_vmo_op_range(self->vmo, ops[i], 0, ZT_P, b->ptr,
							 SIZE_MAX))
				TH_LOG("op %u, %s", ops[i], b->name);
		}
		ZT_EXPECT_OK(zx_vmo_op_range(self->vmo, ops[i], 0, ZT_P, &word, 8));
		ZT_EXPECT_U64(42, word);
	}
}

/* V-100, V-108, V-120, V-129, V-134, V-136: which right each operation needs */
TEST_F(vmo_range, V_100_V_108_V_120_V_129_V_134_V_136_rights)
{
	const struct {
		uint32_t code;
		zx_rights_t needs;
	} t[] = {
		{ ZX_VMO_OP_COMMIT, ZX_RIGHT_WRITE },
		{ ZX_VMO_OP_DECOMMIT, ZX_RIGHT_WRITE },
		{ ZX_VMO_OP_ZERO, ZX_RIGHT_WRITE },
		{ ZX_VMO_OP_CACHE_SYNC, ZX_RIGHT_READ },
		{ ZX_VMO_OP_CACHE_CLEAN, ZX_RIGHT_READ },
		{ ZX_VMO_OP_CACHE_CLEAN_INVALIDATE, ZX_RIGHT_READ },
		{ ZX_VMO_OP_PREFETCH, ZX_RIGHT_READ },
		{ ZX_VMO_OP_DONT_NEED, 0 },
		{ ZX_VMO_OP_ALWAYS_NEED, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		zx_handle_t just = zt_keep(&self->bag, zt_dup(self->vmo, t[i].needs));
		zx_handle_t lacks = zt_keep(&self->bag, zt_without(self->vmo, t[i].needs));

		ASSERT_TRUE(just && lacks);
		ZT_EXPECT_OK(op(just, t[i].code, 0, ZT_P));
		if (!t[i].needs)
			continue;
		ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, op(lacks, t[i].code, 0, ZT_P));
		/* before any look at the range */
		ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, op(lacks, t[i].code, 0, 0));
		ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, op(lacks, t[i].code, UINT64_MAX, 2));
		ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, op(lacks, t[i].code, 1, self->s));
	}
}

TEST_F(vmo_range, V_101_commit_all)
{
	struct zvm_stats now;

	if (variant->options & ZX_VMO_UNBOUNDED) {
		ZT_EXPECT_OK(COMMIT(self->vmo, 0, 8 * ZT_P));
	} else {
		ZT_EXPECT_OK(COMMIT(self->vmo, 0, self->s));
	}
	ZT_EXPECT_U64(8 * ZT_P, zt_committed(self->vmo));
	now = zt_stats();
	ZT_EXPECT_U64(self->before.pages + 8, now.pages);
	EXPECT_TRUE(zt_vmo_zero(self->vmo, 0, 8 * ZT_P));
}

TEST_F(vmo_range, V_102_commit_is_rounded_outwards)
{
	const struct {
		uint64_t off, size, first, pages;
	} t[] = {
		{ ZT_P + 1, 1, 1, 1 },
		{ ZT_P - 1, 2, 0, 2 },
		{ 2 * ZT_P - 1, ZT_P + 2, 1, 3 },
		{ 7 * ZT_P + 5, ZT_P - 5, 7, 1 },
		{ 3 * ZT_P, ZT_P, 3, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		zx_handle_t h = zt_keep(&self->bag, zt_vmo(8 * ZT_P, variant->options));

		ASSERT_NE(0u, h);
		ZT_EXPECT_OK(COMMIT(h, t[i].off, t[i].size));
		ZT_EXPECT_U64(t[i].pages * ZT_P, zt_committed(h));
		/* exactly these: committing them once more adds nothing */
		ZT_EXPECT_OK(COMMIT(h, t[i].first * ZT_P, t[i].pages * ZT_P));
		ZT_EXPECT_U64(t[i].pages * ZT_P, zt_committed(h)) TH_LOG("row %zu", i);
	}
}

TEST_F(vmo_range, V_103_V_104_V_105_commit_bounds)
{
	uint64_t s = self->s;

	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, COMMIT(self->vmo, 0, s + 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, COMMIT(self->vmo, s, 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, COMMIT(self->vmo, s - 1, 2));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, COMMIT(self->vmo, UINT64_MAX, 2));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, COMMIT(self->vmo, ZT_P, UINT64_MAX));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, COMMIT(self->vmo, 1, UINT64_MAX - 1));
	/* size 0 is no excuse for an offset outside */
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, COMMIT(self->vmo, s + 1, 0));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, COMMIT(self->vmo, UINT64_MAX, 0));
	ZT_EXPECT_OK(COMMIT(self->vmo, 0, 0));
	ZT_EXPECT_OK(COMMIT(self->vmo, 5, 0));
	ZT_EXPECT_OK(COMMIT(self->vmo, s, 0));
	ZT_EXPECT_U64(0, zt_committed(self->vmo));
}

TEST_F(vmo_range, V_106_commit_keeps_content)
{
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, ZT_P + 3, 2 * ZT_P, 1));
	ZT_EXPECT_OK(COMMIT(self->vmo, 0, 8 * ZT_P));
	ZT_EXPECT_OK(COMMIT(self->vmo, 0, 8 * ZT_P));
	EXPECT_TRUE(zt_vmo_zero(self->vmo, 0, ZT_P + 3));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, ZT_P + 3, 2 * ZT_P, 1));
	EXPECT_TRUE(zt_vmo_zero(self->vmo, 3 * ZT_P + 3, 5 * ZT_P - 3));
	ZT_EXPECT_U64(8 * ZT_P, zt_committed(self->vmo));
}

TEST_F(vmo_range, V_109_V_110_V_111_decommit_checks)
{
	uint64_t s = self->s;

	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, 8 * ZT_P, 1));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, DECOMMIT(self->vmo, 1, ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, DECOMMIT(self->vmo, 0, ZT_P - 1));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, DECOMMIT(self->vmo, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, DECOMMIT(self->vmo, 5, ZT_P - 5));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, DECOMMIT(self->vmo, 0, s + ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, DECOMMIT(self->vmo, s, ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, DECOMMIT(self->vmo, UINT64_MAX - ZT_P + 1, 2 * ZT_P));
	/* the range comes before the alignment */
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, DECOMMIT(self->vmo, 1, s));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, DECOMMIT(self->vmo, s + 1, 0));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, DECOMMIT(self->vmo, UINT64_MAX, 2));
	/* and size 0 too */
	ZT_EXPECT_OK(DECOMMIT(self->vmo, 1, 0));
	ZT_EXPECT_OK(DECOMMIT(self->vmo, s - 1, 0));
	ZT_EXPECT_OK(DECOMMIT(self->vmo, s, 0));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, 8 * ZT_P, 1));
	ZT_EXPECT_U64(8 * ZT_P, zt_committed(self->vmo));
}

TEST_F(vmo_range, V_121_V_124_zero_bounds)
{
	uint64_t s = self->s;

	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, 8 * ZT_P, 1));
	/* size 0: always fine */
	ZT_EXPECT_OK(ZERO(self->vmo, 0, 0));
	ZT_EXPECT_OK(ZERO(self->vmo, 17, 0));
	ZT_EXPECT_OK(ZERO(self->vmo, s, 0));
	ZT_EXPECT_OK(ZERO(self->vmo, s + 1, 0));
	ZT_EXPECT_OK(ZERO(self->vmo, UINT64_MAX, 0));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, 8 * ZT_P, 1));
	/* whole pages that reach beyond the end: none is touched */
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, ZERO(self->vmo, 0, s + ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, ZERO(self->vmo, ZT_P, s));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, 8 * ZT_P, 1));
	/* an unaligned head may be done, the pages are not */
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, ZERO(self->vmo, ZT_P / 2, s + ZT_P));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, ZT_P / 2, 1));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, ZT_P, 7 * ZT_P, 1));
	/* pieces of pages at the end, beyond it, and wrapping */
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, ZERO(self->vmo, s, 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, ZERO(self->vmo, s + 5, 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, ZERO(self->vmo, s + ZT_P + 5, 3 * ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, ZERO(self->vmo, UINT64_MAX - 1, 4));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, ZERO(self->vmo, s - ZT_P, UINT64_MAX));
	/* a tail beyond the end is only found at the end */
	if (!(variant->options & ZX_VMO_UNBOUNDED))
		ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, ZERO(self->vmo, 6 * ZT_P, 2 * ZT_P + 1));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, ZT_P, 5 * ZT_P, 1));
}

TEST_F(vmo_range, V_130_V_131_V_132_cache_ops_checks)
{
	const uint32_t ops[] = { ZX_VMO_OP_CACHE_SYNC, ZX_VMO_OP_CACHE_CLEAN,
				 ZX_VMO_OP_CACHE_CLEAN_INVALIDATE };
	uint64_t s = self->s;

	ASSERT_EQ(0, zt_vmo_fill(self->vmo, ZT_P, ZT_P, 1));
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, op(self->vmo, ops[i], 0, 0));
		/* size 0 comes before the range */
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, op(self->vmo, ops[i], s + 5, 0));
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, op(self->vmo, ops[i], UINT64_MAX, 0));
		ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, op(self->vmo, ops[i], 0, s + 1));
		ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, op(self->vmo, ops[i], s, 1));
		ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, op(self->vmo, ops[i], UINT64_MAX, 2));
		ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, op(self->vmo, ops[i], 1, UINT64_MAX));
		ZT_EXPECT_OK(op(self->vmo, ops[i], 3, 2 * ZT_P + 1));
		ZT_EXPECT_OK(op(self->vmo, ops[i], 0, 8 * ZT_P));
		ZT_EXPECT_OK(op(self->vmo, ops[i], s - 1, 1));
		ZT_EXPECT_U64(ZT_P, zt_committed(self->vmo));
		EXPECT_TRUE(zt_vmo_holds(self->vmo, ZT_P, ZT_P, 1));
	}
}

TEST_F(vmo_range, V_133_cache_invalidate)
{
	zx_handle_t none = zt_keep(&self->bag, zt_dup(self->vmo, ZX_RIGHT_NONE));

	ASSERT_NE(0u, none);
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
			 op(self->vmo, ZX_VMO_OP_CACHE_INVALIDATE, 0, ZT_P));
	/* before the right and before the range */
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED, op(none, ZX_VMO_OP_CACHE_INVALIDATE, 0, ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
			 op(self->vmo, ZX_VMO_OP_CACHE_INVALIDATE, UINT64_MAX, 2));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED, op(none, ZX_VMO_OP_CACHE_INVALIDATE, 0, 0));
}

TEST_F(vmo_range, V_134_V_135_hints)
{
	const uint32_t ops[] = { ZX_VMO_OP_DONT_NEED, ZX_VMO_OP_ALWAYS_NEED };
	zx_handle_t none = zt_keep(&self->bag, zt_dup(self->vmo, ZX_RIGHT_NONE));

	ASSERT_NE(0u, none);
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, ZT_P, ZT_P, 1));
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		ZT_EXPECT_OK(op(none, ops[i], 0, 8 * ZT_P));
		ZT_EXPECT_OK(op(none, ops[i], 3, 5));
		ZT_EXPECT_OK(op(none, ops[i], 0, 0));
		ZT_EXPECT_OK(op(none, ops[i], self->s, ZT_P));
		ZT_EXPECT_OK(op(none, ops[i], self->s + 1, 10 * ZT_P));
		ZT_EXPECT_OK(op(none, ops[i], UINT64_MAX, UINT64_MAX));
		ZT_EXPECT_U64(ZT_P, zt_committed(self->vmo));
		EXPECT_TRUE(zt_vmo_holds(self->vmo, ZT_P, ZT_P, 1));
	}
}

TEST_F(vmo_range, V_137_V_138_prefetch)
{
	uint64_t s = self->s;

	ASSERT_EQ(0, zt_vmo_fill(self->vmo, ZT_P, ZT_P, 1));
	ZT_EXPECT_OK(op(self->vmo, ZX_VMO_OP_PREFETCH, 0, 8 * ZT_P));
	ZT_EXPECT_OK(op(self->vmo, ZX_VMO_OP_PREFETCH, 0, s));
	ZT_EXPECT_OK(op(self->vmo, ZX_VMO_OP_PREFETCH, 3, ZT_P));
	ZT_EXPECT_OK(op(self->vmo, ZX_VMO_OP_PREFETCH, s, 0));
	ZT_EXPECT_OK(op(self->vmo, ZX_VMO_OP_PREFETCH, s - 1, 1));
	ZT_EXPECT_U64(ZT_P, zt_committed(self->vmo));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, ZT_P, ZT_P, 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, op(self->vmo, ZX_VMO_OP_PREFETCH, 0, s + 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, op(self->vmo, ZX_VMO_OP_PREFETCH, s, 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, op(self->vmo, ZX_VMO_OP_PREFETCH, UINT64_MAX, 2));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, op(self->vmo, ZX_VMO_OP_PREFETCH, 1, UINT64_MAX));
}

TEST_F(vmo_range, V_246_cache_policy_value_comes_first)
{
	zx_handle_t no_map = zt_keep(&self->bag, zt_without(self->vmo, ZX_RIGHT_MAP));
	const uint32_t bad[] = { 4, 5, 8, 7, 1u << 31, UINT32_MAX };

	ASSERT_NE(0u, no_map);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmo_set_cache_policy(self->vmo, bad[i]));
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmo_set_cache_policy(no_map, bad[i]));
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 zx_vmo_set_cache_policy(ZX_HANDLE_INVALID, bad[i]));
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 zx_vmo_set_cache_policy(zx_vmar_root_self(), bad[i]));
	}
	EXPECT_EQ(0u, zt_vmo_info(self->vmo).cache_policy);
}

TEST_F(vmo_range, V_247_cache_policy_needs_map)
{
	zx_handle_t no_map = zt_keep(&self->bag, zt_without(self->vmo, ZX_RIGHT_MAP));
	zx_handle_t map = zt_keep(&self->bag, zt_dup(self->vmo, ZX_RIGHT_MAP));

	ASSERT_TRUE(no_map && map);
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_set_cache_policy(0, 0));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmo_set_cache_policy(zx_vmar_root_self(), 0));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_set_cache_policy(no_map, 0));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_set_cache_policy(no_map, 1));
	ZT_EXPECT_OK(zx_vmo_set_cache_policy(map, 0));
}

TEST_F(vmo_range, V_248_V_252_cache_policies)
{
	for (uint32_t p = 0; p <= 3; p++) {
		zx_handle_t h = zt_keep(&self->bag, zt_vmo(ZT_P, variant->options));

		ASSERT_NE(0u, h);
		EXPECT_EQ(0u, zt_vmo_info(h).cache_policy);
		if (variant->options & ZX_VMO_DISCARDABLE && p) {
			ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_set_cache_policy(h, p));
			EXPECT_EQ(0u, zt_vmo_info(h).cache_policy);
			ZT_EXPECT_OK(zx_vmo_write(h, "x", 0, 1));
		} else {
			ZT_EXPECT_OK(zx_vmo_set_cache_policy(h, p));
			EXPECT_EQ(p, zt_vmo_info(h).cache_policy);
		}
	}
}

TEST_F(vmo_range, V_249_cache_policy_while_mapped)
{
	uint32_t other = variant->options & ZX_VMO_DISCARDABLE ? 0 : 2;
	void *p = zt_map(self->vmo, 0, ZT_P, ZT_RW | ZX_VM_ALLOW_FAULTS);

	ASSERT_NE(NULL, p);
	for (uint32_t policy = 0; policy <= 3; policy++)
		ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_set_cache_policy(self->vmo, policy));
	ZT_EXPECT_ACCESS(zt_try_write(p));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_set_cache_policy(self->vmo, other));
	ZT_ASSERT_OK(zt_unmap(p, ZT_P));
	/* the file's mappings count as well */
	p = mmap(NULL, ZT_P, PROT_READ, MAP_SHARED, zvm_handle_to_fd(self->vmo), 0);
	ASSERT_NE(MAP_FAILED, p);
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_set_cache_policy(self->vmo, other));
	ASSERT_EQ(0, munmap(p, ZT_P));
	ZT_EXPECT_OK(zx_vmo_set_cache_policy(self->vmo, other));
	EXPECT_EQ(other, zt_vmo_info(self->vmo).cache_policy);
}

TEST_F(vmo_range, V_254_V_257_replace_as_executable)
{
	zx_handle_t other = zt_keep(&self->bag, zt_dup(self->vmo, ZX_RIGHT_SAME_RIGHTS));
	zx_rights_t rights = zt_rights(self->vmo);
	zx_koid_t koid = zt_koid(self->vmo);
	zx_handle_t x = ZX_HANDLE_INVALID, weak, again = ZX_HANDLE_INVALID;

	ASSERT_NE(0u, other);
	ZT_ASSERT_OK(zx_vmo_replace_as_executable(self->vmo, ZX_HANDLE_INVALID, &x));
	zt_keep(&self->bag, x);
	EXPECT_NE(self->vmo, x);
	EXPECT_EQ(rights | ZX_RIGHT_EXECUTE, zt_rights(x));
	EXPECT_EQ(koid, zt_koid(x));
	EXPECT_FALSE(zt_live(self->vmo));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_close(self->vmo));
	EXPECT_EQ(-1, zvm_handle_to_fd(self->vmo));
	/* other handles are what they were */
	EXPECT_EQ(rights, zt_rights(other));
	EXPECT_EQ(koid, zt_koid(other));
	/* whatever rights it has: EXECUTE comes on top */
	weak = zt_dup(other, ZX_RIGHT_READ);
	ASSERT_NE(0u, weak);
	ZT_ASSERT_OK(zx_vmo_replace_as_executable(weak, ZX_HANDLE_INVALID, &again));
	zt_keep(&self->bag, again);
	EXPECT_EQ((zx_rights_t)(ZX_RIGHT_READ | ZX_RIGHT_EXECUTE), zt_rights(again));
	/* having it already is harmless */
	weak = again;
	ZT_ASSERT_OK(zx_vmo_replace_as_executable(weak, ZX_HANDLE_INVALID, &again));
	zt_keep(&self->bag, again);
	EXPECT_EQ((zx_rights_t)(ZX_RIGHT_READ | ZX_RIGHT_EXECUTE), zt_rights(again));
	EXPECT_FALSE(zt_live(weak));
}

TEST_F(vmo_range, V_254_code_runs)
{
	zx_handle_t plain = zt_keep(&self->bag, zt_dup(self->vmo, ZX_RIGHT_SAME_RIGHTS));
	zx_handle_t x = ZX_HANDLE_INVALID;
	const zx_vm_option_t rx = ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE | ZX_VM_ALLOW_FAULTS;
	void *p;

	ASSERT_NE(0u, plain);
	ZT_ASSERT_OK(zx_vmo_write(self->vmo, zt_code, 16, sizeof(zt_code)));
	EXPECT_EQ(NULL, zt_map(plain, 0, ZT_P, rx));
	ZT_ASSERT_OK(zx_vmo_replace_as_executable(self->vmo, ZX_HANDLE_INVALID, &x));
	zt_keep(&self->bag, x);
	p = zt_map(x, 0, ZT_P, rx);
	ASSERT_NE(NULL, p);
	ZT_EXPECT_ACCESS(zt_try_exec((char *)p + 16));
	EXPECT_EQ(42, zt_exec_value());
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(p));
	ZT_EXPECT_OK(zt_unmap(p, ZT_P));
	/* without PERM_EXECUTE it does not run */
	p = zt_map(x, 0, ZT_P, ZT_RW | ZX_VM_ALLOW_FAULTS);
	ASSERT_NE(NULL, p);
	ZT_EXPECT_ACCESS(zt_try_read(p));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_exec((char *)p + 16));
	ZT_EXPECT_OK(zt_unmap(p, ZT_P));
}

TEST_F(vmo_range, V_255_V_256_replace_as_executable_failing)
{
	zx_handle_t root = zx_vmar_root_self();
	struct zt_bad bad[ZT_BAD_WRITE_N];
	zx_handle_t h, dead, out = 0x77;

	dead = zt_dup(self->vmo, ZX_RIGHT_SAME_RIGHTS);
	ASSERT_NE(0u, dead);
	ZT_ASSERT_OK(zx_handle_close(dead));

	/* dead handles */
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE,
			 zx_vmo_replace_as_executable(dead, ZX_HANDLE_INVALID, &out));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE,
			 zx_vmo_replace_as_executable(ZX_HANDLE_INVALID, ZX_HANDLE_INVALID, &out));

	/* not a VMO: BAD_HANDLE, and the handle is gone */
	h = zt_dup(root, ZX_RIGHT_SAME_RIGHTS);
	ASSERT_NE(0u, h);
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE,
			 zx_vmo_replace_as_executable(h, ZX_HANDLE_INVALID, &out));
	EXPECT_FALSE(zt_live(h));

	/* not a resource: the usual errors, and the handle is gone */
	h = zt_dup(self->vmo, ZX_RIGHT_SAME_RIGHTS);
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmo_replace_as_executable(h, self->vmo, &out));
	EXPECT_FALSE(zt_live(h));
	h = zt_dup(self->vmo, ZX_RIGHT_SAME_RIGHTS);
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmo_replace_as_executable(h, root, &out));
	EXPECT_FALSE(zt_live(h));
	h = zt_dup(self->vmo, ZX_RIGHT_SAME_RIGHTS);
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_replace_as_executable(h, dead, &out));
	EXPECT_FALSE(zt_live(h));

	/* both wrong: the first argument's error, though it is removed anyhow */
	h = zt_dup(root, ZX_RIGHT_SAME_RIGHTS);
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_replace_as_executable(h, self->vmo, &out));
	EXPECT_FALSE(zt_live(h));

	/* nowhere to put the result: both are gone */
	zt_bad_write(bad);
	for (struct zt_bad *b = bad; b->name; b++) {
		h = zt_dup(self->vmo, ZX_RIGHT_SAME_RIGHTS);
		ASSERT_NE(0u, h);
		EXPECT_EQ(ZX_ERR_INVALID_ARGS,
			  zx_vmo_replace_as_executable(h, ZX_HANDLE_INVALID, b->ptr))
			TH_LOG("%s", b->name);
		EXPECT_FALSE(zt_live(h)) TH_LOG("%s", b->name);
	}
	EXPECT_EQ(0x77u, out);
	/* the VMO and the other handles have not noticed */
	EXPECT_TRUE(zt_live(self->vmo));
	EXPECT_TRUE(zt_live(root));
	ZT_EXPECT_OK(zx_vmo_write(self->vmo, "x", 0, 1));
}

/* ------------------------------------------------------------------------
 * VMOs that are not discardable
 */
FIXTURE(vmo_ordinary)
{
	struct zvm_stats before;
	struct zt_bag bag;
	zx_handle_t vmo;
};

FIXTURE_VARIANT(vmo_ordinary)
{
	uint32_t options;
};

FIXTURE_VARIANT_ADD(vmo_ordinary, plain) { .options = 0 };
FIXTURE_VARIANT_ADD(vmo_ordinary, resizable) { .options = ZX_VMO_RESIZABLE };
FIXTURE_VARIANT_ADD(vmo_ordinary, unbounded) { .options = ZX_VMO_UNBOUNDED };

FIXTURE_SETUP(vmo_ordinary)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->vmo = zt_keep(&self->bag, zt_vmo(8 * ZT_P, variant->options));
	ASSERT_NE(0u, self->vmo);
}

FIXTURE_TEARDOWN(vmo_ordinary)
{
	zt_empty(&self->bag);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

TEST_F(vmo_ordinary, V_253_back_to_cached)
{
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 10, 2 * ZT_P, 1));
	for (uint32_t p = 1; p <= 3; p++) {
		ZT_ASSERT_OK(zx_vmo_set_cache_policy(self->vmo, p));
		EXPECT_EQ(-1, zt_vmo_byte(self->vmo, 10));
		ZT_ASSERT_OK(zx_vmo_set_cache_policy(self->vmo, ZX_CACHE_POLICY_CACHED));
		EXPECT_TRUE(zt_vmo_holds(self->vmo, 10, 2 * ZT_P, 1));
	}
	ZT_EXPECT_OK(zx_vmo_write(self->vmo, "x", 0, 1));
	ZT_EXPECT_U64(3 * ZT_P, zt_committed(self->vmo));
}

/* Whole pages can be zeroed under any policy, pieces of pages only if CACHED. */
TEST_F(vmo_ordinary, V_122_zero_with_other_cache_policies)
{
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, 3 * ZT_P, 1));
	ZT_ASSERT_OK(zx_vmo_set_cache_policy(self->vmo, ZX_CACHE_POLICY_UNCACHED));
	ZT_EXPECT_OK(ZERO(self->vmo, ZT_P, ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, ZERO(self->vmo, 10, 10));
	/* on a page that reads zero there is nothing to do */
	ZT_EXPECT_OK(ZERO(self->vmo, ZT_P + 10, 10));
	ZT_EXPECT_OK(COMMIT(self->vmo, 5 * ZT_P, ZT_P));
	ZT_EXPECT_OK(DECOMMIT(self->vmo, 5 * ZT_P, ZT_P));
	ZT_ASSERT_OK(zx_vmo_set_cache_policy(self->vmo, ZX_CACHE_POLICY_CACHED));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, ZT_P, 1));
	EXPECT_TRUE(zt_vmo_zero(self->vmo, ZT_P, ZT_P));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 2 * ZT_P, ZT_P, 1));
}

TEST_F(vmo_ordinary, V_140_V_141_locking_what_is_not_discardable)
{
	const uint32_t ops[] = { ZX_VMO_OP_LOCK, ZX_VMO_OP_TRY_LOCK, ZX_VMO_OP_UNLOCK };
	zx_handle_t r = zt_keep(&self->bag, zt_dup(self->vmo, ZX_RIGHT_READ));
	zx_handle_t w = zt_keep(&self->bag, zt_dup(self->vmo, ZX_RIGHT_WRITE));
	zx_handle_t neither = zt_keep(&self->bag, zt_without(self->vmo, ZX_RIGHTS_IO));
	uint64_t s = zt_size(self->vmo);
	zx_vmo_lock_state_t st;

	ASSERT_TRUE(r && w && neither);
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
				 zx_vmo_op_range(self->vmo, ops[i], 0, s, &st, sizeof(st)));
		ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
				 zx_vmo_op_range(r, ops[i], 0, s, &st, sizeof(st)));
		ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
				 zx_vmo_op_range(w, ops[i], 0, s, &st, sizeof(st)));
		ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
				 zx_vmo_op_range(neither, ops[i], 0, s, &st, sizeof(st)));
		/* before the range and before the buffer */
		ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
				 zx_vmo_op_range(self->vmo, ops[i], 1, UINT64_MAX, NULL, 0));
		ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
				 zx_vmo_op_range(neither, ops[i], 1, UINT64_MAX, NULL, 0));
	}
}

/* ------------------------------------------------------------------------
 * Locks of discardable VMOs
 */
FIXTURE(vmo_discardable)
{
	struct zvm_stats before;
	struct zt_bag bag;
	zx_handle_t vmo;
	uint64_t s;
	zx_vmo_lock_state_t st;
};

FIXTURE_VARIANT(vmo_discardable)
{
	uint32_t options;
};

FIXTURE_VARIANT_ADD(vmo_discardable, plain) { .options = 0 };
FIXTURE_VARIANT_ADD(vmo_discardable, resizable) { .options = ZX_VMO_RESIZABLE };
FIXTURE_VARIANT_ADD(vmo_discardable, unbounded) { .options = ZX_VMO_UNBOUNDED };

FIXTURE_SETUP(vmo_discardable)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->vmo = zt_keep(&self->bag, zt_vmo(2 * ZT_P, ZX_VMO_DISCARDABLE | variant->options));
	ASSERT_NE(0u, self->vmo);
	self->s = zt_size(self->vmo);
	memset(&self->st, 0xee, sizeof(self->st));
}

FIXTURE_TEARDOWN(vmo_discardable)
{
	zt_empty(&self->bag);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

#define LOCK(h, off, n) \
	zx_vmo_op_range(h, ZX_VMO_OP_LOCK, off, n, &self->st, sizeof(self->st))
#define TRY_LOCK(h, off, n) op(h, ZX_VMO_OP_TRY_LOCK, off, n)
#define UNLOCK(h, off, n) op(h, ZX_VMO_OP_UNLOCK, off, n)

TEST_F(vmo_discardable, V_141_rights_for_locking)
{
	zx_handle_t r = zt_keep(&self->bag, zt_dup(self->vmo, ZX_RIGHT_READ));
	zx_handle_t w = zt_keep(&self->bag, zt_dup(self->vmo, ZX_RIGHT_WRITE));
	zx_handle_t neither = zt_keep(&self->bag, zt_without(self->vmo, ZX_RIGHTS_IO));

	ASSERT_TRUE(r && w && neither);
	ZT_EXPECT_OK(LOCK(r, 0, self->s));
	ZT_EXPECT_OK(TRY_LOCK(w, 0, self->s));
	/* locks belong to the VMO, not to the handle */
	ZT_EXPECT_OK(UNLOCK(w, 0, self->s));
	ZT_EXPECT_OK(UNLOCK(r, 0, self->s));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, LOCK(neither, 0, self->s));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, TRY_LOCK(neither, 0, self->s));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, UNLOCK(neither, 0, self->s));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, UNLOCK(neither, 1, UINT64_MAX));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, UNLOCK(self->vmo, 0, self->s));
}

TEST_F(vmo_discardable, V_142_only_the_whole_range)
{
	const struct {
		uint64_t off, len;
	} t[] = {
		{ 0, self->s - 1 }, { 0, self->s - ZT_P }, { 0, self->s + 1 }, { ZT_P, self->s },
		{ ZT_P, self->s - ZT_P }, { 0, 0 }, { self->s, 0 }, { 1, UINT64_MAX },
		{ UINT64_MAX, self->s },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, LOCK(self->vmo, t[i].off, t[i].len));
		ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, TRY_LOCK(self->vmo, t[i].off, t[i].len));
		/* before the count is looked at */
		ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, UNLOCK(self->vmo, t[i].off, t[i].len));
		/* and before the buffer */
		ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE,
				 zx_vmo_op_range(self->vmo, ZX_VMO_OP_LOCK, t[i].off, t[i].len,
						 NULL, 0));
	}
	EXPECT_EQ(-1, zt_not_byte(&self->st, sizeof(self->st), 0xee));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, UNLOCK(self->vmo, 0, self->s));
	if (!(variant->options & ZX_VMO_RESIZABLE))
		return;
	/* the size of now counts */
	ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, 5 * ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, LOCK(self->vmo, 0, 2 * ZT_P));
	ZT_EXPECT_OK(LOCK(self->vmo, 0, 5 * ZT_P));
	ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, 0));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, UNLOCK(self->vmo, 0, 5 * ZT_P));
	ZT_EXPECT_OK(UNLOCK(self->vmo, 0, 0));
}

TEST_F(vmo_discardable, V_143_V_148_lock_state)
{
	struct {
		zx_vmo_lock_state_t st;
		uint8_t behind[32];
	} big;

	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, ZT_P, 1));
	ZT_EXPECT_OK(LOCK(self->vmo, 0, self->s));
	ZT_EXPECT_U64(0, self->st.offset);
	ZT_EXPECT_U64(self->s, self->st.size);
	ZT_EXPECT_U64(0, self->st.discarded_offset);
	ZT_EXPECT_U64(0, self->st.discarded_size);
	/* a larger buffer gets 32 bytes */
	memset(&big, 0xee, sizeof(big));
	ZT_EXPECT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_LOCK, 0, self->s, &big, sizeof(big)));
	ZT_EXPECT_U64(self->s, big.st.size);
	EXPECT_EQ(-1, zt_not_byte(big.behind, sizeof(big.behind), 0xee));
	/* TRY_LOCK and UNLOCK leave the buffer alone */
	memset(&big, 0xee, sizeof(big));
	ZT_EXPECT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_TRY_LOCK, 0, self->s, &big, sizeof(big)));
	ZT_EXPECT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_TRY_LOCK, 0, self->s, (void *)16, 5));
	ZT_EXPECT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_UNLOCK, 0, self->s, &big, sizeof(big)));
	ZT_EXPECT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_UNLOCK, 0, self->s, (void *)16, 5));
	EXPECT_EQ(-1, zt_not_byte(&big, sizeof(big), 0xee));
	ZT_EXPECT_OK(UNLOCK(self->vmo, 0, self->s));
	ZT_EXPECT_OK(UNLOCK(self->vmo, 0, self->s));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, UNLOCK(self->vmo, 0, self->s));
	/* locking commits nothing and changes nothing */
	ZT_EXPECT_U64(ZT_P, zt_committed(self->vmo));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, ZT_P, 1));
}

TEST_F(vmo_discardable, V_144_V_145_bad_lock_buffers)
{
	struct zt_bad bad[ZT_BAD_WRITE_N];

	for (size_t n = 0; n < 32; n++)
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 zx_vmo_op_range(self->vmo, ZX_VMO_OP_LOCK, 0, self->s, &self->st,
						 n));
	EXPECT_EQ(-1, zt_not_byte(&self->st, sizeof(self->st), 0xee));
	zt_bad_write(bad);
	for (struct zt_bad *b = bad; b->name; b++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmo_op_range(self->vmo, ZX_VMO_OP_LOCK, 0,
							       self->s, b->ptr, 32))
			TH_LOG("%s", b->name);
	}
	/* no lock was left behind */
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, UNLOCK(self->vmo, 0, self->s));
}

TEST_F(vmo_discardable, V_146_V_147_locks_nest)
{
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, UNLOCK(self->vmo, 0, self->s));
	for (unsigned int depth = 1; depth < 50; depth += 7) {
		for (unsigned int i = 0; i < depth; i++) {
			if (i % 2)
				ZT_ASSERT_OK(TRY_LOCK(self->vmo, 0, self->s));
			else
				ZT_ASSERT_OK(LOCK(self->vmo, 0, self->s));
		}
		for (unsigned int i = 0; i < depth; i++)
			ZT_ASSERT_OK(UNLOCK(self->vmo, 0, self->s));
		ZT_ASSERT_STATUS(ZX_ERR_BAD_STATE, UNLOCK(self->vmo, 0, self->s));
	}
}

TEST_F(vmo_discardable, V_156_unlocked_content_is_still_there)
{
	uint8_t *p = zt_map(self->vmo, 0, 2 * ZT_P, ZT_RW | ZX_VM_ALLOW_FAULTS);

	ASSERT_NE(NULL, p);
	ZT_ASSERT_OK(LOCK(self->vmo, 0, self->s));
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, 2 * ZT_P, 1));
	ZT_ASSERT_OK(UNLOCK(self->vmo, 0, self->s));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, 2 * ZT_P, 1));
	EXPECT_EQ(-1, zt_mismatch(p, 2 * ZT_P, 0, 1));
	/* and still counts */
	ZT_EXPECT_U64(2 * ZT_P, zt_committed(self->vmo));
	ZT_ASSERT_OK(LOCK(self->vmo, 0, self->s));
	ZT_EXPECT_U64(0, self->st.discarded_size);
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, 2 * ZT_P, 1));
	ZT_ASSERT_OK(UNLOCK(self->vmo, 0, self->s));
	ZT_ASSERT_OK(zt_unmap(p, 2 * ZT_P));
}

/* ------------------------------------------------------------------------
 * Effects on the content, by every way of reaching it
 */
FIXTURE(vmo_range_data)
{
	struct zvm_stats before;
	zx_handle_t vmo;
	struct zt_view view;
};

FIXTURE_VARIANT(vmo_range_data)
{
	uint32_t options;
	enum zt_way way;
};

#define VARIANT(name, opt, w)						\
	FIXTURE_VARIANT_ADD(vmo_range_data, name) { .options = opt, .way = w }

VARIANT(plain_calls, 0, ZT_CALLS);
VARIANT(plain_mapping, 0, ZT_MAPPING);
VARIANT(plain_file, 0, ZT_FILE);
VARIANT(plain_mmap, 0, ZT_MMAP);
VARIANT(resizable_calls, ZX_VMO_RESIZABLE, ZT_CALLS);
VARIANT(resizable_mapping, ZX_VMO_RESIZABLE, ZT_MAPPING);
VARIANT(unbounded_calls, ZX_VMO_UNBOUNDED, ZT_CALLS);
VARIANT(unbounded_mapping, ZX_VMO_UNBOUNDED, ZT_MAPPING);
VARIANT(discardable_mapping, ZX_VMO_DISCARDABLE, ZT_MAPPING);

#define N 40

FIXTURE_SETUP(vmo_range_data)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->vmo = zt_vmo(N * ZT_P, variant->options);
	ASSERT_NE(0u, self->vmo);
	ASSERT_EQ(0, zt_view_open(&self->view, variant->way, self->vmo, N * ZT_P));
}

FIXTURE_TEARDOWN(vmo_range_data)
{
	zt_view_close(&self->view);
	zx_handle_close(self->vmo);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

TEST_F(vmo_range_data, V_101_commit_under_a_mapping)
{
	EXPECT_TRUE(zt_view_zero(&self->view, 0, N * ZT_P));
	ZT_EXPECT_OK(COMMIT(self->vmo, 0, N * ZT_P));
	ZT_EXPECT_U64(N * ZT_P, zt_committed(self->vmo));
	EXPECT_TRUE(zt_view_zero(&self->view, 0, N * ZT_P));
	/* what was read as a zero page before must be the VMO's page now */
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, N * ZT_P, 1));
	EXPECT_TRUE(zt_view_holds(&self->view, 0, N * ZT_P, 1));
	ASSERT_EQ(0, zt_view_fill(&self->view, 0, N * ZT_P, 2));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, N * ZT_P, 2));
	ZT_EXPECT_U64(N * ZT_P, zt_committed(self->vmo));
}

TEST_F(vmo_range_data, V_112_V_113_decommit)
{
	const struct {
		uint64_t first, n;
	} t[] = { { 3, 1 }, { 0, 1 }, { 15, 2 }, { 31, 3 }, { N - 1, 1 }, { 5, 20 }, { 0, N } };

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		uint64_t a = t[i].first * ZT_P, len = t[i].n * ZT_P, b = a + len;

		ASSERT_EQ(0, zt_view_fill(&self->view, 0, N * ZT_P, 1));
		EXPECT_TRUE(zt_view_holds(&self->view, 0, N * ZT_P, 1));
		ZT_ASSERT_OK(DECOMMIT(self->vmo, a, len));
		ZT_EXPECT_U64(N * ZT_P - len, zt_committed(self->vmo));
		EXPECT_TRUE(zt_view_zero(&self->view, a, len)) TH_LOG("row %zu", i);
		EXPECT_TRUE(zt_view_holds(&self->view, 0, a, 1));
		EXPECT_TRUE(zt_view_holds(&self->view, b, N * ZT_P - b, 1));
		ZT_EXPECT_U64(N * ZT_P - len, zt_committed(self->vmo));
		/* and again, on nothing */
		ZT_EXPECT_OK(DECOMMIT(self->vmo, a, len));
		/* a write brings back one page, clean around it */
		ASSERT_EQ(0, zt_view_put(&self->view, a + 9, "x", 1));
		EXPECT_TRUE(zt_view_zero(&self->view, a, 9));
		EXPECT_TRUE(zt_view_zero(&self->view, a + 10, ZT_P - 10));
		ZT_EXPECT_U64(N * ZT_P - len + ZT_P, zt_committed(self->vmo));
	}
	ZT_ASSERT_OK(DECOMMIT(self->vmo, 0, N * ZT_P));
	ZT_EXPECT_U64(self->before.pages, zt_stats().pages);
}

TEST_F(vmo_range_data, V_122_V_123_zero)
{
	const uint64_t p = ZT_P;
	const struct {
		uint64_t off, len, kept;	/* pages that stay committed */
	} t[] = {
		{ 5, 10, N }, { p - 1, 2, N }, { 0, p, N - 1 }, { p, 3 * p, N - 3 },
		{ 10, p - 10, N }, { p / 2, p, N }, { p / 2, 2 * p, N - 1 },
		{ 7 * p + 1, 10 * p, N - 9 }, { 15 * p, 17 * p + 1, N - 17 },
		{ (N - 1) * p, p, N - 1 }, { 0, N * p, 0 }, { N * p - 1, 1, N },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		uint64_t a = t[i].off, b = t[i].off + t[i].len;

		ASSERT_EQ(0, zt_view_fill(&self->view, 0, N * p, 1));
		ZT_ASSERT_U64(N * p, zt_committed(self->vmo));
		ZT_ASSERT_OK(ZERO(self->vmo, a, b - a));
		EXPECT_TRUE(zt_view_holds(&self->view, 0, a, 1)) TH_LOG("row %zu", i);
		EXPECT_TRUE(zt_view_zero(&self->view, a, b - a)) TH_LOG("row %zu", i);
		EXPECT_TRUE(zt_view_holds(&self->view, b, N * p - b, 1)) TH_LOG("row %zu", i);
		ZT_EXPECT_U64(t[i].kept * p, zt_committed(self->vmo)) TH_LOG("row %zu", i);
	}
}

TEST_F(vmo_range_data, V_127_zeroing_zeros_commits_nothing)
{
	ZT_EXPECT_OK(ZERO(self->vmo, 0, N * ZT_P));
	ZT_EXPECT_OK(ZERO(self->vmo, 5, 10));
	ZT_EXPECT_OK(ZERO(self->vmo, ZT_P - 1, ZT_P + 2));
	EXPECT_TRUE(zt_view_zero(&self->view, 0, N * ZT_P));
	ZT_EXPECT_OK(ZERO(self->vmo, 5, 10));
	ZT_EXPECT_U64(0, zt_committed(self->vmo));
	/* beside a page that is there */
	ASSERT_EQ(0, zt_view_put(&self->view, 2 * ZT_P, "x", 1));
	ZT_EXPECT_OK(ZERO(self->vmo, ZT_P + 1, ZT_P - 1));
	ZT_EXPECT_OK(ZERO(self->vmo, 3 * ZT_P, 10));
	ZT_EXPECT_U64(ZT_P, zt_committed(self->vmo));
	EXPECT_EQ('x', zt_view_byte(&self->view, 2 * ZT_P));
}

/* ------------------------------------------------------------------------
 * Races
 */
struct worker {
	zx_handle_t vmo;
	uint32_t code;
	uint64_t size;
	volatile int *stop;
	uint64_t ok, range, wrong;
};

static void *work(void *arg)
{
	struct worker *w = arg;

	while (!*w->stop) {
		zx_status_t st = op(w->vmo, w->code, 0, w->size);

		if (st == ZX_OK)
			w->ok++;
		else if (st == ZX_ERR_OUT_OF_RANGE)
			w->range++;
		else
			w->wrong++;
	}
	return NULL;
}

/* COMMIT of a range that is cut meanwhile: OK for what is left, or too late */
TEST(V_101_V_103_commit_racing_with_shrink)
{
	struct zvm_stats before = zt_stats();
	zx_handle_t vmo = zt_vmo(256 * ZT_P, ZX_VMO_RESIZABLE);
	const uint32_t codes[] = { ZX_VMO_OP_COMMIT, ZX_VMO_OP_DECOMMIT, ZX_VMO_OP_ZERO };
	volatile int stop = 0;
	struct worker w[3];
	pthread_t t[3];
	uint64_t end;

	ASSERT_NE(0u, vmo);
	for (int i = 0; i < 3; i++) {
		w[i] = (struct worker){ .vmo = vmo, .code = codes[i], .size = 256 * ZT_P,
					.stop = &stop };
		ASSERT_EQ(0, pthread_create(&t[i], NULL, work, &w[i]));
	}
	end = zt_now_ns() + 1000000000u;
	for (unsigned int i = 0; zt_now_ns() < end; i++) {
		ZT_ASSERT_OK(zx_vmo_set_size(vmo, i % 200 * ZT_P));
		EXPECT_LE(zt_committed(vmo), i % 200 * ZT_P);
		ZT_ASSERT_OK(zx_vmo_set_size(vmo, 256 * ZT_P));
	}
	stop = 1;
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, pthread_join(t[i], NULL));
		EXPECT_EQ(0u, w[i].wrong) TH_LOG("op %u", codes[i]);
		EXPECT_GT(w[i].ok + w[i].range, 0u);
	}
	EXPECT_TRUE(zt_vmo_zero(vmo, 0, 256 * ZT_P));
	ZT_EXPECT_OK(zx_handle_close(vmo));
	ZT_EXPECT_NO_LEAK(&before);
}

TEST_HARNESS_MAIN
