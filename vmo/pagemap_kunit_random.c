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

static unsigned int kunit_steps = 3000;
module_param(kunit_steps, uint, 0444);
MODULE_PARM_DESC(kunit_steps, "Steps of the random page map test; a fiftieth as many rounds of the race");

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
		place += pm_below(&t->rnd, 2 * PM_RUN);
		last = place < PM_PLACES ? pm_index(place) : U64_MAX;
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
#define RACE_STEPS	60

/*
 * A thread is the only user of its two maps, which is what a store's lock would
 * see to; the nodes and pages are common to all.
 */
struct racer {
	struct pm_test *t;
	struct task_struct *task;
	struct completion start, done;	/* of a round */
	bool stop;
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
	unsigned int m = pm_below(&r->rnd, 4) ? r->own : r->spare;
	unsigned int place = pm_some_place(&r->rnd);
	u32 dice = pm_below(&r->rnd, 100);
	u64 index = pm_index(place);
	bool mine;

	if (dice < 75) {
		if (pm_write(&t->map[m], index, ++r->last_val, GFP_KERNEL, &mine))
			r->wrong = "write";
		t->val[m][place] = r->last_val;
	} else if (dice < 88) {
		/* If that wraps, it is nothing, here and in the model. */
		if (pm_erase(t, m, index, index + pm_below(&r->rnd, 40), GFP_KERNEL))
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

	for (;;) {
		wait_for_completion(&r->start);
		if (r->stop)
			break;
		for (i = 0; i < RACE_STEPS && !r->wrong; i++)
			race_step(r);
		race_check(r, r->own);
		race_check(r, r->spare);
		complete(&r->done);
	}

	/* kthread_stop() waits until the module's code has been left. */
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static int racer_start(struct racer *r, struct pm_test *t, unsigned int m)
{
	struct task_struct *task;

	r->t = t;
	r->own = m;
	r->spare = m + RACERS;
	r->last_val = (u64)(m + 1) << 56;
	init_completion(&r->start);
	init_completion(&r->done);
	task = kthread_run(racer_main, r, "zvm-kunit/%u", m);
	if (IS_ERR(task))
		return PTR_ERR(task);
	r->task = task;
	return 0;
}

static void racer_stop(struct racer *r)
{
	if (!r->task)
		return;
	r->stop = true;
	complete(&r->start);
	kthread_stop(r->task);
}

static void race_round(struct pm_test *t, struct racer *racers)
{
	unsigned int i, m, place;
	bool mine;

	for (i = 0; i < 40; i++) {
		place = pm_some_place(&t->rnd);
		if (pm_write(&t->map[0], pm_index(place), ++t->last_val, GFP_KERNEL, &mine))
			pm_note(t, true, "write before a race");
		t->val[0][place] = t->last_val;
	}
	for (m = 1; m < RACERS; m++)
		pm_share(t, m, pm_below(&t->rnd, m));

	for (i = 0; i < RACERS; i++)
		prandom_seed_state(&racers[i].rnd, prandom_u32_state(&t->rnd));
	/* All at once, or there is no race. */
	for (i = 0; i < RACERS; i++)
		complete(&racers[i].start);
	for (i = 0; i < RACERS; i++) {
		wait_for_completion(&racers[i].done);
		pm_note(t, racers[i].wrong, racers[i].wrong);
	}
}

void pm_race(struct kunit *test)
{
	struct pm_test *t = test->priv;
	struct racer *racers = kunit_kcalloc(test, RACERS, sizeof(*racers), GFP_KERNEL);
	unsigned int i, m;
	int err = 0;

	KUNIT_ASSERT_NOT_NULL(test, racers);
	for (i = 0; i < RACERS && !err; i++)
		err = racer_start(&racers[i], t, i);
	/* No assertions from here on: the threads must end before the test does. */
	for (t->step = 1; t->step <= kunit_steps / 50 && !err && !t->wrong; t->step++) {
		race_round(t, racers);
		pm_compare(t);
		for (m = 0; m < PM_MAPS; m++)
			pm_destroy(t, m);
	}
	for (i = 0; i < RACERS; i++)
		racer_stop(&racers[i]);
	KUNIT_ASSERT_EQ(test, 0, err);
	pm_check(test);
}
