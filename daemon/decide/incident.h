/*
 * An incident: one event in the world, however many alerts speak of it, with its state, its owner
 * and its next deadline.
 *
 * decide/ owns every incident and is the only room that changes one. Each change marks the groups
 * it touched; keep/record writes these groups and, at a restart, puts them back, so that state is
 * kept and never decided again. States: one table of transitions, complete (incident_next).
 */
#ifndef TOCSIN_DECIDE_INCIDENT_H
#define TOCSIN_DECIDE_INCIDENT_H

#include <stdbool.h>
#include <stdint.h>

#include "decide/alert.h"
#include "decide/phone.h"
#include "decide/place.h"
#include "decide/reason.h"
#include "support/clock.h"
#include "support/heap.h"
#include "support/id.h"
#include "support/position.h"

#define INCIDENT_PEOPLE_MAX 8
#define INCIDENT_CENTRES_MAX 8
#define INCIDENT_RELATED_MAX 16
#define INCIDENT_ALERTS_KEPT 8 /* the first and the last so many */
#define INCIDENT_OPERATOR_SIZE 64
#define INCIDENT_SPECIALTY_SIZE 64
#define INCIDENT_EXPOSED_SIZE 96
#define INCIDENT_DISPOSITION_SIZE 48

enum incident_state { INCIDENT_OPEN, INCIDENT_TAKEN, INCIDENT_ENGAGED, INCIDENT_CLOSED, INCIDENT_STATES };

/* What can happen to a state. Every pair has an answer: incident_next. */
enum incident_cause {
	INCIDENT_TAKE,        /* a dispatcher takes it */
	INCIDENT_ENGAGE,      /* forces are engaged */
	INCIDENT_RELEASE,     /* its taker gives it back */
	INCIDENT_CLOSE,       /* closed with a disposition */
	INCIDENT_NOT_ENGAGED, /* taken, and the deadline to engage passed */
	INCIDENT_TAKER_LOST,  /* taken, and the taker's console did not come back */
	INCIDENT_ACCEPTED,    /* another centre accepted the offer */
	INCIDENT_CAUSES,
};

enum centre_role { CENTRE_OWNER, CENTRE_INFORMED, CENTRE_OFFERED, CENTRE_ESCALATED };

/* The next step that is due if nobody acts. */
enum incident_step { STEP_NONE, STEP_LOUDER, STEP_OTHER_CENTRE, STEP_ALL, STEP_ALARM, STEP_ENGAGE };

/* Groups of fields that a change touched; the journal holds these groups. */
enum incident_group {
	GROUP_HEAD = 1 << 0,
	GROUP_STATUS = 1 << 1,
	GROUP_PEOPLE = 1 << 2,
	GROUP_PLACE = 1 << 3,
	GROUP_CENTRES = 1 << 4,
	GROUP_REASONS = 1 << 5,
	GROUP_ALERTS = 1 << 6, /* one alert was counted, the newest */
	GROUP_RELATED = 1 << 7,
	GROUP_DEADLINE = 1 << 8,
	GROUP_ALL = (1 << 9) - 1,
};

struct person { /* as shown; stays when the registration is withdrawn */
	struct practitioner_id id; /* none: stated by a regulation */
	char name[ALERT_NAME_SIZE];
	char specialty[INCIDENT_SPECIALTY_SIZE];
	char exposed[INCIDENT_EXPOSED_SIZE];
	struct e164 number;
};

struct alert_summary {
	struct alert_id id;
	struct source_id source;
	enum alert_kind kind;
	struct wall received_at, occurred_at;
};

struct centre_part {
	struct centre_id centre;
	enum centre_role role;
};

struct subject_link;

struct incident {
	struct incident_id id;
	uint32_t revision;       /* 1 when raised; one more with each change that consoles see */
	uint32_t guard;          /* newest revision that changed more than a count: acts on an older view
	                            are refused, and a stuck button cannot refuse them for ever */
	struct position position; /* of the record that made this revision */
	unsigned changed;        /* enum incident_group, since the last record */
	struct wall updated_at;
	/* head */
	struct department_code department;
	struct wall raised_at;
	bool exercise;
	struct source_id source; /* correlates a single-user source; none when it may not */
	/* status */
	enum alert_kind kind;
	unsigned priority; /* 1 to 4 */
	enum incident_state state;
	unsigned level; /* 0 to 4: how far it escalated */
	struct wall renewed_at;
	char taken_by[INCIDENT_OPERATOR_SIZE];
	struct centre_id taken_at;
	struct wall taken_since;
	char disposition[INCIDENT_DISPOSITION_SIZE];
	char note[ALERT_NOTE_SIZE];
	unsigned cancels;
	unsigned contact; /* 0 none, else enum call_phase + 1 */
	struct centre_id offered_to; /* a transfer in wait; empty: none */
	char offered_by[INCIDENT_OPERATOR_SIZE];
	/* people, place, centres, reasons */
	unsigned people_count;
	struct person people[INCIDENT_PEOPLE_MAX];
	struct place place;
	unsigned centres_count; /* the owner is the first */
	struct centre_part centres[INCIDENT_CENTRES_MAX];
	struct reasons reasons;
	/* alerts: a ring of the last ones behind the first ones */
	unsigned alerts_total;
	struct alert_summary first[INCIDENT_ALERTS_KEPT];
	struct alert_summary last[INCIDENT_ALERTS_KEPT]; /* the n-th alert at n % INCIDENT_ALERTS_KEPT */
	unsigned related_count;
	struct incident_id related[INCIDENT_RELATED_MAX];
	/* deadlines */
	enum incident_step step;
	struct mono step_due;
	struct mono offer_due; /* the transfer lapses */
	struct mono away_due; /* its taker, or every operator of its owner, is away: what happens then */
	/* the world's */
	struct heap_node wake; /* at the first of the three */
	struct heap_node age;  /* priority 4: when it was raised */
	struct incident *next; /* in the list of dirty or of closed ones */
	struct subject_link *subjects; /* subject.h */
	unsigned subjects_count;
	unsigned long met;
	bool is_dirty;
	bool is_loud; /* more than a count changed in this event */
	bool is_seen; /* something that consoles see changed in this event */
};

/* The state after `cause`, or INCIDENT_STATES when it is refused in that state. */
enum incident_state incident_next(enum incident_state state, enum incident_cause cause);

/* Counts an alert; marks GROUP_ALERTS. */
void incident_count_alert(struct incident *i, const struct alert_summary *a);
/* The kept alerts in order, first and last eight, each once; returns how many (at most 16). */
unsigned incident_alerts(const struct incident *i, const struct alert_summary *out[2 * INCIDENT_ALERTS_KEPT]);

struct centre_id incident_owner(const struct incident *i);
/* Gives `centre` the role unless it has a stronger one; true when something changed. In a full list
 * one that is only informed gives way to one that is needed for more. */
bool incident_add_centre(struct incident *i, struct centre_id centre, enum centre_role role);
void incident_set_owner(struct incident *i, struct centre_id centre); /* the old owner stays informed */
void incident_drop_offer(struct incident *i);
bool incident_concerns(const struct incident *i, struct centre_id centre);
bool incident_relate(struct incident *i, struct incident_id other);

const char *incident_state_name(enum incident_state state);
const char *centre_role_name(enum centre_role role);
const char *place_precision_name(enum place_precision precision);
const char *place_origin_name(enum place_origin origin);
const char *incident_contact_name(unsigned contact);

#endif
