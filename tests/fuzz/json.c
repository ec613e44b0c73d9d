// SPDX-License-Identifier: GPL-2.0
/*
 * What the command writes as JSON, with names, payloads and kernel's texts of any bytes: it is JSON, says what went in, and no
 * terminal obeys it; nor what `ipcx ls` writes to one.  If this fails, whoever names an object can break the programs that
 * read `ipcx ls --json`, or the terminal of who looks.
 */
#include "no-device.h"

#include "check-json.h"
#define isatty(fd)	1
#include "../../tools/ipcx/cmd-ls.c"
#undef isatty
#include "../../tools/ipcx/cmd-recv.c"
#include "../../tools/ipcx/bench/bench.h"

/* The forms of RFC 3629, by its table. */
static size_t utf8_form(const unsigned char *p, size_t len)
{
	static const struct { unsigned char lead[2], second[2], nr; } forms[] = {
		{ { 0x00, 0x7f }, { 0, 0 }, 1 }, { { 0xc2, 0xdf }, { 0x80, 0xbf }, 2 },
		{ { 0xe0, 0xe0 }, { 0xa0, 0xbf }, 3 }, { { 0xe1, 0xec }, { 0x80, 0xbf }, 3 },
		{ { 0xed, 0xed }, { 0x80, 0x9f }, 3 }, { { 0xee, 0xef }, { 0x80, 0xbf }, 3 },
		{ { 0xf0, 0xf0 }, { 0x90, 0xbf }, 4 }, { { 0xf1, 0xf3 }, { 0x80, 0xbf }, 4 },
		{ { 0xf4, 0xf4 }, { 0x80, 0x8f }, 4 },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (p[0] < forms[i].lead[0] || p[0] > forms[i].lead[1])
			continue;
		if (forms[i].nr > len || (forms[i].nr > 1 && (p[1] < forms[i].second[0] || p[1] > forms[i].second[1])))
			return 0;
		for (size_t n = 2; n < forms[i].nr; n++)
			if ((p[n] & 0xc0) != 0x80)
				return 0;
		return forms[i].nr;
	}
	return 0;
}

/* @bytes as a string should read: what is not UTF-8 is U+FFFD, byte by byte. */
static char *expected_text(const char *bytes, size_t len, size_t *want, bool *clean)
{
	char *text = malloc(3 * len + 1);
	size_t n;

	if (!text)
		abort();
	*want = 0;
	*clean = true;
	for (; len; bytes += n, len -= n) {
		n = utf8_form((const unsigned char *)bytes, len);
		if (n) {
			memcpy(text + *want, bytes, n);
			*want += n;
			continue;
		}
		memcpy(text + *want, "\xef\xbf\xbd", 3);
		*want += 3;
		*clean = false;
		n = 1;
	}
	return text;
}

static void require_string(struct json_object *object, const char *key, const char *bytes, size_t len)
{
	struct json_object *member = json_object_object_get(object, key);
	bool clean;
	size_t want;
	char *text = expected_text(bytes, len, &want, &clean);

	REQUIRE(member, "there is no %s", key);
	REQUIRE((size_t)json_object_get_string_len(member) == want && !memcmp(json_object_get_string(member), text, want),
		"%s is '%s' instead of '%.*s'", key, json_object_get_string(member), (int)want, text);
	REQUIRE(is_utf8(bytes, len) == clean, "is_utf8('%.*s') is %d", (int)len, bytes, !clean);
	free(text);
}

static void require_base64(struct json_object *object, const char *bytes, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	struct json_object *member = json_object_object_get(object, "base64");
	const char *text = json_object_get_string(member);
	size_t nr = 0;

	REQUIRE(member && strlen(text) == (len + 2) / 3 * 4, "base64 of %zu bytes is '%s'", len, text);
	for (; *text; text += 4) {
		uint32_t group = 0;

		for (int i = 0; i < 4; i++) {
			const char *digit = text[i] == '=' ? digits : strchr(digits, text[i]);

			REQUIRE(digit && (text[i] != '=' || nr + i > len), "base64 has '%s'", text);
			group = group << 6 | (uint32_t)(digit - digits);
		}
		for (int i = 0; i < 3 && nr < len; i++, nr++)
			REQUIRE((unsigned char)bytes[nr] == (group >> (16 - 8 * i) & 255), "byte %zu of base64", nr);
	}
	REQUIRE(nr == len, "%zu bytes of %zu", nr, len);
}

static void fuzz_writer(struct input *in)
{
	uint64_t number = take_u64(in);
	struct json_object *object;
	struct captured said;
	struct json json;

	capture(&said);
	json_begin(&json, stdout);
	json_u64(&json, "number", number);
	json_string(&json, "text", (const char *)in->at, in->left);
	json_bool(&json, "flag", number & 1);
	json_base64(&json, "base64", in->at, in->left);
	json_end(&json);
	end_capture(&said);
	REQUIRE(!steers_terminal(said.out, said.out_len, "\n"), "a control character: %s", said.out);
	object = require_json(said.out, said.out_len);
	require_string(object, "text", (const char *)in->at, in->left);
	require_base64(object, (const char *)in->at, in->left);
	REQUIRE(json_object_get_uint64(json_object_object_get(object, "number")) == number, "number");
	REQUIRE(json_object_get_boolean(json_object_object_get(object, "flag")) == (int)(number & 1), "flag");
	json_object_put(object);
	release(&said);
}

/* A name as the kernel lists it: it has checked that there are no zeros. */
static void fuzz_listing(struct input *in)
{
	struct ipcx_list_entry entry = { .kind = take_u8(in), .mode = take_u16(in), .id = take_u64(in), .flags = take_u8(in) };
	struct json_object *object;
	struct captured said;
	char *name = take_text(in);

	snprintf(entry.name, sizeof(entry.name), "%s", name);
	capture(&said);
	print_json(&entry);
	end_capture(&said);
	REQUIRE(!steers_terminal(said.out, said.out_len, "\n"), "a control character: %s", said.out);
	object = require_json(said.out, said.out_len);
	require_string(object, "name", entry.name, strlen(entry.name));
	json_object_put(object);
	release(&said);
	/* one that is not there any more is left out */
	no_device_errno = EACCES;
	capture(&said);
	print_long(&entry);
	end_capture(&said);
	REQUIRE(!steers_terminal(said.out, said.out_len, "\n"), "a control character: %s", said.out);
	release(&said);
	free(name);
}

static void fuzz_message(struct input *in)
{
	struct receiver r = { .form = FORM_JSON };
	struct json_object *object;
	struct captured said;
	struct ipcx_msg msg;
	char *payload;
	size_t len;

	msg = ipcx_msg(NULL, 0);
	msg.type = take_u32(in);
	msg.flags = take_u8(in);
	msg.priority = take_u16(in);
	len = in->left;
	payload = take_text(in);
	msg.buf = (uintptr_t)payload;
	msg.len = len;
	capture(&said);
	r.out = stdout;
	print_message(&r, &msg);
	end_capture(&said);
	REQUIRE(!steers_terminal(said.out, said.out_len, "\n"), "a control character: %s", said.out);
	object = require_json(said.out, said.out_len);
	if (is_utf8(payload, len))
		require_string(object, "text", payload, len);
	else
		require_base64(object, payload, len);
	json_object_put(object);
	release(&said);
	free(payload);
}

/* What the kernel says of the machine. */
static void fuzz_machine(struct input *in)
{
	struct machine machine = { .name = "host", .online = 2, .load = take_u8(in) };
	struct json_object *object;
	struct captured said;
	char *text = take_text(in);

	snprintf(machine.kernel, sizeof(machine.kernel), "%s", text);
	snprintf(machine.cpu, sizeof(machine.cpu), "%s", text);
	snprintf(machine.governor, sizeof(machine.governor), "%s", text);
	snprintf(machine.mitigations, sizeof(machine.mitigations), "%s", text);
	capture(&said);
	fputc('{', stdout);
	json_machine(stdout, &machine);
	fputc('}', stdout);
	end_capture(&said);
	REQUIRE(!steers_terminal(said.out, said.out_len, "\n"), "a control character: %s", said.out);
	object = require_json(said.out, said.out_len);
	require_string(object, "cpu", machine.cpu, strlen(machine.cpu));
	require_string(object, "governor", machine.governor, strlen(machine.governor));
	json_object_put(object);
	release(&said);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static void (*const all[])(struct input *) = { fuzz_writer, fuzz_listing, fuzz_message, fuzz_machine };
	struct input in = { bytes, len };

	all[take_u8(&in) % 4](&in);
	return 0;
}
