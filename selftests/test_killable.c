// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Long operations: a process that is in one dies soon after it is killed, and
 * does not keep others from its CPU meanwhile.
 *
 * A child does the operation again and again, on as much as fits in the guest;
 * it is killed in the middle. Beside it, on the same CPU, sits somebody who
 * looks at the clock: without a look round for others in every loop (Debian's
 * kernel gives a CPU away nowhere else) that one would have to wait for the end.
 */
#include "kselftest_harness.h"
#include "zvm_vmar_test.h"

/* A kernel with all checkers is so much slower, and needs memory itself. */
static unsigned long slow(void)
{
	return access("/sys/kernel/debug/kmemleak", F_OK) ? 1 : 4;
}

/* What is large enough to take long, and fits in 1 GiB: 256 MiB. */
#define MANY_PAGES	(65536 / slow())
#define MANY_MAPPINGS	(100000 / slow())
#define DEEP		4096
#define TIB		(1ull << 40)

/* How long dying may take, exit and all it gives back included. */
#define DEATH_MS	(8000 * slow())
/* How long the other one on the CPU may have to wait. */
#define GAP_MS		(400 * slow())

struct deed {
	const char *name;
	/* Once, before; 0 or the line that failed. */
	int (*prepare)(struct deed *d);
	/* What takes long. May be done again and again. */
	zx_status_t (*act)(struct deed *d);
	/* Until it is killed; those that can be done only once are over soon. */
	unsigned int ms;
	zx_handle_t vmo;
	struct vt_region r;
	uint8_t *buf;
};

/* ---- pages ---- */

static int many_pages(struct deed *d)
{
	d->vmo = zt_vmo(MANY_PAGES * P, ZX_VMO_RESIZABLE);
	return d->vmo ? 0 : __LINE__;
}

static zx_status_t commit(struct deed *d)
{
	zx_status_t st = zx_vmo_op_range(d->vmo, ZX_VMO_OP_COMMIT, 0, MANY_PAGES * P, NULL, 0);

	return st ? st : zx_vmo_op_range(d->vmo, ZX_VMO_OP_DECOMMIT, 0, MANY_PAGES * P, NULL, 0);
}

static zx_status_t zero_and_resize(struct deed *d)
{
	zx_status_t st = zx_vmo_op_range(d->vmo, ZX_VMO_OP_COMMIT, 0, MANY_PAGES * P, NULL, 0);

	if (!st)
		st = zx_vmo_op_range(d->vmo, ZX_VMO_OP_ZERO, 1, MANY_PAGES * P - 2, NULL, 0);
	if (!st)
		st = zx_vmo_op_range(d->vmo, ZX_VMO_OP_COMMIT, 0, MANY_PAGES * P, NULL, 0);
	if (!st)
		st = zx_vmo_set_size(d->vmo, 0);
	return st ? st : zx_vmo_set_size(d->vmo, MANY_PAGES * P);
}

static zx_status_t make_and_close(struct deed *d ZT_UNUSED)
{
	zx_handle_t vmo = zt_vmo(MANY_PAGES * P, 0);
	zx_status_t st = zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 0, MANY_PAGES * P, NULL, 0);

	return st ? st : zx_handle_close(vmo);
}

static int pages_and_room(struct deed *d)
{
	d->r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, MANY_PAGES * P);
	return !d->r.h || many_pages(d) ||
	       zx_vmo_op_range(d->vmo, ZX_VMO_OP_COMMIT, 0, MANY_PAGES * P, NULL, 0) ? __LINE__ : 0;
}

static zx_status_t populate_and_unmap(struct deed *d)
{
	zx_status_t st = vt_map_at(&d->r, ZT_RW | ZX_VM_MAP_RANGE, 0, d->vmo, 0, MANY_PAGES * P);

	if (!st)
		st = zx_vmar_protect(d->r.h, VT_R, d->r.base, MANY_PAGES * P);
	return st ? st : zx_vmar_unmap(d->r.h, d->r.base, MANY_PAGES * P);
}

/* Of a TiB there is nothing. */
static int a_tib(struct deed *d)
{
	d->vmo = zt_vmo(TIB, ZX_VMO_RESIZABLE);
	d->buf = mmap(NULL, TIB, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return d->vmo && d->buf != MAP_FAILED ? 0 : __LINE__;
}

static zx_status_t read_tib(struct deed *d)
{
	return zx_vmo_read(d->vmo, d->buf, 0, TIB);
}

static zx_status_t write_tib(struct deed *d)
{
	return zx_vmo_write(d->vmo, d->buf, 0, TIB);
}

static zx_status_t commit_tib(struct deed *d)
{
	return zx_vmo_op_range(d->vmo, ZX_VMO_OP_COMMIT, 0, TIB, NULL, 0);
}

/* One page in each 64 MiB: many inner nodes, few pages. */
static int sparse(struct deed *d)
{
	if (a_tib(d))
		return __LINE__;
	for (uint64_t at = 0; at < TIB; at += 64ull << 20)
		if (zx_vmo_write(d->vmo, "x", at, 1))
			return __LINE__;
	return 0;
}

static zx_status_t walk_sparse(struct deed *d)
{
	zx_vaddr_t at;
	zx_status_t st;

	zt_vmo_info(d->vmo);
	st = zx_vmar_map(zx_vmar_root_self(), ZT_RW | ZX_VM_MAP_RANGE, 0, d->vmo, 0, TIB, &at);
	if (!st)
		st = zx_vmar_op_range(zx_vmar_root_self(), ZX_VMAR_OP_ALWAYS_NEED, at, TIB, NULL, 0);
	return st ? st : zx_vmar_unmap(zx_vmar_root_self(), at, TIB);
}

/* ---- mappings ---- */

static int many_mappings(struct deed *d)
{
	d->vmo = zt_vmo(P, 0);
	d->r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, MANY_MAPPINGS * P);
	if (!d->vmo || !d->r.h)
		return __LINE__;
	/* No two of one permission side by side. */
	for (size_t i = 0; i < MANY_MAPPINGS; i++)
		if (vt_map_at(&d->r, i & 1 ? VT_R : ZT_RW, i * P, d->vmo, 0, P))
			return __LINE__;
	return 0;
}

static zx_status_t protect_many(struct deed *d)
{
	zx_status_t st = zx_vmar_protect(d->r.h, 0, d->r.base, MANY_MAPPINGS * P);

	return st ? st : zx_vmar_protect(d->r.h, VT_R, d->r.base, MANY_MAPPINGS * P);
}

static zx_status_t op_range_many(struct deed *d)
{
	return zx_vmar_op_range(d->r.h, ZX_VMAR_OP_ZERO, d->r.base, MANY_MAPPINGS * P, NULL, 0);
}

static zx_status_t info_of_many(struct deed *d)
{
	size_t actual, avail;

	zt_vmo_info(d->vmo);
	zx_vmo_op_range(d->vmo, ZX_VMO_OP_DECOMMIT, 0, P, NULL, 0);
	return zx_object_get_info(d->r.h, ZX_INFO_VMAR_MAPS, NULL, 0, &actual, &avail);
}

/* Once: afterwards there is nothing to be done any more. */
static zx_status_t unmap_many(struct deed *d)
{
	return zx_vmar_unmap(d->r.h, d->r.base, MANY_MAPPINGS * P);
}

static zx_status_t destroy_many(struct deed *d)
{
	zx_status_t st = zx_vmar_destroy(d->r.h);

	return st == ZX_ERR_BAD_STATE ? ZX_OK : st;
}

/* Nothing: what takes long is the exit. */
static zx_status_t nothing(struct deed *d ZT_UNUSED)
{
	zt_sleep_ms(10);
	return ZX_OK;
}

static int deep(struct deed *d)
{
	struct vt_region r = vt_region_of(zx_vmar_root_self());

	d->r.h = 0;
	for (int i = 0; i < DEEP; i++) {
		struct vt_region child = vt_alloc(r.h, VT_CAN_ALL, (1ull << 40) - i * P);

		if (!child.h)
			return __LINE__;
		if (d->r.h && r.h != d->r.h)
			zx_handle_close(r.h);
		if (!d->r.h)
			d->r = child;
		r = child;
	}
	d->vmo = zt_vmo(P, 0);
	return zx_vmar_map(r.h, ZT_RW, 0, d->vmo, 0, P, &r.base) ? __LINE__ : 0;
}

static zx_status_t destroy_deep(struct deed *d)
{
	zx_status_t st = zx_vmar_destroy(d->r.h);

	zx_handle_close(d->r.h);
	return st || deep(d) ? ZX_ERR_INTERNAL : ZX_OK;
}

/* ---- a command's struct of 4 GiB, all zero but for what is at its start ---- */

static int long_struct(struct deed *d)
{
	d->vmo = zt_vmo(P, 0);
	d->buf = mmap(NULL, 1ull << 32, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (d->buf == MAP_FAILED)
		return __LINE__;
	*(uint32_t *)d->buf = UINT32_MAX;
	return 0;
}

static zx_status_t use_long_struct(struct deed *d)
{
	return ioctl(zvm_handle_to_fd(d->vmo), ZVM_HANDLE_TAG_OF, d->buf) == -1 ?
		ZX_OK : ZX_ERR_INTERNAL;
}

/* ------------------------------------------------------------------------ */

struct watch {
	_Atomic uint64_t worst;		/* ns that it did not run */
	_Atomic uint64_t deeds;
};

static int doer(int sock, void *arg)
{
	struct deed *d = ((void **)arg)[0];
	struct watch *w = ((void **)arg)[1];

	vt_pin(0);
	/* Should it have got all the memory, it is what goes. */
	VT_CHECK(vt_write_file("/proc/self/oom_score_adj", "1000"));
	if (d->prepare) {
		int line = d->prepare(d);

		if (line)
			fprintf(stderr, "# %s: line %d\n", d->name, line);
		VT_CHECK(!line);
	}
	VT_CHECK(vt_say(sock, 0) && vt_hear(sock) == 0);
	for (;;) {
		VT_CHECK_OK(d->act(d));
		w->deeds++;
	}
}

/* Counts on the same CPU how long it has to wait at the most. */
static int watcher(int sock, void *arg)
{
	struct watch *w = arg;
	uint64_t last, now;

	vt_pin(0);
	VT_CHECK(vt_say(sock, 0));
	for (last = zt_now_ns(); ; last = now) {
		zt_sleep_ms(1);
		now = zt_now_ns();
		if (now - last > w->worst)
			w->worst = now - last;
	}
	return 0;
}

FIXTURE(killed) {
	struct zvm_stats before;
	struct watch *w;
};

/* One variant for each deed. */
FIXTURE_VARIANT(killed) {
	struct deed deed;
};

#define DEED(what, prepare_, act_, ms_)							\
	FIXTURE_VARIANT_ADD(killed, what) {						\
		.deed = { .name = #what, .prepare = prepare_, .act = act_, .ms = ms_ }	\
	}

DEED(commit_and_decommit, many_pages, commit, 150);
DEED(zero_and_resize, many_pages, zero_and_resize, 150);
DEED(close_vmo, NULL, make_and_close, 150);
DEED(populate_protect_unmap, pages_and_room, populate_and_unmap, 150);
DEED(exit_with_pages, pages_and_room, nothing, 150);
DEED(read_of_a_tib, a_tib, read_tib, 150);
DEED(write_of_a_tib, a_tib, write_tib, 150);
DEED(commit_of_a_tib, a_tib, commit_tib, 150);
DEED(sparse_tib, sparse, walk_sparse, 150);
DEED(protect_of_mappings, many_mappings, protect_many, 150);
DEED(op_range_of_mappings, many_mappings, op_range_many, 150);
DEED(info_of_mappings, many_mappings, info_of_many, 150);
DEED(unmap_of_mappings, many_mappings, unmap_many, 20);
DEED(destroy_of_mappings, many_mappings, destroy_many, 20);
DEED(exit_with_mappings, many_mappings, nothing, 150);
DEED(destroy_of_nested, deep, destroy_deep, 150);
DEED(exit_with_nested, deep, nothing, 150);
DEED(struct_of_4_gib, long_struct, use_long_struct, 150);

FIXTURE_SETUP(killed)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->w = vt_shared(sizeof(*self->w));
	ASSERT_NE(NULL, self->w);
}

FIXTURE_TEARDOWN(killed)
{
	munmap(self->w, sizeof(*self->w));
}

/* ns from the kill to the end of the process. */
static uint64_t kill_it(struct __test_metadata *_metadata, FIXTURE_DATA(killed) *self,
			struct deed d)
{
	void *arg[] = { &d, self->w };
	struct vt_child c, other;
	uint64_t killed, death;
	int status = 0;
	bool gone = false;

	memset(self->w, 0, sizeof(*self->w));
	c = vt_spawn(doer, arg);
	ASSERT_LT(0, c.pid);
	ZT_ASSERT_U64(0, vt_hear(c.sock));
	other = vt_spawn(watcher, self->w);
	ZT_ASSERT_U64(0, vt_hear(other.sock));
	ASSERT_TRUE(vt_say(c.sock, 0));
	zt_sleep_ms(d.ms);
	killed = zt_now_ns();
	kill(c.pid, SIGKILL);
	while (!gone && zt_now_ns() - killed < 3 * DEATH_MS * 1000000) {
		gone = waitpid(c.pid, &status, WNOHANG) == c.pid;
		if (!gone)
			zt_sleep_ms(2);
	}
	death = zt_now_ns() - killed;
	EXPECT_TRUE(gone && WIFSIGNALED(status));
	EXPECT_EQ(128 + SIGKILL, vt_kill(&other));
	close(c.sock);
	TH_LOG("died within %d ms, others waited %d ms at most, %d deeds done",
	       (int)(death / 1000000), (int)(self->w->worst / 1000000), (int)self->w->deeds);
	return death;
}

TEST_F_TIMEOUT(killed, dies_soon, 120)
{
	uint64_t death, most_death = DEATH_MS * 1000000, most_gap = GAP_MS * 1000000;

	vt_pin(1);
	/* A busy host may stop a guest's CPU for a while, but not each time. */
	for (int i = 0; i < 3; i++) {
		death = kill_it(_metadata, self, variant->deed);
		if (death < most_death && self->w->worst < most_gap)
			break;
	}
	EXPECT_GT(most_death, death);
	EXPECT_GT(most_gap, self->w->worst);
	ZT_EXPECT_NO_LEAK(&self->before);
}

TEST_HARNESS_MAIN
