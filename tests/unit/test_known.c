#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/text.h"
#include "tool/known.h"

static struct known_commune *commune(struct known *k, const char *code, const char *name)
{
	struct known_commune *c = known_add_commune(k, commune_code(code));

	assert_non_null(c);
	c->department = department_code("77");
	TEXT_COPY(c->name, name);
	return c;
}

static struct known some(void)
{
	struct known k;

	assert_true(known_init(&k));
	commune(&k, "77288", "Melun");
	commune(&k, "77284", "Meaux");
	commune(&k, "77143", "Crégy-lès-Meaux");
	commune(&k, "77316", "Moret-Loing-et-Orvanne");
	TEXT_COPY(commune(&k, "77108", "Chelles")->district, "Chelles");
	return k;
}

static void test_exactly_or_not_at_all(void **state)
{
	struct known k = some();
	struct department_code here = department_code("77");

	(void)state;
	assert_string_equal(known_commune(&k, commune_code("77288"))->name, "Melun");
	assert_null(known_commune(&k, commune_code("7728")));
	assert_string_equal(known_commune_named(&k, here, "Melun")->code.text, "77288");
	assert_null(known_commune_named(&k, here, "melun"));
	assert_null(known_commune_named(&k, here, "Crégy-les-Meaux"));
	assert_null(known_commune_named(&k, department_code("91"), "Melun"));
	commune(&k, "77999", "Melun"); /* two of one name: neither is taken */
	assert_null(known_commune_named(&k, here, "Melun"));
	assert_true(known_has_district(&k, here, "Chelles"));
	assert_false(known_has_district(&k, here, "Chelle"));
	known_done(&k);
}

static void test_adding_twice_is_one(void **state)
{
	struct known k = some();

	(void)state;
	assert_ptr_equal(known_add_commune(&k, commune_code("77288")),
	                 known_commune(&k, commune_code("77288")));
	assert_int_equal(k.communes_count, 5);
	known_add_department(&k, department_code("77"));
	known_add_department(&k, department_code("77"));
	assert_int_equal(k.departments_count, 1);
	assert_null(known_department(&k, department_code("7")));
	known_add_tribunal(&k, department_code("77"), "Melun");
	known_add_tribunal(&k, department_code("77"), "Melun");
	known_add_tribunal(&k, department_code("91"), "Melun");
	assert_int_equal(k.tribunals_count, 2);
	known_done(&k);
}

static void test_the_only_centre(void **state)
{
	struct known k = some();
	struct department_code here = department_code("77");
	const char *const ids[] = { "cic-77", "corg-77", "corg-77b", "cic-91" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct known_centre *c = known_add_centre(&k, centre_id(ids[i]));
		c->department = department_code(i < 3 ? "77" : "91");
		c->kind = ids[i][1] == 'i' ? CENTRE_POLICE : CENTRE_GENDARMERIE;
	}
	assert_string_equal(known_only_centre(&k, here, CENTRE_POLICE)->id.text, "cic-77");
	assert_null(known_only_centre(&k, here, CENTRE_GENDARMERIE)); /* two */
	assert_null(known_only_centre(&k, here, CENTRE_OPERATIONS));  /* none */
	assert_non_null(known_centre(&k, centre_id("corg-77b")));
	assert_null(known_centre(&k, centre_id("corg")));
	known_done(&k);
}

static void hint_is(const struct known *k, const char *name, const char *wanted)
{
	char hint[KNOWN_HINT_SIZE];

	assert_string_equal(known_commune_hint(k, department_code("77"), name, hint), wanted);
}

static void test_hints(void **state)
{
	struct known k = some();
	char hint[KNOWN_HINT_SIZE];

	(void)state;
	hint_is(&k, "Crégy-les-Meaux", " (is it 77143, 'Crégy-lès-Meaux'?)");
	hint_is(&k, "Meluun", " (is it 77288, 'Melun'?)");
	hint_is(&k, "Tombouctou", "");
	hint_is(&k, "", "");
	known_add_former(&k, "Épisy", commune_code("77316"));
	known_add_former(&k, "Nulle-Part", commune_code("77000"));
	hint_is(&k, "EPISY", " (it is now part of 77316, 'Moret-Loing-et-Orvanne')");
	hint_is(&k, "Nulle-Part", " (it is now part of 77000)");
	known_add_tribunal(&k, department_code("77"), "Fontainebleau");
	assert_string_equal(known_tribunal_hint(&k, department_code("77"), "Fontainbleau", hint),
	                    " (is it 'Fontainebleau'?)");
	assert_string_equal(known_tribunal_hint(&k, department_code("91"), "Fontainbleau", hint),
	                    "");
	assert_string_equal(known_district_hint(&k, department_code("77"), "Chèlle", hint),
	                    " (is it 'Chelles'?)");
	known_done(&k);
}

static void test_many(void **state)
{
	struct known k;

	(void)state;
	assert_true(known_init(&k));
	for (int i = 0; i < 1000; i++) {
		char code[16];
		snprintf(code, sizeof(code), "77%03d", i);
		commune(&k, code, code);
		known_add_former(&k, code, commune_code(code));
		known_add_tribunal(&k, department_code("77"), code);
	}
	assert_int_equal(k.communes_count, 1000);
	assert_string_equal(known_commune_named(&k, department_code("77"), "77777")->code.text,
	                    "77777");
	assert_non_null(known_tribunal(&k, department_code("77"), "77123"));
	known_done(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exactly_or_not_at_all),
		cmocka_unit_test(test_adding_twice_is_one),
		cmocka_unit_test(test_the_only_centre),
		cmocka_unit_test(test_hints),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("known", tests, NULL, NULL);
}
