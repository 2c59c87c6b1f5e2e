// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Results: a table on stdout as it comes, and a file for programs.
 */
#include <string.h>

#include "bench.h"

#define NAME_WIDTH 56

static FILE *csv;
static unsigned int passed, missed;

void report_open(const char *path)
{
	if (path) {
		csv = fopen(path, "w");
		if (!csv)
			die_errno(path);
		fputs("case,ours,linux,ratio,bar\n", csv);
	}
	printf("%-*s %11s %11s %6s %5s\n", NAME_WIDTH, "case", "ours", "Linux", "ratio", "bar");
	fflush(stdout);
}

void report(const struct bench_case *c, double ours, double theirs)
{
	double ratio = theirs > 0 ? ours / theirs : 0;
	/* Judged as it is printed. */
	bool pass = (long)(ratio * 100 + 0.5) <= (long)(c->bar * 100 + 0.5);

	pass = pass && (!c->most || ours <= c->most);
	if (strchr(c->name, ','))
		die(c->name, "a comma in the name of a case");
	if (pass)
		passed++;
	else
		missed++;
	printf("%-*s %11.0f %11.0f %6.2f %5.2f %s\n", NAME_WIDTH, c->name, ours, theirs, ratio,
	       c->bar, pass ? "PASS" : "MISS");
	fflush(stdout);
	if (csv)
		fprintf(csv, "%s,%.0f,%.0f,%.2f,%.2f\n", c->name, ours, theirs, ratio, c->bar);
}

void report_close(void)
{
	printf("%u of %u bars met\n", passed, passed + missed);
	if (csv && (ferror(csv) || fclose(csv)))
		die_errno("writing the results");
}
