#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "push/pending.h"

static struct view *view(unsigned incident, unsigned priority, uint64_t number)
{
	struct incident i = { .priority = priority, .position = { 1, 1, number } };
	i.id.v.b[15] = (uint8_t)incident;
	i.id.v.b[14] = (uint8_t)(incident >> 8);
	return view_new(&i, false, (struct mono){ 1 }, NULL, NULL);
}

static void put(struct pending *p, unsigned incident, unsigned priority, uint64_t number)
{
	struct view *v = view(incident, priority, number);
	assert_true(pending_put(p, v));
	view_unref(v);
}

static void expect(struct pending *p, uint64_t number)
{
	struct view *v = pending_take(p);
	assert_non_null(v);
	assert_int_equal(v->position.number, number);
	view_unref(v);
}

static void the_most_urgent_first_then_in_order(void **state)
{
	(void)state;
	struct pending *p = pending_new();
	put(p, 1, 3, 10);
	put(p, 2, 1, 11);
	put(p, 3, 4, 12);
	put(p, 4, 1, 13);
	put(p, 5, 2, 14);
	assert_int_equal(pending_count(p), 5);
	expect(p, 11);
	expect(p, 13);
	expect(p, 14);
	expect(p, 10);
	expect(p, 12);
	assert_null(pending_take(p));
	pending_free(p);
}

static void a_newer_view_takes_the_place_of_the_older(void **state)
{
	(void)state;
	struct pending *p = pending_new();
	put(p, 1, 2, 10);
	put(p, 2, 2, 11);
	put(p, 1, 2, 12); /* keeps its turn */
	assert_int_equal(pending_count(p), 2);
	expect(p, 12);
	expect(p, 11);
	assert_int_equal(pending_count(p), 0);
	pending_free(p);
}

static void one_that_became_urgent_goes_ahead(void **state)
{
	(void)state;
	struct pending *p = pending_new();
	for (unsigned n = 0; n < 50; n++)
		put(p, n, 3, n + 1);
	put(p, 25, 1, 99);
	expect(p, 99);
	for (unsigned n = 0; n < 50; n++)
		if (n != 25)
			expect(p, n + 1);
	assert_null(pending_take(p));
	pending_free(p);
}

static void what_waits_is_freed(void **state)
{
	(void)state;
	struct pending *p = pending_new();
	for (unsigned n = 0; n < 1000; n++)
		put(p, n % 300, 1 + n % 4, n + 1);
	assert_int_equal(pending_count(p), 300);
	pending_free(p);
	pending_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_most_urgent_first_then_in_order),
		cmocka_unit_test(a_newer_view_takes_the_place_of_the_older),
		cmocka_unit_test(one_that_became_urgent_goes_ahead),
		cmocka_unit_test(what_waits_is_freed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
