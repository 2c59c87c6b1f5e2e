// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * The tracepoints: each event comes when it should, with the right numbers.
 */
#include "kselftest_harness.h"
#include "zvm_vmar_test.h"

#define TRACING "/sys/kernel/tracing"
#define EVENTS TRACING "/events/zircon_vm"

#define NEED_TRACING() do {						\
	if (access(EVENTS, F_OK))					\
		SKIP(return, "no tracepoints here, or no tracefs");	\
} while (0)

FIXTURE(trace) {
	char dir[96];
	char small[16];		/* KiB of the main trace buffer, if it is not in use */
	char *text;
};

/* The main trace buffer grows with the first event that anybody wants. */
static void main_buffer(FIXTURE_DATA(trace) *self)
{
	FILE *f = fopen(TRACING "/buffer_size_kb", "re");
	char line[64] = "";

	if (f && fgets(line, sizeof(line), f) && strstr(line, "expanded"))
		sscanf(line, "%15[0-9]", self->small);
	if (f)
		fclose(f);
}

FIXTURE_SETUP(trace)
{
	ASSERT_TRUE(zt_warm_up());
	if (access(EVENTS, F_OK))
		return;
	main_buffer(self);
	/* A trace buffer of our own. */
	snprintf(self->dir, sizeof(self->dir), TRACING "/instances/zvm-%d", getpid());
	ASSERT_EQ(0, mkdir(self->dir, 0700));
}

FIXTURE_TEARDOWN(trace)
{
	free(self->text);
	if (self->dir[0])
		EXPECT_EQ(0, rmdir(self->dir));
	if (self->small[0])
		vt_write_file(TRACING "/buffer_size_kb", self->small);
}

static bool set(FIXTURE_DATA(trace) *self, const char *file, const char *to)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", self->dir, file);
	return vt_write_file(path, to);
}

static bool begin(FIXTURE_DATA(trace) *self)
{
	return set(self, "events/zircon_vm/enable", "1");
}

/* No more events; read what has come. */
static bool end(FIXTURE_DATA(trace) *self)
{
	size_t room = 1 << 20, n = 0, got;
	char path[192];
	FILE *f;

	if (!set(self, "events/zircon_vm/enable", "0"))
		return false;
	snprintf(path, sizeof(path), "%s/trace", self->dir);
	f = fopen(path, "re");
	free(self->text);
	self->text = malloc(room);
	while (f && (got = fread(self->text + n, 1, room - 1 - n, f)) > 0)
		n += got;
	self->text[n] = 0;
	return f && !fclose(f) && n < room - 1;
}

/* How many lines of ours hold "EVENT: TEXT" or begin so. */
static int count(const char *text, const char *event, const char *format, ...)
{
	char want[256], mine[32];
	const char *at = text;
	va_list ap;
	int n = 0;

	n = snprintf(want, sizeof(want), ": %s: ", event);
	va_start(ap, format);
	vsnprintf(want + n, sizeof(want) - n, format, ap);
	va_end(ap);
	n = 0;
	snprintf(mine, sizeof(mine), "-%d ", getpid());
	while ((at = strstr(at, want))) {
		const char *line = at, *me;

		while (line > text && line[-1] != '\n')
			line--;
		me = strstr(line, mine);
		at += strlen(want);
		n += me && me < at && strchr(" \n", *at);
	}
	return n;
}

#define COUNT(event, ...) count(self->text, event, __VA_ARGS__)
#define ull(x) ((unsigned long long)(x))

TEST_F(trace, life_of_vmos)
{
	unsigned long long k[5];
	zx_handle_t h[5];

	NEED_TRACING();
	ASSERT_TRUE(begin(self));
	h[0] = zt_vmo(4 * P, ZX_VMO_RESIZABLE);
	h[1] = zt_vmo(4 * P, 0);
	ASSERT_EQ(0, zt_vmo_fill(h[0], 0, 4 * P, 1));
	ASSERT_EQ(0, zt_vmo_fill(h[1], 0, 4 * P, 1));
	ZT_ASSERT_OK(zx_vmo_create_child(h[0], ZX_VMO_CHILD_SNAPSHOT, P, 2 * P, &h[2]));
	ZT_ASSERT_OK(zx_vmo_create_child(h[1], ZX_VMO_CHILD_SLICE, P, P, &h[3]));
	ZT_ASSERT_OK(zx_vmo_create_child(h[0], ZX_VMO_CHILD_REFERENCE, 0, 0, &h[4]));
	for (int i = 0; i < 5; i++)
		k[i] = zt_koid(h[i]);
	/* page 1 of the child is page 2 of the parent, and shared */
	ZT_ASSERT_OK(zx_vmo_write(h[2], "x", P, 1));
	ZT_ASSERT_OK(zx_vmo_write(h[2], "x", P, 1));
	/* a failure makes nothing */
	zx_vmo_create_child(h[0], ZX_VMO_CHILD_SLICE, 0, P, &h[3]);
	for (int i = 4; i >= 0; i--)
		ZT_ASSERT_OK(zx_handle_close(h[i]));
	ASSERT_TRUE(end(self));

	EXPECT_EQ(1, COUNT("vmo_create", "vmo=%llu kind=plain parent=0 size=%llu options=%#x", k[0],
			   ull(4 * P), ZX_VMO_RESIZABLE));
	EXPECT_EQ(1, COUNT("vmo_create", "vmo=%llu kind=plain parent=0 size=%llu", k[1],
			   ull(4 * P)));
	EXPECT_EQ(1, COUNT("vmo_create", "vmo=%llu kind=snapshot parent=%llu size=%llu", k[2], k[0],
			   ull(2 * P)));
	EXPECT_EQ(1, COUNT("vmo_create", "vmo=%llu kind=slice parent=%llu size=%llu", k[3], k[1],
			   ull(P)));
	EXPECT_EQ(1, COUNT("vmo_create", "vmo=%llu kind=reference parent=%llu size=%llu", k[4],
			   k[0], ull(4 * P)));
	EXPECT_EQ(1, COUNT("vmo_snapshot", "vmo=%llu child=%llu page=1 pages=2", k[0], k[2]));
	EXPECT_EQ(1, COUNT("vmo_copy", "vmo=%llu page=1", k[2]));
	EXPECT_EQ(0, COUNT("vmo_copy", "vmo=%llu page=0", k[2]));
	EXPECT_EQ(0, COUNT("vmo_copy", "vmo=%llu", k[0]));
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(1, COUNT("vmo_destroy", "vmo=%llu", k[i]));
}

TEST_F(trace, faults_and_zaps)
{
	zx_handle_t vmo = zt_vmo(8 * P, ZX_VMO_RESIZABLE);
	unsigned long long k = zt_koid(vmo);
	uint8_t *p = zt_map(vmo, 0, 8 * P, ZT_RW | ZX_VM_ALLOW_FAULTS);

	NEED_TRACING();
	ASSERT_NE(NULL, p);
	ASSERT_TRUE(begin(self));
	EXPECT_EQ(0, zt_try_write(p + 2 * P + 5));
	EXPECT_EQ(0, zt_try_read(p + 5 * P));
	ZT_ASSERT_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, 2 * P, P, NULL, 0));
	ZT_ASSERT_OK(zx_vmo_set_size(vmo, 4 * P));
	EXPECT_EQ(SIGBUS, zt_try_read(p + 6 * P));
	ASSERT_TRUE(end(self));

	/* VM_FAULT_NOPAGE, VM_FAULT_SIGBUS */
	EXPECT_EQ(1, COUNT("vmo_fault", "vmo=%llu page=2 addr=%#llx access=write result=0x100", k,
			   ull(p + 2 * P)));
	EXPECT_EQ(1, COUNT("vmo_fault", "vmo=%llu page=5 addr=%#llx access=read result=0x100", k,
			   ull(p + 5 * P)));
	EXPECT_EQ(1, COUNT("vmo_fault", "vmo=%llu page=6 addr=%#llx access=read result=0x2", k,
			   ull(p + 6 * P)));
	EXPECT_EQ(1, COUNT("vmo_zap", "vmo=%llu page=2 last=2", k));
	EXPECT_EQ(1, COUNT("vmo_zap", "vmo=%llu page=4 last=7", k));
	ZT_ASSERT_OK(zt_unmap(p, 8 * P));
	ZT_ASSERT_OK(zx_handle_close(vmo));
}

/* A write to what is mapped read-only since a snapshot. */
TEST_F(trace, upgrade_after_a_snapshot)
{
	zx_handle_t vmo = zt_vmo(P, 0), child;
	unsigned long long k = zt_koid(vmo);
	uint8_t *p = zt_map(vmo, 0, P, ZT_RW);

	NEED_TRACING();
	ASSERT_NE(NULL, p);
	ASSERT_EQ(0, zt_try_write(p));
	ZT_ASSERT_OK(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, P, &child));
	EXPECT_EQ(0, zt_try_read(p));
	ASSERT_TRUE(begin(self));
	EXPECT_EQ(0, zt_try_write(p));
	ASSERT_TRUE(end(self));
	EXPECT_EQ(1, COUNT("vmo_copy", "vmo=%llu page=0", k));
	EXPECT_EQ(1, COUNT("vmo_fault", "vmo=%llu page=0 addr=%#llx access=upgrade", k, ull(p)) +
		     COUNT("vmo_fault", "vmo=%llu page=0 addr=%#llx access=write", k, ull(p)));
	EXPECT_LE(1, COUNT("vmo_zap", "vmo=%llu page=0 last=0", k));
	ZT_ASSERT_OK(zt_unmap(p, P));
	ZT_ASSERT_OK(zx_handle_close(vmo));
	ZT_ASSERT_OK(zx_handle_close(child));
}

TEST_F(trace, discards)
{
	zx_handle_t vmo = zt_vmo(8 * P, ZX_VMO_DISCARDABLE);
	unsigned long long k = zt_koid(vmo);
	zx_vmo_lock_state_t st;

	NEED_TRACING();
	ZT_ASSERT_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_LOCK, 0, 8 * P, &st, sizeof(st)));
	ASSERT_EQ(0, zt_vmo_fill(vmo, 0, 3 * P, 1));
	ZT_ASSERT_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_UNLOCK, 0, 8 * P, NULL, 0));
	ASSERT_TRUE(begin(self));
	ASSERT_TRUE(vt_write_file("/proc/sys/vm/drop_caches", "2"));
	ASSERT_TRUE(vt_write_file("/proc/sys/vm/drop_caches", "2"));
	ASSERT_TRUE(end(self));
	EXPECT_EQ(1, COUNT("vmo_discard", "vmo=%llu pages=3", k));
	ZT_ASSERT_OK(zx_handle_close(vmo));
}

TEST_F(trace, regions)
{
	struct vt_region r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 16 * P);
	zx_handle_t vmo = zt_vmo(8 * P, 0);
	unsigned long long k = zt_koid(vmo), v = zt_koid(r.h);
	zx_vaddr_t at;

	NEED_TRACING();
	ASSERT_NE(0u, r.h);
	ASSERT_TRUE(begin(self));
	ZT_ASSERT_OK(zx_vmar_map(r.h, ZT_RW | ZX_VM_SPECIFIC, 4 * P, vmo, 2 * P, 6 * P, &at));
	/* refused: no event */
	ZT_ASSERT_STATUS(ZX_ERR_ALREADY_EXISTS,
			 zx_vmar_map(r.h, ZT_RW | ZX_VM_SPECIFIC, 4 * P, vmo, 2 * P, 6 * P, &at));
	/* a part, then the whole of what is left on one side */
	ZT_ASSERT_OK(zx_vmar_protect(r.h, VT_R, at + P, P));
	ZT_ASSERT_STATUS(ZX_ERR_NOT_FOUND, zx_vmar_protect(r.h, VT_R, at + 6 * P, P));
	ZT_ASSERT_OK(zx_vmar_unmap(r.h, at + 3 * P, P));
	ZT_ASSERT_OK(zx_vmar_unmap(r.h, at + 4 * P, 2 * P));
	ASSERT_TRUE(end(self));

	EXPECT_EQ(1, COUNT("vmar_map", "vmar=%llu vmo=%llu addr=%#llx len=%llu offset=%llu prot=%#x",
			   v, k, ull(at), ull(6 * P), ull(2 * P), ZT_RW));
	EXPECT_EQ(1, COUNT("vmar_map", "vmar=%llu", v));
	EXPECT_EQ(1, COUNT("vmar_protect", "vmar=%llu addr=%#llx len=%llu prot=%#x", v, ull(at + P),
			   ull(P), VT_R));
	EXPECT_EQ(1, COUNT("vmar_protect", "vmar=%llu", v));
	EXPECT_EQ(1, COUNT("vmar_unmap", "vmar=%llu addr=%#llx len=%llu", v, ull(at + 3 * P),
			   ull(P)));
	EXPECT_EQ(1, COUNT("vmar_unmap", "vmar=%llu addr=%#llx len=%llu", v, ull(at + 4 * P),
			   ull(2 * P)));
	EXPECT_EQ(2, COUNT("vmar_unmap", "vmar=%llu", v));
	ZT_ASSERT_OK(zx_vmar_destroy(r.h));
	ZT_ASSERT_OK(zx_handle_close(r.h));
	ZT_ASSERT_OK(zx_handle_close(vmo));
}

TEST_HARNESS_MAIN
