#include "tool/database.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/text.h"
#include "tool/schema.h"

const char *database_null(void)
{
	static const char null[] = "";

	return null;
}

static void database_fail(struct database *d, const PGresult *result)
{
	const char *said = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);

	d->has_failed = true;
	d->why[0] = '\0';
	text_add(d->why, sizeof(d->why), "%s", said ? said : PQerrorMessage(d->conn));
	if (detail)
		text_add(d->why, sizeof(d->why), " (%s)", detail);
	d->why[strcspn(d->why, "\n")] = '\0';
}

static PGresult *database_send(struct database *d, ExecStatusType expected, const char *sql,
                               va_list args)
{
	const char *values[DATABASE_PARAMS_MAX];
	int count = 0;

	if (d->has_failed)
		return NULL;
	for (const char *value;
	     count < DATABASE_PARAMS_MAX && (value = va_arg(args, const char *));)
		values[count++] = value == database_null() ? NULL : value;
	PGresult *result = PQexecParams(d->conn, sql, count, NULL, values, NULL, NULL, 0);
	if (PQresultStatus(result) == expected) {
		if (expected == PGRES_COMMAND_OK) /* of a question these are the rows read */
			d->touched += strtoll(PQcmdTuples(result), NULL, 10);
		return result;
	}
	database_fail(d, result);
	PQclear(result);
	return NULL;
}

PGresult *database_ask(struct database *d, const char *sql, ...)
{
	va_list args;

	va_start(args, sql);
	PGresult *result = database_send(d, PGRES_TUPLES_OK, sql, args);
	va_end(args);
	return result;
}

bool database_run(struct database *d, const char *sql, ...)
{
	va_list args;

	va_start(args, sql);
	PGresult *result = database_send(d, PGRES_COMMAND_OK, sql, args);
	va_end(args);
	PQclear(result);
	return result != NULL;
}

bool database_value(struct database *d, char *out, size_t size, const char *sql, const char *param)
{
	PGresult *result = database_ask(d, sql, param, NULL);
	bool found =
	        result && PQntuples(result) > 0 && text_copy(out, size, PQgetvalue(result, 0, 0));

	PQclear(result);
	return found;
}

/* The person behind the account, or the account's number when nobody knows its name. */
static void database_set_who(struct database *d, const char *operator)
{
	const struct passwd *account = getpwuid(getuid());

	d->who[0] = '\0';
	if (operator&& operator[0])
		text_add(d->who, sizeof(d->who), "%s", operator);
	else if (account)
		text_add(d->who, sizeof(d->who), "account %s", account->pw_name);
	else
		text_add(d->who, sizeof(d->who), "account %u", (unsigned)getuid());
}

bool database_open(struct database *d, const char *conninfo, const char *verb, const char *operator)
{
	*d = (struct database){ .verb = verb };
	database_set_who(d, operator);
	d->conn = schema_connect(conninfo, d->why);
	d->has_failed = d->conn == NULL;
	return database_run(d, "BEGIN", NULL);
}

void database_close(struct database *d)
{
	PQfinish(d->conn);
	d->conn = NULL;
}

bool database_note(struct database *d, const char *department, const char *what, const char *object,
                   const char *object_id, const char *detail)
{
	return database_run(
	        d,
	        "INSERT INTO public.trail (chain, at, department, who, via, what, object, "
	        "object_id, detail) VALUES (0, clock_timestamp(), $1, $2, $3, $4, $5, $6, $7)",
	        department, d->who, d->verb, what, object, object_id, detail, NULL);
}

bool database_commit(struct database *d)
{
	return database_run(d, "COMMIT", NULL);
}
