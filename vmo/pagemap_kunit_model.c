// SPDX-License-Identifier: GPL-2.0
/*
 * The model of the page map's KUnit tests.
 */

#include <linux/err.h>
#include <linux/hash.h>
#include <linux/string.h>

#include "pagemap_kunit.h"

/*
 * The runs: across the borders of leaves and of
 * inner nodes of several levels, and at the far end.
 */
static const u64 run_first[PM_RUNS] = {
	0,
	BIT_ULL(9) - PM_RUN / 2,
	BIT_ULL(14) - PM_RUN / 2,
	BIT_ULL(30) - PM_RUN / 2,
	BIT_ULL(52) - PM_RUN,
	U64_MAX - PM_RUN,
};

u64 pm_index(unsigned int place)
{
	return run_first[place / PM_RUN] + place % PM_RUN;
}

/* PM_PLACES if the model does not know @index. */
static unsigned int place_of(u64 index)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(run_first); i++)
		if (index >= run_first[i] && index - run_first[i] < PM_RUN)
			return i * PM_RUN + index - run_first[i];
	return PM_PLACES;
}

u32 pm_below(struct rnd_state *rnd, u32 limit)
{
	return prandom_u32_state(rnd) % limit;
}

unsigned int pm_some_place(struct rnd_state *rnd)
{
	static const u8 run[] = { 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5 };

	unsigned int place = run[pm_below(rnd, ARRAY_SIZE(run))] * PM_RUN;

	/* Half of the time close together: what meets nothing tests nothing. */
	if (pm_below(rnd, 2))
		return place + PM_RUN / 2 - 4 + pm_below(rnd, 8);
	return place + pm_below(rnd, PM_RUN);
}

void pm_note(struct pm_test *t, bool bad, const char *what)
{
	if (bad && !t->wrong)
		t->wrong = what;
}

struct page *pm_page_at(struct zvm_pagemap *map, u64 index)
{
	bool alone;
	struct zvm_pm_leaf *leaf = zvm_pagemap_find(map, index, &alone);

	return leaf ? zvm_leaf_page(leaf, index) : NULL;
}

struct zvm_user *pm_user;

struct page *pm_new_page(void)
{
	return zvm_page_alloc(pm_user, 1, GFP_KERNEL, true);
}

int pm_write(struct zvm_pagemap *map, u64 index, u64 val, gfp_t gfp, bool *mine)
{
	struct zvm_pm_leaf *leaf = zvm_pagemap_make(map, index, gfp);
	struct page *page;

	if (IS_ERR(leaf))
		return PTR_ERR(leaf);
	page = zvm_leaf_page(leaf, index);
	*mine = zvm_leaf_mine(map, leaf, index, 0);
	if (!*mine) {
		struct page *old;

		page = pm_new_page();
		if (!page)
			return -ENOMEM;
		old = zvm_leaf_set(map, leaf, index, page);
		if (old)
			zvm_page_drop(old);
	}
	*pm_val(page) = val;
	return 0;
}

bool pm_write_place(struct kunit *test, unsigned int m, unsigned int place)
{
	struct pm_test *t = test->priv;
	bool mine;

	KUNIT_ASSERT_EQ(test, 0, pm_write(&t->map[m], pm_index(place), ++t->last_val,
					  GFP_KERNEL, &mine));
	t->val[m][place] = t->last_val;
	return mine;
}

void pm_share(struct pm_test *t, unsigned int to, unsigned int from)
{
	zvm_pagemap_share(&t->map[to], &t->map[from], atomic64_inc_return(&t->epoch));
	memcpy(t->val[to], t->val[from], sizeof(t->val[to]));
}

void pm_destroy(struct pm_test *t, unsigned int m)
{
	zvm_pagemap_destroy(&t->map[m]);
	memset(t->val[m], 0, sizeof(t->val[m]));
}

int pm_erase(struct pm_test *t, unsigned int m, u64 first, u64 last, gfp_t gfp)
{
	int err = zvm_pagemap_erase(&t->map[m], first, last, gfp);
	unsigned int p;

	if (!err)
		for (p = 0; p < PM_PLACES; p++)
			if (pm_index(p) >= first && pm_index(p) <= last)
				t->val[m][p] = 0;
	return err;
}

/* ---- The whole state against the model ---- */

static struct pm_seen *look_up(struct pm_test *t, const void *what)
{
	unsigned int i = hash_ptr(what, PM_SEEN_BITS);

	while (t->seen[i].pass == t->pass && t->seen[i].what != what)
		i = (i + 1) % BIT(PM_SEEN_BITS);
	if (t->seen[i].pass != t->pass) {
		t->seen[i].pass = t->pass;
		t->seen[i].what = what;
		t->seen[i].count = 0;
	}
	return &t->seen[i];
}

/* Count the pointers to each node and page; go down where it is the first. */
static void count_pointers(struct pm_test *t, struct zvm_pm_node *node)
{
	unsigned int i, used = 0;

	if (look_up(t, node)->count++)
		return;
	t->nodes_seen++;
	if (node->level) {
		struct zvm_pm_inner *inner = container_of(node, struct zvm_pm_inner, node);

		for (i = 0; i < ZVM_INNER_SLOTS; i++) {
			if (!inner->slot[i])
				continue;
			used++;
			pm_note(t, inner->slot[i]->level != node->level - 1, "level of a node");
			count_pointers(t, inner->slot[i]);
		}
	} else {
		struct zvm_pm_leaf *leaf = container_of(node, struct zvm_pm_leaf, node);

		for (i = 0; i < ZVM_LEAF_SLOTS; i++) {
			if (!leaf->slot[i])
				continue;
			used++;
			if (!look_up(t, leaf->slot[i])->count++)
				t->pages_seen++;
		}
	}
	pm_note(t, node->used != used, "used slots of a node");
	pm_note(t, !used, "empty node in the tree");
}

static void check_counts(struct pm_test *t)
{
	unsigned int m, i, held = 0;

	t->pass++;
	t->nodes_seen = 0;
	t->pages_seen = 0;
	for (m = 0; m < PM_MAPS; m++)
		if (t->map[m].root)
			count_pointers(t, t->map[m].root);
	for (i = 0; i < PM_HELD; i++)
		held += !!t->held[i].page;
	pm_note(t, zvm_pagemap_nodes() - t->nodes_before != t->nodes_seen, "number of nodes");
	if (!held)
		pm_note(t, zvm_page_count_all() - t->pages_before != t->pages_seen,
			"number of pages");
}

static bool is_held(struct pm_test *t, struct page *page)
{
	unsigned int i;

	for (i = 0; i < PM_HELD; i++)
		if (t->held[i].page == page && t->held[i].was_shared)
			return true;
	return false;
}

/* A leaf of map @m whose first index is @index; @alone as the pointers tell. */
static unsigned int check_leaf(struct pm_test *t, unsigned int m, struct zvm_pm_leaf *leaf,
			       u64 index, bool alone)
{
	bool tags = leaf->epoch > t->map[m].shared_epoch;
	unsigned int i, pages = 0;

	for (i = 0; i < ZVM_LEAF_SLOTS; i++, index++) {
		struct page *page = leaf->slot[i];
		unsigned int place = place_of(index), slots;

		if (!page) {
			pm_note(t, tags && (leaf->node.mine & BIT(i)), "tag without a page");
			continue;
		}
		pages++;
		pm_note(t, place == PM_PLACES, "page at a place never written to");
		pm_note(t, place != PM_PLACES && *pm_val(page) != t->val[m][place],
			"value of a page");
		slots = look_up(t, page)->count;
		pm_note(t, zvm_page_slots(page) != slots, "slots of a page");
		if (!tags || !(leaf->node.mine & BIT(i)))
			continue;
		pm_note(t, !alone, "tag in a shared leaf");
		pm_note(t, slots != 1, "tag on a page with several slots");
		pm_note(t, is_held(t, page), "tag on a page with a foreign reference");
	}
	return pages;
}

static unsigned int check_node(struct pm_test *t, unsigned int m, struct zvm_pm_node *node,
			       u64 index, bool alone)
{
	struct zvm_pm_inner *inner = container_of(node, struct zvm_pm_inner, node);
	unsigned int i, pages = 0, count = look_up(t, node)->count;

	pm_note(t, refcount_read(&node->refs) != count, "references of a node");
	alone = alone && count == 1;
	if (!node->level)
		return check_leaf(t, m, container_of(node, struct zvm_pm_leaf, node), index,
				  alone);
	for (i = 0; i < ZVM_INNER_SLOTS; i++) {
		u64 first = (u64)i << (ZVM_LEAF_SHIFT + (node->level - 1) * ZVM_INNER_SHIFT);

		if (inner->slot[i])
			pages += check_node(t, m, inner->slot[i], index + first, alone);
	}
	return pages;
}

static void check_map(struct pm_test *t, unsigned int m)
{
	struct zvm_pm_node *root = t->map[m].root;
	unsigned int p, want = 0, have = 0;

	for (p = 0; p < PM_PLACES; p++)
		want += !!t->val[m][p];
	if (root)
		have = check_node(t, m, root, 0, true);
	pm_note(t, have != want, "number of pages in a map");
}

/* Is the path to @place one that only map @m can go? By the last check_counts(). */
static bool alone_by_pointers(struct pm_test *t, unsigned int m, unsigned int place)
{
	struct zvm_pm_node *node = t->map[m].root;
	u64 index = pm_index(place);

	while (node && look_up(t, node)->count == 1) {
		struct zvm_pm_inner *inner = container_of(node, struct zvm_pm_inner, node);

		if (!node->level)
			return true;
		index &= U64_MAX >> (64 - ZVM_LEAF_SHIFT - node->level * ZVM_INNER_SHIFT);
		node = inner->slot[index >> (ZVM_LEAF_SHIFT +
					     (node->level - 1) * ZVM_INNER_SHIFT)];
	}
	return false;
}

static void check_find(struct pm_test *t, unsigned int m, unsigned int place)
{
	u64 index = pm_index(place);
	struct zvm_pm_leaf *leaf;
	struct page *page;
	bool alone;

	/* A root that is too low must be noticed before the model descends. */
	leaf = zvm_pagemap_find(&t->map[m], index, &alone);
	page = leaf ? zvm_leaf_page(leaf, index) : NULL;
	pm_note(t, !leaf && alone, "alone without a leaf");
	pm_note(t, !page != !t->val[m][place], "presence of a page");
	pm_note(t, page && *pm_val(page) != t->val[m][place], "value found");
	if (leaf)
		pm_note(t, alone != alone_by_pointers(t, m, place), "answer of alone");
}

void pm_compare(struct pm_test *t)
{
	unsigned int m;

	check_counts(t);
	for (m = 0; m < PM_MAPS; m++)
		check_map(t, m);
	for (m = 0; m < PM_MAPS; m++)
		check_find(t, m, pm_some_place(&t->rnd));
}

void pm_check(struct kunit *test)
{
	struct pm_test *t = test->priv;

	pm_compare(t);
	KUNIT_ASSERT_NULL_MSG(test, t->wrong, "wrong: %s (seed %lu, step %u)", t->wrong,
			      t->seed, t->step);
}
