// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Accesses to memory that may not be there, and what cells look like.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>

#include "stress.h"

static __thread sigjmp_buf back;
static __thread volatile sig_atomic_t trying;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void on_fault(int sig)
{
	if (!trying) {
		/* Our own mistake: comes again, with the default effect. */
		signal(sig, SIG_DFL);
		return;
	}
	siglongjmp(back, sig);
}

static void install(void)
{
	/* Nothing is masked, so that nothing has to be restored. */
	struct sigaction sa = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
}

int try_access(enum access kind, volatile uint64_t *p, uint64_t *value)
{
	int sig;

	pthread_once(&once, install);
	sig = sigsetjmp(back, 0);
	if (!sig) {
		trying = 1;
		switch (kind) {
		case LOAD:
			*value = *p;
			break;
		case STORE:
			*p = *value;
			break;
		case KEEP: {
			volatile uint64_t nothing = 0;

			*value = __atomic_fetch_or(p, nothing, __ATOMIC_SEQ_CST);
			break;
		}
		}
	}
	trying = 0;
	if (sig)
		atomic_fetch_add_explicit(&shared->faults, 1, memory_order_relaxed);
	return sig;
}

#define FAMILY_BITS 18

uint32_t new_serial(void)
{
	uint32_t family = atomic_fetch_add(&shared->last_family, 1) % ((1u << FAMILY_BITS) - 1);

	return family + 1;
}

uint32_t relative_serial(uint32_t serial)
{
	uint32_t relative = atomic_fetch_add(&shared->last_relative, 1) + 1;

	return (serial & ((1u << FAMILY_BITS) - 1)) | relative << FAMILY_BITS;
}

/*
 * A cell is 0 or says what it is: family of the VMO, page and cell in the upper 48
 * bits. The lower 16 are arbitrary, but not 0.
 */
static uint64_t identity(uint32_t serial, unsigned int page, unsigned int cell)
{
	return (uint64_t)(serial & ((1u << FAMILY_BITS) - 1)) << 32 | (uint64_t)page << 25 | (uint64_t)cell << 16;
}

uint64_t cell_value(uint32_t serial, unsigned int page, unsigned int cell)
{
	return identity(serial, page, cell) | (1 + below(0xffff));
}

/*
 * Seen while it is copied or zeroed byte by byte, each byte of the identity may
 * be there or 0.
 */
bool plausible(uint64_t value, uint32_t serial, unsigned int page, unsigned int cell)
{
	uint64_t want = identity(serial, page, cell);

	for (unsigned int shift = 16; shift < 64; shift += 8) {
		uint8_t byte = (uint8_t)(value >> shift);

		if (byte && byte != (uint8_t)(want >> shift))
			return false;
	}
	return true;
}

void check_mapped(const void *addr, uint32_t serial, unsigned int page, bool writable,
		  uint64_t size_known)
{
	for (unsigned int i = 0; i < 4; i++) {
		unsigned int cell = below(CELLS);
		uint64_t value;
		int sig = try_access(writable && one_in(2) ? KEEP : LOAD,
				     (volatile uint64_t *)addr + cell, &value);

		if (sig == SIGBUS && (!size_known || (uint64_t)page * PAGE >= size_known))
			return;
		if (sig)
			fail("signal %d at %p, page %u of VMO %u", sig, addr, page, serial);
		if (!plausible(value, serial, page, cell))
			fail("%p shows %#llx, which is not cell %u of page %u of VMO %u", addr,
			     (unsigned long long)value, cell, page, serial);
	}
}
