/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
#ifndef _UAPI_ZIRCON_VM_H
#define _UAPI_ZIRCON_VM_H

#include <linux/ioctl.h>
#include <linux/types.h>
#ifdef __KERNEL__
#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/errno.h>
#else
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#endif

/**
 * DOC: Overview
 *
 * /dev/zircon-vm creates kernel objects known from Zircon: VMOs (containers of
 * pages), VMARs (regions of an address space), and, for drivers in user space,
 * BTIs and PMTs (which keep pages in place). The user holds them by *handles*. A
 * handle is an open file: it refers to one object and carries a fixed set of
 * rights. close(2) drops it, SCM_RIGHTS hands it to another process, dup(2) gives
 * a second descriptor of the same handle.
 *
 * The semantics of every command, its checks and their order are those of the
 * Zircon system call of the same name. The kernel answers with errno values;
 * ZVM_ERRNO_TABLE() turns them into Zircon's status codes and back.
 */

/**
 * DOC: Commands
 *
 * Commands that create something from nothing go to a descriptor of
 * /dev/zircon-vm, all others to the descriptor of the handle they act on.
 *
 * Every command takes a pointer to its own struct. The first member is the
 * size of that struct in bytes as the caller knows it: an older, shorter
 * struct is extended with zeros, a newer, longer one is accepted if it is no
 * longer than a page and what the kernel does not know is zero (E2BIG
 * otherwise). Reserved members have to be zero (EOPNOTSUPP otherwise).
 *
 * The second member, @tag, protects against descriptors that were closed and
 * reused: if it is not 0 it has to be the tag of the handle behind the
 * descriptor, else the command fails with EBADF.
 *
 * Members called out_... are addresses of user memory to which a result is
 * written; if that fails the command fails with EFAULT and its effect is
 * undone. A command that fails may have written to some of them.
 *
 * Errors that any command can give:
 *
 * - EBADF: not an open descriptor, or not a handle, or the wrong @tag
 * - EMEDIUMTYPE: the descriptor is a handle of another type of object
 * - EACCES: the handle lacks a right
 * - EFAULT: the struct itself, or memory that it points to, is not accessible
 * - E2BIG, EINVAL, EOPNOTSUPP: the struct is malformed, as said above
 * - ENOTTY: no such command
 * - ENOMEM: out of memory, of a memory cgroup or of the per-user page limit
 */

/* The type letter of all commands. */
#define ZVM_IOC_TYPE 0xBE

/* What ZVM_HANDSHAKE returns: raised by incompatible changes only. */
#define ZVM_VERSION 1

/**
 * DOC: Handle values
 *
 * Where a command returns a handle, or takes a second one, it is a 32-bit
 * value: two bits that are always set, 20 bits of file descriptor and 10 bits
 * of tag. A value whose tag is 0 is taken without checking the tag.
 */
#define ZVM_HANDLE_FIXED_BITS	0x3u
#define ZVM_HANDLE_FD_SHIFT	2
#define ZVM_HANDLE_FD_MASK	0xfffffu
#define ZVM_HANDLE_TAG_SHIFT	22
#define ZVM_HANDLE_TAG_MASK	0x3ffu

#define ZVM_HANDLE_VALUE(fd, tag)				\
	(((__u32)(tag) << ZVM_HANDLE_TAG_SHIFT) |		\
	 ((__u32)(fd) << ZVM_HANDLE_FD_SHIFT) | ZVM_HANDLE_FIXED_BITS)
#define ZVM_HANDLE_FD(value)	(((value) >> ZVM_HANDLE_FD_SHIFT) & ZVM_HANDLE_FD_MASK)
#define ZVM_HANDLE_TAG(value)	((value) >> ZVM_HANDLE_TAG_SHIFT)

/**
 * ZVM_ERRNO_TABLE - one line for each status code: name, Zircon's value, errno
 * @X: macro that is expanded for each line
 *
 * The table is one to one. Errno values outside of it have one meaning only:
 * EFAULT and E2BIG stand for INVALID_ARGS, EPERM for ACCESS_DENIED, EMFILE and
 * ENFILE for NO_RESOURCES.
 */
#define ZVM_ERRNO_TABLE(X)						\
	X(INTERNAL,			-1,	ENOTRECOVERABLE)	\
	X(NOT_SUPPORTED,		-2,	EOPNOTSUPP)		\
	X(NO_RESOURCES,			-3,	ENOBUFS)		\
	X(NO_MEMORY,			-4,	ENOMEM)			\
	X(INVALID_ARGS,			-10,	EINVAL)			\
	X(BAD_HANDLE,			-11,	EBADF)			\
	X(WRONG_TYPE,			-12,	EMEDIUMTYPE)		\
	X(BAD_SYSCALL,			-13,	ENOTTY)			\
	X(OUT_OF_RANGE,			-14,	ERANGE)			\
	X(BUFFER_TOO_SMALL,		-15,	EMSGSIZE)		\
	X(BAD_STATE,			-20,	EBADFD)			\
	X(TIMED_OUT,			-21,	ETIMEDOUT)		\
	X(SHOULD_WAIT,			-22,	EAGAIN)			\
	X(CANCELED,			-23,	ECANCELED)		\
	X(PEER_CLOSED,			-24,	EPIPE)			\
	X(NOT_FOUND,			-25,	ENOENT)			\
	X(ALREADY_EXISTS,		-26,	EEXIST)			\
	X(ALREADY_BOUND,		-27,	EALREADY)		\
	X(UNAVAILABLE,			-28,	EBUSY)			\
	X(ACCESS_DENIED,		-30,	EACCES)			\
	X(IO,				-40,	EIO)			\
	X(IO_REFUSED,			-41,	EREMOTEIO)		\
	X(IO_DATA_INTEGRITY,		-42,	EBADMSG)		\
	X(IO_DATA_LOSS,			-43,	ENODATA)		\
	X(IO_NOT_PRESENT,		-44,	ENXIO)			\
	X(IO_OVERRUN,			-45,	EOVERFLOW)		\
	X(IO_MISSED_DEADLINE,		-46,	ETIME)			\
	X(IO_INVALID,			-47,	EUCLEAN)		\
	X(BAD_PATH,			-50,	ENAMETOOLONG)		\
	X(NOT_DIR,			-51,	ENOTDIR)		\
	X(NOT_FILE,			-52,	EISDIR)			\
	X(FILE_BIG,			-53,	EFBIG)			\
	X(NO_SPACE,			-54,	ENOSPC)			\
	X(NOT_EMPTY,			-55,	ENOTEMPTY)		\
	X(PROTOCOL_NOT_SUPPORTED,	-70,	EPROTONOSUPPORT)	\
	X(ADDRESS_UNREACHABLE,		-71,	EHOSTUNREACH)		\
	X(ADDRESS_IN_USE,		-72,	EADDRINUSE)		\
	X(NOT_CONNECTED,		-73,	ENOTCONN)		\
	X(CONNECTION_REFUSED,		-74,	ECONNREFUSED)		\
	X(CONNECTION_RESET,		-75,	ECONNRESET)		\
	X(CONNECTION_ABORTED,		-76,	ECONNABORTED)

/* ---- on /dev/zircon-vm ------------------------------------------------- */

/**
 * struct zvm_handshake - ioctl(ZVM_HANDSHAKE), on the device
 * @size: sizeof(struct zvm_handshake)
 * @reserved: has to be 0
 * @version: in: the version the caller was built for; out: ZVM_VERSION
 * @reserved2: has to be 0
 * @features: out: ZVM_FEATURE_... bits of this module
 *
 * Fails with EPROTONOSUPPORT if the module does not speak the caller's version.
 */
struct zvm_handshake {
	__u32 size;
	__u32 reserved;
	__u32 version;
	__u32 reserved2;
	__aligned_u64 features;
};

#define ZVM_HANDSHAKE _IO(ZVM_IOC_TYPE, 0x00)

/* VMARs and mappings work. */
#define ZVM_FEATURE_VMAR	(1ULL << 0)

/**
 * struct zvm_stats - ioctl(ZVM_STATS), on the device
 * @size: sizeof(struct zvm_stats)
 * @reserved: has to be 0
 * @vmos: out: VMO objects alive
 * @vmars: out: VMAR objects alive
 * @aspaces: out: address spaces (arenas) alive
 * @mappings: out: pieces of mappings alive; one mapping has one for each run
 *	of pages with equal permissions
 * @handles: out: handles alive
 * @pages: out: pages of memory held by all VMOs
 * @page_nodes: out: nodes of the page maps of all VMOs
 *
 * Counts over the whole machine, for tests and monitoring. Objects are freed
 * after an RCU grace period but leave the counts at once. Errors: EPERM: the
 * caller has no CAP_SYS_ADMIN.
 */
struct zvm_stats {
	__u32 size;
	__u32 reserved;
	__aligned_u64 vmos;
	__aligned_u64 vmars;
	__aligned_u64 aspaces;
	__aligned_u64 mappings;
	__aligned_u64 handles;
	__aligned_u64 pages;
	__aligned_u64 page_nodes;
};

#define ZVM_STATS _IO(ZVM_IOC_TYPE, 0x01)

/**
 * struct zvm_vmar_root - ioctl(ZVM_VMAR_ROOT), on the device
 * @size: sizeof(struct zvm_vmar_root)
 * @reserved: has to be 0
 * @out_handle: address of a __u32 for the handle
 *
 * Returns a new handle to the root VMAR of the calling process, with all
 * rights a VMAR handle can have. The first call makes the arena, the one Linux
 * mapping in which the process's VMARs live. As zx_vmar_root_self().
 *
 * Errors: ENOMEM: no room for the arena (RLIMIT_AS counts it).
 */
struct zvm_vmar_root {
	__u32 size;
	__u32 reserved;
	__aligned_u64 out_handle;
};

#define ZVM_VMAR_ROOT _IO(ZVM_IOC_TYPE, 0x02)

/**
 * struct zvm_vmo_create - ioctl(ZVM_VMO_CREATE), on the device
 * @size: sizeof(struct zvm_vmo_create)
 * @options: ZVM_VMO_... bits
 * @vmo_size: bytes; the VMO gets this rounded up to whole pages
 * @out_handle: address of a __u32 for the handle
 *
 * As zx_vmo_create(). Nothing is allocated for the content.
 *
 * Errors: EINVAL: RESIZABLE together with UNBOUNDED, or unknown options;
 * ERANGE: @vmo_size beyond the largest size.
 */
struct zvm_vmo_create {
	__u32 size;
	__u32 options;
	__aligned_u64 vmo_size;
	__aligned_u64 out_handle;
};

#define ZVM_VMO_CREATE _IO(ZVM_IOC_TYPE, 0x03)

/**
 * struct zvm_handle_close - ioctl(ZVM_HANDLE_CLOSE), on the device
 * @size: sizeof(struct zvm_handle_close)
 * @handle: handle value
 *
 * As zx_handle_close(): makes sure that the descriptor still is the handle of
 * that tag, and closes it. Errors: ENOENT: it is not. Threads that may close the
 * same handle at the same time have to agree among themselves, as with close(2).
 */
struct zvm_handle_close {
	__u32 size;
	__u32 handle;
};

#define ZVM_HANDLE_CLOSE _IO(ZVM_IOC_TYPE, 0x04)

/**
 * struct zvm_object_wait_one - ioctl(ZVM_OBJECT_WAIT_ONE), on the device
 * @size: sizeof(struct zvm_object_wait_one)
 * @handle: handle value
 * @signals: ZX_..._SIGNAL bits to wait for
 * @reserved: has to be 0
 * @deadline: point in time, CLOCK_MONOTONIC, in nanoseconds
 * @out_observed: address of a __u32 for the signals at the end of the wait, or 0
 *
 * As zx_object_wait_one() (needs ZX_RIGHT_WAIT). @out_observed is written when
 * the command succeeds or fails with ETIMEDOUT or ECANCELED (the handle was
 * closed meanwhile). poll(2) of a handle's descriptor works as well, with the same
 * right: POLLPRI stands for ZX_VMO_ZERO_CHILDREN, POLLMSG for any of the user
 * signals.
 *
 * Errors: ENOENT: no such handle; EACCES: it has no ZX_RIGHT_WAIT; ETIMEDOUT: the
 * deadline has passed; ECANCELED.
 */
struct zvm_object_wait_one {
	__u32 size;
	__u32 handle;
	__u32 signals;
	__u32 reserved;
	__s64 deadline;
	__aligned_u64 out_observed;
};

#define ZVM_OBJECT_WAIT_ONE _IO(ZVM_IOC_TYPE, 0x05)

/**
 * struct zvm_object_wait_many - ioctl(ZVM_OBJECT_WAIT_MANY), on the device
 * @size: sizeof(struct zvm_object_wait_many)
 * @count: of @items, 64 at most; 0: sleep only
 * @items: address of zx_wait_item_t structs: handle value, signals to wait for,
 *	out: signals at the end of the wait, each a __u32
 * @deadline: point in time, CLOCK_MONOTONIC, in nanoseconds
 *
 * As zx_object_wait_many(). Errors: ERANGE: more than 64 items; ENOENT: no such
 * handle; EACCES: one has no ZX_RIGHT_WAIT; ETIMEDOUT; ECANCELED: one of the handles
 * was closed meanwhile.
 */
struct zvm_object_wait_many {
	__u32 size;
	__u32 count;
	__aligned_u64 items;
	__s64 deadline;
};

#define ZVM_OBJECT_WAIT_MANY _IO(ZVM_IOC_TYPE, 0x06)

/**
 * struct zvm_vmo_create_physical - ioctl(ZVM_VMO_CREATE_PHYSICAL), on the device
 * @size: sizeof(struct zvm_vmo_create_physical)
 * @reserved: has to be 0
 * @address: physical address of the first byte
 * @length: bytes
 * @out_handle: address of a __u32 for the handle
 *
 * As zx_vmo_create_physical(), for a caller with CAP_SYS_RAWIO in the place of one
 * with a resource.
 *
 * Errors: EINVAL: @length is 0, or @address or @length is not in whole pages, or their
 * sum wraps; EPERM: no CAP_SYS_RAWIO, or the kernel is locked down; ERANGE: beyond what
 * the processor can address; EACCES: part of the range is RAM, or in use by the kernel
 * or by a driver.
 */
struct zvm_vmo_create_physical {
	__u32 size;
	__u32 reserved;
	__aligned_u64 address;
	__aligned_u64 length;
	__aligned_u64 out_handle;
};

#define ZVM_VMO_CREATE_PHYSICAL _IO(ZVM_IOC_TYPE, 0x38)

/**
 * struct zvm_aspace_create - ioctl(ZVM_ASPACE_CREATE), on the device
 * @size: sizeof(struct zvm_aspace_create)
 * @kind: ZVM_ASPACE_...
 * @base: its first address, a multiple of 1 GiB, 0 for GUEST_PHYS only
 * @length: bytes, a multiple of 1 GiB, not 0
 * @out_handle: address of a __u32 for the handle
 *
 * Makes an address space that is in no process yet, and returns a handle to its root
 * VMAR with all rights a VMAR handle can have. It is a lent one (ZVM_DUPLICATE_LEND):
 * whoever holds it, or a copy, can use it. All VMAR commands work; as there is nobody to
 * see the memory, they do what they do to VMOs only. A process can take it by
 * ZVM_ASPACE_ADOPT. If none has when the last handle to the root VMAR is closed, the
 * address space ends: what is mapped is unmapped, handles to its other VMARs give EBADFD.
 *
 * Errors: EINVAL: @base or @length; unknown @kind; ERANGE: nobody has such addresses.
 */
struct zvm_aspace_create {
	__u32 size;
	__u32 kind;
	__aligned_u64 base;
	__aligned_u64 length;
	__aligned_u64 out_handle;
};

#define ZVM_ASPACE_CREATE _IO(ZVM_IOC_TYPE, 0x07)

/* The addresses are those of the process that adopts it. */
#define ZVM_ASPACE_USER		0
/*
 * They are those of a virtual machine, from 0 on if need be. The process that adopts it has
 * it at some address of its own and may have several; it gives that address to
 * KVM_SET_USER_MEMORY_REGION. All commands go on counting in the machine's addresses. A guest
 * may execute all that it can read, so mappings with PERM_EXECUTE are refused (EOPNOTSUPP).
 */
#define ZVM_ASPACE_GUEST_PHYS	1

/* zvm_vmo_create.options, with the values of ZX_VMO_... */
#define ZVM_VMO_RESIZABLE	(1u << 1)
#define ZVM_VMO_DISCARDABLE	(1u << 2)
#define ZVM_VMO_UNBOUNDED	(1u << 4)
/* Our own: memory of 2 MiB at a time; see <zvm.h> */
#define ZVM_VMO_HUGE_PAGES	(1u << 30)

/* ---- on any handle ----------------------------------------------------- */

/**
 * struct zvm_handle_duplicate - ioctl(ZVM_HANDLE_DUPLICATE), on a handle
 * @size: sizeof(struct zvm_handle_duplicate)
 * @tag: tag of the handle, or 0
 * @rights: rights of the new handle (values of ZX_RIGHT_...), or
 *	ZVM_RIGHT_SAME_RIGHTS alone for the same
 * @flags: ZVM_DUPLICATE_... bits
 * @out_handle: address of a __u32 for the new handle
 *
 * As zx_handle_duplicate() (needs ZX_RIGHT_DUPLICATE), or with
 * ZVM_DUPLICATE_REPLACE as zx_handle_replace() (needs no right), or with
 * ZVM_DUPLICATE_EXECUTABLE as zx_vmo_replace_as_executable(); after the latter
 * two it is the caller's part to close the old handle.
 *
 * Errors: EINVAL: rights that the handle does not have, unknown flags; EBADF:
 * EXECUTABLE on a handle that is not a VMO's; EMEDIUMTYPE: LEND on a handle
 * that is not a VMAR's.
 */
struct zvm_handle_duplicate {
	__u32 size;
	__u32 tag;
	__u32 rights;
	__u32 flags;
	__aligned_u64 out_handle;
};

#define ZVM_HANDLE_DUPLICATE _IO(ZVM_IOC_TYPE, 0x10)

#define ZVM_RIGHT_SAME_RIGHTS	(1u << 31)

/* The new handle takes the place of the old one, which the caller closes. */
#define ZVM_DUPLICATE_REPLACE		(1u << 0)
/* As REPLACE, and the new handle has ZX_RIGHT_EXECUTE as well. */
#define ZVM_DUPLICATE_EXECUTABLE	(1u << 1)
/*
 * The new handle of a VMAR works in whatever process holds it, not only in the
 * one whose address space the VMAR belongs to. Only the owner can lend; a copy
 * of a lent handle is a lent handle.
 */
#define ZVM_DUPLICATE_LEND		(1u << 2)

/**
 * struct zvm_handle_tag - ioctl(ZVM_HANDLE_TAG_OF), on a handle
 * @size: sizeof(struct zvm_handle_tag)
 * @tag: in: tag of the handle, or 0; out: its tag
 *
 * Tells the tag, for a descriptor that came without a handle value, or makes
 * sure of it.
 */
struct zvm_handle_tag {
	__u32 size;
	__u32 tag;
};

#define ZVM_HANDLE_TAG_OF _IO(ZVM_IOC_TYPE, 0x14)

/**
 * struct zvm_object_get_info - ioctl(ZVM_OBJECT_GET_INFO), on a handle
 * @size: sizeof(struct zvm_object_get_info)
 * @tag: tag of the handle, or 0
 * @topic: value of ZX_INFO_...
 * @reserved: has to be 0
 * @buffer: address for the records
 * @buffer_size: bytes at @buffer
 * @out_actual: address of a __u64 for the number of records copied, or 0
 * @out_avail: address of a __u64 for the number of records there are, or 0
 *
 * As zx_object_get_info(), with its topics, records, rights and errors:
 * EOPNOTSUPP: unknown topic; EMSGSIZE: the buffer is smaller than the record
 * of a topic that has just one; EBADFD: VMAR_MAPS of a destroyed VMAR. The topics
 * PROCESS_MAPS and PROCESS_VMOS want a root VMAR, and tell of its process;
 * EMEDIUMTYPE: of any other object.
 */
struct zvm_object_get_info {
	__u32 size;
	__u32 tag;
	__u32 topic;
	__u32 reserved;
	__aligned_u64 buffer;
	__aligned_u64 buffer_size;
	__aligned_u64 out_actual;
	__aligned_u64 out_avail;
};

#define ZVM_OBJECT_GET_INFO _IO(ZVM_IOC_TYPE, 0x11)

/**
 * struct zvm_object_property - ioctl(ZVM_OBJECT_GET_PROPERTY) and
 *	ioctl(ZVM_OBJECT_SET_PROPERTY), on a handle
 * @size: sizeof(struct zvm_object_property)
 * @tag: tag of the handle, or 0
 * @property: value of ZX_PROP_...
 * @reserved: has to be 0
 * @value: address of the value
 * @value_size: bytes at @value
 *
 * As zx_object_get_property() and zx_object_set_property(). Errors:
 * EOPNOTSUPP: unknown property; EMSGSIZE: @value_size too small; EMEDIUMTYPE:
 * the object has no such property; EINVAL: @value is 0.
 */
struct zvm_object_property {
	__u32 size;
	__u32 tag;
	__u32 property;
	__u32 reserved;
	__aligned_u64 value;
	__aligned_u64 value_size;
};

#define ZVM_OBJECT_GET_PROPERTY _IO(ZVM_IOC_TYPE, 0x12)
#define ZVM_OBJECT_SET_PROPERTY _IO(ZVM_IOC_TYPE, 0x13)

/**
 * struct zvm_object_signal - ioctl(ZVM_OBJECT_SIGNAL), on a handle
 * @size: sizeof(struct zvm_object_signal)
 * @tag: tag of the handle, or 0
 * @clear: ZX_USER_SIGNAL_... bits to clear
 * @set: ZX_USER_SIGNAL_... bits to set after that
 *
 * As zx_object_signal() (needs ZX_RIGHT_SIGNAL). Errors: EINVAL: bits that are
 * not the user's.
 */
struct zvm_object_signal {
	__u32 size;
	__u32 tag;
	__u32 clear;
	__u32 set;
};

#define ZVM_OBJECT_SIGNAL _IO(ZVM_IOC_TYPE, 0x15)

/* ---- on a VMO ---------------------------------------------------------- */

/**
 * struct zvm_vmo_transfer - ioctl(ZVM_VMO_READ) and ioctl(ZVM_VMO_WRITE), on a
 *	VMO; ioctl(ZVM_PROCESS_READ) and ioctl(ZVM_PROCESS_WRITE), on a root VMAR
 * @size: sizeof(struct zvm_vmo_transfer)
 * @tag: tag of the handle, or 0
 * @buffer: address of the caller's memory
 * @offset: bytes from the start of the VMO; on a VMAR: absolute address
 * @length: bytes to move
 * @done: out: bytes moved
 *
 * As zx_vmo_read() (needs ZX_RIGHT_READ) and zx_vmo_write() (needs
 * ZX_RIGHT_WRITE), but a signal may end the transfer early: then the command
 * succeeds with @done < @length and the caller goes on from there. On success
 * @done is never 0 unless @length is.
 *
 * Errors: ERANGE: @offset + @length is beyond the VMO's size, or the buffer
 * lies in a mapping beyond its own VMO's end; EBADFD: the cache policy is not
 * CACHED; ENOENT: nothing is mapped at the buffer, or the VMO (or that which the
 * buffer lies in) has been discarded; EACCES: also when the buffer
 * is mapped without the permission needed; ENOMEM: also when there is no memory
 * for the buffer.
 */
struct zvm_vmo_transfer {
	__u32 size;
	__u32 tag;
	__aligned_u64 buffer;
	__aligned_u64 offset;
	__aligned_u64 length;
	__aligned_u64 done;
};

#define ZVM_VMO_READ	_IO(ZVM_IOC_TYPE, 0x20)
#define ZVM_VMO_WRITE	_IO(ZVM_IOC_TYPE, 0x21)

/**
 * struct zvm_vmo_get_size - ioctl(ZVM_VMO_GET_SIZE) and
 *	ioctl(ZVM_VMO_GET_STREAM_SIZE), on a VMO
 * @size: sizeof(struct zvm_vmo_get_size)
 * @tag: tag of the handle, or 0
 * @out_size: address of a __u64 for the size in bytes
 *
 * As zx_vmo_get_size() and zx_vmo_get_stream_size(). No right is needed.
 */
struct zvm_vmo_get_size {
	__u32 size;
	__u32 tag;
	__aligned_u64 out_size;
};

#define ZVM_VMO_GET_SIZE	_IO(ZVM_IOC_TYPE, 0x22)
#define ZVM_VMO_GET_STREAM_SIZE	_IO(ZVM_IOC_TYPE, 0x23)

/**
 * struct zvm_vmo_set_size - ioctl(ZVM_VMO_SET_SIZE) and
 *	ioctl(ZVM_VMO_SET_STREAM_SIZE), on a VMO
 * @size: sizeof(struct zvm_vmo_set_size)
 * @tag: tag of the handle, or 0
 * @new_size: bytes
 *
 * As zx_vmo_set_size() (needs ZX_RIGHT_WRITE and ZX_RIGHT_RESIZE) and
 * zx_vmo_set_stream_size() (needs ZX_RIGHT_WRITE). Errors: EBUSY: set_size on a
 * VMO that is not resizable; ERANGE: beyond the largest size, or the stream
 * size beyond the VMO's size.
 */
struct zvm_vmo_set_size {
	__u32 size;
	__u32 tag;
	__aligned_u64 new_size;
};

#define ZVM_VMO_SET_SIZE	_IO(ZVM_IOC_TYPE, 0x24)
#define ZVM_VMO_SET_STREAM_SIZE	_IO(ZVM_IOC_TYPE, 0x25)

/**
 * struct zvm_op_range - ioctl(ZVM_VMO_OP_RANGE), on a VMO, and
 *	ioctl(ZVM_VMAR_OP_RANGE), on a VMAR
 * @size: sizeof(struct zvm_op_range)
 * @tag: tag of the handle, or 0
 * @op: value of ZX_VMO_OP_... or ZX_VMAR_OP_...
 * @reserved: has to be 0
 * @offset: bytes from the start of the VMO; for a VMAR an absolute address
 * @length: bytes
 * @buffer: address of memory for the operation, or 0
 * @buffer_size: bytes at @buffer
 *
 * As zx_vmo_op_range() and zx_vmar_op_range(), with their errors.
 */
struct zvm_op_range {
	__u32 size;
	__u32 tag;
	__u32 op;
	__u32 reserved;
	__aligned_u64 offset;
	__aligned_u64 length;
	__aligned_u64 buffer;
	__aligned_u64 buffer_size;
};

#define ZVM_VMO_OP_RANGE	_IO(ZVM_IOC_TYPE, 0x26)
#define ZVM_VMAR_OP_RANGE	_IO(ZVM_IOC_TYPE, 0x45)

/**
 * struct zvm_vmo_set_cache_policy - ioctl(ZVM_VMO_SET_CACHE_POLICY), on a VMO
 * @size: sizeof(struct zvm_vmo_set_cache_policy)
 * @tag: tag of the handle, or 0
 * @policy: value of ZX_CACHE_POLICY_...
 * @reserved: has to be 0
 *
 * As zx_vmo_set_cache_policy() (needs ZX_RIGHT_MAP). Errors: EINVAL: no such
 * policy; EBADFD: the VMO is mapped, pinned or has relatives, or it is discardable or
 * has ZVM_VMO_HUGE_PAGES and @policy is not CACHED; ENOMEM: the policy is CACHED now;
 * EINTR: killed, the policy is what it was or CACHED.
 */
struct zvm_vmo_set_cache_policy {
	__u32 size;
	__u32 tag;
	__u32 policy;
	__u32 reserved;
};

#define ZVM_VMO_SET_CACHE_POLICY _IO(ZVM_IOC_TYPE, 0x27)

/**
 * struct zvm_vmo_create_child - ioctl(ZVM_VMO_CREATE_CHILD), on a VMO
 * @size: sizeof(struct zvm_vmo_create_child)
 * @tag: tag of the handle, or 0
 * @options: ZX_VMO_CHILD_... bits
 * @reserved: has to be 0
 * @offset: bytes from the start of the VMO
 * @child_size: bytes; the child gets this rounded up to whole pages
 * @out_handle: address of a __u32 for the handle
 *
 * As zx_vmo_create_child() (needs ZX_RIGHT_DUPLICATE and ZX_RIGHT_READ, and
 * ZX_RIGHT_RESIZE for a resizable reference). A snapshot takes one more
 * reference of the parent's page map and makes its PTEs read-only: nothing is
 * copied until one side writes.
 *
 * Errors: ERANGE: @child_size, or the range, is beyond what a VMO can have;
 * EINVAL: no or several types, other unknown or unsuitable options, @offset not
 * a multiple of the page size, a slice beyond the VMO's end, a reference with
 * @offset or @child_size; EOPNOTSUPP: this kind of VMO has no such children;
 * EBADFD: the cache policy is not CACHED.
 */
struct zvm_vmo_create_child {
	__u32 size;
	__u32 tag;
	__u32 options;
	__u32 reserved;
	__aligned_u64 offset;
	__aligned_u64 child_size;
	__aligned_u64 out_handle;
};

#define ZVM_VMO_CREATE_CHILD _IO(ZVM_IOC_TYPE, 0x28)

/**
 * struct zvm_vmo_transfer_data - ioctl(ZVM_VMO_TRANSFER_DATA), on a VMO
 * @size: sizeof(struct zvm_vmo_transfer_data)
 * @tag: tag of the handle, or 0
 * @options: has to be 0
 * @src: handle value of the VMO that the data comes from
 * @offset: bytes from the start of this VMO
 * @length: bytes
 * @src_offset: bytes from the start of @src
 *
 * As zx_vmo_transfer_data() (needs ZX_RIGHT_WRITE, and both ZX_RIGHT_READ and
 * ZX_RIGHT_WRITE on @src). All three are multiples of the page size.
 *
 * Errors: EINVAL: they are not, or @options; EBADF, EMEDIUMTYPE, EACCES: @src;
 * ERANGE: a range is beyond its VMO; ENOENT: one of the two has been
 * discarded; EIO: memory of the source has failed.
 */
struct zvm_vmo_transfer_data {
	__u32 size;
	__u32 tag;
	__u32 options;
	__u32 src;
	__aligned_u64 offset;
	__aligned_u64 length;
	__aligned_u64 src_offset;
};

#define ZVM_VMO_TRANSFER_DATA _IO(ZVM_IOC_TYPE, 0x29)

/**
 * struct zvm_vmo_committed - ioctl(ZVM_VMO_COMMITTED), on a VMO
 * @size: sizeof(struct zvm_vmo_committed)
 * @tag: tag of the handle, or 0
 * @offset: bytes from the start of the VMO
 * @length: bytes
 * @out_bytes: address of a __u64 for the bytes of memory
 *
 * How much memory there is in the pages that the range touches: as
 * zx_info_vmo_t.committed_bytes, but of part of the VMO, and also for a slice or
 * reference, which tells of what it shows. No right is needed. Errors: ERANGE: the
 * range is beyond the VMO's size.
 */
struct zvm_vmo_committed {
	__u32 size;
	__u32 tag;
	__aligned_u64 offset;
	__aligned_u64 length;
	__aligned_u64 out_bytes;
};

#define ZVM_VMO_COMMITTED _IO(ZVM_IOC_TYPE, 0x2e)

/* ---- BTIs and PMTs ----------------------------------------------------- */

/**
 * struct zvm_bti_create - ioctl(ZVM_BTI_CREATE), on the device
 * @size: sizeof(struct zvm_bti_create)
 * @options: has to be 0
 * @bti_id: any number, to be seen in /proc/PID/fdinfo
 * @out_handle: address of a __u32 for the handle
 *
 * As zx_bti_create(), without an IOMMU: a BTI is on whose behalf memory is pinned,
 * and its addresses are physical ones. Errors: EINVAL: @options.
 */
struct zvm_bti_create {
	__u32 size;
	__u32 options;
	__aligned_u64 bti_id;
	__aligned_u64 out_handle;
};

#define ZVM_BTI_CREATE _IO(ZVM_IOC_TYPE, 0x30)

/**
 * struct zvm_vmo_create_contiguous - ioctl(ZVM_VMO_CREATE_CONTIGUOUS), on a BTI
 * @size: sizeof(struct zvm_vmo_create_contiguous)
 * @tag: tag of the handle, or 0
 * @alignment_log2: the memory's physical address is a multiple of 2 to this; 0: of
 *	the page size
 * @reserved: has to be 0
 * @vmo_size: bytes, whole pages, at least one
 * @out_handle: address of a __u32 for the handle
 *
 * As zx_vmo_create_contiguous() (needs ZX_RIGHT_MAP): a VMO whose pages are all
 * there, in a row in memory, and stay where they are.
 *
 * Errors: EINVAL: @vmo_size, or an alignment below the page size or beyond 2^63;
 * ERANGE: @vmo_size beyond the largest size; ENOMEM: also if no such memory is free
 * in a row, or @vmo_size or the alignment is beyond 8 pages and the caller has no
 * CAP_SYS_RAWIO.
 */
struct zvm_vmo_create_contiguous {
	__u32 size;
	__u32 tag;
	__u32 alignment_log2;
	__u32 reserved;
	__aligned_u64 vmo_size;
	__aligned_u64 out_handle;
};

#define ZVM_VMO_CREATE_CONTIGUOUS _IO(ZVM_IOC_TYPE, 0x31)

/**
 * struct zvm_bti_pin - ioctl(ZVM_BTI_PIN), on a BTI
 * @size: sizeof(struct zvm_bti_pin)
 * @tag: tag of the handle, or 0
 * @options: ZX_BTI_... bits
 * @vmo: handle value of the VMO
 * @offset: bytes from the start of the VMO, whole pages
 * @length: bytes, whole pages, at least one
 * @addrs: address of @num_addrs __u64 for the physical addresses, or 0
 * @num_addrs: the number of pages, or 1 with ZX_BTI_CONTIGUOUS; or 0, with @addrs 0:
 *	none is wanted
 * @out_handle: address of a __u32 for the handle of the PMT
 *
 * As zx_bti_pin() (needs ZX_RIGHT_MAP): commits the pages, which from then on stay
 * where they are until the last handle of the PMT is closed. Addresses are told to
 * who has CAP_SYS_RAWIO only. The pages count for the user's RLIMIT_MEMLOCK, unless the
 * caller has CAP_IPC_LOCK.
 *
 * Errors: EINVAL: @offset or @length, unknown or unsuitable options, or none of
 * ZX_BTI_PERM_..., CONTIGUOUS for a VMO that is not, @num_addrs; EBADF, EMEDIUMTYPE:
 * @vmo; EACCES: @vmo lacks ZX_RIGHT_MAP, or READ or WRITE as @options say, or addresses
 * are asked for without CAP_SYS_RAWIO; ERANGE: beyond the VMO's size; ENOENT: the VMO
 * has been discarded; EIO: its memory has failed; ENOMEM: also beyond
 * RLIMIT_MEMLOCK.
 */
struct zvm_bti_pin {
	__u32 size;
	__u32 tag;
	__u32 options;
	__u32 vmo;
	__aligned_u64 offset;
	__aligned_u64 length;
	__aligned_u64 addrs;
	__aligned_u64 num_addrs;
	__aligned_u64 out_handle;
};

#define ZVM_BTI_PIN _IO(ZVM_IOC_TYPE, 0x32)

/**
 * struct zvm_pmt_unpin - ioctl(ZVM_PMT_UNPIN), on a PMT
 * @size: sizeof(struct zvm_pmt_unpin)
 * @tag: tag of the handle, or 0
 *
 * Ends the pin at once, whoever else has the descriptor. No right is needed. Errors:
 * EBADFD: it has been unpinned already.
 */
struct zvm_pmt_unpin {
	__u32 size;
	__u32 tag;
};

#define ZVM_PMT_UNPIN _IO(ZVM_IOC_TYPE, 0x33)

/* ---- on a VMAR --------------------------------------------------------- */

/**
 * struct zvm_vmar_allocate - ioctl(ZVM_VMAR_ALLOCATE), on a VMAR
 * @size: sizeof(struct zvm_vmar_allocate)
 * @tag: tag of the handle, or 0
 * @options: ZX_VM_... bits
 * @reserved: has to be 0
 * @offset: bytes from the start of the VMAR, meaning given by @options
 * @length: bytes
 * @out_handle: address of a __u32 for the handle of the new region
 * @out_addr: address of a __u64 for its absolute address
 *
 * As zx_vmar_allocate(), with its rights and errors.
 */
struct zvm_vmar_allocate {
	__u32 size;
	__u32 tag;
	__u32 options;
	__u32 reserved;
	__aligned_u64 offset;
	__aligned_u64 length;
	__aligned_u64 out_handle;
	__aligned_u64 out_addr;
};

#define ZVM_VMAR_ALLOCATE _IO(ZVM_IOC_TYPE, 0x40)

/**
 * struct zvm_vmar_map - ioctl(ZVM_VMAR_MAP), on a VMAR
 * @size: sizeof(struct zvm_vmar_map)
 * @tag: tag of the handle, or 0
 * @options: ZX_VM_... bits
 * @vmo: handle value of the VMO
 * @vmar_offset: bytes from the start of the VMAR, meaning given by @options
 * @vmo_offset: bytes from the start of the VMO
 * @length: bytes
 * @out_addr: address of a __u64 for the absolute address of the mapping
 *
 * As zx_vmar_map(), with its rights and errors. EOPNOTSUPP also for
 * PERM_EXECUTE through a lent handle.
 */
struct zvm_vmar_map {
	__u32 size;
	__u32 tag;
	__u32 options;
	__u32 vmo;
	__aligned_u64 vmar_offset;
	__aligned_u64 vmo_offset;
	__aligned_u64 length;
	__aligned_u64 out_addr;
};

#define ZVM_VMAR_MAP _IO(ZVM_IOC_TYPE, 0x41)

/**
 * struct zvm_vmar_range - ioctl(ZVM_VMAR_UNMAP), ioctl(ZVM_VMAR_PROTECT) and
 *	ioctl(ZVM_VMAR_DESTROY), on a VMAR
 * @size: sizeof(struct zvm_vmar_range)
 * @tag: tag of the handle, or 0
 * @options: PROTECT: ZX_VM_PERM_... bits; else 0
 * @reserved: has to be 0
 * @addr: absolute address; DESTROY: 0
 * @length: bytes; DESTROY: 0
 *
 * As zx_vmar_unmap(), zx_vmar_protect() and zx_vmar_destroy(), with their
 * rights and errors. EOPNOTSUPP also for PERM_EXECUTE through a lent handle.
 */
struct zvm_vmar_range {
	__u32 size;
	__u32 tag;
	__u32 options;
	__u32 reserved;
	__aligned_u64 addr;
	__aligned_u64 length;
};

#define ZVM_VMAR_UNMAP		_IO(ZVM_IOC_TYPE, 0x42)
#define ZVM_VMAR_PROTECT	_IO(ZVM_IOC_TYPE, 0x43)
#define ZVM_VMAR_DESTROY	_IO(ZVM_IOC_TYPE, 0x44)

/**
 * struct zvm_aspace_adopt - ioctl(ZVM_ASPACE_ADOPT), on a root VMAR
 * @size: sizeof(struct zvm_aspace_adopt)
 * @tag: tag of the handle, or 0
 * @out_addr: address of a __u64 for where the address space begins in the process
 *
 * Makes a detached address space that of the calling process: its arena, of which
 * ZVM_VMAR_ROOT gives handles. What is mapped can be accessed from then on. Needs
 * ZX_RIGHT_READ, WRITE, EXECUTE and OP_CHILDREN, as the process gets all of these.
 * Handles that exist go on working wherever they are. A command that fails has changed
 * nothing, and can be repeated.
 *
 * Errors: EINVAL: not a root VMAR; EALREADY: it has a process already, or had one;
 * EBADFD: the calling process has an address space of kind USER already; EEXIST: something
 * else is at its addresses; ENOMEM: also if RLIMIT_AS does not allow it.
 */
struct zvm_aspace_adopt {
	__u32 size;
	__u32 tag;
	__aligned_u64 out_addr;
};

#define ZVM_ASPACE_ADOPT _IO(ZVM_IOC_TYPE, 0x46)

/*
 * With a struct zvm_vmo_transfer, on a root VMAR, which stands for its process. As
 * zx_process_read_memory() (needs ZX_RIGHT_READ) and zx_process_write_memory() (needs
 * ZX_RIGHT_WRITE): by way of the VMO that is mapped at the address, thus also if the
 * address space is detached, or if what is mapped there must not be accessed now. One
 * mapping at most is read or written; for the rest the command is to be repeated.
 *
 * Errors: EMEDIUMTYPE: not a root VMAR; EINVAL: no buffer, or length 0 or above 64 MiB;
 * ENOENT: nothing is mapped at the address; ERANGE: beyond the end of the VMO; EACCES: also
 * if the mapping can never have the permission; EBADFD: the process has ended, or the VMO is
 * not cached.
 */
#define ZVM_PROCESS_READ	_IO(ZVM_IOC_TYPE, 0x47)
#define ZVM_PROCESS_WRITE	_IO(ZVM_IOC_TYPE, 0x48)

/* The layout is the ABI. */
#define ZVM_ASSERT_SIZE(type, bytes) \
	static_assert(sizeof(struct type) == (bytes), #type " has changed its size")
#define ZVM_ASSERT_OFFSET(type, member, bytes) \
	static_assert(offsetof(struct type, member) == (bytes), #type "." #member " has moved")

ZVM_ASSERT_SIZE(zvm_handshake, 24);
ZVM_ASSERT_OFFSET(zvm_handshake, version, 8);
ZVM_ASSERT_OFFSET(zvm_handshake, features, 16);
ZVM_ASSERT_SIZE(zvm_stats, 64);
ZVM_ASSERT_OFFSET(zvm_stats, vmos, 8);
ZVM_ASSERT_OFFSET(zvm_stats, vmars, 16);
ZVM_ASSERT_OFFSET(zvm_stats, aspaces, 24);
ZVM_ASSERT_OFFSET(zvm_stats, mappings, 32);
ZVM_ASSERT_OFFSET(zvm_stats, handles, 40);
ZVM_ASSERT_OFFSET(zvm_stats, pages, 48);
ZVM_ASSERT_OFFSET(zvm_stats, page_nodes, 56);
ZVM_ASSERT_SIZE(zvm_vmar_root, 16);
ZVM_ASSERT_OFFSET(zvm_vmar_root, out_handle, 8);
ZVM_ASSERT_SIZE(zvm_vmo_create, 24);
ZVM_ASSERT_OFFSET(zvm_vmo_create, options, 4);
ZVM_ASSERT_OFFSET(zvm_vmo_create, vmo_size, 8);
ZVM_ASSERT_OFFSET(zvm_vmo_create, out_handle, 16);
ZVM_ASSERT_SIZE(zvm_handle_close, 8);
ZVM_ASSERT_OFFSET(zvm_handle_close, handle, 4);
ZVM_ASSERT_SIZE(zvm_handle_duplicate, 24);
ZVM_ASSERT_OFFSET(zvm_handle_duplicate, rights, 8);
ZVM_ASSERT_OFFSET(zvm_handle_duplicate, flags, 12);
ZVM_ASSERT_OFFSET(zvm_handle_duplicate, out_handle, 16);
ZVM_ASSERT_SIZE(zvm_handle_tag, 8);
ZVM_ASSERT_OFFSET(zvm_handle_tag, tag, 4);
ZVM_ASSERT_SIZE(zvm_object_get_info, 48);
ZVM_ASSERT_OFFSET(zvm_object_get_info, topic, 8);
ZVM_ASSERT_OFFSET(zvm_object_get_info, buffer, 16);
ZVM_ASSERT_OFFSET(zvm_object_get_info, buffer_size, 24);
ZVM_ASSERT_OFFSET(zvm_object_get_info, out_actual, 32);
ZVM_ASSERT_OFFSET(zvm_object_get_info, out_avail, 40);
ZVM_ASSERT_SIZE(zvm_object_property, 32);
ZVM_ASSERT_OFFSET(zvm_object_property, property, 8);
ZVM_ASSERT_OFFSET(zvm_object_property, value, 16);
ZVM_ASSERT_OFFSET(zvm_object_property, value_size, 24);
ZVM_ASSERT_SIZE(zvm_vmo_transfer, 40);
ZVM_ASSERT_OFFSET(zvm_vmo_transfer, buffer, 8);
ZVM_ASSERT_OFFSET(zvm_vmo_transfer, offset, 16);
ZVM_ASSERT_OFFSET(zvm_vmo_transfer, length, 24);
ZVM_ASSERT_OFFSET(zvm_vmo_transfer, done, 32);
ZVM_ASSERT_SIZE(zvm_vmo_get_size, 16);
ZVM_ASSERT_OFFSET(zvm_vmo_get_size, out_size, 8);
ZVM_ASSERT_SIZE(zvm_vmo_set_size, 16);
ZVM_ASSERT_OFFSET(zvm_vmo_set_size, new_size, 8);
ZVM_ASSERT_SIZE(zvm_op_range, 48);
ZVM_ASSERT_OFFSET(zvm_op_range, op, 8);
ZVM_ASSERT_OFFSET(zvm_op_range, offset, 16);
ZVM_ASSERT_OFFSET(zvm_op_range, length, 24);
ZVM_ASSERT_OFFSET(zvm_op_range, buffer, 32);
ZVM_ASSERT_OFFSET(zvm_op_range, buffer_size, 40);
ZVM_ASSERT_SIZE(zvm_object_signal, 16);
ZVM_ASSERT_OFFSET(zvm_object_signal, clear, 8);
ZVM_ASSERT_OFFSET(zvm_object_signal, set, 12);
ZVM_ASSERT_SIZE(zvm_object_wait_one, 32);
ZVM_ASSERT_OFFSET(zvm_object_wait_one, handle, 4);
ZVM_ASSERT_OFFSET(zvm_object_wait_one, signals, 8);
ZVM_ASSERT_OFFSET(zvm_object_wait_one, deadline, 16);
ZVM_ASSERT_OFFSET(zvm_object_wait_one, out_observed, 24);
ZVM_ASSERT_SIZE(zvm_object_wait_many, 24);
ZVM_ASSERT_OFFSET(zvm_object_wait_many, count, 4);
ZVM_ASSERT_OFFSET(zvm_object_wait_many, items, 8);
ZVM_ASSERT_OFFSET(zvm_object_wait_many, deadline, 16);
ZVM_ASSERT_SIZE(zvm_vmo_committed, 32);
ZVM_ASSERT_OFFSET(zvm_vmo_committed, offset, 8);
ZVM_ASSERT_OFFSET(zvm_vmo_committed, length, 16);
ZVM_ASSERT_OFFSET(zvm_vmo_committed, out_bytes, 24);
ZVM_ASSERT_SIZE(zvm_vmo_transfer_data, 40);
ZVM_ASSERT_OFFSET(zvm_vmo_transfer_data, options, 8);
ZVM_ASSERT_OFFSET(zvm_vmo_transfer_data, src, 12);
ZVM_ASSERT_OFFSET(zvm_vmo_transfer_data, offset, 16);
ZVM_ASSERT_OFFSET(zvm_vmo_transfer_data, length, 24);
ZVM_ASSERT_OFFSET(zvm_vmo_transfer_data, src_offset, 32);
ZVM_ASSERT_SIZE(zvm_vmo_create_child, 40);
ZVM_ASSERT_OFFSET(zvm_vmo_create_child, options, 8);
ZVM_ASSERT_OFFSET(zvm_vmo_create_child, offset, 16);
ZVM_ASSERT_OFFSET(zvm_vmo_create_child, child_size, 24);
ZVM_ASSERT_OFFSET(zvm_vmo_create_child, out_handle, 32);
ZVM_ASSERT_SIZE(zvm_vmo_set_cache_policy, 16);
ZVM_ASSERT_OFFSET(zvm_vmo_set_cache_policy, policy, 8);
ZVM_ASSERT_SIZE(zvm_bti_create, 24);
ZVM_ASSERT_OFFSET(zvm_bti_create, options, 4);
ZVM_ASSERT_OFFSET(zvm_bti_create, bti_id, 8);
ZVM_ASSERT_OFFSET(zvm_bti_create, out_handle, 16);
ZVM_ASSERT_SIZE(zvm_vmo_create_contiguous, 32);
ZVM_ASSERT_OFFSET(zvm_vmo_create_contiguous, alignment_log2, 8);
ZVM_ASSERT_OFFSET(zvm_vmo_create_contiguous, vmo_size, 16);
ZVM_ASSERT_OFFSET(zvm_vmo_create_contiguous, out_handle, 24);
ZVM_ASSERT_SIZE(zvm_bti_pin, 56);
ZVM_ASSERT_OFFSET(zvm_bti_pin, options, 8);
ZVM_ASSERT_OFFSET(zvm_bti_pin, vmo, 12);
ZVM_ASSERT_OFFSET(zvm_bti_pin, offset, 16);
ZVM_ASSERT_OFFSET(zvm_bti_pin, length, 24);
ZVM_ASSERT_OFFSET(zvm_bti_pin, addrs, 32);
ZVM_ASSERT_OFFSET(zvm_bti_pin, num_addrs, 40);
ZVM_ASSERT_OFFSET(zvm_bti_pin, out_handle, 48);
ZVM_ASSERT_SIZE(zvm_pmt_unpin, 8);
ZVM_ASSERT_SIZE(zvm_vmo_create_physical, 32);
ZVM_ASSERT_OFFSET(zvm_vmo_create_physical, address, 8);
ZVM_ASSERT_OFFSET(zvm_vmo_create_physical, length, 16);
ZVM_ASSERT_OFFSET(zvm_vmo_create_physical, out_handle, 24);
ZVM_ASSERT_SIZE(zvm_vmar_allocate, 48);
ZVM_ASSERT_OFFSET(zvm_vmar_allocate, options, 8);
ZVM_ASSERT_OFFSET(zvm_vmar_allocate, offset, 16);
ZVM_ASSERT_OFFSET(zvm_vmar_allocate, length, 24);
ZVM_ASSERT_OFFSET(zvm_vmar_allocate, out_handle, 32);
ZVM_ASSERT_OFFSET(zvm_vmar_allocate, out_addr, 40);
ZVM_ASSERT_SIZE(zvm_vmar_map, 48);
ZVM_ASSERT_OFFSET(zvm_vmar_map, options, 8);
ZVM_ASSERT_OFFSET(zvm_vmar_map, vmo, 12);
ZVM_ASSERT_OFFSET(zvm_vmar_map, vmar_offset, 16);
ZVM_ASSERT_OFFSET(zvm_vmar_map, vmo_offset, 24);
ZVM_ASSERT_OFFSET(zvm_vmar_map, length, 32);
ZVM_ASSERT_OFFSET(zvm_vmar_map, out_addr, 40);
ZVM_ASSERT_SIZE(zvm_vmar_range, 32);
ZVM_ASSERT_OFFSET(zvm_vmar_range, options, 8);
ZVM_ASSERT_OFFSET(zvm_vmar_range, addr, 16);
ZVM_ASSERT_OFFSET(zvm_vmar_range, length, 24);
ZVM_ASSERT_SIZE(zvm_aspace_create, 32);
ZVM_ASSERT_OFFSET(zvm_aspace_create, kind, 4);
ZVM_ASSERT_OFFSET(zvm_aspace_create, base, 8);
ZVM_ASSERT_OFFSET(zvm_aspace_create, length, 16);
ZVM_ASSERT_OFFSET(zvm_aspace_create, out_handle, 24);
ZVM_ASSERT_SIZE(zvm_aspace_adopt, 16);
ZVM_ASSERT_OFFSET(zvm_aspace_adopt, out_addr, 8);

#endif /* _UAPI_ZIRCON_VM_H */
