// SPDX-License-Identifier: GPL-2.0
/* Page maps: how pages get out of them again. */
#include <linux/bitops.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "page.h"
#include "pagemap_node.h"

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
		      struct edge *edge, const struct edge *other, struct zvm_pm_need *need)
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
		     struct edge *edge, struct zvm_pm_spares *spares)
{
	struct zvm_pm_node **link = &map->root;

	memset(edge, 0, sizeof(*edge));
	while (*link && !covered((*link)->level, index, first, last)) {
		struct zvm_pm_node *node = zvm_pm_node_own(spares, link);

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
		zvm_pm_node_put(child);
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
			zvm_pm_node_put(root);
			return;
		}
		if (!root->level || root->used > 1 || !zvm_pm_inner(root)->slot[0] ||
		    zvm_pm_is_folio(zvm_pm_inner(root)->slot[0]))
			return;
		/* The child's reference passes from the old root to the map. */
		map->root = zvm_pm_inner(root)->slot[0];
		zvm_pm_inner_free(zvm_pm_inner(root));
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
	struct zvm_pm_need need = { 0 };
	struct zvm_pm_spares spares;
	int err;

	edge_need(map, first, last, first, left, NULL, &need);
	edge_need(map, first, last, last, right, left, &need);
	if (need.inner || need.leaf) {
		u64 next = zvm_pagemap_next(map, first);

		/* Do not copy for the sake of nothing. */
		if (next == U64_MAX || next > last)
			return 0;
	}
	err = zvm_pm_spares_alloc(&spares, &need, gfp);
	if (err)
		return err;
	edge_own(map, first, last, first, left, &spares);
	edge_own(map, first, last, last, right, &spares);
	zvm_pm_spares_free(&spares);
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
