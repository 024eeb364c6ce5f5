/*
 * A dispatcher's act on an incident: checked against the incident's state, the centre's part in it
 * and the view it was decided on, then applied. Called by decide for EVENT_ACT.
 */
#ifndef TOCSIN_DECIDE_ACT_H
#define TOCSIN_DECIDE_ACT_H

#include "decide/effect.h"
#include "decide/event.h"
#include "decide/world.h"

/* Applies or refuses; `i` is the act's incident or NULL. `split` receives the incident that a split
 * made, else stays NULL. */
enum refusal act_apply(struct world *w, const struct event *e, struct incident *i,
		       struct incident **split, struct effects *fx);

#endif
