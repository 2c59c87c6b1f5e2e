// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of which physical addresses a VMO can be made of, with entries of our own
 * in /proc/iomem. Nobody accesses what is there.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/ioport.h>
#include <linux/sizes.h>

#include "../zvm_kunit.h"
#include "physical.h"

/* Where no machine has got anything, and every one has addresses. */
#define FIRST	(8ull * SZ_1G)
#define LAST	(64ull * SZ_1G - 1)
#define SIZE	SZ_1M

struct fixture {
	struct resource whole;
	struct resource part;	/* a page in its middle */
};

static int physical_suite_init(struct kunit_suite *suite)
{
	return zvm_fs_pin();
}

static void physical_suite_exit(struct kunit_suite *suite)
{
	zvm_fs_unpin();
}

static int physical_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	int err;

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->whole = (struct resource){ .name = "zvm kunit", .flags = IORESOURCE_MEM };
	err = allocate_resource(&iomem_resource, &f->whole, SIZE, FIRST, LAST, SIZE, NULL, NULL);
	KUNIT_ASSERT_EQ(test, 0, err);
	test->priv = f;
	f->part = (struct resource){
		.name = "zvm kunit part",
		.start = f->whole.start + SIZE / 2,
		.end = f->whole.start + SIZE / 2 + PAGE_SIZE - 1,
		.flags = IORESOURCE_MEM,
	};
	KUNIT_ASSERT_EQ(test, 0, request_resource(&f->whole, &f->part));
	return 0;
}

static void physical_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (!f)
		return;
	if (f->part.parent)
		release_resource(&f->part);
	release_resource(&f->whole);
}

/* What comes of a VMO with @pages from page @first of the range on. */
static int try(const struct fixture *f, u64 first, u64 pages)
{
	struct zvm_vmo *vmo;

	vmo = zvm_vmo_new_physical(f->whole.start + first * PAGE_SIZE, pages * PAGE_SIZE,
				   false);
	if (IS_ERR(vmo))
		return PTR_ERR(vmo);
	zvm_object_put(&vmo->obj);
	return 0;
}

/* A name alone, as that of a bus, takes nothing. */
static void physical_free_range(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, try(test->priv, 0, SIZE / PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, try(test->priv, SIZE / PAGE_SIZE / 2, 1));
}

static void expect_part(struct kunit *test, unsigned long flags)
{
	struct fixture *f = test->priv;
	const u64 pages = SIZE / PAGE_SIZE, middle = pages / 2;

	f->part.flags = flags;
	KUNIT_EXPECT_EQ(test, -EACCES, try(f, 0, pages));
	KUNIT_EXPECT_EQ(test, -EACCES, try(f, middle, 1));
	KUNIT_EXPECT_EQ(test, -EACCES, try(f, middle - 1, 2));
	KUNIT_EXPECT_EQ(test, -EACCES, try(f, middle, 2));
	KUNIT_EXPECT_EQ(test, 0, try(f, 0, middle));
	KUNIT_EXPECT_EQ(test, 0, try(f, middle + 1, pages - middle - 1));
}

static void physical_busy(struct kunit *test)
{
	expect_part(test, IORESOURCE_MEM | IORESOURCE_BUSY);
}

/* Of a device with memory that comes and goes: not busy while it is away. */
static void physical_exclusive(struct kunit *test)
{
	expect_part(test, IORESOURCE_SYSTEM_RAM | IORESOURCE_EXCLUSIVE);
	expect_part(test, IORESOURCE_MEM | IORESOURCE_EXCLUSIVE);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(physical_free_range),
	KUNIT_CASE(physical_busy),
	KUNIT_CASE(physical_exclusive),
	{}
};

struct kunit_suite zvm_physical_suite = {
	.name = "zvm_physical",
	.suite_init = physical_suite_init,
	.suite_exit = physical_suite_exit,
	.init = physical_init,
	.exit = physical_exit,
	.test_cases = cases,
};
