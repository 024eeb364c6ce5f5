/*
 * What a finding leads to: the incident that it raises, joins or renews, and the incidents that are
 * from now on shown beside it. Called by decide when an alert is found out about; correlate() says
 * which incident, this file what changes in it.
 *
 * A change is loud when a dispatcher must know of it, quiet when it only counts or makes the known
 * more exact: a stuck button is quiet, whatever it sends along.
 */
#ifndef TOCSIN_DECIDE_SETTLE_H
#define TOCSIN_DECIDE_SETTLE_H

#include "decide/effect.h"
#include "decide/finding.h"
#include "decide/world.h"

/* `fresh` is for an incident that is raised; `reused`, where the sender's id went before, or NULL.
 * NULL: a position of somebody without an open incident. */
struct incident *settle(struct world *w, const struct finding *f, struct incident_id fresh,
                        struct incident *reused, struct effects *fx);

/* A phase of a flagged call, shown on its incident. A call given up before an answer is presumed an
 * attack. */
void settle_phase(struct world *w, struct incident *i, const struct call *call, struct mono at,
                  struct wall wall, struct effects *fx);

#endif
