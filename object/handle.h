/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Handles: files that refer to an object and carry rights.
 *
 * What a handle is fits into one word, kept in file->private_data and fixed for
 * life: rights, a flag, and the tag that tells a reused descriptor from the old
 * one.
 */
#ifndef ZVM_OBJECT_HANDLE_H
#define ZVM_OBJECT_HANDLE_H

#include <linux/file.h>

#include "object.h"

#define ZVM_HANDLE_RIGHTS	GENMASK_ULL(24, 0)
/* This VMAR handle works in any process. */
#define ZVM_HANDLE_LENT		BIT_ULL(25)
#define ZVM_HANDLE_WORD_TAG	GENMASK_ULL(41, 32)

static inline u64 zvm_handle_word(const struct file *file)
{
	return (u64)file->private_data;
}

static inline u32 zvm_word_rights(u64 word)
{
	return word & ZVM_HANDLE_RIGHTS;
}

/* The object behind a handle. */
static inline struct zvm_object *zvm_file_object(const struct file *file)
{
	return container_of(file_inode(file), struct zvm_object, inode);
}

int zvm_object_release(struct inode *inode, struct file *file);

/* Is @file a handle? */
static inline bool zvm_file_is_handle(const struct file *file)
{
	return file->f_op->release == zvm_object_release;
}

/*
 * A new handle to @obj with @rights; @lent: ZVM_HANDLE_LENT or 0. Takes a
 * reference of its own. ERR_PTR on error.
 */
struct file *zvm_handle_new(struct zvm_object *obj, u32 rights, u64 lent);

/*
 * Give @file a descriptor and tell its handle value to the user. Consumes
 * @file: on error the handle is closed again.
 */
int zvm_handle_publish(struct file *file, u32 __user *out);

/**
 * struct zvm_handle_ref - a second handle that a command was given
 * @fd: keeps the file
 * @obj: the object
 * @rights: of the handle
 */
struct zvm_handle_ref {
	struct fd fd;
	struct zvm_object *obj;
	u32 rights;
};

/* Look up handle value @value; -EBADF, -EMEDIUMTYPE. @type: NULL for any. */
int zvm_handle_lookup(u32 value, const struct zvm_object_type *type,
		      struct zvm_handle_ref *ref);

static inline void zvm_handle_ref_put(struct zvm_handle_ref *ref)
{
	fdput(ref->fd);
}

void zvm_object_show_fdinfo(struct seq_file *m, struct file *file);

u64 zvm_handle_count_all(void);

#endif /* ZVM_OBJECT_HANDLE_H */
