// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Kinds of memory as other modules have it: cache policies and physical memory in the
 * kernel's address space, by way of samples/zvm_sample.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "fail_nth.h"
#include "page_type.h"
#include "physical.h"
#include "sample_test.h"

#include <elf.h>

/* ---- cache policies ----------------------------------------------------------- */

TEST_F(kernel_api, V_246_V_251_set_cache_policy)
{
	zx_handle_t vmo;

	NEED_SAMPLE();
	vmo = attached(self, LEN, 0);
	ASSERT_NE(0u, vmo);
	EXPECT_EQ(EINVAL, SAMPLE(SET_POLICY, .flags = 4));
	for (uint32_t policy = 0; policy < 4; policy++) {
		zx_info_vmo_t info;

		ASSERT_EQ(0, SAMPLE(SET_POLICY, .flags = policy));
		ASSERT_EQ(0, SAMPLE(QUERY, 0));
		ZT_EXPECT_U64(0, OUT(8));
		ZT_EXPECT_U64(policy, OUT(9));
		ZT_ASSERT_OK(zx_object_get_info(vmo, ZX_INFO_VMO, &info, sizeof(info), NULL, NULL));
		ZT_EXPECT_U64(policy, info.cache_policy);
		EXPECT_EQ(policy ? EBADFD : 0, SAMPLE(WRITE, .len = 1, .buffer = (uintptr_t)&info));
	}
	/* The kernel's mapping is one, and so is a pin. */
	ASSERT_EQ(0, SAMPLE(MAP, .len = P, .flags = PERM_R));
	EXPECT_EQ(EBADFD, SAMPLE(SET_POLICY, .flags = CACHED));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_set_cache_policy(vmo, CACHED));
	ASSERT_EQ(0, SAMPLE(UNMAP, 0));
	ASSERT_EQ(0, SAMPLE(PIN, .len = P));
	EXPECT_EQ(EBADFD, SAMPLE(SET_POLICY, .flags = CACHED));
	ASSERT_EQ(0, SAMPLE(UNPIN, 0));
	ASSERT_EQ(0, SAMPLE(SET_POLICY, .flags = CACHED));
	EXPECT_TRUE(zt_vmo_holds(vmo, 1, LEN - 1, 1));
}

/* The kernel and a program see each other's bytes, whatever the policy. */
TEST_F(kernel_api, mappings_have_the_policy)
{
	zx_handle_t vmo;

	NEED_SAMPLE();
	vmo = attached(self, LEN, 0);
	ASSERT_NE(0u, vmo);
	for (uint32_t policy = 0; policy < 4; policy++) {
		volatile uint8_t *p;

		ASSERT_EQ(0, SAMPLE(SET_POLICY, .flags = policy));
		ASSERT_EQ(0, SAMPLE(MAP, .offset = P, .len = 3 * P, .flags = PERM_RW));
		p = zt_map(vmo, 0, LEN, ZT_RW);
		ASSERT_NE(NULL, p);
		for (int i = 0; i < 3; i++) {
			ASSERT_EQ(0, SAMPLE(MAP_QUERY, .offset = i * P));
			ZT_EXPECT_U64(policy, OUT(6));
			ASSERT_EQ(0, poke(self, i * P + 7, 0x40 + policy));
			EXPECT_EQ(0x40 + policy, p[(i + 1) * P + 7]);
			p[(i + 1) * P + 8] = 0x50 + policy;
			EXPECT_EQ((int)(0x50 + policy), peek(self, i * P + 8));
			if (is_told())
				EXPECT_EQ(type_for(policy), type_of(pp_pfn(p + (i + 1) * P)));
		}
		/* What the kernel may do there is another matter. */
		if (!SAMPLE(PROTECT, .offset = P, .len = P, .flags = PERM_R)) {
			EXPECT_EQ(EFAULT, poke(self, P, 1));
			for (int i = 0; i < 3; i++) {
				ASSERT_EQ(0, SAMPLE(MAP_QUERY, .offset = i * P));
				ZT_EXPECT_U64(policy, OUT(6));
				ZT_EXPECT_U64(i == 1 ? PERM_R : PERM_RW, OUT(4));
			}
		}
		ZT_EXPECT_OK(zt_unmap((void *)p, LEN));
		ASSERT_EQ(0, SAMPLE(UNMAP, 0));
	}
}

/* ---- physical memory ------------------------------------------------------------ */

TEST_F(kernel_api, physical_arguments)
{
	uint64_t ram;
	zx_handle_t vmo;
	uint8_t *p;

	NEED_SAMPLE();
	EXPECT_EQ(EINVAL, SAMPLE(PHYSICAL, .offset = 1ull << 38));
	EXPECT_EQ(EINVAL, SAMPLE(PHYSICAL, .offset = 1ull << 38, .len = P + 1));
	EXPECT_EQ(EINVAL, SAMPLE(PHYSICAL, .offset = (1ull << 38) + 1, .len = P));
	EXPECT_EQ(EINVAL, SAMPLE(PHYSICAL, .offset = -P, .len = 2 * P));
	EXPECT_EQ(ERANGE, SAMPLE(PHYSICAL, .offset = 1ull << 60, .len = P));
	/* RAM is nobody's own. */
	vmo = zt_keep(&self->bag, zt_vmo(P, 0));
	p = zt_map(vmo, 0, P, ZT_RW);
	p[0] = 1;
	ram = pp_pfn(p) * P;
	ASSERT_NE(0, ram);
	EXPECT_EQ(EACCES, SAMPLE(PHYSICAL, .offset = ram, .len = P));
	EXPECT_EQ(EACCES, SAMPLE(PHYSICAL, .offset = 0, .len = ram));
	ZT_EXPECT_OK(zt_unmap(p, P));
}

/* Where the named resource begins, by /proc/iomem, or 0. */
static uint64_t find_resource(const char *name)
{
	FILE *f = fopen("/proc/iomem", "re");
	uint64_t from = 0;
	char line[200];

	while (f && !from && fgets(line, sizeof(line), f)) {
		const char *found = strstr(line, " : ");

		if (found && !strncmp(found + 3, name, strlen(name)) &&
		    sscanf(line, "%" SCNx64 "-", &from) != 1)
			from = 0;
	}
	if (f)
		fclose(f);
	return from & -P;
}

/* What a driver has taken is that driver's. */
TEST_F(kernel_api, physical_in_use)
{
	uint64_t addr = find_resource("IOAPIC 0") ?: find_resource("pl011@9000000");
	zx_handle_t h;

	NEED_SAMPLE();
	if (!addr)
		SKIP(return, "nothing known is in use");
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_vmo_create_physical(ZX_HANDLE_INVALID, addr, P, &h));
	ASSERT_EQ(0, SAMPLE(PHYSICAL, .offset = addr, .len = P));
	ASSERT_EQ(0, SAMPLE(MAP, .len = P, .flags = PERM_R));
	ASSERT_EQ(0, SAMPLE(MAP_QUERY, 0));
	ZT_EXPECT_U64(addr, OUT(5));
}

/* RAM that Linux was told to leave alone, and a device's. */
static bool some_range(int i, struct pt_range *range)
{
	*range = i ? pt_ivshmem() : pt_reserved();
	if (range->size > 16 * P)
		range->size = 16 * P;
	return range->size;
}

TEST_F(kernel_api, physical)
{
	struct pt_range range;
	char c = 0;

	NEED_SAMPLE();
	for (int i = 0; i < 2; i++) {
		if (!some_range(i, &range))
			continue;
		ASSERT_EQ(0, SAMPLE(PHYSICAL, .offset = range.addr, .len = range.size));
		ASSERT_EQ(0, SAMPLE(QUERY, 0));
		ZT_EXPECT_U64(range.size, OUT(1));
		ZT_EXPECT_U64(0, OUT(3));
		ZT_EXPECT_U64(1, OUT(7));
		ZT_EXPECT_U64(1, OUT(8));
		ZT_EXPECT_U64(UNCACHED, OUT(9));
		EXPECT_EQ(EOPNOTSUPP, SAMPLE(READ, .len = 1, .buffer = (uintptr_t)&c));
		EXPECT_EQ(EOPNOTSUPP, SAMPLE(WRITE, .len = 1, .buffer = (uintptr_t)&c));
		EXPECT_EQ(EOPNOTSUPP, SAMPLE(COMMIT, .len = P));
		EXPECT_EQ(EOPNOTSUPP, SAMPLE(PIN, .len = P));
		EXPECT_EQ(ERANGE, SAMPLE(MAP, .len = range.size + P, .flags = PERM_R));
		EXPECT_EQ(EINVAL, SAMPLE(MAP, .offset = 1, .len = P, .flags = PERM_R));
		ASSERT_EQ(0, SAMPLE(DETACH, 0));
	}
}

/* With each policy a program and the kernel see what the other one writes. */
TEST_F(kernel_api, physical_mappings)
{
	struct pt_range range;

	NEED_SAMPLE();
	for (int i = 0; i < 2; i++) {
		if (!some_range(i, &range))
			continue;
		ASSERT_EQ(0, SAMPLE(PHYSICAL, .offset = range.addr, .len = range.size));
		for (uint32_t policy = 1; policy < 4; policy++) {
			zx_handle_t vmo;
			volatile uint8_t *p;

			ASSERT_EQ(0, SAMPLE(SET_POLICY, .flags = policy));
			ASSERT_EQ(0, SAMPLE(MAP, .offset = P, .len = 3 * P, .flags = PERM_RW));
			EXPECT_EQ(EBADFD, SAMPLE(SET_POLICY, .flags = policy % 3 + 1));
			vmo = handle(self, RIGHTS_RWM);
			ASSERT_NE(0u, vmo);
			p = zt_map(vmo, 0, range.size, ZT_RW);
			ASSERT_NE(NULL, p);
			for (int page = 0; page < 3; page++) {
				ASSERT_EQ(0, SAMPLE(MAP_QUERY, .offset = page * P + 5));
				ZT_EXPECT_U64(policy, OUT(6));
				ZT_EXPECT_U64(range.addr + (page + 1) * P + 5, OUT(5));
				ZT_EXPECT_U64(PERM_RW, OUT(4));
				ASSERT_EQ(0, poke(self, page * P + 7, 0x40 + policy + page));
				EXPECT_EQ(0x40 + policy + page, p[(page + 1) * P + 7]);
				p[(page + 1) * P + 8] = 0x50 + policy + page;
				EXPECT_EQ((int)(0x50 + policy + page), peek(self, page * P + 8));
			}
			ASSERT_EQ(0, SAMPLE(PROTECT, .offset = P, .len = P, .flags = PERM_R));
			EXPECT_EQ(EFAULT, poke(self, P, 1));
			ASSERT_EQ(0, poke(self, 0, 1));
			ASSERT_EQ(0, SAMPLE(MAP_QUERY, .offset = P));
			ZT_EXPECT_U64(policy, OUT(6));
			ZT_EXPECT_U64(range.addr + 2 * P, OUT(5));
			ZT_EXPECT_OK(zt_unmap((void *)p, range.size));
			zt_empty(&self->bag);
			ASSERT_EQ(0, SAMPLE(UNMAP, 0));
			/* For reading only from the start. */
			ASSERT_EQ(0, SAMPLE(MAP, .offset = P, .len = P, .flags = PERM_R));
			EXPECT_EQ(EFAULT, poke(self, 7, 1));
			EXPECT_EQ((int)(0x40 + policy), peek(self, 7));
			ASSERT_EQ(0, SAMPLE(UNMAP, 0));
		}
		ASSERT_EQ(0, SAMPLE(DETACH, 0));
	}
}

/* What /proc/kcore has at an address of the kernel's: 0, or -1 if it has none there. */
static int read_kcore(uint64_t addr, void *buf, size_t len)
{
	int fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC), ret = -1;
	Elf64_Phdr ph;
	Elf64_Ehdr eh;

	if (fd < 0 || pread(fd, &eh, sizeof(eh), 0) != sizeof(eh))
		goto out;
	for (int i = 0; ret && i < eh.e_phnum; i++) {
		if (pread(fd, &ph, sizeof(ph), (off_t)(eh.e_phoff + i * sizeof(ph))) != sizeof(ph))
			break;
		if (ph.p_type != PT_LOAD || addr < ph.p_vaddr ||
		    addr - ph.p_vaddr + len > ph.p_memsz)
			continue;
		ret = pread(fd, buf, len, (off_t)(ph.p_offset + addr - ph.p_vaddr)) ==
		      (ssize_t)len ? 0 : -1;
	}
out:
	close(fd);
	return ret;
}

/* To read a register may do something: nobody does who looks at all of the kernel. */
TEST_F(kernel_api, kcore_leaves_devices_alone)
{
	struct pt_range range;
	uint8_t buf[16];
	uint64_t base;

	NEED_SAMPLE();
	if (!some_range(1, &range) && !some_range(0, &range))
		SKIP(return, "no memory to look at");
	ASSERT_EQ(0, SAMPLE(PHYSICAL, .offset = range.addr, .len = range.size));
	ASSERT_EQ(0, SAMPLE(MAP, .len = P, .flags = PERM_RW));
	base = OUT(0);
	for (int i = 0; i < 16; i++)
		ASSERT_EQ(0, poke(self, i, 0xa5));
	memset(buf, 1, sizeof(buf));
	if (read_kcore(base, buf, sizeof(buf)))
		SKIP(return, "no /proc/kcore");
	EXPECT_EQ(-1, zt_nonzero(buf, sizeof(buf)));
	EXPECT_EQ(0xa5, peek(self, 3));
}

/* The mapping alone keeps the range. */
TEST_F(kernel_api, physical_lifetime)
{
	struct pt_range range;
	struct zvm_stats now;
	zx_handle_t slice, vmo;

	NEED_SAMPLE();
	if (!some_range(0, &range) && !some_range(1, &range))
		SKIP(return, "no memory to look at");
	ASSERT_EQ(0, SAMPLE(PHYSICAL, .offset = range.addr, .len = range.size));
	vmo = handle(self, RIGHTS_RWM);
	ZT_ASSERT_OK(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SLICE, 2 * P, P, &slice));
	ASSERT_EQ(0, SAMPLE(DETACH, 0));
	zt_empty(&self->bag);
	ASSERT_EQ(0, SAMPLE(ATTACH, .fd = zvm_handle_to_fd(slice), .flags = ZX_RIGHT_READ));
	ASSERT_EQ(0, SAMPLE(MAP, .len = P, .flags = PERM_RW));
	zx_handle_close(slice);
	ASSERT_EQ(0, SAMPLE(MAP_QUERY, 0));
	ZT_EXPECT_U64(range.addr + 2 * P, OUT(5));
	now = zt_stats();
	ZT_EXPECT_U64(self->before.handles, now.handles);
	EXPECT_LT(self->before.vmos, now.vmos);
}

TEST_F(kernel_api, memory_fails)
{
	struct pt_range range;
	int nth;

	NEED_SAMPLE();
	FN_NEEDED();
	if (!some_range(0, &range))
		SKIP(return, "no memory to look at");
	nth = fn_open();
	ASSERT_LE(0, nth);
	for (int map = 0; map < 2; map++) {
		int misses = 0, failures = 0;

		for (int n = 1; misses < FN_MISSES; n++) {
			bool failed;
			int err;

			if (map)
				ASSERT_EQ(0, SAMPLE(PHYSICAL, .offset = range.addr, .len = 4 * P));
			fn_arm(nth, n);
			err = map ? SAMPLE(MAP, .offset = P, .len = 2 * P, .flags = PERM_RW) :
				    SAMPLE(PHYSICAL, .offset = range.addr, .len = 4 * P);
			failed = fn_disarm(nth);
			misses = failed ? 0 : misses + 1;
			failures += failed;
			EXPECT_TRUE(err == 0 || (failed && (err == ENOMEM || err == EFAULT))) {
				TH_LOG("map %d, n %d: %s", map, n, strerror(err));
			}
			ASSERT_EQ(0, SAMPLE(DETACH, 0));
			ZT_EXPECT_NO_LEAK(&self->before);
		}
		EXPECT_LT(0, failures);
	}
	close(nth);
}

TEST_HARNESS_MAIN
