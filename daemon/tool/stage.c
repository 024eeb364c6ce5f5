#include "tool/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/bug.h"
#include "support/text.h"

#define SQL_SIZE 2048

static const struct shape {
	const char *name;
	const char *columns[STAGE_COLUMNS_MAX + 1];
	unsigned key;   /* so many of the columns, from the first on, are the primary key */
	const char *of; /* the department, in a row of it */
} shapes[STAGE_TABLES] = {
	[STAGE_DEPARTMENTS] = { "departments",
	                        { "code", "name", "stand_in", "operations" },
	                        1,
	                        "code" },
	[STAGE_CENTRES] = { "centres",
	                    { "id", "department", "kind", "name", "other_centre" },
	                    1,
	                    "department" },
	[STAGE_TRIBUNALS] = { "tribunals", { "department", "name" }, 2, "department" },
	[STAGE_COMMUNES] = { "communes",
	                     { "code", "department", "name", "postal_codes", "population",
	                       "arrondissement", "district", "tribunal", "centre", "lat", "lon" },
	                     1,
	                     "department" },
	[STAGE_CONTOURS] = { "contours", { "commune", "department", "wkb" }, 1, "department" },
	[STAGE_ZONES] = { "zones", { "department", "name", "centre", "wkb" }, 2, "department" },
	[STAGE_ADVISERS] = { "advisers",
	                     { "id", "department", "name", "number" },
	                     1,
	                     "department" },
	[STAGE_ADVISER_COMMUNES] = { "adviser_communes",
	                             { "commune", "department", "adviser" },
	                             1,
	                             "department" },
};

const char *stage_table_name(enum stage_table table)
{
	return shapes[table].name;
}

static unsigned columns_count(const struct shape *shape)
{
	unsigned count = 0;

	while (shape->columns[count])
		count++;
	return count;
}

/* "n.code, n.name, ...": `before` stands before each name. */
static void add_columns(char *sql, const struct shape *shape, const char *before, unsigned from,
                        unsigned to)
{
	for (unsigned i = from; i < to; i++)
		text_add(sql, SQL_SIZE, "%s%s%s", i > from ? ", " : "", before, shape->columns[i]);
}

static void add_key_match(char *sql, const struct shape *shape)
{
	for (unsigned i = 0; i < shape->key; i++)
		text_add(sql, SQL_SIZE, "%so.%s = n.%s", i ? " AND " : "", shape->columns[i],
		         shape->columns[i]);
}

/* The server's sentence and its detail, in one line. */
static void stage_tell(struct stage *s, const PGresult *result)
{
	const char *said = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	const char *detail = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL) : NULL;

	s->why[0] = '\0';
	text_add(s->why, sizeof(s->why), "%s", said ? said : PQerrorMessage(s->conn));
	if (detail)
		text_add(s->why, sizeof(s->why), " (%s)", detail);
	for (char *c = s->why; *c; c++)
		*c = *c == '\n' ? ' ' : *c;
}

static PGresult *stage_ask(struct stage *s, const char *sql, ExecStatusType wanted)
{
	PGresult *result = PQexec(s->conn, sql);

	if (PQresultStatus(result) == wanted)
		return result;
	stage_tell(s, result);
	PQclear(result);
	return NULL;
}

bool stage_run(struct stage *s, const char *sql)
{
	PGresult *result = PQexec(s->conn, sql);
	ExecStatusType status = PQresultStatus(result);
	bool fine = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;

	if (!fine)
		stage_tell(s, result);
	PQclear(result);
	return fine;
}

/* The columns' types with their checks, and the key; none of the references. */
static bool stage_use(struct stage *s, enum stage_table table)
{
	const struct shape *shape = &shapes[table];
	char sql[SQL_SIZE] = "";

	if (s->is_used[table])
		return true;
	text_add(sql, SQL_SIZE, "CREATE TEMPORARY TABLE new_%s ON COMMIT DROP AS SELECT ",
	         shape->name);
	add_columns(sql, shape, "", 0, columns_count(shape));
	text_add(sql, SQL_SIZE,
	         " FROM public.%s WITH NO DATA; ALTER TABLE new_%s ADD PRIMARY KEY (", shape->name,
	         shape->name);
	add_columns(sql, shape, "", 0, shape->key);
	text_add(sql, SQL_SIZE, "); PREPARE add_%s AS INSERT INTO new_%s VALUES (", shape->name,
	         shape->name);
	for (unsigned i = 1; i <= columns_count(shape); i++)
		text_add(sql, SQL_SIZE, "%s$%u", i > 1 ? ", " : "", i);
	text_add(sql, SQL_SIZE, ")");
	return s->is_used[table] = stage_run(s, sql);
}

enum stage_answer stage_row(struct stage *s, enum stage_table table,
                            const struct stage_value *values)
{
	const struct shape *shape = &shapes[table];
	const char *texts[STAGE_COLUMNS_MAX];
	int lengths[STAGE_COLUMNS_MAX], formats[STAGE_COLUMNS_MAX];
	char statement[64] = "";
	unsigned count = columns_count(shape);

	if (!stage_use(s, table) || !stage_run(s, "SAVEPOINT one_row"))
		return STAGE_FAILED;
	for (unsigned i = 0; i < count; i++) {
		texts[i] = values[i].text;
		lengths[i] = (int)values[i].length;
		formats[i] = values[i].length != 0;
	}
	text_add(statement, sizeof(statement), "add_%s", shape->name);
	PGresult *result =
	        PQexecPrepared(s->conn, statement, (int)count, texts, lengths, formats, 0);
	bool taken = PQresultStatus(result) == PGRES_COMMAND_OK;
	if (!taken)
		stage_tell(s, result);
	PQclear(result);
	if (taken)
		return stage_run(s, "RELEASE one_row") ? STAGE_TAKEN : STAGE_FAILED;
	char why[STAGE_WHY_SIZE];
	TEXT_COPY(why, s->why);
	if (!stage_run(s, "ROLLBACK TO one_row"))
		return STAGE_FAILED;
	TEXT_COPY(s->why, why);
	return STAGE_REFUSED;
}

static long long number_at(const PGresult *result, int column)
{
	return strtoll(PQgetvalue(result, 0, column), NULL, 10);
}

static bool table_count(struct stage *s, const struct shape *shape, struct stage_count *out)
{
	unsigned count = columns_count(shape);
	char sql[SQL_SIZE] = "";

	must(count > 0 && shape->columns[0] != NULL);
	text_add(sql, SQL_SIZE,
	         "SELECT count(*), count(*) FILTER (WHERE o.%s IS NULL), count(*) FILTER (WHERE "
	         "o.%s IS NOT NULL AND (",
	         shape->columns[0], shape->columns[0]);
	add_columns(sql, shape, "o.", 0, count);
	text_add(sql, SQL_SIZE, ") IS DISTINCT FROM (");
	add_columns(sql, shape, "n.", 0, count);
	text_add(sql, SQL_SIZE,
	         ")), (SELECT count(*) FROM public.%s o WHERE o.%s IN (SELECT %s FROM new_%s) AND "
	         "NOT EXISTS "
	         "(SELECT FROM new_%s n WHERE ",
	         shape->name, shape->of, shape->of, shape->name, shape->name);
	add_key_match(sql, shape);
	text_add(sql, SQL_SIZE, ")) FROM new_%s n LEFT JOIN (SELECT * FROM public.%s) o ON ",
	         shape->name, shape->name);
	add_key_match(sql, shape);
	PGresult *result = stage_ask(s, sql, PGRES_TUPLES_OK);
	if (!result)
		return false;
	*out = (struct stage_count){ true, number_at(result, 0), number_at(result, 1),
		                     number_at(result, 2), number_at(result, 3) };
	PQclear(result);
	return true;
}

static bool table_write(struct stage *s, const struct shape *shape)
{
	unsigned count = columns_count(shape);
	char sql[SQL_SIZE] = "";

	text_add(sql, SQL_SIZE, "INSERT INTO public.%s (", shape->name);
	add_columns(sql, shape, "", 0, count);
	text_add(sql, SQL_SIZE,
	         ") SELECT * FROM new_%s n WHERE NOT EXISTS (SELECT FROM public.%s o WHERE (",
	         shape->name, shape->name);
	add_columns(sql, shape, "o.", 0, count);
	text_add(sql, SQL_SIZE, ") IS NOT DISTINCT FROM (");
	add_columns(sql, shape, "n.", 0, count);
	text_add(sql, SQL_SIZE, ")) ON CONFLICT (");
	add_columns(sql, shape, "", 0, shape->key);
	text_add(sql, SQL_SIZE, ") DO ");
	if (shape->key == count)
		return text_add(sql, SQL_SIZE, "NOTHING") && stage_run(s, sql);
	text_add(sql, SQL_SIZE, "UPDATE SET (");
	add_columns(sql, shape, "", shape->key, count);
	text_add(sql, SQL_SIZE, ") = ROW (");
	add_columns(sql, shape, "EXCLUDED.", shape->key, count);
	return text_add(sql, SQL_SIZE, ")") && stage_run(s, sql);
}

static bool table_clean(struct stage *s, const struct shape *shape)
{
	char sql[SQL_SIZE] = "";

	text_add(sql, SQL_SIZE,
	         "DELETE FROM public.%s o WHERE o.%s IN (SELECT %s FROM new_%s) AND NOT EXISTS "
	         "(SELECT FROM new_%s n WHERE ",
	         shape->name, shape->of, shape->of, shape->name, shape->name);
	add_key_match(sql, shape);
	return text_add(sql, SQL_SIZE, ")") && stage_run(s, sql);
}

/* Statements that would change nothing are not run at all: even then they would move the version.
 */
bool stage_apply(struct stage *s, bool replace, struct stage_count counts[static STAGE_TABLES])
{
	memset(counts, 0, STAGE_TABLES * sizeof(*counts));
	for (enum stage_table t = 0; t < STAGE_TABLES; t++) {
		if (!s->is_used[t])
			continue;
		if (!table_count(s, &shapes[t], &counts[t]))
			return false;
		if (counts[t].added + counts[t].changed > 0 && !table_write(s, &shapes[t]))
			return false;
	}
	for (enum stage_table t = STAGE_TABLES; replace && t-- > 0;) {
		if (s->is_used[t] && counts[t].gone > 0 && !table_clean(s, &shapes[t]))
			return false;
	}
	return true;
}
