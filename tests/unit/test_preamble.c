#include "keep/preamble.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char magic[PREAMBLE_MAGIC_BYTES] = { 'm', 'a', 'g', 'i', 'c', 'a', 'l', '\n' };
static const char other[PREAMBLE_MAGIC_BYTES] = { 'm', 'a', 'g', 'i', 'c', 'a', 'r', '\n' };

static void versions_are_known_up_to_ours(void **state)
{
	(void)state;
	uint8_t bytes[PREAMBLE_BYTES];
	preamble_write(bytes, magic, 7);
	assert_int_equal(preamble_read(bytes, magic, 8), PREAMBLE_KNOWN);
	assert_int_equal(preamble_read(bytes, magic, 7), PREAMBLE_KNOWN);
	assert_int_equal(preamble_read(bytes, magic, 6), PREAMBLE_NEWER);
	assert_int_equal(preamble_read(bytes, other, 7), PREAMBLE_BAD);
}

/* Above all: no flipped bit makes it one of a later version, which would be refused. */
static void every_flipped_bit_is_bad(void **state)
{
	(void)state;
	uint8_t bytes[PREAMBLE_BYTES];
	preamble_write(bytes, magic, 7);
	for (size_t bit = 0; bit < 8 * PREAMBLE_BYTES; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(preamble_read(bytes, magic, 7), PREAMBLE_BAD);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(preamble_read(bytes, magic, 7), PREAMBLE_KNOWN);
}

/* What a later version must still write in its first sixteen bytes. */
static void the_bytes_are_these_for_ever(void **state)
{
	(void)state;
	static const uint8_t known[PREAMBLE_BYTES] = { 'm', 'a', 'g', 'i', 'c',  'a',  'l',  '\n',
		                                       1,   0,   0,   0,   0x6C, 0x7F, 0x7D, 0xA5 };
	uint8_t bytes[PREAMBLE_BYTES];
	preamble_write(bytes, magic, 1);
	assert_memory_equal(bytes, known, sizeof(known));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_are_known_up_to_ours),
		cmocka_unit_test(every_flipped_bit_is_bad),
		cmocka_unit_test(the_bytes_are_these_for_ever),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
