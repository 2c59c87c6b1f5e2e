// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of what all objects share: status codes, handle words and values.
 * rights_kunit.c has those of the rights.
 */
#include <linux/bitfield.h>
#include <linux/err.h>

#include "../vmo/vmo.h"
#include "../zvm_kunit.h"
#include "ioctl.h"
#include "object_kunit.h"

struct status {
	const char *name;
	int value;
	int err;
};

#define LINE(_name, _value, _err) { .name = #_name, .value = _value, .err = _err },
static const struct status table[] = { ZVM_ERRNO_TABLE(LINE) };

/* The status codes that a call can give, from the specification. */
static const struct status spec[] = {
	{ "INTERNAL", -1 },
	{ "NOT_SUPPORTED", -2 },
	{ "NO_RESOURCES", -3 },
	{ "NO_MEMORY", -4 },
	{ "INVALID_ARGS", -10 },
	{ "BAD_HANDLE", -11 },
	{ "WRONG_TYPE", -12 },
	{ "BAD_SYSCALL", -13 },
	{ "OUT_OF_RANGE", -14 },
	{ "BUFFER_TOO_SMALL", -15 },
	{ "BAD_STATE", -20 },
	{ "TIMED_OUT", -21 },
	{ "SHOULD_WAIT", -22 },
	{ "CANCELED", -23 },
	{ "PEER_CLOSED", -24 },
	{ "NOT_FOUND", -25 },
	{ "ALREADY_EXISTS", -26 },
	{ "ALREADY_BOUND", -27 },
	{ "UNAVAILABLE", -28 },
	{ "ACCESS_DENIED", -30 },
	{ "IO", -40 },
	{ "IO_REFUSED", -41 },
	{ "IO_DATA_INTEGRITY", -42 },
	{ "IO_DATA_LOSS", -43 },
	{ "IO_NOT_PRESENT", -44 },
	{ "IO_OVERRUN", -45 },
	{ "IO_MISSED_DEADLINE", -46 },
	{ "IO_INVALID", -47 },
	{ "BAD_PATH", -50 },
	{ "NOT_DIR", -51 },
	{ "NOT_FILE", -52 },
	{ "FILE_BIG", -53 },
	{ "NO_SPACE", -54 },
	{ "NOT_EMPTY", -55 },
	{ "PROTOCOL_NOT_SUPPORTED", -70 },
	{ "ADDRESS_UNREACHABLE", -71 },
	{ "ADDRESS_IN_USE", -72 },
	{ "NOT_CONNECTED", -73 },
	{ "CONNECTION_REFUSED", -74 },
	{ "CONNECTION_RESET", -75 },
	{ "CONNECTION_ABORTED", -76 },
};

static int errno_of(int value)
{
	int i, err = 0;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].value == value)
			err = err ? -1 : table[i].err;
	return err;
}

static int status_of(int err)
{
	int i, value = 0;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].err == err)
			value = value ? 1 : table[i].value;
	return value;
}

/* Each status is one errno and that errno this status, in both directions. */
static void errno_one_to_one(struct kunit *test)
{
	/* These are said of more than one status, or by Linux of none. */
	static const int others[] = { EPERM, EINTR, E2BIG, EFAULT, EMFILE, ENFILE };
	int i;

	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(spec), ARRAY_SIZE(table));
	for (i = 0; i < ARRAY_SIZE(spec); i++) {
		int err = errno_of(spec[i].value);

		/* User space sees no higher ones. */
		KUNIT_EXPECT_TRUE_MSG(test, err > 0 && err < 512, "%s", spec[i].name);
		KUNIT_EXPECT_EQ_MSG(test, spec[i].value, status_of(err), "%s", spec[i].name);
	}
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		KUNIT_EXPECT_EQ_MSG(test, table[i].err, errno_of(table[i].value), "%s",
				    table[i].name);
		KUNIT_EXPECT_EQ_MSG(test, table[i].value, status_of(table[i].err), "%s",
				    table[i].name);
		if (i < ARRAY_SIZE(spec))
			KUNIT_EXPECT_STREQ(test, spec[i].name, table[i].name);
	}
	for (i = 0; i < ARRAY_SIZE(others); i++)
		KUNIT_EXPECT_EQ(test, 0, status_of(others[i]));
	/* What is no status is no errno. */
	for (i = -600; i <= 0; i++)
		if (i < -76 || (i > -10 && i < -4) || !i)
			KUNIT_EXPECT_EQ(test, 0, errno_of(i));
}

/* Rights, the flag and the tag each have bits of their own, and room. */
static void word_fields(struct kunit *test)
{
	u64 rights, fields[] = { ZVM_HANDLE_RIGHTS, ZVM_HANDLE_LENT, ZVM_HANDLE_WORD_TAG };
	int i, k;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		for (k = 0; k < i; k++)
			KUNIT_EXPECT_EQ(test, 0ull, fields[i] & fields[k]);
	/* The highest right is MANAGE_VMO; SAME_RIGHTS is never stored. */
	for (rights = 1; rights <= 0x1000000; rights <<= 1)
		KUNIT_EXPECT_EQ(test, rights, (u64)zvm_word_rights(rights));
	KUNIT_EXPECT_EQ(test, 0u, zvm_word_rights(~0x1ffffffull));
	KUNIT_EXPECT_EQ(test, (u64)ZVM_HANDLE_TAG_MASK,
			(u64)FIELD_GET(ZVM_HANDLE_WORD_TAG, ~0ull));
}

/* What is put into a handle is what comes out, and what the VFS is told. */
static void word_of_handle(struct kunit *test)
{
	struct zvm_vmo *vmo = zvm_vmo_new(PAGE_SIZE, 0);
	unsigned int tag, last = 0;
	struct rnd_state rnd;
	int i;

	KUNIT_ASSERT_FALSE(test, IS_ERR(vmo));
	prandom_seed_state(&rnd, zvm_kunit_seed(test));
	for (i = 0; i < 2100; i++) {
		/* Each right alone first; twice round the tags in all. */
		u32 rights = i < 25 ? BIT(i) : prandom_u32_state(&rnd) & 0x1ffffff;
		u64 lent = i % 2 ? ZVM_HANDLE_LENT : 0;
		struct file *file = zvm_handle_new(&vmo->obj, rights, lent);
		u64 word;

		KUNIT_ASSERT_FALSE(test, IS_ERR(file));
		word = zvm_handle_word(file);
		tag = FIELD_GET(ZVM_HANDLE_WORD_TAG, word);
		KUNIT_EXPECT_EQ(test, rights, zvm_word_rights(word));
		KUNIT_EXPECT_EQ(test, lent, word & ZVM_HANDLE_LENT);
		KUNIT_EXPECT_EQ(test, word, rights | lent | FIELD_PREP(ZVM_HANDLE_WORD_TAG, tag));
		/* Never 0, which means "any", and all others before it comes again. */
		KUNIT_EXPECT_TRUE(test, tag >= 1 && tag <= 1023);
		if (last)
			KUNIT_EXPECT_EQ(test, tag, last % 1023 + 1);
		last = tag;
		KUNIT_EXPECT_TRUE(test, zvm_file_is_handle(file));
		KUNIT_EXPECT_PTR_EQ(test, &vmo->obj, zvm_file_object(file));
		KUNIT_EXPECT_EQ(test, !!(rights & 0x4), !!(file->f_mode & FMODE_READ));
		KUNIT_EXPECT_EQ(test, !!(rights & 0x8), !!(file->f_mode & FMODE_WRITE));
		fput(file);
		cond_resched();
	}
	KUNIT_EXPECT_TRUE(test, object_handles_gone(&vmo->obj));
	zvm_object_put(&vmo->obj);
}

/* Descriptor and tag go into a value and come out again; none looks like another. */
static void handle_values(struct kunit *test)
{
	static const u32 fds[] = { 0, 1, 2, 1023, 1024, 65535, 0x55555, 0xaaaaa, 0xffffe, 0xfffff };
	u32 value, fd, tag;
	int i;

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		for (tag = 0; tag <= 1023; tag++) {
			value = ZVM_HANDLE_VALUE(fds[i], tag);
			KUNIT_EXPECT_EQ(test, 3u, value & 3);
			fd = ZVM_HANDLE_FD(value);
			KUNIT_EXPECT_EQ(test, fds[i], fd);
			KUNIT_EXPECT_EQ(test, tag, ZVM_HANDLE_TAG(value));
		}
	}
	/* Every bit of a value means something: another bit is another handle. */
	for (i = 0; i < 32; i++) {
		value = ZVM_HANDLE_VALUE(0x5a5a5, 0x15a) ^ BIT(i);
		KUNIT_EXPECT_TRUE(test, (value & 3) != 3 || ZVM_HANDLE_FD(value) != 0x5a5a5 ||
				  ZVM_HANDLE_TAG(value) != 0x15a);
	}
}

/* Objects want their file system. */
static int object_test_init(struct kunit *test)
{
	return zvm_fs_pin();
}

static void object_test_exit(struct kunit *test)
{
	zvm_fs_unpin();
}

static struct kunit_case object_cases[] = {
	KUNIT_CASE(errno_one_to_one),
	KUNIT_CASE(word_fields),
	KUNIT_CASE(word_of_handle),
	KUNIT_CASE(handle_values),
	KUNIT_CASE(rights_complete),
	KUNIT_CASE(rights_types),
	KUNIT_CASE(rights_commands),
	KUNIT_CASE(rights_map),
	KUNIT_CASE(rights_never_grow),
	KUNIT_CASE(rights_of_children),
	KUNIT_CASE(rights_transfer_data),
	KUNIT_CASE(rights_pin),
	KUNIT_CASE(rights_wait),
	{ }
};

struct kunit_suite zvm_object_suite = {
	.name = "zvm_object",
	.init = object_test_init,
	.exit = object_test_exit,
	.test_cases = object_cases,
};
