/* SPDX-License-Identifier: GPL-2.0 */
/* The module's KUnit suites, on kernels that have KUnit. */
#ifndef ZVM_KUNIT_H
#define ZVM_KUNIT_H

#include <linux/kconfig.h>

#if IS_ENABLED(CONFIG_KUNIT)
struct kunit;
struct kunit_suite;

extern struct kunit_suite zvm_arch_suite;
extern struct kunit_suite zvm_cache_suite;
extern struct kunit_suite zvm_object_suite;
extern struct kunit_suite zvm_pagemap_suite;
extern struct kunit_suite zvm_physical_suite;
extern struct kunit_suite zvm_vmar_suite;

/*
 * Run all suites. To be called from the module's init function when the rest of
 * the module is ready, but before user space can reach it: the suites count
 * nodes and pages, so theirs must be the only ones. A failed test is in the log
 * and in debugfs; it does not keep the module from loading.
 */
void zvm_kunit_run(void);

/* The seed of a random test; the results name it. */
unsigned long zvm_kunit_seed(struct kunit *test);

/* How many steps a random test takes, or a number for it to scale. */
extern unsigned int zvm_kunit_steps;

/* Forget the results; whenever zvm_kunit_run() was called. */
void zvm_kunit_exit(void);
#else
static inline void zvm_kunit_run(void) {}
static inline void zvm_kunit_exit(void) {}
#endif

#endif /* ZVM_KUNIT_H */
