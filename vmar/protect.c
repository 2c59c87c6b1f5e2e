// SPDX-License-Identifier: GPL-2.0
/*
 * Changing permissions.
 *
 * A piece has one permission, so changing part of it cuts it; what comes out
 * equal to its neighbour again is put together again. To the user it stays one
 * mapping throughout.
 */
#include "../arch/aspace.h"
#include "../zvm_trace.h"
#include "vmar.h"

/**
 * struct protect_plan - what protecting a range will do
 * @steps: the walk, at its begin
 * @splits: new pieces needed
 * @exec: some of it becomes executable
 */
struct protect_plan {
	struct zvm_steps steps;
	unsigned int splits;
	bool exec;
};

/* The part of the range whose PTEs are to be changed. */
struct extent {
	u64 start;
	u64 end;
};

static void extend(struct extent *extent, const struct zvm_step *step)
{
	if (extent->start == extent->end)
		extent->start = step->start;
	extent->end = step->end;
}

static int plan_locked(const struct zvm_vmar *vmar, u64 addr, u64 len, u8 prot,
		       bool children, struct protect_plan *plan)
{
	struct zvm_steps steps;
	struct zvm_step step;

	if (vmar->dead)
		return -EBADFD;
	if (!zvm_vmar_contains(vmar, addr, len))
		return -EINVAL;

	zvm_steps_begin(&steps, vmar, addr, len, true);
	plan->steps = steps;
	plan->splits = 0;
	plan->exec = false;
	while (zvm_steps_next(&steps, &step)) {
		struct zvm_mapping *piece;

		if (!step.node)
			return -ENOENT;
		piece = node_mapping(step.node);
		if (prot & ~piece->max_prot)
			return -EACCES;
		if (piece->node.parent != vmar) {
			if (!children)
				return -EINVAL;
			/* An ancestor may take permissions away, not give them. */
			if (prot & ~piece->prot)
				return -EACCES;
		}
		if (prot != piece->prot)
			plan->splits += step.keep_left + step.keep_right;
		if (prot & ~piece->prot & ZX_VM_PERM_EXECUTE)
			plan->exec = true;
		cond_resched();
	}
	/* Only the owner can make its arena executable. */
	if (prot & ZX_VM_PERM_EXECUTE && !zvm_aspace_may_exec(vmar->aspace))
		return -EOPNOTSUPP;
	return 0;
}

/* Give the part of a piece that the step means its permissions. */
static struct zvm_mapping *change_locked(const struct zvm_step *step, u8 prot,
					 struct zvm_spares *spares)
{
	struct zvm_mapping *piece = node_mapping(step->node);

	if (step->keep_left) {
		struct zvm_mapping *rest = spares->piece[--spares->count];

		zvm_mapping_split_locked(piece, step->start, rest);
		piece = rest;
	}
	if (step->keep_right)
		zvm_mapping_split_locked(piece, step->end, spares->piece[--spares->count]);
	zvm_mapping_set_prot_locked(piece, prot);
	return piece;
}

/* Put @rest together with the piece before it if nothing tells them apart. */
static struct zvm_mapping *merge_locked(struct zvm_mapping *rest, struct zvm_dead *dead)
{
	struct zvm_mapping *piece;

	if (!rest->joined)
		return rest;
	piece = node_mapping(zvm_tree_prev(&rest->node));
	if (piece->prot != rest->prot)
		return rest;
	zvm_mapping_merge_locked(piece, rest);
	zvm_dead_add(dead, &rest->node);
	return piece;
}

static void apply_locked(struct zvm_vmar *vmar, const struct protect_plan *plan, u8 prot,
			 struct zvm_spares *spares, struct zvm_dead *dead)
{
	struct zvm_steps steps = plan->steps;
	struct extent zap = {}, wrprotect = {};
	struct zvm_mapping *piece = NULL;
	struct zvm_vm_node *next;
	struct zvm_step step;

	while (zvm_steps_next(&steps, &step)) {
		u8 lost, gained;

		piece = node_mapping(step.node);
		lost = piece->prot & ~prot;
		gained = prot & ~piece->prot;
		if (piece->touched) {
			/*
			 * A PTE that forbids execution must go for an execution
			 * to be noticed; any that is allowed more than before
			 * can stay as it is, and learns of it in a fault.
			 */
			if (lost & (ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE) ||
			    gained & ZX_VM_PERM_EXECUTE || (lost && piece->huge))
				extend(&zap, &step);
			else if (lost & ZX_VM_PERM_WRITE)
				extend(&wrprotect, &step);
		}
		if (lost | gained)
			piece = change_locked(&step, prot, spares);
		piece = merge_locked(piece, dead);
		cond_resched();
	}
	next = zvm_tree_next(&piece->node);
	if (next && !next->is_region)
		merge_locked(node_mapping(next), dead);

	if (zap.start != zap.end)
		zvm_arena_zap(vmar->aspace, zap.start, zap.end - zap.start);
	if (wrprotect.start != wrprotect.end)
		zvm_arena_wrprotect(vmar->aspace, wrprotect.start,
				    wrprotect.end - wrprotect.start);
}

/*
 * A mapping in one piece that is protected as a whole, and not about execution:
 * the one that is to be fast. False: look at it the long way.
 */
static bool protect_whole_locked(struct zvm_vmar *vmar, u64 addr, u64 len, u8 prot)
{
	struct zvm_mapping *piece;
	struct zvm_vm_node *next;
	u8 lost;

	zvm_aspace_assert_write(vmar->aspace);
	if (vmar->dead || !zvm_vmar_contains(vmar, addr, len))
		return false;
	piece = zvm_mapping_find_whole(vmar, addr, len);
	if (!piece || piece->joined || prot & ~piece->max_prot ||
	    (prot | piece->prot) & ZX_VM_PERM_EXECUTE)
		return false;
	next = zvm_tree_next(&piece->node);
	if (next && !next->is_region && node_mapping(next)->joined)
		return false;

	lost = piece->prot & ~prot;
	zvm_mapping_set_prot_locked(piece, prot);
	if (piece->touched && (lost & ZX_VM_PERM_READ || (lost && piece->huge)))
		zvm_arena_zap(vmar->aspace, addr, len);
	else if (piece->touched && lost)
		zvm_arena_wrprotect(vmar->aspace, addr, len);
	return true;
}

static noinline int protect_parts(struct zvm_vmar *vmar, u64 addr, u64 len, u8 prot, bool children)
{
	struct zvm_aspace *aspace = vmar->aspace;
	struct zvm_spares spares = {};
	struct protect_plan plan;
	bool exec_allowed = false;
	struct zvm_dead dead;
	int err;

	zvm_dead_init(&dead);
again:
	err = -EINTR;
	if (down_write_killable(&aspace->lock))
		goto free;
	err = plan_locked(vmar, addr, len, prot, children, &plan);
	if (err) {
		up_write(&aspace->lock);
		goto free;
	}
	/* What wants to be made without the lock is made, then it is looked again. */
	if (plan.exec && !exec_allowed) {
		up_write(&aspace->lock);
		err = zvm_arena_allow_exec(aspace, addr, len);
		if (err)
			goto free;
		exec_allowed = true;
		goto again;
	}
	if (plan.splits > spares.count) {
		up_write(&aspace->lock);
		err = zvm_spares_fill(&spares, aspace, plan.splits);
		if (err)
			goto free;
		goto again;
	}
	apply_locked(vmar, &plan, prot, &spares, &dead);
	up_write(&aspace->lock);

	/* Whoever has unmapped something there meanwhile may have taken it back. */
	if (plan.exec)
		zvm_arena_allow_exec(aspace, addr, len);
	else if (zvm_arch_exec_by_vma)
		zvm_arena_forbid_exec(aspace, addr, len);
	zvm_dead_free(&dead);
free:
	/* Nothing may need it after all. */
	if (err && exec_allowed)
		zvm_arena_trim(aspace, addr, len);
	zvm_spares_free(&spares);
	return err;
}

int zvm_vmar_protect(struct zvm_vmar *vmar, u64 addr, u64 len, u8 prot, bool children)
{
	bool done;
	int err;

	if (down_write_killable(&vmar->aspace->lock))
		return -EINTR;
	done = protect_whole_locked(vmar, addr, len, prot);
	up_write(&vmar->aspace->lock);
	err = done ? 0 : protect_parts(vmar, addr, len, prot, children);
	if (!err)
		trace_vmar_protect(vmar->obj.koid, addr, len, prot);
	return err;
}
