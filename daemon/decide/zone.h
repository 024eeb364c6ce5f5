/*
 * From a point to who is competent: which commune, which overlay zone, and who stands on the other
 * side of a border within the accuracy circle. The contours' own tolerance is added to the circle.
 *
 * The rules alone; the plane is zone_index's. Called by route with points of alerts, on the loop's
 * thread; a territory may be built on another, never looked up in by two at once.
 */
#ifndef TOCSIN_DECIDE_ZONE_H
#define TOCSIN_DECIDE_ZONE_H

#include <stdbool.h>

#include "decide/territory.h"

#define ZONE_NEAR_MAX 8
/* How far simplified contours may be off: measured on communes77-2026, see tests/table/zone.txt. */
#define ZONE_CONTOUR_TOLERANCE_M 100
/* A wider circle counts as this one: it no longer says where, and a country has many borders. */
#define ZONE_ACCURACY_MAX_M 50000

struct zone_answer {
	const struct commune *commune; /* NULL: outside every department */
	const char *zone_name;         /* NULL: no overlay here */
	struct centre_id centre; /* competent; empty when outside, or when the commune has none */
	bool approximate;        /* the commune was found by a cell from points: a guess */
	const struct commune *nearest; /* when outside: the nearest commune ... */
	double nearest_m;              /* ... and how far it is */
	unsigned near_count; /* other competent centres within the circle, the nearest first */
	struct centre_id near[ZONE_NEAR_MAX];
	double near_m[ZONE_NEAR_MAX]; /* distance to their side */
};

/*
 * lat, lon: WGS84 and already checked to be on Earth. accuracy_m >= 0. The rules, in order:
 * 1. An overlay zone that covers the point decides the centre, whatever the commune.
 * 2. The commune is the one whose contour covers the point; on a common border, the lower code.
 * 3. Between contours (a sliver, or just outside of all), the nearest within their tolerance.
 * 4. Where there are no contours, the commune whose approximate cell covers the point.
 * 5. Else none: outside; the nearest commune is named.
 * 6. Every other centre whose side is within accuracy and tolerance is near. So are, in an
 *    approximate cell and without an overlay, the centres of all adjoining cells, however far.
 * `t` may be NULL or empty: then the answer is "outside", with no nearest commune.
 */
void zone_locate(const struct territory *t, double lat, double lon, double accuracy_m,
                 struct zone_answer *out);

#endif
