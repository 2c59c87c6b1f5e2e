/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * zvm-stress: random operations by several threads of several processes, checked
 * against a model.
 *
 * What everybody knows (struct shared) lies in memory that all processes share:
 *
 * - slots: each stands for one VMO and has the content that the VMO must have,
 *   byte for byte. From time to time a slot gets a new VMO.
 * - regions: each process has some, with windows: runs of pages at known
 *   addresses, and for each page what must be mapped there. The last region of a
 *   process is lent to the others, who change its windows from outside.
 *
 * Who changes something in a way that matters locks it first, and so knows what
 * every call must return and every access must see. Locks are fine (a page of a
 * slot, a window), so that calls on one VMO and one region do meet. On top of
 * that there are accesses without any lock. They change nothing, and can still
 * be checked: every cell of 8 bytes says which VMO, page and cell it is, so that
 * an access that reaches the wrong page is seen; and a window has a version, so
 * that one knows afterwards whether a mapping was there all the time.
 *
 * Lock order: region, window, slot, pages of the slot in ascending order.
 */
#ifndef ZVM_STRESS_H
#define ZVM_STRESS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zircon/process.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/object.h>
#include <zvm.h>

#define PAGE 4096u
#define CELLS (PAGE / 8)		/* of a page */

#define SLOTS 12
#define SLOT_PAGES 48			/* at most, of a VMO */
#define SLOT_BYTES (SLOT_PAGES * PAGE)

#define MOST_PROCESSES 8
#define MOST_THREADS 16
#define REGIONS 4			/* of a process */
#define LENT (REGIONS - 1)		/* the one that others may change */
#define WINDOWS 4			/* of a region */
#define WINDOW_PAGES 8
#define WINDOW_BYTES (WINDOW_PAGES * PAGE)

#define RW (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)

/**
 * struct slot - a VMO and what it contains
 * @lock: for writing by who replaces or resizes the VMO
 * @page_lock: of the content; needs @lock for reading
 * @serial: of the VMO, hardly ever used again; 0: none yet. Relatives have the
 *	family in common, see relative_serial().
 * @koid: of the VMO
 * @resizable: made with ZX_VMO_RESIZABLE
 * @related: it is or was a child, or has or had one
 * @size: bytes, whole pages
 * @stream: stream size, a multiple of 8
 * @cells: the content; zeros beyond @size
 */
struct slot {
	pthread_rwlock_t lock;
	pthread_mutex_t page_lock[SLOT_PAGES];
	uint32_t serial;
	zx_koid_t koid;
	bool resizable;
	atomic_bool related;
	uint64_t size;
	uint64_t stream;
	uint64_t cells[SLOT_PAGES * CELLS];
};

/**
 * struct window_page - what is mapped at a page
 * @serial: of the VMO; 0: nothing is mapped
 * @koid: of the VMO
 * @slot: that had the VMO when it was mapped
 * @page: of the VMO
 * @perm: permissions now
 * @max: permissions that can be given
 */
struct window_page {
	uint32_t serial;
	zx_koid_t koid;
	uint8_t slot;
	uint8_t page;
	uint8_t perm;
	uint8_t max;
};

/**
 * struct window - some pages at a fixed place of a region
 * @lock: for writing by who changes what is mapped
 * @version: odd while it is being changed
 */
struct window {
	pthread_rwlock_t lock;
	atomic_uint version;
	struct window_page pages[WINDOW_PAGES];
};

/**
 * struct region - a region of some process
 * @lock: for writing by who destroys it and makes it anew
 * @koid: of the VMAR
 * @base: its address
 */
struct region {
	pthread_rwlock_t lock;
	zx_koid_t koid;
	_Atomic(zx_vaddr_t) base;
	size_t size;
	struct window windows[WINDOWS];
};

/**
 * struct process - what others may know about a process
 * @pid: of it
 * @ready: its regions are there
 * @regions: of it
 * @inbox: a socket pair; others send VMO and VMAR handles to [1]
 */
struct process {
	atomic_int pid;
	atomic_bool ready;
	struct region regions[REGIONS];
	int inbox[2];
};

#define OPS_MOST 48

struct shared {
	uint64_t seed;
	unsigned int processes;
	unsigned int threads;
	atomic_bool stop;
	atomic_bool failed;
	atomic_uint last_family;
	atomic_uint last_relative;
	atomic_ullong done[OPS_MOST];
	atomic_ullong progress[MOST_PROCESSES][MOST_THREADS];
	_Atomic(const char *) doing[MOST_PROCESSES][MOST_THREADS];
	atomic_ullong faults;		/* that were expected and came */
	atomic_ullong checked;		/* accesses without a lock that could be judged */
	atomic_ullong unclear;		/* and those that could not */
	struct slot slots[SLOTS];
	struct process all[MOST_PROCESSES];
};

/**
 * struct local - what a process knows by itself
 * @vmo: its handles, guarded by the slots' locks
 * @serial: of the VMO that @vmo is a handle of
 * @rights: of @vmo
 * @region: handles of its regions, guarded by the regions' locks
 * @lent: handles of others' lent regions, guarded by those regions' locks
 * @lent_koid: of the VMAR that @lent is a handle of
 * @hot: a VMO handle that threads close while others use it
 */
struct local {
	zx_handle_t vmo[SLOTS];
	uint32_t serial[SLOTS];
	zx_rights_t rights[SLOTS];
	zx_handle_t region[REGIONS];
	zx_handle_t lent[MOST_PROCESSES];
	zx_koid_t lent_koid[MOST_PROCESSES];
	_Atomic(zx_handle_t) hot;
};

/**
 * struct worker - a thread
 * @proc: number of its process
 * @thread: number within the process
 * @random: state
 * @pipe: to pass bytes through the kernel
 * @buffer: as large as any VMO, and a bit
 */
struct worker {
	unsigned int proc;
	unsigned int thread;
	uint64_t random;
	int pipe[2];
	uint64_t *buffer;
};

extern struct shared *shared;
extern struct local local;
extern __thread struct worker me;

static inline struct process *myself(void)
{
	return &shared->all[me.proc];
}

/* ---- stress.c ----------------------------------------------------------- */

/* Report that something is wrong, and end the process. */
void fail(const char *fmt, ...) __attribute__((noreturn, cold, format(printf, 1, 2)));

/* A call that must give @want. */
void expect(zx_status_t want, zx_status_t got, const char *what);

uint64_t random_number(void);

/* 0 ... n - 1 */
static inline unsigned int below(unsigned int n)
{
	return (unsigned int)(random_number() % n);
}

/* One time in n. */
static inline bool one_in(unsigned int n)
{
	return !below(n);
}

/* ---- stress_access.c ---------------------------------------------------- */

enum access { LOAD, STORE, KEEP };	/* KEEP writes what is there */

/* 0 or the signal that came instead. Installs handlers when first called. */
int try_access(enum access kind, volatile uint64_t *p, uint64_t *value);

/* Of a VMO that is nobody's child, and of a child. */
uint32_t new_serial(void);
uint32_t relative_serial(uint32_t serial);

/* Could this be cell @cell of page @page of that VMO? */
bool plausible(uint64_t value, uint32_t serial, unsigned int page, unsigned int cell);

/* A cell's value; any number of them. */
uint64_t cell_value(uint32_t serial, unsigned int page, unsigned int cell);

/* Check what a page that is mapped at @addr shows, with no locks. */
void check_mapped(const void *addr, uint32_t serial, unsigned int page, bool writable,
		  uint64_t size_known);

/* ---- stress_vmo.c ------------------------------------------------------- */

/**
 * struct piece - cells of a slot, whose pages are locked
 * @number: of the slot
 * @s: the slot
 * @handle: this process's handle
 * @writable: it has ZX_RIGHT_WRITE
 * @first, @end: cells
 * @from, @to: pages that have them
 */
struct piece {
	unsigned int number;
	struct slot *s;
	zx_handle_t handle;
	bool writable;
	unsigned int first, end;
	unsigned int from, to;
};

void init_slots(void);

/*
 * Lock a slot for reading; false if this process has no handle of its VMO. Then
 * it is not locked.
 */
bool enter_slot(unsigned int slot);
void leave_slot(unsigned int slot);
void lock_pages(struct slot *s, unsigned int from, unsigned int to);
void unlock_pages(struct slot *s, unsigned int from, unsigned int to);

/* Some whole pages of some slot, at most @pages; false: try another time. */
bool enter_pages(struct piece *p, unsigned int pages);
void leave_piece(struct piece *p);

static inline size_t piece_offset(const struct piece *p)
{
	return (size_t)p->first * 8;
}

static inline size_t piece_len(const struct piece *p)
{
	return (size_t)(p->end - p->first) * 8;
}

/*
 * The slot, which is locked for writing, has the new VMO @vmo of @size bytes from
 * now on; the content is there already, and @resizable.
 */
void fill_slot(unsigned int slot, zx_handle_t vmo, uint32_t serial, uint64_t size);

/*
 * DECOMMIT of a part of the slot should have given @want: has it worked? As long
 * as there are relatives it is refused.
 */
bool decommitted(struct slot *s, zx_status_t want, zx_status_t got);

/* A handle that arrived: take it or close it. */
void take_vmo(zx_handle_t vmo);

void op_create(void);
void op_read(void);
void op_write(void);
void op_zero(void);
void op_decommit(void);
void op_commit(void);
void op_hint(void);
void op_resize(void);
void op_stream_size(void);
void op_beyond(void);
void op_vmo_info(void);
void op_mmap(void);
void op_duplicate(void);
void op_share(void);
void op_hot_handle(void);
void op_sparse(void);

/* ---- stress_child.c ------------------------------------------------------ */

void op_keep(void);
void op_kept(void);
void op_take_pages(void);
void op_view(void);
void op_snapshot(void);
void drop_all_kept(void);

/* ---- stress_vmar.c ------------------------------------------------------ */

void init_regions(void);
void make_regions(void);
void take_vmar(zx_handle_t vmar, zx_koid_t koid);

void op_map(void);
void op_unmap(void);
void op_protect(void);
void op_range(void);
void op_swap(void);
void op_tree(void);
void op_destroy(void);
void op_look(void);
void op_change(void);
void op_through_kernel(void);
void op_race(void);
void op_peek(void);
void op_madvise(void);
void op_placed(void);
void op_nested(void);

/* ---- stress_process.c --------------------------------------------------- */

void op_inbox(void);
void op_fork(void);
void op_exec(void);
void op_kill(void);

/* What a program started by op_exec() does; its exit status. */
int exec_child(int fd, uint32_t serial);

#endif /* ZVM_STRESS_H */
