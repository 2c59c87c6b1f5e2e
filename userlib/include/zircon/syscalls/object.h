/* SPDX-License-Identifier: MIT OR GPL-2.0 */
#ifndef ZIRCON_SYSCALLS_OBJECT_H_
#define ZIRCON_SYSCALLS_OBJECT_H_

#include <zircon/types.h>

__BEGIN_CDECLS

/* ---- topics of zx_object_get_info() ------------------------------------ */

/* The low 28 bits are the topic, the top 4 the version of its record. */
typedef uint32_t zx_object_info_topic_t;

#define ZX_INFO_TOPIC_VERSION_SHIFT 28
#define ZX_INFO_MAKE_TOPIC(version, topic) \
	((zx_object_info_topic_t)(((uint32_t)(version) << ZX_INFO_TOPIC_VERSION_SHIFT) | (topic)))

#define ZX_INFO_NONE ZX_INFO_MAKE_TOPIC(0u, 0u)
#define ZX_INFO_HANDLE_VALID ZX_INFO_MAKE_TOPIC(0u, 1u)
#define ZX_INFO_HANDLE_BASIC ZX_INFO_MAKE_TOPIC(0u, 2u)
#define ZX_INFO_PROCESS ZX_INFO_MAKE_TOPIC(1u, 3u)
#define ZX_INFO_PROCESS_THREADS ZX_INFO_MAKE_TOPIC(0u, 4u)
#define ZX_INFO_VMAR ZX_INFO_MAKE_TOPIC(0u, 7u)
#define ZX_INFO_JOB_CHILDREN ZX_INFO_MAKE_TOPIC(0u, 8u)
#define ZX_INFO_JOB_PROCESSES ZX_INFO_MAKE_TOPIC(0u, 9u)
#define ZX_INFO_THREAD ZX_INFO_MAKE_TOPIC(0u, 10u)
#define ZX_INFO_TASK_STATS_V1 ZX_INFO_MAKE_TOPIC(0u, 12u)
#define ZX_INFO_TASK_STATS ZX_INFO_MAKE_TOPIC(1u, 12u)
#define ZX_INFO_PROCESS_MAPS_V1 ZX_INFO_MAKE_TOPIC(0u, 13u)
#define ZX_INFO_PROCESS_MAPS_V2 ZX_INFO_MAKE_TOPIC(1u, 13u)
#define ZX_INFO_PROCESS_MAPS ZX_INFO_MAKE_TOPIC(2u, 13u)
#define ZX_INFO_PROCESS_VMOS_V1 ZX_INFO_MAKE_TOPIC(0u, 14u)
#define ZX_INFO_PROCESS_VMOS_V2 ZX_INFO_MAKE_TOPIC(1u, 14u)
#define ZX_INFO_PROCESS_VMOS_V3 ZX_INFO_MAKE_TOPIC(2u, 14u)
#define ZX_INFO_PROCESS_VMOS ZX_INFO_MAKE_TOPIC(3u, 14u)
#define ZX_INFO_THREAD_STATS ZX_INFO_MAKE_TOPIC(0u, 15u)
#define ZX_INFO_CPU_STATS ZX_INFO_MAKE_TOPIC(0u, 16u)
#define ZX_INFO_KMEM_STATS_V1 ZX_INFO_MAKE_TOPIC(0u, 17u)
#define ZX_INFO_KMEM_STATS ZX_INFO_MAKE_TOPIC(1u, 17u)
#define ZX_INFO_RESOURCE ZX_INFO_MAKE_TOPIC(0u, 18u)
#define ZX_INFO_HANDLE_COUNT ZX_INFO_MAKE_TOPIC(0u, 19u)
#define ZX_INFO_BTI ZX_INFO_MAKE_TOPIC(0u, 20u)
#define ZX_INFO_PROCESS_HANDLE_STATS ZX_INFO_MAKE_TOPIC(0u, 21u)
#define ZX_INFO_SOCKET ZX_INFO_MAKE_TOPIC(0u, 22u)
#define ZX_INFO_VMO_V1 ZX_INFO_MAKE_TOPIC(0u, 23u)
#define ZX_INFO_VMO_V2 ZX_INFO_MAKE_TOPIC(1u, 23u)
#define ZX_INFO_VMO_V3 ZX_INFO_MAKE_TOPIC(2u, 23u)
#define ZX_INFO_VMO ZX_INFO_MAKE_TOPIC(3u, 23u)
#define ZX_INFO_JOB ZX_INFO_MAKE_TOPIC(0u, 24u)
#define ZX_INFO_TIMER ZX_INFO_MAKE_TOPIC(0u, 25u)
#define ZX_INFO_STREAM ZX_INFO_MAKE_TOPIC(0u, 26u)
#define ZX_INFO_HANDLE_TABLE ZX_INFO_MAKE_TOPIC(0u, 27u)
#define ZX_INFO_MSI ZX_INFO_MAKE_TOPIC(0u, 28u)
#define ZX_INFO_GUEST_STATS ZX_INFO_MAKE_TOPIC(0u, 29u)
#define ZX_INFO_TASK_RUNTIME_V1 ZX_INFO_MAKE_TOPIC(0u, 30u)
#define ZX_INFO_TASK_RUNTIME ZX_INFO_MAKE_TOPIC(1u, 30u)
#define ZX_INFO_KMEM_STATS_EXTENDED ZX_INFO_MAKE_TOPIC(0u, 31u)
#define ZX_INFO_VCPU ZX_INFO_MAKE_TOPIC(0u, 32u)
#define ZX_INFO_KMEM_STATS_COMPRESSION ZX_INFO_MAKE_TOPIC(0u, 33u)
#define ZX_INFO_IOB ZX_INFO_MAKE_TOPIC(0u, 34u)
#define ZX_INFO_IOB_REGIONS ZX_INFO_MAKE_TOPIC(0u, 35u)
#define ZX_INFO_VMAR_MAPS ZX_INFO_MAKE_TOPIC(0u, 36u)
#define ZX_INFO_POWER_DOMAINS ZX_INFO_MAKE_TOPIC(0u, 37u)
#define ZX_INFO_MEMORY_STALL ZX_INFO_MAKE_TOPIC(0u, 38u)
#define ZX_INFO_INTERRUPT ZX_INFO_MAKE_TOPIC(0u, 39u)
#define ZX_INFO_CLOCK_MAPPED_SIZE ZX_INFO_MAKE_TOPIC(0u, 40u)

/**
 * struct zx_info_handle_basic - ZX_INFO_HANDLE_BASIC, any handle, no right needed
 * @koid: of the object
 * @rights: of the handle that was asked
 * @type: ZX_OBJ_TYPE_...
 * @related_koid: of the peer or parent, where the type has one, else 0
 * @reserved: 0
 * @padding1: 0
 */
typedef struct zx_info_handle_basic {
	zx_koid_t koid;
	zx_rights_t rights;
	zx_obj_type_t type;
	zx_koid_t related_koid;
	uint32_t reserved;
	uint8_t padding1[4];
} zx_info_handle_basic_t;

/**
 * struct zx_info_handle_count - ZX_INFO_HANDLE_COUNT, any handle, INSPECT
 * @handle_count: handles to the object, in all processes
 */
typedef struct zx_info_handle_count {
	uint32_t handle_count;
} zx_info_handle_count_t;

/* A record of ZX_INFO_HANDLE_TABLE. */
typedef struct zx_info_handle_extended {
	zx_obj_type_t type;
	zx_handle_t handle_value;
	zx_rights_t rights;
	uint32_t reserved;
	zx_koid_t koid;
	zx_koid_t related_koid;
	zx_koid_t peer_owner_koid;
} zx_info_handle_extended_t;

/**
 * struct zx_info_vmar - ZX_INFO_VMAR, a VMAR, INSPECT
 * @base: absolute address of the region
 * @len: its size in bytes
 */
typedef struct zx_info_vmar {
	uintptr_t base;
	size_t len;
} zx_info_vmar_t;

/* ZX_INFO_STREAM: mode bits, position and stream size in bytes. */
typedef struct zx_info_stream {
	uint32_t options;
	uint8_t padding1[4];
	uint64_t seek;
	uint64_t content_size;
} zx_info_stream_t;

/* zx_info_vmo_t.flags */
#define ZX_INFO_VMO_TYPE_PAGED ((uint32_t)1u << 0)
#define ZX_INFO_VMO_TYPE_PHYSICAL ((uint32_t)0u)
#define ZX_INFO_VMO_TYPE(flags) ((flags) & (1u << 0))
#define ZX_INFO_VMO_RESIZABLE ((uint32_t)1u << 1)
#define ZX_INFO_VMO_IS_COW_CLONE ((uint32_t)1u << 2)
#define ZX_INFO_VMO_VIA_HANDLE ((uint32_t)1u << 3)
#define ZX_INFO_VMO_VIA_MAPPING ((uint32_t)1u << 4)
#define ZX_INFO_VMO_PAGER_BACKED ((uint32_t)1u << 5)
#define ZX_INFO_VMO_CONTIGUOUS ((uint32_t)1u << 6)
#define ZX_INFO_VMO_DISCARDABLE ((uint32_t)1u << 7)
#define ZX_INFO_VMO_IMMUTABLE ((uint32_t)1u << 8)
#define ZX_INFO_VMO_VIA_IOB_HANDLE ((uint32_t)1u << 9)

/**
 * struct zx_info_vmo - ZX_INFO_VMO, a VMO, no right needed
 * @koid: of the VMO
 * @name: of the VMO, NUL-terminated
 * @size_bytes: size of the VMO
 * @parent_koid: of the VMO that this one is a child of, or 0
 * @num_children: direct children alive
 * @num_mappings: mappings of this VMO (not of its parent, slices or references) alive
 * @share_count: address spaces that map it; 1 if there are none
 * @flags: ZX_INFO_VMO_...
 * @padding1: 0
 * @committed_bytes: memory that holds content which this VMO can see; 0 for slices
 *	and references
 * @handle_rights: of the handle that was asked
 * @cache_policy: ZX_CACHE_POLICY_...
 * @metadata_bytes: memory for the bookkeeping
 * @committed_change_events: times that committed memory was reclaimed
 * @populated_bytes: @committed_bytes plus what is held compressed
 * @committed_private_bytes: part of it that no other VMO shares
 * @populated_private_bytes: likewise
 * @committed_scaled_bytes: each page divided by the number of VMOs sharing it
 * @populated_scaled_bytes: likewise
 * @committed_fractional_scaled_bytes: the rest of that division, 2^63 is a byte
 * @populated_fractional_scaled_bytes: likewise
 *
 * Older versions of the record (ZX_INFO_VMO_V1 to _V3) are prefixes of it.
 */
typedef struct zx_info_vmo {
	zx_koid_t koid;
	char name[ZX_MAX_NAME_LEN];
	uint64_t size_bytes;
	zx_koid_t parent_koid;
	size_t num_children;
	size_t num_mappings;
	size_t share_count;
	uint32_t flags;
	uint8_t padding1[4];
	uint64_t committed_bytes;
	zx_rights_t handle_rights;
	uint32_t cache_policy;
	uint64_t metadata_bytes;
	uint64_t committed_change_events;
	uint64_t populated_bytes;
	uint64_t committed_private_bytes;
	uint64_t populated_private_bytes;
	uint64_t committed_scaled_bytes;
	uint64_t populated_scaled_bytes;
	uint64_t committed_fractional_scaled_bytes;
	uint64_t populated_fractional_scaled_bytes;
} zx_info_vmo_t;

typedef struct zx_info_vmo_v1 {
	zx_koid_t koid;
	char name[ZX_MAX_NAME_LEN];
	uint64_t size_bytes;
	zx_koid_t parent_koid;
	size_t num_children;
	size_t num_mappings;
	size_t share_count;
	uint32_t flags;
	uint8_t padding1[4];
	uint64_t committed_bytes;
	zx_rights_t handle_rights;
	uint32_t cache_policy;
} zx_info_vmo_v1_t;

typedef struct zx_info_vmo_v2 {
	zx_koid_t koid;
	char name[ZX_MAX_NAME_LEN];
	uint64_t size_bytes;
	zx_koid_t parent_koid;
	size_t num_children;
	size_t num_mappings;
	size_t share_count;
	uint32_t flags;
	uint8_t padding1[4];
	uint64_t committed_bytes;
	zx_rights_t handle_rights;
	uint32_t cache_policy;
	uint64_t metadata_bytes;
	uint64_t committed_change_events;
} zx_info_vmo_v2_t;

typedef struct zx_info_vmo_v3 {
	zx_koid_t koid;
	char name[ZX_MAX_NAME_LEN];
	uint64_t size_bytes;
	zx_koid_t parent_koid;
	size_t num_children;
	size_t num_mappings;
	size_t share_count;
	uint32_t flags;
	uint8_t padding1[4];
	uint64_t committed_bytes;
	zx_rights_t handle_rights;
	uint32_t cache_policy;
	uint64_t metadata_bytes;
	uint64_t committed_change_events;
	uint64_t populated_bytes;
} zx_info_vmo_v3_t;

/* zx_info_maps_t.type */
typedef uint32_t zx_info_maps_type_t;

#define ZX_INFO_MAPS_TYPE_NONE ((zx_info_maps_type_t)0u)
#define ZX_INFO_MAPS_TYPE_ASPACE ((zx_info_maps_type_t)1u)
#define ZX_INFO_MAPS_TYPE_VMAR ((zx_info_maps_type_t)2u)
#define ZX_INFO_MAPS_TYPE_MAPPING ((zx_info_maps_type_t)3u)

/**
 * struct zx_info_maps_mapping - what zx_info_maps_t tells about a mapping
 * @mmu_flags: ZX_VM_PERM_... bits in force now
 * @padding1: 0
 * @vmo_koid: of the VMO that is mapped
 * @vmo_offset: bytes from its start
 * @committed_bytes: as in zx_info_vmo_t, within the mapping
 * @populated_bytes: likewise
 * @committed_private_bytes: likewise
 * @populated_private_bytes: likewise
 * @committed_scaled_bytes: likewise
 * @populated_scaled_bytes: likewise
 * @committed_fractional_scaled_bytes: likewise
 * @populated_fractional_scaled_bytes: likewise
 */
typedef struct zx_info_maps_mapping {
	zx_vm_option_t mmu_flags;
	uint8_t padding1[4];
	zx_koid_t vmo_koid;
	uint64_t vmo_offset;
	uint64_t committed_bytes;
	uint64_t populated_bytes;
	uint64_t committed_private_bytes;
	uint64_t populated_private_bytes;
	uint64_t committed_scaled_bytes;
	uint64_t populated_scaled_bytes;
	uint64_t committed_fractional_scaled_bytes;
	uint64_t populated_fractional_scaled_bytes;
} zx_info_maps_mapping_t;

/**
 * struct zx_info_maps - a record of ZX_INFO_VMAR_MAPS, a VMAR, INSPECT
 * @name: of the region, or of the VMO that is mapped
 * @base: absolute address
 * @size: bytes
 * @depth: 0 for the region that was asked, one more for each level below
 * @type: ZX_INFO_MAPS_TYPE_...
 * @padding1: 0
 * @u: more about a mapping
 *
 * The region comes first, then what is in it in address order, each region
 * before its contents. A mapping has one record for each run of pages with
 * equal permissions.
 */
typedef struct zx_info_maps {
	char name[ZX_MAX_NAME_LEN];
	zx_vaddr_t base;
	size_t size;
	size_t depth;
	zx_info_maps_type_t type;
	uint8_t padding1[4];
	union {
		zx_info_maps_mapping_t mapping;
	} u;
} zx_info_maps_t;

typedef struct zx_info_maps_mapping_v1 {
	zx_vm_option_t mmu_flags;
	uint8_t padding1[4];
	zx_koid_t vmo_koid;
	uint64_t vmo_offset;
	size_t committed_pages;
} zx_info_maps_mapping_v1_t;

typedef struct zx_info_maps_v1 {
	char name[ZX_MAX_NAME_LEN];
	zx_vaddr_t base;
	size_t size;
	size_t depth;
	zx_info_maps_type_t type;
	uint8_t padding1[4];
	union {
		zx_info_maps_mapping_v1_t mapping;
	} u;
} zx_info_maps_v1_t;

typedef struct zx_info_maps_mapping_v2 {
	zx_vm_option_t mmu_flags;
	uint8_t padding1[4];
	zx_koid_t vmo_koid;
	uint64_t vmo_offset;
	size_t committed_pages;
	size_t populated_pages;
} zx_info_maps_mapping_v2_t;

typedef struct zx_info_maps_v2 {
	char name[ZX_MAX_NAME_LEN];
	zx_vaddr_t base;
	size_t size;
	size_t depth;
	zx_info_maps_type_t type;
	uint8_t padding1[4];
	union {
		zx_info_maps_mapping_v2_t mapping;
	} u;
} zx_info_maps_v2_t;

/* ZX_INFO_TASK_STATS: memory of a process, in bytes. */
typedef struct zx_info_task_stats {
	size_t mem_mapped_bytes;
	size_t mem_private_bytes;
	size_t mem_shared_bytes;
	size_t mem_scaled_shared_bytes;
	uint64_t mem_fractional_scaled_shared_bytes;
} zx_info_task_stats_t;

typedef struct zx_info_task_stats_v1 {
	size_t mem_mapped_bytes;
	size_t mem_private_bytes;
	size_t mem_shared_bytes;
	size_t mem_scaled_shared_bytes;
} zx_info_task_stats_v1_t;

/**
 * struct zx_info_bti - ZX_INFO_BTI, a BTI, INSPECT
 * @minimum_contiguity: bytes that each address of ZX_BTI_COMPRESS stands for: a page
 * @aspace_size: of the addresses that there are: no limit
 * @pmo_count: pins made by way of it, as yet
 * @quarantine_count: always 0
 */
typedef struct zx_info_bti {
	uint64_t minimum_contiguity;
	uint64_t aspace_size;
	uint64_t pmo_count;
	uint64_t quarantine_count;
} zx_info_bti_t;

/* ---- properties of zx_object_get_property() and _set_property() --------- */

#define ZX_PROP_REGISTER_GS ((uint32_t)2u)
/* char[ZX_MAX_NAME_LEN]; a VMO's */
#define ZX_PROP_NAME ((uint32_t)3u)
#define ZX_PROP_REGISTER_FS ((uint32_t)4u)
#define ZX_PROP_PROCESS_DEBUG_ADDR ((uint32_t)5u)
#define ZX_PROP_PROCESS_VDSO_BASE_ADDRESS ((uint32_t)6u)
#define ZX_PROP_PROCESS_BREAK_ON_LOAD ((uint32_t)7u)
#define ZX_PROP_PROCESS_HW_TRACE_CONTEXT_ID ((uint32_t)8u)
#define ZX_PROP_SOCKET_RX_THRESHOLD ((uint32_t)12u)
#define ZX_PROP_SOCKET_TX_THRESHOLD ((uint32_t)13u)
#define ZX_PROP_JOB_KILL_ON_OOM ((uint32_t)15u)
#define ZX_PROP_EXCEPTION_STATE ((uint32_t)16u)
/* uint64_t, bytes; a VMO's stream size */
#define ZX_PROP_VMO_CONTENT_SIZE ((uint32_t)17u)
#define ZX_PROP_EXCEPTION_STRATEGY ((uint32_t)18u)
/* uint8_t, 0 or 1; a stream's */
#define ZX_PROP_STREAM_MODE_APPEND ((uint32_t)19u)

__END_CDECLS

/* ---- the layout is Zircon's -------------------------------------------- */

#define ZX_CHECK_SIZE(type, bytes) \
	ZX_STATIC_ASSERT(sizeof(type) == (bytes), #type " has changed its size")
#define ZX_CHECK_OFFSET(type, member, bytes) \
	ZX_STATIC_ASSERT(offsetof(type, member) == (bytes), #type "." #member " has moved")

ZX_CHECK_SIZE(zx_info_handle_basic_t, 32);
ZX_CHECK_OFFSET(zx_info_handle_basic_t, rights, 8);
ZX_CHECK_OFFSET(zx_info_handle_basic_t, type, 12);
ZX_CHECK_OFFSET(zx_info_handle_basic_t, related_koid, 16);
ZX_CHECK_OFFSET(zx_info_handle_basic_t, reserved, 24);
ZX_CHECK_SIZE(zx_info_handle_count_t, 4);
ZX_CHECK_SIZE(zx_info_handle_extended_t, 40);
ZX_CHECK_OFFSET(zx_info_handle_extended_t, koid, 16);
ZX_CHECK_OFFSET(zx_info_handle_extended_t, peer_owner_koid, 32);
ZX_CHECK_SIZE(zx_info_vmar_t, 16);
ZX_CHECK_OFFSET(zx_info_vmar_t, len, 8);
ZX_CHECK_SIZE(zx_info_stream_t, 24);
ZX_CHECK_OFFSET(zx_info_stream_t, seek, 8);
ZX_CHECK_OFFSET(zx_info_stream_t, content_size, 16);
ZX_CHECK_SIZE(zx_info_vmo_t, 176);
ZX_CHECK_OFFSET(zx_info_vmo_t, name, 8);
ZX_CHECK_OFFSET(zx_info_vmo_t, size_bytes, 40);
ZX_CHECK_OFFSET(zx_info_vmo_t, parent_koid, 48);
ZX_CHECK_OFFSET(zx_info_vmo_t, num_children, 56);
ZX_CHECK_OFFSET(zx_info_vmo_t, num_mappings, 64);
ZX_CHECK_OFFSET(zx_info_vmo_t, share_count, 72);
ZX_CHECK_OFFSET(zx_info_vmo_t, flags, 80);
ZX_CHECK_OFFSET(zx_info_vmo_t, committed_bytes, 88);
ZX_CHECK_OFFSET(zx_info_vmo_t, handle_rights, 96);
ZX_CHECK_OFFSET(zx_info_vmo_t, cache_policy, 100);
ZX_CHECK_OFFSET(zx_info_vmo_t, metadata_bytes, 104);
ZX_CHECK_OFFSET(zx_info_vmo_t, committed_change_events, 112);
ZX_CHECK_OFFSET(zx_info_vmo_t, populated_bytes, 120);
ZX_CHECK_OFFSET(zx_info_vmo_t, committed_private_bytes, 128);
ZX_CHECK_OFFSET(zx_info_vmo_t, populated_private_bytes, 136);
ZX_CHECK_OFFSET(zx_info_vmo_t, committed_scaled_bytes, 144);
ZX_CHECK_OFFSET(zx_info_vmo_t, populated_scaled_bytes, 152);
ZX_CHECK_OFFSET(zx_info_vmo_t, committed_fractional_scaled_bytes, 160);
ZX_CHECK_OFFSET(zx_info_vmo_t, populated_fractional_scaled_bytes, 168);
ZX_CHECK_SIZE(zx_info_vmo_v1_t, 104);
ZX_CHECK_SIZE(zx_info_vmo_v2_t, 120);
ZX_CHECK_SIZE(zx_info_vmo_v3_t, 128);
ZX_CHECK_SIZE(zx_info_maps_mapping_t, 88);
ZX_CHECK_OFFSET(zx_info_maps_mapping_t, vmo_koid, 8);
ZX_CHECK_OFFSET(zx_info_maps_mapping_t, vmo_offset, 16);
ZX_CHECK_OFFSET(zx_info_maps_mapping_t, committed_bytes, 24);
ZX_CHECK_OFFSET(zx_info_maps_mapping_t, populated_bytes, 32);
ZX_CHECK_OFFSET(zx_info_maps_mapping_t, committed_private_bytes, 40);
ZX_CHECK_OFFSET(zx_info_maps_mapping_t, populated_private_bytes, 48);
ZX_CHECK_OFFSET(zx_info_maps_mapping_t, committed_scaled_bytes, 56);
ZX_CHECK_OFFSET(zx_info_maps_mapping_t, populated_scaled_bytes, 64);
ZX_CHECK_OFFSET(zx_info_maps_mapping_t, committed_fractional_scaled_bytes, 72);
ZX_CHECK_OFFSET(zx_info_maps_mapping_t, populated_fractional_scaled_bytes, 80);
ZX_CHECK_SIZE(zx_info_maps_t, 152);
ZX_CHECK_OFFSET(zx_info_maps_t, base, 32);
ZX_CHECK_OFFSET(zx_info_maps_t, size, 40);
ZX_CHECK_OFFSET(zx_info_maps_t, depth, 48);
ZX_CHECK_OFFSET(zx_info_maps_t, type, 56);
ZX_CHECK_OFFSET(zx_info_maps_t, u, 64);
ZX_CHECK_SIZE(zx_info_maps_v1_t, 96);
ZX_CHECK_SIZE(zx_info_maps_v2_t, 104);
ZX_CHECK_OFFSET(zx_info_maps_mapping_v2_t, populated_pages, 32);
ZX_CHECK_SIZE(zx_info_task_stats_t, 40);
ZX_CHECK_SIZE(zx_info_task_stats_v1_t, 32);
ZX_CHECK_SIZE(zx_info_bti_t, 32);

#endif /* ZIRCON_SYSCALLS_OBJECT_H_ */
