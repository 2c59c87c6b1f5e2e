// SPDX-License-Identifier: GPL-2.0
/*
 * ZX_INFO_VMAR_MAPS: all that is in a region, each region before what is in it; and
 * the same of a whole process, or of the VMOs mapped in it.
 *
 * That is the order of (address, depth), which tells where to go on when the
 * lock was dropped to copy to the user: what changes meanwhile may be missed,
 * but nothing is told twice.
 *
 * What takes long is to find out how many pages there are, and who shares them: that
 * is done without the lock, of VMOs whose memory is pinned.
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

/* All that the tree knows; returns the VMO that knows the rest, or NULL. */
static struct zvm_vmo *fill_maps_locked(struct zx_info_maps *record, struct place place,
					unsigned int below)
{
	struct zvm_vm_node *node = place.node;
	struct zvm_mapping *piece;

	memset(record, 0, sizeof(*record));
	record->base = node->base;
	record->size = node->size;
	record->depth = place.depth + below;
	if (node->is_region) {
		record->type = ZX_INFO_MAPS_TYPE_VMAR;
		zvm_object_get_name(&node_vmar(node)->obj, record->name);
		return NULL;
	}
	piece = node_mapping(node);
	record->type = ZX_INFO_MAPS_TYPE_MAPPING;
	zvm_object_get_name(&piece->vmo->obj, record->name);
	record->mapping.mmu_flags = piece->prot;
	record->mapping.vmo_koid = piece->vmo->obj.koid;
	record->mapping.vmo_offset = zvm_mapping_vmo_offset(piece);
	return piece->vmo;
}

/**
 * struct walk - what is asked, and how far the answer is
 * @vmar: the region
 * @vmos: about the VMOs of the mappings; else about all nodes
 * @below: added to their depths
 * @size: bytes of a record
 * @records: room for what is made in one go, or NULL
 * @pinned: for each of them, the VMO that it is still to be filled from, or NULL
 * @started: some node has been passed, the last of them ...
 * @base: ... at this address ...
 * @depth: ... and depth
 */
struct walk {
	struct zvm_vmar *vmar;
	bool vmos;
	unsigned int below;
	size_t size;
	void *records;
	struct zvm_vmo *pinned[RECORDS_AT_ONCE];
	bool started;
	u64 base;
	u64 depth;
};

/* Begin the record of the place, number @n of those made in one go. */
static void begin_locked(struct walk *walk, unsigned int n, struct place place)
{
	struct zvm_vmo *vmo;

	if (walk->vmos)
		vmo = node_mapping(place.node)->vmo;
	else
		vmo = fill_maps_locked(walk->records + n * walk->size, place, walk->below);
	if (vmo)
		zvm_object_pin(&vmo->obj);
	walk->pinned[n] = vmo;
}

static int finish(struct walk *walk, void *record, struct zvm_vmo *vmo)
{
	struct zx_info_maps *maps = record;
	struct zx_info_vmo info = {};
	int err;

	if (!walk->vmos) {
		zvm_vmo_fill_mapping_info(vmo, maps->mapping.vmo_offset, maps->size,
					  &maps->mapping);
		return 0;
	}
	err = zvm_vmo_fill_info(vmo, &info);
	info.flags |= ZX_INFO_VMO_VIA_MAPPING;
	memcpy(record, &info, walk->size);
	return err;
}

/* Finish the first @n records. */
static int finish_all(struct walk *walk, unsigned int n)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < n; i++) {
		struct zvm_vmo *vmo = walk->pinned[i];

		if (!vmo)
			continue;
		if (fatal_signal_pending(current))
			err = -EINTR;
		if (!err)
			err = finish(walk, walk->records + i * walk->size, vmo);
		zvm_object_unpin(&vmo->obj);
		cond_resched();
	}
	return err;
}

/*
 * Go on until there are @max records, begun if @wanted or else just counted, or for
 * so long. How many, or an error; *@more: some nodes are left.
 */
static int walk_on(struct walk *walk, unsigned int max, bool wanted, bool *more)
{
	struct zvm_vmar *vmar = walk->vmar;
	struct place place = { &vmar->node };
	unsigned int nodes, n = 0;
	int err = 0;

	if (down_read_killable(&vmar->aspace->lock))
		return -EINTR;
	if (vmar->dead)
		err = -EBADFD;
	else if (walk->started)
		place = resume_locked(vmar, walk->base, walk->depth);
	for (nodes = 0; !err && place.node && n < max && nodes < NODES_AT_ONCE; nodes++) {
		bool told = !walk->vmos || !place.node->is_region;

		if (told && wanted)
			begin_locked(walk, n, place);
		n += told;
		walk->started = true;
		walk->base = place.node->base;
		walk->depth = place.depth;
		place = next_locked(vmar, place);
	}
	*more = place.node;
	up_read(&vmar->aspace->lock);
	if (!err && wanted)
		err = finish_all(walk, n);
	return err ? err : n;
}

/* All records from number @count on. */
static int walk_all(struct walk *walk, void __user *buffer, u64 room, u64 count, u64 *actual,
		    u64 *avail)
{
	bool more = true;
	int n = 0;

	if (count < room) {
		walk->records = kvmalloc_array(min_t(u64, room - count, RECORDS_AT_ONCE),
					       walk->size, GFP_KERNEL_ACCOUNT);
		if (!walk->records)
			return -ENOMEM;
	}
	while (more) {
		bool wanted = count < room;

		n = walk_on(walk, wanted ? min_t(u64, room - count, RECORDS_AT_ONCE) :
				  NODES_AT_ONCE, wanted, &more);
		if (n < 0)
			break;
		if (wanted && copy_to_user(buffer + count * walk->size, walk->records,
					   n * walk->size)) {
			n = -EFAULT;
			break;
		}
		count += n;
		if (fatal_signal_pending(current)) {
			n = -EINTR;
			break;
		}
		cond_resched();
	}
	kvfree(walk->records);
	*avail = count;
	*actual = min(count, room);
	return min(n, 0);
}

int zvm_vmar_info_maps(struct zvm_vmar *vmar, void __user *buffer, u64 buffer_size,
		       u64 *actual, u64 *avail)
{
	struct walk walk = { .vmar = vmar, .size = sizeof(struct zx_info_maps) };

	return walk_all(&walk, buffer, buffer_size / walk.size, 0, actual, avail);
}

int zvm_vmar_info_process_maps(struct zvm_vmar *root, void __user *buffer, u64 buffer_size,
			       u64 *actual, u64 *avail)
{
	struct walk walk = { .vmar = root, .below = 1, .size = sizeof(struct zx_info_maps) };
	struct zx_info_maps record = {
		.name = "proc",
		.base = root->aspace->base,
		.size = root->aspace->size,
		.type = ZX_INFO_MAPS_TYPE_ASPACE,
	};
	u64 room = buffer_size / walk.size;

	if (room && copy_to_user(buffer, &record, sizeof(record)))
		return -EFAULT;
	return walk_all(&walk, buffer, room, 1, actual, avail);
}

int zvm_vmar_info_process_vmos(struct zvm_vmar *root, size_t size, void __user *buffer,
			       u64 buffer_size, u64 *actual, u64 *avail)
{
	struct walk walk = { .vmar = root, .vmos = true, .size = size };

	return walk_all(&walk, buffer, buffer_size / size, 0, actual, avail);
}
