/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: /sys/kernel/tracing/events/zircon_vm; docs/tracing.md describes
 * them. VMOs and regions are known by their koids.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM zircon_vm

#if !defined(ZVM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define ZVM_TRACE_H

#include <linux/mm.h>
#include <linux/tracepoint.h>

TRACE_EVENT(vmo_create,
	TP_PROTO(u64 koid, u32 kind, u64 parent, u64 size, u32 options),
	TP_ARGS(koid, kind, parent, size, options),
	TP_STRUCT__entry(
		__field(u64, koid)
		__field(u64, parent)
		__field(u64, size)
		__field(u32, kind)
		__field(u32, options)
	),
	TP_fast_assign(
		__entry->koid = koid;
		__entry->parent = parent;
		__entry->size = size;
		__entry->kind = kind;
		__entry->options = options;
	),
	TP_printk("vmo=%llu kind=%s parent=%llu size=%llu options=%#x", __entry->koid,
		  __print_symbolic(__entry->kind, { 0, "plain" }, { 1, "snapshot" },
				   { 2, "slice" }, { 3, "reference" }),
		  __entry->parent, __entry->size, __entry->options)
);

TRACE_EVENT(vmo_destroy,
	TP_PROTO(u64 koid),
	TP_ARGS(koid),
	TP_STRUCT__entry(
		__field(u64, koid)
	),
	TP_fast_assign(
		__entry->koid = koid;
	),
	TP_printk("vmo=%llu", __entry->koid)
);

TRACE_EVENT(vmo_fault,
	TP_PROTO(u64 koid, u64 index, unsigned long addr, unsigned int flags, vm_fault_t ret),
	TP_ARGS(koid, index, addr, flags, ret),
	TP_STRUCT__entry(
		__field(u64, koid)
		__field(u64, index)
		__field(unsigned long, addr)
		__field(unsigned int, flags)
		__field(unsigned int, ret)
	),
	TP_fast_assign(
		__entry->koid = koid;
		__entry->index = index;
		__entry->addr = addr;
		__entry->flags = flags;
		__entry->ret = (__force unsigned int)ret;
	),
	TP_printk("vmo=%llu page=%llu addr=%#lx access=%s result=%#x", __entry->koid,
		  __entry->index, __entry->addr,
		  __entry->flags & FAULT_FLAG_MKWRITE ? "upgrade" :
		  __entry->flags & FAULT_FLAG_WRITE ? "write" : "read", __entry->ret)
);

TRACE_EVENT(vmo_copy,
	TP_PROTO(u64 koid, u64 index),
	TP_ARGS(koid, index),
	TP_STRUCT__entry(
		__field(u64, koid)
		__field(u64, index)
	),
	TP_fast_assign(
		__entry->koid = koid;
		__entry->index = index;
	),
	TP_printk("vmo=%llu page=%llu", __entry->koid, __entry->index)
);

TRACE_EVENT(vmo_snapshot,
	TP_PROTO(u64 koid, u64 child, u64 first, u64 pages),
	TP_ARGS(koid, child, first, pages),
	TP_STRUCT__entry(
		__field(u64, koid)
		__field(u64, child)
		__field(u64, first)
		__field(u64, pages)
	),
	TP_fast_assign(
		__entry->koid = koid;
		__entry->child = child;
		__entry->first = first;
		__entry->pages = pages;
	),
	TP_printk("vmo=%llu child=%llu page=%llu pages=%llu", __entry->koid, __entry->child,
		  __entry->first, __entry->pages)
);

TRACE_EVENT(vmo_zap,
	TP_PROTO(u64 koid, u64 first, u64 last),
	TP_ARGS(koid, first, last),
	TP_STRUCT__entry(
		__field(u64, koid)
		__field(u64, first)
		__field(u64, last)
	),
	TP_fast_assign(
		__entry->koid = koid;
		__entry->first = first;
		__entry->last = last;
	),
	TP_printk("vmo=%llu page=%llu last=%llu", __entry->koid, __entry->first, __entry->last)
);

TRACE_EVENT(vmo_discard,
	TP_PROTO(u64 koid, u64 pages),
	TP_ARGS(koid, pages),
	TP_STRUCT__entry(
		__field(u64, koid)
		__field(u64, pages)
	),
	TP_fast_assign(
		__entry->koid = koid;
		__entry->pages = pages;
	),
	TP_printk("vmo=%llu pages=%llu", __entry->koid, __entry->pages)
);

TRACE_EVENT(vmar_map,
	TP_PROTO(u64 koid, u64 vmo, u64 addr, u64 len, u64 vmo_offset, u32 prot),
	TP_ARGS(koid, vmo, addr, len, vmo_offset, prot),
	TP_STRUCT__entry(
		__field(u64, koid)
		__field(u64, vmo)
		__field(u64, addr)
		__field(u64, len)
		__field(u64, vmo_offset)
		__field(u32, prot)
	),
	TP_fast_assign(
		__entry->koid = koid;
		__entry->vmo = vmo;
		__entry->addr = addr;
		__entry->len = len;
		__entry->vmo_offset = vmo_offset;
		__entry->prot = prot;
	),
	TP_printk("vmar=%llu vmo=%llu addr=%#llx len=%llu offset=%llu prot=%#x", __entry->koid,
		  __entry->vmo, __entry->addr, __entry->len, __entry->vmo_offset, __entry->prot)
);

TRACE_EVENT(vmar_unmap,
	TP_PROTO(u64 koid, u64 addr, u64 len),
	TP_ARGS(koid, addr, len),
	TP_STRUCT__entry(
		__field(u64, koid)
		__field(u64, addr)
		__field(u64, len)
	),
	TP_fast_assign(
		__entry->koid = koid;
		__entry->addr = addr;
		__entry->len = len;
	),
	TP_printk("vmar=%llu addr=%#llx len=%llu", __entry->koid, __entry->addr, __entry->len)
);

TRACE_EVENT(vmar_protect,
	TP_PROTO(u64 koid, u64 addr, u64 len, u32 prot),
	TP_ARGS(koid, addr, len, prot),
	TP_STRUCT__entry(
		__field(u64, koid)
		__field(u64, addr)
		__field(u64, len)
		__field(u32, prot)
	),
	TP_fast_assign(
		__entry->koid = koid;
		__entry->addr = addr;
		__entry->len = len;
		__entry->prot = prot;
	),
	TP_printk("vmar=%llu addr=%#llx len=%llu prot=%#x", __entry->koid, __entry->addr,
		  __entry->len, __entry->prot)
);

#endif /* ZVM_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE zvm_trace
#include <trace/define_trace.h>
