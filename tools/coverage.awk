# SPDX-License-Identifier: MIT OR GPL-2.0
# The report of tools/coverage. Input: selftests/uncovered.txt, then what gcov -t
# prints. Variables: prefix of the sources' names, report (file to write), partial
# (not all tests ran), failed (a test did).

FNR == 1 { input++ }

# A line that no test reaches is known by file, function and text; "?" before it
# says that some runs do reach it.
input == 1 && /^\??[a-z_\/]+\.[ch] / {
	sometimes = sub(/^\?/, "")
	listed[$0]++
	if (sometimes)
		maybe[$0] = 1
	next
}
input == 1 { next }

/^ *-: *0:Source:/ {
	file = substr($0, index($0, "Source:") + 7)
	if (index(file, prefix) == 1)
		file = substr(file, length(prefix) + 1)
	else
		file = ""
	if (file ~ /kunit/)
		file = ""
	func = "-"
	next
}
file && /^ *[^:]+: *[0-9]+:/ {
	split($0, field, ":")
	count = field[1]
	line = field[2] + 0
	text = substr($0, length(field[1]) + length(field[2]) + 3)
	if (text ~ /^[a-z].*\(/) {
		func = text
		sub(/\(.*/, "", func)
		sub(/.*[ *]/, "", func)
	}
	if (count ~ /-$/ || !line)
		next
	at = file SUBSEP line
	if (!(at in state)) {
		files[file] = 1
		last[file] = last[file] > line ? last[file] : line
		gsub(/^[ \t]+|[ \t]+$/, "", text)
		key[at] = file " " func ": " text
		state[at] = "no"
	}
	# A function of a header is there once for every file that uses it.
	if (count ~ /[0-9]/)
		state[at] = "yes"
}

function percent(some, all)
{
	return sprintf("%5.1f %%", int(some * 1000 / all) / 10)
}

END {
	if (!length(files)) {
		print "no counters came out of the guest"
		exit 1
	}
	n = 0
	for (file in files)
		names[++n] = file
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && names[j] < names[j - 1]; j--) {
			swap = names[j]
			names[j] = names[j - 1]
			names[j - 1] = swap
		}

	printf "%-28s %6s %8s\n", "file", "lines", "covered" >report
	for (i = 1; i <= n; i++) {
		file = names[i]
		lines = ran = 0
		for (line = 1; line <= last[file]; line++) {
			at = file SUBSEP line
			if (!(at in state))
				continue
			lines++
			if (state[at] == "yes") {
				ran++
				continue
			}
			known = listed[key[at]] > met[key[at]]
			met[key[at]]++
			where[++missed] = file ":" line
			what[missed] = substr(key[at], length(file) + 2)
			new[missed] = !known
		}
		printf "%-28s %6d %8d  %s\n", file, lines, ran, percent(ran, lines) >report
		all += lines
		covered += ran
	}
	printf "%-28s %6d %8d  %s\n", "total", all, covered, percent(covered, all) >report

	print "\nlines that did not run (* not in selftests/uncovered.txt):" >report
	for (i = 1; i <= missed; i++) {
		printf "%s %s %s\n", new[i] ? "*" : " ", where[i], what[i] >report
		unlisted += new[i]
	}
	if (!partial)
		for (entry in listed)
			if (listed[entry] > met[entry] && !(entry in maybe)) {
				if (!stale++)
					print "\nlisted in selftests/uncovered.txt, but covered or gone:" >report
				print "  " entry >report
			}
	close(report)
	while ((getline text <report) > 0)
		print text

	bad = partial ? failed : failed || unlisted || stale || covered * 10 < all * 9
	printf "\ncoverage: %s of lines (%d of %d), %d unlisted, %d list entries out of date%s\n",
		percent(covered, all), covered, all, unlisted, stale, failed ? "; tests failed" : ""
	exit bad
}
