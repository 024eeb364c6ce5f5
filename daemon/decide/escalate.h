/*
 * A person answers: what happens to an incident that nobody takes or engages, and when.
 *
 * Called by decide when an incident is raised, renewed, taken, released, and when a deadline is
 * due. Steps of an open incident, counted from its raising: louder, the other centre, all centres of
 * the department, the alarm outside the system (again and again until somebody takes it).
 */
#ifndef TOCSIN_DECIDE_ESCALATE_H
#define TOCSIN_DECIDE_ESCALATE_H

#include "decide/effect.h"
#include "decide/world.h"

/* A new or reopened incident: starts the steps; asks the stand-in at once when nobody is signed in
 * at the owner, then whoever is, and sounds the alarm when nobody is signed in anywhere. */
void escalate_start(struct world *w, struct incident *i, struct mono at, struct effects *fx);
void escalate_taken(struct world *w, struct incident *i, struct mono at);   /* waits for "engaged" */
void escalate_engaged(struct world *w, struct incident *i);                 /* nothing to wait for */
void escalate_renewed(struct world *w, struct incident *i, struct mono at);
/* Nobody signed in at the owner any more. */
void escalate_no_operator(struct world *w, struct incident *i, struct effects *fx);
/* Everything of this incident that is due. */
void escalate_due(struct world *w, struct incident *i, struct mono at, struct effects *fx);

#endif
