// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * VMOs that want huge pages: folios come where they can, are mapped by one entry
 * where they can, and nothing else is to be seen of them.
 */
#include "kselftest_harness.h"
#include "folio_test.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define FOLIOS 4
#define LEN (FOLIOS * F)
#define SEED 3

FT_FIXTURE(folio, LEN)

static zx_handle_t snap(struct zt_bag *bag, zx_handle_t vmo, uint64_t offset, uint64_t size)
{
	zx_handle_t h = ZX_HANDLE_INVALID;

	if (zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, offset, size, &h) != ZX_OK)
		return 0;
	return zt_keep(bag, h);
}

/* Write the pattern through the mapping. */
#define FILL() zt_fill(self->p, LEN, 0, SEED)
#define HOLDS(from, to) ({ size_t from_ = (from);					\
	EXPECT_EQ(-1, zt_mismatch(self->p + from_, (to) - from_, from_, SEED)); })

/* ------------------------------------------------------------------------
 * How folios come
 */

TEST_F(folio, a_write_brings_one)
{
	self->p[F + 12345] = 7;
	ZT_EXPECT_U64(F, zt_committed(self->vmo));
	EXPECT_EQ(ft_kb_of(1), ft_huge_kb(self->p));
	EXPECT_TRUE(ft_is_compound(self->p + F + 12345));
	self->p[F] = 8;
	self->p[2 * F - 1] = 9;
	ZT_EXPECT_U64(F, zt_committed(self->vmo));
	EXPECT_EQ(7, zt_vmo_byte(self->vmo, F + 12345));
	EXPECT_EQ(8, zt_vmo_byte(self->vmo, F));
	EXPECT_EQ(9, zt_vmo_byte(self->vmo, 2 * F - 1));
	self->p[F] = self->p[F + 12345] = self->p[2 * F - 1] = 0;
	EXPECT_EQ(-1, zt_nonzero(self->p + F, F));
}

TEST_F(folio, so_does_commit_and_populating_maps)
{
	ZT_ASSERT_OK(zx_vmar_op_range(self->r.h, ZX_VMAR_OP_COMMIT, (zx_vaddr_t)self->p, LEN, NULL,
				      0));
	ZT_EXPECT_U64(LEN, zt_committed(self->vmo));
	EXPECT_EQ(ft_kb_of(FOLIOS), ft_huge_kb(self->p));
	FILL();
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, LEN, SEED));
}

TEST_F(folio, a_part_of_the_range_populates_all_of_the_folio)
{
	ZT_ASSERT_OK(zx_vmar_op_range(self->r.h, ZX_VMAR_OP_COMMIT, (zx_vaddr_t)self->p + F + P, P,
				      NULL, 0));
	ZT_EXPECT_U64(F, zt_committed(self->vmo));
	EXPECT_EQ(ft_kb_of(1), ft_huge_kb(self->p));
}

TEST_F(folio, so_does_a_write_call)
{
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, F + 100, 200, SEED));
	ZT_EXPECT_U64(F, zt_committed(self->vmo));
	EXPECT_EQ(0, ft_huge_kb(self->p));
	EXPECT_EQ(-1, zt_mismatch(self->p + F + 100, 200, F + 100, SEED));
	EXPECT_EQ(ft_kb_of(1), ft_huge_kb(self->p));
}

TEST_F(folio, reading_commits_nothing)
{
	EXPECT_EQ(0, self->p[F]);
	ZT_EXPECT_U64(0, zt_committed(self->vmo));
	/* but there is a page table now */
	self->p[F + P] = 1;
	self->p[F] = 2;
	EXPECT_EQ(2, zt_vmo_byte(self->vmo, F));
	EXPECT_EQ(1, zt_vmo_byte(self->vmo, F + P));
	ZT_EXPECT_U64(F, zt_committed(self->vmo));
}

TEST_F(folio, none_beyond_the_end_nor_for_others)
{
	zx_handle_t small = zt_keep(&self->bag, zt_vmo(F + P, HUGE));
	zx_handle_t plain = zt_keep(&self->bag, zt_vmo(F, 0));

	ZT_ASSERT_OK(zx_vmo_op_range(small, ZX_VMO_OP_COMMIT, F, P, NULL, 0));
	ZT_EXPECT_U64(P, zt_committed(small));
	ZT_ASSERT_OK(zx_vmo_op_range(small, ZX_VMO_OP_COMMIT, 0, P, NULL, 0));
	ZT_EXPECT_U64(F + P, zt_committed(small));
	ZT_ASSERT_OK(zx_vmo_op_range(plain, ZX_VMO_OP_COMMIT, 0, P, NULL, 0));
	ZT_EXPECT_U64(P, zt_committed(plain));
}

TEST_F(folio, a_mapping_is_placed_where_they_fit)
{
	unsigned int askew = 0;
	struct vt_region r;

	for (int i = 0; i < 8; i++) {
		r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 64 * F);
		ASSERT_NE(0, r.h);
		/* nothing to be had by it: anywhere, as others */
		askew += (uintptr_t)zt_map_at(r.h, self->vmo, P, F, ZT_RW) % F != 0;
		EXPECT_EQ(0, (uintptr_t)zt_map_at(r.h, self->vmo, F, 2 * F, ZT_RW) % F);
		ft_unmap(&r);
	}
	EXPECT_NE(0, askew);
	/* and where it does not fit at all, anywhere */
	r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, F);
	ASSERT_NE(0, r.h);
	EXPECT_NE(NULL, zt_map_at(r.h, self->vmo, 0, F, ZT_RW));
	ft_unmap(&r);
}

TEST_F(folio, a_mapping_askew_has_small_entries)
{
	zx_vaddr_t at;
	uint8_t *q;

	ZT_ASSERT_OK(zx_vmar_map(self->r.h, ZT_RW | ZX_VM_SPECIFIC,
				 (zx_vaddr_t)self->p + LEN + P - self->r.base, self->vmo, 0, 2 * F,
				 &at));
	q = (uint8_t *)at;
	FILL();
	EXPECT_EQ(ft_kb_of(FOLIOS), ft_huge_kb(self->p));
	EXPECT_EQ(-1, zt_mismatch(q, 2 * F, 0, SEED));
	q[F + P] ^= 1;
	EXPECT_EQ(q[F + P], self->p[F + P]);
	q[F + P] ^= 1;
	EXPECT_EQ(ft_kb_of(FOLIOS), ft_huge_kb(self->p));
	HOLDS(0, LEN);
	/* Linux would split what one has mapped, if it could */
	for (size_t at = 0; at < F; at += 16 * P)
		EXPECT_EQ(0, madvise(q + at, P, at % (32 * P) ? MADV_COLD : MADV_PAGEOUT));
	EXPECT_TRUE(ft_is_compound(q));
	HOLDS(0, LEN);
	/* the folio leaves both */
	ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, F, F, NULL, 0));
	EXPECT_EQ(-1, zt_nonzero(q + F, F));
	EXPECT_EQ(-1, zt_nonzero(self->p + F, F));
	HOLDS(0, F);
	HOLDS(2 * F, LEN);
}

/* ------------------------------------------------------------------------
 * Snapshots
 */

TEST_F(folio, snapshot_shares_and_both_sides_write)
{
	zx_handle_t s;
	zx_info_vmo_t info;
	uint8_t x = 0xee;

	FILL();
	s = snap(&self->bag, self->vmo, 0, LEN);
	ASSERT_NE(0, s);
	EXPECT_EQ(0, ft_huge_kb(self->p));
	info = zt_vmo_info(s);
	ZT_EXPECT_U64(LEN, info.committed_bytes);
	ZT_EXPECT_U64(LEN / 2, info.committed_scaled_bytes);
	ZT_EXPECT_U64(0, info.committed_private_bytes);
	ZT_EXPECT_U64(self->before.pages + LEN / P, zt_stats().pages);

	/* the parent, by a mapping that reads first */
	HOLDS(0, LEN);
	EXPECT_EQ(ft_kb_of(FOLIOS), ft_huge_kb(self->p));
	self->p[5] ^= 0xff;
	EXPECT_TRUE(zt_vmo_holds(s, 0, LEN, SEED));
	self->p[5] ^= 0xff;
	HOLDS(0, LEN);
	EXPECT_EQ(ft_kb_of(FOLIOS), ft_huge_kb(self->p));
	ZT_EXPECT_U64(self->before.pages + (LEN + F) / P, zt_stats().pages);
	info = zt_vmo_info(s);
	ZT_EXPECT_U64(F, info.committed_private_bytes);

	/* the child */
	ZT_ASSERT_OK(zx_vmo_write(s, &x, 2 * F + 77, 1));
	HOLDS(0, LEN);
	EXPECT_TRUE(zt_vmo_holds(s, 0, 2 * F + 77, SEED));
	EXPECT_TRUE(zt_vmo_holds(s, 2 * F + 78, LEN - 2 * F - 78, SEED));
	ZT_EXPECT_U64(self->before.pages + (LEN + 2 * F) / P, zt_stats().pages);

	/* who is left alone writes in place */
	ZT_ASSERT_OK(zx_handle_close(s));
	ZT_EXPECT_U64(self->before.pages + LEN / P, zt_stats().pages);
	for (size_t at = 0; at < LEN; at += F / 2)
		self->p[at] ^= 0xff;
	ZT_EXPECT_U64(self->before.pages + LEN / P, zt_stats().pages);
}

TEST_F(folio, all_mappings_follow_a_copy)
{
	uint8_t *plain = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED,
			      zvm_handle_to_fd(self->vmo), 0);
	struct vt_region r;
	uint8_t *other = ft_map(&r, self->vmo, LEN);

	ASSERT_NE(MAP_FAILED, (void *)plain);
	ASSERT_NE(NULL, other);
	FILL();
	ASSERT_NE(0, snap(&self->bag, self->vmo, 0, LEN));
	/* now each has read-only entries of the shared folios */
	for (size_t at = F; at < F + 2 * P; at += P) {
		EXPECT_EQ(self->p[at], plain[at]);
		EXPECT_EQ(self->p[at], other[at]);
	}
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, F, P, 9));
	EXPECT_EQ(-1, zt_mismatch(self->p + F, P, F, 9));
	EXPECT_EQ(-1, zt_mismatch(plain + F, P, F, 9));
	EXPECT_EQ(-1, zt_mismatch(other + F, P, F, 9));
	/* the whole folio is another one */
	self->p[F + P] ^= 0xff;
	EXPECT_EQ(self->p[F + P], plain[F + P]);
	EXPECT_EQ(self->p[F + P], other[F + P]);
	other[2 * F] ^= 0xff;
	EXPECT_EQ(other[2 * F], self->p[2 * F]);
	EXPECT_EQ(other[2 * F], plain[2 * F]);
	ft_unmap(&r);
	EXPECT_EQ(0, munmap(plain, LEN));
}

TEST_F(folio, snapshot_of_a_part)
{
	zx_handle_t s;

	FILL();
	s = snap(&self->bag, self->vmo, F / 2 + P, 2 * F);
	ASSERT_NE(0, s);
	ZT_EXPECT_U64(2 * F, zt_committed(s));
	/* one folio is shared, and of two others there are copies of a part */
	ZT_EXPECT_U64(self->before.pages + (LEN + F) / P, zt_stats().pages);
	for (size_t at = 0; at < LEN; at += P)
		self->p[at] ^= 0xff;
	for (size_t at = 0; at < 2 * F; at += F / 4) {
		char buf[P];

		ZT_ASSERT_OK(zx_vmo_read(s, buf, at, P));
		EXPECT_EQ(-1, zt_mismatch(buf, P, F / 2 + P + at, SEED));
	}
	ZT_ASSERT_OK(zx_handle_close(s));
	ZT_EXPECT_U64(self->before.pages + LEN / P, zt_stats().pages);
}

TEST_F(folio, many_snapshots_each_written)
{
	enum { N = 6 };
	zx_handle_t s[N];

	FILL();
	for (int i = 0; i < N; i++) {
		self->p[F] = (uint8_t)i;
		self->p[3 * F - 1] = (uint8_t)(i + 100);
		s[i] = snap(&self->bag, self->vmo, 0, LEN);
		ASSERT_NE(0, s[i]);
	}
	for (int i = 0; i < N; i++) {
		EXPECT_EQ(i, zt_vmo_byte(s[i], F));
		EXPECT_EQ(i + 100, zt_vmo_byte(s[i], 3 * F - 1));
		EXPECT_TRUE(zt_vmo_holds(s[i], F + 1, 2 * F - 2, SEED));
	}
	for (int i = 0; i < N; i += 2)
		ZT_ASSERT_OK(zx_handle_close(s[i]));
	for (int i = 1; i < N; i += 2)
		EXPECT_EQ(i, zt_vmo_byte(s[i], F));
}

/* ------------------------------------------------------------------------
 * A part of a folio
 */

TEST_F(folio, decommit_of_a_part_gives_back)
{
	FILL();
	ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, F + 3 * P, F, NULL, 0));
	ZT_EXPECT_U64(LEN - F, zt_committed(self->vmo));
	ZT_EXPECT_U64(self->before.pages + (LEN - F) / P, zt_stats().pages);
	HOLDS(0, F + 3 * P);
	EXPECT_EQ(-1, zt_nonzero(self->p + F + 3 * P, F));
	HOLDS(2 * F + 3 * P, LEN);
	self->p[F + 3 * P] = 1;
	EXPECT_EQ(1, zt_vmo_byte(self->vmo, F + 3 * P));
}

TEST_F(folio, decommit_inside_of_one)
{
	FILL();
	ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, F + 3 * P, 2 * P, NULL, 0));
	ZT_EXPECT_U64(LEN - 2 * P, zt_committed(self->vmo));
	HOLDS(0, F + 3 * P);
	EXPECT_EQ(-1, zt_nonzero(self->p + F + 3 * P, 2 * P));
	HOLDS(F + 5 * P, LEN);
}

TEST_F(folio, what_is_left_of_one_gets_pages_only)
{
	self->p[0] = 1;
	ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, P, LEN - P, NULL, 0));
	ZT_EXPECT_U64(P, zt_committed(self->vmo));
	self->p[100 * P] = 2;
	ZT_EXPECT_U64(2 * P, zt_committed(self->vmo));
	EXPECT_EQ(1, self->p[0]);
	EXPECT_EQ(1, zt_vmo_byte(self->vmo, 0));
	EXPECT_EQ(2, zt_vmo_byte(self->vmo, 100 * P));
	self->p[F] = 3;
	ZT_EXPECT_U64(F + 2 * P, zt_committed(self->vmo));
}

TEST_F(folio, zeroing_bytes_and_pages_of_a_shared_one)
{
	zx_handle_t s;

	FILL();
	s = snap(&self->bag, self->vmo, 0, LEN);
	ASSERT_NE(0, s);
	ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_ZERO, F + 100, F - 200, NULL, 0));
	HOLDS(0, F + 100);
	EXPECT_EQ(-1, zt_nonzero(self->p + F + 100, F - 200));
	HOLDS(2 * F - 100, LEN);
	EXPECT_TRUE(zt_vmo_holds(s, 0, LEN, SEED));
	ZT_EXPECT_U64(self->before.pages + LEN / P + 2, zt_stats().pages);
}

TEST_F(folio, shrink_and_grow)
{
	FILL();
	ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, F + 2 * P + 10));
	ZT_EXPECT_U64(F + 3 * P, zt_committed(self->vmo));
	HOLDS(0, F + 2 * P + 10);
	EXPECT_EQ(-1, zt_nonzero(self->p + F + 2 * P + 10, P - 10));
	ZT_EXPECT_FAULT(SIGBUS, zt_try_read(self->p + F + 3 * P));
	ZT_EXPECT_FAULT(SIGBUS, zt_try_write(self->p + 2 * F));
	ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, LEN));
	HOLDS(0, F + 2 * P + 10);
	EXPECT_EQ(-1, zt_nonzero(self->p + F + 2 * P + 10, LEN - F - 2 * P - 10));
}

TEST_F(folio, shrink_of_what_is_shared)
{
	zx_handle_t s;

	FILL();
	s = snap(&self->bag, self->vmo, 0, LEN);
	ASSERT_NE(0, s);
	ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, F + 2 * P + 10));
	ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, LEN));
	HOLDS(0, F + 2 * P + 10);
	EXPECT_EQ(-1, zt_nonzero(self->p + F + 2 * P + 10, LEN - F - 2 * P - 10));
	EXPECT_TRUE(zt_vmo_holds(s, 0, LEN, SEED));
}

TEST_F(folio, transfer_of_a_part_and_into_one)
{
	zx_handle_t to = zt_keep(&self->bag, zt_vmo(LEN, HUGE));
	char buf[P];

	FILL();
	ASSERT_EQ(0, zt_vmo_fill(to, 0, F, 9));
	ZT_ASSERT_OK(zx_vmo_transfer_data(to, 0, 5 * P, F, self->vmo, F + 7 * P));
	HOLDS(0, F + 7 * P);
	EXPECT_EQ(-1, zt_nonzero(self->p + F + 7 * P, F));
	HOLDS(2 * F + 7 * P, LEN);
	EXPECT_TRUE(zt_vmo_holds(to, 0, 5 * P, 9));
	for (size_t at = 0; at < F; at += P) {
		ZT_ASSERT_OK(zx_vmo_read(to, buf, 5 * P + at, P));
		ASSERT_EQ(-1, zt_mismatch(buf, P, F + 7 * P + at, SEED));
	}
	ZT_EXPECT_U64(LEN - F, zt_committed(self->vmo));
	/* within one VMO, and within one folio */
	ZT_ASSERT_OK(zx_vmo_transfer_data(self->vmo, 0, 3 * F, P, self->vmo, 3 * F + 2 * P));
	EXPECT_EQ(-1, zt_mismatch(self->p + 3 * F, P, 3 * F + 2 * P, SEED));
	EXPECT_EQ(-1, zt_nonzero(self->p + 3 * F + 2 * P, P));
	HOLDS(3 * F + P, 3 * F + 2 * P);
	HOLDS(3 * F + 3 * P, LEN);
}

TEST_F(folio, a_slice_outlives_its_parent)
{
	zx_handle_t slice, fixed = zt_keep(&self->bag, zt_vmo(2 * F, HUGE));

	ASSERT_EQ(0, zt_vmo_fill(fixed, 0, 2 * F, SEED));
	ZT_ASSERT_OK(zx_vmo_create_child(fixed, ZX_VMO_CHILD_SLICE, F - P, 2 * P, &slice));
	zt_keep(&self->bag, slice);
	ZT_ASSERT_OK(zx_handle_close(fixed));
	ZT_EXPECT_U64(self->before.pages + 2, zt_stats().pages);
	for (size_t at = 0; at < 2 * P; at++)
		ASSERT_EQ(zt_pattern(F - P + at, SEED), zt_vmo_byte(slice, at));
}

/* ------------------------------------------------------------------------
 * A part of a mapping
 */

TEST_F(folio, protect_of_a_part)
{
	FILL();
	ZT_ASSERT_OK(zx_vmar_protect(self->r.h, VT_R, (zx_vaddr_t)self->p + F + P, P));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(self->p + F + P));
	ZT_EXPECT_ACCESS(zt_try_write(self->p + F));
	ZT_EXPECT_ACCESS(zt_try_write(self->p + F + 2 * P));
	ZT_EXPECT_ACCESS(zt_try_read(self->p + F + P));
	ZT_ASSERT_OK(zx_vmar_protect(self->r.h, ZT_RW, (zx_vaddr_t)self->p + F + P, P));
	ZT_EXPECT_ACCESS(zt_try_write(self->p + F + P));
	/* all of it: read, then written again */
	FILL();
	ZT_ASSERT_OK(zx_vmar_protect(self->r.h, VT_R, (zx_vaddr_t)self->p, LEN));
	for (size_t at = 0; at < LEN; at += F)
		ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(self->p + at));
	HOLDS(0, LEN);
	/* read-only entries are there; half of one may be written from now on */
	ZT_ASSERT_OK(zx_vmar_protect(self->r.h, ZT_RW, (zx_vaddr_t)self->p + F / 2, F));
	ZT_ASSERT_OK(zx_vmar_op_range(self->r.h, ZX_VMAR_OP_MAP_RANGE, (zx_vaddr_t)self->p + F / 2,
				      F, NULL, 0));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(self->p + F / 2 - 1));
	ZT_EXPECT_ACCESS(zt_try_write(self->p + F / 2));
	HOLDS(0, F / 2);
	HOLDS(F / 2 + P, LEN);
}

TEST_F(folio, unmap_of_a_part)
{
	FILL();
	ZT_ASSERT_OK(zx_vmar_unmap(self->r.h, (zx_vaddr_t)self->p + F + P, P));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(self->p + F + P));
	HOLDS(0, F + P);
	HOLDS(F + 2 * P, LEN);
	EXPECT_EQ(ft_kb_of(FOLIOS - 1), ft_huge_kb(self->p));
	ZT_ASSERT_OK(zx_vmar_unmap(self->r.h, (zx_vaddr_t)self->p, F));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(self->p));
	HOLDS(F, F + P);
}

TEST_F(folio, plain_mmap_and_fork)
{
	uint8_t *q = mmap(NULL, LEN + F, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *at = (uint8_t *)(((uintptr_t)q + F - 1) & ~(F - 1));
	uint8_t *copy;
	int status;
	pid_t pid;

	ASSERT_EQ(at, mmap(at, LEN, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			   zvm_handle_to_fd(self->vmo), 0));
	zt_fill(at, LEN, 0, SEED);
	EXPECT_EQ(ft_kb_of(FOLIOS), ft_huge_kb(at));
	HOLDS(0, LEN);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (zt_mismatch(at, LEN, 0, SEED) != -1)
			_exit(1);
		at[F + 1] = 0x55;
		_exit(ft_huge_kb(at) == ft_kb_of(FOLIOS) ? 0 : 2);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0x55, self->p[F + 1]);
	/* Linux protects, moves and unmaps parts of it */
	ASSERT_EQ(0, mprotect(at + P, P, PROT_READ));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(at + P));
	ZT_EXPECT_ACCESS(zt_try_write(at + 2 * P));
	ASSERT_EQ(0, munmap(at + F + P, P));
	EXPECT_EQ(0x55, at[F + 1]);
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(at + F + P));
	EXPECT_EQ(0, madvise(at, F, MADV_DONTNEED));
	EXPECT_EQ(0, madvise(at + 2 * F, F / 2, MADV_COLD));
	EXPECT_EQ(0, madvise(at + 2 * F, F / 2, MADV_PAGEOUT));
	EXPECT_EQ(-1, zt_mismatch(at + 2 * F, F, 2 * F, SEED));
	/* a private one: what is written to is a page of its own */
	copy = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE, zvm_handle_to_fd(self->vmo), 0);
	ASSERT_NE(MAP_FAILED, (void *)copy);
	EXPECT_EQ(-1, zt_mismatch(copy + 2 * F, F, 2 * F, SEED));
	copy[2 * F] ^= 0xff;
	EXPECT_EQ(-1, zt_mismatch(at + 2 * F, F, 2 * F, SEED));
	EXPECT_EQ(0, munmap(copy, LEN));
	EXPECT_EQ(0, munmap(q, LEN + F));
}

/* ------------------------------------------------------------------------
 * Those who have references
 */

TEST_F(folio, what_a_pipe_has_does_not_change)
{
	struct iovec iov = { .iov_len = P };
	char buf[P];
	zx_handle_t s;
	int fd[2];
	uint8_t *c;
	struct vt_region r;

	FILL();
	s = snap(&self->bag, self->vmo, 0, LEN);
	ASSERT_NE(0, s);
	c = ft_map(&r, s, LEN);
	ASSERT_NE(NULL, c);
	ASSERT_EQ(0, pipe(fd));
	iov.iov_base = c + F + 5 * P;
	ASSERT_EQ((ssize_t)P, vmsplice(fd[1], &iov, 1, 0));
	ft_unmap(&r);
	ZT_ASSERT_OK(zx_handle_close(s));
	/* the parent is alone again, but for the pipe */
	memset(self->p + F, 0xaa, F);
	ASSERT_EQ((ssize_t)P, read(fd[0], buf, P));
	EXPECT_EQ(-1, zt_mismatch(buf, P, F + 5 * P, SEED));
	close(fd[0]);
	close(fd[1]);
	EXPECT_EQ(0xaa, zt_vmo_byte(self->vmo, F + 5 * P));
}

/* Who had a reference before the snapshot goes on with the parent's memory. */
TEST_F(folio, what_was_in_a_pipe_stays_the_parents)
{
	struct iovec iov = { .iov_base = self->p + F + 5 * P, .iov_len = P };
	char buf[P];
	zx_handle_t s;
	int fd[2];

	FILL();
	ASSERT_EQ(0, pipe(fd));
	ASSERT_EQ((ssize_t)P, vmsplice(fd[1], &iov, 1, 0));
	s = snap(&self->bag, self->vmo, 0, LEN);
	ASSERT_NE(0, s);
	memset(self->p + F, 0xaa, F);
	ASSERT_EQ((ssize_t)P, read(fd[0], buf, P));
	EXPECT_EQ(-1, zt_not_byte(buf, P, 0xaa));
	EXPECT_TRUE(zt_vmo_holds(s, 0, LEN, SEED));
	/* outside of the snapshot's range as well */
	ASSERT_EQ((ssize_t)P, vmsplice(fd[1], &iov, 1, 0));
	s = snap(&self->bag, self->vmo, 2 * F, F);
	ASSERT_NE(0, s);
	memset(self->p + F, 0xbb, F);
	ASSERT_EQ((ssize_t)P, read(fd[0], buf, P));
	EXPECT_EQ(-1, zt_not_byte(buf, P, 0xbb));
	close(fd[0]);
	close(fd[1]);
}

/* Who has a reference of a folio's page may write to it: it is not moved. */
TEST_F(folio, decommit_beside_a_page_in_use)
{
	struct iovec iov = { .iov_base = self->p + F + 5 * P, .iov_len = P };
	char buf[P];
	int fd[2];

	FILL();
	ASSERT_EQ(0, pipe(fd));
	ASSERT_EQ((ssize_t)P, vmsplice(fd[1], &iov, 1, 0));
	ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, F, P, NULL, 0));
	EXPECT_EQ(-1, zt_nonzero(self->p + F, P));
	HOLDS(F + P, LEN);
	self->p[F + 5 * P] = 0x77;
	ASSERT_EQ((ssize_t)P, read(fd[0], buf, P));
	EXPECT_EQ(0x77, (uint8_t)buf[0]);
	close(fd[0]);
	close(fd[1]);
	/* now it is */
	ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, F, P, NULL, 0));
	ZT_EXPECT_U64(LEN - P, zt_committed(self->vmo));
}

struct sleeper {
	uint32_t *word;
	long ret;
};

static void *sleeper_thread(void *arg)
{
	struct sleeper *s = arg;
	struct timespec limit = { .tv_sec = 20 };

	s->ret = syscall(SYS_futex, s->word, FUTEX_WAIT, 0, &limit, NULL, 0);
	return NULL;
}

/* Wake who sleeps at @word: a second at most until he has got to sleep. */
static long wake(uint32_t *word)
{
	for (int i = 0; i < 200; i++) {
		long n = syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);

		if (n)
			return n;
		zt_sleep_ms(5);
	}
	return 0;
}

TEST_F(folio, futex_across_snapshot_copy_and_decommit)
{
	uint32_t *word = (uint32_t *)(self->p + F + 9 * P + 64);
	struct sleeper s = { .word = word };
	pthread_t thread;

	for (int turn = 0; turn < 3; turn++) {
		memset(self->p + F, 0, F);
		/* the last reference of another process would do as well */
		ASSERT_EQ(0, pthread_create(&thread, NULL, sleeper_thread, &s));
		zt_sleep_ms(100);
		if (turn == 0) {
			ASSERT_NE(0, snap(&self->bag, self->vmo, 0, LEN));
			self->p[F] = 1;
		} else if (turn == 1) {
			ASSERT_NE(0, snap(&self->bag, self->vmo, 0, LEN));
			ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_ZERO, F, P, NULL, 0));
		} else {
			zt_empty(&self->bag);
			self->vmo = zt_keep(&self->bag, zt_vmo(LEN, HUGE | ZX_VMO_RESIZABLE));
		}
		EXPECT_EQ(1, wake(word)) TH_LOG("turn %d", turn);
		ASSERT_EQ(0, pthread_join(thread, NULL));
		EXPECT_EQ(0, s.ret) TH_LOG("turn %d", turn);
	}
}

/* Two words in one folio are two futexes, also in VMOs that share it. */
TEST_F(folio, futexes_of_a_folio_are_told_apart)
{
	struct sleeper s = { .word = (uint32_t *)(self->p + F + 3 * P) };
	pthread_t thread;

	self->p[F] = 0;
	ASSERT_EQ(0, pthread_create(&thread, NULL, sleeper_thread, &s));
	zt_sleep_ms(100);
	for (size_t page = 0; page < F_PAGES; page++) {
		uint8_t *word = self->p + F + page * P;

		if (page != 3)
			ASSERT_EQ(0, syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0));
	}
	EXPECT_EQ(1, wake(s.word));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, s.ret);
}

TEST_HARNESS_MAIN
