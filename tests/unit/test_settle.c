#include "decide/settle.h"

#include "tests/unit/decide_rig.h"

static struct finding *says(struct rig *r, enum alert_kind kind, unsigned priority)
{
	struct finding *f = rig_finding(r, "bracelet-martin", kind);
	f->people_count = 1;
	f->people[0].id = department_person("Anne Martin");
	f->is_one_person = true;
	f->priority = priority;
	f->department = department_code("77");
	f->owner = centre_id("cic-77");
	return f;
}

static struct incident *settled(struct rig *r, struct incident *reused)
{
	struct event e = { .wall = r->finding.wall };
	struct incident_id fresh = { rig_id(r) };
	r->effects.count = 0;
	struct incident *i = settle(&r->world, &r->finding, fresh, reused, &r->effects);
	commit(&r->world, &e, &r->effects, false);
	return i;
}

static bool is_loud(const struct rig *r)
{
	return !rig_effect(r, EFFECT_SHOW)->show.quiet;
}

static struct incident *raised(struct rig *r)
{
	rig_sign_in(r, "cic-77");
	says(r, ALERT_PANIC, 1);
	struct incident *i = settled(r, NULL);
	assert_non_null(i);
	return i;
}

static void what_is_found_is_what_is_raised(void **state)
{
	struct rig *r = *state;
	struct finding *f = says(r, ALERT_DURESS, 1);
	rig_sign_in(r, "cic-77");
	f->informed[f->informed_count++] = centre_id("corg-77");
	f->place = (struct place){ .origin = PLACE_STATED, .precision = PLACE_ADDRESS };
	TEXT_COPY(f->place.label, "4 rue Haute");
	finding_because(f, REASON_WHO_RPPS, "");
	TEXT_COPY(r->alert.note, "couteau");
	r->alert.exercise = true;
	const struct incident *i = settled(r, NULL);
	assert_int_equal(i->state, INCIDENT_OPEN);
	assert_int_equal(i->kind, ALERT_DURESS);
	assert_int_equal(i->priority, 1);
	assert_int_equal(i->revision, 1);
	assert_int_equal(i->guard, 1);
	assert_int_equal(i->raised_at.us, rig_wall(0).us);
	assert_true(i->exercise);
	assert_string_equal(i->department.text, "77");
	assert_string_equal(i->note, "couteau");
	assert_string_equal(i->place.label, "4 rue Haute");
	assert_true(id_equal(i->source.v, f->source.id.v));
	assert_true(id_equal(i->people[0].id.v, f->people[0].id.v));
	assert_string_equal(incident_owner(i).text, "cic-77");
	assert_true(rig_has_part(i, "corg-77", CENTRE_INFORMED));
	assert_int_equal(i->reasons.count, 1);
	assert_int_equal(i->alerts_total, 1);
	assert_true(id_equal(i->first[0].id.v, r->alert.id.v));
	assert_int_equal(i->step, STEP_LOUDER);
	assert_true(is_loud(r));
}

static void a_position_of_nobody_s_raises_nothing(void **state)
{
	struct rig *r = *state;
	says(r, ALERT_POSITION, 3);
	assert_null(settled(r, NULL));
	assert_int_equal(r->effects.count, 0);
}

/* A source that speaks for many correlates nothing by itself. */
static void a_regulation_s_incident_is_not_the_regulation_s(void **state)
{
	struct rig *r = *state;
	struct finding *f = rig_finding(r, "sos", ALERT_RELAY);
	f->priority = 1;
	f->owner = centre_id("cic-77");
	f->department = department_code("77");
	const struct incident *i = settled(r, NULL);
	assert_false(id_is_set(i->source.v));
}

static void what_only_counts_is_quiet(void **state)
{
	static const double shift = 0.0001;
	struct rig *r = *state;
	struct incident *i = raised(r);
	for (unsigned n = 1; n < 20; n++) {
		struct finding *f = says(r, ALERT_PANIC, 1);
		f->wall = r->alert.received_at = rig_wall(1000 * n);
		f->place = (struct place){ .origin = PLACE_LIVE, .has_point = true };
		f->place.fix = (struct fix){ .lat = 48.5 + n * shift, .fixed_at = f->wall };
		snprintf(r->alert.note, sizeof r->alert.note, "SOS %u", n);
		finding_because(f, REASON_DOUBT_LATE, r->alert.note);
		assert_ptr_equal(settled(r, NULL), i);
		assert_int_equal(is_loud(r), n == 1); /* a live place, a first doubt: news */
		assert_string_equal(i->note, r->alert.note);
		assert_true(i->place.fix.lat == f->place.fix.lat);
	}
	assert_int_equal(i->guard, 2);
	assert_int_equal(i->revision, 20);
	assert_int_equal(i->alerts_total, 20);
}

static void a_person_s_note_is_news(void **state)
{
	struct rig *r = *state;
	struct incident *i = raised(r);
	struct finding *f = says(r, ALERT_RELAY, 1);
	assert_true(registry_source(r->registry, department_source("sos"), &f->source));
	TEXT_COPY(r->alert.note, "il est armé");
	assert_ptr_equal(settled(r, NULL), i);
	assert_true(is_loud(r));
	f->wall = rig_wall(1000);
	settled(r, NULL);
	assert_false(is_loud(r)); /* said already */
}

static void a_higher_rank_is_news_and_stays(void **state)
{
	struct rig *r = *state;
	says(r, ALERT_INTRUSION, 2);
	struct incident *i = settled(r, NULL);
	says(r, ALERT_PANIC, 1);
	assert_ptr_equal(settled(r, NULL), i);
	assert_int_equal(i->priority, 1);
	assert_int_equal(i->kind, ALERT_PANIC);
	assert_true(is_loud(r));
	says(r, ALERT_INTRUSION, 2);
	settled(r, NULL);
	assert_int_equal(i->priority, 1);
	assert_int_equal(i->kind, ALERT_PANIC);
	assert_false(is_loud(r));
}

static struct finding *moves(struct rig *r, enum alert_kind kind, const char *to, bool competent)
{
	struct finding *f = says(r, kind, kind == ALERT_POSITION ? 3 : 1);
	f->place = (struct place){ .origin = PLACE_LIVE, .has_point = true };
	f->place.fix.fixed_at = rig_wall(0);
	f->owner = centre_id(to);
	f->is_competent = competent;
	return f;
}

static void an_open_incident_goes_where_the_person_is(void **state)
{
	struct rig *r = *state;
	struct incident *i = raised(r);
	rig_sign_in(r, "corg-77");
	moves(r, ALERT_POSITION, "corg-77", true);
	assert_ptr_equal(settled(r, NULL), i);
	assert_string_equal(incident_owner(i).text, "corg-77");
	assert_true(rig_has_part(i, "cic-77", CENTRE_INFORMED));
	assert_true(is_loud(r));
	assert_null(rig_effect(r, EFFECT_ALARM));
}

static void nobody_there_and_the_stand_in_is_asked(void **state)
{
	struct rig *r = *state;
	struct incident *i = raised(r);
	moves(r, ALERT_POSITION, "corg-77", true);
	settled(r, NULL);
	assert_string_equal(incident_owner(i).text, "corg-77");
	assert_true(rig_has_part(i, "cic-77", CENTRE_ESCALATED));
}

static void what_is_in_hand_or_rings_or_is_unsure_stays(void **state)
{
	struct rig *r = *state;
	for (unsigned n = 0; n < 3; n++) {
		struct incident *i = raised(r);
		if (n == 0)
			i->state = INCIDENT_TAKEN;
		if (n == 1)
			i->contact = CALL_PRESENTED + 1;
		moves(r, ALERT_PANIC, "corg-77", n != 2);
		assert_ptr_equal(settled(r, NULL), i);
		assert_string_equal(incident_owner(i).text, "cic-77");
		assert_true(rig_has_part(i, "corg-77", CENTRE_INFORMED));
		assert_true(is_loud(r));
		world_close_incident(&r->world, i);
		world_reap(&r->world);
	}
}

static void a_renewal_sounds_every_ten_seconds_whatever_the_clock_does(void **state)
{
	static const struct {
		int64_t wall_ms;
		bool sounds;
	} rows[] = { { 0, true },      { 9999, false },    { 10000, true },
		     { 10001, false }, { -3600000, true }, { -3595000, false } };
	struct rig *r = *state;
	struct incident *i = raised(r);
	i->state = INCIDENT_TAKEN;
	i->step = STEP_ENGAGE;
	for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
		struct finding *f = says(r, ALERT_PANIC, 1);
		f->wall = rig_wall(rows[n].wall_ms);
		f->at = rig_at(1000 * (int64_t)n);
		settled(r, NULL);
		assert_int_equal(i->renewed_at.us == f->wall.us, rows[n].sounds);
		assert_int_equal(is_loud(r), rows[n].sounds);
		if (rows[n].sounds) /* and its deadline restarts */
			assert_int_equal(i->step_due.ns, rig_at(1000 * (int64_t)n + 180000).ns);
	}
}

static void phases_of_a_call_are_shown(void **state)
{
	static const struct {
		enum call_phase phase;
		unsigned priority;
		bool is_loud;
	} rows[] = { { CALL_PRESENTED, 2, true },
		     { CALL_PRESENTED, 2, false },
		     { CALL_ANSWERED, 2, true },
		     { CALL_ABANDONED, 2, true }, /* somebody had spoken to them */
		     { CALL_PRESENTED, 2, true },
		     { CALL_ABANDONED, 1, true } };
	struct rig *r = *state;
	struct event e = { .wall = rig_wall(0) };
	struct call c = { .alert = { .kind = ALERT_CALL } };
	struct incident *i = rig_incident(r);
	i->kind = ALERT_CALL;
	i->priority = 2;
	for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
		c.phase = rows[n].phase;
		r->effects.count = 0;
		settle_phase(&r->world, i, &c, rig_at(0), rig_wall(0), &r->effects);
		commit(&r->world, &e, &r->effects, true);
		assert_int_equal(i->contact, c.phase + 1);
		assert_int_equal(i->priority, rows[n].priority);
		assert_int_equal(is_loud(r), rows[n].is_loud);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(what_is_found_is_what_is_raised),
		RIG_TEST(a_position_of_nobody_s_raises_nothing),
		RIG_TEST(a_regulation_s_incident_is_not_the_regulation_s),
		RIG_TEST(what_only_counts_is_quiet),
		RIG_TEST(a_person_s_note_is_news),
		RIG_TEST(a_higher_rank_is_news_and_stays),
		RIG_TEST(an_open_incident_goes_where_the_person_is),
		RIG_TEST(nobody_there_and_the_stand_in_is_asked),
		RIG_TEST(what_is_in_hand_or_rings_or_is_unsure_stays),
		RIG_TEST(a_renewal_sounds_every_ten_seconds_whatever_the_clock_does),
		RIG_TEST(phases_of_a_call_are_shown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
