/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The page map: page index -> page, a radix tree that can be shared.
 *
 * Nodes are reference-counted and immutable while more than one reference
 * exists, so that a snapshot is one more reference on the root. Whoever wants
 * to change something first copies the shared nodes on the path. Pure data
 * structure: it knows nothing of files, address spaces or locks; the caller's
 * lock (the store's) makes all calls on one map exclusive.
 */
#ifndef ZVM_VMO_PAGEMAP_H
#define ZVM_VMO_PAGEMAP_H

#include <linux/bits.h>
#include <linux/container_of.h>
#include <linux/refcount.h>
#include <linux/types.h>

struct page;

/*
 * 16 pages a leaf: copying a leaf touches the slot count of every page in it.
 * 32 children an inner node: a child of the second level then covers 2 MiB.
 */
#define ZVM_LEAF_SHIFT	4
#define ZVM_LEAF_SLOTS	BIT(ZVM_LEAF_SHIFT)
#define ZVM_INNER_SHIFT	5
#define ZVM_INNER_SLOTS	BIT(ZVM_INNER_SHIFT)

/*
 * A folio has the pages that a child of a level 2 node covers, and sits in that
 * node's slot in place of the child.
 */
#define ZVM_FOLIO_LEVEL	2
#define ZVM_FOLIO_SHIFT	(ZVM_LEAF_SHIFT + ZVM_INNER_SHIFT)
#define ZVM_FOLIO_PAGES	BIT(ZVM_FOLIO_SHIFT)

/* The root of a map that uses all index bits; leaves are level 0. */
#define ZVM_PM_TOP	((64 - ZVM_LEAF_SHIFT) / ZVM_INNER_SHIFT)

struct zvm_pm_node {
	refcount_t refs;	/* maps and parent nodes that point here */
	u8 level;		/* 0: leaf */
	u8 used;		/* slots in use */
	u16 mine;		/* leaf: per slot, proven to be this map's alone, ... */
};

struct zvm_pm_leaf {
	struct zvm_pm_node node;
	u64 epoch;		/* ... if this is above the map's shared_epoch */
	struct page *slot[ZVM_LEAF_SLOTS];
};

struct zvm_pm_inner {
	struct zvm_pm_node node;
	u32 mine;		/* level 2: per slot, the same for folios */
	u64 epoch;
	struct zvm_pm_node *slot[ZVM_INNER_SLOTS];
};

/* Is what a slot of an inner node holds no node, but a folio? */
static inline bool zvm_pm_is_folio(const struct zvm_pm_node *child)
{
	return (unsigned long)child & 1;
}

/* Its first page. */
static inline struct page *zvm_pm_folio(const struct zvm_pm_node *child)
{
	return (struct page *)((unsigned long)child - 1);
}

static inline struct zvm_pm_leaf *zvm_pm_leaf(struct zvm_pm_node *node)
{
	return container_of(node, struct zvm_pm_leaf, node);
}

static inline struct zvm_pm_inner *zvm_pm_inner(struct zvm_pm_node *node)
{
	return container_of(node, struct zvm_pm_inner, node);
}

/* How many index bits a node of @level resolves, it and all below. */
static inline unsigned int zvm_pm_bits(unsigned int level)
{
	return ZVM_LEAF_SHIFT + level * ZVM_INNER_SHIFT;
}

/* Zero-initialised is empty. */
struct zvm_pagemap {
	struct zvm_pm_node *root;	/* NULL: empty */
	u64 shared_epoch;		/* of the last sharing with another map; 0: never */
};

int __init zvm_pagemap_init_module(void);
void zvm_pagemap_exit_module(void);

/* Give back all pages and nodes. Iterative, may sleep. The map is empty then. */
void zvm_pagemap_destroy(struct zvm_pagemap *map);

/*
 * The leaf that covers @index or NULL. *@alone: there is a leaf and no node on
 * the path is shared, so zvm_leaf_mine() may be asked. True stays true until
 * the caller's lock is dropped or another call changes or shares the map; false
 * may be out of date at once, as other owners leave under locks of their own.
 */
struct zvm_pm_leaf *zvm_pagemap_find(const struct zvm_pagemap *map, u64 index,
				     bool *alone);

/*
 * The leaf that covers @index, made if missing, with no node on the path
 * shared: its slots may be changed until the caller's lock is dropped or
 * another call changes or shares the map. ERR_PTR(-ENOMEM) leaves the map as it
 * was. Indexes go up to U64_MAX - 1. A leaf into which nothing is put may stay;
 * the next erase over it or the map's end frees it.
 */
struct zvm_pm_leaf *zvm_pagemap_make(struct zvm_pagemap *map, u64 index, gfp_t gfp);

/*
 * Folios: one slot for ZVM_FOLIO_PAGES pages, which share a count of slots, so a
 * map has all of them or none. What follows is the same for folios as what leaves
 * are for pages, and may not be asked of a leaf where there is a folio:
 * zvm_pagemap_find() says NULL there, zvm_pagemap_make() must not be called.
 *
 * The level 2 node that covers @index.
 */
struct zvm_pm_inner *zvm_pagemap_find_inner(const struct zvm_pagemap *map, u64 index,
					    bool *alone);
struct zvm_pm_inner *zvm_pagemap_make_inner(struct zvm_pagemap *map, u64 index, gfp_t gfp);

static inline struct zvm_pm_node *zvm_inner_child(const struct zvm_pm_inner *inner, u64 index)
{
	return inner->slot[(index >> ZVM_FOLIO_SHIFT) & (ZVM_INNER_SLOTS - 1)];
}

/* The first page of the folio at @index or NULL. */
static inline struct page *zvm_inner_folio(const struct zvm_pm_inner *inner, u64 index)
{
	struct zvm_pm_node *child = zvm_inner_child(inner, index);

	return zvm_pm_is_folio(child) ? zvm_pm_folio(child) : NULL;
}

/* As zvm_leaf_mine(), with references of any page of the folio. */
bool zvm_inner_mine(const struct zvm_pagemap *map, struct zvm_pm_inner *inner, u64 index,
		    unsigned int extra);

/* As zvm_leaf_tags() and zvm_leaf_claim(). */
static inline bool zvm_inner_is_tagged(const struct zvm_pm_inner *inner, u64 index, u64 epoch)
{
	unsigned int slot = (index >> ZVM_FOLIO_SHIFT) & (ZVM_INNER_SLOTS - 1);

	return inner->epoch > epoch && inner->mine & BIT(slot);
}

void zvm_inner_claim(const struct zvm_pagemap *map, struct zvm_pm_inner *inner, u64 index);

/* Put a fresh folio where nothing is, or in place of the folio that is returned. */
struct page *zvm_inner_set(const struct zvm_pagemap *map, struct zvm_pm_inner *inner, u64 index,
			   struct page *folio);

/*
 * A branch of a map with ZVM_FOLIO_PAGES fresh @pages, whose slots it takes over,
 * or NULL where there is none; NULL if there is not one, or ERR_PTR(-ENOMEM).
 * It is to be used, or put.
 */
struct zvm_pm_node *zvm_pagemap_branch(const struct zvm_pagemap *map, struct page **pages,
				       gfp_t gfp);

/* The pages' slots go with it. */
void zvm_pagemap_put_branch(struct zvm_pm_node *branch);

/* Put the branch in place of the folio at @index, which is returned. */
struct page *zvm_inner_replace(struct zvm_pm_inner *inner, u64 index,
			       struct zvm_pm_node *branch);

static inline struct page *zvm_leaf_page(const struct zvm_pm_leaf *leaf, u64 index)
{
	return leaf->slot[index & (ZVM_LEAF_SLOTS - 1)];
}

/*
 * May the page at @index be written in place? @leaf comes from
 * zvm_pagemap_find() with *alone set, or from zvm_pagemap_make(). True if the
 * page sits in this one slot and nobody else has a reference that a snapshot
 * partner could have taken; the answer is remembered in the leaf. @extra: page
 * references that the caller itself holds. False if there is no page.
 */
bool zvm_leaf_mine(const struct zvm_pagemap *map, struct zvm_pm_leaf *leaf,
		   u64 index, unsigned int extra);

/* The tags in @leaf that counted when its map's shared_epoch was @epoch, by slot. */
static inline u16 zvm_leaf_tags(const struct zvm_pm_leaf *leaf, u64 epoch)
{
	return leaf->epoch > epoch ? leaf->node.mine : 0;
}

/*
 * The pages in these slots are this map's alone, though it has been shared since
 * they were tagged: no other map has kept them. @leaf as for zvm_leaf_mine().
 */
void zvm_leaf_claim(const struct zvm_pagemap *map, struct zvm_pm_leaf *leaf, u16 slots);

/*
 * Put @page (fresh from zvm_page_alloc(), thus mine) at @index of a leaf from
 * zvm_pagemap_make(). Returns the page that was there (the caller does
 * zvm_page_drop() when its PTEs are gone) or NULL.
 */
struct page *zvm_leaf_set(const struct zvm_pagemap *map, struct zvm_pm_leaf *leaf,
			  u64 index, struct page *page);

/*
 * Take the page at @index out of a leaf from zvm_pagemap_make(); its slot is the
 * caller's now. The leaf stays, be it empty.
 */
void zvm_leaf_clear(struct zvm_pm_leaf *leaf, u64 index);

/*
 * The first leaf or folio, see zvm_pm_is_folio(), that covers *@index or an index
 * above, or NULL. *@index is then moved up into it. Perhaps there is no page from
 * there on in the leaf.
 */
struct zvm_pm_node *zvm_pagemap_next_leaf(const struct zvm_pagemap *map, u64 *index);

/* The first index >= @index that has a page, or U64_MAX. */
u64 zvm_pagemap_next(const struct zvm_pagemap *map, u64 index);

/* The last index <= @index that has a page, or U64_MAX. */
u64 zvm_pagemap_prev(const struct zvm_pagemap *map, u64 index);

/* How many indexes in [@first, @last] have a page. Calls cond_resched(). */
u64 zvm_pagemap_count(const struct zvm_pagemap *map, u64 first, u64 last);

/*
 * Drop all pages in [@first, @last] and the nodes that become empty. Nodes that
 * are shared and only partly covered are copied first, those wholly covered are
 * let go of as they are, so the work is O(depth) for what is shared. -ENOMEM:
 * nothing was dropped. Never fails on a map that shares nothing. A folio must be
 * covered as a whole or not at all. Calls cond_resched().
 */
int zvm_pagemap_erase(struct zvm_pagemap *map, u64 first, u64 last, gfp_t gfp);

/*
 * Make what of this can fail happen: until the map is shared again, erasing this range,
 * or one that ends where folios at its edges do, takes no memory.
 */
int zvm_pagemap_own(struct zvm_pagemap *map, u64 first, u64 last, gfp_t gfp);

/*
 * Make the empty map @to a snapshot of @from, at @epoch (larger than any given
 * before): O(1).
 */
void zvm_pagemap_share(struct zvm_pagemap *to, struct zvm_pagemap *from, u64 epoch);

/*
 * The node of @level over @index, NULL if there is none. A root of lower level
 * stands for the nodes that would be above it, and a folio for the node that would
 * be in its place: see zvm_pm_is_folio(). To look at until the caller's lock
 * is dropped, then to compare with others only.
 */
const struct zvm_pm_node *zvm_pagemap_node(const struct zvm_pagemap *map, unsigned int level,
					   u64 index);

/* Nodes alive, over all maps. */
u64 zvm_pagemap_nodes(void);

#endif /* ZVM_VMO_PAGEMAP_H */
