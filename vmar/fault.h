/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ZVM_VMAR_FAULT_H
#define ZVM_VMAR_FAULT_H

#include <linux/types.h>

extern const struct vm_operations_struct zvm_arena_vm_ops;

/*
 * Why did the kernel fail to access the caller's memory at or after @addr?
 * -ENOENT: nothing is there; -EACCES: not with that permission; -ERANGE: it is
 * a mapping beyond the end of its VMO or file; -ENOMEM: none of these. No locks
 * held.
 */
int zvm_classify_user_fault(u64 addr, bool write);

#endif /* ZVM_VMAR_FAULT_H */
