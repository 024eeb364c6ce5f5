#include "keep/journal_reader.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "keep/preamble.h"
#include "support/log.h"
#include "tests/unit/journal_rig.h"

#define RECORD_BYTES (SEGMENT_RECORD_HEADER_BYTES + RIG_TEXT)
#define PER_SEGMENT  ((JOURNAL_SEGMENT_BYTES_MIN - SEGMENT_HEADER_BYTES) / RECORD_BYTES) /* 41 */

static struct rig r;
static struct journal_reader reader;
static struct journal_reading reading;

static int up(void **state)
{
	(void)state;
	rig_new(&r);
	rig_start(&r);
	journal_reader_open(&reader, journal_folder(r.j), (struct position){ 0 });
	return 0;
}

static int down(void **state)
{
	(void)state;
	journal_reader_close(&reader);
	rig_free(&r);
	return 0;
}

static void open_after(uint32_t epoch, uint64_t number)
{
	journal_reader_close(&reader);
	journal_reader_open(&reader, journal_folder(r.j),
	                    (struct position){ RIG_NODE, epoch, number });
}

static enum journal_read next_upto(struct position durable)
{
	return journal_reader_next(&reader, durable, &reading);
}

static enum journal_read next(void)
{
	return next_upto(JOURNAL_READER_ALL);
}

/* The records from `from` to `to`, whole and one after the other. */
static void expect(uint32_t epoch, uint64_t from, uint64_t to)
{
	for (uint64_t n = from; n <= to; n++) {
		char text[RIG_TEXT];
		assert_int_equal(next(), JOURNAL_READ_RECORD);
		assert_int_equal(reading.position.node, RIG_NODE);
		assert_int_equal(reading.position.epoch, epoch);
		assert_int_equal(reading.position.number, n);
		assert_int_equal(reading.version, 1);
		rig_text(reading.position, text);
		assert_int_equal(reading.length, RIG_TEXT);
		assert_memory_equal(reading.bytes, text, RIG_TEXT);
	}
}

static void expect_gap(uint64_t after, uint64_t to, bool lost)
{
	assert_int_equal(next(), JOURNAL_READ_GAP);
	assert_int_equal(reading.after.number, after);
	assert_int_equal(reading.position.number, to);
	assert_int_equal(reading.lost, lost);
}

static uint8_t *segment(unsigned n)
{
	return rig_bytes(&r, ".segment", n);
}

/* Where the n-th record of a segment stands. */
static size_t at_record(unsigned n)
{
	return SEGMENT_HEADER_BYTES + n * RECORD_BYTES;
}

static void nothing_is_given_before_it_is_durable(void **state)
{
	(void)state;
	const struct position durable = { RIG_NODE, r.first.epoch, 10 };
	assert_int_equal(next_upto(journal_durable(r.j)), JOURNAL_READ_END);
	rig_write(&r, 1, 60);
	for (uint64_t n = 1; n <= 10; n++)
		assert_int_equal(next_upto(durable), JOURNAL_READ_RECORD);
	assert_int_equal(next_upto(durable), JOURNAL_READ_END);
	assert_int_equal(next_upto(durable), JOURNAL_READ_END);
	expect(r.first.epoch, 11, 60);
	assert_int_equal(next(), JOURNAL_READ_END);
}

static void it_follows_the_writer_through_segments(void **state)
{
	(void)state;
	for (uint64_t n = 1; n <= 3 * PER_SEGMENT; n++) {
		rig_write(&r, n, n);
		assert_int_equal(next_upto(journal_durable(r.j)), JOURNAL_READ_RECORD);
		assert_int_equal(reading.position.number, n);
		const unsigned long reads = memory_disk_calls(r.m, MEMORY_PREAD);
		assert_int_equal(next_upto(journal_durable(r.j)), JOURNAL_READ_END);
		assert_int_equal(memory_disk_calls(r.m, MEMORY_PREAD),
		                 reads); /* an end costs nothing */
	}
}

static void it_goes_on_into_the_next_epoch(void **state)
{
	(void)state;
	const uint32_t before = r.first.epoch;
	rig_write(&r, 1, 50);
	expect(before, 1, 50);
	journal_reader_close(&reader);
	rig_kill(&r, MEMORY_CRASH_LOSES);
	rig_start(&r);
	open_after(before, 50);
	assert_int_equal(next_upto(journal_durable(r.j)), JOURNAL_READ_END);
	assert_int_equal(next_upto(journal_durable(r.j)), JOURNAL_READ_END);
	rig_write(&r, 1, 3);
	for (uint64_t n = 1; n <= 3; n++) {
		assert_int_equal(next_upto(journal_durable(r.j)), JOURNAL_READ_RECORD);
		assert_int_equal(reading.position.epoch, r.first.epoch);
		assert_int_equal(reading.position.number, n);
	}
	open_after(0, 0);
	expect(before, 1, 50);
	expect(r.first.epoch, 1, 3);
	assert_int_equal(next(), JOURNAL_READ_END);
}

static void it_begins_anywhere(void **state)
{
	(void)state;
	const uint64_t last = 2 * PER_SEGMENT + 5;
	rig_write(&r, 1, last);
	for (uint64_t after = 0; after <= last; after++) {
		open_after(r.first.epoch, after);
		if (after < last)
			expect(r.first.epoch, after + 1, after + 1);
		else
			assert_int_equal(next(), JOURNAL_READ_END);
	}
	/* From before anything there is, and from beyond. */
	open_after(r.first.epoch - 1, 7);
	assert_int_equal(next(), JOURNAL_READ_GAP);
	expect(r.first.epoch, 1, last);
	open_after(r.first.epoch, last + 100);
	assert_int_equal(next(), JOURNAL_READ_END);
	open_after(r.first.epoch + 100, 1);
	assert_int_equal(next(), JOURNAL_READ_END);
}

static void a_bad_record_in_the_middle_is_set_aside(void **state)
{
	(void)state;
	rig_write(&r, 1, 60);
	segment(0)[at_record(9) + 50] ^= 4;
	reader.set_aside = true;
	expect(r.first.epoch, 1, 9);
	assert_int_equal(next(), JOURNAL_READ_BAD);
	assert_true(reading.lost);
	assert_true(reading.is_aside);
	assert_int_equal(reading.from, at_record(9));
	assert_int_equal(reading.to, at_record(10));
	assert_int_equal(reading.segment.index, 0);
	expect_gap(9, 11, true);
	expect(r.first.epoch, 11, 60);
	assert_int_equal(memory_disk_count(r.m, ".bad"), 1);
	assert_memory_equal(rig_bytes(&r, ".bad", 0), segment(0) + at_record(9), RECORD_BYTES);
	/* A second reading says it again, and keeps the copy as it is. */
	open_after(0, 0);
	reader.set_aside = true;
	expect(r.first.epoch, 1, 9);
	assert_int_equal(next(), JOURNAL_READ_BAD);
	assert_true(reading.is_aside);
	/* One that begins behind it has nothing to say of it. */
	open_after(r.first.epoch, 20);
	expect(r.first.epoch, 21, 60);
}

static void without_leave_nothing_is_set_aside(void **state)
{
	(void)state;
	rig_write(&r, 1, 5);
	segment(0)[at_record(1)] ^= 1;
	expect(r.first.epoch, 1, 1);
	assert_int_equal(next(), JOURNAL_READ_BAD);
	assert_false(reading.is_aside);
	assert_int_equal(memory_disk_count(r.m, ".bad"), 0);
}

static void a_bad_end_of_a_full_segment_is_a_loss(void **state)
{
	(void)state;
	rig_write(&r, 1, PER_SEGMENT + 5);
	segment(0)[at_record(PER_SEGMENT - 1) + 20] ^= 4;
	expect(r.first.epoch, 1, PER_SEGMENT - 1);
	assert_int_equal(next(), JOURNAL_READ_BAD);
	assert_true(reading.lost);
	expect_gap(PER_SEGMENT - 1, PER_SEGMENT + 1, true);
	expect(r.first.epoch, PER_SEGMENT + 1, PER_SEGMENT + 5);
	/* Or zeros where its end was. */
	memset(segment(0) + at_record(PER_SEGMENT - 2), 0, 2 * RECORD_BYTES);
	open_after(0, 0);
	expect(r.first.epoch, 1, PER_SEGMENT - 2);
	expect_gap(PER_SEGMENT - 2, PER_SEGMENT + 1, true);
	expect(r.first.epoch, PER_SEGMENT + 1, PER_SEGMENT + 5);
}

/* Three records in one batch whose sync never came: the disk has the second and the third. */
static void a_hole_in_what_was_never_confirmed_is_no_loss(void **state)
{
	(void)state;
	rig_write(&r, 1, 5);
	for (uint64_t n = 6; n <= 8; n++)
		assert_int_equal(rig_append(&r, n), JOURNAL_OK);
	rig_turns(&r);
	memset(segment(0) + at_record(5), 0, RECORD_BYTES);
	expect(r.first.epoch, 1, 5);
	assert_int_equal(next(), JOURNAL_READ_BAD);
	assert_false(reading.lost);
	expect_gap(5, 7, false);
	expect(r.first.epoch, 7, 8);
	assert_int_equal(next(), JOURNAL_READ_END);
}

static void a_torn_end_of_the_journal_ends_it(void **state)
{
	(void)state;
	rig_write(&r, 1, 5);
	segment(0)[at_record(4) + 40] ^= 1;
	expect(r.first.epoch, 1, 4);
	assert_int_equal(next(), JOURNAL_READ_TORN);
	assert_int_equal(reading.from, at_record(4));
	assert_int_equal(reading.to, at_record(5));
	assert_int_equal(next(), JOURNAL_READ_END);
	assert_int_equal(next(), JOURNAL_READ_END);
}

static void a_torn_end_of_an_epoch_is_told_from_a_loss(void **state)
{
	(void)state;
	const uint32_t before = r.first.epoch;
	rig_write(&r, 1, 5);
	journal_reader_close(&reader);
	rig_kill(&r, MEMORY_CRASH_KEEPS);
	rig_start(&r); /* which found all five */
	rig_write(&r, 1, 2);
	segment(0)[at_record(4) + 40] ^= 1;
	open_after(0, 0);
	expect(before, 1, 4);
	assert_int_equal(next(), JOURNAL_READ_BAD);
	assert_true(reading.lost);
	expect_gap(4, 1, true);
	expect(r.first.epoch, 1, 2);
	/* Torn before the next epoch began: that one knows of four. */
	journal_reader_close(&reader);
	rig_kill(&r, MEMORY_CRASH_KEEPS);
	segment(1)[at_record(1) + 40] ^= 1;
	memory_disk_settle(r.m);
	const uint32_t second = r.first.epoch;
	rig_start(&r);
	rig_write(&r, 1, 1);
	open_after(second, 0);
	expect(second, 1, 1);
	assert_int_equal(next(), JOURNAL_READ_TORN);
	expect(r.first.epoch, 1, 1);
	assert_int_equal(next(), JOURNAL_READ_END);
}

static void what_a_sick_file_did_not_confirm_is_given_once(void **state)
{
	(void)state;
	rig_write(&r, 1, 5);
	memory_disk_fail(r.m, MEMORY_FDATASYNC, 0, 1, EIO);
	for (uint64_t n = 6; n <= 8; n++)
		assert_int_equal(rig_append(&r, n), JOURNAL_OK);
	rig_turns(&r);
	rig_write(&r, 9, 10);
	assert_int_equal(rig_status(&r).segments, 2);
	expect(r.first.epoch, 1, 10);
	assert_int_equal(next(), JOURNAL_READ_END);
	/* Half of what it did not confirm is no record either: that is no loss and no hole. */
	segment(0)[at_record(6) + 1] ^= 1;
	open_after(0, 0);
	expect(r.first.epoch, 1, 10);
	assert_int_equal(next(), JOURNAL_READ_END);
}

static void a_reader_on_a_sick_file_crosses_over(void **state)
{
	(void)state;
	rig_write(&r, 1, 5);
	for (uint64_t n = 1; n <= 5; n++)
		assert_int_equal(next_upto(journal_durable(r.j)), JOURNAL_READ_RECORD);
	memory_disk_fail(r.m, MEMORY_FDATASYNC, 0, 1, EIO);
	assert_int_equal(rig_append(&r, 6), JOURNAL_OK);
	assert_int_equal(rig_append(&r, 7), JOURNAL_OK);
	rig_turns(&r);
	rig_write(&r, 8, 9);
	for (uint64_t n = 6; n <= 9; n++) {
		assert_int_equal(next_upto(journal_durable(r.j)), JOURNAL_READ_RECORD);
		assert_int_equal(reading.position.number, n);
	}
	assert_int_equal(next_upto(journal_durable(r.j)), JOURNAL_READ_END);
}

static void numbers_left_out_are_a_gap_and_no_loss(void **state)
{
	(void)state;
	rig_write(&r, 1, 3);
	rig_write(&r, 10, PER_SEGMENT + 6); /* the segment is full */
	rig_write(&r, PER_SEGMENT + 20, PER_SEGMENT + 21);
	expect(r.first.epoch, 1, 3);
	expect_gap(3, 10, false);
	expect(r.first.epoch, 10, PER_SEGMENT + 6);
	expect_gap(PER_SEGMENT + 6, PER_SEGMENT + 20, false);
	expect(r.first.epoch, PER_SEGMENT + 20, PER_SEGMENT + 21);
	assert_int_equal(next(), JOURNAL_READ_END);
}

static void a_segment_that_is_gone_is_a_loss(void **state)
{
	(void)state;
	rig_write(&r, 1, 3 * PER_SEGMENT);
	r.settings.disk->unlink(r.settings.disk->context, memory_disk_name(r.m, ".segment", 1));
	expect(r.first.epoch, 1, PER_SEGMENT);
	expect_gap(PER_SEGMENT, 2 * PER_SEGMENT + 1, true);
	expect(r.first.epoch, 2 * PER_SEGMENT + 1, 3 * PER_SEGMENT);
	/* From the oldest there is: nobody asked for what was before. */
	r.settings.disk->unlink(r.settings.disk->context, memory_disk_name(r.m, ".segment", 0));
	open_after(0, 0);
	expect(r.first.epoch, 2 * PER_SEGMENT + 1, 3 * PER_SEGMENT);
	open_after(r.first.epoch, 5);
	expect_gap(5, 2 * PER_SEGMENT + 1, true);
}

static void a_folder_that_was_lost_is_a_gap(void **state)
{
	(void)state;
	rig_write(&r, 1, 3);
	open_after(r.first.epoch - 1000, 99); /* what PostgreSQL had of the folder before */
	expect_gap(99, 1, true);
	expect(r.first.epoch, 1, 3);
}

static void a_bad_header_costs_no_record(void **state)
{
	(void)state;
	rig_write(&r, 1, 2 * PER_SEGMENT + 2);
	segment(1)[33] ^= 1;
	expect(r.first.epoch, 1, PER_SEGMENT);
	assert_int_equal(next(), JOURNAL_READ_BAD);
	assert_false(reading.lost);
	assert_int_equal(reading.from, 0);
	assert_int_equal(reading.to, SEGMENT_HEADER_BYTES);
	expect(r.first.epoch, PER_SEGMENT + 1, 2 * PER_SEGMENT + 2);
	/* A bad header and a bad first record: that record is lost, and this is said. */
	segment(1)[at_record(0)] ^= 1;
	open_after(0, 0);
	expect(r.first.epoch, 1, PER_SEGMENT);
	assert_int_equal(next(), JOURNAL_READ_BAD);
	assert_int_equal(next(), JOURNAL_READ_BAD);
	assert_true(reading.lost);
	expect_gap(PER_SEGMENT, PER_SEGMENT + 2, true);
	expect(r.first.epoch, PER_SEGMENT + 2, 2 * PER_SEGMENT + 2);
}

static void a_torn_first_batch_is_torn(void **state)
{
	(void)state;
	rig_write(&r, 1, 1);
	memset(segment(0) + 64, 0xEE, 200); /* of header and record */
	assert_int_equal(next(), JOURNAL_READ_TORN);
	assert_int_equal(reading.from, 0);
	assert_int_equal(next(), JOURNAL_READ_END);
}

static void a_durable_record_that_is_not_there_is_said_once(void **state)
{
	(void)state;
	rig_write(&r, 1, 5);
	memset(segment(0) + at_record(4), 0, RECORD_BYTES);
	const struct position durable = journal_durable(r.j);
	for (uint64_t n = 1; n <= 4; n++)
		assert_int_equal(next_upto(durable), JOURNAL_READ_RECORD);
	assert_int_equal(next_upto(durable), JOURNAL_READ_BAD);
	assert_true(reading.lost);
	assert_int_equal(next_upto(durable), JOURNAL_READ_END);
	rig_write(&r, 6, 7);
	assert_int_equal(next_upto(journal_durable(r.j)), JOURNAL_READ_GAP);
	assert_true(reading.lost);
	assert_int_equal(next_upto(journal_durable(r.j)), JOURNAL_READ_RECORD);
	assert_int_equal(reading.position.number, 6);
}

static void trouble_of_the_disk_is_an_answer(void **state)
{
	(void)state;
	rig_write(&r, 1, PER_SEGMENT + 1);
	memory_disk_fail(r.m, MEMORY_LIST, 0, 1, EMFILE);
	assert_int_equal(next(), JOURNAL_READ_FAILED);
	assert_int_equal(reading.error, EMFILE);
	memory_disk_fail(r.m, MEMORY_OPEN, 0, 1, EMFILE);
	assert_int_equal(next(), JOURNAL_READ_FAILED);
	expect(r.first.epoch, 1, PER_SEGMENT);
	memory_disk_fail(r.m, MEMORY_OPEN, 0, 1, EMFILE);
	assert_int_equal(next(), JOURNAL_READ_FAILED);
	expect(r.first.epoch, PER_SEGMENT + 1, PER_SEGMENT + 1);
	assert_int_equal(next(), JOURNAL_READ_END);
}

static void a_block_that_cannot_be_read_costs_its_records(void **state)
{
	(void)state;
	journal_reader_close(&reader);
	rig_free(&r);
	rig_new(&r);
	r.settings.segment_bytes = 16384;
	rig_start(&r);
	open_after(0, 0);
	rig_write(&r, 1, 120);
	memory_disk_break(r.m, memory_disk_name(r.m, ".segment", 0), 5000, 5001);
	unsigned records = 0, bad = 0, gaps = 0;
	enum journal_read answer;
	while ((answer = next()) != JOURNAL_READ_END) {
		records += answer == JOURNAL_READ_RECORD;
		bad += answer == JOURNAL_READ_BAD;
		gaps += answer == JOURNAL_READ_GAP;
		assert_true(answer == JOURNAL_READ_RECORD || reading.lost);
	}
	assert_int_equal(bad, 1);
	assert_int_equal(gaps, 1);
	assert_in_range(records, 120 - 44, 120 - 42); /* 4096 bytes of records of 96 */
	assert_true(journal_reader_unreadable(&reader) > 0);
}

/* Any one bit of a full segment between two others: at most one record is missing, it is said, and
 * all that comes is right (expect() in rig_on_record's place: texts and order). */
static void any_flipped_bit_costs_one_record_at_most(void **state)
{
	(void)state;
	const uint64_t last = 2 * PER_SEGMENT + 4;
	rig_write(&r, 1, last);
	for (size_t bit = 0; bit < 8 * JOURNAL_SEGMENT_BYTES_MIN; bit += 11) {
		unsigned records = 0, said = 0;
		uint64_t before = 0;
		enum journal_read answer;
		segment(1)[bit / 8] ^= (uint8_t)(1 << bit % 8);
		open_after(0, 0);
		while ((answer = next()) != JOURNAL_READ_END) {
			assert_int_not_equal(answer, JOURNAL_READ_FAILED);
			said += answer == JOURNAL_READ_BAD;
			if (answer != JOURNAL_READ_RECORD)
				continue;
			char text[RIG_TEXT];
			rig_text(reading.position, text);
			assert_memory_equal(reading.bytes, text, RIG_TEXT);
			assert_true(reading.position.number > before);
			before = reading.position.number;
			records++;
		}
		segment(1)[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(before, last);
		assert_in_range(records, last - 1, last);
		if (bit / 8 < at_record(PER_SEGMENT))
			assert_int_equal(said,
			                 1); /* a flip in the zeros at its end needs no word */
		assert_true(records == last || bit / 8 >= SEGMENT_HEADER_BYTES);
	}
}

static void what_a_later_version_wrote_is_not_read(void **state)
{
	(void)state;
	rig_write(&r, 1, 2);
	uint8_t *bytes = segment(0);
	preamble_write(bytes, (const char *)bytes, SEGMENT_FORMAT_VERSION + 1);
	assert_int_equal(next(), JOURNAL_READ_FAILED);
	assert_int_equal(reading.error, EPROTONOSUPPORT);
}

static void retention_may_take_what_is_being_read(void **state)
{
	(void)state;
	rig_write(&r, 1, 3 * PER_SEGMENT);
	expect(r.first.epoch, 1, 3);
	for (unsigned i = 0; i < 2; i++)
		r.settings.disk->unlink(r.settings.disk->context,
		                        memory_disk_name(r.m, ".segment", 0));
	/* The open file stays readable to its end; then the gap shows. */
	expect(r.first.epoch, 4, PER_SEGMENT);
	expect_gap(PER_SEGMENT, 2 * PER_SEGMENT + 1, true);
	expect(r.first.epoch, 2 * PER_SEGMENT + 1, 3 * PER_SEGMENT);
}

int main(void)
{
#define WITH_JOURNAL(test) cmocka_unit_test_setup_teardown(test, up, down)
	const struct CMUnitTest tests[] = {
		WITH_JOURNAL(nothing_is_given_before_it_is_durable),
		WITH_JOURNAL(it_follows_the_writer_through_segments),
		WITH_JOURNAL(it_goes_on_into_the_next_epoch),
		WITH_JOURNAL(it_begins_anywhere),
		WITH_JOURNAL(a_bad_record_in_the_middle_is_set_aside),
		WITH_JOURNAL(without_leave_nothing_is_set_aside),
		WITH_JOURNAL(a_bad_end_of_a_full_segment_is_a_loss),
		WITH_JOURNAL(a_hole_in_what_was_never_confirmed_is_no_loss),
		WITH_JOURNAL(a_torn_end_of_the_journal_ends_it),
		WITH_JOURNAL(a_torn_end_of_an_epoch_is_told_from_a_loss),
		WITH_JOURNAL(what_a_sick_file_did_not_confirm_is_given_once),
		WITH_JOURNAL(a_reader_on_a_sick_file_crosses_over),
		WITH_JOURNAL(numbers_left_out_are_a_gap_and_no_loss),
		WITH_JOURNAL(a_segment_that_is_gone_is_a_loss),
		WITH_JOURNAL(a_folder_that_was_lost_is_a_gap),
		WITH_JOURNAL(a_bad_header_costs_no_record),
		WITH_JOURNAL(a_torn_first_batch_is_torn),
		WITH_JOURNAL(a_durable_record_that_is_not_there_is_said_once),
		WITH_JOURNAL(trouble_of_the_disk_is_an_answer),
		WITH_JOURNAL(a_block_that_cannot_be_read_costs_its_records),
		WITH_JOURNAL(any_flipped_bit_costs_one_record_at_most),
		WITH_JOURNAL(what_a_later_version_wrote_is_not_read),
		WITH_JOURNAL(retention_may_take_what_is_being_read),
	};
	log_set_level(LOG_LEVEL_CRIT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
