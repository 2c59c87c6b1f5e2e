/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ZVM_OBJECT_DEBUGFS_H
#define ZVM_OBJECT_DEBUGFS_H

void __init zvm_debugfs_init(void);
/* All files are closed then. */
void zvm_debugfs_exit(void);

#endif /* ZVM_OBJECT_DEBUGFS_H */
