/*
 * The numbering plans: which run of digits is a number, and which number it is.
 *
 * phone.h takes the spelling away and asks here. France and its overseas territories by ARCEP's
 * Plan national de numérotation (décision 2018-0881, with 2022-1583 and what followed until 2026);
 * everybody else by ITU-T E.164: an assigned country code and a length that can be one. Pure
 * tables; nothing is looked up outside and no number is checked for being in service.
 */
#ifndef TOCSIN_DECIDE_NUMBERING_H
#define TOCSIN_DECIDE_NUMBERING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct e164 {
	uint64_t digits;
}; /* 33199001234; 0 is "none" */

#define NUMBERING_DIGITS_MIN 7  /* country code included; the shortest plans: Niue, Saint Helena */
#define NUMBERING_DIGITS_MAX 15 /* ITU-T E.164 */

/* Each takes `length` ASCII digits, no terminator needed, and leaves *out untouched when false. */

/* A national significant number of the French plan, without its leading 0: "199001234", and
 * "692123456", which is +262 692123456. */
bool numbering_national(const char *digits, size_t length, struct e164 *out);

/* Country code first, without + or 00: "33199001234", "3225551234". */
bool numbering_international(const char *digits, size_t length, struct e164 *out);

/* A short code of the French plan: 15, 112, 3114, 1013, 116117, 118218. */
bool numbering_is_short(const char *digits, size_t length);

/* The country codes in which French short codes and the leading 0 are at home. */
bool numbering_is_french(const char *digits, size_t length);

#endif
