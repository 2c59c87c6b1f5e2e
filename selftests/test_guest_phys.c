// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Address spaces of virtual machines: their addresses are not those of the process
 * that has adopted them. test_guest_kvm has guests that use them.
 */
#include "kselftest_harness.h"
#include "machine.h"

#define PAGES 16

/* ------------------------------------------------------------------------
 * Two kinds of addresses
 */

TEST(create_arguments)
{
	static const struct {
		uint64_t base, size;
		zx_status_t status;
	} t[] = {
		{ 0, 0, ZX_ERR_INVALID_ARGS },
		{ 0, GIB + 4096, ZX_ERR_INVALID_ARGS },
		{ 4096, GIB, ZX_ERR_INVALID_ARGS },
		{ 0, 1ull << 52, ZX_ERR_OUT_OF_RANGE },
		{ 1ull << 52, GIB, ZX_ERR_OUT_OF_RANGE },
		{ -GIB, GIB, ZX_ERR_OUT_OF_RANGE },
		{ 0, GIB, ZX_OK },
		{ (1ull << 52) - GIB, GIB, ZX_OK },
		{ 0, 1ull << 46, ZX_OK },
	};
	zx_handle_t h;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		ZT_EXPECT_STATUS(t[i].status,
				 zvm_aspace_create(ZVM_ASPACE_GUEST_PHYS, t[i].base, t[i].size,
						   &h));
}

FIXTURE(addresses) {
	struct machine m;
};

FIXTURE_VARIANT(addresses) {
	uint64_t base;
};

FIXTURE_VARIANT_ADD(addresses, from_0) { .base = 0 };
FIXTURE_VARIANT_ADD(addresses, from_4_gib) { .base = 4 * GIB };
FIXTURE_VARIANT_ADD(addresses, above_the_process) { .base = 1ull << 50 };

FIXTURE_SETUP(addresses)
{
	/* A process with a root region of its own, too. */
	ASSERT_TRUE(zt_warm_up());
	ZT_ASSERT_OK(machine_make(&self->m, variant->base, PAGES, 0));
	ZT_ASSERT_U64(variant->base, self->m.r.base);
}

FIXTURE_TEARDOWN(addresses)
{
}

/* All calls count in the machine's addresses, before and after. */
TEST_F(addresses, adopt)
{
	struct machine *m = &self->m;
	struct vt_region child;
	uint8_t byte = 0x77;
	size_t n;

	ZT_EXPECT_OK(zx_process_write_memory(m->r.h, m->r.base + 5, &byte, 1, &n));
	ZT_ASSERT_OK(machine_adopt(m));
	EXPECT_NE((uint8_t *)m->r.base, m->at);
	ZT_EXPECT_U64(0, (uintptr_t)m->at % GIB);
	EXPECT_EQ(0x77, m->at[5]);
	for (int i = 1; i < PAGES; i++)
		EXPECT_EQ(vt_tag(1, i), vt_load(m->at + i * P));
	EXPECT_EQ(-SIGSEGV, vt_load(m->at + PAGES * P));
	EXPECT_EQ(-SIGSEGV, vt_load(m->at + GIB - 1));
	m->at[P + 1] = 0x78;
	EXPECT_EQ(0x78, zt_vmo_byte(m->vmo, P + 1));
	ZT_EXPECT_OK(zx_process_read_memory(m->r.h, m->r.base + P + 1, &byte, 1, &n));
	EXPECT_EQ(0x78, byte);

	ZT_EXPECT_OK(zx_vmar_protect(m->r.h, VT_R, m->r.base + 2 * P, P));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(m->at + 2 * P));
	EXPECT_EQ(vt_tag(1, 2), vt_load(m->at + 2 * P));
	ZT_EXPECT_OK(zx_vmar_unmap(m->r.h, m->r.base + 3 * P, P));
	EXPECT_EQ(-SIGSEGV, vt_load(m->at + 3 * P));
	EXPECT_EQ(vt_tag(1, 4), vt_load(m->at + 4 * P));

	child = vt_alloc(m->r.h, VT_CAN_ALL, 8 * P);
	ASSERT_NE(0, child.h);
	ZT_ASSERT_OK(vt_map_at(&child, ZT_RW | ZX_VM_MAP_RANGE, 2 * P, m->vmo, 6 * P, P));
	EXPECT_EQ(1, vt_present(m->at + (child.base - m->r.base) + 2 * P));
	EXPECT_EQ(vt_tag(1, 6), vt_load(m->at + (child.base - m->r.base) + 2 * P));
	/* Where nothing has been accessed yet. */
	ZT_ASSERT_OK(vt_map_at(&m->r, ZT_RW, GIB / 2, m->vmo, 0, PAGES * P));
	ZT_EXPECT_OK(zx_vmar_op_range(m->r.h, ZX_VMAR_OP_MAP_RANGE, m->r.base + GIB / 2 + 8 * P,
				      4 * P, NULL, 0));
	for (int i = 7; i < 13; i++)
		EXPECT_EQ(i >= 8 && i < 12, vt_present(m->at + GIB / 2 + i * P));
	ZT_EXPECT_OK(zx_vmar_destroy(child.h));
	EXPECT_EQ(-SIGSEGV, vt_load(m->at + (child.base - m->r.base) + 2 * P));
}

/* What is wrong with a buffer there is told as of any other. */
TEST_F(addresses, buffers)
{
	zx_handle_t vmo = zt_vmo(P, ZX_VMO_RESIZABLE);
	struct machine *m = &self->m;

	ZT_ASSERT_OK(machine_adopt(m));
	ZT_ASSERT_OK(vt_map_at(&m->r, ZT_RW, 32 * P, vmo, 0, 2 * P));
	ZT_ASSERT_OK(zx_vmar_protect(m->r.h, VT_R, m->r.base, P));
	ZT_EXPECT_OK(zx_vmo_read(vmo, m->at + P, 0, 8));
	EXPECT_EQ(0, m->at[P]);
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, zx_vmo_read(vmo, m->at + 31 * P, 0, 8));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_read(vmo, m->at, 0, 8));
	ZT_EXPECT_OK(zx_vmo_write(vmo, m->at, 0, 8));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(m->vmo, m->at + 33 * P, 0, 8));
}

TEST_F(addresses, nothing_executable)
{
	struct machine *m = &self->m;
	zx_handle_t code;

	ZT_ASSERT_OK(zx_vmo_replace_as_executable(zt_vmo(P, 0), ZX_HANDLE_INVALID, &code));
	for (int i = 0; i < 2; i++) {
		ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
				 vt_map_at(&m->r, VT_R | VT_X, 32 * P, code, 0, P));
		ZT_EXPECT_OK(vt_map_at(&m->r, VT_R, 40 * P, code, 0, P));
		ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
				 zx_vmar_protect(m->r.h, VT_R | VT_X, m->r.base + 40 * P, P));
		ZT_EXPECT_OK(zx_vmar_unmap(m->r.h, m->r.base + 40 * P, P));
		if (!i)
			ZT_ASSERT_OK(machine_adopt(m));
	}
}

/* Page tables that are left over are given back, and nobody else's. */
TEST_F(addresses, page_tables)
{
	const size_t step = 2ul << 20, n = 256;
	struct machine *m = &self->m;
	int64_t before, after;

	ZT_ASSERT_OK(machine_adopt(m));
	ZT_ASSERT_OK(zt_try_read(m->at));
	before = zt_status_field("VmPTE");
	for (int round = 0; round < 4; round++) {
		zx_handle_t vmo = zt_vmo(n * step, 0);

		ZT_ASSERT_OK(vt_map_at(&m->r, ZT_RW, 16 * step, vmo, 0, n * step));
		for (size_t i = 0; i < n; i++)
			ASSERT_EQ(0, zt_try_write(m->at + (16 + i) * step));
		ZT_ASSERT_OK(zx_vmar_unmap(m->r.h, m->r.base + 16 * step, n * step));
		ZT_ASSERT_OK(zx_handle_close(vmo));
	}
	after = zt_status_field("VmPTE");
	EXPECT_LT(after, before + (int64_t)(n * 4 / 2)) {
		TH_LOG("VmPTE %lld kB, then %lld kB", (long long)before, (long long)after);
	}
	EXPECT_EQ(vt_tag(1, 0), vt_load(m->at));
}

/* A process may have several of them, beside its own. */
TEST_F(addresses, several)
{
	zx_handle_t self_root = zx_vmar_root_self();
	struct machine *m = &self->m, other;
	uint8_t *own;

	ZT_ASSERT_OK(machine_make(&other, variant->base, PAGES, 0));
	ZT_ASSERT_OK(machine_adopt(m));
	ZT_ASSERT_OK(machine_adopt(&other));
	EXPECT_NE(m->at, other.at);
	m->at[0] = 1;
	other.at[0] = 2;
	EXPECT_EQ(1, zt_vmo_byte(m->vmo, 0));
	EXPECT_EQ(2, zt_vmo_byte(other.vmo, 0));
	EXPECT_EQ(self_root, zx_vmar_root_self());
	own = zt_map(m->vmo, 0, P, ZT_RW);
	ASSERT_NE(NULL, own);
	EXPECT_EQ(1, own[0]);
	ZT_EXPECT_STATUS(ZX_ERR_ALREADY_BOUND, zvm_aspace_adopt(m->r.h, &(zx_vaddr_t){ 0 }));
	/* One goes, the others stay. */
	ASSERT_EQ(0, munmap(m->at, GIB));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, vt_map_at(&m->r, ZT_RW, 0, m->vmo, 0, P));
	EXPECT_EQ(2, other.at[0]);
	EXPECT_EQ(1, own[0]);
}

TEST_HARNESS_MAIN
