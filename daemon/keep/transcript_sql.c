#include "keep/transcript.h"

#include "support/bug.h"

/*
 * Positions are there once, because the cursor moves with them (cursor_move), so that plain inserts
 * do; they cost a third less than those that look for a conflict first. A cursor that was set back
 * by hand is what TRANSCRIPT_AGAIN is for: it leaves a position that is there as it is.
 */
static const struct statement {
	const char *table, *type, *sql;
} statements[TRANSCRIPT_TABLES] = {
	[TRANSCRIPT_ALERTS] = { "alerts", "alert_in",
	                        "INSERT INTO alerts (node, epoch, number, alert, department, "
	                        "incident, source, ref, kind, "
	                        "priority, exercise, doubts, received_at, occurred_at, lat, lon, "
	                        "accuracy_m, fixed_at, "
	                        "method, commune) "
	                        "SELECT $1::integer, $2::bigint, r.* FROM unnest($3::alert_in[]) "
	                        "AS r" },
	[TRANSCRIPT_CALLS] = { "calls", "call_in",
	                       "INSERT INTO calls (node, epoch, number, alert, department, "
	                       "incident, phase, presented_to, "
	                       "line, agent, at) "
	                       "SELECT $1::integer, $2::bigint, r.* FROM unnest($3::call_in[]) AS "
	                       "r" },
	[TRANSCRIPT_REVISIONS] = { "revisions", "revision_in",
	                           "INSERT INTO revisions (node, epoch, number, ordinal, incident, "
	                           "revision, at, department, "
	                           "owner, state, priority, kind, level, practitioners, centres, "
	                           "reasons, commune, "
	                           "alerts_total) "
	                           "SELECT $1::integer, $2::bigint, r.* FROM "
	                           "unnest($3::revision_in[]) AS r" },
	/* A group of fields that did not change is null from its first to its last field;
	 * raised_at, level, practitioners and origin are never null in a group that changed. */
	[TRANSCRIPT_INCIDENTS] = { "incidents", "incident_in",
	                           "INSERT INTO incidents AS i (node, epoch, incident, number, "
	                           "revision, updated_at, "
	                           "department, owner, state, priority, kind, raised_at, exercise, "
	                           "source, level, renewed_at, "
	                           "taken_by, taken_at, taken_since, disposition, cancels, "
	                           "contact, offered_to, "
	                           "practitioners, origin, precision, lat, lon, accuracy_m, "
	                           "fixed_at, method, commune, "
	                           "centres, reasons, related, alerts_total) "
	                           "SELECT $1::integer, $2::bigint, r.* FROM "
	                           "unnest($3::incident_in[]) AS r "
	                           "ON CONFLICT (incident) DO UPDATE SET "
	                           "node = excluded.node, epoch = excluded.epoch, number = "
	                           "excluded.number, "
	                           "revision = excluded.revision, updated_at = "
	                           "excluded.updated_at, "
	                           "department = excluded.department, owner = excluded.owner, "
	                           "state = excluded.state, "
	                           "priority = excluded.priority, kind = excluded.kind, "
	                           "raised_at = coalesce(excluded.raised_at, i.raised_at), "
	                           "exercise = coalesce(excluded.exercise, i.exercise), "
	                           "source = coalesce(excluded.source, i.source), "
	                           "level = coalesce(excluded.level, i.level), "
	                           "renewed_at = CASE WHEN excluded.level IS NULL THEN "
	                           "i.renewed_at ELSE excluded.renewed_at END, "
	                           "taken_by = coalesce(excluded.taken_by, i.taken_by), "
	                           "taken_at = coalesce(excluded.taken_at, i.taken_at), "
	                           "taken_since = CASE WHEN excluded.level IS NULL THEN "
	                           "i.taken_since ELSE excluded.taken_since END, "
	                           "disposition = coalesce(excluded.disposition, i.disposition), "
	                           "cancels = coalesce(excluded.cancels, i.cancels), "
	                           "contact = coalesce(excluded.contact, i.contact), "
	                           "offered_to = coalesce(excluded.offered_to, i.offered_to), "
	                           "practitioners = coalesce(excluded.practitioners, "
	                           "i.practitioners), "
	                           "origin = coalesce(excluded.origin, i.origin), "
	                           "precision = coalesce(excluded.precision, i.precision), "
	                           "lat = CASE WHEN excluded.origin IS NULL THEN i.lat ELSE "
	                           "excluded.lat END, "
	                           "lon = CASE WHEN excluded.origin IS NULL THEN i.lon ELSE "
	                           "excluded.lon END, "
	                           "accuracy_m = CASE WHEN excluded.origin IS NULL THEN "
	                           "i.accuracy_m ELSE excluded.accuracy_m END, "
	                           "fixed_at = CASE WHEN excluded.origin IS NULL THEN i.fixed_at "
	                           "ELSE excluded.fixed_at END, "
	                           "method = CASE WHEN excluded.origin IS NULL THEN i.method ELSE "
	                           "excluded.method END, "
	                           "commune = CASE WHEN excluded.origin IS NULL THEN i.commune "
	                           "ELSE excluded.commune END, "
	                           "centres = coalesce(excluded.centres, i.centres), "
	                           "reasons = coalesce(excluded.reasons, i.reasons), "
	                           "related = coalesce(excluded.related, i.related), "
	                           "alerts_total = coalesce(excluded.alerts_total, i.alerts_total) "
	                           "WHERE i.node <> excluded.node OR (i.epoch, i.number) < "
	                           "(excluded.epoch, excluded.number)" },
	[TRANSCRIPT_NAMES] = { "incident_names", "name_in",
	                       "INSERT INTO incident_names (node, epoch, number, ordinal, "
	                       "incident, department, "
	                       "practitioner, name, specialty, phone, exposed, retain_until) "
	                       "SELECT $1::integer, $2::bigint, r.number, r.ordinal, r.incident, "
	                       "r.department, "
	                       "r.practitioner, r.name, r.specialty, r.phone, r.exposed, "
	                       "(r.at AT TIME ZONE 'UTC')::date + coalesce(d.names_kept_days, "
	                       "2192) "
	                       "FROM unnest($3::name_in[]) AS r LEFT JOIN departments AS d ON "
	                       "d.code = r.department" },
	[TRANSCRIPT_WORDS] = { "words", "words_in",
	                       "INSERT INTO words (node, epoch, number, ordinal, incident, "
	                       "department, caller, rpps, "
	                       "person_name, person_number, address, note, retain_until) "
	                       "SELECT $1::integer, $2::bigint, r.number, r.ordinal, r.incident, "
	                       "r.department, r.caller, "
	                       "r.rpps, r.person_name, r.person_number, r.address, r.note, "
	                       "(r.at AT TIME ZONE 'UTC')::date + coalesce(d.names_kept_days, "
	                       "2192) "
	                       "FROM unnest($3::words_in[]) AS r LEFT JOIN departments AS d ON "
	                       "d.code = r.department" },
	[TRANSCRIPT_TRAIL] = { "trail", "act_in",
	                       "INSERT INTO trail (chain, at, department, who, via, what, object, "
	                       "object_id, detail, "
	                       "note_sha256, node, epoch, number) "
	                       "SELECT $1::integer, r.at, r.department, coalesce(nullif(r.who, "
	                       "''), 'unknown'), r.via, "
	                       "r.what, r.object, r.object_id, r.detail, sha256(convert_to(r.note, "
	                       "'UTF8')), "
	                       "$1::integer, $2::bigint, r.number FROM unnest($3::act_in[]) AS r "
	                       "ORDER BY r.number" },
	[TRANSCRIPT_SET_ASIDE] = { "set_aside", "aside_in",
	                           "INSERT INTO set_aside (node, epoch, number, record, sqlstate, "
	                           "reason) "
	                           "SELECT $1::integer, $2::bigint, r.* FROM "
	                           "unnest($3::aside_in[]) AS r" },
};

const char *transcript_sql(enum transcript_table table)
{
	return BUG(table >= TRANSCRIPT_TABLES) ? "" : statements[table].sql;
}

const char *transcript_type(enum transcript_table table)
{
	return BUG(table >= TRANSCRIPT_TABLES) ? "" : statements[table].type;
}

const char *transcript_name(enum transcript_table table)
{
	return BUG(table >= TRANSCRIPT_TABLES) ? "" : statements[table].table;
}
