// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * All kinds of operations: the tables one after the other.
 */
#include <stdlib.h>

#include "fuzz.h"

static const struct op_type *const tables[] = {
	command_types, call_types, memory_types, process_types, oracle_types,
	child_types,
};

static const struct op_type *types[MOST_TYPES];
static unsigned int count;

static void collect(void)
{
	for (unsigned int t = 0; t < ARRAY_SIZE(tables); t++)
		for (const struct op_type *type = tables[t]; type->name; type++) {
			if (count == MOST_TYPES)
				abort();
			types[count++] = type;
		}
}

unsigned int op_type_count(void)
{
	if (!count)
		collect();
	return count;
}

const struct op_type *op_type(unsigned int i)
{
	return i < op_type_count() ? types[i] : NULL;
}
