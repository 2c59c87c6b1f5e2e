// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Address spaces that are in no process: filled and emptied before anybody can see
 * what is in them, then adopted by one process, or by none.
 *
 * Each test runs in a process of its own, which has no arena unless it calls
 * zx_vmar_root_self(): what a test does not need to be in a child it adopts itself.
 */
#include "kselftest_harness.h"
#include "zvm_vmar_test.h"

#include <sys/resource.h>

#define GIB (1ull << 30)
/* Where neither program, heap nor Linux's own mappings are. */
#define BASE (16ull << 40)
#define SIZE (4 * GIB)

static struct vt_region make_at(zx_vaddr_t base, size_t size)
{
	zx_handle_t h;

	if (zvm_aspace_create(ZVM_ASPACE_USER, base, size, &h) != ZX_OK)
		return (struct vt_region){};
	return vt_region_of(h);
}

static struct vt_region make(void)
{
	return make_at(BASE, SIZE);
}

/* Bytes of an address space from outside: the byte, or minus the status. */
static int get(zx_handle_t root, zx_vaddr_t addr)
{
	uint8_t byte = 0;
	size_t actual = 0;
	zx_status_t st = zx_process_read_memory(root, addr, &byte, 1, &actual);

	return st != ZX_OK ? st : actual == 1 ? byte : ZX_ERR_INTERNAL;
}

static zx_status_t put(zx_handle_t root, zx_vaddr_t addr, uint8_t byte)
{
	size_t actual;

	return zx_process_write_memory(root, addr, &byte, 1, &actual);
}

static uint64_t mappings_of(zx_handle_t vmo)
{
	return zt_vmo_info(vmo).num_mappings;
}

/* ------------------------------------------------------------------------
 * Making one
 */

TEST(create)
{
	const zx_rights_t all = ZX_DEFAULT_VMAR_RIGHTS | VT_RIGHTS_RWX;
	struct zvm_stats before = zt_stats();
	struct vt_region a = make(), b = make();

	ASSERT_NE(0, a.h);
	ASSERT_NE(0, b.h);
	ZT_EXPECT_U64(BASE, a.base);
	ZT_EXPECT_U64(SIZE, a.len);
	EXPECT_EQ(all, zt_rights(a.h));
	EXPECT_EQ(ZX_OBJ_TYPE_VMAR, zt_type(a.h));
	EXPECT_NE(zt_koid(a.h), zt_koid(b.h));
	ZT_EXPECT_U64(before.aspaces + 2, zt_stats().aspaces);
	/* It is not the process's, and takes up none of its addresses. */
	EXPECT_NE(zt_koid(zx_vmar_root_self()), zt_koid(a.h));
	EXPECT_EQ(-SIGSEGV, vt_load((void *)BASE));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED, zx_vmar_destroy(a.h));
}

TEST(create_arguments)
{
	const uint64_t window = 1ull << 47;
	static const struct {
		uint32_t kind;
		uint64_t base, size;
		zx_status_t status;
	} bad[] = {
		{ 0, 0, GIB, ZX_ERR_INVALID_ARGS },
		{ 0, BASE, 0, ZX_ERR_INVALID_ARGS },
		{ 0, BASE + 4096, GIB, ZX_ERR_INVALID_ARGS },
		{ 0, BASE + GIB / 2, GIB, ZX_ERR_INVALID_ARGS },
		{ 0, BASE, 4096, ZX_ERR_INVALID_ARGS },
		{ 0, BASE, GIB + 4096, ZX_ERR_INVALID_ARGS },
		{ 77, BASE, GIB, ZX_ERR_INVALID_ARGS },
		{ UINT32_MAX, BASE, GIB, ZX_ERR_INVALID_ARGS },
		{ 0, BASE, 1ull << 60, ZX_ERR_OUT_OF_RANGE },
		{ 0, 1ull << 60, GIB, ZX_ERR_OUT_OF_RANGE },
		{ 0, -GIB, GIB, ZX_ERR_OUT_OF_RANGE },
		{ 0, -GIB, 2 * GIB, ZX_ERR_OUT_OF_RANGE },
		{ 0, GIB, -GIB, ZX_ERR_OUT_OF_RANGE },
	};
	struct zvm_stats before = zt_stats();
	zx_handle_t h;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ZT_EXPECT_STATUS(bad[i].status,
				 zvm_aspace_create(bad[i].kind, bad[i].base, bad[i].size, &h));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zvm_aspace_create(0, BASE, GIB, NULL));
	ZT_EXPECT_NO_LEAK(&before);
	/* As much as there can be. */
	ZT_EXPECT_OK(zvm_aspace_create(0, GIB, window / 2, &h));
}

/* ------------------------------------------------------------------------
 * What can be done to a detached one
 */

/* Regions and mappings are where they are said to be, and are told so. */
TEST(fill)
{
	struct vt_region root = make(), child, grandchild;
	zx_handle_t vmo = vt_tagged_vmo(1, 8, 0);
	zx_info_maps_t *maps;
	size_t n;

	child = vt_alloc(root.h, VT_CAN_ALL, 64 * P);
	ASSERT_NE(0, child.h);
	EXPECT_GE(child.base, root.base);
	EXPECT_LE(child.base + child.len, root.base + root.len);
	grandchild = vt_alloc(child.h, VT_CAN_ALL, 8 * P);
	ASSERT_NE(0, grandchild.h);
	ZT_ASSERT_OK(vt_map_at(&grandchild, ZT_RW, P, vmo, 2 * P, 3 * P));
	ZT_EXPECT_U64(1, mappings_of(vmo));

	maps = vt_maps(root.h, &n);
	ASSERT_NE(NULL, maps);
	ASSERT_EQ(4, n);
	ZT_EXPECT_U64(root.base, maps[0].base);
	ZT_EXPECT_U64(child.base, maps[1].base);
	ZT_EXPECT_U64(grandchild.base, maps[2].base);
	EXPECT_EQ(ZX_INFO_MAPS_TYPE_MAPPING, maps[3].type);
	ZT_EXPECT_U64(grandchild.base + P, maps[3].base);
	ZT_EXPECT_U64(3 * P, maps[3].size);
	ZT_EXPECT_U64(2 * P, maps[3].u.mapping.vmo_offset);
	EXPECT_EQ(ZT_RW, maps[3].u.mapping.mmu_flags);
	free(maps);

	for (int i = 0; i < 3; i++)
		EXPECT_EQ(vt_tag(1, 2 + i), get(root.h, grandchild.base + (1 + i) * P));
	ZT_EXPECT_OK(zx_vmar_destroy(child.h));
	ZT_EXPECT_U64(0, mappings_of(vmo));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, get(root.h, grandchild.base + P));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmar_unmap(grandchild.h, grandchild.base, P));
}

/* What means PTEs elsewhere does to the VMO what it says, and no more. */
TEST(operations)
{
	struct vt_region r = make();
	zx_handle_t vmo = zt_vmo(8 * P, 0);
	zx_vaddr_t at = r.base + GIB;

	ZT_ASSERT_OK(vt_map_at(&r, ZT_RW | ZX_VM_MAP_RANGE, GIB, vmo, 0, 8 * P));
	ZT_EXPECT_U64(0, zt_committed(vmo));
	ZT_EXPECT_OK(zx_vmar_op_range(r.h, ZX_VMAR_OP_MAP_RANGE, at, 8 * P, NULL, 0));
	ZT_EXPECT_OK(zx_vmar_op_range(r.h, ZX_VMAR_OP_PREFETCH, at, 8 * P, NULL, 0));
	ZT_EXPECT_OK(zx_vmar_op_range(r.h, ZX_VMAR_OP_ALWAYS_NEED, at, 8 * P, NULL, 0));
	ZT_EXPECT_OK(zx_vmar_op_range(r.h, ZX_VMAR_OP_DONT_NEED, at, 8 * P, NULL, 0));
	ZT_EXPECT_U64(0, zt_committed(vmo));
	ZT_EXPECT_OK(zx_vmar_op_range(r.h, ZX_VMAR_OP_COMMIT, at + P, 4 * P, NULL, 0));
	ZT_EXPECT_U64(4 * P, zt_committed(vmo));
	ZT_EXPECT_OK(put(r.h, at + 2 * P, 7));
	EXPECT_EQ(7, zt_vmo_byte(vmo, 2 * P));
	ZT_EXPECT_OK(zx_vmar_op_range(r.h, ZX_VMAR_OP_ZERO, at + 2 * P, P, NULL, 0));
	EXPECT_EQ(0, get(r.h, at + 2 * P));
	ZT_EXPECT_OK(zx_vmar_op_range(r.h, ZX_VMAR_OP_DECOMMIT, at, 8 * P, NULL, 0));
	ZT_EXPECT_U64(0, zt_committed(vmo));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
			 zx_vmar_op_range(r.h, ZX_VMAR_OP_COMMIT, at + 8 * P, P, NULL, 0));
}

TEST(unmap_and_overwrite)
{
	struct vt_region r = make();
	zx_handle_t one = vt_tagged_vmo(1, 8, 0), two = vt_tagged_vmo(2, 8, 0);

	ZT_ASSERT_OK(vt_map_at(&r, ZT_RW, 0, one, 0, 8 * P));
	ZT_EXPECT_OK(zx_vmar_unmap(r.h, r.base + 2 * P, P));
	ZT_EXPECT_U64(2, mappings_of(one));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, get(r.h, r.base + 2 * P));
	ZT_EXPECT_OK(vt_map_at(&r, ZT_RW | ZX_VM_SPECIFIC_OVERWRITE, P, two, 4 * P, 3 * P));
	EXPECT_EQ(vt_tag(1, 0), get(r.h, r.base));
	for (int i = 1; i < 4; i++)
		EXPECT_EQ(vt_tag(2, 3 + i), get(r.h, r.base + i * P));
	EXPECT_EQ(vt_tag(1, 4), get(r.h, r.base + 4 * P));
	ZT_EXPECT_STATUS(ZX_ERR_ALREADY_EXISTS, vt_map_at(&r, ZT_RW, 3 * P, one, 0, P));
	ZT_EXPECT_OK(zx_vmar_unmap(r.h, r.base, r.len));
	ZT_EXPECT_U64(0, mappings_of(one));
	ZT_EXPECT_U64(0, mappings_of(two));
}

/* Code can be executed where a process has allowed it for its own. */
TEST(nothing_executable)
{
	struct vt_region r = make();
	zx_handle_t vmo, code;

	vmo = zt_vmo(P, 0);
	ZT_ASSERT_OK(zx_vmo_replace_as_executable(vmo, ZX_HANDLE_INVALID, &code));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED, vt_map_at(&r, VT_R | VT_X, 0, code, 0, P));
	ZT_ASSERT_OK(vt_map_at(&r, VT_R, 0, code, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED, zx_vmar_protect(r.h, VT_R | VT_X, r.base, P));
}

/* ------------------------------------------------------------------------
 * Adoption
 */

TEST(adopt)
{
	struct vt_region r = make();
	zx_handle_t vmo = vt_tagged_vmo(1, 8, 0), self;
	uint8_t *at = vt_ptr(&r, GIB);
	zx_vaddr_t addr = 0;

	ZT_ASSERT_OK(vt_map_at(&r, ZT_RW, GIB, vmo, 0, 4 * P));
	ZT_ASSERT_OK(vt_map_at(&r, VT_R, GIB + 4 * P, vmo, 4 * P, 2 * P));
	ZT_ASSERT_OK(vt_map_at(&r, ZT_RW, GIB + 6 * P, vmo, 6 * P, 2 * P));
	ZT_ASSERT_OK(zx_vmar_protect(r.h, 0, r.base + GIB + 6 * P, P));
	EXPECT_EQ(-SIGSEGV, vt_load(at));

	ZT_ASSERT_OK(zvm_aspace_adopt(r.h, &addr));
	ZT_EXPECT_U64(BASE, addr);
	for (int i = 0; i < 6; i++)
		EXPECT_EQ(vt_tag(1, i), vt_load(at + i * P));
	EXPECT_EQ(-SIGSEGV, vt_load(at + 6 * P));
	EXPECT_EQ(vt_tag(1, 7), vt_load(at + 7 * P));
	EXPECT_EQ(-SIGSEGV, vt_load(at + 8 * P));
	EXPECT_EQ(-SIGSEGV, vt_load(at - 1));
	ZT_EXPECT_ACCESS(zt_try_write(at));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(at + 4 * P));
	EXPECT_EQ(*at, zt_vmo_byte(vmo, 0));

	/* It is the process's now, by its own handle and by the old one. */
	self = zx_vmar_root_self();
	EXPECT_EQ(zt_koid(r.h), zt_koid(self));
	ZT_EXPECT_OK(zx_vmar_protect(self, ZT_RW, r.base + GIB + 6 * P, P));
	EXPECT_EQ(vt_tag(1, 6), vt_load(at + 6 * P));
	ZT_EXPECT_OK(zx_vmar_unmap(r.h, r.base + GIB, P));
	EXPECT_EQ(-SIGSEGV, vt_load(at));
	ZT_EXPECT_OK(vt_map_at(&r, ZT_RW | ZX_VM_MAP_RANGE, 2 * GIB, vmo, 0, P));
	EXPECT_EQ(1, vt_present(vt_ptr(&r, 2 * GIB)));
	ZT_EXPECT_STATUS(ZX_ERR_ALREADY_BOUND, zvm_aspace_adopt(r.h, &addr));
	ZT_EXPECT_STATUS(ZX_ERR_ALREADY_BOUND, zvm_aspace_adopt(self, &addr));
	/* No handle is needed to keep it. */
	ZT_EXPECT_OK(zx_handle_close(r.h));
	EXPECT_EQ(vt_tag(1, 1), vt_load(at + P));
}

/* What a snapshot has taken stays so, whichever side of the adoption it is on. */
TEST(adopt_snapshots)
{
	struct vt_region r = make();
	zx_handle_t vmo = vt_tagged_vmo(1, 4, 0), early, late;
	volatile uint8_t *at = vt_ptr(&r, 0);
	zx_vaddr_t addr;

	ZT_ASSERT_OK(vt_map_at(&r, ZT_RW, 0, vmo, 0, 4 * P));
	ZT_ASSERT_OK(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, 4 * P, &early));
	ZT_ASSERT_OK(put(r.h, r.base, 0xe1));
	ZT_ASSERT_OK(zvm_aspace_adopt(r.h, &addr));
	EXPECT_EQ(0xe1, at[0]);
	at[0] = 0xe2;
	at[P] = 0xe3;
	ZT_ASSERT_OK(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, 4 * P, &late));
	at[0] = 0xe4;
	EXPECT_EQ(vt_tag(1, 0), zt_vmo_byte(early, 0));
	EXPECT_EQ(vt_tag(1, 1), zt_vmo_byte(early, P));
	EXPECT_EQ(0xe2, zt_vmo_byte(late, 0));
	EXPECT_EQ(0xe3, zt_vmo_byte(late, P));
	EXPECT_EQ(0xe4, zt_vmo_byte(vmo, 0));
}

/* Nothing of Linux's is replaced, and nothing is lost by trying. */
TEST(adopt_addresses_in_use)
{
	struct zvm_stats before = zt_stats();
	struct vt_region r = make();
	zx_handle_t vmo = vt_tagged_vmo(1, 2, 0);
	const size_t where[] = { 0, GIB + 5 * P, SIZE - P };
	zx_vaddr_t addr;

	ZT_ASSERT_OK(vt_map_at(&r, ZT_RW, GIB, vmo, 0, 2 * P));
	for (size_t i = 0; i < 3; i++) {
		uint8_t *at = vt_ptr(&r, where[i]);

		ASSERT_EQ(at, mmap(at, P, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
		*at = 0x5a;
		ZT_EXPECT_STATUS(ZX_ERR_ALREADY_EXISTS, zvm_aspace_adopt(r.h, &addr));
		EXPECT_EQ(0x5a, *at);
		EXPECT_EQ(-SIGSEGV, vt_load(vt_ptr(&r, 2 * GIB)));
		EXPECT_EQ(vt_tag(1, 1), get(r.h, r.base + GIB + P));
		ASSERT_EQ(0, munmap(at, P));
	}
	/* Next to it does no harm. */
	ASSERT_NE(MAP_FAILED, mmap(vt_ptr(&r, SIZE), P, PROT_READ,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
	ZT_EXPECT_OK(zvm_aspace_adopt(r.h, &addr));
	EXPECT_EQ(vt_tag(1, 1), vt_load(vt_ptr(&r, GIB + P)));

	/* All of it goes with the arena. */
	ASSERT_EQ(0, munmap(vt_ptr(&r, 0), SIZE));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, vt_map_at(&r, ZT_RW, 0, vmo, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_ALREADY_BOUND, zvm_aspace_adopt(r.h, &addr));
	ZT_EXPECT_OK(zx_handle_close(r.h));
	ZT_EXPECT_OK(zx_handle_close(vmo));
	ZT_EXPECT_NO_LEAK(&before);
}

static int adopt_and_look(void *arg)
{
	struct vt_region *r = arg;
	zx_vaddr_t addr;

	VT_CHECK_OK(zvm_aspace_adopt(r->h, &addr));
	VT_CHECK(vt_load(vt_ptr(r, GIB)) == vt_tag(1, 0));
	return 0;
}

/* One address space for each process; a child by fork(2) begins without. */
TEST(adopt_second)
{
	struct vt_region r = make(), other = make_at(BASE + SIZE, SIZE);
	zx_handle_t vmo = vt_tagged_vmo(1, 2, 0);
	zx_handle_t self = zx_vmar_root_self();
	zx_vaddr_t addr;

	ZT_ASSERT_OK(vt_map_at(&r, ZT_RW, GIB, vmo, 0, 2 * P));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zvm_aspace_adopt(r.h, &addr));
	EXPECT_EQ(-SIGSEGV, vt_load(vt_ptr(&r, GIB)));
	EXPECT_EQ(vt_tag(1, 0), get(r.h, r.base + GIB));
	ZT_EXPECT_STATUS(ZX_ERR_ALREADY_BOUND, zvm_aspace_adopt(self, &addr));
	EXPECT_EQ(0, zt_fork_run(adopt_and_look, &r));
	/* The child has had it; the other one is still there. */
	ZT_EXPECT_STATUS(ZX_ERR_ALREADY_BOUND, zvm_aspace_adopt(r.h, &addr));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, vt_map_at(&r, ZT_RW, 0, vmo, 0, P));
	ZT_ASSERT_OK(vt_map_at(&other, ZT_RW, GIB, vmo, 0, 2 * P));
	EXPECT_EQ(0, zt_fork_run(adopt_and_look, &other));
}

TEST(adopt_arguments)
{
	static const zx_rights_t needed[] = {
		ZX_RIGHT_READ, ZX_RIGHT_WRITE, ZX_RIGHT_EXECUTE, ZX_RIGHT_OP_CHILDREN,
	};
	struct vt_region r = make(), child = vt_alloc(r.h, VT_CAN_ALL, P);
	struct zt_bad bad[ZT_BAD_WRITE_N];
	zx_handle_t vmo = zt_vmo(P, 0), h;
	zx_vaddr_t addr;

	for (size_t i = 0; i < 4; i++) {
		h = zt_without(r.h, needed[i]);
		ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zvm_aspace_adopt(h, &addr));
		ZT_EXPECT_OK(zx_handle_close(h));
	}
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zvm_aspace_adopt(vmo, &addr));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zvm_aspace_adopt(ZX_HANDLE_INVALID, &addr));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zvm_aspace_adopt(child.h, &addr));
	zt_bad_write(bad);
	for (size_t i = 0; i < ZT_BAD_WRITE_N; i++)
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zvm_aspace_adopt(r.h, bad[i].ptr));
	EXPECT_EQ(-SIGSEGV, vt_load((void *)BASE));
	/* The rights that are not needed are not looked at. */
	h = zt_dup(r.h, VT_RIGHTS_RWX | ZX_RIGHT_OP_CHILDREN);
	ZT_EXPECT_OK(zvm_aspace_adopt(h, &addr));
}

TEST(adopt_limited)
{
	struct vt_region r = make();
	zx_handle_t vmo = vt_tagged_vmo(1, 1, 0);
	struct rlimit old, low;
	zx_vaddr_t addr;

	ZT_ASSERT_OK(vt_map_at(&r, ZT_RW, 0, vmo, 0, P));
	ASSERT_EQ(0, getrlimit(RLIMIT_AS, &old));
	low = old;
	low.rlim_cur = 2 * GIB;
	ASSERT_EQ(0, setrlimit(RLIMIT_AS, &low));
	ZT_EXPECT_STATUS(ZX_ERR_NO_MEMORY, zvm_aspace_adopt(r.h, &addr));
	ASSERT_EQ(0, setrlimit(RLIMIT_AS, &old));
	EXPECT_EQ(vt_tag(1, 0), get(r.h, r.base));
	ZT_EXPECT_OK(zvm_aspace_adopt(r.h, &addr));
	EXPECT_EQ(vt_tag(1, 0), vt_load((void *)BASE));
}

/* ------------------------------------------------------------------------
 * Other processes
 */

/* Adopts what it is sent, then does what it is told: 0 ends, else loads a byte. */
static int adopter(int sock, void *arg ZT_UNUSED)
{
	zx_handle_t h;
	zx_vaddr_t addr;
	uint64_t word;

	VT_CHECK_OK(zvm_handle_recv(sock, &h));
	VT_CHECK_OK(zvm_aspace_adopt(h, &addr));
	VT_CHECK_OK(zx_handle_close(h));
	VT_CHECK(vt_say(sock, addr));
	while ((word = vt_hear(sock)) && word != UINT64_MAX)
		VT_CHECK(vt_say(sock, (uint64_t)vt_load((void *)word)));
	return 0;
}

static int load_there(struct vt_child *c, zx_vaddr_t addr)
{
	return vt_say(c->sock, addr) ? (int)vt_hear(c->sock) : -1000;
}

/* Who has filled it goes on working on it from outside. */
TEST(adopted_elsewhere)
{
	struct zvm_stats before = zt_stats();
	struct vt_region r = make(), child = vt_alloc(r.h, VT_CAN_ALL, 16 * P);
	zx_handle_t vmo = vt_tagged_vmo(1, 8, 0);
	struct vt_child c = vt_spawn(adopter, NULL);

	ZT_ASSERT_OK(vt_map_at(&child, ZT_RW, 0, vmo, 0, 4 * P));
	ZT_ASSERT_OK(zvm_handle_send(c.sock, zt_dup(r.h, ZX_RIGHT_SAME_RIGHTS)));
	ZT_ASSERT_U64(BASE, vt_hear(c.sock));
	EXPECT_EQ(vt_tag(1, 0), load_there(&c, child.base));

	ZT_EXPECT_OK(put(r.h, child.base, 0x77));
	EXPECT_EQ(0x77, load_there(&c, child.base));
	ZT_EXPECT_OK(vt_map_at(&child, ZT_RW, 4 * P, vmo, 4 * P, P));
	EXPECT_EQ(vt_tag(1, 4), load_there(&c, child.base + 4 * P));
	ZT_EXPECT_OK(zx_vmar_unmap(child.h, child.base, P));
	EXPECT_EQ(-SIGSEGV, load_there(&c, child.base));
	ZT_EXPECT_OK(zx_vmar_protect(child.h, 0, child.base + P, P));
	EXPECT_EQ(-SIGSEGV, load_there(&c, child.base + P));
	/* Here nothing of it is to be seen, and it cannot be had a second time. */
	EXPECT_EQ(-SIGSEGV, vt_load((void *)(child.base + 2 * P)));
	ZT_EXPECT_STATUS(ZX_ERR_ALREADY_BOUND, zvm_aspace_adopt(r.h, &(zx_vaddr_t){ 0 }));

	EXPECT_TRUE(vt_say(c.sock, 0));
	EXPECT_EQ(0, vt_join(&c));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, vt_map_at(&child, ZT_RW, 8 * P, vmo, 0, P));
	EXPECT_EQ(ZX_ERR_BAD_STATE, get(r.h, child.base + 2 * P));
	ZT_EXPECT_U64(0, mappings_of(vmo));
	ZT_EXPECT_OK(zx_handle_close(child.h));
	ZT_EXPECT_OK(zx_handle_close(r.h));
	ZT_EXPECT_OK(zx_handle_close(vmo));
	ZT_EXPECT_NO_LEAK(&before);
}

/*
 * Each process has page tables of its own: on one processor, in turn, each sees its own
 * memory at addresses that are the same.
 */
TEST(same_addresses)
{
	struct vt_region r[2];
	struct vt_child c[2];
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(first), &first));
	for (unsigned int i = 0; i < 2; i++) {
		r[i] = make();
		ZT_ASSERT_OK(vt_map_at(&r[i], ZT_RW, GIB, vt_tagged_vmo(i + 1, 2, 0), 0, 2 * P));
		c[i] = vt_spawn(adopter, NULL);
		ZT_ASSERT_OK(zvm_handle_send(c[i].sock, zt_dup(r[i].h, ZX_RIGHT_SAME_RIGHTS)));
		ZT_ASSERT_U64(BASE, vt_hear(c[i].sock));
	}
	for (unsigned int n = 0; n < 20; n++)
		EXPECT_EQ(vt_tag(n % 2 + 1, n / 2 % 2),
			  load_there(&c[n % 2], BASE + GIB + n / 2 % 2 * P));
	for (unsigned int i = 0; i < 2; i++) {
		EXPECT_TRUE(vt_say(c[i].sock, 0));
		EXPECT_EQ(0, vt_join(&c[i]));
	}
}

static int creator(int sock, void *arg ZT_UNUSED)
{
	struct vt_region r = make();
	zx_handle_t vmo = vt_tagged_vmo(1, 2, 0);

	VT_CHECK(r.h);
	VT_CHECK_OK(vt_map_at(&r, ZT_RW, GIB, vmo, 0, 2 * P));
	VT_CHECK_OK(zvm_handle_send(sock, r.h));
	return 0;
}

/* What was made by a process that has gone. */
TEST(creator_exits)
{
	struct vt_child c = vt_spawn(creator, NULL);
	zx_handle_t h;
	zx_vaddr_t addr;

	ZT_ASSERT_OK(zvm_handle_recv(c.sock, &h));
	EXPECT_EQ(0, vt_join(&c));
	EXPECT_EQ(vt_tag(1, 1), get(h, BASE + GIB + P));
	ZT_ASSERT_OK(zvm_aspace_adopt(h, &addr));
	EXPECT_EQ(vt_tag(1, 0), vt_load((void *)(BASE + GIB)));
}

#define ADOPTERS 4

static int race_to_adopt(int sock, void *arg)
{
	struct vt_region *r = arg;
	zx_vaddr_t addr;
	zx_status_t st;

	VT_CHECK(vt_say(sock, 1));
	vt_hear(sock);
	st = zvm_aspace_adopt(r->h, &addr);
	VT_CHECK(st == ZX_OK || st == ZX_ERR_ALREADY_BOUND);
	VT_CHECK(vt_load(vt_ptr(r, GIB)) == (st == ZX_OK ? vt_tag(1, 0) : -SIGSEGV));
	VT_CHECK(vt_say(sock, st == ZX_OK));
	vt_hear(sock);
	return 0;
}

/* Exactly one process gets it. */
TEST(adopt_race)
{
	zx_handle_t vmo = vt_tagged_vmo(1, 2, 0);

	for (int round = 0; round < 10; round++) {
		struct vt_child c[ADOPTERS];
		struct vt_region r = make();
		int got = 0;

		ZT_ASSERT_OK(vt_map_at(&r, ZT_RW, GIB, vmo, 0, 2 * P));
		for (int i = 0; i < ADOPTERS; i++) {
			c[i] = vt_spawn(race_to_adopt, &r);
			ZT_ASSERT_U64(1, vt_hear(c[i].sock));
		}
		for (int i = 0; i < ADOPTERS; i++)
			vt_say(c[i].sock, 0);
		for (int i = 0; i < ADOPTERS; i++)
			got += (int)vt_hear(c[i].sock);
		EXPECT_EQ(1, got);
		for (int i = 0; i < ADOPTERS; i++) {
			/* Later ones have the earlier ones' sockets. */
			vt_say(c[i].sock, 0);
			EXPECT_EQ(0, vt_join(&c[i]));
		}
		ZT_EXPECT_OK(zx_handle_close(r.h));
	}
}

static void *take_own(void *arg)
{
	zx_koid_t *koid = arg;

	*koid = zt_koid(zx_vmar_root_self());
	return NULL;
}

static int race_for_the_process(void *arg)
{
	struct vt_region *r = arg;
	zx_koid_t koid = 0;
	pthread_t thread;
	zx_vaddr_t addr;
	zx_status_t st;

	VT_CHECK(!pthread_create(&thread, NULL, take_own, &koid));
	st = zvm_aspace_adopt(r->h, &addr);
	VT_CHECK(!pthread_join(thread, NULL));
	VT_CHECK(st == ZX_OK || st == ZX_ERR_BAD_STATE);
	/* All threads are of one mind as to which one it is. */
	VT_CHECK((st == ZX_OK) == (koid == zt_koid(r->h)));
	VT_CHECK(koid == zt_koid(zx_vmar_root_self()));
	VT_CHECK(vt_load(vt_ptr(r, GIB)) == (st == ZX_OK ? vt_tag(1, 0) : -SIGSEGV));
	return st == ZX_OK;
}

/* One thread adopts while another asks for the root region of the process. */
TEST(adopt_race_with_root)
{
	zx_handle_t vmo = vt_tagged_vmo(1, 2, 0);

	for (int round = 0; round < 20; round++) {
		struct vt_region r = make();
		int ret;

		ZT_ASSERT_OK(vt_map_at(&r, ZT_RW, GIB, vmo, 0, 2 * P));
		ret = zt_fork_run(race_for_the_process, &r);
		EXPECT_TRUE(ret == 0 || ret == 1);
		/* Who has not got it has left it as it was. */
		EXPECT_EQ(ret == 1 ? ZX_ERR_BAD_STATE : vt_tag(1, 0), get(r.h, r.base + GIB));
		ZT_EXPECT_OK(zx_handle_close(r.h));
	}
}

static void *close_it(void *arg)
{
	zx_handle_close(*(zx_handle_t *)arg);
	return NULL;
}

static int race_with_close(void *arg)
{
	zx_handle_t vmo = *(zx_handle_t *)arg;
	struct vt_region r = make();
	pthread_t thread;
	zx_vaddr_t addr;
	zx_status_t st;

	VT_CHECK_OK(vt_map_at(&r, ZT_RW, GIB, vmo, 0, 2 * P));
	VT_CHECK(!pthread_create(&thread, NULL, close_it, &r.h));
	st = zvm_aspace_adopt(r.h, &addr);
	VT_CHECK(!pthread_join(thread, NULL));
	VT_CHECK(st == ZX_OK || st == ZX_ERR_BAD_HANDLE);
	/* It is either the process's or no more. */
	VT_CHECK(mappings_of(vmo) == (st == ZX_OK));
	VT_CHECK(vt_load(vt_ptr(&r, GIB)) == (st == ZX_OK ? vt_tag(1, 0) : -SIGSEGV));
	return 0;
}

/* One thread adopts while another closes the last handle. */
TEST(adopt_race_with_close)
{
	zx_handle_t vmo = vt_tagged_vmo(1, 2, 0);
	struct zvm_stats before = zt_stats();

	for (int round = 0; round < 30; round++)
		EXPECT_EQ(0, zt_fork_run(race_with_close, &vmo));
	ZT_EXPECT_U64(0, mappings_of(vmo));
	ZT_EXPECT_NO_LEAK(&before);
}

struct filler {
	struct vt_region *r;
	zx_handle_t vmo;
	int stop;
	zx_status_t bad;
};

static void *fill_all_the_time(void *arg)
{
	struct filler *f = arg;

	for (uint64_t i = 0; !__atomic_load_n(&f->stop, __ATOMIC_RELAXED) && !f->bad; i++) {
		size_t off = 2 * GIB + i % 64 * P;

		f->bad = vt_map_at(f->r, ZT_RW | ZX_VM_MAP_RANGE, off, f->vmo, 0, P);
		if (!f->bad)
			f->bad = zx_vmar_op_range(f->r->h, ZX_VMAR_OP_MAP_RANGE,
						  f->r->base + off, P, NULL, 0);
		if (!f->bad)
			f->bad = zx_vmar_unmap(f->r->h, f->r->base + off, P);
	}
	return NULL;
}

/* It is adopted while somebody maps into it, who does not notice. */
TEST(adopt_while_filling)
{
	zx_handle_t vmo = vt_tagged_vmo(1, 2, 0);

	for (int round = 0; round < 5; round++) {
		struct vt_region r = make();
		struct filler f = { .r = &r, .vmo = vmo };
		struct vt_child c = vt_spawn(adopter, NULL);
		pthread_t thread;

		ZT_ASSERT_OK(vt_map_at(&r, ZT_RW, GIB, vmo, 0, 2 * P));
		ASSERT_EQ(0, pthread_create(&thread, NULL, fill_all_the_time, &f));
		ZT_ASSERT_OK(zvm_handle_send(c.sock, zt_dup(r.h, ZX_RIGHT_SAME_RIGHTS)));
		ZT_EXPECT_U64(BASE, vt_hear(c.sock));
		for (int i = 0; i < 20; i++)
			EXPECT_EQ(vt_tag(1, i & 1), load_there(&c, r.base + GIB + (i & 1) * P));
		__atomic_store_n(&f.stop, 1, __ATOMIC_RELAXED);
		ASSERT_EQ(0, pthread_join(thread, NULL));
		ZT_EXPECT_OK(f.bad);
		vt_say(c.sock, 0);
		EXPECT_EQ(0, vt_join(&c));
		ZT_EXPECT_OK(zx_handle_close(r.h));
	}
}

/* ------------------------------------------------------------------------
 * The end of one that nobody has adopted
 */

/* Its root region's handles are what it lives by. */
TEST(last_close)
{
	struct zvm_stats before = zt_stats();
	struct vt_region r = make(), child = vt_alloc(r.h, VT_CAN_ALL, 16 * P);
	zx_handle_t vmo = vt_tagged_vmo(1, 4, 0), second = zt_dup(r.h, ZX_RIGHT_SAME_RIGHTS);

	ZT_ASSERT_OK(vt_map_at(&r, ZT_RW, GIB, vmo, 0, 4 * P));
	ZT_ASSERT_OK(vt_map_at(&child, ZT_RW, 0, vmo, 0, 4 * P));
	ZT_ASSERT_OK(zx_vmar_protect(child.h, VT_R, child.base + P, P));
	ZT_EXPECT_OK(zx_handle_close(r.h));
	EXPECT_EQ(vt_tag(1, 0), get(second, child.base));
	ZT_EXPECT_U64(2, mappings_of(vmo));
	ZT_EXPECT_OK(zx_handle_close(second));
	ZT_EXPECT_U64(0, mappings_of(vmo));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, vt_map_at(&child, ZT_RW, 8 * P, vmo, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmar_unmap(child.h, child.base, P));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmar_destroy(child.h));
	ZT_EXPECT_OK(zx_handle_close(child.h));
	ZT_EXPECT_OK(zx_handle_close(vmo));
	ZT_EXPECT_NO_LEAK(&before);
}

/* A handle that is under way counts; one that nobody will receive does not. */
TEST(last_close_on_the_way)
{
	struct zvm_stats before = zt_stats();
	struct vt_region r = make();
	zx_handle_t vmo = vt_tagged_vmo(1, 4, 0);
	int sv[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv));
	ZT_ASSERT_OK(vt_map_at(&r, ZT_RW, GIB, vmo, 0, 4 * P));
	ZT_ASSERT_OK(zvm_handle_send(sv[0], r.h));
	ZT_EXPECT_U64(1, mappings_of(vmo));
	ZT_ASSERT_OK(zvm_handle_recv(sv[1], &r.h));
	EXPECT_EQ(vt_tag(1, 3), get(r.h, r.base + GIB + 3 * P));
	ZT_ASSERT_OK(zvm_handle_send(sv[0], r.h));
	close(sv[0]);
	close(sv[1]);
	ZT_EXPECT_OK(zx_handle_close(vmo));
	ZT_EXPECT_NO_LEAK(&before);
}

static int make_some(void *arg ZT_UNUSED)
{
	struct vt_region r;

	for (int i = 0; i < 50; i++) {
		zx_handle_t vmo = zt_vmo(P, 0);

		r = make();
		VT_CHECK(r.h);
		VT_CHECK_OK(vt_map_at(&r, ZT_RW, 0, vmo, 0, P));
		if (i & 1)
			VT_CHECK_OK(zx_handle_close(r.h));
	}
	return 0;
}

TEST(exit_leaves_nothing)
{
	struct zvm_stats before = zt_stats();

	EXPECT_EQ(0, zt_fork_run(make_some, NULL));
	ZT_EXPECT_NO_LEAK(&before);
}

TEST_HARNESS_MAIN
