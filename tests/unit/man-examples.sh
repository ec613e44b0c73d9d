#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The programs in the manual pages compile as printed, and run where /dev/ipcx is.  If
# this fails, the first thing that a newcomer tries does not work.

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${IPCX_BUILD:-$top/build}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0

# Write the programs of the EXAMPLES section of page $1 to $2-1.c, $2-2.c, ...: each is
# one .EX block with a main().
extract()
{
	awk -v out="$2" '
		function plain(line) {
			gsub(/\\\(aq/, "\047", line)
			gsub(/\\\(dq/, "\"", line)
			gsub(/\\-/, "-", line)
			gsub(/\\&/, "", line)
			gsub(/\\e/, "\\", line)
			return line
		}
		/^\.SH / { examples = $2 == "EXAMPLES" }
		/^\.EE/ {
			if (examples && text ~ /int main\(/) {
				file = out "-" ++nr ".c"
				printf "%s", text >file
				close(file)
			}
			inside = 0
		}
		inside { text = text plain($0) "\n" }
		/^\.EX/ { inside = 1; text = "" }
	' "$1"
}

for page in "$top"/ulib/man/*.[1-9]; do
	grep -q '^\.so ' "$page" || extract "$page" "$tmp/$(basename "$page" | tr . -)"
done

pages=$(grep -lE '^\.SH EXAMPLES' "$top"/ulib/man/*.[1-9] | wc -l)
set -- "$tmp"/*.c
echo "TAP version 13"
echo "1..$(($# + 1))"
if [ "$pages" -ge 6 ] && [ $# -ge "$pages" ]; then
	echo "ok 1 - every_page_has_an_example"
else
	echo "# $# programs in the EXAMPLES of $pages pages"
	echo "not ok 1 - every_page_has_an_example"
	failed=1
fi

nr=1
for source; do
	name=$(basename "$source" .c)
	nr=$((nr + 1))
	if ! ${CC:-cc} -std=gnu11 -Wall -Wextra -Werror -O2 \
			-I"$top/ulib/include" -I"$top/kmod/uapi" \
			-o "$tmp/$name" "$source" "$build/libipcx.a" \
			$(grep -qs '<ipcx-uring.h>' "$source" && echo -luring) >"$tmp/why" 2>&1; then
		sed 's/^/# /' "$tmp/why"
		echo "not ok $nr - $name"
		failed=1
		continue
	fi
	status=0
	if [ -e /dev/ipcx ]; then
		timeout 20 "$tmp/$name" >"$tmp/why" 2>&1 || status=$?
		# the example of two programs is one program with two roles
		if [ $status = 0 ] && grep -q 'argv\[1\]' "$source"; then
			timeout 20 "$tmp/$name" r >>"$tmp/why" 2>&1 || status=$?
		fi
		sed 's/^/# /' "$tmp/why"
	fi
	if [ $status = 0 ]; then
		echo "ok $nr - $name"
	else
		echo "# exit status $status"
		echo "not ok $nr - $name"
		failed=1
	fi
done
exit $failed
