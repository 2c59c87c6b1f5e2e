/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The supervisor's side of zvm-fuzz.
 */
#ifndef ZVM_FUZZ_WATCH_H
#define ZVM_FUZZ_WATCH_H

#include "fuzz.h"

/* ---- watch.c ------------------------------------------------------------- */

void open_log(void);
/* Into the kernel's log, where it can be read after the kernel's end. */
void tell_log(const char *text);
/* The first line of the kernel's log since the last call that is a report, or NULL. */
const char *log_report(void);
/* Where are the threads whose numbers are in this file? */
void show_tasks(const char *list);

/* ---- attempt.c ----------------------------------------------------------- */

enum outcome { PASSED, FAILED, FAILED_FOR_GOOD };

/* Once, before the first attempt; exits if something is missing. */
void prepare_attempts(void);
void end_attempts(void);
/*
 * Run a program, or some of it. If it fails, shared->failure says why;
 * FAILED_FOR_GOOD: the kernel is not what it was, further attempts tell nothing.
 */
enum outcome attempt(const struct program *p, const bool *keep, bool serial);

/* ---- minimize.c ---------------------------------------------------------- */

/* Does the program fail with these operations only? */
typedef bool fails_fn(const bool *keep, void *data);

/* Make @keep as small as it gets while it fails. */
void minimize(unsigned int count, bool *keep, fails_fn *fails, void *data);
/* "1,2,5-9" and back. */
bool parse_ops(const char *text, bool *keep, unsigned int count);
void format_ops(char *text, size_t len, const bool *keep, unsigned int count);

/* ---- report.c ------------------------------------------------------------ */

/* How often each kind of operation was done, and what came of it. */
void print_counts(void);
/* Commands that never worked; prints them. */
unsigned int never_worked(void);

#endif /* ZVM_FUZZ_WATCH_H */
