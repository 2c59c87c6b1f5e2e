/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Cache policies of stores.
 *
 * All pages of a store whose policy is not CACHED have that policy, in the mappings of
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
	return store->cache_policy == ZX_CACHE_POLICY_CACHED;
}

/*
 * Give the pages of the store that policy. The lock of the store held, nothing is
 * mapped. -ENOMEM, -EINTR: the policy is CACHED now.
 */
int zvm_store_set_policy(struct zvm_store *store, u32 policy);

/* A page is about to become the store's. -ENOMEM. */
static inline int zvm_store_page_enters(struct zvm_store *store, struct page *page)
{
	if (likely(zvm_store_is_cached(store)))
		return 0;
	return zvm_arch_set_cache(&page, 1, store->cache_policy);
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
