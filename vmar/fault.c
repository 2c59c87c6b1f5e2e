// SPDX-License-Identifier: GPL-2.0
/*
 * Faults in arenas, and what else Linux may ask of an arena's VMA.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>

#include "../arch/aspace.h"
#include "../compat.h"
#include "../vmo/fault.h"
#include "arena.h"
#include "fault.h"
#include "vmar.h"

/* Pages that are populated before others get a chance at the locks. */
#define POPULATE_ROUND 512ul

/* The mapping's permissions, as Linux says it. */
static vm_flags_t mapping_flags(const struct zvm_mapping *map)
{
	vm_flags_t flags = VM_SHARED | VM_READ;

	if (map->prot & ZX_VM_PERM_WRITE)
		flags |= VM_WRITE;
	if (map->prot & ZX_VM_PERM_EXECUTE)
		flags |= VM_EXEC;
	return flags;
}

/* Fill @win with what the mapping shows from @addr to @end, in that VMA. */
static void mapping_window(struct zvm_window *win, struct zvm_mapping *map,
			   struct vm_area_struct *vma, u64 addr, u64 end)
{
	u64 first = max(map->node.base, zvm_aspace_addr(map->aspace, vma->vm_start));
	u64 last = min(map->node.base + map->node.size,
		       zvm_aspace_addr(map->aspace, vma->vm_end));
	u64 offset = addr - map->node.base;

	end = min(end, last);
	win->vma = vma;
	win->addr = zvm_aspace_at(map->aspace, addr);
	win->vmo = map->vmo;
	win->index = map->itree.start + (offset >> PAGE_SHIFT);
	win->pages = (end - addr) >> PAGE_SHIFT;
	win->before = (addr - first) >> PAGE_SHIFT;
	win->after = (last - end) >> PAGE_SHIFT;
	win->flags = mapping_flags(map);
	win->beyond_stream = map->beyond_stream;
	win->huge = &map->huge;
}

/* What has to be permitted for this fault. */
static u32 fault_needs(const struct vm_fault *vmf)
{
	/* Permissions without READ do not exist. */
	u32 need = ZX_VM_PERM_READ;

	if (vmf->flags & FAULT_FLAG_WRITE)
		need |= ZX_VM_PERM_WRITE;
	if (vmf->flags & FAULT_FLAG_INSTRUCTION)
		need |= ZX_VM_PERM_EXECUTE;
	return need;
}

static vm_fault_t fault_locked(struct zvm_aspace *aspace, struct vm_fault *vmf)
{
	u64 addr = zvm_aspace_addr(aspace, vmf->address & PAGE_MASK);
	u32 need = fault_needs(vmf);
	struct zvm_window win;
	struct zvm_mapping *map;

	lockdep_assert_held(&aspace->lock);
	map = zvm_aspace_find(aspace, addr);
	if (!map || (map->prot & need) != need)
		return VM_FAULT_SIGSEGV;
	/* From now on there may be PTEs. Unmap looks at it with the lock for writing. */
	if (!READ_ONCE(map->touched))
		WRITE_ONCE(map->touched, true);
	mapping_window(&win, map, vmf->vma, addr, U64_MAX);
	return zvm_store_fault(&win, vmf);
}

static vm_fault_t arena_fault(struct vm_fault *vmf)
{
	struct zvm_aspace *aspace = zvm_file_aspace(vmf->vma->vm_file);
	vm_fault_t ret;

	/* madvise(MADV_DOFORK) can let a child have the VMA, but not what is in it. */
	if (vmf->vma->vm_mm != zvm_aspace_mm(aspace))
		return VM_FAULT_SIGSEGV;
	if (down_read_killable(&aspace->lock))
		return VM_FAULT_SIGBUS;
	ret = fault_locked(aspace, vmf);
	up_read(&aspace->lock);
	return ret & VM_FAULT_OOM ? zvm_fault_out_of_memory(ret) : ret;
}

/*
 * Part of an arena has been cut off; or fork(2) has copied it, as MADV_DOFORK makes it
 * do. For the sake of ZVM_VM_HUGE it would copy the PTEs, too. Some kernels ask only
 * when they have: out with them then, and with the parent's, which come back.
 */
static void arena_open(struct vm_area_struct *vma)
{
	if (!ZVM_VM_HUGE || vma->vm_mm == zvm_aspace_mm(zvm_vma_aspace(vma)))
		return;
	vm_flags_set(vma, VM_WIPEONFORK);
	zvm_arch_unmap(vma->vm_file->f_mapping, vma->vm_pgoff, vma_pages(vma), false);
}

/* The arena is cut by us only, when part of it is mapped anew. */
static int arena_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	return READ_ONCE(zvm_vma_aspace(vma)->trimmer) == current ? 0 : -EINVAL;
}

static int arena_mprotect(struct vm_area_struct *vma, unsigned long start,
			  unsigned long end, unsigned long flags)
{
	return -EACCES;
}

static int arena_mremap(struct vm_area_struct *vma)
{
	return -EINVAL;
}

const struct vm_operations_struct zvm_arena_vm_ops = {
	.open = arena_open,
	.fault = arena_fault,
	.page_mkwrite = arena_fault,
	.pfn_mkwrite = arena_fault,
#ifdef zvm_find_special_page
	.zvm_find_special_page = zvm_arch_no_page,
#endif
	.may_split = arena_may_split,
	.mprotect = arena_mprotect,
	.mremap = arena_mremap,
#ifdef CONFIG_NUMA
	.get_policy = zvm_arch_policy,
#endif
};

/*
 * Let a fault map the folio that the window is at, which only the core's part of a
 * fault can do. Returns where to go on, however that went.
 */
static unsigned long populate_folio(const struct zvm_window *win)
{
	fixup_user_fault(win->vma->vm_mm, win->addr, 0, NULL);
	return min(win->addr + (win->pages << PAGE_SHIFT), ALIGN(win->addr + 1, PMD_SIZE));
}

/*
 * Populate one mapping at *@addr, at most a round. Moves *@addr on; false: it is
 * of no use to go on.
 */
static bool populate_round(struct zvm_aspace *aspace, u64 *addr, u64 end)
{
	unsigned long at = zvm_aspace_at(aspace, *addr);
	struct vm_area_struct *vma = find_vma(aspace->arch.mm, at);
	struct zvm_mapping *map;
	struct zvm_window win;
	int ret = 0;

	lockdep_assert_held(&aspace->arch.mm->mmap_lock);
	if (!vma || vma->vm_start > at || zvm_vma_aspace(vma) != aspace)
		return false;
	if (down_read_killable(&aspace->lock))
		return false;
	map = aspace->dead ? NULL : zvm_aspace_find(aspace, *addr);
	if (!map) {
		up_read(&aspace->lock);
		return false;
	}
	mapping_window(&win, map, vma, *addr, end);
	if (map->prot & ZX_VM_PERM_READ) {
		WRITE_ONCE(map->touched, true);
		ret = zvm_store_populate(&win, POPULATE_ROUND);
		*addr = zvm_aspace_addr(aspace, win.addr);
	} else {
		*addr += (u64)win.pages << PAGE_SHIFT;
	}
	up_read(&aspace->lock);
	if (ret > 0)
		*addr = zvm_aspace_addr(aspace, populate_folio(&win));
	return ret >= 0;
}

void zvm_arena_populate(struct zvm_aspace *aspace, u64 addr, u64 len)
{
	struct mm_struct *mm = zvm_aspace_mm(aspace);
	bool remote = !zvm_aspace_is_current(aspace);
	u64 end = addr + len;
	bool more = true;

	/* A process that is going has no use for it; nor that which will adopt it. */
	if (!mm || (remote && !mmget_not_zero(mm)))
		return;
	while (more && addr < end && !fatal_signal_pending(current)) {
		if (mmap_read_lock_killable(mm))
			break;
		more = populate_round(aspace, &addr, end);
		mmap_read_unlock(mm);
		cond_resched();
	}
	/* Not mmput(): the last one would take the whole process down from here. */
	if (remote)
		mmput_async(mm);
}

/* Does the mapping show what its VMO does not have? */
static bool beyond_end(const struct zvm_mapping *map, u64 addr)
{
	u64 offset = zvm_mapping_vmo_offset(map) + (addr - map->node.base);

	if (map->beyond_stream)
		return offset >= PAGE_ALIGN(zvm_vmo_stream_size(map->vmo));
	return offset >= zvm_vmo_size(map->vmo);
}

int zvm_classify_user_fault(u64 addr, bool write)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	struct zvm_aspace *aspace;
	struct zvm_mapping *map;
	int err = -ENOENT;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vma = find_vma(mm, addr);
	if (!vma || vma->vm_start > addr)
		goto unlock;
	err = -EACCES;
	if (!(vma->vm_flags & (write ? VM_WRITE : VM_READ)))
		goto unlock;
	/* Where nothing forbids the access there was no memory for it. */
	aspace = zvm_vma_aspace(vma);
	if (!aspace) {
		err = vma->vm_file ? -ERANGE : -ENOMEM;
		goto unlock;
	}
	/* As in arena_fault(): there never is anything in it for this process. */
	err = -ENOENT;
	if (zvm_aspace_mm(aspace) != mm)
		goto unlock;

	addr = zvm_aspace_addr(aspace, addr);
	down_read(&aspace->lock);
	map = aspace->dead ? NULL : zvm_aspace_find(aspace, addr & PAGE_MASK);
	if (!map)
		err = -ENOENT;
	else if (!(map->prot & (write ? ZX_VM_PERM_WRITE : ZX_VM_PERM_READ)))
		err = -EACCES;
	else if (beyond_end(map, addr))
		err = -ERANGE;
	else
		err = READ_ONCE(map->vmo->store->discarded) ? -ENOENT : -ENOMEM;
	up_read(&aspace->lock);
unlock:
	mmap_read_unlock(mm);
	return err;
}
