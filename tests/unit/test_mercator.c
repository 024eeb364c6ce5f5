#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decide/mercator.h"

/* T. Vincenty, Direct and Inverse Solutions of Geodesics on the Ellipsoid, Survey Review XXIII 176
 * (1975): the direct formula. Right to half a millimetre; degrees, metres, azimuth in radians. */
static void geodesic_from(double lat1, double lon1, double azimuth, double metres, double *lat2,
                          double *lon2)
{
	const double a = 6378137, f = 1 / 298.257223563, b = a * (1 - f);
	double u1 = atan((1 - f) * tan(lat1 * M_PI / 180));
	double sigma1 = atan2(tan(u1), cos(azimuth)), sin_alpha = cos(u1) * sin(azimuth);
	double cos2_alpha = 1 - sin_alpha * sin_alpha, u2 = cos2_alpha * (a * a - b * b) / (b * b);
	double A = 1 + u2 / 16384 * (4096 + u2 * (-768 + u2 * (320 - 175 * u2)));
	double B = u2 / 1024 * (256 + u2 * (-128 + u2 * (74 - 47 * u2)));
	double sigma = metres / (b * A), m2 = 0, sin_s = 0, cos_s = 0;

	for (int round = 0; round < 20; round++) {
		m2 = cos(2 * sigma1 + sigma);
		sin_s = sin(sigma);
		cos_s = cos(sigma);
		sigma = metres / (b * A) +
		        B * sin_s *
		                (m2 + B / 4 *
		                              (cos_s * (2 * m2 * m2 - 1) -
		                               B / 6 * m2 * (4 * sin_s * sin_s - 3) *
		                                       (4 * m2 * m2 - 3)));
	}
	double t = sin(u1) * sin_s - cos(u1) * cos_s * cos(azimuth);
	*lat2 = atan2(sin(u1) * cos_s + cos(u1) * sin_s * cos(azimuth),
	              (1 - f) * hypot(sin_alpha, t)) *
	        180 / M_PI;
	double lambda =
	        atan2(sin_s * sin(azimuth), cos(u1) * cos_s - sin(u1) * sin_s * cos(azimuth));
	double c = f / 16 * cos2_alpha * (4 + f * (4 - 3 * cos2_alpha));
	*lon2 = lon1 +
	        (lambda - (1 - c) * f * sin_alpha *
	                          (sigma + c * sin_s * (m2 + c * cos_s * (2 * m2 * m2 - 1)))) *
	                180 / M_PI;
}

/* As zone_index measures: the length in the plane times the factor at the middle latitude. */
static double plane_metres(double lat1, double lon1, double lat2, double lon2)
{
	double y1 = mercator_y(lat1), y2 = mercator_y(lat2);
	double middle = (mercator_lat(y1) + mercator_lat(y2)) / 2;

	return hypot(mercator_x(lon2) - mercator_x(lon1), y2 - y1) * mercator_factor(middle);
}

/* The largest error over latitudes from 52 south to 52 north and all directions. */
static double error_at(double metres)
{
	double worst = 0;

	for (double lat = -52; lat <= 52; lat += 4) {
		for (double azimuth = 0; azimuth < 2 * M_PI; azimuth += M_PI / 18) {
			double lat2, lon2;
			geodesic_from(lat, 2.5, azimuth, metres, &lat2, &lon2);
			worst = fmax(worst, fabs(plane_metres(lat, 2.5, lat2, lon2) - metres));
		}
	}
	return worst;
}

static void test_the_reference_knows_a_published_line(void **state)
{
	double lat, lon;

	(void)state;
	/* Geoscience Australia's worked example of the formula, on GRS80 (which differs from WGS84
	 * by less than the digits): Flinders Peak to Buninyon, 54972.271 m at 306 52' 05.37". */
	geodesic_from(-(37 + 57 / 60.0 + 3.72030 / 3600), 144 + 25 / 60.0 + 29.52440 / 3600,
	              (306 + 52 / 60.0 + 5.37 / 3600) * M_PI / 180, 54972.271, &lat, &lon);
	assert_true(fabs(lat + (37 + 39 / 60.0 + 10.15610 / 3600)) < 1e-7);
	assert_true(fabs(lon - (143 + 55 / 60.0 + 35.38390 / 3600)) < 1e-7);
}

static void test_lengths(void **state)
{
	(void)state;
	assert_true(error_at(1) < 0.001);
	assert_true(error_at(100) < 0.001);
	assert_true(error_at(1000) < 0.001);
	assert_true(error_at(10000) < 0.01);
	assert_true(error_at(50000) < 1);
	assert_true(error_at(600000) < 1200);
	/* The limits are no wider than they must be: the header's promise is worth something. */
	assert_true(error_at(600000) > 300);
}

static void test_there_and_back(void **state)
{
	(void)state;
	for (double lat = -MERCATOR_LAT_MAX; lat <= MERCATOR_LAT_MAX; lat += 0.5)
		assert_true(fabs(mercator_lat(mercator_y(lat)) - mercator_radians(lat)) <
		            1e-12); /* 6 µm */
	assert_true(fabs(mercator_y(0)) < 1e-9);
	assert_true(mercator_x(180) > 20037508.3 && mercator_x(180) < 20037508.4);
	assert_true(mercator_factor(0) == 1);
}

/* What makes the plane right for distances: the factor is the same north and east. */
static void test_conformal(void **state)
{
	(void)state;
	for (double lat = -80; lat <= 80; lat += 5) {
		double lat2, lon2, north, east;
		geodesic_from(lat, 0, 0, 10, &lat2, &lon2);
		north = mercator_y(lat2) - mercator_y(lat);
		geodesic_from(lat, 0, M_PI / 2, 10, &lat2, &lon2);
		east = mercator_x(lon2);
		assert_true(fabs(north / east - 1) < 2e-5);
		assert_true(fabs(10 / east / mercator_factor(mercator_radians(lat)) - 1) < 1e-5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_reference_knows_a_published_line),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_conformal),
	};

	return cmocka_run_group_tests_name("mercator", tests, NULL, NULL);
}
