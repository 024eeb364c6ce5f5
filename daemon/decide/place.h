/*
 * Where: a fix as a device sends it, and a place as an incident bears it.
 *
 * WGS84 degrees, metres. A place always says where it comes from, how precise it is, when it was
 * fixed and by what method; a dispatcher must never take a registered address for a position.
 */
#ifndef TOCSIN_DECIDE_PLACE_H
#define TOCSIN_DECIDE_PLACE_H

#include <stdbool.h>

#include "support/clock.h"
#include "support/id.h"

#define PLACE_LABEL_SIZE 200
#define PLACE_METHOD_SIZE 24
#define PLACE_CANDIDATES_MAX 8
#define PLACE_ACCURACY_UNKNOWN_M 500 /* a missing accuracy counts as this */

struct commune_code { char text[6]; };    /* INSEE: "77288"; empty is "none" */
struct department_code { char text[4]; }; /* "77", "2A", "971" */

struct fix {
	double lat, lon;
	double accuracy_m;    /* 0: not given */
	struct wall fixed_at; /* not set: not given */
	char method[PLACE_METHOD_SIZE];
};

enum place_precision { PLACE_UNKNOWN, PLACE_COMMUNE, PLACE_ADDRESS, PLACE_EXACT };
enum place_origin { PLACE_FROM_NOTHING, PLACE_FROM_REGISTERED_SITE, PLACE_FROM_DEVICE_SITE, PLACE_STATED, PLACE_LIVE };

struct place {
	enum place_origin origin;
	enum place_precision precision;
	bool has_point;
	struct fix fix;
	char label[PLACE_LABEL_SIZE]; /* address or commune as text */
	struct commune_code commune;
	char commune_name[64];
	unsigned candidates_count; /* other sites where the person may be */
	struct site_id candidates[PLACE_CANDIDATES_MAX];
};

/* Names a building: two alerts with the same label are at the same place. A live position moves, and
 * a whole commune is no place that two people share. */
static inline bool place_is_site(const struct place *p)
{
	return p->label[0] != '\0' &&
	       (p->origin == PLACE_FROM_REGISTERED_SITE || p->origin == PLACE_FROM_DEVICE_SITE ||
		(p->origin == PLACE_STATED && p->precision >= PLACE_ADDRESS));
}

#endif
