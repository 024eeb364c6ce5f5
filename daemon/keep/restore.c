#include "keep/restore.h"

#include <stdlib.h>
#include <string.h>

#include "decide/repeat.h"
#include "proto/journal.pb-c.h"
#include "support/table.h"
#include "support/text.h"

/* Texts come from our own records, but a flipped bit that passed the checksum must not crash us:
 * every text is copied with its bound, every count is held to its maximum. */

static void get_id(struct id *out, const ProtobufCBinaryData *bytes)
{
	if (bytes->len == ID_BYTES)
		memcpy(out->b, bytes->data, ID_BYTES);
	else
		memset(out->b, 0, ID_BYTES);
}

static void get_fix(struct fix *out, const Tocsin__Journal__Fix *m)
{
	out->lat = m->lat;
	out->lon = m->lon;
	out->accuracy_m = m->accuracy_m;
	out->fixed_at.us = m->fixed_at;
	TEXT_COPY(out->method, m->method);
}

static void get_status(struct incident *i, const Tocsin__Journal__Status *m)
{
	i->kind = m->kind < ALERT_KINDS ? m->kind : ALERT_UNKNOWN;
	i->priority = m->priority;
	i->state = m->state < INCIDENT_STATES ? m->state : INCIDENT_OPEN;
	i->level = m->level;
	i->renewed_at.us = m->renewed_at;
	i->taken_since.us = m->taken_since;
	i->cancels = m->cancels;
	i->contact = m->contact;
	i->taken_at = centre_id(m->taken_at);
	i->offered_to = centre_id(m->offered_to);
	TEXT_COPY(i->taken_by, m->taken_by);
	TEXT_COPY(i->disposition, m->disposition);
	TEXT_COPY(i->note, m->note);
	TEXT_COPY(i->offered_by, m->offered_by);
}

static void get_people(struct incident *i, const Tocsin__Journal__People *m)
{
	i->people_count = 0;
	for (size_t n = 0; n < m->n_list && n < INCIDENT_PEOPLE_MAX; n++) {
		struct person *p = &i->people[i->people_count++];
		memset(p, 0, sizeof *p);
		get_id(&p->id.v, &m->list[n]->id);
		TEXT_COPY(p->name, m->list[n]->name);
		TEXT_COPY(p->specialty, m->list[n]->specialty);
		TEXT_COPY(p->exposed, m->list[n]->exposed);
		p->number.digits = m->list[n]->number;
	}
}

static void get_place(struct incident *i, const Tocsin__Journal__Place *m)
{
	struct place *p = &i->place;
	memset(p, 0, sizeof *p);
	p->origin = m->origin <= PLACE_LIVE ? m->origin : PLACE_FROM_NOTHING;
	p->precision = m->precision <= PLACE_EXACT ? m->precision : PLACE_UNKNOWN;
	p->has_point = m->has_point;
	if (m->fix != NULL)
		get_fix(&p->fix, m->fix);
	TEXT_COPY(p->label, m->label);
	p->commune = commune_code(m->commune);
	TEXT_COPY(p->commune_name, m->commune_name);
	for (size_t n = 0; n < m->n_candidates && n < PLACE_CANDIDATES_MAX; n++)
		get_id(&p->candidates[p->candidates_count++].v, &m->candidates[n]);
}

static void get_lists(struct incident *i, const Tocsin__Journal__Incident *m)
{
	if (m->centres != NULL) {
		i->centres_count = 0;
		for (size_t n = 0; n < m->centres->n_list && n < INCIDENT_CENTRES_MAX; n++)
			i->centres[i->centres_count++] =
			        (struct centre_part){ centre_id(m->centres->list[n]->centre),
				                      m->centres->list[n]->role };
	}
	if (m->reasons != NULL) {
		i->reasons.count = 0;
		for (size_t n = 0; n < m->reasons->n_list && n < REASONS_MAX; n++) {
			struct reason *r = &i->reasons.list[i->reasons.count++];
			uint32_t code = m->reasons->list[n]->code;
			r->code = code < REASON_CODES ? code : REASON_NONE;
			TEXT_COPY(r->detail, m->reasons->list[n]->detail);
		}
	}
	if (m->related != NULL) {
		i->related_count = 0;
		for (size_t n = 0; n < m->related->n_list && n < INCIDENT_RELATED_MAX; n++)
			get_id(&i->related[i->related_count++].v, &m->related->list[n]);
	}
}

/* A delta holds the newest alert; a checkpoint all that are kept, of `total`. */
static void get_alerts(struct incident *i, const Tocsin__Journal__Alerts *m)
{
	if (m->n_list == 0 || m->n_list > 2 * INCIDENT_ALERTS_KEPT || m->n_list > m->total)
		return;
	unsigned tail = m->n_list < INCIDENT_ALERTS_KEPT ? m->n_list : INCIDENT_ALERTS_KEPT;
	for (size_t n = 0; n < m->n_list; n++) {
		struct alert_summary a = { .kind = m->list[n]->kind };
		get_id(&a.id.v, &m->list[n]->id);
		get_id(&a.source.v, &m->list[n]->source);
		a.received_at.us = m->list[n]->received_at;
		a.occurred_at.us = m->list[n]->occurred_at;
		if (m->n_list == 1) { /* its number is the total */
			i->alerts_total = m->total - 1;
			incident_count_alert(i, &a);
			continue;
		}
		if (n < INCIDENT_ALERTS_KEPT)
			i->first[n] = a;
		if (n >= m->n_list - tail)
			i->last[(m->total - (m->n_list - n)) % INCIDENT_ALERTS_KEPT] = a;
	}
	i->alerts_total = m->total;
}

/* A number that a flipped bit made endless does not overflow what is reckoned with it. */
static int64_t held(int64_t number, int64_t most)
{
	return number > most ? most : number < -most ? -most : number;
}

/* The earlier of what both clocks say; a time that has passed says how long ago. */
static struct mono get_due(int64_t remaining_ms, int64_t due_at, struct mono now, struct wall wall)
{
	if (due_at == 0)
		return (struct mono){ 0 };
	int64_t by_wall_ms = wall_ms_between(wall, (struct wall){ held(due_at, INT64_MAX / 2) });
	int64_t wait_ms = by_wall_ms < remaining_ms ? by_wall_ms : remaining_ms;
	struct mono due = mono_add_ms(now, held(wait_ms, INT64_MAX / 2 / CLOCK_MS_NS));
	return mono_is_set(due) ? due : now;
}

static void get_incident(struct incident *i, const Tocsin__Journal__Incident *m, struct mono now,
                         struct wall wall)
{
	i->revision = m->revision;
	i->guard = m->guard;
	i->updated_at.us = m->updated_at;
	if (m->head != NULL) {
		i->department = department_code(m->head->department);
		i->raised_at.us = m->head->raised_at;
		i->exercise = m->head->exercise;
		get_id(&i->source.v, &m->head->source);
	}
	if (m->status != NULL)
		get_status(i, m->status);
	if (m->people != NULL)
		get_people(i, m->people);
	if (m->place != NULL)
		get_place(i, m->place);
	get_lists(i, m);
	if (m->alerts != NULL)
		get_alerts(i, m->alerts);
	if (m->deadline != NULL) {
		const Tocsin__Journal__Deadline *d = m->deadline;
		i->step = d->step <= STEP_ENGAGE ? d->step : STEP_LOUDER;
		i->step_due = get_due(d->remaining_ms, d->due_at, now, wall);
		i->offer_due = get_due(d->offer_remaining_ms, d->offer_due_at, now, wall);
		i->away_due = get_due(d->away_remaining_ms, d->away_due_at, now, wall);
	}
	i->changed = 0;
}

static enum restore_end restore_incident(struct world *w, const Tocsin__Journal__Incident *m,
                                         struct position position, struct mono now,
                                         struct wall wall)
{
	struct incident_id id;
	get_id(&id.v, &m->id);
	struct incident *i = world_incident(w, id);
	if (i == NULL && m->head == NULL)
		return RESTORE_NO_BASE;
	if (i != NULL && position_compare(position, i->position) <= 0)
		return RESTORE_DONE;
	bool is_new = i == NULL;
	if (is_new) {
		i = calloc(1, sizeof *i);
		if (i == NULL)
			return RESTORE_NO_MEMORY;
		i->id = id;
	}
	/* A record that consoles did not see, of a deadline alone, makes no revision. */
	if (is_new || m->revision != i->revision)
		i->position = position;
	get_incident(i, m, now, wall);
	if (is_new && !world_restore_incident(w, i)) {
		free(i);
		return RESTORE_NO_MEMORY;
	}
	if (i->state == INCIDENT_CLOSED)
		world_forget_incident(w, i);
	else
		world_schedule(w, i);
	return RESTORE_DONE;
}

static enum restore_end restore_memory(struct world *w, const Tocsin__Journal__Memory *m)
{
	struct repeat r = {
		.content_hash = m->content_hash,
		.received_at = { m->received_at },
		.is_dated = m->has_occurred_at,
		.priority = m->priority,
		.position = { w->next.node, m->epoch, m->number },
	};
	if (m->source.len != ID_BYTES || m->ref_hash.len != REPEAT_REF_BYTES)
		return RESTORE_UNREADABLE;
	memcpy(r.key.source, m->source.data, ID_BYTES);
	memcpy(r.key.ref, m->ref_hash.data, REPEAT_REF_BYTES);
	get_id(&r.alert.v, &m->alert);
	get_id(&r.incident.v, &m->incident);
	return repeats_put(w->repeats, &r) ? RESTORE_DONE : RESTORE_NO_MEMORY;
}

static enum restore_end restore_alert(struct world *w, const Tocsin__Journal__Record *record,
                                      struct position position)
{
	const Tocsin__Journal__Alert *m = record->alert;
	struct source_id source;
	get_id(&source.v, &m->source);
	struct repeat r = {
		.key = repeat_key(source, m->ref, record->call ? record->call->phase + 1 : 0),
		.content_hash = m->content_hash,
		.received_at = { m->received_at },
		.is_dated = repeat_is_dated((struct wall){ m->occurred_at }, m->doubts),
		.priority = m->priority,
		.position = position,
	};
	get_id(&r.alert.v, &m->id);
	get_id(&r.incident.v, &m->incident);
	if (m->fix != NULL) {
		struct fix fix;
		get_fix(&fix, m->fix);
		if (!world_remember_fix(w, source, &fix, r.received_at))
			return RESTORE_NO_MEMORY;
	}
	if (m->doubts & ALERT_DOUBT_REF)
		return RESTORE_DONE;
	return repeats_put(w->repeats, &r) ? RESTORE_DONE : RESTORE_NO_MEMORY;
}

enum restore_end restore_item(struct world *w, const uint8_t *bytes, size_t length, struct mono now,
                              struct wall wall)
{
	Tocsin__Journal__CheckpointItem *item =
	        tocsin__journal__checkpoint_item__unpack(NULL, length, bytes);
	enum restore_end end = RESTORE_UNREADABLE;
	if (item != NULL && item->body_case == TOCSIN__JOURNAL__CHECKPOINT_ITEM__BODY_INCIDENT) {
		struct position position = { item->incident->position_node,
			                     item->incident->position_epoch,
			                     item->incident->position_number };
		end = restore_incident(w, item->incident, position, now, wall);
	} else if (item != NULL &&
	           item->body_case == TOCSIN__JOURNAL__CHECKPOINT_ITEM__BODY_MEMORY) {
		end = restore_memory(w, item->memory);
	}
	if (item != NULL)
		tocsin__journal__checkpoint_item__free_unpacked(item, NULL);
	return end;
}

enum restore_end restore_record(struct world *w, struct position position, const uint8_t *bytes,
                                size_t length, struct mono now, struct wall wall)
{
	Tocsin__Journal__Record *record = tocsin__journal__record__unpack(NULL, length, bytes);
	if (record == NULL)
		return RESTORE_UNREADABLE;
	enum restore_end end = RESTORE_DONE;
	if (record->alert != NULL)
		end = restore_alert(w, record, position);
	for (size_t n = 0; n < record->n_incidents; n++) {
		enum restore_end one =
		        restore_incident(w, record->incidents[n], position, now, wall);
		if (one > end)
			end = one;
	}
	tocsin__journal__record__free_unpacked(record, NULL);
	return end;
}
