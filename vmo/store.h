/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside of stores. All functions want store->lock held unless they say
 * otherwise.
 */
#ifndef ZVM_VMO_STORE_H
#define ZVM_VMO_STORE_H

#include <linux/mm.h>

#include "vmo.h"

/* How many pages a fault brings in at most, if they are there already. */
#define ZVM_FAULT_AROUND 16u

/*
 * A page whose memory has failed (PageHWPoison) stays where it is, so that what
 * was in it does not silently become zeros, but nobody gets it any more: -EIO.
 * Erasing gets rid of it, and the core never gives out that memory again.
 */
/* No OOM killer while we hold the lock: the victim may be waiting for it. */
#define ZVM_STORE_GFP (GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

void zvm_store_init(struct zvm_store *store, struct inode *inode, struct zvm_user *user);
/* No locks; nobody else knows the store any more. */
void zvm_store_destroy(struct zvm_store *store);

static inline u64 zvm_store_pages(const struct zvm_store *store)
{
	return store->size >> PAGE_SHIFT;
}

/* The first index >= @index that has a page, or U64_MAX. */
u64 zvm_store_next(struct zvm_store *store, u64 index);
/* The last index <= @index that has a page, or U64_MAX. */
u64 zvm_store_prev(struct zvm_store *store, u64 index);

/* How many pages there are in [@first, @last]. Calls cond_resched(). */
u64 zvm_store_count(struct zvm_store *store, u64 first, u64 last);

/* The page at @index or NULL; *@writable: it may be written in place. */
struct page *zvm_store_peek(struct zvm_store *store, u64 index, bool *writable);

/**
 * struct zvm_pte_place - where a fault wants the page
 * @vma: with mmap_lock held
 * @addr: address of the page
 * @held: the page that a read-only PTE has there, of which the core has a
 *	reference; NULL: there was none
 */
struct zvm_pte_place {
	struct vm_area_struct *vma;
	unsigned long addr;
	struct page *held;
};

/*
 * The page at @index to be written: made if it is absent, copied if it is
 * shared. @fault: NULL if it is for no fault. May sleep. ERR_PTR(-ENOMEM),
 * ERR_PTR(-EIO): its memory has failed.
 */
struct page *zvm_store_get_write(struct zvm_store *store, u64 index,
				 const struct zvm_pte_place *fault);

/* The first page of the folio around @index or NULL; *@writable as above. */
struct page *zvm_store_folio(struct zvm_store *store, u64 index, bool *writable);

/*
 * zvm_store_get_write() where there is a folio or is to be one. NULL: there is none,
 * nor can be, or not any more.
 */
struct page *zvm_store_folio_get_write(struct zvm_store *store, u64 index, struct page *held);

/*
 * Before [*@first, *@last] of the store's page map is erased, of whose pages no PTE
 * is left: a folio that is partly in it gives way to pages. Where it cannot, its part
 * is filled with zeros and left out of the range. The range can be erased without
 * memory then. -ENOMEM, -EIO: nothing has changed.
 */
int zvm_store_cut_folios(struct zvm_store *store, u64 *first, u64 *last, gfp_t gfp);

/*
 * Collect the pages that are present from @index on, without a gap, at most
 * @max, all as writable as the first, none that has failed. Returns how many.
 * *@writable: in: only those that may be written in place; out: they may.
 */
unsigned int zvm_store_gather(struct zvm_store *store, u64 index, unsigned int max,
			      struct page **pages, bool *writable);

/*
 * A page of zeros for a PTE at @index, which the store remembers. NULL if the
 * zero pages have got too many references or failed: then commit the page.
 */
struct page *zvm_store_zero_page(struct zvm_store *store, u64 index);

/* A page of zeros to read from, no locks needed. */
struct page *zvm_zero_page(u64 index);

/* PTEs of these pages are about to be made that can be written by. */
void zvm_store_note_write(struct zvm_store *store, u64 index, u64 pages);

/* Remove all PTEs of pages [first, last]; @even_cows: private copies as well. */
void zvm_store_zap(struct zvm_store *store, u64 first, u64 last, bool even_cows);

/*
 * Make the new, empty store @to a copy of [first, first + pages) of @from, whose
 * lock is held. -ENOMEM: @to is empty still.
 */
int zvm_store_snapshot(struct zvm_store *to, struct zvm_store *from, u64 first, u64 pages);

/* Zap and give back pages [first, last], at least one, which read as zero from now on. */
int zvm_store_erase(struct zvm_store *store, u64 first, u64 last, bool even_cows);

/*
 * Pages [first, last], at least one, read as zero from now on. As zvm_store_erase(), but
 * those that have to stay where they are do: they are filled with zeros. -EBADFD: they
 * cannot be as they are not cached; -EIO: their memory has failed; -EINTR: killed; part
 * may have been done.
 */
int zvm_store_zero(struct zvm_store *store, u64 first, u64 last);

/* Zap and give back pages [first, last] that nobody can see any more: never fails. */
void zvm_store_discard(struct zvm_store *store, u64 first, u64 last);

/* Let no empty leaf stay behind where nothing has been put into one. */
void zvm_store_prune(struct zvm_store *store, u64 index);

/* Set the size, for the user and for the file. */
void zvm_store_resize(struct zvm_store *store, u64 size);

/* Zero [from, to) of one page, if it is there. */
int zvm_store_zero_part(struct zvm_store *store, u64 from, u64 to);

int __init zvm_store_module_init(void);
void zvm_store_module_exit(void);

#endif /* ZVM_VMO_STORE_H */
