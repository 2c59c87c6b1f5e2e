// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * ZX_VMO_ZERO_CHILDREN while several threads and processes make and close
 * children: low as long as there is one, high when the last has gone, and then
 * nothing of it is left.
 */
#include "kselftest_harness.h"
#include "zvm_test.h"

#include <poll.h>
#include <stdatomic.h>

#define SNAPSHOT	ZX_VMO_CHILD_SNAPSHOT
#define SLICE		ZX_VMO_CHILD_SLICE
#define REFERENCE	ZX_VMO_CHILD_REFERENCE
#define ZERO		ZX_VMO_ZERO_CHILDREN

static const uint32_t types[] = { SNAPSHOT, SLICE, REFERENCE };

FIXTURE(zero_children)
{
	struct zvm_stats before;
	struct zt_bag bag;
	zx_handle_t vmo;
};

FIXTURE_SETUP(zero_children)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->vmo = zt_keep(&self->bag, zt_vmo(64 * ZT_P, 0));
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, 64 * ZT_P, 1));
}

FIXTURE_TEARDOWN(zero_children)
{
	zt_empty(&self->bag);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

static zx_handle_t child_of(zx_handle_t parent, uint32_t type)
{
	zx_handle_t h = ZX_HANDLE_INVALID;

	zx_vmo_create_child(parent, type, 0, type == REFERENCE ? 0 : 64 * zt_page(), &h);
	return h;
}

static bool is_high(zx_handle_t vmo)
{
	return zx_object_wait_one(vmo, ZERO, 0, NULL) == ZX_OK;
}

/* The end of an object may come a moment after the call that a test made. */
static bool rises(zx_handle_t vmo)
{
	return zx_object_wait_one(vmo, ZERO, zx_clock_get_monotonic() + 10000000000, NULL) ==
	       ZX_OK && !zt_vmo_info(vmo).num_children;
}

static void *closer(void *arg)
{
	zx_handle_close(*(zx_handle_t *)arg);
	return NULL;
}

/* Who is woken finds a VMO that has no relative any more and all pages for itself. */
TEST_F(zero_children, V_222_then_all_is_over)
{
	for (int turn = 0; turn < 200; turn++) {
		zx_handle_t child = child_of(self->vmo, SNAPSHOT);
		zx_info_vmo_t info;
		pthread_t thread;

		ASSERT_NE(0, child);
		/* something to give back, which takes its time */
		ASSERT_EQ(0, zt_vmo_fill(child, 32 * ZT_P, 32 * ZT_P, 2));
		ASSERT_EQ(0, pthread_create(&thread, NULL, closer, &child));
		ZT_ASSERT_OK(zx_object_wait_one(self->vmo, ZERO, ZX_TIME_INFINITE, NULL));
		ZT_ASSERT_U64(self->before.pages + 64, zt_stats().pages);
		info = zt_vmo_info(self->vmo);
		ZT_ASSERT_U64(64 * ZT_P, info.committed_private_bytes);
		ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, 0, ZT_P, NULL, 0));
		pthread_join(thread, NULL);
		ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, ZT_P, 1));
	}
}

/* The same of a slice whose parent is gone: what it alone showed is free. */
TEST_F(zero_children, V_222_slice_of_a_dead_parent)
{
	for (int turn = 0; turn < 100; turn++) {
		zx_handle_t child = child_of(self->vmo, SNAPSHOT), slice = child_of(child, SLICE);
		pthread_t thread;

		ASSERT_NE(0, slice);
		ASSERT_EQ(0, zt_vmo_fill(slice, 32 * ZT_P, 32 * ZT_P, 2));
		ZT_ASSERT_OK(zx_handle_close(child));
		ASSERT_FALSE(is_high(self->vmo));
		ASSERT_EQ(0, pthread_create(&thread, NULL, closer, &slice));
		ZT_ASSERT_OK(zx_object_wait_one(self->vmo, ZERO, ZX_TIME_INFINITE, NULL));
		ZT_ASSERT_U64(self->before.pages + 64, zt_stats().pages);
		ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, 0, ZT_P, NULL, 0));
		pthread_join(thread, NULL);
		ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, ZT_P, 1));
	}
}

/* As long as one of us has a child, the signal is low, whatever others do. */
struct holder {
	zx_handle_t vmo;
	unsigned int seed;
	int turns, wrong;
	atomic_uint *high;
};

static void *hold(void *arg)
{
	struct holder *h = arg;

	for (int i = 0; i < h->turns; i++) {
		zx_handle_t child = child_of(h->vmo, types[rand_r(&h->seed) % 3]), grandchild = 0;
		bool chain = rand_r(&h->seed) % 2;

		h->wrong += !child || is_high(h->vmo);
		if (chain) {
			grandchild = child_of(child, SLICE);
			h->wrong += !grandchild || is_high(h->vmo) || is_high(child);
			zx_handle_close(child);
			/* it is the VMO's now */
			h->wrong += is_high(h->vmo);
			h->wrong += zt_vmo_info(grandchild).parent_koid != zt_koid(h->vmo);
			child = grandchild;
		}
		if (rand_r(&h->seed) % 2)
			sched_yield();
		h->wrong += is_high(h->vmo);
		zx_handle_close(child);
		if (is_high(h->vmo))
			atomic_fetch_add(h->high, 1);
	}
	return NULL;
}

TEST_F(zero_children, V_221_V_226_low_while_there_is_one)
{
	atomic_uint high = 0;
	struct holder h[4];
	pthread_t t[4];

	for (int i = 0; i < 4; i++) {
		h[i] = (struct holder){ .vmo = self->vmo, .seed = i + 1, .turns = 1000,
					.high = &high };
		ASSERT_EQ(0, pthread_create(&t[i], NULL, hold, &h[i]));
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		EXPECT_EQ(0, h[i].wrong);
	}
	/* the last one at least has seen it rise */
	EXPECT_LE(1u, atomic_load(&high));
	EXPECT_TRUE(is_high(self->vmo));
	ZT_EXPECT_U64(0, zt_vmo_info(self->vmo).num_children);
}

/* The last handle of the one in the middle goes while others make it a parent. */
struct middle {
	zx_handle_t handle, made;
	uint32_t type;
	pthread_barrier_t *start;
};

static void *make_child(void *arg)
{
	struct middle *m = arg;

	pthread_barrier_wait(m->start);
	m->made = child_of(m->handle, m->type);
	zx_handle_close(m->handle);
	return NULL;
}

static void *close_it(void *arg)
{
	struct middle *m = arg;

	pthread_barrier_wait(m->start);
	zx_handle_close(m->handle);
	return NULL;
}

TEST_F(zero_children, V_226_V_227_parent_dies_as_it_gets_a_child)
{
	for (int turn = 0; turn < 300; turn++) {
		zx_handle_t mid = child_of(self->vmo, SNAPSHOT), leaf = child_of(mid, SNAPSHOT);
		pthread_barrier_t start;
		struct middle m[3] = {
			{ .handle = mid, .start = &start, .type = types[turn % 3] },
			{ .handle = zt_dup(mid, ZX_RIGHT_SAME_RIGHTS), .start = &start },
			{ .handle = leaf, .start = &start },
		};
		pthread_t t[3];

		pthread_barrier_init(&start, NULL, 3);
		for (int i = 0; i < 3; i++)
			ASSERT_EQ(0, pthread_create(&t[i], NULL, i ? close_it : make_child, &m[i]));
		for (int i = 0; i < 3; i++)
			pthread_join(t[i], NULL);
		ASSERT_NE(0, m[0].made);
		ASSERT_FALSE(is_high(self->vmo));
		ZT_ASSERT_U64(1, zt_vmo_info(self->vmo).num_children);
		ZT_ASSERT_U64(zt_koid(self->vmo), zt_vmo_info(m[0].made).parent_koid);
		ASSERT_TRUE(zt_vmo_holds(m[0].made, 0, 64 * ZT_P, 1));
		ZT_ASSERT_OK(zx_handle_close(m[0].made));
		ASSERT_TRUE(is_high(self->vmo));
		pthread_barrier_destroy(&start);
	}
}

/* A tree of generations, closed at once by a thread each. */
TEST_F(zero_children, V_227_all_generations_at_once)
{
	enum { GENERATIONS = 8 };

	for (int turn = 0; turn < 100; turn++) {
		zx_handle_t last = self->vmo;
		struct middle m[GENERATIONS];
		pthread_t t[GENERATIONS];
		pthread_barrier_t start;

		pthread_barrier_init(&start, NULL, GENERATIONS);
		for (int i = 0; i < GENERATIONS; i++) {
			last = child_of(last, SNAPSHOT);
			m[i] = (struct middle){ .handle = last, .start = &start };
			ASSERT_EQ(0, zt_vmo_fill(last, i * ZT_P, ZT_P, 2));
		}
		ASSERT_FALSE(is_high(self->vmo));
		for (int i = 0; i < GENERATIONS; i++)
			ASSERT_EQ(0, pthread_create(&t[i], NULL, close_it, &m[i]));
		ZT_ASSERT_OK(zx_object_wait_one(self->vmo, ZERO, ZX_TIME_INFINITE, NULL));
		/* none of them is left */
		ZT_ASSERT_U64(self->before.pages + 64, zt_stats().pages);
		for (int i = 0; i < GENERATIONS; i++)
			pthread_join(t[i], NULL);
		ASSERT_TRUE(is_high(self->vmo));
		pthread_barrier_destroy(&start);
	}
}

/* ---- other processes ------------------------------------------------------ */

TEST_F(zero_children, V_220_V_222_made_by_another_process)
{
	for (int how = 0; how < 3; how++) {
		int go[2], done[2], status;
		pid_t pid;
		char c;

		ASSERT_EQ(0, pipe(go));
		ASSERT_EQ(0, pipe(done));
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			zx_handle_t h = child_of(self->vmo, types[how]);

			/* by the handle; by a mapping alone; by mmap(2) alone */
			if (how == 1 && (!zt_map(h, 0, ZT_P, ZT_RW) || zx_handle_close(h)))
				_exit(1);
			if (how == 2) {
				if (mmap(NULL, ZT_P, PROT_READ, MAP_SHARED, zvm_handle_to_fd(h),
					 0) == MAP_FAILED || zx_handle_close(h))
					_exit(1);
			}
			if (write(done[1], "", 1) != 1 || read(go[0], &c, 1) != 1)
				_exit(1);
			if (how == 2)
				pause();
			_exit(h ? 0 : 1);
		}
		ASSERT_EQ(1, read(done[0], &c, 1));
		EXPECT_FALSE(is_high(self->vmo));
		ZT_EXPECT_U64(1, zt_vmo_info(self->vmo).num_children);
		ASSERT_EQ(1, write(go[1], "", 1));
		if (how == 2)
			kill(pid, SIGKILL);
		EXPECT_TRUE(rises(self->vmo)) TH_LOG("process %d", how);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(how == 2 ? SIGKILL : 0, status);
		for (int i = 0; i < 2; i++) {
			close(go[i]);
			close(done[i]);
		}
	}
}

/* A handle that is on its way through a socket is a handle. */
TEST_F(zero_children, V_223_on_its_way)
{
	for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
		struct pollfd p = { .fd = zvm_handle_to_fd(self->vmo), .events = POLLPRI };
		zx_handle_t h = child_of(self->vmo, types[t]);
		int sock[2], fd;

		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
		ASSERT_EQ(0, zt_send_fd(sock[0], zvm_handle_to_fd(h)));
		ZT_ASSERT_OK(zx_handle_close(h));
		EXPECT_FALSE(is_high(self->vmo));
		fd = zt_recv_fd(sock[1]);
		ASSERT_LE(0, fd);
		EXPECT_FALSE(is_high(self->vmo));
		EXPECT_EQ(0, poll(&p, 1, 0));

		/* the second time nobody takes it out */
		ASSERT_EQ(0, zt_send_fd(sock[0], fd));
		close(fd);
		EXPECT_FALSE(is_high(self->vmo));
		close(sock[0]);
		EXPECT_FALSE(is_high(self->vmo));
		close(sock[1]);
		EXPECT_TRUE(rises(self->vmo));
		EXPECT_EQ(1, poll(&p, 1, 0));
	}
}

/* The parent's own handles do not count, nor keep its children from counting. */
TEST_F(zero_children, V_223_the_parent_may_be_on_its_way)
{
	zx_handle_t vmo = zt_vmo(64 * ZT_P, 0), h = child_of(vmo, SNAPSHOT);
	int sock[2], fd;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	ASSERT_EQ(0, zt_send_fd(sock[0], zvm_handle_to_fd(vmo)));
	ZT_ASSERT_OK(zx_handle_close(vmo));
	ZT_EXPECT_U64(1, !!zt_vmo_info(h).parent_koid);
	ZT_ASSERT_OK(zx_handle_close(h));
	fd = zt_recv_fd(sock[1]);
	ASSERT_LE(0, fd);
	ZT_ASSERT_OK(zvm_handle_from_fd(fd, &vmo));
	EXPECT_TRUE(is_high(vmo));
	ZT_ASSERT_OK(zx_handle_close(vmo));
	close(sock[0]);
	close(sock[1]);
}

TEST_HARNESS_MAIN
