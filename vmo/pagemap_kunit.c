// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the page map, with no store, no file and no address space: one
 * property each. The suite counts nodes and pages of all maps, so nothing else
 * may use the module meanwhile: see zvm_kunit.h.
 */

#include <kunit/test.h>
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "../zvm_kunit.h"
#include "pagemap_kunit.h"
#include "user.h"

static bool is_mine(struct pm_test *t, unsigned int m, u64 index, unsigned int extra)
{
	bool alone;
	struct zvm_pm_leaf *leaf = zvm_pagemap_find(&t->map[m], index, &alone);

	return alone && zvm_leaf_mine(&t->map[m], leaf, index, extra);
}

static u64 nodes_now(struct pm_test *t)
{
	return zvm_pagemap_nodes() - t->nodes_before;
}

/* A page that was visible to a partner is not mine while a reference is left. */
static void pm_foreign(struct kunit *test)
{
	struct pm_test *t = test->priv;
	struct page *page;

	pm_write_place(test, 0, 0);
	KUNIT_EXPECT_TRUE(test, is_mine(t, 0, 0, 0));
	pm_share(t, 1, 0);
	KUNIT_EXPECT_FALSE(test, is_mine(t, 0, 0, 0));
	KUNIT_EXPECT_FALSE(test, is_mine(t, 1, 0, 0));
	page = pm_page_at(&t->map[1], 0);
	KUNIT_ASSERT_NOT_NULL(test, page);
	get_page(page);
	pm_destroy(t, 1);

	KUNIT_EXPECT_FALSE(test, is_mine(t, 0, 0, 0));
	/* One's own reference does not count, and one's knowledge is not kept. */
	KUNIT_EXPECT_FALSE(test, is_mine(t, 0, 0, 0));
	put_page(page);
	KUNIT_EXPECT_TRUE(test, is_mine(t, 0, 0, 0));

	/* References taken after the proof are this map's own affair. */
	get_page(page);
	KUNIT_EXPECT_TRUE(test, is_mine(t, 0, 0, 0));
	pm_share(t, 1, 0);
	pm_destroy(t, 1);
	KUNIT_EXPECT_FALSE(test, is_mine(t, 0, 0, 0));
	KUNIT_EXPECT_TRUE(test, is_mine(t, 0, 0, 1));
	put_page(page);
	pm_check(test);

	/* A write while the reference is there takes a new page. */
	pm_share(t, 1, 0);
	get_page(page);
	pm_destroy(t, 1);
	KUNIT_EXPECT_FALSE(test, pm_write_place(test, 0, 0));
	KUNIT_EXPECT_PTR_NE(test, page, pm_page_at(&t->map[0], 0));
	KUNIT_EXPECT_EQ(test, 1, page_count(page));
	put_page(page);
	pm_check(test);
}

/* References from before a snapshot, of which the partner has kept nothing. */
static void pm_claim(struct kunit *test)
{
	struct pm_test *t = test->priv;
	struct zvm_pm_leaf *leaf;
	struct page *page;
	bool alone;
	u64 epoch;

	pm_write_place(test, 0, 0);
	pm_write_place(test, 0, 1);
	leaf = zvm_pagemap_find(&t->map[0], 0, &alone);
	KUNIT_ASSERT_NOT_NULL(test, leaf);
	page = leaf->slot[0];
	get_page(page);
	epoch = t->map[0].shared_epoch;
	KUNIT_EXPECT_EQ(test, 3, zvm_leaf_tags(leaf, epoch));
	pm_share(t, 1, 0);
	KUNIT_EXPECT_EQ(test, 3, zvm_leaf_tags(leaf, epoch));
	KUNIT_EXPECT_EQ(test, 0, zvm_leaf_tags(leaf, t->map[0].shared_epoch));

	/* The partner has replaced it; the other page is still in both. */
	KUNIT_EXPECT_FALSE(test, pm_write_place(test, 1, 0));
	KUNIT_EXPECT_FALSE(test, is_mine(t, 0, 0, 0));
	zvm_leaf_claim(&t->map[0], leaf, BIT(0));
	KUNIT_EXPECT_TRUE(test, is_mine(t, 0, 0, 0));
	KUNIT_EXPECT_FALSE(test, is_mine(t, 0, 1, 0));
	pm_check(test);
	KUNIT_EXPECT_TRUE(test, pm_write_place(test, 0, 0));
	KUNIT_EXPECT_PTR_EQ(test, page, pm_page_at(&t->map[0], 0));
	pm_check(test);

	/* That holds until the next snapshot. */
	epoch = t->map[0].shared_epoch;
	pm_share(t, 2, 0);
	KUNIT_EXPECT_EQ(test, 1, zvm_leaf_tags(leaf, epoch));
	KUNIT_EXPECT_FALSE(test, is_mine(t, 0, 0, 0));
	pm_destroy(t, 2);
	KUNIT_EXPECT_FALSE(test, is_mine(t, 0, 0, 0));
	put_page(page);
	KUNIT_EXPECT_TRUE(test, is_mine(t, 0, 0, 0));
	pm_check(test);
}

/* Tags of before a sharing stay void, also once the leaf is young again. */
static void pm_epochs(struct kunit *test)
{
	struct pm_test *t = test->priv;
	struct zvm_pm_leaf *leaf;
	struct page *page;
	bool alone;

	pm_write_place(test, 0, 0);
	pm_write_place(test, 0, 1);
	leaf = zvm_pagemap_find(&t->map[0], 0, &alone);
	KUNIT_ASSERT_NOT_NULL(test, leaf);
	KUNIT_EXPECT_EQ(test, 3, leaf->node.mine);
	KUNIT_EXPECT_GT(test, leaf->epoch, t->map[0].shared_epoch);

	pm_share(t, 1, 0);
	KUNIT_EXPECT_EQ(test, t->map[0].shared_epoch, t->map[1].shared_epoch);
	KUNIT_EXPECT_LE(test, leaf->epoch, t->map[0].shared_epoch);
	page = leaf->slot[1];
	get_page(page);
	pm_destroy(t, 1);

	KUNIT_EXPECT_TRUE(test, is_mine(t, 0, 0, 0));
	KUNIT_EXPECT_GT(test, leaf->epoch, t->map[0].shared_epoch);
	KUNIT_EXPECT_EQ(test, 1, leaf->node.mine);
	KUNIT_EXPECT_FALSE(test, is_mine(t, 0, 1, 0));
	put_page(page);
	KUNIT_EXPECT_TRUE(test, is_mine(t, 0, 1, 0));

	/* The same for the tags that the other side finds in a leaf it inherits. */
	pm_share(t, 1, 0);
	get_page(page);
	pm_destroy(t, 0);
	KUNIT_EXPECT_TRUE(test, is_mine(t, 1, 0, 0));
	KUNIT_EXPECT_FALSE(test, is_mine(t, 1, 1, 0));
	put_page(page);

	/* A copied leaf starts with none, the original keeps none that count. */
	pm_share(t, 0, 1);
	KUNIT_EXPECT_FALSE(test, pm_write_place(test, 0, 0));
	KUNIT_EXPECT_TRUE(test, is_mine(t, 0, 0, 0));
	KUNIT_EXPECT_FALSE(test, is_mine(t, 0, 1, 0));
	KUNIT_EXPECT_TRUE(test, is_mine(t, 1, 0, 0));
	KUNIT_EXPECT_FALSE(test, is_mine(t, 1, 1, 0));
	pm_check(test);
	pm_destroy(t, 1);
	KUNIT_EXPECT_TRUE(test, is_mine(t, 0, 1, 0));
	pm_check(test);

	/* An erased and refilled slot: the old tag says nothing, the new one does. */
	KUNIT_EXPECT_EQ(test, 0, pm_erase(t, 0, 1, 1, GFP_KERNEL));
	KUNIT_EXPECT_FALSE(test, is_mine(t, 0, 1, 0));
	pm_write_place(test, 0, 1);
	KUNIT_EXPECT_TRUE(test, is_mine(t, 0, 1, 0));
	pm_check(test);
}

/* A replaced page comes back to the caller, who owns its slot. */
static void pm_replace(struct kunit *test)
{
	struct pm_test *t = test->priv;
	struct zvm_pm_leaf *leaf;
	struct page *page, *old;

	pm_write_place(test, 0, 5);
	pm_write_place(test, 0, 6);
	old = pm_page_at(&t->map[0], 5);
	page = pm_new_page();
	KUNIT_ASSERT_NOT_NULL(test, page);
	leaf = zvm_pagemap_make(&t->map[0], 5, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(leaf));
	KUNIT_EXPECT_PTR_EQ(test, old, zvm_leaf_set(&t->map[0], leaf, 5, page));
	KUNIT_EXPECT_PTR_EQ(test, page, pm_page_at(&t->map[0], 5));
	KUNIT_EXPECT_EQ(test, 2, leaf->node.used);
	zvm_page_drop(old);
	*pm_val(page) = ++t->last_val;
	t->val[0][5] = t->last_val;
	pm_check(test);
}

/* Powers of two and their neighbours, over all 64 bits. */
static void pm_sparse(struct kunit *test)
{
	struct pm_test *t = test->priv;
	struct zvm_pagemap *map = &t->map[0];
	unsigned int bit, n = 0;
	u64 index, last = 0;
	bool mine;

	for (bit = 2; bit < 64; bit++) {
		index = BIT_ULL(bit);
		KUNIT_ASSERT_EQ(test, 0, pm_write(map, index - 1, 1, GFP_KERNEL, &mine));
		KUNIT_ASSERT_EQ(test, 0, pm_write(map, index, 1, GFP_KERNEL, &mine));
		KUNIT_EXPECT_NULL(test, pm_page_at(map, index + 1));
	}
	KUNIT_ASSERT_EQ(test, 0, pm_write(map, U64_MAX - 1, 1, GFP_KERNEL, &mine));
	KUNIT_EXPECT_NULL(test, pm_page_at(map, U64_MAX));
	KUNIT_EXPECT_EQ(test, 125, zvm_pagemap_count(map, 0, U64_MAX));
	KUNIT_EXPECT_EQ(test, 1, zvm_pagemap_count(map, BIT_ULL(63) + 1, U64_MAX));
	KUNIT_EXPECT_EQ(test, 2, zvm_pagemap_count(map, BIT_ULL(52) - 1, BIT_ULL(52)));
	KUNIT_EXPECT_EQ(test, 0, zvm_pagemap_count(map, 5, 2));

	for (index = zvm_pagemap_next(map, 0); index != U64_MAX;
	     index = zvm_pagemap_next(map, index + 1)) {
		KUNIT_ASSERT_TRUE(test, !n || index > last);
		KUNIT_ASSERT_NOT_NULL(test, pm_page_at(map, index));
		last = index;
		n++;
	}
	KUNIT_EXPECT_EQ(test, 125, n);
	KUNIT_EXPECT_EQ(test, U64_MAX - 1, last);
	KUNIT_EXPECT_EQ(test, U64_MAX, zvm_pagemap_next(map, U64_MAX));

	/* And back. */
	for (index = zvm_pagemap_prev(map, U64_MAX); index != U64_MAX;
	     index = index ? zvm_pagemap_prev(map, index - 1) : U64_MAX) {
		KUNIT_ASSERT_TRUE(test, n == 125 || index < last);
		KUNIT_ASSERT_NOT_NULL(test, pm_page_at(map, index));
		last = index;
		n--;
	}
	KUNIT_EXPECT_EQ(test, 0, n);
	KUNIT_EXPECT_EQ(test, 3, last);
	KUNIT_EXPECT_EQ(test, U64_MAX, zvm_pagemap_prev(map, 2));

	/* The tree gets lower as its far end goes, and is gone with the last page. */
	KUNIT_EXPECT_EQ(test, ZVM_PM_TOP, map->root->level);
	for (bit = 63; bit >= 2; bit--) {
		KUNIT_ASSERT_EQ(test, 0, zvm_pagemap_erase(map, BIT_ULL(bit), U64_MAX, 0));
		KUNIT_EXPECT_EQ(test, 2 * (bit - 2) + 1, zvm_pagemap_count(map, 0, U64_MAX));
		KUNIT_EXPECT_LE(test, map->root->level, DIV_ROUND_UP(bit, ZVM_INNER_SHIFT));
	}
	KUNIT_EXPECT_EQ(test, 1, nodes_now(t));
	KUNIT_ASSERT_EQ(test, 0, zvm_pagemap_erase(map, 3, 3, 0));
	KUNIT_EXPECT_NULL(test, map->root);
	KUNIT_EXPECT_EQ(test, 0, nodes_now(t));
}

#define BIG	4096

/* What sharing, the first write and clipping cost does not depend on the size. */
static void pm_costs(struct kunit *test)
{
	struct pm_test *t = test->priv;
	struct zvm_pagemap *big = &t->map[0], *snap = &t->map[1];
	u64 nodes, pages, index;
	bool mine, alone;

	for (index = 0; index < BIG; index++)
		KUNIT_ASSERT_EQ(test, 0, pm_write(big, index, index + 1, GFP_KERNEL, &mine));
	nodes = nodes_now(t);
	pages = zvm_page_count_all();
	/* A leaf per 16, an inner node per 32 of those, one per 32 of these. */
	KUNIT_EXPECT_EQ(test, BIG / 16 + BIG / 16 / 32 + 1, nodes);

	pm_share(t, 1, 0);
	KUNIT_EXPECT_EQ(test, nodes, nodes_now(t));
	KUNIT_EXPECT_EQ(test, 2, refcount_read(&big->root->refs));
	zvm_pagemap_find(big, 99, &alone);
	KUNIT_EXPECT_FALSE(test, alone);

	KUNIT_EXPECT_EQ(test, 0, pm_write(snap, 99, 1, GFP_KERNEL, &mine));
	KUNIT_EXPECT_FALSE(test, mine);
	KUNIT_EXPECT_EQ(test, nodes + 3, nodes_now(t));
	KUNIT_EXPECT_EQ(test, pages + 1, zvm_page_count_all());
	KUNIT_EXPECT_EQ(test, 100, *pm_val(pm_page_at(big, 99)));

	/* Two edges, each at most one node of each level; the root is common. */
	KUNIT_EXPECT_EQ(test, 0, zvm_pagemap_erase(snap, 0, 1000, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, 0, zvm_pagemap_erase(snap, 3001, U64_MAX, GFP_KERNEL));
	KUNIT_EXPECT_LE(test, nodes_now(t), nodes + 5);
	KUNIT_EXPECT_EQ(test, pages, zvm_page_count_all());
	KUNIT_EXPECT_EQ(test, 2000, zvm_pagemap_count(snap, 0, U64_MAX));
	KUNIT_EXPECT_EQ(test, BIG, zvm_pagemap_count(big, 0, U64_MAX));

	/* Growing puts the shared tree below a new root as it is. */
	zvm_pagemap_destroy(snap);
	KUNIT_EXPECT_EQ(test, nodes, nodes_now(t));
	pm_share(t, 1, 0);
	KUNIT_EXPECT_EQ(test, 0, pm_write(snap, BIT_ULL(14), 1, GFP_KERNEL, &mine));
	KUNIT_EXPECT_EQ(test, nodes + 4, nodes_now(t));
	zvm_pagemap_find(snap, BIT_ULL(14), &alone);
	KUNIT_EXPECT_TRUE(test, alone);
	zvm_pagemap_find(snap, 99, &alone);
	KUNIT_EXPECT_FALSE(test, alone);

	zvm_pagemap_destroy(big);
	zvm_pagemap_find(snap, 99, &alone);
	KUNIT_EXPECT_TRUE(test, alone);
	KUNIT_EXPECT_EQ(test, BIG + 1, zvm_pagemap_count(snap, 0, U64_MAX));
}

#define CHAIN	300

/* A snapshot of a snapshot of ...: as deep as the first, each with its content. */
static void pm_chain(struct kunit *test)
{
	struct pm_test *t = test->priv;
	struct zvm_pagemap *maps;
	unsigned int i, n, wrong = 0;
	bool mine;

	maps = kunit_kcalloc(test, CHAIN, sizeof(*maps), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, maps);
	for (i = 0; i < 600; i++)
		KUNIT_ASSERT_EQ(test, 0, pm_write(&maps[0], i, 1, GFP_KERNEL, &mine));
	for (n = 1; n < CHAIN; n++) {
		u64 nodes = nodes_now(t);

		zvm_pagemap_share(&maps[n], &maps[n - 1], n);
		wrong += !!pm_write(&maps[n], n, n + 1, GFP_KERNEL, &mine);
		wrong += mine;
		wrong += nodes_now(t) != nodes + 3;
		wrong += maps[n].root->level != 2;
	}
	KUNIT_EXPECT_EQ(test, 0, wrong);

	/* In any order: i * 7 runs through all, as 7 does not divide the length. */
	for (i = 0; i < CHAIN; i++) {
		unsigned int m = i * 7 % CHAIN;

		for (n = 0; n < 600; n++)
			wrong += *pm_val(pm_page_at(&maps[m], n)) != (n && n <= m ? n + 1 : 1);
		zvm_pagemap_destroy(&maps[m]);
	}
	KUNIT_EXPECT_EQ(test, 0, wrong);
	KUNIT_EXPECT_EQ(test, 0, nodes_now(t));
}

/* Every border of leaves and inner nodes, from both sides, shared and not. */
static void pm_erase_edges(struct kunit *test)
{
	static const u64 at[] = { 0, 1, 15, 16, 17, 511, 512, 513, 527, 528, 1023, 1024, 1039,
				  1040, 5000, U64_MAX - 1, U64_MAX };
	struct pm_test *t = test->priv;
	struct zvm_pagemap *full = &t->map[0], *map = &t->map[1];
	unsigned int i, j, wrong = 0;
	bool mine;
	u64 n;

	for (n = 0; n < 1040; n++)
		KUNIT_ASSERT_EQ(test, 0, pm_write(full, n, n + 1, GFP_KERNEL, &mine));
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		for (j = 0; j < ARRAY_SIZE(at); j++) {
			u64 first = at[i], last = at[j], gone = 0;

			pm_share(t, 1, 0);
			wrong += !!zvm_pagemap_erase(map, first, last, GFP_KERNEL);
			for (n = 0; n < 1040; n++) {
				bool out = n >= first && n <= last;
				struct page *page = pm_page_at(map, n);

				gone += out;
				wrong += !page != out;
				wrong += page && *pm_val(page) != n + 1;
			}
			wrong += zvm_pagemap_count(map, 0, U64_MAX) != 1040 - gone;
			wrong += gone == 1040 && map->root;
			/* Once more, there is nothing to erase, thus nothing to copy. */
			pm_share(t, 2, 1);
			n = nodes_now(t);
			wrong += !!zvm_pagemap_erase(&t->map[2], first, last, GFP_KERNEL);
			wrong += nodes_now(t) != n;
			zvm_pagemap_destroy(&t->map[2]);
			zvm_pagemap_destroy(map);
		}
		KUNIT_ASSERT_EQ_MSG(test, 0, wrong, "erase from %llu", at[i]);
	}
	KUNIT_EXPECT_EQ(test, 1040, zvm_pagemap_count(full, 0, U64_MAX));
}

/* A leaf made and left empty is seen by nobody and goes with the next erase. */
static void pm_empty_leaf(struct kunit *test)
{
	struct pm_test *t = test->priv;
	struct zvm_pagemap *map = &t->map[0];

	KUNIT_ASSERT_FALSE(test, IS_ERR(zvm_pagemap_make(map, 1000, GFP_KERNEL)));
	KUNIT_EXPECT_EQ(test, 3, nodes_now(t));
	KUNIT_EXPECT_EQ(test, U64_MAX, zvm_pagemap_next(map, 0));
	KUNIT_EXPECT_EQ(test, 0, zvm_pagemap_count(map, 0, U64_MAX));
	KUNIT_ASSERT_FALSE(test, IS_ERR(zvm_pagemap_make(map, U64_MAX - 1, GFP_KERNEL)));
	KUNIT_EXPECT_EQ(test, U64_MAX, zvm_pagemap_next(map, 0));
	KUNIT_EXPECT_EQ(test, U64_MAX, zvm_pagemap_next(map, U64_MAX - 1));
	KUNIT_EXPECT_EQ(test, U64_MAX, zvm_pagemap_prev(map, U64_MAX));
	KUNIT_EXPECT_EQ(test, 0, zvm_pagemap_count(map, 0, U64_MAX));
	pm_write_place(test, 0, 0);
	KUNIT_EXPECT_EQ(test, 0, zvm_pagemap_erase(map, 1, U64_MAX, 0));
	KUNIT_EXPECT_EQ(test, 1, nodes_now(t));
	pm_check(test);
}

/* A new leaf beyond the root: new roots and a new branch. */
static int make_far(struct pm_test *t, gfp_t gfp)
{
	struct zvm_pm_leaf *leaf = zvm_pagemap_make(&t->map[1], U64_MAX - 1, gfp);

	/* Empty as it is, it would trouble pm_check(). */
	if (!IS_ERR(leaf))
		zvm_pagemap_erase(&t->map[1], U64_MAX - 1, U64_MAX, 0);
	return PTR_ERR_OR_ZERO(leaf);
}

/* The copy of a path. */
static int make_copy(struct pm_test *t, gfp_t gfp)
{
	return PTR_ERR_OR_ZERO(zvm_pagemap_make(&t->map[1], pm_index(7), gfp));
}

/* The copies of two paths. */
static int erase_middle(struct pm_test *t, gfp_t gfp)
{
	return pm_erase(t, 1, pm_index(12), pm_index(4 * PM_RUN + 7), gfp);
}

/*
 * Do @op on a snapshot of map 0 over and over, each time with another allocation
 * failing, until it works without needing that one. How often did it fail?
 */
static unsigned int fail_once_each(struct kunit *test, int (*op)(struct pm_test *t, gfp_t gfp))
{
	struct pm_test *t = test->priv;
	u64 nodes = nodes_now(t);
	unsigned int failures = 0;
	bool done;
	int err;

	for (t->step = 1, done = false; !done; t->step++) {
		pm_share(t, 1, 0);
		pm_fail_alloc(t->step);
		err = op(t, PM_GFP_MAY_FAIL);
		done = !err && pm_fail_unused();
		pm_fail_alloc(0);
		if (err) {
			failures++;
			KUNIT_ASSERT_EQ(test, -ENOMEM, err);
			KUNIT_ASSERT_EQ(test, nodes, nodes_now(t));
		}
		pm_check(test);
		pm_destroy(t, 1);
	}
	return failures;
}

/*
 * The same, more than once: allocations that are not the page map's, and are not
 * there each time, may hide some of its own.
 */
static unsigned int fail_each(struct kunit *test, int (*op)(struct pm_test *t, gfp_t gfp))
{
	unsigned int round, most = 0;

	for (round = 0; round < 5; round++)
		most = max(most, fail_once_each(test, op));
	return most;
}

/* Each allocation in turn fails: then nothing has changed. */
static void pm_no_memory(struct kunit *test)
{
	struct pm_test *t = test->priv;
	unsigned int n;

	if (!IS_ENABLED(CONFIG_FAILSLAB))
		kunit_skip(test, "this kernel has no CONFIG_FAILSLAB");

	for (n = 0; n < PM_PLACES - PM_RUN; n += 5)
		pm_write_place(test, 0, n);
	KUNIT_EXPECT_GE(test, fail_each(test, make_far), 12);
	KUNIT_EXPECT_GE(test, fail_each(test, make_copy), 10);
	KUNIT_EXPECT_GE(test, fail_each(test, erase_middle), 15);

	/* A map that shares nothing needs no memory to forget. */
	for (n = 0; n < PM_PLACES; n += 3) {
		pm_fail_alloc(1);
		KUNIT_EXPECT_EQ(test, 0, pm_erase(t, 0, pm_index(n), pm_index(n),
						  PM_GFP_MAY_FAIL));
		KUNIT_EXPECT_TRUE(test, pm_fail_unused());
		pm_fail_alloc(0);
		pm_check(test);
	}
}

static int pm_init(struct kunit *test)
{
	struct pm_test *t = kvzalloc(sizeof(*t), GFP_KERNEL);
	struct zvm_user *user;

	if (!t)
		return -ENOMEM;
	user = zvm_user_current(sizeof(*t));
	if (IS_ERR(user)) {
		kvfree(t);
		return PTR_ERR(user);
	}
	pm_user = user;
	t->steps = zvm_kunit_steps;
	t->seed = zvm_kunit_seed(test);
	prandom_seed_state(&t->rnd, t->seed);
	t->nodes_before = zvm_pagemap_nodes();
	t->pages_before = zvm_page_count_all();
	test->priv = t;
	return 0;
}

static void pm_exit(struct kunit *test)
{
	struct pm_test *t = test->priv;
	unsigned int i;

	if (!t)
		return;
	pm_fail_alloc(0);
	for (i = 0; i < PM_HELD; i++)
		if (t->held[i].page)
			put_page(t->held[i].page);
	for (i = 0; i < PM_MAPS; i++)
		zvm_pagemap_destroy(&t->map[i]);
	KUNIT_EXPECT_EQ(test, t->nodes_before, zvm_pagemap_nodes());
	KUNIT_EXPECT_EQ(test, t->pages_before, zvm_page_count_all());
	zvm_user_uncharge(pm_user, sizeof(*t));
	kvfree(t);
}

static struct kunit_case pm_cases[] = {
	KUNIT_CASE(pm_foreign),
	KUNIT_CASE(pm_claim),
	KUNIT_CASE(pm_epochs),
	KUNIT_CASE(pm_replace),
	KUNIT_CASE(pm_sparse),
	KUNIT_CASE(pm_costs),
	KUNIT_CASE(pm_chain),
	KUNIT_CASE(pm_erase_edges),
	KUNIT_CASE(pm_empty_leaf),
	KUNIT_CASE(pm_no_memory),
	KUNIT_CASE(pm_random),
	KUNIT_CASE(pm_folios),
	KUNIT_CASE(pm_race),
	KUNIT_CASE(pm_duel),
	{ }
};

struct kunit_suite zvm_pagemap_suite = {
	.name = "zvm_pagemap",
	.init = pm_init,
	.exit = pm_exit,
	.test_cases = pm_cases,
};
