// SPDX-License-Identifier: GPL-2.0
/*
 * Loans over hostile memory: as tests/fuzz/ring.c, for the table of pieces, their numbers in the ring, and the pieces.  If
 * this fails, a process that lends memory to another can be made to crash, to hang or to write what is not the channel's.
 */
#include "shared-memory.h"

#define NR_LOANS	6

static const int takes[] = { EAGAIN, EBADF, EINTR, EINVAL, ETIMEDOUT, 0 };
static const int sends[] = { EBADF, EINVAL, EMSGSIZE, EPIPE, EPROTO, 0 };
static const int recvs[] = { EAGAIN, EBADF, EBADMSG, EINTR, EINVAL, EPIPE, EPROTO, ETIMEDOUT, 0 };
static const int attaches[] = { EBUSY, EINVAL, ENODATA, ENOMEM, EPERM, EUSERS, EPROTO, 0 };

/* The caller's memory must be the channel's, and the length one that it can have. */
static void use(const struct ipcx_loan *loan)
{
	volatile unsigned char *at = loan->addr;

	REQUIRE(is_inside(loan->addr, loan->len), "a piece of %zu bytes outside", loan->len);
	if (!loan->len)
		return;
	at[0]++;
	at[loan->len - 1]++;
}

static void one_call(struct ipcx_loans *loans, struct ipcx_loan *held, struct input *in)
{
	uint8_t what = take_u8(in);
	struct ipcx_loan *loan = &held[take_u8(in) % NR_LOANS];
	unsigned int flags;
	uint64_t end;
	int ret;

	end = take_patience(in, &flags);
	switch (what % 6) {
	case 0:
		ret = ipcx_loan_take(loans, loan, flags, end);
		require_documented("ipcx_loan_take", ret, takes);
		if (!ret)
			use(loan);
		break;
	case 1:
		ret = ipcx_loan_send(loans, loan, what & 0x80 ? take_u64(in) : take_u8(in));
		require_documented("ipcx_loan_send", ret, sends);
		break;
	case 2:
		ret = ipcx_loan_recv(loans, loan, flags, end);
		require_documented("ipcx_loan_recv", ret, recvs);
		if (!ret)
			use(loan);
		break;
	case 3:
		require_documented("ipcx_loan_return", ipcx_loan_return(loans, loan), sends);
		break;
	case 4:
		ret = ipcx_loan_reclaim(loans);
		REQUIRE(ret >= 0 || ret == -EBADF, "%d", ret);
		break;
	default:
		/* a piece that was never the caller's, or is another's */
		loan->id = take_u32(in);
		loan->turn = take_u32(in);
	}
}

/* The memory of a channel, with what an earlier user has left; or of any first words. */
static void begin(struct input *in)
{
	uint8_t how = take_u8(in), nr = take_u8(in);
	struct ipcx_loan_limits limits = { .flags = how & IPCX_RING_HUGE, .nr = nr % 8 + 1, .len = take_u8(in) * 8 + 1U };
	int fd = ipcx_loan_create(NULL, &limits, NULL);
	off_t len = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	char *from;

	REQUIRE(len > 0, "%d", fd);
	/* in memory of ours, since what is created may be a region of the module */
	from = mmap(NULL, (size_t)len, PROT_READ, MAP_SHARED, fd, 0);
	if (from == MAP_FAILED)
		abort();
	peer_begin(in, (size_t)len + (how & 0x40 ? nr : 0));
	memcpy(peer.base, from, (size_t)len);
	munmap(from, (size_t)len);
	close(fd);
	if (how & 0x80)
		*(uint64_t *)peer.base = take_u64(in);
	for (unsigned int left = how >> 2 & 7; left; left--)
		take_strike(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct ipcx_loans loans[2];
	struct ipcx_loan held[NR_LOANS] = { 0 };
	struct input in = { bytes, len };
	bool attached[2] = { 0 };
	int ret;

	begin(&in);
	while (in.left) {
		uint8_t what = take_u8(&in), which = what & 1;

		if (what & 0x40) {
			take_strike(&in);
		} else if (!attached[which]) {
			ret = ipcx_loan_attach(&loans[which], peer.fd, what >> 1 & 3 ?: 3);
			require_documented("ipcx_loan_attach", ret, attaches);
			attached[which] = !ret;
			if (!ret)
				ipcx_loan_set_spin(&loans[which], what & 8 ? 1000 : 0);
		} else if ((what & 0x3e) == 0x3e) {
			ret = ipcx_loan_detach(&loans[which]);
			REQUIRE(!ret, "%d", ret);
			attached[which] = false;
			/* who has nothing any more gets nothing */
			require_documented("ipcx_loan_take", ipcx_loan_take(&loans[which], &held[0], IPCX_NOWAIT, 0), takes);
		} else {
			one_call(&loans[which], held, &in);
		}
	}
	for (int i = 0; i < 2; i++)
		if (attached[i])
			ipcx_loan_detach(&loans[i]);
	peer_end();
	return 0;
}
