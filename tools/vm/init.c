// SPDX-License-Identifier: GPL-2.0
/*
 * The machine's first process: mounts what programs expect, loads the module,
 * runs what /vm says, removes the module and ends the machine.  tools/vm/vm
 * writes /vm and reads the report; init.h has the report's lines.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

#define KMEMLEAK "/sys/kernel/debug/kmemleak"

#define PORT_REPORT	1
#define PORT_OUT	2
#define PORT_ERR	3
#define PORT_FILES	4
#define DEVICE_WAIT_MS	10000
#define ARGS_MAX	4096

static int report_fd = -1;

long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

static void write_all(int fd, const char *buf, size_t len)
{
	ssize_t ret;

	while (len) {
		ret = write(fd, buf, len);
		if (ret < 0 && errno != EINTR)
			return;
		if (ret > 0) {
			buf += ret;
			len -= ret;
		}
	}
}

void report(const char *fmt, ...)
{
	static char line[16384];
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	len = strlen(line);
	line[len++] = '\n';
	write_all(report_fd >= 0 ? report_fd : STDERR_FILENO, line, len);
}

static void mount_at(const char *type, const char *dir, const char *data)
{
	mkdir(dir, 0755);
	mount(type, dir, type, MS_NOSUID, data);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	/* A setting this kernel lacks is no reason not to go on. */
	if (write(fd, text, strlen(text)) < 0 && errno == EIO)
		report("! cannot write %s", path);
	close(fd);
}

static int load_module(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return ret;
}

/* The modules of the kernel's own that /vm lists in their order. */
static void load_listed_modules(const char *list)
{
	char path[256];
	FILE *f = fopen(list, "re");
	int ret;

	while (f && fgets(path, sizeof(path), f)) {
		path[strcspn(path, "\n")] = '\0';
		ret = load_module(path);
		if (ret && ret != -EEXIST)
			report("! %s: %s", path, strerror(-ret));
	}
	if (f)
		fclose(f);
}

static int open_device(const char *path, int flags)
{
	long long end = now_ms() + DEVICE_WAIT_MS;
	int fd;

	while ((fd = open(path, flags | O_CLOEXEC)) < 0 && now_ms() < end)
		usleep(2000);
	return fd;
}

static int open_port(int nr)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/vport0p%d", nr);
	return open_device(path, O_WRONLY);
}

static void set_up_network(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr))
		report("! lo: %s", strerror(errno));
	close(fd);
}

static void set_up_system(void)
{
	static const struct { const char *path, *value; } settings[] = {
		{ "/proc/sys/kernel/msgmax", "1048576" },
		{ "/proc/sys/kernel/msgmnb", "67108864" },
		{ "/proc/sys/fs/mqueue/msg_max", "65536" },
		{ "/proc/sys/fs/mqueue/msgsize_max", "1048576" },
		{ "/proc/sys/fs/pipe-max-size", "16777216" },
		{ "/proc/sys/net/core/wmem_max", "16777216" },
		{ "/proc/sys/net/core/rmem_max", "16777216" },
		{ "/proc/sys/kernel/sysrq", "1" },
		{ "/proc/sys/kernel/hung_task_timeout_secs", "30" },
		{ "/proc/sys/kernel/core_pattern", "" },
		{ "/proc/sys/fs/file-max", "4000000" },
	};
	struct rlimit files = { 65536, 1048576 }, all = { RLIM_INFINITY, RLIM_INFINITY };
	size_t i;

	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		write_file(settings[i].path, settings[i].value);
	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_MSGQUEUE, &all);
	setrlimit(RLIMIT_MEMLOCK, &all);
	sethostname("ipcx", 4);
	set_up_network();
}

static void mount_all(void)
{
	mount_at("proc", "/proc", NULL);
	mount_at("sysfs", "/sys", NULL);
	mount_at("devtmpfs", "/dev", NULL);
	mount_at("devpts", "/dev/pts", "ptmxmode=0666,gid=5");
	mount_at("tmpfs", "/tmp", "mode=1777");
	mount_at("tmpfs", "/run", "mode=755");
	mount_at("tmpfs", "/dev/shm", "mode=1777");
	mount_at("mqueue", "/dev/mqueue", NULL);
	mount_at("debugfs", "/sys/kernel/debug", NULL);
	mount_at("tracefs", "/sys/kernel/tracing", NULL);
	mount_at("cgroup2", "/sys/fs/cgroup", NULL);
	if (symlink("/proc/self/fd", "/dev/fd") || symlink("/proc/self/fd/0", "/dev/stdin") ||
	    symlink("/proc/self/fd/1", "/dev/stdout") || symlink("/proc/self/fd/2", "/dev/stderr"))
		report("! /dev: %s", strerror(errno));
	chmod("/dev/ptmx", 0666);
}

/* A project below a directory that is the machine's own (/tmp) is put back there. */
static void show_project(void)
{
	const char *top = getenv("IPCX_TOP") ?: "";
	char to[PATH_MAX], options[2 * PATH_MAX], *p;

	if (strncmp(top, "/tmp/", 5) && strncmp(top, "/run/", 5))
		return;
	snprintf(options, sizeof(options), "lowerdir=/host%s,upperdir=/layer/upper-top,workdir=/layer/work-top",
		 top);
	mkdir("/layer/upper-top", 0755);
	mkdir("/layer/work-top", 0755);
	snprintf(to, sizeof(to), "/merged%s", top);
	for (p = to + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(to, 0755);
		*p = '/';
	}
	mkdir(to, 0755);
	if (mount("top", to, "overlay", 0, options))
		report("! %s: %s", top, strerror(errno));
}

/*
 * The host's programs, read-only below a writable layer in memory: what makes
 * the shell comfortable.  Without them (no 9p on this kernel) it has busybox.
 */
static bool enter_host_root(void)
{
	static const char *const moved[] = { "/proc", "/sys", "/dev", "/tmp", "/run" };
	char dir[64];
	size_t i;

	mkdir("/host", 0755);
	mkdir("/layer", 0755);
	mkdir("/merged", 0755);
	if (mount("host", "/host", "9p", MS_RDONLY, "trans=virtio,version=9p2000.L,msize=262144") ||
	    mount("layer", "/layer", "tmpfs", 0, NULL))
		return false;
	mkdir("/layer/upper", 0755);
	mkdir("/layer/work", 0755);
	if (mount("merged", "/merged", "overlay", 0,
		  "lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work"))
		return false;
	for (i = 0; i < sizeof(moved) / sizeof(moved[0]); i++) {
		snprintf(dir, sizeof(dir), "/merged%s", moved[i]);
		mount(moved[i], dir, NULL, MS_MOVE, NULL);
	}
	show_project();
	mkdir("/merged/vm", 0755);
	if (mount("/vm", "/merged/vm", NULL, MS_BIND, NULL) || chroot("/merged") || chdir("/"))
		return false;
	return true;
}

int module_users(void)
{
	char buf[16] = "";
	int fd = open("/sys/module/ipcx/refcnt", O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -1;
	len = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	return len > 0 ? atoi(buf) : -1;
}

/* The strings of a file of NUL-terminated strings, with a NULL at the end. */
static char **read_strings(const char *path)
{
	static char buf[256 * 1024];
	static char *strings[ARGS_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC), nr = 0;
	ssize_t len = fd < 0 ? 0 : read(fd, buf, sizeof(buf) - 1);
	char *p;

	if (fd >= 0)
		close(fd);
	for (p = buf; len > 0 && p < buf + len && nr < ARGS_MAX - 1; p += strlen(p) + 1)
		strings[nr++] = p;
	strings[nr] = NULL;
	return strings;
}

static void set_environment(void)
{
	FILE *f = fopen("/vm/env", "re");
	char line[4096];

	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		putenv(strdup(line));
	}
	if (f)
		fclose(f);
}

/* The list of jobs: one a line, "NAME SECONDS PROGRAM [ARGUMENT]". */
static bool run_list(int in)
{
	FILE *f = fopen("/vm/jobs", "re");
	char line[1024], *argv[4], *name, *limit;
	struct job job = { .fds = { in, -1, -1 }, .argv = argv };
	bool ok = true;

	while (f && ok && fgets(line, sizeof(line), f)) {
		name = strtok(line, " \n");
		limit = strtok(NULL, " \n");
		argv[0] = strtok(NULL, " \n");
		argv[1] = strtok(NULL, " \n");
		argv[2] = NULL;
		if (!name || !limit || !argv[0])
			continue;
		job.name = name;
		job.limit_s = atoi(limit);
		ok = job_run(&job);
	}
	if (f)
		fclose(f);
	return ok;
}

static bool run_command(int in, int limit_s)
{
	struct job job = {
		.name = "command", .limit_s = limit_s, .argv = read_strings("/vm/argv"),
		.may_leave_names = true,
		.fds = { in, open_port(PORT_OUT), open_port(PORT_ERR) },
	};

	return job_run(&job);
}

static bool run_shell(void)
{
	struct winsize ws = {
		.ws_row = atoi(getenv("vm_rows") ?: "24"), .ws_col = atoi(getenv("vm_cols") ?: "80"),
	};
	struct job job = { .name = "shell", .argv = read_strings("/vm/argv"), .terminal = true,
			   .may_leave_names = true };
	int tty;

	if (!enter_host_root())
		report("! the host's files cannot be mounted: the shell has busybox");
	tty = open_device("/dev/hvc0", O_RDWR | O_NOCTTY);
	if (tty < 0) {
		report("! /dev/hvc0: %s", strerror(errno));
		return false;
	}
	ioctl(tty, TIOCSWINSZ, &ws);
	job.fds[0] = job.fds[1] = job.fds[2] = tty;
	return job_run(&job);
}

/* Sends what /vm/outputs names: "SIZE PATH", then that many bytes. */
static void send_files(void)
{
	FILE *list = fopen("/vm/outputs", "re");
	char path[1024], buf[65536];
	struct stat st;
	int port, fd;
	ssize_t len;

	if (!list)
		return;
	port = open_port(PORT_FILES);
	while (fgets(path, sizeof(path), list)) {
		path[strcspn(path, "\n")] = '\0';
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &st)) {
			dprintf(port, "-1 %s\n", path);
			continue;
		}
		dprintf(port, "%lld %s\n", (long long)st.st_size, path);
		while (st.st_size > 0 && (len = read(fd, buf, sizeof(buf))) > 0) {
			if (len > st.st_size)
				len = st.st_size;
			write_all(port, buf, len);
			st.st_size -= len;
		}
		close(fd);
	}
	fclose(list);
}

/* A kernel that checks the order of locks stops doing so at its first report, whatever that was. */
static bool locks_unwatched(void)
{
	FILE *stats = fopen("/proc/lockdep_stats", "re");
	char line[256];
	int on = 1;

	while (stats && fgets(line, sizeof(line), stats))
		sscanf(line, " debug_locks: %d", &on);
	if (stats)
		fclose(stats);
	return !on;
}

/* Where the kernel looks for leaked memory: reports what the module has allocated and lost. */
static bool found_leaks(bool *dirty)
{
	char line[256], object[4096] = "";
	bool ours = false, found = false;
	FILE *leaks;
	int lines = 0;

	if (access(KMEMLEAK, F_OK))
		return false;
	/* it believes in a leak of memory that is 5 s old, and found twice */
	sleep(6);
	*dirty |= klog_dirty();
	write_file(KMEMLEAK, "scan");
	write_file(KMEMLEAK, "scan");
	klog_skip();
	leaks = fopen(KMEMLEAK, "re");
	while (leaks && fgets(line, sizeof(line), leaks)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "unreferenced object", 19)) {
			ours = false;
			object[0] = '\0';
		}
		if (strstr(line, "[ipcx]") && !ours) {
			ours = found = true;
			if (object[0] && lines < 400)
				report("! %s", object);
		}
		if (ours && lines++ < 400)
			report("! %s", line);
		else if (!strncmp(line, "unreferenced object", 19))
			snprintf(object, sizeof(object), "%s", line);
	}
	if (leaks)
		fclose(leaks);
	return found;
}

static void remove_module(void)
{
	long long end = now_ms() + 5000;
	bool dirty = false, leaks;
	int ret;

	if (module_users() < 0) {
		report("rmmod none");
		return;
	}
	leaks = found_leaks(&dirty);
	do {
		ret = syscall(SYS_delete_module, "ipcx", O_NONBLOCK) ? errno : 0;
		if (ret)
			usleep(5000);
	} while (ret && now_ms() < end);
	if (ret)
		report("rmmod %s (%d users)", strerror(ret), module_users());
	else if (klog_dirty() || dirty)
		report("rmmod left a fault in the kernel's log");
	else if (leaks)
		report("rmmod found memory that the module has lost");
	else if (locks_unwatched())
		report("rmmod found that the kernel has stopped to check locks");
	else
		report("rmmod ok");
}

static void on_child(int sig)
{
	(void)sig;
}

/* Ends the machine; QEMU is told not to start it again. */
static void power_off(void)
{
	sync();
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

int main(void)
{
	const char *mode = getenv("vm_mode") ?: "run";
	struct sigaction sa = { .sa_handler = on_child };
	int ret, in;

	mount_all();
	if (!strcmp(mode, "probe")) {
		write_file("/dev/ttyS0", "probe ok\n");
		power_off();
	}
	umask(022);
	load_listed_modules("/vm/modules");
	report_fd = open_port(PORT_REPORT);
	report("boot %lld", now_ms());
	sigaction(SIGCHLD, &sa, NULL);
	set_up_system();
	set_environment();
	klog_open();
	if (!access(KMEMLEAK, F_OK)) {
		write_file(KMEMLEAK, "scan=off");
		usleep(100000);		/* its thread says farewell in the log */
		klog_skip();
	}
	if (!access("/vm/ipcx.ko", F_OK)) {
		ret = load_module("/vm/ipcx.ko");
		if (!ret)
			close(open_device("/dev/ipcx", O_RDWR));
		if (klog_dirty())
			ret = -EIO;
		report("module %s", ret ? strerror(-ret) : "ok");
		if (ret) {
			klog_show();
			power_off();
		}
	}
	if (chdir("/tmp"))
		report("! /tmp: %s", strerror(errno));
	in = open(access("/vm/stdin", F_OK) ? "/dev/null" : "/vm/stdin", O_RDONLY | O_CLOEXEC);
	if (!strcmp(mode, "list"))
		ret = run_list(in);
	else if (!strcmp(mode, "shell"))
		ret = run_shell();
	else
		ret = run_command(in, atoi(getenv("vm_limit") ?: "60"));
	send_files();
	if (ret)
		remove_module();
	else
		report("rmmod skipped: the machine is no longer sound");
	report("done");
	power_off();
}
