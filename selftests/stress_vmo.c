// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Operations on VMOs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stress.h"

/* Without these a handle is of no use here. */
#define LEAST_RIGHTS (ZX_RIGHT_READ | ZX_RIGHT_MAP | ZX_RIGHT_DUPLICATE | ZX_RIGHT_TRANSFER | \
		      ZX_RIGHT_GET_PROPERTY | ZX_RIGHT_INSPECT)

void init_slots(void)
{
	pthread_rwlockattr_t rw;
	pthread_mutexattr_t mutex;

	pthread_rwlockattr_init(&rw);
	pthread_rwlockattr_setpshared(&rw, PTHREAD_PROCESS_SHARED);
	pthread_rwlockattr_setkind_np(&rw, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_mutexattr_init(&mutex);
	pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
	for (unsigned int i = 0; i < SLOTS; i++) {
		pthread_rwlock_init(&shared->slots[i].lock, &rw);
		for (unsigned int p = 0; p < SLOT_PAGES; p++)
			pthread_mutex_init(&shared->slots[i].page_lock[p], &mutex);
	}
}

/* ---- locks -------------------------------------------------------------- */

bool enter_slot(unsigned int slot)
{
	struct slot *s = &shared->slots[slot];

	pthread_rwlock_rdlock(&s->lock);
	if (s->serial && local.serial[slot] == s->serial)
		return true;
	pthread_rwlock_unlock(&s->lock);
	return false;
}

static bool own_slot(unsigned int slot)
{
	struct slot *s = &shared->slots[slot];

	pthread_rwlock_wrlock(&s->lock);
	if (s->serial && local.serial[slot] == s->serial)
		return true;
	pthread_rwlock_unlock(&s->lock);
	return false;
}

void leave_slot(unsigned int slot)
{
	pthread_rwlock_unlock(&shared->slots[slot].lock);
}

void lock_pages(struct slot *s, unsigned int from, unsigned int to)
{
	for (unsigned int p = from; p < to; p++)
		pthread_mutex_lock(&s->page_lock[p]);
}

void unlock_pages(struct slot *s, unsigned int from, unsigned int to)
{
	for (unsigned int p = from; p < to; p++)
		pthread_mutex_unlock(&s->page_lock[p]);
}

/* Some cells of some slot, at most @pages pages; false: try another time. */
static bool enter_piece(struct piece *p, unsigned int pages)
{
	unsigned int all, len;

	p->number = below(SLOTS);
	if (!enter_slot(p->number))
		return false;
	p->s = &shared->slots[p->number];
	all = (unsigned int)(p->s->size / 8);
	if (!all) {
		leave_slot(p->number);
		return false;
	}
	p->handle = local.vmo[p->number];
	p->writable = local.rights[p->number] & ZX_RIGHT_WRITE;
	p->first = below(all);
	len = 1 + below(one_in(2) ? 64 : pages * CELLS);
	p->end = len < all - p->first ? p->first + len : all;
	p->from = p->first / CELLS;
	p->to = (p->end + CELLS - 1) / CELLS;
	if (p->to - p->from > pages) {
		p->to = p->from + pages;
		p->end = p->to * CELLS;
	}
	lock_pages(p->s, p->from, p->to);
	return true;
}

bool enter_pages(struct piece *p, unsigned int pages)
{
	if (!enter_piece(p, pages))
		return false;
	p->first = p->from * CELLS;
	p->end = p->to * CELLS;
	return true;
}

void leave_piece(struct piece *p)
{
	unlock_pages(p->s, p->from, p->to);
	leave_slot(p->number);
}

/* ---- content ------------------------------------------------------------ */

static void compare(const uint64_t *got, const struct slot *s, unsigned int first,
		    unsigned int end, const char *what)
{
	const uint64_t *want = s->cells + first;

	if (!memcmp(got, want, (size_t)(end - first) * 8))
		return;
	for (unsigned int i = 0; i < end - first; i++)
		if (got[i] != want[i])
			fail("%s: cell %u of page %u of VMO %u (%llu bytes) is %#llx instead of %#llx",
			     what, (first + i) % CELLS, (first + i) / CELLS, s->serial,
			     (unsigned long long)s->size, (unsigned long long)got[i],
			     (unsigned long long)want[i]);
}

static void new_values(uint64_t *buffer, const struct piece *p)
{
	for (unsigned int c = p->first; c < p->end; c++)
		*buffer++ = one_in(16) ? 0 : cell_value(p->s->serial, c / CELLS, c % CELLS);
}

static void remember(const struct piece *p, const uint64_t *buffer)
{
	memcpy(p->s->cells + p->first, buffer, piece_len(p));
}

static void forget(struct slot *s, uint64_t from, uint64_t to)
{
	if (from < to)
		memset((char *)s->cells + from, 0, to - from);
}

/* Signals cut system calls short: go on. */
static void all_of(ssize_t (*call)(int, void *, size_t, off_t), int fd, void *buffer, size_t len,
		   off_t offset, const char *what)
{
	char *p = buffer;

	while (len) {
		ssize_t n = call(fd, p, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			fail("%s: %zd, %s", what, n, strerror(errno));
		p += n;
		offset += n;
		len -= (size_t)n;
	}
}

static ssize_t write_at(int fd, void *buffer, size_t len, off_t offset)
{
	return pwrite(fd, buffer, len, offset);
}

void op_read(void)
{
	struct piece p;
	unsigned int skip;
	char *to;

	if (!enter_piece(&p, 8))
		return;
	/* Both ends and the buffer at any byte. */
	skip = below(8);
	to = (char *)me.buffer + skip;
	if (one_in(3))
		all_of(pread, zvm_handle_to_fd(p.handle), to, piece_len(&p) - skip,
		       (off_t)(piece_offset(&p) + skip), "pread");
	else
		expect(ZX_OK, zx_vmo_read(p.handle, to, piece_offset(&p) + skip,
					  piece_len(&p) - skip), "zx_vmo_read");
	memcpy(me.buffer, p.s->cells + p.first, skip);
	compare(me.buffer, p.s, p.first, p.end, "read");
	leave_piece(&p);
}

void op_write(void)
{
	struct piece p;
	unsigned int before, after;
	char *from;
	size_t offset, len;

	if (!enter_piece(&p, 8))
		return;
	/* At any byte: what is beside the cells, in their pages, is written as it is. */
	before = p.first > p.from * CELLS ? below(8) : 0;
	after = p.end < p.to * CELLS ? below(8) : 0;
	new_values(me.buffer + 1, &p);
	me.buffer[0] = p.first ? p.s->cells[p.first - 1] : 0;
	me.buffer[1 + p.end - p.first] = p.end < SLOT_PAGES * CELLS ? p.s->cells[p.end] : 0;
	from = (char *)(me.buffer + 1) - before;
	offset = piece_offset(&p) - before;
	len = piece_len(&p) + before + after;
	if (!p.writable) {
		expect(ZX_ERR_ACCESS_DENIED, zx_vmo_write(p.handle, from, offset, len),
		       "zx_vmo_write without the right");
	} else {
		if (one_in(3))
			all_of(write_at, zvm_handle_to_fd(p.handle), from, len, (off_t)offset,
			       "pwrite");
		else
			expect(ZX_OK, zx_vmo_write(p.handle, from, offset, len), "zx_vmo_write");
		remember(&p, me.buffer + 1);
	}
	leave_piece(&p);
}

void op_zero(void)
{
	struct piece p;

	if (!enter_piece(&p, 16))
		return;
	expect(p.writable ? ZX_OK : ZX_ERR_ACCESS_DENIED,
	       zx_vmo_op_range(p.handle, ZX_VMO_OP_ZERO, piece_offset(&p), piece_len(&p), NULL, 0),
	       "ZERO");
	if (p.writable)
		forget(p.s, piece_offset(&p), piece_offset(&p) + piece_len(&p));
	leave_piece(&p);
}

bool decommitted(struct slot *s, zx_status_t want, zx_status_t got)
{
	if (want == ZX_OK && got == ZX_ERR_NOT_SUPPORTED && atomic_load(&s->related))
		return false;
	expect(want, got, "DECOMMIT");
	return want == ZX_OK;
}

void op_decommit(void)
{
	struct piece p;

	if (!enter_pages(&p, 16))
		return;
	if (decommitted(p.s, p.writable ? ZX_OK : ZX_ERR_ACCESS_DENIED,
			zx_vmo_op_range(p.handle, ZX_VMO_OP_DECOMMIT, piece_offset(&p),
					piece_len(&p), NULL, 0)))
		forget(p.s, piece_offset(&p), piece_offset(&p) + piece_len(&p));
	leave_piece(&p);
}

/* No page is locked: it must not change any. */
void op_commit(void)
{
	unsigned int n = below(SLOTS);
	struct slot *s = &shared->slots[n];
	uint64_t offset, len;
	zx_status_t want;

	if (!enter_slot(n))
		return;
	offset = below(SLOT_BYTES);
	len = below(SLOT_BYTES / 2);
	if (!(local.rights[n] & ZX_RIGHT_WRITE))
		want = ZX_ERR_ACCESS_DENIED;
	else
		want = ((offset + len + PAGE - 1) & -(uint64_t)PAGE) > s->size ? ZX_ERR_OUT_OF_RANGE
									      : ZX_OK;
	expect(want, zx_vmo_op_range(local.vmo[n], ZX_VMO_OP_COMMIT, offset, len, NULL, 0), "COMMIT");
	leave_slot(n);
}

void op_hint(void)
{
	static const uint32_t ops[] = {
		ZX_VMO_OP_PREFETCH, ZX_VMO_OP_ALWAYS_NEED, ZX_VMO_OP_DONT_NEED,
		ZX_VMO_OP_CACHE_SYNC, ZX_VMO_OP_CACHE_CLEAN, ZX_VMO_OP_CACHE_CLEAN_INVALIDATE,
	};
	struct piece p;

	if (!enter_piece(&p, 32))
		return;
	expect(ZX_OK, zx_vmo_op_range(p.handle, ops[below(sizeof(ops) / sizeof(*ops))],
				      piece_offset(&p), piece_len(&p), NULL, 0), "a hint");
	leave_piece(&p);
}

/* ---- size --------------------------------------------------------------- */

void op_resize(void)
{
	unsigned int n = below(SLOTS);
	struct slot *s = &shared->slots[n];
	uint64_t size = below(SLOT_BYTES / 8 + 1) * 8ull;
	zx_status_t want = ZX_OK;

	if (!own_slot(n))
		return;
	if (!(local.rights[n] & ZX_RIGHT_WRITE))
		want = ZX_ERR_ACCESS_DENIED;
	else if (!s->resizable)
		want = ZX_ERR_UNAVAILABLE;
	else if (!(local.rights[n] & ZX_RIGHT_RESIZE))
		want = ZX_ERR_ACCESS_DENIED;
	expect(want, zx_vmo_set_size(local.vmo[n], size), "zx_vmo_set_size");
	if (want == ZX_OK) {
		forget(s, size, SLOT_BYTES);
		s->stream = size;
		s->size = (size + PAGE - 1) & -(uint64_t)PAGE;
	}
	leave_slot(n);
}

void op_stream_size(void)
{
	unsigned int n = below(SLOTS);
	struct slot *s = &shared->slots[n];
	uint64_t size = below(SLOT_BYTES / 8 + 1) * 8ull, now;
	zx_status_t want = ZX_OK;

	if (!own_slot(n))
		return;
	if (!(local.rights[n] & ZX_RIGHT_WRITE))
		want = ZX_ERR_ACCESS_DENIED;
	else if (size > s->size)
		want = ZX_ERR_OUT_OF_RANGE;
	expect(want, zx_vmo_set_stream_size(local.vmo[n], size), "zx_vmo_set_stream_size");
	if (want == ZX_OK && size != s->stream) {
		forget(s, size < s->stream ? size : s->stream, s->size);
		s->stream = size;
	}
	expect(ZX_OK, zx_vmo_get_stream_size(local.vmo[n], &now), "zx_vmo_get_stream_size");
	if (now != s->stream)
		fail("VMO %u has the stream size %llu instead of %llu", s->serial,
		     (unsigned long long)now, (unsigned long long)s->stream);
	leave_slot(n);
}

/* Past the end nothing goes, and nothing changes. */
void op_beyond(void)
{
	unsigned int n = below(SLOTS);
	struct slot *s = &shared->slots[n];
	uint64_t offset;

	if (!enter_slot(n))
		return;
	offset = s->size - below((unsigned int)(s->size < PAGE ? s->size : PAGE) + 1);
	expect(ZX_ERR_OUT_OF_RANGE,
	       zx_vmo_read(local.vmo[n], me.buffer, offset,
			   (size_t)(s->size - offset) + 1 + below(PAGE)),
	       "reading past the end");
	expect(ZX_OK, zx_vmo_read(local.vmo[n], NULL, s->size, 0), "reading nothing at the end");
	if (local.rights[n] & ZX_RIGHT_WRITE)
		expect(ZX_ERR_OUT_OF_RANGE,
		       zx_vmo_write(local.vmo[n], me.buffer, offset,
				    (size_t)(s->size - offset) + 1 + below(PAGE)),
		       "writing past the end");
	leave_slot(n);
}

void op_vmo_info(void)
{
	unsigned int n = below(SLOTS);
	struct slot *s = &shared->slots[n];
	zx_info_vmo_t info;
	uint64_t size;

	if (!enter_slot(n))
		return;
	expect(ZX_OK, zx_vmo_get_size(local.vmo[n], &size), "zx_vmo_get_size");
	expect(ZX_OK, zx_object_get_info(local.vmo[n], ZX_INFO_VMO, &info, sizeof(info), NULL, NULL),
	       "ZX_INFO_VMO");
	if (size != s->size || info.size_bytes != s->size || info.koid != s->koid ||
	    info.handle_rights != local.rights[n] || info.committed_bytes > s->size ||
	    !!(info.flags & ZX_INFO_VMO_RESIZABLE) != s->resizable)
		fail("VMO %u: size %llu, info: size %llu of %llu, koid %llu of %llu, rights %#x of %#x, "
		     "committed %llu, flags %#x",
		     s->serial, (unsigned long long)size, (unsigned long long)info.size_bytes,
		     (unsigned long long)s->size, (unsigned long long)info.koid,
		     (unsigned long long)s->koid, info.handle_rights, local.rights[n],
		     (unsigned long long)info.committed_bytes, info.flags);
	leave_slot(n);
}

/* ---- as a file ---------------------------------------------------------- */

static void mmap_shared(struct piece *p, uint64_t *addr, bool writable)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < 8; i++) {
		unsigned int at = below((p->end - p->first));
		unsigned int c = p->first + at;

		if (try_access(LOAD, addr + at, &value))
			fail("mmap of VMO %u: no access to page %u", p->s->serial, c / CELLS);
		compare(&value, p->s, c, c + 1, "mmap");
		value = cell_value(p->s->serial, c / CELLS, c % CELLS);
		if (writable) {
			if (try_access(STORE, addr + at, &value))
				fail("mmap of VMO %u: cannot write to page %u", p->s->serial, c / CELLS);
			p->s->cells[c] = value;
		} else if (try_access(STORE, addr + at, &value) != SIGSEGV) {
			fail("mmap of VMO %u: could write to page %u", p->s->serial, c / CELLS);
		}
	}
}

static void mmap_private(struct piece *p, uint64_t *addr)
{
	unsigned int at = below(p->end - p->first);
	uint64_t value = 0;

	compare(addr + at, p->s, p->first + at, p->first + at + 1, "private mmap");
	addr[at] = ~0ull;
	expect(ZX_OK, zx_vmo_read(p->handle, &value, piece_offset(p) + at * 8ul, 8), "zx_vmo_read");
	compare(&value, p->s, p->first + at, p->first + at + 1, "under a private mmap");
}

void op_mmap(void)
{
	bool private = one_in(4), writable = one_in(2);
	struct piece p;
	void *addr;

	if (!enter_pages(&p, 8))
		return;
	addr = mmap(NULL, piece_len(&p), writable || private ? PROT_READ | PROT_WRITE : PROT_READ,
		    private ? MAP_PRIVATE : MAP_SHARED, zvm_handle_to_fd(p.handle),
		    (off_t)piece_offset(&p));
	if (addr == MAP_FAILED) {
		if (errno != EACCES || private || !writable || p.writable)
			fail("mmap of VMO %u: %s", p.s->serial, strerror(errno));
	} else if (!private && writable && !p.writable) {
		fail("mmap of VMO %u: writable without the right", p.s->serial);
	} else {
		if (private)
			mmap_private(&p, addr);
		else
			mmap_shared(&p, addr, writable);
		munmap(addr, piece_len(&p));
	}
	leave_piece(&p);
}

/* ---- handles ------------------------------------------------------------ */

static zx_info_handle_basic_t basic(zx_handle_t h)
{
	zx_info_handle_basic_t info = { .koid = 0 };

	expect(ZX_OK, zx_object_get_info(h, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL),
	       "ZX_INFO_HANDLE_BASIC");
	return info;
}

static void forget_vmo(unsigned int n)
{
	if (local.vmo[n])
		expect(ZX_OK, zx_handle_close(local.vmo[n]), "zx_handle_close");
	local.vmo[n] = ZX_HANDLE_INVALID;
	local.serial[n] = 0;
}

void take_vmo(zx_handle_t vmo)
{
	zx_info_handle_basic_t info = basic(vmo);
	char name[ZX_MAX_NAME_LEN];
	unsigned int n, serial;
	struct slot *s;

	expect(ZX_OK, zx_object_get_property(vmo, ZX_PROP_NAME, name, sizeof(name)), "ZX_PROP_NAME");
	if (sscanf(name, "slot %u, vmo %u", &n, &serial) != 2 || n >= SLOTS)
		fail("a VMO with the name \"%s\"", name);
	s = &shared->slots[n];
	pthread_rwlock_wrlock(&s->lock);
	if (local.serial[n] != s->serial || one_in(2)) {
		if (s->serial == serial) {
			if (info.koid != s->koid)
				fail("VMO %u has the koid %llu instead of %llu", serial,
				     (unsigned long long)info.koid, (unsigned long long)s->koid);
			forget_vmo(n);
			local.vmo[n] = vmo;
			local.serial[n] = serial;
			local.rights[n] = info.rights;
			vmo = ZX_HANDLE_INVALID;
		}
	}
	pthread_rwlock_unlock(&s->lock);
	expect(ZX_OK, zx_handle_close(vmo), "zx_handle_close");
}

static zx_rights_t some_rights(zx_rights_t rights)
{
	zx_rights_t some = LEAST_RIGHTS | (rights & (zx_rights_t)random_number());

	/* Mostly, so that there is something to do. */
	return one_in(4) ? some : some | (rights & (ZX_RIGHT_WRITE | ZX_RIGHT_RESIZE));
}

/* A copy of the slot's handle to process @proc; the slot is locked. */
static void send_vmo(unsigned int n, unsigned int proc)
{
	zx_rights_t rights = some_rights(local.rights[n]);
	zx_status_t status;
	zx_handle_t copy;

	expect(ZX_OK, zx_handle_duplicate(local.vmo[n], rights, &copy), "zx_handle_duplicate");
	status = zvm_handle_send(shared->all[proc].inbox[1], copy);
	/* The inbox may be full. */
	if (status == ZX_OK)
		return;
	expect(ZX_ERR_SHOULD_WAIT, status, "zvm_handle_send");
	expect(ZX_OK, zx_handle_close(copy), "zx_handle_close");
}

void fill_slot(unsigned int n, zx_handle_t vmo, uint32_t serial, uint64_t size)
{
	struct slot *s = &shared->slots[n];
	char name[ZX_MAX_NAME_LEN];

	snprintf(name, sizeof(name), "slot %u, vmo %u", n, serial);
	expect(ZX_OK, zx_object_set_property(vmo, ZX_PROP_NAME, name, strlen(name)), "ZX_PROP_NAME");
	forget_vmo(n);
	s->serial = serial;
	s->koid = basic(vmo).koid;
	s->size = (size + PAGE - 1) & -(uint64_t)PAGE;
	s->stream = size;
	local.vmo[n] = vmo;
	local.serial[n] = serial;
	local.rights[n] = basic(vmo).rights;
	for (unsigned int i = 0; i < shared->processes; i++)
		if (i != me.proc)
			send_vmo(n, i);
}

void op_create(void)
{
	unsigned int n = below(SLOTS);
	struct slot *s = &shared->slots[n];
	uint64_t size = below(SLOT_BYTES / 8 + 1) * 8ull;
	bool resizable = one_in(2);
	zx_handle_t vmo;

	expect(ZX_OK, zx_vmo_create(size, resizable ? ZX_VMO_RESIZABLE : 0, &vmo), "zx_vmo_create");
	pthread_rwlock_wrlock(&s->lock);
	s->resizable = resizable;
	atomic_store(&s->related, false);
	memset(s->cells, 0, sizeof(s->cells));
	fill_slot(n, vmo, new_serial(), size);
	pthread_rwlock_unlock(&s->lock);
}

void op_share(void)
{
	unsigned int n = below(SLOTS);

	if (!enter_slot(n))
		return;
	send_vmo(n, below(shared->processes));
	leave_slot(n);
}

void op_duplicate(void)
{
	unsigned int n = below(SLOTS);
	zx_rights_t rights;
	zx_handle_t copy, other;

	if (!enter_slot(n))
		return;
	rights = some_rights(local.rights[n]);
	expect(ZX_OK, zx_handle_duplicate(local.vmo[n], rights, &copy), "zx_handle_duplicate");
	if (~local.rights[n] & ZX_RIGHT_EXECUTE)
		expect(ZX_ERR_INVALID_ARGS,
		       zx_handle_duplicate(local.vmo[n], rights | ZX_RIGHT_EXECUTE, &other),
		       "zx_handle_duplicate with more rights");
	leave_slot(n);

	if (basic(copy).rights != rights)
		fail("a copy has the rights %#x instead of %#x", basic(copy).rights, rights);
	if (one_in(2)) {
		other = copy;
		expect(ZX_OK, zx_handle_replace(other, rights & ~ZX_RIGHT_WRITE, &copy),
		       "zx_handle_replace");
		expect(ZX_ERR_BAD_HANDLE, zx_vmo_get_size(other, me.buffer), "a replaced handle");
		expect(ZX_ERR_ACCESS_DENIED, zx_vmo_write(copy, me.buffer, 0, 0),
		       "zx_vmo_write without the right");
	}
	expect(ZX_OK, zx_handle_close(copy), "zx_handle_close");
	expect(ZX_ERR_BAD_HANDLE, zx_handle_close(copy), "zx_handle_close once more");
}

/* A handle that others close while we use it: it works, or it is dead. */
void op_hot_handle(void)
{
	zx_handle_t h, old;
	zx_status_t status;
	unsigned int n;

	for (unsigned int i = 0; i < 8; i++) {
		h = atomic_load(&local.hot);
		if (!h)
			break;
		/* Whatever it is a handle of: what it gives fits into the buffer. */
		status = zx_vmo_read(h, me.buffer, below(SLOT_BYTES), below(PAGE));
		if (status != ZX_OK && status != ZX_ERR_BAD_HANDLE && status != ZX_ERR_OUT_OF_RANGE &&
		    /* The descriptor is another handle by now, and by chance has the same tag. */
		    status != ZX_ERR_WRONG_TYPE && status != ZX_ERR_ACCESS_DENIED)
			fail("zx_vmo_read of a handle that may be closed: %s",
			     zx_status_get_string(status));
	}
	n = below(SLOTS);
	if (!enter_slot(n))
		return;
	expect(ZX_OK, zx_handle_duplicate(local.vmo[n], LEAST_RIGHTS, &h), "zx_handle_duplicate");
	leave_slot(n);
	old = atomic_exchange(&local.hot, h);
	expect(ZX_OK, zx_handle_close(old), "zx_handle_close");
}

/* A VMO of our own, as large as can be: some pages far from each other. */
void op_sparse(void)
{
	uint64_t offsets[12], value;
	zx_handle_t vmo;

	expect(ZX_OK, zx_vmo_create(0, ZX_VMO_UNBOUNDED, &vmo), "zx_vmo_create");
	for (uint64_t i = 0; i < 12; i++) {
		/* The lowest bits tell them apart. */
		offsets[i] = (random_number() >> (1 + below(50))) / 128 * 128 + 8 * i;
		expect(ZX_OK, zx_vmo_write(vmo, &offsets[i], offsets[i], 8), "zx_vmo_write");
	}
	for (unsigned int i = 0; i < 12; i++) {
		expect(ZX_OK, zx_vmo_read(vmo, &value, offsets[i], 8), "zx_vmo_read");
		if (value != offsets[i])
			fail("a sparse VMO has %#llx at %#llx", (unsigned long long)value,
			     (unsigned long long)offsets[i]);
	}
	if (one_in(2))
		expect(ZX_OK, zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, 1ull << 62, NULL, 0),
		       "DECOMMIT");
	expect(ZX_OK, zx_handle_close(vmo), "zx_handle_close");
}
