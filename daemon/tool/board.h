/*
 * What one console knows: the incidents that it was shown, each with a short number for the
 * dispatcher, and what changed with each revision.
 *
 * Called by the verb console with what comes over the link. Pure: no clock, no terminal. It never
 * forgets an incident that was shown and not yet recorded when the server comes back without it:
 * that one stays, marked as lost, until a person clears it. A number is given once in a session, so
 * that a command never reaches another incident than the one that was meant.
 */
#ifndef TOCSIN_TOOL_BOARD_H
#define TOCSIN_TOOL_BOARD_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/incident.pb-c.h"
#include "support/position.h"

#define BOARD_INCIDENTS_MAX 20000 /* open ones; a server that shows more is not to be believed */
#define BOARD_CLOSED_KEPT   200   /* closed ones that can still be looked at */

/* What a revision changed, as bits. */
enum board_change {
	BOARD_NOTHING = 0, /* known already, or older than what is shown */
	BOARD_NEW = 1 << 0,
	BOARD_RENEWED = 1 << 1,  /* sounds again */
	BOARD_LEVEL = 1 << 2,    /* nobody answered: one step further */
	BOARD_PRIORITY = 1 << 3, /* more urgent than before */
	BOARD_ROLE = 1 << 4,     /* this centre's part in it */
	BOARD_STATE = 1 << 5,
	BOARD_CLOSED = 1 << 6,
	BOARD_NOTE = 1 << 7,
	BOARD_CANCEL = 1 << 8, /* a request to cancel more */
	BOARD_ALERTS = 1 << 9,
	BOARD_PLACE = 1 << 10,
	BOARD_CENTRES = 1 << 11, /* other centres' parts */
	BOARD_CONTACT = 1 << 12,
	BOARD_RELATED = 1 << 13,
	BOARD_REASONS = 1 << 14,
	BOARD_PEOPLE = 1 << 15,
	BOARD_OTHER = 1 << 16,
	BOARD_REFUSED = 1 << 17, /* not kept: no identifier, too many, or no memory */
};

#define BOARD_SOUNDS (BOARD_NEW | BOARD_RENEWED | BOARD_LEVEL | BOARD_PRIORITY | BOARD_ROLE)

struct board_entry {
	unsigned number;             /* the dispatcher's name for it: 1, 2, 3 ... */
	Tocsin__V1__Incident *shown; /* the newest revision; owned by the board */
	struct position position;    /* of it; not set when it could not be read */
	bool is_recorded;
	bool is_lost;  /* shown, never recorded, and the server came back without it */
	bool was_seen; /* in the snapshot that is being received */
};

struct board;

struct board *board_new(const char *centre); /* NULL: no memory */
void board_free(struct board *d);

/* Takes `incident`, which came in one piece from protobuf-c. Returns enum board_change bits; *entry
 * is where it stands until the next call, NULL with BOARD_REFUSED. */
unsigned board_put(struct board *d, Tocsin__V1__Incident *incident,
		   const struct board_entry **entry);

/* A snapshot begins and ends, with the server's newest position. At the end what was not shown is
 * closed, or with `resumed` as it was; but lost when it had never been recorded and the server has
 * been started anew since. Returns how many are newly lost. */
void board_begin(struct board *d);
size_t board_end(struct board *d, bool resumed, const char *position);

/* Every revision up to `position` is durable. */
void board_recorded(struct board *d, const char *position);

/* A person has seen that it is lost: it goes. False: it was not. */
bool board_clear(struct board *d, unsigned number);

const struct board_entry *board_by_number(const struct board *d, unsigned number);
const struct board_entry *board_by_id(const struct board *d, const char *incident); /* a UUID */

/* The open ones as a dispatcher wants them: lost ones first, then by priority; within a priority
 * those that wait for somebody before those in hand, then the longest waiting. The list lives until
 * the next call. */
const struct board_entry *const *board_list(struct board *d, size_t *count);

/* "owner", "informed", "offered", "escalated", or "" when this centre has no part in it. */
const char *board_role(const struct board *d, const Tocsin__V1__Incident *incident);

/* It waits for this centre: open and ours, or offered to us. */
bool board_waits(const struct board *d, const struct board_entry *entry);
/* It is to sound until somebody takes it: waiting, and of priority 1 or lost. */
bool board_rings(const struct board *d, const struct board_entry *entry);

#endif
