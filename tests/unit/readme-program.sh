#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# If this fails, the first program that a newcomer types does not compile as README.md prints it.
# It stays as build/hello, which tests/sys/readme-program.sh runs where the module is.
. "$(dirname "$0")/../lib/cmd-test.sh"
[ -f "$ROOT/build/libipcx.a" ] || skip_all "the library has not been built"
cd "$ROOT" || exit 1

awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' README.md > build/hello.c
is "$(wc -l < build/hello.c)" 20 "it has 20 lines"
compile=$(sed -n 's/^    \(cc .*build\/hello\.c.*\)$/\1/p' README.md)
has "$compile" "-o build/hello" "the README tells how to compile it"
works "it compiles as the README tells" timeout 60 sh -c "$compile"
is "$(cat "$T/err")" "" "without a warning"
finish
