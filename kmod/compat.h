/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the supported kernels, and nothing else.
 */
#ifndef IPCX_COMPAT_H
#define IPCX_COMPAT_H

#include <linux/version.h>

/* 6.10: __assign_str() takes the field only, the source being known from __string() */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define ipcx_assign_str(field, src) __assign_str(field)
#else
#define ipcx_assign_str(field, src) __assign_str(field, src)
#endif

#endif /* IPCX_COMPAT_H */
