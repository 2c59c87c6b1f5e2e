/* SPDX-License-Identifier: GPL-2.0 */
/* For KUnit: cache policies as they are in page table entries. */
#ifndef ZVM_ARCH_CACHE_KUNIT_H
#define ZVM_ARCH_CACHE_KUNIT_H

#include "../object/zircon.h"
#include "cache.h"

/* What the processor is to be told, on a kernel that knows no better than uncached, too. */
static inline u64 zvm_kunit_cache_bits(u32 policy)
{
#ifdef CONFIG_X86
	switch (policy) {
	case ZX_CACHE_POLICY_CACHED:
		return 0;
	case ZX_CACHE_POLICY_WRITE_COMBINING:
		return cachemode2protval(_PAGE_CACHE_MODE_WC);
	default:
		return cachemode2protval(_PAGE_CACHE_MODE_UC_MINUS);
	}
#else
	return pgprot_val(zvm_arch_cache_prot(PAGE_SHARED, policy)) & ZVM_ARCH_CACHE_MASK;
#endif
}

#endif /* ZVM_ARCH_CACHE_KUNIT_H */
