#include "accept/native_decode.h"

#include <math.h>
#include <string.h>

#include "decide/territory.h"
#include "proto/sender.pb-c.h"
#include "support/text.h"

#define YEAR_2000_US   (946684800LL * CLOCK_S_US)
#define YEAR_2200_US   (7258118400LL * CLOCK_S_US)
#define DAY_MS         (24LL * 3600 * 1000)
#define ACCURACY_MAX_M 1000000.0

/* A text of the sender's: left out when it is not clean, cut when it is too long. protobuf-c lets
 * invalid UTF-8 pass. */
static void take_text(char *out, size_t size, const char *in, unsigned *doubts)
{
	if (!text_is_clean_utf8(in, strlen(in))) {
		*doubts |= ALERT_DOUBT_TEXT;
		return;
	}
	if (!text_copy(out, size, in))
		*doubts |= ALERT_DOUBT_TEXT;
}

#define TAKE_TEXT(array, in, doubts) take_text((array), sizeof(array), (in), (doubts))

/* One varint of the wire format; 0: there is none. The bytes were unpacked before. */
static size_t take_varint(const uint8_t *at, size_t left, uint64_t *out)
{
	*out = 0;
	for (size_t n = 0; n < left && n < 10; n++) {
		*out |= (uint64_t)(at[n] & 0x7f) << (7 * n);
		if (!(at[n] & 0x80))
			return n + 1;
	}
	return 0;
}

/* protobuf-c ends a text at its first NUL and says nothing: an id or a note that was cut so would
 * pass for another one. Goes down as deep as the messages are declared, whatever the bytes say. */
static bool has_nul(const ProtobufCMessageDescriptor *d, const uint8_t *at, size_t left)
{
	while (left > 0) {
		const ProtobufCFieldDescriptor *f;
		uint64_t key, length = 0;
		size_t n = take_varint(at, left, &key), skip = 0;
		if (n == 0)
			return false;
		at += n;
		left -= n;
		switch (key & 7) {
		case 0: skip = take_varint(at, left, &length); break;
		case 1: skip = 8; break;
		case 2:
			n = take_varint(at, left, &length);
			at += n;
			left -= n;
			skip = length <= left ? (size_t)length : left;
			f = protobuf_c_message_descriptor_get_field(d, (unsigned)(key >> 3));
			if (f != NULL && f->type == PROTOBUF_C_TYPE_STRING &&
			    memchr(at, 0, skip) != NULL)
				return true;
			if (f != NULL && f->type == PROTOBUF_C_TYPE_MESSAGE &&
			    has_nul(f->descriptor, at, skip))
				return true;
			break;
		case 5: skip = 4; break;
		default: return false;
		}
		if (skip > left || ((key & 7) == 0 && skip == 0))
			return false;
		at += skip;
		left -= skip;
	}
	return false;
}

/* A number that is cut may read as another one: whole or not at all. */
static void take_number(char out[static ALERT_NUMBER_SIZE], const char *in, unsigned *doubts)
{
	take_text(out, ALERT_NUMBER_SIZE, in, doubts);
	if (strlen(in) >= ALERT_NUMBER_SIZE)
		out[0] = '\0';
}

/* The sender's id: it tells a repeat from a new alert, so a bad one is none. */
static void take_ref(struct alert *a, const char *id)
{
	size_t length = strlen(id);
	if (length == 0 || length >= ALERT_REF_SIZE || !text_is_clean_utf8(id, length))
		a->doubts |= ALERT_DOUBT_REF;
	else
		TEXT_COPY(a->ref, id);
}

/* A time before 2000 or more than a day ahead is a clock that was never set; it stands as it was
 * said as long as a calendar can hold it. */
static struct wall take_time(int64_t us, struct wall now, unsigned doubt, unsigned *doubts)
{
	struct wall t = { us };
	if (us == 0)
		return t;
	if (us < YEAR_2000_US || us > wall_add_ms(now, DAY_MS).us)
		*doubts |= doubt;
	if (us < 0 || us > YEAR_2200_US)
		t.us = 0;
	return t;
}

static void take_position(struct alert *a, const Tocsin__V1__Position *p, struct wall now)
{
	if (p == NULL)
		return;
	if (!isfinite(p->lat) || !isfinite(p->lon) || fabs(p->lat) > 90 || fabs(p->lon) > 180) {
		a->doubts |= ALERT_DOUBT_POSITION;
		return;
	}
	a->has_fix = true;
	a->fix.lat = p->lat;
	a->fix.lon = p->lon;
	if (isfinite(p->accuracy_m) && p->accuracy_m >= 0 && p->accuracy_m <= ACCURACY_MAX_M)
		a->fix.accuracy_m = p->accuracy_m;
	else
		a->doubts |= ALERT_DOUBT_POSITION;
	unsigned clock = 0;
	struct wall fixed_at = take_time(p->fixed_at, now, ALERT_DOUBT_CLOCK, &clock);
	if (clock == 0)
		a->fix.fixed_at = fixed_at; /* else it counts as fixed when received */
	a->doubts |= clock;
	TAKE_TEXT(a->fix.method, p->method, &a->doubts);
}

static enum alert_kind take_kind(struct alert *a, Tocsin__V1__Kind kind)
{
	int number = (int)kind; /* the enum is unsigned here: a kind below zero is none */
	if (number > TOCSIN__V1__KIND__KIND_UNKNOWN && number < ALERT_KINDS)
		return (enum alert_kind)number;
	a->doubts |= ALERT_DOUBT_KIND;
	return ALERT_UNKNOWN;
}

static void decode_alert(const Tocsin__V1__Alert *m, struct wall now, struct alert *a)
{
	int64_t rpps;
	take_ref(a, m->id);
	a->kind = take_kind(a, m->kind);
	a->exercise = m->exercise;
	a->occurred_at = take_time(m->occurred_at, now, ALERT_DOUBT_CLOCK, &a->doubts);
	take_number(a->number, m->number, &a->doubts);
	if (m->practitioner[0] != '\0') {
		if (text_to_int(m->practitioner, 1, 99999999999LL, &rpps))
			a->rpps = (uint64_t)rpps;
		else
			a->doubts |= ALERT_DOUBT_TEXT;
	}
	if (m->person != NULL) {
		TAKE_TEXT(a->person_name, m->person->name, &a->doubts);
		take_number(a->person_number, m->person->number, &a->doubts);
	}
	take_position(a, m->position, now);
	TAKE_TEXT(a->address, m->address, &a->doubts);
	if (strlen(m->commune) == sizeof a->commune.text - 1 &&
	    text_is_clean_utf8(m->commune, strlen(m->commune)))
		a->commune = commune_code(m->commune);
	else if (m->commune[0] != '\0')
		a->doubts |= ALERT_DOUBT_TEXT;
	TAKE_TEXT(a->note, m->note, &a->doubts);
}

static void decode_call(const Tocsin__V1__Call *m, struct wall now, struct call *c)
{
	struct alert *a = &c->alert;
	take_ref(a, m->id);
	a->kind = ALERT_CALL;
	a->occurred_at = take_time(m->at, now, ALERT_DOUBT_CLOCK, &a->doubts);
	take_number(a->number, m->number, &a->doubts);
	take_position(a, m->position, now);
	/* A phase that this version does not know is heard as a call that is presented. */
	c->phase = m->phase >= TOCSIN__V1__PHASE__PHASE_PRESENTED &&
	                           m->phase <= TOCSIN__V1__PHASE__PHASE_ABANDONED
	                   ? (enum call_phase)m->phase
	                   : CALL_PRESENTED;
	if (m->presented_to == NULL)
		return;
	if (strlen(m->presented_to->centre) < sizeof c->presented_to.text &&
	    text_is_clean_utf8(m->presented_to->centre, strlen(m->presented_to->centre)))
		c->presented_to = centre_id(m->presented_to->centre);
	else
		a->doubts |= ALERT_DOUBT_TEXT;
	TAKE_TEXT(c->line, m->presented_to->line, &a->doubts);
	TAKE_TEXT(c->agent, m->presented_to->agent, &a->doubts);
}

static void decode_hello(const Tocsin__V1__Hello *m, struct native_hello *h)
{
	unsigned doubts = 0;
	for (size_t n = 0; n < m->n_versions && n < NATIVE_VERSIONS_MAX; n++)
		h->speaks_ours |= m->versions[n] == NATIVE_VERSION;
	TAKE_TEXT(h->instance, m->instance, &doubts);
}

void native_decode(const uint8_t *bytes, size_t length, struct wall now, struct native *out)
{
	memset(out, 0, sizeof *out);
	Tocsin__V1__SenderMessage *m = tocsin__v1__sender_message__unpack(NULL, length, bytes);
	if (m == NULL)
		return;
	switch (m->body_case) {
	case TOCSIN__V1__SENDER_MESSAGE__BODY_HELLO:
		out->kind = NATIVE_HELLO;
		decode_hello(m->hello, &out->hello);
		break;
	case TOCSIN__V1__SENDER_MESSAGE__BODY_ALERT:
		out->kind = NATIVE_ALERT;
		decode_alert(m->alert, now, &out->alert);
		break;
	case TOCSIN__V1__SENDER_MESSAGE__BODY_CALL:
		out->kind = NATIVE_CALL;
		decode_call(m->call, now, &out->call);
		break;
	case TOCSIN__V1__SENDER_MESSAGE__BODY_HEARTBEAT: out->kind = NATIVE_HEARTBEAT; break;
	default: /* a body of a later version: it might be a panic */
		out->kind = NATIVE_ALERT;
		out->alert.kind = ALERT_UNKNOWN;
		out->alert.doubts = ALERT_DOUBT_KIND | ALERT_DOUBT_REF;
		break;
	}
	struct alert *a = out->kind == NATIVE_ALERT  ? &out->alert
	                  : out->kind == NATIVE_CALL ? &out->call.alert
	                                             : NULL;
	if (a != NULL && has_nul(&tocsin__v1__sender_message__descriptor, bytes, length))
		a->doubts |= ALERT_DOUBT_TEXT | ALERT_DOUBT_REF; /* neither can be compared */
	tocsin__v1__sender_message__free_unpacked(m, NULL);
}
