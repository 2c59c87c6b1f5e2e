// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Processes that are killed while most of their threads wait for a lock of the
 * module or are in the middle of something long: each call ends at once, and
 * nothing is left behind.
 *
 * Every thread of a victim does one thing over and over. Some of them hold a
 * lock for most of the time, so that the kill finds nearly all others waiting.
 */
#include "kselftest_harness.h"
#include "zvm_vmar_test.h"

#define PIECES	256u
#define LONG	(8u << 20)

/* What the threads of a victim work on. */
static struct {
	struct vt_region region;	/* PIECES mappings of the VMO's pages */
	struct vt_region play;		/* room of their own for most threads */
	struct vt_region holes;		/* PIECES mappings with a page between any two */
	zx_handle_t vmo;		/* small, resizable, mapped all over the region */
	zx_handle_t big;		/* LONG bytes */
	zx_handle_t code;		/* executable */
	zx_handle_t discardable;
	uint8_t *big_mem;
	uint8_t *anon;			/* LONG bytes */
} g;

static volatile uint32_t *running;	/* threads that have begun */
static uint8_t scratch[64][4096];

/* ---- what the threads do; @n tells their places apart ---- */

static void *place(unsigned int n)
{
	return vt_ptr(&g.play, (n + 1) * 16 * P);
}

static void hold_tree(unsigned int n ZT_UNUSED)
{
	/* Pieces of different permissions, so that it cannot be done as a whole. */
	zx_vmar_protect(g.region.h, VT_R, g.region.base, PIECES * P);
	zx_vmar_protect(g.region.h, ZT_RW, g.region.base, PIECES * P);
}

static void hold_store(unsigned int n ZT_UNUSED)
{
	zt_vmo_info(g.vmo);
}

static void hold_mmap_lock(unsigned int n ZT_UNUSED)
{
	mprotect(g.anon, LONG, PROT_READ);
	mprotect(g.anon, LONG, PROT_READ | PROT_WRITE);
}

static void map(unsigned int n)
{
	vt_map_at(&g.play, ZT_RW, (n + 1) * 16 * P, g.vmo, 0, P);
	zx_vmar_unmap(g.play.h, (zx_vaddr_t)place(n), P);
}

static void map_pieces(unsigned int n)
{
	vt_map_at(&g.play, ZT_RW | ZX_VM_SPECIFIC_OVERWRITE, (n + 1) * 16 * P, g.vmo, 0, 4 * P);
	zx_vmar_unmap(g.play.h, (zx_vaddr_t)place(n) + P, P);
}

static void map_code(unsigned int n)
{
	vt_map_at(&g.play, VT_R | VT_X, (n + 1) * 16 * P, g.code, 0, P);
	zx_vmar_unmap(g.play.h, (zx_vaddr_t)place(n), P);
}

static void map_populated(unsigned int n)
{
	vt_map_at(&g.play, VT_R | ZX_VM_MAP_RANGE, (n + 1) * 16 * P, g.vmo, 0, 8 * P);
	zx_vmar_unmap(g.play.h, (zx_vaddr_t)place(n), 8 * P);
}

static void protect_whole(unsigned int n ZT_UNUSED)
{
	zx_vmar_protect(g.region.h, VT_R, g.region.base, P);
}

static void protect_code(unsigned int n)
{
	vt_map_at(&g.play, VT_R, (n + 1) * 16 * P, g.code, 0, 2 * P);
	zx_vmar_protect(g.play.h, VT_R | VT_X, (zx_vaddr_t)place(n), P);
	zx_vmar_unmap(g.play.h, (zx_vaddr_t)place(n), 2 * P);
}

static void allocate(unsigned int n ZT_UNUSED)
{
	struct vt_region r = vt_alloc(g.region.h, 0, P);

	zx_vmar_destroy(r.h);
	zx_handle_close(r.h);
}

/* All gaps are large enough, and none has a place that is aligned so. */
static void allocate_aligned(unsigned int n ZT_UNUSED)
{
	struct vt_region r = vt_alloc(g.holes.h, ZX_VM_ALIGN_8KB, P);

	zx_vmar_destroy(r.h);
	zx_handle_close(r.h);
}

/* Two threads: what the one maps and populates is what the other takes away. */
static void populate_unmapped(unsigned int n)
{
	if (n % 2)
		vt_map_at(&g.play, VT_R | ZX_VM_MAP_RANGE, 0, g.vmo, 0, 8 * P);
	else
		zx_vmar_unmap(g.play.h, g.play.base, 8 * P);
}

static void op_range(unsigned int n ZT_UNUSED)
{
	zx_vmar_op_range(g.region.h, ZX_VMAR_OP_ZERO, g.region.base, PIECES * P, NULL, 0);
}

static void populate(unsigned int n ZT_UNUSED)
{
	zx_vmar_op_range(g.region.h, ZX_VMAR_OP_MAP_RANGE, g.region.base, PIECES * P, NULL, 0);
}

static void populate_long(unsigned int n ZT_UNUSED)
{
	zx_vmar_op_range(zx_vmar_root_self(), ZX_VMAR_OP_MAP_RANGE, (zx_vaddr_t)g.big_mem, LONG,
			 NULL, 0);
}

static void list(unsigned int n)
{
	size_t actual, avail;

	zx_object_get_info(g.region.h, ZX_INFO_VMAR_MAPS, scratch[n], sizeof(scratch[n]),
			   &actual, &avail);
}

static void fault(unsigned int n)
{
	zt_try_read(vt_ptr(&g.region, n * P));
	zx_vmar_op_range(g.region.h, ZX_VMAR_OP_DECOMMIT, g.region.base + n * P, P, NULL, 0);
}

static void lock(unsigned int n ZT_UNUSED)
{
	zx_vmo_op_range(g.discardable, ZX_VMO_OP_TRY_LOCK, 0, P, NULL, 0);
	zx_vmo_op_range(g.discardable, ZX_VMO_OP_UNLOCK, 0, P, NULL, 0);
}

static void look_at_discardable(unsigned int n ZT_UNUSED)
{
	zt_vmo_info(g.discardable);
}

static void transfer(unsigned int n)
{
	zx_vmo_write(g.vmo, scratch[n], 0, 64);
	zx_vmo_read(g.vmo, scratch[n], 0, 64);
}

static void transfer_pages(unsigned int n)
{
	zx_vmo_write(g.vmo, scratch[n], 17, P);
	zx_vmo_read(g.vmo, scratch[n], 17, P);
}

static void transfer_long(unsigned int n ZT_UNUSED)
{
	zx_vmo_write(g.big, g.anon, 0, LONG);
	zx_vmo_read(g.big, g.anon, 0, LONG);
}

static void transfer_nowhere(unsigned int n ZT_UNUSED)
{
	zx_vmo_read(g.vmo, (void *)8, 0, 64);
}

static void commit(unsigned int n ZT_UNUSED)
{
	zx_vmo_op_range(g.vmo, ZX_VMO_OP_COMMIT, 0, 4 * P, NULL, 0);
	zx_vmo_op_range(g.vmo, ZX_VMO_OP_DECOMMIT, 0, 4 * P, NULL, 0);
}

static void commit_long(unsigned int n ZT_UNUSED)
{
	zx_vmo_op_range(g.big, ZX_VMO_OP_COMMIT, 0, LONG, NULL, 0);
	zx_vmo_op_range(g.big, ZX_VMO_OP_DECOMMIT, 0, LONG, NULL, 0);
}

static void zero(unsigned int n ZT_UNUSED)
{
	zx_vmo_op_range(g.vmo, ZX_VMO_OP_ZERO, 1, 2 * P, NULL, 0);
}

static void caches(unsigned int n ZT_UNUSED)
{
	zx_vmo_op_range(g.vmo, ZX_VMO_OP_CACHE_SYNC, 0, P, NULL, 0);
	zx_vmo_set_cache_policy(g.vmo, ZX_CACHE_POLICY_CACHED);
}

static void prefetch(unsigned int n ZT_UNUSED)
{
	zx_vmo_op_range(g.vmo, ZX_VMO_OP_PREFETCH, 0, P, NULL, 0);
}

static void resize(unsigned int n ZT_UNUSED)
{
	zx_vmo_set_size(g.vmo, (PIECES - 1) * P);
	zx_vmo_set_size(g.vmo, PIECES * P);
}

static void stream(unsigned int n ZT_UNUSED)
{
	zx_vmo_set_stream_size(g.vmo, PIECES * P / 2);
	zx_vmo_set_stream_size(g.vmo, PIECES * P);
}

typedef void (*job_fn)(unsigned int n);

/* Those that want the tree's lock, and what the module does around mmap_lock. */
static const job_fn tree_jobs[] = {
	hold_tree, map, map_pieces, map_code, map_populated, protect_whole, protect_code,
	allocate, allocate_aligned, op_range, populate, populate_unmapped, populate_unmapped,
	list, fault,
};

/* Those that want a store's. */
static const job_fn store_jobs[] = {
	hold_store, look_at_discardable, lock, transfer, transfer_pages, commit, zero, caches,
	prefetch, resize, stream, fault,
};

/* Those that wait for mmap_lock, and long ones. */
static const job_fn long_jobs[] = {
	hold_mmap_lock, transfer_nowhere, populate, populate_long, map_code, transfer_long,
	commit_long,
};

/* ---- the victim ---- */

struct job {
	job_fn fn;
	unsigned int n;
};

static void *thread(void *arg)
{
	struct job job = *(struct job *)arg;

	__atomic_fetch_add(running, 1, __ATOMIC_RELAXED);
	for (;;)
		job.fn(job.n);
	return NULL;
}

static bool prepare(void)
{
	zx_handle_t code = zt_vmo(4 * P, 0);
	unsigned int odd;

	g.vmo = zt_vmo(PIECES * P, ZX_VMO_RESIZABLE);
	g.big = zt_vmo(LONG, 0);
	g.discardable = zt_vmo(P, ZX_VMO_DISCARDABLE);
	if (zx_vmo_replace_as_executable(code, ZX_HANDLE_INVALID, &g.code))
		return false;
	g.region = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 2 * PIECES * P);
	g.play = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, PIECES * P);
	g.holes = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, (2 * PIECES + 1) * P);
	g.big_mem = zt_map(g.big, 0, LONG, ZT_RW);
	g.anon = mmap(NULL, LONG, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (!g.vmo || !g.big_mem || !g.discardable || !g.region.h || !g.play.h || !g.holes.h ||
	    g.anon == MAP_FAILED)
		return false;
	odd = g.holes.base / P % 2;
	for (unsigned int i = 0; i < PIECES; i++)
		if (vt_map_at(&g.region, ZT_RW, i * P, g.vmo, i * P, P) ||
		    vt_map_at(&g.holes, VT_R, (2 * i + odd) * P, g.vmo, 0, P))
			return false;
	/* What is left at the edges. */
	vt_map_at(&g.holes, VT_R, 0, g.vmo, 0, P);
	vt_map_at(&g.holes, VT_R, 2 * PIECES * P, g.vmo, 0, P);
	return true;
}

static void victim(const job_fn *jobs, unsigned int n)
{
	struct job job[16];
	pthread_t t;

	if (!prepare())
		_exit(1);
	for (unsigned int i = 0; i < n; i++) {
		job[i] = (struct job){ jobs[i], i };
		if (pthread_create(&t, NULL, thread, &job[i]))
			_exit(1);
	}
	for (;;)
		pause();
}

/* ---- the killer ---- */

FIXTURE(kill)
{
	struct zvm_stats before;
};

FIXTURE_VARIANT(kill)
{
	const job_fn *jobs;
	unsigned int n;
};

FIXTURE_VARIANT_ADD(kill, tree)
{
	.jobs = tree_jobs,
	.n = ARRAY_SIZE(tree_jobs),
};

FIXTURE_VARIANT_ADD(kill, store)
{
	.jobs = store_jobs,
	.n = ARRAY_SIZE(store_jobs),
};

FIXTURE_VARIANT_ADD(kill, long_ones)
{
	.jobs = long_jobs,
	.n = ARRAY_SIZE(long_jobs),
};

FIXTURE_SETUP(kill)
{
	ASSERT_TRUE(zt_warm_up());
	running = vt_shared(P);
	ASSERT_NE(NULL, (void *)running);
	self->before = zt_stats();
}

FIXTURE_TEARDOWN(kill)
{
	ZT_EXPECT_NO_LEAK(&self->before);
}

TEST_F_TIMEOUT(kill, waiting, 300)
{
	struct zvm_stats now;
	uint64_t start;
	int status;

	for (unsigned int round = 0; round < 8; round++) {
		pid_t pid;

		*running = 0;
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid)
			victim(variant->jobs, variant->n);
		/* All have begun; then not always at the same point. */
		start = zt_now_ns();
		while (__atomic_load_n(running, __ATOMIC_RELAXED) < variant->n &&
		       !waitpid(pid, &status, WNOHANG)) {
			ASSERT_GT(60000000000ull, zt_now_ns() - start);
			zt_sleep_ms(1);
		}
		zt_sleep_ms(20 + round * 10);
		kill(pid, SIGKILL);
		start = zt_now_ns();
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		ASSERT_GT(10000000000ull, zt_now_ns() - start);
		ASSERT_TRUE(zt_stats_back(&self->before, &now)) {
			TH_LOG("round %u: %llu VMOs, %llu regions, %llu mappings, %llu pages",
			       round, (unsigned long long)now.vmos, (unsigned long long)now.vmars,
			       (unsigned long long)now.mappings, (unsigned long long)now.pages);
		}
	}
}

TEST_HARNESS_MAIN
