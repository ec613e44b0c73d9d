// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: System V message queues and semaphores, made with IPC_PRIVATE and removed with the
 * turn.
 */
#include "bench.h"

#include <errno.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>

/* One queue for each direction, deep enough for one message at least. */
static int setup_msg(struct link *l)
{
	long msgmax = read_limit("/proc/sys/kernel/msgmax");

	if ((long)l->len > msgmax)
		return skip(l, "a message of %zu B exceeds kernel.msgmax (%ld)", l->len,
			    msgmax);
	for (int dir = 0; dir < 2; dir++) {
		struct msqid_ds ds;

		l->fd[dir] = keep_id(l, SYSV_MSG, msgget(IPC_PRIVATE, 0600));
		if (l->fd[dir] < 0)
			return l->fd[dir];
		/* 64 KiB like a pipe, or two large messages; less is fine if they let us not. */
		if (!msgctl(l->fd[dir], IPC_STAT, &ds)) {
			ds.msg_qbytes = 2 * l->len > 65536 ? 2 * l->len : 65536;
			msgctl(l->fd[dir], IPC_SET, &ds);
		}
	}
	return 0;
}

/* The type stands before the text: every buffer has room for it. */
static long *typed(void *buf)
{
	return (long *)buf - 1;
}

static int send_msg(struct link *l, int dir, void *buf, size_t len)
{
	*typed(buf) = 1;
	return msgsnd(l->fd[dir], typed(buf), len, 0) ? -errno : 0;
}

static int recv_msg(struct link *l, int dir, void *buf, size_t len)
{
	ssize_t n = msgrcv(l->fd[dir], typed(buf), len, 0, 0);

	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

/* A set of NR_TOKENS semaphores, all 0. */
static int setup_sem(struct link *l)
{
	int id = keep_id(l, SYSV_SEM, semget(IPC_PRIVATE, NR_TOKENS, 0600));

	l->token_priv = (void *)(intptr_t)id;
	return id < 0 ? id : 0;
}

static int post_sem(struct link *l, int token, void *buf, size_t len)
{
	struct sembuf op = { .sem_num = (unsigned short)token, .sem_op = 1 };

	(void)buf, (void)len;
	return semop((int)(intptr_t)l->token_priv, &op, 1) ? -errno : 0;
}

static int wait_sem(struct link *l, int token, void *buf, size_t len)
{
	struct sembuf op = { .sem_num = (unsigned short)token, .sem_op = -1 };

	(void)buf, (void)len;
	return semop((int)(intptr_t)l->token_priv, &op, 1) ? -errno : 0;
}

const struct mechanism sysv_mechanisms[] = {
	{ .name = "sysv_msg", .usage = "msgsnd(2) and msgrcv(2) of any type, one queue for each "
	  "direction, msg_qbytes for 64 KiB or two messages",
	  .cases = MESSAGE_CASES | CASE_BIT(CASE_PROCESSES), .setup = setup_msg,
	  .send = send_msg, .recv = recv_msg },
	{ .name = "sysv_sem", .usage = "semop(2) by one, without SEM_UNDO, on one set",
	  .cases = TOKEN_CASES, .setup = setup_sem, .send = post_sem, .recv = wait_sem },
	{ 0 }
};
