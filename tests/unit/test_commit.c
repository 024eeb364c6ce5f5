#include "decide/commit.h"

#include "tests/unit/decide_rig.h"

static const struct event event = { .kind = EVENT_TICK, .wall = { RIG_WALL_US + 5 } };

static void nothing_changed_is_no_record(void **state)
{
	struct rig *r = *state;
	assert_null(commit(&r->world, &event, &r->effects, false));
	assert_int_equal(r->effects.count, 0);
	assert_int_equal(r->world.next.number, 1); /* no position is used up */
}

static void an_event_of_its_own_is_a_record(void **state)
{
	struct rig *r = *state;
	struct effect *keep = commit(&r->world, &event, &r->effects, true);
	assert_non_null(keep);
	assert_int_equal(keep->kind, EFFECT_KEEP);
	assert_int_equal(keep->position.number, 1);
	assert_int_equal(keep->keep.incidents_count, 0);
	assert_int_equal(r->world.next.number, 2);
}

static void what_nobody_sees_is_no_revision(void **state)
{
	struct rig *r = *state;
	struct incident *i = rig_incident(r);
	world_touch(&r->world, i, GROUP_DEADLINE, TOUCH_UNSEEN);
	struct effect *keep = commit(&r->world, &event, &r->effects, false);
	assert_int_equal(keep->keep.incidents_count, 1);
	assert_ptr_equal(keep->keep.incidents[0], i);
	assert_int_equal(i->revision, 1);
	assert_int_equal(i->position.number, 0); /* of the record that made its revision */
	assert_int_equal(i->changed, GROUP_DEADLINE); /* for the record to write and clear */
	assert_null(rig_effect(r, EFFECT_SHOW));
	assert_null(r->world.dirty);
}

static void what_only_counts_makes_no_view_old(void **state)
{
	struct rig *r = *state;
	struct incident *i = rig_incident(r);
	i->state = INCIDENT_TAKEN;
	world_touch(&r->world, i, GROUP_ALERTS, TOUCH_QUIET);
	commit(&r->world, &event, &r->effects, true);
	assert_int_equal(i->revision, 2);
	assert_int_equal(i->guard, 1);
	assert_int_equal(i->updated_at.us, event.wall.us);
	assert_true(rig_effect(r, EFFECT_SHOW)->show.quiet);
	assert_null(rig_effect(r, EFFECT_STATE));
}

static void what_matters_makes_older_views_old(void **state)
{
	struct rig *r = *state;
	struct incident *i = rig_incident(r);
	i->state = INCIDENT_TAKEN;
	world_touch(&r->world, i, GROUP_ALERTS, TOUCH_QUIET);
	world_touch(&r->world, i, GROUP_STATUS, TOUCH_LOUD);
	world_touch(&r->world, i, GROUP_DEADLINE, TOUCH_UNSEEN);
	struct effect *keep = commit(&r->world, &event, &r->effects, true);
	assert_int_equal(keep->keep.incidents_count, 1); /* once, however often it was touched */
	assert_int_equal(i->revision, 2);
	assert_int_equal(i->guard, 2);
	assert_int_equal(i->changed, GROUP_ALERTS | GROUP_STATUS | GROUP_DEADLINE);
	const struct effect *show = rig_effect(r, EFFECT_SHOW);
	assert_false(show->show.quiet);
	assert_int_equal(show->position.number, 1);
	assert_ptr_equal(rig_effect(r, EFFECT_STATE)->show.incident, i); /* its senders learn */
}

/* The senders have their receipt; there is news for them when something happened to it. */
static void senders_learn_of_more_than_open(void **state)
{
	struct rig *r = *state;
	struct incident *i = rig_incident(r);
	world_touch(&r->world, i, GROUP_STATUS, TOUCH_LOUD);
	commit(&r->world, &event, &r->effects, true);
	assert_null(rig_effect(r, EFFECT_STATE));
	r->effects.count = 0;
	i->level = 1;
	world_touch(&r->world, i, GROUP_STATUS, TOUCH_LOUD);
	commit(&r->world, &event, &r->effects, true);
	assert_non_null(rig_effect(r, EFFECT_STATE));
}

static void what_was_closed_leaves_and_lives_until_the_end_of_the_turn(void **state)
{
	struct rig *r = *state;
	struct incident *i = rig_incident(r);
	struct incident_id id = i->id;
	i->state = INCIDENT_CLOSED;
	world_touch(&r->world, i, GROUP_STATUS, TOUCH_LOUD);
	commit(&r->world, &event, &r->effects, true);
	assert_null(world_incident(&r->world, id));
	assert_ptr_equal(rig_effect(r, EFFECT_SHOW)->show.incident, i);
	assert_int_equal(i->state, INCIDENT_CLOSED);
	world_reap(&r->world);
	assert_null(r->world.closed);
}

static void several_are_one_record(void **state)
{
	struct rig *r = *state;
	for (unsigned n = 0; n < EFFECT_INCIDENTS_MAX; n++)
		world_touch(&r->world, rig_incident(r), GROUP_STATUS, TOUCH_LOUD);
	struct effect *keep = commit(&r->world, &event, &r->effects, true);
	assert_int_equal(keep->keep.incidents_count, EFFECT_INCIDENTS_MAX);
	assert_int_equal(r->effects.count, 1 + EFFECT_INCIDENTS_MAX);
	assert_int_equal(r->world.next.number, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(nothing_changed_is_no_record),
		RIG_TEST(an_event_of_its_own_is_a_record),
		RIG_TEST(what_nobody_sees_is_no_revision),
		RIG_TEST(what_only_counts_makes_no_view_old),
		RIG_TEST(what_matters_makes_older_views_old),
		RIG_TEST(senders_learn_of_more_than_open),
		RIG_TEST(what_was_closed_leaves_and_lives_until_the_end_of_the_turn),
		RIG_TEST(several_are_one_record),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
