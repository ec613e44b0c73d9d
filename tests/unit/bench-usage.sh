#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# If this fails, `ipcx bench` does not explain itself, or takes a wrong command line for a right one.
. "$(dirname "$0")/../lib/cmd-test.sh"

[ -x "$IPCX" ] || skip_all "there is no ipcx"

works "bench --help" ipcx bench --help
for option in --case --mechanism --size --sweep --steps --placement --seconds --rounds --rate --quick --brief --floor --count --memory --json --markdown --svg --list; do
	has "$(cat "$T/out")" "$option" "its help names $option"
done
works "bench --list" ipcx bench --list
cp "$T/out" "$T/list"
for name in pipe fifo posix_mq sysv_msg unix_stream unix_dgram unix_seqpacket tcp signal eventfd futex sem_t pthread_cond signalfd \
	    tee poll poll_eventfd select epoll epoll_edge epoll_eventfd futex_waitv pidfd_getfd zeromq nng ck_ring posix_mq_prio sysv_msg_type ipcx_queue_prio ipcx_queue_type \
	    sysv_sem posix_shm sysv_shm process_vm memfd io_uring ipcx_queue ipcx_queue_rw ipcx_region ipcx_sem \
	    ipcx_event; do
	has "$(cat "$T/list")" "  $name " "its list names $name"
done
for name in floor send_recv roundtrip stream batch broadcast post_wait handover wait_any pass_fd open_loop depth processes objects; do
	has "$(cat "$T/list")" "  $name " "its list names $name"
done

fails 2 "an unknown option" ipcx bench --nonsense
fails 2 "an argument" ipcx bench pipe
fails 2 "an unknown case" ipcx bench --case send_recv,nonsense
fails 2 "an empty list of cases" ipcx bench --case ""
fails 2 "an unknown mechanism" ipcx bench --mechanism pipe,pipes
fails 2 "an unknown placement" ipcx bench --placement three_cpus
fails 2 "an unknown placement behind a known one" ipcx bench --count --case post_wait --mechanism pipe --placement one_cpu,three_cpus
fails 2 "a payload too small for the check" ipcx bench --size 7
fails 2 "a payload too large" ipcx bench --size 64,17M
fails 2 "a size that is none" ipcx bench --size 64,many
fails 2 "no time at all" ipcx bench --seconds 0
fails 2 "a time that is none" ipcx bench --seconds soon
fails 2 "no rounds" ipcx bench --rounds 0
fails 2 "a step that is none" ipcx bench --steps 1,many
fails 2 "a step too many" ipcx bench --steps 100001
fails 2 "counting processes" ipcx bench --count --case processes
fails 1 "no object at all" ipcx bench --case objects --steps 0
fails 2 "no message a second" ipcx bench --rate 0
fails 2 "a rate that is none" ipcx bench --rate often
fails 2 "counting the open loop" ipcx bench --count --case open_loop
fails 2 "counting a stream" ipcx bench --count --case stream
fails 2 "counting on two processors" ipcx bench --count --placement two_cpus
fails 1 "a mechanism that does not know the case" ipcx bench --case post_wait --mechanism pipe

# What writes README.md keeps what is not its own.
{
	printf 'before\n%s\nold\n%s\nafter\n' '<!-- make readme: from here ... -->' '<!-- ... to here -->'
} > "$T/readme"
echo "| new |" > "$T/tables"
if [ -x "$ROOT/tools/ipcx/bench/readme" ]; then
	works "new tables" "$ROOT/tools/ipcx/bench/readme" "$T/readme" "$T/tables"
	is "$(tr '\n' ' ' < "$T/readme")" \
		"before <!-- make readme: from here ... -->  | new |  <!-- ... to here --> after " "stand between the marks"
	echo "no mark" > "$T/readme"
	fails 1 "a file without marks" "$ROOT/tools/ipcx/bench/readme" "$T/readme" "$T/tables"
	is "$(cat "$T/readme")" "no mark" "is left alone"
fi

if ! ipcx bench --count --case floor --mechanism syscall > /dev/null 2> "$T/err"; then
	has "$(cat "$T/err")" "make count" "without a counting machine, --count says where there is one"
fi
finish
