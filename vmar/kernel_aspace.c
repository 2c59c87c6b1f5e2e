// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's address space: what Zircon calls a VmAspace of TYPE_KERNEL.
 *
 * There is one, with one region: all of where the kernel maps memory for itself
 * (vmalloc), where others map things, too. So it is the kernel that chooses the
 * addresses, and the tree here says only which are ours. Nothing else is in the
 * region: no regions, and mappings come and go as a whole, as with vmap().
 *
 * The kernel does not fault on its own memory, so the pages of a mapping are pinned:
 * there from the start, and what they are, until it is unmapped.
 *
 * Lock ordering: kernel_aspace.lock is taken with none of ours held, and none within.
 */
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "../arch/kernel.h"
#include "../vmo/physical.h"
#include "../vmo/store.h"
#include "kernel_aspace.h"

/* Pages that are looked up at once. */
#define PAGES_BATCH 64u

/**
 * struct zvm_kernel_aspace - the kernel's address space
 * @lock: guards what follows, and the protection of all pages
 * @mappings: by address
 * @count: how many
 */
static struct zvm_kernel_aspace {
	struct mutex lock;	/* all below */
	struct rb_root_cached mappings;
	u64 count;
} kernel_aspace = {
	.lock = __MUTEX_INITIALIZER(kernel_aspace.lock),
	.mappings = RB_ROOT_CACHED,
};

u64 zvm_kernel_mapping_count(void)
{
	return READ_ONCE(kernel_aspace.count);
}

/* The mapping that has all of [first, last], or NULL. */
static struct zvm_kernel_mapping *find(unsigned long first, unsigned long last)
{
	struct interval_tree_node *it;

	lockdep_assert_held(&kernel_aspace.lock);
	it = interval_tree_iter_first(&kernel_aspace.mappings, first, first);
	if (!it || it->last < last)
		return NULL;
	return container_of(it, struct zvm_kernel_mapping, node);
}

/* Fixed while there is a pin. */
static pgprot_t prot_of(const struct zvm_store *store, bool writable)
{
	pgprot_t prot = zvm_arch_kernel_prot(writable, store->memory_type);

	if (!store->physical)
		return prot;
	prot = pgprot_decrypted(prot);
	return store->physical->claim.made ?
	       zvm_arch_claimed_prot(prot, store->physical->claim.map) : prot;
}

/* Of two policies that are the same in an entry it is the VMO's. */
static u32 entry_policy(const struct zvm_store *store, u64 cache)
{
	u32 policy = store->memory_type, i;

	for (i = 0; i <= ZX_CACHE_POLICY_MASK; policy = i++)
		if (cache == (pgprot_val(zvm_arch_kernel_prot(true, policy)) &
			      ZVM_ARCH_CACHE_MASK))
			break;
	return policy;
}

/* What the entries show at first: the pages, or anything. */
static int get_pages(const struct zvm_pin *pin, u64 n, struct page **pages)
{
	u64 i, batch;
	int err = 0;

	for (i = 0; !err && i < n; i += batch) {
		batch = min_t(u64, n - i, PAGES_BATCH);
		if (zvm_vmo_is_physical(pin->vmo))
			memset_p((void **)pages + i, ZERO_PAGE(0), batch);
		else
			err = zvm_pin_get_pages(pin, i, batch, pages + i);
		cond_resched();
	}
	return err;
}

static void *map_pages(const struct zvm_pin *pin, bool writable)
{
	const struct zvm_store *store = pin->vmo->store;
	u64 n = zvm_pin_pages(pin);
	struct page **pages;
	void *addr;
	int err;

	if (n > totalram_pages())
		return ERR_PTR(-ENOMEM);
	pages = kvmalloc_array(n, sizeof(*pages), GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
	if (!pages)
		return ERR_PTR(-ENOMEM);
	err = get_pages(pin, n, pages);
	if (err) {
		kvfree(pages);
		return ERR_PTR(err);
	}
	/* Nobody who looks at all of the kernel's memory (/proc/kcore) is to read a device. */
	if (store->physical)
		addr = vmap(pages, n, VM_IOREMAP, PAGE_KERNEL_RO);
	else
		addr = vmap(pages, n, VM_MAP, prot_of(store, writable));
	kvfree(pages);
	if (addr && store->physical &&
	    zvm_arch_kernel_show((unsigned long)addr, n << PAGE_SHIFT,
				 PHYS_PFN(store->physical->addr) + pin->node.start,
				 prot_of(store, writable))) {
		vunmap(addr);
		addr = NULL;
	}
	return addr ?: ERR_PTR(-ENOMEM);
}

static int pin_for(struct zvm_vmo *vmo, u64 offset, u64 len, struct zvm_pin *pin)
{
	if (!zvm_vmo_is_physical(vmo))
		return zvm_vmo_pin_for_kernel(vmo, offset, len, pin);
	if (!zvm_arch_kernel_can_protect())
		return -EOPNOTSUPP;
	return zvm_vmo_pin_physical(vmo, offset, len, pin);
}

void *zvm_kernel_map(struct zvm_vmo *vmo, u64 offset, u64 len, bool writable)
{
	struct zvm_kernel_mapping *map;
	void *addr;
	int err;

	if (writable && zvm_vmo_is_immutable(vmo))
		return ERR_PTR(-EACCES);
	map = kzalloc(sizeof(*map), GFP_KERNEL);
	if (!map)
		return ERR_PTR(-ENOMEM);
	map->vmo_offset = offset;
	err = pin_for(vmo, offset, len, &map->pin);
	if (err)
		goto free_map;
	addr = map_pages(&map->pin, writable);
	if (IS_ERR(addr)) {
		err = PTR_ERR(addr);
		goto unpin;
	}

	map->node.start = (unsigned long)addr;
	map->node.last = (unsigned long)addr + len - 1;
	mutex_lock(&kernel_aspace.lock);
	interval_tree_insert(&map->node, &kernel_aspace.mappings);
	WRITE_ONCE(kernel_aspace.count, kernel_aspace.count + 1);
	mutex_unlock(&kernel_aspace.lock);
	return addr;

unpin:
	zvm_vmo_unpin(&map->pin);
free_map:
	kfree(map);
	return ERR_PTR(err);
}

int zvm_kernel_unmap(void *addr)
{
	struct zvm_kernel_mapping *map;

	mutex_lock(&kernel_aspace.lock);
	map = find((unsigned long)addr, (unsigned long)addr);
	if (map && map->node.start != (unsigned long)addr)
		map = NULL;
	if (map) {
		interval_tree_remove(&map->node, &kernel_aspace.mappings);
		WRITE_ONCE(kernel_aspace.count, kernel_aspace.count - 1);
	}
	mutex_unlock(&kernel_aspace.lock);
	if (!map)
		return -ENOENT;
	vunmap(addr);
	zvm_vmo_unpin(&map->pin);
	kfree(map);
	return 0;
}

int zvm_kernel_protect(void *addr, u64 len, bool writable)
{
	unsigned long first = (unsigned long)addr, last;
	struct zvm_kernel_mapping *map;
	int err = 0;

	if (!len || !PAGE_ALIGNED(first | len))
		return -EINVAL;
	if (check_add_overflow(first, (unsigned long)len - 1, &last))
		return -ENOENT;
	if (!zvm_arch_kernel_can_protect())
		return -EOPNOTSUPP;
	mutex_lock(&kernel_aspace.lock);
	map = find(first, last);
	if (!map)
		err = -ENOENT;
	else if (writable && zvm_vmo_is_immutable(map->pin.vmo))
		err = -EACCES;
	else
		zvm_arch_kernel_protect(first, len, prot_of(map->pin.vmo->store, writable));
	mutex_unlock(&kernel_aspace.lock);
	return err;
}

int zvm_kernel_query(const void *addr, struct zvm_kernel_place *place)
{
	unsigned long at = (unsigned long)addr;
	struct zvm_kernel_mapping *map;
	struct zvm_arch_entry entry;
	int err = -ENOENT;

	mutex_lock(&kernel_aspace.lock);
	map = find(at, at);
	if (map && zvm_arch_kernel_query(at, &entry)) {
		place->base = map->node.start;
		place->size = (u64)map->node.last - map->node.start + 1;
		place->vmo_koid = map->pin.vmo->obj.koid;
		place->vmo_offset = map->vmo_offset;
		place->writable = entry.flags & VM_WRITE;
		place->cache_policy = entry_policy(map->pin.vmo->store, entry.cache);
		place->phys = PFN_PHYS(entry.pfn) + offset_in_page(at);
		err = 0;
	}
	mutex_unlock(&kernel_aspace.lock);
	return err;
}

void zvm_kernel_show(struct seq_file *m)
{
	struct interval_tree_node *it;

	seq_puts(m, "base size vmo offset\n");
	mutex_lock(&kernel_aspace.lock);
	for (it = interval_tree_iter_first(&kernel_aspace.mappings, 0, ULONG_MAX); it;
	     it = interval_tree_iter_next(it, 0, ULONG_MAX)) {
		struct zvm_kernel_mapping *map = container_of(it, struct zvm_kernel_mapping, node);

		seq_printf(m, "%#lx %lu %llu %llu\n", it->start, it->last - it->start + 1,
			   map->pin.vmo->obj.koid, map->vmo_offset);
	}
	mutex_unlock(&kernel_aspace.lock);
}
