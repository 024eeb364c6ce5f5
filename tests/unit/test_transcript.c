/* Records as rows. The fields are looked up by the names that sql/0004_happened.sql gives them, so
 * that a field out of its place fails here before a database sees it. */
#include "keep/transcript.h"

#include <endian.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decide/effect.h"
#include "keep/record.h"
#include "support/text.h"

#define ROWS_TEXT 512

static char schema[65536]; /* the file */
static uint8_t bytes[RECORD_BYTES_MAX];
static const struct mono now = { 1000000000 };
static const struct wall wall = { 1795000000000000 };

static int read_schema(void **state)
{
	FILE *f = fopen(SOURCE_DIR "/sql/0004_happened.sql", "r");

	(void)state;
	if (f == NULL)
		return -1;
	schema[fread(schema, 1, sizeof schema - 1, f)] = '\0';
	fclose(f);
	return 0;
}

/* The place of a field in a CREATE TYPE … AS (…), from 0; *count: how many there are. */
static int place_of(const char *type, const char *name, unsigned *count)
{
	char begin[64], field[64];
	int place = -1;

	snprintf(begin, sizeof begin, "CREATE TYPE %s AS (", type);
	const char *at = strstr(schema, begin);
	assert_non_null(at);
	at += strlen(begin);
	const char *end = strstr(at, ");\n");
	assert_non_null(end);
	for (*count = 0; at < end; (*count)++) {
		assert_int_equal(sscanf(at, " %63s", field), 1);
		if (strcmp(field, name) == 0)
			place = (int)*count;
		at += strcspn(at, ",)") + 1;
	}
	return place;
}

static uint32_t u32(const uint8_t **at)
{
	uint32_t value;

	memcpy(&value, *at, sizeof value);
	*at += sizeof value;
	return be32toh(value);
}

static void show(char *out, uint32_t type, const uint8_t *at, uint32_t length)
{
	int64_t number = 0;

	for (uint32_t i = 0; i < length && i < 8; i++)
		number = (int64_t)((uint64_t)number << 8 | at[i]);
	if (type == 25)
		snprintf(out, ROWS_TEXT, "%.*s", (int)length, at);
	else if (type == 2950)
		snprintf(out, ROWS_TEXT, "#%u", at[15]);
	else if (type == 1184)
		snprintf(out, ROWS_TEXT, "%" PRId64, number + 946684800000000);
	else if (type == 701) {
		double d;
		memcpy(&d, &number, sizeof d);
		snprintf(out, ROWS_TEXT, "%g", d);
	} else if (type == 700) {
		float f;
		memcpy(&f, &(uint32_t){ (uint32_t)number }, sizeof f);
		snprintf(out, ROWS_TEXT, "%g", (double)f);
	} else
		snprintf(out, ROWS_TEXT, "%" PRId64, number);
}

static void show_array(char *out, const uint8_t *at)
{
	uint32_t dimensions = u32(&at), nulls = u32(&at), type = u32(&at);
	uint32_t count = dimensions > 0 ? u32(&at) : 0;

	assert_int_equal(nulls, 0);
	if (dimensions > 0)
		assert_int_equal(u32(&at), 1);
	strcpy(out, "{");
	for (uint32_t i = 0; i < count; i++) {
		char item[ROWS_TEXT];
		uint32_t length = u32(&at);
		show(item, type, at, length);
		at += length;
		text_add(out, ROWS_TEXT, "%s%s", i > 0 ? "," : "", item);
	}
	text_add(out, ROWS_TEXT, "}");
}

/* The field of a row, as text; "null" for none. */
static const char *get(const struct transcript *t, enum transcript_table table, unsigned row,
                       const char *name)
{
	static char out[ROWS_TEXT];
	const struct rows *r = transcript_rows(t, table);
	const uint8_t *at = r->bytes + 20;
	unsigned count;
	int place = place_of(transcript_type(table), name, &count);

	if (place < 0)
		fail_msg("%s has no %s", transcript_type(table), name);
	assert_true(row < r->count);
	for (; row > 0; row--) {
		uint32_t length = u32(&at);
		at += length;
	}
	u32(&at);
	assert_int_equal(u32(&at), count); /* each row has as many fields as its type */
	for (;; place--) {
		uint32_t type = u32(&at), length = u32(&at);
		if (place > 0) {
			at += length != UINT32_MAX ? length : 0;
			continue;
		}
		if (length == UINT32_MAX)
			strcpy(out, "null");
		else if (type == 1009 || type == 2951)
			show_array(out, at);
		else
			show(out, type, at, length);
		return out;
	}
}

#define assert_field(t, table, row, name, expected)                                                \
	assert_string_equal(get((t), (table), (row), (name)), (expected))

static struct id id(uint8_t n)
{
	return (struct id){ { 1, 0x90, [6] = 0x70, [8] = 0x80, [15] = n } };
}

static void add(struct transcript *t, struct effect *keep, uint64_t number)
{
	struct record_view view = { .position = { 1, 7, number }, .bytes = bytes };

	view.length = record_encode(keep, now, wall, bytes);
	assert_true(view.length > 0);
	assert_true(transcript_add(t, &view));
}

static void finish(struct transcript *t)
{
	static const uint32_t types[TRANSCRIPT_TABLES] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	assert_true(transcript_finish(t, types));
}

static unsigned count(const struct transcript *t, enum transcript_table table)
{
	return transcript_rows(t, table)->count;
}

static struct incident incident_of(uint8_t n)
{
	struct incident i = {
		.id.v = id(n),
		.revision = 3,
		.updated_at = { 1795000000000001 },
		.raised_at = { 1794999999000000 },
		.department = department_code("77"),
		.exercise = true,
		.kind = ALERT_DURESS,
		.priority = 1,
		.state = INCIDENT_TAKEN,
		.level = 2,
		.taken_since = { 1795000000000002 },
		.contact = CALL_ANSWERED + 1,
		.people_count = 2,
		.centres_count = 2,
		.related_count = 1,
		.alerts_total = 5,
	};

	TEXT_COPY(i.taken_by, "B. Exemple");
	i.taken_at = centre_id("cic-77");
	i.people[0].id.v = id(40);
	TEXT_COPY(i.people[0].name, "Dr Aline Exemple");
	TEXT_COPY(i.people[0].specialty, "pédiatrie");
	TEXT_COPY(i.people[0].exposed, "menaces");
	i.people[0].number.digits = 33639980001;
	TEXT_COPY(i.people[1].name, "Dr Remplaçant"); /* a locum: not registered */
	i.centres[0] = (struct centre_part){ centre_id("cic-77"), CENTRE_OWNER };
	i.centres[1] = (struct centre_part){ centre_id("corg-77"), CENTRE_ESCALATED };
	i.place = (struct place){ .origin = PLACE_STATED,
		                  .precision = PLACE_ADDRESS,
		                  .has_point = true,
		                  .fix = { .lat = 48.5, .lon = 2.5 },
		                  .commune = commune_code("77288") };
	TEXT_COPY(i.place.label, "12 rue Inventée");
	reasons_add(&i.reasons, REASON_WHO_STATED, "Dr Remplaçant");
	reasons_add(&i.reasons, REASON_ROUTE_COMMUNE, "Melun");
	i.related[0].v = id(90);
	return i;
}

static void assert_alert(const struct transcript *t)
{
	assert_int_equal(count(t, TRANSCRIPT_ALERTS), 1);
	assert_field(t, TRANSCRIPT_ALERTS, 0, "number", "42");
	assert_field(t, TRANSCRIPT_ALERTS, 0, "alert", "#1");
	assert_field(t, TRANSCRIPT_ALERTS, 0, "department", "77");
	assert_field(t, TRANSCRIPT_ALERTS, 0, "incident", "#30");
	assert_field(t, TRANSCRIPT_ALERTS, 0, "source", "#2");
	assert_field(t, TRANSCRIPT_ALERTS, 0, "ref", "press-1");
	assert_field(t, TRANSCRIPT_ALERTS, 0, "kind", "duress");
	assert_field(t, TRANSCRIPT_ALERTS, 0, "priority", "1");
	assert_field(t, TRANSCRIPT_ALERTS, 0, "exercise", "1");
	assert_field(t, TRANSCRIPT_ALERTS, 0, "doubts", "1");
	assert_field(t, TRANSCRIPT_ALERTS, 0, "received_at", "1795000000000000");
	assert_field(t, TRANSCRIPT_ALERTS, 0, "occurred_at", "null");
	assert_field(t, TRANSCRIPT_ALERTS, 0, "lon", "-2.5");
	assert_field(t, TRANSCRIPT_ALERTS, 0, "accuracy_m", "20");
	assert_field(t, TRANSCRIPT_ALERTS, 0, "method", "gnss");
	assert_field(t, TRANSCRIPT_ALERTS, 0, "commune", "null");
}

static void assert_revision(const struct transcript *t)
{
	assert_int_equal(count(t, TRANSCRIPT_REVISIONS), 1);
	assert_field(t, TRANSCRIPT_REVISIONS, 0, "number", "42");
	assert_field(t, TRANSCRIPT_REVISIONS, 0, "ordinal", "0");
	assert_field(t, TRANSCRIPT_REVISIONS, 0, "incident", "#30");
	assert_field(t, TRANSCRIPT_REVISIONS, 0, "revision", "3");
	assert_field(t, TRANSCRIPT_REVISIONS, 0, "at", "1795000000000000");
	assert_field(t, TRANSCRIPT_REVISIONS, 0, "department", "77");
	assert_field(t, TRANSCRIPT_REVISIONS, 0, "owner", "cic-77");
	assert_field(t, TRANSCRIPT_REVISIONS, 0, "state", "taken");
	assert_field(t, TRANSCRIPT_REVISIONS, 0, "level", "2");
	assert_field(t, TRANSCRIPT_REVISIONS, 0, "practitioners", "{#40}"); /* the registered one */
	assert_field(t, TRANSCRIPT_REVISIONS, 0, "centres", "{cic-77:owner,corg-77:escalated}");
	assert_field(t, TRANSCRIPT_REVISIONS, 0, "reasons", "{who-stated,route-commune}");
	assert_field(t, TRANSCRIPT_REVISIONS, 0, "commune", "77288");
	assert_field(t, TRANSCRIPT_REVISIONS, 0, "alerts_total", "5");
}

static void assert_incident(const struct transcript *t)
{
	assert_int_equal(count(t, TRANSCRIPT_INCIDENTS), 1);
	assert_field(t, TRANSCRIPT_INCIDENTS, 0, "incident", "#30");
	assert_field(t, TRANSCRIPT_INCIDENTS, 0, "updated_at", "1795000000000001");
	assert_field(t, TRANSCRIPT_INCIDENTS, 0, "raised_at", "1794999999000000");
	assert_field(t, TRANSCRIPT_INCIDENTS, 0, "source", "null");
	assert_field(t, TRANSCRIPT_INCIDENTS, 0, "renewed_at", "null");
	assert_field(t, TRANSCRIPT_INCIDENTS, 0, "taken_by", "B. Exemple");
	assert_field(t, TRANSCRIPT_INCIDENTS, 0, "taken_at", "cic-77");
	assert_field(t, TRANSCRIPT_INCIDENTS, 0, "taken_since", "1795000000000002");
	assert_field(t, TRANSCRIPT_INCIDENTS, 0, "contact", "answered");
	assert_field(t, TRANSCRIPT_INCIDENTS, 0, "origin", "stated");
	assert_field(t, TRANSCRIPT_INCIDENTS, 0, "precision", "address");
	assert_field(t, TRANSCRIPT_INCIDENTS, 0, "lat", "48.5");
	assert_field(t, TRANSCRIPT_INCIDENTS, 0, "accuracy_m", "null");
	assert_field(t, TRANSCRIPT_INCIDENTS, 0, "related", "{#90}");
	assert_field(t, TRANSCRIPT_INCIDENTS, 0, "alerts_total", "5");
}

static void assert_names_and_words(const struct transcript *t)
{
	assert_int_equal(count(t, TRANSCRIPT_NAMES), 2);
	assert_field(t, TRANSCRIPT_NAMES, 0, "practitioner", "#40");
	assert_field(t, TRANSCRIPT_NAMES, 0, "name", "Dr Aline Exemple");
	assert_field(t, TRANSCRIPT_NAMES, 0, "specialty", "pédiatrie");
	assert_field(t, TRANSCRIPT_NAMES, 0, "phone", "+33639980001");
	assert_field(t, TRANSCRIPT_NAMES, 0, "exposed", "menaces");
	assert_field(t, TRANSCRIPT_NAMES, 1, "ordinal", "1");
	assert_field(t, TRANSCRIPT_NAMES, 1, "practitioner", "null");
	assert_field(t, TRANSCRIPT_NAMES, 1, "phone", "null");

	/* The alert had no words; the place has an address. */
	assert_int_equal(count(t, TRANSCRIPT_WORDS), 1);
	assert_field(t, TRANSCRIPT_WORDS, 0, "ordinal", "1");
	assert_field(t, TRANSCRIPT_WORDS, 0, "address", "12 rue Inventée");
	assert_field(t, TRANSCRIPT_WORDS, 0, "note", "null");
	assert_int_equal(count(t, TRANSCRIPT_CALLS), 0);
	assert_int_equal(count(t, TRANSCRIPT_TRAIL), 0);
	assert_int_equal(count(t, TRANSCRIPT_SET_ASIDE), 0);
}

static void test_alert_and_incident(void **state)
{
	struct transcript *t = transcript_new();
	struct incident i = incident_of(30);
	struct alert a = { .id.v = id(1),
		           .source.v = id(2),
		           .ref = "press-1",
		           .kind = ALERT_DURESS,
		           .exercise = true,
		           .doubts = ALERT_DOUBT_CLOCK,
		           .received_at = { 1795000000000000 },
		           .has_fix = true,
		           .fix = {
		                   .lat = 48.5, .lon = -2.5, .accuracy_m = 20, .method = "gnss" } };
	struct effect keep = { .keep = { .alert = &a,
		                         .incident = i.id,
		                         .priority = 1,
		                         .incidents_count = 1,
		                         .incidents = { &i },
		                         .department = i.department } };

	(void)state;
	i.changed = GROUP_ALL;
	add(t, &keep, 42);
	finish(t);
	assert_alert(t);
	assert_revision(t);
	assert_incident(t);
	assert_names_and_words(t);
	transcript_free(t);
}

static void test_names_stand_in_two_tables_alone(void **state)
{
	struct transcript *t = transcript_new();
	struct incident i = incident_of(30);
	struct alert a = { .id.v = id(1),
		           .kind = ALERT_RELAY,
		           .received_at = wall,
		           .rpps = 10100000016,
		           .person_name = "Dr Remplaçant",
		           .person_number = "06 39 98 00 02",
		           .number = "06 39 98 00 03",
		           .address = "12 rue Inventée",
		           .note = "menace de Mort" };
	struct effect keep = { .keep = { .alert = &a,
		                         .incident = i.id,
		                         .incidents_count = 1,
		                         .incidents = { &i },
		                         .department = i.department } };
	static const char *const secrets[] = { "Exemple", "Rempla", "Invent",
		                               "39 98",   "+336",   "Mort" };

	(void)state;
	i.changed = GROUP_ALL & ~GROUP_STATUS; /* taken_by is an operator's name: incidents alone */
	add(t, &keep, 1);
	finish(t);
	assert_field(t, TRANSCRIPT_WORDS, 0, "caller", "06 39 98 00 03");
	assert_field(t, TRANSCRIPT_WORDS, 0, "rpps", "10100000016");
	assert_field(t, TRANSCRIPT_WORDS, 0, "person_name", "Dr Remplaçant");
	assert_field(t, TRANSCRIPT_WORDS, 0, "person_number", "06 39 98 00 02");
	assert_field(t, TRANSCRIPT_WORDS, 0, "note", "menace de Mort");
	for (unsigned table = 0; table < TRANSCRIPT_TABLES; table++) {
		const struct rows *r = transcript_rows(t, table);
		if (table == TRANSCRIPT_NAMES || table == TRANSCRIPT_WORDS)
			continue;
		for (size_t n = 0; n < sizeof secrets / sizeof secrets[0]; n++)
			if (memmem(r->bytes, r->used, secrets[n], strlen(secrets[n])) != NULL)
				fail_msg("\"%s\" in %s", secrets[n], transcript_name(table));
	}
	transcript_free(t);
}

static void test_changes_of_one_incident_are_merged(void **state)
{
	struct transcript *t = transcript_new();
	struct incident one = incident_of(30), other = incident_of(31);
	struct effect keep = { .keep = { .incidents_count = 2, .incidents = { &one, &other } } };

	(void)state;
	one.changed = other.changed = GROUP_ALL;
	add(t, &keep, 1);
	keep.keep.incidents_count = 1;
	one.state = INCIDENT_ENGAGED;
	one.revision = 4;
	one.taken_since.us = 0; /* cleared, which is not the same as unchanged */
	one.changed = GROUP_STATUS;
	add(t, &keep, 2);
	one.alerts_total = 6;
	one.changed = GROUP_ALERTS;
	add(t, &keep, 3);
	finish(t);
	assert_int_equal(count(t, TRANSCRIPT_REVISIONS), 4);
	assert_field(t, TRANSCRIPT_REVISIONS, 1, "ordinal", "1");
	assert_field(t, TRANSCRIPT_REVISIONS, 2, "level", "2");
	assert_field(t, TRANSCRIPT_REVISIONS, 2, "practitioners", "null"); /* unchanged */
	assert_field(t, TRANSCRIPT_REVISIONS, 3, "state", "engaged");
	assert_field(t, TRANSCRIPT_REVISIONS, 3, "level", "null");
	assert_int_equal(count(t, TRANSCRIPT_NAMES), 4); /* with the first record alone */
	assert_int_equal(count(t, TRANSCRIPT_INCIDENTS), 2);
	assert_field(t, TRANSCRIPT_INCIDENTS, 0, "incident", "#30");
	assert_field(t, TRANSCRIPT_INCIDENTS, 0, "number", "3");
	assert_field(t, TRANSCRIPT_INCIDENTS, 0, "revision", "4");
	assert_field(t, TRANSCRIPT_INCIDENTS, 0, "state", "engaged");
	assert_field(t, TRANSCRIPT_INCIDENTS, 0, "level", "2");
	assert_field(t, TRANSCRIPT_INCIDENTS, 0, "taken_since", "null");
	assert_field(t, TRANSCRIPT_INCIDENTS, 0, "practitioners", "{#40}");
	assert_field(t, TRANSCRIPT_INCIDENTS, 0, "alerts_total", "6");
	assert_field(t, TRANSCRIPT_INCIDENTS, 1, "incident", "#31");
	assert_field(t, TRANSCRIPT_INCIDENTS, 1, "number", "1");
	/* A batch after it knows nothing of it: all that did not change is null. */
	transcript_clear(t);
	one.changed = GROUP_ALERTS;
	add(t, &keep, 4);
	finish(t);
	assert_int_equal(count(t, TRANSCRIPT_INCIDENTS), 1);
	assert_int_equal(count(t, TRANSCRIPT_ALERTS), 0);
	static const char *const unchanged[] = { "raised_at",     "exercise", "level", "taken_by",
		                                 "practitioners", "origin",   "lat",   "centres",
		                                 "reasons",       "related" };
	for (size_t n = 0; n < sizeof unchanged / sizeof unchanged[0]; n++)
		assert_field(t, TRANSCRIPT_INCIDENTS, 0, unchanged[n], "null");
	assert_field(t, TRANSCRIPT_INCIDENTS, 0, "state", "engaged");
	transcript_free(t);
}

static void test_call(void **state)
{
	struct transcript *t = transcript_new();
	struct call call = { .alert = { .id.v = id(1),
		                        .kind = ALERT_CALL,
		                        .received_at = wall,
		                        .occurred_at = { 1794999000000000 },
		                        .number = "0639980001" },
		             .phase = CALL_ABANDONED,
		             .line = "17",
		             .agent = "poste 3",
		             .presented_to = centre_id("cic-77") };
	struct effect keep = {
		.keep = { .alert = &call.alert, .call = &call, .department = department_code("77") }
	};

	(void)state;
	add(t, &keep, 5);
	finish(t);
	assert_int_equal(count(t, TRANSCRIPT_ALERTS), 1);
	assert_field(t, TRANSCRIPT_ALERTS, 0, "incident", "null");
	assert_field(t, TRANSCRIPT_ALERTS, 0, "lat", "null");
	assert_field(t, TRANSCRIPT_CALLS, 0, "number", "5");
	assert_field(t, TRANSCRIPT_CALLS, 0, "phase", "abandoned");
	assert_field(t, TRANSCRIPT_CALLS, 0, "presented_to", "cic-77");
	assert_field(t, TRANSCRIPT_CALLS, 0, "agent", "poste 3");
	assert_field(t, TRANSCRIPT_CALLS, 0, "at", "1794999000000000");
	assert_field(t, TRANSCRIPT_WORDS, 0, "caller", "0639980001");
	transcript_free(t);
}

static void test_acts(void **state)
{
	struct transcript *t = transcript_new();
	struct act act = { .verb = ACT_TRANSFER,
		           .operator= "B. Exemple",
		           .centre = centre_id("cic-77"),
		           .note = "vers la gendarmerie",
		           .to = centre_id("corg-77"),
		           .alert.v = id(9) };
	struct effect keep = {
		.keep = { .act = &act, .incident.v = id(30), .department = department_code("77") }
	};

	(void)state;
	add(t, &keep, 6);
	act = (struct act){ .verb = ACT_SIGN_IN,
		            .operator= "C. Exemple",
		            .centre = centre_id("cic-77") };
	keep.keep.incident = (struct incident_id){ 0 };
	add(t, &keep, 7);
	finish(t);
	assert_int_equal(count(t, TRANSCRIPT_TRAIL), 2);
	assert_field(t, TRANSCRIPT_TRAIL, 0, "who", "B. Exemple");
	assert_field(t, TRANSCRIPT_TRAIL, 0, "via", "cic-77");
	assert_field(t, TRANSCRIPT_TRAIL, 0, "what", "transfer");
	assert_field(t, TRANSCRIPT_TRAIL, 0, "object", "incident");
	assert_field(t, TRANSCRIPT_TRAIL, 0, "object_id", "01900000-0000-7000-8000-00000000001e");
	assert_field(t, TRANSCRIPT_TRAIL, 0, "detail",
	             "to=corg-77 alert=01900000-0000-7000-8000-000000000009");
	assert_field(t, TRANSCRIPT_TRAIL, 0, "note",
	             "vers la gendarmerie"); /* hashed by the statement */
	assert_field(t, TRANSCRIPT_TRAIL, 1, "what", "sign-in");
	assert_field(t, TRANSCRIPT_TRAIL, 1, "object", "console");
	assert_field(t, TRANSCRIPT_TRAIL, 1, "object_id", "cic-77");
	assert_field(t, TRANSCRIPT_TRAIL, 1, "detail", "");
	assert_field(t, TRANSCRIPT_TRAIL, 1, "note", "null");
	assert_int_equal(count(t, TRANSCRIPT_WORDS), 1);
	assert_field(t, TRANSCRIPT_WORDS, 0, "note", "vers la gendarmerie");
	assert_field(t, TRANSCRIPT_WORDS, 0, "incident", "#30");
	transcript_free(t);
}

static void test_no_record(void **state)
{
	struct transcript *t = transcript_new();
	struct record_view view = { .position = { 1, 7, 8 },
		                    .bytes = (const uint8_t *)"\377\377",
		                    .length = 2 };

	(void)state;
	assert_false(transcript_add(t, &view));
	/* A call without its alert, and an incident without its id: nothing could be built on them.
	 */
	assert_false(transcript_add(
	        t, &(struct record_view){ view.position, 2, (const uint8_t *)"\x1a\0" }));
	assert_false(transcript_add(
	        t, &(struct record_view){ view.position, 2, (const uint8_t *)"\x2a\0" }));
	transcript_set_aside(t, &view, "22021", "because");
	finish(t);
	for (unsigned table = 0; table < TRANSCRIPT_SET_ASIDE; table++)
		assert_int_equal(count(t, table), 0);
	assert_int_equal(count(t, TRANSCRIPT_SET_ASIDE), 1);
	assert_field(t, TRANSCRIPT_SET_ASIDE, 0, "number", "8");
	assert_field(t, TRANSCRIPT_SET_ASIDE, 0, "sqlstate", "22021");
	assert_field(t, TRANSCRIPT_SET_ASIDE, 0, "reason", "because");
	transcript_free(t);
}

/* What a database would refuse, and what is no reason to set an alert aside. */
static void test_odd_values(void **state)
{
	struct transcript *t = transcript_new();
	struct alert a = { .id.v = id(1),
		           .kind = ALERT_PANIC,
		           .received_at = wall,
		           .has_fix = true,
		           .occurred_at = { INT64_MAX },
		           .fix = { .lat = 91, .lon = 2 } };
	struct effect keep = { .keep = { .alert = &a } };

	(void)state;
	add(t, &keep, 1);
	a.fix.lat = __builtin_nan("");
	a.occurred_at.us = INT64_MIN;
	a.received_at.us = 0;
	add(t, &keep, 2);
	finish(t);
	for (unsigned row = 0; row < 2; row++) {
		assert_field(t, TRANSCRIPT_ALERTS, row, "lat", "null");
		assert_field(t, TRANSCRIPT_ALERTS, row, "lon", "null");
		assert_field(t, TRANSCRIPT_ALERTS, row, "fixed_at", "null");
		assert_field(t, TRANSCRIPT_ALERTS, row, "kind", "panic");
	}
	assert_field(t, TRANSCRIPT_ALERTS, 1, "received_at",
	             "1795000000000000"); /* of the decision */
	transcript_free(t);
}

static void test_an_empty_batch(void **state)
{
	struct transcript *t = transcript_new();

	(void)state;
	finish(t);
	for (unsigned table = 0; table < TRANSCRIPT_TABLES; table++)
		assert_int_equal(count(t, table), 0);
	transcript_free(t);
	transcript_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alert_and_incident),
		cmocka_unit_test(test_names_stand_in_two_tables_alone),
		cmocka_unit_test(test_changes_of_one_incident_are_merged),
		cmocka_unit_test(test_call),
		cmocka_unit_test(test_acts),
		cmocka_unit_test(test_no_record),
		cmocka_unit_test(test_odd_values),
		cmocka_unit_test(test_an_empty_batch),
	};

	return cmocka_run_group_tests(tests, read_schema, NULL);
}
