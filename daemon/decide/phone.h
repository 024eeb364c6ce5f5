/*
 * Telephone numbers: any spelling that an exchange, a SIP header or a form gives, to E.164.
 *
 * Pure text. French national numbers (Plan national de numérotation, ARCEP décision 2018-0881),
 * overseas numbers included, foreign numbers by ITU-T E.164 (at most 15 digits); SIP and tel URIs
 * by RFC 3261 and RFC 3966. What is none of these is invalid, never guessed.
 */
#ifndef TOCSIN_DECIDE_PHONE_H
#define TOCSIN_DECIDE_PHONE_H

#include <stdint.h>

enum phone_verdict { PHONE_NUMBER, PHONE_SHORT, PHONE_WITHHELD, PHONE_INVALID };

struct e164 { uint64_t digits; }; /* 33199001234; 0 is "none" */

#define PHONE_TEXT_SIZE 18 /* '+', 15 digits, NUL and room */

struct phone {
	enum phone_verdict verdict;
	struct e164 number;          /* PHONE_NUMBER only */
	char text[PHONE_TEXT_SIZE];  /* "+33199001234"; the short code for PHONE_SHORT; else empty */
};

struct phone phone_read(const char *raw); /* never fails; raw may hold any bytes before its NUL */
const char *phone_verdict_name(enum phone_verdict verdict); /* number, short, withheld, invalid */
const char *phone_format(struct e164 number, char out[static PHONE_TEXT_SIZE]);

#endif
