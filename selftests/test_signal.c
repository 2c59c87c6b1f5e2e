// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * zx_object_signal, zx_object_wait_one, zx_object_wait_many, and poll(2) on
 * handles.
 */
#include "kselftest_harness.h"
#include "zvm_test.h"

#include <poll.h>
#include <stdatomic.h>
#include <sys/epoll.h>

#define S0	ZX_USER_SIGNAL_0
#define S1	ZX_USER_SIGNAL_1
#define S7	ZX_USER_SIGNAL_7
#define ZERO	ZX_VMO_ZERO_CHILDREN
#define MS	1000000ull

FIXTURE(signal)
{
	struct zvm_stats before;
	struct zt_bag bag;
	zx_handle_t a;
	zx_handle_t b;
};

FIXTURE_SETUP(signal)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->a = zt_keep(&self->bag, zt_vmo(ZT_P, 0));
	self->b = zt_keep(&self->bag, zt_vmo(ZT_P, 0));
}

FIXTURE_TEARDOWN(signal)
{
	zt_empty(&self->bag);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

/* Something that another thread does after a while, when we wait. */
struct act {
	pthread_t thread;
	pid_t waiter;
	zx_handle_t handle;
	uint32_t clear, set;
	bool pulse;
	bool close;
	zx_status_t status;
};

/* Wait until the thread sleeps: it has nothing else to sleep for. */
static void until_asleep(pid_t tid)
{
	char path[64], state = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	for (int i = 0; i < 2000 && state != 'S'; i++) {
		FILE *f = fopen(path, "r");

		zt_sleep_ms(2);
		if (!f)
			return;
		if (fscanf(f, "%*d %*s %c", &state) != 1)
			state = 0;
		fclose(f);
	}
}

static void *act(void *arg)
{
	struct act *act = arg;

	until_asleep(act->waiter);
	if (act->close) {
		act->status = zx_handle_close(act->handle);
		return NULL;
	}
	act->status = zx_object_signal(act->handle, act->clear, act->set);
	if (act->pulse)
		zx_object_signal(act->handle, act->set, 0);
	return NULL;
}

static int begin(struct act *a)
{
	a->waiter = gettid();
	return pthread_create(&a->thread, NULL, act, a);
}

static zx_time_t in_ms(unsigned int ms)
{
	return zx_clock_get_monotonic() + ms * MS;
}

static zx_signals_t state(zx_handle_t h)
{
	zx_signals_t observed = 0;

	zx_object_wait_one(h, 0, 0, &observed);
	return observed;
}

TEST_F(signal, V_019_a_new_vmo)
{
	zx_signals_t observed = 0;

	ZT_EXPECT_OK(zx_object_wait_one(self->a, ZERO, 0, &observed));
	EXPECT_EQ(ZERO, observed);
}

TEST_F(signal, H_031_right)
{
	zx_handle_t h = zt_keep(&self->bag, zt_without(self->a, ZX_RIGHT_SIGNAL));

	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_object_signal(h, 0, S0));
	/* the right comes before the bits */
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_object_signal(h, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_object_signal(ZX_HANDLE_INVALID, 0, S0));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_object_signal(zx_vmar_root_self(), 0, S0));
	EXPECT_EQ(ZERO, state(self->a));
}

TEST_F(signal, H_032_V_233_bits)
{
	for (unsigned int bit = 0; bit < 32; bit++) {
		zx_status_t want = bit < 24 ? ZX_ERR_INVALID_ARGS : ZX_OK;

		ZT_EXPECT_STATUS(want, zx_object_signal(self->a, 0, 1u << bit));
		EXPECT_EQ(ZERO | (bit < 24 ? 0 : 1u << bit), state(self->a));
		ZT_EXPECT_STATUS(want, zx_object_signal(self->a, 1u << bit, 0));
		EXPECT_EQ(ZERO, state(self->a));
		/* one bad bit spoils all */
		if (bit < 24) {
			ZT_EXPECT_STATUS(want, zx_object_signal(self->a, 0, S0 | 1u << bit));
			EXPECT_EQ(ZERO, state(self->a));
		}
	}
}

TEST_F(signal, H_033_set_wins)
{
	ZT_EXPECT_OK(zx_object_signal(self->a, S0 | S1, S1 | S7));
	EXPECT_EQ(ZERO | S1 | S7, state(self->a));
	ZT_EXPECT_OK(zx_object_signal(self->a, ZX_USER_SIGNAL_ALL, S0));
	EXPECT_EQ(ZERO | S0, state(self->a));
}

TEST_F(signal, H_034_signals_are_the_objects)
{
	zx_handle_t h = zt_keep(&self->bag, zt_dup(self->a, ZX_RIGHT_SAME_RIGHTS));

	ZT_EXPECT_OK(zx_object_signal(self->a, 0, S1));
	EXPECT_EQ(ZERO | S1, state(h));
	EXPECT_EQ(ZERO, state(self->b));
}

TEST_F(signal, H_035_H_036_just_looking)
{
	const zx_time_t past[] = { 0, 1, -1, INT64_MIN, zx_clock_get_monotonic() - 1 };

	ZT_EXPECT_OK(zx_object_signal(self->a, 0, S0 | S7));
	for (size_t i = 0; i < ARRAY_SIZE(past); i++) {
		zx_signals_t observed = 0;

		ZT_EXPECT_OK(zx_object_wait_one(self->a, S0 | S1, past[i], &observed));
		EXPECT_EQ(ZERO | S0 | S7, observed);
		observed = 0;
		ZT_EXPECT_STATUS(ZX_ERR_TIMED_OUT,
				 zx_object_wait_one(self->a, S1, past[i], &observed));
		EXPECT_EQ(ZERO | S0 | S7, observed);
	}
}

TEST_F(signal, H_037_deadline)
{
	zx_time_t until = in_ms(50);
	zx_signals_t observed = 0;

	ZT_EXPECT_STATUS(ZX_ERR_TIMED_OUT, zx_object_wait_one(self->a, S0, until, &observed));
	EXPECT_GE(zx_clock_get_monotonic(), until);
	EXPECT_EQ(ZERO, observed);
	/* nothing to wait for: until the deadline all the same */
	until = in_ms(20);
	ZT_EXPECT_STATUS(ZX_ERR_TIMED_OUT, zx_object_wait_one(self->a, 0, until, NULL));
	EXPECT_GE(zx_clock_get_monotonic(), until);
}

TEST_F(signal, H_038_another_thread_sets_it)
{
	struct act a = { .handle = self->a, .set = S0 | S7 };
	zx_signals_t observed = 0;

	ASSERT_EQ(0, begin(&a));
	ZT_EXPECT_OK(zx_object_wait_one(self->a, S0, ZX_TIME_INFINITE, &observed));
	EXPECT_EQ(ZERO | S0 | S7, observed);
	pthread_join(a.thread, NULL);
	ZT_EXPECT_OK(a.status);
}

/* What is not waited for wakes nobody; nor does what was there already. */
TEST_F(signal, H_038_others_do_not_wake)
{
	struct act a = { .handle = self->a, .set = S1 };
	zx_signals_t observed = 0;
	zx_time_t until = in_ms(200);

	ASSERT_EQ(0, begin(&a));
	ZT_EXPECT_STATUS(ZX_ERR_TIMED_OUT, zx_object_wait_one(self->a, S0, until, &observed));
	EXPECT_EQ(ZERO | S1, observed);
	pthread_join(a.thread, NULL);
}

TEST_F(signal, H_039_pulse)
{
	for (int i = 0; i < 20; i++) {
		struct act a = { .handle = self->a, .set = S0, .pulse = true };
		zx_signals_t observed = 0;

		ASSERT_EQ(0, begin(&a));
		ZT_EXPECT_OK(zx_object_wait_one(self->a, S0, ZX_TIME_INFINITE, &observed));
		EXPECT_EQ(ZERO | S0, observed);
		pthread_join(a.thread, NULL);
		EXPECT_EQ(ZERO, state(self->a));
	}
}

TEST_F(signal, H_040_closed_meanwhile)
{
	zx_handle_t h = zt_dup(self->a, ZX_RIGHT_SAME_RIGHTS);
	struct act a = { .handle = h, .close = true };
	zx_signals_t observed = 0;

	ASSERT_EQ(0, begin(&a));
	ZT_EXPECT_STATUS(ZX_ERR_CANCELED, zx_object_wait_one(h, S0, ZX_TIME_INFINITE, &observed));
	EXPECT_EQ(ZERO | ZX_SIGNAL_HANDLE_CLOSED, observed);
	pthread_join(a.thread, NULL);
	ZT_EXPECT_OK(a.status);
	EXPECT_EQ(ZERO, state(self->a));
}

static void *close_fd(void *arg)
{
	struct act *a = arg;

	until_asleep(a->waiter);
	close(zvm_handle_to_fd(a->handle));
	return NULL;
}

/* close(2) of the descriptor ends the wait as well. */
TEST_F(signal, H_040_descriptor_closed_meanwhile)
{
	zx_handle_t h = zt_dup(self->a, ZX_RIGHT_SAME_RIGHTS);
	struct act a = { .handle = h, .waiter = gettid() };

	ASSERT_EQ(0, pthread_create(&a.thread, NULL, close_fd, &a));
	ZT_EXPECT_STATUS(ZX_ERR_CANCELED, zx_object_wait_one(h, S0, ZX_TIME_INFINITE, NULL));
	pthread_join(a.thread, NULL);
}

TEST_F(signal, H_041_a_duplicate_closed_meanwhile)
{
	struct act a = { .handle = zt_dup(self->a, ZX_RIGHT_SAME_RIGHTS), .close = true };

	ASSERT_EQ(0, begin(&a));
	ZT_EXPECT_STATUS(ZX_ERR_TIMED_OUT, zx_object_wait_one(self->a, S0, in_ms(200), NULL));
	pthread_join(a.thread, NULL);
	ZT_EXPECT_OK(a.status);
}

static void *close_copy(void *arg)
{
	struct act *a = arg;
	int copy = dup(zvm_handle_to_fd(a->handle));
	pid_t child;

	until_asleep(a->waiter);
	close(copy);
	/* a child that ends closes what it has inherited */
	child = fork();
	if (!child)
		_exit(0);
	waitpid(child, NULL, 0);
	return NULL;
}

/* Other descriptors of the same handle are not the one that is waited on. */
TEST_F(signal, H_041_another_descriptor_closed_meanwhile)
{
	struct act a = { .handle = self->a, .waiter = gettid() };

	ASSERT_EQ(0, pthread_create(&a.thread, NULL, close_copy, &a));
	ZT_EXPECT_STATUS(ZX_ERR_TIMED_OUT, zx_object_wait_one(self->a, S0, in_ms(300), NULL));
	pthread_join(a.thread, NULL);
}

TEST_F(signal, H_042_checks)
{
	zx_handle_t h = zt_keep(&self->bag, zt_without(self->a, ZX_RIGHT_WAIT));
	zx_handle_t dead = zt_dup(self->a, ZX_RIGHT_SAME_RIGHTS);
	struct zt_bad bad[ZT_BAD_WRITE_N];

	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_object_wait_one(h, ZERO, 0, NULL));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_object_wait_one(zx_vmar_root_self(), 1, 0, NULL));
	ZT_ASSERT_OK(zx_handle_close(dead));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_object_wait_one(dead, ZERO, 0, NULL));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_object_wait_one(ZX_HANDLE_INVALID, ZERO, 0, NULL));
	ZT_EXPECT_OK(zx_object_wait_one(self->a, ZERO, 0, NULL));
	zt_bad_write(bad);
	for (size_t i = 1; bad[i].name; i++) {
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 zx_object_wait_one(self->a, ZERO, 0, bad[i].ptr));
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 zx_object_wait_one(self->a, S0, 0, bad[i].ptr));
	}
}

static volatile sig_atomic_t handled;

static void handler(int sig ZT_UNUSED)
{
	handled++;
}

static void *disturb(void *arg)
{
	struct act *a = arg;

	for (int i = 0; i < 5; i++) {
		until_asleep(a->waiter);
		syscall(SYS_tgkill, getpid(), a->waiter, SIGUSR1);
		zt_sleep_ms(5);
	}
	until_asleep(a->waiter);
	a->status = zx_object_signal(a->handle, 0, S0);
	return NULL;
}

TEST_F(signal, H_043_signal_handlers_do_not_end_it)
{
	struct sigaction sa = { .sa_handler = handler };	/* no SA_RESTART */
	struct act a = { .handle = self->a, .waiter = gettid() };
	zx_wait_item_t item = { .handle = self->a, .waitfor = S0 };

	handled = 0;
	sigaction(SIGUSR1, &sa, NULL);
	ASSERT_EQ(0, pthread_create(&a.thread, NULL, disturb, &a));
	ZT_EXPECT_OK(zx_object_wait_one(self->a, S0, in_ms(20000), NULL));
	pthread_join(a.thread, NULL);
	EXPECT_LT(0, handled);
	ZT_EXPECT_OK(zx_object_signal(self->a, S0, 0));
	handled = 0;
	ASSERT_EQ(0, pthread_create(&a.thread, NULL, disturb, &a));
	ZT_EXPECT_OK(zx_object_wait_many(&item, 1, in_ms(20000)));
	pthread_join(a.thread, NULL);
	EXPECT_LT(0, handled);
}

TEST_F(signal, H_044_many_limits)
{
	zx_wait_item_t items[65] = {};
	zx_time_t until = in_ms(30);

	ZT_EXPECT_STATUS(ZX_ERR_TIMED_OUT, zx_object_wait_many(NULL, 0, until));
	EXPECT_GE(zx_clock_get_monotonic(), until);
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_object_wait_many(items, 65, 0));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_object_wait_many(NULL, SIZE_MAX, 0));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_object_wait_many(items, 1ull << 32, 0));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_object_wait_many(NULL, 1, 0));
	for (int i = 0; i < 64; i++)
		items[i] = (zx_wait_item_t){ .handle = self->a, .waitfor = i == 63 ? ZERO : S0 };
	ZT_EXPECT_OK(zx_object_wait_many(items, 64, 0));
	for (int i = 0; i < 64; i++)
		EXPECT_EQ(ZERO, items[i].pending);
}

TEST_F(signal, H_045_many_one_matches)
{
	zx_wait_item_t items[] = { { .handle = self->a, .waitfor = S0 },
				   { .handle = self->b, .waitfor = S0 },
				   { .handle = self->b, .waitfor = S1 } };
	struct act a = { .handle = self->b, .set = S0 };

	ZT_EXPECT_STATUS(ZX_ERR_TIMED_OUT, zx_object_wait_many(items, 3, in_ms(5)));
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(ZERO, items[i].pending);
		items[i].pending = 1;
	}
	ASSERT_EQ(0, begin(&a));
	ZT_EXPECT_OK(zx_object_wait_many(items, 3, ZX_TIME_INFINITE));
	pthread_join(a.thread, NULL);
	EXPECT_EQ(ZERO, items[0].pending);
	EXPECT_EQ(ZERO | S0, items[1].pending);
	EXPECT_EQ(ZERO | S0, items[2].pending);
}

TEST_F(signal, H_046_many_checks)
{
	zx_handle_t h = zt_keep(&self->bag, zt_without(self->a, ZX_RIGHT_WAIT));
	zx_wait_item_t items[] = { { .handle = self->a, .waitfor = ZERO, .pending = 7 },
				   { .handle = ZX_HANDLE_INVALID, .waitfor = ZERO },
				   { .handle = h, .waitfor = ZERO } };

	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_object_wait_many(items, 3, 0));
	items[1].handle = h;
	items[2].handle = ZX_HANDLE_INVALID;
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_object_wait_many(items, 3, 0));
	EXPECT_EQ(7u, items[0].pending);
}

TEST_F(signal, H_047_many_one_closed_meanwhile)
{
	zx_handle_t h = zt_dup(self->b, ZX_RIGHT_SAME_RIGHTS);
	zx_wait_item_t items[] = { { .handle = self->a, .waitfor = S0 },
				   { .handle = h, .waitfor = S0 } };
	struct act a = { .handle = h, .close = true };

	ASSERT_EQ(0, begin(&a));
	ZT_EXPECT_STATUS(ZX_ERR_CANCELED, zx_object_wait_many(items, 2, ZX_TIME_INFINITE));
	pthread_join(a.thread, NULL);
	EXPECT_EQ(ZERO, items[0].pending);
	EXPECT_EQ(ZERO | ZX_SIGNAL_HANDLE_CLOSED, items[1].pending);
}

TEST_F(signal, V_232_the_last_child_closes)
{
	zx_handle_t child = ZX_HANDLE_INVALID;
	struct act a = { .close = true };
	zx_signals_t observed = 0;

	ZT_ASSERT_OK(zx_vmo_create_child(self->a, ZX_VMO_CHILD_SNAPSHOT, 0, ZT_P, &child));
	ZT_EXPECT_STATUS(ZX_ERR_TIMED_OUT, zx_object_wait_one(self->a, ZERO, 0, &observed));
	EXPECT_EQ(0u, observed);
	a.handle = child;
	ASSERT_EQ(0, begin(&a));
	ZT_EXPECT_OK(zx_object_wait_one(self->a, ZERO, ZX_TIME_INFINITE, &observed));
	EXPECT_EQ(ZERO, observed);
	pthread_join(a.thread, NULL);
}

/* A waiter that is killed takes nothing with it. */
static int wait_for_ever(void *arg)
{
	zx_object_wait_one(*(zx_handle_t *)arg, S0, ZX_TIME_INFINITE, NULL);
	return 0;
}

TEST_F(signal, killed_while_waiting)
{
	pid_t child = fork();
	int status;

	if (!child)
		_exit(wait_for_ever(&self->a));
	zt_sleep_ms(50);
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	ZT_EXPECT_OK(zx_object_signal(self->a, 0, S0));
}

static int polled(zx_handle_t h, int events, int timeout_ms)
{
	struct pollfd p = { .fd = zvm_handle_to_fd(h), .events = events };

	return poll(&p, 1, timeout_ms) == 1 ? p.revents : 0;
}

TEST_F(signal, poll_shows_signals)
{
	zx_handle_t child;

	/* the VMO can be read and written, as any file */
	EXPECT_EQ(POLLIN | POLLOUT | POLLPRI, polled(self->a, POLLIN | POLLOUT | POLLPRI |
						    POLLMSG, 0));
	ZT_ASSERT_OK(zx_vmo_create_child(self->a, ZX_VMO_CHILD_SLICE, 0, ZT_P, &child));
	EXPECT_EQ(0, polled(self->a, POLLPRI | POLLMSG, 0));
	ZT_EXPECT_OK(zx_object_signal(self->a, 0, S7));
	EXPECT_EQ(POLLMSG, polled(self->a, POLLPRI | POLLMSG, 0));
	ZT_EXPECT_OK(zx_object_signal(self->a, S7, 0));
	EXPECT_EQ(0, polled(self->a, POLLPRI | POLLMSG, 0));
	ZT_ASSERT_OK(zx_handle_close(child));
	EXPECT_EQ(POLLPRI, polled(self->a, POLLPRI | POLLMSG, 0));
}

/* Who may not wait sees a file like any other. */
TEST_F(signal, poll_wants_the_right)
{
	zx_handle_t h = zt_without(self->a, ZX_RIGHT_WAIT);

	ZT_EXPECT_OK(zx_object_signal(self->a, 0, S7));
	EXPECT_EQ(POLLIN | POLLOUT, polled(h, POLLIN | POLLOUT | POLLPRI | POLLMSG, 0));
	ZT_EXPECT_OK(zx_handle_close(h));
}

TEST_F(signal, poll_wakes)
{
	struct act a = { .handle = self->a, .set = S0 };
	zx_handle_t child;

	ASSERT_EQ(0, begin(&a));
	EXPECT_EQ(POLLMSG, polled(self->a, POLLMSG, 20000));
	pthread_join(a.thread, NULL);
	ZT_ASSERT_OK(zx_vmo_create_child(self->b, ZX_VMO_CHILD_SNAPSHOT, 0, ZT_P, &child));
	a = (struct act){ .handle = child, .close = true };
	ASSERT_EQ(0, begin(&a));
	EXPECT_EQ(POLLPRI, polled(self->b, POLLPRI, 20000));
	pthread_join(a.thread, NULL);
}

TEST_F(signal, epoll_edges)
{
	struct epoll_event ev = { .events = EPOLLPRI | EPOLLMSG | EPOLLET };
	int ep = epoll_create1(EPOLL_CLOEXEC);
	zx_handle_t child;

	ASSERT_LE(0, ep);
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, zvm_handle_to_fd(self->a), &ev));
	EXPECT_EQ(1, epoll_wait(ep, &ev, 1, 0));
	EXPECT_EQ(0, epoll_wait(ep, &ev, 1, 0));
	for (int i = 0; i < 3; i++) {
		ZT_ASSERT_OK(zx_vmo_create_child(self->a, ZX_VMO_CHILD_SNAPSHOT, 0, 0, &child));
		EXPECT_EQ(0, epoll_wait(ep, &ev, 1, 0));
		ZT_ASSERT_OK(zx_handle_close(child));
		EXPECT_EQ(1, epoll_wait(ep, &ev, 1, 1000));
		EXPECT_EQ(EPOLLPRI, ev.events);
		EXPECT_EQ(0, epoll_wait(ep, &ev, 1, 0));
	}
	close(ep);
}

/* Waits, signals and closes of many threads at once. */
struct crowd {
	zx_handle_t vmo;
	atomic_bool stop;
	atomic_uint woken;
};

static void *crowd_waiter(void *arg)
{
	struct crowd *c = arg;

	while (!atomic_load(&c->stop)) {
		zx_handle_t h = zt_dup(c->vmo, ZX_RIGHT_SAME_RIGHTS);
		zx_wait_item_t items[] = { { .handle = h, .waitfor = S0 },
					   { .handle = c->vmo, .waitfor = S1 } };

		if (zx_object_wait_many(items, 2, in_ms(3)) == ZX_OK)
			atomic_fetch_add(&c->woken, 1);
		zx_handle_close(h);
	}
	return NULL;
}

TEST_F(signal, crowd)
{
	struct crowd c = { .vmo = self->a };
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL, crowd_waiter, &c));
	for (int i = 0; i < 3000 || !atomic_load(&c.woken); i++) {
		zx_object_signal(self->a, S0 | S1, i % 2 ? S0 : S1);
		if (i % 64 == 0)
			zt_sleep_ms(1);
	}
	atomic_store(&c.stop, true);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	EXPECT_LT(0u, atomic_load(&c.woken));
}

TEST_HARNESS_MAIN
