/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the subcommands share: exit statuses, messages, values on the command line, JSON.
 */
#ifndef IPCX_TOOL_UTIL_H
#define IPCX_TOOL_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <ipcx.h>

/* Exit statuses, the same for every subcommand. */
#define STATUS_OK	0
#define STATUS_FAILED	1
#define STATUS_USAGE	2

#define NS_PER_SEC	1000000000ULL
#define NS_PER_MS	1000000ULL
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* "ipcx send": what messages begin with; set once by main(). */
extern const char *command_name;

/* ---- messages: all go to stderr ---- */

/*
 * Say that something failed: "ipcx send: cannot WHAT: REASON", then a line with what to do about it
 * where one is known.  @err: negative errno.  Returns STATUS_FAILED, so that a command can end with
 * it.
 */
int report(int err, const char *what, ...) __attribute__((format(printf, 2, 3)));
/*
 * The same for a failure that has no errno; the text is printed as it is.  Returns
 * STATUS_FAILED.
 */
int report_text(const char *text, ...) __attribute__((format(printf, 1, 2)));
/* Say that the command line is wrong, and where help is.  Returns STATUS_USAGE. */
int usage_error(const char *text, ...) __attribute__((format(printf, 1, 2)));
/* After getopt_long() has said what is wrong with an option.  Returns STATUS_USAGE. */
int usage_hint(void);
/* What a negative errno means to ipcx. */
const char *error_text(int err);

/* ---- values on the command line: 0, or -EINVAL with the value untouched ---- */

/* "4096", "64K", "16MiB", "1G": powers of 1024. */
int parse_size(const char *text, uint64_t *size);
/* "100ms", "1.5s", "2m", "250us", "10ns"; without a unit: seconds. */
int parse_duration(const char *text, uint64_t *ns);
/* A decimal or 0x number from @min to @max. */
int parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *number);
/* Octal permission bits, 0 to 0777. */
int parse_mode(const char *text, mode_t *mode);

/* How long a call may wait. */
struct patience {
	unsigned int flags;	/* 0 or IPCX_NOWAIT */
	uint64_t timeout_ns;	/* IPCX_FOREVER for no bound */
};

#define PATIENCE_FOREVER	((struct patience){ .timeout_ns = IPCX_FOREVER })

/* The absolute timeout for a call that begins now. */
uint64_t deadline(const struct patience *patience);

/* ---- objects ---- */

/* "queue", "region", "semaphore", "event", "stream". */
const char *kind_name(unsigned int kind);
/*
 * Open @name with @rights, or say why not and return -1.  A name of another kind is told from a
 * missing one.
 */
int open_object(const char *name, unsigned int kind, unsigned int rights);
/* The kind that @name stands for, or IPCX_KIND_ANY if it does not exist. */
unsigned int find_kind(const char *name);
/* "1.5 MiB" into a buffer of at least 16 bytes, which is returned. */
char *format_size(uint64_t len, char *buf);

/*
 * The first line of what somebody else has chosen, a name, as far as it fits into @size bytes at @to; characters that would
 * steer a terminal, and what is not UTF-8, become '?'.
 */
void copy_printable(char *to, size_t size, const char *text);

/* ---- JSON: one object after another, members in the order in which they are written ---- */

struct json {
	FILE *out;
	bool first;	/* no member has been written yet */
};

void json_begin(struct json *json, FILE *out);
void json_end(struct json *json);
void json_u64(struct json *json, const char *key, uint64_t value);
void json_bool(struct json *json, const char *key, bool value);
/* @text as a JSON string: bytes that are not UTF-8 become U+FFFD. */
void json_quote(FILE *out, const char *text, size_t len);
void json_string(struct json *json, const char *key, const char *text, size_t len);
void json_text(struct json *json, const char *key, const char *text);
void json_base64(struct json *json, const char *key, const void *bytes, size_t len);
bool is_utf8(const char *text, size_t len);
/*
 * Length of the UTF-8 sequence at @text, or 0 if there is none: an overlong form, a surrogate, a value above U+10FFFF and a
 * sequence cut short are none (RFC 3629).
 */
size_t utf8_len(const char *text, size_t len);
/* Is this sequence a control character: of ASCII, or U+0080 to U+009F, which terminals obey as well? */
bool is_control(const char *text, size_t len);

/*
 * Flush stdout and tell whether everything that was printed has arrived.  Returns STATUS_OK, or
 * reports the failure and returns STATUS_FAILED.
 */
int finish_output(void);

/* ---- the subcommands; argv[0] is "ipcx NAME" ---- */

int cmd_bench(int argc, char **argv);		/* cmd-bench.c */
int cmd_call(int argc, char **argv);		/* cmd-call.c */
int cmd_serve(int argc, char **argv);
int cmd_create(int argc, char **argv);		/* cmd-create.c */
int cmd_rm(int argc, char **argv);
int cmd_demo(int argc, char **argv);		/* cmd-demo.c */
int cmd_pulse(int argc, char **argv);		/* cmd-event.c */
int cmd_reset(int argc, char **argv);
int cmd_set(int argc, char **argv);
int cmd_ls(int argc, char **argv);		/* cmd-ls.c */
int cmd_stat(int argc, char **argv);
int cmd_map(int argc, char **argv);		/* cmd-map.c */
int cmd_notify(int argc, char **argv);		/* cmd-notify.c */
int cmd_peek(int argc, char **argv);		/* cmd-recv.c */
int cmd_recv(int argc, char **argv);
int cmd_watch(int argc, char **argv);
int cmd_purge(int argc, char **argv);		/* cmd-queue.c */
int cmd_shutdown(int argc, char **argv);
int cmd_post(int argc, char **argv);		/* cmd-sem.c */
int cmd_wait(int argc, char **argv);
int cmd_send(int argc, char **argv);		/* cmd-send.c */
int cmd_top(int argc, char **argv);		/* cmd-top.c */
int cmd_trace(int argc, char **argv);		/* cmd-trace.c */

/* cmd-call.c: what a command that is run for a message finds */

/* Sender and type in the environment: IPCX_PID, IPCX_UID, IPCX_GID, IPCX_TYPE. */
void export_sender(const struct ipcx_msg *msg);
void export_number(const char *name, unsigned int value);
/* A file with the payload, to be read from its beginning, or a negative errno. */
int message_file(const struct ipcx_msg *msg);

/* cmd-fds.c: send and recv with descriptors */

/* Adds the numbers of "3,5" to the *@nr in @fds, of which there is room for IPCX_FDS_MAX: 0 or -EINVAL. */
int parse_fds(const char *text, int *fds, unsigned int *nr);
int fds_send(const char *name, int queue, const struct ipcx_msg *msg, const int *fds, unsigned int nr,
	     const struct patience *patience);
/* Takes one message and becomes @command, unless that fails or the queue has ended. */
int fds_recv(const char *name, int queue, const struct ipcx_select *select, const struct patience *patience,
	     char **command);

/* cmd-wait.c: wait for any or all of @names; prints which one it was */
int wait_many(char **names, unsigned int nr, bool all, const struct patience *patience);

/* cmd-stream.c: send and recv of a stream */
int stream_send(const char *name);
int stream_recv(const char *name);

#endif /* IPCX_TOOL_UTIL_H */
