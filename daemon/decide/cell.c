#include "decide/cell.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* The regular polygon around the circle, not inside it: the reach is never cut short. */
static void cell_set_circle(struct cell *cell, struct cell_point centre, double reach)
{
	double step = 2 * M_PI / CELL_CIRCLE_SIDES;

	cell->count = CELL_CIRCLE_SIDES;
	for (unsigned i = 0; i < CELL_CIRCLE_SIDES; i++) {
		cell->corners[i].x = centre.x + reach / cos(step / 2) * cos(i * step);
		cell->corners[i].y = centre.y + reach / cos(step / 2) * sin(i * step);
		cell->neighbours[i] = CELL_NOBODY;
	}
}

static void cell_add(struct cell *cell, struct cell_point corner, size_t neighbour)
{
	cell->corners[cell->count] = corner;
	cell->neighbours[cell->count++] = neighbour;
}

static struct cell_point point_between(struct cell_point a, struct cell_point b, double at_a,
                                       double at_b)
{
	double part = at_a / (at_a - at_b);

	return (struct cell_point){ a.x + (b.x - a.x) * part, a.y + (b.y - a.y) * part };
}

/* Takes away what lies nearer to `other` than to `own`. Cutting a convex polygon by a line leaves a
 * convex polygon with at most one more corner. */
static void cell_cut_by(struct cell *cell, struct cell_point own, struct cell_point other,
                        size_t neighbour)
{
	struct cell_point middle = { (own.x + other.x) / 2, (own.y + other.y) / 2 };
	struct cell_point towards = { other.x - own.x, other.y - own.y };
	struct cell cut;
	double beyond[CELL_SIDES_MAX]; /* how far past the bisector, times a constant; negative:
	                                  kept */
	unsigned kept = 0;

	for (unsigned i = 0; i < cell->count; i++) {
		beyond[i] = (cell->corners[i].x - middle.x) * towards.x +
		            (cell->corners[i].y - middle.y) * towards.y;
		kept += beyond[i] <= 0;
	}
	/* A cell that could grow past its room stays uncut: it is a guess either way, and a cell
	 * too large informs one centre more. No real territory comes near this. */
	if (kept == cell->count || cell->count + 1 > CELL_SIDES_MAX)
		return;
	cut.count = 0;
	for (unsigned i = 0; i < cell->count; i++) {
		unsigned next = (i + 1) % cell->count;
		bool in = beyond[i] <= 0, next_in = beyond[next] <= 0;
		if (in)
			cell_add(&cut, cell->corners[i], cell->neighbours[i]);
		if (in == next_in)
			continue;
		/* Leaving: the new side runs along the bisector. Coming back: along the old side.
		 */
		cell_add(&cut,
		         point_between(cell->corners[i], cell->corners[next], beyond[i],
		                       beyond[next]),
		         in ? neighbour : cell->neighbours[i]);
	}
	memcpy(cell->corners, cut.corners, cut.count * sizeof(cut.corners[0]));
	memcpy(cell->neighbours, cut.neighbours, cut.count * sizeof(cut.neighbours[0]));
	cell->count = cut.count;
}

void cell_cut(const struct cell_point *points, size_t count, size_t which, double reach,
              struct cell *out)
{
	struct cell_point own = points[which];

	cell_set_circle(out, own, reach);
	/* A point further away than twice the reach has its bisector beyond the circle; the corners
	 * of the polygon around it stand out by 0.2 %. Sorted by x, so that a country is not
	 * quadratic. */
	double window = 2.01 * reach;
	size_t from = which, to = which;
	while (from > 0 && own.x - points[from - 1].x <= window)
		from--;
	while (to + 1 < count && points[to + 1].x - own.x <= window)
		to++;
	for (size_t i = from; i <= to; i++) {
		if (points[i].x == own.x && points[i].y == own.y)
			continue; /* itself, or a twin that no line can part from it */
		if (hypot(points[i].x - own.x, points[i].y - own.y) <= window)
			cell_cut_by(out, own, points[i], i);
	}
}
