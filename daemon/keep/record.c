#include "keep/record.h"

#include <string.h>

#include "proto/journal.pb-c.h"
#include "support/bug.h"

/*
 * Messages are built on the stack and packed at once: protobuf-c's packing allocates nothing. The
 * frame of one incident holds its nested messages while they are being packed.
 */
typedef Tocsin__Journal__Incident incident_message; /* the generated names are long */
typedef Tocsin__Journal__Alert alert_message;

/* clang-format off */
#define BYTES_OF(id) { .len = ID_BYTES, .data = (uint8_t *)(uintptr_t)(id).v.b }
/* clang-format on */
#define TEXT_OF(text) ((char *)(uintptr_t)(text))

struct incident_frame {
	incident_message message;
	Tocsin__Journal__Owner owner;
	Tocsin__Journal__Head head;
	Tocsin__Journal__Status status;
	Tocsin__Journal__People people;
	Tocsin__Journal__Person person[INCIDENT_PEOPLE_MAX], *person_list[INCIDENT_PEOPLE_MAX];
	Tocsin__Journal__Place place;
	Tocsin__Journal__Fix fix;
	ProtobufCBinaryData candidates[PLACE_CANDIDATES_MAX];
	Tocsin__Journal__Centres centres;
	Tocsin__Journal__CentreRole role[INCIDENT_CENTRES_MAX], *role_list[INCIDENT_CENTRES_MAX];
	Tocsin__Journal__Reasons reasons;
	Tocsin__Journal__Reason reason[REASONS_MAX], *reason_list[REASONS_MAX];
	Tocsin__Journal__Alerts alerts;
	Tocsin__Journal__AlertSummary alert[2 * INCIDENT_ALERTS_KEPT],
	        *alert_list[2 * INCIDENT_ALERTS_KEPT];
	Tocsin__Journal__Related related;
	ProtobufCBinaryData related_list[INCIDENT_RELATED_MAX];
	Tocsin__Journal__Deadline deadline;
};

static void put_fix(Tocsin__Journal__Fix *m, const struct fix *f)
{
	tocsin__journal__fix__init(m);
	m->lat = f->lat;
	m->lon = f->lon;
	m->accuracy_m = f->accuracy_m;
	m->fixed_at = f->fixed_at.us;
	m->method = TEXT_OF(f->method);
}

static void put_head(struct incident_frame *f, const struct incident *i)
{
	tocsin__journal__head__init(&f->head);
	f->head.department = TEXT_OF(i->department.text);
	f->head.raised_at = i->raised_at.us;
	f->head.exercise = i->exercise;
	f->head.source = (ProtobufCBinaryData)BYTES_OF(i->source);
	f->message.head = &f->head;
}

static void put_status(struct incident_frame *f, const struct incident *i)
{
	tocsin__journal__status__init(&f->status);
	f->status.kind = i->kind;
	f->status.priority = i->priority;
	f->status.state = i->state;
	f->status.level = i->level;
	f->status.renewed_at = i->renewed_at.us;
	f->status.taken_by = TEXT_OF(i->taken_by);
	f->status.taken_at = TEXT_OF(i->taken_at.text);
	f->status.taken_since = i->taken_since.us;
	f->status.disposition = TEXT_OF(i->disposition);
	f->status.note = TEXT_OF(i->note);
	f->status.cancels = i->cancels;
	f->status.contact = i->contact;
	f->status.offered_to = TEXT_OF(i->offered_to.text);
	f->status.offered_by = TEXT_OF(i->offered_by);
	f->message.status = &f->status;
}

static void put_people(struct incident_frame *f, const struct incident *i)
{
	tocsin__journal__people__init(&f->people);
	for (unsigned n = 0; n < i->people_count; n++) {
		Tocsin__Journal__Person *p = f->person_list[n] = &f->person[n];
		tocsin__journal__person__init(p);
		p->id = (ProtobufCBinaryData)BYTES_OF(i->people[n].id);
		p->name = TEXT_OF(i->people[n].name);
		p->specialty = TEXT_OF(i->people[n].specialty);
		p->exposed = TEXT_OF(i->people[n].exposed);
		p->number = i->people[n].number.digits;
	}
	f->people.n_list = i->people_count;
	f->people.list = f->person_list;
	f->message.people = &f->people;
}

static void put_place(struct incident_frame *f, const struct incident *i)
{
	tocsin__journal__place__init(&f->place);
	put_fix(&f->fix, &i->place.fix);
	f->place.origin = i->place.origin;
	f->place.precision = i->place.precision;
	f->place.has_point = i->place.has_point;
	f->place.fix = &f->fix;
	f->place.label = TEXT_OF(i->place.label);
	f->place.commune = TEXT_OF(i->place.commune.text);
	f->place.commune_name = TEXT_OF(i->place.commune_name);
	for (unsigned n = 0; n < i->place.candidates_count; n++)
		f->candidates[n] = (ProtobufCBinaryData)BYTES_OF(i->place.candidates[n]);
	f->place.n_candidates = i->place.candidates_count;
	f->place.candidates = f->candidates;
	f->message.place = &f->place;
}

static void put_centres(struct incident_frame *f, const struct incident *i)
{
	tocsin__journal__centres__init(&f->centres);
	for (unsigned n = 0; n < i->centres_count; n++) {
		f->role_list[n] = &f->role[n];
		tocsin__journal__centre_role__init(&f->role[n]);
		f->role[n].centre = TEXT_OF(i->centres[n].centre.text);
		f->role[n].role = i->centres[n].role;
	}
	f->centres.n_list = i->centres_count;
	f->centres.list = f->role_list;
	f->message.centres = &f->centres;
}

static void put_reasons(struct incident_frame *f, const struct incident *i)
{
	tocsin__journal__reasons__init(&f->reasons);
	for (unsigned n = 0; n < i->reasons.count; n++) {
		f->reason_list[n] = &f->reason[n];
		tocsin__journal__reason__init(&f->reason[n]);
		f->reason[n].code = i->reasons.list[n].code;
		f->reason[n].detail = TEXT_OF(i->reasons.list[n].detail);
	}
	f->reasons.n_list = i->reasons.count;
	f->reasons.list = f->reason_list;
	f->message.reasons = &f->reasons;
}

static void put_alerts(struct incident_frame *f, const struct incident *i, bool all)
{
	const struct alert_summary *kept[2 * INCIDENT_ALERTS_KEPT];
	unsigned count = incident_alerts(i, kept), from = all || count == 0 ? 0 : count - 1;
	tocsin__journal__alerts__init(&f->alerts);
	for (unsigned n = from; n < count; n++) {
		Tocsin__Journal__AlertSummary *a = f->alert_list[n - from] = &f->alert[n - from];
		tocsin__journal__alert_summary__init(a);
		a->id = (ProtobufCBinaryData)BYTES_OF(kept[n]->id);
		a->source = (ProtobufCBinaryData)BYTES_OF(kept[n]->source);
		a->kind = kept[n]->kind;
		a->received_at = kept[n]->received_at.us;
		a->occurred_at = kept[n]->occurred_at.us;
	}
	f->alerts.total = i->alerts_total;
	f->alerts.n_list = count - from;
	f->alerts.list = f->alert_list;
	f->message.alerts = &f->alerts;
}

static void put_related(struct incident_frame *f, const struct incident *i)
{
	tocsin__journal__related__init(&f->related);
	for (unsigned n = 0; n < i->related_count; n++)
		f->related_list[n] = (ProtobufCBinaryData)BYTES_OF(i->related[n]);
	f->related.n_list = i->related_count;
	f->related.list = f->related_list;
	f->message.related = &f->related;
}

static void put_due(struct mono due, struct mono now, struct wall wall, int64_t *remaining_ms,
                    int64_t *due_at)
{
	if (!mono_is_set(due))
		return;
	*remaining_ms = mono_ms_between(now, due);
	*due_at = wall_add_ms(wall, *remaining_ms).us;
}

static void put_deadline(struct incident_frame *f, const struct incident *i, struct mono now,
                         struct wall wall)
{
	Tocsin__Journal__Deadline *d = &f->deadline;
	tocsin__journal__deadline__init(d);
	d->step = i->step;
	put_due(i->step_due, now, wall, &d->remaining_ms, &d->due_at);
	put_due(i->offer_due, now, wall, &d->offer_remaining_ms, &d->offer_due_at);
	put_due(i->away_due, now, wall, &d->away_remaining_ms, &d->away_due_at);
	f->message.deadline = d;
}

static void put_incident(struct incident_frame *f, const struct incident *i, unsigned groups,
                         struct mono now, struct wall wall)
{
	tocsin__journal__incident__init(&f->message);
	tocsin__journal__owner__init(&f->owner);
	f->message.id = (ProtobufCBinaryData)BYTES_OF(i->id);
	f->message.revision = i->revision;
	f->message.guard = i->guard;
	f->message.updated_at = i->updated_at.us;
	f->owner.department = TEXT_OF(i->department.text);
	f->owner.centre = i->centres_count > 0 ? TEXT_OF(i->centres[0].centre.text) : TEXT_OF("");
	f->owner.state = i->state;
	f->owner.priority = i->priority;
	f->owner.kind = i->kind;
	f->message.owner = &f->owner;
	if (groups & GROUP_HEAD)
		put_head(f, i);
	if (groups & GROUP_STATUS)
		put_status(f, i);
	if (groups & GROUP_PEOPLE)
		put_people(f, i);
	if (groups & GROUP_PLACE)
		put_place(f, i);
	if (groups & GROUP_CENTRES)
		put_centres(f, i);
	if (groups & GROUP_REASONS)
		put_reasons(f, i);
	if (groups & GROUP_ALERTS)
		put_alerts(f, i, groups == GROUP_ALL);
	if (groups & GROUP_RELATED)
		put_related(f, i);
	if (groups & GROUP_DEADLINE)
		put_deadline(f, i, now, wall);
}

static void put_alert(alert_message *m, Tocsin__Journal__Fix *fix, const struct effect *keep)
{
	const struct alert *a = keep->keep.alert;
	tocsin__journal__alert__init(m);
	m->id = (ProtobufCBinaryData)BYTES_OF(a->id);
	m->source = (ProtobufCBinaryData)BYTES_OF(a->source);
	m->ref = TEXT_OF(a->ref);
	m->kind = a->kind;
	m->exercise = a->exercise;
	m->doubts = a->doubts;
	m->received_at = a->received_at.us;
	m->occurred_at = a->occurred_at.us;
	if (a->has_fix) {
		put_fix(fix, &a->fix);
		m->fix = fix;
	}
	m->number = TEXT_OF(a->number);
	m->rpps = a->rpps;
	m->person_name = TEXT_OF(a->person_name);
	m->person_number = TEXT_OF(a->person_number);
	m->address = TEXT_OF(a->address);
	m->commune = TEXT_OF(a->commune.text);
	m->note = TEXT_OF(a->note);
	if (id_is_set(keep->keep.incident.v))
		m->incident = (ProtobufCBinaryData)BYTES_OF(keep->keep.incident);
	m->department = TEXT_OF(keep->keep.department.text);
	m->content_hash = keep->keep.content_hash;
	m->priority = keep->keep.priority;
}

static void put_act(Tocsin__Journal__Act *m, const struct effect *keep)
{
	const struct act *a = keep->keep.act;
	tocsin__journal__act__init(m);
	m->verb = a->verb;
	if (id_is_set(keep->keep.incident.v))
		m->incident = (ProtobufCBinaryData)BYTES_OF(keep->keep.incident);
	m->operator_ = TEXT_OF(a->operator);
	m->centre = TEXT_OF(a->centre.text);
	m->note = TEXT_OF(a->note);
	m->to_centre = TEXT_OF(a->to.text);
	m->disposition = TEXT_OF(a->disposition);
	if (id_is_set(a->alert.v))
		m->alert = (ProtobufCBinaryData)BYTES_OF(a->alert);
	m->department = TEXT_OF(keep->keep.department.text);
}

size_t record_encode(const struct effect *keep, struct mono now, struct wall wall, uint8_t *out)
{
	static _Thread_local struct incident_frame frames[EFFECT_INCIDENTS_MAX]; /* 20 KiB each */
	incident_message *incidents[EFFECT_INCIDENTS_MAX];
	Tocsin__Journal__Record record = TOCSIN__JOURNAL__RECORD__INIT;
	Tocsin__Journal__Call call = TOCSIN__JOURNAL__CALL__INIT;
	Tocsin__Journal__Act act;
	Tocsin__Journal__Fix fix;
	alert_message alert;

	record.at = (uint64_t)wall.us;
	if (keep->keep.alert != NULL) {
		put_alert(&alert, &fix, keep);
		record.alert = &alert;
	}
	if (keep->keep.call != NULL) {
		call.phase = keep->keep.call->phase;
		call.presented_to = TEXT_OF(keep->keep.call->presented_to.text);
		call.line = TEXT_OF(keep->keep.call->line);
		call.agent = TEXT_OF(keep->keep.call->agent);
		record.call = &call;
	}
	if (keep->keep.act != NULL) {
		put_act(&act, keep);
		record.act = &act;
	}
	for (unsigned n = 0; n < keep->keep.incidents_count; n++) {
		struct incident *i = keep->keep.incidents[n];
		/* What is new to the journal is whole, whatever marks it has. */
		put_incident(&frames[n], i, i->changed, now, wall);
		i->changed = 0;
		incidents[n] = &frames[n].message;
	}
	record.n_incidents = keep->keep.incidents_count;
	record.incidents = incidents;
	if (BUG(tocsin__journal__record__get_packed_size(&record) > RECORD_BYTES_MAX))
		return 0;
	return tocsin__journal__record__pack(&record, out);
}

size_t record_encode_incident(const struct incident *i, struct mono now, struct wall wall,
                              uint8_t *out)
{
	struct incident_frame frame;
	Tocsin__Journal__CheckpointItem item = TOCSIN__JOURNAL__CHECKPOINT_ITEM__INIT;
	put_incident(&frame, i, GROUP_ALL, now, wall);
	frame.message.position_node = i->position.node;
	frame.message.position_epoch = i->position.epoch;
	frame.message.position_number = i->position.number;
	item.body_case = TOCSIN__JOURNAL__CHECKPOINT_ITEM__BODY_INCIDENT;
	item.incident = &frame.message;
	return tocsin__journal__checkpoint_item__pack(&item, out);
}

size_t record_encode_memory(const struct repeat *r, uint8_t *out)
{
	Tocsin__Journal__CheckpointItem item = TOCSIN__JOURNAL__CHECKPOINT_ITEM__INIT;
	Tocsin__Journal__Memory memory = TOCSIN__JOURNAL__MEMORY__INIT;
	memory.source = (ProtobufCBinaryData){ ID_BYTES, (uint8_t *)(uintptr_t)r->key.source };
	memory.ref_hash =
	        (ProtobufCBinaryData){ REPEAT_REF_BYTES, (uint8_t *)(uintptr_t)r->key.ref };
	memory.content_hash = r->content_hash;
	memory.received_at = r->received_at.us;
	memory.has_occurred_at = r->is_dated;
	memory.alert = (ProtobufCBinaryData)BYTES_OF(r->alert);
	memory.incident = (ProtobufCBinaryData)BYTES_OF(r->incident);
	memory.priority = r->priority;
	memory.number = r->position.number;
	memory.epoch = r->position.epoch;
	item.body_case = TOCSIN__JOURNAL__CHECKPOINT_ITEM__BODY_MEMORY;
	item.memory = &memory;
	return tocsin__journal__checkpoint_item__pack(&item, out);
}
