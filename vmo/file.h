/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ZVM_VMO_FILE_H
#define ZVM_VMO_FILE_H

#include <linux/fs.h>

extern const struct file_operations zvm_vmo_fops;
extern const struct inode_operations zvm_vmo_iops;

#endif /* ZVM_VMO_FILE_H */
