// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * /sys/kernel/debug/zircon-vm: the counts and the list of all VMOs.
 */
#include "kselftest_harness.h"
#include "zvm_vmar_test.h"

#define DIR "/sys/kernel/debug/zircon-vm"

#define NEED_DEBUGFS() do {						\
	if (access(DIR, F_OK))						\
		SKIP(return, "no debugfs");				\
} while (0)

struct line {
	unsigned long long koid, parent, size, committed, mappings, children;
	char kind[16], state[16], name[64];
	int handles, seen;
};

FIXTURE(debugfs) {
	struct zvm_stats before;
	struct zt_bag bag;
};

FIXTURE_SETUP(debugfs)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
}

FIXTURE_TEARDOWN(debugfs)
{
	zt_empty(&self->bag);
	if (_metadata->passed && !access(DIR, F_OK))
		ZT_EXPECT_NO_LEAK(&self->before);
}

static bool parse(const char *text, struct line *l)
{
	return sscanf(text, "%llu %15s %llu %llu %llu %llu %llu %d %15s %63[^\n]", &l->koid, l->kind,
		      &l->parent, &l->size, &l->committed, &l->mappings, &l->children,
		      &l->handles, l->state, l->name) == 10;
}

/* The line of a VMO; seen: how many there are. */
static struct line find(unsigned long long koid)
{
	struct line found = {}, l;
	FILE *f = fopen(DIR "/vmos", "re");
	char text[256];

	if (!f || !fgets(text, sizeof(text), f) || strncmp(text, "koid kind parent ", 17))
		return found;
	while (fgets(text, sizeof(text), f)) {
		if (!parse(text, &l)) {
			found.seen = -1;
			break;
		}
		if (l.koid != koid)
			continue;
		l.seen = found.seen + 1;
		found = l;
	}
	fclose(f);
	return found;
}

TEST_F(debugfs, for_root_only)
{
	const char *const files[] = { DIR "/summary", DIR "/vmos" };
	struct stat st;

	NEED_DEBUGFS();
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		ASSERT_EQ(0, stat(files[i], &st));
		EXPECT_EQ(0u, st.st_uid);
		EXPECT_EQ(0400, (int)(st.st_mode & 0777));
	}
}

TEST_F(debugfs, summary)
{
	zx_handle_t vmo = zt_keep(&self->bag, zt_vmo(8 * P, ZX_VMO_DISCARDABLE));
	int64_t unlocked = zt_proc_field(DIR "/summary", "unlocked_vmos");
	int64_t discarded = zt_proc_field(DIR "/summary", "discarded_pages");
	zx_vmo_lock_state_t st;
	struct zvm_stats now;

	NEED_DEBUGFS();
	ASSERT_EQ(0, zt_vmo_fill(vmo, 0, 3 * P, 1));
	now = zt_stats();
	EXPECT_EQ((int64_t)now.vmos, zt_proc_field(DIR "/summary", "vmos"));
	EXPECT_EQ((int64_t)now.vmars, zt_proc_field(DIR "/summary", "vmars"));
	EXPECT_EQ((int64_t)now.aspaces, zt_proc_field(DIR "/summary", "aspaces"));
	EXPECT_EQ((int64_t)now.mappings, zt_proc_field(DIR "/summary", "mappings"));
	EXPECT_EQ((int64_t)now.handles, zt_proc_field(DIR "/summary", "handles"));
	EXPECT_EQ((int64_t)now.pages, zt_proc_field(DIR "/summary", "pages"));
	EXPECT_EQ((int64_t)now.page_nodes, zt_proc_field(DIR "/summary", "page_nodes"));
	ZT_ASSERT_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_LOCK, 0, 8 * P, &st, sizeof(st)));
	ZT_ASSERT_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_UNLOCK, 0, 8 * P, NULL, 0));
	EXPECT_EQ(unlocked + 1, zt_proc_field(DIR "/summary", "unlocked_vmos"));
	ASSERT_TRUE(vt_write_file("/proc/sys/vm/drop_caches", "2"));
	EXPECT_EQ(0, zt_proc_field(DIR "/summary", "unlocked_vmos"));
	EXPECT_EQ(discarded + 3, zt_proc_field(DIR "/summary", "discarded_pages"));
}

TEST_F(debugfs, lines_of_vmos)
{
	zx_handle_t plain = zt_vmo(6 * P, 0), snap, slice, ref;
	unsigned long long k = zt_koid(plain), k_slice;
	void *map = zt_map(plain, 0, P, ZT_RW);
	struct line l;

	NEED_DEBUGFS();
	ASSERT_NE(NULL, map);
	ZT_ASSERT_OK(zx_object_set_property(plain, ZX_PROP_NAME, "a \"b\"\n", 6));
	ASSERT_EQ(0, zt_vmo_fill(plain, 0, 3 * P, 1));
	ZT_ASSERT_OK(zx_vmo_create_child(plain, ZX_VMO_CHILD_SNAPSHOT, 0, 2 * P, &snap));
	ZT_ASSERT_OK(zx_vmo_create_child(plain, ZX_VMO_CHILD_SLICE, P, P, &slice));
	ZT_ASSERT_OK(zx_vmo_create_child(plain, ZX_VMO_CHILD_REFERENCE, 0, 0, &ref));
	zt_keep(&self->bag, snap);
	zt_keep(&self->bag, slice);
	zt_keep(&self->bag, ref);
	k_slice = zt_koid(slice);

	l = find(k);
	ASSERT_EQ(1, l.seen);
	EXPECT_STREQ("plain", l.kind);
	ZT_EXPECT_U64(0, l.parent);
	ZT_EXPECT_U64(6 * P, l.size);
	ZT_EXPECT_U64(3 * P, l.committed);
	ZT_EXPECT_U64(1, l.mappings);
	ZT_EXPECT_U64(3, l.children);
	EXPECT_EQ(1, l.handles);
	EXPECT_STREQ("-", l.state);
	EXPECT_STREQ("\"a \"b\"\\n\"", l.name);
	l = find(zt_koid(snap));
	EXPECT_STREQ("snapshot", l.kind);
	ZT_EXPECT_U64(k, l.parent);
	ZT_EXPECT_U64(2 * P, l.committed);
	l = find(zt_koid(ref));
	EXPECT_STREQ("reference", l.kind);
	ZT_EXPECT_U64(6 * P, l.size);
	ZT_EXPECT_U64(0, l.committed);
	l = find(k_slice);
	EXPECT_STREQ("slice", l.kind);
	ZT_EXPECT_U64(P, l.size);

	/* only a slice keeps it */
	ZT_ASSERT_OK(zt_unmap(map, P));
	ZT_ASSERT_OK(zx_handle_close(plain));
	l = find(k);
	ASSERT_EQ(1, l.seen);
	EXPECT_STREQ("dead", l.state);
	EXPECT_EQ(0, l.handles);
	zt_empty(&self->bag);
	EXPECT_EQ(0, find(k).seen);
	EXPECT_EQ(0, find(k_slice).seen);
}

TEST_F(debugfs, states_of_discardable_vmos)
{
	zx_handle_t vmo = zt_keep(&self->bag, zt_vmo(P, ZX_VMO_DISCARDABLE));
	unsigned long long k = zt_koid(vmo);
	zx_vmo_lock_state_t st;

	NEED_DEBUGFS();
	EXPECT_STREQ("unlocked", find(k).state);
	ZT_ASSERT_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_LOCK, 0, P, &st, sizeof(st)));
	ASSERT_EQ(0, zt_vmo_fill(vmo, 0, P, 1));
	EXPECT_STREQ("locked", find(k).state);
	ZT_ASSERT_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_UNLOCK, 0, P, NULL, 0));
	EXPECT_STREQ("unlocked", find(k).state);
	ASSERT_TRUE(vt_write_file("/proc/sys/vm/drop_caches", "2"));
	EXPECT_STREQ("discarded", find(k).state);
}

static void *come_and_go(void *arg)
{
	volatile int *stop = arg;

	while (!*stop) {
		zx_handle_t h[20];

		for (int i = 0; i < 20; i++)
			h[i] = zt_vmo(P, 0);
		for (int i = 0; i < 20; i++)
			if (zx_handle_close(h[i]))
				return "close";
	}
	return NULL;
}

/* Those that stay are each told once, whoever comes and goes. */
#define MANY 300

TEST_F_TIMEOUT(debugfs, many, 60)
{
	unsigned long long koid[MANY];
	zx_handle_t h[MANY];
	char text[256];
	pthread_t t;
	int stop = 0;
	void *why;

	NEED_DEBUGFS();
	for (int i = 0; i < MANY; i++) {
		h[i] = zt_vmo(P, 0);
		ASSERT_NE(0u, h[i]);
		koid[i] = zt_koid(h[i]);
	}
	ASSERT_EQ(0, pthread_create(&t, NULL, come_and_go, &stop));
	for (int round = 0; round < 5; round++) {
		int seen[MANY] = {};
		FILE *f = fopen(DIR "/vmos", "re");
		struct line l;

		ASSERT_NE(NULL, f);
		while (fgets(text, sizeof(text), f))
			for (int i = 0; parse(text, &l) && i < MANY; i++)
				seen[i] += koid[i] == l.koid;
		fclose(f);
		for (int i = 0; i < MANY; i++)
			EXPECT_EQ(1, seen[i]);
	}
	stop = 1;
	pthread_join(t, &why);
	EXPECT_EQ(NULL, why);
	for (int i = 0; i < MANY; i++)
		ZT_ASSERT_OK(zx_handle_close(h[i]));
}

/* Whoever reads may come to have the last reference, of a VMO and of all. */
static int last_reader(int sock, void *arg ZT_UNUSED)
{
	int fd = open(DIR "/vmos", O_RDONLY | O_CLOEXEC);
	char buf[8192];

	VT_CHECK(fd >= 0);
	vt_hear(sock);
	VT_CHECK(read(fd, buf, 4000) > 0);
	vt_say(sock, 0);
	vt_hear(sock);
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	VT_CHECK(lseek(fd, 0, SEEK_SET) == 0 && read(fd, buf, 10) == 10);
	close(fd);
	vt_say(sock, 0);
	vt_hear(sock);
	return 0;
}

TEST_F(debugfs, reader_is_the_last)
{
	struct vt_child c = vt_spawn(last_reader, NULL);
	zx_handle_t h[200];

	NEED_DEBUGFS();
	for (int i = 0; i < 200; i++)
		h[i] = zt_vmo(P, 0);
	ASSERT_TRUE(vt_say(c.sock, 0));
	ZT_ASSERT_U64(0, vt_hear(c.sock));
	for (int i = 0; i < 200; i++)
		ZT_ASSERT_OK(zx_handle_close(h[i]));
	/* no more than the one that the reader stands at */
	EXPECT_GE(self->before.vmos + 1, zt_stats().vmos);
	ASSERT_TRUE(vt_say(c.sock, 0));
	ZT_ASSERT_U64(0, vt_hear(c.sock));
	ZT_EXPECT_U64(self->before.vmos, zt_stats().vmos);
	ASSERT_TRUE(vt_say(c.sock, 0));
	EXPECT_EQ(0, vt_join(&c));
}

TEST_HARNESS_MAIN
