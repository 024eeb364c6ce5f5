#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tool/suggest.h"

static void key_is(const char *name, const char *wanted)
{
	char key[SUGGEST_KEY_SIZE];

	assert_string_equal(suggest_key(name, key), wanted);
}

static void test_keys(void **state)
{
	(void)state;
	key_is("Melun", "melun");
	key_is("Crégy-lès-Meaux", "cregy les meaux");
	key_is("CREGY LEZ MEAUX", "cregy les meaux");
	key_is("L'Haÿ-les-Roses", "l hay les roses");
	key_is("L’Haÿ-lès-Roses", "l hay les roses"); /* the typographic apostrophe */
	key_is("St-Fargeau", "saint fargeau");
	key_is("Ste Colombe", "sainte colombe");
	key_is("Œuilly", "oeuilly");
	key_is("  (Épisy) ", "episy");
	key_is("", "");
	key_is("-", "");
	key_is("東京", ""); /* letters of no French name only separate */
}

static void test_long_names_are_cut(void **state)
{
	char name[1000], key[SUGGEST_KEY_SIZE];

	(void)state;
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(strlen(suggest_key(name, key)), SUGGEST_KEY_SIZE - 1);
	assert_int_equal(suggest_distance(name, name), 0);
}

static void test_distances(void **state)
{
	(void)state;
	assert_int_equal(suggest_distance("Melun", "Melun"), 0);
	assert_int_equal(suggest_distance("Isles-les-Villenoy", "Isles-lès-Villenoy"), 0);
	assert_int_equal(suggest_distance("Sait-Brice", "Saint-Brice"),
	                 1); /* as the decree has it */
	assert_int_equal(suggest_distance("Meulun", "Melun"), 1);
	assert_int_equal(suggest_distance("Mleun", "Melun"), 1); /* two in the wrong order */
	assert_int_equal(suggest_distance("Malun", "Melun"), 1);
	assert_int_equal(suggest_distance("Meaux", "Melun"), SUGGEST_FAR);
	assert_int_equal(suggest_distance("Épisy", "Crisenoy"), SUGGEST_FAR);
	assert_int_equal(suggest_distance("", "Melun"), SUGGEST_FAR);
	assert_int_equal(suggest_distance("Melun", ""), SUGGEST_FAR);
	assert_int_equal(suggest_distance("", ""), SUGGEST_FAR);
	assert_int_equal(suggest_distance("A", "B"), SUGGEST_FAR); /* any letter would do */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_long_names_are_cut),
		cmocka_unit_test(test_distances),
	};

	return cmocka_run_group_tests_name("suggest", tests, NULL, NULL);
}
