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

void zvm_tree_init(struct zvm_vmar *vmar)
{
	vmar->children = RB_ROOT;
	vmar->last = NULL;
	vmar->cursor = vmar->node.base + zvm_random_offset(vmar->node.size - PAGE_SIZE);
	vmar->packed = vmar->cursor;
}

/* Room is used: more may be packed. */
static void pack(struct zvm_vmar *vmar, u64 start, u64 end)
{
	if (start <= vmar->packed && end > vmar->packed)
		vmar->packed = end;
}

/* Room becomes free: less may be packed. */
static void unpack(struct zvm_vmar *vmar, u64 start, u64 end)
{
	if (start < vmar->packed && end > vmar->cursor)
		vmar->packed = max(start, vmar->cursor);
}

void zvm_tree_insert(struct zvm_vmar *vmar, struct zvm_vm_node *node,
		     struct zvm_vm_node *next)
{
	u64 end = zvm_node_end(node);
	struct rb_node *prev;

	node->parent = vmar;
	node->max_gap = 0;
	if (next && !next->rb.rb_left) {
		node->gap = next->gap - (next->base - node->base);
		rb_link_node(&node->rb, &next->rb, &next->rb.rb_left);
	} else if (vmar->last) {
		/* What precedes a node that has a left child has no right one. */
		prev = next ? rb_prev(&next->rb) : &vmar->last->rb;
		node->gap = node->base - zvm_node_end(to_node(prev));
		rb_link_node(&node->rb, prev, &prev->rb_right);
	} else {
		node->gap = node->base - vmar->node.base;
		rb_link_node(&node->rb, NULL, &vmar->children.rb_node);
	}
	if (next)
		next->gap = next->base - end;
	else
		vmar->last = node;

	gaps_propagate(&node->rb, NULL);
	if (next)
		gaps_propagate(&next->rb, NULL);
	rb_insert_augmented(&node->rb, &vmar->children, &gaps);

	pack(vmar, node->base, end);
}

void zvm_tree_erase(struct zvm_vm_node *node, struct zvm_vm_node *next)
{
	struct zvm_vmar *vmar = node->parent;

	unpack(vmar, node->base, zvm_node_end(node));
	if (!next)
		vmar->last = zvm_tree_prev(node);
	rb_erase_augmented(&node->rb, &vmar->children, &gaps);
	if (next) {
		next->gap += node->gap + node->size;
		gaps_propagate(&next->rb, NULL);
	}
	node->parent = NULL;
}

void zvm_tree_resize(struct zvm_vm_node *node, u64 base, u64 size)
{
	struct zvm_vm_node *next = zvm_tree_next(node);
	u64 end = base + size;

	if (base > node->base)
		unpack(node->parent, node->base, base);
	if (end < zvm_node_end(node))
		unpack(node->parent, end, zvm_node_end(node));
	node->gap += base - node->base;
	if (next) {
		next->gap = next->base - end;
		gaps_propagate(&next->rb, NULL);
	}
	node->base = base;
	node->size = size;
	gaps_propagate(&node->rb, NULL);
	pack(node->parent, base, end);
}

struct zvm_vm_node *zvm_tree_first(const struct zvm_vmar *vmar, u64 addr)
{
	struct zvm_vm_node *best = vmar->last;
	struct rb_node *rb;

	/* The end is where new mappings mostly are, and go away from. */
	if (!best || zvm_node_end(best) <= addr)
		return NULL;
	if (best->base <= addr)
		return best;

	rb = vmar->children.rb_node;
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

/* The first child that begins after @addr. */
static struct zvm_vm_node *first_after(const struct zvm_vmar *vmar, u64 addr)
{
	struct rb_node *rb = vmar->children.rb_node;
	struct zvm_vm_node *best = NULL;

	while (rb) {
		if (to_node(rb)->base > addr) {
			best = to_node(rb);
			rb = rb->rb_left;
		} else {
			rb = rb->rb_right;
		}
	}
	return best;
}

bool zvm_tree_gap(const struct zvm_vmar *vmar, u64 from, u64 size, struct zvm_gap *gap)
{
	u64 last_end = vmar->last ? zvm_node_end(vmar->last) : vmar->node.base;
	struct zvm_vm_node *node = NULL;

	if (from < last_end && has_gap(vmar->children.rb_node, size)) {
		/* Only the gap before this node can lose room by @from. */
		node = first_after(vmar, from);
		if (node && node->base - max(node->base - node->gap, from) < size)
			node = next_with_gap(node, size);
	}
	gap->next = node;
	if (node) {
		gap->start = max(node->base - node->gap, from);
		gap->end = node->base;
		return true;
	}
	gap->start = max(last_end, from);
	gap->end = zvm_node_end(&vmar->node);
	return gap->start <= gap->end && gap->end - gap->start >= size;
}
