/* zone.txt, row by row. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decide/zone.h"
#include "tests/fixture/territory77.h"

#define TABLE_FILE SOURCE_DIR "/tests/table/zone.txt"
#define FIELDS     8

static void department_put(struct territory *t, const char *code, const char *stand_in)
{
	struct department d = { department_code(code), code, centre_id(stand_in),
		                centre_id(stand_in) };

	assert_true(territory_put_department(t, &d));
}

static void centre_put(struct territory *t, const char *id, const char *department)
{
	struct centre c = { .id = centre_id(id),
		            .department = department_code(department),
		            .name = id };

	assert_true(territory_put_centre(t, &c));
}

static void commune_put(struct territory *t, const char *code, const char *centre, double lat,
                        double lon)
{
	char department[3] = { code[0], code[1] };
	struct commune c = { .code = commune_code(code),
		             .department = department_code(department),
		             .name = code,
		             .centre = centre_id(centre),
		             .lat = lat,
		             .lon = lon };

	assert_true(territory_put_commune(t, &c));
}

static size_t square(unsigned char *wkb, double south, double west, double north, double east)
{
	double ring[] = { west, south, east, south, east, north, west, north };

	return wkb_from_ring(ring, 4, wkb);
}

static void square_put(struct territory *t, const char *code, const char *centre, double south,
                       double west, double north, double east)
{
	unsigned char wkb[128];
	size_t length = square(wkb, south, west, north, east);

	commune_put(t, code, centre, (south + north) / 2, (west + east) / 2);
	assert_true(territory_put_contour(t, commune_code(code), wkb, length));
}

static struct territory *drawn_new(void)
{
	struct territory *t = territory_new();
	unsigned char wkb[128];
	char why[200] = "";

	assert_non_null(t);
	department_put(t, "91", "cic-91");
	department_put(t, "77", "cic-77");
	department_put(t, "45", "cic-45");
	centre_put(t, "cic-91", "91");
	centre_put(t, "cic-77", "77");
	centre_put(t, "corg-77", "77");
	centre_put(t, "paf-77", "77");
	centre_put(t, "cic-45", "45");
	centre_put(t, "corg-45", "45");
	square_put(t, "91001", "cic-91", 49.00, 2.00, 49.05, 2.05);
	square_put(t, "77001", "cic-77", 49.02, 2.05, 49.05, 2.10);
	square_put(t, "77002", "corg-77", 49.00, 2.05, 49.0195, 2.10);
	square_put(t, "77003", "", 49.00, 2.10, 49.05, 2.12);
	commune_put(t, "45001", "cic-45", 48.97, 2.02);
	commune_put(t, "45002", "corg-45", 48.97, 2.08);
	assert_true(territory_put_zone(t, "Aéroport", centre_id("paf-77"), wkb,
	                               square(wkb, 49.040, 2.045, 49.046, 2.055)));
	assert_true(territory_put_zone(t, "Lac", centre_id("paf-77"), wkb,
	                               square(wkb, 49.03, 2.30, 49.04, 2.31)));
	assert_true(territory_close(t, why, sizeof(why)));
	return t;
}

static bool is_about(double value, double wanted)
{
	return fabs(value - wanted) <= 1 + wanted / 100;
}

/* "corg-77@111,cic-45": these and no others, in this order. */
static bool near_matches(const struct zone_answer *z, char *wanted)
{
	unsigned count = 0;
	char *rest = wanted, *item;

	if (strcmp(wanted, "-") == 0)
		return z->near_count == 0;
	while ((item = strsep(&rest, ",")) != NULL) {
		char *metres = strchr(item, '@');
		if (metres)
			*metres++ = '\0';
		if (count == z->near_count || strcmp(z->near[count].text, item) != 0)
			return false;
		if (metres && !is_about(z->near_m[count], strtod(metres, NULL)))
			return false;
		count++;
	}
	return count == z->near_count;
}

static bool outside_matches(const struct zone_answer *z, char *wanted)
{
	char *metres = strchr(wanted, '@');

	if (metres)
		*metres++ = '\0';
	if (z->commune || !z->nearest || strcmp(z->nearest->code.text, wanted) != 0)
		return false;
	return !metres || is_about(z->nearest_m, strtod(metres, NULL));
}

static bool marks_match(const struct zone_answer *z, char *wanted)
{
	bool approximate = false, outside = false, zone = false, fine = true;
	char *rest = wanted, *item;

	while (strcmp(wanted, "-") != 0 && (item = strsep(&rest, ",")) != NULL) {
		if (strcmp(item, "approximate") == 0) {
			approximate = true;
		} else if (strncmp(item, "zone=", 5) == 0) {
			zone = true;
			fine = fine && z->zone_name && strcmp(z->zone_name, item + 5) == 0;
		} else {
			assert_int_equal(strncmp(item, "outside=", 8), 0);
			outside = true;
			fine = fine && outside_matches(z, item + 8);
		}
	}
	return fine && approximate == z->approximate && outside == (z->commune == NULL) &&
	       zone == (z->zone_name != NULL);
}

static bool row_matches(const struct territory *t, char *fields[FIELDS], struct zone_answer *z)
{
	zone_locate(t, strtod(fields[1], NULL), strtod(fields[2], NULL), strtod(fields[3], NULL),
	            z);
	return strcmp(z->commune ? z->commune->code.text : "-", fields[4]) == 0 &&
	       strcmp(centre_is_set(z->centre) ? z->centre.text : "-", fields[5]) == 0 &&
	       near_matches(z, fields[6]) && marks_match(z, fields[7]);
}

static void answer_print(unsigned line, const struct zone_answer *z)
{
	print_error("zone.txt:%u: %s %s near", line, z->commune ? z->commune->code.text : "-",
	            centre_is_set(z->centre) ? z->centre.text : "-");
	for (unsigned i = 0; i < z->near_count; i++)
		print_error(" %s@%.1f", z->near[i].text, z->near_m[i]);
	print_error("%s%s%s", z->approximate ? " approximate" : "", z->zone_name ? " zone=" : "",
	            z->zone_name ? z->zone_name : "");
	if (z->nearest)
		print_error(" outside=%s@%.1f", z->nearest->code.text, z->nearest_m);
	print_error("\n");
}

/* Every row that begins with the territory's name. */
static void rows_check(const struct territory *t, const char *name, size_t at_least)
{
	FILE *file = fopen(TABLE_FILE, "r");
	char line[400];
	size_t rows = 0, wrong = 0;

	assert_non_null(file);
	for (unsigned number = 1; fgets(line, sizeof(line), file); number++) {
		char *fields[FIELDS], *rest;
		struct zone_answer z;
		size_t count = 0;
		line[strcspn(line, "#\n")] = '\0';
		for (char *at = strtok_r(line, " \t", &rest); at && count < FIELDS;
		     at = strtok_r(NULL, " \t", &rest))
			fields[count++] = at;
		if (count == 0 || strcmp(fields[0], name) != 0)
			continue;
		assert_int_equal(count, FIELDS);
		rows++;
		if (row_matches(t, fields, &z))
			continue;
		wrong++;
		answer_print(number, &z);
	}
	fclose(file);
	assert_int_equal(wrong, 0);
	assert_true(rows >= at_least);
}

static void test_real_contours(void **state)
{
	(void)state;
	if (!territory77_has_contours()) {
		print_message("skipped: no ../shared/territory/communes77-2026.geojson beside the "
		              "project\n");
		skip();
	}
	struct territory *t = territory77_new(true);
	rows_check(t, "contours", 74);
	territory_free(t);
}

static void test_points_alone(void **state)
{
	(void)state;
	struct territory *t = territory77_new(false);
	rows_check(t, "points", 60);
	territory_free(t);
}

static void test_drawn_country(void **state)
{
	(void)state;
	struct territory *t = drawn_new();
	rows_check(t, "drawn", 28);
	territory_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real_contours),
		cmocka_unit_test(test_points_alone),
		cmocka_unit_test(test_drawn_country),
	};

	return cmocka_run_group_tests_name("zone table", tests, NULL, NULL);
}
