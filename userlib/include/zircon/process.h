/* SPDX-License-Identifier: MIT OR GPL-2.0 */
#ifndef ZIRCON_PROCESS_H_
#define ZIRCON_PROCESS_H_

#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/**
 * zx_vmar_root_self() - the root region of the calling process
 *
 * The handle belongs to the library: use it, duplicate it, do not close it. It
 * is made at the first call, which also reserves the address range (the arena)
 * in which the regions and mappings of the process live; later calls return the
 * same value. A forked child has a root region of its own and gets a handle of
 * its own here, even if the parent had called this before; the parent's handle
 * gives the child no access to anything.
 *
 * The handle has ZX_DEFAULT_VMAR_RIGHTS and READ, WRITE and EXECUTE; the region
 * allows ZX_VM_CAN_MAP_SPECIFIC and all CAN_MAP_... permissions. ZX_INFO_VMAR
 * tells the range. Unlike Zircon's call of that name, this one can fail.
 *
 * Return: the handle, or ZX_HANDLE_INVALID if the module is not there (see
 * zx_vmo_create() on ZX_ERR_UNAVAILABLE), or if the limits on address space or
 * on open files leave no room.
 */
zx_handle_t zx_vmar_root_self(void);

__END_CDECLS

#endif /* ZIRCON_PROCESS_H_ */
