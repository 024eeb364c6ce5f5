#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fixture/department.h"
#include "tool/explain.h"

static void questions_are_checked(void **state)
{
	(void)state;
	char why[256];
	struct alert a;
	const struct explain_question bad[] = {
		{ .kind = "riot" },
		{ .lat = "48" },
		{ .lat = "91", .lon = "2" },
		{ .lat = "48", .lon = "x" },
		{ .lat = "48", .lon = "nan" },
		{ .accuracy = "-1" },
		{ .commune = "772" },
		{ .rpps = "12a" },
	};
	for (size_t n = 0; n < sizeof bad / sizeof *bad; n++) {
		assert_false(explain_alert(&bad[n], &a, why, sizeof why));
		assert_true(strlen(why) > 5);
	}
	struct explain_question good = { .number = "0639980001" };
	assert_true(explain_alert(&good, &a, why, sizeof why));
	assert_int_equal(a.kind, ALERT_CALL);
	good = (struct explain_question){ .lat = "48.5", .lon = "3.0", .accuracy = "20" };
	assert_true(explain_alert(&good, &a, why, sizeof why));
	assert_int_equal(a.kind, ALERT_PANIC);
	assert_true(a.has_fix && a.fix.accuracy_m == 20);
}

static const struct incident *ask(struct world *w, const struct explain_question *q,
                                  const char *source, const char *centre)
{
	static struct effects fx;
	char why[256];
	struct alert a;
	assert_true(explain_alert(q, &a, why, sizeof why));
	a.source = department_source(source);
	return explain_decide(w, &a, centre, &fx);
}

/* It is decide() that answers; here only that the question reaches it. */
static void it_answers_as_decide_would(void **state)
{
	(void)state;
	struct world w;
	struct rules rules;
	rules_default(&rules);
	rules.repeats_max = 1000;
	assert_true(world_init(&w, &rules, (struct position){ 1, 1, 1 }));
	w.registry = department_registry();
	w.territory = department_territory();
	const struct incident *i = ask(&w, &(struct explain_question){ 0 }, "bracelet-petit", NULL);
	assert_non_null(i);
	assert_string_equal(i->people[0].name, "Lise Petit");
	assert_string_equal(incident_owner(i).text, "corg-77");
	assert_int_equal(i->centres_count, 1); /* every centre is manned */
	struct explain_question unknown = { .number = "0639980077" };
	assert_null(ask(&w, &unknown, "exchange-cic", "cic-77"));
	struct explain_question known = { .number = "06 39 98 00 01" };
	i = ask(&w, &known, "exchange-cic", "cic-77");
	assert_non_null(i);
	assert_int_equal(i->priority, 2);
	registry_free(w.registry);
	territory_free(w.territory);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(questions_are_checked),
		                            cmocka_unit_test(it_answers_as_decide_would) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
