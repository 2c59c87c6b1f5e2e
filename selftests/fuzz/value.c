// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * What an operation's arguments mean when its turn comes, and how they are shown.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <zircon/types.h>

#include "fuzz.h"

/* ---- the memory of the lanes --------------------------------------------- */

/*
 * A zone in pages. What has a hole behind it ends where it says it does: whoever
 * reads or writes more gets a fault. Few pieces, as each costs time at every fork.
 */
enum {
	Z_HOLE,
	Z_SCRATCH,
	Z_SCRATCH_END = Z_SCRATCH + SCRATCH_BYTES / PAGE,
	Z_COMMAND = Z_SCRATCH_END + 1,
	Z_COMMAND_END = Z_COMMAND + 2,
	Z_CANARY = Z_COMMAND_END + 1,
	Z_OUT = Z_CANARY + CANARY_PAGES,
	Z_OUT_END,
	ZONE_PAGES = 64,
	/* In a zone that all lanes have in common: */
	Z_READ_ONLY = MOST_LANES * ZONE_PAGES,
	Z_NO_ACCESS,
	Z_END,
};

static void *page_at(unsigned int page)
{
	return (void *)(0x100000000000ull + page * PAGE);
}

static void *zone_page(unsigned int page)
{
	return page_at(my_lane * ZONE_PAGES + page);
}

uint64_t *lane_canary(void)
{
	return zone_page(Z_CANARY);
}

void *lane_scratch(void)
{
	return zone_page(Z_SCRATCH);
}

static void map_pages(unsigned int first, unsigned int end, int prot)
{
	if (mmap(page_at(first), (end - first) * PAGE, prot,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != page_at(first)) {
		perror("zvm-fuzz: mmap");
		_exit(2);
	}
}

void make_common_zone(void)
{
	map_pages(Z_READ_ONLY, Z_NO_ACCESS, PROT_READ);
	map_pages(Z_NO_ACCESS, Z_END, PROT_NONE);
}

void make_zone(unsigned int lane)
{
	unsigned int at = lane * ZONE_PAGES;

	map_pages(at + Z_SCRATCH, at + Z_SCRATCH_END, PROT_READ | PROT_WRITE);
	/* The code of "return", over and over, in case that somebody calls it. */
	memset(page_at(at + Z_SCRATCH), 0xc3, 4 * PAGE);
	map_pages(at + Z_COMMAND, at + Z_COMMAND_END, PROT_READ | PROT_WRITE);
	map_pages(at + Z_CANARY, at + Z_OUT_END, PROT_READ | PROT_WRITE);
}

/* ---- what values are now ------------------------------------------------- */

static uint64_t slot_word(unsigned int slot)
{
	return atomic_load(&proc.slots[slot % SLOTS]);
}

static uint64_t handle_value(const struct value *v)
{
	uint64_t word = slot_word(v->slot);
	uint32_t tag = v->num < 0 ? 0 : WORD_TAG(word) ^ (uint32_t)v->num;

	if (!word)
		return ZVM_HANDLE_VALUE(1000000, 1);
	return ZVM_HANDLE_VALUE(WORD_FD(word), tag);
}

uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Behind what else goes to the lane's memory for results. */
static uint64_t make_items(const struct value *v)
{
	zx_wait_item_t *items = (zx_wait_item_t *)((char *)zone_page(Z_OUT) + PAGE / 2);
	uint64_t random = (uint64_t)v->num;

	for (unsigned int i = 0; i < MOST_ITEMS; i++) {
		struct value handle = {
			.kind = V_HANDLE, .slot = (uint8_t)((v->slot + i) % SLOTS),
		};

		items[i] = (zx_wait_item_t){
			.handle = (zx_handle_t)handle_value(&handle),
			.waitfor = next_random(&random) & (ZX_USER_SIGNAL_ALL | ZX_VMO_ZERO_CHILDREN),
		};
	}
	return (uint64_t)items;
}

uint64_t resolve(const struct value *v)
{
	uint64_t num = (uint64_t)v->num;

	switch (v->kind) {
	case V_FD:
		return (uint64_t)(int64_t)WORD_FD(slot_word(v->slot));
	case V_HANDLE:
		return handle_value(v);
	case V_TAG:
		return WORD_TAG(slot_word(v->slot)) ^ num;
	case V_RANGE:
		return proc.ranges[v->slot % RANGES].base + num;
	case V_LENGTH:
		return proc.ranges[v->slot % RANGES].len + num;
	case V_INSIDE:
		return proc.ranges[v->slot % RANGES].base - proc.ranges[RANGE_ARENA].base + num;
	case V_SCRATCH:
		return (uint64_t)zone_page(Z_SCRATCH) + num;
	case V_SCRATCH_END:
		return (uint64_t)zone_page(Z_SCRATCH_END) + num;
	case V_READ_ONLY:
		return (uint64_t)page_at(Z_READ_ONLY) + num;
	case V_NO_ACCESS:
		return (uint64_t)page_at(Z_NO_ACCESS) + num;
	case V_HOLE:
		return (uint64_t)zone_page(Z_HOLE) + num;
	case V_PLAIN:
		return PLAIN_ZONE + num;
	case V_OUT:
		return (uint64_t)zone_page(Z_OUT) + num;
	case V_COMMAND:
		/* Its end; the struct is put before it. */
		return (uint64_t)zone_page(Z_COMMAND_END);
	case V_PID:
		return (uint64_t)atomic_load(&shared->pid[v->slot % MOST_PROCS]);
	case V_SIBLING:
		return shared->arena[v->slot % MOST_PROCS].base + num;
	case V_SOON:
		return now() + num;
	case V_ITEMS:
		return make_items(v);
	default:
		return num;
	}
}

/* ---- for people ---------------------------------------------------------- */

static const char *slot_name(unsigned int slot, char *text, size_t len)
{
	if (slot < SLOT_ROOT)
		snprintf(text, len, "device");
	else if (slot < SLOT_VMAR)
		snprintf(text, len, "root%u", slot - SLOT_ROOT);
	else if (slot < SLOT_VMO)
		snprintf(text, len, "vmar%u", slot - SLOT_VMAR);
	else if (slot < SLOT_BTI)
		snprintf(text, len, "vmo%u", slot - SLOT_VMO);
	else if (slot < SLOT_PMT)
		snprintf(text, len, "bti%u", slot - SLOT_BTI);
	else if (slot < SLOT_FILE)
		snprintf(text, len, "pmt%u", slot - SLOT_PMT);
	else
		snprintf(text, len, "%s", ((const char *[]){ "socket", "socket_end", "pipe_in",
			 "pipe_out", "memfd", "proc_self_mem", "dev_zero", "file" })[slot - SLOT_FILE]);
	return text;
}

static const char *range_name(unsigned int range, char *text, size_t len)
{
	if (range < RANGE_MAP)
		snprintf(text, len, "arena");
	else if (range < RANGE_REGION)
		snprintf(text, len, "map%u", range - RANGE_MAP);
	else if (range < RANGE_PLAIN)
		snprintf(text, len, "region%u", range - RANGE_REGION);
	else
		snprintf(text, len, "mmap%u", range - RANGE_PLAIN);
	return text;
}

static void print_plus(int64_t num)
{
	if (num)
		printf(" %c %#" PRIx64, num < 0 ? '-' : '+', (uint64_t)(num < 0 ? -num : num));
}

static void print_number(uint64_t num, const struct arg *arg)
{
	uint64_t left = num;
	bool any = false;

	for (const struct name *n = arg->names; n && n->name; n++) {
		if (arg->class == A_ONE_OF && num == n->value) {
			printf("%s", n->name);
			return;
		}
		/* Of the alignments, which are numbers, all bits together. */
		if (arg->class == A_FLAGS && n->value && (left & n->value) == n->value) {
			printf("%s%s", any ? " | " : "", n->name);
			left &= ~n->value;
			any = true;
		}
	}
	if (left || !any)
		printf(left < 10 ? "%s%" PRIu64 : "%s%#" PRIx64, any ? " | " : "", left);
}

static void print_value(const struct value *v, const struct arg *arg)
{
	static const char *const places[] = {
		[V_SCRATCH] = "scratch", [V_SCRATCH_END] = "scratch_end", [V_READ_ONLY] = "read_only",
		[V_NO_ACCESS] = "no_access", [V_HOLE] = "hole", [V_PLAIN] = "mmap_zone",
		[V_OUT] = "out", [V_COMMAND] = "command",
	};
	char text[32];

	switch (v->kind) {
	case V_NUM:
		print_number((uint64_t)v->num, arg);
		return;
	case V_FD:
		printf("%s", slot_name(v->slot, text, sizeof(text)));
		return;
	case V_HANDLE:
	case V_TAG:
		printf("%s(%s)", v->kind == V_TAG ? "tag" : "handle",
		       slot_name(v->slot, text, sizeof(text)));
		if (v->num < 0)
			printf(" without tag");
		else if (v->num)
			printf(" with tag ^ %#" PRIx64, v->num);
		return;
	case V_LENGTH:
		printf("sizeof(%s)", range_name(v->slot, text, sizeof(text)));
		break;
	case V_RANGE:
	case V_INSIDE:
		printf("%s%s", range_name(v->slot, text, sizeof(text)),
		       v->kind == V_INSIDE ? " - arena" : "");
		break;
	case V_PID:
		printf("pid%u", v->slot);
		return;
	case V_SIBLING:
		printf("arena of process %u", v->slot);
		break;
	case V_SOON:
		printf("now");
		break;
	case V_ITEMS:
		printf("items from %s on, signals by %#" PRIx64,
		       slot_name(v->slot, text, sizeof(text)), (uint64_t)v->num);
		return;
	default:
		printf("%s", places[v->kind]);
	}
	print_plus(v->num);
}

static void print_op(const struct program *p, unsigned int index)
{
	static const char *const sizes[] = {
		"", "0", "too short", "longer, zeros", "longer, not zeros", "a page", "4 GiB"
	};
	const struct op *op = &p->ops[index];
	const struct op_type *type = op_type(op->type);

	printf("%4u  p%ut%u  %s(", index, op->lane / p->threads, op->lane % p->threads, type->name);
	for (unsigned int i = 0; type->args[i].class != A_END; i++) {
		printf("%s%s=", i ? ", " : "", type->args[i].name);
		print_value(&op->args[i], &type->args[i]);
	}
	if (type->command && op->size)
		printf("; size: %s", sizes[op->size]);
	if (type->command && op->narrow)
		printf("; by 32 bits");
	if (type->command && op->place.kind != V_COMMAND) {
		printf("; struct at ");
		print_value(&op->place, &(struct arg){ .class = A_NUMBER });
	}
	printf(")");
	if (type->makes)
		printf(" -> %u", op->dst);
	printf(";\n");
}

void print_program(const struct program *p, const bool *keep)
{
	printf("# program %" PRIu64 ":%" PRIu64 ": %u process%s of %u thread%s%s%s", p->seed, p->number,
	       p->procs, p->procs == 1 ? "" : "es", p->threads, p->threads == 1 ? "" : "s",
	       p->share_files ? ", descriptors shared" : "", p->huge_user ? ", without user limit" : "");
	for (unsigned int i = 0; i < p->procs; i++)
		if (p->nobody & 1u << i)
			printf(", process %u is nobody", i);
	if (p->kill_after)
		printf(", killed after %u us", p->kill_after);
	printf("\n");
	for (unsigned int i = 0; i < p->count; i++)
		if (!keep || keep[i])
			print_op(p, i);
}
