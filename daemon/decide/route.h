/*
 * Which centre: one owner, and who else is informed, by numbered rules (see route.c). Called by
 * decide after locate and triage. Never by postal code; what is not known goes to the stand-in.
 */
#ifndef TOCSIN_DECIDE_ROUTE_H
#define TOCSIN_DECIDE_ROUTE_H

#include "decide/finding.h"

void route(const struct world *w, struct finding *f);

#endif
