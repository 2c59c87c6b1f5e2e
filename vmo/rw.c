// SPDX-License-Identifier: GPL-2.0
/*
 * Moving bytes between a VMO and memory.
 *
 * The caller's memory may be a mapping of the same VMO, so it is not touched
 * under the store's lock but by an atomic copy, which fails rather than faults;
 * the fault is then taken without the lock and the copy tried again.
 */
#include <linux/highmem.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "../compat.h"
#include "page.h"
#include "store.h"

/* Pages that are moved before others get a chance at the lock. */
#define RW_BATCH 16

/*
 * Content has no lock: readers have a reference of the page, and mappings need
 * not even that. Who reads and writes the same bytes at once gets some of each,
 * as with any memory that is shared.
 */
#define content_race(copy) data_race(copy)

/* The bytes from @pos to the end of its page, or what there is to do. */
static size_t chunk_at(u64 pos, u64 end)
{
	return min_t(u64, PAGE_SIZE - offset_in_page(pos), end - pos);
}

static int check_locked(const struct zvm_store *store, u64 pos)
{
	if (store->physical)
		return -EOPNOTSUPP;
	if (store->cache_policy != ZX_CACHE_POLICY_CACHED)
		return -EBADFD;
	if (pos >= store->size)
		return -ERANGE;
	return store->discarded ? -ENOENT : 0;
}

/* Where to stop at the latest. */
static u64 batch_end(const struct zvm_store *store, u64 pos, const struct iov_iter *iter)
{
	if (pos >= store->size)
		return pos;
	return pos + min_t(u64, iov_iter_count(iter), store->size - pos);
}

/* Write one batch at @pos; *@fault: stopped for a fault in the caller's memory. */
static ssize_t write_batch(struct zvm_store *store, u64 pos, struct iov_iter *iter, bool *fault)
{
	u64 start = pos, end;
	int i, err;

	if (mutex_lock_killable(&store->lock))
		return -EINTR;
	err = check_locked(store, pos);
	end = batch_end(store, pos, iter);
	for (i = 0; !err && !*fault && i < RW_BATCH && pos < end; i++) {
		size_t want = chunk_at(pos, end), got;
		struct page *page = zvm_store_get_write(store, pos >> PAGE_SHIFT, NULL);

		if (IS_ERR(page)) {
			err = PTR_ERR(page);
			break;
		}
		got = content_race(zvm_copy_page_from_iter_atomic(page, offset_in_page(pos),
								  want, iter));
		flush_dcache_page(page);
		pos += got;
		*fault = got < want;
	}
	mutex_unlock(&store->lock);
	return pos > start ? pos - start : err;
}

static ssize_t copy_in(struct zvm_store *store, u64 pos, struct iov_iter *iter)
{
	size_t want = min_t(size_t, PAGE_SIZE, iov_iter_count(iter));
	bool fault = false;
	ssize_t done;

	done = write_batch(store, pos, iter, &fault);
	if (done || !fault)
		return done;
	/* All of what is asked for has failed: then the memory is bad. */
	return fault_in_iov_iter_readable(iter, want) == want ? -EFAULT : 0;
}

/* Read one batch at @pos. The pages are kept by references, so we may fault. */
static ssize_t copy_out(struct zvm_store *store, u64 pos, struct iov_iter *iter)
{
	struct page *pages[RW_BATCH];
	unsigned int i, n = 0;
	u64 start = pos, end;
	bool fault = false;
	int err;

	if (mutex_lock_killable(&store->lock))
		return -EINTR;
	err = check_locked(store, pos);
	end = batch_end(store, pos, iter);
	if (!err) {
		u64 first = pos >> PAGE_SHIFT, last = (end - 1) >> PAGE_SHIFT;
		bool writable;

		n = min_t(u64, last - first + 1, RW_BATCH);
		for (i = 0; i < n; i++) {
			pages[i] = zvm_store_peek(store, first + i, &writable);
			if (pages[i] && PageHWPoison(pages[i])) {
				err = i ? 0 : -EIO;
				n = i;
			} else if (pages[i]) {
				get_page(pages[i]);
			}
		}
	}
	mutex_unlock(&store->lock);
	if (err)
		return err;

	for (i = 0; i < n; i++) {
		size_t want = chunk_at(pos, end), got = 0;

		if (!fault) {
			if (pages[i])
				got = content_race(copy_page_to_iter(pages[i], offset_in_page(pos),
								     want, iter));
			else
				got = iov_iter_zero(want, iter);
			fault = got < want;
			pos += got;
		}
		if (pages[i])
			put_page(pages[i]);
	}
	return pos > start ? pos - start : -EFAULT;
}

ssize_t zvm_vmo_copy(struct zvm_vmo *vmo, u64 offset, struct iov_iter *iter)
{
	struct zvm_store *store = vmo->store;
	bool write = iov_iter_rw(iter) == WRITE;
	ssize_t total = 0, done;

	/* A slice does not change its size, so the caller's check holds. */
	offset += vmo->offset;
	while (iov_iter_count(iter)) {
		if (write)
			done = copy_in(store, offset + total, iter);
		else
			done = copy_out(store, offset + total, iter);
		if (done < 0)
			return total ? total : done;
		total += done;
		/* Never for nothing, so that a signal cannot keep us from going on. */
		if (total && signal_pending(current))
			break;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return total;
}

/*
 * What follows is the same for the short transfers that most are, without the
 * general machinery, which costs more than they do.
 */

/* How many bytes are left, of a copy that takes no fault. */
static unsigned long copy_in_atomic(void *kaddr, const void __user *buffer, size_t len)
{
	unsigned long left;

	pagefault_disable();
	instrument_copy_from_user_before(kaddr, buffer, len);
	left = raw_copy_from_user(kaddr, buffer, len);
	instrument_copy_from_user_after(kaddr, buffer, len, left);
	pagefault_enable();
	return left;
}

static unsigned long copy_to_buffer(void __user *buffer, const void *kaddr, size_t len)
{
	instrument_copy_to_user(buffer, kaddr, len);
	return raw_copy_to_user(buffer, kaddr, len);
}

static ssize_t write_in_page(struct zvm_store *store, u64 offset, const void __user *buffer,
			     size_t len)
{
	struct page *page;
	size_t left = len;
	void *kaddr;
	int err;

	if (mutex_lock_killable(&store->lock))
		return -EINTR;
	err = check_locked(store, offset);
	if (err)
		goto unlock;
	page = zvm_store_get_write(store, offset >> PAGE_SHIFT, NULL);
	err = PTR_ERR_OR_ZERO(page);
	if (err)
		goto unlock;

	kaddr = zvm_page_map(page) + offset_in_page(offset);
	left = content_race(copy_in_atomic(kaddr, buffer, len));
	kunmap_local(kaddr);
	flush_dcache_page(page);
unlock:
	mutex_unlock(&store->lock);
	return err ? err : len - left;
}

static ssize_t read_in_page(struct zvm_store *store, u64 offset, void __user *buffer, size_t len)
{
	struct page *page = NULL;
	bool writable;
	void *kaddr;
	size_t left;
	int err;

	if (mutex_lock_killable(&store->lock))
		return -EINTR;
	err = check_locked(store, offset);
	if (!err) {
		page = zvm_store_peek(store, offset >> PAGE_SHIFT, &writable);
		if (page && PageHWPoison(page))
			err = -EIO;
		else if (page)
			get_page(page);
	}
	mutex_unlock(&store->lock);
	if (err)
		return err;

	if (!page)
		return len - __clear_user(buffer, len);
	kaddr = zvm_page_map(page) + offset_in_page(offset);
	left = content_race(copy_to_buffer(buffer, kaddr, len));
	kunmap_local(kaddr);
	put_page(page);
	return len - left;
}

ssize_t zvm_vmo_copy_in_page(struct zvm_vmo *vmo, u64 offset, void __user *buffer,
			     size_t len, bool write)
{
	ssize_t done;

	if (!access_ok(buffer, len))
		return -EFAULT;
	might_fault();
	offset += vmo->offset;
	if (!write) {
		done = read_in_page(vmo->store, offset, buffer, len);
		return done ? done : -EFAULT;
	}
	for (;;) {
		done = write_in_page(vmo->store, offset, buffer, len);
		if (done)
			return done;
		/* All of it has failed: then the memory is bad. */
		if (fault_in_readable(buffer, len) == len)
			return -EFAULT;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
}
