#include "decide/decide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decide/act.h"
#include "decide/correlate.h"
#include "decide/escalate.h"
#include "decide/finding.h"
#include "decide/identify.h"
#include "decide/locate.h"
#include "decide/repeat.h"
#include "decide/route.h"
#include "decide/subject.h"
#include "decide/triage.h"
#include "support/bug.h"
#include "support/table.h"
#include "support/text.h"

/* A renewal sounds again at most this often: a stuck button is counted, not rung. */
#define DECIDE_RENEW_EVERY_MS 10000
/* Incidents that one tick may touch: each makes at most a few effects of the EFFECTS_MAX. */
#define DECIDE_TICK_INCIDENTS 4

static struct effect *emit(struct effects *fx, enum effect_kind kind)
{
	must(fx->count < EFFECTS_MAX);
	struct effect *e = &fx->list[fx->count++];
	memset(e, 0, sizeof *e);
	e->kind = kind;
	return e;
}

static void count(struct effects *fx, enum effect_count what)
{
	emit(fx, EFFECT_COUNT)->count = what;
}

/*
 * Ends an event: everything that changed becomes one record at the next position, and each incident
 * that consoles see changed gets its next revision. Returns the record, or NULL when nothing is to
 * be kept. `needs_record`: the event itself must be kept even if no incident changed.
 */
static struct effect *commit(struct world *w, const struct event *e, struct effects *fx,
                             bool needs_record)
{
	if (w->dirty == NULL && !needs_record)
		return NULL;
	struct position here = w->next;
	w->next.number++;
	struct effect *keep = emit(fx, EFFECT_KEEP);
	keep->position = here;
	while (w->dirty != NULL) {
		struct incident *i = w->dirty;
		w->dirty = i->next;
		i->next = NULL;
		bool loud = i->is_loud, seen = i->is_seen;
		i->is_dirty = i->is_loud = i->is_seen = false;
		i->position = here;
		if (!BUG(keep->keep.incidents_count == EFFECT_INCIDENTS_MAX))
			keep->keep.incidents[keep->keep.incidents_count++] = i;
		if (!seen)
			continue;
		i->revision++;
		i->updated_at = e->wall;
		if (loud)
			i->guard = i->revision;
		struct effect *show = emit(fx, EFFECT_SHOW);
		show->position = here;
		show->show.incident = i;
		show->show.quiet = !loud;
		if (loud && (i->state != INCIDENT_OPEN || i->level > 0)) {
			struct effect *state = emit(fx, EFFECT_STATE);
			state->position = here;
			state->show.incident = i;
		}
	}
	return keep;
}

static void note_doubts(const struct world *w, struct finding *f)
{
	static const struct {
		enum alert_doubt bit;
		enum reason_code code;
	} doubts[] = {
		{ ALERT_DOUBT_CLOCK, REASON_DOUBT_CLOCK },
		{ ALERT_DOUBT_CERTIFICATE, REASON_DOUBT_CERTIFICATE },
		{ ALERT_DOUBT_POSITION, REASON_DOUBT_POSITION },
		{ ALERT_DOUBT_TEXT, REASON_DOUBT_TEXT },
		{ ALERT_DOUBT_KIND, REASON_DOUBT_KIND },
		{ ALERT_DOUBT_REF, REASON_DOUBT_REF },
		{ ALERT_DOUBT_TRUST, REASON_DOUBT_TRUST },
	};
	const struct alert *a = f->alert;
	char detail[REASON_DETAIL_SIZE];
	for (size_t n = 0; n < sizeof doubts / sizeof *doubts; n++)
		if (a->doubts & doubts[n].bit)
			finding_because(f, doubts[n].code, "");
	if (wall_is_set(a->occurred_at) && !(a->doubts & ALERT_DOUBT_CLOCK)) {
		int64_t late_ms = wall_ms_between(a->occurred_at, a->received_at);
		if (-late_ms > w->rules.clock_ahead_ms) {
			finding_because(f, REASON_DOUBT_CLOCK, "");
		} else if (late_ms > w->rules.late_ms) {
			snprintf(detail, sizeof detail, "%lld s", (long long)(late_ms / 1000));
			finding_because(f, REASON_DOUBT_LATE, detail);
		}
	}
	if (w->registry_is_old) {
		char as_of[CLOCK_TEXT_SIZE];
		finding_because(f, REASON_DOUBT_REGISTRY_OLD,
		                wall_format(registry_as_of(w->registry), as_of));
	}
}

static bool merge_reasons(struct incident *i, const struct reasons *reasons)
{
	bool changed = false;
	for (unsigned n = 0; n < reasons->count; n++)
		changed |= reasons_add(&i->reasons, reasons->list[n].code, reasons->list[n].detail);
	return changed;
}

static void fill_new(struct incident *i, const struct finding *f)
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

/* A better or newer place replaces the one it had; a taken incident is never moved, the newly
 * competent centre is informed. */
static bool update_place(struct world *w, struct incident *i, const struct finding *f)
{
	const struct place *now = &f->place;
	if (now->origin < i->place.origin || now->origin == PLACE_FROM_NOTHING)
		return false;
	if (now->origin == PLACE_LIVE && i->place.origin == PLACE_LIVE &&
	    now->fix.fixed_at.us <= i->place.fix.fixed_at.us)
		return false;
	if (memcmp(now, &i->place, sizeof *now) == 0)
		return false;
	i->place = *now;
	i->changed |= GROUP_PLACE;
	(void)BUG(!subjects_put(w->subjects, i));
	struct centre_id owner = incident_owner(i);
	if (f->priority == 4 || f->call != NULL || !centre_is_set(f->owner) ||
	    centre_equal(owner, f->owner))
		return true;
	if (i->state == INCIDENT_OPEN && f->place.origin == PLACE_LIVE && i->contact == 0) {
		incident_set_owner(i, f->owner);
	} else if (incident_add_centre(i, f->owner, CENTRE_INFORMED)) {
		reasons_add(&i->reasons, REASON_ROUTE_MOVED_INFORMED, f->owner.text);
		i->changed |= GROUP_REASONS;
	}
	return true;
}

static void join(struct world *w, struct incident *i, const struct finding *f,
                 enum correlate_verdict verdict, struct effects *fx)
{
	unsigned before = i->changed;
	bool loud = false;
	if (f->alert->kind == ALERT_CANCEL) {
		i->cancels++;
		reasons_add(&i->reasons, REASON_INCIDENT_CANCEL_ASKED, "");
		i->changed |= GROUP_STATUS | GROUP_REASONS;
		loud = i->cancels == 1;
	} else if (f->alert->kind != ALERT_POSITION) {
		if (f->priority < i->priority) {
			i->priority = f->priority;
			i->kind = f->alert->kind;
			i->changed |= GROUP_STATUS;
			loud = true;
		}
		if (merge_reasons(i, &f->reasons)) {
			i->changed |= GROUP_REASONS;
			loud = true;
		}
		for (unsigned n = 0; n < f->informed_count; n++)
			loud |= incident_add_centre(i, f->informed[n], CENTRE_INFORMED);
		if (f->call != NULL)
			loud |= incident_add_centre(i, f->owner, CENTRE_INFORMED);
	}
	if (f->alert->note[0] != '\0' && strcmp(f->alert->note, i->note) != 0) {
		TEXT_COPY(i->note, f->alert->note);
		i->changed |= GROUP_STATUS;
		loud = true;
	}
	loud |= update_place(w, i, f) && f->alert->kind != ALERT_POSITION;
	if (verdict == CORRELATE_RENEW &&
	    wall_ms_between(i->renewed_at, f->wall) >= DECIDE_RENEW_EVERY_MS) {
		i->renewed_at = f->wall;
		reasons_add(&i->reasons, REASON_INCIDENT_RENEWED, "");
		i->changed |= GROUP_STATUS | GROUP_REASONS;
		loud = true;
		escalate_renewed(w, i, f->at);
		count(fx, COUNT_RENEWALS);
	}
	world_touch(w, i, i->changed & ~before, loud ? TOUCH_LOUD : TOUCH_QUIET);
	count(fx, COUNT_ALERTS_JOINED);
}

static void relate_all(struct world *w, struct incident *i, const struct correlation *c)
{
	char text[ID_TEXT_SIZE];
	for (unsigned n = 0; n < c->related_count && n < EFFECT_INCIDENTS_MAX - 2; n++) {
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
	if (i->contact == (unsigned)phase + 1)
		return;
	i->contact = (unsigned)phase + 1;
	world_touch(w, i, GROUP_STATUS, TOUCH_LOUD);
}

/* What a finding leads to: the incident it raises or joins; NULL for a position of nobody's. */
static struct incident *settle(struct world *w, const struct event *e, struct finding *f,
                               struct incident *reused, struct effects *fx)
{
	struct correlation c = correlate(w, f, reused);
	struct incident *i = c.incident;
	if (c.verdict == CORRELATE_NOTHING)
		return NULL;
	if (c.verdict == CORRELATE_RAISE) {
		i = world_add_incident(w, e->fresh);
		must(i != NULL); /* out of memory: restart rather than lose an alarm */
		fill_new(i, f);
		must(subjects_put(w->subjects, i));
		world_touch(w, i, GROUP_ALL, TOUCH_LOUD);
		escalate_start(w, i, f->at, fx);
		count(fx, COUNT_INCIDENTS_RAISED);
	} else {
		join(w, i, f, c.verdict, fx);
	}
	relate_all(w, i, &c);
	const struct alert *a = f->alert;
	incident_count_alert(i, &(struct alert_summary){ a->id, a->source, a->kind, a->received_at,
	                                                 a->occurred_at });
	if (f->call != NULL)
		set_contact(w, i, f->call->phase);
	world_touch(w, i, GROUP_ALERTS, TOUCH_QUIET);
	return i;
}

static void receipt(struct effects *fx, const struct event *e, const struct repeat *r,
                    bool is_repeat)
{
	struct effect *out = emit(fx, EFFECT_RECEIPT);
	out->asker = e->asker;
	out->position = r->position;
	out->receipt.alert = r->alert;
	out->receipt.incident = r->incident;
	out->receipt.priority = r->priority;
	out->receipt.repeat = is_repeat;
}

static bool is_repeat(const struct world *w, const struct repeat *r, const struct alert *a,
                      uint64_t content)
{
	int64_t window_ms = r->is_dated ? w->rules.repeat_dated_ms : w->rules.repeat_undated_ms;
	return r->content_hash == content &&
	       wall_ms_between(r->received_at, a->received_at) <= window_ms;
}

/* The way of one alert: repeat, who, where, how urgent, which centre, which incident, kept. */
static void decide_alert(struct world *w, const struct event *e, const struct alert *a,
                         const struct call *call, struct effects *fx)
{
	unsigned phase = call != NULL ? (unsigned)call->phase + 1 : 0;
	bool has_ref = !(a->doubts & ALERT_DOUBT_REF);
	struct repeat memory = {
		.key = repeat_key(a->source, a->ref, phase),
		.content_hash = repeat_content(a),
		.received_at = a->received_at,
		.is_dated = wall_is_set(a->occurred_at),
		.alert = a->id,
	};
	const struct repeat *known = has_ref ? repeats_get(w->repeats, &memory.key) : NULL;
	if (known != NULL && is_repeat(w, known, a, memory.content_hash)) {
		count(fx, COUNT_ALERTS_REPEATED);
		receipt(fx, e, known, true);
		return;
	}
	struct finding f = { .alert = a, .call = call, .at = e->at, .wall = e->wall };
	if (!registry_source(w->registry, a->source, &f.source)) {
		/* It was known when its link was checked and is gone since: heard all the same. */
		f.source = (struct source){ .id = a->source,
			                    .name = "",
			                    .has_panic_button = true,
			                    .kind = SOURCE_PLATFORM };
	}
	if (a->has_fix)
		world_remember_fix(w, a->source, &a->fix, a->received_at);
	note_doubts(w, &f);
	struct incident *reused = NULL;
	if (known != NULL) {
		finding_because(&f, REASON_DOUBT_REF_REUSED, "");
		reused = world_incident(w, known->incident);
	}
	identify(w, &f);
	locate(w, &f);
	struct triage t = triage(a, &f.source, call != NULL ? call->phase : CALL_PRESENTED, false);
	f.priority = t.priority;
	finding_because(&f, t.why, "");
	route(w, &f);
	struct incident *i = settle(w, e, &f, reused, fx);

	struct effect *keep = commit(w, e, fx, true);
	keep->keep.alert = a;
	keep->keep.call = call;
	keep->keep.content_hash = memory.content_hash;
	keep->keep.department = f.department;
	memory.position = keep->position;
	memory.priority = f.priority;
	if (i != NULL) {
		memory.incident = i->id;
		keep->keep.incident = i->id;
		memory.priority = i->priority;
	}
	keep->keep.priority = memory.priority;
	if (has_ref)
		must(repeats_put(w->repeats, &memory));
	receipt(fx, e, &memory, false);
}

/* A later phase of a call that was flagged: shown on its incident; abandoned before an answer is
 * presumed an attack. True: it was one. */
static bool decide_known_call(struct world *w, const struct event *e, struct effects *fx)
{
	const struct call *call = &e->call;
	struct incident *i = NULL;
	for (unsigned phase = CALL_PRESENTED; phase <= CALL_ABANDONED && i == NULL; phase++) {
		struct repeat_key key = repeat_key(call->alert.source, call->alert.ref, phase + 1);
		const struct repeat *r = repeats_get(w->repeats, &key);
		if (r != NULL && phase != (unsigned)call->phase)
			i = world_incident(w, r->incident);
	}
	if (i == NULL)
		return false;
	bool answered = i->contact == CALL_ANSWERED + 1 || i->contact == CALL_ENDED + 1;
	struct source exchange = { .kind = SOURCE_EXCHANGE };
	struct triage t = triage(&call->alert, &exchange, call->phase, answered);
	if (t.priority < i->priority) {
		i->priority = t.priority;
		reasons_add(&i->reasons, t.why, "");
		world_touch(w, i, GROUP_STATUS | GROUP_REASONS, TOUCH_LOUD);
	}
	set_contact(w, i, call->phase);
	world_touch(w, i, GROUP_STATUS, TOUCH_QUIET);
	struct effect *keep = commit(w, e, fx, true);
	struct repeat memory = {
		.key = repeat_key(call->alert.source, call->alert.ref, (unsigned)call->phase + 1),
		.content_hash = repeat_content(&call->alert),
		.received_at = call->alert.received_at,
		.is_dated = wall_is_set(call->alert.occurred_at),
		.alert = call->alert.id,
		.incident = i->id,
		.priority = i->priority,
		.position = keep->position,
	};
	keep->keep.alert = &call->alert;
	keep->keep.call = call;
	keep->keep.content_hash = memory.content_hash;
	keep->keep.incident = i->id;
	keep->keep.priority = i->priority;
	keep->keep.department = i->department;
	must(repeats_put(w->repeats, &memory));
	receipt(fx, e, &memory, false);
	return true;
}

static void decide_call(struct world *w, const struct event *e, struct effects *fx)
{
	const struct call *call = &e->call;
	struct repeat_key key =
	        repeat_key(call->alert.source, call->alert.ref, (unsigned)call->phase + 1);
	const struct repeat *known = repeats_get(w->repeats, &key);
	if (known != NULL && is_repeat(w, known, &call->alert, repeat_content(&call->alert))) {
		count(fx, COUNT_ALERTS_REPEATED);
		receipt(fx, e, known, true);
		return;
	}
	if (call->phase != CALL_PRESENTED && decide_known_call(w, e, fx))
		return;
	if (identify_call_matches(w, call)) {
		decide_alert(w, e, &call->alert, call, fx);
		return;
	}
	/* Not registered: an answer without a trace, and a count. */
	count(fx, COUNT_CALLS_NOT_REGISTERED);
	emit(fx, EFFECT_RECEIPT)->asker = e->asker;
}

static void decide_act(struct world *w, const struct event *e, struct effects *fx)
{
	struct incident *i = world_incident(w, e->act.incident), *split = NULL;
	enum refusal refused = act_apply(w, e, i, &split, fx);
	struct effect *keep = refused == REFUSAL_NONE ? commit(w, e, fx, true) : NULL;
	if (keep != NULL) {
		keep->keep.act = &e->act;
		keep->keep.incident = i->id;
		keep->keep.department = i->department;
	}
	struct effect *answer = emit(fx, EFFECT_ANSWER);
	answer->asker = e->asker;
	answer->answer.refused = refused;
	answer->answer.incident = split != NULL ? split->id : e->act.incident;
	answer->answer.revision = split != NULL ? split->revision : i != NULL ? i->revision : 0;
	if (keep != NULL)
		answer->position = keep->position;
	if (i != NULL && i->state == INCIDENT_CLOSED)
		world_close_incident(w, i);
}

static bool is_taker(const struct incident *i, const struct act *who)
{
	return i->state == INCIDENT_TAKEN && centre_equal(i->taken_at, who->centre) &&
	       strcmp(i->taken_by, who->operator) == 0;
}

static void decide_console_opened(struct world *w, const struct event *e, struct effects *fx)
{
	if (w->sessions_count == w->sessions_room) {
		unsigned room = w->sessions_room ? 2 * w->sessions_room : 16;
		struct session *more = realloc(w->sessions, room * sizeof *more);
		must(more != NULL);
		w->sessions = more;
		w->sessions_room = room;
	}
	struct session *s = &w->sessions[w->sessions_count++];
	*s = (struct session){ .asker = e->asker, .centre = e->act.centre };
	TEXT_COPY(s->operator, e->act.operator);
	struct incident *i;
	for (size_t n = 0; (i = world_next_incident(w, &n)) != NULL;) {
		if (is_taker(i, &e->act) && mono_is_set(i->away_due)) {
			i->away_due = (struct mono){ 0 };
			world_schedule(w, i); /* restored again at a restart: no record is needed */
		}
	}
	struct effect *keep = commit(w, e, fx, true);
	keep->keep.act = &e->act;
	keep->keep.department = e->act.department;
}

static void decide_console_lost(struct world *w, const struct event *e, struct effects *fx)
{
	bool still_here = false;
	for (unsigned n = 0; n < w->sessions_count;) {
		struct session *s = &w->sessions[n];
		if (s->asker.token == e->asker.token) {
			*s = w->sessions[--w->sessions_count];
			continue;
		}
		still_here |= centre_equal(s->centre, e->act.centre) &&
		              strcmp(s->operator, e->act.operator) == 0;
		n++;
	}
	struct incident *i;
	for (size_t n = 0; !still_here && (i = world_next_incident(w, &n)) != NULL;) {
		if (is_taker(i, &e->act))
			i->away_due = mono_add_ms(e->at, w->rules.taker_lost_ms);
		else if (i->state == INCIDENT_OPEN &&
		         centre_equal(incident_owner(i), e->act.centre) &&
		         !world_has_session_at(w, e->act.centre) && !mono_is_set(i->away_due))
			i->away_due = mono_add_ms(e->at, w->rules.taker_lost_ms);
		world_schedule(w, i);
	}
	struct effect *keep = commit(w, e, fx, true);
	keep->keep.act = &e->act;
	keep->keep.department = e->act.department;
}

static bool decide_tick(struct world *w, const struct event *e, struct effects *fx)
{
	for (unsigned n = 0; n < DECIDE_TICK_INCIDENTS; n++) {
		struct heap_node *first = heap_first(&w->deadlines);
		if (first == NULL || !mono_is_due(first->due, e->at))
			break;
		struct incident *i =
		        (struct incident *)((char *)first - offsetof(struct incident, wake));
		if (i->state == INCIDENT_OPEN && mono_is_due(i->away_due, e->at)) {
			i->away_due = (struct mono){ 0 };
			escalate_no_operator(w, i, fx);
		}
		escalate_due(w, i, e->at, fx);
	}
	commit(w, e, fx, false);
	return mono_is_due(world_next_wake(w), e->at);
}

bool decide(struct world *w, const struct event *e, struct effects *fx)
{
	fx->count = 0;
	switch (e->kind) {
	case EVENT_ALERT: decide_alert(w, e, &e->alert, NULL, fx); return false;
	case EVENT_CALL: decide_call(w, e, fx); return false;
	case EVENT_ACT: decide_act(w, e, fx); return false;
	case EVENT_CONSOLE_OPENED: decide_console_opened(w, e, fx); return false;
	case EVENT_CONSOLE_LOST: decide_console_lost(w, e, fx); return false;
	case EVENT_TICK: return decide_tick(w, e, fx);
	}
	(void)BUG(true);
	return false;
}
