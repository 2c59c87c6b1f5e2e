// SPDX-License-Identifier: GPL-2.0
/*
 * The children of a region, by address.
 *
 * Every child knows how much room is free before it, and the largest such gap
 * in its subtree: so a gap is found in O(log n). The room after the last child
 * belongs to nobody and is looked at by itself. Pure data structure: the caller
 * holds aspace->lock.
 */
#include <linux/minmax.h>
#include <linux/rbtree_augmented.h>

#include "vmar.h"

static inline u64 node_gap(const struct zvm_vm_node *node)
{
	return node->gap;
}

RB_DECLARE_CALLBACKS_MAX(static, gaps, struct zvm_vm_node, rb, u64, max_gap, node_gap)

#define to_node(ptr) rb_entry(ptr, struct zvm_vm_node, rb)
#define to_node_or_null(ptr) rb_entry_safe(ptr, struct zvm_vm_node, rb)

static inline bool has_gap(const struct rb_node *rb, u64 size)
{
	return rb && to_node(rb)->max_gap >= size;
}

void zvm_tree_insert(struct zvm_vmar *vmar, struct zvm_vm_node *node,
		     struct zvm_vm_node *next)
{
	struct rb_node *prev;
	u64 prev_end;

	if (next && !next->rb.rb_left) {
		prev_end = next->base - next->gap;
		rb_link_node(&node->rb, &next->rb, &next->rb.rb_left);
	} else {
		/* In a tree, what precedes a left child or nothing has no right one. */
		prev = next ? rb_prev(&next->rb) : rb_last(&vmar->children);
		prev_end = prev ? zvm_node_end(to_node(prev)) : vmar->node.base;
		rb_link_node(&node->rb, prev,
			     prev ? &prev->rb_right : &vmar->children.rb_node);
	}
	node->parent = vmar;
	node->gap = node->base - prev_end;
	node->max_gap = 0;
	if (next)
		next->gap = next->base - zvm_node_end(node);
	gaps_propagate(&node->rb, NULL);
	if (next)
		gaps_propagate(&next->rb, NULL);
	rb_insert_augmented(&node->rb, &vmar->children, &gaps);
}

void zvm_tree_erase(struct zvm_vm_node *node)
{
	struct zvm_vm_node *next = zvm_tree_next(node);

	rb_erase_augmented(&node->rb, &node->parent->children, &gaps);
	if (next) {
		next->gap += node->gap + node->size;
		gaps_propagate(&next->rb, NULL);
	}
	node->parent = NULL;
}

void zvm_tree_resize(struct zvm_vm_node *node, u64 base, u64 size)
{
	struct zvm_vm_node *next = zvm_tree_next(node);

	node->gap += base - node->base;
	if (next) {
		next->gap = next->base - (base + size);
		gaps_propagate(&next->rb, NULL);
	}
	node->base = base;
	node->size = size;
	gaps_propagate(&node->rb, NULL);
}

struct zvm_vm_node *zvm_tree_first(const struct zvm_vmar *vmar, u64 addr)
{
	struct rb_node *rb = vmar->children.rb_node;
	struct zvm_vm_node *best = NULL;

	while (rb) {
		struct zvm_vm_node *node = to_node(rb);

		if (zvm_node_end(node) > addr) {
			best = node;
			if (node->base <= addr)
				break;
			rb = rb->rb_left;
		} else {
			rb = rb->rb_right;
		}
	}
	return best;
}

struct zvm_vm_node *zvm_tree_next(const struct zvm_vm_node *node)
{
	return to_node_or_null(rb_next(&node->rb));
}

struct zvm_vm_node *zvm_tree_prev(const struct zvm_vm_node *node)
{
	return to_node_or_null(rb_prev(&node->rb));
}

/* The first node of the subtree that has such a gap; there is one. */
static struct zvm_vm_node *first_with_gap(struct rb_node *rb, u64 size)
{
	for (;;) {
		if (has_gap(rb->rb_left, size)) {
			rb = rb->rb_left;
			continue;
		}
		if (to_node(rb)->gap >= size)
			return to_node(rb);
		rb = rb->rb_right;
	}
}

/* The first node after @node that has such a gap. */
static struct zvm_vm_node *next_with_gap(const struct zvm_vm_node *node, u64 size)
{
	const struct rb_node *rb = &node->rb;
	struct rb_node *parent;

	if (has_gap(rb->rb_right, size))
		return first_with_gap(rb->rb_right, size);
	for (; (parent = rb_parent(rb)); rb = parent) {
		if (rb == parent->rb_right)
			continue;
		if (to_node(parent)->gap >= size)
			return to_node(parent);
		if (has_gap(parent->rb_right, size))
			return first_with_gap(parent->rb_right, size);
	}
	return NULL;
}

bool zvm_tree_gap(const struct zvm_vmar *vmar, u64 from, u64 size, struct zvm_gap *gap)
{
	struct rb_node *rb = vmar->children.rb_node;
	struct zvm_vm_node *node = NULL;

	/* Only the gap before the first node after @from can lose room by it. */
	if (has_gap(rb, size)) {
		while (rb) {
			if (to_node(rb)->base > from) {
				node = to_node(rb);
				rb = rb->rb_left;
			} else {
				rb = rb->rb_right;
			}
		}
		if (node && node->base - max(node->base - node->gap, from) < size)
			node = next_with_gap(node, size);
	}
	if (node) {
		gap->start = max(node->base - node->gap, from);
		gap->end = node->base;
	} else {
		rb = rb_last(&vmar->children);
		gap->start = max(rb ? zvm_node_end(to_node(rb)) : vmar->node.base, from);
		gap->end = zvm_node_end(&vmar->node);
		if (gap->start > gap->end || gap->end - gap->start < size)
			return false;
	}
	gap->next = node;
	return true;
}
