/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Helpers of the region, page and process tests, on top of zvm_test.h.
 *
 * A test program includes "kselftest_harness.h", then this file.
 */
#ifndef ZVM_VMAR_TEST_H
#define ZVM_VMAR_TEST_H

#include "proc_page.h"
#include "zvm_test.h"

#include <sys/prctl.h>

#define P ZT_P

#define VT_RIGHTS_RWX (ZX_RIGHT_READ | ZX_RIGHT_WRITE | ZX_RIGHT_EXECUTE)

#define VT_CAN_RW (ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE)
#define VT_CAN_RWX (VT_CAN_RW | ZX_VM_CAN_MAP_EXECUTE)
#define VT_CAN_ALL (VT_CAN_RWX | ZX_VM_CAN_MAP_SPECIFIC)

#define VT_R ZX_VM_PERM_READ
#define VT_X ZX_VM_PERM_EXECUTE

/* ------------------------------------------------------------------------
 * Regions
 */

/* A region as the tests want it: the handle with its absolute range. */
struct vt_region {
	zx_handle_t h;
	zx_vaddr_t base;
	size_t len;
};

/* Absolute range of a region from ZX_INFO_VMAR; len 0 when the query fails. */
static inline struct vt_region vt_region_of(zx_handle_t h)
{
	zx_info_vmar_t info;

	memset(&info, 0, sizeof(info));
	if (zx_object_get_info(h, ZX_INFO_VMAR, &info, sizeof(info), NULL, NULL) != ZX_OK)
		return (struct vt_region){ .h = h };
	return (struct vt_region){ .h = h, .base = info.base, .len = info.len };
}

/* A new region below parent, wherever it fits; h is 0 when that fails. */
static inline struct vt_region vt_alloc(zx_handle_t parent, zx_vm_option_t options, size_t len)
{
	struct vt_region r = { .h = ZX_HANDLE_INVALID, .len = len };

	if (zx_vmar_allocate(parent, options, 0, len, &r.h, &r.base) != ZX_OK)
		r.h = ZX_HANDLE_INVALID;
	return r;
}

/*
 * Offset in the region of a range of len bytes that nothing occupies, or
 * SIZE_MAX. With one page to spare on both sides, free as well: a neighbour
 * cannot join or hide what a test does at the edges.
 */
static inline size_t vt_hole(const struct vt_region *r, size_t len)
{
	struct vt_region tmp = vt_alloc(r->h, 0, len + 2 * P);

	if (!tmp.h || zx_vmar_destroy(tmp.h) != ZX_OK || zx_handle_close(tmp.h) != ZX_OK)
		return SIZE_MAX;
	return tmp.base + P - r->base;
}

/*
 * The regions that most tests are repeated in: the root (0), a region of the
 * root (1), a region of a region (2).
 */
#define VT_DEPTH_LEN (64ul << 20)

static inline struct vt_region vt_region_at_depth(int depth)
{
	struct vt_region r = vt_region_of(zx_vmar_root_self());

	while (depth--)
		r = vt_alloc(r.h, VT_CAN_ALL, VT_DEPTH_LEN << (2 * depth));
	return r;
}

/* zx_vmar_map at this offset; returns the status, the address must be right. */
static inline zx_status_t vt_map_at(const struct vt_region *r, zx_vm_option_t options, size_t off,
				    zx_handle_t vmo, uint64_t vmo_off, size_t len)
{
	zx_vaddr_t addr = 0;
	zx_status_t st;

	if (!(options & ZX_VM_SPECIFIC_OVERWRITE))
		options |= ZX_VM_SPECIFIC;
	st = zx_vmar_map(r->h, options, off, vmo, vmo_off, len, &addr);
	return st == ZX_OK && addr != r->base + off ? ZX_ERR_INTERNAL : st;
}

static inline uint8_t *vt_ptr(const struct vt_region *r, size_t off)
{
	return (uint8_t *)(r->base + off);
}

/* ------------------------------------------------------------------------
 * Tagged VMOs: every page says whose it is
 */

/* The byte that page `page` of the VMO with tag `tag` (1 .. 15) is filled with. */
static inline uint8_t vt_tag(unsigned int tag, uint64_t page)
{
	return (uint8_t)(tag << 4 | (page & 15));
}

static inline zx_status_t vt_tag_page(zx_handle_t vmo, unsigned int tag, uint64_t page)
{
	uint8_t *buf = malloc(P);
	zx_status_t st = ZX_ERR_NO_MEMORY;

	if (buf) {
		memset(buf, vt_tag(tag, page), P);
		st = zx_vmo_write(vmo, buf, page * P, P);
	}
	free(buf);
	return st;
}

static inline zx_handle_t vt_tagged_vmo(unsigned int tag, uint64_t pages, uint32_t options)
{
	zx_handle_t vmo = zt_vmo(pages * P, options);

	for (uint64_t i = 0; vmo && i < pages; i++)
		if (vt_tag_page(vmo, tag, i) != ZX_OK)
			return ZX_HANDLE_INVALID;
	return vmo;
}

/* What a load of one byte gives: the byte, or minus the signal. */
static inline int vt_load(const volatile void *p)
{
	uint8_t v = 0;
	int sig = zt_try_load(p, &v);

	return sig ? -sig : v;
}

/* ------------------------------------------------------------------------
 * Memory of a region as ZX_INFO_VMAR_MAPS tells it
 */

/* All records (free() them); NULL when the query fails. */
static inline zx_info_maps_t *vt_maps(zx_handle_t vmar, size_t *n)
{
	size_t avail = 0, actual = 0;
	zx_info_maps_t *maps;

	if (zx_object_get_info(vmar, ZX_INFO_VMAR_MAPS, NULL, 0, NULL, &avail) != ZX_OK)
		return NULL;
	maps = calloc(avail + 1, sizeof(*maps));
	if (maps && (zx_object_get_info(vmar, ZX_INFO_VMAR_MAPS, maps, avail * sizeof(*maps),
					&actual, &avail) != ZX_OK || actual != avail)) {
		free(maps);
		maps = NULL;
	}
	*n = actual;
	return maps;
}

/* Number of records, the region's own included; SIZE_MAX when it fails. */
static inline size_t vt_maps_count(zx_handle_t vmar)
{
	size_t avail = 0;

	if (zx_object_get_info(vmar, ZX_INFO_VMAR_MAPS, NULL, 0, NULL, &avail) != ZX_OK)
		return SIZE_MAX;
	return avail;
}

/*
 * Is a page present in the page tables, without touching it? 0, 1, or -1 when
 * /proc/self/pagemap cannot tell.
 */
static inline int vt_present(const void *addr)
{
	uint64_t entry;

	return pp_entry(addr, &entry) ? (int)(entry >> 63) : -1;
}

/* Lines of /proc/self/maps within the arena: all, or the executable ones. */
static inline int vt_arena_lines(bool exec_only)
{
	struct vt_region root = vt_region_of(zx_vmar_root_self());
	unsigned long start, end;
	char line[512], perms[8];
	FILE *f = fopen("/proc/self/maps", "re");
	int n = 0;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %7s", &start, &end, perms) != 3)
			continue;
		if (end <= root.base || start >= root.base + root.len)
			continue;
		n += !exec_only || perms[2] == 'x';
	}
	fclose(f);
	return n;
}

/* ------------------------------------------------------------------------
 * Other processes. What fails in a child is printed there, and the child ends
 * with status 1: the parent checks that it ended with 0.
 */
#define VT_CHECK(cond) do {						\
	if (!(cond)) {							\
		fprintf(stderr, "# %s:%d: in a child: %s\n",		\
			__FILE__, __LINE__, #cond);			\
		_exit(1);						\
	}								\
} while (0)

/* The same for a status, and say which one it was. */
#define VT_CHECK_STATUS(want, call) do {				\
	zx_status_t vt_got_ = (call);					\
	if (vt_got_ != (want)) {					\
		fprintf(stderr, "# %s:%d: in a child: %s: %s, not %s\n",	\
			__FILE__, __LINE__, #call,			\
			zx_status_get_string(vt_got_), #want);		\
		_exit(1);						\
	}								\
} while (0)

#define VT_CHECK_OK(call) VT_CHECK_STATUS(ZX_OK, call)

/* The other end of a socket pair, and the process that holds it. */
struct vt_child {
	pid_t pid;
	int sock;
};

/*
 * Start fn(sock, arg) in a forked child that dies with its parent. The result
 * of fn is its exit status. pid is -1 on failure.
 */
static inline struct vt_child vt_spawn(int (*fn)(int sock, void *arg), void *arg)
{
	struct vt_child c = { .pid = -1, .sock = -1 };
	pid_t parent = getpid();
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
		return c;
	fflush(stdout);
	fflush(stderr);
	c.pid = fork();
	if (c.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(2);
		close(sv[0]);
		_exit(fn(sv[1], arg));
	}
	close(sv[1]);
	c.sock = sv[0];
	return c;
}

/* Its exit status, or 128 + the signal that killed it, or -1. */
static inline int vt_join(struct vt_child *c)
{
	int status = 0;

	if (c->sock >= 0)
		close(c->sock);
	c->sock = -1;
	if (c->pid <= 0)
		return -1;
	while (waitpid(c->pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline int vt_kill(struct vt_child *c)
{
	kill(c->pid, SIGKILL);
	return vt_join(c);
}

/* Pass one number to the other side; false when it has gone. */
static inline bool vt_say(int sock, uint64_t word)
{
	return send(sock, &word, sizeof(word), MSG_NOSIGNAL) == sizeof(word);
}

/* The next number from the other side; UINT64_MAX when it has gone. */
static inline uint64_t vt_hear(int sock)
{
	uint64_t word;
	ssize_t n;

	do {
		n = recv(sock, &word, sizeof(word), 0);
	} while (n < 0 && errno == EINTR);
	return n == sizeof(word) ? word : UINT64_MAX;
}

/*
 * A test program that also has to be executed: main() that runs fn() when its
 * first argument is "--child", the tests otherwise.
 */
#define VT_HARNESS_MAIN(fn)						\
	static void __attribute__((constructor)) __constructor_order_last(void) \
	{								\
		if (!__constructor_order)				\
			__constructor_order = _CONSTRUCTOR_ORDER_BACKWARD; \
	}								\
	int main(int argc, char **argv)					\
	{								\
		if (argc > 1 && !strcmp(argv[1], "--child"))		\
			return fn(argc - 2, argv + 2);			\
		return test_harness_run(argc, argv);			\
	}

/* ------------------------------------------------------------------------
 * Numbers
 */

/* A small generator: the same sequence in every run, on every machine. */
static inline uint32_t vt_rand(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*state >> 33);
}

static inline uint32_t vt_below(uint64_t *state, uint32_t n)
{
	return vt_rand(state) % n;
}

/*
 * Keep this thread on one CPU, the n-th of those it may use, modulo their
 * number: two sides of a race on one CPU would wait for each other's slices.
 */
static cpu_set_t vt_cpus_;

static void __attribute__((constructor)) vt_cpus_init_(void)
{
	sched_getaffinity(0, sizeof(vt_cpus_), &vt_cpus_);
}

static inline void vt_pin(int n)
{
	cpu_set_t one;

	if (!CPU_COUNT(&vt_cpus_))
		return;
	n %= CPU_COUNT(&vt_cpus_);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &vt_cpus_) || n--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

/* Memory shared with the children forked from now on, zeroed. */
static inline void *vt_shared(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static inline bool vt_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* The first number in a file, or -1. */
static inline int64_t vt_read_number(const char *path)
{
	char buf[64] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	if (fd >= 0)
		close(fd);
	return n > 0 ? strtoll(buf, NULL, 0) : -1;
}

#endif /* ZVM_VMAR_TEST_H */
