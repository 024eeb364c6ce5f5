/*
 * Telephone numbers: any spelling that an exchange, a SIP header or a form gives, to E.164.
 *
 * Pure text, for registration and for calls alike, so that both sides of a match went the same
 * way. Spaces, dots, dashes, labels, extensions; SIP and tel URIs by RFC 3261, 3323, 3325, 3966;
 * which digits are a number is numbering.h's. What is none of these is invalid, never guessed:
 * a wrong number would name the wrong person. tests/table/phone.txt says it by example.
 */
#ifndef TOCSIN_DECIDE_PHONE_H
#define TOCSIN_DECIDE_PHONE_H

#include <stdint.h>

#include "decide/numbering.h"

enum phone_verdict {
	PHONE_NUMBER,
	PHONE_SHORT,    /* 15, 17, 112, 3114, 116117: kept as dialled */
	PHONE_WITHHELD, /* somebody says that there is a number and that it is not shown */
	PHONE_INVALID,  /* everything else, an empty text included */
};

#define PHONE_RAW_MAX   2048 /* bytes; a longer text is invalid: no header or field is so long */
#define PHONE_TEXT_SIZE 18   /* '+', 15 digits, NUL and room */

struct phone {
	enum phone_verdict verdict;
	struct e164 number;         /* PHONE_NUMBER only; else none */
	char text[PHONE_TEXT_SIZE]; /* "+33199001234"; the short code for PHONE_SHORT; else empty */
};

/* Never fails; raw may hold any bytes before its NUL. UTF-8, and Windows-1252 where a byte is not.
 * Give the whole text as it came: one that was cut may read as another number. */
struct phone phone_read(const char *raw);
const char *phone_verdict_name(enum phone_verdict verdict); /* number, short, withheld, invalid */
/* "+33199001234"; "" for none. phone_read of it gives the same number again. Returns `out`. */
const char *phone_format(struct e164 number, char out[static PHONE_TEXT_SIZE]);

#endif
