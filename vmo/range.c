// SPDX-License-Identifier: GPL-2.0
/*
 * zx_vmo_op_range(), with handle and right already checked.
 */
#include <linux/sched/signal.h>

#include "family.h"
#include "pin.h"
#include "store.h"

/* Pages that are committed before others get a chance at the lock. */
#define COMMIT_BATCH 64

/* The pages that [offset, offset + len) touches: false if that wraps. */
static bool touched_pages(u64 offset, u64 len, u64 *first, u64 *end)
{
	u64 last;

	if (check_add_overflow(offset, len, &last) || last > U64_MAX - (PAGE_SIZE - 1))
		return false;
	*first = offset >> PAGE_SHIFT;
	*end = PAGE_ALIGN(last) >> PAGE_SHIFT;
	return true;
}

/* Is [offset, offset + len) in the VMO? */
static bool in_vmo(struct zvm_vmo *vmo, u64 offset, u64 len)
{
	u64 size = zvm_vmo_size(vmo);

	return offset <= size && len <= size - offset;
}

/* Commit from *@index on, one batch. */
static int commit_batch(struct zvm_store *store, u64 *index, u64 end)
{
	int i;

	lockdep_assert_held(&store->lock);
	if (store->discarded)
		return -ENOENT;
	/* What a shrink has cut off meanwhile is passed over. */
	end = min(end, zvm_store_pages(store));
	for (i = 0; i < COMMIT_BATCH && *index < end; i++, ++*index) {
		struct page *page = zvm_store_get_write(store, *index, NULL);

		if (IS_ERR(page))
			return PTR_ERR(page);
		if (PageCompound(page)) {
			/* All of the folio is there. */
			u64 left = ZVM_FOLIO_PAGES -
				   ((store->base + *index) & (ZVM_FOLIO_PAGES - 1));

			*index += min(left, end - *index) - 1;
			i = COMMIT_BATCH;
		}
	}
	return *index < end;
}

int zvm_vmo_commit(struct zvm_vmo *vmo, u64 offset, u64 len)
{
	struct zvm_store *store = vmo->store;
	u64 index, end;
	int ret;

	if (zvm_vmo_is_physical(vmo))
		return -EOPNOTSUPP;
	if (!touched_pages(offset, len, &index, &end))
		return -ERANGE;
	if (end > zvm_vmo_size(vmo) >> PAGE_SHIFT)
		return -ERANGE;
	if (!len)
		return 0;

	index += vmo->offset >> PAGE_SHIFT;
	end += vmo->offset >> PAGE_SHIFT;
	do {
		if (mutex_lock_killable(&store->lock))
			return -EINTR;
		ret = commit_batch(store, &index, end);
		mutex_unlock(&store->lock);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	} while (ret > 0);
	return ret;
}

int zvm_vmo_decommit(struct zvm_vmo *vmo, u64 offset, u64 len)
{
	struct zvm_store *store = vmo->store;
	u64 first = (vmo->offset + offset) >> PAGE_SHIFT;
	u64 last = first + (len >> PAGE_SHIFT) - 1;
	int err;

	if (store->contiguous)
		return -EOPNOTSUPP;
	if (mutex_lock_killable(&store->lock))
		return -EINTR;
	if (!in_vmo(vmo, offset, len))
		err = -ERANGE;
	else if (!len)
		err = 0;
	else if (zvm_store_has_relatives(store))
		err = -EOPNOTSUPP;
	else if (!PAGE_ALIGNED(offset | len))
		err = -EINVAL;
	else if (zvm_store_is_pinned(store, first, last))
		err = -EBADFD;
	else
		err = zvm_store_erase(store, first, last, false);
	mutex_unlock(&store->lock);
	return err;
}

/* Zero a piece of a page that is not all of it. */
static int zero_piece(struct zvm_store *store, u64 from, u64 to, u64 limit)
{
	bool writable;

	lockdep_assert_held(&store->lock);
	if (from >= to)
		return 0;
	if (from >= limit)
		return -ERANGE;
	if (!zvm_store_peek(store, from >> PAGE_SHIFT, &writable))
		return 0;
	if (store->cache_policy != ZX_CACHE_POLICY_CACHED)
		return -EBADFD;
	return zvm_store_zero_part(store, from, to);
}

/*
 * Head, body and tail, in this order: a failure leaves the earlier ones zero. All
 * from the start of the store; @limit: where the VMO ends.
 */
static int zero_locked(struct zvm_store *store, u64 offset, u64 end, u64 limit)
{
	u64 head = min(PAGE_ALIGN(offset), end);
	u64 tail = max(round_down(end, PAGE_SIZE), head);
	int err;

	lockdep_assert_held(&store->lock);
	err = zero_piece(store, offset, head, limit);
	if (err)
		return err;
	if (tail > limit)
		return -ERANGE;
	if (head < tail) {
		err = zvm_store_zero(store, head >> PAGE_SHIFT, (tail >> PAGE_SHIFT) - 1);
		if (err)
			return err;
	}
	return zero_piece(store, tail, end, limit);
}

int zvm_vmo_zero(struct zvm_vmo *vmo, u64 offset, u64 len)
{
	struct zvm_store *store = vmo->store;
	u64 end;
	int err;

	if (zvm_vmo_is_physical(vmo))
		return -EOPNOTSUPP;
	if (!len)
		return 0;
	if (check_add_overflow(offset, len, &end) || end > U64_MAX - (PAGE_SIZE - 1))
		return -ERANGE;
	/* Beyond the end of a slice, so that the sums below have no room: the same. */
	if (check_add_overflow(vmo->offset, end, &end))
		return -ERANGE;
	if (mutex_lock_killable(&store->lock))
		return -EINTR;
	err = zero_locked(store, vmo->offset + offset, end, zvm_vmo_limit(vmo));
	mutex_unlock(&store->lock);
	return err;
}

int zvm_vmo_prefetch(struct zvm_vmo *vmo, u64 offset, u64 len)
{
	u64 first, end;

	/* Nothing is ever away that could be fetched: the range is checked only. */
	if (!touched_pages(offset, len, &first, &end))
		return -ERANGE;
	return end > zvm_vmo_size(vmo) >> PAGE_SHIFT ? -ERANGE : 0;
}

int zvm_vmo_committed(struct zvm_vmo *vmo, u64 offset, u64 len, u64 *bytes)
{
	struct zvm_store *store = vmo->store;
	u64 first, end;
	int err = 0;

	if (!touched_pages(offset, len, &first, &end))
		return -ERANGE;
	*bytes = 0;
	if (mutex_lock_killable(&store->lock))
		return -EINTR;
	if (end > zvm_vmo_size(vmo) >> PAGE_SHIFT)
		err = -ERANGE;
	else if (len)
		*bytes = zvm_store_count(store, (vmo->offset >> PAGE_SHIFT) + first,
					 (vmo->offset >> PAGE_SHIFT) + end - 1) << PAGE_SHIFT;
	mutex_unlock(&store->lock);
	return err;
}
