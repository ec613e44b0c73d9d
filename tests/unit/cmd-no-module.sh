#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# If this fails, someone who has not loaded the module is not told so; or values that are right are
# refused: a command line that is accepted gets as far as the missing device: status 1 and not 2.
. "$(dirname "$0")/../lib/cmd-test.sh"
[ -x "$IPCX" ] || skip_all "there is no ipcx"
[ ! -e /dev/ipcx ] || skip_all "the module is loaded"

# accepted WORDS...
accepted() {
	fails 1 "ipcx $*" ipcx "$@"
	has "$(cat "$T/err")" "module is not loaded" "it says what is missing"
	has "$(cat "$T/err")" "make vm" "and what to do"
}

accepted create queue a --max-msgs 4294967295 --max-bytes 1G --max-msg 64KiB --mode 600 --exclusive
accepted create region a --size 1T
accepted create region a -s 4096
accepted create sem a --initial 1 --max 2147483647 --robust
accepted create event a --manual --set
accepted ls
accepted ls -l --json
accepted stat
accepted stat a --json
accepted shutdown a --now
accepted rm a b
accepted rm --all
accepted rm --force a
accepted send a m --type 4294967295 --priority 32767
accepted send a --timeout 1.5s -- --message
accepted send a --timeout 0 --create m
accepted send a --raw=64K --eof
accepted recv a -n 3 --type 1 --timeout 100ms --raw
accepted recv a --follow --json
accepted recv a --all --up-to 0x10 --verbose
accepted peek a --nowait --except 2
accepted purge a
accepted post a 2
accepted wait a 2 --timeout 2m -- true --option
accepted set a
accepted reset a
accepted pulse a
accepted map a --read --offset 4K --length 1
accepted demo
finish
