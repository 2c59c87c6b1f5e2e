// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Thousands of pages: touch, populate, unmap, decommit, protect.
 *
 * The kernel chooses the addresses, as it does for most programs.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>

#include "bench.h"
#include "theirs.h"

#define PAGES 4096u
#define LEN ((size_t)PAGES * PAGE)
#define LARGE MIB(64)

/* What the current case works on. */
static zx_handle_t vmo;
static zx_vaddr_t our_addr;
static unsigned int our_next, their_next;

/* ---- our way ------------------------------------------------------------ */

static void create_ours(void)
{
	vmo = new_vmo(len);
}

static void close_ours(void)
{
	ok(zx_handle_close(vmo));
}

static void map_ours(void)
{
	ok(zx_vmar_map(root()->vmar, RW, 0, vmo, 0, len, &our_addr));
}

static void unmap_ours(void)
{
	ok(zx_vmar_unmap(root()->vmar, our_addr, len));
}

static void populate_ours(void)
{
	ok(zx_vmar_map(root()->vmar, RW | ZX_VM_MAP_RANGE, 0, vmo, 0, len, &our_addr));
}

/* ZX_VM_MAP_RANGE maps what is there; what is not has to be committed. */
static void commit_ours(void)
{
	ok(zx_vmar_op_range(root()->vmar, ZX_VMAR_OP_COMMIT, our_addr, len, NULL, 0));
}

static void populate_fresh_ours(void)
{
	map_ours();
	commit_ours();
}

static void unmap_close_ours(void)
{
	unmap_ours();
	close_ours();
}

static void decommit_ours(void)
{
	ok(zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, len, NULL, 0));
}

static void touch_next_ours(void)
{
	touch_write((char *)our_addr + our_next++ * PAGE);
}

static void read_all_ours(void)
{
	for (size_t i = 0; i < len; i += PAGE)
		touch_read((char *)our_addr + i);
}

static void write_all_ours(void)
{
	for (size_t i = 0; i < len; i += PAGE)
		touch_write((char *)our_addr + i);
}

static void protect_ours(void)
{
	ok(zx_vmar_protect(root()->vmar, ZX_VM_PERM_READ, our_addr, len));
}

static void unprotect_ours(void)
{
	ok(zx_vmar_protect(root()->vmar, RW, our_addr, len));
	write_all_ours();
}

/* ---- Linux's way -------------------------------------------------------- */

static void populate_theirs(void)
{
	map_theirs_with(MAP_POPULATE);
}

static void commit_theirs(void)
{
	zero(madvise(their_addr, len, MADV_POPULATE_WRITE));
}

static void decommit_theirs(void)
{
	zero(fallocate(memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)len));
}

static void touch_next_theirs(void)
{
	touch_write(their_addr + their_next++ * PAGE);
}

static void read_all_theirs(void)
{
	for (size_t i = 0; i < len; i += PAGE)
		touch_read(their_addr + i);
}

static void protect_theirs(void)
{
	zero(mprotect(their_addr, len, PROT_READ));
}

static void unprotect_theirs(void)
{
	zero(mprotect(their_addr, len, PROT_READ | PROT_WRITE));
	write_all_theirs();
}

/* ---- cases -------------------------------------------------------------- */

static void create_both(size_t size)
{
	len = size;
	create_ours();
	create_theirs();
}

static void map_both(void)
{
	map_ours();
	map_theirs();
}

static void unmap_both(void)
{
	unmap_ours();
	unmap_theirs();
}

static void close_both(void)
{
	close_ours();
	close_theirs();
}

static void commit_both(void)
{
	commit_ours();
	commit_theirs();
}

static void fresh_pages(void)
{
	static const struct bench_case fault = {
		.name = "write fault on a fresh page", .bar = 0.85,
		.repeat = PAGES - 1, .per = 1,
		.ours = { .run = touch_next_ours },
		.theirs = { .run = touch_next_theirs },
	};

	create_both(LEN);
	map_both();
	bench(&fault);
	unmap_both();
	close_both();
}

static void present_pages(void)
{
	static const struct bench_case cases[] = {
		{
			.name = "touching 4096 present pages in order: reading", .bar = 1.00,
			.repeat = 9, .per = 1,
			.ours = { map_ours, read_all_ours, unmap_ours },
			.theirs = { map_theirs, read_all_theirs, unmap_theirs },
		}, {
			.name = "touching 4096 present pages in order: writing", .bar = 0.35,
			.repeat = 9, .per = 1,
			.ours = { map_ours, write_all_ours, unmap_ours },
			.theirs = { map_theirs, write_all_theirs, unmap_theirs },
		}, {
			.name = "map + populate 4096 present pages: per page", .bar = 0.50,
			.repeat = 9, .per = PAGES,
			.ours = { .run = populate_ours, .after = unmap_ours },
			.theirs = { .run = populate_theirs, .after = unmap_theirs },
		},
	};

	create_both(LEN);
	map_both();
	commit_both();
	unmap_both();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		bench(&cases[i]);
	close_both();
}

static void populate_fresh(void)
{
	static const struct bench_case c = {
		.name = "map + populate 4096 fresh pages: per page", .bar = 0.35,
		.repeat = 9, .per = PAGES,
		.ours = { create_ours, populate_fresh_ours, unmap_close_ours },
		.theirs = { create_theirs, populate_theirs, unmap_close_theirs },
	};

	len = LEN;
	bench(&c);
}

static void unmap_populated(void)
{
	static const struct bench_case c = {
		.name = "unmap of 16 MiB populated", .bar = 1.00,
		.repeat = 9, .per = 1,
		.ours = { .before = populate_ours, .run = unmap_ours },
		.theirs = { .before = populate_theirs, .run = unmap_theirs },
	};

	create_both(LEN);
	map_both();
	commit_both();
	unmap_both();
	bench(&c);
	close_both();
}

static void large(void)
{
	static const struct bench_case cases[] = {
		{
			.name = "decommit of 64 MiB mapped", .bar = 0.50,
			.repeat = 5, .per = 1,
			.ours = { .before = commit_ours, .run = decommit_ours },
			.theirs = { .before = commit_theirs, .run = decommit_theirs },
		}, {
			.name = "protect of 64 MiB touched: RW -> R", .bar = 0.60,
			.repeat = 5, .per = 1,
			.ours = { .before = unprotect_ours, .run = protect_ours },
			.theirs = { .before = unprotect_theirs, .run = protect_theirs },
		},
	};

	create_both(LARGE);
	map_both();
	bench(&cases[0]);
	bench(&cases[1]);
	unmap_both();
	close_both();
}

void bulk_cases(void)
{
	fresh_pages();
	present_pages();
	populate_fresh();
	unmap_populated();
	large();
}
