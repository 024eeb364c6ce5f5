#include "keep/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct segment_key key = { 1, 2, 3 };

static void records_fit_up_to_the_ceiling(void **state)
{
	(void)state;
	struct batch b;
	assert_true(batch_init(&b, 200));
	assert_true(batch_is_done(&b));
	assert_true(batch_add(&b, 1, 1, "0123456789", 10)); /* 32 + 10, padded to 48 */
	assert_int_equal(batch_left(&b), 48);
	assert_true(batch_add(&b, 2, 1, "01234567", 8)); /* 40 */
	assert_true(batch_add(&b, 3, 1, "", 0));         /* 32 */
	assert_int_equal(batch_left(&b), 120);
	assert_false(batch_add(&b, 4, 1, "0123456789012345678901234567890123456789012345678", 49));
	assert_true(batch_add(&b, 4, 1, "012345678901234567890123456789012345678901234567", 48));
	assert_int_equal(batch_left(&b), 200);
	assert_false(batch_add(&b, 5, 1, "", 0));
	batch_clear(&b);
	assert_true(batch_is_done(&b));
	assert_true(batch_add(&b, 5, 1, "", 0));
	batch_done(&b);
}

static void parts_are_whole_records_from_the_front(void **state)
{
	(void)state;
	struct batch b;
	assert_true(batch_init(&b, 4096));
	for (uint64_t n = 10; n < 15; n++)
		assert_true(batch_add(&b, n, 1, "01234567", 8)); /* 40 each */
	assert_int_equal(batch_part(&b, 39).length, 0);
	struct batch_part part = batch_part(&b, 119); /* two, and not quite a third */
	assert_int_equal(part.length, 80);
	assert_int_equal(part.records, 2);
	assert_int_equal(part.first, 10);
	assert_int_equal(part.last, 11);
	batch_part_done(&b, &part);
	part = batch_part(&b, 4096);
	assert_int_equal(part.records, 3);
	assert_int_equal(part.first, 12);
	assert_int_equal(part.last, 14);
	assert_false(batch_is_done(&b));
	batch_part_done(&b, &part);
	assert_true(batch_is_done(&b));
	assert_int_equal(batch_part(&b, 4096).length, 0);
	batch_done(&b);
}

static void a_sealed_part_can_be_read_where_it_stands(void **state)
{
	(void)state;
	struct batch b;
	struct segment_record record;
	assert_true(batch_init(&b, 4096));
	assert_true(batch_add(&b, 7, 5, "seven", 5));
	assert_true(batch_add(&b, 9, 5, "nine", 4));
	const struct batch_part part = batch_part(&b, 4096);
	batch_part_seal(&part, &key, 128);
	assert_true(segment_record_read(part.bytes, part.length, &key, 128, &record));
	assert_int_equal(record.number, 7);
	assert_int_equal(record.batch, 7);
	assert_int_equal(record.version, 5);
	assert_int_equal(record.end, 168);
	assert_memory_equal(record.bytes, "seven", 5);
	assert_true(segment_record_read(part.bytes + 40, part.length - 40, &key, 168, &record));
	assert_int_equal(record.number, 9);
	assert_int_equal(record.batch, 7); /* 7 and 8 were not durable when this was written */

	/* The write failed: the same records, sealed for another place. */
	const struct segment_key next = { 1, 2, 4 };
	batch_part_seal(&part, &next, 4000);
	assert_true(segment_record_read(part.bytes, part.length, &next, 4000, &record));
	assert_false(segment_record_read(part.bytes, part.length, &key, 128, &record));
	batch_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_fit_up_to_the_ceiling),
		cmocka_unit_test(parts_are_whole_records_from_the_front),
		cmocka_unit_test(a_sealed_part_can_be_read_where_it_stands),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
