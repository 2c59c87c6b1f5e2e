/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * A scene for tests of what Linux itself does to page table entries of ours:
 * two VMOs in mappings of all kinds, with entries in all states in which they
 * can be. A test lets the kernel act on them, then cp_check() looks whether a
 * read-only mapping can be written, content is lost or the VMOs have changed.
 *
 * A test program includes "kselftest_harness.h", then this file.
 */
#ifndef ZVM_CORE_PTES_H
#define ZVM_CORE_PTES_H

#include "zvm_vmar_test.h"

#define CP_PAGES 4
#define CP_LEN (CP_PAGES * P)

/* The end of each page belongs to the threads that make noise. */
#define CP_NOISE 64

enum cp_kind {
	CP_ARENA_DIRTY,		/* written, then protected: read-only, maybe dirty */
	CP_ARENA_R,
	CP_ARENA_RW,
	CP_ARENA_NONE,		/* no permissions */
	CP_ARENA_ZERO_R,	/* pages of zeros: the VMO has none */
	CP_ARENA_ZERO_RW,	/* the same, writable but not written yet */
	CP_PLAIN_DIRTY,		/* mmap(2), written, then mprotect(2) */
	CP_PLAIN_R,		/* mmap(2) of a handle that cannot write */
	CP_PLAIN_RW,
	CP_PLAIN_ZERO_R,
	CP_PRIVATE,		/* MAP_PRIVATE: page 0 is a copy, others are the VMO's */
	CP_VIEWS
};

static const struct {
	const char *name;
	bool arena, zero, read, write;
} cp_kinds[CP_VIEWS] = {
	[CP_ARENA_DIRTY] = { "arena, protected", true, false, true, false },
	[CP_ARENA_R] = { "arena, R", true, false, true, false },
	[CP_ARENA_RW] = { "arena, RW", true, false, true, true },
	[CP_ARENA_NONE] = { "arena, no permissions", true, false, false, false },
	[CP_ARENA_ZERO_R] = { "arena, zeros, R", true, true, true, false },
	[CP_ARENA_ZERO_RW] = { "arena, zeros, RW", true, true, true, true },
	[CP_PLAIN_DIRTY] = { "mmap, protected", false, false, true, false },
	[CP_PLAIN_R] = { "mmap, R", false, false, true, false },
	[CP_PLAIN_RW] = { "mmap, RW", false, false, true, true },
	[CP_PLAIN_ZERO_R] = { "mmap, zeros, R", false, true, true, false },
	[CP_PRIVATE] = { "mmap, private", false, false, true, true },
};

struct cp_scene {
	struct zvm_stats before;
	struct vt_region root, r;
	zx_handle_t full, empty;	/* CP_PAGES pages each; empty has none of them */
	uint8_t *view[CP_VIEWS];
	/*
	 * Code and a page of zeros that once were executable: Linux still takes
	 * them for it.
	 */
	zx_handle_t code_vmo;
	uint8_t *code;
};

/* What the pages of the VMOs hold, all but the ends. */
#define CP_SEED 21
#define CP_SEED_PRIVATE 22

static inline bool cp_page_is(const uint8_t *p, uint64_t pos, unsigned int seed)
{
	static __thread uint8_t buf[65536];

	if (zt_try_copy(buf, p, P - CP_NOISE))
		return false;
	return (seed ? zt_mismatch(buf, P - CP_NOISE, pos, seed) :
		       zt_nonzero(buf, P - CP_NOISE)) < 0;
}

/* The seed of what a page of a view shows; 0: zeros. */
static inline unsigned int cp_seed(int kind, int page)
{
	if (cp_kinds[kind].zero)
		return 0;
	return kind == CP_PRIVATE && !page ? CP_SEED_PRIVATE : CP_SEED;
}

static inline bool cp_touch(uint8_t *p, bool write)
{
	for (int page = 0; page < CP_PAGES; page++) {
		uint8_t byte;

		if (zt_try_load(p + page * P, &byte) || (write && zt_try_store(p + page * P, byte)))
			return false;
	}
	return true;
}

/* Bring all entries (back) into the state that their view is about. */
static inline bool cp_arm(struct cp_scene *s)
{
	uint8_t **v = s->view;

	if (zx_vmo_op_range(s->empty, ZX_VMO_OP_DECOMMIT, 0, CP_LEN, NULL, 0) != ZX_OK ||
	    zx_vmar_protect(s->r.h, ZT_RW, (zx_vaddr_t)v[CP_ARENA_DIRTY], CP_LEN) != ZX_OK ||
	    mprotect(v[CP_PLAIN_DIRTY], CP_LEN, PROT_READ | PROT_WRITE))
		return false;
	/* Private copies go, so that the VMO's pages show. */
	madvise(v[CP_PRIVATE], CP_LEN, MADV_DONTNEED);
	for (int i = 0; i < CP_VIEWS; i++)
		if (cp_kinds[i].read &&
		    !cp_touch(v[i], i == CP_ARENA_DIRTY || i == CP_PLAIN_DIRTY ||
			      i == CP_ARENA_RW || i == CP_PLAIN_RW))
			return false;
	zt_fill(v[CP_PRIVATE], P - CP_NOISE, 0, CP_SEED_PRIVATE);
	return zx_vmar_protect(s->r.h, ZX_VM_PERM_READ, (zx_vaddr_t)v[CP_ARENA_DIRTY],
			       CP_LEN) == ZX_OK &&
	       !mprotect(v[CP_PLAIN_DIRTY], CP_LEN, PROT_READ) &&
	       /* Where protecting removes the entries they are clean now. */
	       cp_touch(v[CP_ARENA_DIRTY], false) && cp_touch(v[CP_PLAIN_DIRTY], false) &&
	       !zt_try_read(s->code) && !zt_try_read(s->code + P);
}

static inline uint8_t *cp_plain(zx_handle_t vmo, int prot, int flags)
{
	void *p = mmap(NULL, CP_LEN, prot, flags, zvm_handle_to_fd(vmo), 0);

	return p == MAP_FAILED ? NULL : p;
}

static inline bool cp_make_code(struct cp_scene *s)
{
	zx_handle_t vmo = zt_vmo(2 * P, 0);
	zx_vaddr_t addr;

	if (zx_vmo_write(vmo, zt_code, 0, sizeof(zt_code)) != ZX_OK ||
	    zx_vmo_replace_as_executable(vmo, ZX_HANDLE_INVALID, &s->code_vmo) != ZX_OK ||
	    zx_vmar_map(s->r.h, VT_R | VT_X, 0, s->code_vmo, 0, 2 * P, &addr) != ZX_OK)
		return false;
	s->code = (uint8_t *)addr;
	return !zt_try_exec(s->code) && zt_exec_value() == 42 &&
	       zx_vmar_protect(s->r.h, VT_R, addr, 2 * P) == ZX_OK;
}

static inline bool cp_make(struct cp_scene *s)
{
	const int rw = PROT_READ | PROT_WRITE;
	zx_handle_t read_only;

	if (!zt_warm_up())
		return false;
	s->before = zt_stats();
	s->root = vt_region_of(zx_vmar_root_self());
	s->r = vt_alloc(s->root.h, VT_CAN_ALL, 256 * P);
	s->full = zt_vmo(CP_LEN, 0);
	s->empty = zt_vmo(CP_LEN, 0);
	if (!s->r.h || !s->full || !s->empty || zt_vmo_fill(s->full, 0, CP_LEN, CP_SEED))
		return false;
	for (int i = 0; i < CP_VIEWS; i++)
		if (cp_kinds[i].arena)
			s->view[i] = zt_map_at(s->r.h, cp_kinds[i].zero ? s->empty : s->full, 0,
					       CP_LEN,
					       i == CP_ARENA_DIRTY || cp_kinds[i].write ? ZT_RW :
					       cp_kinds[i].read ? ZX_VM_PERM_READ : 0);
	s->view[CP_PLAIN_DIRTY] = cp_plain(s->full, rw, MAP_SHARED);
	s->view[CP_PLAIN_RW] = cp_plain(s->full, rw, MAP_SHARED);
	s->view[CP_PLAIN_ZERO_R] = cp_plain(s->empty, PROT_READ, MAP_SHARED);
	s->view[CP_PRIVATE] = cp_plain(s->full, rw, MAP_PRIVATE);
	read_only = zt_without(s->full, ZX_RIGHT_WRITE);
	s->view[CP_PLAIN_R] = cp_plain(read_only, PROT_READ, MAP_SHARED);
	if (zx_handle_close(read_only) != ZX_OK || !cp_make_code(s))
		return false;
	for (int i = 0; i < CP_VIEWS; i++)
		if (!s->view[i])
			return false;
	return cp_arm(s);
}

/* Everything is unmapped and closed; false when a call refuses. */
static inline bool cp_end(struct cp_scene *s)
{
	bool ok = zx_vmar_destroy(s->r.h) == ZX_OK && zx_handle_close(s->r.h) == ZX_OK &&
		  zx_handle_close(s->full) == ZX_OK && zx_handle_close(s->empty) == ZX_OK &&
		  zx_handle_close(s->code_vmo) == ZX_OK;

	for (int i = 0; i < CP_VIEWS; i++) {
		if (!cp_kinds[i].arena)
			ok = !munmap(s->view[i], CP_LEN) && ok;
		else
			ok = zt_try_read(s->view[i]) == SIGSEGV && ok;
	}
	return ok;
}

/* ------------------------------------------------------------------------
 * Is all as it has to be?
 */
struct cp_verdict {
	char text[160];
};

#define CP_BAD(fmt, ...) do {						\
	snprintf(v->text, sizeof(v->text), fmt, ##__VA_ARGS__);		\
	return false;							\
} while (0)

static inline bool cp_check_content(struct cp_scene *s, struct cp_verdict *v)
{
	uint8_t byte;

	for (int i = 0; i < CP_VIEWS; i++)
		for (int page = 0; page < CP_PAGES; page++) {
			uint8_t *p = s->view[i] + page * P;

			if (!cp_kinds[i].read) {
				if (zt_try_read(p) != SIGSEGV)
					CP_BAD("%s: can be read", cp_kinds[i].name);
			} else if (!cp_page_is(p, page * P, cp_seed(i, page))) {
				CP_BAD("%s: page %d has lost its content", cp_kinds[i].name, page);
			}
		}
	for (int page = 0; page < CP_PAGES; page++) {
		if (!zt_vmo_holds(s->full, page * P, P - CP_NOISE, CP_SEED))
			CP_BAD("page %d of the VMO has lost its content", page);
		if (!zt_vmo_zero(s->empty, page * P, P - CP_NOISE))
			CP_BAD("page %d of the empty VMO is not zero", page);
	}
	if (zt_try_load(s->code, &byte) || byte != zt_code[0])
		CP_BAD("code has lost its content");
	return true;
}

static inline bool cp_check_forbidden(struct cp_scene *s, struct cp_verdict *v)
{
	for (int i = 0; i < CP_VIEWS; i++)
		for (int page = 0; page < CP_PAGES; page++) {
			uint8_t *p = s->view[i] + page * P + 64;

			if (!cp_kinds[i].write && zt_try_write(p) != SIGSEGV)
				CP_BAD("%s: page %d can be written", cp_kinds[i].name, page);
			/* What is not executable faults where it is fetched. */
			if (zt_try_exec(p) != SIGSEGV || zt_fault()->addr != p)
				CP_BAD("%s: page %d can be executed", cp_kinds[i].name, page);
		}
	for (int page = 0; page < 2; page++)
		if (zt_try_write(s->code + page * P) != SIGSEGV ||
		    zt_try_exec(s->code + page * P) != SIGSEGV ||
		    zt_fault()->addr != s->code + page * P)
			CP_BAD("page %d of protected code can be written or executed", page);
	return true;
}

/* What is written through one view is seen in all that show the same VMO. */
static inline bool cp_check_shared(struct cp_scene *s, struct cp_verdict *v)
{
	for (int i = 0; i < CP_VIEWS; i++) {
		zx_handle_t vmo = cp_kinds[i].zero ? s->empty : s->full;

		if (!cp_kinds[i].write || i == CP_PRIVATE)
			continue;
		for (int page = 0; page < CP_PAGES; page++) {
			size_t off = page * P + 128 + i;
			uint8_t was = 0, now, byte;

			zt_try_load(s->view[i] + off, &was);
			now = was ^ 0xff;
			if (zt_try_store(s->view[i] + off, now))
				CP_BAD("%s: page %d cannot be written", cp_kinds[i].name, page);
			if (zt_vmo_byte(vmo, off) != now)
				CP_BAD("%s: a write to page %d is not in the VMO",
				       cp_kinds[i].name, page);
			for (int k = 0; k < CP_VIEWS; k++) {
				if (cp_kinds[k].zero != cp_kinds[i].zero || k == CP_PRIVATE ||
				    !cp_kinds[k].read)
					continue;
				if (zt_try_load(s->view[k] + off, &byte) || byte != now)
					CP_BAD("%s: page %d does not show what was written as \"%s\"",
					       cp_kinds[k].name, page, cp_kinds[i].name);
			}
			if (zx_vmo_write(vmo, &was, off, 1) != ZX_OK ||
			    zt_try_load(s->view[i] + off, &byte) || byte != was)
				CP_BAD("%s: page %d does not show a write call", cp_kinds[i].name,
				       page);
		}
	}
	return true;
}

/*
 * Look at everything, then bring the entries back into their states. False: see
 * the verdict.
 */
static inline bool cp_check(struct cp_scene *s, struct cp_verdict *v)
{
	if (zt_committed(s->full) != CP_LEN || zt_committed(s->empty))
		CP_BAD("committed: %" PRIu64 " and %" PRIu64 " bytes", zt_committed(s->full),
		       zt_committed(s->empty));
	if (!cp_check_content(s, v) || !cp_check_forbidden(s, v) || !cp_check_shared(s, v) ||
	    !cp_check_content(s, v))
		return false;
	if (!cp_arm(s))
		CP_BAD("permissions cannot be changed any more");
	return true;
}

#define CP_EXPECT(s, ...) do {						\
	struct cp_verdict cp_v_;					\
	char cp_after_[96];						\
	snprintf(cp_after_, sizeof(cp_after_), __VA_ARGS__);		\
	EXPECT_TRUE(cp_check(s, &cp_v_)) {				\
		TH_LOG("after %s: %s", cp_after_, cp_v_.text);		\
	}								\
} while (0)

/* ------------------------------------------------------------------------
 * Noise: threads that use the views while something is done to them
 */
struct cp_noise {
	struct cp_scene *s;
	pthread_t thread[2];
	bool stop;
	uint64_t rounds[2];
	const char *wrong;
};

/* One writes, and looks at once whether read-only views show it. */
static inline void *cp_noise_writer(void *arg)
{
	static const int from[] = { CP_ARENA_RW, CP_PLAIN_RW };
	static const int to[] = { CP_ARENA_DIRTY, CP_ARENA_R, CP_PLAIN_DIRTY, CP_PLAIN_R };
	struct cp_noise *n = arg;

	for (uint64_t i = 0; !__atomic_load_n(&n->stop, __ATOMIC_RELAXED); i++) {
		size_t off = (i / 8 % CP_PAGES + 1) * P - CP_NOISE;
		uint8_t byte = 0;

		if (zt_try_store(n->s->view[from[i % 2]] + off, (uint8_t)i))
			n->wrong = "a write failed";
		else if (zt_try_load(n->s->view[to[i / 2 % 4]] + off, &byte) || byte != (uint8_t)i)
			n->wrong = "a write was not seen elsewhere";
		__atomic_store_n(&n->rounds[0], i + 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* The other tries what must not be. */
static inline void *cp_noise_intruder(void *arg)
{
	struct cp_noise *n = arg;

	for (uint64_t i = 0; !__atomic_load_n(&n->stop, __ATOMIC_RELAXED); i++) {
		int kind = i % CP_VIEWS;
		uint8_t *p = n->s->view[kind] + (i / CP_VIEWS % CP_PAGES + 1) * P - CP_NOISE / 2;

		/* Private: what is put there comes and goes. */
		if (!cp_kinds[kind].write && zt_try_write(p) != SIGSEGV)
			n->wrong = cp_kinds[kind].name;
		if (cp_kinds[kind].read && zt_try_read(p))
			n->wrong = "a read failed";
		__atomic_store_n(&n->rounds[1], i + 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static inline bool cp_noise_start(struct cp_noise *n, struct cp_scene *s)
{
	*n = (struct cp_noise){ .s = s };
	return !pthread_create(&n->thread[0], NULL, cp_noise_writer, n) &&
	       !pthread_create(&n->thread[1], NULL, cp_noise_intruder, n);
}

/* Let the threads get on by some rounds each. */
static inline void cp_noise_wait(struct cp_noise *n, uint64_t rounds)
{
	for (int i = 0; i < 2; i++) {
		uint64_t end = __atomic_load_n(&n->rounds[i], __ATOMIC_RELAXED) + rounds;

		while (__atomic_load_n(&n->rounds[i], __ATOMIC_RELAXED) < end)
			sched_yield();
	}
}

/* NULL, or what the threads have seen. */
static inline const char *cp_noise_stop(struct cp_noise *n)
{
	__atomic_store_n(&n->stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		pthread_join(n->thread[i], NULL);
	return n->wrong;
}

/* A counter of /proc/vmstat, or -1. */
static inline int64_t cp_vmstat(const char *name)
{
	char line[128];
	int64_t val = -1;
	FILE *f = fopen("/proc/vmstat", "re");
	size_t n = strlen(name);

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, n) && line[n] == ' ')
			val = strtoll(line + n, NULL, 10);
	if (f)
		fclose(f);
	return val;
}

#endif /* ZVM_CORE_PTES_H */
