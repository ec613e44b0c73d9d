/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory for the objects that live in user space: an ipcx region, or a memfd where there is no
 * module; mapped only if nobody can shorten it; and locks that tell who is alive.
 */
#ifndef IPCX_SHARE_H
#define IPCX_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "internal.h"

/**
 * struct share - mapped memory and the way to know its users
 * @base: the mapping
 * @len: its bytes
 * @lock_fd: an open file of the same memory that nobody else has, -1 if there is none
 */
struct share {
	void *base;
	size_t len;
	int lock_fd;
};

#define SHARE_POPULATE	(1U << 0)	/* allocate all pages now: -ENOMEM rather than SIGBUS later */
#define SHARE_HUGE	(1U << 1)	/* ask for huge pages */
#define SHARE_UNLOCKED	(1U << 2)	/* there will be no locks */

/*
 * A region of @len bytes, named or not; without a module, and without a name, a memfd that
 * cannot be resized.  With a name, the memory may be there already.
 */
IPCX_HIDDEN int ipcx_internal_share_create(const char *name, size_t len,
					   const struct ipcx_options *options);
/* -EPERM: the file's owner could shorten it; -EACCES: no right to write. */
IPCX_HIDDEN int ipcx_internal_share_map(struct share *share, int fd, unsigned int flags);
IPCX_HIDDEN void ipcx_internal_share_unmap(struct share *share);

/*
 * Locks are numbered.  One is held until it is dropped, or until all processes that have the
 * descriptor, which fork(2) copies, have died.  -EBUSY: another holds it.
 */
IPCX_HIDDEN int ipcx_internal_share_lock(const struct share *share, unsigned int nr);
IPCX_HIDDEN void ipcx_internal_share_unlock(const struct share *share, unsigned int nr);
/* Does another hold lock @nr, or any of the @many from it on? */
IPCX_HIDDEN bool ipcx_internal_share_is_locked(const struct share *share, unsigned int nr);
IPCX_HIDDEN bool ipcx_internal_share_any_locked(const struct share *share, unsigned int nr,
						unsigned int many);

#endif /* IPCX_SHARE_H */
