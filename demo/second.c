// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * The second process: reads what it is given, is kept from writing to it, and
 * lends a region of its own. Then it keeps writing a VMO.
 */
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "demo.h"
#include "sha256.h"

static const char *signal_name(int sig)
{
	return sig == SIGSEGV ? "SIGSEGV" : sig == SIGBUS ? "SIGBUS" : sig ? "a signal" : "nothing";
}

static void verify(const char *file, size_t size, const char *sum)
{
	static char hex[SHA256_HEX_LEN + 1];

	sha256_hex(file, size, hex);
	check(!strcmp(hex, sum), "SHA-256 of the mapping, and of the file by sha256sum:");
	printf("            %s\n", hex);
	if (strcmp(hex, sum))
		printf("            %s\n", sum);
}

static void read_input(zx_handle_t vmo, const char *sum)
{
	uint64_t size, bytes;
	zx_vaddr_t addr;
	void *at;
	int sig;

	/* The VMO is whole pages; its stream size remembers the file's length. */
	must(zx_vmo_get_size(vmo, &size), "zx_vmo_get_size");
	must(zx_vmo_get_stream_size(vmo, &bytes), "zx_vmo_get_stream_size");
	tell("(process %d) got a handle to the VMO \"%s\", and maps it:", getpid(),
	     vmo_name(vmo).text);
	must(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0, vmo, 0, size, &addr),
	     "mapping it");
	verify((const char *)addr, bytes, sum);

	tell("tries to change it, by a call, by a writable mapping, by a store:");
	check_status(ZX_ERR_ACCESS_DENIED, zx_vmo_write(vmo, "x", 0, 1), "zx_vmo_write");
	check_status(ZX_ERR_ACCESS_DENIED,
		     zx_vmar_protect(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, addr,
				     size),
		     "zx_vmar_protect to READ and WRITE");
	sig = try_write((volatile char *)addr, &at);
	check(sig == SIGSEGV && at == (void *)addr, "storing to 0x%" PRIxPTR ": %s", addr,
	      signal_name(sig));
}

static void lend(int sock)
{
	zx_handle_t region, plain, lent;
	zx_vaddr_t base, addr;

	must(zx_vmar_allocate(zx_vmar_root_self(), ZX_VM_CAN_MAP_READ, 0, 1 << 20, &region, &base),
	     "zx_vmar_allocate");
	must(zx_handle_duplicate(region, ZX_RIGHT_SAME_RIGHTS, &plain), "zx_handle_duplicate");
	must(zvm_vmar_lend(region, ZX_RIGHT_SAME_RIGHTS, &lent), "zvm_vmar_lend");
	tell("made a region and sends two handles to it: an ordinary one, and one to lend it");
	must(zvm_handle_send(sock, plain), "zvm_handle_send");
	must(zvm_handle_send(sock, lent), "zvm_handle_send");

	addr = receive_word(sock);
	check(addr >= base && addr - base < 1 << 20, "there is something at 0x%" PRIxPTR " now",
	      addr);
	/* The end of the page is zeros. */
	check(!strcmp((const char *)addr, GREETING), "it reads: \"%s\"", (const char *)addr);
	send_word(sock, 0);
	receive_word(sock);
	must(zx_handle_close(region), "zx_handle_close");
}

int second(int sock, const char *sum)
{
	zx_handle_t vmo;

	tell_as("second");
	must(zvm_handle_recv(sock, &vmo), "zvm_handle_recv");
	read_input(vmo, sum);
	must(zx_handle_close(vmo), "zx_handle_close");
	lend(sock);
	keep_writing(sock);
	return verdict();
}
