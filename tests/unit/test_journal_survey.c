#include "tool/journal_survey.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/log.h"
#include "tests/unit/journal_rig.h"

static struct rig r;
static struct journal_survey survey;

static int up(void **state)
{
	(void)state;
	rig_new(&r);
	rig_start(&r);
	return 0;
}

static int down(void **state)
{
	(void)state;
	journal_survey_done(&survey);
	rig_free(&r);
	return 0;
}

static void look(void)
{
	const unsigned long changes = memory_disk_changes(r.m);
	journal_survey_done(&survey);
	assert_true(journal_survey(journal_folder(r.j), &survey));
	assert_int_equal(memory_disk_changes(r.m), changes); /* it never writes */
}

static void an_empty_journal_is_whole(void **state)
{
	(void)state;
	look();
	assert_true(survey.is_whole);
	assert_int_equal(survey.records, 0);
	assert_int_equal(survey.segments, 1);
	assert_int_equal(survey.blank, 1);
	assert_int_equal(survey.epochs_count, 0);
}

static void epochs_and_checkpoints_are_counted(void **state)
{
	(void)state;
	const uint32_t before = r.first.epoch;
	rig_write(&r, 1, 90);
	rig_checkpoint(&r, 80);
	rig_kill(&r, MEMORY_CRASH_LOSES);
	rig_start(&r);
	rig_write(&r, 1, 5);
	look();
	assert_true(survey.is_whole);
	assert_int_equal(survey.records, 95);
	assert_int_equal(survey.epochs_count, 2);
	assert_int_equal(survey.epochs[0].epoch, before);
	assert_int_equal(survey.epochs[0].first, 1);
	assert_int_equal(survey.epochs[0].last, 90);
	assert_int_equal(survey.epochs[0].records, 90);
	assert_int_equal(survey.epochs[0].bytes, 90 * RIG_TEXT);
	assert_int_equal(survey.epochs[0].segments, 3);
	assert_true(wall_is_set(survey.epochs[0].begun));
	assert_int_equal(survey.epochs[1].records, 5);
	assert_int_equal(survey.checkpoints_count, 1);
	assert_int_equal(survey.checkpoints[0].state, CHECKPOINT_WHOLE);
	assert_int_equal(survey.checkpoints[0].items, 1);
	assert_int_equal(survey.troubles_count, 0);
}

static void what_is_lost_makes_it_not_whole(void **state)
{
	(void)state;
	rig_write(&r, 1, 20);
	rig_bytes(&r, ".segment", 0)[SEGMENT_HEADER_BYTES + 3 * 96 + 50] ^= 1;
	look();
	assert_false(survey.is_whole);
	assert_int_equal(survey.records, 19);
	assert_int_equal(survey.troubles_count, 2);
	assert_int_equal(survey.troubles[0].what, JOURNAL_READ_BAD);
	assert_int_equal(survey.troubles[1].what, JOURNAL_READ_GAP);
	assert_int_equal(memory_disk_count(r.m, ".bad"), 0);
}

static void what_never_was_confirmed_does_not(void **state)
{
	(void)state;
	rig_write(&r, 1, 20);
	rig_bytes(&r, ".segment", 0)[SEGMENT_HEADER_BYTES + 19 * 96 + 50] ^= 1;
	rig_write(&r, 30, 30);
	rig_bytes(&r, ".segment", 0)[SEGMENT_HEADER_BYTES + 19 * 96 + 50] ^= 1;
	look();
	assert_true(survey.is_whole);
	assert_int_equal(survey.troubles_count, 1); /* 21 to 29 were left out */
	rig_bytes(&r, ".segment", 0)[SEGMENT_HEADER_BYTES + 20 * 96 + 50] ^= 1;
	look();
	assert_true(survey.is_whole);
	assert_int_equal(survey.troubles_count, 1);
	assert_int_equal(survey.troubles[0].what, JOURNAL_READ_TORN);
}

static void a_bad_checkpoint_makes_it_not_whole(void **state)
{
	(void)state;
	rig_write(&r, 1, 20);
	rig_checkpoint(&r, 10);
	rig_bytes(&r, ".checkpoint", 0)[130] ^= 1;
	look();
	assert_false(survey.is_whole);
	assert_int_equal(survey.checkpoints_count, 1);
	assert_int_equal(survey.checkpoints[0].state, CHECKPOINT_BAD);
	assert_int_equal(survey.records, 20);
}

static void bad_blocks_make_it_not_whole(void **state)
{
	(void)state;
	rig_write(&r, 1, 20);
	memory_disk_break(r.m, memory_disk_name(r.m, ".segment", 0), 4000, 4001);
	look();
	assert_false(survey.is_whole);
	assert_true(survey.unreadable > 0);
}

static void what_cannot_be_read_is_said(void **state)
{
	(void)state;
	rig_write(&r, 1, 20);
	memory_disk_fail(r.m, MEMORY_LIST, 0, 1, EACCES);
	assert_false(journal_survey(journal_folder(r.j), &survey));
	assert_int_equal(errno, EACCES);
	journal_survey_done(&survey);
	memory_disk_fail(r.m, MEMORY_LIST, 1, 1, EACCES);
	assert_false(journal_survey(journal_folder(r.j), &survey));
	assert_int_equal(errno, EACCES);
}

int main(void)
{
#define WITH_JOURNAL(test) cmocka_unit_test_setup_teardown(test, up, down)
	const struct CMUnitTest tests[] = {
		WITH_JOURNAL(an_empty_journal_is_whole),
		WITH_JOURNAL(epochs_and_checkpoints_are_counted),
		WITH_JOURNAL(what_is_lost_makes_it_not_whole),
		WITH_JOURNAL(what_never_was_confirmed_does_not),
		WITH_JOURNAL(a_bad_checkpoint_makes_it_not_whole),
		WITH_JOURNAL(bad_blocks_make_it_not_whole),
		WITH_JOURNAL(what_cannot_be_read_is_said),
	};
	log_set_level(LOG_LEVEL_CRIT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
