// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Carrying out commands, and what must never come of it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <zircon/rights.h>
#include <zircon/types.h>

#include "fuzz.h"

/* The first violation counts: others may follow from it. */
void violation(const char *fmt, ...)
{
	va_list args;
	int len;

	if (atomic_exchange(&shared->failed, true))
		return;
	len = snprintf(shared->failure, sizeof(shared->failure), "operation %d: ",
		       atomic_load(&shared->at[my_lane]) - 1);
	va_start(args, fmt);
	vsnprintf(shared->failure + len, sizeof(shared->failure) - len, fmt, args);
	va_end(args);
}

/* ---- memory that nobody has to do with ----------------------------------- */

void fill_canary(void)
{
	uint64_t *canary = lane_canary();

	for (unsigned int i = 0; i < CANARY_PAGES * PAGE / 8; i++)
		canary[i] = SECRET;
}

void check_canary(void)
{
	const uint64_t *canary = lane_canary();

	for (unsigned int i = 0; i < CANARY_PAGES * PAGE / 8; i++)
		if (canary[i] != SECRET) {
			violation("memory that nobody writes to has changed: %#lx at byte %u",
				  (unsigned long)canary[i], i * 8);
			return;
		}
}

void look_for_secret(const void *data, size_t len)
{
	const uint64_t *words = data;

	for (size_t i = 0; i < len / 8; i++)
		if (words[i] == SECRET)
			violation("memory of somebody else can be read");
}

/* ---- errors -------------------------------------------------------------- */

static bool known_errno[MOST_ERRNO];

static void list_errnos(void)
{
#define KNOWN(name, status, number) known_errno[number] = true;
	ZVM_ERRNO_TABLE(KNOWN)
	known_errno[EFAULT] = known_errno[E2BIG] = known_errno[EPERM] = true;
	known_errno[EMFILE] = known_errno[ENFILE] = true;
}

static void judge_error(const struct op_type *type, int error)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, list_errnos);
	if (error <= 0 || error >= MOST_ERRNO || !known_errno[error])
		violation("%s gave an error that is not in the table: %s (%d)", type->name,
			  strerror(error), error);
}

/* ---- success ------------------------------------------------------------- */

/* Was it the handle in the slot, beyond doubt? The tag tells. */
static bool same_handle(const struct op_type *type, const uint64_t *args, uint64_t word)
{
	return type->args[1].class == A_TAG && (uint32_t)args[1] && word &&
	       (int)args[0] == WORD_FD(word) && (uint32_t)args[1] == WORD_TAG(word);
}

/* Does it change an address space, or look into it? */
static bool changes_vmar(const struct op_type *type)
{
	switch (type->command) {
	case ZVM_VMAR_ALLOCATE:
	case ZVM_VMAR_MAP:
	case ZVM_VMAR_UNMAP:
	case ZVM_VMAR_PROTECT:
	case ZVM_VMAR_DESTROY:
	case ZVM_VMAR_OP_RANGE:
	case ZVM_ASPACE_ADOPT:
	case ZVM_PROCESS_READ:
	case ZVM_PROCESS_WRITE:
		return true;
	default:
		return false;
	}
}

/* A root handle that was not lent, of another process. */
static bool foreign_root(unsigned int slot)
{
	return slot >= SLOT_ROOT && slot < SLOT_VMAR &&
	       (proc.forked || slot != SLOT_ROOT + proc.index);
}

static void judge_success(const struct op_type *type, const struct op *op, const uint64_t *args,
			  uint64_t word)
{
	uint32_t need = type->needs ? type->needs(args) : 0;

	if (same_handle(type, args, word) && need & ~WORD_RIGHTS(word))
		violation("%s worked although the handle has rights %#x only, not %#x", type->name,
			  WORD_RIGHTS(word), need);

	if (same_handle(type, args, word) && changes_vmar(type) && foreign_root(op->args[0].slot))
		violation("%s worked in another process, which has not lent its VMAR", type->name);

	/* Somebody else may have changed a struct that is elsewhere. */
	if (op->place.kind != V_COMMAND)
		return;
	if (op->size == SIZE_NONE || op->size == SIZE_SHORT || op->size == SIZE_JUNK_TAIL ||
	    op->size == SIZE_HUGE)
		violation("%s took a struct of the wrong size", type->name);
	for (unsigned int i = 1; type->args[i].class != A_END; i++) {
		if (type->args[i].class == A_ADDR_COUNT && args[i] &&
		    program->nobody & 1u << proc.index)
			violation("%s told addresses to nobody", type->name);
		if (type->args[i].class == A_RESERVED && args[i])
			violation("%s took a reserved member that is not 0: %s", type->name,
				  type->args[i].name);
	}
	if (proc.alone && type->args[1].class == A_TAG && (uint32_t)args[1]) {
		uint32_t tag;

		if (handle_tag((int)args[0], &tag) && tag != (uint32_t)args[1])
			violation("%s took the wrong tag: %#x instead of %#x", type->name,
				  (uint32_t)args[1], tag);
	}
}

/* A new handle must not be able to do what the old one could not. */
static void judge_duplicate(const uint64_t *args, uint64_t word, uint32_t rights)
{
	uint32_t most = WORD_RIGHTS(word);

	if (args[3] & ZVM_DUPLICATE_EXECUTABLE)
		most |= ZX_RIGHT_EXECUTE;
	if (rights & ~most)
		violation("a handle with rights %#x was made from one with rights %#x", rights,
			  WORD_RIGHTS(word));
}

/* Nor must one of a child, but for what the kind of child gives. */
static void judge_child(const uint64_t *args, uint64_t word, uint32_t rights)
{
	uint32_t most = WORD_RIGHTS(word) | ZX_RIGHT_GET_PROPERTY | ZX_RIGHT_SET_PROPERTY;

	if (!(args[2] & (ZX_VMO_CHILD_SLICE | ZX_VMO_CHILD_REFERENCE)))
		most |= ZX_RIGHT_WRITE;
	if (args[2] & ZX_VMO_CHILD_NO_WRITE)
		most &= ~ZX_RIGHT_WRITE;
	if (!(args[2] & ZX_VMO_CHILD_RESIZABLE))
		most &= ~ZX_RIGHT_RESIZE;
	else
		most |= ZX_RIGHT_RESIZE;
	if (rights & ~most)
		violation("a child's handle with rights %#x was made from one with rights %#x", rights,
			  WORD_RIGHTS(word));
}

static void take_result(const struct op_type *type, const struct op *op, const uint64_t *args,
			uint64_t word)
{
	uint32_t rights, obj_type, value;
	int fd;

	/* Else it is somewhere in memory that others write to. */
	if (op->args[type->out].kind != V_OUT)
		return;
	if (type->makes == MAKES_MAP) {
		uint64_t addr;

		memcpy(&addr, (void *)args[type->out], sizeof(addr));
		set_range(RANGE_MAP + op->dst % (RANGE_REGION - RANGE_MAP), addr,
			  (args[6] + PAGE - 1) & -PAGE);
		return;
	}
	memcpy(&value, (void *)args[type->out], sizeof(value));
	fd = ZVM_HANDLE_FD(value);
	if (!handle_basic(fd, ZVM_HANDLE_TAG(value), &rights, &obj_type)) {
		if (proc.alone)
			violation("%s gave handle %#x, which is none", type->name, value);
		return;
	}
	if (type->makes == MAKES_SAME && same_handle(type, args, word))
		judge_duplicate(args, word, rights);
	if (type->command == ZVM_VMO_CREATE_CHILD && same_handle(type, args, word))
		judge_child(args, word, rights);
	if (type->command == ZVM_VMAR_ALLOCATE && op->args[7].kind == V_OUT) {
		uint64_t addr;

		memcpy(&addr, (void *)args[7], sizeof(addr));
		set_range(RANGE_REGION + op->dst % (RANGE_PLAIN - RANGE_REGION), addr, args[5]);
	}
	take_fd(fd, op->dst);
}

static void look_at_data(const struct op_type *type, const struct op *op, const uint64_t *args)
{
	bool read = type->command == ZVM_VMO_READ || type->command == ZVM_PROCESS_READ;
	unsigned int at = read ? 2 : 4;
	uint64_t len = args[read ? 4 : 5];

	if (!read && type->command != ZVM_OBJECT_GET_INFO)
		return;
	if (op->args[at].kind == V_SCRATCH && !(op->args[at].num % 8))
		look_for_secret((void *)args[at], len < 512 ? len : 512);
}

/* ---- a command ----------------------------------------------------------- */

static uint32_t claimed_size(const struct op_type *type, const struct op *op)
{
	switch (op->size) {
	case SIZE_NONE:
		return 0;
	case SIZE_SHORT:
		return type->bytes - 4;
	case SIZE_ZERO_TAIL:
	case SIZE_JUNK_TAIL:
		return type->bytes + 24;
	case SIZE_PAGE:
		return PAGE;
	case SIZE_HUGE:
		return UINT32_MAX;
	default:
		return type->bytes;
	}
}

/* Below 4 GiB, where 32-bit programs are. */
static uint8_t low_memory[MOST_LANES][PAGE];

static int call_narrow(int fd, unsigned int command, const void *cmd, size_t len)
{
	uint8_t *low = low_memory[my_lane];
	long ret;

	memcpy(low, cmd, len);
	if ((uint64_t)low > UINT32_MAX || probe_ioctl32(fd, command, low, &ret))
		return zvm_ioctl(fd, command, low);
	if (ret >= 0)
		return 0;
	errno = (int)-ret;
	return -1;
}

long run_command(const struct op_type *type, const struct op *op, const uint64_t *args)
{
	uint64_t word = op->args[0].kind == V_FD ? atomic_load(&proc.slots[op->args[0].slot]) : 0;
	uint32_t size = claimed_size(type, op);
	size_t len = size > type->bytes && size <= PAGE ? size : type->bytes;
	uint8_t cmd[PAGE] = { 0 };
	uint64_t place;
	int err;

	memcpy(cmd, &size, sizeof(size));
	for (unsigned int i = 1; type->args[i].class != A_END; i++)
		memcpy(cmd + type->args[i].offset, &args[i], type->args[i].bytes);
	if (op->size == SIZE_JUNK_TAIL)
		cmd[type->bytes + op->dst % 24] = 1;

	place = resolve(&op->place);
	if (op->place.kind == V_COMMAND)
		place -= len;
	/* If that does not work, the kernel may have the same difficulty. */
	probe_copy((void *)place, cmd, len);

	if (op->narrow && op->place.kind == V_COMMAND)
		err = call_narrow((int)args[0], type->command, cmd, len);
	else
		err = zvm_ioctl((int)args[0], type->command, (void *)place);
	if (err) {
		int error = errno;

		/* The descriptor may be anything's: then errors are others' as well. */
		if (same_handle(type, args, word) || op->args[0].slot == SLOT_DEVICE)
			judge_error(type, error);
		errno = error;
		return -1;
	}
	judge_success(type, op, args, word);
	look_at_data(type, op, args);
	if (type->makes)
		take_result(type, op, args, word);
	return 0;
}
