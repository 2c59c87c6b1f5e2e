// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * zx_handle_...()
 */
#include <time.h>

#include "lib.h"

/* Milliseconds, or more. */
#define CLOSE_PATIENCE 500

bool zvmi_close_wait(struct zvmi_closing *c, _Atomic(zx_handle_t) *slot, zx_handle_t h)
{
	for (int i = 0; i < CLOSE_PATIENCE; i++) {
		struct timespec ms = { .tv_nsec = 1000000 };
		zx_handle_t other = 0;

		if (atomic_compare_exchange_strong(slot, &other, h)) {
			c->slot = slot;
			return true;
		}
		if (other != h)
			return true;
		/* Unlike nanosleep() this leaves errno alone. */
		clock_nanosleep(CLOCK_MONOTONIC, 0, &ms, NULL);
	}
	return false;
}

static inline zx_status_t close_handle(zx_handle_t handle)
{
	struct zvmi_closing c;
	zx_status_t status;

	if (handle == ZX_HANDLE_INVALID)
		return ZX_OK;
	if (!zvmi_close_begin(&c, handle))
		return ZX_ERR_BAD_HANDLE;
	status = zvmi_close_handle(handle);
	zvmi_close_end(&c);
	return status;
}

zx_status_t zx_handle_close(zx_handle_t handle)
{
	return close_handle(handle);
}

zx_status_t zx_handle_close_many(const zx_handle_t *handles, size_t num_handles)
{
	zx_handle_t part[ZX_CHANNEL_MAX_MSG_HANDLES];
	zx_status_t status = ZX_OK;

	while (num_handles) {
		size_t n = num_handles < ZX_CHANNEL_MAX_MSG_HANDLES ?
			   num_handles : ZX_CHANNEL_MAX_MSG_HANDLES;

		if (!zvmi_copy_in(part, handles, n * sizeof(*part)))
			return ZX_ERR_INVALID_ARGS;
		for (size_t i = 0; i < n; i++)
			if (close_handle(part[i]) != ZX_OK)
				status = ZX_ERR_BAD_HANDLE;
		handles += n;
		num_handles -= n;
	}
	return status;
}

static int duplicate(zx_handle_t handle, zx_rights_t rights, uint32_t flags, zx_handle_t *out)
{
	struct zvm_handle_duplicate cmd = {
		.size = sizeof(cmd),
		.tag = ZVM_HANDLE_TAG(handle),
		.rights = rights,
		.flags = flags,
		.out_handle = zvmi_address(out),
	};

	return -zvmi_ioctl(zvmi_fd(handle), ZVM_HANDLE_DUPLICATE, &cmd);
}

zx_status_t zx_handle_duplicate(zx_handle_t handle, zx_rights_t rights, zx_handle_t *out)
{
	int err;

	if (!zvmi_plausible(handle))
		return ZX_ERR_BAD_HANDLE;
	err = duplicate(handle, rights, 0, out);
	return err ? zvmi_status(err) : ZX_OK;
}

zx_status_t zvm_vmar_lend(zx_handle_t vmar, zx_rights_t rights, zx_handle_t *out)
{
	int err;

	if (!zvmi_plausible(vmar))
		return ZX_ERR_BAD_HANDLE;
	err = duplicate(vmar, rights, ZVM_DUPLICATE_LEND, out);
	return err ? zvmi_status(err) : ZX_OK;
}

zx_status_t zx_handle_replace(zx_handle_t handle, zx_rights_t rights, zx_handle_t *out)
{
	struct zvmi_closing c;
	int err;

	if (!zvmi_close_begin(&c, handle))
		return ZX_ERR_BAD_HANDLE;
	err = duplicate(handle, rights, ZVM_DUPLICATE_REPLACE, out);
	/* Without memory nothing has happened. */
	if (!err || err == EINVAL || err == EFAULT)
		zvmi_close_handle(handle);
	zvmi_close_end(&c);
	return err ? zvmi_status(err) : ZX_OK;
}

zx_status_t zx_vmo_replace_as_executable(zx_handle_t handle, zx_handle_t vmex, zx_handle_t *out)
{
	zx_status_t status = ZX_OK, vmex_status = ZX_OK;
	struct zvmi_closing c;
	int err;

	/* No object here is a resource that could permit anything. */
	if (vmex != ZX_HANDLE_INVALID)
		vmex_status = zvmi_live(vmex) ? ZX_ERR_WRONG_TYPE : ZX_ERR_BAD_HANDLE;

	if (!zvmi_close_begin(&c, handle))
		return ZX_ERR_BAD_HANDLE;
	if (vmex_status == ZX_OK) {
		err = duplicate(handle, ZX_RIGHT_SAME_RIGHTS, ZVM_DUPLICATE_EXECUTABLE, out);
		if (err)
			status = zvmi_status(err);
	} else {
		zx_info_handle_basic_t info = { .type = ZX_OBJ_TYPE_NONE };

		zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL);
		status = info.type == ZX_OBJ_TYPE_VMO ? vmex_status : ZX_ERR_BAD_HANDLE;
	}
	/* Whatever happened, the old handle is gone. */
	zvmi_close_handle(handle);
	zvmi_close_end(&c);
	return status;
}

zx_status_t zx_handle_check_valid(zx_handle_t handle)
{
	if (handle == ZX_HANDLE_INVALID)
		return ZX_ERR_INVALID_ARGS;
	if ((handle & ZX_HANDLE_FIXED_BITS_MASK) != ZX_HANDLE_FIXED_BITS_MASK)
		return ZX_ERR_OUT_OF_RANGE;
	return zvmi_live(handle) ? ZX_OK : ZX_ERR_NOT_FOUND;
}
