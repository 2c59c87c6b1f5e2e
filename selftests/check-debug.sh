#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What "make check-debug" does when all is built: the parts below, each in a
# guest of its own on the debug kernel, two at a time. PARTS="kunit" takes some,
# TESTS="vmo vmar" some test programs (ARGS: their arguments), FUZZ_SECS is how
# long the fuzzer runs and SEED with which seed. The first warning of the kernel
# ends the guest.

cd "$(dirname "$0")/.." || exit
export KERNEL=${KERNEL:-debug} ARGS PARTS TESTS VMFLAGS
dir=build/check-$KERNEL
# KASAN keeps every stack that it has seen, in pages that belong to nobody.
guest="--timeout 1800 --stray 4096 --append panic_on_warn=1 --append page_poison=1 $VMFLAGS"

# In the order in which they begin. To add a part, name it here and write
# part_NAME, which prints what summary.awk reads; $1 is the file for the log.
parts=(selftests_1 selftests_2 kunit fuzz)

# The test programs are for two guests: the first one's, and all others.
first=" races behind vmar_model pgtables library memcg "

part_selftests_1() { kselftests true "$1"; }
part_selftests_2() { kselftests false "$1"; }

kselftests()
{
	local source name is_first mine=
	for source in selftests/test_*.c; do
		name=${source#selftests/test_} name=${name%.c}
		[[ ! $TESTS || " $TESTS " == *" $name "* ]] || continue
		[[ $first == *" $name "* ]] && is_first=true || is_first=false
		[[ $is_first != "$1" ]] || mine+=" $name"
	done
	if [[ $mine ]]; then
		TESTS=$mine VMFLAGS="$guest --append kunit.enable=0 --log $2" selftests/run-in-guest.sh
	else
		echo "# guest ended: status 0"	# there was nothing to do
	fi
}

part_kunit()
{
	local status
	# shellcheck disable=SC2086  # words
	tools/kunit $guest --log "$1" >"$dir/kunit.ktap"
	status=$?
	# A suite is to summary.awk what a test program is.
	awk '/^    # Subtest: / { print "# begin " $3 }
	     /^    / { print substr($0, 5) }
	     /^(not )?ok / { print "# end " $NF ": status " ($1 == "not") }' "$dir/kunit.ktap"
	echo "# guest ended: status $status"
}

# The fuzzer goes many ways.
part_fuzz()
{
	local secs=${FUZZ_SECS:-300} status
	echo "# begin zvm-fuzz"
	# shellcheck disable=SC2086  # words
	tools/vm $guest --timeout $((secs * 2 + 600)) --append kunit.enable=0 --reserve --stray 8192 \
		--log "$1" \
		--file build/selftests/zvm-fuzz -- ./zvm-fuzz ${SEED:+--seed "$SEED"} "$secs"
	status=$?
	# If the guest has died, this is the program that was under way.
	((status < 97)) || grep -ao 'zvm-fuzz: program.*' "$1" | tail -n 1
	echo "# end zvm-fuzz: status $status"
	echo "# guest ended: status $((status > 1 ? status : 0))"
}

# One part: a line for each program that has ended, then what it came to.
if [[ $1 == --part ]]; then
	name=$2 start=$SECONDS
	echo "==> $name: begins"
	"part_$name" "$dir/$name.log" 2>&1 | tee "$dir/$name.tap" |
		awk -v part="$name" '/^# end / { print "    " part ": " $3, $4, $5; fflush() }'
	sum=$(awk -f selftests/summary.awk "$dir/$name.tap") ||
		grep -vE '^(ok |# +(RUN|OK) )' "$dir/$name.tap"
	echo "==> $name: $(tail -n 1 <<<"$sum") ($((SECONDS - start)) s)"
	exit
fi

[[ ! $PARTS ]] || read -ra parts <<<"$PARTS"
rm -rf "$dir" && mkdir -p "$dir" || exit
echo "==> debug kernel: ${parts[*]} (results and kernel logs: $dir)"
printf '%s\n' "${parts[@]}" | xargs -P 2 -n 1 "$0" --part
for name in "${parts[@]}"; do
	grep -q '^# guest ended' "$dir/$name.tap" || echo "# guest ended: status 99" >>"$dir/$name.tap"
done
exec awk -f selftests/summary.awk "$dir"/*.tap
