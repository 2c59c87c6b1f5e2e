// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * A VMO as an ordinary Linux file: what programs that know nothing of Zircon
 * do with the descriptor of a handle.
 */
#include "kselftest_harness.h"
#include "zvm_test.h"

#include <poll.h>
#include <sys/sendfile.h>

#define PAGES 8
#define SIZE ((off_t)(PAGES * ZT_P))

FIXTURE(vmo_file)
{
	struct zvm_stats before;
	struct zt_bag bag;
	zx_handle_t vmo;
	int fd;
};

FIXTURE_VARIANT(vmo_file)
{
	uint32_t options;
};

FIXTURE_VARIANT_ADD(vmo_file, plain) { .options = 0 };
FIXTURE_VARIANT_ADD(vmo_file, resizable) { .options = ZX_VMO_RESIZABLE };
FIXTURE_VARIANT_ADD(vmo_file, discardable) { .options = ZX_VMO_DISCARDABLE };

FIXTURE_SETUP(vmo_file)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->vmo = zt_keep(&self->bag, zt_vmo((uint64_t)SIZE, variant->options));
	ASSERT_NE(0u, self->vmo);
	self->fd = zvm_handle_to_fd(self->vmo);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN(vmo_file)
{
	zt_empty(&self->bag);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

TEST_F(vmo_file, read_write_and_position)
{
	uint8_t buf[3000], got[3000];
	off_t pos = 0;

	EXPECT_EQ(0, lseek(self->fd, 0, SEEK_CUR));
	/* write(2) goes on where it stopped */
	for (unsigned int i = 0; i < 5; i++) {
		zt_fill(buf, sizeof(buf), (uint64_t)pos, 1);
		ASSERT_EQ((ssize_t)sizeof(buf), write(self->fd, buf, sizeof(buf)));
		pos += (off_t)sizeof(buf);
		EXPECT_EQ(pos, lseek(self->fd, 0, SEEK_CUR));
	}
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, (size_t)pos, 1));
	EXPECT_TRUE(zt_vmo_zero(self->vmo, (uint64_t)pos, (size_t)(SIZE - pos)));
	/* and so does read(2) */
	EXPECT_EQ(100, lseek(self->fd, 100, SEEK_SET));
	ASSERT_EQ((ssize_t)sizeof(got), read(self->fd, got, sizeof(got)));
	EXPECT_EQ(-1, zt_mismatch(got, sizeof(got), 100, 1));
	ASSERT_EQ((ssize_t)sizeof(got), read(self->fd, got, sizeof(got)));
	EXPECT_EQ(-1, zt_mismatch(got, sizeof(got), 100 + sizeof(got), 1));
	/* relative to here, to the end */
	EXPECT_EQ(100, lseek(self->fd, -(off_t)(2 * sizeof(got)), SEEK_CUR));
	EXPECT_EQ(SIZE, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(SIZE - 10, lseek(self->fd, -10, SEEK_END));
	EXPECT_EQ(SIZE + 10, lseek(self->fd, 10, SEEK_END));
	EXPECT_EQ(-1, lseek(self->fd, -1, SEEK_SET));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, lseek(self->fd, -(SIZE + 1), SEEK_END));
}

TEST_F(vmo_file, reading_ends_at_the_size)
{
	char buf[64];

	memset(buf, 'e', sizeof(buf));
	EXPECT_EQ(SIZE - 10, lseek(self->fd, -10, SEEK_END));
	EXPECT_EQ(10, read(self->fd, buf, sizeof(buf)));
	EXPECT_EQ(-1, zt_nonzero(buf, 10));
	EXPECT_EQ(-1, zt_not_byte(buf + 10, sizeof(buf) - 10, 'e'));
	EXPECT_EQ(0, read(self->fd, buf, sizeof(buf)));
	EXPECT_EQ(SIZE, lseek(self->fd, 0, SEEK_CUR));
	EXPECT_EQ(0, pread(self->fd, buf, sizeof(buf), SIZE));
	EXPECT_EQ(0, pread(self->fd, buf, sizeof(buf), SIZE + 1));
	EXPECT_EQ(0, pread(self->fd, buf, sizeof(buf), INT64_MAX - 4096));
	EXPECT_EQ(1, pread(self->fd, buf, sizeof(buf), SIZE - 1));
	EXPECT_EQ(-1, pread(self->fd, buf, sizeof(buf), -1));
	EXPECT_EQ(EINVAL, errno);
	/* the stream size is no bound here either */
	ZT_ASSERT_OK(zx_vmo_set_stream_size(self->vmo, 5));
	EXPECT_EQ(64, pread(self->fd, buf, sizeof(buf), 100));
}

TEST_F(vmo_file, writing_never_grows_it)
{
	char buf[64];

	memset(buf, 'w', sizeof(buf));
	/* across the end: what fits */
	EXPECT_EQ(10, pwrite(self->fd, buf, sizeof(buf), SIZE - 10));
	EXPECT_EQ('w', zt_vmo_byte(self->vmo, (uint64_t)SIZE - 1));
	EXPECT_EQ(0, zt_vmo_byte(self->vmo, (uint64_t)SIZE - 11));
	/* at the end and beyond: an error */
	EXPECT_EQ(-1, pwrite(self->fd, buf, sizeof(buf), SIZE));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(-1, pwrite(self->fd, buf, 1, SIZE + 12345));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(-1, pwrite(self->fd, buf, 1, -1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(SIZE, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(-1, write(self->fd, buf, 1));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(SIZE, lseek(self->fd, 0, SEEK_CUR));
	/* nothing to write is never an error */
	EXPECT_EQ(0, pwrite(self->fd, buf, 0, SIZE));
	EXPECT_EQ(0, pwrite(self->fd, NULL, 0, SIZE + 5));
	EXPECT_EQ(0, pwrite(self->fd, NULL, 0, 0));
	/* appending is writing at the end */
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_APPEND));
	EXPECT_EQ(-1, write(self->fd, buf, 1));
	EXPECT_EQ(ENOSPC, errno);
	ZT_EXPECT_U64(SIZE, zt_size(self->vmo));
	ZT_EXPECT_U64(SIZE, zt_stream_size(self->vmo));
	ZT_EXPECT_U64(ZT_P, zt_committed(self->vmo));
	EXPECT_EQ(-1, fallocate(self->fd, 0, 0, 2 * SIZE));
	ZT_EXPECT_U64(SIZE, zt_size(self->vmo));
}

TEST_F(vmo_file, vectors)
{
	uint8_t a[100], b[5000], c[1], all[5101];
	struct iovec iov[] = {
		{ a, sizeof(a) }, { NULL, 0 }, { b, sizeof(b) }, { c, sizeof(c) },
	};

	zt_fill(a, sizeof(a), 50, 1);
	zt_fill(b, sizeof(b), 150, 1);
	zt_fill(c, sizeof(c), 5150, 1);
	EXPECT_EQ(5101, pwritev(self->fd, iov, 4, 50));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 50, 5101, 1));
	EXPECT_TRUE(zt_vmo_zero(self->vmo, 0, 50));
	EXPECT_TRUE(zt_vmo_zero(self->vmo, 5151, 1000));
	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	EXPECT_EQ(5101, preadv(self->fd, iov, 4, 50));
	EXPECT_EQ(-1, zt_mismatch(a, sizeof(a), 50, 1));
	EXPECT_EQ(-1, zt_mismatch(b, sizeof(b), 150, 1));
	EXPECT_EQ(50, lseek(self->fd, 50, SEEK_SET));
	EXPECT_EQ(5101, readv(self->fd, iov, 4));
	EXPECT_EQ(5101, writev(self->fd, iov, 4));
	ASSERT_EQ(5101, pread(self->fd, all, sizeof(all), 5151));
	EXPECT_EQ(-1, zt_mismatch(all, sizeof(all), 50, 1));
	EXPECT_EQ(50 + 2 * 5101, lseek(self->fd, 0, SEEK_CUR));
}

TEST_F(vmo_file, bad_buffers)
{
	char *two = mmap(NULL, 2 * ZT_P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	void *ro = zt_mem(PROT_READ), *none = zt_mem(PROT_NONE);
	void *volatile null = NULL;	/* out of the compiler's sight */
	struct iovec iov[2];

	ASSERT_NE(MAP_FAILED, two);
	ASSERT_EQ(0, mprotect(two + ZT_P, ZT_P, PROT_NONE));
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, 2 * ZT_P, 1));
	EXPECT_EQ(-1, pread(self->fd, ro, 8, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, pread(self->fd, none, 8, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, pwrite(self->fd, none, 8, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, pwrite(self->fd, null, 8, 0));
	EXPECT_EQ(EFAULT, errno);
	/* good at first: what could be had */
	EXPECT_EQ(3, pread(self->fd, two + ZT_P - 3, 8, 0));
	EXPECT_EQ(-1, zt_mismatch(two + ZT_P - 3, 3, 0, 1));
	EXPECT_EQ((ssize_t)ZT_P, pread(self->fd, two, 2 * ZT_P, 0));
	EXPECT_EQ(3, pwrite(self->fd, two + ZT_P - 3, 8, 0));
	iov[0] = (struct iovec){ two, 10 };
	iov[1] = (struct iovec){ none, 10 };
	EXPECT_EQ(10, preadv(self->fd, iov, 2, 0));
	EXPECT_EQ(10, pwritev(self->fd, iov, 2, 0));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 10, 2 * ZT_P - 10, 1));
}

TEST_F(vmo_file, fstat_tells_the_size)
{
	struct stat st, st2;
	zx_handle_t other = zt_keep(&self->bag, zt_vmo(ZT_P, 0));

	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_EQ(SIZE, st.st_size);
	EXPECT_TRUE(S_ISREG(st.st_mode));
	EXPECT_EQ(0u, st.st_mode & 0111);
	ASSERT_EQ(0, fstat(zvm_handle_to_fd(other), &st2));
	EXPECT_EQ((off_t)ZT_P, st2.st_size);
	/* one inode for each object */
	EXPECT_EQ(st.st_dev, st2.st_dev);
	EXPECT_NE(st.st_ino, st2.st_ino);
	other = zt_keep(&self->bag, zt_dup(self->vmo, ZX_RIGHT_READ));
	ASSERT_EQ(0, fstat(zvm_handle_to_fd(other), &st2));
	EXPECT_EQ(st.st_ino, st2.st_ino);
	if (!(variant->options & ZX_VMO_RESIZABLE))
		return;
	ZT_ASSERT_OK(zx_vmo_set_size(self->vmo, ZT_P + 1));
	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_EQ((off_t)(2 * ZT_P), st.st_size);
}

TEST_F(vmo_file, access_mode_follows_the_rights)
{
	const struct {
		zx_rights_t rights;
		int reads, writes, mode;
	} t[] = {
		{ ZX_RIGHT_READ | ZX_RIGHT_WRITE, 1, 1, O_RDWR },
		{ ZX_RIGHT_READ, 1, 0, O_RDONLY },
		{ ZX_RIGHT_WRITE, 0, 1, O_WRONLY },
		{ ZX_RIGHT_MAP | ZX_RIGHT_INSPECT, 0, 0, O_ACCMODE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		zx_handle_t h = zt_keep(&self->bag, zt_dup(self->vmo, t[i].rights));
		int fd = zvm_handle_to_fd(h);
		char c = 'c';

		ASSERT_GE(fd, 0);
		EXPECT_EQ(t[i].mode, fcntl(fd, F_GETFL) & O_ACCMODE) TH_LOG("row %zu", i);
		EXPECT_EQ(t[i].writes ? 1 : -1, pwrite(fd, &c, 1, 0)) TH_LOG("row %zu", i);
		if (!t[i].writes) {
			EXPECT_EQ(EBADF, errno);
		}
		EXPECT_EQ(t[i].writes ? 1 : -1, write(fd, &c, 1));
		EXPECT_EQ(t[i].reads ? 1 : -1, pread(fd, &c, 1, 0)) TH_LOG("row %zu", i);
		if (!t[i].reads) {
			EXPECT_EQ(EBADF, errno);
		}
		EXPECT_EQ(t[i].reads ? 1 : -1, read(fd, &c, 1));
		/* the mode cannot be changed later */
		EXPECT_EQ(0, fcntl(fd, F_SETFL, O_RDWR));
		EXPECT_EQ(t[i].mode, fcntl(fd, F_GETFL) & O_ACCMODE);
	}
}

TEST_F(vmo_file, position_belongs_to_the_handle)
{
	zx_handle_t d = zt_keep(&self->bag, zt_dup(self->vmo, ZX_RIGHT_SAME_RIGHTS));
	int other = zvm_handle_to_fd(d), same = dup(self->fd);

	ASSERT_GE(other, 0);
	ASSERT_GE(same, 0);
	EXPECT_EQ(123, lseek(self->fd, 123, SEEK_SET));
	EXPECT_EQ(0, lseek(other, 0, SEEK_CUR));
	EXPECT_EQ(123, lseek(same, 0, SEEK_CUR));
	EXPECT_EQ(1, write(same, "x", 1));
	EXPECT_EQ(124, lseek(self->fd, 0, SEEK_CUR));
	EXPECT_EQ('x', zt_vmo_byte(d, 123));
	/* the library's calls do not move it */
	ZT_ASSERT_OK(zx_vmo_write(self->vmo, "abc", 0, 3));
	EXPECT_EQ(124, lseek(self->fd, 0, SEEK_CUR));
	close(same);
}

#define RECORDS 400
#define RECORD 20
#define WRITERS 4

struct appender {
	int fd;
	uint8_t id;
	int err;
};

static void *write_records(void *arg)
{
	struct appender *a = arg;
	uint8_t rec[RECORD];

	for (unsigned int i = 0; i < RECORDS / WRITERS; i++) {
		memset(rec, a->id, sizeof(rec));
		rec[0] = (uint8_t)i;
		if (write(a->fd, rec, sizeof(rec)) != (ssize_t)sizeof(rec))
			a->err = 1;
	}
	return NULL;
}

/* The position moves once for each write(2), whoever else is writing. */
TEST_F(vmo_file, threads_that_share_a_position_do_not_overwrite_each_other)
{
	uint8_t all[RECORDS * RECORD], seen[WRITERS][RECORDS / WRITERS];
	struct appender a[WRITERS];
	pthread_t t[WRITERS];

	for (int round = 0; round < 20; round++) {
		memset(seen, 0, sizeof(seen));
		ASSERT_EQ(0, lseek(self->fd, 0, SEEK_SET));
		for (int i = 0; i < WRITERS; i++) {
			a[i] = (struct appender){ self->fd, (uint8_t)(i + 1), 0 };
			ASSERT_EQ(0, pthread_create(&t[i], NULL, write_records, &a[i]));
		}
		for (int i = 0; i < WRITERS; i++) {
			ASSERT_EQ(0, pthread_join(t[i], NULL));
			EXPECT_EQ(0, a[i].err);
		}
		ASSERT_EQ(RECORDS * RECORD, lseek(self->fd, 0, SEEK_CUR));
		ZT_ASSERT_OK(zx_vmo_read(self->vmo, all, 0, sizeof(all)));
		for (unsigned int r = 0; r < RECORDS; r++) {
			uint8_t *rec = all + r * RECORD;

			ASSERT_TRUE(rec[1] >= 1 && rec[1] <= WRITERS);
			ASSERT_EQ(-1, zt_not_byte(rec + 1, RECORD - 1, rec[1]));
			ASSERT_EQ(0, seen[rec[1] - 1][rec[0]]++);
		}
	}
}

/* ------------------------------------------------------------------------
 * mmap(2)
 */
TEST_F(vmo_file, shared_mmap_is_the_vmo)
{
	uint8_t *p = mmap(NULL, (size_t)SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
	uint8_t *q = mmap(NULL, 2 * ZT_P, PROT_READ, MAP_SHARED, self->fd, (off_t)(3 * ZT_P));
	uint8_t *z = zt_map(self->vmo, 0, (size_t)SIZE, ZT_RW | ZX_VM_ALLOW_FAULTS);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_NE(MAP_FAILED, q);
	ASSERT_NE(NULL, z);
	zt_fill(p, (size_t)SIZE, 0, 1);
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, (size_t)SIZE, 1));
	EXPECT_EQ(-1, zt_mismatch(q, 2 * ZT_P, 3 * ZT_P, 1));
	EXPECT_EQ(-1, zt_mismatch(z, (size_t)SIZE, 0, 1));
	z[3 * ZT_P + 5] = 0;
	EXPECT_EQ(0, q[5]);
	EXPECT_EQ(0, p[3 * ZT_P + 5]);
	EXPECT_EQ(1, pwrite(self->fd, "k", 1, (off_t)(4 * ZT_P)));
	EXPECT_EQ('k', q[ZT_P]);
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(q));
	/* dropped and brought back, moved, made read-only and writable again */
	EXPECT_EQ(0, madvise(p, (size_t)SIZE, MADV_DONTNEED));
	EXPECT_EQ(-1, zt_mismatch(p, 3 * ZT_P, 0, 1));
	p = mremap(p, (size_t)SIZE, (size_t)SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
		   mmap(NULL, (size_t)SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(-1, zt_mismatch(p, 3 * ZT_P, 0, 1));
	EXPECT_EQ(0, mprotect(p, ZT_P, PROT_READ));
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(p));
	EXPECT_EQ(0, mprotect(p, ZT_P, PROT_READ | PROT_WRITE));
	ZT_EXPECT_ACCESS(zt_try_write(p));
	EXPECT_EQ(0x5a, zt_vmo_byte(self->vmo, 0));
	EXPECT_EQ(0, munmap(p, (size_t)SIZE));
	EXPECT_EQ(0, munmap(q, 2 * ZT_P));
	ZT_EXPECT_OK(zt_unmap(z, (size_t)SIZE));
}

/* There is no disk behind a VMO, so syncing has nothing to do and must not fail. */
TEST_F(vmo_file, syncing_works)
{
	uint8_t *p = mmap(NULL, ZT_P, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	ZT_EXPECT_ACCESS(zt_try_write(p));
	EXPECT_EQ(0, fsync(self->fd));
	EXPECT_EQ(0, fdatasync(self->fd));
	EXPECT_EQ(0, msync(p, ZT_P, MS_SYNC));
	EXPECT_EQ(0, msync(p, ZT_P, MS_ASYNC));
	EXPECT_EQ(0x5a, zt_vmo_byte(self->vmo, 0));
	EXPECT_EQ(0, munmap(p, ZT_P));
}

TEST_F(vmo_file, private_mmap_keeps_its_writes)
{
	uint8_t *p = mmap(NULL, (size_t)SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, self->fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, 2 * ZT_P, 1));
	EXPECT_EQ(-1, zt_mismatch(p, 2 * ZT_P, 0, 1));
	EXPECT_EQ(-1, zt_nonzero(p + 2 * ZT_P, (size_t)SIZE - 2 * ZT_P));
	ZT_EXPECT_U64(2 * ZT_P, zt_committed(self->vmo));
	/* a page that is there, one that is not, one never looked at */
	memset(p, 'p', 10);
	memset(p + 3 * ZT_P, 'p', 10);
	memset(p + 7 * ZT_P + 100, 'p', 10);
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, 2 * ZT_P, 1));
	EXPECT_TRUE(zt_vmo_zero(self->vmo, 2 * ZT_P, (size_t)SIZE - 2 * ZT_P));
	ZT_EXPECT_U64(2 * ZT_P, zt_committed(self->vmo));
	/* a copy does not follow the VMO any more */
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, 2 * ZT_P, 2));
	EXPECT_EQ(-1, zt_not_byte(p, 10, 'p'));
	EXPECT_EQ(-1, zt_mismatch(p + 10, ZT_P - 10, 10, 1));
	/* decommitting the VMO takes away its pages, not the copies */
	ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, 0, (uint64_t)SIZE, NULL, 0));
	EXPECT_EQ(-1, zt_not_byte(p, 10, 'p'));
	EXPECT_EQ(-1, zt_nonzero(p + ZT_P, ZT_P));
	EXPECT_EQ(0, munmap(p, (size_t)SIZE));
}

/* Truncation takes private copies along, as it does for any file. */
TEST(private_copies_beyond_the_end_fault)
{
	zx_handle_t vmo = zt_vmo((uint64_t)SIZE, ZX_VMO_RESIZABLE);
	uint8_t *p;

	ASSERT_NE(0u, vmo);
	p = mmap(NULL, (size_t)SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, zvm_handle_to_fd(vmo), 0);
	ASSERT_NE(MAP_FAILED, p);
	memset(p, 'p', (size_t)SIZE);
	ZT_ASSERT_OK(zx_vmo_set_size(vmo, 4 * ZT_P));
	EXPECT_EQ(-1, zt_not_byte(p, 4 * ZT_P, 'p'));
	ZT_EXPECT_FAULT(SIGBUS, zt_try_read(p + 4 * ZT_P));
	ZT_EXPECT_FAULT(SIGBUS, zt_try_write(p + 5 * ZT_P));
	EXPECT_EQ(0, munmap(p, (size_t)SIZE));
	ZT_EXPECT_OK(zx_handle_close(vmo));
}

TEST_F(vmo_file, mmap_needs_the_rights)
{
	const int rw = PROT_READ | PROT_WRITE;
	const struct {
		zx_rights_t rights;
		int prot, flags, want;	/* errno, 0: works */
	} t[] = {
		{ ZX_RIGHTS_IO | ZX_RIGHT_MAP, rw, MAP_SHARED, 0 },
		{ ZX_RIGHTS_IO | ZX_RIGHT_MAP, PROT_NONE, MAP_SHARED, 0 },
		{ ZX_RIGHT_READ | ZX_RIGHT_MAP, PROT_READ, MAP_SHARED, 0 },
		{ ZX_RIGHT_READ | ZX_RIGHT_MAP, rw, MAP_PRIVATE, 0 },
		{ ZX_RIGHT_READ | ZX_RIGHT_MAP, rw, MAP_SHARED, EACCES },
		{ ZX_RIGHT_READ | ZX_RIGHT_MAP, PROT_WRITE, MAP_SHARED, EACCES },
		/* Linux maps nothing that cannot be read */
		{ ZX_RIGHT_WRITE | ZX_RIGHT_MAP, PROT_WRITE, MAP_SHARED, EACCES },
		{ ZX_RIGHT_WRITE | ZX_RIGHT_MAP, PROT_READ, MAP_SHARED, EACCES },
		{ ZX_RIGHT_MAP, PROT_NONE, MAP_SHARED, EACCES },
		{ ZX_RIGHTS_IO, PROT_READ, MAP_SHARED, EACCES },
		{ ZX_RIGHTS_IO, PROT_READ, MAP_PRIVATE, EACCES },
		{ ZX_RIGHTS_IO | ZX_RIGHT_MAP, PROT_READ | PROT_EXEC, MAP_SHARED, EACCES },
		{ ZX_RIGHTS_IO | ZX_RIGHT_MAP, PROT_READ | PROT_EXEC, MAP_PRIVATE, EACCES },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		zx_handle_t h = zt_keep(&self->bag, zt_dup(self->vmo, t[i].rights));
		void *p = mmap(NULL, ZT_P, t[i].prot, t[i].flags, zvm_handle_to_fd(h), 0);

		EXPECT_EQ(t[i].want == 0, p != MAP_FAILED) TH_LOG("row %zu", i);
		if (p == MAP_FAILED) {
			EXPECT_EQ(t[i].want, errno) TH_LOG("row %zu", i);
		} else {
			EXPECT_EQ(0, munmap(p, ZT_P));
		}
	}
}

TEST_F(vmo_file, mprotect_does_not_add_rights)
{
	zx_handle_t r = zt_keep(&self->bag, zt_dup(self->vmo, ZX_RIGHT_READ | ZX_RIGHT_MAP));
	void *s = mmap(NULL, ZT_P, PROT_READ, MAP_SHARED, zvm_handle_to_fd(r), 0);
	void *p = mmap(NULL, ZT_P, PROT_READ, MAP_PRIVATE, zvm_handle_to_fd(r), 0);

	ASSERT_NE(MAP_FAILED, s);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(-1, mprotect(s, ZT_P, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	ZT_EXPECT_FAULT(SIGSEGV, zt_try_write(s));
	EXPECT_EQ(-1, mprotect(s, ZT_P, PROT_READ | PROT_EXEC));
	EXPECT_EQ(-1, mprotect(p, ZT_P, PROT_READ | PROT_EXEC));
	/* private: allowed, since the VMO is out of reach */
	EXPECT_EQ(0, mprotect(p, ZT_P, PROT_READ | PROT_WRITE));
	ZT_EXPECT_ACCESS(zt_try_write(p));
	EXPECT_EQ(0, zt_vmo_byte(self->vmo, 0));
	EXPECT_EQ(0, munmap(s, ZT_P));
	EXPECT_EQ(0, munmap(p, ZT_P));
}

TEST_F(vmo_file, executable_mmap_with_the_right)
{
	zx_handle_t x = zt_dup(self->vmo, ZX_RIGHT_SAME_RIGHTS);
	void *p;

	ASSERT_NE(0u, x);
	ZT_ASSERT_OK(zx_vmo_write(self->vmo, zt_code, 0, sizeof(zt_code)));
	ZT_ASSERT_OK(zx_vmo_replace_as_executable(x, ZX_HANDLE_INVALID, &x));
	zt_keep(&self->bag, x);
	p = mmap(NULL, ZT_P, PROT_READ | PROT_EXEC, MAP_SHARED, zvm_handle_to_fd(x), 0);
	ASSERT_NE(MAP_FAILED, p);
	ZT_EXPECT_ACCESS(zt_try_exec(p));
	EXPECT_EQ(42, zt_exec_value());
	EXPECT_EQ(0, munmap(p, ZT_P));
}

TEST_F(vmo_file, mmap_beyond_the_end)
{
	uint8_t *p = mmap(NULL, (size_t)SIZE + 4 * ZT_P, PROT_READ | PROT_WRITE, MAP_SHARED,
			  self->fd, 0);
	uint8_t *q = mmap(NULL, ZT_P, PROT_READ, MAP_PRIVATE, self->fd, SIZE);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_NE(MAP_FAILED, q);
	ZT_EXPECT_ACCESS(zt_try_write(p + SIZE - 1));
	ZT_EXPECT_FAULT(SIGBUS, zt_try_read(p + SIZE));
	EXPECT_EQ(p + SIZE, (uint8_t *)zt_fault()->addr);
	ZT_EXPECT_FAULT(SIGBUS, zt_try_write(p + SIZE + 3 * ZT_P));
	ZT_EXPECT_FAULT(SIGBUS, zt_try_read(q));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, ZT_P, PROT_READ, MAP_SHARED, self->fd, 1));
	EXPECT_EQ(EINVAL, errno);
	/* a call meets the same end */
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(self->vmo, p + SIZE, 0, 8));
	EXPECT_EQ(0, munmap(p, (size_t)SIZE + 4 * ZT_P));
	EXPECT_EQ(0, munmap(q, ZT_P));
}

TEST_F(vmo_file, mmap_outlives_the_handles)
{
	uint8_t *p = mmap(NULL, (size_t)SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	zt_fill(p, (size_t)SIZE, 0, 1);
	ZT_ASSERT_OK(zx_handle_close(self->vmo));
	EXPECT_EQ(-1, zt_mismatch(p, (size_t)SIZE, 0, 1));
	EXPECT_EQ(0, madvise(p, (size_t)SIZE, MADV_DONTNEED));
	EXPECT_EQ(-1, zt_mismatch(p, (size_t)SIZE, 0, 1));
	EXPECT_EQ(0, munmap(p, (size_t)SIZE));
}

struct forked {
	uint8_t *shared, *private;
};

static int in_child(void *arg)
{
	struct forked *f = arg;

	if (f->shared[0] != 's' || f->private[0] != 'p')
		return 1;
	f->shared[1] = 'c';
	f->private[1] = 'c';
	return f->shared[zt_page()] || f->private[zt_page()];
}

/* However the lines lie in the kernel's buffer, none is lost or torn. */
TEST_F(vmo_file, many_lines_of_maps)
{
	unsigned int lines = 0;
	char line[512], want[64];
	uint8_t *mem[400];
	FILE *f;

	snprintf(want, sizeof(want), "zircon-vm:[vmo:%llu]\n",
		 (unsigned long long)zt_koid(self->vmo));
	for (size_t i = 0; i < ARRAY_SIZE(mem); i++) {
		mem[i] = mmap(NULL, ZT_P, PROT_READ, MAP_SHARED, self->fd, 0);
		ASSERT_NE(MAP_FAILED, (void *)mem[i]);
	}
	f = fopen("/proc/self/maps", "re");
	ASSERT_NE(NULL, f);
	while (fgets(line, sizeof(line), f))
		lines += strlen(line) > strlen(want) &&
			 !strcmp(line + strlen(line) - strlen(want), want);
	fclose(f);
	EXPECT_EQ(ARRAY_SIZE(mem), lines);
	for (size_t i = 0; i < ARRAY_SIZE(mem); i++)
		munmap(mem[i], ZT_P);
}

TEST_F(vmo_file, fork_inherits_mmaps)
{
	struct forked f = {
		mmap(NULL, (size_t)SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0),
		mmap(NULL, (size_t)SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, self->fd, 0),
	};

	ASSERT_NE(MAP_FAILED, f.shared);
	ASSERT_NE(MAP_FAILED, f.private);
	f.shared[0] = 's';
	f.private[0] = 'p';
	EXPECT_EQ(0, zt_fork_run(in_child, &f));
	EXPECT_EQ('c', f.shared[1]);
	EXPECT_EQ(0, f.private[1]);
	EXPECT_EQ('c', zt_vmo_byte(self->vmo, 1));
	EXPECT_EQ(0, munmap(f.shared, (size_t)SIZE));
	EXPECT_EQ(0, munmap(f.private, (size_t)SIZE));
}

/* ------------------------------------------------------------------------
 * ftruncate(2)
 */
TEST_F(vmo_file, ftruncate_is_set_size)
{
	zx_handle_t no_resize = zt_keep(&self->bag,
					zt_dup(self->vmo, ZX_RIGHTS_IO | ZX_RIGHT_MAP));
	zx_handle_t no_write = zt_keep(&self->bag, zt_without(self->vmo, ZX_RIGHT_WRITE));

	ASSERT_TRUE(no_resize && no_write);
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, (size_t)SIZE, 1));
	EXPECT_EQ(-1, ftruncate(zvm_handle_to_fd(no_resize), 0));
	EXPECT_EQ(-1, ftruncate(zvm_handle_to_fd(no_resize), 2 * SIZE));
	EXPECT_EQ(-1, ftruncate(zvm_handle_to_fd(no_write), 0));
	EXPECT_EQ(-1, ftruncate(self->fd, -1));
	EXPECT_EQ(EINVAL, errno);
	ZT_EXPECT_U64(SIZE, zt_size(self->vmo));
	if (!(variant->options & ZX_VMO_RESIZABLE)) {
		EXPECT_EQ(-1, ftruncate(self->fd, 0));
		EXPECT_EQ(-1, ftruncate(self->fd, SIZE));
		ZT_EXPECT_U64(SIZE, zt_size(self->vmo));
		EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, (size_t)SIZE, 1));
		return;
	}
	EXPECT_EQ(0, ftruncate(self->fd, (off_t)ZT_P + 10));
	ZT_EXPECT_U64(2 * ZT_P, zt_size(self->vmo));
	ZT_EXPECT_U64(ZT_P + 10, zt_stream_size(self->vmo));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, ZT_P + 10, 1));
	EXPECT_TRUE(zt_vmo_zero(self->vmo, ZT_P + 10, ZT_P - 10));
	EXPECT_EQ((off_t)(2 * ZT_P), lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(0, ftruncate(self->fd, SIZE));
	EXPECT_TRUE(zt_vmo_zero(self->vmo, 2 * ZT_P, (size_t)SIZE - 2 * ZT_P));
	EXPECT_EQ(1, pwrite(self->fd, "x", 1, SIZE - 1));
	EXPECT_EQ(0, ftruncate(self->fd, 0));
	ZT_EXPECT_U64(0, zt_size(self->vmo));
	ZT_EXPECT_U64(0, zt_committed(self->vmo));
}

/* ------------------------------------------------------------------------
 * splice(2), sendfile(2)
 */
static bool read_all(int fd, uint8_t *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, buf + done, len - done);

		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

TEST_F(vmo_file, splice_to_and_from_pipes)
{
	uint8_t *buf = malloc((size_t)SIZE);
	loff_t off;
	size_t len;
	int p[2];

	ASSERT_NE(NULL, buf);
	ASSERT_EQ(0, pipe2(p, O_CLOEXEC));
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, 4 * ZT_P, 1));
	/* out of the VMO: aligned and not, from absent pages too */
	for (loff_t start = 0; start < SIZE; start += (loff_t)ZT_P / 2 + 77) {
		size_t got = 0, want = (size_t)(SIZE - start);

		if (want > 3 * ZT_P)
			want = 3 * ZT_P;
		off = start;
		while (got < want) {
			ssize_t n = splice(self->fd, &off, p[1], NULL, want - got, 0);

			ASSERT_GT(n, 0);
			ASSERT_TRUE(read_all(p[0], buf + got, (size_t)n));
			got += (size_t)n;
			ASSERT_EQ(start + (loff_t)got, off);
		}
		len = start < (loff_t)(4 * ZT_P) ? 4 * ZT_P - (size_t)start : 0;
		len = len < want ? len : want;
		EXPECT_EQ(-1, zt_mismatch(buf, len, (uint64_t)start, 1));
		EXPECT_EQ(-1, zt_nonzero(buf + len, want - len));
	}
	off = SIZE;
	EXPECT_EQ(0, splice(self->fd, &off, p[1], NULL, 100, 0));
	ZT_EXPECT_U64(4 * ZT_P, zt_committed(self->vmo));
	/* into it */
	zt_fill(buf, 2 * ZT_P, 77, 3);
	ASSERT_EQ((ssize_t)(2 * ZT_P), write(p[1], buf, 2 * ZT_P));
	off = 100;
	for (len = 0; len < 2 * ZT_P;) {
		ssize_t n = splice(p[0], NULL, self->fd, &off, 2 * ZT_P - len, 0);

		ASSERT_GT(n, 0);
		len += (size_t)n;
	}
	EXPECT_EQ(100 + (loff_t)(2 * ZT_P), off);
	ZT_ASSERT_OK(zx_vmo_read(self->vmo, buf, 100, 2 * ZT_P));
	EXPECT_EQ(-1, zt_mismatch(buf, 2 * ZT_P, 77, 3));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, 100, 1));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 100 + 2 * ZT_P, ZT_P, 1));
	/* but not past its end */
	ASSERT_EQ(10, write(p[1], "0123456789", 10));
	off = SIZE;
	EXPECT_EQ(-1, splice(p[0], NULL, self->fd, &off, 10, 0));
	off = SIZE - 4;
	EXPECT_EQ(4, splice(p[0], NULL, self->fd, &off, 10, 0));
	EXPECT_EQ('3', zt_vmo_byte(self->vmo, (uint64_t)SIZE - 1));
	ASSERT_TRUE(read_all(p[0], buf, 6));
	EXPECT_EQ(0, memcmp(buf, "456789", 6));
	ZT_EXPECT_U64(SIZE, zt_size(self->vmo));
	close(p[0]);
	close(p[1]);
	free(buf);
}

/* What is written into a pipe never lands in a page that was spliced into it. */
TEST_F(vmo_file, pipe_does_not_write_to_spliced_pages)
{
	loff_t off = 20;
	uint8_t buf[64];
	ssize_t n;
	int p[2];

	ASSERT_EQ(0, pipe2(p, O_CLOEXEC));
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, ZT_P, 1));
	/* fill the pipe and empty it, so that its buffers have been used */
	for (int i = 0; i < 64; i++) {
		ASSERT_EQ(10, write(p[1], "0123456789", 10));
		ASSERT_EQ(10, read(p[0], buf, 10));
	}
	for (int absent = 0; absent < 2; absent++) {
		off = absent ? 5 * (loff_t)ZT_P : 20;
		n = splice(self->fd, &off, p[1], NULL, 10, 0);
		ASSERT_EQ(10, n);
		ASSERT_EQ(10, write(p[1], "zzzzzzzzzz", 10));
		EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, ZT_P, 1));
		EXPECT_TRUE(zt_vmo_zero(self->vmo, ZT_P, (size_t)SIZE - ZT_P));
		ASSERT_TRUE(read_all(p[0], buf, 20));
		EXPECT_EQ(-1, absent ? zt_nonzero(buf, 10) : zt_mismatch(buf, 10, 20, 1));
		EXPECT_EQ(-1, zt_not_byte(buf + 10, 10, 'z'));
	}
	close(p[0]);
	close(p[1]);
}

/* What a pipe took out of a VMO outlives the VMO. */
TEST_F(vmo_file, spliced_pages_outlive_the_vmo)
{
	uint8_t buf[8192];
	loff_t off = 10;
	ssize_t n;
	int p[2];

	ASSERT_EQ(0, pipe2(p, O_CLOEXEC));
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, 4 * ZT_P, 1));
	n = splice(self->fd, &off, p[1], NULL, sizeof(buf), 0);
	ASSERT_GT(n, 0);
	ZT_ASSERT_OK(zx_handle_close(self->vmo));
	/* let others have the memory */
	self->vmo = zt_keep(&self->bag, zt_vmo(64 * ZT_P, 0));
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, 64 * ZT_P, 2));
	ASSERT_TRUE(read_all(p[0], buf, (size_t)n));
	EXPECT_EQ(-1, zt_mismatch(buf, (size_t)n, 10, 1));
	close(p[0]);
	close(p[1]);
}

TEST_F(vmo_file, sendfile_both_ways)
{
	int mem = memfd_create("sendfile", MFD_CLOEXEC), sock[2];
	zx_handle_t b = zt_keep(&self->bag, zt_vmo((uint64_t)SIZE, 0));
	uint8_t *buf = malloc((size_t)SIZE);
	off_t off = 100;
	ssize_t n;

	ASSERT_GE(mem, 0);
	ASSERT_NE(0u, b);
	ASSERT_NE(NULL, buf);
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, (size_t)SIZE, 1));
	/* VMO to file */
	EXPECT_EQ(SIZE - 100, sendfile(mem, self->fd, &off, (size_t)SIZE));
	EXPECT_EQ(SIZE, off);
	EXPECT_EQ(0, sendfile(mem, self->fd, &off, 100));
	ASSERT_EQ(SIZE - 100, pread(mem, buf, (size_t)SIZE, 0));
	EXPECT_EQ(-1, zt_mismatch(buf, (size_t)SIZE - 100, 100, 1));
	/* VMO to socket */
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock));
	off = 5;
	n = sendfile(sock[0], self->fd, &off, 3 * ZT_P);
	ASSERT_GT(n, 0);
	ASSERT_TRUE(read_all(sock[1], buf, (size_t)n));
	EXPECT_EQ(-1, zt_mismatch(buf, (size_t)n, 5, 1));
	/* file to VMO */
	off = 0;
	ASSERT_EQ(100, lseek(zvm_handle_to_fd(b), 100, SEEK_SET));
	EXPECT_EQ(SIZE - 100, sendfile(zvm_handle_to_fd(b), mem, &off, (size_t)SIZE));
	EXPECT_TRUE(zt_vmo_zero(b, 0, 100));
	EXPECT_TRUE(zt_vmo_holds(b, 100, (size_t)SIZE - 100, 1));
	/* VMO to VMO */
	off = 0;
	ASSERT_EQ(0, lseek(zvm_handle_to_fd(b), 0, SEEK_SET));
	EXPECT_EQ(SIZE, sendfile(zvm_handle_to_fd(b), self->fd, &off, (size_t)SIZE));
	EXPECT_TRUE(zt_vmo_holds(b, 0, (size_t)SIZE, 1));
	/* without the right */
	b = zt_keep(&self->bag, zt_dup(self->vmo, ZX_RIGHT_WRITE));
	off = 0;
	EXPECT_EQ(-1, sendfile(mem, zvm_handle_to_fd(b), &off, 10));
	EXPECT_EQ(EBADF, errno);
	b = zt_keep(&self->bag, zt_dup(self->vmo, ZX_RIGHT_READ));
	EXPECT_EQ(-1, sendfile(zvm_handle_to_fd(b), mem, &off, 10));
	EXPECT_EQ(EBADF, errno);
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, (size_t)SIZE, 1));
	close(mem);
	close(sock[0]);
	close(sock[1]);
	free(buf);
}

/* ------------------------------------------------------------------------
 * Programs that know nothing of VMOs
 */
static pid_t run(int in, int out, const char *cmd)
{
	pid_t pid = fork();

	if (pid == 0) {
		alarm(20);
		if (dup2(in, 0) < 0 || dup2(out, 1) < 0)
			_exit(126);
		execl("/bin/sh", "sh", "-c", cmd, NULL);
		_exit(127);
	}
	return pid;
}

TEST_F(vmo_file, as_standard_input_and_output)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), p[2], status;
	uint8_t *buf = malloc((size_t)SIZE + 1);
	pid_t pid;

	ASSERT_GE(null, 0);
	ASSERT_NE(NULL, buf);
	ASSERT_EQ(0, pipe2(p, O_CLOEXEC));
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, (size_t)SIZE, 1));
	pid = run(self->fd, p[1], "cat");
	ASSERT_GT(pid, 0);
	close(p[1]);
	EXPECT_TRUE(read_all(p[0], buf, (size_t)SIZE));
	EXPECT_EQ(0, read(p[0], buf + SIZE, 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(-1, zt_mismatch(buf, (size_t)SIZE, 0, 1));

	ASSERT_EQ(50, lseek(self->fd, 50, SEEK_SET));
	pid = run(null, self->fd, "echo hello; echo world");
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	ZT_ASSERT_OK(zx_vmo_read(self->vmo, buf, 0, 100));
	EXPECT_EQ(0, memcmp(buf + 50, "hello\nworld\n", 12));
	EXPECT_EQ(-1, zt_mismatch(buf, 50, 0, 1));
	EXPECT_EQ(-1, zt_mismatch(buf + 62, 38, 62, 1));
	EXPECT_EQ(62, lseek(self->fd, 0, SEEK_CUR));
	close(p[0]);
	close(null);
	free(buf);
}

/* ------------------------------------------------------------------------
 * Signals
 */
static volatile sig_atomic_t ticks;

static void on_tick(int sig ZT_UNUSED)
{
	ticks++;
}

/*
 * read(2) and write(2) may stop early for a signal, but then say how far they
 * came, and the position says the same.
 */
TEST(signals_in_long_reads_and_writes)
{
	struct sigaction sa = { .sa_handler = on_tick };
	struct itimerval it = { { 0, 300 }, { 0, 300 } }, off = { { 0, 0 }, { 0, 0 } };
	const size_t len = 16u << 20;
	uint8_t *buf = malloc(len), *got = malloc(len);
	zx_handle_t vmo = zt_vmo(len, 0);
	int fd = zvm_handle_to_fd(vmo);
	unsigned int partial = 0;

	ASSERT_TRUE(buf && got && fd >= 0);
	zt_fill(buf, len, 0, 1);
	ASSERT_EQ(0, sigaction(SIGALRM, &sa, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &it, NULL));
	for (unsigned int round = 0; round < 4 || !partial || ticks < 10; round++) {
		size_t done;

		ASSERT_LT(round, 500u);
		ASSERT_EQ(0, lseek(fd, 0, SEEK_SET));
		for (done = 0; done < len;) {
			ssize_t n = write(fd, buf + done, len - done);

			if (n < 0 && errno == EINTR)
				continue;
			ASSERT_GT(n, 0);
			partial += (size_t)n < len - done;
			done += (size_t)n;
			ASSERT_EQ((off_t)done, lseek(fd, 0, SEEK_CUR));
		}
		memset(got, 0, len);
		ASSERT_EQ(0, lseek(fd, 0, SEEK_SET));
		for (done = 0; done < len;) {
			ssize_t n = read(fd, got + done, len - done);

			if (n < 0 && errno == EINTR)
				continue;
			ASSERT_GT(n, 0);
			partial += (size_t)n < len - done;
			done += (size_t)n;
			ASSERT_EQ((off_t)done, lseek(fd, 0, SEEK_CUR));
		}
		ASSERT_EQ(0, memcmp(buf, got, len));
	}
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &off, NULL));
	EXPECT_GT(partial, 0u);
	free(buf);
	free(got);
	ZT_EXPECT_OK(zx_handle_close(vmo));
}

/* ------------------------------------------------------------------------
 * Beyond what an off_t can say
 */
TEST(unbounded_vmo_as_a_file)
{
	zx_handle_t vmo = zt_vmo(0, ZX_VMO_UNBOUNDED);
	int fd = zvm_handle_to_fd(vmo);
	const off_t far = INT64_MAX - (off_t)ZT_P * 4;
	struct stat st;
	char c = 0;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_GT(st.st_size, far);
	EXPECT_EQ(1, pwrite(fd, "f", 1, far));
	EXPECT_EQ(1, pread(fd, &c, 1, far));
	EXPECT_EQ('f', c);
	EXPECT_EQ('f', zt_vmo_byte(vmo, (uint64_t)far));
	EXPECT_EQ(far, lseek(fd, far, SEEK_SET));
	EXPECT_EQ(1, read(fd, &c, 1));
	EXPECT_EQ(far + 1, lseek(fd, 0, SEEK_CUR));
	/* the calls reach what the file cannot */
	EXPECT_EQ(0, zt_vmo_byte(vmo, (uint64_t)INT64_MAX + 10));
	ZT_EXPECT_U64(ZT_P, zt_committed(vmo));
	ZT_EXPECT_OK(zx_handle_close(vmo));
}

/* A page that comes after pkey_mprotect(2) has the key, too, be it a huge one. */
TEST(pages_have_the_protection_key)
{
	const size_t size[] = { 4 * ZT_P, 2 << 20 };
	int key = pkey_alloc(0, 0);

	if (key < 0)
		SKIP(return, "no protection keys");
	for (int i = 0; i < 2; i++) {
		zx_handle_t vmo = zt_vmo(size[i], i ? ZVM_VMO_HUGE_PAGES : 0);
		uint8_t *room = mmap(NULL, 2 * size[i], PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
				     0);
		uint8_t *p = (uint8_t *)(((uintptr_t)room + size[i] - 1) & -size[i]);

		ASSERT_EQ(p, mmap(p, size[i], PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
				  zvm_handle_to_fd(vmo), 0));
		ASSERT_EQ(0, pkey_mprotect(p, size[i], PROT_READ | PROT_WRITE, key));
		ASSERT_EQ(0, pkey_set(key, 0));
		EXPECT_EQ(0, zt_try_store(p + ZT_P, 7));
		ASSERT_EQ(0, pkey_set(key, PKEY_DISABLE_WRITE));
		EXPECT_EQ(0, zt_try_read(p + ZT_P));
		EXPECT_EQ(SIGSEGV, zt_try_store(p + ZT_P, 8));
		ASSERT_EQ(0, pkey_set(key, PKEY_DISABLE_ACCESS));
		EXPECT_EQ(SIGSEGV, zt_try_read(p + ZT_P));
		EXPECT_EQ(7, zt_vmo_byte(vmo, ZT_P));
		EXPECT_EQ(0, munmap(room, 2 * size[i]));
		ZT_EXPECT_OK(zx_handle_close(vmo));
	}
	EXPECT_EQ(0, pkey_free(key));
}

TEST_HARNESS_MAIN
