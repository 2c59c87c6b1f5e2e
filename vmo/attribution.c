// SPDX-License-Identifier: GPL-2.0
/*
 * Attribution: which pages a store has for itself, and which it shares with how
 * many.
 *
 * A page knows its slots, but a slot may be reached from many roots. So the
 * store's tree and those of all its relatives are walked side by side: where two
 * have the same node, they share all below it. All relatives have a page at the
 * same index.
 */
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "attribution.h"
#include "family.h"
#include "store.h"

#define ONE_BYTE BIT_ULL(63)

/* @n pages that @sharers stores have. */
static void add(struct zvm_attribution *sum, u64 n, u64 sharers)
{
	u64 bytes = n << PAGE_SHIFT, rest;

	sum->committed += bytes;
	if (sharers == 1)
		sum->private += bytes;
	sum->scaled += div64_u64_rem(bytes, sharers, &rest);
	if (!rest)
		return;
	sum->fraction += mul_u64_u64_div_u64(rest, ONE_BYTE, sharers);
	if (sum->fraction >= ONE_BYTE) {
		sum->fraction -= ONE_BYTE;
		sum->scaled++;
	}
}

/**
 * struct frame - a node on the way down, and what the others have in its place
 * @node: the node
 * @first: the first index that it covers
 * @next: the next slot to look at
 * @same: how many others have the very same node
 * @others: nodes of those who have another one. A root of lower level stands
 *	for the node that would be above it.
 * @nr_others: how many
 */
struct frame {
	struct zvm_pm_node *node;
	u64 first;
	unsigned int next;
	u64 same;
	struct zvm_pm_node **others;
	size_t nr_others;
};

static void add_leaf(struct zvm_attribution *sum, const struct frame *at, u64 first, u64 last)
{
	struct zvm_pm_leaf *leaf = zvm_pm_leaf(at->node);
	unsigned int i;
	size_t o;

	for (i = 0; i < ZVM_LEAF_SLOTS; i++) {
		u64 sharers = 1 + at->same;

		if (!leaf->slot[i] || at->first + i < first || at->first + i > last)
			continue;
		for (o = 0; o < at->nr_others; o++)
			sharers += zvm_pm_leaf(at->others[o])->slot[i] == leaf->slot[i];
		add(sum, 1, sharers);
	}
}

/* What the others have in place of @child, at slot @i of the node at @at. */
static void enter(const struct frame *at, unsigned int i, struct zvm_pm_node *child,
		  struct frame *to)
{
	size_t o;

	to->node = child;
	to->first = at->first + ((u64)i << zvm_pm_bits(child->level));
	to->next = 0;
	to->same = at->same;
	/* Behind the list above. */
	to->others = at->others + at->nr_others;
	to->nr_others = 0;
	for (o = 0; o < at->nr_others; o++) {
		struct zvm_pm_node *other = at->others[o];

		if (other->level == at->node->level)
			other = zvm_pm_inner(other)->slot[i];
		else if (i)
			other = NULL;
		if (other == child)
			to->same++;
		else if (other)
			to->others[to->nr_others++] = other;
	}
}

/* The first index behind the node. */
static u64 frame_end(const struct frame *at)
{
	return at->first + (1ULL << zvm_pm_bits(at->node->level));
}

static void walk(struct frame *stack, u64 first, u64 last, struct zvm_attribution *sum)
{
	int depth = 0;

	while (depth >= 0 && !fatal_signal_pending(current)) {
		struct frame *at = &stack[depth], *to = at + 1;
		struct zvm_pm_node *child;
		unsigned int i;

		if (!at->node->level) {
			add_leaf(sum, at, first, last);
			depth--;
			cond_resched();
			continue;
		}
		if (at->next == ZVM_INNER_SLOTS) {
			depth--;
			continue;
		}
		i = at->next++;
		child = zvm_pm_inner(at->node)->slot[i];
		if (!child)
			continue;
		enter(at, i, child, to);
		if (to->first <= last && frame_end(to) > first)
			depth++;
	}
}

/* The roots of all relatives but @store, each with a reference; their number. */
static size_t get_roots(struct zvm_store *store, struct zvm_pm_node **roots, size_t max)
{
	struct zvm_family *family = store->family;
	struct zvm_store *other, **stores = (struct zvm_store **)roots;
	size_t n = 0, found = 0, i;

	mutex_lock(&family->lock);
	list_for_each_entry(other, &family->stores, relatives) {
		if (other == store || n == max)
			continue;
		/* It leaves the list before its inode goes. */
		ihold(other->inode);
		stores[n++] = other;
	}
	mutex_unlock(&family->lock);

	for (i = 0; i < n; i++) {
		struct inode *inode = stores[i]->inode;

		other = stores[i];
		mutex_lock(&other->lock);
		roots[found] = zvm_pagemap_get_root(&other->pages);
		mutex_unlock(&other->lock);
		if (roots[found])
			found++;
		iput(inode);
		cond_resched();
	}
	return found;
}

/* Walk with the relatives' trees; -ENOMEM: without. */
static int attribute_shared(struct zvm_store *store, u64 first, u64 last,
			    struct zvm_attribution *sum)
{
	size_t max = READ_ONCE(store->family->nr_stores), n, i;
	struct frame stack[ZVM_PM_TOP + 1];
	struct zvm_pm_node **roots, *root;

	/* The roots, and for each level what is in their place. */
	roots = kvmalloc_array(max, (ZVM_PM_TOP + 2) * sizeof(*roots),
			       GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!roots)
		return -ENOMEM;
	n = get_roots(store, roots, max);

	mutex_lock(&store->lock);
	root = store->pages.root;
	if (root) {
		stack[0] = (struct frame){ .node = root, .others = roots + n };
		for (i = 0; i < n; i++) {
			struct zvm_pm_node *other = roots[i];

			while (other && other->level > root->level)
				other = zvm_pm_inner(other)->slot[0];
			if (other == root)
				stack[0].same++;
			else if (other)
				stack[0].others[stack[0].nr_others++] = other;
		}
		walk(stack, first, last, sum);
	}
	mutex_unlock(&store->lock);

	for (i = 0; i < n; i++)
		zvm_pagemap_put_root(roots[i]);
	kvfree(roots);
	return 0;
}

void zvm_store_attribute(struct zvm_store *store, u64 first, u64 last,
			 struct zvm_attribution *sum)
{
	*sum = (struct zvm_attribution){};
	if (zvm_store_has_relatives(store) &&
	    !attribute_shared(store, store->base + first, store->base + last, sum))
		return;
	mutex_lock(&store->lock);
	add(sum, zvm_store_count(store, first, last), 1);
	mutex_unlock(&store->lock);
}
