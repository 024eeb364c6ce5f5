#include "decide/escalate.h"

#include "support/bug.h"

static void sound_alarm(const struct incident *i, enum reason_code why, struct effects *fx)
{
	struct effect *e = effects_add(fx, EFFECT_ALARM);
	e->alarm.incident = i->id;
	e->alarm.why = why;
	e->alarm.priority = i->priority;
}

static void wait_for(struct world *w, struct incident *i, enum incident_step step, struct mono due)
{
	i->step = step;
	i->step_due = due;
	world_touch(w, i, GROUP_DEADLINE, TOUCH_UNSEEN);
	world_schedule(w, i);
}

static bool ask(struct world *w, struct incident *i, struct centre_id centre, enum reason_code why)
{
	if (!incident_add_centre(i, centre, CENTRE_ESCALATED))
		return false;
	reasons_add(&i->reasons, why, centre.text);
	world_touch(w, i, GROUP_CENTRES | GROUP_REASONS, TOUCH_LOUD);
	return true;
}

/* The department's stand-in, unless it is the owner. */
static void ask_stand_in(struct world *w, struct incident *i, enum reason_code why)
{
	const struct department *d =
	        w->territory ? territory_department(w->territory, i->department) : NULL;
	if (d != NULL)
		ask(w, i, d->stand_in, why);
}

static void ask_other(struct world *w, struct incident *i, enum reason_code why)
{
	const struct centre *owner =
	        w->territory ? territory_centre(w->territory, incident_owner(i)) : NULL;
	if (owner != NULL)
		ask(w, i, owner->other, why);
}

static void ask_all(struct world *w, struct incident *i, enum reason_code why)
{
	const struct centre *c;
	if (w->territory == NULL)
		return;
	for (size_t n = 0; (c = territory_next_centre(w->territory, &n)) != NULL;)
		if (memcmp(&c->department, &i->department, sizeof i->department) == 0 &&
		    c->kind != CENTRE_OPERATIONS)
			ask(w, i, c->id, why);
}

/* Somebody is signed in at a centre that was asked. */
static bool is_heard(const struct world *w, const struct incident *i)
{
	for (unsigned n = 0; n < i->centres_count; n++)
		if (i->centres[n].role != CENTRE_INFORMED &&
		    world_has_session_at(w, i->centres[n].centre))
			return true;
	return false;
}

void escalate_no_operator(struct world *w, struct incident *i, struct effects *fx)
{
	static void (*const ask_more[])(struct world *, struct incident *,
	                                enum reason_code) = { ask_stand_in, ask_other, ask_all };
	if (i->priority == 4 || i->state != INCIDENT_OPEN ||
	    world_has_session_at(w, incident_owner(i)))
		return;
	for (size_t n = 0; n < sizeof ask_more / sizeof *ask_more; n++) {
		ask_more[n](w, i, REASON_ROUTE_STAND_IN_NO_OPERATOR);
		if (is_heard(w, i))
			return;
	}
	if (reasons_add(&i->reasons, REASON_ESCALATE_NO_CONSOLE, ""))
		world_touch(w, i, GROUP_REASONS, TOUCH_LOUD);
	sound_alarm(i, REASON_ESCALATE_NO_CONSOLE, fx);
}

void escalate_start(struct world *w, struct incident *i, struct mono at, struct effects *fx)
{
	if (i->priority == 4) { /* operations' own list: shown, never paged */
		wait_for(w, i, STEP_NONE, (struct mono){ 0 });
		return;
	}
	wait_for(w, i, STEP_LOUDER, mono_add_ms(at, w->rules.louder_ms));
	escalate_no_operator(w, i, fx);
}

void escalate_taken(struct world *w, struct incident *i, struct mono at)
{
	i->away_due = (struct mono){ 0 };
	if (i->priority == 4)
		wait_for(w, i, STEP_NONE, (struct mono){ 0 });
	else
		wait_for(w, i, STEP_ENGAGE, mono_add_ms(at, w->rules.engage_ms));
}

void escalate_engaged(struct world *w, struct incident *i)
{
	i->away_due = (struct mono){ 0 };
	wait_for(w, i, STEP_NONE, (struct mono){ 0 });
}

void escalate_renewed(struct world *w, struct incident *i, struct mono at)
{
	if (i->step == STEP_ENGAGE)
		wait_for(w, i, STEP_ENGAGE, mono_add_ms(at, w->rules.engage_ms));
}

/* Back to open: what was waited for did not come. It starts louder than a new one. */
static void reopen(struct world *w, struct incident *i, enum incident_cause cause,
                   enum reason_code why, struct mono at, struct effects *fx)
{
	enum incident_state next = incident_next(i->state, cause);
	i->away_due = (struct mono){ 0 };
	if (next == INCIDENT_STATES) {
		world_touch(w, i, GROUP_DEADLINE, TOUCH_UNSEEN);
		world_schedule(w, i);
		return;
	}
	reasons_add(&i->reasons, why, i->taken_by);
	i->state = next;
	i->taken_by[0] = '\0';
	i->taken_at = (struct centre_id){ "" };
	if (i->level < 1)
		i->level = 1;
	world_touch(w, i, GROUP_STATUS | GROUP_REASONS, TOUCH_LOUD);
	escalate_start(w, i, at, fx);
}

/* Each step counts from when the one before was due, not from when it was seen: after a suspend, or
 * a restart, whatever came due meanwhile is made up for at once. */
static void next_step(struct world *w, struct incident *i, struct mono at, struct effects *fx)
{
	const struct rules *r = &w->rules;
	static const unsigned levels[] = {
		[STEP_LOUDER] = 1, [STEP_OTHER_CENTRE] = 2, [STEP_ALL] = 3, [STEP_ALARM] = 4
	};
	enum incident_step step = i->step;
	struct mono due = i->step_due;
	if (BUG(step == STEP_NONE || i->state != INCIDENT_OPEN)) {
		wait_for(w, i, STEP_NONE, (struct mono){ 0 });
		return;
	}
	if (i->level < levels[step]) {
		i->level = levels[step];
		world_touch(w, i, GROUP_STATUS, TOUCH_LOUD);
	}
	switch (step) {
	case STEP_LOUDER:
		reasons_add(&i->reasons, REASON_ESCALATE_LOUDER, "");
		wait_for(w, i, STEP_OTHER_CENTRE,
		         mono_add_ms(due, r->other_centre_ms - r->louder_ms));
		break;
	case STEP_OTHER_CENTRE:
		ask_stand_in(w, i, REASON_ESCALATE_OTHER_CENTRE);
		ask_other(w, i, REASON_ESCALATE_OTHER_CENTRE);
		wait_for(w, i, STEP_ALL, mono_add_ms(due, r->all_ms - r->other_centre_ms));
		break;
	case STEP_ALL:
		ask_all(w, i, REASON_ESCALATE_ALL);
		wait_for(w, i, STEP_ALARM, mono_add_ms(due, r->alarm_ms - r->all_ms));
		break;
	default: /* again and again, but not for the time that is lost */
		reasons_add(&i->reasons, REASON_ESCALATE_ALARM, "");
		sound_alarm(i, REASON_ESCALATE_ALARM, fx);
		wait_for(w, i, STEP_ALARM, mono_add_ms(at, r->alarm_ms));
		break;
	}
	world_touch(w, i, GROUP_REASONS, TOUCH_LOUD);
	effects_count(fx, COUNT_ESCALATIONS);
}

void escalate_due(struct world *w, struct incident *i, struct mono at, struct effects *fx)
{
	if (mono_is_due(i->offer_due, at)) {
		incident_drop_offer(i);
		world_touch(w, i, GROUP_STATUS | GROUP_CENTRES | GROUP_DEADLINE, TOUCH_LOUD);
	}
	if (mono_is_due(i->away_due, at) && i->state == INCIDENT_OPEN) {
		i->away_due = (struct mono){ 0 };
		world_touch(w, i, GROUP_DEADLINE, TOUCH_UNSEEN);
		escalate_no_operator(w, i, fx);
	} else if (mono_is_due(i->away_due, at)) {
		reopen(w, i, INCIDENT_TAKER_LOST, REASON_ESCALATE_TAKER_LOST, at, fx);
	}
	if (mono_is_due(i->step_due, at) && i->step == STEP_ENGAGE)
		reopen(w, i, INCIDENT_NOT_ENGAGED, REASON_ESCALATE_NOT_ENGAGED, at, fx);
	else if (mono_is_due(i->step_due, at))
		next_step(w, i, at, fx);
	world_schedule(w, i);
}
