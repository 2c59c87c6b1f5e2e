/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels this module builds for. No other file looks
 * at LINUX_VERSION_CODE.
 */
#ifndef ZVM_COMPAT_H
#define ZVM_COMPAT_H

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/uio.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "zircon-vm needs Linux 6.1 or later"
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags &= ~flags;
}

static inline void vm_flags_init(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags = flags;
}
#endif

/* Reading a file into a pipe by way of its read_iter. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define zvm_splice_read generic_file_splice_read
#else
#define zvm_splice_read copy_splice_read
#endif

/* Let the process's own rules choose an address. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
#define zvm_mm_get_unmapped_area(...) current->mm->get_unmapped_area(__VA_ARGS__)
#else
#define zvm_mm_get_unmapped_area(...) mm_get_unmapped_area(__VA_ARGS__)
#endif

/*
 * Write-protecting leaves PTEs that are read-only and dirty. Where NUMA
 * balancing or userfaultfd make such PTEs writable again without asking us, and
 * where the kernel cannot do it, PTEs are removed instead.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0) && IS_ENABLED(CONFIG_MAPPING_DIRTY_HELPERS)
#define zvm_wrprotect_range(mapping, first, n) wp_shared_mapping_range(mapping, first, n)
#else
#define zvm_wrprotect_range(mapping, first, n) unmap_mapping_pages(mapping, first, n, false)
#endif

#endif /* ZVM_COMPAT_H */
