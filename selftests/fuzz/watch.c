// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * What the supervisor looks at: the kernel's log, and threads that hang.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "watch.h"

static int log_fd = -1;

void open_log(void)
{
	log_fd = open("/dev/kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (log_fd >= 0)
		lseek(log_fd, 0, SEEK_END);
}

void tell_log(const char *text)
{
	if (log_fd >= 0 && write(log_fd, text, strlen(text)) < 0)
		perror("zvm-fuzz: /dev/kmsg");
}

/* What tools/check-log looks for as well, as far as it begins a report. */
static bool is_report(const char *line)
{
	static const char *const signs[] = {
		"WARNING:", "BUG:", "BUG ", "KASAN", "KCSAN", "UBSAN", "KFENCE", "Oops", "Call Trace",
		"circular locking", "recursive lock", "inconsistent lock", "suspicious RCU",
		"bad unlock", "still held", "non-static key", "stall", "soft lockup",
		"hard LOCKUP", "blocked for more than", "sleeping function", "scheduling while atomic",
		"ad page", "Bad rss-counter", "general protection fault,", "unable to handle",
		"page allocation failure", "refcount_t:", "list_add ", "list_del ", "corruption",
		"Objects remaining", "nobody cared",
	};
	static bool out_of_memory;

	/* The OOM killer shows its stack, and that is no fault. */
	if (strstr(line, "invoked oom-killer"))
		out_of_memory = true;
	if (strstr(line, "oom-kill:") || strstr(line, "ut of memory"))
		out_of_memory = false;
	for (unsigned int i = 0; i < ARRAY_SIZE(signs); i++)
		if (strstr(line, signs[i]) && !(out_of_memory && strstr(line, "Call Trace")))
			return true;
	return false;
}

const char *log_report(void)
{
	static char record[8192];
	ssize_t n;

	while (log_fd >= 0) {
		char *text;

		n = read(log_fd, record, sizeof(record) - 1);
		if (n < 0 && errno == EPIPE)
			continue;	/* some were overwritten */
		if (n <= 0)
			break;
		record[n] = 0;
		text = strchr(record, ';');
		if (text && is_report(text + 1)) {
			text[strcspn(text, "\n")] = 0;
			return text + 1;
		}
	}
	return NULL;
}

/* Copy a file of /proc to stdout, at most @len bytes. */
static void show_file(int task, const char *file, size_t len)
{
	char path[64], text[2048];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", task, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, text, len < sizeof(text) ? len : sizeof(text));
	if (n > 0)
		printf("# %s: %.*s%s", path, (int)n, text, text[n - 1] == '\n' ? "" : "\n");
	close(fd);
}

void show_tasks(const char *list)
{
	FILE *f = fopen(list, "re");
	int task;

	if (!f)
		return;
	while (fscanf(f, "%d", &task) == 1) {
		show_file(task, "syscall", 200);
		show_file(task, "stack", 1500);
	}
	fclose(f);
}
