/*
 * Areas from GeoJSON (RFC 7946): the features of a file, each a polygon or multipolygon as WKB.
 *
 * Called by the import of contours and zones. Strict where a silent mistake would move a border:
 * degrees of WGS84 alone, rings closed, numbers finite, no member twice. Whether an area is a valid
 * one (does not cross itself) is geometry's question.
 */
#ifndef TOCSIN_TOOL_GEOJSON_H
#define TOCSIN_TOOL_GEOJSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#define GEOJSON_FILE_MAX ((size_t)64 * 1024 * 1024)
#define GEOJSON_WHY_SIZE 256

struct geojson {
	size_t count; /* of features */
	char why[GEOJSON_WHY_SIZE];
	json_t *document;
};

struct area {
	uint8_t *wkb; /* little-endian, two dimensions, EPSG:4326; owned */
	size_t length;
};

/* False, with a sentence in `why` (without the path; with the line where the JSON is broken): not a
 * FeatureCollection or Feature, too large, or in other coordinates than WGS84 degrees. */
bool geojson_open(struct geojson *g, const char *path);
bool geojson_begin(struct geojson *g, const void *bytes, size_t length); /* from memory */
void geojson_close(struct geojson *g);                                   /* also after a refusal */

/* A property's text, the first of `names` (which ends with NULL) that the feature has; "" when it
 * has none or it is no text. Borrowed. */
const char *geojson_text(const struct geojson *g, size_t feature, const char *const *names);

/* False, with a sentence in g->why, when the feature's geometry is no area. */
bool geojson_area(struct geojson *g, size_t feature, struct area *out);
void area_done(struct area *area);

#endif
