// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Who pays: pages are charged to the memory cgroup of whoever makes them, and
 * given back to the last; a cgroup's limit and the module's limit per user hold.
 */
#include "kselftest_harness.h"
#include "memcg.h"

#include <grp.h>

#define USER_PAGES "/sys/module/zircon_vm/parameters/user_pages"
#define NOBODY 65534

/* What the kernel charges ahead, on each CPU, and for a process's other needs. */
#define SLACK (2ul << 20)

/*
 * Each CPU remembers the cgroup that it last charged or gave back to, which
 * keeps that cgroup. Make every CPU remember this one.
 */
static int be_remembered(int sock ZT_UNUSED, void *arg)
{
	cpu_set_t set;

	VT_CHECK(group_enter(arg));
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		int fd[2];

		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		if (sched_setaffinity(0, sizeof(set), &set))
			continue;
		for (int i = 0; i < 20; i++) {
			VT_CHECK(pipe(fd) == 0 && write(fd[1], "", 1) == 1);
			close(fd[0]);
			close(fd[1]);
		}
	}
	return 0;
}

/*
 * Cgroups that were removed but are still paid for by some page. Waits for the
 * number to come back to what it was: charges travel in batches.
 */
static bool dying_back_to(struct cgroup *other, int64_t want, int64_t *now)
{
	const struct cgroup root = { CGROUP };
	uint64_t end = zt_now_ns() + 8000000000u;

	for (;;) {
		struct vt_child c = vt_spawn(be_remembered, other);

		if (vt_join(&c))
			return false;
		*now = group_field(&root, "cgroup.stat", "nr_dying_descendants");
		if (*now <= want)
			return true;
		if (zt_now_ns() > end)
			return false;
		vt_write_file("/proc/sys/vm/drop_caches", "2");
		zt_sleep_ms(100);
	}
}

FIXTURE(memcg) {
	struct cgroup a, b, other;
	struct zvm_stats before;
	int64_t dying;
};

FIXTURE_SETUP(memcg)
{
	const struct cgroup root = { CGROUP };

	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	group_write(&root, "cgroup.subtree_control", "+memory");
	self->dying = group_field(&root, "cgroup.stat", "nr_dying_descendants");
	if (!group_make(&self->other, "other") || !group_make(&self->a, "a") ||
	    !group_make(&self->b, "b"))
		SKIP(return, "no memory controller of cgroup v2 at " CGROUP);
}

FIXTURE_TEARDOWN(memcg)
{
	rmdir(self->a.path);
	rmdir(self->b.path);
	rmdir(self->other.path);
}

#define SKIP_WITHOUT_MEMCG() do {					\
	if (group_read(&self->b, "memory.current") < 0)			\
		SKIP(return, "no memory controller");			\
} while (0)

/* What a child does in its cgroup, told by numbers over the socket. */
enum way { BY_COMMIT, BY_WRITE_CALL, BY_FAULT, BY_POPULATE };

struct eater {
	const struct cgroup *g;
	enum way way;
	size_t pages;
	zx_handle_t vmo;	/* 0: its own */
	uid_t uid;		/* not 0: becomes this user first */
	uint32_t options;	/* of its own VMO */
};

/* Pages that it got, and as what the first failure came: 0, a status or a signal. */
struct eaten {
	size_t pages;
	int failure;
};

static struct eaten eat(zx_handle_t vmo, enum way way, size_t pages)
{
	struct eaten e = { 0, 0 };
	uint8_t *p = NULL, *page = malloc(P);
	zx_status_t st = ZX_OK;

	memset(page, 0x77, P);
	if (way == BY_FAULT || way == BY_POPULATE) {
		p = zt_map(vmo, 0, pages * P, ZT_RW);
		if (!p)
			return (struct eaten){ 0, 9999 };
	}
	for (; e.pages < pages && !e.failure; e.pages += !e.failure) {
		uint64_t off = e.pages * P;

		switch (way) {
		case BY_COMMIT:
			st = zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, off, P, NULL, 0);
			break;
		case BY_WRITE_CALL:
			st = zx_vmo_write(vmo, page, off, P);
			break;
		case BY_POPULATE:
			st = zx_vmar_op_range(zx_vmar_root_self(), ZX_VMAR_OP_COMMIT,
					      (zx_vaddr_t)p + off, P, NULL, 0);
			break;
		case BY_FAULT:
			st = zt_try_write(p + off);
			break;
		}
		e.failure = st;
	}
	free(page);
	return e;
}

static int eater_process(int sock, void *arg)
{
	struct eater *eat_this = arg;
	zx_handle_t vmo = eat_this->vmo;
	struct eaten e = { 0, 0 };

	if (eat_this->g)
		VT_CHECK(group_enter(eat_this->g));
	if (eat_this->uid) {
		VT_CHECK(setgroups(0, NULL) == 0);
		VT_CHECK(setresgid(NOBODY, NOBODY, NOBODY) == 0);
		VT_CHECK(setresuid(eat_this->uid, eat_this->uid, eat_this->uid) == 0);
		/* Changing users clears it. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	}
	if (!vmo) {
		/* At its limit, a user cannot even have an empty VMO. */
		e.failure = zx_vmo_create(eat_this->pages * P, eat_this->options, &vmo);
		e.pages = 0;
	}
	if (vmo)
		e = eat(vmo, eat_this->way, eat_this->pages);
	vt_say(sock, e.pages);
	vt_say(sock, (uint64_t)(int64_t)e.failure);
	/* Stays, with all it has, until it is told to go on and free it. */
	vt_hear(sock);
	VT_CHECK_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, eat_this->pages * P, NULL, 0));
	vt_say(sock, 0);
	vt_hear(sock);
	return 0;
}

/* ------------------------------------------------------------------------
 * The right cgroup, and all of it back
 */
static void charged_and_returned(struct __test_metadata *_metadata, FIXTURE_DATA(memcg) *self,
				 enum way way, uint32_t options)
{
	const size_t pages = (24ul << 20) / P;
	struct eater e = { .g = &self->a, .way = way, .pages = pages, .options = options };
	struct vt_child c = vt_spawn(eater_process, &e);
	int64_t held, freed, dying;

	ASSERT_LT(0, c.pid);
	ZT_ASSERT_U64(pages, vt_hear(c.sock));
	ZT_ASSERT_U64(0, vt_hear(c.sock));
	held = group_read(&self->a, "memory.current");
	EXPECT_LE((int64_t)(pages * P), held);
	EXPECT_GE((int64_t)(pages * P + 4 * SLACK), held);
	EXPECT_GE((int64_t)SLACK, group_read(&self->b, "memory.current"));
	ASSERT_TRUE(vt_say(c.sock, 0));
	ZT_ASSERT_U64(0, vt_hear(c.sock));
	/* Decommitted: no longer paid for, while the process lives. */
	freed = group_read(&self->a, "memory.current");
	EXPECT_LE((int64_t)(pages * P - SLACK), held - freed);
	ZT_EXPECT_U64(self->before.pages, zt_stats().pages);
	ASSERT_TRUE(vt_say(c.sock, 0));
	EXPECT_EQ(0, vt_join(&c));
	ZT_EXPECT_NO_LEAK(&self->before);
	/* A removed cgroup stays for ever if a single page still names it. */
	ASSERT_TRUE(group_remove(&self->a));
	ASSERT_TRUE(group_remove(&self->b));
	EXPECT_TRUE(dying_back_to(&self->other, self->dying, &dying)) {
		TH_LOG("dying cgroups: %d before, %d now", (int)self->dying, (int)dying);
	}
}

TEST_F_TIMEOUT(memcg, charged_by_commit, 60)
{
	SKIP_WITHOUT_MEMCG();
	charged_and_returned(_metadata, self, BY_COMMIT, 0);
}

TEST_F_TIMEOUT(memcg, charged_by_write_call, 60)
{
	SKIP_WITHOUT_MEMCG();
	charged_and_returned(_metadata, self, BY_WRITE_CALL, 0);
}

TEST_F_TIMEOUT(memcg, charged_by_fault, 60)
{
	SKIP_WITHOUT_MEMCG();
	charged_and_returned(_metadata, self, BY_FAULT, 0);
}

TEST_F_TIMEOUT(memcg, charged_by_vmar_commit, 60)
{
	SKIP_WITHOUT_MEMCG();
	charged_and_returned(_metadata, self, BY_POPULATE, 0);
}

TEST_F_TIMEOUT(memcg, charged_by_fault_for_huge_pages, 60)
{
	SKIP_WITHOUT_MEMCG();
	charged_and_returned(_metadata, self, BY_FAULT, ZVM_VMO_HUGE_PAGES);
}

/* Reading costs nothing, however much is read. */
TEST_F(memcg, reading_is_free)
{
	const size_t pages = (24ul << 20) / P;
	zx_handle_t vmo = zt_vmo(pages * P, 0);
	uint8_t *p = zt_map(vmo, 0, pages * P, VT_R);
	struct zvm_stats before = zt_stats();

	SKIP_WITHOUT_MEMCG();
	ASSERT_NE(NULL, p);
	for (size_t i = 0; i < pages; i++)
		ASSERT_EQ(0, vt_load(p + i * P));
	ZT_EXPECT_U64(before.pages, zt_stats().pages);
	ZT_EXPECT_U64(before.page_nodes, zt_stats().page_nodes);
	ZT_EXPECT_U64(0, zt_committed(vmo));
}

/* One VMO, two cgroups: each pays for the pages that it made. */
TEST_F_TIMEOUT(memcg, each_pays_for_its_own, 60)
{
	const size_t pages = (16ul << 20) / P;
	zx_handle_t vmo = zt_vmo(2 * pages * P, 0);
	struct eater e[2] = {
		{ .g = &self->a, .way = BY_FAULT, .pages = pages, .vmo = vmo },
		{ .g = &self->b, .way = BY_FAULT, .pages = 2 * pages, .vmo = vmo },
	};
	struct vt_child c[2];
	int64_t a, b;

	SKIP_WITHOUT_MEMCG();
	/* The first takes the first half, the second finds it there. */
	for (int i = 0; i < 2; i++) {
		c[i] = vt_spawn(eater_process, &e[i]);
		ZT_ASSERT_U64(e[i].pages, vt_hear(c[i].sock));
		ZT_ASSERT_U64(0, vt_hear(c[i].sock));
	}
	a = group_read(&self->a, "memory.current");
	b = group_read(&self->b, "memory.current");
	EXPECT_LE((int64_t)(pages * P), a);
	EXPECT_GE((int64_t)(pages * P + 4 * SLACK), a);
	EXPECT_LE((int64_t)(pages * P), b);
	EXPECT_GE((int64_t)(pages * P + 4 * SLACK), b);
	ZT_EXPECT_U64(2 * pages * P, zt_committed(vmo));
	/* The process of a goes: its pages stay in the VMO, and stay a's. */
	EXPECT_EQ(128 + SIGKILL, vt_kill(&c[0]));
	EXPECT_LE((int64_t)(pages * P), group_read(&self->a, "memory.current"));
	EXPECT_EQ(128 + SIGKILL, vt_kill(&c[1]));
	ZT_EXPECT_U64(2 * pages * P, zt_committed(vmo));
	ZT_ASSERT_OK(zx_handle_close(vmo));
	ZT_EXPECT_NO_LEAK(&self->before);
	EXPECT_GE((int64_t)SLACK, group_read(&self->a, "memory.current"));
	EXPECT_GE((int64_t)SLACK, group_read(&self->b, "memory.current"));
}

/* ------------------------------------------------------------------------
 * memory.max
 */
static void over_the_limit(struct __test_metadata *_metadata, FIXTURE_DATA(memcg) *self,
			   enum way way, uint32_t options)
{
	const size_t pages = (64ul << 20) / P;
	struct eater e = { .g = &self->a, .way = way, .pages = pages, .options = options };
	uint64_t got, end = zt_now_ns() + 25000000000u;
	int64_t failure = 0;
	struct vt_child c;
	int status = 0;

	ASSERT_TRUE(group_write(&self->a, "memory.max", "16777216"));
	c = vt_spawn(eater_process, &e);
	ASSERT_LT(0, c.pid);
	/* It is killed, or it is told; it neither gets all nor waits for ever. */
	got = vt_hear(c.sock);
	if (got != UINT64_MAX) {
		failure = (int64_t)vt_hear(c.sock);
		EXPECT_LT(got, (16ul << 20) / P);
		EXPECT_EQ(way == BY_FAULT ? SIGBUS : ZX_ERR_NO_MEMORY, failure);
		vt_kill(&c);
	} else {
		while (waitpid(c.pid, &status, WNOHANG) == 0) {
			ASSERT_LT(zt_now_ns(), end);
			zt_sleep_ms(10);
		}
		EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		EXPECT_LE(1, group_field(&self->a, "memory.events", "oom_kill"));
	}
	EXPECT_LE(1, group_field(&self->a, "memory.events", "max"));
	ZT_EXPECT_NO_LEAK(&self->before);
	EXPECT_GE((int64_t)SLACK, group_read(&self->a, "memory.current"));
	TH_LOG("%s after %d pages", got == UINT64_MAX ? "killed" : "refused",
	       got == UINT64_MAX ? -1 : (int)got);
}

TEST_F_TIMEOUT(memcg, over_memory_max_by_fault, 60)
{
	SKIP_WITHOUT_MEMCG();
	over_the_limit(_metadata, self, BY_FAULT, 0);
}

TEST_F_TIMEOUT(memcg, over_memory_max_by_commit, 60)
{
	SKIP_WITHOUT_MEMCG();
	over_the_limit(_metadata, self, BY_COMMIT, 0);
}

TEST_F_TIMEOUT(memcg, over_memory_max_by_write_call, 60)
{
	SKIP_WITHOUT_MEMCG();
	over_the_limit(_metadata, self, BY_WRITE_CALL, 0);
}

TEST_F_TIMEOUT(memcg, over_memory_max_by_vmar_commit, 60)
{
	SKIP_WITHOUT_MEMCG();
	over_the_limit(_metadata, self, BY_POPULATE, 0);
}

TEST_F_TIMEOUT(memcg, over_memory_max_with_huge_pages, 60)
{
	SKIP_WITHOUT_MEMCG();
	over_the_limit(_metadata, self, BY_FAULT, ZVM_VMO_HUGE_PAGES);
}

/*
 * A write to a huge page that is shared wants a copy of all of it, for which there
 * is not enough, though there is enough for a page.
 */
struct copier {
	const struct cgroup *g;
	uid_t uid;
};

static int copy_huge_page(int sock, void *arg)
{
	const struct copier *c = arg;
	zx_handle_t vmo, s;
	uint8_t *p;

	if (c->g)
		VT_CHECK(group_enter(c->g));
	if (c->uid) {
		VT_CHECK(setgroups(0, NULL) == 0);
		VT_CHECK(setresgid(NOBODY, NOBODY, NOBODY) == 0);
		VT_CHECK(setresuid(c->uid, c->uid, c->uid) == 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	}
	VT_CHECK_OK(zx_vmo_create(2 << 20, ZVM_VMO_HUGE_PAGES, &vmo));
	p = zt_map(vmo, 0, 2 << 20, ZT_RW);
	VT_CHECK(p);
	VT_CHECK(zt_try_store(p + P, 1) == 0);
	VT_CHECK_OK(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, 2 << 20, &s));
	VT_CHECK(zx_vmo_write(vmo, "x", 0, 1) == ZX_ERR_NO_MEMORY);
	vt_say(sock, (uint64_t)zt_try_store(p + P, 2));
	VT_CHECK(zt_vmo_byte(s, P) == 1);
	VT_CHECK(zt_vmo_byte(vmo, P) == 1);
	/* Alone again it needs none. */
	VT_CHECK_OK(zx_handle_close(s));
	VT_CHECK(zt_try_store(p + P, 3) == 0);
	VT_CHECK_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, P, NULL, 0));
	VT_CHECK(zt_vmo_byte(vmo, P) == 3);
	return 0;
}

TEST_F_TIMEOUT(memcg, no_room_for_a_copy_of_a_huge_page, 60)
{
	struct copier arg = { .g = &self->a };
	struct vt_child c;
	uint64_t got;
	int status;

	SKIP_WITHOUT_MEMCG();
	ASSERT_TRUE(group_write(&self->a, "memory.max", "4000000"));
	c = vt_spawn(copy_huge_page, &arg);
	got = vt_hear(c.sock);
	status = vt_join(&c);
	if (got == UINT64_MAX) {
		EXPECT_EQ(128 + SIGKILL, status);
	} else {
		EXPECT_EQ((uint64_t)SIGBUS, got);
		EXPECT_EQ(0, status);
	}
	ZT_EXPECT_NO_LEAK(&self->before);
}

/* One large commit, which cannot be had: nothing of it hangs around. */
static int large_commit(int sock, void *arg)
{
	zx_handle_t vmo = zt_vmo(64ul << 20, 0);
	zx_status_t st;

	VT_CHECK(group_enter(arg));
	st = zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 0, 64ul << 20, NULL, 0);
	vt_say(sock, (uint64_t)(int64_t)st);
	VT_CHECK_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, 64ul << 20, NULL, 0));
	VT_CHECK(zt_committed(vmo) == 0);
	return 0;
}

TEST_F_TIMEOUT(memcg, over_memory_max_in_one_call, 60)
{
	struct vt_child c;
	uint64_t st;
	int status;

	SKIP_WITHOUT_MEMCG();
	ASSERT_TRUE(group_write(&self->a, "memory.max", "16777216"));
	c = vt_spawn(large_commit, &self->a);
	st = vt_hear(c.sock);
	status = vt_join(&c);
	if (st == UINT64_MAX) {
		EXPECT_EQ(128 + SIGKILL, status);
	} else {
		ZT_EXPECT_STATUS(ZX_ERR_NO_MEMORY, (zx_status_t)st);
		EXPECT_EQ(0, status);
	}
	ZT_EXPECT_NO_LEAK(&self->before);
}

/* ------------------------------------------------------------------------
 * The limit per user
 */
#define LIMIT 64

FIXTURE(user_limit) {
	struct zvm_stats before;
	char old[32];
};

/* Besides pages the limit counts objects: the VMO itself, the root region. */
#define OBJECTS 2

FIXTURE_SETUP(user_limit)
{
	char limit[32];

	ASSERT_EQ(0, access(USER_PAGES, W_OK));
	snprintf(self->old, sizeof(self->old), "%lld", (long long)vt_read_number(USER_PAGES));
	snprintf(limit, sizeof(limit), "%d", LIMIT);
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	ASSERT_TRUE(vt_write_file(USER_PAGES, limit));
}

FIXTURE_TEARDOWN(user_limit)
{
	vt_write_file(USER_PAGES, self->old);
}

/* It got as much as the limit lets it have, and was then told so. */
#define EXPECT_LIMITED(c, way) do {						\
	uint64_t pages_ = vt_hear((c).sock);					\
										\
	EXPECT_TRUE(pages_ >= LIMIT - OBJECTS && pages_ <= LIMIT) {		\
		TH_LOG("%d pages", (int)pages_);				\
	}									\
	EXPECT_EQ((way) == BY_FAULT ? SIGBUS : ZX_ERR_NO_MEMORY,		\
		  (int64_t)vt_hear((c).sock));					\
} while (0)

static void user_over_the_limit(struct __test_metadata *_metadata,
				FIXTURE_DATA(user_limit) *self, enum way way, uint32_t options)
{
	struct eater e = { .way = way, .pages = 4096, .uid = NOBODY, .options = options };
	struct vt_child c = vt_spawn(eater_process, &e), c2;

	ASSERT_LT(0, c.pid);
	EXPECT_LIMITED(c, way);
	/* Another process of the user gets none meanwhile. */
	c2 = vt_spawn(eater_process, &e);
	ZT_EXPECT_U64(0, vt_hear(c2.sock));
	EXPECT_NE(0u, vt_hear(c2.sock));
	EXPECT_EQ(128 + SIGKILL, vt_kill(&c2));
	/* Freed, they can be had again. */
	ASSERT_TRUE(vt_say(c.sock, 0));
	ZT_ASSERT_U64(0, vt_hear(c.sock));
	c2 = vt_spawn(eater_process, &e);
	EXPECT_LE(LIMIT - 2 * OBJECTS, (int64_t)vt_hear(c2.sock));
	EXPECT_EQ(128 + SIGKILL, vt_kill(&c2));
	ASSERT_TRUE(vt_say(c.sock, 0));
	EXPECT_EQ(0, vt_join(&c));
	ZT_EXPECT_NO_LEAK(&self->before);
	/* Also after an end without any clean-up. */
	for (int i = 0; i < 2; i++) {
		c = vt_spawn(eater_process, &e);
		EXPECT_LIMITED(c, way);
		EXPECT_EQ(128 + SIGKILL, vt_kill(&c));
		ZT_EXPECT_NO_LEAK(&self->before);
	}
}

TEST_F_TIMEOUT(user_limit, by_commit, 60)
{
	user_over_the_limit(_metadata, self, BY_COMMIT, 0);
}

TEST_F_TIMEOUT(user_limit, by_write_call, 60)
{
	user_over_the_limit(_metadata, self, BY_WRITE_CALL, 0);
}

TEST_F_TIMEOUT(user_limit, by_fault, 60)
{
	user_over_the_limit(_metadata, self, BY_FAULT, 0);
}

TEST_F_TIMEOUT(user_limit, by_vmar_commit, 60)
{
	user_over_the_limit(_metadata, self, BY_POPULATE, 0);
}

/* There is no allowance for a huge page: small ones will do. */
TEST_F_TIMEOUT(user_limit, small_pages_instead_of_huge_by_fault, 60)
{
	user_over_the_limit(_metadata, self, BY_FAULT, ZVM_VMO_HUGE_PAGES);
}

TEST_F_TIMEOUT(user_limit, small_pages_instead_of_huge_by_commit, 60)
{
	user_over_the_limit(_metadata, self, BY_COMMIT, ZVM_VMO_HUGE_PAGES);
}

TEST_F_TIMEOUT(user_limit, no_allowance_for_a_copy_of_a_huge_page, 60)
{
	struct copier arg = { .uid = NOBODY };
	struct vt_child c;

	ASSERT_TRUE(vt_write_file(USER_PAGES, "700"));
	c = vt_spawn(copy_huge_page, &arg);
	ZT_EXPECT_U64(SIGBUS, vt_hear(c.sock));
	EXPECT_EQ(0, vt_join(&c));
	ZT_EXPECT_NO_LEAK(&self->before);
}

static bool become_nobody(void)
{
	return setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0;
}

/*
 * A VMO that goes leaves a slice of it, but a part, which goes, of a huge page that
 * others share: to get rid of that must not cost more than to keep it.
 */
static int leave_slices(int sock ZT_UNUSED, void *arg ZT_UNUSED)
{
	enum { N = 4 };
	zx_handle_t vmo, s[N], slice[N], own;

	VT_CHECK(become_nobody());
	vmo = zt_vmo(2 << 20, ZVM_VMO_HUGE_PAGES);
	VT_CHECK(zt_vmo_fill(vmo, 0, 2 << 20, 3) == 0);
	for (int i = 0; i < N; i++) {
		VT_CHECK_OK(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, 2 << 20, &s[i]));
		VT_CHECK_OK(zx_vmo_create_child(s[i], ZX_VMO_CHILD_SLICE, P, (2 << 20) - 2 * P,
						&slice[i]));
	}
	for (int i = 0; i < N; i++)
		VT_CHECK_OK(zx_handle_close(s[i]));
	own = zt_vmo(100 * P, 0);
	VT_CHECK_OK(zx_vmo_op_range(own, ZX_VMO_OP_COMMIT, 0, 100 * P, NULL, 0));
	VT_CHECK_OK(zx_handle_close(own));
	VT_CHECK_OK(zx_handle_close(vmo));
	for (int i = 0; i < N; i++) {
		VT_CHECK(zt_vmo_byte(slice[i], 0) == zt_pattern(P, 3));
		VT_CHECK(zt_vmo_byte(slice[i], 9 * P) == zt_pattern(10 * P, 3));
	}
	/* Of what is shared no more each has a copy, in the allowance. */
	VT_CHECK_STATUS(ZX_ERR_NO_MEMORY, zx_vmo_write(slice[0], "x", 0, 1));
	for (int i = 1; i < N; i++)
		VT_CHECK_OK(zx_handle_close(slice[i]));
	VT_CHECK_OK(zx_vmo_write(slice[0], "x", 0, 1));
	return 0;
}

TEST_F(user_limit, a_slice_of_a_shared_huge_page)
{
	struct vt_child c;

	ASSERT_TRUE(vt_write_file(USER_PAGES, "700"));
	c = vt_spawn(leave_slices, NULL);
	EXPECT_EQ(0, vt_join(&c));
	ZT_EXPECT_NO_LEAK(&self->before);
}

/* Who takes over another's huge page, and cuts it, has no allowance for the pages. */
static int cut_theirs(int sock, void *arg)
{
	zx_handle_t theirs = *(zx_handle_t *)arg, s, own;

	VT_CHECK(become_nobody());
	VT_CHECK_OK(zx_vmo_create_child(theirs, ZX_VMO_CHILD_SNAPSHOT, 0, 2 << 20, &s));
	VT_CHECK_OK(zx_handle_close(theirs));
	VT_CHECK(vt_say(sock, 0) && vt_hear(sock) == 0);
	VT_CHECK_OK(zx_vmo_op_range(s, ZX_VMO_OP_ZERO, 5 * P, P, NULL, 0));
	VT_CHECK(zt_vmo_byte(s, 4 * P) == zt_pattern(4 * P, 3));
	VT_CHECK(zt_vmo_byte(s, 5 * P) == 0);
	VT_CHECK(zt_vmo_byte(s, 6 * P) == zt_pattern(6 * P, 3));
	own = zt_vmo(LIMIT / 2 * P, 0);
	VT_CHECK_OK(zx_vmo_op_range(own, ZX_VMO_OP_COMMIT, 0, LIMIT / 2 * P, NULL, 0));
	return 0;
}

TEST_F(user_limit, a_part_of_anothers_huge_page)
{
	zx_handle_t theirs = zt_vmo(2 << 20, ZVM_VMO_HUGE_PAGES);
	struct vt_child c;

	ASSERT_EQ(0, zt_vmo_fill(theirs, 0, 2 << 20, 3));
	c = vt_spawn(cut_theirs, &theirs);
	EXPECT_EQ(0u, vt_hear(c.sock));
	ZT_EXPECT_OK(zx_handle_close(theirs));
	ASSERT_TRUE(vt_say(c.sock, 0));
	EXPECT_EQ(0, vt_join(&c));
	ZT_EXPECT_NO_LEAK(&self->before);
}

/* Reads need no pages, so the limit does not stop them. */
static int read_a_lot(int sock ZT_UNUSED, void *arg ZT_UNUSED)
{
	zx_handle_t vmo;
	size_t n = 0;
	uint8_t *p;

	VT_CHECK(setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
		 setresuid(NOBODY, NOBODY, NOBODY) == 0);
	vmo = zt_vmo(16 * LIMIT * P, 0);
	p = zt_map(vmo, 0, 16 * LIMIT * P, ZT_RW);
	VT_CHECK(p);
	for (size_t i = 0; i < 16 * LIMIT; i++)
		VT_CHECK(vt_load(p + i * P) == 0);
	/* All of the limit is still there. */
	while (n < 2 * LIMIT && zt_try_write(p + n * P) == 0)
		n++;
	VT_CHECK(n >= LIMIT - OBJECTS && n <= LIMIT);
	VT_CHECK(zt_fault()->signo == SIGBUS);
	/* Full: what is there can be read and written. */
	VT_CHECK(zt_try_store(p + 5 * P, 9) == 0 && vt_load(p + 5 * P) == 9);
	VT_CHECK(vt_load(p + 10 * LIMIT * P) == 0);
	/* One back, one again; through the other calls as well. */
	VT_CHECK_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_ZERO, 5 * P, P, NULL, 0));
	VT_CHECK(zt_try_write(p + n * P) == 0);
	VT_CHECK_STATUS(ZX_ERR_NO_MEMORY, zx_vmo_write(vmo, "x", 5 * P, 1));
	VT_CHECK(zt_vmo_byte(vmo, 5 * P) == 0);
	return 0;
}

TEST_F(user_limit, reading_is_free)
{
	struct vt_child c = vt_spawn(read_a_lot, NULL);

	EXPECT_EQ(0, vt_join(&c));
	ZT_EXPECT_NO_LEAK(&self->before);
}

/* What the kernel needs for mappings and regions counts as well. */
static int make_many(int sock ZT_UNUSED, void *arg)
{
	bool regions = arg;
	size_t n[2] = { 0 };
	zx_handle_t vmo, h;
	zx_vaddr_t at;

	VT_CHECK(setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
		 setresuid(NOBODY, NOBODY, NOBODY) == 0);
	vmo = zt_vmo(P, 0);
	for (int i = 0; i < 2; i++) {
		struct vt_region r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 1ul << 30);
		zx_status_t st;

		do {
			st = regions ? zx_vmar_allocate(r.h, VT_CAN_ALL, 0, P, &h, &at) :
				       zx_vmar_map(r.h, ZT_RW, 0, vmo, 0, P, &at);
			if (st == ZX_OK && regions)
				zx_handle_close(h);
		} while (st == ZX_OK && ++n[i] < LIMIT * P);
		VT_CHECK_STATUS(ZX_ERR_NO_MEMORY, st);
		/* No more than fits, and not much less. */
		VT_CHECK(n[i] * (regions ? 512 : 128) <= LIMIT * P);
		VT_CHECK(n[i] * (regions ? 2048 : 512) >= LIMIT * P / 2);
		VT_CHECK_OK(zx_vmar_destroy(r.h));
		VT_CHECK_OK(zx_handle_close(r.h));
	}
	VT_CHECK(n[0] <= n[1] + 4 && n[1] <= n[0] + 4);
	return 0;
}

TEST_F(user_limit, mappings_and_regions_count)
{
	for (uintptr_t regions = 0; regions < 2; regions++) {
		struct vt_child c = vt_spawn(make_many, (void *)regions);

		EXPECT_EQ(0, vt_join(&c));
		ZT_EXPECT_NO_LEAK(&self->before);
	}
}

/* And address spaces that are in no process. */
static int make_aspaces(int sock ZT_UNUSED, void *arg ZT_UNUSED)
{
	zx_handle_t h[LIMIT * 4];
	size_t n[2] = { 0 };

	VT_CHECK(setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
		 setresuid(NOBODY, NOBODY, NOBODY) == 0);
	for (int i = 0; i < 2; i++) {
		zx_status_t st;

		do {
			st = zvm_aspace_create(ZVM_ASPACE_USER, 1ull << 40, 1ull << 30, &h[n[i]]);
		} while (st == ZX_OK && ++n[i] < ARRAY_SIZE(h));
		VT_CHECK_STATUS(ZX_ERR_NO_MEMORY, st);
		VT_CHECK(n[i] > 0 && n[i] * 1024 <= LIMIT * P);
		for (size_t k = 0; k < n[i]; k++)
			VT_CHECK_OK(zx_handle_close(h[k]));
	}
	VT_CHECK(n[0] <= n[1] + 4 && n[1] <= n[0] + 4);
	return 0;
}

TEST_F(user_limit, detached_address_spaces_count)
{
	struct vt_child c = vt_spawn(make_aspaces, NULL);

	EXPECT_EQ(0, vt_join(&c));
	ZT_EXPECT_NO_LEAK(&self->before);
}

/*
 * So do slices and references, which have no pages of their own: here the last of
 * them is a page too many in a mapping of a slice, whose address tells why.
 */
static int make_views(int sock ZT_UNUSED, void *arg)
{
	uint32_t type = (uintptr_t)arg;
	zx_handle_t vmo, h, slice;
	zx_status_t st;
	size_t n = 0;
	uint8_t *p;

	VT_CHECK(setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
		 setresuid(NOBODY, NOBODY, NOBODY) == 0);
	vmo = zt_vmo(2 * P, 0);
	VT_CHECK_OK(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SLICE, P, P, &slice));
	p = zt_map(slice, 0, P, ZT_RW);
	VT_CHECK_OK(zx_vmo_write(vmo, "x", 0, 1));
	do {
		st = zx_vmo_create_child(vmo, type, 0, 0, &h);
		/* Its mapping keeps it alive, without a descriptor. */
		if (st == ZX_OK && !zt_map(h, 0, P, ZT_RW | ZX_VM_ALLOW_FAULTS))
			st = ZX_ERR_NO_MEMORY;
		if (h != ZX_HANDLE_INVALID)
			zx_handle_close(h);
	} while (st == ZX_OK && ++n < LIMIT * P);
	VT_CHECK_STATUS(ZX_ERR_NO_MEMORY, st);
	VT_CHECK(n * 1024 <= LIMIT * P);
	/* No room: not the same as to be beyond the end. */
	VT_CHECK_STATUS(ZX_ERR_NO_MEMORY, zx_vmo_read(vmo, p, 0, 1));
	return 0;
}

TEST_F(user_limit, views_count)
{
	const uint32_t types[] = { ZX_VMO_CHILD_SLICE, ZX_VMO_CHILD_REFERENCE };

	for (int i = 0; i < 2; i++) {
		struct vt_child c = vt_spawn(make_views, (void *)(uintptr_t)types[i]);

		EXPECT_EQ(0, vt_join(&c));
		ZT_EXPECT_NO_LEAK(&self->before);
	}
}

/*
 * Who takes pages out of somebody else's VMO pays for them from then on: else
 * the other's allowance could be used up, page by page.
 */
static int take_from_others(int sock ZT_UNUSED, void *arg)
{
	zx_handle_t theirs = *(zx_handle_t *)arg, own;

	VT_CHECK(setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
		 setresuid(NOBODY, NOBODY, NOBODY) == 0);
	own = zt_vmo(2 * LIMIT * P, 0);
	VT_CHECK_STATUS(ZX_ERR_NO_MEMORY,
			zx_vmo_transfer_data(own, 0, 0, 2 * LIMIT * P, theirs, 0));
	VT_CHECK(zt_committed(own) >= (LIMIT - OBJECTS) * P && zt_committed(own) <= LIMIT * P);
	VT_CHECK(zt_committed(own) + zt_committed(theirs) == 2 * LIMIT * P);
	/* And no more of anything. */
	VT_CHECK_STATUS(ZX_ERR_NO_MEMORY,
			zx_vmo_op_range(own, ZX_VMO_OP_COMMIT, 0, 2 * LIMIT * P, NULL, 0));
	return 0;
}

TEST_F(user_limit, transferred_pages_count)
{
	zx_handle_t theirs = zt_vmo(2 * LIMIT * P, 0);
	struct vt_child c;

	ZT_ASSERT_OK(zx_vmo_op_range(theirs, ZX_VMO_OP_COMMIT, 0, 2 * LIMIT * P, NULL, 0));
	c = vt_spawn(take_from_others, &theirs);
	EXPECT_EQ(0, vt_join(&c));
	ZT_ASSERT_OK(zx_handle_close(theirs));
	ZT_EXPECT_NO_LEAK(&self->before);
}

/* CAP_IPC_LOCK, which root has, is what lifts it. */
TEST_F(user_limit, root_is_exempt)
{
	struct eater e = { .way = BY_FAULT, .pages = 4 * LIMIT };
	struct vt_child c = vt_spawn(eater_process, &e);

	ZT_EXPECT_U64(4 * LIMIT, vt_hear(c.sock));
	ZT_EXPECT_U64(0, vt_hear(c.sock));
	EXPECT_EQ(128 + SIGKILL, vt_kill(&c));
	ZT_EXPECT_NO_LEAK(&self->before);
}

TEST_F(user_limit, zero_means_none)
{
	struct eater e = { .way = BY_COMMIT, .pages = 4 * LIMIT, .uid = NOBODY };
	struct vt_child c;

	ASSERT_TRUE(vt_write_file(USER_PAGES, "0"));
	c = vt_spawn(eater_process, &e);
	ZT_EXPECT_U64(4 * LIMIT, vt_hear(c.sock));
	ZT_EXPECT_U64(0, vt_hear(c.sock));
	EXPECT_EQ(128 + SIGKILL, vt_kill(&c));
	ZT_EXPECT_NO_LEAK(&self->before);
}

TEST_HARNESS_MAIN
