#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "decide/phone.h"
#include "support/text.h"
#include "tool/database.h"
#include "tool/person.h"
#include "tool/person_rows.h"
#include "tool/plain.h"
#include "tool/verb.h"

/* The verb registry: the people who asked to be recognised. Whatever is done or looked at leaves
 * the operator's name in the trail. */

struct registry_run {
	struct database db;
	const char *conninfo, *operator, * department, *centre;
	bool json, dry_run;
};

#define OPTION_DATABASE(r)                                                                         \
	{                                                                                          \
		.name = "database", .text = &(r).conninfo, .value = "CONNINFO",                    \
		.help = "as libpq understands it (default: PGHOST, PGDATABASE, ...)"               \
	}
#define OPTION_OPERATOR(r)                                                                         \
	{                                                                                          \
		.name = "operator", .text = &(r).operator, .value = "NAME",                        \
		.help = "who does it, for the trail (default: this account)"                       \
	}
#define OPTION_DEPARTMENT(r)                                                                       \
	{                                                                                          \
		.name = "department", .text = &(r).department, .value = "CODE",                    \
		.help = "only of this one"                                                         \
	}
#define OPTION_JSON(r)                                                                             \
	{                                                                                          \
		.name = "json", .flag = &(r).json, .help = "as JSON"                               \
	}

static int registry_end(struct registry_run *r, bool fine)
{
	database_close(&r->db);
	return fine ? VERB_DONE : verb_refuse("%s", r->db.why);
}

static bool registry_fails(struct registry_run *r, const char *why)
{
	TEXT_COPY(r->db.why, why);
	r->db.has_failed = true;
	return false;
}

/* ---- import ---- */

static const char import_about[] =
        "Brings people into the registry from a CSV file, all of them or, when a single\n"
        "row cannot be used, none; each such row is told with line and column. The\n"
        "first line names the columns (delimiter ';', ',' or tab, UTF-8):\n"
        "\n"
        "  department, name, profession   needed\n"
        "  specialty, exposed             exposed: why the person is in danger\n"
        "  rpps                           11 digits, checked\n"
        "  numbers, shared_numbers        separated by commas, in any French spelling;\n"
        "                                 shared: a surgery's line\n"
        "  site, address, access, commune commune: INSEE code, never a postal code\n"
        "  lat, lon, precision            of the site; precision: address or exact\n"
        "  consents, given_at, evidence   centres separated by commas; a date; the\n"
        "                                 signed form's reference\n"
        "\n"
        "A person with several sites takes several rows, one after the other. Who is\n"
        "known (by department and RPPS number, else by name) is brought up to date:\n"
        "numbers and sites become those of the file, consents that stand are left, and\n"
        "one that was withdrawn is not given again. A second time changes nothing.";

static bool import_finish(struct registry_run *r, struct person_rows *rows, bool read)
{
	unsigned errors = rows->remarks.errors;

	if (!read)
		return false;
	if (errors > 0) {
		r->db.why[0] = '\0';
		text_add(r->db.why, sizeof(r->db.why),
		         "%u row%s cannot be used, so nothing was imported", errors,
		         errors > 1 ? "s" : "");
		return false;
	}
	return database_run(&r->db, r->dry_run ? "ROLLBACK" : "COMMIT", NULL);
}

static void import_print(const struct registry_run *r, const struct person_rows *rows, bool done)
{
	if (!r->json) {
		if (done)
			printf("%u people, %u added, %u changed%s\n", rows->people, rows->added,
			       rows->changed,
			       r->dry_run ? " (tried alone: nothing was written)" : "");
		return;
	}
	json_t *all = json_pack("{s:b, s:b, s:i, s:i, s:i, s:O}", "imported", done && !r->dry_run,
	                        "dry_run", r->dry_run, "people", (int)rows->people, "added",
	                        (int)rows->added, "changed", (int)rows->changed, "remarks",
	                        rows->remarks.list);
	json_dumpf(all, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(all);
}

static int import_action(int argc, char **argv)
{
	struct registry_run r = { .conninfo = "" };
	const struct verb_option options[] = {
		OPTION_DATABASE(r),
		{ .name = "dry-run",
		  .flag = &r.dry_run,
		  .help = "do all of it, then take it back" },
		{ .name = "json",
		  .flag = &r.json,
		  .help = "what was done, and each remark, as JSON" },
		OPTION_OPERATOR(r),
		{ .name = NULL },
	};
	const struct verb_form form = { .arguments = "FILE",
		                        .about = import_about,
		                        .options = options,
		                        .arguments_min = 1,
		                        .arguments_max = 1 };
	struct person_rows rows = { .db = &r.db };
	int first, code;

	if (!verb_begin(&form, argc, argv, &first, &code))
		return code;
	remarks_init(&rows.remarks, r.json);
	bool done = database_open(&r.db, r.conninfo, "registry import", r.operator);
	done = done && import_finish(&r, &rows, person_rows_import(&rows, argv[first]));
	import_print(&r, &rows, done);
	remarks_done(&rows.remarks);
	return registry_end(&r, done);
}

/* ---- add ---- */

static bool add_write(struct registry_run *r, const struct registration *p,
                      struct person_written *written)
{
	return person_write(&r->db, p, written) &&
	       (!written->is_changed ||
	        database_note(&r->db, p->department, written->is_new ? "add" : "change",
	                      "practitioner", written->id, "")) &&
	       database_commit(&r->db);
}

struct add_texts {
	const char *name, *profession, *specialty, *rpps, *exposed, *numbers, *shared, *site,
	        *address, *access, *commune, *lat, *lon, *consents, *given, *evidence;
};

static bool add_fill(const struct registry_run *r, const struct add_texts *t,
                     struct registration *p, char why[static PERSON_WHY_SIZE])
{
	struct person_site site = { .label = "" };

	text_copy(why, PERSON_WHY_SIZE, "a text is too long");
	if (!TEXT_COPY(p->department, r->department) || !TEXT_COPY(p->name, t->name) ||
	    !TEXT_COPY(p->profession, t->profession) || !TEXT_COPY(p->specialty, t->specialty) ||
	    !TEXT_COPY(p->rpps, t->rpps) || !TEXT_COPY(p->exposed, t->exposed) ||
	    !TEXT_COPY(p->given_at, t->given) || !TEXT_COPY(p->evidence, t->evidence) ||
	    !TEXT_COPY(site.label, t->site) || !TEXT_COPY(site.address, t->address) ||
	    !TEXT_COPY(site.access, t->access) || !TEXT_COPY(site.commune, t->commune) ||
	    !TEXT_COPY(site.lat, t->lat) || !TEXT_COPY(site.lon, t->lon))
		return false;
	return person_add_numbers(p, t->numbers, false, why) &&
	       person_add_numbers(p, t->shared, true, why) &&
	       (!site.label[0] || person_add_site(p, &site, why)) &&
	       person_add_consents(p, t->consents, why) && person_is_complete(p, why);
}

static int add_run(struct registry_run *r, const struct add_texts *t)
{
	struct registration *p = calloc(1, sizeof(*p));
	struct person_written written;
	char why[PERSON_WHY_SIZE];

	if (!p)
		return verb_refuse("no memory");
	if (!add_fill(r, t, p, why)) {
		free(p);
		return verb_refuse("%s", why);
	}
	bool fine = database_open(&r->db, r->conninfo, "registry add", r->operator) &&
	            add_write(r, p, &written);
	if (fine)
		puts(written.id);
	free(p);
	return registry_end(r, fine);
}

static int add_action(int argc, char **argv)
{
	struct registry_run r = { .conninfo = "", .department = "" };
	struct add_texts t = { "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "" };
	const struct verb_option options[] = {
		{ "access", NULL, &t.access, "TEXT", "how to get in" },
		{ "address", NULL, &t.address, "TEXT", "of the site" },
		{ "commune", NULL, &t.commune, "INSEE", "of the site" },
		{ "consents", NULL, &t.consents, "CENTRES", "who may recognise the numbers" },
		OPTION_DATABASE(r),
		{ "department", NULL, &r.department, "CODE", "who registers" },
		{ "evidence", NULL, &t.evidence, "TEXT", "the signed form's reference" },
		{ "exposed", NULL, &t.exposed, "WHY", "why the person is in danger" },
		{ "given", NULL, &t.given, "DATE", "when the consents were given" },
		{ "lat", NULL, &t.lat, "DEGREES", "of the site" },
		{ "lon", NULL, &t.lon, "DEGREES", "of the site" },
		{ "name", NULL, &t.name, "NAME", "\"Dr Camille Exemple\"" },
		{ "numbers", NULL, &t.numbers, "LIST", "own numbers, separated by commas" },
		OPTION_OPERATOR(r),
		{ "profession", NULL, &t.profession, "TEXT", "médecin, sage-femme, ..." },
		{ "rpps", NULL, &t.rpps, "NUMBER", "11 digits" },
		{ "shared-numbers", NULL, &t.shared, "LIST", "numbers of a surgery's line" },
		{ "site", NULL, &t.site, "NAME", "where the person practises" },
		{ "specialty", NULL, &t.specialty, "TEXT", "médecine générale, ..." },
		{ NULL, NULL, NULL, NULL, NULL },
	};
	static const char add_about[] =
	        "Registers one person, or brings the registration up to date, as a row of\n"
	        "`registry import` does. Prints the person's id.";
	const struct verb_form form = { "", add_about, options, 0, 0 };
	int first, code;

	return verb_begin(&form, argc, argv, &first, &code) ? add_run(&r, &t) : code;
}

/* ---- who is meant ---- */

#define WHO_HELP "an id, an RPPS number, a telephone number, or the whole name"

/* Ids and departments of those who are meant; several share a number. */
static PGresult *registry_find(struct registry_run *r, const char *who)
{
	struct phone phone = phone_read(who);

	return database_ask(&r->db,
	                    "SELECT p.id, p.department FROM public.practitioners AS p WHERE $2 IN "
	                    "('', p.department) AND "
	                    "($1 IN (p.id::text, p.rpps::text) OR lower(p.name) = lower($1) OR "
	                    "EXISTS (SELECT FROM "
	                    "public.numbers AS n WHERE n.practitioner = p.id AND n.number = $3)) "
	                    "ORDER BY p.name, p.id",
	                    who, r->department, phone.verdict == PHONE_NUMBER ? phone.text : "",
	                    NULL);
}

/* ---- show ---- */

static const char show_sql[] =
        "SELECT json_build_object('id', p.id, 'department', p.department, 'name', p.name, "
        "'profession', p.profession, "
        "'specialty', p.specialty, 'rpps', p.rpps, 'exposed', p.exposed, "
        "'numbers', coalesce((SELECT json_agg(json_build_object('number', n.number, 'shared', "
        "n.shared, 'label', "
        "n.label) ORDER BY n.place) FROM public.numbers AS n WHERE n.practitioner = p.id), '[]'), "
        "'sites', coalesce((SELECT json_agg(json_build_object('id', s.id, 'label', s.label, "
        "'address', s.address, "
        "'access', s.access, 'commune', s.commune, 'lat', s.lat, 'lon', s.lon, 'precision', "
        "s.precision) ORDER BY "
        "l.place) FROM public.practitioner_sites AS l JOIN public.sites AS s ON s.id = l.site "
        "WHERE l.practitioner = "
        "p.id), '[]'), "
        "'consents', coalesce((SELECT json_agg(json_build_object('centre', c.centre, 'given_at', "
        "c.given_at, "
        "'withdrawn_at', c.withdrawn_at, 'evidence', c.evidence) ORDER BY c.centre, c.given_at) "
        "FROM public.consents "
        "AS c WHERE c.practitioner = p.id), '[]')) FROM public.practitioners AS p WHERE p.id = "
        "$1::uuid";

static void print_line(const char *key, const json_t *object, const char *const *fields)
{
	char text[PERSON_TEXT_SIZE];

	printf("%-12s", key);
	for (; *fields; fields++) {
		const json_t *value = json_object_get(object, *fields);
		if (json_is_true(value))
			printf(" (%s)", *fields);
		else if (json_is_integer(value))
			printf(" %lld", (long long)json_integer_value(value));
		else if (json_is_string(value) && json_string_value(value)[0])
			printf(" %s", plain_copy(text, sizeof(text), json_string_value(value),
			                         PLAIN_ONE_LINE));
	}
	putchar('\n');
}

static void print_person(const json_t *person)
{
	static const char *const one[] = { "id",        "name", "department", "profession",
		                           "specialty", "rpps", "exposed" };
	static const char *const many[][2] = { { "numbers", "number" },
		                               { "sites", "site" },
		                               { "consents", "consent" } };
	static const char *const fields[][8] = {
		{ "number", "shared", "label", NULL },
		{ "id", "label", "address", "commune", "precision", "access", NULL },
		{ "centre", "given_at", "evidence", "withdrawn_at", NULL }
	};

	for (size_t i = 0; i < sizeof(one) / sizeof(one[0]); i++)
		print_line(one[i], person, (const char *const[]){ one[i], NULL });
	for (size_t m = 0; m < 3; m++) {
		const json_t *list = json_object_get(person, many[m][0]);
		for (size_t i = 0; i < json_array_size(list); i++)
			print_line(many[m][1], json_array_get(list, i), fields[m]);
	}
}

static bool show_one(struct registry_run *r, const char *id)
{
	PGresult *row = database_ask(&r->db, show_sql, id, NULL);
	json_t *person =
	        row && PQntuples(row) == 1 ? json_loads(PQgetvalue(row, 0, 0), 0, NULL) : NULL;

	PQclear(row);
	if (!person)
		return r->db.has_failed ? false
		                        : registry_fails(r, "the server's answer is no JSON");
	if (r->json) {
		json_dumpf(person, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		print_person(person);
	}
	json_decref(person);
	return true;
}

/* The trail is committed before a word is shown; a look that finds nobody is one too. */
static bool show_all(struct registry_run *r, const char *who)
{
	PGresult *found = registry_find(r, who);
	int count = found ? PQntuples(found) : 0;
	bool fine = found != NULL;

	for (int i = 0; fine && i < count; i++)
		fine = database_note(&r->db, PQgetvalue(found, i, 1), "look", "practitioner",
		                     PQgetvalue(found, i, 0), "");
	if (fine && count == 0)
		fine = database_note(&r->db, r->department, "look", "practitioner", "", "found=0");
	fine = fine && database_commit(&r->db);
	for (int i = 0; fine && i < count; i++)
		fine = show_one(r, PQgetvalue(found, i, 0));
	PQclear(found);
	return fine && (count > 0 || registry_fails(r, "nobody is registered so"));
}

static int show_action(int argc, char **argv)
{
	struct registry_run r = { .conninfo = "", .department = "" };
	const struct verb_option options[] = { OPTION_DATABASE(r),
		                               OPTION_DEPARTMENT(r),
		                               OPTION_JSON(r),
		                               OPTION_OPERATOR(r),
		                               { .name = NULL } };
	const struct verb_form form = { .arguments = "WHO",
		                        .about = "Shows who is meant by WHO: " WHO_HELP ".\n"
		                                 "Each look is noted with the operator's name.",
		                        .options = options,
		                        .arguments_min = 1,
		                        .arguments_max = 1 };
	int first, code;

	if (!verb_begin(&form, argc, argv, &first, &code))
		return code;
	return registry_end(&r, database_open(&r.db, r.conninfo, "registry show", r.operator) &&
	                                show_all(&r, argv[first]));
}

/* ---- withdraw ---- */

static bool withdraw(struct registry_run *r, const char *who)
{
	PGresult *found = registry_find(r, who);
	const char *id = found && PQntuples(found) == 1 ? PQgetvalue(found, 0, 0) : NULL;
	const char *department = id ? PQgetvalue(found, 0, 1) : "";
	long long before = r->db.touched;
	bool fine = id != NULL;

	if (!fine && found)
		registry_fails(r, PQntuples(found) ? "several people are meant: give an id"
		                                   : "nobody is registered so");
	if (fine && r->centre)
		fine = database_run(
		        &r->db,
		        "UPDATE public.consents SET withdrawn_at = greatest(clock_timestamp(), "
		        "given_at) WHERE "
		        "practitioner = $1::uuid AND centre = $2 AND withdrawn_at IS NULL",
		        id, r->centre, NULL);
	else if (fine)
		fine = database_run(&r->db, "DELETE FROM public.practitioners WHERE id = $1::uuid",
		                    id, NULL);
	if (fine && r->db.touched == before)
		fine = registry_fails(r, "no consent stands for this centre");
	fine = fine &&
	       database_note(&r->db, department, "withdraw", "practitioner", id,
	                     r->centre ? r->centre : "") &&
	       database_commit(&r->db);
	PQclear(found);
	return fine;
}

static int withdraw_action(int argc, char **argv)
{
	struct registry_run r = { .conninfo = "", .department = "" };
	const struct verb_option options[] = { { .name = "centre",
		                                 .text = &r.centre,
		                                 .value = "ID",
		                                 .help = "only the consent for this centre" },
		                               OPTION_DATABASE(r),
		                               OPTION_DEPARTMENT(r),
		                               OPTION_OPERATOR(r),
		                               { .name = NULL } };
	const struct verb_form form = { .arguments = "WHO",
		                        .about = "At the person's wish: takes the registration "
		                                 "out, with numbers and consents,\n"
		                                 "or, with --centre, withdraws one consent. "
		                                 "Running daemons follow at once; an\n"
		                                 "incident that is open stays as it is, and the "
		                                 "person's devices still alarm,\n"
		                                 "without a name. WHO: " WHO_HELP ".",
		                        .options = options,
		                        .arguments_min = 1,
		                        .arguments_max = 1 };
	int first, code;

	if (!verb_begin(&form, argc, argv, &first, &code))
		return code;
	return registry_end(&r, database_open(&r.db, r.conninfo, "registry withdraw", r.operator) &&
	                                withdraw(&r, argv[first]));
}

/* ---- export ---- */

/* A person's first row bears everything, further ones the further sites. One consent date a person:
 * the first of those that stand. */
static const char export_sql[] =
        "SELECT p.department, p.name, p.profession, p.specialty, coalesce(p.rpps::text, ''), "
        "p.exposed, "
        "CASE WHEN coalesce(l.place, 1) = f.first THEN (SELECT string_agg(n.number, ', ' ORDER BY "
        "n.place) FROM public.numbers AS n "
        "WHERE n.practitioner = p.id AND NOT n.shared) END, "
        "CASE WHEN coalesce(l.place, 1) = f.first THEN (SELECT string_agg(n.number, ', ' ORDER BY "
        "n.place) FROM public.numbers AS n "
        "WHERE n.practitioner = p.id AND n.shared) END, "
        "s.label, s.address, s.access, s.commune, s.lat, s.lon, s.precision, c.centres, "
        "c.given_at, c.evidence "
        "FROM public.practitioners AS p "
        "LEFT JOIN public.practitioner_sites AS l ON l.practitioner = p.id "
        "LEFT JOIN public.sites AS s ON s.id = l.site "
        "CROSS JOIN LATERAL (SELECT coalesce(min(k.place), 1) AS first FROM "
        "public.practitioner_sites AS k WHERE "
        "k.practitioner = p.id) AS f "
        "LEFT JOIN LATERAL (SELECT string_agg(k.centre, ', ' ORDER BY k.centre) AS centres, "
        "to_char(min(k.given_at), "
        "'YYYY-MM-DD') AS given_at, min(k.evidence) AS evidence FROM public.consents AS k WHERE "
        "k.practitioner = p.id "
        "AND k.withdrawn_at IS NULL) AS c ON coalesce(l.place, 1) = f.first "
        "WHERE $1 IN ('', p.department) ORDER BY p.department, p.name, p.id, l.place";

static void print_field(const char *text)
{
	if (!strpbrk(text, ";\"\n\r#") && text[0] != ' ') {
		fputs(text, stdout);
		return;
	}
	putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

static int export_action(int argc, char **argv)
{
	struct registry_run r = { .conninfo = "", .department = "" };
	const struct verb_option options[] = {
		OPTION_DATABASE(r), OPTION_DEPARTMENT(r), OPTION_OPERATOR(r), { .name = NULL }
	};
	const struct verb_form form = { .arguments = "",
		                        .about = "Everybody who is registered, as a file for "
		                                 "`registry import`, on standard\n"
		                                 "output. It names people who are in danger: the "
		                                 "export is noted, and the file\n"
		                                 "is yours to guard.",
		                        .options = options };
	int first, code;

	if (!verb_begin(&form, argc, argv, &first, &code))
		return code;
	PGresult *rows = NULL;
	if (database_open(&r.db, r.conninfo, "registry export", r.operator))
		rows = database_ask(&r.db, export_sql, r.department, NULL);
	bool fine = rows && database_note(&r.db, r.department, "export", "registry", "", "") &&
	            database_commit(&r.db);
	if (fine)
		puts(PERSON_ROWS_HEADER);
	for (int i = 0; fine && i < PQntuples(rows); i++) {
		for (int c = 0; c < PQnfields(rows); c++) {
			if (c > 0)
				putchar(';');
			print_field(PQgetvalue(rows, i, c));
		}
		putchar('\n');
	}
	PQclear(rows);
	return registry_end(&r, fine);
}

int registry_verb(int argc, char **argv)
{
	static const struct verb actions[] = {
		{ "add", add_action, "register one person" },
		{ "export", export_action, "everybody, as a file for import" },
		{ "import", import_action, "people from a CSV file, all or none" },
		{ "show", show_action, "who is meant by a number, a name, an id" },
		{ "withdraw", withdraw_action, "take a person or a consent out" },
		{ NULL, NULL, NULL },
	};

	return verb_choose(actions, "The people who asked to be recognised.", argc, argv);
}
