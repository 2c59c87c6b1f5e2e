// SPDX-License-Identifier: GPL-2.0
/*
 * The commands of VMOs. Handle, type and, where it is always the same, right
 * have been checked by the dispatcher.
 */
#include <linux/mm.h>

#include "../compat.h"
#include "../vmar/fault.h"
#include "../vmo/cache.h"
#include "../vmo/vmo.h"
#include "ioctl.h"

/* The part of a transfer that is not within one page. */
static ssize_t transfer_long(struct zvm_vmo *vmo, u64 offset, void __user *buffer, u64 length,
			     unsigned int direction)
{
	struct iov_iter iter;
	int err;

	err = zvm_import_ubuf(direction, buffer, min_t(u64, length, MAX_RW_COUNT), &iter);
	return err ? err : zvm_vmo_copy(vmo, offset, &iter);
}

ssize_t zvm_transfer(struct zvm_vmo *vmo, u64 offset, u64 buffer, u64 length,
		     unsigned int direction)
{
	u64 end;

	if (zvm_vmo_is_physical(vmo))
		return -EOPNOTSUPP;
	if (check_add_overflow(offset, length, &end))
		return -ERANGE;
	if (READ_ONCE(vmo->store->cache_policy) != ZX_CACHE_POLICY_CACHED)
		return -EBADFD;
	if (end > zvm_vmo_size(vmo))
		return -ERANGE;
	if (!length)
		return 0;
	if ((offset ^ (end - 1)) < PAGE_SIZE)
		return zvm_vmo_copy_in_page(vmo, offset, u64_to_user_ptr(buffer), length,
					    direction == WRITE);
	return transfer_long(vmo, offset, u64_to_user_ptr(buffer), length, direction);
}

static int transfer(struct zvm_call *call, unsigned int direction)
{
	const struct zvm_vmo_transfer *cmd = call->cmd;
	struct zvm_vmo_transfer __user *ucmd = call->ucmd;
	ssize_t done = zvm_transfer(to_vmo(call->obj), cmd->offset, cmd->buffer, cmd->length,
				    direction);

	if (done == -EFAULT)
		return zvm_classify_user_fault(cmd->buffer, direction == READ);
	if (done < 0)
		return done;
	return put_user(done, &ucmd->done);
}

int zvm_ioctl_vmo_read(struct zvm_call *call)
{
	return transfer(call, READ);
}

int zvm_ioctl_vmo_write(struct zvm_call *call)
{
	return transfer(call, WRITE);
}

static int put_size(const struct zvm_vmo_get_size *cmd, u64 size)
{
	return put_user(size, (u64 __user *)u64_to_user_ptr(cmd->out_size));
}

int zvm_ioctl_vmo_get_size(struct zvm_call *call)
{
	return put_size(call->cmd, zvm_vmo_size(to_vmo(call->obj)));
}

int zvm_ioctl_vmo_get_stream_size(struct zvm_call *call)
{
	return put_size(call->cmd, zvm_vmo_stream_size(to_vmo(call->obj)));
}

int zvm_ioctl_vmo_set_size(struct zvm_call *call)
{
	const struct zvm_vmo_set_size *cmd = call->cmd;
	struct zvm_vmo *vmo = to_vmo(call->obj);
	int err;

	if (vmo->options & ZVM_VMO_RESIZABLE) {
		err = zvm_call_need(call, ZX_RIGHT_RESIZE);
		if (err)
			return err;
	}
	return zvm_vmo_set_size(vmo, cmd->new_size);
}

int zvm_ioctl_vmo_set_stream_size(struct zvm_call *call)
{
	const struct zvm_vmo_set_size *cmd = call->cmd;

	return zvm_vmo_set_stream_size(to_vmo(call->obj), cmd->new_size);
}

int zvm_ioctl_vmo_set_cache_policy(struct zvm_call *call)
{
	const struct zvm_vmo_set_cache_policy *cmd = call->cmd;

	if (cmd->reserved)
		return -EOPNOTSUPP;
	if (cmd->policy & ~ZX_CACHE_POLICY_MASK)
		return -EINVAL;
	return zvm_vmo_set_cache_policy(to_vmo(call->obj), cmd->policy, zvm_cache_may_be_real());
}

u32 zvm_child_rights(u32 rights, u32 options)
{
	const u32 views = ZX_VMO_CHILD_SLICE | ZX_VMO_CHILD_REFERENCE;

	rights &= ~ZX_RIGHT_RESIZE;
	rights |= ZX_RIGHTS_PROPERTY;
	if (options & ZX_VMO_CHILD_RESIZABLE)
		rights |= ZX_RIGHT_RESIZE;
	if (options & ZX_VMO_CHILD_NO_WRITE)
		return rights & ~ZX_RIGHT_WRITE;
	if (!(options & views))
		rights = (rights & ~ZX_RIGHT_EXECUTE) | ZX_RIGHT_WRITE;
	return rights;
}

int zvm_ioctl_vmo_create_child(struct zvm_call *call)
{
	const u32 resizable_reference = ZX_VMO_CHILD_REFERENCE | ZX_VMO_CHILD_RESIZABLE;
	const struct zvm_vmo_create_child *cmd = call->cmd;
	u32 rights = zvm_call_rights(call);
	struct zvm_vmo *child;
	struct file *file;
	int err;

	if (cmd->reserved)
		return -EOPNOTSUPP;
	if (cmd->child_size > U64_MAX - (PAGE_SIZE - 1))
		return -ERANGE;
	if (cmd->options & ZX_VMO_CHILD_NO_WRITE && cmd->options & ZX_VMO_CHILD_RESIZABLE)
		return -EINVAL;
	if ((cmd->options & resizable_reference) == resizable_reference) {
		err = zvm_call_need(call, ZX_RIGHT_RESIZE);
		if (err)
			return err;
	}

	child = zvm_vmo_new_child(to_vmo(call->obj), cmd->options, cmd->offset,
				  cmd->child_size);
	if (IS_ERR(child))
		return PTR_ERR(child);
	if (rights & ZX_RIGHT_GET_PROPERTY)
		zvm_object_copy_name(&child->obj, call->obj);
	file = zvm_handle_new(&child->obj, zvm_child_rights(rights, cmd->options), 0);
	zvm_object_put(&child->obj);
	if (IS_ERR(file))
		return PTR_ERR(file);
	return zvm_handle_publish(file, u64_to_user_ptr(cmd->out_handle));
}

int zvm_ioctl_vmo_transfer_data(struct zvm_call *call)
{
	const struct zvm_vmo_transfer_data *cmd = call->cmd;
	struct zvm_handle_ref src;
	int err;

	if (cmd->options || !PAGE_ALIGNED(cmd->offset | cmd->length | cmd->src_offset))
		return -EINVAL;
	err = zvm_handle_lookup(cmd->src, &zvm_vmo_type, &src);
	if (err)
		return err;
	if ((src.rights & ZX_RIGHTS_IO) == ZX_RIGHTS_IO)
		err = zvm_vmo_transfer(to_vmo(call->obj), cmd->offset, cmd->length,
				       to_vmo(src.obj), cmd->src_offset);
	else
		err = -EACCES;
	zvm_handle_ref_put(&src);
	return err;
}

int zvm_ioctl_vmo_committed(struct zvm_call *call)
{
	const struct zvm_vmo_committed *cmd = call->cmd;
	u64 bytes;
	int err;

	err = zvm_vmo_committed(to_vmo(call->obj), cmd->offset, cmd->length, &bytes);
	return err ? err : put_user(bytes, (u64 __user *)u64_to_user_ptr(cmd->out_bytes));
}

static int lock_vmo(struct zvm_vmo *vmo, const struct zvm_op_range *cmd)
{
	struct zx_vmo_lock_state state = { .size = cmd->length };
	bool discarded;
	int err;

	if (cmd->op == ZX_VMO_OP_TRY_LOCK)
		return zvm_vmo_lock(vmo, cmd->offset, cmd->length, NULL);
	err = zvm_vmo_lock(vmo, cmd->offset, cmd->length, &discarded);
	if (err)
		return err;
	if (discarded)
		state.discarded_size = state.size;
	if (cmd->buffer_size < sizeof(state))
		err = -EINVAL;
	else if (copy_to_user(u64_to_user_ptr(cmd->buffer), &state, sizeof(state)))
		err = -EFAULT;
	if (err)
		zvm_vmo_undo_lock(vmo, discarded);
	return err;
}

int zvm_ioctl_vmo_op_range(struct zvm_call *call)
{
	const struct zvm_op_range *cmd = call->cmd;
	struct zvm_vmo *vmo = to_vmo(call->obj);
	u32 need = 0;
	int err;

	if (cmd->reserved)
		return -EOPNOTSUPP;

	switch (cmd->op) {
	case ZX_VMO_OP_COMMIT:
	case ZX_VMO_OP_DECOMMIT:
	case ZX_VMO_OP_ZERO:
		need = ZX_RIGHT_WRITE;
		break;
	case ZX_VMO_OP_LOCK:
	case ZX_VMO_OP_TRY_LOCK:
	case ZX_VMO_OP_UNLOCK:
		/* Either of the two will do. */
		if (!(zvm_call_rights(call) & ZX_RIGHTS_IO))
			return -EACCES;
		break;
	case ZX_VMO_OP_CACHE_SYNC:
	case ZX_VMO_OP_CACHE_CLEAN:
	case ZX_VMO_OP_CACHE_CLEAN_INVALIDATE:
	case ZX_VMO_OP_PREFETCH:
		need = ZX_RIGHT_READ;
		break;
	}
	err = zvm_call_need(call, need);
	if (err)
		return err;

	switch (cmd->op) {
	case ZX_VMO_OP_COMMIT:
		return zvm_vmo_commit(vmo, cmd->offset, cmd->length);
	case ZX_VMO_OP_DECOMMIT:
		return zvm_vmo_decommit(vmo, cmd->offset, cmd->length);
	case ZX_VMO_OP_ZERO:
		return zvm_vmo_zero(vmo, cmd->offset, cmd->length);
	case ZX_VMO_OP_CACHE_SYNC:
		return zvm_vmo_cache_op(vmo, cmd->offset, cmd->length, ZVM_CACHE_SYNC);
	case ZX_VMO_OP_CACHE_CLEAN:
		return zvm_vmo_cache_op(vmo, cmd->offset, cmd->length, ZVM_CACHE_CLEAN);
	case ZX_VMO_OP_CACHE_CLEAN_INVALIDATE:
		return zvm_vmo_cache_op(vmo, cmd->offset, cmd->length, ZVM_CACHE_CLEAN_INVALIDATE);
	case ZX_VMO_OP_PREFETCH:
		return zvm_vmo_prefetch(vmo, cmd->offset, cmd->length);
	case ZX_VMO_OP_DONT_NEED:
	case ZX_VMO_OP_ALWAYS_NEED:
		/* Hints for pager-backed VMOs only: any range is fine. */
		return 0;
	case ZX_VMO_OP_LOCK:
	case ZX_VMO_OP_TRY_LOCK:
		return lock_vmo(vmo, cmd);
	case ZX_VMO_OP_UNLOCK:
		return zvm_vmo_unlock(vmo, cmd->offset, cmd->length);
	case ZX_VMO_OP_CACHE_INVALIDATE:
		/* Would let a user see what it is not to see. */
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}
