// SPDX-License-Identifier: GPL-2.0
/*
 * JSON for programs that read the command's output: one flat object per line, nothing allocated.
 */
#include <inttypes.h>
#include <string.h>

#include "util.h"

void json_begin(struct json *json, FILE *out)
{
	json->out = out;
	json->first = true;
	fputc('{', out);
}

void json_end(struct json *json)
{
	fputc('}', json->out);
}

static void put_key(struct json *json, const char *key)
{
	fprintf(json->out, "%s\"%s\": ", json->first ? "" : ", ", key);
	json->first = false;
}

void json_u64(struct json *json, const char *key, uint64_t value)
{
	put_key(json, key);
	fprintf(json->out, "%" PRIu64, value);
}

void json_bool(struct json *json, const char *key, bool value)
{
	put_key(json, key);
	fputs(value ? "true" : "false", json->out);
}

size_t utf8_len(const char *sequence, size_t len)
{
	const unsigned char *text = (const unsigned char *)sequence;
	static const struct {
		unsigned char mask, lead;
		uint32_t min;
	} forms[] = {
		{ 0x80, 0x00, 0 },
		{ 0xe0, 0xc0, 0x80 },
		{ 0xf0, 0xe0, 0x800 },
		{ 0xf8, 0xf0, 0x10000 },
	};
	uint32_t code;

	for (size_t n = 1; n <= ARRAY_SIZE(forms) && n <= len; n++) {
		if ((text[0] & forms[n - 1].mask) != forms[n - 1].lead)
			continue;
		code = text[0] & (unsigned char)~forms[n - 1].mask;
		for (size_t i = 1; i < n; i++) {
			if ((text[i] & 0xc0) != 0x80)
				return 0;
			code = code << 6 | (text[i] & 0x3f);
		}
		if (code < forms[n - 1].min || code > 0x10ffff ||
		    (code >= 0xd800 && code <= 0xdfff))
			return 0;
		return n;
	}
	return 0;
}

bool is_control(const char *text, size_t len)
{
	unsigned char first = text[0];

	return len == 1 ? first < ' ' || first == 0x7f : first == 0xc2 && (unsigned char)text[1] < 0xa0;
}

bool is_utf8(const char *text, size_t len)
{
	size_t n;

	for (; len; text += n, len -= n) {
		n = utf8_len(text, len);
		if (!n)
			return false;
	}
	return true;
}

void json_quote(FILE *out, const char *text, size_t len)
{
	size_t n;

	fputc('"', out);
	for (; len; text += n, len -= n) {
		n = utf8_len(text, len);
		if (!n) {
			fputs("\\ufffd", out);
			n = 1;
		} else if (*text == '"' || *text == '\\') {
			fprintf(out, "\\%c", *text);
		} else if (*text == '\n') {
			fputs("\\n", out);
		} else if (*text == '\t') {
			fputs("\\t", out);
		} else if (is_control(text, n)) {
			/* of U+0080 and above the second byte is the number */
			fprintf(out, "\\u%04x", (unsigned char)text[n - 1]);
		} else {
			fwrite(text, 1, n, out);
		}
	}
	fputc('"', out);
}

void json_string(struct json *json, const char *key, const char *text, size_t len)
{
	put_key(json, key);
	json_quote(json->out, text, len);
}

void json_text(struct json *json, const char *key, const char *text)
{
	json_string(json, key, text, strlen(text));
}

void json_base64(struct json *json, const char *key, const void *bytes, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *in = bytes;
	uint32_t group;
	size_t n;

	put_key(json, key);
	fputc('"', json->out);
	for (; len; in += n, len -= n) {
		n = len < 3 ? len : 3;
		group = in[0] << 16 | (n > 1 ? in[1] << 8 : 0) | (n > 2 ? in[2] : 0);
		fputc(digits[group >> 18], json->out);
		fputc(digits[group >> 12 & 63], json->out);
		fputc(n > 1 ? digits[group >> 6 & 63] : '=', json->out);
		fputc(n > 2 ? digits[group & 63] : '=', json->out);
	}
	fputc('"', json->out);
}
