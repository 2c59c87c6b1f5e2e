// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Operations against accesses and against one another.
 *
 * First part: one side changes something and says in which phase it is, the
 * others access the memory all the time. An access that began and ended in one
 * phase has to have the outcome that this phase allows: once a call has
 * returned, nobody may see what was before it. During a call it is the old or
 * the new, never a third thing.
 *
 * Second part: every pair of operations at once, while a third side accesses.
 *
 * Both with threads of one process, and with another process that acts through
 * a lent handle and inherited VMO handles.
 */
#include "kselftest_harness.h"
#include "zvm_vmar_test.h"

#include <stdatomic.h>

#define PAGES 4
#define TAG_A 3
#define TAG_B 4
#define TAG_C 12	/* of memory that nobody may ever see */

/* Outcomes of an access, as bits. */
enum {
	SEGV = 1, BUS = 2,
	ZERO = 4, A = 8, B = 16,	/* what a load gave */
	WROTE = 32,
	OTHER = 64,
};

struct phase {
	_Atomic uint64_t seq;			/* odd: a change is under way */
	_Atomic uint32_t load[2], store[2];	/* allowed outcomes: settled, under way */
	_Atomic uint32_t observed;		/* accesses within a settled phase */
	_Atomic bool stop;
};

/* All of it in memory that the processes share. */
struct race {
	struct phase ph;
	struct vt_region r;		/* as the mutator uses it */
	zx_handle_t vmo[2];		/* resizable, tags A and B */
	uint64_t rounds;
	uint64_t spare;
};

static void begin(struct race *r, uint32_t load, uint32_t store)
{
	r->ph.load[1] = load;
	r->ph.store[1] = store;
	r->ph.seq++;
}

/* The change is done; give the others a moment to look. */
static void settled(struct race *r, uint32_t load, uint32_t store)
{
	uint32_t before = r->ph.observed;
	/* On a busy machine the reader may not even be running for a while. */
	uint64_t end = zt_now_ns() + 20000000;

	r->ph.load[0] = load;
	r->ph.store[0] = store;
	r->ph.seq++;
	while (r->ph.observed - before < 2 && zt_now_ns() < end)
		sched_yield();
}

/* ------------------------------------------------------------------------
 * Those who access
 */
enum how { LOAD, STORE, SYSCALL };

static const char *const how_name[] = { "load", "store", "process_vm_readv" };

struct reader {
	struct race *race;
	uint8_t *base;
	enum how how;
	uint32_t seen;		/* outcomes in settled phases */
	unsigned long accesses, settled;
	char bad[160];		/* the first wrong outcome */
};

static uint32_t classify(int got, int page)
{
	return got == -SIGSEGV ? SEGV : got == -SIGBUS ? BUS : got == 0 ? ZERO :
	       got == vt_tag(TAG_A, page) ? A : got == vt_tag(TAG_B, page) ? B : OTHER;
}

/* SEGV | BUS: a fault of which the system call does not tell the kind. */
static uint32_t access_page(struct reader *rd, int page, int *raw)
{
	uint8_t *p = rd->base + page * P, byte = 0;
	struct iovec local = { &byte, 1 }, remote = { p, 1 };
	ssize_t n;

	switch (rd->how) {
	case STORE:
		*raw = zt_try_store(p + 64, 1);
		return *raw == SIGSEGV ? SEGV : *raw == SIGBUS ? BUS : WROTE;
	case SYSCALL:
		n = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
		*raw = n == 1 ? byte : -errno;
		return n == 1 ? classify(byte, page) : SEGV | BUS;
	default:
		*raw = vt_load(p);
		return classify(*raw, page);
	}
}

static void *reader(void *arg)
{
	struct reader *rd = arg;
	struct phase *ph = &rd->race->ph;

	vt_pin(0);
	for (int i = 0; !ph->stop; i++) {
		uint64_t seq = ph->seq;
		uint32_t allowed = (rd->how == STORE ? ph->store : ph->load)[seq & 1], got;
		int raw = 0;

		atomic_thread_fence(memory_order_seq_cst);
		got = access_page(rd, i % PAGES, &raw);
		atomic_thread_fence(memory_order_seq_cst);
		rd->accesses++;
		if (ph->seq != seq)
			continue;
		if (!(got & allowed) && !rd->bad[0])
			snprintf(rd->bad, sizeof(rd->bad),
				 "%s of page %d gave %d (outcome %#x), allowed %#x, %s",
				 how_name[rd->how], i % PAGES, raw, got, allowed,
				 seq & 1 ? "during a change" : "after it");
		if (!(seq & 1)) {
			rd->seen |= got;
			rd->settled++;
			ph->observed++;
		}
	}
	return NULL;
}

FIXTURE(race) {
	struct race *race;
	struct vt_region r;
	zx_handle_t lent;
	struct zvm_stats before;
};

FIXTURE_VARIANT(race) {
	bool other_process;
};

FIXTURE_VARIANT_ADD(race, threads) { .other_process = false };
FIXTURE_VARIANT_ADD(race, processes) { .other_process = true };

FIXTURE_SETUP(race)
{
	struct race *race = vt_shared(sizeof(*race));

	ASSERT_NE(NULL, race);
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->race = race;
	self->r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 64 * P);
	ASSERT_NE(ZX_HANDLE_INVALID, self->r.h);
	race->vmo[0] = vt_tagged_vmo(TAG_A, PAGES, ZX_VMO_RESIZABLE);
	race->vmo[1] = vt_tagged_vmo(TAG_B, PAGES, ZX_VMO_RESIZABLE);
	ASSERT_NE(ZX_HANDLE_INVALID, race->vmo[0]);
	ASSERT_NE(ZX_HANDLE_INVALID, race->vmo[1]);
	race->r = self->r;
	/* Nothing is mapped at first. */
	race->ph.load[0] = race->ph.store[0] = SEGV;
	if (variant->other_process) {
		ZT_ASSERT_OK(zvm_vmar_lend(self->r.h, ZX_RIGHT_SAME_RIGHTS, &self->lent));
		race->r.h = self->lent;
	}
}

FIXTURE_TEARDOWN(race)
{
}

/* Map a VMO at the start of the region; writable. */
static zx_status_t map_ab(struct race *r, int which, zx_vm_option_t how)
{
	return vt_map_at(&r->r, ZT_RW | how, 0, r->vmo[which], 0, PAGES * P);
}

static zx_status_t tag_all(struct race *r, int which)
{
	for (int pg = 0; pg < PAGES; pg++) {
		zx_status_t st = vt_tag_page(r->vmo[which], which ? TAG_B : TAG_A, pg);

		if (st != ZX_OK)
			return st;
	}
	return ZX_OK;
}

/* In the first round, VMO A comes in. */
static zx_status_t first_map(struct race *r, zx_vm_option_t how)
{
	zx_status_t st;

	if (r->spare++)
		return ZX_OK;
	begin(r, SEGV | A, SEGV | WROTE);
	st = map_ab(r, 0, how);
	settled(r, A, WROTE);
	return st;
}

struct mutator {
	struct race *race;
	int (*mutate)(struct race *race);
	uint64_t end;
};

/* 0, or the number of the line that failed. */
static int mutate_until(struct mutator *m)
{
	int line = 0;

	vt_pin(1);
	while (!line && zt_now_ns() < m->end) {
		line = m->mutate(m->race);
		m->race->rounds++;
	}
	return line;
}

static int mutator_process(int sock, void *arg)
{
	int line = mutate_until(arg);

	vt_say(sock, (uint64_t)line);
	return line != 0;
}

/*
 * One reader of each kind in turn, against the mutator here or in another
 * process: two at a time, so that both run all the time on two CPUs. `want`:
 * outcomes that must have been seen, else nothing was tested; a busy machine may
 * need more turns for that.
 */
#define TURN_MS 900
#define MAX_TURNS 6

static uint32_t turn(struct __test_metadata *_metadata, FIXTURE_DATA(race) *self,
		     bool other_process, int (*mutate)(struct race *), enum how how)
{
	struct race *race = self->race;
	struct reader rd = { .race = race, .base = vt_ptr(&self->r, 0), .how = how };
	struct mutator m = { .race = race, .mutate = mutate };
	uint64_t rounds = race->rounds;
	pthread_t t;

	race->ph.stop = false;
	m.end = zt_now_ns() + TURN_MS * 1000000ull;
	if (other_process) {
		/* Made while there is but one thread. */
		struct vt_child c = vt_spawn(mutator_process, &m);

		EXPECT_LT(0, c.pid);
		EXPECT_EQ(0, pthread_create(&t, NULL, reader, &rd));
		ZT_EXPECT_U64(0, vt_hear(c.sock));
		EXPECT_EQ(0, vt_join(&c));
	} else {
		EXPECT_EQ(0, pthread_create(&t, NULL, reader, &rd));
		EXPECT_EQ(0, mutate_until(&m));
	}
	race->ph.stop = true;
	EXPECT_EQ(0, pthread_join(t, NULL));
	EXPECT_STREQ("", rd.bad);
	TH_LOG("%s: %lu rounds, %lu accesses, %lu in settled phases", how_name[how],
	       (unsigned long)(race->rounds - rounds), rd.accesses, rd.settled);
	return rd.seen;
}

static void run(struct __test_metadata *_metadata, FIXTURE_DATA(race) *self, bool other_process,
		int (*mutate)(struct race *), uint32_t want)
{
	struct race *race = self->race;
	uint32_t seen[3] = { 0 }, all = 0;

	for (int i = 0; i < MAX_TURNS; i++) {
		if (seen[LOAD] && seen[STORE] && seen[SYSCALL] && (all & want) == want) {
			break;
		}
		for (int how = LOAD; how <= SYSCALL; how++) {
			seen[how] |= turn(_metadata, self, other_process, mutate, (enum how)how);
			all |= seen[how];
		}
	}
	EXPECT_NE(0u, seen[LOAD]);
	EXPECT_NE(0u, seen[STORE]);
	EXPECT_NE(0u, seen[SYSCALL]);
	EXPECT_EQ(want, all & want);

	/* All of it can be taken away, and nothing is left. */
	ZT_EXPECT_OK(zx_vmar_destroy(self->r.h));
	ZT_EXPECT_OK(zx_handle_close(self->r.h));
	if (self->lent) {
		ZT_EXPECT_OK(zx_handle_close(self->lent));
	}
	ZT_EXPECT_OK(zx_handle_close(race->vmo[0]));
	ZT_EXPECT_OK(zx_handle_close(race->vmo[1]));
	ZT_EXPECT_NO_LEAK(&self->before);
}

#define TRY(call) do { if ((call) != ZX_OK) return __LINE__; } while (0)

/* ------------------------------------------------------------------------
 * Once unmap has returned, every access faults
 */
static int map_unmap(struct race *r)
{
	begin(r, SEGV | A, SEGV | WROTE);
	TRY(map_ab(r, 0, 0));
	settled(r, A, WROTE);
	begin(r, SEGV | A, SEGV | WROTE);
	TRY(zx_vmar_unmap(r->r.h, r->r.base, PAGES * P));
	settled(r, SEGV, SEGV);
	return 0;
}

TEST_F(race, R_078_map_and_unmap)
{
	run(_metadata, self, variant->other_process, map_unmap, SEGV | A | WROTE);
}

/* The same, populated at map time: the entries are all there when it goes. */
static int populate_unmap(struct race *r)
{
	begin(r, SEGV | A, SEGV | WROTE);
	TRY(map_ab(r, 0, ZX_VM_MAP_RANGE));
	settled(r, A, WROTE);
	begin(r, SEGV | A, SEGV | WROTE);
	TRY(zx_vmar_unmap(r->r.h, r->r.base, 1));
	TRY(zx_vmar_unmap(r->r.h, r->r.base + 2 * P, 2 * P));
	TRY(zx_vmar_unmap(r->r.h, r->r.base + P, P));
	settled(r, SEGV, SEGV);
	return 0;
}

TEST_F(race, R_060_R_084_populate_and_unmap_in_pieces)
{
	run(_metadata, self, variant->other_process, populate_unmap, SEGV | A | WROTE);
}

/* The same address, another VMO: the old one is never seen again. */
static int unmap_map_other(struct race *r)
{
	for (int i = 0; i < 2; i++) {
		uint32_t mine = i ? B : A;

		begin(r, SEGV | mine, SEGV | WROTE);
		TRY(map_ab(r, i, 0));
		settled(r, mine, WROTE);
		begin(r, mine | SEGV, SEGV | WROTE);
		TRY(zx_vmar_unmap(r->r.h, r->r.base, PAGES * P));
		/* No pause: at once the next one. */
		settled(r, SEGV, SEGV);
	}
	return 0;
}

TEST_F(race, R_078_same_address_other_vmo)
{
	run(_metadata, self, variant->other_process, unmap_map_other, SEGV | A | B | WROTE);
}

/* SPECIFIC_OVERWRITE: old or new, and never nothing. */
static int overwrite(struct race *r)
{
	for (int i = 0; i < 2; i++) {
		begin(r, r->spare ? A | B : SEGV | B, r->spare ? WROTE : SEGV | WROTE);
		TRY(map_ab(r, !i, ZX_VM_SPECIFIC_OVERWRITE));
		settled(r, i ? A : B, WROTE);
		r->spare = 1;
	}
	return 0;
}

TEST_F(race, R_077_overwrite)
{
	run(_metadata, self, variant->other_process, overwrite, A | B | WROTE);
}

/* ------------------------------------------------------------------------
 * Permissions
 */
static int protect_read(struct race *r)
{
	TRY(first_map(r, 0));
	begin(r, SEGV | A, SEGV | WROTE);
	TRY(zx_vmar_protect(r->r.h, ZT_RW, r->r.base, PAGES * P));
	settled(r, A, WROTE);
	/* Reads go on all the time. */
	begin(r, A, SEGV | WROTE);
	TRY(zx_vmar_protect(r->r.h, VT_R, r->r.base, PAGES * P));
	settled(r, A, SEGV);
	return 0;
}

TEST_F(race, R_090_protect_to_read)
{
	run(_metadata, self, variant->other_process, protect_read, SEGV | A | WROTE);
}

static int protect_none(struct race *r)
{
	TRY(first_map(r, 0));
	begin(r, SEGV | A, SEGV | WROTE);
	TRY(zx_vmar_protect(r->r.h, ZT_RW, r->r.base, PAGES * P));
	settled(r, A, WROTE);
	begin(r, SEGV | A, SEGV | WROTE);
	TRY(zx_vmar_protect(r->r.h, 0, r->r.base, PAGES * P));
	settled(r, SEGV, SEGV);
	begin(r, SEGV | A, SEGV);
	TRY(zx_vmar_protect(r->r.h, VT_R, r->r.base, PAGES * P));
	settled(r, A, SEGV);
	return 0;
}

TEST_F(race, R_091_protect_to_nothing)
{
	run(_metadata, self, variant->other_process, protect_none, SEGV | A | WROTE);
}

/* ------------------------------------------------------------------------
 * Content
 */
static int decommit(struct race *r)
{
	TRY(first_map(r, 0));
	begin(r, A | ZERO, WROTE);
	TRY(zx_vmo_op_range(r->vmo[0], ZX_VMO_OP_DECOMMIT, 0, PAGES * P, NULL, 0));
	settled(r, ZERO, WROTE);
	begin(r, ZERO | A, WROTE);
	TRY(tag_all(r, 0));
	settled(r, A, WROTE);
	return 0;
}

TEST_F(race, V_113_decommit)
{
	run(_metadata, self, variant->other_process, decommit, ZERO | A | WROTE);
}

static int zero(struct race *r)
{
	TRY(first_map(r, 0));
	begin(r, A | ZERO, WROTE);
	TRY(zx_vmar_op_range(r->r.h, ZX_VMAR_OP_ZERO, r->r.base, PAGES * P, NULL, 0));
	settled(r, ZERO, WROTE);
	begin(r, ZERO, WROTE);
	TRY(zx_vmar_op_range(r->r.h, ZX_VMAR_OP_COMMIT, r->r.base, PAGES * P, NULL, 0));
	settled(r, ZERO, WROTE);
	begin(r, ZERO | A, WROTE);
	TRY(tag_all(r, 0));
	settled(r, A, WROTE);
	return 0;
}

TEST_F(race, R_124_R_127_zero_and_commit)
{
	run(_metadata, self, variant->other_process, zero, ZERO | A | WROTE);
}

static int resize(struct race *r)
{
	TRY(first_map(r, 0));
	begin(r, A | BUS, BUS | WROTE);
	TRY(zx_vmo_set_size(r->vmo[0], 0));
	settled(r, BUS, BUS);
	begin(r, ZERO | BUS, BUS | WROTE);
	TRY(zx_vmo_set_size(r->vmo[0], PAGES * P));
	settled(r, ZERO, WROTE);
	begin(r, ZERO | A, WROTE);
	TRY(tag_all(r, 0));
	settled(r, A, WROTE);
	return 0;
}

TEST_F(race, V_073_V_077_V_078_resize)
{
	run(_metadata, self, variant->other_process, resize, BUS | ZERO | A | WROTE);
}

static int stream_size(struct race *r)
{
	TRY(first_map(r, ZX_VM_FAULT_BEYOND_STREAM_SIZE | ZX_VM_ALLOW_FAULTS));
	begin(r, A | ZERO | BUS, BUS | WROTE);
	TRY(zx_vmo_set_stream_size(r->vmo[0], 0));
	settled(r, BUS, BUS);
	begin(r, ZERO | BUS, BUS | WROTE);
	TRY(zx_vmo_set_stream_size(r->vmo[0], PAGES * P - 1));
	settled(r, ZERO, WROTE);
	begin(r, ZERO | A, WROTE);
	TRY(tag_all(r, 0));
	settled(r, A, WROTE);
	begin(r, A, WROTE);
	TRY(zx_vmo_set_stream_size(r->vmo[0], PAGES * P));
	settled(r, A, WROTE);
	return 0;
}

TEST_F(race, R_058_stream_size)
{
	run(_metadata, self, variant->other_process, stream_size, BUS | ZERO | A | WROTE);
}

/* ------------------------------------------------------------------------
 * Regions that come and go, with what is in them
 */
static int destroy(struct race *r)
{
	struct vt_region c = { .len = 8 * P };

	begin(r, SEGV | B, SEGV | WROTE);
	TRY(zx_vmar_allocate(r->r.h, VT_CAN_ALL | ZX_VM_SPECIFIC, 0, 8 * P, &c.h, &c.base));
	TRY(vt_map_at(&c, ZT_RW, 0, r->vmo[1], 0, PAGES * P));
	settled(r, B, WROTE);
	begin(r, SEGV | B, SEGV | WROTE);
	TRY(zx_vmar_destroy(c.h));
	settled(r, SEGV, SEGV);
	TRY(zx_handle_close(c.h));
	return 0;
}

TEST_F(race, R_111_destroy)
{
	run(_metadata, self, variant->other_process, destroy, SEGV | B | WROTE);
}

/*
 * VMOs of one use: with the mapping goes the VMO, its pages go to others, which
 * fill them with what nobody may see.
 */
static int one_use(struct race *r)
{
	zx_handle_t vmo = vt_tagged_vmo(r->spare++ & 1 ? TAG_B : TAG_A, PAGES, 0), taker;
	uint32_t mine = r->spare & 1 ? A : B;

	begin(r, SEGV | mine, SEGV | WROTE);
	TRY(vt_map_at(&r->r, ZT_RW, 0, vmo, 0, PAGES * P));
	TRY(zx_handle_close(vmo));
	settled(r, mine, WROTE);
	begin(r, SEGV | mine, SEGV | WROTE);
	TRY(zx_vmar_unmap(r->r.h, r->r.base, PAGES * P));
	settled(r, SEGV, SEGV);
	taker = vt_tagged_vmo(TAG_C, 2 * PAGES, 0);
	TRY(taker ? ZX_OK : ZX_ERR_NO_MEMORY);
	/* What a late store of somebody would hit. */
	for (int pg = 0; pg < 2 * PAGES; pg++)
		if (zt_vmo_byte(taker, pg * P + 64) != vt_tag(TAG_C, pg))
			return __LINE__;
	TRY(zx_handle_close(taker));
	return 0;
}

TEST_F(race, R_064_R_078_vmos_of_one_use)
{
	run(_metadata, self, variant->other_process, one_use, SEGV | A | B | WROTE);
}

/*
 * Two sides want the same addresses for VMOs of their own. Whoever gets them
 * sees its own pages there, from the moment when its map has returned until it
 * unmaps: not those of the other side, whose unmap may not have returned yet.
 */
struct owner {
	struct race *race;
	uint8_t *base;
	int which;
	_Atomic int look;	/* 1: another thread is to look for us, 2: it has */
	bool remote;
	_Atomic bool stop;
	_Atomic unsigned long turns;
	_Atomic int bad;	/* a byte, or minus a signal; 1000: a store failed */
};

static void look_around(struct owner *o)
{
	for (int pg = 0; pg < PAGES; pg++) {
		uint8_t *p = o->base + pg * P;
		int got = vt_load(p);

		if (got != vt_tag(o->which ? TAG_B : TAG_A, pg))
			o->bad = got ? got : INT32_MIN;
		if (zt_try_store(p + 64, (uint8_t)(1 + o->which)))
			o->bad = 1000;
		if (vt_load(p + 64) != 1 + o->which)
			o->bad = 2000;
	}
}

static void own_in_turn(struct owner *o)
{
	struct race *r = o->race;

	vt_pin(o->which);
	while (!o->stop) {
		if (vt_map_at(&r->r, ZT_RW | (o->turns & 1 ? ZX_VM_MAP_RANGE : 0), 0,
			      r->vmo[o->which], 0, PAGES * P) != ZX_OK)
			continue;
		o->look = 1;
		if (!o->remote)
			look_around(o);
		while (o->remote && o->look == 1 && !o->stop)
			sched_yield();
		zx_vmar_unmap(r->r.h, r->r.base, PAGES * P);
		o->turns++;
	}
}

static void *owner_thread(void *arg)
{
	own_in_turn(arg);
	return NULL;
}

static int owner_process(int sock ZT_UNUSED, void *arg)
{
	own_in_turn(arg);
	return 0;
}

/* The eyes of an owner that is another process. */
static void *eyes(void *arg)
{
	struct owner *o = arg;

	while (!o->stop) {
		if (o->look != 1) {
			sched_yield();
			continue;
		}
		look_around(o);
		o->look = 2;
	}
	return NULL;
}

TEST_F(race, R_049_R_078_two_owners_of_one_address)
{
	struct owner *o = vt_shared(2 * sizeof(*o));
	struct race *mine = vt_shared(sizeof(*mine));
	struct vt_child c = { .pid = 0, .sock = -1 };
	pthread_t t, t2;

	ASSERT_NE(NULL, o);
	ASSERT_NE(NULL, mine);
	*mine = *self->race;
	mine->r.h = self->r.h;
	for (int i = 0; i < 2; i++)
		o[i] = (struct owner){ .race = i ? self->race : mine, .base = vt_ptr(&self->r, 0),
				       .which = i, .remote = i && variant->other_process };
	if (variant->other_process) {
		c = vt_spawn(owner_process, &o[1]);
		ASSERT_LT(0, c.pid);
		ASSERT_EQ(0, pthread_create(&t2, NULL, eyes, &o[1]));
	} else {
		ASSERT_EQ(0, pthread_create(&t2, NULL, owner_thread, &o[1]));
	}
	ASSERT_EQ(0, pthread_create(&t, NULL, owner_thread, &o[0]));
	zt_sleep_ms(2500);
	o[0].stop = o[1].stop = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
	ASSERT_EQ(0, pthread_join(t2, NULL));
	if (variant->other_process) {
		EXPECT_EQ(0, vt_join(&c));
	}
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(0, o[i].bad);
		EXPECT_NE(0u, o[i].turns);
	}
	TH_LOG("%lu and %lu turns", o[0].turns, o[1].turns);
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(vt_ptr(&self->r, 0)));
}

/* Executable and not: execution is what is taken away. */
struct runner {
	struct race *race;
	uint8_t *p;
	unsigned long runs;
	char bad[80];
};

static void *keep_running(void *arg)
{
	struct runner *rn = arg;
	struct phase *ph = &rn->race->ph;

	vt_pin(0);
	while (!ph->stop) {
		uint64_t seq = ph->seq;
		uint32_t allowed = ph->load[seq & 1];
		int sig;

		atomic_thread_fence(memory_order_seq_cst);
		sig = zt_try_exec(rn->p);
		atomic_thread_fence(memory_order_seq_cst);
		if (ph->seq != seq)
			continue;
		if (!(allowed & (sig ? SEGV : A)) && !rn->bad[0])
			snprintf(rn->bad, sizeof(rn->bad), "signal %d, allowed %#x, %s", sig,
				 allowed, seq & 1 ? "during a change" : "after it");
		if (!(seq & 1)) {
			rn->runs++;
			ph->observed++;
		}
	}
	return NULL;
}

TEST(R_090_execute_permission)
{
	struct race *race = vt_shared(sizeof(*race));
	struct vt_region r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 16 * P);
	uint64_t end = zt_now_ns() + 2500000000u;
	struct runner rn = { .race = race, .p = vt_ptr(&r, 0) };
	zx_handle_t vmo = zt_vmo(P, 0), code;
	unsigned long rounds = 0;
	pthread_t t;

	ASSERT_NE(NULL, race);
	ZT_ASSERT_OK(zx_vmo_write(vmo, zt_code, 0, sizeof(zt_code)));
	ZT_ASSERT_OK(zx_vmo_replace_as_executable(vmo, ZX_HANDLE_INVALID, &code));
	ZT_ASSERT_OK(vt_map_at(&r, VT_R, 0, code, 0, P));
	race->ph.load[0] = SEGV;
	ASSERT_EQ(0, pthread_create(&t, NULL, keep_running, &rn));
	vt_pin(1);
	while (zt_now_ns() < end) {
		begin(race, SEGV | A, 0);
		ZT_ASSERT_OK(zx_vmar_protect(r.h, VT_R | VT_X, r.base, P));
		settled(race, A, 0);
		begin(race, SEGV | A, 0);
		ZT_ASSERT_OK(zx_vmar_protect(r.h, rounds & 1 ? ZT_RW : VT_R, r.base, P));
		settled(race, SEGV, 0);
		rounds++;
	}
	race->ph.stop = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
	EXPECT_STREQ("", rn.bad);
	EXPECT_NE(0u, rn.runs);
	TH_LOG("%lu rounds, %lu settled runs", rounds, rn.runs);
}

/* ------------------------------------------------------------------------
 * A long read or write against a shrink: never what belongs to somebody else
 */
struct longread {
	zx_handle_t vmo;
	bool write;
	_Atomic bool stop;
	unsigned long ok, range;
	char bad[80];
};

#define LONG_PAGES 64

static void *long_read(void *arg)
{
	struct longread *l = arg;
	uint8_t *buf = malloc(LONG_PAGES * P);

	memset(buf, vt_tag(TAG_A, 0), LONG_PAGES * P);
	while (!l->stop) {
		zx_status_t st = l->write ? zx_vmo_write(l->vmo, buf, 0, LONG_PAGES * P) :
					    zx_vmo_read(l->vmo, buf, 0, LONG_PAGES * P);

		if (st == ZX_OK)
			l->ok++;
		else if (st == ZX_ERR_OUT_OF_RANGE)
			l->range++;
		else
			snprintf(l->bad, sizeof(l->bad), "%s", zx_status_get_string(st));
		for (size_t i = 0; !l->write && i < LONG_PAGES * P; i += 512) {
			if (buf[i] && buf[i] != vt_tag(TAG_A, 0))
				snprintf(l->bad, sizeof(l->bad), "byte %zu is %#x", i, buf[i]);
		}
	}
	free(buf);
	return NULL;
}

TEST(V_060_shrink_during_a_long_transfer)
{
	struct longread l[2] = { { .write = false }, { .write = true } };
	uint64_t end = zt_now_ns() + 3000000000u;
	zx_handle_t vmo = zt_vmo(LONG_PAGES * P, ZX_VMO_RESIZABLE);
	struct zvm_stats before;
	pthread_t t[2];
	uint64_t seed = 9;

	ASSERT_NE(ZX_HANDLE_INVALID, vmo);
	before = zt_stats();
	for (int i = 0; i < 2; i++) {
		l[i].vmo = vmo;
		ASSERT_EQ(0, pthread_create(&t[i], NULL, long_read, &l[i]));
	}
	while (zt_now_ns() < end) {
		zx_handle_t taker;

		ZT_ASSERT_OK(zx_vmo_set_size(vmo, vt_below(&seed, LONG_PAGES) * P));
		taker = vt_tagged_vmo(TAG_C, 8, 0);
		ZT_ASSERT_OK(zx_vmo_set_size(vmo, LONG_PAGES * P));
		for (int pg = 0; pg < 8; pg++)
			ASSERT_EQ(vt_tag(TAG_C, pg), zt_vmo_byte(taker, pg * P + 1));
		ZT_ASSERT_OK(zx_handle_close(taker));
		sched_yield();
	}
	l[0].stop = l[1].stop = true;
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(t[i], NULL));
		EXPECT_STREQ("", l[i].bad);
		EXPECT_NE(0u, l[i].ok);
		TH_LOG("%lu whole, %lu OUT_OF_RANGE", l[i].ok, l[i].range);
	}
	ZT_ASSERT_OK(zx_vmo_set_size(vmo, 0));
	ZT_EXPECT_U64(before.pages, zt_stats().pages);
}

/* ------------------------------------------------------------------------
 * Every pair of operations
 */
struct arena_op {
	const char *name;
	void (*fn)(struct race *r, uint64_t *seed);
};

/* A range of pages within the window. */
static void some(uint64_t *seed, size_t *off, size_t *len)
{
	size_t from = vt_below(seed, PAGES);

	*off = from * P;
	*len = (1 + vt_below(seed, (uint32_t)(PAGES - from))) * P;
}

static zx_handle_t either(struct race *r, uint64_t *seed)
{
	return r->vmo[vt_rand(seed) & 1];
}

static void op_map(struct race *r, uint64_t *seed)
{
	size_t off, len;

	some(seed, &off, &len);
	vt_map_at(&r->r, ZT_RW, off, either(r, seed), off, len);
}

static void op_map_range(struct race *r, uint64_t *seed)
{
	size_t off, len;

	some(seed, &off, &len);
	vt_map_at(&r->r, VT_R | ZX_VM_MAP_RANGE, off, either(r, seed), off, len);
	zx_vmar_op_range(r->r.h, ZX_VMAR_OP_MAP_RANGE, r->r.base + off, len, NULL, 0);
}

static void op_unmap(struct race *r, uint64_t *seed)
{
	size_t off, len;

	some(seed, &off, &len);
	zx_vmar_unmap(r->r.h, r->r.base + off, len);
}

static void op_overwrite(struct race *r, uint64_t *seed)
{
	size_t off, len;

	some(seed, &off, &len);
	vt_map_at(&r->r, ZT_RW | ZX_VM_SPECIFIC_OVERWRITE, off, either(r, seed), off, len);
}

static void op_protect(struct race *r, uint64_t *seed)
{
	static const zx_vm_option_t perm[] = { 0, VT_R, ZT_RW };
	size_t off, len;

	some(seed, &off, &len);
	zx_vmar_protect(r->r.h, perm[vt_below(seed, 3)], r->r.base + off, len);
}

static void op_decommit(struct race *r, uint64_t *seed)
{
	size_t off, len;

	some(seed, &off, &len);
	zx_vmo_op_range(either(r, seed), ZX_VMO_OP_DECOMMIT, off, len, NULL, 0);
}

static void op_zero(struct race *r, uint64_t *seed)
{
	size_t off, len;

	some(seed, &off, &len);
	zx_vmar_op_range(r->r.h, ZX_VMAR_OP_ZERO, r->r.base + off, len, NULL, 0);
}

static void op_commit(struct race *r, uint64_t *seed)
{
	size_t off, len;

	some(seed, &off, &len);
	zx_vmo_op_range(either(r, seed), ZX_VMO_OP_COMMIT, off, len, NULL, 0);
	zx_vmar_op_range(r->r.h, ZX_VMAR_OP_COMMIT, r->r.base + off, len, NULL, 0);
}

static void op_resize(struct race *r, uint64_t *seed)
{
	zx_vmo_set_size(either(r, seed), vt_below(seed, PAGES + 1) * P);
}

static void op_stream_size(struct race *r, uint64_t *seed)
{
	zx_vmo_set_stream_size(either(r, seed), vt_below(seed, PAGES * (uint32_t)P));
}

static void op_read(struct race *r, uint64_t *seed)
{
	uint8_t buf[512];

	zx_vmo_read(either(r, seed), buf, vt_below(seed, PAGES * (uint32_t)P - 512), 512);
}

/* Into and out of the very mappings that the others work on. */
static void op_read_into(struct race *r, uint64_t *seed)
{
	int page = (int)vt_below(seed, PAGES);

	/* A byte from the middle of the page: no tag may change its place. */
	zx_vmo_read(either(r, seed), vt_ptr(&r->r, page * P + 100), page * P + 100, 100);
	zx_vmo_write(either(r, seed), vt_ptr(&r->r, page * P + 300), page * P + 300, 100);
}

static void op_write(struct race *r, uint64_t *seed)
{
	int which = vt_rand(seed) & 1;

	vt_tag_page(r->vmo[which], which ? TAG_B : TAG_A, vt_below(seed, PAGES));
}

static void op_handles(struct race *r, uint64_t *seed)
{
	zx_handle_t h = zt_dup(either(r, seed), ZX_RIGHT_SAME_RIGHTS), h2 = zt_vmo(8 * P, 0);

	vt_map_at(&r->r, ZT_RW, 8 * P, h2, 0, PAGES * P);
	zx_handle_close(h);
	zx_handle_close(h2);
	zx_vmar_unmap(r->r.h, r->r.base + 8 * P, PAGES * P);
}

static void op_region(struct race *r, uint64_t *seed)
{
	zx_handle_t h;
	zx_vaddr_t addr;
	size_t off, len;

	some(seed, &off, &len);
	if (zx_vmar_allocate(r->r.h, VT_CAN_ALL | ZX_VM_SPECIFIC, off, len, &h, &addr) != ZX_OK)
		return;
	zx_vmar_map(h, ZT_RW | ZX_VM_SPECIFIC, 0, either(r, seed), off, len, &addr);
	zx_vmar_destroy(h);
	zx_handle_close(h);
}

/* Takes pages that others gave back, and fills them with what nobody may see. */
static void op_recycle(struct race *r ZT_UNUSED, uint64_t *seed ZT_UNUSED)
{
	zx_handle_t h = vt_tagged_vmo(TAG_C, 2 * PAGES, 0);

	zx_handle_close(h);
}

static void op_info(struct race *r, uint64_t *seed ZT_UNUSED)
{
	zx_info_maps_t maps[8];
	size_t actual, avail;

	zx_object_get_info(r->r.h, ZX_INFO_VMAR_MAPS, maps, sizeof(maps), &actual, &avail);
	zt_vmo_info(r->vmo[0]);
}

static void op_fork(struct race *r, uint64_t *seed ZT_UNUSED)
{
	pid_t pid = fork();

	if (!pid)
		_exit(zt_try_read((void *)r->r.base) ? 0 : 1);
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void op_madvise(struct race *r, uint64_t *seed)
{
	static const int advice[] = { MADV_DONTNEED, MADV_PAGEOUT, MADV_COLD, MADV_WILLNEED };

	madvise((void *)r->r.base, PAGES * P, advice[vt_below(seed, 4)]);
}

#define OP(name) { #name, op_##name }
static const struct arena_op ops[] = {
	OP(map), OP(map_range), OP(unmap), OP(overwrite), OP(protect), OP(decommit), OP(zero),
	OP(commit), OP(resize), OP(stream_size), OP(read), OP(read_into), OP(write), OP(handles),
	OP(region), OP(recycle), OP(info), OP(fork), OP(madvise),
};

#define OPS ARRAY_SIZE(ops)
#define PAIR_MS 16

struct pair_side {
	struct race *race;
	_Atomic int op;		/* -1: wait, -2: end */
	_Atomic uint64_t calls;
	_Atomic int busy;
	uint64_t seed;
	int cpu;
};

/* Does one operation again and again until it is told of another. */
static void do_ops(struct pair_side *s)
{
	vt_pin(s->cpu);
	for (;;) {
		int op = s->op;

		if (op == -2)
			return;
		if (op < 0) {
			s->busy = 0;
			sched_yield();
			continue;
		}
		s->busy = 1;
		ops[op].fn(s->race, &s->seed);
		s->calls++;
	}
}

static void *pair_thread(void *arg)
{
	do_ops(arg);
	return NULL;
}

static int pair_process(int sock ZT_UNUSED, void *arg)
{
	do_ops(arg);
	return 0;
}

/* Tags in their place, both VMOs whole, A mapped: the state a pair starts from. */
static zx_status_t reset(struct race *r)
{
	zx_status_t st = zx_vmar_unmap(r->r.h, r->r.base, r->r.len);

	for (int i = 0; i < 2 && st == ZX_OK; i++) {
		st = zx_vmo_set_size(r->vmo[i], PAGES * P);
		if (st == ZX_OK)
			st = tag_all(r, i);
	}
	return st == ZX_OK ? map_ab(r, 0, 0) : st;
}

TEST_F_TIMEOUT(race, every_pair, 180)
{
	struct race *race = self->race;
	struct pair_side *side = vt_shared(2 * sizeof(*side));
	struct race *mine = vt_shared(sizeof(*mine));
	unsigned long accesses = 0, idle = 0, calls = 0;
	struct vt_child child = { .pid = 0, .sock = -1 };
	pthread_t t[2];

	ASSERT_NE(NULL, side);
	ASSERT_NE(NULL, mine);
	/* This process uses its own handle even if the other has a lent one. */
	*mine = *race;
	mine->r.h = self->r.h;
	for (int i = 0; i < 2; i++)
		side[i] = (struct pair_side){ .race = i ? race : mine, .op = -1, .seed = 5 + i,
					      .cpu = i };
	if (variant->other_process) {
		child = vt_spawn(pair_process, &side[1]);
		ASSERT_LT(0, child.pid);
	} else {
		ASSERT_EQ(0, pthread_create(&t[1], NULL, pair_thread, &side[1]));
	}
	ASSERT_EQ(0, pthread_create(&t[0], NULL, pair_thread, &side[0]));

	for (size_t a = 0; a < OPS; a++) {
		for (size_t b = variant->other_process ? 0 : a; b < OPS; b++) {
			uint64_t until, calls0 = side[0].calls, calls1 = side[1].calls;

			ZT_ASSERT_OK(reset(mine));
			side[0].op = (int)a;
			side[1].op = (int)b;
			until = zt_now_ns() + PAIR_MS * 1000000u;
			for (int i = 0; zt_now_ns() < until || side[0].calls == calls0 ||
			     side[1].calls == calls1; i++) {
				uint8_t *p = vt_ptr(&self->r, i % PAGES * P);
				int got = vt_load(p + (i & 1 ? P - 1 : 0));

				/*
				 * stream_size and resize zero, all others write the tags:
				 * whatever the two did, a third value is somebody else's.
				 */
				ASSERT_NE(OTHER, classify(got, i % PAGES)) {
					TH_LOG("%s against %s: page %d gave %#x", ops[a].name,
					       ops[b].name, i % PAGES, got);
				}
				if (i % 3 == 0)
					zt_try_store(p + 64, 1);
				accesses++;
				ASSERT_LT(zt_now_ns(), until + 20000000000u) {
					TH_LOG("%s against %s hangs", ops[a].name, ops[b].name);
				}
			}
			side[0].op = side[1].op = -1;
			until = zt_now_ns() + 20000000000u;
			while (side[0].busy || side[1].busy) {
				ASSERT_LT(zt_now_ns(), until) {
					TH_LOG("%s against %s hangs", ops[a].name, ops[b].name);
				}
				sched_yield();
				idle++;
			}
			calls += side[0].calls - calls0 + side[1].calls - calls1;
		}
	}
	side[0].op = side[1].op = -2;
	ASSERT_EQ(0, pthread_join(t[0], NULL));
	if (variant->other_process) {
		EXPECT_EQ(0, vt_join(&child));
	} else {
		ASSERT_EQ(0, pthread_join(t[1], NULL));
	}
	TH_LOG("%lu calls, %lu accesses, %lu waits", calls, accesses, idle);

	/* It all still works, and is all given back. */
	ZT_ASSERT_OK(reset(mine));
	for (int pg = 0; pg < PAGES; pg++)
		EXPECT_EQ(vt_tag(TAG_A, pg), vt_load(vt_ptr(&self->r, pg * P)));
	ZT_EXPECT_OK(zx_vmar_destroy(self->r.h));
	ZT_EXPECT_OK(zx_handle_close(self->r.h));
	if (self->lent) {
		ZT_EXPECT_OK(zx_handle_close(self->lent));
	}
	ZT_EXPECT_OK(zx_handle_close(race->vmo[0]));
	ZT_EXPECT_OK(zx_handle_close(race->vmo[1]));
	ZT_EXPECT_NO_LEAK(&self->before);
}

/* ------------------------------------------------------------------------
 * A whole arena that goes while threads are in it
 */
static int unmap_arena_while_busy(int sock ZT_UNUSED, void *arg ZT_UNUSED)
{
	struct race *race = vt_shared(sizeof(*race));
	struct vt_region root = vt_region_of(zx_vmar_root_self());
	struct pair_side side[2];
	pthread_t t;

	race->r = vt_alloc(root.h, VT_CAN_ALL, 64 * P);
	race->vmo[0] = vt_tagged_vmo(TAG_A, PAGES, ZX_VMO_RESIZABLE);
	race->vmo[1] = vt_tagged_vmo(TAG_B, PAGES, ZX_VMO_RESIZABLE);
	for (int i = 0; i < 2; i++) {
		/* overwrite and map_range, both at work on the page tables */
		side[i] = (struct pair_side){ .race = race, .op = i ? 1 : 3, .seed = 5 + i,
					      .cpu = i };
		VT_CHECK(pthread_create(&t, NULL, pair_thread, &side[i]) == 0);
	}
	zt_sleep_ms(20);
	VT_CHECK(munmap((void *)root.base, root.len) == 0);
	/* From here on nothing of it can be there, however the others try. */
	for (int i = 0; i < 200; i++)
		VT_CHECK(zt_try_read(vt_ptr(&race->r, i % PAGES * P)) == SIGSEGV);
	VT_CHECK_STATUS(ZX_ERR_BAD_STATE, zx_vmar_unmap(race->r.h, race->r.base, P));
	side[0].op = side[1].op = -2;
	zt_sleep_ms(5);
	return 0;
}

TEST_F(race, munmap_of_the_arena)
{
	struct zvm_stats before = zt_stats();

	for (int i = 0; i < (variant->other_process ? 3 : 10); i++) {
		struct vt_child c = vt_spawn(unmap_arena_while_busy, NULL);

		ASSERT_EQ(0, vt_join(&c));
	}
	ZT_EXPECT_NO_LEAK(&before);
}

TEST_HARNESS_MAIN
