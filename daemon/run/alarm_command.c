#include "run/alarm_command.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/bug.h"
#include "support/clock.h"
#include "support/text.h"

#define KILL_AFTER_MS    2000 /* from asking it to end to killing it */
#define VARIABLES_MAX    16
#define VARIABLE_SIZE    320
#define FIRST_FD_TO_SHUT 3

struct environment {
	char texts[VARIABLES_MAX][VARIABLE_SIZE];
	char *list[VARIABLES_MAX + 1];
	unsigned count;
};

static void variable(struct environment *e, const char *name, const char *value)
{
	char *text = e->texts[e->count];

	must(e->count < VARIABLES_MAX);
	text[0] = '\0';
	text_add(text, VARIABLE_SIZE, "%s=%s", name, value);
	e->list[e->count++] = text;
	e->list[e->count] = NULL;
}

static void variable_number(struct environment *e, const char *name, unsigned value)
{
	char text[16] = "";

	text_add(text, sizeof(text), "%u", value);
	variable(e, name, text);
}

static void environment_fill(struct environment *e, const struct alarm_cause *cause)
{
	const char *home = getenv("HOME");

	e->count = 0;
	variable(e, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	variable(e, "LANG", "C.UTF-8");
	if (home)
		variable(e, "HOME", home);
	variable(e, "TOCSIN_NODE", cause->node);
	variable(e, "TOCSIN_ALARM_REASON", cause->reason);
	variable(e, "TOCSIN_ALARM_TEXT", cause->text);
	variable(e, "TOCSIN_ALARM_INCIDENT", cause->incident);
	if (cause->priority > 0)
		variable_number(e, "TOCSIN_ALARM_PRIORITY", cause->priority);
	else
		variable(e, "TOCSIN_ALARM_PRIORITY", "");
	variable_number(e, "TOCSIN_ALARM_TEST", cause->is_test);
	variable_number(e, "TOCSIN_ALARM_WAITING", cause->waiting);
}

/* As a program started afresh: default signals, none blocked, no descriptor of ours but standard
 * error (its output is for the log), and a group of its own, so that all of it can be ended. 0 or
 * an errno. */
static int spawn(const char *program, char *const *environment, pid_t *pid)
{
	char *const arguments[] = { (char *)program, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t all, none;
	int error;

	sigfillset(&all);
	sigemptyset(&none);
	error = posix_spawnattr_init(&attributes);
	if (error != 0)
		return error;
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
	                                              POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setsigmask(&attributes, &none);
	error = posix_spawn_file_actions_init(&files);
	if (error == 0) {
		error = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null",
		                                         O_RDONLY, 0);
		if (error == 0)
			error = posix_spawn_file_actions_adddup2(&files, STDERR_FILENO,
			                                         STDOUT_FILENO);
		if (error == 0)
			error = posix_spawn_file_actions_addclosefrom_np(&files, FIRST_FD_TO_SHUT);
		if (error == 0)
			error = posix_spawn(pid, program, &files, &attributes, arguments,
			                    environment);
		posix_spawn_file_actions_destroy(&files);
	}
	posix_spawnattr_destroy(&attributes);
	return error;
}

enum wait_end { WAIT_ENDED, WAIT_DUE, WAIT_STOPPED };

static enum wait_end wait_for(int child_fd, int stop_fd, struct mono deadline)
{
	for (;;) {
		struct pollfd fds[] = { { .fd = child_fd, .events = POLLIN },
			                { .fd = stop_fd, .events = POLLIN } };
		int64_t left = mono_ms_between(clock_mono(), deadline);
		int n;
		if (left < 0)
			left = 0;
		/* Rounded up, so that the last look is past the deadline. */
		n = poll(fds, 2, left < INT_MAX ? (int)left + (left > 0) : INT_MAX);
		if (fds[0].revents != 0 && n > 0)
			return WAIT_ENDED;
		if (fds[1].revents != 0 && n > 0)
			return WAIT_STOPPED;
		if (n == 0 && mono_is_due(deadline, clock_mono()))
			return WAIT_DUE;
	}
}

static struct alarm_outcome outcome_of(int status)
{
	if (WIFSIGNALED(status))
		return (struct alarm_outcome){ ALARM_END_KILLED, WTERMSIG(status), 0 };
	if (WEXITSTATUS(status) != 0)
		return (struct alarm_outcome){ ALARM_END_FAILED, WEXITSTATUS(status), 0 };
	return (struct alarm_outcome){ ALARM_END_DONE, 0, 0 };
}

static struct alarm_outcome wait_through(pid_t pid, int child_fd, int64_t timeout_ms, int stop_fd)
{
	enum wait_end end = wait_for(child_fd, stop_fd, mono_add_ms(clock_mono(), timeout_ms));
	bool is_late = end == WAIT_DUE;
	int status = 0;

	if (is_late) {
		kill(-pid, SIGTERM);
		end = wait_for(child_fd, -1, mono_add_ms(clock_mono(), KILL_AFTER_MS));
		/* Whatever it started goes too, although it may have gone itself. */
		kill(-pid, SIGKILL);
	} else if (end == WAIT_STOPPED) {
		return (struct alarm_outcome){ ALARM_END_LEFT, 0, 0 };
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return is_late ? (struct alarm_outcome){ ALARM_END_LATE, 0, 0 } : outcome_of(status);
}

/* Whoever started us may have left the ends of children ignored, and with them their status. */
static void want_children(void)
{
	struct sigaction now;

	if (sigaction(SIGCHLD, NULL, &now) == 0 && now.sa_handler == SIG_IGN)
		signal(SIGCHLD, SIG_DFL);
}

struct alarm_outcome alarm_command_run(const char *program, const struct alarm_cause *cause,
                                       int64_t timeout_ms, int stop_fd)
{
	struct mono begun = clock_mono();
	struct alarm_outcome outcome;
	struct environment environment;
	int error, child_fd;
	pid_t pid;

	want_children();
	environment_fill(&environment, cause);
	error = spawn(program, environment.list, &pid);
	if (error != 0)
		return (struct alarm_outcome){ ALARM_END_NOT_STARTED, error, 0 };
	child_fd = pidfd_open(pid, 0);
	if (child_fd < 0) {
		/* Without a descriptor of it there is no wait with an end: it rings, unwatched. */
		outcome = (struct alarm_outcome){ ALARM_END_LEFT, errno, 0 };
	} else {
		outcome = wait_through(pid, child_fd, timeout_ms, stop_fd);
		close(child_fd);
	}
	outcome.took_ms = mono_ms_between(begun, clock_mono());
	return outcome;
}

const char *alarm_end_name(enum alarm_end end)
{
	static const char *const names[ALARM_ENDS] = {
		"done", "failed", "killed", "late", "not-started", "left",
	};

	return BUG((unsigned)end >= ALARM_ENDS) ? "failed" : names[end];
}
