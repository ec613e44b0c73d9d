// SPDX-License-Identifier: GPL-2.0
/*
 * Sizes, offsets, numbers and constants of the ABI are those that existing programs were
 * built with.  If this fails, such a program and the module misunderstand each other
 * without any message.
 */
#include <linux/ipcx.h>

#include "ipcx-test.h"
#include "abi-layout.h"

TEST(sizes_are_fixed)
{
#define SIZE(s, bytes)	CHECK_EQ(sizeof(struct s), bytes);
#define FIELD(s, member, offset, bytes)
	ABI_STRUCTURES(SIZE, FIELD)
#undef SIZE
#undef FIELD
}

TEST(offsets_are_fixed)
{
#define SIZE(s, bytes)
#define FIELD(s, member, offset, bytes)					\
	CHECK_EQ(offsetof(struct s, member), offset);			\
	CHECK_EQ(sizeof(((struct s *)NULL)->member), bytes);
	ABI_STRUCTURES(SIZE, FIELD)
#undef SIZE
#undef FIELD
}

TEST(sizes_are_multiples_of_8)
{
#define SIZE(s, bytes)	CHECK_EQ(sizeof(struct s) % 8, 0);
#define FIELD(s, member, offset, bytes)
	ABI_STRUCTURES(SIZE, FIELD)
#undef SIZE
#undef FIELD
}

/* A hole could carry what is no user's business, and be laid out differently elsewhere. */
TEST(there_are_no_holes)
{
	const char *inside = NULL;
	size_t size = 0, end = 0;

#define SIZE(s, bytes)							\
	if (end != size)						\
		FAIL("%s has %zu bytes behind its members", inside, size - end);\
	inside = #s;							\
	size = sizeof(struct s);					\
	end = 0;
#define FIELD(s, member, offset, bytes)					\
	if (offsetof(struct s, member) != end)				\
		FAIL("%s.%s is at %zu, the one before it ends at %zu", #s, #member,\
		     offsetof(struct s, member), end);			\
	end += sizeof(((struct s *)NULL)->member);
	ABI_STRUCTURES(SIZE, FIELD)
#undef SIZE
#undef FIELD
	CHECK_EQ(end, size);
}

/* Natural alignment: so a 32-bit program, whose 64-bit members need only 4, has the same layout. */
TEST(members_of_8_bytes_are_aligned_to_8)
{
#define SIZE(s, bytes)
#define FIELD(s, member, offset, bytes)					\
	if (sizeof(((struct s *)NULL)->member) >= 8)			\
		CHECK_EQ(offsetof(struct s, member) % 8, 0);
	ABI_STRUCTURES(SIZE, FIELD)
#undef SIZE
#undef FIELD
}

TEST(arguments_begin_with_their_size)
{
#define COMMAND(name, s, number)					\
	CHECK_EQ(_IOC_SIZE(name), sizeof(struct s));
	ABI_COMMANDS(COMMAND)
#undef COMMAND
	CHECK_EQ(offsetof(struct ipcx_queue_create, create.size), 0);
	CHECK_EQ(offsetof(struct ipcx_region_create, create.size), 0);
	CHECK_EQ(offsetof(struct ipcx_sem_create, create.size), 0);
	CHECK_EQ(offsetof(struct ipcx_event_create, create.size), 0);
}

TEST(command_numbers_are_fixed)
{
#define COMMAND(name, s, number)	CHECK_EQ((unsigned int)name, number);
	ABI_COMMANDS(COMMAND)
#undef COMMAND
}

TEST(command_numbers_are_unique_and_in_range)
{
	static const unsigned int commands[] = {
#define COMMAND(name, s, number)	name,
		ABI_COMMANDS(COMMAND)
#undef COMMAND
	};
	bool seen[IPCX_IOC_NR] = { false };
	unsigned int i, nr;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		nr = _IOC_NR(commands[i]);
		CHECK_LT(nr, IPCX_IOC_NR);
		CHECK(!seen[nr]);
		seen[nr] = true;
		CHECK_EQ(_IOC_TYPE(commands[i]), IPCX_IOC_TYPE);
		CHECK_EQ(_IOC_DIR(commands[i]), _IOC_READ | _IOC_WRITE);
	}
}

TEST(constants_are_fixed)
{
#define CONSTANT(name, value)	CHECK_EQ(name, value);
	ABI_CONSTANTS(CONSTANT)
#undef CONSTANT
	CHECK_STR(IPCX_DEVICE, "/dev/ipcx");
}
