#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# If this fails, a subcommand or option exists that the manual page or the completion does not know.
. "$(dirname "$0")/../lib/cmd-test.sh"
[ -x "$IPCX" ] || skip_all "there is no ipcx"

sed 's/\\-/-/g; s/\\f[BIRP]//g' "$ROOT/tools/man/ipcx.1" > "$T/page"
completion=$(cat "$ROOT/tools/ipcx/completion.bash")
commands=$(ipcx --help | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p')
[ "$commands" ]
passed $? "there are subcommands" < /dev/null
for command in $commands; do
	sed -n "/^\.SS ipcx $command\$/,/^\.S[SH] /p" "$T/page" > "$T/section"
	[ -s "$T/section" ]
	passed $? "ipcx.1 has a section for $command" < /dev/null
	echo "$completion" | grep -q -w -e "$command"
	passed $? "the completion knows $command" < /dev/null
	cp "$T/section" "$T/where"
	# peek takes its options from recv, and the page says so
	[ "$command" != peek ] || sed -n '/^\.SS ipcx recv$/,/^\.SS /p' "$T/page" >> "$T/where"
	for option in $(ipcx "$command" --help | grep -o -e '--[a-z][-a-z]*' | sort -u); do
		[ "$option" != --help ] || continue
		grep -q -e "$option" "$T/where"
		passed $? "ipcx.1 knows $command $option" < /dev/null
		has "$completion" "${option#-}" "the completion knows $option"
	done
done
if command -v bash > /dev/null; then
	works "the completion is valid" bash -n "$ROOT/tools/ipcx/completion.bash"
fi
finish
