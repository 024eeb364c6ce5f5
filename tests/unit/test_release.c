#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "push/view.h"
#include "run/release.h"

/* What left, in order: positive numbers are receipts, negative ones views. */
static struct {
	unsigned count;
	int64_t what[4096];
	bool recorded[4096];
} left;

static void port_receipt(void *owner, const struct effect *e, struct mono at)
{
	(void)owner;
	(void)at;
	left.what[left.count++] = (int64_t)e->position.number;
}

static void port_answer(void *owner, const struct effect *e)
{
	(void)owner;
	left.what[left.count++] = 1000000 + (int64_t)e->position.number;
}

static void port_tell(void *owner, struct sender_note *note)
{
	(void)owner;
	free(note);
	left.what[left.count++] = 2000000;
}

static void port_show(void *owner, struct view *v, bool recorded)
{
	(void)owner;
	left.recorded[left.count] = recorded;
	left.what[left.count++] = -(int64_t)v->position.number;
	view_unref(v);
}

static struct mono at_ms(int64_t ms)
{
	return (struct mono){ (1000 + ms) * CLOCK_MS_NS };
}

static struct position position(uint64_t number)
{
	return (struct position){ 1, 5, number };
}

static struct release *fresh(void)
{
	const struct release_ports ports = { NULL, port_receipt, port_answer, port_tell,
		                             port_show };
	left.count = 0;
	return release_new(&ports, 50);
}

static void put(struct release *r, uint64_t number, int64_t ms)
{
	struct incident i = { .position = position(number) };
	struct effect e = { .position = position(number) };
	assert_true(release_put_receipt(r, &e, at_ms(ms)));
	assert_true(release_put_view(r, view_new(&i, false, at_ms(ms), NULL, NULL),
	                             position(number), at_ms(ms)));
}

static void nothing_leaves_before_it_is_durable(void **state)
{
	(void)state;
	struct release *r = fresh();
	put(r, 1, 0);
	put(r, 2, 1);
	release_run(r, position(0), position(0), at_ms(10));
	assert_int_equal(left.count, 0);
	assert_int_equal(release_waiting(r), 2);
	release_run(r, position(1), position(1), at_ms(11));
	assert_int_equal(left.count, 2);
	assert_int_equal(left.what[0], -1); /* a person first */
	assert_true(left.recorded[0]);
	assert_int_equal(left.what[1], 1);
	release_run(r, position(2), position(2), at_ms(12));
	assert_int_equal(left.count, 4);
	assert_false(mono_is_set(release_next_wake(r)));
	release_free(r);
}

/* A sick disk never delays a human alarm, and never lets a receipt go. */
static void a_view_leaves_after_50_ms(void **state)
{
	(void)state;
	struct release *r = fresh();
	put(r, 1, 0);
	assert_int_equal(release_next_wake(r).ns, at_ms(50).ns);
	release_run(r, position(0), position(0), at_ms(49));
	assert_int_equal(left.count, 0);
	release_run(r, position(0), position(0), at_ms(50));
	assert_int_equal(left.count, 1);
	assert_int_equal(left.what[0], -1);
	assert_false(left.recorded[0]);
	release_run(r, position(0), position(0), at_ms(100000));
	assert_int_equal(left.count, 1);
	assert_int_equal(release_waiting(r), 1);
	release_free(r);
}

static void receipts_and_views_may_wait_for_different_keepers(void **state)
{
	(void)state;
	struct release *r = fresh();
	put(r, 1, 0);
	release_run(r, position(0), position(1), at_ms(1)); /* node has it, policy waits for both */
	assert_int_equal(left.count, 1);
	assert_true(left.recorded[0]);
	assert_int_equal(release_waiting(r), 1);
	release_free(r);
}

static void a_refusal_waits_for_nothing(void **state)
{
	(void)state;
	struct release *r = fresh();
	struct effect e = { .position = { 0 } };
	put(r, 1, 0);
	assert_true(release_put_answer(r, &e, at_ms(0)));
	assert_int_equal(left.count, 1);
	assert_int_equal(left.what[0], 1000000);
	release_free(r);
}

/* What an older epoch kept is durable: a repeat after a restart has its receipt at once. */
static void an_older_epoch_is_durable(void **state)
{
	(void)state;
	struct release *r = fresh();
	struct effect e = { .position = { 1, 4, 999 } };
	assert_true(release_put_receipt(r, &e, at_ms(0)));
	release_run(r, position(0), position(0), at_ms(0));
	assert_int_equal(left.count, 1);
	release_free(r);
}

static void order_is_kept_over_many(void **state)
{
	(void)state;
	struct release *r = fresh();
	uint64_t next = 1, durable = 0;
	for (unsigned round = 0; round < 60; round++) {
		for (unsigned n = 0; n < 17 + round; n++)
			put(r, next++, round);
		durable += 11 + round;
		left.count = 0;
		uint64_t before = durable - (11 + round);
		release_run(r, position(durable), position(durable), at_ms(round));
		for (unsigned n = 0; n < left.count; n++) {
			uint64_t number = n < left.count / 2 ? (uint64_t)-left.what[n]
			                                     : (uint64_t)left.what[n];
			assert_int_equal(number, before + 1 + n % (left.count / 2));
		}
	}
	release_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_leaves_before_it_is_durable),
		cmocka_unit_test(a_view_leaves_after_50_ms),
		cmocka_unit_test(receipts_and_views_may_wait_for_different_keepers),
		cmocka_unit_test(a_refusal_waits_for_nothing),
		cmocka_unit_test(an_older_epoch_is_durable),
		cmocka_unit_test(order_is_kept_over_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
