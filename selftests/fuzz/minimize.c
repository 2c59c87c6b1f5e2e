// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Making a failing program shorter, by leaving out parts of it: large ones first,
 * then smaller ones, until no single operation can be spared.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "watch.h"

static unsigned int count_kept(const bool *keep, unsigned int count)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < count; i++)
		n += keep[i];
	return n;
}

/* Leave out what is kept from number @from on, @size of it. */
static void leave_out(const bool *keep, bool *less, unsigned int count, unsigned int from,
		      unsigned int size)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < count; i++) {
		less[i] = keep[i] && (n < from || n >= from + size);
		n += keep[i];
	}
}

void minimize(unsigned int count, bool *keep, fails_fn *fails, void *data)
{
	unsigned int size = (count_kept(keep, count) + 1) / 2;
	bool less[MOST_OPS];

	while (size) {
		unsigned int from = 0;
		bool progress = false;

		while (from < count_kept(keep, count)) {
			leave_out(keep, less, count, from, size);
			if (count_kept(less, count) && fails(less, data)) {
				memcpy(keep, less, count);
				progress = true;
			} else {
				from += size;
			}
		}
		if (size > 1)
			size = (size + 1) / 2;
		else if (!progress)
			break;
	}
}

bool parse_ops(const char *text, bool *keep, unsigned int count)
{
	memset(keep, 0, count);
	while (*text) {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (end == text)
			return false;
		if (*end == '-') {
			text = end + 1;
			last = strtoul(text, &end, 10);
			if (end == text)
				return false;
		}
		if (first > last || last >= count || (*end && *end != ','))
			return false;
		for (unsigned long i = first; i <= last; i++)
			keep[i] = true;
		text = *end ? end + 1 : end;
	}
	return true;
}

void format_ops(char *text, size_t len, const bool *keep, unsigned int count)
{
	size_t at = 0;

	*text = 0;
	for (unsigned int i = 0; i < count && at + 16 < len; i++) {
		unsigned int last = i;

		if (!keep[i])
			continue;
		while (last + 1 < count && keep[last + 1])
			last++;
		at += (size_t)snprintf(text + at, len - at, last > i ? "%s%u-%u" : "%s%u",
				       at ? "," : "", i, last);
		i = last;
	}
}
