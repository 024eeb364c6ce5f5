#include "decide/settle.h"

#include <string.h>

#include "decide/correlate.h"
#include "decide/escalate.h"
#include "decide/subject.h"
#include "decide/triage.h"
#include "support/bug.h"
#include "support/table.h"
#include "support/text.h"

/* A renewal sounds again at most this often: a stuck button is counted, not rung. */
#define SETTLE_RENEW_EVERY_MS 10000
/* Places in an incident's list of reasons that later alerts leave to doubts and to what we do. */
#define SETTLE_REASONS_SPARED 12

static bool has_reason(const struct incident *i, enum reason_code code)
{
	for (unsigned n = 0; n < i->reasons.count; n++)
		if (i->reasons.list[n].code == code)
			return true;
	return false;
}

/* The detail is a measure that each alert gives another of: said once. */
static bool is_measure(enum reason_code code)
{
	return reason_is_doubt(code) || code == REASON_WHERE_LIVE_OLD ||
	       code == REASON_ROUTE_STAND_IN_OUTSIDE;
}

static bool is_of_place(enum reason_code code)
{
	return code >= REASON_WHERE_LIVE && code <= REASON_ROUTE_MOVED_INFORMED;
}

/* The reasons of a later alert, all or those that `is_wanted`; true when one was new. */
static bool merge_reasons(struct incident *i, const struct reasons *reasons,
                          bool (*is_wanted)(enum reason_code code))
{
	bool is_new = false;
	for (unsigned n = 0; n < reasons->count; n++) {
		const struct reason *r = &reasons->list[n];
		if (is_wanted != NULL && !is_wanted(r->code))
			continue;
		if (is_measure(r->code) && has_reason(i, r->code))
			continue;
		if (!reason_is_doubt(r->code) &&
		    i->reasons.count >= REASONS_MAX - SETTLE_REASONS_SPARED)
			continue;
		is_new |= reasons_add(&i->reasons, r->code, r->detail);
	}
	if (is_new)
		i->changed |= GROUP_REASONS;
	return is_new;
}

static void fill(struct incident *i, const struct finding *f)
{
	i->department = f->department;
	i->raised_at = f->wall;
	i->exercise = f->alert->exercise;
	if (finding_is_single_user(f))
		i->source = f->source.id;
	i->kind = f->alert->kind;
	i->priority = f->priority;
	i->people_count = f->people_count;
	memcpy(i->people, f->people, sizeof i->people);
	i->place = f->place;
	i->reasons = f->reasons;
	TEXT_COPY(i->note, f->alert->note);
	incident_set_owner(i, f->owner);
	for (unsigned n = 0; n < f->informed_count; n++)
		incident_add_centre(i, f->informed[n], CENTRE_INFORMED);
}

/* Past incidents_max the oldest technical one makes room. All others stay, whatever their number:
 * memory ends before an alarm does. */
static void make_room(struct world *w)
{
	struct incident *old = world_oldest_technical(w);
	if (table_count(w->incidents) <= w->rules.incidents_max || old == NULL || old->is_dirty)
		return;
	old->state = INCIDENT_CLOSED;
	TEXT_COPY(old->disposition, "crowded-out");
	old->step = STEP_NONE;
	old->step_due = old->offer_due = old->away_due = (struct mono){ 0 };
	world_touch(w, old, GROUP_STATUS | GROUP_DEADLINE, TOUCH_LOUD);
}

static struct incident *raise(struct world *w, const struct finding *f, struct incident_id fresh,
                              struct effects *fx)
{
	struct incident *i = world_add_incident(w, fresh);
	must(i != NULL); /* out of memory: restart rather than lose an alarm */
	fill(i, f);
	must(subjects_put(w->subjects, i));
	world_touch(w, i, GROUP_ALL, TOUCH_LOUD);
	make_room(w);
	world_age(w, i);
	escalate_start(w, i, f->at, fx);
	effects_count(fx, COUNT_INCIDENTS_RAISED);
	return i;
}

/* How much a place is worth beside another: a measured position while it is young, what somebody
 * says, a position that has aged, then where one may be found on other days. */
static unsigned place_worth(const struct world *w, const struct place *p, struct wall now)
{
	switch (p->origin) {
	case PLACE_FROM_NOTHING: return 0;
	case PLACE_FROM_REGISTERED_SITE: return 1;
	case PLACE_FROM_DEVICE_SITE: return 2;
	case PLACE_STATED: return 4;
	case PLACE_LIVE: break;
	}
	return wall_ms_between(p->fix.fixed_at, now) <= w->rules.live_position_ms ? 5 : 3;
}

/* The centre that is competent for the new place. While nobody has it in hand, and no telephone
 * rings elsewhere, the incident goes there; a taken one is never moved. True: a centre learns of
 * it. */
static bool follow_place(struct world *w, struct incident *i, const struct finding *f,
                         struct effects *fx)
{
	if (f->priority == 4 || f->call != NULL || !centre_is_set(f->owner) ||
	    centre_equal(incident_owner(i), f->owner))
		return false;
	if (i->state == INCIDENT_OPEN && f->place.origin >= PLACE_STATED && f->is_competent &&
	    i->contact == 0) {
		incident_set_owner(i, f->owner);
		merge_reasons(i, &f->reasons, is_of_place);
		world_touch(w, i, GROUP_CENTRES, TOUCH_LOUD);
		escalate_no_operator(w, i, fx);
		return true;
	}
	if (!incident_add_centre(i, f->owner, CENTRE_INFORMED))
		return false;
	reasons_add(&i->reasons, REASON_ROUTE_MOVED_INFORMED, f->owner.text);
	i->changed |= GROUP_REASONS;
	return true;
}

/* A better or newer place replaces the one it had. True when more than its exactness changed. */
static bool update_place(struct world *w, struct incident *i, const struct finding *f,
                         struct effects *fx)
{
	const struct place *now = &f->place;
	unsigned worth = place_worth(w, now, f->wall), before = place_worth(w, &i->place, f->wall);
	if (now->origin == PLACE_FROM_NOTHING || worth < before)
		return false;
	if (now->origin == PLACE_LIVE && i->place.origin == PLACE_LIVE &&
	    now->fix.fixed_at.us <= i->place.fix.fixed_at.us)
		return false;
	if (memcmp(now, &i->place, sizeof *now) == 0)
		return false;
	bool is_better = now->origin != i->place.origin && f->alert->kind != ALERT_POSITION;
	i->place = *now;
	i->changed |= GROUP_PLACE;
	(void)BUG(!subjects_put(w->subjects, i));
	return follow_place(w, i, f, fx) || is_better;
}

static bool join_cancel(struct incident *i)
{
	i->cancels++;
	i->changed |= GROUP_STATUS;
	if (reasons_add(&i->reasons, REASON_INCIDENT_CANCEL_ASKED, ""))
		i->changed |= GROUP_REASONS;
	return i->cancels == 1;
}

static bool join_alarm(struct incident *i, const struct finding *f)
{
	bool is_loud = merge_reasons(i, &f->reasons, NULL);
	if (f->priority < i->priority) {
		i->priority = f->priority;
		i->kind = f->alert->kind;
		i->changed |= GROUP_STATUS;
		is_loud = true;
	}
	for (unsigned n = 0; n < f->informed_count; n++)
		is_loud |= incident_add_centre(i, f->informed[n], CENTRE_INFORMED);
	if (f->call != NULL)
		is_loud |= incident_add_centre(i, f->owner, CENTRE_INFORMED);
	return is_loud;
}

/* The note of a device comes with every press; only a person's is news. */
static bool join_note(struct incident *i, const struct finding *f)
{
	if (f->alert->note[0] == '\0' || strcmp(f->alert->note, i->note) == 0)
		return false;
	TEXT_COPY(i->note, f->alert->note);
	i->changed |= GROUP_STATUS;
	return !finding_is_single_user(f);
}

/* It sounds again and its deadline restarts. A clock that was set back must not silence it. */
static bool renew(struct world *w, struct incident *i, struct mono at, struct wall wall,
                  struct effects *fx)
{
	int64_t since_ms = wall_ms_between(i->renewed_at, wall);
	if (since_ms >= 0 && since_ms < SETTLE_RENEW_EVERY_MS)
		return false;
	i->renewed_at = wall;
	i->changed |= GROUP_STATUS;
	if (reasons_add(&i->reasons, REASON_INCIDENT_RENEWED, ""))
		i->changed |= GROUP_REASONS;
	escalate_renewed(w, i, at);
	effects_count(fx, COUNT_RENEWALS);
	return true;
}

static void join(struct world *w, struct incident *i, const struct finding *f,
                 enum correlate_verdict verdict, struct effects *fx)
{
	bool is_loud;
	if (f->alert->kind == ALERT_POSITION) {
		merge_reasons(i, &f->reasons, reason_is_doubt);
		is_loud = false;
	} else if (f->alert->kind == ALERT_CANCEL) {
		is_loud = merge_reasons(i, &f->reasons, reason_is_doubt);
		is_loud |= join_cancel(i);
	} else {
		is_loud = join_alarm(i, f);
	}
	is_loud |= join_note(i, f);
	is_loud |= update_place(w, i, f, fx);
	if (verdict == CORRELATE_RENEW)
		is_loud |= renew(w, i, f->at, f->wall, fx);
	world_touch(w, i, 0, is_loud ? TOUCH_LOUD : TOUCH_QUIET); /* the marks are set */
	effects_count(fx, COUNT_ALERTS_JOINED);
}

static void relate_all(struct world *w, struct incident *i, const struct correlation *c)
{
	char text[ID_TEXT_SIZE];
	for (unsigned n = 0; n < c->related_count; n++) {
		struct incident *other = c->related[n];
		if (other == i || !incident_relate(i, other->id))
			continue;
		reasons_add(&i->reasons, c->why[n], id_format(other->id.v, text));
		world_touch(w, i, GROUP_RELATED | GROUP_REASONS, TOUCH_LOUD);
		if (!incident_relate(other, i->id))
			continue;
		reasons_add(&other->reasons, c->why[n], id_format(i->id.v, text));
		world_touch(w, other, GROUP_RELATED | GROUP_REASONS, TOUCH_LOUD);
	}
}

static void set_contact(struct world *w, struct incident *i, enum call_phase phase)
{
	bool is_new = i->contact != (unsigned)phase + 1;
	i->contact = (unsigned)phase + 1;
	world_touch(w, i, GROUP_STATUS, is_new ? TOUCH_LOUD : TOUCH_QUIET);
}

struct incident *settle(struct world *w, const struct finding *f, struct incident_id fresh,
                        struct incident *reused, struct effects *fx)
{
	struct correlation c = correlate(w, f, reused);
	struct incident *i = c.incident;
	if (c.verdict == CORRELATE_NOTHING)
		return NULL;
	if (c.verdict == CORRELATE_RAISE)
		i = raise(w, f, fresh, fx);
	else
		join(w, i, f, c.verdict, fx);
	relate_all(w, i, &c);
	const struct alert *a = f->alert;
	incident_count_alert(i, &(struct alert_summary){ a->id, a->source, a->kind, a->received_at,
	                                                 a->occurred_at });
	if (f->call != NULL)
		set_contact(w, i, f->call->phase);
	world_touch(w, i, GROUP_ALERTS, TOUCH_QUIET);
	return i;
}

void settle_phase(struct world *w, struct incident *i, const struct call *call, struct mono at,
                  struct wall wall, struct effects *fx)
{
	bool answered = i->contact == CALL_ANSWERED + 1 || i->contact == CALL_ENDED + 1;
	struct source exchange = { .kind = SOURCE_EXCHANGE };
	struct triage t = triage(&call->alert, &exchange, call->phase, answered);
	if (t.priority == 1 && i->state != INCIDENT_OPEN && renew(w, i, at, wall, fx))
		world_touch(w, i, 0, TOUCH_LOUD);
	if (t.priority < i->priority) {
		i->priority = t.priority;
		reasons_add(&i->reasons, t.why, "");
		world_touch(w, i, GROUP_STATUS | GROUP_REASONS, TOUCH_LOUD);
	}
	set_contact(w, i, call->phase);
}
