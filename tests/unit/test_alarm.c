#include "run/alarm.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "support/clock.h"

struct fixture {
	struct stats stats;
	struct alarm *alarm;
	char folder[256], program[300], result[320], gate[320];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), TEMP_DIR "/alarm.XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->program, sizeof(f->program), "%s/alarm", f->folder);
	snprintf(f->result, sizeof(f->result), "%s/alarm.out", f->folder);
	snprintf(f->gate, sizeof(f->gate), "%s/alarm.gate", f->folder);
	f->alarm = alarm_new(&f->stats);
	assert_non_null(f->alarm);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	alarm_free(f->alarm, 5000);
	unlink(f->program);
	unlink(f->result);
	unlink(f->gate);
	rmdir(f->folder);
	free(f);
	return 0;
}

static void script(struct fixture *f, const char *body)
{
	FILE *file = fopen(f->program, "w");

	assert_non_null(file);
	assert_true(fprintf(file, "#!/bin/sh\n%s\n", body) > 0);
	fclose(file);
	assert_int_equal(chmod(f->program, 0700), 0);
}

static void open_gate(struct fixture *f)
{
	FILE *file = fopen(f->gate, "w");
	assert_non_null(file);
	fclose(file);
}

static enum alarm_answer raise_one(struct fixture *f, const char *reason)
{
	struct alarm_cause cause = { .text = "essai", .node = "tocsin-1" };

	snprintf(cause.reason, sizeof(cause.reason), "%s", reason);
	return alarm_raise(f->alarm, &cause);
}

/* Looks until the condition on the status holds, 5 s at most. */
#define until_status(f, s, condition)                                                              \
	for (struct mono deadline_ = mono_add_ms(clock_mono(), 5000);;) {                          \
		alarm_status((f)->alarm, &(s));                                                    \
		if (condition)                                                                     \
			break;                                                                     \
		poll(NULL, 0, 1);                                                                  \
		if (mono_is_due(deadline_, clock_mono()))                                          \
			fail_msg("line %d: waited in vain for %s", __LINE__, #condition);          \
	}

static void without_a_program_it_says_so(void **state)
{
	struct fixture *f = *state;
	struct alarm_status s;

	assert_int_equal(raise_one(f, "a"), ALARM_NONE);
	alarm_status(f->alarm, &s);
	assert_false(s.is_set);
	assert_int_equal(stats_counted(&f->stats, STATS_OUTSIDE, STATS_ALARM_DROPPED), 1);
	alarm_set(f->alarm, "/bin/true", 1000);
	alarm_set(f->alarm, "", 1000);
	assert_int_equal(raise_one(f, "a"), ALARM_NONE);
}

/* One at a time and in order, each told how many wait behind it. */
static void alarms_run_one_after_the_other(void **state)
{
	struct fixture *f = *state;
	struct alarm_status s;
	char text[256] = "";
	FILE *file;

	script(f, "while [ ! -e \"$0.gate\" ]; do sleep 0.01; done\n"
	          "echo \"$TOCSIN_ALARM_REASON $TOCSIN_ALARM_WAITING\" >>\"$0.out\"");
	alarm_set(f->alarm, f->program, 5000);
	assert_int_equal(raise_one(f, "un"), ALARM_QUEUED);
	until_status(f, s, s.is_running);
	assert_int_equal(raise_one(f, "deux"), ALARM_QUEUED);
	assert_int_equal(raise_one(f, "trois"), ALARM_QUEUED);
	alarm_status(f->alarm, &s);
	assert_int_equal(s.waiting, 2);
	assert_int_equal(s.ended, 0);
	open_gate(f);
	until_status(f, s, s.ended == 3 && !s.is_running);
	file = fopen(f->result, "r");
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(text, "un 0\ndeux 1\ntrois 0\n");
	assert_int_equal(s.last.end, ALARM_END_DONE);
	assert_true(wall_is_set(s.last_at));
	assert_int_equal(stats_counted(&f->stats, STATS_OUTSIDE, STATS_ALARM_RUN), 3);
}

static void queue_has_a_ceiling(void **state)
{
	struct fixture *f = *state;
	struct alarm_status s;

	script(f, "while [ ! -e \"$0.gate\" ]; do sleep 0.01; done");
	alarm_set(f->alarm, f->program, 5000);
	assert_int_equal(raise_one(f, "en cours"), ALARM_QUEUED);
	until_status(f, s, s.is_running);
	for (int i = 0; i < ALARM_QUEUE_MAX; i++)
		assert_int_equal(raise_one(f, "attend"), ALARM_QUEUED);
	assert_int_equal(raise_one(f, "de trop"), ALARM_DROPPED);
	assert_int_equal(stats_counted(&f->stats, STATS_OUTSIDE, STATS_ALARM_DROPPED), 1);
	open_gate(f);
	until_status(f, s, s.ended == 1 + ALARM_QUEUE_MAX);
}

static void failures_are_counted_and_shown(void **state)
{
	struct fixture *f = *state;
	struct alarm_status s;

	script(f, "exit 7");
	alarm_set(f->alarm, f->program, 5000);
	raise_one(f, "a");
	until_status(f, s, s.ended == 1);
	assert_int_equal(s.last.end, ALARM_END_FAILED);
	assert_int_equal(s.last.code, 7);
	alarm_set(f->alarm, "/nonexistent", 5000);
	raise_one(f, "b");
	until_status(f, s, s.ended == 2);
	assert_int_equal(s.last.end, ALARM_END_NOT_STARTED);
	assert_int_equal(stats_counted(&f->stats, STATS_OUTSIDE, STATS_ALARM_FAILED), 2);
	script(f, "sleep 600");
	alarm_set(f->alarm, f->program, 50);
	raise_one(f, "c");
	until_status(f, s, s.ended == 3);
	assert_int_equal(s.last.end, ALARM_END_LATE);
	assert_int_equal(stats_counted(&f->stats, STATS_OUTSIDE, STATS_ALARM_LATE), 1);
}

/* The end of the daemon waits for a running alarm, but not for ever, and leaves it running. */
static void end_waits_a_little_and_leaves_the_rest(void **state)
{
	struct fixture *f = *state;
	struct mono begun = clock_mono(), deadline;

	script(f, "echo $$ >\"$0.out\"; while [ ! -e \"$0.gate\" ]; do sleep 0.01; done; rm "
	          "\"$0.out\"");
	alarm_set(f->alarm, f->program, 60000);
	raise_one(f, "a");
	raise_one(f, "b");
	alarm_free(f->alarm, 300);
	f->alarm = NULL;
	assert_in_range(mono_ms_between(begun, clock_mono()), 300, 20000);
	assert_int_equal(access(f->result, F_OK), 0); /* it goes on */
	open_gate(f);
	deadline = mono_add_ms(clock_mono(), 5000);
	while (access(f->result, F_OK) == 0) {
		assert_false(mono_is_due(deadline, clock_mono()));
		poll(NULL, 0, 1);
	}
	waitpid(-1, NULL, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_program_it_says_so),
		TEST(alarms_run_one_after_the_other),
		TEST(queue_has_a_ceiling),
		TEST(failures_are_counted_and_shown),
		TEST(end_waits_a_little_and_leaves_the_rest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
