// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * All commands of uapi/zircon-vm.h, with the members of their structs.
 */
#include <zircon/rights.h>
#include <zircon/syscalls/object.h>
#include <zircon/types.h>

#include "names.h"

#define MEMBER(_struct, _member, _class, ...)				\
	{ .name = #_member, .class = _class,				\
	  .offset = offsetof(struct _struct, _member),			\
	  .bytes = sizeof(((struct _struct *)0)->_member), __VA_ARGS__ }

#define COMMAND(_name, _weight, _struct, ...)				\
	{ .name = #_name, .weight = (_weight), .command = ZVM_##_name,	\
	  .bytes = sizeof(struct _struct), .call = -1, __VA_ARGS__ }
#define ARGS(_on, ...) .args = { FILE_ARG(_on), __VA_ARGS__ }

/* ---- values that mean something ------------------------------------------ */

static const struct name versions[] = { N(ZVM_VERSION), N(0), N(2), { 0, NULL } };

static const struct name vmo_options[] = {
	N(ZVM_VMO_RESIZABLE), N(ZVM_VMO_DISCARDABLE), N(ZVM_VMO_UNBOUNDED),
	N(ZVM_VMO_HUGE_PAGES), { 0, NULL }
};
static const struct name good_vmo_options[] = {
	S(0), S(ZVM_VMO_RESIZABLE), S(ZVM_VMO_RESIZABLE), S(ZVM_VMO_DISCARDABLE),
	S(ZVM_VMO_UNBOUNDED), S(ZVM_VMO_RESIZABLE | ZVM_VMO_DISCARDABLE),
	S(ZVM_VMO_HUGE_PAGES), S(ZVM_VMO_RESIZABLE | ZVM_VMO_HUGE_PAGES),
	S(ZVM_VMO_UNBOUNDED | ZVM_VMO_HUGE_PAGES), { 0, NULL }
};

/*
 * RAM that the guest's Linux leaves alone (selftests/physical.h), or QEMU's flash memory
 * without content, and what nobody gets: no device is to be written to.
 */
#ifdef __x86_64__
#define SAFE 0x20000000
#else
#define SAFE 0x4000000
#endif

static const struct name physical_addresses[] = {
	S(SAFE), S(SAFE), S(SAFE), S(SAFE + 0x4000), S(SAFE + 0xf000), S(0x100000), S(0x100001),
	S(1ull << 60), S(-4096ull), { 0, NULL }
};

static const struct name rights[] = {
	N(ZX_RIGHT_DUPLICATE), N(ZX_RIGHT_TRANSFER), N(ZX_RIGHT_READ), N(ZX_RIGHT_WRITE),
	N(ZX_RIGHT_EXECUTE), N(ZX_RIGHT_MAP), N(ZX_RIGHT_GET_PROPERTY), N(ZX_RIGHT_SET_PROPERTY),
	N(ZX_RIGHT_SIGNAL), N(ZX_RIGHT_WAIT), N(ZX_RIGHT_INSPECT), N(ZX_RIGHT_OP_CHILDREN),
	N(ZX_RIGHT_RESIZE), N(ZVM_RIGHT_SAME_RIGHTS), { 0, NULL }
};

#define SOME_RIGHTS (ZX_RIGHT_DUPLICATE | ZX_RIGHT_INSPECT | ZX_RIGHT_MAP)

static const struct name good_rights[] = {
	S(ZVM_RIGHT_SAME_RIGHTS), S(ZVM_RIGHT_SAME_RIGHTS), S(ZVM_RIGHT_SAME_RIGHTS),
	S(SOME_RIGHTS | ZX_RIGHT_READ), S(SOME_RIGHTS | ZX_RIGHT_WRITE),
	S(SOME_RIGHTS | ZX_RIGHT_READ | ZX_RIGHT_WRITE), S(ZX_RIGHT_READ), S(ZX_RIGHT_WRITE),
	S(ZX_RIGHT_INSPECT | ZX_RIGHT_DUPLICATE), S(0), { 0, NULL }
};

static const struct name duplicate_flags[] = {
	N(ZVM_DUPLICATE_REPLACE), N(ZVM_DUPLICATE_EXECUTABLE), N(ZVM_DUPLICATE_LEND), { 0, NULL }
};
static const struct name good_duplicate_flags[] = {
	S(0), S(0), S(ZVM_DUPLICATE_REPLACE), S(ZVM_DUPLICATE_EXECUTABLE), S(ZVM_DUPLICATE_LEND),
	{ 0, NULL }
};

static const struct name signals[] = {
	N(ZX_USER_SIGNAL_0), N(ZX_USER_SIGNAL_3), N(ZX_USER_SIGNAL_7), N(ZX_USER_SIGNAL_ALL),
	N(ZX_VMO_ZERO_CHILDREN), N(ZX_SIGNAL_HANDLE_CLOSED), { 0, NULL }
};
static const struct name good_signals[] = {
	S(0), S(ZX_USER_SIGNAL_0), S(ZX_USER_SIGNAL_3), S(ZX_USER_SIGNAL_7), S(ZX_USER_SIGNAL_ALL),
	{ 0, NULL }
};
static const struct name waits[] = {
	S(ZX_VMO_ZERO_CHILDREN), S(ZX_VMO_ZERO_CHILDREN | ZX_USER_SIGNAL_0), S(ZX_USER_SIGNAL_3),
	S(ZX_USER_SIGNAL_ALL), S(0), { 0, NULL }
};

static const struct name child_options[] = {
	N(ZX_VMO_CHILD_SNAPSHOT), N(ZX_VMO_CHILD_RESIZABLE), N(ZX_VMO_CHILD_SLICE),
	N(ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE), N(ZX_VMO_CHILD_NO_WRITE),
	N(ZX_VMO_CHILD_REFERENCE), N(ZX_VMO_CHILD_SNAPSHOT_MODIFIED), { 0, NULL }
};
static const struct name good_child_options[] = {
	S(ZX_VMO_CHILD_SNAPSHOT), S(ZX_VMO_CHILD_SNAPSHOT), S(ZX_VMO_CHILD_SLICE),
	S(ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_RESIZABLE), S(ZX_VMO_CHILD_REFERENCE),
	S(ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_NO_WRITE), S(ZX_VMO_CHILD_SNAPSHOT_MODIFIED),
	S(ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE), S(ZX_VMO_CHILD_SLICE | ZX_VMO_CHILD_NO_WRITE),
	S(ZX_VMO_CHILD_REFERENCE | ZX_VMO_CHILD_RESIZABLE), { 0, NULL }
};

static const struct name bti_options[] = {
	N(ZX_BTI_PERM_READ), N(ZX_BTI_PERM_WRITE), N(ZX_BTI_PERM_EXECUTE), N(ZX_BTI_COMPRESS),
	N(ZX_BTI_CONTIGUOUS), { 0, NULL }
};
static const struct name good_bti_options[] = {
	S(ZX_BTI_PERM_READ), S(ZX_BTI_PERM_READ | ZX_BTI_PERM_WRITE),
	S(ZX_BTI_PERM_WRITE | ZX_BTI_COMPRESS), S(ZX_BTI_PERM_READ | ZX_BTI_CONTIGUOUS),
	{ 0, NULL }
};
static const struct name alignments[] = { S(0), S(0), S(0), S(12), S(14), S(20), S(3), S(63), { 0, NULL } };

static const struct name topics[] = {
	N(ZX_INFO_BTI),
	N(ZX_INFO_HANDLE_VALID), N(ZX_INFO_HANDLE_BASIC), N(ZX_INFO_HANDLE_COUNT), N(ZX_INFO_VMAR),
	N(ZX_INFO_VMAR_MAPS), N(ZX_INFO_VMO), N(ZX_INFO_VMO_V1), N(ZX_INFO_VMO_V2),
	N(ZX_INFO_VMO_V3), N(ZX_INFO_PROCESS_MAPS), N(ZX_INFO_PROCESS_VMOS),
	N(ZX_INFO_PROCESS_VMOS_V1), N(ZX_INFO_PROCESS_VMOS_V2), N(ZX_INFO_PROCESS_VMOS_V3),
	N(ZX_INFO_PROCESS), N(0xffffffff), { 0, NULL }
};

static const struct name properties[] = {
	N(ZX_PROP_NAME), N(ZX_PROP_VMO_CONTENT_SIZE), N(0), N(0x80000003), { 0, NULL }
};

static const struct name policies[] = {
	N(ZX_CACHE_POLICY_CACHED), N(ZX_CACHE_POLICY_CACHED), N(ZX_CACHE_POLICY_UNCACHED),
	N(ZX_CACHE_POLICY_WRITE_COMBINING), N(4), N(0x80000000), { 0, NULL }
};

static const struct name vmo_ops[] = {
	N(ZX_VMO_OP_COMMIT), N(ZX_VMO_OP_DECOMMIT), N(ZX_VMO_OP_LOCK), N(ZX_VMO_OP_UNLOCK),
	N(ZX_VMO_OP_CACHE_SYNC), N(ZX_VMO_OP_CACHE_INVALIDATE), N(ZX_VMO_OP_CACHE_CLEAN),
	N(ZX_VMO_OP_CACHE_CLEAN_INVALIDATE), N(ZX_VMO_OP_ZERO), N(ZX_VMO_OP_TRY_LOCK),
	N(ZX_VMO_OP_DONT_NEED), N(ZX_VMO_OP_ALWAYS_NEED), N(ZX_VMO_OP_PREFETCH), N(5), N(0),
	{ 0, NULL }
};

static const struct name vmar_ops[] = {
	N(ZX_VMAR_OP_COMMIT), N(ZX_VMAR_OP_DECOMMIT), N(ZX_VMAR_OP_MAP_RANGE), N(ZX_VMAR_OP_ZERO),
	N(ZX_VMAR_OP_DONT_NEED), N(ZX_VMAR_OP_ALWAYS_NEED), N(ZX_VMAR_OP_PREFETCH), N(0), N(99),
	{ 0, NULL }
};

static const struct name vm_options[] = {
	N(ZX_VM_PERM_READ), N(ZX_VM_PERM_WRITE), N(ZX_VM_PERM_EXECUTE), N(ZX_VM_COMPACT),
	N(ZX_VM_SPECIFIC), N(ZX_VM_SPECIFIC_OVERWRITE), N(ZX_VM_CAN_MAP_SPECIFIC),
	N(ZX_VM_CAN_MAP_READ), N(ZX_VM_CAN_MAP_WRITE), N(ZX_VM_CAN_MAP_EXECUTE), N(ZX_VM_MAP_RANGE),
	N(ZX_VM_REQUIRE_NON_RESIZABLE), N(ZX_VM_ALLOW_FAULTS), N(ZX_VM_OFFSET_IS_UPPER_LIMIT),
	N(ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED), N(ZX_VM_FAULT_BEYOND_STREAM_SIZE),
	N(ZX_VM_ALIGN_1KB), N(ZX_VM_ALIGN_2MB), N(ZX_VM_ALIGN_4GB), { 0, NULL }
};

static const struct name kinds[] = {
	N(ZVM_ASPACE_USER), N(ZVM_ASPACE_GUEST_PHYS), N(ZVM_ASPACE_GUEST_PHYS),
	N(ZVM_ASPACE_GUEST_PHYS), N(ZVM_ASPACE_GUEST_PHYS), N(2), N(0xffffffff), { 0, NULL }
};
static const struct name bases[] = {
	N(1ull << 44), N(1ull << 44), N(1ull << 44), N(1ull << 45), N(1ull << 30), N(1ull << 51),
	N(0), N(PAGE), N(0ull - (1ull << 30)), { 0, NULL }
};
static const struct name lengths[] = {
	N(1ull << 30), N(1ull << 30), N(1ull << 30), N(1ull << 32), N(1ull << 40), N(1ull << 47),
	N(0), N(PAGE), N(0ull - (1ull << 30)), { 0, NULL }
};

#define R ZX_VM_PERM_READ
#define RW (R | ZX_VM_PERM_WRITE)
#define RX (R | ZX_VM_PERM_EXECUTE)
#define FAULTS ZX_VM_ALLOW_FAULTS

static const struct name map_options[] = {
	S(R), S(RW), S(RW), S(RW | FAULTS), S(RW | ZX_VM_SPECIFIC), S(R | FAULTS | ZX_VM_SPECIFIC),
	S(RW | ZX_VM_SPECIFIC_OVERWRITE), S(R | FAULTS | ZX_VM_SPECIFIC_OVERWRITE),
	S(RW | FAULTS | ZX_VM_SPECIFIC_OVERWRITE), S(RW | ZX_VM_MAP_RANGE),
	S(RW | FAULTS | ZX_VM_FAULT_BEYOND_STREAM_SIZE), S(RX), S(RW | RX), S(0),
	S(RW | ZX_VM_OFFSET_IS_UPPER_LIMIT), S(RW | ZX_VM_ALIGN_64KB), S(R | ZX_VM_ALIGN_2MB),
	S(RX | ZX_VM_SPECIFIC_OVERWRITE), { 0, NULL }
};

#define CAN_RW (ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE)

static const struct name allocate_options[] = {
	S(CAN_RW), S(CAN_RW | ZX_VM_CAN_MAP_SPECIFIC),
	S(CAN_RW | ZX_VM_CAN_MAP_SPECIFIC | ZX_VM_CAN_MAP_EXECUTE), S(ZX_VM_CAN_MAP_READ), S(0),
	S(CAN_RW | ZX_VM_COMPACT), S(CAN_RW | ZX_VM_SPECIFIC | ZX_VM_CAN_MAP_SPECIFIC),
	S(CAN_RW | ZX_VM_OFFSET_IS_UPPER_LIMIT), S(CAN_RW | ZX_VM_ALIGN_2MB), { 0, NULL }
};

static const struct name perms[] = { S(R), S(RW), S(RW), S(RX), S(RW | RX), S(0), { 0, NULL } };

/* ---- rights that no success can do without ------------------------------- */

static uint32_t need_read(const uint64_t *args)
{
	(void)args;
	return ZX_RIGHT_READ;
}

static uint32_t need_write(const uint64_t *args)
{
	(void)args;
	return ZX_RIGHT_WRITE;
}

static uint32_t need_map(const uint64_t *args)
{
	(void)args;
	return ZX_RIGHT_MAP;
}

static uint32_t need_get(const uint64_t *args)
{
	(void)args;
	return ZX_RIGHT_GET_PROPERTY;
}

static uint32_t need_set(const uint64_t *args)
{
	return ZX_RIGHT_SET_PROPERTY |
	       ((uint32_t)args[2] == ZX_PROP_VMO_CONTENT_SIZE ? ZX_RIGHT_WRITE : 0);
}

static uint32_t need_resize(const uint64_t *args)
{
	(void)args;
	return ZX_RIGHT_WRITE | ZX_RIGHT_RESIZE;
}

static uint32_t need_children(const uint64_t *args)
{
	(void)args;
	return ZX_RIGHT_OP_CHILDREN;
}

static uint32_t need_all_of_root(const uint64_t *args)
{
	(void)args;
	return ZX_RIGHT_READ | ZX_RIGHT_WRITE | ZX_RIGHT_EXECUTE | ZX_RIGHT_OP_CHILDREN;
}

static uint32_t need_signal(const uint64_t *args)
{
	(void)args;
	return ZX_RIGHT_SIGNAL;
}

static uint32_t need_child(const uint64_t *args)
{
	const uint32_t resizable_reference = ZX_VMO_CHILD_REFERENCE | ZX_VMO_CHILD_RESIZABLE;

	return ZX_RIGHT_DUPLICATE | ZX_RIGHT_READ |
	       ((args[2] & resizable_reference) == resizable_reference ? ZX_RIGHT_RESIZE : 0);
}

static uint32_t need_duplicate(const uint64_t *args)
{
	return args[3] & (ZVM_DUPLICATE_REPLACE | ZVM_DUPLICATE_EXECUTABLE) ? 0 : ZX_RIGHT_DUPLICATE;
}

static uint32_t need_inspect(const uint64_t *args)
{
	switch ((uint32_t)args[2]) {
	case ZX_INFO_HANDLE_COUNT:
	case ZX_INFO_BTI:
	case ZX_INFO_VMAR:
	case ZX_INFO_VMAR_MAPS:
	case ZX_INFO_PROCESS_MAPS:
	case ZX_INFO_PROCESS_VMOS:
	case ZX_INFO_PROCESS_VMOS_V1:
	case ZX_INFO_PROCESS_VMOS_V2:
	case ZX_INFO_PROCESS_VMOS_V3:
		return ZX_RIGHT_INSPECT;
	default:
		return 0;
	}
}

static uint32_t need_vmo_op(const uint64_t *args)
{
	switch ((uint32_t)args[2]) {
	case ZX_VMO_OP_COMMIT:
	case ZX_VMO_OP_DECOMMIT:
	case ZX_VMO_OP_ZERO:
		return ZX_RIGHT_WRITE;
	case ZX_VMO_OP_PREFETCH:
	case ZX_VMO_OP_CACHE_SYNC:
	case ZX_VMO_OP_CACHE_CLEAN:
	case ZX_VMO_OP_CACHE_CLEAN_INVALIDATE:
		return ZX_RIGHT_READ;
	default:
		return 0;
	}
}

/* PERM_x, or CAN_MAP_x, as the right of the same meaning. */
static uint32_t perm_rights(uint64_t options, unsigned int shift)
{
	return (uint32_t)(options >> shift & 7) << 2;
}

static uint32_t need_perms(const uint64_t *args)
{
	return perm_rights(args[2], 0);
}

static uint32_t need_can_map(const uint64_t *args)
{
	return perm_rights(args[2], 7);
}

/* ---- the commands -------------------------------------------------------- */

#define TRANSFER(_name, _need)								\
	COMMAND(_name, 40, zvm_vmo_transfer, .needs = _need, ARGS(SLOT_VMO,		\
		MEMBER(zvm_vmo_transfer, tag, A_TAG),					\
		MEMBER(zvm_vmo_transfer, buffer, A_BUFFER),				\
		MEMBER(zvm_vmo_transfer, offset, A_OFFSET),				\
		MEMBER(zvm_vmo_transfer, length, A_BYTES),				\
		MEMBER(zvm_vmo_transfer, done, A_NUMBER, .from = 9)))

#define PROCESS(_name, _need)								\
	COMMAND(_name, 15, zvm_vmo_transfer, .needs = _need, ARGS(SLOT_VMAR,		\
		MEMBER(zvm_vmo_transfer, tag, A_TAG),					\
		MEMBER(zvm_vmo_transfer, buffer, A_BUFFER),				\
		MEMBER(zvm_vmo_transfer, offset, A_ADDRESS),				\
		MEMBER(zvm_vmo_transfer, length, A_BYTES),				\
		MEMBER(zvm_vmo_transfer, done, A_NUMBER, .from = 9)))

#define GET_SIZE(_name)									\
	COMMAND(_name, 6, zvm_vmo_get_size, ARGS(SLOT_VMO,				\
		MEMBER(zvm_vmo_get_size, tag, A_TAG),					\
		MEMBER(zvm_vmo_get_size, out_size, A_OUT)))

#define SET_SIZE(_name, _need)								\
	COMMAND(_name, 14, zvm_vmo_set_size, .needs = _need, ARGS(SLOT_VMO,		\
		MEMBER(zvm_vmo_set_size, tag, A_TAG),					\
		MEMBER(zvm_vmo_set_size, new_size, A_SIZE)))

#define PROPERTY(_name, _need)								\
	COMMAND(_name, 8, zvm_object_property, .needs = _need, ARGS(SLOT_VMO,		\
		MEMBER(zvm_object_property, tag, A_TAG),				\
		MEMBER(zvm_object_property, property, A_ONE_OF, .names = properties),	\
		MEMBER(zvm_object_property, reserved, A_RESERVED),			\
		MEMBER(zvm_object_property, value, A_BUFFER),				\
		MEMBER(zvm_object_property, value_size, A_BYTES)))

#define OP_RANGE(_name, _weight, _on, _ops, _at, _len, _buffer, _bytes, _need)		\
	COMMAND(_name, _weight, zvm_op_range, .needs = _need, ARGS(_on,		\
		MEMBER(zvm_op_range, tag, A_TAG),					\
		MEMBER(zvm_op_range, op, A_ONE_OF, .names = _ops),			\
		MEMBER(zvm_op_range, reserved, A_RESERVED),				\
		MEMBER(zvm_op_range, offset, _at),					\
		MEMBER(zvm_op_range, length, _len),					\
		MEMBER(zvm_op_range, buffer, _buffer),					\
		MEMBER(zvm_op_range, buffer_size, _bytes, .from = 64)))

const struct op_type command_types[] = {
	COMMAND(HANDSHAKE, 2, zvm_handshake, ARGS(SLOT_DEVICE,
		MEMBER(zvm_handshake, reserved, A_RESERVED),
		MEMBER(zvm_handshake, version, A_ONE_OF, .names = versions),
		MEMBER(zvm_handshake, reserved2, A_RESERVED),
		MEMBER(zvm_handshake, features, A_NUMBER))),
	COMMAND(STATS, 3, zvm_stats, ARGS(SLOT_DEVICE,
		MEMBER(zvm_stats, reserved, A_RESERVED),
		MEMBER(zvm_stats, vmos, A_NUMBER),
		MEMBER(zvm_stats, vmars, A_NUMBER),
		MEMBER(zvm_stats, aspaces, A_NUMBER),
		MEMBER(zvm_stats, mappings, A_NUMBER),
		MEMBER(zvm_stats, handles, A_NUMBER),
		MEMBER(zvm_stats, pages, A_NUMBER),
		MEMBER(zvm_stats, page_nodes, A_NUMBER))),
	COMMAND(VMAR_ROOT, 5, zvm_vmar_root, .makes = MAKES_VMAR, .out = 2, ARGS(SLOT_DEVICE,
		MEMBER(zvm_vmar_root, reserved, A_RESERVED),
		MEMBER(zvm_vmar_root, out_handle, A_OUT))),
	COMMAND(VMO_CREATE, 20, zvm_vmo_create, .makes = MAKES_VMO, .out = 3, ARGS(SLOT_DEVICE,
		MEMBER(zvm_vmo_create, options, A_FLAGS, .names = vmo_options,
		       .often = good_vmo_options),
		MEMBER(zvm_vmo_create, vmo_size, A_SIZE),
		MEMBER(zvm_vmo_create, out_handle, A_OUT))),
	COMMAND(VMO_CREATE_PHYSICAL, 8, zvm_vmo_create_physical, .makes = MAKES_VMO, .out = 4,
		ARGS(SLOT_DEVICE,
		MEMBER(zvm_vmo_create_physical, reserved, A_RESERVED),
		MEMBER(zvm_vmo_create_physical, address, A_ONE_OF, .names = physical_addresses,
		       .from = 1),
		MEMBER(zvm_vmo_create_physical, length, A_PAGES),
		MEMBER(zvm_vmo_create_physical, out_handle, A_OUT))),
	COMMAND(HANDLE_CLOSE, 8, zvm_handle_close, ARGS(SLOT_DEVICE,
		MEMBER(zvm_handle_close, handle, A_ANY_HANDLE))),
	COMMAND(OBJECT_WAIT_ONE, 12, zvm_object_wait_one, ARGS(SLOT_DEVICE,
		MEMBER(zvm_object_wait_one, handle, A_ANY_HANDLE),
		MEMBER(zvm_object_wait_one, signals, A_FLAGS, .names = signals, .often = waits),
		MEMBER(zvm_object_wait_one, reserved, A_RESERVED),
		MEMBER(zvm_object_wait_one, deadline, A_DEADLINE),
		MEMBER(zvm_object_wait_one, out_observed, A_OUT_MAYBE))),
	COMMAND(OBJECT_WAIT_MANY, 8, zvm_object_wait_many, ARGS(SLOT_DEVICE,
		MEMBER(zvm_object_wait_many, count, A_NUMBER, .from = MOST_ITEMS),
		MEMBER(zvm_object_wait_many, items, A_ITEMS),
		MEMBER(zvm_object_wait_many, deadline, A_DEADLINE))),

	COMMAND(HANDLE_DUPLICATE, 25, zvm_handle_duplicate, .makes = MAKES_SAME, .out = 4,
		.needs = need_duplicate, ARGS(SLOT_VMO,
		MEMBER(zvm_handle_duplicate, tag, A_TAG),
		MEMBER(zvm_handle_duplicate, rights, A_FLAGS, .names = rights,
		       .often = good_rights),
		MEMBER(zvm_handle_duplicate, flags, A_FLAGS, .names = duplicate_flags,
		       .often = good_duplicate_flags),
		MEMBER(zvm_handle_duplicate, out_handle, A_OUT))),
	COMMAND(HANDLE_TAG_OF, 4, zvm_handle_tag, ARGS(SLOT_VMO,
		MEMBER(zvm_handle_tag, tag, A_TAG))),
	COMMAND(OBJECT_SIGNAL, 10, zvm_object_signal, .needs = need_signal, ARGS(SLOT_VMO,
		MEMBER(zvm_object_signal, tag, A_TAG),
		MEMBER(zvm_object_signal, clear, A_FLAGS, .names = signals, .often = good_signals),
		MEMBER(zvm_object_signal, set, A_FLAGS, .names = signals, .often = good_signals))),
	COMMAND(OBJECT_GET_INFO, 16, zvm_object_get_info, .needs = need_inspect, ARGS(SLOT_VMO,
		MEMBER(zvm_object_get_info, tag, A_TAG),
		MEMBER(zvm_object_get_info, topic, A_ONE_OF, .names = topics),
		MEMBER(zvm_object_get_info, reserved, A_RESERVED),
		MEMBER(zvm_object_get_info, buffer, A_BUFFER),
		MEMBER(zvm_object_get_info, buffer_size, A_BYTES),
		MEMBER(zvm_object_get_info, out_actual, A_OUT_MAYBE),
		MEMBER(zvm_object_get_info, out_avail, A_OUT_MAYBE))),
	PROPERTY(OBJECT_GET_PROPERTY, need_get),
	PROPERTY(OBJECT_SET_PROPERTY, need_set),

	TRANSFER(VMO_READ, need_read),
	TRANSFER(VMO_WRITE, need_write),
	GET_SIZE(VMO_GET_SIZE),
	GET_SIZE(VMO_GET_STREAM_SIZE),
	SET_SIZE(VMO_SET_SIZE, need_resize),
	SET_SIZE(VMO_SET_STREAM_SIZE, need_write),
	OP_RANGE(VMO_OP_RANGE, 40, SLOT_VMO, vmo_ops, A_OFFSET, A_PAGES, A_OUT_MAYBE, A_NUMBER,
		 need_vmo_op),
	COMMAND(VMO_SET_CACHE_POLICY, 6, zvm_vmo_set_cache_policy, .needs = need_map,
		ARGS(SLOT_VMO,
		MEMBER(zvm_vmo_set_cache_policy, tag, A_TAG),
		MEMBER(zvm_vmo_set_cache_policy, policy, A_ONE_OF, .names = policies),
		MEMBER(zvm_vmo_set_cache_policy, reserved, A_RESERVED))),

	COMMAND(VMO_CREATE_CHILD, 40, zvm_vmo_create_child, .makes = MAKES_VMO, .out = 6,
		.needs = need_child, ARGS(SLOT_VMO,
		MEMBER(zvm_vmo_create_child, tag, A_TAG),
		MEMBER(zvm_vmo_create_child, options, A_FLAGS, .names = child_options,
		       .often = good_child_options),
		MEMBER(zvm_vmo_create_child, reserved, A_RESERVED),
		MEMBER(zvm_vmo_create_child, offset, A_OFFSET),
		MEMBER(zvm_vmo_create_child, child_size, A_SIZE),
		MEMBER(zvm_vmo_create_child, out_handle, A_OUT))),
	COMMAND(VMO_COMMITTED, 6, zvm_vmo_committed, ARGS(SLOT_VMO,
		MEMBER(zvm_vmo_committed, tag, A_TAG),
		MEMBER(zvm_vmo_committed, offset, A_OFFSET),
		MEMBER(zvm_vmo_committed, length, A_PAGES),
		MEMBER(zvm_vmo_committed, out_bytes, A_OUT))),
	COMMAND(VMO_TRANSFER_DATA, 20, zvm_vmo_transfer_data, .needs = need_write, ARGS(SLOT_VMO,
		MEMBER(zvm_vmo_transfer_data, tag, A_TAG),
		MEMBER(zvm_vmo_transfer_data, options, A_RESERVED),
		MEMBER(zvm_vmo_transfer_data, src, A_VMO_HANDLE),
		MEMBER(zvm_vmo_transfer_data, offset, A_OFFSET),
		MEMBER(zvm_vmo_transfer_data, length, A_PAGES),
		MEMBER(zvm_vmo_transfer_data, src_offset, A_OFFSET))),

	COMMAND(BTI_CREATE, 4, zvm_bti_create, .makes = MAKES_BTI, .out = 3, ARGS(SLOT_DEVICE,
		MEMBER(zvm_bti_create, options, A_RESERVED),
		MEMBER(zvm_bti_create, bti_id, A_NUMBER),
		MEMBER(zvm_bti_create, out_handle, A_OUT))),
	COMMAND(VMO_CREATE_CONTIGUOUS, 10, zvm_vmo_create_contiguous, .makes = MAKES_VMO, .out = 5,
		.needs = need_map, ARGS(SLOT_BTI,
		MEMBER(zvm_vmo_create_contiguous, tag, A_TAG),
		MEMBER(zvm_vmo_create_contiguous, alignment_log2, A_ONE_OF, .names = alignments),
		MEMBER(zvm_vmo_create_contiguous, reserved, A_RESERVED),
		MEMBER(zvm_vmo_create_contiguous, vmo_size, A_PAGES),
		MEMBER(zvm_vmo_create_contiguous, out_handle, A_OUT))),
	COMMAND(BTI_PIN, 25, zvm_bti_pin, .makes = MAKES_PMT, .out = 8, .needs = need_map,
		ARGS(SLOT_BTI,
		MEMBER(zvm_bti_pin, tag, A_TAG),
		MEMBER(zvm_bti_pin, options, A_FLAGS, .names = bti_options,
		       .often = good_bti_options),
		MEMBER(zvm_bti_pin, vmo, A_VMO_HANDLE),
		MEMBER(zvm_bti_pin, offset, A_OFFSET),
		MEMBER(zvm_bti_pin, length, A_PAGES),
		MEMBER(zvm_bti_pin, addrs, A_ADDRS),
		MEMBER(zvm_bti_pin, num_addrs, A_ADDR_COUNT),
		MEMBER(zvm_bti_pin, out_handle, A_OUT))),
	COMMAND(PMT_UNPIN, 10, zvm_pmt_unpin, ARGS(SLOT_PMT,
		MEMBER(zvm_pmt_unpin, tag, A_TAG))),

	COMMAND(VMAR_ALLOCATE, 14, zvm_vmar_allocate, .makes = MAKES_VMAR, .out = 6,
		.needs = need_can_map, ARGS(SLOT_VMAR,
		MEMBER(zvm_vmar_allocate, tag, A_TAG),
		MEMBER(zvm_vmar_allocate, options, A_FLAGS, .names = vm_options,
		       .often = allocate_options),
		MEMBER(zvm_vmar_allocate, reserved, A_RESERVED),
		MEMBER(zvm_vmar_allocate, offset, A_PLACE),
		MEMBER(zvm_vmar_allocate, length, A_PAGES),
		MEMBER(zvm_vmar_allocate, out_handle, A_OUT),
		MEMBER(zvm_vmar_allocate, out_addr, A_OUT, .from = 8))),
	COMMAND(VMAR_MAP, 70, zvm_vmar_map, .makes = MAKES_MAP, .out = 7, .needs = need_perms,
		ARGS(SLOT_VMAR,
		MEMBER(zvm_vmar_map, tag, A_TAG),
		MEMBER(zvm_vmar_map, options, A_FLAGS, .names = vm_options, .often = map_options),
		MEMBER(zvm_vmar_map, vmo, A_VMO_HANDLE),
		MEMBER(zvm_vmar_map, vmar_offset, A_PLACE),
		MEMBER(zvm_vmar_map, vmo_offset, A_OFFSET),
		MEMBER(zvm_vmar_map, length, A_PAGES),
		MEMBER(zvm_vmar_map, out_addr, A_OUT, .from = 8))),
	COMMAND(VMAR_UNMAP, 25, zvm_vmar_range, ARGS(SLOT_VMAR,
		MEMBER(zvm_vmar_range, tag, A_TAG),
		MEMBER(zvm_vmar_range, options, A_RESERVED),
		MEMBER(zvm_vmar_range, reserved, A_RESERVED),
		MEMBER(zvm_vmar_range, addr, A_ADDRESS),
		MEMBER(zvm_vmar_range, length, A_EXTENT))),
	COMMAND(VMAR_PROTECT, 30, zvm_vmar_range, .needs = need_perms, ARGS(SLOT_VMAR,
		MEMBER(zvm_vmar_range, tag, A_TAG),
		MEMBER(zvm_vmar_range, options, A_FLAGS, .names = vm_options, .often = perms),
		MEMBER(zvm_vmar_range, reserved, A_RESERVED),
		MEMBER(zvm_vmar_range, addr, A_ADDRESS),
		MEMBER(zvm_vmar_range, length, A_EXTENT))),
	COMMAND(VMAR_DESTROY, 3, zvm_vmar_range, .needs = need_children, ARGS(SLOT_CHILD_VMAR,
		MEMBER(zvm_vmar_range, tag, A_TAG),
		MEMBER(zvm_vmar_range, options, A_RESERVED),
		MEMBER(zvm_vmar_range, reserved, A_RESERVED),
		MEMBER(zvm_vmar_range, addr, A_RESERVED),
		MEMBER(zvm_vmar_range, length, A_RESERVED))),
	OP_RANGE(VMAR_OP_RANGE, 30, SLOT_VMAR, vmar_ops, A_ADDRESS, A_EXTENT, A_NOTHING, A_NOTHING,
		 NULL),
	COMMAND(ASPACE_CREATE, 12, zvm_aspace_create, .makes = MAKES_VMAR, .out = 4,
		ARGS(SLOT_DEVICE,
		MEMBER(zvm_aspace_create, kind, A_ONE_OF, .names = kinds),
		MEMBER(zvm_aspace_create, base, A_ONE_OF, .names = bases),
		MEMBER(zvm_aspace_create, length, A_ONE_OF, .names = lengths),
		MEMBER(zvm_aspace_create, out_handle, A_OUT))),
	COMMAND(ASPACE_ADOPT, 12, zvm_aspace_adopt, .needs = need_all_of_root, ARGS(SLOT_VMAR,
		MEMBER(zvm_aspace_adopt, tag, A_TAG),
		MEMBER(zvm_aspace_adopt, out_addr, A_OUT, .from = 8))),
	PROCESS(PROCESS_READ, need_read),
	PROCESS(PROCESS_WRITE, need_write),
	{ .name = NULL }
};
