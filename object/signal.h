/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ZVM_OBJECT_SIGNAL_H
#define ZVM_OBJECT_SIGNAL_H

#include <linux/poll.h>
#include <linux/sched.h>

#include "object.h"

/**
 * struct zvm_waiter - a task that waits for signals of an object
 * @link: in the object's list
 * @file: the handle by which it waits
 * @task: itself
 * @wanted: ZX_..._SIGNAL bits
 * @matched: one of them has come: @observed is what all were then
 * @observed: see above
 * @check: a descriptor of the handle has been closed; it may have been the one
 *
 * All but @matched and @check is guarded by the object's signal_lock or fixed.
 */
struct zvm_waiter {
	struct list_head link;
	struct file *file;
	struct task_struct *task;
	u32 wanted;
	bool matched;
	bool check;
	u32 observed;
};

static inline void zvm_waiter_match(struct zvm_waiter *waiter, u32 signals)
{
	waiter->observed = signals;
	WRITE_ONCE(waiter->matched, true);
	wake_up_process(waiter->task);
}

/* For all handles' file_operations. */
__poll_t zvm_object_poll(struct file *file, struct poll_table_struct *wait);
int zvm_object_flush(struct file *file, fl_owner_t id);

#endif /* ZVM_OBJECT_SIGNAL_H */
