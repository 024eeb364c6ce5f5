/*
 * Questions about areas that only an import or a check asks: is it valid, does it hold this point,
 * does it overlap its neighbours.
 *
 * Areas come as WKB in degrees. Called by the verb territory; GEOS with a context of its own.
 * Square metres are those of the plane around the area (one degree of latitude by one of longitude
 * at its middle), which is plenty to tell a slip of the pen from a wrong border.
 */
#ifndef TOCSIN_TOOL_GEOMETRY_H
#define TOCSIN_TOOL_GEOMETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GEOMETRY_WHY_SIZE 160

struct geometry;

struct geometry *geometry_new(void); /* NULL: no memory */
void geometry_free(struct geometry *g);

/* Adds an area; its number is how many were there before. False, with a sentence in `why`, for what
 * is no valid polygon or multipolygon ("crosses itself at 2.6543, 48.5391"). */
bool geometry_add(struct geometry *g, const uint8_t *wkb, size_t length,
                  char why[static GEOMETRY_WHY_SIZE]);

bool geometry_covers(const struct geometry *g, size_t area, double lat, double lon);

struct overlap {
	size_t a, b; /* a < b */
	double square_m;
};

/* The next pair of areas that share more than `least_square_m`, by a, then b; begin with a zeroed
 * struct overlap. False: there is no further one. */
bool geometry_next_overlap(struct geometry *g, double least_square_m, struct overlap *pair);

#endif
