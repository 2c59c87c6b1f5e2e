// SPDX-License-Identifier: GPL-2.0
/*
 * What a VMO tells about itself, and its cache policy.
 */
#include <linux/mm.h>
#include <linux/sort.h>

#include "../uapi/zircon-vm.h"
#include "../vmar/aspace.h"
#include "store.h"

static int compare_pointers(const void *a, const void *b)
{
	const void *x = *(const void **)a, *y = *(const void **)b;

	return x < y ? -1 : x > y;
}

/* Fill @aspaces with the address spaces of at most @max pieces of mappings. */
static size_t collect_aspaces(struct zvm_store *store, const void **aspaces, size_t max)
{
	struct interval_tree_node *it;
	size_t n = 0;

	lockdep_assert_held(&store->lock);
	for (it = interval_tree_iter_first(&store->mappings, 0, ULONG_MAX); it;
	     it = interval_tree_iter_next(it, 0, ULONG_MAX)) {
		if (n < max)
			aspaces[n] = container_of(it, struct zvm_mapping, itree)->aspace;
		n++;
	}
	return n;
}

/* How many address spaces map the store; 1 also for none, as in Zircon. */
static u64 share_count(struct zvm_store *store)
{
	const void **aspaces = NULL;
	size_t n, max = 0, i;
	u64 count = 1;

	/* Mappings come and go while there is no lock: try until all fit. */
	for (;;) {
		mutex_lock(&store->lock);
		n = collect_aspaces(store, aspaces, max);
		mutex_unlock(&store->lock);
		if (n <= max)
			break;
		kvfree(aspaces);
		max = n + n / 4;
		aspaces = kvmalloc_array(max, sizeof(*aspaces),
					 GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
		if (!aspaces)
			return count;
	}
	sort(aspaces, n, sizeof(*aspaces), compare_pointers, NULL);
	for (i = 1; i < n; i++)
		count += aspaces[i] != aspaces[i - 1];
	kvfree(aspaces);
	return count;
}

void zvm_vmo_fill_info(struct zvm_vmo *vmo, struct zx_info_vmo *info)
{
	struct zvm_store *store = vmo->store;
	u64 committed;

	info->koid = vmo->obj.koid;
	zvm_object_get_name(&vmo->obj, info->name);
	info->flags = ZX_INFO_VMO_TYPE_PAGED;
	if (vmo->options & ZVM_VMO_RESIZABLE)
		info->flags |= ZX_INFO_VMO_RESIZABLE;
	if (vmo->options & ZVM_VMO_DISCARDABLE)
		info->flags |= ZX_INFO_VMO_DISCARDABLE;
	info->metadata_bytes = sizeof(*vmo);
	info->share_count = share_count(store);

	mutex_lock(&store->lock);
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
