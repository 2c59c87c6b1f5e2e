/* SPDX-License-Identifier: MIT OR GPL-2.0 */
#ifndef ZIRCON_COMPILER_H_
#define ZIRCON_COMPILER_H_

/**
 * DOC: Compiler
 *
 * The spelling Zircon code uses for compiler features. Every name is defined
 * only if the program (or its C library) has not done so: several are short and
 * popular.
 */

#ifndef __BEGIN_CDECLS
#ifdef __cplusplus
#define __BEGIN_CDECLS extern "C" {
#define __END_CDECLS }
#else
#define __BEGIN_CDECLS
#define __END_CDECLS
#endif
#endif

#ifndef likely
#define likely(x) __builtin_expect(!!(x), 1)
#endif
#ifndef unlikely
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif

/* Visibility and linkage */
#ifndef __EXPORT
#define __EXPORT __attribute__((visibility("default")))
#endif
#ifndef __LOCAL
#define __LOCAL __attribute__((visibility("hidden")))
#endif
#ifndef __WEAK
#define __WEAK __attribute__((weak))
#endif
#ifndef __ALIAS
#define __ALIAS(x) __attribute__((alias(x)))
#endif
#ifndef __SECTION
#define __SECTION(x) __attribute__((section(x)))
#endif

/* Functions */
#ifndef __NO_RETURN
#define __NO_RETURN __attribute__((noreturn))
#endif
#ifndef __NO_INLINE
#define __NO_INLINE __attribute__((noinline))
#endif
#ifndef __ALWAYS_INLINE
#define __ALWAYS_INLINE __attribute__((always_inline))
#endif
#ifndef __CONST
#define __CONST __attribute__((const))
#endif
#ifndef __PURE
#define __PURE __attribute__((pure))
#endif
#ifndef __LEAF_FN
#define __LEAF_FN __attribute__((leaf))
#endif
#ifndef __MALLOC
#define __MALLOC __attribute__((malloc))
#endif
#ifndef __COLD
#define __COLD __attribute__((cold))
#endif
#ifndef __NONNULL
#define __NONNULL(x) __attribute__((nonnull x))
#endif
#ifndef __WARN_UNUSED_RESULT
#define __WARN_UNUSED_RESULT __attribute__((warn_unused_result))
#endif
#ifndef __PRINTFLIKE
#define __PRINTFLIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#endif
#ifndef __SCANFLIKE
#define __SCANFLIKE(fmt, args) __attribute__((format(scanf, fmt, args)))
#endif
#ifndef __DEPRECATE
#define __DEPRECATE __attribute__((deprecated))
#endif

/* Data and layout */
#ifndef __UNUSED
#define __UNUSED __attribute__((unused))
#endif
#ifndef __USED
#define __USED __attribute__((used))
#endif
#ifndef __PACKED
#define __PACKED __attribute__((packed))
#endif
#ifndef __ALIGNED
#define __ALIGNED(x) __attribute__((aligned(x)))
#endif
#ifndef __THREAD
#define __THREAD __thread
#endif
#ifndef __RESTRICT
#define __RESTRICT __restrict
#endif

/* Statements and expressions */
#ifndef __UNREACHABLE
#define __UNREACHABLE __builtin_unreachable()
#endif
#ifndef __FALLTHROUGH
#if defined(__cplusplus) && __cplusplus >= 201703L
#define __FALLTHROUGH [[fallthrough]]
#else
#define __FALLTHROUGH __attribute__((fallthrough))
#endif
#endif
#ifndef __CONSTEXPR
#ifdef __cplusplus
#define __CONSTEXPR constexpr
#else
#define __CONSTEXPR
#endif
#endif

#endif /* ZIRCON_COMPILER_H_ */
