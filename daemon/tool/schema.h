/*
 * The schema of a database: which migrations it has, what is still to do, and doing it.
 *
 * Called by the verb db, with a connection of the schema's owner. Each migration is one transaction
 * together with its line in schema_version, so that it is there whole or not at all. Blocking: a
 * tool's business, never the daemon's.
 */
#ifndef TOCSIN_TOOL_SCHEMA_H
#define TOCSIN_TOOL_SCHEMA_H

#include <stdbool.h>

#include <libpq-fe.h>

#include "tool/migration.h"

#define SCHEMA_TIME_SIZE 40

struct schema_line { /* of schema_version */
	unsigned number;
	char name[MIGRATION_NAME_SIZE];
	char applied_at[SCHEMA_TIME_SIZE];
	uint8_t sha256[MIGRATION_SHA256_SIZE];
};

struct schema {
	unsigned level;         /* the highest migration applied; 0: an empty database */
	unsigned oldest_daemon; /* the level that a daemon must know at least; 0: nothing applied */
	unsigned count;
	struct schema_line *lines; /* owned; by number */
};

/* Connects with a deadline of 10 s a host; `conninfo` may be empty: libpq's environment. NULL, with
 * a sentence in `why`, when it cannot or the server is older than PostgreSQL 15. */
PGconn *schema_connect(const char *conninfo, char why[static MIGRATION_WHY_SIZE]);

/* Waits for another migration of the same database, 60 s at most. Held until the connection ends.
 */
bool schema_lock(PGconn *conn, char why[static MIGRATION_WHY_SIZE]);

bool schema_read(struct schema *out, PGconn *conn, char why[static MIGRATION_WHY_SIZE]);
void schema_done(struct schema *s);

/* True: the folder's migrations from list[s->level] on are to be applied. False, with a sentence in
 * `why`: an applied file was changed or is missing, or the database is newer than the folder. */
bool schema_is_prefix(const struct schema *s, const struct migrations *m,
                      char why[static MIGRATION_WHY_SIZE]);

/* One transaction; false, with file, line and the server's words in `why`, and nothing changed. */
bool schema_apply(PGconn *conn, const struct migration *m, char why[static MIGRATION_WHY_SIZE]);

#endif
