/* Any bytes as contours: what comes out as an area is one that GEOS reads, and nothing is left
 * over. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "decide/zone_index.h"
#include "tool/geojson.h"
#include "tool/geometry.h"

#define check(cond) ((cond) ? (void)0 : abort())

/* What geometry calls valid, the daemon's index may still refuse (the poles), but never the other
 * way about by more than a rounding in the projection. Both must survive. */
static void area_holds(const struct area *area)
{
	struct geometry *g = geometry_new();
	struct zone_index *z = zone_index_new();
	struct commune commune = { .code = commune_code("77288"), .centre = centre_id("cic-77") };
	char why[GEOMETRY_WHY_SIZE] = "", close_why[200] = "";

	check(g && z);
	if (!geometry_add(g, area->wkb, area->length, why))
		check(why[0] != '\0');
	if (zone_index_put_contour(z, &commune, area->wkb, area->length))
		check(zone_index_close(z, close_why, sizeof(close_why)));
	zone_index_free(z);
	geometry_free(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "code", "nom", NULL };
	struct geojson g;
	struct area area;

	if (!geojson_begin(&g, data, size)) {
		check(g.why[0] != '\0');
		geojson_close(&g);
		return 0;
	}
	for (size_t i = 0; i < g.count; i++) {
		check(geojson_text(&g, i, names) != NULL);
		if (geojson_area(&g, i, &area)) {
			check(area.length >= 9 + 4 + 4 * 16);
			area_holds(&area);
		}
		area_done(&area);
	}
	geojson_close(&g);
	return 0;
}
