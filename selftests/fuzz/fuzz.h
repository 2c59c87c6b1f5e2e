/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * zvm-fuzz: random programs of hostile operations on /dev/zircon-vm.
 *
 * A program is a list of operations. It is made from a seed and a number alone
 * (make.c), so it can be made again; what an operation works on is named, not
 * given as a number: "the third VMO handle", "the second mapping, 4096 bytes in"
 * (value.c). So a part of the program makes sense as well, which is how a
 * failing one gets shorter (minimize.c).
 *
 * A program runs (run.c) in processes with threads of their own, the lanes. Each
 * operation belongs to a lane; lanes of one process share its handles, and
 * processes share some. What commands there are, with their structs, is in
 * commands.c; what else Linux lets a process do is in calls*.c. What must never
 * happen is looked for where the operation is carried out (judge.c, oracle.c),
 * and by the supervisor (attempt.c, watch.c): the kernel's log, things left behind,
 * calls that do not end.
 */
#ifndef ZVM_FUZZ_H
#define ZVM_FUZZ_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <zircon-vm.h>

#define PAGE 4096ull
#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))

#define MOST_PROCS 3
#define MOST_THREADS 3
#define MOST_LANES (MOST_PROCS * MOST_THREADS)
#define MOST_OPS 400
#define MOST_ARGS 10
#define MOST_TYPES 192
#define MOST_ERRNO 140

/* ---- what operations name ----------------------------------------------- */

/* Slots for handles, by what they should hold. */
enum {
	SLOT_DEVICE,
	SLOT_ROOT,					/* each process's own root VMAR */
	SLOT_VMAR = SLOT_ROOT + MOST_PROCS,		/* the first: lent by the parent */
	SLOT_VMO = SLOT_VMAR + 5,
	SLOT_BTI = SLOT_VMO + 12,
	SLOT_PMT = SLOT_BTI + 2,
	SLOT_FILE = SLOT_PMT + 6,			/* all else */
	SLOTS = SLOT_FILE + 8,
	/* Of kinds of operations: no root. */
	SLOT_CHILD_VMAR,
};

/* The files that a program starts with. */
enum { FILE_SOCKET = SLOT_FILE, FILE_SOCKET2, FILE_PIPE_IN, FILE_PIPE_OUT, FILE_MEMFD, FILE_MEM,
       FILE_ZERO, FILE_SPARE };

/* Address ranges, by what they should be. */
enum {
	RANGE_ARENA,
	RANGE_MAP,					/* mappings of VMOs in the arena */
	RANGE_REGION = RANGE_MAP + 8,
	RANGE_PLAIN = RANGE_REGION + 4,			/* mmap(2) */
	RANGES = RANGE_PLAIN + 7,
};

/* How many VMOs, mappings in the arena and of mmap(2) a program starts with. */
#define START_VMOS 6
#define START_MAPS 3

enum value_kind {
	V_NUM,			/* a number */
	V_FD,			/* descriptor in a slot */
	V_HANDLE,		/* handle value of a slot, with @num mixed into the tag */
	V_TAG,			/* tag of a slot, likewise */
	V_RANGE,		/* address of a range, plus @num */
	V_LENGTH,		/* length of a range, plus @num */
	V_INSIDE,		/* offset of a range in the arena, plus @num */
	V_SCRATCH,		/* memory of the lane, plus @num */
	V_SCRATCH_END,		/* where that ends, plus @num */
	V_READ_ONLY,		/* memory that cannot be written, plus @num */
	V_NO_ACCESS,		/* memory that cannot be touched, plus @num */
	V_HOLE,			/* where nothing is mapped, plus @num */
	V_PLAIN,		/* where mmap(2) may put things, plus @num */
	V_OUT,			/* where results go, plus @num */
	V_COMMAND,		/* where the command's struct goes */
	V_PID,			/* of a process */
	V_SIBLING,		/* the arena of another process, plus @num */
	V_SOON,			/* the time, plus @num nanoseconds */
	V_ITEMS,		/* things to wait for: slots from @slot on, signals by @num */
};

struct value {
	uint8_t kind;		/* enum value_kind */
	uint8_t slot;
	int64_t num;
};

/* How the size of a command's struct is told. */
enum { SIZE_RIGHT, SIZE_NONE, SIZE_SHORT, SIZE_ZERO_TAIL, SIZE_JUNK_TAIL, SIZE_PAGE, SIZE_HUGE };

/**
 * struct op - one operation
 * @type: index into op_types
 * @lane: who does it
 * @dst: where the handle or range goes that it makes, of those there are
 * @size: SIZE_...
 * @narrow: as a 32-bit program does it
 * @place: where a command's struct is
 * @args: the file first
 */
struct op {
	uint8_t type;
	uint8_t lane;
	uint8_t dst;
	uint8_t size;
	bool narrow;
	struct value place;
	struct value args[MOST_ARGS];
};

/**
 * struct program
 * @seed, @number: from which it was made
 * @procs, @threads: of each process
 * @share_files: the processes have one table of descriptors
 * @nobody: bit for each process that has no privileges
 * @huge_user: processes are free of the per-user limit
 * @kill_after: all are killed after so many microseconds; 0: not
 */
struct program {
	uint64_t seed;
	uint64_t number;
	unsigned int procs;
	unsigned int threads;
	bool share_files;
	unsigned int nobody;
	bool huge_user;
	unsigned int kill_after;
	unsigned int count;
	struct op ops[MOST_OPS];
};

/* ---- kinds of operations ------------------------------------------------ */

enum arg_class {
	A_END,
	A_FD,			/* @from: SLOT_DEVICE, SLOT_VMAR, ... or SLOT_FILE */
	A_TAG,			/* of the file */
	A_RESERVED,		/* has to be 0 */
	A_VMO_HANDLE,		/* handle values */
	A_ANY_HANDLE,
	A_OUT,			/* where a result goes */
	A_OUT_MAYBE,		/* or 0 */
	A_BUFFER,		/* memory for data */
	A_BYTES,		/* how much */
	A_ADDRS,		/* memory for addresses of pages, or 0 */
	A_ADDR_COUNT,		/* how many, for BTI_PIN */
	A_OFFSET,		/* in a VMO */
	A_PAGES,		/* bytes, mostly whole pages */
	A_SIZE,			/* of a VMO */
	A_ADDRESS,		/* in the arena or of an mmap(2) */
	A_EXTENT,		/* bytes from the address before it */
	A_PLACE,		/* offset in a VMAR */
	A_PLAIN,		/* address for mmap(2); @from: of one */
	A_ONE_OF,		/* @names; @from: nothing else */
	A_FLAGS,		/* a set of @names */
	A_NUMBER,		/* whatever, mostly at most @from */
	A_NOTHING,		/* mostly 0 */
	A_REMOTE,		/* address in another process */
	A_PID,
	A_LANE,
	A_DEADLINE,		/* which comes soon, or has been long ago */
	A_ITEMS,		/* for OBJECT_WAIT_MANY */
};

struct name {
	uint64_t value;
	const char *name;
};

/**
 * struct arg - an argument of a kind of operation
 * @name: for people
 * @class: enum arg_class
 * @from: see there
 * @offset, @bytes: of a member of a command's struct
 * @names: with a NULL name at the end
 * @often: sets of flags that make sense; the first with value 0 and no name ends them
 */
struct arg {
	const char *name;
	uint8_t class;
	uint8_t from;
	uint8_t offset;
	uint8_t bytes;
	const struct name *names;
	const struct name *often;
};

enum makes { MAKES_NOTHING, MAKES_VMO, MAKES_VMAR, MAKES_BTI, MAKES_PMT, MAKES_SAME, MAKES_MAP };

/**
 * struct op_type - a kind of operation
 * @weight: how often it is used
 * @command: of ioctl(2); 0: another call
 * @bytes: of its struct
 * @makes: what a command makes, @out: in which argument it is told
 * @needs: the rights of the file that this call needs at least
 * @call: number of a system call that gets the arguments as they are, or -1
 * @limit: @args[@limit - 1] and the next are a range that must stay in the
 *	memory that operations may change
 * @closes: the file
 * @replaces: what is mapped in the range, as far as Linux knows
 * @run: any other operation; as a system call: -1 and errno on error
 */
struct op_type {
	const char *name;
	unsigned int weight;
	unsigned int command;
	uint8_t bytes;
	uint8_t makes;
	uint8_t out;
	uint8_t limit;
	bool closes;
	bool replaces;
	uint32_t (*needs)(const uint64_t *args);
	int call;
	long (*run)(const struct op *op, const uint64_t *args);
	struct arg args[MOST_ARGS + 1];
};

/* The tables that it is put together from. */
extern const struct op_type command_types[], call_types[], memory_types[], process_types[],
			    oracle_types[], child_types[];
const struct op_type *op_type(unsigned int i);
unsigned int op_type_count(void);

/* ---- state -------------------------------------------------------------- */

/*
 * A slot's content in one word, so that it can be changed in one step:
 * descriptor + 1, tag, rights. 0: empty.
 */
#define SLOT_WORD(fd, tag, rights) \
	((uint64_t)((fd) + 1) | (uint64_t)(tag) << 21 | (uint64_t)(rights) << 31)
#define WORD_FD(word)		((int)((word) & 0x1fffff) - 1)
#define WORD_TAG(word)		((uint32_t)((word) >> 21) & 0x3ff)
#define WORD_RIGHTS(word)	((uint32_t)((word) >> 31))

typedef _Atomic(uint64_t) slot_t;

struct range {
	uint64_t base;
	uint64_t len;
};

/**
 * struct shared - memory of all processes
 * @done: operations, by kind and errno
 * @took: nanoseconds, by kind
 * @total: operations
 * @at: index + 1 of the operation that a lane is at
 * @failed: what is wrong has been told, in @failure
 * @pid, @tid: as the program's processes see them
 */
struct shared {
	atomic_ulong done[MOST_TYPES][MOST_ERRNO];
	atomic_ulong took[MOST_TYPES];
	atomic_ulong total;
	atomic_ulong faults;
	slot_t slots[MOST_PROCS][SLOTS];
	struct range arena[MOST_PROCS];
	atomic_int pid[MOST_PROCS];
	atomic_int tid[MOST_LANES];
	atomic_int at[MOST_LANES];
	atomic_bool go;
	atomic_bool failed;
	char failure[512];
};

extern struct shared *shared;
extern const struct program *program;

/**
 * struct proc - what a process knows
 * @slots: its handles; shared with others
 * @ranges: its addresses
 * @alone: nobody else can interfere, so that more can be judged
 * @forked: it is the child of a lane
 * @arena_open: something else than the arena may be where that was
 */
struct proc {
	unsigned int index;
	slot_t *slots;
	struct range ranges[RANGES];
	bool alone;
	bool forked;
	atomic_bool arena_open;
};

extern struct proc proc;
extern __thread unsigned int my_lane;

/* Each lane has memory at a fixed place (value.c). */
void make_common_zone(void);
void make_zone(unsigned int lane);
uint64_t *lane_canary(void);
void *lane_scratch(void);
#define SCRATCH_BYTES (16 * PAGE)
#define CANARY_PAGES 4
/* Where mmap(2) may put things. */
#define PLAIN_ZONE 0x110000000000ull
#define PLAIN_BYTES (64ull << 20)
/* What no operation writes anywhere, and nobody may ever read. */
#define SECRET 0x5ec2e7a95ec2e7a9ull

/* ---- value.c ------------------------------------------------------------ */

/* The monotonic clock, in nanoseconds. */
uint64_t now(void);
/* As many as are made up for V_ITEMS. */
#define MOST_ITEMS 8
uint64_t resolve(const struct value *v);
void print_program(const struct program *p, const bool *keep);

/* ---- make.c ------------------------------------------------------------- */

void make_program(struct program *p, uint64_t seed, uint64_t number);

/* ---- run.c -------------------------------------------------------------- */

/* What a program's first process does: all of it, or the operations in @keep. */
void run_program(const struct program *p, const bool *keep, bool serial)
	__attribute__((noreturn));
/* The rest of a lane's operations, @count at most, by a child of the lane. */
void run_rest(unsigned int count);
void set_slot(unsigned int slot, int fd, uint32_t tag, uint32_t rights);
void set_range(unsigned int range, uint64_t base, uint64_t len);
bool in_arena(uint64_t addr);
/* Put a handle that has appeared as @fd where it belongs. */
void take_fd(int fd, unsigned int dst);
long raw_clone(unsigned long flags);

/* ---- judge.c ------------------------------------------------------------ */

/* Report that something is wrong. */
void violation(const char *fmt, ...) __attribute__((cold, format(printf, 1, 2)));
long run_command(const struct op_type *type, const struct op *op, const uint64_t *args);
void check_canary(void);
void fill_canary(void);
void look_for_secret(const void *data, size_t len);

/* ---- handles.c ---------------------------------------------------------- */

int zvm_ioctl(int fd, unsigned int command, void *arg);
/* false: cannot be told. */
bool handle_basic(int fd, uint32_t tag, uint32_t *rights, uint32_t *type);
bool handle_tag(int fd, uint32_t *tag);
/* A new descriptor, or -1. */
int new_vmo(uint32_t options, uint64_t size);
int new_bti(void);
int duplicate_handle(int fd, uint32_t rights, uint32_t flags);
bool vmo_transfer(int fd, bool write, uint64_t offset, void *data, uint64_t len);
/* The address, or 0. */
uint64_t map_vmo(int vmar, int fd, uint32_t options, uint64_t len);
/* 0, or -1 and errno. */
int vmar_range(int vmar, unsigned int command, uint32_t options, uint64_t addr, uint64_t len);
int vmo_op_range(int fd, uint32_t op, uint64_t offset, uint64_t len);
int vmo_set_size(int fd, unsigned int command, uint64_t size);
struct zvm_stats get_stats(int device);

/* ---- oracle.c ----------------------------------------------------------- */

/* The size of the VMOs that what must come out is known of. */
#define ORACLE_BYTES (2 * PAGE)

/* Ways to write to a VMO, or to try. */
enum {
	W_COMMAND, W_PWRITE, W_PWRITEV, W_MMAP, W_MMAP_MPROTECT, W_PRIVATE, W_MAP, W_MAP_PROTECT,
	W_MEM, W_VM, W_ZERO, W_DECOMMIT, W_SHRINK, W_STREAM, W_PROPERTY, W_FTRUNCATE, W_PUNCH,
	W_SPLICE, W_READ_INTO, W_DUPLICATE, W_PROCESS, W_KINDS
};

extern const struct name write_ways[];
void write_vmo(int vmo, unsigned int way, uint64_t other);
/* Is all of it as it was? True also if others may have changed it. */
bool vmo_is_all(int vmo, uint8_t byte);
/* The descriptor of the process's own root VMAR. */
int own_root(void);

/* ---- probe.c ------------------------------------------------------------ */

enum { LOAD, STORE, CALL };
/* 0 or the signal that came instead. */
int probe(int how, uint64_t addr, uint64_t *value);
/* memcpy() that may not work. */
int probe_copy(void *to, const void *from, size_t len);
/* A signal: there is no such way into this kernel. */
int probe_ioctl32(int fd, unsigned int command, void *arg, long *ret);
void install_probes(void);

/* splitmix64 */
static inline uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

#endif /* ZVM_FUZZ_H */
