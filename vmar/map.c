// SPDX-License-Identifier: GPL-2.0
/*
 * Making mappings.
 */
#include "../zvm_trace.h"
#include "vmar.h"

static int check_exec_locked(const struct zvm_vmar *vmar, const struct zvm_map *map)
{
	/* Only the owner can make its arena executable. */
	if (map->prot & ZX_VM_PERM_EXECUTE && !zvm_aspace_may_exec(vmar->aspace))
		return -EOPNOTSUPP;
	return 0;
}

/*
 * Take away what is where the mapping is to be. -EAGAIN: that has to be prepared.
 * Not inlined, for the sake of its callers' stack.
 */
static noinline int overwrite_locked(struct zvm_vmar *vmar, const struct zvm_map *map,
				     struct zvm_spot *spot, struct zvm_spares *spares,
				     struct zvm_dead *dead)
{
	struct zvm_unmap plan;
	int err;

	spot->addr = vmar->node.base + map->vmar_offset;
	/* Whatever the rights: child regions are not overwritten. */
	err = zvm_unmap_plan_locked(vmar, spot->addr, map->size, false, &plan);
	if (!err)
		err = check_exec_locked(vmar, map);
	if (err)
		return err;
	if (plan.splits > spares->count ||
	    (map->prot & ZX_VM_PERM_EXECUTE && !map->exec_allowed))
		return -EAGAIN;
	zvm_unmap_do_locked(vmar, &plan, spares, dead);
	spot->next = zvm_tree_first(vmar, spot->addr);
	return 0;
}

/* The alignment that lets folios be mapped as such, where nobody has asked for one. */
static u32 folio_align(const struct zvm_map *map)
{
	const struct zvm_vmo *vmo = map->vmo;
	u64 at = (vmo->store->base << PAGE_SHIFT) + vmo->offset + map->vmo_offset;

	if (!vmo->store->folios || map->size < PMD_SIZE || !IS_ALIGNED(at, PMD_SIZE) ||
	    map->options >> ZX_VM_ALIGN_BASE ||
	    map->options & (ZX_VM_SPECIFIC | ZX_VM_SPECIFIC_OVERWRITE))
		return 0;
	return PMD_SHIFT << ZX_VM_ALIGN_BASE;
}

/* Find the place, or make it. */
static int place_locked(struct zvm_vmar *vmar, const struct zvm_map *map,
			struct zvm_spot *spot, struct zvm_spares *spares,
			struct zvm_dead *dead)
{
	int err;

	if (vmar->dead)
		return -EBADFD;
	if (!map->size)
		return -EINVAL;
	err = zvm_place_check(vmar, map->options, map->vmar_offset, map->size);
	if (err)
		return err;
	if (map->options & ZX_VM_SPECIFIC_OVERWRITE)
		return overwrite_locked(vmar, map, spot, spares, dead);
	err = zvm_place_find_locked(vmar, map->options | folio_align(map), map->vmar_offset,
				    map->size, false, spot);
	if (err == -ENOBUFS)
		err = zvm_place_find_locked(vmar, map->options, map->vmar_offset,
					    map->size, false, spot);
	return err ? err : check_exec_locked(vmar, map);
}

/*
 * What is overwritten cannot be brought back, so all that may fail comes before.
 * No locks held.
 */
static int prepare_overwrite(struct zvm_vmar *vmar, struct zvm_map *map,
			     struct zvm_spares *spares)
{
	int err = zvm_spares_fill(spares, vmar->aspace, 1);

	if (err || !(map->prot & ZX_VM_PERM_EXECUTE))
		return err;
	map->exec_allowed = true;
	return zvm_arena_allow_exec(vmar->aspace, vmar->node.base + map->vmar_offset, map->size);
}

/* Put the mapping into the tree. Nobody can have touched it when this fails. */
static int insert(struct zvm_vmar *vmar, struct zvm_map *map)
{
	struct zvm_aspace *aspace = vmar->aspace;
	struct zvm_spares spares = {};
	struct zvm_mapping *piece;
	struct zvm_spot spot;
	struct zvm_dead dead;
	int err;

	piece = zvm_mapping_alloc(aspace);
	if (!piece)
		return -ENOMEM;
	zvm_object_get(&map->vmo->obj);
	piece->vmo = map->vmo;
	piece->prot = map->prot;
	piece->max_prot = map->max_prot;
	piece->beyond_stream = map->options & ZX_VM_FAULT_BEYOND_STREAM_SIZE;
	piece->joined = false;
	piece->touched = false;
	piece->huge = false;
	piece->node.size = map->size;

	zvm_dead_init(&dead);
again:
	err = -EINTR;
	if (down_write_killable(&aspace->lock))
		goto free;
	err = place_locked(vmar, map, &spot, &spares, &dead);
	if (err) {
		up_write(&aspace->lock);
		if (err != -EAGAIN)
			goto free;
		err = prepare_overwrite(vmar, map, &spares);
		if (err)
			goto free;
		goto again;
	}
	piece->node.base = spot.addr;
	piece->id = ++aspace->last_id;
	map->addr = spot.addr;
	map->id = piece->id;
	zvm_mapping_insert_locked(vmar, piece, spot.next, map->vmo_offset);
	up_write(&aspace->lock);
	piece = NULL;

free:
	if (piece)
		zvm_mapping_free(piece);
	if (dead.first) {
		zvm_dead_free(&dead);
		/* What it has replaced may have been executable. */
		zvm_arena_trim(aspace, map->addr, map->size);
	} else if (err && map->exec_allowed) {
		zvm_arena_trim(aspace, vmar->node.base + map->vmar_offset, map->size);
	}
	if (spares.count)
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
	trace_vmar_map(vmar->obj.koid, map->vmo->obj.koid, map->addr, map->size,
		       map->vmo_offset, map->prot);
	if (map->options & ZX_VM_MAP_RANGE)
		zvm_arena_populate(vmar->aspace, map->addr, map->size);
	return 0;
}
