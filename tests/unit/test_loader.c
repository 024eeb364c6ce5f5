#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "keep/loader.h"
#include "keep/select.h"
#include "support/log.h"
#include "tests/unit/pg_registry_rig.h"

#define PATIENCE_MS 10000
#define PEOPLE      200

static char folder[256];
static struct registry_rig rig;
static bool is_rig_running;

/* The loop's side: what it has taken so far. */
static struct loader *loader;
static struct registry *registry;
static struct territory *territory;
static unsigned registries, territories, batches;

/* ---- turning the loop until something holds ---- */

static void take_all(void)
{
	struct loader_news news;

	while (loader_take(loader, &news)) {
		switch (news.kind) {
		case LOADER_REGISTRY:
			loader_give_back(loader, registry, NULL);
			registry = news.registry;
			registries++;
			break;
		case LOADER_TERRITORY:
			loader_give_back(loader, NULL, territory);
			territory = news.territory;
			territories++;
			break;
		case LOADER_CHANGES:
			loader_apply(loader, registry, &news);
			batches++;
			break;
		case LOADER_STATE: break;
		}
	}
}

static bool until(bool (*holds)(void))
{
	struct mono deadline = mono_add_ms(clock_mono(), PATIENCE_MS);

	for (;;) {
		struct pollfd fd = { .fd = loader_fd(loader), .events = POLLIN };
		take_all();
		if (holds())
			return true;
		if (mono_is_due(deadline, clock_mono()))
			return false;
		poll(&fd, 1, 10); /* the state may change without news */
	}
}

static struct loader_state state_now(void)
{
	struct loader_state s;

	loader_state(loader, &s);
	return s;
}

static bool is_current(void)
{
	return registry && territory && state_now().is_connected;
}
static bool is_away(void)
{
	return !state_now().is_connected && state_now().why[0] != '\0';
}
static bool is_served(void)
{
	return registry && territory;
}

static const char *expected_name;
static uint32_t expected_n;

static bool has_name(void)
{
	struct practitioner p;
	bool is_there = registry_practitioner(registry, rig_person(expected_n), &p);

	return expected_name ? is_there && strcmp(p.name, expected_name) == 0 : !is_there;
}

/* ---- the two ends ---- */

static void start_rig(void)
{
	pg_rig_start(&rig.pg);
	is_rig_running = true;
}

static void stop_rig(void)
{
	if (is_rig_running)
		pg_rig_stop(&rig.pg);
	is_rig_running = false;
}

static void start_loader(void)
{
	char conninfo[128], why[LOADER_WHY_SIZE];
	struct loader_settings settings = { .conninfo = pg_rig_conninfo(&rig.pg, conninfo),
		                            .state_folder = folder,
		                            .disk = disk_system(),
		                            .connect_ms = 300,
		                            .answer_ms = 300,
		                            .heartbeat_ms = 300 };

	loader = loader_start(&settings, why);
	if (!loader)
		fail_msg("%s", why);
}

static void stop_loader(void)
{
	struct mono begin = clock_mono();

	loader_stop(loader);
	loader = NULL;
	assert_true(mono_ms_between(begin, clock_mono()) < 1000);
	registry_free(registry);
	territory_free(territory);
	registry = NULL;
	territory = NULL;
	registries = territories = batches = 0;
}

static int setup(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_CRIT);
	snprintf(folder, sizeof folder, "%s", TEMP_DIR "/loader.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	registry_rig_init(&rig);
	for (uint32_t n = 1; n <= PEOPLE; n++)
		registry_rig_set(&rig, ROW_PRACTITIONER, n, "Dr Camille Exemple", false);
	registry_rig_set(&rig, ROW_SITE, 1, "", false);
	registry_rig_set(&rig, ROW_SOURCE, 1, "bracelet-1", false);
	return 0;
}

static int teardown(void **state)
{
	char command[300];

	(void)state;
	if (loader)
		stop_loader();
	if (is_rig_running)
		stop_rig();
	else
		close(rig.pg.listener);
	snprintf(command, sizeof command, "rm -r '%s'", folder);
	return system(command);
}

/* One change in a version of its own, and the server says so. */
static void change(enum row_kind kind, uint32_t n, const char *name, bool is_gone)
{
	pthread_mutex_lock(&rig.mutex);
	rig.version++;
	registry_rig_set(&rig, kind, n, name, is_gone);
	pthread_mutex_unlock(&rig.mutex);
	pg_rig_notify(&rig.pg, "tocsin_registry");
}

static bool snapshot_holds(const char *text)
{
	char path[300];
	static char bytes[1 << 20];
	size_t length = 0;

	snprintf(path, sizeof path, "%s/registry.snapshot", folder);
	FILE *f = fopen(path, "r");
	if (f) {
		length = fread(bytes, 1, sizeof bytes, f);
		fclose(f);
	}
	return memmem(bytes, length, text, strlen(text)) != NULL;
}

/* ---- tests ---- */

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
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_settings_that_cannot_be_used),
		TEST(test_loads_and_follows),
		TEST(test_a_withdrawal_leaves_memory_and_snapshot),
		TEST(test_starts_from_the_snapshot),
		TEST(test_another_database_is_read_whole),
		TEST(test_too_many_changes_are_read_whole),
		TEST(test_many_changes_come_in_portions),
		TEST(test_a_loop_that_does_not_take),
		TEST(test_waste_is_swept_by_a_load),
		TEST(test_a_server_that_hangs_and_comes_back),
		TEST(test_stopped_wherever_it_waits),
		TEST(test_schemas_that_are_not_ours),
		TEST(test_a_territory_that_hangs_in_the_air),
		TEST(test_a_damaged_snapshot),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
