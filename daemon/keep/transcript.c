#include "keep/transcript.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decide/event.h"
#include "decide/incident.h"
#include "keep/scratch.h"
#include "proto/journal.pb-c.h"
#include "support/bug.h"
#include "support/table.h"
#include "support/text.h"

typedef Tocsin__Journal__Record record_message; /* the generated names are long */
typedef Tocsin__Journal__Incident incident_message;

/* An incident's changes in this batch: each group as the newest record that changed it has it. */
struct merged {
	uint64_t number;
	const incident_message *newest;
	const Tocsin__Journal__Head *head;
	const Tocsin__Journal__Status *status;
	const Tocsin__Journal__People *people;
	const Tocsin__Journal__Place *place;
	const Tocsin__Journal__Centres *centres;
	const Tocsin__Journal__Reasons *reasons;
	const Tocsin__Journal__Related *related;
	const Tocsin__Journal__Alerts *alerts;
	struct merged *next; /* in the order of their first record */
};

struct transcript {
	struct rows rows[TRANSCRIPT_TABLES];
	struct scratch scratch; /* the unpacked records and the merged incidents */
	struct table *incidents;
	struct merged *first, **end;
	bool failed;
};

/* Small parts
 * ---------------------------------------------------------------------------------------- */

/* A record spells "none" as nothing or as all zeros. */
static bool has_id(const ProtobufCBinaryData *bytes, struct id *id)
{
	if (bytes->len != ID_BYTES)
		return false;
	memcpy(id->b, bytes->data, ID_BYTES);
	return id_is_set(*id);
}

static void put_id(struct rows *r, const ProtobufCBinaryData *id)
{
	rows_uuid(r, id->data, id->len);
}

static const char *kind_of(uint32_t kind)
{
	return alert_kind_name(kind < ALERT_KINDS ? (enum alert_kind)kind : ALERT_UNKNOWN);
}

static bool is_place(double lat, double lon)
{
	return isfinite(lat) && isfinite(lon) && fabs(lat) <= 90 && fabs(lon) <= 180;
}

/* Five fields: lat, lon, accuracy_m, fixed_at, method. */
static void put_fix(struct rows *r, const Tocsin__Journal__Fix *fix)
{
	if (fix == NULL || !is_place(fix->lat, fix->lon)) {
		for (unsigned i = 0; i < 5; i++)
			rows_null(r);
		return;
	}
	rows_float8(r, fix->lat);
	rows_float8(r, fix->lon);
	if (fix->accuracy_m > 0)
		rows_float4(r, fix->accuracy_m);
	else
		rows_null(r);
	rows_time(r, fix->fixed_at);
	rows_text_or_null(r, fix->method);
}

static void put_people(struct rows *r, const Tocsin__Journal__People *people)
{
	uint32_t registered = 0;
	struct id id;

	if (people == NULL) {
		rows_null(r);
		return;
	}
	for (size_t i = 0; i < people->n_list; i++)
		registered += has_id(&people->list[i]->id, &id);
	rows_uuids(r, registered);
	for (size_t i = 0; i < people->n_list; i++)
		if (has_id(&people->list[i]->id, &id))
			rows_item_uuid(r, id.b, ID_BYTES);
}

static void put_centres(struct rows *r, const Tocsin__Journal__Centres *centres)
{
	char text[64];

	if (centres == NULL) {
		rows_null(r);
		return;
	}
	rows_texts(r, (uint32_t)centres->n_list);
	for (size_t i = 0; i < centres->n_list; i++) {
		snprintf(text, sizeof text, "%s:%s", centres->list[i]->centre,
		         centre_role_name(centres->list[i]->role));
		rows_item_text(r, text);
	}
}

/* The codes alone: a detail may speak of a person. */
static void put_reasons(struct rows *r, const Tocsin__Journal__Reasons *reasons)
{
	if (reasons == NULL) {
		rows_null(r);
		return;
	}
	rows_texts(r, (uint32_t)reasons->n_list);
	for (size_t i = 0; i < reasons->n_list; i++) {
		uint32_t code = reasons->list[i]->code;
		rows_item_text(r, code < REASON_CODES ? reason_name(code) : "unknown");
	}
}

static void put_related(struct rows *r, const Tocsin__Journal__Related *related)
{
	if (related == NULL) {
		rows_null(r);
		return;
	}
	rows_uuids(r, (uint32_t)related->n_list);
	for (size_t i = 0; i < related->n_list; i++)
		rows_item_uuid(r, related->list[i].data, related->list[i].len);
}

static void put_total(struct rows *r, const Tocsin__Journal__Alerts *alerts)
{
	if (alerts != NULL)
		rows_int8(r, alerts->total);
	else
		rows_null(r);
}

/* Five fields: department, owner, state, priority, kind. */
static void put_owner(struct rows *r, const Tocsin__Journal__Owner *owner)
{
	rows_text(r, owner->department);
	rows_text(r, owner->centre);
	rows_text(r, incident_state_name(owner->state));
	rows_int2(r, (int16_t)owner->priority);
	rows_text(r, kind_of(owner->kind));
}

/* One record
 * ------------------------------------------------------------------------------------------- */

static void write_alert(struct transcript *t, uint64_t number, const record_message *m)
{
	struct rows *r = &t->rows[TRANSCRIPT_ALERTS];
	const Tocsin__Journal__Alert *a = m->alert;

	rows_begin(r);
	rows_int8(r, (int64_t)number);
	put_id(r, &a->id);
	rows_text(r, a->department);
	put_id(r, &a->incident);
	put_id(r, &a->source);
	rows_text(r, a->ref);
	rows_text(r, kind_of(a->kind));
	rows_int2(r, (int16_t)a->priority);
	rows_bool(r, a->exercise);
	rows_int4(r, (int32_t)a->doubts);
	rows_time(r, a->received_at != 0 ? a->received_at : (int64_t)m->at);
	rows_time(r, a->occurred_at);
	put_fix(r, a->fix);
	rows_text_or_null(r, a->commune);
	rows_end(r);
}

static void write_call(struct transcript *t, uint64_t number, const record_message *m)
{
	static const char *const phases[] = { "presented", "answered", "ended", "abandoned" };
	struct rows *r = &t->rows[TRANSCRIPT_CALLS];
	const Tocsin__Journal__Alert *a = m->alert;
	const Tocsin__Journal__Call *c = m->call;

	rows_begin(r);
	rows_int8(r, (int64_t)number);
	put_id(r, &a->id);
	rows_text(r, a->department);
	put_id(r, &a->incident);
	rows_text(r, c->phase < sizeof phases / sizeof *phases ? phases[c->phase] : "unknown");
	rows_text(r, c->presented_to);
	rows_text(r, c->line);
	rows_text(r, c->agent);
	rows_time(r, a->occurred_at != 0 ? a->occurred_at : (int64_t)m->at);
	rows_end(r);
}

/* The fields that a row of words begins with. */
static struct rows *begin_words(struct transcript *t, uint64_t number, int16_t ordinal,
                                const ProtobufCBinaryData *incident, const char *department,
                                uint64_t at)
{
	struct rows *r = &t->rows[TRANSCRIPT_WORDS];

	rows_begin(r);
	rows_int8(r, (int64_t)number);
	rows_int2(r, ordinal);
	put_id(r, incident);
	rows_text(r, department);
	rows_time(r, (int64_t)at);
	return r;
}

static void write_alert_words(struct transcript *t, uint64_t number, const record_message *m)
{
	const Tocsin__Journal__Alert *a = m->alert;

	if (a->number[0] == '\0' && a->rpps == 0 && a->person_name[0] == '\0' &&
	    a->person_number[0] == '\0' && a->address[0] == '\0' && a->note[0] == '\0')
		return;
	struct rows *r = begin_words(t, number, 0, &a->incident, a->department, m->at);
	rows_text_or_null(r, a->number);
	if (a->rpps != 0 && a->rpps <= INT64_MAX)
		rows_int8(r, (int64_t)a->rpps);
	else
		rows_null(r);
	rows_text_or_null(r, a->person_name);
	rows_text_or_null(r, a->person_number);
	rows_text_or_null(r, a->address);
	rows_text_or_null(r, a->note);
	rows_end(r);
}

/* An address of an incident's place, or a dispatcher's note: the one text of a row of words. */
static void write_text(struct rows *r, const char *address, const char *note)
{
	for (unsigned i = 0; i < 4; i++)
		rows_null(r); /* caller, rpps, person_name, person_number */
	rows_text(r, address);
	rows_text(r, note);
	rows_end(r);
}

static void write_act(struct transcript *t, uint64_t number, const record_message *m)
{
	struct rows *r = &t->rows[TRANSCRIPT_TRAIL];
	const Tocsin__Journal__Act *a = m->act;
	char object[ID_TEXT_SIZE] = "", alert[ID_TEXT_SIZE], detail[256] = "";
	struct id id;
	bool has_incident = has_id(&a->incident, &id);

	if (has_incident)
		id_format(id, object);
	if (a->to_centre[0] != '\0')
		text_add(detail, sizeof detail, " to=%s", a->to_centre);
	if (a->disposition[0] != '\0')
		text_add(detail, sizeof detail, " disposition=%s", a->disposition);
	if (has_id(&a->alert, &id))
		text_add(detail, sizeof detail, " alert=%s", id_format(id, alert));
	rows_begin(r);
	rows_int8(r, (int64_t)number);
	rows_time(r, (int64_t)m->at);
	rows_text(r, a->department);
	rows_text(r, a->operator_);
	rows_text(r, a->centre);
	rows_text(r, act_verb_name(a->verb));
	rows_text(r, has_incident ? "incident" : "console");
	rows_text(r, has_incident ? object : a->centre);
	rows_text(r, detail[0] == ' ' ? detail + 1 : detail);
	rows_text_or_null(r, a->note);
	rows_end(r);
	/* An alert and an act never share a record, so that ordinal 0 is free. */
	if (a->note[0] != '\0' && m->alert == NULL)
		write_text(begin_words(t, number, 0, &a->incident, a->department, m->at), NULL,
		           a->note);
}

static void write_revision(struct transcript *t, uint64_t number, int16_t ordinal,
                           const record_message *m, const incident_message *i)
{
	struct rows *r = &t->rows[TRANSCRIPT_REVISIONS];

	rows_begin(r);
	rows_int8(r, (int64_t)number);
	rows_int2(r, ordinal);
	put_id(r, &i->id);
	rows_int8(r, i->revision);
	rows_time(r, (int64_t)m->at);
	put_owner(r, i->owner);
	if (i->status != NULL)
		rows_int2(r, (int16_t)i->status->level);
	else
		rows_null(r);
	put_people(r, i->people);
	put_centres(r, i->centres);
	put_reasons(r, i->reasons);
	if (i->place != NULL)
		rows_text(r, i->place->commune);
	else
		rows_null(r);
	put_total(r, i->alerts);
	rows_end(r);
}

static void write_names(struct transcript *t, uint64_t number, int16_t *ordinal,
                        const record_message *m, const incident_message *i)
{
	struct rows *r = &t->rows[TRANSCRIPT_NAMES];
	char phone[PHONE_TEXT_SIZE];

	for (size_t n = 0; n < i->people->n_list; n++) {
		const Tocsin__Journal__Person *p = i->people->list[n];
		rows_begin(r);
		rows_int8(r, (int64_t)number);
		rows_int2(r, (*ordinal)++);
		put_id(r, &i->id);
		rows_text(r, i->owner->department);
		rows_time(r, (int64_t)m->at);
		put_id(r, &p->id);
		rows_text(r, p->name);
		rows_text(r, p->specialty);
		rows_text(r,
		          p->number != 0 ? phone_format((struct e164){ p->number }, phone) : NULL);
		rows_text(r, p->exposed);
		rows_end(r);
	}
}

#define NEWER(group)                                                                               \
	do {                                                                                       \
		if (i->group != NULL)                                                              \
			g->group = i->group;                                                       \
	} while (0)

static void merge(struct transcript *t, uint64_t number, const incident_message *i)
{
	struct merged *g = table_get(t->incidents, i->id.data);

	if (g == NULL) {
		g = scratch_alloc(&t->scratch, sizeof *g);
		if (g == NULL || !table_put(t->incidents, i->id.data, g)) {
			t->failed = true;
			return;
		}
		*g = (struct merged){ 0 };
		*t->end = g;
		t->end = &g->next;
	}
	g->number = number;
	g->newest = i;
	NEWER(head);
	NEWER(status);
	NEWER(people);
	NEWER(place);
	NEWER(centres);
	NEWER(reasons);
	NEWER(related);
	NEWER(alerts);
}

static void write_incidents(struct transcript *t, uint64_t number, const record_message *m)
{
	int16_t names = 0;

	for (size_t n = 0; n < m->n_incidents; n++) {
		const incident_message *i = m->incidents[n];
		write_revision(t, number, (int16_t)n, m, i);
		if (i->people != NULL)
			write_names(t, number, &names, m, i);
		if (i->place != NULL && i->place->label[0] != '\0')
			write_text(begin_words(t, number, (int16_t)(n + 1), &i->id,
			                       i->owner->department, m->at),
			           i->place->label, NULL);
		merge(t, number, i);
	}
}

/* The end of a batch
 * ------------------------------------------------------------------------------------ */

/* Nine fields: level to offered_to. */
static void put_status(struct rows *r, const Tocsin__Journal__Status *s)
{
	if (s == NULL) {
		for (unsigned i = 0; i < 9; i++)
			rows_null(r);
		return;
	}
	rows_int2(r, (int16_t)s->level);
	rows_time(r, s->renewed_at);
	rows_text(r, s->taken_by);
	rows_text(r, s->taken_at);
	rows_time(r, s->taken_since);
	rows_text(r, s->disposition);
	rows_int8(r, s->cancels);
	rows_text(r, incident_contact_name(s->contact));
	rows_text(r, s->offered_to);
}

/* Eight fields: origin to commune. */
static void put_place(struct rows *r, const Tocsin__Journal__Place *p)
{
	if (p == NULL) {
		for (unsigned i = 0; i < 8; i++)
			rows_null(r);
		return;
	}
	rows_text(r, place_origin_name(p->origin));
	rows_text(r, place_precision_name(p->precision));
	put_fix(r, p->has_point ? p->fix : NULL);
	rows_text(r, p->commune);
}

static void write_merged(struct transcript *t, const struct merged *g)
{
	struct rows *r = &t->rows[TRANSCRIPT_INCIDENTS];

	rows_begin(r);
	put_id(r, &g->newest->id);
	rows_int8(r, (int64_t)g->number);
	rows_int8(r, g->newest->revision);
	rows_time(r, g->newest->updated_at);
	put_owner(r, g->newest->owner);
	if (g->head != NULL) {
		rows_time(r, g->head->raised_at);
		rows_bool(r, g->head->exercise);
		put_id(r, &g->head->source);
	} else {
		for (unsigned i = 0; i < 3; i++)
			rows_null(r);
	}
	put_status(r, g->status);
	put_people(r, g->people);
	put_place(r, g->place);
	put_centres(r, g->centres);
	put_reasons(r, g->reasons);
	put_related(r, g->related);
	put_total(r, g->alerts);
	rows_end(r);
}

struct transcript *transcript_new(void)
{
	struct transcript *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	scratch_init(&t->scratch);
	transcript_clear(t);
	return t;
}

void transcript_free(struct transcript *t)
{
	if (t == NULL)
		return;
	for (unsigned i = 0; i < TRANSCRIPT_TABLES; i++)
		rows_done(&t->rows[i]);
	scratch_done(&t->scratch);
	table_free(t->incidents);
	free(t);
}

void transcript_clear(struct transcript *t)
{
	for (unsigned i = 0; i < TRANSCRIPT_TABLES; i++)
		rows_clear(&t->rows[i]);
	scratch_clear(&t->scratch);
	table_free(t->incidents);
	t->incidents = table_new(ID_BYTES, 0);
	t->first = NULL;
	t->end = &t->first;
	t->failed = t->incidents == NULL;
}

/* What every row of an incident is built on. */
static bool is_whole(const record_message *m)
{
	if (m->call != NULL && m->alert == NULL)
		return false;
	for (size_t n = 0; n < m->n_incidents; n++)
		if (m->incidents[n]->id.len != ID_BYTES || m->incidents[n]->owner == NULL)
			return false;
	return true;
}

bool transcript_add(struct transcript *t, const struct record_view *record)
{
	uint64_t number = record->position.number;
	const record_message *m = tocsin__journal__record__unpack(&t->scratch.allocator,
	                                                          record->length, record->bytes);

	if (m == NULL && t->scratch.failed) {
		t->failed = true; /* no word about the record: the batch is tried again */
		return true;
	}
	if (m == NULL || !is_whole(m))
		return false;
	if (m->alert != NULL) {
		write_alert(t, number, m);
		write_alert_words(t, number, m);
	}
	if (m->call != NULL)
		write_call(t, number, m);
	if (m->act != NULL)
		write_act(t, number, m);
	if (!t->failed)
		write_incidents(t, number, m);
	return true;
}

void transcript_set_aside(struct transcript *t, const struct record_view *record,
                          const char *sqlstate, const char *reason)
{
	struct rows *r = &t->rows[TRANSCRIPT_SET_ASIDE];

	rows_begin(r);
	rows_int8(r, (int64_t)record->position.number);
	rows_bytes(r, record->bytes, record->length);
	rows_text(r, sqlstate);
	rows_text(r, reason);
	rows_end(r);
}

bool transcript_finish(struct transcript *t, const uint32_t types[TRANSCRIPT_TABLES])
{
	bool ok = !t->failed;

	for (const struct merged *g = t->first; ok && g != NULL; g = g->next)
		write_merged(t, g);
	for (unsigned i = 0; ok && i < TRANSCRIPT_TABLES; i++)
		ok = rows_finish(&t->rows[i], types[i]);
	return ok;
}

const struct rows *transcript_rows(const struct transcript *t, enum transcript_table table)
{
	return &t->rows[table];
}
