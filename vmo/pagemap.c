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
 *    reference: a release, in refcount_dec_and_test() of zvm_pm_node_put() and
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
 * just become private is a waste but right: zvm_pm_node_put() then finds the last
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

#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/minmax.h>

#include "page.h"
#include "pagemap_node.h"

/* The lowest level at which a root covers @index. */
static unsigned int level_for(u64 index)
{
	unsigned int bits = fls64(index);

	if (bits <= ZVM_LEAF_SHIFT)
		return 0;
	return DIV_ROUND_UP(bits - ZVM_LEAF_SHIFT, ZVM_INNER_SHIFT);
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

/* Nodes at the levels from @level down to @floor. */
static void need_branch(struct zvm_pm_need *need, int level, int floor)
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
static struct zvm_pm_need make_need(const struct zvm_pagemap *map, u64 index, unsigned int floor)
{
	struct zvm_pm_node *node = map->root;
	unsigned int level = max(level_for(index), floor);
	struct zvm_pm_need need = { 0 };
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

struct zvm_pm_node *zvm_pm_make_node(struct zvm_pagemap *map, u64 index, unsigned int floor,
				     gfp_t gfp)
{
	struct zvm_pm_node **link, *node;
	struct zvm_pm_spares spares;
	struct zvm_pm_need need;
	unsigned int level;
	int err;

	need = make_need(map, index, floor);
	err = zvm_pm_spares_alloc(&spares, &need, gfp);
	if (err)
		return ERR_PTR(err);

	level = max(level_for(index), floor);
	if (!map->root)
		map->root = zvm_pm_node_new(&spares, level);
	while (map->root->level < level) {
		struct zvm_pm_inner *root;

		root = zvm_pm_inner(zvm_pm_node_new(&spares, map->root->level + 1));
		root->slot[0] = map->root;
		root->node.used = 1;
		map->root = &root->node;
	}

	/*
	 * Each node is looked at anew: other owners may have left since they
	 * were counted, none can have come. Shared nodes have only become fewer.
	 */
	for (link = &map->root; ; ) {
		node = zvm_pm_node_own(&spares, link);
		if (node->level == floor)
			break;
		link = &zvm_pm_inner(node)->slot[inner_slot(node->level, index)];
		if (!*link) {
			*link = zvm_pm_node_new(&spares, node->level - 1);
			node->used++;
		}
	}
	zvm_pm_spares_free(&spares);
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

	node = zvm_pm_make_node(map, index, 0, gfp);
	return IS_ERR(node) ? ERR_CAST(node) : zvm_pm_leaf(node);
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
		zvm_pm_node_put(root);
}
