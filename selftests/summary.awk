# SPDX-License-Identifier: GPL-2.0
# Counts what run-tests.sh printed and ends with the closing line
# "N passed, N failed[, N skipped]"; status 1 if anything failed or nothing ran.

function fault(text)
{
	failed++
	list = list "# failed: " text "\n"
}

/^# begin / { program = $3; plan = seen = bad = 0 }
/^1\.\.[0-9]+/ { split($1, n, /\.\./); plan = n[2] + 0 }
/^ok [0-9]+/ { seen++; if (/# SKIP/) skipped++; else passed++ }
/^not ok [0-9]+/ { seen++; bad++; name = $0; sub(/^not ok [0-9]+ (- )?/, "", name); fault(program ": " name) }
/^# end / {
	status = $NF
	if (status == 4 && !seen)
		skipped++
	else if (plan > seen)
		fault(program ": ended (status " status ") after " seen " of " plan " tests")
	else if (!seen)
		fault(program ": ran no test (status " status ")")
	else if (status && !bad)
		fault(program ": status " status " although its tests passed")
	program = ""
}
# run-in-guest.sh adds the guest's own status: 1 stands for failed tests, counted above.
/^# guest / {
	if (program)
		fault(program ": did not end")
	if ($NF > 1)
		fault("the guest, see above (tools/vm status " $NF ")")
}

END {
	if (!passed && !failed && !skipped)
		fault("no test ran")
	printf "%s", list
	printf "%d passed, %d failed", passed, failed
	if (skipped)
		printf ", %d skipped", skipped
	print ""
	exit failed > 0
}
