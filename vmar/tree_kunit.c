// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the tree and of the steps, against plain searches.
 */
#include <linux/slab.h>

#include "../zvm_kunit.h"
#include "vmar_kunit.h"

/* Some room without meaning. */
#define BASE		BIT_ULL(40)

struct bench {
	struct zvm_aspace *aspace;
	struct zvm_vmar *top;
};

static struct zvm_vmar *make_region(struct kunit *test, struct zvm_aspace *aspace,
				    u64 base, u64 pages)
{
	struct zvm_vmar *vmar = kunit_kzalloc(test, sizeof(*vmar), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, vmar);
	vmar->aspace = aspace;
	vmar->node.base = base;
	vmar->node.size = pages << PAGE_SHIFT;
	vmar->node.is_region = true;
	zvm_tree_init(vmar);
	return vmar;
}

static struct bench make_bench(struct kunit *test, u64 pages)
{
	struct bench b;

	b.aspace = kunit_kzalloc(test, sizeof(*b.aspace), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, b.aspace);
	init_rwsem(&b.aspace->lock);
	b.top = make_region(test, b.aspace, BASE, pages);
	return b;
}

static u64 page_addr(u64 page)
{
	return BASE + (page << PAGE_SHIFT);
}

static void add_node(struct zvm_vmar *vmar, struct zvm_vm_node *node, u64 page, u64 pages)
{
	node->base = page_addr(page);
	node->size = pages << PAGE_SHIFT;
	zvm_tree_insert(vmar, node, zvm_tree_first(vmar, node->base));
}

static u64 subtree_max_gap(const struct rb_node *rb)
{
	return rb ? rb_entry(rb, struct zvm_vm_node, rb)->max_gap : 0;
}

bool vk_tree_is_sound(const struct zvm_vmar *vmar)
{
	u64 at = vmar->node.base, packed = vmar->cursor;
	struct zvm_vm_node *last = NULL;
	struct rb_node *rb;

	for (rb = rb_first(&vmar->children); rb; rb = rb_next(rb)) {
		struct zvm_vm_node *node = rb_entry(rb, struct zvm_vm_node, rb);

		if (node->parent != vmar || node->base < at || !node->size ||
		    node->gap != node->base - at)
			return false;
		if (node->max_gap != max3(node->gap, subtree_max_gap(rb->rb_left),
					  subtree_max_gap(rb->rb_right)))
			return false;
		at = zvm_node_end(node);
		if (node->base <= packed && at > packed)
			packed = at;
		last = node;
	}
	/* It may be behind, but never ahead. */
	return vmar->last == last && at <= zvm_node_end(&vmar->node) &&
	       vmar->packed >= vmar->cursor && vmar->packed <= packed;
}

#define GAP_PAGES	64

/* The lowest run of @pages free ones at or after page @from of @room, or @room. */
static u64 naive_gap(const bool *used, u64 room, u64 from, u64 pages)
{
	u64 run = 0, page;

	for (page = from; page < room; page++) {
		run = used[page] ? 0 : run + 1;
		if (run == pages)
			return page + 1 - pages;
	}
	return room;
}

static void check_gaps(struct kunit *test, struct zvm_vmar *top, const bool *used, u64 room)
{
	struct zvm_gap gap;
	u64 from, pages, want, end;

	for (from = 0; from < room; from++) {
		for (pages = 1; pages <= room; pages += 1 + pages / 4) {
			want = naive_gap(used, room, from, pages);
			if (!zvm_tree_gap(top, page_addr(from), pages << PAGE_SHIFT, &gap)) {
				KUNIT_ASSERT_EQ(test, want, room);
				continue;
			}
			KUNIT_ASSERT_EQ(test, gap.start, page_addr(want));
			for (end = want; end < room && !used[end]; end++)
				;
			KUNIT_ASSERT_EQ(test, gap.end, page_addr(end));
			KUNIT_ASSERT_PTR_EQ(test, gap.next, zvm_tree_first(top, gap.start));
		}
	}
}

/* Children come, go and change their extent; the search finds what is there. */
void vk_gaps(struct kunit *test)
{
	struct bench b = make_bench(test, GAP_PAGES);
	struct zvm_mapping *piece[GAP_PAGES] = {};
	bool used[GAP_PAGES] = {};
	struct zvm_vm_node *node;
	struct rnd_state rnd;
	u64 page, pages, first;
	unsigned int step;

	prandom_seed_state(&rnd, zvm_kunit_seed(test));
	for (step = 0; step < zvm_kunit_steps; step++) {
		page = vk_below(&rnd, GAP_PAGES);
		node = zvm_tree_first(b.top, page_addr(page));
		if (!used[page]) {
			KUNIT_ASSERT_TRUE(test, !node || node->base > page_addr(page));
			for (pages = 1; pages < 6 && page + pages < GAP_PAGES &&
			     !used[page + pages] && vk_below(&rnd, 3); pages++)
				;
			piece[page] = kzalloc(sizeof(*piece[page]), GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, piece[page]);
			add_node(b.top, &piece[page]->node, page, pages);
			memset(used + page, true, pages);
		} else {
			first = (node->base - BASE) >> PAGE_SHIFT;
			pages = node->size >> PAGE_SHIFT;
			KUNIT_ASSERT_PTR_EQ(test, node, &piece[first]->node);
			memset(used + first, false, pages);
			if (pages > 1 && vk_below(&rnd, 2)) {
				/* Cut off one side. */
				u64 cut = 1 + vk_below(&rnd, pages - 1);
				u64 left = vk_below(&rnd, 2) ? cut : 0;

				zvm_tree_resize(node, page_addr(first + left),
						(pages - cut) << PAGE_SHIFT);
				memset(used + first + left, true, pages - cut);
				swap(piece[first + left], piece[first]);
			} else {
				zvm_tree_erase(node, zvm_tree_next(node));
				kfree(piece[first]);
				piece[first] = NULL;
			}
		}
		KUNIT_ASSERT_TRUE(test, vk_tree_is_sound(b.top));
		if (step % 16 == 0)
			check_gaps(test, b.top, used, GAP_PAGES);
	}
	for (page = 0; page < GAP_PAGES; page++)
		kfree(piece[page]);
}

/* Set the tree up so that the pages of the pattern are used. */
static void build_pattern(struct zvm_vmar *top, struct zvm_mapping **pieces, u64 room,
			  unsigned int pattern, bool *used)
{
	u64 page, end;

	zvm_tree_init(top);
	for (page = 0; page < room; page++)
		used[page] = pattern & BIT(page);
	for (page = 0; page < room; page = end) {
		for (end = page + 1; used[page] && end < room && used[end]; end++)
			;
		if (used[page])
			add_node(top, &pieces[page]->node, page, end - page);
	}
}

static void make_pieces(struct kunit *test, struct zvm_mapping **pieces, unsigned int n)
{
	while (n--) {
		pieces[n] = kunit_kzalloc(test, sizeof(*pieces[n]), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, pieces[n]);
	}
}

#define ALL_GAP_PAGES	10

/* Each gap of each use of a few pages. */
void vk_gaps_all(struct kunit *test)
{
	struct bench b = make_bench(test, ALL_GAP_PAGES);
	struct zvm_mapping *pieces[ALL_GAP_PAGES];
	bool used[ALL_GAP_PAGES];
	unsigned int pattern;

	make_pieces(test, pieces, ALL_GAP_PAGES);
	for (pattern = 0; pattern < BIT(ALL_GAP_PAGES); pattern++) {
		build_pattern(b.top, pieces, ALL_GAP_PAGES, pattern, used);
		KUNIT_ASSERT_TRUE(test, vk_tree_is_sound(b.top));
		check_gaps(test, b.top, used, ALL_GAP_PAGES);
		cond_resched();
	}
}

#define PLACE_PAGES	8

/* The lowest aligned place of that many pages below @limit, or @limit. */
static u64 naive_place(const bool *used, u64 limit, u64 pages, u64 align)
{
	u64 at;

	for (at = 0; at + pages <= limit; at += align)
		if (naive_gap(used, at + pages, at, pages) == at)
			return at;
	return limit;
}

static void check_place(struct kunit *test, struct zvm_vmar *top, const bool *used, u64 limit,
			u64 pages, u32 shift)
{
	u32 options = (shift + PAGE_SHIFT) << ZX_VM_ALIGN_BASE | ZX_VM_OFFSET_IS_UPPER_LIMIT;
	u64 lowest = naive_place(used, limit, pages, BIT(shift)), at;
	struct zvm_spot spot;
	int way, err;

	/* Packed from the start; as a mapping; as a region. */
	for (way = 0; way < 3; way++) {
		top->flags = way ? 0 : ZX_VM_COMPACT;
		err = zvm_place_find_locked(top, options, limit << PAGE_SHIFT,
					    pages << PAGE_SHIFT, way == 2, &spot);
		KUNIT_ASSERT_EQ(test, lowest < limit ? 0 : -ENOBUFS, err);
		if (err)
			continue;
		at = (spot.addr - BASE) >> PAGE_SHIFT;
		if (!way)
			KUNIT_ASSERT_EQ(test, lowest, at);
		KUNIT_ASSERT_LE(test, at + pages, limit);
		KUNIT_ASSERT_EQ(test, 0ull, at & (BIT(shift) - 1));
		KUNIT_ASSERT_EQ(test, at, naive_gap(used, at + pages, at, pages));
		KUNIT_ASSERT_PTR_EQ(test, spot.next, zvm_tree_first(top, spot.addr));
	}
}

/*
 * Each size, alignment and limit for each use of a few pages: a place is found if
 * there is one, the lowest where that is promised.
 */
void vk_places_all(struct kunit *test)
{
	struct bench b = make_bench(test, PLACE_PAGES);
	struct zvm_mapping *pieces[PLACE_PAGES];
	bool used[PLACE_PAGES];
	unsigned int pattern;
	u64 limit, pages;
	u32 shift;

	make_pieces(test, pieces, PLACE_PAGES);
	down_write(&b.aspace->lock);
	for (pattern = 0; pattern < BIT(PLACE_PAGES); pattern++) {
		build_pattern(b.top, pieces, PLACE_PAGES, pattern, used);
		for (limit = 1; limit <= PLACE_PAGES; limit++)
			for (pages = 1; pages <= limit; pages++)
				for (shift = 0; shift < 4; shift++)
					check_place(test, b.top, used, limit, pages, shift);
		KUNIT_ASSERT_TRUE(test, vk_tree_is_sound(b.top));
		cond_resched();
	}
	up_write(&b.aspace->lock);
}

/*
 * All layouts of a few pages. What a page can be:
 */
enum {
	HOLE,
	PIECE,		/* a new piece begins */
	MORE,		/* what the page before is goes on */
	REGION,		/* a child region begins, with nothing in it */
	REGION_PIECE,	/* ..., with a piece in its first page */
	KINDS
};

#define STEP_PAGES	6

struct layout {
	u8 kind[STEP_PAGES];
	struct zvm_vm_node *child[STEP_PAGES];	/* of the top region */
	struct zvm_vm_node *leaf[STEP_PAGES];	/* with regions entered */
};

static bool make_layout(struct layout *l, unsigned int code)
{
	unsigned int i;

	memset(l, 0, sizeof(*l));
	for (i = 0; i < STEP_PAGES; i++, code /= KINDS) {
		l->kind[i] = code % KINDS;
		if (l->kind[i] == MORE && (!i || l->kind[i - 1] == HOLE))
			return false;
		/* What goes on is as long as it can be told from nothing. */
	}
	return true;
}

/* Put the layout into the empty @top, with the structs from the pools. */
static void build(struct zvm_vmar *top, struct layout *l, struct zvm_vmar **regions,
		  struct zvm_mapping **pieces)
{
	unsigned int i, end;

	for (i = 0; i < STEP_PAGES; i = end) {
		bool region = l->kind[i] == REGION || l->kind[i] == REGION_PIECE;
		unsigned int k;

		for (end = i + 1; end < STEP_PAGES && l->kind[end] == MORE; end++)
			;
		if (l->kind[i] == HOLE)
			continue;
		if (region) {
			regions[i]->node.base = page_addr(i);
			regions[i]->node.size = (u64)(end - i) << PAGE_SHIFT;
			zvm_tree_init(regions[i]);
			add_node(top, &regions[i]->node, i, end - i);
			if (l->kind[i] == REGION_PIECE) {
				add_node(regions[i], &pieces[i]->node, i, 1);
				l->leaf[i] = &pieces[i]->node;
			}
		} else {
			add_node(top, &pieces[i]->node, i, end - i);
		}
		for (k = i; k < end; k++) {
			l->child[k] = region ? &regions[i]->node : &pieces[i]->node;
			if (!region)
				l->leaf[k] = l->child[k];
		}
	}
}

static void check_steps(struct kunit *test, const struct zvm_vmar *top,
			struct zvm_vm_node **want, u64 first, u64 end, bool enter)
{
	struct zvm_steps steps;
	struct zvm_step step;
	u64 page = first, stop;

	zvm_steps_begin(&steps, top, page_addr(first), (end - first) << PAGE_SHIFT, enter);
	while (zvm_steps_next(&steps, &step)) {
		KUNIT_ASSERT_LT(test, page, end);
		KUNIT_ASSERT_EQ(test, step.start, page_addr(page));
		KUNIT_ASSERT_PTR_EQ(test, step.node, want[page]);
		for (stop = page + 1; stop < end && want[stop] == want[page]; stop++)
			;
		KUNIT_ASSERT_EQ(test, step.end, page_addr(stop));
		KUNIT_ASSERT_EQ(test, step.keep_left,
				want[page] && page > 0 && want[page - 1] == want[page] &&
				page == first);
		KUNIT_ASSERT_EQ(test, step.keep_right,
				want[page] && stop < STEP_PAGES && want[stop] == want[page]);
		page = stop;
	}
	KUNIT_ASSERT_EQ(test, page, end);
}

/* The steps of each range of each layout. */
void vk_steps(struct kunit *test)
{
	struct bench b = make_bench(test, STEP_PAGES);
	struct zvm_mapping *pieces[STEP_PAGES];
	struct zvm_vmar *regions[STEP_PAGES];
	unsigned int code, codes = 1, layouts = 0;
	struct layout l;
	u64 first, end;
	int i;

	for (i = 0; i < STEP_PAGES; i++) {
		codes *= KINDS;
		regions[i] = make_region(test, b.aspace, page_addr(i), 1);
		pieces[i] = kunit_kzalloc(test, sizeof(*pieces[i]), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, pieces[i]);
	}
	down_write(&b.aspace->lock);
	for (code = 0; code < codes; code++) {
		if (!make_layout(&l, code))
			continue;
		layouts++;
		zvm_tree_init(b.top);
		build(b.top, &l, regions, pieces);
		for (first = 0; first < STEP_PAGES; first++) {
			for (end = first + 1; end <= STEP_PAGES; end++) {
				check_steps(test, b.top, l.child, first, end, false);
				check_steps(test, b.top, l.leaf, first, end, true);
			}
		}
		cond_resched();
	}
	up_write(&b.aspace->lock);
	KUNIT_EXPECT_GT(test, layouts, 1000u);
}
