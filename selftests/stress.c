// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * zvm-stress: starts the processes and threads, watches them, and sees at the
 * end whether everything is given back. See stress.h for what they do.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stress.h"

static const char usage[] =
	"usage: zvm-stress [-s SEED] [-p PROCESSES] [-t THREADS] [SECONDS]\n"
	"Random operations on VMOs and VMARs for SECONDS (60), by PROCESSES (3) of\n"
	"THREADS (3) each, checked against a model. SEED sets the choices of every\n"
	"thread, but not who runs when. Fails also if objects, handles or pages are left\n"
	"at the end: nobody else should use the module at the same time.\n";

/* Without any progress of a thread for so long, something hangs. */
#define PATIENCE 90
#define REPORT_EVERY 5

struct shared *shared;
struct local local;
__thread struct worker me;

/* ---- for everybody ------------------------------------------------------ */

void fail(const char *fmt, ...)
{
	char text[512];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	/* Only the first: what follows may be its consequence. */
	if (!shared || !atomic_exchange(&shared->failed, true))
		dprintf(2, "zvm-stress: process %u (%d), thread %u, in %s: %.*s\n", me.proc, getpid(),
			me.thread, shared ? shared->doing[me.proc][me.thread] : "the start",
			len < (int)sizeof(text) ? len : (int)sizeof(text) - 1, text);
	_exit(1);
}

void expect(zx_status_t want, zx_status_t got, const char *what)
{
	if (got != want)
		fail("%s: %s instead of %s", what, zx_status_get_string(got),
		     zx_status_get_string(want));
}

/* splitmix64 */
uint64_t random_number(void)
{
	uint64_t z = me.random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* ---- a thread ----------------------------------------------------------- */

static const struct op {
	void (*run)(void);
	const char *name;
	unsigned int weight;
} ops[] = {
	{ op_create, "create", 4 },
	{ op_read, "read", 30 },
	{ op_write, "write", 40 },
	{ op_zero, "ZERO", 10 },
	{ op_decommit, "DECOMMIT", 10 },
	{ op_commit, "COMMIT", 10 },
	{ op_hint, "hints", 5 },
	{ op_resize, "set_size", 8 },
	{ op_stream_size, "stream size", 4 },
	{ op_beyond, "past the end", 5 },
	{ op_vmo_info, "VMO info", 5 },
	{ op_mmap, "mmap", 8 },
	{ op_duplicate, "duplicate", 8 },
	{ op_share, "share", 10 },
	{ op_hot_handle, "hot handle", 10 },
	{ op_sparse, "sparse", 4 },
	{ op_snapshot, "snapshot", 8 },
	{ op_keep, "keep", 20 },
	{ op_kept, "kept", 40 },
	{ op_take_pages, "take pages", 8 },
	{ op_view, "views", 15 },
	{ op_map, "map", 40 },
	{ op_unmap, "unmap", 20 },
	{ op_protect, "protect", 30 },
	{ op_range, "VMAR op_range", 20 },
	{ op_swap, "swap", 20 },
	{ op_tree, "VMAR info", 10 },
	{ op_destroy, "destroy", 2 },
	{ op_look, "look", 60 },
	{ op_change, "change", 60 },
	{ op_through_kernel, "by the kernel", 40 },
	{ op_race, "race", 60 },
	{ op_peek, "peek", 20 },
	{ op_madvise, "madvise", 10 },
	{ op_placed, "placed", 6 },
	{ op_nested, "nested", 4 },
	{ op_inbox, "inbox", 40 },
	{ op_fork, "fork", 1 },
	{ op_exec, "exec", 1 },
	{ op_kill, "kill", 1 },
};

#define N_OPS (sizeof(ops) / sizeof(*ops))

_Static_assert(N_OPS <= OPS_MOST, "a counter for each");

static unsigned int choose_op(void)
{
	unsigned int total = 0, at, i;

	for (i = 0; i < N_OPS; i++)
		total += ops[i].weight;
	at = below(total);
	for (i = 0; at >= ops[i].weight; i++)
		at -= ops[i].weight;
	return i;
}

static void set_worker(unsigned int proc, unsigned int thread)
{
	me.proc = proc;
	me.thread = thread;
	me.random = shared->seed * 1000003 + proc * 1009 + thread;
}

/* What a thread is told. */
struct start {
	unsigned int proc;
	unsigned int thread;
};

static void *thread_main(void *arg)
{
	struct start *start = arg;

	set_worker(start->proc, start->thread);
	me.buffer = malloc(SLOT_BYTES + PAGE);
	if (!me.buffer || pipe2(me.pipe, O_CLOEXEC))
		fail("no memory or files for a thread");
	while (!atomic_load(&shared->stop) && !atomic_load(&shared->failed)) {
		unsigned int i = choose_op();

		atomic_store(&shared->doing[me.proc][me.thread], ops[i].name);
		ops[i].run();
		atomic_fetch_add_explicit(&shared->done[i], 1, memory_order_relaxed);
		atomic_fetch_add(&shared->progress[me.proc][me.thread], 1);
	}
	return NULL;
}

/* ---- a process ---------------------------------------------------------- */

static void on_interrupt(int sig)
{
	(void)sig;
}

/* Half of the processes give everything back, the others leave it to exit(2). */
static void clean_up(void)
{
	if (me.proc % 2)
		return;
	drop_all_kept();
	for (unsigned int n = 0; n < SLOTS; n++)
		expect(ZX_OK, zx_handle_close(local.vmo[n]), "zx_handle_close");
	for (unsigned int r = 0; r < REGIONS; r++) {
		expect(ZX_OK, zx_vmar_destroy(local.region[r]), "zx_vmar_destroy");
		expect(ZX_OK, zx_handle_close(local.region[r]), "zx_handle_close");
	}
	expect(ZX_OK, zx_handle_close_many(local.lent, MOST_PROCESSES), "zx_handle_close_many");
	expect(ZX_OK, zx_handle_close(local.hot), "zx_handle_close");
}

static void process_main(unsigned int proc)
{
	struct sigaction sa = { .sa_handler = on_interrupt };
	pthread_t threads[MOST_THREADS];
	struct start starts[MOST_THREADS];

	/* Nobody survives the parent. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	set_worker(proc, 0);
	atomic_store(&shared->doing[proc][0], "the start");
	/* System calls get interrupted. */
	sigaction(SIGUSR1, &sa, NULL);
	make_regions();

	for (unsigned int t = 0; t < shared->threads; t++) {
		starts[t] = (struct start) { proc, t };
		if (pthread_create(&threads[t], NULL, thread_main, &starts[t]))
			fail("pthread_create");
	}
	while (!atomic_load(&shared->stop) && !atomic_load(&shared->failed)) {
		usleep(20000);
		pthread_kill(threads[random_number() % shared->threads], SIGUSR1);
	}
	for (unsigned int t = 0; t < shared->threads; t++)
		pthread_join(threads[t], NULL);
	atomic_store(&shared->doing[proc][0], "the end");
	clean_up();
	_exit(atomic_load(&shared->failed));
}

/* ---- the supervisor ----------------------------------------------------- */

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct zvm_stats stats(void)
{
	struct zvm_stats s;

	expect(ZX_OK, zvm_stats(&s), "zvm_stats");
	return s;
}

static bool same_stats(const struct zvm_stats *a, const struct zvm_stats *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static void print_stats(const char *when, const struct zvm_stats *s)
{
	printf("%s: %" PRIu64 " VMOs, %" PRIu64 " VMARs, %" PRIu64 " address spaces, %" PRIu64
	       " mappings, %" PRIu64 " handles, %" PRIu64 " pages, %" PRIu64 " nodes\n", when,
	       (uint64_t)s->vmos, (uint64_t)s->vmars, (uint64_t)s->aspaces, (uint64_t)s->mappings,
	       (uint64_t)s->handles, (uint64_t)s->pages, (uint64_t)s->page_nodes);
	fflush(stdout);
}

static unsigned long long all_done(void)
{
	unsigned long long sum = 0;

	for (unsigned int i = 0; i < N_OPS; i++)
		sum += atomic_load(&shared->done[i]);
	return sum;
}

static void progress(double since)
{
	struct zvm_stats s = stats();

	printf("%3.0f s: %llu operations, %llu faults; %" PRIu64 " VMOs, %" PRIu64 " mappings, %"
	       PRIu64 " pages\n", since, all_done(), (unsigned long long)shared->faults,
	       (uint64_t)s.vmos, (uint64_t)s.mappings, (uint64_t)s.pages);
	fflush(stdout);
}

/* The thread that has made no progress since the last call, or NULL. */
static const char *stuck(void)
{
	static unsigned long long seen[MOST_PROCESSES][MOST_THREADS];
	static char text[128];
	const char *found = NULL;

	for (unsigned int p = 0; p < shared->processes; p++) {
		for (unsigned int t = 0; t < shared->threads; t++) {
			unsigned long long now = shared->progress[p][t];

			if (now == seen[p][t]) {
				const char *doing = shared->doing[p][t];

				snprintf(text, sizeof(text), "process %u (%d), thread %u hangs in %s", p,
					 shared->all[p].pid, t, doing ? doing : "its start");
				found = text;
			}
			seen[p][t] = now;
		}
	}
	return found;
}

/* Copy a file of /proc to stderr, at most @len bytes. */
static void show_file(const char *dir, const char *file, size_t len)
{
	char path[256], text[2048];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, text, len < sizeof(text) ? len : sizeof(text));
	if (n > 0)
		fprintf(stderr, "%s: %.*s%s", path, (int)n, text, text[n - 1] == '\n' ? "" : "\n");
	close(fd);
}

/* Where is everybody? The stacks are for root only. */
static void show_threads(void)
{
	glob_t found;

	if (glob("/proc/[0-9]*/task/[0-9]*", 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char path[256], name[16] = "";
		int fd;

		snprintf(path, sizeof(path), "%s/comm", found.gl_pathv[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (read(fd, name, sizeof(name) - 1) > 0 && !strncmp(name, "zvm-stress", 10)) {
			show_file(found.gl_pathv[i], "syscall", 200);
			show_file(found.gl_pathv[i], "stack", 700);
		}
		close(fd);
	}
	globfree(&found);
}

/* Wait until all have ended, for a while; how many have not. */
static unsigned int reap_all(pid_t *pids, double patience)
{
	double until = seconds() + patience;
	unsigned int left;

	for (;;) {
		left = 0;
		for (unsigned int p = 0; p < shared->processes; p++) {
			int status;

			if (!pids[p])
				continue;
			if (waitpid(pids[p], &status, WNOHANG) == 0) {
				left++;
				continue;
			}
			pids[p] = 0;
			if (status && !atomic_exchange(&shared->failed, true))
				fprintf(stderr, "zvm-stress: process %u ended with status %#x\n", p, status);
		}
		if (!left || seconds() > until)
			return left;
		usleep(50000);
	}
}

static void start_processes(pid_t *pids)
{
	fflush(stdout);
	for (unsigned int p = 0; p < shared->processes; p++) {
		pids[p] = fork();
		if (pids[p] < 0) {
			perror("zvm-stress: fork");
			exit(1);
		}
		if (!pids[p])
			process_main(p);
	}
}

static void run(pid_t *pids, double duration)
{
	double start = seconds(), next = start + REPORT_EVERY, check = start + PATIENCE;

	start_processes(pids);
	while (seconds() < start + duration && !atomic_load(&shared->failed)) {
		/* One that dies takes its locks along. */
		if (reap_all(pids, 0) < shared->processes && !atomic_exchange(&shared->failed, true))
			fprintf(stderr, "zvm-stress: a process ended before its time\n");
		if (seconds() >= next) {
			progress(seconds() - start);
			next += REPORT_EVERY;
		}
		if (seconds() >= check) {
			const char *who = stuck();

			if (who && !atomic_exchange(&shared->failed, true)) {
				fprintf(stderr, "zvm-stress: %s\n", who);
				show_threads();
			}
			check += PATIENCE;
		}
		usleep(100000);
	}
	atomic_store(&shared->stop, true);
	if (reap_all(pids, shared->failed ? 5 : PATIENCE)) {
		if (!atomic_exchange(&shared->failed, true)) {
			stuck();
			sleep(1);
			fprintf(stderr, "zvm-stress: at the end %s\n", stuck());
			show_threads();
		}
		for (unsigned int p = 0; p < shared->processes; p++)
			if (pids[p])
				kill(pids[p], SIGKILL);
		reap_all(pids, PATIENCE);
	}
}

/* Memory of processes that have ended is given back a little later. */
static bool all_returned(const struct zvm_stats *before)
{
	double until = seconds() + 10;
	struct zvm_stats now;

	do {
		now = stats();
		if (same_stats(before, &now))
			return true;
		usleep(50000);
	} while (seconds() < until);
	print_stats("before", before);
	print_stats("after", &now);
	fputs("zvm-stress: not everything was given back\n", stderr);
	return false;
}

static void print_counts(void)
{
	for (unsigned int i = 0; i < N_OPS; i++)
		printf("%s %llu%s", ops[i].name, (unsigned long long)shared->done[i],
		       i + 1 == N_OPS ? "\n" : i % 8 == 7 ? ",\n" : ", ");
	printf("unlocked accesses: %llu judged, %llu not, since something changed meanwhile\n",
	       (unsigned long long)shared->checked, (unsigned long long)shared->unclear);
}

static void make_shared(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED) {
		perror("zvm-stress: mmap");
		exit(1);
	}
}

static void setup(void)
{
	make_shared();
	init_slots();
	init_regions();
	for (unsigned int p = 0; p < MOST_PROCESSES; p++) {
		if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
			       shared->all[p].inbox)) {
			perror("zvm-stress: socketpair");
			exit(1);
		}
	}
}

/* What lies in the inboxes are handles, too. */
static void close_inboxes(void)
{
	for (unsigned int p = 0; p < MOST_PROCESSES; p++) {
		close(shared->all[p].inbox[0]);
		close(shared->all[p].inbox[1]);
	}
}

static unsigned long number(const char *text, unsigned long least, unsigned long most)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 0);
	if (errno || end == text || *end || n < least || n > most) {
		fputs(usage, stderr);
		exit(2);
	}
	return n;
}

int main(int argc, char **argv)
{
	unsigned long duration = 60, processes = 3, threads = 3, seed;
	pid_t pids[MOST_PROCESSES] = { 0 };
	struct zvm_stats before;
	struct timespec t;
	int option;

	if (argc == 4 && !strcmp(argv[1], "--child")) {
		/* All that it shares is the VMO. */
		make_shared();
		atomic_store(&shared->doing[0][0], "a new program");
		return exec_child(atoi(argv[2]), (uint32_t)strtoul(argv[3], NULL, 10));
	}

	clock_gettime(CLOCK_REALTIME, &t);
	seed = (unsigned long)(t.tv_sec ^ t.tv_nsec) % 1000000;
	while ((option = getopt(argc, argv, "s:p:t:")) != -1) {
		switch (option) {
		case 's':
			seed = number(optarg, 0, ~0ul);
			break;
		case 'p':
			processes = number(optarg, 1, MOST_PROCESSES);
			break;
		case 't':
			threads = number(optarg, 1, MOST_THREADS);
			break;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind < argc)
		duration = number(argv[optind++], 1, 1000000);
	if (optind < argc)
		return number("", 0, 0);

	setup();
	shared->seed = seed;
	shared->processes = (unsigned int)processes;
	shared->threads = (unsigned int)threads;
	printf("zvm-stress: %lu s, %lu processes of %lu threads, seed %lu\n", duration, processes,
	       threads, seed);
	before = stats();
	print_stats("at the start", &before);
	run(pids, (double)duration);
	close_inboxes();
	print_counts();
	if (!atomic_load(&shared->failed) && !all_returned(&before))
		atomic_store(&shared->failed, true);
	printf("zvm-stress: %s (seed %lu)\n", shared->failed ? "FAILED" : "passed", seed);
	return shared->failed;
}
