/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The per-user limit. VMO pages cannot be swapped out; memory cgroups bound
 * them where there are any, this bounds them for a user everywhere. So it does
 * with the kernel's memory for objects and mappings, of which a user could make
 * any number without it.
 */
#ifndef ZVM_VMO_USER_H
#define ZVM_VMO_USER_H

#include <linux/types.h>

struct zvm_user;

/*
 * Whom to charge for what the calling task creates. Charges @bytes, for the
 * object that will keep the result. ERR_PTR(-ENOMEM): no memory, or over the
 * limit.
 */
struct zvm_user *zvm_user_current(size_t bytes);

/* False: over the limit, and the task has no CAP_IPC_LOCK. */
bool zvm_user_charge(struct zvm_user *user, size_t bytes);
/* Whatever the limit says. */
void zvm_user_charge_excess(struct zvm_user *user, size_t bytes);
void zvm_user_uncharge(struct zvm_user *user, size_t bytes);

/* Would this charge fail now? */
bool zvm_user_full(struct zvm_user *user, size_t bytes);

#endif /* ZVM_VMO_USER_H */
