#include "tool/alert_request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/text.h"
#include "tool/enum_word.h"

#define ALERT_REQUEST_TIMEOUT_MS 10000
#define ALERT_REQUEST_REPEAT_MAX 1000000

static bool read_number(const char *value, double *out)
{
	char *end;

	errno = 0;
	*out = strtod(value, &end);
	return end != value && *end == '\0' && errno == 0;
}

static bool read_time(const char *value, int64_t *out)
{
	struct wall wall = { 0 };

	if (strcmp(value, "none") != 0 && !wall_parse(value, &wall))
		return false;
	*out = wall.us;
	return true;
}

static bool read_seconds(const char *value, int64_t *ms)
{
	double seconds;

	if (!read_number(value, &seconds) || !(seconds >= 0 && seconds <= 86400))
		return false;
	*ms = (int64_t)(seconds * 1000);
	return true;
}

/* A word, or a bare number so that kinds of a later version can be tried. */
static bool read_kind(const char *value, Tocsin__V1__Kind *out)
{
	int word;
	int64_t number;

	if (enum_word_parse(&tocsin__v1__kind__descriptor, value, &word))
		number = word;
	else if (!text_to_int(value, 0, INT32_MAX, &number))
		return false;
	*out = (Tocsin__V1__Kind)number;
	return true;
}

static bool read_phase(const char *value, Tocsin__V1__Phase *out)
{
	int phase;

	if (!enum_word_parse(&tocsin__v1__phase__descriptor, value, &phase))
		return false;
	*out = (Tocsin__V1__Phase)phase;
	return true;
}

static bool refuse(char *why, const char *option, const char *value)
{
	why[0] = '\0';
	text_add(why, ALERT_REQUEST_WHY_SIZE, "--%s: '%s' is not a usable value", option, value);
	return false;
}

/* A value that is given and cannot be read ends the reading with its option's name. */
#define READ(option, value, call)                                                                  \
	do {                                                                                       \
		if ((value) != NULL && !(call))                                                    \
			return refuse(why, (option), (value));                                     \
	} while (0)

static bool read_values(struct alert_request *r, const struct alert_words *w, char *why)
{
	Tocsin__V1__Position *p = &r->position;

	READ("kind", w->kind, read_kind(w->kind, &r->alert.kind));
	READ("call", w->call, read_phase(w->call, &r->call.phase));
	READ("at", w->at, read_time(w->at, &r->alert.occurred_at));
	READ("lat", w->lat, read_number(w->lat, &p->lat));
	READ("lon", w->lon, read_number(w->lon, &p->lon));
	READ("accuracy", w->accuracy, read_number(w->accuracy, &p->accuracy_m));
	READ("fixed-at", w->fixed_at, read_time(w->fixed_at, &p->fixed_at));
	READ("repeat", w->repeat, text_to_int(w->repeat, 1, ALERT_REQUEST_REPEAT_MAX, &r->repeat));
	READ("timeout", w->timeout, read_seconds(w->timeout, &r->timeout_ms));
	READ("follow", w->follow, read_seconds(w->follow, &r->follow_ms));
	r->call.at = r->alert.occurred_at;
	return true;
}

/* protobuf-c has no const; what it is given here it only reads. */
static char *text_of(const char *word)
{
	return (char *)(word != NULL ? word : "");
}

static void put_texts(struct alert_request *r, const struct alert_words *w)
{
	r->alert.id = r->call.id = w->id != NULL ? text_of(w->id) : r->id;
	r->alert.number = r->call.number = text_of(w->number);
	r->alert.practitioner = text_of(w->practitioner);
	r->alert.address = text_of(w->address);
	r->alert.commune = text_of(w->commune);
	r->alert.note = text_of(w->note);
	r->alert.exercise = w->exercise;
	r->position.method = text_of(w->method);
	r->person.name = text_of(w->person_name);
	r->person.number = text_of(w->person_number);
	r->presented_to.centre = text_of(w->centre);
	r->presented_to.line = text_of(w->line);
	r->presented_to.agent = text_of(w->agent);
}

static void init(struct alert_request *r, struct wall now)
{
	memset(r, 0, sizeof *r);
	tocsin__v1__sender_message__init(&r->message);
	tocsin__v1__alert__init(&r->alert);
	tocsin__v1__call__init(&r->call);
	tocsin__v1__position__init(&r->position);
	tocsin__v1__stated_person__init(&r->person);
	tocsin__v1__presented_to__init(&r->presented_to);
	id_format(id_new(now), r->id);
	r->alert.kind = TOCSIN__V1__KIND__KIND_PANIC;
	r->alert.occurred_at = r->position.fixed_at = now.us;
	r->repeat = 1;
	r->timeout_ms = ALERT_REQUEST_TIMEOUT_MS;
}

bool alert_request_read(struct alert_request *r, const struct alert_words *w, struct wall now,
			char why[static ALERT_REQUEST_WHY_SIZE])
{
	init(r, now);
	why[0] = '\0';
	if (!read_values(r, w, why))
		return false;
	if ((w->lat != NULL) != (w->lon != NULL)) {
		text_add(why, ALERT_REQUEST_WHY_SIZE, "--lat and --lon go together");
		return false;
	}
	put_texts(r, w);
	if (w->lat != NULL)
		r->alert.position = r->call.position = &r->position;
	if (w->person_name != NULL || w->person_number != NULL)
		r->alert.person = &r->person;
	r->call.presented_to = &r->presented_to;
	if (w->call != NULL) {
		r->message.body_case = TOCSIN__V1__SENDER_MESSAGE__BODY_CALL;
		r->message.call = &r->call;
	} else {
		r->message.body_case = TOCSIN__V1__SENDER_MESSAGE__BODY_ALERT;
		r->message.alert = &r->alert;
	}
	return true;
}
