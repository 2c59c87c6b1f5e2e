// SPDX-License-Identifier: MIT OR GPL-2.0
/* What ZX_INFO_VMAR and ZX_INFO_VMAR_MAPS tell; the printed tree. */
#include "kselftest_harness.h"
#include "zvm_vmar_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

FIXTURE(vmar_info) {
	struct vt_region r;	/* 64 pages, allocated at the variant's depth */
	zx_handle_t vmo;	/* 8 pages, "test-vmo" */
	zx_koid_t koid;
};

FIXTURE_VARIANT(vmar_info) {
	int depth;
};

FIXTURE_VARIANT_ADD(vmar_info, child) { .depth = 0 };
FIXTURE_VARIANT_ADD(vmar_info, great_grandchild) { .depth = 2 };

FIXTURE_SETUP(vmar_info)
{
	struct vt_region parent = vt_region_at_depth(variant->depth);

	self->r = vt_alloc(parent.h, VT_CAN_ALL, 64 * P);
	ASSERT_NE(ZX_HANDLE_INVALID, self->r.h);
	self->vmo = zt_vmo(8 * P, 0);
	ASSERT_NE(ZX_HANDLE_INVALID, self->vmo);
	ZT_ASSERT_OK(zx_object_set_property(self->vmo, ZX_PROP_NAME, "test-vmo", 8));
	self->koid = zt_koid(self->vmo);
}

FIXTURE_TEARDOWN(vmar_info)
{
}

/* One line for each record: what a mismatch shows. */
#define EXPECT_RECORD(m, name_, base_, size_, depth_, type_) do {		\
	const zx_info_maps_t *m_ = (m);						\
										\
	EXPECT_STREQ(name_, m_->name);						\
	ZT_EXPECT_U64(base_, m_->base);						\
	ZT_EXPECT_U64(size_, m_->size);						\
	ZT_EXPECT_U64(depth_, m_->depth);					\
	EXPECT_EQ((zx_info_maps_type_t)(type_), m_->type);			\
} while (0)

TEST_F(vmar_info, R_139_base_and_length)
{
	zx_handle_t no_inspect = zt_without(self->r.h, ZX_RIGHT_INSPECT);
	zx_info_vmar_t info = { };
	size_t actual = 9, avail = 9;

	ZT_ASSERT_OK(zx_object_get_info(self->r.h, ZX_INFO_VMAR, &info, sizeof(info), &actual,
					&avail));
	ZT_EXPECT_U64(self->r.base, info.base);
	ZT_EXPECT_U64(64 * P, info.len);
	ZT_EXPECT_U64(1, actual);
	ZT_EXPECT_U64(1, avail);
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_object_get_info(no_inspect, ZX_INFO_VMAR, &info, sizeof(info), NULL,
					    NULL));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_object_get_info(no_inspect, ZX_INFO_VMAR_MAPS, NULL, 0, NULL, &avail));
	ZT_EXPECT_STATUS(ZX_ERR_BUFFER_TOO_SMALL,
			 zx_object_get_info(self->r.h, ZX_INFO_VMAR, &info, sizeof(info) - 1,
					    &actual, &avail));
	ZT_EXPECT_U64(0, actual);
	ZT_EXPECT_U64(1, avail);
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
			 zx_object_get_info(self->vmo, ZX_INFO_VMAR, &info, sizeof(info), NULL,
					    NULL));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
			 zx_object_get_info(self->vmo, ZX_INFO_VMAR_MAPS, NULL, 0, NULL, &avail));
}

/* The root is the arena that /proc/self/maps shows. */
TEST(R_139_root)
{
	struct vt_region root = vt_region_of(zx_vmar_root_self());
	unsigned long start = 0, end = 0;
	char line[512];

	ASSERT_NE(0u, root.len);
	ASSERT_TRUE(zt_maps_line((void *)root.base, line, sizeof(line)));
	ASSERT_EQ(2, sscanf(line, "%lx-%lx", &start, &end));
	ZT_EXPECT_U64(root.base, start);
	ZT_EXPECT_U64(root.base + root.len, end);
	EXPECT_NE(0u, root.base);
	ZT_EXPECT_U64(0, root.base % P);
	ZT_EXPECT_U64(0, root.len % P);
}

TEST_F(vmar_info, R_140_after_destroy)
{
	struct vt_region dead;
	size_t avail;

	ZT_ASSERT_OK(zx_vmar_destroy(self->r.h));
	dead = vt_region_of(self->r.h);
	ZT_EXPECT_U64(self->r.base, dead.base);
	ZT_EXPECT_U64(self->r.len, dead.len);
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
			 zx_object_get_info(self->r.h, ZX_INFO_VMAR_MAPS, NULL, 0, NULL, &avail));
}

TEST_F(vmar_info, R_141_R_143_the_tree)
{
	struct vt_region a, b;
	zx_info_maps_t *m;
	zx_handle_t h;
	zx_vaddr_t addr;
	size_t n = 0;

	/* Page 1: a mapping. 4 .. 11: region a, in it a mapping and region b. 20: a mapping. */
	ZT_ASSERT_OK(vt_map_at(&self->r, ZT_RW, 20 * P, self->vmo, 3 * P, 2 * P));
	ZT_ASSERT_OK(zx_vmar_allocate(self->r.h, VT_CAN_ALL | ZX_VM_SPECIFIC, 4 * P, 8 * P, &h,
				      &addr));
	a = vt_region_of(h);
	ZT_ASSERT_OK(zx_vmar_allocate(a.h, VT_CAN_ALL | ZX_VM_SPECIFIC, 4 * P, 2 * P, &h, &addr));
	b = vt_region_of(h);
	ZT_ASSERT_OK(vt_map_at(&b, 0, P, self->vmo, 7 * P, P));
	ZT_ASSERT_OK(vt_map_at(&a, VT_R, 0, self->vmo, P, 2 * P));
	ZT_ASSERT_OK(vt_map_at(&a, VT_R, 7 * P, self->vmo, 0, P));
	ZT_ASSERT_OK(vt_map_at(&self->r, VT_R, P, self->vmo, 0, P));

	m = vt_maps(self->r.h, &n);
	ASSERT_NE(NULL, m);
	ASSERT_EQ(8u, n);
	EXPECT_RECORD(&m[0], "useralloc", self->r.base, 64 * P, 0, ZX_INFO_MAPS_TYPE_VMAR);
	EXPECT_RECORD(&m[1], "test-vmo", self->r.base + P, P, 1, ZX_INFO_MAPS_TYPE_MAPPING);
	EXPECT_RECORD(&m[2], "useralloc", a.base, 8 * P, 1, ZX_INFO_MAPS_TYPE_VMAR);
	EXPECT_RECORD(&m[3], "test-vmo", a.base, 2 * P, 2, ZX_INFO_MAPS_TYPE_MAPPING);
	EXPECT_RECORD(&m[4], "useralloc", b.base, 2 * P, 2, ZX_INFO_MAPS_TYPE_VMAR);
	EXPECT_RECORD(&m[5], "test-vmo", b.base + P, P, 3, ZX_INFO_MAPS_TYPE_MAPPING);
	EXPECT_RECORD(&m[6], "test-vmo", a.base + 7 * P, P, 2, ZX_INFO_MAPS_TYPE_MAPPING);
	EXPECT_RECORD(&m[7], "test-vmo", self->r.base + 20 * P, 2 * P, 1,
		      ZX_INFO_MAPS_TYPE_MAPPING);

	ZT_EXPECT_U64(self->koid, m[3].u.mapping.vmo_koid);
	ZT_EXPECT_U64(P, m[3].u.mapping.vmo_offset);
	EXPECT_EQ(VT_R, m[3].u.mapping.mmu_flags);
	EXPECT_EQ(0u, m[5].u.mapping.mmu_flags);
	ZT_EXPECT_U64(7 * P, m[5].u.mapping.vmo_offset);
	ZT_EXPECT_U64(self->koid, m[7].u.mapping.vmo_koid);
	ZT_EXPECT_U64(3 * P, m[7].u.mapping.vmo_offset);
	EXPECT_EQ(ZT_RW, m[7].u.mapping.mmu_flags);
	free(m);

	/* The same from below: the region asked is depth 0. */
	m = vt_maps(b.h, &n);
	ASSERT_NE(NULL, m);
	ASSERT_EQ(2u, n);
	EXPECT_RECORD(&m[0], "useralloc", b.base, 2 * P, 0, ZX_INFO_MAPS_TYPE_VMAR);
	EXPECT_RECORD(&m[1], "test-vmo", b.base + P, P, 1, ZX_INFO_MAPS_TYPE_MAPPING);
	free(m);
}

TEST_F(vmar_info, R_141_root_and_depths)
{
	zx_handle_t root = zx_vmar_root_self();
	zx_info_maps_t *m;
	size_t n = 0, i;

	ZT_ASSERT_OK(vt_map_at(&self->r, VT_R, 0, self->vmo, 0, P));
	m = vt_maps(root, &n);
	ASSERT_NE(NULL, m);
	ASSERT_LE(3u, n);
	EXPECT_RECORD(&m[0], "root", vt_region_of(root).base, vt_region_of(root).len, 0,
		      ZX_INFO_MAPS_TYPE_VMAR);
	/* Our region lies right below the variant's, its mapping right below it. */
	for (i = 1; i < n && m[i].base != self->r.base; i++)
		;
	while (i + 1 < n && m[i + 1].base == self->r.base &&
	       m[i + 1].type == ZX_INFO_MAPS_TYPE_VMAR)
		i++;
	ASSERT_LT(i + 1, n);
	EXPECT_RECORD(&m[i], "useralloc", self->r.base, self->r.len, variant->depth + 1,
		      ZX_INFO_MAPS_TYPE_VMAR);
	EXPECT_RECORD(&m[i + 1], "test-vmo", self->r.base, P, variant->depth + 2,
		      ZX_INFO_MAPS_TYPE_MAPPING);
	free(m);
}

TEST_F(vmar_info, R_142_short_buffers)
{
	const size_t rec = sizeof(zx_info_maps_t);
	zx_info_maps_t m[8];
	size_t actual, avail;

	for (int i = 0; i < 3; i++)
		ZT_ASSERT_OK(vt_map_at(&self->r, VT_R, 2 * i * P, self->vmo, 0, P));
	for (size_t bytes = 0; bytes <= 6 * rec; bytes += rec / 2) {
		size_t fit = bytes / rec < 4 ? bytes / rec : 4;

		memset(m, 0xee, sizeof(m));
		actual = avail = 99;
		ZT_ASSERT_OK(zx_object_get_info(self->r.h, ZX_INFO_VMAR_MAPS, m, bytes, &actual,
						&avail));
		ZT_EXPECT_U64(fit, actual);
		ZT_EXPECT_U64(4, avail);
		/* Only whole records were written. */
		EXPECT_EQ(-1, zt_not_byte(m + fit, sizeof(m) - fit * rec, 0xee));
		if (fit > 1) {
			ZT_EXPECT_U64(self->r.base + 2 * (fit - 2) * P, m[fit - 1].base);
		}
	}
	actual = avail = 99;
	ZT_EXPECT_OK(zx_object_get_info(self->r.h, ZX_INFO_VMAR_MAPS, NULL, 0, &actual, &avail));
	ZT_EXPECT_U64(0, actual);
	ZT_EXPECT_U64(4, avail);
	ZT_EXPECT_OK(zx_object_get_info(self->r.h, ZX_INFO_VMAR_MAPS, m, sizeof(m), NULL, NULL));
	/* A buffer that cannot be written, when there is something to write. */
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_object_get_info(self->r.h, ZX_INFO_VMAR_MAPS, zt_mem(PROT_READ),
					    4 * rec, &actual, &avail));
}

/* More records than any buffer inside the kernel would be sized for at once. */
TEST_F(vmar_info, R_142_many_records)
{
	struct vt_region c = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 2000 * P);
	zx_info_maps_t *m;
	size_t n = 0;

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	for (size_t i = 0; i < 1000; i++)
		ZT_ASSERT_OK(vt_map_at(&c, VT_R, 2 * i * P, self->vmo, i % 8 * P, P));
	m = vt_maps(c.h, &n);
	ASSERT_NE(NULL, m);
	ASSERT_EQ(1001u, n);
	for (size_t i = 0; i < 1000; i++) {
		ASSERT_EQ(c.base + 2 * i * P, m[i + 1].base);
		ASSERT_EQ(i % 8 * P, m[i + 1].u.mapping.vmo_offset);
		ASSERT_EQ(self->koid, m[i + 1].u.mapping.vmo_koid);
	}
	free(m);
}

/* The same one and two regions further down; what follows is told as well. */
TEST_F(vmar_info, R_142_many_records_in_regions)
{
	struct vt_region top = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 4000 * P);
	struct vt_region mid = vt_alloc(top.h, VT_CAN_ALL, 2000 * P);
	struct vt_region low = vt_alloc(mid.h, VT_CAN_ALL, 1000 * P);
	zx_info_maps_t *m;
	size_t n = 0, at;

	ASSERT_NE(ZX_HANDLE_INVALID, low.h);
	for (size_t i = 0; i < 100; i++)
		ZT_ASSERT_OK(vt_map_at(&low, VT_R, 2 * i * P, self->vmo, i % 8 * P, P));
	m = vt_maps(top.h, &n);
	ASSERT_NE(NULL, m);
	ASSERT_EQ(103u, n);
	for (at = 0; at < 3; at++)
		EXPECT_EQ(at, m[at].depth);
	for (size_t i = 0; i < 100; i++) {
		EXPECT_EQ(low.base + 2 * i * P, m[at + i].base);
		EXPECT_EQ(3u, m[at + i].depth);
	}
	free(m);
}

TEST_F(vmar_info, R_143_name_and_bytes)
{
	zx_info_maps_t *m;
	size_t n = 0;

	ZT_ASSERT_OK(zx_vmo_write(self->vmo, "x", 2 * P, 1));
	ZT_ASSERT_OK(zx_vmo_write(self->vmo, "x", 7 * P, 1));
	ZT_ASSERT_OK(vt_map_at(&self->r, VT_R, 0, self->vmo, P, 3 * P));
	ZT_ASSERT_OK(zx_object_set_property(self->vmo, ZX_PROP_NAME, "renamed", 7));
	m = vt_maps(self->r.h, &n);
	ASSERT_NE(NULL, m);
	ASSERT_EQ(2u, n);
	EXPECT_STREQ("renamed", m[1].name);
	EXPECT_EQ(-1, zt_nonzero(m[1].name + 7, sizeof(m[1].name) - 7));
	/* Of the two pages present one lies in the mapped range. */
	ZT_EXPECT_U64(P, m[1].u.mapping.committed_bytes);
	ZT_EXPECT_U64(P, m[1].u.mapping.populated_bytes);
	ZT_EXPECT_U64(P, m[1].u.mapping.committed_private_bytes);
	ZT_EXPECT_U64(P, m[1].u.mapping.committed_scaled_bytes);
	EXPECT_EQ(-1, zt_nonzero(m[1].u.mapping.padding1, sizeof(m[1].u.mapping.padding1)));
	free(m);
	/* A closed handle takes nothing away. */
	ZT_ASSERT_OK(zx_handle_close(self->vmo));
	m = vt_maps(self->r.h, &n);
	ASSERT_NE(NULL, m);
	ASSERT_EQ(2u, n);
	EXPECT_STREQ("renamed", m[1].name);
	ZT_EXPECT_U64(self->koid, m[1].u.mapping.vmo_koid);
	free(m);
}

TEST_F(vmar_info, R_144_one_record_per_permission_run)
{
	static const struct {
		size_t from, pages;
		zx_vm_option_t perm;
	} want[] = {
		{ 0, 1, ZT_RW }, { 1, 2, VT_R }, { 3, 1, 0 }, { 4, 4, ZT_RW },
	};
	zx_info_maps_t *m;
	size_t n = 0;

	ZT_ASSERT_OK(vt_map_at(&self->r, ZT_RW, 8 * P, self->vmo, 0, 8 * P));
	ZT_ASSERT_OK(zx_vmar_protect(self->r.h, VT_R, self->r.base + 9 * P, 3 * P));
	ZT_ASSERT_OK(zx_vmar_protect(self->r.h, 0, self->r.base + 11 * P, P));
	m = vt_maps(self->r.h, &n);
	ASSERT_NE(NULL, m);
	ASSERT_EQ(1 + ARRAY_SIZE(want), n);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		EXPECT_RECORD(&m[1 + i], "test-vmo", self->r.base + (8 + want[i].from) * P,
			      want[i].pages * P, 1, ZX_INFO_MAPS_TYPE_MAPPING);
		ZT_EXPECT_U64(want[i].from * P, m[1 + i].u.mapping.vmo_offset);
		EXPECT_EQ(want[i].perm, m[1 + i].u.mapping.mmu_flags);
	}
	free(m);
	/* Equal again: one run, one record. */
	ZT_ASSERT_OK(zx_vmar_protect(self->r.h, VT_R, self->r.base + 8 * P, 8 * P));
	m = vt_maps(self->r.h, &n);
	ASSERT_NE(NULL, m);
	ASSERT_EQ(2u, n);
	EXPECT_RECORD(&m[1], "test-vmo", self->r.base + 8 * P, 8 * P, 1,
		      ZX_INFO_MAPS_TYPE_MAPPING);
	free(m);
	ZT_EXPECT_U64(1, zt_vmo_info(self->vmo).num_mappings);
}

TEST_F(vmar_info, R_145_regions_have_no_name)
{
	char name[ZX_MAX_NAME_LEN] = "x";

	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_object_get_property(self->r.h, ZX_PROP_NAME, name, sizeof(name)));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_object_set_property(self->r.h, ZX_PROP_NAME, name, 1));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_object_get_property(zx_vmar_root_self(), ZX_PROP_NAME, name,
						sizeof(name)));
}

TEST_F(vmar_info, H_016_H_020_basic_and_count)
{
	zx_info_handle_basic_t basic = zt_basic(self->r.h);
	zx_info_handle_count_t count = { };
	zx_handle_t dup = zt_dup(self->r.h, ZX_RIGHT_SAME_RIGHTS);

	EXPECT_EQ(ZX_OBJ_TYPE_VMAR, basic.type);
	EXPECT_LE(1024u, basic.koid);
	ZT_EXPECT_U64(0, basic.related_koid);
	EXPECT_EQ(basic.koid, zt_koid(dup));
	EXPECT_NE(basic.koid, zt_koid(zx_vmar_root_self()));
	ZT_ASSERT_OK(zx_object_get_info(dup, ZX_INFO_HANDLE_COUNT, &count, sizeof(count), NULL,
					NULL));
	EXPECT_EQ(2u, count.handle_count);
	ZT_ASSERT_OK(zx_handle_close(self->r.h));
	ZT_ASSERT_OK(zx_object_get_info(dup, ZX_INFO_HANDLE_COUNT, &count, sizeof(count), NULL,
					NULL));
	EXPECT_EQ(1u, count.handle_count);
}

TEST_F(vmar_info, V_244_num_mappings_and_share_count)
{
	zx_info_vmo_t info;

	info = zt_vmo_info(self->vmo);
	ZT_EXPECT_U64(0, info.num_mappings);
	ZT_EXPECT_U64(1, info.share_count);
	for (size_t i = 0; i < 3; i++)
		ZT_ASSERT_OK(vt_map_at(&self->r, VT_R, 2 * i * P, self->vmo, 0, P));
	info = zt_vmo_info(self->vmo);
	ZT_EXPECT_U64(3, info.num_mappings);
	ZT_EXPECT_U64(1, info.share_count);
}

/* The readable tree names every region and mapping, each on a line of its own. */
/* What Linux's tools see of a handle. */
TEST_F(vmar_info, fdinfo)
{
	int fd = zvm_handle_to_fd(self->r.h);
	zx_handle_t lent;
	char text[64];

	ASSERT_TRUE(zt_fdinfo(fd, "type", text, sizeof(text)));
	EXPECT_STREQ("vmar", text);
	ASSERT_TRUE(zt_fdinfo(fd, "base", text, sizeof(text)));
	ZT_EXPECT_U64(self->r.base, strtoull(text, NULL, 0));
	ASSERT_TRUE(zt_fdinfo(fd, "size", text, sizeof(text)));
	ZT_EXPECT_U64(self->r.len, strtoull(text, NULL, 0));
	ASSERT_TRUE(zt_fdinfo(fd, "options", text, sizeof(text)));
	ZT_EXPECT_U64(VT_CAN_ALL, strtoull(text, NULL, 0));
	EXPECT_FALSE(zt_fdinfo(fd, "lent", text, sizeof(text)));
	EXPECT_FALSE(zt_fdinfo(fd, "destroyed", text, sizeof(text)));

	ZT_ASSERT_OK(zvm_vmar_lend(self->r.h, ZX_RIGHT_SAME_RIGHTS, &lent));
	ASSERT_TRUE(zt_fdinfo(zvm_handle_to_fd(lent), "lent", text, sizeof(text)));
	EXPECT_STREQ("1", text);
	ZT_ASSERT_OK(zx_vmar_destroy(self->r.h));
	ASSERT_TRUE(zt_fdinfo(fd, "destroyed", text, sizeof(text)));
	EXPECT_STREQ("1", text);
	ASSERT_TRUE(zt_fdinfo(fd, "base", text, sizeof(text)));
	ZT_EXPECT_U64(self->r.base, strtoull(text, NULL, 0));
}

TEST_F(vmar_info, printed_tree)
{
	struct vt_region a = vt_alloc(self->r.h, VT_CAN_ALL, 8 * P);
	char *text = NULL, addr[32];
	size_t len = 0;
	int lines = 0;
	FILE *f;

	ASSERT_NE(ZX_HANDLE_INVALID, a.h);
	ZT_ASSERT_OK(vt_map_at(&a, ZT_RW, 2 * P, self->vmo, 0, P));
	f = open_memstream(&text, &len);
	ASSERT_NE(NULL, f);
	ZT_EXPECT_OK(zvm_vmar_print(f, self->r.h));
	ASSERT_EQ(0, fclose(f));
	for (char *p = text; *p; p++)
		lines += *p == '\n';
	EXPECT_LE(3, lines);
	EXPECT_NE(NULL, strstr(text, "test-vmo"));
	for (int i = 0; i < 3; i++) {
		snprintf(addr, sizeof(addr), "%lx", (unsigned long)
			 (i == 0 ? self->r.base : i == 1 ? a.base : a.base + 2 * P));
		EXPECT_NE(NULL, strstr(text, addr)) {
			TH_LOG("%s is not in:\n%s", addr, text);
		}
	}
	free(text);
	ZT_ASSERT_OK(zx_vmar_destroy(self->r.h));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zvm_vmar_print(stderr, self->r.h));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zvm_vmar_print(stderr, self->vmo));
}

/* ------------------------------------------------------------------------
 * The process, by its root VMAR
 */
#define MAX_RECORDS 64

/* All of VMAR_MAPS of the root, one deeper, behind a record of the arena. */
TEST_F(vmar_info, process_maps)
{
	zx_info_maps_t got[MAX_RECORDS], want[MAX_RECORDS];
	struct vt_region root = vt_region_of(zx_vmar_root_self());
	size_t n = 0, actual = 0, avail = 0;
	zx_vaddr_t at;

	ZT_ASSERT_OK(zx_vmar_map(self->r.h, ZT_RW | ZX_VM_SPECIFIC, 4 * P, self->vmo, P, 4 * P, &at));
	ZT_ASSERT_OK(zx_vmar_protect(self->r.h, VT_R, at + P, P));
	ASSERT_EQ(0, zt_try_write((void *)at));
	ZT_ASSERT_OK(zx_object_get_info(root.h, ZX_INFO_VMAR_MAPS, want, sizeof(want), &n, &avail));
	ZT_ASSERT_U64(n, avail);
	ASSERT_LT(4u, n);
	memset(got, 0xee, sizeof(got));
	ZT_ASSERT_OK(zx_object_get_info(root.h, ZX_INFO_PROCESS_MAPS, got, sizeof(got), &actual,
					&avail));
	ZT_ASSERT_U64(n + 1, actual);
	ZT_ASSERT_U64(n + 1, avail);
	EXPECT_RECORD(got, "proc", root.base, root.len, 0, ZX_INFO_MAPS_TYPE_ASPACE);
	EXPECT_EQ(-1, zt_nonzero(&got[0].u, sizeof(got[0].u)));
	for (size_t i = 0; i < n; i++) {
		want[i].depth++;
		EXPECT_EQ(0, memcmp(&got[i + 1], &want[i], sizeof(want[i])));
	}
	/* behind what is told nothing is written */
	EXPECT_EQ(-1, zt_not_byte(&got[n + 1], sizeof(got[0]), 0xee));
	/* as much as fits, also if that is nothing or only the first */
	for (size_t fits = 0; fits <= 3; fits++) {
		memset(got, 0xee, sizeof(got));
		ZT_ASSERT_OK(zx_object_get_info(root.h, ZX_INFO_PROCESS_MAPS, got,
						fits * sizeof(got[0]) + 5, &actual, &avail));
		ZT_EXPECT_U64(fits, actual);
		ZT_EXPECT_U64(n + 1, avail);
		EXPECT_EQ(-1, zt_not_byte(&got[fits], sizeof(got[0]), 0xee));
		if (fits > 1)
			EXPECT_EQ(0, memcmp(&got[1], &want[0], sizeof(want[0])));
	}
}

/* A record for each mapping, duplicates and all. */
TEST_F(vmar_info, process_vmos)
{
	static const struct {
		uint32_t topic;
		size_t size;
	} versions[] = {
		{ ZX_INFO_PROCESS_VMOS_V1, sizeof(zx_info_vmo_v1_t) },
		{ ZX_INFO_PROCESS_VMOS_V2, sizeof(zx_info_vmo_v2_t) },
		{ ZX_INFO_PROCESS_VMOS_V3, sizeof(zx_info_vmo_v3_t) },
		{ ZX_INFO_PROCESS_VMOS, sizeof(zx_info_vmo_t) },
	};
	zx_handle_t other = zt_vmo(3 * P, ZX_VMO_RESIZABLE), root = zx_vmar_root_self();
	zx_info_vmo_t want[3];
	uint8_t got[4 * sizeof(zx_info_vmo_t)];
	size_t actual, avail;
	zx_vaddr_t at;

	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, 2 * P, 1));
	ZT_ASSERT_OK(zx_vmar_map(self->r.h, ZT_RW | ZX_VM_SPECIFIC, 4 * P, self->vmo, 0, P, &at));
	ZT_ASSERT_OK(zx_vmar_map(self->r.h, ZT_RW | ZX_VM_SPECIFIC | ZX_VM_ALLOW_FAULTS, 8 * P,
				 other, 0, 3 * P, &at));
	ZT_ASSERT_OK(zx_vmar_map(self->r.h, ZT_RW | ZX_VM_SPECIFIC, 20 * P, self->vmo, P, P, &at));
	want[0] = zt_vmo_info(self->vmo);
	want[1] = zt_vmo_info(other);
	want[2] = want[0];
	for (int i = 0; i < 3; i++) {
		want[i].flags = (want[i].flags & ~ZX_INFO_VMO_VIA_HANDLE) | ZX_INFO_VMO_VIA_MAPPING;
		want[i].handle_rights = 0;
	}
	for (size_t v = 0; v < ARRAY_SIZE(versions); v++) {
		size_t size = versions[v].size;

		for (size_t fits = 0; fits <= 4; fits++) {
			size_t n = fits < 3 ? fits : 3;

			memset(got, 0xee, sizeof(got));
			ZT_ASSERT_OK(zx_object_get_info(root, versions[v].topic, got, fits * size,
							&actual, &avail));
			ZT_EXPECT_U64(n, actual);
			ZT_EXPECT_U64(3, avail);
			for (size_t i = 0; i < n; i++)
				EXPECT_EQ(0, memcmp(got + i * size, &want[i], size));
			EXPECT_EQ(-1, zt_not_byte(got + n * size, sizeof(got) - n * size, 0xee));
		}
	}
	/* without its handle it is there all the same */
	ZT_ASSERT_OK(zx_handle_close(other));
	ZT_ASSERT_OK(zx_object_get_info(root, ZX_INFO_PROCESS_VMOS, got, sizeof(got), &actual,
					&avail));
	ZT_EXPECT_U64(3, actual);
}

/* More than is told in one go. */
TEST_F(vmar_info, process_vmos_many)
{
	const size_t many = 100;
	zx_info_vmo_t *got = calloc(many + 1, sizeof(*got));
	size_t actual = 0, avail = 0;
	zx_koid_t koid[100];
	zx_handle_t vmo;
	zx_vaddr_t at;

	for (size_t i = 0; i < many; i++) {
		struct vt_region r = vt_alloc(self->r.h, VT_CAN_ALL, P);

		ASSERT_NE(0u, r.h);
		vmo = zt_vmo(P, 0);
		ZT_ASSERT_OK(zx_vmar_map(r.h, ZT_RW, 0, vmo, 0, P, &at));
		koid[i] = zt_koid(vmo);
		ZT_ASSERT_OK(zx_handle_close(vmo));
		ZT_ASSERT_OK(zx_handle_close(r.h));
		if (i == 31)
			self->r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 128 * P);
	}
	ZT_ASSERT_OK(zx_object_get_info(zx_vmar_root_self(), ZX_INFO_PROCESS_VMOS, got,
					(many + 1) * sizeof(*got), &actual, &avail));
	ZT_ASSERT_U64(many, actual);
	ZT_ASSERT_U64(many, avail);
	/* each of them once: the order is that of the addresses */
	for (size_t i = 0; i < many; i++) {
		size_t n = 0;

		for (size_t k = 0; k < many; k++)
			n += got[k].koid == koid[i];
		ZT_EXPECT_U64(1, n);
	}
	free(got);
}

/* ------------------------------------------------------------------------
 * Others' business while a process is looked at
 *
 * Records are told 32 at a time. Who sees the last of the first ones maps and unmaps
 * while the others are made, which are the last ones, and notes whether it had to
 * sleep: how fast anybody is does not matter.
 */
#define AT_ONCE 32
#define WALKS 12
#define UNTOLD 0xeeeeeeeeeeeeeeee

struct mapper {
	zx_handle_t vmar, vmo;
	volatile uint64_t *sign;	/* told with the first records */
	atomic_int turn, finished;	/* the last one of each */
	atomic_int slept, failed;	/* turns in which that was so */
	atomic_bool over;
};

static long sleeps(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) ? -1 : usage.ru_nvcsw;
}

static void *map_and_unmap(void *arg)
{
	struct mapper *m = arg;
	zx_vaddr_t at;
	int turn;

	while ((turn = atomic_load(&m->turn)) >= 0) {
		bool failed = false;
		long before;

		if (turn == atomic_load(&m->finished) ||
		    (*m->sign == UNTOLD && !atomic_load(&m->over))) {
			sched_yield();
			continue;
		}
		/* Now it goes on: not to be there before it. */
		for (int i = 0; i < 100; i++)
			sched_yield();
		before = sleeps();
		for (int i = 0; i < 8; i++)
			failed |= zx_vmar_map(m->vmar, ZT_RW, 0, m->vmo, 0, P, &at) ||
				  zx_vmar_unmap(m->vmar, at, P);
		atomic_fetch_add(&m->slept, sleeps() != before);
		atomic_fetch_add(&m->failed, failed);
		atomic_store(&m->finished, turn);
	}
	return NULL;
}

/* In how many walks has somebody had to sleep? Record number @last ends the first ones. */
static int walks_with_sleep(struct mapper *m, uint32_t topic, size_t size, size_t last)
{
	const size_t room = 3 * AT_ONCE * size;
	uint8_t *got = malloc(room);

	m->sign = (volatile uint64_t *)(got + last * size);
	atomic_store(&m->slept, 0);
	for (int i = 0; i < WALKS; i++) {
		size_t n = 0;

		memset(got, 0xee, room);
		atomic_store(&m->over, false);
		atomic_fetch_add(&m->turn, 1);
		if (zx_object_get_info(zx_vmar_root_self(), topic, got, room, &n, NULL) ||
		    n <= AT_ONCE + 8 || n > 2 * AT_ONCE || *m->sign == UNTOLD)
			atomic_fetch_add(&m->failed, 1);
		atomic_store(&m->over, true);
		while (atomic_load(&m->finished) != atomic_load(&m->turn))
			sched_yield();
	}
	free(got);
	return atomic_load(&m->slept);
}

FIXTURE(process_info) {
};

FIXTURE_SETUP(process_info)
{
}

FIXTURE_TEARDOWN(process_info)
{
}

/* What takes long is to find out who shares how much: nobody waits for that. */
TEST_F_TIMEOUT(process_info, others_map_meanwhile, 120)
{
	const uint64_t step = 2ul << 20;	/* that of the page map's nodes */
	zx_handle_t vmo = zt_vmo(16 * step, 0), child[200];
	struct mapper m = { .vmo = zt_vmo(P, 0) };
	struct vt_region r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 66 * 16 * step);
	pthread_t thread;
	zx_vaddr_t at;

	for (uint64_t i = 0; i < 16; i++)
		ASSERT_EQ(0, zt_vmo_fill(vmo, i * step, 1, 1));
	/* Their trees differ at the root, and share what is below. */
	for (size_t i = 0; i < ARRAY_SIZE(child); i++) {
		ZT_ASSERT_OK(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, 16 * step,
						 &child[i]));
		ASSERT_EQ(0, zt_vmo_fill(child[i], 0, 1, 2));
	}
	ASSERT_NE(0, r.h);
	for (int i = 0; i < AT_ONCE + 16; i++)
		ZT_ASSERT_OK(zx_vmar_map(r.h, ZT_RW, 0, vmo, 0, 16 * step, &at));
	m.vmar = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 64 * P).h;
	ASSERT_NE(0, m.vmar);
	ASSERT_EQ(0, pthread_create(&thread, NULL, map_and_unmap, &m));
	/* Allocating memory may take a sleep now and then. */
	EXPECT_GE(WALKS / 3, walks_with_sleep(&m, ZX_INFO_PROCESS_VMOS, sizeof(zx_info_vmo_t),
					      AT_ONCE - 1));
	EXPECT_GE(WALKS / 3, walks_with_sleep(&m, ZX_INFO_PROCESS_MAPS, sizeof(zx_info_maps_t),
					      AT_ONCE));
	EXPECT_EQ(0, atomic_load(&m.failed));
	atomic_store(&m.turn, -1);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	for (size_t i = 0; i < ARRAY_SIZE(child); i++)
		ZT_EXPECT_OK(zx_handle_close(child[i]));
	ZT_EXPECT_OK(zx_handle_close(vmo));
}

TEST_F(vmar_info, process_topics_want_a_root)
{
	static const uint32_t topics[] = {
		ZX_INFO_PROCESS_MAPS, ZX_INFO_PROCESS_VMOS_V1, ZX_INFO_PROCESS_VMOS_V2,
		ZX_INFO_PROCESS_VMOS_V3, ZX_INFO_PROCESS_VMOS,
	};
	zx_handle_t blind = zt_without(zx_vmar_root_self(), ZX_RIGHT_INSPECT);
	zx_info_maps_t record;
	size_t avail;

	for (size_t i = 0; i < ARRAY_SIZE(topics); i++) {
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
				 zx_object_get_info(self->r.h, topics[i], NULL, 0, NULL, &avail));
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
				 zx_object_get_info(self->vmo, topics[i], NULL, 0, NULL, &avail));
		ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
				 zx_object_get_info(blind, topics[i], NULL, 0, NULL, &avail));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE,
				 zx_object_get_info(0x7ffffff3, topics[i], NULL, 0, NULL, &avail));
	}
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_object_get_info(zx_vmar_root_self(), ZX_INFO_PROCESS_MAPS, (void *)16,
					    sizeof(record), NULL, NULL));
	/* pages counted instead of bytes: not here */
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
			 zx_object_get_info(zx_vmar_root_self(), ZX_INFO_PROCESS_MAPS_V1, &record,
					    sizeof(record), NULL, NULL));
}

TEST_HARNESS_MAIN
