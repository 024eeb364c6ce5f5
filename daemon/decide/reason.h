/*
 * Why: every rule that decided leaves its code and a detail; codes reach the journal, the console
 * and the log. A doubt is a reason too. One table gives each code its stable name (programs) and
 * its sentence in French (dispatchers).
 */
#ifndef TOCSIN_DECIDE_REASON_H
#define TOCSIN_DECIDE_REASON_H

#include <stdbool.h>
#include <stddef.h>

#define REASON_DETAIL_SIZE 64
#define REASONS_MAX        32

/* The journal holds these numbers: a new code goes to the end, before REASON_CODES, and none is
 * taken out or moved. */
enum reason_code {
	REASON_NONE,
	/* who */
	REASON_WHO_SOURCE_OWNER,
	REASON_WHO_NUMBER,
	REASON_WHO_SHARED_NUMBER,
	REASON_WHO_RPPS,
	REASON_WHO_STATED,
	REASON_WHO_UNKNOWN,
	REASON_WHO_NO_CONSENT,
	REASON_WHO_RPPS_UNKNOWN,
	REASON_WHO_EXPOSED,
	/* where */
	REASON_WHERE_LIVE,
	REASON_WHERE_LIVE_OLD,
	REASON_WHERE_STATED_ADDRESS,
	REASON_WHERE_STATED_COMMUNE,
	REASON_WHERE_DEVICE_SITE,
	REASON_WHERE_REGISTERED_SITE,
	REASON_WHERE_NONE,
	REASON_WHERE_ACCURACY_ASSUMED,
	REASON_WHERE_COMMUNE_UNKNOWN,
	/* which centre */
	REASON_ROUTE_ZONE,
	REASON_ROUTE_COMMUNE,
	REASON_ROUTE_APPROXIMATE,
	REASON_ROUTE_STAND_IN_NO_PLACE,
	REASON_ROUTE_STAND_IN_OUTSIDE,
	REASON_ROUTE_STAND_IN_NO_CENTRE,
	REASON_ROUTE_STAND_IN_NO_OPERATOR,
	REASON_ROUTE_PRESENTED,
	REASON_ROUTE_OPERATIONS,
	REASON_ROUTE_BORDER_INFORMED,
	REASON_ROUTE_COMPETENT_INFORMED,
	REASON_ROUTE_MOVED_INFORMED,
	/* priority */
	REASON_PRIORITY_ATTACK,
	REASON_PRIORITY_DOUBT,
	REASON_PRIORITY_ABANDONED_CALL,
	REASON_PRIORITY_CALL,
	REASON_PRIORITY_SERIOUS,
	REASON_PRIORITY_PANIC_SOURCE,
	REASON_PRIORITY_OTHER,
	REASON_PRIORITY_TECHNICAL,
	/* which incident */
	REASON_INCIDENT_RENEWED,
	REASON_INCIDENT_RELATED_TIME,
	REASON_INCIDENT_RELATED_DISTANCE,
	REASON_INCIDENT_RELATED_NUMBER,
	REASON_INCIDENT_RELATED_SITE,
	REASON_INCIDENT_SPLIT,
	REASON_INCIDENT_CANCEL_ASKED,
	REASON_INCIDENT_CONTEXT,
	/* doubts */
	REASON_DOUBT_CLOCK,
	REASON_DOUBT_LATE,
	REASON_DOUBT_CERTIFICATE,
	REASON_DOUBT_POSITION,
	REASON_DOUBT_TEXT,
	REASON_DOUBT_KIND,
	REASON_DOUBT_REF,
	REASON_DOUBT_REF_REUSED,
	REASON_DOUBT_TRUST,
	REASON_DOUBT_REGISTRY_OLD,
	/* escalation */
	REASON_ESCALATE_LOUDER,
	REASON_ESCALATE_OTHER_CENTRE,
	REASON_ESCALATE_ALL,
	REASON_ESCALATE_ALARM,
	REASON_ESCALATE_NOT_ENGAGED,
	REASON_ESCALATE_TAKER_LOST,
	REASON_ESCALATE_NO_CONSOLE,
	REASON_CODES,
};

struct reason {
	enum reason_code code;
	char detail[REASON_DETAIL_SIZE]; /* what the sentence speaks of; may be empty */
};

struct reasons {
	unsigned count;
	struct reason list[REASONS_MAX];
};

/* Adds unless the same code and detail stand there; true when the list changed. A full list keeps
 * its oldest entries: they say how the incident began. A detail too long is cut on a whole
 * character; control characters in it become spaces. */
bool reasons_add(struct reasons *r, enum reason_code code, const char *detail);

/* "route-commune"; stable. "unknown" for a code of a later version. */
const char *reason_name(enum reason_code code);
bool reason_is_doubt(enum reason_code code); /* those whose name begins with "doubt-" */
/* "route-commune: commune compétente (Melun)", cut on a whole character. Returns `out`. */
#define REASON_TEXT_SIZE 256 /* room for every name, sentence and detail */
const char *reason_format(const struct reason *r, char *out, size_t size);

#endif
