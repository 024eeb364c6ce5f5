#include "decide/world.h"

#include "tests/unit/decide_rig.h"

static const struct fix melun = { .lat = 48.54, .lon = 2.66, .accuracy_m = 10 };

static void the_newest_position_of_a_source_is_remembered(void **state)
{
	struct rig *r = *state;
	struct source_id martin = department_source("bracelet-martin");
	struct fix later = melun;
	assert_null(world_fix(&r->world, martin));
	assert_true(world_remember_fix(&r->world, martin, &melun, rig_wall(5000)));
	assert_int_equal(world_fix(&r->world, martin)->fixed_at.us, rig_wall(5000).us);
	later.lat = 48.55;
	later.fixed_at = rig_wall(4000); /* it comes later and was made before */
	assert_true(world_remember_fix(&r->world, martin, &later, rig_wall(6000)));
	assert_true(world_fix(&r->world, martin)->lat == 48.54);
	later.fixed_at = rig_wall(5500);
	assert_true(world_remember_fix(&r->world, martin, &later, rig_wall(6000)));
	assert_true(world_fix(&r->world, martin)->lat == 48.55);
	assert_null(world_fix(&r->world, department_source("bracelet-petit")));
}

/* A clock ahead of ours must not hold an old position for newer than those that follow. */
static void no_position_is_younger_than_its_message(void **state)
{
	struct rig *r = *state;
	struct source_id martin = department_source("bracelet-martin");
	struct fix ahead = melun;
	ahead.fixed_at = rig_wall(12 * 3600 * 1000);
	assert_true(world_remember_fix(&r->world, martin, &ahead, rig_wall(0)));
	assert_int_equal(world_fix(&r->world, martin)->fixed_at.us, rig_wall(0).us);
	ahead.lat = 48.55;
	assert_true(world_remember_fix(&r->world, martin, &ahead, rig_wall(1000)));
	assert_true(world_fix(&r->world, martin)->lat == 48.55);
}

static void it_wakes_at_the_first_of_all_deadlines(void **state)
{
	struct rig *r = *state;
	struct incident *a = rig_incident(r), *b = rig_incident(r);
	assert_false(mono_is_set(world_next_wake(&r->world)));
	a->step_due = rig_at(500);
	a->offer_due = rig_at(300);
	world_schedule(&r->world, a);
	b->away_due = rig_at(200);
	b->step_due = rig_at(900);
	world_schedule(&r->world, b);
	assert_int_equal(world_next_wake(&r->world).ns, rig_at(200).ns);
	b->away_due = (struct mono){ 0 };
	world_schedule(&r->world, b);
	assert_int_equal(world_next_wake(&r->world).ns, rig_at(300).ns);
	a->offer_due = (struct mono){ 0 };
	world_schedule(&r->world, a);
	assert_int_equal(world_next_wake(&r->world).ns, rig_at(500).ns);
	world_close_incident(&r->world, a);
	assert_int_equal(world_next_wake(&r->world).ns, rig_at(900).ns);
	b->step_due = (struct mono){ 0 };
	world_schedule(&r->world, b);
	assert_false(mono_is_set(world_next_wake(&r->world)));
}

static struct incident *restored(struct rig *r, enum incident_state state, unsigned priority)
{
	struct incident *i = calloc(1, sizeof *i);
	i->id.v = rig_id(r);
	i->state = state;
	i->priority = priority;
	incident_set_owner(i, centre_id("cic-77"));
	assert_true(world_restore_incident(&r->world, i));
	return i;
}

/* What a damaged record took is due at once: in doubt early. */
static void no_restored_incident_is_without_its_deadline(void **state)
{
	static const enum incident_step steps[] = { STEP_NONE, STEP_LOUDER, STEP_OTHER_CENTRE,
		                                    STEP_ALL,  STEP_ALARM,  STEP_ENGAGE };
	struct rig *r = *state;
	for (unsigned s = INCIDENT_OPEN; s < INCIDENT_CLOSED; s++) {
		for (unsigned priority = 1; priority <= 4; priority++) {
			for (size_t n = 0; n < sizeof steps / sizeof *steps; n++) {
				for (unsigned set = 0; set < 2; set++) {
					struct incident *i = restored(r, s, priority);
					i->step = steps[n];
					i->step_due = set ? rig_at(7000) : (struct mono){ 0 };
				}
			}
		}
	}
	world_restored(&r->world, rig_at(0));
	struct incident *i;
	for (size_t n = 0; (i = world_next_incident(&r->world, &n)) != NULL;) {
		bool waits = i->priority < 4 && i->state != INCIDENT_ENGAGED;
		assert_int_equal(mono_is_set(i->step_due), waits);
		assert_int_equal(i->step != STEP_NONE, waits);
		if (waits)
			assert_int_equal(i->step == STEP_ENGAGE, i->state == INCIDENT_TAKEN);
		/* Consoles are away: a taker's, and the owner's of what still waits. */
		bool asks = i->state == INCIDENT_TAKEN || (i->state == INCIDENT_OPEN && waits);
		assert_int_equal(mono_is_set(i->away_due), asks);
		if (asks)
			assert_int_equal(i->away_due.ns, rig_at(30000).ns);
		assert_int_equal(i->wake.place != 0, waits || asks);
	}
}

static void a_good_deadline_stays_as_it_was(void **state)
{
	struct rig *r = *state;
	struct incident *open = restored(r, INCIDENT_OPEN, 1),
	                *taken = restored(r, INCIDENT_TAKEN, 2);
	open->step = STEP_ALL;
	open->step_due = rig_at(-9000); /* it passed while the service was down */
	open->away_due = rig_at(2000);
	taken->step = STEP_ENGAGE;
	taken->step_due = rig_at(7000);
	world_restored(&r->world, rig_at(0));
	assert_int_equal(open->step, STEP_ALL);
	assert_int_equal(open->step_due.ns, rig_at(-9000).ns);
	assert_int_equal(open->away_due.ns, rig_at(2000).ns);
	assert_int_equal(taken->step_due.ns, rig_at(7000).ns);
}

static void the_oldest_technical_one_is_known(void **state)
{
	struct rig *r = *state;
	struct incident *alarm = rig_incident(r), *made[5];
	static const unsigned ages[] = { 3, 1, 4, 2, 5 };
	world_age(&r->world, alarm);
	assert_null(world_oldest_technical(&r->world)); /* an alarm is none */
	for (unsigned n = 0; n < 5; n++) {
		made[n] = rig_incident(r);
		made[n]->priority = 4;
		made[n]->raised_at = rig_wall(1000 * ages[n]);
		world_age(&r->world, made[n]);
	}
	for (unsigned age = 1; age <= 5; age++) {
		struct incident *oldest = world_oldest_technical(&r->world);
		assert_int_equal(oldest->raised_at.us, rig_wall(1000 * age).us);
		world_close_incident(&r->world, oldest);
	}
	assert_null(world_oldest_technical(&r->world));
}

static void sessions_are_of_a_centre(void **state)
{
	struct rig *r = *state;
	assert_false(world_has_session_at(&r->world, centre_id("cic-77")));
	rig_sign_in(r, "corg-77");
	assert_false(world_has_session_at(&r->world, centre_id("cic-77")));
	assert_true(world_has_session_at(&r->world, centre_id("corg-77")));
}

static void what_is_forgotten_is_nowhere(void **state)
{
	struct rig *r = *state;
	struct incident *i = restored(r, INCIDENT_OPEN, 1);
	struct incident_id id = i->id;
	i->step = STEP_LOUDER;
	i->step_due = rig_at(1);
	world_restored(&r->world, rig_at(0));
	assert_ptr_equal(world_incident(&r->world, id), i);
	world_forget_incident(&r->world, i);
	assert_null(world_incident(&r->world, id));
	assert_false(mono_is_set(world_next_wake(&r->world)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(the_newest_position_of_a_source_is_remembered),
		RIG_TEST(no_position_is_younger_than_its_message),
		RIG_TEST(it_wakes_at_the_first_of_all_deadlines),
		RIG_TEST(no_restored_incident_is_without_its_deadline),
		RIG_TEST(a_good_deadline_stays_as_it_was),
		RIG_TEST(the_oldest_technical_one_is_known),
		RIG_TEST(sessions_are_of_a_centre),
		RIG_TEST(what_is_forgotten_is_nowhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
