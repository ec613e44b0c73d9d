// SPDX-License-Identifier: GPL-2.0
/*
 * The same layout with every structure packed: then no compiler for any processor can lay
 * it out differently.  If this fails and abi-layout does not, a member depends on the
 * alignment of the machine it is built for.
 */
#include <linux/ioctl.h>
#include <linux/types.h>

#include "ipcx-test.h"

#pragma pack(push, 1)
#include <linux/ipcx.h>
#pragma pack(pop)

#include "abi-layout.c"
