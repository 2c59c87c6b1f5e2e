// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Every command of /dev/zircon-vm, with each allocation and each copy from and
 * to the user failing once, in turn. Needs a kernel with fault injection.
 */
#include "kselftest_harness.h"
#include "fail_nth.h"
#include "physical.h"

static __u64 u(const volatile void *p)
{
	return (uintptr_t)p;
}

/* A handle that the command has made, kept for the end; 0 if it has told none. */
static zx_handle_t made(struct fn_world *w)
{
	if (w->out->handle == FN_CANARY)
		return ZX_HANDLE_INVALID;
	return zt_keep(&w->bag, w->out->handle);
}

/* ---- on the device ---- */

static void fill_nothing(struct fn_world *w ZT_UNUSED, union fn_cmd *m ZT_UNUSED)
{
}

static void fill_handshake(struct fn_world *w ZT_UNUSED, union fn_cmd *m)
{
	m->handshake.version = ZVM_VERSION;
}

static bool done_handshake(struct fn_world *w)
{
	return w->cmd.handshake.features & ZVM_FEATURE_VMAR;
}

static bool done_stats(struct fn_world *w)
{
	struct zvm_stats now = zt_stats();

	now.size = sizeof(now);
	return !memcmp(&w->cmd.stats, &now, sizeof(now));
}

static void fill_root(struct fn_world *w, union fn_cmd *m)
{
	m->root.out_handle = u(&w->out->handle);
}

static bool done_root(struct fn_world *w)
{
	zx_handle_t h = made(w);

	return h && zt_koid(h) == zt_koid(zx_vmar_root_self());
}

static void fill_create(struct fn_world *w, union fn_cmd *m)
{
	m->create.vmo_size = 3 * P + 1;
	m->create.options = ZVM_VMO_RESIZABLE;
	m->create.out_handle = u(&w->out->handle);
}

static bool done_create(struct fn_world *w)
{
	zx_handle_t h = made(w);

	return h && zt_size(h) == 4 * P && zt_vmo_zero(h, 0, 4 * P) &&
	       zt_rights(h) & ZX_RIGHT_RESIZE;
}

static void fill_physical(struct fn_world *w, union fn_cmd *m)
{
	m->physical.address = pt_reserved().addr;
	m->physical.length = 2 * P;
	m->physical.out_handle = u(&w->out->handle);
}

static bool done_physical(struct fn_world *w)
{
	zx_handle_t h = made(w);

	return h && zt_size(h) == 2 * P &&
	       ZX_INFO_VMO_TYPE(zt_vmo_info(h).flags) == ZX_INFO_VMO_TYPE_PHYSICAL;
}

static void setup_dup(struct fn_world *w)
{
	zt_keep(&w->bag, zt_dup(w->vmo, ZX_RIGHT_SAME_RIGHTS));
}

static void fill_close(struct fn_world *w, union fn_cmd *m)
{
	m->close.handle = w->bag.h[0];
}

static bool done_close(struct fn_world *w)
{
	return !zt_live(w->bag.h[0]) && fn_handles(w->vmo) == 1;
}

/* No children: the signal is there, and nobody waits. */
static void fill_wait_one(struct fn_world *w, union fn_cmd *m)
{
	m->wait_one.handle = w->vmo;
	m->wait_one.signals = ZX_VMO_ZERO_CHILDREN;
	m->wait_one.out_observed = u(&w->out->a);
}

static bool done_wait_one(struct fn_world *w)
{
	return (__u32)w->out->a == ZX_VMO_ZERO_CHILDREN;
}

static void fill_wait_many(struct fn_world *w, union fn_cmd *m)
{
	zx_wait_item_t items[2] = {
		{ w->vmo, ZX_USER_SIGNAL_0, 1 }, { w->other, ZX_VMO_ZERO_CHILDREN, 1 },
	};

	memcpy(w->out->buf, items, sizeof(items));
	m->wait_many.count = 2;
	m->wait_many.items = u(w->out->buf);
}

static bool done_wait_many(struct fn_world *w)
{
	zx_wait_item_t items[2];

	memcpy(items, w->out->buf, sizeof(items));
	return items[0].pending == ZX_VMO_ZERO_CHILDREN &&
	       items[1].pending == ZX_VMO_ZERO_CHILDREN;
}

/* ---- on any handle ---- */

static void fill_signal(struct fn_world *w ZT_UNUSED, union fn_cmd *m)
{
	m->signal.set = ZX_USER_SIGNAL_3;
}

static bool is_signalled(struct fn_world *w)
{
	return zx_object_wait_one(w->vmo, ZX_USER_SIGNAL_3, 0, NULL) == ZX_OK;
}

static bool is_unsignalled(struct fn_world *w)
{
	return !is_signalled(w);
}

static void fill_duplicate(struct fn_world *w, union fn_cmd *m)
{
	m->duplicate.rights = ZVM_RIGHT_SAME_RIGHTS;
	m->duplicate.out_handle = u(&w->out->handle);
}

static void fill_replace(struct fn_world *w, union fn_cmd *m)
{
	fill_duplicate(w, m);
	m->duplicate.flags = ZVM_DUPLICATE_REPLACE;
}

static void fill_executable(struct fn_world *w, union fn_cmd *m)
{
	fill_duplicate(w, m);
	m->duplicate.flags = ZVM_DUPLICATE_EXECUTABLE;
}

static void fill_lend(struct fn_world *w, union fn_cmd *m)
{
	fill_duplicate(w, m);
	m->duplicate.flags = ZVM_DUPLICATE_LEND;
}

static bool done_duplicate(struct fn_world *w)
{
	zx_handle_t h = made(w);
	zx_handle_t old = zt_type(h) == ZX_OBJ_TYPE_VMO ? w->vmo : w->vmar;
	zx_rights_t more = w->cmd.duplicate.flags == ZVM_DUPLICATE_EXECUTABLE ?
			   ZX_RIGHT_EXECUTE : 0;

	return h && zt_koid(h) == zt_koid(old) && zt_rights(h) == (zt_rights(old) | more);
}

static bool done_tag(struct fn_world *w)
{
	return w->cmd.tag.tag == ZVM_HANDLE_TAG(w->vmo);
}

/* The commands with several parts: which part a case is about. */
#define INFO(name_)							\
	static void fill_##name_(struct fn_world *w, union fn_cmd *m)	\
	{								\
		m->info.topic = ZX_INFO_##name_;			\
		m->info.buffer = u(w->out->buf);			\
		m->info.buffer_size = sizeof(w->out->buf);		\
		m->info.out_actual = u(&w->out->a);			\
		m->info.out_avail = u(&w->out->b);			\
	}

INFO(HANDLE_VALID)
INFO(HANDLE_BASIC)
INFO(HANDLE_COUNT)
INFO(VMO_V1)
INFO(VMO_V2)
INFO(VMO_V3)
INFO(VMO)
INFO(VMAR)
INFO(VMAR_MAPS)
INFO(PROCESS_MAPS)
INFO(PROCESS_VMOS_V1)
INFO(PROCESS_VMOS_V2)
INFO(PROCESS_VMOS_V3)
INFO(PROCESS_VMOS)

static bool done_valid(struct fn_world *w ZT_UNUSED)
{
	return true;
}

/* One record, and its first bytes are these. */
static bool one_record(struct fn_world *w, const void *want, size_t len)
{
	return w->out->a == 1 && w->out->b == 1 && !memcmp(w->out->buf, want, len);
}

static bool done_basic(struct fn_world *w)
{
	zx_info_handle_basic_t want = zt_basic(w->vmo);

	return one_record(w, &want, sizeof(want));
}

static bool done_count(struct fn_world *w)
{
	__u32 want = 1;

	return one_record(w, &want, sizeof(want));
}

static bool done_vmo(struct fn_world *w)
{
	zx_info_vmo_t want = zt_vmo_info(w->vmo);
	size_t len = w->cmd.info.topic == ZX_INFO_VMO_V1 ? sizeof(zx_info_vmo_v1_t) :
		     w->cmd.info.topic == ZX_INFO_VMO_V2 ? sizeof(zx_info_vmo_v2_t) :
		     w->cmd.info.topic == ZX_INFO_VMO_V3 ? sizeof(zx_info_vmo_v3_t) :
							   sizeof(want);

	return want.num_mappings == 3 && one_record(w, &want, len);
}

static bool done_vmar(struct fn_world *w)
{
	zx_info_vmar_t want = { .base = w->base, .len = FN_PAGES * P };

	return one_record(w, &want, sizeof(want));
}

static bool done_maps(struct fn_world *w)
{
	struct fn_print now;

	fn_print_take(w, &now);
	return w->out->a == now.n_maps && w->out->b == now.n_maps && now.n_maps == 8 &&
	       !memcmp(w->out->buf, now.maps, now.n_maps * sizeof(now.maps[0]));
}

/* All is in one region, which is in the root. */
static bool done_process_maps(struct fn_world *w)
{
	zx_info_maps_t *got = (void *)w->out->buf;
	struct fn_print now;

	fn_print_take(w, &now);
	if (w->out->a != now.n_maps + 2 || w->out->b != w->out->a ||
	    got[0].type != ZX_INFO_MAPS_TYPE_ASPACE || got[1].type != ZX_INFO_MAPS_TYPE_VMAR)
		return false;
	for (size_t i = 0; i < now.n_maps; i++) {
		if (got[i + 2].depth != now.maps[i].depth + 2)
			return false;
		got[i + 2].depth -= 2;
	}
	return !memcmp(got + 2, now.maps, now.n_maps * sizeof(now.maps[0]));
}

static bool done_process_vmos(struct fn_world *w)
{
	zx_info_vmo_t want = zt_vmo_info(w->vmo), *got = (void *)w->out->buf;
	struct fn_print now;
	size_t n = 0;

	fn_print_take(w, &now);
	for (size_t i = 0; i < now.n_maps; i++)
		n += now.maps[i].type == ZX_INFO_MAPS_TYPE_MAPPING;
	return w->out->a == n && w->out->b == n && got->koid == want.koid &&
	       got->committed_bytes == want.committed_bytes;
}

static void fill_name(struct fn_world *w, union fn_cmd *m)
{
	m->property.property = ZX_PROP_NAME;
	m->property.value = u(w->out->buf);
	m->property.value_size = ZX_MAX_NAME_LEN;
}

static void fill_content_size(struct fn_world *w, union fn_cmd *m)
{
	m->property.property = ZX_PROP_VMO_CONTENT_SIZE;
	m->property.value = u(w->out->buf);
	m->property.value_size = sizeof(__u64);
}

static void setup_name(struct fn_world *w)
{
	zx_object_set_property(w->vmo, ZX_PROP_NAME, "before", 6);
	strcpy((char *)w->out->buf, "after");
}

static void setup_content_size(struct fn_world *w)
{
	__u64 size = P + 100;

	memcpy(w->out->buf, &size, sizeof(size));
}

static bool done_get_name(struct fn_world *w)
{
	return !strcmp((char *)w->out->buf, "before");
}

static bool done_set_name(struct fn_world *w)
{
	return !strcmp(zt_vmo_info(w->vmo).name, "after");
}

static bool done_get_content_size(struct fn_world *w)
{
	__u64 size = FN_VMO_PAGES * P;

	return !memcmp(w->out->buf, &size, sizeof(size));
}

/* All behind P + 100 is zero, in a VMO of this size. */
static bool cut(struct fn_world *w, __u64 size)
{
	return zt_stream_size(w->vmo) == P + 100 && zt_size(w->vmo) == size &&
	       zt_vmo_holds(w->vmo, 0, P + 100, 1) &&
	       zt_vmo_zero(w->vmo, P + 100, size - P - 100) &&
	       zt_committed(w->vmo) == 2 * P;
}

static bool done_set_content_size(struct fn_world *w)
{
	return cut(w, FN_VMO_PAGES * P);
}

/* ---- on a VMO ---- */

static void fill_in_page(struct fn_world *w, union fn_cmd *m)
{
	m->transfer.buffer = u(w->out->buf);
	m->transfer.offset = P + 50;
	m->transfer.length = 100;
}

static void fill_in_new_page(struct fn_world *w, union fn_cmd *m)
{
	fill_in_page(w, m);
	m->transfer.offset = 4 * P + 50;
}

static void fill_long(struct fn_world *w, union fn_cmd *m)
{
	m->transfer.buffer = u(w->out->buf);
	m->transfer.offset = 100;
	m->transfer.length = (FN_VMO_PAGES - 1) * P;
}

/* The caller's memory is a mapping that has no PTEs yet. */
static void fill_with_mapping(struct fn_world *w, union fn_cmd *m)
{
	m->transfer.buffer = u(fn_at(w, FN_SINK) + 50);
	m->transfer.offset = 100;
	m->transfer.length = 2 * P;
}

static void setup_sink(struct fn_world *w)
{
	zt_vmo_fill(w->other, 0, FN_SINK_PAGES * P, 2);
}

static void setup_write(struct fn_world *w)
{
	zt_fill(w->out->buf, sizeof(w->out->buf), 0, 2);
}

/* What is at @pos of the VMO in the beginning. */
static uint8_t first_byte(uint64_t pos)
{
	return fn_written(pos / P) ? zt_pattern(pos, 1) : 0;
}

/* All that was moved is right: what has failed may have made it less. */
static bool done_read(struct fn_world *w)
{
	const struct zvm_vmo_transfer *m = &w->cmd.transfer;
	const uint8_t *buf = (const uint8_t *)m->buffer;

	if (!m->done || m->done > m->length)
		return false;
	for (uint64_t i = 0; i < m->done; i++)
		if (buf[i] != first_byte(m->offset + i))
			return false;
	return true;
}

static bool done_write(struct fn_world *w)
{
	const struct zvm_vmo_transfer *m = &w->cmd.transfer;
	uint64_t skip = m->buffer == u(w->out->buf) ? 0 : 50;
	uint8_t buf[FN_VMO_PAGES * 4096];

	if (!m->done || m->done > m->length || zx_vmo_read(w->vmo, buf, 0, FN_VMO_PAGES * P))
		return false;
	for (uint64_t i = 0; i < FN_VMO_PAGES * P; i++) {
		bool in = i >= m->offset && i < m->offset + m->done;

		if (buf[i] != (in ? zt_pattern(i - m->offset + skip, 2) : first_byte(i)))
			return false;
	}
	return true;
}

static void fill_size(struct fn_world *w, union fn_cmd *m)
{
	m->get_size.out_size = u(&w->out->a);
}

static void fill_committed(struct fn_world *w, union fn_cmd *m)
{
	m->committed.length = zt_size(w->vmo);
	m->committed.out_bytes = u(&w->out->a);
}

static bool done_committed(struct fn_world *w)
{
	return w->out->a && w->out->a == zt_committed(w->vmo);
}

static bool done_size(struct fn_world *w)
{
	return w->out->a == FN_VMO_PAGES * P;
}

static void fill_grow(struct fn_world *w ZT_UNUSED, union fn_cmd *m)
{
	m->set_size.new_size = 100000 * P;
}

static bool done_grow(struct fn_world *w)
{
	return zt_size(w->vmo) == 100000 * P && zt_vmo_byte(w->vmo, 99999 * P) == 0 &&
	       zt_vmo_holds(w->vmo, P, P, 1);
}

static void fill_cut(struct fn_world *w ZT_UNUSED, union fn_cmd *m)
{
	m->set_size.new_size = P + 100;
}

static bool done_shrink(struct fn_world *w)
{
	return cut(w, 2 * P);
}

static bool done_cut(struct fn_world *w)
{
	return cut(w, FN_VMO_PAGES * P);
}

static void fill_op(union fn_cmd *m, __u32 op, __u64 offset, __u64 length)
{
	m->op.op = op;
	m->op.offset = offset;
	m->op.length = length;
}

#define VMO_OP(name_, offset_, length_)						\
	static void fill_##name_(struct fn_world *w ZT_UNUSED, union fn_cmd *m)	\
	{									\
		fill_op(m, ZX_VMO_OP_##name_, offset_, length_);		\
	}

VMO_OP(COMMIT, 2 * P, 4 * P)
VMO_OP(DECOMMIT, P, 2 * P)
VMO_OP(ZERO, 100, 2 * P + 50)
VMO_OP(TRY_LOCK, 0, FN_SINK_PAGES * P)
VMO_OP(UNLOCK, 0, FN_SINK_PAGES * P)
VMO_OP(CACHE_SYNC, 0, P)
VMO_OP(CACHE_CLEAN, 0, P)
VMO_OP(CACHE_CLEAN_INVALIDATE, 0, P)
VMO_OP(PREFETCH, 0, 4 * P)
VMO_OP(DONT_NEED, 0, 4 * P)
VMO_OP(ALWAYS_NEED, 0, 4 * P)

static void fill_LOCK(struct fn_world *w, union fn_cmd *m)
{
	fill_op(m, ZX_VMO_OP_LOCK, 0, FN_SINK_PAGES * P);
	m->op.buffer = u(w->out->buf);
	m->op.buffer_size = sizeof(zx_vmo_lock_state_t);
}

static bool done_commit(struct fn_world *w)
{
	return zt_committed(w->vmo) == 6 * P && zt_vmo_zero(w->vmo, 3 * P, 2 * P) &&
	       zt_vmo_holds(w->vmo, 2 * P, P, 1) && zt_vmo_holds(w->vmo, 5 * P, P, 1);
}

/* One page far out: a long path of nodes. */
static void setup_huge(struct fn_world *w)
{
	zt_keep(&w->bag, zt_vmo(0, ZX_VMO_UNBOUNDED));
	zt_vmo_fill(w->bag.h[0], 0, 1, 1);
}

static void fill_commit_far(struct fn_world *w ZT_UNUSED, union fn_cmd *m)
{
	fill_op(m, ZX_VMO_OP_COMMIT, 1ull << 60, P);
}

static bool done_commit_far(struct fn_world *w)
{
	return zt_committed(w->bag.h[0]) == 2 * P && zt_vmo_holds(w->bag.h[0], 0, 1, 1);
}

static bool done_decommit(struct fn_world *w)
{
	return zt_committed(w->vmo) == 2 * P && zt_vmo_zero(w->vmo, P, 2 * P);
}

static bool done_zero(struct fn_world *w)
{
	return zt_vmo_holds(w->vmo, 0, 100, 1) && zt_vmo_zero(w->vmo, 100, 2 * P + 50) &&
	       zt_vmo_holds(w->vmo, 2 * P + 150, P - 150, 1);
}

/*
 * A VMO of two huge pages and 40 small ones, all of them a snapshot's too. What is
 * to be changed ends within huge pages, or within a node of the page map.
 */
#define FOLIO 512

static const struct { unsigned int from, to; } folio_pages[] = {
	{ 0, 3 }, { FOLIO + 1, FOLIO + 2 }, { 2 * FOLIO - 2, 2 * FOLIO + 2 },
	{ 2 * FOLIO + 15, 2 * FOLIO + 25 }, { 2 * FOLIO + 35, 2 * FOLIO + 40 },
};

static void setup_folios(struct fn_world *w)
{
	zx_handle_t h = zt_keep(&w->bag, zt_vmo((2 * FOLIO + 40) * P,
						ZVM_VMO_HUGE_PAGES | ZX_VMO_RESIZABLE));
	zx_handle_t child = ZX_HANDLE_INVALID;

	for (size_t i = 0; i < ARRAY_SIZE(folio_pages); i++)
		zt_vmo_fill(h, folio_pages[i].from * P,
			    (folio_pages[i].to - folio_pages[i].from) * P, 2);
	zx_vmo_create_child(h, ZX_VMO_CHILD_SNAPSHOT, 0, (2 * FOLIO + 40) * P, &child);
	zt_keep(&w->bag, child);
}

/* Are the bytes what they were, but for zeros in [first, last)? */
static bool folios_hold(zx_handle_t h, uint64_t first, uint64_t last)
{
	for (size_t i = 0; i < ARRAY_SIZE(folio_pages); i++) {
		uint64_t from = folio_pages[i].from * P, to = folio_pages[i].to * P;
		uint64_t a = first < from ? from : first < to ? first : to;
		uint64_t b = last < from ? from : last < to ? last : to;

		if ((a > from && !zt_vmo_holds(h, from, a - from, 2)) ||
		    (b > a && !zt_vmo_zero(h, a, b - a)) ||
		    (to > b && !zt_vmo_holds(h, b, to - b, 2)))
			return false;
	}
	return true;
}

static bool kept_folios(struct fn_world *w)
{
	return folios_hold(w->bag.h[0], 0, 0) && folios_hold(w->bag.h[1], 0, 0);
}

static void fill_zero_in_folios(struct fn_world *w ZT_UNUSED, union fn_cmd *m)
{
	fill_op(m, ZX_VMO_OP_ZERO, P, (2 * FOLIO - 2) * P);
}

static bool done_zero_in_folios(struct fn_world *w)
{
	return folios_hold(w->bag.h[0], P, (2 * FOLIO - 1) * P) && folios_hold(w->bag.h[1], 0, 0);
}

static void fill_zero_from_folio(struct fn_world *w ZT_UNUSED, union fn_cmd *m)
{
	fill_op(m, ZX_VMO_OP_ZERO, P, (2 * FOLIO + 19) * P);
}

static bool done_zero_from_folio(struct fn_world *w)
{
	return folios_hold(w->bag.h[0], P, (2 * FOLIO + 20) * P) &&
	       folios_hold(w->bag.h[1], 0, 0);
}

static bool done_shrink_folios(struct fn_world *w)
{
	return zt_size(w->bag.h[0]) == 2 * P && zt_vmo_holds(w->bag.h[0], 0, P + 100, 2) &&
	       zt_vmo_zero(w->bag.h[0], P + 100, P - 100) && folios_hold(w->bag.h[1], 0, 0);
}

static bool done_cut_folios(struct fn_world *w)
{
	return zt_stream_size(w->bag.h[0]) == P + 100 &&
	       folios_hold(w->bag.h[0], P + 100, (2 * FOLIO + 40) * P) &&
	       folios_hold(w->bag.h[1], 0, 0);
}

/* How often the other VMO is locked, counted by unlocking; locks it again. */
static int locks(struct fn_world *w)
{
	zx_vmo_lock_state_t state;
	int n = 0;

	while (!zx_vmo_op_range(w->other, ZX_VMO_OP_UNLOCK, 0, FN_SINK_PAGES * P, NULL, 0))
		n++;
	for (int i = 0; i < n; i++)
		zx_vmo_op_range(w->other, ZX_VMO_OP_LOCK, 0, FN_SINK_PAGES * P,
				&state, sizeof(state));
	return n;
}

static void setup_locked(struct fn_world *w)
{
	zx_vmo_op_range(w->other, ZX_VMO_OP_TRY_LOCK, 0, FN_SINK_PAGES * P, NULL, 0);
}

static bool is_locked(struct fn_world *w)
{
	return locks(w) == 1;
}

static bool is_unlocked(struct fn_world *w)
{
	return locks(w) == 0;
}

/* The kernel's own mapping of its pages may have to be taken apart, which wants memory. */
static void setup_policy(struct fn_world *w)
{
	zt_keep(&w->bag, zt_vmo(64 * P, 0));
	zt_vmo_fill(w->bag.h[0], 0, 64 * P, 1);
}

static void fill_policy(struct fn_world *w ZT_UNUSED, union fn_cmd *m)
{
	m->cache.policy = ZX_CACHE_POLICY_UNCACHED;
}

static bool done_policy(struct fn_world *w)
{
	return zt_vmo_info(w->bag.h[0]).cache_policy == ZX_CACHE_POLICY_UNCACHED;
}

static bool kept_policy(struct fn_world *w)
{
	return zt_vmo_info(w->bag.h[0]).cache_policy == ZX_CACHE_POLICY_CACHED;
}

/* ---- children ---- */

static void fill_child(struct fn_world *w, union fn_cmd *m, __u32 options)
{
	m->child.options = options;
	m->child.child_size = options & ZX_VMO_CHILD_REFERENCE ? 0 : FN_VMO_PAGES * P;
	m->child.out_handle = u(&w->out->handle);
}

static void fill_snapshot(struct fn_world *w, union fn_cmd *m)
{
	fill_child(w, m, ZX_VMO_CHILD_SNAPSHOT);
}

/* Holes at both ends, and room behind. */
static void fill_clipped(struct fn_world *w, union fn_cmd *m)
{
	fill_child(w, m, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE | ZX_VMO_CHILD_RESIZABLE);
	m->child.offset = 2 * P;
	m->child.child_size = 16 * P;
}

/* Of a VMO that cannot be resized. */
static void fill_slice(struct fn_world *w, union fn_cmd *m)
{
	fill_child(w, m, ZX_VMO_CHILD_SLICE);
	m->child.offset = P;
	m->child.child_size = 2 * P;
}

static void fill_reference(struct fn_world *w, union fn_cmd *m)
{
	fill_child(w, m, ZX_VMO_CHILD_REFERENCE);
}

/* What is made is a child; the parent has only this one. */
static bool is_child(zx_handle_t parent, zx_handle_t h)
{
	return h && zt_vmo_info(h).parent_koid == zt_koid(parent) &&
	       zt_vmo_info(parent).num_children == 1;
}

/* As the VMO is in the beginning, from page @first on. */
static bool first_content(zx_handle_t h, unsigned int first, unsigned int end)
{
	for (unsigned int i = first; i < end; i++) {
		uint8_t page[4096];

		if (zx_vmo_read(h, page, (i - first) * P, P))
			return false;
		for (unsigned int at = 0; at < P; at++)
			if (page[at] != (fn_written(i) ? zt_pattern(i * P + at, 1) : 0))
				return false;
	}
	return true;
}

static bool done_snapshot(struct fn_world *w)
{
	zx_handle_t h = made(w);
	uint8_t x = 0x55;

	return is_child(w->vmo, h) && zt_size(h) == FN_VMO_PAGES * P &&
	       first_content(h, 0, FN_VMO_PAGES) && !zx_vmo_write(h, &x, 0, 1) &&
	       zt_vmo_byte(h, 0) == x && first_content(w->vmo, 0, FN_VMO_PAGES) &&
	       !zx_vmo_write(w->vmo, &x, P, 1) && zt_vmo_byte(h, P) == zt_pattern(P, 1) &&
	       !zt_vmo_fill(w->vmo, P, P, 1);
}

static bool done_clipped(struct fn_world *w)
{
	zx_handle_t h = made(w);

	return is_child(w->vmo, h) && zt_size(h) == 16 * P && first_content(h, 2, FN_VMO_PAGES) &&
	       zt_vmo_zero(h, 6 * P, 10 * P) && zt_rights(h) & ZX_RIGHT_RESIZE;
}

/* Its content is the VMO's, both ways. */
static bool done_reference(struct fn_world *w)
{
	zx_handle_t h = made(w);
	uint8_t x = 0x55;

	return is_child(w->vmo, h) && zt_size(h) == FN_VMO_PAGES * P &&
	       first_content(h, 0, FN_VMO_PAGES) && !zx_vmo_write(h, &x, 4 * P, 1) &&
	       zt_vmo_byte(w->vmo, 4 * P) == x;
}

/* A child of a child, and pages that are not where the store has them. */
static void setup_child(struct fn_world *w)
{
	zx_handle_t child = ZX_HANDLE_INVALID;

	zx_vmo_create_child(w->vmo, ZX_VMO_CHILD_SNAPSHOT, P, 5 * P, &child);
	zt_keep(&w->bag, child);
}

static void fill_grandchild(struct fn_world *w, union fn_cmd *m)
{
	fill_child(w, m, ZX_VMO_CHILD_SNAPSHOT);
	m->child.child_size = 5 * P;
}

static bool done_grandchild(struct fn_world *w)
{
	zx_handle_t h = made(w);

	return is_child(w->bag.h[0], h) && is_child(w->vmo, w->bag.h[0]) &&
	       first_content(h, 1, 6);
}

/* A tree of many levels is cut at both ends. */
static void setup_huge_child(struct fn_world *w)
{
	zt_keep(&w->bag, zt_vmo(0, ZX_VMO_UNBOUNDED));
	zt_vmo_fill(w->bag.h[0], 0, P, 1);
	zt_vmo_fill(w->bag.h[0], 1ull << 60, P, 2);
	zt_vmo_fill(w->bag.h[0], 1ull << 61, P, 3);
}

static void fill_huge_child(struct fn_world *w, union fn_cmd *m)
{
	fill_child(w, m, ZX_VMO_CHILD_SNAPSHOT);
	m->child.offset = P;
	m->child.child_size = (1ull << 61) - P;
}

static bool done_huge_child(struct fn_world *w)
{
	uint64_t at = (1ull << 60) - P;
	uint8_t page[4096];
	zx_handle_t h = made(w);

	return h && !zx_vmo_read(h, page, at, P) && zt_mismatch(page, P, 1ull << 60, 2) < 0 &&
	       zt_vmo_zero(h, 0, P) && zt_committed(w->bag.h[0]) == 3 * P;
}

/* One page of another VMO goes to the hole behind the first pages. */
static void setup_source(struct fn_world *w)
{
	zt_keep(&w->bag, zt_vmo(4 * P, 0));
	zt_vmo_fill(w->bag.h[0], 0, 4 * P, 2);
}

static void fill_transfer_data(struct fn_world *w, union fn_cmd *m)
{
	m->data.src = w->bag.h[0];
	m->data.offset = 3 * P;
	m->data.src_offset = P;
	m->data.length = P;
}

/* The source as it was, but for what has gone. */
static bool source_holds(struct fn_world *w, bool taken)
{
	return zt_vmo_holds(w->bag.h[0], 0, P, 2) && zt_vmo_holds(w->bag.h[0], 2 * P, 2 * P, 2) &&
	       (taken ? zt_vmo_zero(w->bag.h[0], P, P) : zt_vmo_holds(w->bag.h[0], P, P, 2)) &&
	       zt_vmo_info(w->bag.h[0]).populated_bytes == (taken ? 3 : 4) * P;
}

static bool kept_source(struct fn_world *w)
{
	return source_holds(w, false);
}

static bool done_slice(struct fn_world *w)
{
	zx_handle_t h = made(w), of = w->bag.h[0];
	uint8_t page[4096];

	return is_child(of, h) && zt_size(h) == 2 * P && !zx_vmo_read(h, page, P, P) &&
	       zt_mismatch(page, P, 2 * P, 2) < 0 && !zt_vmo_fill(h, 0, P, 3) &&
	       zt_vmo_holds(of, 0, P, 2) && zt_vmo_holds(of, 2 * P, 2 * P, 2) &&
	       !zx_vmo_read(of, page, P, P) && zt_mismatch(page, P, 0, 3) < 0;
}

static bool done_transfer_data(struct fn_world *w)
{
	uint8_t page[4096];

	return source_holds(w, true) && !zx_vmo_read(w->vmo, page, 3 * P, P) &&
	       zt_mismatch(page, P, P, 2) < 0 && zt_vmo_info(w->vmo).populated_bytes == 5 * P;
}

/* Both have children, so that nothing can be moved, only copied; over a page. */
static void setup_shared_source(struct fn_world *w)
{
	zx_handle_t child = ZX_HANDLE_INVALID;

	setup_source(w);
	zx_vmo_create_child(w->bag.h[0], ZX_VMO_CHILD_SNAPSHOT, 0, 4 * P, &child);
	zt_keep(&w->bag, child);
	zx_vmo_create_child(w->vmo, ZX_VMO_CHILD_SNAPSHOT, 0, FN_VMO_PAGES * P, &child);
	zt_keep(&w->bag, child);
}

static bool kept_shared_source(struct fn_world *w)
{
	return kept_source(w) && zt_vmo_holds(w->bag.h[1], 0, 4 * P, 2) &&
	       first_content(w->bag.h[2], 0, FN_VMO_PAGES);
}

static bool done_transfer_shared(struct fn_world *w)
{
	return done_transfer_data(w) && zt_vmo_holds(w->bag.h[1], 0, 4 * P, 2) &&
	       first_content(w->bag.h[2], 0, FN_VMO_PAGES);
}

/* ---- on a VMAR ---- */

static void fill_allocate(struct fn_world *w, union fn_cmd *m)
{
	m->allocate.options = ZX_VM_CAN_MAP_READ;
	m->allocate.length = 4 * P;
	m->allocate.out_handle = u(&w->out->handle);
	m->allocate.out_addr = u(&w->out->a);
}

static bool done_allocate(struct fn_world *w)
{
	struct vt_region r = vt_region_of(made(w));

	return r.len == 4 * P && r.base == w->out->a && r.base >= w->base &&
	       r.base + r.len <= w->base + FN_PAGES * P;
}

/* Two pages of the VMO, in the middle of what is mapped already. */
static void fill_map(struct fn_world *w, union fn_cmd *m)
{
	m->map.options = ZT_RW;
	m->map.vmo = w->vmo;
	m->map.length = 2 * P;
	m->map.out_addr = u(&w->out->a);
}

static void fill_map_specific(struct fn_world *w, union fn_cmd *m)
{
	fill_map(w, m);
	m->map.options |= ZX_VM_SPECIFIC;
	m->map.vmar_offset = 8 * P;
}

static void fill_overwrite(struct fn_world *w, union fn_cmd *m)
{
	fill_map(w, m);
	m->map.options |= ZX_VM_SPECIFIC_OVERWRITE;
	m->map.vmar_offset = (FN_M0 + 3) * P;
}

/* Several mappings and pieces, and room between them. */
static void fill_overwrite_many(struct fn_world *w, union fn_cmd *m)
{
	fill_overwrite(w, m);
	m->map.length = 15 * P;
}

static void setup_grow(struct fn_world *w)
{
	zx_vmo_set_size(w->vmo, 16 * P);
}

static void fill_map_range(struct fn_world *w, union fn_cmd *m)
{
	fill_map_specific(w, m);
	m->map.options |= ZX_VM_MAP_RANGE;
	m->map.length = 6 * P;
}

/* Pages that can be executed: what is in them is code. */
static void setup_code(struct fn_world *w)
{
	zx_handle_t x = ZX_HANDLE_INVALID;

	zx_vmo_replace_as_executable(zt_dup(w->vmo, ZX_RIGHT_SAME_RIGHTS), ZX_HANDLE_INVALID, &x);
	zt_keep(&w->bag, x);
	zx_vmo_write(w->vmo, zt_code, 0, sizeof(zt_code));
}

static void fill_map_exec(struct fn_world *w, union fn_cmd *m)
{
	fill_map_specific(w, m);
	m->map.options = VT_R | ZX_VM_PERM_EXECUTE | ZX_VM_SPECIFIC;
	m->map.vmo = w->bag.h[0];
}

static void fill_overwrite_exec(struct fn_world *w, union fn_cmd *m)
{
	fill_map_exec(w, m);
	m->map.options = VT_R | ZX_VM_PERM_EXECUTE | ZX_VM_SPECIFIC_OVERWRITE;
	m->map.vmar_offset = (FN_M0 + 3) * P;
}

/* The tree shows the mapping with just this extent and permission. */
static bool in_tree(struct fn_world *w, zx_vaddr_t addr, size_t len, zx_vm_option_t perms)
{
	struct fn_print now;

	fn_print_take(w, &now);
	for (size_t i = 0; i < now.n_maps; i++)
		if (now.maps[i].base == addr && now.maps[i].type == ZX_INFO_MAPS_TYPE_MAPPING)
			return now.maps[i].size == len &&
			       now.maps[i].u.mapping.mmu_flags == perms;
	return false;
}

/* The bytes themselves are checked for all mappings after each case. */
static bool done_map(struct fn_world *w)
{
	const struct zvm_vmar_map *m = &w->cmd.map;
	zx_vaddr_t at = w->out->a;

	if (m->vmar_offset && at != w->base + m->vmar_offset)
		return false;
	return in_tree(w, at, m->length, m->options & 7);
}

/* As many pages as may be get PTEs at once; it takes page tables. */
static void setup_far(struct fn_world *w)
{
	w->extra = fn_far(w) != 0;
}

static void fill_map_far(struct fn_world *w, union fn_cmd *m)
{
	fill_map(w, m);
	m->map.options |= ZX_VM_MAP_RANGE;
	m->map.length = FN_VMO_PAGES * P;
}

static bool done_map_far(struct fn_world *w)
{
	const uint8_t *at = (uint8_t *)w->out->a;

	if (!w->extra || vt_maps_count(w->far) != 2)
		return false;
	for (uint64_t pos = 0; pos < FN_VMO_PAGES * P; pos += P)
		if (at[pos] != first_byte(pos))
			return false;
	return true;
}

static bool done_map_exec(struct fn_world *w)
{
	return done_map(w) && fn_arena_exec() == 1 &&
	       !zt_try_exec((void *)w->out->a) && zt_exec_value() == 42;
}

static void fill_range(struct fn_world *w, union fn_cmd *m, unsigned int page,
		       unsigned int pages, __u32 options)
{
	m->range.addr = u(fn_at(w, page));
	m->range.length = pages * P;
	m->range.options = options;
}

#define RANGE(name_, page_, pages_, options_)				\
	static void fill_##name_(struct fn_world *w, union fn_cmd *m)	\
	{								\
		fill_range(w, m, page_, pages_, options_);		\
	}

RANGE(unmap_whole, FN_M0, FN_VMO_PAGES, 0)
RANGE(unmap_middle, FN_M0 + 3, 2, 0)
RANGE(unmap_many, FN_M0 + 4, FN_M1 + 2 - FN_M0 - 4, 0)
RANGE(unmap_region, FN_M1 + 2, FN_CHILD + 16 - FN_M1 - 2, 0)
RANGE(protect_whole, FN_M0, FN_VMO_PAGES, ZX_VM_PERM_READ)
RANGE(protect_middle, FN_M0 + 1, 3, ZX_VM_PERM_READ)
RANGE(protect_none, FN_M0 + 1, 3, 0)
RANGE(protect_pieces, FN_M1, 4, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)
RANGE(protect_child, FN_M2 + 1, 2, ZX_VM_PERM_READ)
RANGE(protect_exec, 9, 1, ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE)
RANGE(unmap_exec, 8, 3, 0)

/* Nothing is mapped in these pages of the region. */
static bool hole(struct fn_world *w, unsigned int page, unsigned int pages)
{
	for (; pages; page++, pages--)
		if (zt_try_read(fn_at(w, page)) != SIGSEGV)
			return false;
	return true;
}

static bool done_unmap(struct fn_world *w)
{
	const struct zvm_vmar_range *m = &w->cmd.range;

	return hole(w, (m->addr - w->base) / P, m->length / P);
}

static bool done_unmap_region(struct fn_world *w)
{
	return done_unmap(w) &&
	       zx_vmar_unmap(w->child, w->base + FN_M2 * P, P) == ZX_ERR_BAD_STATE;
}

static bool done_protect(struct fn_world *w)
{
	const struct zvm_vmar_range *m = &w->cmd.range;
	struct fn_print now;
	size_t len = 0;

	fn_print_take(w, &now);
	for (size_t i = 0; i < now.n_maps; i++) {
		const zx_info_maps_t *map = &now.maps[i];

		if (map->type != ZX_INFO_MAPS_TYPE_MAPPING || map->base + map->size <= m->addr ||
		    map->base >= m->addr + m->length)
			continue;
		if (map->u.mapping.mmu_flags != m->options || map->base < m->addr)
			return false;
		len += map->size;
	}
	return len == m->length && now.vmo.num_mappings == 3;
}

/* A mapping without permission to execute, but with the right. */
static void setup_protect_exec(struct fn_world *w)
{
	setup_code(w);
	fn_map(w, w->vmar, w->base, w->bag.h[0], 8, 3, VT_R);
	zt_try_read(fn_at(w, 9));
	zx_vmo_write(w->vmo, zt_code, P, sizeof(zt_code));
}

static bool done_protect_exec(struct fn_world *w)
{
	return in_tree(w, w->base + 9 * P, P, VT_R | ZX_VM_PERM_EXECUTE) &&
	       in_tree(w, w->base + 8 * P, P, VT_R) && fn_arena_exec() == 1 &&
	       !zt_try_exec(fn_at(w, 9)) && zt_exec_value() == 42;
}

static void setup_unmap_exec(struct fn_world *w)
{
	setup_code(w);
	fn_map(w, w->vmar, w->base, w->bag.h[0], 8, 3, VT_R | ZX_VM_PERM_EXECUTE);
	zt_try_exec(fn_at(w, 8));
}

/*
 * So much that page tables are given back: many page tables of one page each,
 * in a region of its own.
 */
#define SPARSE 80
#define SPARSE_STEP (2ul << 20)
static void setup_sparse(struct fn_world *w)
{
	zx_handle_t vmo = zt_keep(&w->bag, zt_vmo(SPARSE * SPARSE_STEP, 0));
	zx_vaddr_t addr = fn_far(w);

	zx_vmar_map(w->far, ZT_RW | ZX_VM_SPECIFIC, 0, vmo, 0, SPARSE * SPARSE_STEP, &addr);
	for (size_t i = 0; i < SPARSE; i++)
		zt_try_read((void *)(addr + i * SPARSE_STEP));
}

static void fill_unmap_sparse(struct fn_world *w, union fn_cmd *m)
{
	m->range.addr = vt_region_of(w->far).base;
	m->range.length = SPARSE * SPARSE_STEP;
}

/* The page tables go with it, or stay until later. */
static bool done_unmap_sparse(struct fn_world *w)
{
	return vt_maps_count(w->far) == 1;
}

static bool done_destroy(struct fn_world *w)
{
	return hole(w, FN_CHILD, 16) && zx_vmar_destroy(w->child) == ZX_ERR_BAD_STATE;
}

#define VMAR_OP(name_)								\
	static void fill_vmar_##name_(struct fn_world *w, union fn_cmd *m)	\
	{									\
		fill_op(m, ZX_VMAR_OP_##name_, u(fn_at(w, FN_M0 + 1)), 4 * P);	\
	}

VMAR_OP(COMMIT)
VMAR_OP(DECOMMIT)
VMAR_OP(MAP_RANGE)
VMAR_OP(ZERO)
VMAR_OP(DONT_NEED)
VMAR_OP(ALWAYS_NEED)
VMAR_OP(PREFETCH)

static bool done_vmar_commit(struct fn_world *w)
{
	return zt_committed(w->vmo) == 6 * P && zt_vmo_zero(w->vmo, 3 * P, 2 * P);
}

static bool done_vmar_zero(struct fn_world *w)
{
	return zt_committed(w->vmo) == 2 * P && zt_vmo_zero(w->vmo, P, 4 * P);
}

static bool unchanged(struct fn_world *w)
{
	return zt_committed(w->vmo) == 4 * P && zt_vmo_holds(w->vmo, 0, 3 * P, 1);
}

/* ---- address spaces ---- */

#define ASPACE_BASE (1ull << 44)
#define ASPACE_SIZE (1ull << 30)

static void fill_aspace(struct fn_world *w, union fn_cmd *m)
{
	m->aspace_create.base = ASPACE_BASE;
	m->aspace_create.length = ASPACE_SIZE;
	m->aspace_create.out_handle = u(&w->out->handle);
}

static bool done_aspace(struct fn_world *w)
{
	zx_handle_t h = made(w);

	return h && vt_region_of(h).base == ASPACE_BASE && vt_maps_count(h) == 1;
}

/* In the bag: one for a machine, which shows the VMO from its first address on. */
static void setup_aspace(struct fn_world *w)
{
	zx_handle_t h = 0;
	zx_vaddr_t addr;

	zvm_aspace_create(ZVM_ASPACE_GUEST_PHYS, ASPACE_BASE, ASPACE_SIZE, &h);
	zt_keep(&w->bag, h);
	zx_vmar_map(h, ZT_RW | ZX_VM_SPECIFIC, 0, w->vmo, 0, FN_VMO_PAGES * P, &addr);
}

static void fill_adopt(struct fn_world *w, union fn_cmd *m)
{
	m->adopt.out_addr = u(&w->out->a);
}

static bool done_adopt(struct fn_world *w)
{
	const uint8_t *at = (const uint8_t *)w->out->a;

	if (zt_try_read(at) || zt_mismatch(at, 3 * P, 0, 1) != -1)
		return false;
	w->mem = (void *)w->out->a;
	w->mem_len = ASPACE_SIZE;
	return true;
}

/* Nothing is mapped here, all is still there. */
static bool kept_adopt(struct fn_world *w)
{
	uint8_t byte = 0;
	size_t n;

	return zx_process_read_memory(w->bag.h[0], ASPACE_BASE + 1, &byte, 1, &n) == ZX_OK &&
	       byte == zt_pattern(1, 1);
}

static void fill_process(struct fn_world *w, union fn_cmd *m)
{
	m->transfer.offset = ASPACE_BASE + P / 2;
	m->transfer.length = P;
	m->transfer.buffer = u(w->out->buf);
}

static bool done_process_read(struct fn_world *w)
{
	return w->cmd.transfer.done == P && zt_mismatch(w->out->buf, P, P / 2, 1) == -1;
}

static void setup_process_write(struct fn_world *w)
{
	setup_aspace(w);
	zt_fill(w->out->buf, P, 0, 2);
}

static bool done_process_write(struct fn_world *w)
{
	uint8_t got[8];

	return w->cmd.transfer.done == P && zx_vmo_read(w->vmo, got, P, 8) == ZX_OK &&
	       zt_mismatch(got, 8, P / 2, 2) == -1;
}

#define CASE(name_, nr_, struct_, target_, fill_, done_, ...)			\
	{ .name = name_, .nr = nr_, .target = FN_ON_##target_, .fill = fill_,	\
	  .done = done_, .size = sizeof(struct struct_), __VA_ARGS__ }

#define OUT(struct_, member_) offsetof(struct struct_, member_)

#define INFO_CASE(topic_, target_, done_)					\
	CASE("GET_INFO " #topic_, ZVM_OBJECT_GET_INFO, zvm_object_get_info,	\
	     target_, fill_##topic_, done_, INFO_OUTS)
#define BTI_CASE(name_, nr_, str_, ...)						\
	CASE(name_, nr_, str_, BAG, __VA_ARGS__, .outs = { OUT(str_, out_handle) })
#define INFO_OUTS .outs = { OUT(zvm_object_get_info, buffer),			\
			    OUT(zvm_object_get_info, out_actual),		\
			    OUT(zvm_object_get_info, out_avail) }
#define DUP_CASE(name_, target_, fill_)						\
	CASE("HANDLE_DUPLICATE" name_, ZVM_HANDLE_DUPLICATE, zvm_handle_duplicate, \
	     target_, fill_, done_duplicate,					\
	     .outs = { OUT(zvm_handle_duplicate, out_handle) })
#define MAP_CASE(name_, fill_, done_, ...)					\
	CASE("VMAR_MAP" name_, ZVM_VMAR_MAP, zvm_vmar_map, VMAR, fill_, done_,	\
	     .outs = { OUT(zvm_vmar_map, out_addr) }, __VA_ARGS__)
#define RANGE_CASE(nr_, name_, fill_, done_, ...)				\
	CASE(#nr_ name_, ZVM_##nr_, zvm_vmar_range, VMAR, fill_, done_, __VA_ARGS__)
#define VMO_OP_CASE(op_, target_, done_, ...)					\
	CASE("VMO_OP_RANGE " #op_, ZVM_VMO_OP_RANGE, zvm_op_range, target_,	\
	     fill_##op_, done_, __VA_ARGS__)
#define VMAR_OP_CASE(op_, done_, ...)						\
	CASE("VMAR_OP_RANGE " #op_, ZVM_VMAR_OP_RANGE, zvm_op_range, VMAR,	\
	     fill_vmar_##op_, done_, __VA_ARGS__)
#define FOLIOS_CASE(name_, nr_, struct_, fill_, done_)				\
	CASE(name_, nr_, struct_, BAG, fill_, done_, .setup = setup_folios,	\
	     .kept = kept_folios, .flags = FN_COMMITS)
#define CHILD_CASE(name_, target_, fill_, done_, ...)				\
	CASE("VMO_CREATE_CHILD " name_, ZVM_VMO_CREATE_CHILD, zvm_vmo_create_child,	\
	     target_, fill_, done_, .outs = { OUT(zvm_vmo_create_child, out_handle) },	\
	     __VA_ARGS__)
#define DATA_CASE(name_, ...)							\
	CASE("VMO_TRANSFER_DATA" name_, ZVM_VMO_TRANSFER_DATA, zvm_vmo_transfer_data, VMO, \
	     fill_transfer_data, __VA_ARGS__)
#define TRANSFER_CASE(nr_, name_, fill_, ...)					\
	CASE(#nr_ name_, ZVM_##nr_, zvm_vmo_transfer, VMO, fill_, __VA_ARGS__)

/* ---- on a BTI or PMT ---- */

static void setup_bti(struct fn_world *w)
{
	zx_handle_t bti;

	if (zx_bti_create(ZX_HANDLE_INVALID, 0, 7, &bti) == ZX_OK)
		zt_keep(&w->bag, bti);
}

static void fill_bti_create(struct fn_world *w, union fn_cmd *m)
{
	m->bti_create.out_handle = u(&w->out->handle);
}

static bool done_bti_create(struct fn_world *w)
{
	return zt_type(made(w)) == ZX_OBJ_TYPE_BTI;
}

static void fill_contiguous(struct fn_world *w, union fn_cmd *m)
{
	m->contiguous.vmo_size = 40 * P;
	m->contiguous.out_handle = u(&w->out->handle);
}

static bool done_contiguous(struct fn_world *w)
{
	zx_handle_t h = made(w);

	return h && zt_committed(h) == 40 * P && zt_vmo_zero(h, 0, 40 * P) &&
	       zt_vmo_info(h).flags & ZX_INFO_VMO_CONTIGUOUS;
}

static void fill_pin(struct fn_world *w, union fn_cmd *m)
{
	m->pin.options = ZX_BTI_PERM_READ;
	m->pin.vmo = w->vmo;
	m->pin.offset = 2 * P;
	m->pin.length = 3 * P;
	m->pin.addrs = u(w->out->buf);
	m->pin.num_addrs = 3;
	m->pin.out_handle = u(&w->out->handle);
}

static zx_status_t snapshot(struct fn_world *w)
{
	zx_handle_t child;
	zx_status_t st = zx_vmo_create_child(w->vmo, ZX_VMO_CHILD_SNAPSHOT, 0, P, &child);

	if (st == ZX_OK)
		zx_handle_close(child);
	return st;
}

static bool is_pinned(struct fn_world *w)
{
	return snapshot(w) == ZX_ERR_BAD_STATE;
}

static bool is_unpinned(struct fn_world *w)
{
	return snapshot(w) == ZX_OK;
}

static bool done_pin(struct fn_world *w)
{
	return made(w) && is_pinned(w) && zt_vmo_holds(w->vmo, 2 * P, P, 1) &&
	       zt_vmo_zero(w->vmo, 3 * P, 2 * P);
}

static void setup_pmt(struct fn_world *w)
{
	zx_handle_t pmt;

	setup_bti(w);
	if (zx_bti_pin(w->bag.h[0], ZX_BTI_PERM_READ, w->vmo, 0, P, NULL, 0, &pmt) == ZX_OK)
		zt_keep(&w->bag, pmt);
	/* commands go to the first */
	w->bag.h[1] = w->bag.h[0];
	w->bag.h[0] = pmt;
}

INFO(BTI)

static bool done_bti(struct fn_world *w)
{
	zx_info_bti_t info;

	memcpy(&info, w->out->buf, sizeof(info));
	return w->out->a == 1 && w->out->b == 1 && info.minimum_contiguity == P &&
	       !info.pmo_count && !info.quarantine_count;
}

static const struct fn_case device_cases[] = {
	CASE("HANDSHAKE", ZVM_HANDSHAKE, zvm_handshake, DEVICE, fill_handshake, done_handshake),
	CASE("STATS", ZVM_STATS, zvm_stats, DEVICE, fill_nothing, done_stats),
	CASE("VMAR_ROOT", ZVM_VMAR_ROOT, zvm_vmar_root, DEVICE, fill_root, done_root,
	     .outs = { OUT(zvm_vmar_root, out_handle) }),
	CASE("VMO_CREATE", ZVM_VMO_CREATE, zvm_vmo_create, DEVICE, fill_create, done_create,
	     .outs = { OUT(zvm_vmo_create, out_handle) }),
	CASE("VMO_CREATE_PHYSICAL", ZVM_VMO_CREATE_PHYSICAL, zvm_vmo_create_physical, DEVICE,
	     fill_physical, done_physical, .outs = { OUT(zvm_vmo_create_physical, out_handle) }),
	CASE("HANDLE_CLOSE", ZVM_HANDLE_CLOSE, zvm_handle_close, DEVICE, fill_close, done_close,
	     .setup = setup_dup),
	CASE("OBJECT_WAIT_ONE", ZVM_OBJECT_WAIT_ONE, zvm_object_wait_one, DEVICE, fill_wait_one,
	     done_wait_one, .outs = { OUT(zvm_object_wait_one, out_observed) }),
	CASE("OBJECT_WAIT_MANY", ZVM_OBJECT_WAIT_MANY, zvm_object_wait_many, DEVICE,
	     fill_wait_many, done_wait_many),
};

static const struct fn_case handle_cases[] = {
	DUP_CASE("", VMO, fill_duplicate),
	DUP_CASE(" of a VMAR", VMAR, fill_duplicate),
	DUP_CASE(" REPLACE", VMO, fill_replace),
	DUP_CASE(" EXECUTABLE", VMO, fill_executable),
	DUP_CASE(" LEND", VMAR, fill_lend),
	CASE("HANDLE_TAG_OF", ZVM_HANDLE_TAG_OF, zvm_handle_tag, VMO, fill_nothing, done_tag),
	CASE("OBJECT_SIGNAL", ZVM_OBJECT_SIGNAL, zvm_object_signal, VMO, fill_signal,
	     is_signalled, .kept = is_unsignalled),
	CASE("GET_INFO HANDLE_VALID", ZVM_OBJECT_GET_INFO, zvm_object_get_info, VMO,
	     fill_HANDLE_VALID, done_valid),
	INFO_CASE(HANDLE_BASIC, VMO, done_basic),
	INFO_CASE(HANDLE_COUNT, VMO, done_count),
	INFO_CASE(VMO_V1, VMO, done_vmo),
	INFO_CASE(VMO_V2, VMO, done_vmo),
	INFO_CASE(VMO_V3, VMO, done_vmo),
	INFO_CASE(VMO, VMO, done_vmo),
	INFO_CASE(VMAR, VMAR, done_vmar),
	INFO_CASE(VMAR_MAPS, VMAR, done_maps),
	INFO_CASE(PROCESS_MAPS, ROOT, done_process_maps),
	INFO_CASE(PROCESS_VMOS_V1, ROOT, done_process_vmos),
	INFO_CASE(PROCESS_VMOS_V2, ROOT, done_process_vmos),
	INFO_CASE(PROCESS_VMOS_V3, ROOT, done_process_vmos),
	INFO_CASE(PROCESS_VMOS, ROOT, done_process_vmos),
	CASE("GET_PROPERTY NAME", ZVM_OBJECT_GET_PROPERTY, zvm_object_property, VMO, fill_name,
	     done_get_name, .setup = setup_name, .outs = { OUT(zvm_object_property, value) }),
	CASE("GET_PROPERTY VMO_CONTENT_SIZE", ZVM_OBJECT_GET_PROPERTY, zvm_object_property, VMO,
	     fill_content_size, done_get_content_size,
	     .outs = { OUT(zvm_object_property, value) }),
	CASE("SET_PROPERTY NAME", ZVM_OBJECT_SET_PROPERTY, zvm_object_property, VMO, fill_name,
	     done_set_name, .setup = setup_name),
	CASE("SET_PROPERTY VMO_CONTENT_SIZE", ZVM_OBJECT_SET_PROPERTY, zvm_object_property, VMO,
	     fill_content_size, done_set_content_size, .setup = setup_content_size),
};

static const struct fn_case vmo_cases[] = {
	TRANSFER_CASE(VMO_READ, "", fill_in_page, done_read),
	TRANSFER_CASE(VMO_READ, " long", fill_long, done_read),
	TRANSFER_CASE(VMO_READ, " into a mapping", fill_with_mapping, done_read,
		      .flags = FN_COMMITS | FN_SINK_DIRTY),
	TRANSFER_CASE(VMO_WRITE, "", fill_in_page, done_write, .setup = setup_write),
	TRANSFER_CASE(VMO_WRITE, " to a new page", fill_in_new_page, done_write,
		      .setup = setup_write),
	TRANSFER_CASE(VMO_WRITE, " long", fill_long, done_write, .setup = setup_write,
		      .flags = FN_COMMITS),
	TRANSFER_CASE(VMO_WRITE, " from a mapping", fill_with_mapping, done_write,
		      .setup = setup_sink, .flags = FN_COMMITS),
	CASE("VMO_GET_SIZE", ZVM_VMO_GET_SIZE, zvm_vmo_get_size, VMO, fill_size, done_size,
	     .outs = { OUT(zvm_vmo_get_size, out_size) }),
	CASE("VMO_COMMITTED", ZVM_VMO_COMMITTED, zvm_vmo_committed, VMO, fill_committed,
	     done_committed, .outs = { OUT(zvm_vmo_committed, out_bytes) }),
	CASE("VMO_GET_STREAM_SIZE", ZVM_VMO_GET_STREAM_SIZE, zvm_vmo_get_size, VMO, fill_size,
	     done_size, .outs = { OUT(zvm_vmo_get_size, out_size) }),
	CASE("VMO_SET_SIZE grow", ZVM_VMO_SET_SIZE, zvm_vmo_set_size, VMO, fill_grow, done_grow),
	CASE("VMO_SET_SIZE shrink", ZVM_VMO_SET_SIZE, zvm_vmo_set_size, VMO, fill_cut,
	     done_shrink),
	CASE("VMO_SET_STREAM_SIZE", ZVM_VMO_SET_STREAM_SIZE, zvm_vmo_set_size, VMO, fill_cut,
	     done_cut),
	VMO_OP_CASE(COMMIT, VMO, done_commit, .flags = FN_COMMITS),
	CASE("VMO_OP_RANGE COMMIT far out", ZVM_VMO_OP_RANGE, zvm_op_range, BAG, fill_commit_far,
	     done_commit_far, .setup = setup_huge),
	VMO_OP_CASE(DECOMMIT, VMO, done_decommit),
	VMO_OP_CASE(ZERO, VMO, done_zero),
	FOLIOS_CASE("VMO_OP_RANGE ZERO in folios", ZVM_VMO_OP_RANGE, zvm_op_range,
		    fill_zero_in_folios, done_zero_in_folios),
	FOLIOS_CASE("VMO_OP_RANGE ZERO from a folio on", ZVM_VMO_OP_RANGE, zvm_op_range,
		    fill_zero_from_folio, done_zero_from_folio),
	FOLIOS_CASE("VMO_SET_SIZE folios", ZVM_VMO_SET_SIZE, zvm_vmo_set_size, fill_cut,
		    done_shrink_folios),
	FOLIOS_CASE("VMO_SET_STREAM_SIZE folios", ZVM_VMO_SET_STREAM_SIZE, zvm_vmo_set_size,
		    fill_cut, done_cut_folios),
	VMO_OP_CASE(LOCK, OTHER, is_locked, .kept = is_unlocked,
		    .outs = { OUT(zvm_op_range, buffer) }),
	VMO_OP_CASE(TRY_LOCK, OTHER, is_locked, .kept = is_unlocked),
	VMO_OP_CASE(UNLOCK, OTHER, is_unlocked, .kept = is_locked, .setup = setup_locked),
	VMO_OP_CASE(CACHE_SYNC, VMO, unchanged),
	VMO_OP_CASE(CACHE_CLEAN, VMO, unchanged),
	VMO_OP_CASE(CACHE_CLEAN_INVALIDATE, VMO, unchanged),
	VMO_OP_CASE(PREFETCH, VMO, unchanged),
	VMO_OP_CASE(DONT_NEED, VMO, unchanged),
	VMO_OP_CASE(ALWAYS_NEED, VMO, unchanged),
	CASE("VMO_SET_CACHE_POLICY", ZVM_VMO_SET_CACHE_POLICY, zvm_vmo_set_cache_policy, BAG,
	     fill_policy, done_policy, .setup = setup_policy, .kept = kept_policy),
	CHILD_CASE("SNAPSHOT", VMO, fill_snapshot, done_snapshot),
	CHILD_CASE("SNAPSHOT clipped", VMO, fill_clipped, done_clipped),
	CHILD_CASE("SNAPSHOT far out", BAG, fill_huge_child, done_huge_child,
		   .setup = setup_huge_child),
	CHILD_CASE("SLICE", BAG, fill_slice, done_slice, .setup = setup_source,
		   .kept = kept_source),
	CHILD_CASE("REFERENCE", VMO, fill_reference, done_reference),
	CHILD_CASE("of a child", BAG, fill_grandchild, done_grandchild, .setup = setup_child),
	DATA_CASE("", done_transfer_data, .setup = setup_source, .kept = kept_source),
	/* A node of the page map may have been copied already. */
	DATA_CASE(" shared", done_transfer_shared, .setup = setup_shared_source,
		  .kept = kept_shared_source, .flags = FN_COMMITS),
};

static const struct fn_case bti_cases[] = {
	CASE("BTI_CREATE", ZVM_BTI_CREATE, zvm_bti_create, DEVICE, fill_bti_create,
	     done_bti_create, .outs = { OUT(zvm_bti_create, out_handle) }),
	CASE("VMO_CREATE_CONTIGUOUS", ZVM_VMO_CREATE_CONTIGUOUS, zvm_vmo_create_contiguous, BAG,
	     fill_contiguous, done_contiguous, .setup = setup_bti,
	     .outs = { OUT(zvm_vmo_create_contiguous, out_handle) }),
	CASE("BTI_PIN", ZVM_BTI_PIN, zvm_bti_pin, BAG, fill_pin, done_pin, .setup = setup_bti,
	     .flags = FN_COMMITS, .outs = { OUT(zvm_bti_pin, addrs), OUT(zvm_bti_pin, out_handle) }),
	CASE("PMT_UNPIN", ZVM_PMT_UNPIN, zvm_pmt_unpin, BAG, fill_nothing, is_unpinned,
	     .setup = setup_pmt, .kept = is_pinned),
	CASE("GET_INFO BTI", ZVM_OBJECT_GET_INFO, zvm_object_get_info, BAG, fill_BTI, done_bti,
	     .setup = setup_bti, INFO_OUTS),
};

static const struct fn_case vmar_cases[] = {
	CASE("VMAR_ALLOCATE", ZVM_VMAR_ALLOCATE, zvm_vmar_allocate, VMAR, fill_allocate,
	     done_allocate, .outs = { OUT(zvm_vmar_allocate, out_handle),
				      OUT(zvm_vmar_allocate, out_addr) }),
	MAP_CASE("", fill_map, done_map),
	MAP_CASE(" SPECIFIC", fill_map_specific, done_map),
	MAP_CASE(" OVERWRITE", fill_overwrite, done_map),
	MAP_CASE(" OVERWRITE many", fill_overwrite_many, done_map, .setup = setup_grow),
	MAP_CASE(" MAP_RANGE", fill_map_range, done_map),
	CASE("VMAR_MAP MAP_RANGE far", ZVM_VMAR_MAP, zvm_vmar_map, FAR, fill_map_far, done_map_far,
	     .setup = setup_far),
	MAP_CASE(" EXECUTE", fill_map_exec, done_map_exec, .setup = setup_code),
	MAP_CASE(" EXECUTE OVERWRITE", fill_overwrite_exec, done_map_exec, .setup = setup_code),
	RANGE_CASE(VMAR_UNMAP, "", fill_unmap_whole, done_unmap),
	RANGE_CASE(VMAR_UNMAP, " middle", fill_unmap_middle, done_unmap),
	RANGE_CASE(VMAR_UNMAP, " many", fill_unmap_many, done_unmap),
	RANGE_CASE(VMAR_UNMAP, " region", fill_unmap_region, done_unmap_region),
	RANGE_CASE(VMAR_UNMAP, " executable", fill_unmap_exec, done_unmap,
		   .setup = setup_unmap_exec),
	CASE("VMAR_UNMAP page tables", ZVM_VMAR_UNMAP, zvm_vmar_range, FAR, fill_unmap_sparse,
	     done_unmap_sparse, .setup = setup_sparse),
	RANGE_CASE(VMAR_PROTECT, "", fill_protect_whole, done_protect),
	RANGE_CASE(VMAR_PROTECT, " middle", fill_protect_middle, done_protect),
	RANGE_CASE(VMAR_PROTECT, " none", fill_protect_none, done_protect),
	RANGE_CASE(VMAR_PROTECT, " pieces", fill_protect_pieces, done_protect),
	RANGE_CASE(VMAR_PROTECT, " child", fill_protect_child, done_protect),
	RANGE_CASE(VMAR_PROTECT, " EXECUTE", fill_protect_exec, done_protect_exec,
		   .setup = setup_protect_exec),
	CASE("VMAR_DESTROY", ZVM_VMAR_DESTROY, zvm_vmar_range, CHILD, fill_nothing, done_destroy),
	VMAR_OP_CASE(COMMIT, done_vmar_commit, .flags = FN_COMMITS),
	VMAR_OP_CASE(DECOMMIT, done_vmar_zero),
	VMAR_OP_CASE(ZERO, done_vmar_zero),
	VMAR_OP_CASE(MAP_RANGE, unchanged),
	VMAR_OP_CASE(DONT_NEED, unchanged),
	VMAR_OP_CASE(ALWAYS_NEED, unchanged),
	VMAR_OP_CASE(PREFETCH, unchanged),
};

#define PROCESS_CASE(nr_, done_, ...)						\
	CASE(#nr_, ZVM_##nr_, zvm_vmo_transfer, BAG, fill_process, done_, __VA_ARGS__)

static const struct fn_case aspace_cases[] = {
	CASE("ASPACE_CREATE", ZVM_ASPACE_CREATE, zvm_aspace_create, DEVICE, fill_aspace,
	     done_aspace, .outs = { OUT(zvm_aspace_create, out_handle) }),
	CASE("ASPACE_ADOPT", ZVM_ASPACE_ADOPT, zvm_aspace_adopt, BAG, fill_adopt, done_adopt,
	     .setup = setup_aspace, .kept = kept_adopt,
	     .outs = { OUT(zvm_aspace_adopt, out_addr) }),
	PROCESS_CASE(PROCESS_READ, done_process_read, .setup = setup_aspace),
	PROCESS_CASE(PROCESS_WRITE, done_process_write, .setup = setup_process_write,
		     .flags = FN_COMMITS),
};

static const struct {
	const struct fn_case *cases;
	size_t n;
} groups[] = {
	{ device_cases, ARRAY_SIZE(device_cases) },
	{ handle_cases, ARRAY_SIZE(handle_cases) },
	{ vmo_cases, ARRAY_SIZE(vmo_cases) },
	{ bti_cases, ARRAY_SIZE(bti_cases) },
	{ vmar_cases, ARRAY_SIZE(vmar_cases) },
	{ aspace_cases, ARRAY_SIZE(aspace_cases) },
};

#define for_each_case(c, group_)						\
	for (const struct fn_case *c = groups[group_].cases;			\
	     c < groups[group_].cases + groups[group_].n; c++)

FIXTURE(fail_ioctl) {
	struct fn_world w;
};

FIXTURE_SETUP(fail_ioctl)
{
	if (!fn_prepare())
		ASSERT_EQ(NULL, fn_begin(&self->w));
}

FIXTURE_TEARDOWN(fail_ioctl)
{
}

/* The number of @of: what @c is about, UINT32_MAX if it is not the command. */
static __u32 part(struct fn_world *w, const struct fn_case *c, unsigned int nr)
{
	if (c->nr != nr)
		return UINT32_MAX;
	fn_fill(w, c);
	switch (nr) {
	case ZVM_OBJECT_GET_INFO:
		return w->cmd.info.topic;
	case ZVM_OBJECT_GET_PROPERTY:
	case ZVM_OBJECT_SET_PROPERTY:
		return w->cmd.property.property;
	case ZVM_VMO_OP_RANGE:
	case ZVM_VMAR_OP_RANGE:
		return w->cmd.op.op;
	default:
		return 0;
	}
}

static bool swept(struct fn_world *w, unsigned int nr, __u32 which)
{
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		for_each_case(c, i)
			if (part(w, c, nr) == which)
				return true;
	return false;
}

/* Does the module know this part of a command? Then it is swept. */
static void expect_swept(struct __test_metadata *_metadata, struct fn_world *w, unsigned int nr,
			 __u32 which)
{
	union fn_cmd m = { 0 };
	int fd = zvm_handle_to_fd(w->vmo), err;

	/* Good enough to get as far as to what it is about. */
	switch (nr) {
	case ZVM_OBJECT_GET_INFO:
		m.info.size = sizeof(m.info);
		m.info.topic = which;
		break;
	case ZVM_OBJECT_GET_PROPERTY:
	case ZVM_OBJECT_SET_PROPERTY:
		m.property.size = sizeof(m.property);
		m.property.property = which;
		m.property.value = u(w->out->buf);
		break;
	default:
		fd = zvm_handle_to_fd(nr == ZVM_VMAR_OP_RANGE ? w->vmar : w->other);
		m.op.size = sizeof(m.op);
		m.op.op = which;
		m.op.offset = nr == ZVM_VMAR_OP_RANGE ? w->base : 0;
		m.op.length = P;
		break;
	}
	err = ioctl(fd, nr, &m) < 0 ? errno : 0;
	if (err == EOPNOTSUPP || err == EINVAL)
		return;
	EXPECT_TRUE(swept(w, nr, which)) {
		TH_LOG("command %#x, part %#x is not swept", nr, which);
	}
}

/* No command of the module is forgotten here, nor a part of one. */
TEST_F(fail_ioctl, all_are_swept)
{
	struct fn_world *w = &self->w;
	int known = 0;

	FN_NEEDED();
	ASSERT_EQ(NULL, fn_world_make(w));
	setup_dup(w);
	for (unsigned int i = 0; i < 256; i++) {
		unsigned int nr = _IO(ZVM_IOC_TYPE, i);

		if (ioctl(w->dev, nr, NULL) < 0 && errno == ENOTTY)
			continue;
		known++;
		switch (nr) {
		case ZVM_OBJECT_GET_INFO:
		case ZVM_OBJECT_GET_PROPERTY:
		case ZVM_OBJECT_SET_PROPERTY:
		case ZVM_VMO_OP_RANGE:
		case ZVM_VMAR_OP_RANGE:
			break;
		default:
			EXPECT_TRUE(swept(w, nr, 0)) TH_LOG("command %#x is not swept", nr);
		}
	}
	EXPECT_GE(known, 29);

	/* Topics have versions in the upper bits. */
	for (__u32 version = 0; version < 4; version++) {
		for (__u32 i = 0; i < 256; i++)
			expect_swept(_metadata, w, ZVM_OBJECT_GET_INFO, i | version << 28);
	}
	for (__u32 i = 0; i < 256; i++) {
		expect_swept(_metadata, w, ZVM_OBJECT_GET_PROPERTY, i);
		expect_swept(_metadata, w, ZVM_OBJECT_SET_PROPERTY, i);
		expect_swept(_metadata, w, ZVM_VMO_OP_RANGE, i);
		expect_swept(_metadata, w, ZVM_VMAR_OP_RANGE, i);
	}
	fn_world_drop(w);
}

#define SWEEP(name_, group_)							\
	TEST_F_TIMEOUT(fail_ioctl, name_, 300)					\
	{									\
		FN_NEEDED();							\
		for_each_case(c, group_) {					\
			fn_sweep(_metadata, &self->w, c);			\
			fn_bad_outs(_metadata, &self->w, c);			\
		}								\
	}

SWEEP(device, 0)
SWEEP(handle, 1)
SWEEP(vmo, 2)
SWEEP(bti, 3)
SWEEP(vmar, 4)

TEST_HARNESS_MAIN
