// SPDX-License-Identifier: GPL-2.0
/*
 * zx_object_get_info().
 */
#include "../vmar/aspace.h"
#include "../vmar/vmar.h"
#include "../vmo/vmo.h"
#include "bti.h"
#include "ioctl.h"

/* Tell the counts; an address of 0 is no interest. */
static int put_counts(const struct zvm_object_get_info *cmd, u64 actual, u64 avail)
{
	if (cmd->out_actual && put_user(actual, (u64 __user *)u64_to_user_ptr(cmd->out_actual)))
		return -EFAULT;
	if (cmd->out_avail && put_user(avail, (u64 __user *)u64_to_user_ptr(cmd->out_avail)))
		return -EFAULT;
	return 0;
}

/* The answer of a topic that has exactly one record. */
static int put_record(const struct zvm_object_get_info *cmd, const void *record, size_t size)
{
	int err;

	if (cmd->buffer_size < size) {
		err = put_counts(cmd, 0, 1);
		return err ? err : -EMSGSIZE;
	}
	if (copy_to_user(u64_to_user_ptr(cmd->buffer), record, size))
		return -EFAULT;
	return put_counts(cmd, 1, 1);
}

static int info_handle_basic(struct zvm_call *call)
{
	struct zx_info_handle_basic info = {
		.koid = call->obj->koid,
		.rights = zvm_call_rights(call),
		.type = call->obj->type->zx_type,
	};

	return put_record(call->cmd, &info, sizeof(info));
}

static int info_handle_count(struct zvm_call *call)
{
	u32 count = atomic_read(&call->obj->handles);
	int err = zvm_call_need(call, ZX_RIGHT_INSPECT);

	return err ? err : put_record(call->cmd, &count, sizeof(count));
}

/*
 * The bytes of a struct zx_info_vmo in a version of the topic. The record grew over
 * time; each older version is the start of the newer.
 */
static size_t vmo_record_size(u32 topic)
{
	switch (topic) {
	case ZX_INFO_VMO_V1:
	case ZX_INFO_PROCESS_VMOS_V1:
		return offsetof(struct zx_info_vmo, metadata_bytes);
	case ZX_INFO_VMO_V2:
	case ZX_INFO_PROCESS_VMOS_V2:
		return offsetof(struct zx_info_vmo, populated_bytes);
	case ZX_INFO_VMO_V3:
	case ZX_INFO_PROCESS_VMOS_V3:
		return offsetof(struct zx_info_vmo, committed_private_bytes);
	default:
		return sizeof(struct zx_info_vmo);
	}
}

static int info_vmo(struct zvm_call *call)
{
	const struct zvm_object_get_info *cmd = call->cmd;
	struct zx_info_vmo info = {};
	int err;

	if (call->obj->type != &zvm_vmo_type)
		return -EMEDIUMTYPE;
	err = zvm_vmo_fill_info(to_vmo(call->obj), &info);
	if (err)
		return err;
	info.flags |= ZX_INFO_VMO_VIA_HANDLE;
	info.handle_rights = zvm_call_rights(call);
	return put_record(cmd, &info, vmo_record_size(cmd->topic));
}

static int info_vmar(struct zvm_call *call)
{
	struct zx_info_vmar info;
	int err;

	if (call->obj->type != &zvm_vmar_type)
		return -EMEDIUMTYPE;
	err = zvm_call_need(call, ZX_RIGHT_INSPECT);
	if (err)
		return err;
	info.base = to_vmar(call->obj)->node.base;
	info.len = to_vmar(call->obj)->node.size;
	return put_record(call->cmd, &info, sizeof(info));
}

/* Many records about a region or, if it is a root region, about the process. */
static int info_vmar_records(struct zvm_call *call)
{
	const struct zvm_object_get_info *cmd = call->cmd;
	void __user *buffer = u64_to_user_ptr(cmd->buffer);
	bool process = cmd->topic != ZX_INFO_VMAR_MAPS;
	struct zvm_vmar *vmar = to_vmar(call->obj);
	u64 actual, avail;
	int err;

	if (call->obj->type != &zvm_vmar_type || (process && vmar->depth))
		return -EMEDIUMTYPE;
	err = zvm_call_need(call, ZX_RIGHT_INSPECT);
	if (err)
		return err;
	if (!process)
		err = zvm_vmar_info_maps(vmar, buffer, cmd->buffer_size, &actual, &avail);
	else if (cmd->topic == ZX_INFO_PROCESS_MAPS)
		err = zvm_vmar_info_process_maps(vmar, buffer, cmd->buffer_size, &actual, &avail);
	else
		err = zvm_vmar_info_process_vmos(vmar, vmo_record_size(cmd->topic), buffer,
						 cmd->buffer_size, &actual, &avail);
	return err ? err : put_counts(cmd, actual, avail);
}

static int info_bti(struct zvm_call *call)
{
	/* Addresses are physical ones, page by page; nothing is ever quarantined. */
	struct zx_info_bti info = {
		.minimum_contiguity = PAGE_SIZE,
		.aspace_size = U64_MAX,
	};
	int err;

	if (call->obj->type != &zvm_bti_type)
		return -EMEDIUMTYPE;
	err = zvm_call_need(call, ZX_RIGHT_INSPECT);
	if (err)
		return err;
	info.pmo_count = atomic64_read(&to_bti(call->obj)->nr_pmts);
	return put_record(call->cmd, &info, sizeof(info));
}

int zvm_ioctl_get_info(struct zvm_call *call)
{
	const struct zvm_object_get_info *cmd = call->cmd;

	if (cmd->reserved)
		return -EOPNOTSUPP;
	switch (cmd->topic) {
	case ZX_INFO_HANDLE_VALID:
		return 0;
	case ZX_INFO_HANDLE_BASIC:
		return info_handle_basic(call);
	case ZX_INFO_HANDLE_COUNT:
		return info_handle_count(call);
	case ZX_INFO_BTI:
		return info_bti(call);
	case ZX_INFO_VMO_V1:
	case ZX_INFO_VMO_V2:
	case ZX_INFO_VMO_V3:
	case ZX_INFO_VMO:
		return info_vmo(call);
	case ZX_INFO_VMAR:
		return info_vmar(call);
	case ZX_INFO_VMAR_MAPS:
	case ZX_INFO_PROCESS_MAPS:
	case ZX_INFO_PROCESS_VMOS_V1:
	case ZX_INFO_PROCESS_VMOS_V2:
	case ZX_INFO_PROCESS_VMOS_V3:
	case ZX_INFO_PROCESS_VMOS:
		return info_vmar_records(call);
	default:
		return -EOPNOTSUPP;
	}
}
