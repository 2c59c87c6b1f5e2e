// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's own page table entries.
 *
 * The kernel offers modules no way to change what vmap() has mapped, nor one to
 * empty TLBs that is there in all versions. So this does what the kernel does: it
 * finds the entry, sets it, and has each processor forget what it knew.
 */
#include <linux/mm.h>
#include <linux/smp.h>
#include <linux/vmalloc.h>
#include <asm/tlbflush.h>

#include "kernel.h"

#if defined(CONFIG_X86_64)
#include <asm/cpufeature.h>
#include <asm/special_insns.h>

bool zvm_arch_kernel_can_protect(void)
{
	/* A hypervisor that keeps the page tables wants to be asked. */
	return !boot_cpu_has(X86_FEATURE_XENPV);
}

static pte_t *kernel_pte(unsigned long addr)
{
	unsigned int level;
	pte_t *pte = lookup_address(addr, &level);

	return pte && level == PG_LEVEL_4K ? pte : NULL;
}

/*
 * To change PGE, either way, empties a TLB of everything: of global entries and of
 * those of all address spaces, which have one each where the kernel hides from
 * programs (PTI). Interrupts are off, so nobody else changes CR4 meanwhile.
 */
static void forget_all(void *unused)
{
	unsigned long cr4 = native_read_cr4();

	asm volatile("mov %0, %%cr4" : : "r" (cr4 ^ X86_CR4_PGE) : "memory");
	asm volatile("mov %0, %%cr4" : : "r" (cr4) : "memory");
}

static void flush_kernel_range(unsigned long start, unsigned long end)
{
	on_each_cpu(forget_all, NULL, true);
}

#elif defined(CONFIG_ARM64)
#include <asm/sysreg.h>

bool zvm_arch_kernel_can_protect(void)
{
	/* Where the register would hold an address in another way. */
	return !IS_ENABLED(CONFIG_ARM64_PA_BITS_52);
}

/* From the processor's own register, as init_mm is not for modules. */
static pte_t *kernel_pte(unsigned long addr)
{
	phys_addr_t table = read_sysreg(ttbr1_el1) & GENMASK_ULL(47, 0) & PAGE_MASK;
	pgd_t *pgd = pgd_offset_pgd((pgd_t *)phys_to_virt(table), addr);
	p4d_t *p4d;
	pud_t *pud;
	pmd_t *pmd;

	if (!zvm_arch_kernel_can_protect() || pgd_none(READ_ONCE(*pgd)))
		return NULL;
	p4d = p4d_offset(pgd, addr);
	if (p4d_none(READ_ONCE(*p4d)))
		return NULL;
	pud = pud_offset(p4d, addr);
	if (pud_none(READ_ONCE(*pud)) || pud_sect(READ_ONCE(*pud)))
		return NULL;
	pmd = pmd_offset(pud, addr);
	if (pmd_none(READ_ONCE(*pmd)) || pmd_sect(READ_ONCE(*pmd)))
		return NULL;
	return pte_offset_kernel(pmd, addr);
}

static void flush_kernel_range(unsigned long start, unsigned long end)
{
	flush_tlb_kernel_range(start, end);
}

#else
#error "kernel page tables of x86-64 and arm64 only"
#endif

void zvm_arch_kernel_protect(unsigned long addr, unsigned long len, pgprot_t prot)
{
	unsigned long at;

	for (at = addr; at < addr + len; at += PAGE_SIZE) {
		pte_t *pte = kernel_pte(at);

		if (WARN_ON_ONCE(!pte))
			continue;
		set_pte(pte, pfn_pte(pte_pfn(READ_ONCE(*pte)), prot));
		cond_resched();
	}
	flush_kernel_range(addr, addr + len);
}

int zvm_arch_kernel_show(unsigned long addr, unsigned long len, unsigned long pfn,
			 pgprot_t prot)
{
	unsigned long at;

	/* No TLB may have two that are about different memory, not even by speculation. */
	for (at = addr; at < addr + len; at += PAGE_SIZE) {
		pte_t *pte = kernel_pte(at);

		if (WARN_ON_ONCE(!pte))
			return -EIO;
		set_pte(pte, __pte(0));
		cond_resched();
	}
	flush_kernel_range(addr, addr + len);
	for (at = addr; at < addr + len; at += PAGE_SIZE) {
		set_pte(kernel_pte(at), pfn_pte(pfn++, prot));
		cond_resched();
	}
	return 0;
}

bool zvm_arch_kernel_query(unsigned long addr, struct zvm_arch_entry *entry)
{
	pte_t *ptep = kernel_pte(addr), pte;

	if (!ptep)
		return false;
	pte = READ_ONCE(*ptep);
	if (!pte_present(pte))
		return false;
	entry->pfn = pte_pfn(pte);
	entry->cache = pte_val(pte) & ZVM_ARCH_CACHE_MASK;
	entry->flags = pte_write(pte) ? VM_READ | VM_WRITE : VM_READ;
	return true;
}
