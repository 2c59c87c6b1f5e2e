// SPDX-License-Identifier: GPL-2.0
/*
 * VMOs as objects: creation and end.
 */
#include "../object/handle.h"
#include "../uapi/zircon-vm.h"
#include "../zvm_trace.h"
#include "discardable.h"
#include "family.h"
#include "file.h"
#include "store.h"
#include "user.h"

/* All that zvm_vmo_create.options may hold. */
#define VMO_OPTIONS (ZVM_VMO_RESIZABLE | ZVM_VMO_DISCARDABLE | ZVM_VMO_UNBOUNDED | \
		     ZVM_VMO_HUGE_PAGES)

/* All that are complete and not yet at their end. */
static LIST_HEAD(all_vmos);
static DEFINE_SPINLOCK(all_vmos_lock);	/* also zvm_vmo.in_all; outside i_lock */

void zvm_vmo_publish(struct zvm_vmo *vmo, u64 parent_koid)
{
	trace_vmo_create(vmo->obj.koid, vmo->kind, parent_koid, zvm_vmo_size(vmo),
			 vmo->options);
	spin_lock(&all_vmos_lock);
	list_add_tail(&vmo->in_all, &all_vmos);
	spin_unlock(&all_vmos_lock);
}

static void vmo_unpublish(struct zvm_vmo *vmo)
{
	trace_vmo_destroy(vmo->obj.koid);
	spin_lock(&all_vmos_lock);
	list_del(&vmo->in_all);
	spin_unlock(&all_vmos_lock);
}

struct zvm_vmo *zvm_vmo_next(struct zvm_vmo *vmo)
{
	struct zvm_vmo *next = vmo, *found = NULL;

	spin_lock(&all_vmos_lock);
	next = list_prepare_entry(next, &all_vmos, in_all);
	list_for_each_entry_continue(next, &all_vmos, in_all) {
		if (igrab(&next->obj.inode)) {
			found = next;
			break;
		}
	}
	spin_unlock(&all_vmos_lock);
	if (vmo)
		zvm_object_unpin(&vmo->obj);
	return found;
}

/* The checks of zx_vmo_create(), in its order. */
static int check_options(u64 size, u32 options)
{
	bool unbounded = options & ZVM_VMO_UNBOUNDED;

	if (unbounded && options & ZVM_VMO_RESIZABLE)
		return -EINVAL;
	if (!unbounded && size > U64_MAX - (PAGE_SIZE - 1))
		return -ERANGE;
	if (options & ~VMO_OPTIONS)
		return -EINVAL;
	if (size > ZVM_VMO_MAX_SIZE)
		return -ERANGE;
	return 0;
}

struct zvm_vmo *zvm_vmo_alloc(void)
{
	struct zvm_object *obj = zvm_object_new(&zvm_vmo_type);
	struct zvm_user *user;
	struct zvm_vmo *vmo;

	if (IS_ERR(obj))
		return ERR_CAST(obj);
	vmo = to_vmo(obj);
	INIT_LIST_HEAD(&vmo->in_all);
	INIT_LIST_HEAD(&vmo->children);
	INIT_LIST_HEAD(&vmo->sibling);
	user = zvm_user_current(sizeof(*vmo));
	if (IS_ERR(user)) {
		zvm_object_put(obj);
		return ERR_CAST(user);
	}
	vmo->user = user;
	obj->signals = ZX_VMO_ZERO_CHILDREN;
	return vmo;
}

struct zvm_vmo *zvm_vmo_new(u64 size, u32 options)
{
	int err = check_options(size, options);
	struct zvm_vmo *vmo;

	if (err)
		return ERR_PTR(err);
	vmo = zvm_vmo_alloc();
	if (IS_ERR(vmo))
		return vmo;
	zvm_store_init(&vmo->own_store, &vmo->obj.inode, vmo->user);
	vmo->store = &vmo->own_store;
	vmo->options = options;
	vmo->own_store.folios = options & ZVM_VMO_HUGE_PAGES;
	if (options & ZVM_VMO_DISCARDABLE) {
		err = zvm_discard_init(vmo->store);
		if (err) {
			zvm_object_put(&vmo->obj);
			return ERR_PTR(err);
		}
	}
	vmo->own_store.stream_size = size;
	zvm_store_resize(&vmo->own_store,
			 options & ZVM_VMO_UNBOUNDED ? ZVM_VMO_MAX_SIZE : PAGE_ALIGN(size));
	zvm_vmo_publish(vmo, 0);
	return vmo;
}

static void vmo_evict(struct zvm_object *obj)
{
	struct zvm_vmo *vmo = to_vmo(obj);

	if (!list_empty(&vmo->in_all))
		vmo_unpublish(vmo);
	if (vmo->owner)
		zvm_object_unpin(&vmo->owner->obj);
	else if (vmo->store)
		zvm_store_destroy(vmo->store);
	if (vmo->user)
		zvm_user_uncharge(vmo->user, sizeof(*vmo));
}

static void vmo_last_put(struct zvm_object *obj)
{
	struct zvm_vmo *vmo = to_vmo(obj);

	/* Whoever could give it a family is a user. */
	if (!vmo->store || !vmo->store->family)
		return;
	/* Who is told that a child is gone finds it gone. */
	zvm_vmo_leave_store(vmo);
	zvm_family_leave(vmo);
}

static void vmo_show_fdinfo(struct seq_file *m, struct zvm_object *obj)
{
	struct zvm_vmo *vmo = to_vmo(obj);
	struct zx_info_vmo info = {};

	zvm_vmo_fill_info(vmo, &info);
	seq_printf(m, "size:\t%llu\n", info.size_bytes);
	seq_printf(m, "stream_size:\t%llu\n", zvm_vmo_stream_size(vmo));
	seq_printf(m, "committed:\t%llu\n", info.committed_bytes);
	seq_printf(m, "mappings:\t%llu\n", info.num_mappings);
	seq_printf(m, "options:\t0x%x\n", vmo->options);
	seq_printf(m, "cache_policy:\t%u\n", info.cache_policy);
}

struct zvm_object_type zvm_vmo_type = {
	.name = "vmo",
	.zx_type = ZX_OBJ_TYPE_VMO,
	.size = sizeof(struct zvm_vmo),
	.fops = &zvm_vmo_fops,
	.iops = &zvm_vmo_iops,
	.last_put = vmo_last_put,
	.evict = vmo_evict,
	.show_fdinfo = vmo_show_fdinfo,
};
