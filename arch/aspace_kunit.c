// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of what is done to page tables, each looked at with
 * zvm_arch_query(): on the arena of the process that loads the module.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>

#include "../vmar/aspace.h"
#include "../vmar/kernel_aspace.h"
#include "../vmar/vmar.h"
#include "../zvm_kunit.h"
#include "../vmo/fault.h"
#include "../vmo/physical.h"
#include "aspace.h"
#include "cache_kunit.h"
#include "kernel.h"

#define PAGES	16
#define RW	(VM_READ | VM_WRITE)
#define NOTHING	((vm_flags_t)-1)

/* Shared by all tests, each of which leaves the arena empty. */
static struct zvm_vmar *root;

struct fixture {
	struct zvm_arch_aspace *arch;
	struct vm_area_struct *vma;
	struct page *page[PAGES];
	unsigned long addr;
};

/* Only here is the thread one of the process. */
static int arch_suite_init(struct kunit_suite *suite)
{
	int err = zvm_fs_pin();

	if (err)
		return err;
	root = zvm_aspace_current_root();
	if (IS_ERR(root)) {
		zvm_fs_unpin();
		return PTR_ERR(root);
	}
	mmget(root->aspace->arch.mm);
	return 0;
}

static void arch_suite_exit(struct kunit_suite *suite)
{
	struct zvm_aspace *aspace;

	if (IS_ERR_OR_NULL(root))
		return;
	aspace = root->aspace;
	vm_munmap(aspace->arch.start, aspace->size);
	mmput(aspace->arch.mm);
	zvm_object_put(&root->obj);
	root = NULL;
	zvm_fs_unpin();
}

static int arch_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, f);
	test->priv = f;
	f->arch = &root->aspace->arch;
	for (i = 0; i < PAGES; i++) {
		f->page[i] = alloc_page(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, f->page[i]);
	}
	mmap_read_lock(f->arch->mm);
	f->vma = find_vma(f->arch->mm, f->arch->start);
	/* Half of them in one page table, half in the next. */
	f->addr = f->arch->start + 3 * PMD_SIZE - PAGES / 2 * PAGE_SIZE;
	return 0;
}

static void unmap(const struct fixture *f, unsigned int first, unsigned int n)
{
	pgoff_t pgoff = (f->addr - f->arch->start) >> PAGE_SHIFT;

	zvm_arch_unmap(f->arch->ptes, pgoff + first, n, false);
}

static void arch_exit(struct kunit *test)
{
	struct fixture *f = test->priv;
	int i;

	if (!f)
		return;
	if (f->vma) {
		unmap(f, 0, PAGES);
		mmap_read_unlock(f->arch->mm);
	}
	for (i = 0; i < PAGES && f->page[i]; i++) {
		/* What was unmapped has let it go. */
		KUNIT_EXPECT_EQ(test, 1, page_count(f->page[i]));
		KUNIT_EXPECT_EQ(test, 0, page_mapcount(f->page[i]));
		put_page(f->page[i]);
	}
}

static unsigned long at(const struct fixture *f, unsigned int i)
{
	return f->addr + i * PAGE_SIZE;
}

/* Map pages first to last with these permissions. */
static long map(const struct fixture *f, unsigned int first, unsigned int n, vm_flags_t flags)
{
	return zvm_arch_map(f->vma, at(f, first), (struct page **)f->page + first, n,
			    VM_SHARED | flags, ZX_CACHE_POLICY_CACHED);
}

/* Each of the addresses shows its page with the permissions, or nothing. */
static void expect(struct kunit *test, unsigned int first, unsigned int n, vm_flags_t flags)
{
	struct fixture *f = test->priv;
	struct zvm_arch_entry entry;
	unsigned int i;

	for (i = first; i < first + n; i++) {
		bool mapped = zvm_arch_query(f->vma, at(f, i), &entry);

		KUNIT_EXPECT_EQ_MSG(test, flags != NOTHING, mapped, "page %u", i);
		KUNIT_EXPECT_EQ_MSG(test, mapped, zvm_arch_is_mapped(f->vma, at(f, i)),
				    "page %u", i);
		if (!mapped || flags == NOTHING)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, page_to_pfn(f->page[i]), entry.pfn, "page %u", i);
		KUNIT_EXPECT_EQ_MSG(test, flags, entry.flags, "page %u", i);
	}
}

/* An array of pages, over the end of a page table. */
static void arch_map(struct kunit *test)
{
	struct fixture *f = test->priv;

	expect(test, 0, PAGES, NOTHING);
	KUNIT_EXPECT_EQ(test, (long)PAGES, map(f, 0, PAGES, RW));
	expect(test, 0, PAGES, RW);
	KUNIT_EXPECT_FALSE(test, zvm_arch_is_mapped(f->vma, f->addr - PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, zvm_arch_is_mapped(f->vma, at(f, PAGES)));
}

static void arch_map_one(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, 1l, map(f, 3, 1, RW));
	expect(test, 0, 3, NOTHING);
	expect(test, 3, 1, RW);
	expect(test, 4, PAGES - 4, NOTHING);
}

/* What is there stays; what comes before it has been mapped. */
static void arch_map_over(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, 1l, map(f, 4, 1, VM_READ));
	KUNIT_EXPECT_EQ(test, (long)-EBUSY, map(f, 4, 1, RW));
	KUNIT_EXPECT_EQ(test, (long)-EBUSY, map(f, 4, 3, RW));
	expect(test, 4, 1, VM_READ);
	expect(test, 5, PAGES - 5, NOTHING);
	KUNIT_EXPECT_EQ(test, 4l, map(f, 0, PAGES, RW));
	expect(test, 0, 4, RW);
	expect(test, 4, 1, VM_READ);
	expect(test, 5, PAGES - 5, NOTHING);
}

static void arch_map_permissions(struct kunit *test)
{
	static const vm_flags_t perms[] = {
		VM_READ, RW, VM_READ | VM_EXEC, RW | VM_EXEC,
	};
	struct fixture *f = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(perms); i++) {
		KUNIT_EXPECT_EQ(test, 1l, map(f, i, 1, perms[i]));
		KUNIT_EXPECT_EQ(test, 2l, map(f, 6 + 2 * i, 2, perms[i]));
	}
	for (i = 0; i < ARRAY_SIZE(perms); i++) {
		expect(test, i, 1, perms[i]);
		expect(test, 6 + 2 * i, 2, perms[i]);
	}
}

static void arch_unmap(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, (long)PAGES, map(f, 0, PAGES, RW));
	unmap(f, 5, 6);
	expect(test, 0, 5, RW);
	expect(test, 5, 6, NOTHING);
	expect(test, 11, PAGES - 11, RW);
	KUNIT_EXPECT_EQ(test, 1, page_count(f->page[5]));
	KUNIT_EXPECT_EQ(test, 2, page_count(f->page[4]));
	/* Room for others. */
	KUNIT_EXPECT_EQ(test, 6l, map(f, 5, 6, VM_READ));
	expect(test, 5, 6, VM_READ);

	zvm_arch_unmap_here(f->vma, at(f, 7));
	expect(test, 6, 1, VM_READ);
	expect(test, 7, 1, NOTHING);
	expect(test, 8, 1, VM_READ);
}

/* A range that is there in part only, in two page tables, and what is next to it. */
static void arch_unmap_holes(struct kunit *test)
{
	static const struct {
		unsigned int first, n;
	} there[] = { { 0, 3 }, { 4, 1 }, { 6, 4 }, { 12, 4 } };
	struct fixture *f = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(there); i++)
		KUNIT_EXPECT_EQ(test, (long)there[i].n, map(f, there[i].first, there[i].n, RW));
	unmap(f, 1, 13);
	expect(test, 0, 1, RW);
	expect(test, 1, 13, NOTHING);
	expect(test, 14, 2, RW);
	for (i = 1; i < 14; i++)
		KUNIT_EXPECT_EQ(test, 1, page_count(f->page[i]));
	/* Again where nothing is, then all that is left. */
	unmap(f, 1, 13);
	expect(test, 14, 2, RW);
	unmap(f, 0, PAGES);
	expect(test, 0, PAGES, NOTHING);
}

/*
 * The tables are those below the root that the mm has; who runs in it sees what they
 * show, and nobody else has to do anything for that.
 */
static void arch_activate(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct mm_struct *mm = f->arch->mm;
	u32 *there = page_address(f->page[3]);
	u32 seen = 0;
	long err;

	*there = 0x5a17c0de;
	KUNIT_ASSERT_NULL(test, current->mm);
	kthread_use_mm(mm);
	err = copy_from_user_nofault(&seen, (void __user *)at(f, 3), sizeof(seen));
	KUNIT_EXPECT_NE(test, 0l, err);
	KUNIT_EXPECT_EQ(test, 1l, map(f, 3, 1, VM_READ));
	err = copy_from_user_nofault(&seen, (void __user *)at(f, 3), sizeof(seen));
#ifdef CONFIG_X86
	KUNIT_EXPECT_EQ(test, (unsigned long)__pa(mm->pgd), read_cr3_pa());
#endif
	kthread_unuse_mm(mm);
	KUNIT_EXPECT_EQ(test, 0l, err);
	KUNIT_EXPECT_EQ(test, 0x5a17c0deu, seen);
}

/* Where it is not done by removing the PTEs they stay, and can be read. */
static void arch_protect(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct zvm_arch_entry entry;
	pgoff_t pgoff = (f->addr - f->arch->start) >> PAGE_SHIFT;
	int i;

	KUNIT_EXPECT_EQ(test, (long)PAGES, map(f, 0, PAGES, RW));
	zvm_arch_wrprotect(f->arch->ptes, pgoff + 4, 8);
	expect(test, 0, 4, RW);
	expect(test, 12, PAGES - 12, RW);
	for (i = 4; i < 12; i++)
		if (zvm_arch_query(f->vma, at(f, i), &entry))
			expect(test, i, 1, VM_READ);
}

/* Only what is there, and the page it is meant for. */
static void arch_upgrade(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct page *pages[4] = { f->page[4], f->page[5], f->page[5], f->page[7] };

	KUNIT_EXPECT_EQ(test, 3l, map(f, 4, 3, VM_READ));
	zvm_arch_upgrade(f->vma, at(f, 4), pages, ARRAY_SIZE(pages));
	expect(test, 0, 4, NOTHING);
	expect(test, 4, 2, RW);
	expect(test, 6, 1, VM_READ);
	expect(test, 7, PAGES - 7, NOTHING);
}

/* Whatever the permissions. */
static void arch_map_policies(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct zvm_arch_entry entry;
	u32 i;

	for (i = 0; i < 8; i++) {
		vm_flags_t flags = VM_SHARED | (i & 4 ? RW : VM_READ);

		KUNIT_EXPECT_EQ(test, 2l, zvm_arch_map(f->vma, at(f, 2 * i), f->page + 2 * i, 2,
						       flags, i & 3));
	}
	for (i = 0; i < PAGES; i++) {
		KUNIT_EXPECT_TRUE(test, zvm_arch_query(f->vma, at(f, i), &entry));
		KUNIT_EXPECT_EQ(test, zvm_kunit_cache_bits(i / 2 & 3), entry.cache);
		expect(test, i, 1, i & 8 ? RW : VM_READ);
	}
	/* Permissions change, that does not. */
	zvm_arch_upgrade(f->vma, at(f, 0), f->page, 8);
	for (i = 0; i < 8; i++) {
		KUNIT_EXPECT_TRUE(test, zvm_arch_query(f->vma, at(f, i), &entry));
		KUNIT_EXPECT_EQ(test, zvm_kunit_cache_bits(i / 2), entry.cache);
		expect(test, i, 1, RW);
	}
}

/* Pages of a VMO come by its policy. */
static void arch_map_vmo(struct kunit *test)
{
	struct zvm_vmo *vmo = zvm_vmo_new(4 * PAGE_SIZE, 0);
	struct fixture *f = test->priv;
	struct zvm_arch_entry entry;
	u32 policy, i;

	KUNIT_ASSERT_FALSE(test, IS_ERR(vmo));
	KUNIT_EXPECT_EQ(test, 0, zvm_vmo_commit(vmo, 0, 4 * PAGE_SIZE));
	for (policy = 0; policy < 4; policy++) {
		struct zvm_window win = {
			.vma = f->vma,
			.vmo = vmo,
			.addr = at(f, 0),
			.pages = 4,
			.flags = VM_SHARED | RW,
		};

		KUNIT_EXPECT_EQ(test, 0, zvm_vmo_set_cache_policy(vmo, policy, true));
		KUNIT_EXPECT_EQ(test, 0, zvm_store_populate(&win, 4));
		for (i = 0; i < 4; i++) {
			KUNIT_EXPECT_TRUE(test, zvm_arch_query(f->vma, at(f, i), &entry));
			KUNIT_EXPECT_EQ(test, zvm_kunit_cache_bits(policy), entry.cache);
		}
		unmap(f, 0, 4);
	}
	zvm_object_put(&vmo->obj);
}

/* No pages, and nothing there, but they are in page tables. */
static void arch_map_physical(struct kunit *test)
{
	unsigned long pfn = PHYS_PFN(1ull << 38);
	struct fixture *f = test->priv;
	struct zvm_arch_entry entry;
	void __iomem *claim;
	u32 policy;

	if (!zvm_arch_special_ptes || !zvm_arch_addressable(PFN_PHYS(pfn)))
		return;
	for (policy = 0; policy < 4; policy++) {
		KUNIT_ASSERT_EQ(test, 0, zvm_arch_claim(PFN_PHYS(pfn), 2 * PAGE_SIZE, policy,
							&claim));
		KUNIT_EXPECT_EQ(test, (vm_fault_t)VM_FAULT_NOPAGE,
				zvm_arch_map_physical(f->vma, at(f, 3), pfn, 2,
						      VM_SHARED | VM_READ, policy));
		expect(test, 2, 1, NOTHING);
		KUNIT_EXPECT_TRUE(test, zvm_arch_query(f->vma, at(f, 4), &entry));
		KUNIT_EXPECT_EQ(test, pfn + 1, entry.pfn);
		KUNIT_EXPECT_EQ(test, zvm_kunit_cache_bits(policy), entry.cache);
		KUNIT_EXPECT_EQ(test, (vm_flags_t)VM_READ, entry.flags);
		expect(test, 5, 1, NOTHING);
		unmap(f, 3, 2);
		expect(test, 3, 2, NOTHING);
		zvm_arch_unclaim(claim);
	}
}

/* The kernel's own entries, that are made and then protected. */
static void arch_kernel_policies(struct kunit *test)
{
	struct zvm_arch_entry entry;
	struct zvm_vmo *vmo;
	u32 policy, i;
	u8 *addr;

	for (policy = 0; policy < 4; policy++) {
		vmo = zvm_vmo_new(4 * PAGE_SIZE, 0);
		KUNIT_ASSERT_FALSE(test, IS_ERR(vmo));
		KUNIT_EXPECT_EQ(test, 0, zvm_vmo_set_cache_policy(vmo, policy, true));
		addr = zvm_kernel_map(vmo, 0, 4 * PAGE_SIZE, true);
		KUNIT_ASSERT_FALSE(test, IS_ERR(addr));
		KUNIT_EXPECT_EQ(test, 0, zvm_kernel_protect(addr + PAGE_SIZE, PAGE_SIZE, false));
		for (i = 0; i < 4; i++) {
			KUNIT_EXPECT_TRUE(test, zvm_arch_kernel_query((unsigned long)addr +
								      i * PAGE_SIZE, &entry));
			KUNIT_EXPECT_EQ(test, zvm_kunit_cache_bits(policy), entry.cache);
			KUNIT_EXPECT_EQ(test, i == 1 ? (vm_flags_t)VM_READ : RW, entry.flags);
		}
		KUNIT_EXPECT_EQ(test, 0, zvm_kernel_unmap(addr));
		zvm_object_put(&vmo->obj);
	}
}

/* Likewise of what is nothing: small ones, though the range could have a large one. */
static void arch_kernel_physical(struct kunit *test)
{
	u64 at = 1ull << 38, len = 2 * PMD_SIZE;
	struct zvm_arch_entry entry;
	struct zvm_vmo *vmo;
	u32 policy;
	u64 i;
	u8 *addr;

	if (!zvm_arch_addressable(at + len))
		return;
	vmo = zvm_vmo_new_physical(at, len, true);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vmo));
	for (policy = 0; policy < 4; policy++) {
		KUNIT_EXPECT_EQ(test, 0, zvm_vmo_set_cache_policy(vmo, policy, true));
		addr = zvm_kernel_map(vmo, PAGE_SIZE, PMD_SIZE, false);
		KUNIT_ASSERT_FALSE(test, IS_ERR(addr));
		KUNIT_EXPECT_EQ(test, 0, zvm_kernel_protect(addr, PAGE_SIZE, true));
		for (i = 0; i < PMD_SIZE; i += PMD_SIZE - PAGE_SIZE) {
			KUNIT_EXPECT_TRUE(test, zvm_arch_kernel_query((unsigned long)addr + i,
								      &entry));
			KUNIT_EXPECT_EQ(test, zvm_kunit_cache_bits(policy), entry.cache);
			KUNIT_EXPECT_EQ(test, i ? (vm_flags_t)VM_READ : RW, entry.flags);
			KUNIT_EXPECT_EQ(test, (unsigned long)PHYS_PFN(at + PAGE_SIZE + i),
					entry.pfn);
		}
		KUNIT_EXPECT_EQ(test, 0, zvm_kernel_unmap(addr));
	}
	zvm_object_put(&vmo->obj);
}

/* Where nothing has ever been there is no page table to look into. */
static void arch_query_nothing(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned long addr = f->arch->start + root->aspace->size / 2;
	struct zvm_arch_entry entry;

	KUNIT_EXPECT_FALSE(test, zvm_arch_query(f->vma, addr, &entry));
	KUNIT_EXPECT_FALSE(test, zvm_arch_is_mapped(f->vma, addr));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(arch_map),
	KUNIT_CASE(arch_map_one),
	KUNIT_CASE(arch_map_over),
	KUNIT_CASE(arch_map_permissions),
	KUNIT_CASE(arch_unmap),
	KUNIT_CASE(arch_unmap_holes),
	KUNIT_CASE(arch_activate),
	KUNIT_CASE(arch_protect),
	KUNIT_CASE(arch_upgrade),
	KUNIT_CASE(arch_map_policies),
	KUNIT_CASE(arch_map_vmo),
	KUNIT_CASE(arch_map_physical),
	KUNIT_CASE(arch_kernel_policies),
	KUNIT_CASE(arch_kernel_physical),
	KUNIT_CASE(arch_query_nothing),
	{}
};

struct kunit_suite zvm_arch_suite = {
	.name = "zvm_arch",
	.suite_init = arch_suite_init,
	.suite_exit = arch_suite_exit,
	.init = arch_init,
	.exit = arch_exit,
	.test_cases = cases,
};
