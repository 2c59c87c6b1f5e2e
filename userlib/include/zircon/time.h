/* SPDX-License-Identifier: MIT OR GPL-2.0 */
#ifndef ZIRCON_TIME_H_
#define ZIRCON_TIME_H_

#include <stdint.h>
#include <zircon/compiler.h>

/**
 * DOC: Time
 *
 * Instants and durations are signed 64-bit counts of nanoseconds. Instants are
 * readings of CLOCK_MONOTONIC. The arithmetic here saturates: nothing added to
 * ZX_TIME_INFINITE makes it finite.
 */
typedef int64_t zx_time_t;
typedef int64_t zx_instant_mono_t;
typedef int64_t zx_instant_boot_t;
typedef int64_t zx_duration_t;
typedef int64_t zx_duration_mono_t;
typedef int64_t zx_duration_boot_t;
typedef int64_t zx_ticks_t;

#define ZX_TIME_INFINITE INT64_MAX
#define ZX_TIME_INFINITE_PAST INT64_MIN

__BEGIN_CDECLS

static __CONSTEXPR inline int64_t zx_time_add_saturated(int64_t a, int64_t b)
{
	int64_t sum = 0;

	if (__builtin_add_overflow(a, b, &sum))
		return b < 0 ? ZX_TIME_INFINITE_PAST : ZX_TIME_INFINITE;
	return sum;
}

static __CONSTEXPR inline int64_t zx_time_sub_saturated(int64_t a, int64_t b)
{
	int64_t difference = 0;

	if (__builtin_sub_overflow(a, b, &difference))
		return b < 0 ? ZX_TIME_INFINITE : ZX_TIME_INFINITE_PAST;
	return difference;
}

static __CONSTEXPR inline int64_t zx_time_mul_saturated(int64_t a, int64_t b)
{
	int64_t product = 0;

	if (__builtin_mul_overflow(a, b, &product))
		return (a < 0) != (b < 0) ? ZX_TIME_INFINITE_PAST : ZX_TIME_INFINITE;
	return product;
}

/* Instant + duration. */
static __CONSTEXPR inline zx_time_t zx_time_add_duration(zx_time_t time, zx_duration_t duration)
{
	return zx_time_add_saturated(time, duration);
}

/* Instant - duration. */
static __CONSTEXPR inline zx_time_t zx_time_sub_duration(zx_time_t time, zx_duration_t duration)
{
	return zx_time_sub_saturated(time, duration);
}

/* Instant - instant. */
static __CONSTEXPR inline zx_duration_t zx_time_sub_time(zx_time_t time1, zx_time_t time2)
{
	return zx_time_sub_saturated(time1, time2);
}

static __CONSTEXPR inline zx_duration_t zx_duration_add_duration(zx_duration_t a, zx_duration_t b)
{
	return zx_time_add_saturated(a, b);
}

static __CONSTEXPR inline zx_duration_t zx_duration_sub_duration(zx_duration_t a, zx_duration_t b)
{
	return zx_time_sub_saturated(a, b);
}

static __CONSTEXPR inline zx_duration_t zx_duration_mul_int64(zx_duration_t duration,
							      int64_t factor)
{
	return zx_time_mul_saturated(duration, factor);
}

static __CONSTEXPR inline int64_t zx_nsec_from_duration(zx_duration_t duration)
{
	return duration;
}

static __CONSTEXPR inline zx_duration_t zx_duration_from_nsec(int64_t n)
{
	return n;
}

static __CONSTEXPR inline zx_duration_t zx_duration_from_usec(int64_t n)
{
	return zx_time_mul_saturated(n, 1000);
}

static __CONSTEXPR inline zx_duration_t zx_duration_from_msec(int64_t n)
{
	return zx_time_mul_saturated(n, 1000000);
}

static __CONSTEXPR inline zx_duration_t zx_duration_from_sec(int64_t n)
{
	return zx_time_mul_saturated(n, 1000000000);
}

static __CONSTEXPR inline zx_duration_t zx_duration_from_min(int64_t n)
{
	return zx_time_mul_saturated(n, INT64_C(60) * 1000000000);
}

static __CONSTEXPR inline zx_duration_t zx_duration_from_hour(int64_t n)
{
	return zx_time_mul_saturated(n, INT64_C(3600) * 1000000000);
}

__END_CDECLS

/* Constant durations. These do not saturate, but work in any constant expression. */
#define ZX_NSEC(n) ((zx_duration_t)(1LL * (n)))
#define ZX_USEC(n) ((zx_duration_t)(1000LL * (n)))
#define ZX_MSEC(n) ((zx_duration_t)(1000000LL * (n)))
#define ZX_SEC(n) ((zx_duration_t)(1000000000LL * (n)))
#define ZX_MIN(n) ((zx_duration_t)(60LL * 1000000000LL * (n)))
#define ZX_HOUR(n) ((zx_duration_t)(3600LL * 1000000000LL * (n)))

#endif /* ZIRCON_TIME_H_ */
