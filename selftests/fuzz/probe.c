// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Touching memory that may not be there.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

static __thread sigjmp_buf back;
static __thread volatile sig_atomic_t trying;

static void on_fault(int sig)
{
	if (!trying) {
		/* Not one of ours: comes again, with the default effect. */
		signal(sig, SIG_DFL);
		return;
	}
	siglongjmp(back, sig);
}

static void on_nothing(int sig)
{
	(void)sig;
}

void install_probes(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE };
	/* Nothing is masked, so that nothing has to be restored. */
	struct sigaction sa = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };
	struct sigaction nothing = { .sa_handler = on_nothing };

	for (unsigned int i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &sa, NULL);
	sigaction(SIGUSR1, &nothing, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGIO, SIG_IGN);
}

static void touch(int how, uint64_t addr, uint64_t *value)
{
	volatile uint64_t *p = (volatile uint64_t *)addr;

	switch (how) {
	case LOAD:
		*value = *p;
		break;
	case STORE:
		*p = *value;
		break;
	default:
		((void (*)(void))addr)();
	}
}

int probe(int how, uint64_t addr, uint64_t *value)
{
	int sig = sigsetjmp(back, 0);

	if (!sig) {
		trying = 1;
		__asm__ __volatile__("" ::: "memory");
		touch(how, addr, value);
		__asm__ __volatile__("" ::: "memory");
	}
	trying = 0;
	if (sig)
		atomic_fetch_add_explicit(&shared->faults, 1, memory_order_relaxed);
	return sig;
}

int probe_copy(void *to, const void *from, size_t len)
{
	int sig = sigsetjmp(back, 0);

	if (!sig) {
		trying = 1;
		__asm__ __volatile__("" ::: "memory");
		memcpy(to, from, len);
		__asm__ __volatile__("" ::: "memory");
	}
	trying = 0;
	return sig;
}

/* As a 32-bit program does it. */
int probe_ioctl32(int fd, unsigned int command, void *arg, long *ret)
{
#ifdef __x86_64__
	int sig = sigsetjmp(back, 0);
	long number = 54;

	if (!sig) {
		trying = 1;
		__asm__ __volatile__("int $0x80" : "+a"(number) : "b"((long)fd), "c"((long)command),
				     "d"(arg) : "memory", "r8", "r9", "r10", "r11");
	}
	trying = 0;
	*ret = (int)number;
	return sig;
#else
	(void)fd, (void)command, (void)arg, (void)ret;
	return SIGILL;
#endif
}
