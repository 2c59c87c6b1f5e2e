// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * The raw commands of /dev/zircon-vm, as a hostile program would use them:
 * malformed structs, wrong descriptors, bad pointers, structs that change
 * while the kernel looks. Nothing may happen, nothing may be lost.
 *
 * One table holds all commands; a new command needs one line there.
 */
#include "kselftest_harness.h"
#include "zvm_test.h"
#include "physical.h"

#include <malloc.h>

#include <zircon-vm.h>

enum target { DEVICE, ANY, VMO, VMAR, BTI, PMT, ROOT };

/* Where the detached address space begins; the VMO's first page is there. */
#define GUEST_BASE (1ull << 32)

/* What the commands act on, and memory for what they write. */
struct ctx {
	int dev, vmo, vmar;	/* vmar: a sub-region of its own for each test */
	int root;		/* of a detached address space */
	zx_handle_t vmo_h, vmar_h, root_h;
	zx_handle_t bti_h, pmt_h;	/* the pin is of another VMO */
	zx_vaddr_t base;	/* of the region; one page of the VMO is mapped there */
	struct {
		__u32 handle;
		__u32 pad;
		__u64 a, b;
		char buf[4096];
		zx_wait_item_t item[2];
	} *out;
};

union cmd {
	struct zvm_handshake handshake;
	struct zvm_stats stats;
	struct zvm_vmar_root root;
	struct zvm_vmo_create create;
	struct zvm_vmo_create_physical physical;
	struct zvm_handle_close close;
	struct zvm_handle_duplicate duplicate;
	struct zvm_handle_tag tag;
	struct zvm_object_signal signal;
	struct zvm_object_wait_one wait_one;
	struct zvm_object_wait_many wait_many;
	struct zvm_object_get_info info;
	struct zvm_object_property property;
	struct zvm_vmo_transfer transfer;
	struct zvm_vmo_get_size get_size;
	struct zvm_vmo_set_size set_size;
	struct zvm_op_range range;
	struct zvm_vmo_set_cache_policy cache;
	struct zvm_vmo_create_child child;
	struct zvm_vmo_transfer_data data;
	struct zvm_vmo_committed committed;
	struct zvm_bti_create bti_create;
	struct zvm_vmo_create_contiguous contiguous;
	struct zvm_bti_pin pin;
	struct zvm_pmt_unpin unpin;
	struct zvm_vmar_allocate allocate;
	struct zvm_vmar_map map;
	struct zvm_vmar_range vmar_range;
	struct zvm_aspace_create aspace_create;
	struct zvm_aspace_adopt aspace_adopt;
	__u32 word[32];
	char bytes[128];
};

static __u64 u(const volatile void *p)
{
	return (uintptr_t)p;
}

/* Each makes a struct that succeeds. */
static void good_handshake(struct ctx *c ZT_UNUSED, union cmd *m)
{
	m->handshake.version = ZVM_VERSION;
}

static void good_nothing(struct ctx *c ZT_UNUSED, union cmd *m ZT_UNUSED)
{
}

static void good_root(struct ctx *c, union cmd *m)
{
	m->root.out_handle = u(&c->out->handle);
}

static void good_create(struct ctx *c, union cmd *m)
{
	m->create.vmo_size = zt_page();
	m->create.out_handle = u(&c->out->handle);
}

static void good_physical(struct ctx *c, union cmd *m)
{
	m->physical.address = pt_any().addr;
	m->physical.length = zt_page();
	m->physical.out_handle = u(&c->out->handle);
}

static void good_close(struct ctx *c, union cmd *m)
{
	m->close.handle = c->vmo_h;
}

/* It has no children: the signal is there, and nobody waits. */
static void good_wait_one(struct ctx *c, union cmd *m)
{
	m->wait_one.handle = c->vmo_h;
	m->wait_one.signals = ZX_VMO_ZERO_CHILDREN;
	m->wait_one.out_observed = u(&c->out->a);
}

static void good_wait_many(struct ctx *c, union cmd *m)
{
	c->out->item[0] = (zx_wait_item_t){ c->vmo_h, ZX_USER_SIGNAL_0, 0 };
	c->out->item[1] = (zx_wait_item_t){ c->vmo_h, ZX_VMO_ZERO_CHILDREN, 0 };
	m->wait_many.count = 2;
	m->wait_many.items = u(c->out->item);
}

static void good_signal(struct ctx *c ZT_UNUSED, union cmd *m)
{
	m->signal.set = ZX_USER_SIGNAL_7;
}

static void good_duplicate(struct ctx *c, union cmd *m)
{
	m->duplicate.rights = ZVM_RIGHT_SAME_RIGHTS;
	m->duplicate.out_handle = u(&c->out->handle);
}

static void good_info(struct ctx *c, union cmd *m)
{
	m->info.topic = ZX_INFO_HANDLE_BASIC;
	m->info.buffer = u(c->out->buf);
	m->info.buffer_size = sizeof(c->out->buf);
	m->info.out_actual = u(&c->out->a);
	m->info.out_avail = u(&c->out->b);
}

static void good_property(struct ctx *c, union cmd *m)
{
	m->property.property = ZX_PROP_NAME;
	m->property.value = u(c->out->buf);
	m->property.value_size = ZX_MAX_NAME_LEN;
}

static void good_transfer(struct ctx *c, union cmd *m)
{
	m->transfer.buffer = u(c->out->buf);
	m->transfer.length = 100;
}

static void good_get_size(struct ctx *c, union cmd *m)
{
	m->get_size.out_size = u(&c->out->a);
}

static void good_committed(struct ctx *c, union cmd *m)
{
	m->committed.length = 3;
	m->committed.out_bytes = u(&c->out->a);
}

static void good_set_size(struct ctx *c ZT_UNUSED, union cmd *m)
{
	m->set_size.new_size = 8 * zt_page();
}

static void good_op_range(struct ctx *c ZT_UNUSED, union cmd *m)
{
	m->range.op = ZX_VMO_OP_COMMIT;
	m->range.length = zt_page();
}

static void good_cache(struct ctx *c ZT_UNUSED, union cmd *m ZT_UNUSED)
{
}

static void good_child(struct ctx *c, union cmd *m)
{
	m->child.options = ZX_VMO_CHILD_SNAPSHOT;
	m->child.child_size = 2 * zt_page();
	m->child.out_handle = u(&c->out->handle);
}

/* Where nothing is committed: it can be repeated. */
static void good_transfer_data(struct ctx *c, union cmd *m)
{
	m->data.src = c->vmo_h;
	m->data.offset = 4 * zt_page();
	m->data.length = 2 * zt_page();
	m->data.src_offset = 6 * zt_page();
}

static void good_bti_create(struct ctx *c, union cmd *m)
{
	m->bti_create.out_handle = u(&c->out->handle);
}

static void good_contiguous(struct ctx *c, union cmd *m)
{
	m->contiguous.vmo_size = 2 * zt_page();
	m->contiguous.out_handle = u(&c->out->handle);
}

static void good_pin(struct ctx *c, union cmd *m)
{
	m->pin.options = ZX_BTI_PERM_READ;
	m->pin.vmo = c->vmo_h;
	m->pin.length = zt_page();
	m->pin.out_handle = u(&c->out->handle);
}

static void good_allocate(struct ctx *c, union cmd *m)
{
	m->allocate.options = ZX_VM_CAN_MAP_READ;
	m->allocate.length = zt_page();
	m->allocate.out_handle = u(&c->out->handle);
	m->allocate.out_addr = u(&c->out->a);
}

static void good_map(struct ctx *c, union cmd *m)
{
	m->map.options = ZX_VM_PERM_READ;
	m->map.vmo = c->vmo_h;
	m->map.length = zt_page();
	m->map.out_addr = u(&c->out->a);
}

static void good_protect(struct ctx *c, union cmd *m)
{
	m->vmar_range.options = ZX_VM_PERM_READ;
	m->vmar_range.addr = c->base;
	m->vmar_range.length = zt_page();
}

static void good_unmap(struct ctx *c, union cmd *m)
{
	/* where nothing is mapped: OK, and it can be repeated */
	m->vmar_range.addr = c->base + 4 * zt_page();
	m->vmar_range.length = zt_page();
}

static void good_vmar_op(struct ctx *c, union cmd *m)
{
	m->range.op = ZX_VMAR_OP_MAP_RANGE;
	m->range.offset = c->base;
	m->range.length = zt_page();
}

static void good_aspace(struct ctx *c, union cmd *m)
{
	m->aspace_create.base = 1ull << 40;
	m->aspace_create.length = 1ull << 30;
	m->aspace_create.out_handle = u(&c->out->handle);
}

static void good_adopt(struct ctx *c, union cmd *m)
{
	m->aspace_adopt.out_addr = u(&c->out->a);
}

static void good_process(struct ctx *c, union cmd *m)
{
	m->transfer.buffer = u(c->out->buf);
	m->transfer.length = 100;
	m->transfer.offset = GUEST_BASE;
}

#define OFF(str, member) offsetof(struct str, member)

static const struct command {
	const char *name;
	unsigned int nr;
	enum target target;
	void (*good)(struct ctx *c, union cmd *m);
	__u32 size;
	bool once;		/* cannot be repeated: left out of what succeeds */
	bool unmapped;		/* wants the VMO unmapped */
	__u32 reserved[3];	/* offsets of words that have to be 0; 0 ends */
	__u32 flags, bad_flags;	/* offset of a word, bits that are unknown there */
	__u32 outs[3];		/* offsets of addresses that are written; 0 ends */
	bool writes_itself;	/* has outputs within the struct */
} commands[] = {
	{ "HANDSHAKE", ZVM_HANDSHAKE, DEVICE, good_handshake, sizeof(struct zvm_handshake),
	  .reserved = { OFF(zvm_handshake, reserved), OFF(zvm_handshake, reserved2) },
	  .writes_itself = true },
	{ "STATS", ZVM_STATS, DEVICE, good_nothing, sizeof(struct zvm_stats),
	  .reserved = { OFF(zvm_stats, reserved) }, .writes_itself = true },
	{ "VMAR_ROOT", ZVM_VMAR_ROOT, DEVICE, good_root, sizeof(struct zvm_vmar_root),
	  .reserved = { OFF(zvm_vmar_root, reserved) },
	  .outs = { OFF(zvm_vmar_root, out_handle) } },
	{ "VMO_CREATE", ZVM_VMO_CREATE, DEVICE, good_create, sizeof(struct zvm_vmo_create),
	  .flags = OFF(zvm_vmo_create, options), .bad_flags = ~(0x16u | ZVM_VMO_HUGE_PAGES),
	  .outs = { OFF(zvm_vmo_create, out_handle) } },
	{ "VMO_CREATE_PHYSICAL", ZVM_VMO_CREATE_PHYSICAL, DEVICE, good_physical,
	  sizeof(struct zvm_vmo_create_physical),
	  .reserved = { OFF(zvm_vmo_create_physical, reserved) },
	  .outs = { OFF(zvm_vmo_create_physical, out_handle) } },
	{ "HANDLE_CLOSE", ZVM_HANDLE_CLOSE, DEVICE, good_close, sizeof(struct zvm_handle_close),
	  .once = true },
	{ "WAIT_ONE", ZVM_OBJECT_WAIT_ONE, DEVICE, good_wait_one,
	  sizeof(struct zvm_object_wait_one), .reserved = { OFF(zvm_object_wait_one, reserved) },
	  .outs = { OFF(zvm_object_wait_one, out_observed) } },
	{ "WAIT_MANY", ZVM_OBJECT_WAIT_MANY, DEVICE, good_wait_many,
	  sizeof(struct zvm_object_wait_many), .once = false },
	{ "HANDLE_TAG_OF", ZVM_HANDLE_TAG_OF, ANY, good_nothing, sizeof(struct zvm_handle_tag),
	  .writes_itself = true },
	{ "HANDLE_DUPLICATE", ZVM_HANDLE_DUPLICATE, ANY, good_duplicate,
	  sizeof(struct zvm_handle_duplicate),
	  .flags = OFF(zvm_handle_duplicate, flags), .bad_flags = ~7u,
	  .outs = { OFF(zvm_handle_duplicate, out_handle) } },
	{ "SIGNAL", ZVM_OBJECT_SIGNAL, VMO, good_signal, sizeof(struct zvm_object_signal),
	  .flags = OFF(zvm_object_signal, set), .bad_flags = ~ZX_USER_SIGNAL_ALL },
	{ "GET_INFO", ZVM_OBJECT_GET_INFO, ANY, good_info, sizeof(struct zvm_object_get_info),
	  .reserved = { OFF(zvm_object_get_info, reserved) },
	  .outs = { OFF(zvm_object_get_info, buffer), OFF(zvm_object_get_info, out_actual),
		    OFF(zvm_object_get_info, out_avail) } },
	{ "GET_PROPERTY", ZVM_OBJECT_GET_PROPERTY, VMO, good_property,
	  sizeof(struct zvm_object_property), .reserved = { OFF(zvm_object_property, reserved) },
	  .outs = { OFF(zvm_object_property, value) } },
	{ "SET_PROPERTY", ZVM_OBJECT_SET_PROPERTY, VMO, good_property,
	  sizeof(struct zvm_object_property), .reserved = { OFF(zvm_object_property, reserved) } },
	{ "VMO_READ", ZVM_VMO_READ, VMO, good_transfer, sizeof(struct zvm_vmo_transfer),
	  .writes_itself = true },
	{ "VMO_WRITE", ZVM_VMO_WRITE, VMO, good_transfer, sizeof(struct zvm_vmo_transfer),
	  .writes_itself = true },
	{ "VMO_GET_SIZE", ZVM_VMO_GET_SIZE, VMO, good_get_size, sizeof(struct zvm_vmo_get_size),
	  .outs = { OFF(zvm_vmo_get_size, out_size) } },
	{ "VMO_GET_STREAM_SIZE", ZVM_VMO_GET_STREAM_SIZE, VMO, good_get_size,
	  sizeof(struct zvm_vmo_get_size), .outs = { OFF(zvm_vmo_get_size, out_size) } },
	{ "VMO_SET_SIZE", ZVM_VMO_SET_SIZE, VMO, good_set_size, sizeof(struct zvm_vmo_set_size),
	  .once = false },
	{ "VMO_SET_STREAM_SIZE", ZVM_VMO_SET_STREAM_SIZE, VMO, good_set_size,
	  sizeof(struct zvm_vmo_set_size), .once = false },
	{ "VMO_OP_RANGE", ZVM_VMO_OP_RANGE, VMO, good_op_range, sizeof(struct zvm_op_range),
	  .reserved = { OFF(zvm_op_range, reserved) } },
	{ "VMO_SET_CACHE_POLICY", ZVM_VMO_SET_CACHE_POLICY, VMO, good_cache,
	  sizeof(struct zvm_vmo_set_cache_policy), .unmapped = true,
	  .reserved = { OFF(zvm_vmo_set_cache_policy, reserved) },
	  .flags = OFF(zvm_vmo_set_cache_policy, policy), .bad_flags = ~3u },
	{ "VMO_CREATE_CHILD", ZVM_VMO_CREATE_CHILD, VMO, good_child,
	  sizeof(struct zvm_vmo_create_child), .reserved = { OFF(zvm_vmo_create_child, reserved) },
	  .flags = OFF(zvm_vmo_create_child, options), .bad_flags = ~0x25u,
	  .outs = { OFF(zvm_vmo_create_child, out_handle) } },
	{ "VMO_COMMITTED", ZVM_VMO_COMMITTED, VMO, good_committed,
	  sizeof(struct zvm_vmo_committed), .outs = { OFF(zvm_vmo_committed, out_bytes) } },
	{ "VMO_TRANSFER_DATA", ZVM_VMO_TRANSFER_DATA, VMO, good_transfer_data,
	  sizeof(struct zvm_vmo_transfer_data), .flags = OFF(zvm_vmo_transfer_data, options),
	  .bad_flags = ~0u },
	{ "BTI_CREATE", ZVM_BTI_CREATE, DEVICE, good_bti_create, sizeof(struct zvm_bti_create),
	  .flags = OFF(zvm_bti_create, options), .bad_flags = ~0u,
	  .outs = { OFF(zvm_bti_create, out_handle) } },
	{ "VMO_CREATE_CONTIGUOUS", ZVM_VMO_CREATE_CONTIGUOUS, BTI, good_contiguous,
	  sizeof(struct zvm_vmo_create_contiguous),
	  .reserved = { OFF(zvm_vmo_create_contiguous, reserved) },
	  .outs = { OFF(zvm_vmo_create_contiguous, out_handle) } },
	{ "BTI_PIN", ZVM_BTI_PIN, BTI, good_pin, sizeof(struct zvm_bti_pin),
	  .flags = OFF(zvm_bti_pin, options), .bad_flags = ~0xfu,
	  .outs = { OFF(zvm_bti_pin, out_handle) } },
	{ "PMT_UNPIN", ZVM_PMT_UNPIN, PMT, good_nothing, sizeof(struct zvm_pmt_unpin),
	  .once = true },
	{ "ASPACE_CREATE", ZVM_ASPACE_CREATE, DEVICE, good_aspace,
	  sizeof(struct zvm_aspace_create), .flags = OFF(zvm_aspace_create, kind),
	  .bad_flags = ~1u, .outs = { OFF(zvm_aspace_create, out_handle) } },
	{ "ASPACE_ADOPT", ZVM_ASPACE_ADOPT, ROOT, good_adopt, sizeof(struct zvm_aspace_adopt),
	  .once = true, .outs = { OFF(zvm_aspace_adopt, out_addr) } },
	{ "PROCESS_READ", ZVM_PROCESS_READ, ROOT, good_process, sizeof(struct zvm_vmo_transfer),
	  .writes_itself = true },
	{ "PROCESS_WRITE", ZVM_PROCESS_WRITE, ROOT, good_process,
	  sizeof(struct zvm_vmo_transfer), .writes_itself = true },
	{ "VMAR_ALLOCATE", ZVM_VMAR_ALLOCATE, VMAR, good_allocate,
	  sizeof(struct zvm_vmar_allocate), .reserved = { OFF(zvm_vmar_allocate, reserved) },
	  .flags = OFF(zvm_vmar_allocate, options), .bad_flags = 0x00ff0000 | 0x7 | 0x20,
	  .outs = { OFF(zvm_vmar_allocate, out_handle), OFF(zvm_vmar_allocate, out_addr) } },
	{ "VMAR_MAP", ZVM_VMAR_MAP, VMAR, good_map, sizeof(struct zvm_vmar_map),
	  .flags = OFF(zvm_vmar_map, options), .bad_flags = 0x00ff0000 | 0x8 | 0x40 | 0x380,
	  .outs = { OFF(zvm_vmar_map, out_addr) } },
	{ "VMAR_UNMAP", ZVM_VMAR_UNMAP, VMAR, good_unmap, sizeof(struct zvm_vmar_range),
	  .reserved = { OFF(zvm_vmar_range, reserved), OFF(zvm_vmar_range, options) } },
	{ "VMAR_PROTECT", ZVM_VMAR_PROTECT, VMAR, good_protect, sizeof(struct zvm_vmar_range),
	  .reserved = { OFF(zvm_vmar_range, reserved) },
	  .flags = OFF(zvm_vmar_range, options), .bad_flags = 0xffffbff8 },
	{ "VMAR_DESTROY", ZVM_VMAR_DESTROY, VMAR, good_nothing, sizeof(struct zvm_vmar_range),
	  .once = true,
	  .reserved = { OFF(zvm_vmar_range, reserved), OFF(zvm_vmar_range, options) } },
	{ "VMAR_OP_RANGE", ZVM_VMAR_OP_RANGE, VMAR, good_vmar_op, sizeof(struct zvm_op_range),
	  .reserved = { OFF(zvm_op_range, reserved) } },
};

#define for_each_command(c)						\
	for (const struct command *c = commands; c < commands + ARRAY_SIZE(commands); c++)

static const struct command *find(unsigned int nr)
{
	for_each_command(c)
		if (c->nr == nr)
			return c;
	abort();
}

/* A good struct of exactly the right size, zeros behind it. */
static void fill(struct ctx *x, const struct command *c, union cmd *m)
{
	memset(m, 0, sizeof(*m));
	c->good(x, m);
	m->word[0] = c->size;
}

static int target_fd(struct ctx *x, const struct command *c)
{
	switch (c->target) {
	case DEVICE:
		return x->dev;
	case VMAR:
		return x->vmar;
	case BTI:
		return zvm_handle_to_fd(x->bti_h);
	case PMT:
		return zvm_handle_to_fd(x->pmt_h);
	case ROOT:
		return x->root;
	default:
		return x->vmo;
	}
}

/* 0 or an errno. */
static int call(int fd, unsigned int nr, void *arg)
{
	return ioctl(fd, nr, arg) < 0 ? errno : 0;
}

/* Undo what a successful command made. */
static void undo(struct ctx *x, const struct command *c)
{
	struct zvm_vmar_range range = { .size = sizeof(range) };

	switch (c->nr) {
	case ZVM_VMAR_ALLOCATE:
		ioctl((int)ZVM_HANDLE_FD(x->out->handle), ZVM_VMAR_DESTROY, &range);
		close((int)ZVM_HANDLE_FD(x->out->handle));
		break;
	case ZVM_VMAR_ROOT:
	case ZVM_VMO_CREATE:
	case ZVM_VMO_CREATE_PHYSICAL:
	case ZVM_VMO_CREATE_CHILD:
	case ZVM_HANDLE_DUPLICATE:
	case ZVM_BTI_CREATE:
	case ZVM_VMO_CREATE_CONTIGUOUS:
	case ZVM_BTI_PIN:
	case ZVM_ASPACE_CREATE:
		close((int)ZVM_HANDLE_FD(x->out->handle));
		break;
	case ZVM_VMAR_MAP:
		range.addr = x->out->a;
		range.length = zt_page();
		ioctl(x->vmar, ZVM_VMAR_UNMAP, &range);
		break;
	}
}

/* A detached address space, which shows a page of a VMO of its own. */
static zx_status_t make_root(struct ctx *x)
{
	zx_handle_t vmo = zt_vmo(zt_page(), 0);
	zx_vaddr_t addr;
	zx_status_t st;

	st = zvm_aspace_create(ZVM_ASPACE_GUEST_PHYS, GUEST_BASE, 1ul << 30, &x->root_h);
	x->root = zvm_handle_to_fd(x->root_h);
	if (st == ZX_OK)
		st = zx_vmar_map(x->root_h, ZT_RW | ZX_VM_SPECIFIC, 0, vmo, 0, zt_page(), &addr);
	if (st == ZX_OK)
		st = zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 0, zt_page(), NULL, 0);
	zx_handle_close(vmo);
	return st;
}

FIXTURE(uapi)
{
	struct zvm_stats before, quiet;	/* before all; with what the fixture made */
	struct ctx x;
	int fds;
};

FIXTURE_SETUP(uapi)
{
	struct ctx *x = &self->x;
	zx_handle_t pinned;
	zx_vaddr_t addr;

	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	x->dev = open("/dev/zircon-vm", O_RDWR | O_CLOEXEC);
	ASSERT_GE(x->dev, 0);
	x->out = mmap(NULL, sizeof(*x->out), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	ASSERT_NE(MAP_FAILED, x->out);
	x->vmo_h = zt_vmo(8 * ZT_P, ZX_VMO_RESIZABLE);
	ASSERT_NE(0u, x->vmo_h);
	x->vmo = zvm_handle_to_fd(x->vmo_h);
	ZT_ASSERT_OK(zx_vmar_allocate(zx_vmar_root_self(),
				      ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE |
				      ZX_VM_CAN_MAP_SPECIFIC, 0, 16 * ZT_P, &x->vmar_h, &x->base));
	x->vmar = zvm_handle_to_fd(x->vmar_h);
	ZT_ASSERT_OK(zx_vmar_map(x->vmar_h, ZT_RW | ZX_VM_SPECIFIC, 0, x->vmo_h, 0, ZT_P, &addr));
	ASSERT_EQ(x->base, addr);
	ZT_ASSERT_OK(zx_vmo_op_range(x->vmo_h, ZX_VMO_OP_COMMIT, 0, ZT_P, NULL, 0));
	ZT_ASSERT_OK(zx_bti_create(ZX_HANDLE_INVALID, 0, 0, &x->bti_h));
	pinned = zt_vmo(ZT_P, 0);
	ZT_ASSERT_OK(zx_bti_pin(x->bti_h, ZX_BTI_PERM_READ, pinned, 0, ZT_P, NULL, 0, &x->pmt_h));
	ZT_ASSERT_OK(zx_handle_close(pinned));
	ZT_ASSERT_OK(make_root(x));
	self->quiet = zt_stats();
	self->fds = zt_fd_count();
}

FIXTURE_TEARDOWN(uapi)
{
	struct ctx *x = &self->x;

	if (_metadata->passed) {
		ZT_EXPECT_NO_LEAK(&self->quiet);
		EXPECT_EQ(self->fds, zt_fd_count());
	}
	zx_handle_close(x->root_h);
	zx_vmar_destroy(x->vmar_h);
	zx_handle_close(x->pmt_h);
	zx_handle_close(x->bti_h);
	zx_handle_close(x->vmar_h);
	zx_handle_close(x->vmo_h);
	close(x->dev);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

/* The table is right: what the other tests spoil would have worked. */
TEST_F(uapi, good_structs_succeed)
{
	union cmd m;

	for_each_command(c) {
		if (c->once)
			continue;
		if (c->unmapped)
			ZT_ASSERT_OK(zx_vmar_unmap(self->x.vmar_h, self->x.base, ZT_P));
		fill(&self->x, c, &m);
		EXPECT_EQ(0, call(target_fd(&self->x, c), c->nr, &m)) TH_LOG("%s", c->name);
		undo(&self->x, c);
		if (c->unmapped) {
			zx_vaddr_t addr;

			ZT_ASSERT_OK(zx_vmar_map(self->x.vmar_h, ZT_RW | ZX_VM_SPECIFIC, 0,
						 self->x.vmo_h, 0, ZT_P, &addr));
		}
	}
}

TEST_F(uapi, struct_too_short)
{
	union cmd m;

	for_each_command(c) {
		for (__u32 size = 0; size < c->size; size++) {
			fill(&self->x, c, &m);
			m.word[0] = size;
			ASSERT_EQ(EINVAL, call(target_fd(&self->x, c), c->nr, &m))
				TH_LOG("%s, size %u", c->name, size);
		}
	}
}

TEST_F(uapi, struct_longer_than_known)
{
	char *big = mmap(NULL, 4 * ZT_P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	const __u32 extra[] = { 1, 3, 8, 64, 1000, 4096 - 256, 4096, 3 * 4096 };

	ASSERT_NE(MAP_FAILED, big);
	for_each_command(c) {
		int fd = target_fd(&self->x, c);

		for (size_t i = 0; i < ARRAY_SIZE(extra); i++) {
			__u32 size = c->size + extra[i];
			union cmd m;

			/* a tail of zeros does not matter */
			memset(big, 0, 4 * ZT_P);
			fill(&self->x, c, &m);
			m.word[0] = size;
			memcpy(big, &m, c->size);
			if (size > ZT_P) {
				/* more than a page is nobody's struct */
				ASSERT_EQ(E2BIG, call(fd, c->nr, big))
					TH_LOG("%s, size %u", c->name, size);
			} else if (!c->once && !c->unmapped) {
				ASSERT_EQ(0, call(fd, c->nr, big))
					TH_LOG("%s, size %u", c->name, size);
				undo(&self->x, c);
			}
			/* anything else does, wherever it is */
			memset(big, 0, 4 * ZT_P);
			memcpy(big, &m, c->size);
			big[size - 1] = 1;
			ASSERT_EQ(E2BIG, call(fd, c->nr, big))
				TH_LOG("%s, size %u", c->name, size);
			big[size - 1] = 0;
			big[c->size] = (char)0x80;
			ASSERT_EQ(E2BIG, call(fd, c->nr, big))
				TH_LOG("%s, size %u", c->name, size);
		}
	}
	munmap(big, 4 * ZT_P);
}

TEST_F(uapi, absurd_sizes)
{
	const __u32 sizes[] = { 0x7fffffff, 0x80000000, UINT32_MAX, UINT32_MAX - 7, 1u << 30 };
	char *page = mmap(NULL, 2 * ZT_P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	ASSERT_NE(MAP_FAILED, page);
	ASSERT_EQ(0, mprotect(page + ZT_P, ZT_P, PROT_NONE));
	for_each_command(c) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			union cmd m;
			int err;

			memset(page, 0, ZT_P);
			fill(&self->x, c, &m);
			m.word[0] = sizes[i];
			memcpy(page, &m, c->size);
			err = call(target_fd(&self->x, c), c->nr, page);
			EXPECT_TRUE(err == EFAULT || err == E2BIG)
				TH_LOG("%s: errno %d", c->name, err);
		}
	}
	munmap(page, 2 * ZT_P);
}

/* The struct itself in memory that cannot be read, or only in part */
TEST_F(uapi, bad_struct_pointers)
{
	char *two = mmap(NULL, 2 * ZT_P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	struct zt_bad bad[ZT_BAD_READ_N];

	ASSERT_NE(MAP_FAILED, two);
	ASSERT_EQ(0, mprotect(two + ZT_P, ZT_P, PROT_NONE));
	zt_bad_read(bad);
	for_each_command(c) {
		int fd = target_fd(&self->x, c);
		union cmd m;

		EXPECT_EQ(EFAULT, call(fd, c->nr, NULL)) TH_LOG("%s", c->name);
		for (struct zt_bad *b = bad; b->name; b++) {
			EXPECT_EQ(EFAULT, call(fd, c->nr, b->ptr))
				TH_LOG("%s, %s", c->name, b->name);
		}
		fill(&self->x, c, &m);
		for (size_t in = 1; in < c->size; in += 7) {
			memcpy(two + ZT_P - in, &m, in);
			EXPECT_EQ(EFAULT, call(fd, c->nr, two + ZT_P - in))
				TH_LOG("%s, %zu bytes readable", c->name, in);
		}
		/* all of it, to the last byte, at any alignment */
		memcpy(two + ZT_P - c->size, &m, c->size);
		if (!c->once && !c->unmapped) {
			EXPECT_EQ(0, call(fd, c->nr, two + ZT_P - c->size)) TH_LOG("%s", c->name);
			undo(&self->x, c);
			memcpy(two + 1, &m, c->size);
			EXPECT_EQ(0, call(fd, c->nr, two + 1)) TH_LOG("%s", c->name);
			undo(&self->x, c);
		}
	}
	munmap(two, 2 * ZT_P);
}

TEST_F(uapi, struct_in_read_only_memory)
{
	char *page = mmap(NULL, ZT_P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, page);
	for_each_command(c) {
		union cmd m;
		int err;

		if (c->once || c->unmapped)
			continue;
		fill(&self->x, c, &m);
		ASSERT_EQ(0, mprotect(page, ZT_P, PROT_READ | PROT_WRITE));
		memcpy(page, &m, c->size);
		ASSERT_EQ(0, mprotect(page, ZT_P, PROT_READ));
		err = call(target_fd(&self->x, c), c->nr, page);
		/* only those that answer in the struct have to write to it */
		EXPECT_EQ(c->writes_itself ? EFAULT : 0, err) TH_LOG("%s", c->name);
		if (!err)
			undo(&self->x, c);
	}
	munmap(page, ZT_P);
}

TEST_F(uapi, reserved_members)
{
	const __u32 values[] = { 1, 0x80000000, UINT32_MAX };
	union cmd m;

	for_each_command(c) {
		for (size_t r = 0; r < ARRAY_SIZE(c->reserved) && c->reserved[r]; r++) {
			for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
				fill(&self->x, c, &m);
				m.word[c->reserved[r] / 4] = values[v];
				EXPECT_EQ(EOPNOTSUPP, call(target_fd(&self->x, c), c->nr, &m))
					TH_LOG("%s, word at %u", c->name, c->reserved[r]);
			}
		}
	}
}

TEST_F(uapi, unknown_flag_bits)
{
	union cmd m;

	for_each_command(c) {
		for (unsigned int bit = 0; bit < 32; bit++) {
			if (!(c->bad_flags & 1u << bit))
				continue;
			fill(&self->x, c, &m);
			m.word[c->flags / 4] |= 1u << bit;
			EXPECT_EQ(EINVAL, call(target_fd(&self->x, c), c->nr, &m))
				TH_LOG("%s, bit %u", c->name, bit);
		}
	}
}

/* More than one of the modes of HANDLE_DUPLICATE */
TEST_F(uapi, duplicate_modes_exclude_each_other)
{
	const __u32 flags[] = { 3, 5, 6, 7 };
	union cmd m;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		m = (union cmd){ .duplicate = { .size = sizeof(m.duplicate),
						.rights = ZVM_RIGHT_SAME_RIGHTS, .flags = flags[i],
						.out_handle = u(&self->x.out->handle) } };
		EXPECT_EQ(EINVAL, call(self->x.vmo, ZVM_HANDLE_DUPLICATE, &m));
		EXPECT_EQ(EINVAL, call(self->x.vmar, ZVM_HANDLE_DUPLICATE, &m));
	}
	/* a VMO cannot be lent */
	m.duplicate.flags = ZVM_DUPLICATE_LEND;
	EXPECT_EQ(EMEDIUMTYPE, call(self->x.vmo, ZVM_HANDLE_DUPLICATE, &m));
	EXPECT_TRUE(zt_live(self->x.vmo_h));
	EXPECT_TRUE(zt_live(self->x.vmar_h));
}

/* Addresses for results: the command fails as a whole */
TEST_F(uapi, bad_out_pointers)
{
	struct zt_bad bad[ZT_BAD_WRITE_N];
	union cmd m;

	zt_bad_write(bad);
	for_each_command(c) {
		for (size_t o = 0; o < ARRAY_SIZE(c->outs) && c->outs[o]; o++) {
			for (struct zt_bad *b = bad; b->name; b++) {
				__u64 addr = u(b->ptr);
				int err;

				/* optional, resp. checked by value */
				if (!b->ptr && (c->nr == ZVM_OBJECT_GET_INFO ||
						c->nr == ZVM_OBJECT_GET_PROPERTY ||
						c->nr == ZVM_OBJECT_WAIT_ONE))
					continue;
				fill(&self->x, c, &m);
				memcpy(m.bytes + c->outs[o], &addr, sizeof(addr));
				err = call(target_fd(&self->x, c), c->nr, &m);
				EXPECT_EQ(EFAULT, err)
					TH_LOG("%s, address at %u, %s", c->name, c->outs[o],
					       b->name);
				EXPECT_EQ(self->fds, zt_fd_count());
			}
		}
	}
	/* memory of another kind: a mapping without permission, the arena itself */
	ZT_ASSERT_OK(zx_vmar_protect(self->x.vmar_h, ZX_VM_PERM_READ, self->x.base, ZT_P));
	for_each_command(c) {
		for (size_t o = 0; o < ARRAY_SIZE(c->outs) && c->outs[o]; o++) {
			fill(&self->x, c, &m);
			memcpy(m.bytes + c->outs[o], &self->x.base, sizeof(__u64));
			EXPECT_EQ(EFAULT, call(target_fd(&self->x, c), c->nr, &m))
				TH_LOG("%s, address at %u", c->name, c->outs[o]);
		}
	}
	ZT_ASSERT_OK(zx_vmar_protect(self->x.vmar_h, ZT_RW, self->x.base, ZT_P));
	/* and a good one: in a mapping of the VMO that the command is about */
	for_each_command(c) {
		for (size_t o = 0; o < ARRAY_SIZE(c->outs) && c->outs[o]; o++) {
			if (c->once || c->nr == ZVM_VMAR_MAP || c->nr == ZVM_VMAR_ALLOCATE)
				continue;
			fill(&self->x, c, &m);
			memcpy(m.bytes + c->outs[o], &self->x.base, sizeof(__u64));
			EXPECT_EQ(0, call(target_fd(&self->x, c), c->nr, &m))
				TH_LOG("%s, address at %u", c->name, c->outs[o]);
			memcpy(&self->x.out->handle, (void *)self->x.base, sizeof(__u32));
			undo(&self->x, c);
		}
	}
}

TEST_F(uapi, bad_buffers)
{
	struct zt_bad bad[ZT_BAD_READ_N];
	union cmd m;

	zt_bad_read(bad);
	for (struct zt_bad *b = bad; b->name; b++) {
		m = (union cmd){ .transfer = { .size = sizeof(m.transfer), .buffer = u(b->ptr),
					       .length = 8 } };
		EXPECT_NE(0, call(self->x.vmo, ZVM_VMO_READ, &m)) TH_LOG("%s", b->name);
		EXPECT_NE(0, call(self->x.vmo, ZVM_VMO_WRITE, &m)) TH_LOG("%s", b->name);
		/* no overflow of any kind */
		m.transfer.length = UINT64_MAX;
		EXPECT_EQ(ERANGE, call(self->x.vmo, ZVM_VMO_READ, &m)) TH_LOG("%s", b->name);
		m.transfer.offset = UINT64_MAX;
		EXPECT_EQ(ERANGE, call(self->x.vmo, ZVM_VMO_WRITE, &m)) TH_LOG("%s", b->name);
		m = (union cmd){ .property = { .size = sizeof(m.property),
					       .property = ZX_PROP_NAME, .value = u(b->ptr),
					       .value_size = UINT64_MAX } };
		EXPECT_EQ(EFAULT, call(self->x.vmo, ZVM_OBJECT_SET_PROPERTY, &m))
			TH_LOG("%s", b->name);
	}
}

/* ------------------------------------------------------------------------
 * Wrong descriptors
 */
TEST_F(uapi, wrong_descriptors)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int mem = memfd_create("uapi", MFD_CLOEXEC);
	int path = open("/dev/zircon-vm", O_PATH | O_CLOEXEC);
	int closed = dup(null);
	union cmd m;

	ASSERT_TRUE(null >= 0 && mem >= 0 && path >= 0 && closed >= 0);
	close(closed);
	for_each_command(c) {
		fill(&self->x, c, &m);
		EXPECT_EQ(EBADF, call(closed, c->nr, &m)) TH_LOG("%s", c->name);
		EXPECT_EQ(EBADF, call(-1, c->nr, &m)) TH_LOG("%s", c->name);
		EXPECT_EQ(EBADF, call(path, c->nr, &m)) TH_LOG("%s", c->name);
		EXPECT_EQ(ENOTTY, call(null, c->nr, &m)) TH_LOG("%s", c->name);
		EXPECT_EQ(ENOTTY, call(mem, c->nr, &m)) TH_LOG("%s", c->name);
		switch (c->target) {
		case DEVICE:
			EXPECT_EQ(EMEDIUMTYPE, call(self->x.vmo, c->nr, &m)) TH_LOG("%s", c->name);
			EXPECT_EQ(EMEDIUMTYPE, call(self->x.vmar, c->nr, &m)) TH_LOG("%s", c->name);
			break;
		case ROOT:
			/* a part of an address space is not all of it */
			EXPECT_EQ(c->nr == ZVM_ASPACE_ADOPT ? EACCES : EMEDIUMTYPE,
				  call(self->x.vmar, c->nr, &m)) TH_LOG("%s", c->name);
			/* fall through */
		case VMAR:
			EXPECT_EQ(EMEDIUMTYPE, call(self->x.vmo, c->nr, &m)) TH_LOG("%s", c->name);
			EXPECT_EQ(EBADF, call(self->x.dev, c->nr, &m)) TH_LOG("%s", c->name);
			break;
		case BTI:
		case PMT:
			EXPECT_EQ(EMEDIUMTYPE, call(self->x.vmo, c->nr, &m)) TH_LOG("%s", c->name);
			EXPECT_EQ(EMEDIUMTYPE, call(self->x.vmar, c->nr, &m)) TH_LOG("%s", c->name);
			EXPECT_EQ(EMEDIUMTYPE, call(zvm_handle_to_fd(c->target == BTI ?
								     self->x.pmt_h : self->x.bti_h),
						    c->nr, &m)) TH_LOG("%s", c->name);
			EXPECT_EQ(EBADF, call(self->x.dev, c->nr, &m)) TH_LOG("%s", c->name);
			break;
		case VMO:
			/* any object's: a region's handle lacks the right, which is first */
			EXPECT_EQ(c->good == good_property || c->good == good_signal ?
				  EACCES : EMEDIUMTYPE,
				  call(self->x.vmar, c->nr, &m)) TH_LOG("%s", c->name);
			EXPECT_EQ(EBADF, call(self->x.dev, c->nr, &m)) TH_LOG("%s", c->name);
			break;
		case ANY:
			EXPECT_EQ(EBADF, call(self->x.dev, c->nr, &m)) TH_LOG("%s", c->name);
			break;
		}
	}
	close(null);
	close(mem);
	close(path);
}

TEST_F(uapi, wrong_tag)
{
	__u32 right;
	union cmd m;

	for_each_command(c) {
		if (c->target == DEVICE)
			continue;
		right = ZVM_HANDLE_TAG(c->target == VMAR ? self->x.vmar_h :
				       c->target == BTI ? self->x.bti_h :
				       c->target == PMT ? self->x.pmt_h :
				       c->target == ROOT ? self->x.root_h : self->x.vmo_h);
		for (__u32 tag = 1; tag < 1100; tag++) {
			fill(&self->x, c, &m);
			m.word[1] = tag;
			if (tag == right)
				continue;
			ASSERT_EQ(EBADF, call(target_fd(&self->x, c), c->nr, &m))
				TH_LOG("%s, tag %u of %u", c->name, tag, right);
		}
		fill(&self->x, c, &m);
		m.word[1] = right | 1u << 10;
		EXPECT_EQ(EBADF, call(target_fd(&self->x, c), c->nr, &m)) TH_LOG("%s", c->name);
		m.word[1] = right | 1u << 31;
		EXPECT_EQ(EBADF, call(target_fd(&self->x, c), c->nr, &m)) TH_LOG("%s", c->name);
		if (c->once || c->unmapped)
			continue;
		m.word[1] = right;
		EXPECT_EQ(0, call(target_fd(&self->x, c), c->nr, &m)) TH_LOG("%s", c->name);
		undo(&self->x, c);
	}
}

/* Second handles within a struct: the VMO of VMAR_MAP, the source of TRANSFER_DATA */
TEST_F(uapi, wrong_second_handle)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const struct {
		__u32 value;
		int want;
	} t[] = {
		{ 0, EBADF },
		{ self->x.vmo_h ^ 1, EBADF },
		{ self->x.vmo_h & ~3u, EBADF },
		/* not tag 0, which stands for any */
		{ self->x.vmo_h ^ (self->x.vmo_h >> 22 == 1 ? 2u : 1u) << 22, EBADF },
		{ self->x.vmar_h, EMEDIUMTYPE },
		{ zx_vmar_root_self(), EMEDIUMTYPE },
		{ ZVM_HANDLE_VALUE((__u32)null, 0), EBADF },
		{ ZVM_HANDLE_VALUE((__u32)self->x.dev, 0), EBADF },
		{ ZVM_HANDLE_VALUE(0xfffff, 0), EBADF },
		{ UINT32_MAX, EBADF },
		{ ZVM_HANDLE_VALUE((__u32)self->x.vmo, 0), 0 },
	};
	const struct command *map = find(ZVM_VMAR_MAP);
	const struct command *data = find(ZVM_VMO_TRANSFER_DATA);
	union cmd m;

	ASSERT_GE(null, 0);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		fill(&self->x, map, &m);
		m.map.vmo = t[i].value;
		EXPECT_EQ(t[i].want, call(self->x.vmar, ZVM_VMAR_MAP, &m))
			TH_LOG("%#x", t[i].value);
		fill(&self->x, data, &m);
		m.data.src = t[i].value;
		EXPECT_EQ(t[i].want, call(self->x.vmo, ZVM_VMO_TRANSFER_DATA, &m))
			TH_LOG("%#x", t[i].value);
	}
	undo(&self->x, map);
	close(null);
}

/* The handles that are waited on: all kinds of errors are "no such handle" */
TEST_F(uapi, wrong_handle_to_wait_on)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	zx_handle_t deaf = zt_dup(self->x.vmo_h, ZX_RIGHTS_IO);
	const struct {
		__u32 value;
		int want;
	} t[] = {
		{ 0, ENOENT },
		{ self->x.vmo_h ^ 1, ENOENT },
		{ self->x.vmo_h & ~3u, ENOENT },
		{ self->x.vmo_h ^ 1u << 22, ENOENT },
		{ ZVM_HANDLE_VALUE((__u32)null, 0), ENOENT },
		{ ZVM_HANDLE_VALUE((__u32)self->x.dev, 0), ENOENT },
		{ ZVM_HANDLE_VALUE(0xfffff, 0), ENOENT },
		{ UINT32_MAX, ENOENT },
		{ deaf, EACCES },
		{ self->x.vmar_h, EACCES },
		{ ZVM_HANDLE_VALUE((__u32)self->x.vmo, 0), 0 },
	};
	const struct command *one = find(ZVM_OBJECT_WAIT_ONE);
	const struct command *many = find(ZVM_OBJECT_WAIT_MANY);
	union cmd m;

	ASSERT_GE(null, 0);
	ASSERT_NE(0u, deaf);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		fill(&self->x, one, &m);
		m.wait_one.handle = t[i].value;
		EXPECT_EQ(t[i].want, call(self->x.dev, ZVM_OBJECT_WAIT_ONE, &m))
			TH_LOG("%#x", t[i].value);
		/* the first and the last of them */
		for (size_t at = 0; at < 2; at++) {
			fill(&self->x, many, &m);
			self->x.out->item[at].handle = t[i].value;
			EXPECT_EQ(t[i].want, call(self->x.dev, ZVM_OBJECT_WAIT_MANY, &m))
				TH_LOG("%#x", t[i].value);
		}
	}
	ZT_EXPECT_OK(zx_handle_close(deaf));
	close(null);
}

/* Items that cannot be read, or not written, or only some of them; too many */
TEST_F(uapi, wait_many_items)
{
	const struct command *c = find(ZVM_OBJECT_WAIT_MANY);
	const __u32 too_many[] = { 65, 4096, 0x80000000, UINT32_MAX };
	char *two = mmap(NULL, 2 * ZT_P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	const size_t len = 2 * sizeof(zx_wait_item_t);
	struct zt_bad bad[ZT_BAD_READ_N];
	zx_wait_item_t item;
	union cmd m;

	ASSERT_NE(MAP_FAILED, two);
	zt_bad_read(bad);
	for (struct zt_bad *b = bad; b->name; b++) {
		fill(&self->x, c, &m);
		m.wait_many.items = u(b->ptr);
		EXPECT_EQ(EFAULT, call(self->x.dev, ZVM_OBJECT_WAIT_MANY, &m))
			TH_LOG("%s", b->name);
		/* which nobody looks at if there are none */
		m.wait_many.count = 0;
		EXPECT_EQ(ETIMEDOUT, call(self->x.dev, ZVM_OBJECT_WAIT_MANY, &m))
			TH_LOG("%s", b->name);
		for (size_t i = 0; i < ARRAY_SIZE(too_many); i++) {
			m.wait_many.count = too_many[i];
			EXPECT_EQ(ERANGE, call(self->x.dev, ZVM_OBJECT_WAIT_MANY, &m))
				TH_LOG("%u, %s", too_many[i], b->name);
		}
	}

	fill(&self->x, c, &m);
	memcpy(two + ZT_P - len, self->x.out->item, len);
	ASSERT_EQ(0, mprotect(two + ZT_P, ZT_P, PROT_NONE));
	m.wait_many.items = u(two + ZT_P - len);
	EXPECT_EQ(0, call(self->x.dev, ZVM_OBJECT_WAIT_MANY, &m));
	memcpy(&item, two + ZT_P - sizeof(item), sizeof(item));
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN, item.pending);
	m.wait_many.count = 3;
	EXPECT_EQ(EFAULT, call(self->x.dev, ZVM_OBJECT_WAIT_MANY, &m));
	m.wait_many.count = 2;
	m.wait_many.items += 8;
	EXPECT_EQ(EFAULT, call(self->x.dev, ZVM_OBJECT_WAIT_MANY, &m));
	m.wait_many.items -= 8;
	ASSERT_EQ(0, mprotect(two, ZT_P, PROT_READ));
	EXPECT_EQ(EFAULT, call(self->x.dev, ZVM_OBJECT_WAIT_MANY, &m));
	munmap(two, 2 * ZT_P);

	/* as many as there may be, at any alignment */
	for (size_t i = 0; i < 64; i++) {
		item = (zx_wait_item_t){ self->x.vmo_h, ZX_VMO_ZERO_CHILDREN, 0 };
		memcpy(self->x.out->buf + 1 + i * sizeof(item), &item, sizeof(item));
	}
	m.wait_many.items = u(self->x.out->buf + 1);
	m.wait_many.count = 64;
	EXPECT_EQ(0, call(self->x.dev, ZVM_OBJECT_WAIT_MANY, &m));
	memcpy(&item, self->x.out->buf + 1 + 63 * sizeof(item), sizeof(item));
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN, item.pending);
}

TEST_F(uapi, commands_that_do_not_exist)
{
	int fds[] = { self->x.dev, self->x.vmo, self->x.vmar, zvm_handle_to_fd(self->x.bti_h),
		      zvm_handle_to_fd(self->x.pmt_h) };
	char *buf = self->x.out->buf;

	for (size_t f = 0; f < ARRAY_SIZE(fds); f++) {
		for (unsigned int nr = 0; nr < 256; nr++) {
			bool known = false;

			for_each_command(c)
				known |= c->nr == _IO(ZVM_IOC_TYPE, nr);
			memset(buf, 0, 256);
			buf[0] = 64;
			if (!known) {
				EXPECT_EQ(ENOTTY, call(fds[f], _IO(ZVM_IOC_TYPE, nr), buf))
					TH_LOG("nr %#x", nr);
			}
			/* the number with a direction and size is another command */
			EXPECT_EQ(ENOTTY, call(fds[f], _IOWR(ZVM_IOC_TYPE, nr, __u64), buf));
			EXPECT_EQ(ENOTTY, call(fds[f], _IOR(ZVM_IOC_TYPE, nr, __u32), buf));
			EXPECT_EQ(ENOTTY, call(fds[f], _IO(ZVM_IOC_TYPE + 1, nr), buf));
		}
	}
}

TEST_F(uapi, handle_close)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), fd;
	struct zvm_handle_close m = { .size = sizeof(m) };
	zx_handle_t d = zt_dup(self->x.vmo_h, ZX_RIGHT_NONE);
	const __u32 bad[] = {
		0, 3, d ^ 1, d ^ 2, d & ~3u, d ^ 1u << 22, d ^ 1u << 31, UINT32_MAX,
		ZVM_HANDLE_VALUE((__u32)null, 0), ZVM_HANDLE_VALUE((__u32)null, 5),
		ZVM_HANDLE_VALUE((__u32)self->x.dev, 0), ZVM_HANDLE_VALUE(0xfffff, 1),
	};

	ASSERT_NE(0u, d);
	ASSERT_GE(null, 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		m.handle = bad[i];
		EXPECT_EQ(ENOENT, call(self->x.dev, ZVM_HANDLE_CLOSE, &m)) TH_LOG("%#x", bad[i]);
	}
	EXPECT_GE(fcntl(null, F_GETFD), 0);
	EXPECT_GE(fcntl(self->x.dev, F_GETFD), 0);
	EXPECT_TRUE(zt_live(d));
	fd = zvm_handle_to_fd(d);
	m.handle = d;
	EXPECT_EQ(0, call(self->x.dev, ZVM_HANDLE_CLOSE, &m));
	EXPECT_EQ(-1, fcntl(fd, F_GETFD));
	EXPECT_EQ(ENOENT, call(self->x.dev, ZVM_HANDLE_CLOSE, &m));
	close(null);
}

TEST_F(uapi, handle_tag_of)
{
	struct zvm_handle_tag m = { .size = sizeof(m) };

	EXPECT_EQ(0, call(self->x.vmo, ZVM_HANDLE_TAG_OF, &m));
	EXPECT_EQ(ZVM_HANDLE_TAG(self->x.vmo_h), m.tag);
	EXPECT_NE(0u, m.tag);
	/* now it checks it */
	EXPECT_EQ(0, call(self->x.vmo, ZVM_HANDLE_TAG_OF, &m));
	EXPECT_EQ(EBADF, call(self->x.vmar, ZVM_HANDLE_TAG_OF, &m));
	m.tag = 0;
	EXPECT_EQ(0, call(self->x.vmar, ZVM_HANDLE_TAG_OF, &m));
	EXPECT_EQ(ZVM_HANDLE_TAG(self->x.vmar_h), m.tag);
}

/* A destroyed region: nothing works, nothing breaks */
TEST_F(uapi, destroyed_region)
{
	union cmd m;

	ZT_ASSERT_OK(zx_vmar_destroy(self->x.vmar_h));
	for_each_command(c) {
		if (c->target != VMAR)
			continue;
		fill(&self->x, c, &m);
		EXPECT_EQ(EBADFD, call(self->x.vmar, c->nr, &m)) TH_LOG("%s", c->name);
	}
	/* the teardown compares with these */
	self->quiet = zt_stats();
}

/* The device is good for commands only. */
TEST_F(uapi, device_is_no_file)
{
	char c = 0;

	EXPECT_EQ(-1, read(self->x.dev, &c, 1));
	EXPECT_EQ(-1, write(self->x.dev, &c, 1));
	EXPECT_EQ(-1, pread(self->x.dev, &c, 1, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, ZT_P, PROT_READ, MAP_SHARED, self->x.dev, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, ZT_P, PROT_READ, MAP_PRIVATE, self->x.dev, 0));
}

/* A region's handle is good for commands only. */
TEST_F(uapi, region_is_no_file)
{
	char c = 0;

	EXPECT_EQ(-1, read(self->x.vmar, &c, 1));
	EXPECT_EQ(-1, write(self->x.vmar, &c, 1));
	EXPECT_EQ(-1, pread(self->x.vmar, &c, 1, 0));
	EXPECT_EQ(-1, ftruncate(self->x.vmar, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, ZT_P, PROT_READ, MAP_SHARED, self->x.vmar, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, ZT_P, PROT_READ, MAP_PRIVATE, self->x.vmar, 0));
}

TEST_F(uapi, handshake)
{
	struct zvm_handshake h = { .size = sizeof(h), .version = ZVM_VERSION };
	const __u32 wrong[] = { 0, ZVM_VERSION + 1, UINT32_MAX };

	EXPECT_EQ(0, call(self->x.dev, ZVM_HANDSHAKE, &h));
	EXPECT_EQ((__u32)ZVM_VERSION, h.version);
	EXPECT_EQ(sizeof(h), h.size);
	EXPECT_NE(0u, h.features & ZVM_FEATURE_VMAR);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		h = (struct zvm_handshake){ .size = sizeof(h), .version = wrong[i] };
		EXPECT_EQ(EPROTONOSUPPORT, call(self->x.dev, ZVM_HANDSHAKE, &h));
	}
}

TEST_F(uapi, stats)
{
	struct zvm_stats s;
	zx_handle_t h;

	memset(&s, 0xee, sizeof(s));
	s.size = sizeof(s);
	s.reserved = 0;
	ASSERT_EQ(0, call(self->x.dev, ZVM_STATS, &s));
	EXPECT_TRUE(zt_stats_same(&self->quiet, &s));
	EXPECT_EQ(0u, s.reserved);
	h = zt_vmo(3 * ZT_P, 0);
	ASSERT_EQ(0, zt_vmo_fill(h, 0, 2 * ZT_P, 1));
	ASSERT_EQ(0, call(self->x.dev, ZVM_STATS, &s));
	ZT_EXPECT_U64(self->quiet.vmos + 1, s.vmos);
	ZT_EXPECT_U64(self->quiet.handles + 1, s.handles);
	ZT_EXPECT_U64(self->quiet.pages + 2, s.pages);
	EXPECT_GT(s.page_nodes, self->quiet.page_nodes);
	ZT_EXPECT_U64(self->quiet.mappings, s.mappings);
	ZT_EXPECT_U64(2, s.aspaces);
	ZT_EXPECT_OK(zx_handle_close(h));
}

/* ------------------------------------------------------------------------
 * Structs that change while the kernel reads them
 */
struct flipper {
	volatile __u32 *word;
	const __u32 *values;
	unsigned int n;
	volatile int *stop;
};

static void *flip(void *arg)
{
	struct flipper *f = arg;

	for (unsigned int i = 0; !*f->stop; i++)
		*f->word = f->values[i % f->n];
	return NULL;
}

TEST_F(uapi, size_that_changes_under_way)
{
	const unsigned int of[] = { ZVM_HANDSHAKE, ZVM_STATS, ZVM_HANDLE_TAG_OF,
				    ZVM_VMO_GET_SIZE };
	char *buf = mmap(NULL, ZT_P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int ok = 0, refused = 0;

	ASSERT_NE(MAP_FAILED, buf);
	for (size_t k = 0; k < ARRAY_SIZE(of); k++) {
		const struct command *c = find(of[k]);
		const __u32 values[] = { c->size, 0, c->size + 8, c->size - 1, UINT32_MAX };
		volatile int stop = 0;
		struct flipper f = { (volatile __u32 *)buf, values, ARRAY_SIZE(values), &stop };
		uint64_t end = zt_now_ns() + 400000000u;
		union cmd m;
		pthread_t t;

		fill(&self->x, c, &m);
		memcpy(buf, &m, c->size);
		/* behind the struct lie bytes that must never be written */
		memset(buf + c->size + 8, 0xee, 256);
		ASSERT_EQ(0, pthread_create(&t, NULL, flip, &f));
		while (zt_now_ns() < end) {
			int err = call(target_fd(&self->x, c), c->nr, buf);

			if (err)
				refused++;
			else
				ok++;
			ASSERT_TRUE(!err || err == EINVAL || err == E2BIG || err == EFAULT)
				TH_LOG("%s: errno %d", c->name, err);
			/* what came back stays within what the size said */
			ASSERT_EQ(-1, zt_not_byte(buf + c->size + 8, 256, 0xee));
			memcpy(buf + 4, m.bytes + 4, c->size - 4);
			memset(buf + c->size, 0, 8);
		}
		stop = 1;
		ASSERT_EQ(0, pthread_join(t, NULL));
	}
	EXPECT_GT(ok, 0u);
	EXPECT_GT(refused, 0u);
	munmap(buf, ZT_P);
}

/* ------------------------------------------------------------------------
 * Random structs
 */
struct fuzz {
	struct ctx x;
	unsigned int seed;
	uint64_t calls, ok;
	pthread_barrier_t *start;
};

static uint64_t rnd(struct fuzz *f)
{
	f->seed = f->seed * 1103515245 + 12345;
	return f->seed >> 8;
}

/* A number that is likely to matter. */
static uint64_t number(struct fuzz *f)
{
	const uint64_t p = zt_page();
	const uint64_t pool[] = {
		0, 0, 0, 1, 2, 7, 8, p - 1, p, p, p + 1, 2 * p, 7 * p, 8 * p, 9 * p, 16 * p,
		f->x.base, f->x.base, f->x.base + p, f->x.base + 15 * p, f->x.base - p,
		INT64_MAX, INT64_MAX - p + 1, UINT64_MAX, UINT64_MAX - p + 1, UINT32_MAX,
		u(f->x.out), u(f->x.out->buf), u(f->x.out->buf + 1), u(&f->x.out->a), 16,
		UINT64_C(1) << 47, (UINT64_C(1) << 47) - p, UINT64_C(1) << 63,
		f->x.vmo_h, f->x.vmar_h, ZX_RIGHT_SAME_RIGHTS, 0xD0EF,
	};

	if (rnd(f) % 16 == 0)
		return rnd(f) << 40 ^ rnd(f) << 20 ^ rnd(f);
	return pool[rnd(f) % ARRAY_SIZE(pool)];
}

static void *fuzz(void *arg)
{
	struct fuzz *f = arg;
	uint64_t end = zt_now_ns() + 2500000000u;

	pthread_barrier_wait(f->start);
	while (zt_now_ns() < end) {
		const struct command *c = &commands[rnd(f) % ARRAY_SIZE(commands)];
		union cmd m;
		int fd, changes = (int)(rnd(f) % 4);

		fill(&f->x, c, &m);
		while (changes--) {
			uint64_t v = number(f);

			if (c->size > 8 && rnd(f) % 3)
				memcpy(m.bytes + rnd(f) % (c->size / 8 - 1) * 8 + 8, &v, 8);
			else
				m.word[rnd(f) % (c->size / 4 - 1) + 1] = (__u32)v;
		}
		/* the VMO must stay small, or COMMIT would fill the memory */
		if (c->nr == ZVM_VMO_SET_SIZE && m.set_size.new_size > 64 * zt_page() &&
		    m.set_size.new_size <= zt_max_vmo())
			continue;
		/* nor may much memory be looked for that is in a row */
		if (c->nr == ZVM_VMO_CREATE_CONTIGUOUS && m.contiguous.vmo_size > 64 * zt_page())
			continue;
		/* nor may the kernel map much: it keeps the page tables for the next time */
		if (c->nr == ZVM_VMO_CREATE_PHYSICAL && m.physical.length > 64 * zt_page())
			continue;
		/* nor may handles pile up, or the objects be lost that all use */
		if (c->nr == ZVM_HANDLE_CLOSE || c->nr == ZVM_VMAR_DESTROY ||
		    c->nr == ZVM_PMT_UNPIN || c->nr == ZVM_ASPACE_ADOPT)
			continue;
		/* nor may anybody wait long */
		if (c->nr == ZVM_OBJECT_WAIT_ONE && m.wait_one.deadline > 0)
			m.wait_one.deadline = (__s64)zt_now_ns() + 100000;
		if (c->nr == ZVM_OBJECT_WAIT_MANY && m.wait_many.deadline > 0)
			m.wait_many.deadline = (__s64)zt_now_ns() + 100000;
		fd = rnd(f) % 8 ? target_fd(&f->x, c) : (int)(rnd(f) % 16) + 3;
		f->x.out->handle = 0;
		f->calls++;
		if (call(fd, c->nr, &m))
			continue;
		f->ok++;
		if (f->x.out->handle && (c->nr == ZVM_VMO_CREATE || c->nr == ZVM_VMAR_ROOT ||
					 c->nr == ZVM_HANDLE_DUPLICATE ||
					 c->nr == ZVM_BTI_CREATE || c->nr == ZVM_BTI_PIN ||
					 c->nr == ZVM_VMO_CREATE_CONTIGUOUS ||
					 c->nr == ZVM_VMO_CREATE_PHYSICAL ||
					 c->nr == ZVM_VMO_CREATE_CHILD ||
					 c->nr == ZVM_ASPACE_CREATE))
			close((int)ZVM_HANDLE_FD(f->x.out->handle));
	}
	return NULL;
}

/* In a child, whose end takes along whatever was made */
static int fuzz_in_child(void *arg)
{
	FIXTURE_DATA(uapi) *self = arg;
	const size_t room = ((sizeof(*self->x.out) - 1) / zt_page() + 33) * zt_page();
	pthread_barrier_t start;
	struct fuzz f[2];
	zx_vaddr_t addr;
	pthread_t t[2];

	/*
	 * No heaps of the threads' own: they begin at multiples of 64 MiB, where a pointer
	 * points whose low half has become ZX_RIGHT_SAME_RIGHTS.
	 */
	mallopt(M_ARENA_MAX, 1);
	pthread_barrier_init(&start, NULL, 2);
	/* the parent's handle works here, too: none of its regions must stay */
	if (zx_handle_close(self->x.root_h) != ZX_OK)
		return 6;
	pt_any();
	for (int i = 0; i < 2; i++) {
		f[i] = (struct fuzz){ .x = self->x, .seed = 4711u + (unsigned int)i,
				      .start = &start };
		/* the parent's region is out of reach: one of our own */
		if (zx_vmar_allocate(zx_vmar_root_self(), ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE |
				     ZX_VM_CAN_MAP_SPECIFIC, 0, 16 * zt_page(), &f[i].x.vmar_h,
				     &f[i].x.base) != ZX_OK)
			return 1;
		f[i].x.vmar = zvm_handle_to_fd(f[i].x.vmar_h);
		if (make_root(&f[i].x) != ZX_OK)
			return 7;
		if (zx_vmar_map(f[i].x.vmar_h, ZT_RW | ZX_VM_SPECIFIC, 0, self->x.vmo_h, 0,
				zt_page(), &addr) != ZX_OK)
			return 2;
		/* with an end behind it to what may be read there */
		f[i].x.out = mmap(NULL, room + zt_page(), PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (f[i].x.out == MAP_FAILED ||
		    mprotect((char *)f[i].x.out + room, zt_page(), PROT_NONE))
			return 3;
	}
	for (int i = 0; i < 2; i++)
		if (pthread_create(&t[i], NULL, fuzz, &f[i]))
			return 4;
	for (int i = 0; i < 2; i++)
		if (pthread_join(t[i], NULL) || !f[i].ok || f[i].ok == f[i].calls)
			return 5;
	return 0;
}

TEST_F(uapi, random_structs)
{
	EXPECT_EQ(0, zt_fork_run(fuzz_in_child, self));
	/* the VMO is shared with the child: back to what the setup made of it */
	ZT_ASSERT_OK(zx_vmo_set_size(self->x.vmo_h, 0));
	ZT_ASSERT_OK(zx_vmo_set_size(self->x.vmo_h, 8 * ZT_P));
	ZT_ASSERT_OK(zx_vmo_op_range(self->x.vmo_h, ZX_VMO_OP_COMMIT, 0, ZT_P, NULL, 0));
}

TEST_HARNESS_MAIN
