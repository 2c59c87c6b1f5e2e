// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of cache policies: how the kernel's own mapping has the pages of a VMO.
 * Page tables of processes are for arch/aspace_kunit.c.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/set_memory.h>

#include "../arch/cache_kunit.h"
#include "../uapi/zircon-vm.h"
#include "../zvm_kunit.h"
#include "cache.h"

#define PAGES	8
/* Those that are there: with a hole in the middle, and one at the end. */
#define PRESENT	0x6bu

struct fixture {
	struct zvm_vmo *vmo;
	struct zvm_store *store;
	/* Each that was ever in the VMO, with a reference. */
	struct page *seen[8 * PAGES];
	unsigned int nr_seen;
};

/* How the kernel maps the page itself. */
static void expect_alias(struct kunit *test, struct page *page, u32 policy, int line)
{
#ifdef CONFIG_X86
	unsigned int level;
	pte_t *pte = lookup_address((unsigned long)page_address(page), &level);
	u64 bits = 0;

	KUNIT_ASSERT_NOT_NULL(test, pte);
	/* What is part of a large entry has never had a policy. */
	if (level == PG_LEVEL_4K)
		bits = pte_val(*pte) & _PAGE_CACHE_MASK;
	KUNIT_EXPECT_EQ_MSG(test, zvm_kunit_cache_bits(policy), bits, "line %d", line);
#endif
}

static void write_page(struct kunit *test, unsigned int index)
{
	struct fixture *f = test->priv;
	struct page *page = zvm_store_get_write(f->store, index, NULL);

	KUNIT_ASSERT_FALSE(test, IS_ERR(page));
	*(u32 *)page_address(page) = 1000 + index;
	if (f->nr_seen && f->seen[f->nr_seen - 1] == page)
		return;
	KUNIT_ASSERT_LT(test, f->nr_seen, (unsigned int)ARRAY_SIZE(f->seen));
	get_page(page);
	f->seen[f->nr_seen++] = page;
}

static int cache_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, f);
	KUNIT_ASSERT_EQ(test, 0, zvm_fs_pin());
	test->priv = f;
	f->vmo = zvm_vmo_new(PAGES * PAGE_SIZE, ZVM_VMO_RESIZABLE);
	KUNIT_ASSERT_FALSE(test, IS_ERR(f->vmo));
	f->store = f->vmo->store;
	mutex_lock(&f->store->lock);
	for (i = 0; i < PAGES; i++)
		if (PRESENT & BIT(i))
			write_page(test, i);
	mutex_unlock(&f->store->lock);
	return 0;
}

static void cache_exit(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i;

	if (!f)
		return;
	if (!IS_ERR_OR_NULL(f->vmo))
		zvm_object_put(&f->vmo->obj);
	zvm_fs_unpin();
	/* Whatever was done: what is given back is as it was. */
	for (i = 0; i < f->nr_seen; i++) {
		expect_alias(test, f->seen[i], ZX_CACHE_POLICY_CACHED, __LINE__);
		put_page(f->seen[i]);
	}
}

static void expect_all(struct kunit *test, u32 policy, int line)
{
	struct fixture *f = test->priv;
	bool writable;
	unsigned int i;

	mutex_lock(&f->store->lock);
	for (i = 0; i < PAGES; i++) {
		struct page *page = zvm_store_peek(f->store, i, &writable);

		if (page)
			expect_alias(test, page, policy, line);
		if (page)
			KUNIT_EXPECT_EQ(test, 1000u + i, *(u32 *)page_address(page));
	}
	mutex_unlock(&f->store->lock);
}

/* From each policy to each other one. */
static void cache_policies(struct kunit *test)
{
	struct fixture *f = test->priv;
	u32 from, to;

	expect_all(test, ZX_CACHE_POLICY_CACHED, __LINE__);
	for (from = 0; from < 4; from++) {
		for (to = 0; to < 4; to++) {
			KUNIT_EXPECT_EQ(test, 0, zvm_vmo_set_cache_policy(f->vmo, from, true));
			expect_all(test, from, __LINE__);
			KUNIT_EXPECT_EQ(test, 0, zvm_vmo_set_cache_policy(f->vmo, to, true));
			expect_all(test, to, __LINE__);
		}
	}
}

/* Pages come and go in every way while there is a policy. */
static void cache_come_and_go(struct kunit *test)
{
	struct fixture *f = test->priv;
	u32 policy;

	for (policy = 1; policy < 4; policy++) {
		KUNIT_EXPECT_EQ(test, 0, zvm_vmo_set_cache_policy(f->vmo, policy, true));
		mutex_lock(&f->store->lock);
		write_page(test, 2);
		mutex_unlock(&f->store->lock);
		expect_all(test, policy, __LINE__);

		KUNIT_EXPECT_EQ(test, 0, zvm_vmo_decommit(f->vmo, 0, PAGE_SIZE));
		expect_alias(test, f->seen[0], ZX_CACHE_POLICY_CACHED, __LINE__);
		KUNIT_EXPECT_EQ(test, 0, zvm_vmo_zero(f->vmo, 2 * PAGE_SIZE, PAGE_SIZE));
		expect_alias(test, f->seen[f->nr_seen - 1], ZX_CACHE_POLICY_CACHED, __LINE__);
		KUNIT_EXPECT_EQ(test, 0, zvm_vmo_set_size(f->vmo, 6 * PAGE_SIZE));
		expect_alias(test, f->seen[4], ZX_CACHE_POLICY_CACHED, __LINE__);
		expect_alias(test, f->seen[1], policy, __LINE__);
		KUNIT_EXPECT_EQ(test, 0, zvm_vmo_set_size(f->vmo, PAGES * PAGE_SIZE));
	}
}

/* Somebody else has the page, for a pipe, say: who writes gets another one. */
static void cache_copies(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct page *page;

	/* The test's own reference is such a one, once tags are void. */
	KUNIT_EXPECT_EQ(test, 0, zvm_vmo_set_cache_policy(f->vmo, ZX_CACHE_POLICY_UNCACHED, true));
	mutex_lock(&f->store->lock);
	f->store->pages.shared_epoch = 1;
	page = zvm_store_get_write(f->store, 0, NULL);
	mutex_unlock(&f->store->lock);
	KUNIT_ASSERT_FALSE(test, IS_ERR(page));
	KUNIT_EXPECT_PTR_NE(test, page, f->seen[0]);
	KUNIT_EXPECT_EQ(test, 1000u, *(u32 *)page_address(page));
	expect_alias(test, page, ZX_CACHE_POLICY_UNCACHED, __LINE__);
	expect_alias(test, f->seen[0], ZX_CACHE_POLICY_CACHED, __LINE__);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(cache_policies),
	KUNIT_CASE(cache_come_and_go),
	KUNIT_CASE(cache_copies),
	{}
};

struct kunit_suite zvm_cache_suite = {
	.name = "zvm_cache",
	.init = cache_init,
	.exit = cache_exit,
	.test_cases = cases,
};
