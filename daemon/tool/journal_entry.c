#include "tool/journal_entry.h"

#include <string.h>

#include "decide/alert.h"
#include "decide/event.h"
#include "decide/incident.h"
#include "proto/journal.pb-c.h"
#include "support/id.h"
#include "support/text.h"
#include "tool/incident_json.h"

static json_t *id_json(const ProtobufCBinaryData *bytes)
{
	struct id id = { 0 };
	char text[ID_TEXT_SIZE];

	if (bytes->len == ID_BYTES)
		memcpy(id.b, bytes->data, ID_BYTES);
	return id_is_set(id) ? json_string(id_format(id, text)) : json_null();
}

static json_t *kind_json(uint32_t kind)
{
	return json_string(alert_kind_name(kind < ALERT_KINDS ? kind : ALERT_UNKNOWN));
}

static json_t *alert_json(const Tocsin__Journal__Alert *m)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:b,s:o,s:o,s:i,s:i,s:o}", "id", id_json(&m->id),
	                 "source", id_json(&m->source), "incident", id_json(&m->incident), "kind",
	                 kind_json(m->kind), "exercise", m->exercise, "received_at",
	                 incident_json_time(m->received_at), "occurred_at",
	                 incident_json_time(m->occurred_at), "priority", (int)m->priority, "doubts",
	                 (int)m->doubts, "department", incident_json_text(m->department));
}

static json_t *call_json(const Tocsin__Journal__Call *m)
{
	return json_pack("{s:s,s:o}", "phase", incident_contact_name(m->phase + 1), "presented_to",
	                 incident_json_text(m->presented_to));
}

static json_t *act_json(const Tocsin__Journal__Act *m)
{
	const enum act_verb verb = m->verb < ACT_VERBS ? (enum act_verb)m->verb : ACT_UNKNOWN;

	return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o}", "verb", act_verb_name(verb), "incident",
	                 id_json(&m->incident), "alert", id_json(&m->alert), "operator",
	                 incident_json_text(m->operator_), "centre", incident_json_text(m->centre),
	                 "to_centre", incident_json_text(m->to_centre), "disposition",
	                 incident_json_text(m->disposition));
}

/* The names of the groups that this record changed. */
static json_t *groups_json(const Tocsin__Journal__Incident *m)
{
	const struct {
		const char *name;
		const void *group;
	} groups[] = {
		{ "head", m->head },     { "status", m->status },   { "people", m->people },
		{ "place", m->place },   { "centres", m->centres }, { "reasons", m->reasons },
		{ "alerts", m->alerts }, { "related", m->related }, { "deadline", m->deadline },
	};
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (groups[i].group != NULL)
			json_array_append_new(list, json_string(groups[i].name));
	return list;
}

static json_t *incident_change_json(const Tocsin__Journal__Incident *m)
{
	json_t *object = json_pack("{s:o,s:i,s:o}", "incident", id_json(&m->id), "revision",
	                           (int)m->revision, "changed", groups_json(m));
	const Tocsin__Journal__Owner *owner = m->owner;

	if (object == NULL || owner == NULL)
		return object;
	const uint32_t state = owner->state;
	json_object_set_new(object, "department", incident_json_text(owner->department));
	json_object_set_new(object, "centre", incident_json_text(owner->centre));
	json_object_set_new(object, "state",
	                    state < INCIDENT_STATES ? json_string(incident_state_name(state))
	                                            : json_null());
	json_object_set_new(object, "priority", json_integer(owner->priority));
	json_object_set_new(object, "kind", kind_json(owner->kind));
	return object;
}

json_t *journal_entry_json(const uint8_t *bytes, size_t length)
{
	Tocsin__Journal__Record *m = tocsin__journal__record__unpack(NULL, length, bytes);

	if (m == NULL)
		return NULL;
	json_t *incidents = json_array();
	json_t *entry = json_pack("{s:o}", "at", incident_json_time((int64_t)m->at));
	for (size_t i = 0; i < m->n_incidents; i++)
		json_array_append_new(incidents, incident_change_json(m->incidents[i]));
	if (m->alert != NULL)
		json_object_set_new(entry, "alert", alert_json(m->alert));
	if (m->call != NULL)
		json_object_set_new(entry, "call", call_json(m->call));
	if (m->act != NULL)
		json_object_set_new(entry, "act", act_json(m->act));
	json_object_set_new(entry, "incidents", incidents);
	tocsin__journal__record__free_unpacked(m, NULL);
	return entry;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "-";
}

static int number_of(const json_t *object, const char *key)
{
	return (int)json_integer_value(json_object_get(object, key));
}

const char *journal_entry_line(const json_t *entry, char out[static JOURNAL_ENTRY_LINE_SIZE])
{
	const json_t *alert = json_object_get(entry, "alert"),
	             *call = json_object_get(entry, "call");
	const json_t *act = json_object_get(entry, "act"), *incident, *group;
	const size_t size = JOURNAL_ENTRY_LINE_SIZE;
	size_t i, k;

	out[0] = '\0';
	text_add(out, size, "%s", text_of(entry, "at"));
	if (alert != NULL)
		text_add(out, size, "  alert %s p%d %s from %s%s", text_of(alert, "kind"),
		         number_of(alert, "priority"), text_of(alert, "id"),
		         text_of(alert, "source"),
		         json_is_true(json_object_get(alert, "exercise")) ? " (exercise)" : "");
	if (call != NULL)
		text_add(out, size, "  call %s at %s", text_of(call, "phase"),
		         text_of(call, "presented_to"));
	if (act != NULL)
		text_add(out, size, "  act %s by %s of %s", text_of(act, "verb"),
		         text_of(act, "operator"), text_of(act, "centre"));
	json_array_foreach(json_object_get(entry, "incidents"), i, incident)
	{
		text_add(out, size,
		         "  incident %s r%d %s p%d at %s:", text_of(incident, "incident"),
		         number_of(incident, "revision"), text_of(incident, "state"),
		         number_of(incident, "priority"), text_of(incident, "centre"));
		json_array_foreach(json_object_get(incident, "changed"), k, group)
		        text_add(out, size, " %s", json_string_value(group));
	}
	return out;
}
