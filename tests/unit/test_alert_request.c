/* The options of the verb alert, read into a message. */
#include "tool/alert_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW_US 1795298678123456

static char why[ALERT_REQUEST_WHY_SIZE];

static bool read_words(struct alert_request *r, struct alert_words words)
{
	static struct alert_words kept; /* the request points into it */

	kept = words;
	return alert_request_read(r, &kept, (struct wall){ NOW_US }, why);
}

#define READ(r, ...) read_words((r), (struct alert_words){ __VA_ARGS__ })

static void test_nothing_said_is_a_panic_now(void **state)
{
	struct alert_request r;

	(void)state;
	assert_true(READ(&r, 0));
	assert_int_equal(r.message.body_case, TOCSIN__V1__SENDER_MESSAGE__BODY_ALERT);
	assert_ptr_equal(r.message.alert, &r.alert);
	assert_int_equal(r.alert.kind, TOCSIN__V1__KIND__KIND_PANIC);
	assert_int_equal(r.alert.occurred_at, NOW_US);
	assert_int_equal(strlen(r.alert.id), ID_TEXT_SIZE - 1);
	assert_null(r.alert.position);
	assert_null(r.alert.person);
	assert_int_equal(r.repeat, 1);
	assert_int_equal(r.timeout_ms, 10000);
	/* it can be packed as it stands */
	assert_true(tocsin__v1__sender_message__get_packed_size(&r.message) > ID_TEXT_SIZE);
}

static void test_alert(void **state)
{
	struct alert_request r;

	(void)state;
	assert_true(READ(&r, .kind = "relay", .id = "R-7", .at = "2026-11-21T23:04:38+01:00",
			 .practitioner = "10001234567", .person_name = "Exemple",
			 .person_number = "0199001234", .address = "12 rue Fictive",
			 .commune = "77288", .note = "menace", .exercise = true, .repeat = "3",
			 .timeout = "0.5", .follow = "2"));
	assert_int_equal(r.alert.kind, TOCSIN__V1__KIND__KIND_RELAY);
	assert_string_equal(r.alert.id, "R-7");
	assert_int_equal(r.alert.occurred_at, 1795298678000000);
	assert_string_equal(r.alert.practitioner, "10001234567");
	assert_string_equal(r.alert.person->name, "Exemple");
	assert_string_equal(r.alert.person->number, "0199001234");
	assert_string_equal(r.alert.address, "12 rue Fictive");
	assert_string_equal(r.alert.commune, "77288");
	assert_string_equal(r.alert.note, "menace");
	assert_true(r.alert.exercise);
	assert_int_equal(r.repeat, 3);
	assert_int_equal(r.timeout_ms, 500);
	assert_int_equal(r.follow_ms, 2000);
}

/* The position's time is now unless said, and can be left out. */
static void test_position(void **state)
{
	struct alert_request r;

	(void)state;
	assert_true(READ(&r, .lat = "48.54", .lon = "2.66", .accuracy = "20", .method = "gnss"));
	assert_non_null(r.alert.position);
	assert_true(r.alert.position->lat == 48.54 && r.alert.position->lon == 2.66);
	assert_true(r.alert.position->accuracy_m == 20);
	assert_int_equal(r.alert.position->fixed_at, NOW_US);
	assert_string_equal(r.alert.position->method, "gnss");
	assert_true(READ(&r, .lat = "91", .lon = "2.66", .fixed_at = "none", .at = "none"));
	assert_int_equal(r.alert.position->fixed_at, 0);
	assert_int_equal(r.alert.occurred_at, 0);
	assert_true(READ(&r, .accuracy = "20"));
	assert_null(r.alert.position);
}

static void test_call(void **state)
{
	struct alert_request r;

	(void)state;
	assert_true(READ(&r, .call = "abandoned", .number = "+33199001234", .centre = "cic-77",
			 .line = "17-2", .agent = "4", .lat = "48.5", .lon = "2.6", .id = "C-1"));
	assert_int_equal(r.message.body_case, TOCSIN__V1__SENDER_MESSAGE__BODY_CALL);
	assert_ptr_equal(r.message.call, &r.call);
	assert_int_equal(r.call.phase, TOCSIN__V1__PHASE__PHASE_ABANDONED);
	assert_string_equal(r.call.id, "C-1");
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
		struct alert_words words;
		const char *why; /* NULL: taken */
	} rows[] = {
		{ { .kind = "99" }, NULL },
		{ { .kind = "unknown" }, NULL },
		{ { .kind = "PANIC" }, "--kind" },
		{ { .kind = "-1" }, "--kind" },
		{ { .kind = "" }, "--kind" },
		{ { .call = "hung-up" }, "--call" },
		{ { .lat = "north", .lon = "2" }, "--lat" },
		{ { .lat = "48,5", .lon = "2" }, "--lat" },
		{ { .lat = "48", .lon = "" }, "--lon" },
		{ { .lat = "-91", .lon = "181" }, NULL },
		{ { .lat = "48.5" }, "go together" },
		{ { .lon = "2" }, "go together" },
		{ { .at = "yesterday" }, "--at" },
		{ { .at = "1970-01-01T00:00:00.001Z" }, NULL },
		{ { .repeat = "0" }, "--repeat" },
		{ { .timeout = "-1" }, "--timeout" },
		{ { .timeout = "nan" }, "--timeout" },
		{ { .follow = "1h" }, "--follow" },
	};
	struct alert_request r;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool good = read_words(&r, rows[i].words);
		if (good != (rows[i].why == NULL))
			fail_msg("row %zu: %s", i, good ? "taken" : why);
		if (!good && strstr(why, rows[i].why) == NULL)
			fail_msg("row %zu: %s", i, why);
		assert_int_equal(good, why[0] == '\0');
	}
	assert_true(READ(&r, .kind = "99"));
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
