// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * What is no command, with each allocation and each copy from and to the user
 * failing once, in turn: the VMO as a Linux file, page faults in regions and in
 * mmap(2)s, the kernel's own accesses to mappings.
 */
#include "kselftest_harness.h"
#include "fail_nth.h"

#include <linux/futex.h>
#include <sys/sendfile.h>

static int fd_of(const struct fn_world *w)
{
	return fn_fd(w->vmo);
}

/* The result of a system call, which goes to w->extra. */
static int result(struct fn_world *w, long ret)
{
	w->extra = (int)ret;
	return ret < 0 ? errno : 0;
}

/* The bytes that the VMO has from @pos on in the beginning. */
static bool first_bytes(const uint8_t *buf, uint64_t pos, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (buf[i] != (fn_written((pos + i) / P) ? zt_pattern(pos + i, 1) : 0))
			return false;
	return true;
}

/* ---- descriptors ---- */

static int run_open(struct fn_world *w)
{
	w->fd[0] = open("/dev/zircon-vm", O_RDWR | O_CLOEXEC);
	return result(w, w->fd[0]);
}

static bool done_open(struct fn_world *w)
{
	struct zvm_handshake hello = { .size = sizeof(hello), .version = ZVM_VERSION };

	return ioctl(w->fd[0], ZVM_HANDSHAKE, &hello) == 0;
}

static void setup_fdinfo(struct fn_world *w)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd_of(w));
	w->fd[0] = open(path, O_RDONLY | O_CLOEXEC);
}

static int run_fdinfo(struct fn_world *w)
{
	return result(w, pread(w->fd[0], w->out->buf, sizeof(w->out->buf) - 1, 0));
}

static bool done_fdinfo(struct fn_world *w)
{
	char want[32];

	snprintf(want, sizeof(want), "\ncommitted:\t%lu\n", 4 * P);
	w->out->buf[w->extra] = 0;
	return strstr((char *)w->out->buf, want);
}

/* ---- read(2) and write(2) ---- */

static int run_read(struct fn_world *w)
{
	lseek(fd_of(w), 100, SEEK_SET);
	return result(w, read(fd_of(w), w->out->buf, 6 * P));
}

static int run_pread(struct fn_world *w)
{
	return result(w, pread(fd_of(w), w->out->buf, 6 * P, 100));
}

static bool done_read(struct fn_world *w)
{
	return w->extra > 0 && first_bytes(w->out->buf, 100, (size_t)w->extra);
}

static bool done_read_position(struct fn_world *w)
{
	return done_read(w) && lseek(fd_of(w), 0, SEEK_CUR) == 100 + w->extra;
}

static void setup_write(struct fn_world *w)
{
	zt_fill(w->out->buf, sizeof(w->out->buf), 0, 2);
}

static int run_write(struct fn_world *w)
{
	lseek(fd_of(w), 100, SEEK_SET);
	return result(w, write(fd_of(w), w->out->buf, 5 * P));
}

static int run_pwrite(struct fn_world *w)
{
	return result(w, pwrite(fd_of(w), w->out->buf, 5 * P, 100));
}

/* The first w->extra bytes of the second pattern are at 100, the rest is as it was. */
static bool done_write(struct fn_world *w)
{
	static uint8_t buf[FN_VMO_PAGES * 4096];
	size_t len = (size_t)w->extra;

	return w->extra > 0 && zx_vmo_read(w->vmo, buf, 0, FN_VMO_PAGES * P) == ZX_OK &&
	       first_bytes(buf, 0, 100) && zt_mismatch(buf + 100, len, 0, 2) < 0 &&
	       first_bytes(buf + 100 + len, 100 + len, FN_VMO_PAGES * P - 100 - len);
}

static int run_grow(struct fn_world *w)
{
	return result(w, ftruncate(fd_of(w), (off_t)(1000 * P)));
}

static bool done_grow(struct fn_world *w)
{
	return zt_size(w->vmo) == 1000 * P && zt_vmo_byte(w->vmo, 999 * P) == 0;
}

static int run_shrink(struct fn_world *w)
{
	return result(w, ftruncate(fd_of(w), (off_t)(P + 100)));
}

static bool done_shrink(struct fn_world *w)
{
	return zt_size(w->vmo) == 2 * P && zt_vmo_holds(w->vmo, 0, P + 100, 1) &&
	       zt_vmo_zero(w->vmo, P + 100, P - 100);
}

/* ---- splice(2) and sendfile(2), by way of a pipe ---- */

static void setup_pipe(struct fn_world *w)
{
	if (pipe2(w->fd, O_CLOEXEC | O_NONBLOCK))
		abort();
}

static int run_splice_out(struct fn_world *w)
{
	/* Linux moves the bytes before it fails to tell a position. */
	lseek(fd_of(w), 100, SEEK_SET);
	return result(w, splice(fd_of(w), NULL, w->fd[1], NULL, 3 * P, SPLICE_F_NONBLOCK));
}

static int run_sendfile(struct fn_world *w)
{
	off_t pos = 100;

	return result(w, sendfile(w->fd[1], fd_of(w), &pos, 3 * P));
}

static bool done_splice_out(struct fn_world *w)
{
	ssize_t len = read(w->fd[0], w->out->buf, sizeof(w->out->buf));

	return len > 0 && len == w->extra && first_bytes(w->out->buf, 100, (size_t)len);
}

/* A failure has left nothing in the pipe. */
static bool kept_pipe_empty(struct fn_world *w)
{
	return read(w->fd[0], w->out->buf, 1) < 0 && errno == EAGAIN;
}

static void setup_full_pipe(struct fn_world *w)
{
	setup_pipe(w);
	setup_write(w);
	if (write(w->fd[1], w->out->buf, 3 * P) != (ssize_t)(3 * P))
		abort();
}

static int run_splice_in(struct fn_world *w)
{
	lseek(fd_of(w), 100, SEEK_SET);
	return result(w, splice(w->fd[0], NULL, fd_of(w), NULL, 3 * P, SPLICE_F_NONBLOCK));
}

/* ---- mmap(2) ---- */

static int run_mmap(struct fn_world *w)
{
	w->mem_len = FN_VMO_PAGES * P;
	w->mem = mmap(NULL, w->mem_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd_of(w), 0);
	return w->mem == MAP_FAILED ? errno : 0;
}

static int run_mmap_private(struct fn_world *w)
{
	w->mem_len = FN_VMO_PAGES * P;
	w->mem = mmap(NULL, w->mem_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE,
		      fd_of(w), 0);
	return w->mem == MAP_FAILED ? errno : 0;
}

static bool done_mmap(struct fn_world *w)
{
	return first_bytes(w->mem, 0, w->mem_len);
}

/* A mapping of which two pages have PTEs. */
static void setup_mmap(struct fn_world *w)
{
	if (run_mmap(w) || zt_try_read(w->mem) ||
	    zt_try_store((uint8_t *)w->mem + P, zt_pattern(P, 1)))
		abort();
}

static void setup_mmap_private(struct fn_world *w)
{
	w->mem_len = FN_VMO_PAGES * P;
	w->mem = mmap(NULL, w->mem_len, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd_of(w), 0);
}

static bool kept_mmap(struct fn_world *w)
{
	return first_bytes(w->mem, 0, w->mem_len);
}

static int run_munmap(struct fn_world *w)
{
	return result(w, munmap((uint8_t *)w->mem + P, P));
}

static bool done_munmap(struct fn_world *w)
{
	const uint8_t *mem = w->mem;

	return zt_try_read(mem + P) == SIGSEGV && first_bytes(mem, 0, P) &&
	       first_bytes(mem + 2 * P, 2 * P, w->mem_len - 2 * P);
}

static int run_mremap(struct fn_world *w)
{
	/* Away from where it is, with its PTEs: to the other end of a reserved range. */
	void *to = (uint8_t *)w->out->a;
	void *mem = mremap(w->mem, w->mem_len, w->mem_len, MREMAP_MAYMOVE | MREMAP_FIXED, to);

	if (mem == MAP_FAILED)
		return errno;
	w->out->b = (uintptr_t)w->mem;
	w->mem = mem;
	return 0;
}

/* Without memory to unmap the old range Linux leaves it mapped, without PTEs. */
static bool done_mremap(struct fn_world *w)
{
	return munmap((void *)w->out->b, w->mem_len) == 0 && first_bytes(w->mem, 0, w->mem_len);
}

static void setup_mremap(struct fn_world *w)
{
	void *room;

	setup_mmap(w);
	room = mmap(NULL, 2 * w->mem_len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED || munmap(room, 2 * w->mem_len))
		abort();
	w->out->a = (uintptr_t)room;
}

static int run_mprotect(struct fn_world *w)
{
	return result(w, mprotect((uint8_t *)w->mem + P, P, PROT_READ));
}

static bool done_mprotect(struct fn_world *w)
{
	uint8_t *mem = w->mem;

	return zt_try_write(mem + P) == SIGSEGV && !zt_try_store(mem, mem[0]) && kept_mmap(w);
}

/* ---- page faults: they try again until they have succeeded ---- */

/* One page of each kind: with memory, and without. */
enum { PAGE_THERE = 5, PAGE_ABSENT = 6 };

#define FAULTS(where_, address_)						\
	static int run_##where_##_load(struct fn_world *w)			\
	{									\
		uint8_t got = 0;						\
		int sig = zt_try_load((address_) + PAGE_THERE * P, &got);	\
										\
		w->extra = got;							\
		return sig;							\
	}									\
	static int run_##where_##_load_absent(struct fn_world *w)		\
	{									\
		uint8_t got = 1;						\
		int sig = zt_try_load((address_) + PAGE_ABSENT * P, &got);	\
										\
		w->extra = got;							\
		return sig;							\
	}									\
	static int run_##where_##_store(struct fn_world *w)			\
	{									\
		return zt_try_store((address_) + PAGE_THERE * P, 77);		\
	}									\
	static int run_##where_##_store_absent(struct fn_world *w)		\
	{									\
		return zt_try_store((address_) + PAGE_ABSENT * P, 77);		\
	}

FAULTS(region, fn_at(w, FN_M0))
FAULTS(mmap, (uint8_t *)w->mem)
FAULTS(far, (uint8_t *)w->out->a)

/* Where no page tables are yet. */
static void setup_far(struct fn_world *w)
{
	zx_vaddr_t addr = fn_far(w);

	if (!addr || zx_vmar_map(w->far, ZT_RW | ZX_VM_SPECIFIC, 0, w->vmo, 0, FN_VMO_PAGES * P,
				 &addr))
		abort();
	w->out->a = addr;
}

static bool done_load(struct fn_world *w)
{
	return w->extra == zt_pattern(PAGE_THERE * P, 1) && zt_committed(w->vmo) == 4 * P;
}

static bool done_load_absent(struct fn_world *w)
{
	return w->extra == 0 && zt_committed(w->vmo) == 4 * P;
}

static bool done_store(struct fn_world *w)
{
	return zt_vmo_byte(w->vmo, PAGE_THERE * P) == 77 && zt_committed(w->vmo) == 4 * P;
}

static bool done_store_absent(struct fn_world *w)
{
	return zt_vmo_byte(w->vmo, PAGE_ABSENT * P) == 77 && zt_committed(w->vmo) == 5 * P;
}

/* In a private mapping: the VMO does not change. */
static bool done_store_private(struct fn_world *w)
{
	uint8_t *mem = w->mem;

	return mem[PAGE_THERE * P] == 77 &&
	       zt_vmo_byte(w->vmo, PAGE_THERE * P) == zt_pattern(PAGE_THERE * P, 1);
}

static bool done_store_private_absent(struct fn_world *w)
{
	uint8_t *mem = w->mem;

	return mem[PAGE_ABSENT * P] == 77 && zt_committed(w->vmo) == 4 * P;
}

/* A read-only PTE of zeros is there already. */
static void setup_region_zero(struct fn_world *w)
{
	if (zt_try_read(fn_at(w, FN_M0) + PAGE_ABSENT * P))
		abort();
}

static void setup_mmap_zero(struct fn_world *w)
{
	setup_mmap(w);
	if (zt_try_read((uint8_t *)w->mem + PAGE_ABSENT * P))
		abort();
}

/* A read-only PTE of a page that has been given permission since. */
static void setup_region_upgrade(struct fn_world *w)
{
	zx_vaddr_t at = w->base + (FN_M0 + PAGE_THERE) * P;

	if (zx_vmar_protect(w->vmar, VT_R, at, P) || zt_try_read((void *)at) ||
	    zx_vmar_protect(w->vmar, ZT_RW, at, P))
		abort();
}

/* ---- the kernel's own accesses to a mapping without PTEs ---- */

static int run_pipe_from_region(struct fn_world *w)
{
	return result(w, write(w->fd[1], fn_at(w, FN_M0 + 1) + 100, 2 * P));
}

static bool done_pipe_from_region(struct fn_world *w)
{
	ssize_t len = read(w->fd[0], w->out->buf, sizeof(w->out->buf));

	return len > 0 && len == w->extra && first_bytes(w->out->buf, P + 100, (size_t)len);
}

static int run_region_from_pipe(struct fn_world *w)
{
	return result(w, read(w->fd[0], fn_at(w, FN_SINK) + 100, 2 * P));
}

/* Part of it may have been moved before the failure. */
static bool done_region_from_pipe(struct fn_world *w)
{
	uint8_t *at = fn_at(w, FN_SINK) + 100;

	return w->extra > 0 && zt_mismatch(at, (size_t)w->extra, 0, 2) < 0;
}

static int run_vm_readv(struct fn_world *w)
{
	struct iovec to = { w->out->buf, 2 * P };
	struct iovec from = { fn_at(w, FN_M0 + 1) + 100, 2 * P };

	return result(w, process_vm_readv(getpid(), &to, 1, &from, 1, 0));
}

static bool done_vm_readv(struct fn_world *w)
{
	return w->extra > 0 && first_bytes(w->out->buf, P + 100, (size_t)w->extra);
}

static int run_futex(struct fn_world *w)
{
	return result(w, syscall(SYS_futex, fn_at(w, FN_SINK), FUTEX_WAKE, 1, NULL, NULL, 0));
}

static bool done_futex(struct fn_world *w)
{
	return w->extra == 0;
}

static int run_vmsplice(struct fn_world *w)
{
	struct iovec from = { fn_at(w, FN_M0 + 1), 2 * P };

	return result(w, vmsplice(w->fd[1], &from, 1, SPLICE_F_NONBLOCK));
}

static bool done_vmsplice(struct fn_world *w)
{
	ssize_t len = read(w->fd[0], w->out->buf, sizeof(w->out->buf));

	return len > 0 && len == w->extra && first_bytes(w->out->buf, P, (size_t)len);
}

static int run_madvise(struct fn_world *w)
{
	return result(w, madvise(fn_at(w, FN_M0), FN_VMO_PAGES * P, MADV_POPULATE_READ));
}

static bool done_madvise(struct fn_world *w)
{
	for (unsigned int i = 0; i < FN_VMO_PAGES; i++)
		if (vt_present(fn_at(w, FN_M0 + i)) != 1)
			return false;
	return zt_committed(w->vmo) == 4 * P;
}

#define CASE(name_, run_, done_, ...) { .name = name_, .run = run_, .done = done_, __VA_ARGS__ }
#define FAULT(name_, run_, done_, ...) CASE(name_, run_, done_, .flags = FN_NEVER_FAILS, __VA_ARGS__)

static const struct fn_case transfers[] = {
	CASE("open", run_open, done_open),
	CASE("fdinfo", run_fdinfo, done_fdinfo, .setup = setup_fdinfo),
	CASE("read", run_read, done_read_position),
	CASE("pread", run_pread, done_read),
	CASE("write", run_write, done_write, .setup = setup_write, .flags = FN_COMMITS),
	CASE("pwrite", run_pwrite, done_write, .setup = setup_write, .flags = FN_COMMITS),
	CASE("ftruncate, grow", run_grow, done_grow),
	CASE("ftruncate, shrink", run_shrink, done_shrink),
	CASE("splice to a pipe", run_splice_out, done_splice_out, .setup = setup_pipe,
	     .kept = kept_pipe_empty),
	CASE("sendfile", run_sendfile, done_splice_out, .setup = setup_pipe,
	     .kept = kept_pipe_empty),
	CASE("splice from a pipe", run_splice_in, done_write, .setup = setup_full_pipe,
	     .flags = FN_COMMITS),
};

static const struct fn_case mmaps[] = {
	CASE("mmap", run_mmap, done_mmap),
	CASE("mmap, private, populate", run_mmap_private, done_mmap),
	CASE("munmap", run_munmap, done_munmap, .setup = setup_mmap, .kept = kept_mmap),
	CASE("mremap", run_mremap, done_mremap, .setup = setup_mremap, .kept = kept_mmap),
	CASE("mprotect", run_mprotect, done_mprotect, .setup = setup_mmap, .kept = kept_mmap),
};

static const struct fn_case faults[] = {
	FAULT("region, load", run_region_load, done_load),
	FAULT("region, load, absent", run_region_load_absent, done_load_absent),
	FAULT("region, store", run_region_store, done_store),
	FAULT("region, store, absent", run_region_store_absent, done_store_absent),
	FAULT("region, store over zeros", run_region_store_absent, done_store_absent,
	      .setup = setup_region_zero),
	FAULT("region, store, read-only PTE", run_region_store, done_store,
	      .setup = setup_region_upgrade),
	FAULT("far, load", run_far_load, done_load, .setup = setup_far),
	FAULT("far, load, absent", run_far_load_absent, done_load_absent, .setup = setup_far),
	FAULT("far, store", run_far_store, done_store, .setup = setup_far),
	FAULT("far, store, absent", run_far_store_absent, done_store_absent, .setup = setup_far),
	FAULT("mmap, load", run_mmap_load, done_load, .setup = setup_mmap),
	FAULT("mmap, load, absent", run_mmap_load_absent, done_load_absent, .setup = setup_mmap),
	FAULT("mmap, store", run_mmap_store, done_store, .setup = setup_mmap),
	FAULT("mmap, store, absent", run_mmap_store_absent, done_store_absent,
	      .setup = setup_mmap),
	FAULT("mmap, store over zeros", run_mmap_store_absent, done_store_absent,
	      .setup = setup_mmap_zero),
	FAULT("private mmap, load", run_mmap_load, done_load, .setup = setup_mmap_private),
	FAULT("private mmap, store", run_mmap_store, done_store_private,
	      .setup = setup_mmap_private),
	FAULT("private mmap, store, absent", run_mmap_store_absent, done_store_private_absent,
	      .setup = setup_mmap_private),
};

static const struct fn_case accesses[] = {
	CASE("pipe from region", run_pipe_from_region, done_pipe_from_region,
	     .setup = setup_pipe, .kept = kept_pipe_empty),
	CASE("region from pipe", run_region_from_pipe, done_region_from_pipe,
	     .setup = setup_full_pipe, .flags = FN_COMMITS | FN_SINK_DIRTY),
	CASE("process_vm_readv", run_vm_readv, done_vm_readv),
	CASE("futex", run_futex, done_futex, .flags = FN_COMMITS),
	CASE("vmsplice", run_vmsplice, done_vmsplice, .setup = setup_pipe,
	     .kept = kept_pipe_empty),
	CASE("madvise, populate", run_madvise, done_madvise),
};

FIXTURE(fail_file) {
	struct fn_world w;
};

FIXTURE_SETUP(fail_file)
{
	if (!fn_prepare())
		ASSERT_EQ(NULL, fn_begin(&self->w));
}

FIXTURE_TEARDOWN(fail_file)
{
}

#define SWEEP(cases_)								\
	TEST_F_TIMEOUT(fail_file, cases_, 300)					\
	{									\
		FN_NEEDED();							\
		for (size_t i = 0; i < ARRAY_SIZE(cases_); i++)			\
			fn_sweep(_metadata, &self->w, &cases_[i]);		\
	}

SWEEP(transfers)
SWEEP(mmaps)
SWEEP(faults)
SWEEP(accesses)

TEST_HARNESS_MAIN
