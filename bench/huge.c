// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Huge pages (ZVM_VMO_HUGE_PAGES), beside 4 KiB pages, which is what Linux gives a
 * program that does not ask, and fork(2).
 *
 * We map in a region of its own, where no page table is left of smaller mappings.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include <zvm.h>

#include "bench.h"
#include "theirs.h"

#define LEN MIB(16)

static zx_handle_t region, vmo, snapshot;
static zx_vaddr_t our_addr;

static void region_ours(size_t size)
{
	zx_vaddr_t base;

	len = size;
	ok(zx_vmar_allocate(root()->vmar, ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE, 0,
			    size + MIB(4), &region, &base));
}

static void no_region_ours(void)
{
	ok(zx_vmar_destroy(region));
	ok(zx_handle_close(region));
}

static void create_ours(void)
{
	ok(zx_vmo_create(len, ZVM_VMO_HUGE_PAGES, &vmo));
}

static void close_ours(void)
{
	ok(zx_handle_close(vmo));
}

static void map_ours_with(zx_vm_option_t options)
{
	ok(zx_vmar_map(region, RW | options, 0, vmo, 0, len, &our_addr));
}

static void map_ours(void)
{
	map_ours_with(0);
}

static void unmap_ours(void)
{
	ok(zx_vmar_unmap(region, our_addr, len));
}

static void touch_ours(void)
{
	for (size_t i = 0; i < len; i += PAGE)
		touch_write((char *)our_addr + i);
}

static void populate_ours(void)
{
	map_ours_with(ZX_VM_MAP_RANGE);
	touch_ours();
}

static void populate_fresh_ours(void)
{
	map_ours();
	ok(zx_vmar_op_range(region, ZX_VMAR_OP_COMMIT, our_addr, len, NULL, 0));
	touch_ours();
}

static void unmap_close_ours(void)
{
	unmap_ours();
	close_ours();
}

/* ---- Linux's way --------------------------------------------------------- */

static void populate_theirs(void)
{
	map_theirs_with(MAP_POPULATE);
	write_all_theirs();
}

static void populate_cases(void)
{
	static const struct bench_case cases[] = {
		{
			.name = "huge pages: map + populate + touch 16 MiB", .bar = 0.05,
			.repeat = 9, .per = 1,
			.ours = { NULL, populate_ours, unmap_ours },
			.theirs = { NULL, populate_theirs, unmap_theirs },
		}, {
			.name = "huge pages: touch 16 MiB", .bar = 0.05,
			.repeat = 9, .per = 1,
			.ours = { map_ours, touch_ours, unmap_ours },
			.theirs = { map_theirs, write_all_theirs, unmap_theirs },
		}, {
			.name = "huge pages: unmap 16 MiB", .bar = 0.05,
			.repeat = 9, .per = 1,
			.ours = { populate_ours, unmap_ours },
			.theirs = { populate_theirs, unmap_theirs },
		},
	};
	/* Clearing 16 MiB is more than the bar: that counts, see clock.c. */
	static const struct bench_case fresh = {
		.name = "huge pages: map + populate + touch 16 MiB that is fresh", .bar = 0.05,
		.repeat = 9, .per = 1,
		.ours = { create_ours, populate_fresh_ours, unmap_close_ours },
		.theirs = { create_theirs, populate_theirs, unmap_close_theirs },
	};

	region_ours(LEN);
	create_ours();
	create_theirs();
	populate_fresh_ours();
	unmap_ours();
	populate_theirs();
	unmap_theirs();
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		bench(&cases[i]);
	close_ours();
	close_theirs();
	bench(&fresh);
	no_region_ours();
}

/* ---- snapshots ----------------------------------------------------------- */

static void snap(void)
{
	ok(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, len, &snapshot));
}

static void drop(void)
{
	ok(zx_handle_close(snapshot));
}

static void snap_and_drop(void)
{
	snap();
	drop();
}

static void snapshot_huge(size_t size, const char *call, const char *both)
{
	struct bench_case cases[] = {
		{
			.name = call, .bar = 0.01, .repeat = 5, .per = 1,
			.ours = { .before = touch_ours, .run = snap, .after = drop },
			.theirs = { .before = write_all_theirs, .run = fork_alone, .after = reap },
		}, {
			.name = both, .bar = 0.01, .repeat = 5, .per = 1,
			.ours = { .before = touch_ours, .run = snap_and_drop },
			.theirs = { .before = write_all_theirs, .run = fork_and_exit },
		},
	};

	if (!bench_wanted(call) && !bench_wanted(both))
		return;
	region_ours(size);
	create_ours();
	map_ours();
	map_private_theirs();
	touch_ours();
	write_all_theirs();
	bench(&cases[0]);
	bench(&cases[1]);
	unmap_theirs();
	unmap_ours();
	close_ours();
	no_region_ours();
}

void huge_cases(void)
{
	populate_cases();
	snapshot_huge(MIB(64), "huge pages: snapshot of 64 MiB mapped and dirty / fork call",
		      "huge pages: the same with the drop / fork and exit");
	snapshot_huge(MIB(256), "huge pages: snapshot of 256 MiB mapped and dirty / fork call",
		      "huge pages: the same with the drop / fork and exit (256 MiB)");
}
