#include "decide/identify.h"

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

/* Registered persons on a number who may be recognised: a call only with consent to the centre at
 * which it was presented (protocol, article 5). Returns how many were added. */
static unsigned add_by_number(const struct world *w, struct finding *f, struct e164 number)
{
	struct practitioner_id ids[INCIDENT_PEOPLE_MAX];
	size_t count = registry_by_number(w->registry, number, ids, INCIDENT_PEOPLE_MAX);
	unsigned before = f->people_count;
	for (size_t n = 0; n < count && n < INCIDENT_PEOPLE_MAX; n++) {
		if (f->call != NULL && centre_is_set(f->call->presented_to) &&
		    !registry_has_consent(w->registry, ids[n], f->call->presented_to)) {
			finding_because(f, REASON_WHO_NO_CONSENT, "");
			continue;
		}
		add_registered(w, f, ids[n], number);
	}
	return f->people_count - before;
}

/* The person of a relay: by name and number; a name that is not the registered one on that number
 * is a person too (a locum), and comes first, with those who share the number behind it. */
static void add_stated(const struct world *w, struct finding *f)
{
	const struct alert *a = f->alert;
	unsigned before = f->people_count;
	unsigned added = f->number.digits != 0 ? add_by_number(w, f, f->number) : 0;
	for (unsigned n = before; n < before + added; n++) {
		if (strcasecmp(f->people[n].name, a->person_name) != 0)
			continue;
		struct person match = f->people[n]; /* name and number agree: this one alone */
		f->people[before] = match;
		f->people_count = before + 1;
		f->is_one_person = true;
		finding_because(f, REASON_WHO_NUMBER, "");
		return;
	}
	if (f->people_count == INCIDENT_PEOPLE_MAX)
		f->people_count--; /* room for the one who is spoken of */
	memmove(&f->people[before + 1], &f->people[before],
	        (f->people_count - before) * sizeof f->people[0]);
	f->people_count++;
	struct person *p = &f->people[before];
	memset(p, 0, sizeof *p);
	TEXT_COPY(p->name, a->person_name);
	p->number = f->number;
	finding_because(f, REASON_WHO_STATED, "");
	if (added > 0)
		finding_because(f, REASON_WHO_SHARED_NUMBER, "");
	f->is_stated_person = f->number.digits != 0;
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
	if (f->people_count == 0 && f->number.digits != 0) { /* 3 */
		unsigned found = add_by_number(w, f, f->number);
		f->is_one_person = found == 1;
		if (found == 1)
			finding_because(f, REASON_WHO_NUMBER, "");
		else if (found > 1)
			finding_because(f, REASON_WHO_SHARED_NUMBER, "");
	}
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
	if (phone.verdict != PHONE_NUMBER)
		return false;
	struct practitioner_id ids[INCIDENT_PEOPLE_MAX];
	size_t count = registry_by_number(w->registry, phone.number, ids, INCIDENT_PEOPLE_MAX);
	for (size_t n = 0; n < count && n < INCIDENT_PEOPLE_MAX; n++)
		if (!centre_is_set(call->presented_to) ||
		    registry_has_consent(w->registry, ids[n], call->presented_to))
			return true;
	return false;
}
