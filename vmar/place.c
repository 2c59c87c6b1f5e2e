// SPDX-License-Identifier: GPL-2.0
/*
 * Where a new child of a region goes.
 *
 * Addresses are to be hard to guess, and page tables few: they stay as long as
 * the arena does. So child regions are spread at random, page by page, and each
 * region has a random place of its own from which on its mappings are packed
 * densely. docs/placement.md counts the bits.
 */
#include <linux/align.h>
#include <linux/math64.h>
#include <linux/random.h>
#include <linux/sched/signal.h>

#include "vmar.h"

#define ZVM_VM_PLACED	(ZX_VM_SPECIFIC | ZX_VM_SPECIFIC_OVERWRITE)

/* Gaps to try for an exact fit before a larger one is taken. */
#define EXACT_TRIES	16

int zvm_place_check(const struct zvm_vmar *vmar, u32 options, u64 offset, u64 size)
{
	bool specific = options & ZVM_VM_PLACED;
	bool upper = options & ZX_VM_OFFSET_IS_UPPER_LIMIT;
	u64 room = vmar->node.size;

	if (specific && upper)
		return -EINVAL;
	if (!specific && !upper && offset)
		return -EINVAL;
	if (!PAGE_ALIGNED(offset))
		return -EINVAL;
	if ((specific || upper) && !(vmar->flags & ZX_VM_CAN_MAP_SPECIFIC))
		return -EACCES;
	if (upper) {
		if (offset > room || size > room || size > offset)
			return -EINVAL;
	} else if (offset >= room || size > room - offset) {
		return -EINVAL;
	}
	if (specific && !IS_ALIGNED(vmar->node.base + offset, zvm_options_align(options)))
		return -EINVAL;
	return 0;
}

u64 zvm_random_offset(u64 size)
{
	return mul_u64_u64_shr(get_random_u64(), (size >> PAGE_SHIFT) + 1, 64) << PAGE_SHIFT;
}

/* first_fit() where the alignment is more than a page. */
static noinline bool first_aligned_fit(const struct zvm_vmar *vmar, u64 from, u64 limit,
				       u64 size, u64 align, struct zvm_spot *spot)
{
	struct zvm_gap gap = { .end = from };
	unsigned int tries;

	for (tries = 0; ; tries++) {
		/*
		 * A gap that is large enough may still have no aligned place.
		 * Do not try all of them if another one has for sure.
		 */
		u64 sure = tries == EXACT_TRIES ? align - PAGE_SIZE : 0;
		u64 at = gap.end;

		if (!zvm_tree_gap(vmar, at, size + sure, &gap) ||
		    ALIGN(gap.start, align) + size > limit) {
			if (!sure)
				return false;
			gap.end = at;
			continue;
		}
		spot->addr = ALIGN(gap.start, align);
		spot->next = gap.next;
		if (spot->addr + size <= gap.end)
			return true;
		if (tries > EXACT_TRIES && fatal_signal_pending(current))
			return false;
		cond_resched();
	}
}

/* The lowest place at or after @from that ends at @limit or before. */
static bool first_fit(const struct zvm_vmar *vmar, u64 from, u64 limit, u64 size, u64 align,
		      struct zvm_spot *spot)
{
	struct zvm_gap gap;

	if (align > PAGE_SIZE)
		return first_aligned_fit(vmar, from, limit, size, align, spot);
	if (!zvm_tree_gap(vmar, from, size, &gap))
		return false;
	spot->addr = gap.start;
	spot->next = gap.next;
	return spot->addr + size <= limit;
}

int zvm_place_find_locked(struct zvm_vmar *vmar, u32 options, u64 offset, u64 size,
			  bool region, struct zvm_spot *spot)
{
	u64 base = vmar->node.base;
	u64 limit = zvm_node_end(&vmar->node);
	u64 align = zvm_options_align(options);
	u64 from, last;

	zvm_aspace_assert_write(vmar->aspace);
	if (options & ZVM_VM_PLACED) {
		spot->addr = base + offset;
		spot->next = zvm_tree_first(vmar, spot->addr);
		if (spot->next && spot->next->base < spot->addr + size)
			return -EEXIST;
		return 0;
	}

	if (options & ZX_VM_OFFSET_IS_UPPER_LIMIT)
		limit = base + offset;
	last = limit - size;
	if (vmar->flags & ZX_VM_COMPACT)
		from = base;
	else if (region)
		from = base + zvm_random_offset(last - base);
	else if (vmar->packed <= last)
		from = vmar->packed;
	else
		/* Below the limit, but as hard to guess as the cursor. */
		from = base + (vmar->cursor - base) % (last - base + PAGE_SIZE);

	if (!first_fit(vmar, from, limit, size, align, spot) &&
	    (from == base || !first_fit(vmar, base, limit, size, align, spot)))
		return -ENOBUFS;
	/* Not a page was free before it. */
	if (from == vmar->packed && size == PAGE_SIZE && align == PAGE_SIZE &&
	    spot->addr > from)
		vmar->packed = spot->addr;
	return 0;
}
