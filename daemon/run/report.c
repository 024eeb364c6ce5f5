#include "run/report.h"

#include <string.h>

#include <jansson.h>

#include "support/bug.h"
#include "support/text.h"

#define TURN_LATE_MS 2000 /* a turn that takes longer than this is not healthy */

bool report_is_healthy(void *owner, char *out, size_t size)
{
	const struct report *r = owner;
	int64_t took_ms = mono_ms_between(r->loop->turn_began, clock_mono());
	text_copy(out, size, "");
	text_add(out, size, "%s, turn %llu\n", r->phase, (unsigned long long)r->loop->turns);
	return took_ms < TURN_LATE_MS;
}

bool report_is_ready(void *owner, char *out, size_t size)
{
	const struct report *r = owner;
	const struct health_state *state;
	enum health_kind kind;
	char since[CLOCK_TEXT_SIZE];
	bool ready = strcmp(r->phase, "serving") == 0 && health_is_ready(r->health);
	text_copy(out, size, ready ? "ready\n" : "not ready\n");
	for (unsigned n = 0; (state = health_next(r->health, n, &kind)) != NULL; n++)
		text_add(out, size, "degraded: %s since %s%s%s\n", health_name(kind),
		         wall_format(state->since, since), state->why[0] ? ": " : "", state->why);
	return ready;
}

static void gauge(struct exposition *e, const char *name, const char *help, double value)
{
	exposition_family(e, name, EXPOSITION_GAUGE, help);
	exposition_put(e, "", NULL, value);
}

static void put_health(const struct report *r, struct exposition *e)
{
	exposition_family(e, "tocsin_degraded", EXPOSITION_GAUGE,
	                  "Whether this state is on: 1, or not: 0.");
	for (enum health_kind k = 0; k < HEALTH_KINDS; k++)
		exposition_put_count(e, "", EXPOSITION_LABELS({ "state", health_name(k) }),
		                     health_is_on(r->health, k));
}

static void put_keepers(const struct report *r, struct exposition *e)
{
	struct journal_status j;
	journal_status(r->loop->keepers.journal, &j);
	gauge(e, "tocsin_journal_bytes", "What the journal's segments take.", (double)j.bytes);
	gauge(e, "tocsin_journal_unconfirmed_bytes", "Of these, what PostgreSQL has not confirmed.",
	      (double)j.unconfirmed_bytes);
	gauge(e, "tocsin_journal_pending_bytes", "Records that wait for the journal's thread.",
	      (double)j.pending_bytes);
	exposition_family(e, "tocsin_journal_records_total", EXPOSITION_COUNTER,
	                  "Records made durable.");
	exposition_put_count(e, "", NULL, j.records);
	exposition_family(e, "tocsin_journal_syncs_total", EXPOSITION_COUNTER,
	                  "Syncs of the journal's disk.");
	exposition_put_count(e, "", NULL, j.syncs);
	exposition_family(e, "tocsin_journal_sync_seconds_total", EXPOSITION_COUNTER,
	                  "What they took.");
	exposition_put(e, "", NULL, (double)j.sync_us_total / 1e6);
	exposition_family(e, "tocsin_journal_failures_total", EXPOSITION_COUNTER,
	                  "Writes, syncs and preparations that failed.");
	exposition_put_count(e, "", NULL, j.write_failures + j.sync_failures + j.prepare_failures);
	if (r->loop->keepers.follower == NULL)
		return;
	struct follower_status f;
	follower_status(r->loop->keepers.follower, &f);
	gauge(e, "tocsin_postgres_following",
	      "Whether PostgreSQL is connected and current: 1 or 0.",
	      f.state == FOLLOWER_FOLLOWING);
	gauge(e, "tocsin_postgres_lag_records", "Records that PostgreSQL has not confirmed.",
	      (double)f.lag_records);
	gauge(e, "tocsin_postgres_lag_seconds", "Age of the oldest of these.",
	      (double)f.lag_ms / 1000);
	exposition_family(e, "tocsin_postgres_records_total", EXPOSITION_COUNTER,
	                  "Records confirmed.");
	exposition_put_count(e, "", NULL, f.records);
	exposition_family(e, "tocsin_postgres_set_aside_total", EXPOSITION_COUNTER,
	                  "Records that the database refused and keeps aside.");
	exposition_put_count(e, "", NULL, f.set_aside);
}

static void put_links(const struct report *r, struct exposition *e)
{
	const struct listener *listeners[] = { r->doors->alerts, r->doors->consoles };
	exposition_family(e, "tocsin_links", EXPOSITION_GAUGE,
	                  "Links that are up, handshakes included.");
	for (size_t n = 0; n < 2; n++)
		exposition_put_count(e, "",
		                     EXPOSITION_LABELS({ "listener", listener_name(listeners[n]) }),
		                     listener_links(listeners[n]));
	exposition_family(e, "tocsin_links_opened_total", EXPOSITION_COUNTER,
	                  "Handshakes that were done.");
	for (size_t n = 0; n < 2; n++)
		exposition_put_count(e, "",
		                     EXPOSITION_LABELS({ "listener", listener_name(listeners[n]) }),
		                     listener_link_counters(listeners[n])->opened);
	exposition_family(e, "tocsin_links_ended_total", EXPOSITION_COUNTER,
	                  "Links that ended, by cause.");
	for (size_t n = 0; n < 2; n++)
		for (enum link_end end = 1; end < LINK_ENDS; end++)
			exposition_put_count(
			        e, "",
			        EXPOSITION_LABELS({ "listener", listener_name(listeners[n]) },
			                          { "cause", link_end_name(end) }),
			        listener_link_counters(listeners[n])->ended[end]);
}

/* How long until each certificate and revocation list that this node holds ends. */
static void put_certificates(const struct report *r, struct exposition *e)
{
	struct tls_item item;
	struct wall now = clock_wall();
	exposition_family(e, "tocsin_certificate_remaining_seconds", EXPOSITION_GAUGE,
	                  "Until it ends, or the next list is due.");
	for (size_t i = 0; tls_next_item(listener_tls(r->doors->alerts), &i, &item);)
		if (wall_is_set(item.not_after))
			exposition_put(e, "",
			               EXPOSITION_LABELS({ "kind", tls_item_kind_name(item.kind) },
			                                 { "name", item.name }),
			               (double)wall_ms_between(now, item.not_after) / 1000);
}

void report_metrics(void *owner, struct exposition *e)
{
	const struct report *r = owner;
	const struct world *w = &r->loop->world;
	stats_write(r->stats, e);
	put_health(r, e);
	put_keepers(r, e);
	put_links(r, e);
	put_certificates(r, e);
	gauge(e, "tocsin_incidents", "Incidents that are open, taken or engaged.",
	      (double)table_count(w->incidents));
	gauge(e, "tocsin_operators", "Operators signed in.",
	      (double)consoles_count(r->loop->consoles));
	gauge(e, "tocsin_receipts_waiting", "Alerts read that have no receipt yet.",
	      (double)senders_in_flight(r->loop->senders));
	if (w->registry != NULL) {
		struct registry_size size = registry_size(w->registry);
		gauge(e, "tocsin_registry_practitioners", "Registered practitioners.",
		      (double)size.practitioners);
		gauge(e, "tocsin_registry_numbers", "Their numbers.", (double)size.numbers);
		gauge(e, "tocsin_registry_sources", "Registered sources.", (double)size.sources);
		gauge(e, "tocsin_registry_bytes", "What the registry takes in memory.",
		      (double)size.bytes);
	}
	exposition_family(e, "tocsin_bugs_total", EXPOSITION_COUNTER,
	                  "Times the impossible happened.");
	exposition_put_count(e, "", NULL, bug_count());
}

static json_t *position_json(struct position p)
{
	char text[POSITION_TEXT_SIZE];
	return json_string(position_format(p, text));
}

static json_t *time_json(struct wall t)
{
	char text[CLOCK_TEXT_SIZE];
	return wall_is_set(t) ? json_string(wall_format(t, text)) : json_null();
}

static json_t *degraded_json(const struct report *r)
{
	const struct health_state *state;
	enum health_kind kind;
	json_t *list = json_array();
	for (unsigned n = 0; (state = health_next(r->health, n, &kind)) != NULL; n++)
		json_array_append_new(list, json_pack("{s:s,s:o,s:s}", "state", health_name(kind),
		                                      "since", time_json(state->since), "why",
		                                      state->why));
	return list;
}

static json_t *journal_json(const struct journal_status *j)
{
	return json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:I}", "state", journal_state_name(j->state),
	                 "why", journal_reason_name(j->reason), "segments", (json_int_t)j->segments,
	                 "bytes", (json_int_t)j->bytes, "unconfirmed_bytes",
	                 (json_int_t)j->unconfirmed_bytes, "pending_bytes",
	                 (json_int_t)j->pending_bytes, "sync_us_last", (json_int_t)j->sync_us_last);
}

static json_t *postgres_json(const struct report *r)
{
	struct follower_status f;
	if (r->loop->keepers.follower == NULL)
		return json_null();
	follower_status(r->loop->keepers.follower, &f);
	return json_pack("{s:s,s:o,s:s,s:s,s:o,s:I,s:I,s:I,s:I}", "state",
	                 follower_state_name(f.state), "since", time_json(f.since), "host", f.host,
	                 "why", f.why, "confirmed", position_json(f.confirmed), "lag_records",
	                 (json_int_t)f.lag_records, "lag_ms", (json_int_t)f.lag_ms, "set_aside",
	                 (json_int_t)f.set_aside, "lost", (json_int_t)f.lost);
}

static json_t *registry_json(const struct report *r)
{
	struct loader_state state;
	const struct registry *registry = r->loop->world.registry;
	if (registry == NULL || r->loader == NULL)
		return json_null();
	loader_state(r->loader, &state);
	struct registry_size size = registry_size(registry);
	return json_pack("{s:I,s:o,s:b,s:I,s:I,s:I,s:I}", "version",
	                 (json_int_t)registry_version(registry), "as_of", time_json(state.as_of),
	                 "from_snapshot", state.is_from_snapshot, "practitioners",
	                 (json_int_t)size.practitioners, "numbers", (json_int_t)size.numbers,
	                 "sites", (json_int_t)size.sites, "sources", (json_int_t)size.sources);
}

static json_t *territory_json(const struct report *r)
{
	const struct territory *t = r->loop->world.territory;
	if (t == NULL)
		return json_null();
	return json_pack("{s:I,s:I}", "version", (json_int_t)territory_version(t), "communes",
	                 (json_int_t)territory_communes_count(t));
}

bool report_status(void *owner, char *out, size_t size)
{
	const struct report *r = owner;
	const struct loop *l = r->loop;
	struct journal_status j;
	char ready[256];
	journal_status(l->keepers.journal, &j);
	json_t *status = json_pack(
	        "{s:s,s:s,s:i,s:s,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:{s:i,s:i},s:I,s:I,s:I}",
	        "version", TOCSIN_VERSION, "node", r->node, "node_id", (int)r->node_id, "phase",
	        r->phase, "ready", report_is_ready(owner, ready, sizeof ready), "since",
	        time_json(r->since), "degraded", degraded_json(r), "position",
	        position_json((struct position){ l->world.next.node, l->world.next.epoch,
	                                         l->world.next.number - 1 }),
	        "durable", position_json(j.durable), "journal", journal_json(&j), "postgres",
	        postgres_json(r), "registry", registry_json(r), "territory", territory_json(r),
	        "links", "alerts", (int)listener_links(r->doors->alerts), "consoles",
	        (int)listener_links(r->doors->consoles), "operators",
	        (json_int_t)consoles_count(l->consoles), "incidents",
	        (json_int_t)table_count(l->world.incidents), "in_flight",
	        (json_int_t)senders_in_flight(l->senders));
	size_t length = status != NULL ? json_dumpb(status, out, size - 1, JSON_COMPACT) : 0;
	json_decref(status);
	if (length == 0 || length >= size)
		return false;
	out[length] = '\0';
	return true;
}

void report_line(const struct report *r, char *out, size_t size)
{
	enum health_kind kind;
	text_copy(out, size, r->phase);
	text_add(out, size, ", %zu incidents, %zu operators", table_count(r->loop->world.incidents),
	         consoles_count(r->loop->consoles));
	for (unsigned n = 0; health_next(r->health, n, &kind) != NULL; n++)
		text_add(out, size, "%s%s", n == 0 ? "; degraded: " : ", ", health_name(kind));
}
