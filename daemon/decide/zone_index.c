#include "decide/zone_index.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <geos_c.h>

#include "decide/border.h"
#include "decide/cell.h"
#include "decide/mercator.h"
#include "support/text.h"

#define TREE_FANOUT   10
#define BORDER_GRID_M 1000.0
#define CELL_OPENING_M                                                                             \
	50.0 /* contours may leave gaps twice as wide; a cell does not run into them */
#define BUFFER_QUADRANT_SIDES 4
#define EARTH_CURVATURE_MIN_M 6335439.0 /* WGS84: of a meridian, at the equator */

struct shape {
	struct zone_piece piece;
	GEOSGeometry *geometry;
	const GEOSPreparedGeometry *prepared;
};

/* A place in the list is a rank: of two shapes that cover a point, the first decides. */
struct layer {
	struct shape *list;
	size_t count, room;
	GEOSSTRtree *tree;
};

struct zone_index {
	GEOSContextHandle_t geos;
	GEOSWKBReader *reader; /* while building */
	struct layer layers[ZONE_LAYERS];
	struct border *border;
	struct centre_id *sides; /* whose border it is, by its owners' numbers */
	size_t sides_count, sides_room;
	const struct commune **points; /* communes without a contour, by longitude once closed */
	size_t points_count, points_room;
	char error[160]; /* GEOS's last words */
};

/* The list with room for one more, moved if need be; NULL: no memory, and the list is as it was. */
static void *list_grow(void *list, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return list;
	size_t wanted = *room ? 2 * *room : 16;
	void *grown = reallocarray(list, wanted, size);
	if (grown)
		*room = wanted;
	return grown;
}

static void zone_on_error(const char *message, void *index)
{
	struct zone_index *z = index;

	TEXT_COPY(z->error, message);
}

struct zone_index *zone_index_new(void)
{
	struct zone_index *z = calloc(1, sizeof(*z));

	if (!z)
		return NULL;
	z->border = border_new(BORDER_GRID_M);
	z->geos = GEOS_init_r();
	if (z->geos) {
		GEOSContext_setErrorMessageHandler_r(z->geos, zone_on_error, z);
		z->reader = GEOSWKBReader_create_r(z->geos);
	}
	if (z->reader && z->border)
		return z;
	zone_index_free(z);
	return NULL;
}

static void layer_done(struct zone_index *z, struct layer *layer)
{
	for (size_t i = 0; i < layer->count; i++) {
		GEOSPreparedGeom_destroy_r(z->geos, layer->list[i].prepared);
		GEOSGeom_destroy_r(z->geos, layer->list[i].geometry);
		free(layer->list[i].piece.adjoining);
	}
	free(layer->list);
	if (layer->tree)
		GEOSSTRtree_destroy_r(z->geos, layer->tree);
}

void zone_index_free(struct zone_index *z)
{
	if (!z)
		return;
	for (size_t i = 0; i < ZONE_LAYERS; i++)
		layer_done(z, &z->layers[i]);
	if (z->reader)
		GEOSWKBReader_destroy_r(z->geos, z->reader);
	if (z->geos)
		GEOS_finish_r(z->geos);
	border_free(z->border);
	free(z->sides);
	free(z->points);
	free(z);
}

/* Takes the geometry, also when it fails. */
static struct shape *layer_add(struct zone_index *z, enum zone_layer which, GEOSGeometry *geometry)
{
	struct layer *layer = &z->layers[which];
	const GEOSPreparedGeometry *prepared = geometry ? GEOSPrepare_r(z->geos, geometry) : NULL;
	struct shape *list =
	        prepared ? list_grow(layer->list, layer->count, &layer->room, sizeof(*list)) : NULL;

	if (!list) {
		GEOSPreparedGeom_destroy_r(z->geos, prepared);
		GEOSGeom_destroy_r(z->geos, geometry);
		return NULL;
	}
	layer->list = list;
	struct shape *shape = &list[layer->count++];
	*shape = (struct shape){ .geometry = geometry, .prepared = prepared };
	return shape;
}

static int vertex_project(double *x, double *y, void *unused)
{
	(void)unused;
	if (!(fabs(*x) <= 180 && fabs(*y) <= MERCATOR_LAT_MAX))
		return 0; /* Lambert 93, or what else: not degrees */
	*x = mercator_x(*x);
	*y = mercator_y(*y);
	return 1;
}

/* A projected, valid, non-empty polygon or multipolygon, or NULL. */
static GEOSGeometry *geometry_from_wkb(struct zone_index *z, const uint8_t *wkb, size_t length)
{
	GEOSGeometry *degrees = GEOSWKBReader_read_r(z->geos, z->reader, wkb, length);
	GEOSGeometry *plane = NULL;

	if (!degrees)
		return NULL;
	int type = GEOSGeomTypeId_r(z->geos, degrees);
	if ((type == GEOS_POLYGON || type == GEOS_MULTIPOLYGON) &&
	    GEOSisEmpty_r(z->geos, degrees) == 0)
		plane = GEOSGeom_transformXY_r(z->geos, degrees, vertex_project, NULL);
	GEOSGeom_destroy_r(z->geos, degrees);
	if (plane && GEOSisValid_r(z->geos, plane) != 1) {
		GEOSGeom_destroy_r(z->geos, plane);
		return NULL;
	}
	return plane;
}

bool zone_index_put_contour(struct zone_index *z, const struct commune *c, const uint8_t *wkb,
                            size_t length)
{
	struct shape *shape = layer_add(z, ZONE_CONTOURS, geometry_from_wkb(z, wkb, length));

	if (!shape)
		return false;
	shape->piece.commune = c;
	shape->piece.centre = c->centre;
	return true;
}

bool zone_index_put_overlay(struct zone_index *z, const char *name, struct centre_id centre,
                            const uint8_t *wkb, size_t length)
{
	struct shape *shape = layer_add(z, ZONE_OVERLAYS, geometry_from_wkb(z, wkb, length));

	if (!shape)
		return false;
	shape->piece.name = name;
	shape->piece.centre = centre;
	return true;
}

bool zone_index_put_point(struct zone_index *z, const struct commune *c)
{
	const struct commune **points =
	        list_grow(z->points, z->points_count, &z->points_room, sizeof(*points));

	if (!points)
		return false;
	z->points = points;
	points[z->points_count++] = c;
	return true;
}

static int shape_compare_code(const void *a, const void *b)
{
	const struct shape *one = a, *other = b;

	return memcmp(&one->piece.commune->code, &other->piece.commune->code,
	              sizeof(one->piece.commune->code));
}

/* The list must not move afterwards. */
static bool layer_close(struct zone_index *z, enum zone_layer which)
{
	struct layer *layer = &z->layers[which];

	if (layer->count && which != ZONE_OVERLAYS)
		qsort(layer->list, layer->count, sizeof(*layer->list), shape_compare_code);
	layer->tree = GEOSSTRtree_create_r(z->geos, TREE_FANOUT);
	for (size_t i = 0; layer->tree && i < layer->count; i++)
		GEOSSTRtree_insert_r(z->geos, layer->tree, layer->list[i].geometry,
		                     &layer->list[i]);
	return layer->tree != NULL;
}

/* What is left of `from` (taken) without `other`; `from` itself when they do not meet. */
static GEOSGeometry *geometry_without(struct zone_index *z, GEOSGeometry *from,
                                      const struct shape *other)
{
	if (!from || GEOSPreparedIntersects_r(z->geos, other->prepared, from) == 0)
		return from;
	GEOSGeometry *left = GEOSDifference_r(z->geos, from, other->geometry);
	GEOSGeom_destroy_r(z->geos, from);
	return left;
}

struct carving {
	struct zone_index *z;
	GEOSGeometry *left;
	bool is_carved;
};

static void carving_on_contour(void *item, void *data)
{
	struct carving *carving = data;
	GEOSGeometry *before = carving->left;

	carving->left = geometry_without(carving->z, before, item);
	carving->is_carved |= carving->left != before;
}

static GEOSGeometry *geometry_buffered(struct zone_index *z, GEOSGeometry *from, double by)
{
	GEOSGeometry *buffered =
	        from ? GEOSBuffer_r(z->geos, from, by, BUFFER_QUADRANT_SIDES) : NULL;

	GEOSGeom_destroy_r(z->geos, from);
	return buffered;
}

/* Takes away what a contour covers, and the slivers between contours that this leaves. */
static GEOSGeometry *geometry_carve(struct zone_index *z, GEOSGeometry *cell, double opening)
{
	struct carving carving = { z, cell, false };

	if (cell)
		GEOSSTRtree_query_r(z->geos, z->layers[ZONE_CONTOURS].tree, cell,
		                    carving_on_contour, &carving);
	if (!carving.is_carved)
		return carving.left;
	return geometry_buffered(z, geometry_buffered(z, carving.left, -opening), opening);
}

/* Corners are rounded to 2^-6 m, far below what a guess is worth, so that two cells that meet have
 * the same side and border can drop it when it parts no centres. */
static GEOSGeometry *geometry_from_cell(struct zone_index *z, const struct cell *cell)
{
	GEOSCoordSequence *corners = GEOSCoordSeq_create_r(z->geos, cell->count + 1, 2);

	if (!corners)
		return NULL;
	for (unsigned i = 0; i <= cell->count; i++) {
		struct cell_point p = cell->corners[i % cell->count];
		GEOSCoordSeq_setXY_r(z->geos, corners, i, round(p.x * 64) / 64,
		                     round(p.y * 64) / 64);
	}
	GEOSGeometry *ring = GEOSGeom_createLinearRing_r(z->geos, corners);
	return ring ? GEOSGeom_createPolygon_r(z->geos, ring, NULL, 0) : NULL;
}

static bool piece_add_adjoining(struct zone_piece *piece, struct centre_id centre)
{
	if (!centre_is_set(centre) || centre_equal(centre, piece->centre))
		return true;
	for (size_t i = 0; i < piece->adjoining_count; i++) {
		if (centre_equal(piece->adjoining[i], centre))
			return true;
	}
	struct centre_id *list =
	        reallocarray(piece->adjoining, piece->adjoining_count + 1, sizeof(*list));
	if (!list)
		return false;
	piece->adjoining = list;
	list[piece->adjoining_count++] = centre;
	return true;
}

static bool cell_build(struct zone_index *z, const struct cell_point *points, size_t which)
{
	const struct commune *commune = z->points[which];
	double factor = mercator_factor(mercator_radians(commune->lat));
	struct cell cell;

	cell_cut(points, z->points_count, which, ZONE_CELL_REACH_M / factor, &cell);
	GEOSGeometry *geometry =
	        geometry_carve(z, geometry_from_cell(z, &cell), CELL_OPENING_M / factor);
	struct shape *shape = layer_add(z, ZONE_CELLS, geometry);
	bool fine = shape != NULL;
	if (fine)
		shape->piece = (struct zone_piece){ .commune = commune,
			                            .centre = commune->centre,
			                            .is_cell = true };
	for (unsigned i = 0; fine && i < cell.count; i++) {
		if (cell.neighbours[i] != CELL_NOBODY)
			fine = piece_add_adjoining(&shape->piece,
			                           z->points[cell.neighbours[i]]->centre);
	}
	return fine;
}

static int commune_compare_lon(const void *a, const void *b)
{
	const struct commune *const *one = a, *const *other = b;

	if ((*one)->lon != (*other)->lon)
		return (*one)->lon < (*other)->lon ? -1 : 1;
	return memcmp(&(*one)->code, &(*other)->code, sizeof((*one)->code));
}

/* Cells come from the points of all communes without contours together, so that the border between
 * two such departments lies half way. What a contour covers is no guess and is left out. */
static bool zone_build_cells(struct zone_index *z)
{
	size_t count = z->points_count;
	bool fine = true;

	if (count == 0)
		return true;
	struct cell_point *points = calloc(count, sizeof(*points));
	if (!points)
		return false;
	qsort(z->points, count, sizeof(*z->points), commune_compare_lon);
	for (size_t i = 0; i < count; i++)
		points[i] = (struct cell_point){ mercator_x(z->points[i]->lon),
			                         mercator_y(z->points[i]->lat) };
	for (size_t i = 0; fine && i < count; i++)
		fine = cell_build(z, points, i);
	free(points);
	return fine;
}

/* The number of the centre's side, a new one when it has none yet. False: no memory. */
static bool side_for(struct zone_index *z, struct centre_id centre, uint32_t *out)
{
	size_t side = 0;

	while (side < z->sides_count && !centre_equal(z->sides[side], centre))
		side++;
	*out = (uint32_t)side;
	if (side < z->sides_count)
		return true;
	struct centre_id *sides =
	        list_grow(z->sides, z->sides_count, &z->sides_room, sizeof(*sides));
	if (!sides)
		return false;
	z->sides = sides;
	sides[z->sides_count++] = centre;
	return true;
}

static bool side_add_ring(struct zone_index *z, uint32_t side, const GEOSGeometry *ring)
{
	const GEOSCoordSequence *corners = ring ? GEOSGeom_getCoordSeq_r(z->geos, ring) : NULL;
	unsigned count = 0;
	double x = 0, y = 0;
	bool fine = corners && GEOSCoordSeq_getSize_r(z->geos, corners, &count) == 1;

	for (unsigned i = 0; fine && i < count; i++) {
		double from_x = x, from_y = y;
		fine = GEOSCoordSeq_getXY_r(z->geos, corners, i, &x, &y) == 1 &&
		       (i == 0 || border_add(z->border, side, from_x, from_y, x, y));
	}
	return fine;
}

static bool side_add_polygon(struct zone_index *z, uint32_t side, const GEOSGeometry *polygon)
{
	if (GEOSGeomTypeId_r(z->geos, polygon) != GEOS_POLYGON ||
	    GEOSisEmpty_r(z->geos, polygon) != 0)
		return true; /* a difference may leave a bare line, or nothing */
	bool fine = side_add_ring(z, side, GEOSGetExteriorRing_r(z->geos, polygon));
	int holes = GEOSGetNumInteriorRings_r(z->geos, polygon);
	for (int i = 0; fine && i < holes; i++)
		fine = side_add_ring(z, side, GEOSGetInteriorRingN_r(z->geos, polygon, i));
	return fine;
}

/* What is left of a shape below the first `above` overlays, added to its centre's side. */
static bool side_add_shape(struct zone_index *z, const struct shape *shape, size_t above)
{
	uint32_t side;

	if (!centre_is_set(shape->piece.centre))
		return true; /* nobody's side */
	if (!side_for(z, shape->piece.centre, &side))
		return false;
	GEOSGeometry *left = GEOSGeom_clone_r(z->geos, shape->geometry);
	for (size_t i = 0; i < above; i++)
		left = geometry_without(z, left, &z->layers[ZONE_OVERLAYS].list[i]);
	bool fine = left != NULL;
	int parts = fine ? GEOSGetNumGeometries_r(z->geos, left) : 0;
	for (int i = 0; fine && i < parts; i++)
		fine = side_add_polygon(z, side, GEOSGetGeometryN_r(z->geos, left, i));
	GEOSGeom_destroy_r(z->geos, left);
	return fine;
}

static bool zone_build_sides(struct zone_index *z)
{
	size_t overlays = z->layers[ZONE_OVERLAYS].count;
	bool fine = true;

	for (enum zone_layer l = 0; l < ZONE_LAYERS; l++) {
		for (size_t i = 0; fine && i < z->layers[l].count; i++)
			fine = side_add_shape(z, &z->layers[l].list[i],
			                      l == ZONE_OVERLAYS ? i : overlays);
	}
	return fine && border_close(z->border);
}

/* GEOS builds the inside of a prepared geometry, and of a tree, when it is first asked. */
static void layer_warm_up(struct zone_index *z, enum zone_layer which)
{
	struct zone_point point;
	double metres;

	if (!zone_point_init(z, 0, 0, &point))
		return; /* no memory: they will be built when first asked */
	for (size_t i = 0; i < z->layers[which].count; i++) {
		const GEOSPreparedGeometry *prepared = z->layers[which].list[i].prepared;
		(void)GEOSPreparedIntersects_r(z->geos, prepared, point.geometry);
		(void)GEOSPreparedDistance_r(z->geos, prepared, point.geometry, &metres);
	}
	(void)zone_index_nearest(z, which, &point, &metres);
	zone_point_done(z, &point);
}

bool zone_index_close(struct zone_index *z, char *why, size_t why_size)
{
	bool fine = layer_close(z, ZONE_OVERLAYS) && layer_close(z, ZONE_CONTOURS) &&
	            zone_build_cells(z) && layer_close(z, ZONE_CELLS) && zone_build_sides(z);

	if (!fine) {
		text_copy(why, why_size, z->error[0] ? z->error : "no memory");
		return false;
	}
	GEOSWKBReader_destroy_r(z->geos, z->reader);
	z->reader = NULL;
	for (enum zone_layer l = 0; l < ZONE_LAYERS; l++)
		layer_warm_up(z, l);
	return true;
}

bool zone_point_init(const struct zone_index *z, double lat, double lon, struct zone_point *out)
{
	/* Beyond the map's edge a point is put on the edge: it is outside in any case. */
	lat = fmax(-MERCATOR_LAT_MAX, fmin(MERCATOR_LAT_MAX, lat));
	*out = (struct zone_point){ .lat = mercator_radians(lat),
		                    .x = mercator_x(lon),
		                    .y = mercator_y(lat) };
	out->geometry = GEOSGeom_createPointFromXY_r(z->geos, out->x, out->y);
	return out->geometry != NULL;
}

void zone_point_done(const struct zone_index *z, struct zone_point *point)
{
	GEOSGeom_destroy_r(z->geos, point->geometry);
	point->geometry = NULL;
}

struct search {
	const struct zone_index *z;
	const GEOSGeometry *point;
	const struct shape **found;
	size_t count, max;
};

/* Keeps what it found sorted: a shape's place in memory is its rank. */
static void search_on_candidate(void *item, void *data)
{
	const struct shape *shape = item;
	struct search *search = data;
	size_t at = search->count;

	if (GEOSPreparedIntersects_r(search->z->geos, shape->prepared, search->point) != 1)
		return;
	if (at == search->max && search->found[--at] < shape)
		return;
	if (search->count < search->max)
		search->count++;
	for (; at > 0 && search->found[at - 1] > shape; at--)
		search->found[at] = search->found[at - 1];
	search->found[at] = shape;
}

size_t zone_index_covering(const struct zone_index *z, enum zone_layer layer,
                           const struct zone_point *point,
                           const struct zone_piece *out[static ZONE_COVERING_MAX])
{
	const struct shape *found[ZONE_COVERING_MAX];
	struct search search = { z, point->geometry, found, 0, ZONE_COVERING_MAX };

	if (z->layers[layer].count)
		GEOSSTRtree_query_r(z->geos, z->layers[layer].tree, point->geometry,
		                    search_on_candidate, &search);
	for (size_t i = 0; i < search.count; i++)
		out[i] = &found[i]->piece;
	return search.count;
}

/* GEOS hands over the tree's item and ours, in either order. */
static int search_on_distance(const void *a, const void *b, double *distance, void *data)
{
	const struct search *search = data;
	const struct shape *shape = a == data ? b : a;

	return GEOSPreparedDistance_r(search->z->geos, shape->prepared, search->point, distance);
}

static double metres_between(const struct zone_point *point, double x, double y)
{
	return hypot(x - point->x, y - point->y) *
	       mercator_factor((point->lat + mercator_lat(y)) / 2);
}

const struct zone_piece *zone_index_nearest(const struct zone_index *z, enum zone_layer layer,
                                            const struct zone_point *point, double *metres)
{
	struct search search = { .z = z, .point = point->geometry };
	double x, y;

	*metres = INFINITY;
	if (z->layers[layer].count == 0)
		return NULL;
	const struct shape *shape =
	        GEOSSTRtree_nearest_generic_r(z->geos, z->layers[layer].tree, &search,
	                                      point->geometry, search_on_distance, &search);
	if (!shape)
		return NULL;
	GEOSCoordSequence *ends =
	        GEOSPreparedNearestPoints_r(z->geos, shape->prepared, point->geometry);
	if (ends && GEOSCoordSeq_getXY_r(z->geos, ends, 0, &x, &y) == 1)
		*metres = metres_between(point, x, y);
	GEOSCoordSeq_destroy_r(z->geos, ends);
	return &shape->piece;
}

/* No point within so many metres is further away than this on the map: the factor is smallest
 * where the circle comes nearest to a pole. */
static double reach_on_map(const struct zone_point *point, double metres)
{
	double lat = fabs(point->lat) + metres / EARTH_CURVATURE_MIN_M;

	return metres / mercator_factor(fmin(lat, mercator_radians(MERCATOR_LAT_MAX)));
}

size_t zone_index_sides(const struct zone_index *z, const struct zone_point *point, double radius_m,
                        struct zone_side out[static ZONE_SIDES_MAX])
{
	struct border_hit hits[ZONE_SIDES_MAX];
	double reach = reach_on_map(point, radius_m);
	size_t found = border_near(z->border, point->x, point->y, reach, hits, ZONE_SIDES_MAX),
	       count = 0;

	for (size_t i = 0; i < found; i++) {
		double metres = metres_between(point, hits[i].x, hits[i].y);
		if (metres <= radius_m)
			out[count++] = (struct zone_side){ z->sides[hits[i].owner], metres };
	}
	return count;
}
