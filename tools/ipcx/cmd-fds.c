// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx send --fd, ipcx recv --fds: descriptors of the shell in a message, and to a command.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

/* What a command finds the first one under, as systemd's socket activation has it. */
#define FIRST_FD	3

int parse_fds(const char *text, int *fds, unsigned int *nr)
{
	uint64_t number;
	char word[16];
	size_t len;

	for (;;) {
		len = strcspn(text, ",");
		if (len >= sizeof(word))
			return -EINVAL;
		memcpy(word, text, len);
		word[len] = '\0';
		if (*nr == IPCX_FDS_MAX || parse_number(word, 0, INT32_MAX, &number))
			return -EINVAL;
		fds[(*nr)++] = number;
		if (!text[len])
			return 0;
		text += len + 1;
	}
}

int fds_send(const char *name, int queue, const struct ipcx_msg *msg, const int *fds, unsigned int nr,
	     const struct patience *patience)
{
	int ret;

	do {
		ret = ipcx_queue_send_fds(queue, msg, fds, nr, patience->flags, deadline(patience));
	} while (ret == -EINTR);
	return ret ? report(ret, "send %u descriptors to queue '%s'", nr, name) : STATUS_OK;
}

/*
 * Put them, and the standard input, in their place.  They may have any numbers now, also those that are to be
 * theirs: all go beyond first, so that none overwrites another.
 */
static int place(int *fds, unsigned int nr, int in)
{
	for (unsigned int i = 0; i < nr; i++) {
		int fd = fcntl(fds[i], F_DUPFD_CLOEXEC, FIRST_FD + nr);

		if (fd < 0)
			return -errno;
		close(fds[i]);
		fds[i] = fd;
	}
	/* @in may be that number already, close-on-exec */
	if (dup2(in, STDIN_FILENO) < 0 || fcntl(STDIN_FILENO, F_SETFD, 0))
		return -errno;
	for (unsigned int i = 0; i < nr; i++)
		if (dup2(fds[i], FIRST_FD + i) < 0)
			return -errno;
	return 0;
}

static int run(char **command, const struct ipcx_msg *msg, int *fds, unsigned int nr)
{
	int in = message_file(msg), ret = in < 0 ? in : place(fds, nr, in);

	if (ret)
		return report(ret, "give %u descriptors to '%s'", nr, command[0]);
	export_sender(msg);
	export_number("LISTEN_FDS", nr);
	export_number("LISTEN_PID", getpid());
	execvp(command[0], command);
	return report(-errno, "run '%s'", command[0]);
}

int fds_recv(const char *name, int queue, const struct ipcx_select *select, const struct patience *patience,
	     char **command)
{
	unsigned int nr;
	int fds[IPCX_FDS_MAX], ret;
	struct ipcx_msg msg;
	size_t len = 4096;
	char *buf = NULL;

	do {
		char *larger = realloc(buf, len);

		if (!larger)
			return report(-ENOMEM, "receive a message of %zu bytes", len);
		buf = larger;
		msg = ipcx_msg(buf, len);
		nr = IPCX_FDS_MAX;
		ret = ipcx_queue_recv_fds(queue, &msg, fds, &nr, select, patience->flags, deadline(patience));
		len = msg.len;
	} while (ret == -EINTR || ret == -EMSGSIZE);
	close(queue);
	/* the end of the queue, as in recv */
	if (ret == -EPIPE)
		return STATUS_OK;
	if (ret)
		return report(ret, "receive from queue '%s'", name);
	return run(command, &msg, fds, nr);
}
