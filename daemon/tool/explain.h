/*
 * What the verb explain was asked, and the decision it leads to: the parts that need no database,
 * for its test. Nothing here raises, sends or keeps anything.
 */
#ifndef TOCSIN_TOOL_EXPLAIN_H
#define TOCSIN_TOOL_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "decide/effect.h"
#include "decide/world.h"

struct explain_question { /* as on the command line, borrowed; NULL: not given */
	const char *number, *source, *lat, *lon, *accuracy, *commune, *kind, *rpps, *centre,
	        *operator;
};

/* The alert that is asked about, but for its source. False: a sentence in `why`. */
bool explain_alert(const struct explain_question *q, struct alert *a, char *why, size_t why_size);

/* Decides it in a world of its own with every centre manned. NULL: it raises no incident; else the
 * incident, which is the world's. `centre`: where a call rings. */
const struct incident *explain_decide(struct world *w, struct alert *a, const char *centre,
                                      struct effects *fx);

#endif
