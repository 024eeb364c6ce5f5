#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "keep/changes.h"

static void test_in_order(void **state)
{
	struct changes c = { 0 };
	struct change change;
	char text[32];
	size_t at = 0;

	(void)state;
	assert_false(changes_next(&c, &at, &change));
	for (unsigned i = 0; i < 2000; i++) {
		int length = snprintf(text, sizeof text, "row %u", i);
		assert_true(changes_add(&c, i % 2 ? ROW_SITE : ROW_SOURCE, (uint8_t *)text,
		                        (size_t)length));
	}
	assert_int_equal(c.count, 2000);
	unsigned seen = 0;
	for (; changes_next(&c, &at, &change); seen++) {
		int length = snprintf(text, sizeof text, "row %u", seen);
		assert_int_equal(change.kind, seen % 2 ? ROW_SITE : ROW_SOURCE);
		assert_int_equal(change.length, length);
		assert_memory_equal(change.bytes, text, (size_t)length);
	}
	assert_int_equal(seen, 2000);
	changes_done(&c);
	assert_int_equal(c.count, 0);
	assert_null(c.bytes);
	changes_done(&c);
}

static void test_large_and_empty(void **state)
{
	static uint8_t large[100000];
	struct changes c = { 0 };
	struct change change;
	size_t at = 0;

	(void)state;
	memset(large, 7, sizeof large);
	assert_true(changes_add(&c, ROW_SITE, large, 0));
	assert_true(changes_add(&c, ROW_SITE, large, sizeof large));
	assert_false(changes_add(&c, ROW_SITE, large, (size_t)ROW_BYTES_MAX + 1));
	assert_true(changes_next(&c, &at, &change));
	assert_int_equal(change.length, 0);
	assert_true(changes_next(&c, &at, &change));
	assert_int_equal(change.length, sizeof large);
	assert_memory_equal(change.bytes, large, sizeof large);
	assert_false(changes_next(&c, &at, &change));
	changes_done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_large_and_empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
