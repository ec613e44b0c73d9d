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
typedef uint64_t copy_8 __attribute__((aligned(1), may_alias));
typedef uint32_t copy_4 __attribute__((aligned(1), may_alias));

#define COPY_SMALL 64U

/*
 * Up to COPY_SMALL bytes, without a loop: two halves that overlap.  All is read before anything
 * is written.
 */
static inline void copy_small(char *dst, const char *src, size_t len)
{
	if (__builtin_expect(len > 32, 1)) {
		copy_16 a = *(const copy_16 *)src, b = *(const copy_16 *)(src + 16);
		copy_16 c = *(const copy_16 *)(src + len - 32), d = *(const copy_16 *)(src + len - 16);

		*(copy_16 *)dst = a;
		*(copy_16 *)(dst + 16) = b;
		*(copy_16 *)(dst + len - 32) = c;
		*(copy_16 *)(dst + len - 16) = d;
	} else if (len >= 16) {
		copy_16 a = *(const copy_16 *)src, b = *(const copy_16 *)(src + len - 16);

		*(copy_16 *)dst = a;
		*(copy_16 *)(dst + len - 16) = b;
	} else if (len >= 8) {
		copy_8 a = *(const copy_8 *)src, b = *(const copy_8 *)(src + len - 8);

		*(copy_8 *)dst = a;
		*(copy_8 *)(dst + len - 8) = b;
	} else if (len >= 4) {
		copy_4 a = *(const copy_4 *)src, b = *(const copy_4 *)(src + len - 4);

		*(copy_4 *)dst = a;
		*(copy_4 *)(dst + len - 4) = b;
	} else if (len) {
		char a = src[0], b = src[len / 2], c = src[len - 1];

		dst[0] = a;
		dst[len / 2] = b;
		dst[len - 1] = c;
	}
}

static inline void copy(void *to, const void *from, size_t len)
{
	if (len <= COPY_SMALL)
		copy_small(to, from, len);
	else
		memcpy(to, from, len);
}

#endif /* IPCX_COPY_H */
