// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of who may do what: every command against a table of its own,
 * written from the specification of the calls.
 *
 * Commands are run with their struct in the kernel, by a thread without user
 * memory: what would be told to the user ends in EFAULT, and all of it is undone.
 * What counts is whether EACCES comes, and comes first.
 */
#include <linux/err.h>
#include <linux/fdtable.h>

#include "../vmar/vmar_kunit.h"
#include "../zvm_kunit.h"
#include "bti.h"
#include "ioctl.h"
#include "object_kunit.h"

#define ARENA_PAGES	16

enum target { DEVICE, HANDLE, VMO, RESIZABLE, VMAR, BTI, PMT };
#define LAST_TARGET PMT

/**
 * struct row - what a command wants
 * @name: of the command, for messages
 * @cmd: the command
 * @on: what it goes to; VMO: resizable or not
 * @all: rights that the handle must have
 * @any: rights of which the handle must have one; 0: none
 * @which: the member of the command's struct that the row is about
 */
struct row {
	const char *name;
	unsigned int cmd;
	enum target on;
	u32 all;
	u32 any;
	u32 which;
};

#define ROW(_cmd, ...) { .name = #_cmd, .cmd = _cmd, __VA_ARGS__ }

/* The rights, by their numbers: the names in the module may be wrong as well. */
#define DUPLICATE	0x1
#define READ_		0x4
#define WRITE_		0x8
#define EXECUTE		0x10
#define MAP		0x20
#define GET_PROPERTY	0x40
#define SET_PROPERTY	0x80
#define SIGNAL		0x1000
#define WAIT		0x4000
#define INSPECT		0x8000
#define OP_CHILDREN	0x200000
#define RESIZE		0x400000
#define ALL_RIGHTS	0x1ffffff

static const struct row rows[] = {
	ROW(ZVM_HANDSHAKE, DEVICE),
	ROW(ZVM_STATS, DEVICE),
	ROW(ZVM_VMAR_ROOT, DEVICE),
	ROW(ZVM_VMO_CREATE, DEVICE),
	ROW(ZVM_VMO_CREATE_PHYSICAL, DEVICE),
	ROW(ZVM_ASPACE_CREATE, DEVICE),
	ROW(ZVM_HANDLE_CLOSE, DEVICE),
	/* All of them in rights_wait(). */
	ROW(ZVM_OBJECT_WAIT_ONE, DEVICE),
	ROW(ZVM_OBJECT_WAIT_MANY, DEVICE),

	ROW(ZVM_HANDLE_TAG_OF, HANDLE),
	/* which: flags */
	ROW(ZVM_HANDLE_DUPLICATE, HANDLE, DUPLICATE),
	ROW(ZVM_HANDLE_DUPLICATE, HANDLE, .which = ZVM_DUPLICATE_REPLACE),
	ROW(ZVM_HANDLE_DUPLICATE, VMO, .which = ZVM_DUPLICATE_EXECUTABLE),
	ROW(ZVM_OBJECT_SIGNAL, HANDLE, SIGNAL),
	/* which: topic */
	ROW(ZVM_OBJECT_GET_INFO, HANDLE, .which = 1),
	ROW(ZVM_OBJECT_GET_INFO, HANDLE, .which = 2),
	ROW(ZVM_OBJECT_GET_INFO, HANDLE, INSPECT, .which = 19),
	ROW(ZVM_OBJECT_GET_INFO, VMO, .which = 0x00000017),
	ROW(ZVM_OBJECT_GET_INFO, VMO, .which = 0x10000017),
	ROW(ZVM_OBJECT_GET_INFO, VMO, .which = 0x20000017),
	ROW(ZVM_OBJECT_GET_INFO, VMO, .which = 0x30000017),
	ROW(ZVM_OBJECT_GET_INFO, VMAR, INSPECT, .which = 7),
	ROW(ZVM_OBJECT_GET_INFO, VMAR, INSPECT, .which = 36),
	ROW(ZVM_OBJECT_GET_INFO, VMAR, INSPECT, .which = 0x2000000d),
	ROW(ZVM_OBJECT_GET_INFO, VMAR, INSPECT, .which = 0x0000000e),
	ROW(ZVM_OBJECT_GET_INFO, VMAR, INSPECT, .which = 0x1000000e),
	ROW(ZVM_OBJECT_GET_INFO, VMAR, INSPECT, .which = 0x2000000e),
	ROW(ZVM_OBJECT_GET_INFO, VMAR, INSPECT, .which = 0x3000000e),
	ROW(ZVM_OBJECT_GET_INFO, BTI, INSPECT, .which = 20),
	/* which: property, the name and the size of the content */
	ROW(ZVM_OBJECT_GET_PROPERTY, HANDLE, GET_PROPERTY, .which = 3),
	ROW(ZVM_OBJECT_GET_PROPERTY, HANDLE, GET_PROPERTY, .which = 17),
	ROW(ZVM_OBJECT_GET_PROPERTY, HANDLE, GET_PROPERTY, .which = 99),
	ROW(ZVM_OBJECT_SET_PROPERTY, HANDLE, SET_PROPERTY, .which = 3),
	ROW(ZVM_OBJECT_SET_PROPERTY, HANDLE, SET_PROPERTY | WRITE_, .which = 17),
	ROW(ZVM_OBJECT_SET_PROPERTY, HANDLE, SET_PROPERTY, .which = 99),

	ROW(ZVM_VMO_READ, VMO, READ_),
	ROW(ZVM_VMO_WRITE, VMO, WRITE_),
	ROW(ZVM_VMO_GET_SIZE, VMO),
	ROW(ZVM_VMO_GET_STREAM_SIZE, VMO),
	ROW(ZVM_VMO_SET_SIZE, VMO, WRITE_),
	ROW(ZVM_VMO_SET_SIZE, RESIZABLE, WRITE_ | RESIZE),
	ROW(ZVM_VMO_SET_STREAM_SIZE, VMO, WRITE_),
	ROW(ZVM_VMO_SET_CACHE_POLICY, VMO, MAP),
	/* which: options */
	ROW(ZVM_VMO_CREATE_CHILD, VMO, DUPLICATE | READ_, .which = 0),
	ROW(ZVM_VMO_CREATE_CHILD, VMO, DUPLICATE | READ_, .which = 0x01),	/* SNAPSHOT */
	ROW(ZVM_VMO_CREATE_CHILD, VMO, DUPLICATE | READ_, .which = 0x05),	/* RESIZABLE */
	ROW(ZVM_VMO_CREATE_CHILD, VMO, DUPLICATE | READ_, .which = 0x08),	/* SLICE */
	ROW(ZVM_VMO_CREATE_CHILD, VMO, DUPLICATE | READ_, .which = 0x10),	/* AT_LEAST... */
	ROW(ZVM_VMO_CREATE_CHILD, VMO, DUPLICATE | READ_, .which = 0x21),	/* NO_WRITE */
	ROW(ZVM_VMO_CREATE_CHILD, VMO, DUPLICATE | READ_, .which = 0x40),	/* REFERENCE */
	ROW(ZVM_VMO_CREATE_CHILD, VMO, DUPLICATE | READ_ | RESIZE, .which = 0x44),
	ROW(ZVM_VMO_CREATE_CHILD, VMO, DUPLICATE | READ_, .which = 0x80),	/* ..._MODIFIED */
	/* The source in rights_transfer_data(); here, a handle that is none. */
	ROW(ZVM_VMO_TRANSFER_DATA, VMO, WRITE_),
	ROW(ZVM_VMO_COMMITTED, VMO),
	/* which: op */
	ROW(ZVM_VMO_OP_RANGE, VMO, .which = 0),
	ROW(ZVM_VMO_OP_RANGE, VMO, WRITE_, .which = 1),			/* COMMIT */
	ROW(ZVM_VMO_OP_RANGE, VMO, WRITE_, .which = 2),			/* DECOMMIT */
	ROW(ZVM_VMO_OP_RANGE, VMO, .any = READ_ | WRITE_, .which = 3),	/* LOCK */
	ROW(ZVM_VMO_OP_RANGE, VMO, .any = READ_ | WRITE_, .which = 4),	/* UNLOCK */
	ROW(ZVM_VMO_OP_RANGE, VMO, .which = 5),
	ROW(ZVM_VMO_OP_RANGE, VMO, READ_, .which = 6),			/* CACHE_SYNC */
	ROW(ZVM_VMO_OP_RANGE, VMO, .which = 7),				/* CACHE_INVALIDATE */
	ROW(ZVM_VMO_OP_RANGE, VMO, READ_, .which = 8),			/* CACHE_CLEAN */
	ROW(ZVM_VMO_OP_RANGE, VMO, READ_, .which = 9),			/* and INVALIDATE */
	ROW(ZVM_VMO_OP_RANGE, VMO, WRITE_, .which = 10),		/* ZERO */
	ROW(ZVM_VMO_OP_RANGE, VMO, .any = READ_ | WRITE_, .which = 11),	/* TRY_LOCK */
	ROW(ZVM_VMO_OP_RANGE, VMO, .which = 12),			/* DONT_NEED */
	ROW(ZVM_VMO_OP_RANGE, VMO, .which = 13),			/* ALWAYS_NEED */
	ROW(ZVM_VMO_OP_RANGE, VMO, READ_, .which = 14),			/* PREFETCH */
	ROW(ZVM_VMO_OP_RANGE, VMO, .which = 15),

	ROW(ZVM_BTI_CREATE, DEVICE),
	ROW(ZVM_VMO_CREATE_CONTIGUOUS, BTI, MAP),
	/* The VMO in rights_pin(); here, a handle that is none. */
	ROW(ZVM_BTI_PIN, BTI, MAP),
	ROW(ZVM_PMT_UNPIN, PMT),

	/* which: options, CAN_MAP_READ, _WRITE, _EXECUTE */
	ROW(ZVM_VMAR_ALLOCATE, VMAR, .which = 0),
	ROW(ZVM_VMAR_ALLOCATE, VMAR, READ_, .which = 0x80),
	ROW(ZVM_VMAR_ALLOCATE, VMAR, WRITE_, .which = 0x100),
	ROW(ZVM_VMAR_ALLOCATE, VMAR, EXECUTE, .which = 0x200),
	ROW(ZVM_VMAR_ALLOCATE, VMAR, READ_ | WRITE_, .which = 0x180),
	ROW(ZVM_VMAR_ALLOCATE, VMAR, READ_ | WRITE_ | EXECUTE, .which = 0x380),
	/* The place and the packing want no right of the handle. */
	ROW(ZVM_VMAR_ALLOCATE, VMAR, .which = 0x48),
	/* All of it in rights_map(); here, with a handle that is none. */
	ROW(ZVM_VMAR_MAP, VMAR, .which = 7),
	ROW(ZVM_VMAR_UNMAP, VMAR),
	/* which: options, PERM_READ, _WRITE, _EXECUTE */
	ROW(ZVM_VMAR_PROTECT, VMAR, .which = 0),
	ROW(ZVM_VMAR_PROTECT, VMAR, READ_, .which = 1),
	ROW(ZVM_VMAR_PROTECT, VMAR, WRITE_, .which = 2),
	ROW(ZVM_VMAR_PROTECT, VMAR, READ_ | WRITE_, .which = 3),
	ROW(ZVM_VMAR_PROTECT, VMAR, EXECUTE, .which = 4),
	ROW(ZVM_VMAR_PROTECT, VMAR, READ_ | EXECUTE, .which = 5),
	ROW(ZVM_VMAR_PROTECT, VMAR, READ_ | WRITE_ | EXECUTE, .which = 7),
	/* PERM_READ_IF_XOM_UNSUPPORTED is PERM_READ. */
	ROW(ZVM_VMAR_PROTECT, VMAR, READ_, .which = 0x4000),
	ROW(ZVM_VMAR_DESTROY, VMAR, OP_CHILDREN),
	ROW(ZVM_VMAR_OP_RANGE, VMAR, .which = 1),	/* COMMIT */
	ROW(ZVM_VMAR_OP_RANGE, VMAR, .which = 2),	/* DECOMMIT */
	ROW(ZVM_VMAR_OP_RANGE, VMAR, .which = 3),	/* MAP_RANGE */
	ROW(ZVM_VMAR_OP_RANGE, VMAR, .which = 10),	/* ZERO */
	ROW(ZVM_VMAR_OP_RANGE, VMAR, .which = 12),	/* DONT_NEED */
	ROW(ZVM_VMAR_OP_RANGE, VMAR, .which = 13),	/* ALWAYS_NEED */
	ROW(ZVM_VMAR_OP_RANGE, VMAR, .which = 14),	/* PREFETCH */
	ROW(ZVM_ASPACE_ADOPT, VMAR, READ_ | WRITE_ | EXECUTE | OP_CHILDREN),
	ROW(ZVM_PROCESS_READ, VMAR, READ_),
	ROW(ZVM_PROCESS_WRITE, VMAR, WRITE_),
};

/* One object of each kind; DEVICE: none. */
struct world {
	struct zvm_object *obj[LAST_TARGET + 1];
	struct zvm_aspace *aspace;
};

static void make_world(struct kunit *test, struct world *w)
{
	struct zvm_vmo *vmo = zvm_vmo_new(2 * PAGE_SIZE, 0);
	struct zvm_vmo *resizable = zvm_vmo_new(2 * PAGE_SIZE, ZVM_VMO_RESIZABLE);
	struct zvm_vmo *pinned;
	struct zvm_bti *bti;
	struct zvm_pmt *pmt;

	KUNIT_ASSERT_FALSE(test, IS_ERR(vmo));
	KUNIT_ASSERT_FALSE(test, IS_ERR(resizable));
	memset(w, 0, sizeof(*w));
	w->obj[VMO] = &vmo->obj;
	w->obj[RESIZABLE] = &resizable->obj;
	w->obj[VMAR] = &vk_make_aspace(test, &w->aspace, ARENA_PAGES)->obj;

	pinned = zvm_vmo_new(PAGE_SIZE, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(pinned));
	bti = zvm_bti_new(0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(bti));
	pmt = zvm_pmt_new(bti, pinned, 0, PAGE_SIZE);
	KUNIT_ASSERT_FALSE(test, IS_ERR(pmt));
	/* Which the pin keeps. */
	zvm_object_put(&pinned->obj);
	w->obj[BTI] = &bti->obj;
	w->obj[PMT] = &pmt->obj;
}

static void end_world(struct kunit *test, struct world *w)
{
	enum target on;

	for (on = VMO; on <= LAST_TARGET; on++)
		KUNIT_EXPECT_TRUE(test, object_handles_gone(w->obj[on]));
	vk_end_aspace(w->aspace);
	for (on = VMO; on <= LAST_TARGET; on++)
		zvm_object_put(w->obj[on]);
}

/* The struct of the command, for arguments that are fine as far as they go. */
union args {
	u64 raw[8];
	struct zvm_handle_duplicate duplicate;
	struct zvm_object_wait_one wait_one;
	struct zvm_object_get_info info;
	struct zvm_object_property property;
	struct zvm_vmo_set_size set_size;
	struct zvm_op_range op;
	struct zvm_vmo_create_child child;
	struct zvm_vmo_transfer_data data;
	struct zvm_vmo_create_contiguous contiguous;
	struct zvm_bti_pin pin;
	struct zvm_vmar_allocate allocate;
	struct zvm_vmar_map map;
	struct zvm_vmar_range range;
};

static void fill_args(union args *a, const struct row *row, const struct world *w)
{
	u64 base = w->aspace->base;

	memset(a, 0, sizeof(*a));
	switch (row->cmd) {
	case ZVM_HANDLE_DUPLICATE:
		a->duplicate.flags = row->which;
		break;
	case ZVM_OBJECT_GET_INFO:
		a->info.topic = row->which;
		a->info.buffer_size = 256;
		break;
	case ZVM_OBJECT_GET_PROPERTY:
	case ZVM_OBJECT_SET_PROPERTY:
		a->property.property = row->which;
		a->property.value = 8;
		a->property.value_size = 64;
		break;
	case ZVM_VMO_SET_SIZE:
	case ZVM_VMO_SET_STREAM_SIZE:
		a->set_size.new_size = PAGE_SIZE;
		break;
	case ZVM_VMO_CREATE_CHILD:
		a->child.options = row->which;
		if (!(row->which & ZX_VMO_CHILD_REFERENCE))
			a->child.child_size = PAGE_SIZE;
		break;
	case ZVM_VMO_OP_RANGE:
		a->op.op = row->which;
		a->op.length = 2 * PAGE_SIZE;
		break;
	case ZVM_VMO_CREATE_CONTIGUOUS:
		a->contiguous.vmo_size = PAGE_SIZE;
		break;
	case ZVM_VMAR_ALLOCATE:
		a->allocate.options = row->which;
		a->allocate.length = PAGE_SIZE;
		break;
	case ZVM_VMAR_MAP:
		a->map.options = row->which;
		a->map.length = PAGE_SIZE;
		break;
	case ZVM_VMAR_PROTECT:
		a->range.options = row->which;
		fallthrough;
	case ZVM_VMAR_UNMAP:
		a->range.addr = base;
		a->range.length = PAGE_SIZE;
		break;
	case ZVM_VMAR_OP_RANGE:
		a->op.op = row->which;
		a->op.offset = base;
		a->op.length = PAGE_SIZE;
		break;
	}
}

static int run_args(unsigned int cmd, union args *args, struct zvm_object *obj, u32 rights)
{
	/* A lent handle: the thread is in nobody's address space. */
	struct zvm_call call = {
		.obj = obj,
		.word = rights | ZVM_HANDLE_LENT,
		.cmd = args,
		.usize = sizeof(*args),
	};

	return zvm_ioctl_run(cmd, &call);
}

static int run(const struct row *row, const struct world *w, enum target on, u32 rights)
{
	union args args;

	fill_args(&args, row, w);
	return run_args(row->cmd, &args, w->obj[on], rights);
}

static bool allowed(const struct row *row, u32 rights)
{
	return (rights & row->all) == row->all && (!row->any || rights & row->any);
}

static bool is_vmo(enum target on)
{
	return on == VMO || on == RESIZABLE;
}

/* Does the command go to this kind of object? */
static bool fits(const struct row *row, enum target on)
{
	switch (row->on) {
	case HANDLE:
		return true;
	case VMO:
		/* Where it makes a difference there is a row for the other kind. */
		return on == VMO || (on == RESIZABLE && row->cmd != ZVM_VMO_SET_SIZE);
	default:
		return on == row->on;
	}
}

static void check_row(struct kunit *test, const struct row *row, const struct world *w,
		      enum target on, u32 rights)
{
	int err = run(row, w, on, rights);

	KUNIT_EXPECT_EQ_MSG(test, err != -EACCES, allowed(row, rights),
			    "%s %#x on %d with rights %#x: %d", row->name, row->which, on,
			    rights, err);
}

/* Nothing, all, each right alone, all but each, and some by chance. */
void rights_commands(struct kunit *test)
{
	const struct row *row;
	struct rnd_state rnd;
	enum target on;
	struct world w;
	int i;

	make_world(test, &w);
	prandom_seed_state(&rnd, zvm_kunit_seed(test));
	for (row = rows; row < rows + ARRAY_SIZE(rows); row++) {
		for (on = VMO; on <= LAST_TARGET; on++) {
			if (!fits(row, on))
				continue;
			check_row(test, row, &w, on, 0);
			check_row(test, row, &w, on, ALL_RIGHTS);
			for (i = 0; BIT(i) <= ALL_RIGHTS; i++) {
				check_row(test, row, &w, on, BIT(i));
				check_row(test, row, &w, on, ALL_RIGHTS & ~BIT(i));
			}
			for (i = 0; i < 32; i++)
				check_row(test, row, &w, on,
					  prandom_u32_state(&rnd) & ALL_RIGHTS);
		}
		cond_resched();
	}
	end_world(test, &w);
}

/* What is no such object is told before what is not allowed. */
void rights_types(struct kunit *test)
{
	const struct row *row;
	enum target on;
	struct world w;
	int err;

	make_world(test, &w);
	for (row = rows; row < rows + ARRAY_SIZE(rows); row++) {
		if (row->on != DEVICE)
			KUNIT_EXPECT_EQ_MSG(test, -EBADF, run(row, &w, DEVICE, 0),
					    "%s on the device", row->name);
		/* These look into more than one kind of object themselves. */
		if (row->on == HANDLE || row->cmd == ZVM_HANDLE_DUPLICATE)
			continue;
		for (on = VMO; on <= LAST_TARGET; on++) {
			if (fits(row, on) || (is_vmo(row->on) && is_vmo(on)))
				continue;
			err = run(row, &w, on, 0);
			KUNIT_EXPECT_EQ_MSG(test, -EMEDIUMTYPE, err, "%s on %d", row->name, on);
			err = run(row, &w, on, ALL_RIGHTS);
			KUNIT_EXPECT_EQ_MSG(test, -EMEDIUMTYPE, err, "%s on %d", row->name, on);
		}
	}
	end_world(test, &w);
}

/* There is no command that the table does not know, and none that is missing. */
void rights_complete(struct kunit *test)
{
	unsigned int nr, type;
	const struct row *row;

	for (nr = 0; nr < 256; nr++) {
		bool known = false;

		for (row = rows; row < rows + ARRAY_SIZE(rows); row++)
			known |= row->cmd == _IO(ZVM_IOC_TYPE, nr);
		KUNIT_EXPECT_EQ_MSG(test, known, zvm_ioctl_known(_IO(ZVM_IOC_TYPE, nr)),
				    "command %#x", nr);
		KUNIT_EXPECT_FALSE(test, zvm_ioctl_known(_IOR(ZVM_IOC_TYPE, nr, u64)));
		KUNIT_EXPECT_FALSE(test, zvm_ioctl_known(_IOW(ZVM_IOC_TYPE, nr, u64)));
		for (type = 0; type < 256; type++)
			if (type != ZVM_IOC_TYPE)
				KUNIT_EXPECT_FALSE(test, zvm_ioctl_known(_IO(type, nr)));
	}
}

/* A handle value of the object, in the files of all kernel threads. */
static int open_handle(struct kunit *test, struct zvm_object *obj, u32 rights)
{
	struct file *file = zvm_handle_new(obj, rights, 0);
	int fd = get_unused_fd_flags(O_CLOEXEC);

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_ASSERT_GE(test, fd, 0);
	fd_install(fd, file);
	return fd;
}

/*
 * Mapping: the VMO's handle must have MAP, and both handles the right for each
 * permission. What cannot be read can be neither written nor executed, and that
 * is said before the rights, but after MAP.
 */
void rights_map(struct kunit *test)
{
	u32 perms, vmo_rights, vmar_rights;
	struct world w;
	int fd, err, want;

	make_world(test, &w);
	for (vmo_rights = 0; vmo_rights <= (MAP | EXECUTE | WRITE_ | READ_); vmo_rights += READ_) {
		fd = open_handle(test, w.obj[VMO], vmo_rights);
		for (vmar_rights = 0; vmar_rights <= (EXECUTE | WRITE_ | READ_);
		     vmar_rights += READ_) {
			for (perms = 0; perms < 8; perms++) {
				union args args = { .map = {
					.options = perms,
					.vmo = ZVM_HANDLE_VALUE(fd, 0),
					.length = PAGE_SIZE,
				} };

				if (!(vmo_rights & MAP))
					want = -EACCES;
				else if (perms > 1 && !(perms & 1))
					want = -EINVAL;
				else if (perms * READ_ & ~(vmo_rights & vmar_rights))
					want = -EACCES;
				else if (perms & ZX_VM_PERM_EXECUTE)
					want = -EOPNOTSUPP;	/* lent */
				else
					want = -EFAULT;		/* nobody to tell where */
				err = run_args(ZVM_VMAR_MAP, &args, w.obj[VMAR], vmar_rights);
				KUNIT_EXPECT_EQ_MSG(test, want, err,
						    "permissions %u with %#x of the VMO, %#x",
						    perms, vmo_rights, vmar_rights);
			}
		}
		close_fd(fd);
		cond_resched();
	}
	end_world(test, &w);
}

/* Whatever the way, a new handle has no right that the old one has not. */
void rights_never_grow(struct kunit *test)
{
	static const u32 flags[] = { 0, ZVM_DUPLICATE_REPLACE, ZVM_DUPLICATE_EXECUTABLE };
	struct rnd_state rnd;
	struct world w;
	int i, bit, err;

	make_world(test, &w);
	prandom_seed_state(&rnd, zvm_kunit_seed(test));
	for (i = 0; i < 300; i++) {
		u32 old = (prandom_u32_state(&rnd) & ALL_RIGHTS) | DUPLICATE;

		for (bit = 0; bit < 32; bit++) {
			union args args = { .duplicate = {
				.rights = (old & prandom_u32_state(&rnd)) | BIT(bit),
				.flags = flags[i % 3],
			} };
			u32 rights = args.duplicate.rights;

			/* SAME_RIGHTS counts alone only. */
			err = run_args(ZVM_HANDLE_DUPLICATE, &args, w.obj[VMO], old);
			KUNIT_EXPECT_EQ_MSG(test, err,
					    rights != BIT(31) && rights & ~old ? -EINVAL : -EFAULT,
					    "%#x from %#x", rights, old);
		}
		cond_resched();
	}
	end_world(test, &w);
}

/*
 * A child's handle never has a right that the parent's has not, but for those that
 * the kind of child gives: to the properties, to write to a copy, to resize.
 */
void rights_of_children(struct kunit *test)
{
	static const struct { u32 options, less, more; } kinds[] = {
		{ 0x01, EXECUTE | RESIZE, WRITE_ },
		{ 0x05, EXECUTE, WRITE_ | RESIZE },
		{ 0x21, WRITE_ | RESIZE, 0 },
		{ 0x10, EXECUTE | RESIZE, WRITE_ },
		{ 0x80, EXECUTE | RESIZE, WRITE_ },
		{ 0x08, RESIZE, 0 },
		{ 0x28, WRITE_ | RESIZE, 0 },
		{ 0x40, RESIZE, 0 },
		{ 0x60, WRITE_ | RESIZE, 0 },
		{ 0x44, 0, RESIZE },
	};
	struct rnd_state rnd;
	int i, k;

	prandom_seed_state(&rnd, zvm_kunit_seed(test));
	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		for (i = 0; i < 100; i++) {
			u32 old = (prandom_u32_state(&rnd) & ALL_RIGHTS) | DUPLICATE | READ_;
			u32 want = (old & ~kinds[k].less) | kinds[k].more | GET_PROPERTY |
				   SET_PROPERTY;

			KUNIT_EXPECT_EQ_MSG(test, want, zvm_child_rights(old, kinds[k].options),
					    "options %#x with %#x", kinds[k].options, old);
		}
	}
}

/* The source of a transfer must be readable and writable, the target writable. */
void rights_transfer_data(struct kunit *test)
{
	u32 src_rights, rights;
	struct world w;
	int fd, err, want;

	make_world(test, &w);
	for (src_rights = 0; src_rights <= (EXECUTE | WRITE_ | READ_); src_rights += READ_) {
		fd = open_handle(test, w.obj[RESIZABLE], src_rights);
		for (rights = 0; rights <= (EXECUTE | WRITE_ | READ_); rights += READ_) {
			union args args = { .data = {
				.src = ZVM_HANDLE_VALUE(fd, 0),
				.length = PAGE_SIZE,
			} };

			want = rights & WRITE_ && !(~src_rights & (READ_ | WRITE_)) ? 0 : -EACCES;
			err = run_args(ZVM_VMO_TRANSFER_DATA, &args, w.obj[VMO], rights);
			KUNIT_EXPECT_EQ_MSG(test, want, err, "from %#x to %#x", src_rights,
					    rights);
		}
		close_fd(fd);
	}
	end_world(test, &w);
}

/* Who pins must be allowed to map the VMO, and to do what the device is to do. */
void rights_pin(struct kunit *test)
{
	u32 rights, options;
	struct world w;
	int fd, err, want;

	make_world(test, &w);
	for (rights = 0; rights <= (MAP | EXECUTE | WRITE_ | READ_); rights += READ_) {
		fd = open_handle(test, w.obj[VMO], rights);
		for (options = 0; options < 0x20; options++) {
			union args args = { .pin = {
				.options = options,
				.vmo = ZVM_HANDLE_VALUE(fd, 0),
				.length = PAGE_SIZE,
			} };

			if (!(rights & MAP) || (options & 5 && !(rights & READ_)) ||
			    (options & 2 && !(rights & WRITE_)))
				want = -EACCES;
			else if (!(options & 7) || options & 0x10)
				want = -EINVAL;		/* for nothing; it is not contiguous */
			else
				want = -EFAULT;		/* nobody to tell */
			err = run_args(ZVM_BTI_PIN, &args, w.obj[BTI], MAP);
			KUNIT_EXPECT_EQ_MSG(test, want, err, "options %#x with %#x", options,
					    rights);
		}
		close_fd(fd);
		cond_resched();
	}
	end_world(test, &w);
}

/* WAIT it takes, and nothing else, to wait. */
void rights_wait(struct kunit *test)
{
	struct world w;
	int i, j, fd;

	make_world(test, &w);
	for (i = 0; BIT(i) <= ALL_RIGHTS; i++) {
		for (j = 0; j < 2; j++) {
			u32 rights = j ? ALL_RIGHTS & ~BIT(i) : BIT(i);
			union args args = { .wait_one.signals = ZX_VMO_ZERO_CHILDREN };

			fd = open_handle(test, w.obj[VMO], rights);
			args.wait_one.handle = ZVM_HANDLE_VALUE(fd, 0);
			KUNIT_EXPECT_EQ_MSG(test, rights & WAIT ? 0 : -EACCES,
					    run_args(ZVM_OBJECT_WAIT_ONE, &args, NULL, 0),
					    "rights %#x", rights);
			close_fd(fd);
		}
	}
	end_world(test, &w);
}
