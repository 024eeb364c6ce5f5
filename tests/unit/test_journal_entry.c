#include "tool/journal_entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decide/alert.h"
#include "decide/event.h"
#include "decide/incident.h"
#include "proto/journal.pb-c.h"

#define SECRET "Dr Secret"

static uint8_t id_bytes[4][16];

static ProtobufCBinaryData id(unsigned n)
{
	memset(id_bytes[n], (int)(0x11 * (n + 1)), 16);
	return (ProtobufCBinaryData){ 16, id_bytes[n] };
}

/* A record with everything in it that a dump must not show. */
static size_t record(uint8_t *out)
{
	Tocsin__Journal__Record m = TOCSIN__JOURNAL__RECORD__INIT;
	Tocsin__Journal__Alert alert = TOCSIN__JOURNAL__ALERT__INIT;
	Tocsin__Journal__Call call = TOCSIN__JOURNAL__CALL__INIT;
	Tocsin__Journal__Act act = TOCSIN__JOURNAL__ACT__INIT;
	Tocsin__Journal__Incident incident = TOCSIN__JOURNAL__INCIDENT__INIT;
	Tocsin__Journal__Owner owner = TOCSIN__JOURNAL__OWNER__INIT;
	Tocsin__Journal__Status status = TOCSIN__JOURNAL__STATUS__INIT;
	Tocsin__Journal__People people = TOCSIN__JOURNAL__PEOPLE__INIT;
	Tocsin__Journal__Person person = TOCSIN__JOURNAL__PERSON__INIT;
	Tocsin__Journal__Person *persons[] = { &person };
	Tocsin__Journal__Incident *incidents[] = { &incident };
	Tocsin__Journal__Fix fix = TOCSIN__JOURNAL__FIX__INIT;
	fix.lat = 48.53999;
	alert.id = id(0);
	alert.source = id(1);
	alert.incident = id(2);
	alert.kind = ALERT_PANIC;
	alert.priority = 1;
	alert.received_at = 1795000000123000;
	alert.fix = &fix;
	alert.number = alert.person_name = alert.person_number = alert.address = alert.note =
	        SECRET;
	alert.ref = SECRET;
	alert.department = "77";
	call.phase = CALL_ABANDONED;
	call.presented_to = "cic-77";
	call.line = call.agent = SECRET;
	act.verb = ACT_TAKE;
	act.incident = id(2);
	act.operator_ = "op";
	act.centre = "cic-77";
	act.note = SECRET;
	owner.department = "77";
	owner.centre = "cic-77";
	owner.state = INCIDENT_TAKEN;
	owner.priority = 1;
	owner.kind = ALERT_PANIC;
	status.note = status.taken_by = SECRET;
	person.name = SECRET;
	people.list = persons;
	people.n_list = 1;
	incident.id = id(2);
	incident.revision = 4;
	incident.owner = &owner;
	incident.status = &status;
	incident.people = &people;
	m.at = 1795000000456000;
	m.alert = &alert;
	m.call = &call;
	m.act = &act;
	m.incidents = incidents;
	m.n_incidents = 1;
	return tocsin__journal__record__pack(&m, out);
}

static const char *text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void it_says_what_happened_and_to_whom_not_to_which_person(void **state)
{
	(void)state;
	uint8_t bytes[2048];
	char line[JOURNAL_ENTRY_LINE_SIZE];
	json_t *entry = journal_entry_json(bytes, record(bytes));
	assert_non_null(entry);
	assert_string_equal(text(entry, "at"), "2026-11-18T11:06:40.456Z");
	const json_t *alert = json_object_get(entry, "alert");
	assert_string_equal(text(alert, "id"), "11111111-1111-1111-1111-111111111111");
	assert_string_equal(text(alert, "source"), "22222222-2222-2222-2222-222222222222");
	assert_string_equal(text(alert, "kind"), "panic");
	assert_string_equal(text(alert, "received_at"), "2026-11-18T11:06:40.123Z");
	assert_true(json_is_null(json_object_get(alert, "occurred_at")));
	assert_string_equal(text(json_object_get(entry, "call"), "phase"), "abandoned");
	assert_string_equal(text(json_object_get(entry, "act"), "verb"), "take");
	assert_string_equal(text(json_object_get(entry, "act"), "operator"), "op");
	const json_t *incident = json_array_get(json_object_get(entry, "incidents"), 0);
	assert_string_equal(text(incident, "incident"), "33333333-3333-3333-3333-333333333333");
	assert_string_equal(text(incident, "state"), "taken");
	assert_int_equal(json_integer_value(json_object_get(incident, "revision")), 4);
	const json_t *changed = json_object_get(incident, "changed");
	assert_int_equal(json_array_size(changed), 2);
	assert_string_equal(json_string_value(json_array_get(changed, 0)), "status");
	assert_string_equal(json_string_value(json_array_get(changed, 1)), "people");
	char *all = json_dumps(entry, 0);
	assert_null(strstr(all, "Secret"));
	assert_null(strstr(all, "48.5"));
	free(all);
	journal_entry_line(entry, line);
	assert_non_null(strstr(line, "alert panic p1 11111111-"));
	assert_non_null(strstr(line, "r4 taken p1 at cic-77: status people"));
	assert_null(strstr(line, "Secret"));
	json_decref(entry);
}

static void an_empty_record_is_one(void **state)
{
	(void)state;
	char line[JOURNAL_ENTRY_LINE_SIZE];
	json_t *entry = journal_entry_json((const uint8_t *)"", 0);
	assert_non_null(entry);
	assert_int_equal(json_array_size(json_object_get(entry, "incidents")), 0);
	assert_string_equal(journal_entry_line(entry, line), "-");
	json_decref(entry);
}

static void other_bytes_are_none(void **state)
{
	(void)state;
	uint8_t bytes[2048];
	const size_t length = record(bytes);
	assert_null(journal_entry_json((const uint8_t *)"\xff\xff\xff", 3));
	assert_null(journal_entry_json(bytes, length - 1));
}

/* What no version of ours writes, and a flipped bit may. */
static void values_out_of_range_are_no_harm(void **state)
{
	(void)state;
	Tocsin__Journal__Record m = TOCSIN__JOURNAL__RECORD__INIT;
	Tocsin__Journal__Alert alert = TOCSIN__JOURNAL__ALERT__INIT;
	Tocsin__Journal__Call call = TOCSIN__JOURNAL__CALL__INIT;
	Tocsin__Journal__Act act = TOCSIN__JOURNAL__ACT__INIT;
	Tocsin__Journal__Incident incident = TOCSIN__JOURNAL__INCIDENT__INIT;
	Tocsin__Journal__Owner owner = TOCSIN__JOURNAL__OWNER__INIT;
	Tocsin__Journal__Incident *incidents[] = { &incident };
	uint8_t bytes[512];
	char line[JOURNAL_ENTRY_LINE_SIZE];
	m.at = UINT64_MAX;
	alert.kind = alert.priority = UINT32_MAX;
	alert.id = (ProtobufCBinaryData){ 3, id_bytes[0] };
	alert.received_at = INT64_MIN;
	alert.department = "\xc3(";
	call.phase = UINT32_MAX;
	act.verb = UINT32_MAX;
	owner.state = owner.kind = UINT32_MAX;
	incident.revision = UINT32_MAX;
	incident.owner = &owner;
	m.alert = &alert;
	m.call = &call;
	m.act = &act;
	m.incidents = incidents;
	m.n_incidents = 1;
	json_t *entry = journal_entry_json(bytes, tocsin__journal__record__pack(&m, bytes));
	assert_non_null(entry);
	assert_string_equal(text(json_object_get(entry, "alert"), "kind"), "unknown");
	assert_true(json_is_null(json_object_get(json_object_get(entry, "alert"), "id")));
	journal_entry_line(entry, line);
	json_decref(entry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_what_happened_and_to_whom_not_to_which_person),
		cmocka_unit_test(an_empty_record_is_one),
		cmocka_unit_test(other_bytes_are_none),
		cmocka_unit_test(values_out_of_range_are_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
