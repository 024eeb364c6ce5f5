/* `tocsin alarm-test` */
#include "tests/unit/verb_rig.h"

#include <sys/stat.h>

#include "tool/verb.h"

static char program[256], result[256], config[256];

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	fclose(f);
}

static void set_up(const char *body, const char *more)
{
	char text[1024];

	snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", body);
	write_file(program, text);
	assert_int_equal(chmod(program, 0700), 0);
	snprintf(text, sizeof(text), "alarm.command = %s\nnode.name = essai\n%s\n", program, more);
	write_file(config, text);
	verb_set_config(config);
}

static const char *written(void)
{
	static char text[1024];
	FILE *f = fopen(result, "r");

	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return text;
}

#define ECHO                                                                                       \
	"echo \"$TOCSIN_NODE $TOCSIN_ALARM_REASON $TOCSIN_ALARM_TEST $TOCSIN_ALARM_TEXT\" >$0.out"

static void test_is_marked_as_one(void **state)
{
	static struct verb_said said;
	(void)state;

	set_up(ECHO, "");
	VERB_RIG(alarm_test_verb, &said, "alarm-test");
	assert_int_equal(said.code, VERB_DONE);
	assert_int_equal(strncmp(said.out, program, strlen(program)), 0);
	assert_non_null(strstr(said.out, " ended well after "));
	assert_string_equal(said.err, "");
	assert_int_equal(strncmp(written(), "essai test 1 Essai de l'alarme", 29), 0);
}

static void real_alarm_says_what_it_is_about(void **state)
{
	static struct verb_said said;
	(void)state;

	set_up(ECHO, "");
	VERB_RIG(alarm_test_verb, &said, "alarm-test", "--real", "--reason", "service-failed",
	         "--text", "en panne", "--json");
	assert_int_equal(said.code, VERB_DONE);
	assert_string_equal(written(), "essai service-failed 0 en panne\n");
	assert_non_null(strstr(said.out, "\"end\":\"done\",\"code\":0,\"took_ms\":"));
}

static void alarm_that_does_not_work_is_refused_with_the_cause(void **state)
{
	static struct verb_said said;
	(void)state;

	set_up("exit 3", "");
	VERB_RIG(alarm_test_verb, &said, "alarm-test");
	assert_int_equal(said.code, VERB_REFUSED);
	assert_non_null(strstr(said.err, "/alarm ended with status 3\n"));
	assert_string_equal(said.out, "");
	set_up("kill -KILL $$", "");
	VERB_RIG(alarm_test_verb, &said, "alarm-test", "--json");
	assert_int_equal(said.code, VERB_REFUSED);
	assert_non_null(strstr(said.err, "/alarm was killed by signal 9\n"));
	assert_non_null(strstr(said.out, "\"end\":\"killed\",\"code\":9"));
	set_up("sleep 60", "alarm.timeout_ms = 100");
	VERB_RIG(alarm_test_verb, &said, "alarm-test");
	assert_int_equal(said.code, VERB_REFUSED);
	assert_non_null(strstr(said.err, "/alarm did not end in its time\n"));
	write_file(config, "alarm.command = /nonexistent/alarm\n");
	VERB_RIG(alarm_test_verb, &said, "alarm-test");
	assert_int_equal(said.code, VERB_REFUSED);
	assert_non_null(strstr(said.err, "cannot be started: No such file or directory\n"));
}

static void without_an_alarm_it_says_so(void **state)
{
	static struct verb_said said;
	char text[512];
	(void)state;

	write_file(config, "# rien\n");
	verb_set_config(config);
	VERB_RIG(alarm_test_verb, &said, "alarm-test");
	assert_int_equal(said.code, VERB_REFUSED);
	assert_non_null(strstr(said.err, "sets no alarm.command"));
	write_file(config, "alarm.command = x\n");
	VERB_RIG(alarm_test_verb, &said, "alarm-test");
	assert_int_equal(said.code, VERB_REFUSED);
	assert_non_null(strstr(said.err, ":1: alarm.command is \"x\""));
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	VERB_RIG(alarm_test_verb, &said, "alarm-test", "--text", text);
	assert_int_equal(said.code, VERB_USAGE);
}

static int make_paths(void **state)
{
	static char folder[] = TEMP_DIR "/alarm-test.XXXXXX";
	(void)state;

	assert_non_null(mkdtemp(folder));
	snprintf(program, sizeof(program), "%s/alarm", folder);
	snprintf(result, sizeof(result), "%s/alarm.out", folder);
	snprintf(config, sizeof(config), "%s/tocsin.conf", folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_marked_as_one),
		cmocka_unit_test(real_alarm_says_what_it_is_about),
		cmocka_unit_test(alarm_that_does_not_work_is_refused_with_the_cause),
		cmocka_unit_test(without_an_alarm_it_says_so),
	};
	return cmocka_run_group_tests(tests, make_paths, NULL);
}
