// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Operations that know what must come out, on a VMO of their own.
 *
 * In a program with others they are done as well, but not judged: through a stale
 * descriptor or address, others may come by what they do not know of.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <zircon/rights.h>
#include <zircon/syscalls/object.h>
#include <zircon/types.h>

#include "names.h"

#define BYTES ORACLE_BYTES

int own_root(void)
{
	return WORD_FD(atomic_load(&proc.slots[SLOT_ROOT + proc.index]));
}

bool vmo_is_all(int vmo, uint8_t byte)
{
	uint8_t data[BYTES];

	if (!proc.alone || !vmo_transfer(vmo, false, 0, data, sizeof(data)))
		return true;
	for (unsigned int i = 0; i < sizeof(data); i++)
		if (data[i] != byte)
			return false;
	return true;
}

/* ---- nothing is written without the right -------------------------------- */

const struct name write_ways[] = {
	{ W_COMMAND, "ZVM_VMO_WRITE" }, { W_PWRITE, "pwrite" }, { W_PWRITEV, "pwritev" },
	{ W_MMAP, "mmap" }, { W_MMAP_MPROTECT, "mmap, mprotect" }, { W_PRIVATE, "private mmap" },
	{ W_MAP, "map" }, { W_MAP_PROTECT, "map, protect" }, { W_MEM, "/proc/self/mem" },
	{ W_VM, "process_vm_writev" }, { W_ZERO, "ZERO" }, { W_DECOMMIT, "DECOMMIT" },
	{ W_SHRINK, "set_size" }, { W_STREAM, "set_stream_size" }, { W_PROPERTY, "set_property" },
	{ W_FTRUNCATE, "ftruncate" }, { W_PUNCH, "fallocate" }, { W_SPLICE, "splice" },
	{ W_READ_INTO, "read(2) into a mapping" }, { W_DUPLICATE, "duplicate" },
	{ W_PROCESS, "ZVM_PROCESS_WRITE" }, { 0, NULL }
};

static void store_at(uint64_t addr)
{
	uint64_t value = 0x2b2b2b2b2b2b2b2b;

	probe(STORE, addr, &value);
}

/* Through a mapping that may be read only; the address may be another's by then. */
static void write_mapped(unsigned int way, uint64_t addr, uint64_t other)
{
	struct iovec from = { lane_scratch(), 64 }, to = { (void *)addr, 64 };

	struct zvm_vmo_transfer cmd = {
		.size = sizeof(cmd), .buffer = (uint64_t)lane_scratch(), .offset = addr, .length = 64,
	};

	switch (way) {
	case W_PROCESS:
		zvm_ioctl(own_root(), ZVM_PROCESS_WRITE, &cmd);
		break;
	case W_MEM:
		pwrite(WORD_FD(atomic_load(&proc.slots[FILE_MEM])), lane_scratch(), 64, (off_t)addr);
		break;
	case W_VM:
		syscall(SYS_process_vm_writev, syscall(SYS_getpid), &from, 1, &to, 1, 0);
		break;
	case W_READ_INTO:
		pread(WORD_FD(atomic_load(&proc.slots[FILE_ZERO])), (void *)addr, 64, 0);
		break;
	case W_MAP_PROTECT:
		vmar_range(own_root(), ZVM_VMAR_PROTECT, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, addr,
			   PAGE);
		/* fall through */
	default:
		store_at(addr + other % PAGE / 8 * 8);
	}
}

static void write_arena(int vmo, unsigned int way, uint64_t other)
{
	uint32_t options = ZX_VM_PERM_READ | (way == W_MAP ? ZX_VM_PERM_WRITE : 0) |
			   (other % 2 ? ZX_VM_MAP_RANGE : 0);
	uint64_t addr = map_vmo(own_root(), vmo, options, BYTES);

	if (!addr)
		return;
	write_mapped(way, addr, other);
	vmar_range(own_root(), ZVM_VMAR_UNMAP, 0, addr, BYTES);
}

static void write_mmap(int vmo, unsigned int way, uint64_t other)
{
	int prot = PROT_READ | (way == W_MMAP_MPROTECT ? 0 : PROT_WRITE);
	void *p = mmap(NULL, BYTES, prot, way == W_PRIVATE ? MAP_PRIVATE : MAP_SHARED, vmo, 0);
	uint64_t value;

	if (p == MAP_FAILED)
		return;
	if (way == W_MMAP_MPROTECT) {
		probe(LOAD, (uint64_t)p, &value);
		mprotect(p, BYTES, PROT_READ | PROT_WRITE);
	}
	store_at((uint64_t)p + other % PAGE / 8 * 8);
	munmap(p, BYTES);
}

void write_vmo(int vmo, unsigned int way, uint64_t other)
{
	struct iovec iov = { lane_scratch(), 100 };
	uint64_t size = PAGE;
	struct zvm_object_property set = {
		.size = sizeof(set), .property = ZX_PROP_VMO_CONTENT_SIZE,
		.value = (uint64_t)&size, .value_size = sizeof(size),
	};
	loff_t at = 0;
	int fd;

	switch (way % W_KINDS) {
	case W_COMMAND:
		vmo_transfer(vmo, true, other % PAGE, lane_scratch(), 100);
		break;
	case W_PWRITE:
		pwrite(vmo, lane_scratch(), 100, (off_t)(other % PAGE));
		break;
	case W_PWRITEV:
		syscall(SYS_pwritev2, vmo, &iov, 1, other % PAGE, 0, 0);
		break;
	case W_MMAP:
	case W_MMAP_MPROTECT:
	case W_PRIVATE:
		write_mmap(vmo, way, other);
		break;
	case W_ZERO:
		vmo_op_range(vmo, ZX_VMO_OP_ZERO, other % PAGE, PAGE);
		break;
	case W_DECOMMIT:
		vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, PAGE);
		break;
	case W_SHRINK:
		vmo_set_size(vmo, ZVM_VMO_SET_SIZE, PAGE);
		break;
	case W_STREAM:
		vmo_set_size(vmo, ZVM_VMO_SET_STREAM_SIZE, other % PAGE);
		break;
	case W_PROPERTY:
		zvm_ioctl(vmo, ZVM_OBJECT_SET_PROPERTY, &set);
		break;
	case W_FTRUNCATE:
		ftruncate(vmo, PAGE);
		break;
	case W_PUNCH:
		syscall(SYS_fallocate, vmo, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE);
		break;
	case W_SPLICE:
		write(WORD_FD(atomic_load(&proc.slots[FILE_PIPE_IN])), lane_scratch(), 64);
		splice(WORD_FD(atomic_load(&proc.slots[FILE_PIPE_OUT])), NULL, vmo, &at, 64,
		       SPLICE_F_NONBLOCK);
		break;
	case W_DUPLICATE:
		fd = duplicate_handle(vmo, ZX_RIGHT_READ | ZX_RIGHT_WRITE, other % 2);
		if (fd < 0)
			break;
		vmo_transfer(fd, true, 0, lane_scratch(), 64);
		close(fd);
		break;
	default:
		write_arena(vmo, way, other);
	}
}

static long do_read_only(const struct op *op, const uint64_t *a)
{
	int vmo = new_vmo(ZVM_VMO_RESIZABLE, BYTES), reader = -1;
	uint8_t data[BYTES];

	(void)op;
	memset(data, 0x90, sizeof(data));
	if (vmo < 0 || !vmo_transfer(vmo, true, 0, data, sizeof(data)))
		goto close_vmo;
	reader = duplicate_handle(vmo, ZX_RIGHT_READ | ZX_RIGHT_MAP | ZX_RIGHT_SET_PROPERTY |
				  ZX_RIGHT_RESIZE | ZX_RIGHT_DUPLICATE, 0);
	if (reader < 0)
		goto close_vmo;
	if (proc.alone && map_vmo(own_root(), reader, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, BYTES))
		violation("a VMO was mapped for writing without the right");
	write_vmo(reader, (unsigned int)a[0], a[1]);
	if (!vmo_is_all(vmo, 0x90))
		violation("a VMO was changed through a handle without ZX_RIGHT_WRITE by %s",
			  write_ways[a[0] % W_KINDS].name);
	close(reader);
close_vmo:
	if (vmo < 0)
		return -1;
	close(vmo);
	return reader < 0 ? -1 : 0;
}

/* ---- memory is zero until somebody writes to it --------------------------- */

static const struct name zero_ways[] = {
	{ 0, "fresh" }, { 1, "COMMIT" }, { 2, "write, DECOMMIT" }, { 3, "write, ZERO" },
	{ 4, "write, shrink, grow" }, { 5, "write, stream size" }, { 6, "map" }, { 0, NULL }
};

static long do_zero(const struct op *op, const uint64_t *a)
{
	int vmo = new_vmo(ZVM_VMO_RESIZABLE, BYTES);
	uint8_t data[BYTES];
	uint64_t addr, value;

	(void)op;
	if (vmo < 0)
		return -1;
	memset(data, 0x90, sizeof(data));
	if (a[0] >= 2 && a[0] <= 5 && !vmo_transfer(vmo, true, 0, data, sizeof(data)))
		goto out;
	switch (a[0]) {
	case 1:
		vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 0, BYTES);
		break;
	case 2:
		if (vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, BYTES))
			goto out;
		break;
	case 3:
		if (vmo_op_range(vmo, ZX_VMO_OP_ZERO, 0, BYTES))
			goto out;
		break;
	case 4:
		if (vmo_set_size(vmo, ZVM_VMO_SET_SIZE, 0) ||
		    vmo_set_size(vmo, ZVM_VMO_SET_SIZE, BYTES))
			goto out;
		break;
	case 5:
		if (vmo_set_size(vmo, ZVM_VMO_SET_STREAM_SIZE, 0) ||
		    vmo_set_size(vmo, ZVM_VMO_SET_STREAM_SIZE, BYTES))
			goto out;
		break;
	case 6:
		addr = map_vmo(own_root(), vmo, ZX_VM_PERM_READ, BYTES);
		if (!addr)
			goto out;
		probe(LOAD, addr, &value);
		vmar_range(own_root(), ZVM_VMAR_UNMAP, 0, addr, BYTES);
		break;
	}
	if (!vmo_is_all(vmo, 0))
		violation("memory of a VMO is not zero: %s", zero_ways[a[0] % 7].name);
out:
	close(vmo);
	return 0;
}

/* ---- what has been taken away is not written to any more ------------------- */

static const struct name loss_ways[] = {
	{ 0, "PROTECT" }, { 1, "UNMAP" }, { 2, "shrink, grow" }, { 3, "DESTROY" },
	{ 4, "UNMAP, MAP_RANGE" }, { 0, NULL }
};

/* A region of its own, so that it can be destroyed; -1: none. */
static int new_region(void)
{
	uint32_t value = 0;
	uint64_t addr = 0;
	struct zvm_vmar_allocate cmd = {
		.size = sizeof(cmd), .options = ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE,
		.length = 4 * BYTES, .out_handle = (uint64_t)&value, .out_addr = (uint64_t)&addr,
	};

	return zvm_ioctl(own_root(), ZVM_VMAR_ALLOCATE, &cmd) ? -1 : (int)ZVM_HANDLE_FD(value);
}

/* False: it did not work, or not as it should. */
static bool take_away(unsigned int way, int vmo, int vmar, uint64_t addr)
{
	switch (way) {
	case 0:
		return !vmar_range(vmar, ZVM_VMAR_PROTECT, ZX_VM_PERM_READ, addr, BYTES);
	case 2:
		return !vmo_set_size(vmo, ZVM_VMO_SET_SIZE, 0) &&
		       !vmar_range(vmar, ZVM_VMAR_UNMAP, 0, addr, BYTES) &&
		       !vmo_set_size(vmo, ZVM_VMO_SET_SIZE, BYTES);
	case 3:
		return !vmar_range(vmar, ZVM_VMAR_DESTROY, 0, 0, 0);
	default:
		return !vmar_range(vmar, ZVM_VMAR_UNMAP, 0, addr, BYTES);
	}
}

static long do_loss(const struct op *op, const uint64_t *a)
{
	unsigned int way = (unsigned int)a[0] % 5;
	int vmo = new_vmo(ZVM_VMO_RESIZABLE, BYTES), vmar = new_region();
	uint64_t addr = 0, value = 0x9090909090909090;
	uint8_t data[BYTES];

	(void)op;
	memset(data, 0x90, sizeof(data));
	if (vmo >= 0 && vmar >= 0 && vmo_transfer(vmo, true, 0, data, sizeof(data)))
		addr = map_vmo(vmar, vmo, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE |
			       (way == 4 ? ZX_VM_MAP_RANGE : 0), BYTES);
	if (addr) {
		probe(STORE, addr + a[1] % BYTES / 8 * 8, &value);
		if (take_away(way, vmo, vmar, addr)) {
			store_at(addr + a[1] % BYTES / 8 * 8);
			if (!vmo_is_all(vmo, way == 2 ? 0 : 0x90))
				violation("a VMO was written to where it had been taken away: %s",
					  loss_ways[way].name);
		}
	}
	if (vmar >= 0) {
		vmar_range(vmar, ZVM_VMAR_DESTROY, 0, 0, 0);
		close(vmar);
	}
	if (vmo >= 0)
		close(vmo);
	errno = ENOMEM;
	return addr ? 0 : -1;
}

/* ---- nothing is executed without the right -------------------------------- */

/* An instruction that returns. */
#ifdef __x86_64__
static const uint8_t returns[] = { 0xc3 };
#else
static const uint8_t returns[] = { 0xc0, 0x03, 0x5f, 0xd6 };
#endif

static long do_execute(const struct op *op, const uint64_t *a)
{
	bool allowed = a[0];
	uint32_t options = ZX_VM_PERM_READ | (allowed ? ZX_VM_PERM_EXECUTE : 0);
	int vmo = new_vmo(0, BYTES), code = vmo, sig = 0;
	uint8_t data[BYTES];
	uint64_t addr = 0;

	(void)op;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = returns[i % sizeof(returns)];
	if (vmo >= 0 && vmo_transfer(vmo, true, 0, data, sizeof(data))) {
		if (allowed)
			code = duplicate_handle(vmo, ZVM_RIGHT_SAME_RIGHTS, ZVM_DUPLICATE_EXECUTABLE);
		addr = map_vmo(own_root(), code, options, BYTES);
	}
	if (addr) {
		sig = probe(CALL, addr + a[1] % BYTES / sizeof(returns) * sizeof(returns), NULL);
		/* With others around, something else may be there by now. */
		if (proc.alone && !sig != allowed)
			violation("calling memory that is %sexecutable gave signal %d",
				  allowed ? "" : "not ", sig);
		vmar_range(own_root(), ZVM_VMAR_UNMAP, 0, addr, BYTES);
	}
	if (code >= 0 && code != vmo)
		close(code);
	if (vmo >= 0)
		close(vmo);
	errno = ENOMEM;
	return addr ? 0 : -1;
}

/* ---- a command that cannot tell its result has had no effect -------------- */

static bool same_counts(const struct zvm_stats *a, const struct zvm_stats *b)
{
	return a->vmos == b->vmos && a->vmars == b->vmars && a->mappings == b->mappings &&
	       a->handles == b->handles;
}

static long do_undo(const struct op *op, const uint64_t *a)
{
	uint64_t bad = resolve(&(struct value){ .kind = V_READ_ONLY, .num = 8 });
	int device = WORD_FD(atomic_load(&proc.slots[SLOT_DEVICE])), root = own_root(), vmo, ret = 0;
	struct zvm_vmo_create create = { .size = sizeof(create), .vmo_size = PAGE, .out_handle = bad };
	struct zvm_vmar_allocate allocate = {
		.size = sizeof(allocate), .length = PAGE, .out_handle = bad, .out_addr = bad,
	};
	struct zvm_vmar_map map = {
		.size = sizeof(map), .length = PAGE, .options = ZX_VM_PERM_READ, .out_addr = bad,
	};
	struct zvm_handle_duplicate duplicate = {
		.size = sizeof(duplicate), .rights = ZVM_RIGHT_SAME_RIGHTS, .out_handle = bad,
	};
	struct zvm_vmo_create_child child = {
		.size = sizeof(child), .options = ZX_VMO_CHILD_SNAPSHOT, .child_size = PAGE,
		.out_handle = bad,
	};
	uint64_t addr;
	struct zvm_stats before, after;

	(void)op;
	if (!proc.alone)
		return 0;
	vmo = new_vmo(0, PAGE);
	if (vmo < 0)
		return -1;
	map.vmo = ZVM_HANDLE_VALUE(vmo, 0);
	if (a[0] == 4)
		allocate.out_addr = (uint64_t)&addr;
	before = get_stats(device);
	switch (a[0]) {
	case 0:
		ret = zvm_ioctl(device, ZVM_VMO_CREATE, &create);
		break;
	case 1:
		ret = zvm_ioctl(root, ZVM_VMAR_MAP, &map);
		break;
	case 2:
		ret = zvm_ioctl(vmo, ZVM_HANDLE_DUPLICATE, &duplicate);
		break;
	case 5:
		ret = zvm_ioctl(vmo, ZVM_VMO_CREATE_CHILD, &child);
		break;
	default:
		ret = zvm_ioctl(root, ZVM_VMAR_ALLOCATE, &allocate);
	}
	after = get_stats(device);
	if (!ret)
		violation("a command worked that could not tell its result");
	else if (before.handles && after.handles && !same_counts(&before, &after))
		violation("a command that failed with EFAULT has left something");
	close(vmo);
	return 0;
}

static const struct name undo_ways[] = {
	{ 0, "VMO_CREATE" }, { 1, "VMAR_MAP" }, { 2, "HANDLE_DUPLICATE" }, { 3, "VMAR_ALLOCATE" },
	{ 4, "VMAR_ALLOCATE, handle only" }, { 5, "VMO_CREATE_CHILD" }, { 0, NULL }
};

static const struct name exec_ways[] = { { 0, "refused" }, { 1, "allowed" }, { 0, NULL } };

const struct op_type oracle_types[] = {
	RUN(check_read_only, 8, do_read_only, ARG(way, A_ONE_OF, .names = write_ways),
	    ARG(offset, A_NUMBER, .from = 250)),
	RUN(check_zero, 8, do_zero, ARG(way, A_ONE_OF, .names = zero_ways)),
	RUN(check_loss, 6, do_loss, ARG(way, A_ONE_OF, .names = loss_ways),
	    ARG(offset, A_NUMBER, .from = 250)),
	RUN(check_execute, 1, do_execute, ARG(way, A_ONE_OF, .names = exec_ways),
	    ARG(offset, A_NUMBER, .from = 250)),
	RUN(check_undo, 3, do_undo, ARG(way, A_ONE_OF, .names = undo_ways)),
	{ .name = NULL }
};
