#include "decide/identify.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "decide/phone.h"
#include "support/text.h"

bool finding_is_single_user(const struct finding *f)
{
	return f->source.kind == SOURCE_DEVICE || f->source.kind == SOURCE_BUTTON ||
	       f->source.kind == SOURCE_PANEL;
}

bool finding_is_technical(const struct finding *f)
{
	switch (f->alert->kind) {
	case ALERT_TAMPER:
	case ALERT_BATTERY:
	case ALERT_LINK:
	case ALERT_TEST: return true;
	default: return false;
	}
}

static bool has_person(const struct finding *f, struct practitioner_id id)
{
	for (unsigned n = 0; n < f->people_count; n++)
		if (id_equal(f->people[n].id.v, id.v))
			return true;
	return false;
}

static void add_registered(const struct world *w, struct finding *f, struct practitioner_id id,
                           struct e164 number)
{
	struct practitioner found;
	if (f->people_count == INCIDENT_PEOPLE_MAX || has_person(f, id) ||
	    !registry_practitioner(w->registry, id, &found))
		return;
	struct person *p = &f->people[f->people_count++];
	memset(p, 0, sizeof *p);
	p->id = id;
	TEXT_COPY(p->name, found.name);
	TEXT_COPY(p->specialty, found.specialty);
	TEXT_COPY(p->exposed, found.exposed);
	p->number = number;
	if (number.digits == 0 && found.numbers_count > 0)
		p->number = found.numbers[0].number;
	if (p->exposed[0] != '\0')
		finding_because(f, REASON_WHO_EXPOSED, "");
}

struct centre_id identify_presented_to(const struct world *w, const struct call *call)
{
	struct source exchange;
	if (w->territory != NULL && territory_centre(w->territory, call->presented_to) != NULL)
		return call->presented_to;
	if (registry_source(w->registry, call->alert.source, &exchange) &&
	    centre_is_set(exchange.centre))
		return exchange.centre;
	return call->presented_to;
}

/* Registered persons on a number who may be recognised: a call only with consent to the centre at
 * which it was presented (protocol, article 5). */
struct sharing {
	unsigned count;
	struct practitioner_id ids[IDENTIFY_SHARING_MAX];
	bool lacks_consent; /* there are others */
};

static void find_sharing(const struct world *w, const struct call *call, struct e164 number,
                         struct sharing *out)
{
	struct practitioner_id ids[IDENTIFY_SHARING_MAX];
	struct centre_id centre = { "" };
	size_t count = registry_by_number(w->registry, number, ids, IDENTIFY_SHARING_MAX);
	if (call != NULL)
		centre = identify_presented_to(w, call);
	*out = (struct sharing){ 0 };
	for (size_t n = 0; n < count && n < IDENTIFY_SHARING_MAX; n++) {
		if (centre_is_set(centre) && !registry_has_consent(w->registry, ids[n], centre))
			out->lacks_consent = true;
		else
			out->ids[out->count++] = ids[n];
	}
}

/* Several on one number: all are shown, as far as there is room, and none is chosen. */
static void add_sharing(const struct world *w, struct finding *f, const struct sharing *s)
{
	char detail[REASON_DETAIL_SIZE] = "";
	if (s->lacks_consent)
		finding_because(f, REASON_WHO_NO_CONSENT, "");
	for (unsigned n = 0; n < s->count; n++)
		add_registered(w, f, s->ids[n], f->number);
	if (s->count > INCIDENT_PEOPLE_MAX)
		snprintf(detail, sizeof detail, "%u personnes", s->count);
	if (s->count > 1 || f->is_stated_person)
		finding_because(f, REASON_WHO_SHARED_NUMBER, detail);
}

/* The person of a relay: by name and number; a name that is not the registered one on that number
 * is a person too (a locum), and comes first, with those who share the number behind it. */
static void add_stated(const struct world *w, struct finding *f)
{
	const struct alert *a = f->alert;
	struct sharing s = { 0 };
	if (f->number.digits != 0)
		find_sharing(w, f->call, f->number, &s);
	for (unsigned n = 0; n < s.count; n++) {
		struct practitioner found;
		if (!registry_practitioner(w->registry, s.ids[n], &found) ||
		    strcasecmp(found.name, a->person_name) != 0)
			continue;
		add_registered(w, f, s.ids[n], f->number); /* name and number agree */
		f->is_one_person = true;
		finding_because(f, REASON_WHO_NUMBER, "");
		return;
	}
	struct person *p = &f->people[f->people_count++];
	memset(p, 0, sizeof *p);
	TEXT_COPY(p->name, a->person_name);
	p->number = f->number;
	finding_because(f, REASON_WHO_STATED, "");
	f->is_stated_person = f->number.digits != 0;
	if (s.count > 0)
		add_sharing(w, f, &s);
}

static void add_by_number(const struct world *w, struct finding *f)
{
	struct sharing s;
	find_sharing(w, f->call, f->number, &s);
	add_sharing(w, f, &s);
	f->is_one_person = s.count == 1 && f->people_count == 1;
	if (f->is_one_person)
		finding_because(f, REASON_WHO_NUMBER, "");
}

/*
 * The rules, in order; the first that finds somebody ends the search. Reasons say how, never who:
 * names stand in the incident's people alone, so that they can be taken out.
 *  1. The RPPS number that a relay or platform gives (a check digit was tested when registered).
 *  2. Name and number in a relay.
 *  3. The number: of the caller, or as the device sends it.
 *  4. The owner of the source.
 *  5. Nobody: shown as unknown, and nothing is lower for it.
 */
void identify(const struct world *w, struct finding *f)
{
	const struct alert *a = f->alert;
	const char *raw = a->person_number[0] != '\0' ? a->person_number : a->number;
	struct phone phone = phone_read(raw);
	if (phone.verdict == PHONE_NUMBER)
		f->number = phone.number;

	struct practitioner_id id;
	if (a->rpps != 0) { /* 1 */
		if (registry_by_rpps(w->registry, a->rpps, &id)) {
			add_registered(w, f, id, f->number);
			finding_because(f, REASON_WHO_RPPS, "");
			f->is_one_person = f->people_count == 1;
		} else {
			finding_because(f, REASON_WHO_RPPS_UNKNOWN, "");
		}
	}
	if (f->people_count == 0 && a->person_name[0] != '\0') /* 2 */
		add_stated(w, f);
	if (f->people_count == 0 && f->number.digits != 0) /* 3 */
		add_by_number(w, f);
	if (f->people_count == 0 && id_is_set(f->source.owner.v)) { /* 4 */
		add_registered(w, f, f->source.owner, (struct e164){ 0 });
		if (f->people_count == 1) {
			f->is_one_person = true;
			finding_because(f, REASON_WHO_SOURCE_OWNER, "");
		}
	}
	if (f->people_count == 0) /* 5 */
		finding_because(f, REASON_WHO_UNKNOWN, "");
}

bool identify_call_matches(const struct world *w, const struct call *call)
{
	struct phone phone = phone_read(call->alert.number);
	struct sharing s;
	if (phone.verdict != PHONE_NUMBER)
		return false;
	find_sharing(w, call, phone.number, &s);
	return s.count > 0;
}
