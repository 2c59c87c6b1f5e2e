// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Simple things with handles, for what is not an operation of its own.
 */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>

#include <zircon/syscalls/object.h>

#include "fuzz.h"

int zvm_ioctl(int fd, unsigned int command, void *arg)
{
	return (int)syscall(SYS_ioctl, fd, command, arg);
}

bool handle_tag(int fd, uint32_t *tag)
{
	struct zvm_handle_tag cmd = { .size = sizeof(cmd) };

	if (zvm_ioctl(fd, ZVM_HANDLE_TAG_OF, &cmd))
		return false;
	*tag = cmd.tag;
	return true;
}

bool handle_basic(int fd, uint32_t tag, uint32_t *rights, uint32_t *type)
{
	zx_info_handle_basic_t info;
	struct zvm_object_get_info cmd = {
		.size = sizeof(cmd),
		.tag = tag,
		.topic = ZX_INFO_HANDLE_BASIC,
		.buffer = (uint64_t)&info,
		.buffer_size = sizeof(info),
	};

	if (zvm_ioctl(fd, ZVM_OBJECT_GET_INFO, &cmd))
		return false;
	*rights = info.rights;
	*type = info.type;
	return true;
}

int new_vmo(uint32_t options, uint64_t size)
{
	uint32_t value = 0;
	struct zvm_vmo_create cmd = {
		.size = sizeof(cmd), .options = options, .vmo_size = size,
		.out_handle = (uint64_t)&value,
	};

	if (zvm_ioctl(WORD_FD(proc.slots[SLOT_DEVICE]), ZVM_VMO_CREATE, &cmd))
		return -1;
	return ZVM_HANDLE_FD(value);
}

int new_bti(void)
{
	uint32_t value = 0;
	struct zvm_bti_create cmd = { .size = sizeof(cmd), .out_handle = (uint64_t)&value };

	if (zvm_ioctl(WORD_FD(proc.slots[SLOT_DEVICE]), ZVM_BTI_CREATE, &cmd))
		return -1;
	return ZVM_HANDLE_FD(value);
}

int duplicate_handle(int fd, uint32_t rights, uint32_t flags)
{
	uint32_t value = 0;
	struct zvm_handle_duplicate cmd = {
		.size = sizeof(cmd), .rights = rights, .flags = flags,
		.out_handle = (uint64_t)&value,
	};

	if (zvm_ioctl(fd, ZVM_HANDLE_DUPLICATE, &cmd))
		return -1;
	return ZVM_HANDLE_FD(value);
}

bool vmo_transfer(int fd, bool write, uint64_t offset, void *data, uint64_t len)
{
	struct zvm_vmo_transfer cmd = {
		.size = sizeof(cmd), .buffer = (uint64_t)data, .offset = offset, .length = len,
	};

	return !zvm_ioctl(fd, write ? ZVM_VMO_WRITE : ZVM_VMO_READ, &cmd) && cmd.done == len;
}

uint64_t map_vmo(int vmar, int fd, uint32_t options, uint64_t len)
{
	uint64_t addr = 0;
	struct zvm_vmar_map cmd = {
		.size = sizeof(cmd), .options = options, .vmo = ZVM_HANDLE_VALUE(fd, 0),
		.length = len, .out_addr = (uint64_t)&addr,
	};

	return zvm_ioctl(vmar, ZVM_VMAR_MAP, &cmd) ? 0 : addr;
}

int vmar_range(int vmar, unsigned int command, uint32_t options, uint64_t addr, uint64_t len)
{
	struct zvm_vmar_range cmd = {
		.size = sizeof(cmd), .options = options, .addr = addr, .length = len,
	};

	return zvm_ioctl(vmar, command, &cmd);
}

int vmo_op_range(int fd, uint32_t op, uint64_t offset, uint64_t len)
{
	struct zvm_op_range cmd = {
		.size = sizeof(cmd), .op = op, .offset = offset, .length = len,
	};

	return zvm_ioctl(fd, ZVM_VMO_OP_RANGE, &cmd);
}

int vmo_set_size(int fd, unsigned int command, uint64_t size)
{
	struct zvm_vmo_set_size cmd = { .size = sizeof(cmd), .new_size = size };

	return zvm_ioctl(fd, command, &cmd);
}

struct zvm_stats get_stats(int device)
{
	struct zvm_stats s = { .size = sizeof(s) };

	zvm_ioctl(device, ZVM_STATS, &s);
	return s;
}
