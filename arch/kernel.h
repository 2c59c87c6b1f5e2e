/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's own page table entries, of what vmap() has mapped for us. Nobody
 * else changes these until vunmap().
 */
#ifndef ZVM_ARCH_KERNEL_H
#define ZVM_ARCH_KERNEL_H

#include "aspace.h"
#include "cache.h"

/* Can protections be changed on this machine? */
bool zvm_arch_kernel_can_protect(void);

/* For an entry of memory with that cache policy. */
static inline pgprot_t zvm_arch_kernel_prot(bool writable, u32 policy)
{
	return zvm_arch_cache_prot(writable ? PAGE_KERNEL : PAGE_KERNEL_RO, policy);
}

/*
 * Give the @len bytes at @addr, whole pages that vmap() has mapped, another
 * protection, on all processors. Interrupts on.
 */
void zvm_arch_kernel_protect(unsigned long addr, unsigned long len, pgprot_t prot);

/*
 * Have the @len bytes at @addr, likewise, show physical memory from @pfn on instead of
 * the pages that vmap() was given, to which nobody has got by these addresses. 0, or -EIO.
 */
int zvm_arch_kernel_show(unsigned long addr, unsigned long len, unsigned long pfn,
			 pgprot_t prot);

/* What is mapped at the address? False: nothing, or nobody can tell. */
bool zvm_arch_kernel_query(unsigned long addr, struct zvm_arch_entry *entry);

#endif /* ZVM_ARCH_KERNEL_H */
