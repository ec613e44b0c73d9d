// SPDX-License-Identifier: GPL-2.0
/*
 * Rings over hostile memory.  The input is the memory's first words, and then what the honest process does and what its
 * peer writes meanwhile.  If this fails, a process that shares a ring with another can be made to crash, to hang, to touch
 * what is not the ring's, or to see an error that it cannot know.
 */
#include "shared-memory.h"

#define MAX_LEN		512
#define MAX_MSGS	6

static const int moves[] = { EAGAIN, EBADF, EBADMSG, EINTR, EINVAL, EMSGSIZE, EPIPE, EPROTO, ETIMEDOUT, 0 };
static const int attaches[] = { EBUSY, EINVAL, ENODATA, ENOMEM, EPERM, EUSERS, EPROTO, 0 };
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

static void send_many(struct ipcx_ring *ring, struct input *in, unsigned int flags, uint64_t end)
{
	struct iovec msgs[MAX_MSGS];
	unsigned int nr = take_u8(in) % (MAX_MSGS + 1);
	int ret;

	take_msgs(in, msgs, nr, true);
	ret = ipcx_ring_sendv(ring, msgs, nr, flags, end);
	require_documented("ipcx_ring_sendv", ret, moves);
	REQUIRE(ret <= (int)nr && ret != 0, "%d of %u messages", ret, nr);
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

static void one_call(struct ipcx_ring *ring, struct input *in)
{
	uint8_t what = take_u8(in);
	struct ipcx_ring_stat stat;
	struct iovec msg;
	unsigned int flags;
	const void *addr;
	uint64_t end;
	ssize_t ret;
	size_t room;

	end = take_patience(in, &flags);
	switch (what % 10) {
	case 0:
		take_msgs(in, &msg, 1, true);
		ret = ipcx_ring_send_until(ring, msg.iov_base, msg.iov_len, flags, end);
		require_documented("ipcx_ring_send_until", ret, moves);
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
		send_many(ring, in, flags, end);
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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct ipcx_ring rings[2];
	struct input in = { bytes, len };
	bool attached[2] = { 0 };
	int ret;

	begin(&in);
	while (in.left) {
		uint8_t what = take_u8(&in), which = what & 1;

		if (what & 0x40) {
			take_strike(&in);
		} else if (!attached[which]) {
			/* flags that there are not, now and then */
			ret = ipcx_ring_attach(&rings[which], peer.fd, what & 0x20 ? take_u8(&in) : what >> 1 & 3 ?: 3);
			require_documented("ipcx_ring_attach", ret, attaches);
			attached[which] = !ret;
			if (!ret)
				ipcx_ring_set_spin(&rings[which], what & 8 ? 1000 : 0);
		} else if ((what & 0x3e) == 0x3e) {
			ret = ipcx_ring_detach(&rings[which]);
			REQUIRE(!ret, "%d", ret);
			attached[which] = false;
		} else {
			one_call(&rings[which], &in);
		}
	}
	for (int i = 0; i < 2; i++)
		if (attached[i])
			ipcx_ring_detach(&rings[i]);
	peer_end();
	return 0;
}
