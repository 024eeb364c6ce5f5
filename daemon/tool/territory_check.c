#include "tool/territory_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/text.h"
#include "tool/geometry.h"
#include "tool/remarks.h"

struct check {
	PGconn *conn;
	struct remarks remarks;
	char why[TERRITORY_WHY_SIZE];
};

/* A question whose every row is a remark: its place, and what there is to say. */
static const struct question {
	enum remark_rank rank;
	const char *sql;
} questions[] = {
	{ REMARK_NOTE, "SELECT 'department ' || code, 'it has no commune: every place in it is "
	               "outside' FROM public.departments d "
	               "WHERE NOT EXISTS (SELECT FROM public.communes c WHERE c.department = "
	               "d.code) ORDER BY code" },
	{ REMARK_NOTE, "SELECT 'department ' || code, 'it has no contours: approximate cells stand "
	               "for its communes, and both sides "
	               "of each border are informed' FROM public.departments d WHERE EXISTS "
	               "(SELECT FROM public.communes c WHERE c.department "
	               "= d.code) AND NOT EXISTS (SELECT FROM public.contours k WHERE k.department "
	               "= d.code) ORDER BY code" },
	{ REMARK_ERROR, "SELECT 'commune ' || c.code, format('''%s'' has no contour, in a "
	                "department that has contours: a place in "
	                "it is outside', c.name) FROM public.communes c WHERE EXISTS (SELECT FROM "
	                "public.contours k WHERE k.department = "
	                "c.department) AND NOT EXISTS (SELECT FROM public.contours k WHERE "
	                "k.commune = c.code) ORDER BY c.code" },
	{ REMARK_NOTE, "SELECT 'centre ' || id, 'no other centre is asked when nobody here "
	               "answers' FROM public.centres WHERE answers "
	               "AND other_centre IS NULL ORDER BY id" },
	{ REMARK_NOTE, "SELECT 'centre ' || id, 'no commune is its own' FROM public.centres c "
	               "WHERE answers AND NOT EXISTS (SELECT FROM "
	               "public.communes m WHERE m.centre = c.id) AND NOT EXISTS (SELECT FROM "
	               "public.zones z WHERE z.centre = c.id) ORDER BY id" },
	{ REMARK_ERROR,
	  "SELECT 'commune ' || m.code, format('''%s'' belongs to %s, which sends nobody', m.name, "
	  "c.id) FROM public.communes m "
	  "JOIN public.centres c ON c.id = m.centre WHERE NOT c.answers ORDER BY m.code" },
	{ REMARK_NOTE, "SELECT 'commune ' || m.code, format('''%s'' belongs to %s, a centre of "
	               "department %s', m.name, c.id, c.department) "
	               "FROM public.communes m JOIN public.centres c ON c.id = m.centre WHERE "
	               "c.department <> m.department ORDER BY m.code" },
	{ REMARK_NOTE, "SELECT 'commune ' || m.code, format('''%s'' lies in a circonscription of "
	               "the police (%s) and belongs to %s', m.name, "
	               "m.district, c.id) FROM public.communes m JOIN public.centres c ON c.id = "
	               "m.centre WHERE m.district IS NOT NULL AND "
	               "c.kind <> 'police' ORDER BY m.code" },
	{ REMARK_NOTE, "SELECT 'commune ' || code, format('''%s'' has no tribunal', name) FROM "
	               "public.communes WHERE tribunal IS NULL ORDER BY code" },
	{ REMARK_NOTE, "SELECT 'department ' || department, format('%s of its %s communes have no "
	               "adviser: %s%s', count(*) FILTER (WHERE x "
	               "IS NULL), count(*), array_to_string((array_agg(code ORDER BY code) FILTER "
	               "(WHERE x IS NULL))[:5], ', '), CASE WHEN "
	               "count(*) FILTER (WHERE x IS NULL) > 5 THEN ', ...' ELSE '' END) FROM "
	               "public.communes c LEFT JOIN (SELECT commune AS x "
	               "FROM public.adviser_communes) a ON x = c.code GROUP BY department HAVING "
	               "count(*) FILTER (WHERE x IS NULL) > 0 ORDER BY 1" },
	{ REMARK_NOTE, "SELECT 'adviser ' || name, 'no number to call' FROM public.advisers WHERE "
	               "number IS NULL ORDER BY name" },
	{ REMARK_NOTE, "SELECT 'commune ' || min(code), format('its point is also that of %s', "
	               "string_agg(code, ', ' ORDER BY code) FILTER "
	               "(WHERE code <> first)) FROM (SELECT code, lat, lon, min(code::text) OVER "
	               "(PARTITION BY lat, lon) AS first FROM "
	               "public.communes) c GROUP BY lat, lon HAVING count(*) > 1 ORDER BY 1" },
};

static bool questions_ask(struct check *c)
{
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		PGresult *r = territory_ask(c->conn, questions[i].sql, false, c->why);
		if (!r)
			return false;
		for (int row = 0; row < PQntuples(r); row++)
			remarks_add(&c->remarks, questions[i].rank, PQgetvalue(r, row, 0), "%s",
			            PQgetvalue(r, row, 1));
		PQclear(r);
	}
	return true;
}

/* The contours, with the commune's name and point, or the zones. */
static const char contours_sql[] =
        "SELECT 'commune ' || k.commune, c.name::text, k.wkb, float8send(c.lat), float8send(c.lon) "
        "FROM public.contours k JOIN public.communes c ON c.code = k.commune ORDER BY k.commune";
static const char zones_sql[] =
        "SELECT 'zone ' || name, name::text, wkb FROM public.zones ORDER BY department, name";

static double double_at(const PGresult *r, int row, int column)
{
	const unsigned char *bytes = (const unsigned char *)PQgetvalue(r, row, column);
	uint64_t bits = 0;
	double value;

	for (int i = 0; i < 8; i++)
		bits = bits << 8 | bytes[i];
	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* Adds each area; rows[] says which row the geometry's areas came from, for invalid ones are left
 * out. Returns how many were added. */
static size_t areas_add(struct check *c, struct geometry *g, const PGresult *r, int *rows)
{
	size_t added = 0;
	char why[GEOMETRY_WHY_SIZE];

	for (int row = 0; row < PQntuples(r); row++) {
		const char *place = PQgetvalue(r, row, 0), *name = PQgetvalue(r, row, 1);
		if (!geometry_add(g, (const uint8_t *)PQgetvalue(r, row, 2),
		                  (size_t)PQgetlength(r, row, 2), why)) {
			remarks_add(&c->remarks, REMARK_ERROR, place,
			            "the area of '%s' is not valid: %s", name, why);
			continue;
		}
		if (PQnfields(r) > 3 &&
		    !geometry_covers(g, added, double_at(r, row, 3), double_at(r, row, 4)))
			remarks_add(&c->remarks, REMARK_ERROR, place,
			            "the contour of '%s' does not hold the commune's own point",
			            name);
		rows[added++] = row;
	}
	return added;
}

static bool areas_check(struct check *c, const char *sql, enum remark_rank overlap_rank)
{
	PGresult *r = territory_ask(c->conn, sql, true, c->why);
	struct geometry *g = geometry_new();
	int *rows = r ? calloc((size_t)PQntuples(r) + 1, sizeof(*rows)) : NULL;
	bool fine = r && g && rows;

	if (r && !fine)
		TEXT_COPY(c->why, "no memory");
	if (fine && areas_add(c, g, r, rows) > 0) {
		struct overlap pair = { 0 };
		while (geometry_next_overlap(g, TERRITORY_OVERLAP_SQUARE_M, &pair))
			remarks_add(&c->remarks, overlap_rank, PQgetvalue(r, rows[pair.a], 0),
			            "'%s' shares %.1f ha with %s, '%s'",
			            PQgetvalue(r, rows[pair.a], 1), pair.square_m / 10000,
			            PQgetvalue(r, rows[pair.b], 0), PQgetvalue(r, rows[pair.b], 1));
	}
	free(rows);
	geometry_free(g);
	PQclear(r);
	return fine;
}

/* The last word is the daemon's own: whatever was not asked above, would it load? */
static void daemon_try(struct check *c, struct territory_found *out, size_t *communes)
{
	struct territory *t = territory_load(c->conn, out->why);

	*communes = t ? territory_communes_count(t) : 0;
	if (!t)
		remarks_add(&c->remarks, REMARK_ERROR, "territory",
		            "a daemon would not load it: %s", out->why);
	territory_free(t);
}

static void check_print(const struct check *c, size_t communes, long long version)
{
	if (!c->remarks.is_json) {
		printf("version %lld, %zu communes: %u errors, %u notes\n", version, communes,
		       c->remarks.errors, c->remarks.notes);
		return;
	}
	json_t *all = json_pack("{s:I, s:I, s:i, s:i, s:O}", "version", (json_int_t)version,
	                        "communes", (json_int_t)communes, "errors", (int)c->remarks.errors,
	                        "notes", (int)c->remarks.notes, "remarks", c->remarks.list);
	json_dumpf(all, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(all);
}

bool territory_check(PGconn *conn, bool json, struct territory_found *out)
{
	struct check c = { .conn = conn };
	size_t communes;

	*out = (struct territory_found){ 0 };
	remarks_init(&c.remarks, json);
	PQclear(PQexec(
	        conn,
	        "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")); /* one moment, all of it */
	long long version = territory_load_version(conn, c.why);
	bool fine = version >= 0 && questions_ask(&c) &&
	            areas_check(&c, contours_sql, REMARK_ERROR) &&
	            areas_check(&c, zones_sql, REMARK_NOTE);
	if (fine) {
		daemon_try(&c, out, &communes);
		check_print(&c, communes, version);
	}
	out->errors = c.remarks.errors;
	out->notes = c.remarks.notes;
	if (!fine)
		TEXT_COPY(out->why, c.why);
	remarks_done(&c.remarks);
	return fine;
}
