// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Discardable VMOs that are discarded: what is seen of it, which ones go, and
 * that a lock keeps every byte, under pressure of a memory cgroup and of the
 * whole machine.
 */
#include "kselftest_harness.h"
#include "memcg.h"


#define N_PAGES 64
#define LEN (N_PAGES * P)
#define MIB (1ul << 20)

static zx_status_t op(zx_handle_t vmo, uint32_t what)
{
	return zx_vmo_op_range(vmo, what, 0, zt_size(vmo), NULL, 0);
}

#define TRY_LOCK(vmo) op(vmo, ZX_VMO_OP_TRY_LOCK)
#define UNLOCK(vmo) op(vmo, ZX_VMO_OP_UNLOCK)

/* Locks. How much had been discarded, or UINT64_MAX. */
static uint64_t lock(zx_handle_t vmo)
{
	zx_vmo_lock_state_t st;

	memset(&st, 0xee, sizeof(st));
	if (zx_vmo_op_range(vmo, ZX_VMO_OP_LOCK, 0, zt_size(vmo), &st, sizeof(st)) ||
	    st.offset || st.size != zt_size(vmo) || st.discarded_offset)
		return UINT64_MAX;
	return st.discarded_size;
}

/* The kernel takes back all that it may. */
static bool discard_all(void)
{
	return vt_write_file("/proc/sys/vm/drop_caches", "2");
}

/* A VMO with content, locked. */
static zx_handle_t locked_vmo(size_t len, uint32_t options, unsigned int seed)
{
	zx_handle_t vmo = zt_vmo(len, ZX_VMO_DISCARDABLE | options);
	static uint8_t buf[MIB];

	if (!vmo || lock(vmo))
		return 0;
	for (uint64_t at = 0; at < len; at += sizeof(buf)) {
		size_t n = len - at < sizeof(buf) ? len - at : sizeof(buf);

		zt_fill(buf, n, at, seed);
		if (zx_vmo_write(vmo, buf, at, n))
			return 0;
	}
	return vmo;
}

static bool holds(zx_handle_t vmo, size_t len, unsigned int seed)
{
	static uint8_t buf[MIB];

	for (uint64_t at = 0; at < len; at += sizeof(buf)) {
		size_t n = len - at < sizeof(buf) ? len - at : sizeof(buf);

		if (zx_vmo_read(vmo, buf, at, n) || zt_mismatch(buf, n, at, seed) != -1)
			return false;
	}
	return true;
}

FIXTURE(discardable) {
	struct zvm_stats before;
	struct zt_bag bag;
	zx_handle_t vmo;
};

FIXTURE_VARIANT(discardable) {
	uint32_t options;
};

FIXTURE_VARIANT_ADD(discardable, plain) { .options = 0 };
FIXTURE_VARIANT_ADD(discardable, resizable) { .options = ZX_VMO_RESIZABLE };

FIXTURE_SETUP(discardable)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->vmo = zt_keep(&self->bag, locked_vmo(LEN, variant->options, 1));
	ASSERT_NE(0u, self->vmo);
}

FIXTURE_TEARDOWN(discardable)
{
	zt_empty(&self->bag);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

TEST_F(discardable, V_149_V_150_V_158_discarded_and_locked_again)
{
	uint64_t events = zt_vmo_info(self->vmo).committed_change_events;
	uint64_t pages = zt_stats().pages;

	ZT_ASSERT_OK(UNLOCK(self->vmo));
	ZT_EXPECT_U64(LEN, zt_committed(self->vmo));
	ASSERT_TRUE(discard_all());
	ZT_EXPECT_U64(0, zt_committed(self->vmo));
	EXPECT_LT(events, zt_vmo_info(self->vmo).committed_change_events);
	ZT_EXPECT_U64(pages - N_PAGES, zt_stats().pages);
	/* the size is what it was */
	ZT_EXPECT_U64(LEN, zt_size(self->vmo));
	for (int i = 0; i < 3; i++)
		ZT_EXPECT_STATUS(ZX_ERR_UNAVAILABLE, TRY_LOCK(self->vmo));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, UNLOCK(self->vmo));
	/* told once */
	ZT_EXPECT_U64(LEN, lock(self->vmo));
	ZT_EXPECT_U64(0, lock(self->vmo));
	ZT_EXPECT_OK(TRY_LOCK(self->vmo));
	EXPECT_TRUE(zt_vmo_zero(self->vmo, 0, LEN));
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, LEN, 2));
	ZT_EXPECT_OK(UNLOCK(self->vmo));
	ZT_EXPECT_OK(UNLOCK(self->vmo));
	/* one lock left */
	ASSERT_TRUE(discard_all());
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, LEN, 2));
	ZT_EXPECT_OK(UNLOCK(self->vmo));
	ASSERT_TRUE(discard_all());
	ZT_EXPECT_U64(LEN, lock(self->vmo));
}

TEST_F(discardable, V_147_V_156_locks_keep_the_content)
{
	ZT_ASSERT_OK(TRY_LOCK(self->vmo));
	ZT_ASSERT_OK(UNLOCK(self->vmo));
	ASSERT_TRUE(discard_all());
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, LEN, 1));
	ZT_ASSERT_OK(UNLOCK(self->vmo));
	/* unlocked and locked again in time */
	ZT_ASSERT_OK(TRY_LOCK(self->vmo));
	ASSERT_TRUE(discard_all());
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, LEN, 1));
	ZT_EXPECT_U64(0, lock(self->vmo));
	ASSERT_TRUE(discard_all());
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, LEN, 1));
}

/* The buffer is bad: the lock is undone, and the next one still tells of the loss. */
TEST_F(discardable, V_144_V_145_loss_is_not_lost)
{
	struct zt_bad bad[ZT_BAD_WRITE_N];
	zx_vmo_lock_state_t st;

	ZT_ASSERT_OK(UNLOCK(self->vmo));
	ASSERT_TRUE(discard_all());
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmo_op_range(self->vmo, ZX_VMO_OP_LOCK, 0, LEN, &st, sizeof(st) - 1));
	zt_bad_write(bad);
	for (struct zt_bad *b = bad; b->name; b++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmo_op_range(self->vmo, ZX_VMO_OP_LOCK, 0,
							       LEN, b->ptr, sizeof(st)))
			TH_LOG("%s", b->name);
	}
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, UNLOCK(self->vmo));
	ZT_EXPECT_STATUS(ZX_ERR_UNAVAILABLE, TRY_LOCK(self->vmo));
	ZT_EXPECT_U64(LEN, lock(self->vmo));
}

/* A failed lock of an unlocked one leaves it where it may be discarded. */
TEST_F(discardable, V_144_undone_lock_leaves_it_discardable)
{
	ZT_ASSERT_OK(UNLOCK(self->vmo));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, op(self->vmo, ZX_VMO_OP_LOCK));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, LEN, 1));
	ASSERT_TRUE(discard_all());
	ZT_EXPECT_U64(LEN, lock(self->vmo));
}

TEST_F(discardable, V_151_calls_while_discarded)
{
	zx_handle_t other = zt_keep(&self->bag, zt_vmo(LEN, 0));
	uint8_t buf[16], *map;
	int fd;

	ASSERT_EQ(0, zt_vmo_fill(other, 0, LEN, 3));
	ZT_ASSERT_OK(UNLOCK(self->vmo));
	ASSERT_TRUE(discard_all());
	for (size_t n = 1; n <= sizeof(buf); n += 15) {
		ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, zx_vmo_read(self->vmo, buf, P - 8, n));
		ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, zx_vmo_write(self->vmo, buf, P - 8, n));
	}
	ZT_EXPECT_OK(zx_vmo_read(self->vmo, buf, P, 0));
	ZT_EXPECT_OK(zx_vmo_write(self->vmo, buf, P, 0));
	/* the range comes first */
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(self->vmo, buf, LEN, 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_write(self->vmo, buf, LEN, 1));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, op(self->vmo, ZX_VMO_OP_COMMIT));
	ZT_EXPECT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_COMMIT, P, 0, NULL, 0));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE,
			 zx_vmo_op_range(self->vmo, ZX_VMO_OP_COMMIT, LEN, P, NULL, 0));
	/* nothing is there that could be taken away */
	ZT_EXPECT_OK(op(self->vmo, ZX_VMO_OP_DECOMMIT));
	ZT_EXPECT_OK(op(self->vmo, ZX_VMO_OP_ZERO));
	ZT_EXPECT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_ZERO, 5, 2 * P, NULL, 0));
	ZT_EXPECT_OK(zx_vmo_set_stream_size(self->vmo, P + 1));
	/* nothing comes in, nothing is taken for zeros */
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND,
			 zx_vmo_transfer_data(self->vmo, 0, P, P, other, 0));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND,
			 zx_vmo_transfer_data(other, 0, P, P, self->vmo, 0));
	ZT_EXPECT_OK(zx_vmo_transfer_data(other, 0, 0, 0, self->vmo, 0));
	EXPECT_TRUE(zt_vmo_holds(other, 0, LEN, 3));
	/* as a file */
	fd = zvm_handle_to_fd(self->vmo);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, pread(fd, buf, 1, 0));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(-1, pwrite(fd, buf, 1, 0));
	EXPECT_EQ(ENOENT, errno);
	/* as somebody's buffer */
	map = zt_map(self->vmo, 0, LEN, ZT_RW | ZX_VM_ALLOW_FAULTS);
	ASSERT_NE(NULL, map);
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, zx_vmo_write(other, map, 0, 8));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, zx_vmo_read(other, map, 0, 8));
	ZT_EXPECT_OK(zt_unmap(map, LEN));
	ZT_EXPECT_U64(0, zt_committed(self->vmo));
	ZT_EXPECT_U64(LEN, lock(self->vmo));
	EXPECT_TRUE(zt_vmo_zero(self->vmo, 0, LEN));
}

/* PTEs of every kind go: writable, read-only, of zeros. */
TEST_F(discardable, V_153_mappings_while_discarded)
{
	int fd = zvm_handle_to_fd(self->vmo);
	uint8_t *p[4];
	size_t i, n;

	/* one page that was never written */
	ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, 3 * P, P, NULL, 0));
	p[0] = zt_map(self->vmo, 0, LEN, ZT_RW | ZX_VM_ALLOW_FAULTS);
	p[1] = zt_map(self->vmo, 0, LEN, VT_R | ZX_VM_ALLOW_FAULTS);
	p[2] = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	p[3] = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	for (i = 0; i < 4; i++) {
		ASSERT_TRUE(p[i] && p[i] != MAP_FAILED);
		for (n = 0; n < N_PAGES; n++)
			ASSERT_EQ(n == 3 ? 0 : zt_pattern(n * P, 1), vt_load(p[i] + n * P));
	}
	/* a copy of its own stays whose it is */
	ASSERT_EQ(0, zt_try_store(p[3] + 2 * P, 0x33));
	ZT_ASSERT_OK(UNLOCK(self->vmo));
	ASSERT_TRUE(discard_all());
	for (i = 0; i < 4; i++) {
		for (n = 0; n < N_PAGES; n++) {
			if (i == 3 && n == 2)
				continue;
			ZT_EXPECT_FAULT(SIGBUS, zt_try_read(p[i] + n * P));
		}
		if (i != 1)
			ZT_EXPECT_FAULT(SIGBUS, zt_try_write(p[i] + P));
	}
	EXPECT_EQ(0x33, vt_load(p[3] + 2 * P));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND,
			 zx_vmar_op_range(zx_vmar_root_self(), ZX_VMAR_OP_COMMIT,
					  (zx_vaddr_t)p[0], LEN, NULL, 0));
	ZT_ASSERT_U64(LEN, lock(self->vmo));
	for (i = 0; i < 4; i++)
		for (n = 0; n < N_PAGES; n++)
			EXPECT_EQ(i == 3 && n == 2 ? 0x33 : 0, vt_load(p[i] + n * P));
	ZT_EXPECT_ACCESS(zt_try_store(p[0] + P, 7));
	EXPECT_EQ(7, vt_load(p[1] + P));
	EXPECT_EQ(7, vt_load(p[2] + P));
	EXPECT_EQ(7, vt_load(p[3] + P));
	ZT_EXPECT_OK(zt_unmap(p[0], LEN));
	ZT_EXPECT_OK(zt_unmap(p[1], LEN));
	munmap(p[2], LEN);
	munmap(p[3], LEN);
}

/* Mapped without any handle it can be discarded, and be of use no more. */
TEST_F(discardable, V_153_mapped_only)
{
	uint8_t *p = zt_map(self->vmo, 0, LEN, ZT_RW | ZX_VM_ALLOW_FAULTS);

	ASSERT_NE(NULL, p);
	EXPECT_EQ(zt_pattern(P, 1), vt_load(p + P));
	ZT_ASSERT_OK(UNLOCK(self->vmo));
	zt_empty(&self->bag);
	ASSERT_TRUE(discard_all());
	ZT_EXPECT_FAULT(SIGBUS, zt_try_read(p + P));
	ZT_EXPECT_U64(self->before.pages, zt_stats().pages);
	ZT_EXPECT_OK(zt_unmap(p, LEN));
}

TEST_F(discardable, resizing_what_is_discarded)
{
	if (!(variant->options & ZX_VMO_RESIZABLE))
		SKIP(return, "cannot be resized");
	ZT_ASSERT_OK(UNLOCK(self->vmo));
	ASSERT_TRUE(discard_all());
	ZT_EXPECT_OK(zx_vmo_set_size(self->vmo, 2 * LEN));
	EXPECT_EQ(-1, zt_vmo_byte(self->vmo, LEN));
	ZT_EXPECT_OK(zx_vmo_set_size(self->vmo, P + 1));
	ZT_EXPECT_STATUS(ZX_ERR_UNAVAILABLE, TRY_LOCK(self->vmo));
	/* all of what there is now */
	ZT_EXPECT_U64(2 * P, lock(self->vmo));
	EXPECT_TRUE(zt_vmo_zero(self->vmo, 0, 2 * P));
}

/* Nothing is there that could be discarded: nothing is. */
TEST_F(discardable, without_pages)
{
	ZT_ASSERT_OK(op(self->vmo, ZX_VMO_OP_DECOMMIT));
	ZT_ASSERT_OK(UNLOCK(self->vmo));
	ASSERT_TRUE(discard_all());
	ZT_EXPECT_U64(0, zt_vmo_info(self->vmo).committed_change_events);
	ZT_EXPECT_OK(TRY_LOCK(self->vmo));
	ZT_EXPECT_OK(UNLOCK(self->vmo));
	/* written while unlocked it still can be */
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, P, 1));
	ASSERT_TRUE(discard_all());
	ZT_EXPECT_U64(1, zt_vmo_info(self->vmo).committed_change_events);
	ZT_EXPECT_U64(LEN, lock(self->vmo));
}

/* While somebody has a page of it, it stays: that page may be locked. */
TEST_F(discardable, pages_in_use_stay)
{
	uint8_t *p = zt_map(self->vmo, 0, LEN, ZT_RW | ZX_VM_ALLOW_FAULTS);
	struct iovec iov = { p + 40 * P, 10 };
	uint8_t buf[10];
	int fd[2];

	ASSERT_NE(NULL, p);
	ASSERT_EQ(0, pipe(fd));
	ASSERT_EQ(10, vmsplice(fd[1], &iov, 1, 0));
	ZT_ASSERT_OK(UNLOCK(self->vmo));
	for (int i = 0; i < 3; i++)
		ASSERT_TRUE(discard_all());
	ZT_EXPECT_U64(0, zt_vmo_info(self->vmo).committed_change_events);
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, LEN, 1));
	/* mapped they may be */
	EXPECT_EQ(zt_pattern(P, 1), vt_load(p + P));
	ASSERT_EQ(10, read(fd[0], buf, 10));
	EXPECT_EQ(-1, zt_mismatch(buf, 10, 40 * P, 1));
	ASSERT_TRUE(discard_all());
	ZT_EXPECT_U64(LEN, lock(self->vmo));
	close(fd[0]);
	close(fd[1]);
	ZT_EXPECT_OK(zt_unmap(p, LEN));
}

TEST_F(discardable, huge_pages)
{
	const size_t len = 4 * MIB;
	zx_handle_t vmo = zt_keep(&self->bag, locked_vmo(len, ZVM_VMO_HUGE_PAGES, 3));
	uint8_t *p = zt_map(vmo, 0, len, ZT_RW | ZX_VM_ALLOW_FAULTS);
	struct iovec iov = { p + 3 * MIB, 1 };
	int fd[2];

	ASSERT_NE(NULL, p);
	for (size_t at = 0; at < len; at += MIB)
		EXPECT_EQ(zt_pattern(at, 3), vt_load(p + at));
	ASSERT_EQ(0, pipe(fd));
	ASSERT_EQ(1, vmsplice(fd[1], &iov, 1, 0));
	ZT_ASSERT_OK(UNLOCK(vmo));
	ASSERT_TRUE(discard_all());
	ASSERT_TRUE(holds(vmo, len, 3));
	EXPECT_EQ(zt_pattern(MIB, 3), vt_load(p + MIB));
	close(fd[0]);
	close(fd[1]);
	/* mapped they may be */
	ASSERT_TRUE(discard_all());
	ZT_EXPECT_U64(0, zt_committed(vmo));
	EXPECT_EQ(SIGBUS, zt_try_read(p));
	ZT_EXPECT_U64(len, lock(vmo));
	EXPECT_EQ(0, vt_load(p + MIB));
	ZT_EXPECT_OK(zt_unmap(p, len));
}

/* ------------------------------------------------------------------------
 * In each other's way
 */
struct crowd {
	zx_handle_t vmo[4];
	volatile int stop;
	uint64_t lost, kept;
};

/* What is locked and filled holds while it is locked. */
static void *locker(void *arg)
{
	struct crowd *c = arg;
	uint64_t seed = (uintptr_t)&seed;
	uint8_t buf[64];

	while (!c->stop) {
		unsigned int i = vt_below(&seed, 4);
		uint64_t off = vt_below(&seed, N_PAGES) * P, was = lock(c->vmo[i]);

		if (was == UINT64_MAX)
			return "lock";
		__atomic_add_fetch(was ? &c->lost : &c->kept, 1, __ATOMIC_RELAXED);
		/* all write the same at the same place */
		zt_fill(buf, sizeof(buf), off, i);
		if (zx_vmo_write(c->vmo[i], buf, off, sizeof(buf)))
			return "write";
		for (int k = 0; k < 20; k++) {
			memset(buf, 0, sizeof(buf));
			if (zx_vmo_read(c->vmo[i], buf, off, sizeof(buf)) ||
			    zt_mismatch(buf, sizeof(buf), off, i) != -1)
				return "lost while locked";
		}
		if (UNLOCK(c->vmo[i]))
			return "unlock";
	}
	return NULL;
}

/* New ones come and go, the last handle while they are discarded. */
static void *maker(void *arg)
{
	struct crowd *c = arg;

	while (!c->stop) {
		zx_handle_t vmo = locked_vmo(4 * P, 0, 5);

		if (!vmo || UNLOCK(vmo) || zx_handle_close(vmo))
			return "make";
	}
	return NULL;
}

static void *discarder(void *arg)
{
	struct crowd *c = arg;

	while (!c->stop)
		if (!discard_all())
			return "drop_caches";
	return NULL;
}

TEST_F_TIMEOUT(discardable, lock_against_discard, 60)
{
	void *(*const what[])(void *) = { locker, locker, locker, maker, maker, discarder,
					  discarder };
	pthread_t t[ARRAY_SIZE(what)];
	struct crowd c = {};
	void *why;

	for (int i = 0; i < 4; i++) {
		c.vmo[i] = zt_keep(&self->bag, zt_vmo(LEN, ZX_VMO_DISCARDABLE | variant->options));
		ASSERT_NE(0u, c.vmo[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(what); i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL, what[i], &c));
	for (int i = 0; i < 30 && (i < 20 || !c.lost); i++)
		zt_sleep_ms(100);
	c.stop = 1;
	for (size_t i = 0; i < ARRAY_SIZE(what); i++) {
		pthread_join(t[i], &why);
		EXPECT_EQ(NULL, why) {
			TH_LOG("%s", (char *)why);
		}
	}
	EXPECT_LT(0u, c.lost);
	EXPECT_LT(0u, c.kept);
}

/* ------------------------------------------------------------------------
 * A memory cgroup at its limit
 */
#define EACH (8 * MIB)

/*
 * Those that are to go have something in each page only: to fill all of it takes
 * long under emulation.
 */
static zx_handle_t thin_vmo(unsigned int seed)
{
	zx_handle_t vmo = zt_vmo(EACH, ZX_VMO_DISCARDABLE);
	uint8_t buf[16];

	if (!vmo || lock(vmo))
		return 0;
	for (uint64_t at = seed; at < EACH; at += P) {
		zt_fill(buf, sizeof(buf), at, seed);
		if (zx_vmo_write(vmo, buf, at, sizeof(buf)))
			return 0;
	}
	return vmo;
}

static bool thin_holds(zx_handle_t vmo, unsigned int seed)
{
	uint8_t buf[16];

	for (uint64_t at = seed; at < EACH; at += P)
		if (zx_vmo_read(vmo, buf, at, sizeof(buf)) ||
		    zt_mismatch(buf, sizeof(buf), at, seed) != -1)
			return false;
	return true;
}

struct hoard {
	const struct cgroup *g;
	size_t locked, unlocked;	/* how many of EACH bytes */
	size_t max;			/* how many of these must go at least */
};

/*
 * Locked VMOs, then many that are unlocked as soon as they are filled. Nothing of
 * the former is lost; of the latter all or nothing, and the first ones.
 */
static int hoard_process(int sock ZT_UNUSED, void *arg)
{
	const struct hoard *hoard = arg;
	zx_handle_t locked[16], unlocked[80], first;
	size_t i, gone = 0;
	bool late = false;

	if (hoard->g)
		VT_CHECK(group_enter(hoard->g));
	/* Made and filled early, unlocked last: goes last. */
	first = locked_vmo(EACH, 0, 3);
	VT_CHECK(first);
	for (i = 0; i < hoard->locked; i++) {
		locked[i] = locked_vmo(EACH, 0, 100 + i);
		VT_CHECK(locked[i]);
	}
	for (i = 0; i < hoard->unlocked; i++) {
		unlocked[i] = thin_vmo(i);
		VT_CHECK(unlocked[i]);
		VT_CHECK_OK(UNLOCK(unlocked[i]));
	}
	VT_CHECK_OK(UNLOCK(first));
	for (i = 0; i < hoard->locked; i++)
		VT_CHECK(holds(locked[i], EACH, 100 + i));
	for (i = 0; i < hoard->unlocked; i++) {
		zx_status_t st = TRY_LOCK(unlocked[i]);

		if (st == ZX_ERR_UNAVAILABLE) {
			/* of one cgroup and node, oldest first: no gap */
			VT_CHECK(!hoard->g || !late);
			VT_CHECK(lock(unlocked[i]) == EACH);
			VT_CHECK(zt_vmo_byte(unlocked[i], i * P) == 0);
			gone++;
			continue;
		}
		VT_CHECK_OK(st);
		VT_CHECK(thin_holds(unlocked[i], i));
		late = true;
	}
	VT_CHECK(TRY_LOCK(first) == ZX_OK && holds(first, EACH, 3));
	if (gone < hoard->max || !late)
		fprintf(stderr, "# %zu of %zu are gone\n", gone, hoard->unlocked);
	VT_CHECK(gone >= hoard->max && late);
	return 0;
}

FIXTURE(pressure) {
	struct zvm_stats before;
	struct cgroup g, other;
	bool groups;
};

FIXTURE_SETUP(pressure)
{
	const struct cgroup root = { CGROUP };

	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	group_write(&root, "cgroup.subtree_control", "+memory");
	self->groups = group_make(&self->g, "hoard") && group_make(&self->other, "other");
}

FIXTURE_TEARDOWN(pressure)
{
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
	rmdir(self->g.path);
	rmdir(self->other.path);
}

/* 512 MiB unlocked where 256 MiB are allowed. */
TEST_F_TIMEOUT(pressure, memory_cgroup, 240)
{
	struct hoard hoard = {
		.g = &self->g, .locked = 8, .unlocked = 64, .max = 64 + 9 - 256 * MIB / EACH,
	};
	struct vt_child c;

	if (!self->groups)
		SKIP(return, "no memory controller of cgroup v2 at " CGROUP);
	ASSERT_TRUE(group_write(&self->g, "memory.max", "268435456"));
	c = vt_spawn(hoard_process, &hoard);
	EXPECT_EQ(0, vt_join(&c));
	ZT_EXPECT_U64(0, group_field(&self->g, "memory.events", "oom_kill"));
	EXPECT_LT(0, group_field(&self->g, "memory.events", "max"));
}

static int unlocked_in_group(int sock, void *arg)
{
	zx_handle_t vmo;

	VT_CHECK(group_enter(arg));
	vmo = locked_vmo(EACH, 0, 1);
	VT_CHECK(vmo);
	VT_CHECK_OK(UNLOCK(vmo));
	vt_say(sock, 0);
	vt_hear(sock);
	VT_CHECK_OK(TRY_LOCK(vmo));
	VT_CHECK(holds(vmo, EACH, 1));
	return 0;
}

/* One cgroup's need is not served from another one. */
TEST_F_TIMEOUT(pressure, other_cgroups_stay, 120)
{
	struct hoard hoard = { .g = &self->g, .unlocked = 8, .max = 5 };
	struct vt_child c, witness;

	if (!self->groups)
		SKIP(return, "no memory controller of cgroup v2 at " CGROUP);
	ASSERT_TRUE(group_write(&self->g, "memory.max", "33554432"));
	witness = vt_spawn(unlocked_in_group, &self->other);
	ZT_ASSERT_U64(0, vt_hear(witness.sock));
	c = vt_spawn(hoard_process, &hoard);
	EXPECT_EQ(0, vt_join(&c));
	ASSERT_TRUE(vt_say(witness.sock, 0));
	EXPECT_EQ(0, vt_join(&witness));
	ZT_EXPECT_U64(0, group_field(&self->g, "memory.events", "oom_kill"));
}

/* A cgroup that is gone leaves its unlocked VMOs to the one above. */
static int left_behind(int sock, void *arg)
{
	zx_handle_t vmo;

	VT_CHECK(group_enter(arg));
	vmo = locked_vmo(EACH, 0, 1);
	VT_CHECK(vmo);
	VT_CHECK_OK(UNLOCK(vmo));
	VT_CHECK(vt_write_file(CGROUP "/cgroup.procs", "0"));
	vt_say(sock, 0);
	vt_hear(sock);
	VT_CHECK_STATUS(ZX_ERR_UNAVAILABLE, TRY_LOCK(vmo));
	VT_CHECK(lock(vmo) == EACH);
	return 0;
}

TEST_F_TIMEOUT(pressure, removed_cgroup, 60)
{
	struct vt_child c;

	if (!self->groups)
		SKIP(return, "no memory controller of cgroup v2 at " CGROUP);
	c = vt_spawn(left_behind, &self->g);
	ZT_ASSERT_U64(0, vt_hear(c.sock));
	ASSERT_TRUE(group_remove(&self->g));
	ASSERT_TRUE(discard_all());
	ASSERT_TRUE(vt_say(c.sock, 0));
	EXPECT_EQ(0, vt_join(&c));
}

/* ------------------------------------------------------------------------
 * The whole machine short of memory
 */
static int64_t vmstat(const char *key)
{
	const struct cgroup g = { "/proc" };

	return group_field(&g, "vmstat", key);
}

static int machine_process(int sock, void *arg)
{
	int64_t ballast = zt_proc_field("/proc/meminfo", "MemAvailable") * 1024 - 256 * MIB;
	zx_handle_t vmo = zt_vmo(ballast > 0 ? ballast : 0, 0);

	/* If it comes to that, better us than the test itself. */
	VT_CHECK(vt_write_file("/proc/self/oom_score_adj", "1000"));
	if (ballast > 0)
		VT_CHECK_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 0, zt_size(vmo), NULL, 0));
	return hoard_process(sock, arg);
}

TEST_F_TIMEOUT(pressure, whole_machine, 240)
{
	/* What is available is an estimate. */
	struct hoard hoard = { .locked = 8, .unlocked = 64, .max = 32 };
	int64_t kills = vmstat("oom_kill");
	struct vt_child c = vt_spawn(machine_process, &hoard);

	EXPECT_EQ(0, vt_join(&c));
	ZT_EXPECT_U64(kills, vmstat("oom_kill"));
}

TEST_HARNESS_MAIN
