#include "keep/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/kit/memory_disk.h"

#define PATH "/journal/file"
#define SIZE 4096

static const struct segment_key key = { 7, 1795000000, 4 };

struct image { /* a segment of three records, and where they stand */
	uint8_t bytes[SIZE];
	off_t at[4], bytes_end[3];
};

static off_t put_record(uint8_t *bytes, off_t at, uint64_t number, const char *text)
{
	segment_record_frame(bytes + at, number, 2, text, (uint32_t)strlen(text));
	segment_record_seal(bytes + at, &key, at, number);
	return at + (off_t)segment_record_size(strlen(text));
}

static struct image image(void)
{
	static const char *const texts[] = { "first", "a second record, longer", "third one" };
	const struct segment_header header = {
		.key = key,
		.record_version = 2,
		.first = 41,
		.after = { 7, 1795000000, 40 },
		.created = { 1795000123456789 },
	};
	struct image im = { 0 };
	segment_header_write(im.bytes, &header);
	im.at[0] = SEGMENT_HEADER_BYTES;
	for (unsigned i = 0; i < 3; i++) {
		im.at[i + 1] = put_record(im.bytes, im.at[i], 41 + i, texts[i]);
		im.bytes_end[i] = im.at[i] + SEGMENT_RECORD_HEADER_BYTES + (off_t)strlen(texts[i]);
	}
	return im;
}

static struct segment_view view_over(struct memory_disk *m, const void *bytes, size_t size,
                                     const struct segment_key *asked)
{
	struct segment_view view;
	const struct disk *disk = memory_disk_interface(m);
	memory_disk_put(m, PATH, bytes, size);
	assert_true(
	        segment_view_init(&view, disk, disk->open(disk->context, PATH, O_RDONLY), asked));
	return view;
}

static void a_header_is_read_as_written(void **state)
{
	(void)state;
	struct image im = image();
	struct segment_header header;
	assert_int_equal(segment_header_read(im.bytes, &key, &header), SEGMENT_HEADER_WHOLE);
	assert_int_equal(header.record_version, 2);
	assert_int_equal(header.first, 41);
	assert_int_equal(header.after.node, 7);
	assert_int_equal(header.after.epoch, 1795000000);
	assert_int_equal(header.after.number, 40);
	assert_int_equal(header.created.us, 1795000123456789);
	const struct segment_key others[] = { { 8, 1795000000, 4 },
		                              { 7, 1795000001, 4 },
		                              { 7, 1795000000, 5 } };
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(segment_header_read(im.bytes, &others[i], &header),
		                 SEGMENT_HEADER_FOREIGN);
		assert_int_equal(header.key.node, 7);
	}
	memset(im.bytes, 0, SEGMENT_HEADER_BYTES);
	assert_int_equal(segment_header_read(im.bytes, &key, &header), SEGMENT_HEADER_BLANK);
}

/* Every bit of the file, zeros behind the records included: a record with a flipped bit is none,
 * the others stay, and what a flipped header loses is the header. */
static void every_flipped_bit_is_found(void **state)
{
	(void)state;
	const struct image im = image();
	for (off_t bit = 0; bit < 8 * (im.at[3] + 16); bit++) {
		struct memory_disk *m = memory_disk_new(1);
		struct image bad = im;
		struct segment_record record;
		struct segment_header header;
		const off_t byte = bit / 8;
		bad.bytes[byte] ^= (uint8_t)(1 << bit % 8);
		struct segment_view view = view_over(m, bad.bytes, SIZE, &key);
		assert_int_equal(segment_view_header(&view, &header),
		                 byte < SEGMENT_HEADER_BYTES ? SEGMENT_HEADER_BAD
		                                             : SEGMENT_HEADER_WHOLE);
		for (unsigned i = 0; i < 3; i++) {
			const bool hit = byte >= im.at[i] && byte < im.at[i + 1];
			assert_int_equal(segment_view_look(&view, im.at[i], &record), !hit);
			if (hit && i < 2) {
				assert_true(segment_view_resync(&view, im.at[i], 40 + i, &record));
				assert_int_equal(record.offset, im.at[i + 1]);
				assert_int_equal(record.number, 42 + i);
			}
		}
		assert_false(segment_view_look(&view, im.at[3], &record));
		segment_view_done(&view);
		memory_disk_free(m);
	}
}

/* Cut at every length, the rest zeros as in a prepared file, or gone. */
static void every_torn_tail_ends_the_records(void **state)
{
	(void)state;
	const struct image im = image();
	for (off_t cut = im.at[0]; cut <= im.at[3]; cut++)
		for (int shortened = 0; shortened < 2; shortened++) {
			struct memory_disk *m = memory_disk_new(1);
			struct image torn = im;
			struct segment_record record;
			unsigned whole = 0;
			memset(torn.bytes + cut, 0, (size_t)(im.at[3] - cut));
			struct segment_view view =
			        view_over(m, torn.bytes, shortened ? (size_t)cut : SIZE, &key);
			off_t at = SEGMENT_HEADER_BYTES;
			while (segment_view_look(&view, at, &record)) {
				assert_int_equal(record.number, 41 + whole);
				whole++;
				at = record.end;
			}
			/* The padding is zeros in any case. */
			unsigned expected = 0;
			for (unsigned i = 0; i < 3; i++)
				expected += cut >= (shortened ? im.at[i + 1] : im.bytes_end[i]);
			assert_int_equal(whole, expected);
			assert_false(segment_view_resync(&view, at, 0, &record));
			assert_in_range(segment_view_last_byte(&view, at), at, cut > at ? cut : at);
			segment_view_done(&view);
			memory_disk_free(m);
		}
}

/* Stale bytes of a file that was used again, or of another place in the same file. */
static void bytes_of_another_place_never_pass(void **state)
{
	(void)state;
	struct image im = image();
	struct segment_record record;
	const size_t size = (size_t)(im.at[1] - im.at[0]);
	const uint8_t *at = im.bytes + im.at[0];
	assert_true(segment_record_read(at, size, &key, im.at[0], &record));
	const struct segment_key others[] = { { 8, 1795000000, 4 },
		                              { 7, 1794999999, 4 },
		                              { 7, 1795000000, 3 } };
	for (unsigned i = 0; i < 3; i++)
		assert_false(segment_record_read(at, size, &others[i], im.at[0], &record));
	assert_false(segment_record_read(at, size, &key, im.at[0] + 8, &record));
	assert_false(segment_record_read(at, size - 1, &key, im.at[0], &record));
	memmove(im.bytes + 1024, at, size);
	struct memory_disk *m = memory_disk_new(1);
	struct segment_view view = view_over(m, im.bytes, SIZE, &key);
	assert_false(segment_view_look(&view, 1024, &record));
	assert_false(segment_view_resync(&view, im.at[3], 0, &record));
	assert_int_equal(segment_view_last_byte(&view, im.at[3]),
	                 1024 + im.at[0] + 32 + 5 - im.at[0]);
	segment_view_done(&view);
	memory_disk_free(m);
}

static void lengths_beyond_all_bounds_are_no_records(void **state)
{
	(void)state;
	struct image im = image();
	struct segment_record record;
	const uint32_t lengths[] = { SEGMENT_PAYLOAD_BYTES_MAX + 1, UINT32_MAX, UINT32_MAX - 31,
		                     SIZE };
	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		memcpy(im.bytes + im.at[0] + 8, &lengths[i], 4);
		struct memory_disk *m = memory_disk_new(1);
		struct segment_view view = view_over(m, im.bytes, SIZE, &key);
		assert_false(segment_view_look(&view, im.at[0], &record));
		assert_false(segment_view_look(&view, SIZE, &record));
		assert_false(segment_view_look(&view, SIZE - 8, &record));
		segment_view_done(&view);
		memory_disk_free(m);
	}
}

/* The longest record there may be, behind and before others, so that it spans many windows. */
static void long_records_are_read_through_the_window(void **state)
{
	(void)state;
	const size_t size = 3 * SEGMENT_PAYLOAD_BYTES_MAX;
	uint8_t *bytes = calloc(1, size);
	char *text = malloc(SEGMENT_PAYLOAD_BYTES_MAX + 1);
	memset(text, 'x', SEGMENT_PAYLOAD_BYTES_MAX);
	text[SEGMENT_PAYLOAD_BYTES_MAX] = '\0';
	const off_t first = put_record(bytes, SEGMENT_HEADER_BYTES, 1, "small");
	const off_t second = put_record(bytes, first, 2, text);
	put_record(bytes, second, 3, "small again");
	struct memory_disk *m = memory_disk_new(1);
	struct segment_view view = view_over(m, bytes, size, &key);
	struct segment_record record;
	assert_true(segment_view_look(&view, SEGMENT_HEADER_BYTES, &record));
	assert_true(segment_view_look(&view, first, &record));
	assert_int_equal(record.length, SEGMENT_PAYLOAD_BYTES_MAX);
	assert_memory_equal(record.bytes, text, SEGMENT_PAYLOAD_BYTES_MAX);
	assert_int_equal(record.end, second);
	assert_true(segment_view_resync(&view, first + 8, 1, &record));
	assert_int_equal(record.number, 3);
	assert_true(segment_view_resync(&view, 0, 1, &record));
	assert_int_equal(record.number, 2);
	segment_view_done(&view);
	memory_disk_free(m);
	free(bytes);
	free(text);
}

/* One bad block costs the records that lie on it, and no other. */
static void a_block_that_cannot_be_read_counts_as_zeros(void **state)
{
	(void)state;
	const size_t size = 16 * 4096;
	uint8_t *bytes = calloc(1, size);
	char text[600];
	off_t at = SEGMENT_HEADER_BYTES, ends[200];
	unsigned count = 0, whole = 0;
	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	while (at + 640 < (off_t)size) {
		at = put_record(bytes, at, count + 1, text);
		ends[count++] = at;
	}
	struct memory_disk *m = memory_disk_new(1);
	struct segment_view view = view_over(m, bytes, size, &key);
	memory_disk_break(m, PATH, 2 * 4096 + 100, 2 * 4096 + 200);
	struct segment_record record;
	at = SEGMENT_HEADER_BYTES;
	uint64_t number = 0;
	while (segment_view_look(&view, at, &record) ||
	       segment_view_resync(&view, at, number, &record)) {
		whole++;
		at = record.end;
		number = record.number;
	}
	unsigned on_block = 0;
	for (unsigned i = 0; i < count; i++)
		on_block += (i == 0 ? SEGMENT_HEADER_BYTES : ends[i - 1]) < 3 * 4096 &&
		            ends[i] > 2 * 4096;
	assert_int_equal(whole, count - on_block);
	assert_int_equal(number, count);
	assert_true(view.unreadable > 0);
	segment_view_done(&view);
	memory_disk_free(m);
	free(bytes);
}

/* The follower looks where nothing is yet; a moment later something is. */
static void a_file_that_grows_is_read_again(void **state)
{
	(void)state;
	struct image im = image();
	struct memory_disk *m = memory_disk_new(1);
	const struct disk *disk = memory_disk_interface(m);
	struct segment_view view = view_over(m, im.bytes, SIZE, &key);
	struct segment_record record;
	assert_true(segment_view_look(&view, im.at[2], &record));
	assert_false(segment_view_look(&view, im.at[3], &record));
	uint8_t bytes[SIZE] = { 0 };
	put_record(bytes, im.at[3], 44, "fourth");
	const int fd = disk->open(disk->context, PATH, O_RDWR);
	assert_int_equal(disk_write_all(disk, fd, bytes + im.at[3], 40, im.at[3]), 0);
	assert_true(segment_view_look(&view, im.at[3], &record));
	assert_int_equal(record.number, 44);
	disk->close(disk->context, fd);
	segment_view_done(&view);
	memory_disk_free(m);
}

static void short_and_empty_files_are_no_harm(void **state)
{
	(void)state;
	const struct image im = image();
	for (size_t size = 0; size <= SEGMENT_HEADER_BYTES; size += 16) {
		struct memory_disk *m = memory_disk_new(1);
		struct segment_view view = view_over(m, im.bytes, size, &key);
		struct segment_header header;
		struct segment_record record;
		uint8_t out[64];
		assert_int_equal(segment_view_header(&view, &header),
		                 size == 0                     ? SEGMENT_HEADER_BLANK
		                 : size < SEGMENT_HEADER_BYTES ? SEGMENT_HEADER_BAD
		                                               : SEGMENT_HEADER_WHOLE);
		assert_false(segment_view_look(&view, SEGMENT_HEADER_BYTES, &record));
		assert_false(segment_view_resync(&view, 0, 0, &record));
		assert_int_equal(segment_view_copy(&view, 0, out, sizeof(out)),
		                 size < 64 ? size : 64);
		segment_view_done(&view);
		memory_disk_free(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_is_read_as_written),
		cmocka_unit_test(every_flipped_bit_is_found),
		cmocka_unit_test(every_torn_tail_ends_the_records),
		cmocka_unit_test(bytes_of_another_place_never_pass),
		cmocka_unit_test(lengths_beyond_all_bounds_are_no_records),
		cmocka_unit_test(long_records_are_read_through_the_window),
		cmocka_unit_test(a_block_that_cannot_be_read_counts_as_zeros),
		cmocka_unit_test(a_file_that_grows_is_read_again),
		cmocka_unit_test(short_and_empty_files_are_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
