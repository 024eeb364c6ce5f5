#include "keep/recovery.h"

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

static int up(void **state)
{
	(void)state;
	rig_new(&r);
	return 0;
}

static int down(void **state)
{
	(void)state;
	rig_free(&r);
	return 0;
}

static void nothing_is_found_in_nothing(void **state)
{
	(void)state;
	rig_start(&r);
	assert_false(r.report.has_checkpoint);
	assert_int_equal(r.report.last.epoch, 0);
	assert_int_equal(r.records + r.items + r.report.gaps + r.report.bad + r.report.torn, 0);
	assert_string_equal(r.troubles, "");
}

static void every_record_without_a_checkpoint(void **state)
{
	(void)state;
	rig_start(&r);
	rig_write(&r, 1, 90);
	const struct position last = { RIG_NODE, r.first.epoch, 90 };
	rig_kill(&r, MEMORY_CRASH_LOSES);
	rig_start(&r);
	assert_int_equal(r.records, 90);
	assert_int_equal(r.report.records, 90);
	assert_int_equal(position_compare(r.report.last, last), 0);
	assert_true(r.report.is_settled);
}

static void the_newest_checkpoint_and_what_follows_it(void **state)
{
	(void)state;
	rig_start(&r);
	rig_write(&r, 1, 50);
	rig_checkpoint(&r, 30);
	rig_write(&r, 51, 90);
	rig_checkpoint(&r, 71);
	const uint32_t epoch = r.first.epoch;
	rig_kill(&r, MEMORY_CRASH_LOSES);
	rig_start(&r);
	assert_true(r.report.has_checkpoint);
	assert_int_equal(r.report.checkpoint.start.number, 71);
	assert_int_equal(r.items, 1);
	assert_int_equal(r.records, 20);
	/* Across epochs too. */
	rig_write(&r, 1, 4);
	rig_kill(&r, MEMORY_CRASH_LOSES);
	rig_start(&r);
	assert_int_equal(r.report.checkpoint.start.epoch, epoch);
	assert_int_equal(r.records, 24);
	assert_string_equal(r.troubles, "");
}

static void a_bad_checkpoint_costs_time_alone(void **state)
{
	(void)state;
	rig_start(&r);
	rig_write(&r, 1, 50);
	rig_checkpoint(&r, 30);
	rig_write(&r, 51, 90);
	rig_checkpoint(&r, 71);
	rig_kill(&r, MEMORY_CRASH_LOSES);
	rig_bytes(&r, ".checkpoint", 1)[140] ^= 1;
	memory_disk_settle(r.m);
	rig_start(&r);
	assert_int_equal(r.report.checkpoints_bad, 1);
	assert_int_equal(r.report.checkpoint.start.number, 30);
	assert_int_equal(r.items, 1);
	assert_int_equal(r.records, 61);
	assert_string_equal(r.troubles, "checkpoint-bad ");
	rig_kill(&r, MEMORY_CRASH_LOSES);
	rig_bytes(&r, ".checkpoint", 0)[3] ^= 1;
	memory_disk_settle(r.m);
	rig_start(&r);
	assert_int_equal(r.report.checkpoints_bad, 2);
	assert_false(r.report.has_checkpoint);
	assert_int_equal(r.items, 0);
	assert_int_equal(r.records, 90);
}

static void a_checkpoint_without_records_is_a_past(void **state)
{
	(void)state;
	rig_start(&r);
	const uint32_t epoch = r.first.epoch;
	rig_checkpoint(&r, 1);
	rig_kill(&r, MEMORY_CRASH_LOSES);
	rig_start(&r);
	assert_true(r.report.has_checkpoint);
	assert_int_equal(r.report.last.epoch, epoch);
	assert_int_equal(r.report.last.number, 0);
	rig_write(&r, 1, 2);
	rig_kill(&r, MEMORY_CRASH_LOSES);
	rig_start(&r);
	assert_int_equal(r.records, 2);
	assert_string_equal(r.troubles, "");
}

static void what_is_missing_or_bad_is_counted_and_copied(void **state)
{
	(void)state;
	rig_start(&r);
	rig_write(&r, 1, 90);
	rig_kill(&r, MEMORY_CRASH_LOSES);
	rig_bytes(&r, ".segment", 0)[1000] ^= 1; /* a record of 1 to 41 */
	rig_bytes(&r, ".segment", 1)[10] ^= 1;   /* the header of 42 to 82 */
	rig_bytes(&r, ".segment", 2)[SEGMENT_HEADER_BYTES + 7 * 96 + 60] ^= 1; /* the last one */
	memory_disk_settle(r.m);
	rig_start(&r);
	assert_int_equal(r.records, 88);
	assert_int_equal(r.report.bad, 2);
	assert_int_equal(r.report.gaps, 1);
	assert_int_equal(r.report.lost, 2);
	assert_int_equal(r.report.torn, 1);
	assert_int_equal(r.report.bad_bytes, 96 + SEGMENT_HEADER_BYTES);
	assert_int_equal(r.report.torn_bytes, 96);
	assert_int_equal(r.report.aside_failed, 0);
	assert_int_equal(memory_disk_count(r.m, ".bad"), 2);
	assert_string_equal(r.troubles, "bad-bytes! gap! bad-bytes torn-tail ");
}

static void a_copy_that_cannot_be_made_is_said(void **state)
{
	(void)state;
	rig_start(&r);
	rig_write(&r, 1, 9);
	rig_kill(&r, MEMORY_CRASH_LOSES);
	rig_bytes(&r, ".segment", 0)[300] ^= 1;
	memory_disk_settle(r.m);
	memory_disk_fail(r.m, MEMORY_PWRITE, 0, 1, ENOSPC);
	rig_start(&r);
	assert_int_equal(r.records, 8);
	assert_int_equal(r.report.aside_failed, 1);
	assert_int_equal(memory_disk_count(r.m, ".bad"), 0);
}

/* Written, not synced, the process killed, the machine goes on: what the next start is given, and
 * builds upon, a crash right after it must not take away. */
static void what_a_start_was_given_stays(void **state)
{
	(void)state;
	rig_start(&r);
	rig_write(&r, 1, 5);
	assert_int_equal(rig_append(&r, 6), JOURNAL_OK);
	memory_disk_stop_after(r.m, 2); /* the write is done, the sync is not */
	rig_turns(&r);
	assert_int_equal(journal_durable(r.j).number, 5);
	rig_kill(&r, MEMORY_CRASH_KEEPS);
	rig_start(&r);
	assert_int_equal(r.records, 6);
	rig_kill(&r, MEMORY_CRASH_LOSES);
	rig_start(&r);
	assert_int_equal(r.records, 6);
}

/* The sync failed and the pages are clean: they are in memory and not on the disk, and a further
 * sync would say that all is well. */
static void what_only_memory_holds_is_not_given(void **state)
{
	(void)state;
	rig_start(&r);
	rig_write(&r, 1, 5);
	memory_disk_fail(r.m, MEMORY_FDATASYNC, 0, 9, EIO);
	memory_disk_fail(r.m, MEMORY_OPEN, 0, 9, EIO);
	assert_int_equal(rig_append(&r, 6), JOURNAL_OK);
	rig_turns(&r);
	rig_kill(&r, MEMORY_CRASH_KEEPS);
	memory_disk_fail(r.m, MEMORY_FDATASYNC, 0, 0, 0);
	memory_disk_fail(r.m, MEMORY_OPEN, 0, 0, 0);
	rig_start(&r);
	assert_int_equal(r.records, 5);
	rig_kill(&r, MEMORY_CRASH_LOSES);
	rig_start(&r);
	assert_int_equal(r.records, 5);
}

static void what_cannot_be_settled_is_read_and_said(void **state)
{
	(void)state;
	rig_start(&r);
	rig_write(&r, 1, 5);
	rig_kill(&r, MEMORY_CRASH_LOSES);
	memory_disk_fail(r.m, MEMORY_FSYNC, 0, 1, EIO);
	rig_start(&r);
	assert_int_equal(r.records, 5);
	assert_false(r.report.is_settled);
}

static bool stop_at_once(void *context, uint32_t version, const uint8_t *bytes, size_t length)
{
	(void)context, (void)version, (void)bytes, (void)length;
	return false;
}

static bool stop_at_three(void *context, struct position position, uint32_t version,
                          const uint8_t *bytes, size_t length)
{
	(void)context, (void)version, (void)bytes, (void)length;
	return position.number < 3;
}

static void a_callback_stops_it(void **state)
{
	(void)state;
	const struct recovery_calls on_record = { &r, rig_on_item, stop_at_three, NULL };
	const struct recovery_calls on_item = { &r, stop_at_once, rig_on_record, NULL };
	struct recovery_report report;
	rig_start(&r);
	rig_write(&r, 1, 9);
	assert_int_equal(recovery_run(journal_folder(r.j), false, &on_record, &report),
	                 RECOVERY_STOPPED);
	assert_int_equal(report.records, 2);
	rig_checkpoint(&r, 5);
	assert_int_equal(recovery_run(journal_folder(r.j), false, &on_item, &report),
	                 RECOVERY_STOPPED);
}

static void looking_changes_nothing(void **state)
{
	(void)state;
	const struct recovery_calls calls = { &r, rig_on_item, rig_on_record, NULL };
	struct recovery_report report;
	rig_start(&r);
	rig_write(&r, 1, 9);
	rig_checkpoint(&r, 3);
	rig_bytes(&r, ".segment", 0)[SEGMENT_HEADER_BYTES + 5 * 96 + 60] ^= 1;
	const unsigned long changes = memory_disk_changes(r.m);
	r.records = 0;
	assert_int_equal(recovery_run(journal_folder(r.j), false, &calls, &report), RECOVERY_DONE);
	assert_int_equal(report.records, 6);
	assert_int_equal(report.bad, 1);
	assert_false(report.is_settled);
	assert_int_equal(memory_disk_changes(r.m), changes);
}

static void a_disk_that_does_not_answer_ends_it(void **state)
{
	(void)state;
	const struct recovery_calls calls = { &r, rig_on_item, rig_on_record, NULL };
	struct recovery_report report;
	rig_start(&r);
	rig_write(&r, 1, 9);
	for (unsigned after = 0; after < 2; after++) {
		memory_disk_fail(r.m, MEMORY_LIST, after, 1, EIO);
		assert_int_equal(recovery_run(journal_folder(r.j), false, &calls, &report),
		                 RECOVERY_FAILED);
		assert_int_equal(report.error, EIO);
	}
}

int main(void)
{
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, up, down)
	const struct CMUnitTest tests[] = {
		WITH_RIG(nothing_is_found_in_nothing),
		WITH_RIG(every_record_without_a_checkpoint),
		WITH_RIG(the_newest_checkpoint_and_what_follows_it),
		WITH_RIG(a_bad_checkpoint_costs_time_alone),
		WITH_RIG(a_checkpoint_without_records_is_a_past),
		WITH_RIG(what_is_missing_or_bad_is_counted_and_copied),
		WITH_RIG(a_copy_that_cannot_be_made_is_said),
		WITH_RIG(what_a_start_was_given_stays),
		WITH_RIG(what_only_memory_holds_is_not_given),
		WITH_RIG(what_cannot_be_settled_is_read_and_said),
		WITH_RIG(a_callback_stops_it),
		WITH_RIG(looking_changes_nothing),
		WITH_RIG(a_disk_that_does_not_answer_ends_it),
	};
	log_set_level(LOG_LEVEL_CRIT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
