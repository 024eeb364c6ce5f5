/*
 * A finding: what one alert turns out to mean, filled in order by identify (who), locate (where),
 * triage (priority) and route (which centre). It lives during one decision.
 */
#ifndef TOCSIN_DECIDE_FINDING_H
#define TOCSIN_DECIDE_FINDING_H

#include "decide/alert.h"
#include "decide/incident.h"
#include "decide/reason.h"
#include "decide/registry.h"
#include "decide/world.h"

#define FINDING_INFORMED_MAX 4

struct finding {
	const struct alert *alert;
	const struct call *call; /* NULL unless it is a call */
	struct source source;
	struct mono at;
	struct wall wall;
	struct reasons reasons;
	/* who */
	unsigned people_count; /* of those shown */
	struct person people[INCIDENT_PEOPLE_MAX];
	bool is_one_person;    /* exactly one, registered: correlates */
	bool is_stated_person; /* one, not registered, with a number: correlates by name and number */
	struct e164 number;    /* the number it was recognised by, or the stated one */
	/* where */
	struct place place;
	/* how urgent */
	unsigned priority;
	/* which centre */
	struct department_code department;
	struct centre_id owner;
	bool is_competent; /* the owner is so for the place; else it stands in, or a phone rang there */
	unsigned informed_count;
	struct centre_id informed[FINDING_INFORMED_MAX];
};

static inline bool finding_because(struct finding *f, enum reason_code code, const char *detail)
{
	return reasons_add(&f->reasons, code, detail);
}

/* A source that one person or one place uses: its alerts belong together even without a name. */
bool finding_is_single_user(const struct finding *f);
/* Battery, line, tamper, test: they say something of the equipment, not of an attack. */
bool finding_is_technical(const struct finding *f);

#endif
