#include "decide/correlate.h"

#include <string.h>

#include "decide/locate.h"
#include "decide/subject.h"

/* Open incidents that share something with an alert: past so many, the oldest are left aside. */
#define CORRELATE_NEAR_MAX 64

/* A person of the register by its identifier, another by what is known of it. */
static bool is_same_person(const struct person *a, const struct person *b)
{
	if (id_is_set(a->id.v) || id_is_set(b->id.v))
		return id_equal(a->id.v, b->id.v);
	return a->number.digits == b->number.digits && strcmp(a->name, b->name) == 0;
}

/* Whether the incident is of the same person, or of the same source that only one person or place
 * uses. A regulation, an exchange or a platform speaks for many and never correlates by itself. */
static bool is_same_subject(const struct incident *i, const struct finding *f)
{
	bool named = i->people_count == 1 && id_is_set(i->people[0].id.v);
	if (f->is_one_person && named)
		return id_equal(i->people[0].id.v, f->people[0].id.v);
	if (f->is_stated_person && i->people_count > 0 && !id_is_set(i->people[0].id.v))
		return is_same_person(&i->people[0], &f->people[0]);
	if (finding_is_single_user(f) && id_equal(i->source.v, f->source.id.v))
		return !(f->is_one_person && i->people_count > 0 && !named);
	return false;
}

static bool is_attack(const struct incident *i)
{
	switch (i->kind) {
	case ALERT_TAMPER:
	case ALERT_BATTERY:
	case ALERT_LINK:
	case ALERT_TEST: return false;
	default: return true;
	}
}

static bool shares_number(const struct incident *i, const struct finding *f)
{
	for (unsigned a = 0; a < i->people_count; a++)
		for (unsigned b = 0; b < f->people_count; b++)
			if (i->people[a].number.digits != 0 &&
			    i->people[a].number.digits == f->people[b].number.digits)
				return true;
	return false;
}

static bool shares_site(const struct incident *i, const struct finding *f)
{
	const struct place *a = &i->place, *b = &f->place;
	return place_is_site(a) && place_is_site(b) && strcmp(a->label, b->label) == 0 &&
	       memcmp(&a->commune, &b->commune, sizeof a->commune) == 0;
}

static struct wall last_alert_at(const struct incident *i)
{
	return i->alerts_total > 0
	               ? i->last[(i->alerts_total - 1) % INCIDENT_ALERTS_KEPT].received_at
	               : i->raised_at;
}

static bool is_far(const struct world *w, const struct incident *i, const struct finding *f)
{
	return i->place.origin == PLACE_LIVE && f->place.origin == PLACE_LIVE &&
	       locate_distance_m(i->place.fix.lat, i->place.fix.lon, f->place.fix.lat,
	                         f->place.fix.lon) > w->rules.renew_as_new_m;
}

static void relate(struct correlation *c, struct incident *i, enum reason_code why)
{
	for (unsigned n = 0; n < c->related_count; n++)
		if (c->related[n] == i)
			return;
	if (c->related_count == CORRELATE_RELATED_MAX)
		return;
	c->related[c->related_count] = i;
	c->why[c->related_count++] = why;
}

/* One open incident of the same subject against the rules; the verdict for it. */
static enum correlate_verdict judge(const struct world *w, const struct finding *f,
                                    struct incident *i, struct correlation *c)
{
	bool technical = finding_is_technical(f);
	if (f->alert->kind == ALERT_POSITION || f->alert->kind == ALERT_CANCEL)
		return is_attack(i) ? CORRELATE_JOIN : CORRELATE_RAISE; /* 2 */
	if (technical && is_attack(i)) {
		relate(c, i, REASON_INCIDENT_CONTEXT); /* 3 */
		return CORRELATE_RAISE;
	}
	if (technical == is_attack(i) || (f->priority == 4) != (i->priority == 4))
		return CORRELATE_RAISE; /* 3, the other way round; operations' own stay theirs */
	int64_t since_ms = wall_ms_between(last_alert_at(i), f->wall);
	bool taken = i->state != INCIDENT_OPEN;
	bool attack = f->priority == 1;
	if (taken && attack && is_far(w, i, f)) { /* 5 */
		relate(c, i, REASON_INCIDENT_RELATED_DISTANCE);
		return CORRELATE_RAISE;
	}
	if (since_ms > (taken && attack ? w->rules.renew_as_new_ms : w->rules.join_window_ms)) {
		relate(c, i, REASON_INCIDENT_RELATED_TIME); /* 4, 5 */
		return CORRELATE_RAISE;
	}
	return taken && attack ? CORRELATE_RENEW : CORRELATE_JOIN;
}

/* Whether the two speak of different persons for certain. */
static bool is_other_person(const struct incident *i, const struct finding *f)
{
	for (unsigned a = 0; a < i->people_count; a++)
		for (unsigned b = 0; b < f->people_count; b++)
			if (is_same_person(&i->people[a], &f->people[b]))
				return false;
	return i->people_count > 0 && f->people_count > 0;
}

/* Whether a reused id leads to where it led before. In doubt it does; not when the alert says
 * something else, of somebody else or from elsewhere. */
static bool is_in_doubt(const struct world *w, const struct incident *i, const struct finding *f)
{
	bool is_update = f->alert->kind == ALERT_POSITION || f->alert->kind == ALERT_CANCEL;
	bool technical = finding_is_technical(f);
	if (i->exercise != f->alert->exercise || (f->priority == 4) != (i->priority == 4))
		return false;
	if (is_update ? !is_attack(i) : technical == is_attack(i))
		return false;
	if (i->state != INCIDENT_OPEN && f->priority == 1 && is_far(w, i, f))
		return false;
	return !is_other_person(i, f);
}

/*
 * The rules, in order.
 *  1. Real and exercise never share an incident.
 *  2. A position or a cancel counts on the subject's open attack; a position alone raises nothing.
 *  3. Technical alarms join only their like; beside an open attack they stand as context.
 *  4. Alerts of one subject within join_window_ms of its last alert join.
 *  5. A priority 1 alert on a taken incident renews it; later than renew_as_new_ms, or farther than
 *     renew_as_new_m, it is a new one, related to the first.
 *  6. A reused id: in doubt it counts on the open incident that the id went to, however late.
 *  7. A shared number, or another person at the same site: related, never merged.
 * Of several that fit, the newest.
 */
struct correlation correlate(const struct world *w, const struct finding *f,
                             struct incident *reused)
{
	struct correlation c = { .verdict = CORRELATE_RAISE };
	struct incident *near[CORRELATE_NEAR_MAX];
	unsigned count = subjects_find(w->subjects, f, near, CORRELATE_NEAR_MAX);
	for (unsigned n = 0; n < count; n++) {
		struct incident *i = near[n];
		if (i->exercise != f->alert->exercise) /* 1 */
			continue;
		if (!is_same_subject(i, f)) {
			if (shares_number(i, f)) /* 7 */
				relate(&c, i, REASON_INCIDENT_RELATED_NUMBER);
			else if (shares_site(i, f))
				relate(&c, i, REASON_INCIDENT_RELATED_SITE);
			continue;
		}
		enum correlate_verdict verdict = judge(w, f, i, &c);
		if (verdict == CORRELATE_RAISE)
			continue;
		if (c.incident == NULL || c.incident->raised_at.us < i->raised_at.us) {
			c.incident = i;
			c.verdict = verdict;
		}
	}
	if (c.incident == NULL && reused != NULL && is_in_doubt(w, reused, f)) { /* 6 */
		c.incident = reused;
		c.verdict = reused->state != INCIDENT_OPEN && f->priority == 1 ? CORRELATE_RENEW
		                                                               : CORRELATE_JOIN;
	}
	if (c.incident == NULL && f->alert->kind == ALERT_POSITION)
		c.verdict = CORRELATE_NOTHING; /* 2 */
	return c;
}
