// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Regions: mapping and sealing are mmap(2) and fcntl(2), with the library's way to report errors.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "internal.h"

int ipcx_region_create(const char *name, size_t len, const struct ipcx_options *options)
{
	struct ipcx_region_create arg = {
		.create.size = sizeof(arg),
		.len = len,
	};

	return ipcx_internal_create(IPCX_REGION_CREATE, &arg, &arg.create, name, options);
}

int ipcx_region_map(int region, int prot, void **addr, size_t *len)
{
	struct ipcx_region_stat stat;
	int saved = errno;
	void *map;
	int ret;

	ret = ipcx_region_stat(region, &stat);
	if (ret)
		return ret;
	if (stat.len > SIZE_MAX)
		return -ENOMEM;

	map = mmap(NULL, stat.len, prot, MAP_SHARED, region, 0);
	if (map == MAP_FAILED) {
		ret = -errno;
		errno = saved;
		return ret;
	}
	*addr = map;
	if (len)
		*len = stat.len;
	return 0;
}

int ipcx_region_unmap(void *addr, size_t len)
{
	int saved = errno;
	int ret = 0;

	if (munmap(addr, len)) {
		ret = -errno;
		errno = saved;
	}
	return ret;
}

int ipcx_region_seal(int region, unsigned int seals)
{
	int saved = errno;
	int ret = 0;

	if (fcntl(region, F_ADD_SEALS, seals)) {
		ret = -errno;
		errno = saved;
	}
	return ret;
}

int ipcx_region_stat(int region, struct ipcx_region_stat *stat)
{
	struct ipcx_region_stat arg = { .size = sizeof(arg) };
	int ret;

	ret = ipcx_internal_ioctl(region, IPCX_REGION_STAT, &arg);
	if (!ret)
		*stat = arg;
	return ret;
}
