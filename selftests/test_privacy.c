// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Nobody learns what is not meant for them: from memory that was somebody
 * else's, from the bytes of records, from ids and counts, from /proc.
 */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <linux/ioctl.h>
#include <linux/types.h>
#include <stddef.h>
#include <stdint.h>
/* A hole in a struct of the interface does not compile. */
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"
#include <zircon-vm.h>
#include <zircon/types.h>
#include <zircon/syscalls/object.h>
#pragma GCC diagnostic pop

#include "kselftest_harness.h"
#include "zvm_vmar_test.h"

#include <poll.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/xattr.h>

#define NOBODY 65534

/* ------------------------------------------------------------------------
 * Fresh pages
 */

/* Free memory is full of a byte afterwards, as far as it is used first. */
static void dirty_free_memory(size_t mib)
{
	size_t len = mib << 20;
	uint8_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return;
	memset(p, 0x5c, len);
	munmap(p, len);
}

#define FRESH 64

FIXTURE(fresh) {
	zx_handle_t vmo;
	uint8_t *p;
	uint8_t *all;
};

FIXTURE_SETUP(fresh)
{
	dirty_free_memory(64);
	self->vmo = zt_vmo(FRESH * P, ZX_VMO_RESIZABLE);
	ASSERT_NE(ZX_HANDLE_INVALID, self->vmo);
	self->p = zt_map(self->vmo, 0, FRESH * P, ZT_RW);
	ASSERT_NE(NULL, self->p);
	self->all = calloc(FRESH, P);
	ASSERT_NE(NULL, self->all);
}

FIXTURE_TEARDOWN(fresh)
{
	free(self->all);
	zt_unmap(self->p, FRESH * P);
	zx_handle_close(self->vmo);
}

/* All of it is zero but the bytes [at, at + len) of each page, which are 0x77. */
#define EXPECT_ZERO_BUT(at, len) do {							\
	ZT_ASSERT_OK(zx_vmo_read(self->vmo, self->all, 0, FRESH * P));			\
	for (size_t pg_ = 0; pg_ < FRESH; pg_++) {					\
		const uint8_t *page_ = self->all + pg_ * P;				\
											\
		ASSERT_EQ(-1, zt_nonzero(page_, (at))) TH_LOG("page %zu", pg_);	\
		ASSERT_EQ(-1, zt_not_byte(page_ + (at), (len), 0x77));			\
		ASSERT_EQ(-1, zt_nonzero(page_ + (at) + (len), P - (at) - (len)))	\
			TH_LOG("page %zu", pg_);					\
		ASSERT_EQ(0, memcmp(page_, self->p + pg_ * P, P));			\
	}										\
} while (0)

TEST_F(fresh, by_read_fault)
{
	for (size_t i = 0; i < FRESH; i++)
		ASSERT_EQ(-1, zt_nonzero(self->p + i * P, P));
	EXPECT_ZERO_BUT(0, 0);
}

TEST_F(fresh, by_write_fault)
{
	for (size_t i = 0; i < FRESH; i++)
		self->p[i * P + 100] = 0x77;
	EXPECT_ZERO_BUT(100, 1);
}

TEST_F(fresh, by_write_call)
{
	const uint8_t some[3] = { 0x77, 0x77, 0x77 };

	for (size_t i = 0; i < FRESH; i++)
		ZT_ASSERT_OK(zx_vmo_write(self->vmo, some, i * P + 9, sizeof(some)));
	EXPECT_ZERO_BUT(9, 3);
}

TEST_F(fresh, by_pwrite_and_splice)
{
	const uint8_t some[3] = { 0x77, 0x77, 0x77 };
	int fd = zvm_handle_to_fd(self->vmo), pipes[2];

	ASSERT_EQ(0, pipe(pipes));
	for (size_t i = 0; i < FRESH; i++) {
		loff_t at = (loff_t)(i * P + 9);

		if (i & 1) {
			ASSERT_EQ(3, pwrite(fd, some, 3, at));
			continue;
		}
		ASSERT_EQ(3, write(pipes[1], some, 3));
		ASSERT_EQ(3, splice(pipes[0], NULL, fd, &at, 3, 0));
	}
	EXPECT_ZERO_BUT(9, 3);
	close(pipes[0]);
	close(pipes[1]);
}

/* The source ends in the middle of a transfer: what was not copied is zero. */
TEST_F(fresh, by_a_write_that_fails)
{
	uint8_t *src = mmap(NULL, 2 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);

	ASSERT_NE(MAP_FAILED, src);
	memset(src, 0x77, P);
	ASSERT_EQ(0, mprotect(src + P, P, PROT_NONE));
	for (size_t i = 0; i < FRESH; i++) {
		EXPECT_EQ(5, pwrite(zvm_handle_to_fd(self->vmo), src + P - 5, 50,
				    (off_t)(i * P + 20)));
	}
	EXPECT_ZERO_BUT(20, 5);
	munmap(src, 2 * P);
}

TEST_F(fresh, by_commit_and_populate)
{
	zx_handle_t root = zx_vmar_root_self();

	ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_COMMIT, 0, FRESH / 2 * P, NULL, 0));
	ZT_ASSERT_OK(zx_vmar_op_range(root, ZX_VMAR_OP_COMMIT, (zx_vaddr_t)self->p + FRESH / 2 * P,
				      FRESH / 2 * P, NULL, 0));
	ZT_ASSERT_OK(zx_vmar_op_range(root, ZX_VMAR_OP_MAP_RANGE, (zx_vaddr_t)self->p, FRESH * P,
				      NULL, 0));
	EXPECT_ZERO_BUT(0, 0);
}

/* Nothing comes back: after zero, decommit, shrink and grow, of pages or parts. */
TEST_F(fresh, after_they_were_given_up)
{
	for (int how = 0; how < 6; how++) {
		const size_t len = FRESH * P;

		memset(self->p, 0x99, len);
		switch (how) {
		case 0:
			ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_ZERO, 0, len, NULL, 0));
			break;
		case 1:
			ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, 0, len, NULL, 0));
			break;
		case 2:
			ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, 0));
			ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, len));
			break;
		case 3:
			ZT_ASSERT_OK(zx_vmo_set_stream_size(self->vmo, 0));
			ZT_ASSERT_OK(zx_vmo_set_stream_size(self->vmo, len));
			break;
		case 4:
			/* Byte by byte at the edges of what is not a whole page. */
			ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_ZERO, 0, 17, NULL, 0));
			ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_ZERO, 17, len - 17, NULL,
						     0));
			break;
		case 5:
			ZT_ASSERT_OK(zx_vmo_set_stream_size(self->vmo, 17));
			ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_ZERO, 0, 17, NULL, 0));
			ZT_ASSERT_OK(zx_vmo_set_stream_size(self->vmo, len));
			break;
		}
		/* So that pages are made again, not only holes read. */
		for (size_t i = 0; i < FRESH; i += 2)
			self->p[i * P + 8] = 0;
		EXPECT_ZERO_BUT(0, 0);
	}
}

/* ------------------------------------------------------------------------
 * Records: every byte that is told is meant
 */

/* Fill what the next system call finds on its kernel stack. */
static void dirty_kernel_stack(uint8_t byte)
{
	struct iovec iov[8];
	struct pollfd pfd[48];
	fd_set set[3];
	struct timeval none = { 0 };

	memset(pfd, byte, sizeof(pfd));
	for (size_t i = 0; i < ARRAY_SIZE(pfd); i++)
		pfd[i].fd = -1 - byte * 0x10101;
	memset(set, byte, sizeof(set));
	memset(iov, byte, sizeof(iov));
	/* Both fail, after having copied all that. */
	select(FD_SETSIZE / 2, &set[0], &set[1], &set[2], &none);
	poll(pfd, ARRAY_SIZE(pfd), 0);
	writev(-1, iov, ARRAY_SIZE(iov));
	pwritev(2, iov, ARRAY_SIZE(iov), -1);
}

/* What a record's length is; 0: the topic is not one of the object's. */
struct topic {
	const char *name;
	uint32_t topic;
	size_t vmo, vmar;
};

static const struct topic topics[] = {
	{ "HANDLE_BASIC", ZX_INFO_HANDLE_BASIC, sizeof(zx_info_handle_basic_t),
	  sizeof(zx_info_handle_basic_t) },
	{ "HANDLE_COUNT", ZX_INFO_HANDLE_COUNT, sizeof(zx_info_handle_count_t),
	  sizeof(zx_info_handle_count_t) },
	{ "VMO", ZX_INFO_VMO, sizeof(zx_info_vmo_t), 0 },
	{ "VMO_V1", 0x00000017, 104, 0 },
	{ "VMO_V2", 0x10000017, 120, 0 },
	{ "VMO_V3", 0x20000017, 128, 0 },
	{ "VMAR", ZX_INFO_VMAR, 0, sizeof(zx_info_vmar_t) },
	{ "VMAR_MAPS", ZX_INFO_VMAR_MAPS, 0, 3 * sizeof(zx_info_maps_t) },
};

#define RECORDS 1024

/*
 * Twice, with other bytes in the buffer and on the kernel's stack: a byte that
 * was not meant comes out different, and what is not told stays as it was.
 */
#define EXPECT_ALL_MEANT(h, t, want) do {						\
	uint8_t got_[2][RECORDS];							\
											\
	for (int i_ = 0; i_ < 2; i_++) {						\
		size_t actual_ = 0, avail_ = 0;						\
											\
		memset(got_[i_], i_ ? 0xa5 : 0x5a, RECORDS);				\
		dirty_kernel_stack(i_ ? 0x33 : 0xcc);					\
		ZT_ASSERT_OK(zx_object_get_info(h, (t)->topic, got_[i_], want,		\
						&actual_, &avail_));			\
		EXPECT_EQ(-1, zt_not_byte(got_[i_] + (want), RECORDS - (want),		\
					  i_ ? 0xa5 : 0x5a)) TH_LOG("%s", (t)->name);	\
	}										\
	for (size_t at_ = 0; at_ < (want); at_++) {					\
		EXPECT_EQ(got_[0][at_], got_[1][at_])					\
			TH_LOG("%s: byte %zu", (t)->name, at_);				\
	}										\
} while (0)

TEST(records_have_no_stray_bytes)
{
	struct vt_region r = vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, 64 * P);
	zx_handle_t vmo = zt_vmo(4 * P, 0);

	ASSERT_NE(ZX_HANDLE_INVALID, r.h);
	ZT_ASSERT_OK(vt_map_at(&r, ZT_RW, 0, vmo, 0, P));
	ZT_ASSERT_OK(vt_map_at(&r, VT_R, 2 * P, vmo, P, P));
	for (size_t i = 0; i < ARRAY_SIZE(topics); i++) {
		const struct topic *t = &topics[i];

		if (t->vmo) {
			EXPECT_ALL_MEANT(vmo, t, t->vmo);
		}
		if (t->vmar) {
			EXPECT_ALL_MEANT(r.h, t, t->vmar);
		}
	}
	/* What has no meaning yet is zero, whatever the stack has held. */
	for (int i = 0; i < 8; i++) {
		zx_info_handle_basic_t basic = zt_basic(vmo);
		zx_info_vmo_t info;

		dirty_kernel_stack((uint8_t)(0x11 * (i + 1)));
		info = zt_vmo_info(vmo);
		ZT_EXPECT_U64(0, info.parent_koid);
		ZT_EXPECT_U64(0, info.num_children);
		ZT_EXPECT_U64(0, info.committed_change_events);
		ZT_EXPECT_U64(0, info.committed_fractional_scaled_bytes);
		ZT_EXPECT_U64(0, info.populated_fractional_scaled_bytes);
		EXPECT_EQ(-1, zt_nonzero(info.padding1, sizeof(info.padding1)));
		ZT_EXPECT_U64(0, basic.related_koid);
		ZT_EXPECT_U64(0, basic.reserved);
	}
	ZT_EXPECT_OK(zx_vmar_destroy(r.h));
	ZT_EXPECT_OK(zx_handle_close(r.h));
	ZT_EXPECT_OK(zx_handle_close(vmo));
}

/* The rest of a name is zero, whatever was in there before. */
TEST(names_end)
{
	char name[ZX_MAX_NAME_LEN + 8];
	zx_handle_t vmo = zt_vmo(P, 0);

	ZT_ASSERT_OK(zx_object_set_property(vmo, ZX_PROP_NAME, "0123456789abcdef0123456789abcde", 31));
	for (size_t len = 0; len < 8; len++) {
		ZT_ASSERT_OK(zx_object_set_property(vmo, ZX_PROP_NAME, "secret\0xyz", len));
		memset(name, 0xee, sizeof(name));
		dirty_kernel_stack(0x41);
		ZT_ASSERT_OK(zx_object_get_property(vmo, ZX_PROP_NAME, name, ZX_MAX_NAME_LEN));
		EXPECT_EQ(-1, zt_nonzero(name + len, ZX_MAX_NAME_LEN - len));
		EXPECT_EQ(-1, zt_not_byte(name + ZX_MAX_NAME_LEN, 8, 0xee));
	}
	ZT_EXPECT_OK(zx_handle_close(vmo));
}

TEST(lock_state_is_all_meant)
{
	zx_handle_t vmo = zt_vmo(4 * P, ZX_VMO_DISCARDABLE);
	uint8_t got[2][64];

	ASSERT_NE(ZX_HANDLE_INVALID, vmo);
	for (int i = 0; i < 2; i++) {
		memset(got[i], i ? 0xa5 : 0x5a, sizeof(got[i]));
		dirty_kernel_stack(i ? 0x33 : 0xcc);
		ZT_ASSERT_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_LOCK, 0, 4 * P, got[i],
					     sizeof(zx_vmo_lock_state_t)));
		EXPECT_EQ(-1, zt_not_byte(got[i] + sizeof(zx_vmo_lock_state_t),
					  64 - sizeof(zx_vmo_lock_state_t), i ? 0xa5 : 0x5a));
	}
	EXPECT_EQ(0, memcmp(got[0], got[1], sizeof(zx_vmo_lock_state_t)));
	ZT_EXPECT_OK(zx_handle_close(vmo));
}

/* ------------------------------------------------------------------------
 * Ids and counts
 */
#define IDS 400

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* koids differ, are in their range, and do not count. */
TEST(V_021_koids_are_no_count)
{
	uint64_t id[IDS], step[IDS - 1];

	for (int i = 0; i < IDS; i++) {
		zx_handle_t vmo = zt_vmo(P, 0);

		id[i] = zt_koid(vmo);
		EXPECT_LE(ZX_KOID_FIRST, id[i]);
		EXPECT_EQ(0u, id[i] >> 62);
		ZT_ASSERT_OK(zx_handle_close(vmo));
	}
	for (int i = 0; i + 1 < IDS; i++)
		step[i] = id[i + 1] - id[i];
	qsort(id, IDS, sizeof(*id), compare_ids);
	qsort(step, IDS - 1, sizeof(*step), compare_ids);
	for (int i = 0; i + 1 < IDS; i++)
		EXPECT_NE(id[i], id[i + 1]);
	/* No step twice, let alone small ones. */
	for (int i = 0; i + 2 < IDS; i++)
		EXPECT_NE(step[i], step[i + 1]);
}

static unsigned int tag_of(zx_handle_t h)
{
	return ZVM_HANDLE_TAG(h);
}

/* As another user: makes handles when told to, and tells what it can see. */
static int other_user(int sock, void *arg ZT_UNUSED)
{
	struct zvm_stats s;

	VT_CHECK(setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
		 setresuid(NOBODY, NOBODY, NOBODY) == 0);
	VT_CHECK_STATUS(ZX_ERR_ACCESS_DENIED, zvm_stats(&s));
	VT_CHECK(vt_say(sock, 0));
	while (vt_hear(sock) == 1) {
		for (int i = 0; i < 37; i++)
			VT_CHECK_OK(zx_handle_close(zt_vmo(P, 0)));
		VT_CHECK(vt_say(sock, 0));
	}
	return 0;
}

/* What another user makes does not show in the tags of ours, nor in counts. */
TEST(other_users_are_not_counted)
{
	struct vt_child c;

	ASSERT_TRUE(zt_warm_up());
	if (getuid())
		SKIP(return, "only root can become somebody else");
	c = vt_spawn(other_user, NULL);
	ZT_ASSERT_U64(0, vt_hear(c.sock));
	for (int i = 0; i < 5; i++) {
		zx_handle_t a = zt_vmo(P, 0), b;

		ASSERT_TRUE(vt_say(c.sock, 1));
		ZT_ASSERT_U64(0, vt_hear(c.sock));
		b = zt_vmo(P, 0);
		EXPECT_EQ(tag_of(a) % ZVM_HANDLE_TAG_MASK + 1, tag_of(b));
		ZT_EXPECT_OK(zx_handle_close(a));
		ZT_EXPECT_OK(zx_handle_close(b));
	}
	ASSERT_TRUE(vt_say(c.sock, 0));
	EXPECT_EQ(0, vt_join(&c));
}

/* ------------------------------------------------------------------------
 * /proc
 */

/* What needs INSPECT to be asked is not told in fdinfo without. */
TEST(fdinfo_tells_no_more_than_the_rights)
{
	static const char *const lines[] = { "handles", "base", "size", "options", "committed",
					     "mappings", "stream_size", "destroyed" };
	zx_handle_t h[2] = { zt_vmo(P, 0), vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, P).h };
	char v[128];

	for (int i = 0; i < 2; i++) {
		zx_handle_t weak = zt_without(h[i], ZX_RIGHT_INSPECT);

		ASSERT_NE(ZX_HANDLE_INVALID, weak);
		EXPECT_TRUE(zt_fdinfo(zvm_handle_to_fd(h[i]), "handles", v, sizeof(v)));
		EXPECT_TRUE(zt_fdinfo(zvm_handle_to_fd(h[i]), "size", v, sizeof(v)));
		EXPECT_TRUE(zt_fdinfo(zvm_handle_to_fd(weak), "rights", v, sizeof(v)));
		for (size_t k = 0; k < ARRAY_SIZE(lines); k++) {
			EXPECT_FALSE(zt_fdinfo(zvm_handle_to_fd(weak), lines[k], v, sizeof(v)))
				TH_LOG("%s", lines[k]);
		}
		ZT_EXPECT_OK(zx_handle_close(weak));
		ZT_EXPECT_OK(zx_handle_close(h[i]));
	}
}

/* By its path in /proc, a handle can be neither opened, nor watched, nor used. */
static int by_path(int sock ZT_UNUSED, void *arg ZT_UNUSED)
{
	zx_handle_t h[2] = { zt_vmo(P, 0), vt_alloc(zx_vmar_root_self(), VT_CAN_ALL, P).h };
	const char *const argv[] = { "x", NULL };
	char path[64];
	int in, fan;

	in = inotify_init1(IN_CLOEXEC);
	VT_CHECK(in >= 0);
	for (int i = 0; i < 2; i++) {
		int fd = zvm_handle_to_fd(h[i]);

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		VT_CHECK(inotify_add_watch(in, path, IN_ALL_EVENTS) < 0);
		VT_CHECK(errno == EACCES);
		fan = fanotify_init(FAN_CLASS_NOTIF, O_RDONLY);
		VT_CHECK(fan < 0 || fanotify_mark(fan, FAN_MARK_ADD, FAN_MODIFY, AT_FDCWD, path) < 0);
		VT_CHECK(open(path, O_RDONLY) < 0 && open(path, O_RDWR) < 0);
		VT_CHECK(access(path, R_OK) < 0 && access(path, X_OK) < 0);
		VT_CHECK(truncate(path, 0) < 0);
		VT_CHECK(setxattr(path, "user.x", "y", 1, 0) < 0);
		VT_CHECK(syscall(SYS_execveat, fd, "", argv, argv + 1, AT_EMPTY_PATH) < 0);
		VT_CHECK(linkat(AT_FDCWD, path, AT_FDCWD, "/tmp/zvm-link", AT_SYMLINK_FOLLOW) < 0);
	}
	/* All is closed before what watches is. */
	for (int i = 0; i < 2; i++)
		VT_CHECK_OK(zx_handle_close(h[i]));
	return 0;
}

TEST(paths_are_of_no_use)
{
	/* As root and, with no permission to anything, as somebody else. */
	struct vt_child c = vt_spawn(by_path, NULL);

	EXPECT_EQ(0, vt_join(&c));
}

TEST_HARNESS_MAIN
