/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What an ordinary user can make of herself.
 */
#ifndef HOSTILE_USER_H
#define HOSTILE_USER_H

#include "object.h"

static inline void become_root_of_a_namespace(void)
{
	char map[32];

	snprintf(map, sizeof(map), "0 %d 1", TEST_UID_ALICE);
	CHECK_SYS(unshare(CLONE_NEWUSER));
	write_text("/proc/self/setgroups", "deny");
	write_text("/proc/self/uid_map", map);
	write_text("/proc/self/gid_map", map);
}

#endif
