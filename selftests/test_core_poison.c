// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Memory that fails under a VMO. Linux marks the page (memory_failure); from then
 * on nobody gets at it by way of the VMO, other pages are as they were, and once
 * it has been given back the memory is not used again. Failures are injected, so
 * each test costs the guest some pages for good.
 */
#include "kselftest_harness.h"
#include "folio_test.h"

#define PAGES 8
#define BAD 3			/* the page that fails */
#define KPF_HWPOISON (1ull << 19)
#define MADV_SOFT_OFFLINE_ 101

#define CORRUPT_PFN "/sys/kernel/debug/hwpoison/corrupt-pfn"
#define HARD_OFFLINE "/sys/devices/system/memory/hard_offline_page"
#define SOFT_OFFLINE "/sys/devices/system/memory/soft_offline_page"

static bool is_poisoned(uint64_t pfn)
{
	uint64_t flags = pp_kpage("/proc/kpageflags", pfn);

	return flags != UINT64_MAX && flags & KPF_HWPOISON;
}

static bool write_number(const char *path, uint64_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%" PRIx64, n);
	return vt_write_file(path, text);
}

FIXTURE(poison) {
	struct zvm_stats before;
	zx_handle_t vmo;
	uint8_t *old;		/* a mapping that was there before, all of it touched */
	uint64_t pfn;		/* of the page that has failed */
	struct zt_bag bag;
};

FIXTURE_VARIANT(poison) {
	bool by_address;
};

/* By madvise(2): Linux keeps a reference of the page. */
FIXTURE_VARIANT_ADD(poison, by_madvise) { .by_address = false };
/* By its physical address, as the hardware would tell: it does not. */
FIXTURE_VARIANT_ADD(poison, by_address) { .by_address = true };

/* Let the page at p fail. What the call says does not matter. */
static bool poison_page(uint8_t *p, uint64_t pfn, bool by_address)
{
	if (!by_address)
		madvise(p, P, MADV_HWPOISON);
	else if (!access(CORRUPT_PFN, W_OK))
		write_number(CORRUPT_PFN, pfn);
	else
		write_number(HARD_OFFLINE, pfn * P);
	return is_poisoned(pfn);
}

FIXTURE_SETUP(poison)
{
	ASSERT_TRUE(zt_warm_up());
	if (variant->by_address && access(CORRUPT_PFN, W_OK) && access(HARD_OFFLINE, W_OK))
		SKIP(return, "no way to inject failures by address");
	self->before = zt_stats();
	self->vmo = zt_keep(&self->bag, zt_vmo(PAGES * P, ZX_VMO_RESIZABLE));
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, PAGES * P, 5));
	self->old = zt_map(self->vmo, 0, PAGES * P, ZT_RW);
	ASSERT_NE(NULL, self->old);
	for (int page = 0; page < PAGES; page++)
		ASSERT_EQ(0, zt_try_read(self->old + page * P));
	self->pfn = pp_pfn(self->old + BAD * P);
	ASSERT_NE(0, self->pfn);
	if (!poison_page(self->old + BAD * P, self->pfn, variant->by_address))
		SKIP(return, "memory failures cannot be injected");
}

FIXTURE_TEARDOWN(poison)
{
	if (self->old)
		zt_unmap(self->old, PAGES * P);
	zt_empty(&self->bag);
	if (self->before.size) {
		ZT_EXPECT_NO_LEAK(&self->before);
		EXPECT_TRUE(!self->pfn || is_poisoned(self->pfn));
	}
}


/*
 * Touch all pages of a new mapping, in some order: all are as they should be but
 * the one that has failed. Returns -1, or the page that is not.
 */
static int wrong_page(uint8_t *p, bool write)
{
	for (int i = 0; i < PAGES; i++) {
		int page = (2 + i * 3) % PAGES;
		uint8_t *at = p + page * P;
		int sig = write ? zt_try_store(at, zt_pattern(page * P, 5)) : zt_try_read(at);

		if (page != BAD && (sig || zt_mismatch(at, P, page * P, 5) >= 0))
			return page;
		if (page == BAD && (sig != SIGBUS || zt_fault()->code != BUS_MCEERR_AR ||
				    zt_fault()->addr != at))
			return page;
	}
	return -1;
}

TEST_F(poison, accesses_fail)
{
	int fd = zvm_handle_to_fd(self->vmo);
	uint8_t *p;

	/* Nothing but the page is lost. */
	ZT_EXPECT_U64(PAGES * P, zt_committed(self->vmo));
	for (int write = 0; write < 2; write++) {
		p = zt_map(self->vmo, 0, PAGES * P, ZT_RW);
		EXPECT_EQ(-1, wrong_page(p, write));
		ZT_ASSERT_OK(zt_unmap(p, PAGES * P));
		p = zt_map(self->vmo, 0, PAGES * P, ZT_RW | ZX_VM_MAP_RANGE);
		EXPECT_EQ(1, vt_present(p + (BAD + 1) * P));
		EXPECT_EQ(0, vt_present(p + BAD * P));
		EXPECT_EQ(-1, wrong_page(p, write));
		ZT_ASSERT_OK(zt_unmap(p, PAGES * P));
		p = mmap(NULL, PAGES * P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		EXPECT_EQ(-1, madvise(p, PAGES * P, MADV_POPULATE_READ));
		EXPECT_EQ(-1, wrong_page(p, write));
		ASSERT_EQ(0, munmap(p, PAGES * P));
		p = mmap(NULL, PAGES * P, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
		EXPECT_EQ(-1, wrong_page(p, write));
		ASSERT_EQ(0, munmap(p, PAGES * P));
	}
	/* Read-only, then written to after all. */
	p = zt_map(self->vmo, 0, PAGES * P, ZX_VM_PERM_READ);
	EXPECT_EQ(-1, wrong_page(p, false));
	ZT_ASSERT_OK(zx_vmar_protect(zx_vmar_root_self(), ZT_RW, (zx_vaddr_t)p, PAGES * P));
	EXPECT_EQ(-1, wrong_page(p, true));
	ZT_ASSERT_OK(zt_unmap(p, PAGES * P));
}

TEST_F(poison, calls_fail)
{
	int fd = zvm_handle_to_fd(self->vmo);
	uint8_t *buf = malloc(PAGES * P), *p;
	int pipefd[2];

	ZT_EXPECT_STATUS(ZX_ERR_IO, zx_vmo_read(self->vmo, buf, 0, PAGES * P));
	ZT_EXPECT_STATUS(ZX_ERR_IO, zx_vmo_read(self->vmo, buf, BAD * P, P));
	ZT_EXPECT_STATUS(ZX_ERR_IO, zx_vmo_read(self->vmo, buf, BAD * P + 10, 5));
	ZT_EXPECT_STATUS(ZX_ERR_IO, zx_vmo_write(self->vmo, buf, BAD * P, P));
	ZT_EXPECT_STATUS(ZX_ERR_IO, zx_vmo_write(self->vmo, buf, BAD * P + 10, 5));
	EXPECT_EQ((ssize_t)(BAD * P), pread(fd, buf, PAGES * P, 0));
	EXPECT_EQ(-1, zt_mismatch(buf, BAD * P, 0, 5));
	EXPECT_EQ((ssize_t)(BAD * P), pwrite(fd, buf, BAD * P + 1, 0));
	errno = 0;
	EXPECT_EQ(-1, pread(fd, buf, PAGES * P, BAD * P));
	EXPECT_EQ(EIO, errno);
	errno = 0;
	EXPECT_EQ(-1, pwrite(fd, buf, 1, BAD * P + 77));
	EXPECT_EQ(EIO, errno);
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, BAD * P, 5));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, (BAD + 1) * P, (PAGES - BAD - 1) * P, 5));

	/* As a buffer it is a bad one. */
	p = zt_map(self->vmo, 0, PAGES * P, ZT_RW);
	ASSERT_EQ(0, pipe(pipefd));
	EXPECT_EQ(-1, write(pipefd[1], p + BAD * P, 16));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(16, write(pipefd[1], p + (BAD + 1) * P, 16));
	EXPECT_EQ(-1, read(pipefd[0], p + BAD * P, 16));
	EXPECT_EQ(EFAULT, errno);
	ZT_ASSERT_OK(zt_unmap(p, PAGES * P));

	ZT_EXPECT_STATUS(ZX_ERR_IO, zx_vmo_op_range(self->vmo, ZX_VMO_OP_COMMIT, 0, PAGES * P,
						    NULL, 0));
	ZT_EXPECT_STATUS(ZX_ERR_IO, zx_vmo_op_range(self->vmo, ZX_VMO_OP_ZERO, BAD * P + 1, 9,
						    NULL, 0));
	ZT_EXPECT_STATUS(ZX_ERR_IO, zx_vmo_set_size(self->vmo, BAD * P + 9));
	ZT_EXPECT_U64(PAGES * P, zt_size(self->vmo));
	ZT_EXPECT_U64(PAGES * P, zt_committed(self->vmo));
	/* Neither shared nor by itself is it handed on. */
	for (int shared = 0; shared < 2; shared++) {
		zx_handle_t other = zt_vmo(PAGES * P, 0), child = ZX_HANDLE_INVALID;

		if (shared)
			ZT_ASSERT_OK(zx_vmo_create_child(self->vmo, ZX_VMO_CHILD_SNAPSHOT, 0,
							 PAGES * P, &child));
		ZT_EXPECT_STATUS(ZX_ERR_IO, zx_vmo_transfer_data(other, 0, 0, P, self->vmo,
								 BAD * P));
		ZT_EXPECT_OK(zx_handle_close(other));
		ZT_EXPECT_OK(zx_handle_close(child));
	}
	close(pipefd[0]);
	close(pipefd[1]);
	free(buf);
}

/* Given back, its place can be used again, also where it was mapped before. */
static const struct {
	const char *name;
	uint32_t op;	/* 0: by size */
} ways_out[] = { { "decommit", ZX_VMO_OP_DECOMMIT }, { "zero", ZX_VMO_OP_ZERO } };

TEST_F(poison, until_it_is_given_back)
{
	uint8_t *p = self->old + BAD * P;

	for (size_t i = 0; i < ARRAY_SIZE(ways_out); i++) {
		uint64_t pfn = pp_pfn(p);

		/* The second time, for another page. */
		if (i)
			ASSERT_TRUE(poison_page(p, pfn, variant->by_address));
		ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ways_out[i].op, BAD * P, P, NULL, 0));
		ZT_EXPECT_U64((PAGES - 1) * P, zt_committed(self->vmo));
		EXPECT_EQ(0, vt_load(p));
		EXPECT_EQ(0, zt_try_store(p + 1, 0x44));
		EXPECT_EQ(0x44, zt_vmo_byte(self->vmo, BAD * P + 1));
		ZT_EXPECT_U64(PAGES * P, zt_committed(self->vmo));
		EXPECT_NE(pfn, pp_pfn(p));
		EXPECT_FALSE(is_poisoned(pp_pfn(p)));
		EXPECT_TRUE(is_poisoned(pfn)) {
			TH_LOG("after %s", ways_out[i].name);
		}
		EXPECT_EQ(0, pp_kpage("/proc/kpagecount", pfn));
	}
	/* Cut off. */
	self->pfn = pp_pfn(p);
	ASSERT_TRUE(poison_page(p, self->pfn, variant->by_address));
	ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, BAD * P));
	ZT_EXPECT_FAULT(SIGBUS, zt_try_read(p));
	EXPECT_EQ(BUS_ADRERR, zt_fault()->code);
	ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, PAGES * P));
	EXPECT_EQ(0, vt_load(p));
	EXPECT_EQ(0, zt_try_write(p));
}

/* The VMO goes with the page in it: the memory is not given out again. */
TEST_F(poison, it_is_never_used_again)
{
	const size_t len = 4096 * P;
	zx_handle_t vmo;
	uint8_t *p;

	ZT_ASSERT_OK(zt_unmap(self->old, PAGES * P));
	self->old = NULL;
	zt_empty(&self->bag);
	ZT_EXPECT_NO_LEAK(&self->before);
	vmo = zt_keep(&self->bag, zt_vmo(len, 0));
	ZT_ASSERT_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 0, len, NULL, 0));
	p = zt_map(vmo, 0, len, ZT_RW | ZX_VM_MAP_RANGE);
	ASSERT_NE(NULL, p);
	for (size_t off = 0; off < len; off += P)
		ASSERT_NE(self->pfn, pp_pfn(p + off));
	ZT_ASSERT_OK(zt_unmap(p, len));
}

static int ends_with_it(void *arg)
{
	zx_handle_t vmo = zt_vmo(PAGES * P, 0);
	uint8_t *p = zt_map(vmo, 0, PAGES * P, ZT_RW);

	VT_CHECK(!zt_try_write(p + BAD * P));
	VT_CHECK(poison_page(p + BAD * P, pp_pfn(p + BAD * P), *(bool *)arg));
	return 0;
}

TEST_F(poison, a_process_ends_with_it)
{
	struct zvm_stats before = zt_stats();
	bool by_address = variant->by_address;

	EXPECT_EQ(0, zt_fork_run(ends_with_it, &by_address));
	ZT_EXPECT_NO_LEAK(&before);
}

/* A page of zeros that many VMOs show: another one takes its place. */
TEST_F(poison, page_of_zeros)
{
	zx_handle_t vmo = zt_keep(&self->bag, zt_vmo(16 * P, 0));
	uint8_t *p = zt_map(vmo, 0, 16 * P, ZX_VM_PERM_READ), *private;
	const size_t off = (variant->by_address ? 3 : 4) * P;
	uint64_t pfn;

	EXPECT_EQ(0, vt_load(p + off));
	pfn = pp_pfn(p + off);
	ASSERT_NE(0, pfn);
	ASSERT_TRUE(poison_page(p + off, pfn, variant->by_address));
	ZT_ASSERT_OK(zt_unmap(p, 16 * P));

	p = zt_map(vmo, 0, 16 * P, ZT_RW);
	private = mmap(NULL, 16 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE, zvm_handle_to_fd(vmo), 0);
	ASSERT_NE(MAP_FAILED, private);
	for (size_t at = 0; at < 16 * P; at += P) {
		EXPECT_EQ(0, vt_load(p + at));
		EXPECT_NE(pfn, pp_pfn(p + at));
		EXPECT_EQ(0, zt_try_write(private + at));
		EXPECT_EQ(0, private[at + 1]);
	}
	ZT_EXPECT_U64(0, zt_committed(vmo));
	EXPECT_EQ(0, zt_try_write(p + off));
	ZT_EXPECT_U64(P, zt_committed(vmo));
	munmap(private, 16 * P);
	ZT_ASSERT_OK(zt_unmap(p, 16 * P));
}

/* ------------------------------------------------------------------------
 * A page of a folio: the others are as they were. Each test costs the guest the
 * folio, so there is one way to let it fail only.
 */
FIXTURE(poison_folio) {
	struct zvm_stats before;
	struct zt_bag bag;
	struct vt_region r;
	zx_handle_t vmo;
	uint8_t *p;
	uint64_t pfn;
	bool skip;
};

/* The guest counts memory that nobody has. */
static bool says_lost(unsigned int kib)
{
	FILE *f = fopen("/tmp/zvm-lost-kib", "a");
	bool ok = f && fprintf(f, "%u\n", kib) > 0;

	return f && !fclose(f) && ok;
}

FIXTURE_SETUP(poison_folio)
{
	ASSERT_TRUE(zt_warm_up());
	self->skip = access(CORRUPT_PFN, W_OK) && access(HARD_OFFLINE, W_OK);
	if (self->skip)
		return;
	self->before = zt_stats();
	self->vmo = zt_keep(&self->bag, zt_vmo(2 * F, HUGE));
	self->p = ft_map(&self->r, self->vmo, 2 * F);
	ASSERT_NE(NULL, self->p);
	zt_fill(self->p, 2 * F, 0, 5);
	self->pfn = pp_pfn(self->p + BAD * P);
	self->skip = !ft_is_compound(self->p) ||
		     !poison_page(self->p + BAD * P, self->pfn, true);
	if (!self->skip)
		ASSERT_TRUE(says_lost(F / 1024));
	/* What is mapped stays so, and would be read from. */
	madvise(self->p, 2 * F, MADV_DONTNEED);
}

FIXTURE_TEARDOWN(poison_folio)
{
	ft_unmap(&self->r);
	zt_empty(&self->bag);
	if (self->before.size)
		ZT_EXPECT_NO_LEAK(&self->before);
	/* None gets the memory again, as a folio or otherwise. */
	if (!self->skip)
		EXPECT_TRUE(is_poisoned(self->pfn) && pp_kpage("/proc/kpagecount", self->pfn) == 0);
}

#define NEEDS_FAILURE() do { \
	if (self->skip) \
		SKIP(return, "no folio, or no way to inject failures by address"); \
} while (0)

/* As in wrong_page(), for some pages of the first folio. */
static long wrong_in_folio(uint8_t *p, bool write)
{
	const unsigned int pages[] = { 0, BAD - 1, BAD, BAD + 1, 100, F_PAGES - 1 };

	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		uint8_t *at = p + pages[i] * P;
		int sig = write ? zt_try_store(at, zt_pattern(pages[i] * P, 5)) : zt_try_read(at);

		if (pages[i] == BAD ? sig != SIGBUS || zt_fault()->code != BUS_MCEERR_AR :
				      sig || zt_mismatch(at, P, pages[i] * P, 5) >= 0)
			return pages[i];
	}
	return -1;
}

TEST_F(poison_folio, only_the_page_is_lost)
{
	uint8_t byte;

	NEEDS_FAILURE();
	EXPECT_EQ(-1, wrong_in_folio(self->p, false));
	EXPECT_EQ(-1, wrong_in_folio(self->p, true));
	EXPECT_EQ(0, ft_huge_kb(self->p));
	ZT_EXPECT_STATUS(ZX_ERR_IO, zx_vmo_read(self->vmo, &byte, BAD * P, 1));
	ZT_EXPECT_STATUS(ZX_ERR_IO, zx_vmo_write(self->vmo, &byte, BAD * P, 1));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, F, F, 5));
	ZT_EXPECT_U64(2 * F, zt_committed(self->vmo));
}

TEST_F(poison_folio, until_it_is_given_back)
{
	NEEDS_FAILURE();
	ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, BAD * P, P, NULL, 0));
	ZT_EXPECT_U64(2 * F - P, zt_committed(self->vmo));
	EXPECT_EQ(0, vt_load(self->p + BAD * P));
	EXPECT_EQ(0, zt_try_store(self->p + BAD * P, 1));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, BAD * P, 5));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, (BAD + 1) * P, F - (BAD + 1) * P, 5));
}

/* Where pages beside it are to go, they are zeroed. */
TEST_F(poison_folio, beside_it)
{
	NEEDS_FAILURE();
	ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, 0, 2 * P, NULL, 0));
	EXPECT_EQ(0, vt_load(self->p));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, (BAD + 1) * P, F - (BAD + 1) * P, 5));
	EXPECT_EQ(SIGBUS, zt_try_read(self->p + BAD * P));
}

/* A shared one cannot be copied, so it can only be read; it goes as a whole. */
TEST_F(poison_folio, shared)
{
	zx_handle_t child, slice;

	NEEDS_FAILURE();
	ZT_ASSERT_OK(zx_vmo_create_child(self->vmo, ZX_VMO_CHILD_SNAPSHOT, 0, 2 * F, &child));
	EXPECT_EQ(-1, wrong_in_folio(self->p, false));
	EXPECT_EQ(SIGBUS, zt_try_store(self->p, 1));
	ZT_EXPECT_STATUS(ZX_ERR_IO, zx_vmo_write(child, "x", 0, 1));
	EXPECT_EQ(0, zt_try_store(self->p + F, 1));
	/* What nobody sees any more stays as long as somebody sees some of it. */
	ZT_ASSERT_OK(zx_vmo_create_child(child, ZX_VMO_CHILD_SLICE, P, P, &slice));
	ZT_ASSERT_OK(zx_handle_close(child));
	EXPECT_EQ(zt_pattern(P, 5), zt_vmo_byte(slice, 0));
	ZT_EXPECT_U64(2 * F, zt_committed(self->vmo));
	ZT_ASSERT_OK(zx_handle_close(slice));
	EXPECT_EQ(-1, wrong_in_folio(self->p, false));
}

/* ------------------------------------------------------------------------
 * Memory that may fail soon: Linux wants to move the page elsewhere
 */
FIXTURE(soft_offline) {
	struct cp_scene s;
};

FIXTURE_SETUP(soft_offline)
{
	ASSERT_TRUE(cp_make(&self->s));
}

FIXTURE_TEARDOWN(soft_offline)
{
	EXPECT_TRUE(cp_end(&self->s));
	ZT_EXPECT_NO_LEAK(&self->s.before);
}

TEST_F_TIMEOUT(soft_offline, stays_where_it_is, 60)
{
	uint8_t *control = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct cp_noise noise;
	uint64_t pfn;

	control[0] = 9;
	pfn = pp_pfn(control);
	if (madvise(control, P, MADV_SOFT_OFFLINE_))
		SKIP(return, "no MADV_SOFT_OFFLINE");
	/* It works, on what Linux can move. */
	EXPECT_NE(pfn, pp_pfn(control));
	EXPECT_EQ(9, control[0]);

	ASSERT_TRUE(cp_noise_start(&noise, &self->s));
	for (int i = 0; i < CP_VIEWS; i++) {
		uint8_t *p = self->s.view[i] + P;

		if (!cp_kinds[i].read || i == CP_PRIVATE)
			continue;
		pfn = pp_pfn(p);
		EXPECT_EQ(-1, madvise(p, P, MADV_SOFT_OFFLINE_)) {
			TH_LOG("\"%s\"", cp_kinds[i].name);
		}
		EXPECT_EQ(pfn, pp_pfn(p));
		EXPECT_FALSE(is_poisoned(pfn));
		if (!access(SOFT_OFFLINE, W_OK)) {
			EXPECT_FALSE(write_number(SOFT_OFFLINE, pfn * P));
		}
		EXPECT_EQ(pfn, pp_pfn(p));
	}
	EXPECT_EQ(NULL, cp_noise_stop(&noise));
	CP_EXPECT(&self->s, "soft offlining");
}

TEST_HARNESS_MAIN
