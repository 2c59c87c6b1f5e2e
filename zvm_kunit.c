// SPDX-License-Identifier: GPL-2.0
/*
 * Running the KUnit suites.
 *
 * Not left to kunit_test_suites(): on Linux 6.1 that runs a module's suites
 * before the module's parameters and its init function.
 */
#include <kunit/test.h>
#include <linux/module.h>
#include <linux/random.h>

#include "zvm_kunit.h"

static unsigned long kunit_seed;
module_param(kunit_seed, ulong, 0444);
MODULE_PARM_DESC(kunit_seed, "Seed of the random tests, 0: a new one for each");

unsigned int zvm_kunit_steps = 3000;
module_param_named(kunit_steps, zvm_kunit_steps, uint, 0444);
MODULE_PARM_DESC(kunit_steps, "Steps of the random tests");

unsigned long zvm_kunit_seed(struct kunit *test)
{
	unsigned long seed = kunit_seed ?: get_random_u32();

	kunit_info(test, "kunit_seed=%lu", seed);
	return seed;
}

static struct kunit_suite *suites[] = {
	&zvm_object_suite,
	&zvm_pagemap_suite,
	&zvm_physical_suite,
	&zvm_vmar_suite,
	&zvm_arch_suite,
	&zvm_cache_suite,
};

void zvm_kunit_run(void)
{
	__kunit_test_suites_init(suites, ARRAY_SIZE(suites));
}

void zvm_kunit_exit(void)
{
	__kunit_test_suites_exit(suites, ARRAY_SIZE(suites));
}
