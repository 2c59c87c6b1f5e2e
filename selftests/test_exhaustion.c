// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Who takes all there is gets an error and harms nobody else: memory of a
 * cgroup by mappings and regions, descriptors, nested regions; and what fails
 * on the way loses nothing.
 */
#include "kselftest_harness.h"
#include "zvm_vmar_test.h"

#include <sys/resource.h>

#define CGROUP "/sys/fs/cgroup"
#define DEPTH 4096

/* ------------------------------------------------------------------------
 * In a cgroup of a few MiB
 */
FIXTURE(small_group) {
	char path[96];
	struct zvm_stats before;
};

static bool group_file(const char *group, const char *file, const char *text)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", group, file);
	return vt_write_file(path, text);
}

static int64_t group_number(const char *group, const char *file)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", group, file);
	return vt_read_number(path);
}

FIXTURE_SETUP(small_group)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	vt_write_file(CGROUP "/cgroup.subtree_control", "+memory");
	snprintf(self->path, sizeof(self->path), CGROUP "/zvm-small-%d", getpid());
	if (mkdir(self->path, 0755) || group_number(self->path, "memory.current") < 0)
		SKIP(return, "no memory controller of cgroup v2 at " CGROUP);
}

FIXTURE_TEARDOWN(small_group)
{
	for (int i = 0; i < 300 && rmdir(self->path) && errno == EBUSY; i++)
		zt_sleep_ms(10);
}

enum what { MAPPINGS, REGIONS, HANDLES };

struct glutton {
	const char *group;
	enum what what;
};

/* Takes until it is refused; tells how much it got and what it was told then. */
static int take_all(int sock, void *arg)
{
	const struct glutton *g = arg;
	struct rlimit files = { 1 << 20, 1 << 20 };
	struct vt_region r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 1ull << 40);
	zx_handle_t vmo = zt_vmo(P, 0), h;
	zx_vaddr_t at;
	zx_status_t st = ZX_OK;
	uint64_t n;

	setrlimit(RLIMIT_NOFILE, &files);
	/* A page fault of ours, with the cgroup full, would be the end. */
	VT_CHECK(mlockall(MCL_CURRENT) == 0);
	VT_CHECK(group_file(g->group, "cgroup.procs", "0"));
	for (n = 0; st == ZX_OK && n < 4000000; n++) {
		switch (g->what) {
		case MAPPINGS:
			st = zx_vmar_map(r.h, ZT_RW, 0, vmo, 0, P, &at);
			break;
		case REGIONS:
			st = zx_vmar_allocate(r.h, VT_CAN_ALL, 0, P, &h, &at);
			if (st == ZX_OK)
				zx_handle_close(h);
			break;
		case HANDLES:
			st = zx_handle_duplicate(vmo, ZX_RIGHT_SAME_RIGHTS, &h);
			break;
		}
	}
	VT_CHECK_OK(zx_vmar_destroy(r.h));
	VT_CHECK_OK(zx_handle_close(vmo));
	VT_CHECK(vt_say(sock, n) && vt_say(sock, (uint64_t)st));
	return 0;
}

static void all_taken(struct __test_metadata *_metadata, FIXTURE_DATA(small_group) *self,
		      enum what what)
{
	struct glutton g = { self->path, what };
	struct vt_child c;
	uint64_t n, st;
	int status;

	ASSERT_TRUE(group_file(self->path, "memory.max", "33554432"));
	c = vt_spawn(take_all, &g);
	ASSERT_LT(0, c.pid);
	n = vt_hear(c.sock);
	st = vt_hear(c.sock);
	status = vt_join(&c);
	if (n == UINT64_MAX && what != MAPPINGS) {
		/* Linux asks for memory for files as for any other. */
		EXPECT_EQ(128 + SIGKILL, status);
		TH_LOG("killed by its cgroup");
	} else {
		EXPECT_EQ(0, status);
		EXPECT_LT(1000u, n);
		EXPECT_GT(4000000u, n);
		EXPECT_TRUE((zx_status_t)st == ZX_ERR_NO_MEMORY ||
			    (zx_status_t)st == ZX_ERR_NO_RESOURCES);
		TH_LOG("%d, then %s", (int)n, zx_status_get_string((zx_status_t)st));
	}
	ZT_EXPECT_NO_LEAK(&self->before);
}

TEST_F_TIMEOUT(small_group, mappings, 120)
{
	all_taken(_metadata, self, MAPPINGS);
}

TEST_F_TIMEOUT(small_group, regions, 120)
{
	all_taken(_metadata, self, REGIONS);
}

TEST_F_TIMEOUT(small_group, handles, 120)
{
	all_taken(_metadata, self, HANDLES);
}

/* ------------------------------------------------------------------------
 * What fails half way keeps nothing: its cgroup is empty when it has gone
 */
#define READS 500
#define READ_PAGES 16

static int fail_to_read(int sock ZT_UNUSED, void *arg)
{
	uint8_t *buf = mmap(NULL, 2 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);

	VT_CHECK(buf != MAP_FAILED && mprotect(buf + P, P, PROT_NONE) == 0);
	VT_CHECK(group_file(arg, "cgroup.procs", "0"));
	for (int i = 0; i < READS; i++) {
		zx_handle_t vmo = zt_vmo(READ_PAGES * P, 0);
		int fd = zvm_handle_to_fd(vmo);

		VT_CHECK_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 0, READ_PAGES * P, NULL, 0));
		/* Ends in the middle of the first page. */
		VT_CHECK(pread(fd, buf + P - 100, READ_PAGES * P, 0) == 100);
		VT_CHECK(zx_vmo_read(vmo, buf + P - 100, 0, READ_PAGES * P) != ZX_OK);
		VT_CHECK(pwrite(fd, buf + P - 100, READ_PAGES * P, 0) == 100);
		VT_CHECK_OK(zx_handle_close(vmo));
	}
	return 0;
}

TEST_F_TIMEOUT(small_group, failed_reads_lose_nothing, 120)
{
	struct vt_child c = vt_spawn(fail_to_read, self->path);
	int64_t left = -1;

	EXPECT_EQ(0, vt_join(&c));
	/* Charges travel in batches, and some memory is freed a moment later. */
	for (int i = 0; i < 100; i++) {
		left = group_number(self->path, "memory.current");
		if (left < (2 << 20))
			break;
		zt_sleep_ms(50);
	}
	/* All pages of the reads would be many times as much. */
	EXPECT_GT(2 << 20, left);
	TH_LOG("%d KiB left of %d", (int)(left >> 10), (int)(READS * READ_PAGES * P >> 10));
	ZT_EXPECT_NO_LEAK(&self->before);
}

/*
 * With the cgroup full, a page is given back and another one made, far from the
 * rest: sometimes there is memory for the page, but not for the nodes of the page
 * map that lead to it.
 */
#define APART (64ull << 20)

static int write_at_the_limit(int sock ZT_UNUSED, void *arg)
{
	zx_handle_t vmo = zt_vmo(1ull << 50, 0);
	uint64_t at = 0, refused = 0;

	VT_CHECK(mlockall(MCL_CURRENT) == 0);
	VT_CHECK(group_file(arg, "cgroup.procs", "0"));
	while (zx_vmo_write(vmo, "x", at, 1) == ZX_OK)
		at += APART;
	for (uint64_t i = 1; i < 3000 && i * APART < at; i++) {
		VT_CHECK_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, i * APART, P, NULL, 0));
		at += 1024 * APART;
		refused += zx_vmo_write(vmo, "x", at, 1) != ZX_OK;
	}
	VT_CHECK(refused > 10);
	/* Nothing is left but what can be seen. */
	VT_CHECK_OK(zx_handle_close(vmo));
	return 0;
}

TEST_F_TIMEOUT(small_group, writes_at_the_limit_lose_nothing, 120)
{
	struct vt_child c;

	ASSERT_TRUE(group_file(self->path, "memory.max", "33554432"));
	c = vt_spawn(write_at_the_limit, self->path);
	EXPECT_EQ(0, vt_join(&c));
	ZT_EXPECT_NO_LEAK(&self->before);
}

/* ------------------------------------------------------------------------
 * Depth
 */

/* As deep as it goes: everything works there, and one more is refused. */
TEST(R_111_nested_as_deep_as_it_goes)
{
	struct vt_region top = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 1ull << 36), r = top;
	zx_handle_t vmo = vt_tagged_vmo(7, 1, 0), h = ZX_HANDLE_INVALID;
	struct zvm_stats before = zt_stats();
	zx_vaddr_t at = 0;

	ASSERT_NE(ZX_HANDLE_INVALID, top.h);
	for (int depth = 1; depth < DEPTH; depth++) {
		struct vt_region child = vt_alloc(r.h, VT_CAN_ALL, r.len - P);

		ASSERT_NE(ZX_HANDLE_INVALID, child.h) TH_LOG("depth %d", depth);
		if (r.h != top.h)
			ZT_ASSERT_OK(zx_handle_close(r.h));
		r = child;
	}
	ZT_EXPECT_STATUS(ZX_ERR_NO_RESOURCES,
			 zx_vmar_allocate(r.h, VT_CAN_ALL, 0, P, &h, &at));
	ZT_ASSERT_OK(zx_vmar_map(r.h, ZT_RW, 0, vmo, 0, P, &at));
	EXPECT_EQ(vt_tag(7, 0), vt_load((void *)at));
	ZT_EXPECT_OK(zx_vmar_protect(r.h, VT_R, at, P));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_write((void *)at));
	EXPECT_EQ((size_t)DEPTH + 1, vt_maps_count(top.h));
	ZT_EXPECT_OK(zx_handle_close(r.h));
	/* All of it goes at one blow, by whoever is above. */
	ZT_EXPECT_OK(zx_vmar_destroy(top.h));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read((void *)at));
	ZT_EXPECT_OK(zx_handle_close(vmo));
	before.vmos--;
	before.handles--;
	before.pages--;
	before.page_nodes--;
	ZT_EXPECT_NO_LEAK(&before);
	ZT_EXPECT_OK(zx_handle_close(top.h));
}

TEST_HARNESS_MAIN
