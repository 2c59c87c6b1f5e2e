// SPDX-License-Identifier: GPL-2.0
/*
 * Making mappings.
 */
#include "vmar.h"

/* All that is to be said against the mapping; what it replaces goes to @plan. */
static int check_locked(struct zvm_vmar *vmar, const struct zvm_map *map,
			struct zvm_spot *spot, struct zvm_unmap *plan)
{
	int err;

	if (vmar->dead)
		return -EBADFD;
	if (!map->size)
		return -EINVAL;
	err = zvm_place_check(vmar, map->options, map->vmar_offset, map->size);
	if (err)
		return err;
	if (map->options & ZX_VM_SPECIFIC_OVERWRITE) {
		spot->addr = vmar->node.base + map->vmar_offset;
		/* Whatever the rights: child regions are not overwritten. */
		err = zvm_unmap_plan_locked(vmar, spot->addr, map->size, false, plan);
	} else {
		err = zvm_place_find_locked(vmar, map->options, map->vmar_offset,
					    map->size, false, spot);
	}
	if (err)
		return err;
	/* Only the owner can make its arena executable. */
	if (map->prot & ZX_VM_PERM_EXECUTE && !zvm_aspace_is_current(vmar->aspace))
		return -EOPNOTSUPP;
	return 0;
}

/* Put the mapping into the tree. Nobody can have touched it when this fails. */
static int insert(struct zvm_vmar *vmar, struct zvm_map *map)
{
	struct zvm_aspace *aspace = vmar->aspace;
	struct zvm_spares spares = {};
	struct zvm_mapping *piece;
	struct zvm_unmap plan;
	struct zvm_spot spot;
	struct zvm_dead dead;
	int err;

	piece = zvm_mapping_alloc();
	if (!piece)
		return -ENOMEM;
	zvm_object_get(&map->vmo->obj);
	piece->vmo = map->vmo;
	piece->aspace = aspace;
	piece->prot = map->prot;
	piece->max_prot = map->max_prot;
	piece->beyond_stream = map->options & ZX_VM_FAULT_BEYOND_STREAM_SIZE;
	piece->joined = false;
	piece->touched = false;
	piece->node.size = map->size;

	zvm_dead_init(&dead);
again:
	plan.splits = 0;
	err = -EINTR;
	if (down_write_killable(&aspace->lock))
		goto free;
	err = check_locked(vmar, map, &spot, &plan);
	if (err)
		goto unlock;
	if (plan.splits > spares.count) {
		up_write(&aspace->lock);
		err = zvm_spares_fill(&spares, plan.splits);
		if (err)
			goto free;
		goto again;
	}
	if (map->options & ZX_VM_SPECIFIC_OVERWRITE) {
		zvm_unmap_do_locked(vmar, &plan, &spares, &dead);
		spot.next = zvm_tree_first(vmar, spot.addr);
	}
	piece->node.base = spot.addr;
	piece->id = ++aspace->last_id;
	map->addr = spot.addr;
	map->id = piece->id;
	zvm_mapping_insert_locked(vmar, piece, spot.next, map->vmo_offset);
	up_write(&aspace->lock);

	zvm_dead_free(&dead);
	zvm_spares_free(&spares);
	return 0;

unlock:
	up_write(&aspace->lock);
free:
	zvm_mapping_free(piece);
	zvm_spares_free(&spares);
	return err;
}

int zvm_vmar_map(struct zvm_vmar *vmar, struct zvm_map *map)
{
	int err = insert(vmar, map);

	if (err)
		return err;
	if (map->prot & ZX_VM_PERM_EXECUTE) {
		/* Until this is done instructions cannot be fetched from there. */
		err = zvm_arena_allow_exec(vmar->aspace, map->addr, map->size);
		if (err) {
			zvm_vmar_undo_map(vmar, map);
			return err;
		}
	}
	if (map->options & ZX_VM_MAP_RANGE)
		zvm_arena_populate(vmar->aspace, map->addr, map->size);
	return 0;
}
