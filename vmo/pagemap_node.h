/* SPDX-License-Identifier: GPL-2.0 */
/* Inside of page maps: nodes, and memory for them. The rules are told in pagemap.c. */
#ifndef ZVM_VMO_PAGEMAP_NODE_H
#define ZVM_VMO_PAGEMAP_NODE_H

#include <linux/atomic.h>
#include <linux/gfp.h>

#include "pagemap.h"

/* The last index under a node of @level whose first index is 0. */
static inline u64 level_last(unsigned int level)
{
	return U64_MAX >> (64 - zvm_pm_bits(level));
}

static inline unsigned int inner_slot(unsigned int level, u64 index)
{
	return (index >> zvm_pm_bits(level - 1)) & (ZVM_INNER_SLOTS - 1);
}

static inline unsigned int leaf_slot(u64 index)
{
	return index & (ZVM_LEAF_SLOTS - 1);
}

/* Acquire: pairs with the release of a sharer that leaves, see pagemap.c. */
static inline bool node_is_shared(const struct zvm_pm_node *node)
{
	return atomic_read_acquire(&node->refs.refs) != 1;
}

/*
 * Nodes for a change that must not fail half-way: counted, allocated, used.
 * Unused ones are linked through their first slot.
 */
struct zvm_pm_spares {
	struct zvm_pm_inner *inner;
	struct zvm_pm_leaf *leaf;
};

struct zvm_pm_need {
	unsigned int inner;
	unsigned int leaf;
};

int zvm_pm_spares_alloc(struct zvm_pm_spares *spares, const struct zvm_pm_need *need, gfp_t gfp);
void zvm_pm_spares_free(struct zvm_pm_spares *spares);

/* An empty node out of the spares, which are known to suffice. */
struct zvm_pm_node *zvm_pm_node_new(struct zvm_pm_spares *spares, unsigned int level);

/* Release: all that the caller wanted of the node happens before. */
void zvm_pm_node_put(struct zvm_pm_node *node);

/*
 * The node at *@link, made private. All nodes above are private already, so
 * nobody else can reach *@link.
 */
struct zvm_pm_node *zvm_pm_node_own(struct zvm_pm_spares *spares, struct zvm_pm_node **link);

/* The node alone, which nobody has any more. */
void zvm_pm_inner_free(struct zvm_pm_inner *inner);

/* The node of level @floor over @index, made if missing, on a path that is not shared. */
struct zvm_pm_node *zvm_pm_make_node(struct zvm_pagemap *map, u64 index, unsigned int floor,
				     gfp_t gfp);

#endif /* ZVM_VMO_PAGEMAP_NODE_H */
