// SPDX-License-Identifier: GPL-2.0
/*
 * zx_vmo_transfer_data(): pages go from one VMO to another, without being copied
 * where the source has them alone.
 */
#include <linux/highmem.h>
#include <linux/sched/signal.h>

#include "page.h"
#include "store.h"

/* Pages that are moved before others get a chance at the locks. */
#define TRANSFER_BATCH 64

/* Move the page at @from of @src to @to of @dst, or what reads as zero there. */
static int move_page(struct zvm_store *dst, u64 to, struct zvm_store *src, u64 from)
{
	struct zvm_pm_leaf *dst_leaf, *src_leaf;
	struct page *page, *old;
	bool mine;

	page = zvm_store_peek(src, from, &mine);
	if (!page)
		return zvm_store_erase(dst, to, to, false);
	if (PageHWPoison(page))
		return -EIO;

	/* All that can fail comes first; only on a path that is ours is a slot changed. */
	src_leaf = zvm_pagemap_make(&src->pages, src->base + from, ZVM_STORE_GFP);
	if (IS_ERR(src_leaf))
		return PTR_ERR(src_leaf);
	dst_leaf = zvm_pagemap_make(&dst->pages, dst->base + to, ZVM_STORE_GFP);
	if (IS_ERR(dst_leaf))
		return PTR_ERR(dst_leaf);
	old = NULL;
	if (!mine) {
		old = page;
		page = zvm_page_alloc(dst->user, dst->inode->i_ino, ZVM_STORE_GFP, false);
		if (!page) {
			zvm_store_prune(dst, to);
			return -ENOMEM;
		}
		copy_highpage(page, old);
		SetPageUptodate(page);
	}

	zvm_store_zap(src, from, from, false);
	zvm_leaf_clear(src_leaf, src->base + from);
	if (old)
		zvm_page_drop(old);
	else
		zvm_page_adopt(page, dst->inode->i_ino);
	zvm_store_zap(dst, to, to, false);
	old = zvm_leaf_set(&dst->pages, dst_leaf, dst->base + to, page);
	if (old)
		zvm_page_drop(old);
	zvm_store_prune(src, from);
	return 0;
}

/* Of [@from, @end) of @src: how many pages are absent before the first that is not? */
static u64 absent_run(struct zvm_store *src, u64 from, u64 end)
{
	return min(zvm_store_next(src, from), end) - from;
}

static int lock_both(struct zvm_store *a, struct zvm_store *b)
{
	if (a > b)
		swap(a, b);
	if (mutex_lock_killable(&a->lock))
		return -EINTR;
	if (a != b && mutex_lock_killable_nested(&b->lock, SINGLE_DEPTH_NESTING)) {
		mutex_unlock(&a->lock);
		return -EINTR;
	}
	return 0;
}

static void unlock_both(struct zvm_store *a, struct zvm_store *b)
{
	mutex_unlock(&a->lock);
	if (a != b)
		mutex_unlock(&b->lock);
}

static bool in_vmo(struct zvm_vmo *vmo, u64 offset, u64 len)
{
	u64 size = zvm_vmo_size(vmo);

	return offset <= size && len <= size - offset;
}

int zvm_vmo_transfer(struct zvm_vmo *dst, u64 offset, u64 len, struct zvm_vmo *src,
		     u64 src_offset)
{
	u64 to = (dst->offset >> PAGE_SHIFT) + (offset >> PAGE_SHIFT);
	u64 from = (src->offset >> PAGE_SHIFT) + (src_offset >> PAGE_SHIFT);
	u64 pages = len >> PAGE_SHIFT, done = 0;
	/* From the end where the target lies behind the source, as memmove() does. */
	bool backwards = dst->store == src->store && to > from;
	int err = 0, i;

	if (dst == src && offset == src_offset)
		return 0;
	do {
		err = lock_both(dst->store, src->store);
		if (err)
			return err;
		if (!in_vmo(src, src_offset, len) || !in_vmo(dst, offset, len))
			err = -ERANGE;
		for (i = 0; !err && i < TRANSFER_BATCH && done < pages; i++, done++) {
			u64 at = backwards ? pages - 1 - done : done, absent;

			/* The same content by way of two VMOs. */
			if (dst->store == src->store && to == from)
				break;
			absent = backwards ? 0 : absent_run(src->store, from + at, from + pages);
			if (absent) {
				err = zvm_store_erase(dst->store, to + at, to + at + absent - 1,
						      false);
				done += absent - 1;
				continue;
			}
			err = move_page(dst->store, to + at, src->store, from + at);
		}
		unlock_both(dst->store, src->store);
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	} while (!err && i == TRANSFER_BATCH && done < pages);
	return err;
}
