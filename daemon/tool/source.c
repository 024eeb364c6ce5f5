#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "decide/registry.h"
#include "support/text.h"
#include "tool/certificate.h"
#include "tool/database.h"
#include "tool/plain.h"
#include "tool/verb.h"

/* The verb source: what may speak to tocsin. */

struct source_run {
	struct database db;
	const char *conninfo, *operator;
	const char *department, *name, *kind, *certificate, *owner, *site, *centre, *supervision;
	bool panic, no_panic, revoke, json;
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
		.help = "77, 2A, 971"                                                              \
	}
#define OPTION_JSON(r)                                                                             \
	{                                                                                          \
		.name = "json", .flag = &(r).json, .help = "as JSON"                               \
	}

static int source_end(struct source_run *r, bool fine)
{
	database_close(&r->db);
	return fine ? VERB_DONE : verb_refuse("%s", r->db.why);
}

static bool source_fails(struct source_run *r, const char *why)
{
	TEXT_COPY(r->db.why, why);
	r->db.has_failed = true;
	return false;
}

/* ---- add ---- */

static bool kind_is_alarm(enum source_kind kind)
{
	return kind == SOURCE_DEVICE || kind == SOURCE_BUTTON || kind == SOURCE_PANEL;
}

/* The owner by id or by RPPS number. */
static bool source_find_owner(struct source_run *r, char out[static ID_TEXT_SIZE])
{
	out[0] = '\0';
	if (!r->owner[0])
		return true;
	PGresult *found =
	        database_ask(&r->db,
	                     "SELECT id FROM public.practitioners WHERE department = $1 AND "
	                     "$2 IN (id::text, rpps::text)",
	                     r->department, r->owner, NULL);
	if (found && PQntuples(found) == 1)
		text_copy(out, ID_TEXT_SIZE, PQgetvalue(found, 0, 0));
	PQclear(found);
	return out[0] ||
	       source_fails(r, "no such owner in this department: give an id or an RPPS number");
}

static bool source_write(struct source_run *r, enum source_kind kind,
                         const struct certificate *certificate, char id[static ID_TEXT_SIZE])
{
	char owner[ID_TEXT_SIZE];
	bool has_panic = r->panic || (kind_is_alarm(kind) && !r->no_panic);

	id_format(id_new(clock_wall()), id);
	return source_find_owner(r, owner) &&
	       database_run(
	               &r->db,
	               "INSERT INTO public.sources (id, department, name, kind, has_panic_button, "
	               "owner, site, centre, issuer, subject, supervision_s) VALUES ($1, $2, $3, "
	               "$4, "
	               "$5, $6, $7, $8, $9, $10, $11)",
	               id, r->department, r->name, r->kind, has_panic ? "true" : "false",
	               database_or_null(owner), database_or_null(r->site),
	               database_or_null(r->centre), certificate->issuer, certificate->subject,
	               r->supervision[0] ? r->supervision : "0", NULL) &&
	       database_note(&r->db, r->department, "add", "source", id, "") &&
	       database_commit(&r->db);
}

static const char add_about[] =
        "Registers what may speak to tocsin. Its identity is the certificate's issuer\n"
        "and subject, so that a renewal changes nothing here. A device, a button or a\n"
        "panel has a panic button unless --no-panic says otherwise: what it sends and\n"
        "cannot be read is then taken for a panic. Prints the source's id.";

static int add_action(int argc, char **argv)
{
	struct source_run r = {
		.conninfo = "", .owner = "", .site = "", .centre = "", .supervision = ""
	};
	const struct verb_option options[] = {
		{ .name = "centre",
		  .text = &r.centre,
		  .value = "ID",
		  .help = "of a console: whose incidents; of an exchange: whose calls" },
		{ .name = "certificate",
		  .text = &r.certificate,
		  .value = "FILE",
		  .help = "its certificate, in PEM" },
		OPTION_DATABASE(r),
		OPTION_DEPARTMENT(r),
		{ .name = "kind",
		  .text = &r.kind,
		  .value = "KIND",
		  .help = "device, button, panel, regulation, exchange, platform, console" },
		{ .name = "name",
		  .text = &r.name,
		  .value = "NAME",
		  .help = "unique in its department" },
		{ .name = "no-panic", .flag = &r.no_panic, .help = "it has no panic button" },
		OPTION_OPERATOR(r),
		{ .name = "owner",
		  .text = &r.owner,
		  .value = "WHO",
		  .help = "whose device: a practitioner's id or RPPS number" },
		{ .name = "panic", .flag = &r.panic, .help = "a platform: it carries panics" },
		{ .name = "site", .text = &r.site, .value = "ID", .help = "where it is installed" },
		{ .name = "supervision",
		  .text = &r.supervision,
		  .value = "SECONDS",
		  .help = "longest silence (20, 90, 180, 1800, 90000); 0: none" },
		{ .name = NULL },
	};
	const struct verb_form form = { .arguments = "", .about = add_about, .options = options };
	struct certificate certificate = { .issuer = "" };
	char why[CERTIFICATE_WHY_SIZE], id[ID_TEXT_SIZE];
	enum source_kind kind;
	int first, code;
	int64_t seconds;

	if (!verb_begin(&form, argc, argv, &first, &code))
		return code;
	if (!r.department || !r.name || !r.kind)
		return verb_misuse("--department, --name and --kind are needed");
	if (!source_kind_parse(r.kind, &kind))
		return verb_misuse("there is no kind '%s'", r.kind);
	if (r.supervision[0] && !text_to_int(r.supervision, 0, 604800, &seconds))
		return verb_misuse("--supervision takes seconds, 0 to 604800");
	if (r.certificate && !certificate_read(r.certificate, &certificate, why))
		return verb_refuse("%s", why);
	bool fine = database_open(&r.db, r.conninfo, "source add", r.operator) &&
	            source_write(&r, kind, &certificate, id);
	if (fine)
		puts(id);
	return source_end(&r, fine);
}

/* ---- list and show ---- */

#define SOURCE_COLUMNS                                                                             \
	"s.id, s.department, s.name, s.kind, s.state, s.has_panic_button, "                        \
	"coalesce(s.owner::text, ''), "                                                            \
	"coalesce(s.site::text, ''), coalesce(s.centre, ''), s.issuer, s.subject, s.supervision_s"

static const char *const column_names[] = { "id",     "department",   "name",    "kind",
	                                    "state",  "panic_button", "owner",   "site",
	                                    "centre", "issuer",       "subject", "supervision_s" };
#define COLUMNS (sizeof(column_names) / sizeof(column_names[0]))

static void print_json(const PGresult *rows)
{
	for (int i = 0; i < PQntuples(rows); i++) {
		json_t *source = json_object();
		for (size_t c = 0; c < COLUMNS; c++)
			json_object_set_new(source, column_names[c],
			                    json_string(PQgetvalue(rows, i, (int)c)));
		json_object_set_new(source, "panic_button",
		                    json_boolean(PQgetvalue(rows, i, 5)[0] == 't'));
		json_object_set_new(source, "supervision_s",
		                    json_integer(strtol(PQgetvalue(rows, i, 11), NULL, 10)));
		json_dumpf(source, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(source);
	}
}

static void print_lines(const PGresult *rows)
{
	char name[256];

	for (int i = 0; i < PQntuples(rows); i++)
		printf("%s  %-3s %-10s %-8s %s\n", PQgetvalue(rows, i, 0), PQgetvalue(rows, i, 1),
		       PQgetvalue(rows, i, 3), PQgetvalue(rows, i, 4),
		       plain_copy(name, sizeof(name), PQgetvalue(rows, i, 2), PLAIN_ONE_LINE));
}

static void print_whole(const PGresult *rows)
{
	char value[1024];

	for (int i = 0; i < PQntuples(rows); i++)
		for (size_t c = 0; c < COLUMNS; c++)
			printf("%-14s %s\n", column_names[c],
			       plain_copy(value, sizeof(value), PQgetvalue(rows, i, (int)c),
			                  PLAIN_ONE_LINE));
}

static int list_action(int argc, char **argv)
{
	struct source_run r = { .conninfo = "", .department = "", .kind = "" };
	const struct verb_option options[] = {
		OPTION_DATABASE(r),
		OPTION_DEPARTMENT(r),
		OPTION_JSON(r),
		{ .name = "kind", .text = &r.kind, .value = "KIND", .help = "only of this kind" },
		{ .name = NULL },
	};
	const struct verb_form form = { .arguments = "",
		                        .about = "The registered sources, one a line.",
		                        .options = options };
	int first, code;

	if (!verb_begin(&form, argc, argv, &first, &code))
		return code;
	PGresult *rows = NULL;
	if (database_open(&r.db, r.conninfo, "source list", ""))
		rows = database_ask(&r.db,
		                    "SELECT " SOURCE_COLUMNS
		                    " FROM public.sources s WHERE $1 IN ('', s.department) "
		                    "AND $2 IN ('', s.kind) ORDER BY s.department, s.name",
		                    r.department, r.kind, NULL);
	if (rows && r.json)
		print_json(rows);
	else if (rows)
		print_lines(rows);
	PQclear(rows);
	return source_end(&r, rows != NULL);
}

/* By id or by name; a name alone must be one department's only. */
static PGresult *source_find(struct source_run *r, const char *which)
{
	PGresult *rows = database_ask(&r->db,
	                              "SELECT " SOURCE_COLUMNS
	                              " FROM public.sources s WHERE $1 IN (s.id::text, "
	                              "s.name) AND $2 IN ('', s.department)",
	                              which, r->department, NULL);

	if (rows && PQntuples(rows) == 1)
		return rows;
	if (rows)
		source_fails(r,
		             PQntuples(rows) == 0
		                     ? "there is no such source"
		                     : "several departments have one of that name: --department");
	PQclear(rows);
	return NULL;
}

static int show_action(int argc, char **argv)
{
	struct source_run r = { .conninfo = "", .department = "" };
	const struct verb_option options[] = { OPTION_DATABASE(r),
		                               OPTION_DEPARTMENT(r),
		                               OPTION_JSON(r),
		                               OPTION_OPERATOR(r),
		                               { .name = NULL } };
	const struct verb_form form = {
		.arguments = "SOURCE",
		.about = "One source, by id or name, with its owner: the look is "
		         "noted.",
		.options = options,
		.arguments_min = 1,
		.arguments_max = 1
	};
	int first, code;

	if (!verb_begin(&form, argc, argv, &first, &code))
		return code;
	PGresult *row = NULL;
	if (database_open(&r.db, r.conninfo, "source show", r.operator))
		row = source_find(&r, argv[first]);
	bool fine = row &&
	            database_note(&r.db, PQgetvalue(row, 0, 1), "look", "source",
	                          PQgetvalue(row, 0, 0), "") &&
	            database_commit(&r.db);
	if (fine && r.json)
		print_json(row);
	else if (fine)
		print_whole(row);
	PQclear(row);
	return source_end(&r, fine);
}

static int retire_action(int argc, char **argv)
{
	struct source_run r = { .conninfo = "", .department = "" };
	const struct verb_option options[] = {
		OPTION_DATABASE(r),
		OPTION_DEPARTMENT(r),
		OPTION_OPERATOR(r),
		{ .name = "revoke",
		  .flag = &r.revoke,
		  .help = "lost or stolen: refused at the door" },
		{ .name = NULL },
	};
	const struct verb_form form = {
		.arguments = "SOURCE",
		.about = "A source that is no longer in use; its certificate may serve a "
		         "successor.\nWith --revoke it is refused, and so is its "
		         "certificate.",
		.options = options,
		.arguments_min = 1,
		.arguments_max = 1
	};
	int first, code;

	if (!verb_begin(&form, argc, argv, &first, &code))
		return code;
	const char *state = r.revoke ? "revoked" : "retired";
	PGresult *row = NULL;
	if (database_open(&r.db, r.conninfo, "source retire", r.operator))
		row = source_find(&r, argv[first]);
	bool fine = row &&
	            database_run(&r.db, "UPDATE public.sources SET state = $2 WHERE id = $1::uuid",
	                         PQgetvalue(row, 0, 0), state, NULL) &&
	            database_note(&r.db, PQgetvalue(row, 0, 1), r.revoke ? "revoke" : "retire",
	                          "source", PQgetvalue(row, 0, 0), "") &&
	            database_commit(&r.db);
	PQclear(row);
	return source_end(&r, fine);
}

int source_verb(int argc, char **argv)
{
	static const struct verb actions[] = {
		{ "add", add_action,
		  "register a device, panel, desk, exchange, platform or console" },
		{ "list", list_action, "the registered sources" },
		{ "retire", retire_action, "no longer in use, or revoked" },
		{ "show", show_action, "one source" },
		{ NULL, NULL, NULL },
	};

	return verb_choose(actions, "What may speak to tocsin.", argc, argv);
}
