/* A folder of migrations: in order it is read whole, out of order it is refused whole. */
#include "tool/migration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[512];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "%s", TEMP_DIR "/migration.XXXXXX");
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[600];

	(void)state;
	snprintf(command, sizeof command, "rm -r '%s'", folder);
	return system(command);
}

static void put(const char *name, const char *text, size_t length)
{
	char path[600];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, length, f), length);
	assert_int_equal(fclose(f), 0);
}

static void assert_refused(const char *because)
{
	struct migrations m;
	char why[MIGRATION_WHY_SIZE];

	assert_false(migrations_read(&m, folder, why));
	assert_int_equal(m.count, 0);
	assert_null(m.list);
	if (strstr(why, because) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", why, because);
}

static void test_read(void **state)
{
	/* FIPS 180-4, the example of one block: "abc" */
	static const uint8_t abc[] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
		                       0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
		                       0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
		                       0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad };
	struct migrations m;
	char why[MIGRATION_WHY_SIZE];

	(void)state;
	put("0002_more_2.sql", "", 0);
	put("0001_ground.sql", "abc", 3);
	put("README", "not looked at", 13);
	assert_true(migrations_read(&m, folder, why));
	assert_int_equal(m.count, 2);
	assert_int_equal(m.list[0].number, 1);
	assert_string_equal(m.list[0].name, "0001_ground.sql");
	assert_string_equal(m.list[0].text, "abc");
	assert_memory_equal(m.list[0].sha256, abc, sizeof abc);
	assert_int_equal(m.list[1].number, 2);
	assert_string_equal(m.list[1].text, "");
	migrations_done(&m);
	migrations_done(&m); /* twice is fine */
}

static void test_refused(void **state)
{
	(void)state;
	assert_refused("no migrations");
	put("0001_ground.sql", "a", 1);
	put("0003_third.sql", "c", 1);
	assert_refused("migration 0002 is missing");
	put("0002_second.sql", "b", 1);
	put("0002_zweite.sql", "b", 1);
	assert_refused("have the same number");
}

static void test_refused_names(void **state)
{
	static const char *const names[] = { "1_a.sql",    "0000_a.sql", "0001-a.sql",
		                             "0001_.sql",  "0001_A.sql", "00010_a.sql",
		                             "9999_a.sql", "x.sql",      "0001_a b.sql",
		                             ".sql" };
	char path[600];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		put(names[i], "a", 1);
		assert_refused(names[i]);
		assert_refused("is not named as a migration");
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		assert_int_equal(unlink(path), 0);
	}
}

static void test_refused_content(void **state)
{
	char path[600];

	(void)state;
	put("0001_a.sql", "a\0b", 3);
	assert_refused("0001_a.sql holds a NUL");
	snprintf(path, sizeof path, "%s/0001_a.sql", folder);
	assert_int_equal(truncate(path, MIGRATION_BYTES_MAX + 1), 0);
	assert_refused("0001_a.sql is no file of at most");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_refused("0001_a.sql is no file of at most");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("nowhere", path), 0);
	assert_refused("cannot open 0001_a.sql");
}

static void test_no_folder(void **state)
{
	struct migrations m;
	char why[MIGRATION_WHY_SIZE];

	(void)state;
	assert_false(migrations_read(&m, "/nonexistent/sql", why));
	assert_non_null(strstr(why, "/nonexistent/sql"));
	migrations_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_read, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_refused, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_refused_names, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_refused_content, make_folder, remove_folder),
		cmocka_unit_test(test_no_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
