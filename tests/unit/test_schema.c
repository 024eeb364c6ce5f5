/* What is still to do: a database's migrations against a folder's. What needs a server is tested in
 * tests/system/test_schema.py. */
#include "tool/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct migration files[] = {
	{ .number = 1, .name = "0001_ground.sql", .sha256 = { 1 } },
	{ .number = 2, .name = "0002_more.sql", .sha256 = { 2 } },
};
static const struct migrations folder = { .count = 2, .list = files };

#define AT "2026-11-21T22:04:38.123Z"

static void test_is_prefix(void **state)
{
	static struct {
		const char *because; /* NULL: it is one */
		unsigned count;
		struct schema_line lines[3];
	} rows[] = {
		{ NULL, 0, { { 0 } } },
		{ NULL, 1, { { 1, "0001_ground.sql", AT, { 1 } } } },
		{ NULL,
		  2,
		  { { 1, "0001_ground.sql", AT, { 1 } }, { 2, "0002_more.sql", AT, { 2 } } } },
		{ "0001_ground.sql was changed after it was applied on " AT,
		  1,
		  { { 1, "0001_ground.sql", AT, { 9 } } } },
		{ "0002_more.sql was changed",
		  2,
		  { { 1, "0001_ground.sql", AT, { 1 } }, { 2, "0002_more.sql", AT, { 1 } } } },
		{ "0001_floor.sql was applied on " AT ", here it is called 0001_ground.sql",
		  1,
		  { { 1, "0001_floor.sql", AT, { 1 } } } },
		{ "lacks migration 0001 and has 0002_more.sql",
		  1,
		  { { 2, "0002_more.sql", AT, { 2 } } } },
		{ "newer than this tocsin: 0003_next.sql",
		  3,
		  { { 1, "0001_ground.sql", AT, { 1 } },
		    { 2, "0002_more.sql", AT, { 2 } },
		    { 3, "0003_next.sql", AT, { 3 } } } },
	};
	char why[MIGRATION_WHY_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct schema s = { .count = rows[i].count, .lines = rows[i].lines };
		bool is = schema_is_prefix(&s, &folder, why);
		if (is != (rows[i].because == NULL))
			fail_msg("row %zu: %d, \"%s\"", i, is, why);
		if (rows[i].because != NULL && strstr(why, rows[i].because) == NULL)
			fail_msg("row %zu: \"%s\"", i, why);
	}
}

static void test_connect_says_why(void **state)
{
	char why[MIGRATION_WHY_SIZE];

	(void)state;
	assert_null(schema_connect("host=/nonexistent dbname=x", why));
	assert_non_null(strstr(why, "/nonexistent"));
	assert_null(schema_connect("no such = option", why));
	assert_string_not_equal(why, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_prefix),
		cmocka_unit_test(test_connect_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
