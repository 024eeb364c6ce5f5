#include "push/console_decode.h"

#include <string.h>

#include "decide/territory.h"
#include "proto/console.pb-c.h"
#include "support/text.h"

static bool take_text(char *out, size_t size, const char *in)
{
	return text_is_clean_utf8(in, strlen(in)) && text_copy(out, size, in);
}

#define TAKE_TEXT(array, in) take_text((array), sizeof(array), (in))

/* A name that says who it is: more than blanks. */
static bool is_name(const char *text)
{
	return text[strspn(text, " \t\n")] != '\0';
}

static bool decode_hello(const Tocsin__V1__ConsoleHello *m, struct console_message *out)
{
	for (size_t n = 0; n < m->n_versions; n++)
		out->speaks_ours |= m->versions[n] == CONSOLE_VERSION;
	if (m->resume_after[0] != '\0')
		position_parse(m->resume_after, &out->resume_after);
	return TAKE_TEXT(out->operator, m->operator_) && is_name(out->operator);
}

static bool decode_act(const Tocsin__V1__Act *m, struct console_message *out)
{
	struct act *a = &out->act;
	a->verb = m->verb >= TOCSIN__V1__VERB__VERB_TAKE && m->verb <= TOCSIN__V1__VERB__VERB_LOOK
	                  ? (enum act_verb)m->verb
	                  : ACT_UNKNOWN;
	a->revision = m->revision;
	if (m->alert[0] != '\0')
		id_parse(m->alert, &a->alert.v);
	id_parse(m->incident, &a->incident.v); /* not one: an unknown incident */
	if (strlen(m->centre) < sizeof a->to.text &&
	    text_is_clean_utf8(m->centre, strlen(m->centre)))
		a->to = centre_id(m->centre);
	if (!text_is_clean_utf8(m->note, strlen(m->note)) ||
	    !text_is_clean_utf8(m->disposition, strlen(m->disposition)))
		return false;
	bool whole = TEXT_COPY(a->note, m->note);
	whole = TEXT_COPY(a->disposition, m->disposition) && whole;
	out->is_too_long = !whole;
	return TAKE_TEXT(out->ref, m->ref);
}

void console_decode(const uint8_t *bytes, size_t length, struct console_message *out)
{
	memset(out, 0, sizeof *out);
	Tocsin__V1__ConsoleMessage *m = tocsin__v1__console_message__unpack(NULL, length, bytes);
	if (m == NULL)
		return;
	switch (m->body_case) {
	case TOCSIN__V1__CONSOLE_MESSAGE__BODY_HELLO:
		if (decode_hello(m->hello, out))
			out->kind = CONSOLE_HELLO;
		break;
	case TOCSIN__V1__CONSOLE_MESSAGE__BODY_ACT:
		if (decode_act(m->act, out))
			out->kind = CONSOLE_ACT;
		break;
	case TOCSIN__V1__CONSOLE_MESSAGE__BODY_HEARTBEAT: out->kind = CONSOLE_HEARTBEAT; break;
	default: break;
	}
	tocsin__v1__console_message__free_unpacked(m, NULL);
}
