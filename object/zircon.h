/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Zircon's numbers and records, as far as the kernel side needs them. The
 * library's headers have them all.
 */
#ifndef ZVM_OBJECT_ZIRCON_H
#define ZVM_OBJECT_ZIRCON_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

#define ZX_MAX_NAME_LEN			32
#define ZX_KOID_FIRST			1024

#define ZX_OBJ_TYPE_NONE		0
#define ZX_OBJ_TYPE_VMO			3
#define ZX_OBJ_TYPE_VMAR		18
#define ZX_OBJ_TYPE_BTI			24
#define ZX_OBJ_TYPE_PMT			26

#define ZX_RIGHT_DUPLICATE		BIT(0)
#define ZX_RIGHT_TRANSFER		BIT(1)
#define ZX_RIGHT_READ			BIT(2)
#define ZX_RIGHT_WRITE			BIT(3)
#define ZX_RIGHT_EXECUTE		BIT(4)
#define ZX_RIGHT_MAP			BIT(5)
#define ZX_RIGHT_GET_PROPERTY		BIT(6)
#define ZX_RIGHT_SET_PROPERTY		BIT(7)
#define ZX_RIGHT_SIGNAL			BIT(12)
#define ZX_RIGHT_WAIT			BIT(14)
#define ZX_RIGHT_INSPECT		BIT(15)
#define ZX_RIGHT_OP_CHILDREN		BIT(21)
#define ZX_RIGHT_RESIZE			BIT(22)

#define ZX_RIGHTS_BASIC		(ZX_RIGHT_TRANSFER | ZX_RIGHT_DUPLICATE | \
				 ZX_RIGHT_WAIT | ZX_RIGHT_INSPECT)
#define ZX_RIGHTS_IO		(ZX_RIGHT_READ | ZX_RIGHT_WRITE)
#define ZX_RIGHTS_PROPERTY	(ZX_RIGHT_GET_PROPERTY | ZX_RIGHT_SET_PROPERTY)
#define ZX_DEFAULT_VMO_RIGHTS	(ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | \
				 ZX_RIGHTS_PROPERTY | ZX_RIGHT_MAP | \
				 ZX_RIGHT_SIGNAL)
#define ZX_DEFAULT_VMAR_RIGHTS	((ZX_RIGHTS_BASIC & ~ZX_RIGHT_WAIT) | \
				 ZX_RIGHT_OP_CHILDREN)
#define ZX_DEFAULT_BTI_RIGHTS	((ZX_RIGHTS_BASIC & ~ZX_RIGHT_WAIT) | \
				 ZX_RIGHTS_IO | ZX_RIGHTS_PROPERTY | ZX_RIGHT_MAP)
#define ZX_DEFAULT_PMT_RIGHTS	ZX_RIGHT_INSPECT

#define ZX_VMO_OP_COMMIT		1
#define ZX_VMO_OP_DECOMMIT		2
#define ZX_VMO_OP_LOCK			3
#define ZX_VMO_OP_UNLOCK		4
#define ZX_VMO_OP_CACHE_SYNC		6
#define ZX_VMO_OP_CACHE_INVALIDATE	7
#define ZX_VMO_OP_CACHE_CLEAN		8
#define ZX_VMO_OP_CACHE_CLEAN_INVALIDATE 9
#define ZX_VMO_OP_ZERO			10
#define ZX_VMO_OP_TRY_LOCK		11
#define ZX_VMO_OP_DONT_NEED		12
#define ZX_VMO_OP_ALWAYS_NEED		13
#define ZX_VMO_OP_PREFETCH		14

#define ZX_VMAR_OP_COMMIT		1
#define ZX_VMAR_OP_DECOMMIT		2
#define ZX_VMAR_OP_MAP_RANGE		3
#define ZX_VMAR_OP_ZERO			10
#define ZX_VMAR_OP_DONT_NEED		12
#define ZX_VMAR_OP_ALWAYS_NEED		13
#define ZX_VMAR_OP_PREFETCH		14

#define ZX_VMO_CHILD_SNAPSHOT		BIT(0)
#define ZX_VMO_CHILD_RESIZABLE		BIT(2)
#define ZX_VMO_CHILD_SLICE		BIT(3)
#define ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE BIT(4)
#define ZX_VMO_CHILD_NO_WRITE		BIT(5)
#define ZX_VMO_CHILD_REFERENCE		BIT(6)
#define ZX_VMO_CHILD_SNAPSHOT_MODIFIED	BIT(7)

#define ZX_VMO_ZERO_CHILDREN		BIT(3)
#define ZX_SIGNAL_HANDLE_CLOSED		BIT(23)
#define ZX_USER_SIGNAL_ALL		GENMASK(31, 24)

#define ZX_CACHE_POLICY_CACHED		0
#define ZX_CACHE_POLICY_UNCACHED	1
#define ZX_CACHE_POLICY_UNCACHED_DEVICE	2
#define ZX_CACHE_POLICY_WRITE_COMBINING	3
#define ZX_CACHE_POLICY_MASK		3

#define ZX_BTI_PERM_READ		BIT(0)
#define ZX_BTI_PERM_WRITE		BIT(1)
#define ZX_BTI_PERM_EXECUTE		BIT(2)
#define ZX_BTI_COMPRESS			BIT(3)
#define ZX_BTI_CONTIGUOUS		BIT(4)

#define ZX_VM_PERM_READ			BIT(0)
#define ZX_VM_PERM_WRITE		BIT(1)
#define ZX_VM_PERM_EXECUTE		BIT(2)
#define ZX_VM_COMPACT			BIT(3)
#define ZX_VM_SPECIFIC			BIT(4)
#define ZX_VM_SPECIFIC_OVERWRITE	BIT(5)
#define ZX_VM_CAN_MAP_SPECIFIC		BIT(6)
#define ZX_VM_CAN_MAP_READ		BIT(7)
#define ZX_VM_CAN_MAP_WRITE		BIT(8)
#define ZX_VM_CAN_MAP_EXECUTE		BIT(9)
#define ZX_VM_MAP_RANGE			BIT(10)
#define ZX_VM_REQUIRE_NON_RESIZABLE	BIT(11)
#define ZX_VM_ALLOW_FAULTS		BIT(12)
#define ZX_VM_OFFSET_IS_UPPER_LIMIT	BIT(13)
#define ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED BIT(14)
#define ZX_VM_FAULT_BEYOND_STREAM_SIZE	BIT(15)
#define ZX_VM_ALIGN_BASE		24

/* PERM_x << ZX_VM_PERM_TO_CAN_MAP is CAN_MAP_x, and << ..._TO_RIGHT RIGHT_x. */
#define ZX_VM_PERMS	(ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE)
#define ZX_VM_CAN_MAP_PERMS (ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | \
			     ZX_VM_CAN_MAP_EXECUTE)
#define ZX_VM_PERM_TO_CAN_MAP		7
#define ZX_VM_PERM_TO_RIGHT		2

#define ZX_PROP_NAME			3
#define ZX_PROP_VMO_CONTENT_SIZE	17

#define ZX_INFO_HANDLE_VALID		1
#define ZX_INFO_HANDLE_BASIC		2
#define ZX_INFO_VMAR			7
#define ZX_INFO_PROCESS_VMOS_V1		0x0000000e
#define ZX_INFO_PROCESS_VMOS_V2		0x1000000e
#define ZX_INFO_PROCESS_VMOS_V3		0x2000000e
#define ZX_INFO_PROCESS_VMOS		0x3000000e
#define ZX_INFO_PROCESS_MAPS		0x2000000d
#define ZX_INFO_HANDLE_COUNT		19
#define ZX_INFO_BTI			20
#define ZX_INFO_VMO_V1			0x00000017
#define ZX_INFO_VMO_V2			0x10000017
#define ZX_INFO_VMO_V3			0x20000017
#define ZX_INFO_VMO			0x30000017
#define ZX_INFO_VMAR_MAPS		36

#define ZX_INFO_VMO_TYPE_PAGED		BIT(0)
#define ZX_INFO_VMO_RESIZABLE		BIT(1)
#define ZX_INFO_VMO_IS_COW_CLONE	BIT(2)
#define ZX_INFO_VMO_VIA_HANDLE		BIT(3)
#define ZX_INFO_VMO_VIA_MAPPING		BIT(4)
#define ZX_INFO_VMO_CONTIGUOUS		BIT(6)
#define ZX_INFO_VMO_DISCARDABLE		BIT(7)
#define ZX_INFO_VMO_IMMUTABLE		BIT(8)

#define ZX_INFO_MAPS_TYPE_ASPACE	1
#define ZX_INFO_MAPS_TYPE_VMAR		2
#define ZX_INFO_MAPS_TYPE_MAPPING	3

/*
 * The records go to users as they are: a hole in one, which would take what was
 * in the memory before along, does not compile.
 */
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"

struct zx_info_handle_basic {
	u64 koid;
	u32 rights;
	u32 type;
	u64 related_koid;
	u32 reserved;
	u8 padding1[4];
};

struct zx_info_vmo {
	u64 koid;
	char name[ZX_MAX_NAME_LEN];
	u64 size_bytes;
	u64 parent_koid;
	u64 num_children;
	u64 num_mappings;
	u64 share_count;
	u32 flags;
	u8 padding1[4];
	u64 committed_bytes;
	u32 handle_rights;
	u32 cache_policy;
	u64 metadata_bytes;
	u64 committed_change_events;
	u64 populated_bytes;
	u64 committed_private_bytes;
	u64 populated_private_bytes;
	u64 committed_scaled_bytes;
	u64 populated_scaled_bytes;
	u64 committed_fractional_scaled_bytes;
	u64 populated_fractional_scaled_bytes;
};

struct zx_vmo_lock_state {
	u64 offset;
	u64 size;
	u64 discarded_offset;
	u64 discarded_size;
};

struct zx_info_vmar {
	u64 base;
	u64 len;
};

struct zx_info_bti {
	u64 minimum_contiguity;
	u64 aspace_size;
	u64 pmo_count;
	u64 quarantine_count;
};

struct zx_info_maps_mapping {
	u32 mmu_flags;
	u8 padding1[4];
	u64 vmo_koid;
	u64 vmo_offset;
	u64 committed_bytes;
	u64 populated_bytes;
	u64 committed_private_bytes;
	u64 populated_private_bytes;
	u64 committed_scaled_bytes;
	u64 populated_scaled_bytes;
	u64 committed_fractional_scaled_bytes;
	u64 populated_fractional_scaled_bytes;
};

struct zx_info_maps {
	char name[ZX_MAX_NAME_LEN];
	u64 base;
	u64 size;
	u64 depth;
	u32 type;
	u8 padding1[4];
	struct zx_info_maps_mapping mapping;
};

#pragma GCC diagnostic pop

static_assert(sizeof(struct zx_info_handle_basic) == 32);
static_assert(sizeof(struct zx_info_vmo) == 176);
static_assert(offsetof(struct zx_info_vmo, metadata_bytes) == 104);
static_assert(offsetof(struct zx_info_vmo, populated_bytes) == 120);
static_assert(sizeof(struct zx_vmo_lock_state) == 32);
static_assert(sizeof(struct zx_info_vmar) == 16);
static_assert(sizeof(struct zx_info_bti) == 32);
static_assert(sizeof(struct zx_info_maps) == 152);
static_assert(offsetof(struct zx_info_maps, mapping) == 64);

#endif /* ZVM_OBJECT_ZIRCON_H */
