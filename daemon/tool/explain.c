#include "tool/explain.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <libpq-fe.h>

#include "decide/decide.h"
#include "keep/disk.h"
#include "keep/loader.h"
#include "run/conf.h"
#include "support/log.h"
#include "support/text.h"
#include "tool/schema.h"
#include "tool/verb.h"

/*
 * The verb explain: what would become of an alert. It loads the registry and the territory as the
 * daemon does and asks decide() itself, so that what it says is what would happen; nothing is sent,
 * kept or raised. A number that is asked for is a look at the registry and leaves its trace first.
 */

#define EXPLAIN_LOAD_MS 30000

static bool take_double(const char *text, double min, double max, double *out)
{
	char *end;
	double value = strtod(text, &end);
	if (text[0] == '\0' || *end != '\0' || !(value >= min && value <= max))
		return false;
	*out = value;
	return true;
}

bool explain_alert(const struct explain_question *q, struct alert *a, char *why, size_t why_size)
{
	int64_t rpps = 0;
	memset(a, 0, sizeof *a);
	why[0] = '\0';
	a->kind = ALERT_PANIC;
	if (q->number != NULL)
		a->kind = ALERT_CALL;
	if (q->kind != NULL && !alert_kind_parse(q->kind, &a->kind))
		text_add(why, why_size, "no kind '%s'", q->kind);
	else if ((q->lat == NULL) != (q->lon == NULL))
		text_add(why, why_size, "--lat and --lon go together");
	else if (q->lat != NULL && (!take_double(q->lat, -90, 90, &a->fix.lat) ||
	                            !take_double(q->lon, -180, 180, &a->fix.lon)))
		text_add(why, why_size, "--lat is from -90 to 90, --lon from -180 to 180 degrees");
	else if (q->accuracy != NULL && !take_double(q->accuracy, 0, 1e6, &a->fix.accuracy_m))
		text_add(why, why_size, "--accuracy is in metres, from 0");
	else if (q->commune != NULL && strlen(q->commune) != 5)
		text_add(why, why_size, "--commune is an INSEE code of 5 characters");
	else if (q->rpps != NULL && !text_to_int(q->rpps, 1, 99999999999, &rpps))
		text_add(why, why_size, "--rpps has 11 figures");
	else if (q->number != NULL && !TEXT_COPY(a->number, q->number))
		text_add(why, why_size, "--number is too long");
	a->has_fix = q->lat != NULL;
	a->rpps = (uint64_t)rpps;
	if (q->commune != NULL)
		a->commune = commune_code(q->commune);
	return why[0] == '\0';
}

/* Waits until both came from the database: an explanation from an old copy would be none. */
static bool load(const char *conninfo, struct registry **registry, struct territory **territory,
                 char *why, size_t why_size)
{
	char reason[LOADER_WHY_SIZE];
	struct loader_settings settings = { .conninfo = conninfo, .disk = disk_system() };
	struct loader *l = loader_start(&settings, reason);
	struct loader_news news;
	struct mono until = mono_add_ms(clock_mono(), EXPLAIN_LOAD_MS);
	*registry = NULL;
	*territory = NULL;
	if (l == NULL) {
		text_copy(why, why_size, reason);
		return false;
	}
	while (*registry == NULL || *territory == NULL) {
		struct pollfd p = { .fd = loader_fd(l), .events = POLLIN };
		int64_t wait_ms = mono_ms_between(clock_mono(), until);
		struct loader_state state;
		loader_state(l, &state);
		if (wait_ms <= 0 || state.why[0] != '\0') {
			text_copy(why, why_size,
			          state.why[0] ? state.why : "the database takes too long");
			break;
		}
		poll(&p, 1, (int)wait_ms);
		while (loader_take(l, &news)) {
			if (news.kind == LOADER_REGISTRY && *registry == NULL)
				*registry = news.registry;
			else if (news.kind == LOADER_TERRITORY && *territory == NULL)
				*territory = news.territory;
			else if (news.kind == LOADER_CHANGES)
				loader_apply(l, *registry, &news);
			else
				loader_give_back(l, news.registry, news.territory);
		}
	}
	loader_stop(l);
	return *registry != NULL && *territory != NULL;
}

/* Somebody at every centre, as on a good day: who would be asked beside them when nobody is there
 * is another question. */
static void man_every_centre(struct world *w, struct effects *fx)
{
	const struct centre *c;
	uint64_t token = 1;
	for (size_t n = 0; (c = territory_next_centre(w->territory, &n)) != NULL;) {
		struct event e = { .kind = EVENT_CONSOLE_OPENED,
			           .at = clock_mono(),
			           .wall = clock_wall(),
			           .asker = { token++ } };
		e.act.verb = ACT_SIGN_IN;
		e.act.centre = c->id;
		e.act.department = c->department;
		TEXT_COPY(e.act.operator, "explain");
		decide(w, &e, fx);
	}
}

const struct incident *explain_decide(struct world *w, struct alert *a, const char *centre,
                                      struct effects *fx)
{
	struct event e = { .kind = a->kind == ALERT_CALL ? EVENT_CALL : EVENT_ALERT,
		           .at = clock_mono(),
		           .wall = clock_wall() };
	man_every_centre(w, fx);
	a->id.v = id_new(e.wall);
	a->received_at = e.wall;
	TEXT_COPY(a->ref, "explain");
	e.fresh.v = id_new(e.wall);
	if (e.kind == EVENT_CALL) {
		e.call.alert = *a;
		e.call.presented_to = centre_id(centre != NULL ? centre : "");
		e.call.phase = CALL_PRESENTED;
	} else {
		e.alert = *a;
	}
	decide(w, &e, fx);
	return world_incident(w, e.fresh);
}

/* The first of the department's sources of that kind, when only a number was given. */
static bool find_exchange(const struct registry *r, struct source *out)
{
	for (size_t i = 0; registry_next_source(r, &i, out);)
		if (out->kind == SOURCE_EXCHANGE && out->state == SOURCE_ACTIVE)
			return true;
	return false;
}

static bool find_source(const struct registry *r, const struct explain_question *q,
                        struct source *out)
{
	struct source_id id;
	if (q->source == NULL)
		return find_exchange(r, out);
	if (id_parse(q->source, &id.v))
		return registry_source(r, id, out);
	return registry_source_by_name(r, q->source, out);
}

static json_t *explain_json(const struct world *w, const struct incident *i)
{
	char text[REASON_TEXT_SIZE], number[PHONE_TEXT_SIZE];
	json_t *people = json_array(), *centres = json_array(), *reasons = json_array();
	for (unsigned n = 0; i != NULL && n < i->people_count; n++)
		json_array_append_new(people,
		                      json_pack("{s:s,s:s,s:s}", "name", i->people[n].name,
		                                "specialty", i->people[n].specialty, "number",
		                                i->people[n].number.digits
		                                        ? phone_format(i->people[n].number, number)
		                                        : ""));
	for (unsigned n = 0; i != NULL && n < i->centres_count; n++)
		json_array_append_new(centres,
		                      json_pack("{s:s,s:s}", "id", i->centres[n].centre.text,
		                                "role", centre_role_name(i->centres[n].role)));
	for (unsigned n = 0; i != NULL && n < i->reasons.count; n++)
		json_array_append_new(reasons, json_string(reason_format(&i->reasons.list[n], text,
		                                                         sizeof text)));
	return json_pack("{s:b,s:i,s:o,s:o,s:s,s:s,s:o,s:I,s:I}", "raised", i != NULL, "priority",
	                 i != NULL ? (int)i->priority : 0, "practitioners", people, "centres",
	                 centres, "place", i != NULL ? i->place.label : "", "origin",
	                 i != NULL ? place_origin_name(i->place.origin) : "", "reasons", reasons,
	                 "registry_version", (json_int_t)registry_version(w->registry),
	                 "territory_version", (json_int_t)territory_version(w->territory));
}

static void print_text(const struct world *w, const struct incident *i)
{
	char text[REASON_TEXT_SIZE], number[PHONE_TEXT_SIZE];
	if (i == NULL)
		printf("nothing     no incident: not registered for that centre, or it raises "
		       "none\n");
	for (unsigned n = 0; i != NULL && n < i->people_count; n++)
		printf("%-11s %s, %s%s%s\n", n == 0 ? "who" : "", i->people[n].name,
		       i->people[n].specialty, i->people[n].number.digits ? ", " : "",
		       i->people[n].number.digits ? phone_format(i->people[n].number, number) : "");
	if (i != NULL)
		printf("%-11s %s%s%s (%s, %s)\n", "where", i->place.label,
		       i->place.label[0] ? ", " : "", i->place.commune_name,
		       place_origin_name(i->place.origin),
		       place_precision_name(i->place.precision));
	for (unsigned n = 0; i != NULL && n < i->centres_count; n++)
		printf("%-11s %s, %s\n", n == 0 ? "centres" : "", i->centres[n].centre.text,
		       centre_role_name(i->centres[n].role));
	if (i != NULL)
		printf("%-11s %u\n", "priority", i->priority);
	for (unsigned n = 0; i != NULL && n < i->reasons.count; n++)
		printf("%-11s %s\n", n == 0 ? "because" : "",
		       reason_format(&i->reasons.list[n], text, sizeof text));
	printf("%-11s registry %llu, territory %llu\n", "version",
	       (unsigned long long)registry_version(w->registry),
	       (unsigned long long)territory_version(w->territory));
}

/* Asking whether a number is registered is a look (domain: consent). */
static bool leave_trace(const char *conninfo, const char *operator, const char * what, char *why,
                        size_t why_size)
{
	char reason[MIGRATION_WHY_SIZE];
	PGconn *conn = schema_connect(conninfo, reason);
	const char *params[] = { operator, what };
	if (conn == NULL) {
		text_copy(why, why_size, reason);
		return false;
	}
	PGresult *r = PQexecParams(conn,
	                           "INSERT INTO public.trail (chain, at, department, who, via, "
	                           "what, object, object_id) "
	                           "VALUES (0, now(), '', $1, 'explain', 'look', 'registry', $2)",
	                           2, NULL, params, NULL, NULL, 0);
	bool ok = PQresultStatus(r) == PGRES_COMMAND_OK;
	if (!ok)
		text_copy(why, why_size,
		          PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY)
		                  ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY)
		                  : "the trace could not be written");
	PQclear(r);
	PQfinish(conn);
	return ok;
}

static int explain_run(const struct explain_question *q, const char *conninfo, bool json)
{
	static struct effects fx;
	struct world w;
	struct rules rules;
	struct alert a;
	struct source source;
	char why[512];
	if (!explain_alert(q, &a, why, sizeof why))
		return verb_misuse("%s", why);
	if ((q->number != NULL || q->rpps != NULL) &&
	    !leave_trace(conninfo, q->operator, q->number ? "number" : "rpps", why, sizeof why))
		return verb_refuse("no look without its trace: %s", why);
	rules_default(&rules);
	if (!world_init(&w, &rules, (struct position){ 1, 1, 1 }))
		return verb_refuse("out of memory");
	int exit_code = VERB_REFUSED;
	if (!load(conninfo, &w.registry, &w.territory, why, sizeof why)) {
		verb_refuse("%s", why);
	} else if (!find_source(w.registry, q, &source)) {
		verb_refuse(q->source ? "no source '%s'"
		                      : "no telephone exchange is registered: --source",
		            q->source);
	} else {
		a.source = source.id;
		const struct incident *i =
		        explain_decide(&w, &a, q->centre ? q->centre : source.centre.text, &fx);
		json_t *answer = json ? explain_json(&w, i) : NULL;
		if (answer != NULL)
			json_dumpf(answer, stdout, JSON_INDENT(2)), putchar('\n');
		else
			print_text(&w, i);
		json_decref(answer);
		exit_code = VERB_DONE;
	}
	registry_free(w.registry);
	territory_free(w.territory);
	world_done(&w);
	return exit_code;
}

static void ignore_error(void *arg, const char *sentence)
{
	(void)arg;
	(void)sentence;
}

int explain_verb(int argc, char **argv)
{
	struct explain_question q = { 0 };
	const char *database = NULL;
	bool json = false;
	const struct verb_option options[] = {
		{ "source", NULL, &q.source, "NAME",
		  "who says it, by name or id (a number: an exchange)" },
		{ "kind", NULL, &q.kind, "KIND",
		  "panic, medical, ... (default: panic; with --number: call)" },
		{ "number", NULL, &q.number, "NUMBER",
		  "the caller's or the device's, in any spelling" },
		{ "rpps", NULL, &q.rpps, "RPPS", "the practitioner that a relay names" },
		{ "centre", NULL, &q.centre, "CENTRE",
		  "where the call rings (default: the exchange's)" },
		{ "lat", NULL, &q.lat, "DEGREES", "a live position" },
		{ "lon", NULL, &q.lon, "DEGREES", "" },
		{ "accuracy", NULL, &q.accuracy, "METRES", "of the position (default: unknown)" },
		{ "commune", NULL, &q.commune, "INSEE", "a stated commune" },
		{ "operator", NULL, &q.operator, "NAME",
		  "who asks: needed with --number and --rpps" },
		{ "database", NULL, &database, "CONNINFO", "instead of the configuration's" },
		{ "json", &json, NULL, NULL, "as JSON" },
		{ NULL, NULL, NULL, NULL, NULL },
	};
	const struct verb_form form = {
		.arguments = "",
		.about = "Says what would become of an alert, with each rule that decided, by the "
		         "same code\n"
		         "and data as the daemon's. Nothing is raised, sent or kept; a look at the "
		         "registry\n"
		         "leaves its trace.",
		.options = options,
	};
	int first, exit_code;
	if (!verb_begin(&form, argc, argv, &first, &exit_code))
		return exit_code;
	if (q.number == NULL && q.source == NULL)
		return verb_misuse("--source or --number is needed");
	if ((q.number != NULL || q.rpps != NULL) && (q.operator== NULL || q.operator[0] == '\0'))
		return verb_misuse("a look at the registry needs --operator");
	static struct conf conf;
	struct conf_report quiet = { ignore_error, NULL };
	if (database == NULL && !conf_read(verb_config(), &conf, &quiet))
		return verb_refuse("%s has errors: tocsind --check-config says them",
		                   verb_config());
	log_set_level(LOG_LEVEL_ERROR); /* the loader's tale is the daemon's */
	return explain_run(&q, database ? database : conf.postgres.conninfo, json);
}
