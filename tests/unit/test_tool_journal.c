/* `tocsin journal`: a real folder, and what the verb says of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "keep/journal.h"
#include "proto/journal.pb-c.h"
#include "support/log.h"
#include "tests/unit/verb_rig.h"
#include "tool/verb.h"

static char folder[64];
static struct position first;
static struct journal *journal;
static struct verb_said said;

static void start(void)
{
	struct journal_settings settings;
	struct recovery_report report;
	enum journal_answer why;
	journal_settings_default(&settings);
	settings.folder = folder;
	settings.node = 9;
	settings.record_version = 1;
	settings.segment_bytes = JOURNAL_SEGMENT_BYTES_MIN;
	settings.is_threadless = true;
	journal = journal_open(&settings, &why);
	assert_non_null(journal);
	assert_int_equal(journal_recover(journal, NULL, &report), RECOVERY_DONE);
	assert_int_equal(journal_start(journal, &first), JOURNAL_OK);
}

static void write_records(uint64_t from, uint64_t to)
{
	struct mono due;
	for (uint64_t n = from; n <= to; n++) {
		Tocsin__Journal__Record m = TOCSIN__JOURNAL__RECORD__INIT;
		Tocsin__Journal__Act act = TOCSIN__JOURNAL__ACT__INIT;
		uint8_t bytes[128];
		act.verb = 1;
		act.operator_ = "martin";
		act.centre = "cic-77";
		m.at = 1795000000000000;
		m.act = &act;
		assert_int_equal(
		        journal_append(journal, n, bytes, tocsin__journal__record__pack(&m, bytes)),
		        JOURNAL_OK);
		while (journal_turn(journal, &due))
			;
	}
}

static int up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), P_tmpdir "/tocsin-verb-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static int down(void **state)
{
	char command[128];
	(void)state;
	journal_close(journal, 0);
	journal = NULL;
	snprintf(command, sizeof(command), "rm -rf -- '%s'", folder);
	return system(command);
}

static void flip(const char *name, off_t at)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "r+");
	assert_non_null(file);
	fseek(file, at, SEEK_SET);
	const int byte = fgetc(file);
	fseek(file, at, SEEK_SET);
	fputc(byte ^ 4, file);
	fclose(file);
}

static void check_says_that_all_is_there(void **state)
{
	(void)state;
	start();
	write_records(1, 120);
	assert_int_equal(journal_checkpoint_begin(journal, first), JOURNAL_OK);
	assert_int_equal(journal_checkpoint_end(journal), JOURNAL_OK);
	write_records(121, 121);
	VERB_RIG(journal_verb, &said, "journal", "check", "--folder", folder);
	assert_int_equal(said.code, VERB_DONE);
	assert_string_equal(said.err, "");
	assert_non_null(strstr(said.out, "held        by a daemon"));
	assert_non_null(strstr(said.out, "node 9"));
	assert_non_null(strstr(said.out, "121 records, 1 to 121"));
	assert_non_null(strstr(said.out, "0 items of "));
	assert_non_null(strstr(said.out, "whole       121 records"));
	journal_close(journal, 0);
	journal = NULL;
	VERB_RIG(journal_verb, &said, "journal", "check", "--folder", folder, "--json");
	assert_int_equal(said.code, VERB_DONE);
	json_t *object = json_loads(said.out, 0, NULL);
	assert_non_null(object);
	assert_true(json_is_false(json_object_get(object, "held")));
	assert_true(json_is_true(json_object_get(object, "whole")));
	assert_int_equal(json_integer_value(json_object_get(object, "node")), 9);
	assert_int_equal(json_integer_value(json_object_get(object, "records")), 121);
	assert_int_equal(json_array_size(json_object_get(object, "epochs")), 1);
	assert_int_equal(json_array_size(json_object_get(object, "checkpoints")), 1);
	json_decref(object);
}

static void check_says_what_is_bad_and_fails(void **state)
{
	char name[64];
	(void)state;
	start();
	write_records(1, 20);
	snprintf(name, sizeof(name), "%010u-0000000000.segment", first.epoch);
	flip(name, 400);
	VERB_RIG(journal_verb, &said, "journal", "check", "--folder", folder);
	assert_int_equal(said.code, VERB_REFUSED);
	assert_non_null(strstr(said.out, "RECORDS ARE LOST"));
	assert_non_null(strstr(said.out, "NOT WHOLE"));
	assert_non_null(strstr(said.err, "is not whole"));
	VERB_RIG(journal_verb, &said, "journal", "check", "--folder", folder, "--json");
	assert_int_equal(said.code, VERB_REFUSED);
	assert_non_null(strstr(said.out, "\"whole\":false"));
	assert_non_null(strstr(said.out, "\"what\":\"bad\",\"lost\":true"));
	assert_non_null(strstr(said.out, "\"what\":\"gap\",\"lost\":true"));
	VERB_RIG(journal_verb, &said, "journal", "dump", "--folder", folder);
	assert_int_equal(said.code, VERB_DONE);
	assert_non_null(strstr(said.out, "RECORDS ARE LOST"));
}

static unsigned lines_of(const char *text)
{
	unsigned lines = 0;
	for (; *text != '\0'; text++)
		lines += *text == '\n';
	return lines;
}

static void dump_prints_a_range(void **state)
{
	char from[POSITION_TEXT_SIZE], to[POSITION_TEXT_SIZE];
	(void)state;
	start();
	write_records(1, 60);
	VERB_RIG(journal_verb, &said, "journal", "dump", "--folder", folder);
	assert_int_equal(said.code, VERB_DONE);
	assert_int_equal(lines_of(said.out), 60);
	assert_non_null(strstr(said.out, "act take by martin of cic-77"));
	position_format((struct position){ 9, first.epoch, 50 }, from);
	position_format((struct position){ 9, first.epoch, 53 }, to);
	VERB_RIG(journal_verb, &said, "journal", "dump", "--folder", folder, "--from", from, "--to",
	         to);
	assert_int_equal(said.code, VERB_DONE);
	assert_int_equal(lines_of(said.out), 4);
	assert_memory_equal(said.out, from, strlen(from));
	VERB_RIG(journal_verb, &said, "journal", "dump", "--folder", folder, "--from", to, "--to",
	         to, "--json");
	assert_int_equal(said.code, VERB_DONE);
	json_t *object = json_loads(said.out, 0, NULL);
	assert_non_null(object);
	assert_string_equal(json_string_value(json_object_get(object, "position")), to);
	assert_int_equal(json_integer_value(json_object_get(object, "version")), 1);
	assert_non_null(json_object_get(object, "act"));
	json_decref(object);
}

static void what_is_no_record_of_ours_is_said(void **state)
{
	struct mono due;
	(void)state;
	start();
	assert_int_equal(journal_append(journal, 1, "\xff\xff\xff", 3), JOURNAL_OK);
	while (journal_turn(journal, &due))
		;
	VERB_RIG(journal_verb, &said, "journal", "dump", "--folder", folder);
	assert_int_equal(said.code, VERB_DONE);
	assert_non_null(strstr(said.out, "CANNOT BE READ"));
	VERB_RIG(journal_verb, &said, "journal", "dump", "--folder", folder, "--json");
	assert_non_null(strstr(said.out, "\"unreadable\":true"));
}

static void an_empty_folder_is_a_whole_journal(void **state)
{
	(void)state;
	VERB_RIG(journal_verb, &said, "journal", "check", "--folder", folder);
	assert_int_equal(said.code, VERB_DONE);
	assert_non_null(strstr(said.out, "whole       0 records"));
	VERB_RIG(journal_verb, &said, "journal", "dump", "--folder", folder);
	assert_int_equal(said.code, VERB_DONE);
	assert_string_equal(said.out, "");
}

static void what_makes_no_sense_is_refused(void **state)
{
	(void)state;
	VERB_RIG(journal_verb, &said, "journal", "check", "--folder", "/no-such-folder");
	assert_int_equal(said.code, VERB_REFUSED);
	VERB_RIG(journal_verb, &said, "journal", "check", "--folder", "/proc/version");
	assert_int_equal(said.code, VERB_REFUSED);
	VERB_RIG(journal_verb, &said, "journal", "check", "--folder", folder, "--node", "zero");
	assert_int_equal(said.code, VERB_USAGE);
	VERB_RIG(journal_verb, &said, "journal", "dump", "--folder", folder, "--from", "1:2");
	assert_int_equal(said.code, VERB_USAGE);
	VERB_RIG(journal_verb, &said, "journal", "dump", "--folder", folder, "--to", "here");
	assert_int_equal(said.code, VERB_USAGE);
	VERB_RIG(journal_verb, &said, "journal", "mend");
	assert_int_equal(said.code, VERB_USAGE);
	VERB_RIG(journal_verb, &said, "journal", "check", "--help");
	assert_int_equal(said.code, VERB_DONE);
	assert_non_null(strstr(said.out, "--folder"));
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, up, down)
	const struct CMUnitTest tests[] = {
		IN_FOLDER(check_says_that_all_is_there),
		IN_FOLDER(check_says_what_is_bad_and_fails),
		IN_FOLDER(dump_prints_a_range),
		IN_FOLDER(what_is_no_record_of_ours_is_said),
		IN_FOLDER(an_empty_folder_is_a_whole_journal),
		IN_FOLDER(what_makes_no_sense_is_refused),
	};
	log_set_level(LOG_LEVEL_CRIT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
