/* The rules one by one are rows of tests/table/zone.txt; here is what holds everywhere. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decide/zone.h"
#include "support/bug.h"
#include "tests/fixture/territory77.h"

static bool is_near(const struct zone_answer *z, struct centre_id centre)
{
	for (unsigned i = 0; i < z->near_count; i++) {
		if (centre_equal(z->near[i], centre))
			return true;
	}
	return false;
}

static void test_no_territory(void **state)
{
	struct territory *t = territory_new();
	struct zone_answer z;
	char why[100];

	(void)state;
	zone_locate(NULL, 49, 2, 20, &z);
	assert_true(!z.commune && !z.nearest && z.near_count == 0 && !centre_is_set(z.centre));
	zone_locate(t, 49, 2, 20, &z); /* not closed */
	assert_true(!z.commune && !z.nearest);
	assert_true(territory_close(t, why, sizeof(why)));
	zone_locate(t, 49, 2, 20, &z);
	assert_true(!z.commune && !z.nearest);
	territory_free(t);
}

static void test_what_is_not_on_earth_is_outside(void **state)
{
	struct territory *t = territory77_new(false);
	unsigned long bugs = bug_count();
	struct zone_answer z;

	(void)state;
	zone_locate(t, NAN, 2.6, 20, &z);
	assert_null(z.commune);
	zone_locate(t, 48.5, INFINITY, 20, &z);
	assert_null(z.commune);
	assert_true(bug_count() >= bugs + 2);
	zone_locate(t, 48.5397, 2.6553, NAN, &z); /* counts as unknown accuracy */
	assert_string_equal(z.commune->code.text, "77288");
	for (int i = 0; i < 4; i++) { /* the ends of the Earth are outside, and no fault */
		zone_locate(t, i < 2 ? 90 : -90, i % 2 ? 180 : -180, 1e8, &z);
		assert_null(z.commune);
		assert_true(z.nearest && isfinite(z.nearest_m));
	}
	territory_free(t);
}

/* With the real contours, whatever the accuracy: a commune's own point is in the commune, a better
 * fix never has more centres near, and never is the competent one among them. */
static void test_every_commune(void **state)
{
	(void)state;
	if (!territory77_has_contours()) {
		print_message("skipped: no ../shared/territory/communes77-2026.geojson beside the "
		              "project\n");
		skip();
	}
	const struct territory77_commune *rows = territory77_communes();
	struct territory *t = territory77_new(true);
	for (size_t i = 0; i < TERRITORY77_COMMUNES; i++) {
		struct zone_answer z, wider;
		for (double accuracy_m = 1; accuracy_m < 1e6; accuracy_m *= 4) {
			zone_locate(t, rows[i].lat, rows[i].lon, accuracy_m, &z);
			zone_locate(t, rows[i].lat, rows[i].lon, 4 * accuracy_m, &wider);
			assert_string_equal(z.commune->code.text, rows[i].code);
			assert_string_equal(z.centre.text, rows[i].police ? "cic-77" : "corg-77");
			assert_true(!z.approximate && !z.zone_name && !z.nearest);
			assert_false(is_near(&z, z.centre));
			assert_true(z.near_count <= wider.near_count);
			for (unsigned n = 0; n < z.near_count; n++)
				assert_true(is_near(&wider, z.near[n]) &&
				            z.near_m[n] <= accuracy_m + ZONE_CONTOUR_TOLERANCE_M);
		}
	}
	territory_free(t);
}

/* How good the guess without contours is, against the real ones: the centre that is competent in
 * truth must hear of it, as owner or as informed. Measured on 20,000 points: 99.9 % do. */
static void test_cells_reach_the_competent_centre(void **state)
{
	(void)state;
	if (!territory77_has_contours()) {
		print_message("skipped: no ../shared/territory/communes77-2026.geojson beside the "
		              "project\n");
		skip();
	}
	struct territory *truth = territory77_new(true), *guess = territory77_new(false);
	unsigned asked = 0, owner = 0, reached = 0, marked = 0;
	srand48(77);
	while (asked < 20000) {
		double lat = 48.11 + 1.02 * drand48(), lon = 2.38 + 1.19 * drand48();
		struct zone_answer t, g;
		zone_locate(truth, lat, lon, 0, &t);
		if (!t.commune)
			continue;
		zone_locate(guess, lat, lon, 0, &g);
		asked++;
		owner += centre_equal(g.centre, t.centre);
		reached += centre_equal(g.centre, t.centre) || is_near(&g, t.centre);
		marked += g.approximate;
	}
	print_message("points alone: %.2f %% right, %.2f %% reach the competent centre\n",
	              owner / 200.0, reached / 200.0);
	assert_int_equal(marked, asked);
	assert_true(owner >= asked * 0.95);
	assert_true(reached >= asked * 0.997);
	territory_free(truth);
	territory_free(guess);
}

/* More centres around a point than an answer holds: the nearest stay. */
static void test_more_centres_than_room(void **state)
{
	enum { CENTRES = 12 };
	struct territory *t = territory_new();
	struct department_code code = department_code("77");
	char why[100], id[24];
	struct zone_answer z;

	(void)state;
	assert_true(territory_put_department(
	        t, &(struct department){ code, "X", centre_id("c-0"), centre_id("c-0") }));
	for (int i = 0; i < CENTRES; i++) {
		unsigned char wkb[128];
		double west = 2.0 + 0.01 * i,
		       ring[] = { west, 49, west + 0.01, 49, west + 0.01, 49.1, west, 49.1 };
		snprintf(id, sizeof(id), "c-%d", i);
		assert_true(territory_put_centre(
		        t,
		        &(struct centre){ .id = centre_id(id), .department = code, .name = id }));
		snprintf(id, sizeof(id), "77%03d", i);
		struct commune c = { .code = commune_code(id),
			             .department = code,
			             .lat = 49.05,
			             .lon = west + 0.005 };
		snprintf(id, sizeof(id), "c-%d", i);
		c.centre = centre_id(id);
		assert_true(territory_put_commune(t, &c));
		assert_true(territory_put_contour(t, c.code, wkb, wkb_from_ring(ring, 4, wkb)));
	}
	assert_true(territory_close(t, why, sizeof(why)));
	zone_locate(t, 49.05, 2.001, 1e6, &z);
	assert_string_equal(z.centre.text, "c-0");
	assert_int_equal(z.near_count, ZONE_NEAR_MAX);
	for (int i = 0; i < ZONE_NEAR_MAX; i++) {
		snprintf(id, sizeof(id), "c-%d", i + 1);
		assert_string_equal(z.near[i].text, id);
	}
	territory_free(t);
}

/* Contours that overlap, as files of different years may: both centres hear of it. */
static void test_overlapping_contours(void **state)
{
	struct territory *t = territory_new();
	struct department_code code = department_code("77");
	unsigned char wkb[128];
	char why[100];
	struct zone_answer z;

	(void)state;
	assert_true(territory_put_department(
	        t, &(struct department){ code, "X", centre_id("a"), centre_id("a") }));
	for (int i = 0; i < 2; i++) {
		double west = 2.0 + 0.04 * i,
		       ring[] = { west, 49, west + 0.1, 49, west + 0.1, 49.1, west, 49.1 };
		struct commune c = { .code = commune_code(i ? "77001" : "77002"),
			             .department = code,
			             .centre = centre_id(i ? "b" : "a"),
			             .lat = 49.05,
			             .lon = west + 0.05 };
		assert_true(territory_put_centre(t, &(struct centre){ .id = c.centre,
		                                                      .department = code,
		                                                      .name = i ? "B" : "A" }));
		assert_true(territory_put_commune(t, &c));
		assert_true(territory_put_contour(t, c.code, wkb, wkb_from_ring(ring, 4, wkb)));
	}
	assert_true(territory_close(t, why, sizeof(why)));
	zone_locate(t, 49.05, 2.07, 5, &z); /* two kilometres from either border */
	assert_string_equal(z.commune->code.text, "77001");
	assert_int_equal(z.near_count, 1);
	assert_string_equal(z.near[0].text, "a");
	assert_true(z.near_m[0] == 0);
	territory_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_territory),
		cmocka_unit_test(test_what_is_not_on_earth_is_outside),
		cmocka_unit_test(test_every_commune),
		cmocka_unit_test(test_cells_reach_the_competent_centre),
		cmocka_unit_test(test_more_centres_than_room),
		cmocka_unit_test(test_overlapping_contours),
	};

	return cmocka_run_group_tests_name("zone", tests, NULL, NULL);
}
