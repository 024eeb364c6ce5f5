#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "run/health.h"
#include "support/log.h"

static struct wall at(int64_t seconds)
{
	return (struct wall){ seconds * CLOCK_S_US };
}

static void a_state_says_since_when(void **state)
{
	(void)state;
	struct health h = { 0 };
	enum health_kind kind;
	assert_null(health_next(&h, 0, NULL));
	health_set(&h, HEALTH_POSTGRES_AWAY, true, "refused", at(10));
	health_set(&h, HEALTH_POSTGRES_AWAY, true, "timed out",
	           at(20)); /* the newest why, the first since */
	const struct health_state *s = health_next(&h, 0, &kind);
	assert_int_equal(kind, HEALTH_POSTGRES_AWAY);
	assert_int_equal(s->since.us, at(10).us);
	assert_string_equal(s->why, "timed out");
	health_set(&h, HEALTH_POSTGRES_AWAY, false, NULL, at(30));
	assert_null(health_next(&h, 0, NULL));
	health_set(&h, HEALTH_POSTGRES_AWAY, true, "", at(40));
	assert_int_equal(health_next(&h, 0, NULL)->since.us, at(40).us);
}

static void the_gravest_comes_first(void **state)
{
	(void)state;
	struct health h = { 0 };
	enum health_kind kind;
	health_set(&h, HEALTH_CERTIFICATE, true, "", at(1));
	health_set(&h, HEALTH_CLOCK, true, "", at(1));
	health_set(&h, HEALTH_JOURNAL_FAILING, true, "", at(2));
	assert_non_null(health_next(&h, 0, &kind));
	assert_int_equal(kind, HEALTH_JOURNAL_FAILING);
	assert_non_null(health_next(&h, 1, &kind));
	assert_int_equal(kind, HEALTH_CLOCK);
	assert_non_null(health_next(&h, 2, &kind));
	assert_null(health_next(&h, 3, &kind));
}

/* Ready: alarms can be taken, matched and shown. */
static void one_keeper_is_enough_to_be_ready(void **state)
{
	(void)state;
	const enum health_kind postgres[] = { HEALTH_POSTGRES_AWAY, HEALTH_POSTGRES_SCHEMA,
		                              HEALTH_POSTGRES_FOREIGN };
	for (size_t n = 0; n < 3; n++) {
		struct health h = { 0 };
		assert_true(health_is_ready(&h));
		health_set(&h, postgres[n], true, "", at(1));
		assert_true(health_is_ready(&h));
		health_set(&h, HEALTH_JOURNAL_FAILING, true, "", at(1));
		assert_false(health_is_ready(&h));
		health_set(&h, postgres[n], false, "", at(1));
		assert_true(health_is_ready(&h));
		health_set(&h, HEALTH_REGISTRY_MISSING, true, "", at(1));
		assert_false(health_is_ready(&h));
	}
}

static void every_state_has_its_words(void **state)
{
	(void)state;
	for (enum health_kind a = 0; a < HEALTH_KINDS; a++) {
		assert_true(strlen(health_name(a)) > 3);
		assert_true(strlen(health_sentence(a)) > 8);
		for (enum health_kind b = 0; b < a; b++)
			assert_string_not_equal(health_name(a), health_name(b));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_state_says_since_when),
		                            cmocka_unit_test(the_gravest_comes_first),
		                            cmocka_unit_test(one_keeper_is_enough_to_be_ready),
		                            cmocka_unit_test(every_state_has_its_words) };
	log_set_level(LOG_LEVEL_CRIT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
