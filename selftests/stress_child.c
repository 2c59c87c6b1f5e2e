// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Operations with children of VMOs.
 *
 * A slot's VMO can be a snapshot of another slot's: then all that is done to the
 * two concerns shared pages. The cells of relatives name the family, so an access
 * without a lock may find what a relative has; who has locks knows every byte.
 *
 * Besides that each process keeps snapshots of pieces for itself, with a copy of
 * what was there at that time. They are written to and moved about, too.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "stress.h"

#define KEPT 10
#define KEPT_PAGES 8

/**
 * struct kept - a snapshot that only this process knows
 * @lock: guards the rest, and the content
 * @vmo: the snapshot; ZX_HANDLE_INVALID: none
 * @pages: how many it has
 * @writable: by calls, and the mapping is
 * @map: where it is mapped, or NULL
 * @plain: by mmap(2)
 * @cells: the content
 */
static struct kept {
	pthread_mutex_t lock;
	zx_handle_t vmo;
	unsigned int pages;
	bool writable;
	uint64_t *map;
	bool plain;
	uint64_t cells[KEPT_PAGES * CELLS];
} kept[KEPT] = { [0 ... KEPT - 1] = { .lock = PTHREAD_MUTEX_INITIALIZER } };

static size_t kept_len(const struct kept *k)
{
	return (size_t)k->pages * PAGE;
}

static void compare_kept(const struct kept *k, const uint64_t *got, unsigned int page,
			 unsigned int pages, const char *what)
{
	const uint64_t *want = k->cells + page * CELLS;

	for (unsigned int i = 0; i < pages * CELLS; i++)
		if (got[i] != want[i])
			fail("%s: cell %u of page %u of a snapshot is %#llx instead of %#llx", what,
			     i % CELLS, page + i / CELLS, (unsigned long long)got[i],
			     (unsigned long long)want[i]);
}

static void check_kept(const struct kept *k)
{
	expect(ZX_OK, zx_vmo_read(k->vmo, me.buffer, 0, kept_len(k)), "zx_vmo_read of a snapshot");
	compare_kept(k, me.buffer, 0, k->pages, "read");
	if (k->map)
		compare_kept(k, k->map, 0, k->pages, "mapping");
}

static void drop_kept(struct kept *k)
{
	if (k->map && k->plain)
		munmap(k->map, kept_len(k));
	else if (k->map)
		expect(ZX_OK, zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)k->map, kept_len(k)),
		       "zx_vmar_unmap");
	expect(ZX_OK, zx_handle_close(k->vmo), "zx_handle_close");
	k->map = NULL;
	k->vmo = ZX_HANDLE_INVALID;
}

static void map_kept(struct kept *k)
{
	zx_vaddr_t addr;

	k->plain = one_in(3);
	if (k->plain) {
		k->map = mmap(NULL, kept_len(k), k->writable ? PROT_READ | PROT_WRITE : PROT_READ,
			      MAP_SHARED, zvm_handle_to_fd(k->vmo), 0);
		if (k->map == MAP_FAILED)
			fail("mmap of a snapshot: %s", strerror(errno));
		return;
	}
	expect(ZX_OK, zx_vmar_map(zx_vmar_root_self(), k->writable ? RW : ZX_VM_PERM_READ, 0, k->vmo,
				  0, kept_len(k), &addr), "zx_vmar_map");
	k->map = (uint64_t *)addr;
}

static uint32_t some_snapshot(void)
{
	static const uint32_t types[] = {
		ZX_VMO_CHILD_SNAPSHOT, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
		ZX_VMO_CHILD_SNAPSHOT_MODIFIED,
	};

	return types[below(3)];
}

/* Snapshot a piece of a slot, which nobody changes meanwhile; others change the rest. */
void op_keep(void)
{
	struct kept *k = &kept[below(KEPT)];
	uint32_t options = some_snapshot();
	struct piece p;

	if (!enter_pages(&p, KEPT_PAGES))
		return;
	if (pthread_mutex_trylock(&k->lock)) {
		leave_piece(&p);
		return;
	}
	if (k->vmo) {
		check_kept(k);
		drop_kept(k);
	}
	k->writable = !one_in(4);
	if (!k->writable)
		options |= ZX_VMO_CHILD_NO_WRITE;
	expect(ZX_OK, zx_vmo_create_child(p.handle, options, piece_offset(&p), piece_len(&p),
					  &k->vmo), "zx_vmo_create_child");
	atomic_store(&p.s->related, true);
	k->pages = p.to - p.from;
	memcpy(k->cells, p.s->cells + p.first, piece_len(&p));
	leave_piece(&p);
	if (one_in(2))
		map_kept(k);
	check_kept(k);
	pthread_mutex_unlock(&k->lock);
}

/* A kept snapshot is written to, in one of several ways. */
static void change_kept(struct kept *k)
{
	unsigned int cell = below(k->pages * CELLS), n = 1 + below(100);
	uint64_t value = random_number();

	if (n > k->pages * CELLS - cell)
		n = k->pages * CELLS - cell;
	switch (below(3)) {
	case 0:
		for (unsigned int i = 0; i < n; i++)
			me.buffer[i] = value + i;
		expect(ZX_OK, zx_vmo_write(k->vmo, me.buffer, cell * 8ul, n * 8ul),
		       "zx_vmo_write to a snapshot");
		memcpy(k->cells + cell, me.buffer, n * 8ul);
		break;
	case 1:
		expect(ZX_OK, zx_vmo_op_range(k->vmo, ZX_VMO_OP_ZERO, cell * 8ul, n * 8ul, NULL, 0),
		       "ZERO of a snapshot");
		memset(k->cells + cell, 0, n * 8ul);
		break;
	default:
		if (!k->map)
			break;
		if (try_access(STORE, k->map + cell, &value))
			fail("cannot write to a mapped snapshot");
		k->cells[cell] = value;
	}
}

/* A snapshot of a snapshot. */
static void keep_kept(const struct kept *k, struct kept *to)
{
	uint32_t options = some_snapshot();

	if (to->vmo) {
		check_kept(to);
		drop_kept(to);
	}
	to->writable = true;
	to->pages = 1 + below(k->pages);
	expect(ZX_OK, zx_vmo_create_child(k->vmo, options, kept_len(k) - kept_len(to), kept_len(to),
					  &to->vmo), "zx_vmo_create_child of a snapshot");
	memcpy(to->cells, k->cells + (k->pages - to->pages) * CELLS, kept_len(to));
	if (one_in(2))
		map_kept(to);
}

/* Pages go from one to the other. */
static void move_kept(struct kept *k, struct kept *to)
{
	unsigned int n = 1 + below(k->pages < to->pages ? k->pages : to->pages);
	unsigned int from = below(k->pages - n + 1), at = below(to->pages - n + 1);

	if (!k->writable || !to->writable || !to->vmo)
		return;
	expect(ZX_OK, zx_vmo_transfer_data(to->vmo, 0, at * (uint64_t)PAGE, n * (uint64_t)PAGE,
					   k->vmo, from * (uint64_t)PAGE), "zx_vmo_transfer_data");
	memcpy(to->cells + at * CELLS, k->cells + from * CELLS, n * (size_t)PAGE);
	memset(k->cells + from * CELLS, 0, n * (size_t)PAGE);
	check_kept(to);
}

void op_kept(void)
{
	struct kept *k = &kept[below(KEPT)], *other = &kept[below(KEPT)];

	pthread_mutex_lock(&k->lock);
	if (k->vmo) {
		if (k->writable && !one_in(3))
			change_kept(k);
		if (other != k && one_in(2) && !pthread_mutex_trylock(&other->lock)) {
			if (one_in(2))
				keep_kept(k, other);
			else
				move_kept(k, other);
			pthread_mutex_unlock(&other->lock);
		}
		check_kept(k);
		if (one_in(16))
			drop_kept(k);
	}
	pthread_mutex_unlock(&k->lock);
}

/* Pages of a slot go to a kept snapshot: zeros stay behind. */
void op_take_pages(void)
{
	struct kept *k = &kept[below(KEPT)];
	struct piece p;

	if (!enter_pages(&p, KEPT_PAGES))
		return;
	if (!pthread_mutex_trylock(&k->lock)) {
		unsigned int n = p.to - p.from;

		if (k->vmo && k->writable && n <= k->pages) {
			expect(p.writable ? ZX_OK : ZX_ERR_ACCESS_DENIED,
			       zx_vmo_transfer_data(k->vmo, 0, 0, piece_len(&p), p.handle,
						    piece_offset(&p)), "zx_vmo_transfer_data");
			if (p.writable) {
				memcpy(k->cells, p.s->cells + p.first, piece_len(&p));
				memset(p.s->cells + p.first, 0, piece_len(&p));
			}
			check_kept(k);
		}
		pthread_mutex_unlock(&k->lock);
	}
	leave_piece(&p);
}

/* A slice or reference of a slot's VMO: the same bytes, through another VMO. */
void op_view(void)
{
	bool reference = one_in(2), writable;
	zx_status_t want = ZX_OK;
	struct piece p;
	zx_handle_t view;
	uint64_t offset;

	if (!enter_pages(&p, 8))
		return;
	offset = reference ? piece_offset(&p) : 0;
	if (!reference && p.s->resizable)
		want = ZX_ERR_NOT_SUPPORTED;
	writable = p.writable && !one_in(3);
	expect(want, zx_vmo_create_child(p.handle,
					 (reference ? ZX_VMO_CHILD_REFERENCE : ZX_VMO_CHILD_SLICE) |
					 (writable ? 0 : ZX_VMO_CHILD_NO_WRITE),
					 reference ? 0 : piece_offset(&p),
					 reference ? 0 : piece_len(&p), &view),
	       "zx_vmo_create_child");
	if (want == ZX_OK) {
		uint64_t *cells = p.s->cells + p.first, value;
		zx_vaddr_t addr;

		expect(ZX_OK, zx_vmar_map(zx_vmar_root_self(),
					  (writable ? RW : ZX_VM_PERM_READ) | ZX_VM_ALLOW_FAULTS, 0,
					  view, offset, piece_len(&p), &addr), "zx_vmar_map");
		/* The mapping keeps it. */
		if (one_in(2)) {
			expect(ZX_OK, zx_handle_close(view), "zx_handle_close");
			view = ZX_HANDLE_INVALID;
		} else {
			expect(ZX_OK, zx_vmo_read(view, me.buffer, offset, piece_len(&p)),
			       "zx_vmo_read of a view");
			if (memcmp(me.buffer, cells, piece_len(&p)))
				fail("a view has other bytes than VMO %u", p.s->serial);
		}
		for (unsigned int i = 0; i < 8; i++) {
			unsigned int c = below(p.end - p.first), at = p.first + c;
			uint64_t *shown = (uint64_t *)addr + c;

			if (try_access(LOAD, shown, &value) || value != cells[c])
				fail("a mapped view of VMO %u has a wrong cell %u", p.s->serial, at);
			value = cell_value(p.s->serial, at / CELLS, at % CELLS);
			if (!try_access(STORE, shown, &value) != writable)
				fail("a view of VMO %u: permission to write", p.s->serial);
			if (writable)
				cells[c] = value;
		}
		expect(ZX_OK, zx_vmar_unmap(zx_vmar_root_self(), addr, piece_len(&p)),
		       "zx_vmar_unmap");
		expect(ZX_OK, zx_handle_close(view), "zx_handle_close");
	}
	leave_piece(&p);
}

/* A slot gets a snapshot of another slot's VMO, in place of its own. */
void op_snapshot(void)
{
	unsigned int n = below(SLOTS), from = below(SLOTS);
	struct slot *s = &shared->slots[from], *to = &shared->slots[n];
	uint64_t size = below(SLOT_BYTES / 8 + 1) * 8ull, whole;
	zx_handle_t vmo;

	if (n == from || !enter_slot(from))
		return;
	/* Nobody waits with a slot locked. */
	if (pthread_rwlock_trywrlock(&to->lock)) {
		leave_slot(from);
		return;
	}
	lock_pages(s, 0, SLOT_PAGES);
	to->resizable = one_in(2);
	expect(ZX_OK, zx_vmo_create_child(local.vmo[from],
					  some_snapshot() |
					  (to->resizable ? ZX_VMO_CHILD_RESIZABLE : 0),
					  0, size, &vmo), "zx_vmo_create_child");
	memcpy(to->cells, s->cells, SLOT_BYTES);
	/* What is behind the size, in the last page, comes along. */
	whole = (size + PAGE - 1) & -(uint64_t)PAGE;
	memset((char *)to->cells + whole, 0, SLOT_BYTES - whole);
	atomic_store(&s->related, true);
	atomic_store(&to->related, true);
	fill_slot(n, vmo, relative_serial(s->serial), size);
	unlock_pages(s, 0, SLOT_PAGES);
	pthread_rwlock_unlock(&to->lock);
	leave_slot(from);
}

/* At the end. */
void drop_all_kept(void)
{
	for (unsigned int i = 0; i < KEPT; i++)
		if (kept[i].vmo)
			drop_kept(&kept[i]);
}
