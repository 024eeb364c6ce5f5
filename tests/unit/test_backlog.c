/* What PostgreSQL lacks, read from a real journal of two epochs on a disk in memory. */
#include "keep/backlog.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "keep/journal.h"
#include "keep/record.h"
#include "tests/kit/memory_disk.h"

#define RECORDS 300 /* of each epoch */
#define LENGTH  700

static struct memory_disk *disk;
static struct folder folder;
static uint32_t epochs[2];

static bool on_item(void *context, uint32_t version, const uint8_t *bytes, size_t length)
{
	(void)context, (void)version, (void)bytes, (void)length;
	return true;
}

static bool on_record(void *context, struct position position, uint32_t version,
                      const uint8_t *bytes, size_t length)
{
	(void)context, (void)position, (void)version, (void)bytes, (void)length;
	return true;
}

/* The bytes of record n are all n % 251. */
static void append(struct journal *j, uint64_t first)
{
	uint8_t bytes[LENGTH];

	for (uint64_t n = first; n < first + RECORDS; n++) {
		memset(bytes, (int)(n % 251), sizeof bytes);
		assert_int_equal(journal_append(j, n, bytes, sizeof bytes), JOURNAL_OK);
	}
	journal_commit(j);
}

static int write_journal(void **state)
{
	const struct recovery_calls calls = { .on_item = on_item, .on_record = on_record };
	struct journal_settings s;

	(void)state;
	disk = memory_disk_new(7);
	journal_settings_default(&s);
	s.folder = "/journal";
	s.node = 1;
	s.record_version = 1;
	s.segment_bytes = 65536;
	s.disk = memory_disk_interface(disk);
	for (unsigned life = 0; life < 2; life++) {
		enum journal_answer why;
		struct recovery_report report;
		struct position first;
		struct journal *j = journal_open(&s, &why);
		assert_non_null(j);
		assert_int_equal(journal_recover(j, &calls, &report), RECOVERY_DONE);
		assert_int_equal(journal_start(j, &first), JOURNAL_OK);
		assert_int_equal(first.number, 1);
		epochs[life] = first.epoch;
		append(j, 1);
		assert_true(journal_close(j, 10000));
	}
	return folder_init(&folder, s.disk, "/journal", 1) ? 0 : -1;
}

static int free_journal(void **state)
{
	(void)state;
	memory_disk_free(disk);
	return 0;
}

static struct position at(unsigned life, uint64_t number)
{
	return (struct position){ 1, epochs[life], number };
}

/* The chunk holds the records of a life from `first` on; frees it and returns the last one. */
static struct position assert_chunk(struct record_chunk *c, unsigned life, uint64_t first)
{
	struct record_view view;
	struct position last = c->last;

	assert_true(c->count > 0);
	for (size_t n = 0; record_chunk_next(c, &n, &view); first++) {
		assert_int_equal(view.position.epoch, epochs[life]);
		assert_int_equal(view.position.number, first);
		assert_int_equal(view.length, LENGTH);
		assert_int_equal(view.bytes[LENGTH - 1], first % 251);
	}
	assert_int_equal(last.number, first - 1);
	record_chunk_free_list(c);
	return last;
}

static void test_all_of_it(void **state)
{
	struct backlog b;
	struct record_chunk *c;
	struct position after = { .node = 1 };
	unsigned chunks = 0;

	(void)state;
	backlog_init(&b, &folder);
	for (unsigned life = 0; life < 2; life++)
		for (uint64_t first = 1; first <= RECORDS; first = after.number + 1) {
			assert_int_equal(backlog_read(&b, after, at(1, RECORDS), at(1, RECORDS),
			                              1 << 20, 100, &c),
			                 BACKLOG_CHUNK);
			assert_in_range(c->count, 1, 100);
			after = assert_chunk(c, life, first);
			chunks++;
		}
	assert_in_range(chunks, 6, 8);
	assert_int_equal(backlog_read(&b, after, at(1, RECORDS), at(1, RECORDS), 1, 100, &c),
	                 BACKLOG_NOTHING);
	assert_int_equal(b.gaps, 0);
	assert_int_equal(b.bad, 0);
	backlog_done(&b);
}

static void test_only_what_is_asked(void **state)
{
	struct backlog b;
	struct record_chunk *c;

	(void)state;
	backlog_init(&b, &folder);
	assert_int_equal(backlog_read(&b, at(0, 1), at(0, 9), at(1, 9), 1, 1000, &c),
	                 BACKLOG_CHUNK);
	assert_int_equal(c->count, 1); /* one at least, however little is allowed */
	assert_chunk(c, 0, 2);
	/* From the middle to a little later, and from somewhere else with the next call. */
	assert_int_equal(backlog_read(&b, at(0, 100), at(0, 120), at(1, 9), 1 << 20, 1000, &c),
	                 BACKLOG_CHUNK);
	assert_int_equal(assert_chunk(c, 0, 101).number, 120);
	assert_int_equal(backlog_read(&b, at(0, 10), at(0, 12), at(1, 9), 1 << 20, 1000, &c),
	                 BACKLOG_CHUNK);
	assert_int_equal(assert_chunk(c, 0, 11).number, 12);
	backlog_done(&b);
}

static void test_only_what_is_durable(void **state)
{
	struct backlog b;
	struct record_chunk *c;

	(void)state;
	backlog_init(&b, &folder);
	assert_int_equal(backlog_read(&b, at(1, 50), at(1, 90), at(1, 50), 1 << 20, 1000, &c),
	                 BACKLOG_NOT_YET);
	assert_int_equal(backlog_read(&b, at(1, 50), at(1, 90), at(1, 60), 1 << 20, 1000, &c),
	                 BACKLOG_CHUNK);
	assert_int_equal(assert_chunk(c, 1, 51).number, 60);
	assert_int_equal(backlog_read(&b, at(1, 60), at(1, 90), at(1, 60), 1 << 20, 1000, &c),
	                 BACKLOG_NOT_YET);
	assert_int_equal(backlog_read(&b, at(1, 60), at(1, 90), at(1, 90), 1 << 20, 1000, &c),
	                 BACKLOG_CHUNK);
	assert_int_equal(assert_chunk(c, 1, 61).number, 90);
	backlog_done(&b);
}

static void test_a_disk_that_fails(void **state)
{
	struct backlog b;
	struct record_chunk *c;

	(void)state;
	backlog_init(&b, &folder);
	memory_disk_fail(disk, MEMORY_LIST, 0, 1, EIO);
	assert_int_equal(backlog_read(&b, at(0, 1), at(0, 9), at(1, 9), 1 << 20, 1000, &c),
	                 BACKLOG_FAILED);
	assert_int_equal(errno, EIO);
	assert_null(c);
	assert_int_equal(backlog_read(&b, at(0, 1), at(0, 9), at(1, 9), 1 << 20, 1000, &c),
	                 BACKLOG_CHUNK);
	assert_chunk(c, 0, 2);
	backlog_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_it),
		cmocka_unit_test(test_only_what_is_asked),
		cmocka_unit_test(test_only_what_is_durable),
		cmocka_unit_test(test_a_disk_that_fails),
	};

	return cmocka_run_group_tests(tests, write_journal, free_journal);
}
