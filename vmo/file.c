// SPDX-License-Identifier: GPL-2.0
/*
 * A VMO handle as an ordinary Linux file: read(2), write(2), lseek(2), mmap(2),
 * ftruncate(2), splice(2). Its length is the VMO's size.
 */
#include <linux/module.h>
#include <linux/splice.h>

#include "../arch/aspace.h"
#include "../compat.h"
#include "../object/ioctl.h"
#include "../object/signal.h"
#include "fault.h"
#include "file.h"
#include "store.h"

static struct zvm_vmo *file_vmo(const struct file *file)
{
	return to_vmo(zvm_file_object(file));
}

static ssize_t vmo_rw_iter(struct kiocb *iocb, struct iov_iter *iter, int at_end)
{
	struct zvm_vmo *vmo = file_vmo(iocb->ki_filp);
	u64 size = zvm_vmo_size(vmo);
	ssize_t done;

	if (iocb->ki_flags & IOCB_APPEND)
		iocb->ki_pos = min_t(u64, size, MAX_LFS_FILESIZE);
	if (!iov_iter_count(iter))
		return 0;
	if (iocb->ki_pos >= size)
		return at_end;

	iov_iter_truncate(iter, size - iocb->ki_pos);
	done = zvm_vmo_copy(vmo, iocb->ki_pos, iter);
	/* Shrunk meanwhile. */
	if (done == -ERANGE)
		return at_end;
	if (done > 0)
		iocb->ki_pos += done;
	return done;
}

static ssize_t vmo_read_iter(struct kiocb *iocb, struct iov_iter *iter)
{
	return vmo_rw_iter(iocb, iter, 0);
}

static ssize_t vmo_write_iter(struct kiocb *iocb, struct iov_iter *iter)
{
	/* Writing never makes a VMO larger. */
	return vmo_rw_iter(iocb, iter, -ENOSPC);
}

/* Faults and page_mkwrite of plain mmap(2)s. The core has checked permissions. */
static vm_fault_t vmo_vma_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long addr = vmf->address & PAGE_MASK;
	struct zvm_window win = {
		.vma = vma,
		.addr = addr,
		.vmo = file_vmo(vma->vm_file),
		.index = vmf->pgoff,
		.pages = (vma->vm_end - addr) >> PAGE_SHIFT,
		.before = (addr - vma->vm_start) >> PAGE_SHIFT,
		.flags = VM_READ | (vma->vm_flags & (VM_SHARED | VM_EXEC)),
	};
	vm_fault_t ret;

	/* What a private mapping writes to is never our page. */
	if (vma->vm_flags & VM_SHARED)
		win.flags |= vma->vm_flags & VM_WRITE;
	ret = zvm_store_fault(&win, vmf);
	return ret & VM_FAULT_OOM ? zvm_fault_out_of_memory(ret) : ret;
}

/*
 * Where permissions and the type of memory are told in one (arm64), the core would give
 * entries the VMA's, which is cached. They come back as they are to be.
 */
static int vmo_vma_mprotect(struct vm_area_struct *vma, unsigned long start, unsigned long end,
			    unsigned long flags)
{
	/* Fixed while it is mapped. */
	if (READ_ONCE(file_vmo(vma->vm_file)->store->cache_policy) != ZX_CACHE_POLICY_CACHED)
		zvm_arch_unmap(vma->vm_file->f_mapping,
			       vma->vm_pgoff + ((start - vma->vm_start) >> PAGE_SHIFT),
			       (end - start) >> PAGE_SHIFT, false);
	return 0;
}

static const struct vm_operations_struct vmo_vm_ops = {
	.fault = vmo_vma_fault,
	.page_mkwrite = vmo_vma_fault,
	.pfn_mkwrite = vmo_vma_fault,
	.mprotect = vmo_vma_mprotect,
#ifdef CONFIG_NUMA
	.get_policy = zvm_arch_policy,
#endif
};

/* Positions are the VMO's, f_mapping may be that of another one's inode. */
static loff_t vmo_llseek(struct file *file, loff_t offset, int whence)
{
	u64 size = min_t(u64, zvm_vmo_size(file_vmo(file)), MAX_LFS_FILESIZE);

	return generic_file_llseek_size(file, offset, whence, MAX_LFS_FILESIZE, size);
}

static int vmo_mmap(struct file *file, struct vm_area_struct *vma)
{
	u32 rights = zvm_word_rights(zvm_handle_word(file));
	struct zvm_vmo *vmo = file_vmo(file);

	if (!(rights & ZX_RIGHT_MAP))
		return -EACCES;
	/* f_mode has kept PROT_WRITE away if need be; this it does not know. */
	if (!(rights & ZX_RIGHT_EXECUTE) || zvm_vmo_is_physical(vmo)) {
		if (vma->vm_flags & VM_EXEC)
			return -EACCES;
		vm_flags_clear(vma, VM_MAYEXEC);
	}
	if (zvm_vmo_is_physical(vmo)) {
		/* There is nothing of which the core could make a private copy. */
		if (!(vma->vm_flags & VM_MAYSHARE))
			return -EINVAL;
		vm_flags_set(vma, VM_PFNMAP | VM_IO | VM_DONTDUMP);
	}
	/*
	 * VM_DONTEXPAND makes the VMA special to the core: no userfaultfd, no
	 * huge pages put together behind our back, no mlock.
	 */
	vm_flags_set(vma, VM_DONTEXPAND);
	if (file_vmo(file)->store->folios && vma->vm_flags & VM_SHARED)
		vm_flags_set(vma, ZVM_VM_HUGE);
	/* PTEs are found by the page of the store. */
	vma->vm_pgoff += vmo->offset >> PAGE_SHIFT;
	vma->vm_ops = &vmo_vm_ops;
	return 0;
}

static int vmo_setattr(struct zvm_idmap *idmap, struct dentry *dentry, struct iattr *attr)
{
	struct zvm_vmo *vmo = to_vmo(container_of(d_inode(dentry), struct zvm_object, inode));
	u32 rights;
	int err;

	/* ftruncate(2), with the handle it came by; nothing else can be set. */
	if ((attr->ia_valid & (ATTR_SIZE | ATTR_FILE)) != (ATTR_SIZE | ATTR_FILE))
		return -EPERM;
	rights = zvm_word_rights(zvm_handle_word(attr->ia_file));
	if (!(rights & ZX_RIGHT_WRITE) || !(rights & ZX_RIGHT_RESIZE))
		return -EPERM;
	err = zvm_vmo_set_size(vmo, attr->ia_size);
	return err == -ERANGE ? -EFBIG : err;
}

/* A reference's size is another inode's. */
static int vmo_getattr(struct zvm_idmap *idmap, const struct path *path, struct kstat *stat,
		       u32 mask, unsigned int flags)
{
	struct inode *inode = d_inode(path->dentry);
	struct zvm_vmo *vmo = to_vmo(container_of(inode, struct zvm_object, inode));
	int err;

	err = simple_getattr(idmap, path, stat, mask, flags);
	stat->size = min_t(u64, zvm_vmo_size(vmo), MAX_LFS_FILESIZE);
	return err;
}

const struct inode_operations zvm_vmo_iops = {
	.permission = zvm_object_permission,
	.getattr = vmo_getattr,
	.setattr = vmo_setattr,
};

const struct file_operations zvm_vmo_fops = {
	.owner = THIS_MODULE,
	.flush = zvm_object_flush,
	.release = zvm_object_release,
	.poll = zvm_object_poll,
	.llseek = vmo_llseek,
	.read_iter = vmo_read_iter,
	.write_iter = vmo_write_iter,
	.fsync = noop_fsync,
	.splice_read = zvm_splice_read,
	.splice_write = iter_file_splice_write,
	.mmap = vmo_mmap,
	.unlocked_ioctl = zvm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = zvm_object_show_fdinfo,
};
