/* The thread's turn, without a thread: trouble of the disk, back-off, retention, checkpoints. */
#include "keep/journal_thread.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/log.h"
#include "tests/unit/journal_rig.h"

#define SEGMENT  JOURNAL_SEGMENT_BYTES_MIN
#define PER      41 /* records a segment */
#define FOR_EVER 100000

static struct rig r;

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
	rig_free(&r);
	return 0;
}

static void expect_state(enum journal_state state, enum journal_reason reason, int error)
{
	const struct journal_status status = rig_status(&r);
	assert_string_equal(journal_state_name(status.state), journal_state_name(state));
	assert_string_equal(journal_reason_name(status.reason), journal_reason_name(reason));
	assert_int_equal(status.error, error);
}

/* All that was accepted is there after a crash, in order. */
static void expect_after_crash(unsigned records)
{
	rig_kill(&r, MEMORY_CRASH_LOSES);
	rig_start(&r);
	assert_int_equal(r.records, records);
	assert_int_equal(r.report.lost, 0);
}

static void confirm(uint64_t number)
{
	journal_confirm(r.j, (struct position){ RIG_NODE, r.first.epoch, number });
}

static void pass_days(int64_t days)
{
	memory_disk_pass_ms(r.m, days * 86400000);
	rig_turns(&r);
}

static bool is_awake(void)
{
	struct pollfd wake = { .fd = journal_wake_fd(r.j), .events = POLLIN };
	poll(&wake, 1, 0);
	if (wake.revents & POLLIN)
		journal_woken(r.j);
	return (wake.revents & POLLIN) != 0;
}

static void the_loop_is_woken_by_news_alone(void **state)
{
	(void)state;
	is_awake();
	rig_turns(&r);
	assert_false(is_awake());
	rig_write(&r, 1, 1);
	assert_true(is_awake());
	assert_int_equal(journal_durable(r.j).number, 1);
	rig_turns(&r);
	assert_false(is_awake());
	journal_woken(r.j); /* also when there is nothing */
}

static void a_failed_sync_goes_to_the_spare_at_once(void **state)
{
	(void)state;
	rig_write(&r, 1, 5);
	memory_disk_fail(r.m, MEMORY_FDATASYNC, 0, 1, EIO);
	rig_write(&r, 6, 6);
	assert_int_equal(journal_durable(r.j).number, 6);
	expect_state(JOURNAL_GOOD, JOURNAL_REASON_NONE, 0);
	const struct journal_status status = rig_status(&r);
	assert_int_equal(status.sync_failures, 1);
	assert_int_equal(status.segments, 2);
	rig_write(&r, 7, 60);
	expect_after_crash(60);
}

static void a_sick_disk_is_tried_ever_more_seldom(void **state)
{
	(void)state;
	static const int64_t waits_ms[] = { 200, 400, 800, 1600, 3200, 5000, 5000 };
	rig_write(&r, 1, 5);
	is_awake();
	memory_disk_fail(r.m, MEMORY_FDATASYNC, 0, FOR_EVER, EIO);
	assert_int_equal(rig_append(&r, 6), JOURNAL_OK);
	struct mono due = rig_turns(&r); /* on the file, and on the spare: two failures */
	assert_true(is_awake());
	expect_state(JOURNAL_FAILING, JOURNAL_REASON_SYNC, EIO);
	const struct mono since = rig_status(&r).since;
	for (unsigned i = 0; i < sizeof(waits_ms) / sizeof(waits_ms[0]); i++) {
		const unsigned long syncs = memory_disk_calls(r.m, MEMORY_FDATASYNC);
		const struct mono now = r.settings.disk->mono(r.settings.disk->context);
		assert_int_equal(mono_ms_between(now, due), waits_ms[i]);
		memory_disk_pass_ms(r.m, waits_ms[i] - 1);
		rig_turns(&r);
		assert_int_equal(memory_disk_calls(r.m, MEMORY_FDATASYNC), syncs);
		memory_disk_pass_ms(r.m, 1);
		due = rig_turns(&r);
		assert_int_equal(memory_disk_calls(r.m, MEMORY_FDATASYNC), syncs + 1);
		assert_int_equal(rig_status(&r).since.ns, since.ns);
	}
	/* None of the files that failed with nothing in them is left. */
	assert_int_equal(memory_disk_count(r.m, ".segment"), 1 + (rig_status(&r).has_spare));
	memory_disk_fail(r.m, MEMORY_FDATASYNC, 0, 0, 0);
	assert_int_equal(rig_append(&r, 7), JOURNAL_OK);
	memory_disk_pass_ms(r.m, 5000);
	rig_turns(&r);
	expect_state(JOURNAL_GOOD, JOURNAL_REASON_NONE, 0);
	assert_int_equal(journal_durable(r.j).number, 7);
	expect_after_crash(7);
}

/* Appends and turns until it is full, on a disk that fails; the number that was refused. */
static uint64_t fill(void)
{
	uint64_t n = 1;
	memory_disk_fail(r.m, MEMORY_FDATASYNC, 0, FOR_EVER, EIO);
	for (; rig_append(&r, n) == JOURNAL_OK; n++)
		rig_turns(&r);
	return n;
}

static void heal(void)
{
	memory_disk_fail(r.m, MEMORY_FDATASYNC, 0, 0, 0);
	memory_disk_pass_ms(r.m, 5000);
	rig_turns(&r);
	rig_turns(&r);
}

static void records_are_taken_up_to_the_ceiling_while_it_fails(void **state)
{
	(void)state;
	const uint64_t refused = fill();
	struct journal_status status = rig_status(&r);
	assert_in_range(refused, 4000, 8192); /* 384 KiB of 96 bytes, the first ones elsewhere */
	assert_int_equal(status.appended, refused - 1);
	assert_int_equal(status.left_out, 1);
	assert_true(status.pending_bytes + 96 > status.pending_bytes_max);
	heal();
	assert_int_equal(journal_durable(r.j).number, refused - 1);
	assert_int_equal(rig_append(&r, refused),
	                 JOURNAL_OK); /* the same one again: nothing is missing */
	rig_turns(&r);
	assert_int_equal(journal_durable(r.j).number, refused);
	expect_state(JOURNAL_GOOD, JOURNAL_REASON_NONE, 0);
	assert_int_equal(rig_status(&r).left_out, 0);
	expect_after_crash((unsigned)refused);
}

/* Nobody has the record that was refused: no later one may let its receipt go. */
static void what_was_left_out_holds_the_durable_position(void **state)
{
	(void)state;
	const uint64_t refused = fill();
	assert_int_equal(rig_append(&r, refused + 1), JOURNAL_FULL);
	heal();
	rig_write(&r, refused + 2, refused + 3);
	assert_int_equal(journal_durable(r.j).number, refused - 1);
	assert_int_equal(rig_status(&r).durable.number, refused - 1);
	assert_int_equal(rig_status(&r).left_out, 2);
	expect_state(JOURNAL_FAILING, JOURNAL_REASON_LEFT_OUT, 0);
	is_awake();
	confirm(refused);
	assert_false(is_awake());
	assert_int_equal(journal_durable(r.j).number, refused - 1);
	confirm(refused + 1); /* PostgreSQL has both */
	assert_true(is_awake());
	assert_int_equal(journal_durable(r.j).number, refused + 3);
	expect_state(JOURNAL_GOOD, JOURNAL_REASON_NONE, 0);
	rig_kill(&r, MEMORY_CRASH_LOSES);
	rig_start(&r);
	assert_int_equal(r.records, refused + 1);
	assert_int_equal(r.report.gaps, 1);
	assert_int_equal(r.report.lost, 0);
}

static void what_was_left_out_and_is_appended_after_all_is_missing_no_more(void **state)
{
	(void)state;
	const uint64_t refused = fill();
	assert_int_equal(rig_append(&r, refused + 1), JOURNAL_FULL);
	heal();
	rig_write(&r, refused, refused); /* one of the two */
	assert_int_equal(journal_durable(r.j).number, refused);
	rig_write(&r, refused + 2, refused + 2); /* and then the next but one */
	assert_int_equal(journal_durable(r.j).number, refused);
	assert_int_equal(rig_append(&r, refused + 1), JOURNAL_OUT_OF_ORDER);
	assert_int_equal(rig_status(&r).left_out, 1);
	confirm(refused + 1);
	assert_int_equal(journal_durable(r.j).number, refused + 2);
}

static void a_full_disk_is_known_a_segment_early(void **state)
{
	(void)state;
	memory_disk_set_room(r.m, 2 * SEGMENT); /* the active one and its spare */
	rig_write(&r, 1, PER);
	expect_state(JOURNAL_GOOD, JOURNAL_REASON_NONE, 0);
	rig_write(&r, PER + 1, PER + 1); /* the spare is in use, and there is no room for another */
	expect_state(JOURNAL_LOW, JOURNAL_REASON_NO_ROOM, ENOSPC);
	assert_int_equal(journal_durable(r.j).number, PER + 1);
	rig_write(&r, PER + 2, 2 * PER);
	expect_state(JOURNAL_LOW, JOURNAL_REASON_NO_ROOM, ENOSPC);
	assert_int_equal(journal_durable(r.j).number,
	                 2 * PER); /* all that while records were durable */
	rig_write(&r, 2 * PER + 1, 2 * PER + 3);
	expect_state(JOURNAL_FAILING, JOURNAL_REASON_NO_ROOM, ENOSPC);
	assert_int_equal(journal_durable(r.j).number, 2 * PER);
	memory_disk_set_room(r.m, 5 * SEGMENT);
	memory_disk_pass_ms(r.m, 5000);
	rig_turns(&r);
	rig_turns(&r);
	expect_state(JOURNAL_GOOD, JOURNAL_REASON_NONE, 0);
	assert_int_equal(journal_durable(r.j).number, 2 * PER + 3);
	expect_after_crash(2 * PER + 3);
}

static void a_start_on_a_full_disk_is_a_state(void **state)
{
	(void)state;
	rig_write(&r, 1, PER + 1);
	rig_kill(&r, MEMORY_CRASH_LOSES);
	/* Room for what is there: the old spare serves. */
	memory_disk_set_room(r.m, 3 * SEGMENT);
	rig_start(&r);
	expect_state(JOURNAL_GOOD, JOURNAL_REASON_NONE, 0);
	rig_write(&r, 1, 1);
	expect_state(JOURNAL_LOW, JOURNAL_REASON_NO_ROOM, ENOSPC);
	rig_kill(&r, MEMORY_CRASH_LOSES);
	rig_start(&r); /* no spare this time */
	assert_int_equal(r.records, PER + 2);
	expect_state(JOURNAL_FAILING, JOURNAL_REASON_NO_ROOM, ENOSPC);
	rig_write(&r, 1, 2);
	assert_int_equal(journal_durable(r.j).number, 0);
	memory_disk_set_room(r.m, 9 * SEGMENT);
	memory_disk_pass_ms(r.m, 5000);
	rig_turns(&r);
	expect_state(JOURNAL_GOOD, JOURNAL_REASON_NONE, 0);
	assert_int_equal(journal_durable(r.j).number, 2);
}

static void for_want_of_room_the_oldest_confirmed_go_early(void **state)
{
	(void)state;
	memory_disk_set_room(r.m, 6 * SEGMENT);
	rig_write(&r, 1, 2 * PER);
	confirm(2 * PER);
	rig_checkpoint(&r, 2 * PER);
	rig_write(&r, 2 * PER + 1, 9 * PER);
	memory_disk_pass_ms(r.m, 5000);
	rig_turns(&r);
	const struct journal_status status = rig_status(&r);
	assert_int_equal(status.segments_deleted_early,
	                 1); /* the second holds the checkpoint's first */
	expect_state(JOURNAL_FAILING, JOURNAL_REASON_NO_ROOM, ENOSPC);
	confirm(9 * PER);
	rig_checkpoint(&r, 4 * PER + 1); /* it finds no room either */
	assert_int_equal(rig_status(&r).checkpoints, 1);
	assert_int_equal(rig_status(&r).checkpoints_failed, 1);
	memory_disk_set_room(r.m, 7 * SEGMENT);
	rig_checkpoint(&r, 4 * PER + 1);
	assert_int_equal(rig_status(&r).checkpoints, 2);
	for (int i = 0; i < 5; i++) {
		memory_disk_pass_ms(r.m, 5000);
		rig_turns(&r);
	}
	/* The checkpoint before it is no reason to stop: four went, five and two checkpoints are
	 * left. */
	assert_int_equal(rig_status(&r).segments_deleted_early, 4);
	assert_int_equal(journal_durable(r.j).number, 9 * PER);
	expect_state(JOURNAL_LOW, JOURNAL_REASON_NO_ROOM, ENOSPC);
	rig_kill(&r, MEMORY_CRASH_LOSES);
	rig_start(&r);
	assert_int_equal(r.records, 5 * PER);
	assert_int_equal(r.report.lost, 0);
}

static void segments_stay_their_days(void **state)
{
	(void)state;
	r.j->keep_us = 7 * 86400 * CLOCK_S_US;
	rig_write(&r, 1, 3 * PER + 1);
	confirm(3 * PER);
	rig_checkpoint(&r, 3 * PER + 1);
	assert_int_equal(rig_status(&r).segments, 4);
	pass_days(6);
	assert_int_equal(rig_status(&r).segments, 4);
	pass_days(2);
	assert_int_equal(rig_status(&r).segments, 1);
	assert_int_equal(rig_status(&r).segments_deleted, 3);
	assert_int_equal(rig_status(&r).segments_deleted_early, 0);
	expect_after_crash(1);
}

static void nothing_unconfirmed_or_needed_goes(void **state)
{
	(void)state;
	r.j->keep_us = 0;
	r.j->total_bytes_max = SEGMENT;
	rig_write(&r, 1, 3 * PER + 1);
	pass_days(400);
	assert_int_equal(rig_status(&r).segments, 4);
	confirm(3 * PER); /* and still there is no checkpoint */
	pass_days(400);
	assert_int_equal(rig_status(&r).segments, 4);
	rig_checkpoint(&r, PER);
	pass_days(1);
	assert_int_equal(rig_status(&r).segments, 4);
	rig_checkpoint(&r, 2 * PER + 1);
	pass_days(1);
	assert_int_equal(rig_status(&r).segments, 4); /* the checkpoint before it is the reserve */
	rig_checkpoint(&r, 3 * PER + 1);
	pass_days(1);
	assert_int_equal(rig_status(&r).segments, 2);
	confirm(2 * PER); /* another database, restored from an older backup */
	rig_checkpoint(&r, 3 * PER + 1);
	rig_checkpoint(&r, 3 * PER + 2);
	pass_days(1);
	assert_int_equal(rig_status(&r).segments, 2);
}

static void over_the_ceiling_is_a_state(void **state)
{
	(void)state;
	r.j->total_bytes_max = 3 * SEGMENT;
	rig_write(&r, 1, 3 * PER);
	expect_state(JOURNAL_GOOD, JOURNAL_REASON_NONE, 0);
	rig_write(&r, 3 * PER + 1, 3 * PER + 1);
	expect_state(JOURNAL_LOW, JOURNAL_REASON_OVER_CEILING, 0);
	assert_int_equal(journal_durable(r.j).number, 3 * PER + 1);
	assert_int_equal(rig_status(&r).unconfirmed_bytes, 4 * SEGMENT);
	confirm(3 * PER);
	rig_checkpoint(&r, 3 * PER + 1);
	rig_turns(&r);
	expect_state(JOURNAL_GOOD, JOURNAL_REASON_NONE, 0);
	assert_int_equal(rig_status(&r).segments, 3);
	assert_int_equal(rig_status(&r).unconfirmed_bytes, SEGMENT);
	assert_int_equal(rig_status(&r).segments_deleted_early, 1);
}

static void a_failed_checkpoint_is_given_up_and_said(void **state)
{
	(void)state;
	const struct position at = { RIG_NODE, r.first.epoch, 2 };
	rig_write(&r, 1, 5);
	memory_disk_fail(r.m, MEMORY_FSYNC, 0, 1, EIO);
	assert_int_equal(journal_checkpoint_begin(r.j, at), JOURNAL_OK);
	assert_int_equal(journal_checkpoint_end(r.j), JOURNAL_OK);
	rig_turns(&r);
	expect_state(JOURNAL_LOW, JOURNAL_REASON_CHECKPOINT, EIO);
	assert_false(rig_status(&r).is_checkpointing);
	assert_int_equal(memory_disk_count(r.m, ".checkpoint"), 0);
	/* One that fails while it is still being handed over. */
	memory_disk_fail(r.m, MEMORY_OPEN, 0, 1, EMFILE);
	assert_int_equal(journal_checkpoint_begin(r.j, at), JOURNAL_OK);
	assert_int_equal(journal_checkpoint_add(r.j, "stale", 5), JOURNAL_OK);
	rig_turns(&r);
	assert_int_equal(journal_checkpoint_add(r.j, "more", 4), JOURNAL_GIVEN_UP);
	assert_int_equal(journal_checkpoint_end(r.j), JOURNAL_GIVEN_UP);
	rig_checkpoint(&r, 3);
	expect_state(JOURNAL_GOOD, JOURNAL_REASON_NONE, 0);
	assert_int_equal(rig_status(&r).checkpoints_failed, 2);
	assert_int_equal(rig_status(&r).checkpoints, 1);
	rig_kill(&r, MEMORY_CRASH_LOSES);
	rig_start(&r);
	assert_int_equal(r.items, 1);
	assert_int_equal(r.records, 3);
}

static void two_checkpoints_are_kept(void **state)
{
	(void)state;
	rig_write(&r, 1, 20);
	for (uint64_t n = 1; n <= 5; n++) {
		rig_checkpoint(&r, 3 * n);
		assert_int_equal(memory_disk_count(r.m, ".checkpoint"), n < 2 ? 1 : 2);
	}
	rig_checkpoint(&r, 15); /* the same place again */
	assert_int_equal(memory_disk_count(r.m, ".checkpoint"), 2);
	assert_non_null(strstr(memory_disk_name(r.m, ".checkpoint", 0), "12.checkpoint"));
	assert_non_null(strstr(memory_disk_name(r.m, ".checkpoint", 1), "15.checkpoint"));
	rig_kill(&r, MEMORY_CRASH_LOSES);
	rig_start(&r);
	assert_int_equal(rig_status(&r).checkpoint.number, 15);
	rig_write(&r, 1, 1);
	rig_checkpoint(&r, 2);
	assert_int_equal(memory_disk_count(r.m, ".checkpoint"), 2);
}

/* Two failures at once, and the worse one shows. */
static void a_disk_that_cannot_even_prepare_is_failing(void **state)
{
	(void)state;
	rig_write(&r, 1, 5);
	memory_disk_fail(r.m, MEMORY_FDATASYNC, 0, FOR_EVER, EIO);
	memory_disk_fail(r.m, MEMORY_OPEN, 0, FOR_EVER, EROFS);
	rig_write(&r, 6, 6);
	expect_state(JOURNAL_FAILING, JOURNAL_REASON_PREPARE, EROFS);
	memory_disk_fail(r.m, MEMORY_OPEN, 0, 0, 0);
	memory_disk_pass_ms(r.m, 5000);
	rig_turns(&r);
	expect_state(JOURNAL_FAILING, JOURNAL_REASON_SYNC, EIO);
	memory_disk_fail(r.m, MEMORY_FDATASYNC, 0, 0, 0);
	memory_disk_pass_ms(r.m, 5000);
	rig_turns(&r);
	expect_state(JOURNAL_GOOD, JOURNAL_REASON_NONE, 0);
	expect_after_crash(6);
}

static void a_disk_that_hangs_shows_in_the_status(void **state)
{
	(void)state;
	const struct mono began = r.settings.disk->mono(r.settings.disk->context);
	r.j->turn_began_ns = began.ns; /* as in the midst of a turn */
	memory_disk_pass_ms(r.m, JOURNAL_SLOW_MS - 1);
	expect_state(JOURNAL_GOOD, JOURNAL_REASON_NONE, 0);
	memory_disk_pass_ms(r.m, 501);
	expect_state(JOURNAL_FAILING, JOURNAL_REASON_SLOW, 0);
	const struct journal_status status = rig_status(&r);
	assert_int_equal(mono_ms_between(began, status.since), JOURNAL_SLOW_MS);
	const struct wall now = r.settings.disk->wall(r.settings.disk->context);
	assert_int_equal(wall_ms_between(status.since_wall, now), 500);
	r.j->turn_began_ns = 0;
	expect_state(JOURNAL_GOOD, JOURNAL_REASON_NONE, 0);
}

static void what_is_counted_adds_up(void **state)
{
	(void)state;
	memory_disk_set_call_us(r.m, 100);
	for (uint64_t n = 1; n <= 8; n++)
		assert_int_equal(rig_append(&r, n), JOURNAL_OK);
	rig_turns(&r);
	rig_write(&r, 9, 10);
	const struct journal_status status = rig_status(&r);
	assert_int_equal(status.records, 10);
	assert_int_equal(status.records_bytes, 10 * 96);
	assert_int_equal(status.syncs, 3);
	assert_int_equal(status.batch_records_max, 8);
	assert_int_equal(status.batch_records_last, 1);
	assert_int_equal(status.sync_us_last, 200); /* a write and a sync */
	assert_int_equal(status.sync_us_max, 300);  /* the header's write too */
	assert_int_equal(status.sync_us_total, 700);
	assert_int_equal(status.sync_us[7], 2); /* 128 to 255 */
	assert_int_equal(status.sync_us[8], 1);
}

static void closing_says_what_is_not_durable(void **state)
{
	(void)state;
	rig_write(&r, 1, 5);
	assert_int_equal(rig_append(&r, 6), JOURNAL_OK);
	assert_true(journal_close(r.j, 0));
	rig_start(&r);
	assert_int_equal(r.records, 6);
	memory_disk_fail(r.m, MEMORY_FDATASYNC, 0, FOR_EVER, EIO);
	assert_int_equal(rig_append(&r, 1), JOURNAL_OK);
	assert_false(journal_close(r.j, 0));
	r.j = NULL;
}

int main(void)
{
#define WITH_JOURNAL(test) cmocka_unit_test_setup_teardown(test, up, down)
	const struct CMUnitTest tests[] = {
		WITH_JOURNAL(the_loop_is_woken_by_news_alone),
		WITH_JOURNAL(a_failed_sync_goes_to_the_spare_at_once),
		WITH_JOURNAL(a_sick_disk_is_tried_ever_more_seldom),
		WITH_JOURNAL(records_are_taken_up_to_the_ceiling_while_it_fails),
		WITH_JOURNAL(what_was_left_out_holds_the_durable_position),
		WITH_JOURNAL(what_was_left_out_and_is_appended_after_all_is_missing_no_more),
		WITH_JOURNAL(a_full_disk_is_known_a_segment_early),
		WITH_JOURNAL(a_start_on_a_full_disk_is_a_state),
		WITH_JOURNAL(for_want_of_room_the_oldest_confirmed_go_early),
		WITH_JOURNAL(segments_stay_their_days),
		WITH_JOURNAL(nothing_unconfirmed_or_needed_goes),
		WITH_JOURNAL(over_the_ceiling_is_a_state),
		WITH_JOURNAL(a_failed_checkpoint_is_given_up_and_said),
		WITH_JOURNAL(two_checkpoints_are_kept),
		WITH_JOURNAL(a_disk_that_cannot_even_prepare_is_failing),
		WITH_JOURNAL(a_disk_that_hangs_shows_in_the_status),
		WITH_JOURNAL(what_is_counted_adds_up),
		WITH_JOURNAL(closing_says_what_is_not_durable),
	};
	log_set_level(LOG_LEVEL_CRIT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
