/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Helpers of the tests of VMOs that want huge pages (ZVM_VMO_HUGE_PAGES).
 *
 * A test program includes "kselftest_harness.h", then this file.
 */
#ifndef ZVM_FOLIO_TEST_H
#define ZVM_FOLIO_TEST_H

#include "core_ptes.h"

#include <sys/utsname.h>

#define F (2ul << 20)
#define HUGE ZVM_VMO_HUGE_PAGES

/* The pages that a folio has. */
#define F_PAGES (F / P)

/*
 * Does this kernel let a module map a folio by one entry? From 6.2 on not as 6.1
 * does, and again from 6.16 on.
 */
static inline bool ft_has_pmds(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname u;

	if (uname(&u) || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return false;
	return (major == 6 && (minor < 2 || minor >= 16)) || major > 6;
}

/* KiB that are mapped by huge entries in the VMA at p. */
static inline int64_t ft_huge_kb(const void *p)
{
	return zt_smaps_kb(p, "FilePmdMapped");
}

/* What that has to be for this many folios. */
static inline int64_t ft_kb_of(unsigned int folios)
{
	return ft_has_pmds() ? (int64_t)(folios * F / 1024) : 0;
}

/* Is the page that is mapped at p part of a compound page? */
static inline bool ft_is_compound(const void *p)
{
	uint64_t pfn = pp_pfn(p), flags = pfn ? pp_kpage("/proc/kpageflags", pfn) : 0;

	return flags != UINT64_MAX && flags & (1ull << 15 | 1ull << 16);
}

/*
 * A region of its own, whose page tables nobody has used, and in it the VMO's start,
 * aligned. Behind it there is as much room again.
 */
static inline uint8_t *ft_map(struct vt_region *r, zx_handle_t vmo, size_t len)
{
	size_t off;

	*r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 2 * len + 2 * F);
	if (!r->h)
		return NULL;
	off = -r->base & (F - 1);
	return vt_map_at(r, ZT_RW, off, vmo, 0, len) == ZX_OK ? vt_ptr(r, off) : NULL;
}

static inline void ft_unmap(struct vt_region *r)
{
	if (r->h)
		zx_vmar_destroy(r->h);
	zx_handle_close(r->h);
}

/* A VMO that wants folios, all of it mapped where they fit; nothing is left in the end. */
#define FT_FIXTURE(name_, len_)								\
	FIXTURE(name_) {								\
		struct zvm_stats before;						\
		struct zt_bag bag;							\
		struct vt_region r;							\
		zx_handle_t vmo;							\
		uint8_t *p;								\
	};										\
											\
	FIXTURE_SETUP(name_)								\
	{										\
		ASSERT_TRUE(zt_warm_up());						\
		self->before = zt_stats();						\
		self->vmo = zt_keep(&self->bag, zt_vmo(len_, HUGE | ZX_VMO_RESIZABLE));	\
		ASSERT_NE(0, self->vmo);						\
		self->p = ft_map(&self->r, self->vmo, len_);				\
		ASSERT_NE(NULL, self->p);						\
		ASSERT_EQ(0, (uintptr_t)self->p % F);					\
	}										\
											\
	FIXTURE_TEARDOWN(name_)								\
	{										\
		ft_unmap(&self->r);							\
		zt_empty(&self->bag);							\
		if (_metadata->passed)							\
			ZT_EXPECT_NO_LEAK(&self->before);				\
	}

#endif /* ZVM_FOLIO_TEST_H */
