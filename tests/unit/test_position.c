#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/position.h"

static void texts_are_read_as_written(void **state)
{
	(void)state;
	const struct position all[] = {
		{ 0, 0, 0 },
		{ 1, 1795000000, 1 },
		{ UINT32_MAX, UINT32_MAX, INT64_MAX },
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		char text[POSITION_TEXT_SIZE];
		struct position back = { 9, 9, 9 };
		assert_true(position_parse(position_format(all[i], text), &back));
		assert_int_equal(position_compare(all[i], back), 0);
	}
	char text[POSITION_TEXT_SIZE];
	assert_string_equal(position_format(all[2], text),
			    "4294967295:4294967295:9223372036854775807");
}

static void other_texts_are_refused_and_change_nothing(void **state)
{
	(void)state;
	const char *bad[] = {
		"", ":", "::", "1:2", "1:2:", "1::3", ":2:3", "1:2:3:", "1:2:3:4", " 1:2:3", "1:2:3 ", "+1:2:3",
		"-1:2:3", "1:2:0x3", "1:2:3\n", "a:b:c", "4294967296:1:1", "1:4294967296:1",
		"1:1:9223372036854775808", "1:1:99999999999999999999", "99999999999:1:1",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct position out = { 7, 8, 9 };
		assert_false(position_parse(bad[i], &out));
		assert_int_equal(position_compare(out, (struct position){ 7, 8, 9 }), 0);
	}
}

static void order_is_epoch_then_number(void **state)
{
	(void)state;
	const struct position sorted[] = {
		{ 1, 1, 5 }, { 1, 1, 6 }, { 1, 1, INT64_MAX }, { 1, 2, 1 }, { 1, UINT32_MAX, 0 },
	};
	const int count = sizeof(sorted) / sizeof(sorted[0]);
	for (int i = 0; i < count; i++)
		for (int j = 0; j < count; j++) {
			int way = position_compare(sorted[i], sorted[j]);
			assert_int_equal((way > 0) - (way < 0), (i > j) - (i < j));
		}
}

static void a_number_of_zero_is_none(void **state)
{
	(void)state;
	assert_false(position_is_set((struct position){ 3, 1, 0 }));
	assert_true(position_is_set((struct position){ 3, 1, 1 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_read_as_written),
		cmocka_unit_test(other_texts_are_refused_and_change_nothing),
		cmocka_unit_test(order_is_epoch_then_number),
		cmocka_unit_test(a_number_of_zero_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
