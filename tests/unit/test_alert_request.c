/* The command line of the verb alert, read into a message. */
#include "tool/alert_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW_US 1795298678123456

static char why[ALERT_REQUEST_WHY_SIZE];

/* `line`: words separated by one space. */
static bool parse(struct alert_request *r, const char *line)
{
	static char words[512];
	static char *argv[40];
	int argc = 0;

	snprintf(words, sizeof words, "alert %s", line);
	for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	return alert_request_parse(r, argc, argv, (struct wall){ NOW_US }, why);
}

static void test_nothing_said_is_a_panic_now(void **state)
{
	struct alert_request r;

	(void)state;
	assert_true(parse(&r, ""));
	assert_int_equal(r.message.body_case, TOCSIN__V1__SENDER_MESSAGE__BODY_ALERT);
	assert_ptr_equal(r.message.alert, &r.alert);
	assert_int_equal(r.alert.kind, TOCSIN__V1__KIND__KIND_PANIC);
	assert_int_equal(r.alert.occurred_at, NOW_US);
	assert_int_equal(strlen(r.alert.id), ID_TEXT_SIZE - 1);
	assert_null(r.alert.position);
	assert_null(r.alert.person);
	assert_int_equal(r.repeat, 1);
	assert_int_equal(r.timeout_ms, 10000);
}

static void test_alert(void **state)
{
	struct alert_request r;

	(void)state;
	assert_true(parse(&r,
			  "--kind relay --id R-7 --at 2026-11-21T23:04:38+01:00 --practitioner "
			  "10001234567 --person-name Exemple --person-number 0199001234 --address "
			  "rue_Fictive --commune 77288 --note menace --exercise --repeat 3 "
			  "--timeout 0.5 --follow 2 --json --identity regulation"));
	assert_int_equal(r.alert.kind, TOCSIN__V1__KIND__KIND_RELAY);
	assert_string_equal(r.alert.id, "R-7");
	assert_int_equal(r.alert.occurred_at, 1795298678000000);
	assert_string_equal(r.alert.practitioner, "10001234567");
	assert_string_equal(r.alert.person->name, "Exemple");
	assert_string_equal(r.alert.person->number, "0199001234");
	assert_string_equal(r.alert.address, "rue_Fictive");
	assert_string_equal(r.alert.commune, "77288");
	assert_string_equal(r.alert.note, "menace");
	assert_true(r.alert.exercise);
	assert_int_equal(r.repeat, 3);
	assert_int_equal(r.timeout_ms, 500);
	assert_int_equal(r.follow_ms, 2000);
	assert_true(r.json);
	assert_string_equal(r.link.identity, "regulation");
}

/* The position's time is now unless said, and can be left out. */
static void test_position(void **state)
{
	struct alert_request r;

	(void)state;
	assert_true(parse(&r, "--lat 48.54 --lon 2.66 --accuracy 20 --method gnss"));
	assert_non_null(r.alert.position);
	assert_true(r.alert.position->lat == 48.54 && r.alert.position->lon == 2.66);
	assert_true(r.alert.position->accuracy_m == 20);
	assert_int_equal(r.alert.position->fixed_at, NOW_US);
	assert_string_equal(r.alert.position->method, "gnss");
	assert_true(parse(&r, "--lat 91 --lon 2.66 --fixed-at none --at none"));
	assert_int_equal(r.alert.position->fixed_at, 0);
	assert_true(parse(&r, "--accuracy 20"));
	assert_null(r.alert.position);
	assert_true(parse(&r, "--lat 91 --lon 2.66 --fixed-at none --at none"));
	assert_int_equal(r.alert.occurred_at, 0);
}

static void test_call(void **state)
{
	struct alert_request r;

	(void)state;
	assert_true(parse(&r, "--call abandoned --number +33199001234 --centre cic-77 --line 17-2 "
			      "--agent 4 --lat 48.5 --lon 2.6"));
	assert_int_equal(r.message.body_case, TOCSIN__V1__SENDER_MESSAGE__BODY_CALL);
	assert_ptr_equal(r.message.call, &r.call);
	assert_int_equal(r.call.phase, TOCSIN__V1__PHASE__PHASE_ABANDONED);
	assert_string_equal(r.call.number, "+33199001234");
	assert_string_equal(r.call.presented_to->centre, "cic-77");
	assert_string_equal(r.call.presented_to->line, "17-2");
	assert_string_equal(r.call.presented_to->agent, "4");
	assert_int_equal(r.call.at, NOW_US);
	assert_ptr_equal(r.call.position, &r.position);
}

/* What a later version or a broken sender would say can be sent; what is no value cannot. */
static void test_values(void **state)
{
	static const struct {
		const char *line;
		bool good;
	} rows[] = {
		{ "--kind 99", true },
		{ "--kind unknown", true },
		{ "--kind PANIC", false },
		{ "--kind -1", false },
		{ "--call hung-up", false },
		{ "--lat north --lon 2", false },
		{ "--lat 48,5 --lon 2", false },
		{ "--lat -91 --lon 181", true },
		{ "--lat 48.5", false },
		{ "--at yesterday", false },
		{ "--at 1970-01-01T00:00:00.001Z", true },
		{ "--repeat 0", false },
		{ "--timeout -1", false },
		{ "--timeout nan", false },
		{ "--kind", false },
		{ "--nonsense", false },
		{ "panic", false },
	};
	struct alert_request r;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool good = parse(&r, rows[i].line);
		if (good != rows[i].good)
			fail_msg("%s: %s", rows[i].line, good ? "taken" : why);
		assert_int_equal(good, why[0] == '\0');
	}
	assert_true(parse(&r, "--kind 99"));
	assert_int_equal(r.alert.kind, 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_said_is_a_panic_now),
		cmocka_unit_test(test_alert),
		cmocka_unit_test(test_position),
		cmocka_unit_test(test_call),
		cmocka_unit_test(test_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
