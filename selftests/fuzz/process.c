// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Processes: children, ends, signals, and what they can see of each other.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "names.h"

/* Children that nobody has waited for stay as zombies: not too many. */
#define CHILD_OPS 12

static long end_as_child(bool exec)
{
	static char name[] = "/proc/self/exe", option[] = "--nothing";
	char *argv[] = { name, option, NULL }, *env[] = { NULL };

	if (exec)
		execve(name, argv, env);
	_exit(0);
}

/* A child does some of what comes next, too, and goes on with what it has. */
/* What is mapped in the parent's arena is not the child's, whatever was inherited. */
static void look_at_parent(void)
{
	uint64_t value;

	if (atomic_load(&proc.arena_open))
		return;
	for (unsigned int i = RANGE_MAP; i < RANGE_REGION; i++)
		if (in_arena(proc.ranges[i].base) && !probe(LOAD, proc.ranges[i].base, &value))
			violation("a child can read what its parent has mapped in its arena");
}

static long do_fork(const struct op *op, const uint64_t *a)
{
	static slot_t own[SLOTS];
	long pid;

	(void)a;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	if (proc.forked)
		return 0;
	/* What the child does happens at any time. */
	proc.alone = false;
	pid = raw_clone(0);
	if (pid)
		return pid;

	for (unsigned int i = 0; i < SLOTS; i++)
		own[i] = atomic_load(&proc.slots[i]);
	proc.slots = own;
	proc.forked = true;
	look_at_parent();
	run_rest(CHILD_OPS);
	return end_as_child(op->dst % 4 == 0);
}

static long do_kill(const struct op *op, const uint64_t *a)
{
	(void)op;
	/* Not the parent: it is what ends all. */
	if ((long)a[0] <= 1)
		return -1;
	return syscall(SYS_kill, a[0], SIGKILL);
}

static long do_interrupt(const struct op *op, const uint64_t *a)
{
	(void)op;
	return syscall(SYS_tgkill, syscall(SYS_getpid), atomic_load(&shared->tid[a[0] % MOST_LANES]),
		       SIGUSR1);
}

static const struct name proc_files[] = {
	{ 0, "maps" }, { 1, "smaps" }, { 2, "smaps_rollup" }, { 3, "numa_maps" }, { 4, "pagemap" },
	{ 5, "status" }, { 6, "statm" }, { 7, "fdinfo" }, { 8, "environ" }, { 9, "map_files" },
	{ 0, NULL }
};

static int open_fdinfo(uint64_t fd)
{
	char path[] = "/proc/self/fdinfo/...";

	fd %= 200;
	path[18] = (char)('0' + fd / 100);
	path[19] = (char)('0' + fd / 10 % 10);
	path[20] = (char)('0' + fd % 10);
	/* No zeros in front. */
	while (path[18] == '0' && path[19])
		memmove(path + 18, path + 19, 3);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static long do_look(const struct op *op, const uint64_t *a)
{
	static const char *const paths[] = {
		"/proc/self/maps", "/proc/self/smaps", "/proc/self/smaps_rollup",
		"/proc/self/numa_maps", "/proc/self/pagemap", "/proc/self/status",
		"/proc/self/statm", NULL, "/proc/self/environ", "/proc/self/map_files",
	};
	const char *path = paths[a[0] % ARRAY_SIZE(paths)];
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : open_fdinfo(a[2]);
	ssize_t n = -1;
	int error;

	(void)op;
	if (fd < 0)
		return -1;
	if (a[0] % ARRAY_SIZE(paths) == 4)
		n = pread(fd, lane_scratch(), 2 * PAGE, (off_t)(a[1] / PAGE * 8));
	else
		for (unsigned int i = 0; i < 4; i++)
			n = read(fd, lane_scratch(), 2 * PAGE);
	error = errno;
	close(fd);
	errno = error;
	return n;
}

static long do_clear_refs(const struct op *op, const uint64_t *a)
{
	char what[] = { (char)('1' + op->dst % 5) };
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC), error;
	ssize_t n;

	(void)a;
	if (fd < 0)
		return -1;
	n = write(fd, what, 1);
	error = errno;
	close(fd);
	errno = error;
	return n;
}

/* Take a descriptor out of another process. */
static long do_steal(const struct op *op, const uint64_t *a)
{
	int pidfd = (int)syscall(SYS_pidfd_open, a[0], 0), error;
	long fd;

	if (pidfd < 0)
		return -1;
	fd = syscall(SYS_pidfd_getfd, pidfd, a[1], 0);
	error = errno;
	close(pidfd);
	if (fd >= 0)
		take_fd((int)fd, op->dst);
	errno = error;
	return fd;
}

static const struct name limits[] = { N(RLIMIT_AS), N(RLIMIT_NOFILE), N(RLIMIT_MEMLOCK), { 0, NULL } };

static long do_limit(const struct op *op, const uint64_t *a)
{
	struct rlimit old, new;

	(void)op;
	/* Not the time it may take: then it is killed. */
	if (a[0] != RLIMIT_AS && a[0] != RLIMIT_NOFILE && a[0] != RLIMIT_MEMLOCK)
		return -1;
	if (getrlimit((int)a[0], &old))
		return -1;
	new = old;
	new.rlim_cur = a[1] < old.rlim_max ? a[1] : old.rlim_max;
	return setrlimit((int)a[0], &new);
}

const struct op_type process_types[] = {
	RUN(fork, 1, do_fork, ARG(nothing, A_NUMBER)),
	RUN(kill, 1, do_kill, ARG(pid, A_PID)),
	RUN(interrupt, 6, do_interrupt, ARG(lane, A_LANE)),
	RUN(look, 4, do_look, ARG(file, A_ONE_OF, .names = proc_files), ARG(addr, A_ADDRESS),
	    FILE_ARG(SLOT_VMO)),
	RUN(clear_refs, 1, do_clear_refs, ARG(nothing, A_NUMBER)),
	RUN(steal, 4, do_steal, ARG(pid, A_PID), FILE_ARG(SLOT_VMO)),
	RUN(limit, 1, do_limit, ARG(which, A_ONE_OF, .names = limits), ARG(value, A_PAGES)),
	{ .name = NULL }
};
