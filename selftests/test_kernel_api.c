// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * VMOs as other modules use them: samples/zvm_sample, which is loaded for each test,
 * calls the functions of <linux/zircon_vm.h>; here is the other end of each VMO.
 */
#include "kselftest_harness.h"
#include <sys/resource.h>

#include "fail_nth.h"
#include "sample_test.h"

static zx_status_t op(zx_handle_t vmo, uint32_t what, uint64_t offset, uint64_t len)
{
	return zx_vmo_op_range(vmo, what, offset, len, NULL, 0);
}

static zx_status_t snapshot(zx_handle_t vmo)
{
	zx_handle_t child;
	zx_status_t st = zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, P, &child);

	if (!st)
		zx_handle_close(child);
	return st;
}

TEST_F(kernel_api, create_and_copy)
{
	uint8_t buf[3 * 4096], back[sizeof(buf)];
	zx_handle_t h;

	NEED_SAMPLE();
	EXPECT_EQ(EINVAL, SAMPLE(CREATE, .len = P, .flags = 1u << 29));
	EXPECT_EQ(ERANGE, SAMPLE(CREATE, .len = UINT64_MAX));
	EXPECT_EQ(EBADFD, SAMPLE(QUERY, 0));
	ASSERT_EQ(0, SAMPLE(CREATE, .len = 7 * P + 1, .flags = ZX_VMO_RESIZABLE));
	EXPECT_EQ(EBADFD, SAMPLE(CREATE, .len = P));
	zt_fill(buf, sizeof(buf), 100, 1);
	ASSERT_EQ(0, SAMPLE(WRITE, .offset = 100, .len = sizeof(buf), .buffer = (uintptr_t)buf));
	ASSERT_EQ(0, SAMPLE(READ, .offset = 100, .len = sizeof(buf), .buffer = (uintptr_t)back));
	EXPECT_EQ(-1, zt_mismatch(back, sizeof(back), 100, 1));
	EXPECT_EQ(0, SAMPLE(READ, .offset = 8 * P, .buffer = (uintptr_t)back));
	EXPECT_EQ(ERANGE, SAMPLE(READ, .offset = 8 * P - 1, .len = 2, .buffer = (uintptr_t)back));
	EXPECT_EQ(ERANGE, SAMPLE(WRITE, .offset = UINT64_MAX, .len = 2, .buffer = (uintptr_t)buf));
	ASSERT_EQ(0, SAMPLE(QUERY, 0));
	ZT_EXPECT_U64(8 * P, OUT(1));
	ZT_EXPECT_U64(7 * P + 1, OUT(2));
	ZT_EXPECT_U64((100 + sizeof(buf) + P - 1) / P * P, OUT(3));
	ZT_EXPECT_U64(ZX_VMO_RESIZABLE, OUT(4));
	ZT_EXPECT_U64(0, OUT(5));
	ZT_EXPECT_U64(0, OUT(6));
	ZT_EXPECT_U64(0, OUT(7));

	h = handle(self, RIGHTS_RW);
	ASSERT_NE(0u, h);
	ASSERT_EQ(0, SAMPLE(QUERY, 0));
	ZT_EXPECT_U64(zt_koid(h), OUT(0));
	ZT_EXPECT_U64(8 * P, zt_size(h));
	EXPECT_TRUE(zt_vmo_holds(h, 100, sizeof(buf), 1));
	ASSERT_EQ(0, zt_vmo_fill(h, 100, sizeof(buf), 2));
	ASSERT_EQ(0, SAMPLE(READ, .offset = 100, .len = sizeof(buf), .buffer = (uintptr_t)back));
	EXPECT_EQ(-1, zt_mismatch(back, sizeof(back), 100, 2));

	ASSERT_EQ(0, SAMPLE(COMMIT, .len = 6 * P));
	ZT_EXPECT_U64(6 * P, zt_committed(h));
	EXPECT_EQ(ERANGE, SAMPLE(COMMIT, .len = 9 * P));
}

static void on_alarm(int sig ZT_UNUSED)
{
}

/* All of a MiB goes, though signals come. */
TEST_F(kernel_api, long_copies)
{
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = {};
	size_t len = 1 << 20;
	uint8_t *buf;

	NEED_SAMPLE();
	buf = malloc(len);
	zt_fill(buf, len, 0, 1);
	ASSERT_EQ(0, SAMPLE(CREATE, .len = len));
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 10; i++) {
		ASSERT_EQ(0, SAMPLE(WRITE, .len = len, .buffer = (uintptr_t)buf));
		memset(buf, 0, len);
		ASSERT_EQ(0, SAMPLE(READ, .len = len, .buffer = (uintptr_t)buf));
		ASSERT_EQ(-1, zt_mismatch(buf, len, 0, 1));
	}
	setitimer(ITIMER_REAL, &never, NULL);
	free(buf);
}

TEST_F(kernel_api, descriptors_and_rights)
{
	zx_handle_t vmo, h;
	int null;

	NEED_SAMPLE();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	EXPECT_EQ(EBADF, SAMPLE(ATTACH, .fd = -1));
	EXPECT_EQ(EBADF, SAMPLE(ATTACH, .fd = null));
	EXPECT_EQ(EMEDIUMTYPE, SAMPLE(ATTACH, .fd = zvm_handle_to_fd(zx_vmar_root_self())));
	vmo = zt_vmo(LEN, 0);
	h = zt_keep(&self->bag, zt_dup(vmo, ZX_RIGHT_READ | ZX_RIGHT_MAP));
	EXPECT_EQ(EACCES, SAMPLE(ATTACH, .fd = zvm_handle_to_fd(h), .flags = RIGHTS_RW));
	EXPECT_EQ(0, SAMPLE(ATTACH, .fd = zvm_handle_to_fd(h), .flags = ZX_RIGHT_READ));
	EXPECT_EQ(EINVAL, SAMPLE(FD, .flags = 1u << 31));
	h = handle(self, ZX_RIGHT_READ);
	ZT_EXPECT_U64(ZX_RIGHT_READ | ZX_RIGHTS_BASIC | ZX_RIGHTS_PROPERTY | ZX_RIGHT_SIGNAL,
		      zt_rights(h));
	EXPECT_EQ(FD_CLOEXEC, fcntl(zvm_handle_to_fd(h), F_GETFD));
	ZT_EXPECT_U64(zt_koid(vmo), zt_koid(h));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_write(h, "x", 0, 1));
	ZT_EXPECT_OK(zx_handle_close(vmo));
	close(null);
}

/* The kernel's reference keeps a VMO that nobody else has, and gives it back. */
TEST_F(kernel_api, lifetime)
{
	zx_handle_t vmo;

	NEED_SAMPLE();
	vmo = attached(self, LEN, 0);
	ASSERT_NE(0u, vmo);
	zt_empty(&self->bag);
	ZT_EXPECT_U64(self->before.vmos + 1, zt_stats().vmos);
	ZT_EXPECT_U64(self->before.handles, zt_stats().handles);
	vmo = handle(self, RIGHTS_RW);
	EXPECT_TRUE(zt_vmo_holds(vmo, 0, LEN, 1));
	zt_empty(&self->bag);
	ASSERT_EQ(0, SAMPLE(DETACH, 0));
	ZT_EXPECT_NO_LEAK(&self->before);

	/* a mapping and a pin each are references, and the last ones at that */
	ASSERT_NE(0u, attached(self, LEN, 0));
	ASSERT_EQ(0, SAMPLE(MAP, .len = P, .flags = PERM_R));
	ASSERT_EQ(0, SAMPLE(PIN, .offset = P, .len = P));
	zt_empty(&self->bag);
	ZT_EXPECT_U64(self->before.pages + N_PAGES, zt_stats().pages);
	EXPECT_EQ(zt_pattern(7, 1), peek(self, 7));
	ASSERT_EQ(0, SAMPLE(DETACH, 0));
	ZT_EXPECT_NO_LEAK(&self->before);
}

/* Is there a line for the mapping in debugfs? */
static bool is_listed(uint64_t base, uint64_t size, uint64_t vmo, uint64_t offset)
{
	FILE *f = fopen("/sys/kernel/debug/zircon-vm/kernel", "re");
	char line[128], want[128];
	bool found = false;

	if (!f)
		return false;
	snprintf(want, sizeof(want), "%#llx %llu %llu %llu\n", (unsigned long long)base,
		 (unsigned long long)size, (unsigned long long)vmo, (unsigned long long)offset);
	while (fgets(line, sizeof(line), f))
		found |= !strcmp(line, want);
	fclose(f);
	return found;
}

TEST_F(kernel_api, memory_is_shared)
{
	zx_handle_t vmo;
	uint64_t base;
	uint8_t *p;

	NEED_SAMPLE();
	vmo = attached(self, LEN, 0);
	ASSERT_NE(0u, vmo);
	p = zt_map(vmo, 0, LEN, ZT_RW);
	ASSERT_NE(NULL, p);
	ASSERT_EQ(0, SAMPLE(MAP, .offset = 2 * P, .len = 3 * P, .flags = PERM_RW));
	base = OUT(0);
	for (size_t at = 0; at < 3 * P; at += 511) {
		ASSERT_EQ(zt_pattern(2 * P + at, 1), peek(self, at));
		ASSERT_EQ(0, poke(self, at, (uint8_t)(at / 511)));
		ASSERT_EQ((uint8_t)(at / 511), p[2 * P + at]);
		p[2 * P + at] ^= 0xff;
		ASSERT_EQ((uint8_t)~(at / 511), peek(self, at));
	}
	/* pages of before and behind are what they were */
	EXPECT_TRUE(zt_vmo_holds(vmo, 0, 2 * P, 1));
	EXPECT_TRUE(zt_vmo_holds(vmo, 5 * P, 3 * P, 1));

	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, SAMPLE(MAP_QUERY, .offset = i * P + 9));
		ZT_EXPECT_U64(base, OUT(0));
		ZT_EXPECT_U64(3 * P, OUT(1));
		ZT_EXPECT_U64(zt_koid(vmo), OUT(2));
		ZT_EXPECT_U64(2 * P, OUT(3));
		ZT_EXPECT_U64(PERM_RW, OUT(4));
		ZT_EXPECT_U64(pp_pfn(p + (2 + i) * P) * P + 9, OUT(5));
	}
	EXPECT_EQ(ENOENT, SAMPLE(MAP_QUERY, .offset = 3 * P));
	EXPECT_EQ(ENOENT, SAMPLE(MAP_QUERY, .offset = -1ull));
	EXPECT_EQ(ENOENT, SAMPLE(UNMAP, .offset = P));
	if (!access("/sys/kernel/debug/zircon-vm", F_OK))
		EXPECT_TRUE(is_listed(base, 3 * P, zt_koid(vmo), 2 * P));
	ASSERT_EQ(0, SAMPLE(UNMAP, 0));
	EXPECT_FALSE(is_listed(base, 3 * P, zt_koid(vmo), 2 * P));
	ZT_EXPECT_OK(zt_unmap(p, LEN));
}

TEST_F(kernel_api, map_arguments)
{
	zx_handle_t vmo;

	NEED_SAMPLE();
	vmo = attached(self, LEN, 0);
	ASSERT_NE(0u, vmo);
	EXPECT_EQ(EINVAL, SAMPLE(MAP, .flags = PERM_R));
	EXPECT_EQ(EINVAL, SAMPLE(MAP, .len = P + 1, .flags = PERM_R));
	EXPECT_EQ(EINVAL, SAMPLE(MAP, .offset = 1, .len = P, .flags = PERM_R));
	EXPECT_EQ(EINVAL, SAMPLE(MAP, .len = P));
	EXPECT_EQ(EINVAL, SAMPLE(MAP, .len = P, .flags = ZX_VM_PERM_WRITE));
	EXPECT_EQ(EINVAL, SAMPLE(MAP, .len = P, .flags = PERM_R | ZX_VM_PERM_EXECUTE));
	EXPECT_EQ(ERANGE, SAMPLE(MAP, .len = LEN + P, .flags = PERM_R));
	EXPECT_EQ(ERANGE, SAMPLE(MAP, .offset = LEN, .len = P, .flags = PERM_R));
	EXPECT_EQ(ERANGE, SAMPLE(MAP, .offset = P, .len = -P, .flags = PERM_R));
	/* nothing of that has stayed */
	ZT_EXPECT_OK(op(vmo, ZX_VMO_OP_DECOMMIT, 0, LEN));
	/* mapping commits */
	ASSERT_EQ(0, SAMPLE(MAP, .offset = P, .len = 2 * P, .flags = PERM_R));
	ZT_EXPECT_U64(2 * P, zt_committed(vmo));
	EXPECT_EQ(0, peek(self, 0));
	EXPECT_EQ(EFAULT, poke(self, 0, 1));
	ASSERT_EQ(0, SAMPLE(UNMAP, 0));
}

/* What is in the way of pages that have to stay where they are. */
static const char *hindered(zx_handle_t vmo, zx_handle_t other, zx_status_t want)
{
	if (op(vmo, ZX_VMO_OP_DECOMMIT, 2 * P, P) != want)
		return "decommit";
	if (zx_vmo_set_size(vmo, 3 * P) != want)
		return "shrink";
	if (snapshot(vmo) != want)
		return "snapshot";
	if (zx_vmo_transfer_data(other, 0, 0, P, vmo, 2 * P) != want)
		return "transfer from";
	if (zx_vmo_transfer_data(vmo, 0, 2 * P, P, other, 0) != want)
		return "transfer to";
	if (zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_CACHED) != want)
		return "cache policy";
	return NULL;
}

TEST_F(kernel_api, mapped_pages_stay)
{
	zx_handle_t vmo, other;
	uint64_t phys;

	NEED_SAMPLE();
	vmo = attached(self, LEN, ZX_VMO_RESIZABLE);
	other = zt_keep(&self->bag, zt_vmo(LEN, 0));
	ASSERT_NE(0u, vmo);
	ASSERT_EQ(0, SAMPLE(MAP, .offset = 2 * P, .len = 2 * P, .flags = PERM_RW));
	ASSERT_EQ(0, SAMPLE(MAP_QUERY, .offset = P));
	phys = OUT(5);
	EXPECT_EQ(NULL, hindered(vmo, other, ZX_ERR_BAD_STATE));
	EXPECT_TRUE(zt_vmo_holds(vmo, 0, LEN, 1));
	/* beside them all is as ever */
	ZT_EXPECT_OK(op(vmo, ZX_VMO_OP_DECOMMIT, P, P));
	ZT_EXPECT_OK(zx_vmo_set_size(vmo, 4 * P));
	/* in place */
	ZT_EXPECT_OK(op(vmo, ZX_VMO_OP_ZERO, 0, 4 * P));
	EXPECT_EQ(0, peek(self, P + 1));
	ASSERT_EQ(0, poke(self, P + 1, 0x77));
	EXPECT_EQ(0x77, zt_vmo_byte(vmo, 3 * P + 1));
	ASSERT_EQ(0, SAMPLE(MAP_QUERY, .offset = P));
	ZT_EXPECT_U64(phys, OUT(5));
	ASSERT_EQ(0, SAMPLE(UNMAP, 0));
	EXPECT_EQ(NULL, hindered(vmo, other, ZX_OK));
}

/* A page shared with a snapshot becomes the mapped VMO's own. */
TEST_F(kernel_api, snapshots_do_not_see_the_kernel)
{
	zx_handle_t vmo, child;

	NEED_SAMPLE();
	vmo = attached(self, LEN, 0);
	ASSERT_NE(0u, vmo);
	ZT_ASSERT_OK(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, LEN, &child));
	zt_keep(&self->bag, child);
	ASSERT_EQ(0, SAMPLE(MAP, .offset = P, .len = P, .flags = PERM_RW));
	ASSERT_EQ(0, poke(self, 5, 0x99));
	EXPECT_EQ(0x99, zt_vmo_byte(vmo, P + 5));
	EXPECT_TRUE(zt_vmo_holds(child, 0, LEN, 1));
	/* nor does it see them */
	ASSERT_EQ(0, zt_vmo_fill(child, 0, LEN, 2));
	EXPECT_EQ(0x99, peek(self, 5));
	EXPECT_EQ(zt_pattern(P + 6, 1), peek(self, 6));
}

struct poker {
	int fd;
	volatile int stop;
	volatile long ok, refused;
};

/* Writes all the time, on a processor of its own, which so knows the page well. */
static void *poker(void *arg)
{
	struct poker *p = arg;

	vt_pin(1);
	while (!p->stop) {
		struct zvm_sample_call c = { .offset = P, .flags = 0x11 };

		if (!ioctl(p->fd, ZVM_SAMPLE_POKE, &c))
			p->ok++;
		else if (errno == EFAULT)
			p->refused++;
	}
	return NULL;
}

TEST_F(kernel_api, protect)
{
	zx_handle_t vmo;
	uint8_t *p;

	NEED_SAMPLE();
	vmo = attached(self, LEN, 0);
	ASSERT_NE(0u, vmo);
	p = zt_map(vmo, 0, LEN, ZT_RW);
	ASSERT_EQ(0, SAMPLE(MAP, .len = 4 * P, .flags = PERM_RW));
	EXPECT_EQ(EINVAL, SAMPLE(PROTECT, .offset = P, .flags = PERM_R));
	EXPECT_EQ(EINVAL, SAMPLE(PROTECT, .offset = 1, .len = P, .flags = PERM_R));
	EXPECT_EQ(EINVAL, SAMPLE(PROTECT, .len = 1, .flags = PERM_R));
	EXPECT_EQ(EINVAL, SAMPLE(PROTECT, .len = P));
	EXPECT_EQ(EINVAL, SAMPLE(PROTECT, .len = P, .flags = PERM_R | ZX_VM_PERM_EXECUTE));
	EXPECT_EQ(ENOENT, SAMPLE(PROTECT, .offset = 3 * P, .len = 2 * P, .flags = PERM_R));
	EXPECT_EQ(ENOENT, SAMPLE(PROTECT, .offset = 4 * P, .len = P, .flags = PERM_R));
	EXPECT_EQ(ENOENT, SAMPLE(PROTECT, .offset = P, .len = -P, .flags = PERM_R));
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(0, poke(self, i * P, 1));
	ASSERT_EQ(0, SAMPLE(PROTECT, .offset = P, .len = 2 * P, .flags = PERM_R));
	for (int i = 0; i < 4; i++) {
		bool ro = i == 1 || i == 2;

		EXPECT_EQ(ro ? EFAULT : 0, poke(self, i * P, 2));
		EXPECT_EQ(ro ? 1 : 2, peek(self, i * P));
		EXPECT_EQ(ro ? 1 : 2, p[i * P]);
		ASSERT_EQ(0, SAMPLE(MAP_QUERY, .offset = i * P));
		ZT_EXPECT_U64(ro ? PERM_R : PERM_RW, OUT(4));
		ZT_EXPECT_U64(pp_pfn(p + i * P) * P, OUT(5));
		/* the program's own mapping has nothing to do with it */
		p[i * P] = 3;
		EXPECT_EQ(3, peek(self, i * P));
	}
	ASSERT_EQ(0, SAMPLE(PROTECT, .offset = P, .len = P, .flags = PERM_RW));
	EXPECT_EQ(0, poke(self, P, 4));
	EXPECT_EQ(EFAULT, poke(self, 2 * P, 4));
	EXPECT_EQ(4, p[P]);
	ASSERT_EQ(0, SAMPLE(UNMAP, 0));

	/* from read-only on */
	ASSERT_EQ(0, SAMPLE(MAP, .len = P, .flags = PERM_R));
	EXPECT_EQ(EFAULT, poke(self, 0, 5));
	ASSERT_EQ(0, SAMPLE(PROTECT, .len = P, .flags = PERM_RW));
	EXPECT_EQ(0, poke(self, 0, 5));
	EXPECT_EQ(5, p[0]);
	ZT_EXPECT_OK(zt_unmap(p, LEN));
}

static void wait_above(const volatile long *count, long than)
{
	while (*count <= than)
		sched_yield();
}

/* When it returns, no processor goes by what it knew before. */
TEST_F_TIMEOUT(kernel_api, protect_holds_everywhere, 60)
{
	uint64_t end = zt_now_ns() + 2000000000u;
	struct poker poke_all = {};
	pthread_t t;
	long ok;

	NEED_SAMPLE();
	if (CPU_COUNT(&vt_cpus_) < 2)
		SKIP(return, "one processor only");
	vt_pin(0);
	ASSERT_NE(0u, attached(self, LEN, 0));
	ASSERT_EQ(0, SAMPLE(MAP, .len = 2 * P, .flags = PERM_RW));
	poke_all.fd = self->fd;
	ASSERT_EQ(0, pthread_create(&t, NULL, poker, &poke_all));
	/* what it does is counted in turn: the next count comes after all before */
	for (int i = 0; i < 20 || (i < 200 && zt_now_ns() < end); i++) {
		wait_above(&poke_all.ok, poke_all.ok);
		ASSERT_EQ(0, SAMPLE(PROTECT, .offset = P, .len = P, .flags = PERM_R));
		wait_above(&poke_all.refused, poke_all.refused);
		ok = poke_all.ok;
		EXPECT_EQ(EFAULT, poke(self, P, 1));
		zt_sleep_ms(1);
		ASSERT_EQ(ok, poke_all.ok);
		ASSERT_EQ(0, SAMPLE(PROTECT, .offset = P, .len = P, .flags = PERM_RW));
	}
	poke_all.stop = 1;
	pthread_join(t, NULL);
}

/* What nobody can write to, the kernel's users cannot either. */
TEST_F(kernel_api, immutable)
{
	zx_handle_t vmo, child;
	uint8_t byte = 1;

	NEED_SAMPLE();
	vmo = zt_keep(&self->bag, zt_vmo(LEN, 0));
	ASSERT_EQ(0, zt_vmo_fill(vmo, 0, LEN, 1));
	ZT_ASSERT_OK(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_NO_WRITE, 0,
					 LEN, &child));
	zt_keep(&self->bag, child);
	ASSERT_EQ(0, SAMPLE(ATTACH, .fd = zvm_handle_to_fd(child), .flags = ZX_RIGHT_READ));
	EXPECT_EQ(EACCES, SAMPLE(WRITE, .len = 1, .buffer = (uintptr_t)&byte));
	EXPECT_EQ(EACCES, SAMPLE(MAP, .len = P, .flags = PERM_RW));
	EXPECT_EQ(EACCES, SAMPLE(FD, .flags = RIGHTS_RW));
	ASSERT_EQ(0, SAMPLE(MAP, .len = P, .flags = PERM_R));
	EXPECT_EQ(EACCES, SAMPLE(PROTECT, .len = P, .flags = PERM_RW));
	EXPECT_EQ(EFAULT, poke(self, 0, 1));
	EXPECT_TRUE(zt_vmo_holds(child, 0, LEN, 1));
}

TEST_F(kernel_api, pin)
{
	zx_handle_t vmo, other;

	NEED_SAMPLE();
	vmo = attached(self, LEN, ZX_VMO_RESIZABLE);
	other = zt_keep(&self->bag, zt_vmo(LEN, 0));
	ASSERT_NE(0u, vmo);
	EXPECT_EQ(EINVAL, SAMPLE(PIN, .len = 0));
	EXPECT_EQ(EINVAL, SAMPLE(PIN, .offset = 1, .len = P));
	EXPECT_EQ(ERANGE, SAMPLE(PIN, .len = LEN + P));
	ZT_ASSERT_OK(op(vmo, ZX_VMO_OP_DECOMMIT, 0, LEN));
	ASSERT_EQ(0, SAMPLE(PIN, .offset = 2 * P, .len = 2 * P));
	ZT_EXPECT_U64(2, OUT(0));
	ZT_EXPECT_U64(2 * P, zt_committed(vmo));
	EXPECT_EQ(NULL, hindered(vmo, other, ZX_ERR_BAD_STATE));
	ZT_EXPECT_OK(op(vmo, ZX_VMO_OP_DECOMMIT, 4 * P, P));
	ASSERT_EQ(0, SAMPLE(UNPIN, 0));
	EXPECT_EQ(NULL, hindered(vmo, other, ZX_OK));
	EXPECT_EQ(ENOENT, SAMPLE(UNPIN, 0));
}

TEST_F(kernel_api, contiguous)
{
	zx_handle_t vmo;
	uint64_t phys;

	NEED_SAMPLE();
	EXPECT_EQ(EINVAL, SAMPLE(CONTIGUOUS, .len = P + 1));
	EXPECT_EQ(EINVAL, SAMPLE(CONTIGUOUS, .len = 0));
	ASSERT_EQ(0, SAMPLE(CONTIGUOUS, .len = 5 * P, .flags = 16));
	ASSERT_EQ(0, SAMPLE(QUERY, 0));
	ZT_EXPECT_U64(5 * P, OUT(1));
	ZT_EXPECT_U64(5 * P, OUT(3));
	ZT_EXPECT_U64(1, OUT(7));
	vmo = handle(self, RIGHTS_RWM);
	EXPECT_TRUE(zt_vmo_zero(vmo, 0, 5 * P));
	ASSERT_EQ(0, SAMPLE(MAP, .len = 5 * P, .flags = PERM_RW));
	ASSERT_EQ(0, SAMPLE(MAP_QUERY, 0));
	phys = OUT(5);
	ZT_EXPECT_U64(0, phys % (1 << 16));
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(0, SAMPLE(MAP_QUERY, .offset = i * P));
		ZT_EXPECT_U64(phys + i * P, OUT(5));
		ASSERT_EQ(0, poke(self, i * P, (uint8_t)i));
		EXPECT_EQ(i, zt_vmo_byte(vmo, i * P));
	}
	ASSERT_EQ(0, SAMPLE(UNMAP, 0));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED, op(vmo, ZX_VMO_OP_DECOMMIT, 0, P));
}

/* RLIMIT_MEMLOCK is for programs. */
static int pin_unprivileged(int sock ZT_UNUSED, void *arg)
{
	struct zvm_sample_call c = { .len = LEN, .flags = PERM_RW };
	struct rlimit none = {};
	int fd = *(int *)arg;

	VT_CHECK(!setrlimit(RLIMIT_MEMLOCK, &none));
	VT_CHECK(!setresuid(65534, 65534, 65534));
	VT_CHECK(!ioctl(fd, ZVM_SAMPLE_CREATE, &(struct zvm_sample_call){ .len = LEN }));
	VT_CHECK(!ioctl(fd, ZVM_SAMPLE_PIN, &c));
	VT_CHECK(!ioctl(fd, ZVM_SAMPLE_MAP, &c));
	return 0;
}

TEST_F(kernel_api, no_memlock_limit)
{
	struct vt_child c;

	NEED_SAMPLE();
	c = vt_spawn(pin_unprivileged, &self->fd);
	EXPECT_EQ(0, vt_join(&c));
}

TEST_F(kernel_api, discardable)
{
	zx_vmo_lock_state_t st;
	zx_handle_t vmo;
	uint8_t byte;

	NEED_SAMPLE();
	ASSERT_EQ(0, SAMPLE(CREATE, .len = LEN, .flags = ZX_VMO_DISCARDABLE));
	vmo = handle(self, RIGHTS_RWM);
	ZT_ASSERT_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_LOCK, 0, LEN, &st, sizeof(st)));
	ASSERT_EQ(0, zt_vmo_fill(vmo, 0, LEN, 1));
	ZT_ASSERT_OK(op(vmo, ZX_VMO_OP_UNLOCK, 0, LEN));
	ASSERT_EQ(0, SAMPLE(MAP, .offset = P, .len = P, .flags = PERM_RW));
	for (int i = 0; i < 3; i++)
		ASSERT_TRUE(vt_write_file("/proc/sys/vm/drop_caches", "2"));
	EXPECT_EQ(zt_pattern(P, 1), peek(self, 0));
	EXPECT_TRUE(zt_vmo_holds(vmo, 0, LEN, 1));
	ASSERT_EQ(0, SAMPLE(UNMAP, 0));
	ASSERT_TRUE(vt_write_file("/proc/sys/vm/drop_caches", "2"));
	ASSERT_EQ(0, SAMPLE(QUERY, 0));
	ZT_EXPECT_U64(1, OUT(6));
	ZT_EXPECT_U64(0, OUT(3));
	EXPECT_EQ(ENOENT, SAMPLE(READ, .len = 1, .buffer = (uintptr_t)&byte));
	EXPECT_EQ(ENOENT, SAMPLE(MAP, .len = P, .flags = PERM_R));
	EXPECT_EQ(ENOENT, SAMPLE(PIN, .len = P));
}

/* ------------------------------------------------------------------------
 * Wired pages
 */
TEST_F(kernel_api, wired)
{
	zx_handle_t vmo, other, slice;
	uint8_t *p;

	NEED_SAMPLE();
	ASSERT_EQ(0, SAMPLE(WIRE, .len = LEN, .flags = 0xa5));
	ASSERT_EQ(0, SAMPLE(QUERY, 0));
	ZT_EXPECT_U64(LEN, OUT(1));
	ZT_EXPECT_U64(LEN, OUT(2));
	ZT_EXPECT_U64(LEN, OUT(3));
	ZT_EXPECT_U64(0, OUT(4));
	ZT_EXPECT_U64(1, OUT(5));
	vmo = handle(self, RIGHTS_RWM | ZX_RIGHT_RESIZE);
	other = zt_keep(&self->bag, zt_vmo(LEN, 0));
	p = zt_map(vmo, 0, LEN, ZT_RW);
	ASSERT_NE(NULL, p);
	EXPECT_EQ(-1, zt_not_byte(p, LEN, 0xa5));
	for (size_t at = 0; at < LEN; at += P + 3) {
		ASSERT_EQ(0, zt_try_store(p + at, 0x5a));
		ASSERT_EQ(0, SAMPLE(OWN_PEEK, .offset = at));
		ZT_EXPECT_U64(0x5a, OUT(0));
		ASSERT_EQ(0, SAMPLE(OWN_POKE, .offset = at, .flags = 0x33));
		EXPECT_EQ(0x33, p[at]);
		EXPECT_EQ(0x33, zt_vmo_byte(vmo, at));
	}
	ZT_ASSERT_OK(zt_unmap(p, LEN));

	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, op(vmo, ZX_VMO_OP_DECOMMIT, 0, P));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, op(vmo, ZX_VMO_OP_DECOMMIT, 0, LEN));
	ZT_EXPECT_STATUS(ZX_ERR_UNAVAILABLE, zx_vmo_set_size(vmo, P));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, snapshot(vmo));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_transfer_data(other, 0, 0, P, vmo, 0));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_transfer_data(vmo, 0, 0, P, other, 0));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
			 zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_UNCACHED));
	EXPECT_EQ(0, SAMPLE(COMMIT, .len = LEN));

	/* in place, parts of pages and whole ones; and a smaller stream size */
	ZT_EXPECT_OK(op(vmo, ZX_VMO_OP_ZERO, P + 8, 2 * P));
	ZT_EXPECT_OK(zx_vmo_set_stream_size(vmo, 5 * P));
	ASSERT_EQ(0, SAMPLE(PIN, .len = LEN));
	ZT_EXPECT_U64(N_PAGES, OUT(0));
	for (int i = 0; i < N_PAGES; i++) {
		ASSERT_EQ(0, SAMPLE(OWN_PEEK, .offset = i * P + 100));
		ZT_EXPECT_U64(i == 1 || i == 2 || i >= 5 ? 0 : 0xa5, OUT(0));
		ASSERT_EQ(0, SAMPLE(WHERE, .offset = i * P));
		ZT_EXPECT_U64(OUT(1), OUT(0));
	}

	/* a slice shows them; and the kernel's own mapping */
	ZT_ASSERT_OK(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SLICE, 3 * P, 2 * P, &slice));
	EXPECT_EQ(0xa5, zt_vmo_byte(slice, P + 100));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, op(slice, ZX_VMO_OP_DECOMMIT, 0, P));
	ZT_EXPECT_OK(zx_handle_close(slice));
	ASSERT_EQ(0, SAMPLE(MAP, .offset = 4 * P, .len = P, .flags = PERM_RW));
	ASSERT_EQ(0, poke(self, 100, 0x44));
	ASSERT_EQ(0, SAMPLE(OWN_PEEK, .offset = 4 * P + 100));
	ZT_EXPECT_U64(0x44, OUT(0));
}

TEST_F(kernel_api, wired_pages_must_be_free)
{
	NEED_SAMPLE();
	EXPECT_EQ(EINVAL, SAMPLE(WIRE, .len = 0));
	/* one of them twice: none of them is taken */
	EXPECT_EQ(EBUSY, SAMPLE(WIRE, .len = LEN, .offset = 1));
	ZT_EXPECT_U64(self->before.pages, zt_stats().pages);
	ASSERT_EQ(0, SAMPLE(WIRE, .len = LEN));
	ZT_EXPECT_U64(self->before.pages + N_PAGES, zt_stats().pages);
}

/* Whoever has lent them lets go, and is unloaded: they stay. */
TEST_F(kernel_api, wired_pages_outlive_their_maker)
{
	size_t much = 64 << 20;
	zx_handle_t vmo;
	uint8_t *p, *q;

	NEED_SAMPLE();
	ASSERT_EQ(0, SAMPLE(WIRE, .len = LEN, .flags = 0xa5));
	vmo = handle(self, RIGHTS_RWM);
	p = zt_map(vmo, 0, LEN, ZT_RW);
	ASSERT_NE(NULL, p);
	ASSERT_EQ(0xa5, p[P]);
	close(self->fd);
	self->fd = -1;
	ASSERT_EQ(0, unload());
	/* if they were free, they would be in here */
	q = mmap(NULL, much, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t at = 0; at < much; at += P)
		memset(q + at, 0x11, 64);
	EXPECT_EQ(-1, zt_not_byte(p, LEN, 0xa5));
	memset(p, 0x5a, LEN);
	for (size_t at = 0; at < much; at += P)
		ASSERT_EQ(-1, zt_not_byte(q + at, 64, 0x11));
	munmap(q, much);
	/* a mapping alone keeps them, too */
	zt_empty(&self->bag);
	EXPECT_EQ(-1, zt_not_byte(p, LEN, 0x5a));
	ZT_EXPECT_U64(self->before.pages + N_PAGES, zt_stats().pages);
	ZT_EXPECT_OK(zt_unmap(p, LEN));
	ZT_EXPECT_NO_LEAK(&self->before);
}

/* The sample's own references do not make a page look like somebody else's. */
TEST_F(kernel_api, wired_pages_are_written_in_place)
{
	zx_handle_t vmo;
	uint8_t buf[64];

	NEED_SAMPLE();
	ASSERT_EQ(0, SAMPLE(WIRE, .len = LEN, .flags = 1));
	vmo = handle(self, RIGHTS_RWM);
	zt_fill(buf, sizeof(buf), 0, 7);
	for (size_t at = 0; at < LEN; at += P) {
		ZT_ASSERT_OK(zx_vmo_write(vmo, buf, at, sizeof(buf)));
		ASSERT_EQ(0, SAMPLE(OWN_PEEK, .offset = at + 9));
		ZT_EXPECT_U64(buf[9], OUT(0));
	}
	ZT_EXPECT_U64(self->before.pages + N_PAGES, zt_stats().pages);
}

/* ------------------------------------------------------------------------
 * The modules
 */
TEST_F(kernel_api, references_of_modules)
{
	zx_handle_t vmo;

	NEED_SAMPLE();
	/* used by the sample, which is in use itself */
	EXPECT_EQ(-1, syscall(SYS_delete_module, "zircon_vm", O_NONBLOCK));
	EXPECT_EQ(EWOULDBLOCK, errno);
	EXPECT_EQ(-1, syscall(SYS_delete_module, NAME, O_NONBLOCK));
	EXPECT_EQ(EWOULDBLOCK, errno);
	/* a VMO outlives the module that made it */
	ASSERT_EQ(0, SAMPLE(CREATE, .len = LEN));
	vmo = handle(self, RIGHTS_RW);
	ASSERT_EQ(0, zt_vmo_fill(vmo, 0, LEN, 1));
	close(self->fd);
	self->fd = -1;
	ASSERT_EQ(0, unload());
	EXPECT_TRUE(zt_vmo_holds(vmo, 0, LEN, 1));
}

/* Nobody else has a file of the module open: not even its device. */
TEST(used_by_the_kernel_alone)
{
	struct zvm_sample_call c = { .len = LEN };
	uint8_t byte = 0x42;
	int fd, session;

	NEED_SAMPLE();
	ASSERT_EQ(0, load());
	session = open(DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, session);
	ASSERT_EQ(0, ioctl(session, ZVM_SAMPLE_CREATE, &c));
	c.flags = PERM_RW;
	ASSERT_EQ(0, ioctl(session, ZVM_SAMPLE_MAP, &c));
	c = (struct zvm_sample_call){ .offset = P, .flags = byte };
	ASSERT_EQ(0, ioctl(session, ZVM_SAMPLE_POKE, &c));
	c = (struct zvm_sample_call){ .flags = RIGHTS_RW };
	fd = ioctl(session, ZVM_SAMPLE_FD, &c);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ioctl(session, ZVM_SAMPLE_DETACH, &c));
	/* now the descriptor alone */
	byte = 0;
	EXPECT_EQ(1, pread(fd, &byte, 1, P));
	EXPECT_EQ(0x42, byte);
	c.fd = fd;
	ASSERT_EQ(0, ioctl(session, ZVM_SAMPLE_ATTACH, &c));
	close(fd);
	/* and the reference */
	c = (struct zvm_sample_call){ .offset = P, .len = 1, .buffer = (uintptr_t)&byte };
	byte = 0;
	EXPECT_EQ(0, ioctl(session, ZVM_SAMPLE_READ, &c));
	EXPECT_EQ(0x42, byte);
	ASSERT_EQ(0, ioctl(session, ZVM_SAMPLE_DETACH, &c));
	c = (struct zvm_sample_call){ .len = LEN, .flags = 3 };
	ASSERT_EQ(0, ioctl(session, ZVM_SAMPLE_WIRE, &c));
	close(session);
	EXPECT_EQ(0, unload());
}

/* ------------------------------------------------------------------------
 * Without memory: all or nothing
 */
TEST_F_TIMEOUT(kernel_api, memory_fails, 120)
{
	static const struct {
		unsigned long nr;
		struct zvm_sample_call call;
		bool fresh;
	} cases[] = {
		{ ZVM_SAMPLE_CREATE, { .len = 2 * 4096 }, true },
		{ ZVM_SAMPLE_WIRE, { .len = 40 * 4096 }, true },
		{ ZVM_SAMPLE_CONTIGUOUS, { .len = 40 * 4096 }, true },
		{ ZVM_SAMPLE_COMMIT, { .len = 8 * 4096 }, false },
		{ ZVM_SAMPLE_PIN, { .len = 8 * 4096 }, false },
		{ ZVM_SAMPLE_MAP, { .len = 8 * 4096, .flags = PERM_RW }, false },
		{ ZVM_SAMPLE_FD, { .flags = ZX_RIGHT_READ }, false },
	};
	int nth;

	NEED_SAMPLE();
	FN_NEEDED();
	nth = fn_open();
	ASSERT_LE(0, nth);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int misses = 0, failures = 0;

		for (int n = 1; misses < FN_MISSES; n++) {
			struct zvm_stats before;
			bool failed;
			int fd, err;

			if (!cases[i].fresh)
				ASSERT_EQ(0, SAMPLE(CREATE, .len = LEN));
			before = zt_stats();
			self->c = cases[i].call;
			fn_arm(nth, n);
			fd = ioctl(self->fd, cases[i].nr, &self->c);
			err = fd < 0 ? errno : 0;
			failed = fn_disarm(nth);
			misses = failed ? 0 : misses + 1;
			failures += failed;
			if (!failed)
				EXPECT_EQ(0, err);
			if (err) {
				struct zvm_stats now = zt_stats();

				EXPECT_TRUE(err == ENOMEM || err == EFAULT || err == ENFILE) {
					TH_LOG("case %zu, n %d: %s", i, n, strerror(err));
				}
				/* some pages may be there, but no more objects */
				EXPECT_TRUE(err == EFAULT || (now.vmos == before.vmos &&
							      now.handles == before.handles)) {
					TH_LOG("case %zu, n %d", i, n);
				}
			} else if (fd > 0) {
				close(fd);
			}
			ASSERT_EQ(0, SAMPLE(DETACH, 0));
		}
		EXPECT_LT(0, failures) {
			TH_LOG("case %zu has no chance to fail", i);
		}
	}
	close(nth);
}

TEST_HARNESS_MAIN
