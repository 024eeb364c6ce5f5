#include "keep/segment_writer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/kit/memory_disk.h"

#define SIZE 4096

struct rig {
	struct memory_disk *m;
	struct folder folder;
	struct segment_writer writer;
	struct batch batch;
	struct segment_written written;
};

static void rig_up(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	r->m = memory_disk_new(1);
	assert_true(folder_init(&r->folder, memory_disk_interface(r->m), "/journal", 7));
	segment_writer_init(&r->writer, &r->folder, 50, (struct position){ 7, 40, 9 }, SIZE, 2);
	assert_true(batch_init(&r->batch, 64 * 1024));
}

static void rig_down(struct rig *r)
{
	segment_writer_done(&r->writer);
	batch_done(&r->batch);
	memory_disk_free(r->m);
}

static void prepare(struct rig *r)
{
	while (r->writer.spare.stage != SEGMENT_SPARE_READY)
		assert_true(segment_writer_prepare(&r->writer));
}

static void add(struct rig *r, uint64_t from, uint64_t to, size_t length)
{
	static const uint8_t bytes[SIZE] = "payload";
	for (uint64_t n = from; n <= to; n++)
		assert_true(batch_add(&r->batch, n, 2, bytes, (uint32_t)length));
}

static void the_spare_is_zeroed_and_synced_before_it_has_a_name(void **state)
{
	(void)state;
	struct rig r;
	rig_up(&r);
	size_t size;
	assert_int_equal(memory_disk_count(r.m, ".segment"), 0);
	assert_true(segment_writer_prepare(&r.writer));
	assert_int_equal(memory_disk_count(r.m, FOLDER_NEW_SEGMENT), 1);
	prepare(&r);
	assert_int_equal(memory_disk_count(r.m, FOLDER_NEW_SEGMENT), 0);
	memory_disk_crash(r.m, MEMORY_CRASH_LOSES); /* all of it is stable */
	r.writer.spare.stage = SEGMENT_SPARE_NONE;  /* the process is gone */
	r.writer.spare.fd = -1;
	const uint8_t *bytes =
	        memory_disk_bytes(r.m, "/journal/0000000050-0000000000.segment", &size);
	assert_non_null(bytes);
	assert_int_equal(size, SIZE);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(bytes[i], 0);
	rig_down(&r);
}

static void without_a_spare_nothing_is_tried(void **state)
{
	(void)state;
	struct rig r;
	rig_up(&r);
	add(&r, 1, 1, 8);
	const unsigned long changes = memory_disk_changes(r.m);
	assert_int_equal(segment_writer_write(&r.writer, &r.batch, &r.written),
	                 SEGMENT_WRITE_NO_FILE);
	assert_int_equal(memory_disk_changes(r.m), changes);
	assert_int_equal(batch_left(&r.batch), 40);
	rig_down(&r);
}

static void a_batch_is_one_write_and_one_sync(void **state)
{
	(void)state;
	struct rig r;
	rig_up(&r);
	prepare(&r);
	add(&r, 1, 3, 8);
	assert_int_equal(segment_writer_write(&r.writer, &r.batch, &r.written), SEGMENT_WRITE_DONE);
	assert_true(r.written.is_new);
	assert_int_equal(r.written.begun.first, 1);
	assert_int_equal(r.written.begun.after.epoch, 40);
	assert_int_equal(r.written.begun.after.number, 9);
	assert_int_equal(r.written.part.records, 3);
	assert_true(batch_is_done(&r.batch));
	batch_clear(&r.batch);
	add(&r, 4, 20, 8);
	const unsigned long writes = memory_disk_calls(r.m, MEMORY_PWRITE);
	const unsigned long syncs = memory_disk_calls(r.m, MEMORY_FDATASYNC);
	const unsigned long changes = memory_disk_changes(r.m);
	assert_int_equal(segment_writer_write(&r.writer, &r.batch, &r.written), SEGMENT_WRITE_DONE);
	assert_false(r.written.is_new);
	assert_int_equal(memory_disk_calls(r.m, MEMORY_PWRITE), writes + 1);
	assert_int_equal(memory_disk_calls(r.m, MEMORY_FDATASYNC), syncs + 1);
	assert_int_equal(memory_disk_changes(r.m), changes + 2);
	assert_int_equal(r.writer.last.number, 20);
	rig_down(&r);
}

static void records_never_span_two_segments(void **state)
{
	(void)state;
	struct rig r;
	rig_up(&r);
	prepare(&r);
	add(&r, 1, 5, 1000); /* three of 1032 bytes in a segment of 4096 */
	assert_int_equal(segment_writer_write(&r.writer, &r.batch, &r.written), SEGMENT_WRITE_DONE);
	assert_int_equal(r.written.part.last, 3);
	assert_int_equal(segment_writer_write(&r.writer, &r.batch, &r.written),
	                 SEGMENT_WRITE_NO_FILE);
	prepare(&r);
	assert_int_equal(segment_writer_write(&r.writer, &r.batch, &r.written), SEGMENT_WRITE_DONE);
	assert_true(r.written.is_new);
	assert_int_equal(r.written.begun.key.index, 1);
	assert_int_equal(r.written.begun.first, 4);
	assert_int_equal(r.written.begun.after.number, 3);
	assert_int_equal(r.written.part.last, 5);
	rig_down(&r);
}

static void the_longest_record_fills_a_segment(void **state)
{
	(void)state;
	struct rig r;
	rig_up(&r);
	prepare(&r);
	add(&r, 1, 1, SIZE - SEGMENT_HEADER_BYTES - SEGMENT_RECORD_HEADER_BYTES);
	assert_int_equal(segment_writer_write(&r.writer, &r.batch, &r.written), SEGMENT_WRITE_DONE);
	assert_int_equal(r.writer.active.at, SIZE);
	rig_down(&r);
}

/* After a failed sync the kernel says of the same pages that all is well. */
static void a_file_that_failed_is_never_touched_again(void **state)
{
	(void)state;
	static const enum memory_call calls[] = { MEMORY_PWRITE, MEMORY_FDATASYNC };
	static const enum segment_step steps[] = { SEGMENT_STEP_WRITE, SEGMENT_STEP_SYNC };
	for (unsigned i = 0; i < 2; i++) {
		struct rig r;
		rig_up(&r);
		prepare(&r);
		add(&r, 1, 2, 8);
		assert_int_equal(segment_writer_write(&r.writer, &r.batch, &r.written),
		                 SEGMENT_WRITE_DONE);
		prepare(&r);
		batch_clear(&r.batch);
		add(&r, 3, 4, 8);
		memory_disk_fail(r.m, calls[i], 0, 1, EIO);
		assert_int_equal(segment_writer_write(&r.writer, &r.batch, &r.written),
		                 SEGMENT_WRITE_FAILED);
		assert_int_equal(r.writer.failed_step, steps[i]);
		assert_int_equal(r.writer.failed_error, EIO);
		assert_int_equal(batch_left(&r.batch), 80);
		assert_int_equal(r.writer.active.fd, -1);
		assert_int_equal(memory_disk_count(r.m, ".segment"),
		                 2); /* 1 and 2 are durable in it */
		assert_int_equal(segment_writer_write(&r.writer, &r.batch, &r.written),
		                 SEGMENT_WRITE_DONE);
		assert_true(r.written.is_new);
		assert_int_equal(r.written.begun.first, 3);
		assert_int_equal(r.written.begun.after.number, 2);
		assert_int_equal(r.written.begun.key.index, 1);
		rig_down(&r);
	}
}

static void a_file_that_failed_with_nothing_in_it_goes(void **state)
{
	(void)state;
	static const unsigned after[] = { 0, 1 }; /* the header's write, the records' */
	for (unsigned i = 0; i < 3; i++) {
		struct rig r;
		rig_up(&r);
		prepare(&r);
		add(&r, 1, 2, 8);
		if (i < 2)
			memory_disk_fail(r.m, MEMORY_PWRITE, after[i], 1, ENOSPC);
		else
			memory_disk_fail(r.m, MEMORY_FDATASYNC, 0, 1, EIO);
		assert_int_equal(segment_writer_write(&r.writer, &r.batch, &r.written),
		                 SEGMENT_WRITE_FAILED);
		assert_int_equal(memory_disk_count(r.m, ".segment"), 0);
		prepare(&r);
		assert_int_equal(segment_writer_write(&r.writer, &r.batch, &r.written),
		                 SEGMENT_WRITE_DONE);
		assert_int_equal(r.written.begun.first, 1);
		assert_int_equal(r.written.begun.after.epoch, 40);
		rig_down(&r);
	}
}

static void a_spare_that_fails_leaves_nothing_and_can_be_begun_anew(void **state)
{
	(void)state;
	static const struct {
		enum memory_call call;
		enum segment_step step;
	} rows[] = {
		{ MEMORY_OPEN, SEGMENT_STEP_CREATE }, { MEMORY_ALLOCATE, SEGMENT_STEP_ALLOCATE },
		{ MEMORY_PWRITE, SEGMENT_STEP_ZERO }, { MEMORY_FSYNC, SEGMENT_STEP_ZERO },
		{ MEMORY_RENAME, SEGMENT_STEP_NAME }, { MEMORY_SYNC_FOLDER, SEGMENT_STEP_NAME },
	};
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig r;
		rig_up(&r);
		memory_disk_fail(r.m, rows[i].call, 0, 1, ENOSPC);
		while (segment_writer_prepare(&r.writer))
			assert_int_not_equal(r.writer.spare.stage, SEGMENT_SPARE_READY);
		assert_int_equal(r.writer.failed_step, rows[i].step);
		assert_int_equal(r.writer.failed_error, ENOSPC);
		assert_int_equal(r.writer.spare.stage, SEGMENT_SPARE_NONE);
		assert_int_equal(memory_disk_count(r.m, ".segment"), 0);
		assert_int_equal(memory_disk_count(r.m, FOLDER_NEW_SEGMENT), 0);
		prepare(&r);
		assert_int_equal(memory_disk_count(r.m, ".segment"), 1);
		rig_down(&r);
	}
}

static void a_file_system_without_allocation_will_do(void **state)
{
	(void)state;
	struct rig r;
	rig_up(&r);
	memory_disk_fail(r.m, MEMORY_ALLOCATE, 0, 1, EOPNOTSUPP);
	prepare(&r);
	add(&r, 1, 1, 8);
	assert_int_equal(segment_writer_write(&r.writer, &r.batch, &r.written), SEGMENT_WRITE_DONE);
	rig_down(&r);
}

static void the_spare_runs_ahead_of_the_filling(void **state)
{
	(void)state;
	struct rig r;
	rig_up(&r);
	assert_true(segment_writer_is_behind(&r.writer)); /* no file at all */
	prepare(&r);
	assert_false(segment_writer_is_behind(&r.writer));
	add(&r, 1, 1, 8);
	assert_int_equal(segment_writer_write(&r.writer, &r.batch, &r.written), SEGMENT_WRITE_DONE);
	assert_true(segment_writer_is_behind(&r.writer));
	prepare(&r);
	assert_false(segment_writer_is_behind(&r.writer));
	rig_down(&r);
}

static void an_unused_spare_serves_the_next_epoch(void **state)
{
	(void)state;
	struct rig r;
	rig_up(&r);
	prepare(&r);
	const struct segment_key blank = r.writer.spare.key;
	segment_writer_done(&r.writer);
	segment_writer_init(&r.writer, &r.folder, 51, (struct position){ 7, 40, 9 }, SIZE, 2);
	assert_true(segment_writer_adopt(&r.writer, &blank));
	assert_int_equal(r.writer.spare.stage, SEGMENT_SPARE_READY);
	assert_string_equal(memory_disk_name(r.m, ".segment", 0),
	                    "/journal/0000000051-0000000000.segment");
	assert_int_equal(memory_disk_count(r.m, ".segment"), 1);
	memory_disk_crash(r.m, MEMORY_CRASH_LOSES);
	assert_int_equal(memory_disk_count(r.m, "51-0000000000.segment"), 1);
	r.writer.spare.stage = SEGMENT_SPARE_NONE;
	r.writer.spare.fd = -1;
	rig_down(&r);
}

/* A first batch that was torn: the header did not reach the disk, something else did. */
static void a_spare_that_is_not_blank_is_not_taken(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct rig r;
		size_t size;
		rig_up(&r);
		prepare(&r);
		const struct segment_key blank = r.writer.spare.key;
		segment_writer_done(&r.writer);
		memory_disk_bytes(r.m, memory_disk_name(r.m, ".segment", 0), &size)[SIZE - 1] =
		        i == 0;
		segment_writer_init(&r.writer, &r.folder, 51, (struct position){ 0 },
		                    i == 0 ? SIZE : 2 * SIZE, 2);
		assert_false(segment_writer_adopt(&r.writer, &blank));
		assert_int_equal(r.writer.spare.stage, SEGMENT_SPARE_NONE);
		rig_down(&r);
	}
}

static void every_step_has_a_name(void **state)
{
	(void)state;
	for (int step = SEGMENT_STEP_CREATE; step <= SEGMENT_STEP_SYNC; step++)
		assert_string_not_equal(segment_step_name((enum segment_step)step), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_spare_is_zeroed_and_synced_before_it_has_a_name),
		cmocka_unit_test(without_a_spare_nothing_is_tried),
		cmocka_unit_test(a_batch_is_one_write_and_one_sync),
		cmocka_unit_test(records_never_span_two_segments),
		cmocka_unit_test(the_longest_record_fills_a_segment),
		cmocka_unit_test(a_file_that_failed_is_never_touched_again),
		cmocka_unit_test(a_file_that_failed_with_nothing_in_it_goes),
		cmocka_unit_test(a_spare_that_fails_leaves_nothing_and_can_be_begun_anew),
		cmocka_unit_test(a_file_system_without_allocation_will_do),
		cmocka_unit_test(the_spare_runs_ahead_of_the_filling),
		cmocka_unit_test(an_unused_spare_serves_the_next_epoch),
		cmocka_unit_test(a_spare_that_is_not_blank_is_not_taken),
		cmocka_unit_test(every_step_has_a_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
