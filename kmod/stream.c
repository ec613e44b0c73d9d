// SPDX-License-Identifier: GPL-2.0
/*
 * Streams: bytes in their order, with the semantics of a pipe.
 *
 * The bytes lie in a ring of pages.  A reader copies from its front and a writer to its end without a spinlock, each
 * side under a mutex of its own, which nobody holds while waiting for the other side: so a peer whose memory is slow
 * to reach delays its own side only.
 */
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/uio.h>

#include "ipcx.h"
#include "ipcx_trace.h"
#include "message.h"
#include "stream.h"

#define DEFAULT_CAPACITY	SZ_64K
#define CAPACITY_MAX		SZ_1G

/* Pages that an empty stream keeps, to be used again. */
#define KEEP_PAGES		16

/**
 * struct writer - a write that waits for room
 * @wait:	its place in the line
 * @need:	bytes of room without which it cannot go on
 */
struct writer {
	struct ipcx_waiter wait;
	size_t need;
};

static size_t capacity(const struct ipcx_stream *s)
{
	return s->nr_pages << PAGE_SHIFT;
}

static size_t bytes_in(const struct ipcx_stream *s)
{
	return s->tail - s->head;
}

static size_t room_in(const struct ipcx_stream *s)
{
	return capacity(s) - bytes_in(s);
}

/* ---- who is at the other end ---- */

/*
 * What a file with one direction only has seen of the other one is told by its f_pos, which a stream has no other
 * use for: how many had come when it was opened, or one less if it need not wait for the first.  So a stream that
 * nobody has written to yet is not at its end, as a FIFO's reader waits in open(2).  A file with both directions is
 * its own peer.
 */
static bool is_at_end_locked(const struct ipcx_stream *s, const struct file *file)
{
	if (s->obj.state & (IPCX_OBJECT_SHUT_SEND | IPCX_OBJECT_SHUT_RECV))
		return true;
	return !s->nr_writers && s->writers_come != (u32)file->f_pos;
}

static bool is_broken_locked(const struct ipcx_stream *s, const struct file *file)
{
	if (s->obj.state & (IPCX_OBJECT_SHUT_SEND | IPCX_OBJECT_SHUT_RECV))
		return true;
	return !s->nr_readers && s->readers_come != (u32)file->f_pos;
}

static int stream_opened(struct ipcx_object *obj, struct file *file)
{
	struct ipcx_stream *s = ipcx_stream_of(obj);
	u32 rights = ipcx_file_rights(file);

	file->f_mode |= FMODE_NOWAIT;
	spin_lock(&obj->lock);
	if (rights == IPCX_READ)
		file->f_pos = s->writers_come - (s->nr_writers || bytes_in(s));
	else if (rights == IPCX_WRITE)
		file->f_pos = s->readers_come - !!s->nr_readers;
	if (rights & IPCX_READ) {
		s->nr_readers++;
		s->readers_come++;
	}
	if (rights & IPCX_WRITE) {
		s->nr_writers++;
		s->writers_come++;
	}
	spin_unlock(&obj->lock);
	return 0;
}

/* The last one of a direction ends the waits of the other. */
static void stream_closed(struct ipcx_object *obj, struct file *file)
{
	struct ipcx_stream *s = ipcx_stream_of(obj);
	u32 rights = ipcx_file_rights(file);
	IPCX_WAKES(wakes);

	spin_lock(&obj->lock);
	if (rights & IPCX_READ && !--s->nr_readers)
		ipcx_line_serve_first_locked(&s->writers, U32_MAX, 0, &wakes);
	if (rights & IPCX_WRITE && !--s->nr_writers)
		ipcx_line_serve_first_locked(&s->readers, U32_MAX, 0, &wakes);
	spin_unlock(&obj->lock);
	ipcx_wake(&wakes);
	ipcx_object_notify(obj, EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLERR);
}

/* ---- waiting: whoever is served looks again, and serves the next if there is something left ---- */

static void serve_readers_locked(struct ipcx_stream *s, struct ipcx_wakes *wakes)
{
	lockdep_assert_held(&s->obj.lock);
	if (bytes_in(s))
		ipcx_line_serve_first_locked(&s->readers, 1, 0, wakes);
}

static void serve_writers_locked(struct ipcx_stream *s, struct ipcx_wakes *wakes)
{
	struct writer *w, *next;

	lockdep_assert_held(&s->obj.lock);
	list_for_each_entry_safe(w, next, &s->writers.waiters, wait.node) {
		if (room_in(s) < w->need && !ipcx_waiter_is_claimed(&w->wait))
			break;
		if (ipcx_line_serve_locked(&s->writers, &w->wait, 0, wakes))
			break;
	}
}

/* A read or write ends: those who wait behind it may go on, if it leaves them something. */
static void pass_on(struct ipcx_stream *s, struct ipcx_line *line)
{
	IPCX_WAKES(wakes);

	if (list_empty_careful(&line->waiters))
		return;
	spin_lock(&s->obj.lock);
	if (line == &s->readers)
		serve_readers_locked(s, &wakes);
	else
		serve_writers_locked(s, &wakes);
	spin_unlock(&s->obj.lock);
	ipcx_wake(&wakes);
}

/* ---- the ring ---- */

static void **page_at(const struct ipcx_stream *s, size_t pos)
{
	return &s->pages[(pos >> PAGE_SHIFT) & (s->nr_pages - 1)];
}

static void free_page_of(struct ipcx_stream *s, void **page)
{
	if (!*page)
		return;
	free_page((unsigned long)*page);
	*page = NULL;
	WRITE_ONCE(s->nr_held, s->nr_held - 1);
	ipcx_uncharge(&s->obj, PAGE_SIZE);
}

/* A page of the ring that is not there yet: -ENOMEM, -EDQUOT. */
static int get_page_of(struct ipcx_stream *s, void **page)
{
	int ret;

	if (likely(*page))
		return 0;
	ret = ipcx_charge(&s->obj, PAGE_SIZE);
	if (ret)
		return ret;
	*page = (void *)__get_free_page(GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!*page) {
		ipcx_uncharge(&s->obj, PAGE_SIZE);
		return -ENOMEM;
	}
	WRITE_ONCE(s->nr_held, s->nr_held + 1);
	return 0;
}

/* In how many pages @len bytes at @pos are. */
static u32 nr_pieces(size_t pos, size_t len)
{
	return DIV_ROUND_UP(offset_in_page(pos) + len, PAGE_SIZE);
}

/* Copy @len bytes to @pos; returns how many could be, with the reason in @err if that is fewer. */
static __always_inline size_t copy_in_pages(struct ipcx_stream *s, size_t pos, struct ipcx_buf *buf, size_t len, int *err)
{
	size_t done = 0;

	while (done < len) {
		size_t offset = offset_in_page(pos + done), nr = min(len - done, PAGE_SIZE - offset);
		void **page = page_at(s, pos + done);

		*err = get_page_of(s, page);
		if (*err)
			break;
		if (!ipcx_copy_in(*page + offset, buf, nr)) {
			*err = -EFAULT;
			break;
		}
		done += nr;
		if (nr == PAGE_SIZE)
			cond_resched();
	}
	return done;
}

static noinline size_t copy_in_traced(struct ipcx_stream *s, size_t pos, struct ipcx_buf *buf, size_t len, int *err)
{
	u64 start = ktime_get_ns();
	size_t done = copy_in_pages(s, pos, buf, len, err);

	trace_ipcx_copy_in(&s->obj, done, nr_pieces(pos, done), ktime_get_ns() - start);
	return done;
}

static size_t copy_in(struct ipcx_stream *s, size_t pos, struct ipcx_buf *buf, size_t len, int *err)
{
	if (trace_ipcx_copy_in_enabled())
		return copy_in_traced(s, pos, buf, len, err);
	return copy_in_pages(s, pos, buf, len, err);
}

static __always_inline size_t copy_out_pages(struct ipcx_stream *s, size_t pos, struct ipcx_buf *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		size_t offset = offset_in_page(pos + done), nr = min(len - done, PAGE_SIZE - offset);

		if (!ipcx_copy_out(*page_at(s, pos + done) + offset, buf, nr))
			break;
		done += nr;
		if (nr == PAGE_SIZE)
			cond_resched();
	}
	return done;
}

static noinline size_t copy_out_traced(struct ipcx_stream *s, size_t pos, struct ipcx_buf *buf, size_t len)
{
	u64 start = ktime_get_ns();
	size_t done = copy_out_pages(s, pos, buf, len);

	trace_ipcx_copy_out(&s->obj, done, nr_pieces(pos, done), ktime_get_ns() - start);
	return done;
}

static size_t copy_out(struct ipcx_stream *s, size_t pos, struct ipcx_buf *buf, size_t len)
{
	if (trace_ipcx_copy_out_enabled())
		return copy_out_traced(s, pos, buf, len);
	return copy_out_pages(s, pos, buf, len);
}

/* ---- reading ---- */

/* @nr bytes have been read. */
static void advance_head(struct ipcx_stream *s, size_t nr, struct ipcx_wakes *wakes)
{
	spin_lock(&s->obj.lock);
	s->head += nr;
	if (s->head == s->tail && !s->copying_in) {
		/* empty: begin again, on a page that is there and in the processor's cache */
		s->head = s->tail = 0;
	} else if (s->head >= capacity(s)) {
		s->head -= capacity(s);
		s->tail -= capacity(s);
	}
	if (!list_empty(&s->writers.waiters))
		serve_writers_locked(s, wakes);
	spin_unlock(&s->obj.lock);
}

/* A stream that has been read empty gives back what it does not need to have at hand; @reading is held. */
static noinline void trim(struct ipcx_stream *s)
{
	size_t i;

	/* without a lock: whether it is worth to look */
	if (data_race(bytes_in(s)) || !mutex_trylock(&s->writing))
		return;
	for (i = KEEP_PAGES; i < s->nr_pages && s->nr_held > KEEP_PAGES && !bytes_in(s); i++) {
		free_page_of(s, &s->pages[i]);
		cond_resched();
	}
	mutex_unlock(&s->writing);
}

/* Take the mutex of one side, whose holder is copying: -EAGAIN, -ERESTARTSYS. */
static int enter_side(struct mutex *side, u32 flags)
{
	if (likely(mutex_trylock(side)))
		return 0;
	if (flags & NEVER_SLEEP)
		return -EAGAIN;
	return mutex_lock_interruptible(side) ? -ERESTARTSYS : 0;
}

/* How many bytes there are to read, and where; @reading is held. */
static size_t readable(struct ipcx_stream *s, size_t *pos)
{
	size_t nr;

	spin_lock(&s->obj.lock);
	nr = s->obj.state & IPCX_OBJECT_SHUT_RECV ? 0 : bytes_in(s);
	*pos = s->head;
	spin_unlock(&s->obj.lock);
	return nr;
}

/* Wait until there is something to read: 0 to look again, -EPIPE at the end, -EAGAIN, -ERESTARTSYS. */
int ipcx_stream_wait_for_bytes(struct ipcx_stream *s, const struct file *file, u32 flags)
{
	struct ipcx_waiter w;
	int ret = 0;

	spin_lock(&s->obj.lock);
	if (bytes_in(s) && !(s->obj.state & IPCX_OBJECT_SHUT_RECV))
		goto out;
	ret = -EPIPE;
	if (is_at_end_locked(s, file))
		goto out;
	return ipcx_line_wait(file, &s->readers, &w, flags, IPCX_FOREVER);

out:
	spin_unlock(&s->obj.lock);
	return ret;
}

static ssize_t read_bytes(struct file *file, struct ipcx_buf buf, size_t len, u32 flags)
{
	struct ipcx_stream *s = ipcx_stream_of(ipcx_object(file));
	IPCX_WAKES(wakes);
	size_t pos, nr;
	ssize_t ret;

	if (!len)
		return 0;
	for (;;) {
		ret = enter_side(&s->reading, flags);
		if (ret)
			break;
		nr = readable(s, &pos);
		if (likely(nr))
			break;
		/* nobody holds a side while waiting for the other */
		mutex_unlock(&s->reading);
		ret = ipcx_stream_wait_for_bytes(s, file, flags);
		if (ret)
			return ret == -EPIPE ? 0 : ret;
	}
	if (!ret) {
		nr = copy_out(s, pos, &buf, min(nr, len));
		if (likely(nr))
			advance_head(s, nr, &wakes);
		if (unlikely(READ_ONCE(s->nr_held) > KEEP_PAGES))
			trim(s);
		mutex_unlock(&s->reading);
		ipcx_wake(&wakes);
		ret = nr ? nr : -EFAULT;
		if (nr)
			ipcx_object_notify(&s->obj, EPOLLOUT | EPOLLWRNORM);
	}
	pass_on(s, &s->readers);
	return ret;
}

ssize_t ipcx_stream_read(struct file *file, struct ipcx_buf buf, size_t len, u32 flags)
{
	return read_bytes(file, buf, len, flags);
}

void ipcx_stream_pass_on(struct ipcx_stream *s)
{
	pass_on(s, &s->readers);
}

/* ---- writing ---- */

/* Wait until there is room for @need bytes: 0 to look again, -EPIPE, -EAGAIN, -ERESTARTSYS. */
static noinline int wait_for_room(struct ipcx_stream *s, const struct file *file, size_t need, u32 flags)
{
	struct writer w = { .need = need };

	spin_lock(&s->obj.lock);
	if (!is_broken_locked(s, file) && room_in(s) < need)
		return ipcx_line_wait(file, &s->writers, &w.wait, flags, IPCX_FOREVER);
	spin_unlock(&s->obj.lock);
	return 0;
}

/*
 * Take the writers' side, with room for @need bytes at least, and begin to fill it: where, and how many of @len
 * bytes have room.
 */
static int claim_room(struct ipcx_stream *s, const struct file *file, size_t need, size_t len, u32 flags,
		      size_t *pos, size_t *nr)
{
	for (;;) {
		int ret = enter_side(&s->writing, flags);

		if (ret)
			return ret;
		spin_lock(&s->obj.lock);
		ret = is_broken_locked(s, file) ? -EPIPE : room_in(s) >= need ? 0 : -EAGAIN;
		if (likely(!ret)) {
			*pos = s->tail;
			*nr = min(len, room_in(s));
			s->copying_in = true;
		}
		spin_unlock(&s->obj.lock);
		if (likely(!ret))
			return 0;
		/* nobody holds a side while waiting for the other */
		mutex_unlock(&s->writing);
		if (ret == -EAGAIN)
			ret = wait_for_room(s, file, need, flags);
		if (ret)
			return ret;
	}
}

/* @nr bytes have been written, perhaps none. */
static void advance_tail(struct ipcx_stream *s, size_t nr, struct ipcx_wakes *wakes)
{
	spin_lock(&s->obj.lock);
	s->copying_in = false;
	s->tail += nr;
	s->written += nr;
	if (!list_empty(&s->readers.waiters))
		serve_readers_locked(s, wakes);
	spin_unlock(&s->obj.lock);
}

static ssize_t write_bytes(struct file *file, struct ipcx_buf buf, size_t len, u32 flags)
{
	struct ipcx_stream *s = ipcx_stream_of(ipcx_object(file));
	bool whole = len <= PIPE_BUF;
	size_t done = 0;
	int ret = 0;

	while (done < len) {
		IPCX_WAKES(wakes);
		size_t pos, nr, copied;

		ret = claim_room(s, file, whole ? len : 1, len - done, flags, &pos, &nr);
		if (ret)
			break;
		copied = copy_in(s, pos, &buf, nr, &ret);
		/* a small write is there as a whole or not at all */
		if (unlikely(copied < nr && whole))
			copied = 0;
		advance_tail(s, copied, &wakes);
		mutex_unlock(&s->writing);
		ipcx_wake(&wakes);
		if (copied)
			ipcx_object_notify(&s->obj, EPOLLIN | EPOLLRDNORM);
		done += copied;
		if (ret)
			break;
		if (unlikely(done < len && signal_pending(current))) {
			ret = -ERESTARTSYS;
			break;
		}
	}
	pass_on(s, &s->writers);
	if (ret == -EPIPE)
		send_sig(SIGPIPE, current, 0);
	return done ? done : ret;
}

/* ---- the doors ---- */

static u32 file_wait_flags(const struct file *file)
{
	return file->f_flags & O_NONBLOCK ? IPCX_NOWAIT : 0;
}

/* What comes from splice(2) comes under the lock of the pipe. */
static u32 source_flags(const struct iov_iter *from)
{
	return iov_iter_is_bvec(from) ? IPCX_PIPE_LOCKED : 0;
}

static u32 kiocb_wait_flags(const struct kiocb *iocb)
{
	return file_wait_flags(iocb->ki_filp) | (iocb->ki_flags & IOCB_NOWAIT ? IPCX_NOWAIT | NEVER_SLEEP : 0);
}

static ssize_t stream_read(struct file *file, char __user *ptr, size_t len, loff_t *pos)
{
	return read_bytes(file, (struct ipcx_buf){ .ptr = ptr }, len, file_wait_flags(file));
}

static ssize_t stream_write(struct file *file, const char __user *ptr, size_t len, loff_t *pos)
{
	return write_bytes(file, (struct ipcx_buf){ .ptr = (void __user *)ptr }, len, file_wait_flags(file));
}

static ssize_t stream_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	return read_bytes(iocb->ki_filp, (struct ipcx_buf){ .iter = to }, iov_iter_count(to), kiocb_wait_flags(iocb));
}

static ssize_t stream_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	return write_bytes(iocb->ki_filp, (struct ipcx_buf){ .iter = from }, iov_iter_count(from),
			   kiocb_wait_flags(iocb) | source_flags(from));
}

/* FIONREAD: bytes in it. */
long ipcx_stream_readable(struct file *file, int __user *bytes)
{
	struct ipcx_stream *s = ipcx_stream_of(ipcx_object(file));
	int nr;

	spin_lock(&s->obj.lock);
	nr = bytes_in(s);
	spin_unlock(&s->obj.lock);
	return put_user(nr, bytes);
}

/* As a pipe: each end hears of its own direction, and that the other end has gone. */
static __poll_t stream_events_locked(const struct file *file)
{
	const struct ipcx_stream *s = ipcx_stream_of(ipcx_object(file));
	__poll_t events = 0;

	if (file->f_mode & FMODE_READ) {
		if (bytes_in(s) && !(s->obj.state & IPCX_OBJECT_SHUT_RECV))
			events |= EPOLLIN | EPOLLRDNORM;
		if (is_at_end_locked(s, file))
			events |= EPOLLHUP;
	}
	if (file->f_mode & FMODE_WRITE) {
		/* so that what poll(2) promises holds for an atomic write */
		if (room_in(s) >= PIPE_BUF)
			events |= EPOLLOUT | EPOLLWRNORM;
		if (is_broken_locked(s, file))
			events |= EPOLLERR | EPOLLOUT | EPOLLWRNORM;
	}
	return events;
}

/* ---- state ---- */

long ipcx_stream_stat(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_stream *s = ipcx_stream_of(ipcx_object(file));
	struct ipcx_stream_stat *stat = args;

	if (stat->flags)
		return -EINVAL;
	spin_lock(&s->obj.lock);
	stat->bytes = bytes_in(s);
	stat->capacity = capacity(s);
	stat->written = s->written;
	stat->nr_readers = s->nr_readers;
	stat->nr_writers = s->nr_writers;
	stat->waiting_readers = s->readers.nr;
	stat->waiting_writers = s->writers.nr;
	spin_unlock(&s->obj.lock);
	return ipcx_put_args(uargs, stat, sizeof(*stat));
}

/* The ring for @bytes of capacity, charged to @obj: its pages come later. */
static void **ring_alloc(struct ipcx_object *obj, u64 bytes, size_t *nr_pages)
{
	void **pages;
	int ret;

	*nr_pages = roundup_pow_of_two(DIV_ROUND_UP(bytes, PAGE_SIZE));
	ret = ipcx_charge(obj, *nr_pages * sizeof(*pages));
	if (ret)
		return ERR_PTR(ret);
	pages = kvcalloc(*nr_pages, sizeof(*pages), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!pages) {
		ipcx_uncharge(obj, *nr_pages * sizeof(*pages));
		return ERR_PTR(-ENOMEM);
	}
	return pages;
}

static void ring_free(struct ipcx_stream *s, void **pages, size_t nr_pages)
{
	size_t i;

	for (i = 0; i < nr_pages; i++) {
		free_page_of(s, &pages[i]);
		cond_resched();
	}
	ipcx_uncharge(&s->obj, nr_pages * sizeof(*pages));
	kvfree(pages);
}

/* What is in the stream, to the beginning of @pages; nobody reads or writes. */
static int copy_ring(struct ipcx_stream *s, void **pages)
{
	size_t done, nr, len = bytes_in(s);
	int ret;

	for (done = 0; done < len; done += nr) {
		size_t from = offset_in_page(s->head + done), to = offset_in_page(done);
		void **page = &pages[done >> PAGE_SHIFT];

		ret = get_page_of(s, page);
		if (ret)
			return ret;
		nr = min3(len - done, PAGE_SIZE - from, PAGE_SIZE - to);
		memcpy(*page + to, *page_at(s, s->head + done) + from, nr);
		cond_resched();
	}
	return 0;
}

/* Take the mutexes of both sides, and hold neither while waiting for who copies at the other: -ERESTARTSYS. */
static int enter_both(struct ipcx_stream *s)
{
	struct mutex *first = &s->reading, *second = &s->writing;

	for (;;) {
		if (mutex_lock_interruptible(first))
			return -ERESTARTSYS;
		if (mutex_trylock(second))
			return 0;
		mutex_unlock(first);
		swap(first, second);
	}
}

static int resize(struct ipcx_stream *s, u64 bytes)
{
	size_t nr_pages, nr_old = s->nr_pages;
	void **pages, **old = s->pages;
	IPCX_WAKES(wakes);
	int ret;

	if (bytes_in(s) > roundup_pow_of_two(DIV_ROUND_UP(bytes, PAGE_SIZE)) << PAGE_SHIFT)
		return -EBUSY;
	pages = ring_alloc(&s->obj, bytes, &nr_pages);
	if (IS_ERR(pages))
		return PTR_ERR(pages);
	ret = copy_ring(s, pages);
	if (ret) {
		ring_free(s, pages, nr_pages);
		return ret;
	}
	spin_lock(&s->obj.lock);
	s->pages = pages;
	s->nr_pages = nr_pages;
	s->tail = bytes_in(s);
	s->head = 0;
	serve_writers_locked(s, &wakes);
	spin_unlock(&s->obj.lock);
	ipcx_wake(&wakes);
	ring_free(s, old, nr_old);
	return 0;
}

long ipcx_stream_resize(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_stream *s = ipcx_stream_of(ipcx_object(file));
	struct ipcx_stream_resize *size = args;
	int ret;

	if (size->flags || !size->capacity || size->capacity > CAPACITY_MAX)
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		return -EACCES;
	/* find out first whether the new capacity can be told */
	if (ipcx_put_args(uargs, size, sizeof(*size)))
		return -EFAULT;
	if (enter_both(s))
		return -ERESTARTSYS;
	ret = resize(s, size->capacity);
	size->capacity = capacity(s);
	mutex_unlock(&s->writing);
	mutex_unlock(&s->reading);
	if (ret)
		return ret;
	ipcx_object_notify(&s->obj, EPOLLOUT | EPOLLWRNORM);
	/* it is done: that its memory has gone meanwhile is the caller's affair */
	(void)!ipcx_put_args(uargs, size, sizeof(*size));
	return 0;
}

/* ---- life ---- */

static void stream_shutdown(struct ipcx_object *obj, u32 how)
{
	struct ipcx_stream *s = ipcx_stream_of(obj);
	IPCX_WAKES(wakes);

	spin_lock(&obj->lock);
	obj->state |= ipcx_shut_state(how);
	/* they look again: there may be bytes, of which only one has been told */
	ipcx_line_serve_first_locked(&s->readers, U32_MAX, 0, &wakes);
	ipcx_line_serve_first_locked(&s->writers, U32_MAX, -EPIPE, &wakes);
	spin_unlock(&obj->lock);
	ipcx_wake(&wakes);
	ipcx_object_notify(obj, EPOLLHUP | EPOLLIN | EPOLLOUT);
}

static struct ipcx_object *stream_create(const void *args)
{
	const struct ipcx_stream_create *create = args;
	struct ipcx_stream *s;
	int ret;

	if (create->capacity > CAPACITY_MAX)
		return ERR_PTR(-EINVAL);
	s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (!s)
		return ERR_PTR(-ENOMEM);
	mutex_init(&s->reading);
	mutex_init(&s->writing);
	ipcx_line_init(&s->readers);
	ipcx_line_init(&s->writers);
	ret = ipcx_object_init(&s->obj, &ipcx_stream_kind, &create->create, 0);
	if (ret) {
		kfree(s);
		return ERR_PTR(ret);
	}
	s->pages = ring_alloc(&s->obj, create->capacity ?: DEFAULT_CAPACITY, &s->nr_pages);
	if (IS_ERR(s->pages)) {
		ret = PTR_ERR(s->pages);
		s->pages = NULL;
		s->nr_pages = 0;
		ipcx_object_put(&s->obj);
		return ERR_PTR(ret);
	}
	return &s->obj;
}

static void stream_free(struct ipcx_object *obj)
{
	struct ipcx_stream *s = ipcx_stream_of(obj);

	ring_free(s, s->pages, s->nr_pages);
	kfree(s);
}

static void stream_show(struct ipcx_object *obj, struct seq_file *m)
{
	struct ipcx_stream *s = ipcx_stream_of(obj);

	/* one moment is promised by IPCX_STREAM_STAT */
	spin_lock(&obj->lock);
	seq_printf(m, "bytes:\t%zu\ncapacity:\t%zu\nwritten:\t%llu\nreaders:\t%u\nwriters:\t%u\n",
		   bytes_in(s), capacity(s), s->written, s->nr_readers, s->nr_writers);
	seq_printf(m, "waiting-readers:\t%u\nwaiting-writers:\t%u\n", s->readers.nr, s->writers.nr);
	spin_unlock(&obj->lock);
}

static const struct file_operations stream_fops = {
	.owner		= THIS_MODULE,
	.release	= ipcx_object_release,
	.unlocked_ioctl	= ipcx_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.uring_cmd	= ipcx_uring_cmd,
	.read		= stream_read,
	.write		= stream_write,
	.read_iter	= stream_read_iter,
	.write_iter	= stream_write_iter,
	.splice_read	= ipcx_stream_splice_read,
	.splice_write	= iter_file_splice_write,
	.poll		= ipcx_object_poll,
	.fasync		= ipcx_object_fasync,
	.show_fdinfo	= ipcx_show_fdinfo,
};

const struct ipcx_kind ipcx_stream_kind = {
	.kind		= IPCX_KIND_STREAM,
	.label		= "stream",
	.file_name	= "[ipcx-stream]",
	.fops		= &stream_fops,
	.create		= stream_create,
	.opened		= stream_opened,
	.closed		= stream_closed,
	.free		= stream_free,
	.show		= stream_show,
	.shutdown	= stream_shutdown,
	.events_locked	= stream_events_locked,
};
