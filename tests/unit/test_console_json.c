/* A console for programs: what goes to standard output, and what does not. */
#include "tool/console_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static char *out_text, *err_text;

/* The two streams after one message. */
static void print(const Tocsin__V1__DeskMessage *m)
{
	size_t out_size, err_size;
	free(out_text), free(err_text);
	FILE *out = open_memstream(&out_text, &out_size),
	     *err = open_memstream(&err_text, &err_size);

	assert_true(console_json_message(out, err, m));
	fclose(out), fclose(err);
}

static void test_incident(void **state)
{
	Tocsin__V1__DeskMessage m = TOCSIN__V1__DESK_MESSAGE__INIT;
	Tocsin__V1__Incident i = TOCSIN__V1__INCIDENT__INIT;

	(void)state;
	i.incident = "x", i.note = "a\nb";
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_INCIDENT, m.incident = &i;
	print(&m);
	assert_string_equal(err_text, "");
	assert_ptr_equal(strchr(out_text, '\n'), out_text + strlen(out_text) - 1);
	json_t *o = json_loads(out_text, JSON_REJECT_DUPLICATES, NULL);
	assert_string_equal(json_string_value(json_object_get(o, "incident")), "x");
	json_decref(o);
}

static void test_others(void **state)
{
	Tocsin__V1__DeskMessage m = TOCSIN__V1__DESK_MESSAGE__INIT;
	Tocsin__V1__ConsoleWelcome w = TOCSIN__V1__CONSOLE_WELCOME__INIT;
	Tocsin__V1__Begin begin = TOCSIN__V1__BEGIN__INIT;
	Tocsin__V1__End end = TOCSIN__V1__END__INIT;
	Tocsin__V1__Recorded recorded = TOCSIN__V1__RECORDED__INIT;
	Tocsin__V1__Answer a = TOCSIN__V1__ANSWER__INIT;
	Tocsin__V1__DeskHeartbeat h = TOCSIN__V1__DESK_HEARTBEAT__INIT;
	char *degraded[] = { "base" };

	(void)state;
	w.centre = "cic-77", w.heartbeat_s = 10, w.server_time = 1795298678123456;
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_WELCOME, m.welcome = &w;
	print(&m);
	assert_string_equal(out_text, "");
	assert_string_equal(err_text, "{\"type\":\"welcome\",\"node\":null,\"centre\":\"cic-77\","
				      "\"centre_name\":null,\"department\":null,\"server_time\":"
				      "\"2026-11-21T22:04:38.123Z\",\"heartbeat_s\":10,"
				      "\"resumed\":false}\n");
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_BEGIN, m.begin = &begin;
	print(&m);
	assert_string_equal(err_text, "{\"type\":\"begin\"}\n");
	end.position = "1:7:42";
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_END, m.end = &end;
	print(&m);
	assert_string_equal(err_text, "{\"type\":\"end\",\"position\":\"1:7:42\"}\n");
	recorded.position = "1:7:43";
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_RECORDED, m.recorded = &recorded;
	print(&m);
	assert_string_equal(err_text, "{\"type\":\"recorded\",\"position\":\"1:7:43\"}\n");
	a.ref = "3", a.reason = "wrong-state", a.incident = "x", a.revision = 7;
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_ANSWER, m.answer = &a;
	print(&m);
	assert_string_equal(err_text,
			    "{\"type\":\"answer\",\"ref\":\"3\",\"done\":false,\"reason\":"
			    "\"wrong-state\",\"incident\":\"x\",\"revision\":7}\n");
	h.degraded = degraded, h.n_degraded = 1, h.position = "1:7:43";
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_HEARTBEAT, m.heartbeat = &h;
	print(&m);
	assert_string_equal(err_text, "{\"type\":\"heartbeat\",\"server_time\":null,\"position\":"
				      "\"1:7:43\",\"degraded\":[\"base\"]}\n");
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY__NOT_SET;
	print(&m);
	assert_string_equal(err_text, "");
}

static void test_sentences(void **state)
{
	size_t size;
	free(err_text);
	FILE *err = open_memstream(&err_text, &size);

	(void)state;
	assert_true(console_json_lost(err, "coupée"));
	assert_true(console_json_said(err, "n° 7 : inconnu"));
	fclose(err);
	assert_string_equal(err_text, "{\"type\":\"lost\",\"reason\":\"coupée\"}\n"
				      "{\"type\":\"said\",\"text\":\"n° 7 : inconnu\"}\n");
}

/* A reader that went away is noticed. */
static void test_nobody_reads(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	Tocsin__V1__DeskMessage m = TOCSIN__V1__DESK_MESSAGE__INIT;
	Tocsin__V1__Incident i = TOCSIN__V1__INCIDENT__INIT;

	(void)state;
	assert_non_null(full);
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_INCIDENT, m.incident = &i;
	assert_false(console_json_message(full, full, &m));
	fclose(full);
}

static int free_texts(void **state)
{
	(void)state;
	free(out_text), free(err_text);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_incident),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_nobody_reads),
	};
	return cmocka_run_group_tests(tests, NULL, free_texts);
}
