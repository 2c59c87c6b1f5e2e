// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * zx_vmo_...()
 */
#include "lib.h"

_Static_assert(ZX_VMO_RESIZABLE == ZVM_VMO_RESIZABLE &&
	       ZX_VMO_DISCARDABLE == ZVM_VMO_DISCARDABLE &&
	       ZX_VMO_UNBOUNDED == ZVM_VMO_UNBOUNDED && ZX_RIGHT_SAME_RIGHTS == ZVM_RIGHT_SAME_RIGHTS,
	       "the kernel's values are passed through");

zx_status_t zx_vmo_create(uint64_t size, uint32_t options, zx_handle_t *out)
{
	struct zvm_vmo_create cmd = {
		.size = sizeof(cmd),
		.options = options,
		.vmo_size = size,
		.out_handle = zvmi_address(out),
	};

	return zvmi_device_call(ZVM_VMO_CREATE, &cmd);
}

zx_status_t zx_vmo_create_physical(zx_handle_t resource, zx_paddr_t paddr, size_t size,
				   zx_handle_t *out)
{
	struct zvm_vmo_create_physical cmd = {
		.size = sizeof(cmd),
		.address = paddr,
		.length = size,
		.out_handle = zvmi_address(out),
	};

	if (!size || size & (zx_system_get_page_size() - 1))
		return ZX_ERR_INVALID_ARGS;
	/* No object here is a resource: what the caller may do the kernel knows. */
	if (resource != ZX_HANDLE_INVALID)
		return zvmi_live(resource) ? ZX_ERR_WRONG_TYPE : ZX_ERR_BAD_HANDLE;
	return zvmi_device_call(ZVM_VMO_CREATE_PHYSICAL, &cmd);
}

/* A signal may end the command early; it says how far it came. */
static inline zx_status_t transfer(unsigned int command, zx_handle_t handle, const void *buffer,
				   uint64_t offset, size_t length)
{
	struct zvm_vmo_transfer cmd = {
		.size = sizeof(cmd),
		.tag = ZVM_HANDLE_TAG(handle),
		.buffer = zvmi_address(buffer),
		.offset = offset,
		.length = length,
	};
	zx_status_t status;

	for (;;) {
		status = zvmi_call(handle, command, &cmd);
		if (unlikely(status != ZX_OK) || likely(cmd.done == cmd.length))
			return status;
		if (!cmd.done || cmd.done > cmd.length)
			return ZX_ERR_INTERNAL;
		cmd.buffer += cmd.done;
		cmd.offset += cmd.done;
		cmd.length -= cmd.done;
		cmd.done = 0;
	}
}

zx_status_t zx_vmo_read(zx_handle_t handle, void *buffer, uint64_t offset, size_t buffer_size)
{
	return transfer(ZVM_VMO_READ, handle, buffer, offset, buffer_size);
}

zx_status_t zx_vmo_write(zx_handle_t handle, const void *buffer, uint64_t offset,
			 size_t buffer_size)
{
	return transfer(ZVM_VMO_WRITE, handle, buffer, offset, buffer_size);
}

static inline zx_status_t get_size(unsigned int command, zx_handle_t handle, uint64_t *size)
{
	struct zvm_vmo_get_size cmd = {
		.size = sizeof(cmd),
		.tag = ZVM_HANDLE_TAG(handle),
		.out_size = zvmi_address(size),
	};

	return zvmi_call(handle, command, &cmd);
}

zx_status_t zx_vmo_get_size(zx_handle_t handle, uint64_t *size)
{
	return get_size(ZVM_VMO_GET_SIZE, handle, size);
}

zx_status_t zx_vmo_get_stream_size(zx_handle_t handle, uint64_t *size)
{
	return get_size(ZVM_VMO_GET_STREAM_SIZE, handle, size);
}

static inline zx_status_t set_size(unsigned int command, zx_handle_t handle, uint64_t size)
{
	struct zvm_vmo_set_size cmd = {
		.size = sizeof(cmd),
		.tag = ZVM_HANDLE_TAG(handle),
		.new_size = size,
	};

	return zvmi_call(handle, command, &cmd);
}

zx_status_t zx_vmo_set_size(zx_handle_t handle, uint64_t size)
{
	return set_size(ZVM_VMO_SET_SIZE, handle, size);
}

zx_status_t zx_vmo_set_stream_size(zx_handle_t handle, uint64_t size)
{
	return set_size(ZVM_VMO_SET_STREAM_SIZE, handle, size);
}

zx_status_t zx_vmo_op_range(zx_handle_t handle, uint32_t op, uint64_t offset, uint64_t size,
			    void *buffer, size_t buffer_size)
{
	struct zvm_op_range cmd = {
		.size = sizeof(cmd),
		.tag = ZVM_HANDLE_TAG(handle),
		.op = op,
		.offset = offset,
		.length = size,
		.buffer = zvmi_address(buffer),
		.buffer_size = buffer_size,
	};

	return zvmi_call(handle, ZVM_VMO_OP_RANGE, &cmd);
}

zx_status_t zx_vmo_create_child(zx_handle_t handle, uint32_t options, uint64_t offset,
				uint64_t size, zx_handle_t *out)
{
	struct zvm_vmo_create_child cmd = {
		.size = sizeof(cmd),
		.tag = ZVM_HANDLE_TAG(handle),
		.options = options,
		.offset = offset,
		.child_size = size,
		.out_handle = zvmi_address(out),
	};
	const uint32_t clash = ZX_VMO_CHILD_NO_WRITE | ZX_VMO_CHILD_RESIZABLE;

	/* Before the handle is looked at, which the kernel does first. */
	if (size > UINT64_MAX - (zx_system_get_page_size() - 1))
		return ZX_ERR_OUT_OF_RANGE;
	if ((options & clash) == clash)
		return ZX_ERR_INVALID_ARGS;
	return zvmi_call(handle, ZVM_VMO_CREATE_CHILD, &cmd);
}

zx_status_t zx_vmo_transfer_data(zx_handle_t dst_vmo, uint32_t options, uint64_t offset,
				 uint64_t length, zx_handle_t src_vmo, uint64_t src_offset)
{
	struct zvm_vmo_transfer_data cmd = {
		.size = sizeof(cmd),
		.tag = ZVM_HANDLE_TAG(dst_vmo),
		.options = options,
		.src = src_vmo,
		.offset = offset,
		.length = length,
		.src_offset = src_offset,
	};

	/* Before the handles are looked at, which the kernel does first. */
	if (options || (offset | length | src_offset) & (zx_system_get_page_size() - 1))
		return ZX_ERR_INVALID_ARGS;
	return zvmi_call(dst_vmo, ZVM_VMO_TRANSFER_DATA, &cmd);
}

zx_status_t zx_vmo_set_cache_policy(zx_handle_t handle, uint32_t cache_policy)
{
	struct zvm_vmo_set_cache_policy cmd = {
		.size = sizeof(cmd),
		.tag = ZVM_HANDLE_TAG(handle),
		.policy = cache_policy,
	};

	/* Before the handle is looked at, which the kernel does first. */
	if (cache_policy & ~ZX_CACHE_POLICY_MASK)
		return ZX_ERR_INVALID_ARGS;
	return zvmi_call(handle, ZVM_VMO_SET_CACHE_POLICY, &cmd);
}

zx_status_t zvm_vmo_committed(zx_handle_t vmo, uint64_t offset, uint64_t size, uint64_t *bytes)
{
	struct zvm_vmo_committed cmd = {
		.size = sizeof(cmd),
		.tag = ZVM_HANDLE_TAG(vmo),
		.offset = offset,
		.length = size,
		.out_bytes = zvmi_address(bytes),
	};

	return zvmi_call(vmo, ZVM_VMO_COMMITTED, &cmd);
}
