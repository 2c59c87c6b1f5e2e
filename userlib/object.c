// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * zx_object_...(), zx_system_...(), zx_clock_...()
 */
#include <time.h>
#include <unistd.h>

#include "lib.h"

/*
 * Topics that Zircon has for types of objects that do not exist here: whatever
 * the handle is, it is for an object of another type.
 */
static bool topic_of_missing_type(uint32_t topic)
{
	switch (topic) {
	case ZX_INFO_PROCESS:
	case ZX_INFO_PROCESS_THREADS:
	case ZX_INFO_JOB_CHILDREN:
	case ZX_INFO_JOB_PROCESSES:
	case ZX_INFO_THREAD:
	case ZX_INFO_TASK_STATS_V1:
	case ZX_INFO_TASK_STATS:
	case ZX_INFO_PROCESS_MAPS_V1:
	case ZX_INFO_PROCESS_MAPS_V2:
	case ZX_INFO_THREAD_STATS:
	case ZX_INFO_CPU_STATS:
	case ZX_INFO_KMEM_STATS_V1:
	case ZX_INFO_KMEM_STATS:
	case ZX_INFO_RESOURCE:
	case ZX_INFO_PROCESS_HANDLE_STATS:
	case ZX_INFO_SOCKET:
	case ZX_INFO_JOB:
	case ZX_INFO_TIMER:
	case ZX_INFO_STREAM:
	case ZX_INFO_HANDLE_TABLE:
	case ZX_INFO_MSI:
	case ZX_INFO_GUEST_STATS:
	case ZX_INFO_TASK_RUNTIME_V1:
	case ZX_INFO_TASK_RUNTIME:
	case ZX_INFO_KMEM_STATS_EXTENDED:
	case ZX_INFO_VCPU:
	case ZX_INFO_KMEM_STATS_COMPRESSION:
	case ZX_INFO_IOB:
	case ZX_INFO_IOB_REGIONS:
	case ZX_INFO_POWER_DOMAINS:
	case ZX_INFO_MEMORY_STALL:
	case ZX_INFO_INTERRUPT:
	case ZX_INFO_CLOCK_MAPPED_SIZE:
		return true;
	default:
		return false;
	}
}

zx_status_t zx_object_signal(zx_handle_t handle, uint32_t clear_mask, uint32_t set_mask)
{
	struct zvm_object_signal cmd = {
		.size = sizeof(cmd),
		.tag = ZVM_HANDLE_TAG(handle),
		.clear = clear_mask,
		.set = set_mask,
	};

	return zvmi_call(handle, ZVM_OBJECT_SIGNAL, &cmd);
}

/* The device itself cannot say EBADF of a handle. */
static zx_status_t bad_handle(zx_status_t status)
{
	return status == ZX_ERR_NOT_FOUND ? ZX_ERR_BAD_HANDLE : status;
}

zx_status_t zx_object_wait_one(zx_handle_t handle, zx_signals_t signals, zx_time_t deadline,
			       zx_signals_t *observed)
{
	struct zvm_object_wait_one cmd = {
		.size = sizeof(cmd),
		.handle = handle,
		.signals = signals,
		.deadline = deadline,
		.out_observed = zvmi_address(observed),
	};

	return bad_handle(zvmi_device_call(ZVM_OBJECT_WAIT_ONE, &cmd));
}

zx_status_t zx_object_wait_many(zx_wait_item_t *items, size_t num_items, zx_time_t deadline)
{
	struct zvm_object_wait_many cmd = {
		.size = sizeof(cmd),
		.count = num_items > ZX_WAIT_MANY_MAX_ITEMS ? UINT32_MAX : (uint32_t)num_items,
		.items = zvmi_address(items),
		.deadline = deadline,
	};

	return bad_handle(zvmi_device_call(ZVM_OBJECT_WAIT_MANY, &cmd));
}

zx_status_t zx_object_get_info(zx_handle_t handle, uint32_t topic, void *buffer,
			       size_t buffer_size, size_t *actual, size_t *avail)
{
	struct zvm_object_get_info cmd = {
		.size = sizeof(cmd),
		.tag = ZVM_HANDLE_TAG(handle),
		.topic = topic,
		.buffer = zvmi_address(buffer),
		.buffer_size = buffer_size,
		.out_actual = zvmi_address(actual),
		.out_avail = zvmi_address(avail),
	};

	switch (topic) {
	case ZX_INFO_HANDLE_VALID:
		return zvmi_live(handle) ? ZX_OK : ZX_ERR_BAD_HANDLE;
	case ZX_INFO_HANDLE_BASIC:
	case ZX_INFO_HANDLE_COUNT:
	case ZX_INFO_BTI:
	case ZX_INFO_VMO_V1:
	case ZX_INFO_VMO_V2:
	case ZX_INFO_VMO_V3:
	case ZX_INFO_VMO:
	case ZX_INFO_VMAR:
	case ZX_INFO_VMAR_MAPS:
	case ZX_INFO_PROCESS_MAPS:
	case ZX_INFO_PROCESS_VMOS_V1:
	case ZX_INFO_PROCESS_VMOS_V2:
	case ZX_INFO_PROCESS_VMOS_V3:
	case ZX_INFO_PROCESS_VMOS:
		return zvmi_call(handle, ZVM_OBJECT_GET_INFO, &cmd);
	default:
		if (!topic_of_missing_type(topic))
			return ZX_ERR_NOT_SUPPORTED;
		return zvmi_live(handle) ? ZX_ERR_WRONG_TYPE : ZX_ERR_BAD_HANDLE;
	}
}

static zx_status_t property(unsigned int command, zx_handle_t handle, uint32_t property,
			    const void *value, size_t value_size)
{
	struct zvm_object_property cmd = {
		.size = sizeof(cmd),
		.tag = ZVM_HANDLE_TAG(handle),
		.property = property,
		.value = zvmi_address(value),
		.value_size = value_size,
	};

	if (!value)
		return ZX_ERR_INVALID_ARGS;
	return zvmi_call(handle, command, &cmd);
}

zx_status_t zx_object_get_property(zx_handle_t handle, uint32_t which, void *value,
				   size_t value_size)
{
	return property(ZVM_OBJECT_GET_PROPERTY, handle, which, value, value_size);
}

zx_status_t zx_object_set_property(zx_handle_t handle, uint32_t which, const void *value,
				   size_t value_size)
{
	return property(ZVM_OBJECT_SET_PROPERTY, handle, which, value, value_size);
}

uint32_t zx_system_get_page_size(void)
{
	return (uint32_t)getpagesize();
}

zx_instant_mono_t zx_clock_get_monotonic(void)
{
	struct timespec now;

	/* Cannot fail with these arguments. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	return ZX_SEC(now.tv_sec) + now.tv_nsec;
}

zx_instant_mono_t zx_deadline_after(zx_duration_mono_t nanoseconds)
{
	return zx_time_add_duration(zx_clock_get_monotonic(), nanoseconds);
}
