/* The table: what was put is found, whatever was removed between, against a plain array as model.
 */
#include "support/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/bug.h"

static uint64_t random_state;

/* xorshift64*: the same numbers in every run. */
static uint64_t random_next(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1d;
}

static void test_basics(void **state)
{
	struct table *t = table_new(4, 0);
	int a = 1, b = 2;

	(void)state;
	assert_non_null(t);
	assert_int_equal(table_count(t), 0);
	assert_null(table_get(t, "none"));
	assert_null(table_remove(t, "none"));
	assert_true(table_put(t, "key1", &a));
	assert_true(table_put(t, "key2", &b));
	assert_ptr_equal(table_get(t, "key1"), &a);
	assert_ptr_equal(table_get(t, "key2"), &b);
	assert_int_equal(table_count(t), 2);
	assert_true(table_put(t, "key1", &b)); /* replaces */
	assert_ptr_equal(table_get(t, "key1"), &b);
	assert_int_equal(table_count(t), 2);
	assert_ptr_equal(table_remove(t, "key1"), &b);
	assert_null(table_get(t, "key1"));
	assert_ptr_equal(table_get(t, "key2"), &b);
	assert_int_equal(table_count(t), 1);
	table_free(t);
	table_free(NULL);
}

static void test_keys_are_copied(void **state)
{
	struct table *t = table_new(8, 0);
	char key[] = "12345678";
	int value;

	(void)state;
	assert_true(table_put(t, key, &value));
	memset(key, 'x', 8);
	assert_null(table_get(t, key));
	assert_ptr_equal(table_get(t, "12345678"), &value);
	table_free(t);
}

/* NULL is how absence is told, so it cannot be put: a fault of ours, answered with false. */
static void test_no_value_is_refused(void **state)
{
	struct table *t = table_new(1, 0);
	unsigned long bugs = bug_count();

	(void)state;
	assert_false(table_put(t, "k", NULL));
	assert_int_equal(table_count(t), 0);
	assert_int_equal(bug_count(), bugs + 1);
	table_free(t);
}

static void test_every_key_size(void **state)
{
	(void)state;
	for (size_t size = 1; size <= 40; size++) {
		struct table *t = table_new(size, 0);
		unsigned char key[40] = { 0 };
		static int values[200];
		for (int i = 0; i < 200; i++) {
			key[size - 1] = (unsigned char)i; /* the last byte of the key counts */
			assert_true(table_put(t, key, &values[i]));
		}
		for (int i = 0; i < 200; i++) {
			key[size - 1] = (unsigned char)i;
			assert_ptr_equal(table_get(t, key), &values[i]);
		}
		assert_int_equal(table_count(t), 200);
		table_free(t);
	}
}

#define MODEL_KEYS 3000

struct model {
	struct table *table;
	int *values[MODEL_KEYS]; /* NULL: the key is absent */
	size_t count;
};

static int model_values[MODEL_KEYS];

static void model_check(const struct model *m)
{
	static bool seen[MODEL_KEYS];
	size_t visits = 0;
	int *value;

	assert_int_equal(table_count(m->table), m->count);
	for (uint32_t key = 0; key < MODEL_KEYS; key++)
		assert_ptr_equal(table_get(m->table, &key), m->values[key]);
	memset(seen, 0, sizeof(seen));
	for (size_t i = 0; (value = table_next(m->table, &i)) != NULL; visits++) {
		size_t key = (size_t)(value - model_values);
		assert_in_range(key, 0, MODEL_KEYS - 1);
		assert_false(seen[key]);
		seen[key] = true;
	}
	assert_int_equal(visits, m->count);
}

static void model_step(struct model *m, unsigned puts_in_100)
{
	uint32_t key = (uint32_t)(random_next() % MODEL_KEYS);

	if (random_next() % 100 < puts_in_100) {
		assert_true(table_put(m->table, &key, &model_values[key]));
		m->count += m->values[key] == NULL;
		m->values[key] = &model_values[key];
	} else {
		assert_ptr_equal(table_remove(m->table, &key), m->values[key]);
		m->count -= m->values[key] != NULL;
		m->values[key] = NULL;
	}
}

/* Fills, empties and fills again through all sizes, checked as a whole again and again, so also
 * while entries are on their way from one array to the next. */
static void test_against_a_model(void **state)
{
	static const unsigned puts_in_100[] = { 90, 50, 10, 70, 30, 95 };

	(void)state;
	random_state = 0x746f6373696e;
	for (int seed = 0; seed < 4; seed++) {
		table_set_seed((uint64_t)seed);
		struct model m = { .table = table_new(sizeof(uint32_t), 0) };
		assert_non_null(m.table);
		for (size_t phase = 0; phase < sizeof(puts_in_100) / sizeof(puts_in_100[0]);
		     phase++)
			for (int step = 0; step < 6000; step++) {
				model_step(&m, puts_in_100[phase]);
				if (step % 97 == 0)
					model_check(&m);
			}
		table_free(m.table);
	}
	table_set_seed(0);
}

/* While it grows, after every single step, nothing is lost and nothing is there twice. */
static void test_growing_step_by_step(void **state)
{
	struct model m = { .table = table_new(sizeof(uint32_t), 0) };

	(void)state;
	for (uint32_t key = 0; key < 400; key++) {
		assert_true(table_put(m.table, &key, &model_values[key]));
		m.values[key] = &model_values[key];
		m.count++;
		model_check(&m);
		if (key % 3 == 2) {
			uint32_t gone = key - 1;
			assert_ptr_equal(table_remove(m.table, &gone), m.values[gone]);
			m.values[gone] = NULL;
			m.count--;
			model_check(&m);
		}
	}
	table_free(m.table);
}

/* Removal during iteration: every entry comes by, the removed ones are gone, the others stay. */
static void test_remove_at(void **state)
{
	(void)state;
	for (uint32_t total = 0; total < 600; total += 7) {
		struct table *t = table_new(sizeof(uint32_t), 0);
		static bool seen[600];
		int *value;
		memset(seen, 0, sizeof(seen));
		for (uint32_t key = 0; key < total; key++)
			assert_true(table_put(t, &key, &model_values[key]));
		for (size_t i = 0; (value = table_next(t, &i)) != NULL;) {
			size_t key = (size_t)(value - model_values);
			seen[key] = true;
			if (key % 2 == 0)
				assert_ptr_equal(table_remove_at(t, &i), value);
		}
		assert_int_equal(table_count(t), total / 2);
		for (uint32_t key = 0; key < total; key++) {
			assert_true(seen[key]);
			assert_int_equal(table_get(t, &key) != NULL, key % 2 == 1);
		}
		table_free(t);
	}
}

/* The same seed gives the same order in a second run, another seed another order. */
static uint64_t order_with_seed(uint64_t seed)
{
	uint64_t order = 0;
	int *value;

	table_set_seed(seed);
	struct table *t = table_new(sizeof(uint32_t), 0);
	for (uint32_t key = 0; key < 100; key++)
		assert_true(table_put(t, &key, &model_values[key]));
	for (size_t i = 0; (value = table_next(t, &i)) != NULL;)
		order = order * 1000003 + (uint64_t)(value - model_values);
	table_free(t);
	return order;
}

static void test_seed(void **state)
{
	(void)state;
	assert_int_equal(order_with_seed(1), order_with_seed(1));
	assert_int_not_equal(order_with_seed(1), order_with_seed(2));
	table_set_seed(0);
}

/* Filling one table in the order of another stays linear: a quadratic one would not end here. */
static void test_copy_in_order_is_not_quadratic(void **state)
{
	enum { TOTAL = 200000 };
	struct table *from = table_new(sizeof(uint32_t), 0), *to = table_new(sizeof(uint32_t), 0);
	uint32_t *keys = malloc(TOTAL * sizeof(*keys)), *key;

	(void)state;
	assert_non_null(keys);
	for (uint32_t i = 0; i < TOTAL; i++) {
		keys[i] = i;
		assert_true(table_put(from, &keys[i], &keys[i]));
	}
	for (size_t i = 0; (key = table_next(from, &i)) != NULL;)
		assert_true(table_put(to, key, key));
	assert_int_equal(table_count(to), TOTAL);
	for (uint32_t i = 0; i < TOTAL; i++)
		assert_ptr_equal(table_remove(to, &i), &keys[i]);
	assert_int_equal(table_count(to), 0);
	table_free(from);
	table_free(to);
	free(keys);
}

/* More than can ever be had is refused before it is tried. */
static void test_too_many_expected(void **state)
{
	(void)state;
	assert_null(table_new(8, SIZE_MAX));
	assert_null(table_new(8, (size_t)1 << 48));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_basics),
		cmocka_unit_test(test_keys_are_copied),
		cmocka_unit_test(test_no_value_is_refused),
		cmocka_unit_test(test_every_key_size),
		cmocka_unit_test(test_against_a_model),
		cmocka_unit_test(test_growing_step_by_step),
		cmocka_unit_test(test_remove_at),
		cmocka_unit_test(test_seed),
		cmocka_unit_test(test_copy_in_order_is_not_quadratic),
		cmocka_unit_test(test_too_many_expected),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
