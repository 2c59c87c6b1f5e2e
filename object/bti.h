/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ZVM_OBJECT_BTI_H
#define ZVM_OBJECT_BTI_H

#include "../vmo/pin.h"
#include "object.h"

/**
 * struct zvm_bti - a bus transaction initiator: on whose behalf memory is pinned
 * @obj: head
 * @user: whom it is charged to
 * @id: what its creator calls it, fixed
 * @nr_pmts: pins made by way of it
 */
struct zvm_bti {
	struct zvm_object obj;
	struct zvm_user *user;
	u64 id;
	atomic64_t nr_pmts;
};

/**
 * struct zvm_pmt - a pinned memory token: a pin that ends with it
 * @obj: head
 * @user: whom it is charged to
 * @bti: whose it is; that object's memory is pinned
 * @pinned: not unpinned yet: whoever makes it 0 unpins
 * @pin: the pages
 */
struct zvm_pmt {
	struct zvm_object obj;
	struct zvm_user *user;
	struct zvm_bti *bti;
	atomic_t pinned;
	struct zvm_pin pin;
};

extern struct zvm_object_type zvm_bti_type;
extern struct zvm_object_type zvm_pmt_type;

static inline struct zvm_bti *to_bti(struct zvm_object *obj)
{
	return container_of(obj, struct zvm_bti, obj);
}

static inline struct zvm_pmt *to_pmt(struct zvm_object *obj)
{
	return container_of(obj, struct zvm_pmt, obj);
}

/* New ones, with one user. */
struct zvm_bti *zvm_bti_new(u64 id);
struct zvm_pmt *zvm_pmt_new(struct zvm_bti *bti, struct zvm_vmo *vmo, u64 offset, u64 len);

/* -EBADFD: it is unpinned already. */
int zvm_pmt_unpin(struct zvm_pmt *pmt);

#endif /* ZVM_OBJECT_BTI_H */
