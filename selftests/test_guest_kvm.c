// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * KVM takes the memory of an address space for that of a guest, which follows whatever
 * becomes of it.
 *
 * What the guest runs is a few instructions, in real mode or without an MMU. It needs a
 * kernel that has /dev/kvm, which tools/vm --kvm sees to.
 */
#include "kselftest_harness.h"
#include "folio_test.h"
#include "machine.h"

#include <linux/kvm.h>

/* Addresses in the guest. */
#define CODE 0x1000
#define IN 0x2000
#define OUT 0x3000
#define OUT2 0x4000

/*
 * What depends on the processor: @increment, for ever: what is at OUT is one more than
 * at IN, and is said, by an access that only KVM's user can answer. @count, for ever:
 * counts at OUT, then at OUT2, which are in different pages.
 */
#if defined(__x86_64__)
static const uint8_t increment[] = {
	0xa0, IN & 0xff, IN >> 8,	/* mov al, [IN] */
	0xfe, 0xc0,			/* inc al */
	0xa2, OUT & 0xff, OUT >> 8,	/* mov [OUT], al */
	0xba, 0xf8, 0x03,		/* mov dx, 0x3f8 */
	0xee,				/* out dx, al */
	0xeb, 0xf2,			/* jmp */
};

static const uint8_t count[] = {
	0x40,				/* inc ax */
	0xa3, OUT & 0xff, OUT >> 8,	/* mov [OUT], ax */
	0xa3, OUT2 & 0xff, OUT2 >> 8,	/* mov [OUT2], ax */
	0xeb, 0xf7,			/* jmp */
};

/* It is to begin at CODE. Not 0: that failed. */
static int start(int vm ZT_UNUSED, int vcpu)
{
	struct kvm_regs regs = { .rip = CODE, .rflags = 2 };
	struct kvm_sregs sregs;

	if (ioctl(vcpu, KVM_GET_SREGS, &sregs))
		return -1;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	return ioctl(vcpu, KVM_SET_SREGS, &sregs) || ioctl(vcpu, KVM_SET_REGS, &regs);
}

static const uint8_t *said(const struct kvm_run *run)
{
	if (run->exit_reason != KVM_EXIT_IO || run->io.port != 0x3f8)
		return NULL;
	return (const uint8_t *)run + run->io.data_offset;
}
#elif defined(__aarch64__)
#define SAID 0x80000000			/* where no memory is */

static const uint32_t increment[] = {
	0xd2800001 | IN << 5,		/* mov x1, #IN */
	0xd2800002 | OUT << 5,		/* mov x2, #OUT */
	0xd2b00003,			/* mov x3, #SAID */
	0x39400020,			/* ldrb w0, [x1] */
	0x11000400,			/* add w0, w0, #1 */
	0x39000040,			/* strb w0, [x2] */
	0x39000060,			/* strb w0, [x3] */
	0x17fffffc,			/* b, to the ldrb */
};

static const uint32_t count[] = {
	0xd2800002 | OUT << 5,		/* mov x2, #OUT */
	0xd2800003 | OUT2 << 5,		/* mov x3, #OUT2 */
	0x11000400,			/* add w0, w0, #1 */
	0x79000040,			/* strh w0, [x2] */
	0x79000060,			/* strh w0, [x3] */
	0x17fffffd,			/* b, to the add */
};

static int start(int vm, int vcpu)
{
	uint64_t pc = CODE;
	struct kvm_one_reg reg = {
		.id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE |
		      KVM_REG_ARM_CORE_REG(regs.pc),
		.addr = (uintptr_t)&pc,
	};
	struct kvm_vcpu_init init;

	return ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init) ||
	       ioctl(vcpu, KVM_ARM_VCPU_INIT, &init) || ioctl(vcpu, KVM_SET_ONE_REG, &reg);
}

static const uint8_t *said(const struct kvm_run *run)
{
	if (run->exit_reason != KVM_EXIT_MMIO || run->mmio.phys_addr != SAID)
		return NULL;
	return run->mmio.data;
}
#endif

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
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm;

	if (kvm < 0)
		return 1;
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0 || machine_make(&g->m, 0, huge ? F_PAGES : 16, options) != ZX_OK ||
	    guest_load(g, code, len) != ZX_OK || machine_adopt(&g->m) != ZX_OK)
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
	if (g->run == MAP_FAILED)
		return -5;
	return start(vm, g->vcpu) ? -6 : 0;
}

#define GUEST(g, code) do {							\
	int ret_ = guest_make(g, variant->huge, code, sizeof(code));			\
	if (ret_ > 0)								\
		SKIP(return, "no KVM in this guest");				\
	ASSERT_EQ(0, ret_);							\
} while (0)

/* Until it says something: the byte, or minus errno. */
static int guest_step(struct guest *g)
{
	const uint8_t *byte;

	if (ioctl(g->vcpu, KVM_RUN, 0))
		return -errno;
	byte = said(g->run);
	return byte ? *byte : -1000 - (int)g->run->exit_reason;
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

/*
 * Has the guest written something else than @old, to what it had no more? It copies a
 * folio for that, and may not be the only one that waits for its processor.
 */
static bool guest_goes_on(struct guest *g, uint16_t old)
{
	for (int i = 0; i < 200; i++) {
		uint16_t now = old;

		if (zx_vmo_read(g->m.vmo, &now, OUT, sizeof(now)) || now != old)
			return true;
		zt_sleep_ms(2);
	}
	return false;
}

/* A snapshot is of one instant, also for a guest that is running. */
TEST_F(guest, snapshots_running)
{
	struct sigaction sa = { .sa_handler = nothing };
	struct guest *g = &self->g;
	unsigned int moved = 0;
	void *failed = NULL;
	pthread_t thread;

	GUEST(g, count);
	ASSERT_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	ASSERT_EQ(0, pthread_create(&thread, NULL, guest_run, g));
	for (int i = 0; i < 40; i++) {
		uint16_t a, b, again;
		zx_handle_t snapshot;

		ZT_ASSERT_OK(zx_vmo_create_child(g->m.vmo, ZX_VMO_CHILD_SNAPSHOT, 0, g->m.len,
						 &snapshot));
		ZT_ASSERT_OK(zx_vmo_read(snapshot, &a, OUT, sizeof(a)));
		ZT_ASSERT_OK(zx_vmo_read(snapshot, &b, OUT2, sizeof(b)));
		EXPECT_TRUE(a == b || a == (uint16_t)(b + 1)) {
			TH_LOG("round %d: %u and %u", i, a, b);
		}
		moved += guest_goes_on(g, a);
		ZT_ASSERT_OK(zx_vmo_read(snapshot, &again, OUT, sizeof(again)));
		EXPECT_EQ(a, again);
		ZT_ASSERT_OK(zx_handle_close(snapshot));
	}
	__atomic_store_n(&g->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	while (pthread_tryjoin_np(thread, &failed)) {
		pthread_kill(thread, SIGUSR1);
		zt_sleep_ms(1);
	}
	EXPECT_EQ(NULL, failed);
	/* It has been running all the time, or nearly. */
	EXPECT_GT(moved, 20);
}

TEST_HARNESS_MAIN
