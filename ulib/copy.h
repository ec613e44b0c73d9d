/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Copying a small message in line.  What is larger goes through memcpy(3), which chooses by the
 * processor, and by the size whether to go past the caches.
 */
#ifndef IPCX_COPY_H
#define IPCX_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint64_t copy_16 __attribute__((vector_size(16), aligned(1), may_alias));

#define COPY_SMALL 128

/* Two halves that overlap: no loop, and no byte outside. */
#define copy_ends(unit, dst, src, len)						\
	do {									\
		unit first_, last_;						\
		memcpy(&first_, src, sizeof(unit));				\
		memcpy(&last_, (src) + (len) - sizeof(unit), sizeof(unit));	\
		memcpy(dst, &first_, sizeof(unit));				\
		memcpy((dst) + (len) - sizeof(unit), &last_, sizeof(unit));	\
	} while (0)

static inline void copy(void *to, const void *from, size_t len)
{
	const char *src = from;
	char *dst = to;

	if (len > COPY_SMALL) {
		memcpy(dst, src, len);
	} else if (len >= 16) {
		size_t at = 16;

		/* The last 16 bytes first read: the loop then needs no remainder. */
		copy_16 last = *(const copy_16 *)(src + len - 16);

		*(copy_16 *)dst = *(const copy_16 *)src;
		for (; at + 16 < len; at += 16)
			*(copy_16 *)(dst + at) = *(const copy_16 *)(src + at);
		*(copy_16 *)(dst + len - 16) = last;
	} else if (len >= 8) {
		copy_ends(uint64_t, dst, src, len);
	} else if (len >= 4) {
		copy_ends(uint32_t, dst, src, len);
	} else if (len) {
		dst[0] = src[0];
		dst[len / 2] = src[len / 2];
		dst[len - 1] = src[len - 1];
	}
}

#endif /* IPCX_COPY_H */
