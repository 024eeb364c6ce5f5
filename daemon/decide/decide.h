/*
 * decide(): the only place where the fate of an alert is settled.
 *
 * Pure: no clock, no I/O, no log, no identifiers of its own. The same world and events give the same
 * effects. Called by run/loop once per event; the simulation and the tests call it the same way.
 */
#ifndef TOCSIN_DECIDE_DECIDE_H
#define TOCSIN_DECIDE_DECIDE_H

#include "decide/effect.h"
#include "decide/event.h"
#include "decide/world.h"

/* `effects` is emptied first. True: call again with the same EVENT_TICK, more is due than fits. */
bool decide(struct world *w, const struct event *event, struct effects *effects);

#endif
