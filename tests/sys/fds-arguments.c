// SPDX-License-Identifier: GPL-2.0
/*
 * Wrong arguments for descriptors in messages: each is refused, with nothing sent, received or leaked.  Were it broken, a
 * program's mistake would lose a message or leave descriptors open.
 */
#include "fds-test.h"

/* ---- what is refused ---- */

TEST(a_bad_one_anywhere)
{
	int q = new_queue(), r = CHECK_SYS(open("/", O_PATH | O_CLOEXEC)), p[2], fds[IPCX_FDS_MAX], i, at;
	static const int bad[] = { -1, 4000, 0x7fffffff, -0x7fffffff - 1 };
	uint64_t before;
	size_t b;

	make_pipe(p);
	for (i = 0; i < IPCX_FDS_MAX; i++)
		fds[i] = p[1];
	CHECK_OK(send_fds(q, 1, fds, IPCX_FDS_MAX));
	CHECK_EQ(ipcx_queue_purge(q, NULL), 1);
	before = charged(q);
	for (b = 0; b <= sizeof(bad) / sizeof(bad[0]); b++) {
		for (at = 0; at < IPCX_FDS_MAX; at += 21) {
			/* O_PATH is as good as not open */
			fds[at] = b < sizeof(bad) / sizeof(bad[0]) ? bad[b] : r;
			CHECK_ERR(send_fds(q, 1, fds, IPCX_FDS_MAX), EBADF);
			fds[at] = p[1];
		}
	}
	CHECK_EQ(stat_of(q).sent, 1);
	CHECK_EQ(in_flight(q), 0);
	CHECK_EQ(charged(q), before);
	close(p[1]);
	CHECK(at_end(p[0]));
}

TEST(rights)
{
	int q = new_queue(), r = CHECK_OK(ipcx_restrict(q, IPCX_READ)), w = CHECK_OK(ipcx_restrict(q, IPCX_WRITE));
	int p[2], fd;
	unsigned int nr = 1;
	uint64_t value;

	make_pipe(p);
	CHECK_ERR(send_fd(r, 1, p[0]), EACCES);
	CHECK_OK(send_fd(w, 1, p[0]));
	CHECK_ERR(recv_fds_flags(w, &value, &fd, &nr, 0), EACCES);
	CHECK(same_file(recv_fd_of(r, 1), p[0]));
}

TEST(arguments)
{
	int q = new_queue(), p[2], fd;
	struct ipcx_msg bad_type = msg_of("x", 1, 0, 0), bad_priority = msg_of("x", 1, 1, IPCX_PRIORITY_MAX + 1);
	struct ipcx_queue_send_fds send;
	struct ipcx_queue_recv_fds recv;
	unsigned int nr = 1;
	uint64_t value;

	make_pipe(p);
	CHECK_ERR(ipcx_queue_send_fds(q, &bad_type, p, 1, NO_WAIT), EINVAL);
	CHECK_ERR(ipcx_queue_send_fds(q, &bad_priority, p, 1, NO_WAIT), EINVAL);
	CHECK_OK(send_fd(q, 1, p[0]));
	CHECK_ERR(recv_fds_flags(q, &value, &fd, &nr, IPCX_RECV_PEEK), EOPNOTSUPP);
	CHECK_ERR(recv_fds_flags(q, &value, &fd, &nr, 1u << 31), EINVAL);
	CHECK_ERR(recv_fds_flags(q, &value, &fd, &nr, 1u << 10), EINVAL);

	memset(&send, 0, sizeof(send));
	send.send = (struct ipcx_queue_send){ .size = sizeof(send), .flags = IPCX_NOWAIT, .msg = msg_of("x", 1, 1, 0) };
	send.fds = (uintptr_t)p;
	send.nr_fds = 1;
	send.reserved = 1;
	CHECK_ERR(call(q, IPCX_QUEUE_SEND_FDS, &send), EINVAL);
	send.reserved = 0;
	send.send.flags |= IPCX_RECV_PEEK;
	CHECK_ERR(call(q, IPCX_QUEUE_SEND_FDS, &send), EINVAL);
	send.send.flags = 0;
	send.send.size = sizeof(send.send);
	CHECK_ERR(call(q, IPCX_QUEUE_SEND_FDS, &send), EINVAL);

	memset(&recv, 0, sizeof(recv));
	recv.recv = (struct ipcx_queue_recv){ .size = sizeof(recv), .flags = IPCX_NOWAIT };
	recv.recv.msg.buf = (uintptr_t)&value;
	recv.recv.msg.len = sizeof(value);
	recv.fds = (uintptr_t)&fd;
	recv.nr_fds = 1;
	recv.reserved = 1;
	CHECK_ERR(call(q, IPCX_QUEUE_RECV_FDS, &recv), EINVAL);
	recv.reserved = 0;
	recv.recv.msg.flags = 1;
	CHECK_ERR(call(q, IPCX_QUEUE_RECV_FDS, &recv), EINVAL);
	recv.recv.msg.flags = 0;
	recv.recv.select.how = 9;
	CHECK_ERR(call(q, IPCX_QUEUE_RECV_FDS, &recv), EINVAL);
	recv.recv.select.how = 0;
	CHECK_EQ(stat_of(q).received, 0);
	CHECK_OK(call(q, IPCX_QUEUE_RECV_FDS, &recv));
	CHECK_EQ(recv.nr_fds, 1);
	CHECK_EQ(recv.recv.msg.flags, IPCX_MSG_FDS);

	/* larger than the queue takes */
	q = make_queue(0, 100, 100);
	send.send.size = sizeof(send);
	send.send.msg.len = 101;
	CHECK_ERR(call(q, IPCX_QUEUE_SEND_FDS, &send), EMSGSIZE);
	CHECK_EQ(in_flight(q), 0);
}

/* ---- memory that cannot be read or written: at each position, and nothing is lost ---- */

#define NR	5

TEST(array_that_cannot_be_read)
{
	int q = new_queue(), p[2], *fds, i, nr;
	char *page = pages(2);

	make_pipe(p);
	CHECK_SYS(mprotect(page + PAGE, PAGE, PROT_NONE));
	for (nr = 0; nr < NR; nr++) {
		fds = (int *)(page + PAGE) - nr;
		for (i = 0; i < nr; i++)
			fds[i] = p[1];
		CHECK_ERR(send_fds(q, 1, fds, NR), EFAULT);
	}
	CHECK_ERR(send_fds(q, 1, NULL, 1), EFAULT);
	CHECK_ERR(send_fds(q, 1, (int *)-PAGE, 1), EFAULT);
	CHECK_EQ(in_flight(q), 0);
	/* the payload */
	last_msg = msg_of(page + PAGE, 8, 1, 0);
	CHECK_ERR(ipcx_queue_send_fds(q, &last_msg, p, 2, NO_WAIT), EFAULT);
	CHECK_EQ(in_flight(q), 0);
	CHECK_EQ(stat_of(q).sent, 0);
	close(p[1]);
	CHECK(at_end(p[0]));
}

TEST(array_that_cannot_be_written)
{
	int q = new_queue(), p[2], *fds, nr, before;
	char *page = pages(2);
	unsigned int len;
	uint64_t value;

	make_pipe(p);
	CHECK_OK(send_fds(q, 1, (int[NR]){ p[1], p[1], p[0], p[1], p[1] }, NR));
	close(p[1]);
	before = open_fds();
	CHECK_SYS(mprotect(page + PAGE, PAGE, PROT_READ));
	for (nr = 0; nr < NR; nr++) {
		fds = (int *)(page + PAGE) - nr;
		len = NR;
		CHECK_ERR(recv_fds_flags(q, &value, fds, &len, 0), EFAULT);
		CHECK_EQ(len, NR);
		CHECK_EQ(open_fds(), before);
		CHECK_EQ(stat_of(q).nr_msgs, 1);
		CHECK_EQ(stat_of(q).received, 0);
		CHECK_EQ(in_flight(q), NR);
	}
	len = NR;
	CHECK_ERR(recv_fds_flags(q, &value, NULL, &len, 0), EFAULT);
	/* the payload */
	last_msg = ipcx_msg(page + PAGE, 8);
	CHECK_ERR(ipcx_queue_recv_fds(q, &last_msg, (int *)page, &len, NULL, NO_WAIT), EFAULT);
	CHECK_EQ(open_fds(), before);
	fds = (int *)(page + PAGE) - NR;
	CHECK_OK(recv_fds_flags(q, &value, fds, &len, 0));
	CHECK_EQ(value, 1);
	CHECK_EQ(open_fds(), before + NR);
	CHECK(!at_end(p[0]));
}

/* The argument can be read and not written, as a whole or from some member on. */
TEST(argument_that_cannot_be_written)
{
	struct ipcx_queue_recv_fds *arg;
	int q = new_queue(), p[2], fds[2], before;
	char *page = pages(2);
	uint64_t value;
	size_t offset;

	make_pipe(p);
	CHECK_OK(send_fds(q, 1, p, 2));
	before = open_fds();
	for (offset = 0; offset < sizeof(*arg); offset += 8) {
		CHECK_SYS(mprotect(page, 2 * PAGE, PROT_READ | PROT_WRITE));
		arg = (void *)(page + PAGE - offset);
		memset(arg, 0, sizeof(*arg));
		arg->recv.size = sizeof(*arg);
		arg->recv.flags = IPCX_NOWAIT;
		arg->recv.msg.buf = (uintptr_t)&value;
		arg->recv.msg.len = sizeof(value);
		arg->fds = (uintptr_t)fds;
		arg->nr_fds = 2;
		CHECK_SYS(mprotect(page + PAGE, PAGE, PROT_READ));
		CHECK_ERR(call(q, IPCX_QUEUE_RECV_FDS, arg), EFAULT);
		CHECK_EQ(arg->nr_fds, 2);
		CHECK_EQ(arg->recv.msg.len, sizeof(value));
		CHECK_EQ(arg->recv.msg.type, 0);
		CHECK_EQ(open_fds(), before);
		CHECK_EQ(stat_of(q).nr_msgs, 1);
		CHECK_EQ(stat_of(q).received, 0);
	}
	/* or up to some member: what is written last can be */
	for (offset = offsetof(struct ipcx_queue_recv_fds, recv.msg.type); offset < sizeof(*arg); offset += 8) {
		CHECK_SYS(mprotect(page, 2 * PAGE, PROT_READ | PROT_WRITE));
		arg = (void *)(page + PAGE - offset);
		*arg = (struct ipcx_queue_recv_fds){
			.recv = { .size = sizeof(*arg), .flags = IPCX_NOWAIT, .msg = ipcx_msg(&value, sizeof(value)) },
			.fds = (uintptr_t)fds, .nr_fds = 2,
		};
		arg->recv.msg.type = 0;
		CHECK_SYS(mprotect(page, PAGE, PROT_READ));
		CHECK_ERR(call(q, IPCX_QUEUE_RECV_FDS, arg), EFAULT);
		CHECK_EQ(open_fds(), before);
		CHECK_EQ(stat_of(q).nr_msgs, 1);
		CHECK_EQ(stat_of(q).received, 0);
	}
}
