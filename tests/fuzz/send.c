// SPDX-License-Identifier: GPL-2.0
/*
 * The standard input of `ipcx send`, in pieces of any length: lines, blocks or what a read gives.  The queue takes as many at
 * a time as it likes, and fails when it likes.  Or all of it, as `ipcx call` and `ipcx serve` read a message.  If this fails,
 * what is received is not what went in, a message is sent in two, or the message that an error names is not the first that
 * was not sent.
 */
#include "no-device.h"

#include "fuzz.h"

static ssize_t read_piece(int fd, void *buf, size_t len);
static int take_messages(int queue, const struct ipcx_msg *msgs, unsigned int nr, unsigned int flags, uint64_t timeout);

#define read		read_piece
#define ipcx_queue_sendv take_messages
#include "../../tools/ipcx/cmd-send.c"
#include "../../tools/ipcx/cmd-call.c"
#undef read
#undef ipcx_queue_sendv

#define MAX_INPUT	(192 * 1024)
#define MAX_PIECES	1024

/**
 * stdin_ - what is read
 * @ends: where each read ends; it may end earlier, if there is no room for more
 * @err: what the read behind the last piece fails with, 0 for the end
 */
static struct {
	char bytes[MAX_INPUT];
	size_t len, pos, ends[MAX_PIECES];
	unsigned int nr, at;
	int err;
} from;

/**
 * to - the queue
 * @pos: of the input, how much has been sent
 * @nr: messages that it has
 * @most: it fails with @err behind so many
 * @moods: of the next calls: how many messages they take
 * @read_len: SPLIT_READS: what the last read gave
 */
static struct {
	const struct sender *sender;
	size_t pos, read_len;
	uint64_t nr, most, moods;
	int err;
	bool has_failed;
} to;

static ssize_t read_piece(int fd, void *buf, size_t len)
{
	REQUIRE(fd == STDIN_FILENO && len, "nothing is read from %d", fd);
	while (from.at < from.nr && from.ends[from.at] == from.pos)
		from.at++;
	to.moods = to.moods >> 3 | to.moods << 61;
	if (to.moods % 8 == 7) {
		errno = EINTR;
		return -1;
	}
	if (from.at == from.nr) {
		errno = from.err;
		return from.err ? -1 : 0;
	}
	if (len > from.ends[from.at] - from.pos)
		len = from.ends[from.at] - from.pos;
	memcpy(buf, from.bytes + from.pos, len);
	from.pos += len;
	to.read_len = len;
	return (ssize_t)len;
}

/* How long the next message is by what is in the input; what it takes there goes to *@taken, 0 if there is none. */
static size_t next_message(size_t *taken)
{
	const char *at = from.bytes + to.pos, *newline;
	size_t left = from.len - to.pos;

	*taken = left;
	if (to.sender->split == SPLIT_READS)
		return *taken = to.read_len < left ? to.read_len : left;
	if (to.sender->split == SPLIT_BLOCKS)
		return *taken = to.sender->block_len < left ? to.sender->block_len : left;
	newline = memchr(at, '\n', left);
	*taken = newline ? (size_t)(newline - at) + 1 : left;
	return newline ? (size_t)(newline - at) : left;
}

static int take_messages(int queue, const struct ipcx_msg *msgs, unsigned int nr, unsigned int flags, uint64_t timeout)
{
	unsigned int mood = to.moods % 8;

	(void)flags;
	(void)timeout;
	REQUIRE(queue == to.sender->queue && nr && nr <= IPCX_BATCH_MAX, "%u messages to queue %d", nr, queue);
	to.moods = to.moods >> 3 | to.moods << 61;
	if (mood == 7)
		return -EINTR;
	if (mood == 6)
		nr = 1;
	if (nr > to.most - to.nr)
		nr = (unsigned int)(to.most - to.nr);
	if (!nr) {
		to.has_failed = true;
		return to.err;
	}
	for (unsigned int i = 0; i < nr; i++) {
		size_t taken, len = next_message(&taken);

		REQUIRE(taken, "message %lu behind the end", to.nr + 1);
		REQUIRE(msgs[i].len == len, "message %lu has %lu bytes and not %zu", to.nr + 1, (unsigned long)msgs[i].len, len);
		REQUIRE(!memcmp((const void *)(uintptr_t)msgs[i].buf, from.bytes + to.pos, len), "message %lu", to.nr + 1);
		REQUIRE(msgs[i].type == to.sender->template.type && msgs[i].priority == to.sender->template.priority,
			"message %lu: type %u, priority %u", to.nr + 1, msgs[i].type, msgs[i].priority);
		REQUIRE(len <= to.sender->max_msg_len, "message %lu: %zu bytes", to.nr + 1, len);
		REQUIRE(to.pos + taken <= from.pos, "message %lu before it was read", to.nr + 1);
		to.pos += taken;
		to.nr++;
	}
	return (int)nr;
}

/* A byte says how a piece is made, of bytes of the input or of one byte many times; @most bytes in all. */
static void take_pieces(struct input *in, size_t most)
{
	from.len = from.pos = 0;
	from.nr = from.at = 0;
	while (in->left && from.nr < MAX_PIECES) {
		uint8_t how = take_u8(in);
		size_t len = how & 0x40 ? take_u16(in) * 2U : how & 0x3f, room = most - from.len;

		if (len > room)
			len = room;
		/* each is a message */
		if ((how & 0x60) == 0x60)
			len /= 256;
		if (how & 0x40)
			memset(from.bytes + from.len, how & 0x20 ? '\n' : how, len);
		for (size_t i = 0; !(how & 0x40) && i < len; i++)
			from.bytes[from.len + i] = (char)take_u8(in);
		from.len += len;
		/* or the next one comes with it */
		if (!(how & 0x80) || !in->left)
			from.ends[from.nr++] = from.len;
	}
	if (from.nr)
		from.ends[from.nr - 1] = from.len;
}

/* The least number in what was said of a message that could not be sent; 0: nothing was. */
static uint64_t named_message(const char *said)
{
	static const char what[] = "cannot send message ";
	uint64_t least = 0, number;

	while ((said = strstr(said, what))) {
		said += sizeof(what) - 1;
		number = strtoull(said, NULL, 10);
		if (!least || number < least)
			least = number;
	}
	return least;
}

static void read_whole_input(void)
{
	size_t len = 0;
	int err = 0;
	char *all = read_all(STDIN_FILENO, &len, &err);

	REQUIRE(!all == (from.err != 0), "%d and not %d", err, -from.err);
	if (all)
		REQUIRE(len == from.len && !memcmp(all, from.bytes, len), "%zu bytes of %zu", len, from.len);
	else
		REQUIRE(err == -from.err, "%d and not %d", err, -from.err);
	free(all);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const int errors[] = { -EAGAIN, -ETIMEDOUT, -EPIPE, -EDQUOT, -EMSGSIZE };
	struct sender s = { .name = "q", .queue = 7, .template = { .type = 3, .priority = 4 } };
	struct input in = { bytes, len };
	uint8_t how = take_u8(&in);
	struct captured said;
	size_t taken, next;
	int status;

	s.split = how % 3;
	from.err = how & 0x40 ? EIO : 0;
	s.max_msg_len = 1 + (how & 0x80 ? take_u8(&in) : take_u16(&in) * 4UL);
	s.block_len = s.split == SPLIT_BLOCKS ? 1 + take_u16(&in) * 4UL % s.max_msg_len : 0;
	memset(&to, 0, sizeof(to));
	to.sender = &s;
	to.moods = take_u64(&in) & ~7ULL;
	to.most = how & 0x20 ? take_u8(&in) : UINT64_MAX;
	to.err = errors[to.most % 5];
	/* however short they are, not too many messages */
	take_pieces(&in, s.max_msg_len < MAX_INPUT / 512 ? s.max_msg_len * 512 : MAX_INPUT);
	if (how & 0x10) {
		read_whole_input();
		return 0;
	}

	capture(&said);
	status = send_input(&s);
	end_capture(&said);
	next = next_message(&taken);
	if (!status) {
		REQUIRE(!to.has_failed && !from.err, "what failed is not said");
		REQUIRE(to.pos == from.len && !said.err_len, "%zu bytes of %zu have been sent: '%s'", to.pos, from.len, said.err);
	} else if (to.has_failed || named_message(said.err)) {
		REQUIRE(named_message(said.err) == to.nr + 1, "%lu messages have been sent: '%s'", to.nr, said.err);
		REQUIRE(to.has_failed || next > s.max_msg_len, "a message of %zu bytes: '%s'", next, said.err);
	} else {
		REQUIRE(from.err && from.pos == from.len, "status %d: '%s'", status, said.err);
		/* all that was complete has been sent */
		REQUIRE(to.pos == from.len || (s.split == SPLIT_LINES && to.pos + next == from.len) ||
			(s.split == SPLIT_BLOCKS && next < s.block_len), "%zu bytes of %zu have been sent", to.pos, from.len);
	}
	REQUIRE(!said.out_len && s.nr_sent == to.nr, "'%s', %lu messages of %lu", said.out, s.nr_sent, to.nr);
	release(&said);
	return 0;
}
