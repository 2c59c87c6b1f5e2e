// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * zx_vmar_...()
 */
#include "lib.h"

zx_status_t zx_vmar_allocate(zx_handle_t parent_vmar, zx_vm_option_t options, size_t offset,
			     size_t size, zx_handle_t *child_vmar, zx_vaddr_t *child_addr)
{
	struct zvm_vmar_allocate cmd = {
		.size = sizeof(cmd),
		.tag = ZVM_HANDLE_TAG(parent_vmar),
		.options = options,
		.offset = offset,
		.length = size,
		.out_handle = zvmi_address(child_vmar),
		.out_addr = zvmi_address(child_addr),
	};

	return zvmi_call(parent_vmar, ZVM_VMAR_ALLOCATE, &cmd);
}

zx_status_t zx_vmar_map(zx_handle_t handle, zx_vm_option_t options, size_t vmar_offset,
			zx_handle_t vmo, uint64_t vmo_offset, size_t len,
			zx_vaddr_t *mapped_addr)
{
	struct zvm_vmar_map cmd = {
		.size = sizeof(cmd),
		.tag = ZVM_HANDLE_TAG(handle),
		.options = options,
		/* The kernel reports on the VMAR first, then that 0 is no VMO. */
		.vmo = zvmi_plausible(vmo) ? vmo : 0,
		.vmar_offset = vmar_offset,
		.vmo_offset = vmo_offset,
		.length = len,
		.out_addr = zvmi_address(mapped_addr),
	};

	return zvmi_call(handle, ZVM_VMAR_MAP, &cmd);
}

static inline zx_status_t range(unsigned int command, zx_handle_t handle, zx_vm_option_t options,
				zx_vaddr_t addr, size_t len)
{
	struct zvm_vmar_range cmd = {
		.size = sizeof(cmd),
		.tag = ZVM_HANDLE_TAG(handle),
		.options = options,
		.addr = addr,
		.length = len,
	};

	return zvmi_call(handle, command, &cmd);
}

zx_status_t zx_vmar_unmap(zx_handle_t handle, zx_vaddr_t addr, size_t len)
{
	return range(ZVM_VMAR_UNMAP, handle, 0, addr, len);
}

zx_status_t zx_vmar_protect(zx_handle_t handle, zx_vm_option_t options, zx_vaddr_t addr,
			    size_t len)
{
	return range(ZVM_VMAR_PROTECT, handle, options, addr, len);
}

zx_status_t zx_vmar_destroy(zx_handle_t handle)
{
	return range(ZVM_VMAR_DESTROY, handle, 0, 0, 0);
}

zx_status_t zx_vmar_op_range(zx_handle_t handle, uint32_t op, zx_vaddr_t addr, size_t len,
			     void *buffer, size_t buffer_size)
{
	struct zvm_op_range cmd = {
		.size = sizeof(cmd),
		.tag = ZVM_HANDLE_TAG(handle),
		.op = op,
		.offset = addr,
		.length = len,
		.buffer = zvmi_address(buffer),
		.buffer_size = buffer_size,
	};

	return zvmi_call(handle, ZVM_VMAR_OP_RANGE, &cmd);
}
