// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * What Linux may do to our page table entries on its own or when told to by its
 * own calls: advice, protection, locks, soft-dirty tracking, swapping, merging,
 * compaction. Whatever it is, no read-only mapping becomes writable or
 * executable, no page is lost, and nothing hangs. core_ptes.h has the scene.
 */
#include "kselftest_harness.h"
#include "core_ptes.h"

#include <linux/mempolicy.h>
#include <sys/swap.h>

#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#define NR_MSEAL 462

FIXTURE(core_ptes) {
	struct cp_scene s;
};

FIXTURE_SETUP(core_ptes)
{
	struct cp_verdict v;

	ASSERT_TRUE(cp_make(&self->s));
	ASSERT_TRUE(cp_check(&self->s, &v)) {
		TH_LOG("at the start: %s", v.text);
	}
}

FIXTURE_TEARDOWN(core_ptes)
{
	EXPECT_TRUE(cp_end(&self->s));
	ZT_EXPECT_NO_LEAK(&self->s.before);
}

/* ------------------------------------------------------------------------
 * Advice
 */
#define MADV_(name, nr) { nr, name }
static const struct {
	int nr;
	const char *name;
} advices[] = {
	MADV_("NORMAL", MADV_NORMAL), MADV_("RANDOM", MADV_RANDOM),
	MADV_("SEQUENTIAL", MADV_SEQUENTIAL), MADV_("WILLNEED", MADV_WILLNEED),
	MADV_("DONTNEED", MADV_DONTNEED), MADV_("FREE", MADV_FREE),
	MADV_("REMOVE", MADV_REMOVE), MADV_("DOFORK", MADV_DOFORK),
	MADV_("DONTFORK", MADV_DONTFORK), MADV_("MERGEABLE", MADV_MERGEABLE),
	MADV_("UNMERGEABLE", MADV_UNMERGEABLE), MADV_("HUGEPAGE", MADV_HUGEPAGE),
	MADV_("NOHUGEPAGE", MADV_NOHUGEPAGE), MADV_("DODUMP", MADV_DODUMP),
	MADV_("DONTDUMP", MADV_DONTDUMP), MADV_("WIPEONFORK", MADV_WIPEONFORK),
	MADV_("KEEPONFORK", MADV_KEEPONFORK), MADV_("COLD", MADV_COLD),
	MADV_("PAGEOUT", MADV_PAGEOUT), MADV_("POPULATE_READ", MADV_POPULATE_READ),
	MADV_("POPULATE_WRITE", MADV_POPULATE_WRITE), MADV_("DONTNEED_LOCKED", 24),
	MADV_("COLLAPSE", 25), MADV_("GUARD_INSTALL", 102), MADV_("GUARD_REMOVE", 103),
};

/* Advice that makes Linux drop what is private, as it should. */
static bool drops_private(int advice)
{
	return advice == MADV_DONTNEED || advice == 24 || advice == 102;
}

TEST_F_TIMEOUT(core_ptes, advice, 120)
{
	for (size_t k = 0; k < ARRAY_SIZE(advices); k++) {
		for (int i = 0; i < CP_VIEWS; i++) {
			int ret, err;

			if (i == CP_PRIVATE && drops_private(advices[k].nr))
				continue;
			errno = 0;
			ret = madvise(self->s.view[i], CP_LEN, advices[k].nr);
			err = errno;
			switch (advices[k].nr) {
			case MADV_REMOVE:
			case 25: /* MADV_COLLAPSE */
				/* Nobody cuts holes in our files or puts their pages together. */
				EXPECT_EQ(-1, ret) {
					TH_LOG("MADV_%s of \"%s\"", advices[k].name,
					       cp_kinds[i].name);
				}
				break;
			case MADV_POPULATE_READ:
				EXPECT_EQ(cp_kinds[i].read ? 0 : -1, ret) {
					TH_LOG("\"%s\": errno %d", cp_kinds[i].name, err);
				}
				break;
			case MADV_POPULATE_WRITE:
				EXPECT_EQ(cp_kinds[i].write ? 0 : -1, ret) {
					TH_LOG("\"%s\": errno %d", cp_kinds[i].name, err);
				}
				/* The one that is meant to commit memory. */
				if (i == CP_ARENA_ZERO_RW) {
					ZT_EXPECT_U64(CP_LEN, zt_committed(self->s.empty));
					EXPECT_TRUE(cp_arm(&self->s));
				}
				break;
			}
			CP_EXPECT(&self->s, "MADV_%s of \"%s\"", advices[k].name, cp_kinds[i].name);
		}
	}
}

/* Another process gives the advice. */
TEST_F_TIMEOUT(core_ptes, process_madvise, 60)
{
	static const int nr[] = { MADV_WILLNEED, MADV_COLD, MADV_PAGEOUT, 25 };
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	ASSERT_LE(0, pidfd);
	for (size_t k = 0; k < ARRAY_SIZE(nr); k++) {
		struct iovec iov[CP_VIEWS];
		int status = -1;
		pid_t pid;

		for (int i = 0; i < CP_VIEWS; i++)
			iov[i] = (struct iovec){ self->s.view[i], CP_LEN };
		pid = fork();
		if (!pid) {
			long done = 0;

			alarm(20);
			/* One by one: the first that is refused would end it. */
			for (int i = 0; i < CP_VIEWS; i++)
				done += syscall(SYS_process_madvise, pidfd, iov + i, 1, nr[k], 0) > 0;
			_exit(done ? 0 : 7);
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		/* Told to put huge pages together: refused for each. */
		EXPECT_EQ(nr[k] == 25 ? 7 << 8 : 0, status);
		CP_EXPECT(&self->s, "process_madvise %d", nr[k]);
	}
	close(pidfd);
}

/* ------------------------------------------------------------------------
 * Protection
 */
TEST_F(core_ptes, mprotect)
{
	static const int prot[] = {
		PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE, PROT_WRITE,
		PROT_READ | PROT_EXEC, PROT_READ | PROT_WRITE | PROT_EXEC,
	};

	for (size_t k = 0; k < ARRAY_SIZE(prot); k++)
		for (int i = 0; i < CP_VIEWS; i++) {
			if (!cp_kinds[i].arena && i != CP_PLAIN_R)
				continue;
			/* The handle has not got WRITE: read-only, or less, is all there is. */
			if (i == CP_PLAIN_R && !(prot[k] & (PROT_WRITE | PROT_EXEC))) {
				EXPECT_EQ(0, mprotect(self->s.view[i], CP_LEN, prot[k]));
				EXPECT_EQ(0, mprotect(self->s.view[i], CP_LEN, PROT_READ));
			} else {
				EXPECT_EQ(-1, mprotect(self->s.view[i], CP_LEN, prot[k])) {
					TH_LOG("\"%s\": %d", cp_kinds[i].name, prot[k]);
				}
			}
			CP_EXPECT(&self->s, "mprotect %d of \"%s\"", prot[k], cp_kinds[i].name);
		}
	EXPECT_EQ(-1, mprotect(self->s.code, 2 * P, PROT_READ | PROT_EXEC));
	EXPECT_EQ(-1, syscall(SYS_pkey_mprotect, self->s.code, 2 * P, PROT_READ | PROT_EXEC, 0));
	CP_EXPECT(&self->s, "mprotect of the code");
}

/*
 * A plain mapping goes from R to RW while its dirty entries are there, and the
 * page under it is another one by then.
 */
TEST_F(core_ptes, mprotect_after_the_page_has_gone)
{
	uint8_t *p = self->s.view[CP_PLAIN_DIRTY];
	uint64_t pages = zt_stats().pages;

	for (int round = 0; round < 20; round++) {
		ZT_ASSERT_OK(zx_vmo_op_range(self->s.full, ZX_VMO_OP_DECOMMIT, 0, CP_LEN, NULL, 0));
		ZT_EXPECT_U64(pages - CP_PAGES, zt_stats().pages);
		if (round & 1) {
			EXPECT_EQ(0, zt_try_read(p));
		}
		EXPECT_EQ(0, mprotect(p, CP_LEN, PROT_READ | PROT_WRITE));
		EXPECT_EQ(0, zt_try_store(p + 5, 7));
		EXPECT_EQ(7, zt_vmo_byte(self->s.full, 5));
		EXPECT_EQ(7, vt_load(self->s.view[CP_ARENA_R] + 5));
		ZT_EXPECT_U64(P, zt_committed(self->s.full));
		EXPECT_EQ(0, mprotect(p, CP_LEN, PROT_READ));
		ASSERT_EQ(0, zt_vmo_fill(self->s.full, 0, CP_LEN, CP_SEED));
		CP_EXPECT(&self->s, "round %d", round);
	}
}

/* VMAs that may not be changed any more: calls of ours go on, or fail cleanly. */
static int sealed(void *arg ZT_UNUSED)
{
	struct cp_verdict v;
	struct cp_scene s;

	VT_CHECK(cp_make(&s));
	if (syscall(NR_MSEAL, s.root.base, s.root.len, 0))
		return 4;
	VT_CHECK(!syscall(NR_MSEAL, s.view[CP_PLAIN_R], CP_LEN, 0));
	VT_CHECK(cp_check(&s, &v));
	/* Would be given back to Linux in pieces. */
	for (int i = 0; i < 64; i++) {
		zx_handle_t h;
		zx_vaddr_t addr;

		VT_CHECK_OK(zx_vmar_allocate(s.root.h, VT_CAN_ALL, 0, 64ul << 20, &h, &addr));
		for (int k = 0; k < 16; k++)
			VT_CHECK_OK(zx_vmar_map(h, ZT_RW | ZX_VM_SPECIFIC, k * (4ul << 20),
						s.empty, 0, P, &addr));
		VT_CHECK(!zt_try_read((void *)addr));
		VT_CHECK_OK(zx_vmar_destroy(h));
		VT_CHECK(zt_try_read((void *)addr) == SIGSEGV);
		VT_CHECK_OK(zx_handle_close(h));
	}
	VT_CHECK(cp_check(&s, &v));
	return 0;
}

TEST_F_TIMEOUT(core_ptes, mseal, 60)
{
	int ret = zt_fork_run(sealed, NULL);

	if (ret == 4)
		SKIP(return, "no mseal(2)");
	EXPECT_EQ(0, ret);
	CP_EXPECT(&self->s, "mseal elsewhere");
}

/* ------------------------------------------------------------------------
 * Moving, locking, syncing
 */
TEST_F(core_ptes, mremap_there_and_back)
{
	for (int i = 0; i < CP_VIEWS; i++) {
		uint8_t *p = self->s.view[i], *at;
		uint8_t *other = mmap(NULL, CP_LEN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		ASSERT_NE(MAP_FAILED, other);
		/* Grown it would show more than has been asked for. */
		EXPECT_EQ(MAP_FAILED, mremap(p, CP_LEN, 2 * CP_LEN, MREMAP_MAYMOVE));
		at = mremap(p, CP_LEN, CP_LEN, MREMAP_MAYMOVE | MREMAP_FIXED, other);
		if (cp_kinds[i].arena) {
			EXPECT_EQ(MAP_FAILED, (void *)at);
		} else {
			ASSERT_EQ(other, at);
			if (!cp_kinds[i].write) {
				ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(at));
			}
			EXPECT_TRUE(cp_page_is(at, 0, cp_seed(i, 0)));
			ASSERT_EQ(p, mremap(at, CP_LEN, CP_LEN, MREMAP_MAYMOVE | MREMAP_FIXED, p));
		}
		munmap(other, CP_LEN);
		CP_EXPECT(&self->s, "mremap of \"%s\"", cp_kinds[i].name);
	}
}

TEST_F(core_ptes, mlock_msync)
{
	unsigned char vec[CP_PAGES];

	for (int i = 0; i < CP_VIEWS; i++) {
		uint8_t *p = self->s.view[i];

		mlock(p, CP_LEN);
		CP_EXPECT(&self->s, "mlock of \"%s\"", cp_kinds[i].name);
		mlock2(p, CP_LEN, MLOCK_ONFAULT);
		CP_EXPECT(&self->s, "mlock2 of \"%s\"", cp_kinds[i].name);
		munlock(p, CP_LEN);
		EXPECT_EQ(0, mincore(p, CP_LEN, vec));
		msync(p, CP_LEN, MS_ASYNC);
		msync(p, CP_LEN, MS_SYNC | MS_INVALIDATE);
		if (cp_kinds[i].arena)
			syscall(SYS_remap_file_pages, p, P, 0, 1, 0);
		CP_EXPECT(&self->s, "msync of \"%s\"", cp_kinds[i].name);
	}
	EXPECT_EQ(0, mlockall(MCL_CURRENT | MCL_FUTURE));
	CP_EXPECT(&self->s, "mlockall");
	EXPECT_EQ(0, munlockall());
	CP_EXPECT(&self->s, "munlockall");
}

/* ------------------------------------------------------------------------
 * Writing by force: what FOLL_FORCE of the kernel gives to debuggers
 */
TEST_F(core_ptes, forced_writes)
{
	int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	uint8_t was[16], evil[16];

	ASSERT_LE(0, mem);
	memset(evil, 0xee, sizeof(evil));
	for (int i = 0; i < CP_VIEWS; i++) {
		uint8_t *p = self->s.view[i] + P + 200;
		struct iovec from = { evil, sizeof(evil) }, to = { p, sizeof(evil) };
		bool mine = cp_kinds[i].write || i == CP_PRIVATE;

		EXPECT_EQ(cp_kinds[i].read ? (ssize_t)sizeof(was) : -1,
			  pread(mem, was, sizeof(was), (off_t)p));
		EXPECT_EQ(mine ? (ssize_t)sizeof(evil) : -1,
			  pwrite(mem, evil, sizeof(evil), (off_t)p)) {
			TH_LOG("/proc/self/mem into \"%s\"", cp_kinds[i].name);
		}
		if (mine)
			memcpy(p, was, sizeof(was));
		EXPECT_EQ(mine ? (ssize_t)sizeof(evil) : -1,
			  process_vm_writev(getpid(), &from, 1, &to, 1, 0)) {
			TH_LOG("process_vm_writev into \"%s\"", cp_kinds[i].name);
		}
		if (mine)
			memcpy(p, was, sizeof(was));
		EXPECT_TRUE(cp_arm(&self->s));
		CP_EXPECT(&self->s, "writes by force into \"%s\"", cp_kinds[i].name);
	}
	close(mem);
}

/* The kernel fills a user's buffer: a read-only one is a bad one. */
TEST_F(core_ptes, direct_io_into_them)
{
	int fd = open("/dev/ram0", O_RDONLY | O_DIRECT | O_CLOEXEC);

	if (fd < 0)
		SKIP(return, "no /dev/ram0");
	for (int i = 0; i < CP_VIEWS; i++) {
		if (cp_kinds[i].write)
			continue;
		errno = 0;
		EXPECT_EQ(-1, pread(fd, self->s.view[i], CP_LEN, 0));
		EXPECT_EQ(EFAULT, errno) {
			TH_LOG("\"%s\"", cp_kinds[i].name);
		}
		CP_EXPECT(&self->s, "O_DIRECT into \"%s\"", cp_kinds[i].name);
	}
	close(fd);
}

/* Pages given away to a pipe stay the VMO's. */
TEST_F(core_ptes, vmsplice_gift)
{
	int fd[2], null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	uint8_t *buf = malloc(CP_LEN);

	ASSERT_EQ(0, pipe(fd));
	for (int i = 0; i < CP_VIEWS; i++) {
		struct iovec iov = { self->s.view[i], CP_LEN };
		ssize_t n = vmsplice(fd[1], &iov, 1, SPLICE_F_GIFT);

		EXPECT_EQ(cp_kinds[i].read ? (ssize_t)CP_LEN : -1, n);
		CP_EXPECT(&self->s, "a gift of \"%s\"", cp_kinds[i].name);
		if (n < 0)
			continue;
		/* Moved on to whoever would keep the page, and read. */
		EXPECT_EQ((ssize_t)P, splice(fd[0], NULL, null, NULL, P, SPLICE_F_MOVE));
		EXPECT_EQ((ssize_t)(n - P), read(fd[0], buf, CP_LEN));
		CP_EXPECT(&self->s, "taking the gift of \"%s\"", cp_kinds[i].name);
	}
	free(buf);
	close(fd[0]);
	close(fd[1]);
	close(null);
}

/* ------------------------------------------------------------------------
 * Tracking: what checkpoints and migration of processes do
 */
#define PM_SOFT_DIRTY (1ull << 55)

static int soft_dirty(const void *addr)
{
	uint64_t entry;

	return pp_entry(addr, &entry) ? !!(entry & PM_SOFT_DIRTY) : -1;
}

/* Does this kernel have the bits? */
static bool soft_dirty_works(void)
{
	volatile uint8_t *p = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				   -1, 0);
	bool works;

	p[0] = 1;
	works = vt_write_file("/proc/self/clear_refs", "4") && !soft_dirty((void *)p);
	p[0] = 2;
	works = works && soft_dirty((void *)p) == 1;
	munmap((void *)p, P);
	return works;
}

TEST_F_TIMEOUT(core_ptes, clear_refs, 60)
{
	for (int round = 0; round < 10; round++) {
		char text[2] = { (char)('1' + round % 5), 0 };

		EXPECT_TRUE(vt_write_file("/proc/self/clear_refs", text));
		CP_EXPECT(&self->s, "clear_refs %s", text);
	}
}

/*
 * Who copies what is soft-dirty must get all that was written since. How the
 * page came to be mapped does not matter.
 */
TEST_F(core_ptes, soft_dirty_sees_every_write)
{
	static const char *const before[] = { "mapped", "unmapped", "read after it was unmapped" };
	static const int views[] = { CP_ARENA_RW, CP_ARENA_ZERO_RW, CP_PLAIN_RW };

	if (!soft_dirty_works())
		SKIP(return, "no soft-dirty bits");
	for (size_t k = 0; k < ARRAY_SIZE(views); k++)
		for (int how = 0; how < 3; how++) {
			uint8_t *p = self->s.view[views[k]];

			if (how && cp_kinds[views[k]].arena) {
				/* No PTE is left by this. */
				ZT_ASSERT_OK(zx_vmar_protect(self->s.r.h, 0, (zx_vaddr_t)p, CP_LEN));
				ZT_ASSERT_OK(zx_vmar_protect(self->s.r.h, ZT_RW, (zx_vaddr_t)p,
							     CP_LEN));
			} else if (how) {
				ASSERT_EQ(0, madvise(p, CP_LEN, MADV_DONTNEED));
			}
			ASSERT_TRUE(vt_write_file("/proc/self/clear_refs", "4"));
			if (how == 2) {
				ASSERT_TRUE(cp_touch(p, false));
			} else {
				EXPECT_EQ(0, soft_dirty(p + P)) {
					TH_LOG("\"%s\" that is %s: dirty after clearing",
					       cp_kinds[views[k]].name, before[how]);
				}
			}
			ASSERT_EQ(0, zt_try_store(p + P, cp_kinds[views[k]].zero ? 0 :
						  zt_pattern(P, CP_SEED)));
			EXPECT_EQ(1, soft_dirty(p + P)) {
				TH_LOG("\"%s\" that was %s: a write went unseen",
				       cp_kinds[views[k]].name, before[how]);
			}
			ASSERT_TRUE(cp_arm(&self->s));
			CP_EXPECT(&self->s, "soft-dirty tracking");
		}
}

/* Everything that /proc tells of the pages is read, over and over. */
static bool read_file(const char *path, off_t from, size_t len)
{
	uint8_t *buf = malloc(len);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0;
	size_t got = 0;

	while (ok && got < len) {
		ssize_t n = from < 0 ? read(fd, buf, len) :
				       pread(fd, buf + got, len - got, from + (off_t)got);

		if (n <= 0)
			break;
		got += (size_t)n;
	}
	close(fd);
	free(buf);
	return ok && got;
}

static const char *read_proc(struct cp_scene *s)
{
	static const char *const files[] = {
		"/proc/self/smaps", "/proc/self/smaps_rollup", "/proc/self/maps",
		"/proc/self/numa_maps", "/proc/self/status",
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (!access(files[i], R_OK) && !read_file(files[i], -1, 1 << 20))
			return files[i];
	for (int i = 0; i < CP_VIEWS; i++) {
		off_t at = (off_t)((uintptr_t)s->view[i] / P * 8);

		if (!read_file("/proc/self/pagemap", at - 64 * 8, 1024))
			return "/proc/self/pagemap";
		for (int page = 0; page < CP_PAGES; page++) {
			uint64_t pfn = pp_pfn(s->view[i] + page * P);

			if (pfn && (!read_file("/proc/kpageflags", (off_t)pfn * 8, 8) ||
				    !read_file("/proc/kpagecount", (off_t)pfn * 8, 8)))
				return "/proc/kpage*";
		}
	}
	return NULL;
}

TEST_F(core_ptes, proc_tells_the_truth)
{
	uint8_t *r = self->s.view[CP_ARENA_R], *rw = self->s.view[CP_ARENA_RW];

	ASSERT_EQ(NULL, read_proc(&self->s));
	CP_EXPECT(&self->s, "reading /proc");
	for (int page = 0; page < CP_PAGES; page++) {
		uint64_t pfn = pp_pfn(r + page * P);

		ASSERT_NE(0, pfn);
		/* One page in many views, and each counts as a mapping. */
		EXPECT_EQ(pfn, pp_pfn(rw + page * P));
		EXPECT_EQ(pfn, pp_pfn(self->s.view[CP_PLAIN_RW] + page * P));
		EXPECT_LE(6, pp_kpage("/proc/kpagecount", pfn));
		EXPECT_EQ(0, pp_pfn(self->s.view[CP_ARENA_NONE] + page * P));
		/* On no list of pages that could be swapped out or merged: LRU, ANON, KSM. */
		EXPECT_EQ(0, pp_kpage("/proc/kpageflags", pfn) &
			     (1 << 5 | 1 << 12 | 1 << 21));
	}
	/* The private copy is Linux's own. */
	EXPECT_NE(pp_pfn(r), pp_pfn(self->s.view[CP_PRIVATE]));
	EXPECT_EQ(pp_pfn(r + P), pp_pfn(self->s.view[CP_PRIVATE] + P));
}

/* The file behind a mapping, by the link that checkpointers use: no way to open it. */
TEST_F(core_ptes, map_files)
{
	char path[96];

	for (int i = 0; i < CP_VIEWS; i++) {
		unsigned long start = (unsigned long)self->s.view[i], end = start + CP_LEN;
		char line[512];

		ASSERT_TRUE(zt_maps_line(self->s.view[i], line, sizeof(line)));
		ASSERT_EQ(2, sscanf(line, "%lx-%lx", &start, &end));
		snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", start, end);
		if (access("/proc/self/map_files", R_OK))
			SKIP(return, "no map_files");
		EXPECT_EQ(-1, open(path, O_RDONLY | O_CLOEXEC)) {
			TH_LOG("\"%s\" can be opened again", cp_kinds[i].name);
		}
		EXPECT_EQ(-1, open(path, O_RDWR | O_CLOEXEC));
	}
	CP_EXPECT(&self->s, "map_files");
}

/* ------------------------------------------------------------------------
 * Pages that Linux would like to move, swap or merge. A mapping of its own shows
 * each time that it does so at all.
 */
static uint8_t *anonymous(size_t len, uint8_t fill)
{
	uint8_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	memset(p, fill, len);
	return p;
}

TEST_F_TIMEOUT(core_ptes, compaction, 60)
{
	int64_t before = cp_vmstat("compact_migrate_scanned");
	uint64_t pfn = pp_pfn(self->s.view[CP_ARENA_R]);
	struct cp_noise noise;

	if (before < 0 || access("/proc/sys/vm/compact_memory", W_OK))
		SKIP(return, "no compaction");
	ASSERT_TRUE(cp_noise_start(&noise, &self->s));
	for (int i = 0; i < 5; i++) {
		EXPECT_TRUE(vt_write_file("/proc/sys/vm/compact_memory", "1"));
		EXPECT_TRUE(vt_write_file("/proc/sys/vm/drop_caches", "3"));
		cp_noise_wait(&noise, 100);
	}
	EXPECT_EQ(NULL, cp_noise_stop(&noise));
	EXPECT_LT(before, cp_vmstat("compact_migrate_scanned"));
	EXPECT_EQ(pfn, pp_pfn(self->s.view[CP_ARENA_R]));
	CP_EXPECT(&self->s, "compaction");
}

TEST_F_TIMEOUT(core_ptes, swapping, 60)
{
	/* Little: a RAM disk never gives back its memory. */
	const size_t len = 32 * P;
	uint8_t *control = anonymous(len, 0x77);
	struct cp_noise noise;

	if (system("mkswap /dev/ram0 >/dev/null 2>&1") || swapon("/dev/ram0", 0))
		SKIP(return, "no swap");
	ASSERT_TRUE(cp_noise_start(&noise, &self->s));
	for (int i = 0; i < CP_VIEWS; i++) {
		EXPECT_EQ(0, madvise(self->s.view[i], CP_LEN, MADV_COLD));
		EXPECT_EQ(0, madvise(self->s.view[i], CP_LEN, MADV_PAGEOUT));
	}
	EXPECT_EQ(0, madvise((void *)self->s.root.base, self->s.root.len, MADV_PAGEOUT));
	EXPECT_EQ(0, madvise(control, len, MADV_PAGEOUT));
	EXPECT_LT(0, zt_smaps_kb(control, "Swap"));
	cp_noise_wait(&noise, 100);
	EXPECT_EQ(NULL, cp_noise_stop(&noise));
	CP_EXPECT(&self->s, "paging out");
	EXPECT_EQ(0, swapoff("/dev/ram0"));
	EXPECT_EQ(-1, zt_not_byte(control, len, 0x77));
	munmap(control, len);
	CP_EXPECT(&self->s, "swapoff");
}

TEST_F_TIMEOUT(core_ptes, merging, 60)
{
	const size_t len = 64 * P;
	uint8_t *control = anonymous(len, 0x33);
	uint64_t end = zt_now_ns() + 20000000000u;
	char pages[32] = "";

	if (!vt_write_file("/sys/kernel/mm/ksm/sleep_millisecs", "1"))
		SKIP(return, "no KSM");
	EXPECT_EQ(0, madvise(control, len, MADV_MERGEABLE));
	/* Equal pages of ours: as a shared mapping and as private ones. */
	for (int i = 0; i < CP_VIEWS; i++)
		madvise(self->s.view[i], CP_LEN, MADV_MERGEABLE);
	snprintf(pages, sizeof(pages), "%d", 10000);
	EXPECT_TRUE(vt_write_file("/sys/kernel/mm/ksm/pages_to_scan", pages));
	EXPECT_TRUE(vt_write_file("/sys/kernel/mm/ksm/run", "1"));
	while (vt_read_number("/sys/kernel/mm/ksm/pages_sharing") < 32 && zt_now_ns() < end)
		zt_sleep_ms(20);
	EXPECT_LE(32, vt_read_number("/sys/kernel/mm/ksm/pages_sharing"));
	zt_sleep_ms(100);
	CP_EXPECT(&self->s, "KSM");
	EXPECT_TRUE(vt_write_file("/sys/kernel/mm/ksm/run", "2"));
	CP_EXPECT(&self->s, "unmerging");
	EXPECT_TRUE(vt_write_file("/sys/kernel/mm/ksm/run", "0"));
	munmap(control, len);
}

/* Memory cannot be taken out of the machine while a VMO has pages in it. */
TEST_F_TIMEOUT(core_ptes, memory_block_offline, 90)
{
	uint64_t pfn = pp_pfn(self->s.view[CP_ARENA_R]);
	char path[96], hex[32] = "";
	uint64_t block;
	int fd = open("/sys/devices/system/memory/block_size_bytes", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, hex, sizeof(hex) - 1) <= 0)
		SKIP(return, "no memory blocks");
	close(fd);
	ASSERT_NE(0, pfn);
	block = pfn * P / strtoull(hex, NULL, 16);
	snprintf(path, sizeof(path), "/sys/devices/system/memory/memory%" PRIu64 "/state", block);
	if (access(path, W_OK))
		SKIP(return, "no %s", path);
	EXPECT_FALSE(vt_write_file(path, "offline"));
	EXPECT_EQ(pfn, pp_pfn(self->s.view[CP_ARENA_R]));
	CP_EXPECT(&self->s, "taking the memory offline");
}

/* ------------------------------------------------------------------------
 * All at once: Linux acts, we change permissions and content, threads look on
 */
static void act(struct cp_scene *s, uint64_t *seed)
{
	uint8_t *p = s->view[vt_below(seed, CP_VIEWS)];
	unsigned long nodes = 1;
	char text[2] = "1";
	void *page = p;
	int status;

	switch (vt_below(seed, 9)) {
	case 0:
		madvise(p, CP_LEN, MADV_PAGEOUT);
		break;
	case 1:
		madvise(p, CP_LEN, MADV_COLD);
		break;
	case 2:
		text[0] = (char)('1' + vt_below(seed, 4));
		vt_write_file("/proc/self/clear_refs", text);
		break;
	case 3:
		syscall(SYS_move_pages, 0, 1, &page, (int[]){ 0 }, &status, MPOL_MF_MOVE_ALL);
		break;
	case 4:
		syscall(SYS_mbind, p, CP_LEN, MPOL_BIND, &nodes, 2,
			MPOL_MF_STRICT | MPOL_MF_MOVE_ALL);
		break;
	case 5:
		mlock(p, CP_LEN);
		munlock(p, CP_LEN);
		break;
	case 6:
		madvise(p, CP_LEN, MADV_POPULATE_READ);
		break;
	case 7:
		/* Not the private ones' content. */
		if (p != s->view[CP_PRIVATE])
			madvise(p, CP_LEN, MADV_DONTNEED);
		break;
	case 8:
		read_proc(s);
		break;
	}
}

TEST_F_TIMEOUT(core_ptes, all_of_it_under_load, 120)
{
	uint64_t seed = 8, end = zt_now_ns() + 6000000000u;
	unsigned int acts = 0;

	while (zt_now_ns() < end) {
		struct cp_noise noise;

		ASSERT_TRUE(cp_noise_start(&noise, &self->s));
		for (int i = 0; i < 20; i++, acts++)
			act(&self->s, &seed);
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
