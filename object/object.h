/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Objects.
 *
 * A kernel object is an inode of a pseudo file system: its struct begins with
 * struct zvm_object, which begins with the inode. A handle is an open file of
 * that inode (handle.h); mappings, regions and pins of pages (vmo/pin.h) hold objects
 * without a file.
 *
 * Two counts. Handles, mappings, pins of pages and calls under way are *users*: when the
 * last one is gone the object is dead for everybody. The inode's own reference count
 * says how long the memory stays; it has one reference for each user and more
 * where another object goes on using part of a dead one (pins).
 */
#ifndef ZVM_OBJECT_OBJECT_H
#define ZVM_OBJECT_OBJECT_H

#include <linux/fs.h>
#include <linux/seq_file.h>
#include <linux/wait.h>

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
 * @last_close: the last handle is gone; may sleep; NULL: nothing to do
 * @last_put: the last user is gone; may sleep; NULL: nothing to do
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
	void (*last_close)(struct zvm_object *obj);
	void (*last_put)(struct zvm_object *obj);
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
 * @users: see above
 * @handles: open handles
 * @signal_lock: guards @signals and @waiters; innermost but for the scheduler's
 * @signals: ZX_..._SIGNAL bits; may be read without the lock
 * @waiters: tasks in zx_object_wait_...()
 * @pollers: poll(2) and epoll
 * @name: guarded by inode.i_lock; NUL padded
 */
struct zvm_object {
	struct inode inode;
	struct zvm_object_type *type;
	u64 koid;
	atomic_t users;
	atomic_t handles;
	spinlock_t signal_lock;		/* signals, waiters */
	u32 signals;
	struct list_head waiters;
	wait_queue_head_t pollers;
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
 * A new object with one user, or ERR_PTR(-ENOMEM). What follows the head
 * in the struct is zero. The caller fills it before anybody else can see it,
 * and has a file of ours open.
 */
struct zvm_object *zvm_object_new(struct zvm_object_type *type);

/*
 * A new file of the object, which is a user of it. Its release has to
 * zvm_object_unuse() and zvm_fs_unpin().
 * ERR_PTR(-ENOMEM), ERR_PTR(-ENFILE).
 */
struct file *zvm_object_open(struct zvm_object *obj, int flags,
			     const struct file_operations *fops);

/* The memory only; from somebody who has the object. */
static inline void zvm_object_pin(struct zvm_object *obj)
{
	ihold(&obj->inode);
}

static inline void zvm_object_unpin(struct zvm_object *obj)
{
	iput(&obj->inode);
}

/* koid.c */
void __init zvm_koid_init(void);
u64 zvm_koid_next(void);

static inline void zvm_object_get(struct zvm_object *obj)
{
	atomic_inc(&obj->users);
	zvm_object_pin(obj);
}

/* One user less, for those whose pin is dropped by somebody else. */
static inline void zvm_object_unuse(struct zvm_object *obj)
{
	if (atomic_dec_and_test(&obj->users) && obj->type->last_put)
		obj->type->last_put(obj);
}

static inline void zvm_object_put(struct zvm_object *obj)
{
	zvm_object_unuse(obj);
	zvm_object_unpin(obj);
}

/*
 * Clear and set signals (in this order) and wake who waits for those that were
 * not set before.
 */
void zvm_object_signal(struct zvm_object *obj, u32 clear, u32 set);

void zvm_object_get_name(struct zvm_object *obj, char name[ZX_MAX_NAME_LEN]);
/* @to is not known to anybody yet. */
void zvm_object_copy_name(struct zvm_object *to, struct zvm_object *from);
void zvm_object_set_name(struct zvm_object *obj, const char *name, size_t len);

#endif /* ZVM_OBJECT_OBJECT_H */
