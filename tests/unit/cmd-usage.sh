#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# If this fails, a mistake on the command line does something, or is not told from a failure (status
# 2, not 1): help, options and values of every subcommand.  Needs no module, and uses none.
. "$(dirname "$0")/../lib/cmd-test.sh"
[ -x "$IPCX" ] || skip_all "there is no ipcx"

commands="create ls stat shutdown notify rm send recv peek watch purge post wait set reset pulse map demo bench top trace"
works "--help" ipcx --help
cp "$T/out" "$T/help"
works "help" ipcx help
works "--version" ipcx --version
for command in $commands; do
	has "$(cat "$T/help")" "  $command " "--help tells of $command"
	works "$command --help" ipcx "$command" --help
	has "$(cat "$T/out")" "Usage: ipcx $command" "it begins with the usage"
	is "$(awk 'length > 100' "$T/out")" "" "its lines are not too long"
	works "help $command" ipcx help "$command"
	fails 2 "$command with an unknown option" ipcx "$command" --no-such-option
	has "$(cat "$T/err")" "ipcx $command: " "the message says who complains"
done
fails 2 "no command" ipcx
fails 2 "an unknown command" ipcx no-such-command
fails 2 "help of an unknown command" ipcx help no-such-command

# usage WORDS...: a command line that is wrong in exactly one thing.
usage() {
	fails 2 "ipcx $*" ipcx "$@"
}

usage watch
usage watch a b
usage watch a --follow
usage watch a --count 0
usage top one
usage top --delay 1ms
usage top --count 0
usage top --sort nothing
usage trace
usage trace --pid 0
usage trace --pid 1 true
usage trace --all 1 --pid 1
usage trace --all no-time
usage trace --mech no-such-mechanism true
usage trace --mech "" true
usage trace --buffer 1 true
usage trace --objects many true
usage trace --timeline=0 true
usage create
usage create queue
usage create queue a b
usage create pipe a
usage create queue a --size 4K
usage create sem a --max-msgs 3
usage create region a
usage create region a --size 0
usage create queue a --max-msgs 0
usage create queue a --max-msgs 4294967296
usage create queue a --max-bytes 1Q
usage create queue a --max-bytes -1
usage create queue a --max-bytes 16KK
usage create queue a --max-bytes 99999999T
usage create queue a --mode 0800
usage create queue a --mode 1777
usage create sem a --initial 2 --max 1
usage create sem a --max 0
usage create sem a --manual
usage create sem a --broadcast
usage create queue a --broadcast --latest
usage create queue a --overflow drop
usage create queue a --broadcast --overflow later
usage create event a --initial 1
usage create event a --robust
usage create sem a --max 2147483648
usage ls a
usage stat a b
usage shutdown
usage notify
usage notify a b
usage notify a --signal USR1
usage notify a --pid 1
usage notify a --pid 0 --signal USR1
usage notify a --pid 1 --signal USR9
usage notify a --pid 1 --signal 65
usage notify a --pid 1 --signal RTMIN+99
usage notify a --pid 1 --signal RTMAX+1
usage notify a --value 1
usage notify a --pid 1 --signal USR1 --value x
usage notify a --count 0
usage notify a --count 1 --follow
usage notify a --timeout soon
usage rm
usage rm --all a
usage send
usage send a --type 0 m
usage send a --type 4294967296 m
usage send a --priority 32768 m
usage send a --priority ' 1' m
usage send a --raw m
usage send a --raw=0
usage send a --timeout soon m
usage send a --timeout -1s m
usage send a --timeout 1.s m
usage send a --fd
usage send a --fd x
usage send a --fd 1,
usage send a --fd -1
usage send a --fd 1 --raw
usage send a --fd 1 two messages
usage send a --fd 0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0
usage recv a --fds
usage recv a --fds --all -- true
usage recv a --fds --json -- true
usage recv a --fds -n 2 -- true
usage recv
usage recv a b
usage recv a -n 0
usage recv a -n 1 --all
usage recv a --follow --all
usage recv a --type 1 --except 2
usage recv a --raw --json
usage recv a --timeout 1x
usage peek a --all
usage purge
usage purge a --type x
usage post
usage post a 0
usage post a 1 2
usage wait a x
usage wait a --
usage wait --any
usage wait --any --all a b
usage wait --all a b -- true
usage wait -- true
usage set
usage set a b
usage reset
usage reset a b
usage pulse
usage pulse a b
usage map
usage map a --read --write
usage map a --offset x
usage demo a
finish
