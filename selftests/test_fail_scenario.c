// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Whole lives of objects and processes with one failure somewhere in them: each
 * allocation and each copy from and to the user, in turn. First what happens
 * only once: the first file, VMO, region of all.
 */
#include "kselftest_harness.h"
#include "fail_nth.h"

#include <zircon-vm.h>

static bool failure_code(int err)
{
	return err == ENOMEM || err == EFAULT;
}

/* Nothing of the module is alive but what belongs to the descriptor @dev. */
static bool all_gone(int dev)
{
	struct zvm_stats s = { .size = sizeof(s) };

	for (int i = 0; i < 200; i++) {
		if (ioctl(dev, ZVM_STATS, &s))
			return false;
		if (!(s.vmos | s.vmars | s.aspaces | s.mappings | s.handles | s.pages |
		      s.page_nodes))
			return true;
		zt_sleep_ms(5);
	}
	return false;
}

/* ------------------------------------------------------------------------
 * The first of all, in a process that does not use the library
 */
FIXTURE(fail_first) {
	int fail;
};

FIXTURE_SETUP(fail_first)
{
	self->fail = fn_open();
}

FIXTURE_TEARDOWN(fail_first)
{
}

/* The body sets @failed. */
#define FOR_EACH_FAILURE(n, failed)						\
	for (int n = 1, failed = 0, misses_ = 0; misses_ < FN_MISSES && n < 5000;	\
	     n++, misses_ = failed ? 0 : misses_ + 1)

/* The first file mounts the file system. */
TEST_F(fail_first, open)
{
	int errors = 0;

	FN_NEEDED();
	FOR_EACH_FAILURE(n, failed) {
		int fd, err;

		fn_arm(self->fail, n);
		fd = open("/dev/zircon-vm", O_RDWR | O_CLOEXEC);
		err = fd < 0 ? errno : 0;
		failed = fn_disarm(self->fail);
		if (err) {
			errors++;
			ASSERT_TRUE(failed && failure_code(err)) TH_LOG("%d: %s", n, strerror(err));
			fd = open("/dev/zircon-vm", O_RDWR | O_CLOEXEC);
		}
		ASSERT_GE(fd, 0);
		ASSERT_TRUE(all_gone(fd));
		close(fd);
	}
	EXPECT_GT(errors, 1);
}

/* The first VMO of a user comes with a count of what the user has. */
TEST_F(fail_first, vmo)
{
	int dev = open("/dev/zircon-vm", O_RDWR | O_CLOEXEC), errors = 0;

	FN_NEEDED();
	ASSERT_GE(dev, 0);
	FOR_EACH_FAILURE(n, failed) {
		__u32 handle = FN_CANARY;
		struct zvm_vmo_create cmd = {
			.size = sizeof(cmd), .vmo_size = P, .out_handle = (uintptr_t)&handle,
		};
		int err;

		fn_arm(self->fail, n);
		err = ioctl(dev, ZVM_VMO_CREATE, &cmd) < 0 ? errno : 0;
		failed = fn_disarm(self->fail);
		if (err) {
			errors++;
			ASSERT_TRUE(failed && failure_code(err)) TH_LOG("%d: %s", n, strerror(err));
			ASSERT_EQ(FN_CANARY, handle);
			ASSERT_TRUE(all_gone(dev)) TH_LOG("failure %d", n);
			ASSERT_EQ(0, ioctl(dev, ZVM_VMO_CREATE, &cmd));
		}
		ASSERT_EQ(0, close((int)ZVM_HANDLE_FD(handle)));
		ASSERT_TRUE(all_gone(dev)) TH_LOG("failure %d", n);
	}
	EXPECT_GT(errors, 1);
}

/* The first handle to the root region makes the arena. */
TEST_F(fail_first, root)
{
	int dev = open("/dev/zircon-vm", O_RDWR | O_CLOEXEC), errors = 0;
	int lines = zt_maps_count();

	FN_NEEDED();
	ASSERT_GE(dev, 0);
	FOR_EACH_FAILURE(n, failed) {
		zx_info_vmar_t info = { 0 };
		__u32 handle = FN_CANARY;
		struct zvm_vmar_root cmd = {
			.size = sizeof(cmd), .out_handle = (uintptr_t)&handle,
		};
		struct zvm_object_get_info get = {
			.size = sizeof(get), .topic = ZX_INFO_VMAR,
			.buffer = (uintptr_t)&info, .buffer_size = sizeof(info),
		};
		bool made;
		int err;

		fn_arm(self->fail, n);
		err = ioctl(dev, ZVM_VMAR_ROOT, &cmd) < 0 ? errno : 0;
		failed = fn_disarm(self->fail);
		made = zt_maps_count() > lines;
		if (err) {
			errors++;
			ASSERT_TRUE(failed && failure_code(err)) TH_LOG("%d: %s", n, strerror(err));
			ASSERT_EQ(FN_CANARY, handle);
			/* An arena stays if only the handle could not be made. */
			ASSERT_TRUE(made || all_gone(dev)) TH_LOG("failure %d", n);
			ASSERT_EQ(0, ioctl(dev, ZVM_VMAR_ROOT, &cmd));
		}
		ASSERT_EQ(0, ioctl((int)ZVM_HANDLE_FD(handle), ZVM_OBJECT_GET_INFO, &get));
		ASSERT_EQ(SIGSEGV, zt_try_read((void *)info.base));
		ASSERT_EQ(0, munmap((void *)info.base, info.len));
		ASSERT_EQ(lines, zt_maps_count()) TH_LOG("a second arena, failure %d", n);
		ASSERT_EQ(0, close((int)ZVM_HANDLE_FD(handle)));
		ASSERT_TRUE(all_gone(dev)) TH_LOG("failure %d", n);
	}
	EXPECT_GT(errors, 1);
}

/* ------------------------------------------------------------------------
 * Lives: a child does all of it, with one failure somewhere
 */

enum mode {
	RETRY,		/* the step that has failed is done again, and goes on */
	EXIT,		/* the child ends there and then */
};

struct life {
	enum mode mode;
	int n;		/* which failure */
	int fail;
	bool failed;	/* a step has */
};

static bool lacks_memory(zx_status_t status)
{
	return status == ZX_ERR_NO_MEMORY ||
	       status == ZX_ERR_INVALID_ARGS ||		/* EFAULT */
	       status == ZX_ERR_NO_RESOURCES;		/* ENOBUFS, ENFILE: sockets */
}

/*
 * In the child: an access gives this signal. Without failures meanwhile: one that
 * hits the kernel's delivery of a signal kills the process.
 */
#define HIT(sig, probe) do {							\
	int left_ = fn_pause(l->fail);						\
										\
	VT_CHECK((probe) == (sig));						\
	if (left_)								\
		fn_arm(l->fail, left_);						\
} while (0)

/* In the child: a step is done, or says that it could not be done and then can. */
#define STEP(call) do {								\
	zx_status_t step_ = (call);						\
	if (step_ != ZX_OK) {							\
		if (l->mode == EXIT)						\
			_exit(0);						\
		if (l->failed || !lacks_memory(step_))				\
			VT_CHECK_OK(step_);					\
		l->failed = true;						\
		VT_CHECK_OK(call);						\
	}									\
} while (0)

/* In the child: this must be so, at the second look at the latest. */
#define SURE(cond) do {								\
	if (!(cond)) {								\
		if (l->mode == EXIT)						\
			_exit(0);						\
		VT_CHECK(!l->failed);						\
		l->failed = true;						\
		VT_CHECK(cond);							\
	}									\
} while (0)

/* A system call that returns -1 and errno if it fails. */
static zx_status_t sys(long ret)
{
	if (ret >= 0)
		return ZX_OK;
	switch (errno) {
	case ENOMEM:
	case EAGAIN:	/* fork(2), for some of what it lacks */
		return ZX_ERR_NO_MEMORY;
	case ENOBUFS:
	case ENFILE:
		return ZX_ERR_NO_RESOURCES;
	case EFAULT:
		return ZX_ERR_INVALID_ARGS;
	default:
		return ZX_ERR_INTERNAL;
	}
}

/* Replacing takes the old handle away, also if it fails: so it gets a duplicate. */
static zx_status_t as_executable(zx_handle_t vmo, zx_handle_t *x)
{
	zx_handle_t dup;
	zx_status_t status = zx_handle_duplicate(vmo, ZX_RIGHT_SAME_RIGHTS, &dup);

	return status ? status : zx_vmo_replace_as_executable(dup, ZX_HANDLE_INVALID, x);
}

/* Create, write, map, fault, protect, unmap, destroy. */
static void life_of_memory(struct life *l)
{
	zx_handle_t root = 0, vmo = 0, x = 0, region = 0;
	zx_vaddr_t base = 0, addr = 0;
	uint8_t buf[100];

	SURE((root = zx_vmar_root_self()));
	STEP(zx_vmo_create(8 * P, ZX_VMO_RESIZABLE, &vmo));
	zt_fill(buf, sizeof(buf), P - 50, 3);
	STEP(zx_vmo_write(vmo, buf, P - 50, sizeof(buf)));
	STEP(zx_vmar_allocate(root, VT_CAN_ALL, 0, 64 * P, &region, &base));
	STEP(zx_vmar_map(region, ZT_RW | ZX_VM_SPECIFIC, 0, vmo, 0, 8 * P, &addr));
	VT_CHECK(!zt_try_load((void *)(addr + P), buf) && buf[0] == zt_pattern(P, 3));
	VT_CHECK(!zt_try_store((void *)(addr + 4 * P), 44));
	STEP(zx_vmar_protect(region, VT_R, base + 3 * P, 2 * P));
	HIT(SIGSEGV, zt_try_write((void *)(addr + 4 * P)));
	VT_CHECK(!zt_try_load((void *)(addr + 4 * P), buf) && buf[0] == 44);
	STEP(zx_vmar_unmap(region, base + 4 * P, P));
	HIT(SIGSEGV, zt_try_read((void *)(addr + 4 * P)));
	VT_CHECK(!zt_try_store((void *)(addr + 5 * P), 55));
	STEP(zx_vmo_set_size(vmo, 5 * P + 10));
	HIT(SIGBUS, zt_try_read((void *)(addr + 6 * P)));

	STEP(zx_vmo_write(vmo, zt_code, 0, sizeof(zt_code)));
	STEP(as_executable(vmo, &x));
	STEP(zx_handle_close(vmo));
	STEP(zx_vmar_map(region, VT_R | ZX_VM_PERM_EXECUTE, 0, x, 0, P, &addr));
	VT_CHECK(!zt_try_exec((void *)addr) && zt_exec_value() == 42);
	STEP(zx_vmar_destroy(region));
	HIT(SIGSEGV, zt_try_read((void *)base));
	STEP(zx_handle_close(region));
	SURE(zt_vmo_byte(x, 5 * P) == 55);
	STEP(zx_handle_close(x));
}

/* Handles on their way through a socket, some of which are never received. */
static void life_of_handles(struct life *l)
{
	zx_handle_t root = 0, vmo = 0, dup = 0, got = 0, lent = 0;
	int sv[2];

	SURE((root = zx_vmar_root_self()));
	STEP(sys(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv)));
	STEP(zx_vmo_create(2 * P, 0, &vmo));
	STEP(zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 0, P, NULL, 0));
	STEP(zx_handle_duplicate(vmo, ZX_RIGHT_SAME_RIGHTS, &dup));
	STEP(zvm_vmar_lend(root, ZX_RIGHT_SAME_RIGHTS, &lent));
	STEP(zvm_handle_send(sv[0], dup));
	STEP(zvm_handle_send(sv[0], lent));
	/* What is to be received may be lost, and is closed then. */
	if (zvm_handle_recv(sv[1], &got) == ZX_OK) {
		SURE(zt_koid(got) == zt_koid(vmo));
		STEP(zx_handle_close(got));
	} else {
		VT_CHECK(!l->failed);
		l->failed = true;
	}
	STEP(zx_handle_duplicate(vmo, ZX_RIGHT_SAME_RIGHTS, &dup));
	STEP(zvm_handle_send(sv[0], dup));
	STEP(sys(close(sv[0])));
	STEP(sys(close(sv[1])));
	STEP(zx_handle_close(vmo));
}

/* Close three of them, in an order that depends on the number of the failure. */
static void close_all(struct life *l, zx_handle_t a, zx_handle_t b, zx_handle_t c)
{
	static const uint8_t orders[6][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};
	const zx_handle_t h[3] = { a, b, c };

	for (int i = 0; i < 3; i++)
		STEP(zx_handle_close(h[orders[l->n % 6][i]]));
}

/*
 * Parent, child and grandchild, slice and reference: each written to through calls
 * and mappings, ends before or after the others, and shows what is its own. A byte
 * is 10 times the page in the beginning, and changed by 1 for each who changes it.
 */
static void life_of_children(struct life *l)
{
	zx_handle_t root = 0, vmo = 0, child = 0, deep = 0, slice = 0, ref = 0;
	zx_vaddr_t mine = 0, theirs = 0, sliced = 0;
	uint8_t byte;

	SURE((root = zx_vmar_root_self()));
	STEP(zx_vmo_create(8 * P, 0, &vmo));
	for (uint8_t i = 0; i < 8; i++) {
		byte = (uint8_t)(10 * i);
		STEP(zx_vmo_write(vmo, &byte, i * P, 1));
	}
	STEP(zx_vmar_map(root, ZT_RW, 0, vmo, 0, 8 * P, &mine));
	VT_CHECK(!zt_try_store((void *)mine, 1));
	STEP(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, 8 * P, &child));
	STEP(zx_vmar_map(root, ZT_RW, 0, child, 0, 8 * P, &theirs));
	VT_CHECK(!zt_try_load((void *)(theirs + P), &byte) && byte == 10);
	/* Copied by a fault on a page that is mapped, then on one that is not. */
	VT_CHECK(!zt_try_store((void *)(theirs + P), 11) && !zt_try_store((void *)mine, 2));
	VT_CHECK(!zt_try_store((void *)(mine + 2 * P), 22));

	STEP(zx_vmo_create_child(child, ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_RESIZABLE, P, 7 * P,
				 &deep));
	STEP(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SLICE, 3 * P, 2 * P, &slice));
	STEP(zx_vmo_create_child(vmo, ZX_VMO_CHILD_REFERENCE, 0, 0, &ref));
	STEP(zx_vmar_map(root, ZT_RW, 0, slice, 0, P, &sliced));
	VT_CHECK(!zt_try_store((void *)sliced, 33));
	byte = 45;
	STEP(zx_vmo_write(ref, &byte, 4 * P, 1));
	byte = 57;
	STEP(zx_vmo_write(deep, &byte, 4 * P, 1));
	STEP(zx_vmo_op_range(child, ZX_VMO_OP_ZERO, 6 * P, P, NULL, 0));
	STEP(zx_vmo_set_size(deep, 6 * P));
	/* A page that others share, so a copy; and one that is the grandchild's own. */
	STEP(zx_vmo_transfer_data(deep, 0, 0, P, child, 7 * P));
	STEP(zx_vmo_transfer_data(vmo, 0, 7 * P, P, deep, 4 * P));

	SURE(zt_vmo_byte(vmo, 0) == 2 && zt_vmo_byte(vmo, P) == 10);
	SURE(zt_vmo_byte(ref, 2 * P) == 22 && zt_vmo_byte(ref, 3 * P) == 33);
	SURE(zt_vmo_byte(slice, P) == 45 && zt_vmo_byte(vmo, 7 * P) == 57);
	SURE(zt_vmo_byte(child, 0) == 1 && zt_vmo_byte(child, P) == 11);
	SURE(zt_vmo_byte(child, 2 * P) == 20 && zt_vmo_byte(child, 4 * P) == 40);
	SURE(zt_vmo_byte(child, 6 * P) == 0 && zt_vmo_byte(child, 7 * P) == 0);
	SURE(zt_vmo_byte(deep, 0) == 70 && zt_vmo_byte(deep, P) == 20);
	SURE(zt_vmo_byte(deep, 4 * P) == 0 && zt_vmo_byte(deep, 5 * P) == 60);
	SURE(zx_object_wait_one(child, ZX_VMO_ZERO_CHILDREN, 0, NULL) == ZX_ERR_TIMED_OUT);

	/* The mapping keeps the slice, and with it the parent's page. */
	if (l->n % 2)
		STEP(zx_vmar_unmap(root, mine, 8 * P));
	close_all(l, vmo, slice, ref);
	VT_CHECK(!zt_try_load((void *)sliced, &byte) && byte == 33);
	VT_CHECK(!zt_try_load((void *)(theirs + 3 * P), &byte) && byte == 30);
	VT_CHECK(!zt_try_store((void *)(theirs + 3 * P), 31));
	STEP(zx_handle_close(l->n % 3 ? child : deep));
	SURE(zt_vmo_byte(l->n % 3 ? deep : child, 2 * P) == (l->n % 3 ? 30 : 20));
	/* The rest is left to the end of the process. */
}

/* Huge pages that are copied, cut and taken apart. */
static void life_of_folios(struct life *l)
{
	const uint64_t f = 2 << 20;
	zx_handle_t vmo = 0, child = 0, part = 0;
	zx_vaddr_t mine = 0, theirs = 0;
	uint8_t byte;

	SURE(zx_vmar_root_self());
	STEP(zx_vmo_create(3 * f, ZVM_VMO_HUGE_PAGES | ZX_VMO_RESIZABLE, &vmo));
	for (uint8_t i = 0; i < 6; i++)
		STEP(zx_vmo_write(vmo, &i, i * f / 2 + P, 1));
	STEP(zx_vmar_map(zx_vmar_root_self(), ZT_RW | ZX_VM_ALLOW_FAULTS, 0, vmo, 0, 3 * f, &mine));
	VT_CHECK(!zt_try_load((void *)(mine + f + P), &byte) && byte == 2);
	STEP(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, 3 * f, &child));
	STEP(zx_vmar_map(zx_vmar_root_self(), ZT_RW, 0, child, 0, 3 * f, &theirs));
	VT_CHECK(!zt_try_load((void *)(theirs + f + P), &byte) && byte == 2);
	/* Copied, by a fault and by a call. */
	VT_CHECK(!zt_try_store((void *)(theirs + f + P), 12));
	byte = 24;
	STEP(zx_vmo_write(vmo, &byte, 2 * f + P, 1));
	/* Cut at both ends, with and without others who have it. */
	STEP(zx_vmo_create_child(child, ZX_VMO_CHILD_SNAPSHOT, P, 2 * f, &part));
	STEP(zx_vmo_op_range(vmo, ZX_VMO_OP_ZERO, f / 2 + P, f, NULL, 0));
	STEP(zx_vmo_set_size(vmo, 2 * f + 2 * P));
	STEP(zx_vmo_transfer_data(child, 0, 0, P, vmo, 2 * f + P));

	SURE(zt_vmo_byte(vmo, f / 2 + P) == 0 && zt_vmo_byte(vmo, f + P) == 0);
	SURE(zt_vmo_byte(vmo, 3 * f / 2 + P) == 3 && zt_vmo_byte(vmo, 2 * f + P) == 0);
	SURE(zt_vmo_byte(child, 0) == 24 && zt_vmo_byte(child, f / 2 + P) == 1);
	SURE(zt_vmo_byte(child, f + P) == 12 && zt_vmo_byte(child, 5 * f / 2 + P) == 5);
	SURE(zt_vmo_byte(part, f / 2) == 1 && zt_vmo_byte(part, f) == 12);
	SURE(zt_vmo_byte(part, 3 * f / 2) == 3 && zt_vmo_byte(part, 2 * f - P) == 0);
	STEP(zx_handle_close(l->n % 2 ? child : vmo));
	SURE(zt_vmo_byte(part, f) == 12);
	/* The rest is left to the end of the process. */
}

/* A child of the child that shares descriptors and a mmap(2), but no arena. */
static int grandchild(uint8_t *mem, zx_handle_t vmo, void *region)
{
	if (mem[0] != 11 || zt_try_read(region) != SIGSEGV || zt_vmo_byte(vmo, P) != 22)
		return 1;
	mem[1] = 12;
	return 0;
}

static void life_of_a_fork(struct life *l)
{
	zx_handle_t vmo = 0;
	uint8_t *mem, *region;
	zx_vaddr_t addr = 0;
	int status = 0;
	pid_t pid = -1;

	STEP(zx_vmo_create(4 * P, 0, &vmo));
	SURE(zx_vmar_root_self());
	STEP(zx_vmar_map(zx_vmar_root_self(), ZT_RW, 0, vmo, 0, 4 * P, &addr));
	region = (uint8_t *)addr;
	STEP((mem = mmap(NULL, 4 * P, PROT_READ | PROT_WRITE, MAP_SHARED,
			 fn_fd(vmo), 0)) == MAP_FAILED ? sys(-1) : ZX_OK);
	VT_CHECK(!zt_try_store(mem, 11) && !zt_try_store(region + P, 22));
	fflush(stdout);
	STEP(sys(pid = fork()));
	if (!pid)
		_exit(grandchild(mem, vmo, region));
	while (waitpid(pid, &status, 0) < 0)
		;
	VT_CHECK(status == 0);
	VT_CHECK(region[1] == 12);
	STEP(sys(munmap(mem + P, P)));
	STEP(zx_handle_close(vmo));
	/* The mappings are left to the end of the process. */
}

/* The arena goes by munmap(2), and a new one comes. */
static void life_of_an_arena(struct life *l)
{
	struct vt_region root = { 0 };
	zx_handle_t vmo = 0;
	zx_vaddr_t addr = 0;

	STEP(zx_vmo_create(4 * P, 0, &vmo));
	SURE(zx_vmar_root_self());
	SURE((root = vt_region_of(zx_vmar_root_self())).len);
	STEP(zx_vmar_map(root.h, ZT_RW, 0, vmo, 0, 4 * P, &addr));
	VT_CHECK(!zt_try_store((void *)addr, 11));
	VT_CHECK(mremap((void *)root.base, P, 2 * P, MREMAP_MAYMOVE) == MAP_FAILED);
	VT_CHECK(munmap((void *)addr, P) < 0);
	STEP(sys(munmap((void *)root.base, root.len)));
	VT_CHECK(zx_vmar_unmap(root.h, addr, P) == ZX_ERR_BAD_STATE);
	SURE(zt_vmo_byte(vmo, 0) == 11);
	STEP(zx_handle_close(vmo));
}

/* What a life leaves behind if it ends by exec: the new program does nothing. */
static void life_until_exec(struct life *l)
{
	char *args[] = { (char *)"/proc/self/exe", (char *)"--child", NULL };
	zx_handle_t vmo = 0;
	zx_vaddr_t addr = 0;

	STEP(zx_vmo_create(4 * P, 0, &vmo));
	SURE(zx_vmar_root_self());
	STEP(zx_vmar_map(zx_vmar_root_self(), ZT_RW, 0, vmo, 0, 4 * P, &addr));
	VT_CHECK(!zt_try_store((void *)addr, 11));
	/* The new program may fail as well, and need not say so. */
	fcntl(STDERR_FILENO, F_SETFD, FD_CLOEXEC);
	/* Any error: the failure may have been in the search for the file. */
	SURE(execv(args[0], args) == 0);
}

/* The failure comes while the process ends. */
static void life_until_exit(struct life *l)
{
	zx_handle_t vmo = zt_vmo(64 * P, 0), region = 0;
	zx_vaddr_t base = 0, addr = 0;

	fn_arm(l->fail, 0);
	VT_CHECK(!zx_vmar_allocate(zx_vmar_root_self(), VT_CAN_ALL, 0, 64 * P, &region, &base) &&
		 !zx_vmar_map(region, ZT_RW | ZX_VM_SPECIFIC, 0, vmo, 0, 64 * P, &addr));
	for (int i = 0; i < 64; i += 3)
		VT_CHECK(!zt_try_store((void *)(addr + i * P), 1));
	VT_CHECK(!zx_vmar_protect(region, VT_R, addr + 5 * P, 3 * P));
}

FIXTURE(fail_life) {
	struct zvm_stats before;
};

FIXTURE_SETUP(fail_life)
{
	/* Only the device is open: the child's arena is its first. */
	self->before = zt_stats();
}

FIXTURE_TEARDOWN(fail_life)
{
}

static int run_child(void (*live)(struct life *l), enum mode mode, int n)
{
	struct life l = { .mode = mode, .n = n, .fail = fn_open() };

	alarm(20);
	zt_try_read(&l);	/* installs the handlers */
	if (live == life_until_exit)
		live(&l);
	fn_arm(l.fail, n);
	if (live != life_until_exit)
		live(&l);
	/* Still armed: the end of the process is part of it. */
	_exit(0);
}

/* Has the failure happened? The process is dead but not yet reaped. */
static bool child_failed(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fail-nth", pid);
	return vt_read_number(path) == 0;
}

static void live(struct __test_metadata *_metadata, const struct zvm_stats *before,
		 void (*fn)(struct life *l), enum mode mode, bool any_end)
{
	int n, misses = 0;

	for (n = 1; misses < FN_MISSES; n++) {
		struct zvm_stats now;
		bool failed;
		siginfo_t info;
		int status;
		pid_t pid;

		/* There are many allocations of 512 pages in a row. */
		if (fn == life_of_folios && n > 60)
			n += 66;
		ASSERT_LT(n, 5000);
		fflush(stdout);
		fflush(stderr);
		pid = fork();
		ASSERT_GE(pid, 0);
		if (!pid)
			run_child(fn, mode, n);
		ASSERT_EQ(0, waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
		failed = child_failed(pid);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		if (!any_end || !failed)
			ASSERT_EQ(0, status) TH_LOG("failure %d: status %#x", n, status);
		ASSERT_TRUE(zt_stats_back(before, &now)) {
			TH_LOG("failure %d", n);
			ZT_EXPECT_NO_LEAK(before);
		}
		misses = failed ? 0 : misses + 1;
	}
	TH_LOG("%d failures", n - 1 - FN_MISSES);
}

#define LIFE(name_, mode_, any_end_)						\
	TEST_F_TIMEOUT(fail_life, name_##_##mode_, 300)				\
	{									\
		FN_NEEDED();							\
		live(_metadata, &self->before, name_, mode_, any_end_);		\
	}

LIFE(life_of_memory, RETRY, false)
LIFE(life_of_memory, EXIT, false)
LIFE(life_of_handles, RETRY, false)
LIFE(life_of_handles, EXIT, false)
LIFE(life_of_children, RETRY, false)
LIFE(life_of_children, EXIT, false)
LIFE(life_of_folios, RETRY, false)
LIFE(life_of_folios, EXIT, false)
LIFE(life_of_a_fork, RETRY, false)
LIFE(life_of_a_fork, EXIT, false)
LIFE(life_of_an_arena, RETRY, false)
LIFE(life_of_an_arena, EXIT, false)
/* A failure behind the point of no return kills the process; later, the new program. */
LIFE(life_until_exec, RETRY, true)
LIFE(life_until_exit, EXIT, false)

/* ------------------------------------------------------------------------
 * Two processes
 */

/* Maps the VMO that it has inherited, lends a region, and waits. */
static int other_process(int sock, void *arg)
{
	zx_handle_t vmo = *(zx_handle_t *)arg, region, lent;
	zx_vaddr_t base, addr;

	VT_CHECK_OK(zx_vmar_allocate(zx_vmar_root_self(), VT_CAN_ALL, 0, 16 * P, &region, &base));
	VT_CHECK_OK(zx_vmar_map(zx_vmar_root_self(), VT_R, 0, vmo, 0, P, &addr));
	VT_CHECK_OK(zvm_vmar_lend(region, ZX_RIGHT_SAME_RIGHTS, &lent));
	VT_CHECK_OK(zvm_handle_send(sock, lent));
	vt_hear(sock);
	return 0;
}

FIXTURE(fail_two) {
	struct zvm_stats before;
	struct vt_child child;
	zx_handle_t vmo, lent;
	void *mem;
	int fail;
};

FIXTURE_SETUP(fail_two)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->fail = fn_open();
	self->vmo = zt_vmo(8 * P, 0);
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, 4 * P, 1));
	self->mem = zt_map(self->vmo, 0, P, ZT_RW);
	ASSERT_NE(NULL, self->mem);
	self->child = vt_spawn(other_process, &self->vmo);
	ZT_ASSERT_OK(zvm_handle_recv(self->child.sock, &self->lent));
}

FIXTURE_TEARDOWN(fail_two)
{
	zx_handle_close(self->lent);
	EXPECT_EQ(0, vt_join(&self->child));
	zt_unmap(self->mem, P);
	zx_handle_close(self->vmo);
	ZT_EXPECT_NO_LEAK(&self->before);
}

/* Who shares the VMO is never told wrongly for want of memory. */
TEST_F(fail_two, share_count)
{
	FN_NEEDED();
	FOR_EACH_FAILURE(n, failed) {
		zx_info_vmo_t info = { 0 };
		struct zvm_object_get_info cmd = {
			.size = sizeof(cmd), .topic = ZX_INFO_VMO,
			.buffer = (uintptr_t)&info, .buffer_size = sizeof(info),
		};
		int err;

		fn_arm(self->fail, n);
		err = ioctl(fn_fd(self->vmo), ZVM_OBJECT_GET_INFO, &cmd) < 0 ? errno : 0;
		failed = fn_disarm(self->fail);
		if (err) {
			ASSERT_TRUE(failed && failure_code(err)) TH_LOG("%d: %s", n, strerror(err));
			continue;
		}
		ASSERT_EQ(2u, info.share_count) TH_LOG("failure %d", n);
	}
}

/* Mapping into the other process, and out of it again. */
TEST_F(fail_two, remote)
{
	struct zvm_stats quiet = zt_stats(), now;
	int fd = fn_fd(self->lent);

	FN_NEEDED();
	FOR_EACH_FAILURE(n, failed) {
		__u64 addr = 0;
		struct zvm_vmar_map map = {
			.size = sizeof(map), .vmo = self->vmo, .length = 8 * P,
			.options = ZT_RW | ZX_VM_MAP_RANGE, .out_addr = (uintptr_t)&addr,
		};
		struct zvm_vmar_range range = { .size = sizeof(range), .length = P };
		int err;

		fn_arm(self->fail, n);
		err = ioctl(fd, ZVM_VMAR_MAP, &map) < 0 ? errno : 0;
		failed = fn_disarm(self->fail);
		if (err) {
			ASSERT_TRUE(failed && failure_code(err)) TH_LOG("%d: %s", n, strerror(err));
			ASSERT_TRUE(zt_stats_back(&quiet, &now)) TH_LOG("failure %d", n);
			ASSERT_EQ(0, ioctl(fd, ZVM_VMAR_MAP, &map));
		}
		range.addr = addr + 2 * P;

		fn_arm(self->fail, n);
		err = ioctl(fd, ZVM_VMAR_UNMAP, &range) < 0 ? errno : 0;
		failed |= fn_disarm(self->fail);
		if (err) {
			ASSERT_TRUE(failure_code(err)) TH_LOG("%d: %s", n, strerror(err));
			ASSERT_EQ(2u, vt_maps_count(self->lent));
			ASSERT_EQ(0, ioctl(fd, ZVM_VMAR_UNMAP, &range));
		}
		ASSERT_EQ(3u, vt_maps_count(self->lent));
		ZT_ASSERT_OK(zx_vmar_unmap(self->lent, addr, 8 * P));
		ASSERT_TRUE(zt_stats_back(&quiet, &now)) TH_LOG("failure %d", n);
	}
}

/* ------------------------------------------------------------------------
 * The table of descriptors grows for the new handle
 */
static int full_table(int n)
{
	struct zvm_stats before, now;
	int fail, dev, err, fds;
	__u32 handle = FN_CANARY;
	struct zvm_vmo_create cmd = {
		.size = sizeof(cmd), .vmo_size = P, .out_handle = (uintptr_t)&handle,
	};
	bool failed;

	before = zt_stats();
	fail = fn_open();
	dev = open("/dev/zircon-vm", O_RDWR | O_CLOEXEC);
	VT_CHECK(fail >= 0 && dev >= 0);
	/* Full up to the size that a table begins with, or a multiple of it. */
	do
		fds = dup(dev);
	while ((fds + 1) % 64);
	fn_arm(fail, n);
	err = ioctl(dev, ZVM_VMO_CREATE, &cmd) < 0 ? errno : 0;
	failed = fn_disarm(fail);
	if (err) {
		VT_CHECK(failed && (failure_code(err) || err == EMFILE));
		VT_CHECK(handle == FN_CANARY && fcntl(fds + 1, F_GETFD) < 0);
		VT_CHECK(zt_stats_back(&before, &now));
		VT_CHECK(ioctl(dev, ZVM_VMO_CREATE, &cmd) == 0);
	}
	VT_CHECK((int)ZVM_HANDLE_FD(handle) == fds + 1 && close(fds + 1) == 0);
	VT_CHECK(zt_stats_back(&before, &now));
	return failed ? 2 : 0;
}

static int run_full_table(void *arg)
{
	return full_table(*(int *)arg);
}

TEST_F(fail_life, full_descriptor_table)
{
	int n, misses = 0;

	FN_NEEDED();
	for (n = 1; misses < FN_MISSES; n++) {
		int ret = zt_fork_run(run_full_table, &n);

		ASSERT_TRUE(ret == 0 || ret == 2) TH_LOG("failure %d", n);
		misses = ret ? 0 : misses + 1;
	}
	EXPECT_GT(n, 8);
}

static int do_nothing(int argc ZT_UNUSED, char **argv ZT_UNUSED)
{
	return 0;
}

VT_HARNESS_MAIN(do_nothing)
