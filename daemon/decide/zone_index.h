/*
 * The plane under zone: contours, approximate cells, overlays and the centres' sides, with what
 * covers a point and how far things are. It knows no rule.
 *
 * The only user of GEOS (prepared geometries, STRtree, a context of its own); how far the sides are
 * is border's work. territory builds one index, on whatever thread, and never changes it again; one
 * thread at a time looks up in it.
 *
 * Everything is kept in Mercator's plane (mercator.h says why); distances come out in metres.
 */
#ifndef TOCSIN_DECIDE_ZONE_INDEX_H
#define TOCSIN_DECIDE_ZONE_INDEX_H

#include <stdbool.h>

#include "decide/territory.h"

#define ZONE_CELL_REACH_M 8000 /* an approximate cell ends here, if no neighbour ends it before */

enum zone_layer { ZONE_OVERLAYS, ZONE_CONTOURS, ZONE_CELLS, ZONE_LAYERS };

/* A piece of the plane and whose it is. */
struct zone_piece {
	const struct commune *commune; /* NULL: an overlay */
	const char *name;              /* of the overlay */
	struct centre_id centre;       /* may be empty */
	bool is_cell;                  /* a guess from points */
	struct centre_id *adjoining;   /* of a cell: other centres whose cells touch it */
	size_t adjoining_count;
};

struct zone_point {
	double lat; /* radians */
	double x, y;
	struct GEOSGeom_t *geometry;
};

/* Building, in this order; communes and names must outlive the index. */
struct zone_index *zone_index_new(void); /* NULL: no memory */
void zone_index_free(struct zone_index *z);
/* WKB in degrees, longitude first. False: not a valid polygon or multipolygon on Earth, or no
 * memory. */
bool zone_index_put_contour(struct zone_index *z, const struct commune *c, const uint8_t *wkb,
                            size_t length);
bool zone_index_put_overlay(struct zone_index *z, const char *name, struct centre_id centre,
                            const uint8_t *wkb, size_t length);
/* A commune that has no contour: it gets a cell around its point. False: no memory. */
bool zone_index_put_point(struct zone_index *z, const struct commune *c);
/* Builds cells, sides and trees and warms them up, so that the first look-up is as quick as the
 * thousandth. False: GEOS refused, with its sentence in `why`. */
bool zone_index_close(struct zone_index *z, char *why, size_t why_size);

/* Looking up, after zone_index_close. A point of the plane, to be given back; false: no memory. */
bool zone_point_init(const struct zone_index *z, double lat, double lon, struct zone_point *out);
void zone_point_done(const struct zone_index *z, struct zone_point *point);

#define ZONE_COVERING_MAX                                                                          \
	4 /* more than one covers a point only on a border or in overlapping data */

/* The pieces that cover the point, their borders included: overlays in the order they were put,
 * communes in the order of their codes. Returns how many it wrote. */
size_t zone_index_covering(const struct zone_index *z, enum zone_layer layer,
                           const struct zone_point *point,
                           const struct zone_piece *out[static ZONE_COVERING_MAX]);
/* The nearest piece and its distance. Far away, where the factor differs from one piece to the
 * next, it is the nearest on the map. NULL: the layer is empty. */
const struct zone_piece *zone_index_nearest(const struct zone_index *z, enum zone_layer layer,
                                            const struct zone_point *point, double *metres);

#define ZONE_SIDES_MAX 32 /* more centres than meet anywhere; of more, the nearest are given */

struct zone_side {
	struct centre_id centre;
	double metres;
};

/* A centre's side is all that it is competent for, overlays taken into account. Writes the sides
 * whose border is within the radius, the point's own too, the nearest first; returns how many. */
size_t zone_index_sides(const struct zone_index *z, const struct zone_point *point, double radius_m,
                        struct zone_side out[static ZONE_SIDES_MAX]);

#endif
