/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the page map's KUnit tests have in common: several maps, the model that
 * says what is in them, and the comparison of the two.
 *
 * The model is one array of values per map: no sharing, no tree. Each page holds
 * a value. A write goes the way a store's does: in place if the page is said to
 * be mine, else to a new page. If that answer were ever wrong, a value would
 * change in a map that nobody wrote to.
 */
#ifndef ZVM_VMO_PAGEMAP_KUNIT_H
#define ZVM_VMO_PAGEMAP_KUNIT_H

#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/prandom.h>
#include <linux/sched.h>

#include "page.h"
#include "pagemap.h"

/* The model knows some runs of indexes; a place is a position in these. */
#define PM_RUN		48
#define PM_RUNS		6
#define PM_PLACES	(PM_RUN * PM_RUNS)

#define PM_MAPS		6
#define PM_HELD		4
#define PM_SEEN_BITS	12

/* A node or page and how many pointers to it the maps together hold. */
struct pm_seen {
	const void *what;
	unsigned int count;
	unsigned int pass;
};

/* A page reference, as get_user_pages() would leave it behind. */
struct pm_held {
	struct page *page;		/* NULL: none held */
	unsigned int place;
	bool was_shared;		/* since it was taken */
};

struct pm_test {
	struct zvm_pagemap map[PM_MAPS];
	u64 val[PM_MAPS][PM_PLACES];	/* 0: no page */
	struct pm_held held[PM_HELD];
	atomic64_t epoch;
	u64 last_val;
	u64 nodes_before, pages_before;
	unsigned long seed;
	struct rnd_state rnd;
	unsigned int step, steps;

	struct pm_seen seen[BIT(PM_SEEN_BITS)];
	unsigned int pass;
	unsigned int nodes_seen, pages_seen;
	const char *wrong;		/* the first thing found */
};

u32 pm_below(struct rnd_state *rnd, u32 limit);

/* Near ones more often, so that trees stay low most of the time. */
unsigned int pm_some_place(struct rnd_state *rnd);
u64 pm_index(unsigned int place);

/* Remember the first thing that is wrong. */
void pm_note(struct pm_test *t, bool bad, const char *what);

/* Compare all maps, nodes and pages with the model. */
void pm_compare(struct pm_test *t);

/* The same, and end the test if anything is wrong. */
void pm_check(struct kunit *test);

/* A page with the one slot of whoever asked, charged to the tests' user. */
struct page *pm_new_page(void);
extern struct zvm_user *pm_user;

/* Write as a store would; *@mine: in place. */
int pm_write(struct zvm_pagemap *map, u64 index, u64 val, gfp_t gfp, bool *mine);

/* What is done to the map of this number is done to its model too. */
bool pm_write_place(struct kunit *test, unsigned int m, unsigned int place);
void pm_share(struct pm_test *t, unsigned int to, unsigned int from);
int pm_erase(struct pm_test *t, unsigned int m, u64 first, u64 last, gfp_t gfp);
void pm_destroy(struct pm_test *t, unsigned int m);

struct page *pm_page_at(struct zvm_pagemap *map, u64 index);

static inline u64 *pm_val(struct page *page)
{
	return page_address(page);
}

/*
 * Let the @nth allocation with PM_GFP_MAY_FAIL from now on fail; 0: none. Not
 * all of them are the page map's own (KASAN and kmemleak have some), so that a
 * failure may have no effect. pm_fail_unused(): it has not even happened.
 */
static inline void pm_fail_alloc(unsigned int nth)
{
#ifdef CONFIG_FAILSLAB
	current->fail_nth = nth;
#endif
}

static inline bool pm_fail_unused(void)
{
#ifdef CONFIG_FAILSLAB
	return current->fail_nth;
#else
	return true;
#endif
}

/* What may sleep is spared by fault injection. */
#define PM_GFP_MAY_FAIL	(GFP_NOWAIT | __GFP_NOWARN)

/* Tests in files of their own. */
void pm_random(struct kunit *test);
void pm_race(struct kunit *test);
void pm_duel(struct kunit *test);
void pm_folios(struct kunit *test);

#endif /* ZVM_VMO_PAGEMAP_KUNIT_H */
