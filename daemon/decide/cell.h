/*
 * Approximate cells: what a commune without a contour covers, guessed from the communes' points.
 *
 * A cell is all that lies nearer to its commune's point than to any other (Voronoi), and no further
 * away than a reach. Plane geometry without a library, called by zone while it is being built. It
 * knows neither communes nor degrees, and never fails on points that coincide.
 */
#ifndef TOCSIN_DECIDE_CELL_H
#define TOCSIN_DECIDE_CELL_H

#include <stddef.h>

#define CELL_SIDES_MAX    256
#define CELL_CIRCLE_SIDES 48 /* of the polygon that stands for the reach's circle */
#define CELL_NOBODY       ((size_t)-1)

struct cell_point {
	double x, y;
};

struct cell {
	unsigned count; /* corners, counter-clockwise, not repeated at the end */
	struct cell_point corners[CELL_SIDES_MAX];
	size_t neighbours[CELL_SIDES_MAX]; /* whose point lies behind the side that begins at the
	                                    * corner; CELL_NOBODY: the reach ends there */
};

/* The cell of points[which]. `points` are sorted by x; `reach` is in their unit and positive. Of
 * several points at one place each gets the whole cell. */
void cell_cut(const struct cell_point *points, size_t count, size_t which, double reach,
              struct cell *out);

#endif
