/*
 * Puts the rows of four tables together: practitioners, their numbers, sites and consents, each in
 * the order of the practitioner's id, become one row per practitioner (row.h).
 *
 * PostgreSQL is asked for some ten thousand persons at a time, a plain table each: it reads four
 * tables in their indexes' order in half the time that it takes to join and group them. Used by
 * select alone. Pure memory.
 */
#ifndef TOCSIN_KEEP_GATHER_H
#define TOCSIN_KEEP_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keep/row.h"
#include "support/id.h"

struct gather_list {
	uint8_t *bytes;
	size_t used, room;
};

struct gather {
	struct gather_list people;                    /* a length (4), the row as it came, each */
	struct gather_list numbers, sites, consents; /* entries of fixed size, the person's id first */
	struct id last;                               /* of the last person added */
	size_t people_count;
};

void gather_init(struct gather *g);
void gather_done(struct gather *g);
void gather_clear(struct gather *g); /* empty, its memory kept */

/* A row each of: id and six more (row.h); practitioner, shared, number; practitioner, site;
 * practitioner, centre. In the order of their ids. False: no such row, or no memory. */
bool gather_person(struct gather *g, const uint8_t *bytes, size_t length);
bool gather_number(struct gather *g, const uint8_t *bytes, size_t length);
bool gather_site(struct gather *g, const uint8_t *bytes, size_t length);
bool gather_consent(struct gather *g, const uint8_t *bytes, size_t length);

/* Every person's row in turn; false from `each` ends it, and is returned. */
typedef bool gather_row(void *context, enum row_kind kind, const uint8_t *bytes, size_t length);
bool gather_each(struct gather *g, gather_row *each, void *context);

#endif
