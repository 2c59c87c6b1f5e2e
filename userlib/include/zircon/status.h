/* SPDX-License-Identifier: MIT OR GPL-2.0 */
#ifndef ZIRCON_STATUS_H_
#define ZIRCON_STATUS_H_

#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/**
 * zx_status_get_string() - name of a status code
 * @status: any value
 *
 * Return: the name of the constant in <zircon/errors.h>, such as
 * "ZX_ERR_BAD_HANDLE", or "(UNKNOWN)". The string lives for ever.
 */
const char *zx_status_get_string(zx_status_t status) __CONST;

__END_CDECLS

#endif /* ZIRCON_STATUS_H_ */
