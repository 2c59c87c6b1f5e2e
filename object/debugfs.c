// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/debug/zircon-vm: counts of everything, and a list of all VMOs. For
 * root, as it tells about everybody. docs/tracing.md explains it.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "../vmar/aspace.h"
#include "../vmar/kernel_aspace.h"
#include "../vmar/vmar.h"
#include "../vmo/discardable.h"
#include "../vmo/family.h"
#include "../vmo/page.h"
#include "../vmo/pagemap.h"
#include "../vmo/store.h"
#include "bti.h"
#include "debugfs.h"
#include "handle.h"

static struct dentry *dir;

static int summary_show(struct seq_file *m, void *v)
{
	seq_printf(m, "vmos:\t%llu\n", atomic64_read(&zvm_vmo_type.live));
	seq_printf(m, "vmars:\t%llu\n", atomic64_read(&zvm_vmar_type.live));
	seq_printf(m, "aspaces:\t%llu\n", atomic64_read(&zvm_aspace_type.live));
	seq_printf(m, "btis:\t%llu\n", atomic64_read(&zvm_bti_type.live));
	seq_printf(m, "pmts:\t%llu\n", atomic64_read(&zvm_pmt_type.live));
	seq_printf(m, "mappings:\t%llu\n", zvm_mapping_count_all());
	seq_printf(m, "kernel_mappings:\t%llu\n", zvm_kernel_mapping_count());
	seq_printf(m, "handles:\t%llu\n", zvm_handle_count_all());
	seq_printf(m, "pages:\t%llu\n", zvm_page_count_all());
	seq_printf(m, "page_nodes:\t%llu\n", zvm_pagemap_nodes());
	seq_printf(m, "unlocked_vmos:\t%lu\n", zvm_discard_count_unlocked());
	seq_printf(m, "discarded_pages:\t%llu\n", zvm_discard_count_pages());
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(summary);

static int kernel_show(struct seq_file *m, void *v)
{
	zvm_kernel_show(m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(kernel);

/**
 * struct cursor - where somebody is in the list of VMOs
 * @vmo: the VMO, whose memory is pinned; NULL at the begin and behind the last
 * @pos: its number, from 1 on, or that behind the last
 */
struct cursor {
	struct zvm_vmo *vmo;
	loff_t pos;
};

static void cursor_reset(struct cursor *cursor)
{
	if (cursor->vmo)
		zvm_object_unpin(&cursor->vmo->obj);
	*cursor = (struct cursor){};
}

static void *vmos_start(struct seq_file *m, loff_t *pos)
{
	struct cursor *cursor = m->private;

	if (!*pos)
		return SEQ_START_TOKEN;
	if (*pos < cursor->pos)
		cursor_reset(cursor);
	while (cursor->pos < *pos && (cursor->vmo || !cursor->pos)) {
		cursor->vmo = zvm_vmo_next(cursor->vmo);
		cursor->pos++;
	}
	return cursor->vmo;
}

static void *vmos_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return vmos_start(m, pos);
}

/* The cursor keeps its VMO until the file is closed. */
static void vmos_stop(struct seq_file *m, void *v)
{
}

static int vmos_show(struct seq_file *m, void *v)
{
	static const char * const kinds[] = { "plain", "snapshot", "slice", "reference" };
	u64 parent, children, committed = 0, mappings;
	const char *state = "-";
	struct zvm_vmo *vmo = v;
	char name[ZX_MAX_NAME_LEN];

	if (v == SEQ_START_TOKEN) {
		seq_puts(m, "koid kind parent size committed mappings children handles state name\n");
		return 0;
	}
	if (mutex_lock_killable(&vmo->store->lock))
		return -EINTR;
	if (!vmo->owner)
		committed = zvm_store_count(vmo->store, 0, U64_MAX >> PAGE_SHIFT) << PAGE_SHIFT;
	mappings = vmo->nr_mappings;
	if (!atomic_read(&vmo->obj.users))
		state = "dead";
	else if (vmo->store->discard)
		state = vmo->store->discarded ? "discarded" :
			vmo->store->discard->nr_locks ? "locked" : "unlocked";
	mutex_unlock(&vmo->store->lock);
	zvm_vmo_relations(vmo, &parent, &children);
	zvm_object_get_name(&vmo->obj, name);
	seq_printf(m, "%llu %s %llu %llu %llu %llu %llu %d %s \"%*pE\"\n", vmo->obj.koid,
		   kinds[vmo->kind], parent, zvm_vmo_size(vmo), committed, mappings, children,
		   atomic_read(&vmo->obj.handles), state, (int)strnlen(name, sizeof(name)), name);
	return 0;
}

static const struct seq_operations vmos_seq_ops = {
	.start = vmos_start,
	.next = vmos_next,
	.stop = vmos_stop,
	.show = vmos_show,
};

static int vmos_open(struct inode *inode, struct file *file)
{
	/* As we may turn out to have the last reference of a VMO. */
	int err = zvm_fs_pin();

	if (err)
		return err;
	if (__seq_open_private(file, &vmos_seq_ops, sizeof(struct cursor)))
		return 0;
	zvm_fs_unpin();
	return -ENOMEM;
}

static int vmos_release(struct inode *inode, struct file *file)
{
	struct seq_file *m = file->private_data;

	cursor_reset(m->private);
	seq_release_private(inode, file);
	zvm_fs_unpin();
	return 0;
}

static const struct file_operations vmos_fops = {
	.owner = THIS_MODULE,
	.open = vmos_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = vmos_release,
};

void __init zvm_debugfs_init(void)
{
	/* Nobody depends on it: errors are of no interest. */
	dir = debugfs_create_dir("zircon-vm", NULL);
	debugfs_create_file("summary", 0400, dir, NULL, &summary_fops);
	debugfs_create_file("kernel", 0400, dir, NULL, &kernel_fops);
	debugfs_create_file("vmos", 0400, dir, NULL, &vmos_fops);
}

void zvm_debugfs_exit(void)
{
	debugfs_remove_recursive(dir);
}
