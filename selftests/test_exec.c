// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Executable mappings: they run code, they stop running it when the permission
 * goes, and nothing else of the process becomes executable with them.
 */
#include "kselftest_harness.h"
#include "zvm_vmar_test.h"

#include <sys/personality.h>

/* Code that returns n (0 .. 255), at the start of a page of the VMO. */
static zx_status_t put_code(zx_handle_t vmo, uint64_t page, unsigned int n)
{
	uint8_t code[sizeof(zt_code)];

	memcpy(code, zt_code, sizeof(code));
#if defined(__x86_64__)
	code[1] = (uint8_t)n;
#elif defined(__aarch64__)
	/* mov w0, #n: the immediate is in the bits 5 .. 20. */
	code[0] = (uint8_t)(n << 5);
	code[1] = (uint8_t)(n >> 3);
#endif
	return zx_vmo_write(vmo, code, page * P, sizeof(code));
}

/* What is in the first byte in which code for n differs from that for others. */
#if defined(__x86_64__)
#define CODE_AT 1
#define CODE_BYTE(n) ((uint8_t)(n))
#elif defined(__aarch64__)
#define CODE_AT 0
#define CODE_BYTE(n) ((uint8_t)((n) << 5))
#endif

/* The same by stores. */
static void store_code(uint8_t *p, unsigned int n)
{
	memcpy(p, zt_code, sizeof(zt_code));
#if defined(__x86_64__)
	p[1] = (uint8_t)n;
#elif defined(__aarch64__)
	p[0] = (uint8_t)(n << 5);
	p[1] = (uint8_t)(n >> 3);
#endif
}

/* A VMO whose page i returns base + i, with EXECUTE. */
static zx_handle_t code_vmo(uint64_t pages, unsigned int base)
{
	zx_handle_t vmo = zt_vmo(pages * P, 0), out = ZX_HANDLE_INVALID;

	for (uint64_t i = 0; i < pages; i++)
		if (put_code(vmo, i, base + (unsigned int)i) != ZX_OK)
			return ZX_HANDLE_INVALID;
	if (zx_vmo_replace_as_executable(vmo, ZX_HANDLE_INVALID, &out) != ZX_OK)
		return ZX_HANDLE_INVALID;
	return out;
}

/* What calling the page gives: its number, or minus the signal. */
static int run(void *p)
{
	int sig = zt_try_exec(p);

	return sig ? -sig : zt_exec_value();
}

FIXTURE(exec) {
	struct vt_region r;	/* 64 pages of the root */
	zx_handle_t code;	/* 8 pages, returning 10 .. 17 */
};

FIXTURE_SETUP(exec)
{
	self->r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 64 * P);
	ASSERT_NE(ZX_HANDLE_INVALID, self->r.h);
	self->code = code_vmo(8, 10);
	ASSERT_NE(ZX_HANDLE_INVALID, self->code);
}

FIXTURE_TEARDOWN(exec)
{
}

#define AT(page) vt_ptr(&self->r, (page) * P)
#define MAP(options, page, vmo, vmo_page, pages) \
	vt_map_at(&self->r, (options), (page) * P, (vmo), (vmo_page) * P, (pages) * P)
#define PROTECT(options, page, pages) \
	zx_vmar_protect(self->r.h, (options), (zx_vaddr_t)AT(page), (pages) * P)
#define RX (VT_R | VT_X)

TEST_F(exec, R_028_R_033_runs_code)
{
	ZT_ASSERT_OK(MAP(RX, 0, self->code, 0, 4));
	for (int pg = 0; pg < 4; pg++) {
		EXPECT_EQ(10 + pg, run(AT(pg)));
		ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(AT(pg)));
		EXPECT_EQ(zt_code[2], vt_load(AT(pg) + 2));
	}
	/* The way there can be a write call, as for any page. */
	ZT_ASSERT_OK(put_code(self->code, 2, 99));
	EXPECT_EQ(99, run(AT(2)));
	/* The same at a place that the kernel chooses. */
	zx_vaddr_t addr;

	ZT_ASSERT_OK(zx_vmar_map(zx_vmar_root_self(), RX, 0, self->code, 7 * P, P, &addr));
	EXPECT_EQ(17, run((void *)addr));
	/* With pages entered at map time. */
	ZT_ASSERT_OK(MAP(RX | ZX_VM_MAP_RANGE, 8, self->code, 4, 2));
	EXPECT_EQ(14, run(AT(8)));
	EXPECT_EQ(15, run(AT(9)));
}

TEST_F(exec, V_254_handle_needs_execute)
{
	zx_handle_t vmo = zt_vmo(P, 0), no_exec = zt_without(self->code, ZX_RIGHT_EXECUTE);
	struct vt_region c = vt_alloc(zx_vmar_root_self(), VT_CAN_RW | ZX_VM_CAN_MAP_SPECIFIC, 4 * P);

	EXPECT_NE(0u, zt_rights(self->code) & ZX_RIGHT_EXECUTE);
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, MAP(RX, 0, vmo, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, MAP(RX, 0, no_exec, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, vt_map_at(&c, RX, 0, self->code, 0, P));
	/* A maximum without EXECUTE stays without. */
	ZT_ASSERT_OK(MAP(VT_R, 0, no_exec, 0, 1));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, PROTECT(RX, 0, 1));
	EXPECT_EQ(-SIGSEGV, run(AT(0)));
	EXPECT_EQ(0, vt_arena_lines(true));
}

TEST_F(exec, R_090_R_091_protect_around)
{
	ZT_ASSERT_OK(MAP(RX, 0, self->code, 0, 3));
	for (int round = 0; round < 4; round++) {
		EXPECT_EQ(round ? 50 + round : 11, run(AT(1)));
		/* To RW: written, not run. */
		ZT_ASSERT_OK(PROTECT(ZT_RW, 1, 1));
		EXPECT_EQ(-SIGSEGV, run(AT(1)));
		ZT_ASSERT_OK(zt_try_write(AT(1)));
		store_code(AT(1), 51 + (unsigned int)round);
		EXPECT_EQ(-SIGSEGV, run(AT(1)));
		EXPECT_EQ(10, run(AT(0)));
		EXPECT_EQ(12, run(AT(2)));
		/* To R: neither. */
		ZT_ASSERT_OK(PROTECT(VT_R, 1, 1));
		EXPECT_EQ(-SIGSEGV, run(AT(1)));
		ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(AT(1)));
		/* To nothing, then back to RX: the new code. */
		ZT_ASSERT_OK(PROTECT(0, 1, 1));
		EXPECT_EQ(-SIGSEGV, run(AT(1)));
		ZT_ASSERT_OK(PROTECT(RX, 1, 1));
		EXPECT_EQ(51 + round, run(AT(1)));
		ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(AT(1)));
	}
	/* All at once is Zircon's to allow. */
	ZT_ASSERT_OK(PROTECT(RX | ZX_VM_PERM_WRITE, 0, 3));
	store_code(AT(2), 77);
	EXPECT_EQ(77, run(AT(2)));
}

/* Present in the page tables as data when it becomes code, and the reverse. */
TEST_F(exec, R_090_data_to_code)
{
	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->code, 0, 2));
	EXPECT_EQ(-SIGSEGV, run(AT(0)));
	store_code(AT(0), 21);
	ZT_ASSERT_OK(PROTECT(RX, 0, 2));
	EXPECT_EQ(21, run(AT(0)));
	EXPECT_EQ(11, run(AT(1)));
	ZT_ASSERT_OK(PROTECT(ZT_RW, 0, 2));
	EXPECT_EQ(-SIGSEGV, run(AT(0)));
	store_code(AT(1), 22);
	EXPECT_EQ(CODE_BYTE(22), zt_vmo_byte(self->code, P + CODE_AT));
}

TEST_F(exec, nothing_else_becomes_executable)
{
	zx_handle_t data = zt_vmo(4 * P, 0);
	zx_vaddr_t far;

	/* Code in all of them, with EXECUTE in the maximum of most. */
	ZT_ASSERT_OK(put_code(data, 0, 1));
	ZT_ASSERT_OK(zx_vmar_map(zx_vmar_root_self(), ZT_RW, 0, self->code, 0, P, &far));
	ZT_ASSERT_OK(MAP(ZT_RW, 4, self->code, 3, 1));
	ZT_ASSERT_OK(MAP(VT_R, 6, self->code, 6, 1));
	ZT_ASSERT_OK(MAP(ZT_RW, 7, data, 0, 1));
	for (int touch = 0; touch < 2; touch++) {
		ZT_ASSERT_OK(MAP(RX, 5, self->code, 4, 1));
		EXPECT_EQ(14, run(AT(5)));
		EXPECT_EQ(-SIGSEGV, run(AT(4)));
		EXPECT_EQ(-SIGSEGV, run(AT(6)));
		EXPECT_EQ(-SIGSEGV, run(AT(7)));
		EXPECT_EQ(-SIGSEGV, run((void *)far));
		/* In the second round they are all in the page tables. */
		zt_try_read(AT(4));
		zt_try_read(AT(6));
		zt_try_write(AT(7) + 100);
		zt_try_write((void *)(far + 100));
		EXPECT_EQ(-SIGSEGV, run(AT(4)));
		EXPECT_EQ(-SIGSEGV, run(AT(6)));
		EXPECT_EQ(-SIGSEGV, run(AT(7)));
		EXPECT_EQ(-SIGSEGV, run((void *)far));
		ZT_ASSERT_OK(zx_vmar_unmap(self->r.h, (zx_vaddr_t)AT(5), P));
		EXPECT_EQ(-SIGSEGV, run(AT(5)));
	}
	/* A later data mapping where code was. */
	ZT_ASSERT_OK(MAP(RX, 5, self->code, 4, 1));
	EXPECT_EQ(14, run(AT(5)));
	ZT_ASSERT_OK(zx_vmar_unmap(self->r.h, (zx_vaddr_t)AT(5), P));
	ZT_ASSERT_OK(MAP(ZT_RW, 5, self->code, 4, 1));
	EXPECT_EQ(-SIGSEGV, run(AT(5)));
	ZT_ASSERT_OK(zt_try_write(AT(5) + 100));
	EXPECT_EQ(-SIGSEGV, run(AT(5)));
	/* The same by overwriting, both ways. */
	ZT_ASSERT_OK(MAP(RX | ZX_VM_SPECIFIC_OVERWRITE, 5, self->code, 5, 1));
	EXPECT_EQ(15, run(AT(5)));
	ZT_ASSERT_OK(MAP(ZT_RW | ZX_VM_SPECIFIC_OVERWRITE, 5, self->code, 5, 1));
	EXPECT_EQ(-SIGSEGV, run(AT(5)));
	EXPECT_EQ(CODE_BYTE(15), vt_load(AT(5) + CODE_AT));
}

TEST_F(exec, maps_shows_code_as_code)
{
	unsigned long start, end;
	char line[512], perms[8];

	EXPECT_EQ(1, vt_arena_lines(false));
	EXPECT_EQ(0, vt_arena_lines(true));
	ZT_ASSERT_OK(MAP(ZT_RW, 0, self->code, 0, 4));
	ZT_ASSERT_OK(zt_try_read(AT(0)));
	EXPECT_EQ(1, vt_arena_lines(false));
	ZT_ASSERT_OK(MAP(RX, 8, self->code, 0, 3));
	EXPECT_EQ(10, run(AT(8)));
	EXPECT_EQ(1, vt_arena_lines(true));
	ASSERT_TRUE(zt_maps_line(AT(9), line, sizeof(line)));
	ASSERT_EQ(3, sscanf(line, "%lx-%lx %7s", &start, &end, perms));
	EXPECT_EQ('x', perms[2]);
	/* No larger than the mapping. */
	ZT_EXPECT_U64((uintptr_t)AT(8), start);
	ZT_EXPECT_U64((uintptr_t)AT(11), end);
	ASSERT_TRUE(zt_maps_line(AT(0), line, sizeof(line)));
	ASSERT_EQ(3, sscanf(line, "%lx-%lx %7s", &start, &end, perms));
	EXPECT_EQ('-', perms[2]);
	/* It goes with the mapping. */
	ZT_ASSERT_OK(zx_vmar_unmap(self->r.h, (zx_vaddr_t)AT(8), 3 * P));
	EXPECT_EQ(0, vt_arena_lines(true));
	EXPECT_EQ(-SIGSEGV, run(AT(8)));
}

/* Who never asks for it has no executable line, whatever handles it holds. */
TEST_F(exec, no_executable_arena_without_asking)
{
	struct vt_region c = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 16 * P);

	ZT_ASSERT_OK(vt_map_at(&c, ZT_RW, 0, self->code, 0, 8 * P));
	ZT_ASSERT_OK(zx_vmar_protect(c.h, VT_R, c.base, 8 * P));
	ZT_ASSERT_OK(zx_vmar_protect(c.h, ZT_RW, c.base, 4 * P));
	ZT_ASSERT_OK(zx_vmar_op_range(c.h, ZX_VMAR_OP_MAP_RANGE, c.base, 8 * P, NULL, 0));
	EXPECT_EQ(0, vt_arena_lines(true));
	for (int pg = 0; pg < 8; pg++)
		EXPECT_EQ(-SIGSEGV, run((void *)(c.base + pg * P)));
	/* Linux's own call does not help either. */
	EXPECT_EQ(-1, mprotect((void *)c.base, P, PROT_READ | PROT_EXEC));
	EXPECT_EQ(-SIGSEGV, run((void *)c.base));
	EXPECT_EQ(0, vt_arena_lines(true));
}

TEST_F(exec, R_073_R_084_cuts)
{
	ZT_ASSERT_OK(MAP(RX, 0, self->code, 0, 5));
	ZT_ASSERT_OK(zx_vmar_unmap(self->r.h, (zx_vaddr_t)AT(2), P));
	EXPECT_EQ(11, run(AT(1)));
	EXPECT_EQ(-SIGSEGV, run(AT(2)));
	EXPECT_EQ(13, run(AT(3)));
	ZT_ASSERT_OK(MAP(VT_R, 2, self->code, 2, 1));
	EXPECT_EQ(-SIGSEGV, run(AT(2)));
	EXPECT_EQ(CODE_BYTE(12), vt_load(AT(2) + CODE_AT));
	/* Data over the end of one and the start of another. */
	ZT_ASSERT_OK(MAP(RX, 5, self->code, 5, 3));
	ZT_ASSERT_OK(MAP(ZT_RW | ZX_VM_SPECIFIC_OVERWRITE, 4, self->code, 0, 2));
	EXPECT_EQ(13, run(AT(3)));
	EXPECT_EQ(-SIGSEGV, run(AT(4)));
	EXPECT_EQ(-SIGSEGV, run(AT(5)));
	EXPECT_EQ(16, run(AT(6)));
	EXPECT_EQ(17, run(AT(7)));
	ZT_EXPECT_ACCESS(zt_try_write(AT(5) + 200));
	/* Code over data. */
	ZT_ASSERT_OK(MAP(RX | ZX_VM_SPECIFIC_OVERWRITE, 1, self->code, 1, 4));
	for (int pg = 0; pg < 5; pg++)
		EXPECT_EQ(10 + pg, run(AT(pg)));
	ZT_ASSERT_OK(zx_vmar_destroy(self->r.h));
	EXPECT_EQ(-SIGSEGV, run(AT(0)));
	EXPECT_EQ(0, vt_arena_lines(true));
}

/* Code of a size-changing VMO, and pages given back while mapped. */
TEST_F(exec, R_113_R_125_pages_go)
{
	ZT_ASSERT_OK(MAP(RX, 0, self->code, 0, 2));
	EXPECT_EQ(10, run(AT(0)));
	ZT_ASSERT_OK(zx_vmo_op_range(self->code, ZX_VMO_OP_DECOMMIT, 0, P, NULL, 0));
	EXPECT_EQ(0, vt_load(AT(0)));
	EXPECT_EQ(11, run(AT(1)));
	ZT_ASSERT_OK(put_code(self->code, 0, 66));
	EXPECT_EQ(66, run(AT(0)));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(AT(0)));
}

/* Many pieces of code in one process. */
TEST_F_TIMEOUT(exec, two_hundred_mappings, 60)
{
	struct vt_region c = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 400 * P);

	ASSERT_NE(ZX_HANDLE_INVALID, c.h);
	for (size_t i = 0; i < 200; i++)
		ZT_ASSERT_OK(vt_map_at(&c, RX, 2 * i * P, self->code, i % 8 * P, P));
	for (size_t i = 0; i < 200; i++)
		ASSERT_EQ(10 + (int)(i % 8), run(vt_ptr(&c, 2 * i * P)));
	EXPECT_EQ(200, vt_arena_lines(true));
	/* The pages between them are still the arena's, for data. */
	ZT_ASSERT_OK(vt_map_at(&c, ZT_RW, P, self->code, 3 * P, P));
	EXPECT_EQ(-SIGSEGV, run(vt_ptr(&c, P)));
	ZT_EXPECT_ACCESS(zt_try_write(vt_ptr(&c, P) + 100));
	for (size_t i = 0; i < 200; i += 2)
		ZT_ASSERT_OK(zx_vmar_unmap(c.h, c.base + 2 * i * P, P));
	for (size_t i = 0; i < 200; i++)
		ASSERT_EQ(i & 1 ? 10 + (int)(i % 8) : -SIGSEGV, run(vt_ptr(&c, 2 * i * P)));
	EXPECT_EQ(100, vt_arena_lines(true));
	ZT_ASSERT_OK(zx_vmar_destroy(c.h));
	EXPECT_EQ(0, vt_arena_lines(true));
}

/*
 * Mappings of code come and go at one end while a thread runs code, and reads
 * and writes data, at the other: it notices nothing.
 */
struct bystander {
	uint8_t *code, *data;
	_Atomic bool stop;
	_Atomic int bad;
	_Atomic unsigned long rounds;
};

static void *stand_by(void *arg)
{
	struct bystander *b = arg;

	vt_pin(0);
	for (unsigned long i = 1; !b->stop; i++) {
		int got = run(b->code);

		if (got != 13)
			b->bad = got ? got : INT32_MIN;
		if (zt_try_store(b->data, (uint8_t)i) || vt_load(b->data) != (uint8_t)i)
			b->bad = 1000;
		b->rounds = i;
	}
	return NULL;
}

TEST_F(exec, bystanders_notice_nothing)
{
	zx_handle_t data = zt_vmo(P, 0);
	struct bystander b = { .code = AT(0), .data = AT(1) };
	uint64_t end = zt_now_ns() + 2500000000u;
	unsigned long rounds = 0;
	pthread_t t;

	ZT_ASSERT_OK(MAP(RX, 0, self->code, 3, 1));
	ZT_ASSERT_OK(MAP(ZT_RW, 1, data, 0, 1));
	ASSERT_EQ(0, pthread_create(&t, NULL, stand_by, &b));
	vt_pin(1);
	while (zt_now_ns() < end) {
		ZT_ASSERT_OK(MAP(RX, 2, self->code, 5, 2));
		ASSERT_EQ(15, run(AT(2)));
		ZT_ASSERT_OK(PROTECT(ZT_RW, 2, 1));
		ASSERT_EQ(-SIGSEGV, run(AT(2)));
		ASSERT_EQ(16, run(AT(3)));
		ZT_ASSERT_OK(zx_vmar_unmap(self->r.h, (zx_vaddr_t)AT(2), 2 * P));
		ASSERT_EQ(-SIGSEGV, run(AT(3)));
		rounds++;
	}
	b.stop = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
	EXPECT_EQ(0, b.bad);
	EXPECT_NE(0u, b.rounds);
	TH_LOG("%lu rounds, %lu of the bystander", rounds, b.rounds);
}

static int child_has_none(void *arg)
{
	FIXTURE_DATA(exec) *self = arg;
	struct vt_region r;

	VT_CHECK(run(AT(0)) == -SIGSEGV);
	VT_CHECK(vt_arena_lines(true) == 0);
	r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 8 * P);
	VT_CHECK(vt_arena_lines(false) == 1);
	VT_CHECK_OK(vt_map_at(&r, RX, P, self->code, 2 * P, P));
	VT_CHECK(run(vt_ptr(&r, P)) == 12);
	VT_CHECK(vt_arena_lines(true) == 1);
	return 0;
}

TEST_F(exec, fork_inherits_no_code)
{
	struct zvm_stats before;

	ZT_ASSERT_OK(MAP(RX, 0, self->code, 0, 2));
	EXPECT_EQ(10, run(AT(0)));
	before = zt_stats();
	EXPECT_EQ(0, zt_fork_run(child_has_none, self));
	ZT_EXPECT_NO_LEAK(&before);
	EXPECT_EQ(11, run(AT(1)));
	/* What the parent had it still can change. */
	ZT_EXPECT_OK(PROTECT(ZT_RW, 0, 1));
	EXPECT_EQ(-SIGSEGV, run(AT(0)));
	ZT_EXPECT_OK(PROTECT(RX, 0, 1));
	EXPECT_EQ(10, run(AT(0)));
}

/*
 * A process that asked for readable memory to be executable, as old programs do,
 * gets that for memory of Linux: the arena's VMA then is, what is mapped in it
 * is not.
 */
static int reads_imply_exec(void *arg ZT_UNUSED)
{
	zx_handle_t vmo = code_vmo(1, 7), plain = zt_without(vmo, ZX_RIGHT_EXECUTE);
	void *p;

	VT_CHECK(personality(READ_IMPLIES_EXEC) >= 0);
	/* The first use of a region by this process makes its arena. */
	p = zt_map(plain, 0, P, ZT_RW);
	VT_CHECK(p && zt_try_read(p) == 0);
	VT_CHECK(run(p) == -SIGSEGV);
	VT_CHECK(zt_try_write((uint8_t *)p + 100) == 0);
	VT_CHECK(run(p) == -SIGSEGV);
	p = zt_map(vmo, 0, P, VT_R);
	VT_CHECK(p && run(p) == -SIGSEGV);
	/* By mmap(2), Linux asks for execution in its name: not without the right. */
	VT_CHECK(mmap(NULL, P, PROT_READ, MAP_SHARED, zvm_handle_to_fd(plain), 0) == MAP_FAILED);
	return 0;
}

TEST(nothing_is_executable_by_being_readable)
{
	EXPECT_EQ(0, zt_fork_run(reads_imply_exec, NULL));
}

TEST_HARNESS_MAIN
