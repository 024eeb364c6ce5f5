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
#include "tests/unit/loader_rig.h"

static void test_settings_that_cannot_be_used(void **state)
{
	struct loader_settings settings = { .conninfo = "host=db.example", .disk = disk_system() };
	char why[LOADER_WHY_SIZE];

	(void)state;
	assert_null(loader_start(&settings, why));
	assert_non_null(strstr(why, "hostaddr"));
	loader_stop(NULL);
}

static void test_loads_and_follows(void **state)
{
	struct practitioner_id id;
	struct source source;

	(void)state;
	start_rig();
	start_loader();
	assert_true(until(is_current));
	assert_int_equal(registry_size(registry).practitioners, PEOPLE);
	assert_int_equal(registry_by_number(registry, (struct e164){ 33199000007 }, &id, 1), 1);
	assert_true(registry_has_consent(registry, id, centre_id("cic-77")));
	assert_true(registry_source_by_name(registry, "bracelet-1", &source));
	assert_non_null(territory_commune(territory, commune_code("77288")));
	struct loader_state s = state_now();
	assert_false(s.is_from_snapshot);
	assert_true(wall_is_set(s.as_of) && s.registry_version == 1 && s.loads == 1 &&
	            s.refused == 0);

	struct mono begin = clock_mono();
	change(ROW_PRACTITIONER, 7, "Dr Dominique Nouveau", false);
	expected_n = 7;
	expected_name = "Dr Dominique Nouveau";
	assert_true(until(has_name));
	assert_true(mono_ms_between(begin, clock_mono()) < 1000);
	assert_int_equal(registry_version(registry), 2);
	assert_int_equal(rig.loads, 1); /* not by reading everything again */

	/* Without a word from the server too, at the next heartbeat. */
	pthread_mutex_lock(&rig.mutex);
	rig.version++;
	registry_rig_set(&rig, ROW_PRACTITIONER, 8, "Dr Claude Muet", false);
	pthread_mutex_unlock(&rig.mutex);
	expected_n = 8;
	expected_name = "Dr Claude Muet";
	assert_true(until(has_name));
	assert_int_equal(registries, 1);
}

static bool is_name_in_snapshot(void)
{
	return snapshot_holds(expected_name);
}
static bool is_name_out_of_snapshot(void)
{
	return !snapshot_holds(expected_name);
}

static void test_a_withdrawal_leaves_memory_and_snapshot(void **state)
{
	(void)state;
	start_rig();
	start_loader();
	assert_true(until(is_current));
	change(ROW_PRACTITIONER, 9, "Dr Se Retire", false);
	expected_n = 9;
	expected_name = "Dr Se Retire";
	assert_true(until(has_name));
	assert_true(until(is_name_in_snapshot));
	struct mono begin = clock_mono();
	change(ROW_PRACTITIONER, 9, "", true);
	assert_true(until(is_name_out_of_snapshot));
	assert_true(mono_ms_between(begin, clock_mono()) < 1000);
	assert_true(snapshot_holds("Dr Camille Exemple"));
	expected_name = NULL;
	assert_true(until(has_name));
	assert_int_equal(rig.loads, 1);
}

static bool is_second_registry(void)
{
	return registries == 2;
}

static void test_another_database_is_read_whole(void **state)
{
	(void)state;
	start_rig();
	start_loader();
	assert_true(until(is_current));
	/* Restored from a backup: the same version, made at another time. */
	pthread_mutex_lock(&rig.mutex);
	rig.since_us += 12345;
	pthread_mutex_unlock(&rig.mutex);
	assert_true(until(is_second_registry));
	assert_true(until(is_current));
	stop_loader();
	/* Or older than what is known. */
	start_loader();
	assert_true(until(is_current));
	registries = 1;
	pthread_mutex_lock(&rig.mutex);
	rig.version = 0;
	pthread_mutex_unlock(&rig.mutex);
	assert_true(until(is_second_registry));
}

static void test_too_many_changes_are_read_whole(void **state)
{
	(void)state;
	start_rig();
	start_loader();
	assert_true(until(is_current));
	pthread_mutex_lock(&rig.mutex);
	rig.version++;
	for (uint32_t n = 1; n <= 1100; n++)
		registry_rig_set(&rig, ROW_PRACTITIONER, n, "Dr Parmi Mille", false);
	pthread_mutex_unlock(&rig.mutex);
	pg_rig_notify(&rig.pg, "tocsin_registry");
	assert_true(until(is_second_registry));
	assert_int_equal(registry_size(registry).practitioners, 1100);
	assert_int_equal(rig.changes, 0);
}

static unsigned expected_batches;
static bool has_batches(void)
{
	return batches >= expected_batches;
}

static void test_many_changes_come_in_portions(void **state)
{
	(void)state;
	start_rig();
	start_loader();
	assert_true(until(is_current));
	pthread_mutex_lock(&rig.mutex);
	rig.version++;
	for (uint32_t n = 1; n <= 900; n++)
		registry_rig_set(&rig, ROW_PRACTITIONER, n, "Dr Parmi Cent", false);
	pthread_mutex_unlock(&rig.mutex);
	pg_rig_notify(&rig.pg, "tocsin_registry");
	expected_batches = 2;
	assert_true(until(has_batches));
	assert_int_equal(registry_size(registry).practitioners, 900);
	assert_int_equal(registry_version(registry), rig.version);
	assert_int_equal(registries, 1);
	assert_int_equal(state_now().changes, 900);
}

/* A loop that takes nothing for a while: the thread waits with the rest, and nothing is lost. */
static void test_a_loop_that_does_not_take(void **state)
{
	enum { CHANGES = 80 };

	(void)state;
	start_rig();
	start_loader();
	assert_true(until(is_current));
	for (uint32_t i = 1; i <= CHANGES; i++) {
		int before = rig.changes;
		struct mono deadline = mono_add_ms(clock_mono(), 400);
		change(ROW_PRACTITIONER, 1000 + i, "Dr Arrivée", false);
		while (rig.changes == before && !mono_is_due(deadline, clock_mono()))
			poll(NULL, 0, 1);
		if (rig.changes == before)
			break; /* it waits for us */
	}
	assert_true(rig.changes > 60 && rig.changes < CHANGES);
	expected_n = 1000 + (uint32_t)rig.changes + 1;
	expected_name = "Dr Arrivée";
	assert_true(until(has_name));
	for (expected_n = 1001; expected_n <= 1000 + (uint32_t)rig.changes; expected_n++)
		assert_true(has_name());
}

static void test_waste_is_swept_by_a_load(void **state)
{
	static char first[1000], second[1000];

	(void)state;
	memset(first, 'a', sizeof first - 1);
	memset(second, 'b', sizeof second - 1);
	for (uint32_t n = 1; n <= 800; n++)
		registry_rig_set(&rig, ROW_PRACTITIONER, n, first, false);
	start_rig();
	start_loader();
	assert_true(until(is_current));
	pthread_mutex_lock(&rig.mutex);
	rig.version++;
	for (uint32_t n = 1; n <= 800; n++)
		registry_rig_set(&rig, ROW_PRACTITIONER, n, second, false);
	pthread_mutex_unlock(&rig.mutex);
	pg_rig_notify(&rig.pg, "tocsin_registry");
	assert_true(until(is_second_registry));
	assert_int_equal(registry_size(registry).waste_bytes, 0);
	assert_int_equal(rig.loads, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_settings_that_cannot_be_used),
		TEST(test_loads_and_follows),
		TEST(test_a_withdrawal_leaves_memory_and_snapshot),
		TEST(test_another_database_is_read_whole),
		TEST(test_too_many_changes_are_read_whole),
		TEST(test_many_changes_come_in_portions),
		TEST(test_a_loop_that_does_not_take),
		TEST(test_waste_is_swept_by_a_load),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
