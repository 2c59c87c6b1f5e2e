// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Memory: what Linux lets a process do with arenas, and with VMOs in mmap(2).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "names.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

static const struct name prots[] = {
	N(PROT_READ), N(PROT_WRITE), N(PROT_EXEC), N(PROT_GROWSDOWN), { 0, NULL }
};
static const struct name good_prots[] = {
	S(PROT_READ), S(PROT_READ | PROT_WRITE), S(PROT_READ | PROT_WRITE), S(PROT_NONE),
	S(PROT_READ | PROT_EXEC), { 0, NULL }
};

static const struct name map_flags[] = {
	N(MAP_SHARED), N(MAP_PRIVATE), N(MAP_FIXED), N(MAP_POPULATE), N(MAP_LOCKED),
	N(MAP_NORESERVE), N(MAP_HUGETLB), N(MAP_SYNC), N(MAP_ANONYMOUS), N(MAP_GROWSDOWN),
	{ 0, NULL }
};
static const struct name good_map_flags[] = {
	S(MAP_SHARED | MAP_FIXED), S(MAP_SHARED | MAP_FIXED), S(MAP_PRIVATE | MAP_FIXED),
	S(MAP_SHARED | MAP_FIXED | MAP_POPULATE), S(MAP_SHARED_VALIDATE | MAP_FIXED),
	S(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED), S(MAP_SHARED | MAP_FIXED | MAP_LOCKED),
	{ 0, NULL }
};

static const struct name remap_flags[] = {
	N(MREMAP_MAYMOVE), N(MREMAP_FIXED), N(MREMAP_DONTUNMAP), { 0, NULL }
};

/* All but those that break memory for good: HWPOISON and SOFT_OFFLINE. */
static const struct name advices[] = {
	N(MADV_NORMAL), N(MADV_RANDOM), N(MADV_SEQUENTIAL), N(MADV_WILLNEED), N(MADV_DONTNEED),
	N(MADV_DONTNEED), N(MADV_FREE), N(MADV_REMOVE), N(MADV_DONTFORK), N(MADV_DOFORK),
	N(MADV_MERGEABLE), N(MADV_UNMERGEABLE), N(MADV_HUGEPAGE), N(MADV_NOHUGEPAGE),
	N(MADV_DONTDUMP), N(MADV_DODUMP), N(MADV_WIPEONFORK), N(MADV_KEEPONFORK), N(MADV_COLD),
	N(MADV_PAGEOUT), N(MADV_POPULATE_READ), N(MADV_POPULATE_WRITE), N(MADV_COLLAPSE),
	N(MADV_DONTNEED_LOCKED), N(9999), { 0, NULL }
};

static const struct name sync_flags[] = {
	N(MS_ASYNC), N(MS_SYNC), N(MS_INVALIDATE), { 0, NULL }
};

static const struct name lock_flags[] = { N(MCL_CURRENT), N(MCL_FUTURE), N(MCL_ONFAULT), { 0, NULL } };

/* What takes its time for each page is done for some pages only. */
#define FEW (512 * PAGE)

static uint64_t few(uint64_t len)
{
	return len > FEW ? FEW : len;
}

static long do_mmap(const struct op *op, const uint64_t *a)
{
	uint64_t len = few(a[2]);
	long ret = syscall(SYS_mmap, a[1], len, a[3], a[4], a[0], a[5]);

	if (ret < 0)
		return ret;
	set_range(RANGE_PLAIN + op->dst % (RANGES - RANGE_PLAIN), (uint64_t)ret, len);
	return 0;
}

static long do_mremap(const struct op *op, const uint64_t *a)
{
	uint64_t to = a[4], len = few(a[2]);
	long ret;

	/* Where it may go is what may be changed. */
	if (to - PLAIN_ZONE >= PLAIN_BYTES || len > PLAIN_ZONE + PLAIN_BYTES - to)
		to = PLAIN_ZONE;
	ret = syscall(SYS_mremap, a[0], a[1], len, a[3] | MREMAP_FIXED | MREMAP_MAYMOVE, to);
	if (ret < 0)
		return ret;
	set_range(RANGE_PLAIN + op->dst % (RANGES - RANGE_PLAIN), (uint64_t)ret, len);
	return 0;
}

static long do_madvise(const struct op *op, const uint64_t *a)
{
	int advice = (int)a[2];

	(void)op;
	return madvise((void *)a[0], advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE ||
		       advice == MADV_COLLAPSE ? few(a[1]) : a[1], advice);
}

static long do_process_madvise(const struct op *op, const uint64_t *a)
{
	struct iovec iov = { (void *)a[1], few(a[2]) };
	int fd = (int)syscall(SYS_pidfd_open, a[0], 0), error;
	long ret;

	(void)op;
	if (fd < 0)
		return -1;
	ret = syscall(SYS_process_madvise, fd, &iov, 1, a[3], 0);
	error = errno;
	close(fd);
	errno = error;
	return ret;
}

static long do_mincore(const struct op *op, const uint64_t *a)
{
	(void)op;
	return syscall(SYS_mincore, a[0], few(a[1]), lane_scratch());
}

static long do_mbind(const struct op *op, const uint64_t *a)
{
	unsigned long nodes = 1;

	(void)op;
	return syscall(SYS_mbind, a[0], a[1], a[2], &nodes, 2, a[3]);
}

static long do_move_pages(const struct op *op, const uint64_t *a)
{
	void *pages[4] = { (void *)a[0], (void *)(a[0] + PAGE), (void *)(a[0] + 2 * PAGE),
			   lane_scratch() };
	int nodes[4] = { 0 }, status[4];

	return syscall(SYS_move_pages, 0, 4, pages, op->dst % 2 ? nodes : NULL, status, 0);
}

static long vm_access(const uint64_t *a, long nr)
{
	struct iovec here[2] = { { (void *)a[1], a[2] }, { lane_scratch(), 64 } };
	struct iovec there[2] = { { (void *)a[3], a[4] }, { (void *)a[3], PAGE } };

	return syscall(nr, a[0], here, 2, there, 2, 0);
}

static long do_vm_read(const struct op *op, const uint64_t *a)
{
	(void)op;
	return vm_access(a, SYS_process_vm_readv);
}

/* Bytes go to other processes as well, so only to where arenas are. */
static long do_vm_write(const struct op *op, const uint64_t *a)
{
	if (op->args[3].kind != V_SIBLING && op->args[3].kind != V_RANGE)
		return -1;
	return vm_access(a, SYS_process_vm_writev);
}

static long do_mem_read(const struct op *op, const uint64_t *a)
{
	(void)op;
	return pread((int)a[0], (void *)a[1], a[2], (off_t)a[3]);
}

static long do_mem_write(const struct op *op, const uint64_t *a)
{
	uint64_t addr = a[3], len = few(a[2]);
	const struct range *arena = &proc.ranges[RANGE_ARENA];

	(void)op;
	if (addr - arena->base >= arena->len || len > arena->base + arena->len - addr)
		return -1;
	return pwrite((int)a[0], (void *)a[1], len, (off_t)addr);
}

static long do_peek(const struct op *op, const uint64_t *a)
{
	uint64_t value = 0;
	int sig = 0;

	for (unsigned int i = 0; i < 4 && !sig; i++) {
		sig = probe(LOAD, a[0] + i * PAGE * (op->dst % 3), &value);
		if (!sig)
			look_for_secret(&value, sizeof(value));
	}
	errno = EFAULT;
	return sig ? -1 : 0;
}

static bool may_store(uint64_t addr)
{
	const struct range *arena = &proc.ranges[RANGE_ARENA];

	return addr - arena->base < arena->len || addr - PLAIN_ZONE < PLAIN_BYTES;
}

static long do_poke(const struct op *op, const uint64_t *a)
{
	uint64_t value = 0xc3c3c3c3c3c3c3c3;
	int sig = 0;

	for (unsigned int i = 0; i < 4 && !sig; i++) {
		uint64_t addr = a[0] + i * PAGE * (op->dst % 3);

		if (may_store(addr))
			sig = probe(STORE, addr, &value);
	}
	errno = EFAULT;
	return sig ? -1 : 0;
}

static long do_futex(const struct op *op, const uint64_t *a)
{
	struct timespec t = { 0, 1000 };

	return syscall(SYS_futex, a[0], op->dst % 2 ? FUTEX_WAKE : FUTEX_WAIT, op->dst % 3 ? 0 :
		       0xc3c3c3c3, &t, NULL, 0);
}

/* Closed again at once: then nobody waits for what comes from here. */
static long do_userfaultfd(const struct op *op, const uint64_t *a)
{
	static const uint64_t modes[] = {
		UFFDIO_REGISTER_MODE_MISSING, UFFDIO_REGISTER_MODE_WP, UFFDIO_REGISTER_MODE_MINOR,
	};
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { a[0], a[1] }, .mode = modes[op->dst % ARRAY_SIZE(modes)],
	};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY), error;
	long ret;

	if (fd < 0)
		return -1;
	ret = ioctl(fd, UFFDIO_API, &api);
	if (!ret)
		ret = ioctl(fd, UFFDIO_REGISTER, &reg);
	error = errno;
	close(fd);
	errno = error;
	return ret;
}

#define CALL_IN(_name, _weight, _nr, ...) \
	{ .name = #_name, .weight = (_weight), .call = (_nr), .limit = 1, .args = { __VA_ARGS__ } }
#define RUN_IN(_name, _weight, _run, ...) \
	{ .name = #_name, .weight = (_weight), .call = -1, .run = (_run), .limit = 1, \
	  .args = { __VA_ARGS__ } }

const struct op_type memory_types[] = {
	{ .name = "mmap", .weight = 20, .call = -1, .run = do_mmap, .limit = 2, .replaces = true,
	  .args = {
		FILE_ARG(SLOT_VMO), ARG(addr, A_PLAIN), ARG(len, A_PAGES),
		ARG(prot, A_FLAGS, .names = prots, .often = good_prots),
		ARG(flags, A_FLAGS, .names = map_flags, .often = good_map_flags),
		ARG(offset, A_OFFSET) } },
	CALL_IN(munmap, 6, SYS_munmap, ARG(addr, A_PLAIN, .from = 1), ARG(len, A_EXTENT)),
	{ .name = "munmap_arena", .weight = 2, .call = SYS_munmap, .limit = 1, .replaces = true,
	  .args = { ARG(addr, A_ADDRESS), ARG(len, A_EXTENT) } },
	CALL_IN(mprotect, 6, SYS_mprotect, ARG(addr, A_PLAIN, .from = 1), ARG(len, A_EXTENT),
		ARG(prot, A_FLAGS, .names = prots, .often = good_prots)),
	CALL_IN(mprotect_arena, 3, SYS_mprotect, ARG(addr, A_ADDRESS), ARG(len, A_EXTENT),
		ARG(prot, A_FLAGS, .names = prots, .often = good_prots)),
	RUN_IN(mremap, 3, do_mremap, ARG(addr, A_PLAIN, .from = 1), ARG(len, A_EXTENT), ARG(new_len, A_PAGES),
	       ARG(flags, A_FLAGS, .names = remap_flags), ARG(new_addr, A_PLAIN)),
	{ .name = "mremap_arena", .weight = 2, .call = -1, .run = do_mremap, .limit = 1,
	  .replaces = true, .args = {
		ARG(addr, A_ADDRESS), ARG(len, A_EXTENT), ARG(new_len, A_PAGES),
		ARG(flags, A_FLAGS, .names = remap_flags), ARG(new_addr, A_PLAIN) } },
	RUN_IN(madvise, 14, do_madvise, ARG(addr, A_PLAIN, .from = 1), ARG(len, A_EXTENT),
	       ARG(advice, A_ONE_OF, .names = advices)),
	RUN_IN(madvise_arena, 16, do_madvise, ARG(addr, A_ADDRESS), ARG(len, A_EXTENT),
	       ARG(advice, A_ONE_OF, .names = advices)),
	RUN(process_madvise, 3, do_process_madvise, ARG(pid, A_PID), ARG(addr, A_REMOTE),
	    ARG(len, A_PAGES), ARG(advice, A_ONE_OF, .names = advices)),
	CALL_IN(mlock, 2, SYS_mlock, ARG(addr, A_ADDRESS), ARG(len, A_EXTENT)),
	CALL_IN(mlock2, 1, SYS_mlock2, ARG(addr, A_PLAIN, .from = 1), ARG(len, A_EXTENT),
		ARG(flags, A_NUMBER, .from = 1)),
	CALL_IN(munlock, 1, SYS_munlock, ARG(addr, A_ADDRESS), ARG(len, A_EXTENT)),
	CALL(mlockall, 1, SYS_mlockall, ARG(flags, A_FLAGS, .names = lock_flags)),
	CALL(munlockall, 1, SYS_munlockall, ARG(nothing, A_NUMBER)),
	CALL_IN(msync, 3, SYS_msync, ARG(addr, A_ADDRESS), ARG(len, A_EXTENT),
		ARG(flags, A_FLAGS, .names = sync_flags)),
	RUN_IN(mincore, 2, do_mincore, ARG(addr, A_ADDRESS), ARG(len, A_EXTENT)),
	CALL_IN(remap_file_pages, 2, SYS_remap_file_pages, ARG(addr, A_ADDRESS), ARG(len, A_EXTENT),
		ARG(prot, A_NUMBER, .from = 0), ARG(page, A_NUMBER, .from = 16),
		ARG(flags, A_NUMBER, .from = 0)),
	RUN_IN(mbind, 2, do_mbind, ARG(addr, A_ADDRESS), ARG(len, A_EXTENT),
	       ARG(mode, A_NUMBER, .from = 5), ARG(flags, A_NUMBER, .from = 7)),
	RUN(move_pages, 1, do_move_pages, ARG(addr, A_ADDRESS)),
	RUN(process_vm_readv, 4, do_vm_read, ARG(pid, A_PID), ARG(buffer, A_BUFFER),
	    ARG(len, A_BYTES), ARG(addr, A_REMOTE), ARG(bytes, A_BYTES)),
	RUN(process_vm_writev, 4, do_vm_write, ARG(pid, A_PID), ARG(buffer, A_BUFFER),
	    ARG(len, A_BYTES), ARG(addr, A_REMOTE), ARG(bytes, A_BYTES)),
	RUN(mem_read, 3, do_mem_read, FILE_ARG(FILE_MEM), ARG(buffer, A_BUFFER), ARG(len, A_BYTES),
	    ARG(addr, A_ADDRESS)),
	RUN(mem_write, 4, do_mem_write, FILE_ARG(FILE_MEM), ARG(buffer, A_BUFFER),
	    ARG(len, A_BYTES), ARG(addr, A_ADDRESS)),
	RUN(peek, 50, do_peek, ARG(addr, A_ADDRESS)),
	RUN(peek_mmap, 14, do_peek, ARG(addr, A_PLAIN, .from = 1)),
	RUN(poke, 60, do_poke, ARG(addr, A_ADDRESS)),
	RUN(poke_mmap, 14, do_poke, ARG(addr, A_PLAIN, .from = 1)),
	RUN(futex, 3, do_futex, ARG(addr, A_ADDRESS)),
	RUN_IN(userfaultfd, 1, do_userfaultfd, ARG(addr, A_ADDRESS), ARG(len, A_EXTENT)),
	RUN_IN(userfaultfd_mmap, 1, do_userfaultfd, ARG(addr, A_PLAIN, .from = 1), ARG(len, A_EXTENT)),
	{ .name = NULL }
};
