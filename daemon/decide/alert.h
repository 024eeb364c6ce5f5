/*
 * An alert: what one source said once, in tocsin's words, whatever format it came in.
 *
 * accept/ fills it from outside bytes; decide/ settles its fate; keep/ stores it. It is never
 * changed after decide/ has seen it. What could not be read is written down as a doubt and never
 * makes an alert disappear (rule 1).
 */
#ifndef TOCSIN_DECIDE_ALERT_H
#define TOCSIN_DECIDE_ALERT_H

#include <stdbool.h>
#include <stdint.h>

#include "decide/place.h"
#include "support/clock.h"
#include "support/id.h"

#define ALERT_REF_SIZE 65     /* a sender's own id: 1 to 64 bytes */
#define ALERT_NUMBER_SIZE 96  /* a number as a sender spells it */
#define ALERT_NAME_SIZE 128
#define ALERT_ADDRESS_SIZE 200
#define ALERT_NOTE_SIZE 500

enum alert_kind {
	ALERT_UNKNOWN, /* a kind this version does not know */
	ALERT_PANIC,
	ALERT_DURESS,
	ALERT_SILENT,
	ALERT_MEDICAL,
	ALERT_RELAY, /* a regulator relays a danger */
	ALERT_CALL,  /* a registered person calls 17 */
	ALERT_INTRUSION,
	ALERT_TAMPER,
	ALERT_BATTERY,
	ALERT_LINK,
	ALERT_TEST,
	ALERT_CANCEL,   /* a request; never lowers, closes or stops anything */
	ALERT_POSITION, /* an update; never raises or renews anything */
	ALERT_KINDS,
};

/* What the edge could not read for certain. Each is shown; none lowers anything. */
enum alert_doubt {
	ALERT_DOUBT_CLOCK = 1 << 0,        /* occurred_at before 2000, or more than a day ahead */
	ALERT_DOUBT_CERTIFICATE = 1 << 1,  /* expired or not yet valid, of a registered source */
	ALERT_DOUBT_POSITION = 1 << 2,     /* a position that cannot be one; left out */
	ALERT_DOUBT_TEXT = 1 << 3,         /* a text that is not clean UTF-8 or too long; left out or cut */
	ALERT_DOUBT_KIND = 1 << 4,         /* the kind could not be read */
	ALERT_DOUBT_REF = 1 << 5,          /* no usable id of the sender's: it cannot be told from a repeat */
	ALERT_DOUBT_TRUST = 1 << 6,        /* the way in proves nothing about the sender */
};

struct alert {
	struct alert_id id; /* ours */
	struct source_id source;
	char ref[ALERT_REF_SIZE]; /* the sender's id of it */
	enum alert_kind kind;
	bool exercise;
	unsigned doubts; /* enum alert_doubt */
	struct wall received_at;
	struct wall occurred_at; /* as the sender says; not set: not given */
	bool has_fix;
	struct fix fix;
	char number[ALERT_NUMBER_SIZE]; /* as spelt by the sender */
	uint64_t rpps;                  /* 0: not given */
	char person_name[ALERT_NAME_SIZE];
	char person_number[ALERT_NUMBER_SIZE];
	char address[ALERT_ADDRESS_SIZE];
	struct commune_code commune;
	char note[ALERT_NOTE_SIZE];
};

/* A call presented to the 17. It becomes an alert only if its number matches: until then neither
 * the number nor the call id may be kept or logged (domain: consent). */
enum call_phase { CALL_PRESENTED, CALL_ANSWERED, CALL_ENDED, CALL_ABANDONED };

struct centre_id { char text[24]; }; /* "cic-77"; empty is "none" */

struct call {
	struct alert alert; /* kind ALERT_CALL; ref is the exchange's call id */
	enum call_phase phase;
	struct centre_id presented_to;
	char line[32];
	char agent[64];
};

const char *alert_kind_name(enum alert_kind kind);           /* the word of the JSON field */
bool alert_kind_parse(const char *name, enum alert_kind *out);

#endif
