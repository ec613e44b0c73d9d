/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests share that unload the module and load it again, or another one.
 */
#ifndef MODULE_H
#define MODULE_H

#include "object.h"

#define MODULE	(getenv("IPCX_KO") ? getenv("IPCX_KO") : "/vm/ipcx.ko")
#define IN_USE	EWOULDBLOCK

/* Only in a machine that is ours to unload it in: where its file is at hand, and nobody else uses it. */
#define NEED_MODULE(file)								\
	do {										\
		NEED_ROOT();								\
		if (access(MODULE, R_OK) || access(file, R_OK))				\
			SKIP("no %s: not a machine to unload modules in", file);	\
	} while (0)

static inline int unload(void)
{
	return syscall(SYS_delete_module, "ipcx", O_NONBLOCK) ? -errno : 0;
}

static inline int load(const char *file)
{
	int fd = CHECK_SYS(open(file, O_RDONLY | O_CLOEXEC));
	int ret = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;

	close(fd);
	return ret;
}

/* Names of earlier cases go in the background; then it must be possible. */
static inline void unloads(void)
{
	int ret;

	CHECK_SOON((ret = unload()) != -IN_USE);
	CHECK_OK(ret);
	CHECK_SYS_ERR(open(IPCX_DEVICE, O_RDWR), ENOENT);
	CHECK_SYS_ERR(access("/sys/module/ipcx", F_OK), ENOENT);
}

static inline void loads(const char *file)
{
	CHECK_OK(load(file));
	/* its node is made in the background too */
	CHECK_SOON(!access(IPCX_DEVICE, R_OK | W_OK));
}

/* For atexit(3): the module is loaded again, whatever a case has found. */
static inline void reload(void)
{
	load(MODULE);
	wait_until(!access(IPCX_DEVICE, R_OK | W_OK), TEST_SOON_MS);
}

#endif
