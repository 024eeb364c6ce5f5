/*
 * A row of the registry or the territory, as PostgreSQL copies it out: a count of fields, then each
 * as a 4-byte length (-1: null) and its bytes, numbers big-endian (COPY … WITH (FORMAT binary)).
 *
 * The loader's queries (select.h) give the fields in the order below, the node's snapshots keep the
 * rows as they are, and here they become what decide/ knows. Pure memory; bytes may be hostile.
 *
 *     practitioner  id, department, name, profession, specialty, exposed, rpps,
 *                   numbers (shared 1 byte, digits 8 each), sites (id 16 each), both in the person's
 *                   order, consents (centres, separated by blanks)
 *     site          id, label, address, access, commune, lat, lon, precision
 *     source        id, department, name, kind, state, has_panic_button, owner, site, centre, issuer,
 *                   subject, supervision_s
 *     department    code, name, stand_in, operations
 *     centre        id, department, kind, name, other
 *     commune       code, department, name, tribunal, centre, lat, lon, adviser's name and number
 *     contour       commune, wkb
 *     zone          name, centre, wkb
 *
 * A practitioner, site or source of which only the id is not null is gone.
 */
#ifndef TOCSIN_KEEP_ROW_H
#define TOCSIN_KEEP_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decide/registry.h"
#include "decide/territory.h"
#include "support/id.h"

#define ROW_FIELDS_MAX 16
#define ROW_BYTES_MAX (16u << 20) /* a contour is the longest */

#define ROW_NUMBER_BYTES 9

enum row_kind {
	ROW_PRACTITIONER = 1, /* the numbers stand in snapshots: never change one */
	ROW_SITE = 2,
	ROW_SOURCE = 3,
	ROW_DEPARTMENT = 4,
	ROW_CENTRE = 5,
	ROW_COMMUNE = 6,
	ROW_CONTOUR = 7,
	ROW_ZONE = 8,
};

enum row_end {
	ROW_TAKEN,
	ROW_GONE,    /* was removed, or is to be */
	ROW_REFUSED, /* by the registry or the territory: no room, or a rule of theirs */
	ROW_BAD,     /* not a row of this kind */
};

struct row_field {
	const uint8_t *bytes; /* NULL: null */
	size_t length;
};

/* How many fields the row has, borrowed from its bytes; 0: not a row, or more than `max`. */
unsigned row_split(const uint8_t *bytes, size_t length, struct row_field *fields, unsigned max);

/* One row into the registry (practitioner, site, source) ... */
enum row_end row_to_registry(struct registry *r, enum row_kind kind, const uint8_t *bytes, size_t length);
/* ... or into a territory that is being built (all others). */
enum row_end row_to_territory(struct territory *t, enum row_kind kind, const uint8_t *bytes, size_t length);

/* The id of a practitioner, site or source, and whether it is gone; false: not such a row. */
bool row_identify(enum row_kind kind, const uint8_t *bytes, size_t length, struct id *id, bool *is_gone);

/* The rows of COPY's binary format in pieces: `row` is called once per row with its bytes, without
 * the header and the trailer. False: not that format, or `row` said so. */
struct row_stream {
	bool (*row)(void *context, const uint8_t *bytes, size_t length);
	void *context;
	bool has_begun, has_ended;
};
bool row_stream_piece(struct row_stream *s, const uint8_t *bytes, size_t length);

#endif
