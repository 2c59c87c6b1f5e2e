/* SPDX-License-Identifier: GPL-2.0 */
/* What the suite's files share. */
#ifndef ZVM_OBJECT_OBJECT_KUNIT_H
#define ZVM_OBJECT_OBJECT_KUNIT_H

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/file.h>

#include "object.h"

/*
 * Have all handles gone that were closed? In a kernel thread a worker closes them,
 * some time later.
 */
static inline bool object_handles_gone(const struct zvm_object *obj)
{
	int i;

	for (i = 0; i < 500 && atomic_read(&obj->handles); i++) {
		flush_delayed_fput();
		msleep(20);
	}
	return !atomic_read(&obj->handles);
}

/* rights_kunit.c */
void rights_complete(struct kunit *test);
void rights_types(struct kunit *test);
void rights_commands(struct kunit *test);
void rights_map(struct kunit *test);
void rights_never_grow(struct kunit *test);
void rights_of_children(struct kunit *test);
void rights_transfer_data(struct kunit *test);
void rights_pin(struct kunit *test);
void rights_wait(struct kunit *test);

#endif /* ZVM_OBJECT_OBJECT_KUNIT_H */
