// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * A machine with two NUMA nodes (tools/vm --nodes 2):
 * Linux looks for pages that would better be on another node, and moves them
 * when told to. core_ptes.h has the scene. Needs root.
 */
#include "kselftest_harness.h"
#include "core_ptes.h"

#include <linux/mempolicy.h>

#define NR_NODES 2

static bool two_nodes(void)
{
	return !access("/sys/devices/system/node/node1/meminfo", R_OK);
}

/* The harness of 6.1 goes on with a test whose setup skips it. */
#define NEEDS_NODES() do { \
	if (!two_nodes()) \
		SKIP(return, "one node only"); \
} while (0)

FIXTURE(core_numa) {
	struct cp_scene s;
};

FIXTURE_SETUP(core_numa)
{
	struct cp_verdict v;

	if (!two_nodes())
		return;
	/* Not yet: it would move back what a test has moved. */
	vt_write_file("/proc/sys/kernel/numa_balancing", "0");
	ASSERT_TRUE(cp_make(&self->s));
	ASSERT_TRUE(cp_check(&self->s, &v)) {
		TH_LOG("at the start: %s", v.text);
	}
}

FIXTURE_TEARDOWN(core_numa)
{
	if (!self->s.r.h)
		return;
	EXPECT_TRUE(cp_end(&self->s));
	ZT_EXPECT_NO_LEAK(&self->s.before);
}

/* The node that the page at addr is on, or minus an errno. */
static int node_of(void *addr)
{
	int status = -1;

	for (int i = 0; i < 10 && status < 0; i++) {
		/* A hint for NUMA balancing hides the page until it is touched. */
		if (zt_try_read(addr))
			return -EFAULT;
		if (syscall(SYS_move_pages, 0, 1, &addr, NULL, &status, 0))
			return -errno;
	}
	return status;
}

static uint8_t *anonymous(size_t len)
{
	uint8_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	madvise(p, len, MADV_NOHUGEPAGE);
	memset(p, 0x55, len);
	return p;
}

/* ------------------------------------------------------------------------
 * Moving on demand. It works for ordinary memory; pages of VMOs stay.
 */
TEST_F(core_numa, move_pages)
{
	uint8_t *control = anonymous(P);
	int status, to = !node_of(control);
	struct cp_noise noise;
	void *page = control;

	NEEDS_NODES();
	ASSERT_EQ(0, syscall(SYS_move_pages, 0, 1, &page, &to, &status, MPOL_MF_MOVE));
	ASSERT_EQ(to, node_of(control));
	ASSERT_TRUE(cp_noise_start(&noise, &self->s));
	for (int i = 0; i < CP_VIEWS; i++)
		for (int n = 0; n < CP_PAGES; n++) {
			int node;

			page = self->s.view[i] + n * P;
			if (!cp_kinds[i].read || (i == CP_PRIVATE && !n))
				continue;
			node = node_of(page);
			to = !node;
			status = 99;
			EXPECT_TRUE(node == 0 || node == 1);
			syscall(SYS_move_pages, 0, 1, &page, &to, &status, MPOL_MF_MOVE_ALL);
			/* Each page tells why it did not move. */
			EXPECT_GT(0, status) {
				TH_LOG("\"%s\": %d", cp_kinds[i].name, status);
			}
			EXPECT_EQ(node, node_of(page));
		}
	EXPECT_EQ(NULL, cp_noise_stop(&noise));
	CP_EXPECT(&self->s, "move_pages");
}

TEST_F(core_numa, migrate_pages)
{
	uint8_t *control = anonymous(P);
	struct cp_noise noise;
	uint64_t pfn;

	NEEDS_NODES();
	pfn = pp_pfn(self->s.view[CP_ARENA_RW]);
	ASSERT_TRUE(cp_noise_start(&noise, &self->s));
	for (int i = 0; i < 6; i++) {
		unsigned long from = 1ul << (i & 1), to = 3 - from;

		EXPECT_LE(0, syscall(SYS_migrate_pages, 0, NR_NODES + 1, &from, &to));
		EXPECT_EQ(!(i & 1), node_of(control));
	}
	EXPECT_EQ(NULL, cp_noise_stop(&noise));
	EXPECT_EQ(pfn, pp_pfn(self->s.view[CP_ARENA_RW]));
	CP_EXPECT(&self->s, "migrate_pages");
}

TEST_F(core_numa, mbind)
{
	static const int modes[] = { MPOL_BIND, MPOL_PREFERRED, MPOL_INTERLEAVE, MPOL_DEFAULT };
	uint8_t *control = anonymous(P);

	NEEDS_NODES();
	for (unsigned int k = 0; k < ARRAY_SIZE(modes); k++)
		for (unsigned long nodes = 1; nodes < 4; nodes++) {
			unsigned long none = 0;
			const unsigned long *mask = modes[k] == MPOL_DEFAULT ? &none : &nodes;

			EXPECT_EQ(0, syscall(SYS_mbind, control, P, modes[k], mask, NR_NODES + 1,
					     MPOL_MF_MOVE_ALL));
			for (int i = 0; i < CP_VIEWS; i++)
				syscall(SYS_mbind, self->s.view[i], CP_LEN, modes[k], mask,
					NR_NODES + 1, MPOL_MF_STRICT | MPOL_MF_MOVE_ALL);
			/* Part of an arena is refused; the whole may be asked for. */
			syscall(SYS_mbind, self->s.root.base, self->s.root.len, modes[k], mask,
				NR_NODES + 1, MPOL_MF_MOVE);
			CP_EXPECT(&self->s, "mbind, mode %d, nodes %lu", modes[k], nodes);
		}
}

/* ------------------------------------------------------------------------
 * Hinting: Linux takes the permissions away from PTEs, and learns from the fault
 * which processor wants the page.
 */
static bool set_knob(const char *name, const char *value)
{
	char path[128];

	/* Where they are since 5.13. */
	snprintf(path, sizeof(path), "/sys/kernel/debug/sched/numa_balancing/%s", name);
	return vt_write_file(path, value);
}

static bool hinting_on(void)
{
	return vt_write_file("/proc/sys/kernel/numa_balancing", "1") &&
	       set_knob("scan_delay_ms", "1") && set_knob("scan_period_min_ms", "10") &&
	       set_knob("scan_period_max_ms", "10");
}

/* Keeps a processor busy, wandering from node to node, with memory of its own. */
#define BUSY_LEN (512 * P)

struct busy {
	uint8_t *p;
	int cpu;
	bool stop;
};

static void *keep_busy(void *arg)
{
	struct busy *b = arg;

	for (unsigned int i = 0; !__atomic_load_n(&b->stop, __ATOMIC_RELAXED); i++) {
		if (!(i & 15))
			vt_pin(b->cpu ^ (i >> 4 & 1));
		for (size_t off = 0; off < BUSY_LEN; off += P)
			((volatile uint8_t *)b->p)[off + i % P]++;
	}
	return NULL;
}

/*
 * A thread works on ordinary memory, which has to be found beside an arena of
 * terabytes, while the views are checked.
 */
TEST_F_TIMEOUT(core_numa, hinting, 120)
{
	struct busy b = { .p = anonymous(BUSY_LEN) };
	int64_t updates, faults;
	uint64_t end;
	pthread_t t;
	int rounds;

	NEEDS_NODES();
	if (!hinting_on())
		SKIP(return, "no NUMA balancing");
	updates = cp_vmstat("numa_pte_updates");
	faults = cp_vmstat("numa_hint_faults");
	ASSERT_EQ(0, pthread_create(&t, NULL, keep_busy, &b));
	end = zt_now_ns() + 60000000000u;
	for (rounds = 0; zt_now_ns() < end && (rounds < 20 ||
	     cp_vmstat("numa_hint_faults") < faults + 2000); rounds++) {
		struct cp_noise noise;

		ASSERT_TRUE(cp_noise_start(&noise, &self->s));
		cp_noise_wait(&noise, 10);
		EXPECT_EQ(NULL, cp_noise_stop(&noise));
		CP_EXPECT(&self->s, "hinting, round %d", rounds);
	}
	__atomic_store_n(&b.stop, true, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
	/* Else nothing was tried. */
	EXPECT_LE(updates + 2000, cp_vmstat("numa_pte_updates"));
	EXPECT_LE(faults + 2000, cp_vmstat("numa_hint_faults"));
	TH_LOG("%d rounds, %" PRId64 " hints, %" PRId64 " faults", rounds,
	       cp_vmstat("numa_pte_updates") - updates, cp_vmstat("numa_hint_faults") - faults);
	ASSERT_EQ(0, munmap(b.p, BUSY_LEN));
}

TEST_HARNESS_MAIN
