/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pages of stores: how they are made, counted and given back. Whatever is said
 * of a page goes for the first page of a folio, for all of it.
 *
 * A store's page sits in one or more *slots* of page map leaves. The slots
 * together own one reference of the page; their number is in page->private and
 * moves atomically, as leaves of different stores may share a page.
 */
#ifndef ZVM_VMO_PAGE_H
#define ZVM_VMO_PAGE_H

#include <linux/highmem.h>
#include <linux/kcsan-checks.h>
#include <linux/mm.h>

struct zvm_user;

void __init zvm_page_init(void);

/*
 * A new page with one slot, to be put into a leaf of the store @owner (any
 * number of its own). Charged to the memory cgroup of the caller and to @user.
 * NULL if there is no memory or no allowance left. @zero: else the content is
 * the caller's to fill before anybody can see the page.
 */
struct page *zvm_page_alloc(struct zvm_user *user, u64 owner, gfp_t gfp, bool zero);

/*
 * The same of @page, of zeros, that the caller has allocated and charged to @user: the
 * reference is the slot's now. Returns @page.
 */
struct page *zvm_page_take(struct page *page, struct zvm_user *user, u64 owner);

/*
 * The same of @page, which is not charged to anybody and stays who it is for: the slot
 * gets a reference of its own. -EINVAL: no page for this; -EBUSY: it is in use.
 */
int zvm_page_lend(struct page *page, u64 owner);

/*
 * The same for a folio: ZVM_FOLIO_PAGES pages in a row, aligned, with one count of
 * slots. Its first page stands for all; the others' indexes follow the first's.
 * Nobody is killed, and not much is tried, for the sake of one.
 */
struct page *zvm_folio_alloc(struct zvm_user *user, u64 owner, bool zero);

/*
 * Another page, not zeroed, charged to @user even if that is over the limit: for
 * who is about to give back more.
 */
struct page *zvm_page_alloc_excess(struct zvm_user *user, u64 owner, gfp_t gfp);

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

/* Is it @user that the page is charged to? The caller owns a slot. */
bool zvm_page_is_paid_by(struct page *page, const struct zvm_user *user);

/*
 * The page, with one slot, is @owner's from now on, and charged to @user. False if
 * that user has no allowance left: nothing has changed then.
 */
bool zvm_page_adopt(struct page *page, struct zvm_user *user, u64 owner);

/*
 * The store @owner replaces @old, of which it has no PTEs any more, by its copy
 * @new. If it was the first to have the page, who sleeps on a futex there is to
 * be found at the copy from now on. @extra: as in zvm_page_is_foreign(). May
 * sleep.
 */
void zvm_page_move_futexes(struct page *old, struct page *new, u64 owner, unsigned int extra);

/* The same for a folio and the @pages that replace it, some of which may be NULL. */
void zvm_folio_move_futexes(struct page *folio, struct page **pages, u64 owner,
			    unsigned int extra);

/* Those of single pages are in struct page itself; not for folios. */
static inline bool zvm_page_is_mapped(struct page *page)
{
	return atomic_read(&page->_mapcount) >= 0;
}

/*
 * Has anybody but the slots, PTEs and @extra callers a reference?
 *
 * PTEs come and go without the store's lock: fork(2) copies those of private
 * mappings, munmap(2) and exit remove some. So both counts are read as one. A PTE
 * takes its reference before it is counted as a mapping, and gives it back after:
 * at every instant there are at least as many references as PTEs, and those that
 * are too many for a moment only make us say yes.
 */
static inline bool zvm_page_is_foreign(struct page *page, unsigned int extra)
{
	union {
		u64 word;
		struct {
			int mapcount;	/* from -1 on */
			int refcount;
		};
	} now;

	static_assert(offsetof(struct page, _mapcount) % sizeof(u64) == 0);
	static_assert(offsetof(struct page, _refcount) ==
		      offsetof(struct page, _mapcount) + sizeof(atomic_t));
	now.word = READ_ONCE(*(u64 *)&page->_mapcount);
	return (unsigned int)(now.refcount - now.mapcount) > 2 + extra;
}

/*
 * The same for a folio. Its PTEs are counted in many places, which cannot be read as
 * one: they count as references, so who wants to write to it takes them away first.
 */
static inline bool zvm_folio_is_foreign(struct page *folio, unsigned int extra)
{
	return page_ref_count(folio) > 1 + extra;
}

/* Has the memory of any of its pages failed? */
bool zvm_folio_has_failed(struct page *folio);

u64 zvm_page_count_all(void);

/*
 * The memory of a page. To find it the core may look at page->flags, of which those
 * who share the page set and clear others meanwhile. The content has no lock.
 */
static inline void *zvm_page_map(struct page *page)
{
	/* See above. */
	return data_race(kmap_local_page(page));
}

static inline void zvm_page_copy(struct page *to, struct page *from)
{
	kcsan_disable_current();
	copy_highpage(to, from);
	kcsan_enable_current();
}

static inline void zvm_page_zero(struct page *page, size_t offset, size_t len)
{
	kcsan_disable_current();
	memzero_page(page, offset, len);
	kcsan_enable_current();
}

#endif /* ZVM_VMO_PAGE_H */
