/* SPDX-License-Identifier: MIT OR GPL-2.0 */
#ifndef ZIRCON_SYSCALLS_H_
#define ZIRCON_SYSCALLS_H_

#include <zircon/syscalls/types.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/**
 * DOC: Calls
 *
 * Each function here behaves as the Zircon system call of the same name does:
 * the checks, their order and the status codes are Zircon's. What differs on
 * Linux is said at the call.
 *
 * Sizes, lengths and offsets are in bytes. "Page" is zx_system_get_page_size().
 *
 * A call that takes a handle starts with these checks, in this order, unless
 * something else is said:
 *
 * - ZX_ERR_BAD_HANDLE: the value is not a live handle of this process
 * - ZX_ERR_WRONG_TYPE: the object is of another type
 * - ZX_ERR_ACCESS_DENIED: the handle lacks a right that the call needs
 *
 * A result is stored where the caller says only if the call succeeds. If it
 * cannot be stored there, the call fails with ZX_ERR_INVALID_ARGS and what it
 * did is undone. ZX_ERR_NO_MEMORY (memory, memory cgroup or the module's limit
 * per user) and ZX_ERR_NO_RESOURCES (no file descriptor left for a new handle)
 * can come from any call that needs them, and ZX_ERR_IO from any that needs the
 * content of a page whose memory has failed.
 *
 * All functions may be called from several threads at once and from signal
 * handlers; none is a cancellation point, none changes errno.
 */

/* ---- VMOs -------------------------------------------------------------- */

/**
 * zx_vmo_create() - make a VMO, an object that contains pages
 * @size: its size, rounded up to whole pages; may be 0. The unrounded value is
 *	the stream size. Nothing is allocated: pages are, when first written.
 * @options: any of
 *	ZX_VMO_RESIZABLE: zx_vmo_set_size() works;
 *	ZX_VMO_UNBOUNDED: the VMO is as large as can be, @size is only the stream
 *	size; not together with RESIZABLE;
 *	ZX_VMO_DISCARDABLE: once it has been locked and unlocked, the content may
 *	be given up when memory is short, until it is locked again;
 *	ZVM_VMO_HUGE_PAGES: memory comes 2 MiB at a time, see <zvm.h>
 * @out: the new handle, with ZX_DEFAULT_VMO_RIGHTS and, if resizable,
 *	ZX_RIGHT_RESIZE
 *
 * The content is zeros.
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_INVALID_ARGS: RESIZABLE with UNBOUNDED, or an unknown option, or
 *   @out cannot be written
 * - ZX_ERR_OUT_OF_RANGE: @size is beyond the largest size
 * - ZX_ERR_UNAVAILABLE: /dev/zircon-vm cannot be opened or does not speak this
 *   library's version. The first such failure of a process prints a line to
 *   stderr that says why.
 */
zx_status_t zx_vmo_create(uint64_t size, uint32_t options, zx_handle_t *out);

/**
 * zx_vmo_create_physical() - make a VMO that shows a range of physical addresses
 * @resource: ZX_HANDLE_INVALID: on Linux it is the caller who needs CAP_SYS_RAWIO
 * @paddr: the first address, a whole page
 * @size: bytes, whole pages, not 0
 * @out: the new handle, with ZX_DEFAULT_VMO_RIGHTS
 *
 * For registers and memory of devices, and RAM that Linux was told to leave alone.
 * The VMO can be mapped, be it uncached, as it is in the beginning, or as
 * zx_vmo_set_cache_policy() says, and have slices. It has no pages: reading, writing,
 * committing and the like give ZX_ERR_NOT_SUPPORTED, nor does the kernel take
 * mappings of it as memory for transfers that bypass the processor. It is never
 * executable. The content is not zeroed.
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_INVALID_ARGS: @size is 0, or @size or @paddr is not in whole pages, or
 *   their sum wraps, or @out cannot be written
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE: @resource is not ZX_HANDLE_INVALID
 * - ZX_ERR_ACCESS_DENIED: no CAP_SYS_RAWIO; or the kernel is locked down; or part of
 *   the range is RAM of Linux's, or in use by the kernel or by a driver; or it is part of a
 *   device and something else
 * - ZX_ERR_OUT_OF_RANGE: the processor cannot address it
 * - ZX_ERR_NO_MEMORY: none, or it is mapped in another way, as another cache policy says
 */
zx_status_t zx_vmo_create_physical(zx_handle_t resource, zx_paddr_t paddr, size_t size,
				   zx_handle_t *out);

/**
 * zx_vmo_read() - copy from a VMO
 * @handle: a VMO; ZX_RIGHT_READ
 * @buffer: where to; may lie in a mapping of the same VMO
 * @offset: from the start of the VMO
 * @buffer_size: how many bytes; 0 is allowed up to and at the end of the VMO
 *
 * Pages that were never written read as zeros, and stay unallocated.
 *
 * Return: ZX_OK if all bytes were copied; else an unspecified part was, and
 *
 * - ZX_ERR_OUT_OF_RANGE: the range does not lie within the VMO's size, or
 *   @buffer lies in a mapping past the end of what is mapped there
 * - ZX_ERR_BAD_STATE: the cache policy is not ZX_CACHE_POLICY_CACHED
 * - ZX_ERR_NOT_FOUND: nothing is mapped at @buffer; or @handle, or the VMO that
 *   @buffer lies in, has been discarded
 * - ZX_ERR_ACCESS_DENIED: also if @buffer is mapped without write permission
 */
zx_status_t zx_vmo_read(zx_handle_t handle, void *buffer, uint64_t offset, size_t buffer_size);

/**
 * zx_vmo_write() - copy to a VMO
 * @handle: a VMO; ZX_RIGHT_WRITE
 * @buffer: where from; may lie in a mapping of the same VMO
 * @offset: from the start of the VMO
 * @buffer_size: how many bytes; 0 is allowed up to and at the end of the VMO
 *
 * Allocates the pages that it touches. Neither size nor stream size change.
 *
 * Return: as zx_vmo_read(), where read permission for @buffer is what counts.
 */
zx_status_t zx_vmo_write(zx_handle_t handle, const void *buffer, uint64_t offset,
			 size_t buffer_size);

/**
 * zx_vmo_get_size() - size of a VMO
 * @handle: a VMO; no right is needed
 * @size: the size, a multiple of the page size
 *
 * Return: ZX_OK, or ZX_ERR_INVALID_ARGS: @size cannot be written
 */
zx_status_t zx_vmo_get_size(zx_handle_t handle, uint64_t *size);

/**
 * zx_vmo_set_size() - resize a VMO
 * @handle: a VMO; ZX_RIGHT_WRITE, and ZX_RIGHT_RESIZE if it is resizable
 * @size: the new size, rounded up to whole pages; the unrounded value becomes
 *	the stream size, and the bytes behind it are zeroed
 *
 * Shrinking frees the pages beyond; accesses to them through mappings raise
 * SIGBUS from then on. Growing adds zeros; mappings that already reach there
 * begin to work.
 *
 * Return: ZX_OK, or, with nothing changed,
 *
 * - ZX_ERR_OUT_OF_RANGE: beyond the largest size
 * - ZX_ERR_UNAVAILABLE: the VMO is not resizable
 */
zx_status_t zx_vmo_set_size(zx_handle_t handle, uint64_t size);

/**
 * zx_vmo_get_stream_size() - stream size of a VMO
 * @handle: a VMO; no right is needed
 * @size: the stream size: how many bytes of the VMO are content
 *
 * Return: ZX_OK, or ZX_ERR_INVALID_ARGS: @size cannot be written
 */
zx_status_t zx_vmo_get_stream_size(zx_handle_t handle, uint64_t *size);

/**
 * zx_vmo_set_stream_size() - change the stream size of a VMO
 * @handle: a VMO; ZX_RIGHT_WRITE
 * @size: the new stream size, at most the size of the VMO
 *
 * All bytes from the smaller of the old and the new stream size to the end of
 * the VMO become zero. The present value is accepted and changes nothing.
 *
 * Return: ZX_OK, or ZX_ERR_OUT_OF_RANGE: @size is beyond the VMO's size
 */
zx_status_t zx_vmo_set_stream_size(zx_handle_t handle, uint64_t size);

/**
 * zx_vmo_op_range() - act on a range of a VMO
 * @handle: a VMO; the right depends on @op
 * @op: one of
 *	ZX_VMO_OP_COMMIT (ZX_RIGHT_WRITE): give every page of the range memory;
 *	ZX_VMO_OP_DECOMMIT (ZX_RIGHT_WRITE): free the pages, which are zeros
 *	then; the range has to be page aligned;
 *	ZX_VMO_OP_ZERO (ZX_RIGHT_WRITE): make the bytes zero, free whole pages;
 *	ZX_VMO_OP_LOCK, _TRY_LOCK, _UNLOCK (ZX_RIGHT_READ or ZX_RIGHT_WRITE): on
 *	a discardable VMO, for the whole of it;
 *	ZX_VMO_OP_CACHE_SYNC, _CLEAN, _CLEAN_INVALIDATE (ZX_RIGHT_READ): clean
 *	the CPU's caches for the pages that are there;
 *	ZX_VMO_OP_DONT_NEED, _ALWAYS_NEED (no right): hints;
 *	ZX_VMO_OP_PREFETCH (ZX_RIGHT_READ): fetch the pages from their pager
 * @offset: start of the range
 * @size: length of the range
 * @buffer: ZX_VMO_OP_LOCK: a zx_vmo_lock_state_t to fill in; else ignored
 * @buffer_size: bytes at @buffer
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_INVALID_ARGS: unknown @op; DECOMMIT of an unaligned range; cache
 *   operation with @size 0; LOCK with a @buffer too small or not writable
 * - ZX_ERR_OUT_OF_RANGE: the range is not within the VMO (of ZERO, an unaligned
 *   head may have been zeroed already); for lock operations, not the whole VMO
 * - ZX_ERR_NOT_SUPPORTED: lock operation on a VMO that is not discardable;
 *   DECOMMIT of a VMO that shares pages with a parent or child;
 *   ZX_VMO_OP_CACHE_INVALIDATE
 * - ZX_ERR_BAD_STATE: UNLOCK of what is not locked; ZERO of a part of a page
 *   while the cache policy is not ZX_CACHE_POLICY_CACHED
 * - ZX_ERR_UNAVAILABLE: TRY_LOCK after the content was discarded
 * - ZX_ERR_NOT_FOUND: COMMIT after that
 */
zx_status_t zx_vmo_op_range(zx_handle_t handle, uint32_t op, uint64_t offset, uint64_t size,
			    void *buffer, size_t buffer_size);

/**
 * zx_vmo_create_child() - make a VMO from another: a snapshot or a view
 * @handle: the parent; ZX_RIGHT_DUPLICATE and ZX_RIGHT_READ, and ZX_RIGHT_RESIZE
 *	for a resizable reference
 * @options: one of
 *	ZX_VMO_CHILD_SNAPSHOT: the content as it is at this instant; from then
 *	on neither side sees what the other one writes. Pages are shared until
 *	one side writes to them.
 *	ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE, ZX_VMO_CHILD_SNAPSHOT_MODIFIED:
 *	here the same as SNAPSHOT;
 *	ZX_VMO_CHILD_SLICE: a window on part of the parent's content;
 *	ZX_VMO_CHILD_REFERENCE: another VMO with the same content and size;
 *	and, where suitable,
 *	ZX_VMO_CHILD_RESIZABLE: zx_vmo_set_size() works on the child;
 *	ZX_VMO_CHILD_NO_WRITE: the child's handle gets no ZX_RIGHT_WRITE
 * @offset: bytes from the start of the parent, whole pages; 0 for a reference
 * @size: bytes; the child gets this rounded up to whole pages, and exactly this
 *	as its stream size. 0 for a reference. A snapshot may go beyond the
 *	parent's end: what is there reads as zero for ever.
 * @out: handle to the child, with the rights of @handle without
 *	ZX_RIGHT_RESIZE, and ZX_RIGHT_GET_PROPERTY, ZX_RIGHT_SET_PROPERTY;
 *	ZX_RIGHT_RESIZE if RESIZABLE; with NO_WRITE not ZX_RIGHT_WRITE; other
 *	snapshots have ZX_RIGHT_WRITE and not ZX_RIGHT_EXECUTE
 *
 * A snapshot costs the same whatever the size and the number of snapshots
 * before; where the parent is mapped its PTEs are made read-only. The child has
 * the parent's name if @handle has ZX_RIGHT_GET_PROPERTY, and a koid of its own. It
 * counts among the parent's children, and keeps ZX_VMO_ZERO_CHILDREN away from it,
 * until its last handle and its last mapping are gone.
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_OUT_OF_RANGE: @size (checked before the handle) or the range is
 *   beyond the largest size
 * - ZX_ERR_INVALID_ARGS: no or several types, unknown options, NO_WRITE with
 *   RESIZABLE (checked before the handle), SLICE with RESIZABLE, @offset not
 *   whole pages, a slice not within the parent, a reference with @offset or
 *   @size, @out cannot be written
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED: @handle
 * - ZX_ERR_NOT_SUPPORTED: the parent is discardable; a slice of a resizable VMO;
 *   a snapshot or reference of a slice
 * - ZX_ERR_BAD_STATE: the parent's cache policy is not CACHED
 * - ZX_ERR_NO_MEMORY: no memory
 */
zx_status_t zx_vmo_create_child(zx_handle_t handle, uint32_t options, uint64_t offset,
				uint64_t size, zx_handle_t *out);

/**
 * zx_vmo_transfer_data() - move pages from one VMO to another
 * @dst_vmo: where to; ZX_RIGHT_WRITE
 * @options: has to be 0
 * @offset: bytes from the start of @dst_vmo, whole pages
 * @length: bytes, whole pages
 * @src_vmo: where from; ZX_RIGHT_READ and ZX_RIGHT_WRITE. May be @dst_vmo, and
 *	the ranges may overlap.
 * @src_offset: bytes from the start of @src_vmo, whole pages
 *
 * What was in the target range is replaced; the source range reads as zero
 * afterwards. Pages that the source has for itself alone are not copied. A call
 * that fails may have moved part of the range.
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_INVALID_ARGS: @options, or something is not whole pages (both checked
 *   before the handles)
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED: @dst_vmo, then
 *   @src_vmo
 * - ZX_ERR_OUT_OF_RANGE: the source range, or the target range, is not within
 *   its VMO
 * - ZX_ERR_NOT_FOUND: one of the two has been discarded
 * - ZX_ERR_NO_MEMORY: no memory
 */
zx_status_t zx_vmo_transfer_data(zx_handle_t dst_vmo, uint32_t options, uint64_t offset,
				 uint64_t length, zx_handle_t src_vmo, uint64_t src_offset);

/**
 * zx_vmo_set_cache_policy() - say how mappings of a VMO are to be cached
 * @handle: a VMO; ZX_RIGHT_MAP
 * @cache_policy: ZX_CACHE_POLICY_CACHED, _UNCACHED, _UNCACHED_DEVICE or
 *	_WRITE_COMBINING
 *
 * All memory of the VMO is then mapped that way, in the kernel as well where it can be
 * (x86), and what comes to it later, too, if the caller has CAP_SYS_RAWIO; else it stays
 * cached, and the policy is only what calls go by. While the policy is not CACHED zx_vmo_read()
 * and zx_vmo_write(), children and zx_vmo_transfer_data() are refused. Where pages are
 * absent, mappings show pages of zeros, which are cached. Each page that gets or loses
 * a policy has all processors flush translations: set it on memory that is committed.
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_INVALID_ARGS: no such policy (checked before the handle)
 * - ZX_ERR_BAD_STATE: the VMO is mapped, or Linux or a BTI has pinned pages; it is a
 *   child or has children, is a slice or reference whose parent is dead, shares pages with
 *   a VMO that once was a relative, or is discardable or has ZVM_VMO_HUGE_PAGES and
 *   @cache_policy is not CACHED
 * - ZX_ERR_NO_MEMORY: no memory to take the kernel's own mapping apart; the policy is
 *   CACHED now
 */
zx_status_t zx_vmo_set_cache_policy(zx_handle_t handle, uint32_t cache_policy);

/**
 * zx_cache_flush() - have memory of this process seen by others than its processors
 * @addr: where
 * @size: bytes
 * @options: ZX_CACHE_FLUSH_DATA: what was written reaches memory, with
 *	ZX_CACHE_FLUSH_INVALIDATE, too, and no cache has it any more;
 *	ZX_CACHE_FLUSH_INSN: it can be executed
 *
 * Return: ZX_OK, or ZX_ERR_INVALID_ARGS: another set of options
 */
zx_status_t zx_cache_flush(const void *addr, size_t size, uint32_t options);

/**
 * zx_vmo_replace_as_executable() - add ZX_RIGHT_EXECUTE to a VMO handle
 * @handle: a VMO; no right is needed. The value is dead afterwards, whatever
 *	the call returns.
 * @vmex: has to be ZX_HANDLE_INVALID. Zircon takes a resource here that permits
 *	this, or INVALID for processes whose job permits it; Linux has neither,
 *	and the policy of this library is to permit.
 * @out: the new handle, with the old one's rights and ZX_RIGHT_EXECUTE
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_BAD_HANDLE: @handle is not live, or not a VMO; @vmex is neither 0
 *   nor live
 * - ZX_ERR_WRONG_TYPE: @vmex is live, which can only be some other object
 * - ZX_ERR_INVALID_ARGS: @out cannot be written
 */
zx_status_t zx_vmo_replace_as_executable(zx_handle_t handle, zx_handle_t vmex, zx_handle_t *out);

/* ---- memory for devices ------------------------------------------------ */

/**
 * DOC: Memory for devices
 *
 * A BTI stands for a device, on whose behalf memory is pinned; a PMT for a pin. No
 * IOMMU is programmed: addresses are physical ones, and whoever uses them has to see
 * to it that the device gets at this memory and at no other.
 */

/**
 * zx_bti_create() - make a BTI
 * @iommu: has to be ZX_HANDLE_INVALID. Zircon takes an IOMMU here, of which there is
 *	none.
 * @options: has to be 0
 * @bti_id: any number
 * @out: the new handle, with ZX_DEFAULT_BTI_RIGHTS
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_INVALID_ARGS: @options, or @out cannot be written
 * - ZX_ERR_BAD_HANDLE: @iommu is neither 0 nor live
 * - ZX_ERR_WRONG_TYPE: @iommu is live, which can only be some other object
 */
zx_status_t zx_bti_create(zx_handle_t iommu, uint32_t options, uint64_t bti_id, zx_handle_t *out);

/**
 * zx_vmo_create_contiguous() - make a VMO whose pages are in a row in memory
 * @bti: a BTI; ZX_RIGHT_MAP
 * @size: whole pages, at least one
 * @alignment_log2: the memory's physical address is a multiple of 2 to this; 0: of
 *	the page size
 * @out: the new handle, with ZX_DEFAULT_VMO_RIGHTS
 *
 * All pages are there from the start, with zeros, and stay where they are: the VMO can
 * be neither resized, decommitted nor discarded, and the only children that it can have
 * are slices, whose pages are in a row as well. It has no stream size.
 *
 * Memory in a row is scarce. Everybody can get up to 8 pages, and an alignment to as
 * much; more only a process with CAP_SYS_RAWIO. What is beyond the largest blocks of
 * Linux's page allocator, 4 MiB on most machines, is there where the kernel has
 * CONFIG_CONTIG_ALLOC, and is not charged to the memory cgroup.
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_INVALID_ARGS: @size; or @alignment_log2 is not 0, but less than a page or
 *   more than 63 (both checked before the handle); @out cannot be written
 * - ZX_ERR_OUT_OF_RANGE: @size is beyond the largest size
 * - ZX_ERR_NO_MEMORY: also if there is no such memory in a row, or the caller has no
 *   CAP_SYS_RAWIO for as much
 */
zx_status_t zx_vmo_create_contiguous(zx_handle_t bti, size_t size, uint32_t alignment_log2,
				     zx_handle_t *out);

/**
 * zx_bti_pin() - keep pages of a VMO in place, and get their addresses
 * @handle: a BTI; ZX_RIGHT_MAP
 * @options: what the device is to do with it: at least one of
 *	ZX_BTI_PERM_READ, _EXECUTE: @vmo needs ZX_RIGHT_READ,
 *	ZX_BTI_PERM_WRITE: @vmo needs ZX_RIGHT_WRITE;
 *	and one of these at most:
 *	ZX_BTI_COMPRESS: an address for each minimum_contiguity of ZX_INFO_BTI,
 *	which is a page here;
 *	ZX_BTI_CONTIGUOUS: one address, that of the begin, of a contiguous VMO
 * @vmo: the VMO; ZX_RIGHT_MAP
 * @offset: bytes from the start of @vmo, whole pages
 * @size: bytes, whole pages, at least one
 * @addrs: for the physical addresses, which are told to processes with CAP_SYS_RAWIO
 *	only; NULL: none are wanted
 * @num_addrs: how many there are: as @options say; or 0 if @addrs is NULL
 * @pmt: handle of the pin, with ZX_DEFAULT_PMT_RIGHTS
 *
 * Pages that are not there yet are committed. Until the pin ends, by zx_pmt_unpin() or
 * with the last handle of the PMT, whoever closes it: decommitting these pages, cutting
 * them off, and transferring them from or to there is ZX_ERR_BAD_STATE; so are all
 * snapshots of the VMO, and setting its cache policy; zeroing fills them with zeros; a
 * discardable VMO is not discarded. Pins may overlap. The pages stay if all other
 * handles of the VMO are closed.
 *
 * Pinned pages count for RLIMIT_MEMLOCK, over all processes of the user, unless the
 * caller has CAP_IPC_LOCK.
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED: @handle, then @vmo
 * - ZX_ERR_ACCESS_DENIED: also if addresses are asked for without CAP_SYS_RAWIO
 * - ZX_ERR_INVALID_ARGS: @offset, @size, @options, @num_addrs, ZX_BTI_CONTIGUOUS for a
 *   VMO that is not contiguous; @addrs or @pmt cannot be written
 * - ZX_ERR_OUT_OF_RANGE: beyond the end of @vmo
 * - ZX_ERR_NOT_FOUND: @vmo has been discarded
 * - ZX_ERR_NO_MEMORY: also beyond RLIMIT_MEMLOCK
 */
zx_status_t zx_bti_pin(zx_handle_t handle, uint32_t options, zx_handle_t vmo, uint64_t offset,
		       uint64_t size, zx_paddr_t *addrs, size_t num_addrs, zx_handle_t *pmt);

/**
 * zx_bti_release_quarantine() - release the memory of pins that were not ended
 * @handle: a BTI; ZX_RIGHT_WRITE
 *
 * Zircon keeps the memory of a PMT that is closed without zx_pmt_unpin(). Here the pin
 * ends, so that there is never anything to release.
 *
 * Return: ZX_OK, or an error that any call can give.
 */
zx_status_t zx_bti_release_quarantine(zx_handle_t handle);

/**
 * zx_pmt_unpin() - end a pin
 * @handle: a PMT; no right is needed. The value is dead afterwards, whatever the call
 *	returns.
 *
 * The pin ends at once, whoever else has a descriptor of the handle.
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_BAD_STATE: it had ended before, by another descriptor of the handle
 */
zx_status_t zx_pmt_unpin(zx_handle_t handle);

/* ---- VMARs ------------------------------------------------------------- */

/**
 * DOC: Regions
 *
 * A VMAR is a region of the process's address space. It holds other regions and
 * mappings of VMOs. Arguments named offset count from the start of the region;
 * arguments named addr are absolute.
 *
 * A VMAR handle works only in the process to which the region belongs. A child
 * that inherited it over fork gets ZX_ERR_ACCESS_DENIED from all calls of this
 * section, and so does a process that received it, unless it was made with
 * zvm_vmar_lend() (see <zvm.h>).
 *
 * Once a region is destroyed all of these calls give ZX_ERR_BAD_STATE, after the
 * other checks of arguments.
 */

/**
 * zx_vmar_allocate() - make a region within a region
 * @parent_vmar: the outer region; ZX_RIGHT_READ for ZX_VM_CAN_MAP_READ,
 *	_WRITE for _CAN_MAP_WRITE, _EXECUTE for _CAN_MAP_EXECUTE
 * @options: any of
 *	ZX_VM_CAN_MAP_READ, _WRITE, _EXECUTE: what mappings in it may allow; not
 *	more than the outer region allows;
 *	ZX_VM_CAN_MAP_SPECIFIC: addresses within it may be chosen by the caller;
 *	ZX_VM_COMPACT: what is placed in it by the kernel is placed tightly;
 *	ZX_VM_SPECIFIC: put it exactly at @offset (the outer region has to have
 *	CAN_MAP_SPECIFIC);
 *	ZX_VM_OFFSET_IS_UPPER_LIMIT: put it so that it ends at or below @offset
 *	(likewise); not with SPECIFIC;
 *	ZX_VM_ALIGN_...: alignment of its address
 * @offset: see @options; without them 0, and the kernel chooses
 * @size: page aligned, not 0
 * @child_vmar: handle of the new region, with ZX_DEFAULT_VMAR_RIGHTS and READ,
 *	WRITE, EXECUTE as the CAN_MAP_... options say
 * @child_addr: its absolute address
 *
 * The range is reserved until the region is destroyed or unmapped; closing its
 * handle does not free it.
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_INVALID_ARGS: other options; @size 0, unaligned or larger than the
 *   outer region; @offset unaligned, out of bounds or not 0 without an option
 *   that uses it; SPECIFIC at a misaligned address; out pointers not writable
 * - ZX_ERR_ACCESS_DENIED: also CAN_MAP_... or a chosen place that the outer
 *   region does not allow
 * - ZX_ERR_ALREADY_EXISTS: SPECIFIC where something is already
 * - ZX_ERR_NO_RESOURCES: no gap is large enough
 * - ZX_ERR_BAD_STATE: the outer region is destroyed
 */
zx_status_t zx_vmar_allocate(zx_handle_t parent_vmar, zx_vm_option_t options, size_t offset,
			     size_t size, zx_handle_t *child_vmar, zx_vaddr_t *child_addr);

/**
 * zx_vmar_map() - map a range of a VMO into a region
 * @handle: the region
 * @options: any of
 *	ZX_VM_PERM_READ, _WRITE, _EXECUTE: permissions; @handle, @vmo and the
 *	region have to allow each. WRITE and EXECUTE need READ. None at all
 *	reserves the range;
 *	ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED: the same as PERM_READ here;
 *	ZX_VM_SPECIFIC: exactly at @vmar_offset (the region has to have
 *	CAN_MAP_SPECIFIC);
 *	ZX_VM_SPECIFIC_OVERWRITE: likewise, replacing in one step whatever
 *	mappings are there;
 *	ZX_VM_OFFSET_IS_UPPER_LIMIT: to end at or below @vmar_offset;
 *	ZX_VM_MAP_RANGE: enter the pages that exist into the page tables now; not
 *	with SPECIFIC_OVERWRITE;
 *	ZX_VM_REQUIRE_NON_RESIZABLE: refuse a resizable VMO;
 *	ZX_VM_ALLOW_FAULTS: the caller knows that accesses may fault; required
 *	for discardable VMOs and with the next option;
 *	ZX_VM_FAULT_BEYOND_STREAM_SIZE: pages past the stream size fault;
 *	ZX_VM_ALIGN_...: alignment of the address
 * @vmar_offset: see @options; without them 0, and the kernel chooses
 * @vmo: the VMO; ZX_RIGHT_MAP, and READ, WRITE, EXECUTE as @options say
 * @vmo_offset: page aligned start within the VMO
 * @len: rounded up to whole pages, not 0; may reach past the end of the VMO
 * @mapped_addr: absolute address of the mapping
 *
 * The mapping keeps the VMO alive. The rights of both handles also set the most
 * that zx_vmar_protect() can give later. An access past the end of the VMO
 * raises SIGBUS, an access against the permissions SIGSEGV.
 *
 * The first mapping with PERM_EXECUTE needs permission from Linux as well, such
 * as SELinux's.
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE: of @handle, then of @vmo
 * - ZX_ERR_ACCESS_DENIED: a right or the region does not allow a permission;
 *   @vmo lacks ZX_RIGHT_MAP; a chosen place in a region without CAN_MAP_SPECIFIC
 * - ZX_ERR_INVALID_ARGS: other options or combinations; @vmo_offset unaligned;
 *   @len 0 or larger than the region; @vmar_offset unaligned, out of bounds or
 *   not 0 without an option that uses it; SPECIFIC at a misaligned address;
 *   OVERWRITE of a range that touches a region; @mapped_addr not writable
 * - ZX_ERR_NOT_SUPPORTED: REQUIRE_NON_RESIZABLE and a resizable VMO; a
 *   discardable VMO without ALLOW_FAULTS; PERM_EXECUTE through a handle made by
 *   zvm_vmar_lend()
 * - ZX_ERR_OUT_OF_RANGE: @vmo_offset and @len overflow
 * - ZX_ERR_ALREADY_EXISTS: SPECIFIC where something is already
 * - ZX_ERR_NO_RESOURCES: no gap is large enough
 * - ZX_ERR_BAD_STATE: the region is destroyed
 */
zx_status_t zx_vmar_map(zx_handle_t handle, zx_vm_option_t options, size_t vmar_offset,
			zx_handle_t vmo, uint64_t vmo_offset, size_t len,
			zx_vaddr_t *mapped_addr);

/**
 * zx_vmar_unmap() - remove mappings and regions from a range
 * @handle: the region; no right is needed, but ZX_RIGHT_OP_CHILDREN where the
 *	range covers a region
 * @addr: absolute, page aligned
 * @len: rounded up to whole pages, not 0
 *
 * Mappings that the range covers in part are cut. Regions that it covers wholly
 * are destroyed. An empty range is fine.
 *
 * Return: ZX_OK, or, with nothing changed,
 *
 * - ZX_ERR_INVALID_ARGS: @addr unaligned; @len 0; not within the region; a
 *   region is covered in part, or covered and OP_CHILDREN is missing
 * - ZX_ERR_BAD_STATE: the region is destroyed
 */
zx_status_t zx_vmar_unmap(zx_handle_t handle, zx_vaddr_t addr, size_t len);

/**
 * zx_vmar_protect() - set the permissions of mapped pages
 * @handle: the region; ZX_RIGHT_READ, _WRITE, _EXECUTE as @options say
 * @options: ZX_VM_PERM_...; WRITE and EXECUTE need READ; 0 removes all access
 * @addr: absolute, page aligned
 * @len: rounded up to whole pages, not 0
 *
 * Works across mappings and on parts of them, also on those of regions within
 * this one (ZX_RIGHT_OP_CHILDREN), where permissions can be taken but not given.
 *
 * Return: ZX_OK, or, with nothing changed (except for NO_MEMORY),
 *
 * - ZX_ERR_ACCESS_DENIED: also more than what the mapping was made with allows,
 *   or more than a mapping of an inner region has now
 * - ZX_ERR_INVALID_ARGS: other options or combinations; @addr unaligned; @len 0;
 *   not within the region; mappings of an inner region and no OP_CHILDREN
 * - ZX_ERR_NOT_FOUND: part of the range is not mapped
 * - ZX_ERR_NOT_SUPPORTED: PERM_EXECUTE through a handle made by zvm_vmar_lend()
 * - ZX_ERR_BAD_STATE: the region is destroyed
 */
zx_status_t zx_vmar_protect(zx_handle_t handle, zx_vm_option_t options, zx_vaddr_t addr,
			    size_t len);

/**
 * zx_vmar_destroy() - destroy a region and all that is in it
 * @handle: the region; ZX_RIGHT_OP_CHILDREN
 *
 * Its range in the outer region is free at once. Handles to it stay open.
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_NOT_SUPPORTED: it is the root region
 * - ZX_ERR_BAD_STATE: it is destroyed already
 */
zx_status_t zx_vmar_destroy(zx_handle_t handle);

/**
 * zx_vmar_op_range() - act on the VMOs mapped in a range
 * @handle: the region; no right is needed, but ZX_RIGHT_OP_CHILDREN for mappings
 *	of regions within it
 * @op: one of
 *	ZX_VMAR_OP_COMMIT, _DECOMMIT, _ZERO, _DONT_NEED, _ALWAYS_NEED, _PREFETCH:
 *	as zx_vmo_op_range() for the part of the VMO that is mapped there;
 *	COMMIT, ALWAYS_NEED and PREFETCH then enter the pages into the page tables;
 *	ZX_VMAR_OP_MAP_RANGE: enter the pages that exist into the page tables
 * @addr: absolute, page aligned
 * @len: rounded up to whole pages, not 0
 * @buffer: has to be NULL
 * @buffer_size: has to be 0
 *
 * Goes from mapping to mapping; those before the one that fails are done.
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_INVALID_ARGS: unknown @op; @buffer or @buffer_size not 0; @addr
 *   unaligned; @len 0; COMMIT, DECOMMIT or PREFETCH of mappings of an inner
 *   region, or another @op there and no OP_CHILDREN
 * - ZX_ERR_OUT_OF_RANGE: not within the region; past the end of a VMO (not for
 *   MAP_RANGE)
 * - ZX_ERR_BAD_STATE: part of the range is not mapped; the region is destroyed
 * - ZX_ERR_ACCESS_DENIED: COMMIT, DECOMMIT or ZERO of a mapping that can never be
 *   written; PREFETCH of one that can never be read
 * - what the operation on the VMO gives
 */
zx_status_t zx_vmar_op_range(zx_handle_t handle, uint32_t op, zx_vaddr_t addr, size_t len,
			     void *buffer, size_t buffer_size);

/**
 * zx_process_read_memory() - read memory by its address in an address space
 * @handle: the root region, which stands for its process; ZX_RIGHT_READ
 * @vaddr: absolute address
 * @buffer: where to
 * @buffer_size: bytes, at most 64 MiB
 * @actual: how many have been read
 *
 * Reads the VMOs that are mapped there, and stops where nothing is: @actual may then
 * be less than @buffer_size. What the mappings permit now does not matter, but what they
 * may ever. Only memory mapped in regions can be read so, not the process's other memory.
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED: as always;
 *   WRONG_TYPE also if @handle is a region that is not the root
 * - ZX_ERR_INVALID_ARGS: @buffer or @actual cannot be written, @buffer_size is 0 or too
 *   large
 * - ZX_ERR_NOT_FOUND: nothing is mapped at @vaddr
 * - ZX_ERR_OUT_OF_RANGE: what is mapped there is beyond the end of its VMO
 * - ZX_ERR_ACCESS_DENIED: also if that was mapped without ZX_RIGHT_READ
 * - ZX_ERR_BAD_STATE: the process has ended, or the VMO is not cached
 */
zx_status_t zx_process_read_memory(zx_handle_t handle, zx_vaddr_t vaddr, void *buffer,
				   size_t buffer_size, size_t *actual);

/**
 * zx_process_write_memory() - write memory by its address in an address space
 * @handle: the root region, which stands for its process; ZX_RIGHT_WRITE
 * @vaddr: absolute address
 * @buffer: where from
 * @buffer_size: bytes, at most 64 MiB
 * @actual: how many have been written
 *
 * As zx_process_read_memory(); memory that was mapped without ZX_RIGHT_WRITE to the VMO or
 * the region cannot be written (ZX_ERR_ACCESS_DENIED).
 */
zx_status_t zx_process_write_memory(zx_handle_t handle, zx_vaddr_t vaddr, const void *buffer,
				    size_t buffer_size, size_t *actual);

/**
 * zx_vmar_unmap_handle_close_thread_exit() - last act of a thread
 * @vmar_handle: the region
 * @addr: absolute address of what to unmap; may hold the caller's own stack
 * @size: its length
 * @close_handle: a handle to close; ZX_HANDLE_INVALID closes nothing
 *
 * Does zx_vmar_unmap(). If that fails its status is returned and nothing else
 * happens. Otherwise closes @close_handle (if that is not a live handle the
 * thread executes a trap instruction) and ends this thread only, as the exit
 * system call of Linux does. The C library does not learn of it: use this for
 * threads of clone(2), not for those of pthread_create(3).
 *
 * Return: zx_vmar_unmap()'s status if it failed; else does not return.
 */
zx_status_t zx_vmar_unmap_handle_close_thread_exit(zx_handle_t vmar_handle, zx_vaddr_t addr,
						   size_t size, zx_handle_t close_handle);

/* ---- handles ----------------------------------------------------------- */

/**
 * zx_handle_close() - close a handle
 * @handle: any handle, no right is needed; ZX_HANDLE_INVALID is accepted
 *
 * Return: ZX_OK, or ZX_ERR_BAD_HANDLE
 */
zx_status_t zx_handle_close(zx_handle_t handle);

/**
 * zx_handle_close_many() - close several handles
 * @handles: array of handles; values of 0 are skipped
 * @num_handles: how many
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_BAD_HANDLE: a value was not a live handle, or named twice; all others
 *   are closed
 * - ZX_ERR_INVALID_ARGS: the array cannot be read; the handles of the parts of
 *   ZX_CHANNEL_MAX_MSG_HANDLES before that are closed
 */
zx_status_t zx_handle_close_many(const zx_handle_t *handles, size_t num_handles);

/**
 * zx_handle_duplicate() - make a second handle to an object
 * @handle: any handle; ZX_RIGHT_DUPLICATE
 * @rights: rights of the new handle, at most those of the old one, or
 *	ZX_RIGHT_SAME_RIGHTS alone
 * @out: the new handle
 *
 * Return: ZX_OK, or ZX_ERR_INVALID_ARGS: more rights than @handle has, or @out
 * cannot be written
 */
zx_status_t zx_handle_duplicate(zx_handle_t handle, zx_rights_t rights, zx_handle_t *out);

/**
 * zx_handle_replace() - exchange a handle for one with other rights
 * @handle: any handle, no right is needed. The value is dead afterwards if the
 *	call succeeds or returns ZX_ERR_INVALID_ARGS.
 * @rights: as for zx_handle_duplicate()
 * @out: the new handle
 *
 * On Linux the old handle dies also for other processes that inherited it over
 * fork.
 *
 * Return: ZX_OK, or ZX_ERR_INVALID_ARGS: more rights than @handle has, or @out
 * cannot be written
 */
zx_status_t zx_handle_replace(zx_handle_t handle, zx_rights_t rights, zx_handle_t *out);

/**
 * zx_handle_check_valid() - ask whether a value is a live handle
 * @handle: any value
 *
 * Return: ZX_OK if it is, or
 *
 * - ZX_ERR_INVALID_ARGS: it is ZX_HANDLE_INVALID
 * - ZX_ERR_OUT_OF_RANGE: no handle can have this value
 * - ZX_ERR_NOT_FOUND: it is not live
 */
zx_status_t zx_handle_check_valid(zx_handle_t handle);

/* ---- objects ----------------------------------------------------------- */

/**
 * zx_object_signal() - change the user signals of an object
 * @handle: a VMO; ZX_RIGHT_SIGNAL
 * @clear_mask: ZX_USER_SIGNAL_... bits to clear
 * @set_mask: ZX_USER_SIGNAL_... bits to set after that
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_ACCESS_DENIED: @handle
 * - ZX_ERR_INVALID_ARGS: other bits than those of ZX_USER_SIGNAL_ALL
 */
zx_status_t zx_object_signal(zx_handle_t handle, uint32_t clear_mask, uint32_t set_mask);

/**
 * zx_object_wait_one() - wait for signals of an object
 * @handle: a VMO; ZX_RIGHT_WAIT
 * @signals: the wait ends when one of them is, or becomes, asserted; 0: with the
 *	deadline only
 * @deadline: nanoseconds on the clock of zx_clock_get_monotonic();
 *	ZX_TIME_INFINITE: none; one that has passed: just look
 * @observed: all signals that are asserted at the end of the wait (at the match,
 *	if there is one), or NULL
 *
 * Linux programs can have the same by poll(2) and epoll of zvm_handle_to_fd():
 * POLLPRI stands for ZX_VMO_ZERO_CHILDREN, POLLMSG for any of the user signals, with
 * the same right.
 * A signal handler that runs meanwhile does not end the wait.
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_ACCESS_DENIED: @handle
 * - ZX_ERR_INVALID_ARGS: @observed cannot be written
 * - ZX_ERR_TIMED_OUT: the deadline has passed; @observed is written
 * - ZX_ERR_CANCELED: the handle was closed meanwhile; @observed is written and
 *   contains ZX_SIGNAL_HANDLE_CLOSED
 */
zx_status_t zx_object_wait_one(zx_handle_t handle, zx_signals_t signals, zx_time_t deadline,
			       zx_signals_t *observed);

/**
 * zx_object_wait_many() - wait for signals of several objects
 * @items: handles with ZX_RIGHT_WAIT, what to wait for, and out: what is asserted
 *	at the end of the wait
 * @num_items: at most ZX_WAIT_MANY_MAX_ITEMS; 0: sleep until the deadline
 * @deadline: as in zx_object_wait_one()
 *
 * Return: ZX_OK: at least one has matched, or
 *
 * - ZX_ERR_OUT_OF_RANGE: too many items
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_ACCESS_DENIED: one of the handles, in order
 * - ZX_ERR_INVALID_ARGS: @items cannot be read or written
 * - ZX_ERR_TIMED_OUT: the deadline has passed
 * - ZX_ERR_CANCELED: one of the handles was closed meanwhile
 */
zx_status_t zx_object_wait_many(zx_wait_item_t *items, size_t num_items, zx_time_t deadline);

/**
 * zx_object_get_info() - ask about an object
 * @handle: a handle; type and right depend on @topic
 * @topic: ZX_INFO_HANDLE_VALID (any object, no record, @buffer and the rest are
 *	ignored), ZX_INFO_HANDLE_BASIC (any), ZX_INFO_HANDLE_COUNT (any; INSPECT),
 *	ZX_INFO_VMO and its older versions (a VMO), ZX_INFO_VMAR (a VMAR; INSPECT),
 *	ZX_INFO_VMAR_MAPS (a VMAR; INSPECT; many records), ZX_INFO_PROCESS_MAPS and
 *	ZX_INFO_PROCESS_VMOS with its older versions (a root VMAR, for its process;
 *	INSPECT; many records); see
 *	<zircon/syscalls/object.h>
 * @buffer: where the records go; may be NULL if @buffer_size is 0
 * @buffer_size: bytes at @buffer
 * @actual: number of records copied, or NULL
 * @avail: number of records there are, or NULL
 *
 * A topic with many records copies those that fit, which is no error.
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_NOT_SUPPORTED: unknown @topic (checked before the handle)
 * - ZX_ERR_BUFFER_TOO_SMALL: smaller than the only record; @actual is 0
 * - ZX_ERR_INVALID_ARGS: @buffer, @actual or @avail cannot be written
 * - ZX_ERR_BAD_STATE: VMAR_MAPS of a destroyed region
 */
zx_status_t zx_object_get_info(zx_handle_t handle, uint32_t topic, void *buffer,
			       size_t buffer_size, size_t *actual, size_t *avail);

/**
 * zx_object_get_property() - read a property of an object
 * @handle: a handle; ZX_RIGHT_GET_PROPERTY
 * @property: ZX_PROP_NAME (a VMO; ZX_MAX_NAME_LEN bytes) or
 *	ZX_PROP_VMO_CONTENT_SIZE (a VMO; uint64_t)
 * @value: where to put it
 * @value_size: bytes at @value
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_INVALID_ARGS: @value is NULL (checked before the handle) or cannot be
 *   written
 * - ZX_ERR_NOT_SUPPORTED: unknown @property
 * - ZX_ERR_BUFFER_TOO_SMALL: @value_size is less than said above
 * - ZX_ERR_WRONG_TYPE: the object has no such property
 */
zx_status_t zx_object_get_property(zx_handle_t handle, uint32_t property, void *value,
				   size_t value_size);

/**
 * zx_object_set_property() - change a property of an object
 * @handle: a handle; ZX_RIGHT_SET_PROPERTY, and ZX_RIGHT_WRITE for
 *	VMO_CONTENT_SIZE
 * @property: as for zx_object_get_property()
 * @value: the value. A name ends at the first NUL; it may be shorter than
 *	ZX_MAX_NAME_LEN, and is cut after ZX_MAX_NAME_LEN - 1 bytes.
 * @value_size: bytes at @value
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_INVALID_ARGS: @value is NULL (checked before the handle) or cannot be
 *   read
 * - ZX_ERR_NOT_SUPPORTED: unknown @property
 * - ZX_ERR_BUFFER_TOO_SMALL: VMO_CONTENT_SIZE needs 8 bytes
 * - ZX_ERR_WRONG_TYPE: the object has no such property
 * - VMO_CONTENT_SIZE: as zx_vmo_set_stream_size()
 */
zx_status_t zx_object_set_property(zx_handle_t handle, uint32_t property, const void *value,
				   size_t value_size);

/* ---- system ------------------------------------------------------------ */

/**
 * zx_system_get_page_size() - size of a page
 *
 * Return: bytes; what all VM calls round to.
 */
uint32_t zx_system_get_page_size(void);

/**
 * zx_clock_get_monotonic() - the present instant
 *
 * Return: CLOCK_MONOTONIC in nanoseconds.
 */
zx_instant_mono_t zx_clock_get_monotonic(void);

/**
 * zx_deadline_after() - an instant from now
 * @nanoseconds: how far off; may be negative
 *
 * Return: zx_clock_get_monotonic() plus @nanoseconds, ZX_TIME_INFINITE or
 * ZX_TIME_INFINITE_PAST if that does not fit.
 */
zx_instant_mono_t zx_deadline_after(zx_duration_mono_t nanoseconds);

__END_CDECLS

#endif /* ZIRCON_SYSCALLS_H_ */
