/*
 * The turn: gather, decide, keep, release, reap. Five calls on one screen, always in this order;
 * everything that tocsin does happens in one of them.
 *
 * It owns the world, the inbox and what waits to be released, and holds no rule about alerts.
 * run/server puts its parts together and calls loop_turn() until it is told to stop.
 */
#ifndef TOCSIN_RUN_LOOP_H
#define TOCSIN_RUN_LOOP_H

#include <stdbool.h>
#include <stddef.h>

#include "accept/sender.h"
#include "decide/world.h"
#include "keep/record.h"
#include "push/console.h"
#include "run/checkpointer.h"
#include "run/inbox.h"
#include "run/keepers.h"
#include "run/release.h"
#include "run/stats.h"
#include "wire/link.h"
#include "wire/links.h"
#include "wire/timer.h"

struct event_base;

/* Whom the loop tells of what happened outside of its own work. */
struct loop_watch {
	void *owner;
	void (*on_alarm)(void *owner, const struct effect *e); /* EFFECT_ALARM */
};

struct loop {
	struct event_base *base;
	struct timers *timers;
	struct links *links;
	struct senders *senders;
	struct consoles *consoles;
	struct keepers keepers;
	struct checkpointer *checkpointer;
	struct loop_watch watch;
	struct stats *stats;
	struct world world;
	struct inbox *inbox;
	struct release *release;
	struct timer wake; /* for decide()'s deadlines and views that waited long enough */
	struct effects effects;
	bool is_paused;  /* links are not read */
	bool is_ending;  /* nor will they be: what was read is still decided and answered */
	bool wants_turn; /* something is left to do: do not wait */
	uint64_t turns;
	struct mono turn_began;
	uint8_t record[RECORD_BYTES_MAX];
};

/* The base, timers, links, keepers, checkpointer, stats and watch are set by the caller, the world
 * is initialised and restored; senders and consoles come after this call. False: no memory. */
bool loop_init(struct loop *l, int64_t unrecorded_after_ms);
void loop_done(struct loop *l);

/* For the ports of accept and push. */
struct event *loop_post(struct loop *l);

/* One turn: waits for something to happen, unless something is left to do. */
void loop_turn(struct loop *l);
/* Nothing of what was read is undecided or waits for a receipt. */
bool loop_is_drained(const struct loop *l);

#endif
