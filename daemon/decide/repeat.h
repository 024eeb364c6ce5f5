/*
 * The memory of repeats: what each source said under which id, so that a repeat gets the same
 * receipt and makes no second alert, and a reused id is recognised as a doubt.
 *
 * Bounded: past its maximum the oldest is forgotten, and what is then said again counts as new
 * (rule 1: never the other way round). Kept in checkpoints; only hashes of the senders' ids.
 */
#ifndef TOCSIN_DECIDE_REPEAT_H
#define TOCSIN_DECIDE_REPEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decide/alert.h"
#include "support/position.h"

#define REPEAT_REF_BYTES 16

struct repeat {
	struct repeat_key {
		uint8_t source[ID_BYTES];
		uint8_t ref[REPEAT_REF_BYTES]; /* hash of the sender's id (and of a call's phase) */
	} key;
	uint64_t content_hash;
	struct wall received_at;
	bool is_dated; /* repeat_is_dated */
	struct alert_id alert;
	struct incident_id incident; /* none: it belongs to none */
	unsigned priority;
	struct position position;
	struct repeat *next; /* by age */
};

struct repeats;

struct repeats *repeats_new(size_t max); /* NULL: no memory */
void repeats_free(struct repeats *r);
size_t repeats_count(const struct repeats *r);

/* phase: 0, or a call's phase + 1: each phase of a call is said once. */
struct repeat_key repeat_key(struct source_id source, const char *ref, unsigned phase);
/* Over what makes two alerts the same: kind, occurred_at, position, text. Stable across restarts. */
uint64_t repeat_content(const struct alert *a);

/* Whether the time that the sender gave may tell a repeat: it gave one, and it may be right. */
bool repeat_is_dated(struct wall occurred_at, unsigned doubts);

const struct repeat *repeats_get(const struct repeats *r, const struct repeat_key *key);
/* Copies; replaces an older one of the same key. False: no memory, nothing is remembered. */
bool repeats_put(struct repeats *r, const struct repeat *repeat);

/* One walk at a time, from the oldest to the newest, that may take many turns while others are put
 * and forgotten. NULL: the end. */
void repeats_walk_begin(struct repeats *r);
const struct repeat *repeats_walk(struct repeats *r);

#endif
