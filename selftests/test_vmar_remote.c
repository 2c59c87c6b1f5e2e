// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * VMAR handles in other processes: one made by zvm_vmar_lend() works there, any
 * other does not, and none outlives the address space it belongs to.
 *
 * In all tests the child process owns the region, the test works on it from
 * outside. The two talk over a socket: handles, and numbers (vt_say, vt_hear).
 */
#include "kselftest_harness.h"
#include "zvm_vmar_test.h"

#define PAGES 16

/* What the test asks the owner to do. */
enum ask {
	ASK_LOAD,		/* of an address: what vt_load() gives */
	ASK_STORE,		/* 0x5a to an address: the signal or 0 */
	ASK_EXEC_AT,		/* call an address: the signal or 0 */
	ASK_PRESENT,		/* vt_present() of an address */
	ASK_MAPS,		/* number of records below the region */
	ASK_EXIT,
	ASK_EXECVE,
	ASK_MUNMAP,		/* its whole arena */
};

static int64_t ask(int sock, enum ask what, uint64_t arg)
{
	if (!vt_say(sock, what) || !vt_say(sock, arg))
		return INT64_MIN;
	return (int64_t)vt_hear(sock);
}

/* Does what it is asked until it is told to end. */
static int serve(int sock, zx_handle_t vmar)
{
	struct vt_region root = vt_region_of(zx_vmar_root_self());
	char name[64];

	for (;;) {
		uint64_t what = vt_hear(sock), arg = vt_hear(sock);
		int64_t answer = 0;

		switch (what) {
		case ASK_LOAD:
			answer = vt_load((void *)arg);
			break;
		case ASK_STORE:
			answer = zt_try_write((void *)arg);
			break;
		case ASK_EXEC_AT:
			answer = zt_try_exec((void *)arg);
			break;
		case ASK_PRESENT:
			answer = vt_present((void *)arg);
			break;
		case ASK_MAPS:
			answer = (int64_t)vt_maps_count(vmar);
			break;
		case ASK_EXECVE:
			snprintf(name, sizeof(name), "%d", dup(sock));
			execl("/proc/self/exe", "remote", "--child", "wait", name, NULL);
			return 3;
		case ASK_MUNMAP:
			answer = munmap((void *)root.base, root.len);
			break;
		case ASK_EXIT:
			return 0;
		default:
			return 4;
		}
		if (!vt_say(sock, (uint64_t)answer))
			return 5;
	}
}

/* What an owner sends first: its region, or something made from its handle. */
enum send {
	LENT,		/* zvm_vmar_lend with the same rights */
	LENT_READ_ONLY,	/* without WRITE */
	LENT_TWICE,	/* a duplicate of a lent handle */
	PLAIN,		/* a duplicate */
};

struct owner_args {
	enum send send;
	zx_handle_t own_vmo;	/* if not 0: mapped at page 8 by the owner */
};

static int owner(int sock, void *arg)
{
	struct owner_args *args = arg;
	struct vt_region r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, PAGES * P);
	zx_handle_t h = ZX_HANDLE_INVALID, h2;

	VT_CHECK(r.h);
	if (args->own_vmo)
		VT_CHECK_OK(vt_map_at(&r, ZT_RW, 8 * P, args->own_vmo, 0, 4 * P));
	switch (args->send) {
	case LENT:
		VT_CHECK_OK(zvm_vmar_lend(r.h, ZX_RIGHT_SAME_RIGHTS, &h));
		VT_CHECK(zt_rights(h) == zt_rights(r.h));
		break;
	case LENT_READ_ONLY:
		VT_CHECK_OK(zvm_vmar_lend(r.h, zt_rights(r.h) & ~ZX_RIGHT_WRITE, &h));
		break;
	case LENT_TWICE:
		VT_CHECK_OK(zvm_vmar_lend(r.h, ZX_RIGHT_SAME_RIGHTS, &h2));
		h = zt_dup(h2, ZX_RIGHT_SAME_RIGHTS);
		VT_CHECK_OK(zx_handle_close(h2));
		break;
	case PLAIN:
		h = zt_dup(r.h, ZX_RIGHT_SAME_RIGHTS);
		break;
	}
	VT_CHECK_OK(zvm_handle_send(sock, h));
	VT_CHECK(!zt_live(h));
	VT_CHECK(vt_say(sock, r.base));
	return serve(sock, r.h);
}

FIXTURE(vmar_remote) {
	struct zvm_stats before;
	struct vt_child owner;
	struct vt_region r;	/* the owner's, r.h is what it sent */
	zx_handle_t vmo;	/* 8 pages with tag 6 */
};

FIXTURE_SETUP(vmar_remote)
{
	/* The test's own arena comes first, so that all counts are at rest. */
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->vmo = vt_tagged_vmo(6, 8, ZX_VMO_RESIZABLE);
	ASSERT_NE(ZX_HANDLE_INVALID, self->vmo);
	self->owner.sock = -1;
}

FIXTURE_TEARDOWN(vmar_remote)
{
	if (self->owner.pid > 0) {
		kill(self->owner.pid, SIGKILL);
		waitpid(self->owner.pid, NULL, 0);
	}
}

/* Start the owner and take its region. */
static void start(struct __test_metadata *_metadata, FIXTURE_DATA(vmar_remote) *self,
		  enum send send, zx_handle_t own_vmo)
{
	struct owner_args args = { .send = send, .own_vmo = own_vmo };

	self->owner = vt_spawn(owner, &args);
	ASSERT_LT(0, self->owner.pid);
	ZT_ASSERT_OK(zvm_handle_recv(self->owner.sock, &self->r.h));
	self->r.base = vt_hear(self->owner.sock);
	self->r.len = PAGES * P;
	ASSERT_NE(UINT64_MAX, self->r.base);
}

/* End it, and everything that was made must be gone. */
static void finish(struct __test_metadata *_metadata, FIXTURE_DATA(vmar_remote) *self)
{
	EXPECT_TRUE(vt_say(self->owner.sock, ASK_EXIT));
	EXPECT_TRUE(vt_say(self->owner.sock, 0));
	EXPECT_EQ(0, vt_join(&self->owner));
	self->owner.pid = 0;
	ZT_EXPECT_OK(zx_handle_close(self->r.h));
	ZT_EXPECT_OK(zx_handle_close(self->vmo));
	ZT_EXPECT_NO_LEAK(&self->before);
}

#define OWNER_LOAD(page) ask(self->owner.sock, ASK_LOAD, self->r.base + (page) * P)
#define OWNER_STORE(page) ask(self->owner.sock, ASK_STORE, self->r.base + (page) * P)
#define OWNER_PRESENT(page) ask(self->owner.sock, ASK_PRESENT, self->r.base + (page) * P)
#define ADDR(page) (self->r.base + (page) * P)

/* Every call that acts on a region, on a range that would suit it. */
struct act {
	const char *name;
	zx_status_t status;
};

#define ACTS 12
static void try_all(FIXTURE_DATA(vmar_remote) *self, struct act act[ACTS])
{
	zx_handle_t h = ZX_HANDLE_INVALID, v = self->r.h;
	zx_vaddr_t addr;
	int n = 0;

#define TRY(name, call) act[n++] = (struct act){ name, call }
	TRY("map", zx_vmar_map(v, VT_R, 0, self->vmo, 0, P, &addr));
	TRY("map SPECIFIC", zx_vmar_map(v, VT_R | ZX_VM_SPECIFIC, 2 * P, self->vmo, 0, P, &addr));
	TRY("map OVERWRITE", zx_vmar_map(v, VT_R | ZX_VM_SPECIFIC_OVERWRITE, 8 * P, self->vmo, 0,
					 P, &addr));
	TRY("map MAP_RANGE", zx_vmar_map(v, ZT_RW | ZX_VM_MAP_RANGE, 0, self->vmo, 0, P, &addr));
	TRY("allocate", zx_vmar_allocate(v, VT_CAN_RW, 0, P, &h, &addr));
	TRY("protect", zx_vmar_protect(v, VT_R, ADDR(9), P));
	TRY("protect to nothing", zx_vmar_protect(v, 0, ADDR(9), P));
	TRY("op_range ZERO", zx_vmar_op_range(v, ZX_VMAR_OP_ZERO, ADDR(10), P, NULL, 0));
	TRY("op_range COMMIT", zx_vmar_op_range(v, ZX_VMAR_OP_COMMIT, ADDR(10), P, NULL, 0));
	TRY("op_range MAP_RANGE", zx_vmar_op_range(v, ZX_VMAR_OP_MAP_RANGE, ADDR(10), P, NULL, 0));
	TRY("unmap", zx_vmar_unmap(v, ADDR(10), P));
	TRY("destroy", zx_vmar_destroy(v));
#undef TRY
	if (h)
		zx_handle_close(h);
}

static void expect_all(struct __test_metadata *_metadata, FIXTURE_DATA(vmar_remote) *self,
		       zx_status_t want)
{
	struct act act[ACTS];

	try_all(self, act);
	for (int i = 0; i < ACTS; i++) {
		EXPECT_EQ(want, act[i].status) {
			TH_LOG("%s: %s, not %s", act[i].name, zx_status_get_string(act[i].status),
			       zx_status_get_string(want));
		}
	}
}

/* ------------------------------------------------------------------------
 * A lent handle works
 */
TEST_F(vmar_remote, map_and_unmap)
{
	zx_vaddr_t addr = 0;

	start(_metadata, self, LENT, 0);
	ZT_EXPECT_U64(self->r.base, vt_region_of(self->r.h).base);
	ZT_EXPECT_U64(self->r.len, vt_region_of(self->r.h).len);
	EXPECT_EQ(-SIGSEGV, OWNER_LOAD(2));
	ZT_ASSERT_OK(vt_map_at(&self->r, ZT_RW, 2 * P, self->vmo, 3 * P, 2 * P));
	EXPECT_EQ(vt_tag(6, 3), OWNER_LOAD(2));
	EXPECT_EQ(vt_tag(6, 4), OWNER_LOAD(3));
	EXPECT_EQ(0, OWNER_STORE(3));
	EXPECT_EQ(0x5a, zt_vmo_byte(self->vmo, 4 * P));
	ZT_EXPECT_U64(1, zt_vmo_info(self->vmo).num_mappings);
	/* It lies in the owner's address space, not in this one. */
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read((void *)ADDR(2)));
	/* Wherever it fits. */
	ZT_ASSERT_OK(zx_vmar_map(self->r.h, VT_R, 0, self->vmo, 0, P, &addr));
	EXPECT_EQ(vt_tag(6, 0), ask(self->owner.sock, ASK_LOAD, addr));
	EXPECT_EQ(SIGSEGV, ask(self->owner.sock, ASK_STORE, addr));
	EXPECT_EQ(3, ask(self->owner.sock, ASK_MAPS, 0));
	/* Over it, and the pages in the owner's page tables go. */
	ZT_ASSERT_OK(vt_map_at(&self->r, VT_R | ZX_VM_SPECIFIC_OVERWRITE, 3 * P, self->vmo, 7 * P,
			       P));
	EXPECT_EQ(vt_tag(6, 7), OWNER_LOAD(3));
	ZT_ASSERT_OK(zx_vmar_unmap(self->r.h, ADDR(2), P));
	EXPECT_EQ(-SIGSEGV, OWNER_LOAD(2));
	EXPECT_EQ(vt_tag(6, 7), OWNER_LOAD(3));
	ZT_ASSERT_OK(zx_vmar_unmap(self->r.h, self->r.base, self->r.len));
	EXPECT_EQ(-SIGSEGV, OWNER_LOAD(3));
	EXPECT_EQ(1, ask(self->owner.sock, ASK_MAPS, 0));
	finish(_metadata, self);
}

TEST_F(vmar_remote, protect)
{
	start(_metadata, self, LENT, self->vmo);
	EXPECT_EQ(0, OWNER_STORE(8));
	ZT_ASSERT_OK(zx_vmar_protect(self->r.h, VT_R, ADDR(8), 2 * P));
	EXPECT_EQ(SIGSEGV, OWNER_STORE(8));
	EXPECT_EQ(SIGSEGV, OWNER_STORE(9));
	EXPECT_EQ(0, OWNER_STORE(10));
	EXPECT_EQ(0x5a, OWNER_LOAD(8));
	ZT_ASSERT_OK(zx_vmar_protect(self->r.h, 0, ADDR(8), P));
	EXPECT_EQ(-SIGSEGV, OWNER_LOAD(8));
	ZT_ASSERT_OK(zx_vmar_protect(self->r.h, ZT_RW, ADDR(8), P));
	EXPECT_EQ(0, OWNER_STORE(8));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, zx_vmar_protect(self->r.h, VT_R, ADDR(11), 2 * P));
	finish(_metadata, self);
}

TEST_F(vmar_remote, allocate_and_destroy)
{
	zx_vaddr_t addr;
	struct vt_region c;
	zx_handle_t h;

	start(_metadata, self, LENT, 0);
	ZT_ASSERT_OK(zx_vmar_allocate(self->r.h, VT_CAN_ALL | ZX_VM_SPECIFIC, 4 * P, 4 * P, &h,
				      &addr));
	ZT_EXPECT_U64(ADDR(4), addr);
	/* What a lent handle makes is lent as well. */
	c = vt_region_of(h);
	ZT_ASSERT_OK(vt_map_at(&c, ZT_RW, P, self->vmo, P, P));
	EXPECT_EQ(vt_tag(6, 1), OWNER_LOAD(5));
	EXPECT_EQ(3, ask(self->owner.sock, ASK_MAPS, 0));
	ZT_ASSERT_OK(zx_vmar_destroy(h));
	EXPECT_EQ(-SIGSEGV, OWNER_LOAD(5));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, vt_map_at(&c, ZT_RW, P, self->vmo, P, P));
	ZT_ASSERT_OK(zx_handle_close(h));
	finish(_metadata, self);
}

TEST_F(vmar_remote, op_range)
{
	start(_metadata, self, LENT, self->vmo);
	for (int pg = 8; pg < 12; pg++)
		EXPECT_EQ(vt_tag(6, pg - 8), OWNER_LOAD(pg));
	ZT_EXPECT_OK(zx_vmar_op_range(self->r.h, ZX_VMAR_OP_ZERO, ADDR(8), P, NULL, 0));
	EXPECT_EQ(0, OWNER_LOAD(8));
	ZT_EXPECT_OK(zx_vmar_op_range(self->r.h, ZX_VMAR_OP_DECOMMIT, ADDR(9), P, NULL, 0));
	EXPECT_EQ(0, OWNER_LOAD(9));
	EXPECT_EQ(vt_tag(6, 2), OWNER_LOAD(10));
	ZT_EXPECT_U64(6 * P, zt_committed(self->vmo));
	ZT_EXPECT_OK(zx_vmar_op_range(self->r.h, ZX_VMAR_OP_COMMIT, ADDR(8), 4 * P, NULL, 0));
	ZT_EXPECT_U64(8 * P, zt_committed(self->vmo));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
			 zx_vmar_op_range(self->r.h, ZX_VMAR_OP_COMMIT, ADDR(12), P, NULL, 0));
	finish(_metadata, self);
}

/* Pages entered from outside are there before the owner touches them. */
TEST_F(vmar_remote, populate)
{
	start(_metadata, self, LENT, 0);
	if (OWNER_PRESENT(0) < 0)
		SKIP(return, "/proc/self/pagemap cannot be read");
	ZT_ASSERT_OK(vt_map_at(&self->r, ZT_RW, 0, self->vmo, 0, 4 * P));
	EXPECT_EQ(0, OWNER_PRESENT(0));
	ZT_ASSERT_OK(zx_vmar_op_range(self->r.h, ZX_VMAR_OP_MAP_RANGE, ADDR(0), 2 * P, NULL, 0));
	EXPECT_EQ(1, OWNER_PRESENT(0));
	EXPECT_EQ(1, OWNER_PRESENT(1));
	EXPECT_EQ(0, OWNER_PRESENT(2));
	ZT_ASSERT_OK(zx_vmar_op_range(self->r.h, ZX_VMAR_OP_COMMIT, ADDR(2), P, NULL, 0));
	EXPECT_EQ(1, OWNER_PRESENT(2));
	ZT_ASSERT_OK(vt_map_at(&self->r, VT_R | ZX_VM_MAP_RANGE, 6 * P, self->vmo, 4 * P, 2 * P));
	EXPECT_EQ(1, OWNER_PRESENT(6));
	EXPECT_EQ(1, OWNER_PRESENT(7));
	EXPECT_EQ(0, vt_present((void *)ADDR(6)));
	EXPECT_EQ(vt_tag(6, 4), OWNER_LOAD(6));
	EXPECT_EQ(SIGSEGV, OWNER_STORE(6));
	EXPECT_EQ(0, OWNER_STORE(1));
	finish(_metadata, self);
}

TEST_F(vmar_remote, fewer_rights)
{
	zx_handle_t h;
	zx_vaddr_t addr;

	start(_metadata, self, LENT_READ_ONLY, self->vmo);
	EXPECT_EQ(0u, zt_rights(self->r.h) & ZX_RIGHT_WRITE);
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, vt_map_at(&self->r, ZT_RW, 0, self->vmo, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmar_protect(self->r.h, ZT_RW, ADDR(8), P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_vmar_allocate(self->r.h, VT_CAN_RW, 0, P, &h, &addr));
	ZT_EXPECT_OK(vt_map_at(&self->r, VT_R, 0, self->vmo, 0, P));
	EXPECT_EQ(vt_tag(6, 0), OWNER_LOAD(0));
	EXPECT_EQ(SIGSEGV, OWNER_STORE(0));
	finish(_metadata, self);
}

TEST_F(vmar_remote, duplicate_of_a_lent_handle)
{
	zx_handle_t again, third = ZX_HANDLE_INVALID;
	struct vt_region r;

	start(_metadata, self, LENT_TWICE, 0);
	again = zt_dup(self->r.h, ZX_RIGHT_SAME_RIGHTS);
	r = vt_region_of(again);
	ZT_EXPECT_OK(vt_map_at(&r, VT_R, P, self->vmo, 0, P));
	EXPECT_EQ(vt_tag(6, 0), OWNER_LOAD(1));
	/* Lending is the owner's affair. */
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zvm_vmar_lend(again, ZX_RIGHT_SAME_RIGHTS, &third));
	ZT_ASSERT_OK(zx_handle_close(again));
	finish(_metadata, self);
}

TEST_F(vmar_remote, no_executable_mappings)
{
	zx_handle_t code = ZX_HANDLE_INVALID;

	ZT_ASSERT_OK(zx_vmo_write(self->vmo, zt_code, 0, sizeof(zt_code)));
	ZT_ASSERT_OK(zx_vmo_replace_as_executable(zt_dup(self->vmo, ZX_RIGHT_SAME_RIGHTS),
						  ZX_HANDLE_INVALID, &code));
	start(_metadata, self, LENT, code);
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED, vt_map_at(&self->r, VT_R | VT_X, 0, code, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
			 vt_map_at(&self->r, VT_R | VT_X | ZX_VM_SPECIFIC_OVERWRITE, 8 * P, code, 0,
				   P));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
			 zx_vmar_protect(self->r.h, VT_R | VT_X, ADDR(8), P));
	EXPECT_EQ(SIGSEGV, ask(self->owner.sock, ASK_EXEC_AT, ADDR(8)));
	EXPECT_EQ(zt_code[0], OWNER_LOAD(8));
	EXPECT_EQ(0, OWNER_STORE(9));
	EXPECT_EQ(-SIGSEGV, OWNER_LOAD(0));
	/* The same VMO for data is no matter. */
	ZT_EXPECT_OK(vt_map_at(&self->r, ZT_RW, 0, code, 0, P));
	ZT_EXPECT_OK(zx_handle_close(code));
	finish(_metadata, self);
}

/* The owner keeps its power while another process acts, and the two agree. */
TEST_F(vmar_remote, both_sides_map)
{
	zx_handle_t dup;

	start(_metadata, self, LENT, self->vmo);
	ZT_EXPECT_STATUS(ZX_ERR_ALREADY_EXISTS, vt_map_at(&self->r, VT_R, 8 * P, self->vmo, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_ALREADY_EXISTS, vt_map_at(&self->r, VT_R, 7 * P, self->vmo, 0,
							  2 * P));
	ZT_EXPECT_OK(vt_map_at(&self->r, VT_R, 7 * P, self->vmo, 0, P));
	ZT_EXPECT_U64(2, zt_vmo_info(self->vmo).num_mappings);
	/* One address space, though two mappings. A third in this one makes two. */
	ZT_EXPECT_U64(1, zt_vmo_info(self->vmo).share_count);
	uint8_t *mine = zt_map(self->vmo, 0, P, VT_R);

	ASSERT_NE(NULL, mine);
	ZT_EXPECT_U64(2, zt_vmo_info(self->vmo).share_count);
	ZT_EXPECT_U64(3, zt_vmo_info(self->vmo).num_mappings);
	EXPECT_EQ(0, OWNER_STORE(8));
	EXPECT_EQ(0x5a, vt_load(mine));
	ZT_ASSERT_OK(zt_unmap(mine, P));
	/* A lent handle is an ordinary one in all other respects. */
	dup = zt_dup(self->r.h, 0);
	EXPECT_EQ(0u, zt_rights(dup));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmar_destroy(dup));
	ZT_EXPECT_OK(zx_handle_close(dup));
	finish(_metadata, self);
}

TEST_F(vmar_remote, lend_checks)
{
	struct vt_region r = vt_alloc(zx_vmar_root_self(), VT_CAN_RW, 4 * P);
	zx_handle_t weak = zt_without(r.h, ZX_RIGHT_DUPLICATE), closed = zt_vmo(P, 0), h = 0;
	struct zt_bad bad[ZT_BAD_WRITE_N];
	struct zvm_stats before;

	ZT_ASSERT_OK(zx_handle_close(closed));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zvm_vmar_lend(closed, ZX_RIGHT_SAME_RIGHTS, &h));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zvm_vmar_lend(self->vmo, ZX_RIGHT_SAME_RIGHTS, &h));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zvm_vmar_lend(weak, ZX_RIGHT_SAME_RIGHTS, &h));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zvm_vmar_lend(r.h, zt_rights(r.h) | ZX_RIGHT_EXECUTE, &h));
	zt_bad_write(bad);
	before = zt_stats();
	for (struct zt_bad *b = bad; b->name; b++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, zvm_vmar_lend(r.h, ZX_RIGHT_SAME_RIGHTS, b->ptr)) {
			TH_LOG("%s", b->name);
		}
	}
	ZT_EXPECT_NO_LEAK(&before);
	ZT_ASSERT_OK(zvm_vmar_lend(r.h, ZX_RIGHT_READ, &h));
	EXPECT_EQ(ZX_RIGHT_READ, zt_rights(h));
	ZT_EXPECT_U64(zt_koid(r.h), zt_koid(h));
	/* Lent or not, the owner may use it. */
	struct vt_region l = { .h = h, .base = r.base, .len = r.len };
	zx_vaddr_t addr;

	ZT_EXPECT_OK(zx_vmar_map(l.h, VT_R, 0, self->vmo, 0, P, &addr));
	EXPECT_EQ(vt_tag(6, 0), vt_load((void *)addr));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zvm_handle_send(-1, h));
}

/* ------------------------------------------------------------------------
 * Any other handle does not
 */
TEST_F(vmar_remote, plain_handle_sent)
{
	zx_handle_t h = ZX_HANDLE_INVALID;

	start(_metadata, self, PLAIN, self->vmo);
	expect_all(_metadata, self, ZX_ERR_ACCESS_DENIED);
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zvm_vmar_lend(self->r.h, ZX_RIGHT_SAME_RIGHTS, &h));
	/* A copy is no better. */
	h = zt_dup(self->r.h, ZX_RIGHT_SAME_RIGHTS);
	ASSERT_NE(ZX_HANDLE_INVALID, h);
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmar_unmap(h, ADDR(8), P));
	ZT_EXPECT_OK(zx_handle_close(h));
	ZT_EXPECT_OK(zx_handle_replace(self->r.h, ZX_RIGHT_SAME_RIGHTS, &h));
	self->r.h = h;
	expect_all(_metadata, self, ZX_ERR_ACCESS_DENIED);
	EXPECT_EQ(ZX_OBJ_TYPE_VMAR, zt_type(self->r.h));
	/* The owner saw none of it. */
	for (int pg = 0; pg < PAGES; pg++)
		EXPECT_EQ(pg >= 8 && pg < 12 ? vt_tag(6, pg - 8) : -SIGSEGV, OWNER_LOAD(pg));
	EXPECT_EQ(0, OWNER_STORE(9));
	EXPECT_EQ(2, ask(self->owner.sock, ASK_MAPS, 0));
	finish(_metadata, self);
}

/* The test is the owner this time, its child the one that may not. */
struct heir {
	struct vt_region r;
	zx_handle_t vmo;
};

static int inherit_over_fork(void *arg)
{
	struct heir *heir = arg;
	FIXTURE_DATA(vmar_remote) self = { .r = heir->r, .vmo = heir->vmo };
	struct act act[ACTS];
	zx_handle_t h;

	/* The library may know the value or not; the descriptor it does. */
	if (!zt_live(heir->r.h)) {
		fprintf(stderr, "# in a child: the handle did not come over fork\n");
		return 1;
	}
	try_all(&self, act);
	for (int i = 0; i < ACTS; i++) {
		if (act[i].status == ZX_ERR_ACCESS_DENIED)
			continue;
		fprintf(stderr, "# in a child: %s: %s\n", act[i].name,
			zx_status_get_string(act[i].status));
		return 1;
	}
	VT_CHECK_STATUS(ZX_ERR_ACCESS_DENIED,
			zvm_vmar_lend(heir->r.h, ZX_RIGHT_SAME_RIGHTS, &h));
	VT_CHECK(zt_try_read((void *)(heir->r.base + 8 * P)) == SIGSEGV);
	return 0;
}

TEST_F(vmar_remote, plain_handle_inherited_over_fork)
{
	struct vt_region r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, PAGES * P);
	struct heir heir = { .r = r, .vmo = self->vmo };

	ASSERT_NE(ZX_HANDLE_INVALID, r.h);
	ZT_ASSERT_OK(vt_map_at(&r, ZT_RW, 8 * P, self->vmo, 0, 4 * P));
	EXPECT_EQ(0, zt_fork_run(inherit_over_fork, &heir));
	for (int pg = 0; pg < PAGES; pg++)
		EXPECT_EQ(pg >= 8 && pg < 12 ? vt_tag(6, pg - 8) : -SIGSEGV,
			  vt_load(vt_ptr(&r, pg * P)));
	ZT_EXPECT_OK(vt_map_at(&r, ZT_RW, 0, self->vmo, 0, P));
}

static int use_lent_in_child(void *arg)
{
	struct heir *heir = arg;

	VT_CHECK_OK(vt_map_at(&heir->r, ZT_RW, 0, heir->vmo, 0, P));
	VT_CHECK_OK(zx_vmar_unmap(heir->r.h, heir->r.base + 8 * P, P));
	return 0;
}

/* A lent handle does its work when it is inherited, too. */
TEST_F(vmar_remote, lent_handle_inherited_over_fork)
{
	struct vt_region r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, PAGES * P);
	struct heir heir = { .r = r, .vmo = self->vmo };

	ASSERT_NE(ZX_HANDLE_INVALID, r.h);
	ZT_ASSERT_OK(zvm_vmar_lend(r.h, ZX_RIGHT_SAME_RIGHTS, &heir.r.h));
	ZT_ASSERT_OK(vt_map_at(&r, ZT_RW, 8 * P, self->vmo, 0, 4 * P));
	EXPECT_EQ(vt_tag(6, 0), vt_load(vt_ptr(&r, 8 * P)));
	EXPECT_EQ(0, zt_fork_run(use_lent_in_child, &heir));
	EXPECT_EQ(vt_tag(6, 0), vt_load(vt_ptr(&r, 0)));
	EXPECT_EQ(-SIGSEGV, vt_load(vt_ptr(&r, 8 * P)));
}

struct over_exec {
	int vmar, vmo;
	zx_vaddr_t base;
};

static int exec_heir(void *arg)
{
	struct over_exec *e = arg;
	char vmar[16], vmo[16], base[32];

	snprintf(vmar, sizeof(vmar), "%d", e->vmar);
	snprintf(vmo, sizeof(vmo), "%d", e->vmo);
	snprintf(base, sizeof(base), "%#lx", (unsigned long)e->base);
	fcntl(e->vmar, F_SETFD, 0);
	fcntl(e->vmo, F_SETFD, 0);
	execl("/proc/self/exe", "remote", "--child", "heir", vmar, vmo, base, NULL);
	return 3;
}

TEST_F(vmar_remote, plain_handle_inherited_over_exec)
{
	struct vt_region r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, PAGES * P);
	struct over_exec e = {
		.vmar = zvm_handle_to_fd(r.h), .vmo = zvm_handle_to_fd(self->vmo), .base = r.base,
	};

	ASSERT_LE(0, e.vmar);
	ASSERT_LE(0, e.vmo);
	ZT_ASSERT_OK(vt_map_at(&r, ZT_RW, 8 * P, self->vmo, 0, 4 * P));
	EXPECT_EQ(0, zt_fork_run(exec_heir, &e));
	for (int pg = 0; pg < PAGES; pg++)
		EXPECT_EQ(pg >= 8 && pg < 12 ? vt_tag(6, pg - 8) : -SIGSEGV,
			  vt_load(vt_ptr(&r, pg * P)));
}

/* The descriptors are close-on-exec unless the program says otherwise. */
TEST_F(vmar_remote, handles_are_close_on_exec)
{
	struct vt_region r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, PAGES * P);
	zx_handle_t lent = ZX_HANDLE_INVALID;

	ZT_ASSERT_OK(zvm_vmar_lend(r.h, ZX_RIGHT_SAME_RIGHTS, &lent));
	EXPECT_EQ(FD_CLOEXEC, fcntl(zvm_handle_to_fd(r.h), F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(zvm_handle_to_fd(lent), F_GETFD));
	start(_metadata, self, LENT, 0);
	EXPECT_EQ(FD_CLOEXEC, fcntl(zvm_handle_to_fd(self->r.h), F_GETFD));
}

/* ------------------------------------------------------------------------
 * The owner goes
 */
TEST_F(vmar_remote, owner_exits)
{
	start(_metadata, self, LENT, self->vmo);
	EXPECT_EQ(vt_tag(6, 0), OWNER_LOAD(8));
	ASSERT_TRUE(vt_say(self->owner.sock, ASK_EXIT) && vt_say(self->owner.sock, 0));
	EXPECT_EQ(0, vt_join(&self->owner));
	expect_all(_metadata, self, ZX_ERR_BAD_STATE);
	ZT_EXPECT_U64(0, zt_vmo_info(self->vmo).num_mappings);
	ZT_EXPECT_U64(self->r.base, vt_region_of(self->r.h).base);
	ZT_EXPECT_OK(zx_handle_close(self->r.h));
	ZT_EXPECT_OK(zx_handle_close(self->vmo));
	ZT_EXPECT_NO_LEAK(&self->before);
}

TEST_F(vmar_remote, owner_is_killed)
{
	start(_metadata, self, LENT, self->vmo);
	EXPECT_EQ(128 + SIGKILL, vt_kill(&self->owner));
	expect_all(_metadata, self, ZX_ERR_BAD_STATE);
	ZT_EXPECT_OK(zx_handle_close(self->r.h));
	ZT_EXPECT_OK(zx_handle_close(self->vmo));
	ZT_EXPECT_NO_LEAK(&self->before);
}

TEST_F(vmar_remote, owner_execs)
{
	start(_metadata, self, LENT, self->vmo);
	EXPECT_EQ(0, ask(self->owner.sock, ASK_EXECVE, 0));
	/* The new program has answered: the old address space is no more. */
	expect_all(_metadata, self, ZX_ERR_BAD_STATE);
	ZT_EXPECT_U64(0, zt_vmo_info(self->vmo).num_mappings);
	/* And it was left in peace. */
	EXPECT_TRUE(vt_say(self->owner.sock, 7));
	EXPECT_EQ(0, vt_join(&self->owner));
}

TEST_F(vmar_remote, owner_unmaps_its_arena)
{
	start(_metadata, self, LENT, self->vmo);
	EXPECT_EQ(0, ask(self->owner.sock, ASK_MUNMAP, 0));
	expect_all(_metadata, self, ZX_ERR_BAD_STATE);
	EXPECT_EQ(-SIGSEGV, OWNER_LOAD(8));
	finish(_metadata, self);
}

/* A region that the owner destroys is dead for all, the process is not. */
static int destroy_on_demand(int sock, void *arg)
{
	zx_handle_t vmo = *(zx_handle_t *)arg, h;
	struct vt_region r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, PAGES * P);

	VT_CHECK_OK(vt_map_at(&r, ZT_RW, 8 * P, vmo, 0, 4 * P));
	VT_CHECK_OK(zvm_vmar_lend(r.h, ZX_RIGHT_SAME_RIGHTS, &h));
	VT_CHECK_OK(zvm_handle_send(sock, h));
	VT_CHECK(vt_say(sock, r.base));
	VT_CHECK(vt_hear(sock) == 1);
	VT_CHECK_OK(zx_vmar_destroy(r.h));
	VT_CHECK_OK(zx_vmar_map(zx_vmar_root_self(), VT_R | ZX_VM_SPECIFIC,
				r.base - vt_region_of(zx_vmar_root_self()).base, vmo, 0, PAGES * P,
				&r.base));
	VT_CHECK(vt_say(sock, 2));
	VT_CHECK(vt_hear(sock) == 3);
	VT_CHECK(vt_load((void *)r.base) == vt_tag(6, 0));
	return 0;
}

TEST_F(vmar_remote, owner_destroys_the_region)
{
	self->owner = vt_spawn(destroy_on_demand, &self->vmo);
	ZT_ASSERT_OK(zvm_handle_recv(self->owner.sock, &self->r.h));
	self->r.base = vt_hear(self->owner.sock);
	self->r.len = PAGES * P;
	ASSERT_TRUE(vt_say(self->owner.sock, 1));
	ZT_ASSERT_U64(2, vt_hear(self->owner.sock));
	/* Its addresses are in use again, by what the handle has no power over. */
	expect_all(_metadata, self, ZX_ERR_BAD_STATE);
	EXPECT_TRUE(vt_say(self->owner.sock, 3));
	EXPECT_EQ(0, vt_join(&self->owner));
}

/*
 * The owner dies while others act on its region: every call either does its
 * work or tells that the region is gone, and nothing is left behind.
 */
static int die_soon(int sock, void *arg)
{
	struct vt_region r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, PAGES * P);
	zx_handle_t vmo = *(zx_handle_t *)arg, h;

	VT_CHECK_OK(vt_map_at(&r, ZT_RW, 8 * P, vmo, 0, 4 * P));
	VT_CHECK_OK(zvm_vmar_lend(r.h, ZX_RIGHT_SAME_RIGHTS, &h));
	VT_CHECK_OK(zvm_handle_send(sock, h));
	VT_CHECK(vt_say(sock, r.base));
	for (;;)
		zt_try_write((void *)(r.base + 8 * P));
	return 0;
}

TEST_F_TIMEOUT(vmar_remote, owner_is_killed_meanwhile, 60)
{
	uint64_t end = zt_now_ns() + 4000000000u;
	unsigned long calls = 0, deaths = 0;
	uint64_t seed = 1;

	while (zt_now_ns() < end) {
		bool killed = false;
		int after;

		self->owner = vt_spawn(die_soon, &self->vmo);
		ASSERT_LT(0, self->owner.pid);
		ZT_ASSERT_OK(zvm_handle_recv(self->owner.sock, &self->r.h));
		self->r.base = vt_hear(self->owner.sock);
		self->r.len = PAGES * P;
		after = (int)vt_below(&seed, 50);
		for (int i = 0; i < after + 10; i++) {
			zx_vaddr_t addr;
			zx_status_t st[4];

			if (i == after) {
				killed = true;
				kill(self->owner.pid, SIGKILL);
			}
			st[0] = zx_vmar_map(self->r.h, ZT_RW | ZX_VM_SPECIFIC_OVERWRITE, 2 * P,
					    self->vmo, 0, 4 * P, &addr);
			st[1] = zx_vmar_op_range(self->r.h, ZX_VMAR_OP_MAP_RANGE, ADDR(2), 4 * P,
						 NULL, 0);
			st[2] = zx_vmar_protect(self->r.h, i & 1 ? VT_R : ZT_RW, ADDR(8), 2 * P);
			st[3] = zx_vmar_unmap(self->r.h, ADDR(2), 4 * P);
			for (int k = 0; k < 4; k++) {
				bool fine = st[k] == ZX_OK || (killed && st[k] == ZX_ERR_BAD_STATE);

				ASSERT_TRUE(fine) {
					TH_LOG("call %d of round %d (killed at %d): %s", k, i,
					       after, zx_status_get_string(st[k]));
				}
			}
			calls += 4;
		}
		EXPECT_EQ(128 + SIGKILL, vt_join(&self->owner));
		self->owner.pid = 0;
		/* A call that was under way may have kept the address space a moment longer. */
		for (int i = 0; i < 200; i++) {
			if (zx_vmar_unmap(self->r.h, ADDR(0), P) == ZX_ERR_BAD_STATE)
				break;
			zt_sleep_ms(10);
		}
		expect_all(_metadata, self, ZX_ERR_BAD_STATE);
		ZT_ASSERT_OK(zx_handle_close(self->r.h));
		deaths++;
	}
	TH_LOG("%lu calls, %lu deaths", calls, deaths);
	ZT_ASSERT_OK(zx_handle_close(self->vmo));
	ZT_EXPECT_NO_LEAK(&self->before);
}

/* ------------------------------------------------------------------------
 * What is executed
 */
static int executed(int argc, char **argv)
{
	FIXTURE_DATA(vmar_remote) self = { };
	struct act act[ACTS];
	zx_handle_t h;

	/* wait SOCKET: say 0, hear a number, end. */
	if (argc == 2 && !strcmp(argv[0], "wait")) {
		int sock = atoi(argv[1]);

		VT_CHECK(vt_say(sock, 0));
		VT_CHECK(vt_hear(sock) == 7);
		return 0;
	}
	/* heir VMAR VMO BASE: nothing may be done with a region that is another's. */
	if (argc == 4 && !strcmp(argv[0], "heir")) {
		VT_CHECK_OK(zvm_handle_from_fd(atoi(argv[1]), &self.r.h));
		VT_CHECK_OK(zvm_handle_from_fd(atoi(argv[2]), &self.vmo));
		self.r.base = strtoul(argv[3], NULL, 0);
		try_all(&self, act);
		for (int i = 0; i < ACTS; i++) {
			if (act[i].status == ZX_ERR_ACCESS_DENIED)
				continue;
			fprintf(stderr, "# after exec: %s: %s\n", act[i].name,
				zx_status_get_string(act[i].status));
			return 1;
		}
		VT_CHECK_STATUS(ZX_ERR_ACCESS_DENIED,
				zvm_vmar_lend(self.r.h, ZX_RIGHT_SAME_RIGHTS, &h));
		/* The VMO is another matter. */
		VT_CHECK(zt_vmo_byte(self.vmo, P) == vt_tag(6, 1));
		VT_CHECK(zt_map(self.vmo, 0, P, ZT_RW));
		return 0;
	}
	return 9;
}

VT_HARNESS_MAIN(executed)
