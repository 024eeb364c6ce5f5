/*
 * Border lines with owners, and who has one near a point: a grid of line segments.
 *
 * Built once by zone_index, then only asked. Plane geometry in one unit, without a library: GEOS
 * 3.11 measures the distance to a polygon with thousands of sides in 20 to 100 µs, and the alert's
 * path asks each time. This takes less than one when nothing is near. It knows neither degrees nor
 * centres.
 */
#ifndef TOCSIN_DECIDE_BORDER_H
#define TOCSIN_DECIDE_BORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct border;

struct border_hit {
	uint32_t owner;
	double distance;
	double x, y; /* the owner's nearest point */
};

struct border *border_new(double grid); /* side of a grid cell; NULL: no memory */
void border_free(struct border *b);

/* Before border_close. A segment that one owner adds twice, in either direction, lies between two
 * pieces of its own and is no border: both are dropped. False: no memory. */
bool border_add(struct border *b, uint32_t owner, double x1, double y1, double x2, double y2);
bool border_close(struct border *b);

/* The nearest point of each owner that has one within `radius`, nearest first, at most `max`
 * owners. Returns how many were written. */
size_t border_near(const struct border *b, double x, double y, double radius,
                   struct border_hit *out, size_t max);

size_t border_count(const struct border *b); /* segments, once closed */

#endif
