// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Page tables: mappings that come and go all over the arena do not leave their
 * tables behind. Placement: it cannot be foreseen.
 */
#include "kselftest_harness.h"
#include "zvm_vmar_test.h"

#define ROUNDS 4096
#define LIMIT_KB 256
#define STRIDE (2ul << 20)

FIXTURE(pgtables) {
	zx_handle_t vmo;
	int64_t before;
};

FIXTURE_SETUP(pgtables)
{
	self->vmo = zt_vmo(16 * P, 0);
	ASSERT_NE(ZX_HANDLE_INVALID, self->vmo);
	/* Everything that is made once: the arena, the probe, the stack. */
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_status_field("VmPTE");
	ASSERT_LT(0, self->before);
}

FIXTURE_TEARDOWN(pgtables)
{
}

static void expect_small(struct __test_metadata *_metadata, FIXTURE_DATA(pgtables) *self)
{
	int64_t after = zt_status_field("VmPTE");

	EXPECT_LE(after - self->before, LIMIT_KB) {
		TH_LOG("VmPTE was %d kB, is %d kB", (int)self->before, (int)after);
	}
	TH_LOG("VmPTE: %+d kB", (int)(after - self->before));
}

/* Where the kernel puts it: one page, touched, unmapped. */
TEST_F_TIMEOUT(pgtables, kernel_chosen_places, 60)
{
	for (int i = 0; i < ROUNDS; i++) {
		uint8_t *p = zt_map(self->vmo, i % 16 * P, P, ZT_RW);

		ASSERT_NE(NULL, p);
		ASSERT_EQ(0, zt_try_store(p, (uint8_t)i));
		ZT_ASSERT_OK(zt_unmap(p, P));
	}
	expect_small(_metadata, self);
}

/* Many at once, so that they have to spread, then gone. */
TEST_F_TIMEOUT(pgtables, kernel_chosen_places_all_at_once, 60)
{
	static uint8_t *p[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		p[i] = zt_map(self->vmo, i * 5 % 16 * P, P, ZT_RW);
		ASSERT_NE(NULL, p[i]);
		ASSERT_EQ(0, zt_try_store(p[i], (uint8_t)i));
	}
	for (int i = 0; i < ROUNDS; i++)
		ZT_ASSERT_OK(zt_unmap(p[i], P));
	expect_small(_metadata, self);
}

/* Regions are scattered; each is used and destroyed. */
TEST_F_TIMEOUT(pgtables, regions, 60)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct vt_region c = vt_alloc(zx_vmar_root_self(), VT_CAN_RW, 4 * P);
		zx_vaddr_t addr;

		ASSERT_NE(ZX_HANDLE_INVALID, c.h);
		ZT_ASSERT_OK(zx_vmar_map(c.h, ZT_RW, 0, self->vmo, 0, P, &addr));
		ASSERT_EQ(0, zt_try_store((void *)addr, (uint8_t)i));
		ZT_ASSERT_OK(zx_vmar_destroy(c.h));
		ZT_ASSERT_OK(zx_handle_close(c.h));
	}
	expect_small(_metadata, self);
}

/* Every page needs a table of its own: 16 MiB if they were kept. */
TEST_F_TIMEOUT(pgtables, chosen_places, 60)
{
	struct vt_region c = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, ROUNDS * STRIDE);

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	for (size_t i = 0; i < ROUNDS; i++) {
		size_t at = i * 1237 % ROUNDS * STRIDE;

		ZT_ASSERT_OK(vt_map_at(&c, ZT_RW, at, self->vmo, i % 16 * P, P));
		ASSERT_EQ(0, zt_try_store(vt_ptr(&c, at), (uint8_t)i));
		ZT_ASSERT_OK(zx_vmar_unmap(c.h, c.base + at, P));
		/* Tables of a place that comes and goes are of use meanwhile. */
		if (i % 1000 == 999) {
			ASSERT_EQ(SIGSEGV, zt_try_read(vt_ptr(&c, at)));
		}
	}
	expect_small(_metadata, self);
}

/* The same with all of them in place at once, taken away in another order. */
TEST_F_TIMEOUT(pgtables, chosen_places_all_at_once, 60)
{
	struct vt_region c = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, ROUNDS * STRIDE);

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	for (size_t i = 0; i < ROUNDS; i++) {
		ZT_ASSERT_OK(vt_map_at(&c, ZT_RW, i * STRIDE, self->vmo, i % 16 * P, P));
		ASSERT_EQ(0, zt_try_store(vt_ptr(&c, i * STRIDE), (uint8_t)i));
	}
	/* They are needed now: the measure works. */
	EXPECT_GT(zt_status_field("VmPTE") - self->before, 8192);
	for (size_t i = 0; i < ROUNDS; i++)
		ZT_ASSERT_OK(zx_vmar_unmap(c.h, c.base + i * 1237 % ROUNDS * STRIDE, P));
	expect_small(_metadata, self);
	/* The places work as before. */
	for (size_t i = 0; i < ROUNDS; i += 64) {
		ASSERT_EQ(SIGSEGV, zt_try_read(vt_ptr(&c, i * STRIDE)));
		ZT_ASSERT_OK(vt_map_at(&c, ZT_RW, i * STRIDE, self->vmo, i % 16 * P, P));
		ASSERT_EQ(0, zt_try_store(vt_ptr(&c, i * STRIDE), (uint8_t)i));
		ASSERT_EQ((uint8_t)i, vt_load(vt_ptr(&c, i * STRIDE)));
	}
}

/* Neighbours that stay keep their content while tables around them go. */
TEST_F_TIMEOUT(pgtables, survivors, 60)
{
	struct vt_region c = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, ROUNDS * STRIDE);

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	for (size_t i = 0; i < 16; i++)
		ZT_ASSERT_OK(vt_tag_page(self->vmo, 3, i));
	for (size_t i = 0; i < ROUNDS; i++) {
		ZT_ASSERT_OK(vt_map_at(&c, VT_R, i * STRIDE, self->vmo, i % 16 * P, P));
		ASSERT_EQ(vt_tag(3, i % 16), vt_load(vt_ptr(&c, i * STRIDE)));
	}
	/* All but every 512th: one is left in each GiB. */
	for (size_t i = 0; i < ROUNDS; i++) {
		if (i % 512 == 100)
			continue;
		ZT_ASSERT_OK(zx_vmar_unmap(c.h, c.base + i * STRIDE, P));
	}
	for (size_t i = 0; i < ROUNDS; i++)
		ASSERT_EQ(i % 512 == 100 ? vt_tag(3, i % 16) : -SIGSEGV,
			  vt_load(vt_ptr(&c, i * STRIDE)));
}

/*
 * Another process maps and unmaps all over a region that was lent to it, this
 * one only touches. What that leaves goes when this one next unmaps something.
 */
static int remote_rounds(int sock, void *arg)
{
	struct vt_region *r = arg;
	zx_handle_t vmo = zt_vmo(P, 0);

	VT_CHECK(vmo);
	for (size_t i = 0; i < ROUNDS; i++) {
		size_t at = i * 1237 % ROUNDS * STRIDE;

		VT_CHECK_OK(vt_map_at(r, ZT_RW, at, vmo, 0, P));
		VT_CHECK(vt_say(sock, r->base + at));
		VT_CHECK(vt_hear(sock) == 0);
		VT_CHECK_OK(zx_vmar_unmap(r->h, r->base + at, P));
	}
	return 0;
}

TEST_F_TIMEOUT(pgtables, another_process, 90)
{
	struct vt_region c = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, ROUNDS * STRIDE), l = c;
	struct vt_child child;

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	ZT_ASSERT_OK(zvm_vmar_lend(c.h, ZX_RIGHT_SAME_RIGHTS, &l.h));
	child = vt_spawn(remote_rounds, &l);
	for (size_t i = 0; i < ROUNDS; i++) {
		uint64_t addr = vt_hear(child.sock);

		ASSERT_NE(UINT64_MAX, addr);
		ASSERT_EQ(0, zt_try_write((void *)addr));
		ASSERT_TRUE(vt_say(child.sock, 0));
	}
	EXPECT_EQ(0, vt_join(&child));
	ZT_ASSERT_OK(vt_map_at(&c, ZT_RW, 0, self->vmo, 0, P));
	ASSERT_EQ(0, zt_try_write(vt_ptr(&c, 0)));
	ZT_ASSERT_OK(zx_vmar_unmap(c.h, c.base, P));
	expect_small(_metadata, self);
}

/* While tables are taken away, other threads fault on what is mapped. */
struct reader {
	uint8_t *p;
	_Atomic bool stop;
	_Atomic int bad;
	_Atomic unsigned long loads;
};

static void *keep_reading(void *arg)
{
	struct reader *r = arg;

	vt_pin(0);
	while (!r->stop) {
		int got = vt_load(r->p);

		if (got != vt_tag(3, 5))
			r->bad = got ? got : INT32_MIN;
		r->loads++;
	}
	return NULL;
}

TEST_F_TIMEOUT(pgtables, readers_meanwhile, 180)
{
	struct vt_region c = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, ROUNDS * STRIDE);
	struct reader r = { .p = vt_ptr(&c, 700 * STRIDE) };
	pthread_t t;

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	ZT_ASSERT_OK(vt_tag_page(self->vmo, 3, 5));
	ZT_ASSERT_OK(vt_map_at(&c, VT_R, 700 * STRIDE, self->vmo, 5 * P, P));
	ASSERT_EQ(0, pthread_create(&t, NULL, keep_reading, &r));
	vt_pin(1);
	for (size_t i = 0; i < ROUNDS; i++) {
		size_t at = (i * 1237 % ROUNDS) * STRIDE;

		if (at == 700 * STRIDE)
			continue;
		ZT_ASSERT_OK(vt_map_at(&c, ZT_RW, at, self->vmo, P, P));
		ASSERT_EQ(0, zt_try_store(vt_ptr(&c, at), (uint8_t)i));
		ZT_ASSERT_OK(zx_vmar_unmap(c.h, c.base + at, P));
		ASSERT_EQ(SIGSEGV, zt_try_read(vt_ptr(&c, at)));
	}
	r.stop = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
	EXPECT_EQ(0, r.bad);
	EXPECT_NE(0u, r.loads);
}

/*
 * Page tables are given back by mapping part of the arena anew, which can leave
 * more than one line of /proc/self/maps: a bounded number.
 */
#define MORE_LINES 300

TEST_F_TIMEOUT(pgtables, number_of_vmas, 60)
{
	int lines = zt_maps_count();
	struct vt_region c = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, ROUNDS * STRIDE);

	for (size_t i = 0; i < ROUNDS; i++) {
		ZT_ASSERT_OK(vt_map_at(&c, ZT_RW, i * STRIDE, self->vmo, i % 16 * P, P));
		ASSERT_EQ(0, zt_try_store(vt_ptr(&c, i * STRIDE), (uint8_t)i));
		ZT_ASSERT_OK(zx_vmar_unmap(c.h, c.base + i * STRIDE, P));
	}
	EXPECT_LE(zt_maps_count(), lines + MORE_LINES);
	TH_LOG("%+d lines", zt_maps_count() - lines);
}

/* ------------------------------------------------------------------------
 * Placement
 */
struct places {
	uintptr_t arena, map, region;
};

static int first_places(int sock ZT_UNUSED, void *arg)
{
	struct places *pl = arg;
	zx_handle_t vmo = zt_vmo(P, 0);
	struct vt_region c = vt_alloc(zx_vmar_root_self(), VT_CAN_RW, P);

	pl->arena = vt_region_of(zx_vmar_root_self()).base;
	pl->region = c.base;
	pl->map = (uintptr_t)zt_map(vmo, 0, P, VT_R);
	return pl->map && c.h ? 0 : 1;
}

/*
 * The first things of several processes lie in different places: by address
 * always, and within the arena at least for regions, so that who learns where
 * the arena is does not know where a region in it is.
 */
TEST(placement_differs_between_processes)
{
	const int n = 6;
	struct places *pl = vt_shared(n * sizeof(*pl));
	int same_map = 0, same_region = 0, same_offset = 0;

	ASSERT_NE(NULL, pl);
	for (int i = 0; i < n; i++) {
		struct vt_child c = vt_spawn(first_places, &pl[i]);

		ASSERT_EQ(0, vt_join(&c));
		ASSERT_NE(0u, pl[i].arena);
	}
	for (int i = 0; i < n; i++) {
		for (int k = 0; k < i; k++) {
			same_map += pl[i].map == pl[k].map;
			same_region += pl[i].region == pl[k].region;
			same_offset += pl[i].region - pl[i].arena == pl[k].region - pl[k].arena;
		}
	}
	EXPECT_EQ(0, same_map);
	EXPECT_EQ(0, same_region);
	/* Chance may make a pair agree, not many. */
	EXPECT_LT(same_offset, 3);
}

TEST_HARNESS_MAIN
