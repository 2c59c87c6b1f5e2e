// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * zx_vmo_create_physical: who may make such a VMO of what, and what can be done with
 * memory and registers of real devices.
 */
#define _GNU_SOURCE
#include <linux/capability.h>
#include <linux/futex.h>
#include <sys/prctl.h>

#include "kselftest_harness.h"
#include "zvm_test.h"
#include "zvm_vmar_test.h"
#include "physical.h"

#define NOBODY 65534
#define USER_PAGES "/sys/module/zircon_vm/parameters/user_pages"
/* Where no machine of ours has anything. */
#define FAR_AWAY (1ull << 38)
#ifdef __x86_64__
#define IS_X86 true
#else
#define IS_X86 false
#endif
#define CREATE(addr, size, out) zx_vmo_create_physical(ZX_HANDLE_INVALID, addr, size, out)

/* ---- who may have what ---------------------------------------------------- */

FIXTURE(physical_checks)
{
	struct zvm_stats before;
	struct pt_range range;
	zx_handle_t h;
};

FIXTURE_SETUP(physical_checks)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->range = pt_any();
	self->h = ZX_HANDLE_INVALID;
}

FIXTURE_TEARDOWN(physical_checks)
{
	EXPECT_EQ(0u, self->h);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

TEST_F(physical_checks, V_033_size)
{
	const size_t bad[] = { 0, 1, ZT_P - 1, ZT_P + 1, SIZE_MAX };

	/* Before the resource, and before the address. */
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, CREATE(0, bad[i], &self->h));
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 zx_vmo_create_physical(zx_vmar_root_self(), 1, bad[i], &self->h));
	}
}

TEST_F(physical_checks, resource)
{
	zx_handle_t vmo = zt_vmo(ZT_P, 0);

	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmo_create_physical(vmo, 1, ZT_P, &self->h));
	zx_handle_close(vmo);
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_create_physical(vmo, 1, ZT_P, &self->h));
}

TEST_F(physical_checks, V_034_address)
{
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, CREATE(1, ZT_P, &self->h));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, CREATE(ZT_P / 2, ZT_P, &self->h));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, CREATE(-ZT_P, 2 * ZT_P, &self->h));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, CREATE(2 * ZT_P, -ZT_P, &self->h));
	/* No processor has so many wires, of which the last byte counts. */
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, CREATE(-ZT_P, ZT_P, &self->h));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, CREATE(1ull << 60, ZT_P, &self->h));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, CREATE(0, 1ull << 60, &self->h));
}

TEST_F(physical_checks, out_pointer)
{
	struct zt_bad bad[ZT_BAD_WRITE_N];

	if (!self->range.size)
		SKIP(return, "no range to write to");
	zt_bad_write(bad);
	for (int i = 0; i < ZT_BAD_WRITE_N; i++)
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 CREATE(self->range.addr, ZT_P, (zx_handle_t *)bad[i].ptr));
}

static int as_nobody(int sock ZT_UNUSED, void *arg)
{
	const struct pt_range *range = arg;
	zx_handle_t h;

	VT_CHECK(setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
		 setresuid(NOBODY, NOBODY, NOBODY) == 0);
	VT_CHECK_STATUS(ZX_ERR_ACCESS_DENIED, CREATE(range->addr, ZT_P, &h));
	/* Sizes come first, addresses do not. */
	VT_CHECK_STATUS(ZX_ERR_INVALID_ARGS, CREATE(range->addr, 1, &h));
	VT_CHECK_STATUS(ZX_ERR_ACCESS_DENIED, CREATE(1, ZT_P, &h));
	VT_CHECK_STATUS(ZX_ERR_ACCESS_DENIED, CREATE(1ull << 60, ZT_P, &h));
	return 0;
}

/* Root with all capabilities but the one. */
static int without_rawio(int sock ZT_UNUSED, void *arg)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	const struct pt_range *range = arg;
	zx_handle_t h;

	VT_CHECK(syscall(SYS_capget, &head, data) == 0);
	data[0].effective &= ~(1u << CAP_SYS_RAWIO);
	VT_CHECK(syscall(SYS_capset, &head, data) == 0);
	VT_CHECK_STATUS(ZX_ERR_ACCESS_DENIED, CREATE(range->addr, ZT_P, &h));
	data[0].effective |= 1u << CAP_SYS_RAWIO;
	VT_CHECK(syscall(SYS_capset, &head, data) == 0);
	VT_CHECK_OK(CREATE(range->addr, ZT_P, &h));
	return 0;
}

/* Root in a user namespace of one's own is nobody here. */
static int in_namespace(int sock ZT_UNUSED, void *arg)
{
	const struct pt_range *range = arg;
	zx_handle_t h;

	if (unshare(CLONE_NEWUSER))
		return 0;
	VT_CHECK_STATUS(ZX_ERR_ACCESS_DENIED, CREATE(range->addr, ZT_P, &h));
	return 0;
}

TEST_F(physical_checks, capability)
{
	int (*const who[])(int sock, void *arg) = { as_nobody, without_rawio, in_namespace };

	if (!self->range.size)
		SKIP(return, "no range to write to");
	for (size_t i = 0; i < ARRAY_SIZE(who); i++) {
		struct vt_child c = vt_spawn(who[i], &self->range);

		EXPECT_EQ(0, vt_join(&c));
	}
}

/* Root with less of an allowance than what page tables for 16 GiB take. */
static int with_little(int sock ZT_UNUSED, void *arg ZT_UNUSED)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	zx_handle_t h;

	VT_CHECK(syscall(SYS_capget, &head, data) == 0);
	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	VT_CHECK(syscall(SYS_capset, &head, data) == 0);
	VT_CHECK_STATUS(ZX_ERR_NO_MEMORY, CREATE(FAR_AWAY, 16ull << 30, &h));
	VT_CHECK_OK(CREATE(FAR_AWAY, 1ull << 30, &h));
	data[0].effective |= 1u << CAP_IPC_LOCK;
	VT_CHECK(syscall(SYS_capset, &head, data) == 0);
	VT_CHECK_OK(CREATE(FAR_AWAY + (32ull << 30), 16ull << 30, &h));
	return 0;
}

TEST_F(physical_checks, page_tables_are_charged)
{
	struct vt_child c;

	if (!access("/proc/thread-self/fail-nth", F_OK))
		SKIP(return, "KASAN has an eighth of what is mapped for itself");
	if (!IS_X86 || CREATE(FAR_AWAY + (64ull << 30), ZT_P, &self->h))
		SKIP(return, "no page tables to charge, or no such addresses");
	ZT_EXPECT_OK(zx_handle_close(self->h));
	self->h = ZX_HANDLE_INVALID;
	ASSERT_TRUE(vt_write_file(USER_PAGES, "6000"));
	c = vt_spawn(with_little, NULL);
	EXPECT_EQ(0, vt_join(&c));
	EXPECT_TRUE(vt_write_file(USER_PAGES, "-1"));
	/* Nobody has so much memory for that. */
	if (sysconf(_SC_PHYS_PAGES) < 8 << 16)
		ZT_EXPECT_STATUS(ZX_ERR_NO_MEMORY, CREATE(FAR_AWAY, 1ull << 37, &self->h));
}

/* Nothing that the kernel or a driver uses, of which /proc/iomem has names. */
TEST_F(physical_checks, in_use)
{
	static const char *const used[] = { "System RAM", "Kernel code", "Local APIC", "IOAPIC 0",
					    "ACPI Tables", "pl011@9000000" };
	FILE *f = fopen("/proc/iomem", "re");
	uint64_t from, to;
	char line[200];
	int ram = 0;

	ASSERT_NE(NULL, f);
	while (fgets(line, sizeof(line), f)) {
		const char *name = strstr(line, " : ");
		bool is_used = false;

		for (size_t i = 0; name && i < ARRAY_SIZE(used); i++)
			is_used |= !strncmp(name + 3, used[i], strlen(used[i]));
		if (!is_used || sscanf(line, "%" SCNx64 "-%" SCNx64, &from, &to) != 2)
			continue;
		ram += !strncmp(name + 3, "System RAM", 10);
		from &= -ZT_P;
		to &= -ZT_P;
		ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, CREATE(from, ZT_P, &self->h));
		ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, CREATE(to, ZT_P, &self->h));
		ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, CREATE((from + to) / 2 & -ZT_P, ZT_P,
							      &self->h));
		/* It is enough that the last page is in it, or the first, or one between. */
		if (from >= ZT_P)
			ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
					 CREATE(from - ZT_P, 2 * ZT_P, &self->h));
		ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, CREATE(to, 2 * ZT_P, &self->h));
		ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, CREATE(0, to + 9 * ZT_P, &self->h));
	}
	fclose(f);
	EXPECT_LT(0, ram);
}

/* ---- memory --------------------------------------------------------------- */

FIXTURE(physical)
{
	struct zvm_stats before;
	struct pt_range range;
	struct zt_bag bag;
	zx_handle_t vmo;
	size_t size;
};

FIXTURE_VARIANT(physical)
{
	bool device;
};

FIXTURE_VARIANT_ADD(physical, reserved_ram) { .device = false };
FIXTURE_VARIANT_ADD(physical, device_memory) { .device = true };

FIXTURE_SETUP(physical)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->range = variant->device ? pt_ivshmem() : pt_reserved();
	self->size = 16 * ZT_P;
	self->vmo = zt_keep(&self->bag, pt_vmo(&self->range, 0, self->size));
}

#define WANT_RANGE() do {							\
	if (!self->range.size)							\
		SKIP(return, "this guest has no such range");			\
	ASSERT_NE(0u, self->vmo);						\
} while (0)

FIXTURE_TEARDOWN(physical)
{
	zt_empty(&self->bag);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

TEST_F(physical, V_036_info)
{
	zx_info_vmo_t info;

	WANT_RANGE();
	info = zt_vmo_info(self->vmo);
	EXPECT_EQ((uint32_t)ZX_CACHE_POLICY_UNCACHED, info.cache_policy);
	EXPECT_EQ((uint32_t)ZX_INFO_VMO_TYPE_PHYSICAL, ZX_INFO_VMO_TYPE(info.flags));
	EXPECT_EQ((uint32_t)(ZX_INFO_VMO_CONTIGUOUS | ZX_INFO_VMO_VIA_HANDLE), info.flags);
	ZT_EXPECT_U64(self->size, info.size_bytes);
	ZT_EXPECT_U64(0, info.committed_bytes);
	ZT_EXPECT_U64(0, info.parent_koid);
	EXPECT_EQ((zx_rights_t)ZX_DEFAULT_VMO_RIGHTS, zt_rights(self->vmo));
}

TEST_F(physical, V_035_V_267_not_supported)
{
	static const uint32_t ops[] = { ZX_VMO_OP_COMMIT, ZX_VMO_OP_DECOMMIT, ZX_VMO_OP_ZERO,
		ZX_VMO_OP_LOCK, ZX_VMO_OP_TRY_LOCK, ZX_VMO_OP_UNLOCK, ZX_VMO_OP_CACHE_SYNC,
		ZX_VMO_OP_CACHE_CLEAN, ZX_VMO_OP_CACHE_CLEAN_INVALIDATE, ZX_VMO_OP_CACHE_INVALIDATE };
	static const uint32_t children[] = { ZX_VMO_CHILD_SNAPSHOT, ZX_VMO_CHILD_REFERENCE,
		ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE, ZX_VMO_CHILD_SNAPSHOT_MODIFIED };
	zx_handle_t other = zt_keep(&self->bag, zt_vmo(ZT_P, 0)), weak, h;
	uint64_t size = 7, p = ZT_P;
	uint8_t buf[64];

	WANT_RANGE();
	weak = zt_keep(&self->bag, zt_dup(self->vmo, ZX_RIGHT_NONE));
	/* Whatever the range. */
	for (uint64_t at = 0; at <= 64 * p; at += 32 * p) {
		ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED, zx_vmo_read(self->vmo, buf, at, 64));
		ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED, zx_vmo_write(self->vmo, buf, at, 64));
		ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED, zx_vmo_read(self->vmo, NULL, at, 0));
		ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED, zx_vmo_read(self->vmo, buf, at, 2 * p));
		for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
			ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
					 zx_vmo_op_range(self->vmo, ops[i], at, 2 * p, buf, 64));
	}
	/* But rights come first. */
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_read(weak, buf, 0, 64));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_write(weak, buf, 0, 64));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_op_range(weak, ZX_VMO_OP_ZERO, 0, p, NULL, 0));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_set_size(weak, p));

	ZT_EXPECT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_PREFETCH, p, p, NULL, 0));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_op_range(self->vmo, ZX_VMO_OP_PREFETCH, 0,
							      self->size + 1, NULL, 0));
	ZT_EXPECT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DONT_NEED, 0, p, NULL, 0));
	ZT_EXPECT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_ALWAYS_NEED, 0, p, NULL, 0));

	for (size_t i = 0; i < ARRAY_SIZE(children); i++) {
		uint64_t n = children[i] == ZX_VMO_CHILD_REFERENCE ? 0 : p;

		ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
				 zx_vmo_create_child(self->vmo, children[i], 0, n, &h));
	}
	ZT_EXPECT_STATUS(ZX_ERR_UNAVAILABLE, zx_vmo_set_size(self->vmo, p));
	ZT_EXPECT_STATUS(ZX_ERR_UNAVAILABLE, zx_vmo_set_size(self->vmo, UINT64_MAX));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED, zx_vmo_set_stream_size(self->vmo, 0));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED, zx_object_set_property(self->vmo,
			 ZX_PROP_VMO_CONTENT_SIZE, &size, sizeof(size)));
	ZT_EXPECT_OK(zx_vmo_get_stream_size(self->vmo, &size));
	ZT_EXPECT_U64(0, size);
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED, zx_vmo_transfer_data(other, 0, 0, p, self->vmo, 0));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED, zx_vmo_transfer_data(self->vmo, 0, 0, p, other, 0));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_transfer_data(self->vmo, 0, 0, 2 * p, other, 0));
	ZT_EXPECT_U64(self->size, zt_size(self->vmo));
}

/* Nor as a file. */
TEST_F(physical, file)
{
	char buf[16] = {};
	int fd, pipes[2];

	WANT_RANGE();
	fd = zvm_handle_to_fd(self->vmo);
	ASSERT_EQ(0, pipe(pipes));
	EXPECT_EQ(-1, pread(fd, buf, 16, 0));
	EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_EQ(-1, pwrite(fd, buf, 16, 0));
	EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_EQ(-1, splice(fd, NULL, pipes[1], NULL, 4096, 0));
	EXPECT_EQ(-1, ftruncate(fd, ZT_P));
	EXPECT_EQ(0, pread(fd, buf, 16, self->size));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, ZT_P, PROT_READ, MAP_PRIVATE, fd, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, ZT_P, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0));
	EXPECT_EQ(EACCES, errno);
	close(pipes[0]);
	close(pipes[1]);
}

/* What is written by one mapping is what all others show, Linux's own included. */
TEST_F(physical, content)
{
	uint8_t *p, *q, *plain, *slice_p, *linux_p;
	zx_handle_t slice, again;
	size_t n = self->size;

	WANT_RANGE();
	again = zt_keep(&self->bag, pt_vmo(&self->range, 0, n));
	ZT_ASSERT_OK(zx_vmo_create_child(self->vmo, ZX_VMO_CHILD_SLICE, 4 * ZT_P, 3 * ZT_P, &slice));
	zt_keep(&self->bag, slice);
	p = zt_map(self->vmo, 0, n, ZT_RW);
	q = zt_map(again, ZT_P, n - ZT_P, ZX_VM_PERM_READ);
	slice_p = zt_map(slice, ZT_P, 2 * ZT_P, ZT_RW | ZX_VM_MAP_RANGE);
	ASSERT_TRUE(p && q && slice_p);
	plain = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, zvm_handle_to_fd(self->vmo), 0);
	linux_p = pt_linux_map(&self->range, n);
	ASSERT_NE(MAP_FAILED, plain);
	ASSERT_NE(MAP_FAILED, linux_p);
	/* Only MAP_RANGE does not wait for a fault. */
	EXPECT_EQ(1, vt_present(slice_p));
	EXPECT_EQ(1, vt_present(slice_p + ZT_P));
	EXPECT_EQ(0, vt_present(p));
	EXPECT_EQ(0, vt_present(plain));

	for (int round = 0; round < 3; round++) {
		uint8_t *by = round == 0 ? p : round == 1 ? plain : linux_p;

		for (size_t i = 0; i < n; i += 8)
			*(volatile uint64_t *)(by + i) = (round + 1) * 0x0101010101010101ull * (i / 8 + 1);
		for (size_t i = 0; i < n; i += 8) {
			uint64_t want = (round + 1) * 0x0101010101010101ull * (i / 8 + 1);

			if (*(volatile uint64_t *)(p + i) != want ||
			    *(volatile uint64_t *)(plain + i) != want ||
			    *(volatile uint64_t *)(linux_p + i) != want ||
			    (i >= ZT_P && *(volatile uint64_t *)(q + i - ZT_P) != want) ||
			    (i >= 5 * ZT_P && i < 7 * ZT_P &&
			     *(volatile uint64_t *)(slice_p + i - 5 * ZT_P) != want)) {
				EXPECT_EQ(0u, i) TH_LOG("round %d: differs at %zu", round, i);
				break;
			}
		}
	}
	EXPECT_EQ(1, vt_present(p));
	slice_p[8] = 77;
	EXPECT_EQ(77, ((volatile uint8_t *)linux_p)[5 * ZT_P + 8]);
	/* Nothing behind the end. */
	munmap(linux_p, n);
	munmap(plain, n);
	ZT_EXPECT_OK(zt_unmap(p, n));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_read(p));
	ZT_EXPECT_OK(zt_unmap(q, n - ZT_P));
	ZT_EXPECT_OK(zt_unmap(slice_p, 2 * ZT_P));
}

TEST_F(physical, beyond_the_end)
{
	uint8_t *p, *plain;

	WANT_RANGE();
	p = zt_map(self->vmo, self->size - 2 * ZT_P, 4 * ZT_P, ZT_RW | ZX_VM_ALLOW_FAULTS |
		   ZX_VM_MAP_RANGE);
	ASSERT_NE(NULL, p);
	plain = mmap(NULL, 4 * ZT_P, PROT_READ | PROT_WRITE, MAP_SHARED, zvm_handle_to_fd(self->vmo),
		     self->size - 2 * ZT_P);
	ASSERT_NE(MAP_FAILED, plain);
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(i < 2 ? 0 : SIGBUS, zt_try_write(plain + i * ZT_P));
		EXPECT_EQ(i < 2, vt_present(p + i * ZT_P) == 1);
		EXPECT_EQ(i < 2 ? 0 : SIGBUS, zt_try_write(p + i * ZT_P));
	}
	munmap(plain, 4 * ZT_P);
	ZT_EXPECT_OK(zt_unmap(p, 4 * ZT_P));
}

/* A page table entry that is read-only must not become writable on its own. */
TEST_F(physical, permissions)
{
	const zx_vm_option_t r = ZX_VM_PERM_READ;
	zx_handle_t reader, runner;
	zx_vaddr_t addr;
	uint8_t *p, *ro, *plain;
	int fd;

	WANT_RANGE();
	reader = zt_keep(&self->bag, zt_without(self->vmo, ZX_RIGHT_WRITE));
	p = zt_map(self->vmo, 0, 4 * ZT_P, ZT_RW | ZX_VM_MAP_RANGE);
	ro = zt_map(reader, 0, 4 * ZT_P, r | ZX_VM_MAP_RANGE);
	ASSERT_TRUE(p && ro);
	*(volatile uint32_t *)p = 1;
	for (int i = 0; i < 3; i++) {
		ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(ro));
		ZT_EXPECT_FAULT(0, zt_try_read(ro));
		ZT_EXPECT_OK(zx_vmar_protect(zx_vmar_root_self(), r, (zx_vaddr_t)p, 2 * ZT_P));
		ZT_EXPECT_FAULT(0, zt_try_read(p));
		ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(p));
		ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(p + ZT_P));
		ZT_EXPECT_FAULT(0, zt_try_write(p + 2 * ZT_P));
		ZT_EXPECT_OK(zx_vmar_protect(zx_vmar_root_self(), ZT_RW, (zx_vaddr_t)p, 2 * ZT_P));
		ZT_EXPECT_FAULT(0, zt_try_read(p));
		*(volatile uint32_t *)p = 100 + i;
		EXPECT_EQ(100u + i, *(volatile uint32_t *)ro);
	}
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_vmar_protect(zx_vmar_root_self(), ZT_RW, (zx_vaddr_t)ro, ZT_P));

	fd = zvm_handle_to_fd(reader);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, ZT_P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	plain = mmap(NULL, ZT_P, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, plain);
	EXPECT_EQ(102u, *(volatile uint32_t *)plain);
	EXPECT_EQ(-1, mprotect(plain, ZT_P, PROT_READ | PROT_WRITE));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(plain));
	munmap(plain, ZT_P);

	plain = mmap(NULL, ZT_P, PROT_READ | PROT_WRITE, MAP_SHARED, zvm_handle_to_fd(self->vmo), 0);
	ASSERT_NE(MAP_FAILED, plain);
	*(volatile uint32_t *)plain = 1;
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(0, mprotect(plain, ZT_P, PROT_READ));
		ZT_EXPECT_FAULT(0, zt_try_read(plain));
		ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(plain));
		EXPECT_EQ(0, mprotect(plain, ZT_P, PROT_READ | PROT_WRITE));
		*(volatile uint32_t *)plain = 200 + i;
		EXPECT_EQ(200u + i, *(volatile uint32_t *)ro);
	}
	munmap(plain, ZT_P);

	/* Nobody executes it. */
	ZT_ASSERT_OK(zx_vmo_replace_as_executable(zt_dup(self->vmo, ZX_RIGHT_SAME_RIGHTS),
						  ZX_HANDLE_INVALID, &runner));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
			 zx_vmar_map(zx_vmar_root_self(), r | ZX_VM_PERM_EXECUTE, 0, runner, 0, ZT_P,
				     &addr));
	ZT_ASSERT_OK(zx_vmar_map(zx_vmar_root_self(), r, 0, runner, 0, ZT_P, &addr));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_vmar_protect(zx_vmar_root_self(), r | ZX_VM_PERM_EXECUTE, addr, ZT_P));
	ZT_EXPECT_OK(zt_unmap((void *)addr, ZT_P));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, ZT_P, PROT_READ | PROT_EXEC, MAP_SHARED,
				   zvm_handle_to_fd(runner), 0));
	zx_handle_close(runner);
	ZT_EXPECT_OK(zt_unmap(p, 4 * ZT_P));
	ZT_EXPECT_OK(zt_unmap(ro, 4 * ZT_P));
}

TEST_F(physical, R_059_mapping)
{
	zx_vaddr_t addr;
	uint8_t *p;

	WANT_RANGE();
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
			 zx_vmar_map(zx_vmar_root_self(), ZT_RW | ZX_VM_ALLOW_FAULTS |
				     ZX_VM_FAULT_BEYOND_STREAM_SIZE, 0, self->vmo, 0, ZT_P, &addr));
	p = zt_map(self->vmo, 0, 4 * ZT_P, ZT_RW);
	ASSERT_NE(NULL, p);
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
			 zx_vmar_op_range(zx_vmar_root_self(), ZX_VMAR_OP_COMMIT, (zx_vaddr_t)p,
					  4 * ZT_P, NULL, 0));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
			 zx_vmar_op_range(zx_vmar_root_self(), ZX_VMAR_OP_ZERO, (zx_vaddr_t)p,
					  4 * ZT_P, NULL, 0));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
			 zx_vmar_op_range(zx_vmar_root_self(), ZX_VMAR_OP_DECOMMIT, (zx_vaddr_t)p,
					  4 * ZT_P, NULL, 0));
	EXPECT_EQ(0, vt_present(p + 3 * ZT_P));
	ZT_EXPECT_OK(zx_vmar_op_range(zx_vmar_root_self(), ZX_VMAR_OP_MAP_RANGE, (zx_vaddr_t)p,
				      4 * ZT_P, NULL, 0));
	EXPECT_EQ(1, vt_present(p + 3 * ZT_P));
	/* The mapping lives longer than the handle. */
	zt_empty(&self->bag);
	*(volatile uint32_t *)p = 55;
	EXPECT_EQ(55u, *(volatile uint32_t *)p);
	ZT_EXPECT_OK(zt_unmap(p, 4 * ZT_P));
}

TEST_F(physical, V_035_slices)
{
	zx_handle_t slice, inner, h;
	zx_koid_t koid, slice_koid;
	uint8_t *p;

	WANT_RANGE();
	koid = zt_koid(self->vmo);
	ZT_ASSERT_OK(zx_vmo_create_child(self->vmo, ZX_VMO_CHILD_SLICE, ZT_P, 4 * ZT_P, &slice));
	ZT_ASSERT_OK(zx_vmo_create_child(slice, ZX_VMO_CHILD_SLICE, ZT_P, ZT_P, &inner));
	zt_keep(&self->bag, inner);
	slice_koid = zt_koid(slice);
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmo_create_child(slice, ZX_VMO_CHILD_SLICE, 0, 5 * ZT_P, &h));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
			 zx_vmo_create_child(slice, ZX_VMO_CHILD_SNAPSHOT, 0, ZT_P, &h));
	EXPECT_EQ((uint32_t)ZX_INFO_VMO_CONTIGUOUS,
		  zt_vmo_info(slice).flags & ~ZX_INFO_VMO_VIA_HANDLE);
	EXPECT_EQ((uint32_t)ZX_CACHE_POLICY_UNCACHED, zt_vmo_info(slice).cache_policy);
	ZT_EXPECT_U64(koid, zt_vmo_info(slice).parent_koid);
	ZT_EXPECT_U64(slice_koid, zt_vmo_info(inner).parent_koid);
	ZT_EXPECT_U64(1, zt_vmo_info(self->vmo).num_children);

	/* They tell their parent's koid also when it is gone. */
	zx_handle_close(slice);
	ZT_EXPECT_U64(slice_koid, zt_vmo_info(inner).parent_koid);
	p = zt_map(inner, 0, ZT_P, ZT_RW);
	ASSERT_NE(NULL, p);
	*(volatile uint32_t *)p = 11;
	ZT_EXPECT_OK(zt_unmap(p, ZT_P));
	p = zt_map(self->vmo, 2 * ZT_P, ZT_P, ZT_RW);
	ASSERT_NE(NULL, p);
	EXPECT_EQ(11u, *(volatile uint32_t *)p);
	ZT_EXPECT_OK(zt_unmap(p, ZT_P));
}

/* The policy of what is mapped, or has slices, stays. */
TEST_F(physical, V_249_V_250_cache_policy)
{
	zx_handle_t slice;
	uint8_t *p;

	WANT_RANGE();
	for (uint32_t policy = 0; policy < 8; policy++) {
		ZT_EXPECT_OK(zx_vmo_set_cache_policy(self->vmo, policy % 4));
		EXPECT_EQ(policy % 4, zt_vmo_info(self->vmo).cache_policy);
		p = zt_map(self->vmo, 0, 2 * ZT_P, ZT_RW);
		ASSERT_NE(NULL, p);
		if (policy)
			EXPECT_EQ(policy - 1, *(volatile uint32_t *)p);
		*(volatile uint32_t *)p = policy;
		ZT_EXPECT_OK(zx_vmo_set_cache_policy(self->vmo, policy % 4));
		for (uint32_t other = 1; other < 4; other++)
			ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
					 zx_vmo_set_cache_policy(self->vmo, (policy + other) % 4));
		ZT_EXPECT_OK(zt_unmap(p, 2 * ZT_P));
	}
	ZT_ASSERT_OK(zx_vmo_create_child(self->vmo, ZX_VMO_CHILD_SLICE, 0, ZT_P, &slice));
	ZT_EXPECT_OK(zx_vmo_set_cache_policy(self->vmo, 3));
	ZT_EXPECT_OK(zx_vmo_set_cache_policy(slice, 3));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_set_cache_policy(self->vmo, 1));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_set_cache_policy(slice, 1));
	EXPECT_EQ(3u, zt_vmo_info(slice).cache_policy);
	zx_handle_close(slice);
	ZT_EXPECT_OK(zx_vmo_set_cache_policy(self->vmo, 1));
}

/* What the kernel has noted on how the range is mapped (x86): a line of it, or none. */
static const char *memtype(uint64_t addr)
{
	FILE *f = fopen("/sys/kernel/debug/x86/pat_memtype_list", "re");
	static char line[200];
	uint64_t from, to;
	bool found = false;

	if (!f)
		return NULL;
	while (!found && fgets(line, sizeof(line), f)) {
		char *range = strstr(line, "0x");

		found = range && sscanf(range, "%" SCNx64 "-%" SCNx64, &from, &to) == 2 &&
			from <= addr && addr < to;
	}
	fclose(f);
	return found ? line : "nothing";
}

/* Linux maps the range as the VMO does, so no one's cache hides what the other wrote. */
TEST_F(physical, memory_type)
{
	WANT_RANGE();
	if (!memtype(self->range.addr))
		SKIP(return, "this kernel tells no memory types");
	EXPECT_NE(NULL, strstr(memtype(self->range.addr), "uncached-minus"));
	ZT_EXPECT_OK(zx_vmo_set_cache_policy(self->vmo, ZX_CACHE_POLICY_WRITE_COMBINING));
	EXPECT_NE(NULL, strstr(memtype(self->range.addr), "write-combining")) {
		TH_LOG("%s", memtype(self->range.addr));
	}
	EXPECT_NE(NULL, strstr(memtype(self->range.addr + self->size - 1), "write-combining"));
	EXPECT_STREQ("nothing", memtype(self->range.addr + self->size));
	ZT_EXPECT_OK(zx_vmo_set_cache_policy(self->vmo, ZX_CACHE_POLICY_CACHED));
	/* Where the machine says of a device "never to be cached", that goes. */
	EXPECT_NE(NULL, strstr(memtype(self->range.addr),
			       variant->device ? "uncached-minus" : "write-back")) {
		TH_LOG("%s", memtype(self->range.addr));
	}
	ZT_EXPECT_OK(zx_vmo_set_cache_policy(self->vmo, ZX_CACHE_POLICY_UNCACHED));
	EXPECT_NE(NULL, strstr(memtype(self->range.addr), "uncached-minus"));
	ZT_EXPECT_OK(zx_vmo_set_cache_policy(self->vmo, ZX_CACHE_POLICY_WRITE_COMBINING));
	zt_empty(&self->bag);
	EXPECT_STREQ("nothing", memtype(self->range.addr));
}

/* Nor does another VMO, or Linux itself, map it in another way than who was first. */
TEST_F(physical, one_memory_type)
{
	zx_handle_t other;
	void *p;

	WANT_RANGE();
	if (!memtype(self->range.addr))
		SKIP(return, "this kernel tells no memory types");
	other = zt_keep(&self->bag, pt_vmo(&self->range, 0, self->size));
	ASSERT_NE(0u, other);
	/* Both are uncached; the one's wish does not change what the other has. */
	zx_vmo_set_cache_policy(other, ZX_CACHE_POLICY_CACHED);
	EXPECT_NE(NULL, strstr(memtype(self->range.addr), "uncached-minus")) {
		TH_LOG("%s", memtype(self->range.addr));
	}
	zx_vmo_set_cache_policy(other, ZX_CACHE_POLICY_WRITE_COMBINING);
	EXPECT_NE(NULL, strstr(memtype(self->range.addr), "uncached-minus")) {
		TH_LOG("%s", memtype(self->range.addr));
	}
	ZT_EXPECT_OK(zx_handle_close(self->vmo));
	ZT_EXPECT_OK(zx_vmo_set_cache_policy(other, ZX_CACHE_POLICY_UNCACHED));
	p = zt_map(other, 0, ZT_P, ZT_RW);
	ASSERT_NE(NULL, p);
	EXPECT_NE(NULL, strstr(memtype(self->range.addr), "uncached-minus")) {
		TH_LOG("%s", memtype(self->range.addr));
	}
	ZT_EXPECT_OK(zt_unmap(p, ZT_P));
	ZT_EXPECT_OK(zx_vmo_set_cache_policy(other, ZX_CACHE_POLICY_WRITE_COMBINING));
	EXPECT_NE(NULL, strstr(memtype(self->range.addr), "write-combining")) {
		TH_LOG("%s", memtype(self->range.addr));
	}
}

/* New lines of the kernel log that are about types of memory; *log: -1 in the beginning. */
static int log_lines(int *log)
{
	char line[8192];
	int count = 0;
	ssize_t n;

	if (*log < 0) {
		*log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		lseek(*log, 0, SEEK_END);
		return 0;
	}
	while ((n = read(*log, line, sizeof(line) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
		line[n < 0 ? 0 : n] = 0;
		count += strstr(line, "ioremap") || strstr(line, "memtype") ||
			 strstr(line, "conflicting memory") || strstr(line, "sanity check");
	}
	return count;
}

/* What two VMOs of a range can have. Whoever asks for something else fills no log. */
TEST_F(physical, V_248_policies_of_two)
{
	bool x86 = IS_X86;
	int log = -1;
	zx_handle_t other, second, h;

	WANT_RANGE();
	/* Then there is no type but cached and uncached, either (CONFIG_X86_PAT). */
	if (x86 && !memtype(self->range.addr))
		SKIP(return, "this kernel tells no memory types");
	log_lines(&log);
	other = zt_keep(&self->bag, pt_vmo(&self->range, 0, self->size));
	ASSERT_NE(0u, other);
	/* On x86 it stays uncached then, whatever is said. */
	ZT_EXPECT_STATUS(x86 ? ZX_OK : ZX_ERR_NO_MEMORY, zx_vmo_set_cache_policy(other, 0));
	ZT_EXPECT_STATUS(x86 ? ZX_OK : ZX_ERR_NO_MEMORY,
			 zx_vmo_set_cache_policy(other, ZX_CACHE_POLICY_WRITE_COMBINING));
	ZT_EXPECT_OK(zx_vmo_set_cache_policy(other, ZX_CACHE_POLICY_UNCACHED_DEVICE));
	zx_handle_close(self->vmo);
	ZT_ASSERT_OK(zx_vmo_set_cache_policy(other, ZX_CACHE_POLICY_WRITE_COMBINING));
	for (int i = 0; i < 50; i++) {
		ZT_EXPECT_STATUS(ZX_ERR_NO_MEMORY,
				 CREATE(self->range.addr + ZT_P, ZT_P, &h));
		/* The device ends there, and something else begins, or nothing. */
		if (x86 || variant->device)
			ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
					 CREATE(self->range.addr + self->range.size - ZT_P,
						2 * ZT_P, &h));
	}
	/* Nor is there one type for both pages. */
	zx_handle_close(other);
	other = zt_keep(&self->bag, pt_vmo(&self->range, 0, ZT_P));
	ZT_ASSERT_OK(zx_vmo_set_cache_policy(other, ZX_CACHE_POLICY_WRITE_COMBINING));
	second = zt_keep(&self->bag, pt_vmo(&self->range, ZT_P, ZT_P));
	ASSERT_NE(0u, second);
	for (int i = 0; i < 50; i++)
		ZT_EXPECT_STATUS(ZX_ERR_NO_MEMORY, CREATE(self->range.addr, 2 * ZT_P, &h));
	/* What is cached, where it may be. */
	if (!variant->device) {
		ZT_ASSERT_OK(zx_vmo_set_cache_policy(other, ZX_CACHE_POLICY_CACHED));
		for (int i = 0; i < 50; i++)
			ZT_EXPECT_STATUS(ZX_ERR_NO_MEMORY, CREATE(self->range.addr, ZT_P, &h));
	}
	EXPECT_EQ(0, log_lines(&log));
	close(log);
}

/* Linux says in the log why it refuses. It is not often asked. */
TEST_F(physical, refusals_take_time)
{
	struct timespec from, to;
	zx_handle_t h;
	void *p;
	int fd;

	WANT_RANGE();
	if (self->range.bar[0] || !memtype(self->range.addr))
		SKIP(return, "no way to have Linux map this cached");
	zx_handle_close(self->vmo);
	fd = open("/dev/mem", O_RDWR | O_CLOEXEC);
	p = mmap(NULL, ZT_P, PROT_READ, MAP_SHARED, fd, (off_t)self->range.addr);
	close(fd);
	if (p == MAP_FAILED || !strstr(memtype(self->range.addr), "write-back"))
		SKIP(return, "Linux does not map this cached");
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < 5; i++)
		ZT_EXPECT_STATUS(ZX_ERR_NO_MEMORY, CREATE(self->range.addr, ZT_P, &h));
	clock_gettime(CLOCK_MONOTONIC, &to);
	EXPECT_LE(800, (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000);
	munmap(p, ZT_P);
	ZT_EXPECT_OK(CREATE(self->range.addr, ZT_P, &h));
	zx_handle_close(h);
}

/* ---- the kernel's own way to it --------------------------------------------- */

/* Linux says it in either way, depending on the VMA and on the version. */
static bool no_page(int err)
{
	return err == EFAULT || err == EEXIST;
}

/* Copying works, keeping a page does not. */
static void kernel_access(struct __test_metadata *_metadata, uint8_t *p)
{
	struct iovec local, remote = { p, 64 };
	char buf[64], want[64];
	int pipes[2], fd;

	for (int i = 0; i < 64; i++)
		((volatile uint8_t *)p)[i] = want[i] = i + 3;
	ASSERT_EQ(0, pipe(pipes));
	EXPECT_EQ(64, write(pipes[1], p, 64));
	EXPECT_EQ(64, read(pipes[0], buf, 64));
	EXPECT_EQ(0, memcmp(buf, want, 64));
	memset(want, 9, 64);
	EXPECT_EQ(64, write(pipes[1], want, 64));
	EXPECT_EQ(64, read(pipes[0], p, 64));
	for (int i = 0; i < 64; i++)
		EXPECT_EQ(9, ((volatile uint8_t *)p)[i]);
	EXPECT_EQ(-1, vmsplice(pipes[1], &remote, 1, 0));
	EXPECT_TRUE(no_page(errno));

	local = (struct iovec){ buf, 64 };
	EXPECT_EQ(-1, process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
	EXPECT_TRUE(no_page(errno));
	EXPECT_EQ(-1, syscall(SYS_futex, p, FUTEX_WAKE, 1, NULL, NULL, 0));
	EXPECT_TRUE(no_page(errno));
	fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, pread(fd, buf, 64, (off_t)p));
	EXPECT_EQ(-1, pwrite(fd, buf, 64, (off_t)p));
	close(fd);
	fd = open("/dev/ram0", O_RDWR | O_DIRECT | O_CLOEXEC);
	if (fd >= 0) {
		EXPECT_EQ(-1, pwrite(fd, p, 4096, 0));
		EXPECT_TRUE(no_page(errno));
		close(fd);
	}
	close(pipes[0]);
	close(pipes[1]);
	/* Whatever it says, it must not hurt. */
	madvise(p, 4096, 22 /* MADV_POPULATE_READ */);
	madvise(p, 4096, MADV_WILLNEED);
	madvise(p, 4096, 20 /* MADV_COLD */);
	madvise(p, 4096, 21 /* MADV_PAGEOUT */);
	mlock(p, 4096);
	munlock(p, 4096);
	madvise(p, 4096, MADV_DONTNEED);
	EXPECT_EQ(9, *(volatile uint8_t *)p);
	EXPECT_LE(0, zt_smaps_kb(p, "Rss"));
}

TEST_F(physical, kernel_access)
{
	uint8_t *p, *plain;

	WANT_RANGE();
	p = zt_map(self->vmo, 0, 4 * ZT_P, ZT_RW);
	ASSERT_NE(NULL, p);
	kernel_access(_metadata, p);
	plain = mmap(NULL, ZT_P, PROT_READ | PROT_WRITE, MAP_SHARED, zvm_handle_to_fd(self->vmo), 0);
	ASSERT_NE(MAP_FAILED, plain);
	kernel_access(_metadata, plain);
	munmap(plain, ZT_P);
	ZT_EXPECT_OK(zt_unmap(p, 4 * ZT_P));
}

struct forked {
	volatile uint32_t *arena, *plain;
};

static int use_inherited(int sock ZT_UNUSED, void *arg)
{
	struct forked *f = arg;

	VT_CHECK(*f->plain == 5);
	*f->plain = 6;
	VT_CHECK(zt_try_read(f->arena) == SIGSEGV);
	return 0;
}

TEST_F(physical, fork)
{
	struct forked f;
	struct vt_child c;

	WANT_RANGE();
	f.arena = zt_map(self->vmo, 0, ZT_P, ZT_RW | ZX_VM_MAP_RANGE);
	f.plain = mmap(NULL, ZT_P, PROT_READ | PROT_WRITE, MAP_SHARED, zvm_handle_to_fd(self->vmo),
		       0);
	ASSERT_NE(NULL, f.arena);
	ASSERT_NE(MAP_FAILED, (void *)f.plain);
	*f.plain = 5;
	c = vt_spawn(use_inherited, &f);
	EXPECT_EQ(0, vt_join(&c));
	EXPECT_EQ(6u, *f.arena);
	munmap((void *)f.plain, ZT_P);
	ZT_EXPECT_OK(zt_unmap((void *)f.arena, ZT_P));
}

/* ---- registers -------------------------------------------------------------- */

/*
 * QEMU's edu device: 0x00 tells what it is, 0x04 gives back the inverse of what is
 * written to it, 0x08 turns a number into its factorial, and bit 0 of 0x20 says that
 * it is still at it. Only accesses of 4 bytes mean anything.
 */
TEST(physical_registers)
{
	static const uint32_t policies[] = { ZX_CACHE_POLICY_UNCACHED,
					     ZX_CACHE_POLICY_UNCACHED_DEVICE };
	struct pt_range range = pt_edu();
	volatile uint32_t *reg;
	zx_handle_t vmo;

	if (!range.size)
		SKIP(return, "this guest has no such device");
	vmo = pt_vmo(&range, 0, ZT_P);
	ASSERT_NE(0u, vmo);
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		uint32_t value = 0x12345678 + i;

		ZT_ASSERT_OK(zx_vmo_set_cache_policy(vmo, policies[i]));
		reg = zt_map(vmo, 0, ZT_P, ZT_RW);
		ASSERT_NE(NULL, reg);
		EXPECT_EQ(0xedu, reg[0] & 0xffff);
		reg[1] = value;
		EXPECT_EQ(~value, reg[1]);
		reg[2] = 5 + i;
		while (reg[8] & 1)
			sched_yield();
		EXPECT_EQ(i ? 720u : 120u, reg[2]);
		ZT_EXPECT_OK(zt_unmap((void *)reg, ZT_P));
	}
	zx_handle_close(vmo);
}

TEST_HARNESS_MAIN
