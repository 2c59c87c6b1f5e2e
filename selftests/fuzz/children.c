// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Children, signals and waits of which it is known what must come out.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <zircon/types.h>

#include "names.h"

#define BYTE 0x90

/* -1: none. */
static int new_child(int vmo, uint32_t options, uint64_t size)
{
	uint32_t value = 0;
	struct zvm_vmo_create_child cmd = {
		.size = sizeof(cmd), .options = options, .child_size = size,
		.out_handle = (uint64_t)&value,
	};

	return zvm_ioctl(vmo, ZVM_VMO_CREATE_CHILD, &cmd) ? -1 : (int)ZVM_HANDLE_FD(value);
}

/* A VMO that is full of the byte; -1: none. */
static int new_full_vmo(uint32_t options)
{
	int vmo = new_vmo(options, ORACLE_BYTES);
	uint8_t data[ORACLE_BYTES];

	memset(data, BYTE, sizeof(data));
	if (vmo >= 0 && !vmo_transfer(vmo, true, 0, data, sizeof(data))) {
		close(vmo);
		vmo = -1;
	}
	return vmo;
}

static void close_one(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* What one relative does is not seen by the other. */
enum { S_PARENT, S_CHILD, S_READ_ONLY, S_NEPHEW, S_MAPPED, S_KINDS };

static const struct name snapshot_ways[] = {
	{ S_PARENT, "the parent" }, { S_CHILD, "the child" },
	{ S_READ_ONLY, "a handle to a child that is NO_WRITE" },
	{ S_NEPHEW, "the parent of a child whose own parent is gone" },
	{ S_MAPPED, "a mapping of the parent that was writable before" }, { 0, NULL }
};

static long do_check_snapshot(const struct op *op, const uint64_t *a)
{
	unsigned int who = (unsigned int)a[2] % S_KINDS, way = (unsigned int)a[0];
	uint32_t no_write = who == S_READ_ONLY ? ZX_VMO_CHILD_NO_WRITE : 0;
	int vmo = new_full_vmo(ZVM_VMO_RESIZABLE), child = -1, deep;
	uint64_t addr = 0, value = 0x2b2b2b2b2b2b2b2b, at = a[1] % ORACLE_BYTES / 8 * 8;

	(void)op;
	if (vmo >= 0 && who == S_MAPPED) {
		addr = map_vmo(own_root(), vmo, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, ORACLE_BYTES);
		/* The same that is there: now the page is writable. */
		value = 0x9090909090909090;
		if (addr)
			probe(STORE, addr + at, &value);
		value = 0x2b2b2b2b2b2b2b2b;
	}
	if (vmo >= 0)
		child = new_child(vmo, ZX_VMO_CHILD_SNAPSHOT | no_write, ORACLE_BYTES);
	if (child >= 0) {
		switch (who) {
		case S_NEPHEW:
			deep = new_child(child, ZX_VMO_CHILD_SNAPSHOT, ORACLE_BYTES);
			if (deep >= 0) {
				close(child);
				child = deep;
			}
			/* fall through */
		case S_PARENT:
			write_vmo(vmo, way, a[1]);
			break;
		case S_MAPPED:
			if (addr)
				probe(STORE, addr + at, &value);
			break;
		default:
			write_vmo(child, way, a[1]);
		}
		if (!vmo_is_all(who == S_CHILD ? vmo : child, BYTE))
			violation("a relative was changed through %s by %s", snapshot_ways[who].name,
				  write_ways[way % W_KINDS].name);
		if (who == S_READ_ONLY && !vmo_is_all(vmo, BYTE))
			violation("a parent was changed through a child by %s",
				  write_ways[way % W_KINDS].name);
	}
	if (addr)
		vmar_range(own_root(), ZVM_VMAR_UNMAP, 0, addr, ORACLE_BYTES);
	close_one(vmo);
	close_one(child);
	errno = ENOMEM;
	return child < 0 ? -1 : 0;
}

/* A slice shows what is its part, and only that can be changed through it. */
static long do_check_slice(const struct op *op, const uint64_t *a)
{
	int vmo = new_full_vmo(0), slice = -1, rest = -1;
	uint8_t data[PAGE];

	(void)op;
	if (vmo >= 0)
		slice = new_child(vmo, ZX_VMO_CHILD_SLICE | (a[2] & 1 ? ZX_VMO_CHILD_NO_WRITE : 0),
				  PAGE);
	if (slice >= 0) {
		write_vmo(slice, (unsigned int)a[0], a[1] + PAGE - 100);
		memset(data, 0, sizeof(data));
		rest = vmo_transfer(vmo, false, PAGE, data, PAGE);
		for (unsigned int i = 0; rest && proc.alone && i < PAGE; i++)
			if (data[i] != BYTE) {
				violation("a VMO was changed outside of a slice by %s",
					  write_ways[a[0] % W_KINDS].name);
				break;
			}
		if (a[2] & 1 && !vmo_is_all(vmo, BYTE))
			violation("a VMO was changed through a slice without ZX_RIGHT_WRITE by %s",
				  write_ways[a[0] % W_KINDS].name);
	}
	close_one(vmo);
	close_one(slice);
	errno = ENOMEM;
	return slice < 0 ? -1 : 0;
}

/* A line of snapshots of snapshots, each with a change, closed in any order. */
static long do_check_chain(const struct op *op, const uint64_t *a)
{
	enum { LENGTH = 24 };
	int fd[LENGTH + 1];
	uint64_t random = a[0], got;
	unsigned int n = 0;

	(void)op;
	fd[0] = new_vmo(0, ORACLE_BYTES);
	for (n = 0; fd[n] >= 0 && n < LENGTH; n++) {
		uint64_t value = n + 1;

		vmo_transfer(fd[n], true, n * 8, &value, sizeof(value));
		fd[n + 1] = new_child(fd[n], ZX_VMO_CHILD_SNAPSHOT, ORACLE_BYTES);
	}
	if (fd[n] >= 0)
		n++;
	for (unsigned int left = n; left; left--) {
		unsigned int i = (unsigned int)(next_random(&random) % left);

		/* Each has what was written before it came to be, and no more. */
		got = 0;
		if (proc.alone && vmo_transfer(fd[i], false, 0, &got, sizeof(got)) && got != 1)
			violation("a snapshot has lost what it was made of");
		close(fd[i]);
		fd[i] = fd[left - 1];
	}
	errno = ENOMEM;
	return n > LENGTH ? 0 : -1;
}

static int wait_one(int fd, uint32_t signals, int64_t deadline)
{
	struct zvm_object_wait_one cmd = {
		.size = sizeof(cmd), .handle = ZVM_HANDLE_VALUE((uint32_t)fd, 0),
		.signals = signals, .deadline = deadline,
	};

	return zvm_ioctl(WORD_FD(atomic_load(&proc.slots[SLOT_DEVICE])), ZVM_OBJECT_WAIT_ONE, &cmd);
}

/* Signals tell what is so. */
static long do_check_signals(const struct op *op, const uint64_t *a)
{
	struct zvm_object_signal set = { .size = sizeof(set), .set = ZX_USER_SIGNAL_5 };
	int vmo = new_vmo(0, ORACLE_BYTES), child = -1;
	bool was = true, with = false, after = true, user = true;

	(void)op;
	if (vmo >= 0) {
		was = !wait_one(vmo, ZX_VMO_ZERO_CHILDREN, 0);
		child = new_child(vmo, a[0] ? ZX_VMO_CHILD_SLICE : ZX_VMO_CHILD_SNAPSHOT, PAGE);
	}
	if (child >= 0) {
		with = !wait_one(vmo, ZX_VMO_ZERO_CHILDREN, 0);
		close(child);
		after = !wait_one(vmo, ZX_VMO_ZERO_CHILDREN, 0);
		user = wait_one(vmo, ZX_USER_SIGNAL_5, 0) && !zvm_ioctl(vmo, ZVM_OBJECT_SIGNAL, &set) &&
		       !wait_one(vmo, ZX_USER_SIGNAL_5, 0);
	}
	if (proc.alone && (!was || with || !after || !user))
		violation("signals of a VMO are wrong: without children %d, with one %d, after that %d, "
			  "the user's %d", was, with, after, user);
	close_one(vmo);
	errno = ENOMEM;
	return child < 0 ? -1 : 0;
}

/* Somebody who waits for ever, until he is killed. */
static long do_wait_forever(const struct op *op, const uint64_t *a)
{
	struct timespec t = { 0, (long)(a[1] % 2000) * 1000 };
	struct value items = { .kind = V_ITEMS, .slot = SLOT_VMO, .num = (int64_t)a[0] };
	struct zvm_object_wait_many cmd = {
		.size = sizeof(cmd), .count = 1 + op->dst % MOST_ITEMS, .items = resolve(&items),
		.deadline = INT64_MAX,
	};
	int device = WORD_FD(atomic_load(&proc.slots[SLOT_DEVICE])), status;
	long pid;

	if (proc.forked)
		return 0;
	/* Now and then there is nothing to wait for. */
	if (cmd.count > 6)
		cmd.count = 0;
	pid = raw_clone(0);
	if (pid < 0)
		return -1;
	if (!pid) {
		zvm_ioctl(device, ZVM_OBJECT_WAIT_MANY, &cmd);
		_exit(0);
	}
	nanosleep(&t, NULL);
	syscall(SYS_kill, pid, SIGKILL);
	/* Interruptions must not leave it behind. */
	while (waitpid((pid_t)pid, &status, 0) < 0 && errno == EINTR)
		;
	return 0;
}

static const struct name kinds[] = { { 0, "snapshot" }, { 1, "slice" }, { 0, NULL } };

const struct op_type child_types[] = {
	RUN(check_snapshot, 12, do_check_snapshot, ARG(way, A_ONE_OF, .names = write_ways),
	    ARG(offset, A_NUMBER, .from = 250), ARG(who, A_ONE_OF, .names = snapshot_ways)),
	RUN(check_slice, 6, do_check_slice, ARG(way, A_ONE_OF, .names = write_ways),
	    ARG(offset, A_NUMBER, .from = 250), ARG(read_only, A_NUMBER, .from = 1)),
	RUN(check_chain, 3, do_check_chain, ARG(random, A_NUMBER, .from = 250)),
	RUN(check_signals, 4, do_check_signals, ARG(kind, A_ONE_OF, .names = kinds)),
	RUN(wait_forever, 2, do_wait_forever, ARG(random, A_NUMBER, .from = 250),
	    ARG(us, A_NUMBER, .from = 250)),
	{ .name = NULL }
};
