/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* The type of memory that Linux notes of pages (on x86), which /proc/kpageflags tells. */
#ifndef ZVM_PAGE_TYPE_H
#define ZVM_PAGE_TYPE_H

#include "proc_page.h"

#define CACHED ZX_CACHE_POLICY_CACHED
#define UNCACHED ZX_CACHE_POLICY_UNCACHED
#define WC ZX_CACHE_POLICY_WRITE_COMBINING

enum type { T_CACHED, T_WC, T_UNCACHED, T_UNKNOWN };

static inline enum type type_of_flags(uint64_t flags)
{
	/* PG_arch_1 alone; and what was PG_uncached once is PG_arch_2 on newer kernels. */
	bool wc = flags & 1ull << 38, uc = flags & (1ull << 39 | 1ull << 41);

	return uc ? T_UNCACHED : wc ? T_WC : T_CACHED;
}

static inline enum type type_for(uint32_t policy)
{
	return policy == CACHED ? T_CACHED : policy == WC ? T_WC : T_UNCACHED;
}

/* Does this kernel tell? Where it has the attribute table of x86, it does. */
static inline bool is_told(void)
{
	return !access("/sys/kernel/debug/x86/pat_memtype_list", R_OK) &&
	       !access("/proc/kpageflags", R_OK);
}

static inline enum type type_of(uint64_t pfn)
{
	uint64_t flags = pfn ? pp_kpage("/proc/kpageflags", pfn) : UINT64_MAX;

	return flags == UINT64_MAX ? T_UNKNOWN : type_of_flags(flags);
}

/* All pages of the machine that are not cached. */
static inline long count_uncached(void)
{
	/* Elsewhere the flags are about other things. */
	int fd = is_told() ? open("/proc/kpageflags", O_RDONLY | O_CLOEXEC) : -1;
	static uint64_t flags[4096];
	long count = 0;
	ssize_t n;

	while (fd >= 0 && (n = read(fd, flags, sizeof(flags))) > 0)
		for (ssize_t i = 0; i < n / 8; i++)
			count += flags[i] != 1ull << 20 /* no page */ &&
				 type_of_flags(flags[i]) != T_CACHED;
	if (fd >= 0)
		close(fd);
	return count;
}

#endif /* ZVM_PAGE_TYPE_H */
