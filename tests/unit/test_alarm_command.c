#include "run/alarm_command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "support/clock.h"

static char folder[256], program[300], result[300];

/* A program with the given body, which may write to $0.out. */
static const char *script(const char *body)
{
	FILE *f = fopen(program, "w");

	assert_non_null(f);
	assert_true(fprintf(f, "#!/bin/sh\n%s\n", body) > 0);
	fclose(f);
	assert_int_equal(chmod(program, 0700), 0);
	unlink(result);
	return program;
}

static const char *written(void)
{
	static char text[8192];
	FILE *f = fopen(result, "r");

	text[0] = '\0';
	if (f) {
		text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
		fclose(f);
	}
	return text;
}

static struct alarm_cause cause(void)
{
	return (struct alarm_cause){ .reason = "escalate-alarm",
		                     .text = "Personne n'a répondu; \"$(id)\" `id`\nfin",
		                     .incident = "018f0000-0000-7000-8000-000000000001",
		                     .priority = 1,
		                     .waiting = 2,
		                     .node = "tocsin-1" };
}

static struct alarm_outcome run(const char *body, int64_t timeout_ms)
{
	struct alarm_cause c = cause();
	return alarm_command_run(script(body), &c, timeout_ms, -1);
}

static void what_it_is_about_stands_in_the_environment(void **state)
{
	struct alarm_outcome o = run("env >\"$0.out\"", 5000);
	const char *env;
	(void)state;

	assert_int_equal(o.end, ALARM_END_DONE);
	assert_true(o.took_ms >= 0 && o.took_ms < 5000);
	env = written();
	assert_non_null(strstr(env, "TOCSIN_ALARM_REASON=escalate-alarm\n"));
	assert_non_null(
	        strstr(env, "TOCSIN_ALARM_TEXT=Personne n'a répondu; \"$(id)\" `id`\nfin\n"));
	assert_non_null(
	        strstr(env, "TOCSIN_ALARM_INCIDENT=018f0000-0000-7000-8000-000000000001\n"));
	assert_non_null(strstr(env, "TOCSIN_ALARM_PRIORITY=1\n"));
	assert_non_null(strstr(env, "TOCSIN_ALARM_TEST=0\n"));
	assert_non_null(strstr(env, "TOCSIN_ALARM_WAITING=2\n"));
	assert_non_null(strstr(env, "TOCSIN_NODE=tocsin-1\n"));
	assert_non_null(strstr(env, "PATH=/usr/local/sbin:"));
}

/* Nothing of the daemon's own environment, descriptors or signals reaches the program. */
static void program_starts_afresh(void **state)
{
	int leak = open("/dev/null", O_RDONLY); /* without close-on-exec */
	sigset_t blocked, before;
	struct alarm_outcome o;
	unsigned long long ignored;
	char line[64];
	(void)state;

	assert_true(leak >= 0);
	setenv("PGPASSWORD", "secret", 1);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	o = run("{ env; ls -l /proc/$$/fd; grep ^Sig /proc/self/status; } >\"$0.out\"", 5000);
	sigprocmask(SIG_SETMASK, &before, NULL);
	unsetenv("PGPASSWORD");
	assert_int_equal(o.end, ALARM_END_DONE);
	assert_null(strstr(written(), "secret"));
	snprintf(line, sizeof(line), " %d -> ", leak);
	assert_null(strstr(written(), line));
	assert_non_null(strstr(written(), " 0 -> /dev/null"));
	assert_non_null(strstr(written(), "SigBlk:\t0000000000000000"));
	assert_non_null(strstr(written(), "SigIgn:\t"));
	ignored = strtoull(strstr(written(), "SigIgn:\t") + 8, NULL, 16);
	assert_int_equal(ignored & 1ULL << (SIGPIPE - 1), 0);
	close(leak);
}

static void each_end_is_told_apart(void **state)
{
	struct alarm_outcome o;
	struct alarm_cause c = cause();
	(void)state;

	o = run("exit 3", 5000);
	assert_int_equal(o.end, ALARM_END_FAILED);
	assert_int_equal(o.code, 3);
	o = run("kill -USR1 $$", 5000);
	assert_int_equal(o.end, ALARM_END_KILLED);
	assert_int_equal(o.code, SIGUSR1);
	o = alarm_command_run("/nonexistent/alarm", &c, 5000, -1);
	assert_int_equal(o.end, ALARM_END_NOT_STARTED);
	assert_int_equal(o.code, ENOENT);
	assert_string_equal(alarm_end_name(o.end), "not-started");
}

/* Between two looks at a condition. */
static void rest(struct mono deadline)
{
	assert_false(mono_is_due(deadline, clock_mono()));
	poll(NULL, 0, 1);
}

static bool is_alive(const char *pid_text)
{
	return kill((pid_t)atol(pid_text), 0) == 0;
}

/* A program that hangs, with a child that hangs, is ended with it. */
static void late_program_is_ended_with_its_children(void **state)
{
	struct mono begun = clock_mono();
	struct alarm_outcome o = run("sleep 600 & echo $! >\"$0.out\"; wait", 200);
	struct mono deadline = mono_add_ms(clock_mono(), 5000);
	(void)state;

	assert_int_equal(o.end, ALARM_END_LATE);
	assert_true(mono_ms_between(begun, clock_mono()) >= 200);
	assert_true(o.took_ms < 2000);
	assert_true(strlen(written()) > 0);
	while (is_alive(written()))
		rest(deadline);
}

static void program_that_ignores_the_request_is_killed(void **state)
{
	struct alarm_outcome o = run("trap '' TERM; while :; do sleep 0.05; done", 50);
	(void)state;

	assert_int_equal(o.end, ALARM_END_LATE);
	assert_in_range(o.took_ms, 2050, 20000);
}

/* The daemon ends: an alarm on its way is not called back. */
static void running_program_can_be_left(void **state)
{
	struct alarm_cause c = cause();
	struct mono deadline = mono_add_ms(clock_mono(), 5000);
	struct alarm_outcome o;
	int stop = eventfd(1, EFD_CLOEXEC);
	(void)state;

	o = alarm_command_run(script("sleep 0.2; echo fini >\"$0.out\""), &c, 60000, stop);
	assert_int_equal(o.end, ALARM_END_LEFT);
	close(stop);
	while (strcmp(written(), "fini\n") != 0)
		rest(deadline);
	waitpid(-1, NULL, 0);
}

static void status_is_known_even_if_children_were_ignored(void **state)
{
	struct alarm_outcome o;
	(void)state;

	signal(SIGCHLD, SIG_IGN);
	o = run("exit 4", 5000);
	assert_int_equal(o.end, ALARM_END_FAILED);
	assert_int_equal(o.code, 4);
}

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), TEMP_DIR "/alarm.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(program, sizeof(program), "%s/alarm", folder);
	snprintf(result, sizeof(result), "%s/alarm.out", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(program);
	unlink(result);
	rmdir(folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_is_about_stands_in_the_environment),
		cmocka_unit_test(program_starts_afresh),
		cmocka_unit_test(each_end_is_told_apart),
		cmocka_unit_test(late_program_is_ended_with_its_children),
		cmocka_unit_test(program_that_ignores_the_request_is_killed),
		cmocka_unit_test(running_program_can_be_left),
		cmocka_unit_test(status_is_known_even_if_children_were_ignored),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
