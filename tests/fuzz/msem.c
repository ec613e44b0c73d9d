// SPDX-License-Identifier: GPL-2.0
/*
 * Mapped semaphores over hostile memory: as tests/fuzz/ring.c.  If this fails, a process that shares a semaphore with
 * another can be made to crash or to hang, or sees more units than there can be.
 */
#include <limits.h>

#include "shared-memory.h"

static const int waits[] = { EAGAIN, EINTR, EINVAL, ETIMEDOUT, 0 };
static const int posts[] = { EINVAL, EOVERFLOW, 0 };
static const int attaches[] = { EINVAL, ENODATA, ENOMEM, EPERM, 0 };

static void one_call(struct ipcx_msem *sem, struct input *in)
{
	uint8_t what = take_u8(in);
	unsigned int nr = what & 0x80 ? take_u32(in) : take_u8(in) % 4, flags;
	uint64_t end;
	int ret;

	end = take_patience(in, &flags);
	switch (what % 4) {
	case 0:
		require_documented("ipcx_msem_post", ipcx_msem_post(sem, nr), posts);
		break;
	case 1:
		require_documented("ipcx_msem_wait", ipcx_msem_wait(sem, nr, flags, end), waits);
		break;
	case 2:
		require_documented("ipcx_msem_trywait", ipcx_msem_trywait(sem, nr), waits);
		break;
	default:
		ret = ipcx_msem_value(sem);
		REQUIRE(ret >= 0, "%d units", ret);
	}
}

static int begin_use(struct ipcx_msem *sem, struct input *in, uint8_t what)
{
	unsigned int initial, max;
	int ret;

	if (what & 8) {
		initial = take_u8(in) % 4;
		max = what & 16 ? take_u32(in) : 0;
		ret = ipcx_msem_place(sem, peer.base + (what & 32 ? take_u8(in) : 0), initial, max);
	} else {
		ret = ipcx_msem_attach(sem, peer.fd);
	}
	require_documented("ipcx_msem_attach", ret, attaches);
	if (!ret)
		ipcx_msem_set_spin(sem, what & 4 ? 1000 : 0);
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct ipcx_msem sems[2];
	struct input in = { bytes, len };
	bool attached[2] = { 0 };
	uint8_t how = take_u8(&in);

	/* too little memory, just enough, and more */
	peer_begin(&in, how & 1 ? how : IPCX_MSEM_SIZE + 256);
	for (int i = 0; i < 3 && peer.len >= 24; i++)
		((uint64_t *)peer.base)[i] = how & 2 << i ? take_u64(&in) : 0;
	while (in.left) {
		uint8_t what = take_u8(&in), which = what & 1;

		if (what & 0x40) {
			take_strike(&in);
		} else if (!attached[which]) {
			/* a place of the caller's must have room */
			if (peer.len < IPCX_MSEM_SIZE + 256)
				what &= ~8;
			attached[which] = !begin_use(&sems[which], &in, what);
		} else if ((what & 0x3e) == 0x3e) {
			int ret = ipcx_msem_detach(&sems[which]);

			REQUIRE(!ret, "%d", ret);
			attached[which] = false;
			REQUIRE(ipcx_msem_detach(&sems[which]) == -EBADF, "detached twice");
		} else {
			one_call(&sems[which], &in);
		}
	}
	for (int i = 0; i < 2; i++)
		if (attached[i])
			ipcx_msem_detach(&sems[i]);
	peer_end();
	return 0;
}
