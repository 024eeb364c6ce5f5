#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keep/select.h"
#include "tests/unit/pg_registry_rig.h"

/* That the statements mean what they should is for a real PostgreSQL to say: tests/system. */

static struct registry_rig rig;
static struct pg_client *client;

static struct mono soon(void)
{
	return mono_add_ms(clock_mono(), 5000);
}

static int start(void **state)
{
	char conninfo[128], why[PG_CLIENT_WHY_SIZE];

	(void)state;
	registry_rig_init(&rig);
	pg_rig_start(&rig.pg);
	client = pg_client_new(pg_rig_conninfo(&rig.pg, conninfo), -1, why);
	return client && pg_client_connect(client, soon()) ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	pg_client_free(client);
	pg_rig_stop(&rig.pg);
	return 0;
}

struct counts {
	unsigned rows[ROW_ZONE + 1], gone, most;
	struct registry *registry;
};

static bool count_row(void *context, enum row_kind kind, const uint8_t *bytes, size_t length)
{
	struct counts *c = context;
	struct id id;
	bool is_gone = false;

	assert_true(kind >= ROW_PRACTITIONER && kind <= ROW_ZONE);
	c->rows[kind]++;
	if (kind <= ROW_SOURCE) {
		assert_true(row_identify(kind, bytes, length, &id, &is_gone));
		c->gone += is_gone;
		assert_int_equal(row_to_registry(c->registry, kind, bytes, length),
		                 is_gone ? ROW_GONE : ROW_TAKEN);
	}
	return c->most == 0 || c->rows[kind] < c->most;
}

static void test_session(void **state)
{
	struct select_schema schema;

	(void)state;
	assert_true(select_begin_session(client, &schema, soon()));
	assert_int_equal(schema.level, 5);
	assert_int_equal(schema.oldest_daemon, 1);
	rig.level = 0;
	assert_true(select_begin_session(client, &schema, soon()));
	assert_int_equal(schema.level, 0);
}

static void test_versions(void **state)
{
	struct select_versions v;

	(void)state;
	rig.version = 12;
	rig.floor = 3;
	rig.territory_version = 4;
	assert_true(select_begin(client, 9, &v, soon()));
	assert_true(select_end(client, soon()));
	assert_int_equal(v.registry, 12);
	assert_int_equal(v.territory, 4);
	assert_int_equal(v.floor, 3);
	assert_true(v.registry_at.us == rig.since_us + 12);
	assert_true(v.territory_at.us == rig.since_us + 4);
	assert_true(v.known_at.us == rig.since_us + 9);
	assert_int_equal(v.changes, 0);
	assert_true(select_begin(client, 2, &v, soon()));
	assert_false(wall_is_set(v.known_at)); /* too long ago: it cannot say */
}

/* More people than are asked for at a time would never end here: the rig has one portion. */
static void test_registry(void **state)
{
	struct counts c = { .registry = registry_new(0) };
	struct practitioner p;

	(void)state;
	for (uint32_t n = 1; n <= 300; n++)
		registry_rig_set(&rig, ROW_PRACTITIONER, n, "Dr Camille Exemple", n % 10 == 0);
	for (uint32_t n = 1; n <= 20; n++)
		registry_rig_set(&rig, ROW_SITE, n, "", false);
	registry_rig_set(&rig, ROW_SOURCE, 1, "bracelet-1", false);
	assert_true(select_registry(client, 5000, count_row, &c));
	assert_int_equal(c.rows[ROW_PRACTITIONER], 270);
	assert_int_equal(c.rows[ROW_SITE], 20);
	assert_int_equal(c.rows[ROW_SOURCE], 1);
	assert_int_equal(c.gone, 0);
	assert_true(registry_practitioner(c.registry, rig_person(7), &p));
	assert_int_equal(p.numbers_count, 1);
	assert_true(p.numbers[0].number.digits == 33199000007);
	assert_true(registry_has_consent(c.registry, p.id, centre_id("cic-77")));
	registry_free(c.registry);
}

static void test_changes(void **state)
{
	struct counts c = { .registry = registry_new(0) };
	struct practitioner p;

	(void)state;
	for (uint32_t n = 1; n <= 100; n++)
		registry_rig_set(&rig, ROW_PRACTITIONER, n, "Dr Camille Exemple", false);
	assert_true(select_registry(client, 5000, count_row, &c));
	rig.version = 2;
	registry_rig_set(&rig, ROW_PRACTITIONER, 5, "Dr Dominique Nouveau", false);
	registry_rig_set(&rig, ROW_PRACTITIONER, 6, "", true);
	registry_rig_set(&rig, ROW_SITE, 6, "", true);
	registry_rig_set(&rig, ROW_SOURCE, 6, "", true);
	assert_true(select_changes(client, 1, 5000, count_row, &c));
	assert_int_equal(c.rows[ROW_PRACTITIONER], 102);
	assert_int_equal(c.gone, 3);
	assert_int_equal(registry_size(c.registry).practitioners, 99);
	assert_true(registry_practitioner(c.registry, rig_person(5), &p));
	assert_string_equal(p.name, "Dr Dominique Nouveau");
	assert_int_equal(p.numbers_count, 1);
	assert_true(select_changes(client, 2, 5000, count_row, &c)); /* none */
	assert_int_equal(c.rows[ROW_PRACTITIONER], 102);
	registry_free(c.registry);
}

static void test_territory(void **state)
{
	struct counts c = { 0 };

	(void)state;
	assert_true(select_territory(client, 5000, count_row, &c));
	assert_int_equal(c.rows[ROW_DEPARTMENT], 1);
	assert_int_equal(c.rows[ROW_CENTRE], 3);
	assert_int_equal(c.rows[ROW_COMMUNE], 1);
	assert_int_equal(c.rows[ROW_CONTOUR] + c.rows[ROW_ZONE], 0);
}

static void test_ended_by_the_caller(void **state)
{
	struct counts c = { .registry = registry_new(0), .most = 3 };

	(void)state;
	for (uint32_t n = 1; n <= 10; n++)
		registry_rig_set(&rig, ROW_PRACTITIONER, n, "Dr", false);
	assert_false(select_registry(client, 5000, count_row, &c));
	assert_int_equal(c.rows[ROW_PRACTITIONER], 3);
	registry_free(c.registry);
}

static void test_a_server_that_hangs(void **state)
{
	struct counts c = { .registry = registry_new(0) };
	struct select_versions v;

	(void)state;
	rig.is_hung_in_rows = true;
	assert_false(select_registry(client, 100, count_row, &c));
	assert_string_equal(pg_client_why(client), "no answer in time");
	assert_true(pg_client_connect(client, soon()));
	rig.is_hung = true;
	assert_false(select_begin(client, 1, &v, mono_add_ms(clock_mono(), 100)));
	registry_free(c.registry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_session, start, stop),
		cmocka_unit_test_setup_teardown(test_versions, start, stop),
		cmocka_unit_test_setup_teardown(test_registry, start, stop),
		cmocka_unit_test_setup_teardown(test_changes, start, stop),
		cmocka_unit_test_setup_teardown(test_territory, start, stop),
		cmocka_unit_test_setup_teardown(test_ended_by_the_caller, start, stop),
		cmocka_unit_test_setup_teardown(test_a_server_that_hangs, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
