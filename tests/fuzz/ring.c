// SPDX-License-Identifier: GPL-2.0
/*
 * Rings over hostile memory.  The input is the memory's first words, and then what the honest process does and what its
 * peer writes meanwhile.  If this fails, a process that shares a ring with another can be made to crash, to hang, to touch
 * what is not the ring's, or to see an error that it cannot know.
 */
#include <poll.h>
#include <sys/eventfd.h>

#include "shared-memory.h"

static ssize_t read_bell(int fd, void *buf, size_t len);

#define read(...)	read_bell(__VA_ARGS__)
#include "../../ulib/ring-poll.c"
#undef read

#define MAX_LEN		512
#define MAX_MSGS	6

static const int moves[] = { EAGAIN, EBADF, EBADMSG, EINTR, EINVAL, EMSGSIZE, EPIPE, EPROTO, ETIMEDOUT, 0 };
static const int attaches[] = { EBUSY, EINVAL, ENODATA, ENOMEM, EPERM, EUSERS, EPROTO, 0 };
static const int arms[] = { EBADF, EINVAL, EPIPE, EPROTO, 0 };
static const int formats[] = { EEXIST, EINVAL, ENOSPC, EPERM, 0 };

#define HEAD		1024		/* bytes in which there are no messages */

static unsigned char buf[MAX_MSGS][MAX_LEN + 2];

static bool is_payload(const void *addr, size_t len)
{
	return is_inside((const char *)addr - HEAD, HEAD + len);
}

/* Descriptions of @nr messages with lengths from the input. */
static void take_msgs(struct input *in, struct iovec *msgs, unsigned int nr, bool with_buffers)
{
	for (unsigned int i = 0; i < nr; i++) {
		memset(buf[i], 0x5a, sizeof(buf[i]));
		msgs[i].iov_base = with_buffers ? buf[i] + 1 : NULL;
		msgs[i].iov_len = take_u8(in) * 2;
	}
}

static void require_canaries(const struct iovec *msgs, unsigned int nr, const size_t *room)
{
	for (unsigned int i = 0; i < nr; i++) {
		REQUIRE(msgs[i].iov_len <= room[i], "%zu bytes in a buffer of %zu", msgs[i].iov_len, room[i]);
		REQUIRE(buf[i][0] == 0x5a && buf[i][1 + msgs[i].iov_len] == 0x5a, "message %u of %u: wrote outside", i, nr);
	}
}

static void receive_many(struct ipcx_ring *ring, struct input *in, unsigned int flags, uint64_t end)
{
	struct iovec msgs[MAX_MSGS];
	size_t room[MAX_MSGS];
	unsigned int nr = take_u8(in) % (MAX_MSGS + 1);
	int ret;

	take_msgs(in, msgs, nr, true);
	for (unsigned int i = 0; i < nr; i++)
		room[i] = msgs[i].iov_len;
	ret = ipcx_ring_recvv(ring, msgs, nr, flags, end);
	require_documented("ipcx_ring_recvv", ret, moves);
	REQUIRE(ret <= (int)nr && ret != 0, "%d of %u messages", ret, nr);
	if (ret > 0)
		require_canaries(msgs, (unsigned int)ret, room);
}

static void write_in_place(struct ipcx_ring *ring, struct input *in, unsigned int flags, uint64_t end)
{
	struct iovec msgs[MAX_MSGS];
	unsigned int nr = take_u8(in) % (MAX_MSGS + 1);
	int ret;

	take_msgs(in, msgs, nr, false);
	ret = ipcx_ring_reservev(ring, msgs, nr, flags, end);
	require_documented("ipcx_ring_reservev", ret, moves);
	REQUIRE(ret <= (int)nr && ret != 0, "%d of %u messages", ret, nr);
	for (int i = 0; i < ret; i++) {
		REQUIRE(is_payload(msgs[i].iov_base, msgs[i].iov_len), "reserved %zu bytes outside", msgs[i].iov_len);
		memset(msgs[i].iov_base, i, msgs[i].iov_len);
	}
	if (ret <= 0)
		return;
	/* what happens meanwhile, and then less or more than was reserved */
	if (take_u8(in) & 1)
		take_strike(in);
	nr = take_u8(in) % 8 ? (unsigned int)ret : take_u8(in) % MAX_MSGS;
	if (nr > (unsigned int)ret)
		for (unsigned int i = (unsigned int)ret; i < nr; i++)
			msgs[i] = (struct iovec){ buf[i], 1 };
	if (!(take_u8(in) % 8) && nr)
		msgs[0].iov_len = take_u16(in);
	require_documented("ipcx_ring_commitv", ipcx_ring_commitv(ring, msgs, nr), moves);
}

static void read_in_place(struct ipcx_ring *ring, struct input *in, unsigned int flags, uint64_t end)
{
	struct iovec msgs[MAX_MSGS];
	unsigned int nr = take_u8(in) % (MAX_MSGS + 1);
	volatile unsigned char sink;
	int ret;

	ret = ipcx_ring_peekv(ring, msgs, nr, flags, end);
	require_documented("ipcx_ring_peekv", ret, moves);
	REQUIRE(ret <= (int)nr && ret != 0, "%d of %u messages", ret, nr);
	for (int i = 0; i < ret; i++) {
		const unsigned char *at = msgs[i].iov_base;

		REQUIRE(is_payload(at, msgs[i].iov_len), "a message of %zu bytes outside", msgs[i].iov_len);
		if (msgs[i].iov_len)
			sink = at[0] ^ at[msgs[i].iov_len - 1];
	}
	(void)sink;
	if (ret <= 0 || take_u8(in) % 8 == 7)
		return;
	if (take_u8(in) & 1)
		take_strike(in);
	require_documented("ipcx_ring_release", ipcx_ring_release(ring, take_u8(in) % (MAX_MSGS + 1)), moves);
}

static int send_many(struct ipcx_ring *ring, struct input *in, unsigned int flags, uint64_t end)
{
	struct iovec msgs[MAX_MSGS];
	unsigned int nr = take_u8(in) % (MAX_MSGS + 1);
	int ret;

	take_msgs(in, msgs, nr, true);
	ret = ipcx_ring_sendv(ring, msgs, nr, flags, end);
	require_documented("ipcx_ring_sendv", ret, moves);
	REQUIRE(ret <= (int)nr && ret != 0, "%d of %u messages", ret, nr);
	return ret;
}

static void one_reservation(struct ipcx_ring *ring, struct input *in, unsigned int flags, uint64_t end)
{
	size_t len = take_u8(in) * 2;
	void *addr = NULL;
	int ret = ipcx_ring_reserve(ring, &addr, len, flags, end);

	require_documented("ipcx_ring_reserve", ret, moves);
	if (!ret) {
		REQUIRE(is_payload(addr, len), "reserved %zu bytes outside", len);
		memset(addr, 1, len);
	}
	require_documented("ipcx_ring_commit", ipcx_ring_commit(ring, take_u8(in) % 4 ? len : take_u16(in)), moves);
}

/* ---- bells ---- */

enum { BELL_EVENT, BELL_UNITS, BELL_FULL, BELL_BLOCKING, BELL_PIPE, BELL_MEMORY, BELL_CLOSED, BELL_NONE, NR_BELLS };

/**
 * struct user - a handle, and what it must know
 * @role: its ends; 0: it is not attached
 * @bells: what each of its ends and the other end of each is polled through: BELL_*
 */
static struct user {
	struct ipcx_ring ring;
	unsigned int role;
	int bells[2];
} users[2];

/**
 * bells - descriptors that a peer may have sent
 * @is_filled: who has them writes again whenever they are read
 * @nr_reads: of the call that is made now
 * @armed: of a receiver who has been told to poll, and whom nothing has disturbed since: BELL_*
 */
static struct {
	int fds[NR_BELLS];
	bool is_filled;
	unsigned int nr_reads;
	int armed;
} bells;

static void write_bell(int bell, uint64_t value)
{
	ssize_t ret __attribute__((unused)) = write(bells.fds[bell], &value, sizeof(value));
}

static ssize_t read_bell(int fd, void *buf, size_t len)
{
	ssize_t ret = read(fd, buf, len);

	hostile_moment();
	bells.nr_reads++;
	if (bells.is_filled)
		for (int i = BELL_EVENT; i <= BELL_FULL; i++)
			write_bell(i, 1);
	return ret;
}

/* The same for each input: two that may be used, one that is full, and what must be refused. */
static void make_bells(void)
{
	int ends[2];

	bells.fds[BELL_EVENT] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	bells.fds[BELL_UNITS] = eventfd(100, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
	bells.fds[BELL_FULL] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	bells.fds[BELL_BLOCKING] = eventfd(0, EFD_CLOEXEC);
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		abort();
	close(ends[0]);
	bells.fds[BELL_PIPE] = ends[1];
	bells.fds[BELL_MEMORY] = peer.fd;
	bells.fds[BELL_CLOSED] = 1 << 20;
	bells.fds[BELL_NONE] = -1;
	write_bell(BELL_FULL, UINT64_MAX - 1);
	bells.is_filled = false;
	bells.armed = BELL_NONE;
}

static void close_bells(void)
{
	for (int i = BELL_EVENT; i <= BELL_PIPE; i++)
		close(bells.fds[i]);
}

static void set_bell(struct user *user, unsigned int end, int bell)
{
	int ret = ipcx_ring_set_bell(&user->ring, end, bells.fds[bell]), expected;

	expected = !end || end > 2 ? -EINVAL : bell == BELL_CLOSED ? -EBADF :
		   bell >= BELL_BLOCKING && bell <= BELL_MEMORY ? -EINVAL : 0;
	REQUIRE(ret == expected, "%d and not %d: bell %d of end %u", ret, expected, bell, end);
	if (!ret)
		user->bells[end - 1] = bell;
}

/* What it returns if it cannot look is known; how often it looks has a bound, whatever the memory and the bell say. */
static void arm(struct user *user, unsigned int end)
{
	unsigned int most = 1000 + peer.len;
	int ret;

	bells.nr_reads = peer.nr_loads = 0;
	ret = ipcx_ring_arm(&user->ring, end);
	require_documented("ipcx_ring_arm", ret, arms);
	REQUIRE(ret <= 100, "poll for %d ms", ret);
	REQUIRE(bells.nr_reads <= 64, "%u reads", bells.nr_reads);
	REQUIRE(peer.nr_loads <= most, "%u loads", peer.nr_loads);
	if (!end || end > 2)
		REQUIRE(ret == -EINVAL, "%d for end %u", ret, end);
	else if (!(user->role & end))
		REQUIRE(ret == -EBADF, "%d for end %u of %u", ret, end, user->role);
	else if (user->bells[end - 1] == BELL_NONE)
		REQUIRE(ret == -EINVAL, "%d without a bell", ret);
	/* whose bell it is or was has been emptied */
	bells.armed = ret > 0 && end == IPCX_RING_RECEIVER ? user->bells[end - 1] : BELL_NONE;
}

/* A message has been published by @user: who was told to poll must see it. */
static void require_rung(const struct user *user)
{
	struct pollfd bell = { bells.fds[bells.armed], POLLIN, 0 };

	if (bells.armed == BELL_NONE || user->bells[IPCX_RING_RECEIVER - 1] != bells.armed || peer.has_written)
		return;
	REQUIRE(poll(&bell, 1, 0) == 1 && bell.revents & POLLIN, "bell %d has not been rung", bells.armed);
}

/* What is done with bells: a byte says what, and one of which end. */
static void one_bell(struct user *user, struct input *in)
{
	uint8_t what = take_u8(in), end = take_u8(in);
	uint64_t value;

	end = end < 250 ? 1 + end % 2 : end;
	switch (what % 4) {
	case 0:
		set_bell(user, end, what >> 2 & 15 ? (what >> 2) % 3 : take_u8(in) % NR_BELLS);
		break;
	case 1:
		arm(user, end);
		return;
	case 2:
		/* who has it empties it */
		for (int i = BELL_EVENT; i <= BELL_FULL; i++)
			while (what & 8 && read(bells.fds[i], &value, sizeof(value)) == sizeof(value))
				;
		break;
	default:
		bells.is_filled = what & 4;
	}
	bells.armed = BELL_NONE;
}

static void one_call(struct user *user, struct input *in)
{
	struct ipcx_ring *ring = &user->ring;
	uint8_t what = take_u8(in) % 11;
	struct ipcx_ring_stat stat;
	struct iovec msg;
	unsigned int flags;
	const void *addr;
	uint64_t end;
	ssize_t ret;
	size_t room;

	if (what == 10) {
		one_bell(user, in);
		return;
	}
	/* only who sends leaves a receiver as it is */
	if (what != 0 && what != 2)
		bells.armed = BELL_NONE;
	end = take_patience(in, &flags);
	switch (what) {
	case 0:
		take_msgs(in, &msg, 1, true);
		ret = ipcx_ring_send_until(ring, msg.iov_base, msg.iov_len, flags, end);
		require_documented("ipcx_ring_send_until", ret, moves);
		if (!ret)
			require_rung(user);
		break;
	case 1:
		take_msgs(in, &msg, 1, true);
		room = msg.iov_len;
		ret = ipcx_ring_recv_until(ring, msg.iov_base, room, flags, end);
		require_documented("ipcx_ring_recv_until", ret, moves);
		msg.iov_len = ret < 0 ? 0 : (size_t)ret;
		require_canaries(&msg, 1, &room);
		break;
	case 2:
		if (send_many(ring, in, flags, end) > 0)
			require_rung(user);
		break;
	case 3:
		receive_many(ring, in, flags, end);
		break;
	case 4:
		write_in_place(ring, in, flags, end);
		break;
	case 5:
		read_in_place(ring, in, flags, end);
		break;
	case 6:
		one_reservation(ring, in, flags, end);
		break;
	case 7:
		ret = ipcx_ring_peek(ring, &addr, flags, end);
		require_documented("ipcx_ring_peek", ret, moves);
		REQUIRE(ret < 0 || is_payload(addr, (size_t)ret), "a message of %zd bytes outside", ret);
		break;
	case 8:
		require_documented("ipcx_ring_release", ipcx_ring_release(ring, take_u8(in) % 4), moves);
		break;
	default:
		ret = ipcx_ring_stat(ring, &stat);
		REQUIRE(!ret || ret == -EBADF, "%zd", ret);
		REQUIRE(ret || stat.used <= stat.slots, "%u messages in %u slots", stat.used, stat.slots);
	}
}

/* Most inputs begin with a ring, so that what follows matters; some with any first word. */
static size_t begin(struct input *in)
{
	uint8_t how = take_u8(in), slots = take_u8(in), len = take_u8(in), bytes = take_u8(in);
	struct ipcx_ring_limits limits = {
		.flags = how & (IPCX_RING_MANY | IPCX_RING_HUGE), .slots = 1U << slots % 6, .max_len = len * 2U,
		.bytes = bytes & 1 ? bytes * 16U : 0,
	};
	size_t size = ipcx_ring_size(&limits), odd = slots & 0x80 ? len : 0;
	int ret;

	if (!size || how & 0x80) {
		size = 1024 + bytes * 64;
		peer_begin(in, size + odd);
		*(uint64_t *)peer.base = take_u64(in);
		return size;
	}
	peer_begin(in, size + odd);
	ret = ipcx_ring_format(peer.fd, &limits);
	require_documented("ipcx_ring_format", ret, formats);
	REQUIRE(!ret, "there is room for %zu bytes in %zu", size, peer.len);
	/* what an earlier user has left */
	for (unsigned int nr = how >> 2 & 7; nr; nr--)
		take_strike(in);
	return size;
}

static void attach(struct user *user, unsigned int role)
{
	int ret = ipcx_ring_attach(&user->ring, peer.fd, role);

	require_documented("ipcx_ring_attach", ret, attaches);
	if (!ret)
		user->role = role & (IPCX_RING_SENDER | IPCX_RING_RECEIVER);
	user->bells[0] = user->bells[1] = BELL_NONE;
	bells.armed = BELL_NONE;
}

static void detach(struct user *user)
{
	int ret = ipcx_ring_detach(&user->ring);

	REQUIRE(!ret, "%d", ret);
	user->role = 0;
	bells.armed = BELL_NONE;
	ret = ipcx_ring_set_bell(&user->ring, IPCX_RING_RECEIVER, bells.fds[BELL_EVENT]);
	REQUIRE(ret == -EBADF, "%d", ret);
	ret = ipcx_ring_arm(&user->ring, IPCX_RING_RECEIVER);
	REQUIRE(ret == -EBADF, "%d", ret);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct input in = { bytes, len };

	begin(&in);
	make_bells();
	while (in.left) {
		uint8_t what = take_u8(&in);
		struct user *user = &users[what & 1];

		if (what & 0x40) {
			take_strike(&in);
		} else if (!user->role) {
			/* flags that there are not, now and then */
			attach(user, what & 0x20 ? take_u8(&in) : what >> 1 & 3 ?: 3);
			if (user->role)
				ipcx_ring_set_spin(&user->ring, what & 8 ? 1000 : 0);
		} else if ((what & 0x3e) == 0x3e) {
			detach(user);
		} else {
			one_call(user, &in);
		}
	}
	for (int i = 0; i < 2; i++)
		if (users[i].role)
			detach(&users[i]);
	close_bells();
	peer_end();
	return 0;
}
