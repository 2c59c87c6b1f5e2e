/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ZVM_VMO_DISCARDABLE_H
#define ZVM_VMO_DISCARDABLE_H

#include "vmo.h"

/**
 * struct zvm_discard - what a store has to do with being discardable
 * @link: in the list of unlocked ones, under its lock: that is, if @nr_locks is 0,
 *	not for the first time, and there has been no discard since. Only under
 *	store->lock put in or taken out.
 * @store: whose it is, fixed
 * @nr_locks: how often it is locked (store->lock)
 * @events: times it was discarded (store->lock)
 * @used_at: index of a page that could not go because of who else had it, the last
 *	time (store->lock)
 */
struct zvm_discard {
	struct list_head link;
	struct zvm_store *store;
	u64 nr_locks;
	u64 events;
	u64 used_at;
};

/* Make a new store discardable: 0 or -ENOMEM. */
int zvm_discard_init(struct zvm_store *store);
/* No user of the store is left but, perhaps, the shrinker. */
void zvm_discard_exit(struct zvm_store *store);

/* How many VMOs are in the list now, and how many pages have ever been discarded. */
unsigned long zvm_discard_count_unlocked(void);
u64 zvm_discard_count_pages(void);

int __init zvm_discard_module_init(void);
void zvm_discard_module_exit(void);

#endif /* ZVM_VMO_DISCARDABLE_H */
