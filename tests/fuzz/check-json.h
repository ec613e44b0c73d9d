/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the command prints as JSON must be JSON (RFC 8259), by the judgement of a library of others.
 */
#ifndef FUZZ_CHECK_JSON_H
#define FUZZ_CHECK_JSON_H

/* a type there, a function of the command */
#define json_bool	json_c_bool
#include <json-c/json.h>
#undef json_bool

#include "fuzz.h"

/* The one value in @text, or a finding; json_object_put() it. */
static struct json_object *require_json(const char *text, size_t len)
{
	struct json_tokener *tok = json_tokener_new();
	struct json_object *value;
	enum json_tokener_error err;
	size_t end;

	if (!tok)
		abort();
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	value = json_tokener_parse_ex(tok, text, (int)len + 1);
	err = json_tokener_get_error(tok);
	end = json_tokener_get_parse_end(tok);
	REQUIRE(err == json_tokener_success, "%s at byte %zu of: %.*s", json_tokener_error_desc(err), end, (int)len, text);
	end += strspn(text + end, " \n");
	REQUIRE(end >= len, "more at byte %zu of: %.*s", end, (int)len, text);
	json_tokener_free(tok);
	return value;
}

/* The same for several, a line each. */
static inline void require_json_lines(const char *text, size_t len)
{
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) : len;
		char *copy = strndup(text, line);

		if (!copy)
			abort();
		REQUIRE(end, "no end of line: %.*s", (int)len, text);
		json_object_put(require_json(copy, line));
		free(copy);
		text += line + 1;
		len -= line + 1;
	}
}

#endif /* FUZZ_CHECK_JSON_H */
