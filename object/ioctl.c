// SPDX-License-Identifier: GPL-2.0
/*
 * Commands: one table, one path from the user's struct to the handler.
 */
#include <linux/bitfield.h>
#include <linux/nospec.h>

#include "../vmar/aspace.h"
#include "../vmo/vmo.h"
#include "bti.h"
#include "ioctl.h"

union zvm_cmd {
	struct zvm_handshake handshake;
	struct zvm_stats stats;
	struct zvm_vmar_root vmar_root;
	struct zvm_vmo_create vmo_create;
	struct zvm_vmo_create_physical create_physical;
	struct zvm_handle_close handle_close;
	struct zvm_handle_duplicate handle_duplicate;
	struct zvm_handle_tag handle_tag;
	struct zvm_object_signal signal;
	struct zvm_object_wait_one wait_one;
	struct zvm_object_wait_many wait_many;
	struct zvm_object_get_info get_info;
	struct zvm_object_property property;
	struct zvm_vmo_transfer transfer;
	struct zvm_vmo_get_size get_size;
	struct zvm_vmo_set_size set_size;
	struct zvm_op_range op_range;
	struct zvm_vmo_set_cache_policy cache_policy;
	struct zvm_vmo_create_child create_child;
	struct zvm_vmo_transfer_data transfer_data;
	struct zvm_vmo_committed committed;
	struct zvm_bti_create bti_create;
	struct zvm_vmo_create_contiguous create_contiguous;
	struct zvm_bti_pin bti_pin;
	struct zvm_pmt_unpin pmt_unpin;
	struct zvm_vmar_allocate allocate;
	struct zvm_vmar_map map;
	struct zvm_vmar_range range;
	struct zvm_aspace_create aspace_create;
	struct zvm_aspace_adopt aspace_adopt;
};

/* What every struct begins with. */
struct zvm_cmd_head {
	u32 size;
	u32 tag;
};

/**
 * struct zvm_ioctl_op - one command
 * @fn: handler
 * @type: type of the object it wants; NULL: see @on_device
 * @on_device: goes to the device; else, without a @type, to any handle
 * @rights: that it wants before anything else
 * @size: of its struct, as this kernel knows it
 * @min_size: of its struct, in its first version
 */
struct zvm_ioctl_op {
	int (*fn)(struct zvm_call *call);
	const struct zvm_object_type *type;
	bool on_device;
	u32 rights;
	u8 size;
	u8 min_size;
};

#define OP(_cmd, _fn, _struct, _last, ...)				\
	[_IOC_NR(_cmd)] = {						\
		.fn = _fn,						\
		.size = sizeof(struct _struct) +			\
			BUILD_BUG_ON_ZERO(sizeof(struct _struct) > U8_MAX) + \
			BUILD_BUG_ON_ZERO(sizeof(struct _struct) % sizeof(u64)), \
		.min_size = offsetofend(struct _struct, _last),		\
		__VA_ARGS__						\
	}

#define DEVICE_OP(cmd, fn, type, last) OP(cmd, fn, type, last, .on_device = true)
#define HANDLE_OP(cmd, fn, type, last, need) OP(cmd, fn, type, last, .rights = (need))
#define VMO_OP(cmd, fn, str, last, need) \
	OP(cmd, fn, str, last, .type = &zvm_vmo_type, .rights = (need))
#define BTI_OP(cmd, fn, str, last, need) \
	OP(cmd, fn, str, last, .type = &zvm_bti_type, .rights = (need))
#define PMT_OP(cmd, fn, str, last) OP(cmd, fn, str, last, .type = &zvm_pmt_type)
#define VMAR_OP(cmd, fn, str, last) OP(cmd, fn, str, last, .type = &zvm_vmar_type)
#define ROOT_OP(cmd, fn, str, last, need) \
	OP(cmd, fn, str, last, .type = &zvm_vmar_type, .rights = (need))
/* What the process gets by zx_vmar_root_self() then. */
#define ZVM_ADOPT_RIGHTS (ZX_RIGHTS_IO | ZX_RIGHT_EXECUTE | ZX_RIGHT_OP_CHILDREN)

static const struct zvm_ioctl_op zvm_ioctl_ops[] = {
	DEVICE_OP(ZVM_HANDSHAKE, zvm_ioctl_handshake, zvm_handshake, features),
	DEVICE_OP(ZVM_STATS, zvm_ioctl_stats, zvm_stats, page_nodes),
	DEVICE_OP(ZVM_VMAR_ROOT, zvm_ioctl_vmar_root, zvm_vmar_root, out_handle),
	DEVICE_OP(ZVM_HANDLE_CLOSE, zvm_ioctl_handle_close, zvm_handle_close, handle),
	DEVICE_OP(ZVM_OBJECT_WAIT_ONE, zvm_ioctl_object_wait_one, zvm_object_wait_one,
		  out_observed),
	DEVICE_OP(ZVM_OBJECT_WAIT_MANY, zvm_ioctl_object_wait_many, zvm_object_wait_many,
		  deadline),
	DEVICE_OP(ZVM_VMO_CREATE, zvm_ioctl_vmo_create, zvm_vmo_create, out_handle),
	DEVICE_OP(ZVM_VMO_CREATE_PHYSICAL, zvm_ioctl_vmo_create_physical,
		  zvm_vmo_create_physical, out_handle),
	DEVICE_OP(ZVM_ASPACE_CREATE, zvm_ioctl_aspace_create, zvm_aspace_create, out_handle),

	HANDLE_OP(ZVM_HANDLE_DUPLICATE, zvm_ioctl_handle_duplicate,
		  zvm_handle_duplicate, out_handle, 0),
	HANDLE_OP(ZVM_HANDLE_TAG_OF, zvm_ioctl_handle_tag, zvm_handle_tag, tag, 0),
	HANDLE_OP(ZVM_OBJECT_SIGNAL, zvm_ioctl_object_signal, zvm_object_signal, set,
		  ZX_RIGHT_SIGNAL),
	HANDLE_OP(ZVM_OBJECT_GET_INFO, zvm_ioctl_get_info,
		  zvm_object_get_info, out_avail, 0),
	HANDLE_OP(ZVM_OBJECT_GET_PROPERTY, zvm_ioctl_get_property,
		  zvm_object_property, value_size, ZX_RIGHT_GET_PROPERTY),
	HANDLE_OP(ZVM_OBJECT_SET_PROPERTY, zvm_ioctl_set_property,
		  zvm_object_property, value_size, ZX_RIGHT_SET_PROPERTY),

	VMO_OP(ZVM_VMO_READ, zvm_ioctl_vmo_read, zvm_vmo_transfer, done, ZX_RIGHT_READ),
	VMO_OP(ZVM_VMO_WRITE, zvm_ioctl_vmo_write, zvm_vmo_transfer, done, ZX_RIGHT_WRITE),
	VMO_OP(ZVM_VMO_GET_SIZE, zvm_ioctl_vmo_get_size, zvm_vmo_get_size, out_size, 0),
	VMO_OP(ZVM_VMO_GET_STREAM_SIZE, zvm_ioctl_vmo_get_stream_size,
	       zvm_vmo_get_size, out_size, 0),
	VMO_OP(ZVM_VMO_SET_SIZE, zvm_ioctl_vmo_set_size, zvm_vmo_set_size, new_size,
	       ZX_RIGHT_WRITE),
	VMO_OP(ZVM_VMO_SET_STREAM_SIZE, zvm_ioctl_vmo_set_stream_size,
	       zvm_vmo_set_size, new_size, ZX_RIGHT_WRITE),
	VMO_OP(ZVM_VMO_OP_RANGE, zvm_ioctl_vmo_op_range, zvm_op_range, buffer_size, 0),
	VMO_OP(ZVM_VMO_SET_CACHE_POLICY, zvm_ioctl_vmo_set_cache_policy,
	       zvm_vmo_set_cache_policy, reserved, ZX_RIGHT_MAP),
	VMO_OP(ZVM_VMO_TRANSFER_DATA, zvm_ioctl_vmo_transfer_data, zvm_vmo_transfer_data,
	       src_offset, ZX_RIGHT_WRITE),
	VMO_OP(ZVM_VMO_COMMITTED, zvm_ioctl_vmo_committed, zvm_vmo_committed, out_bytes, 0),
	VMO_OP(ZVM_VMO_CREATE_CHILD, zvm_ioctl_vmo_create_child, zvm_vmo_create_child,
	       out_handle, ZX_RIGHT_DUPLICATE | ZX_RIGHT_READ),

	DEVICE_OP(ZVM_BTI_CREATE, zvm_ioctl_bti_create, zvm_bti_create, out_handle),
	BTI_OP(ZVM_VMO_CREATE_CONTIGUOUS, zvm_ioctl_vmo_create_contiguous,
	       zvm_vmo_create_contiguous, out_handle, ZX_RIGHT_MAP),
	BTI_OP(ZVM_BTI_PIN, zvm_ioctl_bti_pin, zvm_bti_pin, out_handle, ZX_RIGHT_MAP),
	PMT_OP(ZVM_PMT_UNPIN, zvm_ioctl_pmt_unpin, zvm_pmt_unpin, tag),

	VMAR_OP(ZVM_VMAR_ALLOCATE, zvm_ioctl_vmar_allocate, zvm_vmar_allocate, out_addr),
	VMAR_OP(ZVM_VMAR_MAP, zvm_ioctl_vmar_map, zvm_vmar_map, out_addr),
	VMAR_OP(ZVM_VMAR_UNMAP, zvm_ioctl_vmar_unmap, zvm_vmar_range, length),
	VMAR_OP(ZVM_VMAR_PROTECT, zvm_ioctl_vmar_protect, zvm_vmar_range, length),
	VMAR_OP(ZVM_VMAR_DESTROY, zvm_ioctl_vmar_destroy, zvm_vmar_range, length),
	VMAR_OP(ZVM_VMAR_OP_RANGE, zvm_ioctl_vmar_op_range, zvm_op_range, buffer_size),

	ROOT_OP(ZVM_ASPACE_ADOPT, zvm_ioctl_aspace_adopt, zvm_aspace_adopt, out_addr,
		ZVM_ADOPT_RIGHTS),
	ROOT_OP(ZVM_PROCESS_READ, zvm_ioctl_process_read, zvm_vmo_transfer, done,
		ZX_RIGHT_READ),
	ROOT_OP(ZVM_PROCESS_WRITE, zvm_ioctl_process_write, zvm_vmo_transfer, done,
		ZX_RIGHT_WRITE),
};

/*
 * Get the user's struct, extended to our size. A caller of our own age is the
 * rule, and then all can be read at one go.
 */
static int get_cmd(struct zvm_call *call, const struct zvm_ioctl_op *op, union zvm_cmd *buf)
{
	const u64 __user *from = call->ucmd;
	u64 *to = (u64 *)buf;
	unsigned int i;

	if (!user_read_access_begin(from, op->size))
		return -EFAULT;
	unsafe_get_user(to[0], from, fault);
	call->usize = ((struct zvm_cmd_head *)buf)->size;
	if (likely(call->usize == op->size))
		for (i = 1; i < op->size / sizeof(u64); i++)
			unsafe_get_user(to[i], from + i, fault);
	user_read_access_end();

	if (likely(call->usize == op->size))
		return 0;
	if (call->usize < op->min_size)
		return -EINVAL;
	/* What follows the struct has to be looked at: for more the user would wait long. */
	if (call->usize > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(buf, op->size, call->ucmd, call->usize);

fault:
	user_read_access_end();
	return -EFAULT;
}

/* Handle, then type, then right: the order of every Zircon call. */
static int check_handle(struct zvm_call *call, const struct zvm_ioctl_op *op, u32 tag)
{
	if (op->on_device)
		return call->obj ? -EMEDIUMTYPE : 0;
	if (!call->obj)
		return -EBADF;
	if (tag && tag != FIELD_GET(ZVM_HANDLE_WORD_TAG, call->word))
		return -EBADF;
	if (op->type && op->type != call->obj->type)
		return -EMEDIUMTYPE;
	return zvm_call_need(call, op->rights);
}

/* NULL: no such command. */
static const struct zvm_ioctl_op *find_op(unsigned int cmd)
{
	unsigned int nr = _IOC_NR(cmd);
	const struct zvm_ioctl_op *op;

	if (_IOC_TYPE(cmd) != ZVM_IOC_TYPE || nr >= ARRAY_SIZE(zvm_ioctl_ops))
		return NULL;
	op = &zvm_ioctl_ops[array_index_nospec(nr, ARRAY_SIZE(zvm_ioctl_ops))];
	return op->fn && cmd == _IO(ZVM_IOC_TYPE, nr) ? op : NULL;
}

/* With the command's struct in the kernel. */
static int run_op(const struct zvm_ioctl_op *op, struct zvm_call *call)
{
	int err = check_handle(call, op, ((struct zvm_cmd_head *)call->cmd)->tag);

	return err ? err : op->fn(call);
}

long zvm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct zvm_call call = {
		.file = file,
		.ucmd = (void __user *)arg,
	};
	const struct zvm_ioctl_op *op = find_op(cmd);
	union zvm_cmd buf;
	int err;

	if (!op)
		return -ENOTTY;
	err = get_cmd(&call, op, &buf);
	if (err)
		return err;

	if (zvm_file_is_handle(file)) {
		call.obj = zvm_file_object(file);
		call.word = zvm_handle_word(file);
	}
	call.cmd = &buf;
	return run_op(op, &call);
}

int zvm_call_respond(const struct zvm_call *call, size_t size)
{
	if (copy_to_user(call->ucmd, call->cmd, min_t(size_t, size, call->usize)))
		return -EFAULT;
	return 0;
}

#if IS_ENABLED(CONFIG_KUNIT)
bool zvm_ioctl_known(unsigned int cmd)
{
	return find_op(cmd);
}

int zvm_ioctl_run(unsigned int cmd, struct zvm_call *call)
{
	return run_op(find_op(cmd), call);
}
#endif
