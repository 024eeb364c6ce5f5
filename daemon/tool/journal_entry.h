/*
 * A record of the journal as JSON, for `tocsin journal dump`: what happened, to which incident, what
 * changed in it. Ids, kinds, places of work and times; never a person's name, a number, a position,
 * an address or a text that somebody wrote, so that a dump may be shown to whoever helps.
 *
 * "at" and "incidents" are always there, "alert", "call" and "act" when the record has one.
 */
#ifndef TOCSIN_TOOL_JOURNAL_ENTRY_H
#define TOCSIN_TOOL_JOURNAL_ENTRY_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#define JOURNAL_ENTRY_LINE_SIZE 1024

/* A new reference; NULL: the bytes are no record, or no memory. */
json_t *journal_entry_json(const uint8_t *bytes, size_t length);

/* The same on one line of text. Returns `out`. */
const char *journal_entry_line(const json_t *entry, char out[static JOURNAL_ENTRY_LINE_SIZE]);

#endif
