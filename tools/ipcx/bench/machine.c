// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx bench: what kind of machine this is, and its limits, raised where that disturbs nobody.
 */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

/* A hypervisor signs in CPUID leaf 0x40000000; "TCG" is QEMU's software emulation. */
static void probe_hypervisor(struct machine *m)
{
#ifdef __x86_64__
	unsigned int a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1U << 31)))
		return;
	__cpuid(0x40000000, a, b, c, d);
	memcpy(m->hypervisor, &b, 4);
	memcpy(m->hypervisor + 4, &c, 4);
	memcpy(m->hypervisor + 8, &d, 4);
	m->hypervisor[12] = '\0';
	for (char *p = m->hypervisor; *p; p++)
		if (*p < ' ' || *p > '~' || *p == '"' || *p == '\\')
			*p = '?';
	m->emulated = !strncmp(m->hypervisor, "TCG", 3);
#endif
}

static void probe_cpu_model(struct machine *m)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(m->cpu, sizeof(m->cpu), "unknown processor");
	while (f && fgets(line, sizeof(line), f)) {
		char *value = strstr(line, ": ");

		if (strncmp(line, "model name", 10) || !value)
			continue;
		value[strcspn(value, "\n")] = '\0';
		snprintf(m->cpu, sizeof(m->cpu), "%.120s", value + 2);
		break;
	}
	if (f)
		fclose(f);
}

/* The first line of a file, without its end; false if there is none. */
static bool read_line(const char *path, char *line, size_t len)
{
	FILE *f = fopen(path, "re");
	bool got = f && fgets(line, len, f);

	if (f)
		fclose(f);
	if (got)
		line[strcspn(line, "\n")] = '\0';
	return got;
}

/* What the kernel does about the processor's vulnerabilities: a system call pays for it. */
static void probe_mitigations(struct machine *m)
{
	const char *dir = "/sys/devices/system/cpu/vulnerabilities";
	unsigned int mitigated = 0, vulnerable = 0;
	char line[1024];
	struct dirent *entry;
	DIR *d;

	snprintf(m->mitigations, sizeof(m->mitigations), "unknown");
	if (read_line("/proc/cmdline", line, sizeof(line)) && strstr(line, "mitigations=off")) {
		snprintf(m->mitigations, sizeof(m->mitigations), "off");
		return;
	}
	d = opendir(dir);
	if (!d)
		return;
	while ((entry = readdir(d))) {
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		if (entry->d_name[0] == '.' || !read_line(path, line, sizeof(line)))
			continue;
		mitigated += !strncmp(line, "Mitigation", 10);
		vulnerable += !strncmp(line, "Vulnerable", 10);
	}
	closedir(d);
	snprintf(m->mitigations, sizeof(m->mitigations), "%u active, %u vulnerable", mitigated,
		 vulnerable);
}

static void probe_moment(struct machine *m)
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(m->date, sizeof(m->date), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (getloadavg(&m->load, 1) != 1)
		m->load = -1;
}

void machine_probe(struct machine *m)
{
	const char *name = getenv("IPCX_MACHINE");
	struct utsname uts;
	cpu_set_t set;

	memset(m, 0, sizeof(*m));
	uname(&uts);
	snprintf(m->kernel, sizeof(m->kernel), "%.120s", uts.release);
	probe_cpu_model(m);
	probe_hypervisor(m);
	m->name = m->emulated || (name && !strcmp(name, "vm")) ? "vm" : "host";

	if (!read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", m->governor,
		       sizeof(m->governor)))
		snprintf(m->governor, sizeof(m->governor), "none");
	probe_mitigations(m);
	probe_moment(m);
	m->online = sysconf(_SC_NPROCESSORS_ONLN);

	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof(set), &set);
	for (int cpu = 0; cpu < CPU_SETSIZE && m->nr_cpus < 2; cpu++)
		if (CPU_ISSET(cpu, &set))
			m->cpus[m->nr_cpus++] = cpu;
	if (m->nr_cpus == 1)
		m->cpus[1] = m->cpus[0];
}

/* The number in a file of /proc/sys, or -1. */
long read_limit(const char *path)
{
	FILE *f = fopen(path, "re");
	long value = -1;

	if (f) {
		if (fscanf(f, "%ld", &value) != 1)
			value = -1;
		fclose(f);
	}
	return value;
}

static void write_limit(const char *path, long value)
{
	FILE *f;

	if (read_limit(path) >= value)
		return;
	f = fopen(path, "we");
	if (f) {
		fprintf(f, "%ld\n", value);
		fclose(f);
	}
}

/*
 * The limits of System V and POSIX queues belong to the IPC namespace: in one of our own they can
 * be raised without changing anything for the rest of the machine, and all objects die with it.
 * Who may not have one works within the limits there are; the results say so.
 */
void machine_raise_limits(struct machine *m)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit limit;

	if (!unshare(CLONE_NEWIPC)) {
		m->own_ipc_ns = true;
		write_limit("/proc/sys/kernel/msgmax", 16L << 20);
		write_limit("/proc/sys/kernel/msgmnb", 64L << 20);
		write_limit("/proc/sys/fs/mqueue/msgsize_max", 16L << 20);
		write_limit("/proc/sys/fs/mqueue/msg_max", 65536);
		write_limit("/proc/sys/fs/mqueue/queues_max", 131072);
	}
	if (setrlimit(RLIMIT_MSGQUEUE, &unlimited) && !getrlimit(RLIMIT_MSGQUEUE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_MSGQUEUE, &limit);
	}
}

int pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}
