// SPDX-License-Identifier: GPL-2.0
/*
 * Cache policies as the processor knows them.
 */
#include <linux/io.h>

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

/* Nobody keeps such notes. */
int zvm_arch_claim(phys_addr_t addr, u64 len, u32 policy, void __iomem **claim)
{
	*claim = NULL;
	return 0;
}

void zvm_arch_unclaim(void __iomem *claim)
{
}
#endif
