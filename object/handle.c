// SPDX-License-Identifier: GPL-2.0
/*
 * Handles: files that refer to an object and carry rights.
 */
#include <linux/bitfield.h>
#include <linux/cred.h>
#include <linux/fdtable.h>
#include <linux/hash.h>
#include <linux/module.h>

#include "../compat.h"
#include "../vmar/aspace.h"
#include "handle.h"
#include "ioctl.h"

static atomic64_t nr_handles;
/* By user: what one makes is not told to others. */
#define TAG_BITS 6
static atomic_t last_tag[1 << TAG_BITS];

u64 zvm_handle_count_all(void)
{
	return atomic64_read(&nr_handles);
}

/* 1 to 1023, in turn, so that a reused descriptor has another tag for long. */
static u64 next_tag(void)
{
	atomic_t *last = &last_tag[hash_32(__kuid_val(current_uid()), TAG_BITS)];

	return (u32)atomic_inc_return(last) % ZVM_HANDLE_TAG_MASK + 1;
}

/*
 * read(2), write(2) and mmap(2) look at f_mode, so it says what the rights say.
 */
static int handle_open_flags(u32 rights)
{
	switch (rights & ZX_RIGHTS_IO) {
	case ZX_RIGHTS_IO:
		return O_RDWR;
	case ZX_RIGHT_READ:
		return O_RDONLY;
	case ZX_RIGHT_WRITE:
		return O_WRONLY;
	default:
		return O_ACCMODE;	/* neither */
	}
}

struct file *zvm_handle_new(struct zvm_object *obj, u32 rights, u64 lent)
{
	struct file *file;

	file = zvm_object_open(obj, handle_open_flags(rights), obj->type->fops);
	if (IS_ERR(file))
		return file;
	if (file->f_op->llseek)
		file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE | FMODE_ATOMIC_POS;
	file->private_data = (void *)(rights | lent |
				      FIELD_PREP(ZVM_HANDLE_WORD_TAG, next_tag()));
	atomic_inc(&obj->handles);
	atomic64_inc(&nr_handles);
	return file;
}

int zvm_object_release(struct inode *inode, struct file *file)
{
	struct zvm_object *obj = zvm_file_object(file);

	if (atomic_dec_and_test(&obj->handles) && obj->type->last_close)
		obj->type->last_close(obj);
	atomic64_dec(&nr_handles);
	zvm_object_unuse(obj);
	zvm_fs_unpin();
	return 0;
}

int zvm_handle_publish(struct file *file, u32 __user *out)
{
	u64 word = zvm_handle_word(file);
	int fd, err;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		err = fd;
		goto put_file;
	}
	if (fd > ZVM_HANDLE_FD_MASK) {
		err = -EMFILE;
		goto put_fd;
	}
	err = put_user(ZVM_HANDLE_VALUE(fd, FIELD_GET(ZVM_HANDLE_WORD_TAG, word)), out);
	if (err)
		goto put_fd;
	fd_install(fd, file);
	return 0;

put_fd:
	put_unused_fd(fd);
put_file:
	fput(file);
	return err;
}

int zvm_handle_lookup(u32 value, const struct zvm_object_type *type,
		      struct zvm_handle_ref *ref)
{
	u64 word;
	int err = -EBADF;

	if ((value & ZVM_HANDLE_FIXED_BITS) != ZVM_HANDLE_FIXED_BITS)
		return -EBADF;
	ref->fd = fdget(ZVM_HANDLE_FD(value));
	if (!fd_file(ref->fd))
		return -EBADF;
	if (!zvm_file_is_handle(fd_file(ref->fd)))
		goto put_fd;
	word = zvm_handle_word(fd_file(ref->fd));
	if (ZVM_HANDLE_TAG(value) &&
	    ZVM_HANDLE_TAG(value) != FIELD_GET(ZVM_HANDLE_WORD_TAG, word))
		goto put_fd;

	ref->obj = zvm_file_object(fd_file(ref->fd));
	ref->rights = zvm_word_rights(word);
	err = -EMEDIUMTYPE;
	if (type && ref->obj->type != type)
		goto put_fd;
	return 0;

put_fd:
	fdput(ref->fd);
	return err;
}

int zvm_ioctl_handle_close(struct zvm_call *call)
{
	const struct zvm_handle_close *cmd = call->cmd;
	struct zvm_handle_ref ref;
	int err;

	err = zvm_handle_lookup(cmd->handle, NULL, &ref);
	if (err)
		/* EBADF would say that the device is not what it seems. */
		return -ENOENT;
	zvm_handle_ref_put(&ref);
	return close_fd(ZVM_HANDLE_FD(cmd->handle));
}

int zvm_ioctl_handle_tag(struct zvm_call *call)
{
	struct zvm_handle_tag *cmd = call->cmd;

	cmd->tag = FIELD_GET(ZVM_HANDLE_WORD_TAG, call->word);
	return zvm_call_respond(call, sizeof(*cmd));
}

/* What the new handle may do, or an error. */
static int duplicate_rights(const struct zvm_handle_duplicate *cmd, u32 old, u32 *rights)
{
	*rights = cmd->rights == ZVM_RIGHT_SAME_RIGHTS ? old : cmd->rights;
	return *rights & ~old ? -EINVAL : 0;
}

int zvm_ioctl_handle_duplicate(struct zvm_call *call)
{
	struct zvm_handle_duplicate *cmd = call->cmd;
	const u32 take = ZVM_DUPLICATE_REPLACE | ZVM_DUPLICATE_EXECUTABLE;
	u64 lent = call->word & ZVM_HANDLE_LENT;
	struct file *file;
	u32 rights;
	int err;

	if (cmd->flags & ~(take | ZVM_DUPLICATE_LEND) || hweight32(cmd->flags) > 1)
		return -EINVAL;

	if (cmd->flags & ZVM_DUPLICATE_LEND) {
		if (call->obj->type->zx_type != ZX_OBJ_TYPE_VMAR)
			return -EMEDIUMTYPE;
		if (!zvm_aspace_is_current(to_vmar(call->obj)->aspace))
			return -EACCES;
		lent = ZVM_HANDLE_LENT;
	}

	if (cmd->flags & ZVM_DUPLICATE_EXECUTABLE &&
	    call->obj->type->zx_type != ZX_OBJ_TYPE_VMO)
		return -EBADF;
	if (!(cmd->flags & take)) {
		err = zvm_call_need(call, ZX_RIGHT_DUPLICATE);
		if (err)
			return err;
	}

	err = duplicate_rights(cmd, zvm_call_rights(call), &rights);
	if (err)
		return err;
	if (cmd->flags & ZVM_DUPLICATE_EXECUTABLE)
		rights |= ZX_RIGHT_EXECUTE;

	file = zvm_handle_new(call->obj, rights, lent);
	if (IS_ERR(file))
		return PTR_ERR(file);
	return zvm_handle_publish(file, u64_to_user_ptr(cmd->out_handle));
}

void zvm_object_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct zvm_object *obj = zvm_file_object(file);
	u64 word = zvm_handle_word(file);
	char name[ZX_MAX_NAME_LEN];

	zvm_object_get_name(obj, name);
	seq_printf(m, "koid:\t%llu\n", obj->koid);
	seq_printf(m, "type:\t%s\n", obj->type->name);
	seq_printf(m, "rights:\t0x%08x\n", zvm_word_rights(word));
	if (word & ZVM_HANDLE_LENT)
		seq_puts(m, "lent:\t1\n");
	seq_puts(m, "name:\t");
	seq_escape(m, name, "\n\t\\");
	seq_puts(m, "\n");
	/* Who got this handle may not learn from here what no call would tell. */
	if (!(word & ZX_RIGHT_INSPECT))
		return;
	seq_printf(m, "handles:\t%d\n", atomic_read(&obj->handles));
	if (obj->type->show_fdinfo)
		obj->type->show_fdinfo(m, obj);
}
