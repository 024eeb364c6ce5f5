/*
 * The registry's file: one CSV row a person, and one more for each further site. Reads it and writes
 * person by person, within the caller's transaction; each row that cannot be used is told with line
 * and column, and the others are tried all the same, so that one run tells everything.
 */
#ifndef TOCSIN_TOOL_PERSON_ROWS_H
#define TOCSIN_TOOL_PERSON_ROWS_H

#include <stdbool.h>

#include "tool/person.h"
#include "tool/remarks.h"

struct person_rows {
	struct database *db;
	struct remarks remarks;
	unsigned people, added, changed;
};

/* False: the file cannot be read at all, or the connection is lost; db->why says it. */
bool person_rows_import(struct person_rows *r, const char *path);

/* The first line of such a file, as export writes it. */
#define PERSON_ROWS_HEADER                                                                              \
	"department;name;profession;specialty;rpps;exposed;numbers;shared_numbers;site;address;access;" \
	"commune;lat;lon;precision;consents;given_at;evidence"

#endif
