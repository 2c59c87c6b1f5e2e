// SPDX-License-Identifier: GPL-2.0
/*
 * Contiguous VMOs: all pages are there from the start, in a row in memory.
 *
 * The row is allocated as one block and split at once, so each page is a page like
 * any other, with a count of its own, and given back on its own. What keeps the row
 * together is that none is ever replaced: no snapshots, no transfers, no decommit.
 *
 * Blocks come from the page allocator, and are charged to the caller's memory cgroup.
 * What is larger than its largest ones has to be searched for, with pages of others
 * moved away; the kernel offers modules no way to charge that to a cgroup. Large
 * rows are for CAP_SYS_RAWIO only.
 */
#include <linux/capability.h>
#include <linux/highmem.h>
#include <linux/log2.h>
#include <linux/memory_hotplug.h>
#include <linux/mmzone.h>
#include <linux/sched/signal.h>

#include "../compat.h"
#include "page.h"
#include "store.h"
#include "user.h"

/**
 * struct run - pages in a row that belong to nobody yet, one reference each
 * @pfn: the first
 * @pages: how many
 * @align: number of low bits of @pfn that have to be 0
 */
struct run {
	unsigned long pfn;
	unsigned long pages;
	unsigned int align;
};

static void run_free(const struct run *run, unsigned long from, unsigned long end)
{
	for (; from < end; from++) {
		__free_page(pfn_to_page(run->pfn + from));
		cond_resched();
	}
}

/* A block is aligned to its size. What is more than wanted goes back. */
static int run_alloc_block(struct run *run, unsigned int order)
{
	struct page *page = alloc_pages(ZVM_STORE_GFP | __GFP_HIGHMEM | __GFP_ACCOUNT | __GFP_ZERO,
					order);

	if (!page)
		return -ENOMEM;
	split_page(page, order);
	run->pfn = page_to_pfn(page);
	run_free(run, run->pages, 1ul << order);
	return 0;
}

#ifdef CONFIG_CONTIG_ALLOC
/* Is all of it memory that the kernel manages, in one zone? */
static bool in_zone(const struct zone *zone, unsigned long pfn, unsigned long pages)
{
	for (; pages; pages--, pfn++) {
		struct page *page;

		if (IS_ALIGNED(pfn, PAGES_PER_SECTION))
			cond_resched();
		page = pfn_to_online_page(pfn);
		if (!page || page_zone(page) != zone || PageReserved(page))
			return false;
	}
	return true;
}

static int search_zone(struct run *run, const struct zone *zone)
{
	unsigned long align = 1ul << run->align, pfn, next;

	for (pfn = ALIGN(zone->zone_start_pfn, align);
	     pfn + run->pages <= zone_end_pfn(zone); pfn = next) {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (in_zone(zone, pfn, run->pages) &&
		    !zvm_alloc_contig_range(pfn, pfn + run->pages,
					    GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)) {
			run->pfn = pfn;
			return 0;
		}
		cond_resched();
		if (check_add_overflow(pfn, ALIGN(run->pages, align), &next))
			break;
	}
	return -ENOMEM;
}

static int run_search(struct run *run)
{
	unsigned long i;
	int nid, zone, err = -ENOMEM;

	/* Not in zones whose memory has to stay movable. */
	for (zone = ZONE_NORMAL; zone >= 0 && err == -ENOMEM; zone--)
		for_each_online_node(nid) {
			err = search_zone(run, &NODE_DATA(nid)->node_zones[zone]);
			if (err != -ENOMEM)
				break;
		}
	for (i = 0; !err && i < run->pages; i++) {
		clear_highpage(pfn_to_page(run->pfn + i));
		cond_resched();
	}
	return err;
}
#else
static int run_search(struct run *run)
{
	return -ENOMEM;
}
#endif

/*
 * A page that stays where it is spoils a large block for everybody, and no limit
 * counts blocks. Those that the allocator has plenty of are for everybody.
 */
static int run_alloc(struct run *run)
{
	unsigned int order = max_t(unsigned int, order_base_2(run->pages), run->align);

	if (order > PAGE_ALLOC_COSTLY_ORDER && !capable(CAP_SYS_RAWIO))
		return -ENOMEM;
	return order <= MAX_PAGE_ORDER ? run_alloc_block(run, order) : run_search(run);
}

/* The pages become those of the store, which nobody knows yet. */
static int run_fill(struct zvm_store *store, const struct run *run)
{
	struct zvm_pm_leaf *leaf;
	unsigned long i;

	for (i = 0; i < run->pages; i++) {
		leaf = zvm_pagemap_make(&store->pages, i, ZVM_STORE_GFP);
		if (IS_ERR(leaf)) {
			run_free(run, i, run->pages);
			zvm_user_uncharge(store->user, (run->pages - i) << PAGE_SHIFT);
			return PTR_ERR(leaf);
		}
		zvm_leaf_set(&store->pages, leaf, i,
			     zvm_page_take(pfn_to_page(run->pfn + i), store->user,
					   store->inode->i_ino));
		cond_resched();
	}
	return 0;
}

static int fill_store(struct zvm_store *store, u64 size, unsigned int align)
{
	struct run run = { .pages = size >> PAGE_SHIFT, .align = align };
	int err;

	if (run.pages > totalram_pages() || !zvm_user_charge(store->user, size))
		return -ENOMEM;
	err = run_alloc(&run);
	if (err) {
		zvm_user_uncharge(store->user, size);
		return err;
	}
	return run_fill(store, &run);
}

struct zvm_vmo *zvm_vmo_new_contiguous(u64 size, u32 alignment_log2)
{
	struct zvm_store *store;
	struct zvm_vmo *vmo;
	int err;

	if (!size || !PAGE_ALIGNED(size))
		return ERR_PTR(-EINVAL);
	if (alignment_log2 && (alignment_log2 < PAGE_SHIFT || alignment_log2 >= 64))
		return ERR_PTR(-EINVAL);
	if (size > ZVM_VMO_MAX_SIZE)
		return ERR_PTR(-ERANGE);

	vmo = zvm_vmo_alloc();
	if (IS_ERR(vmo))
		return vmo;
	store = &vmo->own_store;
	zvm_store_init(store, &vmo->obj.inode, vmo->user);
	vmo->store = store;
	store->contiguous = true;
	zvm_store_resize(store, size);
	err = fill_store(store, size, alignment_log2 ? alignment_log2 - PAGE_SHIFT : 0);
	if (err) {
		zvm_object_put(&vmo->obj);
		return ERR_PTR(err);
	}
	zvm_vmo_publish(vmo, 0);
	return vmo;
}
