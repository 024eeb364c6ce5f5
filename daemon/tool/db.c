#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "support/clock.h"
#include "support/text.h"
#include "tool/schema.h"
#include "tool/verb.h"

/* The verb db: brings a database's schema up to this tocsin's, and says what a database holds. */

#define DB_FOLDER TOCSIN_DATA_DIR "/sql"

struct db {
	const char *folder, *conninfo;
	bool dry_run, trail, json;
	PGconn *conn;
	struct migrations migrations;
	struct schema schema;
	char why[MIGRATION_WHY_SIZE];
};

static const char dir_help[] = "the migrations (default: " DB_FOLDER ")";
static const char database_help[] = "as libpq understands it (default: PGHOST, PGDATABASE, ...)";

/* Reads the folder, connects, does it, and puts everything away. */
static int db_run(struct db *d, bool (*action)(struct db *))
{
	bool ok = migrations_read(&d->migrations, d->folder, d->why) &&
	          (d->conn = schema_connect(d->conninfo, d->why)) != NULL && action(d);

	PQfinish(d->conn);
	schema_done(&d->schema);
	migrations_done(&d->migrations);
	return ok ? VERB_DONE : verb_refuse("%s", d->why);
}

static bool apply_all(struct db *d)
{
	for (unsigned i = d->schema.level; i < d->migrations.count; i++) {
		const struct migration *m = &d->migrations.list[i];
		struct mono from = clock_mono();
		if (d->dry_run) {
			printf("%s would be applied\n", m->name);
			continue;
		}
		if (!schema_apply(d->conn, m, d->why))
			return false;
		printf("%s applied in %lld ms\n", m->name,
		       (long long)mono_ms_between(from, clock_mono()));
		fflush(stdout);
	}
	if (d->schema.level == d->migrations.count)
		printf("nothing to do: level %u\n", d->schema.level);
	return true;
}

/* The lock comes before the look: who waited for another migration sees what it did. */
static bool migrate(struct db *d)
{
	return (d->dry_run || schema_lock(d->conn, d->why)) &&
	       schema_read(&d->schema, d->conn, d->why) &&
	       schema_is_prefix(&d->schema, &d->migrations, d->why) && apply_all(d);
}

/* One JSON value from the server, which knows its own tables best. NULL: `why` says it. */
static json_t *ask_json(struct db *d, const char *sql)
{
	PGresult *r = PQexec(d->conn, sql);
	json_t *answer = NULL;

	if (PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) == 1)
		answer = json_loads(PQgetvalue(r, 0, 0), JSON_DECODE_ANY, NULL);
	if (answer == NULL) {
		const char *said = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
		TEXT_COPY(d->why, said != NULL ? said : "the server's answer is no JSON");
	}
	PQclear(r);
	return answer;
}

#define DB_UTC(column) "to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

static const char status_sql[] =
        "SELECT json_build_object("
        "'database', current_database(), 'user', current_user, 'server', "
        "current_setting('server_version'),"
        "'registry', (SELECT json_build_object('version', version, 'changed_at', " DB_UTC(
                "changed_at") ") FROM public.registry_version),"
                              "'territory', (SELECT json_build_object('version', version, "
                              "'changed_at', " DB_UTC(
                                      "changed_at") ") FROM public.territory_version),"
                                                    "'nodes', (SELECT "
                                                    "coalesce(json_agg(json_build_object('position'"
                                                    ", "
                                                    "format('%s:%s:%s', node, epoch, number), "
                                                    "'moved_at', " DB_UTC(
                                                            "moved_at") ") ORDER BY node), '[]') "
                                                                        "FROM public.node_cursor),"
                                                                        "'set_aside', (SELECT "
                                                                        "count(node) FROM "
                                                                        "public.set_aside))";

static const char trail_sql[] = "SELECT coalesce((SELECT json_build_object('whole', false, "
                                "'chain', chain, 'seq', seq, 'why', why) "
                                "FROM public.trail_check()), json_build_object('whole', true))";

static const char *line_state(const struct db *d, unsigned i)
{
	return i < d->schema.count ? d->schema.lines[i].applied_at : NULL;
}

static bool status_gather(struct db *d, json_t **out)
{
	json_t *status = *out = d->schema.level > 0 ? ask_json(d, status_sql) : json_object();
	json_t *lines = json_array();
	json_t *trail =
	        d->trail && status != NULL && d->schema.level > 0 ? ask_json(d, trail_sql) : NULL;

	for (unsigned i = 0; lines != NULL && i < d->migrations.count; i++)
		json_array_append_new(lines,
		                      json_pack("{s:s,s:s?}", "name", d->migrations.list[i].name,
		                                "applied_at", line_state(d, i)));
	if (trail != NULL)
		json_object_set_new(status, "trail", trail);
	return json_object_set_new(status, "level", json_integer(d->schema.level)) == 0 &&
	       json_object_set_new(status, "known", json_integer(d->migrations.count)) == 0 &&
	       json_object_set_new(status, "oldest_daemon",
	                           json_integer(d->schema.oldest_daemon)) == 0 &&
	       json_object_set_new(status, "migrations", lines) == 0 &&
	       (!d->trail || trail != NULL || d->schema.level == 0);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static long long number_of(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static void print_version(const json_t *status, const char *key)
{
	const json_t *version = json_object_get(status, key);

	printf("%-10s version %lld since %s\n", key, number_of(version, "version"),
	       text_of(version, "changed_at"));
}

static void print_contents(const struct db *d, const json_t *status)
{
	const json_t *nodes = json_object_get(status, "nodes");
	const json_t *trail = json_object_get(status, "trail");

	printf("%-10s %s as %s, PostgreSQL %s\n", "database", text_of(status, "database"),
	       text_of(status, "user"), text_of(status, "server"));
	print_version(status, "registry");
	print_version(status, "territory");
	for (size_t i = 0; i < json_array_size(nodes); i++)
		printf("%-10s up to %s since %s\n", "node",
		       text_of(json_array_get(nodes, i), "position"),
		       text_of(json_array_get(nodes, i), "moved_at"));
	printf("%-10s %lld records%s\n", "set aside", number_of(status, "set_aside"),
	       number_of(status, "set_aside") > 0 ? ": somebody must look at them" : "");
	if (!d->trail)
		return;
	if (json_is_true(json_object_get(trail, "whole")))
		printf("%-10s whole\n", "trail");
	else
		printf("%-10s BROKEN in chain %lld at %lld: %s\n", "trail",
		       number_of(trail, "chain"), number_of(trail, "seq"), text_of(trail, "why"));
}

static void print_status(const struct db *d, const json_t *status)
{
	if (d->json) {
		json_dumpf(status, stdout, JSON_COMPACT);
		putchar('\n');
		return;
	}
	printf("%-10s level %u of %u, serves daemons from level %u\n", "schema", d->schema.level,
	       d->migrations.count, d->schema.oldest_daemon);
	for (unsigned i = 0; i < d->migrations.count; i++)
		printf("           %-32s %s\n", d->migrations.list[i].name,
		       line_state(d, i) != NULL ? line_state(d, i) : "not applied");
	if (d->schema.level > 0)
		print_contents(d, status);
}

/* Prints what it could gather, also of a schema that is not as it should be, and then says so. */
static bool show_status(struct db *d)
{
	json_t *status = NULL;

	if (!schema_read(&d->schema, d->conn, d->why))
		return false;
	bool ok = status_gather(d, &status);
	if (ok) {
		print_status(d, status);
		ok = schema_is_prefix(&d->schema, &d->migrations, d->why);
		const json_t *trail = json_object_get(status, "trail");
		if (ok && trail != NULL && !json_is_true(json_object_get(trail, "whole"))) {
			TEXT_COPY(d->why, "the trail is broken");
			ok = false;
		}
	}
	json_decref(status);
	return ok;
}

static const char migrate_about[] =
        "Applies the numbered migrations that the database lacks, each in one\n"
        "transaction, one at a time however many are started. A file that was changed\n"
        "after it was applied, or a database that is newer, is refused. Connect as the\n"
        "schema's owner.";

static int migrate_action(int argc, char **argv)
{
	struct db d = { .folder = DB_FOLDER, .conninfo = "" };
	const struct verb_option options[] = {
		{ "dry-run", &d.dry_run, NULL, NULL, "say what would be done, and do nothing" },
		{ "dir", NULL, &d.folder, "FOLDER", dir_help },
		{ "database", NULL, &d.conninfo, "CONNINFO", database_help },
		{ NULL, NULL, NULL, NULL, NULL },
	};
	const struct verb_form form = { "", migrate_about, options, 0, 0 };
	int first, code;

	return verb_begin(&form, argc, argv, &first, &code) ? db_run(&d, migrate) : code;
}

static const char status_about[] =
        "The schema's level, the versions of registry and territory, how far each\n"
        "node's records are, and how many records were set aside.";

static int status_action(int argc, char **argv)
{
	struct db d = { .folder = DB_FOLDER, .conninfo = "" };
	const struct verb_option options[] = {
		{ "trail", &d.trail, NULL, NULL,
		  "also check every link of the trail of acts and looks" },
		{ "json", &d.json, NULL, NULL, "one line of JSON" },
		{ "dir", NULL, &d.folder, "FOLDER", dir_help },
		{ "database", NULL, &d.conninfo, "CONNINFO", database_help },
		{ NULL, NULL, NULL, NULL, NULL },
	};
	const struct verb_form form = { "", status_about, options, 0, 0 };
	int first, code;

	return verb_begin(&form, argc, argv, &first, &code) ? db_run(&d, show_status) : code;
}

int db_verb(int argc, char **argv)
{
	static const struct verb actions[] = {
		{ "migrate", migrate_action, "bring the schema up to this tocsin's" },
		{ "status", status_action, "what the database holds" },
		{ NULL, NULL, NULL },
	};

	return verb_choose(actions, "The database's schema.", argc, argv);
}
