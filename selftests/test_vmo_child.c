// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * zx_vmo_create_child: its checks and their order, what the child's handle may
 * do, and how parents count their children.
 */
#include "kselftest_harness.h"
#include "zvm_test.h"

#define SNAPSHOT	ZX_VMO_CHILD_SNAPSHOT
#define AT_LEAST	ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE
#define MODIFIED	ZX_VMO_CHILD_SNAPSHOT_MODIFIED
#define SLICE		ZX_VMO_CHILD_SLICE
#define REFERENCE	ZX_VMO_CHILD_REFERENCE
#define RESIZABLE	ZX_VMO_CHILD_RESIZABLE
#define NO_WRITE	ZX_VMO_CHILD_NO_WRITE

static const uint32_t types[] = { SNAPSHOT, AT_LEAST, MODIFIED, SLICE, REFERENCE };

FIXTURE(vmo_child)
{
	struct zvm_stats before;
	struct zt_bag bag;
	zx_handle_t plain;	/* 4 pages, written */
	zx_handle_t resizable;	/* the same */
};

FIXTURE_SETUP(vmo_child)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->plain = zt_keep(&self->bag, zt_vmo(4 * ZT_P, 0));
	self->resizable = zt_keep(&self->bag, zt_vmo(4 * ZT_P, ZX_VMO_RESIZABLE));
	ASSERT_EQ(0, zt_vmo_fill(self->plain, 0, 4 * ZT_P, 1));
	ASSERT_EQ(0, zt_vmo_fill(self->resizable, 0, 4 * ZT_P, 2));
}

FIXTURE_TEARDOWN(vmo_child)
{
	zt_empty(&self->bag);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

/* The size that suits the type. */
static uint64_t size_for(uint32_t type, uint64_t size)
{
	return type == REFERENCE ? 0 : size;
}

static zx_handle_t child_of(zx_handle_t parent, uint32_t options, uint64_t offset, uint64_t size)
{
	zx_handle_t h = ZX_HANDLE_INVALID;

	return zx_vmo_create_child(parent, options, offset, size, &h) == ZX_OK ? h : 0;
}

/* What a call with these arguments answers; a child that comes of it is closed. */
static zx_status_t attempt(zx_handle_t parent, uint32_t options, uint64_t offset, uint64_t size)
{
	zx_handle_t h = ZX_HANDLE_INVALID;
	zx_status_t status = zx_vmo_create_child(parent, options, offset, size, &h);

	if (status == ZX_OK)
		zx_handle_close(h);
	else if (h != ZX_HANDLE_INVALID)
		return ZX_ERR_INTERNAL;
	return status;
}

static bool zero_children(zx_handle_t vmo)
{
	zx_signals_t observed = 0;

	zx_object_wait_one(vmo, 0, 0, &observed);
	return observed & ZX_VMO_ZERO_CHILDREN;
}

#define EXPECT_CHILDREN(n, vmo) do {					\
	ZT_EXPECT_U64((n), zt_vmo_info(vmo).num_children);		\
	EXPECT_EQ(!(n), zero_children(vmo));				\
} while (0)

TEST_F(vmo_child, V_159_needs_duplicate_and_read)
{
	const zx_rights_t need[] = { ZX_RIGHT_DUPLICATE, ZX_RIGHT_READ };

	for (size_t i = 0; i < ARRAY_SIZE(need); i++) {
		zx_handle_t h = zt_keep(&self->bag, zt_without(self->plain, need[i]));

		for (size_t t = 0; t < ARRAY_SIZE(types); t++)
			ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
					 attempt(h, types[t], 0, size_for(types[t], ZT_P)));
	}
}

TEST_F(vmo_child, V_159_needs_nothing_else)
{
	zx_handle_t h = zt_keep(&self->bag, zt_dup(self->plain, ZX_RIGHT_DUPLICATE |
						   ZX_RIGHT_READ));

	for (size_t t = 0; t < ARRAY_SIZE(types); t++)
		ZT_EXPECT_OK(attempt(h, types[t], 0, size_for(types[t], ZT_P)));
}

TEST_F(vmo_child, bad_handles)
{
	zx_handle_t dead = zt_dup(self->plain, ZX_RIGHT_SAME_RIGHTS);

	ZT_ASSERT_OK(zx_handle_close(dead));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, attempt(dead, SNAPSHOT, 0, ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, attempt(ZX_HANDLE_INVALID, SNAPSHOT, 0, ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, attempt(zx_vmar_root_self(), SNAPSHOT, 0, ZT_P));
}

TEST_F(vmo_child, V_160_V_161_V_162_exactly_one_type_and_known_bits)
{
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, attempt(self->plain, 0, 0, ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, attempt(self->plain, NO_WRITE, 0, ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, attempt(self->plain, RESIZABLE, 0, ZT_P));
	for (size_t a = 0; a < ARRAY_SIZE(types); a++) {
		for (size_t b = a + 1; b < ARRAY_SIZE(types); b++)
			ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
					 attempt(self->plain, types[a] | types[b], 0, 0));
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 attempt(self->plain, types[a] | 1u << 1, 0, 0));
		for (unsigned int bit = 8; bit < 32; bit++)
			ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
					 attempt(self->plain, types[a] | 1u << bit, 0, 0));
	}
}

TEST_F(vmo_child, V_163_V_164_clashing_options)
{
	for (size_t t = 0; t < ARRAY_SIZE(types); t++)
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 attempt(self->resizable, types[t] | NO_WRITE | RESIZABLE, 0, 0));
	/* before the handle */
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, attempt(0, SNAPSHOT | NO_WRITE | RESIZABLE, 0, 0));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, attempt(self->plain, SLICE | RESIZABLE, 0, ZT_P));
}

TEST_F(vmo_child, V_165_size_that_wraps_comes_first)
{
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, attempt(0, SNAPSHOT, 0, UINT64_MAX));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE,
			 attempt(self->plain, NO_WRITE | RESIZABLE, 0, UINT64_MAX - ZT_P + 2));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, attempt(0, SNAPSHOT, 0, UINT64_MAX - ZT_P + 1));
}

TEST_F(vmo_child, V_166_V_167_snapshot_ranges)
{
	uint64_t max = zt_max_vmo();

	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, attempt(self->plain, SNAPSHOT, 1, ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, attempt(self->plain, SNAPSHOT, ZT_P - 1, max));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE,
			 attempt(self->plain, SNAPSHOT, 0, max + 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE,
			 attempt(self->plain, SNAPSHOT, 0 - ZT_P, 2 * ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, attempt(self->plain, SNAPSHOT, 1ull << 63, max));
	ZT_EXPECT_OK(attempt(self->plain, SNAPSHOT, 1ull << 62, 1ull << 62));
	ZT_EXPECT_OK(attempt(self->plain, SNAPSHOT, 0, max));
}

/* Relatives have one numbering of pages: offsets add up, and that has an end. */
TEST_F(vmo_child, offsets_that_add_up_too_far)
{
	zx_handle_t child = zt_keep(&self->bag, child_of(self->plain, SNAPSHOT | RESIZABLE,
							 1ull << 63, ZT_P));

	ASSERT_NE(0, child);
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, attempt(child, SNAPSHOT, 1ull << 63, ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, attempt(child, SNAPSHOT, 0, 1ull << 63));
	ZT_EXPECT_OK(attempt(child, SNAPSHOT, 0, 1ull << 62));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmo_set_size(child, 1ull << 63));
	ZT_EXPECT_U64(ZT_P, zt_size(child));
	ZT_EXPECT_OK(zx_vmo_set_size(child, 1ull << 62));
}

TEST_F(vmo_child, V_123_V_168_sizes)
{
	zx_handle_t h = zt_keep(&self->bag, child_of(self->plain, SNAPSHOT, 0, ZT_P + 5));

	ASSERT_NE(0, h);
	ZT_EXPECT_U64(2 * ZT_P, zt_size(h));
	ZT_EXPECT_U64(ZT_P + 5, zt_stream_size(h));
	EXPECT_TRUE(zt_vmo_holds(h, 0, 2 * ZT_P, 1));
}

TEST_F(vmo_child, V_096_stream_size_of_clones)
{
	ZT_ASSERT_OK(zx_vmo_set_stream_size(self->plain, 100));
	for (size_t t = 0; t < 3; t++) {
		zx_handle_t h = zt_keep(&self->bag, child_of(self->plain, types[t], 0, ZT_P + 5));

		ASSERT_NE(0, h);
		ZT_EXPECT_U64(ZT_P + 5, zt_stream_size(h));
		ZT_EXPECT_OK(zx_vmo_set_stream_size(h, 7));
		ZT_EXPECT_U64(100, zt_stream_size(self->plain));
	}
}

TEST_F(vmo_child, V_169_V_172_size_0)
{
	for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
		zx_handle_t h = child_of(self->plain, types[t], 0, 0);

		ASSERT_NE(0, h);
		ZT_EXPECT_U64(types[t] == REFERENCE ? 4 * ZT_P : 0, zt_size(h));
		EXPECT_CHILDREN(1u, self->plain);
		ZT_EXPECT_OK(zx_handle_close(h));
		EXPECT_CHILDREN(0u, self->plain);
	}
	ZT_EXPECT_OK(attempt(self->plain, SLICE, 4 * ZT_P, 0));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, attempt(self->plain, SLICE, 5 * ZT_P, 0));
}

TEST_F(vmo_child, V_170_snapshot_beyond_the_end)
{
	zx_handle_t a = zt_keep(&self->bag, child_of(self->plain, SNAPSHOT, 3 * ZT_P, 3 * ZT_P));
	zx_handle_t b = zt_keep(&self->bag, child_of(self->plain, SNAPSHOT, 9 * ZT_P, 3 * ZT_P));

	ASSERT_NE(0, a);
	ASSERT_NE(0, b);
	ZT_EXPECT_U64(zt_pattern(3 * ZT_P, 1), zt_vmo_byte(a, 0));
	EXPECT_TRUE(zt_vmo_zero(a, ZT_P, 2 * ZT_P));
	EXPECT_TRUE(zt_vmo_zero(b, 0, 3 * ZT_P));
	ZT_EXPECT_U64(0, zt_committed(b));
}

TEST_F(vmo_child, V_171_V_173_slice_ranges)
{
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, attempt(self->plain, SLICE, 0, 4 * ZT_P + 1));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, attempt(self->plain, SLICE, ZT_P, 4 * ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, attempt(self->plain, SLICE, 0 - ZT_P, 2 * ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, attempt(self->plain, SLICE, 1, ZT_P));
	/* alignment, then size, then range */
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, attempt(self->plain, SLICE, 1, zt_max_vmo() + 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, attempt(self->plain, SLICE, 0, zt_max_vmo() + 1));
	ZT_EXPECT_OK(attempt(self->plain, SLICE, 0, 4 * ZT_P));
	ZT_EXPECT_OK(attempt(self->plain, SLICE, 3 * ZT_P, 1));
}

TEST_F(vmo_child, V_174_no_slice_of_what_is_resizable)
{
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED, attempt(self->resizable, SLICE, 0, ZT_P));
	/* the range comes first */
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, attempt(self->resizable, SLICE, 0, 5 * ZT_P));
}

TEST_F(vmo_child, V_175_V_231_slices_of_slices)
{
	zx_handle_t outer = zt_keep(&self->bag, child_of(self->plain, SLICE, ZT_P, 3 * ZT_P));
	zx_handle_t inner = zt_keep(&self->bag, child_of(outer, SLICE, ZT_P, ZT_P));

	ASSERT_NE(0, outer);
	ASSERT_NE(0, inner);
	ZT_EXPECT_U64(ZT_P, zt_size(inner));
	ZT_EXPECT_U64(zt_pattern(2 * ZT_P, 1), zt_vmo_byte(inner, 0));
	EXPECT_CHILDREN(1u, outer);
	EXPECT_CHILDREN(1u, self->plain);
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, attempt(outer, SLICE, 0, 4 * ZT_P));
	/* the middle one goes, the inner one is the root's now */
	ZT_EXPECT_U64(zt_koid(outer), zt_vmo_info(inner).parent_koid);
}

TEST_F(vmo_child, V_176_what_slices_cannot_have)
{
	zx_handle_t slice = zt_keep(&self->bag, child_of(self->plain, SLICE, 0, ZT_P));

	ASSERT_NE(0, slice);
	for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
		if (types[t] != SLICE)
			ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED, attempt(slice, types[t], 0, 0));
	}
}

TEST_F(vmo_child, V_177_reference_is_of_the_whole)
{
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, attempt(self->plain, REFERENCE, ZT_P, 0));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, attempt(self->plain, REFERENCE, 0, ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, attempt(self->plain, REFERENCE, 0, 4 * ZT_P));
}

TEST_F(vmo_child, V_178_V_179_V_215_resizable_references)
{
	zx_handle_t stiff = zt_keep(&self->bag, child_of(self->resizable, REFERENCE, 0, 0));
	zx_handle_t soft = zt_keep(&self->bag, child_of(self->resizable, REFERENCE | RESIZABLE,
							0, 0));
	zx_handle_t lacks = zt_keep(&self->bag, zt_without(self->resizable, ZX_RIGHT_RESIZE));

	ASSERT_NE(0, stiff);
	ASSERT_NE(0, soft);
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, attempt(self->plain, REFERENCE | RESIZABLE, 0, 0));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, attempt(lacks, REFERENCE | RESIZABLE, 0, 0));
	EXPECT_FALSE(zt_rights(stiff) & ZX_RIGHT_RESIZE);
	EXPECT_TRUE(zt_rights(soft) & ZX_RIGHT_RESIZE);
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_set_size(stiff, ZT_P));
	ZT_EXPECT_OK(zx_vmo_set_size(soft, 9 * ZT_P + 1));
	ZT_EXPECT_U64(10 * ZT_P, zt_size(self->resizable));
	ZT_EXPECT_U64(10 * ZT_P, zt_size(stiff));
	ZT_EXPECT_U64(9 * ZT_P + 1, zt_stream_size(stiff));
	EXPECT_TRUE(zt_vmo_info(stiff).flags & ZX_INFO_VMO_RESIZABLE);
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED, attempt(soft, SLICE, 0, ZT_P));
}

TEST_F(vmo_child, V_180_uncached)
{
	ZT_ASSERT_OK(zx_vmo_set_cache_policy(self->plain, ZX_CACHE_POLICY_UNCACHED));
	for (size_t t = 0; t < ARRAY_SIZE(types); t++)
		ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
				 attempt(self->plain, types[t], 0, size_for(types[t], ZT_P)));
	EXPECT_CHILDREN(0u, self->plain);
}

TEST_F(vmo_child, V_250_cache_policy_of_relatives)
{
	for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
		zx_handle_t h = child_of(self->plain, types[t], 0, size_for(types[t], ZT_P));

		ASSERT_NE(0, h);
		ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
				 zx_vmo_set_cache_policy(self->plain, ZX_CACHE_POLICY_UNCACHED));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
				 zx_vmo_set_cache_policy(h, ZX_CACHE_POLICY_UNCACHED));
		ZT_EXPECT_OK(zx_handle_close(h));
	}
	ZT_EXPECT_OK(zx_vmo_set_cache_policy(self->plain, ZX_CACHE_POLICY_UNCACHED));
}

TEST_F(vmo_child, V_154_discardable)
{
	zx_handle_t h = zt_keep(&self->bag, zt_vmo(ZT_P, ZX_VMO_DISCARDABLE));

	for (size_t t = 0; t < ARRAY_SIZE(types); t++)
		ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED, attempt(h, types[t], 0, 0));
	/* before the options are looked at */
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED, attempt(h, 0, 0, 0));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED, attempt(h, 1u << 31, 0, 0));
}

TEST_F(vmo_child, V_184_V_185_V_186_V_187_V_188_V_189_rights)
{
	const zx_rights_t all = ZX_DEFAULT_VMO_RIGHTS | ZX_RIGHT_EXECUTE | ZX_RIGHT_RESIZE;
	const zx_rights_t must = ZX_RIGHT_DUPLICATE | ZX_RIGHT_READ;
	const zx_rights_t property = ZX_RIGHT_GET_PROPERTY | ZX_RIGHT_SET_PROPERTY;
	const zx_rights_t bits[] = { ZX_RIGHT_TRANSFER, ZX_RIGHT_WRITE, ZX_RIGHT_EXECUTE,
				     ZX_RIGHT_MAP, ZX_RIGHT_GET_PROPERTY, ZX_RIGHT_SET_PROPERTY,
				     ZX_RIGHT_SIGNAL, ZX_RIGHT_WAIT, ZX_RIGHT_INSPECT,
				     ZX_RIGHT_RESIZE };
	zx_handle_t full = ZX_HANDLE_INVALID;

	ZT_ASSERT_OK(zx_vmo_replace_as_executable(zt_dup(self->resizable, ZX_RIGHT_SAME_RIGHTS),
						  ZX_HANDLE_INVALID, &full));
	zt_keep(&self->bag, full);
	ZT_ASSERT_U64(all, zt_rights(full));

	for (unsigned int set = 0; set < 1u << ARRAY_SIZE(bits); set++) {
		zx_rights_t have = must;
		zx_handle_t parent;

		for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
			if (set & 1u << i)
				have |= bits[i];
		parent = zt_dup(full, have);
		ASSERT_NE(0, parent);
		for (unsigned int o = 0; o < 9; o++) {
			uint32_t type = o < 6 ? SNAPSHOT : REFERENCE;
			uint32_t more = o % 3 == 1 ? NO_WRITE : o % 3 == 2 ? RESIZABLE : 0;
			zx_rights_t want = (have & ~ZX_RIGHT_RESIZE) | property;
			zx_handle_t h;

			if (o >= 3 && o < 6)
				type = AT_LEAST;
			if (type == REFERENCE && more == RESIZABLE && !(have & ZX_RIGHT_RESIZE))
				continue;
			if (more == RESIZABLE)
				want |= ZX_RIGHT_RESIZE;
			if (more == NO_WRITE)
				want &= ~ZX_RIGHT_WRITE;
			else if (type != REFERENCE)
				want = (want & ~ZX_RIGHT_EXECUTE) | ZX_RIGHT_WRITE;
			h = child_of(parent, type | more, 0, 0);
			ASSERT_NE(0, h);
			ZT_EXPECT_U64(want, zt_rights(h))
				TH_LOG("have %#x options %#x", have, type | more);
			zx_handle_close(h);
		}
		zx_handle_close(parent);
	}
}

TEST_F(vmo_child, V_189_slices_write_as_the_parent_does)
{
	zx_handle_t read_only = zt_keep(&self->bag, zt_without(self->plain, ZX_RIGHT_WRITE));
	zx_handle_t h;

	h = zt_keep(&self->bag, child_of(self->plain, SLICE, 0, ZT_P));
	EXPECT_TRUE(zt_rights(h) & ZX_RIGHT_WRITE);
	h = zt_keep(&self->bag, child_of(self->plain, SLICE | NO_WRITE, 0, ZT_P));
	EXPECT_FALSE(zt_rights(h) & ZX_RIGHT_WRITE);
	h = zt_keep(&self->bag, child_of(read_only, SLICE, 0, ZT_P));
	EXPECT_FALSE(zt_rights(h) & ZX_RIGHT_WRITE);
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_write(h, "x", 0, 1));
}

TEST_F(vmo_child, V_190_names)
{
	char name[ZX_MAX_NAME_LEN];

	ZT_ASSERT_OK(zx_object_set_property(self->plain, ZX_PROP_NAME, "rhea", 4));
	for (int get = 0; get < 2; get++) {
		zx_handle_t parent = zt_keep(&self->bag, get ? zt_dup(self->plain,
								      ZX_RIGHT_SAME_RIGHTS) :
					     zt_without(self->plain, ZX_RIGHT_GET_PROPERTY));

		for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
			zx_handle_t h = zt_keep(&self->bag, child_of(parent, types[t], 0, 0));

			ASSERT_NE(0, h);
			ZT_ASSERT_OK(zx_object_get_property(h, ZX_PROP_NAME, name, sizeof(name)));
			EXPECT_STREQ(get ? "rhea" : "", name);
		}
	}
}

TEST_F(vmo_child, V_191_V_192_V_193_info)
{
	zx_koid_t parent = zt_koid(self->plain), last = parent;

	for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
		for (int nw = 0; nw < 2; nw++) {
			zx_handle_t h = zt_keep(&self->bag, child_of(self->plain, types[t] |
								     (nw ? NO_WRITE : 0), 0, 0));
			zx_info_vmo_t info = zt_vmo_info(h);
			bool clone = types[t] != SLICE && types[t] != REFERENCE;

			EXPECT_NE(last, info.koid);
			EXPECT_NE(parent, info.koid);
			last = info.koid;
			ZT_EXPECT_U64(parent, info.parent_koid);
			EXPECT_EQ(clone, !!(info.flags & ZX_INFO_VMO_IS_COW_CLONE));
			EXPECT_EQ(types[t] == SNAPSHOT && nw,
				  !!(info.flags & ZX_INFO_VMO_IMMUTABLE));
			EXPECT_TRUE(info.flags & ZX_INFO_VMO_TYPE_PAGED);
			EXPECT_FALSE(info.flags & ZX_INFO_VMO_RESIZABLE);
		}
	}
	ZT_EXPECT_U64(0, zt_vmo_info(self->plain).parent_koid);
}

TEST_F(vmo_child, V_194_failures_change_nothing)
{
	struct zt_bad bad[ZT_BAD_WRITE_N];
	int fds = zt_fd_count();

	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, attempt(self->plain, SNAPSHOT, 1, ZT_P));
	EXPECT_CHILDREN(0u, self->plain);
	zt_bad_write(bad);
	for (size_t i = 0; bad[i].name; i++)
		for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
			ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
					 zx_vmo_create_child(self->plain, types[t], 0, 0,
							     (zx_handle_t *)bad[i].ptr));
			EXPECT_CHILDREN(0u, self->plain);
		}
	EXPECT_EQ(fds, zt_fd_count());
	EXPECT_TRUE(zt_vmo_holds(self->plain, 0, 4 * ZT_P, 1));
	/* no relative is left that could stand in the way */
	ZT_EXPECT_OK(zx_vmo_op_range(self->plain, ZX_VMO_OP_DECOMMIT, 0, ZT_P, NULL, 0));
}

TEST_F(vmo_child, V_220_V_221_V_222_V_228_V_229_counting)
{
	zx_handle_t h[ARRAY_SIZE(types)];

	for (int round = 0; round < 3; round++) {
		EXPECT_CHILDREN(0u, self->plain);
		for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
			h[t] = child_of(self->plain, types[t], 0, 0);
			ASSERT_NE(0, h[t]);
			EXPECT_CHILDREN(t + 1, self->plain);
			EXPECT_CHILDREN(0u, h[t]);
		}
		for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
			ZT_EXPECT_OK(zx_handle_close(h[(t + round) % ARRAY_SIZE(types)]));
			EXPECT_CHILDREN(ARRAY_SIZE(types) - 1 - t, self->plain);
		}
	}
}

TEST_F(vmo_child, V_223_duplicates_are_one_child)
{
	zx_handle_t child = child_of(self->plain, SNAPSHOT, 0, ZT_P);
	zx_handle_t copy = zt_dup(child, ZX_RIGHT_SAME_RIGHTS);

	EXPECT_CHILDREN(1u, self->plain);
	ZT_EXPECT_OK(zx_handle_close(child));
	EXPECT_CHILDREN(1u, self->plain);
	ZT_EXPECT_OK(zx_handle_close(copy));
	EXPECT_CHILDREN(0u, self->plain);
}

TEST_F(vmo_child, V_224_a_mapping_keeps_the_child)
{
	for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
		zx_handle_t child = child_of(self->plain, types[t], 0, size_for(types[t], ZT_P));
		char *map = zt_map(child, 0, ZT_P, ZT_RW);

		ASSERT_NE(NULL, map);
		ZT_EXPECT_OK(zx_handle_close(child));
		EXPECT_CHILDREN(1u, self->plain);
		EXPECT_EQ((char)zt_pattern(0, 1), map[0]);
		ZT_EXPECT_OK(zt_unmap(map, ZT_P));
		EXPECT_CHILDREN(0u, self->plain);
	}
}

TEST_F(vmo_child, V_224_so_does_a_plain_mmap)
{
	for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
		zx_handle_t child = child_of(self->plain, types[t], 0, size_for(types[t], ZT_P));
		char *map = mmap(NULL, ZT_P, PROT_READ, MAP_SHARED, zvm_handle_to_fd(child), 0);

		ASSERT_NE(MAP_FAILED, map);
		ZT_EXPECT_OK(zx_handle_close(child));
		EXPECT_CHILDREN(1u, self->plain);
		EXPECT_EQ((char)zt_pattern(0, 1), map[0]);
		EXPECT_EQ(0, munmap(map, ZT_P));
		EXPECT_CHILDREN(0u, self->plain);
	}
}

TEST_F(vmo_child, V_226_V_227_V_230_grandchildren)
{
	zx_handle_t a = zt_vmo(ZT_P, 0), b = child_of(a, SNAPSHOT, 0, ZT_P);
	zx_handle_t c = child_of(b, SNAPSHOT, 0, ZT_P), d;

	ASSERT_NE(0, c);
	EXPECT_CHILDREN(1u, a);
	EXPECT_CHILDREN(1u, b);
	ZT_EXPECT_OK(zx_handle_close(b));
	EXPECT_CHILDREN(1u, a);
	ZT_EXPECT_U64(zt_koid(a), zt_vmo_info(c).parent_koid);
	EXPECT_TRUE(zt_vmo_info(c).flags & ZX_INFO_VMO_IS_COW_CLONE);
	ZT_EXPECT_OK(zx_handle_close(c));
	EXPECT_CHILDREN(0u, a);

	c = child_of(a, SNAPSHOT, 0, ZT_P);
	d = child_of(a, REFERENCE, 0, 0);
	EXPECT_CHILDREN(2u, a);
	ZT_EXPECT_OK(zx_handle_close(a));
	ZT_EXPECT_U64(0, zt_vmo_info(c).parent_koid);
	ZT_EXPECT_U64(0, zt_vmo_info(d).parent_koid);
	EXPECT_FALSE(zt_vmo_info(c).flags & ZX_INFO_VMO_IS_COW_CLONE);
	/* and can have children and die as any other */
	a = child_of(d, SNAPSHOT, 0, ZT_P);
	EXPECT_CHILDREN(1u, d);
	ZT_EXPECT_OK(zx_handle_close(d));
	ZT_EXPECT_OK(zx_handle_close(c));
	ZT_EXPECT_OK(zx_handle_close(a));
}

/* Many children of one parent find a new one together. */
TEST_F(vmo_child, V_226_many_are_handed_on)
{
	zx_handle_t top = zt_vmo(ZT_P, 0), mid = child_of(top, SNAPSHOT, 0, ZT_P);
	zx_handle_t h[100];

	for (size_t i = 0; i < ARRAY_SIZE(h); i++)
		ASSERT_NE(0, h[i] = child_of(mid, types[i % ARRAY_SIZE(types)], 0, 0));
	EXPECT_CHILDREN(1u, top);
	ZT_EXPECT_OK(zx_handle_close(mid));
	EXPECT_CHILDREN(100u, top);
	for (size_t i = 0; i < ARRAY_SIZE(h); i++) {
		ZT_EXPECT_U64(zt_koid(top), zt_vmo_info(h[i]).parent_koid);
		ZT_EXPECT_OK(zx_handle_close(h[i]));
	}
	EXPECT_CHILDREN(0u, top);
	ZT_EXPECT_OK(zx_handle_close(top));
}

TEST_F(vmo_child, V_094_V_095_stream_sizes_of_views)
{
	zx_handle_t slice = zt_keep(&self->bag, child_of(self->plain, SLICE, ZT_P, ZT_P + 9));
	zx_handle_t ref = zt_keep(&self->bag, child_of(self->plain, REFERENCE, 0, 0));

	ZT_EXPECT_U64(ZT_P + 9, zt_stream_size(slice));
	ZT_EXPECT_U64(2 * ZT_P, zt_size(slice));
	ZT_EXPECT_OK(zx_vmo_set_stream_size(slice, 10));
	ZT_EXPECT_U64(10, zt_stream_size(slice));
	ZT_EXPECT_U64(4 * ZT_P, zt_stream_size(self->plain));
	/* the rest of the slice is zero, what is around it is as it was */
	EXPECT_TRUE(zt_vmo_zero(slice, 10, 2 * ZT_P - 10));
	EXPECT_TRUE(zt_vmo_holds(self->plain, 0, ZT_P + 10, 1));
	EXPECT_TRUE(zt_vmo_holds(self->plain, 3 * ZT_P, ZT_P, 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_set_stream_size(slice, 2 * ZT_P + 1));

	ZT_EXPECT_OK(zx_vmo_set_stream_size(ref, 3));
	ZT_EXPECT_U64(3, zt_stream_size(self->plain));
	ZT_EXPECT_OK(zx_vmo_set_stream_size(self->plain, 5));
	ZT_EXPECT_U64(5, zt_stream_size(ref));
}

/* Slices never let anybody beyond their window, whatever the way. */
TEST_F(vmo_child, slices_end_where_they_end)
{
	zx_handle_t slice = zt_keep(&self->bag, child_of(self->plain, SLICE, ZT_P, ZT_P));
	int fd = zvm_handle_to_fd(slice);
	char c[2], *map;
	struct stat st;

	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(slice, c, ZT_P, 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(slice, c, ZT_P - 1, 2));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_write(slice, "xy", ZT_P - 1, 2));
	EXPECT_EQ(1, pread(fd, c, 2, ZT_P - 1));
	EXPECT_EQ(0, pread(fd, c, 2, ZT_P));
	EXPECT_EQ(-1, pwrite(fd, c, 1, ZT_P));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ((off_t)ZT_P, lseek(fd, 0, SEEK_END));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ((off_t)ZT_P, st.st_size);
	for (uint32_t op = ZX_VMO_OP_COMMIT; op <= ZX_VMO_OP_DECOMMIT; op++)
		ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE,
				 zx_vmo_op_range(slice, op, 0, 2 * ZT_P, NULL, 0));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE,
			 zx_vmo_op_range(slice, ZX_VMO_OP_ZERO, ZT_P, 1, NULL, 0));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE,
			 zx_vmo_op_range(slice, ZX_VMO_OP_ZERO, 0, 0 - ZT_P, NULL, 0));
	EXPECT_TRUE(zt_vmo_holds(self->plain, 2 * ZT_P, 2 * ZT_P, 1));

	map = zt_map(slice, 0, 2 * ZT_P, ZT_RW | ZX_VM_ALLOW_FAULTS);
	ASSERT_NE(NULL, map);
	ZT_EXPECT_ACCESS(zt_try_write(map + ZT_P - 1));
	ZT_EXPECT_FAULT(SIGBUS, zt_try_read(map + ZT_P));
	ZT_EXPECT_FAULT(SIGBUS, zt_try_write(map + ZT_P));
	ZT_EXPECT_OK(zt_unmap(map, 2 * ZT_P));
	map = mmap(NULL, 2 * ZT_P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	ZT_EXPECT_ACCESS(zt_try_write(map));
	ZT_EXPECT_FAULT(SIGBUS, zt_try_write(map + ZT_P));
	munmap(map, 2 * ZT_P);
	EXPECT_TRUE(zt_vmo_holds(self->plain, 2 * ZT_P, 2 * ZT_P, 1));
}

/* When the parent is gone, slices keep what they show, and nothing else. */
TEST_F(vmo_child, V_213_slices_keep_what_they_show)
{
	zx_handle_t parent = zt_vmo(8 * ZT_P, 0), a, b, c;
	uint64_t pages = zt_stats().pages;

	ASSERT_EQ(0, zt_vmo_fill(parent, 0, 8 * ZT_P, 1));
	a = child_of(parent, SLICE, ZT_P, 3 * ZT_P);
	b = child_of(parent, SLICE, 2 * ZT_P, 4 * ZT_P);
	c = child_of(b, SLICE, ZT_P, ZT_P);
	ZT_ASSERT_OK(zx_handle_close(parent));
	ZT_EXPECT_U64(pages + 5, zt_stats().pages);
	ZT_ASSERT_OK(zx_handle_close(b));
	ZT_EXPECT_U64(pages + 3, zt_stats().pages);
	for (unsigned int i = 0; i < 3; i++)
		EXPECT_EQ(zt_pattern((1 + i) * ZT_P, 1), zt_vmo_byte(a, i * ZT_P));
	ZT_ASSERT_OK(zx_handle_close(a));
	ZT_EXPECT_U64(pages + 1, zt_stats().pages);
	EXPECT_EQ(zt_pattern(3 * ZT_P, 1), zt_vmo_byte(c, 0));
	ZT_ASSERT_OK(zx_handle_close(c));
	ZT_EXPECT_U64(pages, zt_stats().pages);
}

/* mmap(2), with an offset, of a slice shows what the slice has there. */
TEST_F(vmo_child, V_212_plain_mmap_of_a_slice)
{
	zx_handle_t slice = zt_keep(&self->bag, child_of(self->plain, SLICE, ZT_P, 3 * ZT_P));
	char *map = mmap(NULL, ZT_P, PROT_READ | PROT_WRITE, MAP_SHARED,
			 zvm_handle_to_fd(slice), ZT_P);

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ((char)zt_pattern(2 * ZT_P, 1), map[0]);
	map[0] = 77;
	EXPECT_EQ(77, zt_vmo_byte(self->plain, 2 * ZT_P));
	/* and what happens to the parent's page happens there */
	ZT_EXPECT_OK(zx_vmo_op_range(self->plain, ZX_VMO_OP_DECOMMIT, 2 * ZT_P, ZT_P, NULL, 0));
	EXPECT_EQ(0, map[0]);
	munmap(map, ZT_P);
}

/* info of mappings tells offsets in the slice, not in what it is a slice of */
TEST_F(vmo_child, mappings_of_slices_in_info)
{
	zx_handle_t slice = zt_keep(&self->bag, child_of(self->plain, SLICE, ZT_P, 3 * ZT_P));
	zx_info_maps_t maps[4];
	zx_handle_t vmar;
	zx_vaddr_t base, addr;
	size_t actual, avail;

	ZT_ASSERT_OK(zx_vmar_allocate(zx_vmar_root_self(), ZX_VM_CAN_MAP_READ |
				      ZX_VM_CAN_MAP_WRITE, 0, 16 * ZT_P, &vmar, &base));
	zt_keep(&self->bag, vmar);
	ZT_ASSERT_OK(zx_vmar_map(vmar, ZT_RW, 0, slice, ZT_P, 2 * ZT_P, &addr));
	ZT_ASSERT_OK(zx_object_get_info(vmar, ZX_INFO_VMAR_MAPS, maps, sizeof(maps), &actual,
					&avail));
	ASSERT_EQ(2u, actual);
	ZT_EXPECT_U64(ZT_P, maps[1].u.mapping.vmo_offset);
	ZT_EXPECT_U64(zt_koid(slice), maps[1].u.mapping.vmo_koid);
	/* op_range finds its way to the right pages */
	ZT_EXPECT_OK(zx_vmar_op_range(vmar, ZX_VMAR_OP_ZERO, addr, ZT_P, NULL, 0));
	EXPECT_TRUE(zt_vmo_zero(self->plain, 2 * ZT_P, ZT_P));
	EXPECT_TRUE(zt_vmo_holds(self->plain, 0, 2 * ZT_P, 1));
	EXPECT_TRUE(zt_vmo_holds(self->plain, 3 * ZT_P, ZT_P, 1));
	ZT_EXPECT_OK(zx_vmar_destroy(vmar));
}

TEST_HARNESS_MAIN
