// SPDX-License-Identifier: GPL-2.0
/*
 * Attribution: which pages a store has for itself, and which it shares with how
 * many.
 *
 * A page knows its slots, but a slot may be reached from many roots. So the
 * store's tree is walked, and relatives are asked what they have in the same
 * place: who has the same node shares all below it. All relatives have a page at
 * the same index. Only nodes and pages that more than one refers to are asked for.
 *
 * One lock is held at a time, and for one look. To hold others' nodes by
 * references would need no locks, but to their owners it would look as if the
 * nodes were shared: they would copy pages that are theirs alone.
 */
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "attribution.h"
#include "family.h"
#include "page.h"
#include "store.h"

#define ONE_BYTE BIT_ULL(63)

/* @n pages that @sharers stores have. */
static void add(struct zvm_attribution *sum, u64 n, u64 sharers)
{
	u64 bytes = n << PAGE_SHIFT, rest;

	sum->committed += bytes;
	if (sharers == 1)
		sum->private += bytes;
	sum->scaled += div64_u64_rem(bytes, sharers, &rest);
	if (!rest)
		return;
	sum->fraction += mul_u64_u64_div_u64(rest, ONE_BYTE, sharers);
	if (sum->fraction >= ONE_BYTE) {
		sum->fraction -= ONE_BYTE;
		sum->scaled++;
	}
}

/**
 * struct frame - a node of the store's tree, and who has another one in its place
 * @level: of the node
 * @folio: it is none, but a folio
 * @next: the next slot to look at
 * @first: the first index that it covers
 * @same: how many relatives have the very same node
 * @others: those who do not, but may have the same further down
 * @nr_others: how many
 */
struct frame {
	unsigned int level;
	bool folio;
	unsigned int next;
	u64 first;
	u64 same;
	struct zvm_store **others;
	size_t nr_others;
};

/*
 * The node that belongs into @frame, to be compared only; *@shared: somebody else
 * may refer to it.
 */
static const struct zvm_pm_node *look_up(struct zvm_store *store, const struct frame *frame,
					 bool *shared)
{
	const struct zvm_pm_node *node;

	mutex_lock(&store->lock);
	node = zvm_pagemap_node(&store->pages, frame->level, frame->first);
	if (zvm_pm_is_folio(node))
		*shared = zvm_page_slots(zvm_pm_folio(node)) > 1;
	else
		*shared = node && refcount_read(&node->refs) > 1;
	mutex_unlock(&store->lock);
	return node;
}

/* The frame's list, and how many have the same node, are those of the node above. */
static bool enter(struct zvm_store *store, struct frame *to)
{
	/* Behind the list above. */
	struct zvm_store **others = to->others + to->nr_others;
	const struct zvm_pm_node *node, *other;
	size_t o, nr_others = 0;
	bool shared, unused;

	node = look_up(store, to, &shared);
	to->folio = zvm_pm_is_folio(node);
	if (!node || !shared)
		return node;
	for (o = 0; o < to->nr_others; o++) {
		other = look_up(to->others[o], to, &unused);
		if (other == node)
			to->same++;
		else if (other)
			others[nr_others++] = to->others[o];
		cond_resched();
	}
	to->others = others;
	to->nr_others = nr_others;
	return true;
}

/* The leaf's pages in [first, last]; true: somebody else may have some of them. */
static bool get_pages(struct zvm_store *store, u64 at, u64 first, u64 last,
		      struct page *pages[ZVM_LEAF_SLOTS])
{
	const struct zvm_pm_node *node;
	bool shared = false;
	unsigned int i;

	mutex_lock(&store->lock);
	node = zvm_pagemap_node(&store->pages, 0, at);
	for (i = 0; i < ZVM_LEAF_SLOTS; i++) {
		pages[i] = NULL;
		if (!node || at + i < first || at + i > last)
			continue;
		pages[i] = container_of(node, struct zvm_pm_leaf, node)->slot[i];
		shared = shared || (pages[i] && zvm_page_slots(pages[i]) > 1);
	}
	mutex_unlock(&store->lock);
	return shared;
}

static void add_leaf(struct zvm_store *store, const struct frame *at, u64 first, u64 last,
		     struct zvm_attribution *sum)
{
	struct page *pages[ZVM_LEAF_SLOTS], *other[ZVM_LEAF_SLOTS];
	u64 sharers[ZVM_LEAF_SLOTS];
	unsigned int i;
	size_t o = 0;

	/* Without others' slots there is nobody to look for. */
	if (!get_pages(store, at->first, first, last, pages))
		o = at->nr_others;
	for (i = 0; i < ZVM_LEAF_SLOTS; i++)
		sharers[i] = 1 + at->same;
	for (; o < at->nr_others; o++) {
		get_pages(at->others[o], at->first, first, last, other);
		for (i = 0; i < ZVM_LEAF_SLOTS; i++)
			sharers[i] += pages[i] == other[i];
		cond_resched();
	}
	for (i = 0; i < ZVM_LEAF_SLOTS; i++)
		if (pages[i])
			add(sum, 1, sharers[i]);
}

static void add_folio(const struct frame *at, u64 first, u64 last, struct zvm_attribution *sum)
{
	u64 end = at->first + ZVM_FOLIO_PAGES - 1;

	add(sum, min(end, last) - max(at->first, first) + 1, 1 + at->same);
}

/* From the frame of the root, which has been entered. */
static void walk(struct zvm_store *store, struct frame *stack, u64 first, u64 last,
		 struct zvm_attribution *sum)
{
	int depth = 0;

	while (depth >= 0 && !fatal_signal_pending(current)) {
		struct frame *at = &stack[depth], *to = at + 1;
		u64 size;

		cond_resched();
		if (at->folio) {
			add_folio(at, first, last, sum);
			depth--;
			continue;
		}
		if (!at->level) {
			add_leaf(store, at, first, last, sum);
			depth--;
			continue;
		}
		if (at->next == ZVM_INNER_SLOTS) {
			depth--;
			continue;
		}
		*to = *at;
		to->level--;
		to->next = 0;
		size = 1ULL << zvm_pm_bits(to->level);
		to->first += at->next++ * size;
		if (to->first <= last && to->first + size > first && enter(store, to))
			depth++;
	}
}

/* All relatives but @store, each pinned; their number. */
static size_t get_relatives(struct zvm_store *store, struct zvm_store **relatives, size_t max)
{
	struct zvm_family *family = store->family;
	struct zvm_store *other;
	size_t n = 0;

	mutex_lock(&family->lock);
	list_for_each_entry(other, &family->stores, relatives) {
		if (other == store)
			continue;
		if (n == max)
			break;
		/* It leaves the list before its inode goes. */
		ihold(other->inode);
		relatives[n++] = other;
	}
	mutex_unlock(&family->lock);
	return n;
}

/* With the relatives; -ENOMEM: without. */
static int attribute_shared(struct zvm_store *store, u64 first, u64 last,
			    struct zvm_attribution *sum)
{
	size_t max = READ_ONCE(store->family->nr_stores), i;
	struct frame stack[ZVM_PM_TOP + 1] = {};
	struct zvm_store **relatives;

	/* All of them, and for each level those who are left. */
	relatives = kvmalloc_array(max, (ZVM_PM_TOP + 2) * sizeof(*relatives),
				   ZVM_STORE_GFP | __GFP_ACCOUNT);
	if (!relatives)
		return -ENOMEM;
	stack->others = relatives;
	stack->nr_others = get_relatives(store, relatives, max);

	mutex_lock(&store->lock);
	if (store->pages.root)
		stack->level = store->pages.root->level;
	mutex_unlock(&store->lock);
	max = stack->nr_others;
	if (enter(store, stack))
		walk(store, stack, first, last, sum);

	for (i = 0; i < max; i++) {
		iput(relatives[i]->inode);
		cond_resched();
	}
	kvfree(relatives);
	return 0;
}

void zvm_store_attribute(struct zvm_store *store, u64 first, u64 last,
			 struct zvm_attribution *sum)
{
	*sum = (struct zvm_attribution){};
	if (zvm_store_has_relatives(store) &&
	    !attribute_shared(store, store->base + first, store->base + last, sum))
		return;
	mutex_lock(&store->lock);
	add(sum, zvm_store_count(store, first, last), 1);
	mutex_unlock(&store->lock);
}
