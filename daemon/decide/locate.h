/*
 * Where: the place of an alert, by numbered rules (see locate.c), always with its origin. Called by
 * decide after identify; looks at the alert, the registry, the communes and the newest position
 * that the source reported.
 */
#ifndef TOCSIN_DECIDE_LOCATE_H
#define TOCSIN_DECIDE_LOCATE_H

#include "decide/finding.h"

void locate(const struct world *w, struct finding *f);

/* Great-circle distance in metres (WGS84 mean sphere: within 0.6 % of the ellipsoid). */
double locate_distance_m(double lat_a, double lon_a, double lat_b, double lon_b);

#endif
