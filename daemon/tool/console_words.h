/*
 * What a dispatcher reads, in plain French: kinds, states, roles, where a place comes from and how
 * far it can be trusted, how long ago, why an act was refused.
 *
 * Pure. A word that this version does not know is shown as it came, cleaned (plain.h), because a
 * dispatcher must never miss it.
 */
#ifndef TOCSIN_TOOL_CONSOLE_WORDS_H
#define TOCSIN_TOOL_CONSOLE_WORDS_H

#include <stddef.h>

#include "proto/incident.pb-c.h"
#include "support/clock.h"

#define CONSOLE_WORDS_SIZE 256

const char *console_words_kind(Tocsin__V1__Kind kind);
const char *console_words_level(unsigned level); /* "" for 0 */
const char *console_words_role(const char *role);
const char *console_words_contact(const char *contact); /* "" for none */

/* "prise par A. Martin (cic-77)"; of an open one "À PRENDRE". */
const char *console_words_state(const Tocsin__V1__Incident *incident, char *out, size_t size);

/* "12 s", "4 min", "3 h 05", "2 j"; what is ahead of `now` by more than a moment says so. */
const char *console_words_age(int64_t since_us, struct wall now, char *out, size_t size);

/* Local time: "02:31:07", with the day when it is another day than `now`. */
const char *console_words_time(int64_t us, struct wall now, char *out, size_t size);

/* Where the place comes from and how far it can be trusted: "position en direct, ±20 m, il y a
 * 12 s (gnss)", "adresse enregistrée (hypothèse)". NULL is "lieu inconnu". */
const char *console_words_origin(const Tocsin__V1__Place *place, struct wall now, char *out,
				 size_t size);

/* Where: the label and the commune, "12 rue Fictive, Melun"; empty when nothing is known. */
const char *console_words_place(const Tocsin__V1__Place *place, char *out, size_t size);

/* Who: the names, or "personne inconnue". */
const char *console_words_people(const Tocsin__V1__Incident *incident, char *out, size_t size);

/* "+33199001234" as it is dialled in France: "01 99 00 12 34"; others as they are. */
const char *console_words_number(const char *number, char *out, size_t size);

/* Why an act was refused (refusal_name of decide/effect.h). */
const char *console_words_refusal(const char *reason);

/* "code: phrase" without its code. *is_doubt: it says that something is not certain. */
const char *console_words_reason(const char *reason, bool *is_doubt);

#endif
