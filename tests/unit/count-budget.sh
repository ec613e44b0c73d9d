#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 500
# If this fails, an operation has become more expensive than tests/perf/budgets.txt allows, or nobody would be told.
. "$(dirname "$0")/../lib/cmd-test.sh"
top=$(dirname "$0")/../..
budget=$top/tests/perf/budget
command -v python3 > /dev/null || skip_all "python3 is not installed"
command -v qemu-system-x86_64 > /dev/null || skip_all "there is no QEMU to count in"

cat > "$T/budgets" << END
# a remark
kernel 6.1.0
send_recv a 64 1 1000
roundtrip b 0 1 5000
END
row() {
	echo "{\"case\": \"$1\", \"mechanism\": \"$2\", \"size\": $3, \"n\": 1, \"instructions\": $4, \"kernel\": \"$5\"}"
}
rows() {
	echo "[$(row send_recv a 64 "$1" "$3"), $(row roundtrip b 0 "$2" "$3")]" > "$T/rows"
}
rows 1030 5000 6.1.0
works "as much as is allowed" "$budget" check "$T/budgets" "$T/rows"
is "$(cat "$T/out")" "" "is nothing to talk about"
rows 1031 5000 6.1.0
"$budget" check "$T/budgets" "$T/rows" > "$T/got"
is "$?" 1 "one more fails"
is "$(cat "$T/got")" "send_recv a 64 1: 1031 instructions, the budget is 1000 (6.1.0)" "it says what, and how much"
rows 1031 5000 6.1.1
works "another kernel may differ" "$budget" check "$T/budgets" "$T/rows"
rows 1101 5000 6.1.1
"$budget" check "$T/budgets" "$T/rows" > "$T/got"
is "$?" 1 "but not by as much as that"
rows 900 5000 6.1.0
works "less is well" "$budget" check "$T/budgets" "$T/rows"
has "$(cat "$T/out")" "lower it" "and should be kept"
echo "[$(row send_recv a 64 1000 6.1.0)]" > "$T/rows"
"$budget" check "$T/budgets" "$T/rows" > "$T/got"
is "$?" 1 "what was not counted fails"
has "$(cat "$T/got")" "roundtrip b 0 1: not counted" "it says so"
rows 900 5100 6.1.2
works "renew" "$budget" renew "$T/budgets" "$T/rows"
is "$(cat "$T/budgets")" "# a remark
kernel 6.1.2
roundtrip b 0 1 5100
send_recv a 64 1 900" "writes what was counted"

# A machine that is disturbed may count a process switch more: twice is no accident.
counted() {
	"$top/tests/perf/count" check > "$T/counted" 2>&1 || "$top/tests/perf/count" check > "$T/counted" 2>&1
}
counted
passed $? "every operation is within its budget" < "$T/counted"
sed 's/^/# /' "$T/counted"
finish
