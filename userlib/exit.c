// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * zx_vmar_unmap_handle_close_thread_exit()
 *
 * From the moment of the unmap on the thread may have no stack, and no memory
 * that belongs to it. So everything is prepared before, in registers, and the
 * three system calls are one piece of assembly.
 */
#include <sys/auxv.h>

#include "lib.h"

/* What to do about the second handle once the range is unmapped. */
#define CLOSE_NOTHING (-1)
#define CLOSE_TRAPS   (-2)

/*
 * Unmap (an ioctl on @vmar_fd with @cmd), close @close_fd, clear *@slot, exit.
 * Returns the errno if the unmap fails; else does not return.
 */
static int unmap_close_exit(int vmar_fd, struct zvm_vmar_range *cmd, int close_fd,
			    _Atomic(zx_handle_t) *slot)
{
	long result;

#if defined(__x86_64__)
	/* System calls leave rbx and r12 alone. */
	register long fd_ __asm__("rbx") = close_fd;
	register _Atomic(zx_handle_t) *slot_ __asm__("r12") = slot;

	__asm__ volatile("syscall\n"
			 "	test	%%rax, %%rax\n"
			 "	jnz	9f\n"
			 "	cmpl	%[nothing], %%ebx\n"
			 "	je	1f\n"
			 "	test	%%ebx, %%ebx\n"
			 "	js	8f\n"
			 "	movl	%[close], %%eax\n"
			 "	movl	%%ebx, %%edi\n"
			 "	syscall\n"
			 "	test	%%rax, %%rax\n"
			 "	jnz	8f\n"
			 "1:	movl	$0, (%%r12)\n"
			 "	movl	%[exit], %%eax\n"
			 "	xorl	%%edi, %%edi\n"
			 "	syscall\n"
			 "8:	ud2\n"
			 "9:\n"
			 : "=a"(result)
			 : "a"((long)SYS_ioctl), "D"((long)vmar_fd), "S"((long)ZVM_VMAR_UNMAP),
			   "d"(cmd), "r"(fd_), "r"(slot_), [nothing] "i"(CLOSE_NOTHING),
			   [close] "i"(SYS_close), [exit] "i"(SYS_exit)
			 : "rcx", "r11", "memory", "cc");
#elif defined(__aarch64__)
	/* System calls change x0 only. */
	register long nr_ __asm__("x8") = SYS_ioctl;
	register long a1_ __asm__("x0") = vmar_fd;
	register long a2_ __asm__("x1") = ZVM_VMAR_UNMAP;
	register struct zvm_vmar_range *a3_ __asm__("x2") = cmd;
	register long fd_ __asm__("x9") = close_fd;
	register _Atomic(zx_handle_t) *slot_ __asm__("x10") = slot;

	__asm__ volatile("svc	0\n"
			 "	cbnz	x0, 9f\n"
			 "	cmn	w9, %[nothing]\n"
			 "	b.eq	1f\n"
			 "	tbnz	w9, 31, 8f\n"
			 "	mov	x8, %[close]\n"
			 "	mov	x0, x9\n"
			 "	svc	0\n"
			 "	cbnz	x0, 8f\n"
			 "1:	str	wzr, [x10]\n"
			 "	mov	x8, %[exit]\n"
			 "	mov	x0, 0\n"
			 "	svc	0\n"
			 "8:	brk	1\n"
			 "9:\n"
			 : "+r"(a1_), "+r"(nr_)
			 : "r"(a2_), "r"(a3_), "r"(fd_), "r"(slot_),
			   [nothing] "i"(-CLOSE_NOTHING), [close] "i"(SYS_close),
			   [exit] "i"(SYS_exit)
			 : "memory", "cc");
	result = a1_;
#endif
	return (int)-result;
}

/* ---- rseq -------------------------------------------------------------- */

/*
 * The C library may have told the kernel of a "restartable sequences" area in
 * the thread's control block, often on the same mapping as its stack. The kernel
 * writes to it whenever the thread was preempted, and kills the process if it
 * cannot. So the area is withdrawn before the unmap, and given back if that
 * fails.
 */
#ifndef AT_RSEQ_FEATURE_SIZE
#define AT_RSEQ_FEATURE_SIZE 27
#endif
#define RSEQ_UNREGISTER 1
#define RSEQ_LEAST_SIZE 32ul
#if defined(__x86_64__)
#define RSEQ_SIGNATURE 0x53053053
#elif defined(__aarch64__)
#define RSEQ_SIGNATURE 0xd428bc00
#endif

extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

static long rseq_call(unsigned long size, int flags)
{
	char *area = (char *)__builtin_thread_pointer() + __rseq_offset;

	return zvmi_syscall6(SYS_rseq, (long)area, (long)size, flags, RSEQ_SIGNATURE, 0, 0);
}

/* The size of the area that was withdrawn, 0 if there was none. */
static unsigned long rseq_withdraw(void)
{
	unsigned long size = RSEQ_LEAST_SIZE;

	if (!&__rseq_offset || !&__rseq_size || !__rseq_size)
		return 0;
	/* Of C libraries that register a larger one, it holds all the kernel knows. */
	if (rseq_call(size, RSEQ_UNREGISTER)) {
		size = getauxval(AT_RSEQ_FEATURE_SIZE);
		size = (size + RSEQ_LEAST_SIZE - 1) / RSEQ_LEAST_SIZE * RSEQ_LEAST_SIZE;
		if (size <= RSEQ_LEAST_SIZE || rseq_call(size, RSEQ_UNREGISTER))
			return 0;
	}
	return size;
}

/* ---- signals ----------------------------------------------------------- */

/* A handler would need the stack. Bits of all signals, the C library's as well. */
typedef uint64_t sigset;

#define HOW_SET 2

static void set_signals(const sigset *mask, sigset *old)
{
	zvmi_syscall6(SYS_rt_sigprocmask, HOW_SET, (long)mask, (long)old, sizeof(*mask), 0, 0);
}

zx_status_t zx_vmar_unmap_handle_close_thread_exit(zx_handle_t vmar_handle, zx_vaddr_t addr,
						   size_t size, zx_handle_t close_handle)
{
	static _Atomic(zx_handle_t) no_slot;
	const sigset all = ~(sigset)0;
	struct zvmi_closing c = { .slot = NULL };
	struct zvm_vmar_range cmd = {
		.size = sizeof(cmd),
		.tag = ZVM_HANDLE_TAG(vmar_handle),
		.addr = addr,
		.length = size,
	};
	int close_fd = CLOSE_NOTHING;
	unsigned long rseq_size;
	sigset old;
	int err;

	if (!zvmi_plausible(vmar_handle))
		return ZX_ERR_BAD_HANDLE;
	if (close_handle != ZX_HANDLE_INVALID)
		close_fd = zvmi_close_begin(&c, close_handle) && zvmi_live(close_handle) ?
			   zvmi_fd(close_handle) : CLOSE_TRAPS;
	set_signals(&all, &old);
	rseq_size = rseq_withdraw();

	do
		err = unmap_close_exit(zvmi_fd(vmar_handle), &cmd, close_fd,
				       c.slot ? c.slot : &no_slot);
	while (err == EINTR);

	/* Still here: nothing has happened. */
	if (rseq_size)
		rseq_call(rseq_size, 0);
	set_signals(&old, NULL);
	zvmi_close_end(&c);
	return zvmi_status(err);
}
