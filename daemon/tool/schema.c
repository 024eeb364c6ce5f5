#include "tool/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/text.h"

#define SCHEMA_LOCK_KEY "128021758699886" /* the bytes of "tocsin": ours alone, in this database   \
	                                   */
#define SCHEMA_SERVER_MIN 150000

/* The server's words, its detail and its hint, in one line. */
static void add_error(char *why, const PGconn *conn, const PGresult *result)
{
	const char *said =
	        result != NULL ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	const char *detail =
	        result != NULL ? PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL) : NULL;
	const char *hint = result != NULL ? PQresultErrorField(result, PG_DIAG_MESSAGE_HINT) : NULL;

	text_add(why, MIGRATION_WHY_SIZE, "%s", said != NULL ? said : PQerrorMessage(conn));
	if (detail != NULL)
		text_add(why, MIGRATION_WHY_SIZE, " (%s)", detail);
	if (hint != NULL)
		text_add(why, MIGRATION_WHY_SIZE, ". %s", hint);
	char *end = why;
	for (const char *c = why; *c != '\0'; c++) {
		bool is_blank = *c == ' ' || *c == '\n' || *c == '\t';
		if (!is_blank)
			*end++ = *c;
		else if (end > why && end[-1] != ' ')
			*end++ = ' ';
	}
	while (end > why && end[-1] == ' ')
		end--;
	*end = '\0';
}

/* NULL, with `why` extended, unless the answer is of the expected status. */
static PGresult *ask(PGconn *conn, const char *sql, ExecStatusType expected, char *why)
{
	PGresult *result = PQexec(conn, sql);

	if (PQresultStatus(result) == expected)
		return result;
	add_error(why, conn, result);
	PQclear(result);
	return NULL;
}

static bool tell(PGconn *conn, const char *sql, ExecStatusType expected, char *why)
{
	PGresult *result = ask(conn, sql, expected, why);

	PQclear(result);
	return result != NULL;
}

PGconn *schema_connect(const char *conninfo, char why[static MIGRATION_WHY_SIZE])
{
	/* What conninfo says comes after and wins, the search path apart: what a migration makes
	 * must not depend on who runs it. */
	const char *keys[] = { "connect_timeout", "fallback_application_name",
		               "client_encoding", "dbname",
		               "options",         NULL };
	const char *values[] = { "10",
		                 "tocsin db",
		                 "UTF8",
		                 conninfo,
		                 "-csearch_path=public -cclient_min_messages=warning",
		                 NULL };
	PGconn *conn = PQconnectdbParams(keys, values, 1);

	why[0] = '\0';
	if (PQstatus(conn) != CONNECTION_OK) {
		add_error(why, conn, NULL);
		PQfinish(conn);
		return NULL;
	}
	if (PQserverVersion(conn) < SCHEMA_SERVER_MIN) {
		text_add(why, MIGRATION_WHY_SIZE,
		         "the server is PostgreSQL %s, tocsin needs 15 or later",
		         PQparameterStatus(conn, "server_version"));
		PQfinish(conn);
		return NULL;
	}
	return conn;
}

bool schema_lock(PGconn *conn, char why[static MIGRATION_WHY_SIZE])
{
	why[0] = '\0';
	if (!tell(conn, "SET lock_timeout = '60s'", PGRES_COMMAND_OK, why))
		return false;
	text_add(why, MIGRATION_WHY_SIZE, "another migration is at work: ");
	return tell(conn, "SELECT pg_advisory_lock(" SCHEMA_LOCK_KEY ")", PGRES_TUPLES_OK, why);
}

static bool read_line(struct schema_line *line, const PGresult *r, int row, char *why)
{
	size_t length = 0;
	unsigned char *sum = PQunescapeBytea((const unsigned char *)PQgetvalue(r, row, 2), &length);
	bool ok = sum != NULL && length == sizeof line->sha256 &&
	          TEXT_COPY(line->name, PQgetvalue(r, row, 1));

	line->number = (unsigned)strtoul(PQgetvalue(r, row, 0), NULL, 10);
	TEXT_COPY(line->applied_at, PQgetvalue(r, row, 3));
	if (ok)
		memcpy(line->sha256, sum, sizeof line->sha256);
	else
		text_add(why, MIGRATION_WHY_SIZE,
		         "schema_version holds a line that is none of ours");
	PQfreemem(sum);
	return ok;
}

static bool read_lines(struct schema *out, const PGresult *r, char *why)
{
	unsigned count = (unsigned)PQntuples(r);

	out->lines = calloc(count + 1, sizeof *out->lines);
	if (out->lines == NULL) {
		text_add(why, MIGRATION_WHY_SIZE, "no memory");
		return false;
	}
	for (unsigned i = 0; i < count; i++) {
		if (!read_line(&out->lines[i], r, (int)i, why))
			return false;
		out->level = out->lines[i].number;
		out->count = i + 1;
	}
	return true;
}

static bool read_applied(struct schema *out, PGconn *conn, char *why)
{
	PGresult *r =
	        ask(conn, "SELECT oldest_daemon FROM public.schema_serves", PGRES_TUPLES_OK, why);
	bool ok = r != NULL && PQntuples(r) == 1;

	if (ok)
		out->oldest_daemon = (unsigned)strtoul(PQgetvalue(r, 0, 0), NULL, 10);
	PQclear(r);
	if (!ok)
		return false;
	r = ask(conn,
	        "SELECT number, name, sha256, to_char(applied_at AT TIME ZONE 'UTC', "
	        "'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') FROM public.schema_version ORDER BY number",
	        PGRES_TUPLES_OK, why);
	ok = r != NULL && read_lines(out, r, why);
	PQclear(r);
	return ok;
}

bool schema_read(struct schema *out, PGconn *conn, char why[static MIGRATION_WHY_SIZE])
{
	*out = (struct schema){ 0 };
	why[0] = '\0';
	PGresult *r = ask(conn, "SELECT to_regclass('public.schema_version') IS NOT NULL",
	                  PGRES_TUPLES_OK, why);
	if (r == NULL)
		return false;
	bool is_there = PQgetvalue(r, 0, 0)[0] == 't';
	PQclear(r);
	if (!is_there || read_applied(out, conn, why))
		return true;
	schema_done(out);
	return false;
}

void schema_done(struct schema *s)
{
	free(s->lines);
	*s = (struct schema){ 0 };
}

bool schema_is_prefix(const struct schema *s, const struct migrations *m,
                      char why[static MIGRATION_WHY_SIZE])
{
	why[0] = '\0';
	for (unsigned i = 0; i < s->count; i++) {
		const struct schema_line *line = &s->lines[i];
		if (line->number != i + 1)
			text_add(why, MIGRATION_WHY_SIZE,
			         "the database lacks migration %04u and has %s", i + 1, line->name);
		else if (i >= m->count)
			text_add(why, MIGRATION_WHY_SIZE,
			         "the database is newer than this tocsin: %s was applied on %s",
			         line->name, line->applied_at);
		else if (strcmp(line->name, m->list[i].name) != 0)
			text_add(why, MIGRATION_WHY_SIZE,
			         "%s was applied on %s, here it is called %s", line->name,
			         line->applied_at, m->list[i].name);
		else if (memcmp(line->sha256, m->list[i].sha256, sizeof line->sha256) != 0)
			text_add(why, MIGRATION_WHY_SIZE,
			         "%s was changed after it was applied on %s: an applied migration "
			         "stays "
			         "as it is, what has to change comes as a new file",
			         line->name, line->applied_at);
		if (why[0] != '\0')
			return false;
	}
	return true;
}

/* The server counts characters from 1; people count lines. */
static unsigned line_at(const char *text, const char *position)
{
	unsigned long left = strtoul(position, NULL, 10);
	unsigned line = 1;

	for (; *text != '\0' && left > 1; text++) {
		left -= ((unsigned char)*text & 0xc0) != 0x80;
		line += *text == '\n';
	}
	return line;
}

static bool run_file(PGconn *conn, const struct migration *m, char *why)
{
	PGresult *r = PQexec(conn, m->text);
	ExecStatusType status = PQresultStatus(r);
	bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;

	if (!ok) {
		const char *position = PQresultErrorField(r, PG_DIAG_STATEMENT_POSITION);
		text_add(why, MIGRATION_WHY_SIZE, "%s", m->name);
		if (position != NULL)
			text_add(why, MIGRATION_WHY_SIZE, ":%u", line_at(m->text, position));
		text_add(why, MIGRATION_WHY_SIZE, ": ");
		add_error(why, conn, r);
	} else if (PQtransactionStatus(conn) != PQTRANS_INTRANS) {
		text_add(why, MIGRATION_WHY_SIZE, "%s: ends the transaction that it is applied in",
		         m->name);
		ok = false;
	}
	PQclear(r);
	return ok;
}

static bool note_line(PGconn *conn, const struct migration *m, char *why)
{
	char number[16];
	const char *const values[] = { number, m->name, (const char *)m->sha256 };
	const int lengths[] = { 0, 0, sizeof m->sha256 };
	const int formats[] = { 0, 0, 1 };

	snprintf(number, sizeof number, "%u", m->number);
	PGresult *r = PQexecParams(conn,
	                           "INSERT INTO public.schema_version (number, name, sha256) "
	                           "VALUES ($1::integer, $2::text, $3::bytea)",
	                           3, NULL, values, lengths, formats, 0);
	bool ok = PQresultStatus(r) == PGRES_COMMAND_OK;
	if (!ok)
		add_error(why, conn, r);
	PQclear(r);
	return ok;
}

bool schema_apply(PGconn *conn, const struct migration *m, char why[static MIGRATION_WHY_SIZE])
{
	why[0] = '\0';
	if (tell(conn, "BEGIN", PGRES_COMMAND_OK, why) && run_file(conn, m, why) &&
	    note_line(conn, m, why) && tell(conn, "COMMIT", PGRES_COMMAND_OK, why))
		return true;
	PQclear(PQexec(conn, "ROLLBACK"));
	return false;
}
