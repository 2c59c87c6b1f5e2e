// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Operations on regions and mappings, and accesses to what is mapped.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "stress.h"

/* ---- regions ------------------------------------------------------------ */

void init_regions(void)
{
	pthread_rwlockattr_t rw;

	pthread_rwlockattr_init(&rw);
	pthread_rwlockattr_setpshared(&rw, PTHREAD_PROCESS_SHARED);
	pthread_rwlockattr_setkind_np(&rw, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	for (unsigned int p = 0; p < MOST_PROCESSES; p++) {
		for (unsigned int r = 0; r < REGIONS; r++) {
			struct region *region = &shared->all[p].regions[r];

			pthread_rwlock_init(&region->lock, &rw);
			for (unsigned int w = 0; w < WINDOWS; w++)
				pthread_rwlock_init(&region->windows[w].lock, &rw);
		}
	}
}

static zx_koid_t koid_of(zx_handle_t h)
{
	zx_info_handle_basic_t info = { .koid = 0 };

	expect(ZX_OK, zx_object_get_info(h, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL),
	       "ZX_INFO_HANDLE_BASIC");
	return info.koid;
}

/* Locked for writing. */
static void make_region(unsigned int r)
{
	struct region *region = &myself()->regions[r];
	zx_vaddr_t base;

	region->size = (WINDOWS * WINDOW_PAGES + below(1000)) * (size_t)PAGE;
	expect(ZX_OK, zx_vmar_allocate(zx_vmar_root_self(), ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE |
				       ZX_VM_CAN_MAP_SPECIFIC, 0, region->size, &local.region[r],
				       &base), "zx_vmar_allocate");
	region->koid = koid_of(local.region[r]);
	atomic_store(&region->base, base);
	if (r != LENT)
		return;
	for (unsigned int p = 0; p < shared->processes; p++) {
		zx_status_t status;
		zx_handle_t lent;

		if (p == me.proc)
			continue;
		expect(ZX_OK, zvm_vmar_lend(local.region[r], ZX_RIGHT_SAME_RIGHTS, &lent),
		       "zvm_vmar_lend");
		status = zvm_handle_send(shared->all[p].inbox[1], lent);
		if (status == ZX_OK)
			continue;
		expect(ZX_ERR_SHOULD_WAIT, status, "zvm_handle_send");
		expect(ZX_OK, zx_handle_close(lent), "zx_handle_close");
	}
}

void make_regions(void)
{
	for (unsigned int r = 0; r < REGIONS; r++) {
		pthread_rwlock_wrlock(&myself()->regions[r].lock);
		make_region(r);
		pthread_rwlock_unlock(&myself()->regions[r].lock);
	}
	atomic_store(&myself()->pid, getpid());
	atomic_store(&myself()->ready, true);
}

void take_vmar(zx_handle_t vmar, zx_koid_t koid)
{
	for (unsigned int p = 0; vmar && p < shared->processes; p++) {
		struct region *region = &shared->all[p].regions[LENT];

		if (p == me.proc)
			continue;
		pthread_rwlock_wrlock(&region->lock);
		if (region->koid == koid && local.lent_koid[p] != koid) {
			expect(ZX_OK, zx_handle_close(local.lent[p]), "zx_handle_close");
			local.lent[p] = vmar;
			local.lent_koid[p] = koid;
			vmar = ZX_HANDLE_INVALID;
		}
		pthread_rwlock_unlock(&region->lock);
	}
	expect(ZX_OK, zx_handle_close(vmar), "zx_handle_close");
}

void op_destroy(void)
{
	unsigned int r = below(REGIONS);
	struct region *region = &myself()->regions[r];
	zx_vaddr_t addr;

	pthread_rwlock_wrlock(&region->lock);
	for (unsigned int w = 0; w < WINDOWS; w++)
		atomic_fetch_add(&region->windows[w].version, 1);
	if (one_in(2))
		expect(ZX_OK, zx_vmar_destroy(local.region[r]), "zx_vmar_destroy");
	else
		expect(ZX_OK, zx_vmar_unmap(zx_vmar_root_self(), region->base, region->size),
		       "zx_vmar_unmap of a region");
	addr = region->base;
	expect(ZX_ERR_BAD_STATE, zx_vmar_destroy(local.region[r]), "zx_vmar_destroy once more");
	expect(ZX_ERR_BAD_STATE, zx_vmar_unmap(local.region[r], addr, PAGE),
	       "zx_vmar_unmap in a destroyed region");
	expect(ZX_OK, zx_handle_close(local.region[r]), "zx_handle_close");
	make_region(r);
	for (unsigned int w = 0; w < WINDOWS; w++) {
		memset(region->windows[w].pages, 0, sizeof(region->windows[w].pages));
		atomic_fetch_add(&region->windows[w].version, 1);
	}
	pthread_rwlock_unlock(&region->lock);
}

/* ---- windows ------------------------------------------------------------ */

/**
 * struct view - some pages of a window, locked
 * @proc: whose it is
 * @region: the region
 * @window: the window
 * @handle: this process's handle of the region
 * @first, @end: the pages
 * @addr: of the first
 */
struct view {
	unsigned int proc;
	struct region *region;
	struct window *window;
	zx_handle_t handle;
	unsigned int first, end;
	zx_vaddr_t addr;
};

static size_t view_offset(const struct view *v)
{
	return (size_t)(v->window - v->region->windows) * WINDOW_BYTES + v->first * (size_t)PAGE;
}

static size_t view_len(const struct view *v)
{
	return (size_t)(v->end - v->first) * PAGE;
}

/* Choose pages of a window; the region gets locked, the window not yet. */
static bool choose(struct view *v, bool remote)
{
	unsigned int r = below(REGIONS);

	v->proc = me.proc;
	if (remote && one_in(4)) {
		v->proc = below(shared->processes);
		r = LENT;
	}
	v->region = &shared->all[v->proc].regions[r];
	pthread_rwlock_rdlock(&v->region->lock);
	v->handle = v->proc == me.proc ? local.region[r] : local.lent[v->proc];
	if (v->proc != me.proc &&
	    (!v->region->koid || local.lent_koid[v->proc] != v->region->koid)) {
		/* Destroyed meanwhile, or not received yet. */
		pthread_rwlock_unlock(&v->region->lock);
		return false;
	}
	v->window = &v->region->windows[below(WINDOWS)];
	v->first = below(WINDOW_PAGES);
	v->end = v->first + 1 + below(WINDOW_PAGES - v->first);
	v->addr = v->region->base + view_offset(v);
	return true;
}

/* To change what is mapped. */
static bool enter_view(struct view *v)
{
	if (!choose(v, true))
		return false;
	pthread_rwlock_wrlock(&v->window->lock);
	atomic_fetch_add(&v->window->version, 1);
	return true;
}

static void leave_view(struct view *v)
{
	atomic_fetch_add(&v->window->version, 1);
	pthread_rwlock_unlock(&v->window->lock);
	pthread_rwlock_unlock(&v->region->lock);
}

static bool any_mapped(const struct view *v)
{
	for (unsigned int i = v->first; i < v->end; i++)
		if (v->window->pages[i].serial)
			return true;
	return false;
}

static bool all_mapped(const struct view *v)
{
	for (unsigned int i = v->first; i < v->end; i++)
		if (!v->window->pages[i].serial)
			return false;
	return true;
}

/* Map pages of slot @n from @page on; the slot is locked. */
static void map_slot(struct view *v, unsigned int n, unsigned int page, zx_vm_option_t options)
{
	struct slot *s = &shared->slots[n];
	uint8_t max = local.rights[n] & ZX_RIGHT_WRITE ? RW : ZX_VM_PERM_READ;
	uint8_t perm = options & RW;
	zx_status_t want = ZX_OK;
	zx_vaddr_t addr = 0;

	if (perm & ~max)
		want = ZX_ERR_ACCESS_DENIED;
	else if ((options & ZX_VM_SPECIFIC) && any_mapped(v))
		want = ZX_ERR_ALREADY_EXISTS;
	expect(want, zx_vmar_map(v->handle, options, view_offset(v), local.vmo[n],
				 page * (uint64_t)PAGE, view_len(v), &addr), "zx_vmar_map");
	if (want != ZX_OK)
		return;
	if (addr != v->addr)
		fail("mapped at %#lx instead of %#lx", addr, v->addr);
	for (unsigned int i = v->first; i < v->end; i++)
		v->window->pages[i] = (struct window_page) {
			.serial = s->serial,
			.koid = s->koid,
			.slot = (uint8_t)n,
			.page = (uint8_t)(page + i - v->first),
			.perm = perm,
			.max = max,
		};
}

void op_map(void)
{
	zx_vm_option_t options = one_in(8) ? 0 : one_in(3) ? ZX_VM_PERM_READ : RW;
	unsigned int n = below(SLOTS);
	struct view v;

	if (one_in(2)) {
		options |= ZX_VM_SPECIFIC_OVERWRITE;
	} else {
		options |= ZX_VM_SPECIFIC;
		if (one_in(2))
			options |= ZX_VM_MAP_RANGE;
	}
	if (!enter_view(&v))
		return;
	if (enter_slot(n)) {
		map_slot(&v, n, below(SLOT_PAGES), options);
		leave_slot(n);
	}
	leave_view(&v);
}

static void unmap_view(struct view *v)
{
	expect(ZX_OK, zx_vmar_unmap(v->handle, v->addr, view_len(v)), "zx_vmar_unmap");
	memset(v->window->pages + v->first, 0, (v->end - v->first) * sizeof(struct window_page));
}

void op_unmap(void)
{
	struct view v;

	if (!enter_view(&v))
		return;
	unmap_view(&v);
	leave_view(&v);
}

void op_protect(void)
{
	uint8_t perm = one_in(6) ? 0 : one_in(2) ? ZX_VM_PERM_READ : RW;
	zx_status_t want = ZX_OK;
	struct view v;

	if (!enter_view(&v))
		return;
	for (unsigned int i = v.first; i < v.end && want == ZX_OK; i++) {
		if (!v.window->pages[i].serial)
			want = ZX_ERR_NOT_FOUND;
		else if (perm & ~v.window->pages[i].max)
			want = ZX_ERR_ACCESS_DENIED;
	}
	expect(want, zx_vmar_protect(v.handle, perm, v.addr, view_len(&v)), "zx_vmar_protect");
	for (unsigned int i = v.first; i < v.end && want == ZX_OK; i++)
		v.window->pages[i].perm = perm;
	leave_view(&v);
}

/*
 * One page at one address, now of this VMO and now of that, with others looking
 * on (op_race() and op_peek()).
 */
void op_swap(void)
{
	struct view v;

	if (!choose(&v, false))
		return;
	v.end = v.first + 1;
	for (unsigned int i = 0; i < 8; i++) {
		struct window_page *page = &v.window->pages[v.first];
		unsigned int n = below(SLOTS);

		pthread_rwlock_wrlock(&v.window->lock);
		atomic_fetch_add(&v.window->version, 1);
		if (enter_slot(n)) {
			if (one_in(2)) {
				unmap_view(&v);
				map_slot(&v, n, below(SLOT_PAGES), RW | ZX_VM_SPECIFIC);
			} else {
				map_slot(&v, n, below(SLOT_PAGES), RW | ZX_VM_SPECIFIC_OVERWRITE);
			}
			if (page->serial && page->perm)
				check_mapped((void *)v.addr, page->serial, page->page,
					     page->perm & ZX_VM_PERM_WRITE, 0);
			leave_slot(n);
		}
		atomic_fetch_add(&v.window->version, 1);
		pthread_rwlock_unlock(&v.window->lock);
	}
	pthread_rwlock_unlock(&v.region->lock);
}

/* ZX_VMAR_OP_... that change a VMO: of one page. The slot and its page are locked. */
static void change_page(struct view *v, struct slot *s, const struct window_page *page)
{
	static const uint32_t ops[] = {
		ZX_VMAR_OP_COMMIT, ZX_VMAR_OP_DECOMMIT, ZX_VMAR_OP_ZERO,
	};
	uint32_t op = ops[below(3)];
	zx_status_t want = ZX_OK, got;

	if (!(page->max & ZX_VM_PERM_WRITE))
		want = ZX_ERR_ACCESS_DENIED;
	else if (page->page * (uint64_t)PAGE >= s->size)
		want = ZX_ERR_OUT_OF_RANGE;
	got = zx_vmar_op_range(v->handle, op, v->addr, PAGE, NULL, 0);
	if (op != ZX_VMAR_OP_DECOMMIT)
		expect(want, got, "zx_vmar_op_range");
	else if (!decommitted(s, want, got))
		return;
	if (want == ZX_OK && op != ZX_VMAR_OP_COMMIT)
		memset(s->cells + page->page * CELLS, 0, PAGE);
}

void op_range(void)
{
	struct window_page *page;
	struct slot *s;
	struct view v;

	if (!choose(&v, true))
		return;
	pthread_rwlock_rdlock(&v.window->lock);
	if (one_in(2)) {
		expect(all_mapped(&v) ? ZX_OK : ZX_ERR_BAD_STATE,
		       zx_vmar_op_range(v.handle, one_in(2) ? ZX_VMAR_OP_MAP_RANGE :
					ZX_VMAR_OP_ALWAYS_NEED, v.addr, view_len(&v), NULL, 0),
		       "MAP_RANGE or ALWAYS_NEED");
	} else {
		v.end = v.first + 1;
		page = &v.window->pages[v.first];
		s = &shared->slots[page->slot];
		if (page->serial && page->page < SLOT_PAGES && enter_slot(page->slot)) {
			/* The slot may have another VMO by now. */
			if (s->serial == page->serial) {
				lock_pages(s, page->page, page->page + 1u);
				change_page(&v, s, page);
				unlock_pages(s, page->page, page->page + 1u);
			}
			leave_slot(page->slot);
		}
	}
	pthread_rwlock_unlock(&v.window->lock);
	pthread_rwlock_unlock(&v.region->lock);
}

/* ---- the tree as the kernel tells it ------------------------------------ */

void op_tree(void)
{
	struct window_page seen[WINDOW_PAGES] = { { 0 } };
	zx_info_maps_t *maps = (zx_info_maps_t *)me.buffer;
	size_t actual, avail;
	zx_vaddr_t base;
	struct view v;

	if (!choose(&v, false))
		return;
	pthread_rwlock_rdlock(&v.window->lock);
	v.first = 0;
	base = v.region->base + view_offset(&v);
	expect(ZX_OK, zx_object_get_info(v.handle, ZX_INFO_VMAR_MAPS, maps, SLOT_BYTES, &actual,
					 &avail), "ZX_INFO_VMAR_MAPS");
	if (!actual || actual != avail || maps[0].base != v.region->base ||
	    maps[0].size != v.region->size || maps[0].type != ZX_INFO_MAPS_TYPE_VMAR)
		fail("ZX_INFO_VMAR_MAPS: %zu of %zu records, the first at %#lx", actual, avail,
		     maps[0].base);
	for (size_t i = 1; i < actual; i++) {
		for (zx_vaddr_t a = maps[i].base; a < maps[i].base + maps[i].size; a += PAGE) {
			const zx_info_maps_mapping_t *m = &maps[i].u.mapping;
			uint64_t offset = m->vmo_offset + (a - maps[i].base);

			if (a - base >= WINDOW_BYTES)
				continue;
			seen[(a - base) / PAGE] = (struct window_page) {
				.koid = m->vmo_koid,
				.page = (uint8_t)(offset / PAGE),
				.perm = (uint8_t)m->mmu_flags,
			};
		}
	}
	for (unsigned int i = 0; i < WINDOW_PAGES; i++) {
		const struct window_page *want = &v.window->pages[i];

		if (seen[i].koid != want->koid || seen[i].page != want->page ||
		    seen[i].perm != want->perm)
			fail("%#lx: page %u of koid %llu, permissions %u, instead of page %u of "
			     "koid %llu, %u",
			     base + i * PAGE, seen[i].page, (unsigned long long)seen[i].koid,
			     seen[i].perm, want->page, (unsigned long long)want->koid, want->perm);
	}
	pthread_rwlock_unlock(&v.window->lock);
	pthread_rwlock_unlock(&v.region->lock);
}

/* ---- accesses of which we know what they must give ---------------------- */

/**
 * struct sight - a page of one of our windows, all locked that it depends on
 * @v: the page in its window
 * @page: what is mapped
 * @s: slot with that VMO, @page->page of which is locked
 * @within: the page is within the VMO
 */
struct sight {
	struct view v;
	const struct window_page *page;
	struct slot *s;
	bool within;
};

static bool enter_sight(struct sight *t)
{
	if (!choose(&t->v, false))
		return false;
	t->v.end = t->v.first + 1;
	pthread_rwlock_rdlock(&t->v.window->lock);
	t->page = &t->v.window->pages[t->v.first];
	t->s = &shared->slots[t->page->slot];
	if (t->page->serial && t->page->page < SLOT_PAGES) {
		pthread_rwlock_rdlock(&t->s->lock);
		if (t->s->serial == t->page->serial) {
			lock_pages(t->s, t->page->page, t->page->page + 1u);
			t->within = t->page->page * (uint64_t)PAGE < t->s->size;
			return true;
		}
		pthread_rwlock_unlock(&t->s->lock);
	}
	pthread_rwlock_unlock(&t->v.window->lock);
	pthread_rwlock_unlock(&t->v.region->lock);
	return false;
}

static void leave_sight(struct sight *t)
{
	unlock_pages(t->s, t->page->page, t->page->page + 1u);
	pthread_rwlock_unlock(&t->s->lock);
	pthread_rwlock_unlock(&t->v.window->lock);
	pthread_rwlock_unlock(&t->v.region->lock);
}

/* The signal that an access must raise, or 0. */
static int signal_due(const struct sight *t, uint8_t perm)
{
	if (perm & ~t->page->perm)
		return SIGSEGV;
	return t->within ? 0 : SIGBUS;
}

static uint64_t *cell_of(const struct sight *t, unsigned int c)
{
	return &t->s->cells[t->page->page * CELLS + c];
}

static void must_be(const struct sight *t, int want, int got, const char *what)
{
	if (want != got)
		fail("%s at %#lx gave signal %d instead of %d: page %u of VMO %u (%llu bytes), "
		     "permissions %u",
		     what, t->v.addr, got, want, t->page->page, t->page->serial,
		     (unsigned long long)t->s->size, t->page->perm);
}

static void must_show(const struct sight *t, unsigned int c, uint64_t value, const char *what)
{
	if (value != *cell_of(t, c))
		fail("%s at %#lx gave %#llx instead of %#llx: cell %u of page %u of VMO %u", what,
		     t->v.addr, (unsigned long long)value, (unsigned long long)*cell_of(t, c), c,
		     t->page->page, t->page->serial);
}

void op_look(void)
{
	struct sight t;
	uint64_t value = 0;

	if (!enter_sight(&t))
		return;
	for (unsigned int i = 0; i < 16; i++) {
		unsigned int c = below(CELLS);
		int sig = try_access(LOAD, (volatile uint64_t *)t.v.addr + c, &value);

		must_be(&t, signal_due(&t, ZX_VM_PERM_READ), sig, "a load");
		if (sig)
			break;
		must_show(&t, c, value, "a load");
	}
	leave_sight(&t);
}

void op_change(void)
{
	struct sight t;

	if (!enter_sight(&t))
		return;
	for (unsigned int i = 0; i < 8; i++) {
		unsigned int c = below(CELLS);
		uint64_t value = cell_value(t.s->serial, t.page->page, c);
		int sig = try_access(STORE, (volatile uint64_t *)t.v.addr + c, &value);

		must_be(&t, signal_due(&t, RW), sig, "a store");
		if (sig)
			break;
		*cell_of(&t, c) = value;
		if (one_in(2)) {
			sig = try_access(LOAD, (volatile uint64_t *)t.v.addr + c, &value);
			must_be(&t, 0, sig, "a load after a store");
			must_show(&t, c, value, "a load after a store");
		}
	}
	leave_sight(&t);
}

/*
 * The kernel accesses the mapping for us: to and from a pipe by copying, to a
 * pipe by reference, and by zx_vmo_read() and zx_vmo_write() of the very page
 * that the buffer lies in.
 */
static void pipe_out(struct sight *t, unsigned int c, bool by_reference)
{
	struct iovec part = { .iov_base = (uint64_t *)t->v.addr + c, .iov_len = 8 };
	ssize_t n = by_reference ? vmsplice(me.pipe[1], &part, 1, 0) :
				   write(me.pipe[1], part.iov_base, 8);
	int due = signal_due(t, ZX_VM_PERM_READ);
	uint64_t value = 0;

	if (n < 0 && errno == EINTR)
		return;
	if ((n == 8) != !due || (n < 0 && errno != EFAULT))
		fail("%s from %#lx: %zd, %s; a load would give signal %d",
		     by_reference ? "vmsplice" : "write", t->v.addr, n, strerror(errno), due);
	if (n != 8)
		return;
	while ((n = read(me.pipe[0], &value, 8)) < 0 && errno == EINTR)
		;
	must_show(t, c, value, "a pipe");
}

static void pipe_in(struct sight *t, unsigned int c)
{
	uint64_t value = cell_value(t->s->serial, t->page->page, c), rest;
	int due = signal_due(t, RW);
	ssize_t n;

	while (write(me.pipe[1], &value, 8) < 0 && errno == EINTR)
		;
	while ((n = read(me.pipe[0], (uint64_t *)t->v.addr + c, 8)) < 0 && errno == EINTR)
		;
	if ((n == 8) != !due || (n < 0 && errno != EFAULT))
		fail("read to %#lx: %zd, %s; a store would give signal %d", t->v.addr, n,
		     strerror(errno), due);
	if (n == 8)
		*cell_of(t, c) = value;
	/* What could not be copied is still there. */
	else
		while (read(me.pipe[0], &rest, 8) < 0 && errno == EINTR)
			;
}

/* A page onto itself. */
static void onto_itself(struct sight *t)
{
	bool reading = one_in(2);
	int due = signal_due(t, reading ? RW : ZX_VM_PERM_READ);
	unsigned int n = t->page->slot;
	uint64_t offset = t->page->page * (uint64_t)PAGE;
	zx_status_t want = ZX_OK;

	if (local.serial[n] != t->s->serial)
		return;
	if (!reading && !(local.rights[n] & ZX_RIGHT_WRITE))
		want = ZX_ERR_ACCESS_DENIED;
	else if (!t->within)
		want = ZX_ERR_OUT_OF_RANGE;
	else if (due)
		want = ZX_ERR_ACCESS_DENIED;
	if (reading)
		expect(want, zx_vmo_read(local.vmo[n], (void *)t->v.addr, offset, PAGE),
		       "zx_vmo_read to a mapping of the same page");
	else
		expect(want, zx_vmo_write(local.vmo[n], (void *)t->v.addr, offset, PAGE),
		       "zx_vmo_write from a mapping of the same page");
}

void op_through_kernel(void)
{
	struct sight t;

	if (!enter_sight(&t))
		return;
	switch (below(4)) {
	case 0:
		pipe_out(&t, below(CELLS), false);
		break;
	case 1:
		pipe_out(&t, below(CELLS), true);
		break;
	case 2:
		pipe_in(&t, below(CELLS));
		break;
	case 3:
		onto_itself(&t);
		break;
	}
	leave_sight(&t);
}

/* ---- accesses without a lock -------------------------------------------- */

/**
 * struct glance - a page of a window as it was at some time
 * @window: the window
 * @version: of it, then
 * @page: what was mapped
 * @addr: where
 */
struct glance {
	struct window *window;
	unsigned int version;
	struct window_page page;
	zx_vaddr_t addr;
};

static bool glance(struct glance *g, unsigned int proc)
{
	struct region *region = &shared->all[proc].regions[below(REGIONS)];
	unsigned int w = below(WINDOWS), i = below(WINDOW_PAGES);

	g->window = &region->windows[w];
	g->version = atomic_load(&g->window->version);
	if (g->version & 1)
		return false;
	/* May be torn; then the version changes. */
	memcpy(&g->page, &g->window->pages[i], sizeof(g->page));
	g->addr = atomic_load(&region->base) + w * WINDOW_BYTES + i * (size_t)PAGE;
	atomic_thread_fence(memory_order_acquire);
	return atomic_load(&g->window->version) == g->version;
}

/* Nothing has changed since? */
static bool still(const struct glance *g)
{
	bool same;

	atomic_thread_fence(memory_order_seq_cst);
	same = atomic_load(&g->window->version) == g->version;
	atomic_fetch_add_explicit(same ? &shared->checked : &shared->unclear, 1,
				  memory_order_relaxed);
	return same;
}

/* Can an access have raised @sig? The size is not known: it may be beyond the end. */
static bool fits(enum access kind, uint8_t perm, int sig)
{
	if (!(perm & ZX_VM_PERM_READ))
		return sig == SIGSEGV;
	/* KEEP may load first, and find the end of the VMO. */
	if (kind == KEEP && !(perm & ZX_VM_PERM_WRITE))
		return sig;
	return sig != SIGSEGV;
}

static void race_failed(const struct glance *g, enum access kind, int sig, uint64_t value)
{
	uint64_t again = 0;
	int sig_again = try_access(LOAD, (volatile uint64_t *)g->addr, &again);

	zvm_vmar_print(stderr, zx_vmar_root_self());
	fail("%s at %#lx gave signal %d, value %#llx, and another load signal %d, value %#llx "
	     "(%s): page %u of VMO %u, permissions %u",
	     kind == LOAD ? "a load" : "a change", g->addr, sig, (unsigned long long)value, sig_again,
	     (unsigned long long)again, still(g) ? "still the same" : "changed meanwhile",
	     g->page.page, g->page.serial, g->page.perm);
}

void op_race(void)
{
	for (unsigned int i = 0; i < 32; i++) {
		enum access kind = one_in(2) ? LOAD : KEEP;
		unsigned int c = below(CELLS);
		uint64_t value = 0;
		struct glance g;
		int sig;

		if (!glance(&g, me.proc))
			continue;
		sig = try_access(kind, (volatile uint64_t *)g.addr + c, &value);
		if (!still(&g))
			continue;
		if (!fits(kind, g.page.perm, sig))
			race_failed(&g, kind, sig, value);
		if (!sig && !plausible(value, g.page.serial, g.page.page, c))
			fail("%#lx shows %#llx instead of cell %u of page %u of VMO %u", g.addr,
			     (unsigned long long)value, c, g.page.page, g.page.serial);
	}
}

/* Likewise, in another process. */
void op_peek(void)
{
	unsigned int proc = below(shared->processes);
	unsigned int c = below(CELLS);
	uint64_t value = 0;
	struct iovec here = { .iov_base = &value, .iov_len = 8 }, there = { .iov_len = 8 };
	struct glance g;
	ssize_t n;

	if (!atomic_load(&shared->all[proc].ready) || !glance(&g, proc))
		return;
	there.iov_base = (uint64_t *)g.addr + c;
	n = process_vm_readv(shared->all[proc].pid, &here, 1, &there, 1, 0);
	if (n < 0 && errno != EFAULT) {
		/* The process may have ended; or the system does not permit it. */
		if (errno != ESRCH && errno != EPERM && errno != ENOSYS)
			fail("process_vm_readv: %s", strerror(errno));
		return;
	}
	if (!still(&g))
		return;
	if (n == 8 && !(g.page.perm & ZX_VM_PERM_READ))
		fail("process_vm_readv of process %u at %#lx, which it may not read itself", proc,
		     g.addr);
	if (n == 8 && !plausible(value, g.page.serial, g.page.page, c))
		fail("process_vm_readv of process %u at %#lx gave %#llx instead of cell %u of page %u "
		     "of VMO %u",
		     proc, g.addr, (unsigned long long)value, c, g.page.page, g.page.serial);
}

/* Linux may take the PTEs away at any time; the content is the VMO's. */
void op_madvise(void)
{
	struct view v;

	if (!choose(&v, false))
		return;
	madvise((void *)v.addr, view_len(&v), MADV_DONTNEED);
	pthread_rwlock_unlock(&v.region->lock);
}

/* ---- regions and mappings that nobody else knows of --------------------- */

static void check_place(zx_vaddr_t addr, size_t len, zx_vaddr_t base, size_t size, size_t align)
{
	if (addr < base || addr - base > size || len > size - (addr - base) || addr % align)
		fail("%#lx, %#zx bytes: not within %#lx, %#zx bytes, or not a multiple of %#zx", addr,
		     len, base, size, align);
}

/* Map a slot's VMO where the kernel likes. */
static void map_anywhere(zx_handle_t vmar, zx_vaddr_t base, size_t size)
{
	unsigned int n = below(SLOTS), page = below(SLOT_PAGES), shift = 12 + below(6);
	size_t len = (1 + below(4)) * (size_t)PAGE, limit = 0;
	zx_vm_option_t options = ZX_VM_PERM_READ;
	zx_vaddr_t addr;
	uint32_t serial;

	if (!enter_slot(n))
		return;
	if (one_in(2))
		options |= shift << ZX_VM_ALIGN_BASE;
	else
		shift = 12;
	if (one_in(4)) {
		options |= ZX_VM_OFFSET_IS_UPPER_LIMIT;
		limit = size;
	}
	serial = shared->slots[n].serial;
	expect(ZX_OK, zx_vmar_map(vmar, options, limit, local.vmo[n], page * (uint64_t)PAGE, len,
				  &addr), "zx_vmar_map");
	leave_slot(n);
	check_place(addr, len, base, size, (size_t)1 << shift);
	for (size_t i = 0; i < len; i += PAGE)
		check_mapped((void *)(addr + i), serial, page + (unsigned int)(i / PAGE), false, 0);
	if (one_in(2))
		expect(ZX_OK, zx_vmar_unmap(vmar, addr, len), "zx_vmar_unmap");
}

void op_placed(void)
{
	zx_info_vmar_t info;
	zx_handle_t vmar;
	zx_vaddr_t base;

	expect(ZX_OK, zx_object_get_info(zx_vmar_root_self(), ZX_INFO_VMAR, &info, sizeof(info), NULL,
					 NULL), "ZX_INFO_VMAR");
	expect(ZX_OK, zx_vmar_allocate(zx_vmar_root_self(), ZX_VM_CAN_MAP_READ |
				       ZX_VM_CAN_MAP_SPECIFIC | (one_in(2) ? ZX_VM_COMPACT : 0), 0,
				       1 << 22, &vmar, &base), "zx_vmar_allocate");
	check_place(base, 1 << 22, info.base, info.len, PAGE);
	for (unsigned int i = below(12); i; i--)
		map_anywhere(vmar, base, 1 << 22);
	expect(ZX_OK, zx_vmar_destroy(vmar), "zx_vmar_destroy");
	expect(ZX_OK, zx_handle_close(vmar), "zx_handle_close");
}

/* Regions within regions, with mappings, destroyed from the top or the bottom. */
void op_nested(void)
{
	zx_vm_option_t can = ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_SPECIFIC;
	zx_handle_t vmar[5];
	unsigned int depth = 2 + below(4), i;
	zx_vaddr_t base, outer = 0;
	size_t size = 1 << 26;

	for (i = 0; i < depth; i++, size /= 4, outer = base) {
		expect(ZX_OK, zx_vmar_allocate(i ? vmar[i - 1] : zx_vmar_root_self(), can, 0, size,
					       &vmar[i], &base), "zx_vmar_allocate");
		if (i)
			check_place(base, size, outer, size * 4, PAGE);
		map_anywhere(vmar[i], base, size);
	}
	/* All of them, when the first goes. */
	if (one_in(2))
		expect(ZX_OK, zx_vmar_destroy(vmar[depth - 1]), "zx_vmar_destroy");
	expect(ZX_OK, zx_vmar_destroy(vmar[0]), "zx_vmar_destroy");
	for (i = 1; i < depth; i++)
		expect(ZX_ERR_BAD_STATE, zx_vmar_destroy(vmar[i]), "zx_vmar_destroy of what is destroyed");
	expect(ZX_OK, zx_handle_close_many(vmar, depth), "zx_handle_close_many");
}
