/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Physical VMOs: they have no pages, but show a range of physical addresses that is
 * no memory of Linux's, such as the registers of a device.
 */
#ifndef ZVM_VMO_PHYSICAL_H
#define ZVM_VMO_PHYSICAL_H

#include "claim.h"
#include "fault.h"

/**
 * struct zvm_physical - the range that a physical VMO's store shows
 * @addr: where it begins, a whole page; fixed
 * @claim: the range is of the type that the store says (store->lock)
 */
struct zvm_physical {
	phys_addr_t addr;
	struct zvm_claim claim;
};

/*
 * What zx_vmo_create_physical() makes, for who may; @len is not 0 and whole pages.
 * @own: the range is the caller's, a driver's. Errors: -EINVAL: @addr is no whole page,
 * or the sum wraps; -ERANGE: beyond what the processor can address; -EACCES: some of it
 * is RAM, or the kernel or a driver uses it, unless it is @own.
 */
struct zvm_vmo *zvm_vmo_new_physical(phys_addr_t addr, u64 len, bool own);

/* The store has come to its end. */
void zvm_physical_free(struct zvm_store *store);

/* Another cache policy. The lock of the store held; nothing is mapped. */
int zvm_physical_set_policy(struct zvm_store *store, u32 policy);

/* A fault in the VMO; the lock of the store held. */
vm_fault_t zvm_physical_fault(struct zvm_window *win, const struct vm_fault *vmf);

/*
 * Install at most @max PTEs at the start of the window. Returns how many of its pages
 * are done with, or -ENOMEM. The lock of the store held.
 */
long zvm_physical_populate(struct zvm_window *win, unsigned long max);

#endif /* ZVM_VMO_PHYSICAL_H */
