// SPDX-License-Identifier: GPL-2.0
/*
 * Discardable VMOs: while one is locked its content must stay; once it has been
 * unlocked the kernel may take all of it when memory is short.
 *
 * Unlocked ones are in a list, the oldest first, for each memory cgroup and NUMA
 * node: of who created the VMO, as that is whose memory the list's entry is. So a
 * cgroup at its limit gets back what its own processes left unlocked, and not
 * what others did. Pages may have been touched first, so be charged, elsewhere;
 * docs/semantics.md says what that means. To go by them an entry would have to
 * change its cgroup with each unlocking: list_lru tells that from whose the entry's
 * memory is, so unlocking would need memory.
 *
 * Whoever is short of memory may hold any lock, ours too. So the shrinker only
 * tries store->lock, and leaves alone a VMO somebody has a page of: that page may
 * be locked. It holds no reference of the VMO, for dropping that could be the end
 * of it; the end waits for store->lock instead.
 *
 *	store->lock
 *	  the list's lock (list_lru's)
 *	    store->lock of another, tried only
 */
#include <linux/list_lru.h>
#include <linux/rcupdate.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/swap.h>

#include "../compat.h"
#include "../uapi/zircon-vm.h"
#include "../zvm_trace.h"
#include "discardable.h"
#include "page.h"
#include "pin.h"
#include "store.h"
#include "user.h"

/*
 * The core counts in small objects. A VMO counts as so many, lest it be rounded
 * down to nothing: when the core wants a quarter of what there is, it gets a
 * quarter of the VMOs, and even the only one when it wants half.
 */
#define OBJECTS_PER_VMO 1024

static struct kmem_cache *discard_cache;
static struct list_lru unlocked;
static struct shrinker *shrinker;
static atomic64_t discarded_pages;

unsigned long zvm_discard_count_unlocked(void)
{
	return list_lru_count(&unlocked);
}

u64 zvm_discard_count_pages(void)
{
	return atomic64_read(&discarded_pages);
}

int zvm_discard_init(struct zvm_store *store)
{
	struct zvm_discard *discard;

	if (!zvm_user_charge(store->user, sizeof(*discard)))
		return -ENOMEM;
	discard = kmem_cache_alloc_lru(discard_cache, &unlocked,
				       GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
	if (!discard) {
		zvm_user_uncharge(store->user, sizeof(*discard));
		return -ENOMEM;
	}
	*discard = (struct zvm_discard){ .store = store };
	INIT_LIST_HEAD(&discard->link);
	store->discard = discard;
	return 0;
}

void zvm_discard_exit(struct zvm_store *store)
{
	struct zvm_discard *discard = store->discard;

	/* The shrinker may be at work on it. */
	mutex_lock(&store->lock);
	list_lru_del_obj(&unlocked, &discard->link);
	mutex_unlock(&store->lock);
	kmem_cache_free(discard_cache, discard);
	zvm_user_uncharge(store->user, sizeof(*discard));
}

/* A discardable VMO can be locked and unlocked as a whole only. */
static int check_locked(struct zvm_vmo *vmo, u64 offset, u64 len)
{
	lockdep_assert_held(&vmo->store->lock);
	return offset || len != vmo->store->size ? -ERANGE : 0;
}

static void unlock_locked(struct zvm_store *store)
{
	struct zvm_discard *discard = store->discard;

	lockdep_assert_held(&store->lock);
	if (!--discard->nr_locks && !store->discarded)
		list_lru_add_obj(&unlocked, &discard->link);
}

int zvm_vmo_lock(struct zvm_vmo *vmo, u64 offset, u64 len, bool *discarded)
{
	struct zvm_store *store = vmo->store;
	int err;

	if (!(vmo->options & ZVM_VMO_DISCARDABLE))
		return -EOPNOTSUPP;
	if (mutex_lock_killable(&store->lock))
		return -EINTR;
	err = check_locked(vmo, offset, len);
	if (!err && !discarded && store->discarded)
		err = -EBUSY;
	if (!err) {
		list_lru_del_obj(&unlocked, &store->discard->link);
		store->discard->nr_locks++;
		if (discarded)
			*discarded = store->discarded;
		WRITE_ONCE(store->discarded, false);
	}
	mutex_unlock(&store->lock);
	return err;
}

int zvm_vmo_unlock(struct zvm_vmo *vmo, u64 offset, u64 len)
{
	struct zvm_store *store = vmo->store;
	int err;

	if (!(vmo->options & ZVM_VMO_DISCARDABLE))
		return -EOPNOTSUPP;
	mutex_lock(&store->lock);
	err = check_locked(vmo, offset, len);
	if (!err && !store->discard->nr_locks)
		err = -EBADFD;
	if (!err)
		unlock_locked(store);
	mutex_unlock(&store->lock);
	return err;
}

void zvm_vmo_undo_lock(struct zvm_vmo *vmo, bool discarded)
{
	struct zvm_store *store = vmo->store;

	mutex_lock(&store->lock);
	/* Nobody has been told of the loss; and nobody else has put anything there. */
	if (discarded && store->discard->nr_locks == 1 && !store->pages.root)
		WRITE_ONCE(store->discarded, true);
	/* Another thread's unlock may have been faster: then it has ours. */
	if (store->discard->nr_locks)
		unlock_locked(store);
	mutex_unlock(&store->lock);
}

static bool leaf_in_use(struct zvm_pm_leaf *leaf)
{
	unsigned int i;

	for (i = 0; i < ZVM_LEAF_SLOTS; i++)
		if (leaf->slot[i] && zvm_page_is_foreign(leaf->slot[i], 0))
			return true;
	return false;
}

static bool node_in_use(struct zvm_pm_node *node, bool zapped)
{
	if (zvm_pm_is_folio(node))
		return zapped && zvm_folio_is_foreign(zvm_pm_folio(node), 0);
	return leaf_in_use(zvm_pm_leaf(node));
}

/*
 * Has anybody a reference of a page, so that it may be locked or in use? Of folios
 * that is to be seen only when there are no PTEs: @zapped. Who had a page the last time
 * is asked first: the shrinker may come often, and the VMO be large.
 */
static bool in_use(struct zvm_store *store, bool zapped)
{
	struct zvm_pm_node *node;
	u64 at = store->discard->used_at;

	lockdep_assert_held(&store->lock);
	node = zvm_pagemap_next_leaf(&store->pages, &at);
	if (node && node_in_use(node, zapped))
		return true;
	for (at = 0; (node = zvm_pagemap_next_leaf(&store->pages, &at)); ) {
		if (node_in_use(node, zapped)) {
			store->discard->used_at = at;
			return true;
		}
		at |= (zvm_pm_is_folio(node) ? ZVM_FOLIO_PAGES : ZVM_LEAF_SLOTS) - 1;
		at++;
		cond_resched();
	}
	return false;
}

/* Returns how many pages there were; 0: it has to stay. */
static unsigned long discard_locked(struct zvm_store *store)
{
	const u64 last = U64_MAX >> PAGE_SHIFT;
	unsigned long pages;

	lockdep_assert_held(&store->lock);
	if (zvm_store_is_pinned(store, 0, ULONG_MAX) || in_use(store, false))
		return 0;
	/* New references come by PTEs: when these are gone the answer is final. */
	zvm_store_zap(store, 0, last, false);
	if (in_use(store, true))
		return 0;
	pages = zvm_store_count(store, 0, last);
	WRITE_ONCE(store->discarded, true);
	store->discard->events++;
	atomic64_add(pages, &discarded_pages);
	trace_vmo_discard(store->inode->i_ino, pages);
	/* Shared with nobody, so this takes no memory and cannot fail. */
	WARN_ON_ONCE(zvm_store_erase(store, 0, last, false));
	return pages;
}

/* Take the oldest one off the list, with its lock held, if there is something to gain. */
static enum lru_status isolate(ZVM_LRU_WALK_ARGS)
{
	struct zvm_discard *discard = container_of(item, struct zvm_discard, link);
	struct zvm_discard **victim = arg;

	if (!mutex_trylock(&discard->store->lock))
		return LRU_ROTATE;
	if (!discard->store->pages.root) {
		mutex_unlock(&discard->store->lock);
		return LRU_ROTATE;
	}
	list_lru_isolate(list, item);
	*victim = discard;
	return LRU_REMOVED;
}

static unsigned long discard_oldest(struct shrink_control *sc)
{
	struct zvm_discard *victim = NULL;
	struct zvm_store *store;
	unsigned long pages, one = 1;

	list_lru_walk_one(&unlocked, sc->nid, sc->memcg, isolate, &victim, &one);
	if (!victim)
		return 0;
	store = victim->store;
	pages = discard_locked(store);
	if (!pages)
		list_lru_add_obj(&unlocked, &victim->link);
	/* When the lock is free the VMO may come to its end, but not its memory. */
	rcu_read_lock();
	mutex_unlock(&store->lock);
	rcu_read_unlock();
	return pages;
}

static unsigned long discard_count(struct shrinker *s, struct shrink_control *sc)
{
	return list_lru_shrink_count(&unlocked, sc) * OBJECTS_PER_VMO ?: SHRINK_EMPTY;
}

static unsigned long discard_scan(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long todo = DIV_ROUND_UP(sc->nr_to_scan, OBJECTS_PER_VMO), pages = 0;

	while (todo--)
		pages += discard_oldest(sc);
	mm_account_reclaimed_pages(pages);
	return pages;
}

int __init zvm_discard_module_init(void)
{
	int err = -ENOMEM;

	discard_cache = kmem_cache_create("zvm_discard", sizeof(struct zvm_discard), 0,
					  SLAB_ACCOUNT, NULL);
	if (!discard_cache)
		return -ENOMEM;
	shrinker = shrinker_alloc(SHRINKER_MEMCG_AWARE | SHRINKER_NUMA_AWARE, "zircon-vm");
	if (!shrinker)
		goto destroy_cache;
	err = list_lru_init_memcg(&unlocked, shrinker);
	if (err)
		goto free_shrinker;
	shrinker->seeks = DEFAULT_SEEKS;
	shrinker->batch = OBJECTS_PER_VMO;
	shrinker->scan_objects = discard_scan;
	/* Before 6.7 it is in use already. */
	smp_store_release(&shrinker->count_objects, discard_count);
	shrinker_register(shrinker);
	return 0;

free_shrinker:
	shrinker_free(shrinker);
destroy_cache:
	kmem_cache_destroy(discard_cache);
	return err;
}

void zvm_discard_module_exit(void)
{
	shrinker_free(shrinker);
	list_lru_destroy(&unlocked);
	kmem_cache_destroy(discard_cache);
}
