// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping parts of an arena anew: for memory that is to be executed, and to
 * give back page tables. These are the only things that take mmap_lock for
 * writing after an arena has been made.
 *
 * Where memory is executable, addresses are those of the process: zvm_aspace_may_exec().
 */
#include <linux/file.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "arena.h"
#include "vmar.h"

/* ZVM_TRIM_TABLES where looking has not been worth it for long. */
#define TRIM_MAX_TABLES	BIT(20)
/* What a page table full of PTEs maps: less is not worth it. */
#define TRIM_GRAIN	PMD_SIZE
/* Into how many VMAs trimming may cut an arena. */
#define TRIM_MAX_VMAS	256
/* Gaps that one trim looks at. */
#define TRIM_MAX_GAPS	256

/* The arena's file, with a reference, while it has a VMA at @addr. */
static struct file *get_arena_file(struct zvm_aspace *aspace, u64 addr)
{
	unsigned long at = zvm_aspace_at(aspace, addr);
	struct vm_area_struct *vma;
	struct file *file = NULL;

	lockdep_assert_held(&aspace->arch.mm->mmap_lock);
	vma = find_vma(aspace->arch.mm, at);
	if (vma && vma->vm_start <= at && zvm_vma_aspace(vma) == aspace)
		file = get_file(vma->vm_file);
	return file;
}

/* May instructions be fetched everywhere in the range already? */
static bool exec_allowed(struct zvm_aspace *aspace, u64 addr, u64 end)
{
	struct vm_area_struct *vma;

	lockdep_assert_held(&aspace->arch.mm->mmap_lock);
	while (addr < end) {
		vma = find_vma(aspace->arch.mm, addr);
		if (!vma || vma->vm_start > addr || !(vma->vm_flags & VM_EXEC))
			return false;
		addr = vma->vm_end;
	}
	return true;
}

int zvm_arena_allow_exec(struct zvm_aspace *aspace, u64 addr, u64 len)
{
	struct file *file = NULL;
	bool allowed;
	int err = 0;

	if (mutex_lock_killable(&aspace->remap_lock))
		return -EINTR;
	mmap_read_lock(aspace->arch.mm);
	allowed = exec_allowed(aspace, addr, addr + len);
	if (!allowed)
		file = get_arena_file(aspace, addr);
	mmap_read_unlock(aspace->arch.mm);

	/*
	 * The VMA permits all; each mapping's own permissions are in its PTEs,
	 * and are what counts.
	 */
	WRITE_ONCE(aspace->has_exec, true);
	if (!allowed && !file)
		err = -EBADFD;
	else if (!allowed)
		err = zvm_arena_mmap_locked(aspace, file, addr, len,
					    PROT_READ | PROT_WRITE | PROT_EXEC);
	mutex_unlock(&aspace->remap_lock);
	if (file)
		fput(file);
	return err;
}

/* How many VMAs of the process begin in the range, at most @max. */
static unsigned int count_vmas(struct zvm_aspace *aspace, u64 addr, u64 end, unsigned int max)
{
	unsigned long at = zvm_aspace_at(aspace, addr);
	unsigned long last = zvm_aspace_at(aspace, end);
	struct vm_area_struct *vma;
	unsigned int n = 0;

	lockdep_assert_held(&aspace->arch.mm->mmap_lock);
	while (at < last && n < max) {
		vma = find_vma(aspace->arch.mm, at);
		if (!vma || vma->vm_start >= last)
			break;
		n += vma->vm_start >= at;
		at = vma->vm_end;
	}
	return n;
}

/*
 * Would mapping the range anew leave the arena, which has *@vmas now, in not too
 * many? Then *@vmas is what it has afterwards, or more.
 */
static bool may_cut(struct zvm_aspace *aspace, u64 addr, u64 end, unsigned int *vmas)
{
	unsigned int gone;

	/* The borders in it vanish, two new ones come at most. */
	mmap_read_lock(aspace->arch.mm);
	gone = count_vmas(aspace, addr + 1, end, TRIM_MAX_VMAS);
	mmap_read_unlock(aspace->arch.mm);
	if (*vmas + 2 > TRIM_MAX_VMAS + gone && gone < 2)
		return false;
	*vmas = max(*vmas + 2, gone + 1) - gone;
	return true;
}

/* The free room around @addr in the innermost region there; false: is used. */
static bool gap_at(struct zvm_aspace *aspace, u64 addr, u64 *start, u64 *end)
{
	struct zvm_vmar *vmar = aspace->root;
	struct zvm_vm_node *next, *prev;

	lockdep_assert_held(&aspace->lock);
	for (;;) {
		next = zvm_tree_first(vmar, addr);
		if (!next || next->base > addr)
			break;
		if (!next->is_region) {
			*end = zvm_node_end(next);
			return false;
		}
		vmar = node_vmar(next);
	}
	prev = next ? zvm_tree_prev(next) :
		      rb_entry_safe(rb_last(&vmar->children), struct zvm_vm_node, rb);
	*start = prev ? zvm_node_end(prev) : vmar->node.base;
	*end = next ? next->base : zvm_node_end(&vmar->node);
	return true;
}

/* Is there executable memory in the range? */
static bool has_exec_mapping(struct zvm_aspace *aspace, u64 addr, u64 end)
{
	struct zvm_mapping *map;
	u64 gap_start, next;
	bool found = false;

	down_read(&aspace->lock);
	while (!aspace->dead && addr < end && !found) {
		map = zvm_aspace_find(aspace, addr);
		found = map && map->prot & ZX_VM_PERM_EXECUTE;
		gap_at(aspace, addr, &gap_start, &next);
		addr = next;
		cond_resched();
	}
	up_read(&aspace->lock);
	return found;
}

/* Find the first executable VMA at or after *@addr; *@addr is then in it. */
static struct file *next_exec_vma(struct zvm_aspace *aspace, u64 *addr, u64 end, u64 *vma_end)
{
	struct vm_area_struct *vma;
	struct file *file = NULL;

	mmap_read_lock(aspace->arch.mm);
	for (vma = find_vma(aspace->arch.mm, *addr); vma && vma->vm_start < end;
	     vma = find_vma(aspace->arch.mm, vma->vm_end))
		if (vma->vm_flags & VM_EXEC && zvm_vma_aspace(vma) == aspace) {
			*addr = max_t(u64, *addr, vma->vm_start);
			*vma_end = min_t(u64, end, vma->vm_end);
			file = get_file(vma->vm_file);
			break;
		}
	mmap_read_unlock(aspace->arch.mm);
	return file;
}

void zvm_arena_forbid_exec(struct zvm_aspace *aspace, u64 addr, u64 len)
{
	u64 end = addr + len;
	struct file *file;
	u64 vma_end;

	if (!READ_ONCE(aspace->has_exec) || !zvm_aspace_is_current(aspace))
		return;
	mutex_lock(&aspace->remap_lock);
	while (addr < end && !fatal_signal_pending(current)) {
		file = next_exec_vma(aspace, &addr, end, &vma_end);
		if (!file)
			break;
		/* Who makes some there right now will wait for us to allow it. */
		if (!has_exec_mapping(aspace, addr, vma_end))
			zvm_arena_mmap_locked(aspace, file, addr, vma_end - addr,
					      PROT_READ | PROT_WRITE);
		fput(file);
		addr = vma_end;
	}
	mutex_unlock(&aspace->remap_lock);
}

/*
 * Find the next gap at or after *@addr, before @end, that has whole page tables.
 * Moves *@addr behind it.
 */
static bool next_gap(struct zvm_aspace *aspace, u64 *addr, u64 end, u64 *gap_start, u64 *gap_end)
{
	bool found = false;
	int i;

	if (down_read_killable(&aspace->lock))
		return false;
	for (i = 0; !aspace->dead && *addr < end && i < TRIM_MAX_GAPS && !found; i++) {
		found = gap_at(aspace, *addr, gap_start, gap_end);
		*addr = *gap_end;
		*gap_start = round_up(*gap_start, TRIM_GRAIN);
		*gap_end = round_down(*gap_end, TRIM_GRAIN);
		found = found && *gap_start < *gap_end;
	}
	up_read(&aspace->lock);
	return found;
}

/*
 * Trim the gaps in the range. Returns where it has stopped; *@passed_over: there
 * were gaps that would have cut the arena into too many pieces.
 */
static u64 trim_range(struct zvm_aspace *aspace, struct file *file, u64 addr, u64 end,
		      bool *passed_over)
{
	u64 gap_start, gap_end;
	unsigned int vmas;
	int i;

	mmap_read_lock(aspace->arch.mm);
	vmas = count_vmas(aspace, aspace->base, aspace->base + aspace->size, TRIM_MAX_VMAS);
	mmap_read_unlock(aspace->arch.mm);
	for (i = 0; i < TRIM_MAX_GAPS && !fatal_signal_pending(current); i++) {
		if (!next_gap(aspace, &addr, end, &gap_start, &gap_end))
			break;
		if (!may_cut(aspace, gap_start, gap_end, &vmas)) {
			*passed_over = true;
			continue;
		}
		/*
		 * Somebody may map something in the gap right now. Its PTEs go,
		 * too, and come back with the next access.
		 */
		if (zvm_arena_mmap_locked(aspace, file, gap_start, gap_end - gap_start,
					  PROT_READ | PROT_WRITE))
			break;
	}
	return addr;
}

/* Remember where to look. Races lose a range: it stays as it would be without us. */
static void note_dirty(struct zvm_aspace *aspace, u64 addr, u64 end)
{
	if (addr < READ_ONCE(aspace->dirty_first))
		WRITE_ONCE(aspace->dirty_first, addr);
	if (end > READ_ONCE(aspace->dirty_last))
		WRITE_ONCE(aspace->dirty_last, end);
}

/* When to look next, after tables of @before bytes have become @after. */
static unsigned long next_trim(unsigned long now, unsigned long before, unsigned long after,
			       bool passed_over)
{
	if (after + ZVM_TRIM_TABLES / 2 * PAGE_SIZE <= before)
		return ZVM_TRIM_TABLES;
	/* There is more, once what is mapped between the gaps is gone as well. */
	if (passed_over)
		return max(ZVM_TRIM_TABLES, after / PAGE_SIZE / 16);
	/*
	 * Who maps and unmaps at the same place all the time has no use for
	 * this: do it more rarely.
	 */
	return min(now * 2, TRIM_MAX_TABLES);
}

static void trim(struct zvm_aspace *aspace, u64 addr)
{
	unsigned long before = mm_pgtables_bytes(aspace->arch.mm);
	bool passed_over = false;
	u64 first, last, stop;
	struct file *file;

	if (!mutex_trylock(&aspace->remap_lock))
		return;
	mmap_read_lock(aspace->arch.mm);
	file = get_arena_file(aspace, addr);
	mmap_read_unlock(aspace->arch.mm);
	if (file) {
		first = xchg(&aspace->dirty_first, U64_MAX);
		last = xchg(&aspace->dirty_last, 0);
		stop = trim_range(aspace, file, first, last, &passed_over);
		if (stop < last) {
			note_dirty(aspace, stop, last);
			passed_over = true;
		}
	}
	WRITE_ONCE(aspace->trim_at, next_trim(aspace->trim_at, before,
					      mm_pgtables_bytes(aspace->arch.mm), passed_over));
	WRITE_ONCE(aspace->dirty_tables, 0);
	mutex_unlock(&aspace->remap_lock);
	if (file)
		fput(file);
}

void zvm_arena_trim(struct zvm_aspace *aspace, u64 addr, u64 len)
{
	unsigned long tables = READ_ONCE(aspace->dirty_tables) + 1 + len / TRIM_GRAIN;

	note_dirty(aspace, addr, addr + len);
	WRITE_ONCE(aspace->dirty_tables, tables);
	if (!zvm_aspace_is_current(aspace))
		return;
	zvm_arena_forbid_exec(aspace, addr, len);
	if (tables >= READ_ONCE(aspace->trim_at))
		trim(aspace, addr);
}
