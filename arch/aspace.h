/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Page table entries: what Zircon calls the architecture's address space. The
 * rest of the module decides, this does.
 */
#ifndef ZVM_ARCH_ASPACE_H
#define ZVM_ARCH_ASPACE_H

#include <linux/mm.h>

#include "../compat.h"

/*
 * Does an instruction fetch from a page that is present, but not executable, end
 * only if the VMA forbids it? Where the VMA allows it, the core then asks nobody,
 * and the fetch is tried again for ever.
 */
#define zvm_arch_exec_by_vma IS_ENABLED(CONFIG_ARM64)

/* Can an ordinary VMA have the PTEs that zvm_arch_map_physical() makes? */
#ifdef zvm_find_special_page
#define zvm_arch_special_ptes true
#else
#define zvm_arch_special_ptes false
#endif

/**
 * struct zvm_arch_aspace - the page tables that show an address space
 * @mm: the process's memory that has them, held by mmgrab(); NULL: none yet. Set once
 * @ptes: the file mapping by which its PTEs are found, wherever they are; fixed
 * @start: address in @mm of what the first page of @ptes shows; fixed once there is @mm
 */
struct zvm_arch_aspace {
	struct mm_struct *mm;
	struct address_space *ptes;
	unsigned long start;
};

/**
 * struct zvm_arch_entry - what a page table says of an address
 * @pfn: the page
 * @flags: VM_READ, VM_WRITE, VM_EXEC: what needs no fault
 * @cache: how it is cached, as zvm_arch_cache_prot() says it for a policy
 */
struct zvm_arch_entry {
	unsigned long pfn;
	vm_flags_t flags;
	u64 cache;
};

/*
 * Map @n pages, all of one folio or none of any, from @addr on with the permissions
 * of @flags (VM_READ, VM_WRITE, VM_EXEC, and VM_SHARED unless the mapping is private)
 * and a ZX_CACHE_POLICY_..., which the kernel's own mapping of the pages has, too.
 * mmap_lock of the VMA held. Returns how many are mapped, or an error if not even the
 * first: -EBUSY if there is a PTE already.
 */
long zvm_arch_map(struct vm_area_struct *vma, unsigned long addr, struct page **pages,
		  unsigned long n, vm_flags_t flags, u32 policy);

/*
 * Map @n physical pages without a struct page from @pfn on, as zvm_arch_map() does,
 * with a ZX_CACHE_POLICY_... What has a PTE already keeps it. VM_FAULT_NOPAGE: all
 * are mapped; else an error. The VMA has VM_PFNMAP, or there are
 * zvm_arch_special_ptes.
 */
vm_fault_t zvm_arch_map_physical(struct vm_area_struct *vma, unsigned long addr,
				 unsigned long pfn, unsigned long n, vm_flags_t flags, u32 policy);

/* The find_special_page of a VMA whose special PTEs all are made by the above. */
struct page *zvm_arch_no_page(struct vm_area_struct *vma, unsigned long addr);

/*
 * Make the PTEs of the pages writable, from @addr on, where they are still
 * there. mmap_lock of the VMA held.
 */
void zvm_arch_upgrade(struct vm_area_struct *vma, unsigned long addr, struct page **pages,
		      unsigned long n);

/* Remove the PTEs of @n > 0 pages of a file from all its mappings. */
static inline void zvm_arch_unmap(struct address_space *mapping, pgoff_t first, pgoff_t n,
				  bool even_cows)
{
	unmap_mapping_pages(mapping, first, n, even_cows);
}

/*
 * Is there a PTE, or what stands for one? mmap_lock of the VMA held. If the caller
 * keeps new ones away, no means that there is none.
 */
bool zvm_arch_is_mapped(struct vm_area_struct *vma, unsigned long addr);

/*
 * What is mapped at the address? False: nothing. mmap_lock of the VMA held; the answer
 * may be outdated when it comes, unless the caller keeps others from changing it.
 */
bool zvm_arch_query(struct vm_area_struct *vma, unsigned long addr,
		    struct zvm_arch_entry *entry);

/* Remove the PTE of one address. mmap_lock of the VMA held. */
static inline void zvm_arch_unmap_here(struct vm_area_struct *vma, unsigned long addr)
{
	zvm_zap_vma(vma, addr, PAGE_SIZE);
}

/*
 * Take write permission from the PTEs of @n > 0 pages of an arena. Not for
 * other mappings: the core may give a dirty PTE its write permission back.
 */
void zvm_arch_wrprotect(struct address_space *mapping, pgoff_t first, pgoff_t n);

/*
 * What a 2 MiB range has in place of a page table: ZVM_PMD_NONE nothing,
 * ZVM_PMD_TABLE a page table, ZVM_PMD_HUGE an entry for a folio. As long as a lock is
 * held that keeps entries for folios from being made, zvm_arch_map() may be used
 * unless it is the last. mmap_lock of the VMA held.
 */
enum zvm_pmd { ZVM_PMD_NONE, ZVM_PMD_TABLE, ZVM_PMD_HUGE };
enum zvm_pmd zvm_arch_pmd(struct vm_area_struct *vma, unsigned long addr);

/*
 * Can the VMA have entries for folios? It must not be executable: such an entry
 * would have the VMA's permission, not the mapping's.
 */
bool zvm_arch_maps_folios(const struct vm_area_struct *vma);

/*
 * Map a folio, by its first page, where @vmf's range has ZVM_PMD_NONE. The VMA covers
 * the range. @flags: VM_WRITE or not.
 */
vm_fault_t zvm_arch_map_folio(const struct vm_fault *vmf, struct page *folio, vm_flags_t flags);

/*
 * A get_policy that says "local", and not "migrate on fault": NUMA balancing
 * passes over such a VMA. Our pages cannot be moved to another node; and to look
 * for some in the terabytes of an arena would keep it from the rest of the process
 * for hours. No policy would do, too, but from 7.2 on that means the task's.
 */
extern typeof(*((const struct vm_operations_struct *)NULL)->get_policy) zvm_arch_policy;

#endif /* ZVM_ARCH_ASPACE_H */
