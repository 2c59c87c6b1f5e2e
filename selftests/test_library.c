// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * What is the library's own affair: descriptors behind handles and behind its
 * back, the device, fork, sockets, closing from several threads at once.
 */
#include "kselftest_harness.h"
#include "zvm_test.h"

#include <dirent.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

/* Open descriptors of this process. */
static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;
	int n = 0;

	if (!dir)
		return -1;
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	closedir(dir);
	return n - 1;	/* the directory's own */
}

/* The first descriptor whose link is exactly @target, or -1. */
static int find_fd(const char *target)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;
	char link[256];
	int found = -1;
	ssize_t n;

	if (!dir)
		return -1;
	while (found < 0 && (e = readdir(dir))) {
		n = readlinkat(dirfd(dir), e->d_name, link, sizeof(link) - 1);
		if (n < 0)
			continue;
		link[n] = '\0';
		if (!strcmp(link, target))
			found = atoi(e->d_name);
	}
	closedir(dir);
	return found;
}

static bool fd_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* ------------------------------------------------------------------------
 * Handles and descriptors
 */
FIXTURE(handle)
{
	zx_handle_t h;
	int fd;
};

FIXTURE_SETUP(handle)
{
	ASSERT_TRUE(zt_warm_up());
	self->h = zt_vmo(ZT_P, 0);
	ASSERT_NE(0u, self->h);
	self->fd = zvm_handle_to_fd(self->h);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(handle)
{
	zx_handle_close(self->h);
}

TEST_F(handle, fd_is_the_file_and_closes_on_exec)
{
	int32_t word = 0x12345678, back = 0;

	EXPECT_EQ(FD_CLOEXEC, fcntl(self->fd, F_GETFD));
	EXPECT_EQ((ssize_t)sizeof(word), pwrite(self->fd, &word, sizeof(word), 8));
	ZT_EXPECT_OK(zx_vmo_read(self->h, &back, 8, sizeof(back)));
	EXPECT_EQ(word, back);
}

TEST_F(handle, to_fd_of_what_is_not_live)
{
	zx_handle_t dead = zt_vmo(1, 0);

	ZT_EXPECT_OK(zx_handle_close(dead));
	EXPECT_EQ(-1, zvm_handle_to_fd(dead));
	EXPECT_EQ(-1, zvm_handle_to_fd(ZX_HANDLE_INVALID));
	EXPECT_EQ(-1, zvm_handle_to_fd(self->h & ~1u));
}

/* The kernel takes a tag of 0 for "any"; the library lets no such value in. */
TEST_F(handle, H_004_forged_values)
{
	zx_handle_t forged[] = {
		self->h & ~1u,
		self->h & ~2u,
		self->h & 0x3fffffu,			/* no tag */
		self->h ^ 1u << 22,			/* another tag */
		((uint32_t)self->fd << 2) | 3,
	};
	uint64_t size;

	for (size_t i = 0; i < ARRAY_SIZE(forged); i++) {
		ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_get_size(forged[i], &size));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_close(forged[i]));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE,
				 zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0, forged[i],
					     0, ZT_P, &(zx_vaddr_t){ 0 }));
		EXPECT_FALSE(zt_live(forged[i]));
	}
	EXPECT_TRUE(zt_live(self->h));
}

/* Somebody closed the descriptor: the value is dead, and stays so. */
TEST_F(handle, closed_behind_the_library)
{
	uint64_t size;
	int null;

	ASSERT_EQ(0, close(self->fd));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_get_size(self->h, &size));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_close(self->h));

	/* Some other file has the number now; it must survive. */
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	ASSERT_EQ(self->fd, null);
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_get_size(self->h, &size));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_set_size(self->h, 0));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE,
			 zx_handle_replace(self->h, ZX_RIGHT_SAME_RIGHTS, &(zx_handle_t){ 0 }));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE,
			 zx_vmo_replace_as_executable(self->h, 0, &(zx_handle_t){ 0 }));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_close(self->h));
	EXPECT_TRUE(fd_open(null));
	close(null);
}

/* The number went to another handle: the tag tells. */
TEST_F(handle, reused_by_another_handle)
{
	zx_handle_t other = zt_vmo(3 * ZT_P, 0);
	uint64_t size;

	ASSERT_EQ(self->fd, dup2(zvm_handle_to_fd(other), self->fd));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_get_size(self->h, &size));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_close(self->h));
	EXPECT_TRUE(fd_open(self->fd));
	close(self->fd);
	ZT_EXPECT_OK(zx_handle_close(other));
}

TEST_F(handle, from_fd_of_a_duplicate)
{
	zx_handle_t h2 = 0;
	int fd = dup(self->fd);

	ASSERT_LE(0, fd);
	ZT_ASSERT_OK(zvm_handle_from_fd(fd, &h2));
	EXPECT_NE(self->h, h2);
	EXPECT_EQ(3u, h2 & 3);
	EXPECT_EQ(fd, zvm_handle_to_fd(h2));
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	ZT_EXPECT_U64(zt_koid(self->h), zt_koid(h2));
	EXPECT_EQ(zt_rights(self->h), zt_rights(h2));
	ZT_EXPECT_OK(zx_handle_close(h2));
	EXPECT_FALSE(fd_open(fd));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_close(h2));
	EXPECT_TRUE(zt_live(self->h));
}

/* Same value as before: the descriptor and its handle are the same. */
TEST_F(handle, from_fd_of_its_own)
{
	zx_handle_t again = 0;

	ZT_ASSERT_OK(zvm_handle_from_fd(self->fd, &again));
	EXPECT_EQ(self->h, again);
}

TEST_F(handle, from_fd_of_something_else)
{
	zx_handle_t out = 77;
	int device = open("/dev/zircon-vm", O_RDWR | O_CLOEXEC);
	int event = eventfd(0, EFD_CLOEXEC);
	int pair[2];

	ASSERT_EQ(0, pipe2(pair, O_CLOEXEC));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zvm_handle_from_fd(-1, &out));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zvm_handle_from_fd(999, &out));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zvm_handle_from_fd(device, &out));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zvm_handle_from_fd(event, &out));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zvm_handle_from_fd(pair[0], &out));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zvm_handle_from_fd(self->fd, NULL));
	EXPECT_EQ(77u, out);
	EXPECT_TRUE(fd_open(device) && fd_open(event) && fd_open(pair[0]) && fd_open(self->fd));
	close(device);
	close(event);
	close(pair[0]);
	close(pair[1]);
}

/* The old handle dies in either outcome, and its descriptor is given back. */
TEST_F(handle, H_010_H_011_replace_gives_the_descriptor_back)
{
	int before = count_fds();
	zx_handle_t out = 0;

	ZT_ASSERT_OK(zx_handle_replace(self->h, ZX_RIGHT_READ, &out));
	EXPECT_EQ(before, count_fds());
	EXPECT_FALSE(zt_live(self->h));
	EXPECT_EQ(ZX_RIGHT_READ, zt_rights(out));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_replace(self->h, 0, &self->h));

	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_handle_replace(out, ZX_RIGHT_WRITE, &self->h));
	EXPECT_EQ(before - 1, count_fds());
	EXPECT_FALSE(zt_live(out));
}

TEST_F(handle, V_255_V_256_replace_as_executable_gives_the_descriptor_back)
{
	zx_handle_t vmar, out = 0, other = zt_vmo(1, 0);
	int before = count_fds();

	/* A handle that permits nothing, or no handle at all, as the resource. */
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmo_replace_as_executable(self->h, other, &out));
	EXPECT_FALSE(zt_live(self->h));
	EXPECT_EQ(before - 1, count_fds());
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_replace_as_executable(other, self->h, &out));
	EXPECT_FALSE(zt_live(other));
	EXPECT_EQ(before - 2, count_fds());

	ZT_ASSERT_OK(zx_handle_duplicate(zx_vmar_root_self(), ZX_RIGHT_SAME_RIGHTS, &vmar));
	EXPECT_EQ(before - 1, count_fds());
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_replace_as_executable(vmar, 0, &out));
	EXPECT_FALSE(zt_live(vmar));
	EXPECT_EQ(before - 2, count_fds());

	other = zt_vmo(1, 0);
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmo_replace_as_executable(other, 0, NULL));
	EXPECT_FALSE(zt_live(other));
	EXPECT_EQ(before - 2, count_fds());
}

TEST_F(handle, check_valid)
{
	ZT_EXPECT_OK(zx_handle_check_valid(self->h));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_handle_check_valid(ZX_HANDLE_INVALID));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_handle_check_valid(self->h & ~1u));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_handle_check_valid(self->h & ~2u));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, zx_handle_check_valid(self->h ^ 1u << 22));
	ZT_EXPECT_OK(zx_handle_close(self->h));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, zx_handle_check_valid(self->h));
}

/* A failing call must not look like a failing C library call. */
TEST_F(handle, errno_is_left_alone)
{
	zx_handle_t out = 0;
	uint64_t size;

	errno = 4711;
	zx_vmo_create(UINT64_MAX, 0, &out);
	zx_vmo_create(1, 0, &out);
	zx_handle_close(out);
	zx_handle_close(out);
	zx_handle_close_many((void *)16, 1);
	zx_vmo_get_size(out, &size);
	zx_vmo_get_size(self->h, (void *)16);
	zx_object_get_info(self->h, 0xfff, NULL, 0, NULL, NULL);
	zx_vmar_unmap(zx_vmar_root_self(), 1, 1);
	zx_vmar_unmap_handle_close_thread_exit(zx_vmar_root_self(), 1, 1, 0);
	zvm_handle_from_fd(-1, &out);
	zvm_handle_to_fd(out);
	zvm_handle_send(-1, self->h);
	zvm_handle_recv(-1, &out);
	zx_clock_get_monotonic();
	EXPECT_EQ(4711, errno);
}

/* Topics that only other types of objects have; and topics nobody has. */
TEST_F(handle, H_014_info_topics)
{
	static const uint32_t missing[] = {
		ZX_INFO_PROCESS, ZX_INFO_PROCESS_MAPS, ZX_INFO_JOB, ZX_INFO_THREAD,
		ZX_INFO_TASK_STATS, ZX_INFO_BTI, ZX_INFO_STREAM, ZX_INFO_CLOCK_MAPPED_SIZE,
	};
	static const uint32_t unknown[] = { 0, 5, 6, 11, 23 | 4u << 28, 36 | 1u << 28, 41, ~0u };
	char buf[512];

	for (size_t i = 0; i < ARRAY_SIZE(missing); i++) {
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
				 zx_object_get_info(self->h, missing[i], buf, sizeof(buf), NULL, NULL));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE,
				 zx_object_get_info(7, missing[i], buf, sizeof(buf), NULL, NULL));
	}
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
				 zx_object_get_info(self->h, unknown[i], buf, sizeof(buf), NULL, NULL));
		ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
				 zx_object_get_info(7, unknown[i], buf, sizeof(buf), NULL, NULL));
	}
}

/* ------------------------------------------------------------------------
 * Closing
 */

/* The array is read in parts of 64; those before the unreadable one are done. */
TEST(close_many_of_an_array_that_ends_too_early)
{
	zx_handle_t *end = (zx_handle_t *)((char *)mmap(NULL, 2 * ZT_P, PROT_READ | PROT_WRITE,
							MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + ZT_P);
	zx_handle_t h[70];
	int before;

	ASSERT_TRUE(zt_warm_up());
	before = count_fds();
	ASSERT_EQ(0, mprotect(end, ZT_P, PROT_NONE));
	for (size_t i = 0; i < ARRAY_SIZE(h); i++)
		h[i] = zt_vmo(1, 0);
	memcpy(end - ARRAY_SIZE(h), h, sizeof(h));

	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_handle_close_many(end - ARRAY_SIZE(h), ARRAY_SIZE(h) + 1));
	for (size_t i = 0; i < ARRAY_SIZE(h); i++) {
		EXPECT_EQ(i >= 64, zt_live(h[i])) TH_LOG("handle %zu", i);
	}
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE,
			 zx_handle_close_many(end - ARRAY_SIZE(h), ARRAY_SIZE(h)));
	EXPECT_EQ(before, count_fds());
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_handle_close_many(NULL, 1));
	ZT_EXPECT_OK(zx_handle_close_many(NULL, 0));
}

/*
 * Two threads close the same value, as a buggy program may. The first thread is
 * stopped at the command that closes: a seccomp filter of its own sends that
 * system call to this test, which lets it go on when it has seen enough.
 */
struct slow_close {
	zx_handle_t h;
	int fd;
	int listener;		/* 0: not there yet; -1: cannot be had */
	zx_status_t status;
	struct seccomp_notif call;
};

static void *slow_close(void *arg)
{
	struct slow_close *slow = arg;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ZVM_HANDLE_CLOSE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = ARRAY_SIZE(filter), .filter = filter };
	int listener;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	__atomic_store_n(&slow->listener, listener > 0 ? listener : -1, __ATOMIC_RELEASE);
	slow->status = listener > 0 ? zx_handle_close(slow->h) : ZX_ERR_INTERNAL;
	return NULL;
}

/* Start closing slow->h; true if that waits at its system call now. */
static bool slow_close_begin(struct slow_close *slow, pthread_t *thread)
{
	int listener;

	slow->fd = zvm_handle_to_fd(slow->h);
	if (pthread_create(thread, NULL, slow_close, slow))
		return false;
	while (!(listener = __atomic_load_n(&slow->listener, __ATOMIC_ACQUIRE)))
		sched_yield();
	memset(&slow->call, 0, sizeof(slow->call));
	return listener > 0 && !ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &slow->call);
}

static bool slow_close_end(struct slow_close *slow, pthread_t thread)
{
	struct seccomp_notif_resp go_on = {
		.id = slow->call.id,
		.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE,
	};
	bool ok = !ioctl(slow->listener, SECCOMP_IOCTL_NOTIF_SEND, &go_on);

	pthread_join(thread, NULL);
	return ok;
}

TEST(closing_one_value_from_two_threads)
{
	struct slow_close slow = { .h = zt_vmo(1, 0) };
	zx_handle_t out = 0, vmo = zt_vmo(1, 0);
	pthread_t thread;
	int event;

	ASSERT_TRUE(slow_close_begin(&slow, &thread));
	EXPECT_TRUE(zt_live(slow.h));
	/* Late: nothing is done a second time. */
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_close(slow.h));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_close_many(&slow.h, 1));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_replace(slow.h, ZX_RIGHT_SAME_RIGHTS, &out));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_replace_as_executable(slow.h, 0, &out));
	event = eventfd(0, EFD_CLOEXEC);
	EXPECT_NE(slow.fd, event);
	/* Others can be closed. */
	ZT_EXPECT_OK(zx_handle_close(vmo));
	ASSERT_TRUE(slow_close_end(&slow, thread));
	ZT_EXPECT_OK(slow.status);
	EXPECT_TRUE(fd_open(event));
	EXPECT_FALSE(fd_open(slow.fd));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_close(slow.h));
}

static void *end_soon(void *arg)
{
	struct slow_close *slow = arg;
	struct seccomp_notif_resp done = { .id = slow->call.id };

	zt_sleep_ms(20);
	return ioctl(slow->listener, SECCOMP_IOCTL_NOTIF_SEND, &done) ? arg : NULL;
}

/*
 * A thread has closed a handle but has not come back from the call yet, when the same
 * value is in use again: that one is to be closed as any other.
 */
TEST(closing_a_value_that_is_back_already)
{
	struct slow_close slow = { .h = zt_vmo(1, 0) };
	pthread_t thread, other;
	void *failed = NULL;
	zx_handle_t again;

	ASSERT_TRUE(slow_close_begin(&slow, &thread));
	/* This stands for the thread's own close, which then says that it was done. */
	ASSERT_EQ(0, close(slow.fd));
	for (int i = 0; (again = zt_vmo(1, 0)) != slow.h; i++) {
		ASSERT_NE(0u, again);
		ASSERT_GT(100000, i);
		ZT_ASSERT_OK(zx_handle_close(again));
	}
	ASSERT_EQ(0, pthread_create(&other, NULL, end_soon, &slow));
	ZT_EXPECT_OK(zx_handle_close(again));
	EXPECT_FALSE(zt_live(again));
	pthread_join(other, &failed);
	EXPECT_EQ(NULL, failed);
	pthread_join(thread, NULL);
	ZT_EXPECT_OK(slow.status);
}

/* ------------------------------------------------------------------------
 * The device
 */
TEST(device_closed_or_replaced_by_others)
{
	zx_handle_t h = zt_vmo(1, 0), again;
	int fd, null;

	/* Closed. */
	fd = find_fd("/dev/zircon-vm");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, close(fd));
	again = zt_vmo(1, 0);
	ASSERT_NE(0u, again);
	ZT_EXPECT_OK(zx_handle_close(again));

	/* The number taken over by some other file, which must not be harmed. */
	fd = find_fd("/dev/zircon-vm");
	ASSERT_LE(0, fd);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	ASSERT_EQ(fd, dup2(null, fd));
	again = zt_vmo(1, 0);
	ASSERT_NE(0u, again);
	ZT_EXPECT_OK(zx_handle_close(again));
	EXPECT_EQ(1, write(fd, "x", 1));
	close(fd);

	/* Or by a handle. */
	fd = find_fd("/dev/zircon-vm");
	ASSERT_LE(0, fd);
	ASSERT_EQ(fd, dup2(zvm_handle_to_fd(h), fd));
	again = zt_vmo(1, 0);
	ASSERT_NE(0u, again);
	ZT_EXPECT_OK(zx_handle_close(again));
	EXPECT_TRUE(fd_open(fd));
	EXPECT_LE(0, find_fd("/dev/zircon-vm"));
	EXPECT_TRUE(zt_live(h));
}

/* The device is not there: a status, one line on stderr, no crash. */
static int without_module(void *arg)
{
	int *err = arg;
	zx_handle_t h = 0;

	/* A folder without dev/. */
	if (chroot("/proc") || chdir("/"))
		return 2;
	dup2(err[1], 2);
	if (zx_vmo_create(1, 0, &h) != ZX_ERR_UNAVAILABLE || h)
		return 3;
	if (zx_vmar_root_self() != ZX_HANDLE_INVALID)
		return 4;
	if (zvm_stats(&(struct zvm_stats){ 0 }) != ZX_ERR_UNAVAILABLE)
		return 5;
	return 0;
}

TEST(no_module)
{
	char text[512] = "", *newline;
	ssize_t n;
	int err[2];

	if (geteuid())
		SKIP(return, "needs chroot(2)");
	ASSERT_EQ(0, pipe2(err, O_CLOEXEC | O_NONBLOCK));
	EXPECT_EQ(0, zt_fork_run(without_module, err));
	n = read(err[0], text, sizeof(text) - 1);
	ASSERT_LT(0, n);
	EXPECT_NE(NULL, strstr(text, "zircon-vm: cannot open /dev/zircon-vm: "));
	EXPECT_NE(NULL, strstr(text, "is the module zircon_vm loaded?"));
	newline = strchr(text, '\n');
	ASSERT_NE(NULL, newline);
	EXPECT_EQ(n, newline + 1 - text) TH_LOG("more than one line: %s", text);
}

/* ------------------------------------------------------------------------
 * The root region
 */
static void *root_thread(void *arg)
{
	pthread_barrier_wait(arg);
	return (void *)(uintptr_t)zx_vmar_root_self();
}

/* All threads get one value, made once. */
TEST(R_001_root_from_many_threads)
{
	pthread_barrier_t barrier;
	pthread_t threads[8];
	zx_handle_t first = 0;
	int fds = count_fds();

	pthread_barrier_init(&barrier, NULL, ARRAY_SIZE(threads));
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, root_thread, &barrier));
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		void *value;

		pthread_join(threads[i], &value);
		if (!first)
			first = (zx_handle_t)(uintptr_t)value;
		EXPECT_NE(0u, first);
		ZT_EXPECT_U64(first, (uintptr_t)value);
	}
	EXPECT_EQ(first, zx_vmar_root_self());
	EXPECT_EQ(ZX_OBJ_TYPE_VMAR, zt_type(first));
	/* The device and the root. */
	EXPECT_EQ(fds + 2, count_fds());
}

struct fork_root {
	zx_handle_t root;
	zx_koid_t koid;
};

static int child_root(void *arg)
{
	const struct fork_root *parent = arg;
	zx_handle_t mine = zx_vmar_root_self();
	zx_handle_t vmo = zt_vmo(ZT_P, 0);
	zx_vaddr_t addr;

	if (!mine || zt_koid(mine) == parent->koid || mine != zx_vmar_root_self())
		return 2;
	if (zx_vmar_map(mine, ZT_RW, 0, vmo, 0, ZT_P, &addr) || zt_try_write((void *)addr))
		return 3;
	/* The parent's was inherited, and is good for nothing. */
	if (zx_vmar_map(parent->root, ZT_RW, 0, vmo, 0, ZT_P, &addr) != ZX_ERR_ACCESS_DENIED)
		return 4;
	return 0;
}

TEST(root_in_a_forked_child)
{
	struct fork_root parent = { .root = zx_vmar_root_self() };

	parent.koid = zt_koid(parent.root);
	EXPECT_EQ(0, zt_fork_run(child_root, &parent));
	EXPECT_EQ(parent.root, zx_vmar_root_self());
	EXPECT_TRUE(zt_live(parent.root));
	EXPECT_TRUE(zt_warm_up());
}

/* Another thread was about to close a handle when fork(2) copied us. */
static int child_close(void *arg)
{
	zx_handle_t *h = arg;

	return zx_handle_close(*h) == ZX_OK && !zt_live(*h) ? 0 : 2;
}

TEST(fork_while_another_thread_closes)
{
	struct slow_close slow = { .h = zt_vmo(1, 0) };
	pthread_t thread;

	ASSERT_TRUE(slow_close_begin(&slow, &thread));
	EXPECT_EQ(0, zt_fork_run(child_close, &slow.h));
	/* The child closed its own descriptor only. */
	EXPECT_TRUE(zt_live(slow.h));
	ASSERT_TRUE(slow_close_end(&slow, thread));
	ZT_EXPECT_OK(slow.status);
	EXPECT_FALSE(zt_live(slow.h));
}

/* ------------------------------------------------------------------------
 * Sockets
 */
FIXTURE(socket)
{
	int s[2];
	zx_handle_t h;
};

FIXTURE_VARIANT(socket)
{
	int type;
};

FIXTURE_VARIANT_ADD(socket, stream) { .type = SOCK_STREAM };
FIXTURE_VARIANT_ADD(socket, seqpacket) { .type = SOCK_SEQPACKET };
FIXTURE_VARIANT_ADD(socket, dgram) { .type = SOCK_DGRAM };

FIXTURE_SETUP(socket)
{
	ASSERT_TRUE(zt_warm_up());
	ASSERT_EQ(0, socketpair(AF_UNIX, variant->type | SOCK_CLOEXEC, 0, self->s));
	self->h = zt_vmo(ZT_P, ZX_VMO_RESIZABLE);
	ASSERT_NE(0u, self->h);
}

FIXTURE_TEARDOWN(socket)
{
	zx_handle_close(self->h);
	close(self->s[0]);
	close(self->s[1]);
}

TEST_F(socket, send_and_receive)
{
	zx_koid_t koid = zt_koid(self->h);
	zx_rights_t rights = ZX_RIGHT_TRANSFER | ZX_RIGHT_READ | ZX_RIGHT_GET_PROPERTY;
	zx_handle_t h = zt_dup(self->h, rights), got = 0;
	int before = count_fds();

	ZT_ASSERT_OK(zvm_handle_send(self->s[0], h));
	EXPECT_EQ(before - 1, count_fds());
	EXPECT_FALSE(zt_live(h));
	ZT_ASSERT_OK(zvm_handle_recv(self->s[1], &got));
	EXPECT_EQ(before, count_fds());
	EXPECT_EQ(FD_CLOEXEC, fcntl(zvm_handle_to_fd(got), F_GETFD));
	ZT_EXPECT_U64(koid, zt_koid(got));
	EXPECT_EQ(rights, zt_rights(got));
	ZT_EXPECT_OK(zx_handle_close(got));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_handle_close(got));
	EXPECT_TRUE(zt_live(self->h));
}

TEST_F(socket, many_in_order)
{
	zx_handle_t got;

	for (uint64_t i = 1; i <= 5; i++)
		ZT_ASSERT_OK(zvm_handle_send(self->s[0], zt_vmo(i * ZT_P, 0)));
	for (uint64_t i = 1; i <= 5; i++) {
		ZT_ASSERT_OK(zvm_handle_recv(self->s[1], &got));
		ZT_EXPECT_U64(i * ZT_P, zt_size(got));
		ZT_EXPECT_OK(zx_handle_close(got));
	}
}

TEST_F(socket, refused_and_still_there)
{
	zx_handle_t stay = zt_without(self->h, ZX_RIGHT_TRANSFER), dead = zt_vmo(1, 0);
	int inet = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int alone = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int before = count_fds() - 1;

	ZT_EXPECT_OK(zx_handle_close(dead));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zvm_handle_send(self->s[0], dead));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zvm_handle_send(self->s[0], 0));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zvm_handle_send(self->s[0], stay));
	EXPECT_TRUE(zt_live(stay));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zvm_handle_send(-1, self->h));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zvm_handle_send(zvm_handle_to_fd(self->h), self->h));
	if (inet >= 0)
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zvm_handle_send(inet, self->h));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_CONNECTED, zvm_handle_send(alone, self->h));
	EXPECT_TRUE(zt_live(self->h));
	EXPECT_EQ(before, count_fds());
	close(inet);
	close(alone);
	ZT_EXPECT_OK(zx_handle_close(stay));
}

TEST_F(socket, not_blocking)
{
	zx_handle_t got = 0;
	zx_status_t status;
	int sent = 0;

	for (int i = 0; i < 2; i++)
		fcntl(self->s[i], F_SETFL, O_NONBLOCK);
	ZT_EXPECT_STATUS(ZX_ERR_SHOULD_WAIT, zvm_handle_recv(self->s[1], &got));
	while (sent < 10000) {
		zx_handle_t h = zt_vmo(1, 0);

		status = zvm_handle_send(self->s[0], h);
		if (status != ZX_OK) {
			EXPECT_TRUE(zt_live(h));
			ZT_EXPECT_OK(zx_handle_close(h));
			break;
		}
		sent++;
	}
	/* The buffer, or the number of descriptors under way. */
	EXPECT_TRUE(status == ZX_ERR_SHOULD_WAIT || status == ZX_ERR_NO_RESOURCES)
		TH_LOG("%s after %d", zx_status_get_string(status), sent);
	while (sent--) {
		ZT_ASSERT_OK(zvm_handle_recv(self->s[1], &got));
		ZT_EXPECT_OK(zx_handle_close(got));
	}
	ZT_EXPECT_STATUS(ZX_ERR_SHOULD_WAIT, zvm_handle_recv(self->s[1], &got));
}

TEST_F(socket, peer_is_gone)
{
	zx_handle_t got = 0;

	close(self->s[1]);
	ZT_EXPECT_STATUS(ZX_ERR_PEER_CLOSED, zvm_handle_send(self->s[0], self->h));
	EXPECT_TRUE(zt_live(self->h));
	if (variant->type != SOCK_DGRAM)
		ZT_EXPECT_STATUS(ZX_ERR_PEER_CLOSED, zvm_handle_recv(self->s[0], &got));
	EXPECT_EQ(0u, got);
}

/* Send one byte and @n descriptors. */
static bool send_fds(int sock, const int *fds, size_t n)
{
	char byte = 0, control[CMSG_SPACE(8 * sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (n) {
		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	}
	return sendmsg(sock, &m, 0) == 1;
}

/* What the other side may send by mistake or malice; nothing of it is kept. */
TEST_F(socket, other_messages)
{
	int fd = zvm_handle_to_fd(self->h);
	int fds[8] = { fd, fd, fd, fd, fd, fd, fd, fd };
	zx_handle_t got = 0;
	int before = count_fds();

	ASSERT_TRUE(send_fds(self->s[0], NULL, 0));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zvm_handle_recv(self->s[1], &got));
	ASSERT_TRUE(send_fds(self->s[0], fds, 2));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zvm_handle_recv(self->s[1], &got));
	ASSERT_TRUE(send_fds(self->s[0], fds, 8));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zvm_handle_recv(self->s[1], &got));
	ASSERT_TRUE(send_fds(self->s[0], &self->s[0], 1));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zvm_handle_recv(self->s[1], &got));
	EXPECT_EQ(0u, got);
	EXPECT_EQ(before, count_fds());

	/* By hand, of a handle: as good as zvm_handle_send(). */
	ASSERT_TRUE(send_fds(self->s[0], fds, 1));
	ZT_ASSERT_OK(zvm_handle_recv(self->s[1], &got));
	ZT_EXPECT_U64(zt_koid(self->h), zt_koid(got));
	ZT_EXPECT_OK(zx_handle_close(got));

	/* No place to put it: it is gone. */
	ASSERT_TRUE(send_fds(self->s[0], fds, 1));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zvm_handle_recv(self->s[1], (void *)16));
	EXPECT_EQ(before, count_fds());
}

/* ------------------------------------------------------------------------
 * The rest
 */
TEST(print_a_tree)
{
	zx_handle_t root = zx_vmar_root_self(), vmo = zt_vmo(3 * ZT_P, 0), region;
	char want[64], *text = NULL;
	zx_vaddr_t base, addr;
	size_t len;
	FILE *f;

	ZT_ASSERT_OK(zx_object_set_property(vmo, ZX_PROP_NAME, "some\nthing", 10));
	ZT_ASSERT_OK(zx_vmar_allocate(root, ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE, 0,
				      16 * ZT_P, &region, &base));
	ZT_ASSERT_OK(zx_vmar_map(region, ZX_VM_PERM_READ, 0, vmo, ZT_P, 2 * ZT_P, &addr));

	f = open_memstream(&text, &len);
	ASSERT_NE(NULL, f);
	ZT_EXPECT_OK(zvm_vmar_print(f, region));
	fclose(f);
	snprintf(want, sizeof(want), "  %012" PRIxPTR "-%012" PRIxPTR, addr, addr + 2 * ZT_P);
	EXPECT_NE(NULL, strstr(text, want));
	EXPECT_NE(NULL, strstr(text, " r-- "));
	EXPECT_NE(NULL, strstr(text, "'some?thing'"));
	snprintf(want, sizeof(want), "vmo %" PRIu64 "+0x%zx", zt_koid(vmo), ZT_P);
	EXPECT_NE(NULL, strstr(text, want));
	snprintf(want, sizeof(want), "\n%012" PRIxPTR "-%012" PRIxPTR, base, base + 16 * ZT_P);
	EXPECT_NE(NULL, strstr(text, want));
	EXPECT_NE(NULL, strstr(text, "'useralloc'")) TH_LOG("%s", text);
	free(text);

	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zvm_vmar_print(stderr, vmo));
	ZT_EXPECT_OK(zx_vmar_destroy(region));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zvm_vmar_print(stderr, region));
	f = fopen("/dev/full", "w");
	if (f) {
		ZT_EXPECT_STATUS(ZX_ERR_IO, zvm_vmar_print(f, root));
		fclose(f);
	}
}

TEST(stats_count)
{
	struct zvm_stats before = zt_stats(), now;
	zx_handle_t h;

	ZT_EXPECT_U64(sizeof(before), before.size);
	h = zt_vmo(1, 0);
	now = zt_stats();
	EXPECT_GE(now.vmos, before.vmos + 1);
	EXPECT_GE(now.handles, before.handles + 1);
	ZT_EXPECT_OK(zx_handle_close(h));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zvm_stats(NULL));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zvm_stats((void *)16));
}

/* Signals arrive all the time; calls neither fail nor do less. */
static volatile sig_atomic_t ticks;

static void on_tick(int sig ZT_UNUSED)
{
	ticks++;
}

TEST(signals_do_not_show)
{
	const size_t len = 16 << 20;
	struct itimerval every = { { 0, 200 }, { 0, 200 } }, never = { { 0, 0 }, { 0, 0 } };
	struct sigaction sa = { .sa_handler = on_tick };
	uint8_t *buf = malloc(len), *back = malloc(len);
	zx_handle_t vmo = zt_vmo(len, 0);

	ASSERT_TRUE(buf && back && vmo);
	zt_fill(buf, len, 0, 1);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	for (int i = 0; i < 20; i++) {
		zx_handle_t h = 0;
		zx_vaddr_t addr = 0;

		ZT_EXPECT_OK(zx_vmo_write(vmo, buf, 0, len));
		memset(back, 0, len);
		ZT_EXPECT_OK(zx_vmo_read(vmo, back, 0, len));
		EXPECT_EQ(0, memcmp(buf, back, len));
		ZT_EXPECT_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, len, NULL, 0));
		ZT_EXPECT_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 0, len, NULL, 0));
		ZT_EXPECT_OK(zx_vmo_create(1, 0, &h));
		ZT_EXPECT_OK(zx_vmar_map(zx_vmar_root_self(), ZT_RW | ZX_VM_MAP_RANGE, 0, vmo, 0,
					 len, &addr));
		ZT_EXPECT_OK(zx_vmar_unmap(zx_vmar_root_self(), addr, len));
		ZT_EXPECT_OK(zx_handle_close(h));
	}
	setitimer(ITIMER_REAL, &never, NULL);
	EXPECT_LT(0, ticks);
	free(buf);
	free(back);
}

/* ------------------------------------------------------------------------
 * The last act of a thread. It cannot be one of the C library's: that would
 * look for the stack afterwards.
 */
#define STACK (64 * 1024)

struct last_act {
	zx_handle_t vmar, close;
	zx_vaddr_t addr;
	size_t len;
	volatile zx_status_t status;
	volatile int returned;
	uint32_t tid;		/* cleared, with a wake-up, when the thread is gone */
};

static int last_act(void *arg)
{
	struct last_act *act = arg;

	act->status = zx_vmar_unmap_handle_close_thread_exit(act->vmar, act->addr, act->len,
							     act->close);
	act->returned = 1;
	syscall(SYS_exit, 0);
	return 0;
}

/* Run it on a stack of its own: false if the thread did not end in 10 s. */
static bool run_last_act(struct last_act *act, void *stack)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			  CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;
	uint64_t end = zt_now_ns() + 10000000000u;
	uint32_t tid;

	act->tid = 1;
	if (clone(last_act, (char *)stack + STACK, flags, act, NULL, NULL, &act->tid) < 0)
		return false;
	while ((tid = __atomic_load_n(&act->tid, __ATOMIC_ACQUIRE))) {
		struct timespec wait = { .tv_nsec = 10000000 };

		if (zt_now_ns() > end)
			return false;
		syscall(SYS_futex, &act->tid, FUTEX_WAIT, tid, &wait);
	}
	return true;
}

FIXTURE(exit)
{
	zx_handle_t stack_vmo, other;
	void *stack;
	struct last_act *act;
};

FIXTURE_SETUP(exit)
{
	self->stack_vmo = zt_vmo(STACK, 0);
	self->other = zt_vmo(1, 0);
	self->stack = zt_map(self->stack_vmo, 0, STACK, ZT_RW);
	ASSERT_NE(NULL, self->stack);
	self->act = calloc(1, sizeof(*self->act));
	ASSERT_NE(NULL, self->act);
	*self->act = (struct last_act){
		.vmar = zx_vmar_root_self(),
		.close = self->other,
		.addr = (zx_vaddr_t)self->stack,
		.len = STACK,
	};
}

FIXTURE_TEARDOWN(exit)
{
	free(self->act);
}

TEST_F(exit, R_133_unmaps_its_own_stack_closes_and_is_gone)
{
	ASSERT_TRUE(run_last_act(self->act, self->stack));
	EXPECT_EQ(0, self->act->returned);
	EXPECT_EQ(SIGSEGV, zt_try_read(self->stack));
	EXPECT_FALSE(zt_live(self->other));
	EXPECT_TRUE(zt_live(self->stack_vmo));
	ZT_EXPECT_U64(0, zt_vmo_info(self->stack_vmo).num_mappings);
	/* The value is free for others: nothing of the closing is left behind. */
	for (int i = 0; i < 1100; i++)
		ZT_EXPECT_OK(zx_handle_close(zt_vmo(1, 0)));
}

TEST_F(exit, R_133_without_a_handle_to_close)
{
	self->act->close = ZX_HANDLE_INVALID;
	ASSERT_TRUE(run_last_act(self->act, self->stack));
	EXPECT_EQ(0, self->act->returned);
	EXPECT_EQ(SIGSEGV, zt_try_read(self->stack));
	EXPECT_TRUE(zt_live(self->other));
}

/* What the unmap says is what comes back, and nothing has happened. */
TEST_F(exit, R_132_bad_arguments)
{
	sigset_t mask, after;

	memset(&mask, 0, sizeof(mask));
	memset(&after, 0, sizeof(after));
	self->act->addr++;
	ASSERT_TRUE(run_last_act(self->act, self->stack));
	EXPECT_EQ(1, self->act->returned);
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, self->act->status);
	EXPECT_TRUE(zt_live(self->other));
	EXPECT_EQ(0, zt_try_read(self->stack));

	/* A bad handle to close matters only if the unmap works. */
	self->act->close = self->other ^ 1u << 22;
	ASSERT_TRUE(run_last_act(self->act, self->stack));
	EXPECT_EQ(1, self->act->returned);
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, self->act->status);

	/* On this very thread: it goes on, its signal mask is what it was. */
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmar_unmap_handle_close_thread_exit(zx_vmar_root_self(), 1, 1,
								self->other));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
			 zx_vmar_unmap_handle_close_thread_exit(self->other, 0, ZT_P, self->other));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE,
			 zx_vmar_unmap_handle_close_thread_exit(0, 0, ZT_P, self->other));
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	EXPECT_EQ(0, memcmp(&mask, &after, sizeof(mask)));
	ZT_EXPECT_OK(zx_handle_close(self->other));
}

/* The handle cannot be closed: a trap, which ends the process. */
static int exit_with_bad_handle(void *arg)
{
	struct last_act *act = arg;

	signal(SIGILL, SIG_DFL);
	signal(SIGTRAP, SIG_DFL);
	return run_last_act(act, (void *)act->addr) ? 3 : 4;
}

static int child_trap(void *arg ZT_UNUSED)
{
	static struct last_act act;
	zx_handle_t vmo = zt_vmo(STACK, 0);
	void *stack = zt_map(vmo, 0, STACK, ZT_RW);

	if (!stack)
		return 2;
	act = (struct last_act){
		.vmar = zx_vmar_root_self(),
		.close = vmo ^ 1u << 22,
		.addr = (zx_vaddr_t)stack,
		.len = STACK,
	};
	return exit_with_bad_handle(&act);
}

TEST_F(exit, close_that_fails_traps)
{
	int status = zt_fork_run(child_trap, NULL);

	EXPECT_TRUE(status == 128 + SIGILL || status == 128 + SIGTRAP) TH_LOG("%d", status);
}

TEST_HARNESS_MAIN
