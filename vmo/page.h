/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pages of stores: how they are made, counted and given back.
 *
 * A store's page sits in one or more *slots* of page map leaves. The slots
 * together own one reference of the page; their number is in page->private and
 * moves atomically, as leaves of different stores may share a page.
 */
#ifndef ZVM_VMO_PAGE_H
#define ZVM_VMO_PAGE_H

#include <linux/mm.h>

struct zvm_user;

void __init zvm_page_init(void);

/*
 * A new page with one slot, to be put into a leaf. Charged to the memory
 * cgroup of the caller and to @user. NULL if there is no memory or no
 * allowance left. @zero: else the content is the caller's to fill before
 * anybody can see the page.
 */
struct page *zvm_page_alloc(struct zvm_user *user, gfp_t gfp, bool zero);

static inline unsigned long zvm_page_slots(struct page *page)
{
	return atomic_long_read((atomic_long_t *)&page->private);
}

/* One more slot holds @page. The caller owns a slot, so the count is not 0. */
static inline void zvm_page_share(struct page *page)
{
	atomic_long_inc((atomic_long_t *)&page->private);
}

/*
 * A slot has let go of @page. The page may live on for whoever else has a
 * reference. May sleep. No PTE of the slot's owner may be left.
 */
void zvm_page_drop(struct page *page);

/* Has anybody but the slots, PTEs and @extra callers a reference? */
bool zvm_page_is_foreign(struct page *page, unsigned int extra);

u64 zvm_page_count_all(void);

#endif /* ZVM_VMO_PAGE_H */
