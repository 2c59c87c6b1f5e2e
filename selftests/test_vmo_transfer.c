// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * zx_vmo_transfer_data: its checks, and where the bytes go.
 */
#include "kselftest_harness.h"
#include "zvm_test.h"

#define N 20

FIXTURE(transfer)
{
	struct zvm_stats before;
	struct zt_bag bag;
	zx_handle_t src;	/* N pages, every third absent, pattern 1 */
	zx_handle_t dst;	/* N pages, pattern 2 */
	struct zt_view s;
	struct zt_view d;
};

FIXTURE_VARIANT(transfer)
{
	enum zt_way way;
};

FIXTURE_VARIANT_ADD(transfer, calls) { .way = ZT_CALLS };
FIXTURE_VARIANT_ADD(transfer, mapping) { .way = ZT_MAPPING };
FIXTURE_VARIANT_ADD(transfer, mmap) { .way = ZT_MMAP };

static bool absent(unsigned int page)
{
	return page % 3 == 2;
}

FIXTURE_SETUP(transfer)
{
	uint8_t byte;

	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->src = zt_keep(&self->bag, zt_vmo(N * ZT_P, 0));
	self->dst = zt_keep(&self->bag, zt_vmo(N * ZT_P, 0));
	ASSERT_EQ(0, zt_view_open(&self->s, variant->way, self->src, N * ZT_P));
	ASSERT_EQ(0, zt_view_open(&self->d, variant->way, self->dst, N * ZT_P));
	for (unsigned int i = 0; i < N; i++) {
		if (!absent(i))
			ASSERT_EQ(0, zt_view_fill(&self->s, i * ZT_P, ZT_P, 1));
		/* and a PTE everywhere */
		ASSERT_EQ(0, zt_view_get(&self->s, i * ZT_P, &byte, 1));
	}
	ASSERT_EQ(0, zt_view_fill(&self->d, 0, N * ZT_P, 2));
}

FIXTURE_TEARDOWN(transfer)
{
	zt_view_close(&self->s);
	zt_view_close(&self->d);
	zt_empty(&self->bag);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

/* Does page @i of @v hold what page @j of the source had? */
static bool holds(struct zt_view *v, unsigned int i, unsigned int j)
{
	uint8_t buf[ZT_P];

	if (zt_view_get(v, i * ZT_P, buf, ZT_P))
		return false;
	return absent(j) ? zt_nonzero(buf, ZT_P) < 0 : zt_mismatch(buf, ZT_P, j * ZT_P, 1) < 0;
}

static zx_status_t move(zx_handle_t dst, unsigned int to, zx_handle_t src, unsigned int from,
			unsigned int pages)
{
	return zx_vmo_transfer_data(dst, 0, to * ZT_P, pages * ZT_P, src, from * ZT_P);
}

TEST_F(transfer, V_258_V_259_before_the_handles)
{
	for (unsigned int bit = 0; bit < 32; bit++)
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 zx_vmo_transfer_data(0, 1u << bit, 0, 0, 0, 0));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmo_transfer_data(0, 0, 1, 0, 0, 0));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmo_transfer_data(0, 0, 0, 1, 0, 0));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmo_transfer_data(0, 0, 0, 0, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_transfer_data(0, 0, 0, 0, self->src, 0));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_transfer_data(self->dst, 0, 0, 0, 0, 0));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
			 zx_vmo_transfer_data(zx_vmar_root_self(), 0, 0, 0, self->src, 0));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
			 zx_vmo_transfer_data(self->dst, 0, 0, 0, zx_vmar_root_self(), 0));
}

TEST_F(transfer, V_260_rights)
{
	zx_handle_t d = zt_keep(&self->bag, zt_without(self->dst, ZX_RIGHT_WRITE));
	zx_handle_t r = zt_keep(&self->bag, zt_without(self->src, ZX_RIGHT_READ));
	zx_handle_t w = zt_keep(&self->bag, zt_without(self->src, ZX_RIGHT_WRITE));
	zx_handle_t only = zt_keep(&self->bag, zt_dup(self->dst, ZX_RIGHT_WRITE));

	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, move(d, 0, self->src, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, move(self->dst, 0, r, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, move(self->dst, 0, w, 0, 1));
	/* the target comes first */
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, move(d, 0, 0, 0, 1));
	EXPECT_TRUE(zt_view_holds(&self->d, 0, N * ZT_P, 2));
	ZT_EXPECT_OK(move(only, 0, self->src, 0, 1));
	EXPECT_TRUE(holds(&self->d, 0, 0));
}

TEST_F(transfer, V_261_V_262_moves)
{
	uint64_t pages = zt_stats().pages;

	ZT_EXPECT_OK(move(self->dst, 5, self->src, 2, 10));
	for (unsigned int i = 0; i < N; i++) {
		EXPECT_TRUE(i < 5 || i >= 15 ? zt_view_holds(&self->d, i * ZT_P, ZT_P, 2) :
			    holds(&self->d, i, i - 3)) TH_LOG("target %u", i);
		EXPECT_TRUE(i < 2 || i >= 12 ? holds(&self->s, i, i) :
			    zt_view_zero(&self->s, i * ZT_P, ZT_P)) TH_LOG("source %u", i);
	}
	/* nothing is copied: ten of the target's pages are gone, none is new */
	ZT_EXPECT_U64(pages - 10, zt_stats().pages);
	/* both go on as they were */
	ASSERT_EQ(0, zt_view_fill(&self->s, 0, N * ZT_P, 3));
	ASSERT_EQ(0, zt_view_fill(&self->d, 0, N * ZT_P, 4));
	EXPECT_TRUE(zt_view_holds(&self->s, 0, N * ZT_P, 3));
	EXPECT_TRUE(zt_view_holds(&self->d, 0, N * ZT_P, 4));
}

TEST_F(transfer, V_263_onto_itself)
{
	ZT_EXPECT_OK(zx_vmo_transfer_data(self->src, 0, ZT_P, 1ull << 62, self->src, ZT_P));
	for (unsigned int i = 0; i < N; i++)
		EXPECT_TRUE(holds(&self->s, i, i));
}

TEST_F(transfer, V_264_overlap_upwards)
{
	ZT_EXPECT_OK(move(self->src, 7, self->src, 2, 10));
	for (unsigned int i = 0; i < N; i++) {
		EXPECT_TRUE(i >= 7 && i < 17 ? holds(&self->s, i, i - 5) :
			    i >= 2 && i < 12 ? zt_view_zero(&self->s, i * ZT_P, ZT_P) :
			    holds(&self->s, i, i)) TH_LOG("page %u", i);
	}
}

TEST_F(transfer, V_264_overlap_downwards)
{
	ZT_EXPECT_OK(move(self->src, 2, self->src, 7, 10));
	for (unsigned int i = 0; i < N; i++) {
		EXPECT_TRUE(i >= 2 && i < 12 ? holds(&self->s, i, i + 5) :
			    i >= 7 && i < 17 ? zt_view_zero(&self->s, i * ZT_P, ZT_P) :
			    holds(&self->s, i, i)) TH_LOG("page %u", i);
	}
}

/* More than is moved in one go. */
TEST_F(transfer, V_264_long)
{
	enum { LONG = 300 };

	for (int up = 0; up < 2; up++) {
		zx_handle_t h = zt_vmo(2 * LONG * ZT_P, 0);
		unsigned int from = up ? 0 : 7, to = up ? 7 : 0;

		for (unsigned int i = 0; i < LONG; i++) {
			uint32_t v = i + 1;

			ASSERT_EQ(ZX_OK, zx_vmo_write(h, &v, (from + i) * ZT_P, sizeof(v)));
		}
		ZT_EXPECT_OK(move(h, to, h, from, LONG));
		for (unsigned int i = 0; i < LONG; i++) {
			uint32_t v = 0;

			ASSERT_EQ(ZX_OK, zx_vmo_read(h, &v, (to + i) * ZT_P, sizeof(v)));
			ASSERT_EQ(i + 1, v);
		}
		EXPECT_TRUE(zt_vmo_zero(h, (up ? 0 : LONG) * ZT_P, 7 * ZT_P));
		ZT_EXPECT_U64(LONG * ZT_P, zt_committed(h));
		ZT_ASSERT_OK(zx_handle_close(h));
	}
}

/* Where there is nothing, its size does not matter; in both directions. */
TEST_F(transfer, large_holes)
{
	const uint64_t at[] = { 0, 5 * ZT_P, 1ull << 30, (1ull << 60) - ZT_P };
	const uint64_t shift[] = { ZT_P, 1ull << 40 }, len = 1ull << 60;
	zx_handle_t a = zt_keep(&self->bag, zt_vmo(0, ZX_VMO_UNBOUNDED));
	zx_handle_t b = zt_keep(&self->bag, zt_vmo(0, ZX_VMO_UNBOUNDED));
	uint64_t v;

	for (uint64_t i = 0; i < ARRAY_SIZE(at); i++) {
		v = i + 1;
		ASSERT_EQ(ZX_OK, zx_vmo_write(a, &v, at[i], sizeof(v)));
		/* what is to be overwritten */
		ASSERT_EQ(ZX_OK, zx_vmo_write(b, &v, at[i] + 7 * ZT_P, sizeof(v)));
	}
	ZT_EXPECT_OK(zx_vmo_transfer_data(b, 0, 3 * ZT_P, len, a, 0));
	ZT_EXPECT_U64(0, zt_committed(a));
	/* up and down, over itself: the last lies beyond the first's end */
	for (unsigned int s = 0; s < ARRAY_SIZE(shift); s++) {
		ZT_EXPECT_OK(zx_vmo_transfer_data(b, 0, 3 * ZT_P + shift[s], len, b, 3 * ZT_P));
		for (uint64_t i = 0; i < ARRAY_SIZE(at); i++) {
			v = 0;
			ASSERT_EQ(ZX_OK, zx_vmo_read(b, &v, at[i] + 3 * ZT_P + shift[s],
						     sizeof(v)));
			ZT_EXPECT_U64(i + 1, v);
		}
		ZT_EXPECT_OK(zx_vmo_transfer_data(b, 0, 3 * ZT_P, len, b, 3 * ZT_P + shift[s]));
	}
	for (uint64_t i = 0; i < ARRAY_SIZE(at); i++) {
		v = 0;
		ASSERT_EQ(ZX_OK, zx_vmo_read(b, &v, at[i] + 3 * ZT_P, sizeof(v)));
		ZT_EXPECT_U64(i + 1, v);
	}
	/* all of its own have been overwritten */
	ZT_EXPECT_U64(4 * ZT_P, zt_committed(b));
}

/* Who has got pages of the source for a pipe keeps just those, not the target's. */
TEST_F(transfer, others_keep_no_page_of_the_target)
{
	uint8_t buf[ZT_P], *p = zt_map(self->src, 0, ZT_P, ZT_RW);
	struct iovec iov = { p, ZT_P };
	int pipes[2];

	ASSERT_TRUE(p);
	ASSERT_EQ(0, pipe(pipes));
	/* it is the source's own, proven by a write */
	ASSERT_EQ(0, zt_view_fill(&self->s, 0, ZT_P, 1));
	ASSERT_EQ((ssize_t)ZT_P, vmsplice(pipes[1], &iov, 1, 0));
	ZT_EXPECT_OK(move(self->dst, 0, self->src, 0, 1));
	EXPECT_TRUE(holds(&self->d, 0, 0));
	ASSERT_EQ(0, zt_view_fill(&self->d, 0, ZT_P, 3));
	ASSERT_EQ((ssize_t)ZT_P, read(pipes[0], buf, ZT_P));
	EXPECT_GT(0, zt_mismatch(buf, ZT_P, 0, 1));
	close(pipes[0]);
	close(pipes[1]);
	ZT_EXPECT_OK(zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)p, ZT_P));
}

TEST_F(transfer, V_265_ranges)
{
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, move(self->dst, 0, self->src, 1, N));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, move(self->dst, 1, self->src, 0, N));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE,
			 zx_vmo_transfer_data(self->dst, 0, 0, 2 * ZT_P, self->src, 0 - ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE,
			 zx_vmo_transfer_data(self->dst, 0, 0 - ZT_P, 2 * ZT_P, self->src, 0));
	EXPECT_TRUE(zt_view_holds(&self->d, 0, N * ZT_P, 2));
	for (unsigned int i = 0; i < N; i++)
		EXPECT_TRUE(holds(&self->s, i, i));
	ZT_EXPECT_OK(move(self->dst, 0, self->src, 0, N));
}

TEST_F(transfer, V_266_nothing)
{
	ZT_EXPECT_OK(move(self->dst, 3, self->src, 4, 0));
	ZT_EXPECT_OK(move(self->dst, N, self->src, N, 0));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, move(self->dst, N + 1, self->src, 0, 0));
	EXPECT_TRUE(zt_view_holds(&self->d, 0, N * ZT_P, 2));
}

/* What is absent costs nothing, however much it is. */
TEST_F(transfer, almost_nothing_of_much)
{
	zx_handle_t src = zt_keep(&self->bag, zt_vmo(0, ZX_VMO_UNBOUNDED));
	zx_handle_t dst = zt_keep(&self->bag, zt_vmo(0, ZX_VMO_UNBOUNDED));
	const uint64_t much = 1ull << 60, there[] = { 0, 77 * ZT_P, 1ull << 50, much - ZT_P };

	for (size_t i = 0; i < ARRAY_SIZE(there); i++) {
		ZT_ASSERT_OK(zx_vmo_write(src, "a", there[i], 1));
		ZT_ASSERT_OK(zx_vmo_write(dst, "b", there[i] + ZT_P, 1));
	}
	ZT_ASSERT_OK(zx_vmo_transfer_data(dst, 0, ZT_P, much, src, 0));
	for (size_t i = 0; i < ARRAY_SIZE(there); i++)
		EXPECT_EQ('a', zt_vmo_byte(dst, there[i] + ZT_P));
	ZT_EXPECT_U64(ARRAY_SIZE(there) * ZT_P, zt_committed(dst));
	ZT_EXPECT_U64(0, zt_committed(src));
}

TEST_F(transfer, V_268_relatives_keep_theirs)
{
	zx_handle_t from_snap, to_snap;
	struct zt_view f, t;

	ZT_ASSERT_OK(zx_vmo_create_child(self->src, ZX_VMO_CHILD_SNAPSHOT, 0, N * ZT_P,
					 &from_snap));
	ZT_ASSERT_OK(zx_vmo_create_child(self->dst, ZX_VMO_CHILD_SNAPSHOT, 0, N * ZT_P, &to_snap));
	zt_keep(&self->bag, from_snap);
	zt_keep(&self->bag, to_snap);
	ASSERT_EQ(0, zt_view_open(&f, variant->way, from_snap, N * ZT_P));
	ASSERT_EQ(0, zt_view_open(&t, variant->way, to_snap, N * ZT_P));
	/* out of a VMO with a child, into one that is a child */
	ZT_EXPECT_OK(move(to_snap, 1, self->src, 0, 10));
	for (unsigned int i = 0; i < N; i++) {
		EXPECT_TRUE(holds(&f, i, i));
		EXPECT_TRUE(i < 10 ? zt_view_zero(&self->s, i * ZT_P, ZT_P) :
			    holds(&self->s, i, i));
		EXPECT_TRUE(i > 0 && i < 11 ? holds(&t, i, i - 1) :
			    zt_view_holds(&t, i * ZT_P, ZT_P, 2));
	}
	EXPECT_TRUE(zt_view_holds(&self->d, 0, N * ZT_P, 2));
	zt_view_close(&f);
	zt_view_close(&t);
}

TEST_F(transfer, between_views_of_one_store)
{
	zx_handle_t slice, ref;

	ZT_ASSERT_OK(zx_vmo_create_child(self->src, ZX_VMO_CHILD_SLICE, 4 * ZT_P, 8 * ZT_P,
					 &slice));
	ZT_ASSERT_OK(zx_vmo_create_child(self->src, ZX_VMO_CHILD_REFERENCE, 0, 0, &ref));
	zt_keep(&self->bag, slice);
	zt_keep(&self->bag, ref);
	/* the same place by other names */
	ZT_EXPECT_OK(move(slice, 0, self->src, 4, 8));
	ZT_EXPECT_OK(move(ref, 0, self->src, 0, N));
	for (unsigned int i = 0; i < N; i++)
		EXPECT_TRUE(holds(&self->s, i, i));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, move(self->dst, 0, slice, 1, 8));
	ZT_EXPECT_OK(move(slice, 1, ref, 0, 3));
	for (unsigned int i = 0; i < 3; i++)
		EXPECT_TRUE(holds(&self->s, 5 + i, i));
	EXPECT_TRUE(zt_view_zero(&self->s, 0, 3 * ZT_P));
}

/* Both ways at once, between the same two: no deadlock, and no byte is lost. */
struct ring {
	zx_handle_t a, b;
	int turns;
};

static void *ring_thread(void *arg)
{
	struct ring *r = arg;

	for (int i = 0; i < r->turns; i++) {
		move(r->b, i % N, r->a, i % N, 1);
		move(r->a, i % N, r->b, i % N, 1);
	}
	return NULL;
}

TEST_F(transfer, both_ways_at_once)
{
	struct ring r[] = { { self->src, self->dst, 500 }, { self->dst, self->src, 500 } };
	uint64_t pages = zt_stats().pages;
	pthread_t t[2];

	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL, ring_thread, &r[i]));
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	/* what one moved onto the other's was replaced, nothing came to be */
	EXPECT_GE(pages, zt_stats().pages);
	for (unsigned int i = 0; i < N; i++) {
		uint8_t buf[ZT_P];

		ASSERT_EQ(0, zt_view_get(&self->d, i * ZT_P, buf, ZT_P));
		EXPECT_TRUE(zt_nonzero(buf, ZT_P) < 0 || zt_mismatch(buf, ZT_P, i * ZT_P, 1) < 0 ||
			    zt_mismatch(buf, ZT_P, i * ZT_P, 2) < 0);
	}
}

TEST_HARNESS_MAIN
