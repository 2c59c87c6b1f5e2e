/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's address space, as other modules map VMOs into it.
 */
#ifndef ZVM_VMAR_KERNEL_ASPACE_H
#define ZVM_VMAR_KERNEL_ASPACE_H

#include <linux/interval_tree.h>

#include "../vmo/pin.h"

/**
 * struct zvm_kernel_mapping - part of a VMO at an address of the kernel's
 * @node: its first and last byte, in the tree
 * @pin: the pages, which stay where they are, and the VMO
 * @vmo_offset: where it begins in the VMO, in bytes
 *
 * All but the pages' protection is fixed.
 */
struct zvm_kernel_mapping {
	struct interval_tree_node node;
	struct zvm_pin pin;
	u64 vmo_offset;
};

/* What include/linux/zircon_vm.h says of zircon_kernel_map(), but for options. */
void *zvm_kernel_map(struct zvm_vmo *vmo, u64 offset, u64 len, bool writable);
int zvm_kernel_unmap(void *addr);
int zvm_kernel_protect(void *addr, u64 len, bool writable);

/**
 * struct zvm_kernel_place - what is at an address
 * @base: where the mapping begins
 * @size: bytes of the mapping
 * @vmo_koid: of the VMO
 * @vmo_offset: of the mapping in the VMO
 * @writable: the page that was asked for
 * @cache_policy: of that, by its entry
 * @phys: of the byte that was asked for
 */
struct zvm_kernel_place {
	unsigned long base;
	u64 size;
	u64 vmo_koid;
	u64 vmo_offset;
	bool writable;
	u32 cache_policy;
	phys_addr_t phys;
};

int zvm_kernel_query(const void *addr, struct zvm_kernel_place *place);

/* All mappings, a line each, by address. */
void zvm_kernel_show(struct seq_file *m);

/* Mappings there are now. */
u64 zvm_kernel_mapping_count(void);

#endif /* ZVM_VMAR_KERNEL_ASPACE_H */
