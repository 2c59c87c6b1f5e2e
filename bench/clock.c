// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * The clock.
 *
 * Under QEMU's -icount shift=0 one nanosecond of the guest is one instruction,
 * and so is one tick of its time stamp counter. The counter is the better clock:
 * reading it takes no kernel and no arithmetic, so nothing is rounded. It is
 * used only if a loop of known length proves that it counts instructions.
 */
#include <time.h>

#include "bench.h"

static bool use_counter;

#ifdef __x86_64__
/* Two instructions a round. */
static void spin(uint64_t rounds)
{
	__asm__ volatile("1:	dec %0\n"
			 "	jnz 1b" : "+r"(rounds) : : "cc");
}

static inline uint64_t counter(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}
#else
/* One subtraction and one branch on every machine that gcc knows. */
static void spin(uint64_t rounds)
{
	while (rounds) {
		rounds--;
		__asm__ volatile("" : "+r"(rounds));
	}
}

static inline uint64_t counter(void)
{
	return 0;
}
#endif

static uint64_t nanoseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t clock_now(void)
{
	return use_counter ? counter() : nanoseconds();
}

/* Ticks for an instruction, by the current clock. An interrupt can come in between. */
static double ticks_per_instruction(void)
{
	const uint64_t rounds = 50000;
	double best = 1e9;

	for (int i = 0; i < 9; i++) {
		uint64_t start = clock_now();
		uint64_t ticks;
		double each;

		spin(rounds);
		ticks = clock_now() - start;
		each = (double)ticks / (2 * (double)rounds);
		if (each < best)
			best = each;
	}
	return best;
}

static bool counts_instructions(void)
{
	double ticks = ticks_per_instruction();

	return ticks > 0.98 && ticks < 1.02;
}

void clock_setup(void)
{
	use_counter = true;
	if (counts_instructions()) {
		puts("unit: instructions (time stamp counter)");
		return;
	}
	use_counter = false;
	if (counts_instructions())
		puts("unit: instructions (CLOCK_MONOTONIC)");
	else
		puts("unit: nanoseconds, since this machine does not count instructions: expect noise");
}
