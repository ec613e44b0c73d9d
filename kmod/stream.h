/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What stream.c and stream-splice.c share.
 */
#ifndef IPCX_STREAM_INTERNAL_H
#define IPCX_STREAM_INTERNAL_H

#include <linux/mutex.h>

#include "ipcx.h"
#include "message.h"

struct pipe_inode_info;

/* A flag beside IPCX_NOWAIT: does not wait for others that are copying, either. */
#define NEVER_SLEEP		(1U << 31)

/**
 * struct ipcx_stream - a stream
 * @obj:	common part; its lock protects what says so
 * @reading:	held by a read while it copies, and by a resize
 * @writing:	held by a write while it copies, and by a resize
 * @pages:	the ring, @nr_pages of them, NULL where none has been needed yet.  Those between @head and @tail are a
 *		reader's, the others a writer's (replaced by a resize, under both mutexes)
 * @nr_pages:	a power of 2
 * @head:	where the first byte is, counted from the ring's beginning, less than its size (written under obj.lock
 *		by who holds @reading)
 * @tail:	where the next byte goes, less than twice the ring's size (written under obj.lock by who holds @writing,
 *		or by a reader that finds the stream empty and nobody copying into it)
 * @nr_held:	pages that are there (written under @writing)
 * @copying_in:	a write is filling pages behind @tail (by obj.lock)
 * @readers:	struct ipcx_waiter: reads of an empty stream (by obj.lock)
 * @writers:	struct writer: writes that have no room (by obj.lock)
 * @written:	bytes, ever (by obj.lock)
 * @nr_readers:	open files with IPCX_READ (by obj.lock)
 * @nr_writers:	open files with IPCX_WRITE (by obj.lock)
 * @readers_come: open files with IPCX_READ, ever (by obj.lock)
 * @writers_come: open files with IPCX_WRITE, ever (by obj.lock)
 */
struct ipcx_stream {
	struct ipcx_object obj;
	struct mutex reading;
	struct mutex writing;
	void **pages;
	size_t nr_pages;
	size_t head;
	size_t tail;
	size_t nr_held;
	bool copying_in;
	struct ipcx_line readers;
	struct ipcx_line writers;
	u64 written;
	u32 nr_readers;
	u32 nr_writers;
	u32 readers_come;
	u32 writers_come;
};

static inline struct ipcx_stream *ipcx_stream_of(struct ipcx_object *obj)
{
	return container_of(obj, struct ipcx_stream, obj);
}

int ipcx_stream_wait_for_bytes(struct ipcx_stream *s, const struct file *file, u32 flags);
ssize_t ipcx_stream_read(struct file *file, struct ipcx_buf buf, size_t len, u32 flags);
void ipcx_stream_pass_on(struct ipcx_stream *s);
ssize_t ipcx_stream_splice_read(struct file *file, loff_t *pos, struct pipe_inode_info *pipe, size_t len,
				unsigned int flags);

#endif /* IPCX_STREAM_INTERNAL_H */
