// SPDX-License-Identifier: GPL-2.0
/* Entries of page maps for folios. */
#include <linux/bitops.h>
#include <linux/err.h>

#include "page.h"
#include "pagemap_node.h"

struct zvm_pm_inner *zvm_pagemap_find_inner(const struct zvm_pagemap *map, u64 index, bool *alone)
{
	struct zvm_pm_node *node = map->root;
	bool private = true;

	*alone = false;
	if (!node || index > level_last(node->level))
		return NULL;
	while (node && node->level > ZVM_FOLIO_LEVEL) {
		private = private && !node_is_shared(node);
		node = zvm_pm_inner(node)->slot[inner_slot(node->level, index)];
	}
	/* A root may be lower: then there are no folios. */
	if (!node || node->level != ZVM_FOLIO_LEVEL)
		return NULL;
	*alone = private && !node_is_shared(node);
	return zvm_pm_inner(node);
}

struct zvm_pm_inner *zvm_pagemap_make_inner(struct zvm_pagemap *map, u64 index, gfp_t gfp)
{
	struct zvm_pm_inner *inner;
	struct zvm_pm_node *node;
	bool alone;

	inner = zvm_pagemap_find_inner(map, index, &alone);
	if (alone)
		return inner;
	node = zvm_pm_make_node(map, index, ZVM_FOLIO_LEVEL, gfp);
	return IS_ERR(node) ? ERR_CAST(node) : zvm_pm_inner(node);
}

void zvm_inner_claim(const struct zvm_pagemap *map, struct zvm_pm_inner *inner, u64 index)
{
	unsigned int slot = inner_slot(ZVM_FOLIO_LEVEL, index);

	if (inner->epoch <= map->shared_epoch) {
		inner->epoch = map->shared_epoch + 1;
		inner->mine = 0;
	}
	inner->mine |= BIT(slot);
}

bool zvm_inner_mine(const struct zvm_pagemap *map, struct zvm_pm_inner *inner, u64 index,
		    unsigned int extra)
{
	struct page *folio = zvm_inner_folio(inner, index);

	if (zvm_inner_is_tagged(inner, index, map->shared_epoch))
		return true;
	if (!folio || zvm_page_slots(folio) != 1)
		return false;
	/* As in zvm_leaf_mine(). */
	smp_acquire__after_ctrl_dep();
	if (zvm_folio_is_foreign(folio, extra))
		return false;
	zvm_inner_claim(map, inner, index);
	return true;
}

struct page *zvm_inner_set(const struct zvm_pagemap *map, struct zvm_pm_inner *inner, u64 index,
			   struct page *folio)
{
	struct page *old = zvm_inner_folio(inner, index);
	unsigned int slot = inner_slot(ZVM_FOLIO_LEVEL, index);

	if (WARN_ON_ONCE(inner->slot[slot] && !old))
		return folio;
	if (!old)
		inner->node.used++;
	inner->slot[slot] = (struct zvm_pm_node *)((unsigned long)folio | 1);
	zvm_inner_claim(map, inner, index);
	return old;
}

struct zvm_pm_node *zvm_pagemap_branch(const struct zvm_pagemap *map, struct page **pages,
				       gfp_t gfp)
{
	struct zvm_pm_need need = { .inner = 1, .leaf = 0 };
	struct zvm_pm_inner *inner;
	struct zvm_pm_spares spares;
	unsigned int i;
	int err;

	for (i = 0; i < ZVM_FOLIO_PAGES; i++) {
		if (!pages[i])
			continue;
		need.leaf++;
		i |= ZVM_LEAF_SLOTS - 1;
	}
	if (!need.leaf)
		return NULL;
	err = zvm_pm_spares_alloc(&spares, &need, gfp);
	if (err)
		return ERR_PTR(err);

	inner = zvm_pm_inner(zvm_pm_node_new(&spares, ZVM_FOLIO_LEVEL - 1));
	for (i = 0; i < ZVM_FOLIO_PAGES; i++) {
		struct zvm_pm_node **link = &inner->slot[inner_slot(ZVM_FOLIO_LEVEL - 1, i)];

		if (!pages[i])
			continue;
		if (!*link) {
			*link = zvm_pm_node_new(&spares, 0);
			inner->node.used++;
		}
		zvm_leaf_set(map, zvm_pm_leaf(*link), i, pages[i]);
	}
	return &inner->node;
}

void zvm_pagemap_put_branch(struct zvm_pm_node *branch)
{
	zvm_pm_node_put(branch);
}

struct page *zvm_inner_replace(struct zvm_pm_inner *inner, u64 index, struct zvm_pm_node *branch)
{
	struct page *old = zvm_inner_folio(inner, index);
	unsigned int slot = inner_slot(ZVM_FOLIO_LEVEL, index);

	inner->slot[slot] = branch;
	inner->mine &= ~BIT(slot);
	if (!branch)
		inner->node.used--;
	return old;
}
