// SPDX-License-Identifier: GPL-2.0
/*
 * Values on the command line: what is accepted means what it says, by a second reading of it; what is refused leaves no
 * trace; and what was understood, printed again, is understood the same.  If this fails, a command does something else than
 * it was told.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>

#include "fuzz.h"
#include "select.h"
#include "util.h"

/* its static parse_signal() */
#define cmd_notify unused_cmd_notify
#include "../../tools/ipcx/cmd-notify.c"
#undef cmd_notify

typedef unsigned __int128 wide;

#define UNTOUCHED	0x5a5a5a5a5a5a5a5aULL
#define TOO_LARGE	((wide)1 << 100)

/* The digits of @base at *@text, which moves behind them; TOO_LARGE if there are none or they mean too much. */
static wide read_digits(const char **text, unsigned int base)
{
	static const char all[] = "0123456789abcdef";
	wide value = 0;
	const char *digit, *begin = *text;

	for (; **text && (digit = strchr(all, tolower((unsigned char)**text))) && digit - all < base; ++*text)
		if (value < TOO_LARGE)
			value = value * base + (unsigned int)(digit - all);
	return *text == begin ? TOO_LARGE : value;
}

/* Do @ret and @got agree with what it should be: @want, or an error if that is above @max? */
static void agree(const char *what, const char *text, int ret, uint64_t got, wide want, uint64_t max)
{
	if (want > max) {
		REQUIRE(ret == -EINVAL, "%s('%s') accepted %" PRIu64, what, text, got);
		REQUIRE(got == UNTOUCHED, "%s('%s') failed and wrote %" PRIu64, what, text, got);
		return;
	}
	REQUIRE(!ret, "%s('%s') = %d instead of %" PRIu64, what, text, ret, (uint64_t)want);
	REQUIRE(got == (uint64_t)want, "%s('%s') = %" PRIu64 " instead of %" PRIu64, what, text, got, (uint64_t)want);
}

static void fuzz_number(struct input *in)
{
	uint64_t min = take_u8(in) & 1 ? take_u32(in) : 0, max = take_u8(in) & 1 ? take_u32(in) : UINT64_MAX;
	uint64_t got = UNTOUCHED;
	char *text = take_text(in), again[32];
	const char *at = text;
	bool hex = text[0] == '0' && tolower((unsigned char)text[1]) == 'x';
	int ret = parse_number(text, min, max, &got);
	wide want;

	at += hex ? 2 : 0;
	want = read_digits(&at, hex ? 16 : 10);
	agree("parse_number", text, ret, got, *at || want < min ? TOO_LARGE : want, max);
	if (!ret) {
		snprintf(again, sizeof(again), hex ? "0x%" PRIx64 : "%" PRIu64, got);
		got = UNTOUCHED;
		ret = parse_number(again, min, max, &got);
		agree("parse_number", again, ret, got, want, max);
	}
	free(text);
}

static void fuzz_mode(struct input *in)
{
	char *text = take_text(in);
	const char *at = text;
	mode_t got = (mode_t)UNTOUCHED;
	int ret = parse_mode(text, &got);
	wide want = read_digits(&at, 8);

	agree("parse_mode", text, ret, ret && got == (mode_t)UNTOUCHED ? UNTOUCHED : got, *at ? TOO_LARGE : want, 0777);
	free(text);
}

static void fuzz_size(struct input *in)
{
	static const char units[] = "KMGT", printed_units[] = "BKMGTP";
	char *text = take_text(in), printed[16], again[40];
	const char *at = text, *unit;
	uint64_t got = UNTOUCHED, twice = UNTOUCHED, least;
	int ret = parse_size(text, &got);
	wide want = read_digits(&at, 10);
	char suffix = 0;

	unit = *at ? strchr(units, toupper((unsigned char)*at)) : NULL;
	if (unit) {
		want = want < (wide)1 << 64 ? want : (wide)1 << 64;
		want <<= 10 * (unit - units + 1);
		at++;
		at += *at == 'i';
	}
	at += *at == 'B';
	agree("parse_size", text, ret, got, *at ? TOO_LARGE : want, UINT64_MAX);
	if (!ret) {
		/* what people read: three digits and a unit, which is off by at most half of the last digit */
		double value;

		format_size(got, printed);
		REQUIRE(sscanf(printed, "%lf %c", &value, &suffix) == 2, "format_size(%" PRIu64 ") is '%s'", got, printed);
		REQUIRE(value < 1024 || suffix == 'P', "format_size(%" PRIu64 ") is '%s'", got, printed);
		unit = strchr(printed_units, suffix);
		REQUIRE(unit, "format_size(%" PRIu64 ") is '%s'", got, printed);
		least = 1ULL << 10 * (unit - printed_units);
		value = value * (double)least - (double)got;
		REQUIRE((value < 0 ? -value : value) <= (least > 1 ? 0.0501 * (double)least : 0) + (double)got / 1e15,
			"format_size(%" PRIu64 ") is '%s'", got, printed);
		if (!(got & 1023)) {
			snprintf(again, sizeof(again), "%" PRIu64 "KiB", got >> 10);
			agree("parse_size", again, parse_size(again, &twice), twice, got, UINT64_MAX);
		}
	}
	free(text);
}

static void fuzz_duration(struct input *in)
{
	static const struct { const char *name; uint64_t ns; } units[] = {
		{ "", NS_PER_SEC }, { "s", NS_PER_SEC }, { "ms", NS_PER_MS }, { "us", 1000 }, { "ns", 1 },
		{ "m", 60 * NS_PER_SEC }, { "h", 3600 * NS_PER_SEC },
	};
	char *text = take_text(in);
	const char *at = text;
	uint64_t got = UNTOUCHED;
	int ret = parse_duration(text, &got);
	wide want = read_digits(&at, 10), part = 0, scale = 1, result = TOO_LARGE;

	if (*at == '.') {
		/* digits below 10^-9 do not count */
		size_t nr = strspn(++at, "0123456789");

		if (!nr)
			want = TOO_LARGE;
		for (size_t i = 0; i < nr && i < 9; i++) {
			part = part * 10 + (unsigned int)(at[i] - '0');
			scale *= 10;
		}
		at += nr;
	}
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(at, units[i].name) && want < (wide)1 << 64)
			result = want * units[i].ns + part * units[i].ns / scale;
	agree("parse_duration", text, ret, got, result, UINT64_MAX);
	if (!ret) {
		char again[40];
		uint64_t twice = UNTOUCHED;

		snprintf(again, sizeof(again), "%" PRIu64 "ns", got);
		agree("parse_duration", again, parse_duration(again, &twice), twice, got, UINT64_MAX);
		snprintf(again, sizeof(again), "%" PRIu64 ".%09" PRIu64 "s", (uint64_t)(got / NS_PER_SEC), (uint64_t)(got % NS_PER_SEC));
		twice = UNTOUCHED;
		agree("parse_duration", again, parse_duration(again, &twice), twice, got, UINT64_MAX);
	}
	free(text);
}

static void fuzz_fds(struct input *in)
{
	int got[IPCX_FDS_MAX + 1], twice[IPCX_FDS_MAX];
	unsigned int nr = take_u8(in) % (IPCX_FDS_MAX + 1), before = nr, again_nr = 0;
	char *text = take_text(in), again[IPCX_FDS_MAX * 12 + 1] = "";
	int ret;

	memset(got, 0x5a, sizeof(got));
	ret = parse_fds(text, got, &nr);
	REQUIRE(nr >= before && nr <= IPCX_FDS_MAX, "parse_fds('%s'): %u numbers", text, nr);
	REQUIRE(got[IPCX_FDS_MAX] == 0x5a5a5a5a, "parse_fds('%s') wrote behind the end", text);
	for (unsigned int i = 0; i < before; i++)
		REQUIRE(got[i] == 0x5a5a5a5a, "parse_fds('%s') wrote number %u", text, i);
	if (!ret) {
		REQUIRE(nr > before, "parse_fds('%s') found none", text);
		for (unsigned int i = before; i < nr; i++) {
			REQUIRE(got[i] >= 0, "parse_fds('%s') found %d", text, got[i]);
			sprintf(again + strlen(again), "%s%d", i > before ? "," : "", got[i]);
		}
		REQUIRE(!parse_fds(again, twice, &again_nr) && again_nr == nr - before &&
			!memcmp(twice, got + before, again_nr * sizeof(int)), "parse_fds('%s') is not parse_fds('%s')", text, again);
	} else {
		REQUIRE(ret == -EINVAL, "parse_fds('%s') = %d", text, ret);
	}
	free(text);
}

static void fuzz_signal(struct input *in)
{
	char *text = take_text(in), again[32];
	int signo = -1, twice = -1, ret = parse_signal(text, &signo);
	const char *name;

	if (!ret) {
		REQUIRE(signo >= 1 && signo <= 64, "parse_signal('%s') is %d", text, signo);
		snprintf(again, sizeof(again), "%d", signo);
		REQUIRE(!parse_signal(again, &twice) && twice == signo, "parse_signal('%s') is %d, '%s' is %d", text, signo,
			again, twice);
		name = sigabbrev_np(signo);
		if (name) {
			snprintf(again, sizeof(again), "SIG%s", name);
			REQUIRE(!parse_signal(again, &twice) && twice == signo, "parse_signal('%s') is %d", again, twice);
		}
	} else {
		REQUIRE(ret == -EINVAL, "parse_signal('%s') = %d", text, ret);
	}
	free(text);
}

static void fuzz_select(struct input *in)
{
	struct ipcx_select select = { .how = take_u8(in) % 2 ? IPCX_SELECT_ANY : IPCX_SELECT_TYPE };
	int option = OPT_SELECT_TYPE + take_u8(in) % 3, ret;
	bool first = select.how == IPCX_SELECT_ANY;
	uint64_t type = 0;
	struct captured said;
	char *text = take_text(in);

	capture(&said);
	ret = parse_select_option(option, text, &select);
	end_capture(&said);
	REQUIRE(!ret == (first && !parse_number(text, 1, UINT32_MAX, &type)), "'%s': %d", text, ret);
	REQUIRE(!ret == !said.err_len, "'%s': %d, and it said '%s'", text, ret, said.err);
	REQUIRE(ret || (select.type == type && select.how != IPCX_SELECT_ANY), "'%s' selects %u", text, select.type);
	release(&said);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static void (*const all[])(struct input *) = {
		fuzz_number, fuzz_mode, fuzz_size, fuzz_duration, fuzz_fds, fuzz_signal, fuzz_select,
	};
	struct input in = { bytes, len };

	/* letters, so that a kept input can be read */
	all[take_u8(&in) % ARRAY_SIZE(all)](&in);
	return 0;
}
