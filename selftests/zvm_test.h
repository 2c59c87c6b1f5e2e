/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Helpers shared by the kselftests of zircon-vm.
 *
 * Header only, all static inline: a test program includes
 * "kselftest_harness.h" first (the ZT_* macros below are written in terms of
 * its EXPECT and ASSERT) and then this file. Nothing here keeps state but the
 * fault probe, whose state is per thread.
 */
#ifndef ZVM_TEST_H
#define ZVM_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <zircon/errors.h>
#include <zircon/process.h>
#include <zircon/rights.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/object.h>
#include <zircon/types.h>
#include <zvm.h>

#define ZT_UNUSED __attribute__((unused))

/* ------------------------------------------------------------------------
 * Assertions
 */

/*
 * Compare two values as unsigned 64-bit numbers: spares every test the casts
 * that -Wsign-compare asks for.
 */
#define ZT_EXPECT_U64(want, got) EXPECT_EQ((uint64_t)(want), (uint64_t)(got))
#define ZT_ASSERT_U64(want, got) ASSERT_EQ((uint64_t)(want), (uint64_t)(got))

/* Compare a status, and name both sides when they differ. */
#define ZT_EXPECT_STATUS(want, call) do {				\
	zx_status_t zt_got_ = (call);					\
	zx_status_t zt_want_ = (want);					\
	EXPECT_EQ(zt_want_, zt_got_) {					\
		TH_LOG("%s: wanted %s, got %s", #call,			\
		       zx_status_get_string(zt_want_),			\
		       zx_status_get_string(zt_got_));			\
	}								\
} while (0)

#define ZT_ASSERT_STATUS(want, call) do {				\
	zx_status_t zt_got_ = (call);					\
	zx_status_t zt_want_ = (want);					\
	if (zt_got_ != zt_want_)					\
		TH_LOG("%s: wanted %s, got %s", #call,			\
		       zx_status_get_string(zt_want_),			\
		       zx_status_get_string(zt_got_));			\
	ASSERT_EQ(zt_want_, zt_got_);					\
} while (0)

#define ZT_EXPECT_OK(call) ZT_EXPECT_STATUS(ZX_OK, call)
#define ZT_ASSERT_OK(call) ZT_ASSERT_STATUS(ZX_OK, call)

/* A probe (zt_try_*) must have gone through, resp. must have been hit by sig. */
#define ZT_EXPECT_ACCESS(probe) EXPECT_EQ(0, (probe))
#define ZT_EXPECT_FAULT(sig, probe) EXPECT_EQ((sig), (probe))

/* ------------------------------------------------------------------------
 * Fault probes
 *
 * zt_try_*(addr) performs one access and returns 0 or the number of the signal
 * that stopped it; zt_fault() then tells si_code and si_addr. Any number of
 * threads may probe at once. A fault outside a probe keeps its default effect,
 * so that a crash in a test stays a crash.
 */
struct zt_fault {
	int signo;
	int code;	/* si_code: SEGV_MAPERR, SEGV_ACCERR, BUS_ADRERR, ... */
	void *addr;	/* si_addr */
};

static __thread sigjmp_buf zt_jmp_;
static __thread volatile sig_atomic_t zt_armed_;
static __thread struct zt_fault zt_fault_;
static pthread_once_t zt_once_ = PTHREAD_ONCE_INIT;

static void zt_on_fault_(int sig, siginfo_t *si, void *ctx ZT_UNUSED)
{
	if (!zt_armed_) {
		/* Returning repeats the access, now with the default effect. */
		signal(sig, SIG_DFL);
		return;
	}
	zt_armed_ = 0;
	zt_fault_.signo = sig;
	zt_fault_.code = si->si_code;
	zt_fault_.addr = si->si_addr;
	siglongjmp(zt_jmp_, 1);
}

static void zt_install_(void)
{
	struct sigaction sa = { .sa_sigaction = zt_on_fault_, .sa_flags = SA_SIGINFO };

	sigemptyset(&sa.sa_mask);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGILL, &sa, NULL);
}

/* What the last probe of this thread was hit by (signo 0: by nothing). */
static inline const struct zt_fault *zt_fault(void)
{
	return &zt_fault_;
}

/*
 * Run one statement under the probe; evaluates to 0 or the signal. A macro,
 * since sigsetjmp() must be called from the frame that is jumped back to. Do
 * not leave the statement by return, break or goto.
 */
#define ZT_PROBE_(stmt) do {						\
	pthread_once(&zt_once_, zt_install_);				\
	memset(&zt_fault_, 0, sizeof(zt_fault_));			\
	if (sigsetjmp(zt_jmp_, 1) == 0) {				\
		zt_armed_ = 1;						\
		__asm__ __volatile__("" ::: "memory");			\
		stmt;							\
		__asm__ __volatile__("" ::: "memory");			\
		zt_armed_ = 0;						\
	}								\
} while (0)

/* Load one byte; *out gets it when the load succeeds (out may be NULL). */
static int ZT_UNUSED zt_try_load(const volatile void *addr, uint8_t *out)
{
	volatile uint8_t v = 0;

	ZT_PROBE_(v = *(const volatile uint8_t *)addr);
	if (!zt_fault_.signo && out)
		*out = v;
	return zt_fault_.signo;
}

/* Store one byte of the given value. */
static int ZT_UNUSED zt_try_store(volatile void *addr, uint8_t val)
{
	ZT_PROBE_(*(volatile uint8_t *)addr = val);
	return zt_fault_.signo;
}

static inline int zt_try_read(const volatile void *addr)
{
	return zt_try_load(addr, NULL);
}

/* Stores the byte 0x5a. */
static inline int zt_try_write(volatile void *addr)
{
	return zt_try_store(addr, 0x5a);
}

/* memcpy() that may be hit half way. */
static int ZT_UNUSED zt_try_copy(void *dst, const void *src, size_t len)
{
	ZT_PROBE_(memcpy(dst, src, len));
	return zt_fault_.signo;
}

/*
 * Machine code of "int f(void) { return 42; }"; zt_try_exec() calls what is at
 * addr with this type, and zt_exec_value() tells what it returned.
 */
#if defined(__x86_64__)
static const uint8_t ZT_UNUSED zt_code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
#elif defined(__aarch64__)
static const uint8_t ZT_UNUSED zt_code[] = {
	0x40, 0x05, 0x80, 0x52,		/* mov w0, #42 */
	0xc0, 0x03, 0x5f, 0xd6,		/* ret */
};
#else
#error "zt_code is missing for this machine"
#endif

static __thread volatile int zt_exec_value_;

static inline int zt_exec_value(void)
{
	return zt_exec_value_;
}

static int ZT_UNUSED zt_try_exec(void *addr)
{
	int (*volatile fn)(void);

	memcpy((void *)&fn, &addr, sizeof(addr));
	zt_exec_value_ = -1;
	/* Inside the probe: where this is an instruction, it can fault too. */
	ZT_PROBE_({
		__builtin___clear_cache((char *)addr, (char *)addr + sizeof(zt_code));
		zt_exec_value_ = fn();
	});
	return zt_fault_.signo;
}

/* ------------------------------------------------------------------------
 * Choosing tests: -t NAME and -v VARIANT, of which a part will do, each as often
 * as wanted. The harness of Linux 6.1 has no options.
 */
static bool zt_chosen_(int argc, char **argv, const char *option, const char *name)
{
	bool any = false;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], option))
			continue;
		any = true;
		if (strstr(name, argv[i + 1]))
			return true;
	}
	return !any;
}

static ZT_UNUSED void zt_choose(int argc, char **argv)
{
	for (struct __fixture_metadata *f = __fixture_list; f; f = f->next) {
		struct __fixture_variant_metadata **v = &f->variant;
		struct __test_metadata **t = &f->tests;
		bool variants = f->variant;

		while (*v) {
			if (zt_chosen_(argc, argv, "-v", (*v)->name))
				v = &(*v)->next;
			else
				*v = (*v)->next;
		}
		while (*t) {
			if (zt_chosen_(argc, argv, "-t", (*t)->name) && !variants == !f->variant)
				t = &(*t)->next;
			else
				*t = (*t)->next;
		}
	}
}

#define test_harness_run(argc, argv) (zt_choose(argc, argv), test_harness_run(argc, argv))

/* ------------------------------------------------------------------------
 * Sizes, patterns
 */
static inline size_t zt_page(void)
{
	return zx_system_get_page_size();
}

#define ZT_P (zt_page())

/* The largest size of a VMO, as the specification computes it. */
static inline uint64_t zt_max_vmo(void)
{
	uint64_t unit = 2 * 16 * (uint64_t)zt_page();

	return UINT64_MAX / unit * unit;
}

/*
 * A pattern that differs at every position and for every seed, and is never
 * zero: a byte that was lost, doubled, shifted or cleared shows.
 */
static inline uint8_t zt_pattern(uint64_t pos, unsigned int seed)
{
	uint64_t x = (pos + 1) * 0x9e3779b97f4a7c15ull + (uint64_t)seed * 0xbf58476d1ce4e5b9ull;

	x ^= x >> 29;
	x *= 0x94d049bb133111ebull;
	x ^= x >> 32;
	return (uint8_t)(x % 255) + 1;
}

/* Fill buf with the pattern of positions pos, pos + 1, ... */
static inline void zt_fill(void *buf, size_t len, uint64_t pos, unsigned int seed)
{
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++)
		p[i] = zt_pattern(pos + i, seed);
}

/* Index of the first byte that does not carry the pattern, or -1. */
static inline ssize_t zt_mismatch(const void *buf, size_t len, uint64_t pos, unsigned int seed)
{
	const uint8_t *p = buf;

	for (size_t i = 0; i < len; i++)
		if (p[i] != zt_pattern(pos + i, seed))
			return (ssize_t)i;
	return -1;
}

/* Index of the first byte that is not `val`, or -1. */
static inline ssize_t zt_not_byte(const void *buf, size_t len, uint8_t val)
{
	const uint8_t *p = buf;

	for (size_t i = 0; i < len; i++)
		if (p[i] != val)
			return (ssize_t)i;
	return -1;
}

static inline ssize_t zt_nonzero(const void *buf, size_t len)
{
	return zt_not_byte(buf, len, 0);
}

/* ------------------------------------------------------------------------
 * Bad user pointers
 */
struct zt_bad {
	const char *name;
	void *ptr;
};

/* Memory with the given PROT_* of one page, filled with 0xee. */
static inline void *zt_mem(int prot)
{
	void *p = mmap(NULL, zt_page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	memset(p, 0xee, zt_page());
	if (mprotect(p, zt_page(), prot))
		abort();
	return p;
}

/* Pointers that can be neither read nor written; ended by a NULL name. */
#define ZT_BAD_READ_N 5
static inline void zt_bad_read(struct zt_bad bad[ZT_BAD_READ_N])
{
	bad[0] = (struct zt_bad){ "NULL page", (void *)16 };
	bad[1] = (struct zt_bad){ "PROT_NONE page", zt_mem(PROT_NONE) };
	bad[2] = (struct zt_bad){ "non-canonical or kernel address", (void *)(UINTPTR_MAX - 4095) };
	bad[3] = (struct zt_bad){ "start of the kernel half", (void *)(UINTPTR_MAX / 2 + 1) };
	bad[4] = (struct zt_bad){ NULL, NULL };
}

/* Pointers that cannot be written; ended by a NULL name. NULL comes first. */
#define ZT_BAD_WRITE_N 7
static inline void zt_bad_write(struct zt_bad bad[ZT_BAD_WRITE_N])
{
	bad[0] = (struct zt_bad){ "NULL", NULL };
	bad[1] = (struct zt_bad){ "read-only page", zt_mem(PROT_READ) };
	zt_bad_read(bad + 2);
}

/* ------------------------------------------------------------------------
 * Handles and VMOs
 */
static inline zx_info_handle_basic_t zt_basic(zx_handle_t h)
{
	zx_info_handle_basic_t b;

	memset(&b, 0, sizeof(b));
	if (zx_object_get_info(h, ZX_INFO_HANDLE_BASIC, &b, sizeof(b), NULL, NULL) != ZX_OK)
		memset(&b, 0xff, sizeof(b));
	return b;
}

/* Rights of a handle; UINT32_MAX (no legal set) when it is not live. */
static inline zx_rights_t zt_rights(zx_handle_t h)
{
	return zt_basic(h).rights;
}

static inline zx_koid_t zt_koid(zx_handle_t h)
{
	return zt_basic(h).koid;
}

static inline zx_obj_type_t zt_type(zx_handle_t h)
{
	return zt_basic(h).type;
}

static inline bool zt_live(zx_handle_t h)
{
	return zx_object_get_info(h, ZX_INFO_HANDLE_VALID, NULL, 0, NULL, NULL) == ZX_OK;
}

/* A new VMO, or ZX_HANDLE_INVALID. */
static inline zx_handle_t zt_vmo(uint64_t size, uint32_t options)
{
	zx_handle_t h = ZX_HANDLE_INVALID;

	return zx_vmo_create(size, options, &h) == ZX_OK ? h : ZX_HANDLE_INVALID;
}

/* A duplicate with exactly / without these rights, or ZX_HANDLE_INVALID. */
static inline zx_handle_t zt_dup(zx_handle_t h, zx_rights_t rights)
{
	zx_handle_t out = ZX_HANDLE_INVALID;

	return zx_handle_duplicate(h, rights, &out) == ZX_OK ? out : ZX_HANDLE_INVALID;
}

static inline zx_handle_t zt_without(zx_handle_t h, zx_rights_t rights)
{
	return zt_dup(h, zt_rights(h) & ~rights);
}

/*
 * Handles to close at the end of a test, whatever its outcome. zt_keep()
 * passes its argument through, so it can wrap the call that makes a handle.
 */
struct zt_bag {
	zx_handle_t h[128];
	unsigned int n;
};

static inline zx_handle_t zt_keep(struct zt_bag *bag, zx_handle_t h)
{
	if (h == ZX_HANDLE_INVALID)
		return h;
	if (bag->n == sizeof(bag->h) / sizeof(bag->h[0]))
		abort();
	bag->h[bag->n++] = h;
	return h;
}

/* Closes what is still live; what the test closed itself is no error. */
static inline void zt_empty(struct zt_bag *bag)
{
	while (bag->n)
		zx_handle_close(bag->h[--bag->n]);
}

/* Current record of a VMO; all ones when the call fails. */
static inline zx_info_vmo_t zt_vmo_info(zx_handle_t vmo)
{
	zx_info_vmo_t info;

	memset(&info, 0, sizeof(info));
	if (zx_object_get_info(vmo, ZX_INFO_VMO, &info, sizeof(info), NULL, NULL) != ZX_OK)
		memset(&info, 0xff, sizeof(info));
	return info;
}

/* Committed bytes of a VMO; UINT64_MAX when the query fails. */
static inline uint64_t zt_committed(zx_handle_t vmo)
{
	return zt_vmo_info(vmo).committed_bytes;
}

/* Size / stream size; UINT64_MAX (no legal value) when the query fails. */
static inline uint64_t zt_size(zx_handle_t vmo)
{
	uint64_t s = 0;

	return zx_vmo_get_size(vmo, &s) == ZX_OK ? s : UINT64_MAX;
}

static inline uint64_t zt_stream_size(zx_handle_t vmo)
{
	uint64_t s = 0;

	return zx_vmo_get_stream_size(vmo, &s) == ZX_OK ? s : UINT64_MAX;
}

/* Map in the root region: the address, or NULL. perms are ZX_VM_* options. */
static inline void *zt_map_at(zx_handle_t vmar, zx_handle_t vmo, uint64_t offset, size_t len,
			      zx_vm_option_t options)
{
	zx_vaddr_t addr = 0;

	if (zx_vmar_map(vmar, options, 0, vmo, offset, len, &addr) != ZX_OK)
		return NULL;
	return (void *)addr;
}

static inline void *zt_map(zx_handle_t vmo, uint64_t offset, size_t len, zx_vm_option_t options)
{
	return zt_map_at(zx_vmar_root_self(), vmo, offset, len, options);
}

#define ZT_RW (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)

static inline zx_status_t zt_unmap(void *addr, size_t len)
{
	return zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)addr, len);
}

/* ------------------------------------------------------------------------
 * One interface to the four ways of reaching a VMO's bytes, for tests that
 * hold whichever way is taken.
 */
enum zt_way {
	ZT_CALLS,	/* zx_vmo_read, zx_vmo_write */
	ZT_MAPPING,	/* loads and stores in a region of the root VMAR */
	ZT_FILE,	/* pread(2), pwrite(2) on the handle's fd */
	ZT_MMAP,	/* loads and stores in a shared mmap(2) of the fd */
};

struct zt_view {
	enum zt_way way;
	zx_handle_t vmo;
	size_t len;		/* bytes covered by the mapping */
	uint8_t *base;
};

/* 0 on success. The view covers bytes 0 .. len, which may lie past the end. */
static inline int zt_view_open(struct zt_view *v, enum zt_way way, zx_handle_t vmo, size_t len)
{
	*v = (struct zt_view){ .way = way, .vmo = vmo, .len = len };
	switch (way) {
	case ZT_MAPPING:
		v->base = zt_map(vmo, 0, len, ZT_RW | ZX_VM_ALLOW_FAULTS);
		return v->base ? 0 : -1;
	case ZT_MMAP:
		v->base = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED,
			       zvm_handle_to_fd(vmo), 0);
		if (v->base == MAP_FAILED) {
			v->base = NULL;
			return -1;
		}
		return 0;
	default:
		return 0;
	}
}

static inline void zt_view_close(struct zt_view *v)
{
	if (v->base && v->way == ZT_MAPPING)
		zt_unmap(v->base, v->len);
	else if (v->base)
		munmap(v->base, v->len);
	v->base = NULL;
}

/* 0 when every byte was transferred; else nonzero (a status, signal or -1). */
static inline int zt_view_get(struct zt_view *v, uint64_t off, void *buf, size_t len)
{
	switch (v->way) {
	case ZT_CALLS:
		return zx_vmo_read(v->vmo, buf, off, len);
	case ZT_FILE:
		return pread(zvm_handle_to_fd(v->vmo), buf, len, (off_t)off) == (ssize_t)len ?
			0 : -1;
	default:
		return zt_try_copy(buf, v->base + off, len);
	}
}

static inline int zt_view_put(struct zt_view *v, uint64_t off, const void *buf, size_t len)
{
	switch (v->way) {
	case ZT_CALLS:
		return zx_vmo_write(v->vmo, buf, off, len);
	case ZT_FILE:
		return pwrite(zvm_handle_to_fd(v->vmo), buf, len, (off_t)off) == (ssize_t)len ?
			0 : -1;
	default:
		return zt_try_copy(v->base + off, buf, len);
	}
}

/* One byte; -1 when it cannot be had. */
static inline int zt_view_byte(struct zt_view *v, uint64_t off)
{
	uint8_t b = 0;

	return zt_view_get(v, off, &b, 1) ? -1 : b;
}

/* Does [off, off + len) hold the pattern / only zeros? */
static inline bool zt_view_holds(struct zt_view *v, uint64_t off, size_t len, unsigned int seed)
{
	uint8_t *buf = malloc(len + 1);
	bool ok = buf && !zt_view_get(v, off, buf, len) && zt_mismatch(buf, len, off, seed) < 0;

	free(buf);
	return ok;
}

static inline bool zt_view_zero(struct zt_view *v, uint64_t off, size_t len)
{
	uint8_t *buf = malloc(len + 1);
	bool ok;

	if (!buf)
		return false;
	memset(buf, 0xee, len);
	ok = !zt_view_get(v, off, buf, len) && zt_nonzero(buf, len) < 0;
	free(buf);
	return ok;
}

/* Write the pattern of the positions [off, off + len); 0 on success. */
static inline int zt_view_fill(struct zt_view *v, uint64_t off, size_t len, unsigned int seed)
{
	uint8_t *buf = malloc(len + 1);
	int ret = -1;

	if (buf) {
		zt_fill(buf, len, off, seed);
		ret = zt_view_put(v, off, buf, len);
	}
	free(buf);
	return ret;
}

/* The same, through zx_vmo_read and zx_vmo_write. */
static inline bool zt_vmo_holds(zx_handle_t vmo, uint64_t off, size_t len, unsigned int seed)
{
	struct zt_view v = { .way = ZT_CALLS, .vmo = vmo };

	return zt_view_holds(&v, off, len, seed);
}

static inline bool zt_vmo_zero(zx_handle_t vmo, uint64_t off, size_t len)
{
	struct zt_view v = { .way = ZT_CALLS, .vmo = vmo };

	return zt_view_zero(&v, off, len);
}

static inline int zt_vmo_fill(zx_handle_t vmo, uint64_t off, size_t len, unsigned int seed)
{
	struct zt_view v = { .way = ZT_CALLS, .vmo = vmo };

	return zt_view_fill(&v, off, len, seed);
}

/* One byte of a VMO through zx_vmo_read; -1 when it cannot be had. */
static inline int zt_vmo_byte(zx_handle_t vmo, uint64_t off)
{
	struct zt_view v = { .way = ZT_CALLS, .vmo = vmo };

	return zt_view_byte(&v, off);
}

/* ------------------------------------------------------------------------
 * Processes, time
 */

/*
 * Run fn(arg) in a forked child. Returns its result (0 .. 127), 128 + the
 * signal that killed it, or -1. A child that hangs is killed after 20 s.
 */
static inline int zt_fork_run(int (*fn)(void *arg), void *arg)
{
	int status;
	pid_t pid;

	fflush(stdout);
	fflush(stderr);
	pid = fork();
	if (pid < 0)
		return -1;
	if (pid == 0) {
		alarm(20);
		_exit(fn(arg) & 127);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline uint64_t zt_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline void zt_sleep_ms(unsigned int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/* ------------------------------------------------------------------------
 * Live objects of the whole module
 */

/* All counters; all ones when the query fails. */
static inline struct zvm_stats zt_stats(void)
{
	struct zvm_stats s;

	memset(&s, 0, sizeof(s));
	if (zvm_stats(&s) != ZX_OK)
		memset(&s, 0xff, sizeof(s));
	return s;
}

static inline bool zt_stats_same(const struct zvm_stats *a, const struct zvm_stats *b)
{
	return a->vmos == b->vmos && a->vmars == b->vmars && a->aspaces == b->aspaces &&
	       a->mappings == b->mappings && a->handles == b->handles && a->pages == b->pages &&
	       a->page_nodes == b->page_nodes;
}

/*
 * Wait until the counters are back at `before`: the last reference of an
 * object may be dropped by another CPU or by a dying process a moment after
 * the call that the test made. A leak never comes back, so waiting hides none.
 */
static inline bool zt_stats_back(const struct zvm_stats *before, struct zvm_stats *now)
{
	uint64_t end = zt_now_ns() + 3000000000u;

	for (;;) {
		*now = zt_stats();
		if (zt_stats_same(before, now))
			return true;
		if (zt_now_ns() > end)
			return false;
		zt_sleep_ms(5);
	}
}

#define ZT_EXPECT_NO_LEAK(before) do {					\
	struct zvm_stats zt_now_;					\
	EXPECT_TRUE(zt_stats_back((before), &zt_now_)) {		\
		ZT_LOG_STAT_((before), zt_now_, vmos);			\
		ZT_LOG_STAT_((before), zt_now_, vmars);			\
		ZT_LOG_STAT_((before), zt_now_, aspaces);		\
		ZT_LOG_STAT_((before), zt_now_, mappings);		\
		ZT_LOG_STAT_((before), zt_now_, handles);		\
		ZT_LOG_STAT_((before), zt_now_, pages);			\
		ZT_LOG_STAT_((before), zt_now_, page_nodes);		\
	}								\
} while (0)

#define ZT_LOG_STAT_(before, now, field) do {				\
	if ((before)->field != (now).field)				\
		TH_LOG("live " #field ": %llu before, %llu now",	\
		       (unsigned long long)(before)->field,		\
		       (unsigned long long)(now).field);		\
} while (0)

/*
 * Make everything that is created once per process (device, root region), so
 * that it does not count as a leak of the test that happens to come first.
 */
static inline bool zt_warm_up(void)
{
	zx_handle_t vmo = zt_vmo(zt_page(), 0);
	void *p = vmo ? zt_map(vmo, 0, zt_page(), ZT_RW) : NULL;
	bool ok = p && zt_try_write(p) == 0;

	ok = p && zt_unmap(p, zt_page()) == ZX_OK && ok;
	ok = vmo && zx_handle_close(vmo) == ZX_OK && ok;
	return ok;
}

/* ------------------------------------------------------------------------
 * /proc
 */

/* The number after "key:" in a file of that kind; -1 when there is none. */
static inline int64_t zt_proc_field(const char *path, const char *key)
{
	size_t klen = strlen(key);
	char line[512];
	int64_t val = -1;
	FILE *f = fopen(path, "re");

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, klen) || line[klen] != ':')
			continue;
		val = strtoll(line + klen + 1, NULL, 0);
		break;
	}
	fclose(f);
	return val;
}

/* A field of /proc/self/status, in its own unit (kB for the Vm* ones). */
static inline int64_t zt_status_field(const char *key)
{
	return zt_proc_field("/proc/self/status", key);
}

/*
 * The line of /proc/self/maps or the field of /proc/self/smaps of the Linux
 * VMA that holds addr. zt_maps_line() copies the line; zt_smaps_kb() returns
 * the field in kB. Both fail (false, -1) when no VMA is there.
 */
static inline bool zt_vma_(const char *path, const void *addr, char *line, size_t n, FILE **rest)
{
	uintptr_t start, end;
	FILE *f = fopen(path, "re");

	if (!f)
		return false;
	while (fgets(line, (int)n, f)) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &start, &end) != 2)
			continue;
		if ((uintptr_t)addr < start || (uintptr_t)addr >= end)
			continue;
		if (rest)
			*rest = f;
		else
			fclose(f);
		return true;
	}
	fclose(f);
	return false;
}

static inline bool zt_maps_line(const void *addr, char *line, size_t n)
{
	return zt_vma_("/proc/self/maps", addr, line, n, NULL);
}

static inline int64_t zt_smaps_kb(const void *addr, const char *key)
{
	size_t klen = strlen(key);
	uintptr_t start, end;
	int64_t val = -1;
	char line[512];
	FILE *f;

	if (!zt_vma_("/proc/self/smaps", addr, line, sizeof(line), &f))
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &start, &end) == 2)
			break;
		if (!strncmp(line, key, klen) && line[klen] == ':') {
			val = strtoll(line + klen + 1, NULL, 10);
			break;
		}
	}
	fclose(f);
	return val;
}

/* Number of Linux VMAs of this process. */
static inline int zt_maps_count(void)
{
	char line[512];
	FILE *f = fopen("/proc/self/maps", "re");
	int n = 0;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		n++;
	fclose(f);
	return n;
}

/*
 * The text after "key:" (blanks skipped, newline cut) in the fdinfo of an fd.
 * False when there is no such line.
 */
static inline bool zt_fdinfo(int fd, const char *key, char *val, size_t n)
{
	size_t klen = strlen(key);
	char path[64], line[512];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		char *p = line + klen + 1;

		if (strncmp(line, key, klen) || line[klen] != ':')
			continue;
		while (*p == ' ' || *p == '\t')
			p++;
		p[strcspn(p, "\n")] = 0;
		snprintf(val, n, "%.*s", (int)n - 1, p);
		found = true;
	}
	fclose(f);
	return found;
}

/* Number of open file descriptors of this process. */
static inline int zt_fd_count(void)
{
	int n = 0;

	for (int fd = 0; fd < 4096; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			n++;
	return n;
}

/* Handle of this fd passed over a Unix socket with plain SCM_RIGHTS. */
static inline int zt_send_fd(int sock, int fd)
{
	char ctl[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	char byte = 'z';
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof(ctl),
	};
	struct cmsghdr *c;

	memset(ctl, 0, sizeof(ctl));
	c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	return sendmsg(sock, &msg, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

/* The received fd (close-on-exec), or -1. */
static inline int zt_recv_fd(int sock)
{
	char ctl[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof(ctl),
	};
	struct cmsghdr *c;
	int fd;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(int));
	return fd;
}

#endif /* ZVM_TEST_H */
