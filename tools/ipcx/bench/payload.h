/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ipcx bench: what a payload holds.  Word i of message seq is seq + i * a constant.  All of it is
 * written and verified while warming up; later only the first and the last word change, so that the
 * cost of looking at the data, which is the same for all mechanisms, does not hide that of moving it.
 */
#ifndef IPCX_BENCH_PAYLOAD_H
#define IPCX_BENCH_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void fill(char *buf, size_t len, uint64_t seq)
{
	for (size_t at = 0; at < len; at += sizeof(seq)) {
		uint64_t word = seq + at * 0x9e3779b97f4a7c15ULL;
		size_t part = len - at < sizeof(word) ? len - at : sizeof(word);

		memcpy(buf + at, &word, part);
	}
}

static inline bool is_filled(const char *buf, size_t len, uint64_t seq)
{
	for (size_t at = 0; at < len; at += sizeof(seq)) {
		uint64_t word = seq + at * 0x9e3779b97f4a7c15ULL;
		size_t part = len - at < sizeof(word) ? len - at : sizeof(word);

		if (memcmp(buf + at, &word, part))
			return false;
	}
	return true;
}

static inline void stamp(char *buf, size_t len, uint64_t seq)
{
	memcpy(buf, &seq, sizeof(seq));
	memcpy(buf + len - sizeof(seq), &seq, sizeof(seq));
}

static inline uint64_t stamp_of(const char *buf)
{
	uint64_t seq;

	memcpy(&seq, buf, sizeof(seq));
	return seq;
}

static inline bool is_stamped(const char *buf, size_t len, uint64_t seq)
{
	return stamp_of(buf) == seq && stamp_of(buf + len - sizeof(seq)) == seq;
}

#endif
