// SPDX-License-Identifier: GPL-2.0
/* Nodes of page maps: their memory, copies and end. */
#include <linux/percpu_counter.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "page.h"
#include "pagemap_node.h"

static struct kmem_cache *leaf_cache;
static struct kmem_cache *inner_cache;
static struct percpu_counter node_count;

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

void zvm_pm_inner_free(struct zvm_pm_inner *inner)
{
	percpu_counter_dec(&node_count);
	kmem_cache_free(inner_cache, inner);
}

void zvm_pm_spares_free(struct zvm_pm_spares *spares)
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

int zvm_pm_spares_alloc(struct zvm_pm_spares *spares, const struct zvm_pm_need *need, gfp_t gfp)
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
	zvm_pm_spares_free(spares);
	return -ENOMEM;
}

struct zvm_pm_node *zvm_pm_node_new(struct zvm_pm_spares *spares, unsigned int level)
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
				zvm_pm_inner_free(inner);
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

void zvm_pm_node_put(struct zvm_pm_node *node)
{
	if (refcount_dec_and_test(&node->refs))
		free_subtree(node);
}

/* A private copy of @old in its parent's place, for what the spares hold. */
static struct zvm_pm_node *node_copy(struct zvm_pm_spares *spares, struct zvm_pm_node *old)
{
	struct zvm_pm_node *new = zvm_pm_node_new(spares, old->level);
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
	zvm_pm_node_put(old);
	return new;
}

struct zvm_pm_node *zvm_pm_node_own(struct zvm_pm_spares *spares, struct zvm_pm_node **link)
{
	if (node_is_shared(*link))
		*link = node_copy(spares, *link);
	return *link;
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
