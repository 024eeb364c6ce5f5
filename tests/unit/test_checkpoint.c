#include "keep/checkpoint.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/kit/memory_disk.h"

static const struct checkpoint_header header = {
	.start = { 7, 1795000000, 42 },
	.confirmed = { 7, 1795000000, 40 },
	.item_version = 3,
	.written = { 1795000123456789 },
};

static struct folder folder_on(struct memory_disk *m)
{
	struct folder folder;
	assert_true(folder_init(&folder, memory_disk_interface(m), "/journal", 7));
	return folder;
}

static bool write_checkpoint(const struct folder *folder, const struct checkpoint_header *h,
                             unsigned items)
{
	struct checkpoint_writer writer;
	char text[] = "item 0";
	if (!checkpoint_begin(&writer, folder, h))
		return false;
	for (unsigned i = 0; i < items; i++) {
		text[5] = (char)('0' + i % 10);
		if (!checkpoint_add(&writer, text, i % 7))
			return false;
	}
	return checkpoint_end(&writer);
}

/* The items of a whole one, as written; -1 when it is not whole. */
static int read_checkpoint(const struct folder *folder, struct position start)
{
	struct checkpoint_reader reader;
	struct checkpoint_header h;
	const uint8_t *bytes;
	size_t length;
	int items = 0;
	if (checkpoint_open(&reader, folder, start, &h) != CHECKPOINT_WHOLE)
		return -1;
	while (checkpoint_next(&reader, &bytes, &length)) {
		char text[] = "item 0";
		text[5] = (char)('0' + items % 10);
		assert_int_equal(length, items % 7);
		assert_memory_equal(bytes, text, length);
		items++;
	}
	assert_true(reader.is_done);
	checkpoint_close(&reader);
	return items;
}

static void items_are_read_as_written(void **state)
{
	(void)state;
	struct memory_disk *m = memory_disk_new(1);
	const struct folder folder = folder_on(m);
	struct checkpoint_header h;
	assert_true(write_checkpoint(&folder, &header, 25));
	assert_int_equal(checkpoint_look(&folder, header.start, &h), CHECKPOINT_WHOLE);
	assert_int_equal(position_compare(h.start, header.start), 0);
	assert_int_equal(position_compare(h.confirmed, header.confirmed), 0);
	assert_int_equal(h.item_version, 3);
	assert_int_equal(h.written.us, header.written.us);
	assert_int_equal(read_checkpoint(&folder, header.start), 25);
	assert_int_equal(memory_disk_count(m, FOLDER_NEW_CHECKPOINT), 0);
	const struct position none = { 7, 1795000000, 43 };
	assert_int_equal(checkpoint_look(&folder, none, &h), CHECKPOINT_FAILED);
	assert_int_equal(errno, ENOENT);
	memory_disk_free(m);
}

static void an_empty_one_is_whole_too(void **state)
{
	(void)state;
	struct memory_disk *m = memory_disk_new(1);
	const struct folder folder = folder_on(m);
	assert_true(write_checkpoint(&folder, &header, 0));
	assert_int_equal(read_checkpoint(&folder, header.start), 0);
	memory_disk_free(m);
}

static void the_longest_items_pass_and_no_longer_ones(void **state)
{
	(void)state;
	struct memory_disk *m = memory_disk_new(1);
	const struct folder folder = folder_on(m);
	struct checkpoint_writer writer;
	struct checkpoint_reader reader;
	struct checkpoint_header h;
	const uint8_t *bytes;
	size_t length;
	uint8_t *item = malloc(CHECKPOINT_ITEM_BYTES_MAX + 1);
	memset(item, 0x5A, CHECKPOINT_ITEM_BYTES_MAX + 1);
	assert_true(checkpoint_begin(&writer, &folder, &header));
	for (int i = 0; i < 3; i++)
		assert_true(checkpoint_add(&writer, item, CHECKPOINT_ITEM_BYTES_MAX));
	assert_true(checkpoint_end(&writer));
	assert_int_equal(checkpoint_open(&reader, &folder, header.start, &h), CHECKPOINT_WHOLE);
	for (int i = 0; i < 3; i++) {
		assert_true(checkpoint_next(&reader, &bytes, &length));
		assert_int_equal(length, CHECKPOINT_ITEM_BYTES_MAX);
		assert_memory_equal(bytes, item, length);
	}
	assert_false(checkpoint_next(&reader, &bytes, &length));
	assert_true(reader.is_done);
	checkpoint_close(&reader);
	assert_true(checkpoint_begin(&writer, &folder, &header));
	assert_false(checkpoint_add(&writer, item, CHECKPOINT_ITEM_BYTES_MAX + 1));
	free(item);
	memory_disk_free(m);
}

static void every_flipped_bit_makes_it_bad(void **state)
{
	(void)state;
	struct memory_disk *m = memory_disk_new(1);
	const struct folder folder = folder_on(m);
	struct checkpoint_header h;
	size_t size;
	assert_true(write_checkpoint(&folder, &header, 4));
	uint8_t *bytes =
	        memory_disk_bytes(m, folder_checkpoint_path(&folder, header.start).text, &size);
	for (size_t bit = 0; bit < 8 * size; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(read_checkpoint(&folder, header.start), -1);
		if (bit / 8 < CHECKPOINT_HEADER_BYTES)
			assert_int_equal(checkpoint_look(&folder, header.start, &h),
			                 CHECKPOINT_BAD);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(read_checkpoint(&folder, header.start), 4);
	memory_disk_free(m);
}

static void every_cut_and_every_addition_makes_it_bad(void **state)
{
	(void)state;
	struct memory_disk *m = memory_disk_new(1);
	const struct folder folder = folder_on(m);
	const struct folder_path path = folder_checkpoint_path(&folder, header.start);
	size_t size;
	assert_true(write_checkpoint(&folder, &header, 4));
	const uint8_t *now = memory_disk_bytes(m, path.text, &size);
	uint8_t *whole = calloc(1, size + 1);
	memcpy(whole, now, size);
	for (size_t cut = 0; cut < size; cut++) {
		memory_disk_put(m, path.text, whole, cut);
		assert_int_equal(read_checkpoint(&folder, header.start), -1);
	}
	memory_disk_put(m, path.text, whole, size + 1);
	assert_int_equal(read_checkpoint(&folder, header.start), -1);
	memory_disk_put(m, path.text, whole, size);
	assert_int_equal(read_checkpoint(&folder, header.start), 4);
	free(whole);
	memory_disk_free(m);
}

static void items_cannot_be_missing_doubled_or_swapped(void **state)
{
	(void)state;
	struct memory_disk *m = memory_disk_new(1);
	const struct folder folder = folder_on(m);
	const struct folder_path path = folder_checkpoint_path(&folder, header.start);
	size_t size;
	assert_true(write_checkpoint(&folder, &header, 8)); /* items of 0 to 6 and 0 bytes */
	uint8_t whole[1024], changed[1024];
	const uint8_t *now = memory_disk_bytes(m, path.text, &size);
	assert_true(size + 9 <= sizeof(changed));
	memcpy(whole, now, size);
	const size_t second = CHECKPOINT_HEADER_BYTES + 8, third = second + 9;
	memcpy(changed, whole, second); /* without the second */
	memcpy(changed + second, whole + third, size - third);
	memory_disk_put(m, path.text, changed, size - 9);
	assert_int_equal(read_checkpoint(&folder, header.start), -1);
	memcpy(changed, whole, third); /* the second twice */
	memcpy(changed + third, whole + second, size - second);
	memory_disk_put(m, path.text, changed, size + 9);
	assert_int_equal(read_checkpoint(&folder, header.start), -1);
	memcpy(changed, whole, size); /* the first, empty, behind the second */
	memcpy(changed + CHECKPOINT_HEADER_BYTES, whole + second, 9);
	memcpy(changed + CHECKPOINT_HEADER_BYTES + 9, whole + CHECKPOINT_HEADER_BYTES, 8);
	memory_disk_put(m, path.text, changed, size);
	assert_int_equal(read_checkpoint(&folder, header.start), -1);
	memory_disk_free(m);
}

static void one_of_another_node_or_place_is_foreign(void **state)
{
	(void)state;
	struct memory_disk *m = memory_disk_new(1);
	struct folder folder = folder_on(m);
	struct checkpoint_header h;
	size_t size;
	assert_true(write_checkpoint(&folder, &header, 1));
	struct position start = header.start;
	start.node = 8;
	assert_int_equal(checkpoint_look(&folder, start, &h), CHECKPOINT_FOREIGN);
	assert_int_equal(h.start.node, 7);
	const struct position other = { 7, 1795000000, 43 };
	const uint8_t *bytes =
	        memory_disk_bytes(m, folder_checkpoint_path(&folder, header.start).text, &size);
	memory_disk_put(m, folder_checkpoint_path(&folder, other).text, bytes, size);
	assert_int_equal(checkpoint_look(&folder, other, &h), CHECKPOINT_FOREIGN);
	assert_int_equal(read_checkpoint(&folder, other), -1);
	memory_disk_free(m);
}

static void one_that_is_abandoned_leaves_nothing(void **state)
{
	(void)state;
	struct memory_disk *m = memory_disk_new(1);
	const struct folder folder = folder_on(m);
	struct checkpoint_writer writer = { .fd = -1 };
	checkpoint_abandon(&writer);
	assert_true(checkpoint_begin(&writer, &folder, &header));
	assert_true(checkpoint_add(&writer, "x", 1));
	assert_int_equal(memory_disk_count(m, FOLDER_NEW_CHECKPOINT), 1);
	checkpoint_abandon(&writer);
	assert_int_equal(memory_disk_count(m, FOLDER_NEW_CHECKPOINT), 0);
	assert_int_equal(memory_disk_count(m, ".checkpoint"), 0);
	memory_disk_free(m);
}

/* Whichever call fails, the earlier checkpoint is untouched, and what there is of the new one is
 * gone or whole. */
static void a_failure_leaves_the_one_before(void **state)
{
	(void)state;
	static const enum memory_call calls[] = { MEMORY_OPEN, MEMORY_PWRITE, MEMORY_FSYNC,
		                                  MEMORY_RENAME, MEMORY_SYNC_FOLDER };
	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		struct memory_disk *m = memory_disk_new(1);
		const struct folder folder = folder_on(m);
		struct checkpoint_header next = header;
		next.start.number = 90;
		assert_true(write_checkpoint(&folder, &header, 5));
		memory_disk_fail(m, calls[i], 0, 1, EIO);
		errno = 0;
		assert_false(write_checkpoint(&folder, &next, 6));
		assert_int_equal(errno, EIO);
		assert_int_equal(read_checkpoint(&folder, header.start), 5);
		assert_int_equal(memory_disk_count(m, FOLDER_NEW_CHECKPOINT), 0);
		assert_int_equal(read_checkpoint(&folder, next.start),
		                 calls[i] == MEMORY_SYNC_FOLDER ? 6 : -1);
		memory_disk_crash(m, MEMORY_CRASH_LOSES);
		assert_int_equal(read_checkpoint(&folder, header.start), 5);
		assert_int_equal(read_checkpoint(&folder, next.start), -1);
		memory_disk_free(m);
	}
}

/* Wherever it stops: afterwards the new one is whole or not there, and the old one is whole. */
static void a_crash_leaves_one_or_the_other(void **state)
{
	(void)state;
	static const enum memory_crash ways[] = { MEMORY_CRASH_LOSES, MEMORY_CRASH_KEEPS,
		                                  MEMORY_CRASH_CHOOSES };
	unsigned olds = 0, news = 0;
	for (unsigned long stop = 1; stop < 12; stop++)
		for (unsigned way = 0; way < 3; way++) {
			struct memory_disk *m = memory_disk_new(stop);
			const struct folder folder = folder_on(m);
			struct checkpoint_header next = header;
			next.start.number = 90;
			assert_true(write_checkpoint(&folder, &header, 5));
			memory_disk_stop_after(m, stop);
			const bool done = write_checkpoint(&folder, &next, 300);
			memory_disk_crash(m, ways[way]);
			assert_int_equal(read_checkpoint(&folder, header.start), 5);
			const int items = read_checkpoint(&folder, next.start);
			assert_true(items == 300 || (items == -1 && !done));
			olds += items == -1;
			news += items == 300;
			memory_disk_free(m);
		}
	assert_true(olds > 0 && news > 0);
}

static void one_that_turns_bad_while_it_is_read_says_so(void **state)
{
	(void)state;
	struct memory_disk *m = memory_disk_new(1);
	const struct folder folder = folder_on(m);
	struct checkpoint_reader reader;
	struct checkpoint_header h;
	struct checkpoint_writer writer;
	const uint8_t *bytes;
	size_t length;
	uint8_t *item = calloc(1, CHECKPOINT_ITEM_BYTES_MAX);
	assert_true(checkpoint_begin(&writer, &folder, &header));
	for (int i = 0; i < 5; i++)
		assert_true(checkpoint_add(&writer, item, CHECKPOINT_ITEM_BYTES_MAX));
	assert_true(checkpoint_end(&writer));
	assert_int_equal(checkpoint_open(&reader, &folder, header.start, &h), CHECKPOINT_WHOLE);
	memory_disk_break(m, folder_checkpoint_path(&folder, header.start).text, 1000000, 1000001);
	int items = 0;
	while (checkpoint_next(&reader, &bytes, &length))
		items++;
	assert_true(items < 5);
	assert_false(reader.is_done);
	checkpoint_close(&reader);
	free(item);
	memory_disk_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_are_read_as_written),
		cmocka_unit_test(an_empty_one_is_whole_too),
		cmocka_unit_test(the_longest_items_pass_and_no_longer_ones),
		cmocka_unit_test(every_flipped_bit_makes_it_bad),
		cmocka_unit_test(every_cut_and_every_addition_makes_it_bad),
		cmocka_unit_test(items_cannot_be_missing_doubled_or_swapped),
		cmocka_unit_test(one_of_another_node_or_place_is_foreign),
		cmocka_unit_test(one_that_is_abandoned_leaves_nothing),
		cmocka_unit_test(a_failure_leaves_the_one_before),
		cmocka_unit_test(a_crash_leaves_one_or_the_other),
		cmocka_unit_test(one_that_turns_bad_while_it_is_read_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
