/*
 * The records on their way to PostgreSQL: bounded, filled by the loop, emptied by the follower.
 *
 * It holds an unbroken run of the newest records. Past its ceiling the oldest are let go, as long
 * as the journal has them: the follower then reads them there. What the journal has not confirmed
 * is never let go; when that alone is over the ceiling the queue is full, and whoever takes in
 * alerts must wait (design: nothing read is dropped). Two threads: one pushes, one takes.
 */
#ifndef TOCSIN_KEEP_RECORD_QUEUE_H
#define TOCSIN_KEEP_RECORD_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/clock.h"
#include "support/position.h"

/* Records that follow each other, of one epoch. */
struct record_chunk {
	struct record_chunk *next;
	struct position after; /* the record before the first */
	struct position last;
	struct mono since; /* of the first one's coming */
	uint32_t count;
	size_t used, room;
	uint8_t bytes[]; /* struct record_slot and payload, padded to 8, one after the other */
};

struct record_slot {
	uint64_t number;
	uint64_t length;
};

struct record_view { /* borrows from its chunk */
	struct position position;
	size_t length;
	const uint8_t *bytes;
};

/* NULL: no memory. `room` at least that of one record: record_chunk_size. */
struct record_chunk *record_chunk_new(struct position after, size_t room);
void record_chunk_free_list(struct record_chunk *list);
size_t record_chunk_size(size_t length); /* what a record of so many bytes takes in a chunk */
/* False: it does not fit, or is of another epoch. */
bool record_chunk_add(struct record_chunk *c, struct position position, const void *bytes,
                      size_t length);
/* for (size_t at = 0; record_chunk_next(c, &at, &view);) … */
bool record_chunk_next(const struct record_chunk *c, size_t *at, struct record_view *out);

struct record_queue;

/* `last`: what the journal ended with at the start. NULL: no memory. */
struct record_queue *record_queue_new(size_t bytes_max, struct position last);
void record_queue_free(struct record_queue *q);

/* The loop. Copies. Positions follow each other: one more than the last, or a new epoch's first. */
void record_queue_push(struct record_queue *q, struct position position, const void *bytes,
                       size_t length);
void record_queue_commit(struct record_queue *q); /* at the end of a turn: may wake the follower */
void record_queue_durable(struct record_queue *q, struct position position); /* by the journal */
bool record_queue_is_full(struct record_queue *q);

enum record_take {
	RECORD_TAKE_CHUNKS, /* `list`: chunks that begin with or before the record after `after` */
	RECORD_TAKE_NONE,   /* there is nothing after `after` */
	RECORD_TAKE_BEHIND, /* the journal has it: read there up to `until` */
};

struct record_taken {
	enum record_take answer;
	struct record_chunk *list; /* owned by the taker */
	struct position until;
};

/* The follower. Whole chunks, at least one, until one of the limits is passed. */
struct record_taken record_queue_take(struct record_queue *q, struct position after,
                                      size_t bytes_max, uint32_t records_max);
/* What was taken and not stored, back to the front; takes the list. */
void record_queue_give_back(struct record_queue *q, struct record_chunk *list);
/* Asks for one wake-up: the descriptor turns readable once `bytes` or more are queued and
 * committed, or the journal has confirmed more than `durable` (epoch 0: that does not wake).
 * Reading clears it. */
void record_queue_want_wake(struct record_queue *q, size_t bytes, struct position durable);
int record_queue_wake_fd(const struct record_queue *q);
void record_queue_wake(struct record_queue *q); /* whatever was asked for; any thread */

struct record_queue_size {
	struct position newest; /* pushed */
	struct position durable;
	struct mono since; /* when the oldest of those held came; not set: none is held */
	size_t bytes;      /* held, without what was taken */
	uint64_t let_go;   /* records that the follower had to read in the journal, or has to */
};

struct record_queue_size record_queue_size(struct record_queue *q);

#endif
