/* An incident as JSON: the whole line, the rules of null, and hostile text. */
#include "tool/incident_json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RAISED_AT 1795298678123456 /* 2026-11-21T22:04:38.123456Z */

static void test_whole_line(void **state)
{
	Tocsin__V1__Person person = TOCSIN__V1__PERSON__INIT;
	Tocsin__V1__Person *people[] = { &person };
	Tocsin__V1__Centre owner = TOCSIN__V1__CENTRE__INIT, informed = TOCSIN__V1__CENTRE__INIT;
	Tocsin__V1__Centre *centres[] = { &owner, &informed };
	Tocsin__V1__Place place = TOCSIN__V1__PLACE__INIT;
	Tocsin__V1__Adviser adviser = TOCSIN__V1__ADVISER__INIT;
	Tocsin__V1__AlertSummary alert = TOCSIN__V1__ALERT_SUMMARY__INIT;
	Tocsin__V1__AlertSummary *alerts[] = { &alert };
	Tocsin__V1__Incident i = TOCSIN__V1__INCIDENT__INIT;
	char *reasons[] = { "route-commune: commune compétente (Melun)",
			    "doubt-clock: heure douteuse" };
	char *candidates[] = { "Cabinet 2" };
	char *related[] = { "0192aa00-0000-7000-8000-0000000000ff" };

	(void)state;
	person.id = "0192aa00-0000-7000-8000-000000000001", person.name = "Dr Camille Exemple";
	person.specialty = "médecine générale", person.number = "+33199001234";
	owner.id = "cic-77", owner.role = "owner", informed.id = "corg-77",
	informed.role = "informed";
	place.lat = 48.54, place.lon = 2.66, place.accuracy_m = 20, place.has_point = 1;
	place.precision = "exact", place.origin = "live", place.fixed_at = RAISED_AT;
	place.method = "gnss", place.label = "12 rue \"Fictive\"", place.commune = "77288";
	place.commune_name = "Melun", place.candidates = candidates, place.n_candidates = 1;
	adviser.name = "Major Fictif", adviser.number = "+33199005678";
	alert.alert = "0192aa00-0000-7000-8000-000000000002";
	alert.source = "0192aa00-0000-7000-8000-000000000003";
	alert.kind = TOCSIN__V1__KIND__KIND_PANIC, alert.received_at = RAISED_AT;
	i.incident = "0192aa00-0000-7000-8000-000000000004", i.revision = 3, i.position = "1:7:42";
	i.department = "77", i.priority = 1, i.kind = TOCSIN__V1__KIND__KIND_PANIC;
	i.state = TOCSIN__V1__STATE__STATE_TAKEN, i.recorded = 1, i.raised_at = RAISED_AT;
	i.updated_at = RAISED_AT + 2000, i.practitioners = people, i.n_practitioners = 1;
	i.centres = centres, i.n_centres = 2, i.place = &place, i.adviser = &adviser;
	i.reasons = reasons, i.n_reasons = 2, i.alerts_total = 1, i.alerts = alerts, i.n_alerts = 1;
	i.related = related, i.n_related = 1, i.level = 2, i.taken_by = "Agent Fictif";
	i.taken_at_centre = "cic-77", i.note = "appelé", i.cancels = 1;
	char *line = incident_json_line(&i);
	assert_non_null(line);
	assert_string_equal(
		line,
		"{\"incident\":\"0192aa00-0000-7000-8000-000000000004\",\"revision\":3,"
		"\"position\":\"1:7:42\",\"department\":\"77\",\"priority\":1,\"kind\":\"panic\","
		"\"state\":\"taken\",\"recorded\":true,\"raised_at\":\"2026-11-21T22:04:38.123Z\","
		"\"updated_at\":\"2026-11-21T22:04:38.125Z\","
		"\"practitioners\":[{\"id\":\"0192aa00-0000-7000-8000-000000000001\","
		"\"name\":\"Dr Camille Exemple\",\"specialty\":\"médecine générale\","
		"\"number\":\"+33199001234\",\"exposed\":null}],"
		"\"centres\":[{\"id\":\"cic-77\",\"role\":\"owner\"},"
		"{\"id\":\"corg-77\",\"role\":\"informed\"}],"
		"\"place\":{\"lat\":48.54,\"lon\":2.66,\"accuracy_m\":20,\"precision\":\"exact\","
		"\"origin\":\"live\",\"fixed_at\":\"2026-11-21T22:04:38.123Z\",\"method\":\"gnss\","
		"\"label\":\"12 rue \\\"Fictive\\\"\",\"commune\":\"77288\","
		"\"commune_name\":\"Melun\",\"candidates\":[\"Cabinet 2\"]},"
		"\"adviser\":{\"name\":\"Major Fictif\",\"number\":\"+33199005678\"},"
		"\"reasons\":[\"route-commune: commune compétente (Melun)\","
		"\"doubt-clock: heure douteuse\"],"
		"\"alerts_total\":1,\"alerts\":[{\"alert\":\"0192aa00-0000-7000-8000-000000000002\","
		"\"source\":\"0192aa00-0000-7000-8000-000000000003\",\"kind\":\"panic\","
		"\"received_at\":\"2026-11-21T22:04:38.123Z\",\"occurred_at\":null}],"
		"\"renewed_at\":null,\"related\":[\"0192aa00-0000-7000-8000-0000000000ff\"],"
		"\"contact\":\"none\",\"exercise\":false,\"level\":2,\"taken_by\":\"Agent Fictif\","
		"\"taken_at_centre\":\"cic-77\",\"disposition\":null,\"note\":\"appelé\","
		"\"cancels\":1,\"offered_by\":null}");
	free(line);
}

/* Every field of the message has its key, whatever the proto grows, and has it when it is empty. */
static void test_every_field_has_its_key(void **state)
{
	Tocsin__V1__Incident empty = TOCSIN__V1__INCIDENT__INIT;
	const ProtobufCMessageDescriptor *d = &tocsin__v1__incident__descriptor;

	(void)state;
	json_t *object = incident_json(&empty);
	assert_non_null(object);
	for (unsigned i = 0; i < d->n_fields; i++)
		if (json_object_get(object, d->fields[i].name) == NULL)
			fail_msg("no key %s", d->fields[i].name);
	json_t *place = json_object_get(object, "place");
	d = &tocsin__v1__place__descriptor;
	for (unsigned i = 0; i < d->n_fields; i++)
		if (strcmp(d->fields[i].name, "has_point") != 0 &&
		    json_object_get(place, d->fields[i].name) == NULL)
			fail_msg("no key place.%s", d->fields[i].name);
	json_decref(object);
}

static void test_nulls(void **state)
{
	static const char *const null_when_empty[] = { "incident",   "position",  "priority",
						       "state",      "raised_at", "adviser",
						       "renewed_at", "taken_by" };
	Tocsin__V1__Incident empty = TOCSIN__V1__INCIDENT__INIT;

	(void)state;
	json_t *object = incident_json(&empty);
	for (size_t i = 0; i < sizeof null_when_empty / sizeof null_when_empty[0]; i++)
		assert_true(json_is_null(json_object_get(object, null_when_empty[i])));
	json_t *place = json_object_get(object, "place");
	assert_true(json_is_null(json_object_get(place, "lat")));
	assert_true(json_is_null(json_object_get(place, "origin")));
	assert_string_equal(json_string_value(json_object_get(place, "precision")), "unknown");
	assert_string_equal(json_string_value(json_object_get(object, "kind")), "unknown");
	assert_string_equal(json_string_value(json_object_get(object, "contact")), "none");
	assert_int_equal(json_array_size(json_object_get(object, "alerts")), 0);
	assert_true(json_is_array(json_object_get(object, "related")));
	json_decref(object);
}

/* A point on the equator is a point; an accuracy that nobody gave is not a radius of zero. */
static void test_points(void **state)
{
	Tocsin__V1__Place place = TOCSIN__V1__PLACE__INIT;
	Tocsin__V1__Incident i = TOCSIN__V1__INCIDENT__INIT;

	(void)state;
	i.place = &place;
	place.has_point = 1;
	place.lon = -61.4637251;
	char *line = incident_json_line(&i);
	assert_non_null(strstr(line, "\"lat\":0,\"lon\":-61.4637251,\"accuracy_m\":null"));
	free(line);
	place.lat = NAN;
	line = incident_json_line(&i);
	assert_non_null(strstr(line, "\"lat\":null"));
	free(line);
}

static void test_hostile(void **state)
{
	Tocsin__V1__Incident i = TOCSIN__V1__INCIDENT__INIT;
	char *reasons[] = { "caf\351", "\"},{\"x\":\"\n" };

	(void)state;
	i.reasons = reasons;
	i.n_reasons = 2;
	i.contact = "\377";
	i.kind = (Tocsin__V1__Kind)99;
	i.state = (Tocsin__V1__State)99;
	i.priority = 77;
	char *line = incident_json_line(&i);
	assert_non_null(line);
	assert_null(strchr(line, '\n'));
	json_t *back = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(back);
	json_t *list = json_object_get(back, "reasons");
	assert_string_equal(json_string_value(json_array_get(list, 0)), "caf\357\277\275");
	assert_string_equal(json_string_value(json_array_get(list, 1)), reasons[1]);
	assert_string_equal(json_string_value(json_object_get(back, "contact")), "\357\277\275");
	assert_string_equal(json_string_value(json_object_get(back, "kind")), "unknown");
	assert_true(json_is_null(json_object_get(back, "state")));
	assert_true(json_is_null(json_object_get(back, "priority")));
	json_decref(back);
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_line), cmocka_unit_test(test_every_field_has_its_key),
		cmocka_unit_test(test_nulls),      cmocka_unit_test(test_points),
		cmocka_unit_test(test_hostile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
