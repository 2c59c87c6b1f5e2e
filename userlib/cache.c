// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * zx_cache_flush(): a process may do that by itself.
 */
#include "lib.h"

#define OPTIONS (ZX_CACHE_FLUSH_INSN | ZX_CACHE_FLUSH_DATA | ZX_CACHE_FLUSH_INVALIDATE)

#if defined(__x86_64__)
/* The least that there is; more often than needed does no harm. */
static size_t line_size(void)
{
	return 64;
}

/* There is no unprivileged way only to clean that each processor has. */
static void flush_line(uintptr_t addr, bool invalidate)
{
	(void)invalidate;
	__asm__ volatile("clflush (%0)" : : "r" (addr) : "memory");
}

static void barrier(void)
{
	__asm__ volatile("mfence" : : : "memory");
}
#elif defined(__aarch64__)
static size_t line_size(void)
{
	uint64_t ctr;

	__asm__("mrs %0, ctr_el0" : "=r" (ctr));
	return (size_t)4 << (ctr >> 16 & 15);
}

static void flush_line(uintptr_t addr, bool invalidate)
{
	if (invalidate)
		__asm__ volatile("dc civac, %0" : : "r" (addr) : "memory");
	else
		__asm__ volatile("dc cvac, %0" : : "r" (addr) : "memory");
}

static void barrier(void)
{
	__asm__ volatile("dsb sy" : : : "memory");
}
#endif

zx_status_t zx_cache_flush(const void *addr, size_t size, uint32_t options)
{
	const bool data = options & ZX_CACHE_FLUSH_DATA;
	const bool invalidate = options & ZX_CACHE_FLUSH_INVALIDATE;
	uintptr_t at = (uintptr_t)addr, end = at + size;
	size_t line = line_size();

	if (!(options & (ZX_CACHE_FLUSH_INSN | ZX_CACHE_FLUSH_DATA)) || options & ~OPTIONS ||
	    (invalidate && !data))
		return ZX_ERR_INVALID_ARGS;
	if (!size)
		return ZX_OK;
	if (data) {
		barrier();
		for (at &= -line; at < end; at += line)
			flush_line(at, invalidate);
		barrier();
	}
	if (options & ZX_CACHE_FLUSH_INSN)
		__builtin___clear_cache((char *)addr, (char *)addr + size);
	return ZX_OK;
}
