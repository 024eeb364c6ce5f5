/* The level of the schema: what this version knows is what stands in sql/. */
#include "keep/schema_level.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tool/migration.h"

static void test_is_that_of_the_folder(void **state)
{
	struct migrations m;
	char why[MIGRATION_WHY_SIZE];

	(void)state;
	if (!migrations_read(&m, SOURCE_DIR "/sql", why))
		fail_msg("%s", why);
	assert_int_equal(m.count,
	                 SCHEMA_LEVEL); /* a new migration: what does the daemon make of it? */
	migrations_done(&m);
}

static void test_fit(void **state)
{
	(void)state;
	assert_int_equal(schema_fit(SCHEMA_LEVEL, 1), SCHEMA_FITS);
	assert_int_equal(schema_fit(SCHEMA_LEVEL, SCHEMA_LEVEL), SCHEMA_FITS);
	assert_int_equal(schema_fit(SCHEMA_LEVEL + 3, SCHEMA_LEVEL),
	                 SCHEMA_FITS); /* newer, and serves us */
	assert_int_equal(schema_fit(SCHEMA_LEVEL + 3, SCHEMA_LEVEL + 1), SCHEMA_TOO_NEW);
	assert_int_equal(schema_fit(SCHEMA_LEVEL - 1, 1), SCHEMA_TOO_OLD);
	assert_int_equal(schema_fit(0, 0), SCHEMA_TOO_OLD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_that_of_the_folder),
		cmocka_unit_test(test_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
