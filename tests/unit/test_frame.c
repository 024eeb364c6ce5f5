#include "wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MAX 1000

/* Puts bytes in as a link does, in pieces of at most `piece`. Stops when the reader answers
 * anything but PART and returns how many bytes it took. */
struct feed {
	struct frame_reader r;
	const uint8_t *at;
	size_t left, piece;
};

static enum frame_answer feed_next(struct feed *f, const uint8_t **message, size_t *length)
{
	for (;;) {
		enum frame_answer answer = frame_next(&f->r, message, length);
		size_t room, count = f->piece;
		uint8_t *to;
		if (answer != FRAME_PART || f->left == 0)
			return answer;
		to = frame_room(&f->r, &room);
		assert_non_null(to);
		assert_true(room >= 1);
		if (count > room)
			count = room;
		if (count > f->left)
			count = f->left;
		memcpy(to, f->at, count);
		frame_added(&f->r, count);
		f->at += count;
		f->left -= count;
	}
}

static size_t frame_write(uint8_t *out, size_t length, uint8_t fill)
{
	frame_put_header(out, (uint32_t)length);
	memset(out + FRAME_HEADER_SIZE, fill, length);
	return FRAME_HEADER_SIZE + length;
}

static void reads_three_frames_in_pieces_of(size_t piece)
{
	static const size_t lengths[] = { 1, MAX, 37 };
	uint8_t bytes[3 * (FRAME_HEADER_SIZE + MAX)];
	struct feed f = { .at = bytes, .piece = piece };
	const uint8_t *message;
	size_t length;

	for (uint8_t i = 0; i < 3; i++)
		f.left += frame_write(bytes + f.left, lengths[i], (uint8_t)('a' + i));
	frame_init(&f.r, MAX);
	for (uint8_t i = 0; i < 3; i++) {
		assert_int_equal(feed_next(&f, &message, &length), FRAME_WHOLE);
		assert_int_equal(length, lengths[i]);
		for (size_t k = 0; k < length; k++)
			assert_int_equal(message[k], 'a' + i);
	}
	assert_int_equal(feed_next(&f, &message, &length), FRAME_PART);
	assert_int_equal(frame_pending(&f.r), 0);
	frame_trim(&f.r);
	assert_null(f.r.bytes);
	frame_done(&f.r);
}

static void pieces_of_any_size_give_the_same_messages(void **state)
{
	(void)state;
	for (size_t piece = 1; piece <= 3 * (FRAME_HEADER_SIZE + MAX); piece++)
		reads_three_frames_in_pieces_of(piece);
}

static void every_split_of_one_frame_waits_for_its_last_byte(void **state)
{
	uint8_t bytes[FRAME_HEADER_SIZE + 20];
	(void)state;

	for (size_t split = 1; split < sizeof(bytes); split++) {
		struct feed f = { .at = bytes, .left = split, .piece = sizeof(bytes) };
		const uint8_t *message;
		size_t length;
		frame_write(bytes, 20, 'x');
		frame_init(&f.r, MAX);
		assert_int_equal(feed_next(&f, &message, &length), FRAME_PART);
		assert_int_equal(frame_pending(&f.r), split);
		f.left = sizeof(bytes) - split;
		assert_int_equal(feed_next(&f, &message, &length), FRAME_WHOLE);
		assert_int_equal(length, 20);
		frame_done(&f.r);
	}
}

static enum frame_answer answer_to_header(uint32_t announced)
{
	uint8_t header[FRAME_HEADER_SIZE];
	struct feed f = { .at = header, .left = sizeof(header), .piece = 1 };
	const uint8_t *message;
	enum frame_answer first, again;
	size_t length;

	frame_put_header(header, announced);
	frame_init(&f.r, MAX);
	first = feed_next(&f, &message, &length);
	again = frame_next(&f.r, &message, &length);
	assert_int_equal(first, again);
	frame_done(&f.r);
	return first;
}

static void lengths_are_judged_as_soon_as_the_header_is_there(void **state)
{
	(void)state;
	assert_int_equal(answer_to_header(0), FRAME_EMPTY);
	assert_int_equal(answer_to_header(1), FRAME_PART);
	assert_int_equal(answer_to_header(MAX), FRAME_PART);
	assert_int_equal(answer_to_header(MAX + 1), FRAME_OVERSIZED);
	assert_int_equal(answer_to_header(UINT32_MAX), FRAME_OVERSIZED);
}

static void a_good_frame_before_an_error_is_given_out(void **state)
{
	uint8_t bytes[FRAME_HEADER_SIZE + 5 + FRAME_HEADER_SIZE];
	struct feed f = { .at = bytes, .left = sizeof(bytes), .piece = sizeof(bytes) };
	const uint8_t *message;
	size_t length;
	(void)state;

	frame_write(bytes, 5, 'g');
	frame_put_header(bytes + FRAME_HEADER_SIZE + 5, MAX + 1);
	frame_init(&f.r, MAX);
	assert_int_equal(feed_next(&f, &message, &length), FRAME_WHOLE);
	assert_int_equal(length, 5);
	assert_int_equal(feed_next(&f, &message, &length), FRAME_OVERSIZED);
	frame_done(&f.r);
}

/* A peer that announces a megabyte and sends ten bytes must not cost a megabyte. */
static void memory_follows_what_came_not_what_was_announced(void **state)
{
	struct frame_reader r;
	size_t room, came = FRAME_HEADER_SIZE;
	uint8_t *to;
	(void)state;

	frame_init(&r, 1 << 20);
	to = frame_room(&r, &room);
	frame_put_header(to, 1 << 20);
	frame_added(&r, FRAME_HEADER_SIZE);
	while (came < FRAME_HEADER_SIZE + (1 << 20)) {
		const uint8_t *message;
		size_t length;
		assert_int_equal(frame_next(&r, &message, &length), FRAME_PART);
		to = frame_room(&r, &room);
		assert_non_null(to);
		assert_true(r.room <= 8192 || r.room <= 2 * came);
		assert_true(r.room <= FRAME_HEADER_SIZE + (1 << 20));
		memset(to, 'm', room);
		frame_added(&r, room);
		came += room;
	}
	frame_done(&r);
}

static void header_is_big_endian(void **state)
{
	uint8_t header[FRAME_HEADER_SIZE];
	(void)state;
	frame_put_header(header, 0x01020304);
	assert_memory_equal(header, "\x01\x02\x03\x04", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_of_any_size_give_the_same_messages),
		cmocka_unit_test(every_split_of_one_frame_waits_for_its_last_byte),
		cmocka_unit_test(lengths_are_judged_as_soon_as_the_header_is_there),
		cmocka_unit_test(a_good_frame_before_an_error_is_given_out),
		cmocka_unit_test(memory_follows_what_came_not_what_was_announced),
		cmocka_unit_test(header_is_big_endian),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
