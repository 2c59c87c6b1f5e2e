// SPDX-License-Identifier: GPL-2.0
/*
 * Families: who descends from whom, and who may share pages with whom.
 */
#include <linux/sched.h>
#include <linux/slab.h>

#include "family.h"

struct zvm_family *zvm_family_new(void)
{
	struct zvm_family *family = kmalloc(sizeof(*family), GFP_KERNEL_ACCOUNT);

	if (!family)
		return NULL;
	mutex_init(&family->lock);
	refcount_set(&family->refs, 1);
	INIT_LIST_HEAD(&family->stores);
	family->nr_stores = 0;
	return family;
}

void zvm_family_free(struct zvm_family *family)
{
	if (refcount_dec_and_test(&family->refs))
		kfree(family);
}

void zvm_family_join(struct zvm_family *family, struct zvm_store *store)
{
	refcount_inc(&family->refs);
	mutex_lock(&family->lock);
	list_add_tail(&store->relatives, &family->stores);
	WRITE_ONCE(family->nr_stores, family->nr_stores + 1);
	mutex_unlock(&family->lock);
	WRITE_ONCE(store->family, family);
}

void zvm_family_resign(struct zvm_store *store)
{
	struct zvm_family *family = store->family;

	mutex_lock(&family->lock);
	if (!list_empty(&store->relatives)) {
		list_del_init(&store->relatives);
		WRITE_ONCE(family->nr_stores, family->nr_stores - 1);
	}
	mutex_unlock(&family->lock);
}

void zvm_family_put(struct zvm_store *store)
{
	struct zvm_family *family = store->family;

	zvm_family_resign(store);
	store->family = NULL;
	zvm_family_free(family);
}

static void set_children(struct zvm_vmo *vmo, u64 nr)
{
	lockdep_assert_held(&vmo->store->family->lock);
	if (!vmo->nr_children != !nr)
		zvm_object_signal(&vmo->obj, nr ? ZX_VMO_ZERO_CHILDREN : 0,
				  nr ? 0 : ZX_VMO_ZERO_CHILDREN);
	vmo->nr_children = nr;
}

void zvm_family_add_child(struct zvm_vmo *parent, struct zvm_vmo *child)
{
	struct zvm_family *family = parent->store->family;

	mutex_lock(&family->lock);
	child->parent = parent;
	list_add_tail(&child->sibling, &parent->children);
	set_children(parent, parent->nr_children + 1);
	mutex_unlock(&family->lock);
}

void zvm_family_leave(struct zvm_vmo *vmo)
{
	struct zvm_family *family = vmo->store->family;
	struct zvm_vmo *parent, *child;

	mutex_lock(&family->lock);
	parent = vmo->parent;
	list_for_each_entry(child, &vmo->children, sibling) {
		child->parent = parent;
		cond_resched();
	}
	if (parent) {
		list_splice_tail_init(&vmo->children, &parent->children);
		list_del_init(&vmo->sibling);
		set_children(parent, parent->nr_children + vmo->nr_children - 1);
		vmo->parent = NULL;
	} else {
		struct zvm_vmo *next;

		list_for_each_entry_safe(child, next, &vmo->children, sibling) {
			list_del_init(&child->sibling);
			cond_resched();
		}
	}
	vmo->nr_children = 0;
	mutex_unlock(&family->lock);
}

bool zvm_vmo_is_related(struct zvm_vmo *vmo)
{
	struct zvm_family *family = READ_ONCE(vmo->store->family);
	bool related;

	if (!family)
		return false;
	mutex_lock(&family->lock);
	related = vmo->parent || vmo->nr_children;
	mutex_unlock(&family->lock);
	return related;
}

void zvm_vmo_relations(struct zvm_vmo *vmo, u64 *parent_koid, u64 *nr_children)
{
	/* It stays until the store ends, which the caller's VMO keeps. */
	struct zvm_family *family = READ_ONCE(vmo->store->family);

	*parent_koid = 0;
	*nr_children = 0;
	if (!family)
		return;
	mutex_lock(&family->lock);
	if (vmo->parent_koid)
		*parent_koid = vmo->parent_koid;
	else if (vmo->parent)
		*parent_koid = vmo->parent->obj.koid;
	*nr_children = vmo->nr_children;
	mutex_unlock(&family->lock);
}
