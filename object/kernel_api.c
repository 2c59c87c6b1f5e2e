// SPDX-License-Identifier: GPL-2.0
/*
 * What other modules may call: include/linux/zircon_vm.h.
 *
 * A reference is to them what a handle is to programs: it makes its holder a user of
 * the object, and keeps the file system of the objects.
 */
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "../include/linux/zircon_vm.h"
#include "../uapi/zircon-vm.h"
#include "../vmar/kernel_aspace.h"
#include "../vmo/physical.h"
#include "../vmo/pin.h"
#include "../vmo/store.h"
#include "../vmo/wired.h"
#include "handle.h"

/* What zircon_vmo_to_fd() may be asked for, and what it gives besides. */
#define RIGHTS_TO_ASK (ZIRCON_RIGHT_READ | ZIRCON_RIGHT_WRITE | ZIRCON_RIGHT_EXECUTE |	\
		       ZIRCON_RIGHT_MAP | ZIRCON_RIGHT_RESIZE)
#define RIGHTS_ALWAYS (ZX_RIGHTS_BASIC | ZX_RIGHTS_PROPERTY | ZX_RIGHT_SIGNAL)

#define PERMS (ZIRCON_PERM_READ | ZIRCON_PERM_WRITE)

static_assert(ZIRCON_VMO_RESIZABLE == ZVM_VMO_RESIZABLE);
static_assert(ZIRCON_VMO_DISCARDABLE == ZVM_VMO_DISCARDABLE);
static_assert(ZIRCON_VMO_UNBOUNDED == ZVM_VMO_UNBOUNDED);
static_assert(ZIRCON_CACHE_CACHED == ZX_CACHE_POLICY_CACHED);
static_assert(ZIRCON_CACHE_UNCACHED == ZX_CACHE_POLICY_UNCACHED);
static_assert(ZIRCON_CACHE_UNCACHED_DEVICE == ZX_CACHE_POLICY_UNCACHED_DEVICE);
static_assert(ZIRCON_CACHE_WRITE_COMBINING == ZX_CACHE_POLICY_WRITE_COMBINING);
static_assert(ZIRCON_RIGHT_READ == ZX_RIGHT_READ);
static_assert(ZIRCON_RIGHT_WRITE == ZX_RIGHT_WRITE);
static_assert(ZIRCON_RIGHT_EXECUTE == ZX_RIGHT_EXECUTE);
static_assert(ZIRCON_RIGHT_MAP == ZX_RIGHT_MAP);
static_assert(ZIRCON_RIGHT_RESIZE == ZX_RIGHT_RESIZE);

/* Somebody has it mounted, so this cannot fail. */
static void fs_pin_again(void)
{
	WARN_ON_ONCE(zvm_fs_pin());
}

/* The new VMO, or the error, of who has pinned the file system for it. */
static struct zvm_vmo *created(struct zvm_vmo *vmo)
{
	if (IS_ERR(vmo))
		zvm_fs_unpin();
	return vmo;
}

struct zvm_vmo *zircon_vmo_create(u64 size, u32 options)
{
	int err = zvm_fs_pin();

	return err ? ERR_PTR(err) : created(zvm_vmo_new(size, options));
}
EXPORT_SYMBOL_ZVM(zircon_vmo_create);

struct zvm_vmo *zircon_vmo_create_contiguous(u64 size, u32 alignment_log2)
{
	int err = zvm_fs_pin();

	return err ? ERR_PTR(err) : created(zvm_vmo_new_contiguous(size, alignment_log2));
}
EXPORT_SYMBOL_ZVM(zircon_vmo_create_contiguous);

struct zvm_vmo *zircon_vmo_create_physical(phys_addr_t addr, u64 size)
{
	int err;

	if (!size || !PAGE_ALIGNED(size))
		return ERR_PTR(-EINVAL);
	err = zvm_fs_pin();
	return err ? ERR_PTR(err) : created(zvm_vmo_new_physical(addr, size, true));
}
EXPORT_SYMBOL_ZVM(zircon_vmo_create_physical);

struct zvm_vmo *zircon_vmo_create_wired(struct page **pages, unsigned long count)
{
	int err = zvm_fs_pin();

	return err ? ERR_PTR(err) : created(zvm_vmo_new_wired(pages, count));
}
EXPORT_SYMBOL_ZVM(zircon_vmo_create_wired);

struct zvm_vmo *zircon_vmo_get(struct zvm_vmo *vmo)
{
	fs_pin_again();
	zvm_object_get(&vmo->obj);
	return vmo;
}
EXPORT_SYMBOL_ZVM(zircon_vmo_get);

void zircon_vmo_put(struct zvm_vmo *vmo)
{
	zvm_object_put(&vmo->obj);
	zvm_fs_unpin();
}
EXPORT_SYMBOL_ZVM(zircon_vmo_put);

/* The VMO behind an open file; no reference. */
static struct zvm_vmo *file_vmo(const struct file *file, u32 rights)
{
	if (!zvm_file_is_handle(file))
		return ERR_PTR(-EBADF);
	if (zvm_file_object(file)->type != &zvm_vmo_type)
		return ERR_PTR(-EMEDIUMTYPE);
	if (rights & ~zvm_word_rights(zvm_handle_word(file)))
		return ERR_PTR(-EACCES);
	return to_vmo(zvm_file_object(file));
}

struct zvm_vmo *zircon_vmo_from_fd(int fd, u32 rights)
{
	struct file *file = fget(fd);
	struct zvm_vmo *vmo;

	if (!file)
		return ERR_PTR(-EBADF);
	vmo = file_vmo(file, rights);
	if (!IS_ERR(vmo))
		zircon_vmo_get(vmo);
	fput(file);
	return vmo;
}
EXPORT_SYMBOL_ZVM(zircon_vmo_from_fd);

int zircon_vmo_to_fd(struct zvm_vmo *vmo, u32 rights)
{
	struct file *file;
	int fd;

	if (rights & ~RIGHTS_TO_ASK)
		return -EINVAL;
	if (rights & ZIRCON_RIGHT_WRITE && zvm_vmo_is_immutable(vmo))
		return -EACCES;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	/* What has no handle value is of no use. */
	if (fd > ZVM_HANDLE_FD_MASK) {
		put_unused_fd(fd);
		return -EMFILE;
	}
	file = zvm_handle_new(&vmo->obj, rights | RIGHTS_ALWAYS, 0);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}
EXPORT_SYMBOL_ZVM(zircon_vmo_to_fd);

/* All of the bytes or an error. */
static int transfer(struct zvm_vmo *vmo, unsigned int direction, void *buffer, u64 offset,
		    size_t len)
{
	struct kvec vec = { .iov_base = buffer };
	struct iov_iter iter;
	ssize_t done;
	u64 end;

	if (check_add_overflow(offset, (u64)len, &end) || end > zvm_vmo_size(vmo))
		return -ERANGE;
	while (len) {
		vec.iov_len = min_t(size_t, len, MAX_RW_COUNT);
		iov_iter_kvec(&iter, direction, &vec, 1, vec.iov_len);
		done = zvm_vmo_copy(vmo, offset, &iter);
		if (done < 0)
			return done;
		vec.iov_base += done;
		offset += done;
		len -= done;
		/* It stops for any signal; we do for those that kill. */
		if (len && fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

int zircon_vmo_read(struct zvm_vmo *vmo, void *buffer, u64 offset, size_t len)
{
	return transfer(vmo, READ, buffer, offset, len);
}
EXPORT_SYMBOL_ZVM(zircon_vmo_read);

int zircon_vmo_write(struct zvm_vmo *vmo, const void *buffer, u64 offset, size_t len)
{
	if (zvm_vmo_is_immutable(vmo))
		return -EACCES;
	return transfer(vmo, WRITE, (void *)buffer, offset, len);
}
EXPORT_SYMBOL_ZVM(zircon_vmo_write);

int zircon_vmo_commit(struct zvm_vmo *vmo, u64 offset, u64 len)
{
	return zvm_vmo_commit(vmo, offset, len);
}
EXPORT_SYMBOL_ZVM(zircon_vmo_commit);

void zircon_vmo_query(struct zvm_vmo *vmo, struct zircon_vmo_info *info)
{
	struct zvm_store *store = vmo->store;

	*info = (struct zircon_vmo_info){
		.koid = vmo->obj.koid,
		.options = vmo->options,
		.contiguous = zvm_vmo_is_contiguous(vmo),
		.physical = zvm_vmo_is_physical(vmo),
		.wired = store->wired,
	};
	mutex_lock(&store->lock);
	info->size = zvm_vmo_size(vmo);
	info->stream_size = *zvm_vmo_stream(vmo);
	info->discarded = store->discarded;
	info->cache_policy = store->cache_policy;
	if (!vmo->owner)
		info->committed = zvm_store_count(store, 0, U64_MAX >> PAGE_SHIFT) << PAGE_SHIFT;
	mutex_unlock(&store->lock);
}
EXPORT_SYMBOL_ZVM(zircon_vmo_query);

int zircon_vmo_set_cache_policy(struct zvm_vmo *vmo, u32 policy)
{
	return policy & ~ZX_CACHE_POLICY_MASK ? -EINVAL :
	       zvm_vmo_set_cache_policy(vmo, policy, true);
}
EXPORT_SYMBOL_ZVM(zircon_vmo_set_cache_policy);

/* A pin as others hold it. */
struct zircon_pin {
	struct zvm_pin pin;
};

struct zircon_pin *zircon_vmo_pin(struct zvm_vmo *vmo, u64 offset, u64 len)
{
	struct zircon_pin *pin = kzalloc(sizeof(*pin), GFP_KERNEL);
	int err;

	if (!pin)
		return ERR_PTR(-ENOMEM);
	err = zvm_vmo_pin_for_kernel(vmo, offset, len, &pin->pin);
	if (err) {
		kfree(pin);
		return ERR_PTR(err);
	}
	fs_pin_again();
	return pin;
}
EXPORT_SYMBOL_ZVM(zircon_vmo_pin);

void zircon_vmo_unpin(struct zircon_pin *pin)
{
	zvm_vmo_unpin(&pin->pin);
	zvm_fs_unpin();
	kfree(pin);
}
EXPORT_SYMBOL_ZVM(zircon_vmo_unpin);

struct page *zircon_pin_page(struct zircon_pin *pin, u64 index)
{
	struct page *page;

	if (index >= zvm_pin_pages(&pin->pin) || zvm_pin_get_pages(&pin->pin, index, 1, &page))
		return NULL;
	return page;
}
EXPORT_SYMBOL_ZVM(zircon_pin_page);

void *zircon_kernel_map(struct zvm_vmo *vmo, u64 offset, size_t len, u32 perm)
{
	void *addr;

	if (perm & ~PERMS || !(perm & ZIRCON_PERM_READ))
		return ERR_PTR(-EINVAL);
	addr = zvm_kernel_map(vmo, offset, len, perm & ZIRCON_PERM_WRITE);
	if (!IS_ERR(addr))
		fs_pin_again();
	return addr;
}
EXPORT_SYMBOL_ZVM(zircon_kernel_map);

int zircon_kernel_unmap(void *addr)
{
	int err = zvm_kernel_unmap(addr);

	if (!err)
		zvm_fs_unpin();
	return err;
}
EXPORT_SYMBOL_ZVM(zircon_kernel_unmap);

int zircon_kernel_protect(void *addr, size_t len, u32 perm)
{
	if (perm & ~PERMS || !(perm & ZIRCON_PERM_READ))
		return -EINVAL;
	return zvm_kernel_protect(addr, len, perm & ZIRCON_PERM_WRITE);
}
EXPORT_SYMBOL_ZVM(zircon_kernel_protect);

int zircon_kernel_query(const void *addr, struct zircon_kernel_info *info)
{
	struct zvm_kernel_place place;
	int err = zvm_kernel_query(addr, &place);

	if (err)
		return err;
	*info = (struct zircon_kernel_info){
		.base = (void *)place.base,
		.size = place.size,
		.vmo_koid = place.vmo_koid,
		.vmo_offset = place.vmo_offset,
		.perm = ZIRCON_PERM_READ | (place.writable ? ZIRCON_PERM_WRITE : 0),
		.cache_policy = place.cache_policy,
		.phys = place.phys,
	};
	return 0;
}
EXPORT_SYMBOL_ZVM(zircon_kernel_query);
