/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The commands of /dev/zvm-sample, each for one or two functions of <linux/zircon_vm.h>.
 *
 * An open file is a session with one VMO at most, and one pin and one mapping in the
 * kernel's address space of that.
 */
#ifndef ZVM_SAMPLE_H
#define ZVM_SAMPLE_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct zvm_sample_call - what all commands take; each says what it looks at
 * @offset: in the VMO, or from the mapping's start, in bytes
 * @len: in bytes
 * @buffer: address of @len bytes of the caller's
 * @flags: ZIRCON_... of the function
 * @fd: a descriptor
 * @out: results
 */
struct zvm_sample_call {
	__u64 offset;
	__u64 len;
	__u64 buffer;
	__u32 flags;
	__s32 fd;
	__u64 out[10];
};

#define ZVM_SAMPLE_COMMAND(nr) _IOWR(0xfa, nr, struct zvm_sample_call)

/*
 * The session gets its VMO: a new one of @len bytes, with @flags; one of @len bytes of
 * the sample's own pages, full of the byte @flags (@offset not 0: with one of them
 * twice, which is refused); that of @fd, with the rights @flags.
 */
#define ZVM_SAMPLE_CREATE	ZVM_SAMPLE_COMMAND(1)
#define ZVM_SAMPLE_WIRE		ZVM_SAMPLE_COMMAND(2)
#define ZVM_SAMPLE_ATTACH	ZVM_SAMPLE_COMMAND(3)
/* All of the session ends: mapping, pin, reference of the VMO, own pages. */
#define ZVM_SAMPLE_DETACH	ZVM_SAMPLE_COMMAND(4)
/* Returns a new descriptor with the rights @flags. */
#define ZVM_SAMPLE_FD		ZVM_SAMPLE_COMMAND(5)
/* @len bytes at @offset to or from @buffer. */
#define ZVM_SAMPLE_READ		ZVM_SAMPLE_COMMAND(6)
#define ZVM_SAMPLE_WRITE	ZVM_SAMPLE_COMMAND(7)
#define ZVM_SAMPLE_COMMIT	ZVM_SAMPLE_COMMAND(8)
/*
 * @out: koid, size, stream size, committed, options, wired, discarded, contiguous,
 * physical, cache policy
 */
#define ZVM_SAMPLE_QUERY	ZVM_SAMPLE_COMMAND(9)
/* Pin @len bytes at @offset; @out: number of pages that are different ones. */
#define ZVM_SAMPLE_PIN		ZVM_SAMPLE_COMMAND(10)
#define ZVM_SAMPLE_UNPIN	ZVM_SAMPLE_COMMAND(11)
/* Map @len bytes at @offset with the permissions @flags; @out: the address. */
#define ZVM_SAMPLE_MAP		ZVM_SAMPLE_COMMAND(12)
#define ZVM_SAMPLE_UNMAP	ZVM_SAMPLE_COMMAND(13)
/* Protect @len bytes at @offset of the mapping. */
#define ZVM_SAMPLE_PROTECT	ZVM_SAMPLE_COMMAND(14)
/* @out: base, size, koid, VMO offset, permissions, physical address, cache policy. */
#define ZVM_SAMPLE_MAP_QUERY	ZVM_SAMPLE_COMMAND(15)
/* A byte at @offset of the mapping: to @out, from @flags. EFAULT: it cannot be. */
#define ZVM_SAMPLE_PEEK		ZVM_SAMPLE_COMMAND(16)
#define ZVM_SAMPLE_POKE		ZVM_SAMPLE_COMMAND(17)
/* The same in the sample's own pages, by their own address. */
#define ZVM_SAMPLE_OWN_PEEK	ZVM_SAMPLE_COMMAND(18)
#define ZVM_SAMPLE_OWN_POKE	ZVM_SAMPLE_COMMAND(19)
/* @out: physical addresses of the pinned page at @offset and of that own page. */
#define ZVM_SAMPLE_WHERE	ZVM_SAMPLE_COMMAND(20)
/* The session's VMO: @len bytes in a row, the first aligned to 1 << @flags. */
#define ZVM_SAMPLE_CONTIGUOUS	ZVM_SAMPLE_COMMAND(21)
/* The session's VMO: @len bytes of physical memory from the address @offset on. */
#define ZVM_SAMPLE_PHYSICAL	ZVM_SAMPLE_COMMAND(22)
/* The cache policy @flags. */
#define ZVM_SAMPLE_SET_POLICY	ZVM_SAMPLE_COMMAND(23)

#endif /* ZVM_SAMPLE_H */
