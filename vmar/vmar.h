/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside of the region tree.
 *
 * A region's children stand in a tree by address (tree.c). Where a new child
 * goes is chosen by place.c. What a range of addresses means for each child in
 * it is told by steps.c; map, unmap, protect and op_range are its callers.
 * mapping.c changes pieces of mappings, in the region's tree and in the store's
 * at once.
 *
 * The order in which PTEs and tree entries go: aspace->lock is held for
 * writing, so no new PTE can appear; the PTEs are zapped; only then the piece
 * leaves the store's tree. The other way round somebody who works on the store
 * (a decommit, a snapshot) would miss PTEs that are still there.
 *
 * References are dropped when aspace->lock is free again: the last one of a VMO
 * gives back its pages. Until then dead nodes wait in a struct zvm_dead.
 */
#ifndef ZVM_VMAR_VMAR_H
#define ZVM_VMAR_VMAR_H

#include <linux/mm.h>

#include "aspace.h"

/*
 * How deep regions can nest. A fault walks down from the root with the lock
 * held, so its cost must not be in the hands of the user.
 */
#define ZVM_VMAR_MAX_DEPTH	4096

static inline u64 zvm_node_end(const struct zvm_vm_node *node)
{
	return node->base + node->size;
}

static inline void zvm_aspace_assert_write(const struct zvm_aspace *aspace)
{
	lockdep_assert_held_write(&aspace->lock);
}

/* ---- tree.c: aspace->lock held, for writing by those that change ---- */

/**
 * struct zvm_gap - free room in a region
 * @start: first free address
 * @end: first used one
 * @next: the child at @end, NULL at the end of the region
 */
struct zvm_gap {
	u64 start;
	u64 end;
	struct zvm_vm_node *next;
};

/* An empty tree for the region, whose extent is set. */
void zvm_tree_init(struct zvm_vmar *vmar);
/*
 * Make @node, whose base and size are set, a child of @vmar. The room must be
 * free; @next is the child after it, NULL if it will be the last.
 */
void zvm_tree_insert(struct zvm_vmar *vmar, struct zvm_vm_node *node,
		     struct zvm_vm_node *next);
/* @next: the child after it. */
void zvm_tree_erase(struct zvm_vm_node *node, struct zvm_vm_node *next);
/* Change the node's extent within the room it has. */
void zvm_tree_resize(struct zvm_vm_node *node, u64 base, u64 size);
/* The first child that ends after @addr, thus the one at @addr if there is. */
struct zvm_vm_node *zvm_tree_first(const struct zvm_vmar *vmar, u64 addr);
struct zvm_vm_node *zvm_tree_next(const struct zvm_vm_node *node);
struct zvm_vm_node *zvm_tree_prev(const struct zvm_vm_node *node);
/*
 * The lowest gap of which at least @size bytes are at or after @from. gap->start
 * is not below @from.
 */
bool zvm_tree_gap(const struct zvm_vmar *vmar, u64 from, u64 size, struct zvm_gap *gap);

/* ---- place.c ---- */

/* The alignment that the options ask for, at least a page. */
static inline u64 zvm_options_align(u32 options)
{
	u32 shift = options >> ZX_VM_ALIGN_BASE;

	return 1ULL << max_t(u32, shift, PAGE_SHIFT);
}

/* Is the alignment field of the options valid? */
static inline bool zvm_options_align_ok(u32 options)
{
	u32 shift = options >> ZX_VM_ALIGN_BASE;

	return !shift || (shift >= 10 && shift <= 32);
}

/**
 * struct zvm_spot - where a new child goes
 * @addr: its address
 * @next: the child after it, NULL if there is none
 */
struct zvm_spot {
	u64 addr;
	struct zvm_vm_node *next;
};

/*
 * Check what the user said of the place: all that does not depend on what else
 * is in the region. @size is whole pages.
 */
int zvm_place_check(const struct zvm_vmar *vmar, u32 options, u64 offset, u64 size);

/*
 * Find the place, after the check. -EEXIST if the specific one is taken, -ENOBUFS
 * if there is none. aspace->lock held for writing.
 */
int zvm_place_find_locked(struct zvm_vmar *vmar, u32 options, u64 offset, u64 size,
			  bool region, struct zvm_spot *spot);

/* A page-aligned number in [0, size], all of them equally likely. */
u64 zvm_random_offset(u64 size);

/* ---- steps.c ---- */

/**
 * struct zvm_steps - a walk over what lies in a range of a region
 * @vmar: the region
 * @next: what comes at or after @at
 * @at: where the next step begins
 * @end: of the range
 * @enter: look into child regions rather than at them
 */
struct zvm_steps {
	const struct zvm_vmar *vmar;
	struct zvm_vm_node *next;
	u64 at;
	u64 end;
	bool enter;
};

/**
 * struct zvm_step - one part of the range
 * @node: the child that lies there; NULL: a hole
 * @start: first address of the part
 * @end: of the part
 * @keep_left: @node begins before the range
 * @keep_right: @node goes on after the range
 *
 * The steps of a walk follow each other without a gap and cover the range.
 */
struct zvm_step {
	struct zvm_vm_node *node;
	u64 start;
	u64 end;
	bool keep_left;
	bool keep_right;
};

void zvm_steps_begin(struct zvm_steps *steps, const struct zvm_vmar *vmar,
		     u64 addr, u64 len, bool enter);
/* The next step. The caller may remove or cut the node of the last one. */
bool zvm_steps_next(struct zvm_steps *steps, struct zvm_step *step);

/**
 * struct zvm_part - of a range, as far as it is one mapping
 * @vmo: the VMO
 * @offset: in it
 * @addr: of the part
 * @len: bytes
 */
struct zvm_part {
	struct zvm_vmo *vmo;
	u64 offset;
	u64 addr;
	u64 len;
};

/* ---- mapping.c ---- */

/**
 * struct zvm_dead - nodes that are in no tree any more
 * @first: linked by node->next_dead
 * @last: where the next one goes
 */
struct zvm_dead {
	struct zvm_vm_node *first;
	struct zvm_vm_node **last;
};

static inline void zvm_dead_init(struct zvm_dead *dead)
{
	dead->first = NULL;
	dead->last = &dead->first;
}

static inline void zvm_dead_add(struct zvm_dead *dead, struct zvm_vm_node *node)
{
	node->next_dead = NULL;
	*dead->last = node;
	dead->last = &node->next_dead;
}

/* Drop the references and free the memory. No locks held. */
void zvm_dead_free(const struct zvm_dead *dead);

/* Splitting a range off what is around it takes two new pieces at most. */
#define ZVM_MAX_SPARES	2

/**
 * struct zvm_spares - pieces made before the lock was taken
 */
struct zvm_spares {
	struct zvm_mapping *piece[ZVM_MAX_SPARES];
	unsigned int count;
};

/* Have @count of them; no locks held. */
int zvm_spares_fill(struct zvm_spares *spares, struct zvm_aspace *aspace, unsigned int count);
void zvm_spares_free(struct zvm_spares *spares);

/* A piece without place or VMO; NULL if there is no memory or no allowance left. */
struct zvm_mapping *zvm_mapping_alloc(struct zvm_aspace *aspace);
/* Drop its VMO and free it. No locks held; the aspace is still there. */
void zvm_mapping_free(struct zvm_mapping *piece);

/* The piece that takes up exactly this range, or NULL; aspace->lock held. */
struct zvm_mapping *zvm_mapping_find_whole(const struct zvm_vmar *vmar, u64 addr, u64 len);

/* What follows wants aspace->lock held for writing and takes store->lock. */

/* Put a new mapping in the region's and the store's tree. */
void zvm_mapping_insert_locked(struct zvm_vmar *vmar, struct zvm_mapping *piece,
			       struct zvm_vm_node *next, u64 vmo_offset);
/* Take a piece out of both; @next: the child after it. */
void zvm_mapping_remove_locked(struct zvm_mapping *piece, struct zvm_vm_node *next);
/* Take a piece out of the store's tree: the region's is gone as a whole. */
void zvm_mapping_unlink_locked(struct zvm_mapping *piece);
/* Cut the piece in two at @addr. @rest becomes the right part, joined. */
void zvm_mapping_split_locked(struct zvm_mapping *piece, u64 addr, struct zvm_mapping *rest);
/* Give the range of @rest, which comes next and is joined, to @piece. */
void zvm_mapping_merge_locked(struct zvm_mapping *piece, struct zvm_mapping *rest);
/* Cut off what is outside of [start, end). */
void zvm_mapping_trim_locked(struct zvm_mapping *piece, u64 start, u64 end);
/* What was before the piece goes away: it begins a mapping of its own. */
void zvm_mapping_unjoin_locked(struct zvm_mapping *piece);
void zvm_mapping_set_prot_locked(struct zvm_mapping *piece, u8 prot);

int __init zvm_mapping_init_module(void);
void zvm_mapping_exit_module(void);

/* ---- region.c ---- */

/*
 * A region and all below it die: they leave their trees and are collected in
 * @dead. The PTEs are removed. aspace->lock held for writing. @vmar itself is in
 * no tree already.
 */
void zvm_vmar_kill_locked(struct zvm_vmar *vmar, struct zvm_dead *dead);

/*
 * Make a region in @parent. The caller gets a reference. @offset and @size:
 * as the user said, flags already checked.
 */
struct zvm_vmar *zvm_vmar_new_child(struct zvm_vmar *parent, u32 options, u64 offset, u64 size);

/* Take it back: nobody has seen it yet. The caller keeps the reference. */
void zvm_vmar_undo_new_child(struct zvm_vmar *vmar);

int zvm_vmar_destroy(struct zvm_vmar *vmar);

/* ---- map.c ---- */

/**
 * struct zvm_map - a mapping to be made, and where it has been put
 * @vmo: what to map
 * @options: ZX_VM_..., as the user said
 * @prot: ZX_VM_PERM_... bits
 * @max_prot: those that protect may give
 * @vmar_offset: meaning given by @options
 * @vmo_offset: bytes
 * @size: whole pages
 * @exec_allowed: overwriting has asked the arena to let it be executed
 * @addr: out: the address
 * @id: out: tells the mapping from any other that may come to be there
 */
struct zvm_map {
	struct zvm_vmo *vmo;
	u32 options;
	u8 prot;
	u8 max_prot;
	u64 vmar_offset;
	u64 vmo_offset;
	u64 size;
	bool exec_allowed;
	u64 addr;
	u64 id;
};

int zvm_vmar_map(struct zvm_vmar *vmar, struct zvm_map *map);
/* Undo it, as far as nobody else has. */
void zvm_vmar_undo_map(struct zvm_vmar *vmar, const struct zvm_map *map);

/* ---- unmap.c ---- */

/**
 * struct zvm_unmap - what unmapping a range will do
 * @steps: the walk, at its begin
 * @splits: new pieces needed
 * @tail: the piece that will begin after the removed range, if any
 * @zap_start: all PTEs there can be in the range are within, ...
 * @zap_end: ... empty if there are none
 */
struct zvm_unmap {
	struct zvm_steps steps;
	unsigned int splits;
	struct zvm_mapping *tail;
	u64 zap_start;
	u64 zap_end;
};

/*
 * Look at what unmapping means, changing nothing. @regions: child regions that
 * lie in the range as a whole may be destroyed. -EINVAL: not possible.
 */
int zvm_unmap_plan_locked(struct zvm_vmar *vmar, u64 addr, u64 len, bool regions,
			  struct zvm_unmap *plan);
/* Do it. Cannot fail. */
void zvm_unmap_do_locked(struct zvm_vmar *vmar, const struct zvm_unmap *plan,
			 struct zvm_spares *spares, struct zvm_dead *dead);

/* @regions: child regions may be destroyed. */
int zvm_vmar_unmap(struct zvm_vmar *vmar, u64 addr, u64 len, bool regions);

/* ---- protect.c, op_range.c; @children: child regions may be entered ---- */

int zvm_vmar_protect(struct zvm_vmar *vmar, u64 addr, u64 len, u8 prot, bool children);
int zvm_vmar_op_range(struct zvm_vmar *vmar, u32 op, u64 addr, u64 len, bool children);

/*
 * What is mapped at @addr, in the region or what is in it, and before @end: its first
 * piece, with @part filled in but no reference taken; NULL: nothing. aspace->lock held.
 */
struct zvm_mapping *zvm_part_find_locked(const struct zvm_vmar *vmar, u64 addr, u64 end,
					 struct zvm_part *part);

/* ---- memory.c ---- */

/*
 * Where the @len > 0 bytes at @addr of an address space are to be read, or written, if
 * not less. @part gets a reference on the VMO. -EBADFD: the region is dead; -ENOENT:
 * nothing is mapped there; -EACCES: it can never be mapped so; -ERANGE: beyond the end of
 * the VMO. No locks held.
 */
int zvm_vmar_find_memory(struct zvm_vmar *root, u64 addr, u64 len, bool write,
			 struct zvm_part *part);

/* Is [addr, addr + len) inside the region? @len > 0. */
static inline bool zvm_vmar_contains(const struct zvm_vmar *vmar, u64 addr, u64 len)
{
	return addr >= vmar->node.base && len <= vmar->node.size &&
	       addr - vmar->node.base <= vmar->node.size - len;
}

#endif /* ZVM_VMAR_VMAR_H */
