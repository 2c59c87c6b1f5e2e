/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Families: who descends from whom, and who may share pages with whom.
 *
 * A family comes to be when a VMO gets its first child. It lists the stores that
 * descend from one another by snapshots, and its lock guards the tree of parents
 * and children of all their VMOs, slices and references included.
 *
 * No object holds its parent or its children: a VMO that dies hands its children
 * on to its parent.
 */
#ifndef ZVM_VMO_FAMILY_H
#define ZVM_VMO_FAMILY_H

#include "vmo.h"

/**
 * struct zvm_family - relatives
 * @lock: inside store->lock
 * @refs: stores that point here
 * @stores: those alive, by zvm_store.relatives
 * @nr_stores: how many; may be read without the lock
 */
struct zvm_family {
	struct mutex lock;	/* the list, and the tree of VMOs */
	refcount_t refs;
	struct list_head stores;
	unsigned long nr_stores;
};

/* A family with one reference and nobody in it, or NULL. */
struct zvm_family *zvm_family_new(void);
/* Drop a reference that no store has. */
void zvm_family_free(struct zvm_family *family);

/* Make a store that has none a member of the family. */
void zvm_family_join(struct zvm_family *family, struct zvm_store *store);
/* The store shares nothing any more: it is no relative, but still refers to the family. */
void zvm_family_resign(struct zvm_store *store);
/* Drop the store's reference of its family. */
void zvm_family_put(struct zvm_store *store);

/* May somebody else have pages of the store? Without its lock, as of some moment. */
static inline bool zvm_store_has_relatives(const struct zvm_store *store)
{
	const struct zvm_family *family = READ_ONCE(store->family);

	return family && READ_ONCE(family->nr_stores) > 1;
}

/* @child has been made from @parent, in the same family. */
void zvm_family_add_child(struct zvm_vmo *parent, struct zvm_vmo *child);
/* The VMO dies. */
void zvm_family_leave(struct zvm_vmo *vmo);

/* Is the VMO a child, or has it any? */
bool zvm_vmo_is_related(struct zvm_vmo *vmo);

/* Tell the parent's koid (0: none) and the number of children. */
void zvm_vmo_relations(struct zvm_vmo *vmo, u64 *parent_koid, u64 *nr_children);

#endif /* ZVM_VMO_FAMILY_H */
