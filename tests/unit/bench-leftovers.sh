#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 180
# If this fails, a comparison that ends early leaves processes, System V objects, names or files behind.
. "$(dirname "$0")/../lib/cmd-test.sh"

[ -x "$IPCX" ] || skip_all "there is no ipcx"
cp "$IPCX" "$T/ipcx" && chmod 755 "$T" "$T/ipcx"

# What exists outside of processes; an ordinary user's bench has no IPC namespace of its own to hide it in.
state() {
	ls /dev/shm
	ls -d /tmp/ipcx-bench* 2> /dev/null
	cat /proc/sysvipc/msg /proc/sysvipc/sem /proc/sysvipc/shm 2> /dev/null | awk '{ print $1, $2 }'
}

# A duration that no other bench has is the mark by which its processes are found; what lasts are many rounds and rows, since a
# round ends with its samples.
MARK=1234.$$
running() {
	# The brackets keep grep from finding itself.
	grep -l "[1]${MARK#1}" /proc/[0-9]*/cmdline 2> /dev/null | wc -l
}
is_running() {
	[ "$(running)" -ge "$1" ]
}
is_gone() {
	[ "$(running)" -eq 0 ]
}

if [ "$(id -u)" -eq 0 ] && command -v setpriv > /dev/null; then
	as_user="setpriv --reuid=65534 --regid=65534 --clear-groups"
else
	as_user=
fi

state > "$T/before"
for mechanism in sysv_msg sysv_shm posix_mq posix_shm fifo io_uring; do
	for signal in INT TERM KILL; do
		# In the background, sh has SIGINT ignored: env gives it back.
		$as_user env --default-signal=INT "$T/ipcx" bench -m "$mechanism" -c roundtrip -s 64,65,66,67,68,69,70,71 -r 1000 \
			-p one_cpu -t "$MARK" > "$T/out" 2>&1 &
		pid=$!
		soon is_running 3
		passed $? "$mechanism runs" < "$T/out"
		kill -s "$signal" "$pid"
		wait "$pid" 2> /dev/null
		status=$?
		soon is_gone
		passed $? "no process is left of $mechanism after SIG$signal" < "$T/out"
		[ "$signal" = KILL ] || is "$status" 130 "its exit status after SIG$signal"
	done
done
state > "$T/after"
same "$T/before" "$T/after" "everything is as it was"

# Whole runs, to the end.
works "a run to its end" $as_user "$T/ipcx" bench -t 0.002 -r 1 -s 64
state > "$T/after"
same "$T/before" "$T/after" "everything is as it was"
finish
