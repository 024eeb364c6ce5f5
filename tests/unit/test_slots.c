#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decide/slots.h"

static uint64_t random_state;

static uint32_t random_next(void) /* xorshift64: the same run every time */
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32);
}

static size_t count_of(const struct slots *s, uint32_t hash, uint32_t slot)
{
	struct slots_probe p = slots_probe(s, hash);
	size_t count = 0;
	uint32_t found;

	while ((found = slots_next(s, &p)) != 0)
		count += found == slot;
	return count;
}

static void test_empty(void **state)
{
	struct slots s = { 0 };
	struct slots_probe p = slots_probe(&s, 42);

	(void)state;
	assert_int_equal(slots_next(&s, &p), 0);
	slots_remove(&s, 42, 1);
	assert_true(slots_reserve(&s, 0));
	p = slots_probe(&s, 42);
	assert_int_equal(slots_next(&s, &p), 0);
	slots_done(&s);
}

static void test_one_hash_has_several_slots(void **state)
{
	struct slots s = { 0 };

	(void)state;
	assert_true(slots_reserve(&s, 12));
	for (uint32_t slot = 1; slot <= 12; slot++)
		slots_add(&s, UINT32_MAX, slot); /* they stand round the table's end */
	for (uint32_t slot = 1; slot <= 12; slot++)
		assert_int_equal(count_of(&s, UINT32_MAX, slot), 1);
	for (uint32_t slot = 1; slot <= 12; slot += 2)
		slots_remove(&s, UINT32_MAX, slot);
	for (uint32_t slot = 1; slot <= 12; slot++)
		assert_int_equal(count_of(&s, UINT32_MAX, slot), slot % 2 == 0);
	assert_int_equal(s.count, 6);
	slots_done(&s);
}

/* Against a plain array, with hashes that crowd together: at the start, at the end, and anywhere.
 */
static void run_against_a_model(uint64_t seed, uint32_t crowd)
{
	enum { ITEMS = 600, STEPS = 40000 };
	static struct {
		uint32_t hash;
		bool in;
	} model[ITEMS + 1];
	struct slots s = { 0 };
	size_t count = 0;

	random_state = seed;
	for (uint32_t i = 1; i <= ITEMS; i++) {
		uint32_t hash = random_next();
		model[i].hash = crowd == 0 ? hash
		                : hash % 2 ? UINT32_MAX - hash % crowd
		                           : hash % crowd;
		model[i].in = false;
	}
	for (unsigned step = 0; step < STEPS; step++) {
		uint32_t i = 1 + random_next() % ITEMS;
		if (model[i].in) {
			slots_remove(&s, model[i].hash, i);
			count--;
		} else {
			assert_true(slots_reserve(&s, 1));
			slots_add(&s, model[i].hash, i);
			count++;
		}
		model[i].in = !model[i].in;
		assert_int_equal(s.count, count);
		uint32_t any = 1 + random_next() % ITEMS;
		assert_int_equal(count_of(&s, model[any].hash, any), model[any].in);
	}
	for (uint32_t i = 1; i <= ITEMS; i++)
		assert_int_equal(count_of(&s, model[i].hash, i), model[i].in);
	slots_done(&s);
}

static void test_random_changes(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		run_against_a_model(seed, 0);
		run_against_a_model(seed, 3);
		run_against_a_model(seed, 1u << 28);
	}
}

static void test_reserved_room_never_moves(void **state)
{
	struct slots s = { 0 };

	(void)state;
	assert_true(slots_reserve(&s, 1000));
	const void *entries = s.entries;
	for (uint32_t i = 1; i <= 1000; i++) {
		assert_true(slots_reserve(&s, 1));
		slots_add(&s, i * 2654435761u, i);
	}
	assert_ptr_equal(s.entries, entries);
	assert_false(slots_reserve(&s, SIZE_MAX));
	assert_int_equal(count_of(&s, 500 * 2654435761u, 500), 1);
	slots_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_one_hash_has_several_slots),
		cmocka_unit_test(test_random_changes),
		cmocka_unit_test(test_reserved_room_never_moves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
