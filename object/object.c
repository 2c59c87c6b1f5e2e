// SPDX-License-Identifier: GPL-2.0
/*
 * Objects: inodes of one pseudo file system for each type.
 */
#include <linux/fs_context.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>
#include <linux/slab.h>

#include "object.h"

#define ZVM_FS_MAGIC 0x7a76336d

/* Never used again, whatever wraps: 2^63 objects take a while. */
static atomic64_t last_koid = ATOMIC64_INIT(ZX_KOID_FIRST - 1);

static struct zvm_object_type *sb_type(const struct super_block *sb)
{
	return container_of(sb->s_type, struct zvm_object_type, fs);
}

static struct zvm_object *inode_object(struct inode *inode)
{
	return container_of(inode, struct zvm_object, inode);
}

static struct inode *object_alloc_inode(struct super_block *sb)
{
	struct zvm_object_type *type = sb_type(sb);
	struct zvm_object *obj = alloc_inode_sb(sb, type->cache, GFP_KERNEL);

	if (!obj)
		return NULL;
	/* The slab's constructor has made the inode; the rest starts as 0. */
	memset((void *)obj + sizeof(obj->inode), 0, type->size - sizeof(obj->inode));
	return &obj->inode;
}

static void object_free_inode(struct inode *inode)
{
	struct zvm_object *obj = inode_object(inode);

	kmem_cache_free(sb_type(inode->i_sb)->cache, obj);
}

static void object_evict_inode(struct inode *inode)
{
	struct zvm_object *obj = inode_object(inode);

	clear_inode(inode);
	/* An inode whose set-up was never finished has no type yet. */
	if (!obj->type)
		return;
	obj->type->evict(obj);
	atomic64_dec(&sb_type(inode->i_sb)->live);
}

static const struct super_operations object_super_ops = {
	.alloc_inode = object_alloc_inode,
	.free_inode = object_free_inode,
	.evict_inode = object_evict_inode,
	.drop_inode = generic_delete_inode,
	.statfs = simple_statfs,
};

/* What /proc/PID/fd and /proc/PID/maps show. */
static char *object_dname(struct dentry *dentry, char *buffer, int len)
{
	struct zvm_object *obj = inode_object(d_inode(dentry));
	char name[64];
	int size;

	size = scnprintf(name, sizeof(name), "zircon-vm:[%s:%llu]",
			 obj->type->fs.name + strlen("zvm_"), obj->koid) + 1;
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
	ctx->ops = &object_super_ops;
	ctx->dops = &object_dentry_ops;
	return 0;
}

/* Objects have no owner, mode or times that could be set. */
static int object_setattr(struct user_namespace *mnt_userns, struct dentry *dentry,
			  struct iattr *attr)
{
	return -EPERM;
}

static const struct inode_operations object_iops = {
	.setattr = object_setattr,
};

static void object_init_once(void *ptr)
{
	struct zvm_object *obj = ptr;

	inode_init_once(&obj->inode);
}

int zvm_object_type_register(struct zvm_object_type *type)
{
	/* No .owner: kern_mount() would then pin the module for ever. */
	type->fs.init_fs_context = object_init_fs_context;
	type->fs.kill_sb = kill_anon_super;

	type->cache = kmem_cache_create(type->fs.name, type->size, 0,
					SLAB_HWCACHE_ALIGN | SLAB_ACCOUNT,
					object_init_once);
	if (!type->cache)
		return -ENOMEM;

	type->mnt = kern_mount(&type->fs);
	if (IS_ERR(type->mnt)) {
		kmem_cache_destroy(type->cache);
		return PTR_ERR(type->mnt);
	}
	return 0;
}

void zvm_object_type_unregister(struct zvm_object_type *type)
{
	kern_unmount(type->mnt);
	/* Inodes are freed after a grace period. */
	rcu_barrier();
	kmem_cache_destroy(type->cache);
}

struct zvm_object *zvm_object_new(struct zvm_object_type *type)
{
	struct inode *inode = new_inode(type->mnt->mnt_sb);
	struct zvm_object *obj;

	if (!inode)
		return ERR_PTR(-ENOMEM);
	obj = inode_object(inode);
	obj->koid = atomic64_inc_return(&last_koid);
	inode->i_ino = obj->koid;
	/* Neither execve() nor an open by way of /proc/PID/fd is possible. */
	inode->i_mode = S_IFREG | 0600;
	inode->i_uid = current_fsuid();
	inode->i_gid = current_fsgid();
	inode->i_op = type->iops ? type->iops : &object_iops;
	obj->type = type;
	atomic64_inc(&type->live);
	return obj;
}

void zvm_object_get_name(struct zvm_object *obj, char name[ZX_MAX_NAME_LEN])
{
	spin_lock(&obj->inode.i_lock);
	memcpy(name, obj->name, ZX_MAX_NAME_LEN);
	spin_unlock(&obj->inode.i_lock);
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
