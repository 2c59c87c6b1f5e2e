// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Handles: closing, duplicating, replacing, stale values, and what becomes of
 * them as Linux file descriptors (dup, fork, exec, sockets, close behind the
 * library's back).
 */
#include "kselftest_harness.h"
#include "zvm_test.h"

#include <sys/resource.h>

FIXTURE(handle)
{
	struct zvm_stats before;
	struct zt_bag bag;
	zx_handle_t h;
};

FIXTURE_VARIANT(handle)
{
	bool vmar;
	uint32_t options;
};

FIXTURE_VARIANT_ADD(handle, vmo) { .options = 0 };
FIXTURE_VARIANT_ADD(handle, resizable) { .options = ZX_VMO_RESIZABLE };
FIXTURE_VARIANT_ADD(handle, vmar) { .vmar = true };

static zx_handle_t new_object(bool vmar, uint32_t options)
{
	zx_handle_t h = ZX_HANDLE_INVALID;
	zx_vaddr_t addr;

	if (!vmar)
		return zt_vmo(zt_page(), options);
	if (zx_vmar_allocate(zx_vmar_root_self(), ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE, 0,
			     4 * zt_page(), &h, &addr) != ZX_OK)
		return ZX_HANDLE_INVALID;
	return h;
}

FIXTURE_SETUP(handle)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->h = zt_keep(&self->bag, new_object(variant->vmar, variant->options));
	ASSERT_NE(0u, self->h);
}

FIXTURE_TEARDOWN(handle)
{
	zx_handle_t last;

	/* closing does not free a region, destroying does; any handle of it will do */
	if (variant->vmar) {
		for (unsigned int i = 0; i < self->bag.n; i++) {
			last = self->bag.h[i];
			if (zt_live(last) && zx_vmar_destroy(last) == ZX_OK)
				break;
		}
	}
	zt_empty(&self->bag);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

TEST_F(handle, H_001_H_002_close)
{
	zx_handle_t d = zt_dup(self->h, ZX_RIGHT_SAME_RIGHTS);

	ASSERT_NE(0u, d);
	ZT_EXPECT_OK(zx_handle_close(ZX_HANDLE_INVALID));
	ZT_EXPECT_OK(zx_handle_close(d));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_close(d));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_close(d));
	EXPECT_TRUE(zt_live(self->h));
}

TEST_F(handle, H_002_close_needs_no_right)
{
	zx_handle_t d = zt_dup(self->h, ZX_RIGHT_NONE);

	ASSERT_NE(0u, d);
	ZT_EXPECT_OK(zx_handle_close(d));
	EXPECT_FALSE(zt_live(d));
}

/*
 * The descriptor number of a closed handle is used again at once (Linux gives
 * out the lowest); the handle value is not.
 */
TEST_F(handle, H_003_stale_value_stays_dead)
{
	zx_handle_t stale = zt_dup(self->h, ZX_RIGHT_SAME_RIGHTS);
	unsigned int reused = 0;
	zx_koid_t koid;
	int fd;

	ASSERT_NE(0u, stale);
	fd = zvm_handle_to_fd(stale);
	ASSERT_GE(fd, 0);
	ZT_ASSERT_OK(zx_handle_close(stale));
	for (int i = 0; i < 1000; i++) {
		zx_handle_t n = i % 2 ? zt_vmo(ZT_P, 0) : zt_dup(self->h, ZX_RIGHT_SAME_RIGHTS);
		uint64_t x;

		ASSERT_NE(0u, n);
		ASSERT_NE(stale, n);
		reused += zvm_handle_to_fd(n) == fd;
		koid = zt_koid(n);
		ASSERT_FALSE(zt_live(stale));
		ASSERT_EQ(ZX_ERR_BAD_HANDLE, zx_handle_close(stale));
		ASSERT_EQ(ZX_ERR_BAD_HANDLE, zx_vmo_get_size(stale, &x));
		ASSERT_EQ(-1, zvm_handle_to_fd(stale));
		/* and the newcomer is unharmed */
		ASSERT_EQ(koid, zt_koid(n));
		ASSERT_EQ(ZX_OK, zx_handle_close(n));
	}
	/* else this test has shown nothing */
	EXPECT_EQ(1000u, reused);
}

TEST_F(handle, H_004_low_bits)
{
	uint64_t size;

	for (uint32_t x = 1; x <= 3; x++) {
		zx_handle_t odd = self->h ^ x, out = 0;

		EXPECT_FALSE(zt_live(odd));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_close(odd));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_get_size(odd, &size));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE,
				 zx_handle_duplicate(odd, ZX_RIGHT_SAME_RIGHTS, &out));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE,
				 zx_handle_replace(odd, ZX_RIGHT_SAME_RIGHTS, &out));
		EXPECT_EQ(-1, zvm_handle_to_fd(odd));
		EXPECT_EQ(0u, out);
	}
	EXPECT_TRUE(zt_live(self->h));
}

/* Values that never were handles, and other descriptors in the shape of one */
TEST_F(handle, H_004_made_up_values)
{
	const zx_handle_t odd[] = { 3, 7, 11, 0xffffffff, 0x80000003, 0x7fffffff, 1023u << 2 | 3 };
	zx_handle_t fd_only = (zx_handle_t)zvm_handle_to_fd(self->h) << 2 | 3;

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		EXPECT_FALSE(zt_live(odd[i])) TH_LOG("%#x", odd[i]);
		ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_close(odd[i]));
	}
	/* the right descriptor with every wrong generation */
	for (uint32_t g = 0; g < 1024; g++) {
		zx_handle_t v = (self->h & 0x3fffff) | g << 22;

		if (v == self->h)
			continue;
		ASSERT_FALSE(zt_live(v)) TH_LOG("%#x, the handle is %#x", v, self->h);
	}
	EXPECT_FALSE(zt_live(fd_only));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_close(fd_only));
	/* standard output is still there */
	EXPECT_GE(fcntl(1, F_GETFD), 0);
	EXPECT_TRUE(zt_live(self->h));
}

TEST_F(handle, H_005_close_many_with_bad_entries)
{
	zx_handle_t a = zt_dup(self->h, ZX_RIGHT_SAME_RIGHTS);
	zx_handle_t b = zt_dup(self->h, ZX_RIGHT_NONE);
	zx_handle_t dead = zt_dup(self->h, ZX_RIGHT_SAME_RIGHTS);
	zx_handle_t list[] = { a, dead, 4, b };

	ASSERT_TRUE(a && b && dead);
	ZT_ASSERT_OK(zx_handle_close(dead));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_close_many(list, ARRAY_SIZE(list)));
	EXPECT_FALSE(zt_live(a));
	EXPECT_FALSE(zt_live(b));
	EXPECT_TRUE(zt_live(self->h));
}

TEST_F(handle, H_006_close_many)
{
	zx_handle_t list[200];
	size_t i;

	ZT_EXPECT_OK(zx_handle_close_many(NULL, 0));
	memset(list, 0, sizeof(list));
	ZT_EXPECT_OK(zx_handle_close_many(list, ARRAY_SIZE(list)));
	/* more than one chunk of 64, with zeros between */
	for (i = 0; i < ARRAY_SIZE(list); i += 2) {
		list[i] = zt_dup(self->h, ZX_RIGHT_SAME_RIGHTS);
		ASSERT_NE(0u, list[i]);
	}
	ZT_EXPECT_OK(zx_handle_close_many(list, 0));
	EXPECT_TRUE(zt_live(list[0]));
	ZT_EXPECT_OK(zx_handle_close_many(list, ARRAY_SIZE(list)));
	for (i = 0; i < ARRAY_SIZE(list); i += 2) {
		EXPECT_FALSE(zt_live(list[i]));
	}
	/* the same twice */
	list[0] = list[1] = zt_dup(self->h, ZX_RIGHT_SAME_RIGHTS);
	ASSERT_NE(0u, list[0]);
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_close_many(list, 2));
	EXPECT_FALSE(zt_live(list[0]));
	EXPECT_TRUE(zt_live(self->h));
}

TEST_F(handle, H_006_close_many_unreadable_array)
{
	zx_handle_t *two = mmap(NULL, 2 * ZT_P, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct zt_bad bad[ZT_BAD_READ_N];
	zx_handle_t *list;

	zt_bad_read(bad);
	for (struct zt_bad *b = bad; b->name; b++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_handle_close_many(b->ptr, 1))
			TH_LOG("%s", b->name);
		EXPECT_EQ(ZX_OK, zx_handle_close_many(b->ptr, 0)) TH_LOG("%s", b->name);
	}
	/* 64 good entries, then one that cannot be read */
	ASSERT_NE(MAP_FAILED, two);
	ASSERT_EQ(0, munmap((char *)two + ZT_P, ZT_P));
	list = (zx_handle_t *)((char *)two + ZT_P) - 64;
	for (int i = 0; i < 64; i++) {
		list[i] = zt_dup(self->h, ZX_RIGHT_SAME_RIGHTS);
		ASSERT_NE(0u, list[i]);
	}
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_handle_close_many(list, 65));
	for (int i = 0; i < 64; i++) {
		EXPECT_FALSE(zt_live(list[i]));
	}
	EXPECT_TRUE(zt_live(self->h));
}

TEST_F(handle, H_007_H_008_duplicate)
{
	zx_rights_t all = zt_rights(self->h);
	zx_koid_t koid = zt_koid(self->h);
	zx_handle_t d;

	ZT_ASSERT_OK(zx_handle_duplicate(self->h, ZX_RIGHT_SAME_RIGHTS, &d));
	zt_keep(&self->bag, d);
	EXPECT_EQ(all, zt_rights(d));
	EXPECT_EQ(koid, zt_koid(d));
	EXPECT_NE(self->h, d);
	EXPECT_NE(zvm_handle_to_fd(self->h), zvm_handle_to_fd(d));
	/* every single right there is, the whole set, and none */
	for (unsigned int bit = 0; bit < 31; bit++) {
		d = 0x99;
		if (all & 1u << bit) {
			ZT_ASSERT_OK(zx_handle_duplicate(self->h, 1u << bit, &d));
			EXPECT_EQ(1u << bit, zt_rights(d));
			EXPECT_EQ(koid, zt_koid(d));
			ZT_EXPECT_OK(zx_handle_close(d));
			ZT_ASSERT_OK(zx_handle_duplicate(self->h, all & ~(1u << bit), &d));
			EXPECT_EQ(all & ~(1u << bit), zt_rights(d));
			ZT_EXPECT_OK(zx_handle_close(d));
		} else {
			ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
					 zx_handle_duplicate(self->h, 1u << bit, &d));
			ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
					 zx_handle_duplicate(self->h, all | 1u << bit, &d));
			EXPECT_EQ(0x99u, d);
		}
	}
	ZT_ASSERT_OK(zx_handle_duplicate(self->h, all, &d));
	zt_keep(&self->bag, d);
	EXPECT_EQ(all, zt_rights(d));
	ZT_ASSERT_OK(zx_handle_duplicate(self->h, 0, &d));
	zt_keep(&self->bag, d);
	EXPECT_EQ(0u, zt_rights(d));
	EXPECT_EQ(koid, zt_koid(d));
	/* the token with other bits is no token */
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_handle_duplicate(self->h, ZX_RIGHT_SAME_RIGHTS | ZX_RIGHT_READ, &d));
}

TEST_F(handle, H_009_duplicate_order_of_checks)
{
	zx_handle_t no_dup = zt_keep(&self->bag, zt_without(self->h, ZX_RIGHT_DUPLICATE));
	zx_handle_t dead = zt_dup(self->h, ZX_RIGHT_SAME_RIGHTS), out = 0;
	struct zt_bad bad[ZT_BAD_WRITE_N];

	ASSERT_TRUE(no_dup && dead);
	ZT_ASSERT_OK(zx_handle_close(dead));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_handle_duplicate(no_dup, ZX_RIGHT_SAME_RIGHTS, &out));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_handle_duplicate(no_dup, 0, &out));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_handle_duplicate(no_dup, 1u << 30, &out));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_handle_duplicate(no_dup, 1u << 30, NULL));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_duplicate(dead, 1u << 30, NULL));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_duplicate(0, 0, NULL));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_handle_duplicate(self->h, 1u << 30, NULL));
	EXPECT_EQ(0u, out);
	zt_bad_write(bad);
	for (struct zt_bad *b = bad; b->name; b++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS,
			  zx_handle_duplicate(self->h, ZX_RIGHT_SAME_RIGHTS, b->ptr))
			TH_LOG("%s", b->name);
	}
	EXPECT_TRUE(zt_live(self->h));
}

TEST_F(handle, H_010_H_012_replace)
{
	zx_rights_t all = zt_rights(self->h), some = all & ~ZX_RIGHT_DUPLICATE;
	zx_koid_t koid = zt_koid(self->h);
	zx_handle_t a = 0, b = 0, c = 0;

	ZT_ASSERT_OK(zx_handle_replace(self->h, some, &a));
	zt_keep(&self->bag, a);
	EXPECT_NE(self->h, a);
	EXPECT_FALSE(zt_live(self->h));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_close(self->h));
	EXPECT_EQ(some, zt_rights(a));
	EXPECT_EQ(koid, zt_koid(a));
	/* it needs no right, not even DUPLICATE */
	ZT_ASSERT_OK(zx_handle_replace(a, ZX_RIGHT_SAME_RIGHTS, &b));
	zt_keep(&self->bag, b);
	EXPECT_FALSE(zt_live(a));
	EXPECT_EQ(some, zt_rights(b));
	ZT_ASSERT_OK(zx_handle_replace(b, variant->vmar ? ZX_RIGHT_OP_CHILDREN : 0, &c));
	zt_keep(&self->bag, c);
	EXPECT_FALSE(zt_live(b));
	EXPECT_EQ(variant->vmar ? ZX_RIGHT_OP_CHILDREN : 0u, zt_rights(c));
	EXPECT_EQ(koid, zt_koid(c));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_replace(b, 0, &a));
}

TEST_F(handle, H_011_replace_with_too_many_rights)
{
	zx_handle_t a = zt_keep(&self->bag, zt_without(self->h, ZX_RIGHT_TRANSFER));
	zx_handle_t b = zt_keep(&self->bag, zt_dup(self->h, ZX_RIGHT_SAME_RIGHTS));
	zx_handle_t out = 0x55;

	ASSERT_TRUE(a && b);
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_handle_replace(a, ZX_RIGHT_TRANSFER, &out));
	EXPECT_FALSE(zt_live(a));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_close(a));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_handle_replace(b, ZX_RIGHT_SAME_RIGHTS | ZX_RIGHT_DUPLICATE, &out));
	EXPECT_FALSE(zt_live(b));
	EXPECT_EQ(0x55u, out);
	EXPECT_TRUE(zt_live(self->h));
}

TEST_F(handle, H_010_replace_with_bad_out_pointer)
{
	struct zt_bad bad[ZT_BAD_WRITE_N];

	zt_bad_write(bad);
	for (struct zt_bad *b = bad; b->name; b++) {
		zx_handle_t d = zt_keep(&self->bag, zt_dup(self->h, ZX_RIGHT_SAME_RIGHTS));

		ASSERT_NE(0u, d);
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_handle_replace(d, ZX_RIGHT_SAME_RIGHTS, b->ptr))
			TH_LOG("%s", b->name);
	}
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_replace(0, ZX_RIGHT_SAME_RIGHTS, NULL));
}

TEST_F(handle, check_valid)
{
	zx_handle_t d = zt_dup(self->h, ZX_RIGHT_NONE);

	ASSERT_NE(0u, d);
	ZT_EXPECT_OK(zx_handle_check_valid(self->h));
	ZT_EXPECT_OK(zx_handle_check_valid(d));
	ZT_ASSERT_OK(zx_handle_close(d));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, zx_handle_check_valid(d));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_handle_check_valid(ZX_HANDLE_INVALID));
	for (uint32_t x = 1; x <= 3; x++)
		ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_handle_check_valid(self->h ^ x));
}

/* H-013: every typed call, with a handle that has no right at all */
TEST_F(handle, H_013_wrong_type_comes_before_missing_right)
{
	zx_handle_t bare = zt_keep(&self->bag, zt_dup(self->h, ZX_RIGHT_NONE));
	zx_handle_t vmo = zt_keep(&self->bag, zt_vmo(ZT_P, 0));
	zx_vaddr_t addr = 0;
	zx_handle_t out = 0;
	uint64_t x = 0;
	char rec[512];

	ASSERT_TRUE(bare && vmo);
	if (variant->vmar) {
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmo_read(bare, &x, 0, 1));
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmo_write(bare, &x, 0, 1));
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmo_get_size(bare, &x));
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmo_set_size(bare, 0));
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmo_get_stream_size(bare, &x));
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmo_set_stream_size(bare, 0));
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
				 zx_vmo_op_range(bare, ZX_VMO_OP_COMMIT, 0, 1, NULL, 0));
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmo_set_cache_policy(bare, 0));
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
				 zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0, bare, 0,
					     ZT_P, &addr));
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
				 zx_object_get_info(bare, ZX_INFO_VMO, rec, sizeof(rec), NULL,
						    NULL));
	} else {
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
				 zx_vmar_allocate(bare, ZX_VM_CAN_MAP_READ, 0, ZT_P, &out, &addr));
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
				 zx_vmar_map(bare, ZX_VM_PERM_READ, 0, vmo, 0, ZT_P, &addr));
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmar_unmap(bare, 0x100000, ZT_P));
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
				 zx_vmar_protect(bare, ZX_VM_PERM_READ, 0x100000, ZT_P));
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmar_destroy(bare));
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
				 zx_vmar_op_range(bare, ZX_VMAR_OP_COMMIT, 0x100000, ZT_P, NULL,
						  0));
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
				 zvm_vmar_lend(bare, ZX_RIGHT_SAME_RIGHTS, &out));
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
				 zx_object_get_info(bare, ZX_INFO_VMAR, rec, sizeof(rec), NULL,
						    NULL));
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
				 zx_object_get_info(bare, ZX_INFO_VMAR_MAPS, rec, sizeof(rec),
						    NULL, NULL));
	}
	EXPECT_EQ(0u, out);
	ZT_EXPECT_U64(0, addr);
}

/* ------------------------------------------------------------------------
 * Handles as file descriptors
 */
TEST_F(handle, fd_is_close_on_exec)
{
	zx_handle_t d = zt_keep(&self->bag, zt_dup(self->h, ZX_RIGHT_SAME_RIGHTS));
	zx_handle_t r = 0;

	ASSERT_NE(0u, d);
	EXPECT_EQ(FD_CLOEXEC, fcntl(zvm_handle_to_fd(self->h), F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(zvm_handle_to_fd(d), F_GETFD));
	ZT_ASSERT_OK(zx_handle_replace(d, ZX_RIGHT_SAME_RIGHTS, &r));
	zt_keep(&self->bag, r);
	EXPECT_EQ(FD_CLOEXEC, fcntl(zvm_handle_to_fd(r), F_GETFD));
}

TEST_F(handle, dup_keeps_rights_and_is_the_same_handle)
{
	zx_handle_t weak = zt_dup(self->h, ZX_RIGHT_INSPECT | ZX_RIGHT_TRANSFER), again = 0;
	zx_info_handle_count_t count = { 0 }, count2 = { 0 };
	zx_koid_t koid = zt_koid(self->h);
	int fd;

	ASSERT_NE(0u, weak);
	ZT_ASSERT_OK(zx_object_get_info(weak, ZX_INFO_HANDLE_COUNT, &count, sizeof(count), NULL,
					NULL));
	fd = dup(zvm_handle_to_fd(weak));
	ASSERT_GE(fd, 0);
	/* the descriptor outlives the handle it was made of */
	ZT_ASSERT_OK(zx_handle_close(weak));
	EXPECT_FALSE(zt_live(weak));
	ZT_ASSERT_OK(zvm_handle_from_fd(fd, &again));
	zt_keep(&self->bag, again);
	EXPECT_NE(weak, again);
	EXPECT_EQ(fd, zvm_handle_to_fd(again));
	EXPECT_EQ((zx_rights_t)(ZX_RIGHT_INSPECT | ZX_RIGHT_TRANSFER), zt_rights(again));
	EXPECT_EQ(koid, zt_koid(again));
	EXPECT_EQ(variant->vmar ? (zx_obj_type_t)ZX_OBJ_TYPE_VMAR : (zx_obj_type_t)ZX_OBJ_TYPE_VMO,
		  zt_type(again));
	ZT_ASSERT_OK(zx_object_get_info(again, ZX_INFO_HANDLE_COUNT, &count2, sizeof(count2), NULL,
					NULL));
	EXPECT_EQ(count.handle_count, count2.handle_count);
	/* closing it closes the descriptor */
	ZT_EXPECT_OK(zx_handle_close(again));
	EXPECT_EQ(-1, fcntl(fd, F_GETFD));
}

TEST_F(handle, from_fd_checks)
{
	struct zt_bad bad[ZT_BAD_WRITE_N];
	zx_handle_t out = 0x66;
	int dev = open("/dev/zircon-vm", O_RDWR | O_CLOEXEC);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int p[2], fd;

	ASSERT_GE(dev, 0);
	ASSERT_GE(null, 0);
	ASSERT_EQ(0, pipe2(p, O_CLOEXEC));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zvm_handle_from_fd(dev, &out));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zvm_handle_from_fd(null, &out));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zvm_handle_from_fd(p[0], &out));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zvm_handle_from_fd(-1, &out));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zvm_handle_from_fd(INT32_MAX, &out));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zvm_handle_from_fd(INT32_MIN, &out));
	close(p[0]);
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zvm_handle_from_fd(p[0], &out));
	EXPECT_EQ(0x66u, out);
	/* what is refused stays open */
	EXPECT_GE(fcntl(dev, F_GETFD), 0);
	EXPECT_GE(fcntl(null, F_GETFD), 0);
	EXPECT_GE(fcntl(p[1], F_GETFD), 0);
	fd = dup(zvm_handle_to_fd(self->h));
	ASSERT_GE(fd, 0);
	zt_bad_write(bad);
	for (struct zt_bad *b = bad; b->name; b++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, zvm_handle_from_fd(fd, b->ptr))
			TH_LOG("%s", b->name);
		EXPECT_GE(fcntl(fd, F_GETFD), 0);
	}
	EXPECT_EQ(0, close(fd));
	close(dev);
	close(null);
	close(p[1]);
}

/*
 * Replacing ends the handle value. A descriptor that dup(2) made of the old
 * handle is what it was, with the old rights and no more.
 */
TEST_F(handle, H_010_replace_and_dup)
{
	const zx_rights_t rights = ZX_RIGHT_INSPECT | ZX_RIGHT_TRANSFER;
	zx_handle_t weak = zt_dup(self->h, rights), next = 0, again = 0;
	int fd = dup(zvm_handle_to_fd(weak));

	ASSERT_GE(fd, 0);
	ZT_ASSERT_OK(zx_handle_replace(weak, ZX_RIGHT_TRANSFER, &next));
	zt_keep(&self->bag, next);
	EXPECT_FALSE(zt_live(weak));
	ZT_ASSERT_OK(zvm_handle_from_fd(fd, &again));
	zt_keep(&self->bag, again);
	EXPECT_EQ(fd, zvm_handle_to_fd(again));
	EXPECT_NE(weak, again);
	EXPECT_EQ(rights, zt_rights(again));
	EXPECT_EQ((zx_rights_t)ZX_RIGHT_TRANSFER, zt_rights(next));
	EXPECT_FALSE(zt_live(weak));
}

/* No way to more rights: a handle cannot be opened again through /proc. */
TEST_F(handle, reopening_through_proc_is_refused)
{
	zx_handle_t weak = zt_keep(&self->bag, zt_dup(self->h, ZX_RIGHT_INSPECT));
	const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDONLY | O_NONBLOCK, O_RDWR | O_TRUNC };
	int fd = zvm_handle_to_fd(weak);
	char path[64];

	ASSERT_GE(fd, 0);
	for (int kind = 0; kind < 2; kind++) {
		if (kind)
			snprintf(path, sizeof(path), "/dev/fd/%d", fd);
		else
			snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (kind && access("/dev/fd", F_OK))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
			EXPECT_EQ(-1, open(path, modes[i] | O_CLOEXEC));
		}
		EXPECT_EQ(-1, truncate(path, 0));
		EXPECT_EQ(-1, chmod(path, 0777));
	}
	EXPECT_EQ(-1, fchmod(fd, 0777));
	/* an O_PATH descriptor is no handle */
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd >= 0) {
		zx_handle_t out = 0;

		EXPECT_NE(ZX_OK, zvm_handle_from_fd(fd, &out));
		EXPECT_EQ(0u, out);
		close(fd);
	}
}

TEST_F(handle, fdinfo_lines)
{
	zx_handle_t weak = zt_keep(&self->bag, zt_dup(self->h, ZX_RIGHT_INSPECT | ZX_RIGHT_READ));
	char v[128];

	ASSERT_NE(0u, weak);
	ASSERT_TRUE(zt_fdinfo(zvm_handle_to_fd(self->h), "koid", v, sizeof(v)));
	ZT_EXPECT_U64(zt_koid(self->h), strtoull(v, NULL, 0));
	ASSERT_TRUE(zt_fdinfo(zvm_handle_to_fd(self->h), "type", v, sizeof(v)));
	EXPECT_STREQ(variant->vmar ? "vmar" : "vmo", v);
	ASSERT_TRUE(zt_fdinfo(zvm_handle_to_fd(self->h), "rights", v, sizeof(v)));
	ZT_EXPECT_U64(zt_rights(self->h), strtoull(v, NULL, 0));
	/* rights are the handle's, koid is the object's */
	ASSERT_TRUE(zt_fdinfo(zvm_handle_to_fd(weak), "rights", v, sizeof(v)));
	ZT_EXPECT_U64(ZX_RIGHT_INSPECT | ZX_RIGHT_READ, strtoull(v, NULL, 0));
	ASSERT_TRUE(zt_fdinfo(zvm_handle_to_fd(weak), "koid", v, sizeof(v)));
	ZT_EXPECT_U64(zt_koid(self->h), strtoull(v, NULL, 0));
	if (variant->vmar)
		return;
	ASSERT_TRUE(zt_fdinfo(zvm_handle_to_fd(self->h), "size", v, sizeof(v)));
	ZT_EXPECT_U64(ZT_P, strtoull(v, NULL, 0));
	ASSERT_TRUE(zt_fdinfo(zvm_handle_to_fd(weak), "size", v, sizeof(v)));
	ZT_EXPECT_U64(ZT_P, strtoull(v, NULL, 0));
}

struct receiver {
	int sock;
	zx_koid_t koid;
	zx_rights_t rights;
	bool raw;	/* plain SCM_RIGHTS instead of the library's call */
	bool vmo;
};

static int receive(void *arg)
{
	struct receiver *r = arg;
	zx_handle_t h = ZX_HANDLE_INVALID, out;
	char c;

	if (r->raw) {
		int fd = zt_recv_fd(r->sock);

		if (fd < 0 || zvm_handle_from_fd(fd, &h) != ZX_OK)
			return 1;
	} else if (zvm_handle_recv(r->sock, &h) != ZX_OK) {
		return 2;
	}
	if (zt_koid(h) != r->koid)
		return 3;
	if (zt_rights(h) != r->rights)
		return 4;
	if (fcntl(zvm_handle_to_fd(h), F_GETFD) != FD_CLOEXEC)
		return 5;
	/* no more rights here than there */
	if (zx_handle_duplicate(h, ZX_RIGHT_SAME_RIGHTS, &out) != ZX_ERR_ACCESS_DENIED)
		return 6;
	if (r->vmo && (zx_vmo_read(h, &c, 0, 1) != ZX_OK || c != 'h' ||
		       zx_vmo_write(h, "x", 0, 1) != ZX_ERR_ACCESS_DENIED ||
		       pwrite(zvm_handle_to_fd(h), "x", 1, 0) != -1))
		return 7;
	return 0;
}

TEST_F(handle, passing_over_a_socket_keeps_rights)
{
	const zx_rights_t rights = ZX_RIGHT_READ | ZX_RIGHT_TRANSFER | ZX_RIGHT_INSPECT;

	if (!variant->vmar)
		ZT_ASSERT_OK(zx_vmo_write(self->h, "h", 0, 1));
	for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
		for (int raw = 0; raw < 2; raw++) {
			zx_handle_t h = zt_dup(self->h, rights);
			struct receiver r;
			int s[2];

			ASSERT_NE(0u, h);
			ASSERT_EQ(0, socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, s));
			r = (struct receiver){ s[1], zt_koid(h), rights, raw, !variant->vmar };
			if (raw) {
				EXPECT_EQ(0, zt_send_fd(s[0], zvm_handle_to_fd(h)));
				ZT_EXPECT_OK(zx_handle_close(h));
			} else {
				ZT_EXPECT_OK(zvm_handle_send(s[0], h));
				/* sending moves it */
				EXPECT_FALSE(zt_live(h));
			}
			EXPECT_EQ(0, zt_fork_run(receive, &r));
			close(s[0]);
			close(s[1]);
		}
	}
}

TEST_F(handle, send_and_receive_checks)
{
	zx_handle_t fixed = zt_keep(&self->bag, zt_without(self->h, ZX_RIGHT_TRANSFER));
	zx_handle_t dead = zt_dup(self->h, ZX_RIGHT_SAME_RIGHTS), h, out = 0x44;
	int s[2], p[2], null;

	ASSERT_TRUE(fixed && dead);
	ZT_ASSERT_OK(zx_handle_close(dead));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, s));
	ASSERT_EQ(0, pipe2(p, O_CLOEXEC));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zvm_handle_send(s[0], fixed));
	EXPECT_TRUE(zt_live(fixed));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zvm_handle_send(s[0], dead));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zvm_handle_send(s[0], ZX_HANDLE_INVALID));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zvm_handle_send(p[1], self->h));
	EXPECT_TRUE(zt_live(self->h));
	ZT_EXPECT_STATUS(ZX_ERR_SHOULD_WAIT, zvm_handle_recv(s[1], &out));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zvm_handle_recv(p[0], &out));

	/* a message without a handle, and one with another kind of file */
	ASSERT_EQ(1, write(s[0], "x", 1));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zvm_handle_recv(s[1], &out));
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ASSERT_GE(null, 0);
	ASSERT_EQ(0, zt_send_fd(s[0], null));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zvm_handle_recv(s[1], &out));
	EXPECT_EQ(0x44u, out);

	/* in flight, then thrown away with the socket: nothing is lost (teardown) */
	h = zt_dup(self->h, ZX_RIGHT_SAME_RIGHTS);
	ASSERT_NE(0u, h);
	ZT_ASSERT_OK(zvm_handle_send(s[0], h));
	close(s[1]);
	ZT_EXPECT_STATUS(ZX_ERR_PEER_CLOSED, zvm_handle_send(s[0], self->h));
	EXPECT_TRUE(zt_live(self->h));
	close(s[0]);
	close(p[0]);
	close(p[1]);
	close(null);
}

/* A handle in flight is alive, though no process has it. */
TEST_F(handle, in_flight)
{
	zx_koid_t koid = zt_koid(self->h);
	zx_handle_t only, back = 0;
	int s[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s));
	if (!variant->vmar)
		ZT_ASSERT_OK(zx_vmo_write(self->h, "q", 5, 1));
	ZT_ASSERT_OK(zx_handle_replace(self->h, ZX_RIGHT_SAME_RIGHTS, &only));
	ZT_ASSERT_OK(zvm_handle_send(s[0], only));
	EXPECT_FALSE(zt_live(only));
	ZT_ASSERT_OK(zvm_handle_recv(s[1], &back));
	zt_keep(&self->bag, back);
	EXPECT_EQ(koid, zt_koid(back));
	if (!variant->vmar) {
		EXPECT_EQ('q', zt_vmo_byte(back, 5));
	}
	close(s[0]);
	close(s[1]);
}

/* close(2), and the number used by something else: never mistaken */
TEST_F(handle, closed_behind_the_back_of_the_library)
{
	zx_handle_t h = zt_dup(self->h, ZX_RIGHT_SAME_RIGHTS), next;
	int fd = zvm_handle_to_fd(h), null;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, close(fd));
	EXPECT_FALSE(zt_live(h));
	EXPECT_EQ(-1, zvm_handle_to_fd(h));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_close(h));

	/* some other file */
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	ASSERT_EQ(fd, null);
	EXPECT_FALSE(zt_live(h));
	EXPECT_EQ(-1, zvm_handle_to_fd(h));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_close(h));
	EXPECT_GE(fcntl(null, F_GETFD), 0);
	ASSERT_EQ(0, close(null));

	/* the device itself */
	null = open("/dev/zircon-vm", O_RDWR | O_CLOEXEC);
	ASSERT_EQ(fd, null);
	EXPECT_FALSE(zt_live(h));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_close(h));
	EXPECT_GE(fcntl(null, F_GETFD), 0);
	ASSERT_EQ(0, close(null));

	/* another handle of the same object, then of another one */
	for (int i = 0; i < 2; i++) {
		next = i ? zt_vmo(ZT_P, 0) : zt_dup(self->h, ZX_RIGHT_SAME_RIGHTS);
		ASSERT_EQ(fd, zvm_handle_to_fd(next));
		EXPECT_FALSE(zt_live(h));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_close(h));
		EXPECT_TRUE(zt_live(next));
		ZT_EXPECT_OK(zx_handle_close(next));
	}
}

/* dup2(2) over a handle: the old value is dead, the new file is not harmed */
TEST_F(handle, overwritten_by_dup2)
{
	zx_handle_t h = zt_dup(self->h, ZX_RIGHT_SAME_RIGHTS);
	zx_handle_t other = zt_keep(&self->bag, zt_vmo(ZT_P, 0)), third = 0;
	int fd = zvm_handle_to_fd(h);

	ASSERT_GE(fd, 0);
	ASSERT_NE(0u, other);
	ASSERT_EQ(fd, dup2(zvm_handle_to_fd(other), fd));
	EXPECT_FALSE(zt_live(h));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_close(h));
	ZT_ASSERT_OK(zvm_handle_from_fd(fd, &third));
	EXPECT_EQ(zt_koid(other), zt_koid(third));
	EXPECT_FALSE(zt_live(h));
	ZT_EXPECT_OK(zx_handle_close(third));
	EXPECT_TRUE(zt_live(other));
}

/*
 * A program that closes all descriptors, as daemons do: its handles are dead,
 * the library's own device descriptor was among them, and the calls work on.
 */
static int close_everything(void *arg)
{
	FIXTURE_DATA(handle) *self = arg;
	zx_handle_t root = zx_vmar_root_self(), h;

	for (int fd = 3; fd < 256; fd++)
		close(fd);
	if (zt_live(self->h) || zt_live(root))
		return 1;
	if (zx_handle_close(self->h) != ZX_ERR_BAD_HANDLE)
		return 2;
	for (int i = 0; i < 8; i++) {
		h = zt_vmo(zt_page(), 0);
		if (!h || zx_vmo_write(h, "x", 0, 1) != ZX_OK || zt_vmo_byte(h, 0) != 'x')
			return 3;
		/* the numbers are in use again, the old values still are not */
		if (zt_live(self->h) || zt_live(root))
			return 4;
	}
	return 0;
}

TEST_F(handle, everything_closed_behind_the_back)
{
	EXPECT_EQ(0, zt_fork_run(close_everything, self));
	EXPECT_TRUE(zt_live(self->h));
}

static int hold_and_die(void *arg)
{
	FIXTURE_DATA(handle) *self = arg;
	zx_handle_t vmo = zt_vmo(8 * zt_page(), 0);
	void *p = zt_map(vmo, 0, 8 * zt_page(), ZT_RW);
	zx_handle_t sub = 0;
	zx_vaddr_t addr;

	if (!p || zt_try_write(p) || zt_vmo_fill(vmo, zt_page(), 100, 1))
		return 1;
	if (!zt_dup(self->h, ZX_RIGHT_SAME_RIGHTS) || !zt_dup(vmo, ZX_RIGHT_NONE))
		return 2;
	if (zx_vmar_allocate(zx_vmar_root_self(), ZX_VM_CAN_MAP_READ, 0, 16 * zt_page(), &sub,
			     &addr) != ZX_OK)
		return 3;
	kill(getpid(), SIGKILL);
	return 4;
}

/* Exits with 7 if the program executed has no descriptor of ours, else 9 */
static int hold_and_exec(void *arg)
{
	static const char script[] =
		"for f in /proc/$$/fd/*; do case $(readlink $f) in *zvm*|*zircon*) exit 9;; esac; "
		"done; exit 7";
	bool *keep = arg;
	zx_handle_t h = zt_vmo(zt_page(), 0);

	if (!h || (*keep && fcntl(zvm_handle_to_fd(h), F_SETFD, 0)))
		return 1;
	execl("/bin/sh", "sh", "-c", script, NULL);
	return 2;
}

/* Killed and executed processes leave nothing (the teardown counts) */
TEST_F(handle, H_059_handles_vanish_with_their_process)
{
	bool keep = false;

	for (int i = 0; i < 5; i++) {
		EXPECT_EQ(128 + SIGKILL, zt_fork_run(hold_and_die, self));
	}
	EXPECT_EQ(7, zt_fork_run(hold_and_exec, &keep));
	keep = true;
	EXPECT_EQ(9, zt_fork_run(hold_and_exec, &keep));
	EXPECT_TRUE(zt_live(self->h));
}

TEST_F(handle, H_059_handles_vanish_with_their_fd)
{
	struct zvm_stats s = zt_stats(), now;
	zx_handle_t a = zt_vmo(4 * ZT_P, 0);

	ASSERT_NE(0u, a);
	ASSERT_EQ(0, zt_vmo_fill(a, 0, 4 * ZT_P, 1));
	ZT_EXPECT_U64(s.vmos + 1, zt_stats().vmos);
	ZT_EXPECT_U64(s.handles + 1, zt_stats().handles);
	ZT_EXPECT_U64(s.pages + 4, zt_stats().pages);
	ASSERT_EQ(0, close(zvm_handle_to_fd(a)));
	EXPECT_TRUE(zt_stats_back(&s, &now));
}

TEST_F(handle, out_of_descriptors)
{
	zx_handle_t list[64], out = 0x33;
	struct rlimit old, lim;
	unsigned int n = 0;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	lim = old;
	lim.rlim_cur = 40;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &lim));
	while (n < 64 && zx_handle_duplicate(self->h, ZX_RIGHT_SAME_RIGHTS, &list[n]) == ZX_OK)
		n++;
	EXPECT_LT(n, 40u);
	ZT_EXPECT_STATUS(ZX_ERR_NO_RESOURCES,
			 zx_handle_duplicate(self->h, ZX_RIGHT_SAME_RIGHTS, &out));
	ZT_EXPECT_STATUS(ZX_ERR_NO_RESOURCES, zx_vmo_create(ZT_P, 0, &out));
	EXPECT_EQ(0x33u, out);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_TRUE(zt_live(self->h));
	while (n)
		ZT_EXPECT_OK(zx_handle_close(list[--n]));
}

/* Closing every handle of a mapped VMO leaves the mapping at work. */
TEST(H_059_mapping_outlives_the_handles)
{
	struct zvm_stats before;
	zx_handle_t vmo;
	uint8_t *p;

	ASSERT_TRUE(zt_warm_up());
	before = zt_stats();
	vmo = zt_vmo(4 * ZT_P, 0);
	ASSERT_EQ(0, zt_vmo_fill(vmo, 0, 2 * ZT_P, 1));
	p = zt_map(vmo, 0, 4 * ZT_P, ZT_RW);
	ASSERT_NE(NULL, p);
	ZT_ASSERT_OK(zx_handle_close(vmo));
	EXPECT_EQ(-1, zt_mismatch(p, 2 * ZT_P, 0, 1));
	EXPECT_EQ(-1, zt_nonzero(p + 2 * ZT_P, 2 * ZT_P));
	ZT_EXPECT_ACCESS(zt_try_write(p + 3 * ZT_P));
	EXPECT_EQ(0x5a, p[3 * ZT_P]);
	ZT_EXPECT_U64(before.vmos + 1, zt_stats().vmos);
	ZT_EXPECT_U64(before.handles, zt_stats().handles);
	ZT_ASSERT_OK(zt_unmap(p, 4 * ZT_P));
	ZT_EXPECT_NO_LEAK(&before);
}

/* ------------------------------------------------------------------------
 * Threads
 */
#define NT 8

struct first_use {
	pthread_barrier_t *start;
	zx_handle_t root, vmo;
	int err;
};

static void *use_first(void *arg)
{
	struct first_use *f = arg;
	void *p;

	pthread_barrier_wait(f->start);
	f->root = zx_vmar_root_self();
	f->vmo = zt_vmo(zt_page(), 0);
	p = zt_map_at(f->root, f->vmo, 0, zt_page(), ZT_RW);
	f->err = !p || zt_try_write(p) || zt_vmo_byte(f->vmo, 0) != 0x5a;
	return NULL;
}

/* The harness runs each test in a process of its own: this is the first use. */
TEST(first_use_by_many_threads)
{
	struct first_use f[NT] = { { 0 } };
	pthread_barrier_t start;
	struct zvm_stats now;
	pthread_t t[NT];
	int fds = zt_fd_count();

	ASSERT_EQ(0, pthread_barrier_init(&start, NULL, NT));
	for (int i = 0; i < NT; i++) {
		f[i].start = &start;
		ASSERT_EQ(0, pthread_create(&t[i], NULL, use_first, &f[i]));
	}
	for (int i = 0; i < NT; i++) {
		ASSERT_EQ(0, pthread_join(t[i], NULL));
	}
	for (int i = 0; i < NT; i++) {
		EXPECT_EQ(0, f[i].err) TH_LOG("thread %d", i);
		EXPECT_NE(0u, f[i].root);
		EXPECT_EQ(f[0].root, f[i].root);
	}
	now = zt_stats();
	ZT_EXPECT_U64(1, now.aspaces);
	/* the VMOs, the root region, and the device */
	EXPECT_EQ(fds + NT + 2, zt_fd_count());
	ZT_EXPECT_U64(NT + 1, now.handles);
}

struct racer {
	volatile zx_handle_t *shared;
	volatile int *stop;
	uint64_t hit, miss, wrong;
};

static void *write_stale(void *arg)
{
	struct racer *r = arg;

	while (!*r->stop) {
		zx_status_t st = zx_vmo_write(*r->shared, "B", 0, 1);

		if (st == ZX_OK)
			r->hit++;
		else if (st == ZX_ERR_BAD_HANDLE)
			r->miss++;
		else
			r->wrong++;
	}
	return NULL;
}

/*
 * Writers use a handle that is closed under their hands and whose descriptor
 * goes to a VMO nobody may write to: no byte may ever appear in that one.
 */
TEST(H_003_stale_handles_in_other_threads)
{
	volatile zx_handle_t shared = ZX_HANDLE_INVALID;
	volatile int stop = 0;
	struct racer r[2];
	pthread_t t[2];
	uint64_t end, rounds = 0;

	ASSERT_TRUE(zt_warm_up());
	for (int i = 0; i < 2; i++) {
		r[i] = (struct racer){ .shared = &shared, .stop = &stop };
		ASSERT_EQ(0, pthread_create(&t[i], NULL, write_stale, &r[i]));
	}
	end = zt_now_ns() + 1500000000u;
	while (zt_now_ns() < end) {
		zx_handle_t open = zt_vmo(ZT_P, 0), victim;
		int fd = zvm_handle_to_fd(open);

		ASSERT_GE(fd, 0);
		shared = open;
		if (rounds % 16 == 0)
			sched_yield();
		ZT_ASSERT_OK(zx_handle_close(open));
		victim = zt_vmo(ZT_P, 0);
		ASSERT_EQ(fd, zvm_handle_to_fd(victim));
		if (rounds % 16 == 1)
			sched_yield();
		ASSERT_EQ(0, zt_vmo_byte(victim, 0));
		ZT_ASSERT_OK(zx_handle_close(victim));
		rounds++;
	}
	stop = 1;
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(t[i], NULL));
		EXPECT_EQ(0u, r[i].wrong);
		EXPECT_GT(r[i].miss, 0u);
	}
	EXPECT_GT(r[0].hit + r[1].hit, 0u);
}

/* One thread of several wins when all close or replace the same handle. */
struct closer {
	pthread_barrier_t *start;
	zx_handle_t h;
	int replace;
	zx_status_t st;
	zx_handle_t out;
};

static void *close_one(void *arg)
{
	struct closer *c = arg;

	pthread_barrier_wait(c->start);
	c->st = c->replace ? zx_handle_replace(c->h, ZX_RIGHT_SAME_RIGHTS, &c->out) :
			     zx_handle_close(c->h);
	return NULL;
}

TEST(H_002_H_010_only_one_thread_closes_or_replaces)
{
	struct zvm_stats before;

	ASSERT_TRUE(zt_warm_up());
	before = zt_stats();
	for (int round = 0; round < 200; round++) {
		zx_handle_t h = zt_vmo(ZT_P, 0);
		struct closer c[4];
		pthread_barrier_t start;
		pthread_t t[4];
		int won = 0;

		ASSERT_NE(0u, h);
		ASSERT_EQ(0, pthread_barrier_init(&start, NULL, 4));
		for (int i = 0; i < 4; i++) {
			c[i] = (struct closer){ .start = &start, .h = h, .replace = i % 2 };
			ASSERT_EQ(0, pthread_create(&t[i], NULL, close_one, &c[i]));
		}
		for (int i = 0; i < 4; i++) {
			ASSERT_EQ(0, pthread_join(t[i], NULL));
			won += c[i].st == ZX_OK;
			if (c[i].st != ZX_OK) {
				EXPECT_EQ(ZX_ERR_BAD_HANDLE, c[i].st);
			} else if (c[i].replace) {
				EXPECT_TRUE(zt_live(c[i].out));
				ZT_EXPECT_OK(zx_handle_close(c[i].out));
			}
		}
		EXPECT_EQ(1, won) TH_LOG("round %d", round);
		EXPECT_FALSE(zt_live(h));
		pthread_barrier_destroy(&start);
	}
	ZT_EXPECT_NO_LEAK(&before);
}

TEST_HARNESS_MAIN
