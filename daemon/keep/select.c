#include "keep/select.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "keep/gather.h"
#include "support/id.h"

#define PORTION  20000 /* people at a time: about 10 MB in all four tables */
#define SQL_SIZE 1024

/* One COPY on its way: its rows go to `each` with their kind, or to `add` of a gather. */
struct reading {
	enum row_kind kind;
	select_row *each;
	void *context;
	struct gather *gather;
	bool (*add)(struct gather *g, const uint8_t *bytes, size_t length);
};

static bool reading_row(void *context, const uint8_t *bytes, size_t length)
{
	struct reading *r = context;

	return r->add ? r->add(r->gather, bytes, length)
	              : r->each(r->context, r->kind, bytes, length);
}

static bool stream_piece(void *context, const uint8_t *bytes, size_t length)
{
	return row_stream_piece(context, bytes, length);
}

static bool copy(struct pg_client *c, const char *query, struct reading *r, int64_t silence_ms)
{
	struct row_stream stream = { .row = reading_row, .context = r };
	char sql[2 * SQL_SIZE];

	snprintf(sql, sizeof sql, "COPY (%s) TO STDOUT (FORMAT binary)", query);
	return pg_client_copy(c, sql, silence_ms, stream_piece, &stream);
}

static bool copy_rows(struct pg_client *c, enum row_kind kind, const char *query,
                      int64_t silence_ms, select_row *each, void *context)
{
	struct reading r = { .kind = kind, .each = each, .context = context };

	return copy(c, query, &r, silence_ms);
}

/* ---- session and transaction ---- */

static int64_t value_of(const PGresult *result, int column)
{
	return strtoll(PQgetvalue(result, 0, column), NULL, 10); /* 0 for null */
}

static bool ask_schema(struct pg_client *c, struct select_schema *out, struct mono deadline)
{
	PGresult *r = pg_client_ask(c, "SELECT to_regclass('public.schema_now') IS NOT NULL", 0,
	                            NULL, deadline);
	bool is_there = r && PQgetvalue(r, 0, 0)[0] == 't';

	*out = (struct select_schema){ 0 };
	PQclear(r);
	if (!is_there)
		return r != NULL;
	r = pg_client_ask(c, "SELECT level, oldest_daemon FROM public.schema_now", 0, NULL,
	                  deadline);
	if (!r)
		return false;
	if (PQntuples(r) == 1)
		*out = (struct select_schema){ (unsigned)value_of(r, 0), (unsigned)value_of(r, 1) };
	PQclear(r);
	return true;
}

bool select_begin_session(struct pg_client *c, struct select_schema *out, struct mono deadline)
{
	static const char *const settings[] = {
		"SET application_name = 'tocsind registry'",
		"SET search_path = public",
		"SET jit = off", /* compiling takes longer than any query here */
		"LISTEN tocsin_registry",
		"LISTEN tocsin_territory",
	};

	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
		if (!pg_client_tell(c, settings[i], deadline))
			return false;
	return ask_schema(c, out, deadline);
}

#define AS_US(time) "(extract(epoch FROM " time ") * 1000000)::bigint"

bool select_begin(struct pg_client *c, uint64_t known, struct select_versions *out,
                  struct mono deadline)
{
	static const char sql[] = "SELECT r.version, t.version, " AS_US("r.changed_at") ", " AS_US(
	        "t.changed_at") ", r.floor, "
	                        "CASE WHEN r.version = $1::bigint THEN " AS_US(
	                                "r.changed_at") " ELSE "
	                                                "(SELECT " AS_US(
	                                                        "at") " FROM registry_change WHERE "
	                                                              "version = $1::bigint LIMIT "
	                                                              "1) END, "
	                                                              "(SELECT count(*) FROM "
	                                                              "(SELECT FROM "
	                                                              "registry_change WHERE "
	                                                              "version > $1::bigint LIMIT "
	                                                              "$2::integer) AS c) "
	                                                              "FROM registry_version r, "
	                                                              "territory_version t";
	char version[24], most[24];
	const char *params[] = { version, most };

	snprintf(version, sizeof version, "%" PRIu64, known);
	snprintf(most, sizeof most, "%d", SELECT_CHANGES_COUNTED);
	if (!pg_client_tell(c, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", deadline))
		return false;
	PGresult *r = pg_client_ask(c, sql, 2, params, deadline);
	if (!r)
		return false;
	*out = (struct select_versions){
		.registry = (uint64_t)value_of(r, 0),
		.territory = (uint64_t)value_of(r, 1),
		.registry_at = { value_of(r, 2) },
		.territory_at = { value_of(r, 3) },
		.floor = (uint64_t)value_of(r, 4),
		.known_at = { value_of(r, 5) },
		.changes = (uint64_t)value_of(r, 6),
	};
	PQclear(r);
	return true;
}

bool select_end(struct pg_client *c, struct mono deadline)
{
	return pg_client_tell(c, "COMMIT", deadline);
}

/* ---- registry ---- */

#define SITE_COLUMNS "s.label, s.address, s.access, s.commune, s.lat, s.lon, s.precision"
#define SOURCE_COLUMNS                                                                             \
	"s.department, s.name, s.kind, s.state, s.has_panic_button, s.owner, s.site, s.centre, "   \
	"s.issuer, s.subject, s.supervision_s"
#define PERSON_COLUMNS "p.department, p.name, p.profession, p.specialty, p.exposed, p.rpps"

static bool gather_people(struct pg_client *c, struct gather *g, const char *query,
                          int64_t silence_ms)
{
	struct reading r = { .gather = g, .add = gather_person };

	gather_clear(g);
	return copy(c, query, &r, silence_ms);
}

/* Of the other tables what belongs to them: `whose` is the condition on "practitioner". */
static bool gather_belongings(struct pg_client *c, struct gather *g, const char *whose,
                              int64_t silence_ms)
{
	static const struct {
		bool (*add)(struct gather *g, const uint8_t *bytes, size_t length);
		const char *what, *order;
	} tables[] = {
		{ gather_number, "SELECT practitioner, shared, number FROM numbers",
		  "ORDER BY practitioner, place" },
		{ gather_site, "SELECT practitioner, site FROM practitioner_sites",
		  "ORDER BY practitioner, place" },
		{ gather_consent, "SELECT practitioner, centre FROM consents",
		  "AND withdrawn_at IS NULL ORDER BY practitioner" },
	};
	char sql[SQL_SIZE];

	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		struct reading r = { .gather = g, .add = tables[i].add };
		snprintf(sql, sizeof sql, "%s WHERE practitioner %s %s", tables[i].what, whose,
		         tables[i].order);
		if (!copy(c, sql, &r, silence_ms))
			return false;
	}
	return true;
}

static bool select_people(struct pg_client *c, int64_t silence_ms, select_row *each, void *context)
{
	char sql[SQL_SIZE], whose[2 * ID_TEXT_SIZE + 32], first[ID_TEXT_SIZE], last[ID_TEXT_SIZE];
	struct gather g;
	bool ok;

	gather_init(&g);
	do {
		id_format(g.last, first);
		snprintf(sql, sizeof sql,
		         "SELECT p.id, " PERSON_COLUMNS " FROM practitioners p WHERE p.id > '%s' "
		         "ORDER BY p.id LIMIT %d",
		         first, PORTION);
		ok = gather_people(c, &g, sql, silence_ms);
		if (!ok || g.people_count == 0)
			break;
		id_format(g.last, last);
		snprintf(whose, sizeof whose, "> '%s' AND practitioner <= '%s'", first, last);
		ok = gather_belongings(c, &g, whose, silence_ms) && gather_each(&g, each, context);
	} while (ok && g.people_count == PORTION);
	gather_done(&g);
	return ok;
}

bool select_registry(struct pg_client *c, int64_t silence_ms, select_row *each, void *context)
{
	/* Sites before people only because a lesser number of forward references is faster. */
	return copy_rows(c, ROW_SITE, "SELECT s.id, " SITE_COLUMNS " FROM sites s", silence_ms,
	                 each, context) &&
	       copy_rows(c, ROW_SOURCE, "SELECT s.id, " SOURCE_COLUMNS " FROM sources s",
	                 silence_ms, each, context) &&
	       select_people(c, silence_ms, each, context);
}

/* A changed entity that is no longer there comes with nulls: it is gone. */
static bool changed_rows(struct pg_client *c, enum row_kind kind, const char *columns,
                         const char *table, const char *entity, uint64_t after, int64_t silence_ms,
                         select_row *each, void *context)
{
	char sql[SQL_SIZE];

	snprintf(sql, sizeof sql,
	         "SELECT c.id, %s FROM (SELECT DISTINCT id FROM registry_change WHERE version > "
	         "%" PRIu64 " AND entity = '%s') AS c LEFT JOIN %s s ON s.id = c.id",
	         columns, after, entity, table);
	return copy_rows(c, kind, sql, silence_ms, each, context);
}

static bool changed_people(struct pg_client *c, uint64_t after, int64_t silence_ms,
                           select_row *each, void *context)
{
	char changed[SQL_SIZE / 4], people[SQL_SIZE], whose[SQL_SIZE / 2];
	struct gather g;

	snprintf(changed, sizeof changed,
	         "SELECT DISTINCT id FROM registry_change WHERE version > %" PRIu64
	         " AND entity = 'practitioner'",
	         after);
	snprintf(people, sizeof people,
	         "SELECT c.id, " PERSON_COLUMNS
	         " FROM (%s) AS c LEFT JOIN practitioners p ON p.id = c.id "
	         "ORDER BY c.id",
	         changed);
	snprintf(whose, sizeof whose, "= ANY (ARRAY(%s))", changed);
	gather_init(&g);
	bool ok = gather_people(c, &g, people, silence_ms);
	if (ok && g.people_count > 0)
		ok = gather_belongings(c, &g, whose, silence_ms) && gather_each(&g, each, context);
	gather_done(&g);
	return ok;
}

bool select_changes(struct pg_client *c, uint64_t after, int64_t silence_ms, select_row *each,
                    void *context)
{
	return changed_rows(c, ROW_SITE, SITE_COLUMNS, "sites", "site", after, silence_ms, each,
	                    context) &&
	       changed_rows(c, ROW_SOURCE, SOURCE_COLUMNS, "sources", "source", after, silence_ms,
	                    each, context) &&
	       changed_people(c, after, silence_ms, each, context);
}

/* ---- territory ---- */

bool select_territory(struct pg_client *c, int64_t silence_ms, select_row *each, void *context)
{
	static const struct {
		enum row_kind kind;
		const char *query;
	} tables[] = {
		{ ROW_DEPARTMENT, "SELECT code, name, stand_in, operations FROM departments" },
		{ ROW_CENTRE, "SELECT id, department, kind, name, other_centre FROM centres" },
		{ ROW_COMMUNE,
		  "SELECT c.code, c.department, c.name, c.tribunal, c.centre, c.lat, c.lon, "
		  "a.name, a.number "
		  "FROM communes c LEFT JOIN adviser_communes ac ON ac.commune = c.code "
		  "LEFT JOIN advisers a ON a.id = ac.adviser" },
		{ ROW_CONTOUR, "SELECT commune, wkb FROM contours" },
		{ ROW_ZONE, "SELECT name, centre, wkb FROM zones" },
	};

	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		if (!copy_rows(c, tables[i].kind, tables[i].query, silence_ms, each, context))
			return false;
	return true;
}
