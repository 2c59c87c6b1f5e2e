// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * zx_bti_...(), zx_pmt_...(), and the VMOs that they are for.
 */
#include "lib.h"

zx_status_t zx_bti_create(zx_handle_t iommu, uint32_t options, uint64_t bti_id, zx_handle_t *out)
{
	struct zvm_bti_create cmd = {
		.size = sizeof(cmd),
		.options = options,
		.bti_id = bti_id,
		.out_handle = zvmi_address(out),
	};

	if (options)
		return ZX_ERR_INVALID_ARGS;
	/* No object here is an IOMMU. */
	if (iommu != ZX_HANDLE_INVALID)
		return zvmi_live(iommu) ? ZX_ERR_WRONG_TYPE : ZX_ERR_BAD_HANDLE;
	return zvmi_device_call(ZVM_BTI_CREATE, &cmd);
}

zx_status_t zx_bti_pin(zx_handle_t handle, uint32_t options, zx_handle_t vmo, uint64_t offset,
		       uint64_t size, zx_paddr_t *addrs, size_t num_addrs, zx_handle_t *pmt)
{
	struct zvm_bti_pin cmd = {
		.size = sizeof(cmd),
		.tag = ZVM_HANDLE_TAG(handle),
		.options = options,
		.vmo = vmo,
		.offset = offset,
		.length = size,
		.addrs = zvmi_address(addrs),
		.num_addrs = num_addrs,
		.out_handle = zvmi_address(pmt),
	};

	return zvmi_call(handle, ZVM_BTI_PIN, &cmd);
}

zx_status_t zx_bti_release_quarantine(zx_handle_t handle)
{
	zx_info_handle_basic_t info;
	zx_status_t status;

	/* Pins end with their handles: there is never anything to release. */
	status = zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL);
	if (status != ZX_OK)
		return status;
	if (info.type != ZX_OBJ_TYPE_BTI)
		return ZX_ERR_WRONG_TYPE;
	return info.rights & ZX_RIGHT_WRITE ? ZX_OK : ZX_ERR_ACCESS_DENIED;
}

zx_status_t zx_pmt_unpin(zx_handle_t handle)
{
	struct zvm_pmt_unpin cmd = { .size = sizeof(cmd), .tag = ZVM_HANDLE_TAG(handle) };
	struct zvmi_closing c;
	zx_status_t status;

	if (!zvmi_close_begin(&c, handle))
		return ZX_ERR_BAD_HANDLE;
	status = zvmi_call(handle, ZVM_PMT_UNPIN, &cmd);
	/* Whatever happened, the handle is gone. */
	zvmi_close_handle(handle);
	zvmi_close_end(&c);
	return status;
}

zx_status_t zx_vmo_create_contiguous(zx_handle_t bti, size_t size, uint32_t alignment_log2,
				     zx_handle_t *out)
{
	struct zvm_vmo_create_contiguous cmd = {
		.size = sizeof(cmd),
		.tag = ZVM_HANDLE_TAG(bti),
		.alignment_log2 = alignment_log2,
		.vmo_size = size,
		.out_handle = zvmi_address(out),
	};
	const size_t page_size = zx_system_get_page_size();

	/* Before the handle is looked at, which the kernel does first. */
	if (!size || size % page_size)
		return ZX_ERR_INVALID_ARGS;
	if (alignment_log2 &&
	    (alignment_log2 >= 64 || (uint64_t)1 << alignment_log2 < page_size))
		return ZX_ERR_INVALID_ARGS;
	return zvmi_call(bti, ZVM_VMO_CREATE_CONTIGUOUS, &cmd);
}
