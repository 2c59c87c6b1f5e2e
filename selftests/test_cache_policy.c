// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Cache policies: what Linux notes of the pages (on x86: the type of memory of the
 * kernel's own mapping, which /proc/kpageflags tells), that none is left when pages are
 * given back, and that content is where it belongs. How page table entries have it is
 * in vmo/cache_kunit.c.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "page_type.h"
#include "zvm_vmar_test.h"

#define PAGES 16

/* Linux forgets the type of a page that is free. In a pipe it is not, so it shows. */
static bool hold(int pipe, uint8_t *addr)
{
	struct iovec iov = { addr, 8 };

	return vmsplice(pipe, &iov, 1, 0) == 8;
}

FIXTURE(cache_policy)
{
	struct zvm_stats before;
	struct zt_bag bag;
	zx_handle_t vmo;
	bool told;
	long uncached;
};

FIXTURE_SETUP(cache_policy)
{
	ASSERT_TRUE(zt_warm_up());
	self->told = is_told();
	self->uncached = count_uncached();
	self->before = zt_stats();
	self->vmo = zt_keep(&self->bag, zt_vmo(PAGES * P, ZX_VMO_RESIZABLE));
	/* Odd pages are there, the others are not. */
	for (int i = 1; i < PAGES; i += 2)
		ASSERT_EQ(0, zt_vmo_fill(self->vmo, i * P, P, i));
}

FIXTURE_TEARDOWN(cache_policy)
{
	zt_empty(&self->bag);
	if (!_metadata->passed)
		return;
	ZT_EXPECT_NO_LEAK(&self->before);
	EXPECT_EQ(self->uncached, count_uncached());
}

/* Each page that is there has the type, and its content. */
static void check_pages(struct __test_metadata *_metadata, bool told, uint32_t policy,
			const uint8_t *p)
{
	for (int i = 1; i < PAGES; i += 2) {
		EXPECT_EQ(-1, zt_mismatch(p + i * P, P, i * P, i));
		if (told)
			EXPECT_EQ(type_for(policy), type_of(pp_pfn(p + i * P))) {
				TH_LOG("page %d, policy %u", i, policy);
			}
	}
}

/* Any policy follows any other, in a region and by mmap(2). */
TEST_F(cache_policy, V_248_V_253_each_after_each)
{
	uint8_t *p;

	for (uint32_t from = 0; from < 4; from++) {
		for (uint32_t to = 0; to < 4; to++) {
			ZT_ASSERT_OK(zx_vmo_set_cache_policy(self->vmo, from));
			p = zt_map(self->vmo, 0, PAGES * P, ZT_RW | ZX_VM_ALLOW_FAULTS);
			ASSERT_NE(NULL, p);
			check_pages(_metadata, self->told, from, p);
			ZT_EXPECT_OK(zt_unmap(p, PAGES * P));
			ZT_ASSERT_OK(zx_vmo_set_cache_policy(self->vmo, to));
			p = mmap(NULL, PAGES * P, PROT_READ, MAP_SHARED,
				 zvm_handle_to_fd(self->vmo), 0);
			ASSERT_NE(MAP_FAILED, p);
			check_pages(_metadata, self->told, to, p);
			munmap(p, PAGES * P);
		}
	}
	ZT_EXPECT_U64(PAGES / 2 * P, zt_committed(self->vmo));
}

/* Reading commits nothing; what is written to gets the policy. */
TEST_F(cache_policy, new_pages)
{
	uint8_t *p;

	for (uint32_t policy = 1; policy < 4; policy++) {
		int page = 2 * policy;

		ZT_ASSERT_OK(zx_vmo_set_cache_policy(self->vmo, policy));
		p = zt_map(self->vmo, 0, PAGES * P, ZT_RW | ZX_VM_ALLOW_FAULTS);
		ASSERT_NE(NULL, p);
		EXPECT_EQ(-1, zt_nonzero(p + page * P, P));
		if (self->told)
			EXPECT_EQ(T_CACHED, type_of(pp_pfn(p + page * P)));
		p[page * P + 5] = 99;
		if (self->told)
			EXPECT_EQ(type_for(policy), type_of(pp_pfn(p + page * P)));
		EXPECT_EQ(5, zt_not_byte(p + page * P, P, 0));
		EXPECT_EQ(99, p[page * P + 5]);
		ZT_EXPECT_U64((PAGES / 2 + policy) * P, zt_committed(self->vmo));
		ZT_EXPECT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_COMMIT, 0, P, NULL, 0));
		EXPECT_EQ(-1, zt_nonzero(p, P));
		if (self->told)
			EXPECT_EQ(type_for(policy), type_of(pp_pfn(p)));
		ZT_EXPECT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, 0, P, NULL, 0));
		ZT_EXPECT_OK(zt_unmap(p, PAGES * P));
	}
}

/* What is given back, in whatever way, is cached again. */
TEST_F(cache_policy, given_back)
{
	uint64_t pfn[PAGES];
	int pipes[2];
	uint8_t *p;

	ASSERT_EQ(0, pipe(pipes));
	ZT_ASSERT_OK(zx_vmo_set_cache_policy(self->vmo, WC));
	p = zt_map(self->vmo, 0, PAGES * P, ZT_RW | ZX_VM_ALLOW_FAULTS);
	ASSERT_NE(NULL, p);
	check_pages(_metadata, self->told, WC, p);
	for (int i = 1; i < PAGES; i += 2) {
		pfn[i] = pp_pfn(p + i * P);
		ASSERT_TRUE(hold(pipes[1], p + i * P));
	}
	if (self->told)
		EXPECT_EQ(self->uncached + PAGES / 2, count_uncached());
	ZT_EXPECT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, P, P, NULL, 0));
	ZT_EXPECT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_ZERO, 3 * P, P, NULL, 0));
	ZT_EXPECT_OK(zx_vmo_set_size(self->vmo, 13 * P));
	ZT_EXPECT_OK(zx_vmo_set_stream_size(self->vmo, 11 * P));
	for (int i = 1; self->told && i < PAGES; i += 2) {
		bool gone = i == 1 || i == 3 || i >= 11;

		EXPECT_EQ(gone ? T_CACHED : T_WC, type_of(pfn[i])) TH_LOG("page %d", i);
	}
	ZT_EXPECT_OK(zt_unmap(p, PAGES * P));
	/* The end of a page is zeroed by the kernel. */
	ZT_EXPECT_OK(zx_vmo_set_size(self->vmo, 9 * P + 100));
	p = zt_map(self->vmo, 0, 10 * P, ZT_RW);
	EXPECT_EQ(-1, zt_mismatch(p + 9 * P, 100, 9 * P, 9));
	EXPECT_EQ(-1, zt_nonzero(p + 9 * P + 100, P - 100));
	ZT_EXPECT_OK(zt_unmap(p, 10 * P));
	/* With the VMO all of them. */
	zt_empty(&self->bag);
	for (int i = 1; self->told && i < PAGES; i += 2) {
		EXPECT_EQ(T_CACHED, type_of(pfn[i])) TH_LOG("page %d", i);
	}
	close(pipes[0]);
	close(pipes[1]);
}

static int die_with_them(int sock, void *arg)
{
	zx_handle_t vmo = zt_vmo(PAGES * P, 0);
	int *pipes = arg;
	uint8_t *p;

	VT_CHECK_OK(zx_vmo_set_cache_policy(vmo, UNCACHED));
	p = zt_map(vmo, 0, PAGES * P, ZT_RW);
	VT_CHECK(p);
	memset(p, 1, PAGES * P);
	for (int i = 0; i < PAGES; i++)
		VT_CHECK(hold(pipes[1], p + i * P));
	vt_say(sock, 1);
	pause();
	return 0;
}

TEST_F(cache_policy, killed)
{
	struct vt_child c;
	int pipes[2];

	ASSERT_EQ(0, pipe(pipes));
	c = vt_spawn(die_with_them, pipes);
	ZT_EXPECT_U64(1, vt_hear(c.sock));
	if (self->told)
		EXPECT_EQ(self->uncached + PAGES, count_uncached());
	vt_kill(&c);
	EXPECT_EQ(self->uncached, count_uncached());
	close(pipes[0]);
	close(pipes[1]);
}

/* A private copy is the process's own, and cached. */
TEST_F(cache_policy, private_copies)
{
	uint8_t *p;

	ZT_ASSERT_OK(zx_vmo_set_cache_policy(self->vmo, UNCACHED));
	p = mmap(NULL, PAGES * P, PROT_READ | PROT_WRITE, MAP_PRIVATE, zvm_handle_to_fd(self->vmo),
		 0);
	ASSERT_NE(MAP_FAILED, p);
	check_pages(_metadata, self->told, UNCACHED, p);
	for (int i = 0; i < PAGES; i++)
		p[i * P] ^= 0xff;
	for (int i = 0; i < PAGES; i++) {
		if (self->told)
			EXPECT_EQ(T_CACHED, type_of(pp_pfn(p + i * P)));
		p[i * P] ^= 0xff;
	}
	check_pages(_metadata, false, CACHED, p);
	munmap(p, PAGES * P);
	p = zt_map(self->vmo, 0, PAGES * P, ZX_VM_PERM_READ);
	check_pages(_metadata, self->told, UNCACHED, p);
	ZT_EXPECT_OK(zt_unmap(p, PAGES * P));
}

/* Linux may transfer from and to it. */
TEST_F(cache_policy, transfers)
{
	int pipes[2], fd = open("/dev/ram0", O_RDWR | O_DIRECT | O_CLOEXEC);
	struct iovec iov;
	uint8_t *p;
	char buf[64];

	ZT_ASSERT_OK(zx_vmo_set_cache_policy(self->vmo, WC));
	p = zt_map(self->vmo, 0, PAGES * P, ZT_RW);
	ASSERT_NE(NULL, p);
	ASSERT_EQ(0, pipe(pipes));
	iov = (struct iovec){ p + 3 * P, 64 };
	EXPECT_EQ(64, vmsplice(pipes[1], &iov, 1, 0));
	EXPECT_EQ(64, read(pipes[0], buf, 64));
	EXPECT_EQ(-1, zt_mismatch(buf, 64, 3 * P, 3));
	if (fd >= 0) {
		EXPECT_EQ((ssize_t)P, pwrite(fd, p + 5 * P, P, 0));
		EXPECT_EQ((ssize_t)P, pread(fd, p + 6 * P, P, 0));
		EXPECT_EQ(-1, zt_mismatch(p + 6 * P, P, 5 * P, 5));
		close(fd);
	}
	/* A page in a pipe outlives the VMO: it is an ordinary one then. */
	iov.iov_base = p + 7 * P;
	EXPECT_EQ(64, vmsplice(pipes[1], &iov, 1, 0));
	ZT_EXPECT_OK(zt_unmap(p, PAGES * P));
	zt_empty(&self->bag);
	EXPECT_EQ(self->uncached, count_uncached());
	EXPECT_EQ(64, read(pipes[0], buf, 64));
	EXPECT_EQ(-1, zt_mismatch(buf, 64, 7 * P, 7));
	close(pipes[0]);
	close(pipes[1]);
}

TEST_F(cache_policy, pages_are_not_moved)
{
	zx_handle_t other = zt_keep(&self->bag, zt_vmo(PAGES * P, 0));

	ZT_ASSERT_OK(zx_vmo_set_cache_policy(self->vmo, UNCACHED));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_transfer_data(other, 0, 0, P, self->vmo, P));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_transfer_data(self->vmo, 0, P, P, other, 0));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_transfer_data(self->vmo, 0, 0, P, self->vmo, P));
	ZT_EXPECT_OK(zx_vmo_set_cache_policy(self->vmo, CACHED));
	ZT_EXPECT_OK(zx_vmo_transfer_data(other, 0, 0, P, self->vmo, P));
	ZT_EXPECT_U64(P, zt_committed(other));
}

/* Who is nobody's relative may still have pages in common with somebody. */
TEST_F(cache_policy, V_250_shared_pages)
{
	zx_handle_t parent = zt_vmo(4 * P, 0), snapshot, slice;

	ASSERT_EQ(0, zt_vmo_fill(parent, 0, 4 * P, 1));
	ZT_ASSERT_OK(zx_vmo_create_child(parent, ZX_VMO_CHILD_SNAPSHOT, 0, 4 * P, &snapshot));
	ZT_ASSERT_OK(zx_vmo_create_child(parent, ZX_VMO_CHILD_SLICE, 0, 2 * P, &slice));
	zt_keep(&self->bag, snapshot);
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_set_cache_policy(snapshot, UNCACHED));
	zx_handle_close(parent);
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_set_cache_policy(snapshot, UNCACHED));
	zx_handle_close(slice);
	ZT_EXPECT_OK(zx_vmo_set_cache_policy(snapshot, UNCACHED));
	ZT_EXPECT_OK(zx_vmo_set_cache_policy(snapshot, CACHED));
	EXPECT_TRUE(zt_vmo_holds(snapshot, 0, 4 * P, 1));
}

TEST_F(cache_policy, code)
{
	zx_handle_t code = zt_keep(&self->bag, zt_vmo(P, 0)), runner;
	void *p;

	ZT_ASSERT_OK(zx_vmo_write(code, zt_code, 0, sizeof(zt_code)));
	ZT_ASSERT_OK(zx_vmo_set_cache_policy(code, WC));
	ZT_ASSERT_OK(zx_vmo_replace_as_executable(zt_dup(code, ZX_RIGHT_SAME_RIGHTS),
						  ZX_HANDLE_INVALID, &runner));
	zt_keep(&self->bag, runner);
	p = zt_map(runner, 0, P, ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE);
	ASSERT_NE(NULL, p);
	EXPECT_EQ(0, zt_try_exec(p));
	EXPECT_EQ(42, zt_exec_value());
	ZT_EXPECT_OK(zt_unmap(p, P));
}

/* Threads make pages come and go, others change the policy when they can. */
struct work {
	zx_handle_t vmo;
	uint8_t *p;
	volatile bool stop;
	unsigned int seed;
};

static void *touch(void *arg)
{
	struct work *w = arg;
	uint64_t rnd = __atomic_add_fetch(&w->seed, 1, __ATOMIC_RELAXED);

	while (!w->stop) {
		unsigned int page = vt_below(&rnd, PAGES);

		if (vt_below(&rnd, 4))
			((volatile uint8_t *)w->p)[page * P] = 1;
		else
			zx_vmo_op_range(w->vmo, vt_below(&rnd, 2) ? ZX_VMO_OP_DECOMMIT :
					ZX_VMO_OP_CACHE_CLEAN_INVALIDATE, page * P, P, NULL, 0);
	}
	return NULL;
}

TEST_F(cache_policy, threads)
{
	pthread_t thread[3];

	for (int round = 0; round < 12; round++) {
		struct work w = { .vmo = self->vmo, .seed = round * 10 };

		ZT_ASSERT_OK(zx_vmo_set_cache_policy(self->vmo, round % 4));
		w.p = zt_map(self->vmo, 0, PAGES * P, ZT_RW);
		ASSERT_NE(NULL, w.p);
		for (int i = 0; i < 3; i++)
			ASSERT_EQ(0, pthread_create(&thread[i], NULL, touch, &w));
		for (int i = 0; i < 20; i++) {
			ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
					 zx_vmo_set_cache_policy(self->vmo, (round + 1) % 4));
			usleep(500);
		}
		w.stop = true;
		for (int i = 0; i < 3; i++)
			pthread_join(thread[i], NULL);
		for (int i = 0; self->told && i < PAGES; i++) {
			w.p[i * P] = 1;
			EXPECT_EQ(type_for(round % 4), type_of(pp_pfn(w.p + i * P)));
		}
		ZT_EXPECT_OK(zt_unmap(w.p, PAGES * P));
	}
}

/* ---- maintenance --------------------------------------------------------------- */

TEST(cache_flush)
{
	static const uint32_t good[] = {
		ZX_CACHE_FLUSH_INSN, ZX_CACHE_FLUSH_DATA, ZX_CACHE_FLUSH_INSN | ZX_CACHE_FLUSH_DATA,
		ZX_CACHE_FLUSH_DATA | ZX_CACHE_FLUSH_INVALIDATE, 7,
	};
	static const uint32_t bad[] = { 0, ZX_CACHE_FLUSH_INVALIDATE, 5, 8, 9, 1u << 31 };
	uint8_t buf[1000];

	zt_fill(buf, sizeof(buf), 0, 3);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		ZT_EXPECT_OK(zx_cache_flush(buf, sizeof(buf), good[i]));
		ZT_EXPECT_OK(zx_cache_flush(buf + 3, 1, good[i]));
		ZT_EXPECT_OK(zx_cache_flush(NULL, 0, good[i]));
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_cache_flush(buf, sizeof(buf), bad[i]));
	EXPECT_EQ(-1, zt_mismatch(buf, sizeof(buf), 0, 3));
}

/* Code that was just written can be executed once that is said. */
TEST(cache_flush_code)
{
	zx_handle_t vmo = zt_vmo(P, 0), runner;
	uint8_t *w, *x;

	ZT_ASSERT_OK(zx_vmo_replace_as_executable(zt_dup(vmo, ZX_RIGHT_SAME_RIGHTS),
						  ZX_HANDLE_INVALID, &runner));
	w = zt_map(vmo, 0, P, ZT_RW);
	x = zt_map(runner, 0, P, ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE);
	ASSERT_TRUE(w && x);
	for (int i = 0; i < 2; i++) {
		memcpy(w, zt_code, sizeof(zt_code));
		if (i)
			ZT_EXPECT_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_CACHE_SYNC, 0, P, NULL, 0));
		ZT_EXPECT_OK(zx_cache_flush(x, sizeof(zt_code), ZX_CACHE_FLUSH_INSN | ZX_CACHE_FLUSH_DATA));
		EXPECT_EQ(0, zt_try_exec(x));
		EXPECT_EQ(42, zt_exec_value());
	}
	ZT_EXPECT_OK(zt_unmap(w, P));
	ZT_EXPECT_OK(zt_unmap(x, P));
	zx_handle_close(vmo);
	zx_handle_close(runner);
}

TEST_HARNESS_MAIN
