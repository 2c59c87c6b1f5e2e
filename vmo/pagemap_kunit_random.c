// SPDX-License-Identifier: GPL-2.0
/*
 * Page map operations in random order, in one thread and in several.
 */

#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "pagemap_kunit.h"

static unsigned int kunit_steps = 5000;
module_param(kunit_steps, uint, 0444);
MODULE_PARM_DESC(kunit_steps, "Steps of the random page map test");

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

	for (i = 0; i < PM_HELD; i++) {
		if (!t->held[i].page)
			continue;
		for (m = 0, maps = 0; m < PM_MAPS; m++)
			maps += pm_page_at(&t->map[m], pm_index(t->held[i].place)) == t->held[i].page;
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
	struct page *old = pm_page_at(&t->map[m], pm_index(place));
	bool elsewhere = old && seen_elsewhere(t, m, place, old);
	bool foreign = false, mine;
	int err;

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

	switch (pm_below(&t->rnd, 4)) {
	case 0:
		last = first;
		break;
	case 1:
		last = U64_MAX;
		break;
	case 2:
		last = first + pm_below(&t->rnd, 40);
		break;
	default:
		last = pm_index(min_t(unsigned int, place + pm_below(&t->rnd, 2 * PM_RUN), PM_PLACES - 1));
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
	u64 first = min(a, b), last = max(a, b), count = 0, next = U64_MAX;

	if (first > 8)
		first -= pm_below(&t->rnd, 8);
	for (p = PM_PLACES; p--;) {
		if (!t->val[m][p] || pm_index(p) < first)
			continue;
		count += pm_index(p) <= last;
		next = pm_index(p);
	}
	pm_note(t, zvm_pagemap_next(&t->map[m], first) != next, "answer of next");
	pm_note(t, zvm_pagemap_count(&t->map[m], first, last) != count, "answer of count");
}

void pm_random(struct kunit *test)
{
	struct pm_test *t = test->priv;

	for (t->step = 1; t->step <= kunit_steps; t->step++) {
		u32 dice = pm_below(&t->rnd, 100);

		if (dice < 52)
			step_write(t);
		else if (dice < 67)
			step_erase(t);
		else if (dice < 76)
			step_share(t);
		else if (dice < 80)
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

/* ---- Sharers in threads of their own ---- */

#define RACERS	3
#define RACE_ROUNDS	200
#define RACE_STEPS	60

/*
 * A thread is the only user of its two maps, which is what a store's lock would
 * see to; the nodes and pages are common to all.
 */
struct racer {
	struct pm_test *t;
	struct task_struct *task;
	struct completion *start;
	struct completion done;
	struct rnd_state rnd;
	unsigned int own, spare;	/* maps: the second for snapshots of the first */
	u64 last_val;
	const char *wrong;
};

static void race_check(struct racer *r, unsigned int m)
{
	struct pm_test *t = r->t;
	unsigned int p;

	for (p = 0; p < PM_PLACES; p++) {
		struct page *page = pm_page_at(&t->map[m], pm_index(p));

		if (!page != !t->val[m][p])
			r->wrong = "presence of a page";
		else if (page && *pm_val(page) != t->val[m][p])
			r->wrong = "value of a page";
	}
}

static void race_step(struct racer *r)
{
	struct pm_test *t = r->t;
	unsigned int m = pm_below(&r->rnd, 4) ? r->own : r->spare, place = pm_some_place(&r->rnd);
	u32 dice = pm_below(&r->rnd, 100);
	bool mine;

	if (dice < 75) {
		if (pm_write(&t->map[m], pm_index(place), ++r->last_val, GFP_KERNEL, &mine))
			r->wrong = "write";
		t->val[m][place] = r->last_val;
	} else if (dice < 88) {
		if (pm_erase(t, m, pm_index(place), pm_index(place) + pm_below(&r->rnd, 40), GFP_KERNEL))
			r->wrong = "erase";
	} else if (dice < 94) {
		pm_destroy(t, r->spare);
		pm_share(t, r->spare, r->own);
	} else if (dice < 97) {
		pm_destroy(t, m);
	} else {
		race_check(r, m);
	}
}

static int racer_main(void *data)
{
	struct racer *r = data;
	unsigned int i;

	/* All together, or there is no race. */
	wait_for_completion(r->start);
	for (i = 0; i < RACE_STEPS && !r->wrong; i++)
		race_step(r);
	race_check(r, r->own);
	race_check(r, r->spare);
	complete(&r->done);

	/* The module's code must be left before kthread_stop() returns. */
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static void race_round(struct kunit *test, struct racer *racers)
{
	struct pm_test *t = test->priv;
	DECLARE_COMPLETION_ONSTACK(start);
	unsigned int i, m, started;

	for (i = 0; i < 40; i++)
		pm_write_place(test, 0, pm_some_place(&t->rnd));
	for (m = 1; m < RACERS; m++)
		pm_share(t, m, pm_below(&t->rnd, m));

	for (started = 0; started < RACERS; started++) {
		struct racer *r = &racers[started];

		r->t = t;
		r->start = &start;
		r->own = started;
		r->spare = started + RACERS;
		r->last_val = (u64)(started + 1) << 56 | (u64)t->step << 32;
		prandom_seed_state(&r->rnd, prandom_u32_state(&t->rnd));
		init_completion(&r->done);
		r->task = kthread_run(racer_main, r, "zvm-kunit/%u", started);
		if (IS_ERR(r->task))
			break;
	}
	complete_all(&start);
	for (i = 0; i < started; i++) {
		wait_for_completion(&racers[i].done);
		kthread_stop(racers[i].task);
		pm_note(t, racers[i].wrong, racers[i].wrong);
	}
	KUNIT_ASSERT_EQ(test, RACERS, started);
	pm_check(test);
	for (m = 0; m < PM_MAPS; m++)
		pm_destroy(t, m);
	pm_check(test);
}

void pm_race(struct kunit *test)
{
	struct pm_test *t = test->priv;
	struct racer *racers = kunit_kcalloc(test, RACERS, sizeof(*racers), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, racers);
	for (t->step = 1; t->step <= RACE_ROUNDS; t->step++)
		race_round(test, racers);
}
