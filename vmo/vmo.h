/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VMOs and the stores behind them.
 *
 * A VMO is what handles and mappings refer to. Its content is in a store: the
 * page map, the size, and the mappings that show it. An ordinary VMO and a
 * snapshot own their store; slices and references show the store of another VMO,
 * which they keep alive even when that VMO is dead. The VMO core knows nothing
 * of descriptors, commands or user structs.
 */
#ifndef ZVM_VMO_VMO_H
#define ZVM_VMO_VMO_H

#include <linux/interval_tree.h>
#include <linux/mutex.h>
#include <linux/uio.h>

#include "../object/object.h"
#include "pagemap.h"

struct zvm_discard;
struct zvm_family;
struct zvm_mapping;
struct zvm_physical;
struct zvm_user;

/* The largest size of a VMO in bytes. */
#define ZVM_VMO_MAX_SIZE	(U64_MAX & ~(2 * 16 * (u64)PAGE_SIZE - 1))

/**
 * struct zvm_store - the content of a VMO
 * @lock: guards everything here; see the lock tree in vmar/aspace.h
 * @pages: the pages
 * @base: the index in @pages of the store's first page: relatives have all their
 *	pages at the same indexes; fixed
 * @folios: wants folios, and may have some; fixed
 * @size: bytes, whole pages
 * @stream_size: bytes
 * @mappings: by interval of page indexes; changed under the aspace's lock too
 * @inode: whose i_mapping the plain mmap(2)s of the VMO are in
 * @user: whom the pages are charged to
 * @zero_first, @zero_last: all indexes at which a PTE of the zero page may
 *	exist are within; first > last if there is none
 * @rw_first, @rw_last: all indexes at which a PTE could be written by since the
 *	last snapshot are within; there others may have references to write by.
 *	first > last if there is none
 * @contiguous: what it shows is in a row in memory, and no page is ever replaced; fixed
 * @wired: the pages are not ours to give back; all of them are as if pinned; fixed
 * @pins: ranges of pages that stay where they are
 * @discard: of a discardable VMO, else NULL; fixed
 * @discarded: the content has been discarded; may be read without the lock
 * @cache_policy: ZX_CACHE_POLICY_..., what calls go by
 * @memory_type: the one that its memory has, CACHED if it may not be @cache_policy
 * @physical: a range of addresses that it shows instead of @pages; NULL: none; fixed
 * @family: of all whose content may be shared; NULL until there is a child
 * @relatives: in the family's list of stores
 * @nr_whole: living VMOs that show all of it
 * @slices: those that show part of it, by page index
 */
struct zvm_store {
	struct mutex lock;	/* all below, and the PTEs of the pages */
	struct zvm_pagemap pages;
	u64 base;
	bool folios;
	u64 size;
	u64 stream_size;
	struct rb_root_cached mappings;
	struct inode *inode;
	struct zvm_user *user;
	u64 zero_first;
	u64 zero_last;
	u64 rw_first;
	u64 rw_last;
	bool contiguous;
	bool wired;
	struct rb_root_cached pins;
	struct zvm_discard *discard;
	bool discarded;
	u32 cache_policy;
	u32 memory_type;
	struct zvm_physical *physical;
	struct zvm_family *family;
	struct list_head relatives;
	u64 nr_whole;
	struct rb_root_cached slices;
};

enum zvm_vmo_kind {
	ZVM_VMO_PLAIN,		/* made from nothing */
	ZVM_VMO_SNAPSHOT,
	ZVM_VMO_SLICE,
	ZVM_VMO_REFERENCE,
};

/**
 * struct zvm_vmo - a virtual memory object
 * @obj: head
 * @store: the content
 * @own_store: where @store points for a VMO that is no slice or reference
 * @options: ZVM_VMO_... it was created with, fixed
 * @kind: fixed
 * @immutable: a snapshot that nobody can write to, fixed
 * @user: whom the VMO itself is charged to
 * @nr_mappings: of it (not pieces) in store->mappings (store->lock)
 * @owner: a slice or reference: whose store it is; that VMO's memory is pinned
 * @offset: of a slice in the store, in bytes; fixed, 0 for all others
 * @slice_size: in bytes, fixed
 * @slice_stream: a slice's own stream size (store->lock)
 * @parent_koid: of a slice of a physical VMO, which tells it also when that VMO is dead
 * @window: a slice of at least a page: in store->slices (store->lock)
 * @in_all: in the list of all VMOs, under its lock
 * @parent: NULL: none, or it is dead and had none
 * @children: VMOs made from this one
 * @sibling: in the parent's @children
 * @nr_children: how many
 *
 * @parent to @nr_children are guarded by the family's lock.
 */
struct zvm_vmo {
	struct zvm_object obj;
	struct zvm_store *store;
	struct zvm_store own_store;
	u32 options;
	enum zvm_vmo_kind kind;
	bool immutable;
	struct zvm_user *user;
	u64 nr_mappings;
	struct zvm_vmo *owner;
	u64 offset;
	u64 slice_size;
	u64 slice_stream;
	u64 parent_koid;
	struct interval_tree_node window;
	struct list_head in_all;
	struct zvm_vmo *parent;
	struct list_head children;
	struct list_head sibling;
	u64 nr_children;
};

extern struct zvm_object_type zvm_vmo_type;

static inline struct zvm_vmo *to_vmo(struct zvm_object *obj)
{
	return container_of(obj, struct zvm_vmo, obj);
}

/* Is it for reading only, or a view of what is? Then so are its handles. */
static inline bool zvm_vmo_is_immutable(const struct zvm_vmo *vmo)
{
	return vmo->immutable || (vmo->owner && vmo->owner->immutable);
}

/* Has it no pages, but shows physical addresses? */
static inline bool zvm_vmo_is_physical(const struct zvm_vmo *vmo)
{
	return vmo->store->physical;
}

/* Where the VMO's part of its store ends, in bytes of the store. */
static inline u64 zvm_vmo_limit(const struct zvm_vmo *vmo)
{
	if (vmo->kind == ZVM_VMO_SLICE)
		return vmo->offset + vmo->slice_size;
	return READ_ONCE(vmo->store->size);
}

/* The VMO's stream size; changed under store->lock. */
static inline u64 *zvm_vmo_stream(struct zvm_vmo *vmo)
{
	return vmo->kind == ZVM_VMO_SLICE ? &vmo->slice_stream : &vmo->store->stream_size;
}

/* vmo.c */
struct zvm_vmo *zvm_vmo_new(u64 size, u32 options);
/* An empty shell, to become a VMO of any kind. */
struct zvm_vmo *zvm_vmo_alloc(void);
/* It has become one. */
void zvm_vmo_publish(struct zvm_vmo *vmo, u64 parent_koid);
/*
 * Of all VMOs the one after @vmo (NULL: the first), pinned; @vmo is unpinned. The
 * caller has the file system of the objects pinned.
 */
struct zvm_vmo *zvm_vmo_next(struct zvm_vmo *vmo);

/* contiguous.c: @alignment_log2: of the memory's address; 0: that of a page */
struct zvm_vmo *zvm_vmo_new_contiguous(u64 size, u32 alignment_log2);

/* Is its memory in a row? Then that of its slices is. */
static inline bool zvm_vmo_is_contiguous(const struct zvm_vmo *vmo)
{
	return vmo->store->contiguous;
}

/* child.c: @size is not rounded; @options without rights */
struct zvm_vmo *zvm_vmo_new_child(struct zvm_vmo *parent, u32 options, u64 offset, u64 size);
/* The last user is gone: what only this VMO could show of its store is given back. */
void zvm_vmo_leave_store(struct zvm_vmo *vmo);

/* size.c; the sizes may be read without the lock */
u64 zvm_vmo_size(struct zvm_vmo *vmo);
u64 zvm_vmo_stream_size(struct zvm_vmo *vmo);
int zvm_vmo_set_size(struct zvm_vmo *vmo, u64 size);
int zvm_vmo_set_stream_size(struct zvm_vmo *vmo, u64 size);

/* range.c: what zx_vmo_op_range() does, rights already checked */
int zvm_vmo_commit(struct zvm_vmo *vmo, u64 offset, u64 len);
int zvm_vmo_decommit(struct zvm_vmo *vmo, u64 offset, u64 len);
int zvm_vmo_zero(struct zvm_vmo *vmo, u64 offset, u64 len);
int zvm_vmo_prefetch(struct zvm_vmo *vmo, u64 offset, u64 len);
/* op: enum zvm_cache_op */
int zvm_vmo_cache_op(struct zvm_vmo *vmo, u64 offset, u64 len, int op);
/* How much memory there is in the pages that the range touches. */
int zvm_vmo_committed(struct zvm_vmo *vmo, u64 offset, u64 len, u64 *bytes);

/* discardable.c: ZX_VMO_OP_LOCK, _TRY_LOCK (@discarded is NULL) and _UNLOCK */
int zvm_vmo_lock(struct zvm_vmo *vmo, u64 offset, u64 len, bool *discarded);
int zvm_vmo_unlock(struct zvm_vmo *vmo, u64 offset, u64 len);
/* Take back a lock whose taker could not be told of it, and of what was @discarded. */
void zvm_vmo_undo_lock(struct zvm_vmo *vmo, bool discarded);

/* rw.c: move bytes; returns how many, or an error if none */
ssize_t zvm_vmo_copy(struct zvm_vmo *vmo, u64 offset, struct iov_iter *iter);
/* The same for @len bytes, at least one, that are in one page of the VMO. */
ssize_t zvm_vmo_copy_in_page(struct zvm_vmo *vmo, u64 offset, void __user *buffer,
			     size_t len, bool write);

/* transfer.c: zx_vmo_transfer_data(), all whole pages */
int zvm_vmo_transfer(struct zvm_vmo *dst, u64 offset, u64 len, struct zvm_vmo *src,
		     u64 src_offset);

/* info.c */
/* -ENOMEM: the share count may be too low. */
int zvm_vmo_fill_info(struct zvm_vmo *vmo, struct zx_info_vmo *info);
void zvm_vmo_fill_mapping_info(struct zvm_vmo *vmo, u64 offset, u64 len,
			       struct zx_info_maps_mapping *info);
/* @real: the memory is to have it, too; of what is physical it has in any case. */
int zvm_vmo_set_cache_policy(struct zvm_vmo *vmo, u32 policy, bool real);

#endif /* ZVM_VMO_VMO_H */
