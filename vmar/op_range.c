// SPDX-License-Identifier: GPL-2.0
/*
 * zx_vmar_op_range(): a VMO operation for whatever is mapped in a range.
 *
 * The VMOs are worked on one after the other with no lock of the tree held, so
 * each mapping is taken as it is when its turn comes.
 */
#include <linux/sched/signal.h>

#include "vmar.h"

/* May the mapping be worked on? */
static int check_locked(const struct zvm_vmar *vmar, const struct zvm_mapping *piece,
			const struct zvm_part *part, u32 op, bool children)
{
	bool inside = piece->node.parent != vmar;
	u8 need = 0;

	switch (op) {
	case ZX_VMAR_OP_COMMIT:
	case ZX_VMAR_OP_DECOMMIT:
		if (inside)
			return -EINVAL;
		need = ZX_VM_PERM_WRITE;
		break;
	case ZX_VMAR_OP_PREFETCH:
		if (inside)
			return -EINVAL;
		need = ZX_VM_PERM_READ;
		break;
	case ZX_VMAR_OP_ZERO:
		need = ZX_VM_PERM_WRITE;
		break;
	}
	if (inside && !children)
		return -EINVAL;
	if (piece->beyond_stream &&
	    part->offset + part->len > PAGE_ALIGN(zvm_vmo_stream_size(part->vmo)))
		return -ERANGE;
	return (piece->max_prot & need) == need ? 0 : -EACCES;
}

struct zvm_mapping *zvm_part_find_locked(const struct zvm_vmar *vmar, u64 addr, u64 end,
					 struct zvm_part *part)
{
	struct zvm_mapping *piece;
	struct zvm_steps steps;
	struct zvm_step step;

	zvm_steps_begin(&steps, vmar, addr, end - addr, true);
	zvm_steps_next(&steps, &step);
	if (!step.node)
		return NULL;
	piece = node_mapping(step.node);
	part->vmo = piece->vmo;
	part->offset = zvm_mapping_vmo_offset(piece) + (addr - piece->node.base);
	part->addr = addr;

	/* Pieces with permissions of their own are still the same mapping. */
	do {
		part->len = step.end - addr;
		cond_resched();
	} while (zvm_steps_next(&steps, &step) && step.node && node_mapping(step.node)->joined);
	return piece;
}

static int find_locked(const struct zvm_vmar *vmar, u64 addr, u64 end, u32 op,
		       bool children, struct zvm_part *part)
{
	struct zvm_mapping *piece;
	int err;

	if (vmar->dead)
		return -EBADFD;
	piece = zvm_part_find_locked(vmar, addr, end, part);
	if (!piece)
		return -EBADFD;
	err = check_locked(vmar, piece, part, op, children);
	if (!err)
		zvm_object_get(&part->vmo->obj);
	return err;
}

static int do_part(struct zvm_aspace *aspace, const struct zvm_part *part, u32 op)
{
	bool populate = false;
	int err = 0;

	switch (op) {
	case ZX_VMAR_OP_COMMIT:
		err = zvm_vmo_commit(part->vmo, part->offset, part->len);
		populate = true;
		break;
	case ZX_VMAR_OP_DECOMMIT:
		err = zvm_vmo_decommit(part->vmo, part->offset, part->len);
		break;
	case ZX_VMAR_OP_ZERO:
		err = zvm_vmo_zero(part->vmo, part->offset, part->len);
		break;
	case ZX_VMAR_OP_PREFETCH:
		err = zvm_vmo_prefetch(part->vmo, part->offset, part->len);
		populate = true;
		break;
	case ZX_VMAR_OP_ALWAYS_NEED:
		/* As a hint to the VMO it says nothing while no VMO has a pager. */
	case ZX_VMAR_OP_MAP_RANGE:
		populate = true;
		break;
	case ZX_VMAR_OP_DONT_NEED:
		break;
	}
	if (!err && populate)
		zvm_arena_populate(aspace, part->addr, part->len);
	return err;
}

int zvm_vmar_op_range(struct zvm_vmar *vmar, u32 op, u64 addr, u64 len, bool children)
{
	struct zvm_aspace *aspace = vmar->aspace;
	u64 end = addr + len;
	struct zvm_part part;
	int err;

	if (!zvm_vmar_contains(vmar, addr, len))
		return -ERANGE;
	do {
		if (down_read_killable(&aspace->lock))
			return -EINTR;
		err = find_locked(vmar, addr, end, op, children, &part);
		up_read(&aspace->lock);
		if (err)
			return err;
		err = do_part(aspace, &part, op);
		zvm_object_put(&part.vmo->obj);
		if (err)
			return err;
		addr += part.len;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	} while (addr < end);
	return 0;
}
