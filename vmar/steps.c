// SPDX-License-Identifier: GPL-2.0
/*
 * What a range of addresses means for what lies in it.
 *
 * A range is cut into steps: holes, and children of which a part or all is in
 * the range. Only the first can stick out on the left and only the last on the
 * right, so two splits are the most that a range ever needs.
 *
 * With @enter, child regions are not steps: what is in them is, in the order of
 * addresses, and their empty room is a hole like any other.
 *
 * Nothing is changed here. The walk stands on the child after the last step, so
 * the caller may take out the child of that step.
 */
#include "vmar.h"

/* The node after @node in the region of the walk, or above it. */
static struct zvm_vm_node *after(const struct zvm_steps *steps, struct zvm_vm_node *node)
{
	for (;;) {
		struct zvm_vm_node *next = zvm_tree_next(node);

		if (next || node->parent == steps->vmar)
			return next;
		node = &node->parent->node;
	}
}

/* From a node at or after @at: that, or if it is to be entered, what is in it. */
static struct zvm_vm_node *enter(const struct zvm_steps *steps, struct zvm_vm_node *node, u64 at)
{
	while (node && steps->enter && node->is_region && node->base < steps->end) {
		struct zvm_vm_node *child = zvm_tree_first(node_vmar(node), at);

		node = child ? child : after(steps, node);
	}
	return node;
}

void zvm_steps_begin(struct zvm_steps *steps, const struct zvm_vmar *vmar,
		     u64 addr, u64 len, bool enter_regions)
{
	lockdep_assert_held(&vmar->aspace->lock);
	steps->vmar = vmar;
	steps->at = addr;
	steps->end = addr + len;
	steps->enter = enter_regions;
	steps->next = enter(steps, zvm_tree_first(vmar, addr), addr);
}

bool zvm_steps_next(struct zvm_steps *steps, struct zvm_step *step)
{
	struct zvm_vm_node *node = steps->next;

	lockdep_assert_held(&steps->vmar->aspace->lock);
	if (steps->at >= steps->end)
		return false;

	step->start = steps->at;
	if (!node || node->base > steps->at) {
		step->node = NULL;
		step->end = node ? min(node->base, steps->end) : steps->end;
		step->keep_left = false;
		step->keep_right = false;
	} else {
		step->node = node;
		step->end = min(zvm_node_end(node), steps->end);
		step->keep_left = node->base < step->start;
		step->keep_right = zvm_node_end(node) > step->end;
		if (!step->keep_right)
			steps->next = enter(steps, after(steps, node), step->end);
	}
	steps->at = step->end;
	return true;
}
