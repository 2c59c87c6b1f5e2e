/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Cache policies (ZX_CACHE_POLICY_...) as the processor knows them.
 */
#ifndef ZVM_ARCH_CACHE_H
#define ZVM_ARCH_CACHE_H

#include <linux/mm.h>

/* The bits of an entry that say so: small entries, but huge ones of x86 lack one. */
#ifdef CONFIG_X86
#define ZVM_ARCH_CACHE_MASK _PAGE_CACHE_MASK
#else
#define ZVM_ARCH_CACHE_MASK PTE_ATTRINDX_MASK
#endif

/* @prot for a page table entry of memory with that policy. */
pgprot_t zvm_arch_cache_prot(pgprot_t prot, u32 policy);

/*
 * Let the kernel's own mapping of RAM have a policy, too, and let no cache have anything
 * of the pages. They are CACHED before, or are to be CACHED. May sleep. 0, or -ENOMEM:
 * then they are CACHED. To make them so again does not fail.
 */
int zvm_arch_set_cache(struct page **pages, unsigned int n, u32 policy);

/*
 * Where the kernel's own mapping stays cached: before the kernel reads or writes a page
 * with a policy, and after it has written.
 */
#ifdef CONFIG_X86
static inline void zvm_arch_sync_alias(struct page *page)
{
}
#else
void zvm_arch_sync_alias(struct page *page);
#endif

enum zvm_cache_op {
	ZVM_CACHE_SYNC,		/* instructions that were written can be executed */
	ZVM_CACHE_CLEAN,	/* memory has what was written */
	ZVM_CACHE_CLEAN_INVALIDATE,	/* and the caches have not */
};

/* @len > 0 bytes of a page from @offset on. */
void zvm_arch_cache_op(struct page *page, size_t offset, size_t len, enum zvm_cache_op op);

/* Can the processor address that byte? */
bool zvm_arch_addressable(phys_addr_t addr);

/*
 * Let the kernel know how a range that is no RAM is to be mapped, so that nobody
 * maps it in another way meanwhile; zvm_arch_unclaim() with *@claim ends that. May
 * sleep. -ENOMEM: also if somebody does so already.
 */
/* Does that keep all from having another type? Else it is but a word. */
#define zvm_arch_claims_hold IS_ENABLED(CONFIG_X86)
int zvm_arch_claim(phys_addr_t addr, u64 len, u32 policy, void __iomem **claim);
/* @prot for an entry of the range: with the type that the claim has got. */
pgprot_t zvm_arch_claimed_prot(pgprot_t prot, const void __iomem *claim);
/* The most memory that page tables for a claim take. */
static inline u64 zvm_arch_claim_cost(u64 len)
{
	return zvm_arch_claims_hold ? ((len >> PMD_SHIFT) + 2) << PAGE_SHIFT : 0;
}

void zvm_arch_unclaim(void __iomem *claim);

#endif /* ZVM_ARCH_CACHE_H */
