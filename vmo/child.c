// SPDX-License-Identifier: GPL-2.0
/*
 * zx_vmo_create_child(): snapshots, slices and references.
 */
#include <linux/gfp.h>

#include "../uapi/zircon-vm.h"
#include "family.h"
#include "pin.h"
#include "store.h"

#define SNAPSHOTS (ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE | \
		   ZX_VMO_CHILD_SNAPSHOT_MODIFIED)
#define TYPES (SNAPSHOTS | ZX_VMO_CHILD_SLICE | ZX_VMO_CHILD_REFERENCE)

/**
 * struct wish - what the child is to be
 * @kind: kind
 * @options: ZX_VMO_CHILD_...
 * @offset: in bytes, from the start of the parent
 * @size: in bytes, as the user said it
 * @rounded: the same in whole pages
 */
struct wish {
	enum zvm_vmo_kind kind;
	u32 options;
	u64 offset;
	u64 size;
	u64 rounded;
};

/* What kind do the options ask for? */
static int wish_kind(struct wish *wish)
{
	u32 type = wish->options & TYPES, allowed = type | ZX_VMO_CHILD_NO_WRITE;

	if (hweight32(type) != 1)
		return -EINVAL;
	if (type == ZX_VMO_CHILD_SLICE)
		wish->kind = ZVM_VMO_SLICE;
	else if (type == ZX_VMO_CHILD_REFERENCE)
		wish->kind = ZVM_VMO_REFERENCE;
	else
		wish->kind = ZVM_VMO_SNAPSHOT;
	if (wish->kind != ZVM_VMO_SLICE)
		allowed |= ZX_VMO_CHILD_RESIZABLE;
	return wish->options & ~allowed ? -EINVAL : 0;
}

static int check_slice_locked(const struct zvm_vmo *parent, const struct wish *wish)
{
	u64 size = zvm_vmo_limit(parent) - parent->offset;

	if (!PAGE_ALIGNED(wish->offset))
		return -EINVAL;
	if (wish->rounded > ZVM_VMO_MAX_SIZE)
		return -ERANGE;
	if (wish->offset > size || wish->rounded > size - wish->offset)
		return -EINVAL;
	if (parent->options & ZVM_VMO_RESIZABLE)
		return -EOPNOTSUPP;
	if (parent->store->cache_policy != ZX_CACHE_POLICY_CACHED && !zvm_vmo_is_contiguous(parent))
		return -EBADFD;
	return 0;
}

static int check_reference_locked(const struct zvm_vmo *parent, const struct wish *wish)
{
	if (zvm_vmo_is_physical(parent))
		return -EOPNOTSUPP;
	if (wish->offset || wish->size)
		return -EINVAL;
	if (parent->kind == ZVM_VMO_SLICE || zvm_vmo_is_contiguous(parent))
		return -EOPNOTSUPP;
	if (wish->options & ZX_VMO_CHILD_RESIZABLE && !(parent->options & ZVM_VMO_RESIZABLE))
		return -EOPNOTSUPP;
	return parent->store->cache_policy == ZX_CACHE_POLICY_CACHED ? 0 : -EBADFD;
}

static int check_snapshot_locked(const struct zvm_vmo *parent, const struct wish *wish)
{
	u64 start, end;

	if (zvm_vmo_is_physical(parent))
		return -EOPNOTSUPP;
	if (zvm_vmo_is_contiguous(parent))
		return -EINVAL;
	if (!PAGE_ALIGNED(wish->offset))
		return -EINVAL;
	if (wish->rounded > ZVM_VMO_MAX_SIZE)
		return -ERANGE;
	if (check_add_overflow(wish->offset, wish->rounded, &end))
		return -ERANGE;
	if (parent->store->cache_policy != ZX_CACHE_POLICY_CACHED)
		return -EBADFD;
	/* All relatives have their pages at the indexes of their first ancestor. */
	if (check_add_overflow(parent->store->base << PAGE_SHIFT, wish->offset, &start) ||
	    check_add_overflow(start, wish->rounded, &end))
		return -EINVAL;
	if (parent->kind == ZVM_VMO_SLICE)
		return -EOPNOTSUPP;
	return zvm_store_is_pinned(parent->store, 0, ULONG_MAX) ? -EBADFD : 0;
}

static int check_locked(const struct zvm_vmo *parent, const struct wish *wish)
{
	lockdep_assert_held(&parent->store->lock);
	switch (wish->kind) {
	case ZVM_VMO_SLICE:
		return check_slice_locked(parent, wish);
	case ZVM_VMO_REFERENCE:
		return check_reference_locked(parent, wish);
	default:
		return check_snapshot_locked(parent, wish);
	}
}

static int make_snapshot_locked(struct zvm_vmo *child, struct zvm_vmo *parent,
				const struct wish *wish)
{
	struct zvm_store *store = &child->own_store;
	int err;

	err = zvm_store_snapshot(store, parent->store, wish->offset >> PAGE_SHIFT,
				 wish->rounded >> PAGE_SHIFT);
	if (err)
		return err;
	if (wish->options & ZX_VMO_CHILD_RESIZABLE)
		child->options = ZVM_VMO_RESIZABLE;
	child->immutable = wish->options & ZX_VMO_CHILD_SNAPSHOT &&
			   wish->options & ZX_VMO_CHILD_NO_WRITE;
	store->stream_size = wish->size;
	zvm_store_resize(store, wish->rounded);
	zvm_family_join(parent->store->family, store);
	return 0;
}

/* The child shows the store of the parent, or of whom the parent shows. */
static void make_view_locked(struct zvm_vmo *child, struct zvm_vmo *parent,
			     const struct wish *wish)
{
	struct zvm_vmo *owner = parent->owner ?: parent;
	struct zvm_store *store = parent->store;

	zvm_object_pin(&owner->obj);
	child->owner = owner;
	child->store = store;
	/* One place for the PTEs of all plain mmap(2)s of the store. */
	child->obj.inode.i_mapping = store->inode->i_mapping;
	if (wish->kind == ZVM_VMO_REFERENCE) {
		child->options = owner->options;
		store->nr_whole++;
		/* It follows the owner's, so what asks the inode finds no limit here. */
		i_size_write(&child->obj.inode, MAX_LFS_FILESIZE);
		return;
	}
	child->offset = parent->offset + wish->offset;
	child->slice_size = wish->rounded;
	child->slice_stream = store->contiguous ? 0 : wish->size;
	if (store->physical)
		child->parent_koid = parent->obj.koid;
	if (wish->rounded) {
		child->window.start = child->offset >> PAGE_SHIFT;
		child->window.last = child->window.start + (wish->rounded >> PAGE_SHIFT) - 1;
		interval_tree_insert(&child->window, &store->slices);
	}
	i_size_write(&child->obj.inode, min_t(u64, wish->rounded, MAX_LFS_FILESIZE));
}

static int make_child_locked(struct zvm_vmo *child, struct zvm_vmo *parent,
			     struct zvm_family *family, const struct wish *wish)
{
	int err = check_locked(parent, wish);

	if (err)
		return err;
	if (!parent->store->family)
		zvm_family_join(family, parent->store);
	child->kind = wish->kind;
	if (wish->kind == ZVM_VMO_SNAPSHOT)
		err = make_snapshot_locked(child, parent, wish);
	else
		make_view_locked(child, parent, wish);
	if (!err)
		zvm_family_add_child(parent, child);
	return err;
}

struct zvm_vmo *zvm_vmo_new_child(struct zvm_vmo *parent, u32 options, u64 offset, u64 size)
{
	struct wish wish = {
		.options = options,
		.offset = offset,
		.size = size,
		.rounded = PAGE_ALIGN(size),
	};
	struct zvm_family *family = NULL;
	struct zvm_vmo *child;
	int err;

	if (parent->options & ZVM_VMO_DISCARDABLE)
		return ERR_PTR(-EOPNOTSUPP);
	err = wish_kind(&wish);
	if (err)
		return ERR_PTR(err);

	child = zvm_vmo_alloc();
	if (IS_ERR(child))
		return child;
	if (wish.kind == ZVM_VMO_SNAPSHOT) {
		zvm_store_init(&child->own_store, &child->obj.inode, child->user);
		child->store = &child->own_store;
	}
	err = -ENOMEM;
	if (!READ_ONCE(parent->store->family)) {
		family = zvm_family_new();
		if (!family)
			goto put_child;
	}
	err = -EINTR;
	if (!mutex_lock_killable(&parent->store->lock)) {
		err = make_child_locked(child, parent, family, &wish);
		mutex_unlock(&parent->store->lock);
	}
	if (family)
		zvm_family_free(family);
put_child:
	if (!err) {
		zvm_vmo_publish(child, parent->obj.koid);
		return child;
	}
	zvm_object_put(&child->obj);
	return ERR_PTR(err);
}

/*
 * Nobody shows [first, last] of the store any more but slices. What none of them
 * shows goes.
 */
static void erase_unseen_locked(struct zvm_store *store, u64 first, u64 last)
{
	struct interval_tree_node *it;

	lockdep_assert_held(&store->lock);
	for (it = interval_tree_iter_first(&store->slices, first, last); it && first <= last;
	     it = interval_tree_iter_next(it, first, last)) {
		if (it->start > first)
			zvm_store_discard(store, first, it->start - 1);
		first = max_t(u64, first, it->last + 1);
	}
	if (first <= last)
		zvm_store_discard(store, first, last);
}

void zvm_vmo_leave_store(struct zvm_vmo *vmo)
{
	struct zvm_store *store = vmo->store;
	bool unused;

	mutex_lock(&store->lock);
	if (vmo->kind != ZVM_VMO_SLICE) {
		if (!--store->nr_whole)
			erase_unseen_locked(store, 0, U64_MAX >> PAGE_SHIFT);
	} else if (vmo->slice_size) {
		interval_tree_remove(&vmo->window, &store->slices);
		if (!store->nr_whole)
			erase_unseen_locked(store, vmo->window.start, vmo->window.last);
	}
	unused = !store->nr_whole && RB_EMPTY_ROOT(&store->slices.rb_root);
	mutex_unlock(&store->lock);
	if (unused)
		zvm_family_resign(store);
}
