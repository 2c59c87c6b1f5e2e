// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * 100,000 mappings in one process, more than vm.max_map_count would allow. All
 * calls and faults keep working, and Linux sees one VMA.
 */
#include "kselftest_harness.h"
#include "zvm_vmar_test.h"

#define MANY 100000
#define MAX_LINES 300
#define VMO_PAGES 251		/* prime: neighbours never continue one another */

FIXTURE(vmar_many) {
	zx_handle_t vmo;
	uintptr_t *addr;
};

FIXTURE_VARIANT(vmar_many) {
	bool specific;
};

/* Where the kernel puts them; or packed, page after page, in odd order. */
FIXTURE_VARIANT_ADD(vmar_many, anywhere) { .specific = false };
FIXTURE_VARIANT_ADD(vmar_many, packed) { .specific = true };

/* Page 0 of the VMO page that mapping i shows holds this number. */
static uint32_t content(size_t i)
{
	return (uint32_t)(i * 7 % VMO_PAGES) * 0x01010101u ^ 0x5a5aa5a5u;
}

static zx_handle_t numbered_vmo(void)
{
	zx_handle_t vmo = zt_vmo(VMO_PAGES * P, 0);

	for (size_t i = 0; vmo && i < VMO_PAGES; i++) {
		uint32_t v = content(i);

		if (zx_vmo_write(vmo, &v, i * 7 % VMO_PAGES * P, sizeof(v)) != ZX_OK)
			return ZX_HANDLE_INVALID;
	}
	return vmo;
}

FIXTURE_SETUP(vmar_many)
{
	self->vmo = numbered_vmo();
	ASSERT_NE(ZX_HANDLE_INVALID, self->vmo);
	self->addr = calloc(MANY, sizeof(*self->addr));
	ASSERT_NE(NULL, self->addr);
	ASSERT_TRUE(zt_warm_up());
}

FIXTURE_TEARDOWN(vmar_many)
{
}

static uint32_t load32(uintptr_t addr)
{
	return *(volatile uint32_t *)addr;
}

TEST_F_TIMEOUT(vmar_many, hundred_thousand_mappings, 240)
{
	struct vt_region root = vt_region_of(zx_vmar_root_self()), r = root;
	int64_t limit = vt_read_number("/proc/sys/vm/max_map_count");
	unsigned long start = 0, end = 0;
	struct zvm_stats stats;
	size_t kept = 0;
	char line[512];

	if (variant->specific)
		r = vt_alloc(root.h, VT_CAN_ALL, MANY * P);
	ASSERT_NE(ZX_HANDLE_INVALID, r.h);
	ASSERT_LT(limit, MANY);
	stats = zt_stats();

	for (size_t i = 0; i < MANY; i++) {
		zx_vaddr_t addr = 0;
		size_t at = variant->specific ? i * 7919 % MANY : 0;

		ZT_ASSERT_OK(zx_vmar_map(r.h, ZT_RW | (variant->specific ? ZX_VM_SPECIFIC : 0),
					 at * P, self->vmo, i * 7 % VMO_PAGES * P, P, &addr));
		self->addr[i] = addr;
	}
	ZT_EXPECT_U64(stats.mappings + MANY, zt_stats().mappings);
	ZT_EXPECT_U64(MANY, zt_vmo_info(self->vmo).num_mappings);

	/* One line, as long as the root region. */
	EXPECT_EQ(1, vt_arena_lines(false));
	ASSERT_TRUE(zt_maps_line((void *)self->addr[MANY / 2], line, sizeof(line)));
	ASSERT_EQ(2, sscanf(line, "%lx-%lx", &start, &end));
	ZT_EXPECT_U64(root.base, start);
	ZT_EXPECT_U64(root.base + root.len, end);

	/* Every one of them shows its page. */
	for (size_t i = 0; i < MANY; i++) {
		ASSERT_EQ(content(i), load32(self->addr[i])) {
			TH_LOG("mapping %zu", i);
		}
	}
	/* Writes through one are seen through another of the same page. */
	for (size_t i = 0; i < 1000; i++) {
		size_t a = i * 97 % MANY, b = (a + VMO_PAGES) % MANY / VMO_PAGES * VMO_PAGES +
					       a % VMO_PAGES;

		if (b >= MANY)
			b -= VMO_PAGES;
		((volatile uint32_t *)self->addr[a])[5] = (uint32_t)i;
		ASSERT_EQ(i, ((volatile uint32_t *)self->addr[b])[5]);
	}
	/* Every seventh read-only: that one, and no other. */
	for (size_t i = 0; i < MANY; i += 7)
		ZT_ASSERT_OK(zx_vmar_protect(r.h, VT_R, self->addr[i], P));
	for (size_t i = 0; i < MANY; i += 50) {
		ASSERT_EQ(i % 7 ? 0 : SIGSEGV, zt_try_write((void *)(self->addr[i] + 100)));
		ASSERT_EQ(content(i), load32(self->addr[i]));
	}
	/* Every third unmapped. */
	for (size_t i = 0; i < MANY; i += 3)
		ZT_ASSERT_OK(zx_vmar_unmap(r.h, self->addr[i], P));
	for (size_t i = 0; i < MANY; i++)
		kept += i % 3 != 0;
	ZT_EXPECT_U64(kept, zt_vmo_info(self->vmo).num_mappings);
	for (size_t i = 0; i < MANY; i += 25) {
		ASSERT_EQ(i % 3 ? 0 : SIGSEGV, zt_try_read((void *)self->addr[i]));
		if (i % 3) {
			ASSERT_EQ(content(i), load32(self->addr[i]));
		}
	}
	/*
	 * The holes can be filled. Giving page tables back may have cut the one
	 * line, but not into many.
	 */
	for (size_t i = 0; i < MANY; i += 300)
		ZT_ASSERT_OK(zx_vmar_map(r.h, VT_R | ZX_VM_SPECIFIC, self->addr[i] - r.base,
					 self->vmo, 3 * P, P, &self->addr[i]));
	EXPECT_LE(vt_arena_lines(false), MAX_LINES);

	/* All at once. */
	if (variant->specific) {
		ZT_ASSERT_OK(zx_vmar_destroy(r.h));
	} else {
		ZT_ASSERT_OK(zx_vmar_unmap(root.h, root.base, root.len));
	}
	ZT_EXPECT_U64(0, zt_vmo_info(self->vmo).num_mappings);
	ZT_EXPECT_U64(stats.mappings, zt_stats().mappings);
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read((void *)self->addr[1]));
}

/* The process may also simply end with all of them in place. */
static int map_and_exit(int sock ZT_UNUSED, void *arg)
{
	zx_handle_t vmo = *(zx_handle_t *)arg;
	zx_vaddr_t addr;

	for (size_t i = 0; i < MANY; i++) {
		VT_CHECK_OK(zx_vmar_map(zx_vmar_root_self(), ZT_RW, 0, vmo,
					i * 7 % VMO_PAGES * P, P, &addr));
		if (i % 8 == 0)
			VT_CHECK(load32(addr) == content(i));
	}
	return 0;
}

FIXTURE(vmar_many_exit) {
	zx_handle_t vmo;
};

FIXTURE_SETUP(vmar_many_exit)
{
	self->vmo = numbered_vmo();
	ASSERT_NE(ZX_HANDLE_INVALID, self->vmo);
}

FIXTURE_TEARDOWN(vmar_many_exit)
{
}

TEST_F_TIMEOUT(vmar_many_exit, exit_with_all_of_them, 240)
{
	struct zvm_stats before = zt_stats();
	struct vt_child c = vt_spawn(map_and_exit, &self->vmo);

	EXPECT_EQ(0, vt_join(&c));
	ZT_EXPECT_NO_LEAK(&before);
}

/*
 * What it costs this thread to map all of a VMO and populate that, in ns: the least
 * of some. A guest whose TSC is not to be trusted counts in ticks, and may say 0.
 */
static uint64_t cost_of_populating(zx_handle_t vmo, uint64_t len)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 3; i++) {
		struct timespec from, to;
		zx_vaddr_t addr;
		uint64_t ns;

		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
		if (zx_vmar_map(zx_vmar_root_self(), ZT_RW | ZX_VM_MAP_RANGE, 0, vmo, 0, len, &addr))
			return UINT64_MAX;
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
		zx_vmar_unmap(zx_vmar_root_self(), addr, len);
		ns = (to.tv_sec - from.tv_sec) * 1000000000ull + to.tv_nsec - from.tv_nsec;
		least = ns < least ? ns : least;
	}
	return least;
}

/*
 * Populating takes its time for what is there, not for what is absent between. Of
 * these two, with as many pages in each, one is more than 10^8 times as large.
 */
TEST(R_060_map_range_of_a_sparse_vmo)
{
	const uint64_t len = 8ull << 40, at[] = { 0, P, 511 * P, 512 * P, len / 2, len - P };
	zx_handle_t dense = zt_vmo(ARRAY_SIZE(at) * P, 0), sparse = zt_vmo(len, 0);
	uint64_t little, much;
	zx_vaddr_t addr;

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		ASSERT_EQ(ZX_OK, zx_vmo_write(dense, "x", i * P, 1));
		ASSERT_EQ(ZX_OK, zx_vmo_write(sparse, "x", at[i], 1));
	}
	ZT_ASSERT_OK(zx_vmar_map(zx_vmar_root_self(), ZT_RW | ZX_VM_MAP_RANGE, 0, sparse, 0, len,
				 &addr));
	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		if (vt_present((void *)addr) >= 0)
			EXPECT_EQ(1, vt_present((void *)(addr + at[i])));
		EXPECT_EQ('x', *(volatile char *)(addr + at[i]));
	}
	EXPECT_GE(0, vt_present((void *)(addr + len / 4)));
	ZT_EXPECT_OK(zx_vmar_unmap(zx_vmar_root_self(), addr, len));

	little = cost_of_populating(dense, ARRAY_SIZE(at) * P);
	much = cost_of_populating(sparse, len);
	ASSERT_NE(UINT64_MAX, little);
	EXPECT_GT(1000 * (little > 20000 ? little : 20000), much) {
		TH_LOG("%" PRIu64 " and %" PRIu64 " ns", little, much);
	}
	ZT_EXPECT_OK(zx_handle_close(dense));
	ZT_EXPECT_OK(zx_handle_close(sparse));
}

TEST_HARNESS_MAIN
