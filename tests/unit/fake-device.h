/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device for the tests of the library's own logic: this program's open(), close() and
 * ioctl() stand in for the C library's, note what libipcx passes to them and return what
 * the test has prepared.
 */
#ifndef FAKE_DEVICE_H
#define FAKE_DEVICE_H

#include <fcntl.h>
#include <ipcx.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "ipcx-test.h"

#define FAKE_FD		777	/* a descriptor that is not open here: commands on it are faked */

/**
 * struct fake_device - what the library has done, and what it gets
 * @nr_open: how often it has opened the device
 * @nr_close: how often it has closed that descriptor
 * @open_flags: flags of the last open
 * @open_errno: prepared: fail to open the device with this
 * @device_fd: the last descriptor of the device
 * @nr_ioctl: how many commands came
 * @fd: descriptor of the last command
 * @command: its number
 * @arg: its argument as it came, as long as its first member says
 * @ret: prepared: result of a command
 * @error: prepared: errno if @ret is -1
 * @out: prepared: bytes to put into the argument
 * @out_len: how many
 */
struct fake_device {
	int nr_open;
	int nr_close;
	int open_flags;
	int open_errno;
	int device_fd;
	int nr_ioctl;
	int fd;
	unsigned long command;
	unsigned char arg[512];
	int ret;
	int error;
	const void *out;
	size_t out_len;
};

static struct fake_device fake = { .device_fd = -1 };

static inline int fake_open(const char *path, int flags, mode_t mode)
{
	if (strcmp(path, IPCX_DEVICE))
		return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);

	fake.nr_open++;
	fake.open_flags = flags;
	if (fake.open_errno) {
		errno = fake.open_errno;
		return -1;
	}
	fake.device_fd = (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR, 0);
	return fake.device_fd;
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & (O_CREAT | __O_TMPFILE)) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return fake_open(path, flags, mode);
}

/* Under this name it comes if the library was built for large files. */
int open64(const char *path, int flags, ...) __attribute__((alias("open")));

int close(int fd)
{
	int ret = (int)syscall(SYS_close, fd);

	if (fd >= 0 && fd == fake.device_fd) {
		fake.nr_close++;
		fake.device_fd = -1;
		/* As after a signal: not the library's result, nor its errno. */
		errno = EINTR;
		return -1;
	}
	return ret;
}

int ioctl(int fd, unsigned long command, ...)
{
	unsigned int size;
	va_list ap;
	void *arg;

	va_start(ap, command);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (_IOC_TYPE(command) != IPCX_IOC_TYPE)
		return (int)syscall(SYS_ioctl, fd, command, arg);

	fake.nr_ioctl++;
	fake.fd = fd;
	fake.command = command;
	memcpy(&size, arg, sizeof(size));
	memset(fake.arg, 0xee, sizeof(fake.arg));
	memcpy(fake.arg, arg, size < sizeof(fake.arg) ? size : sizeof(fake.arg));
	if (fake.out)
		memcpy(arg, fake.out, fake.out_len);
	if (fake.ret < 0)
		errno = fake.error;
	return fake.ret;
}

/*
 * One command came since the last look: @number, on @on, with an argument equal to @want
 * to the last byte.
 */
#define CHECK_COMMAND(number, on, want)					\
	do {								\
		CHECK_EQ(fake.nr_ioctl, 1);				\
		CHECK_EQ(fake.command, number);				\
		CHECK_EQ(_IOC_SIZE(number), sizeof(want));		\
		CHECK_EQ(fake.fd, on);					\
		CHECK_MEM(fake.arg, &(want), sizeof(want));		\
		fake.nr_ioctl = 0;					\
	} while (0)

/* The same on a descriptor of the device that the call opened and closed again. */
#define CHECK_DEVICE_COMMAND(number, want)				\
	do {								\
		CHECK_COMMAND(number, fake.fd, want);			\
		CHECK_EQ(fake.nr_open, 1);				\
		CHECK_EQ(fake.nr_close, 1);				\
		CHECK_EQ(fake.open_flags & ~O_LARGEFILE, O_RDWR | O_CLOEXEC);\
		fake.nr_open = 0;					\
		fake.nr_close = 0;					\
	} while (0)

#endif /* FAKE_DEVICE_H */
