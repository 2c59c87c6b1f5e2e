// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Random operations on a region, against a model of what each page has to be:
 * the status of every call, the records of the region, and loads and stores.
 */
#include "kselftest_harness.h"
#include "zvm_vmar_test.h"

#define PAGES 48	/* of the region */
#define VMOS 4
#define VMO_PAGES 24
#define MAX_SUBS 6

/* What the model knows of a page of the region. */
struct page {
	int vmo;		/* -1: nothing is mapped */
	size_t vmo_page;
	zx_vm_option_t perm, max;
	int mapping;		/* which mapping it belongs to: pieces of one have the same */
	int sub;		/* -1, or the sub-region that holds it */
};

struct sub {
	zx_handle_t h;
	size_t from, pages;
	bool live;
};

FIXTURE(vmar_model) {
	struct vt_region r;
	zx_handle_t vmo[VMOS];		/* tags 1 .. VMOS */
	zx_handle_t ro[VMOS];		/* without WRITE */
	struct page page[PAGES];
	struct sub sub[MAX_SUBS];
	int mappings;
	uint64_t seed;
};

FIXTURE_VARIANT(vmar_model) {
	uint64_t seed;
	int depth;
	bool lent;	/* all through a lent handle, as another process would */
};

FIXTURE_VARIANT_ADD(vmar_model, first) { .seed = 1, .depth = 0 };
FIXTURE_VARIANT_ADD(vmar_model, second) { .seed = 2, .depth = 1 };
FIXTURE_VARIANT_ADD(vmar_model, third) { .seed = 3, .depth = 2 };
FIXTURE_VARIANT_ADD(vmar_model, lent) { .seed = 4, .depth = 0, .lent = true };

FIXTURE_SETUP(vmar_model)
{
	struct vt_region parent = vt_region_at_depth(variant->depth);

	self->seed = variant->seed;
	self->r = vt_alloc(parent.h, VT_CAN_ALL, PAGES * P);
	ASSERT_NE(ZX_HANDLE_INVALID, self->r.h);
	if (variant->lent) {
		ZT_ASSERT_OK(zvm_vmar_lend(self->r.h, ZX_RIGHT_SAME_RIGHTS, &self->r.h));
	}
	for (int i = 0; i < VMOS; i++) {
		self->vmo[i] = vt_tagged_vmo((unsigned int)i + 1, VMO_PAGES,
					     i & 1 ? ZX_VMO_RESIZABLE : 0);
		self->ro[i] = zt_without(self->vmo[i], ZX_RIGHT_WRITE);
		ASSERT_NE(ZX_HANDLE_INVALID, self->ro[i]);
	}
	for (int i = 0; i < PAGES; i++)
		self->page[i] = (struct page){ .vmo = -1, .sub = -1 };
}

FIXTURE_TEARDOWN(vmar_model)
{
}

typedef FIXTURE_DATA(vmar_model) model;

static uint32_t below(model *m, uint32_t n)
{
	return vt_below(&m->seed, n);
}

static zx_vaddr_t at(model *m, size_t page)
{
	return m->r.base + page * P;
}

/* A range: mostly short. */
static void some_range(model *m, size_t *from, size_t *pages)
{
	*from = below(m, PAGES);
	*pages = 1 + below(m, below(m, 4) ? 6 : PAGES);
	if (*from + *pages > PAGES)
		*pages = PAGES - *from;
}

static bool any_sub(model *m, size_t from, size_t pages)
{
	for (size_t i = from; i < from + pages; i++)
		if (m->page[i].sub >= 0)
			return true;
	return false;
}

static bool any_mapping(model *m, size_t from, size_t pages)
{
	for (size_t i = from; i < from + pages; i++)
		if (m->page[i].vmo >= 0)
			return true;
	return false;
}

/* Is a sub-region covered in part? */
static bool cuts_sub(model *m, size_t from, size_t pages)
{
	for (int i = 0; i < MAX_SUBS; i++) {
		struct sub *s = &m->sub[i];

		if (!s->live || from + pages <= s->from || from >= s->from + s->pages)
			continue;
		if (from > s->from || from + pages < s->from + s->pages)
			return true;
	}
	return false;
}

static void clear(model *m, size_t from, size_t pages)
{
	for (size_t i = from; i < from + pages; i++)
		m->page[i].vmo = -1;
}

static void drop_sub(model *m, int i)
{
	struct sub *s = &m->sub[i];

	clear(m, s->from, s->pages);
	for (size_t pg = s->from; pg < s->from + s->pages; pg++)
		m->page[pg].sub = -1;
	s->live = false;
	zx_handle_close(s->h);
}

static void fill(model *m, size_t from, size_t pages, int vmo, size_t vmo_page,
		 zx_vm_option_t perm, zx_vm_option_t max)
{
	for (size_t i = 0; i < pages; i++)
		m->page[from + i] = (struct page){
			.vmo = vmo, .vmo_page = vmo_page + i, .perm = perm, .max = max,
			.mapping = m->mappings, .sub = m->page[from + i].sub,
		};
	m->mappings++;
}

static const zx_vm_option_t perms[] = { 0, VT_R, ZT_RW };

/*
 * Each operation computes from the model what has to come out, does the call,
 * and brings the model up to date. NULL, or what went wrong.
 */
static const char *op_map(model *m, char *what, size_t n)
{
	size_t from, pages, vmo_page;
	zx_vm_option_t perm, how = below(m, 3) ? ZX_VM_SPECIFIC_OVERWRITE : ZX_VM_SPECIFIC;
	int vmo = (int)below(m, VMOS), ro = below(m, 3) == 0;
	zx_status_t want = ZX_OK, got;
	zx_vaddr_t addr;

	some_range(m, &from, &pages);
	if (pages > VMO_PAGES)
		pages = VMO_PAGES;
	vmo_page = below(m, VMO_PAGES - (uint32_t)pages + 1);
	perm = perms[below(m, 3)];
	if (perm & ZX_VM_PERM_WRITE && ro)
		want = ZX_ERR_ACCESS_DENIED;
	else if (how == ZX_VM_SPECIFIC && (any_sub(m, from, pages) || any_mapping(m, from, pages)))
		want = ZX_ERR_ALREADY_EXISTS;
	else if (any_sub(m, from, pages))
		want = ZX_ERR_INVALID_ARGS;
	if (how == ZX_VM_SPECIFIC && below(m, 2))
		how |= ZX_VM_MAP_RANGE;
	got = zx_vmar_map(m->r.h, perm | how, from * P, ro ? m->ro[vmo] : m->vmo[vmo],
			  vmo_page * P, pages * P, &addr);
	snprintf(what, n, "map %zu+%zu of VMO %d page %zu, options %#x", from, pages, vmo,
		 vmo_page, perm | how);
	if (got == ZX_OK && want == ZX_OK)
		fill(m, from, pages, vmo, vmo_page, perm, ro ? VT_R : ZT_RW);
	return got == want ? NULL : zx_status_get_string(got);
}

/* Wherever there is room: the model learns where, and that it was free. */
static const char *op_map_anywhere(model *m, char *what, size_t n)
{
	size_t pages = 1 + below(m, 4), from, run = 0, best = 0;
	int vmo = (int)below(m, VMOS);
	zx_status_t got, want;
	zx_vaddr_t addr;

	for (size_t i = 0; i < PAGES; i++) {
		run = m->page[i].vmo < 0 && m->page[i].sub < 0 ? run + 1 : 0;
		best = run > best ? run : best;
	}
	want = best >= pages ? ZX_OK : ZX_ERR_NO_RESOURCES;
	got = zx_vmar_map(m->r.h, ZT_RW, 0, m->vmo[vmo], 0, pages * P, &addr);
	snprintf(what, n, "map %zu pages anywhere", pages);
	if (got != want)
		return zx_status_get_string(got);
	if (got != ZX_OK)
		return NULL;
	from = (addr - m->r.base) / P;
	if (addr < m->r.base || from + pages > PAGES || any_sub(m, from, pages) ||
	    any_mapping(m, from, pages))
		return "placed where something is, or outside";
	fill(m, from, pages, vmo, 0, ZT_RW, ZT_RW);
	return NULL;
}

static const char *op_unmap(model *m, char *what, size_t n)
{
	size_t from, pages;
	zx_status_t want, got;

	some_range(m, &from, &pages);
	want = cuts_sub(m, from, pages) ? ZX_ERR_INVALID_ARGS : ZX_OK;
	got = zx_vmar_unmap(m->r.h, at(m, from), pages * P - below(m, (uint32_t)P));
	snprintf(what, n, "unmap %zu+%zu", from, pages);
	if (got != want)
		return zx_status_get_string(got);
	if (got != ZX_OK)
		return NULL;
	for (int i = 0; i < MAX_SUBS; i++)
		if (m->sub[i].live && m->sub[i].from >= from && m->sub[i].from < from + pages)
			drop_sub(m, i);
	clear(m, from, pages);
	return NULL;
}

static const char *op_protect(model *m, char *what, size_t n)
{
	zx_vm_option_t perm = perms[below(m, 3)];
	zx_status_t want = ZX_OK, got;
	size_t from, pages;

	some_range(m, &from, &pages);
	/*
	 * Mappings in address order: a hole before one, then its maximum, then
	 * what the parent may not do to a child's.
	 */
	for (size_t i = from; i < from + pages && want == ZX_OK; i++) {
		struct page *pg = &m->page[i];

		if (pg->vmo < 0) {
			want = ZX_ERR_NOT_FOUND;
		} else if (perm & ~pg->max) {
			want = ZX_ERR_ACCESS_DENIED;
		} else if (pg->sub >= 0 && perm & ~pg->perm) {
			want = ZX_ERR_ACCESS_DENIED;
		}
	}
	got = zx_vmar_protect(m->r.h, perm, at(m, from), pages * P);
	snprintf(what, n, "protect %zu+%zu to %#x", from, pages, perm);
	if (got != want)
		return zx_status_get_string(got);
	for (size_t i = from; got == ZX_OK && i < from + pages; i++)
		m->page[i].perm = perm;
	return NULL;
}

static const char *op_allocate(model *m, char *what, size_t n)
{
	zx_status_t want, got;
	size_t from, pages;
	zx_handle_t h;
	zx_vaddr_t addr;
	int i;

	for (i = 0; i < MAX_SUBS && m->sub[i].live; i++)
		;
	if (i == MAX_SUBS)
		return NULL;
	some_range(m, &from, &pages);
	want = any_sub(m, from, pages) || any_mapping(m, from, pages) ? ZX_ERR_ALREADY_EXISTS :
									 ZX_OK;
	got = zx_vmar_allocate(m->r.h, VT_CAN_RW | ZX_VM_CAN_MAP_SPECIFIC | ZX_VM_SPECIFIC,
			       from * P, pages * P, &h, &addr);
	snprintf(what, n, "allocate %zu+%zu", from, pages);
	if (got != want)
		return zx_status_get_string(got);
	if (got != ZX_OK)
		return NULL;
	m->sub[i] = (struct sub){ .h = h, .from = from, .pages = pages, .live = true };
	for (size_t pg = from; pg < from + pages; pg++)
		m->page[pg].sub = i;
	return NULL;
}

/* Map, unmap, protect, destroy through the handle of a sub-region. */
static const char *op_in_sub(model *m, char *what, size_t n)
{
	int i = (int)below(m, MAX_SUBS), vmo = (int)below(m, VMOS);
	struct sub *s = &m->sub[i];
	zx_status_t want = ZX_OK, got;
	size_t from, pages;
	zx_vaddr_t addr;

	if (!s->live)
		return NULL;
	from = below(m, (uint32_t)s->pages);
	pages = 1 + below(m, (uint32_t)(s->pages - from));
	if (pages > VMO_PAGES)
		pages = VMO_PAGES;
	switch (below(m, 6)) {
	case 0:
		got = zx_vmar_destroy(s->h);
		snprintf(what, n, "destroy %zu+%zu", s->from, s->pages);
		if (got == ZX_OK)
			drop_sub(m, i);
		break;
	case 1:
		got = zx_vmar_unmap(s->h, at(m, s->from + from), pages * P);
		snprintf(what, n, "unmap %zu+%zu in a sub-region", s->from + from, pages);
		if (got == ZX_OK)
			clear(m, s->from + from, pages);
		break;
	case 2:
		for (size_t pg = s->from + from; pg < s->from + from + pages; pg++) {
			if (m->page[pg].vmo < 0)
				want = ZX_ERR_NOT_FOUND;
			else if (ZT_RW & ~m->page[pg].max)
				want = ZX_ERR_ACCESS_DENIED;
			if (want != ZX_OK)
				break;
		}
		got = zx_vmar_protect(s->h, ZT_RW, at(m, s->from + from), pages * P);
		snprintf(what, n, "protect %zu+%zu in a sub-region", s->from + from, pages);
		for (size_t k = 0; got == ZX_OK && k < pages; k++)
			m->page[s->from + from + k].perm = ZT_RW;
		break;
	default:
		got = zx_vmar_map(s->h, VT_R | ZX_VM_SPECIFIC_OVERWRITE, from * P,
				  vmo & 1 ? m->vmo[vmo] : m->ro[vmo], 0, pages * P, &addr);
		snprintf(what, n, "map %zu+%zu in a sub-region", s->from + from, pages);
		if (got == ZX_OK)
			fill(m, s->from + from, pages, vmo, 0, VT_R, vmo & 1 ? ZT_RW : VT_R);
		break;
	}
	return got == want ? NULL : zx_status_get_string(got);
}

/* Content is always the tag: written again after it was taken away. */
static const char *op_content(model *m, char *what, size_t n)
{
	int vmo = (int)below(m, VMOS);
	size_t page = below(m, VMO_PAGES);
	zx_status_t st;

	snprintf(what, n, "decommit VMO %d page %zu", vmo, page);
	st = zx_vmo_op_range(m->vmo[vmo], ZX_VMO_OP_DECOMMIT, page * P, P, NULL, 0);
	for (int i = 0; i < PAGES; i++)
		if (m->page[i].vmo == vmo && m->page[i].vmo_page == page &&
		    m->page[i].perm & VT_R && vt_load(vt_ptr(&m->r, i * P)))
			return "old content after DECOMMIT";
	if (st == ZX_OK)
		st = vt_tag_page(m->vmo[vmo], (unsigned int)vmo + 1, page);
	return st == ZX_OK ? NULL : zx_status_get_string(st);
}

/* The records, one for each run of pages that have all in common. */
static const char *check_records(model *m)
{
	const char *wrong = NULL;
	size_t n = 0, rec = 1, i = 0;
	zx_info_maps_t *maps = vt_maps(m->r.h, &n);

	if (!maps)
		return "no records";
	while (i < PAGES && !wrong) {
		struct page *pg = &m->page[i];
		size_t first = i;

		/* The record of a sub-region comes before those of what is in it. */
		if (pg->sub >= 0 && m->sub[pg->sub].from == i) {
			if (rec >= n || maps[rec].type != ZX_INFO_MAPS_TYPE_VMAR ||
			    maps[rec].base != at(m, i) || maps[rec].depth != 1 ||
			    maps[rec].size != m->sub[pg->sub].pages * P)
				wrong = "the record of a sub-region is wrong or missing";
			rec++;
		}
		if (pg->vmo < 0) {
			i++;
			continue;
		}
		do {
			i++;
		} while (i < PAGES && m->page[i].vmo >= 0 && m->page[i].mapping == pg->mapping &&
			 m->page[i].perm == pg->perm && m->page[i].sub == pg->sub);
		if (rec >= n || maps[rec].type != ZX_INFO_MAPS_TYPE_MAPPING ||
		    maps[rec].base != at(m, first) || maps[rec].size != (i - first) * P ||
		    maps[rec].depth != 1u + (pg->sub >= 0) ||
		    maps[rec].u.mapping.mmu_flags != pg->perm ||
		    maps[rec].u.mapping.vmo_offset != pg->vmo_page * P ||
		    maps[rec].u.mapping.vmo_koid != zt_koid(m->vmo[pg->vmo]))
			wrong = "the record of a mapping is wrong or missing";
		rec++;
	}
	if (!wrong && rec != n)
		wrong = "a record too many";
	free(maps);
	return wrong;
}

static const char *check_page(model *m, size_t i)
{
	struct page *pg = &m->page[i];
	uint8_t *p = vt_ptr(&m->r, i * P);
	int want = pg->vmo >= 0 && pg->perm & VT_R ? vt_tag((unsigned int)pg->vmo + 1,
							    pg->vmo_page) : -SIGSEGV;

	if (vt_load(p) != want)
		return "a load";
	if (zt_try_store(p + P - 1, (uint8_t)(want > 0 ? want : 0)) !=
	    (want > 0 && pg->perm & ZX_VM_PERM_WRITE ? 0 : SIGSEGV))
		return "a store";
	return NULL;
}

TEST_F_TIMEOUT(vmar_model, R_048_R_073_R_083_R_084_R_085_R_099_R_101_R_144_random, 120)
{
	static const struct {
		unsigned int weight;
		const char *(*fn)(model *m, char *what, size_t n);
	} op[] = {
		{ 30, op_map }, { 10, op_map_anywhere }, { 20, op_unmap }, { 25, op_protect },
		{ 8, op_allocate }, { 15, op_in_sub }, { 8, op_content },
	};
	uint64_t end = zt_now_ns() + 5000000000u;
	uint32_t total = 0;
	int steps = 0;

	for (size_t i = 0; i < ARRAY_SIZE(op); i++)
		total += op[i].weight;
	for (; steps < 20000 && (steps % 64 || zt_now_ns() < end); steps++) {
		uint32_t pick = below(self, total);
		char what[128] = "nothing";
		const char *wrong;
		size_t i = 0;

		while (pick >= op[i].weight)
			pick -= op[i++].weight;
		wrong = op[i].fn(self, what, sizeof(what));
		ASSERT_EQ(NULL, wrong) {
			TH_LOG("step %d: %s: %s", steps, what, wrong);
		}
		wrong = check_records(self);
		ASSERT_EQ(NULL, wrong) {
			TH_LOG("step %d, after %s: %s", steps, what, wrong);
		}
		/* Some pages each time, all of them now and then. */
		for (size_t pg = steps % 64 ? below(self, 12) : 0; pg < PAGES;
		     pg += steps % 64 ? 12 : 1) {
			wrong = check_page(self, pg);
			ASSERT_EQ(NULL, wrong) {
				TH_LOG("step %d, after %s: %s of page %zu", steps, what, wrong, pg);
			}
		}
	}
	TH_LOG("%d steps", steps);
	EXPECT_LT(100, steps);
}

TEST_HARNESS_MAIN
