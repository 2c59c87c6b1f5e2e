/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ZVM_VMO_FAULT_H
#define ZVM_VMO_FAULT_H

#include <linux/mm.h>

#include "vmo.h"

/**
 * struct zvm_window - the part of a VMO that a VMA shows around an address
 * @vma: where
 * @addr: address of a page
 * @vmo: what
 * @index: page of the VMO's store that belongs at @addr
 * @pages: from @addr on that are the same mapping with the same permissions;
 *	at least 1
 * @before: pages before @addr of which the same is true
 * @after: and behind @pages
 * @flags: VM_READ, VM_WRITE, VM_EXEC: its permissions; VM_SHARED
 * @beyond_stream: pages beyond the stream size must not be touched
 * @huge: set when there may be page table entries for folios, before there are
 *	any; NULL: nobody wants to know
 */
struct zvm_window {
	struct vm_area_struct *vma;
	unsigned long addr;
	struct zvm_vmo *vmo;
	u64 index;
	unsigned long pages;
	unsigned long before;
	unsigned long after;
	vm_flags_t flags;
	bool beyond_stream;
	bool *huge;
};

/*
 * Handle a fault (or page_mkwrite) in a window: permissions are already
 * checked. Takes the store's lock. VM_FAULT_OOM is for zvm_fault_out_of_memory().
 */
vm_fault_t zvm_store_fault(struct zvm_window *win, struct vm_fault *vmf);

/*
 * What to do about VM_FAULT_OOM: under the locks memory is only asked for
 * politely. No locks of ours held.
 */
vm_fault_t zvm_fault_out_of_memory(vm_fault_t ret);

/*
 * Install PTEs for pages that are present in the window, for at most @max of them.
 * Takes the store's lock. Moves the window on to what is left of it. 0; -ENOMEM if
 * there is no memory for page tables; or 1 if at the window's address there is a
 * folio that only a fault (for reading) can map as such.
 */
int zvm_store_populate(struct zvm_window *win, unsigned long max);

#endif /* ZVM_VMO_FAULT_H */
