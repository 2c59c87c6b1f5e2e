/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * A disk that answers when the test says so: the network block device, whose
 * server is the test. So a direct read is under way, with references to the pages
 * that it fills, for as long as one likes.
 *
 * Wants the module nbd. Linux 6.12 looks for partitions whenever the disk is opened,
 * so until that is over the test answers all that is asked.
 */
#ifndef ZVM_SLOW_DISK_H
#define ZVM_SLOW_DISK_H

#include <arpa/inet.h>
#include <linux/aio_abi.h>
#include <linux/nbd.h>
#include <poll.h>
#include <stdatomic.h>

#include "zvm_test.h"

#define SLOW_SECTOR	512

struct slow_disk {
	int ctl, sock[2], fd;
	pthread_t thread;
	bool running;
	atomic_bool opened;
	aio_context_t aio;
};

/* A read under way. */
struct slow_read {
	struct iocb iocb;
	char cookie[8];
	uint32_t len, sent;
};

static void *slow_disk_run(void *arg)
{
	struct slow_disk *d = arg;

	/* returns when the socket is shut down */
	ioctl(d->ctl, NBD_DO_IT);
	return NULL;
}

static bool slow_disk_all(ssize_t (*move)(int, void *, size_t), int fd, void *buf, size_t len)
{
	while (len) {
		ssize_t n = move(fd, buf, len);

		if (n <= 0)
			return false;
		buf = (char *)buf + n;
		len -= n;
	}
	return true;
}

static ssize_t slow_disk_write(int fd, void *buf, size_t len)
{
	return send(fd, buf, len, MSG_NOSIGNAL);
}

/* Answer with zeros until the disk has been opened. */
static void *slow_disk_zeros(void *arg)
{
	struct slow_disk *d = arg;
	struct pollfd in = { .fd = d->sock[1], .events = POLLIN };
	struct nbd_reply reply = { .magic = htonl(NBD_REPLY_MAGIC) };
	char zeros[SLOW_SECTOR] = {};
	struct nbd_request ask;

	while (!atomic_load(&d->opened)) {
		if (poll(&in, 1, 5) != 1)
			continue;
		if (!slow_disk_all(read, d->sock[1], &ask, sizeof(ask)))
			break;
		memcpy((char *)&reply + 8, (char *)&ask + 8, 8);
		slow_disk_all(slow_disk_write, d->sock[1], &reply, sizeof(reply));
		for (uint32_t len = ntohl(ask.len); len; len -= SLOW_SECTOR)
			slow_disk_all(slow_disk_write, d->sock[1], zeros, SLOW_SECTOR);
	}
	return NULL;
}

static ZT_UNUSED void slow_disk_close(struct slow_disk *d)
{
	if (d->aio)
		syscall(SYS_io_destroy, d->aio);
	if (d->fd >= 0)
		close(d->fd);
	if (d->running) {
		shutdown(d->sock[1], SHUT_RDWR);
		pthread_join(d->thread, NULL);
		ioctl(d->ctl, NBD_CLEAR_SOCK);
	}
	for (int i = 0; i < 2; i++)
		if (d->sock[i] >= 0)
			close(d->sock[i]);
	if (d->ctl >= 0)
		close(d->ctl);
}

/* 0; ENOENT: there is no such device here; -1 */
static ZT_UNUSED int slow_disk_open(struct slow_disk *d)
{
	uint64_t size = 0;
	pthread_t zeros;

	*d = (struct slow_disk){ .ctl = -1, .fd = -1, .sock = { -1, -1 } };
	d->ctl = open("/dev/nbd0", O_RDWR | O_CLOEXEC);
	if (d->ctl < 0)
		return ENOENT;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, d->sock) ||
	    ioctl(d->ctl, NBD_SET_BLKSIZE, (unsigned long)SLOW_SECTOR) ||
	    ioctl(d->ctl, NBD_SET_SIZE_BLOCKS, 2048ul) ||
	    ioctl(d->ctl, NBD_SET_SOCK, d->sock[0]) ||
	    pthread_create(&d->thread, NULL, slow_disk_run, d))
		goto err;
	d->running = true;
	if (pthread_create(&zeros, NULL, slow_disk_zeros, d))
		goto err;
	for (int i = 0; i < 1000 && !size; i++) {
		if (d->fd >= 0)
			close(d->fd);
		zt_sleep_ms(5);
		d->fd = open("/dev/nbd0", O_RDONLY | O_DIRECT | O_CLOEXEC);
		if (d->fd < 0 || ioctl(d->fd, _IOR(0x12, 114, size_t), &size))
			size = 0;
	}
	atomic_store(&d->opened, true);
	pthread_join(zeros, NULL);
	if (size && !syscall(SYS_io_setup, 8, &d->aio))
		return 0;
err:
	slow_disk_close(d);
	return -1;
}

/* Start to read @len bytes to @to; when this returns the disk has been asked. */
static ZT_UNUSED bool slow_read_start(struct slow_disk *d, struct slow_read *r, void *to,
				      uint32_t len)
{
	struct iocb *iocb = &r->iocb;
	struct nbd_request ask;

	*r = (struct slow_read){ .len = len };
	*iocb = (struct iocb){
		.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = d->fd,
		.aio_buf = (uintptr_t)to, .aio_nbytes = len,
	};
	if (syscall(SYS_io_submit, d->aio, 1, &iocb) != 1)
		return false;
	if (!slow_disk_all(read, d->sock[1], &ask, sizeof(ask)))
		return false;
	memcpy(r->cookie, (char *)&ask + 8, sizeof(r->cookie));
	return ask.magic == htonl(NBD_REQUEST_MAGIC) && ask.type == htonl(NBD_CMD_READ) &&
	       ask.len == htonl(len);
}

/* Some more bytes of the answer, all of them @byte, are on their way. */
static ZT_UNUSED bool slow_read_answer(struct slow_disk *d, struct slow_read *r, uint32_t len,
				       uint8_t byte)
{
	struct nbd_reply reply = { .magic = htonl(NBD_REPLY_MAGIC) };
	char buf[SLOW_SECTOR];

	memcpy((char *)&reply + 8, r->cookie, sizeof(r->cookie));
	if (!r->sent && !slow_disk_all(slow_disk_write, d->sock[1], &reply, sizeof(reply)))
		return false;
	memset(buf, byte, sizeof(buf));
	for (; len; len -= SLOW_SECTOR, r->sent += SLOW_SECTOR)
		if (!slow_disk_all(slow_disk_write, d->sock[1], buf, sizeof(buf)))
			return false;
	return true;
}

/* Answer what is left, and wait until the read is over. */
static ZT_UNUSED bool slow_read_end(struct slow_disk *d, struct slow_read *r, uint8_t byte)
{
	struct timespec limit = { 20, 0 };
	struct io_event event;

	return slow_read_answer(d, r, r->len - r->sent, byte) &&
	       syscall(SYS_io_getevents, d->aio, 1, 1, &event, &limit) == 1 &&
	       event.res == (int64_t)r->len;
}

#endif /* ZVM_SLOW_DISK_H */
