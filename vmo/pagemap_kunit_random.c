// SPDX-License-Identifier: GPL-2.0
/*
 * Page map operations in random order.
 */

#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "pagemap_kunit.h"

static bool seen_elsewhere(struct pm_test *t, unsigned int m, unsigned int place,
			   struct page *page)
{
	unsigned int other;

	for (other = 0; other < PM_MAPS; other++)
		if (other != m && pm_page_at(&t->map[other], pm_index(place)) == page)
			return true;
	return false;
}

static void mark_shared(struct pm_test *t)
{
	unsigned int i, m, maps;
	u64 index;

	for (i = 0; i < PM_HELD; i++) {
		if (!t->held[i].page)
			continue;
		index = pm_index(t->held[i].place);
		for (m = 0, maps = 0; m < PM_MAPS; m++)
			maps += pm_page_at(&t->map[m], index) == t->held[i].page;
		t->held[i].was_shared |= maps > 1;
	}
}

/* Sometimes let an allocation fail: then nothing must have happened. */
static gfp_t maybe_fail(struct pm_test *t)
{
	if (pm_below(&t->rnd, 8))
		return GFP_KERNEL;
	pm_fail_alloc(1 + pm_below(&t->rnd, 5));
	return PM_GFP_MAY_FAIL;
}

static void step_write(struct pm_test *t)
{
	unsigned int m = pm_below(&t->rnd, PM_MAPS), place = pm_some_place(&t->rnd), i;
	struct pm_held *held = &t->held[pm_below(&t->rnd, PM_HELD)];
	bool elsewhere, foreign = false, mine;
	struct page *old;
	int err;

	/* Where a foreign reference is, more often than chance has it. */
	if (held->page && pm_below(&t->rnd, 3) == 0)
		place = held->place;
	old = pm_page_at(&t->map[m], pm_index(place));
	elsewhere = old && seen_elsewhere(t, m, place, old);
	for (i = 0; i < PM_HELD; i++)
		foreign |= old && t->held[i].page == old;
	err = pm_write(&t->map[m], pm_index(place), ++t->last_val, maybe_fail(t), &mine);
	pm_fail_alloc(0);
	if (err) {
		pm_note(t, err != -ENOMEM, "error of make");
		return;
	}
	t->val[m][place] = t->last_val;
	pm_note(t, !old && mine, "mine without a page");
	pm_note(t, old && elsewhere && mine, "mine, but seen by another map");
	pm_note(t, old && !elsewhere && !foreign && !mine, "not mine, but alone");
}

static void step_erase(struct pm_test *t)
{
	unsigned int m = pm_below(&t->rnd, PM_MAPS), place = pm_some_place(&t->rnd);
	u64 first = pm_index(place), last;
	int err;

	/* Seldom much at once, so that there is something left to meet. */
	switch (pm_below(&t->rnd, 16)) {
	case 0:
		last = U64_MAX;
		break;
	case 1:
		place += pm_below(&t->rnd, 2 * PM_RUN);
		last = place < PM_PLACES ? pm_index(place) : U64_MAX;
		break;
	case 2:
	case 3:
		last = first + pm_below(&t->rnd, 40);
		break;
	default:
		last = first + pm_below(&t->rnd, 4);
	}
	/* Wrapped: up to the end, then. */
	if (last < first)
		last = U64_MAX;
	err = pm_erase(t, m, first, last, maybe_fail(t));
	pm_fail_alloc(0);
	pm_note(t, err && err != -ENOMEM, "error of erase");
}

static unsigned int step_share(struct pm_test *t)
{
	unsigned int from = pm_below(&t->rnd, PM_MAPS);
	unsigned int to = (from + 1 + pm_below(&t->rnd, PM_MAPS - 1)) % PM_MAPS;

	pm_destroy(t, to);
	pm_share(t, to, from);
	return to;
}

/* A snapshot of a part: what lies outside the window goes. */
static void step_clip(struct pm_test *t)
{
	unsigned int m = step_share(t);
	u64 a = pm_index(pm_some_place(&t->rnd)), b = pm_index(pm_some_place(&t->rnd));
	int err = 0;

	if (min(a, b))
		err = pm_erase(t, m, 0, min(a, b) - 1, GFP_KERNEL);
	if (!err)
		err = pm_erase(t, m, max(a, b) + 1, U64_MAX, GFP_KERNEL);
	pm_note(t, err, "error of clip");
}

static void step_hold(struct pm_test *t)
{
	struct pm_held *held = &t->held[pm_below(&t->rnd, PM_HELD)];
	unsigned int m = pm_below(&t->rnd, PM_MAPS), place = pm_some_place(&t->rnd);
	struct page *page = pm_page_at(&t->map[m], pm_index(place));

	if (held->page) {
		put_page(held->page);
		memset(held, 0, sizeof(*held));
	} else if (page) {
		get_page(page);
		held->page = page;
		held->place = place;
	}
}

static void step_query(struct pm_test *t)
{
	unsigned int m = pm_below(&t->rnd, PM_MAPS), p;
	u64 a = pm_index(pm_some_place(&t->rnd)), b = pm_index(pm_some_place(&t->rnd));
	u64 first = min(a, b), last = max(a, b), count = 0;
	u64 next = U64_MAX, prev = U64_MAX;

	if (first > 8)
		first -= pm_below(&t->rnd, 8);
	for (p = PM_PLACES; p--;) {
		if (t->val[m][p] && prev == U64_MAX && pm_index(p) <= first)
			prev = pm_index(p);
		if (!t->val[m][p] || pm_index(p) < first)
			continue;
		count += pm_index(p) <= last;
		next = pm_index(p);
	}
	pm_note(t, zvm_pagemap_next(&t->map[m], first) != next, "answer of next");
	pm_note(t, zvm_pagemap_prev(&t->map[m], first) != prev, "answer of prev");
	pm_note(t, zvm_pagemap_count(&t->map[m], first, last) != count, "answer of count");
}

void pm_random(struct kunit *test)
{
	struct pm_test *t = test->priv;

	for (t->step = 1; t->step <= t->steps; t->step++) {
		unsigned int dice = pm_below(&t->rnd, 100), burst;

		if (dice < 60)
			for (burst = pm_below(&t->rnd, 8); burst; burst--)
				step_write(t);
		else if (dice < 74)
			step_erase(t);
		else if (dice < 80)
			step_share(t);
		else if (dice < 82)
			step_clip(t);
		else if (dice < 83)
			pm_destroy(t, pm_below(&t->rnd, PM_MAPS));
		else if (dice < 91)
			step_hold(t);
		else
			step_query(t);
		mark_shared(t);
		pm_check(test);
		cond_resched();
	}
}
