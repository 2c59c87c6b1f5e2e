/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * zvm-bench: what things cost, ours beside Linux's way.
 *
 * A case is one thing done in two ways: with VMOs and VMARs, and with what
 * Linux has for it (memfd and mmap). Both are run in turns, in the same boot,
 * and the medians are compared.
 */
#ifndef ZVM_BENCH_H
#define ZVM_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <zircon/process.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/object.h>

#define PAGE 4096ul
#define KIB(n) ((size_t)(n) << 10)
#define MIB(n) ((size_t)(n) << 20)

#define RW (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)

/* ---- the clock (clock.c) ------------------------------------------------ */

/* Choose the clock; says on stdout what its unit is. */
void clock_setup(void);

/* Now, in units of the clock. */
uint64_t clock_now(void);

/* ---- cases (measure.c) -------------------------------------------------- */

/**
 * struct way - one way of doing a thing
 * @before: brings about the state that @run starts from; may be NULL
 * @run: what is counted
 * @after: cleans up; may be NULL
 *
 * @run does not return unless all went well.
 */
struct way {
	void (*before)(void);
	void (*run)(void);
	void (*after)(void);
};

/**
 * struct bench_case - a line of the table
 * @name: without commas
 * @bar: the largest ratio that is good
 * @most: the most that ours may cost, 0: no such bar
 * @repeat: how often each way is run; the median counts
 * @per: how many things @run does; the cost is that of one
 * @ours: with zx_...()
 * @theirs: Linux's way
 */
struct bench_case {
	const char *name;
	double bar;
	double most;
	unsigned int repeat;
	unsigned int per;
	struct way ours;
	struct way theirs;
};

/* Has the user asked for cases of this name? If not, bench() does nothing. */
bool bench_wanted(const char *name);

/* Run a case and report it. */
void bench(const struct bench_case *c);

/* Only cases whose name contains @text are run; NULL: all. */
void bench_only(const char *text);

/* ---- results (report.c) ------------------------------------------------- */

/* Write results to @path as well; NULL: do not. */
void report_open(const char *path);
void report(const struct bench_case *c, double ours, double theirs);
void report_close(void);

/* ---- the cases ---------------------------------------------------------- */

void map_cases(void);		/* one page: map, protect, fault */
void bulk_cases(void);		/* thousands of pages at once */
void transfer_cases(void);	/* read, write, create */
void snapshot_cases(void);	/* snapshots, and fork */
void huge_cases(void);		/* VMOs with huge pages */

/* ---- small things ------------------------------------------------------- */

void die(const char *what, const char *why) __attribute__((noreturn, cold));
void die_errno(const char *what) __attribute__((noreturn, cold));

/* Every call is checked: a case that fails must not look cheap. */
static inline void ok(zx_status_t status)
{
	if (__builtin_expect(status != ZX_OK, 0))
		die("a zx_ call failed", zx_status_get_string(status));
}

static inline void zero(int result)
{
	if (__builtin_expect(result != 0, 0))
		die_errno("a system call failed");
}

static inline void mapped_at(const void *want, const void *got)
{
	if (__builtin_expect(want != got, 0))
		die_errno("mmap");
}

static inline void touch_write(volatile char *p)
{
	*p = 1;
}

static inline void touch_read(const volatile char *p)
{
	(void)*p;
}

/* The root VMAR and where it begins. */
struct root {
	zx_handle_t vmar;
	zx_vaddr_t base;
};

const struct root *root(void);

/* A VMO of @size bytes; a memfd likewise. */
zx_handle_t new_vmo(size_t size);
int new_memfd(size_t size);

/* An address range of @size bytes in which Linux has mapped nothing. */
char *free_range(size_t size);

#endif /* ZVM_BENCH_H */
