#include "decide/decide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decide/act.h"
#include "decide/commit.h"
#include "decide/escalate.h"
#include "decide/finding.h"
#include "decide/identify.h"
#include "decide/locate.h"
#include "decide/repeat.h"
#include "decide/route.h"
#include "decide/settle.h"
#include "decide/triage.h"
#include "support/bug.h"
#include "support/table.h"
#include "support/text.h"

/* Incidents that one tick may touch: each makes at most a few effects of the EFFECTS_MAX. */
#define DECIDE_TICK_INCIDENTS 4
/* No call lasts longer: after it the exchange's id is another call's. */
#define DECIDE_CALL_MS (6LL * 3600 * 1000)

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

static void receipt(struct effects *fx, const struct event *e, const struct repeat *r,
                    bool is_repeat)
{
	struct effect *out = effects_add(fx, EFFECT_RECEIPT);
	out->asker = e->asker;
	out->position = r->position;
	out->receipt.alert = r->alert;
	out->receipt.incident = r->incident;
	out->receipt.priority = r->priority;
	out->receipt.repeat = is_repeat;
}

/* The time that a sender gave tells a repeat for long, unless its clock was never set: then each
 * restart of a device says the same again. */
static struct repeat memory_of(const struct alert *a, unsigned phase)
{
	return (struct repeat){
		.key = repeat_key(a->source, a->ref, phase),
		.content_hash = repeat_content(a),
		.received_at = a->received_at,
		.is_dated = repeat_is_dated(a->occurred_at, a->doubts),
		.alert = a->id,
	};
}

static bool is_repeat(const struct world *w, const struct repeat *r, const struct repeat *now)
{
	int64_t window_ms = r->is_dated ? w->rules.repeat_dated_ms : w->rules.repeat_undated_ms;
	return r->content_hash == now->content_hash &&
	       wall_ms_between(r->received_at, now->received_at) <= window_ms;
}

/* Fills the record of an alert or call, remembers it and gives its receipt. */
static void keep_alert(struct world *w, const struct event *e, const struct call *call,
                       const struct alert *a, const struct incident *i, struct repeat *memory,
                       struct effect *keep, struct effects *fx)
{
	memory->position = keep->position;
	if (i != NULL) {
		memory->incident = i->id;
		memory->priority = i->priority;
	}
	keep->keep.alert = a;
	keep->keep.call = call;
	keep->keep.content_hash = memory->content_hash;
	keep->keep.incident = memory->incident;
	keep->keep.priority = memory->priority;
	if (!(a->doubts & ALERT_DOUBT_REF))
		must(repeats_put(w->repeats, memory));
	receipt(fx, e, memory, false);
}

/* The source of an alert; it was known when its link was checked. If it is gone since, it is heard
 * all the same, as one that may speak for anybody. */
static struct source source_of(const struct world *w, const struct alert *a)
{
	struct source s;
	if (!registry_source(w->registry, a->source, &s))
		s = (struct source){ .id = a->source,
			             .name = "",
			             .has_panic_button = true,
			             .kind = SOURCE_PLATFORM };
	return s;
}

/* The way of one alert: repeat, who, where, how urgent, which centre, which incident, kept. */
static void decide_alert(struct world *w, const struct event *e, const struct alert *a,
                         const struct call *call, struct effects *fx)
{
	struct repeat memory = memory_of(a, call != NULL ? (unsigned)call->phase + 1 : 0);
	const struct repeat *known =
	        a->doubts & ALERT_DOUBT_REF ? NULL : repeats_get(w->repeats, &memory.key);
	if (known != NULL && is_repeat(w, known, &memory)) {
		effects_count(fx, COUNT_ALERTS_REPEATED);
		receipt(fx, e, known, true);
		return;
	}
	struct finding f = {
		.alert = a, .call = call, .at = e->at, .wall = e->wall, .source = source_of(w, a)
	};
	if (a->has_fix && finding_is_single_user(&f))
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
	struct incident *i = settle(w, &f, e->fresh, reused, fx);

	struct effect *keep = commit(w, e, fx, true);
	keep->keep.department = f.department;
	memory.priority = f.priority;
	keep_alert(w, e, call, a, i, &memory, keep, fx);
}

/* What an earlier phase of the same call left; NULL: none. */
static const struct repeat *earlier_phase(const struct world *w, const struct call *call)
{
	for (unsigned phase = CALL_PRESENTED; phase <= CALL_ABANDONED; phase++) {
		struct repeat_key key = repeat_key(call->alert.source, call->alert.ref, phase + 1);
		const struct repeat *r = repeats_get(w->repeats, &key);
		if (r != NULL && phase != (unsigned)call->phase &&
		    wall_ms_between(r->received_at, call->alert.received_at) <= DECIDE_CALL_MS)
			return r;
	}
	return NULL;
}

/*
 * A call, in order:
 *  1. The same phase said again is a repeat.
 *  2. A later phase of a flagged call is shown on its incident.
 *  3. A flagged call is answered or ends when its incident is closed: nothing is raised for it.
 *  4. Its number is registered with the centre where it rings: an alert.
 *  5. All others leave no trace but a count.
 */
static void decide_call(struct world *w, const struct event *e, struct effects *fx)
{
	const struct call *call = &e->call;
	bool has_ref = !(call->alert.doubts & ALERT_DOUBT_REF);
	struct repeat memory = memory_of(&call->alert, (unsigned)call->phase + 1);
	const struct repeat *known = has_ref ? repeats_get(w->repeats, &memory.key) : NULL;
	if (known != NULL && is_repeat(w, known, &memory)) { /* 1 */
		effects_count(fx, COUNT_ALERTS_REPEATED);
		receipt(fx, e, known, true);
		return;
	}
	if (has_ref && call->phase != CALL_PRESENTED)
		known = earlier_phase(w, call);
	else
		known = NULL;
	struct incident *i = known != NULL ? world_incident(w, known->incident) : NULL;
	if (i != NULL) { /* 2 */
		settle_phase(w, i, call, e->at, e->wall, fx);
		struct effect *keep = commit(w, e, fx, true);
		keep->keep.department = i->department;
		keep_alert(w, e, call, &call->alert, i, &memory, keep, fx);
	} else if (known != NULL && call->phase != CALL_ABANDONED) { /* 3 */
		receipt(fx, e, known, true);
	} else if (identify_call_matches(w, call)) { /* 4 */
		decide_alert(w, e, &call->alert, call, fx);
	} else { /* 5 */
		effects_count(fx, COUNT_CALLS_NOT_REGISTERED);
		effects_add(fx, EFFECT_RECEIPT)->asker = e->asker;
	}
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
	struct effect *answer = effects_add(fx, EFFECT_ANSWER);
	answer->asker = e->asker;
	answer->answer.refused = refused;
	answer->answer.incident = split != NULL ? split->id : e->act.incident;
	answer->answer.revision = split != NULL ? split->revision : i != NULL ? i->revision : 0;
	if (keep != NULL)
		answer->position = keep->position;
}

static bool is_taker(const struct incident *i, const struct act *who)
{
	return i->state == INCIDENT_TAKEN && centre_equal(i->taken_at, who->centre) &&
	       strcmp(i->taken_by, who->operator) == 0;
}

/* Who is away is written down, so that a restart knows it; past what fits into one record it finds
 * it out anew. */
static void set_away(struct world *w, struct incident *i, struct mono due, unsigned *written)
{
	i->away_due = due;
	world_schedule(w, i);
	if (++*written <= EFFECT_INCIDENTS_MAX)
		world_touch(w, i, GROUP_DEADLINE, TOUCH_UNSEEN);
}

static void keep_session(struct world *w, const struct event *e, struct effects *fx)
{
	struct effect *keep = commit(w, e, fx, true);
	keep->keep.act = &e->act;
	keep->keep.department = e->act.department;
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
	unsigned written = 0;
	for (size_t n = 0; (i = world_next_incident(w, &n)) != NULL;) {
		bool is_back =
		        is_taker(i, &e->act) || (i->state == INCIDENT_OPEN &&
		                                 centre_equal(incident_owner(i), e->act.centre));
		if (is_back && mono_is_set(i->away_due))
			set_away(w, i, (struct mono){ 0 }, &written);
	}
	keep_session(w, e, fx);
}

static bool has_session(const struct world *w, const struct act *who)
{
	for (unsigned n = 0; n < w->sessions_count; n++)
		if (centre_equal(w->sessions[n].centre, who->centre) &&
		    strcmp(w->sessions[n].operator, who->operator) == 0)
			return true;
	return false;
}

static void decide_console_lost(struct world *w, const struct event *e, struct effects *fx)
{
	for (unsigned n = 0; n < w->sessions_count;) {
		if (w->sessions[n].asker.token == e->asker.token)
			w->sessions[n] = w->sessions[--w->sessions_count];
		else
			n++;
	}
	bool taker_is_away = !has_session(w, &e->act);
	bool centre_is_away = !world_has_session_at(w, e->act.centre);
	struct mono due = mono_add_ms(e->at, w->rules.taker_lost_ms);
	struct incident *i;
	unsigned written = 0;
	for (size_t n = 0; taker_is_away && (i = world_next_incident(w, &n)) != NULL;) {
		bool is_ours = i->state == INCIDENT_OPEN && i->priority < 4 &&
		               centre_equal(incident_owner(i), e->act.centre);
		if (is_taker(i, &e->act) ||
		    (is_ours && centre_is_away && !mono_is_set(i->away_due)))
			set_away(w, i, due, &written);
	}
	keep_session(w, e, fx);
}

static bool decide_tick(struct world *w, const struct event *e, struct effects *fx)
{
	struct heap_node *first;
	for (unsigned n = 0; n < DECIDE_TICK_INCIDENTS; n++) {
		first = heap_first(&w->deadlines);
		if (first == NULL || !mono_is_due(first->due, e->at))
			break;
		escalate_due(w, (void *)((char *)first - offsetof(struct incident, wake)), e->at,
		             fx);
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
