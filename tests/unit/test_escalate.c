#include "decide/escalate.h"

#include "tests/unit/decide_rig.h"

static void commit_all(struct rig *r)
{
	struct event e = { .kind = EVENT_TICK, .wall = rig_wall(0) };
	commit(&r->world, &e, &r->effects, false);
}

static unsigned alarms(struct rig *r)
{
	unsigned count = 0;
	for (unsigned n = 0; n < r->effects.count; n++)
		count += r->effects.list[n].kind == EFFECT_ALARM;
	r->effects.count = 0;
	return count;
}

/* All that is due up to `ms`, each at its own time; returns the alarms. */
static unsigned pass(struct rig *r, int64_t ms)
{
	unsigned count = 0, rounds = 0;
	for (;;) {
		struct heap_node *first = heap_first(&r->world.deadlines);
		if (first == NULL || first->due.ns > rig_at(ms).ns)
			break;
		struct incident *i = (void *)((char *)first - offsetof(struct incident, wake));
		escalate_due(&r->world, i, first->due, &r->effects);
		commit_all(r);
		count += alarms(r);
		assert_true(++rounds < 1000);
	}
	return count;
}

static struct incident *started(struct rig *r)
{
	struct incident *i = rig_incident(r);
	rig_sign_in(r, "cic-77");
	escalate_start(&r->world, i, rig_at(0), &r->effects);
	commit_all(r);
	assert_int_equal(alarms(r), 0);
	return i;
}

static void steps_come_at_their_times_and_the_alarm_again_and_again(void **state)
{
	static const struct {
		int64_t ms;
		unsigned level, centres, alarms;
	} rows[] = {
		{ 19999, 0, 1, 0 },  { 20000, 1, 1, 0 },  { 44999, 1, 1, 0 },  { 45000, 2, 2, 0 },
		{ 89999, 2, 2, 0 },  { 90000, 3, 2, 0 },  { 119999, 3, 2, 0 }, { 120000, 4, 2, 1 },
		{ 239999, 4, 2, 0 }, { 240000, 4, 2, 1 }, { 599999, 4, 2, 2 }, { 600000, 4, 2, 1 },
	};
	struct rig *r = *state;
	struct incident *i = started(r);
	for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
		assert_int_equal(pass(r, rows[n].ms), rows[n].alarms);
		assert_int_equal(i->level, rows[n].level);
		assert_int_equal(i->centres_count, rows[n].centres);
	}
	/* Operations are never asked to answer an alarm. */
	assert_false(incident_concerns(i, centre_id("ops-77")));
	assert_true(rig_has_part(i, "corg-77", CENTRE_ESCALATED));
}

/* After a suspend: what came due is made up for in one go, the alarm sounds once. */
static void what_was_missed_is_made_up_for(void **state)
{
	struct rig *r = *state;
	struct incident *i = started(r);
	unsigned count = 0, rounds = 0;
	while (mono_is_due(world_next_wake(&r->world), rig_at(1000000))) {
		escalate_due(&r->world, i, rig_at(1000000), &r->effects);
		commit_all(r);
		count += alarms(r);
		assert_true(++rounds < 10);
	}
	assert_int_equal(rounds, 4);
	assert_int_equal(i->level, 4);
	assert_int_equal(count, 1);
	assert_int_equal(world_next_wake(&r->world).ns, rig_at(1120000).ns);
}

static void who_has_it_in_hand_has_time_to_engage(void **state)
{
	struct rig *r = *state;
	struct incident *i = started(r);
	pass(r, 50000);
	i->state = INCIDENT_TAKEN;
	TEXT_COPY(i->taken_by, "Dupont");
	i->taken_at = centre_id("cic-77");
	escalate_taken(&r->world, i, rig_at(50000));
	commit_all(r);
	assert_int_equal(pass(r, 229999), 0);
	assert_int_equal(i->state, INCIDENT_TAKEN);
	escalate_renewed(&r->world, i, rig_at(200000)); /* its deadline restarts */
	assert_int_equal(pass(r, 379999), 0);
	assert_int_equal(i->state, INCIDENT_TAKEN);
	pass(r, 380000);
	assert_int_equal(i->state, INCIDENT_OPEN);
	assert_string_equal(i->taken_by, "");
	assert_false(centre_is_set(i->taken_at));
	assert_int_equal(i->level, 2); /* not quieter than it was */
	assert_int_equal(world_next_wake(&r->world).ns, rig_at(400000).ns);
}

static void engaged_waits_for_nothing(void **state)
{
	struct rig *r = *state;
	struct incident *i = started(r);
	i->state = INCIDENT_ENGAGED;
	i->away_due = rig_at(1);
	escalate_engaged(&r->world, i);
	commit_all(r);
	assert_false(mono_is_set(world_next_wake(&r->world)));
	escalate_renewed(&r->world, i, rig_at(10));
	assert_false(mono_is_set(world_next_wake(&r->world)));
}

static void nobody_is_paged_for_technical_ones(void **state)
{
	struct rig *r = *state;
	struct incident *i = rig_incident(r);
	i->priority = 4;
	escalate_start(&r->world, i, rig_at(0), &r->effects);
	commit_all(r);
	assert_int_equal(alarms(r), 0);
	assert_false(mono_is_set(world_next_wake(&r->world)));
}

static void with_nobody_at_the_owner_the_stand_in_is_asked_at_once(void **state)
{
	struct rig *r = *state;
	struct incident *i = rig_incident(r);
	incident_set_owner(i, centre_id("corg-77"));
	i->centres_count = 1;
	rig_sign_in(r, "cic-77");
	escalate_start(&r->world, i, rig_at(0), &r->effects);
	assert_true(rig_has_part(i, "cic-77", CENTRE_ESCALATED));
	commit_all(r);
	assert_int_equal(alarms(r), 0);
}

/* Not only the stand-in: whoever is signed in, before the alarm says that there is nobody. */
static void with_nobody_at_the_stand_in_others_are_asked(void **state)
{
	struct rig *r = *state;
	struct incident *i = rig_incident(r); /* cic-77 owns it and stands in for itself */
	rig_sign_in(r, "corg-77");
	escalate_start(&r->world, i, rig_at(0), &r->effects);
	commit_all(r);
	assert_true(rig_has_part(i, "corg-77", CENTRE_ESCALATED));
	assert_int_equal(alarms(r), 0);
}

static void another_department_s_console_is_nobody_here(void **state)
{
	struct rig *r = *state;
	struct incident *i = rig_incident(r);
	rig_sign_in(r, "cic-91");
	rig_sign_in(r, "ops-77");
	escalate_start(&r->world, i, rig_at(0), &r->effects);
	const struct effect *alarm = rig_effect(r, EFFECT_ALARM);
	assert_non_null(alarm);
	assert_int_equal(alarm->alarm.why, REASON_ESCALATE_NO_CONSOLE);
	assert_int_equal(alarm->alarm.priority, 1);
	assert_true(id_equal(alarm->alarm.incident.v, i->id.v));
	assert_false(incident_concerns(i, centre_id("cic-91")));
	commit_all(r);
}

static void an_offer_lapses(void **state)
{
	struct rig *r = *state;
	struct incident *i = started(r);
	incident_add_centre(i, centre_id("corg-77"), CENTRE_OFFERED);
	i->offered_to = centre_id("corg-77");
	i->offer_due = rig_at(10000);
	world_schedule(&r->world, i);
	pass(r, 10000);
	assert_false(centre_is_set(i->offered_to));
	assert_true(rig_has_part(i, "corg-77", CENTRE_INFORMED));
	assert_int_equal(world_next_wake(&r->world).ns, rig_at(20000).ns); /* its own go on */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(steps_come_at_their_times_and_the_alarm_again_and_again),
		RIG_TEST(what_was_missed_is_made_up_for),
		RIG_TEST(who_has_it_in_hand_has_time_to_engage),
		RIG_TEST(engaged_waits_for_nothing),
		RIG_TEST(nobody_is_paged_for_technical_ones),
		RIG_TEST(with_nobody_at_the_owner_the_stand_in_is_asked_at_once),
		RIG_TEST(with_nobody_at_the_stand_in_others_are_asked),
		RIG_TEST(another_department_s_console_is_nobody_here),
		RIG_TEST(an_offer_lapses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
