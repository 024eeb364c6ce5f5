/*
 * A connection to the registry's database for one run of a verb: statements with parameters, one
 * transaction, and the trail, in which everything that is done or looked at leaves an operator's
 * name.
 *
 * Used by the verbs registry and source, as the role tocsin_registry. Blocking: a tool's business.
 * After a failure `why` says what it was, and each later call fails too.
 */
#ifndef TOCSIN_TOOL_DATABASE_H
#define TOCSIN_TOOL_DATABASE_H

#include <stdbool.h>

#include <libpq-fe.h>

#include "support/id.h"
#include "tool/migration.h"

#define DATABASE_WHY_SIZE   MIGRATION_WHY_SIZE
#define DATABASE_PARAMS_MAX 20

struct database {
	PGconn *conn;
	const char *verb;  /* "registry import": stands in the trail */
	char who[128];     /* the operator */
	long long touched; /* rows written so far */
	bool has_failed;
	char why[DATABASE_WHY_SIZE];
};

/* Connects and begins a transaction. `operator`: NULL or "" is the account that runs the tool. */
bool database_open(struct database *d, const char *conninfo, const char *verb,
                   const char *operator);
void database_close(struct database *d); /* what was not committed is undone */

/* Text parameters up to a NULL behind the last one; database_null() stands for the database's. */
PGresult *database_ask(struct database *d, const char *sql, ...) __attribute__((sentinel));
bool database_run(struct database *d, const char *sql, ...) __attribute__((sentinel));
const char *database_null(void);
static inline const char *database_or_null(const char *text)
{
	return text[0] != '\0' ? text : database_null();
}

/* One value of the first row, copied; false: no row, or a failure (has_failed tells). */
bool database_value(struct database *d, char *out, size_t size, const char *sql, const char *param);

/* Who did what to which object; never a name or a number of a registered person in `detail`. */
bool database_note(struct database *d, const char *department, const char *what, const char *object,
                   const char *object_id, const char *detail);
bool database_commit(struct database *d);

#endif
