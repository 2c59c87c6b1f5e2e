// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Handles as descriptors: zvm_handle_...()
 */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "lib.h"

int zvm_handle_to_fd(zx_handle_t h)
{
	return zvmi_live(h) ? zvmi_fd(h) : -1;
}

/* The device answers EBADF to what is meant for a handle; it is no dead handle. */
static bool is_device(int fd)
{
	struct zvm_handshake hello = { .size = sizeof(hello), .version = ZVM_VERSION };

	return !zvmi_ioctl(fd, ZVM_HANDSHAKE, &hello);
}

static zx_status_t from_fd(int fd, zx_handle_t *out)
{
	struct zvm_handle_tag cmd = { .size = sizeof(cmd) };

	switch (-zvmi_ioctl(fd, ZVM_HANDLE_TAG_OF, &cmd)) {
	case 0:
		break;
	case EBADF:
		return is_device(fd) ? ZX_ERR_WRONG_TYPE : ZX_ERR_BAD_HANDLE;
	default:
		return ZX_ERR_WRONG_TYPE;
	}
	if ((unsigned int)fd > ZVM_HANDLE_FD_MASK)
		return ZX_ERR_NO_RESOURCES;
	*out = ZVM_HANDLE_VALUE(fd, cmd.tag);
	return ZX_OK;
}

zx_status_t zvm_handle_from_fd(int fd, zx_handle_t *out)
{
	zx_handle_t h;
	zx_status_t status = from_fd(fd, &h);

	if (status != ZX_OK)
		return status;
	if (!zvmi_copy_out(out, &h, sizeof(h)))
		return ZX_ERR_INVALID_ARGS;
	/* As every handle is. */
	zvmi_syscall3(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
	return ZX_OK;
}

/* ---- over sockets ------------------------------------------------------ */

/* The control message of one descriptor. */
union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

/* The status for an errno of the socket. */
static zx_status_t socket_status(int err)
{
	switch (err) {
	case EPIPE:
	case ECONNRESET:
	case ECONNREFUSED:
		return ZX_ERR_PEER_CLOSED;
	case ENOTCONN:
	case EDESTADDRREQ:
		return ZX_ERR_NOT_CONNECTED;
	case ETOOMANYREFS:
		return ZX_ERR_NO_RESOURCES;
	case EBADF:
	case ENOTSOCK:
	case EOPNOTSUPP:
		return ZX_ERR_INVALID_ARGS;
	default:
		return zvmi_status(err);
	}
}

/* Other kinds of sockets drop the descriptor without a word. */
static zx_status_t check_socket(int sock)
{
	int domain = 0;
	socklen_t len = sizeof(domain);
	long result = zvmi_syscall6(SYS_getsockopt, sock, SOL_SOCKET, SO_DOMAIN, (long)&domain,
				    (long)&len, 0);

	return !result && domain == AF_UNIX ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

/* 0 or an errno. */
static int send_fd(int sock, int fd)
{
	char byte = 'h';
	struct iovec data = { .iov_base = &byte, .iov_len = sizeof(byte) };
	union control control = { .bytes = { 0 } };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	long result;

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	do
		result = zvmi_syscall3(SYS_sendmsg, sock, (long)&message, MSG_NOSIGNAL);
	while (result == -EINTR);
	return result < 0 ? (int)-result : 0;
}

zx_status_t zvm_handle_send(int sock, zx_handle_t h)
{
	zx_info_handle_basic_t info;
	struct zvmi_closing c;
	zx_status_t status;
	int err;

	if (!zvmi_close_begin(&c, h))
		return ZX_ERR_BAD_HANDLE;
	status = zx_object_get_info(h, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL);
	if (status == ZX_OK && !(info.rights & ZX_RIGHT_TRANSFER))
		status = ZX_ERR_ACCESS_DENIED;
	if (status == ZX_OK)
		status = check_socket(sock);
	if (status == ZX_OK) {
		err = send_fd(sock, zvmi_fd(h));
		if (err)
			status = socket_status(err);
		else
			zvmi_close_handle(h);
	}
	zvmi_close_end(&c);
	return status;
}

/* The one descriptor of a message; what does not belong there is closed. */
static zx_status_t receive_fd(int sock, int *fd)
{
	char byte;
	struct iovec data = { .iov_base = &byte, .iov_len = sizeof(byte) };
	union {
		struct cmsghdr align;
		/* Room for more, so that it is seen and not passed over. */
		char bytes[CMSG_SPACE(sizeof(int[4]))];
	} control;
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *head;
	unsigned int count = 0;
	long result;

	do
		result = zvmi_syscall3(SYS_recvmsg, sock, (long)&message, MSG_CMSG_CLOEXEC);
	while (result == -EINTR);
	if (result < 0)
		return socket_status((int)-result);

	for (head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
		size_t n = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++, count++) {
			int got;

			memcpy(&got, CMSG_DATA(head) + i * sizeof(got), sizeof(got));
			if (count)
				zvmi_close(got);
			else
				*fd = got;
		}
	}
	if (count == 1)
		return ZX_OK;
	if (count > 1) {
		zvmi_close(*fd);
		return ZX_ERR_WRONG_TYPE;
	}
	if (message.msg_flags & MSG_CTRUNC)
		return ZX_ERR_NO_RESOURCES;
	return result ? ZX_ERR_WRONG_TYPE : ZX_ERR_PEER_CLOSED;
}

zx_status_t zvm_handle_recv(int sock, zx_handle_t *out)
{
	int fd = -1;
	zx_status_t status = receive_fd(sock, &fd);
	zx_handle_t h;

	if (status != ZX_OK)
		return status;
	status = from_fd(fd, &h);
	if (status == ZX_OK && !zvmi_copy_out(out, &h, sizeof(h)))
		status = ZX_ERR_INVALID_ARGS;
	if (status != ZX_OK)
		zvmi_close(fd);
	return status;
}
