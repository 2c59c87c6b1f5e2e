// SPDX-License-Identifier: GPL-2.0
/*
 * The pages of stores.
 *
 * All pages belong to one address_space of this module and have an index that
 * no other page ever had. That is what a process-shared futex is known by, so
 * two processes agree on it wherever they have mapped the page, and two VMOs
 * never do. When a shared page is copied, the store that had it first takes the
 * index along, so that those who wait there since before the snapshot stay its.
 */
#include <linux/fs.h>
#include <linux/pagemap.h>
#include <linux/rcupdate.h>

#include "../compat.h"
#include "page.h"
#include "pagemap.h"
#include "user.h"

/*
 * madvise(MADV_COLD) of part of a folio wants it split. It could not be, as it is in
 * no page cache; this is to say so before anything is prepared for it.
 */
static bool refuse_release(struct folio *folio, gfp_t gfp)
{
	return false;
}

/* Of no file system: all that is wanted is an identity and its mapping. */
static struct inode page_inode;
static const struct address_space_operations page_aops = {
	.dirty_folio = noop_dirty_folio,
	.release_folio = refuse_release,
};

static atomic64_t last_index;
static atomic64_t nr_pages;

u64 zvm_page_count_all(void)
{
	return atomic64_read(&nr_pages);
}

/*
 * The pages are on no LRU list, so the word is free. Bit 0 would make the page
 * a tail page: a pointer has it clear.
 */
static struct zvm_user *page_user(struct page *page)
{
	return (struct zvm_user *)page->lru.next;
}

bool zvm_page_is_paid_by(struct page *page, const struct zvm_user *user)
{
	return page_user(page) == user;
}

static void set_page_user(struct page *page, struct zvm_user *user)
{
	page->lru.next = (struct list_head *)user;
}

/*
 * The store that had the page first; 0: none has any more. The others who have
 * the page may look while the owner gives up: they are neither of the two.
 */
static u64 page_owner(struct page *page)
{
	return (unsigned long)READ_ONCE(page->lru.prev);
}

static void set_page_owner(struct page *page, u64 owner)
{
	WRITE_ONCE(page->lru.prev, (struct list_head *)(unsigned long)owner);
}

/* The first of @n numbers in a row. */
static u64 next_indexes(unsigned int n)
{
	return atomic64_add_return(n, &last_index) - n + 1;
}

/* How many pages a page from here stands for. */
static unsigned int nr_pages_of(struct page *page)
{
	return 1u << compound_order(page);
}

/* What has been charged and allocated becomes a store's; with one slot. */
static struct page *page_init(struct page *page, struct zvm_user *user, u64 owner, bool zero)
{
	unsigned int n = nr_pages_of(page);

	set_page_user(page, user);
	set_page_owner(page, owner);
	set_page_private(page, 1);
	page_folio(page)->index = next_indexes(n);
	page_folio(page)->mapping = page_inode.i_mapping;
	/* Born dirty and always so: NUMA balancing leaves dirty pages alone. */
	SetPageDirty(page);
	if (zero)
		SetPageUptodate(page);
	atomic64_add(n, &nr_pages);
	return page;
}

struct page *zvm_page_take(struct page *page, struct zvm_user *user, u64 owner)
{
	return page_init(page, user, owner, true);
}

int zvm_page_lend(struct page *page, u64 owner)
{
	/* Single ones with a count, of which the words that are ours are free. */
	if (PageCompound(page) || PageReserved(page) || PageSlab(page) || PageLRU(page) ||
	    !page_count(page))
		return -EINVAL;
	if (PageHWPoison(page))
		return -EIO;
	/* Whatever uses pages for itself says so in one of these. */
	if (atomic_read(&page->_mapcount) != -1 || page_folio(page)->mapping || page_private(page))
		return -EBUSY;
	get_page(page);
	page_init(page, NULL, owner, true);
	return 0;
}

static struct page *page_alloc_charged(struct zvm_user *user, u64 owner, gfp_t gfp, bool zero)
{
	struct page *page;

	gfp |= __GFP_HIGHMEM | __GFP_ACCOUNT | __GFP_NOWARN;
	page = alloc_page(zero ? gfp | __GFP_ZERO : gfp);
	if (!page) {
		zvm_user_uncharge(user, PAGE_SIZE);
		return NULL;
	}
	return page_init(page, user, owner, zero);
}

struct page *zvm_page_alloc(struct zvm_user *user, u64 owner, gfp_t gfp, bool zero)
{
	if (!zvm_user_charge(user, PAGE_SIZE))
		return NULL;
	return page_alloc_charged(user, owner, gfp, zero);
}

struct page *zvm_page_alloc_excess(struct zvm_user *user, u64 owner, gfp_t gfp)
{
	zvm_user_charge_excess(user, PAGE_SIZE);
	return page_alloc_charged(user, owner, gfp, false);
}

struct page *zvm_folio_alloc(struct zvm_user *user, u64 owner, bool zero)
{
	gfp_t gfp = GFP_HIGHUSER | __GFP_ACCOUNT | __GFP_COMP | __GFP_NOMEMALLOC |
		    __GFP_NORETRY | __GFP_NOWARN;
	size_t bytes = ZVM_FOLIO_PAGES << PAGE_SHIFT;
	struct page *page;

	if (!zvm_user_charge(user, bytes))
		return NULL;
	page = alloc_pages(zero ? gfp | __GFP_ZERO : gfp, ZVM_FOLIO_SHIFT);
	if (!page) {
		zvm_user_uncharge(user, bytes);
		return NULL;
	}
	return page_init(page, user, owner, zero);
}

bool zvm_folio_has_failed(struct page *folio)
{
	unsigned int i;

	/* The core says so of a folio as a whole, too, but not in all cases. */
	for (i = 0; i < ZVM_FOLIO_PAGES; i++)
		if (PageHWPoison(folio + i))
			return true;
	return false;
}

bool zvm_page_adopt(struct page *page, struct zvm_user *user, u64 owner)
{
	struct zvm_user *old = page_user(page);

	if (user != old) {
		if (!zvm_user_charge(user, PAGE_SIZE))
			return false;
		set_page_user(page, user);
		zvm_user_uncharge(old, PAGE_SIZE);
	}
	set_page_owner(page, owner);
	return true;
}

/* Give @page the number @index; returns the one that it has had. */
static u64 renumber(struct page *page, u64 index, unsigned int extra)
{
	struct folio *folio = page_folio(page);
	struct address_space *mapping;
	u64 old = folio->index;

	if (PageHead(page) ? !zvm_folio_is_foreign(page, extra) :
			     !zvm_page_is_foreign(page, extra)) {
		folio->index = index;
		return old;
	}
	/*
	 * Somebody may be on the way into a futex: that code gets a reference of
	 * the page by its PTE and looks at the index later. Without a mapping it
	 * waits for the page lock and starts again; who has seen the mapping is
	 * in an RCU section. Expedited, as it is once for each page that was on its
	 * way to a disk or into a pipe when the snapshot's other side wrote to it.
	 */
	lock_page(page);
	mapping = folio->mapping;
	WRITE_ONCE(folio->mapping, NULL);
	synchronize_rcu_expedited();
	folio->index = index;
	WRITE_ONCE(folio->mapping, mapping);
	unlock_page(page);
	return old;
}

void zvm_page_move_futexes(struct page *old, struct page *new, u64 owner, unsigned int extra)
{
	struct folio *folio = page_folio(new);

	if (page_owner(old) != owner)
		return;
	set_page_owner(old, 0);
	folio->index = renumber(old, folio->index, extra);
}

void zvm_folio_move_futexes(struct page *folio, struct page **pages, u64 owner,
			    unsigned int extra)
{
	unsigned int i;
	u64 index;

	if (page_owner(folio) != owner)
		return;
	set_page_owner(folio, 0);
	index = renumber(folio, next_indexes(ZVM_FOLIO_PAGES), extra);
	for (i = 0; i < ZVM_FOLIO_PAGES; i++)
		if (pages[i])
			page_folio(pages[i])->index = index + i;
}

void zvm_page_drop(struct page *page)
{
	unsigned int n = nr_pages_of(page);

	/*
	 * Pairs with the acquire in the test for "mine alone": who finds itself
	 * the only one left must see that we are done with the page.
	 */
	if (!atomic_long_dec_and_test((atomic_long_t *)&page->private))
		return;

	/* Nobody's if it was lent. */
	if (page_user(page))
		zvm_user_uncharge(page_user(page), (size_t)n << PAGE_SHIFT);
	set_page_user(page, NULL);
	if (page_ref_freeze(page, 1)) {
		/* Ours alone, and nobody can find it by its number meanwhile. */
		page_folio(page)->mapping = NULL;
		page_ref_unfreeze(page, 1);
	} else {
		/* Whoever else has the page may look at page->mapping, if locked. */
		lock_page(page);
		/* An ordinary page from now on. */
		ClearPageDirty(page);
		page_folio(page)->mapping = NULL;
		unlock_page(page);
	}
	atomic64_sub(n, &nr_pages);
	/* The core keeps failed memory from others only where it frees single pages. */
	if (n == 1 || !zvm_folio_has_failed(page))
		put_page(page);
}

void __init zvm_page_init(void)
{
	inode_init_once(&page_inode);
	page_inode.i_mapping = &page_inode.i_data;
	page_inode.i_data.host = &page_inode;
	page_inode.i_data.a_ops = &page_aops;
	zvm_mapping_set_release_always(page_inode.i_mapping);
	i_size_write(&page_inode, MAX_LFS_FILESIZE);
}
