/*
 * The territory as the database holds it, for the command: what an import may refer to, and the
 * whole of it built as a daemon would build it. Blocking; within the caller's transaction if there
 * is one.
 */
#ifndef TOCSIN_TOOL_TERRITORY_LOAD_H
#define TOCSIN_TOOL_TERRITORY_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include <libpq-fe.h>

#include "decide/territory.h"
#include "tool/known.h"

#define TERRITORY_WHY_SIZE 400

/* False, with a sentence in `why`: the database does not answer, or no memory. */
bool territory_load_known(PGconn *conn, struct known *out, char why[static TERRITORY_WHY_SIZE]);

/* A closed territory; NULL, with a sentence in `why`, when a daemon would refuse it, and why. */
struct territory *territory_load(PGconn *conn, char why[static TERRITORY_WHY_SIZE]);

/* Of the territory in this transaction; -1, with `why`. */
long long territory_load_version(PGconn *conn, char why[static TERRITORY_WHY_SIZE]);

/* Runs a query; NULL, with the server's sentence in `why`. Free with PQclear. `binary`: its
 * columns. */
PGresult *territory_ask(PGconn *conn, const char *sql, bool binary,
                        char why[static TERRITORY_WHY_SIZE]);

#endif
