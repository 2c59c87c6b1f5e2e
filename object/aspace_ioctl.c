// SPDX-License-Identifier: GPL-2.0
/*
 * The commands of address spaces: made without a process, adopted by one, and read and
 * written from outside. All by way of a root region, which stands for its process.
 */
#include "../vmar/vmar.h"
#include "ioctl.h"

/* What zx_process_read_memory() and zx_process_write_memory() move at most. */
#define ZVM_PROCESS_MAX	(64ull << 20)

int zvm_ioctl_aspace_create(struct zvm_call *call)
{
	const struct zvm_aspace_create *cmd = call->cmd;
	struct zvm_vmar *root;
	int err;

	root = zvm_aspace_new_detached(cmd->kind, cmd->base, cmd->length);
	if (IS_ERR(root))
		return PTR_ERR(root);
	/* It is nobody's, so whoever holds a handle may use it, as if it were lent. */
	err = zvm_publish_root(root, ZVM_HANDLE_LENT, cmd->out_handle);
	if (err)
		zvm_aspace_abandon(root->aspace);
	zvm_object_put(&root->obj);
	return err;
}

int zvm_ioctl_aspace_adopt(struct zvm_call *call)
{
	const struct zvm_aspace_adopt *cmd = call->cmd;
	struct zvm_vmar *vmar = to_vmar(call->obj);

	/* A part of an address space cannot go to a process. */
	if (vmar->depth)
		return -EINVAL;
	return zvm_aspace_adopt(vmar->aspace, u64_to_user_ptr(cmd->out_addr));
}

static int process_memory(struct zvm_call *call, unsigned int direction)
{
	const struct zvm_vmo_transfer *cmd = call->cmd;
	struct zvm_vmo_transfer __user *ucmd = call->ucmd;
	struct zvm_part part;
	ssize_t done;
	int err;

	err = zvm_call_check_process(call);
	if (err)
		return err;
	if (to_vmar(call->obj)->depth)
		return -EMEDIUMTYPE;
	if (!cmd->buffer || !cmd->length || cmd->length > ZVM_PROCESS_MAX)
		return -EINVAL;
	err = zvm_vmar_find_memory(to_vmar(call->obj), cmd->offset, cmd->length,
				   direction == WRITE, &part);
	if (err)
		return err;
	done = zvm_transfer(part.vmo, part.offset, cmd->buffer, part.len, direction);
	zvm_object_put(&part.vmo->obj);
	return done < 0 ? done : put_user(done, &ucmd->done);
}

int zvm_ioctl_process_read(struct zvm_call *call)
{
	return process_memory(call, READ);
}

int zvm_ioctl_process_write(struct zvm_call *call)
{
	return process_memory(call, WRITE);
}
