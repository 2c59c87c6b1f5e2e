/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ZVM_VMO_WIRED_H
#define ZVM_VMO_WIRED_H

#include "vmo.h"

/*
 * A VMO of pages that exist already and stay its for life; include/linux/zircon_vm.h
 * says which pages may be. -EINVAL, -EBUSY: they may not; -ENOMEM, -EINTR.
 */
struct zvm_vmo *zvm_vmo_new_wired(struct page **pages, unsigned long count);

#endif /* ZVM_VMO_WIRED_H */
