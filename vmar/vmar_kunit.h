/* SPDX-License-Identifier: GPL-2.0 */
/* What the KUnit tests of the region tree have in common. */
#ifndef ZVM_VMAR_VMAR_KUNIT_H
#define ZVM_VMAR_VMAR_KUNIT_H

#include <kunit/test.h>
#include <linux/prandom.h>

#include "vmar.h"

/* A number below @n. */
static inline u32 vk_below(struct rnd_state *rnd, u32 n)
{
	return prandom_u32_state(rnd) % n;
}

/* Is all that a region knows of its gaps true? */
bool vk_tree_is_sound(const struct zvm_vmar *vmar);

/*
 * An address space that no process has, of @pages, and its root region with a
 * reference for the caller.
 */
struct zvm_vmar *vk_make_aspace(struct kunit *test, struct zvm_aspace **aspace, u64 pages);
void vk_end_aspace(struct zvm_aspace *aspace);

/* tree_kunit.c: the tree and the steps, on regions that are no objects */
void vk_gaps(struct kunit *test);
void vk_gaps_all(struct kunit *test);
void vk_places_all(struct kunit *test);
void vk_steps(struct kunit *test);

/* region_kunit.c: regions and mappings against a map of the pages */
void vk_cuts(struct kunit *test);
void vk_random(struct kunit *test);
void vk_placement(struct kunit *test);
void vk_alignment(struct kunit *test);
void vk_depth(struct kunit *test);

#endif /* ZVM_VMAR_VMAR_KUNIT_H */
