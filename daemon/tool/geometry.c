#include "tool/geometry.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <geos_c.h>

#include "support/text.h"

#define DEGREE_LAT_M 111200.0 /* at 48 degrees; within 0.5 % from the equator to 60 degrees */
#define DEGREE_LON_M 111320.0 /* at the equator */
#define TREE_FANOUT  10

struct shape {
	GEOSGeometry *geometry;
	const GEOSPreparedGeometry *prepared;
};

struct geometry {
	GEOSContextHandle_t geos;
	GEOSWKBReader *reader;
	GEOSSTRtree *tree; /* made when overlaps are first asked for */
	struct shape *shapes;
	size_t count, room;
	size_t *found; /* neighbours of one area */
	size_t found_count;
};

struct geometry *geometry_new(void)
{
	struct geometry *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->geos = GEOS_init_r();
	g->reader = g->geos ? GEOSWKBReader_create_r(g->geos) : NULL;
	if (g->reader)
		return g;
	geometry_free(g);
	return NULL;
}

void geometry_free(struct geometry *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->count; i++) {
		GEOSPreparedGeom_destroy_r(g->geos, g->shapes[i].prepared);
		GEOSGeom_destroy_r(g->geos, g->shapes[i].geometry);
	}
	if (g->tree)
		GEOSSTRtree_destroy_r(g->geos, g->tree);
	if (g->reader)
		GEOSWKBReader_destroy_r(g->geos, g->reader);
	if (g->geos)
		GEOS_finish_r(g->geos);
	free(g->shapes);
	free(g->found);
	free(g);
}

static bool is_degrees(GEOSContextHandle_t geos, const GEOSGeometry *geometry)
{
	double west, south, east, north;

	return GEOSGeom_getExtent_r(geos, geometry, &west, &south, &east, &north) == 1 &&
	       west >= -180 && east <= 180 && south >= -90 && north <= 90;
}

/* "Self-intersection at 2.65430, 48.53910". */
static void invalid_tell(struct geometry *g, const GEOSGeometry *geometry,
                         char why[static GEOMETRY_WHY_SIZE])
{
	char *reason = NULL;
	GEOSGeometry *where = NULL;
	double x, y;

	why[0] = '\0';
	(void)GEOSisValidDetail_r(g->geos, geometry, 0, &reason, &where);
	text_add(why, GEOMETRY_WHY_SIZE, "%s", reason ? reason : "not valid");
	if (where && GEOSGeomGetX_r(g->geos, where, &x) == 1 &&
	    GEOSGeomGetY_r(g->geos, where, &y) == 1)
		text_add(why, GEOMETRY_WHY_SIZE, " at %.5f, %.5f", x, y);
	GEOSFree_r(g->geos, reason);
	GEOSGeom_destroy_r(g->geos, where);
}

static bool geometry_check(struct geometry *g, const GEOSGeometry *geometry,
                           char why[static GEOMETRY_WHY_SIZE])
{
	int type = geometry ? GEOSGeomTypeId_r(g->geos, geometry) : -1;

	if (type != GEOS_POLYGON && type != GEOS_MULTIPOLYGON) {
		text_copy(why, GEOMETRY_WHY_SIZE, "no polygon");
		return false;
	}
	if (!is_degrees(g->geos, geometry)) {
		text_copy(why, GEOMETRY_WHY_SIZE, "empty, or not in degrees");
		return false;
	}
	if (GEOSisValid_r(g->geos, geometry) == 1)
		return true;
	invalid_tell(g, geometry, why);
	return false;
}

static bool shape_add(struct geometry *g, GEOSGeometry *geometry)
{
	size_t room = g->count < g->room ? g->room : 2 * g->room + 16;
	struct shape *shapes =
	        room > g->room ? reallocarray(g->shapes, room, sizeof(*shapes)) : g->shapes;

	if (!shapes)
		return false;
	g->shapes = shapes;
	g->room = room;
	shapes[g->count].geometry = geometry;
	shapes[g->count].prepared = GEOSPrepare_r(g->geos, geometry);
	return shapes[g->count].prepared && ++g->count;
}

bool geometry_add(struct geometry *g, const uint8_t *wkb, size_t length,
                  char why[static GEOMETRY_WHY_SIZE])
{
	GEOSGeometry *geometry = GEOSWKBReader_read_r(g->geos, g->reader, wkb, length);
	bool fine = geometry_check(g, geometry, why);

	if (fine && !shape_add(g, geometry)) {
		text_copy(why, GEOMETRY_WHY_SIZE, "no memory");
		fine = false;
	}
	if (!fine)
		GEOSGeom_destroy_r(g->geos, geometry);
	return fine;
}

bool geometry_covers(const struct geometry *g, size_t area, double lat, double lon)
{
	GEOSGeometry *point = GEOSGeom_createPointFromXY_r(g->geos, lon, lat);
	bool covers =
	        point && GEOSPreparedIntersects_r(g->geos, g->shapes[area].prepared, point) == 1;

	GEOSGeom_destroy_r(g->geos, point);
	return covers;
}

static double square_metres(const struct geometry *g, const GEOSGeometry *geometry)
{
	double square = 0, west, south, east, north;

	if (GEOSArea_r(g->geos, geometry, &square) != 1 || square <= 0 ||
	    GEOSGeom_getExtent_r(g->geos, geometry, &west, &south, &east, &north) != 1)
		return 0;
	return square * DEGREE_LAT_M * DEGREE_LON_M * cos((south + north) / 2 * (M_PI / 180));
}

static double overlap_of(const struct geometry *g, size_t a, size_t b)
{
	if (GEOSPreparedIntersects_r(g->geos, g->shapes[a].prepared, g->shapes[b].geometry) != 1)
		return 0;
	GEOSGeometry *shared =
	        GEOSIntersection_r(g->geos, g->shapes[a].geometry, g->shapes[b].geometry);
	double square = shared ? square_metres(g, shared) : INFINITY; /* GEOS cannot say: show it */
	GEOSGeom_destroy_r(g->geos, shared);
	return square;
}

static bool tree_make(struct geometry *g)
{
	g->found = calloc(g->count ? g->count : 1, sizeof(*g->found));
	g->tree = g->found ? GEOSSTRtree_create_r(g->geos, TREE_FANOUT) : NULL;
	for (size_t i = 0; g->tree && i < g->count; i++)
		GEOSSTRtree_insert_r(g->geos, g->tree, g->shapes[i].geometry, &g->shapes[i]);
	return g->tree != NULL;
}

static void tree_on_shape(void *item, void *data)
{
	struct geometry *g = data;

	g->found[g->found_count++] = (size_t)((struct shape *)item - g->shapes);
}

static int number_compare(const void *a, const void *b)
{
	const size_t *one = a, *other = b;

	return *one < *other ? -1 : *one > *other;
}

bool geometry_next_overlap(struct geometry *g, double least_square_m, struct overlap *pair)
{
	if (!g->tree && !tree_make(g))
		return false;
	for (size_t a = pair->a; a < g->count; a++) {
		size_t after = a == pair->a && pair->b > a ? pair->b : a;
		g->found_count = 0;
		GEOSSTRtree_query_r(g->geos, g->tree, g->shapes[a].geometry, tree_on_shape, g);
		qsort(g->found, g->found_count, sizeof(*g->found), number_compare);
		for (size_t i = 0; i < g->found_count; i++) {
			double square = g->found[i] > after ? overlap_of(g, a, g->found[i]) : 0;
			if (square > least_square_m) {
				*pair = (struct overlap){ a, g->found[i], square };
				return true;
			}
		}
	}
	return false;
}
