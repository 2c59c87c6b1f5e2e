// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Running a program: a parent that makes what all share, processes, lanes.
 *
 * The parent is the first process of a pid namespace: when it ends, so does
 * everything that the program has started.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <zircon/rights.h>
#include <zircon/syscalls/object.h>
#include <zircon/types.h>

#include "fuzz.h"

struct proc proc;
const struct program *program;
__thread unsigned int my_lane;

static const bool *kept;	/* NULL: all */
static bool in_series;		/* one lane does it all, in order */

long raw_clone(unsigned long flags)
{
	return syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

/* ---- slots and ranges ---------------------------------------------------- */

void set_slot(unsigned int slot, int fd, uint32_t tag, uint32_t rights)
{
	uint64_t old = atomic_exchange(&proc.slots[slot % SLOTS],
				       fd < 0 ? 0 : SLOT_WORD(fd, tag, rights));

	if (old)
		close(WORD_FD(old));
}

void set_range(unsigned int range, uint64_t base, uint64_t len)
{
	proc.ranges[range % RANGES] = (struct range){ base, len };
}

void take_fd(int fd, unsigned int dst)
{
	uint32_t tag = 0, rights = 0, type = 0;

	if (!handle_tag(fd, &tag) || !handle_basic(fd, tag, &rights, &type))
		set_slot(FILE_SPARE, fd, 0, 0);
	else if (type == ZX_OBJ_TYPE_VMAR)
		set_slot(SLOT_VMAR + dst % (SLOT_VMO - SLOT_VMAR), fd, tag, rights);
	else if (type == ZX_OBJ_TYPE_BTI)
		set_slot(SLOT_BTI + dst % (SLOT_PMT - SLOT_BTI), fd, tag, rights);
	else if (type == ZX_OBJ_TYPE_PMT)
		set_slot(SLOT_PMT + dst % (SLOT_FILE - SLOT_PMT), fd, tag, rights);
	else
		set_slot(SLOT_VMO + dst % (SLOT_BTI - SLOT_VMO), fd, tag, rights);
}

/* ---- an operation -------------------------------------------------------- */

bool in_arena(uint64_t addr)
{
	return addr - proc.ranges[RANGE_ARENA].base < proc.ranges[RANGE_ARENA].len;
}

/* May operations do what they like with this memory? Else make it none. */
static void keep_within(uint64_t *addr, uint64_t *len)
{
	const struct range *arena = &proc.ranges[RANGE_ARENA];
	uint64_t end;

	if (in_arena(*addr)) {
		end = arena->base + arena->len;
	} else if (*addr - PLAIN_ZONE < PLAIN_BYTES) {
		end = PLAIN_ZONE + PLAIN_BYTES;
	} else {
		/* Not the user's, so harmless; or ours. */
		if (*addr < 0x7ffffffff000)
			*addr = 8;
		return;
	}
	if (*len > end - *addr)
		*len = end - *addr;
}

static void run_op(unsigned int index)
{
	const struct op *op = &program->ops[index];
	const struct op_type *type = op_type(op->type);
	uint64_t args[MOST_ARGS] = { 0 };
	uint64_t begin = now();
	int error = 0;
	long ret;

	atomic_store(&shared->at[my_lane], (int)index + 1);
	for (unsigned int i = 0; type->args[i].class != A_END; i++)
		args[i] = resolve(&op->args[i]);
	if (type->limit)
		keep_within(&args[type->limit - 1], &args[type->limit]);
	if (type->replaces && in_arena(args[type->limit - 1]))
		atomic_store(&proc.arena_open, true);

	if (type->command)
		ret = run_command(type, op, args);
	else if (type->run)
		ret = type->run(op, args);
	else
		ret = syscall(type->call, args[0], args[1], args[2], args[3], args[4], args[5]);
	if (ret < 0)
		error = errno;
	if (error < 0 || error >= MOST_ERRNO)
		error = MOST_ERRNO - 1;
	atomic_fetch_add_explicit(&shared->done[op->type][error], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&shared->took[op->type], now() - begin, memory_order_relaxed);
	atomic_fetch_add_explicit(&shared->total, 1, memory_order_relaxed);
}

static __thread unsigned int next_op;

static bool mine(unsigned int index)
{
	return (!kept || kept[index]) && (in_series || program->ops[index].lane == my_lane);
}

void run_rest(unsigned int count)
{
	for (next_op++; next_op < program->count && count; next_op++)
		if (mine(next_op)) {
			run_op(next_op);
			count--;
		}
}

static void *lane_main(void *arg)
{
	my_lane = (unsigned int)(uintptr_t)arg;
	atomic_store(&shared->tid[my_lane], (int)syscall(SYS_gettid));
	fill_canary();
	for (next_op = 0; next_op < program->count; next_op++) {
		if (!mine(next_op))
			continue;
		run_op(next_op);
		if (atomic_load_explicit(&shared->failed, memory_order_relaxed))
			break;
	}
	check_canary();
	atomic_store(&shared->at[my_lane], 0);
	return NULL;
}

/* ---- a process ----------------------------------------------------------- */

static void take_root(void)
{
	uint32_t value = 0, rights, type;
	struct zvm_vmar_root cmd = { .size = sizeof(cmd), .out_handle = (uint64_t)&value };
	zx_info_vmar_t info;
	struct zvm_object_get_info get = {
		.size = sizeof(get),
		.topic = ZX_INFO_VMAR,
		.buffer = (uint64_t)&info,
		.buffer_size = sizeof(info),
	};
	int fd;

	if (zvm_ioctl(WORD_FD(proc.slots[SLOT_DEVICE]), ZVM_VMAR_ROOT, &cmd))
		return;
	fd = ZVM_HANDLE_FD(value);
	if (!handle_basic(fd, ZVM_HANDLE_TAG(value), &rights, &type) ||
	    zvm_ioctl(fd, ZVM_OBJECT_GET_INFO, &get))
		return;
	set_slot(SLOT_ROOT + proc.index, fd, ZVM_HANDLE_TAG(value), rights);
	set_range(RANGE_ARENA, info.base, info.len);
	shared->arena[proc.index] = proc.ranges[RANGE_ARENA];
}

/* Some VMOs are mapped from the start. */
static void make_maps(void)
{
	static const uint32_t options[START_MAPS] = {
		ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, ZX_VM_PERM_READ,
		ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_ALLOW_FAULTS,
	};
	int root = WORD_FD(atomic_load(&proc.slots[SLOT_ROOT + proc.index]));

	for (unsigned int i = 0; i < START_MAPS; i++) {
		int vmo = WORD_FD(atomic_load(&proc.slots[SLOT_VMO + i]));
		void *want = (void *)(PLAIN_ZONE + i * 32 * PAGE);
		uint64_t addr = map_vmo(root, vmo, options[i], 8 * PAGE);

		if (addr)
			set_range(RANGE_MAP + i, addr, 8 * PAGE);
		if (mmap(want, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, vmo, 0) == want)
			set_range(RANGE_PLAIN + i, (uint64_t)want, 8 * PAGE);
	}
}

static void become_nobody(void)
{
	if (setgroups(0, NULL) || setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
		_exit(3);
	/* Its own /proc/self is what it may look at. */
	prctl(PR_SET_DUMPABLE, 1);
}

/* Limits that operations set must not keep our own stack from growing. */
static void grow_stack(void)
{
	volatile char room[256 << 10];

	for (unsigned int i = 0; i < sizeof(room); i += PAGE)
		room[i] = 0;
}

static void proc_main(unsigned int index)
{
	pthread_t threads[MOST_THREADS];
	unsigned int n = in_series ? 1 : program->threads, first = index * n;

	grow_stack();
	proc.index = index;
	if (!program->share_files)
		proc.slots = shared->slots[index];
	if (program->nobody & 1u << index)
		become_nobody();
	atomic_store(&shared->pid[index], (int)syscall(SYS_getpid));
	for (unsigned int t = 0; t < n; t++)
		make_zone(first + t);
	set_slot(FILE_MEM, open("/proc/self/mem", O_RDWR | O_CLOEXEC), 0, 0);
	take_root();
	make_maps();
	for (unsigned int t = 1; t < n; t++)
		if (pthread_create(&threads[t], NULL, lane_main, (void *)(uintptr_t)(first + t)))
			_exit(4);
	lane_main((void *)(uintptr_t)first);
	for (unsigned int t = 1; t < n; t++)
		pthread_join(threads[t], NULL);
	_exit(0);
}

/* ---- the parent ---------------------------------------------------------- */

static void drop_lock_capability(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return;
	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	data[0].permitted &= ~(1u << CAP_IPC_LOCK);
	data[0].inheritable &= ~(1u << CAP_IPC_LOCK);
	syscall(SYS_capset, &head, data);
}

static void take_new(int fd, unsigned int dst)
{
	if (fd >= 0)
		take_fd(fd, dst);
}

/* What every program has at its start. */
static void make_start(void)
{
	int fds[2];

	set_slot(SLOT_DEVICE, open("/dev/zircon-vm", O_RDWR | O_CLOEXEC), 0, 0);
	proc.index = 0;
	take_root();
	if (proc.slots[SLOT_ROOT])
		take_new(duplicate_handle(WORD_FD(proc.slots[SLOT_ROOT]), ZVM_RIGHT_SAME_RIGHTS,
				   ZVM_DUPLICATE_LEND), 0);
	take_new(new_vmo(0, 16 * PAGE), 0);
	take_new(new_vmo(ZVM_VMO_RESIZABLE, 16 * PAGE), 1);
	take_new(new_vmo(ZVM_VMO_UNBOUNDED, 0), 2);
	take_new(new_vmo(ZVM_VMO_DISCARDABLE, 8 * PAGE), 3);
	take_new(new_bti(), 0);
	if (proc.slots[SLOT_VMO]) {
		int vmo = WORD_FD(proc.slots[SLOT_VMO]);

		take_new(duplicate_handle(vmo, ZX_RIGHT_READ | ZX_RIGHT_MAP | ZX_RIGHT_DUPLICATE |
				   ZX_RIGHT_INSPECT, 0), 4);
		take_new(duplicate_handle(vmo, ZVM_RIGHT_SAME_RIGHTS, ZVM_DUPLICATE_EXECUTABLE), 5);
	}
	if (!socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds)) {
		set_slot(FILE_SOCKET, fds[0], 0, 0);
		set_slot(FILE_SOCKET2, fds[1], 0, 0);
	}
	if (!pipe2(fds, O_NONBLOCK | O_CLOEXEC)) {
		set_slot(FILE_PIPE_OUT, fds[0], 0, 0);
		set_slot(FILE_PIPE_IN, fds[1], 0, 0);
	}
	set_slot(FILE_MEMFD, memfd_create("fuzz", MFD_CLOEXEC), 0, 0);
	set_slot(FILE_ZERO, open("/dev/zero", O_RDWR | O_CLOEXEC), 0, 0);
}

static void set_limits(void)
{
	struct rlimit files = { 200, 256 };
	struct rlimit bytes = { 64 << 20, 64 << 20 };

	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_FSIZE, &bytes);
}

/* How a process ended tells whether something happened to its memory. */
static void judge_end(int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		violation("a process was killed by signal %d", WTERMSIG(status));
	else if (WIFEXITED(status) && WEXITSTATUS(status))
		violation("a process could not start: %d", WEXITSTATUS(status));
}

static void wait_for_all(const pid_t *pids, unsigned int n)
{
	unsigned int left = n;
	int status;
	pid_t pid;

	if (program->kill_after) {
		struct timespec t = { 0, program->kill_after * 1000L };

		nanosleep(&t, NULL);
		return;
	}
	while (left && (pid = waitpid(-1, &status, 0)) > 0)
		for (unsigned int i = 0; i < n; i++)
			if (pids[i] == pid) {
				left--;
				judge_end(status);
			}
}

void run_program(const struct program *p, const bool *keep, bool serial)
{
	unsigned int procs = serial ? 1 : p->procs;
	pid_t pids[MOST_PROCS];
	int null;

	program = p;
	kept = keep;
	in_series = serial;
	proc.slots = shared->slots[0];
	proc.alone = serial || (p->procs == 1 && p->threads == 1);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* What operations write to by chance must not be our output. */
	null = open("/dev/null", O_RDWR);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	syscall(SYS_close_range, 3, ~0u, 0);
	set_limits();
	install_probes();
	if (!p->huge_user)
		drop_lock_capability();
	make_start();
	for (unsigned int i = 1; i < procs; i++)
		memcpy(shared->slots[i], shared->slots[0], sizeof(shared->slots[0]));

	for (unsigned int i = 0; i < procs; i++) {
		pids[i] = (pid_t)raw_clone(p->share_files ? CLONE_FILES : 0);
		if (!pids[i])
			proc_main(i);
		if (pids[i] < 0)
			_exit(5);
	}
	wait_for_all(pids, procs);
	_exit(0);
}
