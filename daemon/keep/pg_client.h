/*
 * One connection to PostgreSQL, for a thread of its own: calls that return when they are done, each
 * with a deadline, and all of them at once when the stop descriptor becomes readable.
 *
 * Called by the loader's thread; never by the loop. Nothing in it can block for longer than it was
 * allowed: addresses are numeric (a name look-up has no deadline), gssencmode is off, PQcancel is
 * never used, and libpq's own connect_timeout, which PQconnectPoll ignores, is not relied upon. After
 * a call that failed the connection is closed, and pg_client_why() says why.
 */
#ifndef TOCSIN_KEEP_PG_CLIENT_H
#define TOCSIN_KEEP_PG_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "support/clock.h"

#define PG_CLIENT_WHY_SIZE 256

struct pg_client;

/* `conninfo` as libpq reads it, with a numeric address or the folder of a socket; several of them,
 * separated by commas, are tried one after the other. NULL, with a sentence in `why`: it cannot be
 * read, or a name would have to be looked up. `stop_fd`: readable means stop; -1: none. */
struct pg_client *pg_client_new(const char *conninfo, int stop_fd, char why[static PG_CLIENT_WHY_SIZE]);
void pg_client_free(struct pg_client *c);

/* Drops the connection there was, and tries the next host. */
bool pg_client_connect(struct pg_client *c, struct mono deadline);
void pg_client_disconnect(struct pg_client *c);
bool pg_client_is_connected(const struct pg_client *c);

/* A statement without rows. */
bool pg_client_tell(struct pg_client *c, const char *sql, struct mono deadline);
/* A statement with rows; parameters and values as text. To be cleared by the caller; NULL: failed. */
PGresult *pg_client_ask(struct pg_client *c, const char *sql, int count, const char *const *params,
                        struct mono deadline);

/* COPY … TO STDOUT: gives each piece as it comes, as many as there are; the server may be silent for
 * `silence_ms` between two. The bytes live until `each` returns; false from it ends the copy. */
typedef bool pg_client_piece(void *context, const uint8_t *bytes, size_t length);
bool pg_client_copy(struct pg_client *c, const char *sql, int64_t silence_ms, pg_client_piece *each,
                    void *context);

enum pg_client_wait {
	PG_CLIENT_NOTIFIED, /* by NOTIFY on any channel that was listened to */
	PG_CLIENT_WOKEN,    /* `work_fd` is readable */
	PG_CLIENT_DUE,      /* the deadline passed */
	PG_CLIENT_STOPPED,
	PG_CLIENT_LOST,     /* the connection is gone; never without one */
};
/* Also without a connection: a pause that can be ended. `work_fd` may be -1. */
enum pg_client_wait pg_client_wait(struct pg_client *c, int work_fd, struct mono deadline);

const char *pg_client_why(const struct pg_client *c); /* one line, of the last failure */

#endif
