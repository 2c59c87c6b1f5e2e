// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Snapshots while a device writes into the parent's pages (O_DIRECT): such writes
 * go past all page tables. What the device has not yet written at the snapshot is
 * the parent's alone; and nothing of it is lost for the parent.
 */
#include "kselftest_harness.h"
#include "slow_disk.h"

enum { PAGES = 4 };

FIXTURE(snapshot_io)
{
	struct zvm_stats before;
	struct zt_bag bag;
	struct slow_disk disk;
	struct zt_view buf;	/* what is read into */
	zx_handle_t vmo;	/* PAGES pages of 'o' */
	bool skip;
};

FIXTURE_VARIANT(snapshot_io)
{
	uint32_t view;		/* the buffer is mapped by way of such a child; 0: none */
	enum zt_way way;
	uint32_t options;
};

#define VARIANT(name, v, w)						\
	FIXTURE_VARIANT_ADD(snapshot_io, name) { .view = v, .way = w }
VARIANT(mapping, 0, ZT_MAPPING);
VARIANT(mmap, 0, ZT_MMAP);
VARIANT(slice_mapping, ZX_VMO_CHILD_SLICE, ZT_MAPPING);
VARIANT(slice_mmap, ZX_VMO_CHILD_SLICE, ZT_MMAP);
VARIANT(reference_mapping, ZX_VMO_CHILD_REFERENCE, ZT_MAPPING);
/* A folio, perhaps mapped as such; mmap(2) places it where it has small entries. */
FIXTURE_VARIANT_ADD(snapshot_io, huge_mapping) { .way = ZT_MAPPING, .options = ZVM_VMO_HUGE_PAGES };
FIXTURE_VARIANT_ADD(snapshot_io, huge_mmap) { .way = ZT_MMAP, .options = ZVM_VMO_HUGE_PAGES };

FIXTURE_SETUP(snapshot_io)
{
	size_t len = variant->options ? 2u << 20 : PAGES * ZT_P;
	char page[ZT_P];
	zx_handle_t h;
	int err;

	ASSERT_TRUE(zt_warm_up());
	err = slow_disk_open(&self->disk);
	self->skip = err == ENOENT;
	if (self->skip)
		return;
	ASSERT_EQ(0, err);
	self->before = zt_stats();
	self->vmo = zt_keep(&self->bag, zt_vmo(len, variant->options));
	memset(page, 'o', ZT_P);
	for (size_t at = 0; at < len; at += ZT_P)
		ASSERT_EQ(ZX_OK, zx_vmo_write(self->vmo, page, at, ZT_P));
	h = self->vmo;
	if (variant->view) {
		ZT_ASSERT_OK(zx_vmo_create_child(self->vmo, variant->view, 0, variant->view ==
						 ZX_VMO_CHILD_SLICE ? len : 0, &h));
		zt_keep(&self->bag, h);
	}
	ASSERT_EQ(0, zt_view_open(&self->buf, variant->way, h, len));
}

FIXTURE_TEARDOWN(snapshot_io)
{
	if (self->skip)
		return;
	zt_view_close(&self->buf);
	zt_empty(&self->bag);
	slow_disk_close(&self->disk);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

/* Linux 6.1's harness goes on with a test whose setup has been skipped. */
#define NEEDS_DISK() do { \
	if (self->skip) \
		SKIP(return, "no /dev/nbd0 (module nbd)"); \
} while (0)

/* The part of a folio that is in use is zeroed, and the device goes on writing there. */
#define NEEDS_PAGES() do { \
	if (variant->options) \
		SKIP(return, "a folio stays"); \
} while (0)

static zx_handle_t snap(struct zt_bag *bag, zx_handle_t vmo)
{
	zx_handle_t h = ZX_HANDLE_INVALID;
	uint64_t size = 0;

	zx_vmo_get_size(vmo, &size);
	zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, size, &h);
	return zt_keep(bag, h);
}

/* Are these bytes of the VMO all @byte? */
static bool all(zx_handle_t vmo, uint64_t at, size_t len, char byte)
{
	char buf[PAGES * 4096];

	return zx_vmo_read(vmo, buf, at, len) == ZX_OK && zt_not_byte(buf, len, byte) < 0;
}

/* Wait until what has been sent is there. */
static bool arrives(const volatile uint8_t *at, char byte)
{
	for (int i = 0; i < 4000 && *at != (uint8_t)byte; i++)
		zt_sleep_ms(1);
	return *at == (uint8_t)byte;
}

TEST_F(snapshot_io, child_is_stable)
{
	struct slow_read read;
	zx_handle_t h;

	NEEDS_DISK();
	ASSERT_TRUE(slow_read_start(&self->disk, &read, self->buf.base, 2 * ZT_P));
	/* half of the first page is there when the snapshot is taken */
	ASSERT_TRUE(slow_read_answer(&self->disk, &read, ZT_P / 2, 'd'));
	ASSERT_TRUE(arrives(self->buf.base + ZT_P / 2 - 1, 'd'));
	h = snap(&self->bag, self->vmo);
	ASSERT_NE(0, h);
	EXPECT_TRUE(all(h, 0, ZT_P / 2, 'd'));
	EXPECT_TRUE(all(h, ZT_P / 2, ZT_P / 2, 'o'));
	/* the second page is looked at only when it has been written to */
	ASSERT_TRUE(slow_read_end(&self->disk, &read, 'e'));
	EXPECT_TRUE(all(h, 0, ZT_P / 2, 'd'));
	EXPECT_TRUE(all(h, ZT_P / 2, (2 * PAGES - 1) * ZT_P / 2, 'o'));
	EXPECT_TRUE(all(self->vmo, 0, ZT_P / 2, 'd'));
	EXPECT_TRUE(all(self->vmo, ZT_P / 2, 3 * ZT_P / 2, 'e'));
}

/* Each of several snapshots has what there was. */
TEST_F(snapshot_io, one_snapshot_after_the_other)
{
	struct slow_read read;
	zx_handle_t h[4];

	NEEDS_DISK();
	ASSERT_TRUE(slow_read_start(&self->disk, &read, self->buf.base, ZT_P));
	for (int i = 0; i < 4; i++) {
		h[i] = snap(&self->bag, i == 3 ? h[2] : self->vmo);
		ASSERT_NE(0, h[i]);
		if (i == 3)
			break;
		ASSERT_TRUE(slow_read_answer(&self->disk, &read, 1024, 'd'));
		ASSERT_TRUE(arrives(self->buf.base + 1024 * (i + 1) - 1, 'd'));
	}
	ASSERT_TRUE(slow_read_end(&self->disk, &read, 'd'));
	for (int i = 0; i < 4; i++) {
		int there = i == 3 ? 2048 : i * 1024;

		EXPECT_TRUE(all(h[i], 0, there, 'd')) TH_LOG("snapshot %d", i);
		EXPECT_TRUE(all(h[i], there, ZT_P - there, 'o')) TH_LOG("snapshot %d", i);
	}
	EXPECT_TRUE(all(self->vmo, 0, ZT_P, 'd'));
}

/* Whoever writes beside what the device fills must not get another page for it. */
TEST_F(snapshot_io, parent_writes_beside)
{
	struct slow_read read;
	zx_handle_t h;

	NEEDS_DISK();
	ASSERT_TRUE(slow_read_start(&self->disk, &read, self->buf.base, SLOW_SECTOR));
	h = snap(&self->bag, self->vmo);
	ASSERT_NE(0, h);
	self->buf.base[SLOW_SECTOR] = 'p';
	ZT_ASSERT_OK(zx_vmo_write(self->vmo, "q", SLOW_SECTOR + 1, 1));
	ASSERT_TRUE(slow_read_end(&self->disk, &read, 'd'));
	EXPECT_TRUE(all(self->vmo, 0, SLOW_SECTOR, 'd'));
	EXPECT_EQ('d', self->buf.base[0]);
	EXPECT_EQ('p', zt_vmo_byte(self->vmo, SLOW_SECTOR));
	EXPECT_EQ('q', self->buf.base[SLOW_SECTOR + 1]);
	EXPECT_TRUE(all(h, 0, ZT_P, 'o'));
}

TEST_F(snapshot_io, the_snapshot_is_gone_by_then)
{
	struct slow_read read;
	zx_handle_t h;

	NEEDS_DISK();
	ASSERT_TRUE(slow_read_start(&self->disk, &read, self->buf.base, SLOW_SECTOR));
	ZT_ASSERT_OK(zx_vmo_create_child(self->vmo, ZX_VMO_CHILD_SNAPSHOT, 0, PAGES * ZT_P, &h));
	ZT_ASSERT_OK(zx_handle_close(h));
	self->buf.base[SLOW_SECTOR] = 'p';
	ASSERT_TRUE(slow_read_end(&self->disk, &read, 'd'));
	EXPECT_TRUE(all(self->vmo, 0, SLOW_SECTOR, 'd'));
	EXPECT_EQ('p', zt_vmo_byte(self->vmo, SLOW_SECTOR));
}

/* A second read into the same page, begun after the snapshot. */
TEST_F(snapshot_io, two_reads)
{
	struct slow_read a, b;
	zx_handle_t h;

	NEEDS_DISK();
	ASSERT_TRUE(slow_read_start(&self->disk, &a, self->buf.base, SLOW_SECTOR));
	h = snap(&self->bag, self->vmo);
	ASSERT_NE(0, h);
	ASSERT_TRUE(slow_read_start(&self->disk, &b, self->buf.base + 1024, SLOW_SECTOR));
	ASSERT_TRUE(slow_read_end(&self->disk, &a, 'a'));
	ASSERT_TRUE(slow_read_end(&self->disk, &b, 'b'));
	EXPECT_TRUE(all(self->vmo, 0, SLOW_SECTOR, 'a'));
	EXPECT_TRUE(all(self->vmo, 1024, SLOW_SECTOR, 'b'));
	EXPECT_TRUE(all(h, 0, PAGES * ZT_P, 'o'));
}

/* A snapshot of other pages is nothing to this one. */
TEST_F(snapshot_io, snapshot_of_other_pages)
{
	struct slow_read a, b;
	zx_handle_t h;

	NEEDS_DISK();
	self->buf.base[ZT_P] = 'o';	/* a PTE, for the second read */
	ASSERT_TRUE(slow_read_start(&self->disk, &a, self->buf.base, SLOW_SECTOR));
	ZT_ASSERT_OK(zx_vmo_create_child(self->vmo, ZX_VMO_CHILD_SNAPSHOT, 2 * ZT_P, ZT_P, &h));
	zt_keep(&self->bag, h);
	ASSERT_TRUE(slow_read_start(&self->disk, &b, self->buf.base + ZT_P, SLOW_SECTOR));
	for (int i = 0; i < 2; i++)
		ZT_ASSERT_OK(zx_vmo_write(self->vmo, "p", i * ZT_P + SLOW_SECTOR, 1));
	ASSERT_TRUE(slow_read_end(&self->disk, &a, 'a'));
	ASSERT_TRUE(slow_read_end(&self->disk, &b, 'b'));
	EXPECT_TRUE(all(self->vmo, 0, SLOW_SECTOR, 'a'));
	EXPECT_TRUE(all(self->vmo, ZT_P, SLOW_SECTOR, 'b'));
	for (int i = 0; i < 2; i++)
		EXPECT_EQ('p', self->buf.base[i * ZT_P + SLOW_SECTOR]);
	EXPECT_TRUE(all(h, 0, ZT_P, 'o'));
	/* and a snapshot of all has what there is */
	h = snap(&self->bag, self->vmo);
	ZT_ASSERT_OK(zx_vmo_write(self->vmo, "q", 0, 1));
	EXPECT_TRUE(all(h, 0, SLOW_SECTOR, 'a'));
}

/* The mapping may be gone, the device goes on. */
TEST_F(snapshot_io, buffer_is_unmapped)
{
	struct slow_read read;
	zx_handle_t h;

	NEEDS_DISK();
	ASSERT_TRUE(slow_read_start(&self->disk, &read, self->buf.base, ZT_P));
	zt_view_close(&self->buf);
	h = snap(&self->bag, self->vmo);
	ASSERT_NE(0, h);
	EXPECT_TRUE(all(h, 0, ZT_P, 'o'));
	ASSERT_TRUE(slow_read_end(&self->disk, &read, 'd'));
	EXPECT_TRUE(all(h, 0, ZT_P, 'o'));
	EXPECT_TRUE(all(self->vmo, 0, ZT_P, 'd'));
	/* nor does a later snapshot change */
	h = snap(&self->bag, self->vmo);
	EXPECT_TRUE(all(h, 0, ZT_P, 'd'));
}

/* What goes to another VMO leaves the device behind. */
TEST_F(snapshot_io, page_is_transferred)
{
	zx_handle_t dst = zt_keep(&self->bag, zt_vmo(ZT_P, 0));
	struct slow_read read;

	NEEDS_DISK();
	NEEDS_PAGES();
	ASSERT_TRUE(slow_read_start(&self->disk, &read, self->buf.base, ZT_P));
	ZT_ASSERT_OK(zx_vmo_transfer_data(dst, 0, 0, ZT_P, self->vmo, 0));
	EXPECT_TRUE(all(dst, 0, ZT_P, 'o'));
	ASSERT_TRUE(slow_read_end(&self->disk, &read, 'd'));
	EXPECT_TRUE(all(dst, 0, ZT_P, 'o'));
	EXPECT_TRUE(all(self->vmo, 0, ZT_P, 0));
}

/* Nobody sees what the device writes to a page that the VMO has given up. */
TEST_F(snapshot_io, page_is_given_up)
{
	struct slow_read read;
	zx_handle_t h;

	NEEDS_DISK();
	NEEDS_PAGES();
	ASSERT_TRUE(slow_read_start(&self->disk, &read, self->buf.base, ZT_P));
	ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_ZERO, 0, ZT_P, NULL, 0));
	h = snap(&self->bag, self->vmo);
	ASSERT_NE(0, h);
	self->buf.base[7] = 'p';
	ASSERT_TRUE(slow_read_end(&self->disk, &read, 'd'));
	EXPECT_TRUE(all(h, 0, ZT_P, 0));
	EXPECT_TRUE(all(self->vmo, 0, 7, 0));
	EXPECT_EQ('p', zt_vmo_byte(self->vmo, 7));
}

TEST_HARNESS_MAIN
