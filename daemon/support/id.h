/*
 * Identifiers: UUIDs of version 7 (RFC 9562, 5.7), each kind in a struct of its own.
 *
 * id_new reads the system's random source; only run/, accept/ and tool/ call it, decide/ finds
 * fresh identifiers in its events. An all-zero identifier is "none".
 */
#ifndef TOCSIN_SUPPORT_ID_H
#define TOCSIN_SUPPORT_ID_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "support/clock.h"

#define ID_BYTES 16
#define ID_TEXT_SIZE 37

struct id { uint8_t b[ID_BYTES]; };

struct alert_id { struct id v; };
struct incident_id { struct id v; };
struct practitioner_id { struct id v; };
struct site_id { struct id v; };
struct source_id { struct id v; };

/* Monotonic within a process: two calls in one millisecond still sort in order. */
struct id id_new(struct wall now);
const char *id_format(struct id id, char out[static ID_TEXT_SIZE]);
bool id_parse(const char *text, struct id *out); /* 8-4-4-4-12, either case */

static inline bool id_is_set(struct id a)
{
	static const struct id none;
	return memcmp(a.b, none.b, ID_BYTES) != 0;
}
static inline bool id_equal(struct id a, struct id b) { return memcmp(a.b, b.b, ID_BYTES) == 0; }

#endif
