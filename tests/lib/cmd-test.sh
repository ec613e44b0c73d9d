# SPDX-License-Identifier: GPL-2.0
# For tests of the command, to be sourced: TAP, with every command bounded.  Each test has a
# directory $T of its own and names that begin with $N; both are removed at the end.  IPCX may say
# which ipcx is tested.
#
#	need_device
#	is "$(ipcx ls)" "$N.queue" "a new queue is listed"
#	fails 1 "a second queue of that name" ipcx create queue -x "$N.queue"
#	finish

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
BUILD=${IPCX_BUILD:-$ROOT/build}
[ "$IPCX" ] || { [ -x "$BUILD/ipcx" ] && IPCX=$BUILD/ipcx; } || IPCX=$(command -v ipcx)
LIMIT=$((20 * ${IPCX_TEST_SLOW:-1}))
N=t$$
nr=0
nr_failed=0
T=$(mktemp -d) || exit 1
trap 'clean_up' EXIT
trap 'exit 1' HUP INT TERM
umask 022

ipcx() {
	timeout "$LIMIT" "$IPCX" "$@"
}

clean_up() {
	if [ -e /dev/ipcx ]; then
		ipcx ls | grep "^$N" | while read -r name; do
			ipcx rm "$name"
		done
	fi
	rm -rf "$T"
}

skip_all() {
	echo "1..0 # SKIP $*"
	exit 77
}

need_device() {
	[ -x "$IPCX" ] || skip_all "there is no ipcx"
	[ -e /dev/ipcx ] || skip_all "the module is not loaded"
}

# passed STATUS DESCRIPTION: report a case; what is on stdin explains a failure.
passed() {
	nr=$((nr + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $nr - $2"
		return 0
	fi
	nr_failed=$((nr_failed + 1))
	echo "not ok $nr - $2"
	sed 's/^/# /'
	return 1
}

# is GOT WANTED DESCRIPTION
is() {
	[ "$1" = "$2" ]
	passed $? "$3" <<-END
		wanted: $2
		got:    $1
	END
}

# has TEXT PART DESCRIPTION
has() {
	case $1 in
	*"$2"*)	passed 0 "$3" < /dev/null ;;
	*)	passed 1 "$3" <<-END
			wanted a text with: $2
			got:                $1
		END
		;;
	esac
}

# works DESCRIPTION COMMAND...: it exits with 0.  Its output is in $T/out and $T/err.
works() {
	fails 0 "$@"
}

# fails STATUS DESCRIPTION COMMAND...: it exits with STATUS; if that is not 0 it says why, and on
# stderr only.
fails() {
	wanted=$1
	description=$2
	shift 2
	"$@" > "$T/out" 2> "$T/err" < "${INPUT:-/dev/null}"
	got=$?
	if [ "$got" -ne "$wanted" ]; then
		why="exit status $got instead of $wanted"
	elif [ "$wanted" -ne 0 ] && [ -s "$T/out" ]; then
		why="a failure, but there is output"
	elif [ "$wanted" -ne 0 ] && ! [ -s "$T/err" ]; then
		why="a failure without a message"
	else
		passed 0 "$description" < /dev/null
		return
	fi
	passed 1 "$description" <<-END
		$*: $why
		stdout: $(head -c 500 "$T/out" | tr -d '\000')
		stderr: $(head -c 500 "$T/err" | tr -d '\000')
	END
}

# same FILE FILE DESCRIPTION: byte for byte.
same() {
	cmp "$1" "$2" > "$T/cmp" 2>&1
	passed $? "$3" < "$T/cmp"
}

# soon COMMAND...: wait until it succeeds, for a bounded time.
soon() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ "$tries" -lt 400 ] || return 1
		sleep 0.05
	done
}

# as_other ARGUMENT...: ipcx, run by the user nobody.
as_other() {
	if setpriv --reuid=65534 --regid=65534 --clear-groups true 2> /dev/null; then
		timeout "$LIMIT" setpriv --reuid=65534 --regid=65534 --clear-groups "$IPCX" "$@"
	else
		timeout "$LIMIT" su nobody -s /bin/sh -c "'$IPCX' $*"
	fi
}

# field NAME KEY: a number or a word out of `ipcx stat --json`.
field() {
	ipcx stat "$1" --json | sed -n "s/.*\"$2\": \"\{0,1\}\([^\",}]*\).*/\1/p"
}

field_is() {
	[ "$(field "$1" "$2")" = "$3" ]
}

finish() {
	echo "1..$nr"
	[ "$nr_failed" -eq 0 ]
	exit
}
