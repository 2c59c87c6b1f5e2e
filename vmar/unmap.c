// SPDX-License-Identifier: GPL-2.0
/*
 * Taking mappings away: all of a range, or one that could not be completed.
 */
#include "../zvm_trace.h"
#include "vmar.h"

static void plan_zap(struct zvm_unmap *plan, const struct zvm_step *step)
{
	if (plan->zap_start == plan->zap_end)
		plan->zap_start = step->start;
	plan->zap_end = step->end;
}

int zvm_unmap_plan_locked(struct zvm_vmar *vmar, u64 addr, u64 len, bool regions,
			  struct zvm_unmap *plan)
{
	struct zvm_steps steps;
	struct zvm_step step;

	zvm_steps_begin(&steps, vmar, addr, len, false);
	plan->steps = steps;
	plan->splits = 0;
	plan->tail = NULL;
	plan->zap_start = 0;
	plan->zap_end = 0;

	while (zvm_steps_next(&steps, &step)) {
		if (!step.node)
			continue;
		if (step.node->is_region) {
			if (!regions || step.keep_left || step.keep_right)
				return -EINVAL;
			/* It will remove its PTEs itself. */
		} else {
			if (node_mapping(step.node)->touched)
				plan_zap(plan, &step);
			if (step.keep_right)
				plan->tail = node_mapping(step.node);
			if (step.keep_left && step.keep_right)
				plan->splits = 1;
		}
		cond_resched();
	}
	if (!plan->tail && steps.next && steps.next->base == steps.end && !steps.next->is_region)
		plan->tail = node_mapping(steps.next);
	return 0;
}

void zvm_unmap_do_locked(struct zvm_vmar *vmar, const struct zvm_unmap *plan,
			 struct zvm_spares *spares, struct zvm_dead *dead)
{
	struct zvm_steps steps = plan->steps;
	struct zvm_step step;

	zvm_aspace_assert_write(vmar->aspace);
	if (plan->zap_start != plan->zap_end)
		zvm_arena_zap(vmar->aspace, plan->zap_start, plan->zap_end - plan->zap_start);

	/* First, so that the count of mappings is never too low. */
	if (plan->tail && !plan->splits)
		zvm_mapping_unjoin_locked(plan->tail);

	while (zvm_steps_next(&steps, &step)) {
		struct zvm_vm_node *node = step.node;
		struct zvm_mapping *piece, *rest;

		if (!node)
			continue;
		cond_resched();
		if (node->is_region) {
			zvm_tree_erase(node, steps.next);
			zvm_vmar_kill_locked(node_vmar(node), dead);
			continue;
		}
		piece = node_mapping(node);
		if (step.keep_left && step.keep_right) {
			rest = spares->piece[--spares->count];
			zvm_mapping_split_locked(piece, step.end, rest);
			zvm_mapping_unjoin_locked(rest);
		}
		if (step.keep_left) {
			zvm_mapping_trim_locked(piece, node->base, step.start);
		} else if (step.keep_right) {
			zvm_mapping_trim_locked(piece, step.end, zvm_node_end(node));
		} else {
			zvm_mapping_remove_locked(piece, steps.next);
			zvm_dead_add(dead, node);
		}
	}
}

static int check_locked(const struct zvm_vmar *vmar, u64 addr, u64 len)
{
	if (vmar->dead)
		return -EBADFD;
	return zvm_vmar_contains(vmar, addr, len) ? 0 : -EINVAL;
}

/* Whatever is there. Not inlined, for the sake of its callers' stack. */
static noinline int unmap_parts(struct zvm_vmar *vmar, u64 addr, u64 len, bool regions)
{
	struct zvm_aspace *aspace = vmar->aspace;
	struct zvm_spares spares = {};
	struct zvm_unmap plan;
	struct zvm_dead dead;
	int err;

	zvm_dead_init(&dead);
again:
	err = -EINTR;
	if (down_write_killable(&aspace->lock))
		goto free;
	err = check_locked(vmar, addr, len);
	if (!err)
		err = zvm_unmap_plan_locked(vmar, addr, len, regions, &plan);
	if (err) {
		up_write(&aspace->lock);
		goto free;
	}
	if (plan.splits > spares.count) {
		up_write(&aspace->lock);
		err = zvm_spares_fill(&spares, aspace, plan.splits);
		if (err)
			goto free;
		goto again;
	}
	zvm_unmap_do_locked(vmar, &plan, &spares, &dead);
	up_write(&aspace->lock);

	trace_vmar_unmap(vmar->obj.koid, addr, len);
	zvm_dead_free(&dead);
	zvm_arena_trim(aspace, addr, len);
free:
	zvm_spares_free(&spares);
	return err;
}

static void remove_whole_locked(struct zvm_mapping *piece)
{
	struct zvm_vm_node *node = &piece->node;
	struct zvm_vm_node *next = zvm_tree_next(node);

	zvm_aspace_assert_write(piece->aspace);
	if (piece->touched)
		zvm_arena_zap(piece->aspace, node->base, node->size);
	if (next && !next->is_region && node_mapping(next)->joined)
		zvm_mapping_unjoin_locked(node_mapping(next));
	zvm_mapping_remove_locked(piece, next);
}

int zvm_vmar_unmap(struct zvm_vmar *vmar, u64 addr, u64 len, bool regions)
{
	struct zvm_aspace *aspace = vmar->aspace;
	struct zvm_mapping *piece = NULL;
	bool trim;
	int err;

	/* What is mapped is mostly unmapped as it is: worth a short way. */
	if (down_write_killable(&aspace->lock))
		return -EINTR;
	err = check_locked(vmar, addr, len);
	if (!err)
		piece = zvm_mapping_find_whole(vmar, addr, len);
	if (piece)
		remove_whole_locked(piece);
	up_write(&aspace->lock);
	if (err)
		return err;
	if (!piece)
		return unmap_parts(vmar, addr, len, regions);

	trace_vmar_unmap(vmar->obj.koid, addr, len);
	/* Page tables or an executable VMA may have come into being for it. */
	trim = piece->touched || piece->max_prot & ZX_VM_PERM_EXECUTE;
	zvm_mapping_free(piece);
	if (trim)
		zvm_arena_trim(aspace, addr, len);
	return 0;
}

void zvm_vmar_undo_map(struct zvm_vmar *vmar, const struct zvm_map *map)
{
	struct zvm_aspace *aspace = vmar->aspace;
	struct zvm_steps steps;
	struct zvm_step step;
	struct zvm_dead dead;

	zvm_dead_init(&dead);
	down_write(&aspace->lock);
	if (vmar->dead)
		goto unlock;
	/* Whoever else has got the addresses by now loses PTEs, which come back. */
	zvm_arena_zap(aspace, map->addr, map->size);
	zvm_steps_begin(&steps, vmar, map->addr, map->size, false);
	while (zvm_steps_next(&steps, &step)) {
		if (!step.node || step.node->is_region ||
		    node_mapping(step.node)->id != map->id)
			continue;
		zvm_mapping_remove_locked(node_mapping(step.node), steps.next);
		zvm_dead_add(&dead, step.node);
		cond_resched();
	}
unlock:
	up_write(&aspace->lock);
	zvm_dead_free(&dead);
	zvm_arena_trim(aspace, map->addr, map->size);
}
