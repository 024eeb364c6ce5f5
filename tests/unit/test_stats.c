#include "run/stats.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "support/bug.h"

#define PAGE_SIZE 65536

static char *page(const struct stats *s)
{
	char *text = malloc(PAGE_SIZE);
	struct exposition e;

	exposition_begin(&e, text, PAGE_SIZE);
	stats_write(s, &e);
	assert_false(e.is_cut);
	return text;
}

static void must_show(const struct stats *s, const char *line)
{
	char *text = page(s);

	if (!strstr(text, line))
		fail_msg("no line \"%s\" in:\n%s", line, text);
	free(text);
}

static void counters_count_under_their_label(void **state)
{
	static struct stats s;
	(void)state;

	memset(&s, 0, sizeof(s));
	stats_count(&s, STATS_HEARD, SOURCE_PANEL, 1);
	stats_count(&s, STATS_HEARD, SOURCE_PANEL, 2);
	stats_count(&s, STATS_DECISIONS, COUNT_ESCALATIONS, 1);
	stats_count(&s, STATS_TURNS, 0, 7);
	assert_int_equal(stats_counted(&s, STATS_HEARD, SOURCE_PANEL), 3);
	assert_int_equal(stats_counted(&s, STATS_HEARD, SOURCE_DEVICE), 0);
	must_show(&s, "\ntocsin_alerts_heard_total{source_kind=\"panel\"} 3\n");
	must_show(&s, "\ntocsin_alerts_heard_total{source_kind=\"device\"} 0\n");
	must_show(&s, "\ntocsin_decisions_total{decision=\"escalated\"} 1\n");
	must_show(&s, "\ntocsin_turns_total 7\n");
}

static void times_fall_into_the_bucket_that_holds_them(void **state)
{
	static struct stats s;
	(void)state;

	memset(&s, 0, sizeof(s));
	assert_int_equal(stats_quantile_us(&s, STATS_STAGE_TIME, STATS_KEEP, 0.5), 0);
	stats_time(&s, STATS_STAGE_TIME, STATS_KEEP, 0);
	stats_time(&s, STATS_STAGE_TIME, STATS_KEEP, 100);
	stats_time(&s, STATS_STAGE_TIME, STATS_KEEP, 101);
	stats_time(&s, STATS_STAGE_TIME, STATS_KEEP, 10000000);
	stats_time(&s, STATS_STAGE_TIME, STATS_KEEP, 10000001);
	stats_time(&s, STATS_STAGE_TIME, STATS_KEEP, -5); /* a clock cannot go back, a bug can */
	must_show(&s, "\ntocsin_stage_seconds_bucket{stage=\"keep\",le=\"0.0001\"} 3\n");
	must_show(&s, "\ntocsin_stage_seconds_bucket{stage=\"keep\",le=\"0.0002\"} 4\n");
	must_show(&s, "\ntocsin_stage_seconds_bucket{stage=\"keep\",le=\"5\"} 4\n");
	must_show(&s, "\ntocsin_stage_seconds_bucket{stage=\"keep\",le=\"10\"} 5\n");
	must_show(&s, "\ntocsin_stage_seconds_bucket{stage=\"keep\",le=\"+Inf\"} 6\n");
	must_show(&s, "\ntocsin_stage_seconds_count{stage=\"keep\"} 6\n");
	must_show(&s, "\ntocsin_stage_seconds_sum{stage=\"keep\"} 20.000202\n");
	assert_int_equal(stats_timed(&s, STATS_STAGE_TIME, STATS_KEEP), 6);
	assert_int_equal(stats_quantile_us(&s, STATS_STAGE_TIME, STATS_KEEP, 0.5), 100);
	assert_int_equal(stats_quantile_us(&s, STATS_STAGE_TIME, STATS_KEEP, 0.6), 200);
	assert_int_equal(stats_quantile_us(&s, STATS_STAGE_TIME, STATS_KEEP, 0.8), 10000000);
	assert_int_equal(stats_quantile_us(&s, STATS_STAGE_TIME, STATS_KEEP, 0.99), INT64_MAX);
}

static void what_is_no_place_is_our_fault_and_counts_nothing(void **state)
{
	static struct stats s;
	unsigned long bugs = bug_count();
	(void)state;

	memset(&s, 0, sizeof(s));
	stats_count(&s, STATS_TURNS, 1, 1);
	stats_count(&s, STATS_COUNTERS, 0, 1);
	stats_time(&s, STATS_STAGE_TIME, STATS_STAGES, 1);
	assert_int_equal(bug_count(), bugs + 3);
	for (unsigned c = 0; c < STATS_COUNTERS; c++)
		for (unsigned l = 0; l < STATS_LABELS_MAX; l++)
			assert_int_equal(s.counters[c][l], 0);
}

enum { THREADS = 4, TIMES = 20000 };

static void *count_a_lot(void *arg)
{
	for (int i = 0; i < TIMES; i++)
		stats_time(arg, STATS_RECEIPT_TIME, SOURCE_DEVICE, 700);
	return NULL;
}

static void threads_may_count_together(void **state)
{
	static struct stats s;
	pthread_t threads[THREADS];
	(void)state;

	memset(&s, 0, sizeof(s));
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_a_lot, &s), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(stats_timed(&s, STATS_RECEIPT_TIME, SOURCE_DEVICE), THREADS * TIMES);
}

static void kinds_are_named_as_everywhere(void **state)
{
	static struct stats s;
	char line[128];
	(void)state;

	for (unsigned kind = 0; kind < SOURCE_KINDS; kind++) {
		snprintf(line, sizeof(line), "\ntocsin_receipts_total{source_kind=\"%s\"} 0\n",
		         source_kind_name((enum source_kind)kind));
		must_show(&s, line);
	}
}

/* Prometheus' own checker reads the page. */
static void promtool_has_nothing_to_say(void **state)
{
	static struct stats s;
	char *text;
	FILE *tool;
	int status;
	(void)state;

	if (access("/usr/bin/promtool", X_OK) != 0) {
		print_message("skipped: there is no /usr/bin/promtool (package prometheus)\n");
		skip();
	}
	memset(&s, 0, sizeof(s));
	stats_count(&s, STATS_HEARD, SOURCE_DEVICE, 1);
	stats_time(&s, STATS_SHOWN_TIME, SOURCE_DEVICE, 1234);
	text = page(&s);
	tool = popen("/usr/bin/promtool check metrics", "w");
	assert_non_null(tool);
	assert_true(fputs(text, tool) >= 0);
	status = pclose(tool);
	assert_int_equal(WEXITSTATUS(status), 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_count_under_their_label),
		cmocka_unit_test(times_fall_into_the_bucket_that_holds_them),
		cmocka_unit_test(what_is_no_place_is_our_fault_and_counts_nothing),
		cmocka_unit_test(threads_may_count_together),
		cmocka_unit_test(kinds_are_named_as_everywhere),
		cmocka_unit_test(promtool_has_nothing_to_say),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
