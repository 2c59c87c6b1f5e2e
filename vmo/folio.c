// SPDX-License-Identifier: GPL-2.0
/*
 * Folios in stores: 2 MiB pages, for VMOs that want them.
 *
 * A folio comes where nothing is yet, sits in one slot of the page map, and is
 * shared by snapshots as a page is. Whoever is to write to a shared one gets a copy
 * of all of it; where part of it is to go, the rest is copied to pages. So a store
 * has all of a folio or nothing of it, and no memory is kept that nobody can see.
 *
 * Two exceptions: while somebody else has references to a folio of ours, or it is
 * pinned, a transfer into the memory may be under way, which copies would miss. Then,
 * and where there is no memory for copies, the part that is to go is filled with zeros
 * and stays. And what a VMO leaves that only a slice shows the rest of stays with that
 * while others share the folio: copies would cost more, of who has perhaps no
 * allowance left.
 */
#include <linux/highmem.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "../compat.h"
#include "../zvm_trace.h"
#include "page.h"
#include "pin.h"
#include "store.h"

struct page *zvm_store_folio(struct zvm_store *store, u64 index, bool *writable)
{
	u64 at = store->base + index;
	struct zvm_pm_inner *inner;
	struct page *folio = NULL;
	bool alone;

	lockdep_assert_held(&store->lock);
	inner = zvm_pagemap_find_inner(&store->pages, at, &alone);
	if (inner)
		folio = zvm_inner_folio(inner, at);
	*writable = folio && alone && zvm_inner_mine(&store->pages, inner, at, 0);
	return folio;
}

/* The first and last index of the folio around @at, in the page map. */
static u64 folio_first(u64 at)
{
	return at & ~(u64)(ZVM_FOLIO_PAGES - 1);
}

static u64 folio_last(u64 at)
{
	return at | (ZVM_FOLIO_PAGES - 1);
}

/* Remove all PTEs of the folio's pages, as far as they are in the store. */
static void zap_folio(struct zvm_store *store, u64 at)
{
	u64 first = max(folio_first(at), store->base) - store->base;

	zvm_store_zap(store, first, folio_last(at) - store->base, false);
}

static void copy_folio(struct page *to, struct page *from)
{
	unsigned int i;

	for (i = 0; i < ZVM_FOLIO_PAGES; i++) {
		zvm_page_copy(to + i, from + i);
		cond_resched();
	}
	SetPageUptodate(to);
}

static void drop_pages(struct page **pages)
{
	unsigned int i;

	for (i = 0; i < ZVM_FOLIO_PAGES; i++)
		if (pages[i])
			zvm_page_drop(pages[i]);
}

/*
 * Is there still use for the page at @at when [first, last] goes? Not beyond the
 * store's end, where nobody sees it. A snapshot that is being made has no size yet.
 */
static bool stays(const struct zvm_store *store, u64 at, u64 first, u64 last)
{
	return (at < first || at > last) &&
	       (!store->size || at - store->base < zvm_store_pages(store));
}

/* Pages for all of the folio at @at that stays without [first, last]. */
static int alloc_pages_for(struct zvm_store *store, struct page **pages, u64 at, u64 first,
			   u64 last, bool excess)
{
	u64 owner = store->inode->i_ino;
	unsigned int i;

	for (i = 0; i < ZVM_FOLIO_PAGES; i++) {
		u64 index = folio_first(at) + i;

		if (!stays(store, index, first, last))
			continue;
		pages[i] = excess ? zvm_page_alloc_excess(store->user, owner, ZVM_STORE_GFP) :
				    zvm_page_alloc(store->user, owner, ZVM_STORE_GFP, false);
		if (!pages[i]) {
			drop_pages(pages);
			return -ENOMEM;
		}
		cond_resched();
	}
	return 0;
}

/* Has a page of the folio at @at failed that stays without [first, last]? */
static bool keeps_failed(const struct zvm_store *store, struct page *folio, u64 at, u64 first,
			 u64 last)
{
	unsigned int i;

	for (i = 0; i < ZVM_FOLIO_PAGES; i++)
		if (PageHWPoison(folio + i) && stays(store, folio_first(at) + i, first, last))
			return true;
	return false;
}

/**
 * struct pieces - pages that are about to take the place of a folio
 * @inner: where the folio is, on a path that is not shared
 * @at: an index in it
 * @pages: NULL where nothing stays
 * @branch: with these pages
 */
struct pieces {
	struct zvm_pm_inner *inner;
	u64 at;
	struct page **pages;
	struct zvm_pm_node *branch;
};

static int fill_pieces(struct zvm_store *store, struct pieces *to, u64 first, u64 last)
{
	struct page *folio = zvm_inner_folio(to->inner, to->at);
	/* Where the folio goes, its user has less afterwards than before. */
	bool excess = zvm_page_slots(folio) == 1 && zvm_page_is_paid_by(folio, store->user);
	int err;

	err = alloc_pages_for(store, to->pages, to->at, first, last, excess);
	if (err)
		return err;
	to->branch = zvm_pagemap_branch(&store->pages, to->pages, ZVM_STORE_GFP);
	if (!IS_ERR(to->branch))
		return 0;
	drop_pages(to->pages);
	return PTR_ERR(to->branch);
}

/* Get the pages for the folio at @at, where they stay without [first, last]. */
static int get_pieces(struct zvm_store *store, struct zvm_pm_inner *inner, u64 at, u64 first,
		      u64 last, struct pieces *to)
{
	struct page **pages;
	int err;

	/* What has failed must not be read: it can only go. */
	if (keeps_failed(store, zvm_inner_folio(inner, at), at, first, last))
		return -EIO;
	pages = kcalloc(ZVM_FOLIO_PAGES, sizeof(*pages), ZVM_STORE_GFP);
	if (!pages)
		return -ENOMEM;
	*to = (struct pieces){ .inner = inner, .at = at, .pages = pages };
	err = fill_pieces(store, to, first, last);
	if (err) {
		kfree(pages);
		to->pages = NULL;
	}
	return err;
}

static void put_pieces(struct pieces *pieces)
{
	if (pieces->pages && pieces->branch)
		zvm_pagemap_put_branch(pieces->branch);
	kfree(pieces->pages);
}

/*
 * Put them, with the same content, where the folio is. @extra: references that the
 * caller has.
 */
static void use_pieces(struct zvm_store *store, struct pieces *to, unsigned int extra)
{
	struct page *folio = zvm_inner_folio(to->inner, to->at);
	unsigned int i;

	zap_folio(store, to->at);
	for (i = 0; i < ZVM_FOLIO_PAGES; i++) {
		if (!to->pages[i])
			continue;
		zvm_page_copy(to->pages[i], folio + i);
		SetPageUptodate(to->pages[i]);
		cond_resched();
	}
	zvm_folio_move_futexes(folio, to->pages, store->inode->i_ino, extra);
	zvm_page_drop(zvm_inner_replace(to->inner, to->at, to->branch));
	kfree(to->pages);
}

static void zero_pages(struct page *folio, u64 at, u64 first, u64 last)
{
	u64 index;

	for (index = max(first, folio_first(at)); index <= min(last, folio_last(at)); index++) {
		struct page *page = folio + (index & (ZVM_FOLIO_PAGES - 1));

		if (!PageHWPoison(page))
			zvm_page_zero(page, 0, PAGE_SIZE);
	}
}

/* Has any part of the folio at @at to stay where it is? */
static bool is_pinned(struct zvm_store *store, u64 at)
{
	return zvm_store_is_pinned(store, folio_first(at) - store->base,
				   folio_last(at) - store->base);
}

/**
 * struct cut - what is to become of a folio of which part is to go
 * @folio: NULL: there is none
 * @pieces: take its place if there are any; else it stays
 * @zero: filled with zeros where it would have gone
 */
struct cut {
	struct page *folio;
	struct pieces pieces;
	bool zero;
};

/* Decide on the folio around @at, of which part is in [first, last], if there is one. */
static int prepare_cut(struct zvm_store *store, struct cut *cut, u64 at, u64 first, u64 last,
		       gfp_t gfp)
{
	bool alone, mine, unseen = gfp & __GFP_NOFAIL;
	struct zvm_pm_inner *inner;
	int err = -EBUSY;

	inner = zvm_pagemap_find_inner(&store->pages, at, &alone);
	if (!inner || !zvm_inner_folio(inner, at))
		return 0;
	inner = zvm_pagemap_make_inner(&store->pages, at, gfp);
	if (IS_ERR(inner))
		return PTR_ERR(inner);
	cut->folio = zvm_inner_folio(inner, at);
	zap_folio(store, at);
	/* Those may be writing. Who shares the folio, or did, can only be reading. */
	mine = zvm_inner_mine(&store->pages, inner, at, 0);
	if (mine ? !is_pinned(store, at) && !zvm_folio_is_foreign(cut->folio, 0) : !unseen)
		err = get_pieces(store, inner, at, first, last, &cut->pieces);
	/* Nobody can see what a discard means: it may stay, if that costs less. */
	if (unseen)
		return 0;
	cut->zero = err && mine;
	return mine ? 0 : err;
}

/* Does the folio stay? */
static bool do_cut(struct zvm_store *store, struct cut *cut, u64 at, u64 first, u64 last)
{
	if (!cut->folio)
		return false;
	if (cut->pieces.pages) {
		use_pieces(store, &cut->pieces, 0);
		return false;
	}
	if (cut->zero)
		zero_pages(cut->folio, at, first, last);
	return true;
}

int zvm_store_cut_folios(struct zvm_store *store, u64 *first, u64 *last, gfp_t gfp)
{
	u64 from = *first, to = *last;
	struct cut left = {}, right = {};
	int err;

	lockdep_assert_held(&store->lock);
	/* All that can fail comes first, also of what is erased later. */
	err = zvm_pagemap_own(&store->pages, from, to, gfp);
	if (err)
		return err;
	if (from != folio_first(from) || to < folio_last(from))
		err = prepare_cut(store, &left, from, from, to, gfp);
	if (!err && to != folio_last(to) && folio_first(to) > from)
		err = prepare_cut(store, &right, to, from, to, gfp);
	if (err) {
		put_pieces(&left.pieces);
		return err;
	}
	if (do_cut(store, &left, from, from, to))
		*first = folio_last(from) + 1;
	if (do_cut(store, &right, to, from, to))
		*last = folio_first(to) - 1;
	return 0;
}

/* Is there room for a folio around @at, all of which somebody can see? */
static bool has_room(const struct zvm_store *store, const struct zvm_pm_inner *inner, u64 at)
{
	return (!inner || !zvm_inner_child(inner, at)) && store->nr_whole &&
	       folio_first(at) >= store->base &&
	       folio_last(at) - store->base < zvm_store_pages(store);
}

/* A new folio around @at, where nothing is, or NULL. */
static struct page *fill(struct zvm_store *store, u64 at)
{
	struct zvm_pm_inner *inner;
	struct page *folio;

	inner = zvm_pagemap_make_inner(&store->pages, at, ZVM_STORE_GFP);
	/* A root that was too low for folios has had pages there. */
	if (IS_ERR(inner) || zvm_inner_child(inner, at))
		return NULL;
	folio = zvm_folio_alloc(store->user, store->inode->i_ino, true);
	if (!folio)
		return NULL;
	/* What may be mapped is pages of zeros. */
	if (store->zero_first <= folio_last(at) - store->base &&
	    store->zero_last >= folio_first(at) - store->base)
		zap_folio(store, at);
	zvm_inner_set(&store->pages, inner, at, folio);
	return folio;
}

/* A copy of the folio around @at that is the store's alone; NULL: it is pages now. */
static struct page *copy_shared(struct zvm_store *store, u64 at, struct page *held)
{
	struct zvm_pm_inner *inner = zvm_pagemap_make_inner(&store->pages, at, ZVM_STORE_GFP);
	struct page *folio, *fresh;
	struct pieces pieces;
	bool extra;
	int err;

	if (IS_ERR(inner))
		return ERR_CAST(inner);
	folio = zvm_inner_folio(inner, at);
	extra = held && compound_head(held) == folio;
	/* Without PTEs it does not change, and whether there are others is to be seen. */
	zap_folio(store, at);
	if (zvm_inner_mine(&store->pages, inner, at, extra))
		return folio;
	if (zvm_folio_has_failed(folio))
		return ERR_PTR(-EIO);

	fresh = zvm_folio_alloc(store->user, store->inode->i_ino, false);
	if (!fresh) {
		err = get_pieces(store, inner, at, 1, 0, &pieces);
		if (err)
			return ERR_PTR(err);
		use_pieces(store, &pieces, extra);
		return NULL;
	}
	trace_vmo_copy(store->inode->i_ino, folio_first(at) - store->base);
	copy_folio(fresh, folio);
	zvm_page_move_futexes(folio, fresh, store->inode->i_ino, extra);
	zvm_page_drop(zvm_inner_set(&store->pages, inner, at, fresh));
	return fresh;
}

struct page *zvm_store_folio_get_write(struct zvm_store *store, u64 index, struct page *held)
{
	u64 at = store->base + index;
	unsigned int i = at & (ZVM_FOLIO_PAGES - 1);
	struct zvm_pm_inner *inner;
	struct page *folio;
	bool alone;

	lockdep_assert_held(&store->lock);
	inner = zvm_pagemap_find_inner(&store->pages, at, &alone);
	folio = inner ? zvm_inner_folio(inner, at) : NULL;
	/* Neither to be written to nor to be copied from. */
	if (folio && PageHWPoison(folio + i))
		return ERR_PTR(-EIO);
	if (!folio)
		folio = has_room(store, inner, at) ? fill(store, at) : NULL;
	else if (!alone || !zvm_inner_mine(&store->pages, inner, at,
					   held && compound_head(held) == folio))
		folio = copy_shared(store, at, held);
	return IS_ERR_OR_NULL(folio) ? folio : folio + i;
}
