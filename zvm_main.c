// SPDX-License-Identifier: GPL-2.0
/*
 * zircon-vm: Zircon's virtual memory objects and address regions on Linux.
 *
 * This file brings the parts up and down; see docs/architecture.md for what
 * they are.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "object/bti.h"
#include "object/debugfs.h"
#include "object/ioctl.h"
#include "vmar/aspace.h"
#include "vmar/vmar.h"
#include "vmo/discardable.h"
#include "vmo/page.h"
#include "vmo/pagemap.h"
#include "vmo/store.h"
#include "zvm_kunit.h"

static int device_open(struct inode *inode, struct file *file)
{
	return zvm_fs_pin();
}

static int device_release(struct inode *inode, struct file *file)
{
	zvm_fs_unpin();
	return 0;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.unlocked_ioctl = zvm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "zircon-vm",
	.fops = &device_fops,
	/* For everybody: docs/security.md says why that is safe. */
	.mode = 0666,
};

static int __init zvm_init(void)
{
	int err;

	err = zvm_pagemap_init_module();
	if (err)
		return err;
	err = zvm_mapping_init_module();
	if (err)
		goto exit_pagemap;
	err = zvm_store_module_init();
	if (err)
		goto exit_mapping;
	err = zvm_discard_module_init();
	if (err)
		goto exit_store;
	err = zvm_object_type_register(&zvm_vmo_type, "zvm_vmo");
	if (err)
		goto exit_discard;
	err = zvm_object_type_register(&zvm_vmar_type, "zvm_vmar");
	if (err)
		goto unregister_vmo;
	err = zvm_object_type_register(&zvm_aspace_type, "zvm_aspace");
	if (err)
		goto unregister_vmar;
	err = zvm_object_type_register(&zvm_bti_type, "zvm_bti");
	if (err)
		goto unregister_aspace;
	err = zvm_object_type_register(&zvm_pmt_type, "zvm_pmt");
	if (err)
		goto unregister_bti;
	zvm_page_init();
	zvm_koid_init();
	zvm_kunit_run();
	err = misc_register(&device);
	if (err)
		goto exit_kunit;
	zvm_debugfs_init();
	return 0;

exit_kunit:
	zvm_kunit_exit();
	zvm_object_type_unregister(&zvm_pmt_type);
unregister_bti:
	zvm_object_type_unregister(&zvm_bti_type);
unregister_aspace:
	zvm_object_type_unregister(&zvm_aspace_type);
unregister_vmar:
	zvm_object_type_unregister(&zvm_vmar_type);
unregister_vmo:
	zvm_object_type_unregister(&zvm_vmo_type);
exit_discard:
	zvm_discard_module_exit();
exit_store:
	zvm_store_module_exit();
exit_mapping:
	zvm_mapping_exit_module();
exit_pagemap:
	zvm_pagemap_exit_module();
	return err;
}

static void __exit zvm_exit(void)
{
	zvm_debugfs_exit();
	misc_deregister(&device);
	zvm_kunit_exit();
	zvm_object_type_unregister(&zvm_pmt_type);
	zvm_object_type_unregister(&zvm_bti_type);
	zvm_object_type_unregister(&zvm_aspace_type);
	zvm_object_type_unregister(&zvm_vmar_type);
	zvm_object_type_unregister(&zvm_vmo_type);
	/* All stores have gone, and every slot that held a page with them. */
	WARN_ON_ONCE(zvm_page_count_all());
	zvm_discard_module_exit();
	zvm_store_module_exit();
	zvm_mapping_exit_module();
	zvm_pagemap_exit_module();
}

module_init(zvm_init);
module_exit(zvm_exit);
MODULE_AUTHOR("The zircon-vm developers");
MODULE_DESCRIPTION("Zircon's virtual memory objects and address regions");
MODULE_LICENSE("GPL");
