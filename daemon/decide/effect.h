/*
 * What decide() wants done, in order. It borrows from the world and the event: run/ consumes each
 * event's effects before the next event.
 */
#ifndef TOCSIN_DECIDE_EFFECT_H
#define TOCSIN_DECIDE_EFFECT_H

#include "decide/event.h"
#include "decide/incident.h"
#include "support/position.h"

#define EFFECTS_MAX 64          /* of one event; a tick that needs more asks for another tick */
#define EFFECT_INCIDENTS_MAX 8  /* changed by one event */

enum effect_kind {
	EFFECT_KEEP,    /* one record: the event's alert, call or act and its incidents' changes */
	EFFECT_RECEIPT, /* to the asker, when `position` is durable */
	EFFECT_ANSWER,  /* to the asker of an act, when `position` is durable */
	EFFECT_SHOW,    /* the incident's revision to the consoles it concerns */
	EFFECT_STATE,   /* an own alert's new state to its senders (incident closed, taken, engaged) */
	EFFECT_ALARM,   /* the alarm outside the system */
	EFFECT_COUNT,   /* for the statistics alone */
};

/* Why an act was refused, or an alert not taken. Names are stable (protocol, API). */
enum refusal {
	REFUSAL_NONE,
	REFUSAL_UNKNOWN_INCIDENT,
	REFUSAL_WRONG_STATE,
	REFUSAL_OLD_REVISION,
	REFUSAL_NOT_YOURS,       /* the centre has no part in it, or another's is needed */
	REFUSAL_NO_DISPOSITION,
	REFUSAL_NO_NOTE,
	REFUSAL_UNKNOWN_CENTRE,
	REFUSAL_UNKNOWN_ALERT,
	REFUSAL_NO_OFFER,
	REFUSAL_UNKNOWN_VERB,
	REFUSAL_NOT_ALLOWED,     /* this kind of source may not say this */
	REFUSAL_BUSY,
	REFUSALS,
};

enum effect_count {
	COUNT_CALLS_NOT_REGISTERED,
	COUNT_ALERTS_REPEATED,
	COUNT_INCIDENTS_RAISED,
	COUNT_ALERTS_JOINED,
	COUNT_RENEWALS,
	COUNT_ESCALATIONS,
	COUNT_KINDS,
};

struct effect {
	enum effect_kind kind;
	struct asker asker;
	struct position position; /* the record that the effect waits for; number 0: nothing to wait for */
	union {
		struct {
			const struct alert *alert; /* at most one of the three */
			const struct call *call;
			const struct act *act;
			uint64_t content_hash;     /* of the alert */
			struct incident_id incident; /* where the alert went */
			unsigned priority;
			unsigned incidents_count;
			struct incident *incidents[EFFECT_INCIDENTS_MAX];
			struct department_code department;
		} keep;
		struct {
			struct alert_id alert;       /* none: a caller who is not registered */
			struct incident_id incident; /* none: it belongs to none */
			unsigned priority;
			bool repeat;
			enum refusal refused;
		} receipt;
		struct {
			enum refusal refused;
			struct incident_id incident;
			uint32_t revision;
		} answer;
		struct {
			const struct incident *incident;
			bool quiet; /* only counts changed: at most one a second reaches a console */
		} show;
		struct {
			struct incident_id incident; /* none: about the service */
			enum reason_code why;
			unsigned priority;
		} alarm;
		enum effect_count count;
	};
};

struct effects {
	unsigned count;
	struct effect list[EFFECTS_MAX];
};

/* One more effect, zeroed; there is always room: each event makes a bounded number of them. */
struct effect *effects_add(struct effects *fx, enum effect_kind kind);
void effects_count(struct effects *fx, enum effect_count what);

const char *refusal_name(enum refusal refusal);

#endif
