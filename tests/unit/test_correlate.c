#include "decide/correlate.h"

#include "tests/unit/decide_rig.h"

/* An open incident of one registered person. */
static struct incident *of_person(struct rig *r, const char *name, int64_t raised_ms)
{
	struct incident *i = rig_incident(r);
	i->people_count = 1;
	i->people[0].id = department_person(name);
	i->raised_at = rig_wall(raised_ms);
	i->first[0].received_at = i->last[0].received_at = i->raised_at;
	assert_true(subjects_put(r->world.subjects, i));
	return i;
}

static struct finding *says(struct rig *r, const char *source, const char *person,
                            enum alert_kind kind, unsigned priority)
{
	struct finding *f = rig_finding(r, source, kind);
	f->priority = priority;
	if (person[0] != '\0') {
		f->people_count = 1;
		f->people[0].id = department_person(person);
		f->is_one_person = true;
	}
	return f;
}

static enum correlate_verdict verdict(struct rig *r, const struct finding *f,
                                      struct incident *expected)
{
	struct correlation c = correlate(&r->world, f, NULL);
	assert_ptr_equal(c.incident, expected);
	return c.verdict;
}

static void of_several_the_newest(void **state)
{
	struct rig *r = *state;
	of_person(r, "Anne Martin", -900000);
	struct incident *newest = of_person(r, "Anne Martin", -1000);
	of_person(r, "Anne Martin", -500000);
	of_person(r, "Paul Durand", 0);
	struct finding *f = says(r, "bracelet-martin", "Anne Martin", ALERT_PANIC, 1);
	assert_int_equal(verdict(r, f, newest), CORRELATE_JOIN);
	newest->state = INCIDENT_ENGAGED;
	assert_int_equal(verdict(r, f, newest), CORRELATE_RENEW);
}

static void the_window_counts_from_the_last_alert(void **state)
{
	static const struct {
		enum incident_state state;
		unsigned priority;
		int64_t since_ms;
		enum correlate_verdict verdict;
	} rows[] = {
		{ INCIDENT_OPEN, 1, 1800000, CORRELATE_JOIN },
		{ INCIDENT_OPEN, 1, 1800001, CORRELATE_RAISE },
		{ INCIDENT_TAKEN, 1, 1800000, CORRELATE_RENEW },
		{ INCIDENT_TAKEN, 1, 1800001, CORRELATE_RAISE },
		{ INCIDENT_TAKEN, 2, 1800000, CORRELATE_JOIN }, /* an intrusion renews nothing */
		{ INCIDENT_TAKEN, 2, 1800001, CORRELATE_RAISE },
		{ INCIDENT_OPEN, 1, -5000, CORRELATE_JOIN }, /* the clock was set back */
	};
	struct rig *r = *state;
	struct incident *i = of_person(r, "Anne Martin", -86400000);
	for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
		i->state = rows[n].state;
		i->last[0].received_at = rig_wall(-rows[n].since_ms);
		struct finding *f = says(r, "bracelet-martin", "Anne Martin",
		                         rows[n].priority == 1 ? ALERT_PANIC : ALERT_INTRUSION,
		                         rows[n].priority);
		struct correlation c = correlate(&r->world, f, NULL);
		assert_int_equal(c.verdict, rows[n].verdict);
		assert_int_equal(c.related_count, rows[n].verdict == CORRELATE_RAISE);
	}
}

static void updates_count_on_an_attack_and_raise_no_other(void **state)
{
	struct rig *r = *state;
	struct finding *f = says(r, "bracelet-martin", "Anne Martin", ALERT_POSITION, 3);
	assert_int_equal(verdict(r, f, NULL), CORRELATE_NOTHING);
	struct incident *i = of_person(r, "Anne Martin", -86400000);
	assert_int_equal(verdict(r, f, i), CORRELATE_JOIN); /* however old */
	f = says(r, "bracelet-martin", "Anne Martin", ALERT_CANCEL, 3);
	assert_int_equal(verdict(r, f, i), CORRELATE_JOIN);
	i->kind = ALERT_TAMPER;
	assert_int_equal(verdict(r, f, NULL), CORRELATE_RAISE);
	f = says(r, "bracelet-martin", "Anne Martin", ALERT_POSITION, 3);
	assert_int_equal(verdict(r, f, NULL), CORRELATE_NOTHING);
}

/* However many share a place: as many as one record holds, beside the incident itself. */
static void related_ones_fit_into_a_record(void **state)
{
	struct rig *r = *state;
	for (unsigned n = 0; n < 3 * EFFECT_INCIDENTS_MAX; n++) {
		struct incident *i = of_person(r, n % 2 ? "Paul Durand" : "Lise Petit", 0);
		i->people[0].number.digits = 33199000010;
		assert_true(subjects_put(r->world.subjects, i));
	}
	struct finding *f = says(r, "bracelet-martin", "Anne Martin", ALERT_PANIC, 1);
	f->people[0].number.digits = 33199000010;
	struct correlation c = correlate(&r->world, f, NULL);
	assert_int_equal(c.verdict, CORRELATE_RAISE);
	assert_int_equal(c.related_count, CORRELATE_RELATED_MAX);
	for (unsigned n = 0; n < c.related_count; n++)
		assert_int_equal(c.why[n], REASON_INCIDENT_RELATED_NUMBER);
}

static void a_reused_id_leads_back_only_in_doubt(void **state)
{
	struct rig *r = *state;
	struct incident *i = of_person(r, "Anne Martin", -86400000);
	struct finding *f = says(r, "sos", "", ALERT_RELAY, 1);
	struct correlation c = correlate(&r->world, f, i);
	assert_ptr_equal(c.incident, i); /* it names nobody: in doubt */
	assert_int_equal(c.verdict, CORRELATE_JOIN);
	i->state = INCIDENT_TAKEN;
	assert_int_equal(correlate(&r->world, f, i).verdict, CORRELATE_RENEW);
	f = says(r, "sos", "Lise Petit", ALERT_RELAY, 1);
	assert_int_equal(correlate(&r->world, f, i).verdict, CORRELATE_RAISE);
	f = says(r, "sos", "", ALERT_RELAY, 1);
	r->alert.exercise = true;
	assert_int_equal(correlate(&r->world, f, i).verdict, CORRELATE_RAISE);
	f = says(r, "sos", "", ALERT_TAMPER, 3);
	assert_int_equal(correlate(&r->world, f, i).verdict, CORRELATE_RAISE);
	i->priority = 4;
	i->kind = ALERT_TEST;
	f = says(r, "sos", "", ALERT_RELAY, 1);
	assert_int_equal(correlate(&r->world, f, i).verdict, CORRELATE_RAISE);
	f = says(r, "sos", "", ALERT_POSITION, 3);
	assert_int_equal(correlate(&r->world, f, i).verdict, CORRELATE_NOTHING);
}

/* Two who are not registered are told apart by what is known of them. */
static void stated_persons_are_one_by_name_and_number(void **state)
{
	static const struct {
		const char *name;
		uint64_t number;
		bool is_same;
	} rows[] = { { "Karim Locum", 33639980099, true },
		     { "Karim Locum", 33639980098, false },
		     { "Zoe Locum", 33639980099, false } };
	struct rig *r = *state;
	struct incident *i = rig_incident(r);
	i->people_count = 1;
	TEXT_COPY(i->people[0].name, "Karim Locum");
	i->people[0].number.digits = 33639980099;
	assert_true(subjects_put(r->world.subjects, i));
	for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
		struct finding *f = rig_finding(r, "sos", ALERT_RELAY);
		f->priority = 1;
		f->people_count = 1;
		TEXT_COPY(f->people[0].name, rows[n].name);
		f->people[0].number.digits = f->number.digits = rows[n].number;
		f->is_stated_person = true;
		struct correlation c = correlate(&r->world, f, NULL);
		assert_int_equal(c.verdict, rows[n].is_same ? CORRELATE_JOIN : CORRELATE_RAISE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(of_several_the_newest),
		RIG_TEST(the_window_counts_from_the_last_alert),
		RIG_TEST(updates_count_on_an_attack_and_raise_no_other),
		RIG_TEST(related_ones_fit_into_a_record),
		RIG_TEST(a_reused_id_leads_back_only_in_doubt),
		RIG_TEST(stated_persons_are_one_by_name_and_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
