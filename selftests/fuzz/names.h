/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * For tables of arguments: values by name.
 */
#ifndef ZVM_FUZZ_NAMES_H
#define ZVM_FUZZ_NAMES_H

#include "fuzz.h"

#define N(x) { (uint64_t)(x), #x }
#define NAMES(...) ((const struct name[]){ __VA_ARGS__, { 0, NULL } })
/* Sets of flags that are used together: a name is not needed, but ends the list. */
#define SETS(...) ((const struct name[]){ __VA_ARGS__, { 0, NULL } })
#define S(x) { (uint64_t)(x), "" }

#define ARG(_name, _class, ...) { .name = #_name, .class = _class, __VA_ARGS__ }
#define FILE_ARG(_from) { .name = "fd", .class = A_FD, .from = (_from) }

#define CALL(_name, _weight, _nr, ...) \
	{ .name = #_name, .weight = (_weight), .call = (_nr), .args = { __VA_ARGS__ } }
#define RUN(_name, _weight, _run, ...) \
	{ .name = #_name, .weight = (_weight), .call = -1, .run = (_run), .args = { __VA_ARGS__ } }

#endif /* ZVM_FUZZ_NAMES_H */
