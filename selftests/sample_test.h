/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The other end of samples/zvm_sample, which is loaded for each test.
 *
 * A test program includes "kselftest_harness.h", then this file.
 */
#ifndef ZVM_SAMPLE_TEST_H
#define ZVM_SAMPLE_TEST_H

#include "core_ptes.h"
#include "../samples/zvm_sample/zvm_sample.h"

#define KO "zvm_sample.ko"
#define NAME "zvm_sample"
#define DEVICE "/dev/zvm-sample"

/* ZIRCON_PERM_..., ZIRCON_RIGHT_...: the same numbers as Zircon's */
#define PERM_R ZX_VM_PERM_READ
#define PERM_RW ZT_RW
#define RIGHTS_RW (ZX_RIGHT_READ | ZX_RIGHT_WRITE)
#define RIGHTS_RWM (RIGHTS_RW | ZX_RIGHT_MAP)

#define N_PAGES 8
#define LEN (N_PAGES * P)

static inline int load(void)
{
	int fd = open(KO, O_RDONLY | O_CLOEXEC), err = 0;

	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
		err = errno;
	close(fd);
	/* devtmpfs makes the node a little later */
	for (int i = 0; !err && access(DEVICE, F_OK) && i < 200; i++)
		zt_sleep_ms(10);
	return err;
}

/* What a process that has just ended holds may take a moment to go. */
static inline int unload(void)
{
	for (int i = 0; i < 100; i++) {
		if (!syscall(SYS_delete_module, NAME, O_NONBLOCK) || errno == ENOENT)
			return 0;
		zt_sleep_ms(20);
	}
	return errno;
}

FIXTURE(kernel_api) {
	struct zvm_stats before;
	struct zvm_sample_call c;
	struct zt_bag bag;
	int fd;
	int new_fd;	/* of ZVM_SAMPLE_FD */
};

#define NEED_SAMPLE() do {						\
	if (access(KO, R_OK))						\
		SKIP(return, "no " KO " here");				\
} while (0)

FIXTURE_SETUP(kernel_api)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->fd = -1;
	if (access(KO, R_OK))
		return;
	ASSERT_EQ(0, load());
	self->fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(kernel_api)
{
	zt_empty(&self->bag);
	close(self->fd);
	EXPECT_EQ(0, unload());
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

/* A command of the sample, with all that it takes: 0 or an errno. */
static inline int sample_call(FIXTURE_DATA(kernel_api) *self, unsigned long nr, struct zvm_sample_call c)
{
	int ret;

	self->c = c;
	ret = ioctl(self->fd, nr, &self->c);
	if (ret > 0)
		self->new_fd = ret;
	return ret < 0 ? errno : 0;
}

#define SAMPLE(what, ...) sample_call(self, ZVM_SAMPLE_##what, (struct zvm_sample_call){ __VA_ARGS__ })
#define OUT(i) (self->c.out[i])

/* The session's VMO as a handle of ours, or 0. */
static inline zx_handle_t handle(FIXTURE_DATA(kernel_api) *self, uint32_t rights)
{
	zx_handle_t h = 0;

	if (SAMPLE(FD, .flags = rights) || zvm_handle_from_fd(self->new_fd, &h))
		return 0;
	return zt_keep(&self->bag, h);
}

/* A VMO of ours, with content, that the session has too, with all rights it may want. */
static inline zx_handle_t attached(FIXTURE_DATA(kernel_api) *self, uint64_t len, uint32_t options)
{
	zx_handle_t vmo = zt_keep(&self->bag, zt_vmo(len, options));

	if (!vmo || zt_vmo_fill(vmo, 0, len, 1) ||
	    SAMPLE(ATTACH, .fd = zvm_handle_to_fd(vmo), .flags = RIGHTS_RWM))
		return 0;
	return vmo;
}

/* A byte of the sample's mapping: -1 if it cannot be read. */
static inline int peek(FIXTURE_DATA(kernel_api) *self, uint64_t offset)
{
	return SAMPLE(PEEK, .offset = offset) ? -1 : (int)OUT(0);
}

static inline int poke(FIXTURE_DATA(kernel_api) *self, uint64_t offset, uint8_t byte)
{
	return SAMPLE(POKE, .offset = offset, .flags = byte);
}

#endif /* ZVM_SAMPLE_TEST_H */
