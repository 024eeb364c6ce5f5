#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "decide/zone_index.h"
#include "tests/fixture/territory77.h"

/* Near 49 degrees north 0.001 degrees are 111.2 m north and 73.1 m east. */
static size_t square(unsigned char *wkb, double south, double west, double north, double east)
{
	double ring[] = { west, south, east, south, east, north, west, north };

	return wkb_from_ring(ring, 4, wkb);
}

static struct commune commune(const char *code, const char *centre, double lat, double lon)
{
	return (struct commune){
		.code = commune_code(code), .centre = centre_id(centre), .lat = lat, .lon = lon
	};
}

static void contour_put(struct zone_index *z, const struct commune *c, double south, double west,
                        double north, double east)
{
	unsigned char wkb[128];

	assert_true(zone_index_put_contour(z, c, wkb, square(wkb, south, west, north, east)));
}

static void close_well(struct zone_index *z)
{
	char why[200] = "";

	assert_true(zone_index_close(z, why, sizeof(why)));
	assert_string_equal(why, "");
}

static size_t covering(const struct zone_index *z, enum zone_layer layer, double lat, double lon,
                       const struct zone_piece *out[static ZONE_COVERING_MAX])
{
	struct zone_point point;

	assert_true(zone_point_init(z, lat, lon, &point));
	size_t count = zone_index_covering(z, layer, &point, out);
	zone_point_done(z, &point);
	return count;
}

static size_t sides(const struct zone_index *z, double lat, double lon, double radius_m,
                    struct zone_side out[static ZONE_SIDES_MAX])
{
	struct zone_point point;

	assert_true(zone_point_init(z, lat, lon, &point));
	size_t count = zone_index_sides(z, &point, radius_m, out);
	zone_point_done(z, &point);
	return count;
}

static void test_what_is_no_contour(void **state)
{
	static const unsigned char line[] = { 1, 2, 0, 0, 0, 2, 0, 0, 0, [40] = 0 };
	struct zone_index *z = zone_index_new();
	struct commune c = commune("77001", "cic-77", 49, 2);
	double butterfly[] = { 2, 49, 2.1, 49.1, 2.1, 49, 2, 49.1 };
	unsigned char wkb[128];

	(void)state;
	assert_non_null(z);
	size_t length = wkb_from_ring(butterfly, 4, wkb);
	assert_false(zone_index_put_contour(z, &c, wkb, length)); /* crosses itself */
	assert_false(zone_index_put_contour(z, &c, line, sizeof(line)));
	length = square(wkb, 49, 2, 49.1, 2.1);
	for (size_t cut = 0; cut < length; cut++)
		assert_false(zone_index_put_contour(z, &c, wkb, cut));
	assert_false(zone_index_put_contour(z, &c, wkb,
	                                    square(wkb, 89, 2, 89.5, 2.1))); /* no map there */
	assert_false(zone_index_put_contour(
	        z, &c, wkb, square(wkb, 6.8e6, 6.5e5, 6.9e6, 6.6e5))); /* Lambert 93 */
	assert_false(zone_index_put_contour(z, &c, wkb, square(wkb, 49, 2, NAN, 2.1)));
	assert_false(zone_index_put_contour(z, &c, wkb, square(wkb, 49, 2, INFINITY, 2.1)));
	assert_true(zone_index_put_contour(z, &c, wkb, square(wkb, 49, 2, 49.1, 2.1)));
	close_well(z);
	zone_index_free(z);
}

static void test_an_empty_index(void **state)
{
	struct zone_index *z = zone_index_new();
	const struct zone_piece *pieces[ZONE_COVERING_MAX];
	struct zone_side near[ZONE_SIDES_MAX];
	struct zone_point point;
	double metres;

	(void)state;
	close_well(z);
	assert_int_equal(covering(z, ZONE_CONTOURS, 49, 2, pieces), 0);
	assert_int_equal(sides(z, 49, 2, 1e9, near), 0);
	assert_true(zone_point_init(z, 49, 2, &point));
	assert_null(zone_index_nearest(z, ZONE_CELLS, &point, &metres));
	zone_point_done(z, &point);
	zone_index_free(z);
	zone_index_free(NULL);
}

static void test_rank_is_the_code(void **state)
{
	struct zone_index *z = zone_index_new();
	struct commune c[6];
	const struct zone_piece *pieces[ZONE_COVERING_MAX];

	(void)state;
	for (int i = 0; i < 6; i++) { /* put in falling order, all over the same place */
		char code[] = "77009";
		code[4] = (char)('6' - i);
		c[i] = commune(code, "cic-77", 49.05, 2.05);
		contour_put(z, &c[i], 49, 2, 49.1, 2.1);
	}
	close_well(z);
	assert_int_equal(covering(z, ZONE_CONTOURS, 49.05, 2.05, pieces), ZONE_COVERING_MAX);
	for (int i = 0; i < ZONE_COVERING_MAX; i++)
		assert_ptr_equal(pieces[i]->commune, &c[5 - i]);
	zone_index_free(z);
}

static void test_overlays_keep_their_order_and_take_from_below(void **state)
{
	struct zone_index *z = zone_index_new();
	struct commune c = commune("77001", "cic-77", 49.05, 2.05);
	const struct zone_piece *pieces[ZONE_COVERING_MAX];
	struct zone_side near[ZONE_SIDES_MAX];
	unsigned char wkb[128];

	(void)state;
	contour_put(z, &c, 49, 2, 49.1, 2.1);
	assert_true(zone_index_put_overlay(z, "z-first", centre_id("paf-77"), wkb,
	                                   square(wkb, 49.02, 2.02, 49.06, 2.06)));
	assert_true(zone_index_put_overlay(z, "a-second", centre_id("pp-75"), wkb,
	                                   square(wkb, 49.04, 2.04, 49.08, 2.08)));
	close_well(z);
	assert_int_equal(covering(z, ZONE_OVERLAYS, 49.05, 2.05, pieces), 2);
	assert_string_equal(pieces[0]->name, "z-first");
	/* From the middle of the first, the second begins where the first ends, not where it was
	 * drawn. */
	assert_int_equal(sides(z, 49.05, 2.05, 732, near), 2);
	assert_string_equal(near[0].centre.text, "paf-77"); /* its own border */
	assert_string_equal(near[1].centre.text, "pp-75");
	assert_true(fabs(near[1].metres - 731.6) < 1);
	/* The commune's centre has nothing left inside of either. */
	assert_int_equal(sides(z, 49.05, 2.05, 1000, near), 2);
	assert_int_equal(sides(z, 49.05, 2.05, 2000, near), 3);
	zone_index_free(z);
}

static void test_an_overlay_may_take_all(void **state)
{
	struct zone_index *z = zone_index_new();
	struct commune c = commune("77001", "cic-77", 49.05, 2.05);
	struct zone_side near[ZONE_SIDES_MAX];
	unsigned char wkb[128];

	(void)state;
	contour_put(z, &c, 49, 2, 49.1, 2.1);
	assert_true(zone_index_put_overlay(z, "tout", centre_id("paf-77"), wkb,
	                                   square(wkb, 48.9, 1.9, 49.2, 2.2)));
	close_well(z);
	assert_int_equal(sides(z, 49.05, 2.05, 1e6, near), 1);
	assert_string_equal(near[0].centre.text, "paf-77");
	zone_index_free(z);
}

static void test_nearest_and_how_far(void **state)
{
	struct zone_index *z = zone_index_new();
	struct commune west = commune("77001", "cic-77", 49.05, 2.05),
	               east = commune("77002", "cic-77", 49.05, 2.35);
	struct zone_point point;
	double metres;

	(void)state;
	contour_put(z, &west, 49, 2, 49.1, 2.1);
	contour_put(z, &east, 49, 2.3, 49.1, 2.4);
	close_well(z);
	assert_true(zone_point_init(z, 49.05, 2.19, &point));
	assert_ptr_equal(zone_index_nearest(z, ZONE_CONTOURS, &point, &metres)->commune, &west);
	assert_true(fabs(metres - 6577) < 3);
	zone_point_done(z, &point);
	assert_true(zone_point_init(z, 49.05, 2.05, &point)); /* inside */
	assert_ptr_equal(zone_index_nearest(z, ZONE_CONTOURS, &point, &metres)->commune, &west);
	zone_point_done(z, &point);
	assert_true(zone_point_init(z, 90, 2.05, &point)); /* the pole */
	assert_non_null(zone_index_nearest(z, ZONE_CONTOURS, &point, &metres));
	assert_true(isfinite(metres) && metres > 3e6);
	zone_point_done(z, &point);
	zone_index_free(z);
}

static void test_cells_stop_at_contours(void **state)
{
	struct zone_index *z = zone_index_new();
	struct commune exact = commune("77001", "cic-77", 49.05, 2.05),
	               guess = commune("91001", "cic-91", 49.05, 2.12);
	const struct zone_piece *pieces[ZONE_COVERING_MAX];

	(void)state;
	contour_put(z, &exact, 49, 2, 49.1, 2.1);
	assert_true(zone_index_put_point(z, &guess));
	close_well(z);
	assert_int_equal(covering(z, ZONE_CELLS, 49.05, 2.09, pieces), 0);
	assert_int_equal(covering(z, ZONE_CELLS, 49.05, 2.11, pieces), 1);
	assert_true(pieces[0]->is_cell);
	assert_int_equal(pieces[0]->adjoining_count, 0); /* a contour's border is no guess */
	assert_int_equal(covering(z, ZONE_CELLS, 49.05, 2.12 + 0.115, pieces),
	                 0); /* out of reach */
	zone_index_free(z);
}

/* A point inside of a contour, from a file of another year: the commune keeps its contour. */
static void test_a_cell_that_a_contour_covers_whole(void **state)
{
	struct zone_index *z = zone_index_new();
	struct commune exact = commune("77001", "cic-77", 49, 2),
	               guess = commune("91001", "cic-91", 49, 2);
	const struct zone_piece *pieces[ZONE_COVERING_MAX];

	(void)state;
	contour_put(z, &exact, 48.5, 1.5, 49.5, 2.5);
	assert_true(zone_index_put_point(z, &guess));
	close_well(z);
	assert_int_equal(covering(z, ZONE_CELLS, 49, 2, pieces), 0);
	assert_int_equal(covering(z, ZONE_CONTOURS, 49, 2, pieces), 1);
	zone_index_free(z);
}

static void test_adjoining_cells_know_the_other_centres(void **state)
{
	struct zone_index *z = zone_index_new();
	struct commune c[] = { commune("91001", "a", 49, 2.00), commune("91002", "a", 49, 2.02),
		               commune("91003", "b", 49, 2.04), commune("91004", "", 49, 2.06) };
	const struct zone_piece *pieces[ZONE_COVERING_MAX];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_true(zone_index_put_point(z, &c[i]));
	close_well(z);
	assert_int_equal(covering(z, ZONE_CELLS, 49, 2.00, pieces), 1);
	assert_int_equal(pieces[0]->adjoining_count, 0);
	assert_int_equal(covering(z, ZONE_CELLS, 49, 2.02, pieces), 1);
	assert_int_equal(pieces[0]->adjoining_count, 1);
	assert_string_equal(pieces[0]->adjoining[0].text, "b");
	assert_int_equal(covering(z, ZONE_CELLS, 49, 2.06, pieces), 1);
	assert_int_equal(pieces[0]->adjoining_count, 1); /* without a centre of its own */
	zone_index_free(z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_no_contour),
		cmocka_unit_test(test_an_empty_index),
		cmocka_unit_test(test_rank_is_the_code),
		cmocka_unit_test(test_overlays_keep_their_order_and_take_from_below),
		cmocka_unit_test(test_an_overlay_may_take_all),
		cmocka_unit_test(test_nearest_and_how_far),
		cmocka_unit_test(test_cells_stop_at_contours),
		cmocka_unit_test(test_a_cell_that_a_contour_covers_whole),
		cmocka_unit_test(test_adjoining_cells_know_the_other_centres),
	};

	return cmocka_run_group_tests_name("zone_index", tests, NULL, NULL);
}
