// SPDX-License-Identifier: GPL-2.0
/*
 * Objects: inodes of a pseudo file system.
 *
 * The file system is mounted while there is a file of ours, and not longer: its
 * superblock has a reference of the module, which the VFS gives back after all
 * else. A file's last fput() ends, after it has given back its own reference of
 * the module, with the end of the inode, which is our code still.
 *
 * So whoever creates an object does so while a file of ours is open: the device
 * or a handle. An object without a handle is held by an address space, whose
 * arena is a file of ours, as is the handle that a detached one lives by.
 */
#include <linux/fs_context.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>
#include <linux/slab.h>

#include "object.h"

#define ZVM_FS_MAGIC 0x7a76336d

/* The mount, there while the count is not 0. */
static struct vfsmount *zvm_mnt;
static atomic_t nr_pins;
static DEFINE_MUTEX(pin_lock);	/* nr_pins between 0 and 1 */

static struct zvm_object *inode_object(struct inode *inode)
{
	return container_of(inode, struct zvm_object, inode);
}

/* The VFS makes the root directory, which is no object. */
static bool is_object(const struct inode *inode)
{
	return S_ISREG(inode->i_mode);
}

static void object_free_inode(struct inode *inode)
{
	if (is_object(inode))
		kmem_cache_free(inode_object(inode)->type->cache, inode_object(inode));
	else
		free_inode_nonrcu(inode);
}

static void object_evict_inode(struct inode *inode)
{
	struct zvm_object *obj = inode_object(inode);

	clear_inode(inode);
	if (!is_object(inode))
		return;
	obj->type->evict(obj);
	atomic64_dec(&obj->type->live);
}

static const struct super_operations object_super_ops = {
	.free_inode = object_free_inode,
	.evict_inode = object_evict_inode,
	.drop_inode = inode_just_drop,
	.statfs = simple_statfs,
};

/* What /proc/PID/fd and /proc/PID/maps show. Not asked about the root, no object. */
static char *object_dname(struct dentry *dentry, char *buffer, int len)
{
	struct zvm_object *obj = inode_object(d_inode(dentry));
	char name[64];
	int size;

	size = scnprintf(name, sizeof(name), "zircon-vm:[%s:%llu]",
			 obj->type->name, obj->koid) + 1;
	if (size > len)
		return ERR_PTR(-ENAMETOOLONG);
	/* The end of the buffer is where a name goes. */
	return memcpy(buffer + len - size, name, size);
}

static const struct dentry_operations object_dentry_ops = {
	.d_dname = object_dname,
};

static int object_init_fs_context(struct fs_context *fc)
{
	struct pseudo_fs_context *ctx = init_pseudo(fc, ZVM_FS_MAGIC);

	if (!ctx)
		return -ENOMEM;
	/* Executable mappings of VMOs are what the execute right is about. */
	fc->s_iflags &= ~SB_I_NOEXEC;
	ctx->ops = &object_super_ops;
	ctx->dops = &object_dentry_ops;
	return 0;
}

static struct file_system_type zvm_fs_type = {
	.owner = THIS_MODULE,
	.name = "zircon_vm",
	.init_fs_context = object_init_fs_context,
	.kill_sb = kill_anon_super,
};

int zvm_fs_pin(void)
{
	int err = 0;

	if (atomic_inc_not_zero(&nr_pins))
		return 0;
	mutex_lock(&pin_lock);
	if (!atomic_inc_not_zero(&nr_pins)) {
		zvm_mnt = kern_mount(&zvm_fs_type);
		err = PTR_ERR_OR_ZERO(zvm_mnt);
		/* Who counts up from now on, without the mutex, sees the mount. */
		if (!err)
			atomic_set_release(&nr_pins, 1);
	}
	mutex_unlock(&pin_lock);
	return err;
}

void zvm_fs_unpin(void)
{
	if (!atomic_dec_and_mutex_lock(&nr_pins, &pin_lock))
		return;
	/* The file that is being released still holds the mount. */
	kern_unmount(zvm_mnt);
	mutex_unlock(&pin_lock);
}

struct file *zvm_object_open(struct zvm_object *obj, int flags,
			     const struct file_operations *fops)
{
	struct file *file;
	int err;

	err = zvm_fs_pin();
	if (err)
		return ERR_PTR(err);
	zvm_object_get(obj);
	/* Dropped by the last fput(), which knows the owner of the fops only. */
	__module_get(THIS_MODULE);
	file = alloc_file_pseudo(&obj->inode, zvm_mnt, obj->type->name, flags | O_LARGEFILE,
				 fops);
	if (IS_ERR(file)) {
		module_put(THIS_MODULE);
		zvm_object_put(obj);
		zvm_fs_unpin();
	}
	return file;
}

/* Objects have no owner, mode or times that could be set. */
static int object_setattr(struct zvm_idmap *idmap, struct dentry *dentry, struct iattr *attr)
{
	return -EPERM;
}

/*
 * /proc/PID/fd makes a path of a handle. Nobody may open that, nor watch it: an
 * inotify mark would keep the inode, which the superblock does not list, and the
 * end of the file system would wait for it for ever.
 */
int zvm_object_permission(struct zvm_idmap *idmap, struct inode *inode, int mask)
{
	return -EACCES;
}

static const struct inode_operations object_iops = {
	.permission = zvm_object_permission,
	.setattr = object_setattr,
};

static void object_init_once(void *ptr)
{
	struct zvm_object *obj = ptr;

	inode_init_once(&obj->inode);
}

int zvm_object_type_register(struct zvm_object_type *type, const char *cache_name)
{
	type->cache = kmem_cache_create(cache_name, type->size, 0,
					SLAB_HWCACHE_ALIGN | SLAB_ACCOUNT, object_init_once);
	return type->cache ? 0 : -ENOMEM;
}

void zvm_object_type_unregister(struct zvm_object_type *type)
{
	/* Inodes are freed after a grace period. */
	rcu_barrier();
	kmem_cache_destroy(type->cache);
}

struct zvm_object *zvm_object_new(struct zvm_object_type *type)
{
	struct zvm_object *obj;
	struct inode *inode;

	obj = kmem_cache_alloc(type->cache, GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
	if (!obj)
		return ERR_PTR(-ENOMEM);
	/* The slab's constructor has made the inode; the rest starts as 0. */
	memset((void *)obj + sizeof(obj->inode), 0, type->size - sizeof(obj->inode));
	inode = &obj->inode;
	if (inode_init_always(zvm_mnt->mnt_sb, inode)) {
		kmem_cache_free(type->cache, obj);
		return ERR_PTR(-ENOMEM);
	}
	/* Not in the superblock's list: nobody walks through our inodes. */
	inode_state_assign_raw(inode, 0);
	INIT_LIST_HEAD(&inode->i_sb_list);

	atomic_set(&obj->users, 1);
	spin_lock_init(&obj->signal_lock);
	INIT_LIST_HEAD(&obj->waiters);
	init_waitqueue_head(&obj->pollers);
	obj->type = type;
	obj->koid = zvm_koid_next();
	inode->i_ino = obj->koid;
	/* Neither execve() nor an open by way of /proc/PID/fd is possible. */
	inode->i_mode = S_IFREG | 0600;
	inode->i_uid = current_fsuid();
	inode->i_gid = current_fsgid();
	inode->i_op = type->iops ? type->iops : &object_iops;
	atomic64_inc(&type->live);
	return obj;
}

void zvm_object_get_name(struct zvm_object *obj, char name[ZX_MAX_NAME_LEN])
{
	spin_lock(&obj->inode.i_lock);
	memcpy(name, obj->name, ZX_MAX_NAME_LEN);
	spin_unlock(&obj->inode.i_lock);
}

void zvm_object_copy_name(struct zvm_object *to, struct zvm_object *from)
{
	zvm_object_get_name(from, to->name);
}

void zvm_object_set_name(struct zvm_object *obj, const char *name, size_t len)
{
	char padded[ZX_MAX_NAME_LEN] = {};

	len = strnlen(name, min_t(size_t, len, ZX_MAX_NAME_LEN - 1));
	memcpy(padded, name, len);
	spin_lock(&obj->inode.i_lock);
	memcpy(obj->name, padded, ZX_MAX_NAME_LEN);
	spin_unlock(&obj->inode.i_lock);
}
