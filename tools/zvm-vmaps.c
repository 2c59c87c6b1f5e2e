// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * zvm-vmaps: print the region tree of a process.
 *
 * A VMAR is a file; this borrows the process's descriptor of it (which takes the
 * permission to trace that process) and asks the kernel what is in the region.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <zircon/status.h>
#include <zircon/syscalls.h>
#include <zvm.h>

static const char usage[] =
	"usage: zvm-vmaps PID [FD]\n"
	"Prints the regions and mappings of process PID: those of its root VMAR, or of\n"
	"the VMAR behind its file descriptor FD (see /proc/PID/fdinfo).\n";

/* What /proc/PID/fdinfo tells about a descriptor. */
struct vmar_fd {
	bool is_vmar;
	bool is_root;
	bool is_dead;
	uint64_t koid;
	uint64_t base;
};

/* The text behind "KEY:\t", or NULL. */
static const char *value_of(const char *line, const char *key)
{
	size_t len = strlen(key);

	return !strncmp(line, key, len) && !strncmp(line + len, ":\t", 2) ? line + len + 2 : NULL;
}

static struct vmar_fd read_fdinfo(const char *path)
{
	struct vmar_fd info = { .is_vmar = false };
	char *line = NULL;
	size_t room = 0;
	FILE *f = fopen(path, "re");

	if (!f)
		return info;
	while (getline(&line, &room, f) > 0) {
		const char *value;

		value = value_of(line, "type");
		if (value)
			info.is_vmar = !strcmp(value, "vmar\n");
		value = value_of(line, "name");
		if (value)
			info.is_root = !strcmp(value, "root\n");
		value = value_of(line, "koid");
		if (value)
			info.koid = strtoull(value, NULL, 0);
		value = value_of(line, "base");
		if (value)
			info.base = strtoull(value, NULL, 0);
		/* A replaced handle, a destroyed region. */
		if (value_of(line, "dead") || value_of(line, "destroyed"))
			info.is_dead = true;
	}
	free(line);
	fclose(f);
	return info;
}

/*
 * The koid of the address space whose arena begins at @base in process @pid, or
 * 0. /proc/PID/maps shows it: "BASE-END rw-s ... zircon-vm:[aspace:KOID]".
 */
static uint64_t aspace_at(int pid, uint64_t base)
{
	static const char mark[] = "zircon-vm:[aspace:";
	char path[64], *line = NULL;
	uint64_t koid = 0;
	size_t room = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (!koid && getline(&line, &room, f) > 0) {
		const char *name = strstr(line, mark);

		if (name && strtoull(line, NULL, 16) == base)
			koid = strtoull(name + strlen(mark), NULL, 10);
	}
	free(line);
	fclose(f);
	return koid;
}

/*
 * The descriptor of the root VMAR, or -1.
 *
 * A process may also hold the root VMAR of others: its parent's, inherited, or
 * one that was lent to it. Its own lies where its arena is. So may its parent's,
 * since fork(2) leaves that place free; but an address space makes its root VMAR
 * right after itself, so the root is the first that is younger.
 */
static int find_root(int pid)
{
	char path[64 + NAME_MAX];
	uint64_t best = UINT64_MAX;
	struct dirent *entry;
	int fd = -1;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	dir = opendir(path);
	if (!dir) {
		fprintf(stderr, "zvm-vmaps: %s: %s\n", path, strerror(errno));
		return -1;
	}
	while ((entry = readdir(dir))) {
		struct vmar_fd info;
		uint64_t aspace;

		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", pid, entry->d_name);
		info = read_fdinfo(path);
		if (!info.is_vmar || !info.is_root || info.is_dead || info.koid >= best)
			continue;
		aspace = aspace_at(pid, info.base);
		if (aspace && info.koid > aspace) {
			best = info.koid;
			fd = atoi(entry->d_name);
		}
	}
	closedir(dir);
	if (fd < 0)
		fprintf(stderr, "zvm-vmaps: process %d has no descriptor of its root VMAR\n", pid);
	return fd;
}

/* A copy of descriptor @fd of process @pid, or -1. */
static int borrow(int pid, int fd)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int copy;

	if (pidfd < 0) {
		fprintf(stderr, "zvm-vmaps: process %d: %s\n", pid, strerror(errno));
		return -1;
	}
	copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (copy < 0)
		fprintf(stderr, "zvm-vmaps: descriptor %d of process %d: %s\n", fd, pid,
			strerror(errno));
	close(pidfd);
	return copy;
}

static void print_command(int pid)
{
	char path[64], name[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fgets(name, sizeof(name), f)) {
		name[strcspn(name, "\n")] = '\0';
		printf(" (%s)", name);
	}
	fclose(f);
}

/* The number that all of @text is, or -1. */
static int number(const char *text)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	return errno || end == text || *end || value < 0 || value > INT32_MAX ? -1 : (int)value;
}

int main(int argc, char **argv)
{
	int pid = argc > 1 ? number(argv[1]) : -1;
	zx_status_t status;
	zx_handle_t vmar;
	int fd, copy;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc < 2 || argc > 3 || pid <= 0 || (argc == 3 && number(argv[2]) < 0)) {
		fputs(usage, stderr);
		return 2;
	}
	fd = argc == 3 ? number(argv[2]) : find_root(pid);
	if (fd < 0)
		return 1;
	copy = borrow(pid, fd);
	if (copy < 0)
		return 1;

	status = zvm_handle_from_fd(copy, &vmar);
	if (status == ZX_OK) {
		printf("process %d", pid);
		print_command(pid);
		printf(", descriptor %d\n", fd);
		status = zvm_vmar_print(stdout, vmar);
		zx_handle_close(vmar);
	} else {
		close(copy);
	}
	if (status != ZX_OK) {
		fprintf(stderr, "zvm-vmaps: descriptor %d of process %d: %s\n", fd, pid,
			zx_status_get_string(status));
		return 1;
	}
	return 0;
}
