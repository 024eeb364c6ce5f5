#include "push/view.h"

#include <stdlib.h>
#include <string.h>

#include "proto/console.pb-c.h"
#include "support/text.h"

#define LABEL_SIZE       (PLACE_LABEL_SIZE + 8)
#define REASON_TEXT_SIZE 256

/* DeskMessage { Incident incident = 3 }: tag, length, the incident, and behind it the field
 * `recorded` on its own, since protobuf takes fields in any order. */
#define DESK_INCIDENT_TAG     (3 << 3 | 2)
#define INCIDENT_RECORDED_TAG (8 << 3 | 0)
#define HEADER_MAX            6
#define RECORDED_BYTES        2

/* Everything that the generated message points to while it is packed. */
struct view_frame {
	Tocsin__V1__Incident message;
	char incident[ID_TEXT_SIZE], position[POSITION_TEXT_SIZE];
	Tocsin__V1__Person person[INCIDENT_PEOPLE_MAX], *person_list[INCIDENT_PEOPLE_MAX];
	char person_id[INCIDENT_PEOPLE_MAX][ID_TEXT_SIZE];
	char person_number[INCIDENT_PEOPLE_MAX][PHONE_TEXT_SIZE];
	Tocsin__V1__Centre centre[INCIDENT_CENTRES_MAX], *centre_list[INCIDENT_CENTRES_MAX];
	Tocsin__V1__Place place;
	char candidate[PLACE_CANDIDATES_MAX][LABEL_SIZE], *candidate_list[PLACE_CANDIDATES_MAX];
	Tocsin__V1__Adviser adviser;
	char reason[REASONS_MAX][REASON_TEXT_SIZE], *reason_list[REASONS_MAX];
	Tocsin__V1__AlertSummary alert[2 * INCIDENT_ALERTS_KEPT],
	        *alert_list[2 * INCIDENT_ALERTS_KEPT];
	char alert_id[2 * INCIDENT_ALERTS_KEPT][2][ID_TEXT_SIZE];
	char related[INCIDENT_RELATED_MAX][ID_TEXT_SIZE], *related_list[INCIDENT_RELATED_MAX];
};

#define TEXT_OF(text) ((char *)(uintptr_t)(text))

static void put_people(struct view_frame *f, const struct incident *i)
{
	for (unsigned n = 0; n < i->people_count; n++) {
		const struct person *p = &i->people[n];
		Tocsin__V1__Person *m = f->person_list[n] = &f->person[n];
		tocsin__v1__person__init(m);
		if (id_is_set(p->id.v))
			m->id = TEXT_OF(id_format(p->id.v, f->person_id[n]));
		m->name = TEXT_OF(p->name);
		m->specialty = TEXT_OF(p->specialty);
		m->exposed = TEXT_OF(p->exposed);
		if (p->number.digits != 0)
			m->number = TEXT_OF(phone_format(p->number, f->person_number[n]));
	}
	f->message.n_practitioners = i->people_count;
	f->message.practitioners = f->person_list;
}

static void put_place(struct view_frame *f, const struct incident *i,
                      const struct registry *registry)
{
	const struct place *p = &i->place;
	Tocsin__V1__Place *m = &f->place;
	tocsin__v1__place__init(m);
	m->lat = p->has_point ? p->fix.lat : 0;
	m->lon = p->has_point ? p->fix.lon : 0;
	m->has_point = p->has_point;
	m->accuracy_m = p->fix.accuracy_m;
	m->precision = TEXT_OF(place_precision_name(p->precision));
	m->origin = TEXT_OF(place_origin_name(p->origin));
	m->fixed_at = p->fix.fixed_at.us;
	m->method = TEXT_OF(p->fix.method);
	m->label = TEXT_OF(p->label);
	m->commune = TEXT_OF(p->commune.text);
	m->commune_name = TEXT_OF(p->commune_name);
	for (unsigned n = 0; n < p->candidates_count; n++) {
		struct site site;
		if (registry == NULL || !registry_site(registry, p->candidates[n], &site))
			continue;
		char *label = f->candidate[m->n_candidates];
		text_copy(label, LABEL_SIZE, site.label);
		text_add(label, LABEL_SIZE, "%s%s", site.label[0] ? ", " : "", site.address);
		f->candidate_list[m->n_candidates++] = label;
	}
	m->candidates = f->candidate_list;
	f->message.place = m;
}

static void put_alerts(struct view_frame *f, const struct incident *i)
{
	const struct alert_summary *kept[2 * INCIDENT_ALERTS_KEPT];
	unsigned count = incident_alerts(i, kept);
	for (unsigned n = 0; n < count; n++) {
		Tocsin__V1__AlertSummary *m = f->alert_list[n] = &f->alert[n];
		tocsin__v1__alert_summary__init(m);
		m->alert = TEXT_OF(id_format(kept[n]->id.v, f->alert_id[n][0]));
		m->source = TEXT_OF(id_format(kept[n]->source.v, f->alert_id[n][1]));
		m->kind = (Tocsin__V1__Kind)kept[n]->kind;
		m->received_at = kept[n]->received_at.us;
		m->occurred_at = kept[n]->occurred_at.us;
	}
	f->message.alerts_total = i->alerts_total;
	f->message.n_alerts = count;
	f->message.alerts = f->alert_list;
}

static void put_lists(struct view_frame *f, const struct incident *i)
{
	for (unsigned n = 0; n < i->centres_count; n++) {
		f->centre_list[n] = &f->centre[n];
		tocsin__v1__centre__init(&f->centre[n]);
		f->centre[n].id = TEXT_OF(i->centres[n].centre.text);
		f->centre[n].role = TEXT_OF(centre_role_name(i->centres[n].role));
	}
	f->message.n_centres = i->centres_count;
	f->message.centres = f->centre_list;
	for (unsigned n = 0; n < i->reasons.count; n++) {
		reason_format(&i->reasons.list[n], f->reason[n], REASON_TEXT_SIZE);
		f->reason_list[n] = f->reason[n];
	}
	f->message.n_reasons = i->reasons.count;
	f->message.reasons = f->reason_list;
	for (unsigned n = 0; n < i->related_count; n++)
		f->related_list[n] = TEXT_OF(id_format(i->related[n].v, f->related[n]));
	f->message.n_related = i->related_count;
	f->message.related = f->related_list;
}

static void put_adviser(struct view_frame *f, const struct incident *i,
                        const struct territory *territory)
{
	const struct commune *c = territory != NULL && i->place.commune.text[0] != '\0'
	                                  ? territory_commune(territory, i->place.commune)
	                                  : NULL;
	if (c == NULL || (c->adviser_name[0] == '\0' && c->adviser_number[0] == '\0'))
		return;
	tocsin__v1__adviser__init(&f->adviser);
	f->adviser.name = TEXT_OF(c->adviser_name);
	f->adviser.number = TEXT_OF(c->adviser_number);
	f->message.adviser = &f->adviser;
}

static void put_head(struct view_frame *f, const struct incident *i)
{
	static const Tocsin__V1__State states[] = { TOCSIN__V1__STATE__STATE_OPEN,
		                                    TOCSIN__V1__STATE__STATE_TAKEN,
		                                    TOCSIN__V1__STATE__STATE_ENGAGED,
		                                    TOCSIN__V1__STATE__STATE_CLOSED };
	Tocsin__V1__Incident *m = &f->message;
	tocsin__v1__incident__init(m);
	m->incident = TEXT_OF(id_format(i->id.v, f->incident));
	m->revision = i->revision;
	m->position = TEXT_OF(position_format(i->position, f->position));
	m->department = TEXT_OF(i->department.text);
	m->priority = i->priority;
	m->kind = (Tocsin__V1__Kind)i->kind;
	m->state = states[i->state];
	m->raised_at = i->raised_at.us;
	m->updated_at = i->updated_at.us;
	m->renewed_at = i->renewed_at.us;
	m->contact = TEXT_OF(incident_contact_name(i->contact));
	m->exercise = i->exercise;
	m->level = i->level;
	m->taken_by = TEXT_OF(i->taken_by);
	m->taken_at_centre = TEXT_OF(i->taken_at.text);
	m->disposition = TEXT_OF(i->disposition);
	m->note = TEXT_OF(i->note);
	m->cancels = i->cancels;
	m->offered_by = TEXT_OF(i->offered_by);
}

static size_t put_header(uint8_t *out, size_t length)
{
	size_t at = 0;
	out[at++] = DESK_INCIDENT_TAG;
	for (; length >= 0x80; length >>= 7)
		out[at++] = (uint8_t)(length | 0x80);
	out[at++] = (uint8_t)length;
	return at;
}

struct view *view_new(const struct incident *i, bool is_quiet, struct mono at,
                      const struct registry *registry, const struct territory *territory)
{
	struct view_frame f;
	f.place.n_candidates = 0;
	put_head(&f, i);
	put_people(&f, i);
	put_place(&f, i, registry);
	put_alerts(&f, i);
	put_lists(&f, i);
	put_adviser(&f, i, territory);

	uint8_t header[HEADER_MAX];
	size_t packed = tocsin__v1__incident__get_packed_size(&f.message);
	size_t header_length = put_header(header, packed + RECORDED_BYTES);
	struct view *v = malloc(sizeof *v + header_length + packed + RECORDED_BYTES);
	if (v == NULL)
		return NULL;
	*v = (struct view){
		.references = 1,
		.incident = i->id,
		.revision = i->revision,
		.position = i->position,
		.priority = i->priority,
		.is_quiet = is_quiet,
		.is_closed = i->state == INCIDENT_CLOSED,
		.made_at = at,
		.from = SOURCE_KINDS,
		.centres_count = i->centres_count,
		.length = header_length + packed + RECORDED_BYTES,
	};
	for (unsigned n = 0; n < i->centres_count; n++)
		v->centres[n] = i->centres[n].centre;
	memcpy(v->bytes, header, header_length);
	tocsin__v1__incident__pack(&f.message, v->bytes + header_length);
	v->bytes[v->length - 2] = INCIDENT_RECORDED_TAG;
	v->bytes[v->length - 1] = 0;
	return v;
}

struct view *view_ref(struct view *v)
{
	v->references++;
	return v;
}

void view_unref(struct view *v)
{
	if (v != NULL && --v->references == 0)
		free(v);
}

void view_set_recorded(struct view *v, bool recorded)
{
	v->is_recorded = recorded;
	v->bytes[v->length - 1] = recorded;
}

bool view_concerns(const struct view *v, struct centre_id centre)
{
	for (unsigned n = 0; n < v->centres_count; n++)
		if (centre_equal(v->centres[n], centre))
			return true;
	return false;
}
