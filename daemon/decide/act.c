#include "decide/act.h"

#include <string.h>

#include "decide/escalate.h"
#include "decide/subject.h"
#include "support/bug.h"
#include "support/text.h"

/* What each act needs before it may change anything. */
struct act_rule {
	bool by_owner; /* the console's centre owns the incident */
	bool by_view;  /* `revision` must not be older than the newest change that matters */
	bool by_part;  /* the centre has any part in it */
};

static const struct act_rule act_rules[ACT_VERBS] = {
	[ACT_TAKE] = { .by_part = true },
	[ACT_ENGAGE] = { .by_owner = true, .by_view = true },
	[ACT_NOTE] = { .by_part = true },
	[ACT_TRANSFER] = { .by_owner = true, .by_view = true },
	[ACT_ACCEPT] = { .by_part = true, .by_view = true },
	[ACT_REFUSE] = { .by_part = true, .by_view = true },
	[ACT_SPLIT] = { .by_owner = true, .by_view = true },
	[ACT_CLOSE] = { .by_owner = true, .by_view = true },
	[ACT_RELEASE] = { .by_owner = true, .by_view = true },
	[ACT_LOOK] = { .by_part = true },
};

static enum refusal check(const struct incident *i, const struct act *a)
{
	const struct act_rule *rule = &act_rules[a->verb];
	if (rule->by_part && !incident_concerns(i, a->centre))
		return REFUSAL_NOT_YOURS;
	if (rule->by_owner && !centre_equal(incident_owner(i), a->centre))
		return REFUSAL_NOT_YOURS;
	if (rule->by_view && (a->revision < i->guard || a->revision > i->revision))
		return REFUSAL_OLD_REVISION;
	return REFUSAL_NONE;
}

static void set_taker(struct world *w, struct incident *i, const struct event *e)
{
	TEXT_COPY(i->taken_by, e->act.operator);
	i->taken_at = e->act.centre;
	i->taken_since = e->wall;
	world_touch(w, i, GROUP_STATUS | GROUP_DEADLINE, TOUCH_LOUD);
}

static enum centre_role role_of(const struct incident *i, struct centre_id centre)
{
	for (unsigned n = 0; n < i->centres_count; n++)
		if (centre_equal(i->centres[n].centre, centre))
			return i->centres[n].role;
	return CENTRE_INFORMED;
}

static enum refusal take(struct world *w, struct incident *i, const struct event *e)
{
	enum incident_state next = incident_next(i->state, INCIDENT_TAKE);
	enum centre_role role = role_of(i, e->act.centre);
	if (next == INCIDENT_STATES)
		return REFUSAL_WRONG_STATE;
	if (role != CENTRE_OWNER && role != CENTRE_ESCALATED)
		return REFUSAL_NOT_YOURS; /* informed only, or offered: accept says more */
	i->state = next;
	if (role == CENTRE_ESCALATED)
		incident_set_owner(i, e->act.centre); /* who answers owns it */
	if (centre_is_set(i->offered_to))
		incident_drop_offer(i);
	set_taker(w, i, e);
	escalate_taken(w, i, e->at);
	return REFUSAL_NONE;
}

static enum refusal release(struct world *w, struct incident *i, const struct event *e,
                            struct effects *fx)
{
	enum incident_state next = incident_next(i->state, INCIDENT_RELEASE);
	if (next == INCIDENT_STATES)
		return REFUSAL_WRONG_STATE;
	i->state = next;
	i->taken_by[0] = '\0';
	i->taken_at = (struct centre_id){ "" };
	i->away_due = (struct mono){ 0 };
	world_touch(w, i, GROUP_STATUS, TOUCH_LOUD);
	escalate_start(w, i, e->at, fx);
	return REFUSAL_NONE;
}

static enum refusal engage(struct world *w, struct incident *i)
{
	enum incident_state next = incident_next(i->state, INCIDENT_ENGAGE);
	if (next == INCIDENT_STATES)
		return REFUSAL_WRONG_STATE;
	i->state = next;
	world_touch(w, i, GROUP_STATUS, TOUCH_LOUD);
	escalate_engaged(w, i);
	return REFUSAL_NONE;
}

static enum refusal transfer(struct world *w, struct incident *i, const struct event *e)
{
	const struct act *a = &e->act;
	if (w->territory == NULL || territory_centre(w->territory, a->to) == NULL ||
	    centre_equal(a->to, a->centre))
		return REFUSAL_UNKNOWN_CENTRE;
	if (centre_is_set(i->offered_to))
		incident_drop_offer(i);
	if (!incident_add_centre(i, a->to, CENTRE_OFFERED))
		return REFUSAL_UNKNOWN_CENTRE;
	i->offered_to = a->to;
	TEXT_COPY(i->offered_by, a->operator);
	i->offer_due = mono_add_ms(e->at, w->rules.transfer_ms);
	world_touch(w, i, GROUP_STATUS | GROUP_CENTRES | GROUP_DEADLINE, TOUCH_LOUD);
	world_schedule(w, i);
	return REFUSAL_NONE;
}

static enum refusal accept_offer(struct world *w, struct incident *i, const struct event *e)
{
	if (!centre_equal(i->offered_to, e->act.centre))
		return REFUSAL_NO_OFFER;
	enum incident_state next = incident_next(i->state, INCIDENT_ACCEPTED);
	if (next == INCIDENT_STATES)
		return REFUSAL_WRONG_STATE;
	incident_drop_offer(i);
	incident_set_owner(i, e->act.centre);
	i->state = next;
	set_taker(w, i, e);
	if (next == INCIDENT_TAKEN)
		escalate_taken(w, i, e->at);
	else
		escalate_engaged(w, i);
	return REFUSAL_NONE;
}

static enum refusal refuse_offer(struct world *w, struct incident *i, const struct event *e)
{
	if (!centre_equal(i->offered_to, e->act.centre))
		return REFUSAL_NO_OFFER;
	incident_drop_offer(i);
	world_touch(w, i, GROUP_STATUS | GROUP_CENTRES | GROUP_DEADLINE, TOUCH_LOUD);
	world_schedule(w, i);
	return REFUSAL_NONE;
}

/* One alert leaves into an incident of its own: open again, at the same rank and place, as nobody
 * has answered that person yet. What the first one knew stays in both. */
static enum refusal split(struct world *w, struct incident *i, const struct event *e,
                          struct incident **made, struct effects *fx)
{
	const struct alert_summary *kept[2 * INCIDENT_ALERTS_KEPT], *found = NULL;
	unsigned count = incident_alerts(i, kept);
	for (unsigned n = 0; n < count; n++)
		if (id_equal(kept[n]->id.v, e->act.alert.v))
			found = kept[n];
	if (found == NULL || i->alerts_total < 2)
		return REFUSAL_UNKNOWN_ALERT;
	struct incident *own = world_add_incident(w, e->fresh);
	if (own == NULL)
		return REFUSAL_BUSY;
	own->department = i->department;
	own->raised_at = e->wall;
	own->exercise = i->exercise;
	own->source = found->source;
	own->kind = found->kind;
	own->priority = i->priority;
	own->people_count = i->people_count;
	memcpy(own->people, i->people, sizeof own->people);
	own->place = i->place;
	own->reasons = i->reasons;
	(void)BUG(!subjects_put(w->subjects, own));
	incident_set_owner(own, incident_owner(i));
	incident_count_alert(own, found);
	incident_relate(own, i->id);
	incident_relate(i, own->id);
	reasons_add(&own->reasons, REASON_INCIDENT_SPLIT, e->act.operator);
	reasons_add(&i->reasons, REASON_INCIDENT_SPLIT, e->act.operator);
	world_touch(w, own, GROUP_ALL, TOUCH_LOUD);
	world_touch(w, i, GROUP_RELATED | GROUP_REASONS, TOUCH_LOUD);
	escalate_start(w, own, e->at, fx);
	*made = own;
	return REFUSAL_NONE;
}

static enum refusal close_incident(struct world *w, struct incident *i, const struct act *a)
{
	if (a->disposition[0] == '\0')
		return REFUSAL_NO_DISPOSITION;
	enum incident_state next = incident_next(i->state, INCIDENT_CLOSE);
	if (next == INCIDENT_STATES)
		return REFUSAL_WRONG_STATE;
	i->state = next;
	if (centre_is_set(i->offered_to))
		incident_drop_offer(i);
	TEXT_COPY(i->disposition, a->disposition);
	i->step = STEP_NONE;
	i->step_due = i->away_due = (struct mono){ 0 };
	world_touch(w, i, GROUP_STATUS | GROUP_DEADLINE, TOUCH_LOUD);
	return REFUSAL_NONE;
}

enum refusal act_apply(struct world *w, const struct event *e, struct incident *i,
                       struct incident **split_off, struct effects *fx)
{
	const struct act *a = &e->act;
	if (a->verb == ACT_UNKNOWN || a->verb >= ACT_SIGN_IN)
		return REFUSAL_UNKNOWN_VERB;
	if (i == NULL)
		return REFUSAL_UNKNOWN_INCIDENT;
	enum refusal refused = check(i, a);
	if (refused != REFUSAL_NONE)
		return refused;
	switch (a->verb) {
	case ACT_TAKE: return take(w, i, e);
	case ACT_ENGAGE: return engage(w, i);
	case ACT_RELEASE: return release(w, i, e, fx);
	case ACT_TRANSFER: return transfer(w, i, e);
	case ACT_ACCEPT: return accept_offer(w, i, e);
	case ACT_REFUSE: return refuse_offer(w, i, e);
	case ACT_SPLIT: return split(w, i, e, split_off, fx);
	case ACT_CLOSE: return close_incident(w, i, a);
	case ACT_NOTE:
		if (a->note[0] == '\0')
			return REFUSAL_NO_NOTE;
		TEXT_COPY(i->note, a->note);
		world_touch(w, i, GROUP_STATUS, TOUCH_LOUD);
		return REFUSAL_NONE;
	default: return REFUSAL_NONE; /* a look: its record is all */
	}
}
