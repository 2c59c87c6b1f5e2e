// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Steps of one operation between which another one must not get.
 *
 * Two threads share a CPU. One does the same thing all the time; the other,
 * whom the scheduler prefers, sleeps for some microseconds and so comes in
 * wherever the first can be interrupted: in user space, and in the kernel where
 * a lock or memory is asked for, which is where one step of an operation ends.
 * Once its own call has returned it looks for what must be gone by now. A second
 * variant has a CPU for each.
 */
#include "kselftest_harness.h"
#include "zvm_vmar_test.h"

#include <stdatomic.h>

#define BIG 2048	/* pages: removing their PTEs takes a while */
#define TURNS_MS 2500
#define MINE 3
#define THEIRS 5

FIXTURE(window) {
	struct vt_region r;
	zx_handle_t vmo, other;
	uint8_t *p, *last;
	_Atomic bool stop;
	_Atomic unsigned long rounds, odd;
	bool one_cpu;
	uint64_t seed;
};

FIXTURE_VARIANT(window) {
	bool one_cpu;
};

FIXTURE_VARIANT_ADD(window, one_cpu) { .one_cpu = true };
FIXTURE_VARIANT_ADD(window, two_cpus) { .one_cpu = false };

FIXTURE_SETUP(window)
{
	self->r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 2 * BIG * P);
	ASSERT_NE(ZX_HANDLE_INVALID, self->r.h);
	self->vmo = vt_tagged_vmo(MINE, BIG, 0);
	self->other = vt_tagged_vmo(THEIRS, BIG, 0);
	ASSERT_NE(ZX_HANDLE_INVALID, self->vmo);
	ASSERT_NE(ZX_HANDLE_INVALID, self->other);
	self->p = vt_ptr(&self->r, 0);
	self->last = self->p + (BIG - 1) * P;
	self->one_cpu = variant->one_cpu;
	self->seed = 11;
}

FIXTURE_TEARDOWN(window)
{
	zx_vmar_destroy(self->r.h);
	zx_handle_close(self->r.h);
	zx_handle_close(self->vmo);
	zx_handle_close(self->other);
}

/* Up to so many microseconds. */
static void nap(uint64_t *seed, uint32_t us)
{
	struct timespec ts = { .tv_nsec = 1000 * (long)(1 + vt_below(seed, us)) };

	nanosleep(&ts, NULL);
}

/* The thread that is interrupted, and the main one, which does that. */
static pthread_t start(struct __test_metadata *_metadata, FIXTURE_DATA(window) *self,
		       void *(*fn)(void *))
{
	const struct sched_param urgent = { .sched_priority = 1 };
	pthread_t t;

	ASSERT_EQ(0, pthread_create(&t, NULL, fn, self));
	vt_pin(0);
	if (sched_setscheduler(0, SCHED_FIFO, &urgent))
		TH_LOG("no real-time priority: %s", strerror(errno));
	return t;
}

static void finish(struct __test_metadata *_metadata, FIXTURE_DATA(window) *self, pthread_t t)
{
	self->stop = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
	TH_LOG("%lu rounds, %lu faults", self->rounds, self->odd);
	EXPECT_LT(0u, self->rounds);
}

#define FOR_A_WHILE() \
	for (uint64_t end_ = zt_now_ns() + TURNS_MS * 1000000ull; zt_now_ns() < end_; self->rounds++)

/* Writes to a page, another value each time. */
static void *keep_writing(void *arg)
{
	FIXTURE_DATA(window) *self = arg;

	vt_pin(self->one_cpu ? 0 : 1);
	for (uint8_t i = 0; !self->stop; i++)
		if (zt_try_store(self->p + 64, i))
			self->odd++;
	return NULL;
}

/* Nothing is written any more once the page has been protected. */
TEST_F(window, R_090_write_that_is_being_permitted)
{
	pthread_t t;

	ZT_ASSERT_OK(vt_map_at(&self->r, ZT_RW, 0, self->vmo, 0, P));
	t = start(_metadata, self, keep_writing);
	FOR_A_WHILE() {
		int before, after;

		ZT_ASSERT_OK(zx_vmar_protect(self->r.h, ZT_RW, self->r.base, P));
		nap(&self->seed, 60);
		ZT_ASSERT_OK(zx_vmar_protect(self->r.h, VT_R, self->r.base, P));
		before = vt_load(self->p + 64);
		nap(&self->seed, 60);
		after = vt_load(self->p + 64);
		ASSERT_EQ(before, after) {
			self->stop = true;
		}
	}
	finish(_metadata, self, t);
}

/* Nothing is there any more once it has been unmapped. */
TEST_F(window, R_078_fault_that_is_being_handled)
{
	pthread_t t = start(_metadata, self, keep_writing);

	FOR_A_WHILE() {
		ZT_ASSERT_OK(vt_map_at(&self->r, ZT_RW, 0, self->vmo, 0, P));
		nap(&self->seed, 60);
		ZT_ASSERT_OK(zx_vmar_unmap(self->r.h, self->r.base, P));
		nap(&self->seed, 60);
		ASSERT_EQ(-SIGSEGV, vt_load(self->p)) {
			self->stop = true;
		}
	}
	finish(_metadata, self, t);
}

/* What was decommitted is not mapped any more; what is written then is. */
TEST_F(window, V_113_page_that_is_being_mapped)
{
	uint8_t now = 1;
	pthread_t t;

	ZT_ASSERT_OK(vt_map_at(&self->r, ZT_RW, 0, self->vmo, 0, P));
	t = start(_metadata, self, keep_writing);
	FOR_A_WHILE() {
		nap(&self->seed, 60);
		ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, 0, P, NULL, 0));
		now = now % 200 + 1;
		ZT_ASSERT_OK(zx_vmo_write(self->vmo, &now, 0, 1));
		nap(&self->seed, 60);
		ASSERT_EQ(now, vt_load(self->p)) {
			self->stop = true;
		}
	}
	finish(_metadata, self, t);
	EXPECT_EQ(0u, self->odd);
}

/* Maps all of the VMO, every page of it, and unmaps it. */
static void *keep_mapping(void *arg)
{
	FIXTURE_DATA(window) *self = arg;

	vt_pin(self->one_cpu ? 0 : 1);
	while (!self->stop) {
		/* The other may have the place. */
		if (vt_map_at(&self->r, ZT_RW | ZX_VM_MAP_RANGE, 0, self->vmo, 0, BIG * P))
			continue;
		self->odd += zx_vmar_unmap(self->r.h, self->r.base, BIG * P) != ZX_OK;
	}
	return NULL;
}

/* Decommitted, it is not seen by way of a mapping that is just going either. */
TEST_F(window, V_113_mapping_that_is_being_removed)
{
	pthread_t t = start(_metadata, self, keep_mapping);

	FOR_A_WHILE() {
		int got;

		ZT_ASSERT_OK(vt_tag_page(self->vmo, MINE, BIG - 1));
		nap(&self->seed, 3000);
		ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, (BIG - 1) * P, P, NULL,
					     0));
		got = vt_load(self->last);
		ASSERT_TRUE(got == 0 || got == -SIGSEGV) {
			TH_LOG("got %d", got);
			self->stop = true;
		}
	}
	finish(_metadata, self, t);
	EXPECT_EQ(0u, self->odd);
}

/* Who gets the address sees his own. */
TEST_F(window, R_078_address_that_is_being_freed)
{
	pthread_t t = start(_metadata, self, keep_mapping);
	unsigned long had = 0;

	FOR_A_WHILE() {
		int got;

		nap(&self->seed, 500);
		if (vt_map_at(&self->r, ZT_RW, 0, self->other, 0, BIG * P))
			continue;
		had++;
		got = vt_load(self->last);
		ASSERT_EQ(vt_tag(THEIRS, BIG - 1), got) {
			self->stop = true;
		}
		ZT_ASSERT_OK(zx_vmar_unmap(self->r.h, self->r.base, BIG * P));
	}
	finish(_metadata, self, t);
	EXPECT_EQ(0u, self->odd);
	EXPECT_LT(0u, had);
}

TEST_HARNESS_MAIN
