// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * zx_vmo_read and zx_vmo_write, and the content of a VMO in general: what one
 * way of reaching it writes, every other way reads.
 */
#include "kselftest_harness.h"
#include "zvm_test.h"

/* ------------------------------------------------------------------------
 * The two calls
 */
FIXTURE(vmo_rw)
{
	struct zvm_stats before;
	struct zt_bag bag;
	zx_handle_t vmo;
	uint64_t s;		/* its size */
};

FIXTURE_VARIANT(vmo_rw)
{
	uint32_t options;
};

FIXTURE_VARIANT_ADD(vmo_rw, plain) { .options = 0 };
FIXTURE_VARIANT_ADD(vmo_rw, resizable) { .options = ZX_VMO_RESIZABLE };
FIXTURE_VARIANT_ADD(vmo_rw, unbounded) { .options = ZX_VMO_UNBOUNDED };
FIXTURE_VARIANT_ADD(vmo_rw, discardable) { .options = ZX_VMO_DISCARDABLE };

FIXTURE_SETUP(vmo_rw)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->vmo = zt_keep(&self->bag, zt_vmo(4 * ZT_P, variant->options));
	ASSERT_NE(0u, self->vmo);
	self->s = zt_size(self->vmo);
}

FIXTURE_TEARDOWN(vmo_rw)
{
	zt_empty(&self->bag);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

TEST_F(vmo_rw, V_037_V_038_rights)
{
	zx_handle_t r = zt_keep(&self->bag, zt_dup(self->vmo, ZX_RIGHT_READ));
	zx_handle_t w = zt_keep(&self->bag, zt_dup(self->vmo, ZX_RIGHT_WRITE));
	zx_handle_t all_but_r = zt_keep(&self->bag, zt_without(self->vmo, ZX_RIGHT_READ));
	zx_handle_t all_but_w = zt_keep(&self->bag, zt_without(self->vmo, ZX_RIGHT_WRITE));
	char c = 0;

	ASSERT_TRUE(r && w && all_but_r && all_but_w);
	ZT_EXPECT_OK(zx_vmo_read(r, &c, 0, 1));
	ZT_EXPECT_OK(zx_vmo_write(w, "x", 0, 1));
	ZT_EXPECT_OK(zx_vmo_read(all_but_w, &c, 0, 1));
	ZT_EXPECT_OK(zx_vmo_write(all_but_r, "y", 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_read(w, &c, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_write(r, "z", 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_read(all_but_r, &c, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_write(all_but_w, "z", 0, 1));
	/* the right is asked for even if there is nothing to transfer */
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_read(w, NULL, 0, 0));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_write(r, NULL, 0, 0));
	EXPECT_EQ('y', zt_vmo_byte(self->vmo, 0));
}

TEST_F(vmo_rw, V_039_V_040_wrong_type_and_dead_handle)
{
	zx_handle_t root = zx_vmar_root_self();
	zx_handle_t bare = zt_keep(&self->bag, zt_dup(root, ZX_RIGHT_NONE));
	zx_handle_t dead = zt_dup(self->vmo, ZX_RIGHT_SAME_RIGHTS);
	char c = 0;

	ASSERT_TRUE(bare && dead);
	ZT_ASSERT_OK(zx_handle_close(dead));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmo_read(root, &c, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmo_write(root, &c, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmo_read(bare, &c, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmo_write(bare, &c, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_read(dead, &c, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_write(dead, &c, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_read(ZX_HANDLE_INVALID, &c, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_write(ZX_HANDLE_INVALID, &c, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_read(self->vmo ^ 1, &c, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_write(self->vmo ^ 2, &c, 0, 1));
}

/* Handle, type, right, wrap, cache policy, bounds, buffer: in this order */
TEST_F(vmo_rw, V_037_V_039_V_046_V_057_order_of_checks)
{
	zx_handle_t root = zx_vmar_root_self();
	zx_handle_t none = zt_keep(&self->bag, zt_dup(self->vmo, ZX_RIGHT_NONE));
	void *bad = zt_mem(PROT_NONE);

	ASSERT_NE(0u, none);
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_read(0, bad, UINT64_MAX, 2));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmo_read(root, bad, UINT64_MAX, 2));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmo_write(root, bad, UINT64_MAX, 2));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_read(none, bad, UINT64_MAX, 2));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_write(none, bad, self->s, 1));
	/* the range comes before the buffer */
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(self->vmo, bad, self->s, 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_write(self->vmo, NULL, self->s, 1));

	if (variant->options & ZX_VMO_DISCARDABLE)
		return;
	ZT_ASSERT_OK(zx_vmo_set_cache_policy(self->vmo, ZX_CACHE_POLICY_UNCACHED));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(self->vmo, bad, UINT64_MAX, 2));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_write(self->vmo, bad, UINT64_MAX, 2));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_read(self->vmo, bad, self->s, 1));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_write(self->vmo, bad, self->s, 1));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_read(none, bad, 0, 0));
}

TEST_F(vmo_rw, V_042_V_043_V_046_out_of_range)
{
	char buf[8] = "abcdefg";

	ZT_ASSERT_OK(zx_vmo_write(self->vmo, "Q", self->s - 1, 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_write(self->vmo, buf, self->s - 1, 2));
	EXPECT_EQ('Q', zt_vmo_byte(self->vmo, self->s - 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(self->vmo, buf, self->s - 1, 2));
	/* nothing is transferred */
	EXPECT_EQ('a', buf[0]);
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(self->vmo, buf, self->s, 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_write(self->vmo, buf, self->s, 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(self->vmo, buf, UINT64_MAX, 2));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_write(self->vmo, buf, UINT64_MAX, 2));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(self->vmo, buf, 1, SIZE_MAX));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(self->vmo, buf, 0, SIZE_MAX));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_write(self->vmo, buf, SIZE_MAX, SIZE_MAX));
}

TEST_F(vmo_rw, V_044_V_045_V_047_length_zero)
{
	struct zt_bad bad[ZT_BAD_WRITE_N];
	uint64_t before = zt_committed(self->vmo);

	zt_bad_write(bad);
	for (struct zt_bad *b = bad; b->name; b++) {
		EXPECT_EQ(ZX_OK, zx_vmo_read(self->vmo, b->ptr, 0, 0)) TH_LOG("%s", b->name);
		EXPECT_EQ(ZX_OK, zx_vmo_write(self->vmo, b->ptr, 0, 0)) TH_LOG("%s", b->name);
		EXPECT_EQ(ZX_OK, zx_vmo_read(self->vmo, b->ptr, self->s, 0))
			TH_LOG("%s", b->name);
		EXPECT_EQ(ZX_OK, zx_vmo_write(self->vmo, b->ptr, self->s, 0))
			TH_LOG("%s", b->name);
	}
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(self->vmo, NULL, self->s + 1, 0));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_write(self->vmo, NULL, self->s + 1, 0));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(self->vmo, NULL, UINT64_MAX, 0));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_write(self->vmo, NULL, UINT64_MAX, 0));
	ZT_EXPECT_U64(before, zt_committed(self->vmo));
}

TEST(V_043_V_044_V_045_empty_vmo)
{
	zx_handle_t h = zt_vmo(0, 0);
	char c = 'c';

	ASSERT_NE(0u, h);
	ZT_EXPECT_OK(zx_vmo_read(h, NULL, 0, 0));
	ZT_EXPECT_OK(zx_vmo_write(h, NULL, 0, 0));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(h, &c, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_write(h, &c, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(h, &c, 1, 0));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_write(h, &c, 1, 0));
	EXPECT_EQ('c', c);
	ZT_EXPECT_OK(zx_handle_close(h));
}

TEST_F(vmo_rw, V_048_V_049_stream_size_is_no_bound_and_does_not_move)
{
	zx_handle_t h = zt_keep(&self->bag, zt_vmo(1, variant->options));
	char c = 0;

	ASSERT_NE(0u, h);
	ZT_EXPECT_OK(zx_vmo_write(h, "Z", ZT_P - 1, 1));
	ZT_EXPECT_OK(zx_vmo_read(h, &c, ZT_P - 1, 1));
	EXPECT_EQ('Z', c);
	ZT_EXPECT_U64(1, zt_stream_size(h));
	ZT_ASSERT_OK(zx_vmo_set_stream_size(h, 0));
	ZT_EXPECT_OK(zx_vmo_write(h, "Y", 17, 1));
	EXPECT_EQ('Y', zt_vmo_byte(h, 17));
	ZT_EXPECT_U64(0, zt_stream_size(h));
}

/* Short and long transfers may take different paths: all lengths, all offsets */
TEST_F(vmo_rw, V_054_V_055_bad_buffers_of_any_length)
{
	const size_t lens[] = { 1, 8, 63, 64, 65, 200, 256, 1000, 3000, ZT_P - 1, ZT_P, ZT_P + 1,
				2 * ZT_P, 2 * ZT_P + 77 };
	const uint64_t offs[] = { 0, 1, ZT_P - 100, ZT_P };
	char *none = mmap(NULL, 8 * ZT_P, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *gone = none + 4 * ZT_P;
	const int fd = zvm_handle_to_fd(self->vmo);

	ASSERT_NE(MAP_FAILED, none);
	ASSERT_EQ(0, munmap(gone, 4 * ZT_P));
	for (size_t l = 0; l < ARRAY_SIZE(lens); l++) {
		for (size_t o = 0; o < ARRAY_SIZE(offs); o++) {
			size_t n = lens[l];
			uint64_t off = offs[o];

			ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
					 zx_vmo_read(self->vmo, none, off, n));
			ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
					 zx_vmo_write(self->vmo, none, off, n));
			ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, zx_vmo_read(self->vmo, gone, off, n));
			ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, zx_vmo_write(self->vmo, gone, off, n));
			EXPECT_EQ(-1, pread(fd, none, n, (off_t)off));
			EXPECT_EQ(-1, pwrite(fd, none, n, (off_t)off));
			EXPECT_EQ(-1, pread(fd, gone, n, (off_t)off));
			EXPECT_EQ(-1, pwrite(fd, gone, n, (off_t)off));
		}
	}
	EXPECT_TRUE(zt_vmo_zero(self->vmo, 0, 4 * ZT_P));
}

TEST_F(vmo_rw, V_054_V_055_bad_buffers)
{
	void *ro = zt_mem(PROT_READ), *none = zt_mem(PROT_NONE), *gone = zt_mem(PROT_READ);
	char *two = mmap(NULL, 2 * ZT_P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);

	ASSERT_EQ(0, munmap(gone, ZT_P));
	ASSERT_NE(MAP_FAILED, two);
	ASSERT_EQ(0, munmap(two + ZT_P, ZT_P));
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, 2 * ZT_P, 3));

	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, zx_vmo_read(self->vmo, gone, 0, 8));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, zx_vmo_read(self->vmo, NULL, 0, 8));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, zx_vmo_read(self->vmo, (void *)16, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, zx_vmo_write(self->vmo, gone, 0, 8));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, zx_vmo_write(self->vmo, NULL, 0, 8));
	/* no mapping of the process either, though memory of the kernel */
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND,
			 zx_vmo_read(self->vmo, (void *)(UINTPTR_MAX - 4095), 0, 8));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND,
			 zx_vmo_write(self->vmo, (void *)(UINTPTR_MAX - 4095), 0, 8));

	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_read(self->vmo, ro, 0, 8));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_read(self->vmo, none, 0, 8));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_write(self->vmo, none, 0, 8));
	EXPECT_EQ(-1, zt_not_byte(ro, ZT_P, 0xee));

	/* a buffer that is good at first */
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, zx_vmo_read(self->vmo, two, 0, 2 * ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, zx_vmo_read(self->vmo, two + ZT_P - 3, 0, 8));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, zx_vmo_write(self->vmo, two + ZT_P - 3, 0, 8));
	/* ... and of which no bad byte is needed */
	ZT_EXPECT_OK(zx_vmo_read(self->vmo, two, 0, ZT_P));
	EXPECT_EQ(-1, zt_mismatch(two + 100, ZT_P - 100, 100, 3));
	/* what lay behind the failed writes' range is untouched */
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 8, 2 * ZT_P - 8, 3));
}

/* The same with buffers that are mappings of VMOs */
TEST_F(vmo_rw, V_054_V_055_bad_buffers_in_regions)
{
	zx_handle_t other = zt_keep(&self->bag, zt_vmo(2 * ZT_P, ZX_VMO_RESIZABLE));
	zx_handle_t root = zx_vmar_root_self();
	char *ro, *none, *rw;

	ASSERT_NE(0u, other);
	ro = zt_map(other, 0, 2 * ZT_P, ZX_VM_PERM_READ);
	none = zt_map(other, 0, 2 * ZT_P, 0);
	rw = zt_map(other, 0, 2 * ZT_P, ZT_RW | ZX_VM_ALLOW_FAULTS);
	ASSERT_TRUE(ro && none && rw);

	/* touched and untouched */
	for (int i = 0; i < 2; i++) {
		ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_read(self->vmo, ro, 0, 8));
		ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_read(self->vmo, none, 0, 8));
		ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_write(self->vmo, none, 0, 8));
		ZT_EXPECT_OK(zx_vmo_write(self->vmo, ro, 0, 8));
		ZT_EXPECT_OK(zx_vmo_read(self->vmo, rw, 0, 2 * ZT_P));
		ZT_EXPECT_OK(zx_vmo_write(self->vmo, rw, 0, 2 * ZT_P));
	}
	EXPECT_TRUE(zt_vmo_zero(other, 0, 2 * ZT_P));

	/* past the end of the buffer's VMO, and across it */
	ZT_ASSERT_OK(zx_vmo_set_size(other, ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(self->vmo, rw + ZT_P, 0, 8));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_write(self->vmo, rw + ZT_P, 0, 8));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(self->vmo, rw + ZT_P - 4, 0, 8));
	ZT_EXPECT_OK(zx_vmo_read(self->vmo, rw + ZT_P - 8, 0, 8));

	/* an address of the root region where nothing is mapped */
	ZT_ASSERT_OK(zt_unmap(none, 2 * ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, zx_vmo_read(self->vmo, none, 0, 8));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, zx_vmo_write(self->vmo, none, 0, 8));
	/* permission taken away later */
	ZT_ASSERT_OK(zx_vmar_protect(root, ZX_VM_PERM_READ, (zx_vaddr_t)rw, 2 * ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_read(self->vmo, rw, 0, 8));
	ZT_ASSERT_OK(zt_unmap(ro, 2 * ZT_P));
	ZT_ASSERT_OK(zt_unmap(rw, 2 * ZT_P));
}

TEST_F(vmo_rw, V_057_V_253_only_with_policy_cached)
{
	char c = 0;

	ZT_ASSERT_OK(zx_vmo_write(self->vmo, "k", 5, 1));
	if (variant->options & ZX_VMO_DISCARDABLE) {
		/* always CACHED */
		ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_set_cache_policy(self->vmo, 1));
		ZT_EXPECT_OK(zx_vmo_read(self->vmo, &c, 5, 1));
		EXPECT_EQ('k', c);
		return;
	}
	for (uint32_t policy = 1; policy <= 3; policy++) {
		ZT_ASSERT_OK(zx_vmo_set_cache_policy(self->vmo, policy));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_read(self->vmo, &c, 5, 1));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_write(self->vmo, "l", 5, 1));
		/* length 0 does not get past this check either */
		ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_read(self->vmo, NULL, 0, 0));
		/* nor does the file */
		EXPECT_EQ(-1, pread(zvm_handle_to_fd(self->vmo), &c, 1, 5));
		EXPECT_EQ(-1, pwrite(zvm_handle_to_fd(self->vmo), "l", 1, 5));
	}
	ZT_ASSERT_OK(zx_vmo_set_cache_policy(self->vmo, ZX_CACHE_POLICY_CACHED));
	ZT_EXPECT_OK(zx_vmo_read(self->vmo, &c, 5, 1));
	EXPECT_EQ('k', c);
	ZT_EXPECT_OK(zx_vmo_write(self->vmo, "m", 5, 1));
	EXPECT_EQ('m', zt_vmo_byte(self->vmo, 5));
}

/* ------------------------------------------------------------------------
 * Content, by every way
 */
FIXTURE(vmo_data)
{
	struct zvm_stats before;
	zx_handle_t vmo;
	struct zt_view view;
	uint64_t len;
};

FIXTURE_VARIANT(vmo_data)
{
	uint32_t options;
	enum zt_way way;
};

#define DATA(name, opt, w)						\
	FIXTURE_VARIANT_ADD(vmo_data, name) { .options = opt, .way = w }

DATA(plain_calls, 0, ZT_CALLS);
DATA(plain_mapping, 0, ZT_MAPPING);
DATA(plain_file, 0, ZT_FILE);
DATA(plain_mmap, 0, ZT_MMAP);
DATA(resizable_calls, ZX_VMO_RESIZABLE, ZT_CALLS);
DATA(resizable_mapping, ZX_VMO_RESIZABLE, ZT_MAPPING);
DATA(resizable_file, ZX_VMO_RESIZABLE, ZT_FILE);
DATA(resizable_mmap, ZX_VMO_RESIZABLE, ZT_MMAP);
DATA(unbounded_calls, ZX_VMO_UNBOUNDED, ZT_CALLS);
DATA(unbounded_mapping, ZX_VMO_UNBOUNDED, ZT_MAPPING);
DATA(unbounded_file, ZX_VMO_UNBOUNDED, ZT_FILE);
DATA(unbounded_mmap, ZX_VMO_UNBOUNDED, ZT_MMAP);
DATA(discardable_calls, ZX_VMO_DISCARDABLE, ZT_CALLS);
DATA(discardable_mapping, ZX_VMO_DISCARDABLE, ZT_MAPPING);

#define DATA_PAGES 40

FIXTURE_SETUP(vmo_data)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->len = DATA_PAGES * ZT_P;
	self->vmo = zt_vmo(self->len, variant->options);
	ASSERT_NE(0u, self->vmo);
	ASSERT_EQ(0, zt_view_open(&self->view, variant->way, self->vmo, self->len));
}

FIXTURE_TEARDOWN(vmo_data)
{
	zt_view_close(&self->view);
	zx_handle_close(self->vmo);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

TEST_F(vmo_data, V_041_round_trip_at_any_offset)
{
	const uint64_t p = ZT_P;
	const uint64_t off[] = { 0, 1, 7, 63, p - 1, p, p + 1, 2 * p - 3, 15 * p - 1, 16 * p - 2,
				 31 * p + 5, 32 * p - 1, 33 * p };
	const uint64_t len[] = { 1, 2, 3, 8, 64, 100, p - 1, p, p + 1, 2 * p, 3 * p + 7 };

	for (size_t o = 0; o < ARRAY_SIZE(off); o++)
		for (size_t l = 0; l < ARRAY_SIZE(len); l++) {
			unsigned int seed = (unsigned int)(o * 100 + l);

			ASSERT_EQ(0, zt_view_fill(&self->view, off[o], len[l], seed));
			ASSERT_TRUE(zt_view_holds(&self->view, off[o], len[l], seed))
				TH_LOG("%" PRIu64 "+%" PRIu64, off[o], len[l]);
		}
}

/* Random writes by every way, against a plain array */
TEST_F(vmo_data, V_041_V_058_V_059_random_writes_match_a_model)
{
	static const enum zt_way ways[] = { ZT_CALLS, ZT_MAPPING, ZT_FILE, ZT_MMAP };
	uint8_t *model = calloc(1, self->len), *got = malloc(self->len);
	struct zt_view other[ARRAY_SIZE(ways)];
	unsigned int rnd = 12345;

	ASSERT_TRUE(model && got);
	for (size_t w = 0; w < ARRAY_SIZE(ways); w++) {
		ASSERT_EQ(0, zt_view_open(&other[w], ways[w], self->vmo, self->len));
	}
	for (unsigned int i = 0; i < 200; i++) {
		uint64_t off, len;

		rnd = rnd * 1103515245 + 12345;
		off = (rnd >> 8) % self->len;
		rnd = rnd * 1103515245 + 12345;
		len = (rnd >> 8) % (i % 4 ? 200 : 3 * ZT_P) + 1;
		if (len > self->len - off)
			len = self->len - off;
		zt_fill(model + off, len, off, i);
		ASSERT_EQ(0, zt_view_put(&self->view, off, model + off, len));
		/* at once, and whichever way it is read */
		ASSERT_EQ(0, zt_view_get(&other[i % 4], off, got, len));
		ASSERT_EQ(0, memcmp(model + off, got, len))
			TH_LOG("step %u, %" PRIu64 "+%" PRIu64, i, off, len);
	}
	for (size_t w = 0; w < ARRAY_SIZE(ways); w++) {
		ASSERT_EQ(0, zt_view_get(&other[w], 0, got, self->len));
		EXPECT_EQ(0, memcmp(model, got, self->len)) TH_LOG("way %d", ways[w]);
		zt_view_close(&other[w]);
	}
	free(model);
	free(got);
}

TEST_F(vmo_data, V_058_V_059_seen_at_once_in_every_mapping)
{
	struct zt_view map[3], calls, file, lin;

	ASSERT_EQ(0, zt_view_open(&calls, ZT_CALLS, self->vmo, self->len));
	ASSERT_EQ(0, zt_view_open(&file, ZT_FILE, self->vmo, self->len));
	ASSERT_EQ(0, zt_view_open(&lin, ZT_MMAP, self->vmo, self->len));
	for (size_t i = 0; i < ARRAY_SIZE(map); i++) {
		ASSERT_EQ(0, zt_view_open(&map[i], ZT_MAPPING, self->vmo, self->len));
	}
	for (unsigned int round = 0; round < 2 * DATA_PAGES; round++) {
		uint64_t off = (uint64_t)round * (ZT_P / 2) + 11;
		uint8_t b = (uint8_t)(round + 1);

		/* the first half of the rounds hits absent pages that were read before */
		for (size_t i = 0; i < ARRAY_SIZE(map); i++) {
			EXPECT_EQ(0, zt_view_byte(&map[i], off));
		}
		EXPECT_EQ(0, zt_view_byte(&lin, off));
		ASSERT_EQ(0, zt_view_put(&self->view, off, &b, 1));
		for (size_t i = 0; i < ARRAY_SIZE(map); i++) {
			EXPECT_EQ(b, zt_view_byte(&map[i], off));
		}
		EXPECT_EQ(b, zt_view_byte(&calls, off));
		EXPECT_EQ(b, zt_view_byte(&file, off));
		EXPECT_EQ(b, zt_view_byte(&lin, off));
	}
	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		zt_view_close(&map[i]);
	zt_view_close(&lin);
}

static int other_process(void *arg)
{
	FIXTURE_DATA(vmo_data) *self = arg;
	struct zt_view v;

	/* a handle of a VMO is inherited over fork like any descriptor */
	for (enum zt_way way = ZT_CALLS; way <= ZT_MMAP; way++) {
		if (zt_view_open(&v, way, self->vmo, self->len))
			return 10 + (int)way;
		if (!zt_view_holds(&v, 3 * ZT_P - 5, 10, 5))
			return 20 + (int)way;
		if (zt_view_fill(&v, (8 + way) * ZT_P - 5, 10, 6 + way))
			return 30 + (int)way;
		zt_view_close(&v);
	}
	return 0;
}

TEST_F(vmo_data, V_058_V_059_seen_in_other_processes)
{
	ASSERT_EQ(0, zt_view_fill(&self->view, 3 * ZT_P - 5, 10, 5));
	EXPECT_EQ(0, zt_fork_run(other_process, self));
	for (enum zt_way way = ZT_CALLS; way <= ZT_MMAP; way++) {
		EXPECT_TRUE(zt_view_holds(&self->view, (8 + way) * ZT_P - 5, 10, 6 + way));
	}
}

TEST_F(vmo_data, V_050_V_242_reading_commits_nothing)
{
	struct zvm_stats before, now;

	ZT_ASSERT_U64(0, zt_committed(self->vmo));
	before = zt_stats();
	EXPECT_TRUE(zt_view_zero(&self->view, 0, self->len));
	EXPECT_TRUE(zt_view_zero(&self->view, 100, 10));
	ZT_EXPECT_U64(0, zt_committed(self->vmo));
	now = zt_stats();
	ZT_EXPECT_U64(before.pages, now.pages);

	/* the same beside pages that are there */
	ASSERT_EQ(0, zt_view_put(&self->view, 5 * ZT_P, "x", 1));
	EXPECT_TRUE(zt_view_zero(&self->view, 0, 5 * ZT_P));
	EXPECT_TRUE(zt_view_zero(&self->view, 6 * ZT_P, self->len - 6 * ZT_P));
	ZT_EXPECT_U64(ZT_P, zt_committed(self->vmo));
	EXPECT_TRUE(zt_view_zero(&self->view, 5 * ZT_P + 1, ZT_P - 1));
}

TEST_F(vmo_data, V_051_one_byte_commits_one_page)
{
	uint64_t want = 0;

	for (uint64_t page = 0; page < DATA_PAGES; page += 3) {
		ASSERT_EQ(0, zt_view_put(&self->view, page * ZT_P + page, "x", 1));
		want += ZT_P;
		ZT_EXPECT_U64(want, zt_committed(self->vmo)) TH_LOG("page %" PRIu64, page);
	}
	/* again: no more */
	ASSERT_EQ(0, zt_view_put(&self->view, 3 * ZT_P, "y", 1));
	ZT_EXPECT_U64(want, zt_committed(self->vmo));
	/* a page that was read before */
	EXPECT_EQ(0, zt_view_byte(&self->view, ZT_P));
	ASSERT_EQ(0, zt_view_put(&self->view, ZT_P, "y", 1));
	ZT_EXPECT_U64(want + ZT_P, zt_committed(self->vmo));
}

TEST_F(vmo_data, V_052_two_bytes_over_a_border_commit_two_pages)
{
	ASSERT_EQ(0, zt_view_put(&self->view, 7 * ZT_P - 1, "ab", 2));
	ZT_EXPECT_U64(2 * ZT_P, zt_committed(self->vmo));
	EXPECT_EQ('a', zt_view_byte(&self->view, 7 * ZT_P - 1));
	EXPECT_EQ('b', zt_view_byte(&self->view, 7 * ZT_P));
	/* leaf borders of the page map */
	ASSERT_EQ(0, zt_view_put(&self->view, 16 * ZT_P - 1, "ab", 2));
	ASSERT_EQ(0, zt_view_put(&self->view, 32 * ZT_P - 1, "ab", 2));
	ZT_EXPECT_U64(6 * ZT_P, zt_committed(self->vmo));
}

TEST_F(vmo_data, V_053_the_rest_of_the_page_stays)
{
	ASSERT_EQ(0, zt_view_fill(&self->view, 0, 3 * ZT_P, 1));
	ASSERT_EQ(0, zt_view_fill(&self->view, ZT_P + 100, 50, 2));
	EXPECT_TRUE(zt_view_holds(&self->view, 0, ZT_P + 100, 1));
	EXPECT_TRUE(zt_view_holds(&self->view, ZT_P + 100, 50, 2));
	EXPECT_TRUE(zt_view_holds(&self->view, ZT_P + 150, 2 * ZT_P - 150, 1));
	/* and a fresh page is zero around the written bytes */
	ASSERT_EQ(0, zt_view_fill(&self->view, 10 * ZT_P + 100, 50, 3));
	EXPECT_TRUE(zt_view_zero(&self->view, 10 * ZT_P, 100));
	EXPECT_TRUE(zt_view_holds(&self->view, 10 * ZT_P + 100, 50, 3));
	EXPECT_TRUE(zt_view_zero(&self->view, 10 * ZT_P + 150, ZT_P - 150));
}

TEST_F(vmo_data, V_234_fully_written_is_fully_charged)
{
	zx_info_vmo_t info;

	ASSERT_EQ(0, zt_view_fill(&self->view, 0, 2 * ZT_P, 1));
	info = zt_vmo_info(self->vmo);
	ZT_EXPECT_U64(2 * ZT_P, info.committed_bytes);
	ZT_EXPECT_U64(2 * ZT_P, info.populated_bytes);
	ZT_EXPECT_U64(2 * ZT_P, info.committed_private_bytes);
	ZT_EXPECT_U64(2 * ZT_P, info.populated_private_bytes);
	ZT_EXPECT_U64(2 * ZT_P, info.committed_scaled_bytes);
	ZT_EXPECT_U64(2 * ZT_P, info.populated_scaled_bytes);
	ZT_EXPECT_U64(0, info.committed_fractional_scaled_bytes);
	ZT_EXPECT_U64(0, info.populated_fractional_scaled_bytes);
}

/* ------------------------------------------------------------------------
 * Buffers that are mappings of the VMO itself
 */
#define SELF_LEN (40 * ZT_P)

FIXTURE(vmo_self)
{
	struct zvm_stats before;
	zx_handle_t vmo;
};

FIXTURE_VARIANT(vmo_self)
{
	enum zt_way way;
};

FIXTURE_VARIANT_ADD(vmo_self, mapping) { .way = ZT_MAPPING };
FIXTURE_VARIANT_ADD(vmo_self, mmap) { .way = ZT_MMAP };

FIXTURE_SETUP(vmo_self)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->vmo = zt_vmo(SELF_LEN, 0);
	ASSERT_NE(0u, self->vmo);
}

FIXTURE_TEARDOWN(vmo_self)
{
	zx_handle_close(self->vmo);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

/*
 * The buffer is a mapping of the range that is being read or written: nothing
 * may wait for itself. With pages that are absent, present and mapped.
 */
TEST_F(vmo_self, V_056_buffer_in_a_mapping_of_the_same_range)
{
	struct zt_view map;
	const int fd = zvm_handle_to_fd(self->vmo);
	const size_t len = SELF_LEN;

	/* absent, present, present and mapped */
	for (unsigned int state = 0; state < 3; state++) {
		if (state) {
			ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, SELF_LEN, 1));
		}
		for (int writing = 0; writing < 2; writing++) {
			ASSERT_EQ(0, zt_view_open(&map, variant->way, self->vmo, SELF_LEN));
			if (state == 2) {
				EXPECT_TRUE(zt_view_holds(&map, 0, SELF_LEN, 1));
			}
			/* the very same bytes: their value cannot change */
			if (writing) {
				ZT_EXPECT_OK(zx_vmo_write(self->vmo, map.base, 0, len));
				ZT_EXPECT_OK(zx_vmo_write(self->vmo, map.base + 5, 5, ZT_P));
				EXPECT_EQ((ssize_t)len, pwrite(fd, map.base, len, 0));
			} else {
				ZT_EXPECT_OK(zx_vmo_read(self->vmo, map.base, 0, len));
				ZT_EXPECT_OK(zx_vmo_read(self->vmo, map.base + 5, 5, ZT_P));
				EXPECT_EQ((ssize_t)len, pread(fd, map.base, len, 0));
			}
			if (state) {
				EXPECT_TRUE(zt_view_holds(&map, 0, SELF_LEN, 1));
			} else {
				EXPECT_TRUE(zt_view_zero(&map, 0, SELF_LEN));
			}
			zt_view_close(&map);
			if (!state)
				ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT,
							     0, len, NULL, 0));
		}
	}
	/* ranges of one VMO that do not overlap: an ordinary copy */
	ASSERT_EQ(0, zt_view_open(&map, variant->way, self->vmo, SELF_LEN));
	ZT_EXPECT_OK(zx_vmo_read(self->vmo, map.base + 20 * ZT_P + 3, 0, 3 * ZT_P));
	EXPECT_EQ(-1, zt_mismatch(map.base + 20 * ZT_P + 3, 3 * ZT_P, 0, 1));
	ZT_EXPECT_OK(zx_vmo_write(self->vmo, map.base + ZT_P, 30 * ZT_P + 1, 3 * ZT_P));
	EXPECT_EQ(-1, zt_mismatch(map.base + 30 * ZT_P + 1, 3 * ZT_P, ZT_P, 1));
	/* overlapping by a few bytes: done, and nothing outside is touched */
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, SELF_LEN, 1));
	ZT_EXPECT_OK(zx_vmo_write(self->vmo, map.base + ZT_P, ZT_P + 7, 4 * ZT_P));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, ZT_P + 7, 1));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 5 * ZT_P + 7, 10 * ZT_P, 1));
	zt_view_close(&map);
}

struct crossing {
	zx_handle_t from, to;
	uint8_t *from_map;
	size_t len;
	int err;
};

static void *cross(void *arg)
{
	struct crossing *c = arg;

	for (int i = 0; i < 100 && !c->err; i++)
		if (zx_vmo_write(c->to, c->from_map, 0, c->len) != ZX_OK ||
		    zx_vmo_read(c->to, c->from_map, 0, c->len) != ZX_OK)
			c->err = 1;
	return NULL;
}

/* Two threads, each writing one VMO out of a mapping of the other */
TEST_F(vmo_self, V_056_crossed_transfers_do_not_deadlock)
{
	zx_handle_t b = zt_vmo(SELF_LEN, 0);
	struct crossing c[2];
	struct zt_view va, vb;
	pthread_t t[2];

	ASSERT_NE(0u, b);
	ASSERT_EQ(0, zt_view_open(&va, variant->way, self->vmo, SELF_LEN));
	ASSERT_EQ(0, zt_view_open(&vb, variant->way, b, SELF_LEN));
	c[0] = (struct crossing){ self->vmo, b, va.base, 8 * ZT_P, 0 };
	c[1] = (struct crossing){ b, self->vmo, vb.base, 8 * ZT_P, 0 };
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_create(&t[i], NULL, cross, &c[i]));
	}
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(t[i], NULL));
		EXPECT_EQ(0, c[i].err);
	}
	zt_view_close(&va);
	zt_view_close(&vb);
	ZT_EXPECT_OK(zx_handle_close(b));
}

/* ------------------------------------------------------------------------
 * Concurrency and signals
 */
#define SHRINK_LEN (2u << 20)

struct shrinker {
	zx_handle_t vmo, other;
	volatile int stop;
	unsigned int rounds;
	int err;
};

/* Cuts the VMO, lets another VMO take the memory, grows and refills */
static void *shrink_and_grow(void *arg)
{
	struct shrinker *s = arg;
	uint8_t *mine = malloc(SHRINK_LEN), *foreign = malloc(SHRINK_LEN);

	memset(mine, 0x11, SHRINK_LEN);
	memset(foreign, 0xaa, SHRINK_LEN);
	while (!s->stop) {
		if (zx_vmo_set_size(s->vmo, (s->rounds % 7) * ZT_P) ||
		    zx_vmo_write(s->other, foreign, 0, SHRINK_LEN) ||
		    zx_vmo_set_size(s->vmo, SHRINK_LEN) ||
		    zx_vmo_write(s->vmo, mine, 0, SHRINK_LEN) ||
		    zx_vmo_op_range(s->other, ZX_VMO_OP_DECOMMIT, 0, SHRINK_LEN, NULL, 0))
			s->err = 1;
		s->rounds++;
	}
	free(mine);
	free(foreign);
	return NULL;
}

FIXTURE(vmo_race)
{
	struct zvm_stats before;
	struct zt_bag bag;
	zx_handle_t vmo;
};

FIXTURE_SETUP(vmo_race)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->vmo = zt_keep(&self->bag, zt_vmo(SHRINK_LEN, ZX_VMO_RESIZABLE));
	ASSERT_NE(0u, self->vmo);
}

FIXTURE_TEARDOWN(vmo_race)
{
	zt_empty(&self->bag);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

TEST_F(vmo_race, V_060_read_racing_with_shrink)
{
	struct shrinker s = { .other = zt_keep(&self->bag, zt_vmo(SHRINK_LEN, 0)) };
	uint64_t ok = 0, cut = 0, wrong = 0, end;
	uint8_t *buf = malloc(SHRINK_LEN);
	pthread_t t;

	s.vmo = self->vmo;
	ASSERT_NE(NULL, buf);
	ASSERT_NE(0u, s.other);
	ASSERT_EQ(0, pthread_create(&t, NULL, shrink_and_grow, &s));
	end = zt_now_ns() + 1500000000u;
	while (zt_now_ns() < end || !ok || !cut) {
		zx_status_t st;

		if (zt_now_ns() > end + 10000000000u)
			break;
		memset(buf, 0, SHRINK_LEN);
		st = zx_vmo_read(s.vmo, buf, 0, SHRINK_LEN);
		if (st == ZX_OK)
			ok++;
		else if (st == ZX_ERR_OUT_OF_RANGE)
			cut++;
		else
			wrong++;
		/* whatever part was copied: own bytes or zeros */
		for (size_t i = 0; i < SHRINK_LEN; i++)
			if (buf[i] != 0 && buf[i] != 0x11)
				wrong++;
	}
	s.stop = 1;
	ASSERT_EQ(0, pthread_join(t, NULL));
	EXPECT_EQ(0, s.err);
	EXPECT_EQ(0u, wrong);
	EXPECT_GT(s.rounds, 0u);
	EXPECT_GT(ok, 0u);
	EXPECT_GT(cut, 0u);
	free(buf);
}

/* The same, with writes and through a mapping: foreign bytes never change */
TEST_F(vmo_race, V_060_write_racing_with_shrink)
{
	struct shrinker s = { .other = zt_keep(&self->bag, zt_vmo(SHRINK_LEN, 0)) };
	uint64_t wrong = 0, end;
	uint8_t *buf = malloc(SHRINK_LEN);
	uint8_t *map;
	pthread_t t;

	s.vmo = self->vmo;
	ASSERT_NE(NULL, buf);
	ASSERT_NE(0u, s.other);
	map = zt_map(s.vmo, 0, SHRINK_LEN, ZT_RW | ZX_VM_ALLOW_FAULTS);
	ASSERT_NE(NULL, map);
	ASSERT_EQ(0, pthread_create(&t, NULL, shrink_and_grow, &s));
	end = zt_now_ns() + 1500000000u;
	while (zt_now_ns() < end) {
		zx_status_t st;
		int sig;

		memset(buf, 0x11, SHRINK_LEN);
		st = zx_vmo_write(s.vmo, buf, 0, SHRINK_LEN);
		wrong += st != ZX_OK && st != ZX_ERR_OUT_OF_RANGE;
		for (size_t i = 0; i < SHRINK_LEN; i += ZT_P) {
			sig = zt_try_store(map + i, 0x11);
			wrong += sig != 0 && sig != SIGBUS;
		}
		st = zx_vmo_read(s.other, buf, 0, SHRINK_LEN);
		wrong += st != ZX_OK;
		/* torn between filled and decommitted, but never ours */
		for (size_t i = 0; i < SHRINK_LEN; i++)
			wrong += buf[i] != 0 && buf[i] != 0xaa;
	}
	s.stop = 1;
	ASSERT_EQ(0, pthread_join(t, NULL));
	EXPECT_EQ(0, s.err);
	EXPECT_EQ(0u, wrong);
	ZT_EXPECT_OK(zt_unmap(map, SHRINK_LEN));
	free(buf);
}

/*
 * More than one system call can move on Linux (2 GiB - 1 page). The buffer is
 * many windows on one small file, so that it takes no memory.
 */
TEST(V_041_read_of_more_than_2_GiB)
{
	const uint64_t window = 32u << 20, windows = 66, len = window * windows;
	zx_handle_t vmo = zt_vmo(len, 0);
	int mem = memfd_create("windows", MFD_CLOEXEC);
	uint64_t start;
	uint8_t *buf;

	ASSERT_NE(0u, vmo);
	ASSERT_GE(mem, 0);
	ASSERT_EQ(0, ftruncate(mem, (off_t)window));
	buf = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, buf);
	for (uint64_t i = 0; i < windows; i++) {
		ASSERT_NE(MAP_FAILED, mmap(buf + i * window, window, PROT_READ | PROT_WRITE,
					   MAP_SHARED | MAP_FIXED, mem, 0));
	}
	ASSERT_EQ(0, zt_vmo_fill(vmo, len - 10000, 10000, 1));
	/* the first window gets the file its memory, the second tells what one takes */
	ZT_ASSERT_OK(zx_vmo_read(vmo, buf, 0, window));
	start = zt_now_ns();
	ZT_ASSERT_OK(zx_vmo_read(vmo, buf + window, window, window));
	if ((zt_now_ns() - start) * windows > 20000000000u)
		SKIP(return, "this kernel is too slow for it");
	ZT_EXPECT_OK(zx_vmo_read(vmo, buf, 0, len));
	EXPECT_EQ(-1, zt_mismatch(buf + len - 10000, 10000, len - 10000, 1));
	EXPECT_EQ(0, buf[len - 10001]);
	ZT_EXPECT_U64(3 * ZT_P, zt_committed(vmo));
	EXPECT_EQ(0, munmap(buf, len));
	close(mem);
	ZT_EXPECT_OK(zx_handle_close(vmo));
}

static volatile sig_atomic_t ticks;

static void on_tick(int sig ZT_UNUSED)
{
	ticks++;
}

static void start_ticks(struct __test_metadata *_metadata, long usec)
{
	/* no SA_RESTART: a call that can be interrupted is */
	struct sigaction sa = { .sa_handler = on_tick };
	struct itimerval it = { { 0, usec }, { 0, usec } };

	ticks = 0;
	ASSERT_EQ(0, sigaction(SIGALRM, &sa, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &it, NULL));
}

static void stop_ticks(void)
{
	struct itimerval it = { { 0, 0 }, { 0, 0 } };

	setitimer(ITIMER_REAL, &it, NULL);
}

/* The library's calls never end early, whatever signals arrive */
TEST_F(vmo_race, signals_neither_lose_nor_double_bytes)
{
	const size_t len = 24u << 20;
	zx_handle_t h = zt_keep(&self->bag, zt_vmo(len, 0));
	uint8_t *buf = malloc(len);

	ASSERT_NE(NULL, buf);
	ASSERT_NE(0u, h);
	zt_fill(buf, len, 1, 1);
	start_ticks(_metadata, 300);
	for (unsigned int round = 0; round < 4 || ticks < 10; round++) {
		ZT_EXPECT_OK(zx_vmo_write(h, buf, 0, len));
		memset(buf, 0, len);
		ZT_EXPECT_OK(zx_vmo_read(h, buf, 0, len));
		ASSERT_LT(round, 2000u);
	}
	stop_ticks();
	EXPECT_EQ(-1, zt_mismatch(buf, len, 1, 1));
	EXPECT_GE(ticks, 10);
	ZT_EXPECT_U64(len, zt_committed(h));
	free(buf);
}

TEST_HARNESS_MAIN
