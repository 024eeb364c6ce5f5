#include "decide/act.h"

#include "tests/unit/decide_rig.h"

/* A centre's part in the incident, as the tests place it. */
enum part { PART_OWNER, PART_INFORMED, PART_OFFERED, PART_ESCALATED, PART_NONE, PARTS };

static const char *const centres[PARTS] = { "cic-77", "corg-77", "corg-91", "cic-91", "cic-75" };

static struct incident *incident_in(struct rig *r, enum incident_state state)
{
	struct incident *i = rig_incident(r);
	incident_add_centre(i, centre_id(centres[PART_INFORMED]), CENTRE_INFORMED);
	incident_add_centre(i, centre_id(centres[PART_OFFERED]), CENTRE_OFFERED);
	incident_add_centre(i, centre_id(centres[PART_ESCALATED]), CENTRE_ESCALATED);
	i->offered_to = centre_id(centres[PART_OFFERED]);
	i->offer_due = rig_at(60000);
	i->state = state;
	i->step = state == INCIDENT_TAKEN ? STEP_ENGAGE : STEP_LOUDER;
	i->step_due = rig_at(20000);
	i->revision = 7;
	i->guard = 5;
	incident_count_alert(i, &(struct alert_summary){ .id = { rig_id(r) } });
	i->changed = 0;
	return i;
}

static struct event act_on(const struct incident *i, enum act_verb verb, const char *centre)
{
	struct event e = { .kind = EVENT_ACT, .at = rig_at(0), .wall = rig_wall(0) };
	e.act.verb = verb;
	e.act.incident = i->id;
	e.act.revision = i->revision;
	e.act.centre = centre_id(centre);
	e.act.to = centre_id("ops-77");
	e.act.alert = i->first[0].id;
	TEXT_COPY(e.act.operator, "Moreau");
	TEXT_COPY(e.act.note, "vu");
	TEXT_COPY(e.act.disposition, "done");
	return e;
}

static enum refusal apply(struct rig *r, struct event *e)
{
	struct incident *i = world_incident(&r->world, e->act.incident), *made = NULL;
	e->fresh.v = rig_id(r);
	enum refusal refused = act_apply(&r->world, e, i, &made, &r->effects);
	assert_int_equal(made != NULL, refused == REFUSAL_NONE && e->act.verb == ACT_SPLIT);
	if (refused != REFUSAL_NONE)
		assert_null(r->world.dirty); /* what is refused changes nothing */
	commit(&r->world, e, &r->effects, false);
	world_reap(&r->world);
	r->effects.count = 0;
	return refused;
}

/* The rules a second time, as the list of what is allowed; all else must be refused. */
static bool is_allowed(enum act_verb verb, enum part part, enum incident_state state)
{
	bool in_hand = state == INCIDENT_TAKEN || state == INCIDENT_ENGAGED;
	switch (verb) {
	case ACT_TAKE:
		return (part == PART_OWNER || part == PART_ESCALATED) && state == INCIDENT_OPEN;
	case ACT_ENGAGE: return part == PART_OWNER && state == INCIDENT_TAKEN;
	case ACT_RELEASE: return part == PART_OWNER && state == INCIDENT_TAKEN;
	case ACT_CLOSE: return part == PART_OWNER && in_hand;
	case ACT_TRANSFER:
	case ACT_SPLIT: return part == PART_OWNER;
	case ACT_ACCEPT:
	case ACT_REFUSE: return part == PART_OFFERED;
	case ACT_NOTE:
	case ACT_LOOK: return part != PART_NONE;
	default: return false;
	}
}

static void only_what_is_allowed_is_done(void **state)
{
	struct rig *r = *state;
	for (unsigned verb = 0; verb < ACT_VERBS; verb++) {
		for (unsigned part = 0; part < PARTS; part++) {
			for (unsigned s = INCIDENT_OPEN; s < INCIDENT_CLOSED; s++) {
				struct incident *i = incident_in(r, s);
				struct event e = act_on(i, verb, centres[part]);
				enum refusal refused = apply(r, &e);
				if ((refused == REFUSAL_NONE) != is_allowed(verb, part, s))
					fail_msg("%s by %s in %s: «%s»", act_verb_name(verb),
					         centres[part], incident_state_name(s),
					         refusal_name(refused));
			}
		}
	}
}

static void unknown_incidents_and_verbs_have_their_answer(void **state)
{
	struct rig *r = *state;
	struct incident *i = incident_in(r, INCIDENT_TAKEN);
	struct event e = act_on(i, ACT_TAKE, "cic-77");
	e.act.incident.v.b[3] ^= 1;
	assert_int_equal(apply(r, &e), REFUSAL_UNKNOWN_INCIDENT);
	e.act.verb = ACT_UNKNOWN;
	assert_int_equal(apply(r, &e), REFUSAL_UNKNOWN_VERB);
	e = act_on(i, ACT_SIGN_IN, "cic-77"); /* a console's session is no act of a dispatcher */
	assert_int_equal(apply(r, &e), REFUSAL_UNKNOWN_VERB);
}

/* An act on a view from before something changed is refused; one from before a count is not. */
static void acts_that_need_a_view_need_a_current_one(void **state)
{
	static const struct {
		enum act_verb verb;
		bool needs_view;
		enum part part;
	} rows[] = {
		{ ACT_TAKE, false, PART_ESCALATED }, { ACT_NOTE, false, PART_INFORMED },
		{ ACT_LOOK, false, PART_INFORMED },  { ACT_ENGAGE, true, PART_OWNER },
		{ ACT_TRANSFER, true, PART_OWNER },  { ACT_ACCEPT, true, PART_OFFERED },
		{ ACT_REFUSE, true, PART_OFFERED },  { ACT_SPLIT, true, PART_OWNER },
		{ ACT_CLOSE, true, PART_OWNER },     { ACT_RELEASE, true, PART_OWNER },
	};
	static const struct {
		uint32_t revision;
		bool is_current;
	} views[] = { { 0, false }, { 4, false }, { 5, true }, { 7, true }, { 8, false } };
	struct rig *r = *state;
	for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
		for (size_t v = 0; v < sizeof views / sizeof *views; v++) {
			bool opens = rows[n].verb == ACT_TAKE;
			struct incident *i = incident_in(r, opens ? INCIDENT_OPEN : INCIDENT_TAKEN);
			struct event e = act_on(i, rows[n].verb, centres[rows[n].part]);
			e.act.revision = views[v].revision;
			bool done = !rows[n].needs_view || views[v].is_current;
			assert_int_equal(apply(r, &e), done ? REFUSAL_NONE : REFUSAL_OLD_REVISION);
		}
	}
}

static void what_an_act_needs_besides(void **state)
{
	struct rig *r = *state;
	struct incident *i = incident_in(r, INCIDENT_TAKEN);
	struct event e = act_on(i, ACT_CLOSE, "cic-77");
	e.act.disposition[0] = '\0';
	assert_int_equal(apply(r, &e), REFUSAL_NO_DISPOSITION);
	e = act_on(i, ACT_NOTE, "cic-77");
	e.act.note[0] = '\0';
	assert_int_equal(apply(r, &e), REFUSAL_NO_NOTE);
	e = act_on(i, ACT_SPLIT, "cic-77");
	e.act.alert.v.b[0] ^= 1;
	assert_int_equal(apply(r, &e), REFUSAL_UNKNOWN_ALERT);
	e = act_on(i, ACT_TRANSFER, "cic-77");
	e.act.to = centre_id("cic-75");
	assert_int_equal(apply(r, &e), REFUSAL_UNKNOWN_CENTRE);
	e.act.to = centre_id("cic-77"); /* to itself */
	assert_int_equal(apply(r, &e), REFUSAL_UNKNOWN_CENTRE);
	e = act_on(i, ACT_ACCEPT, "corg-77"); /* informed, not offered */
	assert_int_equal(apply(r, &e), REFUSAL_NO_OFFER);
}

/* The last view of a closed incident offers it to nobody any more. */
static void closing_ends_the_offer_and_every_deadline(void **state)
{
	struct rig *r = *state;
	struct incident *i = incident_in(r, INCIDENT_ENGAGED), *made = NULL;
	struct event e = act_on(i, ACT_CLOSE, "cic-77");
	i->away_due = rig_at(1);
	assert_int_equal(act_apply(&r->world, &e, i, &made, &r->effects), REFUSAL_NONE);
	commit(&r->world, &e, &r->effects, true);
	const struct incident *shown = rig_effect(r, EFFECT_SHOW)->show.incident;
	assert_int_equal(shown->state, INCIDENT_CLOSED);
	assert_string_equal(shown->disposition, "done");
	assert_false(centre_is_set(shown->offered_to));
	assert_true(rig_has_part(shown, "corg-91", CENTRE_INFORMED));
	assert_false(mono_is_set(shown->offer_due) || mono_is_set(shown->step_due) ||
	             mono_is_set(shown->away_due));
	assert_int_equal(shown->step, STEP_NONE);
	assert_false(mono_is_set(world_next_wake(&r->world)));
	world_reap(&r->world);
}

static void taking_names_the_taker_and_starts_the_next_deadline(void **state)
{
	struct rig *r = *state;
	struct incident *i = incident_in(r, INCIDENT_OPEN);
	struct event e = act_on(i, ACT_TAKE, "cic-91");
	assert_int_equal(apply(r, &e), REFUSAL_NONE);
	assert_int_equal(i->state, INCIDENT_TAKEN);
	assert_string_equal(i->taken_by, "Moreau");
	assert_string_equal(i->taken_at.text, "cic-91");
	assert_int_equal(i->taken_since.us, rig_wall(0).us);
	assert_string_equal(incident_owner(i).text, "cic-91"); /* who answers owns it */
	assert_true(rig_has_part(i, "cic-77", CENTRE_INFORMED));
	assert_false(centre_is_set(i->offered_to));
	assert_int_equal(i->step, STEP_ENGAGE);
	assert_int_equal(i->step_due.ns, rig_at(180000).ns);
	assert_int_equal(world_next_wake(&r->world).ns, rig_at(180000).ns);
}

/* A technical one is on a list; nobody is paged for it, taken or not. */
static void technical_ones_have_no_deadline(void **state)
{
	struct rig *r = *state;
	struct incident *i = rig_incident(r);
	i->priority = 4;
	struct event e = act_on(i, ACT_TAKE, "cic-77");
	assert_int_equal(apply(r, &e), REFUSAL_NONE);
	e = act_on(i, ACT_RELEASE, "cic-77");
	assert_int_equal(apply(r, &e), REFUSAL_NONE);
	assert_int_equal(i->state, INCIDENT_OPEN);
	assert_false(mono_is_set(world_next_wake(&r->world)));
}

static void split_leaves_what_is_known_in_both(void **state)
{
	struct rig *r = *state;
	struct incident *i = incident_in(r, INCIDENT_TAKEN), *own = NULL;
	struct event e = act_on(i, ACT_SPLIT, "cic-77");
	i->people_count = 1;
	i->people[0].id = department_person("Anne Martin");
	i->exercise = true;
	e.fresh.v = rig_id(r);
	assert_int_equal(act_apply(&r->world, &e, i, &own, &r->effects), REFUSAL_NONE);
	assert_int_equal(own->state, INCIDENT_OPEN);
	assert_int_equal(own->priority, i->priority);
	assert_int_equal(own->alerts_total, 1);
	assert_true(id_equal(own->first[0].id.v, e.act.alert.v));
	assert_true(own->exercise);
	assert_int_equal(own->people_count, 1);
	assert_string_equal(incident_owner(own).text, "cic-77");
	assert_true(id_equal(own->related[0].v, i->id.v));
	assert_true(id_equal(i->related[0].v, own->id.v));
	assert_int_equal(own->step, STEP_LOUDER);
	assert_int_equal(own->step_due.ns, rig_at(20000).ns);
	commit(&r->world, &e, &r->effects, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(only_what_is_allowed_is_done),
		RIG_TEST(unknown_incidents_and_verbs_have_their_answer),
		RIG_TEST(acts_that_need_a_view_need_a_current_one),
		RIG_TEST(what_an_act_needs_besides),
		RIG_TEST(closing_ends_the_offer_and_every_deadline),
		RIG_TEST(taking_names_the_taker_and_starts_the_next_deadline),
		RIG_TEST(technical_ones_have_no_deadline),
		RIG_TEST(split_leaves_what_is_known_in_both),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
