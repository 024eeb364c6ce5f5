/*
 * What the loader asks of PostgreSQL, and the rows that it gets (row.h).
 *
 * A reading is one REPEATABLE READ transaction: what it gives is of one version, which it says. The
 * rows of a million people come in portions, so that neither side ever holds them all. Called by the
 * loader's thread; a false means that the connection is closed and pg_client_why() says why.
 */
#ifndef TOCSIN_KEEP_SELECT_H
#define TOCSIN_KEEP_SELECT_H

#include <stdbool.h>
#include <stdint.h>

#include "keep/pg_client.h"
#include "keep/row.h"
#include "support/clock.h"

#define SELECT_SCHEMA_LEVEL 3 /* the migration that the queries here need: the registry's */
#define SELECT_SCHEMA_KNOWN 5 /* the newest migration that they were written for */

/* Rows as they come; false stops the reading. */
typedef bool select_row(void *context, enum row_kind kind, const uint8_t *bytes, size_t length);

struct select_schema { unsigned level, oldest_daemon; }; /* level 0: no schema yet */

/* Once after connecting: settings of the session, LISTEN on both channels, and the schema's level. */
bool select_begin_session(struct pg_client *c, struct select_schema *out, struct mono deadline);

struct select_versions {
	uint64_t registry, territory;
	struct wall registry_at, territory_at; /* when the database came to these versions */
	uint64_t floor;       /* changes after this version are all known to the database */
	struct wall known_at; /* when it came to the version that was asked about; not set: it cannot say */
	uint64_t changes;     /* since that version; counted up to SELECT_CHANGES_COUNTED */
};

#define SELECT_CHANGES_COUNTED 100000

/* Begins the transaction. `known` is the registry's version that the caller has. */
bool select_begin(struct pg_client *c, uint64_t known, struct select_versions *out, struct mono deadline);
bool select_end(struct pg_client *c, struct mono deadline);

/* Within it. The server may be silent for `silence_ms` between two rows. */
bool select_registry(struct pg_client *c, int64_t silence_ms, select_row *each, void *context);
bool select_changes(struct pg_client *c, uint64_t after, int64_t silence_ms, select_row *each, void *context);
bool select_territory(struct pg_client *c, int64_t silence_ms, select_row *each, void *context);

#endif
