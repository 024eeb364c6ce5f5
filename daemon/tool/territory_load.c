#include "tool/territory_load.h"

#include <stdlib.h>
#include <string.h>

#include "support/text.h"

PGresult *territory_ask(PGconn *conn, const char *sql, bool binary,
                        char why[static TERRITORY_WHY_SIZE])
{
	PGresult *result = PQexecParams(conn, sql, 0, NULL, NULL, NULL, NULL, binary);

	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		return result;
	const char *said = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	text_copy(why, TERRITORY_WHY_SIZE, said ? said : PQerrorMessage(conn));
	for (char *c = why; *c; c++)
		*c = *c == '\n' ? ' ' : *c;
	PQclear(result);
	return NULL;
}

static bool no_memory(char *why)
{
	text_copy(why, TERRITORY_WHY_SIZE, "no memory");
	return false;
}

static const char *text_at(const PGresult *r, int row, int column)
{
	return PQgetvalue(r, row, column); /* "" for NULL */
}

static enum centre_kind centre_kind_of(const char *text)
{
	if (strcmp(text, "police") == 0)
		return CENTRE_POLICE;
	return strcmp(text, "gendarmerie") == 0 ? CENTRE_GENDARMERIE : CENTRE_OPERATIONS;
}

static bool known_take(struct known *k, const PGresult *r, int row)
{
	const char *what = text_at(r, row, 0), *code = text_at(r, row, 1),
	           *name = text_at(r, row, 3);
	struct department_code department = department_code(text_at(r, row, 2));

	if (strcmp(what, "department") == 0)
		return known_add_department(k, department_code(code)) != NULL;
	if (strcmp(what, "tribunal") == 0)
		return known_add_tribunal(k, department, name) != NULL;
	if (strcmp(what, "centre") == 0) {
		struct known_centre *c = known_add_centre(k, centre_id(code));
		if (c) {
			c->department = department;
			c->kind = centre_kind_of(text_at(r, row, 4));
		}
		return c != NULL;
	}
	struct known_commune *c = known_add_commune(k, commune_code(code));
	if (!c)
		return false;
	c->department = department;
	TEXT_COPY(c->name, name);
	TEXT_COPY(c->district, text_at(r, row, 4));
	c->centre = centre_id(text_at(r, row, 5));
	c->lat = strtod(text_at(r, row, 6), NULL);
	c->lon = strtod(text_at(r, row, 7), NULL);
	return true;
}

bool territory_load_known(PGconn *conn, struct known *out, char why[static TERRITORY_WHY_SIZE])
{
	static const char sql[] = "SELECT 'department', code, code, name, NULL, NULL, "
	                          "NULL::float8, NULL::float8 FROM public.departments UNION ALL "
	                          "SELECT 'centre', id, department, name, kind, NULL, NULL, NULL "
	                          "FROM public.centres UNION ALL "
	                          "SELECT 'tribunal', NULL, department, name, NULL, NULL, NULL, "
	                          "NULL FROM public.tribunals UNION ALL "
	                          "SELECT 'commune', code, department, name, district, centre, "
	                          "lat, lon FROM public.communes";
	PGresult *r = territory_ask(conn, sql, false, why);
	bool fine = r != NULL;

	for (int row = 0; fine && row < PQntuples(r); row++)
		fine = known_take(out, r, row) || no_memory(why);
	PQclear(r);
	return fine;
}

/* Asks and gives each row in turn to `take`, whose false means what `wrong` says of the row. */
static bool rows_take(PGconn *conn, const char *sql, bool binary,
                      bool (*take)(struct territory *t, const PGresult *r, int row),
                      struct territory *t, const char *wrong, char *why)
{
	PGresult *r = territory_ask(conn, sql, binary, why);
	bool fine = r != NULL;

	for (int row = 0; fine && row < PQntuples(r); row++) {
		fine = take(t, r, row);
		if (!fine) {
			why[0] = '\0';
			text_add(why, TERRITORY_WHY_SIZE, "%s: %s", PQgetvalue(r, row, 0), wrong);
		}
	}
	PQclear(r);
	return fine;
}

static bool take_department(struct territory *t, const PGresult *r, int row)
{
	struct department d = { department_code(text_at(r, row, 0)), text_at(r, row, 1),
		                centre_id(text_at(r, row, 2)), centre_id(text_at(r, row, 3)) };

	return territory_put_department(t, &d);
}

static bool take_centre(struct territory *t, const PGresult *r, int row)
{
	struct centre c = { .id = centre_id(text_at(r, row, 0)),
		            .department = department_code(text_at(r, row, 1)),
		            .kind = centre_kind_of(text_at(r, row, 2)),
		            .name = text_at(r, row, 3),
		            .other = centre_id(text_at(r, row, 4)) };

	return territory_put_centre(t, &c);
}

static bool take_commune(struct territory *t, const PGresult *r, int row)
{
	struct commune c = { .code = commune_code(text_at(r, row, 0)),
		             .department = department_code(text_at(r, row, 1)),
		             .name = text_at(r, row, 2),
		             .tribunal = text_at(r, row, 3),
		             .centre = centre_id(text_at(r, row, 4)),
		             .lat = strtod(text_at(r, row, 5), NULL),
		             .lon = strtod(text_at(r, row, 6), NULL),
		             .adviser_name = text_at(r, row, 7),
		             .adviser_number = text_at(r, row, 8) };

	return territory_put_commune(t, &c);
}

static bool take_contour(struct territory *t, const PGresult *r, int row)
{
	return territory_put_contour(t, commune_code(text_at(r, row, 0)),
	                             (const uint8_t *)PQgetvalue(r, row, 1),
	                             (size_t)PQgetlength(r, row, 1));
}

static bool take_zone(struct territory *t, const PGresult *r, int row)
{
	return territory_put_zone(t, text_at(r, row, 0), centre_id(text_at(r, row, 1)),
	                          (const uint8_t *)PQgetvalue(r, row, 2),
	                          (size_t)PQgetlength(r, row, 2));
}

struct territory *territory_load(PGconn *conn, char why[static TERRITORY_WHY_SIZE])
{
	struct territory *t = territory_new();

	if (!t) {
		no_memory(why);
		return NULL;
	}
	if (rows_take(conn, "SELECT code, name, stand_in, operations FROM public.departments",
	              false, take_department, t, "not a department", why) &&
	    rows_take(conn, "SELECT id, department, kind, name, other_centre FROM public.centres",
	              false, take_centre, t, "not a centre", why) &&
	    rows_take(conn,
	              "SELECT c.code, c.department, c.name, c.tribunal, c.centre, c.lat, c.lon, "
	              "a.name, a.number "
	              "FROM public.communes c LEFT JOIN public.adviser_communes x ON x.commune = "
	              "c.code "
	              "LEFT JOIN public.advisers a ON a.id = x.adviser",
	              false, take_commune, t, "not a commune", why) &&
	    rows_take(conn, "SELECT commune::text, wkb FROM public.contours", true, take_contour, t,
	              "its contour is not a valid area", why) &&
	    rows_take(conn,
	              "SELECT name::text, centre::text, wkb FROM public.zones ORDER BY department, "
	              "name",
	              true, take_zone, t, "not a zone with a valid area", why) &&
	    territory_close(t, why, TERRITORY_WHY_SIZE))
		return t;
	territory_free(t);
	return NULL;
}

long long territory_load_version(PGconn *conn, char why[static TERRITORY_WHY_SIZE])
{
	PGresult *r =
	        territory_ask(conn, "SELECT version FROM public.territory_version", false, why);
	long long version = r && PQntuples(r) == 1 ? strtoll(PQgetvalue(r, 0, 0), NULL, 10) : -1;

	PQclear(r);
	return version;
}
