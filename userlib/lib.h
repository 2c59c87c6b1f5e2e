/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Inside of libzircon-vm.
 *
 * A handle value is the descriptor and the tag of a kernel handle, packed as
 * <zircon-vm.h> says. So there is no table here, nothing to lock and nothing to
 * keep in step with fork(2): a call unpacks the value, issues one ioctl(2) with
 * the tag in it, and the kernel decides whether the handle is live.
 *
 * System calls are made directly. The C library's wrappers would change errno,
 * and close(2) is a cancellation point there.
 */
#ifndef ZVM_USERLIB_LIB_H
#define ZVM_USERLIB_LIB_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/object.h>
#include <zvm.h>

/* What the library's files share is nobody else's. */
#pragma GCC visibility push(hidden)

/* ---- system calls: a result, or -errno --------------------------------- */

#if defined(__x86_64__)
#define ZVMI_SYSCALL6(result, nr, a, b, c, d, e, f) do {			\
	register long a4_ __asm__("r10") = (d);					\
	register long a5_ __asm__("r8") = (e);					\
	register long a6_ __asm__("r9") = (f);					\
	__asm__ volatile("syscall"						\
			 : "=a"(result)						\
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(a4_), "r"(a5_),	\
			   "r"(a6_)						\
			 : "rcx", "r11", "memory");				\
} while (0)

static inline long zvmi_syscall3(long nr, long a, long b, long c)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return result;
}
#elif defined(__aarch64__)
#define ZVMI_SYSCALL6(result, nr, a, b, c, d, e, f) do {			\
	register long nr_ __asm__("x8") = (nr);					\
	register long a1_ __asm__("x0") = (a);					\
	register long a2_ __asm__("x1") = (b);					\
	register long a3_ __asm__("x2") = (c);					\
	register long a4_ __asm__("x3") = (d);					\
	register long a5_ __asm__("x4") = (e);					\
	register long a6_ __asm__("x5") = (f);					\
	__asm__ volatile("svc 0"						\
			 : "+r"(a1_)						\
			 : "r"(nr_), "r"(a2_), "r"(a3_), "r"(a4_), "r"(a5_), "r"(a6_) \
			 : "memory");						\
	(result) = a1_;								\
} while (0)

static inline long zvmi_syscall3(long nr, long a, long b, long c)
{
	register long nr_ __asm__("x8") = nr;
	register long a1_ __asm__("x0") = a;
	register long a2_ __asm__("x1") = b;
	register long a3_ __asm__("x2") = c;

	__asm__ volatile("svc 0" : "+r"(a1_) : "r"(nr_), "r"(a2_), "r"(a3_) : "memory");
	return a1_;
}
#else
#error "libzircon-vm knows x86-64 and arm64 only"
#endif

static inline long zvmi_syscall6(long nr, long a, long b, long c, long d, long e, long f)
{
	long result;

	ZVMI_SYSCALL6(result, nr, a, b, c, d, e, f);
	return result;
}

/* ioctl(2) that no signal ends. A command that was interrupted did nothing. */
static inline int zvmi_ioctl(int fd, unsigned int cmd, void *arg)
{
	long result;

	do
		result = zvmi_syscall3(SYS_ioctl, fd, cmd, (long)arg);
	while (unlikely(result == -EINTR));
	return (int)result;
}

static inline void zvmi_close(int fd)
{
	zvmi_syscall3(SYS_close, fd, 0, 0);
}

static inline uint64_t zvmi_address(const volatile void *pointer)
{
	return (uintptr_t)pointer;
}

/* ---- handle values ----------------------------------------------------- */

/*
 * Could @h be a handle? The kernel takes tag 0 for "do not check", and gives it
 * to no handle.
 */
static inline bool zvmi_plausible(zx_handle_t h)
{
	return likely((h & ZVM_HANDLE_FIXED_BITS) == ZVM_HANDLE_FIXED_BITS &&
		      ZVM_HANDLE_TAG(h));
}

static inline int zvmi_fd(zx_handle_t h)
{
	return (int)ZVM_HANDLE_FD(h);
}

/* The status for an errno that a command on a handle gave. */
zx_status_t zvmi_status(int err) __COLD;

/* A command on handle @h, whose tag is in the struct at @arg. */
static inline zx_status_t zvmi_call(zx_handle_t h, unsigned int cmd, void *arg)
{
	int result;

	if (!zvmi_plausible(h))
		return ZX_ERR_BAD_HANDLE;
	result = zvmi_ioctl(zvmi_fd(h), cmd, arg);
	return likely(!result) ? ZX_OK : zvmi_status(-result);
}

/* 0, or an errno. */
static inline int zvmi_verify(int fd, uint32_t tag)
{
	struct zvm_handle_tag cmd = { .size = sizeof(cmd), .tag = tag };

	return -zvmi_ioctl(fd, ZVM_HANDLE_TAG_OF, &cmd);
}

static inline bool zvmi_live(zx_handle_t h)
{
	return zvmi_plausible(h) && !zvmi_verify(zvmi_fd(h), ZVM_HANDLE_TAG(h));
}

/* ---- the process ------------------------------------------------------- */

/**
 * struct zvmi_process - what the library knows about its process
 * @root: the root VMAR's handle, or 0
 * @closing: values of handles that some thread is about to close
 *
 * One page that reads as zeros in a forked child (MADV_WIPEONFORK): nothing in
 * it is the child's. A child that shares the parent's memory (vfork(2), threads)
 * shares the page and, rightly, the root VMAR.
 */
struct zvmi_process {
	_Atomic(zx_handle_t) root;
	_Atomic(zx_handle_t) closing[ZX_MIN_PAGE_SIZE / sizeof(zx_handle_t) - 1];
};

extern _Atomic(struct zvmi_process *) zvmi_the_process;

struct zvmi_process *zvmi_make_process(void) __COLD;

/* NULL if there is no memory. */
static inline struct zvmi_process *zvmi_process(void)
{
	struct zvmi_process *process =
		atomic_load_explicit(&zvmi_the_process, memory_order_acquire);

	return likely(process) ? process : zvmi_make_process();
}

/* A command on /dev/zircon-vm, which is opened when first needed. */
zx_status_t zvmi_device_call(unsigned int cmd, void *arg);

/* ---- closing ----------------------------------------------------------- */

/*
 * The kernel verifies a handle before it closes the descriptor. If two threads
 * closed the same value at once, both could be verified before either is closed;
 * the second close would then hit whatever got the descriptor in between. So the
 * value is entered in a table first, and who finds it there is late.
 *
 * A slot that is taken by another value (another descriptor of the same slot)
 * is not waited for: the one thing lost is the protection against two threads
 * that wrongly close the same value.
 */
struct zvmi_closing {
	_Atomic(zx_handle_t) *slot;
};

/*
 * Another thread has entered @h in the slot. It may be closing this very handle, or
 * an earlier one: the value may be in use again before that thread gets around to
 * clearing the slot. So wait for that; the kernel knows then. false: it takes too
 * long, as in a signal handler that has interrupted the thread.
 */
bool zvmi_close_wait(struct zvmi_closing *c, _Atomic(zx_handle_t) *slot, zx_handle_t h) __COLD;

/* false: not a handle, or being closed by somebody else. Then there is no end. */
static inline bool zvmi_close_begin(struct zvmi_closing *c, zx_handle_t h)
{
	struct zvmi_process *process;
	_Atomic(zx_handle_t) *slot;
	zx_handle_t other = 0;

	c->slot = NULL;
	if (!zvmi_plausible(h))
		return false;
	process = zvmi_process();
	if (unlikely(!process))
		return true;
	slot = &process->closing[(unsigned int)zvmi_fd(h) %
				 (sizeof(process->closing) / sizeof(*slot))];
	if (likely(atomic_compare_exchange_strong(slot, &other, h))) {
		c->slot = slot;
		return true;
	}
	return other != h || zvmi_close_wait(c, slot, h);
}

/* Between begin and end: verify and close. */
static inline zx_status_t zvmi_close_handle(zx_handle_t h)
{
	struct zvm_handle_close cmd = { .size = sizeof(cmd), .handle = h };
	zx_status_t status = zvmi_device_call(ZVM_HANDLE_CLOSE, &cmd);

	return unlikely(status == ZX_ERR_NOT_FOUND) ? ZX_ERR_BAD_HANDLE : status;
}

static inline void zvmi_close_end(struct zvmi_closing *c)
{
	if (likely(c->slot))
		atomic_store(c->slot, 0);
}

/* ---- the caller's memory ----------------------------------------------- */

/*
 * Copy from or to addresses that the caller gave, where no command does it for
 * us: false, instead of a signal, if they are not accessible.
 */
bool zvmi_copy_in(void *dst, const void *src, size_t len);
bool zvmi_copy_out(void *dst, const void *src, size_t len);

#pragma GCC visibility pop

#endif /* ZVM_USERLIB_LIB_H */
