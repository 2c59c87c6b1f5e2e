// SPDX-License-Identifier: GPL-2.0
/*
 * Wired VMOs: of pages that somebody else in the kernel has made.
 *
 * Each page is the VMO's for as long as that lives, as if it were pinned for ever:
 * what takes a pin into account needs to know nothing else. The slot has a reference
 * of its own, so whoever made the page may let go of it when it likes.
 */
#include <linux/sched/signal.h>

#include "page.h"
#include "store.h"
#include "wired.h"

static int wire_page(struct zvm_store *store, u64 index, struct page *page)
{
	struct zvm_pm_leaf *leaf;
	int err;

	/* First the slot's place, then what changes the page. */
	leaf = zvm_pagemap_make(&store->pages, index, ZVM_STORE_GFP);
	if (IS_ERR(leaf))
		return PTR_ERR(leaf);
	err = zvm_page_lend(page, store->inode->i_ino);
	if (!err)
		zvm_leaf_set(&store->pages, leaf, index, page);
	return err;
}

struct zvm_vmo *zvm_vmo_new_wired(struct page **pages, unsigned long count)
{
	struct zvm_store *store;
	struct zvm_vmo *vmo;
	unsigned long i;
	int err = 0;

	if (!count)
		return ERR_PTR(-EINVAL);
	vmo = zvm_vmo_alloc();
	if (IS_ERR(vmo))
		return vmo;
	store = &vmo->own_store;
	zvm_store_init(store, &vmo->obj.inode, vmo->user);
	vmo->store = store;
	store->wired = true;
	store->stream_size = (u64)count << PAGE_SHIFT;
	zvm_store_resize(store, store->stream_size);
	for (i = 0; !err && i < count; i++) {
		err = fatal_signal_pending(current) ? -EINTR : wire_page(store, i, pages[i]);
		cond_resched();
	}
	if (err) {
		zvm_object_put(&vmo->obj);
		return ERR_PTR(err);
	}
	zvm_vmo_publish(vmo, 0);
	return vmo;
}
