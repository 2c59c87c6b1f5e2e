/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Cache policies (ZX_CACHE_POLICY_...) as the processor knows them.
 */
#ifndef ZVM_ARCH_CACHE_H
#define ZVM_ARCH_CACHE_H

#include <linux/mm.h>

/* @prot for a page table entry of memory with that policy. */
pgprot_t zvm_arch_cache_prot(pgprot_t prot, u32 policy);

/* Can the processor address that byte? */
bool zvm_arch_addressable(phys_addr_t addr);

/*
 * Let the kernel know how a range that is no RAM is to be mapped, so that nobody
 * maps it in another way meanwhile; zvm_arch_unclaim() with *@claim ends that. May
 * sleep. -ENOMEM: also if somebody does so already.
 */
int zvm_arch_claim(phys_addr_t addr, u64 len, u32 policy, void __iomem **claim);
void zvm_arch_unclaim(void __iomem *claim);

#endif /* ZVM_ARCH_CACHE_H */
