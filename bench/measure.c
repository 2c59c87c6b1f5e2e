// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Running cases.
 */
#include <string.h>

#include "bench.h"

#define MOST_SAMPLES 4096

static const char *only;

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t median(uint64_t *samples, unsigned int n)
{
	qsort(samples, n, sizeof(*samples), compare);
	return samples[n / 2];
}

static uint64_t sample(const struct way *way)
{
	uint64_t start, end;

	if (way->before)
		way->before();
	start = clock_now();
	way->run();
	end = clock_now();
	if (way->after)
		way->after();
	return end - start;
}

static void nothing(void)
{
}

/* What sample() finds where nothing is done. */
static uint64_t overhead(void)
{
	static const struct way none = { .run = nothing };
	static uint64_t samples[1001];
	static uint64_t known;

	if (!known) {
		for (unsigned int i = 0; i < 1001; i++)
			samples[i] = sample(&none);
		known = median(samples, 1001);
	}
	return known;
}

static double cost(uint64_t *samples, const struct bench_case *c)
{
	uint64_t ticks = median(samples, c->repeat);

	/* Where the clock is coarse, the difference can be negative. */
	ticks = ticks > overhead() ? ticks - overhead() : 0;
	return (double)ticks / c->per;
}

void bench_only(const char *text)
{
	only = text;
}

bool bench_wanted(const char *name)
{
	return !only || strstr(name, only);
}

void bench(const struct bench_case *c)
{
	static uint64_t ours[MOST_SAMPLES], theirs[MOST_SAMPLES];

	if (!bench_wanted(c->name))
		return;
	if (!c->repeat || c->repeat > MOST_SAMPLES || !c->per)
		die(c->name, "bad number of repeats");
	/* In turns, so that what disturbs, disturbs both. The first round warms up. */
	sample(&c->ours);
	sample(&c->theirs);
	for (unsigned int i = 0; i < c->repeat; i++) {
		ours[i] = sample(&c->ours);
		theirs[i] = sample(&c->theirs);
	}
	report(c, cost(ours, c), cost(theirs, c));
}
