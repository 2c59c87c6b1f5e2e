// SPDX-License-Identifier: GPL-2.0
/*
 * Pins: pages that stay where they are.
 *
 * That pages are the store's own when they are pinned is what zvm_store_get_write()
 * is for. They stay so because a snapshot, which is the only way to get sharers, is
 * refused while there are pins, and what would take pages away asks here before. So
 * a pin counts nothing in the pages themselves.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>

#include "../uapi/zircon-vm.h"
#include "page.h"
#include "pin.h"
#include "store.h"

bool zvm_store_is_pinned(struct zvm_store *store, u64 first, u64 last)
{
	lockdep_assert_held(&store->lock);
	return store->wired || interval_tree_iter_first(&store->pins, first, last);
}

/* As other pinned memory is counted, over all processes of the user. */
static int charge_locked(struct zvm_pin *pin)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	atomic_long_t *total = &current_user()->locked_vm;
	long old;

	pin->locked = zvm_pin_pages(pin);
	if (capable(CAP_IPC_LOCK))
		return 0;
	if (pin->locked > limit)
		return -ENOMEM;
	old = atomic_long_read(total);
	do {
		if (old + pin->locked > limit)
			return -ENOMEM;
	} while (!atomic_long_try_cmpxchg(total, &old, old + pin->locked));
	pin->locked_cred = get_current_cred();
	return 0;
}

static void uncharge_locked(struct zvm_pin *pin)
{
	if (!pin->locked_cred)
		return;
	atomic_long_sub(pin->locked, &pin->locked_cred->user->locked_vm);
	put_cred(pin->locked_cred);
}

static int insert(struct zvm_pin *pin)
{
	struct zvm_store *store = pin->vmo->store;
	int err = 0;

	if (mutex_lock_killable(&store->lock))
		return -EINTR;
	if (pin->node.last >= zvm_vmo_limit(pin->vmo) >> PAGE_SHIFT)
		err = -ERANGE;
	else
		interval_tree_insert(&pin->node, &store->pins);
	mutex_unlock(&store->lock);
	return err;
}

static void remove(struct zvm_pin *pin)
{
	struct zvm_store *store = pin->vmo->store;

	mutex_lock(&store->lock);
	interval_tree_remove(&pin->node, &store->pins);
	mutex_unlock(&store->lock);
}

static void forget(struct zvm_pin *pin)
{
	zvm_object_put(&pin->vmo->obj);
	uncharge_locked(pin);
	pin->vmo = NULL;
}

/* All but the pages. */
static int pin_range(struct zvm_vmo *vmo, u64 offset, u64 len, struct zvm_pin *pin, bool charge)
{
	u64 end, size = zvm_vmo_size(vmo);
	int err;

	if (!len || !PAGE_ALIGNED(offset | len))
		return -EINVAL;
	if (offset > size || len > size - offset)
		return -ERANGE;
	end = vmo->offset + offset + len;
	pin->node.start = (vmo->offset + offset) >> PAGE_SHIFT;
	pin->node.last = (end >> PAGE_SHIFT) - 1;
	pin->locked_cred = NULL;
	err = charge ? charge_locked(pin) : 0;
	if (err)
		return err;
	pin->vmo = vmo;
	zvm_object_get(&vmo->obj);
	err = insert(pin);
	if (err)
		forget(pin);
	return err;
}

/* First the pin, then the pages: those that have come stay. */
static int commit_pinned(struct zvm_pin *pin, u64 offset, u64 len)
{
	int err = zvm_vmo_commit(pin->vmo, offset, len);

	if (err)
		zvm_vmo_unpin(pin);
	return err;
}

int zvm_vmo_pin(struct zvm_vmo *vmo, u64 offset, u64 len, struct zvm_pin *pin)
{
	return pin_range(vmo, offset, len, pin, true) ?: commit_pinned(pin, offset, len);
}

int zvm_vmo_pin_for_kernel(struct zvm_vmo *vmo, u64 offset, u64 len, struct zvm_pin *pin)
{
	return pin_range(vmo, offset, len, pin, false) ?: commit_pinned(pin, offset, len);
}

int zvm_vmo_pin_physical(struct zvm_vmo *vmo, u64 offset, u64 len, struct zvm_pin *pin)
{
	return pin_range(vmo, offset, len, pin, false);
}

void zvm_vmo_unpin(struct zvm_pin *pin)
{
	remove(pin);
	forget(pin);
}

int zvm_pin_get_pages(const struct zvm_pin *pin, u64 first, unsigned int n,
		      struct page **pages)
{
	struct zvm_store *store = pin->vmo->store;
	unsigned int i;
	bool writable;

	/* Who has it may be at work on all of a large VMO. */
	if (mutex_lock_killable(&store->lock))
		return -EINTR;
	for (i = 0; i < n; i++)
		pages[i] = zvm_store_peek(store, pin->node.start + first + i, &writable);
	mutex_unlock(&store->lock);
	return 0;
}

/* Fill what is there of [first, last] with zeros. */
static int clear_in_place(struct zvm_store *store, u64 first, u64 last)
{
	struct page *page;

	/* It takes a mapping that is cached. */
	if (store->cache_policy != ZX_CACHE_POLICY_CACHED)
		return -EBADFD;
	for (; (first = zvm_store_next(store, first)) <= last; first++) {
		page = zvm_store_get_write(store, first, NULL);
		if (IS_ERR(page))
			return PTR_ERR(page);
		zvm_page_zero(page, 0, PAGE_SIZE);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

int zvm_store_zero(struct zvm_store *store, u64 first, u64 last)
{
	struct interval_tree_node *pin;
	int err = 0;

	lockdep_assert_held(&store->lock);
	if (store->contiguous || store->wired)
		return clear_in_place(store, first, last);
	while (!err && first <= last) {
		pin = interval_tree_iter_first(&store->pins, first, last);
		if (!pin || pin->start > first) {
			u64 end = pin ? pin->start - 1 : last;

			err = zvm_store_erase(store, first, end, false);
			first = end + 1;
		} else {
			u64 end = min_t(u64, pin->last, last);

			err = clear_in_place(store, first, end);
			first = end + 1;
		}
	}
	return err;
}
