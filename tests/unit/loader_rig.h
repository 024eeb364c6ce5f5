/*
 * A loader at one end, pg_registry_rig.h at the other, and the loop between them turned by hand:
 * what the loader hands over is taken, applied and given back as run/ does, until a condition
 * holds.
 */
#ifndef TOCSIN_TESTS_LOADER_RIG_H
#define TOCSIN_TESTS_LOADER_RIG_H

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keep/loader.h"
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

static inline void take_all(void)
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

static inline bool until(bool (*holds)(void))
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

static inline struct loader_state state_now(void)
{
	struct loader_state s;

	loader_state(loader, &s);
	return s;
}

static inline bool is_current(void)
{
	return registry && territory && state_now().is_connected;
}
static inline bool is_away(void)
{
	return !state_now().is_connected && state_now().why[0] != '\0';
}
static inline bool is_served(void)
{
	return registry && territory;
}

static const char *expected_name;
static uint32_t expected_n;

static inline bool has_name(void)
{
	struct practitioner p;
	bool is_there = registry_practitioner(registry, rig_person(expected_n), &p);

	return expected_name ? is_there && strcmp(p.name, expected_name) == 0 : !is_there;
}

/* ---- the two ends ---- */

static inline void start_rig(void)
{
	pg_rig_start(&rig.pg);
	is_rig_running = true;
}

static inline void stop_rig(void)
{
	if (is_rig_running)
		pg_rig_stop(&rig.pg);
	is_rig_running = false;
}

static inline void start_loader(void)
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

static inline void stop_loader(void)
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

static inline int setup(void **state)
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

static inline int teardown(void **state)
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
static inline void change(enum row_kind kind, uint32_t n, const char *name, bool is_gone)
{
	pthread_mutex_lock(&rig.mutex);
	rig.version++;
	registry_rig_set(&rig, kind, n, name, is_gone);
	pthread_mutex_unlock(&rig.mutex);
	pg_rig_notify(&rig.pg, "tocsin_registry");
}

static inline bool snapshot_holds(const char *text)
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
