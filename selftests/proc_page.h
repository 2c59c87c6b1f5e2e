/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What /proc tells of pages: by address, and by the number of the page. */
#ifndef ZVM_PROC_PAGE_H
#define ZVM_PROC_PAGE_H

#include "zvm_test.h"

static inline bool pp_read(const char *path, uint64_t index, uint64_t *val)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = pread(fd, val, sizeof(*val), (off_t)(index * sizeof(*val))) == sizeof(*val);
	close(fd);
	return ok;
}

/* What the page tables have at an address, without touching it. False: cannot be told. */
static inline bool pp_entry(const volatile void *addr, uint64_t *entry)
{
	return pp_read("/proc/self/pagemap", (uintptr_t)addr / ZT_P, entry);
}

/* The number of the page of memory at an address; 0: none. */
static inline uint64_t pp_pfn(const volatile void *addr)
{
	uint64_t entry;

	return pp_entry(addr, &entry) && entry >> 63 ? entry & ((1ull << 55) - 1) : 0;
}

/* What /proc/kpageflags or /proc/kpagecount has of a page; UINT64_MAX: cannot be told. */
static inline uint64_t pp_kpage(const char *path, uint64_t pfn)
{
	uint64_t val;

	return pp_read(path, pfn, &val) ? val : UINT64_MAX;
}

#endif /* ZVM_PROC_PAGE_H */
