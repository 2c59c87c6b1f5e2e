/* SPDX-License-Identifier: MIT OR GPL-2.0 */
#ifndef ZIRCON_LIMITS_H_
#define ZIRCON_LIMITS_H_

/*
 * Bounds for the size of a page on this architecture. The size itself is known
 * at run time only: zx_system_get_page_size().
 */
#define ZX_MIN_PAGE_SHIFT (12u)
#define ZX_MIN_PAGE_SIZE (1u << ZX_MIN_PAGE_SHIFT)
#ifdef __aarch64__
#define ZX_MAX_PAGE_SHIFT (16u)
#else
#define ZX_MAX_PAGE_SHIFT (21u)
#endif
#define ZX_MAX_PAGE_SIZE (1u << ZX_MAX_PAGE_SHIFT)

/* Items in one zx_object_wait_many(). */
#define ZX_WAIT_MANY_MAX_ITEMS (64u)

/* Handles in one message; zx_handle_close_many() reads its array in such parts. */
#define ZX_CHANNEL_MAX_MSG_HANDLES (64u)

#endif /* ZIRCON_LIMITS_H_ */
