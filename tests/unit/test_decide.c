/*
 * Sequences of events drawn from a seed, in twin worlds (tests/fixture/twin.h): whatever happens,
 * what must never happen does not. And the limits that a table says badly. The rules themselves are
 * in tests/table/incident.txt.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decide/decide.h"
#include "decide/repeat.h"
#include "support/bug.h"
#include "support/table.h"
#include "support/text.h"
#include "tests/fixture/department.h"
#include "tests/fixture/twin.h"

#define EVENTS_PER_SEED 4000
#define SEEDS           4
#define INCIDENTS_MAX   40
#define PAST_MAX        64

/* What an incident was after the last event. */
struct past {
	struct incident_id id;
	unsigned priority, alerts_total;
	uint32_t revision;
	bool exercise;
	struct practitioner_id person; /* the only one, registered; else none */
};

struct run {
	struct twin twin;
	uint64_t seed;
	int64_t now_ms, wall_shift_ms;
	struct registry *registry;
	struct territory *territory;
	struct past past[4 * INCIDENTS_MAX];
	unsigned past_count;
	struct event said[PAST_MAX]; /* alerts and calls, to be said again */
	unsigned said_count;
	struct seat {
		const char *centre, *operator;
		bool is_in;
	} seats[8];
	char at[64];
};

static unsigned draw(struct run *r, unsigned below)
{
	r->seed = r->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(r->seed >> 33) % below;
}

static bool one_in(struct run *r, unsigned n)
{
	return draw(r, n) == 0;
}

static const char *const sources[] = { "bracelet-martin", "telephone-martin",
	                               "bracelet-durand", "bracelet-petit",
	                               "bracelet-nguyen", "bracelet-simon",
	                               "bracelet-libre",  "button-tilleuls",
	                               "panel-tilleuls",  "panel-parc",
	                               "detector",        "sos",
	                               "platform",        "gone" };
static const char *const numbers[] = { "0639980001", "0639980002",    "0639980003", "0199000010",
	                               "0199000020", "+33 639980077", "anonymous",  "" };
#define COUNT(array) ((unsigned)(sizeof(array) / sizeof *(array)))

static void at_ms(struct run *r)
{
	twin_at_ms(&r->twin, r->now_ms);
	r->twin.wall = wall_add_ms(r->twin.wall, r->wall_shift_ms);
}

static void draw_fields(struct run *r, struct alert *a)
{
	a->id.v = twin_id(&r->twin);
	a->received_at = r->twin.wall;
	snprintf(a->ref, sizeof a->ref, "%u", draw(r, 40)); /* ids are used again */
	if (one_in(r, 3)) {
		a->has_fix = true;
		a->fix.lat = 48.4 + draw(r, 250) / 1000.0;
		a->fix.lon = 2.35 + draw(r, 1100) / 1000.0;
		a->fix.accuracy_m = draw(r, 2) * draw(r, 3000);
		if (one_in(r, 2))
			a->fix.fixed_at = wall_add_ms(r->twin.wall, -1000LL * draw(r, 2000));
	}
	if (one_in(r, 3))
		a->occurred_at =
		        wall_add_ms(r->twin.wall, 1000LL * draw(r, 400) - 1000LL * draw(r, 4000));
	for (unsigned bit = 0; bit < 7; bit++)
		if (one_in(r, 12))
			a->doubts |= 1U << bit;
	if (a->doubts & ALERT_DOUBT_REF)
		a->ref[0] = '\0';
	if (one_in(r, 6))
		snprintf(a->note, sizeof a->note, "note %u", draw(r, 5));
	a->exercise = one_in(r, 20);
}

static void draw_alert(struct run *r, struct event *e)
{
	struct alert *a = &e->alert;
	const char *source = sources[draw(r, COUNT(sources))];
	e->kind = EVENT_ALERT;
	draw_fields(r, a);
	a->source = department_source(source);
	a->kind = one_in(r, 2) ? ALERT_PANIC : (enum alert_kind)draw(r, ALERT_KINDS);
	if (strcmp(source, "sos") == 0 || one_in(r, 20)) {
		if (one_in(r, 2))
			a->rpps = 10000000001 + draw(r, 6);
		if (one_in(r, 2))
			snprintf(a->person_name, sizeof a->person_name, "%s",
			         one_in(r, 2) ? "Paul Durand" : "Karim Locum");
		TEXT_COPY(a->person_number, numbers[draw(r, COUNT(numbers))]);
		if (one_in(r, 2))
			a->commune = commune_code(one_in(r, 2) ? "77288" : "77379");
		if (one_in(r, 3))
			snprintf(a->address, sizeof a->address, "%u rue Haute", draw(r, 3));
	}
}

static void draw_call(struct run *r, struct event *e)
{
	struct call *c = &e->call;
	e->kind = EVENT_CALL;
	draw_fields(r, &c->alert);
	c->alert.kind = ALERT_CALL;
	c->alert.exercise = false;
	if (c->alert.ref[0] != '\0')
		snprintf(c->alert.ref, sizeof c->alert.ref, "c%u", draw(r, 6));
	c->alert.source = department_source(one_in(r, 2) ? "exchange-cic" : "exchange-corg");
	c->phase = (enum call_phase)draw(r, 4);
	TEXT_COPY(c->alert.number, numbers[draw(r, COUNT(numbers))]);
	if (one_in(r, 2))
		c->presented_to = centre_id(one_in(r, 2) ? "cic-77" : "corg-77");
}

/* An open incident, or one that never was. */
static struct incident_id draw_incident(struct run *r)
{
	struct incident *i;
	unsigned count = (unsigned)table_count(r->twin.world.incidents), n = 0;
	unsigned wanted = draw(r, count + 1);
	for (size_t at = 0; (i = world_next_incident(&r->twin.world, &at)) != NULL; n++)
		if (n == wanted)
			return i->id;
	return (struct incident_id){ { { 9 } } };
}

/* What a dispatcher would do; else little is ever allowed. */
static void draw_likely(struct run *r, const struct incident *i, struct act *a)
{
	static const enum act_verb in_open[] = { ACT_TAKE, ACT_TAKE, ACT_TAKE, ACT_TRANSFER };
	static const enum act_verb in_hand[] = { ACT_ENGAGE, ACT_CLOSE,    ACT_CLOSE, ACT_RELEASE,
		                                 ACT_SPLIT,  ACT_TRANSFER, ACT_CLOSE };
	a->revision = i->revision - (one_in(r, 8) ? 1 : 0);
	a->alert = i->first[draw(r, i->alerts_total < 8 ? i->alerts_total : 8)].id;
	if (one_in(r, 4))
		return;
	a->centre = incident_owner(i);
	if (i->state == INCIDENT_OPEN)
		a->verb = in_open[draw(r, COUNT(in_open))];
	else
		a->verb = in_hand[draw(r, COUNT(in_hand))];
	if (centre_is_set(i->offered_to) && !one_in(r, 3)) {
		a->centre = i->offered_to;
		a->verb = one_in(r, 3) ? ACT_REFUSE : ACT_ACCEPT;
	}
}

static void draw_act(struct run *r, struct event *e)
{
	static const char *const centres[] = { "cic-77", "corg-77", "ops-77", "cic-91", "cic-75" };
	const struct seat *seat = &r->seats[draw(r, COUNT(r->seats))];
	struct act *a = &e->act;
	e->kind = EVENT_ACT;
	a->verb = (enum act_verb)draw(r, ACT_VERBS);
	a->incident = draw_incident(r);
	TEXT_COPY(a->operator, seat->operator);
	a->centre = centre_id(seat->centre);
	a->department = department_code("77");
	a->to = centre_id(centres[draw(r, COUNT(centres))]);
	const struct incident *i = world_incident(&r->twin.world, a->incident);
	if (i != NULL)
		draw_likely(r, i, a);
	if (!one_in(r, 4))
		TEXT_COPY(a->note, "vu");
	if (!one_in(r, 4))
		TEXT_COPY(a->disposition, "done");
}

static void draw_console(struct run *r, struct event *e)
{
	unsigned n = draw(r, COUNT(r->seats));
	struct seat *seat = &r->seats[n];
	e->kind = seat->is_in ? EVENT_CONSOLE_LOST : EVENT_CONSOLE_OPENED;
	seat->is_in = !seat->is_in;
	e->asker.token = n + 1;
	e->act.verb = seat->is_in ? ACT_SIGN_IN : ACT_SIGN_OUT;
	TEXT_COPY(e->act.operator, seat->operator);
	e->act.centre = centre_id(seat->centre);
	e->act.department = department_code("77");
}

static struct past *past_of(struct run *r, struct incident_id id)
{
	for (unsigned n = 0; n < r->past_count; n++)
		if (id_equal(r->past[n].id.v, id.v))
			return &r->past[n];
	return NULL;
}

static void owner_is_one(const struct incident *i)
{
	assert_true(i->centres_count >= 1 && i->centres_count <= INCIDENT_CENTRES_MAX);
	assert_int_equal(i->centres[0].role, CENTRE_OWNER);
	assert_true(centre_is_set(i->centres[0].centre));
	for (unsigned a = 1; a < i->centres_count; a++) {
		assert_int_not_equal(i->centres[a].role, CENTRE_OWNER);
		for (unsigned b = 0; b < a; b++)
			assert_false(centre_equal(i->centres[a].centre, i->centres[b].centre));
	}
	bool is_offered = false;
	for (unsigned n = 0; n < i->centres_count; n++)
		is_offered |= i->centres[n].role == CENTRE_OFFERED;
	assert_int_equal(is_offered, centre_is_set(i->offered_to));
	assert_int_equal(is_offered, mono_is_set(i->offer_due));
}

/* Nobody is forgotten: what waits for a person has a deadline, and the deadline is in the heap. */
static void deadline_is_there(const struct run *r, const struct incident *i)
{
	bool waits = i->priority < 4 && (i->state == INCIDENT_OPEN || i->state == INCIDENT_TAKEN);
	assert_int_equal(mono_is_set(i->step_due), waits);
	assert_int_equal(i->step != STEP_NONE, waits);
	if (waits)
		assert_int_equal(i->step == STEP_ENGAGE, i->state == INCIDENT_TAKEN);
	const struct mono dues[] = { i->step_due, i->offer_due, i->away_due };
	struct mono first = { 0 };
	for (unsigned n = 0; n < 3; n++)
		if (mono_is_set(dues[n]) && (!mono_is_set(first) || dues[n].ns < first.ns))
			first = dues[n];
	assert_int_equal(i->wake.place != 0, mono_is_set(first));
	if (mono_is_set(first)) {
		assert_int_equal(i->wake.due.ns, first.ns);
		assert_true(first.ns > r->twin.now.ns); /* what was due has happened */
	}
	assert_true(i->state != INCIDENT_TAKEN || i->taken_by[0] != '\0');
	assert_true(i->state != INCIDENT_OPEN || i->taken_by[0] == '\0');
}

static void only_goes_on(struct run *r, const struct incident *i)
{
	const struct past *p = past_of(r, i->id);
	bool is_one = i->people_count == 1 && id_is_set(i->people[0].id.v);
	assert_true(i->priority >= 1 && i->priority <= 4);
	assert_true(i->guard >= 1 && i->guard <= i->revision);
	assert_true(i->alerts_total >= 1);
	assert_false(i->is_dirty || i->is_loud || i->is_seen);
	assert_int_equal(i->changed, 0);
	assert_int_not_equal(i->state, INCIDENT_CLOSED);
	if (p == NULL)
		return;
	assert_true(i->priority <= p->priority);
	assert_true((i->priority == 4) == (p->priority == 4));
	assert_true(i->revision >= p->revision);
	assert_true(i->alerts_total >= p->alerts_total);
	assert_int_equal(i->exercise, p->exercise);
	if (id_is_set(p->person.v)) /* never another person */
		assert_true(is_one && id_equal(i->people[0].id.v, p->person.v));
}

static void remember(struct run *r)
{
	struct incident *i;
	r->past_count = 0;
	for (size_t n = 0; (i = world_next_incident(&r->twin.world, &n)) != NULL;) {
		assert_true(r->past_count < COUNT(r->past));
		struct past *p = &r->past[r->past_count++];
		*p = (struct past){ .id = i->id,
			            .priority = i->priority,
			            .alerts_total = i->alerts_total,
			            .revision = i->revision,
			            .exercise = i->exercise };
		if (i->people_count == 1)
			p->person = i->people[0].id;
	}
}

static void hold(struct run *r)
{
	struct incident *i;
	for (size_t n = 0; (i = world_next_incident(&r->twin.world, &n)) != NULL;) {
		owner_is_one(i);
		deadline_is_there(r, i);
		only_goes_on(r, i);
	}
	assert_true(r->twin.led.effects_most <= EFFECTS_MAX);
	assert_true(r->twin.led.incidents_most <= EFFECT_INCIDENTS_MAX);
	assert_int_equal(bug_count(), 0);
	assert_int_equal(twin_compare(&r->twin), 0);
	remember(r);
}

static bool is_danger(enum alert_kind kind)
{
	return kind == ALERT_PANIC || kind == ALERT_DURESS || kind == ALERT_SILENT ||
	       kind == ALERT_RELAY;
}

/* Rule 1: whatever looks like a panic stands on an open incident of priority 1. */
static void is_shown(const struct run *r, const struct event *e)
{
	assert_true(r->twin.led.has_receipt);
	if (e->kind != EVENT_ALERT || !is_danger(e->alert.kind) || r->twin.led.repeat)
		return;
	const struct incident *i = world_incident(&r->twin.world, r->twin.led.where);
	assert_non_null(i);
	assert_int_equal(i->priority, 1);
	assert_true(r->twin.led.shown && r->twin.led.traced);
}

/* The same again changes nothing but counts, and has the same receipt. */
static void say_again(struct run *r, const struct event *said)
{
	struct event e = *said;
	struct position before = r->twin.world.next;
	struct incident_id where = r->twin.led.where;
	const struct alert *a = e.kind == EVENT_CALL ? &e.call.alert : &e.alert;
	bool was_traced = r->twin.led.traced || r->twin.led.repeat;
	if (a->doubts & ALERT_DOUBT_REF || !was_traced)
		return;
	twin_forget(&r->twin);
	twin_happen(&r->twin, &e);
	assert_true(r->twin.led.has_receipt && r->twin.led.repeat);
	assert_true(id_equal(r->twin.led.where.v, where.v));
	assert_false(r->twin.led.traced || r->twin.led.shown);
	assert_int_equal(r->twin.world.next.number, before.number);
}

static void pass_time(struct run *r)
{
	r->now_ms += one_in(r, 100) ? draw(r, 4 * 3600 * 1000) : draw(r, 15 * 1000);
	if (one_in(r, 200))
		r->wall_shift_ms = 1000LL * draw(r, 7200) - 3600 * 1000;
	at_ms(r);
	struct event e = { .kind = EVENT_TICK };
	if (mono_is_due(world_next_wake(&r->twin.world), r->twin.now))
		twin_happen(&r->twin, &e);
}

static void restart(struct run *r)
{
	twin_stop(&r->twin, one_in(r, 2));
	r->now_ms += one_in(r, 2) ? draw(r, 300 * 1000) : 0;
	at_ms(r);
	twin_start(&r->twin);
	for (unsigned n = 0; n < COUNT(r->seats); n++)
		r->seats[n].is_in = false;
	struct event e = { .kind = EVENT_TICK };
	if (mono_is_due(world_next_wake(&r->twin.world), r->twin.now))
		twin_happen(&r->twin, &e);
}

static void step(struct run *r)
{
	struct event e = { 0 };
	unsigned what = draw(r, 100);
	pass_time(r);
	hold(r);
	twin_forget(&r->twin);
	if (what < 45)
		draw_alert(r, &e);
	else if (what < 55)
		draw_call(r, &e);
	else if (what < 62 && r->said_count > 0)
		e = r->said[draw(r, r->said_count)]; /* an old one, at another time */
	else if (what < 92)
		draw_act(r, &e);
	else
		draw_console(r, &e);
	if (one_in(r, 150))
		restart(r);
	bool is_said = e.kind == EVENT_ALERT || e.kind == EVENT_CALL;
	if (is_said) {
		struct alert *a = e.kind == EVENT_CALL ? &e.call.alert : &e.alert;
		a->received_at = r->twin.wall;
		r->said[r->said_count < PAST_MAX ? r->said_count++ : draw(r, PAST_MAX)] = e;
	}
	twin_happen(&r->twin, &e);
	if (is_said) {
		is_shown(r, &e);
		if (one_in(r, 3))
			say_again(r, &e);
	}
	hold(r);
}

static void run_seed(uint64_t seed)
{
	struct run *r = calloc(1, sizeof *r);
	struct rules rules;
	rules_default(&rules);
	rules.incidents_max = INCIDENTS_MAX;
	rules.repeats_max = 500;
	r->seed = seed;
	r->registry = department_registry();
	r->territory = department_territory();
	const struct seat seats[] = {
		{ "cic-77", "Dupont", false },  { "cic-77", "Durand", false },
		{ "cic-77", "Dupont", false },  { "corg-77", "Leroy", false },
		{ "corg-77", "Moreau", false }, { "ops-77", "Garde", false },
		{ "cic-91", "Faure", false },   { "corg-91", "Roux", false },
	};
	memcpy(r->seats, seats, sizeof seats);
	twin_begin(&r->twin, &rules, r->registry, r->territory);
	r->twin.at = r->at;
	for (unsigned n = 0; n < EVENTS_PER_SEED; n++) {
		snprintf(r->at, sizeof r->at, "seed %u, event %u", (unsigned)seed, n);
		step(r);
		if (table_count(r->twin.world.incidents) > 3 * INCIDENTS_MAX)
			break; /* nobody closes: enough */
	}
	twin_done(&r->twin);
	registry_free(r->registry);
	territory_free(r->territory);
	free(r);
}

static void whatever_happens(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		run_seed(seed);
}

/* One department without chance, for the limits. */
struct desk {
	struct twin twin;
	struct registry *registry;
	struct territory *territory;
};

static int setup(void **state)
{
	struct desk *d = calloc(1, sizeof *d);
	struct rules rules;
	rules_default(&rules);
	rules.incidents_max = 10;
	d->registry = department_registry();
	d->territory = department_territory();
	twin_begin(&d->twin, &rules, d->registry, d->territory);
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	struct desk *d = *state;
	assert_int_equal(twin_compare(&d->twin), 0);
	assert_int_equal(bug_count(), 0);
	twin_done(&d->twin);
	registry_free(d->registry);
	territory_free(d->territory);
	free(d);
	return 0;
}

static void sign(struct desk *d, bool in)
{
	struct event e = { .kind = in ? EVENT_CONSOLE_OPENED : EVENT_CONSOLE_LOST, .asker = { 1 } };
	e.act.verb = in ? ACT_SIGN_IN : ACT_SIGN_OUT;
	e.act.centre = centre_id("cic-77");
	TEXT_COPY(e.act.operator, "Dupont");
	twin_forget(&d->twin);
	twin_happen(&d->twin, &e);
}

static struct incident *say(struct desk *d, const char *source, enum alert_kind kind,
                            const char *number)
{
	struct event e = { .kind = EVENT_ALERT };
	e.alert.id.v = twin_id(&d->twin);
	e.alert.source = department_source(source);
	e.alert.kind = kind;
	e.alert.received_at = d->twin.wall;
	e.alert.doubts = ALERT_DOUBT_REF;
	TEXT_COPY(e.alert.person_number, number);
	snprintf(e.alert.person_name, sizeof e.alert.person_name, "%s", number);
	e.alert.commune = commune_code("77288");
	TEXT_COPY(e.alert.address, "4 rue Haute");
	twin_forget(&d->twin);
	twin_happen(&d->twin, &e);
	return world_incident(&d->twin.world, d->twin.led.where);
}

/* Twenty visits at one address, each of another locum. */
static struct incident *say_visit(struct desk *d, unsigned n)
{
	char number[16];
	snprintf(number, sizeof number, "06399812%02u", n);
	return say(d, "sos", ALERT_RELAY, number);
}

static void many_at_one_place_are_related_within_bounds(void **state)
{
	struct desk *d = *state;
	struct incident *last = NULL;
	for (unsigned n = 0; n < 20; n++) {
		last = say_visit(d, n);
		assert_non_null(last);
		assert_true(d->twin.led.raised);
		assert_true(d->twin.led.incidents_most <= EFFECT_INCIDENTS_MAX);
		assert_int_equal(last->people_count, 1);
	}
	assert_int_equal(last->related_count, EFFECT_INCIDENTS_MAX - 2);
	struct incident *i;
	for (size_t n = 0; (i = world_next_incident(&d->twin.world, &n)) != NULL;)
		assert_in_range(i->related_count, EFFECT_INCIDENTS_MAX - 2, INCIDENT_RELATED_MAX);
}

/* A list of reasons that doubts and places filled does not silence the alarm. */
static void a_full_list_of_reasons_stops_nothing(void **state)
{
	struct desk *d = *state;
	sign(d, true);
	struct incident *i = say(d, "bracelet-martin", ALERT_PANIC, "");
	while (i->reasons.count < REASONS_MAX) {
		char detail[16];
		snprintf(detail, sizeof detail, "%u", i->reasons.count);
		reasons_add(&i->reasons, REASON_INCIDENT_SPLIT, detail);
	}
	world_touch(&d->twin.world, i, GROUP_REASONS, TOUCH_LOUD);
	sign(d, false);
	twin_at_ms(&d->twin, 30000);
	twin_forget(&d->twin);
	twin_happen(&d->twin, &(struct event){ .kind = EVENT_TICK });
	assert_true(d->twin.led.alarm);
	assert_int_equal(i->reasons.count, REASONS_MAX);
}

/* Later alerts leave room in it for doubts and for what tocsin itself does. */
static void later_alerts_do_not_fill_the_reasons(void **state)
{
	struct desk *d = *state;
	struct incident *i = say(d, "bracelet-martin", ALERT_PANIC, "");
	for (unsigned n = 0; n < 200; n++) {
		struct event e = { .kind = EVENT_ALERT };
		e.alert.id.v = twin_id(&d->twin);
		e.alert.source = department_source("bracelet-martin");
		e.alert.kind = ALERT_PANIC;
		e.alert.received_at = d->twin.wall;
		e.alert.occurred_at = wall_add_ms(d->twin.wall, -61000 - 1000LL * n);
		e.alert.doubts = ALERT_DOUBT_REF;
		e.alert.has_fix = true;
		e.alert.fix = (struct fix){ .lat = 60 + n / 100.0, .lon = 2.7, .accuracy_m = 20 };
		snprintf(e.alert.person_name, sizeof e.alert.person_name, "Anne Martin");
		TEXT_COPY(e.alert.person_number, "0639980001");
		twin_forget(&d->twin);
		twin_happen(&d->twin, &e);
		assert_true(id_equal(d->twin.led.where.v, i->id.v));
		assert_true(n == 0 || !d->twin.led.loud);
		twin_at_ms(&d->twin, n + 1);
	}
	assert_true(i->reasons.count <= REASONS_MAX - 12);
}

/* Past incidents_max the oldest technical one makes room; an alarm never does. */
static void technical_incidents_make_room(void **state)
{
	static const char *const technical[] = { "bracelet-petit", "bracelet-simon", "detector",
		                                 "panel-parc" };
	struct desk *d = *state;
	struct incident_id first = { { { 0 } } };
	for (unsigned n = 0; n < COUNT(technical); n++) {
		struct incident *i = say(d, technical[n], ALERT_BATTERY, "");
		if (n == 0)
			first = i->id;
		twin_at_ms(&d->twin, n + 1);
	}
	for (unsigned n = 0; n < 6; n++)
		say_visit(d, n);
	assert_int_equal(table_count(d->twin.world.incidents), 10);
	assert_non_null(world_incident(&d->twin.world, first));
	say_visit(d, 6);
	assert_int_equal(table_count(d->twin.world.incidents), 10);
	assert_null(world_incident(&d->twin.world, first)); /* the oldest of them */
	for (unsigned n = 7; n < 20; n++)
		say_visit(d, n);
	assert_int_equal(table_count(d->twin.world.incidents), 20); /* no alarm was closed */
	struct incident *i;
	for (size_t n = 0; (i = world_next_incident(&d->twin.world, &n)) != NULL;)
		assert_int_equal(i->priority, 1);
}

/* A taker of more than a record holds is lost and comes back. */
static void a_taker_of_many_is_lost_and_comes_back(void **state)
{
	struct desk *d = *state;
	struct incident *taken[12];
	sign(d, true);
	for (unsigned n = 0; n < COUNT(taken); n++) {
		struct event e = { .kind = EVENT_ACT, .asker = { 1 } };
		taken[n] = say_visit(d, n);
		e.act.verb = ACT_TAKE;
		e.act.incident = taken[n]->id;
		e.act.centre = centre_id("cic-77");
		TEXT_COPY(e.act.operator, "Dupont");
		twin_happen(&d->twin, &e);
		assert_int_equal(taken[n]->state, INCIDENT_TAKEN);
	}
	sign(d, false);
	assert_int_equal(d->twin.led.incidents_most, EFFECT_INCIDENTS_MAX);
	for (unsigned n = 0; n < COUNT(taken); n++)
		assert_true(mono_is_set(taken[n]->away_due));
	sign(d, true);
	for (unsigned n = 0; n < COUNT(taken); n++)
		assert_false(mono_is_set(taken[n]->away_due));
	sign(d, false);
	twin_at_ms(&d->twin, 30000);
	twin_happen(&d->twin, &(struct event){ .kind = EVENT_TICK });
	for (unsigned n = 0; n < COUNT(taken); n++)
		assert_int_equal(taken[n]->state, INCIDENT_OPEN);
}

/* An unregistered caller: an answer that says nothing, and not a byte to keep. */
static void an_unregistered_call_leaves_nothing(void **state)
{
	struct desk *d = *state;
	struct event e = { .kind = EVENT_CALL, .asker = { 77 } };
	e.call.alert.id.v = twin_id(&d->twin);
	e.call.alert.source = department_source("exchange-cic");
	e.call.alert.received_at = d->twin.wall;
	TEXT_COPY(e.call.alert.ref, "c1");
	TEXT_COPY(e.call.alert.number, "0639980077");
	assert_false(decide(&d->twin.world, &e, &d->twin.effects));
	assert_int_equal(d->twin.effects.count, 2);
	assert_int_equal(d->twin.effects.list[0].kind, EFFECT_COUNT);
	assert_int_equal(d->twin.effects.list[0].count, COUNT_CALLS_NOT_REGISTERED);
	const struct effect *receipt = &d->twin.effects.list[1];
	assert_int_equal(receipt->kind, EFFECT_RECEIPT);
	assert_int_equal(receipt->asker.token, 77);
	assert_false(position_is_set(receipt->position));
	assert_false(id_is_set(receipt->receipt.alert.v) || id_is_set(receipt->receipt.incident.v));
	assert_int_equal(repeats_count(d->twin.world.repeats), 0);
	assert_int_equal(d->twin.world.next.number, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_happens),
		TEST(many_at_one_place_are_related_within_bounds),
		TEST(a_full_list_of_reasons_stops_nothing),
		TEST(later_alerts_do_not_fill_the_reasons),
		TEST(technical_incidents_make_room),
		TEST(a_taker_of_many_is_lost_and_comes_back),
		TEST(an_unregistered_call_leaves_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
