/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VMOs for other modules: memory that the kernel and programs share by reference.
 * docs/kernel-api.md explains it, samples/zvm_sample uses all of it.
 *
 * All functions may sleep. Those that return a pointer return an ERR_PTR() if they
 * fail. Offsets and lengths are in bytes.
 */
#ifndef _LINUX_ZIRCON_VM_H
#define _LINUX_ZIRCON_VM_H

#include <linux/bits.h>
#include <linux/module.h>
#include <linux/types.h>

struct page;
struct zircon_pin;
struct zvm_vmo;

/* Once in each module that uses what is below, as MODULE_IMPORT_NS() on any kernel. */
#define ZIRCON_VM_IMPORT() MODULE_INFO(import_ns, "ZIRCON_VM")

/* Options of zircon_vmo_create(). */
#define ZIRCON_VMO_RESIZABLE	BIT(1)
#define ZIRCON_VMO_DISCARDABLE	BIT(2)
#define ZIRCON_VMO_UNBOUNDED	BIT(4)

/* What a descriptor may be used for. */
#define ZIRCON_RIGHT_READ	BIT(2)
#define ZIRCON_RIGHT_WRITE	BIT(3)
#define ZIRCON_RIGHT_EXECUTE	BIT(4)
#define ZIRCON_RIGHT_MAP	BIT(5)
#define ZIRCON_RIGHT_RESIZE	BIT(22)

/* How memory is cached. */
#define ZIRCON_CACHE_CACHED		0
#define ZIRCON_CACHE_UNCACHED		1
#define ZIRCON_CACHE_UNCACHED_DEVICE	2
#define ZIRCON_CACHE_WRITE_COMBINING	3

/* What a mapping in the kernel's address space may be used for. */
#define ZIRCON_PERM_READ	BIT(0)
#define ZIRCON_PERM_WRITE	BIT(1)

/**
 * struct zircon_vmo_info - what zircon_vmo_query() tells
 * @koid: the object's number, as user space sees it
 * @size: in bytes, whole pages
 * @stream_size: in bytes
 * @committed: bytes of memory that its pages take; 0 for slices and references
 * @options: ZIRCON_VMO_...
 * @cache_policy: ZIRCON_CACHE_...
 * @contiguous: its memory is in a row
 * @physical: it has no pages, but shows physical addresses
 * @wired: made from the caller's pages
 * @discarded: it was discardable, and the kernel has taken its pages
 */
struct zircon_vmo_info {
	u64 koid;
	u64 size;
	u64 stream_size;
	u64 committed;
	u32 options;
	u32 cache_policy;
	bool contiguous;
	bool physical;
	bool wired;
	bool discarded;
};

/**
 * struct zircon_kernel_info - what zircon_kernel_query() tells
 * @base: where the mapping begins
 * @size: of the mapping, in bytes
 * @vmo_koid: the VMO that it shows
 * @vmo_offset: where in the VMO it begins
 * @perm: ZIRCON_PERM_... of the page that was asked for, from its page table entry
 * @cache_policy: ZIRCON_CACHE_..., likewise; of two that are the same to the processor, the
 *	VMO's
 * @phys: physical address of the byte that was asked for, likewise
 */
struct zircon_kernel_info {
	void *base;
	size_t size;
	u64 vmo_koid;
	u64 vmo_offset;
	u32 perm;
	u32 cache_policy;
	phys_addr_t phys;
};

/**
 * zircon_vmo_create() - a new VMO of zeros
 * @size: rounded up to whole pages
 * @options: ZIRCON_VMO_...
 *
 * Its pages are charged to the user and the memory cgroup of the calling task, as
 * if that had made it itself.
 *
 * Return: a reference, for zircon_vmo_put(). -EINVAL, -ERANGE, -ENOMEM.
 */
struct zvm_vmo *zircon_vmo_create(u64 size, u32 options);

/**
 * zircon_vmo_create_contiguous() - a new VMO whose memory is in a row
 * @size: whole pages
 * @alignment_log2: of its physical address; 0: that of a page
 *
 * All of it is there from the start, of zeros, and stays where it is. For a size or an
 * alignment beyond 8 pages the calling task needs CAP_SYS_RAWIO.
 *
 * Return: a reference. -EINVAL, -ERANGE, -ENOMEM, -EINTR.
 */
struct zvm_vmo *zircon_vmo_create_contiguous(u64 size, u32 alignment_log2);

/**
 * zircon_vmo_create_physical() - a new VMO that shows physical addresses
 * @addr: the first, on a page boundary
 * @size: whole pages, at least one
 *
 * For registers and memory of a device, and RAM that Linux was told to leave alone. The
 * range is the caller's, by request_mem_region() or the like, for as long as the VMO
 * lives: nobody is asked whether it is in use. The VMO is uncached until
 * zircon_vmo_set_cache_policy(). It can be mapped, by programs and by the kernel, and have
 * slices; there are no pages to be read, written, committed or pinned (-EOPNOTSUPP).
 *
 * Return: a reference. -EINVAL: no whole pages; -EACCES: some of it is RAM of Linux's;
 * -ERANGE: the processor cannot address it; -ENOMEM: of memory, or somebody has it mapped
 * in another way.
 */
struct zvm_vmo *zircon_vmo_create_physical(phys_addr_t addr, u64 size);

/**
 * zircon_vmo_create_wired() - a new VMO made of pages that exist already
 * @pages: the pages, in the order in which the VMO shows them
 * @count: how many, at least one
 *
 * The pages stay where they are: the VMO cannot be decommitted, resized, discarded,
 * snapshotted, transferred from or to; zeroing fills them. Its slices show them, too.
 *
 * The VMO takes a reference of its own on each page and never gives a page back
 * before its end. The caller's references stay the caller's, who may drop them at
 * any time, or keep them and use the memory alongside. While the VMO exists, the
 * words in struct page that are free for an owner (private, lru, mapping, index) are
 * the VMO's. Pages are single ones from alloc_page(), split_page() or vmalloc(), and
 * nobody else uses those words: not of the page cache, slabs, huge pages, or reserved
 * memory. Nothing is charged to anybody.
 *
 * Return: a reference. -EINVAL: no pages, or not such pages; -EBUSY: a page is in use
 * by somebody, such as another VMO, or given twice; -EIO: its memory has failed; -ENOMEM;
 * -EINTR.
 */
struct zvm_vmo *zircon_vmo_create_wired(struct page **pages, unsigned long count);

/**
 * zircon_vmo_from_fd() - the VMO behind a descriptor of the calling process
 * @fd: the descriptor
 * @rights: ZIRCON_RIGHT_... that the descriptor must have, for what is to be done
 *
 * Return: a reference. -EBADF: no descriptor of ours; -EMEDIUMTYPE: not a VMO's;
 * -EACCES: it lacks a right.
 */
struct zvm_vmo *zircon_vmo_from_fd(int fd, u32 rights);

/**
 * zircon_vmo_to_fd() - a new descriptor for the calling process
 * @vmo: the VMO
 * @rights: ZIRCON_RIGHT_... that it shall have, beside those to look at it, name it
 *	and pass it on
 *
 * In the process zvm_handle_from_fd() makes it a handle.
 *
 * Return: the descriptor, installed and close-on-exec. -EINVAL: unknown rights;
 * -EACCES: to write to what nobody can write to; -EMFILE, -ENFILE, -ENOMEM.
 */
int zircon_vmo_to_fd(struct zvm_vmo *vmo, u32 rights);

/**
 * zircon_vmo_get() - one more reference
 * @vmo: the VMO, of which the caller has one
 *
 * Return: @vmo.
 */
struct zvm_vmo *zircon_vmo_get(struct zvm_vmo *vmo);

/**
 * zircon_vmo_put() - give back a reference
 * @vmo: the VMO; with the last one and all descriptors and mappings gone it ends
 */
void zircon_vmo_put(struct zvm_vmo *vmo);

/**
 * zircon_vmo_read() - copy bytes out of a VMO
 * @vmo: the VMO
 * @buffer: where to, in kernel memory
 * @offset: where from
 * @len: how many
 *
 * Return: 0: all of them. -ERANGE: not all are in the VMO; -ENOENT: discarded;
 * -EBADFD: not cached; -EIO: memory has failed; -EINTR: killed.
 */
int zircon_vmo_read(struct zvm_vmo *vmo, void *buffer, u64 offset, size_t len);

/**
 * zircon_vmo_write() - copy bytes into a VMO
 * @vmo: the VMO
 * @buffer: where from, in kernel memory
 * @offset: where to
 * @len: how many
 *
 * Return: as zircon_vmo_read(). -EACCES: nobody can write to it; -ENOMEM.
 */
int zircon_vmo_write(struct zvm_vmo *vmo, const void *buffer, u64 offset, size_t len);

/**
 * zircon_vmo_commit() - have pages for part of a VMO
 * @vmo: the VMO
 * @offset: where it begins
 * @len: how much
 *
 * They may be taken away again by whoever has the right to; zircon_vmo_pin() keeps
 * them.
 *
 * Return: 0, -ERANGE, -ENOENT, -ENOMEM, -EIO, -EINTR.
 */
int zircon_vmo_commit(struct zvm_vmo *vmo, u64 offset, u64 len);

/**
 * zircon_vmo_query() - look at a VMO
 * @vmo: the VMO
 * @info: is filled
 */
void zircon_vmo_query(struct zvm_vmo *vmo, struct zircon_vmo_info *info);

/**
 * zircon_vmo_set_cache_policy() - say how memory is to be cached
 * @vmo: the VMO
 * @policy: ZIRCON_CACHE_...
 *
 * All of the VMO's memory has it from now on, what comes later too, in all mappings.
 *
 * Return: 0. -EINVAL: no such policy; -EBADFD: it is mapped, by whomever, or pinned, or it
 * is wired, discardable, or a relative of others; -ENOMEM, -EINTR: it is cached now.
 */
int zircon_vmo_set_cache_policy(struct zvm_vmo *vmo, u32 policy);

/**
 * zircon_vmo_pin() - keep pages where they are
 * @vmo: the VMO
 * @offset: where they begin, on a page boundary
 * @len: whole pages, at least one
 *
 * Commits them. Until zircon_vmo_unpin() they are not decommitted, cut off, discarded,
 * moved to another VMO, or shared with a snapshot: who tries gets an error. The pin
 * is a reference of the VMO, too. No RLIMIT_MEMLOCK is asked.
 *
 * Return: the pin. -EINVAL, -ERANGE, -ENOENT, -ENOMEM, -EIO, -EINTR.
 */
struct zircon_pin *zircon_vmo_pin(struct zvm_vmo *vmo, u64 offset, u64 len);

/**
 * zircon_vmo_unpin() - end a pin
 * @pin: the pin
 */
void zircon_vmo_unpin(struct zircon_pin *pin);

/**
 * zircon_pin_page() - a page that is pinned
 * @pin: the pin
 * @index: which, from 0 on
 *
 * Return: the page, the VMO's until the pin ends; NULL: the pin has no such page, or the
 * task is killed.
 */
struct page *zircon_pin_page(struct zircon_pin *pin, u64 index);

/**
 * zircon_kernel_map() - map part of a VMO into the kernel's address space
 * @vmo: the VMO
 * @offset: where it begins, on a page boundary
 * @len: whole pages, at least one
 * @perm: ZIRCON_PERM_READ, with or without ZIRCON_PERM_WRITE
 *
 * The pages are pinned, as by zircon_vmo_pin(), until it is unmapped: accesses never
 * fault, and the VMO lives. It is never executable. Memory is cached as the VMO says; what
 * is of a device is accessed as by ioremap(), with readl() and its like.
 *
 * Return: the address. As zircon_vmo_pin(), and -EACCES: to write to what nobody can
 * write to; -EOPNOTSUPP: physical memory on a machine that cannot zircon_kernel_protect().
 */
void *zircon_kernel_map(struct zvm_vmo *vmo, u64 offset, size_t len, u32 perm);

/**
 * zircon_kernel_unmap() - remove a mapping
 * @addr: what zircon_kernel_map() returned
 *
 * Return: 0. -ENOENT: no mapping begins there.
 */
int zircon_kernel_unmap(void *addr);

/**
 * zircon_kernel_protect() - change what pages of a mapping may be used for
 * @addr: the first page
 * @len: whole pages of one mapping, at least one
 * @perm: as for zircon_kernel_map()
 *
 * Holds on all processors when it returns. Interrupts must be on.
 *
 * Return: 0. -EINVAL; -ENOENT: not all of it is mapped; -EACCES: to write to what
 * nobody can write to; -EOPNOTSUPP: not on this machine.
 */
int zircon_kernel_protect(void *addr, size_t len, u32 perm);

/**
 * zircon_kernel_query() - what is mapped at an address
 * @addr: any address
 * @info: is filled
 *
 * Return: 0. -ENOENT: nothing of ours.
 */
int zircon_kernel_query(const void *addr, struct zircon_kernel_info *info);

#endif /* _LINUX_ZIRCON_VM_H */
