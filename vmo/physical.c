// SPDX-License-Identifier: GPL-2.0
/*
 * Physical VMOs.
 *
 * Their page table entries are of the kind that the core knows nothing of: no page,
 * no references, no transfers by way of them. Like all of ours they are found by the
 * store's mappings when they have to go.
 */
#include <linux/ioport.h>
#include <linux/slab.h>

#include "../arch/aspace.h"
#include "../arch/cache.h"
#include "../object/zircon.h"
#include "physical.h"
#include "store.h"
#include "user.h"

static int is_taken(struct resource *res, void *arg)
{
	return -EACCES;
}

/* Has it only some of the pages? Of a page it may have a part. */
static int is_part(struct resource *res, void *arg)
{
	const struct resource *whole = arg;

	return PFN_DOWN(res->start) != PFN_DOWN(whole->start) ||
	       PFN_DOWN(res->end) != PFN_DOWN(whole->end) ? -EACCES : 0;
}

/*
 * RAM, and what else the kernel uses or a driver has taken, is marked in
 * /proc/iomem. Where a driver comes later, both have it, as with /dev/mem.
 */
static int check_range(phys_addr_t addr, u64 len, bool own)
{
	struct resource whole = { .start = addr };
	phys_addr_t last;

	if (!PAGE_ALIGNED(addr) || check_add_overflow(addr, (phys_addr_t)len - 1, &last))
		return -EINVAL;
	if (!zvm_arch_addressable(last))
		return -ERANGE;
	whole.end = last;
	if (own)
		return region_intersects(addr, len, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) ==
		       REGION_DISJOINT ? 0 : -EACCES;
	/* Where a device ends in the middle Linux would not like it, and says so. */
	if (walk_iomem_res_desc(IORES_DESC_NONE, 0, addr, last, &whole, is_part) == -EACCES ||
	    walk_iomem_res_desc(IORES_DESC_NONE, IORESOURCE_MEM | IORESOURCE_SIZEALIGN, addr, last,
				&whole, is_part) == -EACCES)
		return -EACCES;
	/* Exclusive is also what a driver will make RAM of, which is not busy until then. */
	if (walk_iomem_res_desc(IORES_DESC_NONE, IORESOURCE_BUSY, addr, last, NULL,
				is_taken) == -EACCES ||
	    walk_iomem_res_desc(IORES_DESC_NONE, IORESOURCE_EXCLUSIVE, addr, last, NULL,
				is_taken) == -EACCES)
		return -EACCES;
	return 0;
}

static void note_policy(struct zvm_store *store, u32 policy)
{
	WRITE_ONCE(store->cache_policy, policy);
	store->memory_type = policy;
}

/*
 * The kernel's page tables are nobody's for the memory cgroup. A machine's devices need
 * few: of what would take a large part of the memory there is nothing to be had.
 */
static int charge_tables(struct zvm_store *store, u64 len)
{
	u64 cost = zvm_arch_claim_cost(len);

	if (cost >> PAGE_SHIFT > totalram_pages() / 8)
		return -ENOMEM;
	return zvm_user_charge(store->user, cost) ? 0 : -ENOMEM;
}

/* The VMO is new, and nobody knows it yet. */
static int make_physical(struct zvm_store *store, phys_addr_t addr, u64 len)
{
	struct zvm_physical *physical = kzalloc(sizeof(*physical), GFP_KERNEL_ACCOUNT);
	int err;

	if (!physical)
		return -ENOMEM;
	physical->addr = addr;
	err = charge_tables(store, len);
	if (err)
		goto free;
	err = zvm_claim(&physical->claim, addr, len, ZX_CACHE_POLICY_UNCACHED);
	if (err)
		goto uncharge;
	store->physical = physical;
	store->contiguous = true;
	store->stream_size = 0;
	note_policy(store, ZX_CACHE_POLICY_UNCACHED);
	return 0;

uncharge:
	zvm_user_uncharge(store->user, zvm_arch_claim_cost(len));
free:
	kfree(physical);
	return err;
}

struct zvm_vmo *zvm_vmo_new_physical(phys_addr_t addr, u64 len, bool own)
{
	struct zvm_vmo *vmo;
	int err;

	err = check_range(addr, len, own);
	if (err)
		return ERR_PTR(err);
	vmo = zvm_vmo_new(len, 0);
	if (IS_ERR(vmo))
		return vmo;
	err = make_physical(vmo->store, addr, len);
	if (err) {
		zvm_object_put(&vmo->obj);
		return ERR_PTR(err);
	}
	return vmo;
}

void zvm_physical_free(struct zvm_store *store)
{
	zvm_unclaim(&store->physical->claim);
	zvm_user_uncharge(store->user, zvm_arch_claim_cost(store->size));
	kfree(store->physical);
}

int zvm_physical_set_policy(struct zvm_store *store, u32 policy)
{
	struct zvm_physical *physical = store->physical;
	int err;

	lockdep_assert_held(&store->lock);
	if (policy == store->cache_policy)
		return 0;
	/* Ours would be in the way. */
	zvm_unclaim(&physical->claim);
	err = zvm_claim(&physical->claim, physical->addr, store->size, policy);
	if (!err) {
		note_policy(store, policy);
		return 0;
	}
	/* What cannot be had back either becomes what those have who are in the way. */
	if (zvm_claim(&physical->claim, physical->addr, store->size, store->cache_policy))
		note_policy(store, ZX_CACHE_POLICY_UNCACHED);
	return err;
}

/* How many pages, at most @max, can be mapped at the window's start. */
static unsigned long mappable(const struct zvm_window *win, unsigned long max)
{
	u64 limit = zvm_vmo_limit(win->vmo) >> PAGE_SHIFT;

	max = min3(max, win->pages, (win->vma->vm_end - win->addr) >> PAGE_SHIFT);
	return win->index < limit ? min_t(u64, max, limit - win->index) : 0;
}

static vm_fault_t map_range(const struct zvm_window *win, unsigned long n)
{
	const struct zvm_store *store = win->vmo->store;
	unsigned long pfn = PHYS_PFN(store->physical->addr) + win->index;

	return zvm_arch_map_physical(win->vma, win->addr, pfn, n, win->flags,
				     store->memory_type);
}

vm_fault_t zvm_physical_fault(struct zvm_window *win, const struct vm_fault *vmf)
{
	lockdep_assert_held(&win->vmo->store->lock);
	/* An entry that must no longer be read-only: anew. */
	if (vmf->flags & FAULT_FLAG_MKWRITE)
		zvm_arch_unmap_here(win->vma, win->addr);
	return map_range(win, mappable(win, ZVM_FAULT_AROUND));
}

long zvm_physical_populate(struct zvm_window *win, unsigned long max)
{
	unsigned long n = mappable(win, max);

	lockdep_assert_held(&win->vmo->store->lock);
	if (!n)
		return win->pages;
	return map_range(win, n) == VM_FAULT_OOM ? -ENOMEM : n;
}
