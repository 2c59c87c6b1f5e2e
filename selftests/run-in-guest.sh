#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What "make check" does: all test programs (TESTS="vmo vmar": those) in one
# guest, with the arguments ARGS; VMFLAGS are options for tools/vm.

cd "$(dirname "$0")/.." || exit
tap=build/check-${KERNEL:-6.1}.tap
new=$tap.$$		# another check may run at the same time
programs=() files=()
for source in selftests/test_*.c; do
	name=$(basename "$source" .c)
	[[ ! $TESTS || " $TESTS " == *" ${name#test_} "* ]] || continue
	programs+=("$name")
	files+=(--file "build/selftests/$name")
done
described=''
[[ $TESTS && " $TESTS " != *" syzkaller "* ]] || described=1
if ((!${#programs[@]})) && [[ ! $described ]]; then
	echo "no test program matches TESTS=\"$TESTS\"" >&2
	exit 2
fi

echo "==> ${#programs[@]} test programs in a guest (kernel ${KERNEL:-6.1}; log: build/vm.log, results: $tap)"
# shellcheck disable=SC2086  # VMFLAGS and ARGS are words
{
	if [[ $described ]]; then	# needs no guest
		echo "# begin syzkaller"
		selftests/syzkaller/check
		echo "# end syzkaller: status $?"
	fi
	[[ ! ${programs[*]} ]] || tools/vm --timeout 1800 --kmod "brd rd_nr=1 rd_size=65536" $VMFLAGS \
		--file selftests/run-tests.sh "${files[@]}" -- sh run-tests.sh "${programs[@]}" ${ARGS:+-- $ARGS} 2>&1
	echo "# guest ended: status $?"
} | tee "$new"
mv "$new" "$tap"
exec awk -f selftests/summary.awk "$tap"
