// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * BTIs, and pins: whom addresses are told, that they are those of the memory, that
 * pinned pages stay whatever is asked for, and that every pin has an end.
 */
#include "kselftest_harness.h"
#include "bti_test.h"

#include <sys/resource.h>
#include <zircon-vm.h>

#define N 20
#define SIZE (N * P)
#define RW (ZX_BTI_PERM_READ | ZX_BTI_PERM_WRITE)

/* Pins without asking for addresses. */
static zx_status_t pin(zx_handle_t bti, zx_handle_t vmo, uint64_t offset, uint64_t size,
		       zx_handle_t *pmt)
{
	return zx_bti_pin(bti, RW, vmo, offset, size, NULL, 0, pmt);
}

static zx_status_t op(zx_handle_t vmo, uint32_t what, uint64_t offset, uint64_t size)
{
	return zx_vmo_op_range(vmo, what, offset, size, NULL, 0);
}

static zx_status_t snapshot(zx_handle_t vmo, uint64_t offset, uint64_t size)
{
	zx_handle_t out;
	zx_status_t st = zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, offset, size, &out);

	return st == ZX_OK ? zx_handle_close(out) : st;
}

FIXTURE(bti) {
	struct zvm_stats before;
	struct zt_bag bag;
	zx_handle_t bti;
	zx_handle_t vmo;	/* resizable, N pages, the first half with pattern 1 */
	zx_paddr_t addr[N];
};

FIXTURE_SETUP(bti)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->bti = zt_keep(&self->bag, bt_bti());
	ASSERT_NE(0u, self->bti);
	self->vmo = zt_keep(&self->bag, zt_vmo(SIZE, ZX_VMO_RESIZABLE));
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, SIZE / 2, 1));
}

FIXTURE_TEARDOWN(bti)
{
	zt_empty(&self->bag);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

static uint64_t pins(zx_handle_t bti)
{
	zx_info_bti_t info;

	memset(&info, 0xee, sizeof(info));
	zx_object_get_info(bti, ZX_INFO_BTI, &info, sizeof(info), NULL, NULL);
	return info.quarantine_count ? UINT64_MAX : info.pmo_count;
}

TEST_F(bti, create)
{
	zx_handle_t dead = zt_vmo(P, 0), out = 77;
	struct zt_bad ptr[ZT_BAD_WRITE_N];
	zx_info_bti_t info;

	ZT_ASSERT_OK(zx_handle_close(dead));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_bti_create(ZX_HANDLE_INVALID, 1, 0, &out));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_bti_create(dead, 1u << 31, 0, &out));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_bti_create(dead, 0, 0, &out));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_bti_create(self->vmo, 0, 0, &out));
	zt_bad_write(ptr);
	for (struct zt_bad *b = ptr; b->name; b++)
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 zx_bti_create(ZX_HANDLE_INVALID, 0, 0, b->ptr));
	EXPECT_EQ(77u, out);
	EXPECT_EQ(ZX_OBJ_TYPE_BTI, zt_type(self->bti));
	EXPECT_EQ(ZX_DEFAULT_BTI_RIGHTS, zt_rights(self->bti));

	memset(&info, 0xee, sizeof(info));
	ZT_EXPECT_OK(zx_object_get_info(self->bti, ZX_INFO_BTI, &info, sizeof(info), NULL, NULL));
	ZT_EXPECT_U64(P, info.minimum_contiguity);
	ZT_EXPECT_U64(UINT64_MAX, info.aspace_size);
	ZT_EXPECT_U64(0, info.pmo_count);
	ZT_EXPECT_U64(0, info.quarantine_count);
	ZT_EXPECT_STATUS(ZX_ERR_BUFFER_TOO_SMALL,
			 zx_object_get_info(self->bti, ZX_INFO_BTI, &info, sizeof(info) - 1,
					    NULL, NULL));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
			 zx_object_get_info(self->vmo, ZX_INFO_BTI, &info, sizeof(info), NULL, NULL));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_object_get_info(zt_keep(&self->bag, zt_without(self->bti,
									   ZX_RIGHT_INSPECT)),
					    ZX_INFO_BTI, &info, sizeof(info), NULL, NULL));
	ZT_EXPECT_OK(zx_bti_release_quarantine(self->bti));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_bti_release_quarantine(self->vmo));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_bti_release_quarantine(dead));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_bti_release_quarantine(zt_keep(&self->bag,
							   zt_without(self->bti, ZX_RIGHT_WRITE))));
}

/* In the order of the checks: each call has what the ones after it complain about, too. */
TEST_F(bti, pin_arguments)
{
	zx_handle_t dead = zt_vmo(P, 0), out = 77, no_map, ro, wo;
	zx_paddr_t *addr = self->addr;

	ZT_ASSERT_OK(zx_handle_close(dead));
	no_map = zt_keep(&self->bag, zt_without(self->vmo, ZX_RIGHT_MAP));
	ro = zt_keep(&self->bag, zt_without(self->vmo, ZX_RIGHT_WRITE));
	wo = zt_keep(&self->bag, zt_without(self->vmo, ZX_RIGHT_READ));
#define PIN(bti, options, vmo, offset, size, addr, n) \
	zx_bti_pin(bti, options, vmo, offset, size, addr, n, &out)
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, PIN(dead, 0, dead, 1, 1, addr, 9));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, PIN(self->vmo, 0, dead, 1, 1, addr, 9));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 PIN(zt_keep(&self->bag, zt_without(self->bti, ZX_RIGHT_MAP)), 0, dead, 1,
			     1, addr, 9));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, PIN(self->bti, 0, dead, 1, P, addr, 9));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, PIN(self->bti, 0, dead, P, P + 1, addr, 9));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, PIN(self->bti, 0, dead, P, P, addr, 9));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, PIN(self->bti, 0, self->bti, P, P, addr, 9));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, PIN(self->bti, 0, no_map, P, P, addr, 9));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, PIN(self->bti, ~0u, no_map, P, P, addr, 9));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, PIN(self->bti, ~0u, ro, P, P, addr, 9));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 PIN(self->bti, ZX_BTI_PERM_READ, wo, P, P, addr, 1));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 PIN(self->bti, ZX_BTI_PERM_EXECUTE, wo, P, P, addr, 1));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 PIN(self->bti, ZX_BTI_PERM_WRITE, ro, P, P, addr, 1));
	for (uint32_t bit = 3; bit < 32; bit++)
		if (bit != 3)
			ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
					 PIN(self->bti, RW | 1u << bit, self->vmo, 0, P, addr, 1));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, PIN(self->bti, 0, self->vmo, 0, P, addr, 1));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 PIN(self->bti, ZX_BTI_COMPRESS, self->vmo, 0, P, addr, 1));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 PIN(self->bti, RW | ZX_BTI_COMPRESS | ZX_BTI_CONTIGUOUS, self->vmo, 0, P,
			     addr, 1));
	/* how many addresses */
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, PIN(self->bti, RW, self->vmo, 0, 2 * P, addr, 1));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, PIN(self->bti, RW, self->vmo, 0, 2 * P, addr, 3));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, PIN(self->bti, RW, self->vmo, 0, 2 * P, addr, 0));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, PIN(self->bti, RW, self->vmo, 0, 2 * P, NULL, 2));
	/* where */
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, PIN(self->bti, RW, self->vmo, 0, 0, NULL, 0));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, PIN(self->bti, RW, self->vmo, SIZE, 0, NULL, 0));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, PIN(self->bti, RW, self->vmo, SIZE, P, NULL, 0));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, PIN(self->bti, RW, self->vmo, P, SIZE, NULL, 0));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, PIN(self->bti, RW, self->vmo, -P, 2 * P, NULL, 0));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, PIN(self->bti, RW, self->vmo, P, -P, NULL, 0));
	EXPECT_EQ(77u, out);
	ZT_EXPECT_U64(0, pins(self->bti));
	ZT_EXPECT_OK(snapshot(self->vmo, 0, SIZE));
}

/* A result that cannot be told: no pin is left, and no handle. */
TEST_F(bti, pin_to_bad_addresses)
{
	struct zt_bad ptr[ZT_BAD_WRITE_N];
	zx_handle_t pmt;
	int fds = zt_fd_count();

	zt_bad_write(ptr);
	for (struct zt_bad *b = ptr; b->name; b++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, pin(self->bti, self->vmo, 0, P, b->ptr)) {
			TH_LOG("%s", b->name);
		}
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_bti_pin(self->bti, RW, self->vmo, 0, P, b->ptr, 1,
							  &pmt)) {
			TH_LOG("%s", b->name);
		}
	}
	ZT_EXPECT_U64(0, pins(self->bti));
	EXPECT_EQ(fds, zt_fd_count());
	ZT_EXPECT_OK(snapshot(self->vmo, 0, SIZE));
	ZT_EXPECT_OK(op(self->vmo, ZX_VMO_OP_DECOMMIT, 0, SIZE));
}

/* The addresses are those of the memory that is mapped. */
TEST_F(bti, addresses)
{
	const uint32_t options[] = { RW, ZX_BTI_PERM_READ, ZX_BTI_PERM_EXECUTE, RW | ZX_BTI_COMPRESS };
	uint8_t *map = zt_map(self->vmo, 0, SIZE, ZT_RW);
	zx_handle_t pmt, slice;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		memset(self->addr, 0xee, sizeof(self->addr));
		ZT_ASSERT_OK(zx_bti_pin(self->bti, options[i], self->vmo, P, SIZE - P, self->addr,
					N - 1, &pmt));
		EXPECT_EQ(ZX_OBJ_TYPE_PMT, zt_type(pmt));
		EXPECT_EQ(ZX_DEFAULT_PMT_RIGHTS, zt_rights(pmt));
		ZT_EXPECT_U64(1, pins(self->bti));
		/* what was not there has been committed */
		ZT_EXPECT_U64(SIZE, zt_committed(self->vmo));
		for (size_t k = 1; k < N; k++) {
			ASSERT_EQ(0, zt_try_read(map + k * P));
			ZT_EXPECT_U64(self->addr[k - 1], pp_pfn(map + k * P) * P);
			for (size_t j = 1; j < k; j++)
				EXPECT_NE(self->addr[j - 1], self->addr[k - 1]);
		}
		ZT_EXPECT_U64(0xeeeeeeeeeeeeeeeeu, self->addr[N - 1]);
		EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, SIZE / 2, 1));
		EXPECT_TRUE(zt_vmo_zero(self->vmo, SIZE / 2, SIZE / 2));
		ZT_EXPECT_OK(zx_pmt_unpin(pmt));
		EXPECT_FALSE(zt_live(pmt));
		ZT_EXPECT_U64(0, pins(self->bti));
	}
	ZT_EXPECT_OK(zt_unmap(map, SIZE));

	/* A slice's are counted from its start. Slices are of VMOs that keep their size. */
	{
		zx_handle_t fixed = zt_keep(&self->bag, zt_vmo(SIZE, 0));

		ZT_ASSERT_OK(zx_vmo_create_child(fixed, ZX_VMO_CHILD_SLICE, 5 * P, 4 * P, &slice));
		zt_keep(&self->bag, slice);
		ZT_ASSERT_OK(zx_bti_pin(self->bti, RW, slice, P, 2 * P, self->addr, 2, &pmt));
		ZT_EXPECT_U64(bt_vmo_pfn(fixed, 6 * P) * P, self->addr[0]);
		ZT_EXPECT_U64(bt_vmo_pfn(fixed, 7 * P) * P, self->addr[1]);
		ZT_EXPECT_U64(2 * P, zt_committed(fixed));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, op(fixed, ZX_VMO_OP_DECOMMIT, 7 * P, P));
		ZT_EXPECT_OK(op(fixed, ZX_VMO_OP_DECOMMIT, 8 * P, P));
		ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, pin(self->bti, slice, 0, 5 * P, &pmt));
		ZT_EXPECT_OK(zx_pmt_unpin(pmt));
		ZT_EXPECT_OK(op(fixed, ZX_VMO_OP_DECOMMIT, 0, SIZE));
	}
}

/* What is taken away beside a pin does not move what is pinned. */
TEST_F(bti, part_of_a_huge_page)
{
	const uint64_t f = 2 << 20;
	zx_handle_t vmo = zt_keep(&self->bag, zt_vmo(2 * f, ZVM_VMO_HUGE_PAGES | ZX_VMO_RESIZABLE));
	zx_handle_t dst = zt_keep(&self->bag, zt_vmo(P, 0)), pmt;

	ASSERT_EQ(0, zt_vmo_fill(vmo, 0, 2 * f, 1));
	ZT_ASSERT_OK(zx_bti_pin(self->bti, RW, vmo, f - P, 2 * P, self->addr, 2, &pmt));
	zt_keep(&self->bag, pmt);
	ZT_EXPECT_OK(op(vmo, ZX_VMO_OP_DECOMMIT, 0, P));
	ZT_EXPECT_OK(op(vmo, ZX_VMO_OP_ZERO, 2 * P, P));
	ZT_EXPECT_OK(zx_vmo_transfer_data(dst, 0, 0, P, vmo, P));
	ZT_EXPECT_OK(zx_vmo_set_size(vmo, f + 4 * P));
	EXPECT_TRUE(zt_vmo_zero(vmo, 0, 3 * P));
	EXPECT_TRUE(zt_vmo_holds(vmo, 3 * P, f + P, 1));
	ZT_EXPECT_U64(self->addr[0], bt_vmo_pfn(vmo, f - P) * P);
	ZT_EXPECT_U64(self->addr[1], bt_vmo_pfn(vmo, f) * P);
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, op(vmo, ZX_VMO_OP_DECOMMIT, 0, f));
	ZT_EXPECT_OK(zx_pmt_unpin(pmt));
	ZT_EXPECT_OK(op(vmo, ZX_VMO_OP_DECOMMIT, 0, f));
	/* what is left goes with the next part, but for what is to be seen */
	ZT_EXPECT_OK(zx_vmo_set_size(vmo, f + 3 * P));
	ZT_EXPECT_U64(3 * P, zt_committed(vmo));
}

/* More than the kernel tells at one go. */
TEST_F(bti, many_addresses)
{
	const size_t n = 300;
	zx_handle_t vmo = zt_keep(&self->bag, zt_vmo((n + 1) * P, 0)), pmt;
	zx_paddr_t *addr = calloc(n, sizeof(*addr));
	uint8_t *map = zt_map(vmo, P, n * P, ZT_RW);

	ASSERT_NE(NULL, addr);
	ASSERT_NE(NULL, map);
	ZT_ASSERT_OK(zx_bti_pin(self->bti, RW, vmo, P, n * P, addr, n, &pmt));
	zt_keep(&self->bag, pmt);
	for (size_t i = 0; i < n; i++) {
		ASSERT_EQ(0, zt_try_read(map + i * P));
		ZT_ASSERT_U64(addr[i], pp_pfn(map + i * P) * P);
	}
	ZT_EXPECT_OK(zt_unmap(map, n * P));
	free(addr);
}

TEST_F(bti, contiguous_addresses)
{
	zx_handle_t vmo = zt_keep(&self->bag, bt_contiguous(self->bti, SIZE, 0)), slice, pmt;
	zx_paddr_t one = 0;

	ASSERT_NE(0u, vmo);
	ZT_ASSERT_OK(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SLICE, 3 * P, 4 * P, &slice));
	zt_keep(&self->bag, slice);
	ZT_ASSERT_OK(zx_bti_pin(self->bti, RW, vmo, 0, SIZE, self->addr, N, &pmt));
	ZT_EXPECT_OK(zx_pmt_unpin(pmt));
	for (size_t i = 0; i < N; i++)
		ZT_EXPECT_U64(self->addr[0] + i * P, self->addr[i]);
	ZT_ASSERT_OK(zx_bti_pin(self->bti, RW | ZX_BTI_CONTIGUOUS, vmo, 2 * P, 9 * P, &one, 1,
				&pmt));
	ZT_EXPECT_OK(zx_pmt_unpin(pmt));
	ZT_EXPECT_U64(self->addr[2], one);
	ZT_ASSERT_OK(zx_bti_pin(self->bti, RW | ZX_BTI_CONTIGUOUS, slice, P, P, &one, 1, &pmt));
	ZT_EXPECT_OK(zx_pmt_unpin(pmt));
	ZT_EXPECT_U64(self->addr[4], one);
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_bti_pin(self->bti, RW | ZX_BTI_CONTIGUOUS, vmo, 0, 2 * P, self->addr, 2,
				    &pmt));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_bti_pin(self->bti, RW | ZX_BTI_CONTIGUOUS | ZX_BTI_COMPRESS, vmo, 0, P,
				    self->addr, 1, &pmt));
	/* An ordinary one that happens to be of one page is not contiguous. */
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_bti_pin(self->bti, RW | ZX_BTI_CONTIGUOUS, self->vmo, 0, P, &one, 1,
				    &pmt));
}

/* ------------------------------------------------------------------------
 * What is refused
 */

/* Which pages are pinned, a bit for each. */
static uint64_t pinned(zx_handle_t vmo)
{
	uint64_t bits = 0;
	zx_status_t st;

	for (unsigned int i = 0; i < N; i++) {
		st = op(vmo, ZX_VMO_OP_DECOMMIT, i * P, P);
		if (st == ZX_ERR_BAD_STATE)
			bits |= 1ul << i;
		else if (st != ZX_OK)
			return UINT64_MAX;
	}
	return bits;
}

#define BITS(first, n) (((1ul << (n)) - 1) << (first))

TEST_F(bti, V_118_no_decommit)
{
	uint8_t *map = zt_map(self->vmo, 0, SIZE, ZT_RW);
	zx_handle_t pmt;

	ZT_ASSERT_OK(pin(self->bti, self->vmo, 3 * P, 4 * P, &pmt));
	zt_keep(&self->bag, pmt);
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, op(self->vmo, ZX_VMO_OP_DECOMMIT, 0, SIZE));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, op(self->vmo, ZX_VMO_OP_DECOMMIT, 6 * P, 2 * P));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, op(self->vmo, ZX_VMO_OP_DECOMMIT, 2 * P, 2 * P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, op(self->vmo, ZX_VMO_OP_DECOMMIT, 1, SIZE - 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, op(self->vmo, ZX_VMO_OP_DECOMMIT, 0, SIZE + P));
	ZT_EXPECT_OK(op(self->vmo, ZX_VMO_OP_DECOMMIT, 4 * P, 0));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
			 zx_vmar_op_range(zx_vmar_root_self(), ZX_VMAR_OP_DECOMMIT,
					  (zx_vaddr_t)map, SIZE, NULL, 0));
	/* nothing is gone */
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, SIZE / 2, 1));
	ZT_EXPECT_U64(BITS(3, 4), pinned(self->vmo));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 3 * P, 4 * P, 1));
	ZT_EXPECT_U64(4 * P, zt_committed(self->vmo));
	ZT_EXPECT_OK(zx_pmt_unpin(pmt));
	ZT_EXPECT_OK(op(self->vmo, ZX_VMO_OP_DECOMMIT, 0, SIZE));
	ZT_EXPECT_U64(0, zt_committed(self->vmo));
	ZT_EXPECT_OK(zt_unmap(map, SIZE));
}

TEST_F(bti, V_080_no_shrink)
{
	zx_handle_t pmt;
	int fd = zvm_handle_to_fd(self->vmo);

	ZT_ASSERT_OK(pin(self->bti, self->vmo, 3 * P, 4 * P, &pmt));
	zt_keep(&self->bag, pmt);
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_set_size(self->vmo, 0));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_set_size(self->vmo, 3 * P));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_set_size(self->vmo, 6 * P));
	EXPECT_EQ(-1, ftruncate(fd, (off_t)(6 * P)));
	ZT_EXPECT_U64(SIZE, zt_size(self->vmo));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, SIZE / 2, 1));
	/* beyond the pin, within its last page, and back */
	ZT_EXPECT_OK(zx_vmo_set_size(self->vmo, 7 * P));
	ZT_EXPECT_OK(zx_vmo_set_size(self->vmo, 6 * P + 100));
	ZT_EXPECT_U64(7 * P, zt_size(self->vmo));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, 6 * P + 100, 1));
	EXPECT_TRUE(zt_vmo_zero(self->vmo, 6 * P + 100, P - 100));
	ZT_EXPECT_OK(zx_vmo_set_size(self->vmo, SIZE));
	ZT_EXPECT_OK(zx_pmt_unpin(pmt));
	ZT_EXPECT_OK(zx_vmo_set_size(self->vmo, 0));
}

TEST_F(bti, V_183_no_snapshot)
{
	const uint32_t options[] = {
		ZX_VMO_CHILD_SNAPSHOT, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
		ZX_VMO_CHILD_SNAPSHOT_MODIFIED,
	};
	zx_handle_t pmt, ref, out;

	ZT_ASSERT_OK(pin(self->bti, self->vmo, 3 * P, P, &pmt));
	zt_keep(&self->bag, pmt);
	ZT_ASSERT_OK(zx_vmo_create_child(self->vmo, ZX_VMO_CHILD_REFERENCE, 0, 0, &ref));
	zt_keep(&self->bag, ref);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
				 zx_vmo_create_child(self->vmo, options[i], 0, SIZE, &out));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
				 zx_vmo_create_child(ref, options[i], 0, SIZE, &out));
	}
	/* arguments first */
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, snapshot(self->vmo, 1, P));
	ZT_EXPECT_OK(zx_pmt_unpin(pmt));
	ZT_EXPECT_OK(snapshot(self->vmo, 0, SIZE));
}

TEST_F(bti, V_128_zero_is_in_place)
{
	uint64_t pfn;
	zx_handle_t pmt;

	ZT_ASSERT_OK(zx_bti_pin(self->bti, RW, self->vmo, 3 * P, 4 * P, self->addr, 4, &pmt));
	zt_keep(&self->bag, pmt);
	ZT_EXPECT_OK(op(self->vmo, ZX_VMO_OP_ZERO, 0, SIZE));
	ZT_EXPECT_U64(4 * P, zt_committed(self->vmo));
	EXPECT_TRUE(zt_vmo_zero(self->vmo, 0, SIZE));
	for (int i = 0; i < 4; i++) {
		pfn = bt_vmo_pfn(self->vmo, (3 + i) * P);
		ZT_EXPECT_U64(self->addr[i], pfn * P);
	}
	/* part of the pin, and what is on both sides */
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, SIZE, 2));
	ZT_EXPECT_OK(op(self->vmo, ZX_VMO_OP_ZERO, 2 * P + 10, 2 * P));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, 2 * P + 10, 2));
	EXPECT_TRUE(zt_vmo_zero(self->vmo, 2 * P + 10, 2 * P));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 4 * P + 10, SIZE - 4 * P - 10, 2));
	/* the stream size zeroes what is beyond it */
	ZT_EXPECT_OK(zx_vmo_set_stream_size(self->vmo, 5 * P + 7));
	EXPECT_TRUE(zt_vmo_zero(self->vmo, 5 * P + 7, SIZE - 5 * P - 7));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 4 * P + 10, P - 3, 2));
	for (int i = 0; i < 4; i++) {
		pfn = bt_vmo_pfn(self->vmo, (3 + i) * P);
		ZT_EXPECT_U64(self->addr[i], pfn * P);
	}
	ZT_EXPECT_OK(zx_pmt_unpin(pmt));
	ZT_EXPECT_OK(op(self->vmo, ZX_VMO_OP_ZERO, 0, SIZE));
	ZT_EXPECT_U64(0, zt_committed(self->vmo));
}

TEST_F(bti, V_251_no_cache_policy)
{
	zx_handle_t pmt;

	ZT_ASSERT_OK(pin(self->bti, self->vmo, 3 * P, P, &pmt));
	zt_keep(&self->bag, pmt);
	for (uint32_t policy = 0; policy < 4; policy++)
		ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_set_cache_policy(self->vmo, policy));
	ZT_EXPECT_OK(zx_pmt_unpin(pmt));
	ZT_EXPECT_OK(zx_vmo_set_cache_policy(self->vmo, ZX_CACHE_POLICY_CACHED));
}

TEST_F(bti, no_transfer)
{
	zx_handle_t other = zt_keep(&self->bag, zt_vmo(SIZE, 0)), pmt;

	ASSERT_EQ(0, zt_vmo_fill(other, 0, SIZE, 2));
	ZT_ASSERT_OK(pin(self->bti, self->vmo, 3 * P, 2 * P, &pmt));
	zt_keep(&self->bag, pmt);
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_transfer_data(other, 0, 0, SIZE, self->vmo, 0));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_transfer_data(other, 0, 0, P, self->vmo, 4 * P));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_transfer_data(self->vmo, 0, 0, SIZE, other, 0));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_transfer_data(self->vmo, 0, 3 * P, P, other, 0));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
			 zx_vmo_transfer_data(self->vmo, 0, 2 * P, P, self->vmo, 3 * P));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE,
			 zx_vmo_transfer_data(self->vmo, 0, 0, SIZE + P, other, 0));
	/* a pinned source is told before what is wrong with the target */
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
			 zx_vmo_transfer_data(other, 0, SIZE, SIZE, self->vmo, 0));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, SIZE / 2, 1));
	EXPECT_TRUE(zt_vmo_holds(other, 0, SIZE, 2));
	/* beside it */
	ZT_EXPECT_OK(zx_vmo_transfer_data(other, 0, 5 * P, P, self->vmo, 5 * P));
	ZT_EXPECT_OK(zx_vmo_transfer_data(self->vmo, 0, 5 * P, P, other, 5 * P));
	ZT_EXPECT_OK(zx_vmo_transfer_data(self->vmo, 0, 3 * P, 0, other, 0));
	ZT_EXPECT_OK(zx_pmt_unpin(pmt));
	ZT_EXPECT_OK(zx_vmo_transfer_data(other, 0, 0, SIZE, self->vmo, 0));
}

TEST_F(bti, pins_overlap)
{
	zx_handle_t a, b, c;

	ZT_ASSERT_OK(pin(self->bti, self->vmo, 2 * P, 6 * P, &a));
	zt_keep(&self->bag, a);
	ZT_ASSERT_OK(pin(self->bti, self->vmo, 4 * P, 2 * P, &b));
	zt_keep(&self->bag, b);
	ZT_ASSERT_OK(pin(self->bti, self->vmo, 4 * P, 8 * P, &c));
	zt_keep(&self->bag, c);
	ZT_EXPECT_U64(3, pins(self->bti));
	ZT_EXPECT_U64(BITS(2, 10), pinned(self->vmo));
	ZT_EXPECT_OK(op(self->vmo, ZX_VMO_OP_ZERO, 0, SIZE));
	ZT_EXPECT_U64(10 * P, zt_committed(self->vmo));
	ZT_EXPECT_OK(zx_pmt_unpin(a));
	ZT_EXPECT_U64(BITS(4, 8), pinned(self->vmo));
	ZT_EXPECT_OK(zx_pmt_unpin(c));
	ZT_EXPECT_U64(BITS(4, 2), pinned(self->vmo));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, snapshot(self->vmo, 0, P));
	ZT_EXPECT_OK(zx_pmt_unpin(b));
	ZT_EXPECT_U64(0, pinned(self->vmo));
	ZT_EXPECT_OK(snapshot(self->vmo, 0, P));
	ZT_EXPECT_U64(0, pins(self->bti));
}

TEST_F(bti, discardable_ones_are_not_discarded)
{
	zx_handle_t vmo = zt_keep(&self->bag, zt_vmo(SIZE, ZX_VMO_DISCARDABLE)), pmt;

	ZT_ASSERT_OK(op(vmo, ZX_VMO_OP_TRY_LOCK, 0, SIZE));
	ASSERT_EQ(0, zt_vmo_fill(vmo, 0, SIZE, 3));
	ZT_ASSERT_OK(pin(self->bti, vmo, P, P, &pmt));
	zt_keep(&self->bag, pmt);
	ZT_ASSERT_OK(op(vmo, ZX_VMO_OP_UNLOCK, 0, SIZE));
	for (int i = 0; i < 3; i++)
		ASSERT_TRUE(vt_write_file("/proc/sys/vm/drop_caches", "2"));
	EXPECT_TRUE(zt_vmo_holds(vmo, 0, SIZE, 3));
	ZT_EXPECT_OK(zx_pmt_unpin(pmt));
	ASSERT_TRUE(vt_write_file("/proc/sys/vm/drop_caches", "2"));
	ZT_EXPECT_U64(0, zt_committed(vmo));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, pin(self->bti, vmo, P, P, &pmt));
	ZT_EXPECT_U64(0, pins(self->bti));
}

/* ------------------------------------------------------------------------
 * Pages stay
 */

/* Pages that are shared with relatives become the VMO's own, for good. */
TEST_F(bti, relatives)
{
	uint8_t *map = zt_map(self->vmo, 0, SIZE, ZT_RW);
	zx_handle_t child, pmt, pmt2;
	zx_paddr_t theirs[4];

	for (size_t i = 0; i < SIZE / 2; i += P)
		ASSERT_EQ(0, zt_try_read(map + i));
	ZT_ASSERT_OK(zx_vmo_create_child(self->vmo, ZX_VMO_CHILD_SNAPSHOT, 0, SIZE, &child));
	zt_keep(&self->bag, child);
	ZT_ASSERT_OK(zx_bti_pin(self->bti, ZX_BTI_PERM_READ, self->vmo, P, 4 * P, self->addr, 4,
				&pmt));
	zt_keep(&self->bag, pmt);
	ZT_ASSERT_OK(zx_bti_pin(self->bti, ZX_BTI_PERM_READ, child, P, 4 * P, theirs, 4, &pmt2));
	zt_keep(&self->bag, pmt2);
	for (int i = 0; i < 4; i++) {
		EXPECT_NE(self->addr[i], theirs[i]);
		/* the first access shows the page, the next writes to it */
		EXPECT_EQ(zt_pattern((1 + i) * P, 1), vt_load(map + (1 + i) * P));
		ZT_EXPECT_U64(self->addr[i], pp_pfn(map + (1 + i) * P) * P);
		ASSERT_EQ(0, zt_try_store(map + (1 + i) * P, 0x42));
		ZT_ASSERT_OK(zx_vmo_write(self->vmo, "x", (1 + i) * P + 1, 1));
		ZT_EXPECT_U64(self->addr[i], pp_pfn(map + (1 + i) * P) * P);
		ZT_EXPECT_U64(theirs[i], bt_vmo_pfn(child, (1 + i) * P) * P);
	}
	EXPECT_TRUE(zt_vmo_holds(child, 0, SIZE / 2, 1));
	/* a relative that goes takes nothing along */
	ZT_EXPECT_OK(zx_pmt_unpin(pmt2));
	ZT_EXPECT_OK(zx_handle_close(child));
	for (int i = 0; i < 4; i++)
		ZT_EXPECT_U64(self->addr[i], pp_pfn(map + (1 + i) * P) * P);
	/* Snapshots of a relative are fine. */
	ZT_EXPECT_OK(zx_pmt_unpin(pmt));
	ZT_ASSERT_OK(zx_vmo_create_child(self->vmo, ZX_VMO_CHILD_SNAPSHOT, 0, SIZE, &child));
	zt_keep(&self->bag, child);
	ZT_ASSERT_OK(zx_bti_pin(self->bti, RW, self->vmo, 0, SIZE, self->addr, N, &pmt));
	zt_keep(&self->bag, pmt);
	ZT_EXPECT_OK(snapshot(child, 0, SIZE));
	ASSERT_EQ(0, zt_try_store(map, 0x43));
	ZT_EXPECT_U64(self->addr[0], pp_pfn(map) * P);
	ZT_EXPECT_OK(zt_unmap(map, SIZE));
}

/* Somebody else has references of the pages: no reason to leave them. */
TEST_F(bti, references_of_others)
{
	uint8_t *map = zt_map(self->vmo, 0, SIZE, ZT_RW);
	struct iovec iov = { map, 3 * P };
	int pipe_fd[2];
	zx_handle_t pmt;

	ASSERT_EQ(0, pipe(pipe_fd));
	ZT_ASSERT_U64(3 * P, vmsplice(pipe_fd[1], &iov, 1, 0));
	ZT_ASSERT_OK(zx_bti_pin(self->bti, RW, self->vmo, 0, SIZE, self->addr, N, &pmt));
	zt_keep(&self->bag, pmt);
	iov.iov_base = map + 4 * P;
	ZT_ASSERT_U64(3 * P, vmsplice(pipe_fd[1], &iov, 1, 0));
	for (int i = 0; i < N; i++) {
		ASSERT_EQ(0, zt_try_store(map + i * P, 0x42));
		ZT_ASSERT_OK(zx_vmo_write(self->vmo, "x", i * P + 1, 1));
		ZT_EXPECT_U64(self->addr[i], pp_pfn(map + i * P) * P);
	}
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	ZT_EXPECT_OK(zt_unmap(map, SIZE));
}

/* The pin keeps the memory, and with it what the VMO is for others. */
TEST_F(bti, pages_outlive_the_handles)
{
	zx_handle_t parent = zt_keep(&self->bag, zt_vmo(SIZE, 0)), slice, pmt, pmt2;

	ZT_ASSERT_OK(pin(self->bti, self->vmo, P, P, &pmt));
	zt_keep(&self->bag, pmt);
	ZT_ASSERT_OK(zx_handle_close(self->vmo));
	ZT_EXPECT_U64(self->before.vmos + 2, zt_stats().vmos);
	ZT_EXPECT_U64(self->before.pages + N / 2, zt_stats().pages);
	ZT_EXPECT_OK(zx_pmt_unpin(pmt));
	ZT_EXPECT_U64(self->before.vmos + 1, zt_stats().vmos);
	ZT_EXPECT_U64(self->before.pages, zt_stats().pages);

	/* a child that is pinned counts as one */
	ZT_ASSERT_OK(zx_vmo_create_child(parent, ZX_VMO_CHILD_SLICE, 2 * P, 2 * P, &slice));
	ZT_ASSERT_OK(pin(self->bti, slice, 0, P, &pmt));
	zt_keep(&self->bag, pmt);
	ZT_ASSERT_OK(pin(self->bti, slice, 0, 2 * P, &pmt2));
	zt_keep(&self->bag, pmt2);
	ZT_ASSERT_OK(zx_handle_close(slice));
	ZT_EXPECT_U64(1, zt_vmo_info(parent).num_children);
	ZT_EXPECT_OK(zx_pmt_unpin(pmt));
	ZT_EXPECT_U64(1, zt_vmo_info(parent).num_children);
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, op(parent, ZX_VMO_OP_DECOMMIT, 3 * P, P));
	ZT_EXPECT_OK(zx_handle_close(pmt2));
	ZT_EXPECT_OK(zx_object_wait_one(parent, ZX_VMO_ZERO_CHILDREN, 0, NULL));
	ZT_EXPECT_OK(op(parent, ZX_VMO_OP_DECOMMIT, 0, SIZE));
}

/* ------------------------------------------------------------------------
 * The end of a pin
 */
TEST_F(bti, ends_with_the_handle)
{
	zx_handle_t pmt, bti;
	int fd;

	ZT_ASSERT_OK(pin(self->bti, self->vmo, 0, P, &pmt));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, snapshot(self->vmo, 0, P));
	ZT_EXPECT_OK(zx_handle_close(pmt));
	ZT_EXPECT_OK(snapshot(self->vmo, 0, P));
	ZT_EXPECT_U64(0, pins(self->bti));

	/* by unpinning at once, whoever has the descriptor as well */
	ZT_ASSERT_OK(pin(self->bti, self->vmo, 0, P, &pmt));
	fd = dup(zvm_handle_to_fd(pmt));
	ZT_EXPECT_OK(zx_pmt_unpin(pmt));
	ZT_EXPECT_OK(snapshot(self->vmo, 0, P));
	ZT_EXPECT_OK(zvm_handle_from_fd(fd, &pmt));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_pmt_unpin(pmt));
	EXPECT_EQ(-1, fcntl(fd, F_GETFD));

	/* by closing the last descriptor */
	ZT_ASSERT_OK(pin(self->bti, self->vmo, 0, P, &pmt));
	fd = dup(zvm_handle_to_fd(pmt));
	ZT_EXPECT_OK(zx_handle_close(pmt));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, snapshot(self->vmo, 0, P));
	close(fd);
	ZT_EXPECT_OK(snapshot(self->vmo, 0, P));

	/* It is the value that is gone, whatever it was. */
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_pmt_unpin(pmt));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_pmt_unpin(0));
	bti = bt_bti();
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_pmt_unpin(bti));
	EXPECT_FALSE(zt_live(bti));

	/* A pin does not need its BTI. */
	bti = bt_bti();
	ZT_ASSERT_OK(pin(bti, self->vmo, 0, P, &pmt));
	ZT_EXPECT_OK(zx_handle_close(bti));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, snapshot(self->vmo, 0, P));
	ZT_EXPECT_OK(zx_pmt_unpin(pmt));
	ZT_EXPECT_OK(snapshot(self->vmo, 0, P));
}

struct pinner {
	zx_handle_t bti, vmo;
};

static int pin_and_stay(int sock, void *arg)
{
	struct pinner *p = arg;
	zx_handle_t pmt;

	VT_CHECK_OK(pin(p->bti, p->vmo, 0, SIZE, &pmt));
	vt_say(sock, 0);
	vt_hear(sock);
	return 0;
}

TEST_F(bti, ends_with_the_process)
{
	struct pinner p = { self->bti, self->vmo };

	for (int i = 0; i < 6; i++) {
		struct vt_child c = vt_spawn(pin_and_stay, &p);

		ZT_ASSERT_U64(0, vt_hear(c.sock));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, snapshot(self->vmo, 0, P));
		ZT_EXPECT_U64(1, pins(self->bti));
		EXPECT_EQ(i % 2 ? 0 : 128 + SIGKILL, i % 2 ? vt_join(&c) : vt_kill(&c));
		/* its descriptors are closed by the time that it can be waited for */
		ZT_EXPECT_OK(snapshot(self->vmo, 0, P));
		ZT_EXPECT_U64(0, pins(self->bti));
	}
}

/* ------------------------------------------------------------------------
 * Who may
 */
static int nobody_asks(int sock ZT_UNUSED, void *arg)
{
	zx_handle_t *bti = arg, own = zt_vmo(SIZE, 0), pmt;
	zx_paddr_t addr[2] = { 0x1234, 0x1234 };

	VT_CHECK(bt_be_nobody());
	/* a BTI that comes from root changes nothing: it is who asks that counts */
	for (int i = 0; i < 2; i++) {
		zx_handle_t by = i ? bt_bti() : *bti;

		VT_CHECK_STATUS(ZX_ERR_ACCESS_DENIED, zx_bti_pin(by, RW, own, 0, 2 * P, addr, 2, &pmt));
		VT_CHECK_STATUS(ZX_ERR_ACCESS_DENIED, zx_bti_pin(by, RW, own, 0, P, NULL, 1, &pmt));
		VT_CHECK(addr[0] == 0x1234 && addr[1] == 0x1234);
		VT_CHECK(zt_committed(own) == (i ? 2 * P : 0));
		VT_CHECK_OK(pin(by, own, 0, 2 * P, &pmt));
		VT_CHECK(zt_committed(own) == 2 * P);
		VT_CHECK_STATUS(ZX_ERR_BAD_STATE, op(own, ZX_VMO_OP_DECOMMIT, 0, P));
		VT_CHECK_OK(zx_pmt_unpin(pmt));
	}
	return 0;
}

TEST_F(bti, addresses_are_for_the_privileged)
{
	struct vt_child c = vt_spawn(nobody_asks, &self->bti);

	EXPECT_EQ(0, vt_join(&c));
}

#define LOCKED 64

/* Pins as much as it may; tells how many pages that were, and stays. */
static int pin_all(int sock, void *arg ZT_UNUSED)
{
	struct rlimit limit = { LOCKED * P, LOCKED * P };
	zx_handle_t bti, vmo, pmt[2 * LOCKED], big;
	unsigned int n = 0;
	zx_status_t st;

	VT_CHECK(setrlimit(RLIMIT_MEMLOCK, &limit) == 0 && bt_be_nobody());
	bti = bt_bti();
	vmo = zt_vmo(4 * LOCKED * P, 0);
	VT_CHECK_STATUS(ZX_ERR_NO_MEMORY, pin(bti, vmo, 0, (LOCKED + 1) * P, &big));
	/* over and over the same page: each pin counts */
	while (n < 2 * LOCKED && (st = pin(bti, vmo, 0, P, &pmt[n])) == ZX_OK)
		n++;
	VT_CHECK_STATUS(ZX_ERR_NO_MEMORY, st);
	vt_say(sock, n);
	if (vt_hear(sock) == 1) {
		while (n)
			VT_CHECK_OK(zx_pmt_unpin(pmt[--n]));
		VT_CHECK_OK(pin(bti, vmo, P, LOCKED * P, &big));
		VT_CHECK_STATUS(ZX_ERR_NO_MEMORY, pin(bti, vmo, 0, P, &pmt[0]));
		VT_CHECK_OK(zx_pmt_unpin(big));
	}
	return 0;
}

TEST_F(bti, memlock_limit)
{
	struct vt_child a = vt_spawn(pin_all, NULL), b;
	zx_handle_t pmt;

	ZT_EXPECT_U64(LOCKED, vt_hear(a.sock));
	/* all processes of the user together */
	b = vt_spawn(pin_all, NULL);
	ZT_EXPECT_U64(0, vt_hear(b.sock));
	EXPECT_EQ(128 + SIGKILL, vt_kill(&b));
	ASSERT_TRUE(vt_say(a.sock, 1));
	EXPECT_EQ(0, vt_join(&a));
	/* and all of it back */
	a = vt_spawn(pin_all, NULL);
	ZT_EXPECT_U64(LOCKED, vt_hear(a.sock));
	EXPECT_EQ(128 + SIGKILL, vt_kill(&a));
	a = vt_spawn(pin_all, NULL);
	ZT_EXPECT_U64(LOCKED, vt_hear(a.sock));
	EXPECT_EQ(128 + SIGKILL, vt_kill(&a));
	/* It is not for root. */
	{
		struct rlimit old, none = { 0, RLIM_INFINITY };

		ASSERT_EQ(0, getrlimit(RLIMIT_MEMLOCK, &old));
		none.rlim_max = old.rlim_max;
		ASSERT_EQ(0, setrlimit(RLIMIT_MEMLOCK, &none));
		ZT_EXPECT_OK(pin(self->bti, self->vmo, 0, SIZE, &pmt));
		ZT_EXPECT_OK(zx_pmt_unpin(pmt));
		setrlimit(RLIMIT_MEMLOCK, &old);
	}
}

/* ------------------------------------------------------------------------
 * Races
 */
struct race {
	zx_handle_t vmo, other;
	_Atomic(bool) stop;
};

/* All that would take pages away, over and over. */
static void *take_pages(void *arg)
{
	struct race *r = arg;

	for (unsigned int i = 0; !r->stop; i++) {
		switch (i % 6) {
		case 0:
			op(r->vmo, ZX_VMO_OP_DECOMMIT, 0, SIZE);
			break;
		case 1:
			if (zx_vmo_set_size(r->vmo, P) == ZX_OK)
				zx_vmo_set_size(r->vmo, SIZE);
			break;
		case 2:
			snapshot(r->vmo, 0, SIZE);
			break;
		case 3:
			zx_vmo_transfer_data(r->other, 0, 0, SIZE, r->vmo, 0);
			break;
		case 4:
			zx_vmo_transfer_data(r->vmo, 0, 0, SIZE, r->other, 0);
			break;
		case 5:
			op(r->vmo, ZX_VMO_OP_ZERO, 0, SIZE);
			break;
		}
	}
	return NULL;
}

/* Whenever a pin has been had, its pages are where it says. */
TEST_F_TIMEOUT(bti, races, 120)
{
	struct race r = { self->vmo, zt_keep(&self->bag, zt_vmo(SIZE, 0)), false };
	unsigned int got = 0;
	zx_handle_t pmt;
	pthread_t t;

	ASSERT_EQ(0, pthread_create(&t, NULL, take_pages, &r));
	for (int i = 0; i < 3000 && got < 300; i++) {
		uint64_t first = (uint64_t)i % (N - 6), n = 1 + (uint64_t)i % 6;
		zx_status_t st;

		if (zx_bti_pin(self->bti, RW, self->vmo, first * P, n * P, self->addr, n, &pmt)) {
			sched_yield();
			continue;
		}
		got++;
		for (uint64_t k = 0; k < n; k++) {
			uint64_t pfn;

			ZT_EXPECT_OK(zx_vmo_write(self->vmo, "x", (first + k) * P, 1));
			pfn = bt_vmo_pfn(self->vmo, (first + k) * P);
			ZT_EXPECT_U64(self->addr[k], pfn * P);
		}
		/* Or there is a snapshot from before. */
		st = op(self->vmo, ZX_VMO_OP_DECOMMIT, first * P, P);
		EXPECT_TRUE(st == ZX_ERR_BAD_STATE || st == ZX_ERR_NOT_SUPPORTED);
		ZT_EXPECT_OK(zx_pmt_unpin(pmt));
	}
	r.stop = true;
	pthread_join(t, NULL);
	EXPECT_LT(0u, got);
	ZT_EXPECT_U64(0, pins(self->bti));
}

struct twice {
	zx_handle_t pmt;
	pthread_barrier_t *start;
};

static void *unpin_it(void *arg)
{
	struct twice *t = arg;
	struct zvm_pmt_unpin cmd = { .size = sizeof(cmd) };
	int fd = zvm_handle_to_fd(t->pmt);

	pthread_barrier_wait(t->start);
	return (void *)(intptr_t)(ioctl(fd, ZVM_PMT_UNPIN, &cmd) ? errno : 0);
}

/* Two threads unpin: one of them does. */
TEST_F(bti, unpinned_once)
{
	for (int i = 0; i < 200; i++) {
		pthread_barrier_t start;
		struct twice t = { 0, &start };
		void *other, *mine;
		pthread_t thread;

		ZT_ASSERT_OK(pin(self->bti, self->vmo, 0, P, &t.pmt));
		pthread_barrier_init(&start, NULL, 2);
		ASSERT_EQ(0, pthread_create(&thread, NULL, unpin_it, &t));
		mine = unpin_it(&t);
		pthread_join(thread, &other);
		EXPECT_TRUE((!mine && other == (void *)EBADFD) || (!other && mine == (void *)EBADFD));
		ZT_EXPECT_OK(zx_handle_close(t.pmt));
		pthread_barrier_destroy(&start);
	}
	ZT_EXPECT_U64(0, pins(self->bti));
	ZT_EXPECT_OK(snapshot(self->vmo, 0, P));
}

TEST_HARNESS_MAIN
