// SPDX-License-Identifier: GPL-2.0
/*
 * An address space's memory as others see it, who do not map it: by address, through
 * the VMO that is mapped there, and without any PTE.
 *
 * As for a debugger, what counts is not what the mapping permits now but what it may ever
 * permit: that is what the VMO's handle allowed when it was made.
 */
#include "vmar.h"

static int find_locked(struct zvm_vmar *root, u64 addr, u64 len, bool write,
		       struct zvm_part *part)
{
	u8 need = write ? ZX_VM_PERM_WRITE : ZX_VM_PERM_READ;
	struct zvm_mapping *piece;
	u64 size;

	if (root->dead)
		return -EBADFD;
	if (!zvm_vmar_contains(root, addr, 1))
		return -ENOENT;
	len = min(len, zvm_node_end(&root->node) - addr);
	piece = zvm_part_find_locked(root, addr, addr + len, part);
	if (!piece)
		return -ENOENT;
	if (!(piece->max_prot & need))
		return -EACCES;
	size = zvm_vmo_size(part->vmo);
	if (part->offset >= size)
		return -ERANGE;
	part->len = min(part->len, size - part->offset);
	zvm_object_get(&part->vmo->obj);
	return 0;
}

int zvm_vmar_find_memory(struct zvm_vmar *root, u64 addr, u64 len, bool write,
			 struct zvm_part *part)
{
	int err;

	if (down_read_killable(&root->aspace->lock))
		return -EINTR;
	err = find_locked(root, addr, len, write, part);
	up_read(&root->aspace->lock);
	return err;
}
