#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The ABI as a 32-bit program sees it: the header is compiled with -m32 (no 32-bit library
# is needed for that) and checked against abi-layout.h.  If this fails, 32-bit programs
# need a translation in the module.

top=$(cd "$(dirname "$0")/../.." && pwd)
cc=${CC:-cc}
errors=$(mktemp) || exit 1
trap 'rm -f "$errors"' EXIT

compile()
{
	$cc "$@" -ffreestanding -fsyntax-only -Wall -Werror \
		-isystem "/usr/include/$(uname -m)-linux-gnu" \
		-I"$top/kmod/uapi" -I"$top/tests/unit" -x c - 2>"$errors"
}

echo "TAP version 13"
echo "1..1"

if ! echo '#include <linux/types.h>' | compile -m32; then
	echo "ok 1 - layout_for_32_bits # SKIP $cc cannot compile for 32 bits"
	exit 77
fi

if compile -m32 <<'EOF'
#include <linux/ipcx.h>
#include "abi-layout.h"

_Static_assert(sizeof(void *) == 4, "this is not a 32-bit program");
#define SIZE(s, bytes) _Static_assert(sizeof(struct s) == bytes, #s);
#define FIELD(s, member, offset, bytes) \
	_Static_assert(__builtin_offsetof(struct s, member) == offset, #s "." #member); \
	_Static_assert(sizeof(((struct s *)0)->member) == bytes, #s "." #member);
ABI_STRUCTURES(SIZE, FIELD)
#define COMMAND(name, s, number) _Static_assert(name == number, #name);
ABI_COMMANDS(COMMAND)
#define CONSTANT(name, value) _Static_assert(name == value, #name);
ABI_CONSTANTS(CONSTANT)
EOF
then
	echo "ok 1 - layout_for_32_bits"
else
	sed 's/^/# /' "$errors"
	echo "not ok 1 - layout_for_32_bits"
	exit 1
fi
