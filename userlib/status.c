// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Status codes: from errno, and their names.
 */
#include <zircon/status.h>

#include "lib.h"

/* The table is the only place that pairs them; this is a check of its values. */
#define CHECK(name, value, err) \
	_Static_assert(ZX_ERR_##name == (value), "ZX_ERR_" #name " differs from the kernel's");
ZVM_ERRNO_TABLE(CHECK)

#define BY_ERRNO(name, value, err) [err] = (value),
static const int8_t status_by_errno[] = { ZVM_ERRNO_TABLE(BY_ERRNO) };

zx_status_t zvmi_status(int err)
{
	switch (err) {
	case EFAULT:
	case E2BIG:
		return ZX_ERR_INVALID_ARGS;
	case EPERM:
		return ZX_ERR_ACCESS_DENIED;
	case EMFILE:
	case ENFILE:
		return ZX_ERR_NO_RESOURCES;
	case ENOTTY:
		/* The descriptor was closed behind our back and is other's now. */
		return ZX_ERR_BAD_HANDLE;
	}
	if (err > 0 && (size_t)err < sizeof(status_by_errno) && status_by_errno[err])
		return status_by_errno[err];
	return ZX_ERR_INTERNAL;
}

const char *zx_status_get_string(zx_status_t status)
{
	switch (status) {
#define NAME(name, value, err) \
	case value:            \
		return "ZX_ERR_" #name;
		ZVM_ERRNO_TABLE(NAME)
	case ZX_OK:
		return "ZX_OK";
	/* These never leave Zircon's kernel, or a program; no errno stands for them. */
	case ZX_ERR_INTERNAL_INTR_RETRY:
		return "ZX_ERR_INTERNAL_INTR_RETRY";
	case ZX_ERR_INTERNAL_INTR_KILLED:
		return "ZX_ERR_INTERNAL_INTR_KILLED";
	case ZX_ERR_STOP:
		return "ZX_ERR_STOP";
	case ZX_ERR_NEXT:
		return "ZX_ERR_NEXT";
	case ZX_ERR_ASYNC:
		return "ZX_ERR_ASYNC";
	default:
		return "(UNKNOWN)";
	}
}
