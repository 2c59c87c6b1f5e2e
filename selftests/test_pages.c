// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Mapped VMO pages are ordinary memory to Linux: buffers of system calls, direct
 * I/O, futexes and mutexes between processes, other processes' access, pipes,
 * rings.
 */
#include "kselftest_harness.h"
#include "zvm_vmar_test.h"

#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <sys/ptrace.h>

#define PAGES 16

FIXTURE(pages) {
	struct vt_region r;	/* 64 pages, anything goes */
	zx_handle_t vmo;	/* PAGES pages, no content yet */
	uint8_t *rw, *ro, *none;	/* three mappings of it */
	uint8_t *past;		/* writable, past its end */
	uint8_t *hole;
};

FIXTURE_VARIANT(pages) {
	uint32_t vmo_options;
};

FIXTURE_VARIANT_ADD(pages, plain) { .vmo_options = 0 };
FIXTURE_VARIANT_ADD(pages, resizable) { .vmo_options = ZX_VMO_RESIZABLE };

FIXTURE_SETUP(pages)
{
	struct vt_region *r = &self->r;

	*r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 128 * P);
	ASSERT_NE(ZX_HANDLE_INVALID, r->h);
	self->vmo = zt_vmo(PAGES * P, variant->vmo_options);
	ASSERT_NE(ZX_HANDLE_INVALID, self->vmo);
	ZT_ASSERT_OK(vt_map_at(r, ZT_RW, P, self->vmo, 0, PAGES * P));
	ZT_ASSERT_OK(vt_map_at(r, VT_R, 32 * P, self->vmo, 0, PAGES * P));
	ZT_ASSERT_OK(vt_map_at(r, 0, 64 * P, self->vmo, 0, PAGES * P));
	ZT_ASSERT_OK(vt_map_at(r, ZT_RW, 96 * P, self->vmo, PAGES * P, P));
	self->rw = vt_ptr(r, P);
	self->ro = vt_ptr(r, 32 * P);
	self->none = vt_ptr(r, 64 * P);
	self->past = vt_ptr(r, 96 * P);
	self->hole = vt_ptr(r, 100 * P);
}

FIXTURE_TEARDOWN(pages)
{
}

/* A file of n bytes with the pattern of `seed`, already without a name. */
static int temp_file(size_t n, unsigned int seed)
{
	char name[] = "/tmp/zvm-pages-XXXXXX";
	int fd = mkstemp(name);
	uint8_t *buf = malloc(n);

	if (fd >= 0)
		unlink(name);
	zt_fill(buf, n, 0, seed);
	if (fd >= 0 && write(fd, buf, n) != (ssize_t)n) {
		close(fd);
		fd = -1;
	}
	free(buf);
	return fd;
}

TEST_F(pages, read_and_write_of_a_file)
{
	int fd = temp_file(PAGES * P, 1);
	uint8_t *buf = malloc(PAGES * P);

	ASSERT_LE(0, fd);
	/* Into pages that are not there, across their borders, unaligned. */
	ASSERT_EQ((ssize_t)(3 * P), pread(fd, self->rw + P + 100, 3 * P, 100));
	EXPECT_EQ(-1, zt_mismatch(self->rw + P + 100, 3 * P, 100, 1));
	EXPECT_EQ(-1, zt_nonzero(self->rw + P, 100));
	EXPECT_EQ(-1, zt_nonzero(self->rw + 4 * P + 100, P - 100));
	ZT_EXPECT_U64(4 * P, zt_committed(self->vmo));
	ZT_ASSERT_OK(zx_vmo_read(self->vmo, buf, P + 100, 3 * P));
	EXPECT_EQ(-1, zt_mismatch(buf, 3 * P, 100, 1));
	/* Out of them, through the other mapping. */
	ASSERT_EQ((ssize_t)(2 * P), pwrite(fd, self->ro + P + 200, 2 * P, 5 * P));
	ASSERT_EQ((ssize_t)(2 * P), pread(fd, buf, 2 * P, 5 * P));
	EXPECT_EQ(-1, zt_mismatch(buf, 2 * P, 200, 1));
	/* Out of pages that are not there: zeros, and none is made. */
	ASSERT_EQ((ssize_t)P, pwrite(fd, self->rw + 10 * P, P, 0));
	ASSERT_EQ((ssize_t)P, pread(fd, buf, P, 0));
	EXPECT_EQ(-1, zt_nonzero(buf, P));
	ZT_EXPECT_U64(4 * P, zt_committed(self->vmo));
	free(buf);
	close(fd);
}

TEST_F(pages, vectors)
{
	int fd = temp_file(PAGES * P, 2);
	char stack[300];
	struct iovec iov[] = {
		{ self->rw + 5, 1000 }, { stack, sizeof(stack) }, { self->rw + 3 * P - 1, P + 2 },
	};
	const ssize_t total = 1000 + (ssize_t)sizeof(stack) + (ssize_t)P + 2;

	ASSERT_LE(0, fd);
	ASSERT_EQ(total, preadv(fd, iov, 3, 0));
	EXPECT_EQ(-1, zt_mismatch(self->rw + 5, 1000, 0, 2));
	EXPECT_EQ(-1, zt_mismatch(stack, sizeof(stack), 1000, 2));
	EXPECT_EQ(-1, zt_mismatch(self->rw + 3 * P - 1, P + 2, 1000 + sizeof(stack), 2));
	ASSERT_EQ(total, pwritev(fd, iov, 3, 8 * P));
	close(fd);
}

TEST_F(pages, faults_of_system_calls)
{
	int fd = temp_file(4 * P, 3);
	ssize_t n;

	ASSERT_LE(0, fd);
	memset(self->rw, 7, PAGES * P);
	/* Read-only and no access: no byte may change, whether a PTE is there or not. */
	for (int touched = 0; touched < 2; touched++) {
		errno = 0;
		EXPECT_EQ(-1, pread(fd, self->ro, 10, 0));
		EXPECT_EQ(EFAULT, errno);
		errno = 0;
		EXPECT_EQ(-1, pread(fd, self->ro + P - 1, 2, 0));
		EXPECT_EQ(EFAULT, errno);
		EXPECT_EQ(7, vt_load(self->ro));
		errno = 0;
		EXPECT_EQ(-1, pread(fd, self->none, 10, 0));
		EXPECT_EQ(EFAULT, errno);
		errno = 0;
		EXPECT_EQ(-1, pwrite(fd, self->none, 10, 0));
		EXPECT_EQ(EFAULT, errno);
	}
	EXPECT_EQ(-1, zt_not_byte(self->rw, PAGES * P, 7));
	/* A hole; beyond the VMO's end. */
	errno = 0;
	EXPECT_EQ(-1, pread(fd, self->hole, 10, 0));
	EXPECT_EQ(EFAULT, errno);
	errno = 0;
	EXPECT_EQ(-1, pwrite(fd, self->past, 10, 0));
	EXPECT_EQ(EFAULT, errno);
	/* Half good: a short count, or EFAULT, but nothing past the border. */
	n = pread(fd, self->rw + PAGES * P - 10, 20, 0);
	EXPECT_TRUE(n == 10 || (n == -1 && errno == EFAULT)) {
		TH_LOG("%zd, errno %d", n, errno);
	}
	/* The first byte of a read-only mapping right behind a writable one. */
	ZT_ASSERT_OK(zx_vmar_protect(self->r.h, VT_R, (zx_vaddr_t)self->rw + P, P));
	n = pread(fd, self->rw + P - 10, 20, 0);
	EXPECT_TRUE(n == 10 || (n == -1 && errno == EFAULT));
	EXPECT_EQ(-1, zt_not_byte(self->rw + P, P, 7));
	close(fd);
}

TEST_F(pages, sockets_and_pipes)
{
	int sv[2], fd[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	ASSERT_EQ(0, pipe(fd));
	zt_fill(self->rw, 2 * P, 0, 4);
	ASSERT_EQ((ssize_t)(2 * P), send(sv[0], self->ro, 2 * P, 0));
	ASSERT_EQ((ssize_t)(2 * P), recv(sv[1], self->rw + 4 * P, 2 * P, MSG_WAITALL));
	EXPECT_EQ(-1, zt_mismatch(self->rw + 4 * P, 2 * P, 0, 4));
	ASSERT_EQ((ssize_t)P, write(fd[1], self->rw + P, P));
	ASSERT_EQ((ssize_t)P, read(fd[0], self->rw + 8 * P, P));
	EXPECT_EQ(-1, zt_mismatch(self->rw + 8 * P, P, P, 4));
	ASSERT_EQ(4, send(sv[0], "abcd", 4, 0));
	errno = 0;
	EXPECT_EQ(-1, recv(sv[1], self->ro, 4, 0));
	EXPECT_EQ(EFAULT, errno);
}

/* ------------------------------------------------------------------------
 * O_DIRECT: the device works on the pages themselves
 */
TEST_F(pages, direct_io)
{
	int fd = open("/dev/ram0", O_RDWR | O_DIRECT | O_CLOEXEC);
	uint64_t before;

	if (fd < 0)
		SKIP(return, "no /dev/ram0 (module brd)");
	zt_fill(self->rw, 4 * P, 0, 5);
	ASSERT_EQ((ssize_t)(4 * P), pwrite(fd, self->rw, 4 * P, 0));
	/* Into pages that are not there yet. */
	before = zt_committed(self->vmo);
	ASSERT_EQ((ssize_t)(4 * P), pread(fd, self->rw + 8 * P, 4 * P, 0));
	EXPECT_EQ(-1, zt_mismatch(self->rw + 8 * P, 4 * P, 0, 5));
	ZT_EXPECT_U64(before + 4 * P, zt_committed(self->vmo));
	/* Into pages that were read before, as zeros. */
	EXPECT_EQ(0, vt_load(self->rw + 13 * P));
	ASSERT_EQ((ssize_t)P, pread(fd, self->rw + 13 * P, P, P));
	EXPECT_EQ(-1, zt_mismatch(self->rw + 13 * P, P, P, 5));
	EXPECT_EQ(0, vt_load(self->rw + 14 * P));
	/* Out of a read-only mapping, also of a page that does not exist. */
	ASSERT_EQ((ssize_t)P, pwrite(fd, self->ro + 8 * P, P, 8 * P));
	ASSERT_EQ((ssize_t)P, pwrite(fd, self->ro + 15 * P, P, 9 * P));
	ZT_EXPECT_U64(before + 5 * P, zt_committed(self->vmo));
	ASSERT_EQ((ssize_t)(2 * P), pread(fd, self->rw, 2 * P, 8 * P));
	EXPECT_EQ(-1, zt_mismatch(self->rw, P, 0, 5));
	EXPECT_EQ(-1, zt_nonzero(self->rw + P, P));
	/* Refused like any other access. */
	memset(self->rw, 7, P);
	errno = 0;
	EXPECT_EQ(-1, pread(fd, self->ro, P, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, zt_not_byte(self->rw, P, 7));
	errno = 0;
	EXPECT_EQ(-1, pread(fd, self->none, P, 0));
	EXPECT_EQ(EFAULT, errno);
	errno = 0;
	EXPECT_EQ(-1, pwrite(fd, self->hole, P, 0));
	EXPECT_EQ(EFAULT, errno);
	errno = 0;
	EXPECT_EQ(-1, pread(fd, self->past, P, 0));
	EXPECT_EQ(EFAULT, errno);
	close(fd);
}

/* ------------------------------------------------------------------------
 * Futexes, mutexes: one VMO, two processes, two addresses
 */
struct shared {
	_Atomic uint32_t word, other;
	_Atomic uint32_t waiting, go;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	pthread_barrier_t barrier;
	long counter;
};

static long futex(void *uaddr, int op, uint32_t val, unsigned int timeout_ms)
{
	struct timespec ts = { .tv_sec = timeout_ms / 1000,
			       .tv_nsec = (long)(timeout_ms % 1000) * 1000000 };

	return syscall(SYS_futex, uaddr, op, val, timeout_ms ? &ts : NULL, NULL, 0);
}

/* The VMO mapped in the child's own arena, at an address that is not the parent's. */
static struct shared *child_view(FIXTURE_DATA(pages) *self)
{
	struct vt_region r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 64 * P);
	struct shared *s = (struct shared *)vt_ptr(&r, 7 * P);

	VT_CHECK(r.h);
	VT_CHECK_OK(vt_map_at(&r, ZT_RW, 7 * P, self->vmo, 2 * P, 2 * P));
	VT_CHECK((uint8_t *)s != self->rw + 2 * P);
	return s;
}

static struct shared *own_view(FIXTURE_DATA(pages) *self)
{
	return (struct shared *)(self->rw + 2 * P);
}

static int wait_on_word(int sock ZT_UNUSED, void *arg)
{
	struct shared *s = child_view(arg);

	s->waiting = 1;
	VT_CHECK(futex(&s->word, FUTEX_WAIT, 5, 20000) == 0);
	return 0;
}

TEST_F(pages, futex_between_processes)
{
	struct shared *s = own_view(self);
	struct vt_child c;
	long woken = 0;
	uint64_t end;

	s->word = 5;
	s->other = 5;
	c = vt_spawn(wait_on_word, self);
	end = zt_now_ns() + 15000000000u;
	while (!s->waiting && zt_now_ns() < end)
		sched_yield();
	EXPECT_EQ(1u, s->waiting);
	/* Another word of the page, another page: nobody waits there. */
	EXPECT_EQ(0, futex(&s->other, FUTEX_WAKE, 1, 0));
	EXPECT_EQ(0, futex(self->rw + 5 * P, FUTEX_WAKE, 1, 0));
	/* Found by address, whatever the address; private futexes are not. */
	EXPECT_EQ(0, futex(&s->word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0));
	/* The word stays as it is: the child may be on its way to sleep still. */
	while (!woken && zt_now_ns() < end) {
		woken = futex(&s->word, FUTEX_WAKE, 1, 0);
		sched_yield();
	}
	EXPECT_EQ(1, woken);
	EXPECT_EQ(0, vt_join(&c));
	s->word = 6;
	/* The value is compared in the caller's own mapping. */
	EXPECT_EQ(-1, futex(&s->word, FUTEX_WAIT, 5, 10));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(-1, futex(&s->word, FUTEX_WAIT, 6, 10));
	EXPECT_EQ(ETIMEDOUT, errno);
	EXPECT_EQ(-1, futex(self->hole, FUTEX_WAIT, 0, 10));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, futex(self->none, FUTEX_WAIT, 0, 10));
	EXPECT_EQ(EFAULT, errno);
}

/* No two pages share a futex, however many there are. */
static void *waker(void *arg)
{
	struct shared *s = arg;
	uint64_t end = zt_now_ns() + 15000000000u;

	while (!s->go && zt_now_ns() < end)
		futex(&s->word, FUTEX_WAKE, 100, 0);
	return NULL;
}

TEST_F(pages, futexes_are_not_mixed_up)
{
	struct shared *s = own_view(self);
	pthread_t t;

	/* One thread wakes page 2 all the time; nobody is woken on the others. */
	ASSERT_EQ(0, pthread_create(&t, NULL, waker, s));
	for (int pg = 3; pg < PAGES; pg++) {
		memset(self->rw + pg * P, 0, 64);
		EXPECT_EQ(-1, futex(self->rw + pg * P, FUTEX_WAIT, 0, 30));
		EXPECT_EQ(ETIMEDOUT, errno);
	}
	s->go = 1;
	ASSERT_EQ(0, pthread_join(t, NULL));
}

#define LOCKS 3000

static int lock_and_count(int sock ZT_UNUSED, void *arg)
{
	struct shared *s = child_view(arg);

	for (int i = 0; i < LOCKS; i++) {
		long before;

		VT_CHECK(pthread_mutex_lock(&s->mutex) == 0);
		before = s->counter;
		if (i % 64 == 0)
			sched_yield();
		s->counter = before + 1;
		VT_CHECK(pthread_mutex_unlock(&s->mutex) == 0);
	}
	return 0;
}

static void init_mutex(struct __test_metadata *_metadata, struct shared *s, int robust)
{
	pthread_mutexattr_t attr;

	ASSERT_EQ(0, pthread_mutexattr_init(&attr));
	ASSERT_EQ(0, pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
	ASSERT_EQ(0, pthread_mutexattr_setrobust(&attr, robust));
	ASSERT_EQ(0, pthread_mutex_init(&s->mutex, &attr));
}

TEST_F_TIMEOUT(pages, mutex_between_processes, 60)
{
	struct shared *s = own_view(self);
	struct vt_child c[3];

	init_mutex(_metadata, s, PTHREAD_MUTEX_STALLED);
	for (int i = 0; i < 3; i++)
		c[i] = vt_spawn(lock_and_count, self);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0, vt_join(&c[i]));
	EXPECT_EQ(3 * LOCKS, s->counter);
}

static int die_with_the_lock(int sock, void *arg)
{
	struct shared *s = child_view(arg);

	VT_CHECK(pthread_mutex_lock(&s->mutex) == 0);
	s->counter = 41;
	vt_say(sock, 1);
	vt_hear(sock);
	/* Ends here, holding it. */
	return 0;
}

/* The owner dies: the kernel finds the mutex in its mapping and hands it on. */
static void robust(struct __test_metadata *_metadata, FIXTURE_DATA(pages) *self, bool killed)
{
	struct shared *s = own_view(self);
	struct timespec until;
	struct vt_child c;

	init_mutex(_metadata, s, PTHREAD_MUTEX_ROBUST);
	c = vt_spawn(die_with_the_lock, self);
	ZT_ASSERT_U64(1, vt_hear(c.sock));
	EXPECT_EQ(EBUSY, pthread_mutex_trylock(&s->mutex));
	if (killed) {
		EXPECT_EQ(128 + SIGKILL, vt_kill(&c));
	} else {
		ASSERT_TRUE(vt_say(c.sock, 2));
	}
	/* Waits, woken by the owner's death. */
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 15;
	ASSERT_EQ(EOWNERDEAD, pthread_mutex_timedlock(&s->mutex, &until));
	EXPECT_EQ(41, s->counter);
	EXPECT_EQ(0, pthread_mutex_consistent(&s->mutex));
	EXPECT_EQ(0, pthread_mutex_unlock(&s->mutex));
	EXPECT_EQ(0, pthread_mutex_lock(&s->mutex));
	EXPECT_EQ(0, pthread_mutex_unlock(&s->mutex));
	if (!killed) {
		EXPECT_EQ(0, vt_join(&c));
	}
}

TEST_F(pages, robust_mutex_owner_exits)
{
	robust(_metadata, self, false);
}

TEST_F(pages, robust_mutex_owner_is_killed)
{
	robust(_metadata, self, true);
}

static int meet(int sock ZT_UNUSED, void *arg)
{
	struct shared *s = child_view(arg);

	for (int i = 0; i < 50; i++)
		pthread_barrier_wait(&s->barrier);
	VT_CHECK(pthread_mutex_lock(&s->mutex) == 0);
	s->counter = 1;
	VT_CHECK(pthread_cond_signal(&s->cond) == 0);
	VT_CHECK(pthread_mutex_unlock(&s->mutex) == 0);
	return 0;
}

TEST_F(pages, barrier_and_condition_between_processes)
{
	struct shared *s = own_view(self);
	pthread_barrierattr_t battr;
	pthread_condattr_t cattr;
	struct timespec until;
	struct vt_child c;
	int err = 0;

	init_mutex(_metadata, s, PTHREAD_MUTEX_STALLED);
	ASSERT_EQ(0, pthread_condattr_init(&cattr));
	ASSERT_EQ(0, pthread_condattr_setpshared(&cattr, PTHREAD_PROCESS_SHARED));
	ASSERT_EQ(0, pthread_cond_init(&s->cond, &cattr));
	ASSERT_EQ(0, pthread_barrierattr_init(&battr));
	ASSERT_EQ(0, pthread_barrierattr_setpshared(&battr, PTHREAD_PROCESS_SHARED));
	ASSERT_EQ(0, pthread_barrier_init(&s->barrier, &battr, 2));
	ASSERT_EQ(0, pthread_mutex_lock(&s->mutex));
	c = vt_spawn(meet, self);
	for (int i = 0; i < 50; i++)
		pthread_barrier_wait(&s->barrier);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 15;
	while (!s->counter && !err)
		err = pthread_cond_timedwait(&s->cond, &s->mutex, &until);
	EXPECT_EQ(0, err);
	EXPECT_EQ(1, s->counter);
	EXPECT_EQ(0, pthread_mutex_unlock(&s->mutex));
	EXPECT_EQ(0, vt_join(&c));
}

/* A plain mmap(2) of the VMO's descriptor is the same memory, futexes included. */
static int wake_through_mmap(int sock ZT_UNUSED, void *arg)
{
	FIXTURE_DATA(pages) *self = arg;
	uint8_t *p = mmap(NULL, PAGES * P, PROT_READ | PROT_WRITE, MAP_SHARED,
			  zvm_handle_to_fd(self->vmo), 0);
	struct shared *s = (struct shared *)(p + 2 * P);
	uint64_t end = zt_now_ns() + 15000000000u;

	VT_CHECK(p != MAP_FAILED);
	while (!s->waiting && zt_now_ns() < end)
		sched_yield();
	/* The word changes afterwards: its reader may be on its way to sleep still. */
	while (!futex(&s->word, FUTEX_WAKE, 1, 0) && zt_now_ns() < end)
		sched_yield();
	VT_CHECK(zt_now_ns() < end);
	s->word = 6;
	return 0;
}

TEST_F(pages, futex_with_a_plain_mmap)
{
	struct shared *s = own_view(self);
	struct vt_child c;

	s->word = 5;
	c = vt_spawn(wake_through_mmap, self);
	s->waiting = 1;
	EXPECT_EQ(0, futex(&s->word, FUTEX_WAIT, 5, 15000));
	EXPECT_EQ(0, vt_join(&c));
	EXPECT_EQ(6u, s->word);
}

/* ------------------------------------------------------------------------
 * Another process looks in
 */

/* Maps the VMO for writing and for reading, holes behind both; tells where, waits. */
static int stand_still(int sock, void *arg)
{
	struct vt_region r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 64 * P);
	FIXTURE_DATA(pages) *self = arg;

	VT_CHECK(r.h);
	VT_CHECK_OK(vt_map_at(&r, ZT_RW, 0, self->vmo, 0, PAGES * P));
	VT_CHECK_OK(vt_map_at(&r, VT_R, 32 * P, self->vmo, 0, PAGES * P));
	VT_CHECK(vt_say(sock, r.base) && vt_say(sock, r.base + 32 * P));
	vt_hear(sock);
	return 0;
}

TEST_F(pages, process_vm_readv_and_writev)
{
	struct vt_child c = vt_spawn(stand_still, self);
	uint8_t *rw = (uint8_t *)vt_hear(c.sock), *ro = (uint8_t *)vt_hear(c.sock);
	uint8_t *buf = malloc(4 * P);
	struct iovec local = { buf, 3 * P }, remote = { rw + P / 2, 3 * P };

	ASSERT_LT(0, c.pid);
	zt_fill(self->rw, 4 * P, 0, 6);
	ASSERT_EQ((ssize_t)(3 * P), process_vm_readv(c.pid, &local, 1, &remote, 1, 0));
	EXPECT_EQ(-1, zt_mismatch(buf, 3 * P, P / 2, 6));
	/* From one arena straight into the other. */
	local.iov_base = self->rw + 8 * P;
	ASSERT_EQ((ssize_t)(3 * P), process_vm_readv(c.pid, &local, 1, &remote, 1, 0));
	EXPECT_EQ(-1, zt_mismatch(self->rw + 8 * P, 3 * P, P / 2, 6));
	/* Writing, into pages that the target never touched. */
	zt_fill(buf, 3 * P, 0, 7);
	local.iov_base = buf;
	remote.iov_base = rw + 12 * P;
	ASSERT_EQ((ssize_t)(3 * P), process_vm_writev(c.pid, &local, 1, &remote, 1, 0));
	EXPECT_EQ(-1, zt_mismatch(self->rw + 12 * P, 3 * P, 0, 7));
	/* Not into what the target itself may not write. */
	remote.iov_base = ro + 12 * P;
	errno = 0;
	EXPECT_EQ(-1, process_vm_writev(c.pid, &local, 1, &remote, 1, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, zt_mismatch(self->rw + 12 * P, 3 * P, 0, 7));
	ASSERT_EQ((ssize_t)(3 * P), process_vm_readv(c.pid, &local, 1, &remote, 1, 0));
	/* And not where nothing is. */
	remote.iov_base = rw + PAGES * P;
	remote.iov_len = P;
	errno = 0;
	EXPECT_EQ(-1, process_vm_readv(c.pid, &local, 1, &remote, 1, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(128 + SIGKILL, vt_kill(&c));
	free(buf);
}

TEST_F(pages, ptrace_peek_and_poke)
{
	struct vt_child c = vt_spawn(stand_still, self);
	uint8_t *rw = (uint8_t *)vt_hear(c.sock), *ro = (uint8_t *)vt_hear(c.sock);
	const long word = 0x1122334455667788;
	int status;
	long got;

	ASSERT_LT(0, c.pid);
	zt_fill(self->rw, 4 * P, 0, 8);
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, c.pid, NULL, NULL));
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, c.pid, NULL, NULL));
	ASSERT_EQ(c.pid, waitpid(c.pid, &status, 0));
	errno = 0;
	got = ptrace(PTRACE_PEEKDATA, c.pid, rw + 2 * P + 16, NULL);
	EXPECT_EQ(0, errno);
	EXPECT_EQ(0, memcmp(&got, self->rw + 2 * P + 16, sizeof(got)));
	errno = 0;
	got = ptrace(PTRACE_PEEKDATA, c.pid, ro + 3 * P, NULL);
	EXPECT_EQ(0, errno);
	EXPECT_EQ(0, memcmp(&got, self->rw + 3 * P, sizeof(got)));
	/* Into a page that does not exist yet, and one that does. */
	EXPECT_EQ(0, ptrace(PTRACE_POKEDATA, c.pid, rw + 9 * P, (void *)word));
	EXPECT_EQ(0, memcmp(&word, self->rw + 9 * P, sizeof(word)));
	EXPECT_EQ(0, ptrace(PTRACE_POKEDATA, c.pid, rw + 3 * P, (void *)word));
	EXPECT_EQ(0, memcmp(&word, self->rw + 3 * P, sizeof(word)));
	/*
	 * A debugger may not force its way into a read-only shared mapping: it
	 * fails, and the VMO keeps its content.
	 */
	errno = 0;
	EXPECT_EQ(-1, ptrace(PTRACE_POKEDATA, c.pid, ro + 2 * P, (void *)word));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(-1, zt_mismatch(self->rw + 2 * P, P, 2 * P, 8));
	errno = 0;
	EXPECT_EQ(-1, ptrace(PTRACE_PEEKDATA, c.pid, rw + PAGES * P, NULL));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(0, ptrace(PTRACE_DETACH, c.pid, NULL, NULL));
	EXPECT_TRUE(vt_say(c.sock, 1));
	EXPECT_EQ(0, vt_join(&c));
}

TEST_F(pages, proc_pid_mem)
{
	struct vt_child c = vt_spawn(stand_still, self);
	uint8_t *rw = (uint8_t *)vt_hear(c.sock);
	uint8_t buf[512];
	char path[64];
	int fd;

	zt_fill(self->rw, P, 0, 9);
	snprintf(path, sizeof(path), "/proc/%d/mem", c.pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(512, pread(fd, buf, 512, (off_t)(rw + 256)));
	EXPECT_EQ(-1, zt_mismatch(buf, 512, 256, 9));
	zt_fill(buf, 512, 0, 10);
	ASSERT_EQ(512, pwrite(fd, buf, 512, (off_t)(rw + 5 * P - 256)));
	EXPECT_EQ(-1, zt_mismatch(self->rw + 5 * P - 256, 512, 0, 10));
	/* Straight into this process's own arena. */
	ASSERT_EQ(512, pread(fd, self->rw + 7 * P, 512, (off_t)(rw + 256)));
	EXPECT_EQ(-1, zt_mismatch(self->rw + 7 * P, 512, 256, 9));
	close(fd);
	EXPECT_EQ(128 + SIGKILL, vt_kill(&c));
}

/* ------------------------------------------------------------------------
 * Pages that travel: vmsplice, splice, tee
 */
TEST_F(pages, vmsplice)
{
	struct iovec iov = { self->rw + 2 * P, 2 * P };
	uint8_t *buf = malloc(4 * P);
	int fd[2], out;

	ASSERT_EQ(0, pipe(fd));
	zt_fill(self->rw, 4 * P, 0, 11);
	ASSERT_EQ((ssize_t)(2 * P), vmsplice(fd[1], &iov, 1, 0));
	ASSERT_EQ((ssize_t)(2 * P), read(fd[0], buf, 2 * P));
	EXPECT_EQ(-1, zt_mismatch(buf, 2 * P, 2 * P, 11));
	/* Into a file, without a copy if Linux likes. */
	out = temp_file(P, 1);
	ASSERT_EQ((ssize_t)(2 * P), vmsplice(fd[1], &iov, 1, 0));
	ASSERT_EQ((ssize_t)(2 * P), splice(fd[0], NULL, out, &(loff_t){ 0 }, 2 * P, 0));
	ASSERT_EQ((ssize_t)(2 * P), pread(out, buf, 2 * P, 0));
	EXPECT_EQ(-1, zt_mismatch(buf, 2 * P, 2 * P, 11));
	/* A pipe keeps a page that the VMO has given back. */
	ASSERT_EQ((ssize_t)(2 * P), vmsplice(fd[1], &iov, 1, 0));
	ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, 2 * P, P, NULL, 0));
	ZT_ASSERT_OK(zx_vmar_unmap(self->r.h, (zx_vaddr_t)self->rw + 2 * P, 2 * P));
	EXPECT_TRUE(zt_vmo_zero(self->vmo, 2 * P, P));
	ASSERT_EQ((ssize_t)(2 * P), read(fd[0], buf, 2 * P));
	EXPECT_EQ(-1, zt_mismatch(buf, 2 * P, 2 * P, 11));
	/* Out of a pipe into the memory: a copy. */
	ASSERT_EQ((ssize_t)P, write(fd[1], buf, P));
	iov = (struct iovec){ self->rw + 8 * P, P };
	ASSERT_EQ((ssize_t)P, vmsplice(fd[0], &iov, 1, 0));
	EXPECT_EQ(-1, zt_mismatch(self->rw + 8 * P, P, 2 * P, 11));
	/* Nothing there to take. */
	iov = (struct iovec){ self->hole, P };
	errno = 0;
	EXPECT_EQ(-1, vmsplice(fd[1], &iov, 1, 0));
	EXPECT_EQ(EFAULT, errno);
	free(buf);
}

/* Pages in a pipe outlive VMO, mapping and process; then they are gone. */
static int leave_in_pipe(void *arg)
{
	int *fd = arg;
	zx_handle_t vmo = zt_vmo(4 * P, 0);
	uint8_t *p = zt_map(vmo, 0, 4 * P, ZT_RW);
	struct iovec iov = { p, 4 * P };

	zt_fill(p, 4 * P, 0, 12);
	VT_CHECK(vmsplice(fd[1], &iov, 1, 0) == (ssize_t)(4 * P));
	return 0;
}

TEST_F(pages, vmsplice_outlives_the_process)
{
	struct zvm_stats before = zt_stats();
	uint8_t *buf = malloc(4 * P);
	int fd[2];

	ASSERT_EQ(0, pipe(fd));
	ASSERT_EQ(0, zt_fork_run(leave_in_pipe, fd));
	ZT_EXPECT_NO_LEAK(&before);
	ASSERT_EQ((ssize_t)(4 * P), read(fd[0], buf, 4 * P));
	EXPECT_EQ(-1, zt_mismatch(buf, 4 * P, 0, 12));
	free(buf);
}

/* ------------------------------------------------------------------------
 * io_uring
 */
struct ring {
	int fd;
	uint8_t *sq, *cq;
	struct io_uring_sqe *sqes;
	struct io_uring_params p;
};

static int ring_open(struct ring *r)
{
	memset(r, 0, sizeof(*r));
	r->fd = (int)syscall(SYS_io_uring_setup, 4, &r->p);
	if (r->fd < 0)
		return -1;
	r->sq = mmap(NULL, r->p.sq_off.array + r->p.sq_entries * 4, PROT_READ | PROT_WRITE,
		     MAP_SHARED, r->fd, IORING_OFF_SQ_RING);
	r->cq = mmap(NULL, r->p.cq_off.cqes + r->p.cq_entries * sizeof(struct io_uring_cqe),
		     PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, IORING_OFF_CQ_RING);
	r->sqes = mmap(NULL, r->p.sq_entries * sizeof(*r->sqes), PROT_READ | PROT_WRITE,
		       MAP_SHARED, r->fd, IORING_OFF_SQES);
	return r->sq == MAP_FAILED || r->cq == MAP_FAILED || r->sqes == MAP_FAILED ? -1 : 0;
}

/* One operation from start to end: its result. */
static int ring_do(struct ring *r, int op, int fd, void *buf, size_t len, uint64_t off)
{
	uint32_t *tail = (uint32_t *)(r->sq + r->p.sq_off.tail);
	uint32_t *head = (uint32_t *)(r->cq + r->p.cq_off.head);
	uint32_t mask = *(uint32_t *)(r->sq + r->p.sq_off.ring_mask);
	uint32_t cmask = *(uint32_t *)(r->cq + r->p.cq_off.ring_mask);
	uint32_t i = *tail & mask;
	struct io_uring_cqe *cqe;
	int res;

	r->sqes[i] = (struct io_uring_sqe){
		.opcode = (uint8_t)op, .fd = fd, .off = off, .addr = (uint64_t)buf,
		.len = (uint32_t)len,
	};
	((uint32_t *)(r->sq + r->p.sq_off.array))[i] = i;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		return INT32_MIN;
	cqe = (struct io_uring_cqe *)(r->cq + r->p.cq_off.cqes) + (*head & cmask);
	res = cqe->res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return res;
}

TEST_F(pages, io_uring_read_and_write)
{
	int fd = temp_file(8 * P, 13);
	uint8_t *buf = malloc(2 * P);
	struct ring r;

	ASSERT_LE(0, fd);
	if (ring_open(&r))
		SKIP(return, "no io_uring (errno %d)", errno);
	EXPECT_EQ((int)(2 * P), ring_do(&r, IORING_OP_READ, fd, self->rw + P, 2 * P, 3 * P));
	EXPECT_EQ(-1, zt_mismatch(self->rw + P, 2 * P, 3 * P, 13));
	EXPECT_EQ((int)(2 * P), ring_do(&r, IORING_OP_WRITE, fd, self->ro + P, 2 * P, 0));
	ASSERT_EQ((ssize_t)(2 * P), pread(fd, buf, 2 * P, 0));
	EXPECT_EQ(-1, zt_mismatch(buf, 2 * P, 3 * P, 13));
	EXPECT_EQ(-EFAULT, ring_do(&r, IORING_OP_READ, fd, self->ro, P, 0));
	EXPECT_EQ(-EFAULT, ring_do(&r, IORING_OP_READ, fd, self->hole, P, 0));
	free(buf);
}

/*
 * A registered buffer is pinned for long, which Linux may refuse for this kind
 * of memory. Refused or not: nothing is left behind, no content is wrong.
 */
TEST_F(pages, io_uring_registered_buffers)
{
	struct iovec iov = { self->rw, 4 * P };
	int fd = temp_file(8 * P, 14);
	struct zvm_stats before;
	struct ring r;
	long ret;

	ASSERT_LE(0, fd);
	zt_fill(self->rw, 4 * P, 0, 15);
	before = zt_stats();
	if (ring_open(&r))
		SKIP(return, "no io_uring (errno %d)", errno);
	ret = syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_BUFFERS, &iov, 1);
	if (ret) {
		EXPECT_TRUE(errno == EOPNOTSUPP || errno == EFAULT || errno == EINVAL) {
			TH_LOG("errno %d", errno);
		}
	} else {
		EXPECT_EQ((int)P, ring_do(&r, IORING_OP_READ_FIXED, fd, self->rw + P, P, 2 * P));
		EXPECT_EQ(-1, zt_mismatch(self->rw + P, P, 2 * P, 14));
		/* What the VMO gives back, the pin keeps to itself. */
		ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, 0, 4 * P, NULL, 0));
		EXPECT_EQ((int)P, ring_do(&r, IORING_OP_READ_FIXED, fd, self->rw + P, P, 0));
		EXPECT_TRUE(zt_vmo_zero(self->vmo, 0, 4 * P));
	}
	EXPECT_EQ(ret ? -1 : 0, zt_mismatch(self->rw, 4 * P, 0, 15));
	/* A buffer of which a part is missing or read-only is refused. */
	iov = (struct iovec){ self->rw + (PAGES - 2) * P, 4 * P };
	syscall(SYS_io_uring_register, r.fd, IORING_UNREGISTER_BUFFERS, NULL, 0);
	errno = 0;
	EXPECT_EQ(-1, syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_BUFFERS, &iov, 1));
	EXPECT_NE(0, errno);
	iov = (struct iovec){ self->ro, 2 * P };
	EXPECT_EQ(-1, syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_BUFFERS, &iov, 1));
	close(r.fd);
	ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_COMMIT, 0, 4 * P, NULL, 0));
	ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, (PAGES - 2) * P, 2 * P, NULL,
				     0));
	ZT_EXPECT_U64(before.pages, zt_stats().pages);
}

/* ------------------------------------------------------------------------
 * A stack in a VMO, and calls that look at memory
 */
static int deep(const int fd[2], int levels)
{
	volatile char frame[512];
	char byte = (char)levels;

	memset((char *)frame, 0, sizeof(frame));
	/* The kernel reads and writes this stack as well. */
	if (write(fd[1], &byte, 1) != 1 || read(fd[0], (char *)frame + 7, 1) != 1)
		return -1000;
	if (levels && deep(fd, levels - 1) != levels - 1)
		return -1000;
	return frame[7] == (char)levels && !frame[8] ? levels : -1000;
}

static void *run_deep(void *arg)
{
	int fd[2];

	if (!pipe(fd))
		*(int *)arg = deep(fd, 60);
	return arg;
}

TEST_F(pages, a_stack_in_a_vmo)
{
	zx_handle_t vmo = zt_vmo(64 * P, variant->vmo_options);
	uint8_t *stack = zt_map(vmo, 0, 64 * P, ZT_RW);
	pthread_attr_t attr;
	int result = 0;
	pthread_t t;

	ASSERT_NE(NULL, stack);
	ASSERT_EQ(0, pthread_attr_init(&attr));
	ASSERT_EQ(0, pthread_attr_setstack(&attr, stack, 64 * P));
	ASSERT_EQ(0, pthread_create(&t, &attr, run_deep, &result));
	ASSERT_EQ(0, pthread_join(t, NULL));
	EXPECT_EQ(60, result);
	EXPECT_LE(8 * P, zt_committed(vmo));
}

TEST_F(pages, mincore_and_msync)
{
	unsigned char vec[PAGES];

	memset(self->rw, 3, 2 * P);
	EXPECT_EQ(0, mincore(self->rw, PAGES * P, vec));
	/* There is nothing to write back to. */
	EXPECT_TRUE(!msync(self->rw, PAGES * P, MS_SYNC) || errno == EINVAL);
	EXPECT_EQ(0, msync(self->rw, PAGES * P, MS_ASYNC));
	EXPECT_EQ(-1, zt_not_byte(self->rw, 2 * P, 3));
}

TEST_HARNESS_MAIN
