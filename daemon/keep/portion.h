/*
 * The records that are being written to PostgreSQL: which of them to try next, and how a record
 * that the database refuses is found among thousands without holding up the others.
 *
 * The follower's; pure. A refused try is halved until the culprit stands alone; it is then set
 * aside and the rest goes on. A try that is too much for the server is halved as well, with no
 * suspicion.
 */
#ifndef TOCSIN_KEEP_PORTION_H
#define TOCSIN_KEEP_PORTION_H

#include <stdbool.h>
#include <stdint.h>

#include "keep/record_queue.h"

struct portion {
	struct record_chunk *chunks; /* owned; the records of the index stand in them */
	bool is_from_journal;
	struct record_view *index;
	uint32_t count, room;
	uint32_t done;     /* stored, from the front */
	uint32_t suspects; /* before this index stands one that is refused; 0: none is known */
	uint32_t limit;    /* records of one try, at most */
	bool is_aside;     /* the next one is refused: it is tried as bytes to be set aside */
};

void portion_init(struct portion *p, uint32_t limit);
void portion_done(struct portion *p);

/* Takes the chunks; leaves out what is not after `after`. False: no memory, the chunks stay the
 * caller's. It must be empty. */
bool portion_fill(struct portion *p, struct record_chunk *chunks, struct position after,
                  bool is_from_journal);
bool portion_is_empty(const struct portion *p); /* nothing left to store; it can be filled */
/* Gives the chunks up, to the queue or to be freed. */
struct record_chunk *portion_leave(struct portion *p);

/* The next try: index[done] up to, not including, this. */
uint32_t portion_next(const struct portion *p);
/* What became of the try that ended there. */
void portion_stored(struct portion *p, uint32_t end, uint32_t limit_max);
void portion_too_much(struct portion *p, uint32_t end);
enum portion_refusal {
	PORTION_SPLIT, /* try again: portion_next is less now */
	PORTION_ASIDE, /* one record, found: the next try sets it aside */
	PORTION_LOST,  /* not even as bytes: it was passed over */
};
enum portion_refusal portion_refused(struct portion *p, uint32_t end);

#endif
