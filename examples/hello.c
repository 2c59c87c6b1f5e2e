// SPDX-License-Identifier: MIT OR GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <zircon/process.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>

static void check(zx_status_t status, const char *call)
{
	if (status != ZX_OK) {
		fprintf(stderr, "%s: %s\n", call, zx_status_get_string(status));
		exit(1);
	}
}

int main(void)
{
	zx_handle_t root = zx_vmar_root_self(), vmo;
	zx_vaddr_t addr;

	check(zx_vmo_create(1 << 20, 0, &vmo), "zx_vmo_create");
	check(zx_vmo_write(vmo, "hello, VMO", 4096, 11), "zx_vmo_write");
	check(zx_vmar_map(root, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, 4096, 4096, &addr),
	      "zx_vmar_map");
	check(zx_handle_close(vmo), "zx_handle_close");	/* the mapping keeps the VMO alive */
	printf("at %p: %s\n", (void *)addr, (char *)addr);
	check(zx_vmar_unmap(root, addr, 4096), "zx_vmar_unmap");
	return 0;
}
