// SPDX-License-Identifier: GPL-2.0
/*
 * Cache policies of stores, and what is done to caches for users.
 */
#include <linux/capability.h>
#include <linux/moduleparam.h>
#include <linux/sched/signal.h>

#include "cache.h"
#include "page.h"

static bool uncached_for_all;
module_param(uncached_for_all, bool, 0644);
MODULE_PARM_DESC(uncached_for_all,
		 "memory may be other than cached for everybody, not only for CAP_SYS_RAWIO");

bool zvm_cache_may_be_real(void)
{
	/* Who may not is not refused anything, so this is nothing to be logged. */
	return READ_ONCE(uncached_for_all) || ns_capable_noaudit(&init_user_ns, CAP_SYS_RAWIO);
}

/* Pages that are worked on before others get the processor, or the lock. */
#define CACHE_BATCH 64u

/*
 * The next pages from *@index on that are before @end, as many as go into a batch. Pages
 * whose memory has failed are nobody's business any more.
 */
static unsigned int next_pages(struct zvm_store *store, u64 *index, u64 end, struct page **pages)
{
	unsigned int n = 0;
	bool writable;

	lockdep_assert_held(&store->lock);
	while (n < CACHE_BATCH) {
		struct page *page;

		*index = zvm_store_next(store, *index);
		if (*index >= end) {
			*index = end;
			break;
		}
		page = zvm_store_peek(store, (*index)++, &writable);
		if (!PageHWPoison(page))
			pages[n++] = page;
	}
	return n;
}

/*
 * Give @policy to the pages in [first, end), of which all are CACHED or are to be. Returns
 * where it has stopped; *@err: why, if that is before the end.
 */
static u64 convert(struct zvm_store *store, u64 first, u64 end, u32 policy, int *err)
{
	struct page *pages[CACHE_BATCH];

	*err = 0;
	while (first < end) {
		u64 next = first;
		unsigned int n = next_pages(store, &next, end, pages);

		if (policy != ZX_CACHE_POLICY_CACHED && fatal_signal_pending(current))
			*err = -EINTR;
		else if (n)
			*err = zvm_arch_set_cache(pages, n, policy);
		if (*err)
			break;
		first = next;
		cond_resched();
	}
	return first;
}

void zvm_store_pages_leave(struct zvm_store *store, u64 first, u64 last)
{
	int err;

	if (unlikely(!zvm_store_is_cached(store)))
		convert(store, first, last + 1, ZX_CACHE_POLICY_CACHED, &err);
}

/*
 * Has anybody pinned pages by way of a mapping that is gone? To them the kernel may have
 * a mapping that we know nothing of.
 */
static int check_pins(struct zvm_store *store)
{
	u64 index = 0, end = zvm_store_pages(store);
	struct page *pages[CACHE_BATCH];
	unsigned int i, n;

	while ((n = next_pages(store, &index, end, pages))) {
		for (i = 0; i < n; i++)
			if (folio_maybe_dma_pinned(page_folio(pages[i])))
				return -EBADFD;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static int set_type(struct zvm_store *store, u32 type)
{
	u64 end = zvm_store_pages(store), done;
	int err;

	/* There is no other way from one to the next. */
	zvm_store_pages_leave(store, 0, end - 1);
	done = convert(store, 0, end, type, &err);
	if (err) {
		int ignored;

		convert(store, 0, done, ZX_CACHE_POLICY_CACHED, &ignored);
		type = ZX_CACHE_POLICY_CACHED;
	}
	store->memory_type = type;
	return err;
}

int zvm_store_set_policy(struct zvm_store *store, u32 policy, bool real)
{
	u32 type = real ? policy : ZX_CACHE_POLICY_CACHED;
	int err = 0;

	lockdep_assert_held(&store->lock);
	/* What it is already may stay so. */
	if (policy == store->memory_type)
		type = policy;
	if (type != store->memory_type) {
		err = check_pins(store);
		if (err)
			return err;
		err = set_type(store, type);
	}
	WRITE_ONCE(store->cache_policy, err ? ZX_CACHE_POLICY_CACHED : policy);
	return err;
}

/* One batch of pages from *@at to @end, both in bytes of the store. */
static int cache_op_batch(struct zvm_store *store, u64 *at, u64 end, enum zvm_cache_op op)
{
	unsigned int i;

	lockdep_assert_held(&store->lock);
	/* What a shrink has cut off meanwhile is passed over. */
	end = min(end, store->size);
	for (i = 0; i < CACHE_BATCH && *at < end; i++) {
		u64 index = zvm_store_next(store, *at >> PAGE_SHIFT);
		struct page *page;
		bool writable;
		u64 stop;

		if (index > (end - 1) >> PAGE_SHIFT)
			return 0;
		*at = max(*at, index << PAGE_SHIFT);
		stop = min(end, (index + 1) << PAGE_SHIFT);
		page = zvm_store_peek(store, index, &writable);
		if (!PageHWPoison(page))
			zvm_arch_cache_op(page, offset_in_page(*at), stop - *at, op);
		*at = stop;
	}
	return *at < end;
}

int zvm_vmo_cache_op(struct zvm_vmo *vmo, u64 offset, u64 len, int op)
{
	struct zvm_store *store = vmo->store;
	u64 size = zvm_vmo_size(vmo), end;
	int ret;

	if (zvm_vmo_is_physical(vmo))
		return -EOPNOTSUPP;
	if (!len)
		return -EINVAL;
	if (offset > size || len > size - offset)
		return -ERANGE;
	offset += vmo->offset;
	end = offset + len;
	do {
		if (mutex_lock_killable(&store->lock))
			return -EINTR;
		ret = cache_op_batch(store, &offset, end, op);
		mutex_unlock(&store->lock);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	} while (ret > 0);
	return ret;
}
