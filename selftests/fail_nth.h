/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Failures on request: /proc/thread-self/fail-nth lets the n-th chance to fail
 * of this thread be taken, an allocation or a copy from or to the user.
 *
 * fn_sweep() does so for one operation: n = 1, 2, ... until the operation has
 * fewer chances than that. Each time it begins with a world of its own, and
 * what the operation leaves is looked at: it has happened, or nothing has, and
 * then it can be done again.
 *
 * A test program includes "kselftest_harness.h", then this file.
 */
#ifndef ZVM_FAIL_NTH_H
#define ZVM_FAIL_NTH_H

#include "zvm_vmar_test.h"

#define FN_FILE "/proc/thread-self/fail-nth"

/* ------------------------------------------------------------------------
 * The knobs of the kernel
 */

/* Make all chances count, quietly. NULL, or why that is not possible. */
static inline const char *fn_prepare(void)
{
	static const char *const knob[][2] = {
		{ "/sys/kernel/debug/failslab/ignore-gfp-wait", "N" },
		{ "/sys/kernel/debug/failslab/verbose", "0" },
		{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N" },
		{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N" },
		{ "/sys/kernel/debug/fail_page_alloc/min-order", "0" },
		{ "/sys/kernel/debug/fail_page_alloc/verbose", "0" },
		{ "/sys/kernel/debug/fail_usercopy/verbose", "0" },
	};

	if (access(FN_FILE, W_OK))
		return "this kernel cannot inject failures (no " FN_FILE ")";
	for (size_t i = 0; i < ARRAY_SIZE(knob); i++)
		if (!vt_write_file(knob[i][0], knob[i][1]))
			return knob[i][0];
	return NULL;
}

/* First of all in a test: a fixture cannot skip it. */
#define FN_NEEDED() do {							\
	const char *why_ = fn_prepare();					\
										\
	if (why_)								\
		SKIP(return, "%s", why_);					\
} while (0)

/* The file of the calling thread, thus not for a forked child's use. */
static inline int fn_open(void)
{
	return open(FN_FILE, O_RDWR | O_CLOEXEC);
}

/*
 * How many chances there are differs a little from time to time, with what the
 * caches hold: a sweep ends when this many n in a row were too large.
 */
#define FN_MISSES 3

static inline void fn_arm(int fd, int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", n);

	if (pwrite(fd, text, (size_t)len, 0) != len)
		abort();
}

/*
 * No failures for a while. Returns what fn_arm() goes on with: 0 if there has
 * been one. If not, the calls made here are the next to fail, which does them no
 * harm.
 */
static inline int fn_pause(int fd)
{
	char text[16] = "";
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);

	while (pwrite(fd, "0", 1, 0) != 1)
		;
	return len > 0 ? atoi(text) : 1;
}

/* No failures from now on. Was there one? */
static inline bool fn_disarm(int fd)
{
	return fn_pause(fd) == 0;
}

/* ------------------------------------------------------------------------
 * The world: a VMO mapped at several places of a region, another VMO
 */
#define FN_VMO_PAGES	8
#define FN_PAGES	64	/* of the region */
/* Offsets in the region, in pages. */
#define FN_M0		0	/* the VMO, all of it, read and write */
#define FN_M1		16	/* its first four pages, read-only but for the second */
#define FN_CHILD	32	/* a region of 16 pages with ... */
#define FN_M2		36	/* ... its first four pages, read and write */
#define FN_SINK		56	/* the other VMO, never touched */
#define FN_SINK_PAGES	4

/* Is the page of the VMO written in the beginning? Holes of several kinds. */
static inline bool fn_written(unsigned int page)
{
	return page < 3 || page == 5;
}

union fn_cmd {
	__u32 size;
	struct zvm_handshake handshake;
	struct zvm_stats stats;
	struct zvm_vmar_root root;
	struct zvm_vmo_create create;
	struct zvm_vmo_create_physical physical;
	struct zvm_handle_close close;
	struct zvm_handle_duplicate duplicate;
	struct zvm_handle_tag tag;
	struct zvm_object_signal signal;
	struct zvm_object_wait_one wait_one;
	struct zvm_object_wait_many wait_many;
	struct zvm_object_get_info info;
	struct zvm_object_property property;
	struct zvm_vmo_transfer transfer;
	struct zvm_vmo_get_size get_size;
	struct zvm_vmo_set_size set_size;
	struct zvm_op_range op;
	struct zvm_vmo_set_cache_policy cache;
	struct zvm_vmo_create_child child;
	struct zvm_vmo_transfer_data data;
	struct zvm_vmo_committed committed;
	struct zvm_bti_create bti_create;
	struct zvm_vmo_create_contiguous contiguous;
	struct zvm_bti_pin pin;
	struct zvm_pmt_unpin unpin;
	struct zvm_vmar_allocate allocate;
	struct zvm_vmar_map map;
	struct zvm_vmar_range range;
	struct zvm_aspace_create aspace_create;
	struct zvm_aspace_adopt adopt;
	char bytes[64];
};

/* What the user gives the kernel to write to. */
struct fn_out {
	__u32 handle;
	__u64 a, b;
	uint8_t buf[FN_VMO_PAGES * 4096];
};

#define FN_CANARY 0xeeeeeeeeu

struct fn_world {
	int fail;			/* fail-nth */
	int dev;			/* /dev/zircon-vm */
	zx_handle_t vmo, other;		/* other: discardable */
	zx_handle_t vmar, child;
	zx_vaddr_t base;
	zx_handle_t far;		/* a region without page tables, see fn_far() */
	struct zt_bag bag;		/* what the operation has made */
	int fd[4];			/* more descriptors; -1: none */
	void *mem;			/* a mmap(2) of one operation */
	size_t mem_len;
	union fn_cmd cmd;		/* after the command */
	struct fn_out *out;
	void *bad_none, *bad_read;	/* pages that cannot be written */
	int extra;			/* of the operation's own */
};

static inline uint8_t *fn_at(const struct fn_world *w, unsigned int page)
{
	return (uint8_t *)(w->base + page * P);
}

static inline zx_status_t fn_map(struct fn_world *w, zx_handle_t vmar, zx_vaddr_t base,
				 zx_handle_t vmo, unsigned int page, unsigned int pages,
				 zx_vm_option_t options)
{
	zx_vaddr_t addr;

	return zx_vmar_map(vmar, options | ZX_VM_SPECIFIC, w->base + page * P - base, vmo, 0,
			   pages * P, &addr);
}

/* NULL, or what has failed. */
static inline const char *fn_world_make(struct fn_world *w)
{
	zx_handle_t root = zx_vmar_root_self();
	zx_vaddr_t child;

	w->vmo = zt_vmo(FN_VMO_PAGES * P, ZX_VMO_RESIZABLE);
	w->other = zt_vmo(FN_SINK_PAGES * P, ZX_VMO_DISCARDABLE);
	if (!w->vmo || !w->other)
		return "VMOs";
	for (unsigned int i = 0; i < FN_VMO_PAGES; i++)
		if (fn_written(i) && zt_vmo_fill(w->vmo, i * P, P, 1))
			return "content";
	if (zx_vmar_allocate(root, VT_CAN_ALL, 0, FN_PAGES * P, &w->vmar, &w->base) ||
	    zx_vmar_allocate(w->vmar, VT_CAN_RW | ZX_VM_CAN_MAP_SPECIFIC | ZX_VM_SPECIFIC,
			     FN_CHILD * P, 16 * P, &w->child, &child))
		return "regions";
	if (fn_map(w, w->vmar, w->base, w->vmo, FN_M0, FN_VMO_PAGES, ZT_RW) ||
	    fn_map(w, w->vmar, w->base, w->vmo, FN_M1, 4, VT_R) ||
	    zx_vmar_protect(w->vmar, ZT_RW, w->base + (FN_M1 + 1) * P, P) ||
	    fn_map(w, w->child, child, w->vmo, FN_M2, 4, ZT_RW) ||
	    fn_map(w, w->vmar, w->base, w->other, FN_SINK, FN_SINK_PAGES,
		   ZT_RW | ZX_VM_ALLOW_FAULTS))
		return "mappings";
	/* Some of it has PTEs, readable and writable ones. */
	if (zt_try_read(fn_at(w, FN_M0)) || zt_try_store(fn_at(w, FN_M0 + 1), zt_pattern(P, 1)) ||
	    zt_try_read(fn_at(w, FN_M1)))
		return "access";
	memset(w->out, 0xee, sizeof(*w->out));
	for (size_t i = 0; i < ARRAY_SIZE(w->fd); i++)
		w->fd[i] = -1;
	w->mem = MAP_FAILED;
	w->far = ZX_HANDLE_INVALID;
	w->extra = 0;
	return NULL;
}

/* Make a region where no page table is yet. Its address; 0: not possible. */
static inline zx_vaddr_t fn_far(struct fn_world *w)
{
	zx_vaddr_t addr = 0;

	zx_vmar_allocate(zx_vmar_root_self(), VT_CAN_RW | ZX_VM_CAN_MAP_SPECIFIC | ZX_VM_ALIGN_1GB,
			 0, 1ul << 30, &w->far, &addr);
	return addr;
}

static inline void fn_world_drop(struct fn_world *w)
{
	zt_empty(&w->bag);
	for (size_t i = 0; i < ARRAY_SIZE(w->fd); i++)
		if (w->fd[i] >= 0)
			close(w->fd[i]);
	if (w->mem != MAP_FAILED)
		munmap(w->mem, w->mem_len);
	if (w->far) {
		zx_vmar_destroy(w->far);
		zx_handle_close(w->far);
	}
	zx_vmar_destroy(w->vmar);
	zx_handle_close(w->child);
	zx_handle_close(w->vmar);
	zx_handle_close(w->other);
	zx_handle_close(w->vmo);
}

/* ------------------------------------------------------------------------
 * What must be the same after a failure
 */
#define FN_MAX_MAPS 24

struct fn_print {
	struct zvm_stats stats;
	zx_info_vmo_t vmo, other;
	uint64_t stream, other_stream;
	uint64_t content, other_content;	/* hashes */
	zx_info_maps_t maps[FN_MAX_MAPS];
	size_t n_maps;
	__u32 handles[3];
	uint64_t fds[2];			/* which are open */
	int exec;				/* executable VMAs in the arena */
};

static inline uint64_t fn_hash(zx_handle_t vmo, size_t len)
{
	static uint8_t buf[FN_VMO_PAGES * 4096];
	uint64_t hash = 1469598103934665603u;

	if (len > sizeof(buf))
		len = sizeof(buf);
	if (zx_vmo_read(vmo, buf, 0, len) != ZX_OK)
		return 0;
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ buf[i]) * 1099511628211u;
	return hash;
}

static inline __u32 fn_handles(zx_handle_t h)
{
	__u32 n = 0;

	zx_object_get_info(h, ZX_INFO_HANDLE_COUNT, &n, sizeof(n), NULL, NULL);
	return n;
}

/*
 * The arena's lines in /proc/self/maps: how many are executable; -1: there is a
 * hole between them.
 */
static inline int fn_arena_exec(void)
{
	struct vt_region root = vt_region_of(zx_vmar_root_self());
	unsigned long start, end, at = root.base;
	char line[512], perms[8];
	FILE *f = fopen("/proc/self/maps", "re");
	int n = 0;

	if (!f)
		return -2;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %7s", &start, &end, perms) != 3 ||
		    end <= root.base || start >= root.base + root.len)
			continue;
		if (start != at || !strstr(line, "zircon-vm:[arena"))
			break;
		at = end;
		n += perms[2] == 'x';
	}
	fclose(f);
	return at == root.base + root.len ? n : -1;
}

static inline void fn_print_take(const struct fn_world *w, struct fn_print *p)
{
	size_t avail;

	memset(p, 0, sizeof(*p));
	p->stats = zt_stats();
	p->vmo = zt_vmo_info(w->vmo);
	p->other = zt_vmo_info(w->other);
	p->stream = zt_stream_size(w->vmo);
	p->other_stream = zt_stream_size(w->other);
	p->content = fn_hash(w->vmo, p->vmo.size_bytes);
	p->other_content = fn_hash(w->other, p->other.size_bytes);
	if (zx_object_get_info(w->vmar, ZX_INFO_VMAR_MAPS, p->maps, sizeof(p->maps),
			       &p->n_maps, &avail) || avail > FN_MAX_MAPS)
		p->n_maps = 0;
	p->handles[0] = fn_handles(w->vmo);
	p->handles[1] = fn_handles(w->other);
	p->handles[2] = fn_handles(w->vmar);
	for (int fd = 0; fd < 128; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			p->fds[fd / 64] |= 1ull << fd % 64;
	p->exec = fn_arena_exec();
}

/* Leave out how much is committed. */
static inline void fn_print_uncommit(struct fn_print *p)
{
	zx_info_vmo_t *info[] = { &p->vmo, &p->other };

	p->stats.pages = 0;
	p->stats.page_nodes = 0;
	for (size_t i = 0; i < ARRAY_SIZE(info); i++) {
		info[i]->committed_bytes = 0;
		memset(&info[i]->populated_bytes, 0,
		       sizeof(*info[i]) - offsetof(zx_info_vmo_t, populated_bytes));
	}
	for (size_t i = 0; i < p->n_maps; i++)
		memset(&p->maps[i].u.mapping.committed_bytes, 0,
		       sizeof(p->maps[i].u.mapping) -
		       offsetof(zx_info_maps_mapping_t, committed_bytes));
}

/* NULL, or what is different. */
static inline const char *fn_print_diff(const struct fn_print *a, const struct fn_print *b)
{
	if (b->exec == -1)
		return "the arena has a hole";
	if (memcmp(&a->stats, &b->stats, sizeof(a->stats)))
		return "live counts";
	if (memcmp(&a->vmo, &b->vmo, sizeof(a->vmo)) || a->stream != b->stream)
		return "the VMO's state";
	if (memcmp(&a->other, &b->other, sizeof(a->other)) || a->other_stream != b->other_stream)
		return "the other VMO's state";
	if (a->content != b->content || a->other_content != b->other_content)
		return "content";
	if (a->n_maps != b->n_maps || memcmp(a->maps, b->maps, sizeof(a->maps)))
		return "the region's tree";
	if (memcmp(a->handles, b->handles, sizeof(a->handles)))
		return "counts of handles";
	if (memcmp(a->fds, b->fds, sizeof(a->fds)))
		return "open descriptors";
	if (a->exec != b->exec)
		return "executable parts of the arena";
	return NULL;
}

/*
 * Does each page of the mappings in the tree show the VMO's bytes and permit
 * what the tree says? Stores go to pages that have memory, and change nothing.
 */
static inline const char *fn_check_access(const struct fn_world *w, const struct fn_print *p)
{
	zx_koid_t koid = zt_koid(w->vmo);

	for (size_t i = 0; i < p->n_maps; i++) {
		const zx_info_maps_t *m = &p->maps[i];

		if (m->type != ZX_INFO_MAPS_TYPE_MAPPING || m->u.mapping.vmo_koid != koid)
			continue;
		for (size_t off = 0; off < m->size; off += P) {
			uint64_t pos = m->u.mapping.vmo_offset + off;
			uint8_t *at = (uint8_t *)m->base + off, got;
			int sig = m->u.mapping.mmu_flags & VT_R ? 0 : SIGSEGV;
			int want = 0;

			if (!sig && pos >= p->vmo.size_bytes)
				sig = SIGBUS;
			else
				want = zt_vmo_byte(w->vmo, pos);
			if (zt_try_load(at, &got) != sig || (!sig && got != want))
				return "a mapping does not show the VMO";
			if (sig || !want)
				continue;
			sig = m->u.mapping.mmu_flags & ZX_VM_PERM_WRITE ? 0 : SIGSEGV;
			if (zt_try_store(at, got) != sig)
				return "a mapping's permission to write";
		}
	}
	return NULL;
}

/* ------------------------------------------------------------------------
 * One operation
 */

/* A failure may leave more pages committed than there were. */
#define FN_COMMITS	(1u << 0)
/* The transfer's buffer is the other VMO: part of it may have been written. */
#define FN_SINK_DIRTY	(1u << 1)
/* Does not fail, whatever is missing: it tries again by itself. */
#define FN_NEVER_FAILS	(1u << 2)

enum fn_target {
	FN_ON_DEVICE, FN_ON_VMO, FN_ON_OTHER, FN_ON_VMAR, FN_ON_ROOT, FN_ON_CHILD, FN_ON_FAR, FN_ON_BAG
};

struct fn_case {
	const char *name;
	void (*setup)(struct fn_world *w);	/* on top of the world, or NULL */
	int (*run)(struct fn_world *w);		/* 0 or an errno; NULL: a command */
	bool (*done)(struct fn_world *w);	/* has it happened? */
	bool (*kept)(struct fn_world *w);	/* has it not? for what is not in the print */
	unsigned int flags;
	int error;				/* permitted besides ENOMEM and EFAULT */
	/* a command: */
	unsigned int nr;
	enum fn_target target;
	void (*fill)(struct fn_world *w, union fn_cmd *m);
	__u32 size;
	__u32 outs[3];				/* offsets of addresses in it; 0 ends */
};

/* The descriptor of a handle, without a call that could be what fails. */
static inline int fn_fd(zx_handle_t h)
{
	return (int)ZVM_HANDLE_FD(h);
}

static inline int fn_target_fd(const struct fn_world *w, enum fn_target target)
{
	switch (target) {
	case FN_ON_DEVICE:
		return w->dev;
	case FN_ON_VMO:
		return fn_fd(w->vmo);
	case FN_ON_OTHER:
		return fn_fd(w->other);
	case FN_ON_VMAR:
		return fn_fd(w->vmar);
	case FN_ON_ROOT:
		return fn_fd(zx_vmar_root_self());
	case FN_ON_CHILD:
		return fn_fd(w->child);
	case FN_ON_FAR:
		return fn_fd(w->far);
	default:
		return fn_fd(w->bag.h[0]);
	}
}

static inline void fn_fill(struct fn_world *w, const struct fn_case *c)
{
	memset(&w->cmd, 0, sizeof(w->cmd));
	c->fill(w, &w->cmd);
	w->cmd.size = c->size;
}

/**
 * struct fn_fault - what is to go wrong, @failed: whether it has
 * @n: the n-th chance to fail; 0: nothing
 * @out, @bad: the command's address at this offset is replaced by this one; 0: none
 */
struct fn_fault {
	int n;
	__u32 out;
	void *bad;
	bool failed;
};

static inline int fn_run(struct fn_world *w, const struct fn_case *c, struct fn_fault *fault)
{
	int fd = -1, err;

	if (!c->run) {
		fn_fill(w, c);
		fd = fn_target_fd(w, c->target);
		if (fault->out)
			memcpy(w->cmd.bytes + fault->out, &fault->bad, sizeof(fault->bad));
	}
	if (fault->n)
		fn_arm(w->fail, fault->n);
	if (c->run)
		err = c->run(w);
	else
		err = ioctl(fd, c->nr, &w->cmd) < 0 ? errno : 0;
	fault->failed = fault->n ? fn_disarm(w->fail) : fault->out;
	return err;
}

/* The operation has failed: all is as in @before, and it works now. */
static inline const char *fn_check_failed(struct fn_world *w, const struct fn_case *c,
					  struct fn_print *before)
{
	struct fn_fault none = { 0 };
	struct fn_print now;
	const char *diff;

	if (w->out->handle != FN_CANARY)
		return "a handle value was told";
	if (c->kept && !c->kept(w))
		return "half done";
	fn_print_take(w, &now);
	if (c->flags & FN_COMMITS) {
		fn_print_uncommit(before);
		fn_print_uncommit(&now);
	}
	if (c->flags & FN_SINK_DIRTY) {
		before->other_content = 0;
		now.other_content = 0;
	}
	diff = fn_print_diff(before, &now);
	if (!diff)
		diff = fn_check_access(w, &now);
	if (diff)
		return diff;
	if (fn_run(w, c, &none))
		return "does not work afterwards";
	return NULL;
}

/* Once, in a world of its own. NULL, or what is wrong. */
static inline const char *fn_once(struct fn_world *w, const struct fn_case *c,
				  struct fn_fault *fault, const struct zvm_stats *quiet, int *err)
{
	static struct fn_print before, after;
	struct zvm_stats now;
	const char *why = fn_world_make(w);

	if (why)
		return why;
	if (c->setup)
		c->setup(w);
	fn_print_take(w, &before);
	*err = fn_run(w, c, fault);
	if (*err) {
		if (!fault->failed || c->flags & FN_NEVER_FAILS ||
		    (*err != EFAULT && (fault->out || (*err != ENOMEM && *err != c->error))))
			return "the wrong error";
		why = fn_check_failed(w, c, &before);
	} else if (fault->out) {
		return "no error";
	}
	if (!why && !c->done(w))
		why = "said to have worked, but has not";
	if (!why) {
		fn_print_take(w, &after);
		why = after.exec == -1 ? "the arena has a hole" : fn_check_access(w, &after);
	}
	fn_world_drop(w);
	if (!why && !zt_stats_back(quiet, &now))
		why = "leak";
	return why;
}

/* Each chance to fail, one after the other. */
static inline void fn_sweep(struct __test_metadata *_metadata, struct fn_world *w,
			    const struct fn_case *c)
{
	struct zvm_stats quiet = zt_stats();
	struct fn_fault fault = { 0 };
	int errors = 0, misses = 0;

	for (fault.n = 1; misses < FN_MISSES; fault.n++) {
		const char *why;
		int err = 0;

		ASSERT_LT(fault.n, 5000);
		why = fn_once(w, c, &fault, &quiet, &err);
		ASSERT_EQ(NULL, why) {
			TH_LOG("%s, failure %d%s, errno %d (%s): %s", c->name, fault.n,
			       fault.failed ? "" : " (none)", err, strerror(err), why);
		}
		errors += !!err;
		misses = fault.failed ? 0 : misses + 1;
	}
	TH_LOG("%s: %d failures, %d told", c->name, fault.n - 1 - FN_MISSES, errors);
}

/* Each result has nowhere to go: copies that fail-nth knows nothing of. */
static inline void fn_bad_outs(struct __test_metadata *_metadata, struct fn_world *w,
			       const struct fn_case *c)
{
	struct zvm_stats quiet = zt_stats();
	const struct { const char *name; void *ptr; } bad[] = {
		{ "no memory", w->bad_none }, { "read-only memory", w->bad_read },
	};

	for (size_t i = 0; i < ARRAY_SIZE(c->outs) && c->outs[i]; i++) {
		for (size_t j = 0; j < ARRAY_SIZE(bad); j++) {
			struct fn_fault fault = { .out = c->outs[i], .bad = bad[j].ptr };
			const char *why;
			int err = 0;

			why = fn_once(w, c, &fault, &quiet, &err);
			ASSERT_EQ(NULL, why) {
				TH_LOG("%s, address at %u: %s, errno %d (%s): %s", c->name,
				       c->outs[i], bad[j].name, err, strerror(err), why);
			}
		}
	}
}

/* ------------------------------------------------------------------------
 * The fixture's part
 */
static inline const char *fn_begin(struct fn_world *w)
{
	memset(w, 0, sizeof(*w));
	if (!zt_warm_up())
		return "warm up";
	w->fail = fn_open();
	w->dev = open("/dev/zircon-vm", O_RDWR | O_CLOEXEC);
	w->out = mmap(NULL, sizeof(*w->out), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	w->bad_none = zt_mem(PROT_NONE);
	w->bad_read = zt_mem(PROT_READ);
	if (w->fail < 0 || w->dev < 0 || w->out == MAP_FAILED)
		return "files";
	return NULL;
}

#endif /* ZVM_FAIL_NTH_H */
