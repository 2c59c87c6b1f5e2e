// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Handles that arrive, and children: forked, executed, killed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress.h"

void op_inbox(void)
{
	for (unsigned int i = 0; i < 8; i++) {
		zx_info_handle_basic_t info = { .koid = 0 };
		zx_handle_t h;
		zx_status_t status = zvm_handle_recv(myself()->inbox[0], &h);

		if (status == ZX_ERR_SHOULD_WAIT)
			return;
		expect(ZX_OK, status, "zvm_handle_recv");
		expect(ZX_OK, zx_object_get_info(h, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL,
						 NULL), "ZX_INFO_HANDLE_BASIC");
		if (info.type == ZX_OBJ_TYPE_VMAR)
			take_vmar(h, info.koid);
		else
			take_vmo(h);
	}
}

/* ---- children ----------------------------------------------------------- */

/**
 * struct heritage - what a child starts with
 * @vmo: a copy of a slot's handle, for the child alone
 * @serial: of the VMO
 * @writable: @vmo has ZX_RIGHT_WRITE
 * @region: a region of the parent
 * @addr: its address
 */
struct heritage {
	zx_handle_t vmo;
	uint32_t serial;
	bool writable;
	zx_handle_t region;
	zx_vaddr_t addr;
};

/* Map the VMO and look at it; a region of its own each time. */
static void look_at(const struct heritage *h)
{
	zx_vm_option_t can = ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE;
	uint64_t size = SLOT_BYTES;
	zx_handle_t region;
	zx_vaddr_t base, addr;

	expect(ZX_OK, zx_vmar_allocate(zx_vmar_root_self(), can, 0, SLOT_BYTES * 2, &region, &base),
	       "zx_vmar_allocate in a child");
	expect(ZX_OK, zx_vmar_map(region, (h->writable ? RW : ZX_VM_PERM_READ) |
				  (one_in(2) ? ZX_VM_MAP_RANGE : 0), 0, h->vmo, 0, size, &addr),
	       "zx_vmar_map in a child");
	for (unsigned int i = 0; i < 16; i++) {
		unsigned int page = below(SLOT_PAGES);

		check_mapped((char *)addr + page * PAGE, h->serial, page, h->writable, 0);
	}
	if (one_in(2))
		expect(ZX_OK, zx_vmar_unmap(region, addr, size), "zx_vmar_unmap in a child");
	expect(ZX_OK, zx_vmar_destroy(region), "zx_vmar_destroy in a child");
	expect(ZX_OK, zx_handle_close(region), "zx_handle_close in a child");
}

/* The parent's regions and mappings are not the child's. */
static void check_isolation(const struct heritage *h)
{
	zx_status_t status;
	zx_vaddr_t addr;
	uint64_t value;

	if (try_access(LOAD, (volatile uint64_t *)h->addr, &value) != SIGSEGV)
		fail("a child can read its parent's arena at %#lx", h->addr);
	status = zx_vmar_map(h->region, ZX_VM_PERM_READ, 0, h->vmo, 0, PAGE, &addr);
	/* It may be destroyed by now. */
	if (status != ZX_ERR_ACCESS_DENIED && status != ZX_ERR_BAD_STATE)
		fail("zx_vmar_map in the parent's region: %s", zx_status_get_string(status));
	status = zx_vmar_unmap(h->region, h->addr, PAGE);
	if (status != ZX_ERR_ACCESS_DENIED && status != ZX_ERR_BAD_STATE)
		fail("zx_vmar_unmap in the parent's region: %s", zx_status_get_string(status));
}

/* Runs in a child; other threads' locks are held for ever there: take none. */
typedef void child_fn(const struct heritage *h);

static pid_t start_child(child_fn *run)
{
	unsigned int n = below(SLOTS), r = below(REGIONS);
	struct region *region = &myself()->regions[r];
	struct heritage h;
	pid_t pid;

	if (!enter_slot(n))
		return 0;
	expect(ZX_OK, zx_handle_duplicate(local.vmo[n], ZX_RIGHT_SAME_RIGHTS, &h.vmo),
	       "zx_handle_duplicate");
	h.serial = local.serial[n];
	h.writable = local.rights[n] & ZX_RIGHT_WRITE;
	leave_slot(n);

	pthread_rwlock_rdlock(&region->lock);
	h.region = local.region[r];
	h.addr = region->base;
	pid = fork();
	if (pid == 0) {
		run(&h);
		_exit(0);
	}
	pthread_rwlock_unlock(&region->lock);
	if (pid < 0 && errno != EAGAIN)
		fail("fork");
	expect(ZX_OK, zx_handle_close(h.vmo), "zx_handle_close");
	return pid > 0 ? pid : 0;
}

static void reap(pid_t pid, int want)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			fail("waitpid");
	if (status != want)
		fail("a child ended with status %#x instead of %#x", status, want);
}

static void forked(const struct heritage *h)
{
	check_isolation(h);
	for (unsigned int i = 0; i < 3; i++)
		look_at(h);
}

void op_fork(void)
{
	pid_t pid = start_child(forked);

	if (pid)
		reap(pid, 0);
}

static void endless(const struct heritage *h)
{
	for (;;)
		look_at(h);
}

/* In whatever it is doing. */
void op_kill(void)
{
	pid_t pid = start_child(endless);

	if (!pid)
		return;
	usleep(below(50000));
	kill(pid, SIGKILL);
	reap(pid, SIGKILL);
}

static void executed(const struct heritage *h)
{
	int fd = fcntl(zvm_handle_to_fd(h->vmo), F_DUPFD, 100);
	char fd_text[16], serial_text[16];

	if (fd < 0)
		fail("F_DUPFD");
	snprintf(fd_text, sizeof(fd_text), "%d", fd);
	snprintf(serial_text, sizeof(serial_text), "%u", h->serial);
	execl("/proc/self/exe", "zvm-stress", "--child", fd_text, serial_text, (char *)NULL);
	fail("execl");
}

void op_exec(void)
{
	pid_t pid = start_child(executed);

	if (pid)
		reap(pid, 0);
}

int exec_child(int fd, uint32_t serial)
{
	struct heritage h = { .serial = serial };
	zx_info_handle_basic_t info = { .koid = 0 };

	expect(ZX_OK, zvm_handle_from_fd(fd, &h.vmo), "zvm_handle_from_fd");
	expect(ZX_OK, zx_object_get_info(h.vmo, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL),
	       "ZX_INFO_HANDLE_BASIC");
	h.writable = info.rights & ZX_RIGHT_WRITE;
	me.random = serial;
	for (unsigned int i = 0; i < 3; i++)
		look_at(&h);
	return 0;
}
