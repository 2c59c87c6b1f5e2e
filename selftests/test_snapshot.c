// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Snapshots of memory that is in use: one instant for all writers, and what has
 * references to pages (pipes, direct I/O, futexes) keeps what is its.
 */
#include "kselftest_harness.h"
#include "zvm_test.h"

#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/resource.h>

#define SNAPSHOT ZX_VMO_CHILD_SNAPSHOT

FIXTURE(snapshot)
{
	struct zvm_stats before;
	struct zt_bag bag;
};

FIXTURE_SETUP(snapshot)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
}

FIXTURE_TEARDOWN(snapshot)
{
	zt_empty(&self->bag);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

static zx_handle_t snap(struct zt_bag *bag, zx_handle_t vmo, uint64_t size)
{
	zx_handle_t h = ZX_HANDLE_INVALID;

	if (zx_vmo_create_child(vmo, SNAPSHOT, 0, size, &h) != ZX_OK)
		return 0;
	return zt_keep(bag, h);
}

/* ------------------------------------------------------------------------
 * One instant: writers raise two counters on two pages, the first one first. In
 * every snapshot the first is as high as the second, or higher by one.
 */
enum { WRITERS = 6, STRIDE = 7, PAGES = 64 };

struct writer {
	zx_handle_t vmo;
	unsigned int id;
	int mode;	/* 0: a mapping, 1: mmap(2), 2: calls */
	atomic_bool *stop;
	volatile uint64_t *first, *second;
};

/* The two counters of a writer, some pages apart; which comes first differs. */
static uint64_t where(unsigned int id, int which)
{
	uint64_t low = (id * 9 + 1) * ZT_P + 64 * id, high = low + STRIDE * ZT_P;

	return (id & 1) ^ which ? high : low;
}

static void raise_counters(struct writer *w)
{
	uint64_t n = 0;

	while (!atomic_load_explicit(w->stop, memory_order_relaxed)) {
		n++;
		if (w->mode == 2) {
			zx_vmo_write(w->vmo, &n, where(w->id, 0), sizeof(n));
			zx_vmo_write(w->vmo, &n, where(w->id, 1), sizeof(n));
		} else {
			*w->first = n;
			atomic_thread_fence(memory_order_seq_cst);
			*w->second = n;
			atomic_thread_fence(memory_order_seq_cst);
		}
		/* few processors for many writers */
		if (!(n & 1023))
			sched_yield();
	}
}

static bool open_writer(struct writer *w)
{
	char *base = NULL;

	if (w->mode == 0)
		base = zt_map(w->vmo, 0, PAGES * ZT_P, ZT_RW);
	else if (w->mode == 1)
		base = mmap(NULL, PAGES * ZT_P, PROT_READ | PROT_WRITE, MAP_SHARED,
			    zvm_handle_to_fd(w->vmo), 0);
	if (w->mode != 2 && (!base || base == MAP_FAILED))
		return false;
	w->first = (void *)(base + where(w->id, 0));
	w->second = (void *)(base + where(w->id, 1));
	return true;
}

static void *writer_thread(void *arg)
{
	raise_counters(arg);
	return NULL;
}

static uint64_t counter(zx_handle_t vmo, unsigned int id, int which)
{
	uint64_t n = UINT64_MAX;

	zx_vmo_read(vmo, &n, where(id, which), sizeof(n));
	return n;
}

TEST_F(snapshot, is_one_instant)
{
	atomic_bool *stop = mmap(NULL, ZT_P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				 -1, 0);
	struct writer w[WRITERS];
	zx_handle_t vmo = zt_keep(&self->bag, zt_vmo(PAGES * ZT_P, 0));
	uint64_t last[WRITERS] = {}, moved = 0;
	pthread_t thread[WRITERS];
	pid_t child[WRITERS] = {};

	ASSERT_NE(MAP_FAILED, (void *)stop);
	/* the even ones are threads, the odd ones processes */
	for (unsigned int i = 0; i < WRITERS; i++) {
		w[i] = (struct writer){ .vmo = vmo, .id = i, .mode = i / 2, .stop = stop };
		if (i % 2) {
			child[i] = fork();
			ASSERT_LE(0, child[i]);
			if (!child[i]) {
				if (!open_writer(&w[i]))
					_exit(1);
				raise_counters(&w[i]);
				_exit(0);
			}
		} else {
			ASSERT_TRUE(open_writer(&w[i]));
			ASSERT_EQ(0, pthread_create(&thread[i], NULL, writer_thread, &w[i]));
		}
	}
	for (int turn = 0; turn < 300 || moved < 50 * WRITERS; turn++) {
		zx_handle_t h;

		ASSERT_LT(turn, 20000);
		ZT_ASSERT_OK(zx_vmo_create_child(vmo, SNAPSHOT, 0, PAGES * ZT_P, &h));
		for (unsigned int i = 0; i < WRITERS; i++) {
			uint64_t second = counter(h, i, 1), first = counter(h, i, 0);

			ASSERT_LE(second, first) TH_LOG("writer %u", i);
			ASSERT_LE(first - second, 1) TH_LOG("writer %u", i);
			/* and it does not change */
			ASSERT_EQ(first, counter(h, i, 0));
			ASSERT_LE(last[i], first);
			moved += first != last[i];
			last[i] = first;
		}
		ZT_ASSERT_OK(zx_handle_close(h));
		if (turn % 8 == 0)
			sched_yield();
	}
	atomic_store(stop, true);
	for (unsigned int i = 0; i < WRITERS; i++) {
		int status = 0;

		if (i % 2) {
			ASSERT_EQ(child[i], waitpid(child[i], &status, 0));
			EXPECT_EQ(0, status);
			continue;
		}
		pthread_join(thread[i], NULL);
		if (w[i].mode == 1)
			munmap((char *)w[i].first - where(i, 0), PAGES * ZT_P);
		else if (w[i].mode == 0)
			zt_unmap((char *)w[i].first - where(i, 0), PAGES * ZT_P);
	}
	munmap(stop, ZT_P);
}

/* ------------------------------------------------------------------------
 * Plain mmap(2): mprotect(2) makes PTEs writable again without asking anybody.
 */
TEST_F(snapshot, mprotect_back_and_forth)
{
	zx_handle_t vmo = zt_keep(&self->bag, zt_vmo(4 * ZT_P, 0)), h;
	char *map = mmap(NULL, 4 * ZT_P, PROT_READ | PROT_WRITE, MAP_SHARED,
			 zvm_handle_to_fd(vmo), 0);

	ASSERT_NE(MAP_FAILED, map);
	memset(map, 'a', 4 * ZT_P);
	h = snap(&self->bag, vmo, 4 * ZT_P);
	ASSERT_NE(0, h);
	ASSERT_EQ(0, mprotect(map, 4 * ZT_P, PROT_READ));
	EXPECT_EQ('a', map[0]);
	ASSERT_EQ(0, mprotect(map, 4 * ZT_P, PROT_READ | PROT_WRITE));
	memset(map, 'b', 4 * ZT_P);
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ('a', zt_vmo_byte(h, i * ZT_P));
		EXPECT_EQ('b', zt_vmo_byte(vmo, i * ZT_P));
	}
	munmap(map, 4 * ZT_P);
}

/* The same with PTEs that were there, read-only, when the snapshot was taken. */
TEST_F(snapshot, mprotect_around_the_snapshot)
{
	zx_handle_t vmo = zt_keep(&self->bag, zt_vmo(4 * ZT_P, 0)), h;
	char *map = mmap(NULL, 4 * ZT_P, PROT_READ | PROT_WRITE, MAP_SHARED,
			 zvm_handle_to_fd(vmo), 0);

	ASSERT_NE(MAP_FAILED, map);
	memset(map, 'a', 4 * ZT_P);
	ASSERT_EQ(0, mprotect(map, 4 * ZT_P, PROT_READ));
	h = snap(&self->bag, vmo, 4 * ZT_P);
	ASSERT_NE(0, h);
	EXPECT_EQ('a', map[0]);
	ASSERT_EQ(0, mprotect(map, 4 * ZT_P, PROT_READ | PROT_WRITE));
	memset(map, 'b', 4 * ZT_P);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ('a', zt_vmo_byte(h, i * ZT_P));
	munmap(map, 4 * ZT_P);
}

/*
 * What one side gives up the other may write to in place. So it must be out of sight
 * by then: nobody who looks at the child sees what the parent writes now.
 */
struct looker {
	const volatile char *child;
	char *parent;
	atomic_bool stop;
	bool seen;
};

static void *look(void *arg)
{
	struct looker *l = arg;

	while (!atomic_load(&l->stop))
		l->seen |= *l->child == 'n';
	return NULL;
}

static void *write_new(void *arg)
{
	struct looker *l = arg;

	while (!atomic_load(&l->stop))
		*(volatile char *)l->parent = 'n';
	return NULL;
}

TEST_F(snapshot, what_is_given_up_is_out_of_sight)
{
	zx_handle_t vmo = zt_keep(&self->bag, zt_vmo(ZT_P, 0));
	char *map = zt_map(vmo, 0, ZT_P, ZT_RW);

	ASSERT_NE(NULL, map);
	for (int turn = 0; turn < 120; turn++) {
		struct looker l = { .parent = map };
		pthread_t t[2];
		zx_handle_t h;
		char *child;

		*map = 'o';
		ZT_ASSERT_OK(zx_vmo_create_child(vmo, SNAPSHOT | ZX_VMO_CHILD_RESIZABLE, 0, ZT_P,
						 &h));
		child = zt_map(h, 0, ZT_P, ZT_RW);
		ASSERT_NE(NULL, child);
		l.child = child;
		ASSERT_EQ('o', *child);
		ASSERT_EQ(0, pthread_create(&t[0], NULL, look, &l));
		ASSERT_EQ(0, pthread_create(&t[1], NULL, write_new, &l));
		switch (turn % 3) {
		case 0:
			ZT_ASSERT_OK(zx_vmo_write(h, "c", 1, 1));
			break;
		case 1:
			ZT_ASSERT_OK(zx_vmo_op_range(h, ZX_VMO_OP_ZERO, 0, ZT_P, NULL, 0));
			break;
		case 2:
			ZT_ASSERT_OK(zx_vmo_op_range(h, ZX_VMO_OP_COMMIT, 0, ZT_P, NULL, 0));
			break;
		}
		atomic_store(&l.stop, true);
		for (int i = 0; i < 2; i++)
			pthread_join(t[i], NULL);
		ASSERT_FALSE(l.seen) TH_LOG("turn %d", turn);
		ZT_ASSERT_OK(zt_unmap(child, ZT_P));
		ZT_ASSERT_OK(zx_handle_close(h));
	}
	ZT_ASSERT_OK(zt_unmap(map, ZT_P));
}

/* ------------------------------------------------------------------------
 * Others' references
 */

/*
 * A closed snapshot has put a page into a pipe. The page sits in the parent only
 * again, but the pipe's reader must not see what the parent writes now.
 */
TEST_F(snapshot, page_in_a_pipe)
{
	zx_handle_t vmo = zt_keep(&self->bag, zt_vmo(ZT_P, 0)), h;
	char *map = zt_map(vmo, 0, ZT_P, ZT_RW), *child, buf[16] = {};
	struct iovec iov = { .iov_len = sizeof(buf) };
	int fd[2];

	ASSERT_NE(NULL, map);
	ASSERT_EQ(0, pipe(fd));
	strcpy(map, "before");
	ZT_ASSERT_OK(zx_vmo_create_child(vmo, SNAPSHOT, 0, ZT_P, &h));
	child = zt_map(h, 0, ZT_P, ZX_VM_PERM_READ);
	ASSERT_NE(NULL, child);
	iov.iov_base = child;
	ASSERT_EQ((ssize_t)sizeof(buf), vmsplice(fd[1], &iov, 1, 0));
	ZT_ASSERT_OK(zt_unmap(child, ZT_P));
	ZT_ASSERT_OK(zx_handle_close(h));

	strcpy(map, "after");
	ASSERT_EQ((ssize_t)sizeof(buf), read(fd[0], buf, sizeof(buf)));
	EXPECT_STREQ("before", buf);
	EXPECT_STREQ("after", map);
	close(fd[0]);
	close(fd[1]);
	/* and when the pipe is empty the page is a page like others */
	EXPECT_TRUE(!memcmp(map, "after", 6));
	ZT_ASSERT_OK(zt_unmap(map, ZT_P));
}

/*
 * The same with many pages, while the parent's PTEs in a private mapping are copied
 * by fork(2): these references and their number come one after the other, and must
 * not make up for the pipe's.
 */
enum { PIPE_PAGES = 256, PIPE_BYTES = 16 };

static void fork_for_ever(zx_handle_t vmo)
{
	char *map = mmap(NULL, PIPE_PAGES * ZT_P, PROT_READ | PROT_WRITE, MAP_PRIVATE,
			 zvm_handle_to_fd(vmo), 0);
	volatile char sum = 0;

	if (map == MAP_FAILED)
		_exit(1);
	/* PTEs are copied only where there is memory of its own as well */
	map[PIPE_PAGES / 2 * ZT_P] = 1;
	for (;;) {
		pid_t pid;

		for (int i = 0; i < PIPE_PAGES; i++)
			sum += map[i * ZT_P];
		pid = fork();
		if (!pid)
			_exit(0);
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			_exit(1);
	}
}

TEST_F_TIMEOUT(snapshot, pages_in_a_pipe_while_others_fork, 60)
{
	zx_handle_t vmo = zt_keep(&self->bag, zt_vmo(PIPE_PAGES * ZT_P, 0)), h;
	char buf[PIPE_PAGES][PIPE_BYTES], *child;
	struct iovec iov[PIPE_PAGES];
	uint64_t end;
	int fd[2], status;
	pid_t pid;

	ASSERT_EQ(0, pipe(fd));
	if (fcntl(fd[1], F_SETPIPE_SZ, PIPE_PAGES * ZT_P) < 0)
		SKIP(return, "needs a pipe of %d pages", PIPE_PAGES);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		fork_for_ever(vmo);
	end = zt_now_ns() + 3000000000u;
	for (unsigned int turn = 0; zt_now_ns() < end; turn++) {
		char byte = turn & 63;

		for (int i = 0; i < PIPE_PAGES; i++)
			ZT_ASSERT_OK(zx_vmo_write(vmo, &byte, i * ZT_P, 1));
		ZT_ASSERT_OK(zx_vmo_create_child(vmo, SNAPSHOT, 0, PIPE_PAGES * ZT_P, &h));
		child = zt_map(h, 0, PIPE_PAGES * ZT_P, ZX_VM_PERM_READ);
		ASSERT_NE(NULL, child);
		for (int i = 0; i < PIPE_PAGES; i++)
			iov[i] = (struct iovec){ child + i * ZT_P, PIPE_BYTES };
		ASSERT_EQ((ssize_t)sizeof(buf), vmsplice(fd[1], iov, PIPE_PAGES, 0));
		ZT_ASSERT_OK(zt_unmap(child, PIPE_PAGES * ZT_P));
		ZT_ASSERT_OK(zx_handle_close(h));
		for (int i = 0; i < PIPE_PAGES; i++)
			ZT_ASSERT_OK(zx_vmo_write(vmo, "\xff", i * ZT_P, 1));
		ASSERT_EQ((ssize_t)sizeof(buf), read(fd[0], buf, sizeof(buf)));
		for (int i = 0; i < PIPE_PAGES; i++) {
			ASSERT_EQ(byte, buf[i][0])
				TH_LOG("turn %u, page %d", turn, i);
		}
	}
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	close(fd[0]);
	close(fd[1]);
}

/* ------------------------------------------------------------------------
 * Futexes
 */
struct sleeper {
	pthread_t thread;
	uint32_t *word;
	atomic_int tid;
	long result;
};

static long futex(uint32_t *word, int op, uint32_t val, unsigned int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	return syscall(SYS_futex, word, op, val, ms ? &ts : NULL, NULL, 0);
}

static void *sleeper_thread(void *arg)
{
	struct sleeper *s = arg;

	atomic_store(&s->tid, (int)gettid());
	s->result = futex(s->word, FUTEX_WAIT, 0, 20000);
	return NULL;
}

static void start_sleeper(struct sleeper *s, uint32_t *word)
{
	char path[64], state = 0;

	*s = (struct sleeper){ .word = word };
	if (pthread_create(&s->thread, NULL, sleeper_thread, s))
		abort();
	while (!atomic_load(&s->tid))
		sched_yield();
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", atomic_load(&s->tid));
	while (state != 'S') {
		FILE *f = fopen(path, "r");

		if (!f || fscanf(f, "%*d %*s %c", &state) != 1)
			state = 0;
		if (f)
			fclose(f);
		zt_sleep_ms(1);
	}
}

/* Who sleeps in the parent is woken in the parent, though the page is another one. */
TEST_F(snapshot, futex_across_snapshot_and_copy)
{
	zx_handle_t vmo = zt_keep(&self->bag, zt_vmo(ZT_P, 0)), h;
	uint32_t *word = zt_map(vmo, 0, ZT_P, ZT_RW), *other = zt_map(vmo, 0, ZT_P, ZT_RW), *child;
	struct sleeper s;

	ASSERT_TRUE(word && other);
	word[1] = 1;	/* commit the page */
	start_sleeper(&s, word);
	h = snap(&self->bag, vmo, ZT_P);
	ASSERT_NE(0, h);
	child = zt_map(h, 0, ZT_P, ZT_RW);
	ASSERT_NE(NULL, child);
	EXPECT_EQ(1u, child[1]);
	/* the parent copies the page, and wakes by its other mapping */
	word[1] = 2;
	EXPECT_EQ(1u, child[1]);
	EXPECT_EQ(0, futex(child, FUTEX_WAKE, 1, 0));
	EXPECT_EQ(1, futex(other, FUTEX_WAKE, 1, 0));
	pthread_join(s.thread, NULL);
	EXPECT_EQ(0, s.result);

	/* the child has a life of its own there */
	start_sleeper(&s, child);
	EXPECT_EQ(0, futex(word, FUTEX_WAKE, 1, 0));
	EXPECT_EQ(1, futex(child, FUTEX_WAKE, 1, 0));
	pthread_join(s.thread, NULL);
	EXPECT_EQ(0, s.result);
	ZT_ASSERT_OK(zt_unmap(word, ZT_P));
	ZT_ASSERT_OK(zt_unmap(other, ZT_P));
	ZT_ASSERT_OK(zt_unmap(child, ZT_P));
}

/* The child copies: the parent's page stays where it is. */
TEST_F(snapshot, futex_and_a_copy_by_the_child)
{
	zx_handle_t vmo = zt_keep(&self->bag, zt_vmo(ZT_P, 0)), h;
	uint32_t *word = zt_map(vmo, 0, ZT_P, ZT_RW), *child;
	struct sleeper s;

	ASSERT_NE(NULL, word);
	word[1] = 1;
	start_sleeper(&s, word);
	h = snap(&self->bag, vmo, ZT_P);
	ASSERT_NE(0, h);
	child = zt_map(h, 0, ZT_P, ZT_RW);
	ASSERT_NE(NULL, child);
	child[1] = 2;
	EXPECT_EQ(0, futex(child, FUTEX_WAKE, 1, 0));
	EXPECT_EQ(1, futex(word, FUTEX_WAKE, 1, 0));
	pthread_join(s.thread, NULL);
	EXPECT_EQ(0, s.result);
	ZT_ASSERT_OK(zt_unmap(word, ZT_P));
	ZT_ASSERT_OK(zt_unmap(child, ZT_P));
}

/* ------------------------------------------------------------------------
 * Many
 */
enum { CHAIN = 10000, CHAIN_PAGES = 20 };

/* Close all in an order, with a look at some that are left. */
static void chain(struct __test_metadata *_metadata, int order)
{
	zx_handle_t *h = calloc(CHAIN, sizeof(*h));
	uint64_t pages = zt_stats().pages, nodes = zt_stats().page_nodes;
	unsigned int seed = 7;

	ASSERT_NE(NULL, h);
	h[0] = zt_vmo(CHAIN_PAGES * ZT_P, 0);
	ASSERT_EQ(0, zt_vmo_fill(h[0], 0, CHAIN_PAGES * ZT_P, 1));
	for (uint32_t i = 1; i < CHAIN; i++) {
		ZT_ASSERT_OK(zx_vmo_create_child(h[i - 1], SNAPSHOT, 0, CHAIN_PAGES * ZT_P, &h[i]));
		if (i % 4 == 0)
			ZT_ASSERT_OK(zx_vmo_write(h[i], &i, i % CHAIN_PAGES * ZT_P, 4));
	}
	for (unsigned int n = 0; n < CHAIN; n++) {
		unsigned int left = CHAIN - n, i = order == 0 ? n : order == 1 ? left - 1 :
				    rand_r(&seed) % left;

		/* h[0 .. left) are those that are open, but for the order of the first */
		if (n % 1000 == 500) {
			unsigned int look = order == 0 ? CHAIN - 1 : left / 2;

			if (look >= 40 && look % 4 == 0 && order != 2) {
				uint32_t v = 0;

				ZT_ASSERT_OK(zx_vmo_read(h[look], &v, look % CHAIN_PAGES * ZT_P,
							 4));
				ASSERT_EQ(look, v);
			}
		}
		ZT_ASSERT_OK(zx_handle_close(h[i]));
		if (order == 2)
			h[i] = h[left - 1];
	}
	free(h);
	ZT_EXPECT_U64(pages, zt_stats().pages);
	ZT_EXPECT_U64(nodes, zt_stats().page_nodes);
}

static bool many_fds(void)
{
	struct rlimit rl = { CHAIN + 1000, CHAIN + 1000 };

	return !setrlimit(RLIMIT_NOFILE, &rl);
}

TEST_F_TIMEOUT(snapshot, ten_thousand_oldest_first, 300)
{
	if (!many_fds())
		SKIP(return, "needs %d descriptors", CHAIN);
	chain(_metadata, 0);
}

TEST_F_TIMEOUT(snapshot, ten_thousand_newest_first, 300)
{
	if (!many_fds())
		SKIP(return, "needs %d descriptors", CHAIN);
	chain(_metadata, 1);
}

TEST_F_TIMEOUT(snapshot, ten_thousand_at_random, 300)
{
	if (!many_fds())
		SKIP(return, "needs %d descriptors", CHAIN);
	chain(_metadata, 2);
}

/* Snapshots, writes, closes and mappings by several threads: all adds up after. */
struct churn {
	zx_handle_t vmo;
	unsigned int seed;
	int turns;
	int bad;
};

static void *churn_thread(void *arg)
{
	struct churn *c = arg;
	zx_handle_t h[8] = { c->vmo };

	for (int i = 0; i < c->turns; i++) {
		unsigned int a = rand_r(&c->seed) % 8, b = 1 + rand_r(&c->seed) % 7;
		uint64_t at = rand_r(&c->seed) % 32 * ZT_P;
		char *map, byte = i;

		if (!h[a])
			continue;
		switch (rand_r(&c->seed) % 4) {
		case 0:
			if (h[b])
				zx_handle_close(h[b]);
			h[b] = 0;
			if (a != b && zx_vmo_create_child(h[a], SNAPSHOT, 0, 32 * ZT_P, &h[b]))
				c->bad++;
			break;
		case 1:
			if (zx_vmo_write(h[a], &byte, at, 1))
				c->bad++;
			break;
		default:
			map = zt_map(h[a], 0, 32 * ZT_P, ZT_RW);
			if (!map) {
				c->bad++;
				break;
			}
			map[at] = byte;
			/* our own VMO: nobody else writes there */
			if (a && map[at] != byte)
				c->bad++;
			zt_unmap(map, 32 * ZT_P);
		}
	}
	for (int i = 1; i < 8; i++)
		if (h[i])
			zx_handle_close(h[i]);
	return NULL;
}

TEST_F(snapshot, churn)
{
	zx_handle_t vmo = zt_keep(&self->bag, zt_vmo(32 * ZT_P, 0));
	struct churn c[4];
	pthread_t t[4];

	ASSERT_EQ(0, zt_vmo_fill(vmo, 0, 32 * ZT_P, 1));
	for (int i = 0; i < 4; i++) {
		c[i] = (struct churn){ .vmo = vmo, .seed = i + 1, .turns = 1500 };
		ASSERT_EQ(0, pthread_create(&t[i], NULL, churn_thread, &c[i]));
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		EXPECT_EQ(0, c[i].bad);
	}
	ZT_EXPECT_U64(32 * ZT_P, zt_committed(vmo));
	ZT_EXPECT_U64(32 * ZT_P, zt_vmo_info(vmo).committed_private_bytes);
	ZT_EXPECT_U64(0, zt_vmo_info(vmo).num_children);
}

TEST_HARNESS_MAIN
