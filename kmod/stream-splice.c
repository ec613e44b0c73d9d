// SPDX-License-Identifier: GPL-2.0
/*
 * splice(2) out of a stream: the bytes are copied into pages of their own, which the pipe gets.  Into a stream they come
 * by stream_write_iter().
 */
#include <linux/bvec.h>
#include <linux/pipe_fs_i.h>
#include <linux/splice.h>
#include <linux/uio.h>

#include "stream.h"

#define SPLICE_PAGES	16

static void splice_release(struct splice_pipe_desc *desc, unsigned int i)
{
	__free_page(desc->pages[i]);
}

/* Read up to @len bytes into new pages, which are in @desc then; 0 at the end. */
static ssize_t read_into_pages(struct file *file, struct splice_pipe_desc *desc, size_t len, u32 flags)
{
	struct bio_vec bvec[SPLICE_PAGES];
	unsigned int i, nr = DIV_ROUND_UP(len, PAGE_SIZE);
	struct iov_iter iter;
	ssize_t ret = -ENOMEM;

	for (i = 0; i < nr; i++) {
		desc->pages[i] = alloc_page(GFP_KERNEL_ACCOUNT);
		if (!desc->pages[i])
			break;
		bvec[i] = (struct bio_vec){ .bv_page = desc->pages[i], .bv_len = PAGE_SIZE };
	}
	nr = i;
	if (nr) {
		iov_iter_bvec(&iter, READ, bvec, nr, min(len, nr * PAGE_SIZE));
		ret = ipcx_stream_read(file, (struct ipcx_buf){ .iter = &iter }, iov_iter_count(&iter), flags);
	}
	desc->nr_pages = ret > 0 ? DIV_ROUND_UP(ret, PAGE_SIZE) : 0;
	for (i = desc->nr_pages; i < nr; i++)
		__free_page(desc->pages[i]);
	for (i = 0; i < desc->nr_pages; i++)
		desc->partial[i].len = min_t(size_t, ret - i * PAGE_SIZE, PAGE_SIZE);
	return ret;
}

/* @pipe is locked, so its free places stay; no more is read than they hold, since nothing can be given back. */
ssize_t ipcx_stream_splice_read(struct file *file, loff_t *pos, struct pipe_inode_info *pipe, size_t len,
				unsigned int flags)
{
	u32 used = pipe_occupancy(pipe->head, pipe->tail), wait = IPCX_PIPE_LOCKED;
	struct ipcx_stream *s = ipcx_stream_of(ipcx_object(file));
	struct partial_page partial[SPLICE_PAGES] = {};
	struct page *pages[SPLICE_PAGES];
	struct splice_pipe_desc desc = {
		.pages = pages,
		.partial = partial,
		.nr_pages_max = SPLICE_PAGES,
		.ops = &nosteal_pipe_buf_ops,
		.spd_release = splice_release,
	};
	ssize_t ret;

	if (used >= pipe->max_usage)
		return -EAGAIN;
	len = min3(len, (pipe->max_usage - used) * PAGE_SIZE, SPLICE_PAGES * PAGE_SIZE);
	if (flags & SPLICE_F_NONBLOCK || file->f_flags & O_NONBLOCK)
		wait |= IPCX_NOWAIT;
	do {
		/* how many pages is known when there are bytes; another reader may be quicker all the same */
		ret = ipcx_stream_wait_for_bytes(s, file, wait);
		if (ret)
			return ret == -EPIPE ? 0 : ret;
		ret = read_into_pages(file, &desc, clamp_t(size_t, READ_ONCE(s->tail) - READ_ONCE(s->head), 1, len),
				      wait | IPCX_NOWAIT);
	} while (ret == -EAGAIN && !(wait & IPCX_NOWAIT));
	/* it may have been told of bytes that it had no memory for */
	if (ret < 0)
		ipcx_stream_pass_on(s);
	return ret > 0 ? splice_to_pipe(pipe, &desc) : ret;
}
