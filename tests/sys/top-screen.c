// SPDX-License-Identifier: GPL-2.0
/*
 * ipcx top: if this fails, the live view shows wrong figures, does not obey its keys, or leaves the terminal broken.
 * It runs on a pseudo-terminal, and its pictures are read as a person would.
 * timeout: 120
 */
#include "tracing.h"

#include <pty.h>
#include <sys/wait.h>
#include <termios.h>

#define MAX_SCREEN	(1 << 16)

static int tty;
static pid_t top_pid;
static char stream[MAX_SCREEN], screen[MAX_SCREEN];
static size_t stream_len;

static const char *command(void)
{
	static char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 32);

	CHECK_GT(len, 0);
	path[len] = '\0';
	for (int i = 0; i < 3; i++)
		*strrchr(path, '/') = '\0';
	strcat(path, "/ipcx");
	return path;
}

static void start(unsigned short rows, unsigned short cols, const char *option)
{
	struct winsize size = { .ws_row = rows, .ws_col = cols };

	stream_len = 0;
	stream[0] = screen[0] = '\0';
	top_pid = forkpty(&tty, NULL, NULL, &size);
	CHECK_GE(top_pid, 0);
	if (!top_pid) {
		execl(command(), "ipcx", "top", "--delay", "200ms", option, NULL);
		_exit(127);
	}
	CHECK_SYS(fcntl(tty, F_SETFL, O_NONBLOCK));
}

/* The last whole picture without its escapes: it begins with ESC [ H and ends with ESC [ J. */
static void read_screen(void)
{
	char *begin = NULL, *end, *p, *to = screen;
	ssize_t got;

	while ((got = read(tty, stream + stream_len, sizeof(stream) - 1 - stream_len)) > 0) {
		stream_len += got;
		stream[stream_len] = '\0';
		if (stream_len > sizeof(stream) / 2) {
			stream_len -= sizeof(stream) / 4;
			memmove(stream, stream + sizeof(stream) / 4, stream_len + 1);
		}
	}
	for (p = stream; (p = strstr(p, "\033[H")); p += 3)
		if (strstr(p, "\033[J"))
			begin = p;
	if (!begin)
		return;
	end = strstr(begin, "\033[J");
	for (p = begin; p < end; p++) {
		if (*p == '\033') {
			/* the letter ends it */
			for (p += 2; p < end && (*p < '@' || *p > '~'); p++)
				;
			continue;
		}
		if (*p != '\r')
			*to++ = *p;
	}
	*to = '\0';
}

static bool shows(const char *text)
{
	read_screen();
	return strstr(screen, text) != NULL;
}

static void press(const char *keys)
{
	CHECK_EQ(write(tty, keys, strlen(keys)), (ssize_t)strlen(keys));
}

#define CHECK_SHOWS(text)							\
	do {									\
		if (!wait_until(shows(text), 20000 * test_slowness))		\
			FAIL("\"%s\" does not appear:\n%s", text, screen);	\
	} while (0)

static void stop(void)
{
	struct termios mode;

	press("q");
	for (int i = 0; i < 20000 && waitpid(top_pid, NULL, WNOHANG) != top_pid; i++) {
		read_screen();
		test_pause_ms(1);
	}
	read_screen();
	CHECK_SYS_ERR(kill(top_pid, 0), ESRCH);
	/* the cursor and the first screen are back, and what is typed is seen */
	CHECK(strstr(stream, "\033[?25h\033[?1049l"));
	if (!tcgetattr(tty, &mode))
		CHECK(mode.c_lflag & ECHO);
	close(tty);
}

static volatile int *busy;

/* 100 messages of 1000 bytes a second, as far as the machine goes. */
static int sends(void *arg)
{
	static char buf[1000];
	long q = (long)arg;

	while (*busy) {
		CHECK_OK(ipcx_queue_send(q, buf, sizeof(buf)));
		CHECK_OK(ipcx_queue_recv(q, buf, sizeof(buf)));
		test_pause_ms(10);
	}
	return 0;
}

static pid_t traffic(const char *name)
{
	int q = CHECK_OK(ipcx_queue_create(name, NULL, NULL));

	busy = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(busy != MAP_FAILED);
	*busy = 1;
	return spawn(sends, (void *)(long)q);
}

/* The number in the column that begins at @column of the line with @name. */
static double figure(const char *name, int column)
{
	char *at, *line;

	read_screen();
	at = strstr(screen, name);
	if (!at)
		return -1;
	for (line = at; line > screen && line[-1] != '\n'; line--)
		;
	return strlen(line) > (size_t)column ? atof(line + column) : -1;
}

static bool is_busy(void)
{
	double rate = figure("busy-queue", 25);

	return rate > 5 && rate <= 100;
}

TEST_LIMIT(objects_processes_and_keys, 100000)
{
	pid_t pid;
	int other;

	NEED_ROOT();
	own_names();
	one_processor();
	atexit(all_processors);
	pid = traffic("busy-queue");
	other = CHECK_OK(ipcx_sem_create("idle-sem", 3, 9, NULL));
	start(24, 80, NULL);
	CHECK_SHOWS("rates from tracepoints");
	CHECK_SHOWS("busy-queue");
	CHECK_SHOWS("idle-sem");
	CHECK(wait_until(is_busy(), 20000 * test_slowness));
	/* sorted by messages */
	read_screen();
	CHECK(strstr(screen, "busy-queue") < strstr(screen, "idle-sem"));
	press("d");
	CHECK_SHOWS("by depth");
	if (!wait_until((read_screen(), strstr(screen, "idle-sem") < strstr(screen, "busy-queue")), 5000))
		FAIL("not sorted:\n%s", screen);
	press("n");
	CHECK_SHOWS("by name");
	press("?");
	CHECK_SHOWS("Escape back");
	press("q");
	CHECK_SHOWS("idle-sem");
	/* the first line is the queue: who has it open */
	press("\r");
	CHECK_SHOWS("RIGHTS");
	CHECK_SHOWS("a send     call:");
	CHECK_SHOWS("top-screen");
	press("\033");
	CHECK_SHOWS("idle-sem");
	press("p");
	CHECK_SHOWS("DESCRIPTORS");
	CHECK_SHOWS("top-screen");
	stop();
	*busy = 0;
	CHECK_EXITS(pid, 0);
	close(other);
}

TEST_LIMIT(counters_are_enough, 60000)
{
	pid_t pid;

	NEED_ROOT();
	own_names();
	pid = traffic("busy-queue");
	start(24, 80, "--counters");
	CHECK_SHOWS("rates from counters");
	CHECK_SHOWS("busy-queue");
	CHECK(wait_until(is_busy(), 20000 * test_slowness));
	stop();
	*busy = 0;
	CHECK_EXITS(pid, 0);
}

static void resize(unsigned short rows, unsigned short cols)
{
	struct winsize size = { .ws_row = rows, .ws_col = cols };

	CHECK_SYS(ioctl(tty, TIOCSWINSZ, &size));
}

static bool fits(int rows, int cols)
{
	int nr = 0;

	read_screen();
	for (const char *p = screen; *p; p += strcspn(p, "\n") + 1, nr++)
		if ((int)strcspn(p, "\n") > cols || !p[strcspn(p, "\n")])
			return false;
	return nr > 0 && nr < rows;
}

TEST_LIMIT(any_size_of_terminal, 60000)
{
	NEED_ROOT();
	own_names();
	CHECK_OK(ipcx_queue_create("some-queue", NULL, NULL));
	start(24, 80, "--counters");
	CHECK_SHOWS("some-queue");
	CHECK(wait_until(fits(24, 80), 20000 * test_slowness));
	resize(5, 20);
	CHECK(wait_until(fits(5, 20), 20000 * test_slowness));
	resize(2, 1);
	CHECK(wait_until(fits(2, 1), 20000 * test_slowness));
	resize(1, 1);
	test_pause_ms(500);
	resize(50, 200);
	CHECK_SHOWS("some-queue");
	stop();
}

TEST_LIMIT(killed_it_gives_the_terminal_back, 60000)
{
	int status;

	NEED_ROOT();
	own_names();
	start(24, 80, "--counters");
	CHECK_SHOWS("ipcx top");
	CHECK_SYS(kill(top_pid, SIGTERM));
	CHECK(wait_until((read_screen(), waitpid(top_pid, &status, WNOHANG) == top_pid), 20000 * test_slowness));
	read_screen();
	CHECK(strstr(stream, "\033[?25h\033[?1049l"));
	close(tty);
}
