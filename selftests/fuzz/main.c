// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * zvm-fuzz: one program after the other, until one fails or time is up. See
 * fuzz.h for what they are.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "watch.h"

static const char usage[] =
	"usage: zvm-fuzz [--seed SEED] [--first N] [--operations N] [SECONDS]\n"
	"       zvm-fuzz --program SEED:N [--ops LIST] [--serial] [--repeat TIMES] [--print]\n"
	"       zvm-fuzz --program SEED:N [--serial] --minimize COMMAND\n"
	"\n"
	"Hostile random programs on /dev/zircon-vm, as root, with nobody else using it: for\n"
	"SECONDS (60) or N operations. The first that fails is made shorter, printed, and\n"
	"ends the run with status 1. The kernel's log tells which program has begun last.\n"
	"\n"
	"  --program SEED:N    this program only, TIMES (1) times\n"
	"  --ops LIST          only these of its operations: 1,4-7\n"
	"  --serial            one thread does all, in order\n"
	"  --print             show it, do nothing\n"
	"  --minimize COMMAND  make it shorter: COMMAND gets a LIST as its last argument,\n"
	"                      and fails (not with status 2) if the operations do\n";

struct shared *shared;

/* Below that many, a command that never worked may just have had bad luck. */
#define ENOUGH 20000

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- a program that fails ------------------------------------------------ */

/**
 * struct again - how to try a part of a program again
 * @times: at most, since what fails may depend on who is faster
 * @until: when to give up
 */
struct again {
	const struct program *p;
	bool serial;
	unsigned int times;
	double until;
	enum outcome last;
};

static bool fails_again(const bool *keep, void *data)
{
	struct again *again = data;

	for (unsigned int i = 0; i < again->times; i++) {
		if (again->last == FAILED_FOR_GOOD || seconds() > again->until)
			return false;
		again->last = attempt(again->p, keep, again->serial);
		if (again->last)
			return true;
	}
	return false;
}

static void print_shortest(const struct program *p, bool serial)
{
	struct again again = { .p = p, .times = 1, .until = seconds() + 150 };
	bool keep[MOST_OPS];
	char text[2048];

	memset(keep, true, sizeof(keep));
	printf("# making it shorter, which may take some minutes\n");
	fflush(stdout);
	again.serial = true;
	if (!serial && !fails_again(keep, &again)) {
		again.serial = false;
		again.times = 10;
	}
	minimize(p->count, keep, fails_again, &again);
	printf("# the shortest part of it that fails%s:\n", again.serial ? " (with --serial)" : "");
	print_program(p, keep);
	format_ops(text, sizeof(text), keep, p->count);
	printf("# zvm-fuzz --program %" PRIu64 ":%" PRIu64 "%s --ops %s\n", p->seed, p->number,
	       again.serial ? " --serial" : " --repeat 100", text);
}

static void print_failure(const struct program *p, enum outcome outcome, bool serial)
{
	char why[sizeof(shared->failure)];

	memcpy(why, shared->failure, sizeof(why));
	printf("# FAILED: program %" PRIu64 ":%" PRIu64 ": %s\n", p->seed, p->number, why);
	print_program(p, NULL);
	printf("# zvm-fuzz --program %" PRIu64 ":%" PRIu64 "\n", p->seed, p->number);
	if (outcome == FAILED)
		print_shortest(p, serial);
	else
		printf("# tools/fuzz-minimize %" PRIu64 ":%" PRIu64 " finds the shortest part\n",
		       p->seed, p->number);
}

/* ---- many programs ------------------------------------------------------- */

static void print_progress(double since, uint64_t programs)
{
	unsigned long total = atomic_load(&shared->total);

	printf("# %4.0f s: %" PRIu64 " programs, %lu operations (%.0f/s), %lu faults\n", since, programs,
	       total, (double)total / (since > 1 ? since : 1), atomic_load(&shared->faults));
	fflush(stdout);
}

static int fuzz(uint64_t seed, uint64_t first, double how_long, unsigned long operations)
{
	double begin = seconds(), tell = begin + 10;
	enum outcome outcome = PASSED;
	static struct program p;
	uint64_t n = first;
	bool good;

	printf("TAP version 13\n1..2\n# seed %" PRIu64 "\n", seed);
	fflush(stdout);
	while (!outcome && seconds() < begin + how_long && atomic_load(&shared->total) < operations) {
		make_program(&p, seed, n++);
		outcome = attempt(&p, NULL, false);
		if (seconds() > tell) {
			print_progress(seconds() - begin, n - first);
			tell += 10;
		}
	}
	print_progress(seconds() - begin, n - first);
	if (outcome)
		print_failure(&p, outcome, false);
	print_counts();
	printf("%s 1 - %lu operations with seed %" PRIu64 "\n", outcome ? "not ok" : "ok",
	       atomic_load(&shared->total), seed);
	good = atomic_load(&shared->total) < ENOUGH || !never_worked();
	printf("%s 2 - every command has worked\n", good ? "ok" : "not ok");
	return outcome || !good;
}

static int run_one(const struct program *p, const bool *keep, bool serial, unsigned int times)
{
	enum outcome outcome = PASSED;

	for (unsigned int i = 0; i < times && !outcome; i++)
		outcome = attempt(p, keep, serial);
	if (!outcome) {
		printf("# program %" PRIu64 ":%" PRIu64 " has not failed\n", p->seed, p->number);
		return 0;
	}
	if (keep)
		printf("# FAILED: %s\n", shared->failure);
	else
		print_failure(p, outcome, serial);
	return 1;
}

/* ---- by a command -------------------------------------------------------- */

struct by_command {
	const char *command;
	unsigned int count;
};

static bool command_fails(const bool *keep, void *data)
{
	const struct by_command *by = data;
	char line[8192], list[2048];
	int status;

	format_ops(list, sizeof(list), keep, by->count);
	snprintf(line, sizeof(line), "%s %s", by->command, list);
	status = system(line);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2) {
		fprintf(stderr, "zvm-fuzz: cannot run: %s\n", line);
		exit(2);
	}
	printf("# %s: operations %s\n", status ? "fails" : "works", list);
	fflush(stdout);
	return status != 0;
}

static int minimize_by(const struct program *p, const char *command)
{
	struct by_command by = { command, p->count };
	bool keep[MOST_OPS];

	memset(keep, true, sizeof(keep));
	if (!command_fails(keep, &by)) {
		printf("# program %" PRIu64 ":%" PRIu64 " has not failed\n", p->seed, p->number);
		return 1;
	}
	minimize(p->count, keep, command_fails, &by);
	printf("# the shortest part of it that fails:\n");
	print_program(p, keep);
	return 0;
}

/* ---- options ------------------------------------------------------------- */

static uint64_t new_seed(void)
{
	uint32_t seed;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = (uint32_t)time(NULL);
	return seed;
}

static int bad_usage(void)
{
	fputs(usage, stderr);
	return 2;
}

int main(int argc, char **argv)
{
	enum { SEED = 1, FIRST, OPERATIONS, PROGRAM, OPS, SERIAL, REPEAT, PRINT, MINIMIZE, NOTHING,
	       HELP };
	static const struct option options[] = {
		{ "seed", 1, 0, SEED }, { "first", 1, 0, FIRST }, { "operations", 1, 0, OPERATIONS },
		{ "program", 1, 0, PROGRAM }, { "ops", 1, 0, OPS }, { "serial", 0, 0, SERIAL },
		{ "repeat", 1, 0, REPEAT }, { "print", 0, 0, PRINT }, { "minimize", 1, 0, MINIMIZE },
		{ "nothing", 0, 0, NOTHING }, { "help", 0, 0, HELP }, { 0, 0, 0, 0 }
	};
	uint64_t seed = new_seed(), first = 0;
	unsigned long operations = ~0ul, repeat = 1;
	bool one = false, serial = false, print = false;
	const char *ops = NULL, *command = NULL;
	static struct program p;
	bool keep[MOST_OPS];
	int option, status;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case SEED:
			seed = strtoull(optarg, NULL, 0);
			break;
		case FIRST:
			first = strtoull(optarg, NULL, 0);
			break;
		case OPERATIONS:
			operations = strtoul(optarg, NULL, 0);
			break;
		case PROGRAM:
			one = sscanf(optarg, "%" SCNu64 ":%" SCNu64, &seed, &first) == 2;
			if (!one)
				return bad_usage();
			break;
		case OPS:
			ops = optarg;
			break;
		case SERIAL:
			serial = true;
			break;
		case REPEAT:
			repeat = strtoul(optarg, NULL, 0);
			break;
		case PRINT:
			print = true;
			break;
		case MINIMIZE:
			command = optarg;
			break;
		case NOTHING:	/* what programs execute */
			return 0;
		case HELP:
			fputs(usage, stdout);
			return 0;
		default:
			return bad_usage();
		}
	}
	if (optind < argc - 1 || (!one && (ops || serial || print || command)))
		return bad_usage();

	make_program(&p, seed, first);
	if (ops && !parse_ops(ops, keep, p.count))
		return bad_usage();
	if (print) {
		print_program(&p, ops ? keep : NULL);
		return 0;
	}
	if (command)
		return minimize_by(&p, command);

	prepare_attempts();
	if (one)
		status = run_one(&p, ops ? keep : NULL, serial, (unsigned int)repeat);
	else
		status = fuzz(seed, first, optind < argc ? strtod(argv[optind], NULL) :
			      operations == ~0ul ? 60 : 1e9, operations);
	end_attempts();
	return status;
}
