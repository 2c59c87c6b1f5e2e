/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Linux's way with much memory, for the cases that compare with it: a memfd that is
 * mapped as a whole, and fork(2).
 */
#ifndef ZVM_BENCH_THEIRS_H
#define ZVM_BENCH_THEIRS_H

#include <stddef.h>
#include <sys/types.h>

/* What the current case works on; @len is that of ours, too. */
extern size_t len;
extern int memfd;
extern char *their_addr;
extern pid_t child;

void create_theirs(void);
void close_theirs(void);

void map_theirs_with(int flags);
void map_theirs(void);
void unmap_theirs(void);
void unmap_close_theirs(void);

/* Memory of this process alone, in 4 KiB pages: what fork(2) is to copy. */
void map_private_theirs(void);

void write_all_theirs(void);

/* A child that does nothing but exit. */
void fork_alone(void);
void reap(void);
void fork_and_exit(void);

#endif /* ZVM_BENCH_THEIRS_H */
