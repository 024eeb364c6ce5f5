/*
 * What can happen: everything that decide() ever reacts to. Fresh identifiers and the time come
 * inside, so that the same events give the same effects.
 */
#ifndef TOCSIN_DECIDE_EVENT_H
#define TOCSIN_DECIDE_EVENT_H

#include "decide/alert.h"
#include "decide/incident.h"
#include "decide/registry.h"
#include "decide/territory.h"
#include "support/clock.h"
#include "support/id.h"

/* Who asked, so that the answer finds its way: opaque to decide. 0: nobody. */
struct asker { uint64_t token; };

enum act_verb {
	ACT_UNKNOWN,
	ACT_TAKE,
	ACT_ENGAGE,
	ACT_NOTE,
	ACT_TRANSFER,
	ACT_ACCEPT,
	ACT_REFUSE,
	ACT_SPLIT,
	ACT_CLOSE,
	ACT_RELEASE,
	ACT_LOOK,
	ACT_SIGN_IN,  /* traces of a console's session, not acts on an incident */
	ACT_SIGN_OUT,
	ACT_VERBS,
};

struct act {
	enum act_verb verb;
	struct incident_id incident;
	uint32_t revision; /* the view it was decided on; 0: not given */
	char operator[INCIDENT_OPERATOR_SIZE];
	struct centre_id centre; /* of the console */
	struct department_code department;
	char note[ALERT_NOTE_SIZE];
	struct centre_id to;     /* transfer */
	char disposition[INCIDENT_DISPOSITION_SIZE];
	struct alert_id alert;   /* split */
};

enum event_kind {
	EVENT_ALERT,
	EVENT_CALL,
	EVENT_ACT,
	EVENT_CONSOLE_OPENED, /* an operator signed in: act.operator, act.centre; asker is the session */
	EVENT_CONSOLE_LOST,
	EVENT_TICK,           /* the first deadline is due */
};

struct event {
	enum event_kind kind;
	struct mono at;
	struct wall wall;
	struct asker asker;
	struct incident_id fresh; /* for the incident that it may raise */
	union {
		struct alert alert;
		struct call call;
		struct act act;
	};
};

const char *act_verb_name(enum act_verb verb);
bool act_verb_parse(const char *name, enum act_verb *out);

#endif
