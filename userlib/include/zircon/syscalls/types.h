/* SPDX-License-Identifier: MIT OR GPL-2.0 */
#ifndef ZIRCON_SYSCALLS_TYPES_H_
#define ZIRCON_SYSCALLS_TYPES_H_

/* The types that the calls of <zircon/syscalls.h> name. */
#include <zircon/syscalls/port.h>
#include <zircon/types.h>

#endif /* ZIRCON_SYSCALLS_TYPES_H_ */
