#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "support/text.h"
#include "tool/schema.h"
#include "tool/territory_check.h"
#include "tool/territory_load.h"
#include "tool/territory_rows.h"
#include "tool/verb.h"

/* The verb territory: brings a department's communes, centres and advisers into the database, and
 * looks for what is missing or wrong in it. */

#define IMPORT_LOCK_SQL "SELECT pg_advisory_xact_lock(hashtext('tocsin territory import'))"

static const char database_help[] = "as libpq understands it (default: PGHOST, PGDATABASE, ...)";

struct import {
	const char *conninfo;
	const char *departments, *centres, *tribunals, *formers, *communes, *contours, *zones,
	        *advisers;
	bool keep_going, replace, dry_run, json;
	PGconn *conn;
	struct territory_rows rows;
	struct stage_count counts[STAGE_TABLES];
	long long version;
	char why[MIGRATION_WHY_SIZE];
};

static bool import_fails(struct import *i, const char *why)
{
	TEXT_COPY(i->why, why);
	return false;
}

static bool import_read(struct import *i)
{
	const struct {
		const char *path;
		bool (*read)(struct territory_rows *t, const char *path);
	} files[] = {
		{ i->departments, territory_rows_departments },
		{ i->centres, territory_rows_centres },
		{ i->tribunals, territory_rows_tribunals },
		{ i->formers, territory_rows_formers },
		{ i->communes, territory_rows_communes },
		{ i->contours, territory_rows_contours },
		{ i->zones, territory_rows_zones },
		{ i->advisers, territory_rows_advisers },
	};

	for (size_t f = 0; f < sizeof(files) / sizeof(files[0]); f++) {
		if (files[f].path && !files[f].read(&i->rows, files[f].path))
			return import_fails(i, i->rows.why);
	}
	return true;
}

/* A row that cannot be used stops all of it, unless somebody said to go on; and what such a row may
 * have named is never taken for gone. */
static bool import_may_write(struct import *i)
{
	unsigned errors = i->rows.remarks.errors;

	if (errors == 0)
		return true;
	text_add(i->why, sizeof(i->why), "%u row%s cannot be used, so nothing was imported", errors,
	         errors > 1 ? "s" : "");
	if (!i->keep_going) {
		text_add(i->why, sizeof(i->why), " (--keep-going imports the others)");
		return false;
	}
	if (i->replace) {
		text_add(i->why, sizeof(i->why),
		         ": --replace takes away what the rows do not name");
		return false;
	}
	i->why[0] = '\0';
	return true;
}

/* The references are looked at here and not at the commit, so that a refusal has its reason; and
 * what no daemon would load is not imported. */
static bool import_write(struct import *i)
{
	char why[TERRITORY_WHY_SIZE];

	if (!stage_apply(&i->rows.stage, i->replace, i->counts) ||
	    !stage_run(&i->rows.stage, "SET CONSTRAINTS ALL IMMEDIATE"))
		return import_fails(i, i->rows.stage.why);
	struct territory *territory = territory_load(i->conn, why);
	if (!territory)
		return import_fails(i, why);
	territory_free(territory);
	i->version = territory_load_version(i->conn, why);
	if (i->version < 0)
		return import_fails(i, why);
	return stage_run(&i->rows.stage, i->dry_run ? "ROLLBACK" : "COMMIT") ||
	       import_fails(i, i->rows.stage.why);
}

static json_t *counts_as_json(const struct import *i)
{
	json_t *tables = json_object();

	for (enum stage_table t = 0; t < STAGE_TABLES; t++) {
		const struct stage_count *c = &i->counts[t];
		if (c->is_used)
			json_object_set_new(
			        tables, stage_table_name(t),
			        json_pack("{s:I, s:I, s:I, s:I}", "read", (json_int_t)c->read,
			                  "added", (json_int_t)c->added, "changed",
			                  (json_int_t)c->changed, i->replace ? "removed" : "kept",
			                  (json_int_t)c->gone));
	}
	return tables;
}

static void import_print_json(const struct import *i, bool imported)
{
	json_t *all =
	        json_pack("{s:b, s:b, s:o, s:O}", "imported", imported && !i->dry_run, "dry_run",
	                  i->dry_run, "tables", counts_as_json(i), "remarks", i->rows.remarks.list);

	if (imported)
		json_object_set_new(all, "version", json_integer(i->version));
	json_dumpf(all, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(all);
}

static void import_print(const struct import *i)
{
	for (enum stage_table t = 0; t < STAGE_TABLES; t++) {
		const struct stage_count *c = &i->counts[t];
		if (!c->is_used)
			continue;
		printf("%-16s %lld read, %lld added, %lld changed", stage_table_name(t), c->read,
		       c->added, c->changed);
		if (c->gone && i->replace)
			printf(", %lld removed", c->gone);
		else if (c->gone)
			printf("; %lld more are known and not in the file: kept (--replace removes "
			       "them)",
			       c->gone);
		putchar('\n');
	}
	printf("territory        version %lld%s\n", i->version,
	       i->dry_run ? " (tried alone: nothing was written)" : "");
}

static int import_run(struct import *i)
{
	char why[TERRITORY_WHY_SIZE] = "";

	remarks_init(&i->rows.remarks, i->json);
	bool fine = known_init(&i->rows.known) || import_fails(i, "no memory");
	fine = fine && (i->conn = schema_connect(i->conninfo, i->why)) != NULL;
	i->rows.stage.conn = i->conn;
	if (fine &&
	    (!stage_run(&i->rows.stage, "BEGIN") || !stage_run(&i->rows.stage, IMPORT_LOCK_SQL)))
		fine = import_fails(i, i->rows.stage.why);
	if (fine && !territory_load_known(i->conn, &i->rows.known, why))
		fine = import_fails(i, why);
	fine = fine && import_read(i) && import_may_write(i) && import_write(i);
	if (i->json)
		import_print_json(i, fine);
	else if (fine)
		import_print(i);
	PQfinish(i->conn);
	free(i->rows.advisers);
	known_done(&i->rows.known);
	remarks_done(&i->rows.remarks);
	return fine ? VERB_DONE : verb_refuse("%s", i->why);
}

static const char import_about[] =
        "Brings the given files into the database, in one transaction, or nothing.\n"
        "What a file does not name stays as it is. A row that cannot be used is told\n"
        "with its line; a name that matches nothing is told with what it may mean, and\n"
        "never taken for it. Postal codes decide nothing. Running daemons follow.";

static int import_action(int argc, char **argv)
{
	struct import i = { .conninfo = "" };
	const struct verb_option options[] = {
		{ .name = "advisers",
		  .text = &i.advisers,
		  .value = "CSV",
		  .help = "department;name;number;commune;circonscription;centre" },
		{ .name = "centres",
		  .text = &i.centres,
		  .value = "CSV",
		  .help = "id;department;kind;name;other" },
		{ .name = "communes",
		  .text = &i.communes,
		  .value = "CSV",
		  .help = "code_commune;libelle_commune;...;lon;lat (INSEE codes)" },
		{ .name = "contours",
		  .text = &i.contours,
		  .value = "GEOJSON",
		  .help = "the communes' contours: features with 'code'" },
		{ .name = "database",
		  .text = &i.conninfo,
		  .value = "CONNINFO",
		  .help = database_help },
		{ .name = "departments",
		  .text = &i.departments,
		  .value = "CSV",
		  .help = "code;name;stand_in;operations" },
		{ .name = "dry-run",
		  .flag = &i.dry_run,
		  .help = "do all of it, then take it back" },
		{ .name = "former",
		  .text = &i.formers,
		  .value = "CSV",
		  .help = "name;commune: communes of the past, for hints alone" },
		{ .name = "json",
		  .flag = &i.json,
		  .help = "what was done, and each remark, as JSON" },
		{ .name = "keep-going",
		  .flag = &i.keep_going,
		  .help = "leave out the rows that cannot be used, import the others" },
		{ .name = "replace",
		  .flag = &i.replace,
		  .help = "take away what the files' departments have and the files do not" },
		{ .name = "tribunals",
		  .text = &i.tribunals,
		  .value = "CSV",
		  .help = "department;name" },
		{ .name = "zones",
		  .text = &i.zones,
		  .value = "GEOJSON",
		  .help = "overlay zones: 'department', 'name', 'centre'" },
		{ .name = NULL },
	};
	const struct verb_form form = {
		.arguments = "",
		.about = import_about,
		.options = options,
	};
	int first, code;

	if (!verb_begin(&form, argc, argv, &first, &code))
		return code;
	if (!i.departments && !i.centres && !i.tribunals && !i.communes && !i.contours &&
	    !i.zones && !i.advisers)
		return verb_misuse("say what: '--communes=FILE', for instance");
	return import_run(&i);
}

static const char check_about[] =
        "Looks for what is wrong in the territory (errors: the exit code is 1) and for\n"
        "what is missing (notes): communes without contour or adviser, contours that\n"
        "overlap or do not hold their commune's point, centres without a next one.";

static int check_action(int argc, char **argv)
{
	const char *conninfo = "";
	bool json = false;
	const struct verb_option options[] = {
		{ .name = "database",
		  .text = &conninfo,
		  .value = "CONNINFO",
		  .help = database_help },
		{ .name = "json", .flag = &json, .help = "the remarks as JSON" },
		{ .name = NULL },
	};
	const struct verb_form form = {
		.arguments = "",
		.about = check_about,
		.options = options,
	};
	char why[MIGRATION_WHY_SIZE];
	int first, code;

	if (!verb_begin(&form, argc, argv, &first, &code))
		return code;
	PGconn *conn = schema_connect(conninfo, why);
	if (!conn)
		return verb_refuse("%s", why);
	struct territory_found found;
	bool fine = territory_check(conn, json, &found);
	PQfinish(conn);
	if (!fine)
		return verb_refuse("%s", found.why);
	if (found.errors)
		return verb_refuse("%u error%s", found.errors, found.errors > 1 ? "s" : "");
	return VERB_DONE;
}

int territory_verb(int argc, char **argv)
{
	static const struct verb actions[] = {
		{ "check", check_action, "what is wrong or missing in the territory" },
		{ "import", import_action,
		  "communes, contours, centres, tribunals, zones, advisers" },
		{ NULL, NULL, NULL },
	};

	return verb_choose(actions, "The territory: who is competent where.", argc, argv);
}
