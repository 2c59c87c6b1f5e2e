/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The Linux side of address spaces, among its own files.
 */
#ifndef ZVM_VMAR_ARENA_H
#define ZVM_VMAR_ARENA_H

#include "aspace.h"
#include "fault.h"

/* Arenas begin at a multiple of this: one entry of a PUD maps as much. */
#define ZVM_ARENA_ALIGN	BIT(30)

/* Guests have no physical addresses beyond that, on any architecture. */
#define ZVM_GUEST_LIMIT	BIT_ULL(52)

/* Page tables that may have become unused before they are looked after. */
#define ZVM_TRIM_TABLES	32ul

/* The aspace of an arena's file. */
static inline struct zvm_aspace *zvm_file_aspace(const struct file *file)
{
	struct zvm_object *obj = container_of(file_inode(file), struct zvm_object, inode);

	return container_of(obj, struct zvm_aspace, obj);
}

/* The aspace whose arena the VMA is part of, or NULL. */
static inline struct zvm_aspace *zvm_vma_aspace(const struct vm_area_struct *vma)
{
	return vma->vm_ops == &zvm_arena_vm_ops ? zvm_file_aspace(vma->vm_file) : NULL;
}

/*
 * (Re)map part of the arena: a new VMA with @prot takes the place of what was
 * there, page tables and all. -ENOMEM also if the process has unmapped some of
 * it. Only in the process itself; aspace->remap_lock held, no others.
 */
int zvm_arena_mmap_locked(struct zvm_aspace *aspace, struct file *file,
			  u64 addr, u64 len, unsigned long prot);

#endif /* ZVM_VMAR_ARENA_H */
