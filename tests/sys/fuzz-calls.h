/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the ABI's fuzzer does with descriptors besides the module's commands, and what it draws arguments from: see
 * fuzz-steps.h.
 */
#ifndef FUZZ_CALLS_H
#define FUZZ_CALLS_H

#include "object.h"

#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/sendfile.h>

#define NR_FDS		16
#define ARENA		(16 * PAGE)

/* What else can be done with a descriptor. */
enum { READ = 0x2c, WRITE, READV, POLL, MMAP, DUP, CLOSE, NONBLOCK, ASYNC, PEEK_LEN, SPLICE, FDINFO, FORK,
       POSITIONED, FALLOCATE, TRUNCATE, SEALS, SEEK, MAP, ADVISE, PROTECT, REMAP, TOUCH, EPOLL_CTL, EPOLL_WAIT, PPOLL, PASS,
       DUP3, PIPES, PIPE_SIZE, SPLICE_TO, TEE, VMSPLICE, SENDFILE, COPY, LAST_CALL = COPY };

#define NR(table)	(sizeof(table) / sizeof((table)[0]))

static int fds[NR_FDS];
/* What there is at first: most calls are refused of anything else. */
enum { FIRST_QUEUE = 1, FIRST_SEM, FIRST_EVENT, FIRST_REGION, FIRST_STREAM, FIRST_WAIT_SET, FIRST_BROADCAST };
static char *arena;

/*
 * Where regions are mapped to stay.  The kernel puts nothing there that is not asked for, so that what is taken out or
 * moved away leaves room for nothing else, which the next mapping would destroy.
 */
#define WINDOW		((char *)0x10000000000ul)
#define WINDOW_PAGES	8

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

/* There from the first step on that needs them: what waits, a pipe with something in it and an empty one, and mappings. */
static int epoll = -1, pipe_ends[4] = { -1, -1, -1, -1 };

static void make_helpers(void)
{
	static const char bytes[300];

	/* where one is missing, -1 is as good as any */
	epoll = epoll_create1(0);
	for (int i = 0; i < 4; i += 2)
		if (pipe(pipe_ends + i))
			return;
	if (write(pipe_ends[1], bytes, sizeof(bytes)) < 0)
		return;
	for (int i = 0; i < 4; i += 2)
		mmap(WINDOW + i * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fds[FIRST_REGION], 0);
}

static void need_helpers(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_helpers);
}

/* ---- arguments of system calls ---- */

static int any_fd(uint64_t *state)
{
	return fds[draw(state) % NR_FDS];
}

static int or_region(int fd, uint64_t *state)
{
	return draw(state) % 2 ? fd : fds[FIRST_REGION];
}

/* A stream or a region, or sometimes anything. */
static int or_made(int fd, uint64_t *state)
{
	int which = draw(state) % 4;

	return which == 0 ? fd : fds[which == 1 ? FIRST_REGION : FIRST_STREAM];
}

/* @end: 0 to read from, 1 to write to */
static int pipe_end(int end, uint64_t *state)
{
	int other = any_fd(state);

	return draw(state) % 8 ? pipe_ends[draw(state) % 2 * 2 + end] : other;
}

static off_t position(uint64_t *state)
{
	uint64_t odd = odd_number(state), page = PAGE * (draw(state) % 3);

	return draw(state) % 6 == 0 ? odd : page + (draw(state) % 2 ? 0 : draw(state) % PAGE);
}

static size_t length(uint64_t *state)
{
	uint64_t odd = odd_number(state);

	return draw(state) % 8 == 0 ? odd : 1 + draw(state) % (draw(state) % 2 ? 64 : 9000);
}

/* Where an argument may be, or what is mapped. */
static void *buffer(uint64_t *state)
{
	return draw(state) % 4 ? address(state) : WINDOW + draw(state) % (4 * PAGE);
}

/* Pages of the window, or sometimes those of the arguments, which are in a region then. */
static char *pages(size_t *len, uint64_t *state)
{
	*len = PAGE * (1 + draw(state) % 2);
	return draw(state) % 4 ? WINDOW + PAGE * (draw(state) % 4) : arena + PAGE;
}

/* ---- mappings ---- */

static long map_region(int fd, uint64_t *state)
{
	int prot = draw(state) % 3 ? PROT_READ | PROT_WRITE : draw(state) % 8;
	int flags = MAP_FIXED | (draw(state) % 4 ? MAP_SHARED : MAP_PRIVATE);
	off_t offset = PAGE * (draw(state) % 2);
	struct stat st;
	size_t len;
	char *at = pages(&len, state);

	if (draw(state) % 4 == 0)
		flags |= draw(state) % 2 ? MAP_POPULATE : MAP_LOCKED;
	if (at != arena + PAGE) {
		if (draw(state) % 8 == 0)
			return munmap(at, len);
		return mmap(at, len, prot, flags, fd, offset) == MAP_FAILED ? -1 : 0;
	}
	/* the arguments of what follows are going to be written there */
	if (fstat(fd, &st) || st.st_size < (off_t)len)
		return -1;
	return mmap(at, len, PROT_READ | PROT_WRITE, flags, fd, 0) == MAP_FAILED ? -1 : 0;
}

static long advise(uint64_t *state)
{
	/* none that takes memory away from the machine */
	static const int advice[] = { MADV_DONTNEED, MADV_REMOVE, MADV_REMOVE, MADV_FREE, MADV_WILLNEED, MADV_COLD, MADV_PAGEOUT,
				      MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_MERGEABLE, MADV_HUGEPAGE, MADV_DONTFORK,
				      MADV_DOFORK, MADV_WIPEONFORK, MADV_SEQUENTIAL, MADV_NORMAL };
	size_t len;
	char *at = pages(&len, state);

	return madvise(at, len, advice[draw(state) % NR(advice)]);
}

/* Only in the window: of what the arguments are in, this process would die. */
static long remap(uint64_t *state)
{
	char *at = WINDOW + PAGE * (draw(state) % 4), *to = WINDOW + PAGE * (draw(state) % WINDOW_PAGES);
	size_t old = PAGE * (draw(state) % 3), new = PAGE * (1 + draw(state) % 3);
	int flags;

	switch (draw(state) % 4) {
	case 0:
		flags = draw(state) % 2 ? MREMAP_MAYMOVE : 0;
		break;
	case 1:
		flags = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
		break;
	default:
		flags = MREMAP_MAYMOVE | MREMAP_FIXED;
		break;
	}
	return mremap(at, old, new, flags, to) == MAP_FAILED ? -1 : 0;
}

/* Mostly by calls that fail where this process would be killed. */
static long touch(uint64_t *state)
{
	static const struct timespec soon = { .tv_nsec = 100000 };
	char here[300], *at, *page;
	struct iovec near = { here, sizeof(here) }, far = { NULL, sizeof(here) };
	size_t len;

	page = pages(&len, state);
	at = page + draw(state) % PAGE / 8 * 8;
	far.iov_base = at;
	switch (draw(state) % 16) {
	case 0:
		return ((volatile char *)at)[0]++;
	case 1:
		return syscall(SYS_futex, at, FUTEX_WAKE, 1, NULL, NULL, 0);
	case 2:
		return process_vm_readv(getpid(), &near, 1, &far, 1, 0);
	case 3:
		memset(here, draw(state), sizeof(here));
		return process_vm_writev(getpid(), &near, 1, &far, 1, 0);
	case 4:
		return syscall(SYS_futex, at, FUTEX_WAIT, draw(state) % 2, &soon, NULL, 0);
	case 5:
		return msync(page, len, 1 << draw(state) % 3);
	case 6:
		return draw(state) % 2 ? mlock(page, len) : munlock(page, len);
	case 7:
		return mincore(page, len, (void *)here);
	default:
		return getrandom(at, sizeof(here), GRND_NONBLOCK);
	}
}

/* ---- descriptors on their way, and what waits for them ---- */

static long add_to_epoll(int fd, uint64_t *state)
{
	static const int what[] = { EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL };
	static const uint32_t how[] = { EPOLLET, EPOLLONESHOT, EPOLLEXCLUSIVE, EPOLLRDHUP | EPOLLPRI };
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT, .data.u64 = draw(state) };
	int in = any_fd(state);

	if (draw(state) % 2)
		ev.events = how[draw(state) % NR(how)] | (draw(state) % 2 ? EPOLLIN : EPOLLOUT);
	if (draw(state) % 8)
		in = epoll;
	return epoll_ctl(in, what[draw(state) % NR(what)], fd, &ev);
}

static long poll_many(int fd, uint64_t *state)
{
	struct pollfd p[8] = { { .fd = fd, .events = draw(state) } };
	static const struct timespec now;
	sigset_t none;

	sigemptyset(&none);
	for (size_t i = 1; i < NR(p); i++)
		p[i] = (struct pollfd){ .fd = any_fd(state), .events = draw(state) };
	return ppoll(p, 1 + draw(state) % NR(p), &now, draw(state) % 2 ? &none : NULL);
}

/* What a message brought, and what of it was cut off, is closed with the process at the latest. */
static void keep_received(struct msghdr *msg, uint64_t *state)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	int fd;

	if (!c || c->cmsg_type != SCM_RIGHTS)
		return;
	for (size_t at = 0; at + sizeof(fd) <= c->cmsg_len - CMSG_LEN(0); at += sizeof(fd)) {
		memcpy(&fd, CMSG_DATA(c) + at, sizeof(fd));
		keep_fd(fd, state);
	}
}

/*
 * Through a socket, or into one that stays with what is in it.  The sockets themselves are not sent by a number that
 * has become theirs: a circle of them would stay until the kernel looks for such.
 */
static long pass(int fd, uint64_t *state)
{
	union { struct cmsghdr head; char room[CMSG_SPACE(3 * sizeof(int))]; } control = { 0 };
	struct iovec byte = { "x", 1 };
	struct msghdr msg = { .msg_iov = &byte, .msg_iovlen = 1, .msg_control = &control };
	int ends[2], sent[3] = { fd, any_fd(state), any_fd(state) }, nr = draw(state) % 4 ? 1 : 3;
	char got;
	long ret;

	if (socketpair(AF_UNIX, draw(state) % 2 ? SOCK_STREAM : SOCK_DGRAM, 0, ends))
		return -1;
	for (int i = 0; i < nr; i++)
		if (sent[i] == ends[0] || sent[i] == ends[1])
			sent[i] = -1;
	msg.msg_controllen = CMSG_SPACE(nr * sizeof(int));
	control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(nr * sizeof(int)), .cmsg_level = SOL_SOCKET,
					 .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&control.head), sent, nr * sizeof(int));
	ret = sendmsg(ends[0], &msg, MSG_DONTWAIT);
	if (ret > 0 && draw(state) % 8 == 0) {
		keep_fd(ends[1], state);
		ends[1] = -1;
	} else if (ret > 0 && draw(state) % 8) {
		byte.iov_base = &got;
		msg.msg_controllen = CMSG_SPACE((draw(state) % 8 ? 3 : 1) * sizeof(int));
		ret = recvmsg(ends[1], &msg, MSG_DONTWAIT | (draw(state) % 4 ? 0 : MSG_PEEK));
		if (ret > 0)
			keep_received(&msg, state);
	}
	close(ends[0]);
	close(ends[1]);
	return ret;
}

/* The file under a number changes at once. */
static long replace(int fd, uint64_t *state)
{
	int to = any_fd(state);

	return to <= 2 || to == fds[0] ? -1 : dup3(fd, to, draw(state) % 2 ? O_CLOEXEC : 0);
}

/* ---- pipes and streams ---- */

static long keep_pipe(uint64_t *state)
{
	int ends[2];

	if (pipe2(ends, draw(state) % 2 ? 0 : draw(state) % 2 ? O_NONBLOCK : O_DIRECT))
		return -1;
	keep_fd(ends[0], state);
	keep_fd(ends[1], state);
	return 0;
}

static long splice_to(int what, int fd, uint64_t *state)
{
	static const unsigned int flags[] = { 0, SPLICE_F_NONBLOCK, SPLICE_F_MOVE, SPLICE_F_MORE | SPLICE_F_NONBLOCK };
	unsigned int how = flags[draw(state) % NR(flags)];
	int from_pipe = pipe_end(0, state), to_pipe = pipe_end(1, state), file = or_made(fd, state);
	off_t from = position(state), to = position(state);
	bool with_from = draw(state) % 4 == 0, with_to = draw(state) % 4 == 0;
	size_t len = length(state);
	struct iovec v = { buffer(state), len };

	switch (what) {
	case SPLICE_TO:
		if (draw(state) % 2)
			return splice(file, with_from ? &from : NULL, to_pipe, NULL, len, how);
		return splice(from_pipe, NULL, file, with_to ? &to : NULL, len, how);
	case TEE:
		return tee(from_pipe, to_pipe, len, how);
	case VMSPLICE:
		return vmsplice(draw(state) % 4 ? to_pipe : from_pipe, &v, 1, how | (with_from ? SPLICE_F_GIFT : 0));
	case SENDFILE:
		return sendfile(draw(state) % 2 ? to_pipe : file, or_region(fd, state), with_from ? &from : NULL, len);
	default:
		return copy_file_range(or_region(fd, state), &from, file, &to, len, 0);
	}
}

/* ---- files ---- */

static long positioned(int fd, uint64_t *state)
{
	int kind = draw(state) % 4, flags = draw(state) % 3 ? 0 : 1 << draw(state) % 5;
	off_t at = position(state);
	struct iovec v[2] = { { buffer(state), length(state) }, { buffer(state), 9 } };

	/* by its own position, as read() does: the only one that a queue has */
	if (kind >= 2 && draw(state) % 2)
		at = -1;
	switch (kind) {
	case 0:
		return pread(fd, v[0].iov_base, v[0].iov_len, at);
	case 1:
		return pwrite(fd, v[0].iov_base, v[0].iov_len, at);
	case 2:
		return preadv2(fd, v, 2, at, flags);
	default:
		return pwritev2(fd, v, 2, at, flags);
	}
}

static long allocate(int fd, uint64_t *state)
{
	static const int modes[] = { 0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
				     FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, FALLOC_FL_ZERO_RANGE, FALLOC_FL_COLLAPSE_RANGE };
	int mode = modes[draw(state) % NR(modes)];
	off_t at = position(state);

	return fallocate(fd, draw(state) % 16 ? mode : (int)draw(state) % 256, at, length(state));
}

static long seals(int fd, uint64_t *state)
{
	int add = 1 << draw(state) % 6;

	return draw(state) % 2 ? fcntl(fd, F_GET_SEALS) : fcntl(fd, F_ADD_SEALS, add);
}

static long other(int what, int fd, uint64_t *state)
{
	struct iovec v[2] = { { address(state), draw(state) % 300 }, { address(state), draw(state) % 9000 } };
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
	struct epoll_event events[8];
	char path[64], text[2000];
	int pipes[2], to;
	long ret = 0;
	off_t size;
	void *map;

	if (what >= POSITIONED)
		need_helpers();
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
		ret = poll(&p, 1, 0);
		break;
	case MMAP:
		map = mmap(NULL, PAGE * (1 + draw(state) % 3), PROT_READ | PROT_WRITE,
			   draw(state) % 3 ? MAP_SHARED : MAP_PRIVATE, fd, PAGE * (draw(state) % 3));
		ret = map == MAP_FAILED ? -1 : 0;
		if (!ret) {
			/* beyond its end is SIGBUS, which ends this process */
			((volatile char *)map)[0] = 1;
			munmap(map, PAGE);
		}
		break;
	case DUP:
		ret = dup(fd);
		keep_fd(ret, state);
		break;
	case CLOSE:
		if (fd != fds[0])
			ret = close(fd);
		break;
	case NONBLOCK:
		ret = fcntl(fd, F_SETFL, draw(state) % 2 ? O_NONBLOCK : 0);
		break;
	case ASYNC:
		fcntl(fd, F_SETOWN, getpid());
		fcntl(fd, F_SETSIG, SIGURG);
		ret = fcntl(fd, F_SETFL, draw(state) % 2 ? O_ASYNC : 0);
		break;
	case PEEK_LEN:
		ret = ioctl(fd, FIONREAD, address(state));
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
	case POSITIONED:
		return positioned(or_region(fd, state), state);
	case FALLOCATE:
		return allocate(or_region(fd, state), state);
	case TRUNCATE:
		size = draw(state) % 3 ? 2 * PAGE : odd_number(state);
		return ftruncate(or_region(fd, state), size);
	case SEALS:
		return seals(or_region(fd, state), state);
	case SEEK:
		size = position(state);
		return lseek(or_region(fd, state), size, draw(state) % 6);
	case MAP:
		return map_region(or_region(fd, state), state);
	case ADVISE:
		return advise(state);
	case PROTECT:
		return mprotect(WINDOW + PAGE * (draw(state) % 4), PAGE, draw(state) % 8);
	case REMAP:
		return remap(state);
	case TOUCH:
		return touch(state);
	case EPOLL_CTL:
		return add_to_epoll(fd, state);
	case EPOLL_WAIT:
		if (draw(state) % 8 == 0)
			keep_fd(dup(epoll), state);
		return epoll_wait(epoll, events, NR(events), 0);
	case PPOLL:
		return poll_many(fd, state);
	case PASS:
		return pass(fd, state);
	case DUP3:
		return replace(fd, state);
	case PIPES:
		return keep_pipe(state);
	case PIPE_SIZE:
		to = draw(state) % 2 ? pipe_end(0, state) : or_made(fd, state);
		return draw(state) % 2 ? fcntl(to, F_GETPIPE_SZ) : fcntl(to, F_SETPIPE_SZ, PAGE << draw(state) % 5);
	case SPLICE_TO:
	case TEE:
	case VMSPLICE:
	case SENDFILE:
	case COPY:
		return splice_to(what, fd, state);
	}
	return ret;
}

#endif
