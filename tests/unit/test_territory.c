#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "decide/territory.h"
#include "tests/fixture/territory77.h"

static struct department department(const char *code, const char *stand_in, const char *operations)
{
	return (struct department){ department_code(code), "Département", centre_id(stand_in),
		                    centre_id(operations) };
}

static struct centre centre(const char *id, const char *of)
{
	return (struct centre){ .id = centre_id(id),
		                .department = department_code(of),
		                .name = id };
}

static struct commune commune(const char *code, const char *of, const char *competent)
{
	return (struct commune){ .code = commune_code(code),
		                 .department = department_code(of),
		                 .name = "Commune",
		                 .centre = centre_id(competent),
		                 .lat = 48.5,
		                 .lon = 2.7 };
}

static struct territory *one_department(void)
{
	struct territory *t = territory_new();
	struct department d = department("77", "cic-77", "ops-77");
	struct centre cic = centre("cic-77", "77"), ops = centre("ops-77", "77");

	assert_non_null(t);
	assert_true(territory_put_department(t, &d));
	assert_true(territory_put_centre(t, &cic));
	assert_true(territory_put_centre(t, &ops));
	return t;
}

static void closes(struct territory *t)
{
	char why[200] = "";

	assert_true(territory_close(t, why, sizeof(why)));
	territory_free(t);
}

static void refuses(struct territory *t, const char *sentence)
{
	char why[200] = "";

	assert_false(territory_close(t, why, sizeof(why)));
	assert_string_equal(why, sentence);
	assert_null(territory_zones(t));
	territory_free(t);
}

static void test_looking_up(void **state)
{
	struct territory *t = one_department();
	struct commune in = commune("77288", "77", "cic-77");
	char name[] = "Melun", number[] = "+33199000001";
	char why[100];

	(void)state;
	in.name = name;
	in.tribunal = "Melun";
	in.adviser_number = number;
	assert_true(territory_put_commune(t, &in));
	memset(name, 'x', sizeof(name)); /* texts were copied */
	memset(number, 'x', sizeof(number));
	assert_true(territory_close(t, why, sizeof(why)));
	const struct commune *c = territory_commune(t, commune_code("77288"));
	assert_string_equal(c->name, "Melun");
	assert_string_equal(c->tribunal, "Melun");
	assert_string_equal(c->adviser_name, ""); /* NULL is "" */
	assert_string_equal(c->adviser_number, "+33199000001");
	assert_null(territory_commune(t, commune_code("77289")));
	assert_null(territory_commune(t, commune_code("")));
	assert_string_equal(territory_centre(t, centre_id("cic-77"))->name, "cic-77");
	assert_null(territory_centre(t, centre_id("cic-7")));
	assert_string_equal(territory_department(t, department_code("77"))->stand_in.text,
	                    "cic-77");
	assert_null(territory_department(t, department_code("91")));
	assert_int_equal(territory_communes_count(t), 1);
	size_t index = 0, count = 0;
	while (territory_next_centre(t, &index))
		count++;
	assert_int_equal(count, 2);
	assert_int_equal(territory_version(t), 0);
	territory_set_version(t, 42);
	assert_int_equal(territory_version(t), 42);
	territory_free(t);
	territory_free(NULL);
}

static void test_codes_that_do_not_fit_are_none(void **state)
{
	(void)state;
	assert_string_equal(commune_code("77288").text, "77288");
	assert_string_equal(commune_code("772880").text, "");
	assert_string_equal(commune_code(NULL).text, "");
	assert_string_equal(department_code("971").text, "971");
	assert_string_equal(department_code("9711").text, "");
	assert_string_equal(centre_id("12345678901234567890123").text, "12345678901234567890123");
	assert_string_equal(centre_id("123456789012345678901234").text, "");
	/* Compared whole: what stood behind the end before must not matter. */
	struct centre_id long_one = centre_id("a-much-longer-name"), short_one = centre_id("a");
	long_one = short_one;
	assert_true(centre_equal(long_one, centre_id("a")));
	assert_false(centre_is_set(centre_id("")));
}

static void test_what_is_put_twice(void **state)
{
	struct territory *t = one_department();
	struct department d = department("77", "ops-77", "ops-77");
	struct centre c = centre("cic-77", "77");
	struct commune m = commune("77288", "77", "cic-77");
	double ring[] = { 2, 48, 3, 48, 3, 49 };
	unsigned char wkb[128];
	size_t length = wkb_from_ring(ring, 3, wkb);

	(void)state;
	assert_false(territory_put_department(t, &d));
	assert_false(territory_put_centre(t, &c));
	assert_false(territory_put_contour(t, m.code, wkb, length)); /* before its commune */
	assert_true(territory_put_commune(t, &m));
	assert_false(territory_put_commune(t, &m));
	assert_true(territory_put_contour(t, m.code, wkb, length));
	assert_false(territory_put_contour(t, m.code, wkb, length));
	assert_string_equal(territory_department(t, d.code)->stand_in.text,
	                    "cic-77"); /* the first stays */
	closes(t);
}

static void test_what_is_empty_or_nowhere(void **state)
{
	struct territory *t = one_department();
	struct department d = department("", "cic-77", "ops-77");
	struct centre c = centre("", "77");
	struct commune m = commune("", "77", "cic-77");

	(void)state;
	assert_false(territory_put_department(t, &d));
	assert_false(territory_put_centre(t, &c));
	assert_false(territory_put_commune(t, &m));
	m = commune("77288", "77", "cic-77");
	m.lat = NAN;
	assert_false(territory_put_commune(t, &m));
	m.lat = 91;
	assert_false(territory_put_commune(t, &m));
	m.lat = 48.5;
	m.lon = -180.01;
	assert_false(territory_put_commune(t, &m));
	closes(t);
}

static void test_references_that_hang(void **state)
{
	unsigned char wkb[128];
	double ring[] = { 2, 48, 3, 48, 3, 49 };
	size_t length = wkb_from_ring(ring, 3, wkb);

	(void)state;
	struct territory *t = one_department();
	struct commune m = commune("77288", "77", "corg-77");
	assert_true(territory_put_commune(t, &m));
	refuses(t, "commune 77288: no centre corg-77");

	t = one_department();
	m = commune("91001", "91", "cic-77");
	assert_true(territory_put_commune(t, &m));
	refuses(t, "commune 91001: no department 91");

	t = one_department();
	struct centre c = centre("cic-91", "91");
	assert_true(territory_put_centre(t, &c));
	refuses(t, "centre cic-91: no department 91");

	t = one_department();
	c = centre("corg-77", "77");
	c.other = centre_id("nobody");
	assert_true(territory_put_centre(t, &c));
	refuses(t, "centre corg-77: no centre nobody to ask next");

	t = one_department();
	struct department d = department("91", "", "ops-77");
	assert_true(territory_put_department(t, &d));
	refuses(t, "department 91: no stand-in centre ");

	t = one_department();
	d = department("91", "cic-77", "ops-91");
	assert_true(territory_put_department(t, &d));
	refuses(t, "department 91: no operations centre ops-91");

	t = one_department();
	assert_true(territory_put_zone(t, "Aéroport", centre_id("paf-77"), wkb, length));
	refuses(t, "zone Aéroport: no centre paf-77");
}

static void test_a_commune_may_have_no_centre(void **state)
{
	struct territory *t = one_department();
	struct commune m = commune("77288", "77", "");

	(void)state;
	assert_true(territory_put_commune(t, &m));
	closes(t);
}

static void test_closed_is_closed(void **state)
{
	struct territory *t = one_department();
	struct department d = department("91", "cic-77", "ops-77");
	struct centre c = centre("corg-77", "77");
	struct commune m = commune("77288", "77", "cic-77");
	char why[200];

	(void)state;
	assert_null(territory_zones(t));
	assert_true(territory_close(t, why, sizeof(why)));
	assert_non_null(territory_zones(t));
	assert_false(territory_close(t, why, sizeof(why)));
	assert_false(territory_put_department(t, &d));
	assert_false(territory_put_centre(t, &c));
	assert_false(territory_put_commune(t, &m));
	territory_free(t);
}

static void test_the_sample_department(void **state)
{
	struct territory *t = territory77_new(false);
	const struct territory77_commune *rows = territory77_communes();

	(void)state;
	assert_int_equal(territory_communes_count(t), TERRITORY77_COMMUNES);
	for (size_t i = 0; i < TERRITORY77_COMMUNES; i++) {
		const struct commune *c = territory_commune(t, commune_code(rows[i].code));
		assert_string_equal(c->name, rows[i].name);
		assert_string_equal(c->tribunal, rows[i].tribunal);
	}
	territory_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_looking_up),
		cmocka_unit_test(test_codes_that_do_not_fit_are_none),
		cmocka_unit_test(test_what_is_put_twice),
		cmocka_unit_test(test_what_is_empty_or_nowhere),
		cmocka_unit_test(test_references_that_hang),
		cmocka_unit_test(test_a_commune_may_have_no_centre),
		cmocka_unit_test(test_closed_is_closed),
		cmocka_unit_test(test_the_sample_department),
	};

	return cmocka_run_group_tests_name("territory", tests, NULL, NULL);
}
