/*
 * What is wrong or missing in the territory as the database holds it.
 *
 * An error would send an alarm to the wrong place, or keep a daemon from loading it; a note is
 * something that a person should see to. Called by the verb territory.
 */
#ifndef TOCSIN_TOOL_TERRITORY_CHECK_H
#define TOCSIN_TOOL_TERRITORY_CHECK_H

#include <stdbool.h>

#include <libpq-fe.h>

#include "tool/territory_load.h"

/* Two contours that share more than this do not merely differ in how their common border was drawn:
 * 100 m by 100 m. */
#define TERRITORY_OVERLAP_SQUARE_M 10000.0

struct territory_found {
	unsigned errors, notes;
	char why[TERRITORY_WHY_SIZE];
};

/* Prints each remark, and a summary on standard output (all of it as JSON with `json`). False, with
 * `why`: it could not be looked at. */
bool territory_check(PGconn *conn, bool json, struct territory_found *out);

#endif
