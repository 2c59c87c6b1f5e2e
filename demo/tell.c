// SPDX-License-Identifier: MIT OR GPL-2.0
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include "demo.h"

static const char *speaker = "";
static int failures;

void tell_as(const char *who)
{
	speaker = who;
	/* Two processes write to one place: whole lines, in their order. */
	setvbuf(stdout, NULL, _IOLBF, 0);
}

static void line(const char *mark, const char *fmt, va_list args)
{
	printf("%-6s %-4s ", speaker, mark);
	vprintf(fmt, args);
	putchar('\n');
}

void tell(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	line("", fmt, args);
	va_end(args);
}

void check(bool good, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	line(good ? "ok" : "FAIL", fmt, args);
	va_end(args);
	failures += !good;
}

void check_status(zx_status_t want, zx_status_t got, const char *what)
{
	if (got == want)
		check(true, "%s: %s", what, zx_status_get_string(got));
	else
		check(false, "%s: %s instead of %s", what, zx_status_get_string(got),
		      zx_status_get_string(want));
}

void must(zx_status_t status, const char *what)
{
	if (status == ZX_OK)
		return;
	check_status(ZX_OK, status, what);
	exit(1);
}

void must_errno(bool good, const char *what)
{
	if (good)
		return;
	check(false, "%s: %s", what, strerror(errno));
	exit(1);
}

int verdict(void)
{
	return failures ? 1 : 0;
}

struct vmo_name vmo_name(zx_handle_t vmo)
{
	struct vmo_name name;

	must(zx_object_get_property(vmo, ZX_PROP_NAME, name.text, sizeof(name.text)),
	     "getting a VMO's name");
	return name;
}

static sigjmp_buf back;
static void *volatile faulted_at;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)context;
	faulted_at = info->si_addr;
	siglongjmp(back, sig);
}

int try_write(volatile char *addr, void **fault_addr)
{
	struct sigaction caught = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	struct sigaction segv, bus;
	int sig;

	sigaction(SIGSEGV, &caught, &segv);
	sigaction(SIGBUS, &caught, &bus);
	faulted_at = NULL;
	sig = sigsetjmp(back, 1);
	if (!sig)
		*addr = 'x';
	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGBUS, &bus, NULL);
	*fault_addr = faulted_at;
	return sig;
}

void send_word(int sock, uint64_t word)
{
	must_errno(send(sock, &word, sizeof(word), MSG_NOSIGNAL) == (ssize_t)sizeof(word),
		   "talking to the other process");
}

uint64_t receive_word(int sock)
{
	uint64_t word = 0;
	ssize_t got = recv(sock, &word, sizeof(word), 0);

	if (got == 0)
		errno = ECONNRESET;
	must_errno(got == (ssize_t)sizeof(word), "listening to the other process");
	return word;
}

bool word_waits(int sock)
{
	struct pollfd wait = { .fd = sock, .events = POLLIN };

	return poll(&wait, 1, 0) > 0;
}
