// SPDX-License-Identifier: GPL-2.0
/*
 * How another module uses VMOs: as memory that it shares with programs.
 *
 * /dev/zvm-sample, for root, has a command for each function of <linux/zircon_vm.h>.
 * The test of these functions, selftests/test_kernel_api.c, is a program that uses it.
 * docs/kernel-api.md explains the functions.
 *
 * What a driver would do is in the commands by themselves: see map() and poke() for
 * memory that the kernel writes to while a program reads it, wire() for memory that
 * the driver had before.
 */
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/zircon_vm.h>

#include "zvm_sample.h"

/* Enough to show with. */
#define MAX_BUFFER	SZ_1M
#define MAX_PAGES	1024

/**
 * struct session - an open file
 * @lock: guards all
 * @vmo: our reference, or NULL
 * @pin: a pin of @vmo, or NULL
 * @addr: where part of it is mapped, or NULL
 * @len: how much, in bytes
 * @pages: our own pages, if @vmo was made of them
 * @nr_pages: how many
 */
struct session {
	struct mutex lock;	/* all below */
	struct zvm_vmo *vmo;
	struct zircon_pin *pin;
	u8 *addr;
	u64 len;
	struct page **pages;
	unsigned long nr_pages;
};

static void free_own_pages(struct session *s)
{
	while (s->nr_pages)
		put_page(s->pages[--s->nr_pages]);
	kvfree(s->pages);
	s->pages = NULL;
}

static int detach(struct session *s, struct zvm_sample_call *call)
{
	/* In any order: mapping and pin are references of the VMO as well. */
	if (s->vmo)
		zircon_vmo_put(s->vmo);
	s->vmo = NULL;
	if (s->addr)
		zircon_kernel_unmap(s->addr);
	s->addr = NULL;
	if (s->pin)
		zircon_vmo_unpin(s->pin);
	s->pin = NULL;
	free_own_pages(s);
	return 0;
}

static int attach_to(struct session *s, struct zvm_vmo *vmo)
{
	if (IS_ERR(vmo))
		return PTR_ERR(vmo);
	s->vmo = vmo;
	return 0;
}

static int create(struct session *s, struct zvm_sample_call *call)
{
	return attach_to(s, zircon_vmo_create(call->len, call->flags));
}

static int create_contiguous(struct session *s, struct zvm_sample_call *call)
{
	return attach_to(s, zircon_vmo_create_contiguous(call->len, call->flags));
}

static int create_physical(struct session *s, struct zvm_sample_call *call)
{
	return attach_to(s, zircon_vmo_create_physical(call->offset, call->len));
}

static int alloc_own_pages(struct session *s, unsigned long n, u8 content)
{
	s->pages = kvcalloc(n, sizeof(*s->pages), GFP_KERNEL);
	if (!s->pages)
		return -ENOMEM;
	for (; s->nr_pages < n; s->nr_pages++) {
		struct page *page = alloc_page(GFP_KERNEL);

		if (!page)
			return -ENOMEM;
		memset(page_address(page), content, PAGE_SIZE);
		s->pages[s->nr_pages] = page;
	}
	return 0;
}

static int wire(struct session *s, struct zvm_sample_call *call)
{
	unsigned long n = call->len >> PAGE_SHIFT;
	int err;

	if (n > MAX_PAGES)
		return -EINVAL;
	err = alloc_own_pages(s, n, call->flags);
	if (!err && call->offset && n > 1) {
		put_page(s->pages[n - 1]);
		s->pages[n - 1] = s->pages[0];
		get_page(s->pages[0]);
	}
	if (!err)
		err = attach_to(s, zircon_vmo_create_wired(s->pages, n));
	if (err)
		free_own_pages(s);
	return err;
}

static int attach(struct session *s, struct zvm_sample_call *call)
{
	return attach_to(s, zircon_vmo_from_fd(call->fd, call->flags));
}

static int new_fd(struct session *s, struct zvm_sample_call *call)
{
	return zircon_vmo_to_fd(s->vmo, call->flags);
}

static int read_vmo(struct session *s, struct zvm_sample_call *call)
{
	void *buffer;
	int err;

	if (call->len > MAX_BUFFER)
		return -EINVAL;
	buffer = kvzalloc(call->len, GFP_KERNEL);
	if (!buffer)
		return -ENOMEM;
	err = zircon_vmo_read(s->vmo, buffer, call->offset, call->len);
	if (!err && copy_to_user(u64_to_user_ptr(call->buffer), buffer, call->len))
		err = -EFAULT;
	kvfree(buffer);
	return err;
}

static int write_vmo(struct session *s, struct zvm_sample_call *call)
{
	void *buffer;
	int err;

	if (call->len > MAX_BUFFER)
		return -EINVAL;
	buffer = vmemdup_user(u64_to_user_ptr(call->buffer), call->len);
	if (IS_ERR(buffer))
		return PTR_ERR(buffer);
	err = zircon_vmo_write(s->vmo, buffer, call->offset, call->len);
	kvfree(buffer);
	return err;
}

static int commit(struct session *s, struct zvm_sample_call *call)
{
	return zircon_vmo_commit(s->vmo, call->offset, call->len);
}

static int query(struct session *s, struct zvm_sample_call *call)
{
	struct zircon_vmo_info info;

	zircon_vmo_query(s->vmo, &info);
	call->out[0] = info.koid;
	call->out[1] = info.size;
	call->out[2] = info.stream_size;
	call->out[3] = info.committed;
	call->out[4] = info.options;
	call->out[5] = info.wired;
	call->out[6] = info.discarded;
	call->out[7] = info.contiguous;
	call->out[8] = info.physical;
	call->out[9] = info.cache_policy;
	return 0;
}

static int set_policy(struct session *s, struct zvm_sample_call *call)
{
	return zircon_vmo_set_cache_policy(s->vmo, call->flags);
}

static int pin(struct session *s, struct zvm_sample_call *call)
{
	u64 i, n = call->len >> PAGE_SHIFT;
	struct page *page, *last = NULL;
	struct zircon_pin *new;

	if (s->pin)
		return -EBUSY;
	new = zircon_vmo_pin(s->vmo, call->offset, call->len);
	if (IS_ERR(new))
		return PTR_ERR(new);
	s->pin = new;
	call->out[0] = 0;
	for (i = 0; i < n; i++, last = page) {
		page = zircon_pin_page(new, i);
		call->out[0] += page && page != last;
	}
	/* There are no more. */
	return zircon_pin_page(new, n) ? -EIO : 0;
}

static int unpin(struct session *s, struct zvm_sample_call *call)
{
	if (!s->pin)
		return -ENOENT;
	zircon_vmo_unpin(s->pin);
	s->pin = NULL;
	return 0;
}

static int map(struct session *s, struct zvm_sample_call *call)
{
	void *addr;

	if (s->addr)
		return -EBUSY;
	addr = zircon_kernel_map(s->vmo, call->offset, call->len, call->flags);
	if (IS_ERR(addr))
		return PTR_ERR(addr);
	s->addr = addr;
	s->len = call->len;
	call->out[0] = (unsigned long)addr;
	return 0;
}

static int unmap(struct session *s, struct zvm_sample_call *call)
{
	int err = zircon_kernel_unmap(s->addr + call->offset);

	if (!err)
		s->addr = NULL;
	return err;
}

static int protect(struct session *s, struct zvm_sample_call *call)
{
	return zircon_kernel_protect(s->addr + call->offset, call->len, call->flags);
}

static int map_query(struct session *s, struct zvm_sample_call *call)
{
	struct zircon_kernel_info info;
	int err;

	err = zircon_kernel_query(s->addr + call->offset, &info);
	if (err)
		return err;
	call->out[0] = (unsigned long)info.base;
	call->out[1] = info.size;
	call->out[2] = info.vmo_koid;
	call->out[3] = info.vmo_offset;
	call->out[4] = info.perm;
	call->out[5] = info.phys;
	call->out[6] = info.cache_policy;
	return 0;
}

static int peek(struct session *s, struct zvm_sample_call *call)
{
	if (call->offset >= s->len)
		return -EINVAL;
	call->out[0] = READ_ONCE(s->addr[call->offset]);
	return 0;
}

/* A driver would just write; this one is to find out that it cannot. */
static int poke(struct session *s, struct zvm_sample_call *call)
{
	u8 byte = call->flags;
	int err = 0;

	if (call->offset >= s->len)
		return -EINVAL;
	pagefault_disable();
	__put_kernel_nofault(s->addr + call->offset, &byte, u8, failed);
	goto done;
failed:
	err = -EFAULT;
done:
	pagefault_enable();
	return err;
}

static u8 *own_byte(struct session *s, u64 offset)
{
	if (offset >> PAGE_SHIFT >= s->nr_pages)
		return NULL;
	return page_address(s->pages[offset >> PAGE_SHIFT]) + offset_in_page(offset);
}

static int own_peek(struct session *s, struct zvm_sample_call *call)
{
	u8 *byte = own_byte(s, call->offset);

	if (!byte)
		return -EINVAL;
	call->out[0] = READ_ONCE(*byte);
	return 0;
}

static int own_poke(struct session *s, struct zvm_sample_call *call)
{
	u8 *byte = own_byte(s, call->offset);

	if (!byte)
		return -EINVAL;
	WRITE_ONCE(*byte, call->flags);
	return 0;
}

static int where(struct session *s, struct zvm_sample_call *call)
{
	u8 *byte = own_byte(s, call->offset);
	struct page *page;

	if (!s->pin || !byte)
		return -EINVAL;
	page = zircon_pin_page(s->pin, call->offset >> PAGE_SHIFT);
	call->out[0] = page ? page_to_phys(page) : 0;
	call->out[1] = virt_to_phys(byte) & PAGE_MASK;
	return 0;
}

/* What a command wants the session to have. */
enum need { NO_VMO, VMO, MAPPING, ANY };

static const struct {
	unsigned int nr;
	int (*fn)(struct session *s, struct zvm_sample_call *call);
	enum need need;
} commands[] = {
	{ ZVM_SAMPLE_CREATE, create, NO_VMO },
	{ ZVM_SAMPLE_CONTIGUOUS, create_contiguous, NO_VMO },
	{ ZVM_SAMPLE_PHYSICAL, create_physical, NO_VMO },
	{ ZVM_SAMPLE_WIRE, wire, NO_VMO },
	{ ZVM_SAMPLE_ATTACH, attach, NO_VMO },
	{ ZVM_SAMPLE_DETACH, detach, ANY },
	{ ZVM_SAMPLE_FD, new_fd, VMO },
	{ ZVM_SAMPLE_READ, read_vmo, VMO },
	{ ZVM_SAMPLE_WRITE, write_vmo, VMO },
	{ ZVM_SAMPLE_COMMIT, commit, VMO },
	{ ZVM_SAMPLE_QUERY, query, VMO },
	{ ZVM_SAMPLE_SET_POLICY, set_policy, VMO },
	{ ZVM_SAMPLE_PIN, pin, VMO },
	{ ZVM_SAMPLE_UNPIN, unpin, ANY },
	{ ZVM_SAMPLE_MAP, map, VMO },
	{ ZVM_SAMPLE_UNMAP, unmap, MAPPING },
	{ ZVM_SAMPLE_PROTECT, protect, MAPPING },
	{ ZVM_SAMPLE_MAP_QUERY, map_query, MAPPING },
	{ ZVM_SAMPLE_PEEK, peek, MAPPING },
	{ ZVM_SAMPLE_POKE, poke, MAPPING },
	{ ZVM_SAMPLE_OWN_PEEK, own_peek, ANY },
	{ ZVM_SAMPLE_OWN_POKE, own_poke, ANY },
	{ ZVM_SAMPLE_WHERE, where, VMO },
};

static bool has(const struct session *s, enum need need)
{
	switch (need) {
	case NO_VMO:
		return !s->vmo && !s->addr && !s->pin && !s->pages;
	case VMO:
		return s->vmo;
	case MAPPING:
		return s->addr;
	default:
		return true;
	}
}

static long session_ioctl(struct file *file, unsigned int nr, unsigned long arg)
{
	struct session *s = file->private_data;
	struct zvm_sample_call call;
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].nr == nr)
			break;
	if (i == ARRAY_SIZE(commands))
		return -ENOTTY;
	if (copy_from_user(&call, (void __user *)arg, sizeof(call)))
		return -EFAULT;
	mutex_lock(&s->lock);
	err = has(s, commands[i].need) ? commands[i].fn(s, &call) : -EBADFD;
	mutex_unlock(&s->lock);
	if (!err && copy_to_user((void __user *)arg, &call, sizeof(call)))
		err = -EFAULT;
	return err;
}

static int session_open(struct inode *inode, struct file *file)
{
	struct session *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return -ENOMEM;
	mutex_init(&s->lock);
	file->private_data = s;
	return 0;
}

static int session_release(struct inode *inode, struct file *file)
{
	struct session *s = file->private_data;

	detach(s, NULL);
	kfree(s);
	return 0;
}

static const struct file_operations sample_fops = {
	.owner = THIS_MODULE,
	.open = session_open,
	.release = session_release,
	.unlocked_ioctl = session_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "zvm-sample",
	.fops = &sample_fops,
	.mode = 0600,
};

module_misc_device(device);
ZIRCON_VM_IMPORT();
MODULE_AUTHOR("The zircon-vm developers");
MODULE_DESCRIPTION("Example of a module that shares memory with programs by VMOs");
MODULE_LICENSE("GPL");
