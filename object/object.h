/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Objects.
 *
 * A kernel object is an inode of a pseudo file system: its struct begins with
 * struct zvm_object, which begins with the inode. Its reference count is the
 * inode's. A handle is an open file of that inode (handle.h); mappings and
 * regions hold objects without a file.
 */
#ifndef ZVM_OBJECT_OBJECT_H
#define ZVM_OBJECT_OBJECT_H

#include <linux/fs.h>
#include <linux/seq_file.h>

#include "../compat.h"
#include "zircon.h"

struct zvm_object;

/**
 * struct zvm_object_type - what all objects of a type have in common
 * @name: for people
 * @zx_type: ZX_OBJ_TYPE_...
 * @size: bytes of the object's struct
 * @fops: of handles, with zvm_object_release(), zvm_ioctl() and
 *	zvm_object_show_fdinfo() among them; NULL: there are none
 * @iops: of the inodes; NULL: nothing can be set
 * @evict: the last reference is gone: give back what the object holds; may
 *	sleep; the memory itself is freed by the caller
 * @show_fdinfo: more lines for /proc/PID/fdinfo, or NULL
 * @cache: of the structs
 * @live: objects alive
 */
struct zvm_object_type {
	const char *name;
	u32 zx_type;
	size_t size;
	const struct file_operations *fops;
	const struct inode_operations *iops;
	void (*evict)(struct zvm_object *obj);
	void (*show_fdinfo)(struct seq_file *m, struct zvm_object *obj);
	struct kmem_cache *cache;
	atomic64_t live;
};

/**
 * struct zvm_object - head of every object
 * @inode: reference count, address_space
 * @type: fixed
 * @koid: fixed, never used again
 * @handles: open handles
 * @name: guarded by inode.i_lock; NUL padded
 */
struct zvm_object {
	struct inode inode;
	struct zvm_object_type *type;
	u64 koid;
	atomic_t handles;
	char name[ZX_MAX_NAME_LEN];
};

/*
 * For the inode_operations of every type: nothing can be done by way of a path.
 */
int zvm_object_permission(struct zvm_idmap *idmap, struct inode *inode, int mask);

int zvm_object_type_register(struct zvm_object_type *type, const char *cache_name);
void zvm_object_type_unregister(struct zvm_object_type *type);

/* Keep the file system mounted: for each open file of ours, until its release. */
int zvm_fs_pin(void);
void zvm_fs_unpin(void);

/*
 * A new object with one reference, or ERR_PTR(-ENOMEM). What follows the head
 * in the struct is zero. The caller fills it before anybody else can see it,
 * and has a file of ours open.
 */
struct zvm_object *zvm_object_new(struct zvm_object_type *type);

/*
 * A new file of the object, which holds it. Its release has to zvm_fs_unpin().
 * ERR_PTR(-ENOMEM), ERR_PTR(-ENFILE).
 */
struct file *zvm_object_open(struct zvm_object *obj, int flags,
			     const struct file_operations *fops);

static inline void zvm_object_get(struct zvm_object *obj)
{
	ihold(&obj->inode);
}

static inline void zvm_object_put(struct zvm_object *obj)
{
	iput(&obj->inode);
}

/* koid.c */
void __init zvm_koid_init(void);
u64 zvm_koid_next(void);

void zvm_object_get_name(struct zvm_object *obj, char name[ZX_MAX_NAME_LEN]);
void zvm_object_set_name(struct zvm_object *obj, const char *name, size_t len);

#endif /* ZVM_OBJECT_OBJECT_H */
