// SPDX-License-Identifier: GPL-2.0
/*
 * koids: never the same twice, and no count.
 *
 * A plain counter would tell everybody how many objects all others make. So an
 * object gets what a permutation with a secret key makes of the counter. The
 * permutation is a Feistel network: whatever its round function is, no two
 * numbers become one.
 */
#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/random.h>
#include <linux/siphash.h>

#include "object.h"

/* koids are below 2^62: those of Zircon's kernel have the top bit clear. */
#define HALF_BITS	31
#define HALF_MASK	GENMASK(HALF_BITS - 1, 0)
#define ROUNDS		3

static hsiphash_key_t key;
static atomic64_t count;

static u64 permute(u64 n)
{
	u32 left = n >> HALF_BITS & HALF_MASK, right = n & HALF_MASK;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		u32 next = left ^ (hsiphash_2u32(right, i, &key) & HALF_MASK);

		left = right;
		right = next;
	}
	return (u64)left << HALF_BITS | right;
}

u64 zvm_koid_next(void)
{
	u64 koid;

	/* 2^62 objects take a while. */
	do {
		koid = permute(atomic64_inc_return(&count));
	} while (koid < ZX_KOID_FIRST);
	return koid;
}

void __init zvm_koid_init(void)
{
	get_random_bytes(&key, sizeof(key));
}
