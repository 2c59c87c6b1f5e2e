/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Physical addresses that tests may write to: in a guest of selftests/run-in-guest.sh
 * 64 KiB of RAM that Linux was told to leave alone, and two devices of QEMU's, of which
 * one has a megabyte of memory (ivshmem) and the other one registers (edu).
 */
#ifndef ZVM_PHYSICAL_H
#define ZVM_PHYSICAL_H

#include <dirent.h>

struct pt_range {
	uint64_t addr;
	uint64_t size;		/* 0: this guest has it not */
	char bar[300];		/* what mmap(2) shows it by; empty: /dev/mem */
};

/*
 * What the kernel's command line has taken. Not all kernels say in /proc/iomem what
 * memmap= did. On arm64 mem= left the end: QEMU's RAM begins at 1 GiB there.
 */
static inline struct pt_range pt_reserved(void)
{
	struct pt_range range = {};
	uint64_t addr = 0, kib ZT_UNUSED;
	char line[2000];
	const char *p;
	FILE *f = fopen("/proc/cmdline", "re");

	if (f && fgets(line, sizeof(line), f)) {
#ifdef __x86_64__
		p = strstr(line, " memmap=64K$512M");
		if (p)
			addr = 512ull << 20;
#else
		p = strstr(line, " mem=");
		if (p && sscanf(p, " mem=%" SCNu64 "K", &kib) == 1)
			addr = (1ull << 30) + (kib << 10);
#endif
	}
	if (f)
		fclose(f);
	if (addr)
		range = (struct pt_range){ .addr = addr, .size = 64 << 10 };
	return range;
}

static inline bool pt_has(const char *device, const char *file, unsigned int value)
{
	char path[300];
	unsigned int got = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.20s/%s", device, file);
	f = fopen(path, "re");
	if (f) {
		if (fscanf(f, "%x", &got) != 1)
			got = 0;
		fclose(f);
	}
	return got == value;
}

/* A part of a device that has no driver, switched on. */
static inline struct pt_range pt_bar(unsigned int vendor, unsigned int id, int bar)
{
	DIR *dir = opendir("/sys/bus/pci/devices");
	struct pt_range range = {};
	uint64_t from, to, flags;
	struct dirent *d;

	while (dir && !range.size && (d = readdir(dir))) {
		char path[300];
		FILE *f;
		int fd;

		if (d->d_name[0] == '.' || !pt_has(d->d_name, "vendor", vendor) ||
		    !pt_has(d->d_name, "device", id))
			continue;
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.20s/enable", d->d_name);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd >= 0) {
			if (write(fd, "1", 1) != 1)
				perror(path);
			close(fd);
		}
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.20s/resource", d->d_name);
		f = fopen(path, "re");
		for (int i = 0; f && i <= bar; i++)
			if (fscanf(f, "%" SCNx64 " %" SCNx64 " %" SCNx64, &from, &to, &flags) == 3 &&
			    i == bar && from)
				range = (struct pt_range){ .addr = from, .size = to + 1 - from };
		if (f)
			fclose(f);
		snprintf(range.bar, sizeof(range.bar), "/sys/bus/pci/devices/%.20s/resource%d",
			 d->d_name, bar);
	}
	if (dir)
		closedir(dir);
	return range;
}

#define pt_ivshmem() pt_bar(0x1af4, 0x1110, 2)
#define pt_edu() pt_bar(0x1234, 0x11e8, 0)

/*
 * Some range, for who only wants one, or one of size 0. The first call is for one thread
 * alone.
 */
static inline struct pt_range pt_any(void)
{
	static struct pt_range range;
	static bool looked;

	if (!looked)
		range = pt_ivshmem();
	if (!looked && !range.size)
		range = pt_reserved();
	looked = true;
	return range;
}

static inline zx_handle_t pt_vmo(const struct pt_range *range, uint64_t offset, size_t size)
{
	zx_handle_t h = ZX_HANDLE_INVALID;

	zx_vmo_create_physical(ZX_HANDLE_INVALID, range->addr + offset, size, &h);
	return h;
}

/* The same memory as Linux itself shows it, or MAP_FAILED. */
static inline void *pt_linux_map(const struct pt_range *range, size_t size)
{
	const char *path = range->bar[0] ? range->bar : "/dev/mem";
	int fd = open(path, O_RDWR | O_SYNC | O_CLOEXEC);
	void *p = MAP_FAILED;

	if (fd >= 0) {
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			 range->bar[0] ? 0 : (off_t)range->addr);
		close(fd);
	}
	return p;
}

#endif /* ZVM_PHYSICAL_H */
