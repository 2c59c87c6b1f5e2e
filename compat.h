/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels this module builds for. No other file looks
 * at LINUX_VERSION_CODE, or at the ZVM_HAS_... macros of Kbuild.compat.
 */
#ifndef ZVM_COMPAT_H
#define ZVM_COMPAT_H

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/list_lru.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "zircon-vm needs Linux 6.1 or later"
#endif

#ifndef ZVM_HAS_VM_FLAGS_INIT
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags &= ~flags;
}

static inline void vm_flags_init(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags = flags;
}
#endif

/* For modules that import the namespace ZIRCON_VM. */
#ifdef ZVM_HAS_NAMESPACE_STRINGS
#define EXPORT_SYMBOL_ZVM(sym) EXPORT_SYMBOL_NS_GPL(sym, "ZIRCON_VM")
#else
#define EXPORT_SYMBOL_ZVM(sym) EXPORT_SYMBOL_NS_GPL(sym, ZIRCON_VM)
#endif

/* The first argument of ->setattr(). */
#ifdef ZVM_HAS_MNT_IDMAP
#define zvm_idmap mnt_idmap
#else
#define zvm_idmap user_namespace
#endif

#ifndef ZVM_HAS_FD_FILE
#define fd_file(fd) ((fd).file)
#endif

#ifndef ZVM_HAS_INODE_JUST_DROP
#define inode_just_drop generic_delete_inode
#endif

#ifndef ZVM_HAS_INODE_STATE_FLAGS
static inline void inode_state_assign_raw(struct inode *inode, unsigned int state)
{
	inode->i_state = state;
}
#endif

/*
 * A huge page table entry for a folio, with the VMA's permissions, made under our
 * own locks; vmf->pmd is none.
 *
 * From 7.2 on there is a call for it. On 6.1 the one for device memory has to do: it
 * counts neither a reference nor a mapping, and so that the core does not either
 * when it takes the entry away the VMA is to have ZVM_VM_HUGE. We need no such
 * references: an entry goes before the folio does. Between the two that call makes
 * entries that get_user_pages() passes over: 4 KiB pages only.
 */
#if !defined(CONFIG_TRANSPARENT_HUGEPAGE)
#define ZVM_VM_HUGE 0
#elif defined(ZVM_HAS_VMF_INSERT_FOLIO_PMD)
#define ZVM_VM_HUGE 0
#define ZVM_HAS_HUGE_PMD
static inline vm_fault_t zvm_insert_huge_pmd(struct vm_fault *vmf, struct page *folio, bool write)
{
	return vmf_insert_folio_pmd(vmf, page_folio(folio), write);
}
#elif defined(ZVM_HAS_VMF_INSERT_PFN_PMD_PROT)
#include <linux/pfn_t.h>
#define ZVM_VM_HUGE VM_MIXEDMAP
#define ZVM_HAS_HUGE_PMD
static inline vm_fault_t zvm_insert_huge_pmd(struct vm_fault *vmf, struct page *folio, bool write)
{
	return vmf_insert_pfn_pmd_prot(vmf, page_to_pfn_t(folio), vmf->vma->vm_page_prot, write);
}
#else
#define ZVM_VM_HUGE 0
#endif

#ifndef ZVM_HAS_PTE_MKWRITE_NOVMA
#define pte_mkwrite_novma(pte) pte_mkwrite(pte)
#endif

#ifdef ZVM_HAS_COPY_FOLIO_FROM_ITER
static inline size_t zvm_copy_page_from_iter_atomic(struct page *page, size_t offset,
						    size_t bytes, struct iov_iter *iter)
{
	struct folio *folio = page_folio(page);

	offset += folio_page_idx(folio, page) << PAGE_SHIFT;
	return copy_folio_from_iter_atomic(folio, offset, bytes, iter);
}
#else
#define zvm_copy_page_from_iter_atomic(page, ...) copy_page_from_iter_atomic(page, __VA_ARGS__)
#endif

#ifdef ZVM_HAS_IMPORT_UBUF
#define zvm_import_ubuf import_ubuf
#else
static inline int zvm_import_ubuf(int direction, void __user *buf, size_t len,
				  struct iov_iter *iter)
{
	len = min_t(size_t, len, MAX_RW_COUNT);
	if (!access_ok(buf, len))
		return -EFAULT;
	iov_iter_ubuf(iter, direction, buf, len);
	return 0;
}
#endif

/* The largest block of the page allocator. (From 6.4 to 6.7 it would have one order more.) */
#ifndef MAX_PAGE_ORDER
#define MAX_PAGE_ORDER (MAX_ORDER - 1)
#endif

/* These pages, where nobody uses them or who does can do with others; in one zone. */
#ifdef ACR_FLAGS_NONE
#define zvm_alloc_contig_range(start, end, gfp) \
	alloc_contig_range(start, end, ACR_FLAGS_NONE, gfp)
#else
#define zvm_alloc_contig_range(start, end, gfp) \
	alloc_contig_range(start, end, MIGRATE_MOVABLE, gfp)
#endif

/* Reading a file into a pipe by way of its read_iter. */
#ifdef ZVM_HAS_COPY_SPLICE_READ
#define zvm_splice_read copy_splice_read
#else
#define zvm_splice_read generic_file_splice_read
#endif

/* Let the process's own rules choose an address. */
#if defined(ZVM_HAS_MM_GET_UNMAPPED_AREA_OF_MM)
#define zvm_mm_get_unmapped_area(...) mm_get_unmapped_area(current->mm, __VA_ARGS__)
#elif defined(ZVM_HAS_MM_GET_UNMAPPED_AREA)
#define zvm_mm_get_unmapped_area(...) mm_get_unmapped_area(__VA_ARGS__)
#else
#define zvm_mm_get_unmapped_area(...) current->mm->get_unmapped_area(__VA_ARGS__)
#endif

/* What ->get_policy() is given. */
#ifdef ZVM_HAS_GET_POLICY_ILX
#define ZVM_POLICY_ARGS struct vm_area_struct *vma, unsigned long addr, pgoff_t *ilx
#else
#define ZVM_POLICY_ARGS struct vm_area_struct *vma, unsigned long addr
#endif

/* Earlier ones ask only about folios with PG_private. */
#ifdef ZVM_HAS_MAPPING_RELEASE_ALWAYS
#define zvm_mapping_set_release_always(mapping) mapping_set_release_always(mapping)
#else
#define zvm_mapping_set_release_always(mapping) do { } while (0)
#endif

/* Is it a mark of a write-protected page that is not mapped? */
#ifdef ZVM_HAS_PTE_IS_UFFD_WP_MARKER
#define zvm_pte_is_uffd_mark(pte) pte_is_uffd_wp_marker(pte)
#else
#define zvm_pte_is_uffd_mark(pte) pte_marker_uffd_wp(pte)
#endif

/*
 * The operation of a VMA that the core asks about special PTEs: where there is
 * none, only VMAs for nothing else can have them.
 */
#if defined(ZVM_HAS_FIND_SPECIAL_PAGE)
#define zvm_find_special_page find_special_page
#elif defined(CONFIG_FIND_NORMAL_PAGE)
#define zvm_find_special_page find_normal_page
#endif

/* Remove the PTEs of a part of a VMA. */
#if defined(ZVM_HAS_ZAP_PAGE_RANGE)
#define zvm_zap_vma(vma, addr, len) zap_page_range(vma, addr, len)
#elif defined(ZVM_HAS_ZAP_VMA_RANGE)
#define zvm_zap_vma(vma, addr, len) zap_vma_range(vma, addr, len)
#else
#define zvm_zap_vma(vma, addr, len) zap_page_range_single(vma, addr, len, NULL)
#endif

#ifndef ZVM_HAS_SHRINKER_ALLOC
static inline unsigned long zvm_shrink_nothing(struct shrinker *shrinker,
					       struct shrink_control *sc)
{
	return 0;
}

/* In use at once, but there is nothing to shrink until count_objects is set. */
static inline struct shrinker *shrinker_alloc(unsigned int flags, const char *name)
{
	struct shrinker *shrinker = kzalloc(sizeof(*shrinker), GFP_KERNEL);

	if (!shrinker)
		return NULL;
	shrinker->flags = flags;
	shrinker->count_objects = zvm_shrink_nothing;
	if (!register_shrinker(shrinker, "%s", name))
		return shrinker;
	kfree(shrinker);
	return NULL;
}

static inline void shrinker_register(struct shrinker *shrinker)
{
}

static inline void shrinker_free(struct shrinker *shrinker)
{
	unregister_shrinker(shrinker);
	kfree(shrinker);
}
#endif

#ifndef ZVM_HAS_LIST_LRU_ADD_OBJ
#define list_lru_add_obj list_lru_add
#define list_lru_del_obj list_lru_del
#endif

/* What list_lru_walk_one() calls. */
#ifdef ZVM_HAS_LRU_WALK_LOCK
#define ZVM_LRU_WALK_ARGS struct list_head *item, struct list_lru_one *list, \
			  spinlock_t *lock, void *arg
#else
#define ZVM_LRU_WALK_ARGS struct list_head *item, struct list_lru_one *list, void *arg
#endif

/* No function: swap.h, which it takes, has names that are ours elsewhere. */
#ifndef ZVM_HAS_ACCOUNT_RECLAIMED_PAGES
#define mm_account_reclaimed_pages(pages) do {				\
	if (current->reclaim_state)					\
		current->reclaim_state->reclaimed_slab += (pages);	\
} while (0)
#endif

/*
 * Write-protecting leaves PTEs that are read-only and dirty. Where NUMA
 * balancing or userfaultfd make such PTEs writable again without asking us, and
 * where the kernel cannot do it, PTEs are removed instead.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0) && IS_ENABLED(CONFIG_MAPPING_DIRTY_HELPERS)
#define zvm_wrprotect_range(mapping, first, n) wp_shared_mapping_range(mapping, first, n)
#else
#define zvm_wrprotect_range(mapping, first, n) unmap_mapping_pages(mapping, first, n, false)
#endif

#endif /* ZVM_COMPAT_H */
