/*
 * Writes checkpoints in slices: a few of the open incidents and memories of repeats in each turn,
 * handed to the journal's thread, so that a restart reads little and the loop is never held.
 *
 * The world goes on meanwhile. What an item says may be newer than the checkpoint's position;
 * keep/restore passes over the records that it has seen already.
 */
#ifndef TOCSIN_RUN_CHECKPOINTER_H
#define TOCSIN_RUN_CHECKPOINTER_H

#include <stdbool.h>

#include "decide/world.h"
#include "keep/journal.h"
#include "support/clock.h"

struct checkpointer;

struct checkpointer *checkpointer_new(
        uint64_t every_bytes); /* of records between two; NULL: no memory */
void checkpointer_free(struct checkpointer *c);
void checkpointer_kept(struct checkpointer *c, size_t bytes); /* one more record */

/* At the end of each turn. True: a checkpoint is under way and wants another turn soon. */
bool checkpointer_turn(struct checkpointer *c, struct world *w, struct journal *j, struct mono now,
                       struct wall wall);
/* At a clean stop: begins one now, unless one is under way. */
void checkpointer_begin(struct checkpointer *c, struct world *w, struct journal *j);

#endif
