// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * zvm-bench: see bench.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

static const char usage[] =
	"usage: zvm-bench [--csv FILE] [--only TEXT]\n"
	"Measures what calls of libzircon-vm cost, beside Linux's way to do the same.\n"
	"  --csv FILE   write the results to FILE too: case,ours,linux,ratio,bar\n"
	"  --only TEXT  only the cases that have TEXT in their names\n"
	"Run it in a machine that counts instructions: make bench.\n";

void die(const char *what, const char *why)
{
	fprintf(stderr, "zvm-bench: %s: %s\n", what, why);
	exit(1);
}

void die_errno(const char *what)
{
	die(what, strerror(errno));
}

const struct root *root(void)
{
	static struct root known;

	if (!known.vmar) {
		zx_info_vmar_t info;

		known.vmar = zx_vmar_root_self();
		if (known.vmar == ZX_HANDLE_INVALID)
			die("zx_vmar_root_self", "no root region");
		ok(zx_object_get_info(known.vmar, ZX_INFO_VMAR, &info, sizeof(info), NULL, NULL));
		known.base = info.base;
	}
	return &known;
}

zx_handle_t new_vmo(size_t size)
{
	zx_handle_t vmo;

	ok(zx_vmo_create(size, 0, &vmo));
	return vmo;
}

int new_memfd(size_t size)
{
	int fd = memfd_create("bench", MFD_CLOEXEC);

	if (fd < 0)
		die_errno("memfd_create");
	zero(ftruncate(fd, (off_t)size));
	return fd;
}

char *free_range(size_t size)
{
	/* Linux fills gaps from their upper end: what comes later goes there. */
	size_t with_room = size + MIB(1024);
	char *p = mmap(NULL, with_room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		       0);

	if (p == MAP_FAILED)
		die_errno("mmap");
	zero(munmap(p, with_room));
	return p;
}

int main(int argc, char **argv)
{
	const char *csv = NULL;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--csv") && i + 1 < argc) {
			csv = argv[++i];
		} else if (!strcmp(argv[i], "--only") && i + 1 < argc) {
			bench_only(argv[++i]);
		} else {
			bool help = !strcmp(argv[i], "--help");

			fputs(usage, help ? stdout : stderr);
			return help ? 0 : 2;
		}
	}
	clock_setup();
	report_open(csv);
	map_cases();
	bulk_cases();
	transfer_cases();
	snapshot_cases();
	huge_cases();
	report_close();
	return 0;
}
