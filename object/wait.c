// SPDX-License-Identifier: GPL-2.0
/*
 * zx_object_wait_one() and zx_object_wait_many().
 *
 * A wait ends when its handle is closed. A close is of a descriptor, and only the
 * last one ends the file, which the waiter holds anyway. So each close of a
 * descriptor of the handle makes the waiter look whether its own is still there.
 */
#include <linux/bitfield.h>
#include <linux/hrtimer.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "ioctl.h"
#include "signal.h"

#define MAX_ITEMS 64

/**
 * struct item - one handle that is waited on
 * @value: handle value
 * @ref: what it stands for
 * @waiter: in the object's list
 * @closed: the handle was closed meanwhile
 */
struct item {
	u32 value;
	struct zvm_handle_ref ref;
	struct zvm_waiter waiter;
	bool closed;
};

static void begin(struct item *item)
{
	struct zvm_object *obj = item->ref.obj;
	struct zvm_waiter *waiter = &item->waiter;

	waiter->file = fd_file(item->ref.fd);
	waiter->task = current;
	/* So that a close is seen that was faster than our being in the list. */
	waiter->check = true;
	spin_lock(&obj->signal_lock);
	if (obj->signals & waiter->wanted)
		zvm_waiter_match(waiter, obj->signals);
	list_add_tail(&waiter->link, &obj->waiters);
	spin_unlock(&obj->signal_lock);
}

/* Off the list; what is observed is as of now unless there was a match. */
static void end(struct item *item)
{
	struct zvm_object *obj = item->ref.obj;

	spin_lock(&obj->signal_lock);
	list_del(&item->waiter.link);
	if (!item->waiter.matched)
		item->waiter.observed = obj->signals;
	spin_unlock(&obj->signal_lock);
	if (item->closed)
		item->waiter.observed |= ZX_SIGNAL_HANDLE_CLOSED;
}

int zvm_object_flush(struct file *file, fl_owner_t id)
{
	struct zvm_object *obj = zvm_file_object(file);
	struct zvm_waiter *waiter;

	/* Pairs with the one in is_over(): list and descriptor, crosswise. */
	smp_mb();
	if (list_empty_careful(&obj->waiters))
		return 0;
	spin_lock(&obj->signal_lock);
	list_for_each_entry(waiter, &obj->waiters, link)
		if (waiter->file == file) {
			WRITE_ONCE(waiter->check, true);
			wake_up_process(waiter->task);
		}
	spin_unlock(&obj->signal_lock);
	return 0;
}

static bool is_closed(const struct item *item)
{
	struct zvm_handle_ref ref;
	bool same;

	if (zvm_handle_lookup(item->value, NULL, &ref))
		return true;
	same = fd_file(ref.fd) == fd_file(item->ref.fd);
	zvm_handle_ref_put(&ref);
	return !same;
}

/* Is there nothing left to wait for? */
static bool is_over(struct item *items, unsigned int nr)
{
	bool over = false;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		struct item *item = &items[i];

		if (READ_ONCE(item->waiter.check)) {
			WRITE_ONCE(item->waiter.check, false);
			/* A close after this look sets it again. */
			smp_mb();
			item->closed = item->closed || is_closed(item);
		}
		over = over || item->closed || READ_ONCE(item->waiter.matched);
	}
	return over;
}

/* 0, -ETIMEDOUT, or a signal has come. */
static int sleep_until(struct item *items, unsigned int nr, s64 deadline)
{
	ktime_t expires = deadline;
	int err;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		err = 0;
		/* Looks at descriptors, which takes locks but does not sleep. */
		if (is_over(items, nr))
			break;
		err = -ETIMEDOUT;
		if (deadline != S64_MAX && ktime_get() >= expires)
			break;
		/* A deadline is a point in time, so the wait can start again. */
		err = -ERESTARTNOINTR;
		if (signal_pending(current))
			break;
		if (deadline == S64_MAX)
			schedule();
		else
			schedule_hrtimeout(&expires, HRTIMER_MODE_ABS);
	}
	__set_current_state(TASK_RUNNING);
	return err;
}

static int wait_items(struct item *items, unsigned int nr, s64 deadline)
{
	unsigned int i;
	int err;

	for (i = 0; i < nr; i++)
		begin(&items[i]);
	err = sleep_until(items, nr, deadline);
	for (i = 0; i < nr; i++)
		end(&items[i]);
	/* What was matched while a signal or the deadline came counts. */
	for (i = 0; i < nr; i++) {
		if (items[i].closed)
			return -ECANCELED;
		if (items[i].waiter.matched)
			err = 0;
	}
	return err;
}

static int look_up(struct item *item)
{
	/* EBADF would say that the device is not what it seems. */
	if (zvm_handle_lookup(item->value, NULL, &item->ref))
		return -ENOENT;
	if (item->ref.rights & ZX_RIGHT_WAIT)
		return 0;
	zvm_handle_ref_put(&item->ref);
	return -EACCES;
}

int zvm_ioctl_object_wait_one(struct zvm_call *call)
{
	const struct zvm_object_wait_one *cmd = call->cmd;
	struct item item = { .value = cmd->handle, .waiter.wanted = cmd->signals };
	u32 __user *observed = u64_to_user_ptr(cmd->out_observed);
	int err;

	if (cmd->reserved)
		return -EOPNOTSUPP;
	err = look_up(&item);
	if (err)
		return err;
	err = wait_items(&item, 1, cmd->deadline);
	if (err != -ERESTARTNOINTR && observed && put_user(item.waiter.observed, observed))
		err = -EFAULT;
	zvm_handle_ref_put(&item.ref);
	return err;
}

/* The three words of a zx_wait_item_t. */
struct user_item {
	u32 handle;
	u32 waitfor;
	u32 pending;
};

static int wait_many(struct item *items, struct user_item __user *user, unsigned int nr,
		     s64 deadline)
{
	unsigned int i, held = 0;
	int err = 0;

	for (i = 0; i < nr; i++)
		if (get_user(items[i].value, &user[i].handle) ||
		    get_user(items[i].waiter.wanted, &user[i].waitfor))
			return -EFAULT;
	while (held < nr) {
		err = look_up(&items[held]);
		if (err)
			goto put;
		held++;
	}
	err = wait_items(items, nr, deadline);
	if (err == -ERESTARTNOINTR)
		goto put;
	for (i = 0; i < nr; i++)
		if (put_user(items[i].waiter.observed, &user[i].pending))
			err = -EFAULT;
put:
	while (held)
		zvm_handle_ref_put(&items[--held].ref);
	return err;
}

int zvm_ioctl_object_wait_many(struct zvm_call *call)
{
	const struct zvm_object_wait_many *cmd = call->cmd;
	struct item *items;
	int err;

	if (!cmd->count)
		return sleep_until(NULL, 0, cmd->deadline);
	if (cmd->count > MAX_ITEMS)
		return -ERANGE;
	items = kcalloc(cmd->count, sizeof(*items), GFP_KERNEL_ACCOUNT);
	if (!items)
		return -ENOMEM;
	err = wait_many(items, u64_to_user_ptr(cmd->items), cmd->count, cmd->deadline);
	kfree(items);
	return err;
}
