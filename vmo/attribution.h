/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ZVM_VMO_ATTRIBUTION_H
#define ZVM_VMO_ATTRIBUTION_H

#include <linux/types.h>

struct zvm_store;

/**
 * struct zvm_attribution - what a store has in memory, in bytes
 * @committed: all its pages
 * @private: those that no other store has
 * @scaled: each page divided by the number of stores that have it
 * @fraction: of a byte, to be added to @scaled; 2^63 is one byte
 */
struct zvm_attribution {
	u64 committed;
	u64 private;
	u64 scaled;
	u64 fraction;
};

/*
 * Sum up pages [@first, @last]. The relatives are looked at one after the other,
 * so the sums are exact if none of them changes meanwhile. No locks held.
 */
void zvm_store_attribute(struct zvm_store *store, u64 first, u64 last,
			 struct zvm_attribution *sum);

#endif /* ZVM_VMO_ATTRIBUTION_H */
