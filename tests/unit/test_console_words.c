/* The words that a dispatcher reads. */
#include "tool/console_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "decide/effect.h"
#include "decide/incident.h"

#define NOW_US 1795298678000000 /* 2026-11-21T22:04:38Z, 23:04:38 in Paris */
#define SECOND 1000000LL

static const struct wall now = { NOW_US };
static char out[CONSOLE_WORDS_SIZE];

static void test_age(void **state)
{
	static const struct {
		int64_t ago_s;
		const char *words;
	} rows[] = {
		{ 0, "0 s" },          { 59, "59 s" },
		{ 60, "1 min" },       { 3599, "59 min" },
		{ 3600, "1 h 00" },    { 11100, "3 h 05" },
		{ 172799, "47 h 59" }, { 172800, "2 j" },
		{ -1, "0 s" },         { -60, "heure future" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_string_equal(
			console_words_age(NOW_US - rows[i].ago_s * SECOND, now, out, sizeof out),
			rows[i].words);
}

static void test_time(void **state)
{
	(void)state;
	assert_string_equal(console_words_time(NOW_US, now, out, sizeof out), "23:04:38");
	assert_string_equal(console_words_time(NOW_US - 86400 * SECOND, now, out, sizeof out),
			    "20/11 23:04:38");
	/* after midnight in Paris it is another day, though not in UTC */
	assert_string_equal(console_words_time(NOW_US + 3600 * SECOND, now, out, sizeof out),
			    "22/11 00:04:38");
	assert_string_equal(console_words_time(1000000, now, out, sizeof out),
			    "01/01/1970 01:00:01");
	assert_string_equal(console_words_time(0, now, out, sizeof out), "heure inconnue");
	assert_string_equal(console_words_time(INT64_MAX, now, out, sizeof out),
			    "10/01/294247 05:00:54");
}

static void test_origin(void **state)
{
	static const struct {
		const char *origin, *precision, *method;
		bool has_point;
		double accuracy_m;
		int64_t ago_s; /* -1: not known */
		const char *words;
	} rows[] = {
		{ "live", "exact", "gnss", true, 20, 12,
		  "position en direct, ±20 m, il y a 12 s (gnss)" },
		{ "live", "exact", "", true, 0, -1,
		  "position en direct, précision inconnue, heure de mesure inconnue" },
		{ "live", "exact", "", true, 1500, -60,
		  "position en direct, ±1500 m, heure future" },
		{ "stated", "exact", "", true, 50, -1, "position indiquée, ±50 m" },
		{ "stated", "address", "", false, 0, -1, "adresse indiquée" },
		{ "stated", "commune", "", true, 0, -1, "commune indiquée" },
		{ "device-site", "address", "", false, 0, -1, "lieu d'installation de l'appareil" },
		{ "registered-site", "address", "", true, 0, -1,
		  "adresse enregistrée (hypothèse)" },
		{ "registered-site", "commune", "", true, 0, -1,
		  "adresse enregistrée (hypothèse), à la commune près" },
		{ "registered-site", "unknown", "", false, 0, -1,
		  "adresse enregistrée (hypothèse), précision inconnue" },
		{ "by-drone\033[2J", "exact", "", false, 0, -1, "by-drone·[2J" },
		{ "", "unknown", "", false, 0, -1, "lieu inconnu" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		Tocsin__V1__Place place = TOCSIN__V1__PLACE__INIT;
		place.origin = (char *)rows[i].origin, place.precision = (char *)rows[i].precision;
		place.method = (char *)rows[i].method, place.has_point = rows[i].has_point;
		place.accuracy_m = rows[i].accuracy_m;
		if (rows[i].ago_s != -1)
			place.fixed_at = NOW_US - rows[i].ago_s * SECOND;
		assert_string_equal(console_words_origin(&place, now, out, sizeof out),
				    rows[i].words);
	}
	assert_string_equal(console_words_origin(NULL, now, out, sizeof out), "lieu inconnu");
}

static void test_place(void **state)
{
	Tocsin__V1__Place place = TOCSIN__V1__PLACE__INIT;

	(void)state;
	assert_string_equal(console_words_place(NULL, out, sizeof out), "");
	assert_string_equal(console_words_place(&place, out, sizeof out), "");
	place.commune_name = "Melun";
	assert_string_equal(console_words_place(&place, out, sizeof out), "Melun");
	place.label = "12 rue Fictive";
	assert_string_equal(console_words_place(&place, out, sizeof out), "12 rue Fictive, Melun");
	place.label = "12 rue Fictive, 77000 Melun";
	assert_string_equal(console_words_place(&place, out, sizeof out),
			    "12 rue Fictive, 77000 Melun");
}

static void test_state(void **state)
{
	Tocsin__V1__Incident i = TOCSIN__V1__INCIDENT__INIT;

	(void)state;
	assert_string_equal(console_words_state(&i, out, sizeof out), "ÉTAT INCONNU");
	i.state = TOCSIN__V1__STATE__STATE_OPEN;
	assert_string_equal(console_words_state(&i, out, sizeof out), "À PRENDRE");
	i.state = TOCSIN__V1__STATE__STATE_TAKEN;
	i.taken_by = "A. Martin", i.taken_at_centre = "cic-77";
	assert_string_equal(console_words_state(&i, out, sizeof out),
			    "pris par A. Martin (cic-77)");
	i.state = TOCSIN__V1__STATE__STATE_ENGAGED;
	assert_string_equal(console_words_state(&i, out, sizeof out),
			    "forces engagées par A. Martin (cic-77)");
	i.state = TOCSIN__V1__STATE__STATE_CLOSED, i.disposition = "secours sur place";
	assert_string_equal(console_words_state(&i, out, sizeof out), "clos : secours sur place");
}

static void test_people(void **state)
{
	Tocsin__V1__Incident i = TOCSIN__V1__INCIDENT__INIT;
	Tocsin__V1__Person a = TOCSIN__V1__PERSON__INIT, b = TOCSIN__V1__PERSON__INIT;
	Tocsin__V1__Person *people[] = { &a, &b };

	(void)state;
	assert_string_equal(console_words_people(&i, out, sizeof out), "personne inconnue");
	a.name = "Dr Exemple", b.name = "Dr Modèle";
	i.practitioners = people, i.n_practitioners = 2;
	assert_string_equal(console_words_people(&i, out, sizeof out), "Dr Exemple ou Dr Modèle");
}

static void test_number(void **state)
{
	static const struct {
		const char *number, *words;
	} rows[] = {
		{ "+33199001234", "01 99 00 12 34" },
		{ "+3319900123", "+3319900123" },
		{ "+331990012345", "+331990012345" },
		{ "+33199001a34", "+33199001a34" },
		{ "+262199001234", "+262199001234" },
		{ "17", "17" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_string_equal(console_words_number(rows[i].number, out, sizeof out),
				    rows[i].words);
}

/* Whatever the protocol and the rules can say has French words. */
static void test_every_word_is_translated(void **state)
{
	const ProtobufCEnumDescriptor *kinds = &tocsin__v1__kind__descriptor;

	(void)state;
	for (unsigned i = 0; i < kinds->n_values; i++)
		if (kinds->values[i].value != TOCSIN__V1__KIND__KIND_UNKNOWN)
			assert_string_not_equal(
				console_words_kind((Tocsin__V1__Kind)kinds->values[i].value),
				"alerte de nature inconnue");
	assert_string_equal(console_words_kind((Tocsin__V1__Kind)99), "alerte de nature inconnue");
	for (int i = REFUSAL_NONE + 1; i < REFUSALS; i++) {
		const char *name = refusal_name((enum refusal)i);
		if (console_words_refusal(name) == name)
			fail_msg("no words for %s", name);
	}
	for (int i = CENTRE_OWNER; i <= CENTRE_ESCALATED; i++) {
		const char *name = centre_role_name((enum centre_role)i);
		assert_ptr_not_equal(console_words_role(name), name);
	}
	for (unsigned i = 0; i <= CALL_ABANDONED + 1; i++) {
		const char *name = incident_contact_name(i);
		assert_ptr_not_equal(console_words_contact(name), name);
	}
	assert_string_equal(console_words_refusal("new-reason"), "new-reason");
	assert_string_equal(console_words_level(0), "");
}

static void test_reason(void **state)
{
	bool is_doubt = true;

	(void)state;
	assert_string_equal(
		console_words_reason("route-commune: commune compétente (Melun)", &is_doubt),
		"commune compétente (Melun)");
	assert_false(is_doubt);
	assert_string_equal(console_words_reason("doubt-clock: heure douteuse", &is_doubt),
			    "heure douteuse");
	assert_true(is_doubt);
	assert_string_equal(console_words_reason("bare", &is_doubt), "bare");
}

static int set_zone(void **state)
{
	(void)state;
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1); /* needs no time zone files */
	tzset();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_age),    cmocka_unit_test(test_time),
		cmocka_unit_test(test_origin), cmocka_unit_test(test_place),
		cmocka_unit_test(test_state),  cmocka_unit_test(test_people),
		cmocka_unit_test(test_number), cmocka_unit_test(test_every_word_is_translated),
		cmocka_unit_test(test_reason),
	};
	return cmocka_run_group_tests(tests, set_zone, NULL);
}
