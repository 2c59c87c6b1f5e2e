#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs test programs of the current folder one by one, between two marks that
# summary.awk reads: run-tests.sh PROGRAM... [-- ARGUMENT...]

programs=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	programs="$programs $1"
	shift
done
[ $# -eq 0 ] || shift

failed=0
for program in $programs; do
	echo "# begin $program"
	timeout -k 5 "${LIMIT:-600}" "./$program" "$@" 2>&1
	status=$?
	echo "# end $program: status $status"
	case $status in 0|4) ;; *) failed=1 ;; esac
done
exit $failed
