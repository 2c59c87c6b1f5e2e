// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * One page: map, unmap, protect, fault.
 *
 * Kept fair: both ways work at one fixed address, above the other mappings.
 * Beside it lies a page that stays mapped and touched, so that neither has to
 * build and tear down page tables each time. The others have gaps of one page
 * between them, so that Linux cannot merge them into one.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "bench.h"

/* Where the others begin, and the place that is worked on, from the base. */
#define OTHERS_OFFSET MIB(64)
#define MOST_OTHERS 50000u
#define PLACE_OFFSET (OTHERS_OFFSET + MOST_OTHERS * 2 * PAGE + MIB(4))
/* What the others show. */
#define OTHERS_PAGES 64
/* The page that stays mapped, below the place. */
#define KEPT_OFFSET (PLACE_OFFSET - 16 * PAGE)
/* The page that the place shows. */
#define SHOWN 0

static zx_handle_t vmo;
static int memfd;
static char *linux_base;	/* counterpart of the arena's base */
static char *our_place, *their_place;
static unsigned int others;

static void map_ours_at(size_t offset, unsigned int page, zx_vm_option_t perm)
{
	zx_vaddr_t addr;

	ok(zx_vmar_map(root()->vmar, perm | ZX_VM_SPECIFIC, offset, vmo, page * PAGE, PAGE,
		       &addr));
}

static void map_theirs_at(size_t offset, unsigned int page, int perm)
{
	char *want = linux_base + offset;

	mapped_at(want, mmap(want, PAGE, perm, MAP_SHARED | MAP_FIXED_NOREPLACE, memfd,
			     (off_t)(page * PAGE)));
}

static void map_ours(void)
{
	map_ours_at(PLACE_OFFSET, SHOWN, RW);
}

static void map_theirs(void)
{
	map_theirs_at(PLACE_OFFSET, SHOWN, PROT_READ | PROT_WRITE);
}

static void unmap_ours(void)
{
	ok(zx_vmar_unmap(root()->vmar, (zx_vaddr_t)our_place, PAGE));
}

static void unmap_theirs(void)
{
	zero(munmap(their_place, PAGE));
}

static void write_ours(void)
{
	touch_write(our_place);
}

static void write_theirs(void)
{
	touch_write(their_place);
}

static void protect_ours(zx_vm_option_t perm)
{
	ok(zx_vmar_protect(root()->vmar, perm, (zx_vaddr_t)our_place, PAGE));
}

static void protect_theirs(int perm)
{
	zero(mprotect(their_place, PAGE, perm));
}

/* ---- what is counted ---------------------------------------------------- */

static void map_unmap_ours(void)
{
	map_ours();
	unmap_ours();
}

static void map_unmap_theirs(void)
{
	map_theirs();
	unmap_theirs();
}

static void map_write_unmap_ours(void)
{
	map_ours();
	write_ours();
	unmap_ours();
}

static void map_write_unmap_theirs(void)
{
	map_theirs();
	write_theirs();
	unmap_theirs();
}

static void protect_twice_ours(void)
{
	protect_ours(ZX_VM_PERM_READ);
	protect_ours(RW);
}

static void protect_twice_theirs(void)
{
	protect_theirs(PROT_READ);
	protect_theirs(PROT_READ | PROT_WRITE);
}

static void protect_touch_ours(void)
{
	protect_ours(ZX_VM_PERM_READ);
	touch_read(our_place);
	protect_ours(RW);
	touch_write(our_place);
}

static void protect_touch_theirs(void)
{
	protect_theirs(PROT_READ);
	touch_read(their_place);
	protect_theirs(PROT_READ | PROT_WRITE);
	touch_write(their_place);
}

/* ---- cases -------------------------------------------------------------- */

static void more_others(unsigned int wanted)
{
	for (; others < wanted; others++) {
		size_t offset = OTHERS_OFFSET + (size_t)others * 2 * PAGE;

		map_ours_at(offset, others % OTHERS_PAGES, RW);
		map_theirs_at(offset, others % OTHERS_PAGES, PROT_READ | PROT_WRITE);
	}
}

static void no_others(void)
{
	size_t len = MOST_OTHERS * 2 * PAGE;

	ok(zx_vmar_unmap(root()->vmar, root()->base + OTHERS_OFFSET, len));
	zero(munmap(linux_base + OTHERS_OFFSET, len));
	others = 0;
}

static void map_beside_others(unsigned int n, const char *name, double bar)
{
	struct bench_case c = {
		.name = name, .bar = bar, .repeat = 1001, .per = 1,
		.ours = { .run = map_unmap_ours },
		.theirs = { .run = map_unmap_theirs },
	};

	if (!bench_wanted(name))
		return;
	more_others(n);
	bench(&c);
}

static void setup(void)
{
	static char page[PAGE] = { 1 };

	vmo = new_vmo(OTHERS_PAGES * PAGE);
	memfd = new_memfd(OTHERS_PAGES * PAGE);
	for (size_t i = 0; i < OTHERS_PAGES; i++) {
		ok(zx_vmo_write(vmo, page, i * PAGE, PAGE));
		if (pwrite(memfd, page, PAGE, (off_t)(i * PAGE)) != (ssize_t)PAGE)
			die_errno("pwrite");
	}
	/* At the same distance from the borders of page tables as ours. */
	our_place = (char *)root()->base + PLACE_OFFSET;
	linux_base = free_range(PLACE_OFFSET + MIB(8));
	linux_base += (root()->base - (uintptr_t)linux_base) & (MIB(2) - 1);
	their_place = linux_base + PLACE_OFFSET;

	map_ours_at(KEPT_OFFSET, 1, RW);
	touch_write((char *)root()->base + KEPT_OFFSET);
	map_theirs_at(KEPT_OFFSET, 1, PROT_READ | PROT_WRITE);
	touch_write(linux_base + KEPT_OFFSET);
}

void map_cases(void)
{
	static const struct bench_case cases[] = {
		{
			.name = "map + write touch + unmap", .bar = 0.45,
			.repeat = 1001, .per = 1,
			.ours = { .run = map_write_unmap_ours },
			.theirs = { .run = map_write_unmap_theirs },
		}, {
			.name = "protect RW -> R -> RW of a touched page", .bar = 0.50,
			.repeat = 1001, .per = 1,
			.ours = { .before = write_ours, .run = protect_twice_ours },
			.theirs = { .before = write_theirs, .run = protect_twice_theirs },
		}, {
			.name = "protect RW -> R -> RW with a read and a write between", .bar = 0.90,
			.repeat = 1001, .per = 1,
			.ours = { .before = write_ours, .run = protect_touch_ours },
			.theirs = { .before = write_theirs, .run = protect_touch_theirs },
		}, {
			.name = "write fault on a present page", .bar = 1.00,
			.repeat = 1001, .per = 1,
			.ours = { map_ours, write_ours, unmap_ours },
			.theirs = { map_theirs, write_theirs, unmap_theirs },
		},
	};

	setup();
	map_beside_others(0, "map + unmap of an untouched page with 0 other mappings", 0.30);
	map_beside_others(1000, "map + unmap of an untouched page with 1000 other mappings", 0.25);
	map_beside_others(MOST_OTHERS, "map + unmap of an untouched page with 50000 other mappings",
			  0.20);
	no_others();
	bench(&cases[0]);
	map_ours();
	map_theirs();
	bench(&cases[1]);
	bench(&cases[2]);
	unmap_ours();
	unmap_theirs();
	bench(&cases[3]);
}
