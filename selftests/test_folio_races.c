// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Huge pages while many use them at once: what has been taken away is gone for
 * all, and a snapshot is one instant.
 */
#include "kselftest_harness.h"
#include "folio_test.h"

#include <stdatomic.h>

#define FOLIOS 3
#define LEN (FOLIOS * F)
#define TURNS 150

FT_FIXTURE(folio_races, LEN)

static zx_handle_t snap(zx_handle_t vmo)
{
	zx_handle_t h = ZX_HANDLE_INVALID;

	zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, LEN, &h);
	return h;
}

/* ------------------------------------------------------------------------
 * Writers raise two counters, the first one first, in a folio or in two.
 */
enum { WRITERS = 4 };

struct writer {
	volatile uint64_t *first, *second;
	atomic_bool *stop;
};

static uint64_t where(unsigned int id, int which)
{
	unsigned int second = (unsigned int)which;

	return (id & 1 ? second * F : 0) + F / 2 + (id * 2 + second) * 3 * P;
}

static void *raise_counters(void *arg)
{
	struct writer *w = arg;
	uint64_t n = 0;

	while (!atomic_load_explicit(w->stop, memory_order_relaxed)) {
		*w->first = ++n;
		atomic_thread_fence(memory_order_seq_cst);
		*w->second = n;
		atomic_thread_fence(memory_order_seq_cst);
		if (!(n & 1023))
			sched_yield();
	}
	return NULL;
}

static uint64_t counter(zx_handle_t vmo, unsigned int id, int which)
{
	uint64_t n = UINT64_MAX;

	zx_vmo_read(vmo, &n, where(id, which), sizeof(n));
	return n;
}

TEST_F(folio_races, a_snapshot_is_one_instant)
{
	uint64_t last[WRITERS] = {}, moved = 0;
	struct writer w[WRITERS];
	pthread_t thread[WRITERS];
	atomic_bool stop = false;
	uint8_t *plain;

	plain = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, zvm_handle_to_fd(self->vmo), 0);
	ASSERT_NE(MAP_FAILED, (void *)plain);
	for (unsigned int i = 0; i < WRITERS; i++) {
		uint8_t *base = i / 2 ? plain : self->p;

		w[i] = (struct writer){ (void *)(base + where(i, 0)), (void *)(base + where(i, 1)),
					&stop };
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, raise_counters, &w[i]));
	}
	for (int turn = 0; turn < TURNS || moved < 20 * WRITERS; turn++) {
		zx_handle_t h = snap(self->vmo);

		ASSERT_NE(0, h);
		ASSERT_LT(turn, 10000);
		for (unsigned int i = 0; i < WRITERS; i++) {
			uint64_t second = counter(h, i, 1), first = counter(h, i, 0);

			ASSERT_LE(first - second, 1) TH_LOG("writer %u: %" PRIu64 " %" PRIu64, i,
							    first, second);
			ASSERT_LE(last[i], second);
			moved += second > last[i];
			last[i] = second;
		}
		/* and it stays as it was */
		sched_yield();
		for (unsigned int i = 0; i < WRITERS; i++)
			ASSERT_EQ(last[i], counter(h, i, 1));
		ZT_ASSERT_OK(zx_handle_close(h));
	}
	stop = true;
	for (unsigned int i = 0; i < WRITERS; i++)
		pthread_join(thread[i], NULL);
	EXPECT_EQ(0, munmap(plain, LEN));
}

/* ------------------------------------------------------------------------
 * Threads that touch whatever there is, while it is changed in all ways.
 */
enum { TOUCHERS = 3 };

struct toucher {
	uint8_t *base;
	unsigned int id;
	atomic_bool *stop;
};

static void *touch(void *arg)
{
	struct toucher *t = arg;
	unsigned int seed = t->id;

	while (!atomic_load_explicit(t->stop, memory_order_relaxed)) {
		unsigned int n = (unsigned int)rand_r(&seed);
		uint8_t *at = t->base + n % (LEN / P) * P + 64 * t->id;

		if (n & 1 << 20)
			zt_try_store(at, (uint8_t)(n >> 8));
		else
			zt_try_read(at);
		if (!(n & 0xff))
			sched_yield();
	}
	return NULL;
}

static uint64_t sum_of(zx_handle_t vmo)
{
	static uint64_t buf[8192];
	uint64_t sum = 0;

	for (uint64_t at = 0; at < LEN; at += sizeof(buf)) {
		if (zx_vmo_read(vmo, buf, at, sizeof(buf)) != ZX_OK)
			return at;
		for (size_t i = 0; i < sizeof(buf) / sizeof(buf[0]); i++)
			sum = sum * 31 + buf[i];
	}
	return sum;
}

/* A random range of pages in the VMO, a part of a folio as a rule. */
static size_t some_range(unsigned int *seed, size_t *len)
{
	size_t at = (size_t)rand_r(seed) % (LEN / P);

	*len = 1 + (size_t)rand_r(seed) % (LEN / P - at);
	if (rand_r(seed) & 1) {
		at &= ~(F_PAGES - 1);
		*len = F_PAGES;
	}
	*len *= P;
	return at * P;
}

TEST_F(folio_races, whatever_is_taken_away_is_gone)
{
	zx_vaddr_t base = (zx_vaddr_t)self->p, got;
	struct toucher t[TOUCHERS];
	pthread_t thread[TOUCHERS];
	atomic_bool stop = false;
	unsigned int seed = 4;

	for (unsigned int i = 0; i < TOUCHERS; i++) {
		t[i] = (struct toucher){ self->p, i + 1, &stop };
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, touch, &t[i]));
	}
	for (int turn = 0; turn < TURNS; turn++) {
		zx_handle_t h;
		uint64_t sum;
		size_t len, at = some_range(&seed, &len);

		switch (rand_r(&seed) % 9) {
		case 0:
			ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, at, len, NULL,
						     0));
			break;
		case 1:
			ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_ZERO, at, len, NULL, 0));
			break;
		case 2:
			/* nobody may write: nothing changes */
			ZT_ASSERT_OK(zx_vmar_protect(self->r.h, VT_R, base, LEN));
			sum = sum_of(self->vmo);
			sched_yield();
			ASSERT_EQ(sum, sum_of(self->vmo));
			ZT_ASSERT_OK(zx_vmar_protect(self->r.h, ZT_RW, base + at, len));
			ZT_ASSERT_OK(zx_vmar_protect(self->r.h, ZT_RW, base, LEN));
			break;
		case 3:
			ZT_ASSERT_OK(zx_vmar_unmap(self->r.h, base + at, len));
			ASSERT_EQ(SIGSEGV, zt_try_read(self->p + at));
			ASSERT_EQ(SIGSEGV, zt_try_read(self->p + at + len - 1));
			ZT_ASSERT_OK(zx_vmar_map(self->r.h, ZT_RW | ZX_VM_SPECIFIC,
						 base + at - self->r.base, self->vmo, at, len,
						 &got));
			break;
		case 4:
			ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, at));
			if (at < LEN)
				ASSERT_EQ(SIGBUS, zt_try_read(self->p + at));
			ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, LEN));
			break;
		case 5:
			ZT_ASSERT_OK(zx_vmar_op_range(self->r.h, ZX_VMAR_OP_COMMIT, base + at, len,
						      NULL, 0));
			break;
		case 6:
			/* one mapping, and page tables that are fresh as a rule */
			ZT_ASSERT_OK(zx_vmar_map(self->r.h, ZT_RW | ZX_VM_SPECIFIC_OVERWRITE,
						 base - self->r.base, self->vmo, 0, LEN, &got));
			break;
		case 7:
			/* the core may reclaim the page tables */
			EXPECT_EQ(0, madvise(self->p + at, len, MADV_DONTNEED));
			break;
		default:
			h = snap(self->vmo);
			ASSERT_NE(0, h);
			sum = sum_of(h);
			sched_yield();
			ASSERT_EQ(sum, sum_of(h));
			ZT_ASSERT_OK(zx_handle_close(h));
		}
	}
	stop = true;
	for (unsigned int i = 0; i < TOUCHERS; i++)
		pthread_join(thread[i], NULL);
}

/* Processes that have it mapped come, fork, and go. */
TEST_F(folio_races, processes_come_and_go)
{
	unsigned int seed = 6;

	for (int turn = 0; turn < 12; turn++) {
		pid_t pid = fork();
		int status;

		ASSERT_LE(0, pid);
		if (!pid) {
			uint8_t *q = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED,
					  zvm_handle_to_fd(self->vmo), 0);
			uint8_t *a = zt_map(self->vmo, 0, LEN, ZT_RW);

			if (q == MAP_FAILED || !a)
				_exit(1);
			for (size_t at = 0; at < LEN; at += 16 * P) {
				zt_try_write(q + at + 128);
				zt_try_write(a + at + 192);
			}
			if (!(turn & 3) && !fork()) {
				zt_try_write(q + F);
				_exit(0);
			}
			_exit(0);
		}
		for (int i = 0; i < 10; i++) {
			size_t len, at = some_range(&seed, &len);
			zx_handle_t h = snap(self->vmo);

			ASSERT_NE(0, h);
			ZT_ASSERT_OK(zx_vmo_op_range(h, ZX_VMO_OP_ZERO, at, len, NULL, 0));
			ZT_ASSERT_OK(zx_handle_close(h));
			zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, at, len, NULL, 0);
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
	}
}

TEST_HARNESS_MAIN
