// SPDX-License-Identifier: GPL-2.0
/*
 * Signals: bits of an object that can be waited for.
 *
 * Who waits with zx_object_wait_...() (wait.c) is told of bits that go from 0 to
 * 1. poll(2) and epoll see the state: of a VMO, EPOLLPRI is ZX_VMO_ZERO_CHILDREN,
 * EPOLLMSG is any of the user signals, if the handle has the right to wait. (EPOLLIN
 * and EPOLLOUT are always there, as with any file.)
 */
#include <linux/poll.h>

#include "ioctl.h"
#include "signal.h"

static __poll_t poll_events(u32 signals)
{
	__poll_t events = 0;

	if (signals & ZX_VMO_ZERO_CHILDREN)
		events |= EPOLLPRI;
	if (signals & ZX_USER_SIGNAL_ALL)
		events |= EPOLLMSG;
	return events;
}

void zvm_object_signal(struct zvm_object *obj, u32 clear, u32 set)
{
	struct zvm_waiter *waiter;
	u32 old, rising;

	spin_lock(&obj->signal_lock);
	old = obj->signals;
	WRITE_ONCE(obj->signals, (old & ~clear) | set);
	rising = obj->signals & ~old;
	list_for_each_entry(waiter, &obj->waiters, link)
		if (waiter->wanted & rising && !waiter->matched)
			zvm_waiter_match(waiter, obj->signals);
	spin_unlock(&obj->signal_lock);

	/* Nobody waits in poll(2) for a signal to be lowered. */
	if (poll_events(rising))
		wake_up_poll(&obj->pollers, poll_events(rising));
}

__poll_t zvm_object_poll(struct file *file, struct poll_table_struct *wait)
{
	struct zvm_object *obj = zvm_file_object(file);

	/* Who may not wait is not told. */
	if (!(zvm_word_rights(zvm_handle_word(file)) & ZX_RIGHT_WAIT))
		return DEFAULT_POLLMASK;
	poll_wait(file, &obj->pollers, wait);
	return DEFAULT_POLLMASK | poll_events(READ_ONCE(obj->signals));
}

int zvm_ioctl_object_signal(struct zvm_call *call)
{
	const struct zvm_object_signal *cmd = call->cmd;

	if ((cmd->clear | cmd->set) & ~ZX_USER_SIGNAL_ALL)
		return -EINVAL;
	zvm_object_signal(call->obj, cmd->clear, cmd->set);
	return 0;
}
