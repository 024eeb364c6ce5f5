#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tool/person.h"

/* What goes to the database is looked at in tests/system/test_registry_tool.py. */

static char why[PERSON_WHY_SIZE];

static void test_rpps(void **state)
{
	static const struct {
		const char *rpps;
		bool is_valid;
	} rows[] = {
		{ "10100000016", true }, { "10100000017", false }, /* the check digit */
		{ "10000000009", true }, { "99700000000", false },  { "00100000017", false },
		{ "1010000001", false }, { "101000000160", false }, { "1010000001x", false },
		{ "", false },           { " 0100000016", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (person_rpps_is_valid(rows[i].rpps) != rows[i].is_valid)
			fail_msg("%s", rows[i].rpps);
	/* One digit that is wrong, wherever it stands, shows. */
	for (unsigned at = 0; at < 11; at++) {
		for (char digit = '0'; digit <= '9'; digit++) {
			char rpps[] = "10100000016";
			rpps[at] = digit;
			assert_int_equal(person_rpps_is_valid(rpps), digit == "10100000016"[at]);
		}
	}
}

static void test_numbers(void **state)
{
	struct registration *p = calloc(1, sizeof(*p));

	(void)state;
	assert_true(person_add_numbers(p, " 06 39 98 00 01 ,+33 (0)6 39 98 00 02,, 0639980001 ",
	                               false, why));
	assert_true(person_add_numbers(p, "01.99.00.00.01", true, why));
	assert_true(person_add_numbers(p, "", true, why));
	assert_int_equal(p->numbers_count, 3);
	assert_string_equal(p->numbers[0].number, "+33639980001");
	assert_string_equal(p->numbers[1].number, "+33639980002");
	assert_string_equal(p->numbers[2].number, "+33199000001");
	assert_false(p->numbers[0].shared);
	assert_true(p->numbers[2].shared);
	static const char *const none[] = { "17", "anonymous", "12", "x" };
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		assert_false(person_add_numbers(p, none[i], false, why));
		assert_non_null(strstr(why, none[i]));
	}
	for (unsigned i = 3; i <= REGISTRY_NUMBERS_MAX; i++) {
		char number[24];
		snprintf(number, sizeof(number), "06399801%02u", i);
		assert_int_equal(person_add_numbers(p, number, false, why),
		                 i < REGISTRY_NUMBERS_MAX);
	}
	free(p);
}

static void test_consents(void **state)
{
	struct registration *p = calloc(1, sizeof(*p));

	(void)state;
	assert_true(person_add_consents(p, "cic-77, corg-77,cic-77", why));
	assert_int_equal(p->consents_count, 2);
	assert_string_equal(p->consents[0].text, "cic-77");
	assert_string_equal(p->consents[1].text, "corg-77");
	assert_false(person_add_consents(p, "a-centre-with-a-name-that-is-too-long", why));
	for (unsigned i = 2; i <= REGISTRY_CONSENTS_MAX; i++) {
		char centre[24];
		snprintf(centre, sizeof(centre), "cic-%u", i);
		assert_int_equal(person_add_consents(p, centre, why), i < REGISTRY_CONSENTS_MAX);
	}
	free(p);
}

static void test_sites(void **state)
{
	static const struct person_site fine = { .label = "Cabinet",
		                                 .address = "1 rue Inventée",
		                                 .commune = "2A004" };
	struct registration *p = calloc(1, sizeof(*p));
	struct person_site s = fine;

	(void)state;
	assert_true(person_add_site(p, &s, why));
	assert_true(person_add_site(p, &s, why)); /* the same again */
	assert_int_equal(p->sites_count, 1);
	snprintf(s.commune, sizeof(s.commune), "77000 Melun");
	assert_false(person_add_site(p, &s, why));
	assert_non_null(strstr(why, "INSEE"));
	s = fine;
	s.label[0] = '\0';
	assert_false(person_add_site(p, &s, why));
	s = fine;
	snprintf(s.lat, sizeof(s.lat), "48.5");
	assert_false(person_add_site(p, &s, why)); /* half a point */
	snprintf(s.lon, sizeof(s.lon), "2,6");
	assert_false(person_add_site(p, &s, why));
	snprintf(s.lon, sizeof(s.lon), "nan");
	assert_false(person_add_site(p, &s, why));
	snprintf(s.lon, sizeof(s.lon), "2.6");
	snprintf(s.address, sizeof(s.address), "autre");
	assert_true(person_add_site(p, &s, why));
	assert_int_equal(p->sites_count, 2);
	snprintf(s.access, sizeof(s.access), "a\033b");
	assert_false(person_add_site(p, &s, why));
	free(p);
}

static void test_complete(void **state)
{
	struct registration *p = calloc(1, sizeof(*p));

	(void)state;
	assert_false(person_is_complete(p, why));
	snprintf(p->department, sizeof(p->department), "77");
	assert_false(person_is_complete(p, why));
	snprintf(p->name, sizeof(p->name), "Dr Camille Exemple");
	assert_false(person_is_complete(p, why));
	snprintf(p->profession, sizeof(p->profession), "médecin");
	assert_true(person_is_complete(p, why));
	memset(p->name, 'x', 128);
	assert_false(person_is_complete(p, why));
	p->name[127] = '\0';
	assert_true(person_is_complete(p, why));
	snprintf(p->rpps, sizeof(p->rpps), "10100000017");
	assert_false(person_is_complete(p, why));
	p->rpps[0] = '\0';
	/* A consent has a date and something that proves it. */
	assert_true(person_add_consents(p, "cic-77", why));
	assert_false(person_is_complete(p, why));
	snprintf(p->given_at, sizeof(p->given_at), "2026-01-31");
	assert_false(person_is_complete(p, why));
	snprintf(p->evidence, sizeof(p->evidence), "formulaire 1");
	assert_true(person_is_complete(p, why));
	snprintf(p->given_at, sizeof(p->given_at), "2026-01-31T10:00:00+01:00");
	assert_true(person_is_complete(p, why));
	snprintf(p->given_at, sizeof(p->given_at), "2026-02-31");
	assert_false(person_is_complete(p, why));
	snprintf(p->given_at, sizeof(p->given_at), "31/01/2026");
	assert_false(person_is_complete(p, why));
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rpps),     cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_consents), cmocka_unit_test(test_sites),
		cmocka_unit_test(test_complete),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
