// SPDX-License-Identifier: GPL-2.0
/*
 * Arenas: how an address space comes to be in a process and goes with it.
 *
 * The arena's file is never behind a descriptor: only the arena's VMAs hold it.
 * Its release is how we learn that the last of them is gone, by exit, exec or
 * munmap(2).
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

static u64 wanted_size(void)
{
	/* With five levels of page tables there is more, but not for everybody. */
	u64 window = min_t(u64, TASK_SIZE, DEFAULT_MAP_WINDOW);
	u64 size = READ_ONCE(arena_size);

	if (!size || size > window)
		size = roundup_pow_of_two(window) / 8;
	return max_t(u64, round_down(size, ZVM_ARENA_ALIGN), ZVM_ARENA_ALIGN);
}

static int arena_release(struct inode *inode, struct file *file)
{
	struct zvm_aspace *aspace = zvm_file_aspace(file);

	spin_lock(&aspaces_lock);
	hash_del(&aspace->hash);
	spin_unlock(&aspaces_lock);
	zvm_aspace_kill(aspace);
	zvm_object_unuse(&aspace->obj);
	zvm_fs_unpin();
	return 0;
}

static int arena_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct zvm_aspace *aspace = zvm_file_aspace(file);

	/* Not remap_file_pages(2), nor anything else that is not us. */
	if (READ_ONCE(aspace->trimmer) != current || current->mm != aspace->arch.mm)
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

int zvm_arena_mmap_locked(struct zvm_aspace *aspace, struct file *file,
			  u64 addr, u64 len, unsigned long prot)
{
	unsigned long flags = MAP_SHARED | MAP_NORESERVE;
	u64 offset = addr ? addr - aspace->base : 0;
	unsigned int noreclaim;
	unsigned long ret;

	lockdep_assert_held(&aspace->remap_lock);
	aspace->trimmer_wants_exec = prot & PROT_EXEC;
	WRITE_ONCE(aspace->trimmer, current);
	ret = vm_mmap(file, addr, len, prot, flags | (addr ? MAP_FIXED : 0), offset);
	if (ret == -ENOMEM && addr) {
		/*
		 * Linux may have unmapped the old before it had no memory for
		 * the new, and a hole would be lost to the arena. So map there
		 * once more, with what is kept for emergencies. If nothing has
		 * been unmapped, this fails as it should.
		 */
		noreclaim = memalloc_noreclaim_save();
		ret = vm_mmap(file, addr, len, prot, flags | MAP_FIXED_NOREPLACE, offset);
		memalloc_noreclaim_restore(noreclaim);
	}
	WRITE_ONCE(aspace->trimmer, NULL);
	if (IS_ERR_VALUE(ret))
		return -ENOMEM;
	if (!addr) {
		aspace->arch.start = ret;
		aspace->base = ret;
	}
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

/* One arena for each process: false if another thread was faster. */
static bool publish(struct zvm_aspace *aspace)
{
	bool first;

	spin_lock(&aspaces_lock);
	first = !find_locked(aspace->arch.mm);
	if (first)
		hash_add(aspaces, &aspace->hash, (unsigned long)aspace->arch.mm);
	spin_unlock(&aspaces_lock);
	return first;
}

static struct zvm_aspace *aspace_new(struct mm_struct *mm)
{
	struct zvm_object *obj = zvm_object_new(&zvm_aspace_type);
	struct zvm_aspace *aspace;

	if (IS_ERR(obj))
		return ERR_CAST(obj);
	aspace = container_of(obj, struct zvm_aspace, obj);
	init_rwsem(&aspace->lock);
	mutex_init(&aspace->remap_lock);
	INIT_HLIST_NODE(&aspace->hash);
	aspace->size = wanted_size();
	aspace->dirty_first = U64_MAX;
	aspace->trim_at = ZVM_TRIM_TABLES;
	aspace->arch.ptes = obj->inode.i_mapping;
	/* The struct only, not the memory: it goes when the process does. */
	mmgrab(mm);
	aspace->arch.mm = mm;
	/* So that offsets in it are never beyond the end of the file. */
	i_size_write(&obj->inode, MAX_LFS_FILESIZE);
	return aspace;
}

/* Map the arena and make its root region. With a reference for the caller. */
static struct zvm_vmar *populate_aspace(struct zvm_aspace *aspace, struct file *file)
{
	struct zvm_vmar *root;
	int err;

	mutex_lock(&aspace->remap_lock);
	err = zvm_arena_mmap_locked(aspace, file, 0, aspace->size, PROT_READ | PROT_WRITE);
	mutex_unlock(&aspace->remap_lock);
	if (err)
		return ERR_PTR(err);

	root = zvm_vmar_new_root(aspace);
	if (IS_ERR(root))
		goto unmap;
	/* Another thread may already have unmapped it again: then it dies with the file. */
	down_write(&aspace->lock);
	aspace->root = root;
	zvm_object_get(&root->obj);
	up_write(&aspace->lock);
	if (publish(aspace))
		return root;

	zvm_object_put(&root->obj);
	root = ERR_PTR(-EEXIST);
unmap:
	vm_munmap(aspace->base, aspace->size);
	return root;
}

/* ERR_PTR(-EEXIST): another thread has made one meanwhile. */
static struct zvm_vmar *create_root(struct mm_struct *mm)
{
	struct zvm_aspace *aspace = aspace_new(mm);
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
			root = create_root(mm);
		if (fatal_signal_pending(current) && IS_ERR(root))
			return ERR_PTR(-EINTR);
	} while (root == ERR_PTR(-EEXIST));
	return root;
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
