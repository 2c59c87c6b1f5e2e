// SPDX-License-Identifier: GPL-2.0
/*
 * The commands of VMARs: what can be said of the arguments and the handles, in
 * Zircon's order. Handle and type have been checked by the dispatcher; the rest
 * is up to vmar/, which looks at the region itself.
 */
#include <linux/overflow.h>

#include "../arch/aspace.h"
#include "../vmar/vmar.h"
#include "ioctl.h"

/* What means something to somebody; the rest is bits 16 to 23. */
#define ZVM_VM_KNOWN		(GENMASK(15, 0) | GENMASK(31, ZX_VM_ALIGN_BASE))

#define ZVM_VM_NOT_ALLOCATE	(ZX_VM_PERMS | ZX_VM_SPECIFIC_OVERWRITE | ZX_VM_MAP_RANGE | \
				 ZX_VM_REQUIRE_NON_RESIZABLE | ZX_VM_ALLOW_FAULTS | \
				 ZX_VM_FAULT_BEYOND_STREAM_SIZE)

int zvm_call_check_process(const struct zvm_call *call)
{
	if (call->word & ZVM_HANDLE_LENT || zvm_aspace_is_current(to_vmar(call->obj)->aspace))
		return 0;
	return -EACCES;
}

/* Nothing that is not readable can be written or executed. */
static bool perms_ok(u32 options)
{
	return options & ZX_VM_PERM_READ ||
	       !(options & (ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE));
}

/* No processor we know of is treated as able to execute what it cannot read. */
static u32 replace_xom(u32 options)
{
	if (options & ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED) {
		options &= ~ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED;
		options |= ZX_VM_PERM_READ;
	}
	return options;
}

static u32 rights_to_perms(u32 rights)
{
	return rights >> ZX_VM_PERM_TO_RIGHT & ZX_VM_PERMS;
}

static int put_addr(u64 addr, u64 out)
{
	return put_user(addr, (u64 __user *)u64_to_user_ptr(out));
}

int zvm_ioctl_vmar_allocate(struct zvm_call *call)
{
	const struct zvm_vmar_allocate *cmd = call->cmd;
	u32 perms = (cmd->options & ZX_VM_CAN_MAP_PERMS) >> ZX_VM_PERM_TO_CAN_MAP;
	u32 rights = perms << ZX_VM_PERM_TO_RIGHT;
	struct zvm_vmar *vmar;
	struct file *file;
	int err;

	if (cmd->reserved)
		return -EOPNOTSUPP;
	err = zvm_call_check_process(call);
	if (err)
		return err;
	err = zvm_call_need(call, rights);
	if (err)
		return err;
	if (cmd->options & (~ZVM_VM_KNOWN | ZVM_VM_NOT_ALLOCATE) ||
	    !zvm_options_align_ok(cmd->options) || !PAGE_ALIGNED(cmd->length))
		return -EINVAL;

	vmar = zvm_vmar_new_child(to_vmar(call->obj), cmd->options, cmd->offset, cmd->length);
	if (IS_ERR(vmar))
		return PTR_ERR(vmar);

	/* What was made through a lent handle is lent as well. */
	file = zvm_handle_new(&vmar->obj, ZX_DEFAULT_VMAR_RIGHTS | rights,
			      call->word & ZVM_HANDLE_LENT);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto destroy;
	}
	err = put_addr(vmar->node.base, cmd->out_addr);
	if (err) {
		fput(file);
		goto destroy;
	}
	err = zvm_handle_publish(file, u64_to_user_ptr(cmd->out_handle));
	if (err)
		goto destroy;
	zvm_object_put(&vmar->obj);
	return 0;

destroy:
	zvm_vmar_undo_new_child(vmar);
	zvm_object_put(&vmar->obj);
	return err;
}

/* All that depends on options, handles and VMO; nothing on the region's state. */
static int check_map(const struct zvm_call *call, const struct zvm_handle_ref *ref, u32 options)
{
	u32 perms = options & ZX_VM_PERMS;
	u32 rights = perms << ZX_VM_PERM_TO_RIGHT;
	const struct zvm_vmo *vmo = to_vmo(ref->obj);
	u32 vmo_options = vmo->options;

	if (options & ZX_VM_FAULT_BEYOND_STREAM_SIZE && zvm_vmo_is_contiguous(vmo))
		return -EOPNOTSUPP;
	if (!(ref->rights & ZX_RIGHT_MAP))
		return -EACCES;
	if (!perms_ok(options))
		return -EINVAL;
	if (options & ZX_VM_MAP_RANGE && options & ZX_VM_SPECIFIC_OVERWRITE)
		return -EINVAL;
	if (options & ZX_VM_CAN_MAP_PERMS)
		return -EINVAL;
	if (rights & ~(ref->rights & zvm_call_rights(call)))
		return -EACCES;
	if (options & ZX_VM_FAULT_BEYOND_STREAM_SIZE && !(options & ZX_VM_ALLOW_FAULTS))
		return -EINVAL;
	if (options & ~ZVM_VM_KNOWN || !zvm_options_align_ok(options))
		return -EINVAL;
	if (options & ZX_VM_REQUIRE_NON_RESIZABLE && vmo_options & ZVM_VMO_RESIZABLE)
		return -EOPNOTSUPP;
	if (vmo_options & ZVM_VMO_DISCARDABLE && !(options & ZX_VM_ALLOW_FAULTS))
		return -EOPNOTSUPP;
	if (options & (ZX_VM_COMPACT | ZX_VM_CAN_MAP_SPECIFIC))
		return -EINVAL;
	/* Who fetches instructions from a device may change its state. */
	if (zvm_vmo_is_physical(vmo) && (!zvm_arch_special_ptes || perms & ZX_VM_PERM_EXECUTE))
		return -EOPNOTSUPP;
	if (perms << ZX_VM_PERM_TO_CAN_MAP & ~to_vmar(call->obj)->flags)
		return -EACCES;
	return 0;
}

static int map_vmo(const struct zvm_call *call, const struct zvm_handle_ref *ref)
{
	const struct zvm_vmar_map *cmd = call->cmd;
	struct zvm_vmar *vmar = to_vmar(call->obj);
	struct zvm_map map = {
		.vmo = to_vmo(ref->obj),
		.options = replace_xom(cmd->options),
		.vmar_offset = cmd->vmar_offset,
		.vmo_offset = cmd->vmo_offset,
		.size = PAGE_ALIGN(cmd->length),
	};
	u64 end;
	int err;

	err = check_map(call, ref, map.options);
	if (err)
		return err;
	if (!PAGE_ALIGNED(cmd->vmo_offset))
		return -EINVAL;
	if (map.size < cmd->length || check_add_overflow(map.vmo_offset, map.size, &end))
		return -ERANGE;
	map.prot = map.options & ZX_VM_PERMS;
	map.max_prot = rights_to_perms(ref->rights & zvm_call_rights(call));
	if (zvm_vmo_is_physical(map.vmo))
		map.max_prot &= ~ZX_VM_PERM_EXECUTE;

	if (map.options & ZX_VM_SPECIFIC_OVERWRITE) {
		/* What it replaces cannot be brought back, so tell it first. */
		err = put_addr(vmar->node.base + map.vmar_offset, cmd->out_addr);
		return err ? err : zvm_vmar_map(vmar, &map);
	}
	err = zvm_vmar_map(vmar, &map);
	if (err)
		return err;
	err = put_addr(map.addr, cmd->out_addr);
	if (err)
		zvm_vmar_undo_map(vmar, &map);
	return err;
}

int zvm_ioctl_vmar_map(struct zvm_call *call)
{
	const struct zvm_vmar_map *cmd = call->cmd;
	struct zvm_handle_ref ref;
	int err;

	err = zvm_call_check_process(call);
	if (err)
		return err;
	err = zvm_handle_lookup(cmd->vmo, &zvm_vmo_type, &ref);
	if (err)
		return err;
	err = map_vmo(call, &ref);
	zvm_handle_ref_put(&ref);
	return err;
}

static bool may_enter_children(const struct zvm_call *call)
{
	return zvm_call_rights(call) & ZX_RIGHT_OP_CHILDREN;
}

int zvm_ioctl_vmar_unmap(struct zvm_call *call)
{
	const struct zvm_vmar_range *cmd = call->cmd;
	int err;

	if (cmd->options || cmd->reserved)
		return -EOPNOTSUPP;
	err = zvm_call_check_process(call);
	if (err)
		return err;
	if (!PAGE_ALIGNED(cmd->addr) || !PAGE_ALIGN(cmd->length))
		return -EINVAL;
	return zvm_vmar_unmap(to_vmar(call->obj), cmd->addr, PAGE_ALIGN(cmd->length),
			      may_enter_children(call));
}

int zvm_ioctl_vmar_protect(struct zvm_call *call)
{
	const struct zvm_vmar_range *cmd = call->cmd;
	u32 options = replace_xom(cmd->options);
	u32 perms = options & ZX_VM_PERMS;
	int err;

	if (cmd->reserved)
		return -EOPNOTSUPP;
	err = zvm_call_check_process(call);
	if (err)
		return err;
	err = zvm_call_need(call, perms << ZX_VM_PERM_TO_RIGHT);
	if (err)
		return err;
	if (!perms_ok(options) || !PAGE_ALIGNED(cmd->addr) || options & ~ZX_VM_PERMS ||
	    !PAGE_ALIGN(cmd->length))
		return -EINVAL;
	return zvm_vmar_protect(to_vmar(call->obj), cmd->addr, PAGE_ALIGN(cmd->length),
				perms, may_enter_children(call));
}

int zvm_ioctl_vmar_destroy(struct zvm_call *call)
{
	const struct zvm_vmar_range *cmd = call->cmd;
	int err;

	if (cmd->options || cmd->reserved || cmd->addr || cmd->length)
		return -EOPNOTSUPP;
	err = zvm_call_check_process(call);
	if (err)
		return err;
	err = zvm_call_need(call, ZX_RIGHT_OP_CHILDREN);
	if (err)
		return err;
	return zvm_vmar_destroy(to_vmar(call->obj));
}

int zvm_ioctl_vmar_op_range(struct zvm_call *call)
{
	const struct zvm_op_range *cmd = call->cmd;
	int err;

	if (cmd->reserved)
		return -EOPNOTSUPP;
	err = zvm_call_check_process(call);
	if (err)
		return err;
	switch (cmd->op) {
	case ZX_VMAR_OP_COMMIT:
	case ZX_VMAR_OP_DECOMMIT:
	case ZX_VMAR_OP_MAP_RANGE:
	case ZX_VMAR_OP_ZERO:
	case ZX_VMAR_OP_DONT_NEED:
	case ZX_VMAR_OP_ALWAYS_NEED:
	case ZX_VMAR_OP_PREFETCH:
		break;
	default:
		return -EINVAL;
	}
	if (cmd->buffer || cmd->buffer_size)
		return -EINVAL;
	if (!PAGE_ALIGN(cmd->length) || !PAGE_ALIGNED(cmd->offset))
		return -EINVAL;
	return zvm_vmar_op_range(to_vmar(call->obj), cmd->op, cmd->offset,
				 PAGE_ALIGN(cmd->length), may_enter_children(call));
}
