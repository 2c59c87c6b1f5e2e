// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * For whom a cache policy is more than what calls go by, and what stands in its way.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "page_type.h"
#include "zvm_vmar_test.h"

#include <linux/capability.h>
#include <linux/if_xdp.h>
#include <sys/socket.h>

#define PAGES 8
#define PARAM "/sys/module/zircon_vm/parameters/uncached_for_all"

#ifndef SOL_XDP
#define SOL_XDP 283
#endif

static void set_param(const char *value)
{
	int fd = open(PARAM, O_WRONLY | O_CLOEXEC);

	VT_CHECK(fd >= 0 && write(fd, value, 1) == 1);
	close(fd);
}

static void set_rawio(bool on)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	VT_CHECK(syscall(SYS_capget, &head, data) == 0);
	data[0].effective &= ~(1u << CAP_SYS_RAWIO);
	data[0].effective |= (uint32_t)on << CAP_SYS_RAWIO;
	VT_CHECK(syscall(SYS_capset, &head, data) == 0);
}

/* Is that the policy by all calls, and this the type of memory? */
static void check_policy(zx_handle_t vmo, uint32_t policy, enum type type)
{
	bool cached = policy == CACHED;
	zx_info_vmo_t info;
	volatile uint8_t *p;
	zx_handle_t child;
	char c;

	VT_CHECK_OK(zx_object_get_info(vmo, ZX_INFO_VMO, &info, sizeof(info), NULL, NULL));
	VT_CHECK(info.cache_policy == policy);
	VT_CHECK_STATUS(cached ? ZX_OK : ZX_ERR_BAD_STATE, zx_vmo_read(vmo, &c, 0, 1));
	if (!cached)
		VT_CHECK_STATUS(ZX_ERR_BAD_STATE,
				zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, P, &child));
	p = zt_map(vmo, 0, PAGES * P, ZT_RW);
	VT_CHECK(p);
	for (int i = 0; i < PAGES; i++) {
		/* The first half was there before. */
		VT_CHECK(p[i * P] == (i < PAGES / 2 ? i + 1 : 0));
		p[i * P + 1] = 1;
		if (is_told())
			VT_CHECK(type_of(pp_pfn(p + i * P)) == type);
	}
	VT_CHECK_OK(zt_unmap((void *)p, PAGES * P));
	VT_CHECK_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, PAGES / 2 * P, PAGES / 2 * P, NULL, 0));
}

static zx_handle_t some_vmo(void)
{
	zx_handle_t vmo = zt_vmo(PAGES * P, 0);

	for (uint8_t i = 0; i < PAGES / 2; i++) {
		uint8_t c = i + 1;

		VT_CHECK_OK(zx_vmo_write(vmo, &c, i * P, 1));
	}
	return vmo;
}

/* Whoever may not have it for real has what programs can see of it. */
static int without_rawio(int sock ZT_UNUSED, void *arg ZT_UNUSED)
{
	zx_handle_t vmo = some_vmo();

	set_rawio(false);
	for (uint32_t policy = 0; policy < 4; policy++) {
		VT_CHECK_OK(zx_vmo_set_cache_policy(vmo, policy));
		check_policy(vmo, policy, T_CACHED);
	}
	/* Somebody who may can make it true. */
	VT_CHECK_OK(zx_vmo_set_cache_policy(vmo, UNCACHED));
	set_rawio(true);
	VT_CHECK_OK(zx_vmo_set_cache_policy(vmo, UNCACHED));
	check_policy(vmo, UNCACHED, T_UNCACHED);
	/* Then it is so for everybody; to say the same again changes nothing. */
	set_rawio(false);
	check_policy(vmo, UNCACHED, T_UNCACHED);
	VT_CHECK_OK(zx_vmo_set_cache_policy(vmo, UNCACHED));
	check_policy(vmo, UNCACHED, T_UNCACHED);
	VT_CHECK_OK(zx_vmo_set_cache_policy(vmo, WC));
	check_policy(vmo, WC, T_CACHED);
	VT_CHECK_OK(zx_vmo_set_cache_policy(vmo, CACHED));
	check_policy(vmo, CACHED, T_CACHED);
	zx_handle_close(vmo);
	return 0;
}

/* The capability of a user namespace of one's own counts for nothing. */
static int in_namespace(int sock ZT_UNUSED, void *arg ZT_UNUSED)
{
	int go[2], status = -1;
	zx_handle_t vmo = some_vmo();
	char c = 0;
	pid_t pid;

	/* A child of ours sees the types, as we do not from in there. */
	VT_CHECK(pipe(go) == 0);
	pid = fork();
	if (!pid)
		_exit(read(go[0], &c, 1) == 1 && c == (char)count_uncached() ? 0 : 1);
	c = (char)count_uncached();
	if (!unshare(CLONE_NEWUSER))
		VT_CHECK_OK(zx_vmo_set_cache_policy(vmo, WC));
	VT_CHECK(write(go[1], &c, 1) == 1);
	VT_CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	return 0;
}

static int for_all(int sock ZT_UNUSED, void *arg ZT_UNUSED)
{
	zx_handle_t vmo = some_vmo();

	set_param("Y");
	set_rawio(false);
	VT_CHECK_OK(zx_vmo_set_cache_policy(vmo, WC));
	check_policy(vmo, WC, T_WC);
	set_param("N");
	check_policy(vmo, WC, T_WC);
	VT_CHECK_OK(zx_vmo_set_cache_policy(vmo, UNCACHED));
	check_policy(vmo, UNCACHED, T_CACHED);
	return 0;
}

TEST(for_whom)
{
	int (*const who[])(int sock, void *arg) = { without_rawio, in_namespace, for_all };
	long uncached = count_uncached();

	ASSERT_TRUE(zt_warm_up());
	for (size_t i = 0; i < ARRAY_SIZE(who); i++) {
		struct vt_child c = vt_spawn(who[i], NULL);

		EXPECT_EQ(0, vt_join(&c));
	}
	set_param("N");
	EXPECT_EQ(uncached, count_uncached());
}

/* Whoever has pinned pages may have mapped them where we do not see it, and cached. */
TEST(V_251_pages_pinned_by_linux)
{
	int sock = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0), tries;
	zx_handle_t vmo = some_vmo();
	struct xdp_umem_reg reg = { .len = PAGES * P, .chunk_size = (uint32_t)P };
	zx_status_t status = ZX_ERR_BAD_STATE;
	uint8_t *p = zt_map(vmo, 0, PAGES * P, ZT_RW);

	ASSERT_NE(NULL, p);
	reg.addr = (uintptr_t)p;
	if (sock < 0 || setsockopt(sock, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)))
		SKIP(return, "nothing here pins pages of files for long (errno %d)", errno);
	ZT_EXPECT_OK(zt_unmap(p, PAGES * P));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE, zx_vmo_set_cache_policy(vmo, UNCACHED));
	ZT_EXPECT_OK(zx_vmo_set_cache_policy(vmo, CACHED));
	close(sock);
	/* The kernel takes its time. */
	for (tries = 0; status == ZX_ERR_BAD_STATE && tries < 1000; tries++) {
		usleep(10000);
		status = zx_vmo_set_cache_policy(vmo, UNCACHED);
	}
	ZT_EXPECT_OK(status);
	check_policy(vmo, UNCACHED, T_UNCACHED);
	zx_handle_close(vmo);
}

/*
 * The core changes the permissions of entries as if all memory were cached (arm64). So
 * there must not be any until the next fault.
 */
TEST(mprotect_makes_no_cached_entries)
{
	zx_handle_t vmo = some_vmo();

	for (uint32_t policy = 0; policy < 4; policy++) {
		int flags = policy == WC ? MAP_PRIVATE : MAP_SHARED;
		volatile uint8_t *p;

		ZT_ASSERT_OK(zx_vmo_set_cache_policy(vmo, policy));
		p = mmap(NULL, PAGES * P, PROT_READ | PROT_WRITE, flags, zvm_handle_to_fd(vmo), 0);
		ASSERT_NE(MAP_FAILED, p);
		for (int i = 0; i < 4; i++)
			EXPECT_EQ(i + 1, p[i * P]);
		/* A copy of one's own stays. */
		p[3 * P] = 4;
		ASSERT_EQ(0, mprotect((void *)(p + P), 3 * P, PROT_READ));
		for (int i = 0; i < 4; i++) {
			bool stays = policy == CACHED || i == 0 || (i == 3 && flags == MAP_PRIVATE);

			EXPECT_EQ(stays, pp_pfn(p + i * P) != 0) TH_LOG("%u, page %d", policy, i);
		}
		for (int i = 0; i < 4; i++) {
			EXPECT_EQ(i + 1, p[i * P]);
			if (is_told() && i < 3)
				EXPECT_EQ(type_for(policy), type_of(pp_pfn(p + i * P)));
		}
		munmap((void *)p, PAGES * P);
	}
	zx_handle_close(vmo);
}

TEST_HARNESS_MAIN
