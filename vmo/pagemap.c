// SPDX-License-Identifier: GPL-2.0
/*
 * The page map: a copy-on-write radix tree.
 *
 * Each node counts the pointers to it: from parents and from maps as their
 * root. A node belongs to one map alone if every node on the path from that
 * map's root down to it has a count of 1. Only such nodes are ever written to,
 * so a reader of a shared node needs no lock against the other sharers.
 *
 * Memory ordering. Sharers run under different locks and meet in three counts:
 * the references of a node, the slots of a page, the references of a page.
 *
 *  - A sharer leaves a node: it has read all that it wanted of it, raised the
 *    counts of what the node points to where it keeps these, then drops its
 *    reference: a release, in refcount_dec_and_test() of node_put() and
 *    free_subtree().
 *  - A sharer concludes that it is alone: it reads a count of 1 with acquire
 *    semantics, in node_is_shared(), and from then on may write.
 *
 * The acquire thus sees the other's reads as done, and the raised counts further
 * down. The latter is why the check goes top-down and ends at the first shared
 * node: below that, a count of 1 only means one parent, not one map.
 *
 * The same pair one step further down: zvm_page_drop() releases a slot after
 * the last access through it, zvm_leaf_mine() acquires on reading one slot.
 *
 * "Alone" is stable under the caller's lock, as only an owner adds references.
 * "Shared" is not: the others may leave at any time. Copying a node that has
 * just become private is a waste but right: node_put() then finds the last
 * reference in our hand and frees the original.
 *
 * Tags. A slot's bit in mine says that the page was born in this map or has
 * passed the test for foreign references since the last sharing. Sharing touches
 * nothing but the root, so it cannot clear tags: instead it raises the
 * shared_epoch of both maps to a value above all earlier ones, and tags count
 * only in a leaf of a younger epoch. Such a leaf gets shared_epoch + 1, which is
 * enough: whoever may see the leaf later has shared it from its present owner,
 * at an epoch not below that, and so takes the tags for void.
 */

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/percpu_counter.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "page.h"
#include "pagemap.h"

static struct kmem_cache *leaf_cache;
static struct kmem_cache *inner_cache;
static struct percpu_counter node_count;

/* The last index under a node of @level whose first index is 0. */
static inline u64 level_last(unsigned int level)
{
	return U64_MAX >> (64 - zvm_pm_bits(level));
}

/* The lowest level at which a root covers @index. */
static unsigned int level_for(u64 index)
{
	unsigned int bits = fls64(index);

	if (bits <= ZVM_LEAF_SHIFT)
		return 0;
	return DIV_ROUND_UP(bits - ZVM_LEAF_SHIFT, ZVM_INNER_SHIFT);
}

static inline unsigned int inner_slot(unsigned int level, u64 index)
{
	return (index >> zvm_pm_bits(level - 1)) & (ZVM_INNER_SLOTS - 1);
}

static inline unsigned int leaf_slot(u64 index)
{
	return index & (ZVM_LEAF_SLOTS - 1);
}

/* Acquire: pairs with the release of a sharer that leaves, see above. */
static inline bool node_is_shared(const struct zvm_pm_node *node)
{
	return atomic_read_acquire(&node->refs.refs) != 1;
}

/*
 * Nodes for a change that must not fail half-way: counted, allocated, used.
 * Unused ones are linked through their first slot.
 */
struct spares {
	struct zvm_pm_inner *inner;
	struct zvm_pm_leaf *leaf;
};

struct need {
	unsigned int inner;
	unsigned int leaf;
};

static void node_init(struct zvm_pm_node *node, unsigned int level)
{
	refcount_set(&node->refs, 1);
	node->level = level;
	percpu_counter_inc(&node_count);
}

static void leaf_free(struct zvm_pm_leaf *leaf)
{
	percpu_counter_dec(&node_count);
	kmem_cache_free(leaf_cache, leaf);
}

static void inner_free(struct zvm_pm_inner *inner)
{
	percpu_counter_dec(&node_count);
	kmem_cache_free(inner_cache, inner);
}

static void spares_free(struct spares *spares)
{
	while (spares->inner) {
		struct zvm_pm_inner *inner = spares->inner;

		spares->inner = (struct zvm_pm_inner *)inner->slot[0];
		kmem_cache_free(inner_cache, inner);
	}
	while (spares->leaf) {
		struct zvm_pm_leaf *leaf = spares->leaf;

		spares->leaf = (struct zvm_pm_leaf *)leaf->slot[0];
		kmem_cache_free(leaf_cache, leaf);
	}
}

static int spares_alloc(struct spares *spares, const struct need *need, gfp_t gfp)
{
	unsigned int i;

	spares->inner = NULL;
	spares->leaf = NULL;
	for (i = 0; i < need->inner; i++) {
		struct zvm_pm_inner *inner = kmem_cache_zalloc(inner_cache, gfp);

		if (!inner)
			goto err_free;
		inner->slot[0] = (struct zvm_pm_node *)spares->inner;
		spares->inner = inner;
	}
	for (i = 0; i < need->leaf; i++) {
		struct zvm_pm_leaf *leaf = kmem_cache_zalloc(leaf_cache, gfp);

		if (!leaf)
			goto err_free;
		leaf->slot[0] = (struct page *)spares->leaf;
		spares->leaf = leaf;
	}
	return 0;

err_free:
	spares_free(spares);
	return -ENOMEM;
}

/* An empty node out of the spares, which are known to suffice. */
static struct zvm_pm_node *node_new(struct spares *spares, unsigned int level)
{
	struct zvm_pm_node *node;

	if (level) {
		struct zvm_pm_inner *inner = spares->inner;

		spares->inner = (struct zvm_pm_inner *)inner->slot[0];
		inner->slot[0] = NULL;
		node = &inner->node;
	} else {
		struct zvm_pm_leaf *leaf = spares->leaf;

		spares->leaf = (struct zvm_pm_leaf *)leaf->slot[0];
		leaf->slot[0] = NULL;
		node = &leaf->node;
	}
	node_init(node, level);
	return node;
}

static void leaf_drop_pages(struct zvm_pm_leaf *leaf)
{
	unsigned int i;

	for (i = 0; i < ZVM_LEAF_SLOTS; i++)
		if (leaf->slot[i])
			zvm_page_drop(leaf->slot[i]);
}

/*
 * Free @node, whose last reference is gone, and what only it kept alive. The
 * stack holds the inner nodes that are half done: at most one per level.
 */
static void free_subtree(struct zvm_pm_node *node)
{
	struct zvm_pm_inner *stack[ZVM_PM_TOP];
	u8 next[ZVM_PM_TOP];
	unsigned int depth = 0;

	while (node) {
		if (node->level) {
			stack[depth] = zvm_pm_inner(node);
			next[depth] = 0;
			depth++;
		} else {
			leaf_drop_pages(zvm_pm_leaf(node));
			leaf_free(zvm_pm_leaf(node));
		}
		cond_resched();

		node = NULL;
		while (depth && !node) {
			struct zvm_pm_inner *inner = stack[depth - 1];
			struct zvm_pm_node *child;

			if (next[depth - 1] == ZVM_INNER_SLOTS) {
				inner_free(inner);
				depth--;
				continue;
			}
			child = inner->slot[next[depth - 1]++];
			if (zvm_pm_is_folio(child)) {
				zvm_page_drop(zvm_pm_folio(child));
				continue;
			}
			/* A release for those who keep the child; acquire at zero. */
			if (child && refcount_dec_and_test(&child->refs))
				node = child;
		}
	}
}

/* Release: all that the caller wanted of the node happens before. */
static void node_put(struct zvm_pm_node *node)
{
	if (refcount_dec_and_test(&node->refs))
		free_subtree(node);
}

/* A private copy of @old in its parent's place, for what the spares hold. */
static struct zvm_pm_node *node_copy(struct spares *spares, struct zvm_pm_node *old)
{
	struct zvm_pm_node *new = node_new(spares, old->level);
	unsigned int i;

	new->used = old->used;
	if (old->level) {
		struct zvm_pm_inner *from = zvm_pm_inner(old), *to = zvm_pm_inner(new);

		for (i = 0; i < ZVM_INNER_SLOTS; i++) {
			to->slot[i] = from->slot[i];
			if (zvm_pm_is_folio(to->slot[i]))
				zvm_page_share(zvm_pm_folio(to->slot[i]));
			else if (to->slot[i])
				refcount_inc(&to->slot[i]->refs);
		}
	} else {
		struct zvm_pm_leaf *from = zvm_pm_leaf(old), *to = zvm_pm_leaf(new);

		/* No tags: each page now sits in two slots. */
		for (i = 0; i < ZVM_LEAF_SLOTS; i++) {
			to->slot[i] = from->slot[i];
			if (to->slot[i])
				zvm_page_share(to->slot[i]);
		}
	}
	/* Only now: as long as we hold the old node, nobody writes to it. */
	node_put(old);
	return new;
}

/*
 * The node at *@link, made private. All nodes above are private already, so
 * nobody else can reach *@link.
 */
static struct zvm_pm_node *node_own(struct spares *spares, struct zvm_pm_node **link)
{
	if (node_is_shared(*link))
		*link = node_copy(spares, *link);
	return *link;
}

struct zvm_pm_leaf *zvm_pagemap_find(const struct zvm_pagemap *map, u64 index,
				     bool *alone)
{
	struct zvm_pm_node *node = map->root;
	bool private = true;
	int shift;

	*alone = false;
	if (!node || index > level_last(node->level))
		return NULL;

	for (shift = zvm_pm_bits(node->level) - ZVM_INNER_SHIFT;
	     shift >= ZVM_LEAF_SHIFT; shift -= ZVM_INNER_SHIFT) {
		private = private && !node_is_shared(node);
		node = zvm_pm_inner(node)->slot[(index >> shift) & (ZVM_INNER_SLOTS - 1)];
		if (!node || zvm_pm_is_folio(node))
			return NULL;
	}
	*alone = private && !node_is_shared(node);
	return zvm_pm_leaf(node);
}

struct zvm_pm_inner *zvm_pagemap_find_inner(const struct zvm_pagemap *map, u64 index, bool *alone)
{
	struct zvm_pm_node *node = map->root;
	bool private = true;

	*alone = false;
	if (!node || index > level_last(node->level))
		return NULL;
	while (node && node->level > ZVM_FOLIO_LEVEL) {
		private = private && !node_is_shared(node);
		node = zvm_pm_inner(node)->slot[inner_slot(node->level, index)];
	}
	/* A root may be lower: then there are no folios. */
	if (!node || node->level != ZVM_FOLIO_LEVEL)
		return NULL;
	*alone = private && !node_is_shared(node);
	return zvm_pm_inner(node);
}

/* Nodes at the levels from @level down to @floor. */
static void need_branch(struct need *need, int level, int floor)
{
	if (level < floor)
		return;
	need->inner += level - floor + !!floor;
	need->leaf += !floor;
}

/*
 * The most nodes that it can take to have a node of level @floor over @index, on
 * a path that is not shared.
 */
static struct need make_need(const struct zvm_pagemap *map, u64 index, unsigned int floor)
{
	struct zvm_pm_node *node = map->root;
	unsigned int level = max(level_for(index), floor);
	struct need need = { 0 };
	bool shared = false;

	if (!node) {
		need_branch(&need, level, floor);
		return need;
	}
	if (level > node->level) {
		/* New roots on top, then a new branch from the topmost down. */
		need.inner = level - node->level;
		need_branch(&need, (int)level - 1, floor);
		return need;
	}
	while (node->level > floor) {
		shared = shared || node_is_shared(node);
		need.inner += shared;
		level = node->level;
		node = zvm_pm_inner(node)->slot[inner_slot(level, index)];
		if (!node) {
			need_branch(&need, level - 1, floor);
			return need;
		}
	}
	shared = shared || node_is_shared(node);
	need.inner += shared && floor;
	need.leaf += shared && !floor;
	return need;
}

static struct zvm_pm_node *make_node(struct zvm_pagemap *map, u64 index, unsigned int floor,
				     gfp_t gfp)
{
	struct zvm_pm_node **link, *node;
	struct spares spares;
	struct need need;
	unsigned int level;
	int err;

	need = make_need(map, index, floor);
	err = spares_alloc(&spares, &need, gfp);
	if (err)
		return ERR_PTR(err);

	level = max(level_for(index), floor);
	if (!map->root)
		map->root = node_new(&spares, level);
	while (map->root->level < level) {
		struct zvm_pm_inner *root;

		root = zvm_pm_inner(node_new(&spares, map->root->level + 1));
		root->slot[0] = map->root;
		root->node.used = 1;
		map->root = &root->node;
	}

	/*
	 * Each node is looked at anew: other owners may have left since they
	 * were counted, none can have come. Shared nodes have only become fewer.
	 */
	for (link = &map->root; ; ) {
		node = node_own(&spares, link);
		if (node->level == floor)
			break;
		link = &zvm_pm_inner(node)->slot[inner_slot(node->level, index)];
		if (!*link) {
			*link = node_new(&spares, node->level - 1);
			node->used++;
		}
	}
	spares_free(&spares);
	return node;
}

struct zvm_pm_leaf *zvm_pagemap_make(struct zvm_pagemap *map, u64 index, gfp_t gfp)
{
	struct zvm_pm_inner *inner;
	struct zvm_pm_node *node;
	struct zvm_pm_leaf *leaf;
	bool alone;

	/* zvm_pagemap_next() could not tell it from none. */
	if (WARN_ON_ONCE(index == U64_MAX))
		return ERR_PTR(-EINVAL);
	leaf = zvm_pagemap_find(map, index, &alone);
	if (alone)
		return leaf;
	inner = leaf ? NULL : zvm_pagemap_find_inner(map, index, &alone);
	if (WARN_ON_ONCE(inner && zvm_inner_folio(inner, index)))
		return ERR_PTR(-EINVAL);

	node = make_node(map, index, 0, gfp);
	return IS_ERR(node) ? ERR_CAST(node) : zvm_pm_leaf(node);
}

struct zvm_pm_inner *zvm_pagemap_make_inner(struct zvm_pagemap *map, u64 index, gfp_t gfp)
{
	struct zvm_pm_inner *inner;
	struct zvm_pm_node *node;
	bool alone;

	inner = zvm_pagemap_find_inner(map, index, &alone);
	if (alone)
		return inner;
	node = make_node(map, index, ZVM_FOLIO_LEVEL, gfp);
	return IS_ERR(node) ? ERR_CAST(node) : zvm_pm_inner(node);
}

void zvm_leaf_claim(const struct zvm_pagemap *map, struct zvm_pm_leaf *leaf, u16 slots)
{
	if (leaf->epoch <= map->shared_epoch) {
		leaf->epoch = map->shared_epoch + 1;
		leaf->node.mine = 0;
	}
	leaf->node.mine |= slots;
}

bool zvm_leaf_mine(const struct zvm_pagemap *map, struct zvm_pm_leaf *leaf,
		   u64 index, unsigned int extra)
{
	unsigned int slot = leaf_slot(index);
	struct page *page = leaf->slot[slot];

	if ((leaf->node.mine & BIT(slot)) && leaf->epoch > map->shared_epoch)
		return true;
	if (!page || zvm_page_slots(page) != 1)
		return false;
	/* Pairs with the release in zvm_page_drop() of the other slot's owner. */
	smp_acquire__after_ctrl_dep();
	if (zvm_page_is_foreign(page, extra))
		return false;
	zvm_leaf_claim(map, leaf, BIT(slot));
	return true;
}

struct page *zvm_leaf_set(const struct zvm_pagemap *map, struct zvm_pm_leaf *leaf,
			  u64 index, struct page *page)
{
	unsigned int slot = leaf_slot(index);
	struct page *old = leaf->slot[slot];

	leaf->slot[slot] = page;
	if (!old)
		leaf->node.used++;
	zvm_leaf_claim(map, leaf, BIT(slot));
	return old;
}

void zvm_leaf_clear(struct zvm_pm_leaf *leaf, u64 index)
{
	unsigned int slot = leaf_slot(index);

	leaf->slot[slot] = NULL;
	leaf->node.mine &= ~BIT(slot);
	leaf->node.used--;
}

void zvm_inner_claim(const struct zvm_pagemap *map, struct zvm_pm_inner *inner, u64 index)
{
	unsigned int slot = inner_slot(ZVM_FOLIO_LEVEL, index);

	if (inner->epoch <= map->shared_epoch) {
		inner->epoch = map->shared_epoch + 1;
		inner->mine = 0;
	}
	inner->mine |= BIT(slot);
}

bool zvm_inner_mine(const struct zvm_pagemap *map, struct zvm_pm_inner *inner, u64 index,
		    unsigned int extra)
{
	struct page *folio = zvm_inner_folio(inner, index);

	if (zvm_inner_is_tagged(inner, index, map->shared_epoch))
		return true;
	if (!folio || zvm_page_slots(folio) != 1)
		return false;
	/* As in zvm_leaf_mine(). */
	smp_acquire__after_ctrl_dep();
	if (zvm_folio_is_foreign(folio, extra))
		return false;
	zvm_inner_claim(map, inner, index);
	return true;
}

struct page *zvm_inner_set(const struct zvm_pagemap *map, struct zvm_pm_inner *inner, u64 index,
			   struct page *folio)
{
	struct page *old = zvm_inner_folio(inner, index);
	unsigned int slot = inner_slot(ZVM_FOLIO_LEVEL, index);

	if (WARN_ON_ONCE(inner->slot[slot] && !old))
		return folio;
	if (!old)
		inner->node.used++;
	inner->slot[slot] = (struct zvm_pm_node *)((unsigned long)folio | 1);
	zvm_inner_claim(map, inner, index);
	return old;
}

struct zvm_pm_node *zvm_pagemap_branch(const struct zvm_pagemap *map, struct page **pages,
				       gfp_t gfp)
{
	struct need need = { .inner = 1, .leaf = 0 };
	struct zvm_pm_inner *inner;
	struct spares spares;
	unsigned int i;
	int err;

	for (i = 0; i < ZVM_FOLIO_PAGES; i++) {
		if (!pages[i])
			continue;
		need.leaf++;
		i |= ZVM_LEAF_SLOTS - 1;
	}
	if (!need.leaf)
		return NULL;
	err = spares_alloc(&spares, &need, gfp);
	if (err)
		return ERR_PTR(err);

	inner = zvm_pm_inner(node_new(&spares, ZVM_FOLIO_LEVEL - 1));
	for (i = 0; i < ZVM_FOLIO_PAGES; i++) {
		struct zvm_pm_node **link = &inner->slot[inner_slot(ZVM_FOLIO_LEVEL - 1, i)];

		if (!pages[i])
			continue;
		if (!*link) {
			*link = node_new(&spares, 0);
			inner->node.used++;
		}
		zvm_leaf_set(map, zvm_pm_leaf(*link), i, pages[i]);
	}
	return &inner->node;
}

void zvm_pagemap_put_branch(struct zvm_pm_node *branch)
{
	node_put(branch);
}

struct page *zvm_inner_replace(struct zvm_pm_inner *inner, u64 index, struct zvm_pm_node *branch)
{
	struct page *old = zvm_inner_folio(inner, index);
	unsigned int slot = inner_slot(ZVM_FOLIO_LEVEL, index);

	inner->slot[slot] = branch;
	inner->mine &= ~BIT(slot);
	if (!branch)
		inner->node.used--;
	return old;
}

/*
 * Indexes never wrap: a node in which nothing is left to look at and that ends at
 * U64_MAX ends the search.
 */
struct zvm_pm_node *zvm_pagemap_next_leaf(const struct zvm_pagemap *map, u64 *index)
{
	struct zvm_pm_node *node = map->root;
	u64 at = *index;

	if (!node || at > level_last(node->level))
		return NULL;
	while (node->level) {
		struct zvm_pm_inner *inner = zvm_pm_inner(node);
		unsigned int level = node->level;
		unsigned int first = inner_slot(level, at), i = first;

		while (i < ZVM_INNER_SLOTS && !inner->slot[i])
			i++;
		if (i == ZVM_INNER_SLOTS) {
			/* On to the first index behind this node, from the root. */
			at |= level_last(level);
			if (at >= level_last(map->root->level))
				return NULL;
			at++;
			node = map->root;
			continue;
		}
		if (i > first) {
			at &= ~level_last(level);
			at |= (u64)i << zvm_pm_bits(level - 1);
		}
		node = inner->slot[i];
		if (zvm_pm_is_folio(node))
			break;
	}
	*index = at;
	return node;
}

u64 zvm_pagemap_next(const struct zvm_pagemap *map, u64 index)
{
	struct zvm_pm_node *node;

	while ((node = zvm_pagemap_next_leaf(map, &index))) {
		struct zvm_pm_leaf *leaf = zvm_pm_leaf(node);
		unsigned int i;

		if (zvm_pm_is_folio(node))
			return index;
		for (i = leaf_slot(index); i < ZVM_LEAF_SLOTS; i++, index++)
			if (leaf->slot[i])
				return index;
		/* Behind the leaf; 0 if that was the last one there can be. */
		if (!index)
			break;
	}
	return U64_MAX;
}

/* As zvm_pagemap_next_leaf(), downwards: *@index is moved down into the leaf. */
static struct zvm_pm_node *prev_leaf(const struct zvm_pagemap *map, u64 *index)
{
	struct zvm_pm_node *node = map->root;
	u64 at = *index;

	if (!node)
		return NULL;
	at = min(at, level_last(node->level));
	while (node->level) {
		struct zvm_pm_inner *inner = zvm_pm_inner(node);
		unsigned int level = node->level;
		int last = inner_slot(level, at), i = last;

		while (i >= 0 && !inner->slot[i])
			i--;
		if (i < 0) {
			/* On to the last index before this node, from the root. */
			at &= ~level_last(level);
			if (!at)
				return NULL;
			at--;
			node = map->root;
			continue;
		}
		if (i < last) {
			at &= ~level_last(level);
			at |= (u64)i << zvm_pm_bits(level - 1);
			at |= level_last(level - 1);
		}
		node = inner->slot[i];
		if (zvm_pm_is_folio(node))
			break;
	}
	*index = at;
	return node;
}

u64 zvm_pagemap_prev(const struct zvm_pagemap *map, u64 index)
{
	struct zvm_pm_node *node;

	while ((node = prev_leaf(map, &index))) {
		struct zvm_pm_leaf *leaf = zvm_pm_leaf(node);
		int i;

		if (zvm_pm_is_folio(node))
			return index;
		for (i = leaf_slot(index); i >= 0; i--, index--)
			if (leaf->slot[i])
				return index;
		/* Before the leaf; U64_MAX if that was the first one there can be. */
		if (index == U64_MAX)
			break;
	}
	return U64_MAX;
}

u64 zvm_pagemap_count(const struct zvm_pagemap *map, u64 first, u64 last)
{
	struct zvm_pm_node *node;
	u64 count = 0;

	while (first <= last && (node = zvm_pagemap_next_leaf(map, &first))) {
		bool folio = zvm_pm_is_folio(node);
		u64 leaf_last = first | ((folio ? ZVM_FOLIO_PAGES : ZVM_LEAF_SLOTS) - 1);
		struct zvm_pm_leaf *leaf = zvm_pm_leaf(node);

		if (first > last)
			break;
		if (folio) {
			count += min(last, leaf_last) - first + 1;
		} else if (leaf_last <= last && !leaf_slot(first)) {
			count += leaf->node.used;
		} else {
			u64 end = min(last, leaf_last);
			unsigned int i;

			for (i = leaf_slot(first); i <= leaf_slot(end); i++)
				count += !!leaf->slot[i];
		}
		if (leaf_last == U64_MAX)
			break;
		first = leaf_last + 1;
		cond_resched();
	}
	return count;
}

/*
 * The nodes that an erased range covers in part, on the path to one of its
 * edges, by level. There are none from the first covered or missing one down.
 */
struct edge {
	struct zvm_pm_node *node[ZVM_PM_TOP + 1];
};

/* Is the node of @level over @index within [@first, @last]? */
static bool covered(unsigned int level, u64 index, u64 first, u64 last)
{
	u64 in_node = level_last(level);

	return (index & ~in_node) >= first && (index | in_node) <= last;
}

/*
 * Note the partly covered nodes over @index in @edge and what copying the shared
 * ones takes in @need, except what is on the path of @other too.
 */
static void edge_need(const struct zvm_pagemap *map, u64 first, u64 last, u64 index,
		      struct edge *edge, const struct edge *other, struct need *need)
{
	struct zvm_pm_node *node = map->root;
	bool shared = false;

	memset(edge, 0, sizeof(*edge));
	while (node && !covered(node->level, index, first, last)) {
		edge->node[node->level] = node;
		shared = shared || node_is_shared(node);
		if (shared && (!other || other->node[node->level] != node)) {
			if (node->level)
				need->inner++;
			else
				need->leaf++;
		}
		if (!node->level)
			break;
		node = zvm_pm_inner(node)->slot[inner_slot(node->level, index)];
		if (zvm_pm_is_folio(node))
			break;
	}
}

/* Make the partly covered nodes over @index private, note them in @edge. */
static void edge_own(struct zvm_pagemap *map, u64 first, u64 last, u64 index,
		     struct edge *edge, struct spares *spares)
{
	struct zvm_pm_node **link = &map->root;

	memset(edge, 0, sizeof(*edge));
	while (*link && !covered((*link)->level, index, first, last)) {
		struct zvm_pm_node *node = node_own(spares, link);

		edge->node[node->level] = node;
		if (!node->level)
			break;
		link = &zvm_pm_inner(node)->slot[inner_slot(node->level, index)];
		if (zvm_pm_is_folio(*link))
			break;
	}
}

/*
 * Empty the slots of the private @node from the one over @first to the one over
 * @last. A child that is on an edge itself (@left, @right) has been dealt with
 * and stays unless nothing is left in it.
 */
static void erase_in_node(struct zvm_pm_node *node, u64 first, u64 last,
			  const struct zvm_pm_node *left, const struct zvm_pm_node *right)
{
	unsigned int i;

	if (!node->level) {
		struct zvm_pm_leaf *leaf = zvm_pm_leaf(node);

		for (i = leaf_slot(first); i <= leaf_slot(last); i++) {
			struct page *page = leaf->slot[i];

			if (!page)
				continue;
			leaf->slot[i] = NULL;
			node->mine &= ~BIT(i);
			node->used--;
			zvm_page_drop(page);
		}
		return;
	}

	for (i = inner_slot(node->level, first); i <= inner_slot(node->level, last); i++) {
		struct zvm_pm_node **link = &zvm_pm_inner(node)->slot[i], *child = *link;

		if (zvm_pm_is_folio(child)) {
			*link = NULL;
			zvm_pm_inner(node)->mine &= ~BIT(i);
			node->used--;
			zvm_page_drop(zvm_pm_folio(child));
			continue;
		}
		if (!child || ((child == left || child == right) && child->used))
			continue;
		*link = NULL;
		node->used--;
		node_put(child);
	}
}

/* A root with nothing but its first child is one level too many. */
static void shrink_root(struct zvm_pagemap *map)
{
	while (map->root) {
		struct zvm_pm_node *root = map->root;

		if (node_is_shared(root))
			return;
		if (!root->used) {
			map->root = NULL;
			node_put(root);
			return;
		}
		if (!root->level || root->used > 1 || !zvm_pm_inner(root)->slot[0] ||
		    zvm_pm_is_folio(zvm_pm_inner(root)->slot[0]))
			return;
		/* The child's reference passes from the old root to the map. */
		map->root = zvm_pm_inner(root)->slot[0];
		inner_free(zvm_pm_inner(root));
	}
}

/* Are @index, in the erased range, and @outside, next to it, in one folio? */
static bool cuts_folio(const struct zvm_pagemap *map, u64 index, u64 outside)
{
	struct zvm_pm_inner *inner;
	bool alone;

	if ((index ^ outside) >> ZVM_FOLIO_SHIFT)
		return false;
	inner = zvm_pagemap_find_inner(map, index, &alone);
	return inner && zvm_inner_folio(inner, index);
}

/*
 * Make private what is partly in [@first, @last] and note it. Returns 0 if there is
 * nothing to erase, 1, or an error.
 */
static int own_edges(struct zvm_pagemap *map, u64 first, u64 last, struct edge *left,
		     struct edge *right, gfp_t gfp)
{
	struct need need = { 0 };
	struct spares spares;
	int err;

	edge_need(map, first, last, first, left, NULL, &need);
	edge_need(map, first, last, last, right, left, &need);
	if (need.inner || need.leaf) {
		u64 next = zvm_pagemap_next(map, first);

		/* Do not copy for the sake of nothing. */
		if (next == U64_MAX || next > last)
			return 0;
	}
	err = spares_alloc(&spares, &need, gfp);
	if (err)
		return err;
	edge_own(map, first, last, first, left, &spares);
	edge_own(map, first, last, last, right, &spares);
	spares_free(&spares);
	return 1;
}

int zvm_pagemap_own(struct zvm_pagemap *map, u64 first, u64 last, gfp_t gfp)
{
	struct edge left, right;

	if (!map->root || first > last || first > level_last(map->root->level))
		return 0;
	last = min(last, level_last(map->root->level));
	return min(own_edges(map, first, last, &left, &right, gfp), 0);
}

int zvm_pagemap_erase(struct zvm_pagemap *map, u64 first, u64 last, gfp_t gfp)
{
	struct edge left, right;
	unsigned int level;
	u64 in_node;
	int ret;

	if (!map->root || first > last || first > level_last(map->root->level))
		return 0;
	last = min(last, level_last(map->root->level));
	if (covered(map->root->level, 0, first, last)) {
		zvm_pagemap_destroy(map);
		return 0;
	}
	if (WARN_ON_ONCE(cuts_folio(map, first, first - 1) || cuts_folio(map, last, last + 1)))
		return -EINVAL;
	ret = own_edges(map, first, last, &left, &right, gfp);
	if (ret <= 0)
		return ret;

	/* From the leaves up, so that a node sees which of its children are empty. */
	for (level = 0; level <= map->root->level; level++) {
		const struct zvm_pm_node *lchild = level ? left.node[level - 1] : NULL;
		const struct zvm_pm_node *rchild = level ? right.node[level - 1] : NULL;
		struct zvm_pm_node *node = left.node[level];

		in_node = level_last(level);
		if (node)
			erase_in_node(node, first, min(last, first | in_node), lchild, rchild);
		if (right.node[level] && right.node[level] != node)
			erase_in_node(right.node[level], max(first, last & ~in_node), last,
				      lchild, rchild);
	}
	shrink_root(map);
	return 0;
}

void zvm_pagemap_share(struct zvm_pagemap *to, struct zvm_pagemap *from, u64 epoch)
{
	if (WARN_ON_ONCE(to->root || epoch <= from->shared_epoch || epoch <= to->shared_epoch))
		return;
	if (from->root)
		refcount_inc(&from->root->refs);
	to->root = from->root;
	to->shared_epoch = epoch;
	from->shared_epoch = epoch;
}

const struct zvm_pm_node *zvm_pagemap_node(const struct zvm_pagemap *map, unsigned int level,
					   u64 index)
{
	const struct zvm_pm_node *node = map->root;

	if (!node || index > level_last(node->level))
		return NULL;
	while (node && node->level > level) {
		node = container_of(node, struct zvm_pm_inner,
				    node)->slot[inner_slot(node->level, index)];
		if (zvm_pm_is_folio(node))
			return level == ZVM_FOLIO_LEVEL - 1 ? node : NULL;
	}
	return node;
}

void zvm_pagemap_destroy(struct zvm_pagemap *map)
{
	struct zvm_pm_node *root = map->root;

	map->root = NULL;
	if (root)
		node_put(root);
}

u64 zvm_pagemap_nodes(void)
{
	return percpu_counter_sum_positive(&node_count);
}

int __init zvm_pagemap_init_module(void)
{
	int err;

	BUILD_BUG_ON(ZVM_LEAF_SHIFT + ZVM_PM_TOP * ZVM_INNER_SHIFT != 64);
	BUILD_BUG_ON(BITS_PER_BYTE * sizeof_field(struct zvm_pm_node, mine) < ZVM_LEAF_SLOTS);
	BUILD_BUG_ON(U8_MAX < ZVM_INNER_SLOTS);
	BUILD_BUG_ON(BITS_PER_BYTE * sizeof_field(struct zvm_pm_inner, mine) < ZVM_INNER_SLOTS);

	err = percpu_counter_init(&node_count, 0, GFP_KERNEL);
	if (err)
		return err;
	leaf_cache = kmem_cache_create("zvm_pm_leaf", sizeof(struct zvm_pm_leaf), 0,
				       SLAB_ACCOUNT, NULL);
	inner_cache = kmem_cache_create("zvm_pm_inner", sizeof(struct zvm_pm_inner), 0,
					SLAB_ACCOUNT, NULL);
	if (!leaf_cache || !inner_cache) {
		zvm_pagemap_exit_module();
		return -ENOMEM;
	}
	return 0;
}

void zvm_pagemap_exit_module(void)
{
	kmem_cache_destroy(inner_cache);
	kmem_cache_destroy(leaf_cache);
	percpu_counter_destroy(&node_count);
}
