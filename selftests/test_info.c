// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * zx_object_get_info, zx_object_get_property and zx_object_set_property.
 */
#include "kselftest_harness.h"
#include "zvm_test.h"

FIXTURE(info)
{
	struct zvm_stats before;
	struct zt_bag bag;
	zx_handle_t vmo, bare, dead, root;
};

FIXTURE_SETUP(info)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->root = zx_vmar_root_self();
	self->vmo = zt_keep(&self->bag, zt_vmo(4 * ZT_P, 0));
	self->bare = zt_keep(&self->bag, zt_dup(self->vmo, ZX_RIGHT_NONE));
	self->dead = zt_dup(self->vmo, ZX_RIGHT_SAME_RIGHTS);
	ASSERT_TRUE(self->vmo && self->bare && self->dead);
	ZT_ASSERT_OK(zx_handle_close(self->dead));
}

FIXTURE_TEARDOWN(info)
{
	zt_empty(&self->bag);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

static const uint32_t unknown_topics[] = {
	0, 3, 6, 99, 0x0fffffff, 0x10000002, 0x40000017, 0xf0000017, 0x10000001, 0x10000007,
	UINT32_MAX,
};

TEST_F(info, H_014_unknown_topic_comes_first)
{
	char rec[512];

	for (size_t i = 0; i < ARRAY_SIZE(unknown_topics); i++) {
		const uint32_t t = unknown_topics[i];

		EXPECT_EQ(ZX_ERR_NOT_SUPPORTED,
			  zx_object_get_info(self->vmo, t, rec, sizeof(rec), NULL, NULL))
			TH_LOG("topic %#x", t);
		EXPECT_EQ(ZX_ERR_NOT_SUPPORTED,
			  zx_object_get_info(self->dead, t, rec, sizeof(rec), NULL, NULL))
			TH_LOG("topic %#x", t);
		EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, zx_object_get_info(0, t, NULL, 0, NULL, NULL))
			TH_LOG("topic %#x", t);
		EXPECT_EQ(ZX_ERR_NOT_SUPPORTED,
			  zx_object_get_info(self->root, t, rec, sizeof(rec), NULL, NULL))
			TH_LOG("topic %#x", t);
	}
}

TEST_F(info, H_015_handle_valid)
{
	size_t actual = 0x1234, avail = 0x5678;
	struct zt_bad bad[ZT_BAD_WRITE_N];
	char buf[16];

	memset(buf, 0xee, sizeof(buf));
	ZT_EXPECT_OK(zx_object_get_info(self->vmo, ZX_INFO_HANDLE_VALID, NULL, 0, NULL, NULL));
	ZT_EXPECT_OK(zx_object_get_info(self->bare, ZX_INFO_HANDLE_VALID, buf, sizeof(buf), &actual,
					&avail));
	ZT_EXPECT_OK(zx_object_get_info(self->root, ZX_INFO_HANDLE_VALID, NULL, SIZE_MAX, NULL,
					NULL));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE,
			 zx_object_get_info(self->dead, ZX_INFO_HANDLE_VALID, buf, sizeof(buf),
					    &actual, &avail));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE,
			 zx_object_get_info(0, ZX_INFO_HANDLE_VALID, NULL, 0, NULL, NULL));
	/* neither read nor written */
	EXPECT_EQ(-1, zt_not_byte(buf, sizeof(buf), 0xee));
	ZT_EXPECT_U64(0x1234, actual);
	ZT_EXPECT_U64(0x5678, avail);
	zt_bad_write(bad);
	for (struct zt_bad *b = bad; b->name; b++) {
		EXPECT_EQ(ZX_OK, zx_object_get_info(self->vmo, ZX_INFO_HANDLE_VALID, b->ptr, 8,
						    b->ptr, b->ptr))
			TH_LOG("%s", b->name);
	}
}

TEST_F(info, H_016_handle_basic)
{
	zx_handle_t dup = zt_keep(&self->bag, zt_dup(self->vmo, ZX_RIGHT_MAP));
	zx_info_handle_basic_t a, b, c;
	const uint8_t *tail = (const uint8_t *)&a + offsetof(zx_info_handle_basic_t, reserved);
	size_t actual = 9, avail = 9;

	memset(&a, 0xee, sizeof(a));
	ZT_ASSERT_OK(zx_object_get_info(self->vmo, ZX_INFO_HANDLE_BASIC, &a, sizeof(a), &actual,
					&avail));
	ZT_EXPECT_U64(1, actual);
	ZT_EXPECT_U64(1, avail);
	EXPECT_GE(a.koid, 1024u);
	EXPECT_EQ((zx_rights_t)ZX_DEFAULT_VMO_RIGHTS, a.rights);
	EXPECT_EQ((zx_obj_type_t)ZX_OBJ_TYPE_VMO, a.type);
	ZT_EXPECT_U64(0, a.related_koid);
	EXPECT_EQ(-1, zt_nonzero(tail, sizeof(a) - offsetof(zx_info_handle_basic_t, reserved)));
	/* no right is needed */
	ZT_ASSERT_OK(zx_object_get_info(self->bare, ZX_INFO_HANDLE_BASIC, &b, sizeof(b), NULL,
					NULL));
	EXPECT_EQ(a.koid, b.koid);
	EXPECT_EQ(0u, b.rights);
	ZT_ASSERT_OK(zx_object_get_info(dup, ZX_INFO_HANDLE_BASIC, &b, sizeof(b), NULL, NULL));
	EXPECT_EQ((zx_rights_t)ZX_RIGHT_MAP, b.rights);
	/* another object, another type */
	ZT_ASSERT_OK(zx_object_get_info(self->root, ZX_INFO_HANDLE_BASIC, &c, sizeof(c), NULL,
					NULL));
	EXPECT_NE(a.koid, c.koid);
	EXPECT_EQ((zx_obj_type_t)ZX_OBJ_TYPE_VMAR, c.type);
	ZT_EXPECT_U64(0, c.related_koid);
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE,
			 zx_object_get_info(self->dead, ZX_INFO_HANDLE_BASIC, &b, sizeof(b), NULL,
					    NULL));
}

static const struct {
	uint32_t topic;
	size_t size;
	bool vmar;
} records[] = {
	{ ZX_INFO_HANDLE_BASIC, 32, false },
	{ ZX_INFO_HANDLE_COUNT, 4, false },
	{ ZX_INFO_VMO_V1, 104, false },
	{ ZX_INFO_VMO_V2, 120, false },
	{ ZX_INFO_VMO_V3, 128, false },
	{ ZX_INFO_VMO, 176, false },
	{ ZX_INFO_VMAR, 16, true },
};

TEST_F(info, H_017_H_018_H_019_record_and_buffer_sizes)
{
	uint8_t buf[256];

	for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
		zx_handle_t h = records[i].vmar ? self->root : self->vmo;
		const uint32_t t = records[i].topic;
		const size_t n = records[i].size;
		const size_t small[] = { 0, 1, n - 1 };
		size_t actual, avail;

		for (size_t k = 0; k < ARRAY_SIZE(small); k++) {
			memset(buf, 0xee, sizeof(buf));
			actual = avail = 77;
			EXPECT_EQ(ZX_ERR_BUFFER_TOO_SMALL,
				  zx_object_get_info(h, t, buf, small[k], &actual, &avail))
				TH_LOG("topic %#x, %zu bytes", t, small[k]);
			ZT_EXPECT_U64(0, actual);
			ZT_EXPECT_U64(1, avail);
			EXPECT_EQ(-1, zt_not_byte(buf, sizeof(buf), 0xee));
		}
		/* exactly, and with room to spare: the rest is untouched */
		for (size_t len = n; len <= sizeof(buf); len += sizeof(buf) - n) {
			memset(buf, 0xee, sizeof(buf));
			actual = avail = 77;
			EXPECT_EQ(ZX_OK, zx_object_get_info(h, t, buf, len, &actual, &avail));
			ZT_EXPECT_U64(1, actual);
			ZT_EXPECT_U64(1, avail);
			EXPECT_NE(-1, zt_not_byte(buf, n, 0xee));
			EXPECT_EQ(-1, zt_not_byte(buf + n, sizeof(buf) - n, 0xee))
				TH_LOG("topic %#x", t);
		}
		/* nobody has to be interested in the counts */
		EXPECT_EQ(ZX_OK, zx_object_get_info(h, t, buf, n, NULL, NULL));
		actual = avail = 77;
		EXPECT_EQ(ZX_OK, zx_object_get_info(h, t, buf, n, &actual, NULL));
		EXPECT_EQ(ZX_OK, zx_object_get_info(h, t, buf, n, NULL, &avail));
		ZT_EXPECT_U64(1, actual);
		ZT_EXPECT_U64(1, avail);
		EXPECT_EQ(ZX_ERR_BUFFER_TOO_SMALL, zx_object_get_info(h, t, NULL, 0, NULL, NULL));
	}
}

TEST_F(info, H_018_H_019_bad_pointers)
{
	struct zt_bad bad[ZT_BAD_WRITE_N];
	uint8_t buf[256];

	zt_bad_write(bad);
	for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
		zx_handle_t h = records[i].vmar ? self->root : self->vmo;
		const uint32_t t = records[i].topic;
		size_t actual = 5, avail = 6;

		for (struct zt_bad *b = bad; b->name; b++) {
			EXPECT_EQ(ZX_ERR_INVALID_ARGS,
				  zx_object_get_info(h, t, b->ptr, sizeof(buf), &actual, &avail))
				TH_LOG("topic %#x, %s", t, b->name);
			ZT_EXPECT_U64(5, actual);
			ZT_EXPECT_U64(6, avail);
			if (!b->ptr)
				continue;
			EXPECT_EQ(ZX_ERR_INVALID_ARGS,
				  zx_object_get_info(h, t, buf, sizeof(buf), b->ptr, NULL))
				TH_LOG("topic %#x, %s", t, b->name);
			EXPECT_EQ(ZX_ERR_INVALID_ARGS,
				  zx_object_get_info(h, t, buf, sizeof(buf), NULL, b->ptr))
				TH_LOG("topic %#x, %s", t, b->name);
		}
	}
}

static uint32_t handle_count(zx_handle_t h)
{
	zx_info_handle_count_t c = { .handle_count = UINT32_MAX };

	zx_object_get_info(h, ZX_INFO_HANDLE_COUNT, &c, sizeof(c), NULL, NULL);
	return c.handle_count;
}

TEST_F(info, H_020_handle_count)
{
	zx_handle_t h = zt_keep(&self->bag, zt_vmo(ZT_P, 0));
	zx_handle_t no_inspect = zt_keep(&self->bag, zt_without(self->vmo, ZX_RIGHT_INSPECT));
	zx_info_handle_count_t c;
	zx_handle_t d, e;
	void *p;

	ASSERT_TRUE(h && no_inspect);
	EXPECT_EQ(1u, handle_count(h));
	d = zt_dup(h, ZX_RIGHT_NONE);
	ASSERT_NE(0u, d);
	EXPECT_EQ(2u, handle_count(h));
	/* replacing and mapping make no difference */
	ZT_ASSERT_OK(zx_handle_replace(d, ZX_RIGHT_SAME_RIGHTS, &e));
	EXPECT_EQ(2u, handle_count(h));
	p = zt_map(h, 0, ZT_P, ZT_RW);
	ASSERT_NE(NULL, p);
	EXPECT_EQ(2u, handle_count(h));
	ZT_ASSERT_OK(zt_unmap(p, ZT_P));
	ZT_ASSERT_OK(zx_handle_close(e));
	EXPECT_EQ(1u, handle_count(h));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_object_get_info(no_inspect, ZX_INFO_HANDLE_COUNT, &c, sizeof(c), NULL,
					    NULL));
	/* the right comes before the buffer */
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_object_get_info(no_inspect, ZX_INFO_HANDLE_COUNT, NULL, 0, NULL, NULL));
	EXPECT_EQ(1u, handle_count(self->root));
}

TEST_F(info, H_021_H_022_H_023_types_and_rights)
{
	zx_handle_t bare_root = zt_keep(&self->bag, zt_dup(self->root, ZX_RIGHT_NONE));
	zx_handle_t blind = zt_keep(&self->bag, zt_without(self->root, ZX_RIGHT_INSPECT));
	const uint32_t vmo_topics[] = { ZX_INFO_VMO, ZX_INFO_VMO_V1, ZX_INFO_VMO_V2,
					ZX_INFO_VMO_V3 };
	const uint32_t vmar_topics[] = { ZX_INFO_VMAR, ZX_INFO_VMAR_MAPS };
	uint8_t buf[512];

	ASSERT_TRUE(bare_root && blind);
	for (size_t i = 0; i < ARRAY_SIZE(vmo_topics); i++) {
		ZT_EXPECT_OK(zx_object_get_info(self->bare, vmo_topics[i], buf, sizeof(buf), NULL,
						NULL));
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
				 zx_object_get_info(self->root, vmo_topics[i], buf, sizeof(buf),
						    NULL, NULL));
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
				 zx_object_get_info(bare_root, vmo_topics[i], NULL, 0, NULL, NULL));
		ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE,
				 zx_object_get_info(self->dead, vmo_topics[i], NULL, 0, NULL,
						    NULL));
	}
	for (size_t i = 0; i < ARRAY_SIZE(vmar_topics); i++) {
		ZT_EXPECT_OK(zx_object_get_info(self->root, vmar_topics[i], buf, sizeof(buf), NULL,
						NULL));
		ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
				 zx_object_get_info(bare_root, vmar_topics[i], buf, sizeof(buf),
						    NULL, NULL));
		ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
				 zx_object_get_info(blind, vmar_topics[i], NULL, 0, NULL, NULL));
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
				 zx_object_get_info(self->vmo, vmar_topics[i], buf, sizeof(buf),
						    NULL, NULL));
		ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
				 zx_object_get_info(self->bare, vmar_topics[i], NULL, 0, NULL,
						    NULL));
	}
}

TEST_F(info, V_243_older_records_are_prefixes)
{
	const struct {
		uint32_t topic;
		size_t size;
	} old[] = {
		{ ZX_INFO_VMO_V1, 104 }, { ZX_INFO_VMO_V2, 120 }, { ZX_INFO_VMO_V3, 128 },
		{ ZX_INFO_VMO, 176 },
	};
	zx_info_vmo_t full;
	uint8_t buf[256];
	void *p;

	/* something in every field that can have something */
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, 2 * ZT_P, 1));
	ZT_ASSERT_OK(zx_object_set_property(self->vmo, ZX_PROP_NAME, "prefix", 6));
	p = zt_map(self->vmo, 0, ZT_P, ZT_RW);
	ASSERT_NE(NULL, p);
	full = zt_vmo_info(self->vmo);
	for (size_t i = 0; i < ARRAY_SIZE(old); i++) {
		memset(buf, 0xee, sizeof(buf));
		ZT_ASSERT_OK(zx_object_get_info(self->vmo, old[i].topic, buf, sizeof(buf), NULL,
						NULL));
		EXPECT_EQ(0, memcmp(buf, &full, old[i].size)) TH_LOG("topic %#x", old[i].topic);
		EXPECT_EQ(-1, zt_not_byte(buf + old[i].size, sizeof(buf) - old[i].size, 0xee));
	}
	ZT_EXPECT_OK(zt_unmap(p, ZT_P));
}

TEST_F(info, V_244_V_245_vmo_record)
{
	zx_handle_t r = zt_keep(&self->bag, zt_vmo(ZT_P + 1, ZX_VMO_RESIZABLE));
	zx_handle_t weak = zt_keep(&self->bag, zt_dup(r, ZX_RIGHT_MAP | ZX_RIGHT_READ));
	zx_info_vmo_t i;

	ASSERT_TRUE(r && weak);
	i = zt_vmo_info(r);
	EXPECT_EQ(zt_koid(r), i.koid);
	ZT_EXPECT_U64(2 * ZT_P, i.size_bytes);
	ZT_EXPECT_U64(0, i.num_mappings);
	ZT_EXPECT_U64(1, i.share_count);
	EXPECT_EQ((uint32_t)(ZX_INFO_VMO_TYPE_PAGED | ZX_INFO_VMO_RESIZABLE |
			     ZX_INFO_VMO_VIA_HANDLE), i.flags);
	EXPECT_EQ(zt_rights(r), i.handle_rights);
	EXPECT_EQ(0u, i.cache_policy);
	ZT_EXPECT_U64(0, i.committed_change_events);
	EXPECT_EQ(-1, zt_nonzero(i.padding1, sizeof(i.padding1)));
	/* rights are those of the handle asked */
	i = zt_vmo_info(weak);
	EXPECT_EQ((zx_rights_t)(ZX_RIGHT_MAP | ZX_RIGHT_READ), i.handle_rights);
	EXPECT_NE(0u, i.flags & ZX_INFO_VMO_VIA_HANDLE);
	EXPECT_EQ(zt_koid(r), i.koid);
	i = zt_vmo_info(self->bare);
	EXPECT_EQ(0u, i.handle_rights);
	EXPECT_EQ((uint32_t)(ZX_INFO_VMO_TYPE_PAGED | ZX_INFO_VMO_VIA_HANDLE), i.flags);
}

struct sharer {
	zx_handle_t vmo;
	int to_parent, from_parent;
};

static int map_and_wait(void *arg)
{
	struct sharer *s = arg;
	void *p = zt_map(s->vmo, 0, zt_page(), ZT_RW), *q = zt_map(s->vmo, 0, zt_page(), ZT_RW);
	char c;

	if (!p || !q || write(s->to_parent, "x", 1) != 1 || read(s->from_parent, &c, 1) != 1)
		return 1;
	return 0;
}

TEST_F(info, V_244_num_mappings_and_share_count)
{
	int up[2], down[2], status;
	struct sharer s;
	void *p[3];
	pid_t pid;
	char c;

	for (unsigned int n = 0; n < 3; n++) {
		p[n] = zt_map(self->vmo, 0, ZT_P, ZT_RW);
		ASSERT_NE(NULL, p[n]);
		ZT_EXPECT_U64(n + 1, zt_vmo_info(self->vmo).num_mappings);
		ZT_EXPECT_U64(1, zt_vmo_info(self->vmo).share_count);
	}
	/* touched or not */
	ZT_EXPECT_ACCESS(zt_try_write(p[0]));
	ZT_EXPECT_U64(3, zt_vmo_info(self->vmo).num_mappings);

	ASSERT_EQ(0, pipe2(up, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(down, O_CLOEXEC));
	s = (struct sharer){ self->vmo, up[1], down[0] };
	pid = fork();
	ASSERT_GE(pid, 0);
	if (pid == 0) {
		alarm(20);
		_exit(map_and_wait(&s));
	}
	ASSERT_EQ(1, read(up[0], &c, 1));
	ZT_EXPECT_U64(5, zt_vmo_info(self->vmo).num_mappings);
	ZT_EXPECT_U64(2, zt_vmo_info(self->vmo).share_count);
	for (unsigned int n = 0; n < 3; n++)
		ZT_ASSERT_OK(zt_unmap(p[n], ZT_P));
	ZT_EXPECT_U64(2, zt_vmo_info(self->vmo).num_mappings);
	ZT_EXPECT_U64(1, zt_vmo_info(self->vmo).share_count);
	ASSERT_EQ(1, write(down[1], "x", 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	for (int i = 0; i < 200 && zt_vmo_info(self->vmo).num_mappings; i++)
		zt_sleep_ms(5);
	ZT_EXPECT_U64(0, zt_vmo_info(self->vmo).num_mappings);
	ZT_EXPECT_U64(1, zt_vmo_info(self->vmo).share_count);
	for (int i = 0; i < 2; i++) {
		close(up[i]);
		close(down[i]);
	}
}

TEST_F(info, stats_with_a_bad_pointer)
{
	struct zt_bad bad[ZT_BAD_WRITE_N];
	struct zvm_stats s;

	ZT_EXPECT_OK(zvm_stats(&s));
	zt_bad_write(bad);
	for (struct zt_bad *b = bad; b->name; b++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, zvm_stats(b->ptr)) TH_LOG("%s", b->name);
	}
}

/* ------------------------------------------------------------------------
 * Properties
 */
static bool has_name(zx_handle_t h, const char *want)
{
	char padded[ZX_MAX_NAME_LEN] = "", got[ZX_MAX_NAME_LEN];

	strncpy(padded, want, sizeof(padded) - 1);
	memset(got, 0xee, sizeof(got));
	return zx_object_get_property(h, ZX_PROP_NAME, got, sizeof(got)) == ZX_OK &&
	       !memcmp(padded, got, sizeof(got)) &&
	       !memcmp(zt_vmo_info(h).name, padded, sizeof(padded));
}

TEST_F(info, H_024_H_025_H_026_names)
{
	const char forty[] = "abcdefghijklmnopqrstuvwxyz0123456789ABCD";
	char long_name[ZX_MAX_NAME_LEN] = "";
	char buf[64];

	EXPECT_TRUE(has_name(self->vmo, ""));
	ZT_EXPECT_OK(zx_object_set_property(self->vmo, ZX_PROP_NAME, "first", 5));
	EXPECT_TRUE(has_name(self->vmo, "first"));
	/* nothing of a longer name shines through a shorter one */
	ZT_EXPECT_OK(zx_object_set_property(self->vmo, ZX_PROP_NAME, "second name", 11));
	EXPECT_TRUE(has_name(self->vmo, "second name"));
	ZT_EXPECT_OK(zx_object_set_property(self->vmo, ZX_PROP_NAME, "3", 1));
	EXPECT_TRUE(has_name(self->vmo, "3"));
	/* cut at 31, from every length */
	memcpy(long_name, forty, 31);
	for (size_t n = 30; n <= 40; n++) {
		ZT_EXPECT_OK(zx_object_set_property(self->vmo, ZX_PROP_NAME, "", 0));
		EXPECT_TRUE(has_name(self->vmo, ""));
		ZT_EXPECT_OK(zx_object_set_property(self->vmo, ZX_PROP_NAME, forty, n));
		if (n == 30) {
			memset(buf, 0, sizeof(buf));
			memcpy(buf, forty, 30);
			EXPECT_TRUE(has_name(self->vmo, buf));
		} else {
			EXPECT_TRUE(has_name(self->vmo, long_name)) TH_LOG("%zu bytes", n);
		}
	}
	/* a NUL inside ends it; with the terminator or without is the same */
	ZT_EXPECT_OK(zx_object_set_property(self->vmo, ZX_PROP_NAME, "ab\0cd", 5));
	EXPECT_TRUE(has_name(self->vmo, "ab"));
	ZT_EXPECT_OK(zx_object_set_property(self->vmo, ZX_PROP_NAME, "xyz", 4));
	EXPECT_TRUE(has_name(self->vmo, "xyz"));
	/* a longer buffer gets 32 bytes */
	memset(buf, 0xee, sizeof(buf));
	ZT_EXPECT_OK(zx_object_get_property(self->vmo, ZX_PROP_NAME, buf, sizeof(buf)));
	EXPECT_STREQ("xyz", buf);
	EXPECT_EQ(-1, zt_not_byte(buf + 32, sizeof(buf) - 32, 0xee));
	/* whatever bytes */
	ZT_EXPECT_OK(zx_object_set_property(self->vmo, ZX_PROP_NAME, "\xff\n\t \x01%s", 7));
	EXPECT_TRUE(has_name(self->vmo, "\xff\n\t \x01%s"));
}

TEST_F(info, H_027_short_buffer_for_the_name)
{
	char buf[32];

	memset(buf, 0xee, sizeof(buf));
	for (size_t n = 0; n < 32; n++)
		ZT_EXPECT_STATUS(ZX_ERR_BUFFER_TOO_SMALL,
				 zx_object_get_property(self->vmo, ZX_PROP_NAME, buf, n));
	EXPECT_EQ(-1, zt_not_byte(buf, sizeof(buf), 0xee));
}

TEST_F(info, H_028_rights_for_properties)
{
	zx_handle_t no_get = zt_keep(&self->bag, zt_without(self->vmo, ZX_RIGHT_GET_PROPERTY));
	zx_handle_t no_set = zt_keep(&self->bag, zt_without(self->vmo, ZX_RIGHT_SET_PROPERTY));
	zx_handle_t get = zt_keep(&self->bag, zt_dup(self->vmo, ZX_RIGHT_GET_PROPERTY));
	zx_handle_t set = zt_keep(&self->bag, zt_dup(self->vmo, ZX_RIGHT_SET_PROPERTY));
	char buf[32];

	ASSERT_TRUE(no_get && no_set && get && set);
	ZT_EXPECT_OK(zx_object_set_property(set, ZX_PROP_NAME, "by set", 6));
	ZT_EXPECT_OK(zx_object_get_property(get, ZX_PROP_NAME, buf, sizeof(buf)));
	EXPECT_STREQ("by set", buf);
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_object_get_property(no_get, ZX_PROP_NAME, buf, sizeof(buf)));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_object_set_property(no_set, ZX_PROP_NAME, "x", 1));
	/* regions: their handles never have these rights */
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_object_get_property(self->root, ZX_PROP_NAME, buf, sizeof(buf)));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_object_set_property(self->root, ZX_PROP_NAME, "x", 1));
	EXPECT_TRUE(has_name(self->vmo, "by set"));
}

TEST_F(info, H_029_order_of_checks_for_properties)
{
	zx_handle_t none = self->bare;
	const uint32_t unknown[] = { 0, 1, 14, 18 + 2, 100, UINT32_MAX };
	struct zt_bad bad[ZT_BAD_WRITE_N];
	char buf[64];

	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		const uint32_t p = unknown[i];

		ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
				 zx_object_get_property(self->vmo, p, buf, sizeof(buf)));
		ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
				 zx_object_set_property(self->vmo, p, buf, sizeof(buf)));
		ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
				 zx_object_get_property(self->vmo, p, buf, 0));
		/* the right comes before the property */
		ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
				 zx_object_get_property(none, p, buf, sizeof(buf)));
		ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
				 zx_object_set_property(none, p, buf, sizeof(buf)));
		/* NULL comes before everything */
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_object_get_property(0, p, NULL, 64));
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_object_set_property(0, p, NULL, 0));
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_object_set_property(none, p, NULL, 0));
	}
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_object_get_property(0, ZX_PROP_NAME, NULL, 64));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_object_set_property(self->dead, ZX_PROP_NAME, NULL, 0));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE,
			 zx_object_get_property(self->dead, ZX_PROP_NAME, buf, 64));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE,
			 zx_object_set_property(self->dead, ZX_PROP_NAME, buf, 4));
	/* pointers that can be neither read nor written */
	ZT_ASSERT_OK(zx_object_set_property(self->vmo, ZX_PROP_NAME, "keep", 4));
	zt_bad_write(bad);
	for (struct zt_bad *b = bad; b->name; b++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS,
			  zx_object_get_property(self->vmo, ZX_PROP_NAME, b->ptr, 32))
			TH_LOG("%s", b->name);
		if (b->ptr) {
			EXPECT_EQ(ZX_ERR_BUFFER_TOO_SMALL,
				  zx_object_get_property(self->vmo, ZX_PROP_NAME, b->ptr, 31))
				TH_LOG("%s", b->name);
		}
	}
	zt_bad_read(bad);
	for (struct zt_bad *b = bad; b->name; b++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS,
			  zx_object_set_property(self->vmo, ZX_PROP_NAME, b->ptr, 4))
			TH_LOG("%s", b->name);
	}
	EXPECT_TRUE(has_name(self->vmo, "keep"));
}

TEST_F(info, H_030_name_belongs_to_the_object)
{
	zx_handle_t d = zt_keep(&self->bag, zt_dup(self->vmo, ZX_RIGHT_SAME_RIGHTS));
	char v[128];

	ASSERT_NE(0u, d);
	ZT_ASSERT_OK(zx_object_set_property(d, ZX_PROP_NAME, "shared name", 11));
	EXPECT_TRUE(has_name(self->vmo, "shared name"));
	ZT_ASSERT_OK(zx_object_set_property(self->vmo, ZX_PROP_NAME, "other", 5));
	EXPECT_TRUE(has_name(d, "other"));
	/* and people see it in /proc */
	ASSERT_TRUE(zt_fdinfo(zvm_handle_to_fd(d), "name", v, sizeof(v)));
	EXPECT_STREQ("other", v);
	/* of another object it does not */
	d = zt_keep(&self->bag, zt_vmo(ZT_P, 0));
	EXPECT_TRUE(has_name(d, ""));
}

/* A name cannot forge lines of fdinfo. */
TEST_F(info, name_in_fdinfo_is_escaped)
{
	char v[128];

	ZT_ASSERT_OK(zx_object_set_property(self->vmo, ZX_PROP_NAME, "x\nrights:\t0xffffffff", 20));
	ASSERT_TRUE(zt_fdinfo(zvm_handle_to_fd(self->vmo), "rights", v, sizeof(v)));
	ZT_EXPECT_U64(zt_rights(self->vmo), strtoull(v, NULL, 0));
}

struct namer {
	zx_handle_t h;
	const char *name;
	volatile int *stop;
	uint64_t wrong;
};

static void *set_name(void *arg)
{
	struct namer *n = arg;

	while (!*n->stop)
		n->wrong += zx_object_set_property(n->h, ZX_PROP_NAME, n->name, 31) != ZX_OK;
	return NULL;
}

/* Two writers: a reader gets one name or the other, never a mixture. */
TEST_F(info, H_024_names_are_not_torn)
{
	static const char a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	static const char b[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
	volatile int stop = 0;
	struct namer n[2] = {
		{ self->vmo, a, &stop, 0 }, { self->vmo, b, &stop, 0 },
	};
	uint64_t torn = 0, seen[2] = { 0, 0 };
	pthread_t t[2];
	uint64_t end;

	ZT_ASSERT_OK(zx_object_set_property(self->vmo, ZX_PROP_NAME, a, 31));
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_create(&t[i], NULL, set_name, &n[i]));
	}
	end = zt_now_ns() + 700000000u;
	while (zt_now_ns() < end) {
		char got[32];

		ZT_ASSERT_OK(zx_object_get_property(self->vmo, ZX_PROP_NAME, got, sizeof(got)));
		if (!memcmp(got, a, 32))
			seen[0]++;
		else if (!memcmp(got, b, 32))
			seen[1]++;
		else
			torn++;
	}
	stop = 1;
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(t[i], NULL));
		EXPECT_EQ(0u, n[i].wrong);
		EXPECT_GT(seen[i], 0u);
	}
	EXPECT_EQ(0u, torn);
}

/* ------------------------------------------------------------------------
 * zvm_vmo_committed()
 */
static uint64_t committed_in(zx_handle_t vmo, uint64_t offset, uint64_t size)
{
	uint64_t bytes = UINT64_MAX;

	return zvm_vmo_committed(vmo, offset, size, &bytes) == ZX_OK ? bytes : UINT64_MAX;
}

TEST(committed_in_a_range)
{
	const uint64_t n = 100;
	zx_handle_t vmo = zt_vmo(n * ZT_P, ZX_VMO_RESIZABLE), none, slice, snap;
	bool there[100] = {};
	uint64_t bytes;

	/* every page that is a multiple of 3 or 7 */
	for (uint64_t i = 0; i < n; i++) {
		there[i] = i % 3 == 0 || i % 7 == 0;
		if (there[i])
			ZT_ASSERT_OK(zx_vmo_write(vmo, "x", i * ZT_P + 9, 1));
	}
	for (uint64_t first = 0; first < n; first++) {
		uint64_t want = 0;

		ZT_EXPECT_U64(0, committed_in(vmo, first * ZT_P, 0));
		for (uint64_t end = first + 1; end <= n; end++) {
			want += there[end - 1] ? ZT_P : 0;
			ZT_ASSERT_U64(want, committed_in(vmo, first * ZT_P, (end - first) * ZT_P));
			/* what the range touches counts */
			ZT_ASSERT_U64(want, committed_in(vmo, (first + 1) * ZT_P - 1,
							 (end - first - 1) * ZT_P + 1));
		}
	}
	ZT_EXPECT_U64(zt_committed(vmo), committed_in(vmo, 0, n * ZT_P));

	/* views tell of what they show, snapshots of what they have */
	ZT_ASSERT_OK(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 3 * ZT_P, 20 * ZT_P, &snap));
	ZT_EXPECT_U64(committed_in(vmo, 4 * ZT_P, 5 * ZT_P), committed_in(snap, ZT_P, 5 * ZT_P));
	ZT_ASSERT_OK(zx_vmo_write(snap, "x", ZT_P, 1));
	ZT_EXPECT_U64(ZT_P, committed_in(snap, ZT_P, ZT_P));
	ZT_EXPECT_U64(0, committed_in(vmo, 4 * ZT_P, ZT_P));
	ZT_ASSERT_OK(zx_vmo_create_child(snap, ZX_VMO_CHILD_SLICE, 3 * ZT_P, 4 * ZT_P, &slice));
	ZT_EXPECT_U64(committed_in(snap, 3 * ZT_P, 4 * ZT_P), committed_in(slice, 0, 4 * ZT_P));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zvm_vmo_committed(slice, 0, 4 * ZT_P + 1, &bytes));

	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zvm_vmo_committed(vmo, 0, n * ZT_P + 1, &bytes));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zvm_vmo_committed(vmo, n * ZT_P, 1, &bytes));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE, zvm_vmo_committed(vmo, 1, UINT64_MAX, &bytes));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zvm_vmo_committed(vmo, 0, ZT_P, NULL));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zvm_vmo_committed(zx_vmar_root_self(), 0, 0, &bytes));
	/* no right is needed, as for ZX_INFO_VMO */
	none = zt_dup(vmo, 0);
	ZT_EXPECT_U64(ZT_P, committed_in(none, 0, ZT_P));
	ZT_ASSERT_OK(zx_handle_close(none));
	ZT_ASSERT_OK(zx_handle_close(slice));
	ZT_ASSERT_OK(zx_handle_close(snap));
	ZT_ASSERT_OK(zx_handle_close(vmo));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zvm_vmo_committed(vmo, 0, 0, &bytes));
}

TEST_HARNESS_MAIN
