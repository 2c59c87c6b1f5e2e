// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * zvm_vmar_print()
 */
#include <inttypes.h>
#include <stdlib.h>

#include "lib.h"

#define INDENT 2

/* "4.0K": four significant characters and a unit. */
struct short_size {
	char text[24];
};

static struct short_size short_size(uint64_t bytes)
{
	static const char units[] = "BKMGTPE";
	struct short_size s;
	unsigned int unit = 0;
	uint64_t rest = 0;

	while (bytes >= 1024) {
		rest = bytes % 1024;
		bytes /= 1024;
		unit++;
	}
	if (!unit)
		snprintf(s.text, sizeof(s.text), "%" PRIu64 "B", bytes);
	else
		snprintf(s.text, sizeof(s.text), "%" PRIu64 ".%" PRIu64 "%c", bytes,
			 rest * 10 / 1024, units[unit]);
	return s;
}

/* How far the tree is indented at most: the columns line up behind it. */
static size_t deepest(const zx_info_maps_t *maps, size_t n)
{
	size_t depth = 0;

	for (size_t i = 0; i < n; i++)
		if (maps[i].depth > depth)
			depth = maps[i].depth;
	return depth;
}

/* Somebody else's program chose the name. */
static void print_name(FILE *f, const char *name)
{
	fputs(" '", f);
	for (size_t i = 0; i < ZX_MAX_NAME_LEN && name[i]; i++)
		fputc((unsigned char)name[i] < ' ' || name[i] == 0x7f ? '?' : name[i], f);
	fputc('\'', f);
}

static void print_record(FILE *f, const zx_info_maps_t *map, size_t depth)
{
	const zx_info_maps_mapping_t *m = &map->u.mapping;
	int indent = INDENT * (int)map->depth;
	int pad = INDENT * (int)(depth - map->depth);

	fprintf(f, "%*s%012" PRIxPTR "-%012" PRIxPTR "%*s %8s  ", indent, "", map->base,
		map->base + map->size, pad, "", short_size(map->size).text);
	if (map->type == ZX_INFO_MAPS_TYPE_MAPPING)
		fprintf(f, "%c%c%c    %8s  vmo %" PRIu64 "+0x%" PRIx64,
			m->mmu_flags & ZX_VM_PERM_READ ? 'r' : '-',
			m->mmu_flags & ZX_VM_PERM_WRITE ? 'w' : '-',
			m->mmu_flags & ZX_VM_PERM_EXECUTE ? 'x' : '-',
			short_size(m->committed_bytes).text, m->vmo_koid, m->vmo_offset);
	else
		fprintf(f, "%-6s %8s ", "region", "");
	if (map->name[0])
		print_name(f, map->name);
	fputc('\n', f);
}

static void print_tree(FILE *f, const zx_info_maps_t *maps, size_t n)
{
	size_t depth = deepest(maps, n);

	fprintf(f, "%-*s %8s  %-6s %8s  %s\n", (int)(25 + INDENT * depth), "addresses", "size",
		"access", "in use", "what");
	for (size_t i = 0; i < n; i++)
		print_record(f, &maps[i], depth);
}

zx_status_t zvm_vmar_print(FILE *f, zx_handle_t vmar)
{
	zx_info_maps_t *maps = NULL;
	size_t room = 0, actual = 0, avail = 0;
	zx_status_t status;

	/* The tree may grow while its size is asked for. */
	do {
		free(maps);
		room = avail + avail / 4 + 16;
		maps = calloc(room, sizeof(*maps));
		if (!maps)
			return ZX_ERR_NO_MEMORY;
		status = zx_object_get_info(vmar, ZX_INFO_VMAR_MAPS, maps, room * sizeof(*maps),
					    &actual, &avail);
	} while (status == ZX_OK && actual < avail);

	if (status == ZX_OK) {
		print_tree(f, maps, actual);
		if (fflush(f) || ferror(f))
			status = ZX_ERR_IO;
	}
	free(maps);
	return status;
}
