#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tool/geojson.h"

#define SQUARE "[[2,48],[3,48],[3,49],[2,48]]"

static const char *const codes[] = { "code", "INSEE_COM", NULL };

static struct geojson begin(const char *text)
{
	struct geojson g;

	if (!geojson_begin(&g, text, strlen(text)))
		fail_msg("%s", g.why);
	return g;
}

static void is_refused(const char *text, const char *why)
{
	struct geojson g;

	assert_false(geojson_begin(&g, text, strlen(text)));
	assert_string_equal(g.why, why);
	geojson_close(&g);
}

static void area_is_refused(const char *geometry, const char *why)
{
	char text[1000];
	struct area area;

	snprintf(text, sizeof(text), "{\"type\":\"Feature\",\"geometry\":%s}", geometry);
	struct geojson g = begin(text);
	assert_false(geojson_area(&g, 0, &area));
	assert_string_equal(g.why, why);
	area_done(&area);
	geojson_close(&g);
}

static void test_features(void **state)
{
	struct geojson g = begin(
	        "{\"type\":\"FeatureCollection\",\"features\":["
	        "{\"type\":\"Feature\",\"properties\":{\"code\":\"77001\"},\"geometry\":null},"
	        "{\"type\":\"Feature\",\"properties\":{\"INSEE_COM\":\"77002\",\"code\":7},"
	        "\"geometry\":null},"
	        "{\"type\":\"Feature\",\"properties\":null},{},[]]}");
	struct area area;

	(void)state;
	assert_int_equal(g.count, 5);
	assert_string_equal(geojson_text(&g, 0, codes), "77001");
	assert_string_equal(geojson_text(&g, 1, codes), "77002"); /* a number is no code */
	for (size_t i = 2; i < 6; i++)
		assert_string_equal(geojson_text(&g, i, codes), "");
	for (size_t i = 0; i < 6; i++)
		assert_false(geojson_area(&g, i, &area));
	geojson_close(&g);
}

static void test_polygon_as_wkb(void **state)
{
	/* Little-endian, type 3, one ring, four corners, the first at 2, 48. */
	static const uint8_t head[] = { 1, 3, 0, 0, 0, 1,    0, 0, 0, 4, 0, 0, 0,    0,   0,
		                        0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0x48, 0x40 };
	struct geojson g = begin(
	        "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[" SQUARE
	        "]}}");
	struct area area;

	(void)state;
	assert_int_equal(g.count, 1);
	assert_true(geojson_area(&g, 0, &area));
	assert_int_equal(area.length, 9 + 4 + 4 * 16);
	assert_memory_equal(area.wkb, head, sizeof(head));
	area_done(&area);
	geojson_close(&g);
}

static void test_multipolygon_with_holes_and_altitudes(void **state)
{
	struct geojson g = begin("{\"type\":\"Feature\",\"geometry\":{\"type\":\"MultiPolygon\","
	                         "\"coordinates\":[[" SQUARE "],["
	                         "[[5,48,100],[6,48,100],[6,49,101.5],[5,48,100]]," SQUARE "]]}}");
	struct area area;

	(void)state;
	assert_true(geojson_area(&g, 0, &area));
	assert_int_equal(area.length, 9 + (9 + 4 + 64) + (9 + 2 * (4 + 64)));
	assert_int_equal(area.wkb[1], 6);
	assert_int_equal(area.wkb[5], 2);
	area_done(&area);
	geojson_close(&g);
}

static void test_what_is_no_area(void **state)
{
	(void)state;
	area_is_refused("null", "its geometry is neither a polygon nor a multipolygon");
	area_is_refused("{\"type\":\"Point\",\"coordinates\":[2,48]}",
	                "its geometry is neither a polygon nor a multipolygon");
	area_is_refused("{\"type\":\"MultiPolygon\",\"coordinates\":[]}",
	                "its geometry is neither a polygon nor a multipolygon");
	area_is_refused("{\"type\":\"Polygon\"}", "a polygon has no ring");
	area_is_refused("{\"type\":\"Polygon\",\"coordinates\":[[]]}",
	                "a ring has 0 corners, which is no area");
	area_is_refused("{\"type\":\"Polygon\",\"coordinates\":[[[2,48],[3,48],[2,48]]]}",
	                "a ring has 3 corners, which is no area");
	area_is_refused("{\"type\":\"Polygon\",\"coordinates\":[[[2,48],[3,48],[3,49],[2,49]]]}",
	                "a ring is not closed: its last corner is not its first");
	area_is_refused("{\"type\":\"Polygon\",\"coordinates\":[[[2,48],[3,48],[3],[2,48]]]}",
	                "a corner is not two numbers");
	area_is_refused(
	        "{\"type\":\"Polygon\",\"coordinates\":[[[2,48],[3,48],[\"3\",49],[2,48]]]}",
	        "a corner is not two numbers");
	/* Lambert 93; and latitude first, where that can be seen. */
	area_is_refused("{\"type\":\"Polygon\",\"coordinates\":[[[652000,6862000],[653000,6862000],"
	                "[653000,6863000],[652000,6862000]]]}",
	                "a corner at 652000, 6.862e+06 is not in degrees, longitude first");
	area_is_refused("{\"type\":\"Polygon\",\"coordinates\":[[[2,91],[3,91],[3,92],[2,91]]]}",
	                "a corner at 2, 91 is not in degrees, longitude first");
}

static void test_documents_that_are_refused(void **state)
{
	(void)state;
	is_refused("{\n\n\"a\":}", "line 3: unexpected token near '}'");
	is_refused("{\"type\":\"FeatureCollection\",\"features\":[],\"features\":[]}",
	           "line 1: duplicate object key near '\"features\"'");
	is_refused("{\"type\":\"FeatureCollection\"}", "its features are no list");
	is_refused("{\"type\":\"Polygon\",\"coordinates\":[]}", "it is no GeoJSON of features");
	is_refused("[]", "it is no GeoJSON of features");
	is_refused("{\"type\":\"FeatureCollection\",\"features\":[],\"crs\":{\"type\":\"name\","
	           "\"properties\":{\"name\":"
	           "\"urn:ogc:def:crs:EPSG::2154\"}}}",
	           "its coordinates are not WGS84 degrees (member 'crs')");
	is_refused("{\"type\":\"FeatureCollection\",\"features\":[],\"crs\":{}}",
	           "its coordinates are not WGS84 degrees (member 'crs')");
	struct geojson g = begin("{\"type\":\"FeatureCollection\",\"features\":[],\"crs\":{"
	                         "\"type\":\"name\",\"properties\":{\"name\":"
	                         "\"urn:ogc:def:crs:OGC:1.3:CRS84\"}}}");
	assert_int_equal(g.count, 0);
	geojson_close(&g);
}

static void test_files(void **state)
{
	static const char text[] = "{\"type\":\"FeatureCollection\",\"features\":[{}]}";
	char path[] = TEMP_DIR "/geojson-XXXXXX";
	int fd = mkstemp(path);
	struct geojson g;

	(void)state;
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_true(geojson_open(&g, path));
	assert_int_equal(g.count, 1);
	geojson_close(&g);
	assert_int_equal(ftruncate(fd, (off_t)GEOJSON_FILE_MAX + 1), 0); /* of NULs behind */
	close(fd);
	assert_false(geojson_open(&g, path));
	geojson_close(&g);
	unlink(path);
	assert_false(geojson_open(&g, path));
	assert_string_equal(g.why, "No such file or directory");
	geojson_close(&g);
	assert_false(geojson_open(&g, TEMP_DIR));
	assert_string_equal(g.why, "Is a directory");
	geojson_close(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_features),
		cmocka_unit_test(test_polygon_as_wkb),
		cmocka_unit_test(test_multipolygon_with_holes_and_altitudes),
		cmocka_unit_test(test_what_is_no_area),
		cmocka_unit_test(test_documents_that_are_refused),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests_name("geojson", tests, NULL, NULL);
}
