#include "decide/mercator.h"

#include <math.h>

/* WGS84 (NIMA TR8350.2): semi-major axis in metres, and the square of the first eccentricity. */
#define EARTH_A_M 6378137.0
#define EARTH_E2  0.00669437999014

double mercator_radians(double degrees)
{
	return degrees * (M_PI / 180);
}

double mercator_x(double lon)
{
	return EARTH_A_M * mercator_radians(lon); /* 7-6 */
}

double mercator_y(double lat)
{
	double e = sqrt(EARTH_E2), phi = mercator_radians(lat);

	return EARTH_A_M *
	       (asinh(tan(phi)) - e * atanh(e * sin(phi))); /* 7-7, with inverse hyperbolics */
}

double mercator_lat(double y)
{
	double e = sqrt(EARTH_E2), psi = y / EARTH_A_M, phi = atan(sinh(psi));

	/* 7-9 with the same functions. Each round gains two digits; five leave micrometres. */
	for (int round = 0; round < 5; round++)
		phi = atan(sinh(psi + e * atanh(e * sin(phi))));
	return phi;
}

double mercator_factor(double lat)
{
	return cos(lat) / sqrt(1 - EARTH_E2 * sin(lat) * sin(lat)); /* 1 over 7-8 */
}
