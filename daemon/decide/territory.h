/*
 * The territory in memory: departments, centres, communes, overlay zones, stand-ins and advisers.
 *
 * Built whole by keep/loader from rows, then never changed: a new one replaces it. Looking up by
 * point is zone.h's work. Sources of the rules: arrêté du 10 mars 2015 (INTC1506259A) for the
 * police zones, Code de l'organisation judiciaire for the tribunals; both come as data.
 */
#ifndef TOCSIN_DECIDE_TERRITORY_H
#define TOCSIN_DECIDE_TERRITORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "decide/alert.h"
#include "decide/place.h"

enum centre_kind { CENTRE_POLICE, CENTRE_GENDARMERIE, CENTRE_OPERATIONS };

struct centre {
	struct centre_id id;
	struct department_code department;
	enum centre_kind kind;
	const char *name;       /* "CIC 77" */
	struct centre_id other; /* who is asked when nobody here answers */
};

struct department {
	struct department_code code;
	const char *name;
	struct centre_id stand_in;   /* where doubt goes */
	struct centre_id operations; /* where technical incidents go */
};

struct commune {
	struct commune_code code;
	struct department_code department;
	const char *name;
	const char *tribunal;
	struct centre_id centre;                   /* competent; may be empty */
	double lat, lon;                           /* a point inside */
	const char *adviser_name, *adviser_number; /* "" when unknown */
};

struct territory;
struct zone_index; /* zone_index.h */

struct territory *territory_new(void);
void territory_free(struct territory *t);

/* Building, before territory_close; texts are copied, NULL is "". False: no memory, a code that is
 * empty or there already, a point that is not on Earth. */
bool territory_put_department(struct territory *t, const struct department *d);
bool territory_put_centre(struct territory *t, const struct centre *c);
bool territory_put_commune(struct territory *t, const struct commune *c);
/* A contour as WKB (EPSG:4326, longitude first, polygon or multipolygon), after its commune; false:
 * not a valid one, no such commune, or one that has a contour already. */
bool territory_put_contour(struct territory *t, struct commune_code commune, const uint8_t *wkb,
                           size_t length);
/* An overlay above the commune's default; where overlays meet, the first put decides. */
bool territory_put_zone(struct territory *t, const char *name, struct centre_id centre,
                        const uint8_t *wkb, size_t length);
/* Builds the indexes; communes without a contour get approximate cells from their points, if no
 * commune of their department has one. False, with a sentence in `why`, when a reference hangs (a
 * commune's centre, though it may have none; a stand-in or operations, which no department may
 * lack) or GEOS refuses; the territory can then only be freed. */
bool territory_close(struct territory *t, char *why, size_t why_size);

const struct department *territory_department(const struct territory *t,
                                              struct department_code code);
const struct centre *territory_centre(const struct territory *t, struct centre_id id);
const struct commune *territory_commune(const struct territory *t, struct commune_code code);
/* for (size_t i = 0; (c = territory_next_centre(t, &i)) != NULL;) … */
const struct centre *territory_next_centre(const struct territory *t, size_t *index);
/* NULL before territory_close. */
const struct zone_index *territory_zones(const struct territory *t);
size_t territory_communes_count(const struct territory *t);

void territory_set_version(struct territory *t, uint64_t version);
uint64_t territory_version(const struct territory *t);

static inline bool centre_equal(struct centre_id a, struct centre_id b)
{
	return memcmp(a.text, b.text, sizeof a.text) == 0;
}
static inline bool centre_is_set(struct centre_id a)
{
	return a.text[0] != '\0';
}
/* Always this way, so that the unused bytes are zero and centre_equal may compare them all. A text
 * that does not fit gives "none". */
struct centre_id centre_id(const char *text);
struct commune_code commune_code(const char *text);
struct department_code department_code(const char *text);

#endif
