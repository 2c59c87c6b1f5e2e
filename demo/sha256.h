/* SPDX-License-Identifier: MIT OR GPL-2.0 */
#ifndef ZVM_DEMO_SHA256_H
#define ZVM_DEMO_SHA256_H

#include <stddef.h>

#define SHA256_HEX_LEN 64

/* The SHA-256 of @len bytes at @data, as sha256sum(1) prints it. */
void sha256_hex(const void *data, size_t len, char hex[SHA256_HEX_LEN + 1]);

#endif /* ZVM_DEMO_SHA256_H */
