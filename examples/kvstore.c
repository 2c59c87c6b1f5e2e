// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * A key-value store in memory that saves itself to a file while it goes on.
 *
 * One thread serves: it puts values into a table as fast as it can. Every now and
 * then the table is to be saved as it is at one instant. This program does that in
 * two ways and tells what each costs: how long the call took, for how long the
 * server put nothing, and how much it got done.
 *
 *   snapshot  The table is a VMO. zx_vmo_create_child() makes a snapshot of it, a
 *             VMO of its own with the same content, and a second thread writes
 *             that to the file. Nothing is copied but the pages that the server
 *             writes to meanwhile.
 *   fork      The table is ordinary memory, and the process forks, as databases
 *             do for want of something better: the child has the memory as it was,
 *             writes the file and exits. The server stands still while the kernel
 *             copies its page tables, and whatever else is in the process is
 *             forked, too.
 *
 * usage: kvstore [MiB] [SAVES]
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <zircon/process.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>

/* ---- the store ----------------------------------------------------------- */

#define VALUE_SIZE 108

struct slot {
	uint64_t version;	/* how often it was put */
	char value[VALUE_SIZE];
	uint32_t sum;		/* of both: a torn slot would show */
};

/*
 * The table. A put raises @begun first and @ended last, so the table of one
 * instant has a sum of versions between the two, and they differ by one at most.
 */
struct table {
	_Atomic uint64_t begun;
	_Atomic uint64_t ended;
	uint64_t slots;
	struct slot slot[];
};

static uint32_t sum_of(const struct slot *slot)
{
	uint32_t sum = 2166136261u ^ (uint32_t)slot->version;

	for (int i = 0; i < VALUE_SIZE; i++)
		sum = (sum ^ (unsigned char)slot->value[i]) * 16777619u;
	return sum;
}

static void put(struct table *table, uint64_t key, uint64_t value)
{
	struct slot *slot = &table->slot[key % table->slots], new = { .version = slot->version + 1 };

	snprintf(new.value, sizeof(new.value), "value %llu of key %llu",
		 (unsigned long long)value, (unsigned long long)key);
	new.sum = sum_of(&new);
	atomic_fetch_add(&table->begun, 1);
	*slot = new;
	atomic_fetch_add(&table->ended, 1);
}

/* Is @table, as it was saved, the table of one instant? One put may be under way. */
static bool consistent(const struct table *table)
{
	uint64_t versions = 0, torn = 0;

	for (uint64_t i = 0; i < table->slots; i++) {
		versions += table->slot[i].version;
		torn += sum_of(&table->slot[i]) != table->slot[i].sum;
	}
	return table->begun - table->ended <= 1 && torn <= table->begun - table->ended &&
	       versions >= table->ended && versions <= table->begun;
}

/* ---- the server ---------------------------------------------------------- */

static struct {
	struct table *table;
	atomic_bool stop;
	_Atomic uint64_t longest_pause;	/* ns between two puts */
} server;

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void *serve(void *unused)
{
	uint64_t random = 88172645463325252ull, last = now();

	for (uint64_t n = 0; !server.stop; n++) {
		uint64_t time;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		put(server.table, random, n);
		time = now();
		if (time - last > server.longest_pause)
			server.longest_pause = time - last;
		last = time;
	}
	return unused;
}

/* ---- saving -------------------------------------------------------------- */

static void die(const char *what, const char *why)
{
	fprintf(stderr, "kvstore: %s: %s\n", what, why);
	exit(1);
}

static void must(zx_status_t status, const char *what)
{
	if (status != ZX_OK)
		die(what, zx_status_get_string(status));
}

static FILE *file_to_save_to(void)
{
	FILE *file = tmpfile();	/* a real store has a name, and renames it at the end */

	if (!file)
		die("tmpfile", strerror(errno));
	return file;
}

static void write_out(FILE *file, const void *data, size_t size)
{
	if (fwrite(data, 1, size, file) != size || fflush(file))
		die("saving", strerror(errno));
}

static zx_handle_t table_vmo;

/* The snapshot's content goes to the file by way of a small buffer. */
static uint64_t save_by_snapshot(FILE *file, size_t size)
{
	static char buffer[1 << 20];
	uint64_t start = now(), called;
	zx_handle_t snapshot;

	must(zx_vmo_create_child(table_vmo, ZX_VMO_CHILD_SNAPSHOT, 0, size, &snapshot),
	     "zx_vmo_create_child");
	called = now() - start;
	for (size_t at = 0; at < size; at += sizeof(buffer)) {
		must(zx_vmo_read(snapshot, buffer, at, sizeof(buffer)), "zx_vmo_read");
		write_out(file, buffer, sizeof(buffer));
	}
	/* Pages that only the snapshot has go with it. */
	must(zx_handle_close(snapshot), "zx_handle_close");
	return called;
}

static uint64_t save_by_fork(FILE *file, size_t size)
{
	uint64_t start = now(), called;
	int status;
	pid_t child = fork();

	if (child < 0)
		die("fork", strerror(errno));
	if (!child) {
		write_out(file, server.table, size);
		_exit(0);
	}
	called = now() - start;
	if (waitpid(child, &status, 0) != child || status)
		die("saving", "the child has failed");
	return called;
}

/* ---- both ways ----------------------------------------------------------- */

/* Serve and save @saves times; tell what it cost. */
static bool run(const char *way, uint64_t (*save)(FILE *, size_t), size_t size, int saves)
{
	uint64_t called = 0, start, puts;
	bool good = true;
	pthread_t thread;

	server.table->slots = (size - sizeof(struct table)) / sizeof(struct slot);
	/* Every slot once, so that all memory is there before anything is measured. */
	for (uint64_t key = 0; key < server.table->slots; key++)
		put(server.table, key, 0);
	server.stop = false;
	server.longest_pause = 0;
	puts = server.table->ended;
	start = now();
	if (pthread_create(&thread, NULL, serve, NULL))
		die("pthread_create", strerror(errno));
	for (int i = 0; i < saves; i++) {
		FILE *file = file_to_save_to();
		struct table *saved;

		called += save(file, size);
		saved = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fileno(file), 0);
		if (saved == MAP_FAILED)
			die("mmap", strerror(errno));
		good = good && consistent(saved);
		munmap(saved, size);
		fclose(file);
	}
	server.stop = true;
	pthread_join(thread, NULL);
	puts = server.table->ended - puts;
	printf("%-8s  %8.3f ms a call, %8.3f ms at most between two puts, %6.0f puts a ms, saved: %s\n",
	       way, called / 1e6 / saves, server.longest_pause / 1e6,
	       puts * 1e6 / (now() - start), good ? "consistent" : "INCONSISTENT");
	return good;
}

int main(int argc, char **argv)
{
	size_t size = (argc > 1 ? strtoul(argv[1], NULL, 0) : 64) << 20;
	int saves = argc > 2 ? atoi(argv[2]) : 5;
	zx_vaddr_t addr;
	bool good;

	if (!size || saves < 1) {
		fprintf(stderr, "usage: %s [MiB] [SAVES]\n", argv[0]);
		return 2;
	}
	printf("%zu MiB, saved %d times in each way while a thread puts values\n", size >> 20, saves);

	must(zx_vmo_create(size, 0, &table_vmo), "zx_vmo_create");
	must(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, table_vmo, 0,
			 size, &addr), "zx_vmar_map");
	server.table = (struct table *)addr;
	good = run("snapshot", save_by_snapshot, size, saves);
	must(zx_vmar_unmap(zx_vmar_root_self(), addr, size), "zx_vmar_unmap");
	must(zx_handle_close(table_vmo), "zx_handle_close");

	server.table = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (server.table == MAP_FAILED)
		die("mmap", strerror(errno));
	/* As the VMO's: Linux would take 2 MiB pages, which are another story. */
	madvise(server.table, size, MADV_NOHUGEPAGE);
	return !run("fork", save_by_fork, size, saves) || !good;
}
