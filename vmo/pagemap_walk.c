// SPDX-License-Identifier: GPL-2.0
/* Page maps: where there are pages. */
#include <linux/minmax.h>
#include <linux/sched.h>

#include "pagemap_node.h"

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
