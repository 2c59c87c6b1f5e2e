// SPDX-License-Identifier: GPL-2.0
/*
 * zx_vmo_transfer_data(): pages go from one VMO to another, without being copied
 * where the source has them alone.
 */
#include <linux/sched/signal.h>

#include "page.h"
#include "pin.h"
#include "store.h"

/* Pages that are moved before others get a chance at the locks. */
#define TRANSFER_BATCH 64

/*
 * The same where a page is part of a folio, or comes to be: by a copy. Taking it out
 * of its folio makes pages of the folio, so this is for the first one only.
 */
static int copy_page_over(struct zvm_store *dst, u64 to, struct zvm_store *src, u64 from)
{
	struct page *new = zvm_store_get_write(dst, to, NULL), *page;
	bool mine;

	if (IS_ERR(new))
		return PTR_ERR(new);
	/* So that it does not change. If the two are one store it may have moved. */
	zvm_store_zap(src, from, from, false);
	page = zvm_store_peek(src, from, &mine);
	zvm_page_copy(new, page);
	return zvm_store_erase(src, from, from, false);
}

static bool in_folio(struct zvm_store *store, u64 index)
{
	bool writable;

	return store->folios && zvm_store_folio(store, index, &writable);
}

/* Move the page at @from of @src to @to of @dst; there is one. */
static int move_page(struct zvm_store *dst, u64 to, struct zvm_store *src, u64 from)
{
	struct zvm_pm_leaf *dst_leaf, *src_leaf;
	struct page *page, *old = NULL;
	bool mine;

	page = zvm_store_peek(src, from, &mine);
	if (PageHWPoison(page))
		return -EIO;
	if (in_folio(src, from) || in_folio(dst, to))
		return copy_page_over(dst, to, src, from);
	/* All that can fail comes first; only on a path that is ours is a slot changed. */
	src_leaf = zvm_pagemap_make(&src->pages, src->base + from, ZVM_STORE_GFP);
	if (IS_ERR(src_leaf))
		return PTR_ERR(src_leaf);
	dst_leaf = zvm_pagemap_make(&dst->pages, dst->base + to, ZVM_STORE_GFP);
	if (IS_ERR(dst_leaf))
		return PTR_ERR(dst_leaf);

	/*
	 * Who has got the page by way of the source, for a pipe or a transfer into
	 * memory, has no business with the target: that gets a copy. Without PTEs
	 * no more of them can come.
	 */
	zvm_store_zap(src, from, from, false);
	if (!mine || zvm_page_is_foreign(page, 0)) {
		old = page;
		page = zvm_page_alloc(dst->user, dst->inode->i_ino, ZVM_STORE_GFP, false);
	} else if (!zvm_page_adopt(page, dst->user, dst->inode->i_ino)) {
		page = NULL;
	}
	if (!page) {
		zvm_store_prune(dst, to);
		return -ENOMEM;
	}
	if (old) {
		zvm_page_copy(page, old);
		SetPageUptodate(page);
	}

	zvm_leaf_clear(src_leaf, src->base + from);
	if (old)
		zvm_page_drop(old);
	zvm_store_zap(dst, to, to, false);
	old = zvm_leaf_set(&dst->pages, dst_leaf, dst->base + to, page);
	if (old)
		zvm_page_drop(old);
	zvm_store_prune(src, from);
	return 0;
}

/**
 * struct transfer - what is left to be moved
 * @dst: the target
 * @src: the source, perhaps the same
 * @to: index in @dst
 * @from: index in @src
 * @pages: how many
 * @backwards: from the end
 */
struct transfer {
	struct zvm_store *dst, *src;
	u64 to, from, pages;
	bool backwards;
};

/* How many pages are absent of the source, at the end that is to be moved now. */
static u64 hole(const struct transfer *t)
{
	u64 last = t->from + t->pages - 1, at;

	at = t->backwards ? zvm_store_prev(t->src, last) : zvm_store_next(t->src, t->from);
	if (at < t->from || at > last)
		return t->pages;
	return t->backwards ? last - at : at - t->from;
}

/* Move a page, or a hole of whatever size. */
static int step(struct transfer *t)
{
	u64 n = hole(t), skip;
	int err;

	skip = t->backwards ? t->pages - (n ?: 1) : 0;
	if (n)
		err = zvm_store_erase(t->dst, t->to + skip, t->to + skip + n - 1, false);
	else
		err = move_page(t->dst, t->to + skip, t->src, t->from + skip);
	if (err)
		return err;
	n = n ?: 1;
	t->pages -= n;
	if (!t->backwards) {
		t->to += n;
		t->from += n;
	}
	return 0;
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

/* One side: the source, or the target. The source is looked at first. */
static int check_locked(struct zvm_vmo *vmo, u64 offset, u64 len)
{
	u64 first = (vmo->offset + offset) >> PAGE_SHIFT;

	lockdep_assert_held(&vmo->store->lock);
	if (zvm_vmo_is_contiguous(vmo))
		return -EOPNOTSUPP;
	if (!in_vmo(vmo, offset, len))
		return -ERANGE;
	if (!len)
		return 0;
	if (vmo->store->discarded)
		return -ENOENT;
	if (vmo->store->cache_policy != ZX_CACHE_POLICY_CACHED)
		return -EBADFD;
	return zvm_store_is_pinned(vmo->store, first, first + (len >> PAGE_SHIFT) - 1) ?
	       -EBADFD : 0;
}

int zvm_vmo_transfer(struct zvm_vmo *dst, u64 offset, u64 len, struct zvm_vmo *src,
		     u64 src_offset)
{
	struct transfer t = {
		.dst = dst->store,
		.src = src->store,
		.to = (dst->offset + offset) >> PAGE_SHIFT,
		.from = (src->offset + src_offset) >> PAGE_SHIFT,
		.pages = len >> PAGE_SHIFT,
	};
	int err, i;

	if (dst == src && offset == src_offset)
		return 0;
	/* From the end where the target lies behind the source, as memmove() does. */
	t.backwards = t.dst == t.src && t.to > t.from;
	do {
		err = lock_both(t.dst, t.src);
		if (err)
			return err;
		err = check_locked(src, src_offset, len) ?: check_locked(dst, offset, len);
		/* The same content by way of two VMOs: nothing to do. */
		if (t.dst == t.src && t.to == t.from)
			t.pages = 0;
		for (i = 0; !err && i < TRANSFER_BATCH && t.pages; i++)
			err = step(&t);
		unlock_both(t.dst, t.src);
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	} while (!err && t.pages);
	return err;
}
