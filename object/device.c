// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/zircon-vm and what it makes from nothing.
 */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/security.h>

#include "../vmar/aspace.h"
#include "../vmar/vmar.h"
#include "../vmo/page.h"
#include "../vmo/physical.h"
#include "ioctl.h"

int zvm_ioctl_handshake(struct zvm_call *call)
{
	struct zvm_handshake *cmd = call->cmd;

	if (cmd->reserved || cmd->reserved2)
		return -EOPNOTSUPP;
	if (cmd->version != ZVM_VERSION)
		return -EPROTONOSUPPORT;
	cmd->features = ZVM_FEATURE_VMAR;
	return zvm_call_respond(call, sizeof(*cmd));
}

int zvm_ioctl_stats(struct zvm_call *call)
{
	struct zvm_stats *cmd = call->cmd;

	if (cmd->reserved)
		return -EOPNOTSUPP;
	/* They tell what others do. */
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	cmd->vmos = atomic64_read(&zvm_vmo_type.live);
	cmd->vmars = atomic64_read(&zvm_vmar_type.live);
	cmd->aspaces = atomic64_read(&zvm_aspace_type.live);
	cmd->mappings = zvm_mapping_count_all();
	cmd->handles = zvm_handle_count_all();
	cmd->pages = zvm_page_count_all();
	cmd->page_nodes = zvm_pagemap_nodes();
	return zvm_call_respond(call, sizeof(*cmd));
}

int zvm_ioctl_vmo_create(struct zvm_call *call)
{
	struct zvm_vmo_create *cmd = call->cmd;
	u32 rights = ZX_DEFAULT_VMO_RIGHTS;
	struct zvm_vmo *vmo;
	struct file *file;

	vmo = zvm_vmo_new(cmd->vmo_size, cmd->options);
	if (IS_ERR(vmo))
		return PTR_ERR(vmo);
	if (cmd->options & ZVM_VMO_RESIZABLE)
		rights |= ZX_RIGHT_RESIZE;
	file = zvm_handle_new(&vmo->obj, rights, 0);
	zvm_object_put(&vmo->obj);
	if (IS_ERR(file))
		return PTR_ERR(file);
	return zvm_handle_publish(file, u64_to_user_ptr(cmd->out_handle));
}

/* What the resource is in Zircon, the caller's power is on Linux: that of /dev/mem. */
static int check_physical(const struct zvm_vmo_create_physical *cmd)
{
	if (cmd->reserved)
		return -EOPNOTSUPP;
	if (!cmd->length || !PAGE_ALIGNED(cmd->length))
		return -EINVAL;
	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;
	return security_locked_down(LOCKDOWN_DEV_MEM);
}

int zvm_ioctl_vmo_create_physical(struct zvm_call *call)
{
	const struct zvm_vmo_create_physical *cmd = call->cmd;
	struct zvm_vmo *vmo;
	struct file *file;
	int err;

	err = check_physical(cmd);
	if (err)
		return err;
	vmo = zvm_vmo_new_physical(cmd->address, cmd->length, false);
	if (IS_ERR(vmo))
		return PTR_ERR(vmo);
	file = zvm_handle_new(&vmo->obj, ZX_DEFAULT_VMO_RIGHTS, 0);
	zvm_object_put(&vmo->obj);
	if (IS_ERR(file))
		return PTR_ERR(file);
	return zvm_handle_publish(file, u64_to_user_ptr(cmd->out_handle));
}

int zvm_publish_root(struct zvm_vmar *root, u64 lent, u64 out_handle)
{
	struct file *file = zvm_handle_new(&root->obj, ZVM_ROOT_RIGHTS, lent);

	if (IS_ERR(file))
		return PTR_ERR(file);
	return zvm_handle_publish(file, u64_to_user_ptr(out_handle));
}

int zvm_ioctl_vmar_root(struct zvm_call *call)
{
	struct zvm_vmar_root *cmd = call->cmd;
	struct zvm_vmar *root;
	int err;

	if (cmd->reserved)
		return -EOPNOTSUPP;
	root = zvm_aspace_current_root();
	if (IS_ERR(root))
		return PTR_ERR(root);
	err = zvm_publish_root(root, 0, cmd->out_handle);
	zvm_object_put(&root->obj);
	return err;
}
