/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the targets of libFuzzer, tests/fuzz/NAME.c: what a run must keep to, and reading its input.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* A property of every run: what is said goes to descriptor 2, whatever stderr is. */
#define REQUIRE(condition, ...) do {							\
	if (!(condition)) {								\
		dprintf(2, "%s:%d: %s: ", __FILE__, __LINE__, #condition);		\
		dprintf(2, __VA_ARGS__);						\
		dprintf(2, "\n");							\
		abort();								\
	}										\
} while (0)

/* The input as it is used up; behind its end there are zeros. */
struct input {
	const uint8_t *at;
	size_t left;
};

static inline uint64_t take_bytes(struct input *in, size_t len)
{
	uint64_t value = 0;

	if (len > in->left)
		len = in->left;
	if (len)
		memcpy(&value, in->at, len);
	in->at += len;
	in->left -= len;
	return value;
}

static inline uint8_t take_u8(struct input *in)
{
	return (uint8_t)take_bytes(in, 1);
}

static inline uint16_t take_u16(struct input *in)
{
	return (uint16_t)take_bytes(in, 2);
}

static inline uint32_t take_u32(struct input *in)
{
	return (uint32_t)take_bytes(in, 4);
}

static inline uint64_t take_u64(struct input *in)
{
	return take_bytes(in, 8);
}

/* What is left as a text in memory of just its size; free() it. */
static inline char *take_text(struct input *in)
{
	char *text = malloc(in->left + 1);

	if (!text)
		abort();
	if (in->left)
		memcpy(text, in->at, in->left);
	text[in->left] = '\0';
	in->left = 0;
	return text;
}

/*
 * Does a terminal obey this text, apart from @allowed characters: control characters of ASCII, or U+0080 to U+009F, in UTF-8
 * or as bytes of their own?
 */
static inline int steers_terminal(const char *text, size_t len, const char *allowed)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i], before = i ? (unsigned char)text[i - 1] : 0;

		if ((c < ' ' || c == 0x7f) && !(c && strchr(allowed, c)))
			return 1;
		if (c >= 0x80 && c < 0xa0 && (before < 0x80 || before == 0xc2))
			return 1;
	}
	return 0;
}

/**
 * struct captured - what a command prints, which the C library writes through stdout and stderr
 * @out, @err: texts, to be free()d by release()
 */
struct captured {
	FILE *streams[2], *before[2];
	char *out, *err;
	size_t out_len, err_len;
};

static inline void capture(struct captured *c)
{
	c->before[0] = stdout;
	c->before[1] = stderr;
	stdout = c->streams[0] = open_memstream(&c->out, &c->out_len);
	stderr = c->streams[1] = open_memstream(&c->err, &c->err_len);
	if (!stdout || !stderr)
		abort();
}

static inline void end_capture(struct captured *c)
{
	stdout = c->before[0];
	stderr = c->before[1];
	fclose(c->streams[0]);
	fclose(c->streams[1]);
}

static inline void release(struct captured *c)
{
	free(c->out);
	free(c->err);
}

#endif /* FUZZ_H */
