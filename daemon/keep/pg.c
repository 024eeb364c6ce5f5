#include "keep/pg.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "support/text.h"

#define PG_SETUP_MAX 64 /* parameters of a connection */

/* Waiting
 * ------------------------------------------------------------------------------------------ */

static int poll_ms(struct mono deadline)
{
	int64_t left = deadline.ns - clock_mono().ns;

	if (left <= 0)
		return 0;
	left = (left + CLOCK_MS_NS - 1) / CLOCK_MS_NS;
	return left < INT32_MAX ? (int)left : INT32_MAX;
}

/* DONE when one of the descriptors is ready: *ready bears their bits, the first one's lowest. */
static enum pg_end wait_for(int stop_fd, const struct pollfd *fds, nfds_t count,
                            struct mono deadline, unsigned *ready)
{
	struct pollfd all[3] = { { .fd = stop_fd, .events = POLLIN } };

	for (nfds_t i = 0; i < count; i++)
		all[i + 1] = fds[i];
	*ready = 0;
	for (;;) {
		int answer = poll(all, count + 1, poll_ms(deadline));
		if (answer < 0 && errno == EINTR)
			continue;
		if (answer < 0)
			return PG_LOST;
		if (all[0].revents != 0)
			return PG_STOPPED;
		for (nfds_t i = 0; i < count; i++)
			*ready |= all[i + 1].revents != 0 ? 1u << i : 0;
		if (*ready != 0)
			return PG_DONE;
		if (mono_is_due(deadline, clock_mono()))
			return PG_LATE;
	}
}

static enum pg_end wait_socket(struct pg *c, short events, struct mono deadline)
{
	struct pollfd fd = { .fd = PQsocket(c->conn), .events = events };
	unsigned ready;

	return fd.fd < 0 ? PG_LOST : wait_for(c->stop_fd, &fd, 1, deadline, &ready);
}

enum pg_end pg_rest(int stop_fd, struct mono deadline)
{
	unsigned ready;

	return wait_for(stop_fd, NULL, 0, deadline, &ready);
}

/* Errors
 * ------------------------------------------------------------------------------------------- */

/* One line of what libpq says. */
static void say(struct pg_error *error, const char *text)
{
	size_t used = 0;

	for (; *text != '\0' && used < sizeof error->text - 1; text++) {
		bool is_blank = *text == ' ' || *text == '\n' || *text == '\t';
		if (is_blank && (used == 0 || error->text[used - 1] == ' '))
			continue;
		error->text[used++] = is_blank ? ' ' : *text;
	}
	while (used > 0 && error->text[used - 1] == ' ')
		used--;
	error->text[used] = '\0';
}

bool pg_error_is_of_data(const struct pg_error *error)
{
	/* PostgreSQL 15, appendix A: cardinality, data exception, integrity constraint, program
	 * limit (an index row too large), an exception that a function raised, and the internal
	 * error that a value no function expected comes out as. */
	static const char *const classes[] = { "21", "22", "23", "54", "P0" };

	for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
		if (strncmp(error->sqlstate, classes[i], 2) == 0)
			return true;
	return strcmp(error->sqlstate, "XX000") == 0;
}

/* Opening and closing
 * ------------------------------------------------------------------------------ */

struct parameters {
	unsigned count;
	const char *keys[PG_SETUP_MAX + 1], *values[PG_SETUP_MAX + 1];
};

static void parameter(struct parameters *p, const char *key, const char *value)
{
	if (value == NULL || value[0] == '\0' || p->count == PG_SETUP_MAX)
		return;
	for (unsigned i = 0; i < p->count; i++)
		if (strcmp(p->keys[i], key) == 0) {
			p->values[i] = value;
			return;
		}
	p->keys[p->count] = key;
	p->values[p->count++] = value;
}

/* Dropped connections show within 15 s on both sides, so that a backend whose network was cut does
 * not hold its locks for hours. */
static PGconn *start(const struct pg_target *target, const struct pg_host *host,
                     const struct pg_setup *setup)
{
	struct parameters p = { 0 };
	char options[1024] = "";

	for (const PQconninfoOption *o = target->options; o->keyword != NULL; o++) {
		if (strcmp(o->keyword, "options") == 0 && o->val != NULL)
			text_add(options, sizeof options, "%s ", o->val);
		if (strcmp(o->keyword, "host") != 0 && strcmp(o->keyword, "hostaddr") != 0)
			parameter(&p, o->keyword, o->val);
	}
	text_add(options, sizeof options,
	         "-csearch_path=public -csynchronous_commit=on -cdatestyle=ISO -ctimezone=UTC "
	         "-cstatement_timeout=%lld -clock_timeout=%lld "
	         "-cidle_in_transaction_session_timeout=%lld "
	         "-ctcp_keepalives_idle=5 -ctcp_keepalives_interval=5 -ctcp_keepalives_count=2 "
	         "-ctcp_user_timeout=15000",
	         (long long)setup->statement_ms, (long long)setup->statement_ms,
	         (long long)setup->statement_ms);
	parameter(&p, "host", host->name);
	parameter(&p, "hostaddr", host->address);
	parameter(&p, "port", host->port);
	parameter(&p, "options", options);
	parameter(&p, "application_name", setup->application);
	parameter(&p, "client_encoding", "UTF8");
	parameter(&p, "gssencmode", "disable"); /* it would look for a ticket, who knows how long */
	parameter(&p, "target_session_attrs", setup->needs_write ? "read-write" : "any");
	parameter(&p, "keepalives_idle", "5");
	parameter(&p, "keepalives_interval", "5");
	parameter(&p, "keepalives_count", "2");
	parameter(&p, "tcp_user_timeout", "15000");
	return PQconnectStartParams(p.keys, p.values, 0);
}

static void ignore_notice(void *context, const PGresult *notice)
{
	(void)context;
	(void)notice;
}

static enum pg_end shake_hands(struct pg *c, struct mono deadline)
{
	PostgresPollingStatusType wants = PGRES_POLLING_WRITING;

	if (PQstatus(c->conn) == CONNECTION_BAD)
		return PG_LOST;
	PQsetNoticeReceiver(c->conn, ignore_notice, NULL);
	while (wants != PGRES_POLLING_OK) {
		short events = wants == PGRES_POLLING_READING ? POLLIN : POLLOUT;
		enum pg_end end = wait_socket(c, events, deadline);
		if (end != PG_DONE)
			return end;
		wants = PQconnectPoll(c->conn);
		if (wants == PGRES_POLLING_FAILED)
			return PG_LOST;
	}
	return PQsetnonblocking(c->conn, 1) == 0 && PQenterPipelineMode(c->conn) == 1 ? PG_DONE
	                                                                              : PG_LOST;
}

enum pg_end pg_open(struct pg *c, const struct pg_target *target, unsigned host,
                    const struct pg_setup *setup, int stop_fd, struct mono deadline,
                    struct pg_error *error)
{
	*c = (struct pg){ .stop_fd = stop_fd };
	*error = (struct pg_error){ 0 };
	c->conn = start(target, &target->hosts[host], setup);
	if (c->conn == NULL) {
		say(error, "no memory");
		return PG_LOST;
	}
	enum pg_end end = shake_hands(c, deadline);
	if (end == PG_DONE)
		return end;
	say(error, end == PG_LATE ? "no answer while connecting" : PQerrorMessage(c->conn));
	pg_close(c);
	return end;
}

void pg_close(struct pg *c)
{
	if (c->conn == NULL)
		return;
	/* So that the goodbye of PQfinish finds a closed door instead of a full buffer. */
	if (PQsocket(c->conn) >= 0)
		shutdown(PQsocket(c->conn), SHUT_RDWR);
	PQfinish(c->conn);
	c->conn = NULL;
	c->queued = 0;
}

/* Running
 * ------------------------------------------------------------------------------------------ */

bool pg_prepare(struct pg *c, const char *name, const char *sql)
{
	c->queued++;
	return PQsendPrepare(c->conn, name, sql, 0, NULL) == 1;
}

static const int binary[PG_PARAMS_MAX] = { 1, 1, 1, 1, 1, 1, 1, 1 };

bool pg_execute(struct pg *c, const char *name, const struct pg_params *params)
{
	c->queued++;
	return PQsendQueryPrepared(c->conn, name, params->count, params->values, params->lengths,
	                           binary, 0) == 1;
}

bool pg_query(struct pg *c, const char *sql, const struct pg_params *params)
{
	c->queued++;
	return PQsendQueryParams(c->conn, sql, params->count, NULL, params->values, params->lengths,
	                         binary, 0) == 1;
}

/* Sends what there is to send and reads until a result can be had without waiting. */
static enum pg_end await_result(struct pg *c, struct mono deadline)
{
	while (PQisBusy(c->conn)) {
		int unsent = PQflush(c->conn);
		if (unsent < 0)
			return PG_LOST;
		enum pg_end end =
		        wait_socket(c, (short)(POLLIN | (unsent ? POLLOUT : 0)), deadline);
		if (end != PG_DONE)
			return end;
		if (PQconsumeInput(c->conn) == 0)
			return PG_LOST;
	}
	return PG_DONE;
}

static void note_refusal(struct pg_error *error, const PGresult *result, unsigned statement)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *said = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	TEXT_COPY(error->sqlstate, state != NULL ? state : "");
	say(error, said != NULL ? said : PQresultErrorMessage(result));
	error->statement = statement;
}

struct running {
	unsigned statement; /* the one whose result is next */
	bool refused, synced;
	void (*on_result)(void *context, unsigned statement, const PGresult *result);
	void *context;
};

/* One result in hand. False: the connection is of no more use. */
static bool take_result(struct running *run, const PGresult *result, struct pg_error *error)
{
	switch (PQresultStatus(result)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
		if (run->on_result != NULL)
			run->on_result(run->context, run->statement, result);
		return true;
	case PGRES_PIPELINE_SYNC: run->synced = true; return true;
	case PGRES_PIPELINE_ABORTED: return run->refused;
	default:
		if (run->refused || PQresultErrorField(result, PG_DIAG_SQLSTATE) == NULL)
			return false; /* libpq's own: the connection broke */
		run->refused = true;
		note_refusal(error, result, run->statement);
		return true;
	}
}

/* Results come statement by statement, each ended by a NULL; the synchronisation is one more. */
static enum pg_end gather_results(struct pg *c, struct running *run, struct mono deadline,
                                  struct pg_error *error)
{
	while (!run->synced) {
		enum pg_end end = await_result(c, deadline);
		if (end != PG_DONE)
			return end;
		PGresult *result = PQgetResult(c->conn);
		if (result == NULL) {
			run->statement++;
			if (run->statement > c->queued)
				return PG_LOST; /* more answers than questions */
			continue;
		}
		bool is_useful = take_result(run, result, error);
		PQclear(result);
		if (!is_useful)
			return PG_LOST;
	}
	return run->refused ? PG_REFUSED : PG_DONE;
}

enum pg_end pg_run(struct pg *c, struct mono deadline,
                   void (*on_result)(void *context, unsigned statement, const PGresult *result),
                   void *context, struct pg_error *error)
{
	struct running run = { .on_result = on_result, .context = context };
	enum pg_end end = PG_LOST;

	*error = (struct pg_error){ 0 };
	if (PQpipelineSync(c->conn) == 1)
		end = gather_results(c, &run, deadline, error);
	c->queued = 0;
	if (end == PG_DONE || end == PG_REFUSED)
		return end;
	if (!run.refused)
		say(error, end == PG_LATE ? "no answer to a statement" : PQerrorMessage(c->conn));
	pg_close(c);
	return end;
}

enum pg_end pg_idle(struct pg *c, int wake_fd, struct mono deadline, struct pg_error *error)
{
	struct pollfd fds[2] = { { .fd = wake_fd, .events = POLLIN },
		                 { .fd = PQsocket(c->conn), .events = POLLIN } };
	unsigned ready;
	enum pg_end end = wait_for(c->stop_fd, fds, 2, deadline, &ready);

	*error = (struct pg_error){ 0 };
	if (end != PG_DONE || !(ready & 2))
		return end;
	/* A server that shuts down says so before it goes. */
	if (PQconsumeInput(c->conn) == 1 && PQstatus(c->conn) == CONNECTION_OK &&
	    !PQisBusy(c->conn))
		return PG_DONE;
	say(error, PQerrorMessage(c->conn));
	pg_close(c);
	return PG_LOST;
}
