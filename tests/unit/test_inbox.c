#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "run/inbox.h"

static void events_come_out_in_order(void **state)
{
	(void)state;
	struct inbox *b = inbox_new();
	uint64_t in = 0, out = 0;
	assert_null(inbox_first(b));
	for (unsigned round = 0; round < 40; round++) {
		for (unsigned n = 0; n < 100 + round; n++)
			inbox_post(b)->asker.token = ++in;
		for (unsigned n = 0; n < 100 + round / 2; n++) {
			assert_int_equal(inbox_first(b)->asker.token, ++out);
			inbox_drop(b);
		}
	}
	assert_int_equal(inbox_count(b), in - out);
	inbox_free(b);
}

/* Full comes before the end, so that what cannot wait still has its place. */
static void it_is_full_with_a_reserve(void **state)
{
	(void)state;
	struct inbox *b = inbox_new();
	unsigned posted = 0;
	for (; !inbox_is_full(b); posted++)
		inbox_post(b);
	assert_int_equal(posted, INBOX_EVENTS - INBOX_RESERVE);
	for (; posted < INBOX_EVENTS; posted++)
		assert_non_null(inbox_post(b));
	inbox_drop(b);
	assert_non_null(inbox_post(b));
	inbox_free(b);
}

static void nothing_of_an_older_event_is_left(void **state)
{
	(void)state;
	struct inbox *b = inbox_new();
	for (unsigned n = 0; n < 3 * INBOX_EVENTS; n++) {
		struct event *e = inbox_post(b);
		assert_int_equal(e->asker.token, 0);
		assert_false(id_is_set(e->fresh.v));
		e->asker.token = 9;
		e->fresh.v.b[3] = 9;
		inbox_drop(b);
	}
	inbox_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(events_come_out_in_order),
		                            cmocka_unit_test(it_is_full_with_a_reserve),
		                            cmocka_unit_test(nothing_of_an_older_event_is_left) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
