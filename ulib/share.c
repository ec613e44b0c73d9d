// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Memory for rings, loans and mapped semaphores, over an ipcx region or a memfd.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "share.h"

#define HUGE_PAGE	(2UL << 20)
#define LOCK_BASE	(1LL << 40)	/* of the locks, in bytes of the file: past the end of any */

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static int create_memfd(size_t len)
{
	int saved = errno, fd, ret;

	fd = memfd_create("ipcx", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		goto err;
	if (ftruncate(fd, (off_t)len) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		goto err;
	errno = saved;
	return fd;
err:
	ret = -errno;
	if (fd >= 0)
		close(fd);
	errno = saved;
	return ret;
}

int ipcx_internal_share_create(const char *name, size_t len, const struct ipcx_options *options)
{
	struct ipcx_options reserved = options ? *options : (struct ipcx_options){};
	int ret;

	/* or its owner could have the others killed with SIGBUS, by using up the quota */
	reserved.flags |= IPCX_REGION_RESERVED;
	ret = ipcx_region_create(name, len, &reserved);
	if (name || (ret != -ENOENT && ret != -ENODEV && ret != -ENXIO))
		return ret;
	/* What a memfd does not know must not be lost silently. */
	if (options && (options->flags || options->mode || options->device_fd ||
			(options->rights && options->rights != (IPCX_READ | IPCX_WRITE))))
		return ret;
	return create_memfd(len);
}

/* An open file of its own: locks belong to open files. */
static int reopen(int fd)
{
	char path[] = "/proc/self/fd/0123456789", *end = path + sizeof("/proc/self/fd/") - 1;
	int ret = ipcx_restrict(fd, IPCX_READ | IPCX_WRITE);
	unsigned int unit = 1;

	if (ret >= 0)
		return ret;
	while ((unsigned int)fd / unit >= 10)
		unit *= 10;
	for (; unit; unit /= 10)
		*end++ = '0' + (unsigned int)fd / unit % 10;
	*end = '\0';
	ret = open(path, O_RDWR | O_CLOEXEC);
	return ret < 0 ? -errno : ret;
}

/* Aligned to @align, so that huge pages can be used. */
static void *map_aligned(int fd, size_t len, size_t align)
{
	size_t room = len + align;
	char *at = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t before;
	char *base;

	if (at == MAP_FAILED)
		return MAP_FAILED;
	before = -(uintptr_t)at & (align - 1);
	base = mmap(at + before, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	if (base == MAP_FAILED) {
		munmap(at, room);
		return base;
	}
	if (before)
		munmap(at, before);
	len = (len + 4095) & ~4095UL;
	if (before + len < room)
		munmap(base + len, room - before - len);
	return base;
}

/* Is there memory for all of it, whatever others who have it do?  Else to touch it could kill. */
static bool is_lasting(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct ipcx_stat region;
	struct statfs fs;

	if (seals < 0 || !(seals & F_SEAL_SHRINK))
		return false;
	if (!ipcx_stat(fd, &region))
		return region.state & IPCX_OBJECT_RESERVED;
	/* a memfd; of huge pages there may be none left */
	return !fstatfs(fd, &fs) && fs.f_type == TMPFS_MAGIC;
}

int ipcx_internal_share_map(struct share *share, int fd, unsigned int flags)
{
	int saved = errno, ret;
	struct stat st;
	void *base;

	if (fstat(fd, &st)) {
		ret = -errno;
		goto out;
	}
	ret = -EPERM;
	if (!is_lasting(fd))
		goto out;
	ret = -EINVAL;
	if (st.st_size <= 0)
		goto out;
	share->lock_fd = -1;
	if (!(flags & SHARE_UNLOCKED)) {
		share->lock_fd = ret = reopen(fd);
		if (ret < 0)
			goto out;
	}

	share->len = (size_t)st.st_size;
	if (flags & SHARE_HUGE)
		base = map_aligned(fd, share->len, HUGE_PAGE);
	else
		base = mmap(NULL, share->len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED) {
		ret = -errno;
		goto err_close;
	}
	/* A wish: how much of it the kernel grants is its own business. */
	if (flags & SHARE_HUGE)
		madvise(base, share->len, MADV_HUGEPAGE);
	/* A kernel before 5.14 does not know it, and allocates later. */
	if (flags & SHARE_POPULATE && madvise(base, share->len, MADV_POPULATE_WRITE) &&
	    errno != EINVAL) {
		ret = errno == EFAULT || errno == EHWPOISON ? -ENOMEM : -errno;
		goto err_unmap;
	}
	share->base = base;
	errno = saved;
	return 0;

err_unmap:
	munmap(base, share->len);
err_close:
	if (share->lock_fd >= 0)
		close(share->lock_fd);
	share->lock_fd = -1;
out:
	errno = saved;
	return ret;
}

void ipcx_internal_share_unmap(struct share *share)
{
	int saved = errno;

	munmap(share->base, share->len);
	if (share->lock_fd >= 0)
		close(share->lock_fd);
	share->base = NULL;
	share->lock_fd = -1;
	errno = saved;
}

static int set_lock(const struct share *share, unsigned int nr, short type)
{
	struct flock lock = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = LOCK_BASE + nr,
		.l_len = 1,
	};
	int saved = errno, ret = 0;

	if (fcntl(share->lock_fd, F_OFD_SETLK, &lock))
		ret = errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
	errno = saved;
	return ret;
}

int ipcx_internal_share_lock(const struct share *share, unsigned int nr)
{
	return set_lock(share, nr, F_WRLCK);
}

void ipcx_internal_share_unlock(const struct share *share, unsigned int nr)
{
	set_lock(share, nr, F_UNLCK);
}

bool ipcx_internal_share_is_locked(const struct share *share, unsigned int nr)
{
	return ipcx_internal_share_any_locked(share, nr, 1);
}

bool ipcx_internal_share_any_locked(const struct share *share, unsigned int nr, unsigned int many)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = LOCK_BASE + nr,
		.l_len = many,
	};
	int saved = errno;
	/* If it cannot be known, it is: nothing is taken from one who may be alive. */
	bool ret = fcntl(share->lock_fd, F_OFD_GETLK, &lock) || lock.l_type != F_UNLCK;

	errno = saved;
	return ret;
}
