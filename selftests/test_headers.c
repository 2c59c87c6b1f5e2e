// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * The headers as C programs written for Zircon use them: every call and every
 * record, in the idioms of that code. That it compiles is half of the test; the
 * other half is that it works. headers_cxx.cc is the same for C++.
 */
#include "kselftest_harness.h"

#include <stdbool.h>
#include <string.h>

#include <zircon/compiler.h>
#include <zircon/errors.h>
#include <zircon/limits.h>
#include <zircon/process.h>
#include <zircon/rights.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/object.h>
#include <zircon/syscalls/pager.h>
#include <zircon/syscalls/port.h>
#include <zircon/syscalls/types.h>
#include <zircon/time.h>
#include <zircon/types.h>

#define EXPECT_STATUS(want, call) \
	EXPECT_STREQ(zx_status_get_string(want), zx_status_get_string(call))
#define EXPECT_OK(call) EXPECT_STATUS(ZX_OK, call)

TEST(vmo_calls)
{
	const size_t page_size = zx_system_get_page_size();
	zx_handle_t vmo = ZX_HANDLE_INVALID, exec = ZX_HANDLE_INVALID;
	zx_info_vmo_t info = { .koid = ZX_KOID_INVALID };
	zx_vmo_lock_state_t lock_state = { .offset = 1 };
	char name[ZX_MAX_NAME_LEN] = "";
	char data[16] = "";
	uint64_t size = 0, stream = 17;

	ASSERT_EQ(ZX_OK, zx_vmo_create(2 * page_size, ZX_VMO_RESIZABLE, &vmo));
	EXPECT_OK(zx_vmo_write(vmo, "hello", 10, 6));
	EXPECT_OK(zx_vmo_read(vmo, data, 10, 6));
	EXPECT_STREQ("hello", data);
	EXPECT_OK(zx_vmo_set_size(vmo, 4 * page_size));
	EXPECT_OK(zx_vmo_get_size(vmo, &size));
	EXPECT_EQ(4 * page_size, size);
	EXPECT_OK(zx_vmo_set_stream_size(vmo, 100));
	EXPECT_OK(zx_vmo_get_stream_size(vmo, &size));
	EXPECT_EQ(100u, size);
	EXPECT_OK(zx_object_set_property(vmo, ZX_PROP_VMO_CONTENT_SIZE, &stream, sizeof(stream)));
	EXPECT_OK(zx_object_get_property(vmo, ZX_PROP_VMO_CONTENT_SIZE, &size, sizeof(size)));
	EXPECT_EQ(17u, size);
	EXPECT_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 0, page_size, NULL, 0));
	EXPECT_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_ZERO, 0, page_size, NULL, 0));
	EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
		      zx_vmo_op_range(vmo, ZX_VMO_OP_LOCK, 0, 4 * page_size, &lock_state,
				      sizeof(lock_state)));
	EXPECT_OK(zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_CACHED));

	EXPECT_OK(zx_object_set_property(vmo, ZX_PROP_NAME, "header test", strlen("header test")));
	EXPECT_OK(zx_object_get_property(vmo, ZX_PROP_NAME, name, sizeof(name)));
	EXPECT_STREQ("header test", name);
	EXPECT_OK(zx_object_get_info(vmo, ZX_INFO_VMO, &info, sizeof(info), NULL, NULL));
	EXPECT_EQ(ZX_INFO_VMO_TYPE_PAGED, ZX_INFO_VMO_TYPE(info.flags));
	EXPECT_TRUE(info.flags & ZX_INFO_VMO_RESIZABLE);
	EXPECT_EQ(ZX_DEFAULT_VMO_RIGHTS | ZX_RIGHT_RESIZE, info.handle_rights);

	EXPECT_OK(zx_vmo_replace_as_executable(vmo, ZX_HANDLE_INVALID, &exec));
	EXPECT_OK(zx_handle_close(exec));
}

TEST(vmar_calls)
{
	const zx_vm_option_t perms = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE;
	const size_t page_size = zx_system_get_page_size();
	zx_handle_t vmar = ZX_HANDLE_INVALID, vmo = ZX_HANDLE_INVALID;
	zx_vaddr_t base = 0, addr = 0;
	zx_info_maps_t maps[4] = { { .base = 0 } };
	zx_info_vmar_t info = { .base = 0, .len = 0 };
	size_t actual = 0, avail = 0;

	ASSERT_EQ(ZX_OK, zx_vmar_allocate(zx_vmar_root_self(),
					  ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE |
					  ZX_VM_CAN_MAP_SPECIFIC | ZX_VM_ALIGN_2MB,
					  0, 16 * page_size, &vmar, &base));
	EXPECT_EQ(0u, base % (2u << 20));
	EXPECT_OK(zx_object_get_info(vmar, ZX_INFO_VMAR, &info, sizeof(info), NULL, NULL));
	EXPECT_EQ(base, info.base);
	EXPECT_EQ(16 * page_size, info.len);

	ASSERT_EQ(ZX_OK, zx_vmo_create(page_size, 0, &vmo));
	ASSERT_EQ(ZX_OK, zx_vmar_map(vmar, perms | ZX_VM_SPECIFIC, page_size, vmo, 0, page_size,
				     &addr));
	EXPECT_EQ(base + page_size, addr);
	*(volatile int *)addr = 42;
	EXPECT_OK(zx_vmar_op_range(vmar, ZX_VMAR_OP_COMMIT, addr, page_size, NULL, 0));
	EXPECT_OK(zx_vmar_protect(vmar, ZX_VM_PERM_READ, addr, page_size));
	EXPECT_EQ(42, *(volatile int *)addr);

	EXPECT_OK(zx_object_get_info(vmar, ZX_INFO_VMAR_MAPS, maps, sizeof(maps), &actual, &avail));
	EXPECT_EQ(2u, actual);
	EXPECT_EQ(2u, avail);
	EXPECT_EQ(ZX_INFO_MAPS_TYPE_VMAR, maps[0].type);
	EXPECT_EQ(ZX_INFO_MAPS_TYPE_MAPPING, maps[1].type);
	EXPECT_EQ(ZX_VM_PERM_READ, maps[1].u.mapping.mmu_flags);

	EXPECT_OK(zx_vmar_unmap(vmar, addr, page_size));
	EXPECT_OK(zx_vmar_destroy(vmar));
	EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmar_unmap(vmar, addr, page_size));
	EXPECT_STATUS(ZX_ERR_BAD_STATE,
		      zx_vmar_unmap_handle_close_thread_exit(vmar, addr, page_size, vmo));
	EXPECT_OK(zx_handle_close(vmar));
	EXPECT_OK(zx_handle_close(vmo));
}

TEST(bti_calls)
{
	const size_t page_size = zx_system_get_page_size();
	zx_handle_t bti = ZX_HANDLE_INVALID, vmo = ZX_HANDLE_INVALID, pmt = ZX_HANDLE_INVALID;
	zx_paddr_t addrs[2] = { 0, 0 };
	zx_info_bti_t info = { .pmo_count = 0 };

	ASSERT_EQ(ZX_OK, zx_bti_create(ZX_HANDLE_INVALID, 0, 4711, &bti));
	ASSERT_EQ(ZX_OK, zx_vmo_create_contiguous(bti, 2 * page_size, 0, &vmo));
	/* Addresses are not for everybody. */
	if (zx_bti_pin(bti, ZX_BTI_PERM_READ | ZX_BTI_PERM_WRITE, vmo, 0, 2 * page_size, addrs, 2,
		       &pmt) == ZX_OK) {
		EXPECT_EQ(addrs[0] + page_size, addrs[1]);
	} else {
		EXPECT_OK(zx_bti_pin(bti, ZX_BTI_PERM_READ | ZX_BTI_CONTIGUOUS, vmo, 0,
				     2 * page_size, NULL, 0, &pmt));
	}
	EXPECT_OK(zx_object_get_info(bti, ZX_INFO_BTI, &info, sizeof(info), NULL, NULL));
	EXPECT_EQ(1u, info.pmo_count);
	EXPECT_OK(zx_pmt_unpin(pmt));
	EXPECT_OK(zx_bti_release_quarantine(bti));
	EXPECT_OK(zx_handle_close(vmo));
	EXPECT_OK(zx_handle_close(bti));
}

TEST(handle_calls)
{
	zx_handle_t handles[3] = { ZX_HANDLE_INVALID, ZX_HANDLE_INVALID, ZX_HANDLE_INVALID };
	zx_info_handle_basic_t basic = { .koid = ZX_KOID_INVALID };
	zx_info_handle_count_t count = { .handle_count = 0 };

	ASSERT_EQ(ZX_OK, zx_vmo_create(1, 0, &handles[0]));
	EXPECT_OK(zx_handle_duplicate(handles[0], ZX_RIGHT_SAME_RIGHTS, &handles[1]));
	EXPECT_OK(zx_handle_replace(handles[1], ZX_RIGHTS_BASIC | ZX_RIGHTS_IO, &handles[2]));
	EXPECT_STATUS(ZX_ERR_NOT_FOUND, zx_handle_check_valid(handles[1]));
	EXPECT_OK(zx_handle_check_valid(handles[2]));
	EXPECT_OK(zx_object_get_info(handles[2], ZX_INFO_HANDLE_VALID, NULL, 0, NULL, NULL));
	EXPECT_OK(zx_object_get_info(handles[2], ZX_INFO_HANDLE_BASIC, &basic, sizeof(basic), NULL,
				     NULL));
	EXPECT_EQ(ZX_OBJ_TYPE_VMO, basic.type);
	EXPECT_EQ(ZX_RIGHTS_BASIC | ZX_RIGHTS_IO, basic.rights);
	EXPECT_LE(ZX_KOID_FIRST, basic.koid);
	EXPECT_OK(zx_object_get_info(handles[2], ZX_INFO_HANDLE_COUNT, &count, sizeof(count), NULL,
				     NULL));
	EXPECT_EQ(2u, count.handle_count);
	handles[1] = ZX_HANDLE_INVALID;
	EXPECT_OK(zx_handle_close_many(handles, 3));
}

TEST(time_calls)
{
	const zx_instant_mono_t now = zx_clock_get_monotonic();
	const zx_time_t later = zx_deadline_after(ZX_SEC(5));
	static const zx_duration_t constants[] = {
		ZX_NSEC(1), ZX_USEC(1), ZX_MSEC(1), ZX_SEC(1), ZX_MIN(1), ZX_HOUR(1),
	};

	EXPECT_LE(ZX_SEC(5), zx_time_sub_time(later, now));
	EXPECT_EQ(zx_duration_from_nsec(1), constants[0]);
	EXPECT_EQ(zx_duration_from_usec(1), constants[1]);
	EXPECT_EQ(zx_duration_from_msec(1), constants[2]);
	EXPECT_EQ(zx_duration_from_sec(1), constants[3]);
	EXPECT_EQ(zx_duration_from_min(1), constants[4]);
	EXPECT_EQ(zx_duration_from_hour(1), constants[5]);
	EXPECT_EQ(3600, zx_nsec_from_duration(ZX_HOUR(1)) / ZX_SEC(1));

	EXPECT_EQ(ZX_TIME_INFINITE, zx_time_add_duration(ZX_TIME_INFINITE, 1));
	EXPECT_EQ(ZX_TIME_INFINITE_PAST, zx_time_add_duration(ZX_TIME_INFINITE_PAST, -1));
	EXPECT_EQ(ZX_TIME_INFINITE_PAST, zx_time_sub_duration(ZX_TIME_INFINITE_PAST, 1));
	EXPECT_EQ(ZX_TIME_INFINITE, zx_time_sub_duration(0, INT64_MIN));
	EXPECT_EQ(ZX_TIME_INFINITE, zx_duration_add_duration(INT64_MAX - 1, 2));
	EXPECT_EQ(ZX_TIME_INFINITE_PAST, zx_duration_sub_duration(INT64_MIN + 1, 2));
	EXPECT_EQ(ZX_TIME_INFINITE, zx_duration_mul_int64(ZX_HOUR(1), INT64_MAX));
	EXPECT_EQ(ZX_TIME_INFINITE_PAST, zx_duration_mul_int64(ZX_HOUR(1), INT64_MIN));
	EXPECT_EQ(ZX_TIME_INFINITE_PAST, zx_duration_from_hour(INT64_MIN));
	EXPECT_EQ(6, zx_duration_mul_int64(-2, -3));
}

/* The records of calls that only need them to be there. */
TEST(records)
{
	zx_port_packet_t packet = {
		.key = 1,
		.type = ZX_PKT_TYPE_PAGE_REQUEST,
		.status = ZX_OK,
		.page_request = { .command = ZX_PAGER_VMO_READ, .offset = 0, .length = 4096 },
	};
	zx_wait_item_t item = {
		.handle = ZX_HANDLE_INVALID,
		.waitfor = ZX_VMO_ZERO_CHILDREN,
		.pending = ZX_SIGNAL_NONE,
	};
	zx_iovec_t vector = { .buffer = &packet, .capacity = sizeof(packet) };
	zx_vmo_dirty_range_t range = { .offset = 0, .length = 1, .options = ZX_VMO_DIRTY_RANGE_IS_ZERO };
	zx_pager_vmo_stats_t stats = { .modified = ZX_PAGER_VMO_STATS_MODIFIED };
	zx_info_stream_t stream = { .options = ZX_STREAM_MODE_READ, .seek = 3 };

	EXPECT_TRUE(ZX_PKT_IS_PAGE_REQUEST(packet.type));
	EXPECT_FALSE(ZX_PKT_IS_USER(packet.type));
	/* One memory, several views. */
	EXPECT_EQ(4096u, packet.user.u64[2]);
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN, item.waitfor);
	EXPECT_EQ(48u, vector.capacity);
	EXPECT_EQ(1u, range.options);
	EXPECT_EQ(1u, stats.modified);
	EXPECT_EQ(3u, stream.seek);
}

__BEGIN_CDECLS
static int branches(int x) __NO_INLINE;
__END_CDECLS

static int branches(int x)
{
	switch (x) {
	case 0:
		x++;
		__FALLTHROUGH;
	case 1:
		return x + 1;
	default:
		return likely(x > 0) ? x : unlikely(x < -1) ? -1 : 0;
	}
}

TEST(compiler_macros)
{
	__UNUSED int nobody = 0;
	static char aligned[64] __ALIGNED(64);

	EXPECT_EQ(2, branches(0));
	EXPECT_EQ(5, branches(5));
	EXPECT_EQ(0u, (uintptr_t)aligned % 64);
}

TEST_HARNESS_MAIN
