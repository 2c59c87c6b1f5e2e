// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Address spaces of virtual machines: their addresses are not those of the process
 * that has adopted them; and KVM takes their memory for that of a guest.
 *
 * What the guest runs is a few instructions in real mode. It needs a kernel that has
 * /dev/kvm, which tools/vm --kvm sees to.
 */
#include "kselftest_harness.h"
#include "folio_test.h"

#define GIB (1ull << 30)
#define PAGES 16

/* A machine's memory from 0 on; the first pages are the VMO's. */
struct machine {
	struct vt_region r;
	zx_handle_t vmo;
	size_t len;		/* of the VMO */
	uint8_t *at;		/* where address 0 is in the process, once adopted */
};

static zx_status_t make_of(struct machine *m, zx_vaddr_t base, uint64_t pages, uint32_t options)
{
	zx_handle_t h;
	zx_status_t st = zvm_aspace_create(ZVM_ASPACE_GUEST_PHYS, base, GIB, &h);

	if (st != ZX_OK)
		return st;
	m->r = vt_region_of(h);
	m->vmo = vt_tagged_vmo(1, pages, options);
	m->len = pages * P;
	return vt_map_at(&m->r, ZT_RW, 0, m->vmo, 0, m->len);
}

static zx_status_t make_at(struct machine *m, zx_vaddr_t base)
{
	return make_of(m, base, PAGES, 0);
}

static zx_status_t adopt(struct machine *m)
{
	zx_vaddr_t addr = 0;
	zx_status_t st = zvm_aspace_adopt(m->r.h, &addr);

	m->at = (uint8_t *)addr;
	return st;
}

/* ------------------------------------------------------------------------
 * Two kinds of addresses
 */

TEST(create_arguments)
{
	static const struct {
		uint64_t base, size;
		zx_status_t status;
	} t[] = {
		{ 0, 0, ZX_ERR_INVALID_ARGS },
		{ 0, GIB + 4096, ZX_ERR_INVALID_ARGS },
		{ 4096, GIB, ZX_ERR_INVALID_ARGS },
		{ 0, 1ull << 52, ZX_ERR_OUT_OF_RANGE },
		{ 1ull << 52, GIB, ZX_ERR_OUT_OF_RANGE },
		{ -GIB, GIB, ZX_ERR_OUT_OF_RANGE },
		{ 0, GIB, ZX_OK },
		{ (1ull << 52) - GIB, GIB, ZX_OK },
		{ 0, 1ull << 46, ZX_OK },
	};
	zx_handle_t h;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		ZT_EXPECT_STATUS(t[i].status,
				 zvm_aspace_create(ZVM_ASPACE_GUEST_PHYS, t[i].base, t[i].size,
						   &h));
}

FIXTURE(addresses) {
	struct machine m;
};

FIXTURE_VARIANT(addresses) {
	uint64_t base;
};

FIXTURE_VARIANT_ADD(addresses, from_0) { .base = 0 };
FIXTURE_VARIANT_ADD(addresses, from_4_gib) { .base = 4 * GIB };
FIXTURE_VARIANT_ADD(addresses, above_the_process) { .base = 1ull << 50 };

FIXTURE_SETUP(addresses)
{
	/* A process with a root region of its own, too. */
	ASSERT_TRUE(zt_warm_up());
	ZT_ASSERT_OK(make_at(&self->m, variant->base));
	ZT_ASSERT_U64(variant->base, self->m.r.base);
}

FIXTURE_TEARDOWN(addresses)
{
}

/* All calls count in the machine's addresses, before and after. */
TEST_F(addresses, adopt)
{
	struct machine *m = &self->m;
	struct vt_region child;
	uint8_t byte = 0x77;
	size_t n;

	ZT_EXPECT_OK(zx_process_write_memory(m->r.h, m->r.base + 5, &byte, 1, &n));
	ZT_ASSERT_OK(adopt(m));
	EXPECT_NE((uint8_t *)m->r.base, m->at);
	ZT_EXPECT_U64(0, (uintptr_t)m->at % GIB);
	EXPECT_EQ(0x77, m->at[5]);
	for (int i = 1; i < PAGES; i++)
		EXPECT_EQ(vt_tag(1, i), vt_load(m->at + i * P));
	EXPECT_EQ(-SIGSEGV, vt_load(m->at + PAGES * P));
	EXPECT_EQ(-SIGSEGV, vt_load(m->at + GIB - 1));
	m->at[P + 1] = 0x78;
	EXPECT_EQ(0x78, zt_vmo_byte(m->vmo, P + 1));
	ZT_EXPECT_OK(zx_process_read_memory(m->r.h, m->r.base + P + 1, &byte, 1, &n));
	EXPECT_EQ(0x78, byte);

	ZT_EXPECT_OK(zx_vmar_protect(m->r.h, VT_R, m->r.base + 2 * P, P));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(m->at + 2 * P));
	EXPECT_EQ(vt_tag(1, 2), vt_load(m->at + 2 * P));
	ZT_EXPECT_OK(zx_vmar_unmap(m->r.h, m->r.base + 3 * P, P));
	EXPECT_EQ(-SIGSEGV, vt_load(m->at + 3 * P));
	EXPECT_EQ(vt_tag(1, 4), vt_load(m->at + 4 * P));

	child = vt_alloc(m->r.h, VT_CAN_ALL, 8 * P);
	ASSERT_NE(0, child.h);
	ZT_ASSERT_OK(vt_map_at(&child, ZT_RW | ZX_VM_MAP_RANGE, 2 * P, m->vmo, 6 * P, P));
	EXPECT_EQ(1, vt_present(m->at + (child.base - m->r.base) + 2 * P));
	EXPECT_EQ(vt_tag(1, 6), vt_load(m->at + (child.base - m->r.base) + 2 * P));
	/* Where nothing has been accessed yet. */
	ZT_ASSERT_OK(vt_map_at(&m->r, ZT_RW, GIB / 2, m->vmo, 0, PAGES * P));
	ZT_EXPECT_OK(zx_vmar_op_range(m->r.h, ZX_VMAR_OP_MAP_RANGE, m->r.base + GIB / 2 + 8 * P,
				      4 * P, NULL, 0));
	for (int i = 7; i < 13; i++)
		EXPECT_EQ(i >= 8 && i < 12, vt_present(m->at + GIB / 2 + i * P));
	ZT_EXPECT_OK(zx_vmar_destroy(child.h));
	EXPECT_EQ(-SIGSEGV, vt_load(m->at + (child.base - m->r.base) + 2 * P));
}

/* What is wrong with a buffer there is told as of any other. */
TEST_F(addresses, buffers)
{
	zx_handle_t vmo = zt_vmo(P, ZX_VMO_RESIZABLE);
	struct machine *m = &self->m;

	ZT_ASSERT_OK(adopt(m));
	ZT_ASSERT_OK(vt_map_at(&m->r, ZT_RW, 32 * P, vmo, 0, 2 * P));
	ZT_ASSERT_OK(zx_vmar_protect(m->r.h, VT_R, m->r.base, P));
	ZT_EXPECT_OK(zx_vmo_read(vmo, m->at + P, 0, 8));
	EXPECT_EQ(0, m->at[P]);
	ZT_EXPECT_STATUS(ZX_ERR_NOT_FOUND, zx_vmo_read(vmo, m->at + 31 * P, 0, 8));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED, zx_vmo_read(vmo, m->at, 0, 8));
	ZT_EXPECT_OK(zx_vmo_write(vmo, m->at, 0, 8));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(m->vmo, m->at + 33 * P, 0, 8));
}

TEST_F(addresses, nothing_executable)
{
	struct machine *m = &self->m;
	zx_handle_t code;

	ZT_ASSERT_OK(zx_vmo_replace_as_executable(zt_vmo(P, 0), ZX_HANDLE_INVALID, &code));
	for (int i = 0; i < 2; i++) {
		ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
				 vt_map_at(&m->r, VT_R | VT_X, 32 * P, code, 0, P));
		ZT_EXPECT_OK(vt_map_at(&m->r, VT_R, 40 * P, code, 0, P));
		ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
				 zx_vmar_protect(m->r.h, VT_R | VT_X, m->r.base + 40 * P, P));
		ZT_EXPECT_OK(zx_vmar_unmap(m->r.h, m->r.base + 40 * P, P));
		if (!i)
			ZT_ASSERT_OK(adopt(m));
	}
}

/* Page tables that are left over are given back, and nobody else's. */
TEST_F(addresses, page_tables)
{
	const size_t step = 2ul << 20, n = 256;
	struct machine *m = &self->m;
	int64_t before, after;

	ZT_ASSERT_OK(adopt(m));
	ZT_ASSERT_OK(zt_try_read(m->at));
	before = zt_status_field("VmPTE");
	for (int round = 0; round < 4; round++) {
		zx_handle_t vmo = zt_vmo(n * step, 0);

		ZT_ASSERT_OK(vt_map_at(&m->r, ZT_RW, 16 * step, vmo, 0, n * step));
		for (size_t i = 0; i < n; i++)
			ASSERT_EQ(0, zt_try_write(m->at + (16 + i) * step));
		ZT_ASSERT_OK(zx_vmar_unmap(m->r.h, m->r.base + 16 * step, n * step));
		ZT_ASSERT_OK(zx_handle_close(vmo));
	}
	after = zt_status_field("VmPTE");
	EXPECT_LT(after, before + (int64_t)(n * 4 / 2)) {
		TH_LOG("VmPTE %lld kB, then %lld kB", (long long)before, (long long)after);
	}
	EXPECT_EQ(vt_tag(1, 0), vt_load(m->at));
}

/* A process may have several of them, beside its own. */
TEST_F(addresses, several)
{
	zx_handle_t self_root = zx_vmar_root_self();
	struct machine *m = &self->m, other;
	uint8_t *own;

	ZT_ASSERT_OK(make_at(&other, variant->base));
	ZT_ASSERT_OK(adopt(m));
	ZT_ASSERT_OK(adopt(&other));
	EXPECT_NE(m->at, other.at);
	m->at[0] = 1;
	other.at[0] = 2;
	EXPECT_EQ(1, zt_vmo_byte(m->vmo, 0));
	EXPECT_EQ(2, zt_vmo_byte(other.vmo, 0));
	EXPECT_EQ(self_root, zx_vmar_root_self());
	own = zt_map(m->vmo, 0, P, ZT_RW);
	ASSERT_NE(NULL, own);
	EXPECT_EQ(1, own[0]);
	ZT_EXPECT_STATUS(ZX_ERR_ALREADY_BOUND, zvm_aspace_adopt(m->r.h, &(zx_vaddr_t){ 0 }));
	/* One goes, the others stay. */
	ASSERT_EQ(0, munmap(m->at, GIB));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, vt_map_at(&m->r, ZT_RW, 0, m->vmo, 0, P));
	EXPECT_EQ(2, other.at[0]);
	EXPECT_EQ(1, own[0]);
}

/* ------------------------------------------------------------------------
 * A guest
 */
#ifdef __x86_64__
#include <linux/kvm.h>

/* Addresses in the guest. */
#define CODE 0x1000
#define IN 0x2000
#define OUT 0x3000
#define OUT2 0x4000

struct guest {
	struct machine m;
	int vcpu;
	struct kvm_run *run;
};

/* Its memory; address 0 is mapped at a multiple of what a folio has. */
FIXTURE(guest) {
	struct guest g;
};

FIXTURE_VARIANT(guest) {
	bool huge;
};

FIXTURE_VARIANT_ADD(guest, pages) {};
FIXTURE_VARIANT_ADD(guest, huge) { .huge = true };

FIXTURE_SETUP(guest)
{
	ASSERT_TRUE(zt_warm_up());
}

FIXTURE_TEARDOWN(guest)
{
}

/* Nothing of the VMO's content is what the code works with. */
static zx_status_t guest_load(struct guest *g, const void *code, size_t len)
{
	static const uint8_t zeros[3 * 4096];
	zx_status_t st = zx_vmo_write(g->m.vmo, code, CODE, len);

	return st != ZX_OK ? st : zx_vmo_write(g->m.vmo, zeros, IN, sizeof(zeros));
}

/* 0; 1: there is no KVM here; -1: something else. */
static int guest_make(struct guest *g, bool huge, const void *code, size_t len)
{
	uint32_t options = ZX_VMO_RESIZABLE | (huge ? HUGE : 0);
	struct kvm_userspace_memory_region slot = { 0 };
	struct kvm_regs regs = { .rip = CODE, .rflags = 2 };
	struct kvm_sregs sregs;
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm;

	if (kvm < 0)
		return 1;
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0 || make_of(&g->m, 0, huge ? F_PAGES : PAGES, options) != ZX_OK ||
	    guest_load(g, code, len) != ZX_OK || adopt(&g->m) != ZX_OK)
		return -1;
	/* Its memory is there as it would be for the process, by a huge entry or not. */
	if (zt_try_write(g->m.at) || ft_huge_kb(g->m.at) != ft_kb_of(huge ? 1 : 0))
		return -2;
	slot.memory_size = g->m.len;
	slot.userspace_addr = (uintptr_t)g->m.at;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot))
		return -3;
	g->vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (g->vcpu < 0)
		return -4;
	g->run = mmap(NULL, (size_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0),
		      PROT_READ | PROT_WRITE, MAP_SHARED, g->vcpu, 0);
	if (g->run == MAP_FAILED || ioctl(g->vcpu, KVM_GET_SREGS, &sregs))
		return -5;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	return ioctl(g->vcpu, KVM_SET_SREGS, &sregs) || ioctl(g->vcpu, KVM_SET_REGS, &regs) ?
	       -6 : 0;
}

#define GUEST(g, code) do {							\
	int ret_ = guest_make(g, variant->huge, code, sizeof(code));			\
	if (ret_ > 0)								\
		SKIP(return, "no KVM in this guest");				\
	ASSERT_EQ(0, ret_);							\
} while (0)

/* For ever: what is at OUT is one more than at IN, and is said at the port. */
static const uint8_t increment[] = {
	0xa0, IN & 0xff, IN >> 8,	/* mov al, [IN] */
	0xfe, 0xc0,			/* inc al */
	0xa2, OUT & 0xff, OUT >> 8,	/* mov [OUT], al */
	0xba, 0xf8, 0x03,		/* mov dx, 0x3f8 */
	0xee,				/* out dx, al */
	0xeb, 0xf2,			/* jmp */
};

/* Until it says something: the byte, or minus errno. */
static int guest_step(struct guest *g)
{
	if (ioctl(g->vcpu, KVM_RUN, 0))
		return -errno;
	if (g->run->exit_reason != KVM_EXIT_IO || g->run->io.port != 0x3f8)
		return -1000 - (int)g->run->exit_reason;
	return ((uint8_t *)g->run)[g->run->io.data_offset];
}

/* The guest reads what is written to the VMO, and the VMO has what the guest writes. */
TEST_F(guest, memory)
{
	struct guest *g = &self->g;
	uint8_t byte = 0x41;
	size_t n;

	GUEST(g, increment);
	EXPECT_EQ(1, guest_step(g));
	EXPECT_EQ(1, zt_vmo_byte(g->m.vmo, OUT));
	ZT_EXPECT_OK(zx_vmo_write(g->m.vmo, &byte, IN, 1));
	EXPECT_EQ(0x42, guest_step(g));
	EXPECT_EQ(0x42, zt_vmo_byte(g->m.vmo, OUT));
	g->m.at[IN] = 0x51;
	EXPECT_EQ(0x52, guest_step(g));
	EXPECT_EQ(0x52, g->m.at[OUT]);
	byte = 0x61;
	ZT_EXPECT_OK(zx_process_write_memory(g->m.r.h, IN, &byte, 1, &n));
	EXPECT_EQ(0x62, guest_step(g));
	ZT_EXPECT_OK(zx_process_read_memory(g->m.r.h, OUT, &byte, 1, &n));
	EXPECT_EQ(0x62, byte);
	/* Nothing is committed for what it only reads. */
	ZT_EXPECT_OK(zx_vmo_op_range(g->m.vmo, ZX_VMO_OP_DECOMMIT, IN, P, NULL, 0));
	EXPECT_EQ(1, guest_step(g));
	ZT_EXPECT_U64(g->m.len - P, zt_committed(g->m.vmo));
}

/* A page that the VMO has no more is the guest's no more, neither to read nor to write. */
TEST_F(guest, pages_go)
{
	zx_handle_t other = zt_vmo(P, 0);
	struct guest *g = &self->g;
	uint64_t committed;

	GUEST(g, increment);
	g->m.at[IN] = 0x20;
	EXPECT_EQ(0x21, guest_step(g));
	ZT_ASSERT_OK(zx_vmo_op_range(g->m.vmo, ZX_VMO_OP_DECOMMIT, OUT, P, NULL, 0));
	committed = zt_committed(g->m.vmo);
	EXPECT_EQ(0, zt_vmo_byte(g->m.vmo, OUT));
	EXPECT_EQ(0x21, guest_step(g));
	EXPECT_EQ(0x21, zt_vmo_byte(g->m.vmo, OUT));
	ZT_EXPECT_U64(committed + P, zt_committed(g->m.vmo));

	/* It lives on in another VMO, where the guest must not write to it. */
	ZT_ASSERT_OK(zx_vmo_transfer_data(other, 0, 0, P, g->m.vmo, OUT));
	g->m.at[IN] = 0x30;
	EXPECT_EQ(0x31, guest_step(g));
	EXPECT_EQ(0x21, zt_vmo_byte(other, 0));
	EXPECT_EQ(0x31, zt_vmo_byte(g->m.vmo, OUT));
	ZT_ASSERT_OK(zx_vmo_transfer_data(other, 0, 0, P, g->m.vmo, IN));
	EXPECT_EQ(1, guest_step(g));

	g->m.at[IN] = 0x40;
	EXPECT_EQ(0x41, guest_step(g));
	ZT_ASSERT_OK(zx_vmo_op_range(g->m.vmo, ZX_VMO_OP_ZERO, IN, P, NULL, 0));
	EXPECT_EQ(1, guest_step(g));
	/* Beyond the end there is nothing. */
	g->m.at[OUT] = 0x50;
	ZT_ASSERT_OK(zx_vmo_set_size(g->m.vmo, OUT));
	EXPECT_EQ(-EFAULT, guest_step(g));
	ZT_ASSERT_OK(zx_vmo_set_size(g->m.vmo, g->m.len));
	EXPECT_EQ(1, guest_step(g));
	EXPECT_EQ(1, zt_vmo_byte(g->m.vmo, OUT));
}

/* What changes in the address space changes under the guest. */
TEST_F(guest, mappings)
{
	struct guest *g = &self->g;
	zx_handle_t other;

	GUEST(g, increment);
	g->m.at[IN] = 7;
	EXPECT_EQ(8, guest_step(g));
	/* Other memory takes the place of what it reads from. */
	other = vt_tagged_vmo(2, 4, 0);
	ZT_ASSERT_OK(vt_map_at(&g->m.r, ZT_RW | ZX_VM_SPECIFIC_OVERWRITE, IN, other, P, P));
	EXPECT_EQ(vt_tag(2, 1) + 1, guest_step(g));
	/* It goes, and the guest with it, until there is some again. */
	ZT_ASSERT_OK(zx_vmar_unmap(g->m.r.h, IN, P));
	EXPECT_EQ(-EFAULT, guest_step(g));
	ZT_ASSERT_OK(vt_map_at(&g->m.r, ZT_RW, IN, g->m.vmo, IN, P));
	EXPECT_EQ(8, guest_step(g));
	/* It must not write where the mapping forbids it. */
	ZT_ASSERT_OK(zx_vmar_protect(g->m.r.h, VT_R, OUT, P));
	EXPECT_EQ(-EFAULT, guest_step(g));
	ZT_ASSERT_OK(zx_vmar_protect(g->m.r.h, ZT_RW, OUT, P));
	EXPECT_EQ(8, guest_step(g));
	/* All of it, behind the module's back. */
	ASSERT_EQ(0, munmap(g->m.at, GIB));
	EXPECT_EQ(-EFAULT, guest_step(g));
}

/* Each snapshot keeps what the guest had written when it was taken. */
TEST_F(guest, snapshots)
{
	struct guest *g = &self->g;
	zx_handle_t snapshot[8];

	GUEST(g, increment);
	for (int i = 0; i < 8; i++) {
		g->m.at[IN] = (uint8_t)(0x10 * i);
		ASSERT_EQ(0x10 * i + 1, guest_step(g));
		ZT_ASSERT_OK(zx_vmo_create_child(g->m.vmo, ZX_VMO_CHILD_SNAPSHOT, 0, g->m.len,
						 &snapshot[i]));
	}
	for (int i = 0; i < 8; i++) {
		EXPECT_EQ(0x10 * i, zt_vmo_byte(snapshot[i], IN));
		EXPECT_EQ(0x10 * i + 1, zt_vmo_byte(snapshot[i], OUT));
	}
	EXPECT_EQ(0x71, zt_vmo_byte(g->m.vmo, OUT));
}

/* For ever: counts at OUT, then at OUT2, which are in different pages. */
static const uint8_t count[] = {
	0x40,				/* inc ax */
	0xa3, OUT & 0xff, OUT >> 8,	/* mov [OUT], ax */
	0xa3, OUT2 & 0xff, OUT2 >> 8,	/* mov [OUT2], ax */
	0xeb, 0xf7,			/* jmp */
};

static void nothing(int sig ZT_UNUSED)
{
}

static void *guest_run(void *arg)
{
	struct guest *g = arg;

	/* Until the signal comes, before or after it enters the guest. */
	while (!__atomic_load_n(&g->run->immediate_exit, __ATOMIC_SEQ_CST))
		if (ioctl(g->vcpu, KVM_RUN, 0) && errno != EINTR)
			return (void *)(intptr_t)errno;
	return NULL;
}

/* A snapshot is of one instant, also for a guest that is running. */
TEST_F(guest, snapshots_running)
{
	struct sigaction sa = { .sa_handler = nothing };
	struct guest *g = &self->g;
	unsigned int moved = 0;
	void *failed = NULL;
	uint16_t last = 0;
	pthread_t thread;

	GUEST(g, count);
	ASSERT_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	ASSERT_EQ(0, pthread_create(&thread, NULL, guest_run, g));
	for (int i = 0; i < 100; i++) {
		uint16_t a, b, again;
		zx_handle_t snapshot;

		ZT_ASSERT_OK(zx_vmo_create_child(g->m.vmo, ZX_VMO_CHILD_SNAPSHOT, 0, g->m.len,
						 &snapshot));
		ZT_ASSERT_OK(zx_vmo_read(snapshot, &a, OUT, sizeof(a)));
		ZT_ASSERT_OK(zx_vmo_read(snapshot, &b, OUT2, sizeof(b)));
		EXPECT_TRUE(a == b || a == (uint16_t)(b + 1)) {
			TH_LOG("round %d: %u and %u", i, a, b);
		}
		/* Give the guest the time to write to what it has no more. */
		zt_sleep_ms(2);
		ZT_ASSERT_OK(zx_vmo_read(snapshot, &again, OUT, sizeof(again)));
		EXPECT_EQ(a, again);
		moved += a != last;
		last = a;
		ZT_ASSERT_OK(zx_handle_close(snapshot));
	}
	__atomic_store_n(&g->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	while (pthread_tryjoin_np(thread, &failed)) {
		pthread_kill(thread, SIGUSR1);
		zt_sleep_ms(1);
	}
	EXPECT_EQ(NULL, failed);
	/* It has been running all the time. */
	EXPECT_GT(moved, 2);
}
#endif

TEST_HARNESS_MAIN
