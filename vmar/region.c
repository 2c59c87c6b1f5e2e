// SPDX-License-Identifier: GPL-2.0
/*
 * Regions: birth and death.
 *
 * A region in the tree has a reference of its own, so it outlives its handles.
 * When it dies its handles stay, with nothing behind them but its extent.
 */
#include <linux/err.h>
#include <linux/module.h>

#include "../object/handle.h"
#include "../object/ioctl.h"
#include "../vmo/user.h"
#include "vmar.h"

#define ZVM_VMAR_FLAGS	(ZX_VM_CAN_MAP_PERMS | ZX_VM_CAN_MAP_SPECIFIC | ZX_VM_COMPACT)

/* It holds the aspace, whoever holds it sees to that it is in it or dead. */
static struct zvm_vmar *new_region(struct zvm_aspace *aspace, u32 flags, const char *name)
{
	struct zvm_object *obj;
	struct zvm_vmar *vmar;

	if (!zvm_user_charge(aspace->user, sizeof(*vmar)))
		return ERR_PTR(-ENOMEM);
	obj = zvm_object_new(&zvm_vmar_type);
	if (IS_ERR(obj)) {
		zvm_user_uncharge(aspace->user, sizeof(*vmar));
		return ERR_CAST(obj);
	}
	zvm_object_set_name(obj, name, strlen(name));
	vmar = to_vmar(obj);
	zvm_object_get(&aspace->obj);
	vmar->aspace = aspace;
	vmar->flags = flags;
	vmar->node.is_region = true;
	return vmar;
}

struct zvm_vmar *zvm_vmar_new_root(struct zvm_aspace *aspace)
{
	struct zvm_user *user = zvm_user_current(sizeof(*aspace));
	struct zvm_vmar *root;

	if (IS_ERR(user))
		return ERR_CAST(user);
	aspace->user = user;
	root = new_region(aspace, ZX_VM_CAN_MAP_PERMS | ZX_VM_CAN_MAP_SPECIFIC, "root");
	if (IS_ERR(root))
		return root;
	root->node.base = aspace->base;
	root->node.size = aspace->size;
	zvm_tree_init(root);
	return root;
}

static int check_child_locked(struct zvm_vmar *parent, u32 options, u64 offset, u64 size,
			      struct zvm_spot *spot)
{
	int err;

	if (parent->dead)
		return -EBADFD;
	if (!size)
		return -EINVAL;
	if (options & ZX_VM_CAN_MAP_PERMS & ~parent->flags)
		return -EACCES;
	err = zvm_place_check(parent, options, offset, size);
	if (err)
		return err;
	err = zvm_place_find_locked(parent, options, offset, size, true, spot);
	if (err)
		return err;
	return parent->depth < ZVM_VMAR_MAX_DEPTH ? 0 : -ENOBUFS;
}

struct zvm_vmar *zvm_vmar_new_child(struct zvm_vmar *parent, u32 options, u64 offset, u64 size)
{
	struct zvm_aspace *aspace = parent->aspace;
	struct zvm_vmar *vmar;
	struct zvm_spot spot;
	int err;

	vmar = new_region(aspace, options & ZVM_VMAR_FLAGS, "useralloc");
	if (IS_ERR(vmar))
		return vmar;

	err = -EINTR;
	if (down_write_killable(&aspace->lock))
		goto put;
	err = check_child_locked(parent, options, offset, size, &spot);
	if (err)
		goto unlock;
	vmar->node.base = spot.addr;
	vmar->node.size = size;
	zvm_tree_init(vmar);
	vmar->depth = parent->depth + 1;
	zvm_object_get(&vmar->obj);
	zvm_tree_insert(parent, &vmar->node, spot.next);
	up_write(&aspace->lock);
	return vmar;

unlock:
	up_write(&aspace->lock);
put:
	zvm_object_put(&vmar->obj);
	return ERR_PTR(err);
}

/*
 * The list of the dead is also the list of regions still to be looked into, so
 * depth costs no stack.
 */
void zvm_vmar_kill_locked(struct zvm_vmar *vmar, struct zvm_dead *dead)
{
	struct zvm_vm_node *node, *child, *n;
	bool touched = false;

	zvm_aspace_assert_write(vmar->aspace);
	zvm_dead_add(dead, &vmar->node);
	for (node = &vmar->node; node; node = node->next_dead) {
		struct rb_root *children;

		cond_resched();
		if (!node->is_region) {
			touched |= node_mapping(node)->touched;
			continue;
		}
		/* Pairs with READ_ONCE() in vmar_show_fdinfo(), which has no lock. */
		WRITE_ONCE(node_vmar(node)->dead, true);
		children = &node_vmar(node)->children;
		rbtree_postorder_for_each_entry_safe(child, n, children, rb) {
			child->parent = NULL;
			zvm_dead_add(dead, child);
			cond_resched();
		}
		*children = RB_ROOT;
		node_vmar(node)->last = NULL;
	}

	/* All at once, and before the stores forget the mappings. */
	if (touched)
		zvm_arena_zap(vmar->aspace, vmar->node.base, vmar->node.size);
	for (node = &vmar->node; node; node = node->next_dead) {
		if (!node->is_region)
			zvm_mapping_unlink_locked(node_mapping(node));
		cond_resched();
	}
}

/* With the lock held, which this drops. */
static int destroy_unlock(struct zvm_vmar *vmar)
{
	struct zvm_aspace *aspace = vmar->aspace;
	struct zvm_dead dead;

	if (vmar->dead) {
		up_write(&aspace->lock);
		return -EBADFD;
	}
	zvm_dead_init(&dead);
	zvm_tree_erase(&vmar->node, zvm_tree_next(&vmar->node));
	zvm_vmar_kill_locked(vmar, &dead);
	up_write(&aspace->lock);

	zvm_dead_free(&dead);
	zvm_arena_trim(aspace, vmar->node.base, vmar->node.size);
	return 0;
}

int zvm_vmar_destroy(struct zvm_vmar *vmar)
{
	if (!vmar->depth)
		return -EOPNOTSUPP;
	if (down_write_killable(&vmar->aspace->lock))
		return -EINTR;
	return destroy_unlock(vmar);
}

void zvm_vmar_undo_new_child(struct zvm_vmar *vmar)
{
	/* Not killable: nobody is left who could do it later. */
	down_write(&vmar->aspace->lock);
	destroy_unlock(vmar);
}

void zvm_aspace_kill(struct zvm_aspace *aspace)
{
	struct zvm_dead dead;

	zvm_dead_init(&dead);
	down_write(&aspace->lock);
	aspace->dead = true;
	if (aspace->root) {
		zvm_vmar_kill_locked(aspace->root, &dead);
		aspace->root = NULL;
	}
	up_write(&aspace->lock);
	zvm_dead_free(&dead);
}

struct zvm_mapping *zvm_aspace_find(struct zvm_aspace *aspace, u64 addr)
{
	struct rb_node *rb = NULL;

	lockdep_assert_held(&aspace->lock);
	if (aspace->root)
		rb = aspace->root->children.rb_node;
	while (rb) {
		struct zvm_vm_node *node = rb_entry(rb, struct zvm_vm_node, rb);

		if (addr < node->base)
			rb = rb->rb_left;
		else if (addr >= zvm_node_end(node))
			rb = rb->rb_right;
		else if (node->is_region)
			rb = node_vmar(node)->children.rb_node;
		else
			return node_mapping(node);
	}
	return NULL;
}

static void vmar_evict(struct zvm_object *obj)
{
	struct zvm_aspace *aspace = to_vmar(obj)->aspace;

	zvm_user_uncharge(aspace->user, sizeof(struct zvm_vmar));
	zvm_object_put(&aspace->obj);
}

static void vmar_last_close(struct zvm_object *obj)
{
	struct zvm_vmar *vmar = to_vmar(obj);

	if (!vmar->depth)
		zvm_aspace_abandon(vmar->aspace);
}

static void vmar_show_fdinfo(struct seq_file *m, struct zvm_object *obj)
{
	const struct zvm_vmar *vmar = to_vmar(obj);

	seq_printf(m, "base:\t0x%llx\n", vmar->node.base);
	seq_printf(m, "size:\t0x%llx\n", vmar->node.size);
	seq_printf(m, "options:\t0x%x\n", vmar->flags);
	if (READ_ONCE(vmar->dead))
		seq_puts(m, "destroyed:\t1\n");
}

static const struct file_operations vmar_fops = {
	.owner = THIS_MODULE,
	.release = zvm_object_release,
	.unlocked_ioctl = zvm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = zvm_object_show_fdinfo,
};

struct zvm_object_type zvm_vmar_type = {
	.name = "vmar",
	.zx_type = ZX_OBJ_TYPE_VMAR,
	.size = sizeof(struct zvm_vmar),
	.fops = &vmar_fops,
	.last_close = vmar_last_close,
	.evict = vmar_evict,
	.show_fdinfo = vmar_show_fdinfo,
};
