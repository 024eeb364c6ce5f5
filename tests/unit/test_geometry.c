#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fixture/territory77.h"
#include "tool/geometry.h"

static void add_square(struct geometry *g, double south, double west, double north, double east)
{
	double ring[] = { west, south, east, south, east, north, west, north };
	unsigned char wkb[128];
	char why[GEOMETRY_WHY_SIZE];

	assert_true(geometry_add(g, wkb, wkb_from_ring(ring, 4, wkb), why));
}

static void is_refused(const double *ring, size_t corners, const char *reason)
{
	struct geometry *g = geometry_new();
	unsigned char wkb[200];
	char why[GEOMETRY_WHY_SIZE];

	assert_false(geometry_add(g, wkb, wkb_from_ring(ring, corners, wkb), why));
	assert_string_equal(why, reason);
	geometry_free(g);
}

static void test_what_is_not_valid(void **state)
{
	struct geometry *g = geometry_new();
	char why[GEOMETRY_WHY_SIZE];

	(void)state;
	is_refused((double[]){ 2, 48, 3, 49, 3, 48, 2, 49 }, 4,
	           "Self-intersection at 2.50000, 48.50000");
	is_refused((double[]){ 652000, 6862000, 653000, 6862000, 653000, 6863000 }, 3,
	           "empty, or not in degrees");
	assert_false(geometry_add(g, (const uint8_t *)"", 0, why));
	assert_string_equal(why, "no polygon");
	assert_false(geometry_add(g, (const uint8_t *)"\1\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
	                          21, why)); /* a point */
	assert_string_equal(why, "no polygon");
	geometry_free(g);
	geometry_free(NULL);
}

static void test_what_an_area_holds(void **state)
{
	struct geometry *g = geometry_new();

	(void)state;
	add_square(g, 48, 2, 49, 3);
	add_square(g, 50, 2, 51, 3);
	assert_true(geometry_covers(g, 0, 48.5, 2.5));
	assert_true(geometry_covers(g, 0, 48, 2)); /* its border too */
	assert_false(geometry_covers(g, 0, 47.99, 2.5));
	assert_false(geometry_covers(g, 0, 2.5, 48.5));
	assert_false(geometry_covers(g, 1, 48.5, 2.5));
	geometry_free(g);
}

static void test_overlaps(void **state)
{
	struct geometry *g = geometry_new();
	struct overlap pair = { 0 };

	(void)state;
	add_square(g, 48.0, 2.0, 48.1, 2.1);
	add_square(g, 48.0, 2.1, 48.1, 2.2);    /* shares a border with the first */
	add_square(g, 48.0, 2.099, 48.1, 2.15); /* 0.001 degrees of the first, half of the second */
	add_square(g, 49.0, 2.0, 49.1, 2.1);    /* far away */
	add_square(g, 48.0, 2.0, 48.00001, 2.1); /* a sliver of the first */
	assert_true(geometry_next_overlap(g, 10000, &pair));
	assert_int_equal(pair.a, 0);
	assert_int_equal(pair.b, 2);
	assert_true(fabs(pair.square_m / (0.001 * 74400 * 11120) - 1) < 0.01);
	assert_true(geometry_next_overlap(g, 10000, &pair));
	assert_int_equal(pair.a, 1);
	assert_int_equal(pair.b, 2);
	assert_false(geometry_next_overlap(g, 10000, &pair));
	pair = (struct overlap){ 0 };
	int count = 0;
	while (geometry_next_overlap(g, 0, &pair))
		count++;
	assert_int_equal(count, 4); /* with the sliver's two */
	geometry_free(g);
}

static void test_no_areas(void **state)
{
	struct geometry *g = geometry_new();
	struct overlap pair = { 0 };

	(void)state;
	assert_false(geometry_next_overlap(g, 0, &pair));
	geometry_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_not_valid),
		cmocka_unit_test(test_what_an_area_holds),
		cmocka_unit_test(test_overlaps),
		cmocka_unit_test(test_no_areas),
	};

	return cmocka_run_group_tests_name("geometry", tests, NULL, NULL);
}
