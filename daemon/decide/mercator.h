/*
 * Mercator's projection of the WGS84 ellipsoid, in metres at the equator; zone_index's plane.
 *
 * It is conformal: around any point a length on the ground is the length in the plane times one
 * factor, the same in every direction. With the factor at the middle latitude of its ends a length
 * is right to 1 cm within 10 km, 1 m within 50 km and 0.2 % within 600 km, between 52 degrees south
 * and north (tests/unit/test_mercator.c, against Vincenty's inverse formula). Source: Snyder, Map
 * Projections, a Working Manual (USGS PP 1395), chapter 7. Pure; degrees in, radians in between.
 */
#ifndef TOCSIN_DECIDE_MERCATOR_H
#define TOCSIN_DECIDE_MERCATOR_H

#define MERCATOR_LAT_MAX 85.0 /* degrees: the map has no poles, and no department is there */

double mercator_radians(double degrees);
double mercator_x(double lon); /* degrees */
double mercator_y(double lat); /* degrees, within MERCATOR_LAT_MAX */
double mercator_lat(double y); /* radians */
/* Metres on the ground for one metre of the plane, at a latitude in radians. */
double mercator_factor(double lat);

#endif
