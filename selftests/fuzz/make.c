// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Making programs: a seed and a number decide everything.
 *
 * Most arguments are such that the operation can work, so that programs get
 * somewhere; some are at the borders of what works; some are hostile.
 */
#include <zircon/types.h>

#include "fuzz.h"

static uint64_t rng;

static uint64_t any(void)
{
	return next_random(&rng);
}

static unsigned int below(unsigned int n)
{
	return (unsigned int)(any() % n);
}

static bool one_in(unsigned int n)
{
	return !below(n);
}

/* ---- values -------------------------------------------------------------- */

static struct value number(uint64_t num)
{
	return (struct value){ V_NUM, 0, (int64_t)num };
}

static struct value named(uint8_t kind, unsigned int slot, int64_t num)
{
	return (struct value){ kind, (uint8_t)slot, num };
}

/* Where a computation may go wrong. */
static uint64_t border(void)
{
	static const uint64_t borders[] = {
		0, 1, 7, 8, 15, 16, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 512 * PAGE, 0x7fffffff,
		0x80000000, 0xfffff000, 0xffffffff, 0x100000000, 0x7fffffff000, 1ull << 44,
		1ull << 46, 0x7fffffffe000, 0x7ffffffff000, 0x800000000000, 1ull << 52, 1ull << 62,
		0x7ffffffffffff000, 0x7fffffffffffffff, 0x8000000000000000, 0xfffffffffffe0000,
		0xffffffffffffe000, 0xfffffffffffff000, 0xfffffffffffff001, 0xfffffffffffffff8,
		0xffffffffffffffff,
	};
	uint64_t value = borders[below(ARRAY_SIZE(borders))];

	return one_in(4) ? value + below(3) * PAGE - PAGE : value;
}

/* Addresses that a program has no business with. */
static struct value hostile_address(void)
{
	static const uint64_t places[] = {
		0, 1, 8, PAGE, 0x7ffffffff000 - 8, 0x7ffffffffff8, 0x7ffffffff000, 0x800000000000,
		0x8000000000000000, 0xffff800000000000, 0xffff888000000000, 0xffffc90000000000,
		0xffffea0000000000, 0xffffffff81000000, 0xffffffffff600000, 0xfffffffffffff000,
		0xfffffffffffffffc, 0xffffffffffffffff, 0x4141414141414141,
	};

	switch (below(6)) {
	case 0:
		return named(V_READ_ONLY, 0, below(PAGE));
	case 1:
		return named(V_NO_ACCESS, 0, below(PAGE));
	case 2:
		return named(V_HOLE, 0, below(PAGE));
	case 3:
		return named(V_SCRATCH_END, 0, -(int64_t)below(40));
	default:
		return number(places[below(ARRAY_SIZE(places))] + (one_in(4) ? below(64) : 0));
	}
}

/* ---- slots and ranges ---------------------------------------------------- */

/*
 * What an earlier operation may have put something into. Whether it has is not
 * known before the program runs, and others may have been faster.
 */
static bool slots_used[MOST_PROCS][SLOTS], ranges_used[MOST_PROCS][RANGES];
/* Of the process whose turn it is. */
static bool *slot_used, *range_used;

/* Mostly one that is used. */
static unsigned int choose(const bool *used, unsigned int first, unsigned int end)
{
	unsigned int at = first + below(end - first);

	for (unsigned int tries = 0; !used[at] && tries < 16; tries++)
		at = first + below(end - first);
	return at;
}

static unsigned int map_range(void)
{
	return choose(range_used, RANGE_MAP, RANGE_REGION);
}

static unsigned int region_range(void)
{
	return choose(range_used, RANGE_REGION, RANGE_PLAIN);
}

static unsigned int plain_range(void)
{
	return choose(range_used, RANGE_PLAIN, RANGES);
}

static unsigned int vmar_slot(unsigned int p)
{
	switch (below(16)) {
	case 0:
		return SLOT_ROOT + below(MOST_PROCS);
	case 1 ... 10:
		return SLOT_ROOT + p;
	default:
		return choose(slot_used, SLOT_VMAR, SLOT_VMO);
	}
}

static unsigned int vmo_slot(void)
{
	/* Where there is something most likely. */
	if (one_in(2))
		return SLOT_VMO + below(START_VMOS);
	return choose(slot_used, SLOT_VMO, SLOT_BTI);
}

/* What every program starts with; see run.c. */
static void begin_slots(void)
{
	for (unsigned int i = 0; i < SLOTS; i++)
		slot_used[i] = i >= SLOT_FILE || i < SLOT_VMAR || i == SLOT_VMAR;
	for (unsigned int i = 0; i < START_VMOS; i++)
		slot_used[SLOT_VMO + i] = true;
	slot_used[SLOT_BTI] = true;
	for (unsigned int i = 0; i < RANGES; i++)
		range_used[i] = false;
	for (unsigned int i = 0; i < START_MAPS; i++)
		range_used[RANGE_MAP + i] = range_used[RANGE_PLAIN + i] = true;
}

static void choose_process(const struct program *p, unsigned int index)
{
	slot_used = slots_used[p->share_files ? 0 : index];
	range_used = ranges_used[index];
}

static void note_use(const struct op_type *type, const struct op *op)
{
	unsigned int vmar = SLOT_VMAR + op->dst % (SLOT_VMO - SLOT_VMAR);
	unsigned int vmo = SLOT_VMO + op->dst % (SLOT_BTI - SLOT_VMO);

	if (type->closes && op->args[0].kind == V_FD)
		slot_used[op->args[0].slot] = false;
	switch (type->makes) {
	case MAKES_VMO:
		slot_used[vmo] = true;
		break;
	case MAKES_VMAR:
		slot_used[vmar] = true;
		range_used[RANGE_REGION + op->dst % (RANGE_PLAIN - RANGE_REGION)] = true;
		break;
	case MAKES_BTI:
		slot_used[SLOT_BTI + op->dst % (SLOT_PMT - SLOT_BTI)] = true;
		break;
	case MAKES_PMT:
		slot_used[SLOT_PMT + op->dst % (SLOT_FILE - SLOT_PMT)] = true;
		break;
	case MAKES_SAME:
		slot_used[op->args[0].slot < SLOT_VMO ? vmar : vmo] = true;
		break;
	case MAKES_MAP:
		range_used[RANGE_MAP + op->dst % (RANGE_REGION - RANGE_MAP)] = true;
		break;
	}
}

/* In a mapping, with a bit of a chance to be near its border. */
static struct value in_mapping(unsigned int range)
{
	switch (below(8)) {
	case 0:
		return named(V_RANGE, range, -(int64_t)below(PAGE));
	case 1:
		return named(V_RANGE, range, below(16 * PAGE));
	case 2:
	case 3:
		return named(V_RANGE, range, below(8) * PAGE);
	case 4:
		return named(V_RANGE, range, (below(8) + 1) * PAGE - below(24));
	default:
		return named(V_RANGE, range, 0);
	}
}

static struct value buffer(void)
{
	switch (below(20)) {
	case 0:
		return hostile_address();
	case 1 ... 5:
		return in_mapping(map_range());
	case 6:
		return in_mapping(plain_range());
	case 7:
		return named(V_SCRATCH_END, 0, -(int64_t)below(2 * PAGE));
	case 8:
		return named(V_SCRATCH, 0, below(PAGE));
	default:
		return named(V_SCRATCH, 0, below(8) * PAGE);
	}
}

static uint64_t bytes(void)
{
	switch (below(16)) {
	case 0:
		return border();
	case 1:
		return 0;
	case 2 ... 5:
		return below(64);
	case 6 ... 9:
		return 176 + below(PAGE);
	case 10:
		return below(24 * PAGE);
	default:
		return (1 + below(12)) * PAGE;
	}
}

static uint64_t offset(void)
{
	switch (below(16)) {
	case 0:
		return border();
	case 1 ... 5:
		return 0;
	case 6:
		return below(16 * PAGE);
	case 7:
		return (1 + below(16)) * PAGE - below(16);
	case 8:
		return (uint64_t)below(1 << 20) * PAGE;
	default:
		return below(16) * PAGE;
	}
}

static uint64_t pages(void)
{
	switch (below(20)) {
	case 0:
		return border();
	case 1:
		return 1 + below(8 * PAGE);
	case 2:
		return 1ull << (12 + below(31));
	case 3:
		return 512 * PAGE * (1 + below(4));
	case 4:
		return below(2) * PAGE;
	default:
		return (1 + below(12)) * PAGE;
	}
}

static uint64_t vmo_size(void)
{
	switch (below(16)) {
	case 0:
		return border();
	case 1:
		return 0;
	case 2:
		return 1ull << (12 + below(51));
	case 3:
	case 4:
		return below(40 * PAGE);
	default:
		return (1 + below(40)) * PAGE;
	}
}

static uint64_t flags(const struct arg *arg)
{
	unsigned int n = 0;
	uint64_t value = 0;

	if (arg->often && !one_in(8)) {
		while (arg->often[n].name)
			n++;
		return arg->often[below(n)].value;
	}
	while (arg->names[n].name)
		n++;
	switch (below(4)) {
	case 0:
		break;
	case 1:
		value = arg->names[below(n)].value;
		break;
	default:
		for (unsigned int i = 0; i < n; i++)
			if (one_in(3))
				value |= arg->names[i].value;
	}
	/* One that means nothing. */
	if (one_in(12))
		value ^= 1ull << below(arg->bytes == 8 ? 64 : 32);
	return value;
}

static uint64_t one_of(const struct arg *arg)
{
	unsigned int n = 0;

	while (arg->names[n].name)
		n++;
	return !arg->from && one_in(40) ? border() : arg->names[below(n)].value;
}

static unsigned int file_slot(const struct arg *arg, unsigned int p)
{
	if (one_in(24))
		return below(SLOTS);
	switch (arg->from) {
	case SLOT_DEVICE:
		return SLOT_DEVICE;
	case SLOT_VMAR:
		return vmar_slot(p);
	case SLOT_CHILD_VMAR:
		return choose(slot_used, SLOT_VMAR, SLOT_VMO);
	case SLOT_VMO:
		return vmo_slot();
	case SLOT_BTI:
		return choose(slot_used, SLOT_BTI, SLOT_PMT);
	case SLOT_PMT:
		return choose(slot_used, SLOT_PMT, SLOT_FILE);
	default:
		/* One of the files that a program starts with. */
		return arg->from;
	}
}

/* Commands for any handle name VMOs in the table; VMARs get their share. */
static bool for_any_handle(const struct op_type *type)
{
	switch (type->command) {
	case ZVM_HANDLE_DUPLICATE:
	case ZVM_HANDLE_TAG_OF:
	case ZVM_OBJECT_SIGNAL:
	case ZVM_OBJECT_GET_INFO:
	case ZVM_OBJECT_GET_PROPERTY:
	case ZVM_OBJECT_SET_PROPERTY:
		return true;
	default:
		return false;
	}
}

/* ---- operations ---------------------------------------------------------- */

static unsigned int last_range, procs;

static struct value address(void)
{
	if (one_in(24))
		return hostile_address();
	switch (below(16)) {
	case 0:
		last_range = RANGE_ARENA;
		return named(V_RANGE, RANGE_ARENA, below(256) * PAGE);
	case 1:
	case 2:
		last_range = region_range();
		break;
	default:
		last_range = map_range();
	}
	if (one_in(12))
		return named(V_RANGE, last_range, below(3 * PAGE));
	return named(V_RANGE, last_range, one_in(3) ? below(6) * PAGE : 0);
}

static struct value extent(void)
{
	switch (below(16)) {
	case 0:
		return number(border());
	case 1:
		return named(V_LENGTH, last_range, (int64_t)below(8) * PAGE - (int64_t)below(8) * PAGE);
	case 2 ... 6:
		return named(V_LENGTH, last_range, 0);
	default:
		return number(pages());
	}
}

static struct value plain_address(bool there)
{
	if (one_in(24))
		return one_in(2) ? hostile_address() : named(V_RANGE, map_range(), 0);
	last_range = plain_range();
	if (there ? !one_in(8) : one_in(3))
		return named(V_RANGE, last_range, one_in(3) ? below(8) * PAGE : 0);
	return named(V_PLAIN, 0, below(128) * PAGE);
}

static struct value handle(bool any_handle, unsigned int p)
{
	unsigned int slot = vmo_slot();

	if (one_in(40))
		return number(border());
	if (any_handle || one_in(30))
		slot = one_in(2) ? slot : one_in(8) ? below(SLOTS) : vmar_slot(p);
	/* Now and then a wrong tag, or none. */
	return named(V_HANDLE, slot, one_in(40) ? 1 + (int)below(1023) :
		     one_in(60) ? -1 : 0);
}

/* Never far ahead: a program has to end. */
static struct value deadline(void)
{
	switch (below(8)) {
	case 0:
		return number(below(2) ? 1ull << 63 : -(uint64_t)below(1 << 30));
	case 1:
		return named(V_SOON, 0, -(int64_t)below(1 << 20));
	case 2:
		return named(V_SOON, 0, below(5000000));
	case 3 ... 4:
		return named(V_SOON, 0, below(100000));
	default:
		return number(below(2));
	}
}

static struct value items(void)
{
	if (one_in(12))
		return buffer();
	return named(V_ITEMS, vmo_slot(), (int64_t)(any() >> 1));
}

/* As many as the length has pages, or one of memory in a row; or none. */
static struct value addr_count(const struct value *addrs, const struct value *len,
			       const struct value *options)
{
	if (one_in(24))
		return number(border());
	if (addrs->kind == V_NUM && !addrs->num)
		return number(0);
	return number(options->num & ZX_BTI_CONTIGUOUS ? 1 : (uint64_t)len->num / PAGE);
}

static struct value make_arg(const struct arg *arg, const struct op *op, unsigned int p)
{
	switch (arg->class) {
	case A_TAG:
		if (one_in(40))
			return named(V_TAG, op->args[0].slot, 1 + below(1023));
		return one_in(6) ? number(0) : named(V_TAG, op->args[0].slot, 0);
	case A_RESERVED:
		return number(one_in(40) ? 1 | border() : 0);
	case A_VMO_HANDLE:
		return handle(false, p);
	case A_ANY_HANDLE:
		return handle(true, p);
	case A_OUT_MAYBE:
		if (one_in(3))
			return number(0);
		/* fall through */
	case A_OUT:
		if (one_in(24))
			return one_in(2) ? hostile_address() : in_mapping(map_range());
		return named(V_OUT, 0, arg->from);
	case A_BUFFER:
		return buffer();
	case A_BYTES:
		return number(bytes());
	case A_ADDRS:
		return one_in(2) ? number(0) : buffer();
	case A_ADDR_COUNT:
		return addr_count(&op->args[6], &op->args[5], &op->args[2]);
	case A_OFFSET:
		return number(offset());
	case A_PAGES:
		return number(pages());
	case A_SIZE:
		return number(vmo_size());
	case A_ADDRESS:
		return address();
	case A_EXTENT:
		return extent();
	case A_PLACE:
		/* Without one of these it has no meaning. */
		if (!one_in(8) && !(op->args[2].num & (ZX_VM_SPECIFIC | ZX_VM_SPECIFIC_OVERWRITE |
						       ZX_VM_OFFSET_IS_UPPER_LIMIT)))
			return number(0);
		if (one_in(4))
			return named(V_INSIDE, map_range(), below(3) * PAGE);
		return number(one_in(16) ? border() : below(96) * PAGE);
	case A_PLAIN:
		return plain_address(arg->from);
	case A_ONE_OF:
		return number(one_of(arg));
	case A_FLAGS:
		return number(flags(arg));
	case A_NUMBER:
		return number(one_in(arg->from ? 40 : 2) ? border() : below(arg->from + 1u));
	case A_REMOTE:
		if (one_in(3))
			return named(V_SIBLING, below(MOST_PROCS), below(64) * PAGE);
		return one_in(8) ? hostile_address() : named(V_RANGE, map_range(), below(2) * PAGE);
	case A_NOTHING:
		return number(one_in(16) ? border() : 0);
	case A_PID:
		return named(V_PID, one_in(8) ? below(MOST_PROCS) : below(procs), 0);
	case A_LANE:
		return number(below(MOST_LANES));
	case A_DEADLINE:
		return deadline();
	case A_ITEMS:
		return items();
	default:
		return number(0);
	}
}

static uint8_t command_size(void)
{
	return one_in(24) ? (uint8_t)(SIZE_NONE + below(SIZE_HUGE)) : SIZE_RIGHT;
}

static void make_op(struct op *op, unsigned int type, unsigned int lane, unsigned int p)
{
	const struct op_type *t = op_type(type);

	op->type = (uint8_t)type;
	op->lane = (uint8_t)lane;
	op->dst = (uint8_t)below(240);
	op->size = command_size();
	op->narrow = one_in(16);
	op->place = named(V_COMMAND, 0, 0);
	if (one_in(40))
		op->place = one_in(3) ? in_mapping(map_range()) : hostile_address();
	last_range = map_range();

	for (unsigned int i = 0; t->args[i].class != A_END; i++) {
		const struct arg *arg = &t->args[i];

		if (arg->class == A_FD) {
			unsigned int slot = file_slot(arg, p);

			if (t->command && for_any_handle(t) && one_in(3))
				slot = vmar_slot(p);
			op->args[i] = one_in(60) ? number(border()) : named(V_FD, slot, 0);
		} else {
			op->args[i] = make_arg(arg, op, p);
		}
	}
	note_use(t, op);
}

static unsigned int choose_type(void)
{
	static unsigned int total;
	unsigned int at, i;

	if (!total)
		for (i = 0; i < op_type_count(); i++)
			total += op_type(i)->weight;
	at = below(total);
	for (i = 0; at >= op_type(i)->weight; i++)
		at -= op_type(i)->weight;
	return i;
}

void make_program(struct program *p, uint64_t seed, uint64_t n)
{
	unsigned int lanes;

	rng = seed;
	rng = next_random(&rng) ^ n * 0xd1342543de82ef95;
	*p = (struct program){ .seed = seed, .number = n };
	switch (below(6)) {
	case 0:
	case 1:
		p->procs = 1;
		p->threads = 1;
		break;
	case 2:
		p->procs = 1;
		p->threads = 2 + below(MOST_THREADS - 1);
		break;
	default:
		p->procs = 1 + below(MOST_PROCS);
		p->threads = 1 + below(MOST_THREADS);
	}
	lanes = p->procs * p->threads;
	p->share_files = p->procs > 1 && one_in(3);
	p->nobody = one_in(2) ? below(1 << MOST_PROCS) : 0;
	p->huge_user = one_in(8);
	p->kill_after = one_in(5) ? 1 + below(50000) : 0;
	procs = p->procs;
	for (unsigned int i = 0; i < MOST_PROCS; i++) {
		choose_process(p, i);
		begin_slots();
	}
	p->count = MOST_OPS / 3 + below(MOST_OPS * 2 / 3) + 1;
	for (unsigned int i = 0; i < p->count; i++) {
		unsigned int lane = below(lanes);

		choose_process(p, lane / p->threads);
		make_op(&p->ops[i], choose_type(), lane, lane / p->threads);
	}
}
