/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the targets whose input is what another process has written into shared memory: a memfd with its contents, mappings
 * with nothing behind or before them, and a peer that writes while the library looks.
 */
#ifndef FUZZ_SHARED_MEMORY_H
#define FUZZ_SHARED_MEMORY_H

#include <errno.h>
#include <fcntl.h>
#include <sanitizer/asan_interface.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include <ipcx-ring.h>

#include "fuzz.h"
#include "hostile.h"

#define GUARD		65536UL
#define MAX_MAPS	8
#define MAX_STRIKES	8

/* ---- the library's mappings: it maps through these ---- */

static struct map { char *base; size_t len; bool guarded; } maps[MAX_MAPS];

static inline size_t whole_pages(size_t len)
{
	return (len + 4095) & ~4095UL;
}

static void remember_map(char *base, size_t len, bool guarded)
{
	for (int i = 0; i < MAX_MAPS; i++) {
		if (maps[i].base)
			continue;
		maps[i] = (struct map){ base, len, guarded };
		ASAN_POISON_MEMORY_REGION(base + len, whole_pages(len) - len);
		return;
	}
	abort();
}

/* As mmap(2) of @len bytes; the rest of the last page is out of bounds, and so is what surrounds it. */
static void *guarded_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	char *base;

	/* for huge pages the library reserves first, and maps into that */
	if (fd < 0 || addr) {
		base = mmap(addr, len, prot, flags, fd, offset);
		if (fd >= 0 && base != MAP_FAILED)
			remember_map(base, len, false);
		return base;
	}
	base = mmap(NULL, whole_pages(len) + 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return MAP_FAILED;
	base += GUARD;
	if (mmap(base, len, prot, flags | MAP_FIXED, fd, offset) == MAP_FAILED) {
		munmap(base - GUARD, whole_pages(len) + 2 * GUARD);
		return MAP_FAILED;
	}
	remember_map(base, len, true);
	return base;
}

static int guarded_munmap(void *addr, size_t len)
{
	for (int i = 0; i < MAX_MAPS; i++) {
		struct map *map = &maps[i];

		if (!addr || map->base != addr)
			continue;
		map->base = NULL;
		ASAN_UNPOISON_MEMORY_REGION(addr, whole_pages(len));
		if (!map->guarded)
			return munmap(addr, len);
		return munmap((char *)addr - GUARD, whole_pages(len) + 2 * GUARD);
	}
	return munmap(addr, len);
}

#define mmap(...)	guarded_mmap(__VA_ARGS__)
#define munmap(...)	guarded_munmap(__VA_ARGS__)
#include "../../ulib/share.c"
#undef mmap
#undef munmap

/* ---- the memory, as its peer sees it ---- */

static struct {
	int fd;
	char *base;
	size_t len;
	struct input *in;
	/* what will be written, and after how many more loads */
	struct strike { uint32_t after; uint32_t at; uint64_t value; uint8_t how; } strikes[MAX_STRIKES];
	unsigned int nr_strikes;
	unsigned int nr_loads;		/* that the library has made */
	bool has_written;		/* it is not honest */
} peer;

static void write_word(const struct strike *s)
{
	uint64_t *word;

	peer.has_written = true;
	if (peer.len < 8)
		return;
	word = (uint64_t *)(peer.base + s->at % (peer.len - 7) / 8 * 8);
	switch (s->how % 8) {
	case 0:
		*word = s->value;
		break;
	case 1:
		*word += s->value;
		break;
	case 2:
		*word -= s->value;
		break;
	case 3:
		*word ^= 1ULL << s->value % 64;
		break;
	case 4:
		*(uint32_t *)word = s->value;
		break;
	case 5:
		*((uint32_t *)word + 1) = s->value;
		break;
	case 6:
		*word = -1ULL;
		break;
	default:
		*word = 0;
	}
}

static void strike_now(void)
{
	peer.nr_loads++;
	for (unsigned int i = 0; i < peer.nr_strikes; i++) {
		if (peer.strikes[i].after--)
			continue;
		write_word(&peer.strikes[i]);
		peer.strikes[i--] = peer.strikes[--peer.nr_strikes];
	}
}

/*
 * Where a word lies that matters: the first of the memory, the ends' positions, the bells, a slot's word or what follows it;
 * or anywhere.
 */
static uint32_t take_place(struct input *in)
{
	uint8_t where = take_u8(in);

	if (where < 160)
		return where * 8;
	if (where < 224)
		return 1024 + (where - 160) / 4 * 64 + where % 4 * 8;
	return take_u16(in) * 8;
}

static uint64_t take_value(struct input *in)
{
	uint8_t how = take_u8(in);

	if (how < 128)
		return how;
	if (how < 176)
		return take_u64(in);
	if (how < 200)
		return (uint64_t)take_u32(in) << 32 | take_u8(in);
	return 1ULL << take_u8(in) % 64;
}

/* The next word that the peer writes: now, or while the library looks. */
static void take_strike(struct input *in)
{
	struct strike s = { .how = take_u8(in) };

	s.after = s.how >> 3;
	s.at = take_place(in);
	s.value = take_value(in);
	if (!s.after)
		write_word(&s);
	else if (peer.nr_strikes < MAX_STRIKES)
		peer.strikes[peer.nr_strikes++] = s;
}

/* Memory of @len bytes that nobody can shorten. */
static void peer_begin(struct input *in, size_t len)
{
	memset(&peer, 0, sizeof(peer));
	peer.in = in;
	peer.len = len;
	peer.fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (peer.fd < 0 || ftruncate(peer.fd, (off_t)len) || fcntl(peer.fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		abort();
	peer.base = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, peer.fd, 0);
	if (peer.base == MAP_FAILED)
		abort();
	hostile_peer = strike_now;
}

static void peer_end(void)
{
	hostile_peer = NULL;
	munmap(peer.base, peer.len);
	close(peer.fd);
}

/* ---- properties ---- */

/* Is [addr, addr + len) inside of a mapping that the library has? */
static inline bool is_inside(const void *addr, size_t len)
{
	for (int i = 0; i < MAX_MAPS; i++) {
		size_t at = (uintptr_t)addr - (uintptr_t)maps[i].base;

		if (maps[i].base && at <= maps[i].len && len <= maps[i].len - at)
			return true;
	}
	return false;
}

/* An error that the manual page does not know is a finding. */
static inline void require_documented(const char *call, long ret, const int *errors)
{
	if (ret >= 0)
		return;
	for (; *errors; errors++)
		if (ret == -*errors)
			return;
	REQUIRE(false, "%s returned %ld (%s), which its manual page does not have", call, ret, strerror((int)-ret));
}

/* The times to wait: mostly not at all, sometimes not for long. */
static inline uint64_t take_patience(struct input *in, unsigned int *flags)
{
	uint8_t how = take_u8(in);

	*flags = how & 3 ? IPCX_NOWAIT : 0;
	if (how >= 0xf8)
		*flags |= 1U << (how & 7);
	return (how & 0xfc) == 0x40 ? ipcx_after_ns(20000) : 1;
}

#endif /* FUZZ_SHARED_MEMORY_H */
