/* The heap: the earliest is always first, whatever was moved or taken out, against a plain search.
 */
#include "support/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t random_state;

static uint64_t random_next(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1d;
}

static void test_basics(void **state)
{
	struct heap h;
	struct heap_node a = { 0 }, b = { 0 };

	(void)state;
	heap_init(&h);
	assert_null(heap_first(&h));
	heap_remove(&h, &a); /* is in no heap */
	assert_true(heap_set(&h, &a, (struct mono){ 20 }));
	assert_true(heap_set(&h, &b, (struct mono){ 30 }));
	assert_ptr_equal(heap_first(&h), &a);
	assert_true(heap_set(&h, &a, (struct mono){ 40 })); /* later: b overtakes */
	assert_ptr_equal(heap_first(&h), &b);
	assert_true(heap_set(&h, &a, (struct mono){ 10 })); /* and earlier again */
	assert_ptr_equal(heap_first(&h), &a);
	assert_int_equal(h.count, 2);
	heap_remove(&h, &a);
	heap_remove(&h, &a);
	assert_ptr_equal(heap_first(&h), &b);
	heap_remove(&h, &b);
	assert_null(heap_first(&h));
	assert_int_equal(b.place, 0);
	heap_done(&h);
}

/* "Never" must not come before everything else just because it is 0. */
static void test_never_is_in_no_heap(void **state)
{
	struct heap h;
	struct heap_node a = { 0 }, b = { 0 };

	(void)state;
	heap_init(&h);
	assert_true(heap_set(&h, &a, (struct mono){ 0 }));
	assert_null(heap_first(&h));
	assert_true(heap_set(&h, &a, (struct mono){ 5 }));
	assert_true(heap_set(&h, &b, (struct mono){ 6 }));
	assert_true(heap_set(&h, &a, (struct mono){ 0 }));
	assert_ptr_equal(heap_first(&h), &b);
	assert_int_equal(h.count, 1);
	heap_done(&h);
}

#define NODES 500

static void check(const struct heap *h, const struct heap_node *nodes)
{
	const struct heap_node *first = NULL;
	size_t inside = 0;

	for (int i = 0; i < NODES; i++) {
		if (nodes[i].place == 0)
			continue;
		inside++;
		assert_ptr_equal(h->nodes[nodes[i].place - 1], &nodes[i]);
		if (!first || nodes[i].due.ns < first->due.ns)
			first = &nodes[i];
	}
	assert_int_equal(h->count, inside);
	if (first)
		assert_int_equal(heap_first(h)->due.ns, first->due.ns);
	else
		assert_null(heap_first(h));
	for (size_t i = 1; i < h->count; i++)
		assert_true(h->nodes[(i - 1) / 2]->due.ns <= h->nodes[i]->due.ns);
}

static void test_against_a_search(void **state)
{
	static struct heap_node nodes[NODES];
	struct heap h;

	(void)state;
	random_state = 0x746f6373696e;
	heap_init(&h);
	for (int step = 0; step < 20000; step++) {
		struct heap_node *n = &nodes[random_next() % NODES];
		if (random_next() % 3 == 0)
			heap_remove(&h, n);
		else /* few different times, so that equal ones are common */
			assert_true(heap_set(&h, n,
			                     (struct mono){ 1 + (int64_t)(random_next() % 50) }));
		if (step % 10 == 0)
			check(&h, nodes);
	}
	int64_t last = 0;
	for (struct heap_node *n; (n = heap_first(&h)) != NULL; heap_remove(&h, n)) {
		assert_true(n->due.ns >= last);
		last = n->due.ns;
	}
	check(&h, nodes);
	heap_done(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_basics),
		cmocka_unit_test(test_never_is_in_no_heap),
		cmocka_unit_test(test_against_a_search),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
