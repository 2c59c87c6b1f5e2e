// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * What can happen to an arena behind the library's back: fork, exec, exit, kill,
 * and Linux's own memory calls on its address range. Nothing crashes, no access
 * shows memory that it should not, and everything is given back.
 */
#include "kselftest_harness.h"
#include "zvm_vmar_test.h"

#include <linux/mempolicy.h>
#include <linux/userfaultfd.h>
#include <sys/resource.h>

/* ------------------------------------------------------------------------
 * An arena with something in it, and how to tell that it is in order
 */
#define HOLE 6			/* page of the region where nothing is */
#define DATA_PAGES 4

struct scene {
	struct vt_region root, r;	/* r: 16 pages */
	zx_handle_t vmo;		/* DATA_PAGES pages: mapped at page 0, RW */
	zx_handle_t code;		/* one page: mapped at page 10, RX */
};

static bool scene_make(struct scene *s, bool with_code)
{
	zx_handle_t code;

	s->root = vt_region_of(zx_vmar_root_self());
	s->r = vt_alloc(s->root.h, VT_CAN_ALL, 16 * P);
	s->vmo = vt_tagged_vmo(6, DATA_PAGES, 0);
	if (!s->r.h || !s->vmo || vt_map_at(&s->r, ZT_RW, 0, s->vmo, 0, DATA_PAGES * P) != ZX_OK)
		return false;
	for (int pg = 0; pg < DATA_PAGES; pg += 2)
		if (vt_load(vt_ptr(&s->r, pg * P)) != vt_tag(6, pg))
			return false;
	s->code = ZX_HANDLE_INVALID;
	if (!with_code)
		return true;
	code = zt_vmo(P, 0);
	return zx_vmo_write(code, zt_code, 0, sizeof(zt_code)) == ZX_OK &&
	       zx_vmo_replace_as_executable(code, ZX_HANDLE_INVALID, &s->code) == ZX_OK &&
	       vt_map_at(&s->r, VT_R | VT_X, 10 * P, s->code, 0, P) == ZX_OK &&
	       zt_try_exec(vt_ptr(&s->r, 10 * P)) == 0 && zt_exec_value() == 42;
}

/*
 * NULL when all is as it was made, else what is not. Writes, too: the content
 * is put back before it returns.
 */
static const char *scene_check(struct scene *s)
{
	zx_vaddr_t addr;

	for (int pg = 0; pg < DATA_PAGES; pg++) {
		uint8_t *p = vt_ptr(&s->r, pg * P);

		if (vt_load(p) != vt_tag(6, pg) || vt_load(p + P - 1) != vt_tag(6, pg))
			return "a page reads wrong";
		if (zt_try_store(p + 9, 0x11) || zt_vmo_byte(s->vmo, pg * P + 9) != 0x11)
			return "a page cannot be written";
		if (zx_vmo_write(s->vmo, (uint8_t[]){ vt_tag(6, pg) }, pg * P + 9, 1) != ZX_OK ||
		    vt_load(p + 9) != vt_tag(6, pg))
			return "a write call is not seen";
	}
	if (zt_try_read(vt_ptr(&s->r, HOLE * P)) != SIGSEGV ||
	    zt_try_write(vt_ptr(&s->r, HOLE * P)) != SIGSEGV)
		return "a hole can be accessed";
	if (s->code && (zt_try_exec(vt_ptr(&s->r, 10 * P)) || zt_exec_value() != 42))
		return "code does not run";
	if (zt_try_exec(vt_ptr(&s->r, 0)) != SIGSEGV)
		return "data can be executed";
	/* And the calls work. */
	if (zx_vmar_map(s->r.h, VT_R | ZX_VM_SPECIFIC, 12 * P, s->vmo, P, P, &addr) != ZX_OK ||
	    vt_load((void *)addr) != vt_tag(6, 1))
		return "zx_vmar_map does not work";
	if (zx_vmar_protect(s->r.h, 0, addr, P) != ZX_OK || zt_try_read((void *)addr) != SIGSEGV)
		return "zx_vmar_protect does not work";
	if (zx_vmar_unmap(s->r.h, addr, P) != ZX_OK || zt_try_read((void *)addr) != SIGSEGV)
		return "zx_vmar_unmap does not work";
	return NULL;
}

#define EXPECT_SCENE(s, after) do {					\
	const char *wrong_ = scene_check(s);				\
	EXPECT_EQ(NULL, wrong_) {					\
		TH_LOG("after %s: %s", after, wrong_);			\
	}								\
} while (0)

FIXTURE(behind) {
	struct zvm_stats before;	/* with the root made, nothing in it */
	struct scene s;
};

FIXTURE_VARIANT(behind) {
	bool code;
};

FIXTURE_VARIANT_ADD(behind, without_code) { .code = false };
/* With an executable mapping, which Linux sees as a VMA of its own. */
FIXTURE_VARIANT_ADD(behind, with_code) { .code = true };

FIXTURE_SETUP(behind)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	ASSERT_TRUE(scene_make(&self->s, variant->code));
	ASSERT_EQ(NULL, scene_check(&self->s));
}

FIXTURE_TEARDOWN(behind)
{
}

/* The parts of the arena that every call is tried on. */
struct part {
	const char *name;
	uint8_t *p;
	size_t len;
};

#define PARTS 8
static void parts_of(struct scene *s, struct part part[PARTS])
{
	int n = 0;

	part[n++] = (struct part){ "the whole", (uint8_t *)s->root.base, s->root.len };
	part[n++] = (struct part){ "the first page", (uint8_t *)s->root.base, P };
	part[n++] = (struct part){ "the last page", (uint8_t *)s->root.base + s->root.len - P, P };
	part[n++] = (struct part){ "a mapping", vt_ptr(&s->r, 0), DATA_PAGES * P };
	part[n++] = (struct part){ "a page of a mapping", vt_ptr(&s->r, P), P };
	part[n++] = (struct part){ "a hole", vt_ptr(&s->r, HOLE * P), 2 * P };
	part[n++] = (struct part){ "mapping and hole", vt_ptr(&s->r, 2 * P), 8 * P };
	part[n++] = (struct part){ "the code or its place", vt_ptr(&s->r, 10 * P), P };
}

/* ------------------------------------------------------------------------
 * Linux's calls on the address range
 */
TEST_F(behind, mprotect)
{
	static const int prot[] = {
		PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC,
		PROT_READ | PROT_WRITE | PROT_EXEC,
	};
	struct part part[PARTS];
	char after[64];

	parts_of(&self->s, part);
	for (int i = 0; i < PARTS; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(prot); k++) {
			int ret = mprotect(part[i].p, part[i].len, prot[k]);

			/* Refused: it would be a second opinion about what is allowed. */
			EXPECT_EQ(-1, ret) {
				TH_LOG("mprotect %d of %s", prot[k], part[i].name);
			}
			snprintf(after, sizeof(after), "mprotect %d of %s", prot[k], part[i].name);
			EXPECT_SCENE(&self->s, after);
		}
	}
}

TEST_F(behind, munmap_of_parts)
{
	struct part part[PARTS];

	parts_of(&self->s, part);
	/* The whole is another test. A VMA of code may go, and nothing but that. */
	for (int i = 1; i < PARTS - variant->code; i++) {
		EXPECT_EQ(-1, munmap(part[i].p, part[i].len)) {
			TH_LOG("munmap of %s", part[i].name);
		}
		EXPECT_SCENE(&self->s, part[i].name);
	}
}

TEST_F(behind, munmap_of_the_code)
{
	uint8_t *p = vt_ptr(&self->s.r, 10 * P);
	zx_vaddr_t addr;
	int ret = munmap(p, P);

	/* Gone or refused; data around it is as it was, and its place shows nothing new. */
	if (!ret) {
		EXPECT_EQ(-SIGSEGV, vt_load(p));
		self->s.code = ZX_HANDLE_INVALID;
	}
	EXPECT_SCENE(&self->s, "munmap of the code");
	/* Calls on the place do no harm, whatever they answer. */
	zx_vmar_protect(self->s.r.h, VT_R, (zx_vaddr_t)p, P);
	zx_vmar_unmap(self->s.r.h, (zx_vaddr_t)p, P);
	if (zx_vmar_map(self->s.r.h, VT_R | ZX_VM_SPECIFIC, 10 * P, self->s.vmo, 0, P,
			&addr) == ZX_OK) {
		int got = vt_load(p);

		EXPECT_TRUE(got == vt_tag(6, 0) || got == -SIGSEGV) {
			TH_LOG("a load gave %d", got);
		}
		ZT_EXPECT_FAULT(SIGSEGV, zt_try_exec(p));
	}
	self->s.code = ZX_HANDLE_INVALID;
	EXPECT_SCENE(&self->s, "the calls after it");
}

/*
 * Memory of the process's own in a place of the arena that it has unmapped. What
 * the module maps anew later, for code or to give back page tables, must not
 * take it away.
 */
static int own_memory_in_a_hole(int sock ZT_UNUSED, void *arg ZT_UNUSED)
{
	enum { STRIDE = 2 << 20, ROUNDS = 256, HERE = 128 * STRIDE };
	zx_handle_t vmo = vt_tagged_vmo(6, 2, 0), code;
	zx_handle_t root = zx_vmar_root_self();
	struct vt_region r = vt_alloc(root, VT_CAN_ALL, ROUNDS * STRIDE);
	uint8_t *own = vt_ptr(&r, HERE);

	VT_CHECK_OK(zx_vmo_replace_as_executable(vmo, ZX_HANDLE_INVALID, &code));
	/* A mapping with a VMA of its own can go. */
	VT_CHECK_OK(vt_map_at(&r, VT_R | VT_X, HERE, code, 0, P));
	VT_CHECK(munmap(own, P) == 0);
	VT_CHECK(mmap(own, P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
		      MAP_FIXED_NOREPLACE, -1, 0) == own);
	memset(own, 0x5a, P);

	/* The page before it becomes executable, in a call about both. */
	VT_CHECK_OK(vt_map_at(&r, ZT_RW, HERE - P, code, P, P));
	zx_vmar_protect(r.h, VT_R | VT_X, r.base + HERE - P, 2 * P);
	VT_CHECK(vt_load(own) == 0x5a);
	VT_CHECK_OK(zx_vmar_unmap(r.h, r.base + HERE - P, 2 * P));
	VT_CHECK(vt_load(own) == 0x5a);

	/* All around it page tables become unused. */
	for (size_t i = 0; i < ROUNDS; i++) {
		if (i == HERE / STRIDE)
			continue;
		VT_CHECK_OK(vt_map_at(&r, ZT_RW, i * STRIDE, code, 0, P));
		VT_CHECK(vt_load(vt_ptr(&r, i * STRIDE)) == vt_tag(6, 0));
	}
	VT_CHECK_OK(zx_vmar_unmap(r.h, r.base, r.len));
	VT_CHECK(vt_load(own) == 0x5a && vt_load(own + P - 1) == 0x5a);
	return 0;
}

TEST_F(behind, own_memory_in_a_hole)
{
	struct zvm_stats before = zt_stats();
	struct vt_child c = vt_spawn(own_memory_in_a_hole, NULL);

	EXPECT_EQ(0, vt_join(&c));
	ZT_EXPECT_NO_LEAK(&before);
}

static int after_munmap_of_all(int sock ZT_UNUSED, void *arg ZT_UNUSED)
{
	zx_handle_t h;
	zx_vaddr_t addr;
	struct scene s;

	VT_CHECK(scene_make(&s, true));
	VT_CHECK(munmap((void *)s.root.base, s.root.len) == 0);
	for (int pg = 0; pg < 16; pg++) {
		VT_CHECK(zt_try_read(vt_ptr(&s.r, pg * P)) == SIGSEGV);
		VT_CHECK(zt_try_exec(vt_ptr(&s.r, pg * P)) == SIGSEGV);
	}
	const struct vt_region dead[] = { s.root, s.r };

	for (int i = 0; i < 2; i++) {
		zx_handle_t d = dead[i].h;

		VT_CHECK_STATUS(ZX_ERR_BAD_STATE, zx_vmar_map(d, VT_R, 0, s.vmo, 0, P, &addr));
		VT_CHECK_STATUS(ZX_ERR_BAD_STATE, zx_vmar_allocate(d, 0, 0, P, &h, &addr));
		VT_CHECK_STATUS(ZX_ERR_BAD_STATE, zx_vmar_unmap(d, s.r.base, P));
		VT_CHECK_STATUS(ZX_ERR_BAD_STATE, zx_vmar_protect(d, VT_R, s.r.base, P));
		VT_CHECK_STATUS(ZX_ERR_BAD_STATE,
				zx_vmar_op_range(d, ZX_VMAR_OP_COMMIT, s.r.base, P, NULL, 0));
		VT_CHECK_STATUS(ZX_ERR_BAD_STATE,
				zx_object_get_info(d, ZX_INFO_VMAR_MAPS, NULL, 0, NULL, &addr));
		VT_CHECK(vt_region_of(d).base == dead[i].base);
	}
	VT_CHECK_STATUS(ZX_ERR_BAD_STATE, zx_vmar_destroy(s.r.h));
	/* VMOs do not live in an arena. */
	VT_CHECK(zt_vmo_byte(s.vmo, P) == vt_tag(6, 1));
	VT_CHECK(zt_vmo_info(s.vmo).num_mappings == 0);
	/* The addresses are Linux's again. */
	VT_CHECK(mmap((void *)s.root.base, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
		      MAP_FIXED_NOREPLACE, -1, 0) == (void *)s.root.base);
	VT_CHECK_STATUS(ZX_ERR_BAD_STATE, zx_vmar_unmap(s.root.h, s.root.base, P));
	VT_CHECK(vt_load((void *)s.root.base) == 0);
	VT_CHECK_OK(zx_handle_close(s.r.h));
	return 0;
}

TEST_F(behind, munmap_of_the_whole)
{
	struct zvm_stats before = zt_stats();
	struct vt_child c = vt_spawn(after_munmap_of_all, NULL);

	EXPECT_EQ(0, vt_join(&c));
	ZT_EXPECT_NO_LEAK(&before);
	EXPECT_SCENE(&self->s, "another process's munmap");
}

/* Over the whole of it a private mapping: the arena is dead, its pages do not show. */
static int mmap_over_all(int sock ZT_UNUSED, void *arg)
{
	size_t len;
	zx_vaddr_t addr;
	struct scene s;
	void *p;

	VT_CHECK(scene_make(&s, *(bool *)arg));
	len = s.root.len;
	p = mmap((void *)s.root.base, len, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	if (p == MAP_FAILED) {
		VT_CHECK(scene_check(&s) == NULL);
		return 0;
	}
	VT_CHECK(vt_load(vt_ptr(&s.r, 0)) == 0);
	VT_CHECK(zt_try_write(vt_ptr(&s.r, P)) == 0);
	VT_CHECK(zt_vmo_byte(s.vmo, P) == vt_tag(6, 1));
	VT_CHECK_STATUS(ZX_ERR_BAD_STATE, zx_vmar_map(s.r.h, VT_R, 0, s.vmo, 0, P, &addr));
	VT_CHECK_STATUS(ZX_ERR_BAD_STATE, zx_vmar_unmap(s.r.h, s.r.base, P));
	VT_CHECK(vt_load(vt_ptr(&s.r, P)) == 0x5a);
	return 0;
}

TEST_F(behind, mmap_over_it)
{
	struct zvm_stats before = zt_stats();
	bool code = variant->code;
	struct vt_child c = vt_spawn(mmap_over_all, &code);
	struct part part[PARTS];

	EXPECT_EQ(0, vt_join(&c));
	ZT_EXPECT_NO_LEAK(&before);
	/* Over parts: refused. */
	parts_of(&self->s, part);
	for (int i = 1; i < PARTS - variant->code; i++) {
		EXPECT_EQ(MAP_FAILED, mmap(part[i].p, part[i].len, PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)) {
			TH_LOG("mmap over %s", part[i].name);
		}
		EXPECT_SCENE(&self->s, part[i].name);
	}
}

TEST_F(behind, mremap)
{
	struct part part[PARTS];
	uint8_t *other = mmap(NULL, 64 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			      0);

	ASSERT_NE(MAP_FAILED, other);
	parts_of(&self->s, part);
	for (int i = 0; i < PARTS - variant->code; i++) {
		uint8_t *p = part[i].p;
		size_t len = part[i].len;

		/* Grown, moved, duplicated, shrunk. */
		EXPECT_EQ(MAP_FAILED, mremap(p, len, len + P, MREMAP_MAYMOVE));
		EXPECT_EQ(MAP_FAILED, mremap(p, len, len + P, 0));
		EXPECT_EQ(MAP_FAILED, mremap(p, 0, 2 * P, MREMAP_MAYMOVE));
		EXPECT_EQ(MAP_FAILED, mremap(p, len, len, MREMAP_MAYMOVE | MREMAP_DONTUNMAP));
		EXPECT_EQ(MAP_FAILED, mremap(p, len, P, MREMAP_MAYMOVE | MREMAP_FIXED, other));
		if (len > P) {
			EXPECT_EQ(MAP_FAILED, mremap(p, len, len - P, 0));
		}
		EXPECT_SCENE(&self->s, part[i].name);
	}
	/* Something else moved over it. */
	EXPECT_EQ(MAP_FAILED, mremap(other + 32 * P, P, P, MREMAP_MAYMOVE | MREMAP_FIXED,
				     vt_ptr(&self->s.r, P)));
	EXPECT_SCENE(&self->s, "mremap over it");
	/* The whole moved to where there is room for it. */
	other = mmap(NULL, self->s.root.len, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (other == MAP_FAILED)
		SKIP(return, "no room for a second arena");
	EXPECT_EQ(MAP_FAILED, mremap((void *)self->s.root.base, self->s.root.len,
				     self->s.root.len, MREMAP_MAYMOVE | MREMAP_FIXED, other));
	EXPECT_SCENE(&self->s, "mremap of the whole");
}

static const int advices[] = {
	MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED,
	MADV_FREE, MADV_REMOVE, MADV_DONTFORK, MADV_DOFORK, MADV_MERGEABLE, MADV_UNMERGEABLE,
	MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_DONTDUMP, MADV_DODUMP, MADV_WIPEONFORK,
	MADV_KEEPONFORK, MADV_COLD, MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE,
	24 /* MADV_DONTNEED_LOCKED */, 25 /* MADV_COLLAPSE */, 102 /* MADV_GUARD_INSTALL */,
	103 /* MADV_GUARD_REMOVE */,
};

static int nothing_there(void *arg)
{
	struct scene *s = arg;

	for (int pg = 0; pg < 16; pg++) {
		int sig = zt_try_read(vt_ptr(&s->r, pg * P));

		/* A VMA may have been copied after all: then it shows nothing. */
		VT_CHECK(sig == SIGSEGV || sig == SIGBUS);
		VT_CHECK(zt_try_write(vt_ptr(&s->r, pg * P)) != 0);
		VT_CHECK(zt_try_exec(vt_ptr(&s->r, pg * P)) != 0);
	}
	return 0;
}

TEST_F_TIMEOUT(behind, madvise, 90)
{
	struct part part[PARTS];
	char after[64];

	parts_of(&self->s, part);
	for (int i = 0; i < PARTS; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(advices); k++) {
			/* Terabytes are populated by nobody. */
			if (part[i].len > 1ul << 30 && (advices[k] == MADV_POPULATE_READ ||
							advices[k] == MADV_POPULATE_WRITE))
				continue;
			madvise(part[i].p, part[i].len, advices[k]);
			snprintf(after, sizeof(after), "madvise %d of %s", advices[k],
				 part[i].name);
			EXPECT_SCENE(&self->s, after);
			if (advices[k] == MADV_DOFORK || advices[k] == MADV_KEEPONFORK) {
				EXPECT_EQ(0, zt_fork_run(nothing_there, &self->s)) {
					TH_LOG("in a child after %s", after);
				}
			}
		}
	}
	ZT_ASSERT_OK(zx_vmar_destroy(self->s.r.h));
	ZT_ASSERT_OK(zx_handle_close(self->s.r.h));
	ZT_ASSERT_OK(zx_handle_close(self->s.vmo));
	if (self->s.code) {
		ZT_ASSERT_OK(zx_handle_close(self->s.code));
	}
	ZT_EXPECT_NO_LEAK(&self->before);
}

/* The whole arena is what a hole-punching MADV_REMOVE must not reach, either. */
TEST_F(behind, madvise_does_not_free)
{
	uint8_t *p = vt_ptr(&self->s.r, 0);

	EXPECT_EQ(-1, madvise(p, P, MADV_REMOVE));
	madvise(p, DATA_PAGES * P, MADV_DONTNEED);
	ZT_EXPECT_U64(DATA_PAGES * P, zt_committed(self->s.vmo));
	EXPECT_SCENE(&self->s, "MADV_DONTNEED");
	madvise(p, DATA_PAGES * P, MADV_FREE);
	madvise(p, DATA_PAGES * P, MADV_PAGEOUT);
	madvise(p, DATA_PAGES * P, MADV_COLD);
	ZT_EXPECT_U64(DATA_PAGES * P, zt_committed(self->s.vmo));
	EXPECT_SCENE(&self->s, "MADV_PAGEOUT");
	/* Populating: what a fault would do, here at once; a hole is an error. */
	EXPECT_EQ(0, madvise(p, DATA_PAGES * P, MADV_POPULATE_WRITE));
	EXPECT_EQ(-1, madvise(vt_ptr(&self->s.r, HOLE * P), P, MADV_POPULATE_READ));
}

TEST_F_TIMEOUT(behind, mlock, 60)
{
	struct part part[PARTS];
	struct scene s2;

	parts_of(&self->s, part);
	for (int i = 0; i < PARTS; i++) {
		mlock(part[i].p, part[i].len);
		EXPECT_SCENE(&self->s, "mlock");
		mlock2(part[i].p, part[i].len, MLOCK_ONFAULT);
		EXPECT_SCENE(&self->s, "mlock2");
		munlock(part[i].p, part[i].len);
		EXPECT_SCENE(&self->s, "munlock");
	}
	EXPECT_EQ(0, mlockall(MCL_CURRENT));
	EXPECT_SCENE(&self->s, "mlockall(MCL_CURRENT)");
	EXPECT_EQ(0, mlockall(MCL_CURRENT | MCL_FUTURE));
	EXPECT_SCENE(&self->s, "mlockall(MCL_FUTURE)");
	/* Unlocked, nothing was populated on that account. */
	ASSERT_TRUE(scene_make(&s2, variant->code));
	EXPECT_SCENE(&s2, "mlockall before it was made");
	EXPECT_EQ(0, munlockall());
	EXPECT_SCENE(&self->s, "munlockall");
	EXPECT_SCENE(&s2, "munlockall");
}

/* An arena that is made under mlockall(MCL_FUTURE), terabytes as it is. */
static int arena_under_mlockall(int sock ZT_UNUSED, void *arg)
{
	struct scene s;
	zx_handle_t h;

	/* A plain child of the fork: no arena yet. */
	VT_CHECK(mlockall(MCL_CURRENT | MCL_FUTURE) == 0);
	VT_CHECK(scene_make(&s, *(bool *)arg));
	VT_CHECK(scene_check(&s) == NULL);
	VT_CHECK_OK(zx_handle_duplicate(s.r.h, ZX_RIGHT_SAME_RIGHTS, &h));
	return 0;
}

TEST_F_TIMEOUT(behind, mlockall_first, 60)
{
	struct zvm_stats before = zt_stats();
	bool code = variant->code;
	struct vt_child c = vt_spawn(arena_under_mlockall, &code);

	EXPECT_EQ(0, vt_join(&c));
	ZT_EXPECT_NO_LEAK(&before);
}

TEST_F(behind, other_memory_calls)
{
	unsigned long nodes = 1;
	struct part part[PARTS];
	long uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	struct uffdio_api api = { .api = UFFD_API };
	unsigned char vec[16];
	void *page;
	int status;

	parts_of(&self->s, part);
	for (int i = 0; i < PARTS; i++) {
		uint8_t *p = part[i].p;
		size_t len = part[i].len;

		msync(p, len < 64 * P ? len : 64 * P, MS_SYNC | MS_INVALIDATE);
		EXPECT_SCENE(&self->s, "msync");
		syscall(SYS_mbind, p, len, MPOL_BIND, &nodes, 2, MPOL_MF_MOVE);
		EXPECT_SCENE(&self->s, "mbind");
		if (i && !self->s.code) {
			syscall(SYS_remap_file_pages, p, len, 0, 1, 0);
			EXPECT_SCENE(&self->s, "remap_file_pages");
		}
		syscall(SYS_pkey_mprotect, p, len, PROT_READ, 0);
		EXPECT_SCENE(&self->s, "pkey_mprotect");
		mincore(p, len < 16 * P ? len : 16 * P, vec);
		page = p;
		syscall(SYS_move_pages, 0, 1, &page, (int[]){ 0 }, &status, MPOL_MF_MOVE);
		EXPECT_SCENE(&self->s, "move_pages");
		if (uffd >= 0 && (i || !ioctl(uffd, UFFDIO_API, &api))) {
			struct uffdio_register reg = {
				.range = { (uintptr_t)p, len },
				.mode = UFFDIO_REGISTER_MODE_MISSING,
			};

			EXPECT_EQ(-1, ioctl(uffd, UFFDIO_REGISTER, &reg));
			reg.mode = UFFDIO_REGISTER_MODE_WP;
			EXPECT_EQ(-1, ioctl(uffd, UFFDIO_REGISTER, &reg));
			EXPECT_SCENE(&self->s, "userfaultfd");
		}
	}
	syscall(SYS_migrate_pages, 0, 2, &nodes, &nodes);
	EXPECT_SCENE(&self->s, "migrate_pages");
}

/*
 * remap_file_pages(2) first unmaps what it is to replace, then fails: it is a
 * way to unmap whole VMAs.
 */
static int remapped(int sock ZT_UNUSED, void *arg)
{
	zx_vaddr_t addr;
	struct scene s;

	VT_CHECK(scene_make(&s, *(bool *)arg));
	VT_CHECK(syscall(SYS_remap_file_pages, s.root.base, s.root.len, 0, 1, 0) == -1);
	if (s.code) {
		/* Only the code is a whole VMA to it. */
		syscall(SYS_remap_file_pages, vt_ptr(&s.r, 10 * P), P, 0, 0, 0);
		if (vt_load(vt_ptr(&s.r, 10 * P)) == -SIGSEGV)
			s.code = ZX_HANDLE_INVALID;
	}
	if (!scene_check(&s))
		return 0;
	for (int pg = 0; pg < 16; pg++)
		VT_CHECK(zt_try_read(vt_ptr(&s.r, pg * P)) == SIGSEGV);
	VT_CHECK_STATUS(ZX_ERR_BAD_STATE, zx_vmar_map(s.r.h, VT_R, 0, s.vmo, 0, P, &addr));
	return 0;
}

/* The same by a child that was given the VMA: the parent's is another. */
static int remap_inherited(void *arg)
{
	struct scene *s = arg;

	VT_CHECK(syscall(SYS_remap_file_pages, s->r.base, P, 0, 1, 0) == -1);
	VT_CHECK(syscall(SYS_remap_file_pages, s->root.base, s->root.len, 0, 0, 0) == -1);
	/* A buffer there is said to be where nothing is, not where there was no memory. */
	VT_CHECK_STATUS(ZX_ERR_NOT_FOUND, zx_vmo_read(s->vmo, vt_ptr(&s->r, 0), 0, 1));
	return nothing_there(s);
}

TEST_F(behind, remap_file_pages)
{
	struct zvm_stats before = zt_stats();
	bool code = variant->code;
	struct vt_child c = vt_spawn(remapped, &code);

	EXPECT_EQ(0, vt_join(&c));
	ZT_EXPECT_NO_LEAK(&before);

	/* Newer kernels do not let such a mapping be inherited at all. */
	if (madvise((void *)self->s.root.base, self->s.root.len, MADV_DOFORK))
		EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, zt_fork_run(remap_inherited, &self->s));
	EXPECT_SCENE(&self->s, "a child's remap_file_pages");
}

/*
 * Memory errors can be injected with CAP_SYS_ADMIN. The page is lost then, and
 * whoever touches it may be killed, but the machine lives and other pages stay.
 */
static int poison(int sock ZT_UNUSED, void *arg)
{
	struct scene s;

	VT_CHECK(scene_make(&s, false));
	madvise(vt_ptr(&s.r, P), P, *(int *)arg);
	VT_CHECK(vt_load(vt_ptr(&s.r, 0)) == vt_tag(6, 0));
	VT_CHECK(vt_load(vt_ptr(&s.r, 2 * P)) == vt_tag(6, 2));
	zt_try_read(vt_ptr(&s.r, P));
	VT_CHECK_OK(zx_vmo_op_range(s.vmo, ZX_VMO_OP_DECOMMIT, P, P, NULL, 0));
	VT_CHECK(vt_load(vt_ptr(&s.r, P)) == 0);
	VT_CHECK(zt_try_write(vt_ptr(&s.r, P)) == 0);
	return 0;
}

TEST_F(behind, madvise_soft_offline)
{
	struct zvm_stats before = zt_stats();
	int advice = 101;	/* MADV_SOFT_OFFLINE */
	struct vt_child c = vt_spawn(poison, &advice);

	EXPECT_EQ(0, vt_join(&c));
	ZT_EXPECT_NO_LEAK(&before);
	EXPECT_SCENE(&self->s, "MADV_SOFT_OFFLINE elsewhere");
}

/* ------------------------------------------------------------------------
 * Files in /proc that walk the arena
 */
static long read_all(const char *path)
{
	char buf[8192];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	long total = 0;
	ssize_t n;

	if (fd < 0)
		return -1;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		total += n;
	close(fd);
	return n < 0 ? -1 : total;
}

TEST_F(behind, proc_files)
{
	static const char *const files[] = {
		"/proc/self/maps", "/proc/self/smaps", "/proc/self/smaps_rollup",
		"/proc/self/numa_maps", "/proc/self/status", "/proc/self/statm",
	};
	char text[2] = { '1', 0 };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (access(files[i], R_OK))
			continue;
		EXPECT_LT(0, read_all(files[i])) {
			TH_LOG("%s", files[i]);
		}
		EXPECT_SCENE(&self->s, files[i]);
	}
	/* Referenced and soft-dirty bits cleared: pages are looked up anew. */
	for (text[0] = '1'; text[0] <= '5'; text[0]++) {
		vt_write_file("/proc/self/clear_refs", text);
		EXPECT_SCENE(&self->s, "clear_refs");
	}
	EXPECT_LT(0, zt_smaps_kb(vt_ptr(&self->s.r, 0), "Rss"));
}

/* ------------------------------------------------------------------------
 * fork
 */
static int fresh_arena(void *arg)
{
	struct scene *s = arg, mine;
	zx_handle_t root;

	VT_CHECK(nothing_there(s) == 0);
	root = zx_vmar_root_self();
	VT_CHECK(root != ZX_HANDLE_INVALID);
	VT_CHECK(root == zx_vmar_root_self());
	VT_CHECK(zt_type(root) == ZX_OBJ_TYPE_VMAR);
	VT_CHECK(zt_rights(root) == (ZX_DEFAULT_VMAR_RIGHTS | VT_RIGHTS_RWX));
	/* Empty, and the parent's addresses may or may not lie in it. */
	VT_CHECK(vt_maps_count(root) == 1);
	VT_CHECK(nothing_there(s) == 0);
	VT_CHECK(scene_make(&mine, s->code != ZX_HANDLE_INVALID));
	VT_CHECK(scene_check(&mine) == NULL);
	/* VMOs are shared over fork, by their descriptors. */
	VT_CHECK(zt_map(s->vmo, 0, P, ZT_RW) != NULL);
	VT_CHECK(zt_vmo_byte(s->vmo, P) == vt_tag(6, 1));
	return 0;
}

TEST_F(behind, fork)
{
	struct zvm_stats before = zt_stats();

	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(0, zt_fork_run(nothing_there, &self->s));
		EXPECT_EQ(0, zt_fork_run(fresh_arena, &self->s));
	}
	EXPECT_SCENE(&self->s, "fork");
	ZT_EXPECT_NO_LEAK(&before);
}

/* fork in a child, whose parent has its own arena, and so on. */
static int generations(void *arg)
{
	struct scene mine;
	int *left = arg;

	VT_CHECK(scene_make(&mine, false));
	if ((*left)--)
		VT_CHECK(zt_fork_run(generations, left) == 0);
	VT_CHECK(scene_check(&mine) == NULL);
	return 0;
}

TEST_F(behind, generations_of_forks)
{
	struct zvm_stats before = zt_stats();
	int left = 5;

	EXPECT_EQ(0, zt_fork_run(generations, &left));
	EXPECT_SCENE(&self->s, "forks");
	ZT_EXPECT_NO_LEAK(&before);
}

/* A child that shares the memory instead of copying it works on one arena. */
struct vfork_arg {
	struct scene *s;
	zx_status_t status[3];
	zx_vaddr_t addr;
};

static int shares_memory(void *arg)
{
	struct vfork_arg *v = arg;

	v->status[0] = zx_vmar_map(v->s->r.h, ZT_RW | ZX_VM_SPECIFIC, HOLE * P, v->s->vmo, 0, P,
				   &v->addr);
	v->status[1] = vt_load((void *)v->addr) == vt_tag(6, 0) ? ZX_OK : ZX_ERR_INTERNAL;
	v->status[2] = zx_vmar_unmap(v->s->r.h, v->addr, P);
	_exit(0);
}

TEST_F(behind, vfork)
{
	struct vfork_arg v = { .s = &self->s };
	uint8_t *stack = mmap(NULL, 64 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			      -1, 0);
	int status = 0;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, stack);
	pid = clone(shares_memory, stack + 64 * P, CLONE_VM | CLONE_VFORK | SIGCHLD, &v);
	ASSERT_LT(0, pid);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	ZT_EXPECT_OK(v.status[0]);
	ZT_EXPECT_OK(v.status[1]);
	ZT_EXPECT_OK(v.status[2]);
	EXPECT_SCENE(&self->s, "a child with CLONE_VM");
}

/* ------------------------------------------------------------------------
 * exec, exit, kill
 */
static int exec_away(void *arg)
{
	struct scene mine;

	VT_CHECK(scene_make(&mine, *(bool *)arg));
	execl("/proc/self/exe", "behind", "--child", "fds", NULL);
	return 3;
}

TEST_F(behind, exec)
{
	struct zvm_stats before = zt_stats();
	bool code = variant->code;

	EXPECT_EQ(0, zt_fork_run(exec_away, &code));
	ZT_EXPECT_NO_LEAK(&before);
	EXPECT_SCENE(&self->s, "exec of a child");
}

static int exit_as_is(int sock ZT_UNUSED, void *arg)
{
	struct scene mine;
	zx_handle_t h;

	VT_CHECK(scene_make(&mine, *(bool *)arg));
	/* Handles, regions, mappings without handles: all are left. */
	for (int i = 0; i < 50; i++) {
		h = zt_vmo(64 * P, 0);
		VT_CHECK(zt_try_write(zt_map(h, 0, 64 * P, ZT_RW)) == 0);
		if (i & 1)
			VT_CHECK_OK(zx_handle_close(h));
		VT_CHECK(vt_alloc(mine.root.h, VT_CAN_RW, 16 * P).h);
	}
	return 0;
}

TEST_F(behind, exit_with_everything_open)
{
	struct zvm_stats before = zt_stats();
	bool code = variant->code;

	for (int i = 0; i < 3; i++) {
		struct vt_child c = vt_spawn(exit_as_is, &code);

		EXPECT_EQ(0, vt_join(&c));
	}
	ZT_EXPECT_NO_LEAK(&before);
	EXPECT_SCENE(&self->s, "exit of a child");
}

/* Operations without end, on several threads, on objects of all kinds. */
#define WORKERS 3

struct worker {
	struct vt_region r;
	zx_handle_t shared, sizable;
	uint64_t seed;
	bool code;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	uint8_t buf[256];
	zx_vaddr_t addr;
	zx_handle_t h;

	for (;;) {
		size_t at = vt_below(&w->seed, 60) * P, len = (1 + vt_below(&w->seed, 4)) * P;
		zx_handle_t vmo = vt_rand(&w->seed) & 1 ? w->shared : w->sizable;

		switch (vt_below(&w->seed, 16)) {
		case 0:
			zx_vmar_map(w->r.h, ZT_RW | ZX_VM_SPECIFIC, at, vmo, 0, len, &addr);
			break;
		case 1:
			zx_vmar_map(w->r.h, ZT_RW | ZX_VM_SPECIFIC_OVERWRITE, at, vmo, P, len,
				    &addr);
			break;
		case 2:
			zx_vmar_unmap(w->r.h, w->r.base + at, len);
			break;
		case 3:
			zx_vmar_protect(w->r.h, VT_R, w->r.base + at, len);
			break;
		case 4:
			zx_vmar_op_range(w->r.h, ZX_VMAR_OP_COMMIT, w->r.base + at, len, NULL, 0);
			break;
		case 5:
			zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, len, NULL, 0);
			break;
		case 6:
			zx_vmo_set_size(w->sizable, len * 2);
			break;
		case 7:
			zx_vmo_read(vmo, buf, vt_below(&w->seed, 4 * (uint32_t)P), sizeof(buf));
			break;
		case 8:
			zx_vmo_write(vmo, buf, vt_below(&w->seed, 4 * (uint32_t)P), sizeof(buf));
			break;
		case 9:
			h = zt_vmo(len, 0);
			zx_vmar_map(w->r.h, ZT_RW, 0, h, 0, len, &addr);
			zx_handle_close(h);
			break;
		case 10:
			if (zx_vmar_allocate(w->r.h, VT_CAN_RW, 0, len, &h, &addr) == ZX_OK) {
				zx_vmar_map(h, ZT_RW | ZX_VM_MAP_RANGE, 0, vmo, 0, len, &addr);
				if (vt_rand(&w->seed) & 1)
					zx_vmar_destroy(h);
				zx_handle_close(h);
			}
			break;
		case 11:
			h = zt_dup(vmo, ZX_RIGHT_SAME_RIGHTS);
			zx_handle_close(h);
			break;
		case 12:
			if (w->code && zx_vmo_replace_as_executable(zt_dup(vmo, ZX_RIGHT_SAME_RIGHTS),
								   ZX_HANDLE_INVALID,
								   &h) == ZX_OK) {
				zx_vmar_map(w->r.h, VT_R | VT_X, 0, h, 0, P, &addr);
				zx_handle_close(h);
			}
			break;
		default:
			zt_try_write(vt_ptr(&w->r, at));
			zt_try_read(vt_ptr(&w->r, at + P));
			break;
		}
	}
	return NULL;
}

struct busy_arg {
	bool code;
	int how;	/* 0: killed from outside, 1: exit, 2: exec */
	uint64_t seed;
};

static int busy(int sock, void *arg)
{
	struct busy_arg *b = arg;
	struct worker w[WORKERS];
	pthread_t t;

	for (int i = 0; i < WORKERS; i++) {
		w[i] = (struct worker){ .seed = b->seed + (uint64_t)i * 77, .code = b->code };
		/* Two work on one region. */
		w[i].r = i == 1 ? w[0].r : vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 64 * P);
		w[i].shared = i ? w[0].shared : zt_vmo(8 * P, 0);
		w[i].sizable = i ? w[0].sizable : zt_vmo(8 * P, ZX_VMO_RESIZABLE);
		VT_CHECK(w[i].r.h && w[i].shared && w[i].sizable);
		VT_CHECK(pthread_create(&t, NULL, work, &w[i]) == 0);
	}
	vt_say(sock, 1);
	if (b->how == 0)
		pause();
	zt_sleep_ms(vt_below(&b->seed, 60));
	if (b->how == 2)
		execl("/proc/self/exe", "behind", "--child", "nothing", NULL);
	return 0;
}

TEST_F_TIMEOUT(behind, end_in_the_middle_of_operations, 120)
{
	struct zvm_stats before = zt_stats();
	struct busy_arg b = { .code = variant->code };
	uint64_t end = zt_now_ns() + 6000000000u, seed = 3;
	int rounds = 0;

	while (zt_now_ns() < end) {
		struct vt_child c;

		b.how = rounds % 3;
		b.seed = (uint64_t)rounds * 1001;
		c = vt_spawn(busy, &b);
		ASSERT_LT(0, c.pid);
		ZT_ASSERT_U64(1, vt_hear(c.sock));
		zt_sleep_ms(vt_below(&seed, 80));
		if (b.how == 0)
			kill(c.pid, SIGKILL);
		EXPECT_EQ(b.how == 0 ? 128 + SIGKILL : 0, vt_join(&c));
		rounds++;
	}
	ZT_EXPECT_NO_LEAK(&before);
	EXPECT_SCENE(&self->s, "others' ends");
	TH_LOG("%d processes", rounds);
}

/* A crash with a core dump: the terabytes of the arena are not in it. */
static int crash(int sock ZT_UNUSED, void *arg)
{
	struct rlimit enough = { 64u << 20, 64u << 20 };
	struct scene mine;

	/* Without an argument: a process that has no arena. */
	VT_CHECK(!arg || scene_make(&mine, *(bool *)arg));
	VT_CHECK(setrlimit(RLIMIT_CORE, &enough) == 0);
	signal(SIGABRT, SIG_DFL);
	abort();
}

TEST_F_TIMEOUT(behind, core_dump, 60)
{
	struct zvm_stats before = zt_stats();
	bool code = variant->code;
	char old[256] = "";
	struct vt_child c;
	struct stat st;
	int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY);

	ASSERT_LE(0, fd);
	ASSERT_LT(0, read(fd, old, sizeof(old) - 1));
	close(fd);
	if (!vt_write_file("/proc/sys/kernel/core_pattern", "/tmp/zvm-core"))
		SKIP(return, "cannot set core_pattern");
	unlink("/tmp/zvm-core");
	c = vt_spawn(crash, NULL);
	EXPECT_EQ(128 + SIGABRT, vt_join(&c));
	if (stat("/tmp/zvm-core", &st)) {
		vt_write_file("/proc/sys/kernel/core_pattern", old);
		SKIP(return, "this kernel writes no core dumps");
	}
	unlink("/tmp/zvm-core");
	c = vt_spawn(crash, &code);
	EXPECT_EQ(128 + SIGABRT, vt_join(&c));
	vt_write_file("/proc/sys/kernel/core_pattern", old);
	EXPECT_EQ(0, stat("/tmp/zvm-core", &st));
	/* Neither its blocks nor its length: the process itself is small. */
	EXPECT_LT(st.st_size, 32l << 20);
	unlink("/tmp/zvm-core");
	ZT_EXPECT_NO_LEAK(&before);
	EXPECT_SCENE(&self->s, "a core dump");
}

/* RLIMIT_AS counts the arena like any mapping: a clean failure, then success. */
static int small_address_space(int sock ZT_UNUSED, void *arg ZT_UNUSED)
{
	struct rlimit all, little = { 1ul << 30, RLIM_INFINITY };
	zx_vaddr_t addr;
	struct scene mine;

	VT_CHECK(getrlimit(RLIMIT_AS, &all) == 0);
	little.rlim_max = all.rlim_max;
	VT_CHECK(setrlimit(RLIMIT_AS, &little) == 0);
	VT_CHECK(zx_vmar_root_self() == ZX_HANDLE_INVALID);
	VT_CHECK(zx_vmar_map(zx_vmar_root_self(), VT_R, 0, zt_vmo(P, 0), 0, P, &addr) != ZX_OK);
	VT_CHECK(setrlimit(RLIMIT_AS, &all) == 0);
	VT_CHECK(scene_make(&mine, false));
	return 0;
}

TEST_F(behind, address_space_limit)
{
	struct zvm_stats before = zt_stats();
	struct vt_child c = vt_spawn(small_address_space, NULL);

	EXPECT_EQ(0, vt_join(&c));
	ZT_EXPECT_NO_LEAK(&before);
}

/* ------------------------------------------------------------------------
 * What is executed
 */
static int executed(int argc, char **argv)
{
	if (argc == 1 && !strcmp(argv[0], "nothing"))
		return 0;
	/* fds: none of the old program's handles came along; a new arena works. */
	if (argc == 1 && !strcmp(argv[0], "fds")) {
		struct scene mine;

		VT_CHECK(zt_fd_count() <= 8);
		for (int fd = 3; fd < 64; fd++) {
			zx_handle_t h = ZX_HANDLE_INVALID;

			VT_CHECK(zvm_handle_from_fd(fd, &h) != ZX_OK);
		}
		VT_CHECK(scene_make(&mine, true));
		VT_CHECK(scene_check(&mine) == NULL);
		return 0;
	}
	return 9;
}

VT_HARNESS_MAIN(executed)
