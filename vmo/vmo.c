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
#define VMO_OPTIONS (ZVM_VMO_RESIZABLE | ZVM_VMO_DISCARDABLE | ZVM_VMO_UNBOUNDED)

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
	user = zvm_user_current(sizeof(*vmo));
	if (IS_ERR(user)) {
		zvm_object_put(obj);
		return ERR_CAST(user);
	}
	vmo->user = user;
	obj->signals = ZX_VMO_ZERO_CHILDREN;
	INIT_LIST_HEAD(&vmo->children);
	INIT_LIST_HEAD(&vmo->sibling);
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
	trace_vmo_create(vmo->obj.koid, vmo->kind, 0, zvm_vmo_size(vmo), options);
	return vmo;
}

static void vmo_evict(struct zvm_object *obj)
{
	struct zvm_vmo *vmo = to_vmo(obj);

	if (vmo->store)
		trace_vmo_destroy(obj->koid);
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
