/* SPDX-License-Identifier: MIT OR GPL-2.0 */
#ifndef ZIRCON_SYSCALLS_PAGER_H_
#define ZIRCON_SYSCALLS_PAGER_H_

/*
 * The constants and records of pagers: operations, dirty ranges and statistics
 * are in <zircon/types.h>, the request packet is in <zircon/syscalls/port.h>.
 */
#include <zircon/syscalls/port.h>
#include <zircon/types.h>

#endif /* ZIRCON_SYSCALLS_PAGER_H_ */
