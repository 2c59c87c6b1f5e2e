// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * For syzkaller's executor/common_linux.h: commands answer with handle values in
 * memory, in which the descriptor is packed with a tag.
 */
#if SYZ_EXECUTOR || __NR_syz_zvm_fd
static long syz_zvm_fd(volatile long handle)
{
	/* ZVM_HANDLE_FD() of uapi/zircon-vm.h */
	return ((unsigned int)handle >> 2) & 0xfffff;
}
#endif
