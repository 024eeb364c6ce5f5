#include "tool/incident_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/clock.h"
#include "tool/enum_word.h"
#include "tool/plain.h"

json_t *incident_json_time(int64_t us)
{
	char text[CLOCK_TEXT_SIZE];

	return us == 0 ? json_null() : json_string(wall_format((struct wall){ us }, text));
}

json_t *incident_json_text(const char *text)
{
	if (text == NULL || text[0] == '\0')
		return json_null();
	json_t *as_it_is = json_string(text); /* NULL when it is not UTF-8 */
	if (as_it_is != NULL)
		return as_it_is;
	size_t size = 3 * strlen(text) + 1; /* each bad byte becomes three */
	char *clean = malloc(size);
	if (clean == NULL)
		return NULL;
	json_t *repaired = json_string(plain_copy(clean, size, text, PLAIN_KEEP_BREAKS));
	free(clean);
	return repaired;
}

/* Whole numbers without a decimal point; what no number can be is null. */
static json_t *number(double value)
{
	if (!isfinite(value))
		return json_null();
	return trunc(value) == value && fabs(value) < 1e15 ? json_integer((json_int_t)value)
							   : json_real(value);
}

static json_t *texts(size_t count, char **list)
{
	json_t *out = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(out, incident_json_text(list[i]));
	return out;
}

static json_t *practitioners(const Tocsin__V1__Incident *incident)
{
	json_t *out = json_array();

	for (size_t i = 0; i < incident->n_practitioners; i++) {
		const Tocsin__V1__Person *person = incident->practitioners[i];
		json_t *one = json_object();
		json_object_set_new(one, "id", incident_json_text(person->id));
		json_object_set_new(one, "name", incident_json_text(person->name));
		json_object_set_new(one, "specialty", incident_json_text(person->specialty));
		json_object_set_new(one, "number", incident_json_text(person->number));
		json_object_set_new(one, "exposed", incident_json_text(person->exposed));
		json_array_append_new(out, one);
	}
	return out;
}

static json_t *centres(const Tocsin__V1__Incident *incident)
{
	json_t *out = json_array();

	for (size_t i = 0; i < incident->n_centres; i++) {
		json_t *one = json_object();
		json_object_set_new(one, "id", incident_json_text(incident->centres[i]->id));
		json_object_set_new(one, "role", incident_json_text(incident->centres[i]->role));
		json_array_append_new(out, one);
	}
	return out;
}

static json_t *place_json(const Tocsin__V1__Place *given)
{
	const Tocsin__V1__Place none = TOCSIN__V1__PLACE__INIT;
	const Tocsin__V1__Place *place = given != NULL ? given : &none;
	bool has_accuracy = place->has_point && place->accuracy_m > 0;
	json_t *out = json_object();

	json_object_set_new(out, "lat", place->has_point ? number(place->lat) : json_null());
	json_object_set_new(out, "lon", place->has_point ? number(place->lon) : json_null());
	json_object_set_new(out, "accuracy_m",
			    has_accuracy ? number(place->accuracy_m) : json_null());
	json_object_set_new(out, "precision",
			    place->precision[0] != '\0' ? incident_json_text(place->precision)
							: json_string("unknown"));
	json_object_set_new(out, "origin", incident_json_text(place->origin));
	json_object_set_new(out, "fixed_at", incident_json_time(place->fixed_at));
	json_object_set_new(out, "method", incident_json_text(place->method));
	json_object_set_new(out, "label", incident_json_text(place->label));
	json_object_set_new(out, "commune", incident_json_text(place->commune));
	json_object_set_new(out, "commune_name", incident_json_text(place->commune_name));
	json_object_set_new(out, "candidates", texts(place->n_candidates, place->candidates));
	return out;
}

static json_t *adviser_json(const Tocsin__V1__Adviser *adviser)
{
	if (adviser == NULL || (adviser->name[0] == '\0' && adviser->number[0] == '\0'))
		return json_null();
	json_t *out = json_object();
	json_object_set_new(out, "name", incident_json_text(adviser->name));
	json_object_set_new(out, "number", incident_json_text(adviser->number));
	return out;
}

static json_t *kind_json(Tocsin__V1__Kind kind)
{
	char word[ENUM_WORD_SIZE];

	return json_string(enum_word(&tocsin__v1__kind__descriptor, (int)kind, word));
}

static json_t *state_json(Tocsin__V1__State state)
{
	char word[ENUM_WORD_SIZE];

	enum_word(&tocsin__v1__state__descriptor, (int)state, word);
	return strcmp(word, "unknown") == 0 ? json_null() : json_string(word);
}

static json_t *alerts(const Tocsin__V1__Incident *incident)
{
	json_t *out = json_array();

	for (size_t i = 0; i < incident->n_alerts; i++) {
		const Tocsin__V1__AlertSummary *alert = incident->alerts[i];
		json_t *one = json_object();
		json_object_set_new(one, "alert", incident_json_text(alert->alert));
		json_object_set_new(one, "source", incident_json_text(alert->source));
		json_object_set_new(one, "kind", kind_json(alert->kind));
		json_object_set_new(one, "received_at", incident_json_time(alert->received_at));
		json_object_set_new(one, "occurred_at", incident_json_time(alert->occurred_at));
		json_array_append_new(out, one);
	}
	return out;
}

/* The part that says what it is and how it stands. */
static void put_head(json_t *out, const Tocsin__V1__Incident *i)
{
	bool has_priority = i->priority >= 1 && i->priority <= 4;

	json_object_set_new(out, "incident", incident_json_text(i->incident));
	json_object_set_new(out, "revision", json_integer(i->revision));
	json_object_set_new(out, "position", incident_json_text(i->position));
	json_object_set_new(out, "department", incident_json_text(i->department));
	json_object_set_new(out, "priority",
			    has_priority ? json_integer(i->priority) : json_null());
	json_object_set_new(out, "kind", kind_json(i->kind));
	json_object_set_new(out, "state", state_json(i->state));
	json_object_set_new(out, "recorded", json_boolean(i->recorded));
	json_object_set_new(out, "raised_at", incident_json_time(i->raised_at));
	json_object_set_new(out, "updated_at", incident_json_time(i->updated_at));
}

json_t *incident_json(const Tocsin__V1__Incident *i)
{
	json_t *out = json_object();

	put_head(out, i);
	json_object_set_new(out, "practitioners", practitioners(i));
	json_object_set_new(out, "centres", centres(i));
	json_object_set_new(out, "place", place_json(i->place));
	json_object_set_new(out, "adviser", adviser_json(i->adviser));
	json_object_set_new(out, "reasons", texts(i->n_reasons, i->reasons));
	json_object_set_new(out, "alerts_total", json_integer(i->alerts_total));
	json_object_set_new(out, "alerts", alerts(i));
	json_object_set_new(out, "renewed_at", incident_json_time(i->renewed_at));
	json_object_set_new(out, "related", texts(i->n_related, i->related));
	json_object_set_new(out, "contact",
			    i->contact[0] != '\0' ? incident_json_text(i->contact)
						  : json_string("none"));
	json_object_set_new(out, "exercise", json_boolean(i->exercise));
	json_object_set_new(out, "level", i->level <= 4 ? json_integer(i->level) : json_null());
	json_object_set_new(out, "taken_by", incident_json_text(i->taken_by));
	json_object_set_new(out, "taken_at_centre", incident_json_text(i->taken_at_centre));
	json_object_set_new(out, "disposition", incident_json_text(i->disposition));
	json_object_set_new(out, "note", incident_json_text(i->note));
	json_object_set_new(out, "cancels", json_integer(i->cancels));
	json_object_set_new(out, "offered_by", incident_json_text(i->offered_by));
	return out;
}

char *incident_json_dump(const json_t *object)
{
	/* Ten digits: a degree to the width of a finger, without 48.539999999999999. */
	return json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(10));
}

char *incident_json_line(const Tocsin__V1__Incident *incident)
{
	json_t *object = incident_json(incident);
	char *line = object != NULL ? incident_json_dump(object) : NULL;

	json_decref(object);
	return line;
}
