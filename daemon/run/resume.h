/*
 * A start goes on where the last one ended: what the journal holds goes back into the world, and a
 * new epoch begins behind it. Called once, by run/server, before the first event.
 */
#ifndef TOCSIN_RUN_RESUME_H
#define TOCSIN_RUN_RESUME_H

#include <stdbool.h>
#include <stdint.h>

#include "decide/world.h"
#include "keep/journal.h"

struct resumed {
	struct position last; /* what the journal ended with; epoch 0: nothing */
	uint64_t unreadable;  /* records and items that could not be read back */
};

/* What is bad or missing is logged and never stops a start. False: no epoch could be begun. */
bool resume(struct journal *j, struct world *w, struct resumed *out);

#endif
