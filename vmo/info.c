// SPDX-License-Identifier: GPL-2.0
/*
 * What a VMO tells about itself, and its cache policy.
 */
#include <linux/mm.h>
#include <linux/xarray.h>

#include "../uapi/zircon-vm.h"
#include "../vmar/aspace.h"
#include "store.h"

/*
 * How many address spaces map the store; 1 also for none, as in Zircon. A user
 * may have made very many mappings: no list of them is made or sorted.
 */
static int share_count_locked(struct zvm_store *store, u64 *share_count)
{
	const struct zvm_aspace *last = NULL;
	struct interval_tree_node *it;
	struct xarray seen;
	u64 count = 0;
	int err = 0;

	lockdep_assert_held(&store->lock);
	xa_init(&seen);
	for (it = interval_tree_iter_first(&store->mappings, 0, ULONG_MAX); it;
	     it = interval_tree_iter_next(it, 0, ULONG_MAX)) {
		struct zvm_aspace *aspace = container_of(it, struct zvm_mapping, itree)->aspace;

		cond_resched();
		if (aspace == last)
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
	u64 committed;
	int err;

	info->koid = vmo->obj.koid;
	zvm_object_get_name(&vmo->obj, info->name);
	info->flags = ZX_INFO_VMO_TYPE_PAGED;
	if (vmo->options & ZVM_VMO_RESIZABLE)
		info->flags |= ZX_INFO_VMO_RESIZABLE;
	if (vmo->options & ZVM_VMO_DISCARDABLE)
		info->flags |= ZX_INFO_VMO_DISCARDABLE;
	info->metadata_bytes = sizeof(*vmo);

	mutex_lock(&store->lock);
	err = share_count_locked(store, &info->share_count);
	info->size_bytes = store->size;
	info->num_mappings = store->nr_mappings;
	info->cache_policy = store->cache_policy;
	committed = zvm_pagemap_count(&store->pages, 0, U64_MAX) << PAGE_SHIFT;
	mutex_unlock(&store->lock);

	/* Nothing is compressed, so what is populated is committed. */
	info->committed_bytes = committed;
	info->populated_bytes = committed;
	info->committed_private_bytes = committed;
	info->populated_private_bytes = committed;
	info->committed_scaled_bytes = committed;
	info->populated_scaled_bytes = committed;
	return err;
}

void zvm_vmo_fill_mapping_info(struct zvm_vmo *vmo, u64 offset, u64 len,
			       struct zx_info_maps_mapping *info)
{
	struct zvm_store *store = vmo->store;
	u64 committed;

	mutex_lock(&store->lock);
	committed = zvm_pagemap_count(&store->pages, offset >> PAGE_SHIFT,
				      (offset + len - 1) >> PAGE_SHIFT) << PAGE_SHIFT;
	mutex_unlock(&store->lock);
	info->committed_bytes = committed;
	info->populated_bytes = committed;
	info->committed_private_bytes = committed;
	info->populated_private_bytes = committed;
	info->committed_scaled_bytes = committed;
	info->populated_scaled_bytes = committed;
}

int zvm_vmo_set_cache_policy(struct zvm_vmo *vmo, u32 policy)
{
	struct zvm_store *store = vmo->store;
	int err = 0;

	if (mutex_lock_killable(&store->lock))
		return -EINTR;
	if (store->nr_mappings || mapping_mapped(store->inode->i_mapping))
		err = -EBADFD;
	else if (vmo->options & ZVM_VMO_DISCARDABLE && policy != ZX_CACHE_POLICY_CACHED)
		err = -EBADFD;
	else
		WRITE_ONCE(store->cache_policy, policy);
	mutex_unlock(&store->lock);
	return err;
}
