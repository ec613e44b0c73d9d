/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A page of memory that is slow to reach: whoever touches it waits until the test supplies it, as a page that a FUSE
 * file system or a userfaultfd(2) is in charge of.
 */
#ifndef SLOW_MEMORY_H
#define SLOW_MEMORY_H

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "ipcx-test.h"

#define SLOW_LEN	4096ul

/* A page that is not there until the returned userfaultfd(2) supplies it. */
static inline int missing_page(void **page)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (uffd < 0)
		SKIP("no userfaultfd(2)");
	CHECK_SYS(ioctl(uffd, UFFDIO_API, &api));
	*page = mmap(NULL, SLOW_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(*page != MAP_FAILED);
	reg.range.start = (uintptr_t)*page;
	reg.range.len = SLOW_LEN;
	CHECK_SYS(ioctl(uffd, UFFDIO_REGISTER, &reg));
	return uffd;
}

/* Waits until somebody has touched the page. */
static inline void page_is_wanted(int uffd)
{
	struct uffd_msg fault;

	CHECK_EQ(read(uffd, &fault, sizeof(fault)), sizeof(fault));
	CHECK_EQ(fault.event, UFFD_EVENT_PAGEFAULT);
}

static inline void supply_page(int uffd, void *page)
{
	struct uffdio_zeropage zero = { .range = { (uintptr_t)page, SLOW_LEN } };

	CHECK_SYS(ioctl(uffd, UFFDIO_ZEROPAGE, &zero));
}

#endif /* SLOW_MEMORY_H */
