/*
 * The end of an event: everything that it changed becomes one record at the next position, and each
 * incident that consoles see changed gets its next revision. What the event closed leaves the world.
 *
 * Called by decide, once for each event that left a trace; after it nothing is dirty.
 */
#ifndef TOCSIN_DECIDE_COMMIT_H
#define TOCSIN_DECIDE_COMMIT_H

#include <stdbool.h>

#include "decide/effect.h"
#include "decide/event.h"
#include "decide/world.h"

/* Returns the record, for the caller to say what the event was; NULL when there is nothing to keep.
 * `needs_record`: the event itself is kept even if no incident changed. */
struct effect *commit(struct world *w, const struct event *e, struct effects *fx, bool needs_record);

#endif
