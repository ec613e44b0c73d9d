/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The options --type, --except and --up-to, which recv, peek and purge have in common.
 */
#ifndef IPCX_TOOL_SELECT_H
#define IPCX_TOOL_SELECT_H

#include <ipcx.h>

/* Values that getopt_long() returns; the commands' own begin above. */
enum {
	OPT_SELECT_TYPE = 256, OPT_SELECT_EXCEPT, OPT_SELECT_LOWEST, OPT_SELECT_END,
};

#define SELECT_OPTIONS								\
	{ "type", required_argument, NULL, OPT_SELECT_TYPE },			\
	{ "except", required_argument, NULL, OPT_SELECT_EXCEPT },		\
	{ "up-to", required_argument, NULL, OPT_SELECT_LOWEST }

#define SELECT_HELP								\
	"      --type T        only messages of type T\n"			\
	"      --except T      only messages that are not of type T\n"		\
	"      --up-to T       only messages of the lowest type there is, if it is at most T\n"

/* Returns STATUS_OK, or says what is wrong and returns STATUS_USAGE. */
int parse_select_option(int option, const char *value, struct ipcx_select *select);

#endif /* IPCX_TOOL_SELECT_H */
