// SPDX-License-Identifier: GPL-2.0
/*
 * Arenas: how an address space comes to be in a process and goes with it.
 *
 * The arena's file is never behind a descriptor: only the arena's VMAs hold it.
 * Its release is how we learn that the last of them is gone, by exit, exec or
 * munmap(2).
 *
 * A detached address space has no arena yet. It has a tree and its lock, and all that
 * would be done to PTEs finds none. It is there as long as its root region has a
 * handle, without which no process could adopt it.
 */
#include <linux/hashtable.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "../arch/aspace.h"
#include "../compat.h"
#include "../vmo/user.h"
#include "arena.h"
#include "fault.h"

static DEFINE_HASHTABLE(aspaces, 8);
static DEFINE_SPINLOCK(aspaces_lock);

static ulong arena_size;
module_param(arena_size, ulong, 0644);
MODULE_PARM_DESC(arena_size,
		 "bytes of address space for VMARs in each process, 0: an eighth of what there is");

/* With five levels of page tables there is more, but not for everybody. */
static u64 arena_window(void)
{
	return min_t(u64, TASK_SIZE, DEFAULT_MAP_WINDOW);
}

static u64 wanted_size(void)
{
	u64 window = arena_window();
	u64 size = READ_ONCE(arena_size);

	if (!size || size > window)
		size = roundup_pow_of_two(window) / 8;
	return max_t(u64, round_down(size, ZVM_ARENA_ALIGN), ZVM_ARENA_ALIGN);
}

static int arena_release(struct inode *inode, struct file *file)
{
	struct zvm_aspace *aspace = zvm_file_aspace(file);

	/* Else its mapping came too late, and never was the arena. */
	if (READ_ONCE(aspace->arena) == file) {
		spin_lock(&aspaces_lock);
		WRITE_ONCE(aspace->arena, NULL);
		hash_del(&aspace->hash);
		spin_unlock(&aspaces_lock);
		zvm_aspace_kill(aspace);
	}
	zvm_object_unuse(&aspace->obj);
	zvm_fs_unpin();
	return 0;
}

static int arena_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct zvm_aspace *aspace = zvm_file_aspace(file);
	struct mm_struct *mm = zvm_aspace_mm(aspace);

	/* Not remap_file_pages(2), nor anything else that is not us. */
	if (READ_ONCE(aspace->trimmer) != current || (mm && current->mm != mm))
		return -EPERM;
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTCOPY | VM_DONTDUMP | ZVM_VM_HUGE);
	/* Not because the process wants what it reads to be executable. */
	if (!aspace->trimmer_wants_exec)
		vm_flags_clear(vma, VM_EXEC);
	vma->vm_ops = &zvm_arena_vm_ops;
	return 0;
}

/*
 * Is all of the range still the arena's? Of whoever asks: with MADV_DOFORK and
 * remap_file_pages(2) that can be another process than the arena's.
 */
static bool is_all_arena(const struct zvm_aspace *aspace, unsigned long addr, unsigned long end)
{
	struct vm_area_struct *vma;

	lockdep_assert_held(&current->mm->mmap_lock);
	while (addr < end) {
		vma = find_vma(current->mm, addr);
		if (!vma || vma->vm_start > addr || zvm_vma_aspace(vma) != aspace)
			return false;
		addr = vma->vm_end;
	}
	return true;
}

static unsigned long arena_get_unmapped_area(struct file *file, unsigned long addr,
					     unsigned long len, unsigned long pgoff,
					     unsigned long flags)
{
	/* Filling a hole: the core sees to it that nothing is there. */
	if (flags & MAP_FIXED_NOREPLACE)
		return addr;
	/*
	 * Mapping part of it anew. What the process has unmapped may by now be
	 * used for something else, and is not ours to replace.
	 */
	if (flags & MAP_FIXED)
		return is_all_arena(zvm_file_aspace(file), addr, addr + len) ? addr : -EEXIST;
	/* Room to align in; offsets in the file have no say. */
	addr = zvm_mm_get_unmapped_area(file, addr, len + ZVM_ARENA_ALIGN, 0, flags);
	return IS_ERR_VALUE(addr) ? addr : ALIGN(addr, ZVM_ARENA_ALIGN);
}

static const struct file_operations arena_fops = {
	.owner = THIS_MODULE,
	.release = arena_release,
	.mmap = arena_mmap,
	.get_unmapped_area = arena_get_unmapped_area,
};

/*
 * Map part of the arena's file, from @offset on, at @at; 0: where there is room. An
 * address or an error.
 */
static unsigned long mmap_locked(struct zvm_aspace *aspace, struct file *file, unsigned long at,
				 u64 offset, u64 len, unsigned long prot, unsigned long flags)
{
	unsigned long ret;

	lockdep_assert_held(&aspace->remap_lock);
	aspace->trimmer_wants_exec = prot & PROT_EXEC;
	WRITE_ONCE(aspace->trimmer, current);
	ret = vm_mmap(file, at, len, prot, MAP_SHARED | MAP_NORESERVE | flags, offset);
	WRITE_ONCE(aspace->trimmer, NULL);
	return ret;
}

int zvm_arena_mmap_locked(struct zvm_aspace *aspace, struct file *file,
			  u64 addr, u64 len, unsigned long prot)
{
	unsigned long at = zvm_aspace_at(aspace, addr);
	u64 offset = addr - aspace->base;
	unsigned int noreclaim;
	unsigned long ret;

	ret = mmap_locked(aspace, file, at, offset, len, prot, MAP_FIXED);
	if (ret == -ENOMEM) {
		/*
		 * Linux may have unmapped the old before it had no memory for
		 * the new, and a hole would be lost to the arena. So map there
		 * once more, with what is kept for emergencies. If nothing has
		 * been unmapped, this fails as it should.
		 */
		noreclaim = memalloc_noreclaim_save();
		ret = mmap_locked(aspace, file, at, offset, len, prot, MAP_FIXED_NOREPLACE);
		memalloc_noreclaim_restore(noreclaim);
	}
	return IS_ERR_VALUE(ret) ? -ENOMEM : 0;
}

/* Map the whole arena at @at; 0: where there is room. -EEXIST: something is there. */
static int map_arena_locked(struct zvm_aspace *aspace, struct file *file, unsigned long at)
{
	unsigned long ret;

	ret = mmap_locked(aspace, file, at, 0, aspace->size, PROT_READ | PROT_WRITE,
			  at ? MAP_FIXED_NOREPLACE : 0);
	if (IS_ERR_VALUE(ret))
		return ret == -EEXIST ? -EEXIST : -ENOMEM;
	aspace->arch.start = ret;
	return 0;
}

static struct zvm_aspace *find_locked(const struct mm_struct *mm)
{
	struct zvm_aspace *aspace;

	lockdep_assert_held(&aspaces_lock);
	hash_for_each_possible(aspaces, aspace, hash, (unsigned long)mm)
		if (aspace->arch.mm == mm)
			return aspace;
	return NULL;
}

/* The root region of the process's aspace, with a reference; NULL: has none. */
static struct zvm_vmar *find_root(const struct mm_struct *mm)
{
	struct zvm_vmar *root = NULL;
	struct zvm_aspace *aspace;

	spin_lock(&aspaces_lock);
	aspace = find_locked(mm);
	/* Its file has not been released yet, so it is alive. */
	if (aspace)
		zvm_object_get(&aspace->obj);
	spin_unlock(&aspaces_lock);
	if (!aspace)
		return NULL;

	down_read(&aspace->lock);
	if (!aspace->dead) {
		root = aspace->root;
		zvm_object_get(&root->obj);
	}
	up_read(&aspace->lock);
	zvm_object_put(&aspace->obj);
	return root;
}

/*
 * What is mapped is the arena, of this process, from now on. False: the process has
 * another one with its own addresses; another thread may have been faster.
 */
static bool publish(struct zvm_aspace *aspace, struct file *file)
{
	bool own = aspace->kind == ZVM_ASPACE_USER;
	struct mm_struct *mm = current->mm;
	bool first;

	spin_lock(&aspaces_lock);
	first = !own || !find_locked(mm);
	if (first) {
		WRITE_ONCE(aspace->arena, file);
		/* The struct only, not the memory: it goes when the process does. */
		mmgrab(mm);
		/* Pairs with zvm_aspace_mm(). */
		smp_store_release(&aspace->arch.mm, mm);
		if (own)
			hash_add(aspaces, &aspace->hash, (unsigned long)mm);
	}
	spin_unlock(&aspaces_lock);
	return first;
}

static struct zvm_aspace *aspace_new(u32 kind, u64 base, u64 size)
{
	struct zvm_object *obj = zvm_object_new(&zvm_aspace_type);
	struct zvm_aspace *aspace;

	if (IS_ERR(obj))
		return ERR_CAST(obj);
	aspace = container_of(obj, struct zvm_aspace, obj);
	init_rwsem(&aspace->lock);
	mutex_init(&aspace->remap_lock);
	INIT_HLIST_NODE(&aspace->hash);
	aspace->kind = kind;
	aspace->base = base;
	aspace->size = size;
	aspace->dirty_first = U64_MAX;
	aspace->trim_at = ZVM_TRIM_TABLES;
	aspace->arch.ptes = obj->inode.i_mapping;
	/* So that offsets in it are never beyond the end of the file. */
	i_size_write(&obj->inode, MAX_LFS_FILESIZE);
	return aspace;
}

/* Make the root region. With a reference for the caller. */
static struct zvm_vmar *make_root(struct zvm_aspace *aspace)
{
	struct zvm_vmar *root = zvm_vmar_new_root(aspace);

	if (IS_ERR(root))
		return root;
	down_write(&aspace->lock);
	aspace->root = root;
	zvm_object_get(&root->obj);
	up_write(&aspace->lock);
	return root;
}

/* Map the arena and make its root region. With a reference for the caller. */
static struct zvm_vmar *populate_aspace(struct zvm_aspace *aspace, struct file *file)
{
	struct zvm_vmar *root;
	int err;

	mutex_lock(&aspace->remap_lock);
	err = map_arena_locked(aspace, file, 0);
	mutex_unlock(&aspace->remap_lock);
	if (err)
		return ERR_PTR(err);

	aspace->base = aspace->arch.start;
	root = make_root(aspace);
	if (IS_ERR(root))
		goto unmap;
	/* Another thread may already have unmapped it again: then it dies with the file. */
	if (publish(aspace, file))
		return root;

	zvm_aspace_kill(aspace);
	zvm_object_put(&root->obj);
	root = ERR_PTR(-EEXIST);
unmap:
	vm_munmap(aspace->arch.start, aspace->size);
	return root;
}

/* ERR_PTR(-EEXIST): another thread has made one meanwhile. */
static struct zvm_vmar *create_root(void)
{
	struct zvm_aspace *aspace = aspace_new(ZVM_ASPACE_USER, 0, wanted_size());
	struct zvm_vmar *root;
	struct file *file;

	if (IS_ERR(aspace))
		return ERR_CAST(aspace);
	file = zvm_object_open(&aspace->obj, O_RDWR, &arena_fops);
	if (IS_ERR(file)) {
		root = ERR_CAST(file);
	} else {
		root = populate_aspace(aspace, file);
		/* The VMA has it now, or nobody: then this is the end of the aspace. */
		fput(file);
	}
	zvm_object_put(&aspace->obj);
	return root;
}

struct zvm_vmar *zvm_aspace_current_root(void)
{
	struct mm_struct *mm = current->mm;
	struct zvm_vmar *root;

	do {
		root = find_root(mm);
		if (!root)
			root = create_root();
		if (fatal_signal_pending(current) && IS_ERR(root))
			return ERR_PTR(-EINTR);
	} while (root == ERR_PTR(-EEXIST));
	return root;
}

/* Can there be an address space like this? */
static int check_extent(u32 kind, u64 base, u64 size)
{
	u64 limit;

	switch (kind) {
	case ZVM_ASPACE_USER:
		if (!base)
			return -EINVAL;
		limit = arena_window();
		break;
	case ZVM_ASPACE_GUEST_PHYS:
		limit = ZVM_GUEST_LIMIT;
		break;
	default:
		return -EINVAL;
	}
	if (!size || !IS_ALIGNED(base | size, ZVM_ARENA_ALIGN))
		return -EINVAL;
	/* It has to go into some process. */
	return size > arena_window() || base > limit || size > limit - base ? -ERANGE : 0;
}

struct zvm_vmar *zvm_aspace_new_detached(u32 kind, u64 base, u64 size)
{
	int err = check_extent(kind, base, size);
	struct zvm_aspace *aspace;
	struct zvm_vmar *root;

	if (err)
		return ERR_PTR(err);
	aspace = aspace_new(kind, base, size);
	if (IS_ERR(aspace))
		return ERR_CAST(aspace);
	root = make_root(aspace);
	zvm_object_put(&aspace->obj);
	return root;
}

/* With remap_lock, so that one process adopts it at most. */
static int adopt_locked(struct zvm_aspace *aspace, struct file *file, u64 __user *out_addr)
{
	int err;

	lockdep_assert_held(&aspace->remap_lock);
	if (aspace->arch.mm)
		return -EALREADY;
	err = map_arena_locked(aspace, file,
			       aspace->kind == ZVM_ASPACE_USER ? aspace->base : 0);
	if (err)
		return err;
	/* Afterwards there is no way back. */
	if (put_user((u64)aspace->arch.start, out_addr))
		err = -EFAULT;
	else if (!publish(aspace, file))
		err = -EBADFD;
	if (err)
		vm_munmap(aspace->arch.start, aspace->size);
	return err;
}

int zvm_aspace_adopt(struct zvm_aspace *aspace, u64 __user *out_addr)
{
	struct file *file;
	int err;

	file = zvm_object_open(&aspace->obj, O_RDWR, &arena_fops);
	if (IS_ERR(file))
		return PTR_ERR(file);
	err = -EINTR;
	if (!mutex_lock_killable(&aspace->remap_lock)) {
		err = adopt_locked(aspace, file, out_addr);
		mutex_unlock(&aspace->remap_lock);
	}
	/* Of its own, as an arena ends with its file. */
	fput(file);
	return err;
}

void zvm_aspace_abandon(struct zvm_aspace *aspace)
{
	if (!zvm_aspace_mm(aspace))
		zvm_aspace_kill(aspace);
}

void zvm_arena_zap(struct zvm_aspace *aspace, u64 addr, u64 len)
{
	lockdep_assert_held_write(&aspace->lock);
	zvm_arch_unmap(aspace->arch.ptes, zvm_aspace_pgoff(aspace, addr), len >> PAGE_SHIFT,
		       false);
}

void zvm_arena_wrprotect(struct zvm_aspace *aspace, u64 addr, u64 len)
{
	lockdep_assert_held_write(&aspace->lock);
	zvm_arch_wrprotect(aspace->arch.ptes, zvm_aspace_pgoff(aspace, addr), len >> PAGE_SHIFT);
}

static void aspace_evict(struct zvm_object *obj)
{
	struct zvm_aspace *aspace = container_of(obj, struct zvm_aspace, obj);

	if (aspace->arch.mm)
		mmdrop(aspace->arch.mm);
	if (aspace->user)
		zvm_user_uncharge(aspace->user, sizeof(*aspace));
}

struct zvm_object_type zvm_aspace_type = {
	.name = "arena",
	.zx_type = ZX_OBJ_TYPE_NONE,
	.size = sizeof(struct zvm_aspace),
	.evict = aspace_evict,
};
