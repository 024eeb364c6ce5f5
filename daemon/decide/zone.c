#include "decide/zone.h"

#include <math.h>
#include <string.h>

#include "decide/zone_index.h"
#include "support/bug.h"

static const struct zone_piece *piece_within_tolerance(const struct zone_index *z,
                                                       enum zone_layer layer,
                                                       const struct zone_point *point)
{
	double metres;
	const struct zone_piece *piece = zone_index_nearest(z, layer, point, &metres);

	return piece && metres <= ZONE_CONTOUR_TOLERANCE_M ? piece : NULL;
}

/* Rules 2 to 4. The first piece decides; there are more on a common border, and where contours
 * overlap, which is an error in the data that `tocsin territory check` reports. */
static size_t commune_pieces(const struct zone_index *z, const struct zone_point *point,
                             const struct zone_piece *out[static ZONE_COVERING_MAX])
{
	size_t count = zone_index_covering(z, ZONE_CONTOURS, point, out);

	if (count)
		return count;
	if ((out[0] = piece_within_tolerance(z, ZONE_CONTOURS, point)))
		return 1;
	count = zone_index_covering(z, ZONE_CELLS, point, out);
	if (count)
		return count;
	return (out[0] = piece_within_tolerance(z, ZONE_CELLS, point)) ? 1 : 0;
}

/* Rule 5. */
static void answer_set_nearest(struct zone_answer *out, const struct zone_index *z,
                               const struct zone_point *point)
{
	double contour_m, cell_m;
	const struct zone_piece *contour = zone_index_nearest(z, ZONE_CONTOURS, point, &contour_m);
	const struct zone_piece *cell = zone_index_nearest(z, ZONE_CELLS, point, &cell_m);

	if (contour && contour_m <= cell_m) {
		out->nearest = contour->commune;
		out->nearest_m = contour_m;
	} else if (cell) {
		out->nearest = cell->commune;
		out->nearest_m = cell_m;
	}
}

/* Each centre once; the nearest when there are more than the answer holds. */
static void answer_add_near(struct zone_answer *out, struct centre_id centre, double metres)
{
	unsigned at = out->near_count;

	if (!centre_is_set(centre) || centre_equal(centre, out->centre))
		return;
	for (unsigned i = 0; i < out->near_count; i++) {
		if (centre_equal(out->near[i], centre))
			return;
	}
	if (at == ZONE_NEAR_MAX && out->near_m[at - 1] <= metres)
		return;
	if (at == ZONE_NEAR_MAX)
		at--;
	else
		out->near_count++;
	for (; at > 0 && out->near_m[at - 1] > metres; at--) {
		out->near[at] = out->near[at - 1];
		out->near_m[at] = out->near_m[at - 1];
	}
	out->near[at] = centre;
	out->near_m[at] = metres;
}

static bool piece_adjoins(const struct zone_piece *piece, struct centre_id centre)
{
	for (size_t i = 0; piece && i < piece->adjoining_count; i++) {
		if (centre_equal(piece->adjoining[i], centre))
			return true;
	}
	return false;
}

/* Rule 6. `guess` is the approximate cell that decided, if one did. */
static void answer_set_near(struct zone_answer *out, const struct zone_index *z,
                            const struct zone_point *point, double radius_m,
                            const struct zone_piece *guess)
{
	struct zone_side sides[ZONE_SIDES_MAX];
	/* What touches a cell is at most two reaches away from anywhere in it. */
	double look_m = guess && guess->adjoining_count ? fmax(radius_m, 2.1 * ZONE_CELL_REACH_M)
	                                                : radius_m;
	size_t count = zone_index_sides(z, point, look_m, sides);

	for (size_t i = 0; i < count; i++) {
		if (sides[i].metres <= radius_m || piece_adjoins(guess, sides[i].centre))
			answer_add_near(out, sides[i].centre, sides[i].metres);
	}
}

void zone_locate(const struct territory *t, double lat, double lon, double accuracy_m,
                 struct zone_answer *out)
{
	const struct zone_index *z = t ? territory_zones(t) : NULL;
	const struct zone_piece *pieces[ZONE_COVERING_MAX], *overlays[ZONE_COVERING_MAX];
	struct zone_point point;

	memset(out, 0, sizeof(*out));
	if (!z)
		return;
	if (BUG(!(fabs(lat) <= 90 && fabs(lon) <= 180)))
		return;
	if (BUG(!(accuracy_m >= 0)))
		accuracy_m = PLACE_ACCURACY_UNKNOWN_M;
	if (!zone_point_init(z, lat, lon, &point))
		return; /* no memory: "outside" goes to the stand-in, the safe side */
	bool has_overlay = zone_index_covering(z, ZONE_OVERLAYS, &point, overlays) > 0;
	size_t count = commune_pieces(z, &point, pieces);
	if (count) {
		out->commune = pieces[0]->commune;
		out->centre = pieces[0]->centre;
		out->approximate = pieces[0]->is_cell;
	} else {
		answer_set_nearest(out, z, &point);
	}
	if (has_overlay) {
		out->zone_name = overlays[0]->name;
		out->centre = overlays[0]->centre;
	}
	for (size_t i = 1; !has_overlay && i < count; i++)
		answer_add_near(out, pieces[i]->centre, 0);
	const struct zone_piece *guess = out->approximate && !has_overlay ? pieces[0] : NULL;
	double radius_m = fmin(accuracy_m, ZONE_ACCURACY_MAX_M) + ZONE_CONTOUR_TOLERANCE_M;
	answer_set_near(out, z, &point, radius_m, guess);
	zone_point_done(z, &point);
}
