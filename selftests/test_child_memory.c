// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * What children cost: nothing but themselves as long as nobody writes; and no
 * page is ever kept that no VMO shows.
 */
#include "kselftest_harness.h"
#include "zvm_test.h"

#include <sys/resource.h>

#define SNAPSHOT	ZX_VMO_CHILD_SNAPSHOT
#define RESIZABLE	ZX_VMO_CHILD_RESIZABLE

FIXTURE(child_memory)
{
	struct zvm_stats before;
};

FIXTURE_SETUP(child_memory)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
}

FIXTURE_TEARDOWN(child_memory)
{
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

/* ------------------------------------------------------------------------
 * Live snapshots
 */
static int64_t slab_bytes(void)
{
	return 1024 * zt_proc_field("/proc/meminfo", "Slab");
}

static void many(struct __test_metadata *_metadata, bool nested)
{
	enum { MANY = 4000 };
	struct rlimit rl = { 2 * MANY + 100, 2 * MANY + 100 };
	zx_handle_t vmo, *h = calloc(2 * MANY, sizeof(*h));
	struct zvm_stats then;
	int64_t slab, each, plain;

	ASSERT_NE(NULL, h);
	if (setrlimit(RLIMIT_NOFILE, &rl))
		SKIP(return, "needs %d descriptors", 2 * MANY);
	vmo = zt_vmo(2000 * ZT_P, 0);
	ZT_ASSERT_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 0, 2000 * ZT_P, NULL, 0));
	then = zt_stats();
	slab = slab_bytes();
	for (int i = 0; i < MANY; i++)
		ZT_ASSERT_OK(zx_vmo_create_child(nested && i ? h[i - 1] : vmo, SNAPSHOT, 0,
						 2000 * ZT_P, &h[i]));
	each = (slab_bytes() - slab) / MANY;
	ZT_EXPECT_U64(then.pages, zt_stats().pages);
	ZT_EXPECT_U64(then.page_nodes, zt_stats().page_nodes);
	/* What an object is by itself, which on a kernel with checkers is more. */
	slab = slab_bytes();
	for (int i = MANY; i < 2 * MANY; i++)
		ASSERT_NE(0u, h[i] = zt_vmo(2000 * ZT_P, 0));
	plain = (slab_bytes() - slab) / MANY;
	TH_LOG("%d bytes each, %d a VMO that is no child", (int)each, (int)plain);
	EXPECT_LT(each, 1024 + plain);
	for (int i = 0; i < 2 * MANY; i++)
		ZT_ASSERT_OK(zx_handle_close(h[i]));
	ZT_ASSERT_OK(zx_handle_close(vmo));
	free(h);
}

TEST_F(child_memory, live_snapshots)
{
	many(_metadata, false);
}

TEST_F(child_memory, live_nested_snapshots)
{
	many(_metadata, true);
}

/* One page of it is written: that page, and the nodes on the way. */
TEST_F(child_memory, a_written_page)
{
	zx_handle_t vmo = zt_vmo(2000 * ZT_P, 0), h;
	struct zvm_stats then, now;

	ZT_ASSERT_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 0, 2000 * ZT_P, NULL, 0));
	ZT_ASSERT_OK(zx_vmo_create_child(vmo, SNAPSHOT, 0, 2000 * ZT_P, &h));
	then = zt_stats();
	ZT_ASSERT_OK(zx_vmo_write(h, "x", 1000 * ZT_P, 1));
	now = zt_stats();
	ZT_EXPECT_U64(then.pages + 1, now.pages);
	/* 2,000 pages are 125 leaves, which are 4 nodes, below one */
	ZT_EXPECT_U64(then.page_nodes + 3, now.page_nodes);
	ZT_ASSERT_OK(zx_handle_close(h));
	ZT_EXPECT_U64(then.page_nodes, zt_stats().page_nodes);
	ZT_ASSERT_OK(zx_handle_close(vmo));
}

/* ------------------------------------------------------------------------
 * Families at random. Each write leaves a mark that there was never before, so
 * there are as many pages as different marks that can be seen.
 */
enum { MEMBERS = 10, PAGES = 40, MARKS = 1 << 16 };

enum act { SNAP, PART, SLICE, REFERENCE, WRITE, ZERO, DECOMMIT, RESIZE, MOVE, CLOSE, ACTS };

struct family {
	zx_handle_t h[MEMBERS];
	unsigned int seed;
	uint32_t last_mark;
	unsigned int done[ACTS];
	uint8_t seen[MARKS / 8];
};

static unsigned int below(struct family *f, unsigned int n)
{
	return (rand_r(&f->seed) >> 4) % n;
}

static uint32_t mark_at(zx_handle_t h, uint64_t page)
{
	uint32_t mark = 0;

	return zx_vmo_read(h, &mark, page * zt_page() + 8, sizeof(mark)) == ZX_OK ? mark : 0;
}

static zx_status_t put_mark(struct family *f, zx_handle_t h, uint64_t page)
{
	uint32_t mark = ++f->last_mark;

	return zx_vmo_write(h, &mark, page * zt_page() + 8, sizeof(mark));
}

/* How many different pages do the members show? */
static uint64_t visible(struct family *f)
{
	uint64_t n = 0;

	memset(f->seen, 0, sizeof(f->seen));
	for (int i = 0; i < MEMBERS; i++) {
		uint64_t pages = f->h[i] ? zt_size(f->h[i]) / zt_page() : 0;

		for (uint64_t p = 0; p < pages; p++) {
			uint32_t mark = mark_at(f->h[i], p);

			if (!mark || f->seen[mark / 8] & 1 << mark % 8)
				continue;
			f->seen[mark / 8] |= 1 << mark % 8;
			n++;
		}
	}
	return n;
}

/* A random act, which may be refused. */
static void act(struct family *f)
{
	unsigned int who = below(f, MEMBERS), other = below(f, MEMBERS), act = below(f, ACTS + 6);
	uint64_t p = zt_page(), page = below(f, PAGES), n = 1 + below(f, PAGES);
	uint32_t options = below(f, 3) ? SNAPSHOT : SNAPSHOT | RESIZABLE;
	zx_handle_t h, *to = &f->h[other];
	zx_status_t status = ZX_ERR_BAD_HANDLE;

	/* writing is what most of them do */
	if (act >= ACTS)
		act = WRITE;
	while (!f->h[who])
		who = below(f, MEMBERS);
	h = f->h[who];
	if (act <= REFERENCE && *to)
		return;
	switch (act) {
	case SNAP:
		status = zx_vmo_create_child(h, options, 0, PAGES * p, to);
		break;
	case PART:
		status = zx_vmo_create_child(h, options, page * p, n * p, to);
		break;
	case SLICE:
		page = below(f, zt_size(h) / p + 1);
		n = below(f, zt_size(h) / p - page + 1);
		status = zx_vmo_create_child(h, ZX_VMO_CHILD_SLICE, page * p, n * p, to);
		break;
	case REFERENCE:
		status = zx_vmo_create_child(h, ZX_VMO_CHILD_REFERENCE, 0, 0, to);
		break;
	case WRITE:
		status = put_mark(f, h, page);
		break;
	case ZERO:
		status = zx_vmo_op_range(h, ZX_VMO_OP_ZERO, page * p, n % 8 * p, NULL, 0);
		break;
	case DECOMMIT:
		status = zx_vmo_op_range(h, ZX_VMO_OP_DECOMMIT, page * p, n % 8 * p, NULL, 0);
		break;
	case RESIZE:
		status = zx_vmo_set_size(h, n * p);
		break;
	case MOVE:
		n %= 8;
		if (!*to)
			return;
		status = zx_vmo_transfer_data(*to, 0, page * p, n * p, h, below(f, PAGES) * p);
		/* what is shared is copied, and then has the same mark */
		for (; !status && n; n--)
			if (mark_at(*to, page + n - 1))
				put_mark(f, *to, page + n - 1);
		break;
	case CLOSE:
		status = zx_handle_close(h);
		f->h[who] = 0;
		break;
	}
	f->done[act] += status == ZX_OK;
}

static void family(struct __test_metadata *_metadata, unsigned int seed)
{
	struct family *f = calloc(1, sizeof(*f));
	struct zvm_stats before = zt_stats(), now;

	ASSERT_NE(NULL, f);
	f->seed = seed;
	for (int turn = 0; turn < 1000; turn++) {
		uint64_t n;

		if (!f->h[0])
			f->h[0] = zt_vmo(PAGES * ZT_P, turn % 4 ? 0 : ZX_VMO_RESIZABLE);
		act(f);
		n = visible(f);
		ASSERT_EQ(before.pages + n, zt_stats().pages) TH_LOG("seed %u turn %d", seed, turn);
	}
	for (int i = 0; i < MEMBERS; i++)
		if (f->h[i])
			ZT_ASSERT_OK(zx_handle_close(f->h[i]));
	for (int a = 0; a < ACTS; a++) {
		EXPECT_LT(1u, f->done[a]) TH_LOG("act %d", a);
	}
	EXPECT_TRUE(zt_stats_back(&before, &now));
	free(f);
}

TEST_F_TIMEOUT(child_memory, no_page_that_nobody_shows_1, 120)
{
	family(_metadata, 1);
}

TEST_F_TIMEOUT(child_memory, no_page_that_nobody_shows_2, 120)
{
	family(_metadata, 2);
}

TEST_HARNESS_MAIN
