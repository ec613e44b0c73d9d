// SPDX-License-Identifier: GPL-2.0
/*
 * Who may open and remove a name: mode bits as for files, and the capabilities that override them.  Were it
 * broken, any user could read another's messages.
 */
#include "object.h"

#include <grp.h>
#include <linux/capability.h>

#define CAROL	1002

static const char name[] = "guarded";

static int create_mode(void *arg)
{
	struct ipcx_options o = { .mode = (long)arg };

	umask(0);
	close(CHECK_OK(ipcx_sem_create(name, 0, 1, &o)));
	return 0;
}

/* What each of the three rights gives: bit r is set if rights r are granted. */
static int open_what(void *arg)
{
	int granted = 0, rights, fd;

	(void)arg;
	for (rights = 1; rights <= 3; rights++) {
		struct ipcx_options o = { .rights = rights };

		fd = ipcx_open(name, IPCX_KIND_SEM, rights, 0);
		if (fd >= 0)
			CHECK_EQ(object_stat(fd).rights, rights);
		else
			CHECK_EQ(fd, -EACCES);
		granted |= (fd >= 0) << rights;
		/* creation without EXCL opens the same way */
		CHECK_EQ(ipcx_sem_create(name, 0, 1, &o) >= 0, fd >= 0);
	}
	return granted;
}

#define NONE	0
#define READ	(1 << IPCX_READ)
#define WRITE	(1 << IPCX_WRITE)
#define BOTH	(READ | WRITE | 1 << (IPCX_READ | IPCX_WRITE))

static int in_owners_group(void *arg)
{
	gid_t group = TEST_UID_ALICE;

	CHECK_SYS(setgroups(1, &group));
	CHECK_SYS(setresgid(CAROL, CAROL, CAROL));
	CHECK_SYS(setresuid(CAROL, CAROL, CAROL));
	return open_what(arg);
}

TEST(mode_bits_of_owner_group_and_others)
{
	static const struct {
		mode_t mode;
		int owner, group, other;
	} table[] = {
		{ 0600, BOTH, NONE, NONE },
		{ 0400, READ, NONE, NONE },
		{ 0200, WRITE, NONE, NONE },
		{ 0060, NONE, BOTH, NONE },
		{ 0040, NONE, READ, NONE },
		{ 0020, NONE, WRITE, NONE },
		{ 0006, NONE, NONE, BOTH },
		{ 0004, NONE, NONE, READ },
		{ 0002, NONE, NONE, WRITE },
		{ 0642, BOTH, READ, WRITE },
		{ 0111, NONE, NONE, NONE },
		{ 0777, BOTH, BOTH, BOTH },
	};
	size_t i;

	own_names();
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		CHECK_EXITS(spawn_as(TEST_UID_ALICE, create_mode, (void *)(long)table[i].mode), 0);
		CHECK_EXITS(spawn_as(TEST_UID_ALICE, open_what, NULL), table[i].owner);
		CHECK_EXITS(spawn(in_owners_group, NULL), table[i].group);
		CHECK_EXITS(spawn_as(TEST_UID_BOB, open_what, NULL), table[i].other);
		/* root has CAP_DAC_OVERRIDE */
		CHECK_EXITS(spawn(open_what, NULL), BOTH);
		CHECK_OK(ipcx_unlink(name));
	}
}

/* The owner is the file system user, as for a file. */
static int owner_is_alice(void *arg)
{
	struct ipcx_stat st;

	(void)arg;
	CHECK_SYS(setegid(TEST_UID_BOB));
	CHECK_SYS(seteuid(TEST_UID_ALICE));
	st = object_stat(CHECK_OK(ipcx_sem_create(name, 0, 1, NULL)));
	CHECK_EQ(st.uid, TEST_UID_ALICE);
	CHECK_EQ(st.gid, TEST_UID_BOB);
	return 0;
}

TEST(owner_is_the_effective_user)
{
	own_names();
	CHECK_EXITS(spawn(owner_is_alice, NULL), 0);
}

/* Root's process without some capabilities, as a container drops them. */
static void drop(int cap)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	CHECK_SYS(syscall(SYS_capget, &head, data));
	data[cap / 32].effective &= ~(1u << cap % 32);
	CHECK_SYS(syscall(SYS_capset, &head, data));
}

static int without_dac_override(void *arg)
{
	drop(CAP_DAC_OVERRIDE);
	return open_what(arg);
}

TEST(cap_dac_override_overrides)
{
	own_names();
	CHECK_EXITS(spawn_as(TEST_UID_ALICE, create_mode, (void *)0600l), 0);
	CHECK_EXITS(spawn(open_what, NULL), BOTH);
	CHECK_EXITS(spawn(without_dac_override, NULL), NONE);
}

static int try_unlink(void *arg)
{
	if (arg)
		drop(CAP_FOWNER);
	return -ipcx_unlink(name);
}

TEST(unlink_is_for_the_owner_and_cap_fowner)
{
	own_names();
	/* what the mode bits say does not matter */
	CHECK_EXITS(spawn_as(TEST_UID_ALICE, create_mode, (void *)0777l), 0);
	CHECK_EXITS(spawn_as(TEST_UID_BOB, try_unlink, NULL), EPERM);
	CHECK_EXITS(spawn(try_unlink, (void *)1), EPERM);
	CHECK_OK(ipcx_open(name, 0, 0, 0));
	CHECK_EXITS(spawn_as(TEST_UID_ALICE, try_unlink, NULL), 0);
	CHECK_ERR(ipcx_open(name, 0, 0, 0), ENOENT);

	CHECK_EXITS(spawn_as(TEST_UID_ALICE, create_mode, (void *)0l), 0);
	CHECK_EXITS(spawn(try_unlink, NULL), 0);
}

static int unlink_missing(void *arg)
{
	(void)arg;
	return -ipcx_unlink("missing");
}

TEST(unlink_of_no_name_is_not_a_matter_of_rights)
{
	own_names();
	CHECK_EXITS(spawn_as(TEST_UID_BOB, unlink_missing, NULL), ENOENT);
}

/* In a user namespace of their own, without a network namespace, users rule over nothing of ours. */
static int in_user_namespace(void *arg)
{
	if (unshare(CLONE_NEWUSER))
		return 77;
	drop(CAP_SYS_ADMIN);	/* they have capabilities there: dropping one works */
	CHECK_EQ(open_what(NULL), NONE);
	CHECK_ERR(ipcx_unlink(name), EPERM);
	(void)arg;
	return 0;
}

TEST(capabilities_of_a_user_namespace_do_not_count_outside)
{
	int status;
	pid_t pid;

	own_names();
	CHECK_EXITS(spawn_as(TEST_UID_ALICE, create_mode, (void *)0600l), 0);
	pid = spawn_as(TEST_UID_BOB, in_user_namespace, NULL);
	status = wait_child(pid, TEST_SOON_MS);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		SKIP("this kernel gives users no user namespaces");
	CHECK_EQ(status, 0);
}

static void map_self_to_root(uid_t uid)
{
	char text[32];

	write_text("/proc/self/setgroups", "deny");
	snprintf(text, sizeof(text), "0 %d 1", uid);
	write_text("/proc/self/uid_map", text);
	write_text("/proc/self/gid_map", text);
}

static int container_root(void *arg)
{
	struct ipcx_sem_create c = { .create = { .size = sizeof(c), .name = (uintptr_t)"none" },
				     .max = 1 };
	struct ipcx_list_entry e;
	int fd;

	(void)arg;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return 77;
	map_self_to_root(TEST_UID_ALICE);
	/* numbers are translated: the owner is root here */
	fd = CHECK_OK(ipcx_sem_create("mine", 0, 1, NULL));
	CHECK_EQ(object_stat(fd).uid, 0);
	CHECK_EQ(object_stat(fd).gid, 0);
	CHECK_EQ(ipcx_list(NULL, &e, 1), 1);
	CHECK_STR(e.name, "mine");
	CHECK_EQ(e.uid, 0);
	/* mode bits bind the owner, capabilities over the own namespace lift them */
	close(CHECK_OK(call(device(), IPCX_SEM_CREATE, &c)));
	CHECK_OK(ipcx_open("none", 0, 0, 0));
	drop(CAP_DAC_OVERRIDE);
	CHECK_ERR(ipcx_open("none", 0, 0, 0), EACCES);
	return 0;
}

TEST(root_of_a_container_rules_over_its_own_names)
{
	int status;

	own_names();
	close(CHECK_OK(ipcx_sem_create("outside", 0, 1, NULL)));
	status = wait_child(spawn_as(TEST_UID_ALICE, container_root, NULL), TEST_SOON_MS);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		SKIP("this kernel gives users no user namespaces");
	CHECK_EQ(status, 0);
	CHECK_ERR(ipcx_open("mine", 0, 0, 0), ENOENT);
}

/* A user outside the container's map made a name in it: its root has no power over that user. */
struct meeting {
	int entered, made;
};

static int container_waits(void *arg)
{
	struct meeting *m = arg;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return 77;
	map_self_to_root(TEST_UID_ALICE);
	__atomic_store_n(&m->entered, 1, __ATOMIC_SEQ_CST);
	CHECK_SOON(__atomic_load_n(&m->made, __ATOMIC_SEQ_CST));
	CHECK_ERR(ipcx_open("foreign", 0, IPCX_READ, 0), EACCES);
	CHECK_ERR(ipcx_unlink("foreign"), EPERM);
	return 0;
}

TEST(root_of_a_container_does_not_rule_over_other_users)
{
	struct meeting *m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct ipcx_list_entry e;
	char path[64];
	int status;
	pid_t pid;

	own_names();
	pid = spawn_as(TEST_UID_ALICE, container_waits, m);
	CHECK_SOON(__atomic_load_n(&m->entered, __ATOMIC_SEQ_CST) ||
		   waitpid(pid, &status, WNOHANG) == pid);
	if (!m->entered)
		SKIP("this kernel gives users no user namespaces");
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	CHECK_SYS(setns(CHECK_SYS(open(path, O_RDONLY)), CLONE_NEWNET));
	close(CHECK_OK(ipcx_sem_create("foreign", 0, 1, NULL)));
	CHECK_EQ(ipcx_list(NULL, &e, 1), 1);
	__atomic_store_n(&m->made, 1, __ATOMIC_SEQ_CST);
	CHECK_EXITS(pid, 0);
}

/* Rights are checked when a descriptor is made, and it keeps them. */
static int *phase;

static int keeps_its_rights(void *arg)
{
	int fd = CHECK_OK(ipcx_open(name, 0, 0, 0));

	(void)arg;
	__atomic_store_n(phase, 1, __ATOMIC_SEQ_CST);
	CHECK_SOON(__atomic_load_n(phase, __ATOMIC_SEQ_CST) == 2);
	CHECK_OK(ipcx_sem_post(fd, 1));
	CHECK_ERR(ipcx_open(name, 0, 0, 0), ENOENT);
	return 0;
}

TEST(a_descriptor_keeps_its_rights)
{
	pid_t pid;

	own_names();
	phase = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK_EXITS(spawn_as(TEST_UID_ALICE, create_mode, (void *)0666l), 0);
	pid = spawn_as(TEST_UID_BOB, keeps_its_rights, NULL);
	CHECK_SOON(__atomic_load_n(phase, __ATOMIC_SEQ_CST) == 1);
	CHECK_OK(ipcx_unlink(name));
	__atomic_store_n(phase, 2, __ATOMIC_SEQ_CST);
	CHECK_EXITS(pid, 0);
}
