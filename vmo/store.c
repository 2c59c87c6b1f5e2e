// SPDX-License-Identifier: GPL-2.0
/*
 * Stores: the one way to a page, and the ways to lose one.
 */
#include <linux/pagemap.h>

#include "../arch/aspace.h"
#include "../vmar/aspace.h"
#include "../zvm_trace.h"
#include "cache.h"
#include "discardable.h"
#include "family.h"
#include "page.h"
#include "physical.h"
#include "store.h"
#include "user.h"

/* Many, so that their reference counts have room for many PTEs. */
#define NR_ZERO_PAGES 16u
#define ZERO_PAGE_MAX_REFS (INT_MAX / 2)
static struct page *zero_pages[NR_ZERO_PAGES];

void zvm_store_init(struct zvm_store *store, struct inode *inode, struct zvm_user *user)
{
	mutex_init(&store->lock);
	INIT_LIST_HEAD(&store->relatives);
	store->slices = RB_ROOT_CACHED;
	store->nr_whole = 1;
	store->user = user;
	store->inode = inode;
	store->mappings = RB_ROOT_CACHED;
	store->pins = RB_ROOT_CACHED;
	store->zero_first = U64_MAX;
	store->rw_first = U64_MAX;
}

void zvm_store_destroy(struct zvm_store *store)
{
	if (store->discard)
		zvm_discard_exit(store);
	WARN_ON_ONCE(!RB_EMPTY_ROOT(&store->mappings.rb_root));
	if (!zvm_store_is_cached(store)) {
		mutex_lock(&store->lock);
		zvm_store_pages_leave(store, 0, zvm_store_pages(store) - 1);
		mutex_unlock(&store->lock);
	}
	zvm_pagemap_destroy(&store->pages);
	if (store->physical)
		zvm_physical_free(store);
	if (store->family)
		zvm_family_put(store);
}

u64 zvm_store_next(struct zvm_store *store, u64 index)
{
	u64 next = zvm_pagemap_next(&store->pages, store->base + index);

	return next == U64_MAX ? next : next - store->base;
}

u64 zvm_store_prev(struct zvm_store *store, u64 index)
{
	u64 prev = zvm_pagemap_prev(&store->pages, store->base + index);

	/* Before the base there is nothing. */
	return prev == U64_MAX ? prev : prev - store->base;
}

u64 zvm_store_count(struct zvm_store *store, u64 first, u64 last)
{
	u64 end;

	if (check_add_overflow(store->base, last, &end))
		end = U64_MAX;
	return zvm_pagemap_count(&store->pages, store->base + first, end);
}

struct page *zvm_store_peek(struct zvm_store *store, u64 index, bool *writable)
{
	struct zvm_pm_leaf *leaf;
	struct page *page;
	bool alone;

	lockdep_assert_held(&store->lock);
	index += store->base;
	leaf = zvm_pagemap_find(&store->pages, index, &alone);
	if (!leaf && store->folios) {
		page = zvm_store_folio(store, index - store->base, writable);
		return page ? page + (index & (ZVM_FOLIO_PAGES - 1)) : NULL;
	}
	page = leaf ? zvm_leaf_page(leaf, index) : NULL;
	*writable = page && alone && zvm_leaf_mine(&store->pages, leaf, index, 0);
	return page;
}

static bool zero_ptes_at(const struct zvm_store *store, u64 index)
{
	return index >= store->zero_first && index <= store->zero_last;
}

/* Is all that shows the page one mapping in an arena? */
static bool shown_once(struct zvm_store *store, u64 index)
{
	struct interval_tree_node *it;

	it = interval_tree_iter_first(&store->mappings, index, index);
	return it && !interval_tree_iter_next(it, index, index) &&
	       !mapping_mapped(store->inode->i_mapping);
}

/* Remove the PTEs at @index. If the fault's is the only one there can be, look there. */
static void zap_for_write(struct zvm_store *store, u64 index, const struct zvm_pte_place *fault)
{
	lockdep_assert_held(&store->lock);
	if (!fault || !shown_once(store, index)) {
		zvm_store_zap(store, index, index, false);
	} else if (fault->held || zvm_arch_is_mapped(fault->vma, fault->addr)) {
		trace_vmo_zap(store->inode->i_ino, index, index);
		zvm_arch_unmap_here(fault->vma, fault->addr);
	}
}

struct page *zvm_store_get_write(struct zvm_store *store, u64 index,
				 const struct zvm_pte_place *fault)
{
	struct page *held = fault ? fault->held : NULL;
	u64 at = store->base + index;
	struct page *page, *fresh;
	struct zvm_pm_leaf *leaf;
	bool alone;

	lockdep_assert_held(&store->lock);
	leaf = zvm_pagemap_find(&store->pages, at, &alone);
	if (!leaf && store->folios) {
		page = zvm_store_folio_get_write(store, index, held);
		if (page)
			return page;
	}
	if (!leaf || !alone) {
		leaf = zvm_pagemap_make(&store->pages, at, ZVM_STORE_GFP);
		if (IS_ERR(leaf))
			return ERR_CAST(leaf);
	}

	page = zvm_leaf_page(leaf, at);
	/* Neither to be written to nor to be copied from. */
	if (page && PageHWPoison(page))
		return ERR_PTR(-EIO);
	if (page && zvm_leaf_mine(&store->pages, leaf, at, page == held))
		return page;

	fresh = zvm_page_alloc(store->user, store->inode->i_ino, ZVM_STORE_GFP, !page);
	if (fresh && zvm_store_page_enters(store, fresh)) {
		zvm_page_drop(fresh);
		fresh = NULL;
	}
	if (!fresh) {
		if (!page)
			zvm_store_prune(store, index);
		return ERR_PTR(-ENOMEM);
	}
	/*
	 * What is mapped, if anything, is the old page or a page of zeros: out with
	 * it, before it is copied, as some may write there still.
	 */
	if (page ? zvm_page_is_mapped(page) : zero_ptes_at(store, index))
		zap_for_write(store, index, fault);
	if (page) {
		trace_vmo_copy(store->inode->i_ino, index);
		zvm_store_sync_alias(store, page);
		zvm_page_copy(fresh, page);
		zvm_store_sync_alias(store, fresh);
		SetPageUptodate(fresh);
		zvm_page_move_futexes(page, fresh, store->inode->i_ino, page == held);
	}
	zvm_leaf_set(&store->pages, leaf, at, fresh);
	if (page) {
		zvm_store_page_leaves(store, page);
		zvm_page_drop(page);
	}
	return fresh;
}

unsigned int zvm_store_gather(struct zvm_store *store, u64 index, unsigned int max,
			      struct page **pages, bool *writable)
{
	struct zvm_pm_leaf *leaf = NULL;
	struct page *folio = NULL;
	unsigned int n;
	bool alone, mine = false;

	lockdep_assert_held(&store->lock);
	index += store->base;
	for (n = 0; n < max; n++, index++) {
		struct page *page;

		/* Not of two folios, or with other pages. */
		if (n && store->folios && !(index & (ZVM_FOLIO_PAGES - 1)))
			break;
		if (!n || !(index & (ZVM_LEAF_SLOTS - 1))) {
			leaf = zvm_pagemap_find(&store->pages, index, &alone);
			folio = NULL;
			if (!leaf && store->folios)
				folio = zvm_store_folio(store, index - store->base, &mine);
			if (!leaf && !folio)
				break;
		}
		if (folio)
			page = folio + (index & (ZVM_FOLIO_PAGES - 1));
		else
			page = zvm_leaf_page(leaf, index);
		if (!page || PageHWPoison(page))
			break;
		if (leaf)
			mine = alone && zvm_leaf_mine(&store->pages, leaf, index, 0);
		if (!n && !*writable)
			*writable = mine;
		else if (mine != *writable)
			break;
		pages[n] = page;
	}
	return n;
}

struct page *zvm_zero_page(u64 index)
{
	unsigned int i = 0;

	/* The next one takes the place of one that has been lost. */
	while (PageHWPoison(zero_pages[index % NR_ZERO_PAGES]) && ++i < NR_ZERO_PAGES)
		index++;
	return zero_pages[index % NR_ZERO_PAGES];
}

struct page *zvm_store_zero_page(struct zvm_store *store, u64 index)
{
	struct page *page = zvm_zero_page(index);

	lockdep_assert_held(&store->lock);
	if (page_count(page) > ZERO_PAGE_MAX_REFS || PageHWPoison(page))
		return NULL;
	if (store->zero_first > store->zero_last) {
		store->zero_first = index;
		store->zero_last = index;
	} else {
		store->zero_first = min(store->zero_first, index);
		store->zero_last = max(store->zero_last, index);
	}
	return page;
}

void zvm_store_zap(struct zvm_store *store, u64 first, u64 last, bool even_cows)
{
	struct address_space *plain = store->inode->i_mapping;
	struct interval_tree_node *it;

	lockdep_assert_held(&store->lock);
	trace_vmo_zap(store->inode->i_ino, first, last);
	for (it = interval_tree_iter_first(&store->mappings, first, last); it;
	     it = interval_tree_iter_next(it, first, last)) {
		struct zvm_mapping *map = container_of(it, struct zvm_mapping, itree);
		u64 from = max_t(u64, first, it->start);
		u64 to = min_t(u64, last, it->last);
		u64 offset = map->node.base - map->aspace->base;

		if (READ_ONCE(map->touched))
			zvm_arch_unmap(map->aspace->obj.inode.i_mapping,
				       (offset >> PAGE_SHIFT) + (from - it->start),
				       to - from + 1, false);
		cond_resched();
	}
	if (mapping_mapped(plain)) {
		/* The count of all pages does not fit and 0 means just that. */
		u64 n = last - first + 1;

		zvm_arch_unmap(plain, first, n, even_cows);
	}
}

/* As zvm_store_zap(), but what can is left readable. */
static void store_wrprotect(struct zvm_store *store, u64 first, u64 last)
{
	struct address_space *plain = store->inode->i_mapping;
	struct interval_tree_node *it;

	lockdep_assert_held(&store->lock);
	/* Huge entries cannot be write-protected, and others look like references. */
	if (store->folios) {
		zvm_store_zap(store, first, last, false);
		return;
	}
	for (it = interval_tree_iter_first(&store->mappings, first, last); it;
	     it = interval_tree_iter_next(it, first, last)) {
		struct zvm_mapping *map = container_of(it, struct zvm_mapping, itree);
		u64 from = max_t(u64, first, it->start);
		u64 to = min_t(u64, last, it->last);
		u64 offset = map->node.base - map->aspace->base;

		if (READ_ONCE(map->touched))
			zvm_arch_wrprotect(map->aspace->obj.inode.i_mapping,
					   (offset >> PAGE_SHIFT) + (from - it->start),
					   to - from + 1);
		cond_resched();
	}
	/* mprotect(2) would make such PTEs writable again without asking. */
	if (mapping_mapped(plain))
		zvm_arch_unmap(plain, first, last - first + 1, false);
}

void zvm_store_note_write(struct zvm_store *store, u64 index, u64 pages)
{
	lockdep_assert_held(&store->lock);
	store->rw_first = min(store->rw_first, index);
	store->rw_last = max(store->rw_last, index + pages - 1);
}

/*
 * Give @to a copy of each page in [first, last] of @leaf to which there is a
 * reference that is no PTE. Returns these slots, or an error.
 */
static int copy_busy_in_leaf(struct zvm_store *to, const struct zvm_pm_leaf *leaf,
			     u64 first, u64 last)
{
	struct page *const *slot = &leaf->slot[first & (ZVM_LEAF_SLOTS - 1)];
	int busy = 0;
	u64 at;

	for (at = first; at <= last; at++, slot++) {
		struct page *page = *slot;

		if (!page || !zvm_page_is_foreign(page, 0) || PageHWPoison(page))
			continue;
		page = zvm_store_get_write(to, at - to->base, NULL);
		if (IS_ERR(page))
			return PTR_ERR(page);
		busy |= BIT(at & (ZVM_LEAF_SLOTS - 1));
	}
	return busy;
}

static bool has_folio(struct zvm_store *store, u64 at, struct page *folio)
{
	struct zvm_pm_inner *inner;
	bool alone;

	inner = zvm_pagemap_find_inner(&store->pages, at, &alone);
	return inner && zvm_inner_folio(inner, at) == folio;
}

/*
 * The same for the folio of @from around @at, all of whose PTEs are gone if @to has
 * it. Returns whether @from has it for itself, or an error.
 */
static int copy_busy_folio(struct zvm_store *to, struct zvm_store *from, u64 at, u64 epoch)
{
	struct zvm_pm_inner *inner;
	struct page *folio, *page;
	bool alone, tagged;

	inner = zvm_pagemap_find_inner(&from->pages, at, &alone);
	folio = zvm_inner_folio(inner, at);
	tagged = zvm_inner_is_tagged(inner, at, epoch);
	if (has_folio(to, at, folio)) {
		if (!zvm_folio_is_foreign(folio, 0) || zvm_folio_has_failed(folio))
			return 0;
		page = zvm_store_get_write(to, at - to->base, NULL);
		if (IS_ERR(page))
			return PTR_ERR(page);
	}
	inner = zvm_pagemap_find_inner(&from->pages, at, &alone);
	if (tagged && alone)
		zvm_inner_claim(&from->pages, inner, at);
	return 1;
}

/* The same for a leaf of @from, of which @to had [first, last]. */
static int copy_busy_leaf(struct zvm_store *to, struct zvm_store *from, struct zvm_pm_leaf *leaf,
			  u64 at, u64 first, u64 last, u64 epoch)
{
	u64 leaf_first = round_down(at, ZVM_LEAF_SLOTS);
	u64 leaf_last = leaf_first + ZVM_LEAF_SLOTS - 1;
	u64 shared_first = max(leaf_first, first), shared_last = min(leaf_last, last);
	u16 keep = U16_MAX, tags = zvm_leaf_tags(leaf, epoch);
	bool alone;

	if (shared_first <= shared_last) {
		int busy = copy_busy_in_leaf(to, leaf, shared_first, shared_last);

		if (busy < 0)
			return busy;
		keep &= ~GENMASK(shared_last - leaf_first, shared_first - leaf_first);
		keep |= busy;
	}
	/* These are not in @to any more, be they cut off or replaced by copies. */
	if (keep && zvm_pagemap_find(&from->pages, at, &alone) && alone)
		zvm_leaf_claim(&from->pages, leaf, tags & keep);
	return !!keep;
}

/*
 * The snapshot @to has [first, last] of @from, in tree indexes; tags of @from
 * counted at @epoch. There may be transfers under way into pages of @from: by
 * references that are no PTEs, nor need there be any left. These are @from's: @to
 * gets copies of such pages, as they are now, and for @from they stay what they
 * were. So do those outside of the range, whose PTEs can still be written by.
 */
static int copy_busy(struct zvm_store *to, struct zvm_store *from, u64 first, u64 last,
		     u64 epoch)
{
	u64 at = from->base + from->rw_first, end = from->base + from->rw_last;
	u64 rw_first = U64_MAX, rw_last = 0;
	struct zvm_pm_node *node;

	lockdep_assert_held(&from->lock);
	if (from->rw_first > from->rw_last)
		return 0;
	while (at <= end && (node = zvm_pagemap_next_leaf(&from->pages, &at)) && at <= end) {
		bool folio = zvm_pm_is_folio(node);
		u64 node_last = at | ((folio ? ZVM_FOLIO_PAGES : ZVM_LEAF_SLOTS) - 1);
		int kept = folio ? copy_busy_folio(to, from, at, epoch) :
				   copy_busy_leaf(to, from, zvm_pm_leaf(node), at, first, last,
						  epoch);

		if (kept < 0)
			return kept;
		if (kept) {
			rw_first = min(rw_first, at - from->base);
			rw_last = node_last - from->base;
		}
		at = node_last + 1;
		cond_resched();
	}
	from->rw_first = rw_first;
	from->rw_last = rw_last;
	return 0;
}

/* Take [first, last] out of the page map of a store that nobody knows yet. */
static int clip(struct zvm_store *to, u64 first, u64 last)
{
	int err = 0;

	if (to->folios)
		err = zvm_store_cut_folios(to, &first, &last, ZVM_STORE_GFP);
	return err ? err : zvm_pagemap_erase(&to->pages, first, last, ZVM_STORE_GFP);
}

/* Larger each time; see pagemap.c. */
static atomic64_t sharing_epoch;

int zvm_store_snapshot(struct zvm_store *to, struct zvm_store *from, u64 first, u64 pages)
{
	u64 last = min(first + pages, zvm_store_pages(from)) - 1;
	u64 epoch = from->pages.shared_epoch;
	int err = 0;

	lockdep_assert_held(&from->lock);
	trace_vmo_snapshot(from->inode->i_ino, to->inode->i_ino, first, pages);
	to->base = from->base + first;
	to->folios = from->folios;
	if (!pages || first >= zvm_store_pages(from) || !from->pages.root)
		return 0;
	/*
	 * With the lock no PTE becomes writable; when all are read-only, nothing
	 * changes: that is the instant of the snapshot.
	 */
	store_wrprotect(from, first, last);
	zvm_pagemap_share(&to->pages, &from->pages, atomic64_inc_return(&sharing_epoch));
	mutex_lock_nested(&to->lock, SINGLE_DEPTH_NESTING);
	if (to->base)
		err = clip(to, 0, to->base - 1);
	if (!err)
		err = clip(to, from->base + last + 1, U64_MAX);
	if (!err)
		err = copy_busy(to, from, to->base, from->base + last, epoch);
	mutex_unlock(&to->lock);
	if (err)
		zvm_pagemap_destroy(&to->pages);
	return err;
}

void zvm_store_prune(struct zvm_store *store, u64 index)
{
	u64 at = store->base + index;
	struct zvm_pm_leaf *leaf;
	bool alone;

	lockdep_assert_held(&store->lock);
	leaf = zvm_pagemap_find(&store->pages, at, &alone);
	/* The path is ours, so this cannot fail. */
	if (leaf && alone && !zvm_leaf_page(leaf, at))
		zvm_pagemap_erase(&store->pages, at, at, ZVM_STORE_GFP);
}

static int erase_pages(struct zvm_store *store, u64 first, u64 last, gfp_t gfp)
{
	int err;

	first += store->base;
	last += store->base;
	if (store->folios) {
		err = zvm_store_cut_folios(store, &first, &last, gfp);
		if (err)
			return err;
	}
	return zvm_pagemap_erase(&store->pages, first, last, gfp);
}

int zvm_store_erase(struct zvm_store *store, u64 first, u64 last, bool even_cows)
{
	lockdep_assert_held(&store->lock);
	zvm_store_zap(store, first, last, even_cows);
	if (first <= store->zero_first && last >= store->zero_last) {
		store->zero_first = U64_MAX;
		store->zero_last = 0;
	}
	/* If this fails, then for pages that are shared: these are cached. */
	zvm_store_pages_leave(store, first, last);
	return erase_pages(store, first, last, ZVM_STORE_GFP);
}

void zvm_store_discard(struct zvm_store *store, u64 first, u64 last)
{
	lockdep_assert_held(&store->lock);
	zvm_store_zap(store, first, last, true);
	zvm_store_pages_leave(store, first, last);
	erase_pages(store, first, last, GFP_KERNEL | __GFP_NOFAIL);
}

int zvm_store_zero_part(struct zvm_store *store, u64 from, u64 to)
{
	u64 index = from >> PAGE_SHIFT;
	struct page *page;
	bool writable;

	lockdep_assert_held(&store->lock);
	if (from >= to || !zvm_store_peek(store, index, &writable))
		return 0;
	page = zvm_store_get_write(store, index, NULL);
	if (IS_ERR(page))
		return PTR_ERR(page);
	zvm_store_zero_bytes(store, page, offset_in_page(from), to - from);
	return 0;
}

int __init zvm_store_module_init(void)
{
	unsigned int i;

	for (i = 0; i < NR_ZERO_PAGES; i++) {
		zero_pages[i] = alloc_page(GFP_HIGHUSER | __GFP_ZERO);
		if (!zero_pages[i]) {
			zvm_store_module_exit();
			return -ENOMEM;
		}
		SetPageUptodate(zero_pages[i]);
	}
	return 0;
}

void zvm_store_module_exit(void)
{
	unsigned int i;

	for (i = 0; i < NR_ZERO_PAGES; i++)
		if (zero_pages[i])
			put_page(zero_pages[i]);
}
