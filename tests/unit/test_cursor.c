/* The cursor: reads in both byte orders, and once asked for too much gives zeros for ever. */
#include "support/cursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t bytes[] = { 0x01, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0,
	                         0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8 };

static void test_reads(void **state)
{
	struct cursor c = cursor_over(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(cursor_u8(&c), 0x01);
	assert_int_equal(cursor_u32_be(&c), 0x12345678);
	assert_int_equal(cursor_u32_le(&c), 0xf0debc9a);
	assert_false(cursor_is_done(&c));
	assert_int_equal(cursor_u64_le(&c), 0xf8f7f6f5f4f3f2f1);
	assert_true(cursor_is_done(&c));
}

static void test_bytes_are_borrowed(void **state)
{
	struct cursor c = cursor_over(bytes, sizeof(bytes));

	(void)state;
	assert_ptr_equal(cursor_bytes(&c, 5), bytes);
	assert_ptr_equal(cursor_bytes(&c, 0), bytes + 5);
	assert_ptr_equal(cursor_bytes(&c, 12), bytes + 5);
	assert_true(cursor_is_done(&c));
	assert_non_null(cursor_bytes(&c, 0)); /* nothing wanted, nothing wrong */
	assert_true(cursor_is_done(&c));
	assert_null(cursor_bytes(&c, 1));
	assert_false(cursor_is_done(&c));
}

static void expect_bad(struct cursor *c)
{
	assert_true(c->bad);
	assert_int_equal(cursor_u8(c), 0);
	assert_int_equal(cursor_u32_be(c), 0);
	assert_int_equal(cursor_u32_le(c), 0);
	assert_int_equal(cursor_u64_le(c), 0);
	assert_null(cursor_bytes(c, 0));
	assert_null(cursor_bytes(c, 1));
	assert_false(cursor_is_done(c));
}

static void test_too_much_stays_bad(void **state)
{
	struct cursor c = cursor_over(bytes, 3);

	(void)state;
	assert_int_equal(cursor_u32_be(&c), 0);
	expect_bad(&c); /* though three bytes are left */

	c = cursor_over(bytes, 7);
	assert_int_equal(cursor_u64_le(&c), 0);
	expect_bad(&c);

	c = cursor_over(bytes, 3);
	assert_int_equal(cursor_u32_le(&c), 0);
	expect_bad(&c);

	c = cursor_over(bytes, sizeof(bytes));
	assert_null(cursor_bytes(&c, SIZE_MAX)); /* at + length would wrap around */
	expect_bad(&c);

	c = cursor_over(bytes, 0);
	assert_true(cursor_is_done(&c));
	assert_int_equal(cursor_u8(&c), 0);
	expect_bad(&c);
}

static void test_nothing_at_all(void **state)
{
	struct cursor c = cursor_over(NULL, 0);

	(void)state;
	assert_true(cursor_is_done(&c));
	assert_non_null(cursor_bytes(&c, 0));
	assert_int_equal(cursor_u32_le(&c), 0);
	expect_bad(&c);
}

/* At every length the last byte is read and never the one behind it (the sanitizer watches). */
static void test_ends(void **state)
{
	(void)state;
	for (size_t length = 0; length <= 24; length++) {
		uint8_t *room = malloc(length + 1);
		size_t taken = 0;
		assert_non_null(room);
		memset(room, 0xaa, length + 1);
		/* At the end of the block, where a read past the length is one past the block. */
		struct cursor c = cursor_over(room + 1, length);
		while (cursor_u8(&c) == 0xaa)
			taken++;
		assert_int_equal(taken, length);
		assert_true(c.bad);
		free(room);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_bytes_are_borrowed),
		cmocka_unit_test(test_too_much_stays_bad),
		cmocka_unit_test(test_nothing_at_all),
		cmocka_unit_test(test_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
