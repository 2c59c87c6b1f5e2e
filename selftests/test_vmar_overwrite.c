// SPDX-License-Identifier: MIT OR GPL-2.0
/* zx_vmar_map with SPECIFIC_OVERWRITE. */
#include "kselftest_harness.h"
#include "zvm_vmar_test.h"

FIXTURE(vmar_overwrite) {
	struct vt_region r;	/* has room for 16 pages at `hole` */
	size_t hole;
	zx_handle_t old, new;	/* 8 pages each, tags 3 and 4 */
};

FIXTURE_VARIANT(vmar_overwrite) {
	int depth;
	uint32_t vmo_options;
};

FIXTURE_VARIANT_ADD(vmar_overwrite, root_plain) { .depth = 0 };
FIXTURE_VARIANT_ADD(vmar_overwrite, child_plain) { .depth = 1 };
FIXTURE_VARIANT_ADD(vmar_overwrite, grandchild_resizable) {
	.depth = 2, .vmo_options = ZX_VMO_RESIZABLE,
};

FIXTURE_SETUP(vmar_overwrite)
{
	self->r = vt_region_at_depth(variant->depth);
	ASSERT_NE(ZX_HANDLE_INVALID, self->r.h);
	self->hole = vt_hole(&self->r, 16 * P);
	ASSERT_NE(SIZE_MAX, self->hole);
	self->old = vt_tagged_vmo(3, 8, variant->vmo_options);
	self->new = vt_tagged_vmo(4, 8, variant->vmo_options);
	ASSERT_NE(ZX_HANDLE_INVALID, self->old);
	ASSERT_NE(ZX_HANDLE_INVALID, self->new);
}

FIXTURE_TEARDOWN(vmar_overwrite)
{
}

/* Page number `page` after the hole's start. */
#define AT(page) vt_ptr(&self->r, self->hole + (page) * P)
#define MAP(options, page, vmo, vmo_page, pages) \
	vt_map_at(&self->r, (options), self->hole + (page) * P, (vmo), (vmo_page) * P, (pages) * P)
#define OVER ZX_VM_SPECIFIC_OVERWRITE

TEST_F(vmar_overwrite, R_071_free_range)
{
	struct vt_region c = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 8 * P);

	ZT_ASSERT_OK(MAP(ZT_RW | OVER, 2, self->new, 1, 3));
	for (int pg = 0; pg < 3; pg++)
		EXPECT_EQ(vt_tag(4, 1 + pg), vt_load(AT(2 + pg)));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(AT(1)));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(AT(5)));
	/* The rules of SPECIFIC hold. */
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, vt_map_at(&c, VT_R | OVER, 1, self->new, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 vt_map_at(&c, VT_R | OVER, 7 * P, self->new, 0, 2 * P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, vt_map_at(&c, VT_R | OVER, 8 * P, self->new, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, vt_map_at(&c, VT_R | OVER, 0, self->new, 0, 0));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 vt_map_at(&c, VT_R | OVER | ZX_VM_OFFSET_IS_UPPER_LIMIT, 4 * P, self->new,
				   0, P));
	ZT_EXPECT_OK(vt_map_at(&c, VT_R | OVER | ZX_VM_SPECIFIC, 7 * P, self->new, 0, P));
}

/* What cannot be told is not done, and what was there stays. */
TEST_F(vmar_overwrite, no_place_for_the_address)
{
	struct zt_bad bad[ZT_BAD_WRITE_N];

	ZT_ASSERT_OK(MAP(ZT_RW, 2, self->old, 0, 4));
	zt_bad_write(bad);
	for (struct zt_bad *b = bad; b->name; b++) {
		struct zvm_vmar_map cmd = {
			.size = sizeof(cmd), .options = VT_R | OVER, .vmo = self->new,
			.vmar_offset = self->hole + 3 * P, .length = 2 * P,
			.out_addr = (uintptr_t)b->ptr,
		};

		ASSERT_EQ(-1, ioctl(zvm_handle_to_fd(self->r.h), ZVM_VMAR_MAP, &cmd));
		EXPECT_EQ(EFAULT, errno) TH_LOG("%s", b->name);
		for (int pg = 0; pg < 4; pg++)
			EXPECT_EQ(vt_tag(3, pg), vt_load(AT(2 + pg))) TH_LOG("%s", b->name);
	}
	ZT_EXPECT_U64(0, zt_vmo_info(self->new).num_mappings);
}

TEST_F(vmar_overwrite, R_072_whole_mapping)
{
	ZT_ASSERT_OK(MAP(ZT_RW, 2, self->old, 0, 4));
	for (int pg = 0; pg < 4; pg++)
		ZT_ASSERT_OK(zt_try_write(AT(2 + pg) + 9));
	ZT_ASSERT_OK(MAP(VT_R | OVER, 2, self->new, 2, 4));
	for (int pg = 0; pg < 4; pg++) {
		EXPECT_EQ(vt_tag(4, 2 + pg), vt_load(AT(2 + pg)));
		EXPECT_EQ(vt_tag(4, 2 + pg), vt_load(AT(2 + pg) + 9));
		ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(AT(2 + pg)));
		EXPECT_EQ(0x5a, zt_vmo_byte(self->old, pg * P + 9));
	}
	ZT_EXPECT_U64(0, zt_vmo_info(self->old).num_mappings);
	ZT_EXPECT_U64(1, zt_vmo_info(self->new).num_mappings);
	/* Larger than what was there, on both sides. */
	ZT_ASSERT_OK(MAP(ZT_RW | OVER, 1, self->old, 0, 6));
	ZT_EXPECT_U64(0, zt_vmo_info(self->new).num_mappings);
	for (int pg = 0; pg < 6; pg++)
		EXPECT_EQ(vt_tag(3, pg), vt_load(AT(1 + pg)));
}

/* The same VMO and range once more: nothing is lost. */
TEST_F(vmar_overwrite, R_072_by_itself)
{
	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->old, 0, 4));
	ZT_ASSERT_OK(zt_try_write(AT(1)));
	ZT_ASSERT_OK(MAP(ZT_RW | OVER, 0, self->old, 0, 4));
	EXPECT_EQ(0x5a, vt_load(AT(1)));
	EXPECT_EQ(vt_tag(3, 3), vt_load(AT(3)));
	/* Shifted by one page: each address shows the new offset. */
	ZT_ASSERT_OK(MAP(ZT_RW | OVER, 0, self->old, 1, 4));
	EXPECT_EQ(0x5a, vt_load(AT(0)));
	EXPECT_EQ(vt_tag(3, 2), vt_load(AT(1)));
}

TEST_F(vmar_overwrite, R_073_middle_of_a_mapping)
{
	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->old, 0, 8));
	for (int pg = 0; pg < 8; pg++)
		ZT_ASSERT_OK(zt_try_store(AT(pg) + 1, (uint8_t)(200 + pg)));
	/* Left writable, right read-only, when the middle is replaced. */
	ZT_ASSERT_OK(zx_vmar_protect(self->r.h, VT_R, (zx_vaddr_t)AT(5), 3 * P));
	ZT_ASSERT_OK(MAP(VT_R | OVER, 3, self->new, 6, 2));
	for (int pg = 0; pg < 8; pg++) {
		bool middle = pg == 3 || pg == 4;

		EXPECT_EQ(middle ? vt_tag(4, pg + 3) : 200 + pg, vt_load(AT(pg) + 1));
		EXPECT_EQ(middle ? vt_tag(4, pg + 3) : vt_tag(3, pg), vt_load(AT(pg) + 2));
		EXPECT_EQ(pg < 3 ? 0 : SIGSEGV, zt_try_store(AT(pg) + 3, 7));
	}
	/* The pieces keep their maximum permissions. */
	ZT_EXPECT_OK(zx_vmar_protect(self->r.h, ZT_RW, (zx_vaddr_t)AT(5), 3 * P));
	ZT_EXPECT_ACCESS(zt_try_write(AT(7)));
	EXPECT_EQ(0x5a, zt_vmo_byte(self->old, 7 * P));
	ZT_EXPECT_U64(2, zt_vmo_info(self->old).num_mappings);
}

TEST_F(vmar_overwrite, R_074_two_mappings_and_a_gap)
{
	/* Pages 0 .. 2, a gap of 2, pages 5 .. 7, pages 8 .. 9 right behind. */
	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->old, 0, 3));
	ZT_ASSERT_OK(MAP(ZT_RW, 5, self->old, 4, 3));
	ZT_ASSERT_OK(MAP(VT_R, 8, self->old, 0, 2));
	for (int pg = 0; pg < 10; pg++)
		zt_try_read(AT(pg));
	ZT_ASSERT_OK(MAP(ZT_RW | OVER, 2, self->new, 0, 7));
	for (int pg = 0; pg < 2; pg++)
		EXPECT_EQ(vt_tag(3, pg), vt_load(AT(pg)));
	for (int pg = 2; pg < 9; pg++)
		EXPECT_EQ(vt_tag(4, pg - 2), vt_load(AT(pg)));
	EXPECT_EQ(vt_tag(3, 1), vt_load(AT(9)));
	ZT_EXPECT_ACCESS(zt_try_write(AT(8)));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(AT(9)));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(AT(10)));
	/* As records: 2 + 7 + 1 pages, nothing else in the hole. */
	ZT_EXPECT_OK(zx_vmar_unmap(self->r.h, (zx_vaddr_t)AT(0), 10 * P));
	ZT_EXPECT_U64(0, zt_vmo_info(self->old).num_mappings);
	ZT_EXPECT_U64(0, zt_vmo_info(self->new).num_mappings);
}

TEST_F(vmar_overwrite, R_075_sub_regions_are_left_alone)
{
	zx_handle_t sub, no_children = zt_without(self->r.h, ZX_RIGHT_OP_CHILDREN);
	struct vt_region c, weak = self->r;
	zx_vaddr_t addr;

	weak.h = no_children;
	ZT_ASSERT_OK(zx_vmar_allocate(self->r.h, VT_CAN_ALL | ZX_VM_SPECIFIC, self->hole + 4 * P,
				      4 * P, &sub, &addr));
	c = vt_region_of(sub);
	ZT_ASSERT_OK(vt_map_at(&c, ZT_RW, P, self->old, 0, 2 * P));
	ZT_ASSERT_OK(MAP(ZT_RW, 2, self->old, 2, 2));
	for (size_t from = 0; from < 8; from++) {
		for (size_t pages = 1; from + pages <= 8; pages++) {
			if (from + pages <= 4)
				continue;
			EXPECT_EQ(ZX_ERR_INVALID_ARGS,
				  MAP(ZT_RW | OVER, from, self->new, 0, pages))
				TH_LOG("pages %zu .. %zu", from, from + pages);
			EXPECT_EQ(ZX_ERR_INVALID_ARGS,
				  vt_map_at(&weak, ZT_RW | OVER, self->hole + from * P, self->new,
					    0, pages * P));
		}
	}
	ZT_EXPECT_U64(0, zt_vmo_info(self->new).num_mappings);
	EXPECT_EQ(vt_tag(3, 2), vt_load(AT(2)));
	EXPECT_EQ(vt_tag(3, 3), vt_load(AT(3)));
	EXPECT_EQ(vt_tag(3, 0), vt_load(AT(5)));
	ZT_EXPECT_OK(vt_map_at(&c, ZT_RW, 0, self->old, 7 * P, P));
	/* Right up to the region it may go. */
	ZT_EXPECT_OK(MAP(ZT_RW | OVER, 2, self->new, 0, 2));
	/* And inside it, through its own handle. */
	ZT_EXPECT_OK(vt_map_at(&c, ZT_RW | OVER, P, self->new, 0, P));
	EXPECT_EQ(vt_tag(4, 0), vt_load(AT(5)));
	EXPECT_EQ(vt_tag(3, 1), vt_load(AT(6)));
}

TEST_F(vmar_overwrite, R_076_needs_can_map_specific)
{
	struct vt_region c = vt_alloc(self->r.h, VT_CAN_RWX, 8 * P);
	zx_vaddr_t addr;

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	ZT_ASSERT_OK(zx_vmar_map(c.h, VT_R, 0, self->old, 0, 2 * P, &addr));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 vt_map_at(&c, VT_R | OVER, addr - c.base, self->new, 0, P));
	EXPECT_EQ(vt_tag(3, 0), vt_load((void *)addr));
}

TEST_F(vmar_overwrite, R_066_failing_overwrite_keeps_the_old)
{
	zx_handle_t no_write = zt_without(self->new, ZX_RIGHT_WRITE);

	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->old, 0, 4));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, MAP(ZT_RW | OVER, 1, no_write, 0, 2));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, MAP(ZT_RW | OVER | ZX_VM_MAP_RANGE, 1, self->new, 0,
						  2));
	for (int pg = 0; pg < 4; pg++)
		EXPECT_EQ(vt_tag(3, pg), vt_load(AT(pg)));
	ZT_EXPECT_U64(1, zt_vmo_info(self->old).num_mappings);
	ZT_EXPECT_U64(0, zt_vmo_info(self->new).num_mappings);
}

/* ------------------------------------------------------------------------
 * readers on the range, none of them may fault, and what they see is
 * one of the two VMOs' page of that address.
 */
struct watch {
	uint8_t *base;
	int first, pages, shift;
	_Atomic bool stop;
	_Atomic int bad;
	_Atomic unsigned long seen[2], loads;
};

static void *watcher(void *arg)
{
	struct watch *w = arg;

	vt_pin(0);
	while (!w->stop) {
		for (int pg = w->first; pg < w->first + w->pages; pg++) {
			int got = vt_load(w->base + pg * P + 11);

			if (got == vt_tag(3, pg))
				w->seen[0]++;
			else if (got == vt_tag(4, pg + w->shift))
				w->seen[1]++;
			else
				w->bad = got ? got : INT32_MIN;
			w->loads++;
		}
	}
	return NULL;
}

/*
 * Both VMOs in turn, for a time; then both must have been seen.
 */
TEST_F(vmar_overwrite, R_077_a_reader_never_faults)
{
	struct watch w = { .base = AT(0), .first = 2, .pages = 3, .shift = 1 };
	uint64_t end = zt_now_ns() + 2500000000u;
	unsigned long rounds = 0;
	pthread_t t;

	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->old, 0, 8));
	ASSERT_EQ(0, pthread_create(&t, NULL, watcher, &w));
	vt_pin(1);
	while (zt_now_ns() < end) {
		ZT_ASSERT_OK(MAP(ZT_RW | OVER, 2, self->new, 3, 3));
		EXPECT_EQ(vt_tag(4, 3), vt_load(AT(2)));
		ZT_ASSERT_OK(MAP(VT_R | OVER, 2, self->old, 2, 3));
		EXPECT_EQ(vt_tag(3, 2), vt_load(AT(2)));
		rounds++;
	}
	w.stop = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
	EXPECT_EQ(0, w.bad)
		TH_LOG("a load gave %d (negative: the signal)", w.bad);
	EXPECT_NE(0u, w.seen[0]);
	EXPECT_NE(0u, w.seen[1]);
	TH_LOG("%lu rounds, %lu loads", rounds, w.loads);
}

TEST_HARNESS_MAIN
