// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * One run of a program, from its first process to the last trace of it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "watch.h"

/* Seconds without any operation after which something hangs. */
#define PATIENCE 90
/* Seconds until what a program has left must be gone. */
#define AFTER 20

#define GROUP "/sys/fs/cgroup/zvm-fuzz"
#define USER_PAGES "/sys/module/zircon_vm/parameters/user_pages"

static int device, group;
static struct zvm_stats before;
static char old_user_pages[32];

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return ok;
}

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "zvm-fuzz: %s: %s\n", what, strerror(errno));
	exit(2);
}

void prepare_attempts(void)
{
	int fd;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(shared != MAP_FAILED, "memory");
	make_common_zone();
	open_log();
	device = open("/dev/zircon-vm", O_RDWR | O_CLOEXEC);
	need(device >= 0, "/dev/zircon-vm");

	/* What they take must not be what the machine has. */
	need(!mkdir(GROUP, 0700) || errno == EEXIST, GROUP);
	need(write_file(GROUP "/memory.max", "128M"), GROUP "/memory.max");
	need(write_file(GROUP "/pids.max", "100"), GROUP "/pids.max");
	group = open(GROUP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	need(group >= 0, GROUP);
	fd = open(USER_PAGES, O_RDONLY | O_CLOEXEC);
	need(fd >= 0 && read(fd, old_user_pages, sizeof(old_user_pages) - 1) > 0, USER_PAGES);
	close(fd);
	need(write_file(USER_PAGES, "4096"), USER_PAGES);

	before = get_stats(device);
}

void end_attempts(void)
{
	write_file(USER_PAGES, old_user_pages);
	close(group);
	rmdir(GROUP);
}

__attribute__((format(printf, 1, 2)))
static void told(const char *fmt, ...)
{
	va_list args;

	if (atomic_exchange(&shared->failed, true))
		return;
	va_start(args, fmt);
	vsnprintf(shared->failure, sizeof(shared->failure), fmt, args);
	va_end(args);
}

static pid_t start(const struct program *p, const bool *keep, bool serial, int *pidfd)
{
	struct clone_args args = {
		.flags = CLONE_NEWPID | CLONE_INTO_CGROUP | CLONE_PIDFD,
		.pidfd = (uint64_t)pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)group,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (!pid)
		run_program(p, keep, serial);
	return pid;
}

static bool ended(int pidfd, int milliseconds)
{
	struct pollfd p = { pidfd, POLLIN, 0 };

	return poll(&p, 1, milliseconds) > 0;
}

/* Wait for the end of the program, for as long as it does something. */
static enum outcome watch(pid_t pid, int pidfd)
{
	unsigned long seen = 0, now;
	int idle = 0;

	while (!ended(pidfd, 1000)) {
		now = atomic_load(&shared->total);
		idle = now == seen ? idle + 1 : 0;
		seen = now;
		if (idle >= PATIENCE)
			break;
	}
	if (idle < PATIENCE)
		return PASSED;

	printf("# the threads, %d s after the last operation has ended:\n", idle);
	show_tasks(GROUP "/cgroup.threads");
	for (unsigned int lane = 0; lane < MOST_LANES; lane++)
		if (atomic_load(&shared->at[lane]))
			printf("# lane %u is at operation %d\n", lane, shared->at[lane] - 1);
	kill(pid, SIGKILL);
	for (idle = 0; idle < PATIENCE; idle++)
		if (ended(pidfd, 1000)) {
			told("it does not end, unless it is killed");
			return FAILED;
		}
	told("it does not end, even if it is killed");
	show_tasks(GROUP "/cgroup.threads");
	return FAILED_FOR_GOOD;
}

/* All that the program had must be gone; some of it is given back by others. */
static enum outcome look_after(void)
{
	struct zvm_stats after;

	for (int i = 0; i < AFTER * 500; i++) {
		after = get_stats(device);
		if (!memcmp(&after, &before, sizeof(after)))
			return PASSED;
		usleep(i < 50 ? 100 : 2000);
	}
	told("left behind: %lld VMOs, %lld VMARs, %lld address spaces, %lld mappings, %lld handles, %lld pages, %lld nodes",
	     (long long)(after.vmos - before.vmos), (long long)(after.vmars - before.vmars),
	     (long long)(after.aspaces - before.aspaces),
	     (long long)(after.mappings - before.mappings),
	     (long long)(after.handles - before.handles), (long long)(after.pages - before.pages),
	     (long long)(after.page_nodes - before.page_nodes));
	before = after;
	return FAILED;
}

enum outcome attempt(const struct program *p, const bool *keep, bool serial)
{
	enum outcome outcome, late;
	const char *report;
	char text[64];
	int pidfd = -1;
	pid_t pid;

	memset(shared->slots, 0, sizeof(shared->slots));
	memset(shared->arena, 0, sizeof(shared->arena));
	memset(shared->pid, 0, sizeof(shared->pid));
	memset(shared->tid, 0, sizeof(shared->tid));
	memset(shared->at, 0, sizeof(shared->at));
	atomic_store(&shared->failed, false);

	snprintf(text, sizeof(text), "zvm-fuzz: program %llu:%llu\n", (unsigned long long)p->seed,
		 (unsigned long long)p->number);
	tell_log(text);
	/* Memory of the program before may still be going. */
	while ((pid = start(p, keep, serial, &pidfd)) < 0)
		usleep(1000);
	outcome = watch(pid, pidfd);
	close(pidfd);
	if (outcome == FAILED_FOR_GOOD)
		return outcome;
	waitpid(pid, NULL, 0);
	late = look_after();
	report = log_report();
	if (report) {
		atomic_store(&shared->failed, false);
		told("the kernel's log: %.400s", report);
		return FAILED_FOR_GOOD;
	}
	return outcome || late || atomic_load(&shared->failed) ? FAILED : PASSED;
}
