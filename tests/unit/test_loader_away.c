#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keep/loader.h"
#include "keep/select.h"
#include "tests/unit/loader_rig.h"

/* The loader without its database: away, hung, of another schema, and back again. */

static bool is_changed_site_written(void)
{
	return rig.changes > 0;
}

/* A start without PostgreSQL serves what was last known; later it reads the changes alone. */
static void test_starts_from_the_snapshot(void **state)
{
	(void)state;
	start_rig();
	start_loader();
	assert_true(until(is_current));
	/* What is pending when it stops (a site waits some seconds) is written on the way out. */
	change(ROW_SITE, 2, "", false);
	assert_true(until(is_changed_site_written));
	assert_true(until(is_current));
	struct wall last = state_now().as_of;
	stop_loader();
	stop_rig();

	pg_rig_listen(&rig.pg); /* the kernel accepts, and nobody answers */
	start_loader();
	assert_true(until(is_served));
	assert_true(until(is_away));
	struct loader_state s = state_now();
	assert_true(s.is_from_snapshot && s.has_registry && s.has_territory);
	assert_true(s.as_of.us >= last.us); /* as old as the last look at the database */
	assert_string_equal(s.why, "no answer in time");
	assert_int_equal(registry_size(registry).practitioners, PEOPLE);
	assert_int_equal(registry_version(registry), rig.version);
	assert_int_equal(registry_size(registry).sites, 2);

	rig.version++;
	registry_rig_set(&rig, ROW_PRACTITIONER, 3, "Dr Pendant La Nuit", false);
	start_rig();
	expected_n = 3;
	expected_name = "Dr Pendant La Nuit";
	assert_true(until(has_name));
	assert_true(until(is_current));
	assert_false(state_now().is_from_snapshot);
	assert_int_equal(rig.loads, 1); /* still that of the first run */
	assert_int_equal(territories, 1);
}

static void test_a_server_that_hangs_and_comes_back(void **state)
{
	(void)state;
	start_rig();
	start_loader();
	assert_true(until(is_current));
	struct wall current = state_now().as_of;
	pthread_mutex_lock(&rig.mutex);
	rig.is_hung = true;
	pthread_mutex_unlock(&rig.mutex);
	assert_true(until(is_away));
	struct loader_state s = state_now();
	assert_string_equal(s.why, "no answer in time");
	assert_true(s.since.us >= current.us && s.as_of.us >= current.us &&
	            s.as_of.us <= s.since.us);
	assert_false(s.is_from_snapshot);
	assert_int_equal(registry_size(registry).practitioners, PEOPLE); /* it serves on */
	/* A change takes effect first thing when it is back. */
	pthread_mutex_lock(&rig.mutex);
	rig.version++;
	registry_rig_set(&rig, ROW_PRACTITIONER, 4, "", true);
	rig.is_hung = false;
	pthread_mutex_unlock(&rig.mutex);
	expected_n = 4;
	expected_name = NULL;
	assert_true(until(has_name));
	assert_true(until(is_current));
	assert_int_equal(rig.loads, 1);
}

static bool is_connecting(void)
{
	return rig.pg.clients > 0;
}
static bool is_in_rows(void)
{
	return rig.loads > 0;
}

/* In each of its waits it can be stopped in under a second: stop_loader looks at the clock. */
static void test_stopped_wherever_it_waits(void **state)
{
	(void)state;
	start_loader(); /* a host that accepts and says nothing */
	poll(NULL, 0, 50);
	stop_loader();

	rig.is_hung = true;
	start_rig();
	start_loader(); /* a first statement that is not answered */
	assert_true(until(is_connecting));
	stop_loader();

	pthread_mutex_lock(&rig.mutex);
	rig.is_hung = false;
	rig.is_hung_in_rows = true;
	pthread_mutex_unlock(&rig.mutex);
	rig.loads = 0;
	start_loader(); /* rows that stop coming */
	assert_true(until(is_in_rows));
	stop_loader();
	assert_false(snapshot_holds("PGCOPY"));

	pthread_mutex_lock(&rig.mutex);
	rig.is_hung_in_rows = false;
	pthread_mutex_unlock(&rig.mutex);
	start_loader(); /* nothing to do */
	assert_true(until(is_current));
	stop_loader();
	stop_rig();
	close(rig.pg.listener);
	pg_rig_listen(&rig.pg);
	close(rig.pg.listener);
	start_loader(); /* between two attempts */
	assert_true(until(is_away));
	stop_loader();
	pg_rig_listen(&rig.pg);
}

static const char *expected_why;
static bool has_why(void)
{
	return strstr(state_now().why, expected_why) != NULL;
}

static void test_schemas_that_are_not_ours(void **state)
{
	(void)state;
	rig.level = 0;
	start_rig();
	start_loader();
	expected_why = "not there yet";
	assert_true(until(has_why));
	pthread_mutex_lock(&rig.mutex);
	rig.level = 99;
	rig.oldest_daemon = 99;
	pthread_mutex_unlock(&rig.mutex);
	expected_why = "too new";
	assert_true(until(has_why));
	assert_null(registry);
	assert_int_equal(rig.loads, 0);
	/* Newer, and still good for this daemon. */
	pthread_mutex_lock(&rig.mutex);
	rig.oldest_daemon = SELECT_SCHEMA_KNOWN;
	pthread_mutex_unlock(&rig.mutex);
	assert_true(until(is_current));
}

static bool is_territory_refused(void)
{
	return state_now().territory_why[0] != '\0';
}
static bool is_second_territory(void)
{
	return territories == 2 && state_now().territory_why[0] == '\0';
}

static void test_a_territory_that_hangs_in_the_air(void **state)
{
	(void)state;
	start_rig();
	start_loader();
	assert_true(until(is_current));
	pthread_mutex_lock(&rig.mutex);
	rig.is_territory_broken = true;
	rig.territory_version++;
	pthread_mutex_unlock(&rig.mutex);
	pg_rig_notify(&rig.pg, "tocsin_territory");
	assert_true(until(is_territory_refused));
	assert_int_equal(territories, 1);
	assert_non_null(territory_commune(territory, commune_code("77288")));
	assert_true(until(is_current)); /* the registry is followed all the same */
	pthread_mutex_lock(&rig.mutex);
	rig.is_territory_broken = false;
	rig.territory_version++;
	pthread_mutex_unlock(&rig.mutex);
	pg_rig_notify(&rig.pg, "tocsin_territory");
	assert_true(until(is_second_territory));
	assert_int_equal(territory_version(territory), 3);
}

static void test_a_damaged_snapshot(void **state)
{
	char path[300];

	(void)state;
	start_rig();
	start_loader();
	assert_true(until(is_current));
	stop_loader();
	stop_rig();
	snprintf(path, sizeof path, "%s/registry.snapshot", folder);
	assert_int_equal(truncate(path, 4500), 0);
	pg_rig_listen(&rig.pg);
	start_loader();
	assert_true(until(is_away));
	assert_null(registry); /* half a registry is none */
	assert_non_null(territory);
	assert_string_equal(state_now().snapshot_why, "cut off, or damaged");
	start_rig();
	assert_true(until(is_current));
	assert_int_equal(rig.loads, 2);
	assert_string_equal(state_now().snapshot_why, "");
	assert_true(snapshot_holds("Dr Camille Exemple"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_starts_from_the_snapshot),
		TEST(test_a_server_that_hangs_and_comes_back),
		TEST(test_stopped_wherever_it_waits),
		TEST(test_schemas_that_are_not_ours),
		TEST(test_a_territory_that_hangs_in_the_air),
		TEST(test_a_damaged_snapshot),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
