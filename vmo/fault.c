// SPDX-License-Identifier: GPL-2.0
/*
 * Faults, as seen by a store: find the page, decide on its permission and
 * install it, all under the store's lock, so that a page never gets a PTE that
 * it must not have any more.
 */
#include <linux/mm.h>
#include <linux/userfaultfd_k.h>

#include "../arch/aspace.h"
#include "../zvm_trace.h"
#include "cache.h"
#include "fault.h"
#include "page.h"
#include "physical.h"
#include "store.h"
#include "user.h"

/* Pages that are populated before others get a chance at the lock. */
#define POPULATE_BATCH 64

/* The first index that must not be accessed. */
static u64 window_limit(const struct zvm_window *win)
{
	struct zvm_vmo *vmo = win->vmo;

	if (win->beyond_stream)
		return (vmo->offset + PAGE_ALIGN(*zvm_vmo_stream(vmo))) >> PAGE_SHIFT;
	return zvm_vmo_limit(vmo) >> PAGE_SHIFT;
}

/* How many pages at most a fault brings in. */
static unsigned int fault_around(const struct zvm_window *win)
{
	unsigned long n = min_t(unsigned long, win->pages, ZVM_FAULT_AROUND);

	if (n == 1)
		return 1;
	/* Stay in one page table, and in the VMA: an arena may have several. */
	n = min_t(unsigned long, n, PTRS_PER_PTE - pte_index(win->addr));
	n = min_t(unsigned long, n, (win->vma->vm_end - win->addr) >> PAGE_SHIFT);
	return min_t(u64, n, window_limit(win) - win->index);
}

static vm_flags_t window_flags(const struct zvm_window *win, bool writable)
{
	return writable ? win->flags : win->flags & ~VM_WRITE;
}

/*
 * May the folio around the window's address be mapped as such: is all of it in the
 * window, at a place that is aligned as it is?
 */
static bool window_has_folio(const struct zvm_window *win)
{
	u64 at = win->vmo->store->base + win->index;
	unsigned long off = at & (ZVM_FOLIO_PAGES - 1);

	return win->vmo->store->folios && win->before >= off &&
	       win->pages + win->after >= ZVM_FOLIO_PAGES - off &&
	       !((at ^ win->addr >> PAGE_SHIFT) & (ZVM_FOLIO_PAGES - 1)) &&
	       window_limit(win) - win->index >= ZVM_FOLIO_PAGES - off &&
	       zvm_arch_maps_folios(win->vma) && !userfaultfd_wp(win->vma);
}

/*
 * The folio at the window's address, which is present, if it is to be mapped as
 * such. *@writable: may it be written in place?
 */
static struct page *folio_to_map(const struct zvm_window *win, bool *writable)
{
	struct page *folio;

	if (!window_has_folio(win) || zvm_arch_pmd(win->vma, win->addr) != ZVM_PMD_NONE)
		return NULL;
	folio = zvm_store_folio(win->vmo->store, win->index, writable);
	return folio && !zvm_folio_has_failed(folio) ? folio : NULL;
}

static vm_fault_t map_folio(const struct zvm_window *win, const struct vm_fault *vmf,
			    struct page *folio, bool writable)
{
	unsigned int off = (win->vmo->store->base + win->index) & (ZVM_FOLIO_PAGES - 1);
	vm_flags_t flags = window_flags(win, writable);

	/* Before there is one: who write-protects the mapping has our lock. */
	if (win->huge && !READ_ONCE(*win->huge))
		WRITE_ONCE(*win->huge, true);
	if (flags & VM_WRITE)
		zvm_store_note_write(win->vmo->store, win->index - off, ZVM_FOLIO_PAGES);
	return zvm_arch_map_folio(vmf, folio, flags);
}

/*
 * Map pages, unless another thread has mapped their folio meanwhile: then whoever
 * wants more than that allows faults again.
 */
static long map_pages(const struct zvm_window *win, struct page **pages, unsigned int n,
		      bool writable)
{
	vm_flags_t flags = window_flags(win, writable);

	if (win->vmo->store->folios && zvm_arch_pmd(win->vma, win->addr) == ZVM_PMD_HUGE)
		return -EBUSY;
	if (flags & VM_WRITE)
		zvm_store_note_write(win->vmo->store, win->index, n);
	return zvm_arch_map(win->vma, win->addr, pages, n, flags, win->vmo->store->memory_type);
}

/* Pages of zeros are many stores', and cached. */
static long map_zero_page(const struct zvm_window *win, struct page *page)
{
	if (win->vmo->store->folios && zvm_arch_pmd(win->vma, win->addr) == ZVM_PMD_HUGE)
		return -EBUSY;
	return zvm_arch_map(win->vma, win->addr, &page, 1, window_flags(win, false),
			    ZX_CACHE_POLICY_CACHED);
}

static vm_fault_t map_result(long ret)
{
	/* -EBUSY: somebody was faster. If it does not suit us we fault again. */
	if (ret > 0 || ret == -EBUSY)
		return VM_FAULT_NOPAGE;
	return ret == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
}

/* Why zvm_store_get_write() gave no page. */
static vm_fault_t no_page_result(const struct page *page)
{
	return PTR_ERR(page) == -EIO ? VM_FAULT_HWPOISON : VM_FAULT_OOM;
}

/*
 * A write met a read-only PTE of @vmf->page. The core's own way would be to
 * make that PTE writable; but since it has dropped the page table lock the page
 * may have become shared, or another one may have taken its place. So we decide
 * anew, and never let the core go on.
 */
static vm_fault_t fault_mkwrite(struct zvm_window *win, struct vm_fault *vmf)
{
	struct zvm_pte_place place = { win->vma, win->addr, vmf->page };
	struct page *pages[ZVM_FAULT_AROUND], *page;
	bool writable = true;
	unsigned int n;

	page = zvm_store_get_write(win->vmo->store, win->index, &place);
	if (IS_ERR(page))
		return no_page_result(page);
	if (page != vmf->page)
		/* The old page has been zapped, here or by who replaced it. */
		return map_result(map_pages(win, &page, 1, true));

	/* Where the core has reclaimed the page table, there may be a folio by now. */
	if (win->vmo->store->folios && zvm_arch_pmd(win->vma, win->addr) != ZVM_PMD_TABLE)
		return VM_FAULT_NOPAGE;
	/* Ours alone: relax its PTE, and the neighbours' while we are at it. */
	pages[0] = page;
	n = fault_around(win);
	if (n > 1)
		n = 1 + zvm_store_gather(win->vmo->store, win->index + 1, n - 1,
					 pages + 1, &writable);
	zvm_store_note_write(win->vmo->store, win->index, n);
	zvm_arch_upgrade(win->vma, win->addr, pages, n);
	return VM_FAULT_NOPAGE;
}

/* Write to one page, present or not. */
static vm_fault_t fault_write_one(struct zvm_window *win, struct vm_fault *vmf)
{
	struct zvm_pte_place place = { win->vma, win->addr };
	struct page *page = zvm_store_get_write(win->vmo->store, win->index, &place);
	struct page *folio;
	bool writable;

	if (IS_ERR(page))
		return no_page_result(page);
	if (PageCompound(page)) {
		folio = folio_to_map(win, &writable);
		if (folio && writable)
			return map_folio(win, vmf, folio, true);
	}
	return map_result(map_pages(win, &page, 1, true));
}

/* Write to a page, and bring in others with it. */
static noinline vm_fault_t fault_write_many(struct zvm_window *win, struct vm_fault *vmf,
					    unsigned int n)
{
	struct page *pages[ZVM_FAULT_AROUND];
	bool writable = true;

	n = zvm_store_gather(win->vmo->store, win->index, n, pages, &writable);
	if (!n || folio_to_map(win, &writable))
		return fault_write_one(win, vmf);
	return map_result(map_pages(win, pages, n, true));
}

static vm_fault_t fault_write(struct zvm_window *win, struct vm_fault *vmf)
{
	unsigned int n = fault_around(win);

	return n == 1 ? fault_write_one(win, vmf) : fault_write_many(win, vmf, n);
}

static vm_fault_t fault_read(struct zvm_window *win, struct vm_fault *vmf)
{
	struct page *pages[ZVM_FAULT_AROUND], *folio;
	bool writable = false;
	unsigned int n;

	folio = folio_to_map(win, &writable);
	if (folio)
		return map_folio(win, vmf, folio, writable);
	n = zvm_store_gather(win->vmo->store, win->index, fault_around(win), pages, &writable);
	if (!n) {
		bool failed;

		if (zvm_store_peek(win->vmo->store, win->index, &failed))
			return VM_FAULT_HWPOISON;
		/* Reading commits nothing. */
		pages[0] = zvm_store_zero_page(win->vmo->store, win->index);
		if (!pages[0])
			return fault_write(win, vmf);
		return map_result(map_zero_page(win, pages[0]));
	}
	/* A page that is ours alone may as well be writable from the start. */
	return map_result(map_pages(win, pages, n, writable));
}

/* A write to a private mapping: the core makes the copy, of what we return. */
static vm_fault_t fault_private_copy(struct zvm_window *win, struct vm_fault *vmf)
{
	bool writable;
	struct page *page;

	page = zvm_store_peek(win->vmo->store, win->index, &writable);
	if (page)
		zvm_store_sync_alias(win->vmo->store, page);
	else
		page = zvm_zero_page(win->index);
	get_page(page);
	vmf->page = page;
	return 0;
}

static vm_fault_t fault_locked(struct zvm_window *win, struct vm_fault *vmf)
{
	lockdep_assert_held(&win->vmo->store->lock);
	if (win->index >= window_limit(win) || win->vmo->store->discarded)
		return VM_FAULT_SIGBUS;
	if (zvm_vmo_is_physical(win->vmo))
		return zvm_physical_fault(win, vmf);
	if (vmf->flags & FAULT_FLAG_MKWRITE)
		return fault_mkwrite(win, vmf);
	if (!(vmf->flags & FAULT_FLAG_WRITE))
		return fault_read(win, vmf);
	if (!(win->flags & VM_SHARED))
		return fault_private_copy(win, vmf);
	return fault_write(win, vmf);
}

/* With VM_FAULT_OOM: what there is no memory for may be the pages of a folio. */
#define OOM_FOLIO VM_FAULT_FALLBACK

/* The most pages that a fault may have to allocate. */
static size_t fault_pages(const struct zvm_store *store)
{
	return store->folios ? ZVM_FOLIO_PAGES : 1;
}

vm_fault_t zvm_store_fault(struct zvm_window *win, struct vm_fault *vmf)
{
	struct zvm_store *store = win->vmo->store;
	vm_fault_t ret;

	/* A killed task goes no further; the access fails, as nobody will see. */
	if (mutex_lock_killable(&store->lock))
		return VM_FAULT_SIGBUS;
	ret = fault_locked(win, vmf);
	/* A limit of the user is no reason to kill anybody. */
	if (ret == VM_FAULT_OOM && zvm_user_full(store->user, fault_pages(store) << PAGE_SHIFT))
		ret = VM_FAULT_SIGBUS;
	if (ret == VM_FAULT_OOM && store->folios)
		ret |= OOM_FOLIO;
	mutex_unlock(&store->lock);
	trace_vmo_fault(store->inode->i_ino, win->index, win->addr, vmf->flags, ret);
	return ret;
}

vm_fault_t zvm_fault_out_of_memory(vm_fault_t ret)
{
	/* With what the page map needs for as many pages. */
	unsigned int n = ret & OOM_FOLIO ? ZVM_FOLIO_PAGES + 16 : 1;
	struct page *page, *next;
	LIST_HEAD(pages);

	/*
	 * This may call the OOM killer. The fault that is taken again then finds
	 * what it has freed.
	 */
	ret = VM_FAULT_NOPAGE;
	while (n-- && ret == VM_FAULT_NOPAGE) {
		page = alloc_page(GFP_HIGHUSER | __GFP_ACCOUNT);
		if (page)
			list_add(&page->lru, &pages);
		else
			ret = VM_FAULT_SIGBUS;
	}
	list_for_each_entry_safe(page, next, &pages, lru) {
		list_del(&page->lru);
		put_page(page);
	}
	return ret;
}

static void window_advance(struct zvm_window *win, unsigned long n)
{
	win->before += n;
	win->index += n;
	win->addr += n << PAGE_SHIFT;
	win->pages -= n;
}

/* Populate at most @max pages, or up to a folio: 1; what is absent costs nothing. */
static long populate_batch(struct zvm_window *win, unsigned long max)
{
	struct zvm_store *store = win->vmo->store;
	u64 limit = window_limit(win);
	struct page *pages[ZVM_FAULT_AROUND];

	lockdep_assert_held(&store->lock);
	if (store->physical) {
		long n = zvm_physical_populate(win, max);

		if (n > 0)
			window_advance(win, n);
		return min(n, 0l);
	}
	while (win->pages && max) {
		u64 next = zvm_store_next(store, win->index);
		bool writable = false;
		unsigned long n;
		long ret;

		if (next >= limit || next - win->index >= win->pages) {
			window_advance(win, win->pages);
			break;
		}
		window_advance(win, next - win->index);
		if (store->folios && folio_to_map(win, &writable))
			return 1;
		if (store->folios && zvm_arch_pmd(win->vma, win->addr) == ZVM_PMD_HUGE) {
			/* All of it is there. */
			n = (PMD_SIZE - (win->addr & ~PMD_MASK)) >> PAGE_SHIFT;
			window_advance(win, min(n, win->pages));
			continue;
		}
		n = min3(max, win->pages, (unsigned long)ZVM_FAULT_AROUND);
		n = zvm_store_gather(store, win->index, min_t(u64, n, limit - win->index),
				     pages, &writable);
		/* None: the first has failed. */
		ret = n ? map_pages(win, pages, n, writable) : 1;
		if (ret == -EBUSY)
			ret = 1;
		if (ret < 0)
			return ret;
		window_advance(win, ret);
		max -= ret;
	}
	return 0;
}

int zvm_store_populate(struct zvm_window *win, unsigned long max)
{
	struct zvm_store *store = win->vmo->store;
	long ret = 0;

	while (!ret && win->pages && max && !fatal_signal_pending(current)) {
		unsigned long batch = min_t(unsigned long, max, POPULATE_BATCH);

		mutex_lock(&store->lock);
		ret = populate_batch(win, batch);
		mutex_unlock(&store->lock);
		max -= batch;
		cond_resched();
	}
	return ret;
}
