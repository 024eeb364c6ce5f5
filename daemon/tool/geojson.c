#include "tool/geojson.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/text.h"

#define WKB_LITTLE_ENDIAN 1
#define WKB_POLYGON       3
#define WKB_MULTIPOLYGON  6
#define RING_CORNERS_MIN  4 /* RFC 7946, 3.1.6; the last repeats the first */

static bool geojson_refuse(struct geojson *g, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

static bool geojson_refuse(struct geojson *g, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(g->why, sizeof(g->why), format, args); /* a cut sentence still tells */
	va_end(args);
	return false;
}

static bool is_type(const json_t *object, const char *type)
{
	const char *text = json_string_value(json_object_get(object, "type"));

	return text && strcmp(text, type) == 0;
}

/* The member "crs" is of the older GeoJSON of 2008. It may say what holds anyway. */
static bool crs_is_degrees(const json_t *document)
{
	const json_t *crs = json_object_get(document, "crs");
	const char *name =
	        json_string_value(json_object_get(json_object_get(crs, "properties"), "name"));

	if (!crs || json_is_null(crs))
		return true;
	return name && (strstr(name, "CRS84") || strstr(name, "EPSG::4326") ||
	                strcmp(name, "EPSG:4326") == 0);
}

static bool document_check(struct geojson *g)
{
	bool is_collection = is_type(g->document, "FeatureCollection");
	json_t *features = json_object_get(g->document, "features");

	if (!is_collection && !is_type(g->document, "Feature"))
		return geojson_refuse(g, "it is no GeoJSON of features");
	if (is_collection && !json_is_array(features))
		return geojson_refuse(g, "its features are no list");
	if (!crs_is_degrees(g->document))
		return geojson_refuse(g, "its coordinates are not WGS84 degrees (member 'crs')");
	g->count = is_collection ? json_array_size(features) : 1;
	return true;
}

static bool document_take(struct geojson *g, json_t *document, const json_error_t *error)
{
	g->document = document;
	if (!document)
		return geojson_refuse(g, "line %d: %s", error->line, error->text);
	return document_check(g);
}

bool geojson_begin(struct geojson *g, const void *bytes, size_t length)
{
	json_error_t error;

	*g = (struct geojson){ 0 };
	if (length > GEOJSON_FILE_MAX)
		return geojson_refuse(g, "it has more than %zu bytes", GEOJSON_FILE_MAX);
	return document_take(g, json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &error), &error);
}

struct capped {
	FILE *file;
	size_t left;
	bool is_over;
};

static size_t capped_read(void *buffer, size_t length, void *data)
{
	struct capped *capped = data;

	if (capped->left == 0) {
		capped->is_over = fgetc(capped->file) != EOF;
		return capped->is_over ? (size_t)-1 : 0;
	}
	size_t count =
	        fread(buffer, 1, length < capped->left ? length : capped->left, capped->file);
	capped->left -= count;
	return count == 0 && ferror(capped->file) ? (size_t)-1 : count;
}

bool geojson_open(struct geojson *g, const char *path)
{
	struct capped capped = { .file = fopen(path, "re"), .left = GEOJSON_FILE_MAX };
	json_error_t error;

	*g = (struct geojson){ 0 };
	if (!capped.file)
		return geojson_refuse(g, "%s", strerror(errno));
	errno = 0;
	json_t *document = json_load_callback(capped_read, &capped, JSON_REJECT_DUPLICATES, &error);
	int failed = ferror(capped.file) ? errno : 0;
	fclose(capped.file);
	bool fine = document_take(g, document, &error);
	if (failed)
		return geojson_refuse(g, "%s", strerror(failed));
	return capped.is_over ? geojson_refuse(g, "it has more than %zu bytes", GEOJSON_FILE_MAX)
	                      : fine;
}

void geojson_close(struct geojson *g)
{
	json_decref(g->document);
	*g = (struct geojson){ 0 };
}

static json_t *feature_at(const struct geojson *g, size_t feature)
{
	json_t *features = json_object_get(g->document, "features");

	return json_is_array(features) ? json_array_get(features, feature) : g->document;
}

const char *geojson_text(const struct geojson *g, size_t feature, const char *const *names)
{
	json_t *properties = json_object_get(feature_at(g, feature), "properties");

	for (; *names; names++) {
		const char *text = json_string_value(json_object_get(properties, *names));
		if (text)
			return text;
	}
	return "";
}

/* WKB under construction: measured first, with `at` NULL, then written. */
struct writer {
	uint8_t *at;
	size_t length;
};

static void write_bytes(struct writer *w, uint64_t value, unsigned count)
{
	for (unsigned i = 0; i < count; i++, w->length++) {
		if (w->at)
			*w->at++ = (uint8_t)(value >> (8 * i));
	}
}

static void write_double(struct writer *w, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	write_bytes(w, bits, sizeof(bits));
}

static void write_head(struct writer *w, unsigned type, size_t count)
{
	write_bytes(w, WKB_LITTLE_ENDIAN, 1);
	write_bytes(w, type, 4);
	write_bytes(w, count, 4);
}

/* Longitude and latitude; an altitude may follow and is left out (RFC 7946, 3.1.1). */
static bool corner_read(struct geojson *g, const json_t *corner, double out[static 2])
{
	const json_t *lon = json_array_get(corner, 0), *lat = json_array_get(corner, 1);

	if (!json_is_number(lon) || !json_is_number(lat))
		return geojson_refuse(g, "a corner is not two numbers");
	out[0] = json_number_value(lon);
	out[1] = json_number_value(lat);
	if (!(fabs(out[0]) <= 180 && fabs(out[1]) <= 90))
		return geojson_refuse(g,
		                      "a corner at %.6g, %.6g is not in degrees, longitude first",
		                      out[0], out[1]);
	return true;
}

static bool ring_write(struct geojson *g, const json_t *ring, struct writer *w)
{
	size_t count = json_array_size(ring);
	double first[2] = { 0 }, corner[2] = { 0 };

	if (count < RING_CORNERS_MIN)
		return geojson_refuse(g, "a ring has %zu corners, which is no area", count);
	write_bytes(w, count, 4);
	for (size_t i = 0; i < count; i++) {
		if (!corner_read(g, json_array_get(ring, i), corner))
			return false;
		if (i == 0)
			memcpy(first, corner, sizeof(first));
		write_double(w, corner[0]);
		write_double(w, corner[1]);
	}
	if (first[0] != corner[0] || first[1] != corner[1])
		return geojson_refuse(g, "a ring is not closed: its last corner is not its first");
	return true;
}

static bool polygon_write(struct geojson *g, const json_t *polygon, struct writer *w)
{
	size_t count = json_array_size(polygon);

	if (count == 0)
		return geojson_refuse(g, "a polygon has no ring");
	write_head(w, WKB_POLYGON, count);
	for (size_t i = 0; i < count; i++) {
		if (!ring_write(g, json_array_get(polygon, i), w))
			return false;
	}
	return true;
}

static bool geometry_write(struct geojson *g, const json_t *geometry, struct writer *w)
{
	const json_t *coordinates = json_object_get(geometry, "coordinates");
	size_t count = json_array_size(coordinates);

	if (is_type(geometry, "Polygon"))
		return polygon_write(g, coordinates, w);
	if (!is_type(geometry, "MultiPolygon") || count == 0)
		return geojson_refuse(g, "its geometry is neither a polygon nor a multipolygon");
	write_head(w, WKB_MULTIPOLYGON, count);
	for (size_t i = 0; i < count; i++) {
		if (!polygon_write(g, json_array_get(coordinates, i), w))
			return false;
	}
	return true;
}

bool geojson_area(struct geojson *g, size_t feature, struct area *out)
{
	const json_t *of = feature_at(g, feature), *geometry = json_object_get(of, "geometry");
	struct writer measure = { NULL, 0 };

	*out = (struct area){ 0 };
	if (!is_type(of, "Feature"))
		return geojson_refuse(g, "it is no feature");
	if (!geometry_write(g, geometry, &measure))
		return false;
	out->wkb = malloc(measure.length);
	if (!out->wkb)
		return geojson_refuse(g, "no memory");
	out->length = measure.length;
	struct writer w = { out->wkb, 0 };
	return geometry_write(g, geometry, &w);
}

void area_done(struct area *area)
{
	free(area->wkb);
	*area = (struct area){ 0 };
}
