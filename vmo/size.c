// SPDX-License-Identifier: GPL-2.0
/*
 * The two sizes of a VMO: its size, in whole pages, and its stream size.
 */

#include "../uapi/zircon-vm.h"
#include "cache.h"
#include "page.h"
#include "pin.h"
#include "store.h"

u64 zvm_vmo_size(struct zvm_vmo *vmo)
{
	return zvm_vmo_limit(vmo) - vmo->offset;
}

u64 zvm_vmo_stream_size(struct zvm_vmo *vmo)
{
	return READ_ONCE(*zvm_vmo_stream(vmo));
}

void zvm_store_resize(struct zvm_store *store, u64 size)
{
	WRITE_ONCE(store->size, size);
	/* For lseek(2) and fstat(2), which know nothing beyond 2^63. */
	i_size_write(store->inode, min_t(u64, size, MAX_LFS_FILESIZE));
}

static int set_size_locked(struct zvm_store *store, u64 size)
{
	u64 aligned = PAGE_ALIGN(size);
	struct page *tail = NULL;
	bool writable;
	int err;

	lockdep_assert_held(&store->lock);
	if (zvm_store_is_pinned(store, aligned >> PAGE_SHIFT, ULONG_MAX))
		return -EBADFD;
	/* All that can fail comes first and changes no content. */
	if (size < aligned && zvm_store_peek(store, size >> PAGE_SHIFT, &writable)) {
		tail = zvm_store_get_write(store, size >> PAGE_SHIFT, NULL);
		if (IS_ERR(tail))
			return PTR_ERR(tail);
	}
	if (aligned < store->size) {
		/* As truncation does: pages beyond the end vanish everywhere. */
		err = zvm_store_erase(store, aligned >> PAGE_SHIFT,
				      zvm_store_pages(store) - 1, true);
		if (err)
			return err;
	}
	/* It may have been moved out of a folio. */
	if (tail)
		tail = zvm_store_peek(store, size >> PAGE_SHIFT, &writable);
	if (tail)
		zvm_store_zero_bytes(store, tail, offset_in_page(size), aligned - size);
	zvm_store_resize(store, aligned);
	WRITE_ONCE(store->stream_size, size);
	return 0;
}

int zvm_vmo_set_size(struct zvm_vmo *vmo, u64 size)
{
	struct zvm_store *store = vmo->store;
	int err;

	if (zvm_vmo_is_contiguous(vmo))
		return -EBUSY;
	if (size > U64_MAX - (PAGE_SIZE - 1))
		return -ERANGE;
	if (!(vmo->options & ZVM_VMO_RESIZABLE))
		return -EBUSY;
	if (size > ZVM_VMO_MAX_SIZE)
		return -ERANGE;

	/* In a snapshot of a part, beyond what the indexes can say. */
	if (size > U64_MAX - (store->base << PAGE_SHIFT))
		return -EINVAL;

	if (mutex_lock_killable(&store->lock))
		return -EINTR;
	err = set_size_locked(store, size);
	mutex_unlock(&store->lock);
	return err;
}

static int set_stream_size_locked(struct zvm_vmo *vmo, u64 size)
{
	struct zvm_store *store = vmo->store;
	u64 *stream = zvm_vmo_stream(vmo);
	u64 limit = zvm_vmo_limit(vmo);
	u64 from = vmo->offset + min(*stream, size);
	u64 whole = PAGE_ALIGN(from);
	struct page *page;
	bool writable;
	int err;

	lockdep_assert_held(&store->lock);
	if (size == *stream)
		return 0;
	if (size > limit - vmo->offset)
		return -ERANGE;

	/*
	 * All bytes from the smaller of the two sizes on become zero. What can fail for
	 * want of memory changes no content.
	 */
	if (from < whole && zvm_store_peek(store, from >> PAGE_SHIFT, &writable)) {
		page = zvm_store_get_write(store, from >> PAGE_SHIFT, NULL);
		if (IS_ERR(page))
			return PTR_ERR(page);
	}
	if (whole < limit) {
		err = zvm_store_zero(store, whole >> PAGE_SHIFT, (limit >> PAGE_SHIFT) - 1);
		if (err)
			return err;
	}
	err = zvm_store_zero_part(store, from, whole);
	if (err)
		return err;
	WRITE_ONCE(*stream, size);
	return 0;
}

int zvm_vmo_set_stream_size(struct zvm_vmo *vmo, u64 size)
{
	struct zvm_store *store = vmo->store;
	int err;

	/* It has none. */
	if (zvm_vmo_is_contiguous(vmo))
		return -EOPNOTSUPP;
	if (mutex_lock_killable(&store->lock))
		return -EINTR;
	err = set_stream_size_locked(vmo, size);
	mutex_unlock(&store->lock);
	return err;
}
