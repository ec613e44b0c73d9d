#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The library offers what its header declares: no more, no less, to C and C++, and
# documented.  If this fails, a program does not link, or relies on something that may
# change.

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${IPCX_BUILD:-$top/build}
include="-I$top/ulib/include -I$top/kmod/uapi"
headers="$top/ulib/include/ipcx.h $top/ulib/include/ipcx-ring.h"
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
nr=0
failed=0

# result STATUS NAME: one line of TAP, after what the check has written to $tmp/why
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
	: >"$tmp/why"
}

skip()
{
	nr=$((nr + 1))
	echo "ok $nr - $1 # SKIP $2"
}

same()
{
	diff "$1" "$2" >"$tmp/why"
}

echo "TAP version 13"
echo "1..8"
: >"$tmp/why"

# shellcheck disable=SC2086
sed -n 's/^[a-z][a-z0-9_ ]* \(ipcx_[a-z_]*\)(.*/\1/p' $headers |
	grep -vxE 'ipcx_msg|ipcx_notify_value|ipcx_wait_entry' | sort >"$tmp/declared"
[ "$(wc -l <"$tmp/declared")" -ge 28 ] ||
	echo "only these were found in $headers:" | cat - "$tmp/declared" >"$tmp/why"
[ ! -s "$tmp/why" ]
result $? the_header_declares_functions

# The shared library exports them, versioned.
if nm -D --defined-only "$build/libipcx.so" >"$tmp/nm" 2>"$tmp/why"; then
	awk '$2 == "T" { print $3 }' "$tmp/nm" | sort >"$tmp/exported"
	sed 's/$/@@LIBIPCX_0.1/' "$tmp/declared" >"$tmp/versioned"
	same "$tmp/versioned" "$tmp/exported"
	result $? shared_library_exports_exactly_these
	awk '$2 != "T" && $3 != "LIBIPCX_0.1"' "$tmp/nm" >"$tmp/why"
	[ ! -s "$tmp/why" ]
	result $? shared_library_has_no_public_data
else
	result 1 shared_library_exports_exactly_these
	result 1 shared_library_has_no_public_data
fi

# The static library defines them, and what else it defines has a prefix of its own.
if nm --defined-only "$build/libipcx.a" >"$tmp/nm" 2>"$tmp/why"; then
	awk '$2 ~ /[A-Z]/ && $3 !~ /^ipcx_internal_/ { print $3 }' "$tmp/nm" | sort >"$tmp/exported"
	same "$tmp/declared" "$tmp/exported"
fi
result $? static_library_defines_exactly_these

# The library neither prints nor allocates nor starts threads.
calls='.*printf.*|puts|perror|syslog|malloc|calloc|realloc|free|pthread_create|exit|abort'
nm -u "$build/libipcx.a" 2>&1 | grep -E " ($calls)\$" >"$tmp/why"
[ ! -s "$tmp/why" ]
result $? library_does_not_print_or_allocate

echo '#include <ipcx-ring.h>
#include <ipcx.h>
#include <ipcx-ring.h>
struct ipcx_msg use(void);
struct ipcx_msg use(void) { return ipcx_msg("x", 1); }' >"$tmp/header.c"
# shellcheck disable=SC2086
{
	for std in c99 c11 c17; do
		${CC:-cc} -std=$std -Wall -Wextra -Wpedantic -Wconversion -Werror $include \
			-c -o "$tmp/header.o" "$tmp/header.c" || break
	done
} >"$tmp/why" 2>&1
[ ! -s "$tmp/why" ]
result $? header_compiles_as_c

# As C++ it also links: the declarations have C's names.
if command -v "${CXX:-c++}" >/dev/null; then
	echo '#include <ipcx-ring.h>
	int main(int argc, char **)
	{
		struct ipcx_stat stat;
		struct ipcx_msg msg = ipcx_msg("x", 1);
		struct ipcx_ring ring;
		if (argc == 98)
			return ipcx_ring_attach(&ring, 0, IPCX_RING_SENDER);
		return argc == 99 ? ipcx_stat(0, &stat) + ipcx_queue_send_msg(0, &msg, 0, 0) : 0;
	}' >"$tmp/main.cc"
	# shellcheck disable=SC2086
	{
		for std in c++98 c++11 c++17 c++20; do
			${CXX:-c++} -std=$std -Wall -Wextra -Wpedantic -Wconversion -Werror \
				$include -o "$tmp/main" "$tmp/main.cc" "$build/libipcx.a" || break
		done
	} >"$tmp/why" 2>&1
	[ ! -s "$tmp/why" ]
	result $? header_compiles_and_links_as_cplusplus
else
	skip header_compiles_and_links_as_cplusplus "there is no C++ compiler"
fi

# Each has a page that names it in NAME and SYNOPSIS.
for function in $(cat "$tmp/declared") ipcx_msg; do
	page=$top/ulib/man/$function.3
	if [ ! -f "$page" ]; then
		echo "$function has no page"
		continue
	fi
	target=$(sed -n 's/^\.so man3\///p' "$page")
	page=$top/ulib/man/${target:-$function.3}
	sed -n '/^\.SH NAME/,/^\.SH LIBRARY/p' "$page" | grep -qw "$function" ||
		echo "$function is not in NAME of $page"
	sed -n '/^\.SH SYNOPSIS/,/^\.SH DESC/p' "$page" | grep -q "[ *]$function(" ||
		echo "$function is not in SYNOPSIS of $page"
done >"$tmp/why"
[ ! -s "$tmp/why" ]
result $? every_function_has_a_page

exit $failed
