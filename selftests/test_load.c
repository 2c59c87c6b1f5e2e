// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Loading and unloading the module. Needs ZVM_MODULE to name its file, as it
 * does in the guests of tools/vm; all tests leave the module loaded.
 */
#include "kselftest_harness.h"
#include <limits.h>

#include "zvm_vmar_test.h"

#define NAME "zircon_vm"
#define DEVICE "/dev/zircon-vm"

/* What a process that has just ended holds may take a moment to go. */
static int unload(void)
{
	for (int i = 0; i < 50; i++) {
		if (!syscall(SYS_delete_module, NAME, O_NONBLOCK))
			return 0;
		if (errno != EAGAIN && errno != EBUSY)
			break;
		usleep(20000);
	}
	return errno;
}

/* An errno, or 0. */
static int load(const char *params)
{
	const char *path = getenv("ZVM_MODULE");
	int fd = open(path ? path : "", O_RDONLY | O_CLOEXEC);
	int err = fd < 0 || syscall(SYS_finit_module, fd, params, 0) ? errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

static bool is_loaded(void)
{
	return !access("/sys/module/" NAME, F_OK);
}

/* NULL, or what there still is of the module. */
static const char *left_over(void)
{
	char line[256];
	FILE *f;

	if (is_loaded())
		return "/sys/module/" NAME;
	if (!access(DEVICE, F_OK) || !access("/sys/class/misc/zircon-vm", F_OK))
		return DEVICE;
	f = fopen("/proc/slabinfo", "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "zvm", 3)) {
			fclose(f);
			return "a slab cache";
		}
	}
	if (f)
		fclose(f);
	return NULL;
}

/* Is the module complete? Without the library, which never lets go of it. */
static bool works(void)
{
	struct zvm_vmo_create cmd = { .size = sizeof(cmd), .vmo_size = 1 };
	__u32 handle = 0;
	int fd, err;

	/* devtmpfs makes the node a little later. */
	for (int i = 0; access(DEVICE, F_OK) && i < 100; i++)
		usleep(10000);
	fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	cmd.out_handle = (uintptr_t)&handle;
	err = ioctl(fd, ZVM_VMO_CREATE, &cmd);
	close(fd);
	if (!err)
		close(zvm_handle_to_fd(handle));
	return !err;
}

FIXTURE(load)
{
};

FIXTURE_SETUP(load)
{
	if (!getenv("ZVM_MODULE"))
		SKIP(return, "ZVM_MODULE does not name the module's file");
	ASSERT_EQ(0, unload());
	ASSERT_EQ(NULL, left_over());
}

FIXTURE_TEARDOWN(load)
{
	if (getenv("ZVM_MODULE") && !is_loaded())
		EXPECT_EQ(0, load(""));
	EXPECT_TRUE(works());
}

TEST_F(load, again)
{
	ASSERT_EQ(0, load(""));
	ASSERT_TRUE(works());
	ASSERT_EQ(EEXIST, load(""));
	ASSERT_EQ(0, unload());
	ASSERT_EQ(NULL, left_over());
}

/* A handle and a mapping each keep the module, with no file of the device open. */
TEST_F(load, used)
{
	struct zvm_vmo_create cmd = { .size = sizeof(cmd), .vmo_size = 1 };
	__u32 handle = 0;
	char *mem;
	int fd;

	ASSERT_EQ(0, load(""));
	ASSERT_TRUE(works());
	fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(EAGAIN, unload());
	cmd.out_handle = (uintptr_t)&handle;
	ASSERT_EQ(0, ioctl(fd, ZVM_VMO_CREATE, &cmd));
	close(fd);
	ASSERT_EQ(EAGAIN, unload());
	mem = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED, zvm_handle_to_fd(handle), 0);
	ASSERT_NE(MAP_FAILED, (void *)mem);
	close(zvm_handle_to_fd(handle));
	ASSERT_EQ(EAGAIN, unload());
	*mem = 1;
	munmap(mem, P);
	ASSERT_EQ(0, unload());
	ASSERT_EQ(NULL, left_over());
}

static bool booted_with(const char *param)
{
	char line[2048] = "";
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, line, sizeof(line) - 1);

	close(fd);
	return len > 0 && strstr(line, param);
}

/* The range of the kernel's function; 0: unknown. */
static unsigned long symbol(const char *name, unsigned long *end)
{
	unsigned long addr, start = 0;
	char line[256], word[128];

	for (int pass = 0; pass < 2; pass++) {
		FILE *f = fopen("/proc/kallsyms", "re");

		*end = ULONG_MAX;
		while (f && fgets(line, sizeof(line), f)) {
			if (sscanf(line, "%lx %*c %127s", &addr, word) != 2)
				continue;
			if (!pass && !strcmp(word, name))
				start = addr;
			if (pass && addr > start && addr < *end)
				*end = addr;
		}
		if (f)
			fclose(f);
	}
	return start;
}

/**
 * struct mode - which allocations fail
 * @symbol: what is called by this function of the kernel
 * @slab: percent of kmalloc() and the like
 * @page: of alloc_page()
 */
struct mode {
	const char *symbol;
	const char *slab;
	const char *page;
	unsigned long start, end;
};

/*
 * Allocations of this thread may fail, one at most. (fail-nth would take those
 * of the core's part of loading as well.)
 */
static bool may_fail(const struct mode *mode)
{
	bool ok = vt_write_file("/proc/thread-self/make-it-fail", "1") &&
		  vt_write_file("/sys/kernel/debug/fail_page_alloc/min-order", "0") &&
		  vt_write_file("/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N");
	char from[32], to[32], path[128];

	snprintf(from, sizeof(from), "%#lx", mode->start);
	snprintf(to, sizeof(to), "%#lx", mode->end);
	for (int i = 0; i < 2; i++) {
		const char *const knob[][2] = {
			{ "probability", "0" },	/* or these writes may fail */
			{ "verbose", "0" }, { "ignore-gfp-wait", "N" }, { "task-filter", "Y" },
			{ "times", "1" }, { "require-start", from }, { "require-end", to },
			{ "probability", i ? mode->page : mode->slab },
		};

		for (size_t j = 0; j < ARRAY_SIZE(knob); j++) {
			snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s",
				 i ? "fail_page_alloc" : "failslab", knob[j][0]);
			ok &= vt_write_file(path, knob[j][1]);
		}
	}
	return ok;
}

/*
 * Allocations of the module's init function fail, each time another one: the
 * module is not there then, and can be loaded the next time.
 */
TEST_F_TIMEOUT(load, fails, 600)
{
	const struct mode none = { .slab = "0", .page = "0", .end = ULONG_MAX };
	struct mode modes[] = {
		{ "do_one_initcall", "1", "0", 0, 0 }, { "do_one_initcall", "2", "0", 0, 0 },
		{ "do_one_initcall", "0", "10", 0, 0 }, { "misc_register", "10", "0", 0, 0 },
	};
	int failed = 0, tries, err;

	if (access("/proc/thread-self/make-it-fail", W_OK))
		SKIP(return, "this kernel cannot inject failures");
	if (!access("/sys/module/kunit", F_OK) && !booted_with("kunit.enable=0"))
		SKIP(return, "KUnit would run each time: wants the kernel parameter kunit.enable=0");
	/* The core loses the name of a slab cache that it could not make (6.1 does). */
	if (!access("/sys/kernel/debug/kmemleak", F_OK) && !booted_with("kmemleak=off"))
		SKIP(return, "kmemleak would find what Linux itself loses: wants kmemleak=off");
	for (tries = 0; tries < 120; tries++) {
		struct mode *mode = &modes[tries % ARRAY_SIZE(modes)];
		bool ok;

		if (!mode->start)
			mode->start = symbol(mode->symbol, &mode->end);
		ASSERT_NE(0, mode->start);
		ok = may_fail(mode);
		err = ok ? load("") : 0;
		may_fail(&none);
		if (!ok)
			SKIP(return, "this kernel cannot limit failures to a part of its code");
		if (err) {
			failed++;
		} else {
			ASSERT_TRUE(works());
			ASSERT_EQ(0, unload());
		}
		ASSERT_EQ(NULL, left_over()) {
			TH_LOG("after failure %d (%s): %s is left", failed, strerror(err),
			       left_over());
		}
		ASSERT_TRUE(!err || err == ENOMEM) {
			TH_LOG("failed with %s", strerror(err));
		}
	}
	EXPECT_LT(tries / 4, failed);
	TH_LOG("failed %d of %d times", failed, tries);
}

TEST_HARNESS_MAIN
