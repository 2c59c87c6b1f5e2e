// SPDX-License-Identifier: GPL-2.0
/*
 * Cache policies as the processor knows them.
 */
#include <linux/cacheflush.h>
#include <linux/io.h>
#include <linux/set_memory.h>

#include "../object/zircon.h"
#include "cache.h"

/* Who may execute is up to the mapping: arm64's pgprot_...() would say nobody. */
static pgprot_t with_type(pgprot_t prot, pgprot_t type)
{
#ifdef CONFIG_ARM64
	return __pgprot_modify(prot, PTE_ATTRINDX_MASK, pgprot_val(type) & PTE_ATTRINDX_MASK);
#else
	return type;
#endif
}

pgprot_t zvm_arch_cache_prot(pgprot_t prot, u32 policy)
{
	switch (policy) {
	case ZX_CACHE_POLICY_UNCACHED:
		return with_type(prot, pgprot_noncached(prot));
	case ZX_CACHE_POLICY_UNCACHED_DEVICE:
		return with_type(prot, pgprot_device(prot));
	case ZX_CACHE_POLICY_WRITE_COMBINING:
		return with_type(prot, pgprot_writecombine(prot));
	default:
		return prot;
	}
}

#ifdef CONFIG_X86
bool zvm_arch_addressable(phys_addr_t addr)
{
	return !(addr >> boot_cpu_data.x86_phys_bits);
}

int zvm_arch_set_cache(struct page **pages, unsigned int n, u32 policy)
{
	int err;

	if (policy == ZX_CACHE_POLICY_CACHED)
		err = set_pages_array_wb(pages, n);
	else if (policy == ZX_CACHE_POLICY_WRITE_COMBINING)
		err = set_pages_array_wc(pages, n);
	else
		err = set_pages_array_uc(pages, n);
	if (!err)
		return 0;
	/* The large entries that they were part of are split already. */
	WARN_ON_ONCE(set_pages_array_wb(pages, n));
	return -ENOMEM;
}

void zvm_arch_cache_op(struct page *page, size_t offset, size_t len, enum zvm_cache_op op)
{
	/* What is written can be executed; and there is no exported way only to clean. */
	if (op != ZVM_CACHE_SYNC)
		clflush_cache_range(page_address(page) + offset, len);
}

/*
 * Page table entries for what is no RAM get the type that the kernel has noted for
 * it: uncached if there is no note, and without one nobody else is kept from having
 * another. The way for modules to have one made is to map the range in the kernel.
 */
int zvm_arch_claim(phys_addr_t addr, u64 len, u32 policy, void __iomem **claim)
{
	switch (policy) {
	case ZX_CACHE_POLICY_CACHED:
		*claim = ioremap_cache(addr, len);
		break;
	case ZX_CACHE_POLICY_WRITE_COMBINING:
		*claim = ioremap_wc(addr, len);
		break;
	default:
		*claim = ioremap(addr, len);
	}
	return *claim ? 0 : -ENOMEM;
}

pgprot_t zvm_arch_claimed_prot(pgprot_t prot, const void __iomem *claim)
{
	unsigned int level;
	pte_t *pte = lookup_address((__force unsigned long)claim, &level);
	pgprot_t type;

	if (WARN_ON_ONCE(!pte))
		return prot;
	type = pte_pgprot(*pte);
	if (level != PG_LEVEL_4K)
		type = pgprot_large_2_4k(type);
	return __pgprot((pgprot_val(prot) & ~_PAGE_CACHE_MASK) |
			(pgprot_val(type) & _PAGE_CACHE_MASK));
}

void zvm_arch_unclaim(void __iomem *claim)
{
	if (claim)
		iounmap(claim);
}
#else
bool zvm_arch_addressable(phys_addr_t addr)
{
	return !(addr & ~PHYS_MASK);
}

/* The smallest line of any processor's data cache, or less. */
static size_t line_size(void)
{
	return min_t(size_t, 64, 4u << (read_cpuid_cachetype() >> 16 & 0xf));
}

static void clean(unsigned long addr, unsigned long end, bool invalidate)
{
	size_t line = line_size();

	for (addr = round_down(addr, line); addr < end; addr += line) {
		if (invalidate)
			asm volatile("dc civac, %0" : : "r" (addr) : "memory");
		else
			asm volatile("dc cvac, %0" : : "r" (addr) : "memory");
	}
	dsb(sy);
}

void zvm_arch_sync_alias(struct page *page)
{
	unsigned long addr = (unsigned long)page_address(page);

	clean(addr, addr + PAGE_SIZE, true);
}

/* Linux lets no module change its own mapping: see docs/semantics.md. */
int zvm_arch_set_cache(struct page **pages, unsigned int n, u32 policy)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		zvm_arch_sync_alias(pages[i]);
	return 0;
}

void zvm_arch_cache_op(struct page *page, size_t offset, size_t len, enum zvm_cache_op op)
{
	unsigned long addr = (unsigned long)page_address(page) + offset;

	if (op == ZVM_CACHE_SYNC)
		caches_clean_inval_pou(addr, addr + len);
	else
		clean(addr, addr + len, op == ZVM_CACHE_CLEAN_INVALIDATE);
}

/* Nobody keeps such notes. */
int zvm_arch_claim(phys_addr_t addr, u64 len, u32 policy, void __iomem **claim)
{
	*claim = NULL;
	return 0;
}

pgprot_t zvm_arch_claimed_prot(pgprot_t prot, const void __iomem *claim)
{
	return prot;
}

void zvm_arch_unclaim(void __iomem *claim)
{
}
#endif
