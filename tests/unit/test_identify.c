#include "decide/identify.h"

#include "tests/unit/decide_rig.h"

static struct call call_of(const char *exchange, const char *number, const char *centre)
{
	struct call c = { .presented_to = centre_id(centre) };
	c.alert.kind = ALERT_CALL;
	c.alert.source = department_source(exchange);
	TEXT_COPY(c.alert.number, number);
	return c;
}

static bool is_person(const struct finding *f, unsigned n, const char *name)
{
	return n < f->people_count && strcmp(f->people[n].name, name) == 0;
}

static void a_call_matches_with_a_number_and_consent(void **state)
{
	static const struct {
		const char *exchange, *number, *centre;
		bool matches;
	} rows[] = {
		{ "exchange-cic", "06 39 98 00 01", "cic-77", true },
		{ "exchange-cic", "tel:+33-6-39-98-00-01", "corg-77", true },
		{ "exchange-cic", "0639980003", "cic-77", true },
		{ "exchange-cic", "0639980003", "corg-77", false }, /* no consent there */
		{ "exchange-corg", "0639980003", "", false },       /* the exchange's own centre */
		{ "exchange-cic", "0639980003", "", true },
		{ "exchange-corg", "0639980003", "cic-75", false }, /* no such centre: its own */
		{ "exchange-cic", "0639980003", "cic-75", true },
		{ "exchange-cic", "0639980005", "cic-77",
		  false }, /* consent in another department */
		{ "exchange-corg", "0199000020", "corg-77",
		  true }, /* the tenth on the line has it */
		{ "exchange-cic", "0639980077", "cic-77", false },
		{ "exchange-cic", "anonymous", "cic-77", false },
		{ "exchange-cic", "17", "cic-77", false },
		{ "exchange-cic", "", "cic-77", false },
	};
	struct rig *r = *state;
	for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
		struct call c = call_of(rows[n].exchange, rows[n].number, rows[n].centre);
		if (identify_call_matches(&r->world, &c) != rows[n].matches)
			fail_msg("%s at %s", rows[n].number, rows[n].centre);
	}
}

static void who_matches_is_who_is_shown(void **state)
{
	struct rig *r = *state;
	struct call c = call_of("exchange-corg", "0199000020", "corg-77");
	struct finding *f = rig_finding(r, "exchange-corg", ALERT_CALL);
	f->call = &c;
	TEXT_COPY(r->alert.number, "0199000020");
	identify(&r->world, f);
	assert_int_equal(f->people_count, 1);
	assert_true(is_person(f, 0, "Alix Dix"));
	assert_true(f->is_one_person);
	assert_true(rig_because(f, REASON_WHO_NO_CONSENT)); /* there are others, unnamed */
	assert_true(rig_because(f, REASON_WHO_NUMBER));
}

static void the_centre_of_a_call(void **state)
{
	struct rig *r = *state;
	struct call c = call_of("exchange-cic", "", "corg-91");
	assert_string_equal(identify_presented_to(&r->world, &c).text, "corg-91");
	c.presented_to = centre_id("cic-75");
	assert_string_equal(identify_presented_to(&r->world, &c).text, "cic-77");
	c.alert.source = department_source("gone");
	assert_string_equal(identify_presented_to(&r->world, &c).text, "cic-75");
	r->world.territory = NULL;
	c.alert.source = department_source("exchange-corg");
	assert_string_equal(identify_presented_to(&r->world, &c).text, "corg-77");
}

static void the_owner_of_a_device(void **state)
{
	struct rig *r = *state;
	struct finding *f = rig_finding(r, "bracelet-nguyen", ALERT_PANIC);
	identify(&r->world, f);
	assert_true(is_person(f, 0, "Hugo Nguyen"));
	assert_true(f->is_one_person);
	assert_string_equal(f->people[0].exposed, "menaces en 2025");
	assert_int_equal(f->people[0].number.digits, 33639980004);
	assert_true(rig_because(f, REASON_WHO_SOURCE_OWNER));
	assert_true(rig_because(f, REASON_WHO_EXPOSED));
	registry_remove_practitioner(r->registry, department_person("Hugo Nguyen"));
	f = rig_finding(r, "bracelet-nguyen", ALERT_PANIC);
	identify(&r->world, f);
	assert_int_equal(f->people_count, 0);
	assert_false(f->is_one_person);
	assert_true(rig_because(f, REASON_WHO_UNKNOWN));
}

/* The number that comes with the alarm says more than whose device it was. */
static void a_number_goes_before_the_owner(void **state)
{
	struct rig *r = *state;
	struct finding *f = rig_finding(r, "bracelet-martin", ALERT_PANIC);
	TEXT_COPY(r->alert.number, "0639980003");
	identify(&r->world, f);
	assert_int_equal(f->people_count, 1);
	assert_true(is_person(f, 0, "Lise Petit"));
	f = rig_finding(r, "bracelet-martin", ALERT_PANIC);
	TEXT_COPY(r->alert.number, "0639980077"); /* nobody's */
	identify(&r->world, f);
	assert_true(is_person(f, 0, "Anne Martin"));
}

static void a_crowded_line_shows_as_many_as_there_is_room_for(void **state)
{
	struct rig *r = *state;
	struct finding *f = rig_finding(r, "sos", ALERT_RELAY);
	TEXT_COPY(r->alert.number, "0199000020");
	identify(&r->world, f);
	assert_int_equal(f->people_count, INCIDENT_PEOPLE_MAX);
	assert_false(f->is_one_person);
	for (unsigned n = 0; n < f->reasons.count; n++)
		if (f->reasons.list[n].code == REASON_WHO_SHARED_NUMBER)
			assert_string_equal(f->reasons.list[n].detail, "10 personnes");
	assert_true(rig_because(f, REASON_WHO_SHARED_NUMBER));
}

static void name_and_number_together_are_one(void **state)
{
	static const struct {
		const char *name, *number, *first;
		unsigned people;
		bool is_one, is_stated;
	} rows[] = {
		{ "Paul Durand", "0199000010", "Paul Durand", 1, true, false },
		{ "paul durand", "0199000010", "Paul Durand", 1, true, false },
		{ "Alix Neuf", "0199000020", "Alix Neuf", 1, true, false },
		{ "Karim Locum", "0199000010", "Karim Locum", 3, false, true },
		{ "Karim Locum", "0639980099", "Karim Locum", 1, false, true },
		{ "Karim Locum", "", "Karim Locum", 1, false,
		  false }, /* a name alone is anybody's */
		{ "Karim Locum", "anonymous", "Karim Locum", 1, false, false },
	};
	struct rig *r = *state;
	for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
		struct finding *f = rig_finding(r, "sos", ALERT_RELAY);
		TEXT_COPY(r->alert.person_name, rows[n].name);
		TEXT_COPY(r->alert.person_number, rows[n].number);
		identify(&r->world, f);
		assert_int_equal(f->people_count, rows[n].people);
		assert_true(is_person(f, 0, rows[n].first));
		assert_int_equal(f->is_one_person, rows[n].is_one);
		assert_int_equal(f->is_stated_person, rows[n].is_stated);
	}
}

/* Reasons say how somebody was recognised, never who. */
static void reasons_bear_no_name(void **state)
{
	static const char *const sources[] = { "bracelet-martin", "sos", "platform" };
	struct rig *r = *state;
	for (size_t n = 0; n < sizeof sources / sizeof *sources; n++) {
		struct finding *f = rig_finding(r, sources[n], ALERT_PANIC);
		TEXT_COPY(r->alert.person_name, n == 1 ? "Anne Martin" : "");
		TEXT_COPY(r->alert.person_number, "0199000010");
		r->alert.rpps = n == 2 ? 10000000001 : 0;
		identify(&r->world, f);
		assert_true(f->people_count > 0);
		for (unsigned k = 0; k < f->reasons.count; k++)
			assert_null(strstr(f->reasons.list[k].detail, "Martin"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(a_call_matches_with_a_number_and_consent),
		RIG_TEST(who_matches_is_who_is_shown),
		RIG_TEST(the_centre_of_a_call),
		RIG_TEST(the_owner_of_a_device),
		RIG_TEST(a_number_goes_before_the_owner),
		RIG_TEST(a_crowded_line_shows_as_many_as_there_is_room_for),
		RIG_TEST(name_and_number_together_are_one),
		RIG_TEST(reasons_bear_no_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
