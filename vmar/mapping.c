// SPDX-License-Identifier: GPL-2.0
/*
 * Pieces of mappings: in the region's tree by address, in the store's by page
 * index, always both at once.
 *
 * A store counts the mappings, not the pieces: those pieces that are not joined
 * to the one before. Its count never falls below what the user has mapped, not
 * even for a moment, so cutting comes before removing.
 */
#include <linux/slab.h>

#include "../vmo/user.h"
#include "vmar.h"

static struct kmem_cache *piece_cache;
static atomic64_t nr_pieces;

u64 zvm_mapping_count_all(void)
{
	return atomic64_read(&nr_pieces);
}

struct zvm_mapping *zvm_mapping_alloc(struct zvm_aspace *aspace)
{
	struct zvm_mapping *piece;

	if (!zvm_user_charge(aspace->user, sizeof(*piece)))
		return NULL;
	/* Whoever maps without end gets an error, and nobody is killed for it. */
	piece = kmem_cache_alloc(piece_cache, GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
	if (!piece) {
		zvm_user_uncharge(aspace->user, sizeof(*piece));
		return NULL;
	}
	piece->aspace = aspace;
	piece->vmo = NULL;
	piece->node.is_region = false;
	atomic64_inc(&nr_pieces);
	return piece;
}

void zvm_mapping_free(struct zvm_mapping *piece)
{
	if (piece->vmo)
		zvm_object_put(&piece->vmo->obj);
	zvm_user_uncharge(piece->aspace->user, sizeof(*piece));
	atomic64_dec(&nr_pieces);
	kmem_cache_free(piece_cache, piece);
}

int zvm_spares_fill(struct zvm_spares *spares, struct zvm_aspace *aspace, unsigned int count)
{
	while (spares->count < count) {
		struct zvm_mapping *piece = zvm_mapping_alloc(aspace);

		if (!piece)
			return -ENOMEM;
		spares->piece[spares->count++] = piece;
	}
	return 0;
}

void zvm_spares_free(struct zvm_spares *spares)
{
	while (spares->count)
		zvm_mapping_free(spares->piece[--spares->count]);
}

void zvm_dead_free(const struct zvm_dead *dead)
{
	struct zvm_vm_node *node = dead->first;

	while (node) {
		struct zvm_vm_node *next = node->next_dead;

		if (node->is_region)
			zvm_object_put(&node_vmar(node)->obj);
		else
			zvm_mapping_free(node_mapping(node));
		node = next;
		cond_resched();
	}
}

struct zvm_mapping *zvm_mapping_find_whole(const struct zvm_vmar *vmar, u64 addr, u64 len)
{
	struct zvm_vm_node *node = zvm_tree_first(vmar, addr);

	if (!node || node->base != addr || node->size != len || node->is_region)
		return NULL;
	return node_mapping(node);
}

static void lock_store(const struct zvm_mapping *piece)
{
	lockdep_assert_held_write(&piece->aspace->lock);
	mutex_lock(&piece->vmo->store->lock);
}

static void unlock_store(const struct zvm_mapping *piece)
{
	mutex_unlock(&piece->vmo->store->lock);
}

/* The interval of pages, from its first one and the size of the piece. */
static void link_store(struct zvm_mapping *piece, unsigned long first)
{
	piece->itree.start = first;
	piece->itree.last = first + (piece->node.size >> PAGE_SHIFT) - 1;
	interval_tree_insert(&piece->itree, &piece->vmo->store->mappings);
}

static void unlink_store(struct zvm_mapping *piece)
{
	interval_tree_remove(&piece->itree, &piece->vmo->store->mappings);
}

void zvm_mapping_insert_locked(struct zvm_vmar *vmar, struct zvm_mapping *piece,
			       struct zvm_vm_node *next, u64 vmo_offset)
{
	lock_store(piece);
	/* In pages, as the sum in bytes may not fit. */
	link_store(piece, (piece->vmo->offset >> PAGE_SHIFT) + (vmo_offset >> PAGE_SHIFT));
	piece->vmo->nr_mappings++;
	unlock_store(piece);
	zvm_tree_insert(vmar, &piece->node, next);
}

void zvm_mapping_unlink_locked(struct zvm_mapping *piece)
{
	lock_store(piece);
	unlink_store(piece);
	if (!piece->joined)
		piece->vmo->nr_mappings--;
	unlock_store(piece);
}

void zvm_mapping_remove_locked(struct zvm_mapping *piece, struct zvm_vm_node *next)
{
	zvm_tree_erase(&piece->node, next);
	zvm_mapping_unlink_locked(piece);
}

void zvm_mapping_split_locked(struct zvm_mapping *piece, u64 addr, struct zvm_mapping *rest)
{
	struct zvm_vm_node *next = zvm_tree_next(&piece->node);
	u64 left = addr - piece->node.base;

	rest->vmo = piece->vmo;
	zvm_object_get(&rest->vmo->obj);
	rest->prot = piece->prot;
	rest->max_prot = piece->max_prot;
	rest->beyond_stream = piece->beyond_stream;
	rest->touched = piece->touched;
	rest->huge = piece->huge;
	rest->id = piece->id;
	rest->joined = true;
	rest->node.base = addr;
	rest->node.size = piece->node.size - left;

	lock_store(piece);
	unlink_store(piece);
	zvm_tree_resize(&piece->node, piece->node.base, left);
	link_store(piece, piece->itree.start);
	link_store(rest, piece->itree.last + 1);
	unlock_store(piece);
	zvm_tree_insert(piece->node.parent, &rest->node, next);
}

void zvm_mapping_merge_locked(struct zvm_mapping *piece, struct zvm_mapping *rest)
{
	u64 size = piece->node.size + rest->node.size;

	zvm_tree_erase(&rest->node, zvm_tree_next(&rest->node));
	lock_store(piece);
	unlink_store(piece);
	unlink_store(rest);
	zvm_tree_resize(&piece->node, piece->node.base, size);
	link_store(piece, piece->itree.start);
	if (rest->touched)
		WRITE_ONCE(piece->touched, true);
	if (rest->huge)
		WRITE_ONCE(piece->huge, true);
	unlock_store(piece);
}

void zvm_mapping_trim_locked(struct zvm_mapping *piece, u64 start, u64 end)
{
	unsigned long first = piece->itree.start +
			      ((start - piece->node.base) >> PAGE_SHIFT);

	lock_store(piece);
	unlink_store(piece);
	zvm_tree_resize(&piece->node, start, end - start);
	link_store(piece, first);
	unlock_store(piece);
}

void zvm_mapping_unjoin_locked(struct zvm_mapping *piece)
{
	if (!piece->joined)
		return;
	lock_store(piece);
	piece->joined = false;
	piece->vmo->nr_mappings++;
	unlock_store(piece);
}

void zvm_mapping_set_prot_locked(struct zvm_mapping *piece, u8 prot)
{
	lock_store(piece);
	piece->prot = prot;
	unlock_store(piece);
}

int __init zvm_mapping_init_module(void)
{
	piece_cache = kmem_cache_create("zvm_mapping", sizeof(struct zvm_mapping), 0,
					SLAB_ACCOUNT, NULL);
	return piece_cache ? 0 : -ENOMEM;
}

void zvm_mapping_exit_module(void)
{
	kmem_cache_destroy(piece_cache);
}
