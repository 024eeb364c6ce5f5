#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "decide/arena.h"

static void test_blocks_keep_their_bytes(void **state)
{
	enum { BLOCKS = 5000, LENGTH = 997 };
	static uint32_t marks[BLOCKS];
	struct arena a = { 0 };

	(void)state;
	for (unsigned i = 0; i < BLOCKS; i++) {
		marks[i] = arena_add(&a, LENGTH);
		assert_int_not_equal(marks[i], 0);
		memset(arena_at(&a, marks[i]), (int)(i & 0xff), LENGTH);
	}
	for (unsigned i = 0; i < BLOCKS; i++) {
		const uint8_t *bytes = arena_at(&a, marks[i]);
		for (unsigned k = 0; k < LENGTH; k++)
			assert_int_equal(bytes[k], i & 0xff);
	}
	assert_true(arena_bytes(&a) >= (size_t)BLOCKS * LENGTH);
	assert_true(arena_bytes(&a) < (size_t)BLOCKS * LENGTH + 2 * ARENA_CHUNK_BYTES);
	assert_int_equal(a.text, (size_t)BLOCKS * LENGTH);
	arena_done(&a);
	assert_int_equal(arena_bytes(&a), 0);
}

static void test_a_block_never_moves(void **state)
{
	struct arena a = { 0 };
	uint32_t mark = arena_add(&a, 8);
	void *before = arena_at(&a, mark);

	(void)state;
	for (unsigned i = 0; i < 64; i++)
		assert_int_not_equal(arena_add(&a, ARENA_CHUNK_BYTES - 1), 0);
	assert_ptr_equal(arena_at(&a, mark), before);
	arena_done(&a);
}

static void test_what_is_wiped_is_zero_and_waste(void **state)
{
	struct arena a = { 0 };
	uint32_t kept = arena_add(&a, 4), gone = arena_add(&a, 6);

	(void)state;
	memcpy(arena_at(&a, kept), "kept", 4);
	memcpy(arena_at(&a, gone), "secret", 6);
	arena_wipe(&a, gone, 6);
	assert_memory_equal(arena_at(&a, gone), "\0\0\0\0\0\0", 6);
	assert_memory_equal(arena_at(&a, kept), "kept", 4);
	assert_int_equal(a.text, 4);
	assert_int_equal(a.waste, 6);
	arena_done(&a);
}

static void test_bounds(void **state)
{
	struct arena a = { 0 };

	(void)state;
	assert_int_equal(arena_add(&a, 0), 0);
	assert_int_equal(arena_add(&a, ARENA_CHUNK_BYTES), 0);
	assert_int_equal(arena_add(&a, SIZE_MAX), 0);
	/* To the last byte of the first chunk, whose first is nobody's. */
	uint32_t whole = arena_add(&a, ARENA_CHUNK_BYTES - 1);
	assert_int_equal(whole, 1);
	memset(arena_at(&a, whole), 1, ARENA_CHUNK_BYTES - 1);
	assert_int_equal(arena_add(&a, 1), ARENA_CHUNK_BYTES);
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks_keep_their_bytes),
		cmocka_unit_test(test_a_block_never_moves),
		cmocka_unit_test(test_what_is_wiped_is_zero_and_waste),
		cmocka_unit_test(test_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
