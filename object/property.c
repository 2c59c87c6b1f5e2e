// SPDX-License-Identifier: GPL-2.0
/*
 * zx_object_get_property() and zx_object_set_property(). The property rights
 * have been checked by the dispatcher.
 */
#include "../vmo/vmo.h"
#include "ioctl.h"

/* Only VMOs have properties; the others' handles never carry the rights. */
static struct zvm_vmo *property_vmo(struct zvm_call *call)
{
	return call->obj->type == &zvm_vmo_type ? to_vmo(call->obj) : NULL;
}

int zvm_ioctl_get_property(struct zvm_call *call)
{
	const struct zvm_object_property *cmd = call->cmd;
	struct zvm_vmo *vmo = property_vmo(call);
	void __user *value = u64_to_user_ptr(cmd->value);
	char name[ZX_MAX_NAME_LEN];
	u64 size;

	if (cmd->reserved)
		return -EOPNOTSUPP;
	if (!cmd->value)
		return -EINVAL;

	switch (cmd->property) {
	case ZX_PROP_NAME:
		if (cmd->value_size < sizeof(name))
			return -EMSGSIZE;
		if (!vmo)
			return -EMEDIUMTYPE;
		zvm_object_get_name(&vmo->obj, name);
		return copy_to_user(value, name, sizeof(name)) ? -EFAULT : 0;
	case ZX_PROP_VMO_CONTENT_SIZE:
		if (cmd->value_size < sizeof(size))
			return -EMSGSIZE;
		if (!vmo)
			return -EMEDIUMTYPE;
		size = zvm_vmo_stream_size(vmo);
		return copy_to_user(value, &size, sizeof(size)) ? -EFAULT : 0;
	default:
		return -EOPNOTSUPP;
	}
}

int zvm_ioctl_set_property(struct zvm_call *call)
{
	const struct zvm_object_property *cmd = call->cmd;
	struct zvm_vmo *vmo = property_vmo(call);
	void __user *value = u64_to_user_ptr(cmd->value);
	char name[ZX_MAX_NAME_LEN];
	u64 size;
	int err;

	if (cmd->reserved)
		return -EOPNOTSUPP;
	if (!cmd->value)
		return -EINVAL;

	switch (cmd->property) {
	case ZX_PROP_NAME:
		if (!vmo)
			return -EMEDIUMTYPE;
		size = min_t(u64, cmd->value_size, sizeof(name) - 1);
		if (copy_from_user(name, value, size))
			return -EFAULT;
		zvm_object_set_name(&vmo->obj, name, size);
		return 0;
	case ZX_PROP_VMO_CONTENT_SIZE:
		err = zvm_call_need(call, ZX_RIGHT_WRITE);
		if (err)
			return err;
		if (cmd->value_size < sizeof(size))
			return -EMSGSIZE;
		if (!vmo)
			return -EMEDIUMTYPE;
		if (copy_from_user(&size, value, sizeof(size)))
			return -EFAULT;
		return zvm_vmo_set_stream_size(vmo, size);
	default:
		return -EOPNOTSUPP;
	}
}
