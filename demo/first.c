// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * The first process: loads the file, shows what a handle and a region permit,
 * passes the file on, maps something into the second process, and takes snapshots
 * of what that writes.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "demo.h"

/* What the second process gets: it may look, but not write. */
#define PASSED_RIGHTS (ZX_RIGHT_READ | ZX_RIGHT_MAP | ZX_RIGHT_GET_PROPERTY | ZX_RIGHT_TRANSFER)

static zx_handle_t named_vmo(uint64_t size, const char *name)
{
	zx_handle_t vmo;

	must(zx_vmo_create(size, 0, &vmo), "zx_vmo_create");
	must(zx_object_set_property(vmo, ZX_PROP_NAME, name, strlen(name)), "naming the VMO");
	return vmo;
}

/* read(2) puts the file into the VMO without a copy on the way: through a mapping. */
static zx_handle_t load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t size, done = 0;
	zx_vaddr_t addr;
	zx_handle_t vmo;
	struct stat st;

	must_errno(fd >= 0 && !fstat(fd, &st), path);
	size = (size_t)st.st_size;
	if (!size) {
		check(false, "%s is empty", path);
		exit(1);
	}
	vmo = named_vmo(size, "input");
	must(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, 0, size,
			 &addr), "mapping the VMO");
	while (done < size) {
		ssize_t n = read(fd, (char *)addr + done, size - done);

		must_errno(n > 0, "reading the file");
		done += (size_t)n;
	}
	close(fd);
	must(zx_vmar_unmap(zx_vmar_root_self(), addr, size), "zx_vmar_unmap");
	tell("made a VMO \"input\" and read(2) %s into it: %zu bytes", path, size);
	return vmo;
}

/* A region of its own in which nothing can ever be mapped writable. */
static void map_read_only(zx_handle_t vmo)
{
	zx_vaddr_t base, addr;
	zx_handle_t region;
	uint64_t size;

	must(zx_vmo_get_size(vmo, &size), "zx_vmo_get_size");
	must(zx_vmar_allocate(zx_vmar_root_self(), ZX_VM_CAN_MAP_READ, 0, size + (1 << 20),
			      &region, &base), "zx_vmar_allocate");
	tell("made a region for read-only mappings within its root region, and maps the VMO there");
	check_status(ZX_OK, zx_vmar_map(region, ZX_VM_PERM_READ, 0, vmo, 0, size, &addr),
		     "mapping it to read");
	check_status(ZX_ERR_ACCESS_DENIED,
		     zx_vmar_map(region, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, 0, size, &addr),
		     "mapping it to write as well");
	tell("has these regions and mappings now (inside one line of /proc/PID/maps):");
	must(zvm_vmar_print(stdout, zx_vmar_root_self()), "zvm_vmar_print");
	must(zx_handle_close(region), "zx_handle_close");
}

/* Starts this program again as the second process; a socket to it. */
static int start_second(const char *sum, pid_t *pid)
{
	int pair[2];
	char fd[16];

	must_errno(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), "socketpair");
	snprintf(fd, sizeof(fd), "%d", pair[1]);
	*pid = fork();
	must_errno(*pid >= 0, "fork");
	if (*pid == 0) {
		fcntl(pair[1], F_SETFD, 0);
		execl("/proc/self/exe", "zvm-demo", "--second", fd, sum, (char *)NULL);
		must_errno(false, "starting the second process");
	}
	close(pair[1]);
	return pair[0];
}

static void pass(int sock, zx_handle_t vmo)
{
	zx_handle_t copy;

	must(zx_handle_duplicate(vmo, PASSED_RIGHTS, &copy), "zx_handle_duplicate");
	must(zvm_handle_send(sock, copy), "zvm_handle_send");
	tell("sent a handle with the rights READ and MAP, without WRITE, over a socket");
}

/* The second process's region, as an ordinary handle and as a lent one. */
static void map_into(int sock, zx_handle_t vmo, uint64_t size)
{
	zx_handle_t plain, lent;
	zx_vaddr_t addr = 0;

	must(zvm_handle_recv(sock, &plain), "zvm_handle_recv");
	must(zvm_handle_recv(sock, &lent), "zvm_handle_recv");
	tell("got two handles to a region of the second process, and maps a VMO there:");
	check_status(ZX_ERR_ACCESS_DENIED,
		     zx_vmar_map(plain, ZX_VM_PERM_READ, 0, vmo, 0, size, &addr),
		     "through the ordinary one");
	check_status(ZX_OK, zx_vmar_map(lent, ZX_VM_PERM_READ, 0, vmo, 0, size, &addr),
		     "through the one made by zvm_vmar_lend()");
	send_word(sock, addr);

	/* The second has read what is there. */
	receive_word(sock);
	tell("has this view of the second's region:");
	must(zvm_vmar_print(stdout, lent), "zvm_vmar_print");
	check_status(ZX_OK, zx_vmar_unmap(lent, addr, size), "unmapping it there again");
	send_word(sock, 0);
	must(zx_handle_close(plain), "zx_handle_close");
	must(zx_handle_close(lent), "zx_handle_close");
}

static void wait_for(pid_t pid)
{
	int status = 0;

	must_errno(waitpid(pid, &status, 0) == pid, "waitpid");
	check(WIFEXITED(status) && !WEXITSTATUS(status), "the second process ended well");
}

static void introduce(void)
{
	puts("A VMO is an object that holds pages of memory; a VMAR is a region of a process's\n"
	     "addresses, into which VMOs and further regions are mapped. A program gets at both\n"
	     "by handles, which permit some things and not others, and can be passed on.\n"
	     "Two processes show it; \"ok\" stands before what came out as expected.\n");
}

int first(const char *path, const char *sum)
{
	zx_handle_t input, letter;
	pid_t pid;
	int sock;

	introduce();
	tell_as("first");
	/* The first handle is the first thing that needs the module. */
	letter = named_vmo(sizeof(GREETING), "letter");
	must(zx_vmo_write(letter, GREETING, 0, sizeof(GREETING)), "zx_vmo_write");
	input = load(path);
	map_read_only(input);

	sock = start_second(sum, &pid);
	pass(sock, input);
	map_into(sock, letter, sizeof(GREETING));
	take_snapshots(sock);
	wait_for(pid);

	must(zx_handle_close(input), "zx_handle_close");
	must(zx_handle_close(letter), "zx_handle_close");
	putchar('\n');
	puts(verdict() ? "demo: FAILED" : "demo: everything as expected");
	return verdict();
}
