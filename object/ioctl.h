/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Commands: one table, one path from the user's struct to the handler.
 */
#ifndef ZVM_OBJECT_IOCTL_H
#define ZVM_OBJECT_IOCTL_H

#include <linux/uaccess.h>

#include "handle.h"
#include "../uapi/zircon-vm.h"

struct zvm_vmar;
struct zvm_vmo;

/**
 * struct zvm_call - a command under way
 * @file: what it was given to: the device or a handle
 * @obj: the object of that handle, NULL for the device
 * @word: the handle's word (rights, flags), 0 for the device
 * @cmd: the command's struct, copied in and extended to the kernel's size
 * @ucmd: the user's struct
 * @usize: its size in bytes, as the user says
 */
struct zvm_call {
	struct file *file;
	struct zvm_object *obj;
	u64 word;
	void *cmd;
	void __user *ucmd;
	u32 usize;
};

static inline u32 zvm_call_rights(const struct zvm_call *call)
{
	return zvm_word_rights(call->word);
}

/* -EACCES unless the handle has all of @rights. */
static inline int zvm_call_need(const struct zvm_call *call, u32 rights)
{
	return (zvm_call_rights(call) & rights) == rights ? 0 : -EACCES;
}

/* Copy the struct back, for commands with outputs in it. */
int zvm_call_respond(const struct zvm_call *call, size_t size);

long zvm_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* For KUnit: is there such a command? Run it, with its struct in the kernel. */
bool zvm_ioctl_known(unsigned int cmd);
int zvm_ioctl_run(unsigned int cmd, struct zvm_call *call);

/* The handlers, by file. */
int zvm_ioctl_handshake(struct zvm_call *call);			/* device.c */
int zvm_ioctl_stats(struct zvm_call *call);
int zvm_ioctl_vmo_create(struct zvm_call *call);
int zvm_ioctl_vmo_create_physical(struct zvm_call *call);
int zvm_ioctl_vmar_root(struct zvm_call *call);
int zvm_ioctl_handle_close(struct zvm_call *call);		/* handle.c */
int zvm_ioctl_handle_tag(struct zvm_call *call);
int zvm_ioctl_handle_duplicate(struct zvm_call *call);
int zvm_ioctl_get_info(struct zvm_call *call);			/* info.c */
int zvm_ioctl_object_signal(struct zvm_call *call);		/* signal.c */
int zvm_ioctl_object_wait_one(struct zvm_call *call);		/* wait.c */
int zvm_ioctl_object_wait_many(struct zvm_call *call);
int zvm_ioctl_get_property(struct zvm_call *call);		/* property.c */
int zvm_ioctl_set_property(struct zvm_call *call);
int zvm_ioctl_vmo_read(struct zvm_call *call);			/* vmo_ioctl.c */
int zvm_ioctl_vmo_write(struct zvm_call *call);
int zvm_ioctl_vmo_get_size(struct zvm_call *call);
int zvm_ioctl_vmo_get_stream_size(struct zvm_call *call);
int zvm_ioctl_vmo_set_size(struct zvm_call *call);
int zvm_ioctl_vmo_set_stream_size(struct zvm_call *call);
int zvm_ioctl_vmo_op_range(struct zvm_call *call);
int zvm_ioctl_vmo_set_cache_policy(struct zvm_call *call);
int zvm_ioctl_vmo_create_child(struct zvm_call *call);
/* The rights of a handle to a child that is made by way of a handle with @rights. */
u32 zvm_child_rights(u32 rights, u32 options);
int zvm_ioctl_vmo_transfer_data(struct zvm_call *call);
int zvm_ioctl_vmo_committed(struct zvm_call *call);
int zvm_ioctl_bti_create(struct zvm_call *call);		/* bti.c */
int zvm_ioctl_vmo_create_contiguous(struct zvm_call *call);
int zvm_ioctl_bti_pin(struct zvm_call *call);
int zvm_ioctl_pmt_unpin(struct zvm_call *call);
int zvm_ioctl_vmar_allocate(struct zvm_call *call);		/* vmar_ioctl.c */
int zvm_ioctl_vmar_map(struct zvm_call *call);
int zvm_ioctl_vmar_unmap(struct zvm_call *call);
int zvm_ioctl_vmar_protect(struct zvm_call *call);
int zvm_ioctl_vmar_destroy(struct zvm_call *call);
int zvm_ioctl_vmar_op_range(struct zvm_call *call);
int zvm_ioctl_aspace_create(struct zvm_call *call);		/* aspace_ioctl.c */
int zvm_ioctl_aspace_adopt(struct zvm_call *call);
int zvm_ioctl_process_read(struct zvm_call *call);
int zvm_ioctl_process_write(struct zvm_call *call);

/*
 * Move bytes between a VMO and the caller's memory: READ or WRITE the VMO, all of it or
 * what has been done when a signal came. Returns how many.
 */
ssize_t zvm_transfer(struct zvm_vmo *vmo, u64 offset, u64 buffer, u64 length,
		     unsigned int direction);
/*
 * A VMAR is of one process. Others may hold a handle, but can do something with it only
 * if the owner has lent it to them; else -EACCES.
 */
int zvm_call_check_process(const struct zvm_call *call);
/* A handle of a root region, with all rights that one can have. */
#define ZVM_ROOT_RIGHTS	(ZX_DEFAULT_VMAR_RIGHTS | ZX_RIGHTS_IO | ZX_RIGHT_EXECUTE)
int zvm_publish_root(struct zvm_vmar *root, u64 lent, u64 out_handle);

#endif /* ZVM_OBJECT_IOCTL_H */
