#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "decide/pool.h"

struct item {
	uint64_t value;
	char text[12];
};

static void test_slots_are_their_own(void **state)
{
	enum { ITEMS = 3 * POOL_CHUNK_RECORDS };
	struct pool p;

	(void)state;
	pool_init(&p, sizeof(struct item));
	for (uint32_t i = 1; i <= ITEMS; i++) {
		assert_int_equal(pool_add(&p), i);
		struct item *item = pool_at(&p, i);
		assert_int_equal(item->value, 0);
		item->value = i * 7;
	}
	for (uint32_t i = 1; i <= ITEMS; i++)
		assert_int_equal(((struct item *)pool_at(&p, i))->value, i * 7);
	assert_true(pool_bytes(&p) >= ITEMS * sizeof(struct item));
	pool_done(&p);
	assert_int_equal(pool_bytes(&p), 0);
}

static void test_a_removed_slot_is_wiped_and_used_again(void **state)
{
	struct pool p;
	static const struct item none;

	(void)state;
	pool_init(&p, sizeof(struct item));
	uint32_t first = pool_add(&p), second = pool_add(&p), third = pool_add(&p);
	memset(pool_at(&p, second), 0xee, sizeof(struct item));
	memset(pool_at(&p, third), 0xee, sizeof(struct item));
	pool_remove(&p, second);
	pool_remove(&p, third);
	/* All but the link in the last four bytes. */
	assert_memory_equal(pool_at(&p, second), &none, sizeof(struct item) - 4);

	assert_int_equal(pool_add(&p), third);
	assert_int_equal(pool_add(&p), second);
	assert_memory_equal(pool_at(&p, third), &none, sizeof none);
	assert_memory_equal(pool_at(&p, second), &none, sizeof none);
	assert_int_equal(pool_add(&p), third + 1);
	assert_int_equal(first, 1);
	pool_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots_are_their_own),
		cmocka_unit_test(test_a_removed_slot_is_wiped_and_used_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
