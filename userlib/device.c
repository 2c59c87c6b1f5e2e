// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * The library's descriptor of /dev/zircon-vm, and its page per process.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "lib.h"

#define DEVICE "/dev/zircon-vm"

static atomic_int device_fd = -1;
static atomic_bool hint_given;

/* For the few reasons that a user can do something about. */
static const char *reason(int err)
{
	switch (err) {
	case ENOENT:
		return "no such file; is the module zircon_vm loaded?";
	case ENODEV:
	case ENXIO:
		return "no such device; is the module zircon_vm loaded?";
	case EACCES:
	case EPERM:
		return "permission denied";
	case EMFILE:
	case ENFILE:
		return "too many open files";
	case ENOMEM:
		return "out of memory";
	case EPROTONOSUPPORT:
		return "the module and this library are of different versions";
	default:
		return "it is not the device of the module zircon_vm";
	}
}

static void give_hint(int err)
{
	static const char prefix[] = "zircon-vm: cannot open " DEVICE ": ";
	const char *why = reason(err);
	char line[128];
	size_t len = strlen(why);

	if (atomic_exchange(&hint_given, true))
		return;
	memcpy(line, prefix, sizeof(prefix) - 1);
	memcpy(line + sizeof(prefix) - 1, why, len);
	len += sizeof(prefix) - 1;
	line[len++] = '\n';
	zvmi_syscall3(SYS_write, 2, (long)line, (long)len);
}

static zx_status_t open_status(int err)
{
	switch (err) {
	case EMFILE:
	case ENFILE:
		return ZX_ERR_NO_RESOURCES;
	case ENOMEM:
		return ZX_ERR_NO_MEMORY;
	default:
		return ZX_ERR_UNAVAILABLE;
	}
}

/* A new descriptor of the device, or -errno. */
static int open_device(void)
{
	struct zvm_handshake hello = { .size = sizeof(hello), .version = ZVM_VERSION };
	long fd;
	int err;

	do
		fd = zvmi_syscall6(SYS_openat, AT_FDCWD, (long)DEVICE, O_RDWR | O_CLOEXEC, 0, 0, 0);
	while (fd == -EINTR);
	if (fd < 0) {
		give_hint((int)-fd);
		return (int)fd;
	}
	err = zvmi_ioctl((int)fd, ZVM_HANDSHAKE, &hello);
	if (err) {
		zvmi_close((int)fd);
		give_hint(-err);
		return err == -EPROTONOSUPPORT ? err : -ENODEV;
	}
	return (int)fd;
}

/*
 * The descriptor that takes the place of @bad, which turned out not to be the
 * device (-1 at first). @bad is not closed: it belongs to somebody else by now,
 * or to nobody.
 */
static int replace_device(int bad)
{
	int seen = atomic_load(&device_fd);
	int fd;

	if (seen != bad)
		return seen;
	fd = open_device();
	if (fd < 0)
		return fd;
	if (atomic_compare_exchange_strong(&device_fd, &seen, fd))
		return fd;
	/* Another thread was quicker. */
	zvmi_close(fd);
	return seen;
}

/* Did a command fail because the descriptor is not the device any more? */
static bool lost(int result)
{
	return result == -EBADF || result == -ENOTTY || result == -EMEDIUMTYPE;
}

static __COLD zx_status_t device_call_again(int bad, unsigned int cmd, void *arg)
{
	int fd = replace_device(bad);
	int result;

	if (fd < 0)
		return open_status(-fd);
	result = zvmi_ioctl(fd, cmd, arg);
	if (!result)
		return ZX_OK;
	return lost(result) ? ZX_ERR_UNAVAILABLE : zvmi_status(-result);
}

zx_status_t zvmi_device_call(unsigned int cmd, void *arg)
{
	int fd = atomic_load_explicit(&device_fd, memory_order_relaxed);
	int result;

	if (unlikely(fd < 0))
		return device_call_again(fd, cmd, arg);
	result = zvmi_ioctl(fd, cmd, arg);
	if (likely(!result))
		return ZX_OK;
	return lost(result) ? device_call_again(fd, cmd, arg) : zvmi_status(-result);
}

_Atomic(struct zvmi_process *) zvmi_the_process;

struct zvmi_process *zvmi_make_process(void)
{
	struct zvmi_process *process, *other = NULL;
	long address;

	_Static_assert(sizeof(*process) == ZX_MIN_PAGE_SIZE, "as much as mmap() gives");
	address = zvmi_syscall6(SYS_mmap, 0, sizeof(*process), PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (address < 0 && address > -4096)
		return NULL;
	process = (struct zvmi_process *)address;
	if (zvmi_syscall3(SYS_madvise, address, sizeof(*process), MADV_WIPEONFORK))
		goto unmap;
	if (atomic_compare_exchange_strong(&zvmi_the_process, &other, process))
		return process;
	/* Another thread was quicker, or nobody was and other is NULL. */
unmap:
	zvmi_syscall3(SYS_munmap, address, sizeof(*process), 0);
	return other;
}

zx_handle_t zx_vmar_root_self(void)
{
	struct zvmi_process *process = zvmi_process();
	zx_handle_t root = ZX_HANDLE_INVALID, other = ZX_HANDLE_INVALID;
	struct zvm_vmar_root cmd = {
		.size = sizeof(cmd),
		.out_handle = zvmi_address(&root),
	};

	if (unlikely(!process))
		return ZX_HANDLE_INVALID;
	root = atomic_load_explicit(&process->root, memory_order_relaxed);
	if (likely(root))
		return root;

	if (zvmi_device_call(ZVM_VMAR_ROOT, &cmd) != ZX_OK)
		return ZX_HANDLE_INVALID;
	if (atomic_compare_exchange_strong(&process->root, &other, root))
		return root;
	/* Another thread was quicker; nobody has seen this one. */
	zvmi_close(zvmi_fd(root));
	return other;
}

zx_status_t zvm_stats(struct zvm_stats *out)
{
	struct zvm_stats cmd = { .size = sizeof(cmd) };
	zx_status_t status = zvmi_device_call(ZVM_STATS, &cmd);

	if (status == ZX_OK && !zvmi_copy_out(out, &cmd, sizeof(cmd)))
		status = ZX_ERR_INVALID_ARGS;
	return status;
}
