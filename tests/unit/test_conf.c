#include "run/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "run/conf_option.h"
#include "support/log.h"

struct told {
	unsigned count;
	char sentences[32][1024];
};

static void on_error(void *arg, const char *sentence)
{
	struct told *told = arg;

	assert_true(told->count < 32);
	snprintf(told->sentences[told->count++], sizeof(told->sentences[0]), "%s", sentence);
}

static bool parse(const char *text, struct conf *conf, struct told *told)
{
	struct conf_report report = { on_error, told };

	told->count = 0;
	return conf_parse("t", text, strlen(text), conf, &report);
}

static void must_say(const char *text, const char *sentence)
{
	struct conf conf, preset;
	struct told told;

	assert_false(parse(text, &conf, &told));
	assert_int_equal(told.count, 1);
	assert_string_equal(told.sentences[0], sentence);
	/* All or nothing. */
	conf_default(&preset);
	assert_memory_equal(&conf, &preset, sizeof(conf));
}

static void empty_file_is_the_defaults(void **state)
{
	struct conf conf;
	struct told told;
	(void)state;

	assert_true(parse("", &conf, &told));
	assert_true(parse("\n\n   \n\t# rien\n#\n\r\n", &conf, &told));
	assert_string_equal(conf.journal.folder, "/var/lib/tocsin/journal");
	assert_int_equal(conf.journal.segment_bytes, 64 << 20);
	assert_int_equal(conf.push.unrecorded_after_ms, 50);
	assert_int_equal(conf.receipt.policy, CONF_RECEIPT_NODE);
	assert_int_equal(conf.listen.alerts.count, 1);
	assert_string_equal(conf.listen.alerts.list[0], "127.0.0.1:7701");
	assert_int_equal(conf.log.level, LOG_LEVEL_INFO);
}

/* The rules' defaults stand in decide/ for its own tests; here they must be the same. */
static void defaults_of_the_rules_are_those_of_decide(void **state)
{
	struct conf conf;
	struct rules rules;
	(void)state;

	memset(&rules, 0, sizeof(rules));
	conf_default(&conf);
	rules_default(&rules);
	assert_int_equal(conf.rules.join_window_ms, rules.join_window_ms);
	assert_int_equal(conf.rules.renew_as_new_ms, rules.renew_as_new_ms);
	assert_float_equal(conf.rules.renew_as_new_m, rules.renew_as_new_m, 0);
	assert_int_equal(conf.rules.live_position_ms, rules.live_position_ms);
	assert_int_equal(conf.rules.late_ms, rules.late_ms);
	assert_int_equal(conf.rules.clock_ahead_ms, rules.clock_ahead_ms);
	assert_int_equal(conf.rules.repeat_dated_ms, rules.repeat_dated_ms);
	assert_int_equal(conf.rules.repeat_undated_ms, rules.repeat_undated_ms);
	assert_int_equal(conf.rules.louder_ms, rules.louder_ms);
	assert_int_equal(conf.rules.other_centre_ms, rules.other_centre_ms);
	assert_int_equal(conf.rules.all_ms, rules.all_ms);
	assert_int_equal(conf.rules.alarm_ms, rules.alarm_ms);
	assert_int_equal(conf.rules.engage_ms, rules.engage_ms);
	assert_int_equal(conf.rules.taker_lost_ms, rules.taker_lost_ms);
	assert_int_equal(conf.rules.transfer_ms, rules.transfer_ms);
	assert_int_equal(conf.rules.incidents_max, rules.incidents_max);
	assert_int_equal(conf.rules.repeats_max, rules.repeats_max);
}

static void values_are_read_in_every_spelling(void **state)
{
	struct conf conf;
	struct told told;
	(void)state;

	assert_true(parse("  node.id=7   # le septième\n"
	                  "\talerts.window\t=\t32\t\n"
	                  "postgres.conninfo = \"host=/run password='a #b \\\"c\\\\d' \"   # entre "
	                  "guillemets\r\n"
	                  "alarm.command = /usr/local/bin/alarme#1\n"
	                  "tls.revocations = # aucune\n"
	                  "receipt.policy = node+postgres\n"
	                  "log.level = debug\n"
	                  "alert.renew_as_new_m = 750\n"
	                  "listen.alerts = 192.0.2.1:7701   [2001:db8::1]:7701\n"
	                  "listen.consoles =\n"
	                  "journal.total_bytes_max = 9000000000",
	                  &conf, &told));
	assert_int_equal(conf.node.id, 7);
	assert_int_equal(conf.alerts.window, 32);
	assert_string_equal(conf.postgres.conninfo, "host=/run password='a #b \"c\\d' ");
	assert_string_equal(conf.alarm.command, "/usr/local/bin/alarme#1");
	assert_string_equal(conf.tls.revocations, "");
	assert_int_equal(conf.receipt.policy, CONF_RECEIPT_NODE_POSTGRES);
	assert_int_equal(conf.log.level, LOG_LEVEL_DEBUG);
	assert_float_equal(conf.rules.renew_as_new_m, 750, 0);
	assert_int_equal(conf.listen.alerts.count, 2);
	assert_string_equal(conf.listen.alerts.list[1], "[2001:db8::1]:7701");
	assert_int_equal(conf.listen.consoles.count, 0);
	assert_int_equal(conf.journal.total_bytes_max, 9000000000);
}

static void each_error_says_what_was_meant(void **state)
{
	char line[2100];
	(void)state;

	must_say("\njurnal.folder = /x\n",
	         "t:2: there is no option \"jurnal.folder\", perhaps journal.folder was meant");
	must_say("journal_keep_day = 3", "t:1: there is no option \"journal_keep_day\", perhaps "
	                                 "journal.keep_days was meant");
	must_say("couleur = bleu",
	         "t:1: there is no option \"couleur\", see the example configuration for all");
	must_say("= bleu", "t:1: there is no option \"\", see the example configuration for all");
	must_say("node.id 7", "t:1: no \"=\" in this line, \"name = value\" was meant");
	must_say("node.id = 0", "t:1: node.id is \"0\", a number from 1 to 4294967295 was meant");
	must_say("node.id = sept",
	         "t:1: node.id is \"sept\", a number from 1 to 4294967295 was meant");
	must_say("node.id = 7 8",
	         "t:1: node.id is \"7 8\", a number from 1 to 4294967295 was meant");
	must_say("node.id = 99999999999999999999", "t:1: node.id is \"99999999999999999999\", a "
	                                           "number from 1 to 4294967295 was meant");
	must_say("node.id =", "t:1: node.id is \"\", a number from 1 to 4294967295 was meant");
	must_say("postgres.pace_ms = 50ms", "t:1: postgres.pace_ms is \"50ms\", a number of "
	                                    "milliseconds from 1 to 10000 was meant");
	must_say("journal.folder =", "t:1: journal.folder is \"\", a path was meant");
	must_say("tls.key = tls/key.pem",
	         "t:1: tls.key is \"tls/key.pem\", a path from the root, \"/...\" was meant");
	must_say("receipt.policy = postgres",
	         "t:1: receipt.policy is \"postgres\", node or node+postgres was meant");
	must_say("log.level = loud",
	         "t:1: log.level is \"loud\", error, warning, notice, info or debug was meant");
	must_say("listen.alerts = localhost:7701",
	         "t:1: listen.alerts is \"localhost:7701\", ADDRESS:PORT in figures, as in "
	         "127.0.0.1:7701 or [::1]:7701 was meant");
	must_say("listen.alerts = 0.0.0.0:1 0.0.0.0:2 0.0.0.0:3 0.0.0.0:4 0.0.0.0:5",
	         "t:1: listen.alerts is \"0.0.0.0:1 0.0.0.0:2 0.0.0.0:3 0.0.0.0:4 0.0.0.0:5\", at "
	         "most 4 addresses was meant");
	must_say("node.id = 1\n# ...\nnode.id = 1\n",
	         "t:3: node.id is set a second time, line 1 was the first; one of them was meant");
	must_say("alarm.command = \"/bin/x",
	         "t:1: the value of alarm.command is not one text in quotes, \"...\" was meant");
	must_say("alarm.command = \"/bin/x\" y",
	         "t:1: the value of alarm.command is not one text in quotes, \"...\" was meant");
	must_say("node.id = \xff", "t:1: not clean UTF-8 text, which was meant");
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	must_say(line, "t:1: a line of 2099 bytes, at most 2047 were meant");
	memcpy(line, "alarm.command = /", 17);
	line[600] = '\0';
	must_say(line, "t:1: alarm.command is "
	               "\"/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\", at most "
	               "511 bytes was meant");
}

static void options_must_fit_together(void **state)
{
	(void)state;
	must_say("listen.admin = 0.0.0.0:7780",
	         "t:1: listen.admin is \"0.0.0.0:7780\", an address of this machine alone "
	         "(127.0.0.1, [::1]) was meant");
	must_say("\nlisten.consoles = 127.0.0.1:7701",
	         "t:2: listen.alerts and listen.consoles are both 127.0.0.1:7701, two addresses "
	         "were meant");
	must_say("escalate.louder_ms = 45000",
	         "t:1: escalate.louder_ms is 45000 and escalate.other_centre_ms is 45000, the "
	         "first was meant to be lower");
	must_say("\n\nescalate.alarm_ms = 90000",
	         "t:3: escalate.all_ms is 90000 and escalate.alarm_ms is 90000, the first was "
	         "meant to be lower");
	must_say("alerts.idle_s = 20", "t:1: alerts.heartbeat_s is 30 and alerts.idle_s is 20, the "
	                               "first was meant to be lower");
	must_say("consoles.idle_s = 10", "t:1: consoles.heartbeat_s is 10 and consoles.idle_s is "
	                                 "10, the first was meant to be lower");
	must_say("journal.total_bytes_max = 1000000",
	         "t:1: journal.segment_bytes is 67108864 and journal.total_bytes_max is 1000000, "
	         "the first was meant to be lower");
	must_say("postgres.conninfo =\nreceipt.policy = node+postgres\n",
	         "t:2: receipt.policy waits for PostgreSQL and postgres.conninfo is empty, one of "
	         "them was meant otherwise");
}

static void all_errors_are_told_in_one_run(void **state)
{
	struct conf conf;
	struct told told;
	(void)state;

	assert_false(
	        parse("node.id = x\nfoo\n\nbar = 1\nlisten.admin = 192.0.2.1:80\n", &conf, &told));
	assert_int_equal(told.count, 4);
	assert_int_equal(strncmp(told.sentences[0], "t:1: ", 5), 0);
	assert_int_equal(strncmp(told.sentences[1], "t:2: ", 5), 0);
	assert_int_equal(strncmp(told.sentences[2], "t:4: ", 5), 0);
	assert_int_equal(strncmp(told.sentences[3], "t:5: ", 5), 0);
}

static void port_0_may_stand_twice(void **state)
{
	struct conf conf;
	struct told told;
	(void)state;
	assert_true(parse("listen.alerts = 127.0.0.1:0\nlisten.consoles = 127.0.0.1:0\n", &conf,
	                  &told));
}

static void nul_bytes_and_missing_files_are_errors(void **state)
{
	struct conf conf;
	struct told told = { 0 };
	struct conf_report report = { on_error, &told };
	(void)state;

	assert_false(conf_parse("t", "node.id = 1\0", 12, &conf, &report));
	assert_string_equal(told.sentences[0], "t:1: not clean UTF-8 text, which was meant");
	assert_false(conf_read("/nonexistent/tocsin.conf", &conf, &report));
	assert_string_equal(told.sentences[1],
	                    "/nonexistent/tocsin.conf: cannot be read: No such file or directory");
	assert_false(conf_read("/", &conf, &report));
	assert_string_equal(told.sentences[2], "/: cannot be read: Is a directory");
	assert_int_equal(told.count, 3);
}

static char kept[256];

static void on_kept(void *arg, const char *name)
{
	(void)arg;
	strcat(kept, name);
	strcat(kept, " ");
}

static void reload_takes_what_it_may_and_names_the_rest(void **state)
{
	struct conf running, fresh;
	struct told told;
	(void)state;

	assert_true(parse("node.id = 3\nescalate.louder_ms = 10000\nalarm.command = /bin/a\n",
	                  &running, &told));
	assert_true(
	        parse("node.id = 4\nescalate.louder_ms = 5000\njournal.folder = /b\ntls.key = /c\n",
	              &fresh, &told));
	kept[0] = '\0';
	conf_take(&running, &fresh, on_kept, NULL);
	assert_string_equal(kept, "journal.folder node.id ");
	assert_int_equal(running.node.id, 3);
	assert_string_equal(running.journal.folder, "/var/lib/tocsin/journal");
	assert_int_equal(running.rules.louder_ms, 5000);
	assert_string_equal(running.alarm.command, "");
	assert_string_equal(running.tls.key, "/c");
}

/* ---- the example ---- */

static char *example_read(void)
{
	FILE *f = fopen(SOURCE_DIR "/conf/tocsin.conf", "r");
	char *text = calloc(1, 65536);

	assert_non_null(f);
	assert_true(fread(text, 1, 65535, f) > 1000);
	fclose(f);
	return text;
}

static void example_as_it_stands_is_the_defaults(void **state)
{
	struct conf conf, preset;
	struct told told;
	char *text = example_read();
	(void)state;

	if (!parse(text, &conf, &told))
		fail_msg("%s", told.sentences[0]);
	conf_default(&preset);
	assert_memory_equal(&conf, &preset, sizeof(conf));
	free(text);
}

/* Each option stands in the example, in the table's order, commented out, with its default, and a
 * comment of its own before it. Taking all the marks away gives the defaults again. */
static void example_shows_every_option_with_its_default(void **state)
{
	char *text = example_read(), *bare = calloc(1, 65536), *rest = text, *line;
	bool commented = false;
	struct conf conf, preset;
	struct told told;
	size_t next = 0;
	(void)state;

	while ((line = strsep(&rest, "\n"))) {
		char name[64] = "", value[512] = "";
		if (line[0] != '#' || line[1] == ' ' || line[1] == '\0') {
			commented = line[0] == '#';
			continue;
		}
		assert_true(sscanf(line, "#%63[a-z0-9._] = %511[^\n]", name, value) >= 1);
		if (next == conf_options_count())
			fail_msg("%s: no such option", name);
		assert_string_equal(name, conf_option_at(next)->name);
		assert_string_equal(value, conf_option_at(next)->preset);
		if (!commented)
			fail_msg("%s: no comment before it", name);
		strcat(bare, line + 1);
		strcat(bare, "\n");
		next++;
		commented = false;
	}
	assert_int_equal(next, conf_options_count());
	if (!parse(bare, &conf, &told))
		fail_msg("%s", told.sentences[0]);
	conf_default(&preset);
	assert_memory_equal(&conf, &preset, sizeof(conf));
	free(text);
	free(bare);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_file_is_the_defaults),
		cmocka_unit_test(defaults_of_the_rules_are_those_of_decide),
		cmocka_unit_test(values_are_read_in_every_spelling),
		cmocka_unit_test(each_error_says_what_was_meant),
		cmocka_unit_test(options_must_fit_together),
		cmocka_unit_test(all_errors_are_told_in_one_run),
		cmocka_unit_test(port_0_may_stand_twice),
		cmocka_unit_test(nul_bytes_and_missing_files_are_errors),
		cmocka_unit_test(reload_takes_what_it_may_and_names_the_rest),
		cmocka_unit_test(example_as_it_stands_is_the_defaults),
		cmocka_unit_test(example_shows_every_option_with_its_default),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
