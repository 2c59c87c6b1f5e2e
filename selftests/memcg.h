/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Memory cgroups, of version 2, as tests use them.
 */
#ifndef ZVM_MEMCG_H
#define ZVM_MEMCG_H

#include "zvm_vmar_test.h"

#define CGROUP "/sys/fs/cgroup"

struct cgroup {
	char path[96];
};

static inline bool group_write(const struct cgroup *g, const char *file, const char *text)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", g->path, file);
	return vt_write_file(path, text);
}

static inline int64_t group_read(const struct cgroup *g, const char *file)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", g->path, file);
	return vt_read_number(path);
}

/* A number after a word in a file of "word number" lines. */
static inline int64_t group_field(const struct cgroup *g, const char *file, const char *key)
{
	char path[160], line[128], word[64];
	long long val = -1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", g->path, file);
	f = fopen(path, "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		long long n;

		if (sscanf(line, "%63s %lld", word, &n) == 2 && !strcmp(word, key))
			val = n;
	}
	fclose(f);
	return val;
}

static inline bool group_make(struct cgroup *g, const char *name)
{
	snprintf(g->path, sizeof(g->path), CGROUP "/zvm-%s-%d", name, getpid());
	return mkdir(g->path, 0755) == 0 && group_read(g, "memory.current") >= 0;
}

/* Everyone in it has gone: it can be removed. */
static inline bool group_remove(const struct cgroup *g)
{
	uint64_t end = zt_now_ns() + 3000000000u;

	while (rmdir(g->path)) {
		if (errno != EBUSY || zt_now_ns() > end)
			return false;
		zt_sleep_ms(10);
	}
	return true;
}

static inline bool group_enter(const struct cgroup *g)
{
	return group_write(g, "cgroup.procs", "0");
}

#endif
