// SPDX-License-Identifier: GPL-2.0
/*
 * Sharers of one page map tree in threads of their own.
 *
 * Each thread is the only user of its maps, which is what a store's lock would
 * see to; the nodes and pages are common to all.
 */

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/sched.h>

#include "pagemap_kunit.h"

/* kthread_stop() then waits until the module's code has been left. */
static int end_of_thread(void)
{
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

#define RACERS	3
#define RACE_STEPS	60

/* A thread that does some steps whenever it is told to start. */
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

	return end_of_thread();
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
	for (t->step = 1; t->step <= t->steps / 50 && !err && !t->wrong; t->step++) {
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

/* Two sharers of one leaf do one thing each, at the same moment. */
#define DUEL_PLACES	ZVM_LEAF_SLOTS

struct duel {
	struct pm_test *t;
	struct completion start, done;	/* of a round */
	atomic_t ready, go;		/* the round that may begin */
	bool stop;
	struct rnd_state rnd;
	u64 last_val;
	const char *wrong;
};

/*
 * Spinning, as the two must run on two processors to meet at all; but not for
 * ever, as there may be only one.
 */
static void duel_wait(atomic_t *what, int round)
{
	unsigned int spins = 0;

	while (atomic_read_acquire(what) != round) {
		cpu_relax();
		if (++spins % 4096 == 0)
			schedule_timeout_uninterruptible(1);
	}
}

static const char *duel_step(struct pm_test *t, unsigned int m, struct rnd_state *rnd, u64 *val)
{
	unsigned int delay = pm_below(rnd, 64), place = pm_below(rnd, DUEL_PLACES), p;
	bool mine;

	while (delay--)
		cpu_relax();
	switch (pm_below(rnd, 8)) {
	case 0:
		pm_destroy(t, m);
		break;
	case 1:
		if (pm_erase(t, m, 0, place, GFP_KERNEL))
			return "erase in a duel";
		break;
	default:
		if (pm_write(&t->map[m], place, ++*val, GFP_KERNEL, &mine))
			return "write in a duel";
		t->val[m][place] = *val;
	}
	for (p = 0; p < DUEL_PLACES; p++) {
		struct page *page = pm_page_at(&t->map[m], p);

		if (!page != !t->val[m][p] || (page && *pm_val(page) != t->val[m][p]))
			return "content after a duel";
	}
	return NULL;
}

static int duel_main(void *data)
{
	struct duel *d = data;
	int round;

	for (round = 1; ; round++) {
		wait_for_completion(&d->start);
		if (d->stop)
			break;
		atomic_set_release(&d->ready, round);
		duel_wait(&d->go, round);
		d->wrong = duel_step(d->t, 1, &d->rnd, &d->last_val);
		complete(&d->done);
	}
	return end_of_thread();
}

void pm_duel(struct kunit *test)
{
	struct pm_test *t = test->priv;
	struct duel *d = kunit_kzalloc(test, sizeof(*d), GFP_KERNEL);
	struct task_struct *task;
	unsigned int place;
	const char *wrong;
	bool mine;

	KUNIT_ASSERT_NOT_NULL(test, d);
	d->t = t;
	d->last_val = BIT_ULL(56);
	init_completion(&d->start);
	init_completion(&d->done);
	prandom_seed_state(&d->rnd, prandom_u32_state(&t->rnd));
	task = kthread_run(duel_main, d, "zvm-kunit/duel");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	/* No assertions from here on: the thread must end before the test does. */
	for (t->step = 1; t->step <= t->steps / 3 && !t->wrong; t->step++) {
		for (place = 0; place < DUEL_PLACES; place += 1 + pm_below(&t->rnd, 4)) {
			if (pm_write(&t->map[0], place, ++t->last_val, GFP_KERNEL, &mine))
				pm_note(t, true, "write before a duel");
			t->val[0][place] = t->last_val;
		}
		pm_share(t, 1, 0);
		complete(&d->start);
		duel_wait(&d->ready, t->step);
		atomic_set_release(&d->go, t->step);
		wrong = duel_step(t, 0, &t->rnd, &t->last_val);
		wait_for_completion(&d->done);
		pm_note(t, wrong, wrong);
		pm_note(t, d->wrong, d->wrong);
		pm_compare(t);
		pm_destroy(t, 1);
	}
	d->stop = true;
	complete(&d->start);
	kthread_stop(task);
	pm_check(test);
}
