#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What "make check-all" does: "make check" for each KERNEL in turn, and at the end
# the figures of each, above a closing line that adds them up.

cd "$(dirname "$0")/.." || exit
tmp=$(mktemp) || exit
trap 'rm -f "$tmp"' EXIT
passed=0 failed=0 skipped=0 list=''
for kernel; do
	make check KERNEL="$kernel" 2>&1 | tee "$tmp"
	# make has its say after the closing line
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$tmp" | tail -n 1)
	list+="# kernel $kernel: ${line:=0 passed, 1 failed: did not come to its tests}"$'\n'
	read -r p _ f _ s _ <<<"${line//,/}"
	[[ $s == [0-9]* ]] || s=0
	((passed += p, failed += f, skipped += s))
done
printf '%s' "$list"
echo "$passed passed, $failed failed$( ((!skipped)) || echo ", $skipped skipped")"
((passed && !failed))
