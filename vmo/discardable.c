// SPDX-License-Identifier: GPL-2.0
/*
 * The locks of discardable VMOs: while there is one, the content must stay.
 */
#include "../uapi/zircon-vm.h"
#include "store.h"

/* A discardable VMO can be locked and unlocked as a whole only. */
static int check_locked(struct zvm_vmo *vmo, u64 offset, u64 len)
{
	lockdep_assert_held(&vmo->store->lock);
	return offset || len != vmo->store->size ? -ERANGE : 0;
}

int zvm_vmo_lock(struct zvm_vmo *vmo, u64 offset, u64 len)
{
	struct zvm_store *store = vmo->store;
	int err;

	if (!(vmo->options & ZVM_VMO_DISCARDABLE))
		return -EOPNOTSUPP;
	if (mutex_lock_killable(&store->lock))
		return -EINTR;
	err = check_locked(vmo, offset, len);
	if (!err)
		store->nr_locks++;
	mutex_unlock(&store->lock);
	return err;
}

int zvm_vmo_unlock(struct zvm_vmo *vmo, u64 offset, u64 len)
{
	struct zvm_store *store = vmo->store;
	int err;

	if (!(vmo->options & ZVM_VMO_DISCARDABLE))
		return -EOPNOTSUPP;
	mutex_lock(&store->lock);
	err = check_locked(vmo, offset, len);
	if (!err && !store->nr_locks)
		err = -EBADFD;
	if (!err)
		store->nr_locks--;
	mutex_unlock(&store->lock);
	return err;
}

void zvm_vmo_undo_lock(struct zvm_vmo *vmo)
{
	struct zvm_store *store = vmo->store;

	mutex_lock(&store->lock);
	/* Another thread's unlock may have been faster: then it has ours. */
	if (store->nr_locks)
		store->nr_locks--;
	mutex_unlock(&store->lock);
}
