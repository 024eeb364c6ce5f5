#include "keep/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static uint32_t both(uint32_t crc, const void *bytes, size_t length)
{
	const uint32_t sum = crc32c(crc, bytes, length);
	assert_int_equal(sum, crc32c_by_table(crc, bytes, length));
	return sum;
}

/* RFC 3720, B.4, and the usual check value. */
static void sums_are_those_of_the_standard(void **state)
{
	(void)state;
	uint8_t bytes[32];
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(both(0, bytes, sizeof(bytes)), 0x8A9136AA);
	memset(bytes, 0xFF, sizeof(bytes));
	assert_int_equal(both(0, bytes, sizeof(bytes)), 0x62A8AB43);
	for (uint8_t i = 0; i < 32; i++)
		bytes[i] = i;
	assert_int_equal(both(0, bytes, sizeof(bytes)), 0x46DD794E);
	for (uint8_t i = 0; i < 32; i++)
		bytes[i] = (uint8_t)(31 - i);
	assert_int_equal(both(0, bytes, sizeof(bytes)), 0x113FDB5C);
	assert_int_equal(both(0, "123456789", 9), 0xE3069283);
	assert_int_equal(both(0, "", 0), 0);
}

static void every_length_and_alignment_agrees(void **state)
{
	(void)state;
	uint8_t bytes[96];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 151 + 7);
	for (size_t from = 0; from < 16; from++)
		for (size_t length = 0; length <= sizeof(bytes) - from; length++)
			both((uint32_t)(from * 77), bytes + from, length);
}

static void a_sum_goes_on_where_it_stopped(void **state)
{
	(void)state;
	const char *text = "un médecin en visite appuie sur le bouton";
	const size_t length = strlen(text);
	const uint32_t whole = crc32c(0, text, length);
	for (size_t cut = 0; cut <= length; cut++)
		assert_int_equal(both(both(0, text, cut), text + cut, length - cut), whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_those_of_the_standard),
		cmocka_unit_test(every_length_and_alignment_agrees),
		cmocka_unit_test(a_sum_goes_on_where_it_stopped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
