// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * userfaultfd(2) on memory of ours, and the page table scans that go with it.
 * To handle faults in user space is refused. Some kernels (they are asked) can
 * track writes, here to plain mmap(2)s of a VMO, by
 * UFFD_FEATURE_WP_ASYNC: then no write is missed, and taking write protection
 * back gives nobody more than the permissions. core_ptes.h has the scene.
 */
#include "kselftest_harness.h"
#include "core_ptes.h"

#include <linux/userfaultfd.h>

/* Newer than the headers that this may be built with. */
#define WP_UNPOPULATED (1ull << 13)
#define WP_ASYNC (1ull << 15)
#define MODE_MINOR (1ull << 2)

struct scan_region {
	uint64_t start, end, categories;
};

struct scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t inverted, mask, anyof, wanted;
};

#define SCAN _IOWR('f', 16, struct scan_arg)
#define SCAN_PROTECT 1
#define IS_WRITTEN 2

FIXTURE(core_uffd) {
	struct cp_scene s;
	int fd, pagemap;
	bool async;		/* the kernel has WP_ASYNC ... */
	bool tracks;		/* ... and allows it for plain mappings of VMOs */
};

static bool has_async(int fd)
{
	struct uffdio_api api = { .api = UFFD_API, .features = WP_ASYNC | WP_UNPOPULATED };

	return !ioctl(fd, UFFDIO_API, &api);
}

static int uffd_register(int fd, const void *p, size_t len, uint64_t mode)
{
	struct uffdio_register reg = { .range = { (uintptr_t)p, len }, .mode = mode };

	return ioctl(fd, UFFDIO_REGISTER, &reg);
}

static int unregister(int fd, const void *p, size_t len)
{
	struct uffdio_range range = { (uintptr_t)p, len };

	return ioctl(fd, UFFDIO_UNREGISTER, &range);
}

static int protect(int fd, const void *p, size_t len, bool on)
{
	struct uffdio_writeprotect wp = {
		.range = { (uintptr_t)p, len }, .mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	return ioctl(fd, UFFDIO_WRITEPROTECT, &wp);
}

/* The views that can be written or were: read-only handles are refused. */
static const int plain[] = { CP_PLAIN_RW, CP_PLAIN_DIRTY, CP_PRIVATE };

static bool register_plain(int fd, struct cp_scene *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (uffd_register(fd, s->view[plain[i]], CP_LEN, UFFDIO_REGISTER_MODE_WP))
			return false;
	return true;
}

FIXTURE_SETUP(core_uffd)
{
	struct cp_verdict v;

	self->fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (self->fd < 0)
		SKIP(return, "no userfaultfd");
	self->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->pagemap);
	ASSERT_TRUE(cp_make(&self->s));
	self->async = has_async(self->fd);
	if (self->async)
		self->tracks = register_plain(self->fd, &self->s);
	ASSERT_TRUE(cp_check(&self->s, &v)) {
		TH_LOG("at the start: %s", v.text);
	}
}

FIXTURE_TEARDOWN(core_uffd)
{
	if (!self->s.r.h)
		return;
	close(self->fd);
	CP_EXPECT(&self->s, "closing the userfaultfd");
	EXPECT_TRUE(cp_end(&self->s));
	ZT_EXPECT_NO_LEAK(&self->s.before);
}

TEST_F_TIMEOUT(core_uffd, other_modes_are_refused, 60)
{
	static const uint64_t modes[] = {
		UFFDIO_REGISTER_MODE_MISSING, MODE_MINOR,
		UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP,
		UFFDIO_REGISTER_MODE_WP,
	};
	uint8_t *control = mmap(NULL, CP_LEN, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_api api = { .api = UFFD_API };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	/* One that does not ask for asynchronous tracking. */
	ASSERT_EQ(0, ioctl(fd, UFFDIO_API, &api));
	/* Not every architecture has write protection. */
	EXPECT_EQ(0, uffd_register(fd, control, CP_LEN, modes[api.features &
						UFFD_FEATURE_PAGEFAULT_FLAG_WP ? 2 : 0]));
	for (size_t k = 0; k < ARRAY_SIZE(modes); k++) {
		for (int i = 0; i < CP_VIEWS; i++) {
			EXPECT_EQ(-1, uffd_register(fd, self->s.view[i], CP_LEN, modes[k])) {
				TH_LOG("\"%s\", mode %d", cp_kinds[i].name, (int)modes[k]);
			}
			/* What is registered, any of them may protect. */
			EXPECT_TRUE((self->tracks && !cp_kinds[i].arena) ||
				    protect(fd, self->s.view[i], CP_LEN, true) == -1);
			CP_EXPECT(&self->s, "mode %d of \"%s\"", (int)modes[k], cp_kinds[i].name);
		}
		EXPECT_EQ(-1, uffd_register(fd, (void *)self->s.root.base, self->s.root.len,
					    modes[k]));
	}
	CP_EXPECT(&self->s, "registering the whole arena");
	close(fd);
	munmap(control, CP_LEN);
}

/* Write protection comes and goes; permissions are the mapping's all the time. */
TEST_F_TIMEOUT(core_uffd, protecting_and_back, 60)
{
	if (!self->tracks)
		SKIP(return, "%s", self->async ? "tracking is refused" : "no WP_ASYNC");
	for (size_t k = 0; k < ARRAY_SIZE(plain); k++) {
		uint8_t *p = self->s.view[plain[k]];
		const char *name = cp_kinds[plain[k]].name;

		EXPECT_EQ(0, protect(self->fd, p, CP_LEN, true));
		CP_EXPECT(&self->s, "protecting \"%s\"", name);
		EXPECT_EQ(0, protect(self->fd, p, CP_LEN, true));
		EXPECT_EQ(0, protect(self->fd, p, CP_LEN, false));
		CP_EXPECT(&self->s, "unprotecting \"%s\"", name);
		EXPECT_EQ(0, protect(self->fd, p, CP_LEN, true));
		EXPECT_EQ(0, unregister(self->fd, p, CP_LEN));
		CP_EXPECT(&self->s, "unregistering \"%s\"", name);
	}
}

/*
 * Linux leaves marks where a protected page was unmapped. They must not keep the
 * page from coming back.
 */
TEST_F_TIMEOUT(core_uffd, pages_come_and_go_under_it, 60)
{
	if (!self->tracks)
		SKIP(return, "%s", self->async ? "tracking is refused" : "no WP_ASYNC");
	for (int round = 0; round < 6; round++) {
		uint8_t *p = self->s.view[plain[round % 3]];
		int seen;

		EXPECT_EQ(0, protect(self->fd, p, CP_LEN, true));
		ZT_ASSERT_OK(zx_vmo_op_range(self->s.full, ZX_VMO_OP_DECOMMIT, 0, CP_LEN, NULL, 0));
		if (round >= 3)
			EXPECT_EQ(0, madvise(p, CP_LEN, MADV_DONTNEED));
		/* And where there has been no page at all. */
		EXPECT_EQ(0, protect(self->fd, p, CP_LEN, true));
		for (int page = CP_PAGES - 1; page >= 0; page--) {
			seen = vt_load(p + page * P);
			EXPECT_TRUE(!seen || (round == 2 && !page));
			if (cp_kinds[plain[round % 3]].write)
				EXPECT_EQ(0, zt_try_store(p + page * P + 1, 6));
		}
		ASSERT_EQ(0, zt_vmo_fill(self->s.full, 0, CP_LEN, CP_SEED));
		EXPECT_TRUE(cp_arm(&self->s));
		CP_EXPECT(&self->s, "decommit under \"%s\"", cp_kinds[plain[round % 3]].name);
	}
}

/* Which pages have been written since the last time; they are protected again. */
static int64_t written(int pagemap, const uint8_t *p)
{
	struct scan_region vec[CP_PAGES];
	struct scan_arg arg = {
		.size = sizeof(arg), .flags = SCAN_PROTECT, .start = (uintptr_t)p,
		.end = (uintptr_t)p + CP_LEN, .vec = (uintptr_t)vec, .vec_len = CP_PAGES,
		.mask = IS_WRITTEN, .wanted = IS_WRITTEN,
	};
	int n = ioctl(pagemap, SCAN, &arg);
	int64_t mask = 0;

	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++)
		for (uint64_t at = vec[i].start; at < vec[i].end; at += P)
			mask |= 1 << (at - (uintptr_t)p) / P;
	return mask;
}

TEST_F_TIMEOUT(core_uffd, scans_see_every_write, 60)
{
	uint8_t *p = self->s.view[CP_PLAIN_RW];

	if (!self->tracks)
		SKIP(return, "%s", self->async ? "tracking is refused" : "no WP_ASYNC");
	ASSERT_LE(0, written(self->pagemap, p));
	EXPECT_EQ(0, written(self->pagemap, p));
	/* In all orders, so that each page is also a neighbour of one before. */
	for (int i = 0; i < 2 * CP_PAGES; i++) {
		int64_t want = 0, got;

		for (int n = 0; n < 2; n++) {
			int page = (i + n * (1 + i / CP_PAGES)) % CP_PAGES;
			uint8_t byte = 0;

			ASSERT_EQ(0, zt_try_load(p + page * P, &byte));
			ASSERT_EQ(0, zt_try_store(p + page * P, byte));
			want |= 1 << page;
		}
		got = written(self->pagemap, p);
		EXPECT_EQ(want, got & want) {
			TH_LOG("written %" PRIx64 ", seen %" PRIx64, want, got);
		}
	}
	/* Through a page that was taken away and came back. */
	written(self->pagemap, p);
	ZT_ASSERT_OK(zx_vmo_op_range(self->s.full, ZX_VMO_OP_DECOMMIT, P, P, NULL, 0));
	ASSERT_EQ(0, zt_try_store(p + P, 0));
	EXPECT_EQ(2, written(self->pagemap, p) & 2);
	ASSERT_EQ(0, zt_vmo_fill(self->s.full, 0, CP_LEN, CP_SEED));
	EXPECT_TRUE(cp_arm(&self->s));
	/* And those that have nothing to see. */
	for (int i = 0; i < CP_VIEWS; i++) {
		written(self->pagemap, self->s.view[i]);
		CP_EXPECT(&self->s, "scans of \"%s\"", cp_kinds[i].name);
	}
}

TEST_F_TIMEOUT(core_uffd, under_load, 90)
{
	uint64_t seed = 4, end = zt_now_ns() + 4000000000u;
	unsigned int acts = 0;

	if (!self->tracks)
		SKIP(return, "%s", self->async ? "tracking is refused" : "no WP_ASYNC");
	while (zt_now_ns() < end) {
		struct cp_noise noise;

		ASSERT_TRUE(cp_noise_start(&noise, &self->s));
		for (int i = 0; i < 40; i++, acts++) {
			uint8_t *p = self->s.view[vt_below(&seed, CP_VIEWS)];

			switch (vt_below(&seed, 3)) {
			case 0:
				protect(self->fd, p, CP_LEN, vt_below(&seed, 2));
				break;
			case 1:
				written(self->pagemap, p);
				break;
			case 2:
				vt_write_file("/proc/self/clear_refs", "4");
				break;
			}
		}
		cp_noise_wait(&noise, 20);
		EXPECT_EQ(NULL, cp_noise_stop(&noise)) {
			TH_LOG("%s", noise.wrong);
			break;
		}
		CP_EXPECT(&self->s, "%u acts", acts);
	}
	TH_LOG("%u acts", acts);
}

TEST_HARNESS_MAIN
