#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The manual pages: they format without a warning, refer only to pages that exist, and
# name every command and every error of the ABI.  If this fails, a reader is sent nowhere
# or not told of an error.

top=$(cd "$(dirname "$0")/../.." && pwd)
uapi="$top/kmod/uapi/linux/ipcx.h $top/kmod/uapi/linux/ipcx_queue.h"
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
nr=0
failed=0

result()
{
	nr=$((nr + 1))
	if [ "$1" = 0 ]; then
		echo "ok $nr - $2"
	else
		sed 's/^/# /' "$tmp/why"
		echo "not ok $nr - $2"
		failed=1
	fi
}

pages=$(grep -L '^\.so ' "$top"/ulib/man/*.[1-9] "$top"/tools/man/*.[1-9] 2>/dev/null)

echo "TAP version 13"
echo "1..4"

if command -v groff >/dev/null && command -v tbl >/dev/null; then
	for page in $pages; do
		for width in 72 80 100; do
			groff -t -man -ww -rLL=${width}n -Tutf8 -z "$page" 2>&1
		done
	done >"$tmp/why"
	[ ! -s "$tmp/why" ]
	result $? pages_format_without_a_warning
else
	nr=1
	echo "ok 1 - pages_format_without_a_warning # SKIP there is no groff"
fi

# .so targets and references to pages of ours
{
	for alias in "$top"/ulib/man/*.[1-9]; do
		target=$(sed -n 's/^\.so man[1-9]\///p' "$alias")
		[ "$target" ] || continue
		[ -f "$top/ulib/man/$target" ] || echo "$alias: there is no $target"
	done
	for page in $pages; do
		sed -n 's/^\.BR \(ipcx[a-z_]*\) (\([1-9]\)).*/\1.\2/p' "$page" | sort -u |
			while read -r target; do
				[ -f "$top/ulib/man/$target" ] || [ -f "$top/tools/man/$target" ] ||
					echo "$page: there is no $target"
			done
	done
} >"$tmp/why"
[ ! -s "$tmp/why" ]
result $? references_lead_to_pages

# missing PAGE WORD...: the words that do not occur in the page
missing()
{
	page=$1
	shift
	sed 's/\\f[BIPR]//g' "$page" >"$tmp/page"
	for word; do
		grep -qw "$word" "$tmp/page" || echo "$page does not mention $word"
	done
}

# shellcheck disable=SC2046
missing "$top/ulib/man/ipcx.4" \
	$(sed -n 's/^#define \(IPCX_[A-Z_]*\)[[:space:]]*_IOWR(.*/\1/p' $uapi) \
	$(sed -n 's/^struct \(ipcx_[a-z_]*\) {/\1/p' $uapi |
	  grep -vxE 'ipcx_(create|list_entry|msg|select)') >"$tmp/why"
[ ! -s "$tmp/why" ]
result $? the_device_page_names_every_command_and_structure

# shellcheck disable=SC2046
missing "$top/ulib/man/ipcx.4" \
	$(sed -n '/^ \* Errors/,/^ \*\/$/s/^ \*	\(E[A-Z0-9, ]*\).*/\1/p' $uapi |
	tr ',' ' ') >"$tmp/why"
[ ! -s "$tmp/why" ]
result $? the_device_page_names_every_error

exit $failed
