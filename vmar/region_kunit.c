// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of regions and mappings as they are to the user, against a map of
 * the pages. The address space is one that no process has: nothing is ever
 * touched in it, so it is all about what is where.
 */
#include <linux/err.h>
#include <linux/slab.h>

#include "../zvm_kunit.h"
#include "vmar_kunit.h"

#define BASE		BIT_ULL(40)
#define PAGES		48
#define REGIONS		24
#define VMOS		2
#define RW		(ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)
#define CAN_ALL		(ZX_VM_CAN_MAP_PERMS | ZX_VM_CAN_MAP_SPECIFIC)

/* What is in a page of the address space. */
struct model_page {
	u64 id;		/* of the mapping, 0: none */
	u8 vmo;
	u64 index;
	u8 prot;
	u8 max_prot;
	u8 region;	/* the innermost one */
};

struct model_region {
	struct zvm_vmar *vmar;
	u8 parent;
	u32 first;
	u32 end;
	bool dead;
};

struct model {
	struct zvm_aspace *aspace;
	struct zvm_vmo *vmo[VMOS];
	struct model_page page[PAGES];
	struct model_region region[REGIONS];
	unsigned int regions;
	u64 pieces_before;
	struct rnd_state rnd;
};

static u64 page_addr(u64 page)
{
	return BASE + (page << PAGE_SHIFT);
}

struct zvm_vmar *vk_make_aspace(struct kunit *test, struct zvm_aspace **aspace, u64 pages)
{
	struct zvm_object *obj = zvm_object_new(&zvm_aspace_type);
	struct zvm_vmar *root;

	KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
	*aspace = container_of(obj, struct zvm_aspace, obj);
	init_rwsem(&(*aspace)->lock);
	mutex_init(&(*aspace)->remap_lock);
	/* No thread's memory, not even a kernel thread's; never looked into. */
	(*aspace)->arch.mm = ERR_PTR(-ESRCH);
	(*aspace)->arch.ptes = obj->inode.i_mapping;
	(*aspace)->base = BASE;
	(*aspace)->size = pages << PAGE_SHIFT;
	root = zvm_vmar_new_root(*aspace);
	KUNIT_ASSERT_FALSE(test, IS_ERR(root));
	(*aspace)->root = root;
	zvm_object_get(&root->obj);
	return root;
}

void vk_end_aspace(struct zvm_aspace *aspace)
{
	zvm_aspace_kill(aspace);
	aspace->arch.mm = NULL;
	zvm_object_put(&aspace->obj);
}

/* The child of region @r that page @p is in, or @r itself. */
static unsigned int child_at(const struct model *m, unsigned int r, u32 p)
{
	unsigned int in = m->page[p].region;

	while (in != r && m->region[in].parent != r)
		in = m->region[in].parent;
	return in;
}

/* Is page @p free in region @r? */
static bool is_free(const struct model *m, unsigned int r, u32 p)
{
	return m->page[p].region == r && !m->page[p].id;
}

/* Is page @p inside of region @r, at whatever depth? */
static bool is_inside(const struct model *m, unsigned int r, u32 p)
{
	return p >= m->region[r].first && p < m->region[r].end;
}

static void kill_region(struct model *m, unsigned int r)
{
	unsigned int i, parent = m->region[r].parent;
	u32 p;

	for (i = r; i < m->regions; i++)
		if (m->region[i].first >= m->region[r].first &&
		    m->region[i].end <= m->region[r].end && !m->region[i].dead) {
			unsigned int up = i;

			while (up && up != r)
				up = m->region[up].parent;
			if (up == r)
				m->region[i].dead = true;
		}
	for (p = m->region[r].first; p < m->region[r].end; p++) {
		m->page[p].id = 0;
		m->page[p].region = parent;
	}
}

/* What unmapping [first, end) in region @r says; does it if it can be done. */
static int model_unmap(struct model *m, unsigned int r, u32 first, u32 end, bool regions)
{
	unsigned int child;
	u32 p;

	for (p = first; p < end; p++) {
		child = child_at(m, r, p);
		if (child != r && (!regions || m->region[child].first < first ||
				   m->region[child].end > end))
			return -EINVAL;
	}
	for (p = first; p < end; p++) {
		child = child_at(m, r, p);
		if (child != r)
			kill_region(m, child);
		m->page[p].id = 0;
	}
	return 0;
}

static int model_protect(struct model *m, unsigned int r, u32 first, u32 end, u8 prot,
			 bool children)
{
	u32 p;

	for (p = first; p < end; p++) {
		struct model_page *page = &m->page[p];

		if (!page->id)
			return -ENOENT;
		if (prot & ~page->max_prot)
			return -EACCES;
		if (page->region != r && !children)
			return -EINVAL;
		if (page->region != r && prot & ~page->prot)
			return -EACCES;
	}
	for (p = first; p < end; p++)
		m->page[p].prot = prot;
	return 0;
}

/* Are the pages the same mapping, and next to each other in it? */
static bool same_mapping(const struct model_page *a, const struct model_page *b)
{
	return a->id && a->id == b->id;
}

/* Does everything that the tree says agree with the map of the pages? */
static void check_model(struct kunit *test, struct model *m)
{
	u64 mappings[VMOS] = {}, pieces = 0, actual, avail;
	unsigned int r, live = 0;
	u32 p;

	down_read(&m->aspace->lock);
	for (p = 0; p < PAGES; p++) {
		const struct model_page *page = &m->page[p];
		struct zvm_mapping *piece = zvm_aspace_find(m->aspace, page_addr(p));
		bool go_on = p && same_mapping(page - 1, page);

		if (!page->id) {
			KUNIT_ASSERT_NULL(test, piece);
			continue;
		}
		KUNIT_ASSERT_NOT_NULL(test, piece);
		KUNIT_ASSERT_EQ(test, piece->id, page->id);
		KUNIT_ASSERT_PTR_EQ(test, piece->vmo, m->vmo[page->vmo]);
		KUNIT_ASSERT_EQ(test, piece->prot, page->prot);
		KUNIT_ASSERT_EQ(test, piece->max_prot, page->max_prot);
		KUNIT_ASSERT_PTR_EQ(test, piece->node.parent, m->region[page->region].vmar);
		KUNIT_ASSERT_EQ(test, (u64)page->index,
				(u64)piece->itree.start +
				((page_addr(p) - piece->node.base) >> PAGE_SHIFT));
		KUNIT_ASSERT_EQ(test, (u64)piece->itree.last - piece->itree.start + 1,
				piece->node.size >> PAGE_SHIFT);
		if (!go_on)
			mappings[page->vmo]++;
		if (!go_on || page->prot != page[-1].prot) {
			/* As few pieces as can be. */
			KUNIT_ASSERT_EQ(test, piece->node.base, page_addr(p));
			KUNIT_ASSERT_EQ(test, piece->joined, go_on);
			pieces++;
		}
	}
	for (r = 0; r < m->regions; r++) {
		KUNIT_ASSERT_EQ(test, m->region[r].vmar->dead, m->region[r].dead);
		if (m->region[r].dead)
			continue;
		KUNIT_ASSERT_TRUE(test, vk_tree_is_sound(m->region[r].vmar));
		live++;
	}
	up_read(&m->aspace->lock);

	KUNIT_ASSERT_EQ(test, zvm_mapping_count_all() - m->pieces_before, pieces);
	for (r = 0; r < VMOS; r++)
		KUNIT_ASSERT_EQ(test, m->vmo[r]->nr_mappings, mappings[r]);
	KUNIT_ASSERT_EQ(test, 0, zvm_vmar_info_maps(m->region[0].vmar, NULL, 0,
						    &actual, &avail));
	KUNIT_ASSERT_EQ(test, actual, 0ull);
	KUNIT_ASSERT_EQ(test, avail, live + pieces);
}

static void random_map(struct kunit *test, struct model *m, unsigned int r,
		       u32 first, u32 end)
{
	struct model_region *region = &m->region[r];
	struct zvm_map map = {
		.max_prot = vk_below(&m->rnd, 3) ? RW : ZX_VM_PERM_READ,
		.size = (u64)(end - first) << PAGE_SHIFT,
	};
	u32 vmo = vk_below(&m->rnd, VMOS), index = vk_below(&m->rnd, 100), p, run;
	int want = 0;

	map.vmo = m->vmo[vmo];
	map.vmo_offset = (u64)index << PAGE_SHIFT;
	map.prot = vk_below(&m->rnd, 2) ? map.max_prot : ZX_VM_PERM_READ;
	switch (vk_below(&m->rnd, 4)) {
	case 0:
	case 1:
		map.options = ZX_VM_SPECIFIC;
		map.vmar_offset = (u64)(first - region->first) << PAGE_SHIFT;
		for (p = first; p < end; p++)
			if (!is_free(m, r, p))
				want = -EEXIST;
		break;
	case 2:
		map.options = ZX_VM_SPECIFIC_OVERWRITE;
		map.vmar_offset = (u64)(first - region->first) << PAGE_SHIFT;
		if (!region->dead)
			want = model_unmap(m, r, first, end, false);
		break;
	default:
		want = -ENOBUFS;
		for (p = region->first, run = 0; p < region->end; p++) {
			run = is_free(m, r, p) ? run + 1 : 0;
			if (run == end - first)
				want = 0;
		}
	}
	if (region->dead)
		want = -EBADFD;

	KUNIT_ASSERT_EQ(test, want, zvm_vmar_map(region->vmar, &map));
	if (want)
		return;
	if (map.options) {
		KUNIT_ASSERT_EQ(test, map.addr, page_addr(first));
	} else {
		end = end - first;
		first = (map.addr - BASE) >> PAGE_SHIFT;
		end += first;
		KUNIT_ASSERT_EQ(test, map.addr, page_addr(first));
		KUNIT_ASSERT_TRUE(test, is_inside(m, r, first) && end <= region->end);
	}
	for (p = first; p < end; p++) {
		KUNIT_ASSERT_TRUE(test, is_free(m, r, p));
		m->page[p] = (struct model_page){
			map.id, vmo, index + p - first, map.prot, map.max_prot, r
		};
	}
	if (vk_below(&m->rnd, 8) == 0) {
		/* Some of it may have been replaced meanwhile. */
		struct zvm_map over = map;

		p = first + vk_below(&m->rnd, end - first);
		over.options = ZX_VM_SPECIFIC_OVERWRITE;
		over.vmar_offset = (u64)(p - region->first) << PAGE_SHIFT;
		over.size = PAGE_SIZE;
		KUNIT_ASSERT_EQ(test, 0, zvm_vmar_map(region->vmar, &over));
		zvm_vmar_undo_map(region->vmar, &map);
		for (; first < end; first++)
			m->page[first].id = 0;
		m->page[p].id = over.id;
		m->page[p].index = index;
	}
}

static void random_allocate(struct kunit *test, struct model *m, unsigned int r,
			    u32 first, u32 end)
{
	struct model_region *region = &m->region[r];
	bool specific = vk_below(&m->rnd, 2);
	u32 p, run, offset = specific ? first - region->first : 0;
	struct zvm_vmar *vmar;
	int want = specific ? 0 : -ENOBUFS;

	if (m->regions == REGIONS)
		return;
	for (p = first; specific && p < end; p++)
		if (!is_free(m, r, p))
			want = -EEXIST;
	for (p = region->first, run = 0; !specific && p < region->end; p++) {
		run = is_free(m, r, p) ? run + 1 : 0;
		if (run == end - first)
			want = 0;
	}
	if (region->dead)
		want = -EBADFD;
	vmar = zvm_vmar_new_child(region->vmar, CAN_ALL | (specific ? ZX_VM_SPECIFIC : 0) |
				  (vk_below(&m->rnd, 2) ? ZX_VM_COMPACT : 0),
				  (u64)offset << PAGE_SHIFT, (u64)(end - first) << PAGE_SHIFT);
	KUNIT_ASSERT_EQ(test, want, PTR_ERR_OR_ZERO(vmar));
	if (want)
		return;
	if (specific)
		KUNIT_ASSERT_EQ(test, vmar->node.base, page_addr(first));
	end = end - first;
	first = (vmar->node.base - BASE) >> PAGE_SHIFT;
	end += first;
	for (p = first; p < end; p++) {
		KUNIT_ASSERT_TRUE(test, is_free(m, r, p));
		m->page[p].region = m->regions;
	}
	m->region[m->regions++] = (struct model_region){ vmar, r, first, end, false };
}

static void random_destroy(struct kunit *test, struct model *m, unsigned int r)
{
	int want = !r ? -EOPNOTSUPP : m->region[r].dead ? -EBADFD : 0;

	KUNIT_ASSERT_EQ(test, want, zvm_vmar_destroy(m->region[r].vmar));
	if (!want)
		kill_region(m, r);
}

/* Forget the dead ones, all those behind the last live one. */
static void drop_regions(struct model *m)
{
	while (m->regions > 1 && m->region[m->regions - 1].dead)
		zvm_object_put(&m->region[--m->regions].vmar->obj);
}

static void random_step(struct kunit *test, struct model *m)
{
	unsigned int r = vk_below(&m->rnd, m->regions);
	struct model_region *region = &m->region[r];
	u32 pages = region->end - region->first;
	u32 first = region->first + vk_below(&m->rnd, pages);
	u32 end = first + 1 + vk_below(&m->rnd, min(region->end - first, 8u));
	bool children = vk_below(&m->rnd, 2);
	u64 addr = page_addr(first), len = (u64)(end - first) << PAGE_SHIFT;
	u8 prot;
	int want;

	switch (vk_below(&m->rnd, 16)) {
	case 0:
	case 1:
		random_allocate(test, m, r, first, end);
		break;
	case 2:
		random_destroy(test, m, r);
		drop_regions(m);
		break;
	case 3:
	case 4:
	case 5:
		want = region->dead ? -EBADFD : model_unmap(m, r, first, end, children);
		KUNIT_ASSERT_EQ(test, want, zvm_vmar_unmap(region->vmar, addr, len, children));
		drop_regions(m);
		break;
	case 6:
	case 7:
	case 8:
	case 9:
		prot = vk_below(&m->rnd, 4) ? ZX_VM_PERM_READ : vk_below(&m->rnd, 2) ? RW : 0;
		want = region->dead ? -EBADFD :
				      model_protect(m, r, first, end, prot, children);
		KUNIT_ASSERT_EQ(test, want,
				zvm_vmar_protect(region->vmar, addr, len, prot, children));
		break;
	default:
		random_map(test, m, r, first, end);
	}
}

static struct model *make_model(struct kunit *test)
{
	struct model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	struct zvm_vmar *root;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->pieces_before = zvm_mapping_count_all();
	for (i = 0; i < VMOS; i++) {
		m->vmo[i] = zvm_vmo_new(4 * PAGE_SIZE, 0);
		KUNIT_ASSERT_FALSE(test, IS_ERR(m->vmo[i]));
	}
	root = vk_make_aspace(test, &m->aspace, PAGES);
	m->region[0] = (struct model_region){ root, 0, 0, PAGES, false };
	m->regions = 1;
	return m;
}

static void end_model(struct kunit *test, struct model *m)
{
	int i;

	vk_end_aspace(m->aspace);
	while (m->regions)
		zvm_object_put(&m->region[--m->regions].vmar->obj);
	for (i = 0; i < VMOS; i++) {
		KUNIT_EXPECT_EQ(test, m->vmo[i]->nr_mappings, 0ull);
		KUNIT_EXPECT_TRUE(test, RB_EMPTY_ROOT(&m->vmo[i]->store->mappings.rb_root));
		zvm_object_put(&m->vmo[i]->obj);
	}
	KUNIT_EXPECT_EQ(test, zvm_mapping_count_all(), m->pieces_before);
}

void vk_random(struct kunit *test)
{
	struct model *m = make_model(test);
	unsigned int i;

	prandom_seed_state(&m->rnd, zvm_kunit_seed(test));
	for (i = 0; i < 5 * zvm_kunit_steps; i++) {
		random_step(test, m);
		check_model(test, m);
		cond_resched();
	}
	end_model(test, m);
}

/*
 * All layouts of a few pages of the root region. What a page can be:
 */
enum {
	HOLE,
	MORE,		/* what the page before is goes on */
	PIECE,		/* a mapping begins; at odd pages it can never be written */
	REGION,		/* a child region begins, with nothing in it */
	REGION_PIECE,	/* ..., with a mapping in its first page */
	KINDS
};

#define CUT_AT		8
#define CUT_PAGES	4

static void map_pages(struct kunit *test, struct model *m, unsigned int r, u32 first, u32 end,
		      u8 prot)
{
	struct zvm_map map = {
		.vmo = m->vmo[0],
		.vmo_offset = (u64)first << PAGE_SHIFT,
		.vmar_offset = (u64)(first - m->region[r].first) << PAGE_SHIFT,
		.size = (u64)(end - first) << PAGE_SHIFT,
		.options = ZX_VM_SPECIFIC,
		.prot = prot,
		.max_prot = prot,
	};

	KUNIT_ASSERT_EQ(test, 0, zvm_vmar_map(m->region[r].vmar, &map));
	for (; first < end; first++)
		m->page[first] = (struct model_page){ map.id, 0, first, prot, prot, r };
}

static void make_region(struct kunit *test, struct model *m, u32 first, u32 end)
{
	struct zvm_vmar *vmar = zvm_vmar_new_child(m->region[0].vmar, CAN_ALL | ZX_VM_SPECIFIC,
						   (u64)first << PAGE_SHIFT,
						   (u64)(end - first) << PAGE_SHIFT);
	u32 p;

	KUNIT_ASSERT_FALSE(test, IS_ERR(vmar));
	for (p = first; p < end; p++)
		m->page[p].region = m->regions;
	m->region[m->regions++] = (struct model_region){ vmar, 0, first, end, false };
}

static bool make_layout(struct kunit *test, struct model *m, unsigned int code)
{
	u8 kind[CUT_PAGES + 1];
	unsigned int i, end;

	for (i = 0; i < CUT_PAGES; i++, code /= KINDS) {
		kind[i] = code % KINDS;
		if (kind[i] == MORE && (!i || kind[i - 1] == HOLE))
			return false;
	}
	kind[CUT_PAGES] = HOLE;
	for (i = 0; i < CUT_PAGES; i = end) {
		for (end = i + 1; kind[end] == MORE; end++)
			;
		if (kind[i] == PIECE)
			map_pages(test, m, 0, CUT_AT + i, CUT_AT + end,
				  i % 2 ? ZX_VM_PERM_READ : RW);
		if (kind[i] == REGION || kind[i] == REGION_PIECE)
			make_region(test, m, CUT_AT + i, CUT_AT + end);
		if (kind[i] == REGION_PIECE)
			map_pages(test, m, m->regions - 1, CUT_AT + i, CUT_AT + i + 1, RW);
	}
	return true;
}

#define CUT_OPS 5

static void cut(struct kunit *test, struct model *m, u32 first, u32 end, unsigned int op)
{
	struct zvm_vmar *root = m->region[0].vmar;
	u64 addr = page_addr(first), len = (u64)(end - first) << PAGE_SHIFT;
	struct zvm_map map = {
		.vmo = m->vmo[1],
		.vmar_offset = (u64)first << PAGE_SHIFT,
		.size = len,
		.options = ZX_VM_SPECIFIC_OVERWRITE,
	};
	int want;

	switch (op) {
	case 0:
	case 1:
		want = model_unmap(m, 0, first, end, op);
		KUNIT_ASSERT_EQ(test, want, zvm_vmar_unmap(root, addr, len, op));
		break;
	case 2:
		want = model_unmap(m, 0, first, end, false);
		KUNIT_ASSERT_EQ(test, want, zvm_vmar_map(root, &map));
		for (; !want && first < end; first++)
			m->page[first] = (struct model_page){
				map.id, 1, first - (u32)(map.vmar_offset >> PAGE_SHIFT), 0, 0, 0
			};
		break;
	case 3:
		want = model_protect(m, 0, first, end, RW, false);
		KUNIT_ASSERT_EQ(test, want, zvm_vmar_protect(root, addr, len, RW, false));
		break;
	default:
		want = model_protect(m, 0, first, end, ZX_VM_PERM_READ, true);
		KUNIT_ASSERT_EQ(test, want,
				zvm_vmar_protect(root, addr, len, ZX_VM_PERM_READ, true));
	}
}

/* Each operation on each range of each layout. */
void vk_cuts(struct kunit *test)
{
	const u64 all = (u64)CUT_PAGES << PAGE_SHIFT;
	struct model *m = make_model(test);
	unsigned int code, codes = 1, op, layouts = 0;
	u32 first, end;
	int i;

	for (i = 0; i < CUT_PAGES; i++)
		codes *= KINDS;
	for (code = 0; code < codes; code++) {
		for (first = CUT_AT; first < CUT_AT + CUT_PAGES; first++) {
			for (end = first + 1; end <= CUT_AT + CUT_PAGES; end++) {
				for (op = 0; op < CUT_OPS; op++) {
					if (!make_layout(test, m, code))
						goto next;
					cut(test, m, first, end, op);
					check_model(test, m);
					KUNIT_ASSERT_EQ(test, 0, model_unmap(m, 0, CUT_AT,
									     CUT_AT + CUT_PAGES,
									     true));
					KUNIT_ASSERT_EQ(test, 0,
							zvm_vmar_unmap(m->region[0].vmar,
								       page_addr(CUT_AT), all,
								       true));
					drop_regions(m);
				}
			}
			cond_resched();
		}
		layouts++;
next:
		continue;
	}
	KUNIT_EXPECT_GT(test, layouts, 300u);
	end_model(test, m);
}

/* Mappings are packed from the cursor on and around, and fill all there is. */
void vk_placement(struct kunit *test)
{
	const u64 pages = 32;
	struct zvm_aspace *aspace;
	struct zvm_vmar *root = vk_make_aspace(test, &aspace, pages);
	struct zvm_vmo *vmo = zvm_vmo_new(PAGE_SIZE, 0);
	struct zvm_map map = { .vmo = vmo, .size = PAGE_SIZE };
	u64 at = root->cursor, i;

	KUNIT_ASSERT_FALSE(test, IS_ERR(vmo));
	for (i = 0; i < pages; i++) {
		KUNIT_ASSERT_EQ(test, 0, zvm_vmar_map(root, &map));
		KUNIT_ASSERT_EQ(test, map.addr, at);
		at += PAGE_SIZE;
		if (at == page_addr(pages))
			at = BASE;
	}
	KUNIT_ASSERT_EQ(test, -ENOBUFS, zvm_vmar_map(root, &map));

	/* What is given back is the first to be used again. */
	KUNIT_ASSERT_EQ(test, 0, zvm_vmar_unmap(root, root->cursor, PAGE_SIZE, true));
	KUNIT_ASSERT_EQ(test, 0, zvm_vmar_map(root, &map));
	KUNIT_ASSERT_EQ(test, map.addr, root->cursor);

	/* A limit is kept, wherever the cursor is. */
	KUNIT_ASSERT_EQ(test, 0, zvm_vmar_unmap(root, BASE, pages << PAGE_SHIFT, true));
	map.options = ZX_VM_OFFSET_IS_UPPER_LIMIT;
	map.vmar_offset = 5 * PAGE_SIZE;
	for (i = 0; i < 5; i++) {
		KUNIT_ASSERT_EQ(test, 0, zvm_vmar_map(root, &map));
		KUNIT_ASSERT_LT(test, map.addr, BASE + 5 * PAGE_SIZE);
	}
	KUNIT_ASSERT_EQ(test, -ENOBUFS, zvm_vmar_map(root, &map));

	vk_end_aspace(aspace);
	zvm_object_put(&root->obj);
	zvm_object_put(&vmo->obj);
}

/* The only aligned place is found, behind many that are large enough. */
void vk_alignment(struct kunit *test)
{
	const u64 pages = 512;
	struct zvm_aspace *aspace;
	struct zvm_vmar *root = vk_make_aspace(test, &aspace, pages);
	struct zvm_vmo *vmo = zvm_vmo_new(PAGE_SIZE, 0);
	struct zvm_map map = { .vmo = vmo, .size = PAGE_SIZE, .options = ZX_VM_SPECIFIC };
	u64 page;

	KUNIT_ASSERT_FALSE(test, IS_ERR(vmo));
	/*
	 * Each fourth page is taken, which leaves gaps of three pages without
	 * an aligned one. Just one gap is shifted.
	 */
	for (page = 0; page < pages; page += 4) {
		map.vmar_offset = (page == 300 ? 299 : page) << PAGE_SHIFT;
		KUNIT_ASSERT_EQ(test, 0, zvm_vmar_map(root, &map));
		if (page != 300)
			continue;
		map.vmar_offset = 303 << PAGE_SHIFT;
		KUNIT_ASSERT_EQ(test, 0, zvm_vmar_map(root, &map));
	}
	map.options = 14 << ZX_VM_ALIGN_BASE;
	map.vmar_offset = 0;
	map.size = 3 * PAGE_SIZE;
	KUNIT_ASSERT_EQ(test, 0, zvm_vmar_map(root, &map));
	KUNIT_ASSERT_EQ(test, map.addr, page_addr(300));
	map.size = PAGE_SIZE;
	KUNIT_ASSERT_EQ(test, -ENOBUFS, zvm_vmar_map(root, &map));
	map.options = 13 << ZX_VM_ALIGN_BASE;
	KUNIT_ASSERT_EQ(test, 0, zvm_vmar_map(root, &map));
	KUNIT_ASSERT_EQ(test, map.addr & (2 * PAGE_SIZE - 1), 0ull);

	vk_end_aspace(aspace);
	zvm_object_put(&root->obj);
	zvm_object_put(&vmo->obj);
}

/* As deep as can be, and down again at once. */
void vk_depth(struct kunit *test)
{
	struct zvm_aspace *aspace;
	struct zvm_vmar *root = vk_make_aspace(test, &aspace, 4);
	struct zvm_vmar *top = NULL, *at = root, *next;
	u64 live = atomic64_read(&zvm_vmar_type.live);
	unsigned int depth;

	zvm_object_get(&root->obj);
	for (depth = 0; depth < ZVM_VMAR_MAX_DEPTH; depth++) {
		next = zvm_vmar_new_child(at, CAN_ALL, 0, 4 * PAGE_SIZE);
		KUNIT_ASSERT_FALSE(test, IS_ERR(next));
		if (!top) {
			top = next;
			zvm_object_get(&top->obj);
		}
		zvm_object_put(&at->obj);
		at = next;
		cond_resched();
	}
	next = zvm_vmar_new_child(at, CAN_ALL, 0, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, -ENOBUFS, PTR_ERR_OR_ZERO(next));
	KUNIT_EXPECT_EQ(test, 0, zvm_vmar_destroy(top));
	KUNIT_EXPECT_TRUE(test, at->dead);
	zvm_object_put(&at->obj);
	zvm_object_put(&top->obj);
	KUNIT_EXPECT_EQ(test, live, (u64)atomic64_read(&zvm_vmar_type.live));

	vk_end_aspace(aspace);
	zvm_object_put(&root->obj);
}

/* Objects want their file system. */
static int vmar_test_init(struct kunit *test)
{
	return zvm_fs_pin();
}

static void vmar_test_exit(struct kunit *test)
{
	zvm_fs_unpin();
}

static struct kunit_case vmar_cases[] = {
	KUNIT_CASE(vk_gaps),
	KUNIT_CASE(vk_gaps_all),
	KUNIT_CASE(vk_places_all),
	KUNIT_CASE(vk_steps),
	KUNIT_CASE(vk_cuts),
	KUNIT_CASE(vk_random),
	KUNIT_CASE(vk_placement),
	KUNIT_CASE(vk_alignment),
	KUNIT_CASE(vk_depth),
	{ }
};

struct kunit_suite zvm_vmar_suite = {
	.name = "zvm_vmar",
	.init = vmar_test_init,
	.exit = vmar_test_exit,
	.test_cases = vmar_cases,
};
