/* The log: what a line looks like, that a peer cannot forge one, and that it never waits. */
#include "support/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int reader, saved_stderr;

/* Standard error becomes a pipe that the test reads without waiting. */
static int catch_stderr(void **state)
{
	int ends[2];

	(void)state;
	saved_stderr = dup(STDERR_FILENO);
	if (pipe(ends) != 0 || dup2(ends[1], STDERR_FILENO) < 0)
		return -1;
	close(ends[1]);
	reader = ends[0];
	return fcntl(reader, F_SETFL, O_NONBLOCK);
}

static int give_stderr_back(void **state)
{
	(void)state;
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(reader);
	log_set_level(LOG_LEVEL_INFO);
	return 0;
}

static const char *said(void)
{
	static char text[1 << 17];
	ssize_t n = read(reader, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void test_shape(void **state)
{
	(void)state;
	log_event(LOG_LEVEL_INFO, "link-closed", LOG_TEXT("reason", "peer-gone"),
	          LOG_NUMBER("alerts", 12));
	assert_string_equal(said(), "<6>link-closed reason=peer-gone alerts=12\n");
	log_event(LOG_LEVEL_CRIT, "no-pairs");
	assert_string_equal(said(), "<2>no-pairs\n");
	log_event(LOG_LEVEL_WARN, "edges", LOG_NUMBER("least", INT64_MIN),
	          LOG_NUMBER("most", INT64_MAX));
	assert_string_equal(said(),
	                    "<4>edges least=-9223372036854775808 most=9223372036854775807\n");
	log_event(LOG_LEVEL_ERROR, "empty", LOG_TEXT("a", ""), LOG_TEXT("b", (const char *)NULL));
	assert_string_equal(said(), "<3>empty a=\"\" b=\"\"\n");
}

static const struct {
	const char *value, *shown;
} values[] = {
	{ "plain-value_1.2:3/4", "plain-value_1.2:3/4" },
	{ "two words", "\"two words\"" },
	{ "a=b", "\"a=b\"" },
	{ "say \"hi\"", "\"say \\\"hi\\\"\"" },
	{ "back\\slash", "\"back\\\\slash\"" },
	{ "x\n<2>forged reason=none", "\"x\\n<2>forged reason=none\"" },
	{ "tab\there", "\"tab\\x09here\"" },
	{ "\r", "\"\\x0d\"" },
	{ "\x1b[31m", "\"\\x1b[31m\"" },
	{ "\x7f", "\"\\x7f\"" },
	{ "H\xc3\xb4pital", "\"H\xc3\xb4pital\"" },
	{ "\xff\xfe", "\"\\xff\\xfe\"" },         /* no UTF-8 */
	{ "\xc2\x9b[31m", "\"\\xc2\\x9b[31m\"" }, /* C1: begins a terminal's command */
};

static void test_values_cannot_forge(void **state)
{
	char expected[256];

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		log_event(LOG_LEVEL_INFO, "v", LOG_TEXT("k", values[i].value));
		snprintf(expected, sizeof(expected), "<6>v k=%s\n", values[i].shown);
		assert_string_equal(said(), expected);
	}
}

static void test_level(void **state)
{
	(void)state;
	log_event(LOG_LEVEL_DEBUG, "quiet");
	assert_string_equal(said(), "");
	log_set_level(LOG_LEVEL_DEBUG);
	log_event(LOG_LEVEL_DEBUG, "loud");
	assert_string_equal(said(), "<7>loud\n");
	log_set_level(LOG_LEVEL_WARN);
	log_event(LOG_LEVEL_NOTICE, "quiet");
	log_event(LOG_LEVEL_WARN, "heard");
	assert_string_equal(said(), "<4>heard\n");
}

static void test_long_values_are_cut(void **state)
{
	char value[5000];
	struct log_pair pairs[9] = { 0 };

	(void)state;
	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	log_event(LOG_LEVEL_INFO, "long", LOG_TEXT("k", value), LOG_NUMBER("after", 1));
	const char *line = said();
	assert_int_equal(strspn(line + strlen("<6>long k=\""), "v"), 511);
	assert_string_equal(line + strlen("<6>long k=\"") + 511, "…\" after=1\n");

	/* A line that outgrows its bound ends with the mark and is still one line. */
	for (int i = 0; i < 8; i++)
		pairs[i] = (struct log_pair)LOG_TEXT("k", value);
	log_write(LOG_LEVEL_INFO, "longer", pairs);
	line = said();
	size_t length = strlen(line);
	assert_in_range(length, 1500, 2048);
	assert_ptr_equal(strchr(line, '\n'), line + length - 1);
	assert_memory_equal(line + length - 4, "…\n", 4);
}

/* Nobody reads: lines are dropped and counted, the caller goes on, and later it is said. */
static void test_never_waits(void **state)
{
	unsigned long before = log_lost();
	char value[400];
	int written = 0, lines = 0;

	(void)state;
	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	while (log_lost() < before + 10) {
		log_event(LOG_LEVEL_INFO, "flood", LOG_TEXT("k", value));
		assert_true(++written < 100000);
	}
	for (const char *text = said(); *text != '\0'; text = said())
		for (; (text = strchr(text, '\n')) != NULL && lines < 100000; text++) {
			lines++;
			if (text[1] == '\0')
				break;
		}
	assert_int_equal(lines, written - 10);

	log_event(LOG_LEVEL_INFO, "room-again");
	assert_string_equal(said(), "<4>log-lost lines=10\n<6>room-again\n");
	log_event(LOG_LEVEL_INFO, "told-once");
	assert_string_equal(said(), "<6>told-once\n");
	assert_int_equal(log_lost(), before + 10);
}

static void test_closed_stderr_is_survived(void **state)
{
	unsigned long before = log_lost();

	(void)state;
	close(STDERR_FILENO);
	log_event(LOG_LEVEL_INFO, "to-nobody");
	assert_int_equal(log_lost(), before + 1);
}

#define THREADS    4
#define LINES_EACH 50

static void *write_lines(void *arg)
{
	for (int i = 0; i < LINES_EACH; i++)
		log_event(LOG_LEVEL_INFO, "threads", LOG_TEXT("from", arg), LOG_TEXT("to", arg));
	return NULL;
}

/* Lines of several threads come out whole. */
static void test_threads(void **state)
{
	static char names[THREADS][200];
	pthread_t threads[THREADS];
	int lines = 0;

	(void)state;
	for (int i = 0; i < THREADS; i++) {
		memset(names[i], 'a' + i, sizeof(names[i]) - 1);
		assert_int_equal(pthread_create(&threads[i], NULL, write_lines, names[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (const char *text = said(); *text != '\0'; text = strchr(text, '\n') + 1) {
		char expected[512];
		char *name = names[text[strlen("<6>threads from=")] - 'a'];
		int length = snprintf(expected, sizeof(expected), "<6>threads from=%s to=%s\n",
		                      name, name);
		assert_memory_equal(text, expected, (size_t)length);
		lines++;
	}
	/* A pipe holds 64 KiB; what did not fit was counted. */
	assert_true(lines > 0);
	assert_true(lines <= THREADS * LINES_EACH);
}

#define WITH_STDERR(test) cmocka_unit_test_setup_teardown(test, catch_stderr, give_stderr_back)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STDERR(test_shape),
		WITH_STDERR(test_values_cannot_forge),
		WITH_STDERR(test_level),
		WITH_STDERR(test_long_values_are_cut),
		WITH_STDERR(test_never_waits),
		WITH_STDERR(test_threads),
		WITH_STDERR(test_closed_stderr_is_survived),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
