/*
 * A connection to PostgreSQL on a thread of its own: every wait has a deadline and ends at once
 * when the thread is to stop, whatever the server or the network does.
 *
 * Used by the follower and the loader, never by the loop. libpq's pipeline mode throughout: queue
 * statements, then run them all with one synchronisation. Nothing here blocks beyond its deadline,
 * closing included; a statement that is late is given up with its connection, never cancelled
 * (PQcancel blocks, and the backend may commit all the same: who reconnects must look).
 */
#ifndef TOCSIN_KEEP_PG_H
#define TOCSIN_KEEP_PG_H

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "keep/pg_target.h"
#include "support/clock.h"

#define PG_PARAMS_MAX 8

enum pg_end {
	PG_DONE,
	PG_REFUSED, /* the server said no to a statement; the connection lives */
	PG_LOST,    /* no connection, or no longer */
	PG_LATE,    /* the deadline passed */
	PG_STOPPED, /* stop_fd is readable */
};

struct pg_error {
	char sqlstate[6];       /* empty when it is not the server's */
	char text[PG_WHY_SIZE]; /* one line; of REFUSED it may quote data: not for logs */
	unsigned statement;     /* REFUSED: which one of the run, from 0 */
};

struct pg_setup {
	const char *application; /* as pg_stat_activity shows it */
	bool needs_write;        /* target_session_attrs=read-write */
	int64_t statement_ms; /* the server ends a statement, a wait for a lock, an idle transaction
	                       */
};

struct pg {
	PGconn *conn; /* NULL: closed */
	int stop_fd;
	unsigned queued; /* statements of the run being put together */
};

/* A statement's parameters, in the binary format. */
struct pg_params {
	int count;
	const char *values[PG_PARAMS_MAX];
	int lengths[PG_PARAMS_MAX];
};

/* Connects to one host. `c` must be closed. DONE, or LOST, LATE, STOPPED with `c` closed. */
enum pg_end pg_open(struct pg *c, const struct pg_target *target, unsigned host,
                    const struct pg_setup *setup, int stop_fd, struct mono deadline,
                    struct pg_error *error);
void pg_close(struct pg *c); /* at once; fine when closed */

/* Queue for the next run. The texts and values are copied by libpq. False: no memory. */
bool pg_prepare(struct pg *c, const char *name, const char *sql);
bool pg_execute(struct pg *c, const char *name, const struct pg_params *params);
bool pg_query(struct pg *c, const char *sql, const struct pg_params *params); /* not prepared */

/* Runs what is queued, and calls `on_result` (may be NULL) for each statement that went well, in
 * order. After REFUSED, what stood behind the statement was not run. After LOST, LATE and STOPPED
 * `c` is closed, and nobody knows how far it went. */
enum pg_end pg_run(struct pg *c, struct mono deadline,
                   void (*on_result)(void *context, unsigned statement, const PGresult *result),
                   void *context, struct pg_error *error);

/* Waits until `wake_fd` is readable (DONE), or the deadline passes (LATE: not closed, all is well),
 * watching the connection meanwhile: LOST when the server went away. Notifications that came are in
 * libpq's hands (PQnotifies), and end the wait with DONE too. */
enum pg_end pg_idle(struct pg *c, int wake_fd, struct mono deadline, struct pg_error *error);

/* Waits without a connection: until the deadline (LATE), or until it is to stop. */
enum pg_end pg_rest(int stop_fd, struct mono deadline);

/* The server's answer is about the data that it was given, and no other try will change it. */
bool pg_error_is_of_data(const struct pg_error *error);

#endif
