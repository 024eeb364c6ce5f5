/*
 * From a point to who is competent: which commune, which overlay zone, and who stands on the other
 * side of a border within the accuracy circle.
 *
 * The only user of GEOS (prepared geometries, STRtree). Distances are metres in a local projection;
 * the contours' own tolerance is added to the circle.
 */
#ifndef TOCSIN_DECIDE_ZONE_H
#define TOCSIN_DECIDE_ZONE_H

#include <stdbool.h>

#include "decide/territory.h"

#define ZONE_NEAR_MAX 8
#define ZONE_CONTOUR_TOLERANCE_M 100 /* communes77-2026 is simplified; measured, see tests/table/zone.txt */

struct zone_answer {
	const struct commune *commune; /* NULL: outside every department */
	const char *zone_name;         /* NULL: no overlay here */
	struct centre_id centre;       /* competent; empty when outside */
	bool approximate;              /* cells from points: the border is a guess */
	const struct commune *nearest; /* when outside: the nearest commune ... */
	double nearest_m;              /* ... and how far it is */
	unsigned near_count;           /* other competent centres within the circle */
	struct centre_id near[ZONE_NEAR_MAX];
	double near_m[ZONE_NEAR_MAX];  /* distance to their side */
};

/* lat, lon: WGS84 and already checked to be on Earth. accuracy_m >= 0. */
void zone_locate(const struct territory *t, double lat, double lon, double accuracy_m, struct zone_answer *out);

#endif
