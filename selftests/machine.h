/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * An address space for a virtual machine, with a VMO in it.
 *
 * A test program includes "kselftest_harness.h", then this file.
 */
#ifndef ZVM_MACHINE_H
#define ZVM_MACHINE_H

#include "zvm_vmar_test.h"

#define GIB (1ull << 30)

/* A machine's memory from 0 on; the first bytes are the VMO's. */
struct machine {
	struct vt_region r;
	zx_handle_t vmo;
	size_t len;		/* of the VMO */
	uint8_t *at;		/* where address 0 is in the process, once adopted */
};

static inline zx_status_t machine_make(struct machine *m, zx_vaddr_t base, uint64_t pages,
				       uint32_t options)
{
	zx_handle_t h;
	zx_status_t st = zvm_aspace_create(ZVM_ASPACE_GUEST_PHYS, base, GIB, &h);

	if (st != ZX_OK)
		return st;
	m->r = vt_region_of(h);
	m->vmo = vt_tagged_vmo(1, pages, options);
	m->len = pages * P;
	return vt_map_at(&m->r, ZT_RW, 0, m->vmo, 0, m->len);
}

static inline zx_status_t machine_adopt(struct machine *m)
{
	zx_vaddr_t addr = 0;
	zx_status_t st = zvm_aspace_adopt(m->r.h, &addr);

	m->at = (uint8_t *)addr;
	return st;
}

#endif /* ZVM_MACHINE_H */
