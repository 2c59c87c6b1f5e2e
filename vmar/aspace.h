/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Address spaces, regions (VMARs) and mappings.
 *
 * An aspace is the arena of one process: a single large Linux mapping whose
 * page table entries this module installs and removes itself. Inside it stands
 * a tree of regions; a region holds child regions and mappings. It may be
 * detached: in no process yet, thus without PTEs; aspace->lock is all it needs.
 *
 * Lock ordering:
 *
 * aspace->remap_lock		(one thread at a time maps the arena, or part of it anew)
 * mm->mmap_lock		(read: faults, populate; write: setup, trim and
 *				 executable mappings, inside vm_mmap())
 *   aspace->lock		(read: faults, populate, info; write: whatever
 *				 changes the tree. Erase, zap and unlink of a
 *				 mapping are one step under it.)
 *     store->lock		(two: of a transfer, in the order of addresses; of
 *				 a VMO and the snapshot that is being made of it)
 *       family->lock
 *         object->signal_lock
 *         object->pollers.lock, and epoll's within
 *       page lock
 *         i_mmap_rwsem of an arena or of a VMO's plain mmap(2)s
 *		(inside unmap_mapping_pages(), wp_shared_mapping_range())
 *           page table lock
 *       what set_pages_array_uc() takes (vmo/cache.c)
 *       claims_lock (vmo/claim.c)
 *       the lock of the list of unlocked VMOs (vmo/discardable.c)
 *         store->lock of one in the list (by the shrinker, tried only)
 *
 * A PTE is checked and installed under aspace->lock (read) and store->lock, so
 * that holding either for writing keeps new ones away while old ones are
 * zapped. User memory is never touched under any of these. The shrinker takes
 * store->lock and what is below it from within any allocation.
 */
#ifndef ZVM_VMAR_ASPACE_H
#define ZVM_VMAR_ASPACE_H

#include <linux/rbtree.h>
#include <linux/rwsem.h>

#include "../arch/aspace.h"
#include "../uapi/zircon-vm.h"
#include "../vmo/vmo.h"

/**
 * struct zvm_aspace - an address space: in Linux, the arena of one process
 * @obj: head; never behind a handle. The arena's file is opened on its inode
 * @kind: ZVM_ASPACE_..., fixed
 * @arch: the page tables
 * @user: whom regions and mappings are charged to
 * @base: address, fixed once there is a root region
 * @size: bytes, fixed
 * @lock: the tree lock
 * @dead: the arena is gone: no more changes (under @lock)
 * @last_id: of the mappings that were made (under @lock)
 * @root: the root region, until @dead
 * @arena: the file whose end is that of the arena, once there is @arch.mm; no reference
 * @remap_lock: outside mmap_lock: one thread at a time maps parts of the arena
 *	anew (remap.c)
 * @trimmer: the task that holds @remap_lock and may split the arena's VMA
 * @trimmer_wants_exec: it makes an executable part; @trimmer's alone
 * @hash: in the list of aspaces, by @arch.mm
 * @has_exec: part of the arena has been made executable
 * @dirty_first, @dirty_last: where something was unmapped since the last trim
 * @dirty_tables: page tables that may have become unused since then
 * @trim_at: how many of them are reason for the next one
 */
struct zvm_aspace {
	struct zvm_object obj;
	u32 kind;
	struct zvm_arch_aspace arch;
	struct zvm_user *user;
	u64 base;
	u64 size;
	struct rw_semaphore lock;
	bool dead;
	u64 last_id;
	struct zvm_vmar *root;
	struct file *arena;
	struct mutex remap_lock;	/* one remapping at a time */
	struct task_struct *trimmer;
	bool trimmer_wants_exec;
	struct hlist_node hash;
	bool has_exec;
	u64 dirty_first;
	u64 dirty_last;
	unsigned long dirty_tables;
	unsigned long trim_at;
};

/**
 * struct zvm_vm_node - a child of a region: a region or a mapping
 * @rb: in the parent's tree, by address
 * @next_dead: the next of those that are in no tree any more and wait for the
 *	lock to be dropped
 * @base: absolute address
 * @size: bytes
 * @gap: free bytes between the previous sibling (or the parent's base) and @base
 * @max_gap: largest @gap in the subtree
 * @parent: the region; NULL for the root and for what has been removed
 * @is_region: else a mapping
 */
struct zvm_vm_node {
	union {
		struct rb_node rb;
		struct zvm_vm_node *next_dead;
	};
	u64 base;
	u64 size;
	u64 gap;
	u64 max_gap;
	struct zvm_vmar *parent;
	bool is_region;
};

/**
 * struct zvm_vmar - a region
 * @obj: head
 * @node: place in the parent; node.base and node.size stay valid after death
 * @aspace: holds a reference
 * @flags: ZX_VM_CAN_MAP_..., ZX_VM_COMPACT
 * @depth: 0 for the root
 * @dead: destroyed, or the whole aspace is
 * @children: zvm_vm_node tree
 * @last: the last child
 * @cursor: where the search for room for a mapping begins, fixed
 * @packed: from @cursor to here no page is free
 *
 * A region that is in the tree holds a reference on its object; handles hold
 * theirs. All but @obj, @aspace, @flags and the extent is guarded by aspace->lock.
 */
struct zvm_vmar {
	struct zvm_object obj;
	struct zvm_vm_node node;
	struct zvm_aspace *aspace;
	u32 flags;
	u32 depth;
	bool dead;
	struct rb_root children;
	struct zvm_vm_node *last;
	u64 cursor;
	u64 packed;
};

/**
 * struct zvm_mapping - a piece of a VMO at an address, with one permission
 * @node: place in the region
 * @vmo: holds a reference
 * @itree: interval of @vmo->store's page indexes, in store->mappings
 * @aspace: where it is
 * @prot: ZX_VM_PERM_... bits now
 * @max_prot: bits that protect may give
 * @beyond_stream: ZX_VM_FAULT_BEYOND_STREAM_SIZE
 * @joined: goes on from the piece before it: both are one mapping to the user
 * @touched: there may be PTEs. Whoever installs one sets it first, which takes
 *	aspace->lock for reading only: nobody clears it.
 * @huge: of these, some may be for folios: not to be write-protected, but removed
 * @id: the same for all that came from one map call, and for nothing else in
 *	the aspace
 *
 * Protecting part of a mapping cuts it into pieces that stay joined;
 * unmapping the middle leaves two mappings. Changed under aspace->lock for
 * writing and store->lock; either suffices to read.
 */
struct zvm_mapping {
	struct zvm_vm_node node;
	struct zvm_vmo *vmo;
	struct interval_tree_node itree;
	struct zvm_aspace *aspace;
	u8 prot;
	u8 max_prot;
	bool beyond_stream;
	bool joined;
	bool touched;
	bool huge;
	u64 id;
};

extern struct zvm_object_type zvm_vmar_type;
extern struct zvm_object_type zvm_aspace_type;

static inline struct zvm_vmar *to_vmar(struct zvm_object *obj)
{
	return container_of(obj, struct zvm_vmar, obj);
}

/* Where the mapping begins in its VMO, in bytes. */
static inline u64 zvm_mapping_vmo_offset(const struct zvm_mapping *piece)
{
	return ((u64)piece->itree.start << PAGE_SHIFT) - piece->vmo->offset;
}

static inline struct zvm_mapping *node_mapping(struct zvm_vm_node *node)
{
	return container_of(node, struct zvm_mapping, node);
}

static inline struct zvm_vmar *node_vmar(struct zvm_vm_node *node)
{
	return container_of(node, struct zvm_vmar, node);
}

/* ---- arena.c: the Linux side of an address space ---- */

/*
 * The root region of the calling process's aspace, which is made if there is
 * none. With a reference for the caller; ERR_PTR(-ENOMEM), ERR_PTR(-EINTR).
 */
struct zvm_vmar *zvm_aspace_current_root(void);

/* The page of arch.ptes that belongs at an address of the address space. */
static inline pgoff_t zvm_aspace_pgoff(const struct zvm_aspace *aspace, u64 addr)
{
	return (addr - aspace->base) >> PAGE_SHIFT;
}

/*
 * The memory of the process whose arena it is; NULL: it is detached. Once it is set
 * all of @arch stays as it is.
 */
static inline struct mm_struct *zvm_aspace_mm(const struct zvm_aspace *aspace)
{
	/* Pairs with publish(). */
	return smp_load_acquire(&aspace->arch.mm);
}

/* The process's address for one of the address space, which is not detached. */
static inline unsigned long zvm_aspace_at(const struct zvm_aspace *aspace, u64 addr)
{
	return aspace->arch.start + (addr - aspace->base);
}

/* And the other way round. */
static inline u64 zvm_aspace_addr(const struct zvm_aspace *aspace, unsigned long at)
{
	return aspace->base + (at - aspace->arch.start);
}

/* Does the calling thread run in the address space? */
static inline bool zvm_aspace_is_current(const struct zvm_aspace *aspace)
{
	return current->mm && current->mm == zvm_aspace_mm(aspace);
}

/*
 * May the caller make memory of it executable? That is the owner's affair; and what a
 * guest may execute, no PTE can tell.
 */
static inline bool zvm_aspace_may_exec(const struct zvm_aspace *aspace)
{
	return aspace->kind == ZVM_ASPACE_USER && zvm_aspace_is_current(aspace);
}

/*
 * The root region of a new address space that is in no process. With a reference for the
 * caller, who gives it a handle or abandons it. ERR_PTR(-EINVAL): @base and @size are not
 * multiples of ZVM_ARENA_ALIGN, or 0 where it must not be; ERR_PTR(-ERANGE): not addresses
 * of that kind.
 */
struct zvm_vmar *zvm_aspace_new_detached(u32 kind, u64 base, u64 size);

/*
 * Make it the calling process's arena and write its address to @out_addr. -EALREADY: it is
 * one already; -EBADFD: the process has one of its own addresses; -EEXIST: these are in use
 * there.
 * Whatever fails has changed nothing.
 */
int zvm_aspace_adopt(struct zvm_aspace *aspace, u64 __user *out_addr);

/* Nobody can adopt it any more: if nobody has, it dies. No locks held. */
void zvm_aspace_abandon(struct zvm_aspace *aspace);

/* Remove all PTEs in [addr, addr + len); aspace->lock held for writing. */
void zvm_arena_zap(struct zvm_aspace *aspace, u64 addr, u64 len);

/* Take write permission from all PTEs there; aspace->lock held for writing. */
void zvm_arena_wrprotect(struct zvm_aspace *aspace, u64 addr, u64 len);

/*
 * Install PTEs for the pages that are present under the mappings in
 * [addr, addr + len). Best effort: absent pages, holes and a dying process are
 * passed over. No locks held. Works from any process.
 */
void zvm_arena_populate(struct zvm_aspace *aspace, u64 addr, u64 len);

/*
 * Let the processor fetch instructions in [addr, addr + len) where the
 * mappings' permissions say so. Only in the process itself; no locks held.
 */
int zvm_arena_allow_exec(struct zvm_aspace *aspace, u64 addr, u64 len);
/* Take that back where nothing needs it; only in the process itself, else nothing. */
void zvm_arena_forbid_exec(struct zvm_aspace *aspace, u64 addr, u64 len);

/*
 * After an unmap or destroy of [addr, addr + len): nothing is executed from there
 * any more, and page tables are given back if there are many unused ones. No
 * locks held; does nothing in other processes.
 */
void zvm_arena_trim(struct zvm_aspace *aspace, u64 addr, u64 len);

/* ---- region.c ... : the tree; see vmar.h ---- */

/* The mapping at @addr or NULL; aspace->lock held. */
struct zvm_mapping *zvm_aspace_find(struct zvm_aspace *aspace, u64 addr);

/* The root region for a new aspace whose base and size are set. */
struct zvm_vmar *zvm_vmar_new_root(struct zvm_aspace *aspace);

/*
 * Take the whole tree down, with the arena already unmapped or about to be:
 * marks the aspace dead. No locks held.
 */
void zvm_aspace_kill(struct zvm_aspace *aspace);

/*
 * ZX_INFO_VMAR_MAPS: fill @buffer; *@actual records went into it of *@avail that
 * there are. -EBADFD: the region is dead. No locks held.
 */
int zvm_vmar_info_maps(struct zvm_vmar *vmar, void __user *buffer, u64 buffer_size,
		       u64 *actual, u64 *avail);
/*
 * For the root region: the same behind a record of the aspace; and the VMOs of all
 * mappings, by the first @size bytes of their records.
 */
int zvm_vmar_info_process_maps(struct zvm_vmar *root, void __user *buffer, u64 buffer_size,
			       u64 *actual, u64 *avail);
int zvm_vmar_info_process_vmos(struct zvm_vmar *root, size_t size, void __user *buffer,
			       u64 buffer_size, u64 *actual, u64 *avail);

/* Pieces alive, in all address spaces. */
u64 zvm_mapping_count_all(void);

#endif /* ZVM_VMAR_ASPACE_H */
