#include "tool/console_json.h"

#include <stdlib.h>

#include "tool/incident_json.h"

static bool put_line(FILE *out, char *line)
{
	bool good = line != NULL && fputs(line, out) >= 0 && fputc('\n', out) != EOF &&
		    fflush(out) == 0;

	free(line);
	return good;
}

static bool put_object(FILE *out, json_t *object)
{
	char *line = object != NULL ? incident_json_dump(object) : NULL;

	json_decref(object);
	return put_line(out, line);
}

static json_t *typed(const char *type)
{
	json_t *object = json_object();

	json_object_set_new(object, "type", json_string(type));
	return object;
}

static bool put_welcome(FILE *out, const Tocsin__V1__ConsoleWelcome *w)
{
	json_t *o = typed("welcome");

	json_object_set_new(o, "node", incident_json_text(w->node));
	json_object_set_new(o, "centre", incident_json_text(w->centre));
	json_object_set_new(o, "centre_name", incident_json_text(w->centre_name));
	json_object_set_new(o, "department", incident_json_text(w->department));
	json_object_set_new(o, "server_time", incident_json_time(w->server_time));
	json_object_set_new(o, "heartbeat_s", json_integer(w->heartbeat_s));
	json_object_set_new(o, "resumed", json_boolean(w->resumed));
	return put_object(out, o);
}

static bool put_answer(FILE *out, const Tocsin__V1__Answer *a)
{
	json_t *o = typed("answer");

	json_object_set_new(o, "ref", incident_json_text(a->ref));
	json_object_set_new(o, "done", json_boolean(a->done));
	json_object_set_new(o, "reason", incident_json_text(a->reason));
	json_object_set_new(o, "incident", incident_json_text(a->incident));
	json_object_set_new(o, "revision", json_integer(a->revision));
	return put_object(out, o);
}

static bool put_heartbeat(FILE *out, const Tocsin__V1__DeskHeartbeat *h)
{
	json_t *o = typed("heartbeat"), *degraded = json_array();

	for (size_t i = 0; i < h->n_degraded; i++)
		json_array_append_new(degraded, incident_json_text(h->degraded[i]));
	json_object_set_new(o, "server_time", incident_json_time(h->server_time));
	json_object_set_new(o, "position", incident_json_text(h->position));
	json_object_set_new(o, "degraded", degraded);
	return put_object(out, o);
}

static bool put_with_text(FILE *out, const char *type, const char *key, const char *text)
{
	json_t *o = typed(type);

	json_object_set_new(o, key, incident_json_text(text));
	return put_object(out, o);
}

bool console_json_message(FILE *incidents, FILE *others, const Tocsin__V1__DeskMessage *m)
{
	switch (m->body_case) {
	case TOCSIN__V1__DESK_MESSAGE__BODY_INCIDENT:
		return put_line(incidents, incident_json_line(m->incident));
	case TOCSIN__V1__DESK_MESSAGE__BODY_WELCOME: return put_welcome(others, m->welcome);
	case TOCSIN__V1__DESK_MESSAGE__BODY_BEGIN: return put_object(others, typed("begin"));
	case TOCSIN__V1__DESK_MESSAGE__BODY_END:
		return put_with_text(others, "end", "position", m->end->position);
	case TOCSIN__V1__DESK_MESSAGE__BODY_RECORDED:
		return put_with_text(others, "recorded", "position", m->recorded->position);
	case TOCSIN__V1__DESK_MESSAGE__BODY_ANSWER: return put_answer(others, m->answer);
	case TOCSIN__V1__DESK_MESSAGE__BODY_HEARTBEAT: return put_heartbeat(others, m->heartbeat);
	default: return true; /* of a later version */
	}
}

bool console_json_lost(FILE *others, const char *why)
{
	return put_with_text(others, "lost", "reason", why);
}

bool console_json_said(FILE *others, const char *sentence)
{
	return put_with_text(others, "said", "text", sentence);
}
