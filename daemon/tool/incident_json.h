/*
 * An incident as JSON, the form of the console's --json, one line per revision.
 *
 * Field names are those of proto/incident.proto. Every key is always there. What is not known is
 * null: a time of 0, an empty text, an adviser who is not named, a priority or level that cannot
 * be; lat, lon and accuracy_m without a point, accuracy_m when none was given. A list without
 * entries is []. `kind` and `contact` always have a word ("unknown", "none"); `state` is null when
 * this version does not know it. place.has_point is not repeated: lat says it.
 * Times are RFC 3339 UTC with milliseconds. Text that is not UTF-8 is repaired (plain.h).
 */
#ifndef TOCSIN_TOOL_INCIDENT_JSON_H
#define TOCSIN_TOOL_INCIDENT_JSON_H

#include <jansson.h>

#include "proto/incident.pb-c.h"

json_t *incident_json(const Tocsin__V1__Incident *incident); /* a new reference; NULL: no memory */

/* One line of JSON without its line feed, to be freed; NULL: no memory. Keys stay in order. */
char *incident_json_line(const Tocsin__V1__Incident *incident);

/* The pieces, for the other lines of a program's output. New references, never NULL but without
 * memory. */
json_t *incident_json_time(int64_t us);         /* null for 0 */
json_t *incident_json_text(const char *text);   /* null for NULL and "" */
char *incident_json_dump(const json_t *object); /* one line; to be freed */

#endif
