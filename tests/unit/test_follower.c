/* The loop's side of the follower, with no database: what it is given is kept, and it ends at once.
 * With one: tests/system/test_follower.py. */
#include "keep/follower.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct folder folder;

static struct follower *start(const char *conninfo, size_t queue_bytes)
{
	struct follower_settings s;
	char why[FOLLOWER_WHY_SIZE];

	follower_settings_default(&s);
	s.conninfo = conninfo;
	s.folder = &folder;
	s.epoch = 7;
	s.last = (struct position){ 1, 6, 40 };
	s.queue_bytes = queue_bytes;
	struct follower *f = follower_start(&s, why);
	if (f == NULL)
		fail_msg("%s", why);
	return f;
}

static void assert_stops(struct follower *f, int64_t drain_ms)
{
	struct mono begun = clock_mono();

	follower_stop(f, drain_ms);
	assert_true(mono_ms_between(begun, clock_mono()) < drain_ms + 1000);
}

static void test_conninfo_refused(void **state)
{
	struct follower_settings s;
	char why[FOLLOWER_WHY_SIZE];

	(void)state;
	follower_settings_default(&s);
	s.folder = &folder;
	s.conninfo = "host=db.example";
	assert_null(follower_start(&s, why));
	assert_non_null(strstr(why, "a name is not looked up"));
	follower_stop(NULL, 0);
}

static void test_keeps_what_is_not_durable(void **state)
{
	static const uint8_t bytes[1000];
	struct follower *f = start("host=/nonexistent", 100000);
	struct follower_status s;

	(void)state;
	for (uint64_t n = 1; n <= 300; n++) {
		follower_append(f, (struct position){ 1, 7, n }, bytes, sizeof bytes);
		follower_commit(f);
	}
	assert_true(follower_is_full(f));
	follower_status(f, &s);
	assert_int_equal(s.newest.number, 300);
	assert_int_equal(s.lag_records, 300);
	assert_true(s.lag_bytes >= 300 * sizeof bytes);
	assert_int_equal(follower_confirmed(f).number, 0);
	follower_durable(f, (struct position){ 1, 7, 300 });
	assert_false(follower_is_full(f));
	follower_status(f, &s);
	assert_true(s.lag_bytes < 200000);
	assert_int_equal(s.lag_records, 300); /* they are in the journal, and not in PostgreSQL */
	assert_stops(f, 0);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(follower_state_name(FOLLOWER_FOLLOWING), "following");
	assert_string_equal(follower_state_name(FOLLOWER_FOREIGN), "foreign");
	assert_string_equal(follower_state_name(FOLLOWER_STATES), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conninfo_refused),
		cmocka_unit_test(test_keeps_what_is_not_durable),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
