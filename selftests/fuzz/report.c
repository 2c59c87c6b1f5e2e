// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * What was done: a generator whose commands never work is of no use.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "watch.h"

/* Errors that are shown for each kind, the most frequent first. */
#define SHOWN 8

static unsigned long done(unsigned int type, unsigned int error)
{
	return atomic_load(&shared->done[type][error]);
}

static void print_errors(unsigned int type)
{
	bool told[MOST_ERRNO] = { [0] = true };

	for (unsigned int n = 0; n < SHOWN; n++) {
		unsigned int most = 0;

		for (unsigned int e = 1; e < MOST_ERRNO; e++)
			if (!told[e] && done(type, e) && (!most || done(type, e) > done(type, most)))
				most = e;
		if (!most)
			break;
		told[most] = true;
		printf(" %s %lu", strerrorname_np((int)most), done(type, most));
	}
	printf("\n");
}

void print_counts(void)
{
	printf("# %-20s %9s %9s %7s  errors\n", "operation", "worked", "failed", "us");
	for (unsigned int i = 0; i < op_type_count(); i++) {
		unsigned long failed = 0;

		for (unsigned int e = 1; e < MOST_ERRNO; e++)
			failed += done(i, e);
		printf("# %-20s %9lu %9lu %7lu ", op_type(i)->name, done(i, 0), failed,
		       atomic_load(&shared->took[i]) / (failed + done(i, 0) + !(failed + done(i, 0))) /
		       1000);
		print_errors(i);
	}
}

unsigned int never_worked(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < op_type_count(); i++)
		if (op_type(i)->command && !done(i, 0)) {
			printf("# %s has never worked\n", op_type(i)->name);
			n++;
		}
	return n;
}
