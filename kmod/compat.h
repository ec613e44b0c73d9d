/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the supported kernels, and nothing else.
 */
#ifndef IPCX_COMPAT_H
#define IPCX_COMPAT_H

#include <linux/file.h>
#include <linux/version.h>

/* 6.10: __assign_str() takes the field only, the source being known from __string() */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define ipcx_assign_str(field, src) __assign_str(field)
#else
#define ipcx_assign_str(field, src) __assign_str(field, src)
#endif

/* 6.3: inode operations get the mount's id mapping instead of a user namespace */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define ipcx_idmap_t struct mnt_idmap
#else
#define ipcx_idmap_t struct user_namespace
#endif

/* 6.8: commands of io_uring have a header of their own; 6.5: they get the whole entry of the submission queue */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#include <linux/io_uring/cmd.h>
#else
#include <linux/io_uring.h>
#endif
#ifdef io_uring_sqe_cmd		/* 7.0: a macro that wants to know the type */
#define ipcx_uring_cmd_sqe(_cmd) io_uring_sqe_cmd((_cmd)->sqe, struct ipcx_uring_sqe)
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#define ipcx_uring_cmd_sqe(_cmd) io_uring_sqe_cmd((_cmd)->sqe)
#else
#define ipcx_uring_cmd_sqe(_cmd) ((_cmd)->cmd)
#endif

/* 6.18: one result */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
#define ipcx_uring_cmd_done(cmd, ret, flags) io_uring_cmd_done(cmd, ret, flags)
#else
#define ipcx_uring_cmd_done(cmd, ret, flags) io_uring_cmd_done(cmd, ret, 0, flags)
#endif

/* 7.0: flags of mappings have a type */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
#define IPCX_NORESERVE mk_vma_flags(VMA_NORESERVE_BIT)
#else
#define IPCX_NORESERVE VM_NORESERVE
#endif

/* 6.8: can also write the number to user space */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define ipcx_receive_fd(file) receive_fd(file, NULL, O_CLOEXEC)
#else
#define ipcx_receive_fd(file) receive_fd(file, O_CLOEXEC)
#endif

/* 6.8: the count is always 1, and not given */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define ipcx_eventfd_signal(ctx) eventfd_signal(ctx)
#else
#define ipcx_eventfd_signal(ctx) eventfd_signal(ctx, 1)
#endif

/* 6.12: struct fd hides its file */
#ifndef fd_file
#define fd_file(f) ((f).file)
#endif

/*
 * Before 6.6 a task that yields the processor loses nothing else.  With the scheduler that came then its deadline
 * moves away each time (and later even its share goes): other tasks would be preferred to it for a long time.
 */
#define IPCX_CAN_YIELD (LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0))

/* 6.17: shmem describes a mapping before it is made */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
#define ipcx_desc_is_writable(desc) vma_desc_test(desc, VMA_WRITE_BIT)
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
#define ipcx_desc_is_writable(desc) (!!((desc)->vm_flags & VM_WRITE))
#endif

/* a variable that is written before it is read, and too large to be zeroed by the compiler each time */
#if __has_attribute(__uninitialized__)
#define ipcx_uninitialized __attribute__((__uninitialized__))
#else
#define ipcx_uninitialized
#endif

#endif /* IPCX_COMPAT_H */
