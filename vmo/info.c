// SPDX-License-Identifier: GPL-2.0
/*
 * What a VMO tells about itself, and its cache policy.
 */
#include <linux/mm.h>
#include <linux/xarray.h>

#include "../uapi/zircon-vm.h"
#include "../vmar/aspace.h"
#include "attribution.h"
#include "cache.h"
#include "discardable.h"
#include "family.h"
#include "physical.h"
#include "pin.h"
#include "store.h"

/*
 * How many address spaces map the VMO; 1 also for none, as in Zircon. A user
 * may have made very many mappings: no list of them is made or sorted.
 */
static int share_count_locked(struct zvm_vmo *vmo, u64 *share_count)
{
	struct zvm_store *store = vmo->store;
	const struct zvm_aspace *last = NULL;
	struct interval_tree_node *it;
	struct xarray seen;
	u64 count = 0;
	int err = 0;

	lockdep_assert_held(&store->lock);
	xa_init(&seen);
	for (it = interval_tree_iter_first(&store->mappings, 0, ULONG_MAX); it;
	     it = interval_tree_iter_next(it, 0, ULONG_MAX)) {
		struct zvm_mapping *map = container_of(it, struct zvm_mapping, itree);
		struct zvm_aspace *aspace = map->aspace;

		cond_resched();
		/* The store's other VMOs have mappings of their own. */
		if (map->vmo != vmo || aspace == last)
			continue;
		last = aspace;
		err = xa_insert(&seen, (unsigned long)aspace / L1_CACHE_BYTES, aspace,
				GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
		if (err == -ENOMEM)
			break;
		count += !err;
		err = 0;
	}
	xa_destroy(&seen);
	*share_count = max(count, 1ull);
	return err;
}

int zvm_vmo_fill_info(struct zvm_vmo *vmo, struct zx_info_vmo *info)
{
	struct zvm_store *store = vmo->store;
	struct zvm_attribution sum = {};
	int err;

	info->koid = vmo->obj.koid;
	zvm_object_get_name(&vmo->obj, info->name);
	info->flags = zvm_vmo_is_physical(vmo) ? 0 : ZX_INFO_VMO_TYPE_PAGED;
	if (vmo->options & ZVM_VMO_RESIZABLE)
		info->flags |= ZX_INFO_VMO_RESIZABLE;
	if (vmo->options & ZVM_VMO_DISCARDABLE)
		info->flags |= ZX_INFO_VMO_DISCARDABLE;
	if (zvm_vmo_is_contiguous(vmo))
		info->flags |= ZX_INFO_VMO_CONTIGUOUS;
	if (vmo->immutable)
		info->flags |= ZX_INFO_VMO_IMMUTABLE;
	zvm_vmo_relations(vmo, &info->parent_koid, &info->num_children);
	if (vmo->kind == ZVM_VMO_SNAPSHOT && info->parent_koid)
		info->flags |= ZX_INFO_VMO_IS_COW_CLONE;
	info->metadata_bytes = sizeof(*vmo);

	mutex_lock(&store->lock);
	err = share_count_locked(vmo, &info->share_count);
	info->size_bytes = zvm_vmo_size(vmo);
	info->num_mappings = vmo->nr_mappings;
	info->cache_policy = store->cache_policy;
	if (store->discard)
		info->committed_change_events = store->discard->events;
	mutex_unlock(&store->lock);

	/* Slices and references have no pages of their own. */
	if (!vmo->owner)
		zvm_store_attribute(store, 0, ZVM_VMO_MAX_SIZE >> PAGE_SHIFT, &sum);
	/* Nothing is compressed, so what is populated is committed. */
	info->committed_bytes = sum.committed;
	info->populated_bytes = sum.committed;
	info->committed_private_bytes = sum.private;
	info->populated_private_bytes = sum.private;
	info->committed_scaled_bytes = sum.scaled;
	info->populated_scaled_bytes = sum.scaled;
	info->committed_fractional_scaled_bytes = sum.fraction;
	info->populated_fractional_scaled_bytes = sum.fraction;
	return err;
}

void zvm_vmo_fill_mapping_info(struct zvm_vmo *vmo, u64 offset, u64 len,
			       struct zx_info_maps_mapping *info)
{
	u64 first = (vmo->offset >> PAGE_SHIFT) + (offset >> PAGE_SHIFT);
	u64 end = min(first + (len >> PAGE_SHIFT), zvm_vmo_limit(vmo) >> PAGE_SHIFT);
	struct zvm_attribution sum = {};

	/* What is beyond the end of a slice is not the mapping's. */
	if (first < end)
		zvm_store_attribute(vmo->store, first, end - 1, &sum);
	info->committed_bytes = sum.committed;
	info->populated_bytes = sum.committed;
	info->committed_private_bytes = sum.private;
	info->populated_private_bytes = sum.private;
	info->committed_scaled_bytes = sum.scaled;
	info->populated_scaled_bytes = sum.scaled;
	info->committed_fractional_scaled_bytes = sum.fraction;
	info->populated_fractional_scaled_bytes = sum.fraction;
}

int zvm_vmo_set_cache_policy(struct zvm_vmo *vmo, u32 policy, bool real)
{
	struct zvm_store *store = vmo->store;
	int err = 0;

	if (mutex_lock_killable(&store->lock))
		return -EINTR;
	if (zvm_vmo_is_physical(vmo) && policy == store->cache_policy)
		err = 0;
	else if (zvm_store_is_pinned(store, 0, ULONG_MAX))
		err = -EBADFD;
	else if (vmo->nr_mappings || mapping_mapped(store->inode->i_mapping))
		err = -EBADFD;
	else if (vmo->owner || zvm_vmo_is_related(vmo) || zvm_store_has_relatives(store))
		err = -EBADFD;
	else if ((vmo->options & ZVM_VMO_DISCARDABLE || store->folios) &&
		 policy != ZX_CACHE_POLICY_CACHED)
		err = -EBADFD;
	else if (zvm_vmo_is_physical(vmo))
		err = zvm_physical_set_policy(store, policy);
	else
		err = zvm_store_set_policy(store, policy, real);
	mutex_unlock(&store->lock);
	return err;
}
