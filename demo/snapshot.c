// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Snapshots of what another process keeps writing. The second process goes
 * through a large VMO again and again and writes the number of the round into
 * each page. As it is at one instant, the VMO holds the number of a round up to
 * some page and that of the round before from there on. The first process takes
 * snapshots meanwhile, and looks whether each of them is like that.
 */
#include <inttypes.h>
#include <time.h>

#include "demo.h"

#define MIB 64
#define SIZE ((uint64_t)MIB << 20)
#define SNAPSHOTS 20

static uint64_t page_size(void)
{
	return zx_system_get_page_size();
}

static uint64_t *page_at(zx_vaddr_t addr, uint64_t page)
{
	return (uint64_t *)(addr + page * page_size());
}

static zx_vaddr_t map(zx_handle_t vmo, zx_vm_option_t how)
{
	zx_vaddr_t addr;

	must(zx_vmar_map(zx_vmar_root_self(), how, 0, vmo, 0, SIZE, &addr), "zx_vmar_map");
	return addr;
}

static void unmap(zx_vaddr_t addr)
{
	must(zx_vmar_unmap(zx_vmar_root_self(), addr, SIZE), "zx_vmar_unmap");
}

/* How many pages had been written when the snapshot was taken; 0: it is no instant. */
static uint64_t written_in(zx_handle_t snapshot)
{
	zx_vaddr_t addr = map(snapshot, ZX_VM_PERM_READ);
	uint64_t round = *page_at(addr, 0), pages = SIZE / page_size(), new = 1, old;

	while (new < pages && *page_at(addr, new) == round)
		new++;
	for (old = new; old < pages && *page_at(addr, old) == round - 1;)
		old++;
	unmap(addr);
	return old == pages ? (round - 1) * pages + new : 0;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* The first process. */
void take_snapshots(int sock)
{
	uint64_t start = 0, end = 0, spent = 0;
	int good = 0;
	zx_handle_t vmo, copy;

	must(zx_vmo_create(SIZE, 0, &vmo), "zx_vmo_create");
	must(zx_handle_duplicate(vmo, ZX_RIGHT_SAME_RIGHTS, &copy), "zx_handle_duplicate");
	must(zvm_handle_send(sock, copy), "zvm_handle_send");
	/* It has written all of it once. */
	receive_word(sock);
	tell("takes %d snapshots of that VMO meanwhile, and looks at all %" PRIu64 " pages of each:",
	     SNAPSHOTS, SIZE / page_size());
	for (int i = 0; i < SNAPSHOTS; i++) {
		uint64_t before = now_ns(), written;
		zx_handle_t snapshot;

		must(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_NO_WRITE, 0,
					 SIZE, &snapshot), "zx_vmo_create_child");
		spent += now_ns() - before;
		written = written_in(snapshot);
		/* Nothing that the second has done since then comes in. */
		good += written && written_in(snapshot) == written;
		if (!i)
			start = written;
		end = written;
		must(zx_handle_close(snapshot), "zx_handle_close");
	}
	check(good == SNAPSHOTS, "%d of them show one instant, and go on showing it", good);
	check(end > start, "the second wrote %" PRIu64 " pages meanwhile; to take one took %" PRIu64
	      " us", end - start, spent / SNAPSHOTS / 1000);
	check_status(ZX_OK, zx_object_wait_one(vmo, ZX_VMO_ZERO_CHILDREN, 0, NULL),
		     "ZX_VMO_ZERO_CHILDREN, now that all are closed");
	send_word(sock, 0);
	must(zx_handle_close(vmo), "zx_handle_close");
}

/* The second process. */
void keep_writing(int sock)
{
	zx_handle_t vmo;
	zx_vaddr_t addr;

	must(zvm_handle_recv(sock, &vmo), "zvm_handle_recv");
	addr = map(vmo, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE);
	tell("got a VMO of %d MiB, and writes to one page after the other, round after round", MIB);
	for (uint64_t round = 1; round < 3 || !word_waits(sock); round++) {
		for (uint64_t page = 0; page < SIZE / page_size(); page++)
			__atomic_store_n(page_at(addr, page), round, __ATOMIC_RELEASE);
		if (round == 1)
			send_word(sock, 0);
	}
	receive_word(sock);
	unmap(addr);
	must(zx_handle_close(vmo), "zx_handle_close");
}
