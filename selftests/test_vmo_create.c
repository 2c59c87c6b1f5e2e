// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * zx_vmo_create: sizes, options, the order of its checks, and what a fresh
 * VMO is like.
 */
#include "kselftest_harness.h"
#include "zvm_test.h"

FIXTURE(vmo_create)
{
	struct zvm_stats before;
	struct zt_bag bag;
};

FIXTURE_SETUP(vmo_create)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
}

FIXTURE_TEARDOWN(vmo_create)
{
	zt_empty(&self->bag);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

TEST_F(vmo_create, V_001_one_page)
{
	zx_handle_t h = ZX_HANDLE_INVALID;

	ZT_ASSERT_OK(zx_vmo_create(ZT_P, 0, &h));
	zt_keep(&self->bag, h);
	ZT_EXPECT_U64(ZT_P, zt_size(h));
	ZT_EXPECT_U64(ZT_P, zt_stream_size(h));
}

/* V-002, V-003, V-004, and the same for VMOs of the other kinds */
TEST_F(vmo_create, V_002_V_003_V_004_size_is_rounded_up_stream_size_is_not)
{
	const uint64_t sizes[] = { 0, 1, 2, ZT_P - 1, ZT_P, ZT_P + 1, 2 * ZT_P, 17 * ZT_P + 3,
				   (1ull << 40) - 1, (1ull << 52) + 1, 1ull << 63,
				   zt_max_vmo() - ZT_P + 1 };
	const uint32_t options[] = { 0, ZX_VMO_RESIZABLE, ZX_VMO_DISCARDABLE };

	for (size_t o = 0; o < ARRAY_SIZE(options); o++) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			uint64_t want = (sizes[i] + ZT_P - 1) / ZT_P * ZT_P;
			zx_handle_t h = ZX_HANDLE_INVALID;

			ZT_ASSERT_OK(zx_vmo_create(sizes[i], options[o], &h));
			ZT_EXPECT_U64(want, zt_size(h))
				TH_LOG("size %#" PRIx64, sizes[i]);
			ZT_EXPECT_U64(sizes[i], zt_stream_size(h))
				TH_LOG("size %#" PRIx64, sizes[i]);
			ZT_EXPECT_OK(zx_handle_close(h));
		}
	}
}

TEST_F(vmo_create, V_005_size_that_wraps)
{
	zx_handle_t h = ZX_HANDLE_INVALID;

	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_create(UINT64_MAX, 0, &h));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_create(UINT64_MAX - ZT_P + 2, 0, &h));
	EXPECT_EQ(ZX_HANDLE_INVALID, h);
}

TEST_F(vmo_create, V_006_V_007_largest_size)
{
	struct zvm_stats now;
	zx_handle_t h = ZX_HANDLE_INVALID, none = ZX_HANDLE_INVALID;
	uint64_t max = zt_max_vmo();

	ZT_ASSERT_OK(zx_vmo_create(max, 0, &h));
	zt_keep(&self->bag, h);
	ZT_EXPECT_U64(max, zt_size(h));
	ZT_EXPECT_U64(max, zt_stream_size(h));
	ZT_EXPECT_U64(0, zt_committed(h));
	now = zt_stats();
	ZT_EXPECT_U64(self->before.pages, now.pages);
	ZT_EXPECT_U64(self->before.page_nodes, now.page_nodes);
	ZT_EXPECT_U64(self->before.vmos + 1, now.vmos);
	ZT_EXPECT_U64(self->before.handles + 1, now.handles);

	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_create(max + 1, 0, &none));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_create(max + ZT_P, 0, &none));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_create(max + 1, ZX_VMO_RESIZABLE, &none));
	EXPECT_EQ(ZX_HANDLE_INVALID, none);
}

TEST_F(vmo_create, V_006_largest_vmo_works_at_both_ends)
{
	uint64_t max = zt_max_vmo();
	zx_handle_t h = zt_keep(&self->bag, zt_vmo(max, 0));
	uint64_t at[] = { 0, 1ull << 40, (1ull << 63) - 3, max - 100 };

	ASSERT_NE(0u, h);
	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		ASSERT_EQ(0, zt_vmo_fill(h, at[i], 100, 1)) TH_LOG("%#" PRIx64, at[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		EXPECT_TRUE(zt_vmo_holds(h, at[i], 100, 1)) TH_LOG("%#" PRIx64, at[i]);
	}
	EXPECT_TRUE(zt_vmo_zero(h, max - ZT_P, ZT_P - 100));
	/* (1 << 63) - 3 .. + 97 touches two pages */
	ZT_EXPECT_U64(5 * ZT_P, zt_committed(h));
}

TEST_F(vmo_create, V_008_V_009_V_010_unknown_options)
{
	const uint32_t known = ZX_VMO_RESIZABLE | ZX_VMO_DISCARDABLE | ZX_VMO_UNBOUNDED |
			       ZVM_VMO_HUGE_PAGES;

	for (unsigned int bit = 0; bit < 32; bit++) {
		zx_handle_t h = ZX_HANDLE_INVALID;

		if (known & (1u << bit)) {
			ZT_EXPECT_OK(zx_vmo_create(ZT_P, 1u << bit, &h));
			ZT_EXPECT_OK(zx_handle_close(h));
			continue;
		}
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmo_create(ZT_P, 1u << bit, &h));
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 zx_vmo_create(ZT_P, 1u << bit | ZX_VMO_RESIZABLE, &h));
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 zx_vmo_create(ZT_P, 1u << bit | ZX_VMO_UNBOUNDED, &h));
		EXPECT_EQ(ZX_HANDLE_INVALID, h) TH_LOG("bit %u", bit);
	}
}

/* V-011, V-012 and the rest of the documented order of checks */
TEST_F(vmo_create, V_011_V_012_order_of_checks)
{
	const uint64_t max = zt_max_vmo();
	const struct {
		uint64_t size;
		uint32_t options;
		zx_status_t want;
	} t[] = {
		/* RESIZABLE with UNBOUNDED comes before everything */
		{ ZT_P, ZX_VMO_RESIZABLE | ZX_VMO_UNBOUNDED, ZX_ERR_INVALID_ARGS },
		{ UINT64_MAX, ZX_VMO_RESIZABLE | ZX_VMO_UNBOUNDED, ZX_ERR_INVALID_ARGS },
		/* a size that wraps comes before unknown bits */
		{ UINT64_MAX, 1u << 31, ZX_ERR_OUT_OF_RANGE },
		{ UINT64_MAX, 1u << 0, ZX_ERR_OUT_OF_RANGE },
		{ UINT64_MAX, ZX_VMO_TRAP_DIRTY | ZX_VMO_RESIZABLE, ZX_ERR_OUT_OF_RANGE },
		/* ... unless UNBOUNDED */
		{ UINT64_MAX, 1u << 31 | ZX_VMO_UNBOUNDED, ZX_ERR_INVALID_ARGS },
		/* unknown bits come before a size that is merely too large */
		{ max + 1, 1u << 31, ZX_ERR_INVALID_ARGS },
		{ max + 1, ZX_VMO_TRAP_DIRTY, ZX_ERR_INVALID_ARGS },
		{ max + 1, 1u << 5 | ZX_VMO_UNBOUNDED, ZX_ERR_INVALID_ARGS },
		/* UNBOUNDED has the same bound */
		{ max + 1, ZX_VMO_UNBOUNDED, ZX_ERR_OUT_OF_RANGE },
		{ UINT64_MAX, ZX_VMO_UNBOUNDED, ZX_ERR_OUT_OF_RANGE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		zx_handle_t h = ZX_HANDLE_INVALID;

		ZT_EXPECT_STATUS(t[i].want, zx_vmo_create(t[i].size, t[i].options, &h));
		EXPECT_EQ(ZX_HANDLE_INVALID, h) TH_LOG("row %zu", i);
		/* the out pointer is looked at last */
		if (t[i].want != ZX_ERR_INVALID_ARGS)
			ZT_EXPECT_STATUS(t[i].want,
					 zx_vmo_create(t[i].size, t[i].options, NULL));
	}
}

TEST_F(vmo_create, V_013_unbounded)
{
	const uint64_t sizes[] = { 10, 0, ZT_P, 5 * ZT_P + 1, zt_max_vmo() };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		zx_handle_t h = zt_keep(&self->bag, zt_vmo(sizes[i], ZX_VMO_UNBOUNDED));

		ASSERT_NE(0u, h);
		ZT_EXPECT_U64(zt_max_vmo(), zt_size(h));
		ZT_EXPECT_U64(sizes[i], zt_stream_size(h));
		EXPECT_EQ((zx_rights_t)ZX_DEFAULT_VMO_RIGHTS, zt_rights(h));
		EXPECT_EQ(0u, zt_rights(h) & ZX_RIGHT_RESIZE);
		ZT_EXPECT_U64(0, zt_committed(h));
	}
}

TEST_F(vmo_create, V_014_V_015_rights)
{
	const struct {
		uint32_t options;
		zx_rights_t want;
	} t[] = {
		{ 0, 0xD0EF },
		{ ZX_VMO_RESIZABLE, 0x40D0EF },
		{ ZX_VMO_DISCARDABLE, 0xD0EF },
		{ ZX_VMO_UNBOUNDED, 0xD0EF },
		{ ZX_VMO_DISCARDABLE | ZX_VMO_RESIZABLE, 0x40D0EF },
		{ ZX_VMO_DISCARDABLE | ZX_VMO_UNBOUNDED, 0xD0EF },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		zx_handle_t h = zt_keep(&self->bag, zt_vmo(ZT_P, t[i].options));

		ASSERT_NE(0u, h);
		EXPECT_EQ(t[i].want, zt_rights(h)) TH_LOG("options %#x", t[i].options);
		EXPECT_EQ((zx_obj_type_t)ZX_OBJ_TYPE_VMO, zt_type(h));
		EXPECT_EQ(3u, h & 3u);
	}
}

TEST_F(vmo_create, V_016_V_157_discardable)
{
	const uint32_t with[] = { 0, ZX_VMO_RESIZABLE, ZX_VMO_UNBOUNDED };
	zx_handle_t plain = zt_keep(&self->bag, zt_vmo(ZT_P, 0));

	for (size_t i = 0; i < ARRAY_SIZE(with); i++) {
		zx_handle_t h = ZX_HANDLE_INVALID;

		ZT_ASSERT_OK(zx_vmo_create(ZT_P, ZX_VMO_DISCARDABLE | with[i], &h));
		zt_keep(&self->bag, h);
		EXPECT_NE(0u, zt_vmo_info(h).flags & ZX_INFO_VMO_DISCARDABLE);
	}
	ASSERT_NE(0u, plain);
	EXPECT_EQ(0u, zt_vmo_info(plain).flags & ZX_INFO_VMO_DISCARDABLE);
}

/* Never locked means never discarded: written data stays. */
TEST_F(vmo_create, V_155_never_locked_discardable_keeps_its_content)
{
	zx_handle_t h = zt_keep(&self->bag, zt_vmo(64 * ZT_P, ZX_VMO_DISCARDABLE));
	int fd;

	ASSERT_NE(0u, h);
	ASSERT_EQ(0, zt_vmo_fill(h, 0, 64 * ZT_P, 4));
	/* ask the kernel to reclaim what it can */
	fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		EXPECT_EQ(1, write(fd, "3", 1));
		close(fd);
	}
	EXPECT_TRUE(zt_vmo_holds(h, 0, 64 * ZT_P, 4));
	ZT_EXPECT_U64(64 * ZT_P, zt_committed(h));
	ZT_EXPECT_U64(0, zt_vmo_info(h).committed_change_events);
}

TEST_F(vmo_create, V_152_mapping_a_discardable_vmo_needs_allow_faults)
{
	zx_handle_t h = zt_keep(&self->bag, zt_vmo(ZT_P, ZX_VMO_DISCARDABLE));
	zx_handle_t root = zx_vmar_root_self();
	zx_vaddr_t addr = 0;

	ASSERT_NE(0u, h);
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
			 zx_vmar_map(root, ZT_RW, 0, h, 0, ZT_P, &addr));
	ZT_ASSERT_OK(zx_vmar_map(root, ZT_RW | ZX_VM_ALLOW_FAULTS, 0, h, 0, ZT_P, &addr));
	ZT_EXPECT_ACCESS(zt_try_write((void *)addr));
	EXPECT_EQ(0x5a, zt_vmo_byte(h, 0));
	ZT_EXPECT_OK(zx_vmar_unmap(root, addr, ZT_P));
}

TEST_F(vmo_create, V_017_bad_out_pointer)
{
	const uint32_t options[] = { 0, ZX_VMO_RESIZABLE, ZX_VMO_UNBOUNDED, ZX_VMO_DISCARDABLE };
	struct zt_bad bad[ZT_BAD_WRITE_N];
	int fds = zt_fd_count();

	zt_bad_write(bad);
	for (struct zt_bad *b = bad; b->name; b++) {
		for (size_t o = 0; o < ARRAY_SIZE(options); o++) {
			EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmo_create(ZT_P, options[o], b->ptr))
				TH_LOG("%s, options %#x", b->name, options[o]);
		}
	}
	EXPECT_EQ(fds, zt_fd_count());
	/* the teardown looks for lost objects as well */
}

/* A pointer whose four bytes lie half in an unwritable page */
TEST_F(vmo_create, V_017_out_pointer_across_the_end_of_memory)
{
	char *two = mmap(NULL, 2 * ZT_P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);

	ASSERT_NE(MAP_FAILED, two);
	ASSERT_EQ(0, mprotect(two + ZT_P, ZT_P, PROT_NONE));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmo_create(ZT_P, 0, (zx_handle_t *)(two + ZT_P - 2)));
}

FIXTURE(vmo_fresh)
{
	struct zvm_stats before;
	zx_handle_t vmo;
	struct zt_view view;
	uint64_t len;
};

FIXTURE_VARIANT(vmo_fresh)
{
	uint32_t options;
	enum zt_way way;
	unsigned int pages;
};

#define FRESH(name, opt, w, n)						\
	FIXTURE_VARIANT_ADD(vmo_fresh, name)				\
	{								\
		.options = opt, .way = w, .pages = n,			\
	}

FRESH(plain_calls, 0, ZT_CALLS, 600);
FRESH(plain_mapping, 0, ZT_MAPPING, 600);
FRESH(plain_file, 0, ZT_FILE, 600);
FRESH(plain_mmap, 0, ZT_MMAP, 600);
FRESH(resizable_calls, ZX_VMO_RESIZABLE, ZT_CALLS, 33);
FRESH(resizable_mapping, ZX_VMO_RESIZABLE, ZT_MAPPING, 33);
FRESH(resizable_mmap, ZX_VMO_RESIZABLE, ZT_MMAP, 33);
FRESH(unbounded_calls, ZX_VMO_UNBOUNDED, ZT_CALLS, 17);
FRESH(unbounded_mapping, ZX_VMO_UNBOUNDED, ZT_MAPPING, 17);
FRESH(unbounded_file, ZX_VMO_UNBOUNDED, ZT_FILE, 17);
FRESH(discardable_calls, ZX_VMO_DISCARDABLE, ZT_CALLS, 5);
FRESH(discardable_mapping, ZX_VMO_DISCARDABLE, ZT_MAPPING, 5);

FIXTURE_SETUP(vmo_fresh)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->len = variant->pages * ZT_P;
	self->vmo = zt_vmo(self->len, variant->options);
	ASSERT_NE(0u, self->vmo);
	ASSERT_EQ(0, zt_view_open(&self->view, variant->way, self->vmo, self->len));
}

FIXTURE_TEARDOWN(vmo_fresh)
{
	zt_view_close(&self->view);
	zx_handle_close(self->vmo);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

/*
 * Pages that held something else in a VMO that died just before are likely to
 * come back: they must be clean.
 */
TEST_F(vmo_fresh, V_018_reads_as_zeros)
{
	zx_handle_t old = zt_vmo(self->len, 0);

	ASSERT_NE(0u, old);
	ASSERT_EQ(0, zt_vmo_fill(old, 0, self->len, 9));
	ZT_ASSERT_OK(zx_handle_close(old));

	EXPECT_TRUE(zt_view_zero(&self->view, 0, self->len));
	/* ... also where a page is there because of one written byte */
	for (uint64_t i = 0; i < self->len; i += ZT_P) {
		ASSERT_EQ(0, zt_view_put(&self->view, i + i / ZT_P % ZT_P, "x", 1));
	}
	for (uint64_t i = 0; i < self->len; i += ZT_P) {
		uint64_t x = i / ZT_P % ZT_P;

		EXPECT_TRUE(zt_view_zero(&self->view, i, x));
		EXPECT_EQ('x', zt_view_byte(&self->view, i + x));
		EXPECT_TRUE(zt_view_zero(&self->view, i + x + 1, ZT_P - x - 1));
	}
}

TEST_F(vmo_fresh, V_020_empty_name_no_children_no_pages)
{
	zx_info_vmo_t info = zt_vmo_info(self->vmo);
	char name[ZX_MAX_NAME_LEN];

	memset(name, 0xee, sizeof(name));
	ZT_EXPECT_OK(zx_object_get_property(self->vmo, ZX_PROP_NAME, name, sizeof(name)));
	EXPECT_EQ(-1, zt_nonzero(name, sizeof(name)));
	EXPECT_EQ(-1, zt_nonzero(info.name, sizeof(info.name)));
	ZT_EXPECT_U64(0, info.num_children);
	ZT_EXPECT_U64(variant->way == ZT_MAPPING, info.num_mappings);
	ZT_EXPECT_U64(0, info.committed_bytes);
	ZT_EXPECT_U64(0, info.populated_bytes);
	ZT_EXPECT_U64(0, info.parent_koid);
	ZT_EXPECT_U64(zt_size(self->vmo), info.size_bytes);
}

TEST_F(vmo_fresh, V_021_koids_are_unique)
{
	zx_koid_t last = zt_koid(self->vmo);

	EXPECT_GE(last, 1024u);
	for (int i = 0; i < 50; i++) {
		zx_handle_t h = zt_vmo(ZT_P, variant->options);
		zx_koid_t k = zt_koid(h);

		ASSERT_NE(0u, h);
		EXPECT_GE(k, 1024u);
		EXPECT_EQ(0u, k >> 63);
		EXPECT_NE(last, k);
		EXPECT_NE(zt_koid(self->vmo), k);
		last = k;
		/* a koid is not used again when its object is gone */
		ZT_EXPECT_OK(zx_handle_close(h));
	}
}

TEST_HARNESS_MAIN
