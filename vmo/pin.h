/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pins: pages that stay where they are, for who uses their physical addresses.
 *
 * A pin is a range of a store. While it is there every page of the range is there,
 * is the store's own, and keeps its place: nothing that would give it back, move it
 * or share it is done. Pins may overlap, and there may be any number.
 */
#ifndef ZVM_VMO_PIN_H
#define ZVM_VMO_PIN_H

#include "vmo.h"

/**
 * struct zvm_pin - a range of pages that stays in place
 * @vmo: of which it is a user; NULL: not pinned
 * @node: the page indexes, in the store's @pins
 * @locked: pages charged to the user of @locked_cred
 * @locked_cred: whose RLIMIT_MEMLOCK the pages count for, or NULL; they keep the user,
 *	of whom modules cannot give back a reference on every kernel
 */
struct zvm_pin {
	struct zvm_vmo *vmo;
	struct interval_tree_node node;
	unsigned long locked;
	const struct cred *locked_cred;
};

/*
 * Pin [@offset, @offset + @len) of the VMO, whole pages, at least one, and commit it.
 * @pin is the caller's memory, of any content. -EINVAL, -ERANGE: of the range; -ENOENT:
 * discarded; -ENOMEM: of memory, the user's allowance, or RLIMIT_MEMLOCK; -EIO: memory
 * has failed; -EINTR: killed.
 */
int zvm_vmo_pin(struct zvm_vmo *vmo, u64 offset, u64 len, struct zvm_pin *pin);
/* The same for the kernel's own sake: no RLIMIT_MEMLOCK is asked. */
int zvm_vmo_pin_for_kernel(struct zvm_vmo *vmo, u64 offset, u64 len, struct zvm_pin *pin);

/* The same of a physical VMO, which has no pages: it keeps its cache policy meanwhile. */
int zvm_vmo_pin_physical(struct zvm_vmo *vmo, u64 offset, u64 len, struct zvm_pin *pin);

/* Once for each zvm_vmo_pin() that succeeded. May be the end of the VMO. */
void zvm_vmo_unpin(struct zvm_pin *pin);

static inline u64 zvm_pin_pages(const struct zvm_pin *pin)
{
	return pin->node.last - pin->node.start + 1;
}

/* The @n pages from the @first one of the pin on; they stay until it ends. -EINTR: killed. */
int zvm_pin_get_pages(const struct zvm_pin *pin, u64 first, unsigned int n,
		      struct page **pages);

/* Is any page of [first, last] pinned? With store->lock. */
bool zvm_store_is_pinned(struct zvm_store *store, u64 first, u64 last);

#endif /* ZVM_VMO_PIN_H */
