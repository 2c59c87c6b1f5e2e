// SPDX-License-Identifier: GPL-2.0
/*
 * ZX_INFO_VMAR_MAPS: all that is in a region, each region before what is in it.
 *
 * That is the order of (address, depth), which tells where to go on when the
 * lock was dropped to copy to the user: what changes meanwhile may be missed,
 * but nothing is told twice.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vmar.h"

/* Records made, or nodes just counted, in one go under the lock. */
#define RECORDS_AT_ONCE	32
#define NODES_AT_ONCE	4096

/**
 * struct place - of a node
 * @node: NULL: none is left
 * @depth: below the region that is looked at
 */
struct place {
	struct zvm_vm_node *node;
	u64 depth;
};

/* The node after @node, which is at @depth, and all that is in it. */
static struct place after_locked(const struct zvm_vmar *top, struct zvm_vm_node *node, u64 depth)
{
	while (node != &top->node) {
		struct zvm_vm_node *next = zvm_tree_next(node);

		if (next)
			return (struct place){ next, depth };
		node = &node->parent->node;
		depth--;
	}
	return (struct place){};
}

static struct place next_locked(const struct zvm_vmar *top, struct place place)
{
	struct rb_node *rb;

	if (place.node->is_region) {
		rb = rb_first(&node_vmar(place.node)->children);
		if (rb)
			return (struct place){ rb_entry(rb, struct zvm_vm_node, rb),
					       place.depth + 1 };
	}
	return after_locked(top, place.node, place.depth);
}

/* The first node behind (base, depth). */
static struct place resume_locked(struct zvm_vmar *top, u64 base, u64 depth)
{
	struct zvm_vm_node *node = &top->node;
	u64 d = 0;

	for (;;) {
		struct zvm_vm_node *child = zvm_tree_first(node_vmar(node), base);

		if (!child)
			return after_locked(top, node, d);
		d++;
		if (child->base > base || (child->base == base && d > depth))
			return (struct place){ child, d };
		if (!child->is_region)
			return after_locked(top, child, d);
		node = child;
	}
}

static void fill_locked(struct zx_info_maps *record, struct place place)
{
	struct zvm_vm_node *node = place.node;

	memset(record, 0, sizeof(*record));
	record->base = node->base;
	record->size = node->size;
	record->depth = place.depth;
	if (node->is_region) {
		record->type = ZX_INFO_MAPS_TYPE_VMAR;
		zvm_object_get_name(&node_vmar(node)->obj, record->name);
	} else {
		struct zvm_mapping *piece = node_mapping(node);
		u64 offset = zvm_mapping_vmo_offset(piece);

		record->type = ZX_INFO_MAPS_TYPE_MAPPING;
		zvm_object_get_name(&piece->vmo->obj, record->name);
		zvm_vmo_fill_mapping_info(piece->vmo, offset, node->size, &record->mapping);
		record->mapping.mmu_flags = piece->prot;
		record->mapping.vmo_koid = piece->vmo->obj.koid;
		record->mapping.vmo_offset = offset;
	}
}

int zvm_vmar_info_maps(struct zvm_vmar *vmar, void __user *buffer, u64 buffer_size,
		       u64 *actual, u64 *avail)
{
	struct zx_info_maps __user *out = buffer;
	u64 room = buffer_size / sizeof(*out);
	struct zx_info_maps *records = NULL;
	struct place place = {};
	u64 base = 0, depth = 0;
	u64 count = 0;
	int err = 0;

	if (room) {
		records = kvmalloc_array(min_t(u64, room, RECORDS_AT_ONCE), sizeof(*records),
					 GFP_KERNEL_ACCOUNT);
		if (!records)
			return -ENOMEM;
	}
	do {
		unsigned int max = count < room ? min_t(u64, room - count, RECORDS_AT_ONCE) :
						  NODES_AT_ONCE;
		bool wanted = count < room;
		unsigned int n = 0;

		err = -EINTR;
		if (down_read_killable(&vmar->aspace->lock))
			break;
		err = -EBADFD;
		if (vmar->dead) {
			up_read(&vmar->aspace->lock);
			break;
		}
		if (count)
			place = resume_locked(vmar, base, depth);
		else
			place.node = &vmar->node;
		while (place.node && n < max) {
			if (wanted)
				fill_locked(&records[n], place);
			base = place.node->base;
			depth = place.depth;
			n++;
			place = next_locked(vmar, place);
		}
		up_read(&vmar->aspace->lock);

		err = -EFAULT;
		if (wanted && copy_to_user(out + count, records, n * sizeof(*records)))
			break;
		count += n;
		err = -EINTR;
		if (fatal_signal_pending(current))
			break;
		cond_resched();
		err = 0;
	} while (place.node);
	kvfree(records);

	*avail = count;
	*actual = min(count, room);
	return err;
}
