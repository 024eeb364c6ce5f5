/*
 * Everything that decide() knows: the registry, the territory, the open incidents, who is signed in
 * at which console, and what was said lately.
 *
 * run/ owns one world and gives it to decide(); nothing else changes it but the restore functions
 * at start. No clock, no I/O.
 */
#ifndef TOCSIN_DECIDE_WORLD_H
#define TOCSIN_DECIDE_WORLD_H

#include "decide/event.h"
#include "decide/incident.h"
#include "decide/registry.h"
#include "decide/territory.h"
#include "support/heap.h"
#include "support/position.h"
#include "support/table.h"

/* The settings of the rules, from tocsin.conf (run/conf); milliseconds, metres. */
struct rules {
	int64_t join_window_ms;      /* alerts of one person within it join one incident */
	int64_t renew_as_new_ms;     /* a panic this long after the last alert of a taken incident is a new one */
	double renew_as_new_m;       /* or this far away: 500 */
	int64_t live_position_ms;    /* a position younger than this is live: 10 minutes */
	int64_t late_ms;             /* said to have occurred longer ago: doubt "late" */
	int64_t clock_ahead_ms;      /* said to occur further in the future: doubt "clock" */
	int64_t repeat_dated_ms;     /* memory of repeats with occurred_at: 30 days */
	int64_t repeat_undated_ms;   /* and without: 10 minutes */
	int64_t louder_ms;           /* not taken: the four steps, counted from the raising */
	int64_t other_centre_ms;
	int64_t all_ms;
	int64_t alarm_ms;
	int64_t engage_ms;           /* taken and not engaged: back to open */
	int64_t taker_lost_ms;       /* the taker's console lost: back to open */
	int64_t transfer_ms;         /* an offer lapses */
	unsigned incidents_max;      /* open ones; past it the oldest technical ones are closed */
	unsigned repeats_max;        /* memory of repeats; past it the oldest is forgotten */
};

void rules_default(struct rules *rules);

struct session { /* an operator signed in at a console */
	struct asker asker;
	struct centre_id centre;
	char operator[INCIDENT_OPERATOR_SIZE];
};

struct repeats;  /* repeat.h */
struct subjects; /* subject.h */

struct world {
	struct rules rules;
	struct registry *registry;   /* owned by run; replaced between events */
	struct territory *territory; /* likewise; may be NULL before the first load */
	struct position next;        /* of the next record */
	struct table *incidents;     /* by id: open, taken, engaged; closed ones leave at the end of the event */
	struct heap deadlines;       /* incident.wake */
	struct heap technical;       /* incident.age: those of priority 4, the oldest first */
	struct repeats *repeats;
	struct subjects *subjects;   /* whom the open incidents are about */
	struct table *fixes;         /* newest live position by source */
	unsigned sessions_count, sessions_room;
	struct session *sessions;
	struct incident *dirty;      /* changed in this event */
	struct incident *closed;     /* closed in this turn: freed by world_reap */
	bool registry_is_old;        /* served from a snapshot: shown as a doubt */
};

/* False: no memory. Takes neither registry nor territory: world_set_* lend them. */
bool world_init(struct world *w, const struct rules *rules, struct position first);
void world_done(struct world *w);
void world_reap(struct world *w); /* frees what was closed; at the end of each turn */

struct incident *world_incident(const struct world *w, struct incident_id id);
/* for (size_t i = 0; (inc = world_next_incident(w, &i)) != NULL;) … */
struct incident *world_next_incident(const struct world *w, size_t *index);
bool world_has_session_at(const struct world *w, struct centre_id centre);

/* When decide() wants an EVENT_TICK; 0: not at all. */
struct mono world_next_wake(const struct world *w);

/* At start, before the first event. An incident as the journal had it, its deadlines set in
 * step_due, offer_due and away_due: owned by the world from here; false: no memory. */
bool world_restore_incident(struct world *w, struct incident *incident);
/* Its record said that it was closed, or a newer record follows: taken out and freed. */
void world_forget_incident(struct world *w, struct incident *incident);
/* All is back: indexes it. Consoles are away after a restart, and takers and owners have
 * taker_lost_ms to come back. An incident that a damaged record left without its deadline has one at
 * once. */
void world_restored(struct world *w, struct mono now);

/* The newest position that a source reported; without a time it was fixed when it was received.
 * False: no memory. */
bool world_remember_fix(struct world *w, struct source_id source, const struct fix *fix,
                        struct wall received_at);
const struct fix *world_fix(const struct world *w, struct source_id source); /* NULL: none */
/* The same with its time: no fix is younger than the message that brought it. */
struct fix world_dated_fix(const struct fix *fix, struct wall received_at);

/* For decide/ alone: moves an incident in the heap after one of its deadlines changed. */
void world_schedule(struct world *w, struct incident *incident);
/* A change in this event: marks groups for the record; `seen` by consoles; `loud` when it is more
 * than a count. */
enum touch { TOUCH_UNSEEN, TOUCH_QUIET, TOUCH_LOUD };
void world_touch(struct world *w, struct incident *incident, unsigned groups, enum touch touch);
struct incident *world_add_incident(struct world *w, struct incident_id id); /* NULL: no memory */
void world_close_incident(struct world *w, struct incident *incident); /* freed by world_reap */
/* Enters an incident of priority 4 by its age; the oldest of them, or NULL. */
void world_age(struct world *w, struct incident *incident);
struct incident *world_oldest_technical(const struct world *w);

#endif
