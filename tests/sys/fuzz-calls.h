/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the ABI's fuzzer does with descriptors besides the module's commands, and what it draws arguments from: see
 * fuzz-steps.h.
 */
#ifndef FUZZ_CALLS_H
#define FUZZ_CALLS_H

#include "object.h"

#define NR_FDS		16
#define ARENA		(16 * PAGE)

/* What else can be done with a descriptor. */
enum { READ = 0x2c, WRITE, READV, POLL, MMAP, DUP, CLOSE, NONBLOCK, ASYNC, PEEK_LEN, SPLICE, FDINFO, FORK };

static int fds[NR_FDS];
static char *arena;

static uint32_t draw(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

static uint64_t odd_number(uint64_t *state)
{
	static const uint64_t odd[] = { 0, 1, 2, 7, 8, 255, 4095, 4096, 4097, 65535, 65536, 1 << 20, 1 << 24, INT32_MAX,
					UINT32_MAX, 1ull << 32, INT64_MAX, 1ull << 63, UINT64_MAX };

	return odd[draw(state) % (sizeof(odd) / sizeof(odd[0]))] + (draw(state) % 8 ? 0 : draw(state) % 3 - 1);
}

static void *address(uint64_t *state)
{
	switch (draw(state) % 24) {
	case 0:
		return NULL;
	case 1:
		return (void *)BAD_PTR;
	case 2:
		return arena + ARENA - draw(state) % 64;	/* what follows is not there */
	case 3:
		return (void *)odd_number(state);
	default:
		return arena + PAGE + draw(state) % 512 * 16;
	}
}

static void keep_fd(int fd, uint64_t *state)
{
	int *place = &fds[2 + draw(state) % (NR_FDS - 2)];

	close(__atomic_exchange_n(place, fd, __ATOMIC_RELAXED));
}

static void other(int what, int fd, uint64_t *state)
{
	struct iovec v[2] = { { address(state), draw(state) % 300 }, { address(state), draw(state) % 9000 } };
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
	char path[64], text[2000];
	int ret, pipes[2];
	void *map;

	switch (what) {
	case READ:
		ret = read(fd, address(state), draw(state) % 3 ? 8 : draw(state) % 9000);
		break;
	case WRITE:
		ret = write(fd, address(state), draw(state) % 3 ? 8 : draw(state) % 9000);
		break;
	case READV:
		ret = draw(state) % 2 ? readv(fd, v, 2) : writev(fd, v, 2);
		break;
	case POLL:
		poll(&p, 1, 0);
		break;
	case MMAP:
		map = mmap(NULL, PAGE * (1 + draw(state) % 3), PROT_READ | PROT_WRITE,
			   draw(state) % 3 ? MAP_SHARED : MAP_PRIVATE, fd, PAGE * (draw(state) % 3));
		if (map != MAP_FAILED) {
			/* beyond its end is SIGBUS, which ends this process */
			((volatile char *)map)[0] = 1;
			munmap(map, PAGE);
		}
		break;
	case DUP:
		keep_fd(dup(fd), state);
		break;
	case CLOSE:
		if (fd != fds[0])
			close(fd);
		break;
	case NONBLOCK:
		fcntl(fd, F_SETFL, draw(state) % 2 ? O_NONBLOCK : 0);
		break;
	case ASYNC:
		fcntl(fd, F_SETOWN, getpid());
		fcntl(fd, F_SETSIG, SIGURG);
		fcntl(fd, F_SETFL, draw(state) % 2 ? O_ASYNC : 0);
		break;
	case PEEK_LEN:
		ioctl(fd, FIONREAD, address(state));
		break;
	case SPLICE:
		if (!pipe(pipes)) {
			ret = splice(fd, NULL, pipes[1], NULL, draw(state) % 9000, SPLICE_F_NONBLOCK);
			ret = splice(pipes[0], NULL, fd, NULL, draw(state) % 9000, SPLICE_F_NONBLOCK);
			close(pipes[0]);
			close(pipes[1]);
		}
		break;
	case FDINFO:
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
		ret = open(path, O_RDONLY);
		if (ret >= 0 && read(ret, text, sizeof(text)) < 0)
			break;
		close(ret);
		break;
	case FORK:
		if (!fork())
			_exit(0);
		break;
	}
	(void)ret;
}

#endif
