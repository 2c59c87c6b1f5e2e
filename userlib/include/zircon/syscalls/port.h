/* SPDX-License-Identifier: MIT OR GPL-2.0 */
#ifndef ZIRCON_SYSCALLS_PORT_H_
#define ZIRCON_SYSCALLS_PORT_H_

#include <zircon/types.h>

/* Option of zx_port_create(). */
#define ZX_PORT_BIND_TO_INTERRUPT ((uint32_t)1u)

/* What a packet tells; zx_port_packet_t.type. */
typedef uint32_t zx_packet_type_t;

#define ZX_PKT_TYPE_USER ((zx_packet_type_t)0u)
#define ZX_PKT_TYPE_SIGNAL_ONE ((zx_packet_type_t)1u)
#define ZX_PKT_TYPE_GUEST_BELL ((zx_packet_type_t)3u)
#define ZX_PKT_TYPE_GUEST_MEM ((zx_packet_type_t)4u)
#define ZX_PKT_TYPE_GUEST_IO ((zx_packet_type_t)5u)
#define ZX_PKT_TYPE_GUEST_VCPU ((zx_packet_type_t)6u)
#define ZX_PKT_TYPE_INTERRUPT ((zx_packet_type_t)7u)
#define ZX_PKT_TYPE_PAGE_REQUEST ((zx_packet_type_t)9u)

#define ZX_PKT_IS_USER(type) ((type) == ZX_PKT_TYPE_USER)
#define ZX_PKT_IS_SIGNAL_ONE(type) ((type) == ZX_PKT_TYPE_SIGNAL_ONE)
#define ZX_PKT_IS_PAGE_REQUEST(type) ((type) == ZX_PKT_TYPE_PAGE_REQUEST)

/* ZX_PKT_TYPE_USER: 32 bytes of the sender's choice. */
typedef union zx_packet_user {
	uint64_t u64[4];
	uint32_t u32[8];
	uint16_t u16[16];
	uint8_t c8[32];
} zx_packet_user_t;

/* ZX_PKT_TYPE_SIGNAL_ONE: a wait was satisfied. */
typedef struct zx_packet_signal {
	zx_signals_t trigger;
	zx_signals_t observed;
	uint64_t count;
	zx_time_t timestamp;
	uint64_t reserved1;
} zx_packet_signal_t;

/* zx_packet_page_request_t.command */
#define ZX_PAGER_VMO_READ ((uint16_t)0u)
#define ZX_PAGER_VMO_COMPLETE ((uint16_t)1u)
#define ZX_PAGER_VMO_DIRTY ((uint16_t)2u)

/* ZX_PKT_TYPE_PAGE_REQUEST: a pager is asked to act; bytes within the VMO. */
typedef struct zx_packet_page_request {
	uint16_t command;
	uint16_t flags;
	uint32_t reserved0;
	uint64_t offset;
	uint64_t length;
	uint64_t reserved1;
} zx_packet_page_request_t;

typedef struct zx_port_packet {
	/* chosen by whoever asked for the packet */
	uint64_t key;
	zx_packet_type_t type;
	zx_status_t status;
	union {
		zx_packet_user_t user;
		zx_packet_signal_t signal;
		zx_packet_page_request_t page_request;
	};
} zx_port_packet_t;

ZX_STATIC_ASSERT(sizeof(zx_packet_user_t) == 32, "zx_packet_user_t has changed its size");
ZX_STATIC_ASSERT(sizeof(zx_packet_signal_t) == 32, "zx_packet_signal_t has changed its size");
ZX_STATIC_ASSERT(offsetof(zx_packet_signal_t, count) == 8, "zx_packet_signal_t.count has moved");
ZX_STATIC_ASSERT(offsetof(zx_packet_signal_t, timestamp) == 16,
		 "zx_packet_signal_t.timestamp has moved");
ZX_STATIC_ASSERT(sizeof(zx_packet_page_request_t) == 32,
		 "zx_packet_page_request_t has changed its size");
ZX_STATIC_ASSERT(offsetof(zx_packet_page_request_t, offset) == 8,
		 "zx_packet_page_request_t.offset has moved");
ZX_STATIC_ASSERT(offsetof(zx_packet_page_request_t, length) == 16,
		 "zx_packet_page_request_t.length has moved");
ZX_STATIC_ASSERT(sizeof(zx_port_packet_t) == 48, "zx_port_packet_t has changed its size");
ZX_STATIC_ASSERT(offsetof(zx_port_packet_t, type) == 8, "zx_port_packet_t.type has moved");
ZX_STATIC_ASSERT(offsetof(zx_port_packet_t, status) == 12, "zx_port_packet_t.status has moved");
ZX_STATIC_ASSERT(offsetof(zx_port_packet_t, user) == 16, "zx_port_packet_t.user has moved");

#endif /* ZIRCON_SYSCALLS_PORT_H_ */
