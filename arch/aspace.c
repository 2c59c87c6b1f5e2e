// SPDX-License-Identifier: GPL-2.0
/*
 * Page table entries.
 */
#include <linux/mempolicy.h>
#include <linux/pkeys.h>
#include <linux/rcupdate.h>
#include <linux/userfaultfd_k.h>

#include "../compat.h"
#include "../vmo/pagemap.h"
#include "aspace.h"
#include "cache.h"
#include "pte.h"

/* What @flags allow. A protection key is the VMA's. */
static pgprot_t vma_prot(const struct vm_area_struct *vma, vm_flags_t flags)
{
	return vm_get_page_prot(flags | (vma->vm_flags & ARCH_VM_PKEY_FLAGS));
}

/*
 * A page that may be written counts as written to those who track that by
 * soft-dirty bits: no fault will come to tell them.
 */
static pgprot_t page_prot(const struct vm_area_struct *vma, vm_flags_t flags)
{
	pgprot_t prot = vma_prot(vma, flags);

	if (flags & VM_WRITE)
		prot = pte_pgprot(pte_mksoft_dirty(__pte(pgprot_val(prot))));
	return prot;
}

/*
 * userfaultfd leaves marks where a page that it has write-protected was unmapped.
 * They are in our way; without one the page counts as written.
 */
static int clear_uffd_mark(pte_t *pte, unsigned long addr, void *mm)
{
	if (zvm_pte_is_uffd_mark(*pte))
		pte_clear(mm, addr, pte);
	return 0;
}

long zvm_arch_map(struct vm_area_struct *vma, unsigned long addr, struct page **pages,
		  unsigned long n, vm_flags_t flags, u32 policy)
{
	/*
	 * vm_insert_page() takes the permissions from the VMA and insists on
	 * VM_MIXEDMAP, which the real one must not have: its pages are ordinary.
	 * So it gets a copy that says what we want.
	 */
	struct vm_area_struct copy = *vma;
	unsigned long left = n;
	struct page *folio;
	int err;

	vm_flags_init(&copy, vma->vm_flags | VM_MIXEDMAP);
	copy.vm_page_prot = zvm_arch_cache_prot(page_prot(vma, flags), policy);
	if (unlikely(userfaultfd_wp(vma)))
		apply_to_page_range(vma->vm_mm, addr, n << PAGE_SHIFT, clear_uffd_mark,
				    vma->vm_mm);

	/* Linux 6.1 wants it so. */
	folio = PageCompound(pages[0]) ? compound_head(pages[0]) : NULL;
	if (folio)
		lock_page(folio);
	if (n == 1) {
		err = vm_insert_page(&copy, addr, pages[0]);
		left = !!err;
	} else {
		err = vm_insert_pages(&copy, addr, pages, &left);
	}
	if (folio)
		unlock_page(folio);
	return left < n ? n - left : err;
}

vm_fault_t zvm_arch_map_physical(struct vm_area_struct *vma, unsigned long addr,
				 unsigned long pfn, unsigned long n, vm_flags_t flags, u32 policy)
{
	pgprot_t prot = pgprot_decrypted(zvm_arch_cache_prot(page_prot(vma, flags), policy));
	struct vm_area_struct copy = *vma;
	vm_fault_t ret = VM_FAULT_NOPAGE;

	/* Nor are entries without a page for VMAs like ours. */
	vm_flags_init(&copy, (vma->vm_flags & ~VM_MIXEDMAP) | VM_PFNMAP);
	if (unlikely(userfaultfd_wp(vma)))
		apply_to_page_range(vma->vm_mm, addr, n << PAGE_SHIFT, clear_uffd_mark,
				    vma->vm_mm);
	for (; n && ret == VM_FAULT_NOPAGE; n--, pfn++, addr += PAGE_SIZE)
		ret = vmf_insert_pfn_prot(&copy, addr, pfn, prot);
	return ret;
}

#ifdef zvm_find_special_page
struct page *zvm_arch_no_page(struct vm_area_struct *vma, unsigned long addr)
{
	return NULL;
}
#endif

/*
 * The entry for the 2 MiB around @addr. Tables of the levels above go only with the
 * VMA; what is below may, where the core reclaims empty page tables.
 */
static pmd_t pmd_at(struct vm_area_struct *vma, unsigned long addr)
{
	pgd_t *pgd = pgd_offset(vma->vm_mm, addr);
	p4d_t *p4d;
	pud_t *pud;

	if (pgd_none(*pgd))
		return __pmd(0);
	p4d = p4d_offset(pgd, addr);
	if (p4d_none(*p4d))
		return __pmd(0);
	pud = pud_offset(p4d, addr);
	if (pud_none(*pud))
		return __pmd(0);
	return READ_ONCE(*pmd_offset(pud, addr));
}

/* The same, with the PTE of the address if there is a page table, else none. */
static pmd_t read_entries(struct vm_area_struct *vma, unsigned long addr, pte_t *pte)
{
	pmd_t pmd;

	*pte = __pte(0);
	/* As long as this lasts a page table is not freed. */
	rcu_read_lock();
	pmd = pmd_at(vma, addr);
	if (!pmd_none(pmd) && !pmd_leaf(pmd))
		*pte = ptep_get(pte_offset_kernel(&pmd, addr));
	rcu_read_unlock();
	return pmd;
}

bool zvm_arch_is_mapped(struct vm_area_struct *vma, unsigned long addr)
{
	pte_t pte;
	pmd_t pmd = read_entries(vma, addr, &pte);

	return !pte_none(pte) || (!pmd_none(pmd) && pmd_leaf(pmd));
}

bool zvm_arch_query(struct vm_area_struct *vma, unsigned long addr,
		    struct zvm_arch_entry *entry)
{
	pte_t pte;
	pmd_t pmd = read_entries(vma, addr, &pte);

	if (pmd_present(pmd) && pmd_leaf(pmd)) {
		/* Permissions are the same bits. */
		pte = __pte(pmd_val(pmd));
		entry->pfn = pmd_pfn(pmd) + pte_index(addr);
	} else if (pte_present(pte)) {
		entry->pfn = pte_pfn(pte);
	} else {
		return false;
	}
	entry->cache = pte_val(pte) & ZVM_ARCH_CACHE_MASK;
	entry->flags = VM_READ;
	if (pte_write(pte))
		entry->flags |= VM_WRITE;
	if (zvm_arch_pte_exec(pte))
		entry->flags |= VM_EXEC;
	return true;
}

struct upgrade {
	struct mm_struct *mm;
	unsigned long addr;
	struct page **pages;
};

static int upgrade_pte(pte_t *pte, unsigned long addr, void *data)
{
	struct upgrade *up = data;
	struct page *page = up->pages[(addr - up->addr) >> PAGE_SHIFT];
	pte_t old = *pte;

	if (!pte_present(old) || pte_write(old))
		return 0;
	/* That looks at page->flags, others of which may change meanwhile. */
	if (pte_pfn(old) != data_race(page_to_pfn(page)))
		return 0;
	/* What userfaultfd has protected must have a fault of its own to be noticed. */
	if (pte_uffd_wp(old) && addr != up->addr)
		return 0;
	old = pte_mkyoung(pte_clear_uffd_wp(old));
	zvm_arch_relax_pte(up->mm, addr, pte, pte_mkwrite_novma(pte_mkdirty(old)));
	return 0;
}

void zvm_arch_upgrade(struct vm_area_struct *vma, unsigned long addr, struct page **pages,
		      unsigned long n)
{
	struct upgrade up = { .mm = vma->vm_mm, .addr = addr, .pages = pages };

	/* A failure means no page table there: then there is no PTE either. */
	apply_to_page_range(vma->vm_mm, addr, n << PAGE_SHIFT, upgrade_pte, &up);
	zvm_arch_relaxed(vma, addr, addr + (n << PAGE_SHIFT));
}

void zvm_arch_wrprotect(struct address_space *mapping, pgoff_t first, pgoff_t n)
{
	zvm_wrprotect_range(mapping, first, n);
}

#ifdef ZVM_HAS_HUGE_PMD
enum zvm_pmd zvm_arch_pmd(struct vm_area_struct *vma, unsigned long addr)
{
	pmd_t pmd = pmd_at(vma, addr);

	if (pmd_none(pmd))
		return ZVM_PMD_NONE;
	return pmd_leaf(pmd) ? ZVM_PMD_HUGE : ZVM_PMD_TABLE;
}

bool zvm_arch_maps_folios(const struct vm_area_struct *vma)
{
	return ZVM_FOLIO_SHIFT + PAGE_SHIFT == PMD_SHIFT && has_transparent_hugepage() &&
	       (vma->vm_flags & ZVM_VM_HUGE) == ZVM_VM_HUGE &&
	       (vma->vm_flags & (VM_SHARED | VM_EXEC)) == VM_SHARED;
}

vm_fault_t zvm_arch_map_folio(const struct vm_fault *vmf, struct page *folio, vm_flags_t flags)
{
	struct vm_area_struct copy = *vmf->vma;
	struct vm_fault huge = { .vma = &copy, .address = vmf->address, .pmd = vmf->pmd };

	/* The VMA's own may be those of a page that is written to for the first time. */
	copy.vm_page_prot = vma_prot(vmf->vma, VM_SHARED | VM_READ);
	return zvm_insert_huge_pmd(&huge, folio, flags & VM_WRITE);
}
#else
enum zvm_pmd zvm_arch_pmd(struct vm_area_struct *vma, unsigned long addr)
{
	return ZVM_PMD_TABLE;
}

bool zvm_arch_maps_folios(const struct vm_area_struct *vma)
{
	return false;
}

vm_fault_t zvm_arch_map_folio(const struct vm_fault *vmf, struct page *folio, vm_flags_t flags)
{
	return VM_FAULT_SIGBUS;
}
#endif

#ifdef CONFIG_NUMA
/* Neither counted nor freed by those who are given it for a look. */
static struct mempolicy local_policy = { .refcnt = ATOMIC_INIT(1), .mode = MPOL_LOCAL };

struct mempolicy *zvm_arch_policy(ZVM_POLICY_ARGS)
{
	return &local_policy;
}
#endif
