// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Snapshots, beside fork(2), which is how Linux programs get one: and beside
 * themselves, where the cost is not to depend on something.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/wait.h>

#include "bench.h"
#include "theirs.h"

/* What the current case works on. */
static zx_handle_t vmo, snapshot, small_vmo, small_snapshot;
static zx_vaddr_t our_addr, snapshot_addr;
static unsigned int next_page;

static zx_handle_t committed_vmo(size_t size)
{
	zx_handle_t h = new_vmo(size);

	ok(zx_vmo_op_range(h, ZX_VMO_OP_COMMIT, 0, size, NULL, 0));
	return h;
}

static void snap(void)
{
	ok(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, len, &snapshot));
}

static void drop(void)
{
	ok(zx_handle_close(snapshot));
}

static void snap_small(void)
{
	ok(zx_vmo_create_child(small_vmo, ZX_VMO_CHILD_SNAPSHOT, 0, MIB(1), &small_snapshot));
}

static void drop_small(void)
{
	ok(zx_handle_close(small_snapshot));
}

/* ---- size and depth do not matter ---------------------------------------- */

#define OWN_PAGES 16

static void write_own(zx_handle_t h)
{
	for (unsigned int i = 0; i < OWN_PAGES; i++)
		ok(zx_vmo_write(h, "x", i * PAGE, 1));
}

static void snap_and_write(void)
{
	snap();
	write_own(snapshot);
}

static void snap_small_and_write(void)
{
	snap_small();
	write_own(small_snapshot);
}

static void size_cases(void)
{
	static const struct { size_t size; const char *snap, *drop; } sizes[] = {
		{ MIB(64), "snapshot of 64 MiB / of 1 MiB", "drop one with 16 pages of its own: 64 MiB / 1 MiB" },
		{ MIB(512), "snapshot of 512 MiB / of 1 MiB", "drop one with 16 pages of its own: 512 MiB / 1 MiB" },
	};

	small_vmo = committed_vmo(MIB(1));
	for (unsigned int i = 0; i < 2; i++) {
		struct bench_case create = {
			.name = sizes[i].snap, .bar = 1.05, .most = 10000, .repeat = 101, .per = 1,
			.ours = { .run = snap, .after = drop },
			.theirs = { .run = snap_small, .after = drop_small },
		};
		struct bench_case close = {
			.name = sizes[i].drop, .bar = 1.05, .repeat = 101, .per = 1,
			.ours = { .before = snap_and_write, .run = drop },
			.theirs = { .before = snap_small_and_write, .run = drop_small },
		};

		if (!bench_wanted(create.name) && !bench_wanted(close.name))
			continue;
		len = sizes[i].size;
		vmo = committed_vmo(len);
		bench(&create);
		bench(&close);
		ok(zx_handle_close(vmo));
	}
	ok(zx_handle_close(small_vmo));
}

#define DEPTH 1000

static char page[PAGE];

static void read_deep(void)
{
	ok(zx_vmo_read(vmo, page, 5 * PAGE, PAGE));
}

static void read_first(void)
{
	ok(zx_vmo_read(small_vmo, page, 5 * PAGE, PAGE));
}

/* Each the child of the one before, and each has written a page. */
static void depth_cases(void)
{
	static const struct bench_case create = {
		.name = "the 1000th nested snapshot / the first", .bar = 1.10, .repeat = 101,
		.per = 1,
		.ours = { .run = snap, .after = drop },
		.theirs = { .run = snap_small, .after = drop_small },
	};
	static const struct bench_case read = {
		.name = "read 4 KiB of the 1000th / of the first", .bar = 1.10, .repeat = 101,
		.per = 1,
		.ours = { .run = read_deep }, .theirs = { .run = read_first },
	};
	static zx_handle_t nested[DEPTH];

	if (!bench_wanted(create.name) && !bench_wanted(read.name))
		return;
	len = MIB(1);
	small_vmo = committed_vmo(len);
	vmo = small_vmo;
	for (unsigned int i = 0; i < DEPTH; i++) {
		ok(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, len, &nested[i]));
		vmo = nested[i];
		ok(zx_vmo_write(vmo, "x", i % 256 * PAGE, 1));
	}
	bench(&create);
	bench(&read);
	for (unsigned int i = 0; i < DEPTH; i++)
		ok(zx_handle_close(nested[i]));
	ok(zx_handle_close(small_vmo));
}

/* ---- memory that is mapped and dirty -------------------------------------- */

static void dirty_ours(void)
{
	for (size_t i = 0; i < len; i += PAGE)
		touch_write((char *)our_addr + i);
}

static void snap_and_drop(void)
{
	snap();
	drop();
}

static void mapped_setup(size_t size)
{
	len = size;
	vmo = new_vmo(len);
	ok(zx_vmar_map(root()->vmar, RW, 0, vmo, 0, len, &our_addr));
	map_private_theirs();
	dirty_ours();
	write_all_theirs();
}

static void mapped_end(void)
{
	ok(zx_vmar_unmap(root()->vmar, our_addr, len));
	ok(zx_handle_close(vmo));
	zero(munmap(their_addr, len));
}

static void mapped_cases(void)
{
	static const struct { size_t size; const char *call, *both; } sizes[] = {
		{ MIB(64), "snapshot of 64 MiB mapped and dirty / fork call; a page",
		  "the same with the drop / fork and exit; a page" },
		{ MIB(256), "snapshot of 256 MiB mapped and dirty / fork call; a page",
		  "the same with the drop / fork and exit; a page (256 MiB)" },
	};

	for (unsigned int i = 0; i < 2; i++) {
		struct bench_case call = {
			.name = sizes[i].call, .bar = 0.75, .most = 100, .repeat = 5,
			.per = sizes[i].size / PAGE,
			.ours = { .before = dirty_ours, .run = snap, .after = drop },
			.theirs = { .before = write_all_theirs, .run = fork_alone, .after = reap },
		};
		struct bench_case both = {
			.name = sizes[i].both, .bar = 0.25, .repeat = 5,
			.per = sizes[i].size / PAGE,
			.ours = { .before = dirty_ours, .run = snap_and_drop },
			.theirs = { .before = write_all_theirs, .run = fork_and_exit },
		};

		if (!bench_wanted(call.name) && !bench_wanted(both.name))
			continue;
		mapped_setup(sizes[i].size);
		bench(&call);
		bench(&both);
		mapped_end();
	}
}

/* ---- the first write to a shared page ------------------------------------- */

#define COPIES 256

/* Each round takes the next page. */
static char *next(zx_vaddr_t base)
{
	return (char *)base + next_page++ * PAGE;
}

static void write_snapshot(void)
{
	touch_write(next(snapshot_addr));
}

static void read_then(void)
{
	touch_read((char *)snapshot_addr + next_page * PAGE);
}

static void write_forked(void)
{
	static unsigned int at;

	touch_write(their_addr + at++ % COPIES * PAGE);
}

static volatile int *finished;

/*
 * Linux's new pages wait, each processor's in a list of its own, for the next who
 * unmaps something and puts them on the LRU list: that shall not be us.
 */
static void settle(void)
{
	zero(madvise((void *)finished, PAGE, MADV_DONTNEED));
}

/* A child that keeps the memory shared until it is told to end. */
static void share_by_fork(void)
{
	*finished = 0;
	child = fork();
	if (child < 0)
		die_errno("fork");
	if (!child) {
		while (!*finished)
			usleep(100000);
		_exit(0);
	}
}

static void first_write(const struct bench_case *c)
{
	if (!bench_wanted(c->name))
		return;
	mapped_setup(COPIES * PAGE);
	share_by_fork();
	snap();
	ok(zx_vmar_map(root()->vmar, RW, 0, snapshot, 0, len, &snapshot_addr));
	next_page = 0;
	bench(c);
	*finished = 1;
	reap();
	ok(zx_vmar_unmap(root()->vmar, snapshot_addr, len));
	drop();
	mapped_end();
}

static void first_write_cases(void)
{
	static const struct bench_case absent = {
		.name = "first write to a shared page; no PTE / after fork", .bar = 1.10,
		.repeat = COPIES / 2, .per = 1,
		.ours = { .run = write_snapshot },
		.theirs = { .run = write_forked, .after = settle },
	};
	static const struct bench_case present = {
		.name = "first write to a shared page; read before / after fork", .bar = 1.35,
		.repeat = COPIES / 2, .per = 1,
		.ours = { .before = read_then, .run = write_snapshot },
		.theirs = { .run = write_forked, .after = settle },
	};

	finished = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (finished == MAP_FAILED)
		die_errno("mmap");
	first_write(&absent);
	first_write(&present);
	zero(munmap((void *)finished, PAGE));
}

void snapshot_cases(void)
{
	size_cases();
	depth_cases();
	mapped_cases();
	first_write_cases();
}
