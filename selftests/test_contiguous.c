// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Contiguous VMOs: their checks, that their pages are in a row and stay there, and
 * who pays for them.
 */
#include "kselftest_harness.h"
#include "bti_test.h"

#define N 20
#define SIZE (N * P)
#define MIB (1ul << 20)

FIXTURE(contiguous) {
	struct zvm_stats before;
	struct zt_bag bag;
	zx_handle_t bti;
	zx_handle_t vmo;	/* N pages, pattern 1 */
	uint64_t pfn;		/* of its first page */
};

FIXTURE_SETUP(contiguous)
{
	ASSERT_TRUE(zt_warm_up());
	self->before = zt_stats();
	self->bti = zt_keep(&self->bag, bt_bti());
	ASSERT_NE(0u, self->bti);
	self->vmo = zt_keep(&self->bag, bt_contiguous(self->bti, SIZE, 0));
	ASSERT_NE(0u, self->vmo);
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, SIZE, 1));
	self->pfn = bt_vmo_pfn(self->vmo, 0);
	ASSERT_NE(0u, self->pfn);
}

FIXTURE_TEARDOWN(contiguous)
{
	zt_empty(&self->bag);
	if (_metadata->passed)
		ZT_EXPECT_NO_LEAK(&self->before);
}

/* Each page is where it was, and holds what it did. */
#define EXPECT_UNTOUCHED() do {							\
	EXPECT_TRUE(bt_in_a_row(self->vmo, SIZE, self->pfn));			\
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, SIZE, 1));			\
	ZT_EXPECT_U64(SIZE, zt_committed(self->vmo));				\
} while (0)

TEST_F(contiguous, V_022_V_023_V_024_V_025_arguments)
{
	const uint32_t bad[] = { 1, 2, (uint32_t)__builtin_ctzl(P) - 1, 64, 65, 1000, UINT32_MAX };
	zx_handle_t dead = bt_bti(), out = 77;
	struct zt_bad ptr[ZT_BAD_WRITE_N];

	ZT_ASSERT_OK(zx_handle_close(dead));
	/* before the handle is looked at */
	for (zx_handle_t h = 0; h < 3; h++) {
		zx_handle_t on = h == 0 ? self->bti : h == 1 ? dead : self->vmo;

		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmo_create_contiguous(on, 0, 0, &out));
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmo_create_contiguous(on, 1, 0, &out));
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmo_create_contiguous(on, P - 1, 0, &out));
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS, zx_vmo_create_contiguous(on, P + 1, 0, &out));
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 zx_vmo_create_contiguous(on, UINT64_MAX, 0, &out));
		for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
			ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
					 zx_vmo_create_contiguous(on, P, bad[i], &out));
	}
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_create_contiguous(dead, P, 0, &out));
	ZT_EXPECT_STATUS(ZX_ERR_BAD_HANDLE, zx_vmo_create_contiguous(0, P, 0, &out));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE, zx_vmo_create_contiguous(self->vmo, P, 0, &out));
	ZT_EXPECT_STATUS(ZX_ERR_WRONG_TYPE,
			 zx_vmo_create_contiguous(zx_vmar_root_self(), P, 0, &out));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_vmo_create_contiguous(zt_keep(&self->bag,
							  zt_without(self->bti, ZX_RIGHT_MAP)),
						  P, 0, &out));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE,
			 zx_vmo_create_contiguous(self->bti, zt_max_vmo() + P, 0, &out));
	zt_bad_write(ptr);
	for (struct zt_bad *b = ptr; b->name; b++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS,
			  zx_vmo_create_contiguous(self->bti, P, 0, b->ptr)) {
			TH_LOG("%s", b->name);
		}
	}
	EXPECT_EQ(77u, out);
	EXPECT_UNTOUCHED();
}

/* What nobody can have, whatever the machine. */
TEST_F(contiguous, too_much)
{
	zx_handle_t out;

	ZT_EXPECT_STATUS(ZX_ERR_NO_MEMORY,
			 zx_vmo_create_contiguous(self->bti, zt_max_vmo(), 0, &out));
	ZT_EXPECT_STATUS(ZX_ERR_NO_MEMORY,
			 zx_vmo_create_contiguous(self->bti, 1ul << 50, 0, &out));
	/* only page 0 has such an address, and that is the firmware's */
	for (uint32_t log2 = 48; log2 < 64; log2++)
		ZT_EXPECT_STATUS(ZX_ERR_NO_MEMORY,
				 zx_vmo_create_contiguous(self->bti, P, log2, &out));
	ZT_EXPECT_U64(self->before.pages + N, zt_stats().pages);
}

TEST_F(contiguous, V_026_what_it_tells)
{
	zx_info_vmo_t info = zt_vmo_info(self->vmo);

	ZT_EXPECT_U64(SIZE, info.committed_bytes);
	ZT_EXPECT_U64(SIZE, info.populated_bytes);
	ZT_EXPECT_U64(SIZE, info.committed_private_bytes);
	ZT_EXPECT_U64(SIZE, info.committed_scaled_bytes);
	ZT_EXPECT_U64(SIZE, info.size_bytes);
	EXPECT_EQ(ZX_INFO_VMO_TYPE_PAGED | ZX_INFO_VMO_CONTIGUOUS | ZX_INFO_VMO_VIA_HANDLE,
		  info.flags);
	EXPECT_EQ(ZX_DEFAULT_VMO_RIGHTS, info.handle_rights);
	EXPECT_EQ(ZX_DEFAULT_VMO_RIGHTS, zt_rights(self->vmo));
	EXPECT_EQ(ZX_OBJ_TYPE_VMO, zt_type(self->vmo));
	EXPECT_STREQ("", info.name);
	ZT_EXPECT_U64(0, info.parent_koid);
	ZT_EXPECT_U64(0, info.num_children);
	EXPECT_EQ(ZX_CACHE_POLICY_CACHED, info.cache_policy);
	EXPECT_EQ(0, zt_vmo_info(zt_keep(&self->bag, zt_vmo(P, 0))).flags & ZX_INFO_VMO_CONTIGUOUS);
}

/* In a row, aligned, zeros, and not a page more than asked for. */
TEST_F_TIMEOUT(contiguous, pages_in_a_row, 120)
{
	const size_t pages[] = { 1, 2, 3, 5, 16, 17, 31, 100, 255, 256, 257 };
	const uint32_t log2s[] = { 0, 12, 13, 14, 16, 18, 20 };

	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(log2s); j++) {
			const size_t size = pages[i] * P;
			zx_handle_t vmo;
			uint64_t pfn;

			if (log2s[j] && 1ul << log2s[j] < P)
				continue;
			vmo = bt_contiguous(self->bti, size, log2s[j]);
			ASSERT_NE(0u, vmo) {
				TH_LOG("%zu pages, %u", pages[i], log2s[j]);
			}
			ZT_EXPECT_U64(self->before.pages + N + pages[i], zt_stats().pages);
			EXPECT_TRUE(zt_vmo_zero(vmo, 0, size));
			pfn = bt_vmo_pfn(vmo, 0);
			EXPECT_TRUE(pfn && bt_in_a_row(vmo, size, pfn));
			if (log2s[j])
				ZT_EXPECT_U64(0, pfn * P & ((1ul << log2s[j]) - 1));
			/* what the next one gets */
			EXPECT_EQ(0, zt_vmo_fill(vmo, 0, size, 5));
			ZT_EXPECT_OK(zx_handle_close(vmo));
			ZT_EXPECT_U64(self->before.pages + N, zt_stats().pages);
		}
	}
}

TEST_F(contiguous, V_027_never_resized)
{
	const uint64_t sizes[] = { 0, 1, P, SIZE - P, SIZE, SIZE + P, zt_max_vmo() + P, UINT64_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		ZT_EXPECT_STATUS(ZX_ERR_UNAVAILABLE, zx_vmo_set_size(self->vmo, sizes[i]));
	EXPECT_EQ(-1, ftruncate(zvm_handle_to_fd(self->vmo), (off_t)P));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_vmo_set_size(zt_keep(&self->bag, zt_without(self->vmo, ZX_RIGHT_WRITE)),
					 P));
	ZT_EXPECT_U64(SIZE, zt_size(self->vmo));
	EXPECT_UNTOUCHED();
}

TEST_F(contiguous, V_028_never_decommitted)
{
	const struct { uint64_t offset, size; } ranges[] = {
		{ 0, SIZE }, { P, P }, { 0, 0 }, { 1, 1 }, { SIZE, P }, { UINT64_MAX, UINT64_MAX },
	};
	uint8_t *map = zt_map(self->vmo, 0, SIZE, ZT_RW);

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
				 zx_vmo_op_range(self->vmo, ZX_VMO_OP_DECOMMIT, ranges[i].offset,
						 ranges[i].size, NULL, 0));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
			 zx_vmar_op_range(zx_vmar_root_self(), ZX_VMAR_OP_DECOMMIT,
					  (zx_vaddr_t)map, SIZE, NULL, 0));
	ZT_EXPECT_STATUS(ZX_ERR_ACCESS_DENIED,
			 zx_vmo_op_range(zt_keep(&self->bag, zt_without(self->vmo, ZX_RIGHT_WRITE)),
					 ZX_VMO_OP_DECOMMIT, 0, SIZE, NULL, 0));
	ZT_EXPECT_OK(zt_unmap(map, SIZE));
	EXPECT_UNTOUCHED();
}

TEST_F(contiguous, V_029_children)
{
	const uint32_t snapshots[] = {
		ZX_VMO_CHILD_SNAPSHOT, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
		ZX_VMO_CHILD_SNAPSHOT_MODIFIED, ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_NO_WRITE,
		ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_RESIZABLE,
	};
	zx_handle_t slice, slice2, out;

	ZT_ASSERT_OK(zx_vmo_create_child(self->vmo, ZX_VMO_CHILD_SLICE, 4 * P, 8 * P, &slice));
	zt_keep(&self->bag, slice);
	ZT_ASSERT_OK(zx_vmo_create_child(slice, ZX_VMO_CHILD_SLICE, P, 2 * P - 1, &slice2));
	zt_keep(&self->bag, slice2);
	for (size_t i = 0; i < ARRAY_SIZE(snapshots); i++) {
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 zx_vmo_create_child(self->vmo, snapshots[i], 0, P, &out));
		ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
				 zx_vmo_create_child(slice, snapshots[i], 0, P, &out));
	}
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
			 zx_vmo_create_child(self->vmo, ZX_VMO_CHILD_REFERENCE, 0, 0, &out));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmo_create_child(self->vmo, ZX_VMO_CHILD_REFERENCE, 0, P, &out));
	ZT_EXPECT_U64(1, zt_vmo_info(self->vmo).num_children);

	/* Slices are what they are a part of. */
	EXPECT_EQ(ZX_INFO_VMO_TYPE_PAGED | ZX_INFO_VMO_CONTIGUOUS | ZX_INFO_VMO_VIA_HANDLE,
		  zt_vmo_info(slice).flags);
	EXPECT_TRUE(bt_in_a_row(slice, 8 * P, self->pfn + 4));
	EXPECT_TRUE(bt_in_a_row(slice2, 2 * P, self->pfn + 5));
	ZT_EXPECT_U64(0, zt_stream_size(slice));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED, zx_vmo_set_stream_size(slice, P));
	ZT_EXPECT_STATUS(ZX_ERR_UNAVAILABLE, zx_vmo_set_size(slice, P));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
			 zx_vmo_op_range(slice, ZX_VMO_OP_DECOMMIT, 0, P, NULL, 0));
	ASSERT_EQ(0, zt_vmo_fill(slice, 0, P, 3));
	EXPECT_EQ(zt_pattern(5, 3), zt_vmo_byte(self->vmo, 4 * P + 5));

	/* What no slice shows goes with the parent; the rest stays where it is. */
	ZT_ASSERT_OK(zx_handle_close(self->vmo));
	ZT_EXPECT_U64(self->before.pages + 8, zt_stats().pages);
	EXPECT_TRUE(bt_in_a_row(slice, 8 * P, self->pfn + 4));
	EXPECT_TRUE(zt_vmo_holds(slice, 0, P, 3));
	ZT_ASSERT_OK(zx_handle_close(slice));
	ZT_EXPECT_U64(self->before.pages + 2, zt_stats().pages);
	EXPECT_TRUE(bt_in_a_row(slice2, 2 * P, self->pfn + 5));
}

TEST_F(contiguous, slices_of_an_uncached_one)
{
	zx_handle_t out;

	ZT_ASSERT_OK(zx_vmo_set_cache_policy(self->vmo, ZX_CACHE_POLICY_UNCACHED));
	ZT_ASSERT_OK(zx_vmo_create_child(self->vmo, ZX_VMO_CHILD_SLICE, P, P, &out));
	ZT_EXPECT_OK(zx_handle_close(out));
	ZT_EXPECT_STATUS(ZX_ERR_INVALID_ARGS,
			 zx_vmo_create_child(self->vmo, ZX_VMO_CHILD_SNAPSHOT, 0, P, &out));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
			 zx_vmo_create_child(self->vmo, ZX_VMO_CHILD_REFERENCE, 0, 0, &out));
	/* Zeroing in place takes writing to it. */
	ZT_EXPECT_STATUS(ZX_ERR_BAD_STATE,
			 zx_vmo_op_range(self->vmo, ZX_VMO_OP_ZERO, 0, SIZE, NULL, 0));
	ZT_ASSERT_OK(zx_vmo_set_cache_policy(self->vmo, ZX_CACHE_POLICY_CACHED));
	EXPECT_UNTOUCHED();
}

TEST_F(contiguous, V_030_no_stream_size)
{
	const uint64_t sizes[] = { 0, 1, P, SIZE, SIZE + 1, UINT64_MAX };
	uint64_t size = 7;

	ZT_EXPECT_U64(0, zt_stream_size(self->vmo));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
				 zx_vmo_set_stream_size(self->vmo, sizes[i]));
		ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
				 zx_object_set_property(self->vmo, ZX_PROP_VMO_CONTENT_SIZE,
							&sizes[i], sizeof(sizes[i])));
	}
	ZT_EXPECT_OK(zx_object_get_property(self->vmo, ZX_PROP_VMO_CONTENT_SIZE, &size,
					    sizeof(size)));
	ZT_EXPECT_U64(0, size);
	EXPECT_UNTOUCHED();
}

TEST_F(contiguous, R_059_no_mapping_by_stream_size)
{
	const zx_vm_option_t options = ZT_RW | ZX_VM_FAULT_BEYOND_STREAM_SIZE;
	zx_handle_t slice, no_map;
	zx_vaddr_t addr;

	ZT_ASSERT_OK(zx_vmo_create_child(self->vmo, ZX_VMO_CHILD_SLICE, 0, P, &slice));
	zt_keep(&self->bag, slice);
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
			 zx_vmar_map(zx_vmar_root_self(), options | ZX_VM_ALLOW_FAULTS, 0,
				     self->vmo, 0, P, &addr));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
			 zx_vmar_map(zx_vmar_root_self(), options | ZX_VM_ALLOW_FAULTS, 0,
				     slice, 0, P, &addr));
	/* before all else */
	no_map = zt_keep(&self->bag, zt_without(self->vmo, ZX_RIGHT_MAP));
	ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
			 zx_vmar_map(zx_vmar_root_self(), options, 0, no_map, 0, P, &addr));
}

TEST_F(contiguous, V_032_zero_is_in_place)
{
	uint8_t *map = zt_map(self->vmo, 0, SIZE, ZT_RW);

	ASSERT_EQ(0, zt_try_write(map + 3 * P));
	/* parts of pages around a whole one */
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, SIZE, 1));
	ZT_EXPECT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_ZERO, 2 * P + 100, 2 * P, NULL, 0));
	EXPECT_TRUE(zt_vmo_zero(self->vmo, 2 * P + 100, 2 * P));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 0, 2 * P + 100, 1));
	EXPECT_TRUE(zt_vmo_holds(self->vmo, 4 * P + 100, SIZE - 4 * P - 100, 1));
	EXPECT_EQ(0, vt_load(map + 3 * P));
	ZT_EXPECT_U64(self->pfn + 3, pp_pfn(map + 3 * P));
	ZT_EXPECT_OK(zx_vmar_op_range(zx_vmar_root_self(), ZX_VMAR_OP_ZERO, (zx_vaddr_t)map,
				      SIZE, NULL, 0));
	EXPECT_TRUE(zt_vmo_zero(self->vmo, 0, SIZE));
	ASSERT_EQ(0, zt_vmo_fill(self->vmo, 0, SIZE, 1));
	ZT_EXPECT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_ZERO, 0, SIZE, NULL, 0));
	ZT_EXPECT_U64(SIZE, zt_committed(self->vmo));
	EXPECT_TRUE(zt_vmo_zero(self->vmo, 0, SIZE));
	EXPECT_TRUE(bt_in_a_row(self->vmo, SIZE, self->pfn));
	ZT_EXPECT_STATUS(ZX_ERR_OUT_OF_RANGE,
			 zx_vmo_op_range(self->vmo, ZX_VMO_OP_ZERO, 0, SIZE + P, NULL, 0));
	ZT_EXPECT_OK(zt_unmap(map, SIZE));
}

TEST_F(contiguous, V_267_no_transfer)
{
	zx_handle_t other = zt_keep(&self->bag, zt_vmo(SIZE, 0)), slice;

	ASSERT_EQ(0, zt_vmo_fill(other, 0, SIZE, 2));
	ZT_ASSERT_OK(zx_vmo_create_child(self->vmo, ZX_VMO_CHILD_SLICE, 0, SIZE, &slice));
	zt_keep(&self->bag, slice);
	for (int i = 0; i < 2; i++) {
		zx_handle_t vmo = i ? slice : self->vmo;

		for (uint64_t len = 0; len <= 2 * SIZE; len += SIZE) {
			ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
					 zx_vmo_transfer_data(other, 0, 0, len, vmo, 0));
			/* the range of the source comes before the kind of the target */
			ZT_EXPECT_STATUS(len > SIZE ? ZX_ERR_OUT_OF_RANGE : ZX_ERR_NOT_SUPPORTED,
					 zx_vmo_transfer_data(vmo, 0, 0, len, other, 0));
		}
		ZT_EXPECT_STATUS(ZX_ERR_NOT_SUPPORTED,
				 zx_vmo_transfer_data(vmo, 0, 0, P, vmo, P));
		ZT_EXPECT_OK(zx_vmo_transfer_data(vmo, 0, P, P, vmo, P));
	}
	EXPECT_TRUE(zt_vmo_holds(other, 0, SIZE, 2));
	EXPECT_UNTOUCHED();
}

static int touch(void *arg)
{
	uint8_t *shared = ((uint8_t **)arg)[0], *private = ((uint8_t **)arg)[1];

	return zt_try_store(shared + 7 * P, 0x55) || zt_try_store(private + 8 * P, 0x66);
}

/* Whatever others do with the memory, the VMO's pages are where they were. */
TEST_F(contiguous, pages_stay)
{
	uint8_t *map = zt_map(self->vmo, 0, SIZE, ZT_RW), buf[64] = { 0 };
	int fd = zvm_handle_to_fd(self->vmo), pipe_fd[2];
	struct iovec iov = { map + 2 * P, 3 * P };
	uint8_t *shared, *private, *maps[2];

	shared = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	private = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, shared);
	ASSERT_NE(MAP_FAILED, private);
	ASSERT_EQ(0, pipe(pipe_fd));

	/* References that are no PTEs, and writes to the pages. */
	ZT_ASSERT_U64(3 * P, vmsplice(pipe_fd[1], &iov, 1, 0));
	ASSERT_EQ(0, zt_try_store(map + 2 * P, 0x11));
	ASSERT_EQ(0, zt_try_store(shared + 3 * P, 0x22));
	ZT_ASSERT_OK(zx_vmo_write(self->vmo, buf, 4 * P, sizeof(buf)));
	ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_ZERO, 4 * P, P, NULL, 0));
	ZT_ASSERT_OK(zx_vmo_op_range(self->vmo, ZX_VMO_OP_COMMIT, 0, SIZE, NULL, 0));
	EXPECT_TRUE(bt_in_a_row(self->vmo, SIZE, self->pfn));
	/* what is in the pipe is the page itself */
	ASSERT_EQ(1, read(pipe_fd[0], buf, 1));
	EXPECT_EQ(0x11, buf[0]);
	close(pipe_fd[0]);
	close(pipe_fd[1]);

	/* A private mapping has copies, not the VMO; fork(2) copies nothing of ours. */
	ASSERT_EQ(0, zt_try_store(private + 5 * P, 0x33));
	EXPECT_NE(0x33, zt_vmo_byte(self->vmo, 5 * P));
	maps[0] = shared;
	maps[1] = private;
	EXPECT_EQ(0, zt_fork_run(touch, maps));
	EXPECT_EQ(0x55, zt_vmo_byte(self->vmo, 7 * P));
	EXPECT_NE(0x66, zt_vmo_byte(self->vmo, 8 * P));
	EXPECT_TRUE(bt_in_a_row(self->vmo, SIZE, self->pfn));

	/* Memory is short: nothing to be had here. */
	ASSERT_TRUE(vt_write_file("/proc/sys/vm/drop_caches", "3"));
	vt_write_file("/proc/sys/vm/compact_memory", "1");
	EXPECT_TRUE(bt_in_a_row(self->vmo, SIZE, self->pfn));
	for (size_t i = 0; i < N; i++)
		ZT_EXPECT_U64(self->pfn + i, pp_pfn(map + i * P) ?: self->pfn + i);
	ZT_EXPECT_OK(zt_unmap(map, SIZE));
	munmap(shared, SIZE);
	munmap(private, SIZE);
	ZT_EXPECT_U64(self->before.pages + N, zt_stats().pages);
}

/* The mapping keeps it, page by page. */
TEST_F(contiguous, mapping_outlives_the_handle)
{
	uint8_t *map = zt_map(self->vmo, 0, SIZE, ZT_RW);

	ASSERT_NE(NULL, map);
	ZT_ASSERT_OK(zx_handle_close(self->vmo));
	EXPECT_EQ(-1, zt_mismatch(map, SIZE, 0, 1));
	for (size_t i = 0; i < N; i++)
		ZT_EXPECT_U64(self->pfn + i, pp_pfn(map + i * P));
	ZT_EXPECT_OK(zt_unmap(map, SIZE));
}

/* ------------------------------------------------------------------------
 * Limits
 */
static bool kernel_searches(void)
{
	char line[256], name[128];
	bool found = false;
	FILE *f = fopen("/proc/kallsyms", "re");

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%*s %*s %127s", name) == 1 &&
			!strncmp(name, "alloc_contig_range", strlen("alloc_contig_range"));
	if (f)
		fclose(f);
	return found;
}

/* Beyond the page allocator's largest blocks. */
#define LARGE (12 * MIB)

static int large_for_nobody(int sock ZT_UNUSED, void *arg ZT_UNUSED)
{
	zx_handle_t bti, out;

	VT_CHECK(bt_be_nobody());
	bti = bt_bti();
	VT_CHECK(bti);
	VT_CHECK_STATUS(ZX_ERR_NO_MEMORY, zx_vmo_create_contiguous(bti, LARGE, 0, &out));
	VT_CHECK_STATUS(ZX_ERR_NO_MEMORY, zx_vmo_create_contiguous(bti, P, 30, &out));
	/* One page would spoil a huge page for the others. */
	VT_CHECK_STATUS(ZX_ERR_NO_MEMORY, zx_vmo_create_contiguous(bti, P, 21, &out));
	VT_CHECK_STATUS(ZX_ERR_NO_MEMORY, zx_vmo_create_contiguous(bti, P, 16, &out));
	VT_CHECK_STATUS(ZX_ERR_NO_MEMORY, zx_vmo_create_contiguous(bti, 9 * P, 0, &out));
	VT_CHECK_OK(zx_vmo_create_contiguous(bti, 8 * P, 15, &out));
	return 0;
}

TEST_F(contiguous, large_ones_are_not_for_everybody)
{
	struct vt_child c = vt_spawn(large_for_nobody, NULL);

	EXPECT_EQ(0, vt_join(&c));
}

TEST_F_TIMEOUT(contiguous, large_ones, 120)
{
	const struct { size_t size; uint32_t log2; } wish[] = {
		{ LARGE, 0 }, { LARGE - P, 21 }, { LARGE + P, 24 }, { 4 * P, 24 },
	};

	if (!kernel_searches())
		SKIP(return, "no CONFIG_CONTIG_ALLOC");
	for (size_t i = 0; i < ARRAY_SIZE(wish); i++) {
		zx_handle_t vmo = bt_contiguous(self->bti, wish[i].size, wish[i].log2);
		uint64_t pfn;

		ASSERT_NE(0u, vmo);
		pfn = bt_vmo_pfn(vmo, 0);
		EXPECT_TRUE(pfn && bt_in_a_row(vmo, wish[i].size, pfn));
		if (wish[i].log2)
			ZT_EXPECT_U64(0, pfn * P & ((1ul << wish[i].log2) - 1));
		ZT_EXPECT_U64(self->before.pages + N + wish[i].size / P, zt_stats().pages);
		EXPECT_TRUE(zt_vmo_zero(vmo, 0, wish[i].size));
		EXPECT_EQ(0, zt_vmo_fill(vmo, 0, wish[i].size, 5));
		ZT_EXPECT_OK(zx_handle_close(vmo));
		ZT_EXPECT_U64(self->before.pages + N, zt_stats().pages);
	}
}

#define LIMIT 16

/* All at once, or nothing: of 16 pages a user gets 8 once and 4 once more. */
static int over_the_limit(int sock ZT_UNUSED, void *arg ZT_UNUSED)
{
	zx_handle_t bti, a, b, out;

	VT_CHECK(bt_be_nobody());
	bti = bt_bti();
	VT_CHECK(bti);
	VT_CHECK_STATUS(ZX_ERR_NO_MEMORY, zx_vmo_create_contiguous(bti, (LIMIT + 1) * P, 0, &out));
	VT_CHECK_OK(zx_vmo_create_contiguous(bti, LIMIT / 2 * P, 0, &a));
	VT_CHECK_STATUS(ZX_ERR_NO_MEMORY, zx_vmo_create_contiguous(bti, LIMIT / 2 * P, 0, &out));
	VT_CHECK_OK(zx_vmo_create_contiguous(bti, LIMIT / 4 * P, 0, &b));
	VT_CHECK_OK(zx_handle_close(a));
	VT_CHECK_OK(zx_vmo_create_contiguous(bti, LIMIT / 2 * P, 0, &a));
	return 0;
}

TEST_F(contiguous, counts_for_the_user)
{
	char old[32], limit[32];
	struct vt_child c;

	snprintf(old, sizeof(old), "%lld", (long long)vt_read_number(USER_PAGES));
	snprintf(limit, sizeof(limit), "%d", LIMIT);
	ASSERT_TRUE(vt_write_file(USER_PAGES, limit));
	c = vt_spawn(over_the_limit, NULL);
	EXPECT_EQ(0, vt_join(&c));
	vt_write_file(USER_PAGES, old);
}

static int in_a_group(int sock ZT_UNUSED, void *arg)
{
	struct cgroup *g = arg;
	zx_handle_t bti = bt_bti(), vmo, small, out;
	int64_t before, held;
	zx_status_t st;

	VT_CHECK(group_enter(g));
	VT_CHECK(bti);
	before = group_read(g, "memory.current");
	vmo = bt_contiguous(bti, 2 * MIB, 0);
	VT_CHECK(vmo);
	held = group_read(g, "memory.current");
	VT_CHECK(held - before >= (int64_t)(2 * MIB));
	/* What was allocated for the sake of alignment is not kept. */
	small = bt_contiguous(bti, P, 21);
	VT_CHECK(small);
	VT_CHECK(group_read(g, "memory.current") - held < (int64_t)MIB);
	/* Over the limit it is an error, and nobody is killed. */
	do
		st = zx_vmo_create_contiguous(bti, MIB, 0, &out);
	while (st == ZX_OK);
	VT_CHECK_STATUS(ZX_ERR_NO_MEMORY, st);
	VT_CHECK_OK(zx_handle_close(vmo));
	VT_CHECK_OK(zx_vmo_create_contiguous(bti, MIB, 0, &out));
	return 0;
}

TEST_F_TIMEOUT(contiguous, counts_for_the_cgroup, 60)
{
	const struct cgroup root = { CGROUP };
	struct cgroup g;
	struct vt_child c;

	group_write(&root, "cgroup.subtree_control", "+memory");
	if (!group_make(&g, "contiguous"))
		SKIP(return, "no memory controller of cgroup v2 at " CGROUP);
	ASSERT_TRUE(group_write(&g, "memory.max", "16M"));
	c = vt_spawn(in_a_group, &g);
	EXPECT_EQ(0, vt_join(&c));
	ZT_EXPECT_U64(self->before.pages + N, zt_stats().pages);
	EXPECT_TRUE(group_remove(&g));
}

TEST_HARNESS_MAIN
