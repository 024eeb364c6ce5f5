/* Where PostgreSQL is: which conninfo is understood, and what is said of one that is not. */
#include "keep/pg_target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_understood(void **state)
{
	static const struct {
		const char *conninfo, *labels;
	} rows[] = {
		{ "hostaddr=127.0.0.1 dbname=tocsin", "127.0.0.1:5432" },
		{ "host=127.0.0.1 port=6543", "127.0.0.1:6543" },
		{ "host=/run/postgresql", "/run/postgresql:5432" },
		{ "host=::1 port=1", "[::1]:1" },
		{ "host=db1.example,db2.example hostaddr=10.0.0.1,10.0.0.2 port=5432,5433",
		  "10.0.0.1:5432 10.0.0.2:5433" },
		{ "hostaddr=10.0.0.1,10.0.0.2 port=6000", "10.0.0.1:6000 10.0.0.2:6000" },
		{ "host=/run/a,10.0.0.2", "/run/a:5432 10.0.0.2:5432" },
		{ "postgresql://tocsin:secret@10.0.0.1:5433/tocsin?sslmode=verify-full",
		  "10.0.0.1:5433" },
		{ "postgresql://[::1],10.0.0.2:5433/tocsin", "[::1]:5432 10.0.0.2:5433" },
	};
	char why[PG_WHY_SIZE], labels[512];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pg_target t;
		if (!pg_target_parse(&t, rows[i].conninfo, why))
			fail_msg("%s: %s", rows[i].conninfo, why);
		labels[0] = '\0';
		for (unsigned h = 0; h < t.hosts_count; h++)
			snprintf(labels + strlen(labels), sizeof labels - strlen(labels), "%s%s",
			         h > 0 ? " " : "", t.hosts[h].label);
		assert_string_equal(labels, rows[i].labels);
		pg_target_done(&t);
	}
}

static void test_name_for_the_certificate(void **state)
{
	struct pg_target t;
	char why[PG_WHY_SIZE];

	(void)state;
	assert_true(pg_target_parse(&t, "host=db1.example hostaddr=10.0.0.1", why));
	assert_string_equal(t.hosts[0].name, "db1.example");
	assert_string_equal(t.hosts[0].address, "10.0.0.1");
	pg_target_done(&t);
}

static void test_refused(void **state)
{
	static const struct {
		const char *conninfo, *because;
	} rows[] = {
		{ "", "no host" },
		{ "dbname=tocsin", "no host" },
		{ "host=db1.example", "host=db1.example: a name is not looked up" },
		{ "host=localhost", "a name is not looked up" },
		{ "hostaddr=localhost", "hostaddr=localhost: not a numeric address" },
		{ "hostaddr=10.0.0.300", "not a numeric address" },
		{ "host=10.0.0.1,db2.example", "host=db2.example" },
		{ "hostaddr=10.0.0.1,", "a name is not looked up" },
		{ "host=a hostaddr=10.0.0.1,10.0.0.2", "do not list as many" },
		{ "hostaddr=10.0.0.1,10.0.0.2,10.0.0.3 port=1,2", "port lists neither" },
		{ "hostaddr=1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1."
		  "1",
		  "9 hosts: at most 8" },
		{ "hostaddr=10.0.0.1 service=x", "service=: not understood here" },
		{ "hostaddr=10.0.0.1 replication=database", "replication=: not understood here" },
		{ "hostaddr=10.0.0.1 passwort=secret", "not written as" },
		{ "hostaddr=10.0.0.1 port=123456789", "too long" },
		{ "nonsense", "not written as" },
	};
	char why[PG_WHY_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pg_target t;
		if (pg_target_parse(&t, rows[i].conninfo, why))
			fail_msg("taken: %s", rows[i].conninfo);
		if (strstr(why, rows[i].because) == NULL)
			fail_msg("%s: \"%s\"", rows[i].conninfo, why);
		assert_null(strstr(why, "secret")); /* a password is never repeated */
		assert_null(t.options);
		pg_target_done(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_understood),
		cmocka_unit_test(test_name_for_the_certificate),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
