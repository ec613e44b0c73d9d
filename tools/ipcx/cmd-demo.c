// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx demo: a story in scenes, each with its own processes, then the comparison with the standard
 * calls.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "demo.h"
#include "util.h"

/* A scene takes about a second; an emulated machine may be slow. */
#define SCENE_NS	(30 * NS_PER_SEC)

struct scene {
	const char *title;
	const char *explanation;
	void (*play)(void);
	uint64_t ns;		/* how long it took */
};

static struct scene scenes[] = {
	{ "Queue", "two producers, three consumers; the higher priority is received first",
	  demo_queue, 0 },
	{ "Semaphore", "six workers, but only two may work at a time", demo_sem, 0 },
	{ "Region", "one process paints an image, another shows it; the image is never copied",
	  demo_region, 0 },
	{ "kill -9", "a worker is killed in the middle; no job is lost and none is done twice",
	  demo_kill, 0 },
};

static bool colour;
static pid_t demo_pid;
static uint64_t scene_end;
static unsigned int nr_checks, nr_failed;

static const char *paint(const char *sequence)
{
	return colour ? sequence : "";
}

#define BOLD	paint("\033[1m")
#define GREEN	paint("\033[32m")
#define RED	paint("\033[1;31m")
#define PLAIN	paint("\033[0m")

void demo_say(const char *text, ...)
{
	va_list args;

	fputs("  ", stdout);
	va_start(args, text);
	vprintf(text, args);
	va_end(args);
	putchar('\n');
}

bool demo_check(bool is_true, const char *text, ...)
{
	va_list args;

	nr_checks++;
	if (is_true) {
		printf("  %sok%s     ", GREEN, PLAIN);
	} else {
		nr_failed++;
		printf("  %sWRONG%s  ", RED, PLAIN);
	}
	va_start(args, text);
	vprintf(text, args);
	va_end(args);
	putchar('\n');
	return is_true;
}

void demo_fail(int err, const char *what)
{
	nr_checks++;
	nr_failed++;
	report(err, "%s", what);
}

const char *demo_name(const char *what)
{
	static char name[IPCX_NAME_MAX + 1];

	snprintf(name, sizeof(name), "demo.%d.%s", demo_pid, what);
	return name;
}

static struct ipcx_options temporary(unsigned int flags)
{
	struct ipcx_options options = { .flags = IPCX_CREATE_TEMPORARY | IPCX_CREATE_EXCL | flags };

	return options;
}

int demo_create_queue(const char *what, unsigned int max_msgs)
{
	struct ipcx_queue_limits limits = { .max_msgs = max_msgs };
	struct ipcx_options options = temporary(0);
	int queue;

	queue = ipcx_queue_create(demo_name(what), &limits, &options);
	if (queue < 0)
		demo_fail(queue, "create a queue");
	return queue;
}

int demo_create_sem(const char *what, unsigned int units, bool robust)
{
	struct ipcx_options options = temporary(robust ? IPCX_SEM_ROBUST : 0);
	int sem;

	sem = ipcx_sem_create(demo_name(what), units, units, &options);
	if (sem < 0)
		demo_fail(sem, "create a semaphore");
	return sem;
}

void *demo_create_region(const char *what, size_t len, int *region)
{
	struct ipcx_options options = temporary(0);
	void *addr;
	int ret;

	*region = ipcx_region_create(demo_name(what), len, &options);
	if (*region < 0) {
		demo_fail(*region, "create a region");
		return NULL;
	}
	ret = ipcx_region_map(*region, PROT_READ | PROT_WRITE, &addr, NULL);
	if (ret) {
		close(*region);
		demo_fail(ret, "map a region");
		return NULL;
	}
	return addr;
}

uint64_t demo_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

uint64_t demo_deadline(void)
{
	return scene_end;
}

void demo_pause(unsigned int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * NS_PER_MS };

	nanosleep(&ts, NULL);
}

pid_t demo_start(int (*run)(int index), int index)
{
	pid_t pid, parent = getpid();
	int status;

	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		demo_fail(-errno, "start a process");
		return 0;
	}
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	status = getppid() == parent ? run(index) : STATUS_FAILED;
	fflush(stdout);
	_exit(status);
}

int demo_finish(pid_t pid)
{
	struct pollfd fd = { .events = POLLIN };
	uint64_t now = demo_now();
	int ret = 0, wstatus;

	if (pid <= 0)
		return -1;
	fd.fd = syscall(SYS_pidfd_open, pid, 0);
	if (fd.fd >= 0) {
		do {
			ret = poll(&fd, 1, scene_end > now ? (scene_end - now) / NS_PER_MS : 0);
		} while (ret < 0 && errno == EINTR);
		close(fd.fd);
	}
	if (ret != 1) {
		kill(pid, SIGKILL);
		demo_check(false, "process %d has not ended in time", pid);
	}
	while (waitpid(pid, &wstatus, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(wstatus) ? WEXITSTATUS(wstatus) : -1;
}

static void print_heading(unsigned int number, const char *title, const char *explanation)
{
	printf("\n%s%u. %s: %s%s\n", BOLD, number, title, explanation, PLAIN);
	fflush(stdout);
}

static void print_intro(void)
{
	struct utsname uts = { 0 };

	uname(&uts);
	printf("%sipcx demo%s on Linux %s: real processes and objects, every result checked.\n",
	       BOLD, PLAIN, uts.release);
}

static int compare(void)
{
	static char name[] = "ipcx bench", quick[] = "--quick", brief[] = "--brief";
	static char only[] = "--case=floor,send_recv,roundtrip,stream,batch,post_wait,handover";
	char *argv[] = { name, quick, brief, only, NULL };
	const char *before = command_name;
	int status;

	fflush(stdout);
	command_name = name;
	optind = 0;
	status = cmd_bench(4, argv);
	command_name = before;
	return status;
}

static void print_summary(uint64_t bench_ns)
{
	size_t i;

	printf("\n%sHow long it took%s\n", BOLD, PLAIN);
	for (i = 0; i < ARRAY_SIZE(scenes); i++)
		printf("  %zu. %-12s %6.2f s\n", i + 1, scenes[i].title, scenes[i].ns / 1e9);
	if (bench_ns)
		printf("  %zu. %-12s %6.2f s\n", i + 1, "Comparison", bench_ns / 1e9);
	if (nr_failed)
		printf("\n%s%u of %u checks failed.%s\n", RED, nr_failed, nr_checks, PLAIN);
	else
		printf("\n%sAll %u checks passed.%s\n", GREEN, nr_checks, PLAIN);
}

static const char demo_help[] =
"Usage: ipcx demo [--no-bench]\n"
"Show queues, semaphores and regions at work between processes, then compare them with the\n"
"standard calls.\n"
"Every result is checked: the exit status is 1 if anything is wrong.\n"
"\n"
"      --no-bench  leave out the comparison\n";

int cmd_demo(int argc, char **argv)
{
	static const struct option options[] = {
		{ "no-bench", no_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct ipcx_query query;
	uint64_t start, bench_ns = 0;
	bool bench = true;
	int opt, ret;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case 'n':
			bench = false;
			break;
		case 'h':
			fputs(demo_help, stdout);
			return finish_output();
		default:
			return usage_hint();
		}
	}
	if (optind != argc)
		return usage_error("takes no arguments");
	ret = ipcx_query(&query);
	if (ret)
		return report(ret, "ask the module");

	colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	demo_pid = getpid();
	print_intro();
	for (size_t i = 0; i < ARRAY_SIZE(scenes); i++) {
		print_heading(i + 1, scenes[i].title, scenes[i].explanation);
		start = demo_now();
		scene_end = start + SCENE_NS;
		scenes[i].play();
		scenes[i].ns = demo_now() - start;
		fflush(stdout);
	}
	if (bench) {
		print_heading(ARRAY_SIZE(scenes) + 1, "Comparison",
			      "the same work with every standard call; about a minute");
		start = demo_now();
		demo_check(compare() == STATUS_OK, "the comparison has run");
		bench_ns = demo_now() - start;
	}
	print_summary(bench_ns);
	ret = finish_output();
	return nr_failed ? STATUS_FAILED : ret;
}
