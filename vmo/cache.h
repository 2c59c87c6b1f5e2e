/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Cache policies of stores.
 *
 * A store has a policy, which calls go by, and a type of memory: the same, or CACHED if
 * who has set the policy may not have it for real (zvm_cache_may_be_real()).
 *
 * All pages of a store whose type is not CACHED have that type, in the mappings of
 * users and, where Linux lets us (x86), in the kernel's own, so that no two mappings of
 * a page disagree. A page gets it before anybody can see it in the store, and loses it
 * when the store's PTEs of it have gone and before the store lets go of it. Such a store
 * shares nothing with others.
 */
#ifndef ZVM_VMO_CACHE_H
#define ZVM_VMO_CACHE_H

#include "../arch/cache.h"
#include "../object/zircon.h"
#include "page.h"
#include "store.h"

static inline bool zvm_store_is_cached(const struct zvm_store *store)
{
	return store->memory_type == ZX_CACHE_POLICY_CACHED;
}

/*
 * May the caller have memory that is not cached? It is slow for everybody: what is atomic
 * there locks the bus, and the kernel's own mapping is taken apart.
 */
bool zvm_cache_may_be_real(void);

/*
 * Give the store that policy, and its pages the type if it is to be @real. The lock of
 * the store held, nothing is mapped. -EBADFD: somebody has pinned pages; -ENOMEM: the
 * policy is CACHED now; -EINTR: killed, it is what it was or CACHED.
 */
int zvm_store_set_policy(struct zvm_store *store, u32 policy, bool real);

/* A page is about to become the store's. -ENOMEM. */
static inline int zvm_store_page_enters(struct zvm_store *store, struct page *page)
{
	if (likely(zvm_store_is_cached(store)))
		return 0;
	return zvm_arch_set_cache(&page, 1, store->memory_type);
}

/* A page is about to be dropped by the store. */
static inline void zvm_store_page_leaves(struct zvm_store *store, struct page *page)
{
	if (unlikely(!zvm_store_is_cached(store)))
		zvm_arch_set_cache(&page, 1, ZX_CACHE_POLICY_CACHED);
}

/* The same for all pages in [first, last]; the lock of the store held. */
void zvm_store_pages_leave(struct zvm_store *store, u64 first, u64 last);

/* Before the kernel reads the content of a page of the store, and after it has written. */
static inline void zvm_store_sync_alias(const struct zvm_store *store, struct page *page)
{
	if (unlikely(!zvm_store_is_cached(store)))
		zvm_arch_sync_alias(page);
}

static inline void zvm_store_zero_bytes(const struct zvm_store *store, struct page *page,
					size_t offset, size_t len)
{
	zvm_store_sync_alias(store, page);
	zvm_page_zero(page, offset, len);
	zvm_store_sync_alias(store, page);
}

#endif /* ZVM_VMO_CACHE_H */
