// SPDX-License-Identifier: GPL-2.0
/*
 * Running the KUnit suites.
 *
 * Not left to kunit_test_suites(): on Linux 6.1 that runs a module's suites
 * before the module's parameters and its init function.
 */
#include <kunit/test.h>

#include "zvm_kunit.h"

static struct kunit_suite *suites[] = {
	&zvm_pagemap_suite,
	&zvm_vmar_suite,
};

void zvm_kunit_run(void)
{
	__kunit_test_suites_init(suites, ARRAY_SIZE(suites));
}

void zvm_kunit_exit(void)
{
	__kunit_test_suites_exit(suites, ARRAY_SIZE(suites));
}
