// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Address spaces as a whole: zvm_aspace_...(), zx_process_read_memory() and its like.
 */
#include "lib.h"

/* Zircon's largest transfer. */
#define PROCESS_MAX (64u << 20)

zx_status_t zvm_aspace_create(uint32_t kind, zx_vaddr_t base, size_t size, zx_handle_t *root)
{
	struct zvm_aspace_create cmd = {
		.size = sizeof(cmd),
		.kind = kind,
		.base = base,
		.length = size,
		.out_handle = zvmi_address(root),
	};

	return zvmi_device_call(ZVM_ASPACE_CREATE, &cmd);
}

zx_status_t zvm_aspace_adopt(zx_handle_t root, zx_vaddr_t *addr)
{
	struct zvm_aspace_adopt cmd = {
		.size = sizeof(cmd),
		.tag = ZVM_HANDLE_TAG(root),
		.out_addr = zvmi_address(addr),
	};

	return zvmi_call(root, ZVM_ASPACE_ADOPT, &cmd);
}

/* One mapping after the other, as far as they go. */
static zx_status_t process_memory(unsigned int command, zx_handle_t handle, zx_vaddr_t vaddr,
				  const void *buffer, size_t size, size_t *actual)
{
	struct zvm_vmo_transfer cmd = { .size = sizeof(cmd), .tag = ZVM_HANDLE_TAG(handle) };
	zx_status_t status;
	size_t done = 0;

	/* Zircon's order: these, then the handle. */
	if (!buffer || !size || size > PROCESS_MAX)
		return ZX_ERR_INVALID_ARGS;
	do {
		cmd.buffer = zvmi_address(buffer) + done;
		cmd.offset = vaddr + done;
		cmd.length = size - done;
		cmd.done = 0;
		status = zvmi_call(handle, command, &cmd);
		if (status != ZX_OK && !done)
			return status;
		done += cmd.done;
	} while (status == ZX_OK && cmd.done && done < size);
	return zvmi_copy_out(actual, &done, sizeof(done)) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

zx_status_t zx_process_read_memory(zx_handle_t handle, zx_vaddr_t vaddr, void *buffer,
				   size_t buffer_size, size_t *actual)
{
	return process_memory(ZVM_PROCESS_READ, handle, vaddr, buffer, buffer_size, actual);
}

zx_status_t zx_process_write_memory(zx_handle_t handle, zx_vaddr_t vaddr, const void *buffer,
				    size_t buffer_size, size_t *actual)
{
	return process_memory(ZVM_PROCESS_WRITE, handle, vaddr, buffer, buffer_size, actual);
}
