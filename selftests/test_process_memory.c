// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * zx_process_read_memory() and zx_process_write_memory(): memory by its address, of a
 * detached address space, the process's own and another process's.
 */
#include "kselftest_harness.h"
#include "zvm_vmar_test.h"

#define GIB (1ull << 30)
#define BASE (16ull << 40)
#define PAGES 8

/* The same in an address space that is detached, and in the process's own. */
FIXTURE(memory) {
	struct vt_region r;
	zx_vaddr_t at;		/* where page 0 of vmo is mapped */
	zx_handle_t vmo;
	uint8_t *buf;
};

FIXTURE_VARIANT(memory) {
	bool detached;
};

FIXTURE_VARIANT_ADD(memory, detached) { .detached = true };
FIXTURE_VARIANT_ADD(memory, own) {};

FIXTURE_SETUP(memory)
{
	zx_handle_t root = zx_vmar_root_self();

	if (variant->detached)
		ZT_ASSERT_OK(zvm_aspace_create(ZVM_ASPACE_USER, BASE, GIB, &root));
	self->r = vt_region_of(root);
	self->vmo = vt_tagged_vmo(1, PAGES, 0);
	/* With free room on both sides of it. */
	self->at = self->r.base + (64 << 20);
	ZT_ASSERT_OK(vt_map_at(&self->r, ZT_RW, self->at - self->r.base, self->vmo, 0, PAGES * P));
	self->buf = malloc(PAGES * P);
	ASSERT_NE(NULL, self->buf);
}

FIXTURE_TEARDOWN(memory)
{
	free(self->buf);
}

#define READ(addr, len, actual) zx_process_read_memory(self->r.h, addr, self->buf, len, actual)
#define WRITE(addr, len, actual) zx_process_write_memory(self->r.h, addr, self->buf, len, actual)

TEST_F(memory, read)
{
	size_t n = 0;

	ZT_EXPECT_OK(READ(self->at, PAGES * P, &n));
	ZT_EXPECT_U64(PAGES * P, n);
	for (size_t i = 0; i < PAGES; i++)
		EXPECT_EQ(-1, zt_not_byte(self->buf + i * P, P, vt_tag(1, i)));
	/* Any address, any length. */
	ZT_EXPECT_OK(READ(self->at + 3 * P - 5, 9, &n));
	ZT_EXPECT_U64(9, n);
	EXPECT_EQ(-1, zt_not_byte(self->buf, 5, vt_tag(1, 2)));
	EXPECT_EQ(-1, zt_not_byte(self->buf + 5, 4, vt_tag(1, 3)));
}

TEST_F(memory, write)
{
	size_t n = 0;

	zt_fill(self->buf, 2 * P, 0, 9);
	ZT_EXPECT_OK(WRITE(self->at + P + 7, 2 * P, &n));
	ZT_EXPECT_U64(2 * P, n);
	EXPECT_EQ(vt_tag(1, 1), zt_vmo_byte(self->vmo, P + 6));
	ZT_EXPECT_OK(zx_vmo_read(self->vmo, self->buf, P + 7, 2 * P));
	EXPECT_EQ(-1, zt_mismatch(self->buf, 2 * P, 0, 9));
	EXPECT_EQ(vt_tag(1, 3), zt_vmo_byte(self->vmo, 3 * P + 7));
	if (!variant->detached) {
		EXPECT_EQ(-1, zt_mismatch((void *)(self->at + P + 7), 2 * P, 0, 9));
	}
}

/* It stops where nothing is mapped, and goes from one mapping to the next. */
TEST_F(memory, holes)
{
	zx_handle_t other = vt_tagged_vmo(2, 4, 0);
	size_t n = 0, end = self->at - self->r.base + PAGES * P;

	ZT_EXPECT_OK(READ(self->at + 6 * P, 4 * P, &n));
	ZT_EXPECT_U64(2 * P, n);
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, READ(self->at + PAGES * P, 1, &n));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, READ(self->at - 1, 2, &n));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, WRITE(self->at + PAGES * P, 1, &n));
	/* Outside of the address space. */
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, READ(self->r.base - 1, 2, &n));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, READ(self->r.base + self->r.len, 1, &n));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, READ(0, 1, &n));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, READ(UINT64_MAX, P, &n));

	ZT_ASSERT_OK(vt_map_at(&self->r, ZT_RW, end, other, P, 2 * P));
	ZT_EXPECT_OK(READ(self->at + 6 * P, 8 * P - 1, &n));
	ZT_EXPECT_U64(4 * P, n);
	for (size_t i = 0; i < 4; i++)
		EXPECT_EQ(i < 2 ? vt_tag(1, 6 + i) : vt_tag(2, i - 1), self->buf[i * P]);
	zt_fill(self->buf, 4 * P, 0, 3);
	ZT_EXPECT_OK(WRITE(self->at + 6 * P, 4 * P, &n));
	ZT_EXPECT_U64(4 * P, n);
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 6 * P, 0, 3));
	EXPECT_EQ(zt_pattern(2 * P, 3), zt_vmo_byte(other, P));
	EXPECT_EQ(vt_tag(2, 3), zt_vmo_byte(other, 3 * P));
	/* The end of the address space is one of the range, too. */
	ZT_ASSERT_OK(vt_map_at(&self->r, ZT_RW, self->r.len - P, other, 0, P));
	ZT_EXPECT_OK(READ(self->r.base + self->r.len - 2, 100, &n));
	ZT_EXPECT_U64(2, n);
}

/* A mapping can be longer than its VMO. */
TEST_F(memory, beyond_the_end)
{
	zx_handle_t vmo = vt_tagged_vmo(3, 4, ZX_VMO_RESIZABLE);
	size_t off = self->at - self->r.base + 64 * P, n = 0;
	zx_vaddr_t at = self->r.base + off;

	ZT_ASSERT_OK(vt_map_at(&self->r, ZT_RW, off, vmo, P, 4 * P));
	ZT_EXPECT_OK(READ(at + 2 * P, 2 * P, &n));
	ZT_EXPECT_U64(P, n);
	EXPECT_EQ(vt_tag(3, 3), self->buf[0]);
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, READ(at + 3 * P, 1, &n));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, WRITE(at + 4 * P - 1, 1, &n));
	ZT_ASSERT_OK(zx_vmo_set_size(vmo, 2 * P));
	ZT_EXPECT_OK(READ(at, 4 * P, &n));
	ZT_EXPECT_U64(P, n);
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, READ(at + P, 1, &n));
}

/* Through a child VMO what it shows of its parent, from where it begins. */
TEST_F(memory, slices)
{
	size_t off = self->at - self->r.base + 64 * P, n = 0;
	zx_vaddr_t at = self->r.base + off;
	zx_handle_t slice;

	ZT_ASSERT_OK(zx_vmo_create_child(self->vmo, ZX_VMO_CHILD_SLICE, 2 * P, 3 * P, &slice));
	ZT_ASSERT_OK(vt_map_at(&self->r, ZT_RW, off, slice, P, 4 * P));
	ZT_EXPECT_OK(READ(at, 4 * P, &n));
	ZT_EXPECT_U64(2 * P, n);
	EXPECT_EQ(vt_tag(1, 3), self->buf[0]);
	EXPECT_EQ(vt_tag(1, 4), self->buf[P]);
	self->buf[0] = 0x99;
	ZT_EXPECT_OK(WRITE(at + P, 1, &n));
	EXPECT_EQ(0x99, zt_vmo_byte(self->vmo, 4 * P));
}

/* What a snapshot has is its own. */
TEST_F(memory, snapshots)
{
	zx_handle_t snapshot;
	size_t n;

	ZT_ASSERT_OK(zx_vmo_create_child(self->vmo, ZX_VMO_CHILD_SNAPSHOT, 0, PAGES * P,
					 &snapshot));
	self->buf[0] = 0x99;
	ZT_EXPECT_OK(WRITE(self->at, 1, &n));
	EXPECT_EQ(0x99, zt_vmo_byte(self->vmo, 0));
	EXPECT_EQ(vt_tag(1, 0), zt_vmo_byte(snapshot, 0));
}

/* What a mapping permits now is nothing to a debugger; what it never may, is. */
TEST_F(memory, permissions)
{
	struct vt_region no_write = vt_alloc(self->r.h, ZX_VM_CAN_MAP_READ, P);
	zx_handle_t read_only = zt_without(self->vmo, ZX_RIGHT_WRITE);
	size_t off = self->at - self->r.base + 64 * P, n = 0;
	zx_vaddr_t at = self->r.base + off, addr;

	ZT_ASSERT_OK(zx_vmar_protect(self->r.h, 0, self->at, P));
	ZT_ASSERT_OK(zx_vmar_protect(self->r.h, VT_R, self->at + P, P));
	ZT_EXPECT_OK(READ(self->at, 3 * P, &n));
	ZT_EXPECT_U64(3 * P, n);
	EXPECT_EQ(vt_tag(1, 0), self->buf[0]);
	self->buf[0] = 0x99;
	ZT_EXPECT_OK(WRITE(self->at, 1, &n));
	ZT_EXPECT_OK(WRITE(self->at + P, 1, &n));
	EXPECT_EQ(0x99, zt_vmo_byte(self->vmo, P));

	/* Through a handle that cannot be written by. */
	ZT_ASSERT_OK(vt_map_at(&self->r, VT_R, off, read_only, 0, P));
	ZT_EXPECT_OK(READ(at, 1, &n));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, WRITE(at, 1, &n));
	/* In a region that has no such mappings. */
	ZT_ASSERT_OK(zx_vmar_map(no_write.h, VT_R, 0, self->vmo, 0, P, &addr));
	ZT_EXPECT_OK(READ(addr, 1, &n));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, WRITE(addr, 1, &n));
	/* As far as it may. */
	ZT_ASSERT_OK(vt_map_at(&self->r, ZT_RW, off - P, self->vmo, 0, P));
	ZT_EXPECT_OK(WRITE(at - P, 2 * P, &n));
	ZT_EXPECT_U64(P, n);
}

TEST_F(memory, handles)
{
	struct vt_region child = vt_alloc(self->r.h, VT_CAN_ALL, P);
	zx_handle_t no_read = zt_without(self->r.h, ZX_RIGHT_READ);
	zx_handle_t no_write = zt_without(self->r.h, ZX_RIGHT_WRITE);
	uint8_t *buf = self->buf;
	zx_vaddr_t at = self->at;
	size_t n;

	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_process_read_memory(no_read, at, buf, 1, &n));
	ZT_EXPECT_OK(zx_process_write_memory(no_read, at, buf, 1, &n));
	ZT_EXPECT_OK(zx_process_read_memory(no_write, at, buf, 1, &n));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_process_write_memory(no_write, at, buf, 1, &n));
	/* Only the root region stands for all of it. */
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
			 zx_process_read_memory(child.h, child.base, buf, 1, &n));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_process_read_memory(self->vmo, at, buf, 1, &n));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_process_read_memory(0, at, buf, 1, &n));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_process_write_memory(0, at, buf, 1, &n));
}

TEST_F(memory, arguments)
{
	struct zt_bad bad[ZT_BAD_WRITE_N], bad_read[ZT_BAD_READ_N];
	size_t n;

	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, READ(self->at, 0, &n));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, READ(self->at, (64ul << 20) + 1, &n));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, READ(self->at, SIZE_MAX, &n));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, WRITE(self->at, 0, &n));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, WRITE(self->at, (64ul << 20) + 1, &n));
	/* Before the handle and the address are looked at. */
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_process_read_memory(0, 0, self->buf, 0, &n));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_process_read_memory(0, 0, NULL, 1, &n));
	zt_bad_write(bad);
	for (size_t i = 0; i < ZT_BAD_WRITE_N; i++)
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 zx_process_read_memory(self->r.h, self->at, bad[i].ptr, 1, &n));
	zt_bad_read(bad_read);
	for (size_t i = 0; i < ZT_BAD_READ_N; i++)
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 zx_process_write_memory(self->r.h, self->at, bad_read[i].ptr, 1,
							 &n));
	for (size_t i = 0; i < ZT_BAD_WRITE_N; i++)
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, READ(self->at, 1, bad[i].ptr));
	EXPECT_EQ(vt_tag(1, 0), zt_vmo_byte(self->vmo, 0));
}

TEST_F(memory, uncached)
{
	size_t off = self->at - self->r.base + 64 * P, n;
	zx_handle_t vmo = zt_vmo(P, 0);

	ZT_ASSERT_OK(zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_UNCACHED));
	ZT_ASSERT_OK(vt_map_at(&self->r, ZT_RW, off, vmo, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, READ(self->r.base + off, 1, &n));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, WRITE(self->r.base + off, 1, &n));
}

/* From a mapping into the same one, in whichever direction. */
TEST(own_memory)
{
	struct vt_region r = vt_region_of(zx_vmar_root_self());
	zx_handle_t vmo = vt_tagged_vmo(1, 4, 0);
	uint8_t *at = zt_map(vmo, 0, 4 * P, ZT_RW);
	size_t n = 0;
	int local;

	ASSERT_NE(NULL, at);
	ZT_EXPECT_OK(zx_process_read_memory(r.h, (zx_vaddr_t)at, at + 2 * P, 2 * P, &n));
	ZT_EXPECT_U64(2 * P, n);
	EXPECT_EQ(vt_tag(1, 0), at[2 * P]);
	EXPECT_EQ(vt_tag(1, 1), at[4 * P - 1]);
	at[0] = 0x31;
	ZT_EXPECT_OK(zx_process_write_memory(r.h, (zx_vaddr_t)at + 3 * P, at, 1, &n));
	EXPECT_EQ(0x31, at[3 * P]);
	/* The process's other memory is not in any region. */
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND,
			 zx_process_read_memory(r.h, (zx_vaddr_t)&local, at, 1, &n));
}

/* ------------------------------------------------------------------------
 * Another process's
 */

/* Sends its root region, lent or not, and where it has mapped something. */
static int owner(int sock, void *arg)
{
	bool lend = arg;
	zx_handle_t root = zx_vmar_root_self(), vmo = vt_tagged_vmo(1, 4, 0), h;
	uint8_t *at = zt_map(vmo, 0, 4 * P, ZT_RW);

	VT_CHECK(at);
	at[1] = 0x42;
	if (lend)
		VT_CHECK_OK(zvm_vmar_lend(root, ZX_RIGHT_SAME_RIGHTS, &h));
	else
		h = zt_dup(root, ZX_RIGHT_SAME_RIGHTS);
	VT_CHECK_OK(zvm_handle_send(sock, h));
	VT_CHECK(vt_say(sock, (uint64_t)at));
	vt_hear(sock);
	VT_CHECK(vt_say(sock, at[2]));
	vt_hear(sock);
	return 0;
}

TEST(other_process)
{
	struct vt_child c = vt_spawn(owner, (void *)true);
	uint8_t byte = 0x43;
	zx_vaddr_t at;
	zx_handle_t h;
	size_t n;

	ZT_ASSERT_OK(zvm_handle_recv(c.sock, &h));
	at = vt_hear(c.sock);
	ZT_EXPECT_OK(zx_process_write_memory(h, at + 2, &byte, 1, &n));
	ZT_EXPECT_OK(zx_process_read_memory(h, at + 1, &byte, 1, &n));
	EXPECT_EQ(0x42, byte);
	vt_say(c.sock, 0);
	ZT_EXPECT_U64(0x43, vt_hear(c.sock));
	EXPECT_EQ(0, vt_join(&c));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_process_read_memory(h, at, &byte, 1, &n));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_process_write_memory(h, at, &byte, 1, &n));
}

/* A handle that was not lent gives no view of a process from outside. */
TEST(other_process_not_lent)
{
	struct vt_child c = vt_spawn(owner, (void *)false);
	uint8_t byte = 0x43;
	zx_vaddr_t at;
	zx_handle_t h;
	size_t n;

	ZT_ASSERT_OK(zvm_handle_recv(c.sock, &h));
	at = vt_hear(c.sock);
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_process_write_memory(h, at + 2, &byte, 1, &n));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_process_read_memory(h, at + 1, &byte, 1, &n));
	EXPECT_EQ(0x43, byte);
	vt_say(c.sock, 0);
	ZT_EXPECT_U64(vt_tag(1, 0), vt_hear(c.sock));
	EXPECT_EQ(0, vt_join(&c));
}

TEST_HARNESS_MAIN
