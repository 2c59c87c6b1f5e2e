// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * The size and the stream size of a VMO: rights, bounds, order of the checks,
 * and what growing and cutting does to the content, however it is reached.
 */
#include "kselftest_harness.h"
#include "zvm_test.h"

FIXTURE(vmo_size)
{
	struct zvm_stats before;
	struct zt_bag bag;
};

FIXTURE_SETUP(vmo_size)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
}

FIXTURE_TEARDOWN(vmo_size)
{
	zt_empty(&self->bag);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

TEST_F(vmo_size, V_061_V_082_reading_the_sizes_needs_no_right)
{
	zx_handle_t h = zt_keep(&self->bag, zt_vmo(ZT_P + 7, 0));
	zx_handle_t none = zt_keep(&self->bag, zt_dup(h, ZX_RIGHT_NONE));
	uint64_t s = 0;

	ASSERT_NE(0u, none);
	ZT_EXPECT_U64(0, zt_rights(none));
	ZT_EXPECT_OK(zx_vmo_get_size(none, &s));
	ZT_EXPECT_U64(2 * ZT_P, s);
	ZT_EXPECT_OK(zx_vmo_get_stream_size(none, &s));
	ZT_EXPECT_U64(ZT_P + 7, s);
}

TEST_F(vmo_size, V_062_V_063_bad_pointer_and_wrong_type)
{
	zx_handle_t h = zt_keep(&self->bag, zt_vmo(ZT_P, 0));
	zx_handle_t root = zx_vmar_root_self();
	zx_handle_t dead = zt_dup(h, ZX_RIGHT_SAME_RIGHTS);
	struct zt_bad bad[ZT_BAD_WRITE_N];
	uint64_t s = 77;

	ASSERT_TRUE(h && dead);
	ZT_ASSERT_OK(zx_handle_close(dead));
	zt_bad_write(bad);
	for (struct zt_bad *b = bad; b->name; b++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmo_get_size(h, b->ptr))
			TH_LOG("%s", b->name);
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmo_get_stream_size(h, b->ptr))
			TH_LOG("%s", b->name);
		/* the handle is looked at first */
		EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_vmo_get_size(root, b->ptr))
			TH_LOG("%s", b->name);
		EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_vmo_get_stream_size(dead, b->ptr))
			TH_LOG("%s", b->name);
	}
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmo_get_size(root, &s));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmo_get_stream_size(root, &s));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmo_set_size(root, 0));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmo_set_stream_size(root, 0));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_get_size(dead, &s));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_set_size(dead, 0));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_set_stream_size(dead, 0));
	ZT_EXPECT_U64(77, s);
}

TEST_F(vmo_size, V_064_V_065_V_066_V_067_V_068_rights_for_set_size)
{
	zx_handle_t r = zt_keep(&self->bag, zt_vmo(ZT_P, ZX_VMO_RESIZABLE));
	zx_handle_t r_no_resize = zt_keep(&self->bag, zt_without(r, ZX_RIGHT_RESIZE));
	zx_handle_t r_no_write = zt_keep(&self->bag, zt_without(r, ZX_RIGHT_WRITE));
	zx_handle_t r_neither = zt_keep(&self->bag,
					zt_without(r, ZX_RIGHT_WRITE | ZX_RIGHT_RESIZE));
	zx_handle_t r_just = zt_keep(&self->bag, zt_dup(r, ZX_RIGHT_WRITE | ZX_RIGHT_RESIZE));
	zx_handle_t f = zt_keep(&self->bag, zt_vmo(ZT_P, 0));
	zx_handle_t f_no_write = zt_keep(&self->bag, zt_without(f, ZX_RIGHT_WRITE));

	ASSERT_TRUE(r && r_no_resize && r_no_write && r_neither && r_just && f && f_no_write);
	ZT_EXPECT_OK(zx_vmo_set_size(r, 2 * ZT_P));
	ZT_EXPECT_U64(2 * ZT_P, zt_size(r));
	ZT_EXPECT_OK(zx_vmo_set_size(r_just, 3 * ZT_P));
	ZT_EXPECT_U64(3 * ZT_P, zt_size(r));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_set_size(r_no_resize, ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_set_size(r_no_write, ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_set_size(r_neither, ZT_P));
	ZT_EXPECT_U64(3 * ZT_P, zt_size(r));
	/* not resizable is another matter than not allowed to */
	ZT_EXPECT_STATUS(ZX_ERR_UNAVAILABLE, zx_vmo_set_size(f, 2 * ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_UNAVAILABLE, zx_vmo_set_size(f, 0));
	ZT_EXPECT_STATUS(ZX_ERR_UNAVAILABLE, zx_vmo_set_size(f, ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_set_size(f_no_write, 2 * ZT_P));
	ZT_EXPECT_U64(ZT_P, zt_size(f));
}

/* V-069, V-070, V-081: type, rights, wrap, resizable, bound */
TEST_F(vmo_size, V_069_V_070_V_081_order_of_checks)
{
	zx_handle_t r = zt_keep(&self->bag, zt_vmo(ZT_P, ZX_VMO_RESIZABLE));
	zx_handle_t r_no_resize = zt_keep(&self->bag, zt_without(r, ZX_RIGHT_RESIZE));
	zx_handle_t f = zt_keep(&self->bag, zt_vmo(ZT_P, 0));
	zx_handle_t f_no_write = zt_keep(&self->bag, zt_without(f, ZX_RIGHT_WRITE));
	zx_handle_t u = zt_keep(&self->bag, zt_vmo(ZT_P, ZX_VMO_UNBOUNDED));
	uint64_t max = zt_max_vmo();

	ASSERT_TRUE(r && r_no_resize && f && f_no_write && u);
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmo_set_size(zx_vmar_root_self(), UINT64_MAX));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_set_size(f_no_write, UINT64_MAX));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_set_size(r_no_resize, UINT64_MAX));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_set_size(f, UINT64_MAX));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_set_size(u, UINT64_MAX));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_set_size(r, UINT64_MAX));
	ZT_EXPECT_STATUS(ZX_ERR_UNAVAILABLE, zx_vmo_set_size(f, max + ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_UNAVAILABLE, zx_vmo_set_size(u, max + ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_UNAVAILABLE, zx_vmo_set_size(u, ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_UNAVAILABLE, zx_vmo_set_size(u, max));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_set_size(r, max + ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_set_size(r, max + 1));
	ZT_EXPECT_U64(ZT_P, zt_size(r));
	ZT_EXPECT_U64(max, zt_size(u));
	ZT_EXPECT_OK(zx_vmo_set_size(r, max));
	ZT_EXPECT_U64(max, zt_size(r));
	ZT_EXPECT_U64(0, zt_committed(r));
}

TEST_F(vmo_size, V_071_unaligned_size)
{
	zx_handle_t r = zt_keep(&self->bag, zt_vmo(0, ZX_VMO_RESIZABLE));
	const uint64_t sizes[] = { 1, ZT_P - 1, ZT_P, ZT_P + 1, 100 * ZT_P + 77, 3, 0, 2 };

	ASSERT_NE(0u, r);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		ZT_ASSERT_OK(zx_vmo_set_size(r, sizes[i]));
		ZT_EXPECT_U64((sizes[i] + ZT_P - 1) / ZT_P * ZT_P, zt_size(r));
		ZT_EXPECT_U64(sizes[i], zt_stream_size(r));
	}
}

TEST_F(vmo_size, V_072_size_zero_frees_all_pages)
{
	zx_handle_t r = zt_keep(&self->bag, zt_vmo(300 * ZT_P, ZX_VMO_RESIZABLE));
	struct zvm_stats now;

	ASSERT_NE(0u, r);
	ASSERT_EQ(0, zt_vmo_fill(r, 0, 300 * ZT_P, 1));
	ZT_EXPECT_U64(300 * ZT_P, zt_committed(r));
	ZT_EXPECT_U64(self->before.pages + 300, zt_stats().pages);
	ZT_ASSERT_OK(zx_vmo_set_size(r, 0));
	ZT_EXPECT_U64(0, zt_size(r));
	ZT_EXPECT_U64(0, zt_stream_size(r));
	ZT_EXPECT_U64(0, zt_committed(r));
	now = zt_stats();
	ZT_EXPECT_U64(self->before.pages, now.pages);
	ZT_EXPECT_U64(self->before.page_nodes, now.page_nodes);
	/* and works on */
	ZT_ASSERT_OK(zx_vmo_set_size(r, ZT_P));
	EXPECT_TRUE(zt_vmo_zero(r, 0, ZT_P));
}

TEST_F(vmo_size, V_079_failed_set_size_changes_nothing)
{
	zx_handle_t r = zt_keep(&self->bag, zt_vmo(3 * ZT_P + 5, ZX_VMO_RESIZABLE));
	zx_handle_t weak = zt_keep(&self->bag, zt_without(r, ZX_RIGHT_RESIZE));
	const uint64_t max = zt_max_vmo();

	ASSERT_TRUE(r && weak);
	ASSERT_EQ(0, zt_vmo_fill(r, 0, 4 * ZT_P, 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_set_size(r, max + ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_set_size(r, UINT64_MAX));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_set_size(weak, ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_set_size(weak, 3 * ZT_P + 5));
	ZT_EXPECT_U64(4 * ZT_P, zt_size(r));
	ZT_EXPECT_U64(3 * ZT_P + 5, zt_stream_size(r));
	EXPECT_TRUE(zt_vmo_holds(r, 0, 4 * ZT_P, 1));
	ZT_EXPECT_U64(4 * ZT_P, zt_committed(r));
}

/* ------------------------------------------------------------------------
 * What resizing does to the content, by every way of reaching it
 */
FIXTURE(vmo_resize)
{
	struct zvm_stats before;
	zx_handle_t vmo;
	struct zt_view view;	/* covers 64 pages, whatever the size is */
};

FIXTURE_VARIANT(vmo_resize)
{
	uint32_t options;
	enum zt_way way;
};

FIXTURE_VARIANT_ADD(vmo_resize, calls)
{
	.options = ZX_VMO_RESIZABLE, .way = ZT_CALLS,
};
FIXTURE_VARIANT_ADD(vmo_resize, mapping)
{
	.options = ZX_VMO_RESIZABLE, .way = ZT_MAPPING,
};
FIXTURE_VARIANT_ADD(vmo_resize, file)
{
	.options = ZX_VMO_RESIZABLE, .way = ZT_FILE,
};
FIXTURE_VARIANT_ADD(vmo_resize, mmap)
{
	.options = ZX_VMO_RESIZABLE, .way = ZT_MMAP,
};
FIXTURE_VARIANT_ADD(vmo_resize, discardable_mapping)
{
	.options = ZX_VMO_RESIZABLE | ZX_VMO_DISCARDABLE, .way = ZT_MAPPING,
};

#define VIEW_PAGES 64

FIXTURE_SETUP(vmo_resize)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->vmo = zt_vmo(VIEW_PAGES * ZT_P, variant->options);
	ASSERT_NE(0u, self->vmo);
	ASSERT_EQ(0, zt_view_open(&self->view, variant->way, self->vmo, VIEW_PAGES * ZT_P));
}

FIXTURE_TEARDOWN(vmo_resize)
{
	zt_view_close(&self->view);
	zx_handle_close(self->vmo);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

TEST_F(vmo_resize, V_073_V_076_shrink_then_grow_reads_zeros)
{
	const uint64_t cuts[] = { 33, 32, 31, 17, 16, 15, 8, 1, 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		uint64_t cut = cuts[i] * ZT_P;

		ASSERT_EQ(0, zt_view_fill(&self->view, 0, VIEW_PAGES * ZT_P, 1));
		ZT_EXPECT_U64(VIEW_PAGES * ZT_P, zt_committed(self->vmo));
		ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, cut));
		ZT_EXPECT_U64(cut, zt_committed(self->vmo));
		ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, VIEW_PAGES * ZT_P));
		EXPECT_TRUE(zt_view_holds(&self->view, 0, cut, 1));
		EXPECT_TRUE(zt_view_zero(&self->view, cut, VIEW_PAGES * ZT_P - cut))
			TH_LOG("cut at page %" PRIu64, cuts[i]);
		/* growing and looking at it commits nothing */
		ZT_EXPECT_U64(cut, zt_committed(self->vmo));
	}
}

TEST_F(vmo_resize, V_074_V_075_unaligned_size_zeroes_the_tail)
{
	const uint64_t n = 2 * ZT_P + 100;

	ASSERT_EQ(0, zt_view_fill(&self->view, 0, 6 * ZT_P, 1));
	ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, n));
	EXPECT_TRUE(zt_view_holds(&self->view, 0, n, 1));
	EXPECT_TRUE(zt_view_zero(&self->view, n, ZT_P - 100));
	ZT_EXPECT_U64(3 * ZT_P, zt_size(self->vmo));

	/* the same value again: OK, clears the tail again, resets the stream size */
	ASSERT_EQ(0, zt_view_fill(&self->view, n, ZT_P - 100, 2));
	ZT_ASSERT_OK(zx_vmo_set_stream_size(self->vmo, 3 * ZT_P));
	ASSERT_EQ(0, zt_view_fill(&self->view, n, ZT_P - 100, 2));
	ZT_EXPECT_OK(zx_vmo_set_size(self->vmo, n));
	ZT_EXPECT_U64(n, zt_stream_size(self->vmo));
	ZT_EXPECT_U64(3 * ZT_P, zt_size(self->vmo));
	EXPECT_TRUE(zt_view_holds(&self->view, 0, n, 1));
	EXPECT_TRUE(zt_view_zero(&self->view, n, ZT_P - 100));

	/* growing to an unaligned size within the last page does so too */
	ASSERT_EQ(0, zt_view_fill(&self->view, n, ZT_P - 100, 3));
	ZT_EXPECT_OK(zx_vmo_set_size(self->vmo, n + 50));
	EXPECT_TRUE(zt_view_holds(&self->view, 0, n, 1));
	EXPECT_TRUE(zt_view_zero(&self->view, n + 50, ZT_P - 150));

	/* nothing is committed by clearing what is absent */
	ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, 0));
	ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, 5 * ZT_P + 1));
	ZT_EXPECT_U64(0, zt_committed(self->vmo));
}

TEST_F(vmo_resize, V_076_growing_a_huge_range_commits_nothing)
{
	struct zvm_stats now = zt_stats(), after;

	ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, 1ull << 50));
	after = zt_stats();
	ZT_EXPECT_U64(0, zt_committed(self->vmo));
	ZT_EXPECT_U64(now.pages, after.pages);
	ZT_EXPECT_U64(now.page_nodes, after.page_nodes);
	EXPECT_TRUE(zt_vmo_zero(self->vmo, (1ull << 50) - 5000, 5000));
	ZT_EXPECT_U64(0, zt_committed(self->vmo));
}

TEST_F(vmo_resize, V_077_V_078_mapping_follows_the_size)
{
	struct zt_view *v = &self->view;
	uint8_t b;

	for (unsigned int round = 0; round < 3; round++) {
		ASSERT_EQ(0, zt_view_fill(v, 0, VIEW_PAGES * ZT_P, round));
		/* cut: gone at once */
		ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, 20 * ZT_P));
		EXPECT_TRUE(zt_view_holds(v, 0, 20 * ZT_P, round));
		for (uint64_t p = 20; p < VIEW_PAGES; p += 11) {
			EXPECT_NE(0, zt_view_get(v, p * ZT_P, &b, 1));
			EXPECT_NE(0, zt_view_put(v, p * ZT_P, "x", 1));
			if (!v->base)
				continue;
			EXPECT_EQ(SIGBUS, zt_try_read(v->base + p * ZT_P));
			EXPECT_EQ(v->base + p * ZT_P, (uint8_t *)zt_fault()->addr);
			EXPECT_EQ(BUS_ADRERR, zt_fault()->code);
			EXPECT_EQ(SIGBUS, zt_try_write(v->base + p * ZT_P + 5));
		}
		/* grown: there again, without mapping anew */
		ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, (40 + round) * ZT_P));
		EXPECT_TRUE(zt_view_zero(v, 20 * ZT_P, (20 + round) * ZT_P));
		EXPECT_EQ(0, zt_view_put(v, (40 + round) * ZT_P - 1, "y", 1));
		EXPECT_EQ('y', zt_vmo_byte(self->vmo, (40 + round) * ZT_P - 1));
		EXPECT_NE(0, zt_view_put(v, (40 + round) * ZT_P, "y", 1));
		ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, VIEW_PAGES * ZT_P));
	}
}

/* ------------------------------------------------------------------------
 * Other threads and other processes see the cut at once
 */
FIXTURE(vmo_cut)
{
	struct zvm_stats before;
	zx_handle_t vmo;
};

FIXTURE_VARIANT(vmo_cut)
{
	enum zt_way way;
};

FIXTURE_VARIANT_ADD(vmo_cut, mapping) { .way = ZT_MAPPING };
FIXTURE_VARIANT_ADD(vmo_cut, mmap) { .way = ZT_MMAP };

FIXTURE_SETUP(vmo_cut)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->vmo = zt_vmo(8 * ZT_P, ZX_VMO_RESIZABLE);
	ASSERT_NE(0u, self->vmo);
}

FIXTURE_TEARDOWN(vmo_cut)
{
	zx_handle_close(self->vmo);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

struct toucher {
	uint8_t *base;
	volatile uint64_t *seq;	/* odd: the page must not be accessible */
	volatile int *stop;
	uint64_t hits, faults, wrong;
};

static void *touch(void *arg)
{
	struct toucher *t = arg;

	while (!*t->stop) {
		uint64_t s0 = __atomic_load_n(t->seq, __ATOMIC_SEQ_CST);
		int sig = t->hits & 1 ? zt_try_read(t->base) : zt_try_store(t->base, 1);
		uint64_t s1 = __atomic_load_n(t->seq, __ATOMIC_SEQ_CST);

		if (sig)
			t->faults++;
		else
			t->hits++;
		if (sig && sig != SIGBUS)
			t->wrong++;
		/* cut the whole time between the two looks */
		if (s0 == s1 && s0 % 4 == 1 && !sig)
			t->wrong++;
		/* there the whole time */
		if (s0 == s1 && s0 % 4 == 3 && sig)
			t->wrong++;
	}
	return NULL;
}

TEST_F(vmo_cut, V_078_other_threads_fault_at_once)
{
	struct toucher t[3] = { { 0 } };
	volatile uint64_t seq = 3;
	volatile int stop = 0;
	pthread_t id[3];
	struct zt_view v;
	uint64_t end;

	ASSERT_EQ(0, zt_view_open(&v, variant->way, self->vmo, 8 * ZT_P));
	for (int i = 0; i < 3; i++) {
		t[i] = (struct toucher){ .base = v.base + 5 * ZT_P + i * 100, .seq = &seq,
					 .stop = &stop };
		ASSERT_EQ(0, pthread_create(&id[i], NULL, touch, &t[i]));
	}
	end = zt_now_ns() + 1000000000u;
	while (zt_now_ns() < end) {
		/* 0: changing, 1: cut, 2: changing, 3: there (modulo 4) */
		__atomic_fetch_add(&seq, 1, __ATOMIC_SEQ_CST);
		ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, 5 * ZT_P));
		__atomic_fetch_add(&seq, 1, __ATOMIC_SEQ_CST);
		sched_yield();
		__atomic_fetch_add(&seq, 1, __ATOMIC_SEQ_CST);
		ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, 8 * ZT_P));
		__atomic_fetch_add(&seq, 1, __ATOMIC_SEQ_CST);
		sched_yield();
	}
	stop = 1;
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, pthread_join(id[i], NULL));
		EXPECT_EQ(0u, t[i].wrong) {
			TH_LOG("thread %d: %" PRIu64 " hits, %" PRIu64 " faults", i, t[i].hits,
			       t[i].faults);
		}
		EXPECT_GT(t[i].hits, 0u);
	}
	EXPECT_GT(t[0].faults + t[1].faults + t[2].faults, 0u);
	zt_view_close(&v);
}

struct peer {
	zx_handle_t vmo;
	enum zt_way way;
	int to_child, from_child;
};

/* Obeys the parent: 'r' probes page 5 for reading, 'w' for writing. */
static int peer_main(void *arg)
{
	struct peer *p = arg;
	struct zt_view v;
	uint8_t cmd, sig;

	if (zt_view_open(&v, p->way, p->vmo, 8 * zt_page()))
		return 1;
	while (read(p->to_child, &cmd, 1) == 1) {
		if (cmd == 'q')
			return 0;
		sig = (uint8_t)(cmd == 'r' ? zt_try_read(v.base + 5 * zt_page()) :
				zt_try_write(v.base + 5 * zt_page()));
		if (write(p->from_child, &sig, 1) != 1)
			return 2;
	}
	return 3;
}

TEST_F(vmo_cut, V_078_other_processes_fault_at_once)
{
	int down[2], up[2], status;
	struct peer p;
	uint8_t sig;
	pid_t pid;

	ASSERT_EQ(0, pipe2(down, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(up, O_CLOEXEC));
	p = (struct peer){ self->vmo, variant->way, down[0], up[1] };
	pid = fork();
	ASSERT_GE(pid, 0);
	if (pid == 0) {
		close(down[1]);
		alarm(20);
		_exit(peer_main(&p));
	}
	close(up[1]);
#define ASK(cmd) ({							\
	sig = 0xff;							\
	ASSERT_EQ(1, write(down[1], cmd, 1));				\
	ASSERT_EQ(1, read(up[0], &sig, 1));				\
	sig;								\
})
	for (int i = 0; i < 20; i++) {
		EXPECT_EQ(0, ASK("w"));
		EXPECT_EQ(0, ASK("r"));
		ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, 5 * ZT_P));
		EXPECT_EQ(SIGBUS, ASK(i % 2 ? "r" : "w"));
		EXPECT_EQ(SIGBUS, ASK("r"));
		ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, 8 * ZT_P));
		EXPECT_EQ(0, ASK("r"));
		EXPECT_EQ(0, zt_vmo_byte(self->vmo, 5 * ZT_P));
	}
	ASSERT_EQ(1, write(down[1], "q", 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	close(down[0]);
	close(down[1]);
	close(up[0]);
}

/* ------------------------------------------------------------------------
 * Stream size
 */
FIXTURE(vmo_stream_size)
{
	struct zvm_stats before;
	struct zt_bag bag;
	zx_handle_t vmo;
	struct zt_view view;
};

FIXTURE_VARIANT(vmo_stream_size)
{
	uint32_t options;
	enum zt_way way;
};

FIXTURE_VARIANT_ADD(vmo_stream_size, plain_calls)
{
	.options = 0, .way = ZT_CALLS,
};
FIXTURE_VARIANT_ADD(vmo_stream_size, plain_mapping)
{
	.options = 0, .way = ZT_MAPPING,
};
FIXTURE_VARIANT_ADD(vmo_stream_size, plain_mmap)
{
	.options = 0, .way = ZT_MMAP,
};
FIXTURE_VARIANT_ADD(vmo_stream_size, resizable_calls)
{
	.options = ZX_VMO_RESIZABLE, .way = ZT_CALLS,
};
FIXTURE_VARIANT_ADD(vmo_stream_size, resizable_mapping)
{
	.options = ZX_VMO_RESIZABLE, .way = ZT_MAPPING,
};
FIXTURE_VARIANT_ADD(vmo_stream_size, unbounded_calls)
{
	.options = ZX_VMO_UNBOUNDED, .way = ZT_CALLS,
};
FIXTURE_VARIANT_ADD(vmo_stream_size, unbounded_mapping)
{
	.options = ZX_VMO_UNBOUNDED, .way = ZT_MAPPING,
};

FIXTURE_SETUP(vmo_stream_size)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->vmo = zt_keep(&self->bag, zt_vmo(8 * ZT_P, variant->options));
	ASSERT_NE(0u, self->vmo);
	ASSERT_EQ(0, zt_view_open(&self->view, variant->way, self->vmo, 8 * ZT_P));
}

FIXTURE_TEARDOWN(vmo_stream_size)
{
	zt_view_close(&self->view);
	zt_empty(&self->bag);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

TEST_F(vmo_stream_size, V_083_needs_write_not_resize)
{
	zx_handle_t w = zt_keep(&self->bag, zt_dup(self->vmo, ZX_RIGHT_WRITE));
	zx_handle_t not_w = zt_keep(&self->bag, zt_without(self->vmo, ZX_RIGHT_WRITE));

	ASSERT_TRUE(w && not_w);
	ZT_EXPECT_OK(zx_vmo_set_stream_size(w, 5));
	ZT_EXPECT_U64(5, zt_stream_size(self->vmo));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_set_stream_size(not_w, 6));
	/* the right comes before everything else */
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_set_stream_size(not_w, 5));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_set_stream_size(not_w, UINT64_MAX));
	ZT_EXPECT_U64(5, zt_stream_size(self->vmo));
}

TEST_F(vmo_stream_size, V_084_V_085_V_086_bounds)
{
	uint64_t s = zt_size(self->vmo);

	ZT_EXPECT_U64(8 * ZT_P, zt_stream_size(self->vmo));
	ZT_EXPECT_OK(zx_vmo_set_stream_size(self->vmo, 3));
	ZT_EXPECT_U64(3, zt_stream_size(self->vmo));
	ZT_EXPECT_U64(s, zt_size(self->vmo));
	ZT_EXPECT_OK(zx_vmo_set_stream_size(self->vmo, s));
	ZT_EXPECT_U64(s, zt_stream_size(self->vmo));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_set_stream_size(self->vmo, s + 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_set_stream_size(self->vmo, UINT64_MAX));
	ZT_EXPECT_U64(s, zt_stream_size(self->vmo));
	ZT_EXPECT_OK(zx_vmo_set_stream_size(self->vmo, 0));
	ZT_EXPECT_U64(0, zt_stream_size(self->vmo));
	ZT_EXPECT_U64(s, zt_size(self->vmo));
	ZT_EXPECT_U64(0, zt_committed(self->vmo));
}

TEST_F(vmo_stream_size, V_087_shrinking_zeroes_all_behind_it)
{
	const uint64_t cuts[] = { 7 * ZT_P + 1, 5 * ZT_P, 3 * ZT_P + 100, 2 * ZT_P - 1, 1, 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		uint64_t n = cuts[i];

		ASSERT_EQ(0, zt_view_fill(&self->view, 0, 8 * ZT_P, 1));
		ZT_ASSERT_OK(zx_vmo_set_stream_size(self->vmo, n));
		EXPECT_TRUE(zt_view_holds(&self->view, 0, n, 1));
		EXPECT_TRUE(zt_view_zero(&self->view, n, 8 * ZT_P - n))
			TH_LOG("cut at %" PRIu64, n);
		/* whole pages are given back */
		ZT_EXPECT_U64((n + ZT_P - 1) / ZT_P * ZT_P, zt_committed(self->vmo));
		ZT_EXPECT_U64(n, zt_stream_size(self->vmo));
	}
}

TEST_F(vmo_stream_size, V_088_growing_zeroes_from_the_old_end_on)
{
	const uint64_t old = 2 * ZT_P + 300, next = 4 * ZT_P + 7;

	ZT_ASSERT_OK(zx_vmo_set_stream_size(self->vmo, old));
	ASSERT_EQ(0, zt_view_fill(&self->view, 0, 8 * ZT_P, 1));
	ZT_ASSERT_OK(zx_vmo_set_stream_size(self->vmo, next));
	EXPECT_TRUE(zt_view_holds(&self->view, 0, old, 1));
	EXPECT_TRUE(zt_view_zero(&self->view, old, 8 * ZT_P - old));
	ZT_EXPECT_U64(next, zt_stream_size(self->vmo));
	/* up to the very end as well */
	ASSERT_EQ(0, zt_view_fill(&self->view, 0, 8 * ZT_P, 2));
	ZT_ASSERT_OK(zx_vmo_set_stream_size(self->vmo, 8 * ZT_P));
	EXPECT_TRUE(zt_view_holds(&self->view, 0, next, 2));
	EXPECT_TRUE(zt_view_zero(&self->view, next, 8 * ZT_P - next));
}

TEST_F(vmo_stream_size, V_089_same_value_changes_no_byte)
{
	ZT_ASSERT_OK(zx_vmo_set_stream_size(self->vmo, ZT_P + 9));
	ASSERT_EQ(0, zt_view_fill(&self->view, 0, 8 * ZT_P, 1));
	ZT_EXPECT_OK(zx_vmo_set_stream_size(self->vmo, ZT_P + 9));
	EXPECT_TRUE(zt_view_holds(&self->view, 0, 8 * ZT_P, 1));
	ZT_EXPECT_U64(8 * ZT_P, zt_committed(self->vmo));
}

/* A failing call changes neither the value nor a byte. */
TEST_F(vmo_stream_size, V_084_failure_changes_nothing)
{
	uint64_t s = zt_size(self->vmo);

	ZT_ASSERT_OK(zx_vmo_set_stream_size(self->vmo, 77));
	ASSERT_EQ(0, zt_view_fill(&self->view, 0, 8 * ZT_P, 1));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_set_stream_size(self->vmo, s + 1));
	ZT_EXPECT_U64(77, zt_stream_size(self->vmo));
	EXPECT_TRUE(zt_view_holds(&self->view, 0, 8 * ZT_P, 1));
}

TEST_F(vmo_stream_size, V_090_content_size_property_is_the_stream_size)
{
	uint64_t n = 1;

	ZT_EXPECT_OK(zx_object_get_property(self->vmo, ZX_PROP_VMO_CONTENT_SIZE, &n, sizeof(n)));
	ZT_EXPECT_U64(8 * ZT_P, n);
	ZT_ASSERT_OK(zx_vmo_set_stream_size(self->vmo, 1234));
	ZT_EXPECT_OK(zx_object_get_property(self->vmo, ZX_PROP_VMO_CONTENT_SIZE, &n, sizeof(n)));
	ZT_EXPECT_U64(1234, n);
	ASSERT_EQ(0, zt_view_fill(&self->view, 0, 8 * ZT_P, 1));
	n = 555;
	ZT_EXPECT_OK(zx_object_set_property(self->vmo, ZX_PROP_VMO_CONTENT_SIZE, &n, sizeof(n)));
	ZT_EXPECT_U64(555, zt_stream_size(self->vmo));
	EXPECT_TRUE(zt_view_holds(&self->view, 0, 555, 1));
	EXPECT_TRUE(zt_view_zero(&self->view, 555, 8 * ZT_P - 555));
}

TEST_F(vmo_stream_size, V_091_V_092_V_093_content_size_checks)
{
	zx_handle_t no_w = zt_keep(&self->bag, zt_without(self->vmo, ZX_RIGHT_WRITE));
	zx_handle_t no_set = zt_keep(&self->bag, zt_without(self->vmo, ZX_RIGHT_SET_PROPERTY));
	zx_handle_t no_get = zt_keep(&self->bag, zt_without(self->vmo, ZX_RIGHT_GET_PROPERTY));
	zx_handle_t root = zx_vmar_root_self();
	struct zt_bad bad[ZT_BAD_READ_N];
	const uint32_t prop = ZX_PROP_VMO_CONTENT_SIZE;
	uint64_t n[2] = { 5, 5 }, big = zt_size(self->vmo) + 1;

	ASSERT_TRUE(no_w && no_set && no_get);
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_object_set_property(no_w, prop, n, 8));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_object_set_property(no_set, prop, n, 8));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_object_get_property(no_get, prop, n, 8));
	ZT_EXPECT_OK(zx_object_get_property(no_w, prop, n, 8));
	/* the right comes before the size of the value */
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_object_set_property(no_w, prop, n, 7));
	for (size_t size = 0; size < 8; size++) {
		ZT_EXPECT_STATUS(ZX_ERR_BUFFER_TOO_SMALL,
				 zx_object_set_property(self->vmo, prop, n, size));
		ZT_EXPECT_STATUS(ZX_ERR_BUFFER_TOO_SMALL,
				 zx_object_get_property(self->vmo, prop, n, size));
	}
	ZT_EXPECT_U64(8 * ZT_P, zt_stream_size(self->vmo));
	/* a larger buffer is fine; 8 bytes count */
	n[0] = 6;
	n[1] = 0x1111;
	ZT_EXPECT_OK(zx_object_set_property(self->vmo, prop, n, 16));
	ZT_EXPECT_U64(6, zt_stream_size(self->vmo));
	ZT_EXPECT_OK(zx_object_get_property(self->vmo, prop, n, 16));
	ZT_EXPECT_U64(6, n[0]);
	ZT_EXPECT_U64(0x1111, n[1]);
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE,
			 zx_object_set_property(self->vmo, prop, &big, 8));
	ZT_EXPECT_U64(6, zt_stream_size(self->vmo));
	zt_bad_read(bad);
	for (struct zt_bad *b = bad; b->name; b++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_object_set_property(self->vmo, prop, b->ptr, 8))
			TH_LOG("%s", b->name);
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_object_get_property(self->vmo, prop, b->ptr, 8))
			TH_LOG("%s", b->name);
		EXPECT_EQ(ZX_ERR_BUFFER_TOO_SMALL,
			  zx_object_set_property(self->vmo, prop, b->ptr, 7))
			TH_LOG("%s", b->name);
	}
	ZT_EXPECT_U64(6, zt_stream_size(self->vmo));
	/* handles of regions never carry the property rights */
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_object_get_property(root, prop, n, 8));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_object_set_property(root, prop, n, 8));
	/* NULL before anything */
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_object_set_property(0, prop, NULL, 8));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_object_get_property(0, prop, NULL, 8));
}

TEST_HARNESS_MAIN
