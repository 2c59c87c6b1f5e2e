// SPDX-License-Identifier: GPL-2.0
/*
 * The per-user limit.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "user.h"

/**
 * struct zvm_user - what one user holds
 * @link: in users
 * @uid: fixed
 * @used: bytes, also of each object that points here; freed at 0
 */
struct zvm_user {
	struct hlist_node link;
	kuid_t uid;
	atomic_long_t used;
};

static DEFINE_HASHTABLE(users, 6);
static DEFINE_SPINLOCK(users_lock);

/* A quarter of the memory unless the administrator says otherwise. */
static long user_pages = -1;
module_param(user_pages, long, 0644);
MODULE_PARM_DESC(user_pages,
		 "pages that a user without CAP_IPC_LOCK may hold in VMOs and what comes with them, 0: no limit, -1: a quarter of the memory");

static bool over_limit(long used)
{
	long limit = READ_ONCE(user_pages);

	if (limit < 0)
		limit = totalram_pages() / 4;
	return limit && (used - 1) >> PAGE_SHIFT >= limit && !capable(CAP_IPC_LOCK);
}

static struct zvm_user *lookup_user(kuid_t uid)
{
	struct zvm_user *user;

	lockdep_assert_held(&users_lock);
	hash_for_each_possible(users, user, link, __kuid_val(uid))
		if (uid_eq(user->uid, uid))
			return user;
	return NULL;
}

/* Find the user, or make @fresh the user, and charge. */
static struct zvm_user *get_user_locked(kuid_t uid, struct zvm_user *fresh, size_t bytes)
{
	struct zvm_user *user = lookup_user(uid);

	lockdep_assert_held(&users_lock);
	if (!user && fresh) {
		user = fresh;
		user->uid = uid;
		hash_add(users, &user->link, __kuid_val(uid));
	}
	if (user)
		atomic_long_add(bytes, &user->used);
	return user;
}

struct zvm_user *zvm_user_current(size_t bytes)
{
	kuid_t uid = current_uid();
	struct zvm_user *user, *fresh;

	spin_lock(&users_lock);
	user = get_user_locked(uid, NULL, bytes);
	spin_unlock(&users_lock);
	if (!user) {
		fresh = kzalloc(sizeof(*fresh), GFP_KERNEL);
		if (!fresh)
			return ERR_PTR(-ENOMEM);
		spin_lock(&users_lock);
		user = get_user_locked(uid, fresh, bytes);
		spin_unlock(&users_lock);
		if (user != fresh)
			kfree(fresh);
	}
	if (over_limit(atomic_long_read(&user->used))) {
		zvm_user_uncharge(user, bytes);
		return ERR_PTR(-ENOMEM);
	}
	return user;
}

bool zvm_user_charge(struct zvm_user *user, size_t bytes)
{
	if (over_limit(atomic_long_add_return(bytes, &user->used))) {
		zvm_user_uncharge(user, bytes);
		return false;
	}
	return true;
}

void zvm_user_charge_excess(struct zvm_user *user, size_t bytes)
{
	atomic_long_add(bytes, &user->used);
}

void zvm_user_uncharge(struct zvm_user *user, size_t bytes)
{
	long used = atomic_long_read(&user->used);
	bool last;

	while (used != bytes)
		if (atomic_long_try_cmpxchg(&user->used, &used, used - bytes))
			return;

	/* Perhaps the last: nobody may find it and charge it meanwhile. */
	spin_lock(&users_lock);
	last = atomic_long_sub_and_test(bytes, &user->used);
	if (last)
		hash_del(&user->link);
	spin_unlock(&users_lock);
	if (last)
		kfree(user);
}

bool zvm_user_full(struct zvm_user *user, size_t bytes)
{
	return over_limit(atomic_long_read(&user->used) + bytes);
}
