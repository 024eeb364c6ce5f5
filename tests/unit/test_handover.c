#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "keep/handover.h"
#include "support/log.h"

static struct handover h;

static int start(void **state)
{
	(void)state;
	return handover_init(&h) ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	handover_done(&h);
	return 0;
}

static bool is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static bool put_registry(uint64_t version)
{
	struct loader_news news = { .kind = LOADER_REGISTRY,
		                    .registry = registry_new(0),
		                    .version = version };

	return handover_put(&h, &news);
}

static bool put_changes(uint64_t version)
{
	struct loader_news news = { .kind = LOADER_CHANGES, .version = version };

	changes_add(&news.changes, ROW_SITE, (const uint8_t *)"row", 3);
	return handover_put(&h, &news);
}

static bool put_territory(void)
{
	struct loader_news news = { .kind = LOADER_TERRITORY, .territory = territory_new() };

	return handover_put(&h, &news);
}

static void test_in_order(void **state)
{
	struct loader_news news;

	(void)state;
	assert_false(is_readable(h.news_fd));
	assert_false(handover_take(&h, &news));
	assert_true(put_territory() && put_registry(1) && put_changes(2) && put_changes(3));
	assert_true(is_readable(h.news_fd));
	assert_true(handover_take(&h, &news));
	assert_int_equal(news.kind, LOADER_TERRITORY);
	territory_free(news.territory);
	assert_true(is_readable(h.news_fd)); /* there is more: one piece a turn */
	assert_true(handover_take(&h, &news));
	assert_int_equal(news.kind, LOADER_REGISTRY);
	assert_int_equal(news.version, 1);
	registry_free(news.registry);
	for (uint64_t version = 2; version <= 3; version++) {
		assert_true(handover_take(&h, &news));
		assert_int_equal(news.kind, LOADER_CHANGES);
		assert_int_equal(news.version, version);
		assert_int_equal(news.changes.count, 1);
		changes_done(&news.changes);
	}
	assert_false(is_readable(h.news_fd));
	assert_false(handover_take(&h, &news));
}

static void test_a_whole_one_makes_the_old_pointless(void **state)
{
	struct loader_news news;

	(void)state;
	assert_true(put_registry(1) && put_changes(2) && put_territory() && put_changes(3));
	assert_true(put_registry(7) && put_changes(8) && put_territory());
	assert_true(handover_take(&h, &news));
	assert_int_equal(news.kind, LOADER_REGISTRY);
	assert_int_equal(news.version, 7);
	registry_free(news.registry);
	assert_true(handover_take(&h, &news));
	assert_int_equal(news.kind, LOADER_CHANGES);
	assert_int_equal(news.version, 8);
	changes_done(&news.changes);
	assert_true(handover_take(&h, &news));
	assert_int_equal(news.kind, LOADER_TERRITORY);
	territory_free(news.territory);
	assert_false(handover_take(&h, &news));
	/* What nobody took is freed with it: the leak checker looks. */
	assert_true(put_registry(9) && put_changes(10) && put_territory());
}

static void test_full(void **state)
{
	struct loader_news news;

	(void)state;
	for (uint64_t i = 0; i < HANDOVER_MAX; i++) {
		assert_false(handover_is_full(&h));
		assert_true(put_changes(i));
	}
	assert_true(handover_is_full(&h));
	assert_false(is_readable(h.work_fd));
	assert_true(handover_take(&h, &news));
	changes_done(&news.changes);
	assert_true(is_readable(h.work_fd)); /* the thread hears that there is room */
	assert_false(handover_is_full(&h));
	handover_quiet(&h);
	assert_false(is_readable(h.work_fd));
}

static void test_given_back(void **state)
{
	(void)state;
	handover_give_back(&h, NULL, NULL);
	assert_false(is_readable(h.work_fd));
	handover_give_back(&h, registry_new(0), NULL);
	handover_give_back(&h, registry_new(0), territory_new());
	assert_true(is_readable(h.work_fd));
	handover_free_garbage(&h);
	handover_free_garbage(&h);
	handover_give_back(&h, NULL, territory_new()); /* freed with it */
}

static void test_state_and_wishes(void **state)
{
	struct loader_state out;
	struct loader_news news;

	(void)state;
	handover_lock(&h)->registry_version = 5;
	handover_unlock(&h, false);
	assert_false(is_readable(h.news_fd));
	handover_state(&h, &out);
	assert_int_equal(out.registry_version, 5);
	handover_lock(&h)->is_connected = true;
	handover_unlock(&h, true);
	assert_true(is_readable(h.news_fd));
	assert_true(put_changes(1));
	assert_true(handover_take(&h, &news));
	assert_int_equal(news.kind, LOADER_CHANGES);
	changes_done(&news.changes);
	assert_true(handover_take(&h, &news));
	assert_int_equal(news.kind, LOADER_STATE);
	assert_false(handover_take(&h, &news));

	assert_false(handover_is_load_wanted(&h));
	handover_want_load(&h);
	assert_true(is_readable(h.work_fd));
	assert_true(handover_is_load_wanted(&h));
	assert_false(handover_is_load_wanted(&h)); /* once */
}

static void test_away_and_current(void **state)
{
	struct loader_state out;
	struct loader_news news;

	(void)state;
	log_set_level(LOG_LEVEL_CRIT);
	handover_say_away(&h, "refused");
	assert_true(handover_take(&h, &news));
	assert_int_equal(news.kind, LOADER_STATE);
	handover_state(&h, &out);
	assert_false(out.is_connected);
	assert_true(wall_is_set(out.since));
	assert_string_equal(out.why, "refused");
	struct wall since = out.since;
	handover_say_away(&h, "refused");
	assert_false(handover_take(&h, &news)); /* nothing new */
	handover_say_away(&h, "no answer in time");
	assert_true(handover_take(&h, &news));
	handover_state(&h, &out);
	assert_true(out.since.us == since.us); /* another reason, the same absence */

	handover_lock(&h)->is_from_snapshot = true;
	handover_unlock(&h, false);
	handover_say_current(&h, 8, 3, "");
	assert_true(handover_take(&h, &news));
	handover_state(&h, &out);
	assert_true(out.is_connected && !out.is_from_snapshot);
	assert_string_equal(out.why, "");
	assert_true(out.registry_version == 8 && out.territory_version == 3);
	assert_true(out.as_of.us == out.since.us && out.since.us >= since.us);
	handover_say_current(&h, 9, 3, "disk full");
	assert_false(handover_take(&h, &news));
	handover_state(&h, &out);
	assert_string_equal(out.snapshot_why, "disk full");
	assert_true(out.since.us <= out.as_of.us);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_in_order, start, stop),
		cmocka_unit_test_setup_teardown(test_a_whole_one_makes_the_old_pointless, start,
		                                stop),
		cmocka_unit_test_setup_teardown(test_full, start, stop),
		cmocka_unit_test_setup_teardown(test_given_back, start, stop),
		cmocka_unit_test_setup_teardown(test_state_and_wishes, start, stop),
		cmocka_unit_test_setup_teardown(test_away_and_current, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
