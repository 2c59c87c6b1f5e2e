// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Handles as files: what Linux lets anybody do with a descriptor.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/falloc.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "names.h"

static const struct name rw_flags[] = {
	N(RWF_HIPRI), N(RWF_DSYNC), N(RWF_SYNC), N(RWF_NOWAIT), N(RWF_APPEND), { 0, NULL }
};
static const struct name no_rw_flags[] = { S(0), S(0), S(RWF_NOWAIT), S(RWF_APPEND), { 0, NULL } };

static const struct name whence[] = {
	N(SEEK_SET), N(SEEK_CUR), N(SEEK_END), N(SEEK_DATA), N(SEEK_HOLE), { 0, NULL }
};

static const struct name fallocate_modes[] = {
	N(0), N(FALLOC_FL_KEEP_SIZE), N(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE),
	N(FALLOC_FL_ZERO_RANGE), N(FALLOC_FL_COLLAPSE_RANGE), { 0, NULL }
};

static const struct name advices[] = {
	N(POSIX_FADV_NORMAL), N(POSIX_FADV_WILLNEED), N(POSIX_FADV_DONTNEED),
	N(POSIX_FADV_RANDOM), { 0, NULL }
};

static const struct name locks[] = { N(LOCK_SH | LOCK_NB), N(LOCK_EX | LOCK_NB), N(LOCK_UN),
				     { 0, NULL } };

static const struct name status_flags[] = {
	N(O_APPEND), N(O_NONBLOCK), N(O_DIRECT), N(O_ASYNC), N(O_NOATIME), { 0, NULL }
};

static const struct name fcntls[] = {
	N(F_DUPFD), N(F_DUPFD_CLOEXEC), N(F_GETFD), N(F_SETFD), N(F_GETFL), N(F_SETLEASE),
	N(F_GETLEASE), N(F_ADD_SEALS), N(F_GET_SEALS), N(F_SETPIPE_SZ), N(F_GETPIPE_SZ),
	N(F_NOTIFY), N(F_SETOWN), N(F_SETSIG), { 0, NULL }
};

static const struct name ioctls[] = {
	N(FIONREAD), N(FIOCLEX), N(FIONCLEX), N(FIOASYNC), N(FIONBIO), N(0x00be00), N(0xbe05),
	N(0xbe0f), N(0xbe15), N(0xbe28), N(0xbe46), N(0xbeff), N(0x4004be20), N(0xc028be20),
	N(0x8000be00), N(0x1be03), { 0, NULL }
};

/* Large transfers are for calls that stop where memory or file ends. */
#define SMALL (64 * PAGE)

static uint64_t at_most(uint64_t len, uint64_t most)
{
	return len > most ? most : len;
}

static long do_vector(const uint64_t *a, long nr)
{
	struct iovec iov[4] = {
		{ (void *)a[1], a[2] }, { lane_scratch(), 100 }, { (void *)a[1], PAGE },
		{ lane_scratch(), 2 * PAGE },
	};

	return syscall(nr, a[0], iov, 4, a[3], a[3] >> 32, a[4]);
}

static long do_preadv2(const struct op *op, const uint64_t *a)
{
	(void)op;
	return do_vector(a, SYS_preadv2);
}

static long do_pwritev2(const struct op *op, const uint64_t *a)
{
	(void)op;
	return do_vector(a, SYS_pwritev2);
}

static long do_splice_in(const struct op *op, const uint64_t *a)
{
	loff_t at = (loff_t)a[2];

	(void)op;
	return splice((int)a[0], &at, (int)a[1], NULL, a[3], SPLICE_F_NONBLOCK);
}

static long do_splice_out(const struct op *op, const uint64_t *a)
{
	loff_t at = (loff_t)a[2];

	(void)op;
	return splice((int)a[0], NULL, (int)a[1], &at, a[3], SPLICE_F_NONBLOCK);
}

static long do_vmsplice(const struct op *op, const uint64_t *a)
{
	struct iovec iov[2] = { { (void *)a[1], a[2] }, { (void *)a[1], PAGE } };

	(void)op;
	return vmsplice((int)a[0], iov, 2, SPLICE_F_NONBLOCK | (a[3] & SPLICE_F_GIFT));
}

static long do_sendfile(const struct op *op, const uint64_t *a)
{
	loff_t at = (loff_t)a[2];

	(void)op;
	return syscall(SYS_sendfile, a[0], a[1], &at, at_most(a[3], SMALL));
}

static long do_copy_file_range(const struct op *op, const uint64_t *a)
{
	loff_t from = (loff_t)a[2], to = (loff_t)a[3];

	(void)op;
	return syscall(SYS_copy_file_range, a[0], &from, a[1], &to, at_most(a[4], SMALL), 0);
}

static long do_fallocate(const struct op *op, const uint64_t *a)
{
	(void)op;
	return syscall(SYS_fallocate, a[0], a[1], a[2], a[3]);
}

static long do_poll(const struct op *op, const uint64_t *a)
{
	struct pollfd p[2] = { { (int)a[0], POLLIN | POLLOUT, 0 }, { (int)a[1], ~0, 0 } };

	(void)op;
	return poll(p, 2, 0);
}

static long do_epoll(const struct op *op, const uint64_t *a)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	int fd = epoll_create1(EPOLL_CLOEXEC), ret, error;

	(void)op;
	ret = epoll_ctl(fd, EPOLL_CTL_ADD, (int)a[0], &event);
	error = errno;
	close(fd);
	errno = error;
	return ret;
}

static long do_set_flags(const struct op *op, const uint64_t *a)
{
	(void)op;
	/* Nothing may wait. */
	return fcntl((int)a[0], F_SETFL, (a[1] & 0xffffffff) | O_NONBLOCK);
}

static long do_fcntl(const struct op *op, const uint64_t *a)
{
	long ret = fcntl((int)a[0], (int)a[1], a[2]);

	if (ret >= 0 && ((int)a[1] == F_DUPFD || (int)a[1] == F_DUPFD_CLOEXEC))
		take_fd((int)ret, op->dst);
	return ret;
}

static long do_aio(const struct op *op, const uint64_t *a)
{
	struct iocb cb = {
		.aio_fildes = (uint32_t)a[0], .aio_buf = a[1], .aio_nbytes = a[2],
		.aio_offset = (int64_t)a[3],
		.aio_lio_opcode = op->dst % 2 ? IOCB_CMD_PREAD : IOCB_CMD_PWRITE,
	}, *list[] = { &cb };
	aio_context_t context = 0;
	int error;
	long ret;

	if (syscall(SYS_io_setup, 1, &context))
		return -1;
	ret = syscall(SYS_io_submit, context, 1, list);
	error = errno;
	syscall(SYS_io_destroy, context);
	errno = error;
	return ret;
}

/* One transfer by io_uring, which is not waited for: it may be under way at the end. */
static long submit(int ring, const struct io_uring_params *p, const struct op *op,
		   const uint64_t *a)
{
	size_t len = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe) +
		     p->sq_off.array + p->sq_entries * sizeof(uint32_t);
	struct iovec fixed = { (void *)a[1], at_most(a[2], SMALL) };
	bool registered = op->dst % 4 > 1 &&
			  !syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &fixed, 1);
	char *rings = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	struct io_uring_sqe *sqe = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ring,
					IORING_OFF_SQES);
	long ret = -1;

	if (rings != MAP_FAILED && sqe != MAP_FAILED) {
		bool write = op->dst % 2;

		sqe->opcode = registered ? write ? IORING_OP_WRITE_FIXED : IORING_OP_READ_FIXED :
					   write ? IORING_OP_WRITE : IORING_OP_READ;
		sqe->fd = (int)a[0];
		sqe->addr = a[1];
		sqe->len = (uint32_t)at_most(a[2], SMALL);
		sqe->off = a[3];
		*(uint32_t *)(rings + p->sq_off.array) = 0;
		atomic_store((_Atomic(uint32_t) *)(rings + p->sq_off.tail), 1);
		ret = syscall(SYS_io_uring_enter, ring, 1, 0, 0, NULL, 0);
		/* What is known by now. */
		if (ret >= 0 && atomic_load((_Atomic(uint32_t) *)(rings + p->cq_off.tail))) {
			ret = ((struct io_uring_cqe *)(rings + p->cq_off.cqes))->res;
			if (ret < 0) {
				errno = (int)-ret;
				ret = -1;
			}
		}
	}
	if (rings != MAP_FAILED)
		munmap(rings, len);
	if (sqe != MAP_FAILED)
		munmap(sqe, PAGE);
	return ret;
}

static long do_uring(const struct op *op, const uint64_t *a)
{
	struct io_uring_params p = { 0 };
	int ring = (int)syscall(SYS_io_uring_setup, 1, &p), error;
	long ret;

	if (ring < 0)
		return -1;
	ret = submit(ring, &p, op, a);
	error = errno;
	close(ring);
	errno = error;
	return ret;
}

/* Nobody may get another file of the object, with other rights, this way. */
static long do_reopen(const struct op *op, const uint64_t *a)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_TRUNC, O_PATH };
	static const char dir[] = "/proc/self/fd/";
	char path[40];
	unsigned int len = sizeof(dir) - 1, digits = 1;
	int fd = (int)a[0], new;
	uint32_t tag;

	if (fd < 0)
		return -1;
	/* By hand: this may be a child that must not use stdio. */
	memcpy(path, dir, len);
	for (int n = fd; n > 9; n /= 10)
		digits++;
	path[len + digits] = 0;
	for (unsigned int i = digits; i-- > 0; fd /= 10)
		path[len + i] = (char)('0' + fd % 10);
	new = open(path, modes[op->dst % ARRAY_SIZE(modes)] | O_CLOEXEC | O_NONBLOCK);
	if (new < 0)
		return -1;
	if (handle_tag(new, &tag) && proc.alone)
		violation("a handle was opened again through /proc");
	close(new);
	return 0;
}

static long do_close(const struct op *op, const uint64_t *a)
{
	uint64_t word;

	if (op->args[0].kind == V_FD && op->dst % 4) {
		word = atomic_load(&proc.slots[op->args[0].slot]);
		atomic_compare_exchange_strong(&proc.slots[op->args[0].slot], &word, 0);
	}
	/* Else the slot is stale: another file may come to be there. */
	return close((int)a[0]);
}

static long do_dup(const struct op *op, const uint64_t *a)
{
	int fd = dup((int)a[0]);

	if (fd >= 0)
		take_fd(fd, op->dst);
	return fd;
}

static long do_dup_over(const struct op *op, const uint64_t *a)
{
	(void)op;
	if ((int)a[1] < 3)
		return -1;
	return dup3((int)a[0], (int)a[1], O_CLOEXEC);
}

static long do_send(const struct op *op, const uint64_t *a)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control = { .head = {
		.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
	} };
	struct iovec iov = { lane_scratch(), 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = CMSG_SPACE(sizeof(int)),
	};
	int fd = (int)a[1];
	uint32_t tag;

	(void)op;
	/* A socket in itself would stay there until others are closed. */
	if (!handle_tag(fd, &tag))
		return -1;
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	return sendmsg((int)a[0], &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static long do_receive(const struct op *op, const uint64_t *a)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control;
	struct iovec iov = { lane_scratch(), 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	long ret = recvmsg((int)a[0], &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int fd;

	if (ret >= 0 && msg.msg_controllen >= CMSG_LEN(sizeof(int))) {
		memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
		take_fd(fd, op->dst);
	}
	return ret;
}

static long do_unshare_files(const struct op *op, const uint64_t *a)
{
	(void)op;
	(void)a;
	return unshare(CLONE_FILES);
}

#define VMO FILE_ARG(SLOT_VMO)
#define TO_SLOT(_name, _slot) { .name = #_name, .class = A_FD, .from = (_slot) }

const struct op_type call_types[] = {
	CALL(read, 12, SYS_read, VMO, ARG(buffer, A_BUFFER), ARG(len, A_BYTES)),
	CALL(write, 12, SYS_write, VMO, ARG(buffer, A_BUFFER), ARG(len, A_BYTES)),
	CALL(pread64, 12, SYS_pread64, VMO, ARG(buffer, A_BUFFER), ARG(len, A_BYTES),
	     ARG(offset, A_OFFSET)),
	CALL(pwrite64, 12, SYS_pwrite64, VMO, ARG(buffer, A_BUFFER), ARG(len, A_BYTES),
	     ARG(offset, A_OFFSET)),
	RUN(preadv2, 6, do_preadv2, VMO, ARG(buffer, A_BUFFER), ARG(len, A_BYTES),
	    ARG(offset, A_OFFSET), ARG(flags, A_FLAGS, .names = rw_flags, .often = no_rw_flags)),
	RUN(pwritev2, 6, do_pwritev2, VMO, ARG(buffer, A_BUFFER), ARG(len, A_BYTES),
	    ARG(offset, A_OFFSET), ARG(flags, A_FLAGS, .names = rw_flags, .often = no_rw_flags)),
	CALL(lseek, 5, SYS_lseek, VMO, ARG(offset, A_OFFSET), ARG(whence, A_ONE_OF, .names = whence)),
	CALL(ftruncate, 6, SYS_ftruncate, VMO, ARG(size, A_SIZE)),
	RUN(fallocate, 3, do_fallocate, VMO, ARG(mode, A_ONE_OF, .names = fallocate_modes),
	    ARG(offset, A_OFFSET), ARG(len, A_PAGES)),
	CALL(fsync, 2, SYS_fsync, VMO),
	CALL(fdatasync, 1, SYS_fdatasync, VMO),
	CALL(sync_file_range, 1, SYS_sync_file_range, VMO, ARG(offset, A_OFFSET), ARG(len, A_PAGES),
	     ARG(flags, A_NUMBER, .from = 8)),
	CALL(readahead, 1, SYS_readahead, VMO, ARG(offset, A_OFFSET), ARG(len, A_PAGES)),
	CALL(fadvise64, 2, SYS_fadvise64, VMO, ARG(offset, A_OFFSET), ARG(len, A_PAGES),
	     ARG(advice, A_ONE_OF, .names = advices)),
	CALL(flock, 1, SYS_flock, VMO, ARG(how, A_ONE_OF, .names = locks)),
	CALL(fstat, 2, SYS_fstat, VMO, ARG(out, A_OUT)),
	CALL(fstatfs, 1, SYS_fstatfs, VMO, ARG(out, A_OUT)),
	CALL(fchmod, 1, SYS_fchmod, VMO, ARG(mode, A_NUMBER)),
	CALL(fchown, 1, SYS_fchown, VMO, ARG(user, A_NUMBER), ARG(group, A_NUMBER)),
	CALL(fgetxattr, 1, SYS_fgetxattr, VMO, ARG(name, A_BUFFER), ARG(value, A_BUFFER),
	     ARG(len, A_BYTES)),
	RUN(splice_from, 6, do_splice_in, VMO, TO_SLOT(pipe, FILE_PIPE_IN), ARG(offset, A_OFFSET),
	    ARG(len, A_BYTES)),
	RUN(splice_to, 6, do_splice_out, TO_SLOT(pipe, FILE_PIPE_OUT), VMO, ARG(offset, A_OFFSET),
	    ARG(len, A_BYTES)),
	RUN(vmsplice_in, 6, do_vmsplice, TO_SLOT(pipe, FILE_PIPE_IN), ARG(buffer, A_BUFFER),
	    ARG(len, A_BYTES), ARG(flags, A_NUMBER)),
	RUN(vmsplice_out, 3, do_vmsplice, TO_SLOT(pipe, FILE_PIPE_OUT), ARG(buffer, A_BUFFER),
	    ARG(len, A_BYTES), ARG(flags, A_NUMBER)),
	CALL(tee, 1, SYS_tee, TO_SLOT(from, FILE_PIPE_OUT), TO_SLOT(to, FILE_PIPE_IN),
	     ARG(len, A_BYTES), ARG(flags, A_NUMBER, .from = 2)),
	CALL(drain, 8, SYS_read, TO_SLOT(pipe, FILE_PIPE_OUT), ARG(buffer, A_BUFFER),
	     ARG(len, A_BYTES)),
	RUN(sendfile, 5, do_sendfile, TO_SLOT(out, FILE_MEMFD), VMO, ARG(offset, A_OFFSET),
	    ARG(len, A_BYTES)),
	RUN(sendfile_to, 5, do_sendfile, VMO, VMO, ARG(offset, A_OFFSET), ARG(len, A_BYTES)),
	RUN(copy_file_range, 3, do_copy_file_range, VMO, VMO, ARG(from, A_OFFSET),
	    ARG(to, A_OFFSET), ARG(len, A_BYTES)),
	RUN(poll, 2, do_poll, VMO, FILE_ARG(SLOT_VMAR)),
	RUN(epoll, 1, do_epoll, VMO),
	RUN(set_flags, 4, do_set_flags, VMO, ARG(flags, A_FLAGS, .names = status_flags)),
	RUN(fcntl, 4, do_fcntl, VMO, ARG(cmd, A_ONE_OF, .names = fcntls), ARG(arg, A_NUMBER, .from = 64)),
	CALL(other_ioctl, 3, SYS_ioctl, VMO, ARG(cmd, A_ONE_OF, .names = ioctls),
	     ARG(arg, A_BUFFER)),
	RUN(aio, 1, do_aio, VMO, ARG(buffer, A_BUFFER), ARG(len, A_BYTES), ARG(offset, A_OFFSET)),
	RUN(io_uring, 1, do_uring, VMO, ARG(buffer, A_BUFFER), ARG(len, A_BYTES),
	    ARG(offset, A_OFFSET)),
	RUN(reopen, 2, do_reopen, VMO),
	{ .name = "close", .weight = 6, .call = -1, .run = do_close, .closes = true,
	  .args = { VMO } },
	RUN(dup, 6, do_dup, VMO),
	RUN(dup_over, 2, do_dup_over, VMO, VMO),
	RUN(send, 8, do_send, TO_SLOT(socket, FILE_SOCKET), VMO),
	RUN(send_vmar, 5, do_send, TO_SLOT(socket, FILE_SOCKET), FILE_ARG(SLOT_VMAR)),
	RUN(receive, 12, do_receive, TO_SLOT(socket, FILE_SOCKET2)),
	RUN(unshare_files, 1, do_unshare_files, ARG(nothing, A_NUMBER)),
	{ .name = NULL }
};
