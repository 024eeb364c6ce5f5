#include "wire/outbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/frame.h"

static void messages_stand_behind_one_another_as_frames(void **state)
{
	struct outbox o = { 0 };
	(void)state;

	assert_int_equal(outbox_put(&o, "abc", 3, 100), OUTBOX_TAKEN);
	assert_int_equal(outbox_put(&o, "de", 2, 100), OUTBOX_TAKEN);
	assert_int_equal(outbox_used(&o), 13);
	assert_memory_equal(o.bytes + o.begin, "\0\0\0\3abc\0\0\0\2de", 13);
	outbox_done(&o);
}

static void ceiling_counts_headers_and_refuses_the_whole_message(void **state)
{
	struct outbox o = { 0 };
	(void)state;

	assert_int_equal(outbox_put(&o, "abc", 3, 6), OUTBOX_FULL);
	assert_int_equal(outbox_put(&o, "abc", 3, 3), OUTBOX_FULL);
	assert_int_equal(outbox_put(&o, "abc", 3, 0), OUTBOX_FULL);
	assert_null(o.bytes);
	assert_int_equal(outbox_put(&o, "abc", 3, 7), OUTBOX_TAKEN);
	assert_int_equal(outbox_put(&o, "d", 1, 11), OUTBOX_FULL);
	assert_int_equal(outbox_put(&o, "d", 1, 12), OUTBOX_TAKEN);
	/* A ceiling that a reload lowered below what waits. */
	assert_int_equal(outbox_put(&o, "e", 1, 4), OUTBOX_FULL);
	assert_int_equal(outbox_used(&o), 12);
	outbox_done(&o);
}

/* Sends in odd pieces while messages come in, and compares with the same stream kept plainly. */
static void any_mix_of_putting_and_sending_keeps_the_stream(void **state)
{
	static uint8_t expected[1 << 20], message[5000];
	size_t put = 0, sent = 0;
	struct outbox o = { 0 };
	unsigned seed = 7;
	(void)state;

	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)(i * 31);
	for (int round = 0; round < 400; round++) {
		size_t length = 1 + (size_t)rand_r(&seed) % sizeof(message);
		if (outbox_put(&o, message, length, 40000) == OUTBOX_TAKEN &&
		    put + FRAME_HEADER_SIZE + length <= sizeof(expected)) {
			frame_put_header(expected + put, (uint32_t)length);
			memcpy(expected + put + FRAME_HEADER_SIZE, message, length);
			put += FRAME_HEADER_SIZE + length;
		}
		if (outbox_used(&o) == 0)
			continue;
		length = 1 + (size_t)rand_r(&seed) % outbox_used(&o);
		assert_memory_equal(o.bytes + o.begin, expected + sent, length);
		outbox_sent(&o, length);
		sent += length;
		if (put > sizeof(expected) - sizeof(message) - FRAME_HEADER_SIZE)
			break;
	}
	assert_true(sent > 100000);
	assert_int_equal(outbox_used(&o), put - sent);
	outbox_sent(&o, put - sent);
	assert_null(o.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_stand_behind_one_another_as_frames),
		cmocka_unit_test(ceiling_counts_headers_and_refuses_the_whole_message),
		cmocka_unit_test(any_mix_of_putting_and_sending_keeps_the_stream),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
