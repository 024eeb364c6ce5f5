/*
 * What one console knows: the incidents that it was shown, each with a short number for the
 * dispatcher, and what changed with each revision.
 *
 * Called by the verb console with what comes over the link. Pure: no clock, no terminal. It never
 * forgets an incident that was shown and not yet recorded when the server comes back without it:
 * that one stays, marked as lost, until a person clears it. A number is given once in a session, so
 * that a command never reaches another incident than the one that was meant.
 */
#ifndef TOCSIN_TOOL_DESK_H
#define TOCSIN_TOOL_DESK_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/incident.pb-c.h"
#include "support/position.h"

#define DESK_INCIDENTS_MAX 20000 /* open ones; a server that shows more is not to be believed */
#define DESK_CLOSED_KEPT   200   /* closed ones that can still be looked at */

/* What a revision changed, as bits. */
enum desk_change {
	DESK_NOTHING = 0, /* known already, or older than what is shown */
	DESK_NEW = 1 << 0,
	DESK_RENEWED = 1 << 1,  /* sounds again */
	DESK_LEVEL = 1 << 2,    /* nobody answered: one step further */
	DESK_PRIORITY = 1 << 3, /* more urgent than before */
	DESK_ROLE = 1 << 4,     /* this centre's part in it */
	DESK_STATE = 1 << 5,
	DESK_CLOSED = 1 << 6,
	DESK_NOTE = 1 << 7,
	DESK_CANCEL = 1 << 8, /* a request to cancel more */
	DESK_ALERTS = 1 << 9,
	DESK_PLACE = 1 << 10,
	DESK_CENTRES = 1 << 11, /* other centres' parts */
	DESK_CONTACT = 1 << 12,
	DESK_RELATED = 1 << 13,
	DESK_REASONS = 1 << 14,
	DESK_PEOPLE = 1 << 15,
	DESK_OTHER = 1 << 16,
	DESK_REFUSED = 1 << 17, /* not kept: no identifier, too many, or no memory */
};

#define DESK_SOUNDS (DESK_NEW | DESK_RENEWED | DESK_LEVEL | DESK_PRIORITY | DESK_ROLE)

struct desk_entry {
	unsigned number;             /* the dispatcher's name for it: 1, 2, 3 ... */
	Tocsin__V1__Incident *shown; /* the newest revision; owned by the desk */
	struct position position;    /* of it; not set when it could not be read */
	bool is_recorded;
	bool is_lost;  /* shown, never recorded, and the server came back without it */
	bool was_seen; /* in the snapshot that is being received */
};

struct desk;

struct desk *desk_new(const char *centre); /* NULL: no memory */
void desk_free(struct desk *d);

/* Takes `incident`, which came in one piece from protobuf-c. Returns enum desk_change bits; *entry
 * is where it stands until the next call, NULL with DESK_REFUSED. */
unsigned desk_put(struct desk *d, Tocsin__V1__Incident *incident, const struct desk_entry **entry);

/* A snapshot begins and ends, with the server's newest position. At the end what was not shown is
 * closed; but lost when it had never been recorded and the server has been started anew since. With
 * `resumed`, what was not shown is as it was. Returns how many are newly lost. */
void desk_begin(struct desk *d);
size_t desk_end(struct desk *d, bool resumed, const char *position);

/* Every revision up to `position` is durable. */
void desk_recorded(struct desk *d, const char *position);

/* A person has seen that it is lost: it goes. False: it was not. */
bool desk_clear(struct desk *d, unsigned number);

const struct desk_entry *desk_by_number(const struct desk *d, unsigned number);
const struct desk_entry *desk_by_id(const struct desk *d, const char *incident); /* a UUID */

/* The open ones as a dispatcher wants them: lost ones first, then by priority; within a priority
 * those that wait for somebody before those in hand, then the longest waiting. The list lives until
 * the next call. */
const struct desk_entry *const *desk_list(struct desk *d, size_t *count);

/* "owner", "informed", "offered", "escalated", or "" when this centre has no part in it. */
const char *desk_role(const struct desk *d, const Tocsin__V1__Incident *incident);

/* It waits for this centre: open and ours, or offered to us. */
bool desk_waits(const struct desk *d, const struct desk_entry *entry);
/* It is to sound until somebody takes it: waiting, and of priority 1 or lost. */
bool desk_rings(const struct desk *d, const struct desk_entry *entry);

#endif
