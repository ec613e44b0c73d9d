/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The library without a device, whatever this machine has: opening it fails with no_device_errno.
 */
#ifndef FUZZ_NO_DEVICE_H
#define FUZZ_NO_DEVICE_H

#include <errno.h>
#include <fcntl.h>

static int no_device_errno = ENOENT;

static int fail_to_open(void)
{
	errno = no_device_errno;
	return -1;
}

#define open(...)	fail_to_open()
#include "../../ulib/device.c"
#undef open

#endif /* FUZZ_NO_DEVICE_H */
