/* SPDX-License-Identifier: MIT OR GPL-2.0 */
#ifndef ZVM_H_
#define ZVM_H_

#include <stdio.h>
#include <zircon/compiler.h>
#include <zircon/types.h>
#include <zircon-vm.h>

__BEGIN_CDECLS

/**
 * DOC: Between Zircon and Linux
 *
 * What a program on Linux needs besides Zircon's own calls. A handle is an open
 * file; here one gets at the file, hands it to other processes and looks at the
 * whole.
 */

/**
 * zvm_handle_to_fd() - the file descriptor behind a handle
 * @h: any handle
 *
 * The descriptor stays the handle's: do not close it. It is good for fstat(2),
 * poll(2), /proc/self/fdinfo and, if it is a VMO's, for read(2), write(2),
 * pread(2), pwrite(2), lseek(2), ftruncate(2) and mmap(2), as far as the
 * handle's rights allow. It is close-on-exec; clear that (fcntl(2)) to let a
 * program started by execve(2) use the handle, which gets a value there by
 * zvm_handle_from_fd().
 *
 * Return: the descriptor, or -1 if @h is not live.
 */
int zvm_handle_to_fd(zx_handle_t h);

/**
 * zvm_handle_from_fd() - make a file descriptor a handle
 * @fd: a descriptor of a VMO or VMAR handle: inherited, received, or made with
 *	dup(2)
 * @out: the handle; its rights are those of the descriptor
 *
 * On success the descriptor belongs to the handle, which zx_handle_close()
 * closes; the caller must not use or close it any more. On failure it is
 * untouched.
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_BAD_HANDLE: not open, or dead since the handle was replaced
 * - ZX_ERR_WRONG_TYPE: some other kind of file
 * - ZX_ERR_NO_RESOURCES: the number is too large for a handle
 * - ZX_ERR_INVALID_ARGS: @out cannot be written
 */
zx_status_t zvm_handle_from_fd(int fd, zx_handle_t *out);

/**
 * DOC: Huge pages
 *
 * ZVM_VMO_HUGE_PAGES is an option of zx_vmo_create() that Zircon has not got. Such a
 * VMO, and its snapshots, slices and references, get memory in folios of 2 MiB where
 * an aligned range of 2 MiB lies in the VMO and has no page yet: the first write
 * there, or ZX_VMO_OP_COMMIT, commits all of it. Where there is no such memory, or a
 * limit forbids it, single pages come instead, and stay.
 *
 * Where such a range lies in one mapping with one permission, not for execution, at
 * an address that is aligned as it is, one page table entry maps it. zx_vmar_map()
 * chooses such an address if @vmo_offset is a multiple of 2 MiB and no alignment is
 * asked for. ZX_VM_MAP_RANGE and the like map what is there without a fault. To read
 * what was never written costs a page table of small entries, which stays.
 *
 * It is for large memory that is used as a whole:
 *
 * - Who first writes to a folio that a snapshot shares copies all 2 MiB of it.
 * - Giving back a part of a folio (decommit, zero, a smaller size, a slice that
 *   outlives its parent), sending it with zx_vmo_transfer_data(), or a snapshot that
 *   begins or ends within one, copies the rest to single pages.
 * - While somebody else uses memory of a folio (a pipe, a direct I/O), or where there
 *   is no memory for such copies, a part is not given back, but filled with zeros; it
 *   goes with the rest. What such a transfer still writes is then seen there.
 * - If memory of a folio fails, only that page is lost; but while the folio is shared
 *   nobody can write to any of it, and none of its memory is ever used again.
 *
 * On Linux 6.12 folios are mapped by small entries only: there no module can do it
 * otherwise. On 6.1 what is mapped by huge ones is not in RssFile of
 * /proc/PID/status; smaps and memory cgroups count it.
 */

/**
 * zvm_vmar_lend() - make a VMAR handle that works in other processes
 * @vmar: a region of the calling process; ZX_RIGHT_DUPLICATE
 * @rights: as for zx_handle_duplicate()
 * @out: the new handle
 *
 * A VMAR handle otherwise works only in the process whose region it is. Whoever
 * gets this one, or a copy of it, can map into, unmap from and protect that
 * region, within @rights; handles to regions made through it are of the same
 * kind. Executable mappings remain the owner's affair.
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED: as always
 * - ZX_ERR_ACCESS_DENIED: also if the region is another process's and @vmar was
 *   not lent
 * - ZX_ERR_INVALID_ARGS: more rights than @vmar has, or @out cannot be written
 */
zx_status_t zvm_vmar_lend(zx_handle_t vmar, zx_rights_t rights, zx_handle_t *out);

/**
 * zvm_aspace_create() - make an address space that belongs to no process yet
 * @kind: ZVM_ASPACE_USER: addresses of the process that adopts it; ZVM_ASPACE_GUEST_PHYS:
 *	those of a virtual machine, which appear somewhere in that process
 * @base: its first address, a multiple of 1 GiB, 0 for GUEST_PHYS only
 * @size: bytes, a multiple of 1 GiB, not 0
 * @root: handle of its root region, with all rights
 *
 * It can be filled with regions and mappings, and read and written by
 * zx_process_read_memory() and zx_process_write_memory(). A process takes it by
 * zvm_aspace_adopt(). It ends when the last handle of the root region is closed without
 * that having happened. Each of its handles works in whatever process holds it, as if made
 * by zvm_vmar_lend(), before and after it is adopted.
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_INVALID_ARGS: @base, @size or @kind is not as said above, or @root cannot be
 *   written
 * - ZX_ERR_OUT_OF_RANGE: nobody has such addresses
 * - ZX_ERR_NO_MEMORY, ZX_ERR_UNAVAILABLE: see zx_vmo_create()
 */
zx_status_t zvm_aspace_create(uint32_t kind, zx_vaddr_t base, size_t size, zx_handle_t *root);

/**
 * zvm_aspace_adopt() - make an address space that of the calling process
 * @root: its root region; ZX_RIGHT_READ, ZX_RIGHT_WRITE, ZX_RIGHT_EXECUTE,
 *	ZX_RIGHT_OP_CHILDREN
 * @addr: where it begins in the process
 *
 * What is mapped can be accessed from then on. Of ZVM_ASPACE_USER there can be one, to
 * whose root region zx_vmar_root_self() gives a handle that is this process's own. If it
 * fails nothing has changed.
 *
 * One of ZVM_ASPACE_GUEST_PHYS is for KVM: what is at @addr + x is to be the memory at x of a
 * machine whose addresses begin at 0 (KVM_SET_USER_MEMORY_REGION).
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED: as always
 * - ZX_ERR_INVALID_ARGS: @root is not a root region, or @addr cannot be written
 * - ZX_ERR_ALREADY_BOUND: it has, or had, a process
 * - ZX_ERR_BAD_STATE: the process has used zx_vmar_root_self() or adopted another one
 * - ZX_ERR_ALREADY_EXISTS: something else is at its addresses
 * - ZX_ERR_NO_MEMORY: also if RLIMIT_AS does not allow it
 */
zx_status_t zvm_aspace_adopt(zx_handle_t root, zx_vaddr_t *addr);

/**
 * zvm_handle_send() - move a handle to another process
 * @sock: a connected Unix socket, of any type, blocking or not
 * @h: any handle; ZX_RIGHT_TRANSFER. Closed if the call succeeds, else
 *	untouched.
 *
 * The message is one byte that carries the descriptor (SCM_RIGHTS). No SIGPIPE
 * is raised.
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_BAD_HANDLE: @h is not live
 * - ZX_ERR_ACCESS_DENIED: @h lacks ZX_RIGHT_TRANSFER
 * - ZX_ERR_SHOULD_WAIT: a non-blocking socket is full
 * - ZX_ERR_PEER_CLOSED: the other end is gone
 * - ZX_ERR_NOT_CONNECTED: the socket is not connected
 * - ZX_ERR_NO_RESOURCES: too many descriptors are under way
 * - ZX_ERR_INVALID_ARGS: @sock is not a Unix socket
 */
zx_status_t zvm_handle_send(int sock, zx_handle_t h);

/**
 * zvm_handle_recv() - receive a handle
 * @sock: a connected Unix socket, of any type, blocking or not
 * @out: the handle, with the rights it had in the sender
 *
 * Takes one message of zvm_handle_send(). A message that carries something else
 * is consumed, and what it carries is closed.
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_SHOULD_WAIT: a non-blocking socket has nothing
 * - ZX_ERR_PEER_CLOSED: the other end is gone
 * - ZX_ERR_NOT_CONNECTED: the socket is not connected
 * - ZX_ERR_NO_RESOURCES: no file descriptor is left; the handle is lost
 * - ZX_ERR_WRONG_TYPE: the message carried no handle
 * - ZX_ERR_BAD_HANDLE: the handle was replaced under way
 * - ZX_ERR_INVALID_ARGS: @sock is not a socket, or @out cannot be written, in
 *   which case the handle is lost
 */
zx_status_t zvm_handle_recv(int sock, zx_handle_t *out);

/**
 * zvm_vmar_print() - print the tree of a region
 * @f: where to
 * @vmar: the region; ZX_RIGHT_INSPECT. It may be another process's.
 *
 * One line for each region and mapping, indented by depth: addresses, size,
 * permissions, what is mapped.
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED: as always
 * - ZX_ERR_BAD_STATE: the region is destroyed
 * - ZX_ERR_NO_MEMORY
 * - ZX_ERR_IO: @f reports an error
 */
zx_status_t zvm_vmar_print(FILE *f, zx_handle_t vmar);

/**
 * zvm_vmo_committed() - how much memory part of a VMO has
 * @vmo: the VMO; no right is needed
 * @offset: from its start
 * @size: how many bytes; what counts are the pages that the range touches
 * @bytes: bytes of memory, pages shared with other VMOs in full; a slice or
 *	reference tells of what it shows
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE: as always
 * - ZX_ERR_OUT_OF_RANGE: the range is not within the VMO's size
 * - ZX_ERR_INVALID_ARGS: @bytes cannot be written
 */
zx_status_t zvm_vmo_committed(zx_handle_t vmo, uint64_t offset, uint64_t size, uint64_t *bytes);

/**
 * zvm_stats() - counts of the whole machine
 * @out: filled in; see struct zvm_stats in <zircon-vm.h>. The library sets
 *	@size itself.
 *
 * Return: ZX_OK, or
 *
 * - ZX_ERR_UNAVAILABLE: see zx_vmo_create()
 * - ZX_ERR_INVALID_ARGS: @out cannot be written
 */
zx_status_t zvm_stats(struct zvm_stats *out);

__END_CDECLS

#endif /* ZVM_H_ */
