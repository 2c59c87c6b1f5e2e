/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A present PTE becomes writable: what that takes on each architecture.
 */
#ifndef ZVM_ARCH_PTE_H
#define ZVM_ARCH_PTE_H

#include <linux/mm.h>
#include <asm/tlbflush.h>

#ifdef CONFIG_ARM64
/* Can the process fetch instructions there? */
static inline bool zvm_arch_pte_exec(pte_t pte)
{
	return pte_user_exec(pte);
}

/*
 * set_pte_at() would bring the page's memory tags and the instruction cache up to
 * date, with functions that modules cannot call: nothing of that changes here.
 */
static inline void zvm_arch_relax_pte(struct mm_struct *mm, unsigned long addr, pte_t *ptep,
				      pte_t pte)
{
	set_pte(ptep, pte);
}

/* The TLB may go on saying "read-only", for ever. */
static inline void zvm_arch_relaxed(struct vm_area_struct *vma, unsigned long addr,
				    unsigned long end)
{
	flush_tlb_range(vma, addr, end);
}
#else
static inline bool zvm_arch_pte_exec(pte_t pte)
{
	return pte_exec(pte);
}

static inline void zvm_arch_relax_pte(struct mm_struct *mm, unsigned long addr, pte_t *ptep,
				      pte_t pte)
{
	set_pte_at(mm, addr, ptep, pte);
}

/* The processor asks the page table before it faults. */
static inline void zvm_arch_relaxed(struct vm_area_struct *vma, unsigned long addr,
				    unsigned long end)
{
}
#endif

#endif /* ZVM_ARCH_PTE_H */
