/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Where memory is: what the tests of contiguous VMOs and of pins share.
 */
#ifndef ZVM_BTI_TEST_H
#define ZVM_BTI_TEST_H

#include <grp.h>

#include "memcg.h"

#define NOBODY 65534
#define USER_PAGES "/sys/module/zircon_vm/parameters/user_pages"

static inline zx_handle_t bt_bti(void)
{
	zx_handle_t bti;

	return zx_bti_create(ZX_HANDLE_INVALID, 0, 0, &bti) == ZX_OK ? bti : ZX_HANDLE_INVALID;
}

/* A contiguous VMO. What the kernel can do to make room in a row has been done. */
static inline zx_handle_t bt_contiguous(zx_handle_t bti, size_t size, uint32_t alignment_log2)
{
	zx_handle_t vmo;

	for (int i = 0; i < 3; i++) {
		if (zx_vmo_create_contiguous(bti, size, alignment_log2, &vmo) == ZX_OK)
			return vmo;
		vt_write_file("/proc/sys/vm/drop_caches", "3");
		vt_write_file("/proc/sys/vm/compact_memory", "1");
	}
	return ZX_HANDLE_INVALID;
}

/* The number of the page at @offset of the VMO; 0: it has none. */
static inline uint64_t bt_vmo_pfn(zx_handle_t vmo, uint64_t offset)
{
	uint8_t *map = zt_map(vmo, offset, P, ZX_VM_PERM_READ);
	uint64_t pfn = 0;

	if (map && vt_load(map) >= 0)
		pfn = pp_pfn(map);
	if (map)
		zt_unmap(map, P);
	return pfn;
}

/* Are the pages of the VMO in a row, from @pfn on? */
static inline bool bt_in_a_row(zx_handle_t vmo, size_t size, uint64_t pfn)
{
	uint8_t *map = zt_map(vmo, 0, size, ZX_VM_PERM_READ);
	bool ok = map;

	for (size_t i = 0; ok && i < size / P; i++)
		ok = vt_load(map + i * P) >= 0 && pp_pfn(map + i * P) == pfn + i;
	if (map)
		zt_unmap(map, size);
	return ok;
}

/* Become somebody without any privilege. */
static inline bool bt_be_nobody(void)
{
	return setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
	       setresuid(NOBODY, NOBODY, NOBODY) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
}

#endif
