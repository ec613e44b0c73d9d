// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx map: a region's bytes to the standard output, from the standard input, or as a dump.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util.h"

#define DUMP_LEN	16	/* bytes on one line of a dump */

enum action {
	ACTION_DUMP, ACTION_READ, ACTION_WRITE,
};

static const char map_help[] =
"Usage: ipcx map NAME [--hex | --read | --write] [--offset SIZE] [--length SIZE]\n"
"Show or change the bytes of a region.\n"
"\n"
"  -x, --hex           a dump in hexadecimal (the default); lines that repeat become a '*'\n"
"  -r, --read          the bytes as they are to the standard output\n"
"  -w, --write         the standard input into the region; fails if it does not fit\n"
"  -o, --offset SIZE   begin there (0)\n"
"  -l, --length SIZE   at most so many bytes (to the region's end)\n";

/* Touching a page beyond the owner's quota is SIGBUS: see ipcx_region_create in <linux/ipcx.h>. */
static sigjmp_buf no_memory;

static void catch_sigbus(int signo)
{
	(void)signo;
	siglongjmp(no_memory, 1);
}

/* Returns STATUS_OK, or reports. */
static int write_region(const char *name, char *bytes, size_t len)
{
	size_t done = 0;
	ssize_t ret;
	char extra;

	while (done < len) {
		/* A fault in the kernel's copy is EFAULT, not a signal. */
		ret = read(STDIN_FILENO, bytes + done, len - done);
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0 && errno == EFAULT)
			return report(-EDQUOT, "write to region '%s'", name);
		if (ret < 0)
			return report(-errno, "read the standard input");
		if (ret == 0)
			return STATUS_OK;
		done += ret;
	}
	do {
		ret = read(STDIN_FILENO, &extra, 1);
	} while (ret < 0 && errno == EINTR);
	if (ret > 0)
		return report_text("cannot write all to region '%s': the input exceeds %zu bytes",
				   name, len);
	return STATUS_OK;
}

static void dump_line(uint64_t offset, const unsigned char *bytes, size_t len)
{
	printf("%08" PRIx64 " ", offset);
	for (size_t i = 0; i < DUMP_LEN; i++) {
		if (i == DUMP_LEN / 2)
			putchar(' ');
		if (i < len)
			printf(" %02x", bytes[i]);
		else
			fputs("   ", stdout);
	}
	fputs("  |", stdout);
	for (size_t i = 0; i < len; i++)
		putchar(bytes[i] < 0x80 && isprint(bytes[i]) ? bytes[i] : '.');
	puts("|");
}

static void dump_region(const unsigned char *bytes, uint64_t offset, size_t len)
{
	bool repeating = false;
	size_t n;

	for (size_t pos = 0; pos < len; pos += n) {
		n = len - pos < DUMP_LEN ? len - pos : DUMP_LEN;
		if (pos && n == DUMP_LEN &&
		    !memcmp(bytes + pos, bytes + pos - DUMP_LEN, DUMP_LEN)) {
			if (!repeating)
				puts("*");
			repeating = true;
			continue;
		}
		repeating = false;
		dump_line(offset + pos, bytes + pos, n);
	}
	printf("%08" PRIx64 "\n", offset + len);
}

static int act_on(const char *name, enum action action, char *bytes, uint64_t offset, size_t len)
{
	struct sigaction sigbus = { .sa_handler = catch_sigbus };

	sigaction(SIGBUS, &sigbus, NULL);
	if (sigsetjmp(no_memory, 1))
		return report(-EDQUOT, "touch all pages of region '%s'", name);
	switch (action) {
	case ACTION_WRITE:
		return write_region(name, bytes + offset, len);
	case ACTION_READ:
		fwrite(bytes + offset, 1, len, stdout);
		break;
	default:
		dump_region((unsigned char *)bytes + offset, offset, len);
	}
	return finish_output();
}

static int map_region(const char *name, enum action action, uint64_t offset, uint64_t len)
{
	bool writes = action == ACTION_WRITE;
	size_t region_len;
	int region, ret, status;
	void *addr;

	region = open_object(name, IPCX_KIND_REGION, writes ? IPCX_READ | IPCX_WRITE : IPCX_READ);
	if (region < 0)
		return STATUS_FAILED;
	ret = ipcx_region_map(region, writes ? PROT_READ | PROT_WRITE : PROT_READ, &addr,
			      &region_len);
	close(region);
	if (ret)
		return report(ret, "map region '%s'", name);
	if (offset > region_len) {
		status = report_text("region '%s' has %zu bytes: there is no offset %" PRIu64, name,
				     region_len, offset);
	} else {
		if (len > region_len - offset)
			len = region_len - offset;
		status = act_on(name, action, addr, offset, len);
	}
	ipcx_region_unmap(addr, region_len);
	return status;
}

int cmd_map(int argc, char **argv)
{
	static const struct option options[] = {
		{ "hex", no_argument, NULL, 'x' },
		{ "read", no_argument, NULL, 'r' },
		{ "write", no_argument, NULL, 'w' },
		{ "offset", required_argument, NULL, 'o' },
		{ "length", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	enum action action = ACTION_DUMP;
	uint64_t offset = 0, len = UINT64_MAX;
	unsigned int nr_actions = 0;
	int opt;

	while ((opt = getopt_long(argc, argv, "xrwo:l:h", options, NULL)) != -1) {
		switch (opt) {
		case 'x':
		case 'r':
		case 'w':
			action = opt == 'w' ? ACTION_WRITE : opt == 'r' ? ACTION_READ : ACTION_DUMP;
			nr_actions++;
			break;
		case 'o':
		case 'l':
			if (parse_size(optarg, opt == 'o' ? &offset : &len))
				return usage_error("'%s' is not a size: 4096, 64K", optarg);
			break;
		case 'h':
			fputs(map_help, stdout);
			return finish_output();
		default:
			return usage_hint();
		}
	}
	if (nr_actions > 1)
		return usage_error("takes only one of --hex, --read and --write");
	if (argc - optind != 1)
		return usage_error("needs the NAME of one region");
	return map_region(argv[optind], action, offset, len);
}
