// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Values and layouts of the library's headers. The numbers here are the ones
 * of the specification, typed in once more: a slip in a header shows.
 */
#include "kselftest_harness.h"
#include "zvm_test.h"

#define SIZE(type, bytes) ZT_EXPECT_U64(bytes, sizeof(type))
#define OFF(type, member, bytes) ZT_EXPECT_U64(bytes, offsetof(type, member))
#define VAL(name, value) ZT_EXPECT_U64(value, name)

TEST(C_001_info_vmo_layout)
{
	SIZE(zx_info_vmo_t, 176);
	OFF(zx_info_vmo_t, koid, 0);
	OFF(zx_info_vmo_t, name, 8);
	OFF(zx_info_vmo_t, size_bytes, 40);
	OFF(zx_info_vmo_t, parent_koid, 48);
	OFF(zx_info_vmo_t, num_children, 56);
	OFF(zx_info_vmo_t, num_mappings, 64);
	OFF(zx_info_vmo_t, share_count, 72);
	OFF(zx_info_vmo_t, flags, 80);
	OFF(zx_info_vmo_t, committed_bytes, 88);
	OFF(zx_info_vmo_t, handle_rights, 96);
	OFF(zx_info_vmo_t, cache_policy, 100);
	OFF(zx_info_vmo_t, metadata_bytes, 104);
	OFF(zx_info_vmo_t, committed_change_events, 112);
	OFF(zx_info_vmo_t, populated_bytes, 120);
	OFF(zx_info_vmo_t, committed_private_bytes, 128);
	OFF(zx_info_vmo_t, populated_private_bytes, 136);
	OFF(zx_info_vmo_t, committed_scaled_bytes, 144);
	OFF(zx_info_vmo_t, populated_scaled_bytes, 152);
	OFF(zx_info_vmo_t, committed_fractional_scaled_bytes, 160);
	OFF(zx_info_vmo_t, populated_fractional_scaled_bytes, 168);
}

TEST(C_002_info_maps_layout)
{
	SIZE(zx_info_maps_t, 152);
	OFF(zx_info_maps_t, name, 0);
	OFF(zx_info_maps_t, base, 32);
	OFF(zx_info_maps_t, size, 40);
	OFF(zx_info_maps_t, depth, 48);
	OFF(zx_info_maps_t, type, 56);
	OFF(zx_info_maps_t, u, 64);
	SIZE(zx_info_maps_mapping_t, 88);
	OFF(zx_info_maps_mapping_t, mmu_flags, 0);
	OFF(zx_info_maps_mapping_t, vmo_koid, 8);
	OFF(zx_info_maps_mapping_t, vmo_offset, 16);
	OFF(zx_info_maps_mapping_t, committed_bytes, 24);
	OFF(zx_info_maps_mapping_t, populated_bytes, 32);
	OFF(zx_info_maps_mapping_t, committed_private_bytes, 40);
	OFF(zx_info_maps_mapping_t, populated_private_bytes, 48);
	OFF(zx_info_maps_mapping_t, committed_scaled_bytes, 56);
	OFF(zx_info_maps_mapping_t, populated_scaled_bytes, 64);
	OFF(zx_info_maps_mapping_t, committed_fractional_scaled_bytes, 72);
	OFF(zx_info_maps_mapping_t, populated_fractional_scaled_bytes, 80);
	SIZE(zx_info_vmar_t, 16);
	OFF(zx_info_vmar_t, base, 0);
	OFF(zx_info_vmar_t, len, 8);
}

TEST(C_003_info_handle_basic_layout)
{
	SIZE(zx_info_handle_basic_t, 32);
	OFF(zx_info_handle_basic_t, koid, 0);
	OFF(zx_info_handle_basic_t, rights, 8);
	OFF(zx_info_handle_basic_t, type, 12);
	OFF(zx_info_handle_basic_t, related_koid, 16);
	OFF(zx_info_handle_basic_t, reserved, 24);
	SIZE(zx_info_handle_count_t, 4);
	OFF(zx_info_handle_count_t, handle_count, 0);
}

TEST(C_004_port_packet_layout)
{
	SIZE(zx_port_packet_t, 48);
	OFF(zx_port_packet_t, key, 0);
	OFF(zx_port_packet_t, type, 8);
	OFF(zx_port_packet_t, status, 12);
	OFF(zx_port_packet_t, user, 16);
	OFF(zx_port_packet_t, signal, 16);
	OFF(zx_port_packet_t, page_request, 16);
	SIZE(zx_packet_user_t, 32);
	SIZE(zx_packet_signal_t, 32);
	OFF(zx_packet_signal_t, trigger, 0);
	OFF(zx_packet_signal_t, observed, 4);
	OFF(zx_packet_signal_t, count, 8);
	OFF(zx_packet_signal_t, timestamp, 16);
}

TEST(C_005_page_request_layout)
{
	SIZE(zx_packet_page_request_t, 32);
	OFF(zx_packet_page_request_t, command, 0);
	OFF(zx_packet_page_request_t, flags, 2);
	OFF(zx_packet_page_request_t, offset, 8);
	OFF(zx_packet_page_request_t, length, 16);
}

TEST(C_006_small_structs)
{
	SIZE(zx_vmo_lock_state_t, 32);
	OFF(zx_vmo_lock_state_t, offset, 0);
	OFF(zx_vmo_lock_state_t, size, 8);
	OFF(zx_vmo_lock_state_t, discarded_offset, 16);
	OFF(zx_vmo_lock_state_t, discarded_size, 24);
	SIZE(zx_vmo_dirty_range_t, 24);
	OFF(zx_vmo_dirty_range_t, offset, 0);
	OFF(zx_vmo_dirty_range_t, length, 8);
	OFF(zx_vmo_dirty_range_t, options, 16);
	SIZE(zx_iovec_t, 16);
	OFF(zx_iovec_t, buffer, 0);
	OFF(zx_iovec_t, capacity, 8);
	SIZE(zx_wait_item_t, 12);
	OFF(zx_wait_item_t, handle, 0);
	OFF(zx_wait_item_t, waitfor, 4);
	OFF(zx_wait_item_t, pending, 8);
	SIZE(zx_pager_vmo_stats_t, 4);
	OFF(zx_pager_vmo_stats_t, modified, 0);
}

TEST(C_007_default_rights)
{
	VAL(ZX_DEFAULT_VMO_RIGHTS, 0xD0EF);
	VAL(ZX_DEFAULT_PAGER_RIGHTS, 0x01808002);
	VAL(ZX_DEFAULT_STREAM_RIGHTS, 0xD0C3);
	VAL(ZX_DEFAULT_VMAR_RIGHTS, 0x00208003);
	VAL(ZX_DEFAULT_BTI_RIGHTS, 0x80EF);
	VAL(ZX_DEFAULT_PMT_RIGHTS, 0x8000);
	VAL(ZX_RIGHTS_BASIC, 0xC003);
	VAL(ZX_RIGHTS_IO, 0xC);
	VAL(ZX_RIGHTS_PROPERTY, 0xC0);
}

TEST(rights_bits)
{
	VAL(ZX_RIGHT_NONE, 0);
	VAL(ZX_RIGHT_DUPLICATE, 0x1);
	VAL(ZX_RIGHT_TRANSFER, 0x2);
	VAL(ZX_RIGHT_READ, 0x4);
	VAL(ZX_RIGHT_WRITE, 0x8);
	VAL(ZX_RIGHT_EXECUTE, 0x10);
	VAL(ZX_RIGHT_MAP, 0x20);
	VAL(ZX_RIGHT_GET_PROPERTY, 0x40);
	VAL(ZX_RIGHT_SET_PROPERTY, 0x80);
	VAL(ZX_RIGHT_ENUMERATE, 0x100);
	VAL(ZX_RIGHT_DESTROY, 0x200);
	VAL(ZX_RIGHT_SIGNAL, 0x1000);
	VAL(ZX_RIGHT_SIGNAL_PEER, 0x2000);
	VAL(ZX_RIGHT_WAIT, 0x4000);
	VAL(ZX_RIGHT_INSPECT, 0x8000);
	VAL(ZX_RIGHT_OP_CHILDREN, 0x200000);
	VAL(ZX_RIGHT_RESIZE, 0x400000);
	VAL(ZX_RIGHT_ATTACH_VMO, 0x800000);
	VAL(ZX_RIGHT_MANAGE_VMO, 0x1000000);
	VAL(ZX_RIGHT_SAME_RIGHTS, 0x80000000);
}

TEST(basic_types)
{
	SIZE(zx_status_t, 4);
	SIZE(zx_handle_t, 4);
	SIZE(zx_rights_t, 4);
	SIZE(zx_signals_t, 4);
	SIZE(zx_koid_t, 8);
	SIZE(zx_vm_option_t, 4);
	SIZE(zx_obj_type_t, 4);
	SIZE(zx_vaddr_t, sizeof(void *));
	SIZE(zx_off_t, 8);
	SIZE(zx_time_t, 8);
	SIZE(zx_duration_t, 8);
	EXPECT_LT((zx_status_t)-1, 0);
	EXPECT_LT((zx_time_t)-1, 0);
	EXPECT_GT((zx_handle_t)-1, 0u);
	EXPECT_GT((zx_off_t)-1, 0u);
	VAL(ZX_HANDLE_INVALID, 0);
	VAL(ZX_HANDLE_FIXED_BITS_MASK, 3);
	VAL(ZX_KOID_INVALID, 0);
	VAL(ZX_KOID_KERNEL, 1);
	VAL(ZX_KOID_FIRST, 1024);
	VAL(ZX_MAX_NAME_LEN, 32);
	EXPECT_EQ(INT64_MAX, (int64_t)ZX_TIME_INFINITE);
	EXPECT_EQ(INT64_MIN, (int64_t)ZX_TIME_INFINITE_PAST);
}

static const struct {
	const char *name;
	zx_status_t value, want;
} statuses[] = {
#define S(name, want) { #name, name, want }
	S(ZX_OK, 0),
	S(ZX_ERR_INTERNAL, -1),
	S(ZX_ERR_NOT_SUPPORTED, -2),
	S(ZX_ERR_NO_RESOURCES, -3),
	S(ZX_ERR_NO_MEMORY, -4),
	S(ZX_ERR_INTERNAL_INTR_RETRY, -6),
	S(ZX_ERR_INVALID_ARGS, -10),
	S(ZX_ERR_BAD_HANDLE, -11),
	S(ZX_ERR_WRONG_TYPE, -12),
	S(ZX_ERR_BAD_SYSCALL, -13),
	S(ZX_ERR_OUT_OF_RANGE, -14),
	S(ZX_ERR_BUFFER_TOO_SMALL, -15),
	S(ZX_ERR_BAD_STATE, -20),
	S(ZX_ERR_TIMED_OUT, -21),
	S(ZX_ERR_SHOULD_WAIT, -22),
	S(ZX_ERR_CANCELED, -23),
	S(ZX_ERR_PEER_CLOSED, -24),
	S(ZX_ERR_NOT_FOUND, -25),
	S(ZX_ERR_ALREADY_EXISTS, -26),
	S(ZX_ERR_ALREADY_BOUND, -27),
	S(ZX_ERR_UNAVAILABLE, -28),
	S(ZX_ERR_ACCESS_DENIED, -30),
	S(ZX_ERR_IO, -40),
	S(ZX_ERR_IO_REFUSED, -41),
	S(ZX_ERR_IO_DATA_INTEGRITY, -42),
	S(ZX_ERR_IO_DATA_LOSS, -43),
	S(ZX_ERR_IO_NOT_PRESENT, -44),
	S(ZX_ERR_IO_OVERRUN, -45),
	S(ZX_ERR_IO_MISSED_DEADLINE, -46),
	S(ZX_ERR_IO_INVALID, -47),
	S(ZX_ERR_BAD_PATH, -50),
	S(ZX_ERR_NOT_DIR, -51),
	S(ZX_ERR_NOT_FILE, -52),
	S(ZX_ERR_FILE_BIG, -53),
	S(ZX_ERR_NO_SPACE, -54),
	S(ZX_ERR_NOT_EMPTY, -55),
	S(ZX_ERR_STOP, -60),
	S(ZX_ERR_NEXT, -61),
	S(ZX_ERR_ASYNC, -62),
	S(ZX_ERR_PROTOCOL_NOT_SUPPORTED, -70),
	S(ZX_ERR_ADDRESS_UNREACHABLE, -71),
	S(ZX_ERR_ADDRESS_IN_USE, -72),
	S(ZX_ERR_NOT_CONNECTED, -73),
	S(ZX_ERR_CONNECTION_REFUSED, -74),
	S(ZX_ERR_CONNECTION_RESET, -75),
	S(ZX_ERR_CONNECTION_ABORTED, -76),
#undef S
};

TEST(status_codes_and_their_names)
{
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		const char *s = zx_status_get_string(statuses[i].value);

		EXPECT_EQ(statuses[i].want, statuses[i].value)
			TH_LOG("%s", statuses[i].name);
		ASSERT_NE(NULL, s);
		EXPECT_STREQ(statuses[i].name, s);
	}
}

/* Any number gets some string, and none that belongs to a real status. */
TEST(status_string_of_unknown_values)
{
	static const zx_status_t odd[] = { 1, 42, -5, -7, -9, -29, -39, -100, -1000000,
					   INT32_MAX, INT32_MIN };

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		const char *s = zx_status_get_string(odd[i]);

		ASSERT_NE(NULL, s);
		EXPECT_GT(strlen(s), 0u);
		for (size_t k = 0; k < ARRAY_SIZE(statuses); k++) {
			EXPECT_STRNE(statuses[k].name, s) TH_LOG("value %d", odd[i]);
		}
	}
}

TEST(object_types)
{
	VAL(ZX_OBJ_TYPE_NONE, 0);
	VAL(ZX_OBJ_TYPE_PROCESS, 1);
	VAL(ZX_OBJ_TYPE_VMO, 3);
	VAL(ZX_OBJ_TYPE_EVENT, 5);
	VAL(ZX_OBJ_TYPE_PORT, 6);
	VAL(ZX_OBJ_TYPE_VMAR, 18);
	VAL(ZX_OBJ_TYPE_PAGER, 28);
	VAL(ZX_OBJ_TYPE_STREAM, 31);
}

TEST(vmo_values)
{
	VAL(ZX_VMO_RESIZABLE, 1u << 1);
	VAL(ZX_VMO_DISCARDABLE, 1u << 2);
	VAL(ZX_VMO_TRAP_DIRTY, 1u << 3);
	VAL(ZX_VMO_UNBOUNDED, 1u << 4);
	VAL(ZX_VMO_OP_COMMIT, 1);
	VAL(ZX_VMO_OP_DECOMMIT, 2);
	VAL(ZX_VMO_OP_LOCK, 3);
	VAL(ZX_VMO_OP_UNLOCK, 4);
	VAL(ZX_VMO_OP_CACHE_SYNC, 6);
	VAL(ZX_VMO_OP_CACHE_INVALIDATE, 7);
	VAL(ZX_VMO_OP_CACHE_CLEAN, 8);
	VAL(ZX_VMO_OP_CACHE_CLEAN_INVALIDATE, 9);
	VAL(ZX_VMO_OP_ZERO, 10);
	VAL(ZX_VMO_OP_TRY_LOCK, 11);
	VAL(ZX_VMO_OP_DONT_NEED, 12);
	VAL(ZX_VMO_OP_ALWAYS_NEED, 13);
	VAL(ZX_VMO_OP_PREFETCH, 14);
	VAL(ZX_CACHE_POLICY_CACHED, 0);
	VAL(ZX_CACHE_POLICY_UNCACHED, 1);
	VAL(ZX_CACHE_POLICY_UNCACHED_DEVICE, 2);
	VAL(ZX_CACHE_POLICY_WRITE_COMBINING, 3);
	VAL(ZX_CACHE_POLICY_MASK, 3);
}

TEST(vmar_values)
{
	VAL(ZX_VM_PERM_READ, 0x1);
	VAL(ZX_VM_PERM_WRITE, 0x2);
	VAL(ZX_VM_PERM_EXECUTE, 0x4);
	VAL(ZX_VM_COMPACT, 0x8);
	VAL(ZX_VM_SPECIFIC, 0x10);
	VAL(ZX_VM_SPECIFIC_OVERWRITE, 0x20);
	VAL(ZX_VM_CAN_MAP_SPECIFIC, 0x40);
	VAL(ZX_VM_CAN_MAP_READ, 0x80);
	VAL(ZX_VM_CAN_MAP_WRITE, 0x100);
	VAL(ZX_VM_CAN_MAP_EXECUTE, 0x200);
	VAL(ZX_VM_MAP_RANGE, 0x400);
	VAL(ZX_VM_REQUIRE_NON_RESIZABLE, 0x800);
	VAL(ZX_VM_ALLOW_FAULTS, 0x1000);
	VAL(ZX_VM_OFFSET_IS_UPPER_LIMIT, 0x2000);
	VAL(ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED, 0x4000);
	VAL(ZX_VM_FAULT_BEYOND_STREAM_SIZE, 0x8000);
	VAL(ZX_VM_ALIGN_BASE, 24);
	VAL(ZX_VM_ALIGN_1KB, 10u << 24);
	VAL(ZX_VM_ALIGN_4KB, 12u << 24);
	VAL(ZX_VM_ALIGN_64KB, 16u << 24);
	VAL(ZX_VM_ALIGN_1MB, 20u << 24);
	VAL(ZX_VM_ALIGN_2MB, 21u << 24);
	VAL(ZX_VM_ALIGN_1GB, 30u << 24);
	VAL(ZX_VM_ALIGN_4GB, 32u << 24);
	VAL(ZX_VMAR_OP_COMMIT, 1);
	VAL(ZX_VMAR_OP_DECOMMIT, 2);
	VAL(ZX_VMAR_OP_MAP_RANGE, 3);
	VAL(ZX_VMAR_OP_ZERO, 10);
	VAL(ZX_VMAR_OP_DONT_NEED, 12);
	VAL(ZX_VMAR_OP_ALWAYS_NEED, 13);
	VAL(ZX_VMAR_OP_PREFETCH, 14);
}

TEST(info_and_property_values)
{
	VAL(ZX_INFO_HANDLE_VALID, 1);
	VAL(ZX_INFO_HANDLE_BASIC, 2);
	VAL(ZX_INFO_VMAR, 7);
	VAL(ZX_INFO_HANDLE_COUNT, 19);
	VAL(ZX_INFO_VMO, 0x30000017);
	VAL(ZX_INFO_VMO_V3, 0x20000017);
	VAL(ZX_INFO_VMO_V2, 0x10000017);
	VAL(ZX_INFO_VMO_V1, 0x00000017);
	VAL(ZX_INFO_VMAR_MAPS, 36);
	VAL(ZX_INFO_VMO_TYPE_PAGED, 1u << 0);
	VAL(ZX_INFO_VMO_RESIZABLE, 1u << 1);
	VAL(ZX_INFO_VMO_IS_COW_CLONE, 1u << 2);
	VAL(ZX_INFO_VMO_VIA_HANDLE, 1u << 3);
	VAL(ZX_INFO_VMO_VIA_MAPPING, 1u << 4);
	VAL(ZX_INFO_VMO_PAGER_BACKED, 1u << 5);
	VAL(ZX_INFO_VMO_CONTIGUOUS, 1u << 6);
	VAL(ZX_INFO_VMO_DISCARDABLE, 1u << 7);
	VAL(ZX_INFO_VMO_IMMUTABLE, 1u << 8);
	VAL(ZX_INFO_MAPS_TYPE_NONE, 0);
	VAL(ZX_INFO_MAPS_TYPE_ASPACE, 1);
	VAL(ZX_INFO_MAPS_TYPE_VMAR, 2);
	VAL(ZX_INFO_MAPS_TYPE_MAPPING, 3);
	VAL(ZX_PROP_NAME, 3);
	VAL(ZX_PROP_VMO_CONTENT_SIZE, 17);
	VAL(ZX_PROP_STREAM_MODE_APPEND, 19);
	VAL(ZX_VMO_ZERO_CHILDREN, 8);
}

TEST(C_008_handle_values_have_both_low_bits)
{
	zx_handle_t root = zx_vmar_root_self();
	zx_handle_t h[64];

	EXPECT_EQ(3u, root & 3u);
	for (size_t i = 0; i < ARRAY_SIZE(h); i++) {
		h[i] = i % 2 ? zt_dup(h[i - 1], ZX_RIGHT_SAME_RIGHTS) : zt_vmo(1, 0);
		ASSERT_NE(0u, h[i]);
		EXPECT_EQ(3u, h[i] & 3u);
		for (size_t k = 0; k < i; k++) {
			EXPECT_NE(h[k], h[i]);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(h); i++)
		ZT_EXPECT_OK(zx_handle_close(h[i]));
}

TEST(C_009_page_size)
{
	uint64_t p = zx_system_get_page_size();
	zx_handle_t vmo;

	EXPECT_EQ((uint64_t)sysconf(_SC_PAGESIZE), p);
#ifdef __x86_64__
	EXPECT_EQ(4096u, p);
#endif
	vmo = zt_vmo(p - 1, 0);
	ASSERT_NE(0u, vmo);
	EXPECT_EQ(p, zt_size(vmo));
	ZT_EXPECT_OK(zx_handle_close(vmo));
	vmo = zt_vmo(p + 1, 0);
	ASSERT_NE(0u, vmo);
	EXPECT_EQ(2 * p, zt_size(vmo));
	ZT_EXPECT_OK(zx_handle_close(vmo));
}

/* Time: needed for deadlines, and saturating at both ends. */
TEST(clock_and_deadlines)
{
	uint64_t t0 = zt_now_ns();
	zx_time_t t = zx_clock_get_monotonic();
	uint64_t t1 = zt_now_ns();
	zx_time_t d;

	EXPECT_LE(t0, (uint64_t)t);
	EXPECT_LE((uint64_t)t, t1);
	d = zx_deadline_after(1000000000);
	EXPECT_LE(t + 1000000000, d);
	EXPECT_LE(d, zx_clock_get_monotonic() + 1000000000);
	EXPECT_EQ((zx_time_t)ZX_TIME_INFINITE, zx_deadline_after(INT64_MAX));
	EXPECT_EQ((zx_time_t)ZX_TIME_INFINITE, zx_deadline_after(INT64_MAX - 1));
	EXPECT_LT(zx_deadline_after(-1000), zx_clock_get_monotonic());
	EXPECT_LT(zx_deadline_after(INT64_MIN), 0);
}

TEST_HARNESS_MAIN
