// SPDX-License-Identifier: GPL-2.0
/*
 * Folios in page maps: operations in random order, as a store does them, against a
 * model that knows for each block of a map which of its pages there are, and the
 * values of some of them.
 */

#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/highmem.h>
#include <linux/slab.h>

#include "pagemap_kunit.h"

#define MAPS 4
#define BLOCKS 5
#define SAMPLES 5

/* Beside each other, in several nodes, and far up. */
static const u64 block_at[BLOCKS] = { 0, 1, 31, 32, BIT_ULL(30) };
static const unsigned int sample_at[SAMPLES] = { 0, 1, 16, 255, ZVM_FOLIO_PAGES - 1 };

struct block {
	DECLARE_BITMAP(present, ZVM_FOLIO_PAGES);
	u64 val[SAMPLES];
};

struct folio_test {
	struct pm_test *t;
	struct block block[MAPS][BLOCKS];
	struct page *pages[ZVM_FOLIO_PAGES];
	unsigned int folios, copies, cuts;
};

static u64 block_first(unsigned int b)
{
	return block_at[b] << ZVM_FOLIO_SHIFT;
}

static struct page *folio_at(struct zvm_pagemap *map, u64 index)
{
	struct zvm_pm_inner *inner;
	bool alone;

	inner = zvm_pagemap_find_inner(map, index, &alone);
	return inner ? zvm_inner_folio(inner, index) : NULL;
}

static struct page *page_at(struct zvm_pagemap *map, u64 index)
{
	struct page *folio = folio_at(map, index);

	if (folio)
		return folio + (index & (ZVM_FOLIO_PAGES - 1));
	return pm_page_at(map, index);
}

/* Put pages in place of a folio, but none for [@first, @last]. */
static int demote(struct folio_test *f, struct zvm_pagemap *map, u64 at, u64 first, u64 last)
{
	struct zvm_pm_inner *inner = zvm_pagemap_make_inner(map, at, GFP_KERNEL);
	struct zvm_pm_node *branch;
	struct page *folio;
	unsigned int i;

	if (IS_ERR(inner))
		return PTR_ERR(inner);
	folio = zvm_inner_folio(inner, at);
	memset(f->pages, 0, sizeof(f->pages));
	for (i = 0; i < ZVM_FOLIO_PAGES; i++) {
		u64 index = (at & ~(u64)(ZVM_FOLIO_PAGES - 1)) + i;

		if (index >= first && index <= last)
			continue;
		f->pages[i] = pm_new_page();
		if (!f->pages[i])
			return -ENOMEM;
		copy_highpage(f->pages[i], folio + i);
	}
	branch = zvm_pagemap_branch(map, f->pages, GFP_KERNEL);
	if (IS_ERR(branch))
		return PTR_ERR(branch);
	zvm_page_drop(zvm_inner_replace(inner, at, branch));
	f->cuts++;
	return 0;
}

static int write_folio(struct folio_test *f, unsigned int m, unsigned int b, u64 index, u64 val)
{
	struct zvm_pagemap *map = &f->t->map[m];
	struct zvm_pm_inner *inner = zvm_pagemap_make_inner(map, index, GFP_KERNEL);
	struct page *folio, *old;
	unsigned int i;

	if (IS_ERR(inner))
		return PTR_ERR(inner);
	old = zvm_inner_folio(inner, index);
	folio = old;
	if (!old || !zvm_inner_mine(map, inner, index, 0)) {
		folio = zvm_folio_alloc(pm_user, 1, true);
		if (!folio)
			return -ENOMEM;
		for (i = 0; old && i < ZVM_FOLIO_PAGES; i++)
			copy_highpage(folio + i, old + i);
		zvm_inner_set(map, inner, index, folio);
		if (old)
			zvm_page_drop(old);
		f->folios += !old;
		f->copies += !!old;
	}
	*pm_val(folio + (index & (ZVM_FOLIO_PAGES - 1))) = val;
	bitmap_fill(f->block[m][b].present, ZVM_FOLIO_PAGES);
	return 0;
}

static int step_write(struct folio_test *f, unsigned int m, unsigned int b, unsigned int s)
{
	struct zvm_pagemap *map = &f->t->map[m];
	u64 index = block_first(b) + sample_at[s], val = ++f->t->last_val;
	struct block *block = &f->block[m][b];
	bool absent = bitmap_empty(block->present, ZVM_FOLIO_PAGES), mine;
	int err;

	if (folio_at(map, index) || (absent && pm_below(&f->t->rnd, 4))) {
		if (absent || pm_below(&f->t->rnd, 4)) {
			err = write_folio(f, m, b, index, val);
			goto out;
		}
		/* As where there is no folio for the copy. */
		err = demote(f, map, index, 1, 0);
		if (err)
			return err;
	}
	err = pm_write(map, index, val, GFP_KERNEL, &mine);
	set_bit(sample_at[s], block->present);
out:
	if (!err)
		block->val[s] = val;
	return err;
}

static int step_erase(struct folio_test *f, unsigned int m, unsigned int b, unsigned int end_block)
{
	unsigned int from = pm_below(&f->t->rnd, ZVM_FOLIO_PAGES), s;
	unsigned int to = pm_below(&f->t->rnd, ZVM_FOLIO_PAGES);
	struct zvm_pagemap *map = &f->t->map[m];
	u64 first, last;
	int err = 0;

	if (pm_below(&f->t->rnd, 3) == 0)
		from = 0;
	if (pm_below(&f->t->rnd, 3) == 0)
		to = ZVM_FOLIO_PAGES - 1;
	first = block_first(min(b, end_block)) + from;
	last = block_first(max(b, end_block)) + to;
	if (first > last)
		swap(first, last);
	if (from && folio_at(map, first))
		err = demote(f, map, first, first, last);
	if (!err && (last + 1) & (ZVM_FOLIO_PAGES - 1) && folio_at(map, last))
		err = demote(f, map, last, first, last);
	if (!err && first & (ZVM_FOLIO_PAGES - 1) && folio_at(map, first))
		err = demote(f, map, first, first, last);
	if (!err)
		err = zvm_pagemap_erase(map, first, last, GFP_KERNEL);
	if (err)
		return err;
	for (b = 0; b < BLOCKS; b++) {
		u64 start = max(first, block_first(b));
		u64 end = min(last, block_first(b) + ZVM_FOLIO_PAGES - 1);
		struct block *block = &f->block[m][b];

		if (start > end)
			continue;
		bitmap_clear(block->present, start - block_first(b), end - start + 1);
		for (s = 0; s < SAMPLES; s++)
			if (!test_bit(sample_at[s], block->present))
				block->val[s] = 0;
	}
	return 0;
}

static void step_share(struct folio_test *f, unsigned int to, unsigned int from)
{
	zvm_pagemap_destroy(&f->t->map[to]);
	zvm_pagemap_share(&f->t->map[to], &f->t->map[from],
			  atomic64_inc_return(&f->t->epoch));
	memcpy(f->block[to], f->block[from], sizeof(f->block[to]));
}

static void check(struct folio_test *f, unsigned int m)
{
	struct zvm_pagemap *map = &f->t->map[m];
	u64 count = 0, next = U64_MAX, got = 0;
	unsigned int b, s;

	for (b = 0; b < BLOCKS; b++) {
		struct block *block = &f->block[m][b];
		unsigned int n = bitmap_weight(block->present, ZVM_FOLIO_PAGES);

		if (n && next == U64_MAX)
			next = block_first(b) + find_first_bit(block->present, ZVM_FOLIO_PAGES);
		count += n;
		got = zvm_pagemap_count(map, block_first(b) + 3, block_first(b) + 300);
		pm_note(f->t, got != bitmap_weight(block->present, 301) -
			      bitmap_weight(block->present, 3), "count of a part");
		for (s = 0; s < SAMPLES; s++) {
			struct page *page = page_at(map, block_first(b) + sample_at[s]);

			pm_note(f->t, !page != !test_bit(sample_at[s], block->present),
				"presence of a page");
			pm_note(f->t, page && *pm_val(page) != block->val[s], "value of a page");
		}
	}
	pm_note(f->t, zvm_pagemap_count(map, 0, U64_MAX) != count, "count of all");
	pm_note(f->t, zvm_pagemap_next(map, 0) != next, "answer of next");
}

static int step(struct folio_test *f)
{
	struct rnd_state *rnd = &f->t->rnd;
	unsigned int m = pm_below(rnd, MAPS), b = pm_below(rnd, BLOCKS);
	unsigned int dice = pm_below(rnd, 100);

	if (dice < 60)
		return step_write(f, m, b, pm_below(rnd, SAMPLES));
	if (dice < 80)
		return step_erase(f, m, b, pm_below(rnd, 4) ? b : pm_below(rnd, BLOCKS));
	if (dice < 95) {
		step_share(f, m, (m + 1 + pm_below(rnd, MAPS - 1)) % MAPS);
		return 0;
	}
	zvm_pagemap_destroy(&f->t->map[m]);
	memset(f->block[m], 0, sizeof(f->block[m]));
	return 0;
}

void pm_folios(struct kunit *test)
{
	struct pm_test *t = test->priv;
	struct folio_test *f = kvzalloc(sizeof(*f), GFP_KERNEL);
	unsigned int m, steps = max(t->steps / 4, 200u);
	int err = 0;

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->t = t;
	for (t->step = 1; t->step <= steps && !t->wrong && !err; t->step++) {
		err = step(f);
		for (m = 0; m < MAPS; m++)
			check(f, m);
		cond_resched();
	}
	for (m = 0; m < MAPS; m++)
		zvm_pagemap_destroy(&t->map[m]);
	pm_note(t, zvm_pagemap_nodes() != t->nodes_before, "nodes are left");
	pm_note(t, zvm_page_count_all() != t->pages_before, "pages are left");
	if (!err && steps >= 200 && (!f->folios || !f->copies || !f->cuts))
		pm_note(t, true, "nothing happened to folios");
	kvfree(f);
	if (err == -ENOMEM)
		kunit_skip(test, "no memory for folios");
	KUNIT_EXPECT_EQ(test, 0, err);
	KUNIT_ASSERT_NULL_MSG(test, t->wrong, "wrong: %s (seed %lu, step %u)", t->wrong,
			      t->seed, t->step);
}
