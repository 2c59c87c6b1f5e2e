// SPDX-License-Identifier: GPL-2.0
/*
 * Bus transaction initiators (BTI) and pinned memory tokens (PMT): how a driver in
 * user space gets memory that stays in place, and its addresses.
 *
 * There is no IOMMU here that would be programmed: addresses are physical ones. So
 * only who may deal with the hardware directly is told them. A pin ends with the last
 * handle of its token, however that comes; nothing is ever quarantined.
 */
#include <linux/io.h>
#include <linux/module.h>

#include "../uapi/zircon-vm.h"
#include "../vmo/user.h"
#include "bti.h"
#include "ioctl.h"

/* Addresses that are told at one go. */
#define ADDRS_BATCH 32

struct zvm_bti *zvm_bti_new(u64 id)
{
	struct zvm_object *obj = zvm_object_new(&zvm_bti_type);
	struct zvm_user *user;

	if (IS_ERR(obj))
		return ERR_CAST(obj);
	user = zvm_user_current(sizeof(struct zvm_bti));
	if (IS_ERR(user)) {
		zvm_object_put(obj);
		return ERR_CAST(user);
	}
	to_bti(obj)->user = user;
	to_bti(obj)->id = id;
	return to_bti(obj);
}

static void bti_evict(struct zvm_object *obj)
{
	if (to_bti(obj)->user)
		zvm_user_uncharge(to_bti(obj)->user, sizeof(struct zvm_bti));
}

static void bti_show_fdinfo(struct seq_file *m, struct zvm_object *obj)
{
	seq_printf(m, "bti_id:\t%llu\n", to_bti(obj)->id);
	seq_printf(m, "pmts:\t%lld\n", atomic64_read(&to_bti(obj)->nr_pmts));
}

struct zvm_pmt *zvm_pmt_new(struct zvm_bti *bti, struct zvm_vmo *vmo, u64 offset, u64 len)
{
	struct zvm_object *obj = zvm_object_new(&zvm_pmt_type);
	struct zvm_pmt *pmt;
	int err;

	if (IS_ERR(obj))
		return ERR_CAST(obj);
	pmt = to_pmt(obj);
	zvm_object_pin(&bti->obj);
	pmt->bti = bti;
	pmt->user = zvm_user_current(sizeof(*pmt));
	err = PTR_ERR_OR_ZERO(pmt->user);
	if (!err)
		err = zvm_vmo_pin(vmo, offset, len, &pmt->pin);
	if (err) {
		zvm_object_put(obj);
		return ERR_PTR(err);
	}
	atomic64_inc(&bti->nr_pmts);
	atomic_set(&pmt->pinned, 1);
	return pmt;
}

int zvm_pmt_unpin(struct zvm_pmt *pmt)
{
	if (!atomic_xchg(&pmt->pinned, 0))
		return -EBADFD;
	zvm_vmo_unpin(&pmt->pin);
	atomic64_dec(&pmt->bti->nr_pmts);
	return 0;
}

static void pmt_last_put(struct zvm_object *obj)
{
	zvm_pmt_unpin(to_pmt(obj));
}

static void pmt_evict(struct zvm_object *obj)
{
	struct zvm_pmt *pmt = to_pmt(obj);

	zvm_object_unpin(&pmt->bti->obj);
	if (!IS_ERR_OR_NULL(pmt->user))
		zvm_user_uncharge(pmt->user, sizeof(*pmt));
}

static void pmt_show_fdinfo(struct seq_file *m, struct zvm_object *obj)
{
	struct zvm_pmt *pmt = to_pmt(obj);

	seq_printf(m, "bti:\t%llu\n", pmt->bti->obj.koid);
	seq_printf(m, "pinned:\t%llu\n",
		   atomic_read(&pmt->pinned) ? zvm_pin_pages(&pmt->pin) << PAGE_SHIFT : 0);
}

static const struct file_operations bti_fops = {
	.owner = THIS_MODULE,
	.release = zvm_object_release,
	.unlocked_ioctl = zvm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = zvm_object_show_fdinfo,
};

struct zvm_object_type zvm_bti_type = {
	.name = "bti",
	.zx_type = ZX_OBJ_TYPE_BTI,
	.size = sizeof(struct zvm_bti),
	.fops = &bti_fops,
	.evict = bti_evict,
	.show_fdinfo = bti_show_fdinfo,
};

struct zvm_object_type zvm_pmt_type = {
	.name = "pmt",
	.zx_type = ZX_OBJ_TYPE_PMT,
	.size = sizeof(struct zvm_pmt),
	.fops = &bti_fops,
	.last_put = pmt_last_put,
	.evict = pmt_evict,
	.show_fdinfo = pmt_show_fdinfo,
};

/* ---- commands ---------------------------------------------------------- */

static int publish(struct zvm_object *obj, u32 rights, u64 out)
{
	struct file *file = zvm_handle_new(obj, rights, 0);

	zvm_object_put(obj);
	if (IS_ERR(file))
		return PTR_ERR(file);
	return zvm_handle_publish(file, u64_to_user_ptr(out));
}

int zvm_ioctl_bti_create(struct zvm_call *call)
{
	const struct zvm_bti_create *cmd = call->cmd;
	struct zvm_bti *bti;

	if (cmd->options)
		return -EINVAL;
	bti = zvm_bti_new(cmd->bti_id);
	if (IS_ERR(bti))
		return PTR_ERR(bti);
	return publish(&bti->obj, ZX_DEFAULT_BTI_RIGHTS, cmd->out_handle);
}

int zvm_ioctl_vmo_create_contiguous(struct zvm_call *call)
{
	const struct zvm_vmo_create_contiguous *cmd = call->cmd;
	struct zvm_vmo *vmo;

	if (cmd->reserved)
		return -EOPNOTSUPP;
	vmo = zvm_vmo_new_contiguous(cmd->vmo_size, cmd->alignment_log2);
	if (IS_ERR(vmo))
		return PTR_ERR(vmo);
	return publish(&vmo->obj, ZX_DEFAULT_VMO_RIGHTS, cmd->out_handle);
}

/* May the handle of the VMO be used to pin for this, and is it something to pin? */
static int check_pin(const struct zvm_bti_pin *cmd, const struct zvm_handle_ref *ref)
{
	const u32 perms = ZX_BTI_PERM_READ | ZX_BTI_PERM_WRITE | ZX_BTI_PERM_EXECUTE;
	u32 need = ZX_RIGHT_MAP;

	/* What the device executes it reads, as far as this machine is concerned. */
	if (cmd->options & (ZX_BTI_PERM_READ | ZX_BTI_PERM_EXECUTE))
		need |= ZX_RIGHT_READ;
	if (cmd->options & ZX_BTI_PERM_WRITE)
		need |= ZX_RIGHT_WRITE;
	if ((ref->rights & need) != need)
		return -EACCES;
	if (!(cmd->options & perms))
		return -EINVAL;
	switch (cmd->options & ~perms) {
	case 0:
	case ZX_BTI_COMPRESS:
		return 0;
	case ZX_BTI_CONTIGUOUS:
		return zvm_vmo_is_contiguous(to_vmo(ref->obj)) ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

/* How many addresses there are to be told: all, or none at all. */
static int check_addrs(const struct zvm_bti_pin *cmd)
{
	u64 want = cmd->options & ZX_BTI_CONTIGUOUS ? 1 : cmd->length >> PAGE_SHIFT;

	if (!cmd->num_addrs)
		return cmd->addrs ? -EINVAL : 0;
	if (!cmd->length || cmd->num_addrs != want)
		return -EINVAL;
	return capable(CAP_SYS_RAWIO) ? 0 : -EACCES;
}

static int put_addrs(const struct zvm_pin *pin, u64 __user *out, u64 count)
{
	struct page *pages[ADDRS_BATCH];
	u64 addrs[ADDRS_BATCH], done;
	unsigned int n, i;
	int err;

	for (done = 0; done < count; done += n) {
		n = min_t(u64, count - done, ADDRS_BATCH);
		err = zvm_pin_get_pages(pin, done, n, pages);
		if (err)
			return err;
		for (i = 0; i < n; i++)
			addrs[i] = page_to_phys(pages[i]);
		if (copy_to_user(out + done, addrs, n * sizeof(*addrs)))
			return -EFAULT;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static int bti_pin(struct zvm_bti *bti, struct zvm_vmo *vmo, const struct zvm_bti_pin *cmd)
{
	struct zvm_pmt *pmt = zvm_pmt_new(bti, vmo, cmd->offset, cmd->length);
	int err;

	if (IS_ERR(pmt))
		return PTR_ERR(pmt);
	err = put_addrs(&pmt->pin, u64_to_user_ptr(cmd->addrs), cmd->num_addrs);
	if (!err)
		return publish(&pmt->obj, ZX_DEFAULT_PMT_RIGHTS, cmd->out_handle);
	zvm_object_put(&pmt->obj);
	return err;
}

int zvm_ioctl_bti_pin(struct zvm_call *call)
{
	const struct zvm_bti_pin *cmd = call->cmd;
	struct zvm_handle_ref ref;
	int err;

	if (!PAGE_ALIGNED(cmd->offset | cmd->length))
		return -EINVAL;
	err = zvm_handle_lookup(cmd->vmo, &zvm_vmo_type, &ref);
	if (err)
		return err;
	err = check_pin(cmd, &ref);
	if (!err)
		err = check_addrs(cmd);
	if (!err)
		err = bti_pin(to_bti(call->obj), to_vmo(ref.obj), cmd);
	zvm_handle_ref_put(&ref);
	return err;
}

int zvm_ioctl_pmt_unpin(struct zvm_call *call)
{
	return zvm_pmt_unpin(to_pmt(call->obj));
}
