#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What "make check" does: all test programs (TESTS="vmo vmar": those) in one
# guest, with the arguments ARGS; VMFLAGS are options for tools/vm.  Programs
# named test_..._numa get a guest of their own with two NUMA nodes, test_..._kvm one
# with KVM and one processor: with several, QEMU 7.2 may go on executing a breakpoint
# that the kernel has taken back, and KVM changes code that all of them execute.

cd "$(dirname "$0")/.." || exit
tap=build/check-${KERNEL:-6.1}.tap
new=$tap.$$		# another check may run at the same time
programs=() numa=() kvm=()
for source in selftests/test_*.c; do
	name=$(basename "$source" .c)
	[[ ! $TESTS || " $TESTS " == *" ${name#test_} "* ]] || continue
	case $name in
	*_numa) numa+=("$name") ;;
	*_kvm) kvm+=("$name") ;;
	*) programs+=("$name") ;;
	esac
done
described=''
[[ $TESTS && " $TESTS " != *" syzkaller "* ]] || described=1
if ((!${#programs[@]} && !${#numa[@]} && !${#kvm[@]})) && [[ ! $described ]]; then
	echo "no test program matches TESTS=\"$TESTS\"" >&2
	exit 2
fi

guest()	# options for tools/vm -- programs
{
	local options=() program
	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	shift
	(($#)) || return 0
	for program; do
		options+=(--file "${B:-build}/selftests/$program")
		[[ $program != test_kernel_* ]] ||
			options+=(--file "build/${KERNEL:-6.1}/module/samples/zvm_sample/zvm_sample.ko")
	done
	# Devices and RAM to play with: selftests/physical.h
	# shellcheck disable=SC2086  # VMFLAGS and ARGS are words
	tools/vm --timeout 1800 --reserve --qemu "-device edu" \
		--qemu "-object memory-backend-ram,size=1M,share=on,id=shared -device ivshmem-plain,memdev=shared" \
		--kmod "brd rd_nr=1 rd_size=65536" \
		--kmod "nbd nbds_max=1 max_part=0" $VMFLAGS "${options[@]}" \
		--file selftests/run-tests.sh -- sh run-tests.sh "$@" ${ARGS:+-- $ARGS} 2>&1
	echo "# guest ended: status $?"
}

echo "==> $((${#programs[@]} + ${#numa[@]} + ${#kvm[@]})) test programs in a guest (kernel ${KERNEL:-6.1}; log: build/vm.log, results: $tap)"
{
	if [[ $described ]]; then	# needs no guest
		echo "# begin syzkaller"
		selftests/syzkaller/check
		echo "# end syzkaller: status $?"
		echo "# begin coverage-table"
		if tools/coverage-table; then echo "ok 1 names"; else echo "not ok 1 names"; fi
		echo "# end coverage-table: status 0"
	fi
	guest --nodes 2 --log build/vm-numa.log -- "${numa[@]}"
	guest --cpus 1 --kvm --log build/vm-kvm.log -- "${kvm[@]}"
	guest -- "${programs[@]}"
} | tee "$new"
mv "$new" "$tap"
exec awk -f selftests/summary.awk "$tap"
