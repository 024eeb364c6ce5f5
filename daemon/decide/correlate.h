/*
 * One event, one incident: which open incident an alert belongs to, by numbered rules (see
 * correlate.c), and which others it is related to. Two persons are never merged.
 */
#ifndef TOCSIN_DECIDE_CORRELATE_H
#define TOCSIN_DECIDE_CORRELATE_H

#include "decide/effect.h"
#include "decide/finding.h"
#include "decide/world.h"

enum correlate_verdict {
	CORRELATE_RAISE, /* a new incident */
	CORRELATE_JOIN,
	CORRELATE_RENEW, /* joins a taken one, which sounds again */
	CORRELATE_NOTHING, /* a position of somebody without an open incident: kept, raises nothing */
};

/* With the incident itself and one that makes room for it they fit into one record. */
#define CORRELATE_RELATED_MAX (EFFECT_INCIDENTS_MAX - 2)

struct correlation {
	enum correlate_verdict verdict;
	struct incident *incident; /* joined or renewed */
	unsigned related_count;    /* others to be shown beside it, each with why */
	struct incident *related[CORRELATE_RELATED_MAX];
	enum reason_code why[CORRELATE_RELATED_MAX];
};

/* `reused`: the sender's id was used before; in doubt it counts on the incident it went to. */
struct correlation correlate(const struct world *w, const struct finding *f,
			     struct incident *reused);

#endif
